//! The archive's files and the directories that their names make.

use alloc::string::String;
use alloc::vec::Vec;

use archive::{BLOCK_LEN, Head};
use ftl::prelude::*;
use interfaces::files::serve::Volume;
use interfaces::fs::{Kind, Metadata};
use ring::SharedMemory;

/// Files and directories, at most: an archive has some hundred.
const NODES_MAX: usize = 4096;

/// What is in the archive. Numbers are places, counted from 1; the first is the topmost directory.
pub struct Tree<M> {
    memory: M,
    nodes: Vec<Node>,
}

struct Node {
    name: String,
    parent: u64,
    kind: Kind,
    /// Where its bytes lie.
    offset: usize,
    len: usize,
}

const ROOT: u64 = 1;

impl<M: SharedMemory> Tree<M> {
    /// Reads the headers. Nobody writes this memory any more, but it is shared, so they are looked at in a copy.
    pub fn read(memory: M, len: usize) -> Result<Tree<M>> {
        let mut tree = Tree {
            memory,
            nodes: Vec::new(),
        };
        tree.add("", 0, Kind::Directory, 0, 0)?;
        let len = len.min(tree.memory.len());
        let mut at = 0;
        while at + BLOCK_LEN <= len {
            let mut header = [0; BLOCK_LEN];
            tree.memory.read(at, &mut header);
            let bad = |error| {
                error!("{error}");
                Error::InvalidData
            };
            let Some(head) = Head::read(&header, at).map_err(bad)? else {
                break;
            };
            let next = head.next(at, len).map_err(bad)?;
            if head.is_file {
                tree.add_file(head.name, at + BLOCK_LEN, head.len)?;
            }
            at = next;
        }
        Ok(tree)
    }

    fn add_file(&mut self, path: &str, offset: usize, len: usize) -> Result<()> {
        let mut directory = ROOT;
        let mut parts = path.split('/').filter(|part| !part.is_empty()).peekable();
        while let Some(name) = parts.next() {
            let known = self.lookup(directory, name);
            directory = match (known, parts.peek()) {
                (Ok(known), Some(_)) => known,
                (Err(_), Some(_)) => self.add(name, directory, Kind::Directory, 0, 0)?,
                // Of two with one name, the first is what everybody else takes, too.
                (Ok(_), None) => return Ok(()),
                (Err(_), None) => self.add(name, directory, Kind::File, offset, len)?,
            };
        }
        Ok(())
    }

    fn add(
        &mut self,
        name: &str,
        parent: u64,
        kind: Kind,
        offset: usize,
        len: usize,
    ) -> Result<u64> {
        if self.nodes.len() >= NODES_MAX {
            return Err(Error::ServerLimit);
        }
        self.nodes.push(Node {
            name: name.into(),
            parent,
            kind,
            offset,
            len,
        });
        Ok(self.nodes.len() as u64)
    }

    fn node(&self, number: u64) -> Result<&Node> {
        let place = usize::try_from(number).ok().and_then(|n| n.checked_sub(1));
        place
            .and_then(|place| self.nodes.get(place))
            .ok_or(Error::NotFound)
    }
}

impl<M: SharedMemory> Volume for Tree<M> {
    fn root(&self) -> u64 {
        ROOT
    }

    fn lookup(&mut self, directory: u64, name: &str) -> Result<u64> {
        if self.node(directory)?.kind != Kind::Directory {
            return Err(Error::NotADirectory);
        }
        let is_it = |node: &Node| node.parent == directory && node.name == name;
        let place = self.nodes.iter().position(is_it);
        place.map(|place| place as u64 + 1).ok_or(Error::NotFound)
    }

    fn release(&mut self, _: u64) {}

    fn metadata(&mut self, number: u64) -> Result<Metadata> {
        let node = self.node(number)?;
        Ok(Metadata {
            kind: node.kind,
            len: node.len as u64,
            links: 1,
            mode: match node.kind {
                Kind::Directory => 0o555,
                _ => 0o444,
            },
            created_ns: 0,
            modified_ns: 0,
            changed_ns: 0,
            id: number,
        })
    }

    fn list(
        &mut self,
        directory: u64,
        each: &mut dyn FnMut(&str, Kind, u64) -> Result<()>,
    ) -> Result<()> {
        for (place, node) in self.nodes.iter().enumerate() {
            if node.parent == directory {
                each(&node.name, node.kind, place as u64 + 1)?;
            }
        }
        Ok(())
    }

    fn read(&mut self, file: u64, offset: u64, to: &mut [u8]) -> Result<usize> {
        let node = self.node(file)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(node.len);
        let len = to.len().min(node.len - start);
        self.memory.read(node.offset + start, &mut to[..len]);
        Ok(len)
    }

    fn space(&mut self) -> Result<(u64, u64)> {
        Ok((self.memory.len() as u64, 0))
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::Ordering;
    use std::vec;

    use super::*;

    struct Bytes(Vec<u8>);

    impl SharedMemory for Bytes {
        fn len(&self) -> usize {
            self.0.len()
        }
        fn read(&self, offset: usize, to: &mut [u8]) {
            to.copy_from_slice(&self.0[offset..offset + to.len()]);
        }
        fn write(&self, _: usize, _: &[u8]) {
            unreachable!("nobody writes the archive");
        }
        fn load_u32(&self, _: usize, _: Ordering) -> u32 {
            unreachable!("it is no ring")
        }
        fn store_u32(&self, _: usize, _: u32, _: Ordering) {
            unreachable!("it is no ring")
        }
    }

    fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
        let mut all = Vec::new();
        for (name, contents) in files {
            let mut header = [0_u8; BLOCK_LEN];
            header[..name.len()].copy_from_slice(name.as_bytes());
            let len = std::format!("{:011o}", contents.len());
            header[124..135].copy_from_slice(len.as_bytes());
            header[156] = b'0';
            header[257..263].copy_from_slice(b"ustar\0");
            header[148..156].fill(b' ');
            let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
            let sum = std::format!("{sum:06o}\0 ");
            header[148..156].copy_from_slice(sum.as_bytes());
            all.extend(header);
            all.extend(*contents);
            all.resize(all.len().next_multiple_of(BLOCK_LEN), 0);
        }
        all.extend([0; 2 * BLOCK_LEN]);
        all
    }

    #[test]
    fn names_with_slashes_make_directories() {
        let image = vec![7; 1000];
        let bytes = tar(&[
            ("init", &image),
            ("components/cat", b"meow"),
            ("components/dog", b""),
        ]);
        let len = bytes.len();
        let mut tree = Tree::read(Bytes(bytes), len).expect("an archive");
        let mut names = Vec::new();
        let mut list = |tree: &mut Tree<Bytes>, directory| {
            names.clear();
            tree.list(directory, &mut |name, kind, _| {
                names.push((String::from(name), kind));
                Ok(())
            })
            .expect("a directory");
            names.clone()
        };
        let top = list(&mut tree, ROOT);
        assert_eq!(
            top,
            [
                ("init".into(), Kind::File),
                ("components".into(), Kind::Directory)
            ]
        );
        let inner = tree.lookup(ROOT, "components").expect("a directory");
        assert_eq!(list(&mut tree, inner).len(), 2);
        let cat = tree.lookup(inner, "cat").expect("a file");
        let mut part = [0; 10];
        assert_eq!(tree.read(cat, 1, &mut part), Ok(3));
        assert_eq!(&part[..3], b"eow");
        assert_eq!(tree.read(cat, u64::MAX, &mut part), Ok(0));
        assert_eq!(tree.lookup(cat, "x"), Err(Error::NotADirectory));
        assert_eq!(tree.write(cat, 0, b"x"), Err(Error::ReadOnlyFilesystem));
    }

    #[test]
    fn a_damaged_archive_is_an_error() {
        let good = tar(&[("a", b"1"), ("b/c", b"2")]);
        for at in 0..good.len() {
            let mut bytes = good.clone();
            bytes[at] ^= 0x15;
            let len = bytes.len();
            let _ = Tree::read(Bytes(bytes), len);
            let _ = Tree::read(Bytes(good[..at].to_vec()), at);
        }
    }
}
