//! The NS16550A, after "PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs" (National
//! Semiconductor, 1995), table 2.

use super::Registers;

/// Byte to send when written (with DLAB clear).
const DATA: usize = 0;
const INTERRUPT_ENABLE: usize = 1;
const FIFO_CONTROL: usize = 2;
const LINE_CONTROL: usize = 3;
const MODEM_CONTROL: usize = 4;
const LINE_STATUS: usize = 5;

const FIFO_ENABLE_AND_CLEAR: u8 = 0b111;
/// 8 data bits, no parity, one stop bit; DLAB clear.
const LINE_8N1: u8 = 0b11;
/// DTR, RTS, and OUT2, which on many boards gates the interrupt.
const MODEM_READY: u8 = 0b1011;
const STATUS_ROOM: u8 = 1 << 5;
const STATUS_IDLE: u8 = 1 << 6;

/// An NS16550A.
#[derive(Debug)]
pub struct Ns16550 {
    registers: Registers,
    shift: u8,
    wide: bool,
}

impl Ns16550 {
    pub(super) fn new(registers: Registers, shift: u8, width: u8) -> Ns16550 {
        Ns16550 {
            registers,
            shift,
            wide: width == 4,
        }
    }

    pub(super) fn init(&self) {
        self.write(INTERRUPT_ENABLE, 0);
        self.write(LINE_CONTROL, LINE_8N1);
        self.write(FIFO_CONTROL, FIFO_ENABLE_AND_CLEAR);
        self.write(MODEM_CONTROL, MODEM_READY);
    }

    pub(super) fn try_put(&self, byte: u8) -> bool {
        let room = self.read(LINE_STATUS) & STATUS_ROOM != 0;
        if room {
            self.write(DATA, byte);
        }
        room
    }

    pub(super) fn is_sending(&self) -> bool {
        self.read(LINE_STATUS) & STATUS_IDLE == 0
    }

    fn read(&self, register: usize) -> u8 {
        let offset = register << self.shift;
        if self.wide {
            self.registers.read_u32(offset) as u8
        } else {
            self.registers.read_u8(offset)
        }
    }

    fn write(&self, register: usize, value: u8) {
        let offset = register << self.shift;
        if self.wide {
            self.registers.write_u32(offset, value.into());
        } else {
            self.registers.write_u8(offset, value);
        }
    }
}
