//! The directory that a system file gives a component: `fs: { dir: /var/www, rights: read }`.
//!
//! It travels as a need's [`grant`](crate::Need::grant): the build writes it, init passes it on
//! unread with the client's channel, and the file server obeys it.

use alloc::string::String;
use alloc::vec::Vec;

/// Bytes of the longest path.
pub const PATH_LEN_MAX: usize = 250;

/// What a client may do in its directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum DirectoryRights {
    /// Look and read.
    Read = 0,
    /// Change what is there as well.
    Write = 1,
}

impl DirectoryRights {
    /// All of them, as YAML has them.
    pub const NAMES: [&'static str; 2] = ["read", "write"];

    /// From YAML.
    pub fn from_name(name: &str) -> Option<DirectoryRights> {
        match name {
            "read" => Some(DirectoryRights::Read),
            "write" => Some(DirectoryRights::Write),
            _ => None,
        }
    }
}

/// A directory, and what may be done there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directory {
    /// Where it is: begins with `/`.
    pub path: String,
    /// What may be done there.
    pub rights: DirectoryRights,
}

impl Directory {
    /// As a grant.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::from([self.rights as u8]);
        bytes.extend_from_slice(self.path.as_bytes());
        bytes
    }

    /// What this grant says; `None` if it says something else.
    pub fn decode(grant: &[u8]) -> Option<Directory> {
        let (rights, path) = grant.split_first()?;
        let path = core::str::from_utf8(path).ok()?;
        Some(Directory {
            path: path.starts_with('/').then(|| path.into())?,
            rights: match rights {
                0 => DirectoryRights::Read,
                1 => DirectoryRights::Write,
                _ => return None,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_comes_back_and_nothing_else_does() {
        for rights in [DirectoryRights::Read, DirectoryRights::Write] {
            let directory = Directory {
                path: "/var/www".into(),
                rights,
            };
            assert_eq!(Directory::decode(&directory.encode()), Some(directory));
        }
        for bad in [&b""[..], b"\x02/", b"\x00", b"\x00etc", b"\x01/\xff"] {
            assert_eq!(Directory::decode(bad), None, "{bad:?}");
        }
    }
}
