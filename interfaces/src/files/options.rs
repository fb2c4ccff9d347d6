//! How a file is opened.

use ftl::Result;

use super::{Dir, File};

/// How a file is to be opened, as `std::fs::OpenOptions`.
///
/// ```no_run
/// # fn example(files: &interfaces::files::Dir) -> ftl::Result<()> {
/// use interfaces::files::OpenOptions;
///
/// let log = OpenOptions::new().append(true).create(true).open(files, "log")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct OpenOptions {
    pub(super) read: bool,
    pub(super) write: bool,
    pub(super) append: bool,
    pub(super) truncate: bool,
    pub(super) create: bool,
    pub(super) create_new: bool,
}

impl OpenOptions {
    /// Nothing of it.
    pub fn new() -> OpenOptions {
        OpenOptions::default()
    }
    /// It is to be read.
    pub fn read(&mut self, read: bool) -> &mut OpenOptions {
        self.read = read;
        self
    }
    /// It is to be written.
    pub fn write(&mut self, write: bool) -> &mut OpenOptions {
        self.write = write;
        self
    }
    /// It is to be written behind its end, wherever that is then.
    pub fn append(&mut self, append: bool) -> &mut OpenOptions {
        self.append = append;
        self
    }
    /// What is in it is thrown away.
    pub fn truncate(&mut self, truncate: bool) -> &mut OpenOptions {
        self.truncate = truncate;
        self
    }
    /// It is made if it is not there.
    pub fn create(&mut self, create: bool) -> &mut OpenOptions {
        self.create = create;
        self
    }
    /// It is made, and must not be there.
    pub fn create_new(&mut self, create_new: bool) -> &mut OpenOptions {
        self.create_new = create_new;
        self
    }

    /// Opens a file. [`Error::InvalidArgument`](ftl::Error::InvalidArgument) if it is neither read nor written, or
    /// made without being written.
    pub fn open(&self, dir: &Dir, path: &str) -> Result<File> {
        File::open_in(dir, path, *self)
    }
}
