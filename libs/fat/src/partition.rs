//! Where on a disk a file system may lie, by the table that the first sector of a partitioned disk ends with (the "master boot
//! record": Microsoft's FAT specification has it in section 8 of its older editions; UEFI 2.10, section 5.2.1).

use crate::SECTOR_LEN;

/// Where the table lies, and bytes of an entry.
const TABLE: usize = 446;
const ENTRY_LEN: usize = 16;

/// Kinds of partition that hold FAT or exFAT: with 12 bits, 16 (three of them), exFAT, 32 (two of them).
const KINDS: [u8; 7] = [0x01, 0x04, 0x06, 0x0e, 0x07, 0x0b, 0x0c];

/// First sector and number of sectors of those partitions that may hold FAT or exFAT and lie on a disk of so many
/// sectors.
pub fn partitions(
    first_sector: &[u8; SECTOR_LEN],
    sectors: u64,
) -> impl Iterator<Item = (u64, u64)> {
    let is_table = first_sector[510..] == [0x55, 0xaa];
    let entries = first_sector[TABLE..510].as_chunks::<ENTRY_LEN>().0.iter();
    entries.filter(move |_| is_table).filter_map(move |entry| {
        let number = |at: usize| {
            let bytes = [entry[at], entry[at + 1], entry[at + 2], entry[at + 3]];
            u64::from(u32::from_le_bytes(bytes))
        };
        let (first, count) = (number(8), number(12));
        let fits = first > 0 && count > 0 && first + count <= sectors;
        (KINDS.contains(&entry[4]) && fits).then_some((first, count))
    })
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use super::*;

    #[test]
    fn partitions_are_found_and_impossible_ones_are_not() {
        let mut sector = [0; SECTOR_LEN];
        let mut enter = |place: usize, kind: u8, first: u32, count: u32| {
            let at = TABLE + place * ENTRY_LEN;
            sector[at + 4] = kind;
            sector[at + 8..at + 12].copy_from_slice(&first.to_le_bytes());
            sector[at + 12..at + 16].copy_from_slice(&count.to_le_bytes());
        };
        enter(0, 0x83, 1, 10); // Linux
        enter(1, 0x0c, 2048, 4096);
        enter(2, 0x07, 8000, u32::MAX);
        enter(3, 0x06, 0, 100);
        assert_eq!(partitions(&sector, 10_000).count(), 0, "without its mark");
        sector[510..].copy_from_slice(&[0x55, 0xaa]);
        let found: Vec<_> = partitions(&sector, 10_000).collect();
        assert_eq!(found, [(2048, 4096)]);
    }
}
