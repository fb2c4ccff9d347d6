//! What is in a directory.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use ftl::{Error, Result};
use ring::SharedMemory;

use super::dir::Mount;
use super::{Dir, FileType, Metadata, Server};
use crate::fs::{self, Blocking as _, Kind};

/// Entries in a message: the bound in `interfaces/fs.yml`. A directory with fewer is read with one.
const MESSAGE_MAX: usize = 14;
/// Bytes of entries that are read at once if there are more: some hundred.
const PART_LEN: usize = 16 * 1024;
/// Bytes of an entry before its name.
const HEAD_LEN: usize = 10;

/// Adds an entry to others, as `read_dir_shared` in `interfaces/fs.yml` has them in memory. Names are at most 255 bytes.
pub fn push_entry(entries: &mut Vec<u8>, id: u64, kind: Kind, name: &str) {
    entries.extend_from_slice(&id.to_le_bytes());
    let kind = match kind {
        Kind::File => 0,
        Kind::Directory => 1,
        Kind::Symlink => 2,
    };
    let len = name.len().min(255);
    entries.extend_from_slice(&[kind, len as u8]);
    entries.extend_from_slice(&name.as_bytes()[..len]);
}

/// Bytes that [`push_entry`] adds.
pub fn entry_len(name: &str) -> usize {
    HEAD_LEN + name.len()
}

/// Takes the first of some entries apart: its number, kind and name, and what comes behind.
pub(super) fn first_entry(entries: &[u8]) -> Option<(u64, Kind, &str, &[u8])> {
    let (id, rest) = entries.split_first_chunk::<8>()?;
    let (&[kind, len], rest) = rest.split_first_chunk::<2>()?;
    let kind = match kind {
        0 => Kind::File,
        1 => Kind::Directory,
        2 => Kind::Symlink,
        _ => return None,
    };
    let (name, rest) = rest.split_at_checked(len.into())?;
    let name = core::str::from_utf8(name).ok()?;
    Some((u64::from_le_bytes(*id), kind, name, rest))
}

/// The entries of a directory, in the order of their names' bytes. Names that come or go meanwhile are told or not;
/// no other is left out or told twice.
pub struct ReadDir {
    server: Rc<Server>,
    /// Its path for the server, and for whoever reads it.
    path: Rc<str>,
    shown: Rc<str>,
    /// Other directories that are seen in it, and how many of them were told.
    mounts: Rc<[Mount]>,
    mounts_told: usize,
    /// The name that was told last.
    last: String,
    /// Entries that were read, and where the next one begins.
    part: Vec<u8>,
    next: usize,
    ended: bool,
}

impl ReadDir {
    pub(super) fn new(dir: &Dir, path: &str) -> Result<ReadDir> {
        let (server, inner) = dir.route(path);
        let is_top = Rc::ptr_eq(&server, &dir.server)
            && inner.split('/').all(|part| matches!(part, "" | "." | ".."));
        let mut entries = ReadDir {
            server,
            path: inner.into(),
            shown: dir.absolute(path).into(),
            mounts: match is_top {
                true => dir.mounts.clone(),
                false => Rc::new([]),
            },
            mounts_told: 0,
            last: String::new(),
            part: Vec::new(),
            next: 0,
            ended: false,
        };
        // So that a directory that is not there is an error here, and not at the first entry.
        entries.fetch_few()?;
        Ok(entries)
    }

    /// The first entries, in a message: most directories have no more.
    fn fetch_few(&mut self) -> Result<()> {
        let (path, part) = (&self.path, &mut self.part);
        let count = self.server.ask(|fs| {
            let entries = fs.read_dir(path, "")?;
            for entry in entries.iter() {
                push_entry(part, entry.id, entry.kind, entry.name);
            }
            Ok(entries.iter().count())
        })?;
        self.ended = count < MESSAGE_MAX;
        Ok(())
    }

    /// More of them, through shared memory.
    fn fetch_many(&mut self) -> Result<()> {
        let (path, last, server) = (&self.path, &self.last, &self.server);
        let part = &mut self.part;
        part.clear();
        self.next = 0;
        server.ask_again(|fs| {
            let memory = server.memory()?;
            let len = fs.read_dir_shared(path, last, 0, PART_LEN as u32)? as usize;
            // Copied once: what is in shared memory may change.
            part.resize(len.min(PART_LEN), 0);
            memory.read(0, part);
            Ok(())
        })?;
        self.ended = part.is_empty();
        Ok(())
    }

    fn next_entry(&mut self) -> Result<Option<DirEntry>> {
        if self.next == self.part.len() && !self.ended {
            self.fetch_many()?;
        }
        let entries = &self.part[self.next..];
        let first = match entries.is_empty() {
            true => None,
            false => Some(first_entry(entries).ok_or(Error::Malformed)?),
        };
        if let Some(mount) = self.mounts.get(self.mounts_told)
            && first.is_none_or(|(.., name, _)| mount.name.as_str() <= name)
        {
            self.mounts_told += 1;
            let mount = mount.clone();
            if let Some((.., name, rest)) = first
                && name == mount.name
            {
                // It is hidden.
                if rest.is_empty() {
                    self.last = name.into();
                }
                self.next = self.part.len() - rest.len();
            }
            return Ok(Some(DirEntry {
                server: mount.server,
                parent: None,
                directory: self.shown.clone(),
                name: mount.name,
                kind: Kind::Directory,
                id: 0,
            }));
        }
        let Some((id, kind, name, rest)) = first else {
            return Ok(None);
        };
        if rest.is_empty() {
            self.last = name.into();
        }
        let entry = DirEntry {
            server: self.server.clone(),
            parent: Some(self.path.clone()),
            directory: self.shown.clone(),
            name: name.into(),
            kind,
            id,
        };
        self.next = self.part.len() - rest.len();
        Ok(Some(entry))
    }
}

impl Iterator for ReadDir {
    type Item = Result<DirEntry>;

    fn next(&mut self) -> Option<Result<DirEntry>> {
        let entry = self.next_entry().transpose();
        if let Some(Err(_)) = &entry {
            // There is no going on.
            self.mounts_told = self.mounts.len();
            (self.ended, self.next) = (true, self.part.len());
        }
        entry
    }
}
/// An entry of a directory.
pub struct DirEntry {
    server: Rc<Server>,
    /// The directory's path for the server; none if this is the topmost directory there. Most who read a directory want no more
    /// than names and kinds, so paths are put together when they are asked for.
    parent: Option<Rc<str>>,
    directory: Rc<str>,
    name: String,
    kind: fs::Kind,
    id: u64,
}

impl DirEntry {
    /// Its name.
    pub fn file_name(&self) -> &str {
        &self.name
    }
    /// What kind of thing it is; links are not followed.
    pub fn file_type(&self) -> FileType {
        FileType(self.kind)
    }
    /// As [`Metadata::id`].
    pub fn id(&self) -> u64 {
        self.id
    }
    /// Its path, from the directory that the component was given.
    pub fn path(&self) -> String {
        Dir::join(&self.directory, &self.name)
    }
    /// What is known about it; links are not followed.
    pub fn metadata(&self) -> Result<Metadata> {
        let path = match &self.parent {
            Some(parent) => Dir::join(parent, &self.name),
            None => String::from("/"),
        };
        self.server
            .ask(|fs| fs.metadata(&path, false).map(Metadata))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_taken_apart_as_they_were_put_together() {
        let all = [
            (1, Kind::File, "a"),
            (u64::MAX, Kind::Directory, "größer"),
            (7, Kind::Symlink, ""),
        ];
        let mut bytes = Vec::new();
        for (id, kind, name) in all {
            let before = bytes.len();
            push_entry(&mut bytes, id, kind, name);
            assert_eq!(bytes.len() - before, entry_len(name));
        }
        let mut rest = bytes.as_slice();
        for expected in all {
            let (id, kind, name, behind) = first_entry(rest).expect("an entry");
            assert_eq!((id, kind, name), expected);
            rest = behind;
        }
        // What a server sends that means no good.
        for len in 0..bytes.len() {
            let mut rest = &bytes[..len];
            while let Some((.., behind)) = first_entry(rest) {
                rest = behind;
            }
        }
        assert!(first_entry(&[0, 0, 0, 0, 0, 0, 0, 0, 3, 0]).is_none());
        assert!(first_entry(&[0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff]).is_none());
    }
}
