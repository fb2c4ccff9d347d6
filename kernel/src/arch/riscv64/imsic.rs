//! The control registers of a CPU's file of messages for supervisor mode ("The RISC-V Advanced Interrupt
//! Architecture" 1.0, section 3.8). Assemblers know their names only with extensions that are not asked for here.

use core::arch::asm;

use crate::platform::interrupt_controller::{CpuInterface, MessageFile};

/// The file of whichever CPU calls.
pub const OWN: CpuInterface = CpuInterface::MessageFile(&OwnFile);

// What `siselect` (0x150) picks and `sireg` (0x151) then is.
const DELIVERY: usize = 0x70;
const THRESHOLD: usize = 0x72;
const ENABLE: usize = 0xc0;

#[derive(Debug)]
struct OwnFile;

fn write(register: usize, value: usize) {
    // SAFETY: these registers say which interrupts are signalled, and nothing about memory.
    unsafe {
        asm!(
            "csrw 0x150, {0}", "csrw 0x151, {1}", in(reg) register, in(reg) value,
            options(nomem, nostack)
        );
    }
}

impl MessageFile for OwnFile {
    fn init(&self, last: u32) {
        // 64 identities each; with registers of 64 bits the odd ones are not there.
        for word in 0..=last as usize / 64 {
            write(ENABLE + 2 * word, usize::MAX);
        }
        write(THRESHOLD, 0);
        write(DELIVERY, 1);
    }

    fn claim(&self) -> u32 {
        let top: usize;
        // SAFETY: `stopei` (0x15c) tells the identity that comes first, and the write takes it.
        unsafe { asm!("csrrw {0}, 0x15c, zero", out(reg) top, options(nomem, nostack)) };
        (top >> 16) as u32
    }
}
