//! What is known about a node.

/// A file, directory or symbolic link. The number stays the same as long as the node exists,
/// whatever it is renamed to, and over restarts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Node(pub i64);

/// What kind of node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Bytes.
    File,
    /// Names of other nodes.
    Directory,
    /// The path of something else.
    Symlink,
}

impl Kind {
    /// The number in the table `node`.
    pub(crate) fn number(self) -> i64 {
        match self {
            Kind::File => 1,
            Kind::Directory => 2,
            Kind::Symlink => 3,
        }
    }

    pub(crate) fn from_number(number: i64) -> Option<Kind> {
        match number {
            1 => Some(Kind::File),
            2 => Some(Kind::Directory),
            3 => Some(Kind::Symlink),
            _ => None,
        }
    }
}

/// When something happened to a node, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// It was made.
    pub created: u64,
    /// Its contents changed last.
    pub modified: u64,
    /// Its contents or its attributes changed last.
    pub changed: u64,
}

/// What is known about a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attributes {
    /// What kind it is.
    pub kind: Kind,
    /// Bytes of a file or of a link's target; 0 for a directory.
    pub len: u64,
    /// How many names it has.
    pub links: u32,
    /// Permission bits. They are kept, and mean nothing to FTL.
    pub mode: u32,
    /// When things happened.
    pub times: Times,
}
