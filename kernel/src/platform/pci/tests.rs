//! Made-up functions, honest ones and others.

use std::cell::RefCell;
use std::collections::BTreeMap;

use heapless::Vec;

use super::{Configuration, Function, command, register, scan};
use crate::platform::machine_info::{
    Interrupt, PciHostInfo, PciInterrupt, PciWindow, PhysicalRange,
};

/// The words of a configuration space by place: what is there, and which bits of it can be written.
type Words = BTreeMap<usize, (u32, u32)>;

/// Functions by address.
#[derive(Default)]
struct Fake(RefCell<BTreeMap<u16, Words>>);

impl Fake {
    /// A function with these words; what is not named is 0 and stays so.
    fn with(self, address: u16, words: &[(usize, u32, u32)]) -> Fake {
        let words = words.iter().map(|&(at, value, mask)| (at, (value, mask)));
        let common = [(register::COMMAND, (1 << 20, 0xffff))];
        let all = common.into_iter().chain(words).collect();
        self.0.borrow_mut().insert(address, all);
        self
    }

    /// Whether bridges lead to a bus.
    fn is_reached(&self, bus: u8) -> bool {
        let functions = self.0.borrow();
        bus == 0
            || functions.values().any(|words| {
                let kind = words.get(&register::HEADER).map_or(0, |word| word.0);
                let buses = words.get(&register::BUSES).map_or(0, |word| word.0);
                kind >> 16 & 0x7f == 1
                    && (buses >> 8 & 0xff..=buses >> 16 & 0xff).contains(&u32::from(bus))
                    && buses >> 8 & 0xff != 0
            })
    }
}

impl Configuration for Fake {
    fn read(&self, function: u16, offset: usize) -> u32 {
        if !self.is_reached((function >> 8) as u8) {
            return u32::MAX;
        }
        match self.0.borrow().get(&function) {
            Some(words) => words.get(&offset).map_or(0, |word| word.0),
            None => u32::MAX,
        }
    }

    fn write(&self, function: u16, offset: usize, value: u32) {
        assert!(self.is_reached((function >> 8) as u8));
        if let Some(words) = self.0.borrow_mut().get_mut(&function)
            && let Some((old, mask)) = words.get_mut(&offset)
        {
            *old = *old & !*mask | value & *mask;
        }
    }
}

fn host() -> PciHostInfo {
    let mut interrupts = Vec::new();
    for slot in 0..4 {
        for pin in 1..=4 {
            let number = 32 + u32::from((slot + pin - 1) % 4);
            let interrupt = Interrupt {
                number,
                edge: false,
            };
            let entry = PciInterrupt {
                slot,
                pin,
                interrupt,
            };
            interrupts.push(entry).unwrap();
        }
    }
    let window = |start: u64, len: u64, bus: u64| PciWindow {
        cpu: PhysicalRange { start, len },
        bus,
    };
    PciHostInfo {
        configuration: PhysicalRange {
            start: 0x3000_0000,
            len: 256 << 20,
        },
        first_bus: 0,
        // The devices have other addresses than the CPU, which is allowed.
        windows: Vec::from_slice(&[
            window(0x4000_0000, 16 << 20, 0x1000_0000),
            window(0x4_0000_0000, 1 << 30, 0x4_0000_0000),
        ])
        .unwrap(),
        iommu: None,
        slot_mask: 3,
        interrupts,
    }
}

/// A virtio network device as QEMU makes it: messages in one range of registers, the rest in another.
const NET: &[(usize, u32, u32)] = &[
    (register::ID, 0x1041_1af4, 0),
    (register::CLASS, 0x0200_0001, 0),
    (register::BAR + 4, 0, 0xffff_f000),
    (register::BAR + 16, 0xc, 0xffff_c000),
    (register::BAR + 20, 0, 0xffff_ffff),
    (register::CAPABILITIES, 0x40, 0),
    (register::INTERRUPT, 0x100, 0),
    (0x40, 0x0003_4c11, 0xc000_0000),
    (0x44, 1, 0),
    (0x4c, 0x0110_0009, 0),
    (0x50, 4, 0),
    (0x54, 0, 0),
    (0x58, 0x38, 0),
];

fn found(fake: &Fake) -> std::vec::Vec<Function> {
    scan(&host(), fake, 1 << 39).0.into_iter().collect()
}

#[test]
fn a_function_gets_its_addresses_and_is_described() {
    let fake = Fake::default().with(2 << 3, NET);
    let all = found(&fake);
    assert_eq!(all.len(), 1);
    let net = all[0];
    assert_eq!(
        (net.vendor, net.device, net.class),
        (0x1af4, 0x1041, 0x02_0000)
    );
    assert_eq!(net.virtio_id(), 1);
    assert_eq!(net.configuration.start, 0x3001_0000);
    let range = |start, len| Some(PhysicalRange { start, len });
    assert_eq!(net.bars[1], range(0x4000_0000, 0x1000));
    assert_eq!(net.bars[4], range(0x4000_4000, 0x4000));
    assert_eq!(net.bars[0].or(net.bars[2]).or(net.bars[5]), None);
    // The device has its own address for it.
    assert_eq!(fake.read(2 << 3, register::BAR + 16), 0x1000_4000 | 0xc);
    let messages = net.messages.unwrap();
    assert_eq!((messages.count, messages.table.start), (4, 0x4000_0000));
    assert_eq!(net.reset, Some(0x4000_4000 + 20));
    // INTA of slot 2.
    assert_eq!(net.wire.unwrap().number, 34);
    // It answers, and does nothing by itself.
    let command = fake.read(2 << 3, register::COMMAND) & 0xffff;
    assert_eq!(command, command::MEMORY | command::NO_WIRE);
}

#[test]
fn what_lies_behind_bridges_is_reached_and_wired_through() {
    const BRIDGE: &[(usize, u32, u32)] = &[
        (register::ID, 0x000c_1b36, 0),
        (register::HEADER, 1 << 16, 0),
        (register::BUSES, 0, 0xff_ffff),
        (register::MEMORY_WINDOW, 0, 0xfff0_fff0),
    ];
    let fake = Fake::default()
        .with(1 << 3, NET)
        .with(3 << 3, BRIDGE)
        .with(1 << 8, BRIDGE)
        .with(2 << 8 | 1 << 3, NET)
        .with(4 << 3, NET);
    let all = found(&fake);
    let addresses: std::vec::Vec<_> = all.iter().map(|function| function.address).collect();
    assert_eq!(addresses, [1 << 3, 2 << 8 | 1 << 3, 4 << 3]);
    // Slot 1, INTA, is INTB of the inner bridge's slot 0, which is the outer bridge's INTB in slot 3.
    assert_eq!(all[1].wire.unwrap().number, 32);
    // Each bridge passes on just what lies behind it, in whole MiB, and the inner one lies in the outer one.
    let window = fake.read(3 << 3, register::MEMORY_WINDOW);
    assert_eq!(window, 0x1010_1010);
    assert_eq!(fake.read(1 << 8, register::MEMORY_WINDOW), 0x1010_1010);
    assert_eq!(all[1].bars[1].unwrap().start, 0x4010_0000);
    assert!(all[2].bars[1].unwrap().start >= 0x4020_0000);
    assert_eq!(fake.read(3 << 3, register::BUSES), 0x02_01_00);
    assert_eq!(fake.read(1 << 8, register::BUSES), 0x02_02_01);
}

#[test]
fn nonsense_costs_only_the_function_it_is_about() {
    // A kind of register that does not exist, one that is too large for every window, a list of capabilities
    // that goes round, and a table beyond its registers.
    let fake = Fake::default()
        .with(
            0,
            &[
                (register::ID, 0x0001_1af4, 0),
                (register::BAR, 0x6, 0xffff_0000),
                (register::BAR + 4, 0x4, 0),
                (register::BAR + 8, 0xffff_ffff, 0xffff_ffff),
                (register::CAPABILITIES, 0x40, 0),
                (0x40, 0x4009, 0),
            ],
        )
        .with(
            1 << 3,
            &[
                (register::ID, 0x0001_0001, 0),
                (register::BAR, 0, 0xff00_0000),
                (register::BAR + 4, 0, 0xfe00_0000),
                (register::CAPABILITIES, 0x40, 0),
                (0x40, 0x07ff_0011, 0),
                (0x44, 0xff_fff8, 0),
            ],
        )
        .with(2 << 3, NET);
    let all = found(&fake);
    assert_eq!(all.len(), 3);
    assert_eq!((all[0].messages, all[0].reset), (None, None));
    assert_eq!(all[1].bars[1], None);
    assert_eq!(all[1].messages, None);
    assert_eq!(all[2].virtio_id(), 1);
}

#[test]
fn more_functions_than_there_is_room_for_are_counted() {
    let mut fake = Fake::default();
    for device in 0..32 {
        let many: std::vec::Vec<_> = [(register::HEADER, 1 << 23, 0)]
            .into_iter()
            .chain(NET.iter().copied())
            .collect();
        for function in 0..2 {
            fake = fake.with(device << 3 | function, &many);
        }
    }
    let (all, dropped) = scan(&host(), &fake, 1 << 39);
    assert_eq!((all.len(), dropped), (super::FUNCTIONS_MAX, 32));
}
