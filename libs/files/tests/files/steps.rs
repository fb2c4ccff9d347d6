//! What a client does, step by step, and what there is afterwards: for the tests of memory that runs out.

use abi::Result;
use files::{Files, Kind, Node};

/// Something that a client does, with a name.
pub type Step = (&'static str, fn(&mut Files) -> Result<()>);

fn at(files: &mut Files, path: &str) -> Result<Node> {
    let mut node = files.root();
    for part in path.split('/') {
        node = files.lookup(node, part)?;
    }
    Ok(node)
}

fn open(
    files: &mut Files,
    path: &str,
    act: impl FnOnce(&mut Files, Node) -> Result<()>,
) -> Result<()> {
    let node = at(files, path)?;
    files.keep(node)?;
    let done = act(files, node);
    // Memory may be refused here as well: then it is the close that failed.
    let closed = files.close(node);
    done.and(closed)
}

pub const STEPS: &[Step] = &[
    ("mkdir", |files| {
        let root = files.root();
        files.create(root, "d", Kind::Directory, 0o755).map(drop)
    }),
    ("create", |files| {
        let d = at(files, "d")?;
        files.create(d, "a", Kind::File, 0o644).map(drop)
    }),
    ("small write", |files| {
        open(files, "d/a", |files, node| files.write(node, 3, &[7; 90]))
    }),
    ("large write", |files| {
        open(files, "d/a", |files, node| {
            files.write(node, 50, &[8; 90_000])
        })
    }),
    ("write in the middle", |files| {
        open(files, "d/a", |files, node| {
            files.write(node, 20_000, &[9; 5_000])
        })
    }),
    ("snapshot", |files| files.snapshot("s")),
    ("write over what a snapshot keeps", |files| {
        open(files, "d/a", |files, node| {
            files.write(node, 10_000, &[5; 40_000])
        })
    }),
    ("link", |files| {
        let (a, root) = (at(files, "d/a")?, files.root());
        files.link(a, root, "b")
    }),
    ("symlink", |files| {
        let root = files.root();
        files.symlink(root, "l", "d/a").map(drop)
    }),
    ("rename", |files| {
        let (d, root) = (at(files, "d")?, files.root());
        files.rename(d, "a", root, "c")
    }),
    ("rename over", |files| {
        let root = files.root();
        files.rename(root, "c", root, "l")
    }),
    ("cut", |files| {
        open(files, "b", |files, node| files.set_len(node, 30_000))
    }),
    ("unlink", |files| {
        let root = files.root();
        files.unlink(root, "l")
    }),
    ("restore", |files| files.restore("s").map(drop)),
];

/// All that there is, as text; nothing fails meanwhile.
pub fn picture(files: &mut Files) -> String {
    let names = |snapshot: files::Snapshot| snapshot.name;
    let snapshots: Vec<String> = files.snapshots().unwrap().into_iter().map(names).collect();
    let (mut text, mut waiting) = (
        format!("{snapshots:?}\n"),
        vec![(String::new(), files.root())],
    );
    while let Some((path, node)) = waiting.pop() {
        for entry in files.list(node, "", 1000).unwrap() {
            let path = format!("{path}/{}", entry.name);
            let found = files.keep(entry.node).unwrap();
            text += &format!("{path} {:?} {} {}", entry.kind, found.len, found.links);
            if entry.kind == Kind::File {
                let mut bytes = vec![0; found.len as usize];
                files.read(entry.node, 0, &mut bytes).unwrap();
                let sum = bytes.iter().fold(1u64, |sum, &byte| {
                    sum.wrapping_mul(31).wrapping_add(byte.into())
                });
                text += &format!(" {sum}");
            }
            text.push('\n');
            files.close(entry.node).unwrap();
            if entry.kind == Kind::Directory {
                waiting.push((path, entry.node));
            }
        }
    }
    text
}
