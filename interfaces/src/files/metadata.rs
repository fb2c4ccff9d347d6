//! What is known about a file, directory or link.

use ftl::time::Duration;

use crate::fs;

/// What is known about something, as `std::fs::Metadata`.
#[derive(Clone, Copy, Debug)]
pub struct Metadata(pub(super) fs::Metadata);

impl Metadata {
    /// What kind of thing it is.
    pub fn file_type(&self) -> FileType {
        FileType(self.0.kind)
    }
    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.file_type().is_dir()
    }
    /// Whether it is a file.
    pub fn is_file(&self) -> bool {
        self.file_type().is_file()
    }
    /// Whether it is a symbolic link.
    pub fn is_symlink(&self) -> bool {
        self.file_type().is_symlink()
    }
    /// Bytes of a file, or of a link's target.
    #[allow(clippy::len_without_is_empty)] // as in `std`
    pub fn len(&self) -> u64 {
        self.0.len
    }
    /// How many names it has.
    pub fn links(&self) -> u32 {
        self.0.links
    }
    /// Tells it from everything else, whatever its name, as long as it exists.
    pub fn id(&self) -> u64 {
        self.0.id
    }
    /// Permission bits.
    pub fn permissions(&self) -> Permissions {
        Permissions(self.0.mode)
    }
    /// When its contents changed last: time since the beginning of 1970, UTC.
    pub fn modified(&self) -> Duration {
        Duration::from_nanos(self.0.modified_ns)
    }
    /// When it was made: time since the beginning of 1970, UTC.
    pub fn created(&self) -> Duration {
        Duration::from_nanos(self.0.created_ns)
    }
    /// When its contents, its names or its permissions changed last: time since the beginning of 1970, UTC.
    pub fn changed(&self) -> Duration {
        Duration::from_nanos(self.0.changed_ns)
    }
}

/// What kind of thing something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileType(pub(super) fs::Kind);

impl FileType {
    /// Whether it is a directory.
    pub fn is_dir(&self) -> bool {
        self.0 == fs::Kind::Directory
    }
    /// Whether it is a file.
    pub fn is_file(&self) -> bool {
        self.0 == fs::Kind::File
    }
    /// Whether it is a symbolic link.
    pub fn is_symlink(&self) -> bool {
        self.0 == fs::Kind::Symlink
    }
}

/// Permission bits. They are kept, for exchange with other systems, and mean nothing to FTL: who may do what
/// is a matter of who was given which directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Permissions(pub(super) u32);

impl Permissions {
    /// These bits.
    pub fn from_mode(mode: u32) -> Permissions {
        Permissions(mode)
    }
    /// The bits.
    pub fn mode(&self) -> u32 {
        self.0
    }
}
