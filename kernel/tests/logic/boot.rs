//! Booting: bad archives, and what the last life of the machine has left.

use kernel::arch::Machine;
use kernel::boot::{BootInfo, FreeRanges, start};
use kernel::kernel::Kernel;
use kernel::log::{Level, kept};
use kernel::memory::PhysAddr;
use kernel::platform::machine_info::{MachineInfo, PhysicalRange};
use proptest::prelude::*;

const IMAGE: &[u8] = include_bytes!("../../../libs/elf/tests/images/riscv64.elf");

/// A file of a tar archive (POSIX ustar).
fn entry(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = [0u8; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", content.len()).as_bytes());
    header[148..156].copy_from_slice(b"        ");
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    let mut bytes = header.to_vec();
    bytes.extend_from_slice(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

fn archive(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes: Vec<u8> = files
        .iter()
        .flat_map(|(name, content)| entry(name, content))
        .collect();
    bytes.extend([0; 1024]);
    bytes
}

fn kernel(len: usize) -> Kernel {
    let (machine, frames) = Machine::new(len);
    let mut kernel = Kernel::new(machine, frames, Some([7; 32])).expect("enough memory");
    kernel.cpu_online(0);
    kernel
}

/// Boots with an archive of these bytes, or none. An error is what the kernel's panic says.
fn boot(bytes: Option<&[u8]>) -> Result<Kernel, String> {
    let mut kernel = kernel(16 << 20);
    let archive = bytes.map(|bytes| {
        let pages = bytes.len().div_ceil(4096).max(1);
        let order = pages.next_power_of_two().trailing_zeros() as usize;
        let base = kernel.memory.allocate(order).expect("memory");
        // SAFETY: the block is large enough and this test's.
        unsafe {
            let to = kernel.memory.machine.memory(base);
            to.write_bytes(0, 4096 << order);
            to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
        }
        (base, bytes.len())
    });
    let info = MachineInfo::new();
    let booted = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let info = BootInfo {
            machine: &info,
            archive,
            cpus: 1,
            seeded: true,
            log_region: None,
        };
        start(&mut kernel, &info);
    }));
    match booted {
        Ok(()) => Ok(kernel),
        Err(panic) => Err(panic
            .downcast_ref::<String>()
            .cloned()
            .or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()))
            .expect("panics have a text")),
    }
}

#[track_caller]
fn refused(bytes: Option<&[u8]>, reason: &str) {
    let Err(error) = boot(bytes) else {
        panic!("it boots, but should not: {reason}")
    };
    assert_eq!(error, format!("init cannot be started: {reason}"));
}

#[test]
fn a_good_archive_boots() {
    let bytes = archive(&[("plan", b"a plan"), ("init", IMAGE), ("components/a", b"x")]);
    let kernel = boot(Some(&bytes)).expect("it is good");
    let init = kernel.init.expect("init is there");
    assert_eq!(kernel.processes[init].thread_count, 1);
    assert!(kernel.processes[init].handles.len() >= 2);
}

#[test]
fn bad_archives_are_named() {
    refused(None, "there is no boot archive (QEMU's -initrd)");
    refused(
        Some(&archive(&[("plan", b"a plan")])),
        "the boot archive has no `init`",
    );
    refused(Some(&archive(&[])), "the boot archive has no `init`");
    let invalid = "its image is not valid for this machine";
    refused(Some(&archive(&[("init", b"")])), invalid);
    refused(Some(&archive(&[("init", b"#!/bin/sh\n")])), invalid);
    refused(Some(&archive(&[("init", &IMAGE[..300])])), invalid);
    // Made for another machine: e_machine at 18 is that of x86-64.
    let mut foreign = IMAGE.to_vec();
    foreign[18] = 62;
    refused(Some(&archive(&[("init", &foreign)])), invalid);
    let damaged = "the boot archive is damaged";
    let good = archive(&[("init", IMAGE)]);
    let mut bad = good.clone();
    bad[150] ^= 1; // The checksum.
    refused(Some(&bad), damaged);
    refused(Some(&good[..700]), damaged);
    refused(Some(&[0xa5; 4096]), damaged);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the archive holds, booting ends: with init, or with a reason that names init.
    #[test]
    fn damaged_archives_end_with_a_reason(
        cut in any::<u16>(),
        changes in prop::collection::vec((any::<u16>(), any::<u8>()), 0..6),
    ) {
        let mut bytes = archive(&[("plan", b"a plan"), ("init", IMAGE)]);
        for (at, value) in changes {
            let at = at as usize % bytes.len();
            bytes[at] = value;
        }
        if cut % 3 == 0 {
            bytes.truncate(cut as usize % (bytes.len() + 1));
        }
        if let Err(error) = boot(Some(&bytes)) {
            prop_assert!(error.starts_with("init cannot be started: "), "{}", error);
        }
    }
}

/// The machine's next life with what the last one left in the region.
fn next_life(
    last: &Kernel,
    region: PhysAddr,
    damage: Option<usize>,
) -> (&'static mut Kernel, bool) {
    // Not freed: the kept log is written until the next life begins.
    let next = Box::leak(Box::new(kernel(8 << 20)));
    let here = next.memory.allocate(4).expect("memory");
    assert_eq!(here, region, "each life has it at the same place");
    // SAFETY: both blocks are the tests', and large enough.
    unsafe {
        let from = last.memory.machine.memory(region);
        let to = next.memory.machine.memory(here);
        to.copy_from_nonoverlapping(from, kept::REGION_LEN);
        if let Some(at) = damage {
            *to.add(at) ^= 0x40;
        }
    }
    let found = next.keep_log(here, true);
    if let Some(found) = &found {
        next.repeat_log(found);
    }
    let found = found.is_some();
    (next, found)
}

fn says(kernel: &Kernel, text: &str) -> bool {
    kernel.memory.machine.console().contains(text)
}

/// Rule 28. One test, because the place of the kept log is known to the whole program.
#[test]
fn the_log_survives_a_reset() {
    use std::fmt::Write;

    let first = Box::leak(Box::new(kernel(8 << 20)));
    let region = first.memory.allocate(4).expect("memory");
    // What is in memory after power came on is no log.
    // SAFETY: the block is this test's.
    unsafe {
        let at = first.memory.machine.memory(region);
        at.write_bytes(0x5a, kept::REGION_LEN);
    }
    assert!(first.keep_log(region, true).is_none());
    for number in 0..2000 {
        first.log_line(Level::Info, "old", format_args!("line {number}"));
    }
    let mut console = String::new();
    let _ = writeln!(kept::LastWords::new(&mut console), "kernel panic: the end");
    assert_eq!(console, "kernel panic: the end\n");
    assert!(kept::resets_after_panic());

    let (second, found) = next_life(first, region, None);
    assert!(found);
    for expected in [
        "kernel: the machine was reset",
        "before: [",
        "old: line 1999",
        "before: kernel panic: the end",
    ] {
        assert!(says(second, expected), "{expected}");
    }
    assert!(!says(second, "line 1900\n"), "only the end is repeated");
    // The log itself can be read back, the repeated lines with it.
    let mut text = [0; 4096];
    let (_, len) = second.log.read(0, &mut text);
    assert!(String::from_utf8_lossy(&text[..len]).contains("the machine was reset"));

    // One flipped bit, in the old ring or in the header, and it is no log any more.
    second.log_line(Level::Info, "new", format_args!("a line"));
    let rings = abi::PAGE_SIZE;
    let of_second = rings + kept::REGION_LEN / 2 - rings / 2;
    for damage in [0, 8, 24 + 24, of_second + 3] {
        let (third, found) = next_life(second, region, Some(damage));
        assert!(!found, "byte {damage} was damaged");
        assert!(!says(third, "was reset"));
    }

    // Panics in a row end at some time, but not those with an orderly end between them.
    let mut last = next_life(second, region, None).0;
    let mut resets = 0;
    while kept::resets_after_panic() {
        resets += 1;
        assert!(resets < 10);
        last = next_life(last, region, None).0;
    }
    assert!(resets <= 3);
    kept::ended_in_order();
    next_life(last, region, None);
    assert!(kept::resets_after_panic());
}

#[test]
fn the_log_has_the_end_of_memory() {
    let memory = PhysicalRange {
        start: 0x8000_0000,
        len: 128 << 20,
    };
    let mut free = FreeRanges::new(memory);
    let region = free.take_log_region(memory).expect("it is free");
    assert_eq!(region.0 + kept::REGION_LEN as u64, memory.end());
    assert!(free.iter().all(|range| range.end() <= region.0));
    // Whoever has it keeps it.
    let mut free = FreeRanges::new(memory);
    free.take(PhysicalRange {
        start: memory.end() - 4096,
        len: 4096,
    });
    assert_eq!(free.take_log_region(memory), None);
}
