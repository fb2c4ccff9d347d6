//! Which virtual addresses lead where, by the page tables in a dump of physical memory.
//!
//! Both architectures have tables of 512 words, and pages of 4 KiB (rule 8).

use crate::arch::Arch;

const PAGE: u64 = 4096;

/// A range of virtual addresses that leads to a range of physical ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// Where it begins.
    pub address: u64,
    /// Where that is in physical memory.
    pub physical: u64,
    /// Bytes.
    pub len: u64,
}

/// Where the tables of a CPU begin: `satp`, or `TTBR0_EL1` and `TTBR1_EL1`.
pub fn roots(arch: Arch) -> &'static [&'static str] {
    match arch {
        Arch::Riscv64 => &["satp"],
        Arch::Arm64 => &["TTBR0_EL1", "TTBR1_EL1"],
    }
}

/// Walks over tables. `registers` are those of [`roots`]; `word` reads physical memory.
pub fn walk(arch: Arch, registers: &[u64], word: &dyn Fn(u64) -> Option<u64>) -> Vec<Range> {
    let mut ranges = Vec::new();
    for (half, &register) in registers.iter().enumerate() {
        match arch {
            // Mode and address-space identifier are in the upper 20 bits; mode 0: no translation.
            Arch::Riscv64 if register >> 60 == 0 => {}
            Arch::Riscv64 => {
                let root = (register << 20 >> 20) * PAGE;
                // Sv39: 39 bits, the upper half by extending the sign.
                table(arch, root, 2, 0, word, &mut ranges);
                for range in &mut ranges {
                    if range.address >> 38 & 1 == 1 {
                        range.address |= u64::MAX << 39;
                    }
                }
            }
            Arch::Arm64 => {
                // Bit 0: common; the upper 16 bits: the address space's identifier.
                let root = register & 0x0000_ffff_ffff_fffe & !(PAGE - 1);
                let upper = if half == 0 { 0 } else { 0xffff << 48 };
                if root != 0 {
                    table(arch, root, 3, upper, word, &mut ranges);
                }
            }
        }
    }
    ranges.sort_by_key(|range| range.address);
    let mut joined: Vec<Range> = Vec::new();
    for range in ranges {
        match joined.last_mut() {
            Some(last)
                if last.address + last.len == range.address
                    && last.physical + last.len == range.physical =>
            {
                last.len += range.len;
            }
            _ => joined.push(range),
        }
    }
    joined
}

/// Takes what a table of this level says: level 0 leads to pages.
fn table(
    arch: Arch,
    at: u64,
    level: u32,
    address: u64,
    word: &dyn Fn(u64) -> Option<u64>,
    ranges: &mut Vec<Range>,
) {
    let len = PAGE << (9 * level);
    for index in 0..512 {
        let Some(entry) = word(at + index * 8) else {
            continue;
        };
        let address = address + index * len;
        match entry_kind(arch, entry, level) {
            Entry::Nothing => {}
            Entry::Table(next) if level > 0 => table(arch, next, level - 1, address, word, ranges),
            Entry::Table(_) => {}
            Entry::Memory(physical) => ranges.push(Range {
                address,
                physical,
                len,
            }),
        }
    }
}

enum Entry {
    Nothing,
    Table(u64),
    Memory(u64),
}

fn entry_kind(arch: Arch, entry: u64, level: u32) -> Entry {
    match arch {
        // "The RISC-V Instruction Set Manual", volume II, 10.4: valid; then read, write, execute, one of which a leaf has.
        Arch::Riscv64 => {
            let physical = (entry << 10 >> 20) * PAGE;
            match (entry & 1, entry >> 1 & 7) {
                (0, _) => Entry::Nothing,
                (_, 0) => Entry::Table(physical),
                _ => Entry::Memory(physical),
            }
        }
        // "Arm Architecture Reference Manual", D8.3: 1 is a block, 3 a table, or a page at the last level.
        Arch::Arm64 => {
            let physical = entry & 0x0000_ffff_ffff_f000;
            match (entry & 3, level) {
                (3, 0) => Entry::Memory(physical),
                (3, _) => Entry::Table(physical),
                (1, 1..) => Entry::Memory(physical),
                _ => Entry::Nothing,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn neighbours_are_joined_and_halves_told_apart() {
        // Sv39: a root at page 1 with a table for the lowest GiB and a page of 1 GiB in the upper half.
        let words = BTreeMap::from([
            (0x1000, 2 << 10 | 1),
            (0x2000, 3 << 10 | 1),
            (0x3000, 0x80 << 10 | 0xf),
            (0x3008, 0x81 << 10 | 0xf),
            (0x3018, 0x90 << 10 | 0xf),
            (0x1000 + 256 * 8, 0xcf),
        ]);
        let word = |at| words.get(&at).copied().or(Some(0));
        let ranges = walk(Arch::Riscv64, &[8 << 60 | 1], &word);
        let range = |address, physical, len| Range {
            address,
            physical,
            len,
        };
        assert_eq!(
            ranges,
            [
                range(0, 0x80000, 0x2000),
                range(0x3000, 0x90000, 0x1000),
                range(0xffff_ffc0_0000_0000, 0, 1 << 30)
            ]
        );
        assert_eq!(walk(Arch::Riscv64, &[0], &word), []);
    }

    #[test]
    fn arm_has_a_table_for_each_half() {
        let words = BTreeMap::from([
            (0x1000, 0x2003),
            (0x2008, 0x4000_0000 | 0x401),
            (0x5000, 0x6003),
            (0x6000, 0x7003),
            (0x7000, 0x8003),
            (0x8000, 0x9403),
        ]);
        let word = |at| words.get(&at).copied().or(Some(0));
        let ranges = walk(Arch::Arm64, &[7 << 48 | 0x1000, 0x5001], &word);
        let range = |address, physical, len| Range {
            address,
            physical,
            len,
        };
        assert_eq!(
            ranges,
            [
                range(1 << 30, 0x4000_0000, 1 << 30),
                range(0xffff << 48, 0x9000, 0x1000)
            ]
        );
    }
}
