//! Paths, seen from a directory that nothing leads out of.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use abi::{Error, Result};

use crate::attributes::{Kind, Node};
use crate::files::Files;

/// Symbolic links that one path may lead over.
const LINKS_MAX: usize = 40;

/// Where a path leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// To a name in a directory, and what it names, if there is such a name.
    Name(Node, String, Option<Node>),
    /// To a directory itself: the topmost, or one behind `.` or `..`.
    Directory(Node),
}

impl Place {
    /// What is there.
    pub fn node(&self) -> Result<Node> {
        match self {
            Place::Name(_, _, Some(node)) | Place::Directory(node) => Ok(*node),
            Place::Name(_, _, None) => Err(Error::NotFound),
        }
    }

    /// The directory and the name, for whoever wants to make or remove the name.
    pub fn name(&self) -> Result<(Node, &str)> {
        match self {
            Place::Name(directory, name, _) => Ok((*directory, name)),
            Place::Directory(_) => Err(Error::InvalidFilename),
        }
    }
}

impl Files {
    /// Follows a path from `top`, which `..` and links do not lead out of. If the last part is a
    /// symbolic link, it is followed only if `follow` says so, or if a `/` comes after it.
    pub fn resolve(&mut self, top: Node, path: &str, follow: bool) -> Result<Place> {
        if path.is_empty() || path.contains('\0') {
            return Err(Error::InvalidFilename);
        }
        self.must_be_directory(top)?;
        // The directories from `top` to where we are: `..` goes back along them.
        let mut way: Vec<Node> = Vec::from([top]);
        let mut parts: VecDeque<String> = split(path);
        let must_be_directory = path.ends_with('/');
        let mut links = 0;
        while let Some(part) = parts.pop_front() {
            let here = way[way.len() - 1];
            match part.as_str() {
                "." => continue,
                ".." => {
                    if way.len() > 1 {
                        way.pop();
                    }
                    continue;
                }
                _ => {}
            }
            let last = parts.is_empty();
            let Some((node, kind)) = self.enter(here, &part)? else {
                return match last {
                    true => Ok(Place::Name(here, part, None)),
                    false => Err(Error::NotFound),
                };
            };
            if kind == Kind::Symlink && (!last || follow || must_be_directory) {
                links += 1;
                if links > LINKS_MAX {
                    return Err(Error::TooManyLinks);
                }
                let target = self.read_link(node)?;
                if target.starts_with('/') {
                    way.truncate(1);
                }
                for part in split(&target).into_iter().rev() {
                    parts.push_front(part);
                }
                continue;
            }
            if last {
                if must_be_directory && kind != Kind::Directory {
                    return Err(Error::NotADirectory);
                }
                return Ok(Place::Name(here, part, Some(node)));
            }
            if kind != Kind::Directory {
                return Err(Error::NotADirectory);
            }
            way.push(node);
        }
        Ok(Place::Directory(way[way.len() - 1]))
    }

    fn must_be_directory(&mut self, node: Node) -> Result<()> {
        match self.attributes(node)?.kind {
            Kind::Directory => Ok(()),
            _ => Err(Error::NotADirectory),
        }
    }
}

fn split(path: &str) -> VecDeque<String> {
    path.split('/')
        .filter(|part| !part.is_empty())
        .map(String::from)
        .collect()
}
