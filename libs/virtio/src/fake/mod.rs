//! A device for tests on the host, honest or not.
//!
//! [`FakeDevice`] is both ends of the registers; a test drives the device's side of the queues by
//! hand: [`FakeDevice::take`] a buffer, [`FakeDevice::read`] or [`FakeDevice::write`] its
//! segments, [`FakeDevice::complete`] it, or write any nonsense with [`FakeDevice::poke_used`].

mod function;

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::sync::atomic::Ordering;

use ring::SharedMemory;

use crate::{AddressRequest, DmaMemory, Registers};

pub use function::FakeFunction;

/// Memory that driver and device share, in a single thread.
#[derive(Clone)]
pub struct FakeDma {
    bytes: Rc<RefCell<Vec<u8>>>,
    address: u64,
}

impl FakeDma {
    /// `len` zero bytes, which the device finds at `address`.
    pub fn new(len: usize, address: u64) -> FakeDma {
        FakeDma {
            bytes: Rc::new(RefCell::new(vec![0; len])),
            address,
        }
    }

    fn get<const N: usize>(&self, offset: usize) -> [u8; N] {
        assert!(offset.is_multiple_of(N), "unaligned");
        let mut value = [0; N];
        value.copy_from_slice(&self.bytes.borrow()[offset..offset + N]);
        value
    }

    fn set<const N: usize>(&self, offset: usize, value: [u8; N]) {
        assert!(offset.is_multiple_of(N), "unaligned");
        self.bytes.borrow_mut()[offset..offset + N].copy_from_slice(&value);
    }
}

impl SharedMemory for FakeDma {
    fn len(&self) -> usize {
        self.bytes.borrow().len()
    }
    fn load_u32(&self, offset: usize, _: Ordering) -> u32 {
        u32::from_le_bytes(self.get(offset))
    }
    fn store_u32(&self, offset: usize, value: u32, _: Ordering) {
        self.set(offset, value.to_le_bytes())
    }
    fn read(&self, offset: usize, to: &mut [u8]) {
        to.copy_from_slice(&self.bytes.borrow()[offset..offset + to.len()]);
    }
    fn write(&self, offset: usize, from: &[u8]) {
        self.bytes.borrow_mut()[offset..offset + from.len()].copy_from_slice(from);
    }
}

impl DmaMemory for FakeDma {
    fn load_u16(&self, offset: usize, _: Ordering) -> u16 {
        u16::from_le_bytes(self.get(offset))
    }
    fn store_u16(&self, offset: usize, value: u16, _: Ordering) {
        self.set(offset, value.to_le_bytes())
    }
    fn device_address(&self, _: AddressRequest) -> u64 {
        self.address
    }
}

/// One queue, as the driver described it.
#[derive(Clone, Copy, Default)]
struct FakeQueue {
    size: u32,
    ready: bool,
    descriptors: u64,
    driver: u64,
    device: u64,
    available_idx: u16,
    used_idx: u16,
    notified: u32,
}

struct State {
    version: u32,
    device_id: u32,
    offered: u64,
    chosen: u64,
    refuse_features: bool,
    never_resets: bool,
    unstable_config: bool,
    generation: u32,
    status: u32,
    features_sel: u32,
    queue_sel: usize,
    queue_size_max: u32,
    queues: [FakeQueue; 12],
    interrupt: u32,
    config: Vec<u8>,
    memory: Vec<Rc<dyn DmaMemory>>,
    used_event_idx: bool,
}

/// A device, and its registers: clones are the same device.
#[derive(Clone)]
pub struct FakeDevice {
    state: Rc<RefCell<State>>,
}

/// A part of a buffer, as the device sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FakeSegment {
    /// Where it is.
    pub address: u64,
    /// How long it is.
    pub len: u32,
    /// Whether the device is to write it.
    pub writable: bool,
}

impl FakeDevice {
    /// A device of this kind that offers these features, with this configuration, and reaches
    /// this memory and no other.
    pub fn new(device_id: u32, offered: u64, config: &[u8], memory: &[&FakeDma]) -> FakeDevice {
        FakeDevice {
            state: Rc::new(RefCell::new(State {
                version: 2,
                device_id,
                offered: offered | 1 << 32,
                chosen: 0,
                refuse_features: false,
                never_resets: false,
                unstable_config: false,
                generation: 0,
                status: 0xff,
                features_sel: 0,
                queue_sel: 0,
                queue_size_max: 256,
                queues: Default::default(),
                interrupt: 0,
                config: config.to_vec(),
                memory: memory
                    .iter()
                    .map(|&memory| Rc::new(memory.clone()) as Rc<dyn DmaMemory>)
                    .collect(),
                used_event_idx: offered & 1 << 29 != 0,
            })),
        }
    }

    /// Lets it reach memory of another kind, too.
    pub fn reach(&self, memory: Rc<dyn DmaMemory>) {
        self.state.borrow_mut().memory.push(memory);
    }

    /// Makes it a device of another version.
    pub fn set_version(&self, version: u32) {
        self.state.borrow_mut().version = version;
    }
    /// Makes it refuse any choice of features.
    pub fn refuse_features(&self) {
        self.state.borrow_mut().refuse_features = true;
    }
    /// Makes it never finish a reset.
    pub fn never_resets(&self) {
        self.state.borrow_mut().never_resets = true;
    }
    /// Makes its configuration change whenever it is looked at.
    pub fn unstable_config(&self) {
        self.state.borrow_mut().unstable_config = true;
    }
    /// Limits its queues.
    pub fn set_queue_size_max(&self, size: u32) {
        self.state.borrow_mut().queue_size_max = size;
    }
    /// The status register.
    pub fn status(&self) -> u32 {
        self.state.borrow().status
    }
    /// The features that the driver chose.
    pub fn features(&self) -> u64 {
        self.state.borrow().chosen
    }
    /// How often a queue was notified since the last call.
    pub fn notifications(&self, queue: usize) -> u32 {
        core::mem::take(&mut self.state.borrow_mut().queues[queue].notified)
    }
    /// Takes back an interrupt: true if the device raised one.
    pub fn interrupt(&self) -> bool {
        self.state.borrow().interrupt != 0
    }
    /// Changes its configuration, and raises the interrupt for that.
    pub fn change_config(&self, at: usize, byte: u8) {
        let mut state = self.state.borrow_mut();
        state.config[at] = byte;
        state.generation += 1;
        state.interrupt |= 2;
    }
    /// Raises the interrupt for a changed configuration, with the device asking for a reset.
    pub fn need_reset(&self) {
        let mut state = self.state.borrow_mut();
        state.status |= 64;
        state.interrupt |= 2;
    }

    fn memory(&self, address: u64) -> (Rc<dyn DmaMemory>, usize) {
        for memory in &self.state.borrow().memory {
            let start = memory.device_address(AddressRequest(()));
            if address >= start && address - start < memory.len() as u64 {
                return (memory.clone(), (address - start) as usize);
            }
        }
        panic!("the device was told an address that is not its own: {address:#x}");
    }
    fn load_u16(&self, address: u64) -> u16 {
        let (memory, offset) = self.memory(address);
        memory.load_u16(offset, Ordering::SeqCst)
    }
    fn store_u16(&self, address: u64, value: u16) {
        let (memory, offset) = self.memory(address);
        memory.store_u16(offset, value, Ordering::SeqCst)
    }
    fn load_u32(&self, address: u64) -> u32 {
        let (memory, offset) = self.memory(address);
        memory.load_u32(offset, Ordering::SeqCst)
    }
    fn store_u32(&self, address: u64, value: u32) {
        let (memory, offset) = self.memory(address);
        memory.store_u32(offset, value, Ordering::SeqCst)
    }

    /// Copies from a segment.
    pub fn read(&self, segment: FakeSegment) -> Vec<u8> {
        let (memory, offset) = self.memory(segment.address);
        let mut bytes = vec![0; segment.len as usize];
        memory.read(offset, &mut bytes);
        bytes
    }

    /// Copies to a segment.
    pub fn write(&self, segment: FakeSegment, bytes: &[u8]) {
        assert!(segment.writable && bytes.len() <= segment.len as usize);
        let (memory, offset) = self.memory(segment.address);
        memory.write(offset, bytes);
    }

    /// Takes the next available buffer of a queue: its head, and its segments.
    pub fn take(&self, queue: usize) -> Option<(u16, Vec<FakeSegment>)> {
        let q = self.state.borrow().queues[queue];
        assert!(q.ready, "the queue is not set up");
        let event = q.device + 4 + 8 * q.size as u64;
        if self.load_u16(q.driver + 2) == q.available_idx {
            self.store_u16(event, q.available_idx);
            return None;
        }
        let head = self.load_u16(q.driver + 4 + 2 * (q.available_idx as u64 % q.size as u64));
        self.state.borrow_mut().queues[queue].available_idx = q.available_idx.wrapping_add(1);
        let mut segments = Vec::new();
        let mut at = head;
        loop {
            assert!(
                (at as u32) < q.size && segments.len() < q.size as usize,
                "a chain leads nowhere"
            );
            let descriptor = q.descriptors + 16 * at as u64;
            let address =
                self.load_u32(descriptor) as u64 | (self.load_u32(descriptor + 4) as u64) << 32;
            let flags = self.load_u16(descriptor + 12);
            segments.push(FakeSegment {
                address,
                len: self.load_u32(descriptor + 8),
                writable: flags & 2 != 0,
            });
            if flags & 1 == 0 {
                return Some((head, segments));
            }
            at = self.load_u16(descriptor + 14);
        }
    }

    /// Returns a buffer, and raises the interrupt if the driver asked for it.
    pub fn complete(&self, queue: usize, head: u16, len: u32) {
        let idx = self.state.borrow().queues[queue].used_idx;
        self.poke_used(queue, head as u32, len, idx.wrapping_add(1));
    }

    /// Writes anything into the next used element, and anything as the used index.
    pub fn poke_used(&self, queue: usize, id: u32, len: u32, idx: u16) {
        let q = self.state.borrow().queues[queue];
        let slot = q.device + 4 + 8 * (q.used_idx as u64 % q.size as u64);
        // Not asked for by the specification, but by QEMU 7.2 behind an IOMMU.
        assert!(
            slot.is_multiple_of(8),
            "a used element may lie in two pages"
        );
        self.store_u32(slot, id);
        self.store_u32(slot + 4, len);
        self.store_u16(q.device + 2, idx);
        let mut state = self.state.borrow_mut();
        state.queues[queue].used_idx = idx;
        let by_index = state.used_event_idx && state.chosen & 1 << 29 != 0;
        drop(state);
        let wanted = if by_index {
            let event = self.load_u16(q.driver + 4 + 2 * q.size as u64);
            event.wrapping_sub(q.used_idx) < idx.wrapping_sub(q.used_idx)
        } else {
            self.load_u16(q.driver) & 1 == 0
        };
        if wanted {
            self.state.borrow_mut().interrupt |= 1;
        }
    }
}

impl Registers for FakeDevice {
    fn read8(&self, offset: usize) -> u8 {
        self.state.borrow().config[offset - 0x100]
    }
    fn read16(&self, offset: usize) -> u16 {
        let state = self.state.borrow();
        u16::from_le_bytes([state.config[offset - 0x100], state.config[offset - 0xff]])
    }
    fn read32(&self, offset: usize) -> u32 {
        let mut state = self.state.borrow_mut();
        match offset {
            0x000 => 0x7472_6976,
            0x004 => state.version,
            0x008 => state.device_id,
            0x010 => (state.offered >> (32 * state.features_sel)) as u32,
            0x034 => state.queue_size_max,
            0x044 => state.queues[state.queue_sel].ready as u32,
            0x060 => state.interrupt,
            0x070 => state.status,
            0x0fc => {
                state.generation += state.unstable_config as u32;
                state.generation
            }
            0x100.. => {
                let bytes = &state.config[offset - 0x100..];
                u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]])
            }
            _ => panic!("read of {offset:#x}"),
        }
    }
    fn write32(&self, offset: usize, value: u32) {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        fn set_low(word: &mut u64, value: u32) {
            *word = *word & !0xffff_ffff | value as u64;
        }
        fn set_high(word: &mut u64, value: u32) {
            *word = *word & 0xffff_ffff | (value as u64) << 32;
        }
        let queue = &mut state.queues[state.queue_sel];
        match offset {
            0x014 | 0x024 => state.features_sel = value,
            0x020 if state.features_sel == 0 => set_low(&mut state.chosen, value),
            0x020 => set_high(&mut state.chosen, value),
            0x030 => state.queue_sel = value as usize,
            0x038 => queue.size = value,
            0x044 => queue.ready = value == 1,
            0x050 => state.queues[value as usize].notified += 1,
            0x064 => state.interrupt &= !value,
            0x070 if value == 0 => {
                if !state.never_resets {
                    state.status = 0;
                    state.queues = Default::default();
                    state.interrupt = 0;
                }
            }
            0x070 => {
                state.status = value;
                if state.refuse_features || state.chosen & !state.offered != 0 {
                    state.status &= !8;
                }
            }
            0x080 => set_low(&mut queue.descriptors, value),
            0x084 => set_high(&mut queue.descriptors, value),
            0x090 => set_low(&mut queue.driver, value),
            0x094 => set_high(&mut queue.driver, value),
            0x0a0 => set_low(&mut queue.device, value),
            0x0a4 => set_high(&mut queue.device, value),
            _ => panic!("write of {value:#x} to {offset:#x}"),
        }
    }
}
