//! Random operations, compared with the file system of the machine that the tests run on: in the style of
//! fsx (contents, lengths, holes) and fsstress (names, links, renames).
//!
//! A failure names its seed and the number of the operation; `FTL_SEED=N` begins with that seed.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use abi::Error;
use files::{Files, Kind, Node};

use crate::common::{Disks, Random, long};

/// Names in a directory, and how deep paths go.
const NAMES: usize = 6;
const DEPTH_MAX: usize = 3;
/// Paths that are done something to again.
const KNOWN_MAX: usize = 30;
/// Open files at most.
const OPEN_MAX: usize = 8;
/// Bytes that stay free on the disk: the host's does not fill up at the same moment.
const FREE_MIN: u64 = 8 << 20;
/// Far ends of files: whatever lies before is a hole.
const FAR: [u64; 3] = [1 << 32, 1 << 37, (1 << 40) - (1 << 20)];

/// What an operation answers, as far as both sides can say the same.
#[derive(Clone, Debug, PartialEq)]
enum Answer {
    Done,
    Bytes(Vec<u8>),
    Names(Vec<String>),
    /// Kind, links, length (of files), and permissions.
    Metadata(char, u64, u64, u32),
}

/// Why it was refused, in words that both sides share.
fn ours(error: Error) -> ErrorKind {
    match error {
        Error::NotFound => ErrorKind::NotFound,
        Error::AlreadyExists => ErrorKind::AlreadyExists,
        Error::NotADirectory => ErrorKind::NotADirectory,
        Error::IsADirectory => ErrorKind::IsADirectory,
        Error::DirectoryNotEmpty => ErrorKind::DirectoryNotEmpty,
        Error::InvalidArgument => ErrorKind::InvalidInput,
        Error::FileTooLarge => ErrorKind::FileTooLarge,
        other => panic!("an answer that no operation should give: {other:?}"),
    }
}

#[derive(Clone, Debug)]
enum Operation {
    Create(String),
    MakeDirectory(String),
    Symlink(String, String),
    Link(String, String),
    Remove(String),
    Rename(String, String),
    Mode(String, u32),
    List(String),
    Metadata(String),
    ReadLink(String),
    Open(String),
    Close(usize),
    Write(usize, u64, Vec<u8>),
    Read(usize, u64, usize),
    SetLen(usize, u64),
    Sync,
    Remount,
}

/// The directory on the host; it goes with this.
struct Scratch(PathBuf);

impl Scratch {
    fn new(seed: u64) -> Scratch {
        let name = format!("ftl-files-{}-{seed}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Scratch(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Both file systems, and the files that are open in both.
struct Both {
    disks: Disks,
    files: Files,
    host: Scratch,
    open: Vec<(Node, fs::File)>,
    /// Paths that there were, the latest ones: half of all that is done is done to them.
    known: Vec<String>,
}

type Ours = Result<Answer, Error>;
type Hosts = std::io::Result<Answer>;

impl Both {
    fn new(seed: u64) -> Both {
        let disks = Disks::of(vec![0; 32 << 20], vec![0; 4 << 20]);
        Both {
            files: disks.mount(),
            disks,
            host: Scratch::new(seed),
            open: Vec::new(),
            known: Vec::new(),
        }
    }

    fn remember(&mut self, operation: &Operation) {
        let (Operation::Create(path)
        | Operation::MakeDirectory(path)
        | Operation::Symlink(_, path)
        | Operation::Link(_, path)
        | Operation::Rename(_, path)) = operation
        else {
            return;
        };
        if self.known.len() == KNOWN_MAX {
            self.known.remove(0);
        }
        self.known.push(path.clone());
    }

    fn choose(&mut self, random: &mut Random) -> Operation {
        let (_, free) = self.files.space().unwrap();
        let full = free < FREE_MIN;
        let known = &self.known;
        let path = |random: &mut Random| {
            if random.below(5) > 1 && !known.is_empty() {
                return known[random.below(known.len())].clone();
            }
            let parts: Vec<String> = (0..1 + random.below(DEPTH_MAX))
                .map(|_| format!("n{}", random.below(NAMES)))
                .collect();
            parts.join("/")
        };
        let offset = |random: &mut Random| match random.below(16) {
            0 => FAR[random.below(FAR.len())] + random.below(1 << 19) as u64,
            1..6 => random.below(5_000) as u64,
            6..12 => random.below(70_000) as u64,
            _ => 0,
        };
        let len = |random: &mut Random| match random.below(8) {
            0 => 0,
            1..5 => random.below(3_000),
            _ => random.below(50_000),
        };
        let one = |random: &mut Random, count: usize| random.below(count.max(1));
        let count = self.open.len();
        match random.below(64) {
            0..5 => Operation::Create(path(random)),
            5..8 => Operation::MakeDirectory(path(random)),
            8 => Operation::Symlink(format!("nowhere/{}", random.below(9)), path(random)),
            9..11 => Operation::Link(path(random), path(random)),
            11..15 => Operation::Remove(path(random)),
            15..20 => Operation::Rename(path(random), path(random)),
            20 => Operation::Mode(path(random), 0o700 | random.below(0o100) as u32),
            21..24 => Operation::List(match random.below(4) {
                0 => String::new(),
                _ => path(random),
            }),
            24..28 => Operation::Metadata(path(random)),
            28 => Operation::ReadLink(path(random)),
            29..35 if count < OPEN_MAX => Operation::Open(path(random)),
            35..38 if count > 0 => Operation::Close(one(random, count)),
            38..46 if count > 0 && !full => {
                let (at, len, byte) = (offset(random), len(random), random.below(255) as u8);
                // No two neighbours alike, so that a shift shows.
                let bytes = (0..len)
                    .map(|i| byte.wrapping_add((i % 251) as u8))
                    .collect();
                Operation::Write(one(random, count), at, bytes)
            }
            46..57 if count > 0 => Operation::Read(one(random, count), offset(random), len(random)),
            57..61 if count > 0 => {
                let at = if full { 0 } else { offset(random) };
                Operation::SetLen(one(random, count), at)
            }
            61 => Operation::Sync,
            62 if random.below(8) == 0 => Operation::Remount,
            // Where there is too much, something goes.
            _ if full => Operation::Remove(path(random)),
            _ => Operation::Metadata(path(random)),
        }
    }

    /// The directory that a path's last name lies in, and that name.
    fn inside<'a>(&mut self, path: &'a str) -> Result<(Node, &'a str), Error> {
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut node = self.files.root();
        for part in parent.split('/').filter(|part| !part.is_empty()) {
            node = self.files.lookup(node, part)?;
        }
        match self.files.attributes(node)?.kind {
            Kind::Directory => Ok((node, name)),
            _ => Err(Error::NotADirectory),
        }
    }

    fn find(&mut self, path: &str) -> Result<Node, Error> {
        if path.is_empty() {
            return Ok(self.files.root());
        }
        let (directory, name) = self.inside(path)?;
        self.files.lookup(directory, name)
    }

    /// Whether a symbolic link is part of a path: the host follows it, and finds nothing.
    fn has_link(&self, path: &str) -> bool {
        let mut at = self.host.0.clone();
        path.split('/').any(|part| {
            at.push(part);
            fs::symlink_metadata(&at).is_ok_and(|found| found.is_symlink())
        })
    }

    fn do_here(&mut self, operation: &Operation) -> Ours {
        match operation {
            Operation::Create(path) => {
                let (directory, name) = self.inside(path)?;
                self.files.create(directory, name, Kind::File, 0o644)?;
            }
            Operation::MakeDirectory(path) => {
                let (directory, name) = self.inside(path)?;
                self.files.create(directory, name, Kind::Directory, 0o755)?;
            }
            Operation::Symlink(target, path) => {
                let (directory, name) = self.inside(path)?;
                self.files.symlink(directory, name, target)?;
            }
            Operation::Link(from, to) => {
                let node = self.find(from)?;
                let (directory, name) = self.inside(to)?;
                self.files.link(node, directory, name)?;
            }
            Operation::Remove(path) => {
                let (directory, name) = self.inside(path)?;
                self.files.unlink(directory, name)?;
            }
            Operation::Rename(from, to) => {
                let (directory, name) = self.inside(from)?;
                let (other, new_name) = self.inside(to)?;
                self.files.rename(directory, name, other, new_name)?;
            }
            Operation::Mode(path, mode) => {
                let node = self.find(path)?;
                if self.files.attributes(node)?.kind == Kind::Symlink {
                    // The host goes where it leads.
                    return Err(Error::NotFound);
                }
                self.files.set_mode(node, *mode)?;
            }
            Operation::List(path) => {
                let node = self.find(path)?;
                // In small pieces, as a reader does it.
                let mut names: Vec<String> = Vec::new();
                loop {
                    let after = names.last().map_or("", String::as_str);
                    let part = self.files.list(node, after, 2)?;
                    if part.is_empty() {
                        return Ok(Answer::Names(names));
                    }
                    names.extend(part.into_iter().map(|entry| entry.name));
                }
            }
            Operation::Metadata(path) => {
                let node = self.find(path)?;
                let found = self.files.attributes(node)?;
                let (kind, links, len) = match found.kind {
                    Kind::File => ('-', u64::from(found.links), found.len),
                    // Hosts differ in what they say of these.
                    Kind::Directory => ('d', 0, 0),
                    Kind::Symlink => ('l', u64::from(found.links), 0),
                };
                return Ok(Answer::Metadata(kind, links, len, found.mode));
            }
            Operation::ReadLink(path) => {
                let node = self.find(path)?;
                let target = self.files.read_link(node)?;
                return Ok(Answer::Names(vec![target]));
            }
            Operation::Open(path) => {
                let node = self.find(path)?;
                match self.files.attributes(node)?.kind {
                    Kind::File => self.files.keep(node)?,
                    Kind::Directory => return Err(Error::IsADirectory),
                    Kind::Symlink => return Err(Error::NotFound),
                };
            }
            Operation::Close(which) => self.files.close(self.open[*which].0)?,
            Operation::Write(which, at, bytes) => {
                self.files.write(self.open[*which].0, *at, bytes)?;
            }
            Operation::Read(which, at, len) => {
                let mut bytes = vec![0xee; *len];
                let count = self.files.read(self.open[*which].0, *at, &mut bytes)?;
                bytes.truncate(count);
                return Ok(Answer::Bytes(bytes));
            }
            Operation::SetLen(which, len) => self.files.set_len(self.open[*which].0, *len)?,
            Operation::Sync => self.files.sync()?,
            Operation::Remount => {
                for (node, _) in self.open.drain(..) {
                    self.files.close(node)?;
                }
                self.files.sync()?;
                if let Some(damage) = self.files.check()? {
                    panic!("{damage}");
                }
                // The old one must be gone before.
                self.files = Disks::new().mount();
                self.files = self.disks.mount();
            }
        }
        Ok(Answer::Done)
    }

    fn do_on_the_host(&mut self, operation: &Operation) -> Hosts {
        let at = |path: &str| self.host.0.join(path);
        match operation {
            Operation::Create(path) => {
                fs::File::create_new(at(path))?;
                fs::set_permissions(at(path), fs::Permissions::from_mode(0o644))?;
            }
            Operation::MakeDirectory(path) => {
                fs::create_dir(at(path))?;
                fs::set_permissions(at(path), fs::Permissions::from_mode(0o755))?;
            }
            Operation::Symlink(target, path) => std::os::unix::fs::symlink(target, at(path))?,
            Operation::Link(from, to) => fs::hard_link(at(from), at(to))?,
            Operation::Remove(path) => match fs::symlink_metadata(at(path))?.is_dir() {
                true => fs::remove_dir(at(path))?,
                false => fs::remove_file(at(path))?,
            },
            Operation::Rename(from, to) => fs::rename(at(from), at(to))?,
            Operation::Mode(path, mode) => {
                fs::set_permissions(at(path), fs::Permissions::from_mode(*mode))?;
            }
            Operation::List(path) => {
                let mut names = fs::read_dir(at(path))?
                    .map(|entry| Ok(entry?.file_name().into_string().unwrap()))
                    .collect::<std::io::Result<Vec<String>>>()?;
                names.sort();
                return Ok(Answer::Names(names));
            }
            Operation::Metadata(path) => {
                let found = fs::symlink_metadata(at(path))?;
                let (kind, links, len) = match found.file_type() {
                    kind if kind.is_dir() => ('d', 0, 0),
                    kind if kind.is_symlink() => ('l', found.nlink(), 0),
                    _ => ('-', found.nlink(), found.len()),
                };
                let mode = found.permissions().mode() & 0o7777;
                return Ok(Answer::Metadata(kind, links, len, mode));
            }
            Operation::ReadLink(path) => {
                let target = fs::read_link(at(path))?.into_os_string();
                return Ok(Answer::Names(vec![target.into_string().unwrap()]));
            }
            Operation::Open(path) => {
                let file = fs::File::options().read(true).write(true).open(at(path))?;
                let node = self.find(path).expect("our side has opened it");
                self.open.push((node, file));
            }
            Operation::Close(which) => drop(self.open.swap_remove(*which)),
            Operation::Write(which, at, bytes) => self.open[*which].1.write_all_at(bytes, *at)?,
            Operation::Read(which, at, len) => {
                let (mut bytes, mut done) = (vec![0; *len], 0);
                while done < *len {
                    match self.open[*which]
                        .1
                        .read_at(&mut bytes[done..], at + done as u64)?
                    {
                        0 => break,
                        count => done += count,
                    }
                }
                bytes.truncate(done);
                return Ok(Answer::Bytes(bytes));
            }
            Operation::SetLen(which, len) => self.open[*which].1.set_len(*len)?,
            Operation::Sync | Operation::Remount => {}
        }
        Ok(Answer::Done)
    }

    /// Whether both sides may say different things of why: which of two reasons is named first is up to them.
    fn may_differ(&self, operation: &Operation) -> bool {
        match operation {
            Operation::Link(from, to) | Operation::Rename(from, to) => {
                let both = |path: &str| self.has_link(path) || path.contains('/');
                both(from) || both(to) || self.host.0.join(from).is_dir()
            }
            Operation::Create(path)
            | Operation::MakeDirectory(path)
            | Operation::Symlink(_, path)
            | Operation::Remove(path)
            | Operation::Mode(path, _)
            | Operation::List(path)
            | Operation::Metadata(path)
            | Operation::ReadLink(path)
            | Operation::Open(path) => self.has_link(path),
            _ => false,
        }
    }

    /// Compares all that there is.
    fn compare(&mut self, path: &str) {
        let Ok(Answer::Names(names)) = self.do_here(&Operation::List(path.into())) else {
            panic!("cannot list `{path}`");
        };
        let hosts = self.do_on_the_host(&Operation::List(path.into()));
        assert_eq!(Answer::Names(names.clone()), hosts.unwrap(), "in `{path}`");
        for name in names {
            let below = Path::new(path).join(name);
            let below = below.to_str().unwrap();
            let metadata = Operation::Metadata(below.into());
            let found = self.do_here(&metadata).unwrap();
            assert_eq!(found, self.do_on_the_host(&metadata).unwrap(), "{below}");
            match found {
                Answer::Metadata('d', ..) => self.compare(below),
                Answer::Metadata('-', _, len, _) => self.compare_contents(below, len),
                _ => {}
            }
        }
    }

    /// The contents, but for what lies far out after a hole: of that, only its last part.
    fn compare_contents(&mut self, path: &str, len: u64) {
        let node = self.find(path).unwrap();
        self.files.keep(node).unwrap();
        let file = fs::File::open(self.host.0.join(path)).unwrap();
        let near = 0..len.min(200_000);
        let end = len.saturating_sub(600_000).max(near.end)..len;
        for part in [near, end] {
            let mut bytes = vec![0; (part.end - part.start) as usize];
            file.read_exact_at(&mut bytes, part.start).unwrap();
            let mut found = vec![1; bytes.len()];
            let count = self.files.read(node, part.start, &mut found).unwrap();
            assert_eq!(count, bytes.len(), "{path}");
            let same = found.iter().zip(&bytes).position(|(a, b)| a != b);
            assert_eq!(same, None, "{path}, from {}", part.start);
        }
        self.files.close(node).unwrap();
    }
}

fn run(seed: u64, steps: usize) {
    let mut both = Both::new(seed);
    let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut done = 0;
    for step in 0..steps {
        let operation = both.choose(&mut random);
        let differs = both.may_differ(&operation);
        let here = both.do_here(&operation);
        let there = both.do_on_the_host(&operation);
        let told = |answer: &dyn std::fmt::Debug| {
            let mut text = format!("{answer:?}");
            text.truncate(300);
            text
        };
        let say = || {
            format!(
                "FTL_SEED={seed}, operation {step}: {}\n here: {}\nthere: {}",
                told(&operation),
                told(&here),
                told(&there)
            )
        };
        match (&here, &there) {
            (Ok(here), Ok(there)) => {
                assert!(here == there, "{}", say());
                both.remember(&operation);
                done += 1;
            }
            (Err(_), Err(_)) if differs => {}
            (Err(here), Err(there)) => assert_eq!(ours(*here), there.kind(), "{}", say()),
            _ => panic!("{}", say()),
        }
        if matches!(operation, Operation::Remount) || step + 1 == steps {
            both.compare("");
        }
    }
    assert!(
        done > steps / 3,
        "only {done} of {steps} operations were possible"
    );
}

#[test]
fn answers_are_those_of_the_hosts_file_system() {
    let first = std::env::var("FTL_SEED").map_or(1, |seed| seed.parse().unwrap());
    let (seeds, steps) = if long() { (40, 10_000) } else { (10, 2_500) };
    for seed in first..first + seeds {
        run(seed, steps);
    }
}
