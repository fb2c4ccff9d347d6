use std::string::ToString;
use std::vec;

use super::*;
use crate::fs::{Kind, Metadata};

/// Files and directories in memory: each node's name, the directory that it is in, and what it is. The first is the topmost.
struct Tree {
    nodes: Vec<(&'static str, u64, Kind)>,
    /// How often each was found and not released.
    pins: BTreeMap<u64, i32>,
}

impl Volume for Tree {
    fn root(&self) -> u64 {
        1
    }
    fn lookup(&mut self, directory: u64, name: &str) -> Result<u64> {
        match self.nodes[directory as usize - 1].2 {
            Kind::Directory => {}
            _ => return Err(Error::NotADirectory),
        }
        let mut nodes = self.nodes.iter().skip(1);
        let place = nodes.position(|node| node.0 == name && node.1 == directory);
        let node = place.ok_or(Error::NotFound)? as u64 + 2;
        *self.pins.entry(node).or_insert(0) += 1;
        Ok(node)
    }
    fn release(&mut self, node: u64) {
        *self.pins.entry(node).or_insert(0) -= i32::from(node != 1);
    }
    fn metadata(&mut self, node: u64) -> Result<Metadata> {
        Ok(Metadata {
            kind: self.nodes[node as usize - 1].2,
            len: 0,
            links: 1,
            mode: 0o644,
            created_ns: 0,
            modified_ns: 0,
            changed_ns: 0,
            id: node,
        })
    }
    fn list(
        &mut self,
        directory: u64,
        each: &mut dyn FnMut(&str, Kind, u64) -> Result<()>,
    ) -> Result<()> {
        for (place, node) in self.nodes.iter().enumerate().skip(1) {
            if node.1 == directory {
                each(node.0, node.2, place as u64 + 1)?;
            }
        }
        Ok(())
    }
    fn read(&mut self, _: u64, _: u64, _: &mut [u8]) -> Result<usize> {
        Ok(0)
    }
    fn space(&mut self) -> Result<(u64, u64)> {
        Ok((0, 0))
    }
    fn create(&mut self, directory: u64, name: &str, kind: Kind) -> Result<u64> {
        assert_eq!((name, kind), ("made", Kind::Directory));
        self.nodes.push(("made", directory, kind));
        self.lookup(directory, name)
    }
}

fn server(top: Top, write: bool) -> (FileServer<Tree>, Key) {
    let tree = Tree {
        nodes: vec![
            ("", 0, Kind::Directory),
            ("secret", 1, Kind::File),
            ("www", 1, Kind::Directory),
            ("index", 3, Kind::File),
            ("deep", 3, Kind::Directory),
            ("deeper", 5, Kind::Directory),
            ("a", 5, Kind::File),
        ],
        pins: BTreeMap::new(),
    };
    let mut server = FileServer::new(Some(tree));
    let key = Key::HandedOn(7);
    let client = Client {
        top,
        write,
        shared: None,
        open: 0,
    };
    server.clients.insert(key, client);
    (server, key)
}

/// What a path leads to; nothing is held afterwards.
fn find(server: &mut FileServer<Tree>, key: Key, path: &str) -> Result<u64> {
    let found = server.at(key, path, |_, node| Ok(node));
    let pins = &server.volume.as_ref().expect("a tree").pins;
    assert!(
        server.held.is_empty() && pins.values().all(|count| *count == 0),
        "{path}"
    );
    found
}

#[test]
fn paths_lead_down_from_the_clients_directory_and_nowhere_else() {
    let (mut server, key) = server(Top::Named("/www".into()), false);
    for (path, expected) in [
        ("/", Ok(3)),
        ("", Ok(3)),
        ("index", Ok(4)),
        ("/deep/./deeper/", Ok(6)),
        ("deep/deeper/../a", Ok(7)),
        ("../../secret", Err(Error::NotFound)),
        ("..", Ok(3)),
        ("deep/../../../index", Ok(4)),
        ("index/..", Ok(3)),
        ("index/x", Err(Error::NotADirectory)),
        ("nothing/../index", Err(Error::NotFound)),
    ] {
        assert_eq!(find(&mut server, key, path), expected, "{path}");
    }
}

#[test]
fn a_directory_that_is_missing_is_made_for_who_may_write() {
    let (mut reader, key) = server(Top::Named("/www/made".into()), false);
    assert_eq!(find(&mut reader, key, "/"), Err(Error::NotFound));
    let (mut writer, key) = server(Top::Named("/www/made".into()), true);
    assert_eq!(find(&mut writer, key, "/"), Ok(8));
    let (mut nobody, key) = server(Top::None, true);
    assert_eq!(find(&mut nobody, key, "/"), Err(Error::PermissionDenied));
    let (mut confused, key) = server(Top::Named("/secret".into()), false);
    assert_eq!(find(&mut confused, key, "/"), Err(Error::NotADirectory));
}

#[test]
fn what_may_not_be_changed_is_not() {
    let (mut reader, key) = server(Top::Named("/".into()), false);
    let mut changed = |path: &str| reader.change(key, path, |_, _, _| Ok(()));
    assert_eq!(changed("new"), Err(Error::PermissionDenied));
    let (mut writer, key) = server(Top::Named("/".into()), true);
    let mut changed =
        |path: &str| writer.change(key, path, |_, at, name| Ok((at, name.to_string())));
    assert_eq!(changed("www/deep/new/"), Ok((5, "new".into())));
    assert_eq!(changed("/"), Err(Error::Busy));
    assert_eq!(changed("www/.."), Err(Error::InvalidFilename));
    assert_eq!(changed("none/new"), Err(Error::NotFound));
}

#[test]
fn files_are_found_by_their_numbers_in_the_clients_directory_alone() {
    let (mut server, key) = server(Top::Named("/www".into()), false);
    assert_eq!(server.search(key, 7), Ok("/deep/a".into()));
    assert_eq!(server.search(key, 2), Err(Error::NotFound), "it is above");
}
