//! An attack on the CPU's registers: what others, or the kernel, have left in them. Each machine is one file that knows
//! which of them a call may change, and offers:
//!
//! | name | what it does |
//! |---|---|
//! | `counter()` | the machine's counter |
//! | `wait(gate, queue, deadline)` | zeros in all those registers, the call, and what is in them then |

use ftl::abi::Call;
use ftl::sys;

use crate::calls::call;

#[cfg(all(target_os = "none", target_arch = "aarch64"))]
mod arm64;
#[cfg(not(target_os = "none"))]
mod host;
#[cfg(all(target_os = "none", target_arch = "riscv64"))]
mod riscv64;

#[cfg(all(target_os = "none", target_arch = "aarch64"))]
use arm64 as machine;
#[cfg(not(target_os = "none"))]
use host as machine;
#[cfg(all(target_os = "none", target_arch = "riscv64"))]
use riscv64 as machine;

/// Waits a moment, `count` times, while others compute, and looks at the registers that the wait need not preserve. All
/// were zero before. The answer is how often one was anything else afterwards.
pub fn spy(count: u32) -> u64 {
    let Ok(queue) = sys::queue_create() else {
        return u64::MAX;
    };
    let mut found = 0;
    for _ in 0..count {
        // Nothing ever comes there.
        let seen = machine::wait(sys::gate_address(), queue.raw() as usize, soon());
        found += seen.iter().filter(|value| **value != 0).count() as u64;
    }
    let _ = call(Call::HandleClose, [queue.raw() as usize, 0, 0, 0, 0, 0]);
    found
}

/// In two milliseconds, in ticks of the counter.
fn soon() -> usize {
    const MANY: u64 = 1 << 20;
    let many_take = ftl::time::ticks_to_duration(MANY).as_nanos() as u64;
    machine::counter() + (2_000_000 * MANY / many_take) as usize
}
