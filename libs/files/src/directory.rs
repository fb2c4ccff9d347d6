//! Names: directories, links, renaming.

use alloc::string::String;
use alloc::vec::Vec;

use abi::{Error, Result};
use sqlite::Value;

use crate::attributes::{Attributes, Kind, Node};
use crate::error::refused;
use crate::files::Files;
use crate::{NAME_LEN_MAX, TARGET_LEN_MAX};

/// A name in a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The name.
    pub name: String,
    /// What it names.
    pub node: Node,
    /// What kind that is.
    pub kind: Kind,
}

/// Directories above a directory at most, so that a damaged disk does not lead in a circle.
const DEPTH_MAX: usize = 4096;

/// Pages that a new name and a new node take at most: some may split in each of three trees.
const PAGES_FOR_NAME: u64 = 12;

impl Files {
    /// What a name in a directory names.
    pub fn lookup(&mut self, directory: Node, name: &str) -> Result<Node> {
        self.directory(directory)?;
        check(name)?;
        self.find(directory, name)?.ok_or(Error::NotFound)
    }

    /// What a name names, and what kind that is, in what is known to be a directory.
    pub(crate) fn enter(&mut self, directory: Node, name: &str) -> Result<Option<(Node, Kind)>> {
        check(name)?;
        self.begin_reading()?;
        let row = &mut self.statements.entry;
        let there = row
            .run(&[directory.0.into(), name.into()])
            .map_err(refused)?;
        let found = (Node(row.integer(0)), Kind::from_number(row.integer(1)));
        row.reset();
        match (there, found) {
            (false, _) => Ok(None),
            (true, (node, Some(kind))) => Ok(Some((node, kind))),
            (true, (_, None)) => Err(Error::InvalidData),
        }
    }

    /// Makes an empty file, or an empty directory, under a name that must be free.
    pub fn create(&mut self, directory: Node, name: &str, kind: Kind, mode: u32) -> Result<Node> {
        match kind {
            Kind::File | Kind::Directory => self.add(directory, name, kind, mode, None),
            Kind::Symlink => Err(Error::InvalidArgument),
        }
    }

    /// Makes a symbolic link. Nobody checks where it leads.
    pub fn symlink(&mut self, directory: Node, name: &str, target: &str) -> Result<Node> {
        if target.is_empty() || target.len() > TARGET_LEN_MAX || target.contains('\0') {
            return Err(Error::InvalidFilename);
        }
        self.add(directory, name, Kind::Symlink, 0o777, Some(target))
    }

    /// Where a symbolic link leads.
    pub fn read_link(&mut self, node: Node) -> Result<String> {
        if self.load(node)?.kind != Kind::Symlink {
            return Err(Error::InvalidArgument);
        }
        let data = &mut self.statements.data;
        data.run(&[node.0.into()]).map_err(refused)?;
        let target = core::str::from_utf8(data.blob(0))
            .map(String::from)
            .map_err(|_| Error::InvalidData);
        data.reset();
        target
    }

    /// Gives a file another name.
    pub fn link(&mut self, node: Node, directory: Node, name: &str) -> Result<()> {
        self.directory(directory)?;
        check(name)?;
        let attributes = self.load(node)?;
        match attributes.kind {
            Kind::Directory => return Err(Error::IsADirectory),
            _ if attributes.links == u32::MAX => return Err(Error::TooManyLinks),
            // It has lost its last name, and is going away.
            _ if attributes.links == 0 => return Err(Error::NotFound),
            _ => {}
        }
        self.reserve(PAGES_FOR_NAME)?;
        let now = self.now();
        self.atomically(|files| {
            files.add_entry(directory, name, node)?;
            files.count_links(node, 1, now)?;
            files.touch(directory, now)
        })?;
        self.linked(node, 1, now);
        self.linked(directory, 0, now);
        self.changed_names()
    }

    /// Takes a name away. What has no other name goes when nobody has it open any more. Directories
    /// must be empty.
    pub fn unlink(&mut self, directory: Node, name: &str) -> Result<()> {
        self.directory(directory)?;
        check(name)?;
        let node = self.find(directory, name)?.ok_or(Error::NotFound)?;
        let attributes = self.load(node)?;
        if attributes.kind == Kind::Directory {
            self.must_be_empty(node)?;
        }
        let now = self.now();
        self.atomically(|files| {
            files.leave(directory, name, node, attributes, now)?;
            files.touch(directory, now)
        })?;
        self.linked(node, -1, now);
        self.linked(directory, 0, now);
        self.changed_names()
    }

    /// Renames; what has the new name already is replaced, in one step. A directory replaces only
    /// an empty directory, anything else only what is no directory.
    pub fn rename(&mut self, from: Node, name: &str, to: Node, new_name: &str) -> Result<()> {
        self.directory(from)?;
        self.directory(to)?;
        check(name)?;
        check(new_name)?;
        let node = self.find(from, name)?.ok_or(Error::NotFound)?;
        let is_directory = self.load(node)?.kind == Kind::Directory;
        let replaced = self.find(to, new_name)?;
        if replaced == Some(node) {
            // Two names of one file, or twice the same name: nothing is to be done.
            return Ok(());
        }
        if is_directory && self.is_within(to, node)? {
            return Err(Error::InvalidArgument);
        }
        let replaced = match replaced {
            None => None,
            Some(other) => {
                let attributes = self.load(other)?;
                match (is_directory, attributes.kind == Kind::Directory) {
                    (true, false) => return Err(Error::NotADirectory),
                    (false, true) => return Err(Error::IsADirectory),
                    (true, true) => self.must_be_empty(other)?,
                    (false, false) => {}
                }
                Some((other, attributes))
            }
        };
        self.reserve(PAGES_FOR_NAME)?;
        let now = self.now();
        self.atomically(|files| {
            if let Some((other, attributes)) = replaced {
                files.leave(to, new_name, other, attributes, now)?;
            }
            files
                .statements
                .entry_remove
                .execute(&[from.0.into(), name.into()])
                .map_err(refused)?;
            files.add_entry(to, new_name, node)?;
            files.count_links(node, 0, now)?;
            files.touch(from, now)?;
            files.touch(to, now)
        })?;
        if let Some((other, _)) = replaced {
            self.linked(other, -1, now);
        }
        self.linked(node, 0, now);
        self.linked(from, 0, now);
        self.linked(to, 0, now);
        self.changed_names()
    }

    /// Up to `max` names that come after `after`, in the order of their bytes; from the first on if
    /// `after` is empty. Names that come or go meanwhile are told or not; no other is left out or
    /// told twice.
    pub fn list(&mut self, directory: Node, after: &str, max: usize) -> Result<Vec<Entry>> {
        let mut entries = Vec::new();
        if max > 0 {
            self.list_each(directory, after, |name, node, kind| {
                entries.push(Entry {
                    name: name.into(),
                    node,
                    kind,
                });
                entries.len() < max
            })?;
        }
        Ok(entries)
    }

    /// Hands the same to `each`, one by one, as long as it answers that it wants more. Answers whether that was all.
    pub fn list_each(
        &mut self,
        directory: Node,
        after: &str,
        mut each: impl FnMut(&str, Node, Kind) -> bool,
    ) -> Result<bool> {
        self.directory(directory)?;
        let rows = &mut self.statements.entries;
        let mut more = rows
            .run(&[directory.0.into(), after.into()])
            .map_err(refused)?;
        while more {
            let goes_on = match Kind::from_number(rows.integer(2)) {
                Some(kind) => Ok(each(rows.text(0), Node(rows.integer(1)), kind)),
                None => Err(Error::InvalidData),
            };
            if goes_on != Ok(true) {
                rows.reset();
                return goes_on;
            }
            more = rows.step().map_err(refused)?;
        }
        Ok(true)
    }

    /// The directory that a directory lies in; the topmost lies in itself.
    pub fn parent(&mut self, directory: Node) -> Result<Node> {
        if directory == self.root() {
            return Ok(directory);
        }
        self.begin_reading()?;
        let rows = &mut self.statements.parent;
        let there = rows.run(&[directory.0.into()]).map_err(refused)?;
        let parent = Node(rows.integer(0));
        rows.reset();
        match there {
            true => Ok(parent),
            false => Err(Error::NotFound),
        }
    }

    /// The directories that a node lies in, and its names there.
    pub fn entries_of(&mut self, node: Node) -> Result<Vec<(Node, String)>> {
        self.begin_reading()?;
        let rows = &mut self.statements.parent;
        let mut found = Vec::new();
        let mut more = rows.run(&[node.0.into()]).map_err(refused)?;
        while more {
            found.push((Node(rows.integer(0)), rows.text(1).into()));
            more = rows.step().map_err(refused)?;
        }
        Ok(found)
    }

    /// Whether `node` is `ancestor` or lies below it.
    pub fn is_within(&mut self, mut node: Node, ancestor: Node) -> Result<bool> {
        for _ in 0..DEPTH_MAX {
            if node == ancestor {
                return Ok(true);
            }
            if node == self.root() {
                return Ok(false);
            }
            node = self.parent(node)?;
        }
        Err(Error::InvalidData)
    }

    fn directory(&mut self, node: Node) -> Result<Attributes> {
        let attributes = self.load(node)?;
        match attributes.kind {
            // One that was removed while somebody had it open takes no new names.
            Kind::Directory if attributes.links == 0 => Err(Error::NotFound),
            Kind::Directory => Ok(attributes),
            _ => Err(Error::NotADirectory),
        }
    }

    fn find(&mut self, directory: Node, name: &str) -> Result<Option<Node>> {
        Ok(self.enter(directory, name)?.map(|(node, _)| node))
    }

    fn must_be_empty(&mut self, directory: Node) -> Result<()> {
        let any = &mut self.statements.entry_any;
        let found = any.run(&[directory.0.into()]).map_err(refused)?;
        any.reset();
        match found {
            true => Err(Error::DirectoryNotEmpty),
            false => Ok(()),
        }
    }

    fn add(
        &mut self,
        directory: Node,
        name: &str,
        kind: Kind,
        mode: u32,
        target: Option<&str>,
    ) -> Result<Node> {
        self.directory(directory)?;
        check(name)?;
        if self.find(directory, name)?.is_some() {
            return Err(Error::AlreadyExists);
        }
        self.reserve(PAGES_FOR_NAME)?;
        let now = self.now();
        let node = self.atomically(|files| {
            let len = target.map_or(0, str::len) as i64;
            let data = target.map_or(Value::Null, |target| Value::Blob(target.as_bytes()));
            let values = [
                kind.number().into(),
                i64::from(mode & 0o7777).into(),
                len.into(),
                (now as i64).into(),
                data,
            ];
            let new = &mut files.statements.node_new;
            new.execute(&values).map_err(refused)?;
            let node = Node(files.db.last_insert_rowid());
            files.add_entry(directory, name, node)?;
            files.touch(directory, now)?;
            Ok(node)
        })?;
        self.linked(directory, 0, now);
        self.changed_names()?;
        Ok(node)
    }

    fn add_entry(&mut self, directory: Node, name: &str, node: Node) -> Result<()> {
        self.statements
            .entry_new
            .execute(&[directory.0.into(), name.into(), node.0.into()])
            .map_err(refused)
    }

    /// Takes an entry away; the node too, if that was its last, nobody has it open and it is small.
    fn leave(
        &mut self,
        directory: Node,
        name: &str,
        node: Node,
        attributes: Attributes,
        now: u64,
    ) -> Result<()> {
        self.statements
            .entry_remove
            .execute(&[directory.0.into(), name.into()])
            .map_err(refused)?;
        if attributes.links > 1 {
            return self.count_links(node, -1, now);
        }
        let is_open = self.open.contains_key(&node);
        if !is_open && self.goes_at_once(node, &attributes) {
            return self.remove_node(node);
        }
        // Its last name, but somebody has it open, or it is large.
        let orphan = &mut self.statements.orphan_new;
        orphan.execute(&[node.0.into()]).map_err(refused)?;
        if !is_open {
            self.tidying.nodes.insert(node);
        }
        self.count_links(node, -1, now)
    }

    fn count_links(&mut self, node: Node, more: i64, now: u64) -> Result<()> {
        self.statements
            .links_add
            .execute(&[node.0.into(), more.into(), (now as i64).into()])
            .map_err(refused)
    }

    /// Notes in the table that a directory has changed.
    fn touch(&mut self, directory: Node, now: u64) -> Result<()> {
        let a = self.load(directory)?;
        let values = [
            directory.0.into(),
            i64::from(a.mode).into(),
            i64::from(a.links).into(),
            (a.len as i64).into(),
            (now as i64).into(),
            (now as i64).into(),
        ];
        self.statements.node_set.execute(&values).map_err(refused)
    }

    /// Notes the same in memory, for a node that somebody has open: after the tables were changed.
    fn linked(&mut self, node: Node, more: i32, now: u64) {
        if let Some(open) = self.open.get_mut(&node) {
            let attributes = &mut open.attributes;
            attributes.links = attributes.links.saturating_add_signed(more);
            attributes.times.changed = now;
            if attributes.kind == Kind::Directory {
                attributes.times.modified = now;
            }
        }
    }
}

/// Whether a name may stand in a directory.
fn check(name: &str) -> Result<()> {
    match name {
        "" | "." | ".." => Err(Error::InvalidFilename),
        name if name.len() > NAME_LEN_MAX => Err(Error::InvalidFilename),
        name if name.contains(['/', '\0']) => Err(Error::InvalidFilename),
        _ => Ok(()),
    }
}
