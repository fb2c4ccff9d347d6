//! From the counter's ticks to instructions and back. Under QEMU's `-icount shift=0` each instruction
//! takes one nanosecond of the machine's time, so one is the other times a fixed number; only where
//! each begins to count may differ.

use abi::StartInfo;
use ftl::time::{Instant, instructions};

/// What has to be added to nanoseconds since boot.
pub struct Clock {
    offset: u64,
    boot_ticks: u64,
    ticks_per_second: u64,
}

impl Clock {
    /// Compares the two until an instant has just begun.
    pub fn new(info: &StartInfo) -> Clock {
        let offset = (0..1000)
            .map(|_| {
                let now = Instant::now().as_nanos();
                instructions().saturating_sub(now)
            })
            .min()
            .unwrap_or(0);
        Clock {
            offset,
            boot_ticks: info.boot_ticks,
            ticks_per_second: info.ticks_per_second,
        }
    }

    /// The counter when so many instructions have been executed.
    pub fn ticks(&self, instructions: u64) -> u64 {
        let nanos = instructions.saturating_sub(self.offset);
        self.boot_ticks + nanos * (self.ticks_per_second / 1_000_000) / 1000
    }

    /// How many instructions have been executed when the counter shows this.
    pub fn instructions(&self, ticks: u64) -> u64 {
        (ticks - self.boot_ticks) * 1000 / (self.ticks_per_second / 1_000_000) + self.offset
    }
}
