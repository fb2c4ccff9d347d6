//! Random operations, compared with a model: paths and bytes in a map.

use std::collections::BTreeMap;

use abi::{Error, Result};
use files::{Files, Kind, Node};

use crate::common::{Disks, Random, long};

/// What the model knows of a node.
#[derive(Clone, Debug, Hash, PartialEq)]
pub enum Thing {
    File(Vec<u8>),
    Directory,
}

/// Paths without the first `/`, as a tree in order.
pub type Tree = BTreeMap<String, Thing>;

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(parent, _)| parent)
}

/// The last name of a path.
pub fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

fn children(tree: &Tree, path: &str) -> bool {
    tree.keys()
        .any(|other| parent(other) == path && !other.is_empty())
}

/// The directory that a path's last name lies in.
pub fn directory(files: &mut Files, path: &str) -> Result<Node> {
    let mut node = files.root();
    for part in parent(path).split('/').filter(|part| !part.is_empty()) {
        node = files.lookup(node, part)?;
    }
    match files.attributes(node)?.kind {
        Kind::Directory => Ok(node),
        _ => Err(Error::NotADirectory),
    }
}

/// The model's answer for the directory of a path.
fn model_directory(tree: &Tree, path: &str) -> Result<()> {
    let mut at = String::new();
    for part in parent(path).split('/').filter(|part| !part.is_empty()) {
        if !at.is_empty() {
            at.push('/');
        }
        at += part;
        match tree.get(&at) {
            None => return Err(Error::NotFound),
            Some(Thing::Directory) => {}
            // Only found out when the next name is looked up there.
            Some(Thing::File(_)) if at == parent(path) => return Err(Error::NotADirectory),
            Some(Thing::File(_)) => return Err(Error::NotADirectory),
        }
    }
    Ok(())
}

/// One random operation on both, or several together, which all happen or none.
pub fn step(files: &mut Files, tree: &mut Tree, random: &mut Random) {
    if random.below(8) > 0 {
        return single(files, tree, random);
    }
    let mut after = tree.clone();
    let gives_up = random.below(2) == 0;
    let done = files.together(files.weight(8, 0).0, |files| {
        for _ in 0..random.below(6) {
            single(files, &mut after, random);
        }
        match gives_up {
            true => Err(Error::Cancelled),
            false => Ok(()),
        }
    });
    match gives_up {
        true => assert_eq!(done, Err(Error::Cancelled)),
        false => {
            assert_eq!(done, Ok(()));
            *tree = after;
        }
    }
}

/// One random operation on both; panics if the answers differ.
fn single(files: &mut Files, tree: &mut Tree, random: &mut Random) {
    let mut path = || {
        let depth = 1 + random.below(3);
        let parts: Vec<String> = (0..depth)
            .map(|_| format!("n{}", random.below(4)))
            .collect();
        parts.join("/")
    };
    let (path, other) = (path(), path());
    let what = random.below(10);
    let (offset, len) = match random.below(4) {
        0 => (0, random.below(100)),
        1 => (random.below(2000), random.below(2000)),
        2 => (random.below(60_000), random.below(40_000)),
        _ => (0, 0),
    };
    let byte = random.below(256) as u8;
    let real = |files: &mut Files| -> Result<Vec<u8>> {
        let inside = directory(files, &path)?;
        match what {
            0 | 1 => files
                .create(inside, name(&path), Kind::File, 0o644)
                .map(|_| vec![]),
            2 => files
                .create(inside, name(&path), Kind::Directory, 0o755)
                .map(|_| vec![]),
            3 => files.unlink(inside, name(&path)).map(|()| vec![]),
            4 => {
                let to = directory(files, &other)?;
                files
                    .rename(inside, name(&path), to, name(&other))
                    .map(|()| vec![])
            }
            _ => {
                let node = files.lookup(inside, name(&path))?;
                files.keep(node)?;
                let done = match what {
                    5 | 6 => files
                        .write(node, offset as u64, &vec![byte; len])
                        .map(|()| vec![]),
                    7 => files.set_len(node, (offset + len) as u64).map(|()| vec![]),
                    _ => {
                        let mut bytes = vec![0; len];
                        files.read(node, offset as u64, &mut bytes).map(|count| {
                            bytes.truncate(count);
                            bytes
                        })
                    }
                };
                files.close(node)?;
                done
            }
        }
    };
    let found = real(files);
    let expected = model(tree, what, &path, &other, offset, len, byte);
    assert_eq!(
        found, expected,
        "operation {what} on {path} ({other}), offset {offset}, {len} bytes"
    );
}

fn model(
    tree: &mut Tree,
    what: usize,
    path: &str,
    other: &str,
    offset: usize,
    len: usize,
    byte: u8,
) -> Result<Vec<u8>> {
    model_directory(tree, path)?;
    match what {
        0..=2 => {
            if tree.contains_key(path) {
                return Err(Error::AlreadyExists);
            }
            let thing = match what {
                2 => Thing::Directory,
                _ => Thing::File(vec![]),
            };
            tree.insert(path.into(), thing);
        }
        3 => {
            if !tree.contains_key(path) {
                return Err(Error::NotFound);
            }
            if children(tree, path) {
                return Err(Error::DirectoryNotEmpty);
            }
            tree.remove(path);
        }
        4 => {
            model_directory(tree, other)?;
            let Some(thing) = tree.get(path).cloned() else {
                return Err(Error::NotFound);
            };
            if path == other {
                return Ok(vec![]);
            }
            let is_directory = thing == Thing::Directory;
            if is_directory && other.starts_with(&format!("{path}/")) {
                return Err(Error::InvalidArgument);
            }
            match tree.get(other) {
                Some(Thing::File(_)) if is_directory => return Err(Error::NotADirectory),
                Some(Thing::Directory) if !is_directory => return Err(Error::IsADirectory),
                Some(Thing::Directory) if children(tree, other) => {
                    return Err(Error::DirectoryNotEmpty);
                }
                _ => {}
            }
            let below = format!("{path}/");
            let moved: Vec<String> = tree
                .keys()
                .filter(|key| **key == path || key.starts_with(&below))
                .cloned()
                .collect();
            for key in moved {
                let thing = tree.remove(&key).unwrap();
                tree.insert(format!("{other}{}", &key[path.len()..]), thing);
            }
        }
        _ => {
            let bytes = match tree.get_mut(path) {
                None => return Err(Error::NotFound),
                Some(Thing::Directory) => return Err(Error::IsADirectory),
                Some(Thing::File(bytes)) => bytes,
            };
            match what {
                5 | 6 => {
                    if len > 0 {
                        let end = offset + len;
                        bytes.resize(bytes.len().max(end), 0);
                        bytes[offset..end].fill(byte);
                    }
                }
                7 => bytes.resize(offset + len, 0),
                _ => {
                    let there = bytes.get(offset..).unwrap_or(&[]);
                    return Ok(there[..there.len().min(len)].to_vec());
                }
            }
        }
    }
    Ok(vec![])
}

/// The whole file system as the model has it.
pub fn read_all(files: &mut Files) -> Tree {
    let mut tree = Tree::new();
    let mut waiting = vec![(String::new(), files.root())];
    while let Some((path, node)) = waiting.pop() {
        for entry in files.list(node, "", 1000).unwrap() {
            let path = match path.as_str() {
                "" => entry.name.clone(),
                path => format!("{path}/{}", entry.name),
            };
            let thing = match entry.kind {
                Kind::Directory => {
                    waiting.push((path.clone(), entry.node));
                    Thing::Directory
                }
                _ => {
                    let len = files.keep(entry.node).unwrap().len;
                    let mut bytes = vec![0; len as usize];
                    files.read(entry.node, 0, &mut bytes).unwrap();
                    files.close(entry.node).unwrap();
                    Thing::File(bytes)
                }
            };
            tree.insert(path, thing);
        }
    }
    tree
}

#[test]
fn random_operations_are_answered_as_by_a_model() {
    let (seeds, steps) = if long() { (50, 2_000) } else { (4, 500) };
    for seed in 1..=seeds {
        println!("seed {seed}");
        let disks = Disks::new();
        let mut files = disks.mount();
        let mut tree = Tree::new();
        let mut random = Random(seed);
        for i in 0..steps {
            step(&mut files, &mut tree, &mut random);
            if random.below(20) == 0 {
                files.sync().unwrap();
            }
            if random.below(100) == 0 {
                files.sync().unwrap();
                drop(files);
                files = disks.mount();
            }
            if i % 100 == 0 {
                assert_eq!(read_all(&mut files), tree);
            }
        }
        assert_eq!(read_all(&mut files), tree);
        assert_eq!(files.check(), Ok(None));
    }
}
