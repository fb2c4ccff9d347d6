//! Calls to the firmware (RISC-V SBI specification 2.0), by way of the crate `sbi-rt`.

use sbi_rt::HartMask;

/// All harts in a mask of hart numbers.
fn harts(mask: usize) -> HartMask {
    HartMask::from_mask_base(mask, 0)
}

/// Drops translations of kernel addresses on other harts (RFENCE extension).
pub fn remote_sfence(mask: usize, start: usize, len: usize) {
    sbi_rt::remote_sfence_vma(harts(mask), start, len);
}

/// Drops one address space's translations on other harts.
pub fn remote_sfence_identifier(mask: usize, start: usize, len: usize, identifier: usize) {
    sbi_rt::remote_sfence_vma_asid(harts(mask), start, len, identifier);
}

/// Makes other harts see new code.
pub fn remote_fence_i(mask: usize) {
    sbi_rt::remote_fence_i(harts(mask));
}

/// Interrupts other harts (IPI extension).
pub fn send_ipi(mask: usize) {
    sbi_rt::send_ipi(harts(mask));
}

/// Sets the timer of this hart (TIME extension).
pub fn set_timer(at: u64) {
    sbi_rt::set_timer(at);
}

/// Starts another hart at a physical address, with `opaque` in `a1` (HSM extension).
pub fn hart_start(hart: usize, start: usize, opaque: usize) -> bool {
    sbi_rt::hart_start(hart, start, opaque).is_ok()
}

/// Stops this hart for good (HSM extension), or, where the firmware cannot, leaves it without anything to do.
/// Interrupts are off.
pub fn hart_stop() -> ! {
    let _refused = sbi_rt::hart_stop();
    loop {
        riscv::asm::wfi();
    }
}

/// Writes a byte to the firmware's console: "Console Write Byte" of the DBCN extension (chapter 12.3), or, where the firmware
/// is older than that and refuses, "Console Putchar" of the legacy extensions (chapter 5.2). Both wait until the byte is
/// away. Where there is neither, or no console, it is lost.
pub fn console_put(byte: u8) {
    if sbi_rt::console_write_byte(byte).is_err() {
        #[expect(deprecated, reason = "for firmware that has nothing newer")]
        let _nobody_to_tell = sbi_rt::legacy::console_putchar(byte.into());
    }
}

/// Resets the machine (SRST extension). A warm reset keeps what is in memory; where there is none, or
/// where a cold one is asked for, it may be lost.
pub fn reset(cold: bool) -> ! {
    if !cold {
        sbi_rt::system_reset(sbi_rt::WarmReboot, sbi_rt::NoReason);
    }
    sbi_rt::system_reset(sbi_rt::ColdReboot, sbi_rt::NoReason);
    power_off()
}

/// Switches the machine off (SRST extension).
pub fn power_off() -> ! {
    sbi_rt::system_reset(sbi_rt::Shutdown, sbi_rt::NoReason);
    loop {
        riscv::asm::wfi();
    }
}
