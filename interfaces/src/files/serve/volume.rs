//! What a file system has to know, to be served.

use alloc::string::String;

use ftl::{Error, Result};

use crate::fs;

/// A file system without symbolic links. Files and directories are its nodes, each with a number.
///
/// Those who serve it ask for one thing at a time. What changes something is refused unless the file system says how it is done.
pub trait Volume {
    /// The topmost directory, which is always there.
    fn root(&self) -> u64;
    /// The node with this name in a directory. Its number stands for it until it was released as often as it was found.
    fn lookup(&mut self, directory: u64, name: &str) -> Result<u64>;
    /// Once less.
    fn release(&mut self, node: u64);
    /// What is known about a node, `id` being its number.
    fn metadata(&mut self, node: u64) -> Result<fs::Metadata>;
    /// Tells what is in a directory, in any order, until `each` fails.
    fn list(
        &mut self,
        directory: u64,
        each: &mut dyn FnMut(&str, fs::Kind, u64) -> Result<()>,
    ) -> Result<()>;
    /// Reads from a file; fewer bytes than there is room for only at its end.
    fn read(&mut self, file: u64, offset: u64, to: &mut [u8]) -> Result<usize>;
    /// Bytes of all that it can hold, and how many of them are free.
    fn space(&mut self) -> Result<(u64, u64)>;

    /// Somebody has a file open from now on.
    fn opened(&mut self, file: u64, write: bool) -> Result<()> {
        let _ = file;
        match write {
            true => Err(Error::ReadOnlyFilesystem),
            false => Ok(()),
        }
    }
    /// Somebody has it open no more.
    fn closed(&mut self, file: u64) {
        let _ = file;
    }
    /// Writes to a file, all of it.
    fn write(&mut self, file: u64, offset: u64, from: &[u8]) -> Result<()> {
        let _ = (file, offset, from);
        Err(Error::ReadOnlyFilesystem)
    }
    /// Cuts a file, or makes it longer with zeroes.
    fn set_len(&mut self, file: u64, len: u64) -> Result<()> {
        let _ = (file, len);
        Err(Error::ReadOnlyFilesystem)
    }
    /// Makes an empty file or directory. The answer is as that of `lookup`.
    fn create(&mut self, directory: u64, name: &str, kind: fs::Kind) -> Result<u64> {
        let _ = (directory, name, kind);
        Err(Error::ReadOnlyFilesystem)
    }
    /// Takes away a file, or an empty directory.
    fn remove(&mut self, directory: u64, name: &str, kind: fs::Kind) -> Result<()> {
        let _ = (directory, name, kind);
        Err(Error::ReadOnlyFilesystem)
    }
    /// Gives something another name and place, instead of what has them.
    fn rename(&mut self, from: (u64, &str), to: (u64, &str)) -> Result<()> {
        let _ = (from, to);
        Err(Error::ReadOnlyFilesystem)
    }
    /// Sets the permission bits, as far as they can be kept.
    fn set_mode(&mut self, node: u64, mode: u32) -> Result<()> {
        let _ = (node, mode);
        Err(Error::ReadOnlyFilesystem)
    }
    /// Sets when a file was changed last.
    fn set_modified(&mut self, node: u64, unix_ns: u64) -> Result<()> {
        let _ = (node, unix_ns);
        Err(Error::ReadOnlyFilesystem)
    }
    /// What was changed before survives a loss of power from here on.
    fn sync(&mut self) -> Result<()> {
        Ok(())
    }
}

/// A path, taken apart: `..` goes up by names, which is all there is without links.
pub(super) fn parts(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|part| !matches!(*part, "" | "."))
}

/// The path of something in a directory.
pub(super) fn below(directory: &str, name: &str) -> String {
    let mut path = String::from(directory);
    path.push('/');
    path + name
}
