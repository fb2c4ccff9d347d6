//! The interrupt controllers against plain memory.

use core::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::Mutex;

use heapless::Vec;

use super::super::machine_info::{
    Cpu, EnableMethod, Interrupt, InterruptControllerInfo, MessageControllerInfo, PhysicalRange,
};
use super::{
    CpuInterface, GicCpuInterface, InterruptController, MESSAGE_MEMORY_LEN, Message, MessageFile,
};

/// Registers that are memory, `len` bytes of it for each device. Both the driver and the test write there, so
/// nobody has it for himself.
struct Memory(&'static [AtomicU64]);

impl Memory {
    fn new(len: usize) -> Memory {
        let words: Box<[AtomicU64]> = (0..len / 8).map(|_| AtomicU64::new(0)).collect();
        Memory(Box::leak(words))
    }

    fn range(&self) -> PhysicalRange {
        let start = self.0.as_ptr().expose_provenance() as u64;
        PhysicalRange {
            start,
            len: 8 * self.0.len() as u64,
        }
    }

    fn word(&self, offset: usize) -> u32 {
        (self.double(offset & !7) >> (8 * (offset & 4))) as u32
    }

    fn double(&self, offset: usize) -> u64 {
        self.0[offset / 8].load(Relaxed)
    }

    fn set_word(&mut self, offset: usize, value: u32) {
        let shift = 8 * (offset & 4);
        let old = self.double(offset & !7) & !(0xffff_ffff << shift);
        self.0[offset / 8].store(old | u64::from(value) << shift, Relaxed);
    }
}

fn cpu(id: u64) -> Cpu {
    Cpu {
        id,
        enable_method: EnableMethod::Psci,
        has_sstc: false,
    }
}

fn controller(
    info: InterruptControllerInfo,
    cpus: &[Cpu],
    interface: Option<&'static dyn GicCpuInterface>,
) -> Option<InterruptController> {
    // SAFETY: the ranges are leaked memory, "mapped" where they are.
    unsafe {
        let interface = interface.map(CpuInterface::Gic);
        InterruptController::new(&info, cpus, &mut |range| range.start as usize, interface)
    }
}

#[test]
fn plic() {
    let mut memory = Memory::new(0x20_4000);
    for source in 0..=95 {
        memory.set_word(4 * source, 7);
    }
    let info = InterruptControllerInfo::Plic {
        registers: memory.range(),
        source_max: 95,
        // The last does not fit into the registers.
        contexts: Vec::from_slice(&[Some(1), Some(3), None, Some(4)]).unwrap(),
    };
    let plic = controller(info, &[], None).unwrap();
    plic.init();
    assert!((1..=95).all(|source| memory.word(4 * source) == 0));
    memory.set_word(0x2080, u32::MAX);
    memory.set_word(0x20_1000, 7);
    for cpu in 0..6 {
        plic.init_cpu(cpu);
    }
    assert_eq!((memory.word(0x2080), memory.word(0x20_1000)), (0, 0));

    plic.unmask(33, 0);
    assert_eq!(
        (
            memory.word(4 * 33),
            memory.word(0x2084),
            memory.word(0x2184)
        ),
        (1, 2, 0)
    );
    // To another CPU, from where it was.
    plic.unmask(33, 1);
    assert_eq!((memory.word(0x2084), memory.word(0x2184)), (0, 2));
    plic.mask(33);
    assert_eq!((memory.word(4 * 33), memory.word(0x2184)), (0, 2));

    assert_eq!(plic.claim(1), None);
    memory.set_word(0x20_3004, 33);
    assert_eq!(plic.claim(1), Some(33));
    memory.set_word(0x20_3004, 0);
    plic.complete(1, 33);
    assert_eq!(memory.word(0x20_3004), 33);

    // Nothing of this exists.
    for (number, cpu) in [(0, 0), (96, 0), (u32::MAX, 0), (1, 2), (1, 3), (1, 99)] {
        plic.unmask(number, cpu);
        plic.mask(number);
        assert_eq!(plic.claim(cpu), None);
        plic.complete(cpu, number);
    }
}

#[test]
fn gic_v2() {
    let mut distributor = Memory::new(0x1000);
    let mut interface = Memory::new(0x1000);
    // 64 numbers; this CPU is the distributor's second.
    distributor.set_word(4, 1);
    distributor.set_word(0x800, 0x0202_0202);
    let info = InterruptControllerInfo::GicV2 {
        distributor: distributor.range(),
        cpu_interface: interface.range(),
    };
    let gic = controller(info, &[], None).unwrap();
    gic.init();
    assert_eq!(
        (distributor.word(0), distributor.word(0x184)),
        (1, u32::MAX)
    );
    assert_eq!(distributor.word(0x420), 0xa0a0_a0a0);
    gic.init_cpu(1);
    assert_eq!((interface.word(0), interface.word(4)), (1, 0xf0));

    gic.unmask(33, 1);
    assert_eq!(
        (distributor.word(0x820), distributor.word(0x104)),
        (0x0200, 2)
    );
    gic.mask(34);
    assert_eq!(distributor.word(0x184), 4);
    gic.set_trigger(Interrupt {
        number: 33,
        edge: true,
    });
    assert_eq!(distributor.word(0xc08), 0b1000);
    gic.set_trigger(Interrupt {
        number: 33,
        edge: false,
    });
    assert_eq!(distributor.word(0xc08), 0);

    interface.set_word(0xc, 1023);
    assert_eq!(gic.claim(1), None);
    interface.set_word(0xc, 33);
    assert_eq!(gic.claim(1), Some(33));
    assert_eq!(interface.word(0x10), 0);
    gic.complete(1, 33);
    assert_eq!(interface.word(0x10), 33);
    // Software interrupt 5 from CPU 3 is ended at once, with its sender.
    interface.set_word(0xc, 3 << 10 | 5);
    assert_eq!(gic.claim(1), Some(5));
    assert_eq!(interface.word(0x10), 3 << 10 | 5);
    gic.send(5, 1);
    assert_eq!(distributor.word(0xf00), 2 << 16 | 5);

    for (number, cpu) in [(64, 1), (u32::MAX, 1), (33, 99)] {
        gic.unmask(number, cpu);
        gic.mask(number);
        gic.send(1, cpu);
    }
}

#[derive(Debug)]
struct FakeInterface(Mutex<FakeState>);

#[derive(Debug, Default)]
struct FakeState {
    on: bool,
    pending: u32,
    ended: std::vec::Vec<u32>,
    sent: std::vec::Vec<u64>,
}

impl GicCpuInterface for FakeInterface {
    fn init(&self) {
        self.0.lock().unwrap().on = true;
    }
    fn acknowledge(&self) -> u32 {
        self.0.lock().unwrap().pending
    }
    fn end(&self, number: u32) {
        self.0.lock().unwrap().ended.push(number);
    }
    fn send(&self, value: u64) {
        self.0.lock().unwrap().sent.push(value);
    }
    fn publish(&self) {}
}

#[test]
fn gic_v3() {
    let mut distributor = Memory::new(0x1_0000);
    distributor.set_word(4, 1);
    // Two redistributors, in an order other than the CPUs'; the first has frames for virtual LPIs.
    let mut redistributors = Memory::new(6 * 0x1_0000);
    redistributors.set_word(8, 1 << 1);
    redistributors.set_word(0xc, 0x0102_0304);
    redistributors.set_word(0x4_0008, 1 << 4);
    let info = InterruptControllerInfo::GicV3 {
        distributor: distributor.range(),
        redistributors: Vec::from_slice(&[redistributors.range()]).unwrap(),
        stride: None,
    };
    let fake: &'static FakeInterface = Box::leak(Box::new(FakeInterface(Mutex::default())));
    let cpus = [cpu(0x8000_0000), cpu(0x01_0002_0304)];
    assert!(controller(info.clone(), &cpus, None).is_none());
    let gic = controller(info, &cpus, Some(fake)).unwrap();
    gic.init();
    assert_eq!(
        (distributor.word(0), distributor.word(0x84)),
        (0x13, u32::MAX)
    );
    gic.init_cpu(0);
    gic.init_cpu(1);
    assert!(fake.0.lock().unwrap().on);

    gic.unmask(27, 1);
    assert_eq!(redistributors.word(0x1_0100), 1 << 27);
    gic.unmask(27, 0);
    assert_eq!(redistributors.word(0x5_0100), 1 << 27);
    gic.unmask(33, 1);
    assert_eq!(
        (distributor.word(0x104), distributor.double(0x6108)),
        (2, 0x01_0002_0304)
    );
    gic.mask(33);
    assert_eq!(distributor.word(0x184), 2);

    fake.0.lock().unwrap().pending = 1023;
    assert_eq!(gic.claim(0), None);
    fake.0.lock().unwrap().pending = 33;
    assert_eq!(gic.claim(0), Some(33));
    gic.complete(0, 33);
    gic.send(7, 1);
    let state = fake.0.lock().unwrap();
    assert_eq!(state.ended, [33]);
    // ICC_SGI1R_EL1: Aff3 1, Aff2 2, INTID 7, Aff1 3, bit for Aff0 4.
    assert_eq!(state.sent, [1 << 48 | 2 << 32 | 7 << 24 | 3 << 16 | 1 << 4]);
}

#[test]
fn messages_of_a_gic_v2() {
    let mut distributor = Memory::new(0x1000);
    distributor.set_word(4, 3);
    let interface = Memory::new(0x1000);
    let mut frame = Memory::new(0x1000);
    // Two interrupts, from 80 on.
    frame.set_word(8, 80 << 16 | 2);
    let info = InterruptControllerInfo::GicV2 {
        distributor: distributor.range(),
        cpu_interface: interface.range(),
    };
    let mut gic = controller(info.clone(), &[], None).unwrap();
    assert!(!gic.has_messages() && gic.take_message(0, 0).is_none());
    let messages = MessageControllerInfo::GicV2m(frame.range());
    // SAFETY: as in `controller`.
    unsafe {
        gic.attach_messages(&info, &messages, &mut |range| range.start as usize, None);
    }
    assert!(gic.has_messages());
    let message = |number| {
        Some(Message {
            number,
            address: frame.range().start + 0x40,
            data: number,
        })
    };
    assert_eq!(gic.take_message(8, 0), message(80));
    assert_eq!(gic.take_message(8, 1), message(81));
    assert_eq!(gic.take_message(8, 2), None);
    // An edge.
    assert_eq!(distributor.word(0xc00 + 4 * 5), 0b1010);
    gic.give_back_message(80);
    assert_eq!(gic.take_message(16, 0), message(80));
    for stranger in [0, 79, 82, u32::MAX] {
        gic.give_back_message(stranger);
    }
    assert_eq!(gic.take_message(16, 0), None);
}

#[test]
fn messages_of_a_gic_v3() {
    let mut distributor = Memory::new(0x1_0000);
    distributor.set_word(4, 1);
    let mut redistributors = Memory::new(2 * 0x1_0000);
    // The last, with LPIs, number 5.
    redistributors.set_word(8, 5 << 8 | 1 << 4 | 1);
    let info = InterruptControllerInfo::GicV3 {
        distributor: distributor.range(),
        redistributors: Vec::from_slice(&[redistributors.range()]).unwrap(),
        stride: None,
    };
    let fake: &'static FakeInterface = Box::leak(Box::new(FakeInterface(Mutex::default())));
    let mut gic = controller(info.clone(), &[cpu(0)], Some(fake)).unwrap();
    let mut service = Memory::new(0x2_0000);
    // Tables of devices and of collections.
    service.set_word(0x104, 1 << 24);
    service.set_word(0x10c, 4 << 24);
    let memory = Memory::new(MESSAGE_MEMORY_LEN + 0x1_0000);
    let at = memory.range().start.next_multiple_of(0x1_0000);
    let from = (at - memory.range().start) as usize;
    let tables = PhysicalRange {
        start: at,
        len: MESSAGE_MEMORY_LEN as u64,
    };
    let messages = MessageControllerInfo::Its(service.range());
    let mut map = |range: PhysicalRange| range.start as usize;
    // SAFETY: as in `controller`; the memory is zeroed.
    unsafe { gic.attach_messages(&info, &messages, &mut map, Some(tables)) };
    assert!(gic.has_messages());
    assert_eq!(redistributors.word(0) & 1, 1);
    assert_eq!(
        redistributors.double(0x70) & 0xffff_ffff_f000,
        at + 0x1_1000
    );
    assert_eq!(service.double(0x100) & 0xffff_ffff_f000, at + 0x2_0000);
    assert_eq!(service.word(0), 1);
    // The commands: the collection is mapped, and then waited for.
    let command = |index: usize| memory.double(from + 0x1_0000 + 32 * index) & 0xff;
    assert_eq!((command(0), command(1)), (9, 5));
    assert_eq!(memory.double(from + 0x1_0000 + 16), 1 << 63 | 5 << 16);

    let message = gic.take_message(0x108, 1).unwrap();
    assert_eq!((message.number, message.data), (8192, 1));
    assert_eq!(message.address, service.range().start + 0x1_0040);
    // The function's table, the event, and what is masked is looked at again.
    assert_eq!([2, 3, 4, 5].map(command), [8, 0xa, 0xc, 5]);
    assert_eq!(memory.double(from + 0x1_0000 + 64) >> 32, 0x108);
    let property = || memory.word(from + 0x1_1000) & 0xff;
    assert_eq!(property(), 0xa2);
    gic.unmask(8192, 0);
    assert_eq!(property(), 0xa3);
    gic.mask(8192);
    assert_eq!(property(), 0xa2);
    // A second event of the same function needs no new table.
    assert_eq!(gic.take_message(0x108, 2).unwrap().number, 8193);
    assert_eq!(command(10), 0xa);
    fake.0.lock().unwrap().pending = 8193;
    assert_eq!(gic.claim(0), Some(8193));
    gic.give_back_message(8192);
    assert_eq!(gic.take_message(0x110, 0).unwrap().number, 8192);
    assert_eq!(gic.take_message(0x110, 8), None);
}

/// A file of messages in which identities are put by the test.
#[derive(Debug, Default)]
struct FakeFile {
    last: AtomicU64,
    pending: Mutex<std::collections::BTreeSet<u32>>,
}

impl MessageFile for FakeFile {
    fn init(&self, last: u32) {
        self.last.store(last.into(), Relaxed);
    }
    fn claim(&self) -> u32 {
        self.pending.lock().unwrap().pop_first().unwrap_or(0)
    }
}

#[test]
fn aia() {
    let mut wires = Memory::new(0x8000);
    let mut files = Memory::new(0x4000);
    let fake: &'static FakeFile = Box::leak(Box::default());
    let sent = |identity| fake.pending.lock().unwrap().insert(identity);
    let info = |places: &[Option<u32>], identities| InterruptControllerInfo::Aia {
        wires: wires.range(),
        source_max: 96,
        files: files.range(),
        file_len: 4096,
        identities,
        places: Vec::from_slice(places).unwrap(),
    };
    let new = |info: &InterruptControllerInfo, interface| {
        // SAFETY: as in `controller`.
        unsafe { InterruptController::new(info, &[], &mut |range| range.start as usize, interface) }
    };
    let own = Some(CpuInterface::MessageFile(fake));
    // Without access to files, without a file for the first CPU, with too few identities, there is none.
    assert!(new(&info(&[Some(2)], 255), None).is_none());
    assert!(new(&info(&[None, Some(2)], 255), own).is_none());
    assert!(new(&info(&[Some(2)], 63), own).is_none());
    let aia = new(&info(&[Some(2), Some(1)], 255), own).unwrap();
    aia.init();
    aia.init_cpu(1);
    assert_eq!(fake.last.load(Relaxed), 0);
    aia.init_cpu(0);
    assert_eq!(fake.last.load(Relaxed), 255);
    // Delivered as messages, to the third file, by the wires' own numbers.
    assert_eq!(wires.word(0), 0x104);
    assert_eq!(
        (wires.word(4 + 4 * 32), wires.word(0x3004 + 4 * 32)),
        (6, 2 << 18 | 33)
    );
    aia.set_trigger(Interrupt {
        number: 34,
        edge: true,
    });
    assert_eq!(wires.word(4 + 4 * 33), 4);

    // A level that is low when it is let through gives no message, one that is high does.
    aia.unmask(33, 3);
    assert_eq!((wires.word(0x1edc), wires.word(0x2000)), (33, 0));
    sent(33);
    assert_eq!(
        (aia.claim(1), aia.claim(0), aia.claim(0)),
        (None, Some(33), None)
    );
    aia.mask(33);
    wires.set_word(0x1d04, 1 << 1);
    aia.unmask(33, 0);
    assert_eq!(wires.word(0x2000), 33);

    // An edge that comes while it is masked is kept, once.
    aia.unmask(34, 0);
    aia.mask(34);
    sent(34);
    assert_eq!(aia.claim(0), None);
    aia.unmask(34, 0);
    assert_eq!(files.word(0x2000), 34);
    files.set_word(0x2000, 0);
    aia.mask(34);
    aia.unmask(34, 0);
    assert_eq!(files.word(0x2000), 0);

    // Messages of functions come after the wires; there are 64.
    assert!(aia.has_messages());
    let taken: std::vec::Vec<Message> = (0..64).map_while(|_| aia.take_message(8, 0)).collect();
    assert_eq!((taken.len(), aia.take_message(8, 0)), (64, None));
    let message = taken[1];
    assert_eq!((message.number, message.data), (98, 98));
    assert_eq!(message.address, files.range().start + 0x2000);
    sent(98);
    assert_eq!(aia.claim(0), None);
    aia.unmask(98, 0);
    assert_eq!(files.word(0x2000), 98);
    sent(98);
    assert_eq!(aia.claim(0), Some(98));
    // What its last owner sent at the end is not the next one's.
    aia.give_back_message(98);
    sent(98);
    assert_eq!(aia.claim(0), None);
    files.set_word(0x2000, 0);
    assert_eq!(aia.take_message(16, 0), Some(message));
    aia.unmask(98, 0);
    assert_eq!(files.word(0x2000), 0);

    // Nothing of this exists.
    for number in [0, 256, u32::MAX] {
        aia.mask(number);
        aia.unmask(number, 0);
        sent(number);
        assert_eq!(aia.claim(0), None);
    }
}
