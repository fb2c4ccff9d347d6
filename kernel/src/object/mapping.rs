//! Mappings: ranges of addresses that show part of a folio, and the tree that finds them.
//!
//! Each process has its mappings in a balanced binary tree (AVL) in the order of their addresses, so that
//! a page fault finds the page's mapping, and a mapping comes and goes, in a number of steps that grows with
//! the logarithm of how many there are. The tree's links lie in the mappings themselves: nothing is
//! allocated for it. Mappings of one process never overlap.

use abi::PAGE_SIZE;

use crate::arch::Permission;
use crate::memory::{Id, Slab};
use crate::object::Folio;

/// A range of addresses that shows part of a folio.
pub struct Mapping {
    /// First address.
    pub address: usize,
    /// Pages.
    pub pages: usize,
    /// What is seen there.
    pub folio: Id<Folio>,
    /// The folio's page at the first address.
    pub first_page: usize,
    /// What may be done there.
    pub permission: Permission,
    /// Whether nothing may be done there any more: a device's registers, and the device was given
    /// away. The addresses stay taken, so that nothing else comes to lie where a driver still believes
    /// its registers to be.
    pub revoked: bool,
    /// What it is for.
    pub purpose: Purpose,
    /// The range of addresses to give back with this mapping, if it is this one's to give.
    pub region: Option<(usize, usize)>,
    /// Its place in the tree.
    pub node: Node,
}

/// What a mapping is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Purpose {
    /// The component asked for it, and may remove it.
    Component,
    /// A thread's stack.
    Stack,
    /// Image, heap or message buffer: the kernel counts on it.
    Kernel,
}

/// A mapping's place in its process's tree.
#[derive(Clone, Copy, Default)]
pub struct Node {
    lower: Link,
    higher: Link,
    /// Mappings on the longest way down from here, this one included.
    height: u8,
}

/// A mapping or none: an edge of the tree, or its root.
pub type Link = Option<Id<Mapping>>;
type Mappings = Slab<Mapping>;

/// Adds a mapping to the tree.
pub fn insert(all: &mut Mappings, root: &mut Link, new: Id<Mapping>) {
    all[new].node = Node {
        height: 1,
        ..Node::default()
    };
    *root = Some(insert_below(all, *root, new));
}

/// Takes a mapping out of the tree that it is in.
pub fn remove(all: &mut Mappings, root: &mut Link, old: Id<Mapping>) {
    let at = root.expect("a mapping is in its process's tree");
    *root = remove_below(all, at, old);
}

/// The mapping that an address lies in.
pub fn find(all: &Mappings, root: Link, address: usize) -> Link {
    let mut next = root;
    while let Some(id) = next {
        let mapping = &all[id];
        if address < mapping.address {
            next = mapping.node.lower;
        } else if address - mapping.address < mapping.pages * PAGE_SIZE {
            return Some(id);
        } else {
            next = mapping.node.higher;
        }
    }
    None
}

/// The lowest mapping that begins above an address.
pub fn above(all: &Mappings, root: Link, address: usize) -> Link {
    let (mut next, mut found) = (root, None);
    while let Some(id) = next {
        if all[id].address > address {
            (next, found) = (all[id].node.lower, Some(id));
        } else {
            next = all[id].node.higher;
        }
    }
    found
}

/// The mapping with the highest addresses.
pub fn highest(all: &Mappings, root: Link) -> Link {
    let mut at = root?;
    while let Some(higher) = all[at].node.higher {
        at = higher;
    }
    Some(at)
}

/// How high the tree is.
pub fn height(all: &Mappings, link: Link) -> u8 {
    link.map_or(0, |id| all[id].node.height)
}

fn insert_below(all: &mut Mappings, at: Link, new: Id<Mapping>) -> Id<Mapping> {
    let Some(at) = at else { return new };
    if all[new].address < all[at].address {
        let below = insert_below(all, all[at].node.lower, new);
        all[at].node.lower = Some(below);
    } else {
        let below = insert_below(all, all[at].node.higher, new);
        all[at].node.higher = Some(below);
    }
    balance(all, at)
}

fn remove_below(all: &mut Mappings, at: Id<Mapping>, old: Id<Mapping>) -> Link {
    let Node { lower, higher, .. } = all[at].node;
    if at == old {
        return match (lower, higher) {
            (None, other) | (other, None) => other,
            (_, Some(higher)) => {
                // The next mapping in the order of addresses takes its place.
                let (rest, next) = take_lowest(all, higher);
                all[next].node.lower = lower;
                all[next].node.higher = rest;
                Some(balance(all, next))
            }
        };
    }
    let listed = "a mapping is in its process's tree";
    if all[old].address < all[at].address {
        all[at].node.lower = remove_below(all, lower.expect(listed), old);
    } else {
        all[at].node.higher = remove_below(all, higher.expect(listed), old);
    }
    Some(balance(all, at))
}

/// Takes the lowest mapping out; returns what is left, and it.
fn take_lowest(all: &mut Mappings, at: Id<Mapping>) -> (Link, Id<Mapping>) {
    let Node { lower, higher, .. } = all[at].node;
    let Some(lower) = lower else {
        return (higher, at);
    };
    let (rest, lowest) = take_lowest(all, lower);
    all[at].node.lower = rest;
    (Some(balance(all, at)), lowest)
}

/// Makes the two sides of a node differ in height by 1 at most, after one of them has changed by 1.
fn balance(all: &mut Mappings, at: Id<Mapping>) -> Id<Mapping> {
    let Node { lower, higher, .. } = all[at].node;
    let (low, high) = (height(all, lower), height(all, higher));
    match (lower, higher) {
        (Some(lower), _) if low > high + 1 => {
            let node = all[lower].node;
            if height(all, node.higher) > height(all, node.lower) {
                all[at].node.lower = Some(raise_higher(all, lower));
            }
            raise_lower(all, at)
        }
        (_, Some(higher)) if high > low + 1 => {
            let node = all[higher].node;
            if height(all, node.lower) > height(all, node.higher) {
                all[at].node.higher = Some(raise_lower(all, higher));
            }
            raise_higher(all, at)
        }
        _ => {
            all[at].node.height = 1 + low.max(high);
            at
        }
    }
}

/// Turns the tree so that the node's lower neighbour is above it.
fn raise_lower(all: &mut Mappings, at: Id<Mapping>) -> Id<Mapping> {
    let up = all[at]
        .node
        .lower
        .expect("the lower side is the taller one");
    all[at].node.lower = all[up].node.higher.replace(at);
    set_height(all, at);
    set_height(all, up);
    up
}

/// The reverse.
fn raise_higher(all: &mut Mappings, at: Id<Mapping>) -> Id<Mapping> {
    let up = all[at]
        .node
        .higher
        .expect("the higher side is the taller one");
    all[at].node.higher = all[up].node.lower.replace(at);
    set_height(all, at);
    set_height(all, up);
    up
}

fn set_height(all: &mut Mappings, at: Id<Mapping>) {
    let Node { lower, higher, .. } = all[at].node;
    all[at].node.height = 1 + height(all, lower).max(height(all, higher));
}
