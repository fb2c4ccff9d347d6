//! Wild pointers with a safe face, for tests alone: what a mistake in the `unsafe` of a reviewed crate does to
//! a component that runs with `isolation: kernel`.
//!
//! It contains `unsafe` because that is its purpose. It stands on the reviewed list all the same, because it
//! can do no harm: it writes only to the lowest 4 KiB, where no machine maps anything, and reads besides only aligned words of
//! the kernel's half, which changes nothing in memory. Nothing but
//! `components/tests` may depend on it, which `tools/ftl/src/house.rs` checks.
#![no_std]

/// Addresses below this are never mapped.
const NULL_PAGE_LEN: usize = 4096;

/// Reads a word at an address of the null page, which ends the component.
///
/// # Panics
/// If the address lies beyond, or is not aligned.
pub fn read(address: usize) -> u64 {
    let pointer = checked(address);
    // SAFETY: none, on purpose: the access faults. That is all it does, since nothing is mapped there.
    unsafe { core::ptr::read_volatile(pointer) }
}

/// Writes a word at an address of the null page, which ends the component.
///
/// # Panics
/// If the address lies beyond, or is not aligned.
pub fn write(address: usize, value: u64) {
    let pointer = checked(address);
    // SAFETY: as above.
    unsafe { core::ptr::write_volatile(pointer, value) }
}

/// Reads a word at an address of the kernel's half, to show that something is mapped there.
///
/// # Panics
/// If the address lies below, or is not aligned.
pub fn read_kernel(address: usize) -> u64 {
    assert!(
        address > usize::MAX / 2 && address.is_multiple_of(8),
        "only the kernel's half is looked at"
    );
    let pointer = core::hint::black_box(address) as *const u64;
    // SAFETY: none that Rust knows of, on purpose: somebody else may be writing there. The word is only looked at.
    unsafe { core::ptr::read_volatile(pointer) }
}

fn checked(address: usize) -> *mut u64 {
    assert!(
        address < NULL_PAGE_LEN && address.is_multiple_of(8),
        "only the null page is wild enough"
    );
    // Through a black box, or the compiler would take the access for unreachable.
    core::hint::black_box(address) as *mut u64
}

#[cfg(test)]
mod tests {
    #[test]
    #[should_panic(expected = "null page")]
    fn no_other_address_is_touched() {
        super::read(4096);
    }
}
