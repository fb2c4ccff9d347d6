//! The unit as plain memory.

use super::*;

fn memory(len: usize) -> PhysicalRange {
    let words = Box::leak(vec![0u64; (len + 0x1_0000) / 8].into_boxed_slice());
    let start = words.as_mut_ptr().expose_provenance() as u64;
    PhysicalRange {
        start: start.next_multiple_of(0x1_0000),
        len: len as u64,
    }
}

fn word(range: PhysicalRange, at: usize) -> u64 {
    let place = core::ptr::with_exposed_provenance::<u64>(range.start as usize + at);
    // SAFETY: within the range, which is leaked.
    unsafe { place.read_volatile() }
}

fn set(range: PhysicalRange, at: usize, value: u64) {
    let place = core::ptr::with_exposed_provenance_mut::<u64>(range.start as usize + at);
    // SAFETY: as above.
    unsafe { place.write_volatile(value) }
}

#[test]
fn streams_are_attached_and_detached_and_refusals_are_read_once() {
    let registers = memory(0x2_0000);
    let own = memory(MEMORY_LEN);
    let info = IommuInfo {
        registers,
        interrupt: crate::platform::machine_info::Interrupt {
            number: 106,
            edge: true,
        },
        phandle: 1,
    };
    // SAFETY: leaked memory, "mapped" where it is.
    let unit = unsafe { start(&info, &mut |range| range.start as usize, own, || {}) };
    assert_eq!(unit.interrupt(), 106);
    assert_eq!(word(registers, 0x20) & 0xff, 0b1101);
    assert_eq!(word(registers, 0x80) & 0xffff_ffff_f000, own.start);
    assert_eq!(word(registers, 0x90), 1 << 62 | (own.start + 0x1_0000) | 8);

    assert!(unit.attach(0x10, 3, 0x4567_8000));
    assert_eq!(word(own, 0x10 * 64), 0xb | (own.start + 0x1_2000 + 3 * 64));
    assert_eq!(word(own, 0x1_2000 + 3 * 64 + 8), 0x4567_8000);
    assert_eq!(word(own, 0x1_2000 + 3 * 64) >> 48, 4);
    // The three commands at the start, and then these four.
    let command = |index: usize| word(own, 0x1_0000 + 16 * index);
    assert_eq!(command(3), 0x10 << 32 | 0x03);
    assert_eq!(command(5), 4 << 48 | 0x11);
    assert_eq!(command(6), 0x46);
    unit.detach(0x10, 3);
    assert_eq!(word(own, 0x10 * 64), 0);
    assert!(!unit.attach(1 << 10, 0, 0) && !unit.attach(0, CONTEXTS_MAX, 0));

    assert_eq!(unit.refused(), None);
    set(own, 0x1_1000, 0x10 << 32 | 0x10);
    set(own, 0x1_1010, 0x4000_0000);
    set(registers, 0x1_00a8, 1);
    let refused = Refused {
        stream: 0x10,
        address: 0x4000_0000,
    };
    assert_eq!(unit.refused(), Some(refused));
    assert_eq!(unit.refused(), None);
}
