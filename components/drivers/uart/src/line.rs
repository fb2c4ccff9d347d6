//! A serial line, whichever kind it is.

use virtio::Registers;

use crate::ns16550::Ns16550;
use crate::pl011::Pl011;

/// The kinds that are driven.
pub enum Line<R> {
    Ns16550(Ns16550<R>),
    Pl011(Pl011<R>),
}

impl<R: Registers> Line<R> {
    /// A byte that was received, if there is one.
    pub fn receive(&self) -> Option<u8> {
        match self {
            Line::Ns16550(line) => line.receive(),
            Line::Pl011(line) => line.receive(),
        }
    }

    /// Sends as many bytes as there is room for; answers how many.
    pub fn send(&self, bytes: &[u8]) -> usize {
        match self {
            Line::Ns16550(line) => line.send(bytes),
            Line::Pl011(line) => line.send(bytes),
        }
    }

    /// Ends the interrupt, before it is looked what there is.
    pub fn acknowledge(&self) {
        match self {
            Line::Ns16550(line) => line.acknowledge(),
            Line::Pl011(line) => line.acknowledge(),
        }
    }

    /// What the line's interrupt is raised for from now on: received bytes, room to send.
    pub fn listen(&self, received: bool, room: bool) {
        match self {
            Line::Ns16550(line) => line.listen(received, room),
            Line::Pl011(line) => line.listen(received, room),
        }
    }
}

#[cfg(test)]
pub mod fake {
    //! Registers that are remembered, but for what the device changes by itself.
    extern crate std;
    use core::cell::{Cell, RefCell};
    use std::collections::{BTreeMap, VecDeque};
    use std::rc::Rc;
    use std::vec::Vec;

    use virtio::Registers;

    /// How a kind of UART behaves.
    pub struct Kind {
        pub data: usize,
        pub status: usize,
        /// The status for: nothing was received, and whether there is room.
        pub status_of: fn(received: bool, room: bool) -> u32,
    }

    pub struct Fake {
        pub kind: Kind,
        pub typed: RefCell<VecDeque<u8>>,
        pub sent: RefCell<Vec<u8>>,
        /// How many more bytes it takes.
        pub room: Cell<usize>,
        pub written: RefCell<BTreeMap<usize, u32>>,
    }

    impl Fake {
        pub fn new(kind: Kind) -> Rc<Fake> {
            Rc::new(Fake {
                kind,
                typed: RefCell::default(),
                sent: RefCell::default(),
                room: Cell::new(16),
                written: RefCell::default(),
            })
        }
        fn read(&self, offset: usize) -> u32 {
            if offset == self.kind.data {
                self.typed.borrow_mut().pop_front().unwrap_or(0).into()
            } else if offset == self.kind.status {
                let received = !self.typed.borrow().is_empty();
                (self.kind.status_of)(received, self.room.get() > 0)
            } else {
                self.written.borrow().get(&offset).copied().unwrap_or(0)
            }
        }
        fn write(&self, offset: usize, value: u32) {
            if offset == self.kind.data {
                let room = self.room.get();
                assert!(room > 0, "sent without looking");
                self.room.set(room - 1);
                self.sent.borrow_mut().push(value as u8);
            } else {
                self.written.borrow_mut().insert(offset, value);
            }
        }
    }

    pub struct Handle(pub Rc<Fake>);

    impl Registers for Handle {
        fn read8(&self, offset: usize) -> u8 {
            self.0.read(offset) as u8
        }
        fn read16(&self, _: usize) -> u16 {
            unreachable!()
        }
        fn read32(&self, offset: usize) -> u32 {
            self.0.read(offset)
        }
        fn write8(&self, offset: usize, value: u8) {
            self.0.write(offset, value.into());
        }
        fn write32(&self, offset: usize, value: u32) {
            self.0.write(offset, value);
        }
    }
}
