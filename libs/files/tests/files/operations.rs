//! One operation after the other.

use abi::Error;
use files::{CHUNK_LEN, FILE_LEN_MAX, Files, INLINE_LEN_MAX, Kind, Node};

use crate::common::Disks;

/// Makes a file with these contents, and leaves it open.
fn file(files: &mut Files, name: &str, contents: &[u8]) -> Node {
    let node = files.create(files.root(), name, Kind::File, 0o644).unwrap();
    files.keep(node).unwrap();
    files.write(node, 0, contents).unwrap();
    node
}

fn contents(files: &mut Files, node: Node) -> Vec<u8> {
    let len = files.keep(node).unwrap().len as usize;
    let mut bytes = vec![0xee; len + 10];
    let count = files.read(node, 0, &mut bytes).unwrap();
    assert_eq!(count, len);
    bytes.truncate(len);
    files.close(node).unwrap();
    bytes
}

fn names(files: &mut Files, directory: Node) -> Vec<String> {
    let entries = files.list(directory, "", 100).unwrap();
    entries.into_iter().map(|entry| entry.name).collect()
}

#[test]
fn files_of_all_lengths_come_back() {
    let disks = Disks::new();
    let mut files = disks.mount();
    let lengths = [
        0,
        1,
        INLINE_LEN_MAX,
        INLINE_LEN_MAX + 1,
        4096,
        CHUNK_LEN - 1,
        CHUNK_LEN,
        CHUNK_LEN + 1,
        5 * CHUNK_LEN + 77,
    ];
    for len in lengths {
        let bytes: Vec<u8> = (0..len).map(|i| (i * 7 + len) as u8).collect();
        let node = file(&mut files, &format!("f{len}"), &bytes);
        assert_eq!(contents(&mut files, node), bytes);
        files.close(node).unwrap();
    }
    files.sync().unwrap();
    drop(files);
    let mut files = disks.mount();
    for len in lengths {
        let bytes: Vec<u8> = (0..len).map(|i| (i * 7 + len) as u8).collect();
        let node = files.lookup(files.root(), &format!("f{len}")).unwrap();
        assert_eq!(contents(&mut files, node), bytes);
        assert_eq!(files.attributes(node).unwrap().len, len as u64);
    }
}

#[test]
fn a_file_may_have_holes_up_to_a_tebibyte() {
    let mut files = Disks::new().mount();
    let node = file(&mut files, "sparse", b"begin");
    files.write(node, FILE_LEN_MAX - 3, b"end").unwrap();
    assert_eq!(files.attributes(node).unwrap().len, FILE_LEN_MAX);
    let mut bytes = [1; 8];
    assert_eq!(files.read(node, FILE_LEN_MAX - 5, &mut bytes), Ok(5));
    assert_eq!(&bytes[..5], b"\0\0end");
    assert_eq!(files.read(node, 0, &mut bytes), Ok(8));
    assert_eq!(&bytes, b"begin\0\0\0");
    assert_eq!(files.read(node, FILE_LEN_MAX, &mut bytes), Ok(0));
    assert_eq!(
        files.write(node, FILE_LEN_MAX - 1, b"ab"),
        Err(Error::FileTooLarge)
    );
    assert_eq!(files.write(node, u64::MAX, b"ab"), Err(Error::FileTooLarge));
    assert_eq!(
        files.set_len(node, FILE_LEN_MAX + 1),
        Err(Error::FileTooLarge)
    );
}

#[test]
fn what_is_cut_off_is_zero_when_the_file_grows_again() {
    let mut files = Disks::new().mount();
    for (len, cut) in [
        (100, 10),
        (3 * CHUNK_LEN, CHUNK_LEN + 5),
        (CHUNK_LEN, 0),
        (2 * CHUNK_LEN, CHUNK_LEN),
    ] {
        let node = file(&mut files, &format!("{len}"), &vec![9; len]);
        files.set_len(node, cut as u64).unwrap();
        files.set_len(node, len as u64).unwrap();
        let mut expected = vec![9; cut];
        expected.resize(len, 0);
        assert_eq!(contents(&mut files, node), expected, "{len} cut to {cut}");
    }
}

#[test]
fn names_are_checked_and_found() {
    let mut files = Disks::new().mount();
    let root = files.root();
    for wrong in ["", ".", "..", "a/b", "a\0b", &"x".repeat(256)] {
        assert_eq!(
            files.create(root, wrong, Kind::File, 0),
            Err(Error::InvalidFilename)
        );
        assert_eq!(files.lookup(root, wrong), Err(Error::InvalidFilename));
    }
    files.create(root, &"ä".repeat(127), Kind::File, 0).unwrap();
    let directory = files.create(root, "d", Kind::Directory, 0o755).unwrap();
    assert_eq!(
        files.create(root, "d", Kind::File, 0),
        Err(Error::AlreadyExists)
    );
    let inner = files.create(directory, "d", Kind::File, 0).unwrap();
    assert_eq!(files.lookup(directory, "d"), Ok(inner));
    assert_eq!(files.lookup(inner, "d"), Err(Error::NotADirectory));
    assert_eq!(files.lookup(directory, "nothing"), Err(Error::NotFound));
    assert_eq!(files.lookup(Node(999), "d"), Err(Error::NotFound));
    assert_eq!(files.parent(directory), Ok(root));
    assert_eq!(files.parent(root), Ok(root));
}

#[test]
fn rename_replaces_in_one_step_and_keeps_trees_trees() {
    let mut files = Disks::new().mount();
    let root = files.root();
    let a = file(&mut files, "a", b"a");
    let b = file(&mut files, "b", b"b");
    files.rename(root, "a", root, "b").unwrap();
    assert_eq!(files.lookup(root, "b"), Ok(a));
    assert_eq!(files.lookup(root, "a"), Err(Error::NotFound));
    // The one that was replaced is still open, and goes with its last user.
    assert_eq!(contents(&mut files, b), b"b");
    assert_eq!(files.attributes(b).unwrap().links, 0);
    files.close(b).unwrap();
    assert_eq!(files.attributes(b), Err(Error::NotFound));

    let outer = files.create(root, "outer", Kind::Directory, 0o755).unwrap();
    let inner = files
        .create(outer, "inner", Kind::Directory, 0o755)
        .unwrap();
    assert_eq!(
        files.rename(root, "outer", inner, "x"),
        Err(Error::InvalidArgument)
    );
    assert_eq!(
        files.rename(root, "outer", outer, "x"),
        Err(Error::InvalidArgument)
    );
    assert_eq!(
        files.rename(root, "b", root, "outer"),
        Err(Error::IsADirectory)
    );
    assert_eq!(
        files.rename(root, "outer", root, "b"),
        Err(Error::NotADirectory)
    );
    files.create(root, "empty", Kind::Directory, 0o755).unwrap();
    assert_eq!(
        files.rename(root, "empty", root, "outer"),
        Err(Error::DirectoryNotEmpty)
    );
    files.rename(outer, "inner", root, "empty").unwrap();
    assert_eq!(files.lookup(root, "empty"), Ok(inner));
    files.rename(root, "b", root, "b").unwrap();
    assert_eq!(names(&mut files, root), ["b", "empty", "outer"]);
    assert_eq!(names(&mut files, outer), [""; 0]);
}

#[test]
fn links_count_and_the_last_one_ends_a_file() {
    let mut files = Disks::new().mount();
    let root = files.root();
    let node = file(&mut files, "one", b"same");
    files.link(node, root, "two").unwrap();
    assert_eq!(files.attributes(node).unwrap().links, 2);
    files.rename(root, "one", root, "two").unwrap();
    assert_eq!(
        names(&mut files, root),
        ["one", "two"],
        "both are the same file"
    );
    files.close(node).unwrap();
    files.unlink(root, "one").unwrap();
    assert_eq!(contents(&mut files, node), b"same");
    files.unlink(root, "two").unwrap();
    assert_eq!(files.attributes(node), Err(Error::NotFound));
    let directory = files.create(root, "d", Kind::Directory, 0o755).unwrap();
    assert_eq!(files.link(directory, root, "e"), Err(Error::IsADirectory));
    files.create(directory, "f", Kind::File, 0).unwrap();
    assert_eq!(files.unlink(root, "d"), Err(Error::DirectoryNotEmpty));
    files.unlink(directory, "f").unwrap();
    // Somebody is in it: it goes, and takes no new names.
    files.keep(directory).unwrap();
    files.unlink(root, "d").unwrap();
    assert_eq!(
        files.create(directory, "g", Kind::File, 0),
        Err(Error::NotFound)
    );
    files.close(directory).unwrap();
}

#[test]
fn what_was_open_without_a_name_is_gone_after_a_restart() {
    let disks = Disks::new();
    let mut files = disks.mount();
    let root = files.root();
    let node = file(&mut files, "gone", &[1; 100_000]);
    files.unlink(root, "gone").unwrap();
    files.write(node, 0, b"still there").unwrap();
    files.sync().unwrap();
    std::mem::forget(files); // the machine goes down
    let mut files = disks.mount();
    assert_eq!(files.attributes(node), Err(Error::NotFound));
    let mut chunks = 0;
    let count = |row: &sqlite::Statement| {
        chunks = row.integer(0);
        Ok(true)
    };
    files
        .query("select count(*) from chunk", |_| {}, count, |_| {})
        .unwrap();
    assert_eq!(chunks, 0);
}

#[test]
fn symbolic_links_hold_their_target() {
    let mut files = Disks::new().mount();
    let root = files.root();
    let link = files.symlink(root, "link", "../somewhere/ä").unwrap();
    assert_eq!(files.read_link(link).unwrap(), "../somewhere/ä");
    assert_eq!(files.attributes(link).unwrap().kind, Kind::Symlink);
    assert_eq!(
        files.symlink(root, "other", ""),
        Err(Error::InvalidFilename)
    );
    assert_eq!(files.read_link(root), Err(Error::InvalidArgument));
    files.keep(link).unwrap();
    assert_eq!(files.write(link, 0, b"x"), Err(Error::InvalidArgument));
}

#[test]
fn a_directory_is_listed_in_pages_while_it_changes() {
    let mut files = Disks::new().mount();
    let root = files.root();
    for i in 0..100 {
        files
            .create(root, &format!("{i:03}"), Kind::File, 0)
            .unwrap();
    }
    let (mut found, mut after) = (vec![], String::new());
    loop {
        let page = files.list(root, &after, 7).unwrap();
        let Some(last) = page.last() else { break };
        after = last.name.clone();
        found.extend(page.iter().map(|entry| entry.name.clone()));
        // One that was told goes, and one that comes later is new.
        files.unlink(root, &page[0].name).unwrap();
        let _ = files.create(root, &format!("{after}x"), Kind::File, 0);
    }
    let told: Vec<_> = found.iter().filter(|name| name.len() == 3).collect();
    assert_eq!(told.len(), 100, "each is told once");
    assert!(found.is_sorted());
}

#[test]
fn times_say_what_happened() {
    let mut files = Disks::new().mount();
    let root = files.root();
    let before = files.attributes(root).unwrap().times;
    let node = file(&mut files, "f", b"x");
    let made = files.attributes(node).unwrap().times;
    assert!(files.attributes(root).unwrap().times.modified > before.modified);
    files.set_mode(node, 0o600).unwrap();
    let changed = files.attributes(node).unwrap();
    assert_eq!(
        (changed.mode, changed.times.modified),
        (0o600, made.modified)
    );
    assert!(changed.times.changed > made.changed);
    files.write(node, 0, b"y").unwrap();
    assert!(files.attributes(node).unwrap().times.modified > made.modified);
    files.set_modified(node, 5).unwrap();
    assert_eq!(files.attributes(node).unwrap().times.modified, 5);
    assert_eq!(files.attributes(node).unwrap().times.created, made.created);
}

#[test]
fn sql_sees_everything_and_changes_nothing() {
    let disks = Disks::new();
    let mut files = disks.mount();
    let root = files.root();
    let directory = files.create(root, "var", Kind::Directory, 0o755).unwrap();
    let long = files.create(directory, "long", Kind::File, 0o644).unwrap();
    files.keep(long).unwrap();
    files.write(long, 0, &[b'a'; 5]).unwrap();
    // A hole, binary bytes, and an end in the middle of a chunk.
    files
        .write(long, 3 * CHUNK_LEN as u64, &[0, 255, 7])
        .unwrap();
    file(&mut files, "short", b"hi\0there");
    let mut rows = vec![];
    let sql = "select path, kind, size, content from files order by path";
    files
        .query(
            sql,
            |_| {},
            |row| {
                let row = (
                    row.text(0).to_owned(),
                    row.text(1).to_owned(),
                    row.integer(2),
                    row.blob(3).to_vec(),
                );
                rows.push(row);
                Ok(true)
            },
            |words| panic!("{words}"),
        )
        .unwrap();
    let found: Vec<_> = rows
        .iter()
        .map(|(path, kind, size, _)| (path.as_str(), kind.as_str(), *size))
        .collect();
    let len = 3 * CHUNK_LEN as i64 + 3;
    assert_eq!(
        found,
        [
            ("/", "directory", 0),
            ("/short", "file", 8),
            ("/var", "directory", 0),
            ("/var/long", "file", len)
        ]
    );
    assert_eq!(rows[1].3, b"hi\0there");
    let mut expected = vec![0; len as usize];
    expected[..5].fill(b'a');
    expected[len as usize - 3..].copy_from_slice(&[0, 255, 7]);
    assert!(rows[3].3 == expected);

    let mut words = String::new();
    let result = files.query(
        "delete from node",
        |_| {},
        |_| Ok(true),
        |text| words = text.into(),
    );
    assert_eq!(
        (result, words.as_str()),
        (Err(Error::PermissionDenied), "not authorized")
    );
    let mut words = String::new();
    let result = files.query("selekt", |_| {}, |_| Ok(true), |text| words = text.into());
    assert_eq!(result, Err(Error::InvalidArgument));
    assert!(words.contains("selekt"), "{words}");
    file(&mut files, "after", b"writing still works");
}

#[test]
fn a_full_disk_refuses_cleanly_and_deleting_makes_room() {
    let disks = Disks::of(vec![0; 1 << 20], vec![0; 1 << 20]);
    let mut files = disks.mount();
    let root = files.root();
    let (total, free) = files.space().unwrap();
    assert!(total == 1 << 20 && free > 800_000, "{total} {free}");
    let mut made = 0;
    let error = loop {
        let node = files.create(root, &format!("{made}"), Kind::File, 0);
        let written = node.and_then(|node| {
            files.keep(node)?;
            let written = files.write(node, 0, &[7; 50_000]);
            let closed = files.close(node);
            written.and(closed)
        });
        match written {
            Ok(()) => made += 1,
            Err(error) => break error,
        }
    };
    assert_eq!(error, Error::StorageFull);
    assert!(made > 10, "{made}");
    files.sync().unwrap();
    for i in 0..made {
        let node = files.lookup(root, &format!("{i}")).unwrap();
        assert_eq!(contents(&mut files, node), [7; 50_000], "file {i}");
    }
    files.unlink(root, "0").unwrap();
    files.sync().unwrap();
    file(&mut files, "new", &[8; 40_000]);
    files.sync().unwrap();
}

/// SQLite writes pages that its cache has no room for to the log before the transaction ends, and writes some of them
/// again, in the middle of the log.
#[test]
fn transactions_larger_than_the_cache_are_whole() {
    let disks = Disks::of(vec![0; 32 << 20], vec![0; 16 << 20]);
    let mut files = disks.mount();
    let node = file(&mut files, "large", b"");
    let part: Vec<u8> = (0..64 * 1024).map(|i| (i * 7) as u8).collect();
    for i in 0..64 {
        files.write(node, i * 60_000, &part).unwrap();
        file(&mut files, &format!("small{i}"), &part[..100]);
    }
    assert_eq!(files.check().unwrap(), None);
    files.sync().unwrap();
    drop(files);
    let mut files = disks.mount();
    assert_eq!(files.check().unwrap(), None);
    let found = contents(&mut files, node);
    for (i, byte) in found.iter().enumerate() {
        let written = (i / 60_000).min(63);
        assert_eq!(*byte, part[i - written * 60_000], "byte {i}");
    }
}

#[test]
fn paths_stay_below_their_top() {
    let mut files = Disks::new().mount();
    let root = files.root();
    let var = files.create(root, "var", Kind::Directory, 0o755).unwrap();
    let www = files.create(var, "www", Kind::Directory, 0o755).unwrap();
    let page = files.create(www, "page", Kind::File, 0o644).unwrap();
    files.create(root, "secret", Kind::File, 0o600).unwrap();
    for (name, target) in [
        ("same", "page"),
        ("up", "../../../secret"),
        ("absolute", "/page"),
        ("circle", "circle"),
        ("here", "."),
    ] {
        files.symlink(www, name, target).unwrap();
    }
    let mut find = |top, path, follow| files.resolve(top, path, follow).and_then(|at| at.node());
    assert_eq!(find(root, "/var/www/page", true), Ok(page));
    assert_eq!(find(root, "var//./www/../www/page", true), Ok(page));
    assert_eq!(find(root, "var/www/same", true), Ok(page));
    assert_ne!(find(root, "var/www/same", false), Ok(page));
    assert_eq!(find(www, "/", true), Ok(www));
    assert_eq!(find(www, "../..", true), Ok(www));
    assert_eq!(find(www, "../../page", true), Ok(page));
    assert_eq!(find(www, "absolute", true), Ok(page));
    assert_eq!(find(www, "here/here/page", true), Ok(page));
    // Out of the directory leads no way: not by `..`, and not by a link.
    assert_eq!(find(www, "../../secret", true), Err(Error::NotFound));
    assert_eq!(find(www, "up", true), Err(Error::NotFound));
    assert_eq!(find(www, "circle", true), Err(Error::TooManyLinks));
    assert_eq!(find(www, "page/", true), Err(Error::NotADirectory));
    assert_eq!(find(www, "page/x", true), Err(Error::NotADirectory));
    assert_eq!(find(www, "page/..", true), Err(Error::NotADirectory));
    assert_eq!(find(www, "none/x", true), Err(Error::NotFound));
    assert_eq!(find(www, "", true), Err(Error::InvalidFilename));
    let place = files.resolve(www, "new", true).unwrap();
    assert_eq!(place.name(), Ok((www, "new")));
    assert_eq!(
        files.resolve(www, ".", true).unwrap().name(),
        Err(Error::InvalidFilename)
    );
}

#[test]
fn what_was_read_once_is_not_read_from_the_disk_again() {
    let disks = Disks::new();
    let mut files = disks.mount();
    let root = files.root();
    let directory = files.create(root, "d", Kind::Directory, 0o755).unwrap();
    for i in 0..100 {
        files
            .create(directory, &format!("{i}"), Kind::File, 0o644)
            .unwrap();
    }
    let node = file(&mut files, "large", &[5; 200_000]);
    files.sync().unwrap();
    let mut bytes = [0; 4096];
    for disk in [&disks.data, &disks.log] {
        files.resolve(root, "d/77", true).unwrap();
        files.read(node, 100_000, &mut bytes).unwrap();
        *disk.fails_after.borrow_mut() = Some(0);
    }
    for _ in 0..10 {
        let found = files.resolve(root, "d/77", true).unwrap().node().unwrap();
        files.attributes(found).unwrap();
        files.read(node, 100_000, &mut bytes).unwrap();
        assert_eq!(bytes, [5; 4096]);
    }
    assert_eq!(files.reprepared(), 0);
}
