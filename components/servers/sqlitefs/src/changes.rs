//! What clients change by name: one function for each change, which also notes what those who watch are to be told.
//!
//! They are used by requests that happen at once ([`names`](crate::names)) and by transactions
//! ([`transactions`](crate::transactions)).

use alloc::string::String;
use alloc::vec::Vec;

use files::{Files, Kind, Node, Place};
use ftl::prelude::*;
use interfaces::fs::Change;

/// Something that those who watch are to be told once it is done.
pub enum Told {
    /// Something happened to this name in this directory.
    Name(Node, String, Change),
    /// A name of this node has gone.
    Unnamed(Node),
    /// A node's contents or attributes have changed.
    Modified(Node),
}

/// Where changes are made, and what has been changed.
pub struct Changing<'a> {
    pub files: &'a mut Files,
    /// The client's directory.
    pub top: Node,
    pub told: &'a mut Vec<Told>,
}

impl Changing<'_> {
    fn named(&mut self, directory: Node, name: &str, change: Change) {
        self.told.push(Told::Name(directory, name.into(), change));
    }

    /// The file at a path; made if it is not there and `create` says so. `create_new`: it must not be there.
    pub fn file(&mut self, path: &str, create: bool, create_new: bool) -> Result<Node> {
        match self.files.resolve(self.top, path, !create_new)? {
            Place::Name(_, _, Some(_)) if create_new => Err(Error::AlreadyExists),
            Place::Name(directory, name, None) if create || create_new => {
                let node = self.files.create(directory, &name, Kind::File, 0o644)?;
                self.named(directory, &name, Change::Created);
                Ok(node)
            }
            place => place.node(),
        }
    }

    pub fn create_dir(&mut self, path: &str) -> Result<()> {
        let path = path.trim_end_matches('/');
        let place = self.files.resolve(self.top, path, false)?;
        let (directory, name) = place.name()?;
        self.files.create(directory, name, Kind::Directory, 0o755)?;
        self.named(directory, name, Change::Created);
        Ok(())
    }

    pub fn remove(&mut self, path: &str, wants_directory: bool) -> Result<()> {
        let place = self.files.resolve(self.top, path, false)?;
        let (directory, name) = place.name()?;
        let node = place.node()?;
        let is_directory = self.files.attributes(node)?.kind == Kind::Directory;
        match (is_directory, wants_directory) {
            (true, false) => return Err(Error::IsADirectory),
            (false, true) => return Err(Error::NotADirectory),
            _ => self.files.unlink(directory, name)?,
        }
        self.named(directory, name, Change::Removed);
        self.told.push(Told::Unnamed(node));
        Ok(())
    }

    pub fn rename(&mut self, old: &str, new: &str) -> Result<()> {
        let old = self.files.resolve(self.top, old, false)?;
        let new = self.files.resolve(self.top, new, false)?;
        let ((from, name), (to, new_name)) = (old.name()?, new.name()?);
        let replaced = new.node().ok();
        self.files.rename(from, name, to, new_name)?;
        if replaced == old.node().ok() {
            // Two names of one file, or the same name twice: both stay.
            return Ok(());
        }
        self.named(from, name, Change::Removed);
        self.named(to, new_name, Change::Created);
        self.told.extend(replaced.map(Told::Unnamed));
        Ok(())
    }

    pub fn hard_link(&mut self, original: &str, link: &str) -> Result<()> {
        let node = self.files.resolve(self.top, original, false)?.node()?;
        let place = self.files.resolve(self.top, link, false)?;
        let (directory, name) = place.name()?;
        self.files.link(node, directory, name)?;
        self.named(directory, name, Change::Created);
        Ok(())
    }

    pub fn symlink(&mut self, target: &str, link: &str) -> Result<()> {
        let place = self.files.resolve(self.top, link, false)?;
        let (directory, name) = place.name()?;
        self.files.symlink(directory, name, target)?;
        self.named(directory, name, Change::Created);
        Ok(())
    }

    pub fn set_permissions(&mut self, path: &str, mode: u32) -> Result<()> {
        let node = self.files.resolve(self.top, path, true)?.node()?;
        self.files.set_mode(node, mode)?;
        self.told.push(Told::Modified(node));
        Ok(())
    }

    /// Changes the contents of a file that is there.
    pub fn contents(
        &mut self,
        node: Node,
        change: impl FnOnce(&mut Files) -> Result<()>,
    ) -> Result<()> {
        let changed = match self.files.keep(node)?.kind {
            Kind::File => change(self.files),
            Kind::Directory => Err(Error::IsADirectory),
            Kind::Symlink => Err(Error::TooManyLinks),
        };
        changed.and(self.files.close(node))?;
        self.told.push(Told::Modified(node));
        Ok(())
    }
}
