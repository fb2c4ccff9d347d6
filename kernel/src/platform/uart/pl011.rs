//! The PL011, after "PrimeCell UART (PL011) Technical Reference Manual r1p5" (Arm DDI 0183),
//! chapter 3.
//!
//! The crate `arm-pl011-uart` does the same and more, behind a type of its own for registers. Two
//! serial lines that are read side by side were preferred.

use super::Registers;

const DATA: usize = 0x00;
const FLAGS: usize = 0x18;
const LINE_CONTROL: usize = 0x2c;
const CONTROL: usize = 0x30;
const INTERRUPT_MASK: usize = 0x38;
const INTERRUPT_CLEAR: usize = 0x44;

const FLAG_BUSY: u32 = 1 << 3;
const FLAG_TRANSMIT_FULL: u32 = 1 << 5;
/// 8 data bits, FIFOs on.
const LINE_8N1_FIFO: u32 = 0b111 << 4;
/// The line, its transmitter and its receiver are on.
const CONTROL_ON: u32 = 1 << 0 | 1 << 8 | 1 << 9;
const INTERRUPT_ALL: u32 = 0x7ff;

/// A PL011.
#[derive(Debug)]
pub struct Pl011 {
    registers: Registers,
}

impl Pl011 {
    pub(super) fn new(registers: Registers) -> Pl011 {
        Pl011 { registers }
    }

    pub(super) fn init(&self) {
        self.registers.write_u32(INTERRUPT_MASK, 0);
        self.registers.write_u32(INTERRUPT_CLEAR, INTERRUPT_ALL);
        // 3.3.8: the line is off while its control registers change.
        self.registers.write_u32(CONTROL, 0);
        self.registers.write_u32(LINE_CONTROL, LINE_8N1_FIFO);
        self.registers.write_u32(CONTROL, CONTROL_ON);
    }

    pub(super) fn try_put(&self, byte: u8) -> bool {
        let room = self.registers.read_u32(FLAGS) & FLAG_TRANSMIT_FULL == 0;
        if room {
            self.registers.write_u32(DATA, byte.into());
        }
        room
    }

    pub(super) fn is_sending(&self) -> bool {
        self.registers.read_u32(FLAGS) & FLAG_BUSY != 0
    }
}
