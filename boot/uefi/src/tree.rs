//! The device tree that the kernel gets: the firmware's, with what a boot loader adds.
//!
//! It is written before boot services end, since that needs an allocator, but what memory is kept is known
//! only after. So the tree has empty reservations, which [`reserve`] fills in.

use alloc::string::String;
use alloc::vec::Vec;

use dtoolkit::fdt::Fdt;
use dtoolkit::memreserve::MemoryReservation;
use dtoolkit::model::{DeviceTree, DeviceTreeNode, DeviceTreeProperty};
use dtoolkit::{Node, Property};

use crate::memory::{KEPT_MAX, Range};

/// What the boot loader adds.
#[derive(Clone, Debug)]
pub struct Additions<'a> {
    /// All memory.
    pub memory: &'a [Range],
    /// Where the boot archive lies.
    pub archive: Range,
    /// The kernel's command line.
    pub command_line: &'a str,
    /// Random bytes, if the firmware had some.
    pub seed: Option<&'a [u8]>,
}

/// The bytes of a tree that begins here, if it is one.
pub fn blob_len(header: &[u8]) -> Option<usize> {
    let word = |at: usize| Some(u32::from_be_bytes(header.get(at..at + 4)?.try_into().ok()?));
    (word(0)? == 0xd00d_feed).then_some(word(4)? as usize)
}

/// The firmware's tree with additions, and with room for [`reserve`]. None if it is damaged.
pub fn write(firmware: &[u8], additions: &Additions<'_>) -> Option<Vec<u8>> {
    let mut tree = DeviceTree::from_fdt(&Fdt::new(firmware).ok()?);
    write_memory(&mut tree.root, additions.memory)?;

    if tree.root.child("chosen").is_none() {
        tree.root.add_child(DeviceTreeNode::new("chosen").ok()?);
    }
    let chosen = tree.root.child_mut("chosen")?;
    let mut set = |name: &str, value: Vec<u8>| {
        // A name that is there already is written over.
        chosen.add_property(DeviceTreeProperty::new(name, value).ok()?);
        Some(())
    };
    set(
        "linux,initrd-start",
        additions.archive.start.to_be_bytes().to_vec(),
    )?;
    set(
        "linux,initrd-end",
        additions.archive.end.to_be_bytes().to_vec(),
    )?;
    let mut text = additions.command_line.as_bytes().to_vec();
    text.push(0);
    set("bootargs", text)?;
    if let Some(seed) = additions.seed {
        set("rng-seed", seed.to_vec())?;
    }
    give_back_clock(&mut tree.root);

    // What the firmware's own tree reserves is in the memory map, if it is in memory at all.
    tree.memory_reservations.clear();
    let mut blob = tree.to_dtb();
    Some(with_room(&mut blob))
}

/// Memory as the memory map has it, in the place of what the tree says.
fn write_memory(root: &mut DeviceTreeNode, memory: &[Range]) -> Option<()> {
    let is_memory = |node: &&DeviceTreeNode| {
        node.property("device_type")
            .is_some_and(|kind| kind.value() == b"memory\0")
    };
    let old: Vec<String> = root
        .children()
        .filter(is_memory)
        .map(|node| String::from(node.name()))
        .collect();
    for name in old {
        root.remove_child(&name);
    }
    // DTSpec 2.3.5: 2 and 1 cells unless said.
    let cells = |name: &str, default| match root.property(name) {
        Some(property) => property
            .value()
            .try_into()
            .ok()
            .map(u32::from_be_bytes)
            .filter(|cells| (1..=2).contains(cells)),
        None => Some(default),
    };
    let (address_cells, len_cells) = (cells("#address-cells", 2)?, cells("#size-cells", 1)?);
    let mut value = Vec::new();
    for range in memory {
        for (number, cells) in [
            (range.start, address_cells),
            (range.end - range.start, len_cells),
        ] {
            match cells {
                1 => value.extend(u32::try_from(number).ok()?.to_be_bytes()),
                _ => value.extend(number.to_be_bytes()),
            }
        }
    }
    let first = memory.first()?;
    let name = alloc::format!("memory@{:x}", first.start);
    let mut node = DeviceTreeNode::new(name).ok()?;
    node.add_property(DeviceTreeProperty::new("device_type", "memory").ok()?);
    node.add_property(DeviceTreeProperty::new("reg", value).ok()?);
    root.add_child(node);
    Some(())
}

/// Firmware marks the clock as disabled that it keeps for its runtime services. FTL never calls those, so it may as well
/// have the clock.
fn give_back_clock(root: &mut DeviceTreeNode) {
    let is_clock = |node: &DeviceTreeNode| {
        node.property("compatible").is_some_and(|compatible| {
            let mut names = compatible.value().split(|&byte| byte == 0);
            names.any(|name| name == b"arm,pl031")
        })
    };
    for node in root.children_mut() {
        if is_clock(node) {
            node.remove_property("status");
        }
    }
}

/// Where the reservations begin, in the header (DTSpec 5.2).
const RESERVATIONS_AT: usize = 16;
const ENTRY_LEN: usize = size_of::<MemoryReservation>();

/// The same tree with room for reservations: they come first, and everything else moves behind them.
fn with_room(blob: &mut [u8]) -> Vec<u8> {
    const ROOM: usize = KEPT_MAX * ENTRY_LEN;
    let word = |blob: &[u8], at: usize| {
        let mut bytes = [0; 4];
        bytes.copy_from_slice(&blob[at..at + 4]);
        u32::from_be_bytes(bytes)
    };
    // Total length, structure, strings.
    for at in [4, 8, 12] {
        let moved = word(blob, at) + ROOM as u32;
        blob[at..at + 4].copy_from_slice(&moved.to_be_bytes());
    }
    let place = word(blob, RESERVATIONS_AT) as usize;
    let mut roomy = Vec::with_capacity(blob.len() + ROOM);
    roomy.extend_from_slice(&blob[..place]);
    roomy.resize(place + ROOM, 0);
    roomy.extend_from_slice(&blob[place..]);
    roomy
}

/// Fills in the reservations of a tree made by [`write`]. Allocates nothing.
pub fn reserve(blob: &mut [u8], kept: &heapless::Vec<Range, KEPT_MAX>) {
    let mut place = [0; 4];
    place.copy_from_slice(&blob[RESERVATIONS_AT..RESERVATIONS_AT + 4]);
    let place = u32::from_be_bytes(place) as usize;
    let entries = blob[place..].chunks_exact_mut(ENTRY_LEN);
    for (entry, range) in entries.zip(kept) {
        entry[..8].copy_from_slice(&range.start.to_be_bytes());
        entry[8..].copy_from_slice(&(range.end - range.start).to_be_bytes());
    }
}
