//! Attacks on memory: the kernel's, other components', devices', and the rules for one's own.

use core::hint::black_box;
use core::ptr::{read_volatile, write_volatile};
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ftl::abi::Call;
use ftl::handle::Thread;
use ftl::sys;

use crate::calls::call;
use crate::random::Random;

/// Where the kernel's own half is in use, on one machine and on the other: its map of all memory, its image,
/// components in its address space, and the stack of its first CPU. See the layouts in `kernel/src/arch`.
const KERNEL: &[usize] = &[
    0xffff_ffc0_8020_0000,
    0xffff_ffff_8020_0000,
    0xffff_ffe0_0000_0000,
    0xffff_fff0_0040_0000 - 64,
    0xffff_0000_4008_0000,
    0xffff_ffff_8000_0000,
    0xffff_8000_0000_0000,
    0xffff_c000_0040_0000 - 64,
];

/// Where other things lie that are not this component's, on either machine.
const FOREIGN: &[usize] = &[
    0,
    8,
    0x1000,
    // Devices: UARTs, interrupt controllers, virtio.
    0x1000_0000,
    0x0900_0000,
    0x0c00_0000,
    0x0800_0000,
    0x1000_1000,
    // RAM where it lies physically, the firmware's and the kernel's among it.
    0x8000_0000,
    0x8020_0000,
    0x4000_0000,
    0x4008_0000,
    // Where the kernel's maps begin.
    0xffff_ffc0_0000_0000,
    0xffff_ffc0_8000_0000,
    0xffff_0000_0000_0000,
    // No address at all.
    0x0000_8000_0000_0000,
    0x0000_4000_0000_0000,
    0x8000_0000_0000_0000,
    usize::MAX - 7,
];

/// Address number `n`: one of the lists, and beyond them one in the kernel's half at random.
fn foreign(n: u64) -> usize {
    match KERNEL.iter().chain(FOREIGN).nth(n as usize) {
        Some(address) => *address,
        None => (Random::new(n).next() as usize | 0xffff_ff80_0000_0000) & !7,
    }
}

/// Reads there; comes back with what it found only if nothing is protected.
pub fn read(n: u64) -> u64 {
    read_at(foreign(n))
}

/// Reads at an address.
pub fn read_at(address: usize) -> u64 {
    let address = address as *const u64;
    // SAFETY: none, on purpose: see the crate's first lines.
    unsafe { read_volatile(black_box(address)) | 1 }
}

/// Writes there.
pub fn write(n: u64) -> u64 {
    write_at(foreign(n))
}

/// Writes at an address.
pub fn write_at(address: usize) -> u64 {
    let address = address as *mut u64;
    // SAFETY: as above.
    unsafe { write_volatile(black_box(address), 0x6861_636b_6564_2121) };
    1
}

/// Jumps there.
pub fn jump(n: u64) -> u64 {
    call_at(foreign(n))
}

/// Writes over this very function.
pub fn write_code() -> u64 {
    let address = write_code as fn() -> u64 as usize as *mut u32;
    // SAFETY: as above.
    unsafe { write_volatile(black_box(address), 0) };
    1
}

/// Runs what lies on the stack, on the heap, or in the message buffer.
pub fn run_data(seed: u64) -> u64 {
    let on_stack = [0u32; 16];
    let on_heap = alloc::vec![0u32; 16];
    match seed % 2 {
        0 => call_at(black_box(&on_stack).as_ptr() as usize),
        _ => call_at(black_box(&on_heap).as_ptr() as usize),
    }
}

/// Goes on in the middle of a function, or of an instruction, with whatever is in the registers.
pub fn run_anywhere(seed: u64) -> u64 {
    let somewhere = Random::new(seed).below(64 << 10) & !1;
    let here = run_anywhere as fn(u64) -> u64 as usize;
    call_at((here + somewhere).saturating_sub(32 << 10))
}

/// Jumps to an address.
pub fn call_at(address: usize) -> u64 {
    let pointer = black_box(address) as *const ();
    // SAFETY: as above.
    unsafe {
        let function: extern "C" fn() -> u64 = core::mem::transmute(pointer);
        function()
    }
}

/// Recurses without end.
#[inline(never)]
#[allow(unconditional_recursion)]
pub fn recurse(depth: u64) -> u64 {
    let block = black_box([depth; 64]);
    recurse(depth + 1) + block[(depth % 64) as usize]
}

/// One frame of 200 KiB: longer than the stack, and touched at its far end first.
#[inline(never)]
pub fn leap(at: usize) -> u64 {
    let mut block = [0u8; 200 << 10];
    black_box(&mut block)[at] = 1;
    u64::from(block[at])
}

/// The status of one that could read what is not mapped any more.
const STILL_MAPPED: usize = 66;
const READERS: usize = 4;

/// Threads on all CPUs read a page without pause, so that all of them have it in mind, and then it is unmapped.
/// Whoever reads it from then on must get a fault, wherever it runs. `count` pages are read and unmapped before that,
/// which nobody holds on to.
pub fn unmapped(count: u32) -> u64 {
    static PAGE: AtomicU64 = AtomicU64::new(0);
    static GONE: AtomicBool = AtomicBool::new(false);
    static READS: [AtomicU64; READERS] = [const { AtomicU64::new(0) }; READERS];

    let fresh = |value: u64| {
        let folio = sys::folio_create(4096, 0).ok()?;
        let address = sys::folio_map(folio, 0, 4096, true).ok()?;
        let _ = sys::handle_close(folio);
        // SAFETY: as above; it was mapped just now.
        unsafe { write_volatile(address as *mut u64, value) };
        Some(address)
    };
    for value in 1..=u64::from(count) {
        let Some(address) = fresh(value) else {
            return 1;
        };
        // SAFETY: as above.
        if unsafe { read_volatile(address as *const u64) } != value {
            return 2;
        }
        let _ = call(Call::FolioUnmap, [address, 0, 0, 0, 0, 0]);
    }
    let Some(address) = fresh(7) else {
        return 1;
    };
    PAGE.store(address as u64, Ordering::Relaxed);
    let mut started = 0;
    for reads in READS.iter() {
        let reader = Thread::spawn(16 << 10, move || {
            let page = PAGE.load(Ordering::Relaxed) as *const u64;
            loop {
                let gone = GONE.load(Ordering::SeqCst);
                // SAFETY: as above.
                let _ = black_box(unsafe { read_volatile(page) });
                if gone {
                    sys::process_exit(STILL_MAPPED);
                }
                reads.fetch_add(1, Ordering::Relaxed);
            }
        });
        let Ok(reader) = reader else { break };
        core::mem::forget(reader);
        started += 1;
    }
    if started == 0 {
        return 3;
    }
    // Each has read, and does so while the others do.
    for _ in 0..2 {
        for reads in &READS[..started] {
            let before = reads.load(Ordering::Relaxed);
            while reads.load(Ordering::Relaxed) < before + 1_000 {
                core::hint::spin_loop();
            }
        }
    }
    let _ = call(Call::FolioUnmap, [address, 0, 0, 0, 0, 0]);
    GONE.store(true, Ordering::SeqCst);
    loop {
        core::hint::spin_loop();
    }
}
