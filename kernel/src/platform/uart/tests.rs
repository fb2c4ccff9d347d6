//! The serial lines against plain memory.

use core::fmt::Write;

use super::super::machine_info::{PhysicalRange, UartInfo, UartKind};
use super::Uart;

/// A line whose registers are memory, and that memory.
fn line(kind: UartKind) -> (Uart, &'static mut [u32; 64]) {
    let memory = Box::leak(Box::new([0u32; 64]));
    let base = memory.as_mut_ptr().expose_provenance();
    let registers = PhysicalRange { start: 0, len: 256 };
    let info = UartInfo {
        kind,
        registers,
        interrupt: None,
    };
    // SAFETY: `base` is the address of 256 leaked bytes, u64 alignment is not needed by UARTs.
    (unsafe { Uart::new(&info, base) }, memory)
}

#[test]
fn ns16550_narrow_registers() {
    let (uart, memory) = line(UartKind::Ns16550 {
        register_shift: 0,
        register_width: 1,
    });
    uart.init();
    // Byte 3 is the line control, byte 4 the modem control.
    assert_eq!(memory[0] >> 24, 3);
    assert_eq!(memory[1] & 0xff, 0b1011);
    // Byte 5, the status: no room. The byte is given up in the end.
    uart.put(b'x');
    assert_eq!(memory[0] & 0xff, 0);
    // Room.
    memory[1] |= 0x20 << 8;
    uart.put(b'y');
    assert_eq!(memory[0] & 0xff, u32::from(b'y'));
    // A driver had it, and has left its interrupts on.
    memory[0] |= 3 << 8;
    memory[1] |= 0x40 << 8;
    uart.take_back();
    assert_eq!(memory[0] >> 8 & 0xff, 0);
}

#[test]
fn ns16550_wide_registers() {
    let (uart, memory) = line(UartKind::Ns16550 {
        register_shift: 2,
        register_width: 4,
    });
    uart.init();
    assert_eq!(memory[3], 3);
    memory[5] = 0x20;
    writeln!(&uart, "a").unwrap();
    assert_eq!(memory[0], u32::from(b'\n'));
}

#[test]
fn pl011() {
    let (uart, memory) = line(UartKind::Pl011);
    uart.init();
    assert_eq!(memory[0x30 / 4], 0x301);
    assert_eq!(memory[0x2c / 4], 0x70);
    assert_eq!(memory[0x38 / 4], 0);
    uart.put(b'x');
    assert_eq!(memory[0], u32::from(b'x'));
    // Transmitter full.
    memory[0x18 / 4] = 0x20;
    uart.put(b'z');
    assert_eq!(memory[0], u32::from(b'x'));
    // A driver had it, and has left its interrupts on.
    memory[0x18 / 4] = 0;
    memory[0x38 / 4] = 0x50;
    uart.take_back();
    assert_eq!(memory[0x38 / 4], 0);
}
