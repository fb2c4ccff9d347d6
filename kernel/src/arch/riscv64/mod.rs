//! 64-bit RISC-V with supervisor mode, Sv39, SBI and a PLIC.

mod boot;
mod context;
mod entry;
mod float;
mod imsic;
mod layout;
mod machine;
mod paging;
mod sbi;

use core::fmt::{self, Write};
use core::sync::atomic::AtomicU32;

pub use context::{Context, frame_links};
pub use entry::kernel_gate;
pub use layout::{KERNEL_COMPONENT_AREA, MemoryBase, USER_AREA, USER_GATE};
pub use machine::Machine;
pub use paging::PageTable;

use crate::kernel::Kernel;
use crate::lock::Lock;
use crate::log::kept::{self, LastWords};

/// For which machine a component's image must be made: EM_RISCV and R_RISCV_RELATIVE ("RISC-V ELF psABI 1.0").
pub const IMAGE_MACHINE: elf_image::Machine = elf_image::Machine {
    number: 243,
    relative_relocation: 3,
};
/// What the boot log calls this architecture.
pub const NAME: &str = "riscv64";

/// The kernel's state, under its lock.
static KERNEL: Lock<Kernel> = Lock::new();
/// 1 once a CPU reports the end of the kernel.
static PANICKING: AtomicU32 = AtomicU32::new(0);

/// Reports the end of the kernel and switches the machine off. Takes no lock: whoever holds it
/// may be the one who fails.
fn report(what: fmt::Arguments<'_>, pc: usize, frame: usize) -> ! {
    let mut console = LastWords::new(machine::Console);
    let _ = writeln!(console, "\nkernel panic: {what}");
    let (mut pc, mut frame) = (pc, frame);
    for _ in 0..32 {
        if pc != 0 {
            let _ = writeln!(console, "  at {pc:#x}");
        }
        // Only frames on a kernel stack or the boot stack can be read without care.
        if !machine::is_kernel_stack(frame) {
            break;
        }
        let (link, back) = frame_links(frame);
        // SAFETY: both words lie on a mapped kernel stack, right below an address on it.
        unsafe {
            pc = (link as *const usize).read();
            let next = (back as *const usize).read();
            if next <= frame {
                break;
            }
            frame = next;
        }
    }
    crate::crash::kernel_panicked();
    if kept::resets_after_panic() {
        sbi::reset(false)
    }
    let _ = writeln!(machine::Console, "FTL-EXIT panic");
    sbi::power_off()
}

/// A panic of the kernel itself.
pub fn panic(info: &core::panic::PanicInfo<'_>) -> ! {
    if !crate::crash::is_first(&PANICKING) {
        sbi::hart_stop()
    }
    let frame: usize;
    // SAFETY: a read of a register.
    unsafe { core::arch::asm!("mv {0}, s0", out(reg) frame, options(nomem, nostack)) };
    report(format_args!("{info}"), 0, frame)
}
