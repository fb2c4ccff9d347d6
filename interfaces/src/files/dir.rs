//! Directories: what a component was given, and everything below.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use ftl::io::{Read, Write};
use ftl::launcher::{self, Blocking as _};
use ftl::process::Command;
use ftl::{Error, Result};

use super::{File, Metadata, OpenOptions, Permissions, ReadDir, Server, Transaction};
use crate::fs::{self, Blocking as _};

/// A directory that a component was given. Paths begin here, with or without a `/`; nothing leads out of it.
///
/// The methods are `std::fs`'s functions; see the [module](super) for an example.
#[derive(Clone)]
pub struct Dir {
    pub(super) server: Rc<Server>,
    /// Where paths begin that do not begin with `/`.
    current: String,
    /// Other directories that are seen in this one, in the order of their names.
    pub(super) mounts: Rc<[Mount]>,
}

/// A directory that is seen under a name at the top of another.
#[derive(Clone)]
pub(super) struct Mount {
    pub(super) name: String,
    pub(super) server: Rc<Server>,
}

/// How much room there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// Bytes of the disk that can hold data.
    pub total: u64,
    /// How many of them are free.
    pub free: u64,
}

impl fmt::Debug for Dir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Dir({})", self.current)
    }
}

impl Dir {
    /// The directory behind this channel: `env.fs` of a component whose file needs `fs`.
    pub fn new(fs: fs::Client) -> Dir {
        Dir {
            server: Rc::new(Server::new(fs)),
            current: "/".into(),
            mounts: Rc::new([]),
        }
    }

    /// The same directory, in which another one is seen under a name at the top: paths below `/NAME` lead there.
    /// Only this value and its clones see it, and the commands to which [`Dir::lend`] gives them. It hides what the directory
    /// itself has under that name, and links lead to it only by way of [`Dir::absolute`].
    pub fn with_mount(&self, name: &str, other: &Dir) -> Dir {
        let mount = Mount {
            name: name.into(),
            server: other.server.clone(),
        };
        let others = self.mounts.iter().filter(|known| known.name != name);
        let mut mounts: Vec<Mount> = others.cloned().chain([mount]).collect();
        mounts.sort_by(|a, b| a.name.cmp(&b.name));
        Dir {
            mounts: mounts.into(),
            ..self.clone()
        }
    }

    /// Names of the directories that are seen in this one.
    pub fn mounts(&self) -> impl Iterator<Item = &str> {
        self.mounts.iter().map(|mount| mount.name.as_str())
    }

    /// Whose server a path leads to, and which path it is there. What `..` means below a mount is a matter of names.
    pub(super) fn route(&self, path: &str) -> (Rc<Server>, String) {
        let path = self.absolute(path);
        if !self.mounts.is_empty() {
            let mut parts: Vec<&str> = Vec::new();
            for part in path.split('/') {
                match part {
                    "" | "." => {}
                    ".." => drop(parts.pop()),
                    part => parts.push(part),
                }
            }
            if let Some((first, rest)) = parts.split_first()
                && let Some(mount) = self.mounts.iter().find(|mount| mount.name == *first)
            {
                let mut inner = String::from("/");
                inner += &rest.join("/");
                return (mount.server.clone(), inner);
            }
        }
        (self.server.clone(), path)
    }

    /// Two paths, which have to lead to the same server.
    fn route_both(&self, one: &str, other: &str) -> Result<(Rc<Server>, String, String)> {
        let (server, one) = self.route(one);
        let (there, other) = self.route(other);
        match Rc::ptr_eq(&server, &there) {
            true => Ok((server, one, other)),
            false => Err(Error::CrossesDevices),
        }
    }

    /// The directory of a command, with its current directory.
    #[doc(hidden)]
    pub fn of_command(
        fs: fs::Client,
        mounts: Vec<(String, fs::Client)>,
        current: Option<&str>,
    ) -> Dir {
        let mounts = mounts.into_iter();
        let whole = mounts.fold(Dir::new(fs), |dir, (name, fs)| {
            dir.with_mount(&name, &Dir::new(fs))
        });
        whole.at(current.unwrap_or("/"))
    }

    /// The same directory; paths that do not begin with `/` begin at `current`. A convenience, and no
    /// boundary: see [`Dir::open_dir`].
    pub fn at(&self, current: &str) -> Dir {
        Dir {
            current: self.absolute(current),
            ..self.clone()
        }
    }

    /// Where paths begin that do not begin with `/`.
    pub fn current(&self) -> &str {
        &self.current
    }

    /// Where a path leads, from this directory on. `..` stays in it: what it means depends on links.
    pub fn absolute(&self, path: &str) -> String {
        match path.starts_with('/') {
            true => path.into(),
            false => Dir::join(&self.current, path),
        }
    }

    pub(super) fn join(directory: &str, name: &str) -> String {
        let mut path = String::with_capacity(directory.len() + name.len() + 1);
        path += directory;
        if !path.ends_with('/') {
            path.push('/');
        }
        path + name
    }

    /// A directory below as a directory of its own, to be kept or handed on: nothing leads out of it, and
    /// it can be changed only if `write` says so.
    pub fn open_dir(&self, path: &str, write: bool) -> Result<Dir> {
        self.channel(path, write).map(Dir::new)
    }

    /// The same as a channel, for a component or a command that is to have it:
    /// see [`ftl::process::Command::directory`].
    pub fn channel(&self, path: &str, write: bool) -> Result<fs::Client> {
        let (server, path) = self.route(path);
        server.ask(|fs| fs.open_dir(&path, write))
    }

    /// Gives a command that is about to be started this directory, with what is seen in it, and with the rights that the
    /// command's own file asks for, as far as they are had; nothing if it asks for none.
    pub fn lend_as_asked(
        &self,
        name: &str,
        command: &mut Command,
        launcher: &mut launcher::Client,
    ) -> Result<()> {
        let (mut first, mut asked) = (0, launcher::Directory::None);
        loop {
            let page = launcher.commands(first)?;
            let count = page.commands.iter().count() as u16;
            if let Some(found) = page.commands.iter().find(|command| command.name == name) {
                asked = found.directory;
                break;
            }
            first += count;
            if count == 0 || first >= page.total {
                break;
            }
        }
        match asked {
            launcher::Directory::None => Ok(()),
            launcher::Directory::Read => self.lend(command, false),
            launcher::Directory::Write => self.lend(command, true),
        }
    }

    /// Gives a command that is about to be started this directory, with what is seen in it, to be changed only if
    /// `write` says so and it can be.
    pub fn lend(&self, command: &mut Command, write: bool) -> Result<()> {
        let open = |server: &Server| match server.ask(|fs| fs.open_dir("/", write)) {
            Err(Error::PermissionDenied | Error::ReadOnlyFilesystem) if write => {
                server.ask(|fs| fs.open_dir("/", false))
            }
            channel => channel,
        };
        command.directory(&open(&self.server)?);
        for mount in self.mounts.iter() {
            // One that is away now is not seen.
            if let Ok(channel) = open(&mount.server) {
                command.mount(&mount.name, &channel);
            }
        }
        Ok(())
    }

    /// Opens a file for reading.
    pub fn open(&self, path: &str) -> Result<File> {
        OpenOptions::new().read(true).open(self, path)
    }

    /// Opens a file for writing; it is made if it is not there, and emptied if it is.
    pub fn create(&self, path: &str) -> Result<File> {
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .open(self, path)
    }

    /// What is in a file.
    pub fn read(&self, path: &str) -> Result<Vec<u8>> {
        let mut file = self.open(path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// What is in a file of text. [`Error::InvalidData`] if it is not UTF-8.
    pub fn read_to_string(&self, path: &str) -> Result<String> {
        String::from_utf8(self.read(path)?).map_err(|_| Error::InvalidData)
    }

    /// Makes a file with these contents, or replaces those that it has.
    pub fn write(&self, path: &str, contents: impl AsRef<[u8]>) -> Result<()> {
        self.create(path)?.write_all(contents.as_ref())
    }

    /// Copies a file's contents and permission bits; answers how many bytes that were.
    pub fn copy(&self, from: &str, to: &str) -> Result<u64> {
        let mut source = self.open(from)?;
        let metadata = source.metadata()?;
        if self.is_same(from, to).is_ok_and(|same| same) {
            return Err(Error::InvalidArgument);
        }
        let mut target = self.create(to)?;
        let mut part = alloc::vec![0; File::PART_LEN];
        let mut copied = 0;
        loop {
            match source.read(&mut part)? {
                0 => break,
                len => {
                    target.write_all(&part[..len])?;
                    copied += len as u64;
                }
            }
        }
        self.set_permissions(to, metadata.permissions())?;
        Ok(copied)
    }

    /// What is known about something; a link is followed.
    pub fn metadata(&self, path: &str) -> Result<Metadata> {
        let (server, path) = self.route(path);
        server.ask(|fs| fs.metadata(&path, true).map(Metadata))
    }

    /// The same without following a link.
    pub fn symlink_metadata(&self, path: &str) -> Result<Metadata> {
        let (server, path) = self.route(path);
        server.ask(|fs| fs.metadata(&path, false).map(Metadata))
    }

    /// Whether two paths lead to the same thing.
    pub fn is_same(&self, one: &str, other: &str) -> Result<bool> {
        // Numbers tell things apart on one disk only.
        Ok(match self.route_both(one, other) {
            Err(_) => false,
            Ok(_) => self.metadata(one)?.id() == self.metadata(other)?.id(),
        })
    }

    /// Whether there is something.
    pub fn try_exists(&self, path: &str) -> Result<bool> {
        match self.metadata(path) {
            Ok(_) => Ok(true),
            Err(Error::NotFound | Error::NotADirectory) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What is in a directory.
    pub fn read_dir(&self, path: &str) -> Result<ReadDir> {
        ReadDir::new(self, path)
    }

    /// Makes a directory.
    pub fn create_dir(&self, path: &str) -> Result<()> {
        let (server, path) = self.route(path);
        server.change(|fs| fs.create_dir(&path))
    }

    /// Makes a directory, and those above it that are missing.
    pub fn create_dir_all(&self, path: &str) -> Result<()> {
        let (server, path) = self.route(path);
        let path = path.trim_end_matches('/');
        let ends = path.match_indices('/').map(|(at, _)| at).skip(1);
        for end in ends.chain([path.len()]) {
            match server.change(|fs| fs.create_dir(&path[..end])) {
                Ok(()) => {}
                // `.` and `..` are no names, and lead to what is there.
                Err(Error::AlreadyExists | Error::InvalidFilename) => {
                    if end == path.len()
                        && !path.is_empty()
                        && !server
                            .ask(|fs| fs.metadata(path, true).map(Metadata))?
                            .is_dir()
                    {
                        return Err(Error::AlreadyExists);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Takes away a name that is not a directory's. Whoever has it open keeps what is in it.
    pub fn remove_file(&self, path: &str) -> Result<()> {
        let (server, path) = self.route(path);
        server.change(|fs| fs.remove_file(&path))
    }

    /// Removes an empty directory.
    pub fn remove_dir(&self, path: &str) -> Result<()> {
        let (server, path) = self.route(path);
        server.change(|fs| fs.remove_dir(&path))
    }

    /// Removes a directory and all that is in it. Links are removed, not followed.
    pub fn remove_dir_all(&self, path: &str) -> Result<()> {
        // Deepest first, with a list of its own instead of recursion: a tree may be deeper than a stack.
        let mut open: Vec<String> = Vec::from([self.absolute(path)]);
        while let Some(directory) = open.last().cloned() {
            let before = open.len();
            for entry in self.read_dir(&directory)? {
                let entry = entry?;
                match entry.file_type().is_dir() {
                    true => open.push(entry.path()),
                    false => self.remove_file(&entry.path())?,
                }
            }
            if open.len() == before {
                self.remove_dir(&directory)?;
                open.pop();
            }
        }
        Ok(())
    }

    /// Gives something another name, in one step; what has that name already is replaced.
    pub fn rename(&self, from: &str, to: &str) -> Result<()> {
        let (server, from, to) = self.route_both(from, to)?;
        server.change(|fs| fs.rename(&from, &to))
    }

    /// Gives a file one more name.
    pub fn hard_link(&self, original: &str, link: &str) -> Result<()> {
        let (server, original, link) = self.route_both(original, link)?;
        server.change(|fs| fs.hard_link(&original, &link))
    }

    /// Makes a symbolic link at `link` that leads to `target`, which nobody checks.
    pub fn symlink(&self, target: &str, link: &str) -> Result<()> {
        let (server, link) = self.route(link);
        server.change(|fs| fs.symlink(target, &link))
    }

    /// Where a symbolic link leads.
    pub fn read_link(&self, path: &str) -> Result<String> {
        let (server, path) = self.route(path);
        server.ask(|fs| fs.read_link(&path).map(String::from))
    }

    /// Sets the permission bits.
    pub fn set_permissions(&self, path: &str, permissions: Permissions) -> Result<()> {
        let (server, path) = self.route(path);
        server.change(|fs| fs.set_permissions(&path, permissions.mode()))
    }

    /// Tells of changes in a directory or of a file from now on. What comes back is to be added to an event loop:
    /// `Changed` says what has happened. `Closed` says that no more will be told, since the file server was started
    /// anew: watch again, and look at what is there.
    pub fn watch(&self, path: &str) -> Result<fs::watch::Client> {
        let (server, path) = self.route(path);
        server.ask(|fs| fs.watch(&path))
    }

    /// Begins a list of changes that will happen together.
    pub fn transaction(&self) -> Result<Transaction> {
        Transaction::begin(self)
    }

    /// Waits until all that was changed before, by anyone, survives a loss of power, also on the disks that are seen here.
    pub fn sync(&self) -> Result<()> {
        let own = self.server.sync(|fs| fs.sync());
        let mounts = self.mounts.iter();
        mounts.fold(own, |result, mount| {
            result.and(mount.server.sync(|fs| fs.sync()))
        })
    }

    /// How much room there is.
    pub fn space(&self) -> Result<Space> {
        self.space_at("/")
    }

    /// How much room there is on the disk that this path leads to.
    pub fn space_at(&self, path: &str) -> Result<Space> {
        let (server, _) = self.route(path);
        let space = server.ask(|fs| fs.space())?;
        Ok(Space {
            total: space.total,
            free: space.free,
        })
    }
}
