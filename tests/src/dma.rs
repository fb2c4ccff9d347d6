//! What a virtio device was told to write where, found out after the machine has stopped.
//!
//! Without an IOMMU nothing keeps a device from writing where its driver told it to (docs/rules.md, rule 16). So when
//! a driver with faults brings the system down, this tells whether the device can have done it. Three things are
//! put side by side:
//!
//! - QEMU's trace of writes to the device's registers (`-trace virtio_mmio_write_offset`): where its queues are;
//! - the machine's memory, which lies in a file and outlives it: what the queues' descriptors say;
//! - the kernel's log at level debug: what the kernel had let the device reach.
//!
//! A place that the device was to write and that it had not been given is a stray one. If there is none, the
//! device had no part in it, and whatever has stopped is a bug.

use std::ops::Range;

/// Where memory begins on QEMU's `virt` machine of an architecture.
pub fn memory_start(arch: &str) -> u64 {
    match arch {
        "arm64" => 0x4000_0000,
        _ => 0x8000_0000,
    }
}

/// Registers (virtio 1.2, section 4.2.2).
const QUEUE_SEL: u64 = 0x30;
const QUEUE_NUM: u64 = 0x38;
const QUEUE_READY: u64 = 0x44;
const STATUS: u64 = 0x70;
const QUEUE_DESC: u64 = 0x80;
const QUEUE_DEVICE: u64 = 0xa0;
/// In a descriptor's flags (section 2.7.5): the device writes there.
const WRITE: u16 = 2;

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// Queues that the device had last.
    pub queues: usize,
    /// Descriptors in them that let the device write.
    pub writable: usize,
    /// Places that it was to write and had not been given.
    pub stray: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Queue {
    size: u64,
    ready: bool,
    descriptors: u64,
    used: u64,
}

/// Puts trace, log and memory, which begins at `start`, side by side.
pub fn examine(trace: &str, log: &[String], memory: &[u8], start: u64) -> Evidence {
    let given = given_last(log);
    let is_given = |place: &Range<u64>| {
        given
            .iter()
            .any(|range| range.start <= place.start && place.end <= range.end)
    };
    let mut found = Evidence::default();
    for (number, queue) in queues(trace).into_iter().enumerate() {
        if !queue.ready {
            continue;
        }
        found.queues += 1;
        let used = queue.used..queue.used.saturating_add(6 + 8 * queue.size);
        if !is_given(&used) {
            let place = format!("queue {number}: its used ring at {used:#x?}");
            found.stray.push(place);
        }
        for at in 0..queue.size {
            let Some([address, len, flags]) = queue
                .descriptors
                .checked_sub(start)
                .and_then(|table| descriptor(memory, table, at))
            else {
                break;
            };
            let place = address..address.saturating_add(len);
            if flags as u16 & WRITE == 0 || len == 0 {
                continue;
            }
            found.writable += 1;
            if !is_given(&place) {
                let place = format!("queue {number}: descriptor {at} at {place:#x?}");
                found.stray.push(place);
            }
        }
    }
    found
}

/// What the kernel has let the device reach since it was reset last.
fn given_last(log: &[String]) -> Vec<Range<u64>> {
    let mut given = Vec::new();
    for line in log {
        if line.contains("kernel: ") && line.contains(" is reset") {
            given.clear();
        } else if let Some((_, rest)) = line.split_once(" may reach ")
            && let Some((start, rest)) = rest.split_once(", ")
            && let (Some(start), Some(len)) = (
                number(start),
                rest.split(' ')
                    .next()
                    .and_then(|len| len.parse::<u64>().ok()),
            )
        {
            given.push(start..start + len);
        }
    }
    given
}

/// The queues as the device's registers had them at the end.
fn queues(trace: &str) -> Vec<Queue> {
    let mut queues: Vec<Queue> = Vec::new();
    let mut selected = 0;
    for (offset, value) in trace.lines().filter_map(write) {
        match offset {
            STATUS if value == 0 => queues.clear(),
            QUEUE_SEL => selected = (value as usize).min(63),
            _ => {
                if queues.len() <= selected {
                    queues.resize(selected + 1, Queue::default());
                }
                let queue = &mut queues[selected];
                match offset {
                    QUEUE_NUM => queue.size = value.min(1 << 15),
                    QUEUE_READY => queue.ready = value == 1,
                    // The lower half, and the higher one behind it.
                    QUEUE_DESC => set_half(&mut queue.descriptors, 0, value),
                    0x84 => set_half(&mut queue.descriptors, 32, value),
                    QUEUE_DEVICE => set_half(&mut queue.used, 0, value),
                    0xa4 => set_half(&mut queue.used, 32, value),
                    _ => {}
                }
            }
        }
    }
    queues
}

fn set_half(word: &mut u64, shift: u32, value: u64) {
    *word = *word & !(0xffff_ffff << shift) | value << shift;
}

/// `virtio_mmio_write_offset virtio_mmio_write offset 0x70 value 0x0`, with more in front of it.
fn write(line: &str) -> Option<(u64, u64)> {
    let (_, rest) = line.split_once("virtio_mmio_write offset ")?;
    let (offset, value) = rest.split_once(" value ")?;
    Some((number(offset)?, number(value.trim())?))
}

fn number(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// Address, length and flags of a descriptor; none if the table, so far from where memory begins, does not lie in it.
fn descriptor(memory: &[u8], table: u64, at: u64) -> Option<[u64; 3]> {
    let offset = table.checked_add(16 * at)?;
    let bytes = memory.get(usize::try_from(offset).ok()?..)?.get(..16)?;
    let field = |range: Range<usize>| {
        let mut word = [0; 8];
        word[..range.len()].copy_from_slice(&bytes[range]);
        u64::from_le_bytes(word)
    };
    Some([field(0..8), field(8..12), field(12..14)])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One queue of two descriptors at the beginning of memory, with its used ring behind them; the second
    /// descriptor lets the device write 16 bytes at `address`.
    fn check(address: u64, given: &str, stray: usize) {
        let trace = "1@2.3:virtio_mmio_write_offset virtio_mmio_write offset 0x70 value 0x0\n\
            virtio_mmio_write offset 0x30 value 0x0\nvirtio_mmio_write offset 0x38 value 0x2\n\
            virtio_mmio_write offset 0x80 value 0x80000000\nvirtio_mmio_write offset 0x84 value 0x0\n\
            virtio_mmio_write offset 0xa0 value 0x80000040\nvirtio_mmio_write offset 0xa4 value 0x0\n\
            virtio_mmio_write offset 0x44 value 0x1\n";
        let mut memory = vec![0; 4096];
        memory[16..24].copy_from_slice(&address.to_le_bytes());
        memory[24] = 16;
        memory[28] = WRITE as u8;
        let log = [
            "kernel: DEBUG virtio_net's device may reach 0x90000000, 4096 bytes",
            "kernel: DEBUG the device of virtio_net is reset",
            given,
        ];
        let found = examine(
            trace,
            &log.map(str::to_owned),
            &memory,
            memory_start("riscv64"),
        );
        assert_eq!((found.queues, found.writable), (1, 1));
        assert_eq!(found.stray.len(), stray, "{:?}", found.stray);
    }

    const GIVEN: &str = "[1.0] kernel: DEBUG virtio_net's device may reach 0x80000000, 4096 bytes";

    #[test]
    fn places_that_were_not_given_are_found() {
        check(0x8000_0800, GIVEN, 0);
        check(0x8000_0ff0, GIVEN, 0);
        // Its last byte lies beyond.
        check(0x8000_0ff1, GIVEN, 1);
        check(0x8020_0000, GIVEN, 1);
        // What was given before the reset does not count.
        check(0x9000_0000, GIVEN, 1);
        check(0x8000_0800, "nothing", 2);
    }
}
