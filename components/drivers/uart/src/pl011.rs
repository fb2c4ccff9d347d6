//! The PL011, after "PrimeCell UART (PL011) Technical Reference Manual r1p5" (Arm DDI 0183), chapter 3.

use virtio::Registers;

const DATA: usize = 0x00;
const FLAGS: usize = 0x18;
const INTERRUPT_MASK: usize = 0x38;
const INTERRUPT_CLEAR: usize = 0x44;

const FLAG_RECEIVE_EMPTY: u32 = 1 << 4;
const FLAG_TRANSMIT_FULL: u32 = 1 << 5;
/// Bytes were received: as many as the FIFO's threshold, or fewer some time ago.
const INTERRUPT_RECEIVED: u32 = 1 << 4 | 1 << 6;
/// The FIFO of bytes to be sent has fallen to its threshold.
const INTERRUPT_ROOM: u32 = 1 << 5;

/// A PL011, set to 8 data bits with FIFOs on, as the kernel has left it.
pub struct Pl011<R> {
    registers: R,
}

impl<R: Registers> Pl011<R> {
    pub fn new(registers: R) -> Pl011<R> {
        Pl011 { registers }
    }

    pub fn receive(&self) -> Option<u8> {
        let empty = self.registers.read32(FLAGS) & FLAG_RECEIVE_EMPTY != 0;
        // Bits 8 to 11 tell of errors on the line; the byte is taken as it came.
        (!empty).then(|| self.registers.read32(DATA) as u8)
    }

    pub fn send(&self, bytes: &[u8]) -> usize {
        let has_room = |_: &&u8| self.registers.read32(FLAGS) & FLAG_TRANSMIT_FULL == 0;
        let sent = bytes.iter().take_while(has_room);
        sent.map(|byte| self.registers.write32(DATA, (*byte).into()))
            .count()
    }

    pub fn acknowledge(&self) {
        self.registers
            .write32(INTERRUPT_CLEAR, INTERRUPT_RECEIVED | INTERRUPT_ROOM);
    }

    /// The one for room comes when the FIFO falls (2.8.2). It was full when somebody waits for it, so it does.
    pub fn listen(&self, received: bool, room: bool) {
        let mut mask = 0;
        if received {
            mask |= INTERRUPT_RECEIVED;
        }
        if room {
            mask |= INTERRUPT_ROOM;
        }
        self.registers.write32(INTERRUPT_MASK, mask);
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
            status: FLAGS,
            status_of: |received, room| u32::from(!received) << 4 | u32::from(!room) << 5,
        });
        let line = Pl011::new(Handle(fake.clone()));
        assert_eq!(line.send(b"twenty bytes of text"), 16);
        assert_eq!(line.send(b"text"), 0);
        assert_eq!(*fake.sent.borrow(), b"twenty bytes of ");
        assert_eq!(line.receive(), None);
        fake.typed.borrow_mut().extend(b"a");
        assert_eq!((line.receive(), line.receive()), (Some(b'a'), None));
        line.listen(true, true);
        assert_eq!(fake.written.borrow()[&INTERRUPT_MASK], 0x70);
        line.listen(false, false);
        assert_eq!(fake.written.borrow()[&INTERRUPT_MASK], 0);
    }
}
