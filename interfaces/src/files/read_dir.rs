//! What is in a directory.

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::string::String;

use ftl::Result;

use super::{Dir, FileType, Metadata, Server};
use crate::fs::{self, Blocking as _};

/// The entries of a directory, in the order of their names' bytes. Names that come or go meanwhile are told or not;
/// no other is left out or told twice.
pub struct ReadDir {
    server: Rc<Server>,
    path: String,
    last: String,
    entries: VecDeque<(String, fs::Kind, u64)>,
    ended: bool,
}

impl ReadDir {
    pub(super) fn new(server: Rc<Server>, path: String) -> Result<ReadDir> {
        let mut entries = ReadDir {
            server,
            path,
            last: String::new(),
            entries: VecDeque::new(),
            ended: false,
        };
        // So that a directory that is not there is an error here, and not at the first entry.
        entries.fetch()?;
        Ok(entries)
    }

    fn fetch(&mut self) -> Result<()> {
        let (path, last, entries) = (&self.path, &mut self.last, &mut self.entries);
        self.server.ask(|fs| {
            for entry in fs.read_dir(path, last)?.iter() {
                entries.push_back((entry.name.into(), entry.kind, entry.id));
            }
            Ok(())
        })?;
        match entries.back() {
            Some((name, ..)) => *last = name.clone(),
            None => self.ended = true,
        }
        Ok(())
    }
}

impl Iterator for ReadDir {
    type Item = Result<DirEntry>;

    fn next(&mut self) -> Option<Result<DirEntry>> {
        if self.entries.is_empty()
            && !self.ended
            && let Err(error) = self.fetch()
        {
            self.ended = true;
            return Some(Err(error));
        }
        let (name, kind, id) = self.entries.pop_front()?;
        Some(Ok(DirEntry {
            server: self.server.clone(),
            directory: self.path.clone(),
            name,
            kind,
            id,
        }))
    }
}

/// An entry of a directory.
pub struct DirEntry {
    server: Rc<Server>,
    directory: String,
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
        let path = self.path();
        self.server
            .ask(|fs| fs.metadata(&path, false).map(Metadata))
    }
}
