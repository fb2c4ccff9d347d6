//! Calls to the firmware: "Power State Coordination Interface" (Arm DEN0022F), by the calling
//! convention of Arm DEN0028.

use core::arch::asm;

use crate::platform::machine_info::PsciMethod;

const CPU_OFF: u64 = 0x8400_0002;
const CPU_ON: u64 = 0xc400_0003;
const SYSTEM_OFF: u64 = 0x8400_0008;
const SYSTEM_RESET: u64 = 0x8400_0009;

fn call(method: PsciMethod, function: u64, arguments: [u64; 3]) -> i64 {
    let mut x0 = function;
    let [x1, x2, x3] = arguments;
    // SAFETY: the functions below start a CPU, end one that has nothing more to do, or end everything; none touches our memory.
    // By the convention (2.6) x0 to x17 may change.
    unsafe {
        match method {
            PsciMethod::Hvc => asm!(
                "hvc #0", inlateout("x0") x0, in("x1") x1, in("x2") x2, in("x3") x3,
                clobber_abi("C"),
            ),
            PsciMethod::Smc => asm!(
                "smc #0", inlateout("x0") x0, in("x1") x1, in("x2") x2, in("x3") x3,
                clobber_abi("C"),
            ),
        }
    }
    x0 as i64
}

/// Starts the CPU with that MPIDR at a physical address, with `context` in `x0`.
pub fn cpu_on(method: PsciMethod, mpidr: u64, start: u64, context: u64) -> bool {
    call(method, CPU_ON, [mpidr, start, context]) == 0
}

/// Switches off the CPU that calls. Comes back only if the firmware refuses, as it may for the last one (5.5).
pub fn cpu_off(method: PsciMethod) {
    call(method, CPU_OFF, [0; 3]);
}

/// Resets the machine. Whether memory is lost is the firmware's business (5.11): PSCI's warm reset,
/// SYSTEM_RESET2, is optional and QEMU has none.
pub fn system_reset(method: PsciMethod) {
    call(method, SYSTEM_RESET, [0; 3]);
}

/// Switches the machine off.
pub fn system_off(method: PsciMethod) {
    call(method, SYSTEM_OFF, [0; 3]);
}
