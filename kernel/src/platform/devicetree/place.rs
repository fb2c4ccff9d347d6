//! A node of the tree together with the nodes around it, which say how its properties are read:
//! how many cells an address has, what addresses mean further up, who takes the interrupts.

use dtoolkit::fdt::{Fdt, FdtNode};
use dtoolkit::{Node, Property};

use heapless::Vec;

use super::{Error, PhysicalRange};

/// Real trees are about 6 deep. The walk is recursive, and the kernel's stack is short.
const DEPTH_MAX: usize = 16;
/// Properties that are kept at hand; a node has about 10.
const PROPERTIES_KEPT: usize = 24;

/// A node in its place.
pub(super) struct Place<'a, 'p> {
    tree: Fdt<'a>,
    node: FdtNode<'a>,
    /// Its first properties. To find one in the tree means to read all names before it, and each node is asked for many.
    properties: Vec<(&'a [u8], &'a [u8]), PROPERTIES_KEPT>,
    parent: Option<&'p Place<'a, 'p>>,
    depth: usize,
}

impl<'a, 'p> Place<'a, 'p> {
    pub(super) fn root(tree: Fdt<'a>) -> Place<'a, 'p> {
        Place::new(tree, tree.root(), None)
    }

    fn new(tree: Fdt<'a>, node: FdtNode<'a>, parent: Option<&'p Place<'a, 'p>>) -> Place<'a, 'p> {
        let kept = node.properties().take(PROPERTIES_KEPT);
        Place {
            tree,
            node,
            properties: kept
                .filter_map(|property| {
                    let name = in_tree(tree, property.name().as_bytes())?;
                    Some((name, in_tree(tree, property.value())?))
                })
                .collect(),
            parent,
            depth: parent.map_or(0, |parent| parent.depth + 1),
        }
    }

    /// Calls `visitor` for all nodes below this one that are in use, each before those in it. Answers the first error,
    /// and goes on after it.
    pub(super) fn visit(
        &self,
        visitor: &mut dyn FnMut(&Place<'a, '_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        if self.depth == DEPTH_MAX {
            return Err(Error::TooDeep);
        }
        let mut outcome = Ok(());
        for node in self.node.children() {
            let place = Place::new(self.tree, node, Some(self));
            if place.is_enabled() {
                outcome = outcome.and(visitor(&place));
                outcome = outcome.and(place.visit(visitor));
            }
        }
        outcome
    }

    pub(super) fn name(&self) -> &'a str {
        self.node.name()
    }

    /// Its name without the unit address.
    pub(super) fn base_name(&self) -> &'a str {
        self.node.name_without_address()
    }

    /// The base name of the node that it lies in.
    pub(super) fn parent_base_name(&self) -> &'a str {
        self.parent.map_or("", Place::base_name)
    }

    /// Is this the node with the given path? A part of a path may lack its unit address
    /// (DTSpec 2.2.3).
    pub(super) fn has_path(&self, path: &str) -> bool {
        let mut place = Some(self);
        for part in path.rsplit('/').filter(|part| !part.is_empty()) {
            match place {
                Some(here) if here.name() == part || here.base_name() == part => {
                    place = here.parent;
                }
                _ => return false,
            }
        }
        place.is_some_and(|here| here.parent.is_none())
    }

    pub(super) fn property(&self, name: &str) -> Option<&'a [u8]> {
        let kept = self
            .properties
            .iter()
            .find(|(own, _)| *own == name.as_bytes());
        match kept {
            Some((_, value)) => Some(value),
            None if self.properties.is_full() => property(self.tree, &self.node, name),
            None => None,
        }
    }

    /// A property of one or two cells.
    pub(super) fn number(&self, name: &str) -> Option<u64> {
        let value = self.property(name)?;
        matches!(value.len(), 4 | 8).then(|| number(value))
    }

    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        text(self.property(name)?)
    }

    pub(super) fn is_compatible(&self, names: &[&str]) -> bool {
        let list = self.property("compatible").unwrap_or_default();
        strings(list).any(|found| names.iter().any(|name| found == name.as_bytes()))
    }

    pub(super) fn phandle(&self) -> Option<u32> {
        self.number("phandle")
            .and_then(|phandle| u32::try_from(phandle).ok())
    }

    /// The phandle of the interrupt controller that `interrupts` means (DTSpec 2.4.1): the
    /// nearest `interrupt-parent` upwards.
    pub(super) fn interrupt_parent(&self) -> Option<u32> {
        let mut place = Some(self);
        while let Some(here) = place {
            if let Some(phandle) = here.number("interrupt-parent") {
                return u32::try_from(phandle).ok();
            }
            place = here.parent;
        }
        None
    }

    /// Its `reg`, as physical addresses; what is not reachable by the CPU is left out.
    pub(super) fn registers(&self) -> impl Iterator<Item = PhysicalRange> {
        self.parent.into_iter().flat_map(move |parent| {
            let (address_cells, size_cells) = parent.cell_counts();
            let value = self.property("reg").unwrap_or_default();
            groups(value, address_cells + size_cells).filter_map(move |group| {
                let (start, len) = group.split_at(4 * address_cells);
                parent.translate(super::range(number(start), number(len))?)
            })
        })
    }

    /// How many cells an address has where this node lies.
    pub(super) fn parent_address_cells(&self) -> usize {
        self.parent
            .map_or(0, |parent| parent.cell_counts().0.min(2))
    }

    /// From addresses as the node has them that this one lies in to those of the CPU.
    pub(super) fn translate_from_parent(&self, range: PhysicalRange) -> Option<PhysicalRange> {
        self.parent?.translate(range)
    }

    /// The first number in its `reg`, whatever it counts.
    pub(super) fn first_address(&self) -> Option<u64> {
        let (address_cells, _) = self.parent?.cell_counts();
        let value = self.property("reg")?.get(..4 * address_cells)?;
        (!value.is_empty()).then(|| number(value))
    }

    /// A node that is not `okay` is not there (DTSpec 2.3.4).
    fn is_enabled(&self) -> bool {
        match self.property("status") {
            None => true,
            Some(value) => matches!(text(value), Some("okay" | "ok")),
        }
    }

    /// How many cells an address and a length have in `reg` of the nodes in this one (DTSpec
    /// 2.3.5). Three cells (PCI) are read as more than any node gives, that is, not at all.
    fn cell_counts(&self) -> (usize, usize) {
        let count = |name, default| match self.number(name) {
            None => default,
            Some(count @ 0..=2) => count as usize,
            Some(_) => usize::from(u16::MAX),
        };
        (count("#address-cells", 2), count("#size-cells", 1))
    }

    /// From addresses as the nodes in this one have them to those of the CPU (DTSpec 2.3.8).
    fn translate(&self, range: PhysicalRange) -> Option<PhysicalRange> {
        let Some(parent) = self.parent else {
            return Some(range);
        };
        // Without `ranges` the CPU does not reach what is below; an empty one changes nothing.
        let ranges = self.property("ranges")?;
        if ranges.is_empty() {
            return parent.translate(range);
        }
        let (child_cells, size_cells) = self.cell_counts();
        let (parent_cells, _) = parent.cell_counts();
        for group in groups(ranges, child_cells + parent_cells + size_cells) {
            let (child, rest) = group.split_at(4 * child_cells);
            let (address, len) = rest.split_at(4 * parent_cells);
            let Some(window) = super::range(number(child), number(len)) else {
                continue;
            };
            if window.start <= range.start && range.end() <= window.end() {
                let start = number(address).checked_add(range.start - window.start)?;
                return parent.translate(super::range(start, range.len)?);
            }
        }
        None
    }
}

/// A property of `node`.
pub(super) fn property<'a>(tree: Fdt<'a>, node: &FdtNode<'a>, name: &str) -> Option<&'a [u8]> {
    in_tree(tree, node.property(name)?.value())
}

/// The same bytes of the tree: names and values borrow the property, which is but a view of the tree.
fn in_tree<'a>(tree: Fdt<'a>, bytes: &[u8]) -> Option<&'a [u8]> {
    let offset = bytes
        .as_ptr()
        .addr()
        .checked_sub(tree.data().as_ptr().addr())?;
    tree.data().get(offset..)?.get(..bytes.len())
}

/// A big-endian number of any length; what lies above 64 bits is lost.
pub(super) fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |value, &byte| value << 8 | u64::from(byte))
}

/// A property as 32-bit cells.
pub(super) fn cells(value: &[u8]) -> impl Iterator<Item = u32> {
    value
        .as_chunks()
        .0
        .iter()
        .map(|&cell| u32::from_be_bytes(cell))
}

/// A property as a list of strings.
pub(super) fn strings(value: &[u8]) -> impl Iterator<Item = &[u8]> {
    value
        .split(|&byte| byte == 0)
        .filter(|text| !text.is_empty())
}

/// A property as one string.
pub(super) fn text(value: &[u8]) -> Option<&str> {
    strings(value)
        .next()
        .and_then(|text| core::str::from_utf8(text).ok())
}

/// A property as groups of `cells` cells.
fn groups(value: &[u8], cells: usize) -> impl Iterator<Item = &[u8]> {
    value
        .chunks_exact((4 * cells).max(1))
        .filter(move |_| cells > 0)
}
