//! The serial lines against plain memory.

use core::fmt::Write;
use core::sync::atomic::{AtomicU32, Ordering::Relaxed};

use super::super::machine_info::{PhysicalRange, UartInfo, UartKind};
use super::Uart;

/// Registers that are memory. Both the driver and the test write there, so nobody has it for himself.
struct Memory(&'static [AtomicU32; 64]);

impl Memory {
    fn word(&self, offset: usize) -> u32 {
        self.0[offset / 4].load(Relaxed)
    }

    fn byte(&self, offset: usize) -> u8 {
        (self.word(offset) >> (8 * (offset % 4))) as u8
    }

    fn set_word(&self, offset: usize, value: u32) {
        self.0[offset / 4].store(value, Relaxed);
    }

    fn set_byte(&self, offset: usize, value: u8) {
        let shift = 8 * (offset % 4);
        let others = self.word(offset) & !(0xff << shift);
        self.set_word(offset, others | u32::from(value) << shift);
    }
}

/// A line whose registers are memory, and that memory.
fn line(kind: UartKind) -> (Uart, Memory) {
    let memory: &'static [AtomicU32; 64] = Box::leak(Box::new([const { AtomicU32::new(0) }; 64]));
    let base = memory.as_ptr().expose_provenance();
    let registers = PhysicalRange { start: 0, len: 256 };
    let info = UartInfo {
        kind,
        registers,
        interrupt: None,
    };
    // SAFETY: `base` is the address of 256 leaked bytes that may be written by whomever; u64 alignment is not needed by
    // UARTs.
    (unsafe { Uart::new(&info, base) }, Memory(memory))
}

#[test]
fn ns16550_narrow_registers() {
    let (uart, memory) = line(UartKind::Ns16550 {
        register_shift: 0,
        register_width: 1,
    });
    uart.init();
    // The line control, and the modem control.
    assert_eq!(memory.byte(3), 3);
    assert_eq!(memory.byte(4), 0b1011);
    // The status: no room. The byte is given up in the end.
    uart.put(b'x');
    assert_eq!(memory.byte(0), 0);
    // Room.
    memory.set_byte(5, 0x20);
    uart.put(b'y');
    assert_eq!(memory.byte(0), b'y');
    // A driver had it, and has left its interrupts on.
    memory.set_byte(1, 3);
    memory.set_byte(5, 0x60);
    uart.take_back();
    assert_eq!(memory.byte(1), 0);
}

#[test]
fn ns16550_wide_registers() {
    let (uart, memory) = line(UartKind::Ns16550 {
        register_shift: 2,
        register_width: 4,
    });
    uart.init();
    assert_eq!(memory.word(3 * 4), 3);
    memory.set_word(5 * 4, 0x20);
    writeln!(&uart, "a").unwrap();
    assert_eq!(memory.word(0), u32::from(b'\n'));
}

#[test]
fn pl011() {
    let (uart, memory) = line(UartKind::Pl011);
    uart.init();
    assert_eq!(memory.word(0x30), 0x301);
    assert_eq!(memory.word(0x2c), 0x70);
    assert_eq!(memory.word(0x38), 0);
    uart.put(b'x');
    assert_eq!(memory.word(0), u32::from(b'x'));
    // Transmitter full.
    memory.set_word(0x18, 0x20);
    uart.put(b'z');
    assert_eq!(memory.word(0), u32::from(b'x'));
    // A driver had it, and has left its interrupts on.
    memory.set_word(0x18, 0);
    memory.set_word(0x38, 0x50);
    uart.take_back();
    assert_eq!(memory.word(0x38), 0);
}
