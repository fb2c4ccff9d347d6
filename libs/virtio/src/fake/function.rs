//! The same device on the PCI bus: a configuration space, and one range of registers with all structures.

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;

use super::FakeDevice;
use crate::Registers;

/// Where the structures are in range 5, which base address register 4 has.
const RANGE: usize = 5;
const COMMON: usize = 0;
const INTERRUPT: usize = 0x1000;
const CONFIG: usize = 0x2000;
const NOTIFY: usize = 0x3000;
const NOTIFY_STEP: u32 = 4;
/// Where the capability of messages is.
const MESSAGES: usize = 0x90;

/// A range of registers of a function: clones are the same one.
#[derive(Clone)]
pub struct FakeFunction {
    device: FakeDevice,
    range: usize,
    state: Rc<RefCell<State>>,
}

struct State {
    configuration: Vec<u8>,
    /// Which message the configuration and each queue have.
    messages: [u16; 13],
    message_refused: bool,
    mapped: Vec<usize>,
}

impl FakeFunction {
    /// The configuration space of a function that is this device.
    pub fn new(device: FakeDevice) -> FakeFunction {
        let id = device.state.borrow().device_id as u16;
        let mut configuration = vec![0; 4096];
        configuration[0..2].copy_from_slice(&0x1af4u16.to_le_bytes());
        configuration[2..4].copy_from_slice(&(0x1040 + id).to_le_bytes());
        configuration[6] = 1 << 4;
        configuration[0x34] = 0x40;
        // Kind of structure, place; the second of a kind, in a range that cannot be used, counts for nothing.
        let structures = [
            (1, 4, COMMON),
            (3, 4, INTERRUPT),
            (4, 4, CONFIG),
            (2, 4, NOTIFY),
        ];
        for (i, (kind, bar, offset)) in structures.into_iter().enumerate() {
            let at = 0x40 + 20 * i;
            let next = if i == 3 { MESSAGES } else { at + 20 };
            configuration[at..at + 5].copy_from_slice(&[9, next as u8, 20, kind, bar]);
            configuration[at + 8..at + 12].copy_from_slice(&(offset as u32).to_le_bytes());
        }
        configuration[0x40 + 76..0x40 + 80].copy_from_slice(&NOTIFY_STEP.to_le_bytes());
        configuration[MESSAGES] = 0x11;
        FakeFunction {
            device,
            range: 0,
            state: Rc::new(RefCell::new(State {
                configuration,
                messages: [0xffff; 13],
                message_refused: false,
                mapped: Vec::new(),
            })),
        }
    }

    /// Switches its messages on, as the kernel does.
    pub fn enable_messages(&self) {
        self.state.borrow_mut().configuration[MESSAGES + 3] = 0x80;
    }

    /// Makes it have no room for any message.
    pub fn refuse_messages(&self) {
        self.state.borrow_mut().message_refused = true;
    }

    /// Changes its configuration space.
    pub fn poke(&self, at: usize, byte: u8) {
        self.state.borrow_mut().configuration[at] = byte;
    }

    /// Which message a queue's interrupt is.
    pub fn message_of(&self, queue: usize) -> Option<u16> {
        let message = self.state.borrow().messages[1 + queue];
        (message != 0xffff).then_some(message)
    }

    /// A byte of the common structure, from the registers that the device has elsewhere (section 4.1.4.3).
    fn common(&self, field: usize) -> u32 {
        let queue = self.device.state.borrow().queue_sel;
        let state = self.state.borrow();
        match field {
            0 | 8 => self.device.state.borrow().features_sel,
            4 => self.device.read32(0x010),
            16 => state.messages[0].into(),
            20 => self.device.read32(0x070),
            21 => self.device.read32(0x0fc) & 0xff,
            22 => queue as u32,
            24 => self.device.read32(0x034),
            26 => state.messages[1 + queue].into(),
            28 => self.device.read32(0x044),
            30 => queue as u32,
            _ => panic!("read of field {field}"),
        }
    }

    fn set_common(&self, field: usize, value: u32) {
        let device = &self.device;
        let queue = device.state.borrow().queue_sel;
        let mut state = self.state.borrow_mut();
        let message = match state.message_refused {
            true => 0xffff,
            false => value as u16,
        };
        match field {
            0 => device.write32(0x014, value),
            8 => device.write32(0x024, value),
            12 => device.write32(0x020, value),
            16 => state.messages[0] = message,
            20 => device.write32(0x070, value),
            22 => device.write32(0x030, value),
            24 => device.write32(0x038, value),
            26 => state.messages[1 + queue] = message,
            28 => device.write32(0x044, value),
            32 | 36 => device.write32(0x080 + field - 32, value),
            40 | 44 => device.write32(0x090 + field - 40, value),
            48 | 52 => device.write32(0x0a0 + field - 48, value),
            _ => panic!("write of field {field}"),
        }
    }

    fn bytes<const N: usize>(&self, offset: usize) -> [u8; N] {
        let state = self.state.borrow();
        let mut bytes = [0; N];
        bytes.copy_from_slice(&state.configuration[offset..offset + N]);
        bytes
    }
}

impl Registers for FakeFunction {
    fn read8(&self, offset: usize) -> u8 {
        match (self.range, offset) {
            (0, _) => self.bytes::<1>(offset)[0],
            (_, CONFIG..NOTIFY) => self.device.read8(0x100 + offset - CONFIG),
            (_, INTERRUPT) => {
                // Reading acknowledges.
                let status = self.device.read32(0x060);
                self.device.write32(0x064, status);
                status as u8
            }
            _ => self.common(offset) as u8,
        }
    }

    fn read16(&self, offset: usize) -> u16 {
        match (self.range, offset) {
            (0, _) => u16::from_le_bytes(self.bytes(offset)),
            (_, CONFIG..NOTIFY) => self.device.read16(0x100 + offset - CONFIG),
            _ => self.common(offset) as u16,
        }
    }

    fn read32(&self, offset: usize) -> u32 {
        match (self.range, offset) {
            (0, _) => u32::from_le_bytes(self.bytes(offset)),
            (_, CONFIG..NOTIFY) => self.device.read32(0x100 + offset - CONFIG),
            _ => self.common(offset),
        }
    }

    fn write8(&self, offset: usize, value: u8) {
        assert!(self.range != 0 && offset == 20, "{offset} is no byte");
        self.set_common(offset, value.into());
    }

    fn write16(&self, offset: usize, value: u16) {
        assert!(self.range != 0, "the configuration space is the kernel's");
        match offset {
            16..=28 => self.set_common(offset, value.into()),
            NOTIFY.. => {
                let queue = (offset - NOTIFY) / NOTIFY_STEP as usize;
                assert_eq!(queue, usize::from(value), "notified at another's place");
                self.device.write32(0x050, value.into());
            }
            _ => panic!("{offset} is no half of a word"),
        }
    }

    fn write32(&self, offset: usize, value: u32) {
        assert!(self.range != 0, "the configuration space is the kernel's");
        self.set_common(offset, value);
    }

    fn beside(&self, range: usize) -> Option<FakeFunction> {
        let mut state = self.state.borrow_mut();
        if range != RANGE || state.mapped.contains(&range) {
            return None;
        }
        state.mapped.push(range);
        drop(state);
        Some(FakeFunction {
            range,
            ..self.clone()
        })
    }
}
