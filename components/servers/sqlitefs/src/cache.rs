//! How much memory parts of the database may take: what the system's file says, or a share of the machine's.
//!
//! Pages that are read are kept until there are as many as there may be, and are not given back to the machine then, so the
//! share is one that the others can do without. When the machine has none left before that, the cache stays as it is and makes do (libs/sqlite).

use ftl::memory::machine_len;
use ftl::prelude::*;

const MIB: u64 = 1 << 20;
/// What a small system needs for itself.
const OTHERS: u64 = 24 * MIB;
/// The share of the rest.
const SHARE: u64 = 3;
/// The least.
const LEN_MIN: usize = 1 << 20;
/// What the server needs beside what SQLite may take.
const BESIDE: usize = 16 << 20;

/// The share of a machine with so much memory.
fn share_of(machine: u64) -> usize {
    let share = machine.saturating_sub(OTHERS) / SHARE;
    usize::try_from(share).unwrap_or(usize::MAX).max(LEN_MIN)
}

/// Whether the component's limit leaves room for so much. Memory is promised when a folio is made, so making one
/// and letting go of it costs next to nothing.
fn fits(len: usize) -> bool {
    // What the machine has too little of may still do: it is taken only when it is needed.
    !matches!(Folio::new(len), Err(Error::MemoryLimit))
}

/// Finds out, before anything goes wrong, whether there is room for what SQLite may take.
pub fn check(setting: u32) -> Result<()> {
    let needed = files::memory_max((setting as usize) << 20);
    match fits(needed) {
        true => Ok(()),
        false => {
            error!(
                "the setting `cache: {setting}` needs {} MiB, more than `limits: {{ memory: … }}` leaves: \
                 give the file server more of that in the system's file, or a smaller cache",
                needed >> 20
            );
            Err(Error::MemoryLimit)
        }
    }
}

/// Bytes of the cache, for a disk in memory or a real one.
pub fn len(setting: u32, in_memory: bool) -> usize {
    match (setting, in_memory) {
        // What is in memory need not be there twice.
        (0, true) => LEN_MIN,
        (0, false) => {
            let mut len = share_of(machine_len());
            while len > LEN_MIN && !fits(files::memory_max(len) + BESIDE) {
                len = (len / 4 * 3).max(LEN_MIN);
            }
            len
        }
        (setting, _) => (setting as usize) << 20,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_machine_keeps_its_memory_and_a_large_one_has_it_used() {
        assert_eq!(share_of(0), LEN_MIN);
        assert_eq!(share_of(24 * MIB), LEN_MIN);
        assert_eq!(share_of(64 * MIB) >> 20, 13);
        assert_eq!(share_of(120 * MIB) >> 20, 32);
        assert_eq!(share_of(1024 * MIB) >> 20, 333);
    }
}
