//! What the firmware's memory map says to the kernel.
//!
//! UEFI's map is the truth about memory (what a device tree says of it may be older): which addresses
//! are memory at all, and which of that somebody keeps for good. Everything else is the kernel's
//! once boot services have ended, this loader included.

use alloc::vec::Vec;

use crate::PAGE_LEN;

/// How many ranges of memory the kernel is told to leave alone, at most. It has room for 32 in all.
pub const KEPT_MAX: usize = 20;

/// What is in a range, as far as it matters here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Nothing.
    Free,
    /// What is in use only until boot services end.
    Boot,
    /// Memory that firmware or devices keep.
    Kept,
    /// No memory: registers, or a hole.
    Other,
}

/// A range of physical addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Its first address.
    pub start: u64,
    /// The address after its last.
    pub end: u64,
}

/// An entry of the map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where it is.
    pub range: Range,
    /// What is there.
    pub used: Use,
}

/// The ranges that are memory, whoever uses them, in their order, neighbours joined.
pub fn memory(map: impl Iterator<Item = Entry>) -> Vec<Range> {
    let is_memory = |entry: &Entry| entry.used != Use::Other && entry.range.start < entry.range.end;
    let mut ranges: Vec<Range> = map.filter(is_memory).map(|entry| entry.range).collect();
    ranges.sort_unstable_by_key(|range| range.start);
    ranges.dedup_by(|next, range| {
        let touches = next.start <= range.end;
        if touches {
            range.end = range.end.max(next.end);
        }
        touches
    });
    ranges
}

/// Where to put the kernel: as low as possible in the largest range of memory, since that one is what the kernel
/// will use. At a multiple of `alignment`, and all within one GiB, because that is what the
/// kernel can see before it has read the device tree.
pub fn place(map: impl Iterator<Item = Entry> + Clone, len: u64, alignment: u64) -> Option<u64> {
    const GIB: u64 = 1 << 30;
    let all = memory(map.clone());
    let largest = all.iter().max_by_key(|range| range.end - range.start)?;
    let mut best: Option<u64> = None;
    for entry in map.filter(|entry| entry.used == Use::Free) {
        if entry.range.start < largest.start || entry.range.end > largest.end {
            continue;
        }
        let mut start = entry.range.start.checked_next_multiple_of(alignment)?;
        if start / GIB != (start + len.max(1) - 1) / GIB {
            start = start.next_multiple_of(GIB);
        }
        let fits = start + len <= entry.range.end && len <= GIB;
        if fits && best.is_none_or(|best| start < best) {
            best = Some(start);
        }
    }
    best
}

/// The memory that the kernel must leave alone. Needs no allocator, since it is called when there is none any more: the
/// map is final only after boot services have ended. If there are too many ranges, those closest to each other become one,
/// and what is between them goes unused.
pub fn kept(map: impl Iterator<Item = Entry>) -> heapless::Vec<Range, KEPT_MAX> {
    let mut kept: heapless::Vec<Range, KEPT_MAX> = heapless::Vec::new();
    for entry in map.filter(|entry| entry.used == Use::Kept) {
        let range = Range {
            start: entry.range.start & !(PAGE_LEN - 1),
            end: entry.range.end.next_multiple_of(PAGE_LEN),
        };
        if range.start >= range.end {
            continue;
        }
        if kept.is_full() {
            join_closest(&mut kept, range);
            continue;
        }
        let place = kept.partition_point(|other| other.start < range.start);
        // There is room, and the place is at most the length.
        let _ = kept.insert(place, range);
        join_touching(&mut kept);
    }
    kept
}

fn join_touching(kept: &mut heapless::Vec<Range, KEPT_MAX>) {
    let mut at = 1;
    while at < kept.len() {
        if kept[at].start <= kept[at - 1].end {
            kept[at - 1].end = kept[at - 1].end.max(kept[at].end);
            kept.remove(at);
        } else {
            at += 1;
        }
    }
}

/// Puts one more range into a full list: where it costs the fewest bytes.
fn join_closest(kept: &mut heapless::Vec<Range, KEPT_MAX>, range: Range) {
    let joined = |other: &Range| Range {
        start: other.start.min(range.start),
        end: other.end.max(range.end),
    };
    let growth = |other: &Range| {
        let all = joined(other);
        (all.end - all.start) - (other.end - other.start)
    };
    if let Some(other) = kept.iter_mut().min_by_key(|other| growth(other)) {
        *other = joined(other);
    }
    join_touching(kept);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::vec;

    const MIB: u64 = 1 << 20;

    fn entry(start: u64, end: u64, used: Use) -> Entry {
        Entry {
            range: Range { start, end },
            used,
        }
    }

    #[test]
    fn memory_is_what_anybody_uses() {
        let map = [
            entry(64 * MIB, 80 * MIB, Use::Kept),
            entry(0, MIB, Use::Other),
            entry(40 * MIB, 64 * MIB, Use::Boot),
            entry(90 * MIB, 91 * MIB, Use::Free),
        ];
        let range = |start, end| Range { start, end };
        assert_eq!(
            memory(map.into_iter()),
            vec![range(40 * MIB, 80 * MIB), range(90 * MIB, 91 * MIB)]
        );
        assert_eq!(memory(core::iter::empty()), vec![]);
    }

    #[test]
    fn the_kernel_lies_low_in_the_largest_memory() {
        let check = |map: &[Entry], len, expected| {
            assert_eq!(place(map.iter().copied(), len, 2 * MIB), expected);
        };
        let map = [
            entry(2 * MIB, 6 * MIB, Use::Free),
            entry(65 * MIB, 66 * MIB, Use::Boot),
            entry(66 * MIB + 4096, 100 * MIB, Use::Free),
            entry(100 * MIB, 101 * MIB, Use::Kept),
            entry(101 * MIB, 2000 * MIB, Use::Free),
            entry(64 * MIB, 65 * MIB, Use::Free),
        ];
        // Not before: that is another range. Not at 64 MiB, where there is too little.
        check(&map, 3 * MIB, Some(68 * MIB));
        check(&map, 33 * MIB, Some(102 * MIB));
        check(&map, 1900 * MIB, None);
        check(&[], 1, None);
        // Never over the end of a GiB.
        let map = [entry(1020 * MIB, 1100 * MIB, Use::Free)];
        check(&map, 4 * MIB, Some(1020 * MIB));
        check(&map, 5 * MIB, Some(1024 * MIB));
    }

    #[test]
    fn what_is_kept_is_told_in_few_ranges() {
        let touching = [
            entry(8192, 12288, Use::Kept),
            entry(0, 4096, Use::Boot),
            entry(4096, 8192, Use::Kept),
            entry(4000 * MIB, 4001 * MIB, Use::Other),
        ];
        let kept_of = |map: &[Entry]| kept(map.iter().copied());
        let one = Range {
            start: 4096,
            end: 12288,
        };
        assert_eq!(kept_of(&touching)[..], [one]);

        // More than there is room for, in an unhandy order: nothing is lost.
        let many: Vec<Entry> = (0..100u64)
            .map(|n| n * 37 % 100)
            .map(|n| entry(n * MIB, n * MIB + 4096 * (n % 5 + 1), Use::Kept))
            .collect();
        let ranges = kept_of(&many);
        for entry in &many {
            let covers =
                |range: &Range| range.start <= entry.range.start && entry.range.end <= range.end;
            assert!(ranges.iter().any(covers), "{entry:?} in {ranges:?}");
        }
        assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
    }
}
