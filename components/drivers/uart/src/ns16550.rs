//! The NS16550A, after "PC16550D Universal Asynchronous Receiver/Transmitter with FIFOs" (National
//! Semiconductor, 1995), section 8, table II.
//!
//! Registers of one byte, side by side: the kernel keeps lines to itself whose registers lie otherwise.

use virtio::Registers;

/// Received byte when read, byte to send when written (with DLAB clear).
const DATA: usize = 0;
const INTERRUPT_ENABLE: usize = 1;
/// When read; when written, it is [`FIFO_CONTROL`].
const INTERRUPT_IDENTIFICATION: usize = 2;
const FIFO_CONTROL: usize = 2;
const LINE_STATUS: usize = 5;

/// FIFOs stay on, and are not cleared. The interrupt comes when eight bytes have been received, or some and then
/// none for as long as four would take: what is pasted wakes us once for eight bytes, and half of the FIFO is left
/// for those that come meanwhile. (QEMU hands over no more at once than this level, so with one each byte would
/// wake everybody from here to the shell.)
const FIFO_ON_LEVEL_8: u8 = 0b1000_0001;
const ENABLE_RECEIVED: u8 = 1 << 0;
const ENABLE_ROOM: u8 = 1 << 1;
const STATUS_RECEIVED: u8 = 1 << 0;
/// The FIFO of bytes to be sent is empty.
const STATUS_ROOM: u8 = 1 << 5;

/// An NS16550A, set to 8 data bits with FIFOs on, as the kernel has left it.
pub struct Ns16550<R> {
    registers: R,
}

impl<R: Registers> Ns16550<R> {
    pub fn new(registers: R) -> Ns16550<R> {
        registers.write8(FIFO_CONTROL, FIFO_ON_LEVEL_8);
        Ns16550 { registers }
    }

    pub fn receive(&self) -> Option<u8> {
        let received = self.registers.read8(LINE_STATUS) & STATUS_RECEIVED != 0;
        received.then(|| self.registers.read8(DATA))
    }

    /// One byte at a time, although an empty FIFO would take 16: so no length has to be known.
    pub fn send(&self, bytes: &[u8]) -> usize {
        let has_room = |_: &&u8| self.registers.read8(LINE_STATUS) & STATUS_ROOM != 0;
        let sent = bytes.iter().take_while(has_room);
        sent.map(|byte| self.registers.write8(DATA, *byte)).count()
    }

    pub fn acknowledge(&self) {
        // Reading it ends the interrupt for room (table V); that for received bytes ends with them.
        self.registers.read8(INTERRUPT_IDENTIFICATION);
    }

    pub fn listen(&self, received: bool, room: bool) {
        let mut enabled = 0;
        if received {
            enabled |= ENABLE_RECEIVED;
        }
        if room {
            enabled |= ENABLE_ROOM;
        }
        self.registers.write8(INTERRUPT_ENABLE, enabled);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::line::fake::{Fake, Handle, Kind};

    #[test]
    fn bytes_go_as_far_as_there_is_room() {
        let fake = Fake::new(Kind {
            data: DATA,
            status: LINE_STATUS,
            status_of: |received, room| u32::from(received) | u32::from(room) << 5,
        });
        let line = Ns16550::new(Handle(fake.clone()));
        assert_eq!(fake.written.borrow()[&FIFO_CONTROL], 0x81);
        assert_eq!(line.send(b"twenty bytes of text"), 16);
        assert_eq!(line.send(b"text"), 0);
        fake.room.set(16);
        assert_eq!(line.send(b"text"), 4);
        assert_eq!(*fake.sent.borrow(), b"twenty bytes of text");
        assert_eq!(line.receive(), None);
        fake.typed.borrow_mut().extend(b"ab");
        assert_eq!((line.receive(), line.receive()), (Some(b'a'), Some(b'b')));
        assert_eq!(line.receive(), None);
        line.listen(true, true);
        assert_eq!(fake.written.borrow()[&INTERRUPT_ENABLE], 3);
        line.listen(true, false);
        assert_eq!(fake.written.borrow()[&INTERRUPT_ENABLE], 1);
    }
}
