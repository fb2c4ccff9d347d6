//! The serial line that the kernel reports on. A driver may have it besides, and then shows the log: see
//! [`crate::log::console`].
//!
//! Output is polled: it must work in a panic, with interrupts off. A line that takes no more bytes
//! (nobody holds the other end) loses them rather than stopping the kernel.

mod ns16550;
mod pl011;

use super::machine_info::{UartInfo, UartKind};
use super::registers::Registers;

/// How often a line is asked whether it has room before a byte is given up. At 115,200 baud a byte
/// takes 87 µs, and one look at least 100 ns.
const PATIENCE: usize = 100_000;

/// A serial line.
#[derive(Debug)]
pub enum Uart {
    /// See [`UartKind::Ns16550`].
    Ns16550(ns16550::Ns16550),
    /// See [`UartKind::Pl011`].
    Pl011(pl011::Pl011),
}

impl Uart {
    /// # Safety
    /// The registers that `info` names are mapped at the virtual address `base`, for ever,
    /// uncached, and nobody else uses them.
    pub unsafe fn new(info: &UartInfo, base: usize) -> Uart {
        // A device that large is none; the length only serves to check offsets.
        let len = usize::try_from(info.registers.len).unwrap_or(usize::MAX);
        // SAFETY: the caller's promise; neither kind does DMA, and firmware maps pages.
        let registers = unsafe { Registers::new(base, len) };
        match info.kind {
            UartKind::Ns16550 {
                register_shift,
                register_width,
            } => Uart::Ns16550(ns16550::Ns16550::new(
                registers,
                register_shift,
                register_width,
            )),
            UartKind::Pl011 => Uart::Pl011(pl011::Pl011::new(registers)),
        }
    }

    /// Sets 8 data bits, no parity and one stop bit, and no interrupts. The speed stays as the
    /// firmware set it.
    pub fn init(&self) {
        match self {
            Uart::Ns16550(uart) => uart.init(),
            Uart::Pl011(uart) => uart.init(),
        }
    }

    /// Sends a byte once there is room.
    pub fn put(&self, byte: u8) {
        for _ in 0..PATIENCE {
            let sent = match self {
                Uart::Ns16550(uart) => uart.try_put(byte),
                Uart::Pl011(uart) => uart.try_put(byte),
            };
            if sent {
                return;
            }
            core::hint::spin_loop();
        }
    }

    /// Sets it up anew after a driver had it, once all bytes that the driver wrote are out.
    pub fn take_back(&self) {
        for _ in 0..PATIENCE {
            let is_sending = match self {
                Uart::Ns16550(uart) => uart.is_sending(),
                Uart::Pl011(uart) => uart.is_sending(),
            };
            if !is_sending {
                break;
            }
            core::hint::spin_loop();
        }
        self.init();
    }
}

impl core::fmt::Write for &Uart {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                self.put(b'\r');
            }
            self.put(byte);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
