//! The system registers of a GICv3's CPU interface (Arm IHI 0069H, section 12.2).

use core::arch::asm;

use crate::platform::interrupt_controller::GicCpuInterface;

/// The CPU interface of whichever CPU calls.
#[derive(Debug)]
pub struct CpuInterface;

impl GicCpuInterface for CpuInterface {
    fn init(&self) {
        // SAFETY: these registers say which interrupts are signalled, and nothing about memory.
        // By name they need an assembler that knows GICv3, which LLVM's does.
        unsafe {
            asm!(
                "mrs {t}, icc_sre_el1",
                "orr {t}, {t}, #1",
                "msr icc_sre_el1, {t}",
                "isb",
                "mov {t}, #0xf0",
                "msr icc_pmr_el1, {t}",
                "msr icc_ctlr_el1, xzr",
                "mov {t}, #1",
                "msr icc_igrpen1_el1, {t}",
                "isb",
                t = out(reg) _, options(nostack, preserves_flags),
            );
        }
    }

    fn acknowledge(&self) -> u32 {
        let number: u64;
        // SAFETY: takes an interrupt. The barrier makes its effect complete before the device is
        // looked at (section 4.1.1, "Effects of reading ICC_IAR").
        unsafe {
            asm!("mrs {}, icc_iar1_el1", "dsb sy", out(reg) number, options(nostack, preserves_flags));
        }
        number as u32
    }

    fn end(&self, number: u32) {
        // SAFETY: ends an interrupt that was taken.
        unsafe {
            asm!("msr icc_eoir1_el1, {}", "isb", in(reg) u64::from(number), options(nostack, preserves_flags));
        }
    }

    fn send(&self, value: u64) {
        // SAFETY: the barrier makes visible what was written for the CPU that is interrupted.
        unsafe {
            asm!("dsb ishst", "msr icc_sgi1r_el1, {}", "isb", in(reg) value, options(nostack, preserves_flags));
        }
    }

    fn publish(&self) {
        // SAFETY: a barrier changes nothing.
        unsafe { asm!("dsb sy", options(nostack, preserves_flags)) };
    }
}
