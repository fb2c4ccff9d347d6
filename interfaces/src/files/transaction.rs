//! Changes that happen together.

use alloc::rc::Rc;
use alloc::string::String;

use ftl::{Error, Result};

use super::{Dir, Metadata, Permissions, Server};
use crate::fs::{Blocking as _, transaction, transaction::Blocking as _};

/// Bytes of data that travel in a message: the bound in `interfaces/fs.yml`.
const DATA_LEN: usize = 2000;

/// Changes that are collected, and happen at [`Transaction::commit`]: all of them or none, whatever ends in between.
/// Dropping it is enough to forget them.
///
/// Until then nothing has changed, for nobody: a transaction does not see its own changes either, and holds up nobody. A change
/// that cannot be made is found out at the end. Whoever reads something and writes what follows from it says
/// so with [`Transaction::require_unchanged`].
///
/// ```no_run
/// # fn of_a_component(files: interfaces::files::Dir) -> ftl::Result<()> {
/// let mut transaction = files.transaction()?;
/// transaction.write("accounts/a", "10")?;
/// transaction.write("accounts/b", "90")?;
/// transaction.rename("orders/next", "orders/done")?;
/// transaction.commit()?; // and `files.sync()`, if it has to survive a loss of power from here on
/// # Ok(())
/// # }
/// ```
///
/// There may be 256 changes and 128 KiB of data and names (less if files are kept in memory); what is more is
/// [`ServerLimit`](ftl::Error::ServerLimit).
/// Larger files are written under another name before, and renamed in the transaction.
pub struct Transaction {
    /// The directory that paths are of.
    dir: Dir,
    server: Rc<Server>,
    transaction: transaction::Client,
}

impl core::fmt::Debug for Transaction {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Transaction({:?})", self.dir)
    }
}

impl Transaction {
    pub(super) fn begin(dir: &Dir) -> Result<Transaction> {
        let transaction = dir.server.ask(|fs| fs.transaction())?;
        Ok(Transaction {
            dir: dir.clone(),
            server: dir.server.clone(),
            transaction,
        })
    }

    /// Makes the changes. An error says that none of them was made; but for [`Closed`](ftl::Error::Closed), after which
    /// it may be all of them or none: the file server is gone, or had no room any more for a transaction that nobody
    /// went on with. [`Busy`](ftl::Error::Busy) is the answer if something is not as it was required to be.
    pub fn commit(mut self) -> Result<()> {
        self.server.changing();
        let result = self.transaction.commit();
        if let Err(error) = result {
            self.server.failed(error);
        }
        result
    }

    /// Forgets the changes, as dropping it does.
    pub fn rollback(self) {}

    /// The file or directory must be as it was when `metadata` was read. The error then is
    /// [`Busy`](ftl::Error::Busy), or `NotFound`.
    pub fn require_unchanged(&mut self, path: &str, metadata: &Metadata) -> Result<()> {
        let (id, changed_ns) = (metadata.0.id, metadata.0.changed_ns);
        self.at(path, |t, path| t.require_unchanged(path, id, changed_ns))
    }

    /// Makes a file with these contents, or replaces those that it has.
    pub fn write(&mut self, path: &str, contents: impl AsRef<[u8]>) -> Result<()> {
        self.at(path, |t, path| t.create(path, false, true))?;
        self.write_at(path, contents.as_ref(), 0)
    }

    /// The same for a file that must not be there.
    pub fn create_new(&mut self, path: &str, contents: impl AsRef<[u8]>) -> Result<()> {
        self.at(path, |t, path| t.create(path, true, false))?;
        self.write_at(path, contents.as_ref(), 0)
    }

    /// Writes at a place in a file that is there then.
    pub fn write_at(&mut self, path: &str, bytes: &[u8], offset: u64) -> Result<()> {
        for (i, part) in bytes.chunks(DATA_LEN).enumerate() {
            let offset = offset + (i * DATA_LEN) as u64;
            self.at(path, |t, path| t.write(path, offset, part))?;
        }
        Ok(())
    }

    /// Writes behind the end of a file that is there then.
    pub fn append(&mut self, path: &str, bytes: &[u8]) -> Result<()> {
        for part in bytes.chunks(DATA_LEN) {
            self.at(path, |t, path| t.append(path, part))?;
        }
        Ok(())
    }

    /// Cuts a file, or makes it longer with zeroes.
    pub fn set_len(&mut self, path: &str, len: u64) -> Result<()> {
        self.at(path, |t, path| t.set_len(path, len))
    }

    /// Makes a directory.
    pub fn create_dir(&mut self, path: &str) -> Result<()> {
        self.at(path, |t, path| t.create_dir(path))
    }

    /// Takes away a name that is not a directory's.
    pub fn remove_file(&mut self, path: &str) -> Result<()> {
        self.at(path, |t, path| t.remove_file(path))
    }

    /// Removes an empty directory.
    pub fn remove_dir(&mut self, path: &str) -> Result<()> {
        self.at(path, |t, path| t.remove_dir(path))
    }

    /// Gives something another name; what has that name already is replaced.
    pub fn rename(&mut self, from: &str, to: &str) -> Result<()> {
        let to = self.path(to)?;
        self.at(from, |t, from| t.rename(from, &to))
    }

    /// Gives a file one more name.
    pub fn hard_link(&mut self, original: &str, link: &str) -> Result<()> {
        let link = self.path(link)?;
        self.at(original, |t, original| t.hard_link(original, &link))
    }

    /// Makes a symbolic link at `link` that leads to `target`, which nobody checks.
    pub fn symlink(&mut self, target: &str, link: &str) -> Result<()> {
        self.at(link, |t, link| t.symlink(target, link))
    }

    /// Sets the permission bits.
    pub fn set_permissions(&mut self, path: &str, permissions: Permissions) -> Result<()> {
        self.at(path, |t, path| t.set_permissions(path, permissions.mode()))
    }

    fn at(
        &mut self,
        path: &str,
        ask: impl FnOnce(&mut transaction::Client, &str) -> Result<()>,
    ) -> Result<()> {
        let path = self.path(path)?;
        ask(&mut self.transaction, &path)
    }

    /// Where a path leads. What is on another disk is in no transaction of this one.
    fn path(&self, path: &str) -> Result<String> {
        let (server, path) = self.dir.route(path);
        match Rc::ptr_eq(&server, &self.server) {
            true => Ok(path),
            false => Err(Error::CrossesDevices),
        }
    }
}
