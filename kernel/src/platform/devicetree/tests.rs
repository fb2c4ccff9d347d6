//! Real device trees, and the same with bytes changed or missing.

use proptest::prelude::*;

use super::*;
use crate::platform::machine_info::{PciInterrupt, PciWindow};

const RISCV64_1: &[u8] = include_bytes!("trees/riscv64-1.dtb");
const RISCV64_4: &[u8] = include_bytes!("trees/riscv64-4.dtb");
const RISCV64_AIA: &[u8] = include_bytes!("trees/riscv64-aia.dtb");
const TREES: [&[u8]; 5] = [RISCV64_1, RISCV64_4, RISCV64_AIA, ARM64_V2, ARM64_V3];
const ARM64_V2: &[u8] = include_bytes!("trees/arm64-v2.dtb");
const ARM64_V3: &[u8] = include_bytes!("trees/arm64-v3.dtb");

fn read(blob: &[u8]) -> MachineInfo {
    MachineInfo::from_devicetree(blob).unwrap()
}

fn at(start: u64, len: u64) -> PhysicalRange {
    PhysicalRange { start, len }
}

fn level(number: u32) -> Interrupt {
    Interrupt {
        number,
        edge: false,
    }
}

#[test]
fn riscv64_with_one_cpu() {
    let machine = read(RISCV64_1);
    assert_eq!(machine.model, "riscv-virtio,qemu");
    assert_eq!(machine.memory[..], [at(0x8000_0000, 128 << 20)]);
    let cpu = Cpu {
        id: 0,
        enable_method: EnableMethod::Firmware,
        has_sstc: true,
    };
    assert_eq!(machine.cpus[..], [cpu]);
    assert_eq!(machine.timebase_frequency, Some(10_000_000));
    assert_eq!(machine.boot_arguments, "log=debug");
    assert_eq!(machine.initrd.map(|range| range.len), Some(5000));
    let console = UartInfo {
        kind: UartKind::Ns16550 {
            register_shift: 0,
            register_width: 1,
        },
        registers: at(0x1000_0000, 0x100),
        interrupt: Some(level(10)),
    };
    assert_eq!(machine.console, Some(console));
    let plic = InterruptControllerInfo::Plic {
        registers: at(0xc00_0000, 0x60_0000),
        source_max: 96,
        contexts: Vec::from_slice(&[Some(1)]).unwrap(),
    };
    assert_eq!(machine.interrupt_controller, Some(plic));
    let pci = machine.pci_host.unwrap();
    assert_eq!(pci.configuration, at(0x3000_0000, 0x1000_0000));
    assert_eq!(pci.first_bus, 0);
    let low = PciWindow {
        cpu: at(0x4000_0000, 0x4000_0000),
        bus: 0x4000_0000,
    };
    assert_eq!(pci.windows[0], low);
    assert_eq!(pci.windows[1].cpu, at(4 << 32, 4 << 32));
    // Four slots of four wires each, which go round in the same four interrupts.
    assert_eq!((pci.slot_mask, pci.interrupts.len()), (3, 16));
    let inta_of_slot_1 = PciInterrupt {
        slot: 1,
        pin: 1,
        interrupt: level(33),
    };
    assert_eq!(pci.interrupts[4], inta_of_slot_1);
    assert_eq!(machine.message_controller, None);
    assert_eq!(machine.psci, None);
    assert_eq!(machine.arm_timer, None);
    assert_eq!(machine.dropped, 0);

    let virtio: std::vec::Vec<_> = machine
        .devices
        .iter()
        .filter(|device| device.is_compatible("virtio,mmio"))
        .collect();
    assert_eq!(virtio.len(), 8);
    let first = virtio
        .iter()
        .find(|device| device.registers[0].start == 0x1000_1000)
        .unwrap();
    assert_eq!(first.interrupts[..], [level(1)]);
    let clock = machine
        .devices
        .iter()
        .find(|device| device.is_compatible("google,goldfish-rtc"))
        .unwrap();
    assert_eq!(clock.registers[..], [at(0x10_1000, 0x1000)]);
    assert_eq!(clock.interrupts[..], [level(11)]);
    let consoles = machine.devices.iter().filter(|device| device.is_console);
    let consoles: std::vec::Vec<_> = consoles.collect();
    assert_eq!(consoles.len(), 1);
    assert!(consoles[0].is_compatible("ns16550a"));
    // The kernel's other devices are not for drivers.
    for device in &machine.devices {
        for kept in ["riscv,plic0", "riscv"] {
            assert!(!device.is_compatible(kept), "{kept}");
        }
    }
}

#[test]
fn random_seed_and_its_place() {
    let machine = read(RISCV64_1);
    let seed = machine.random_seed.unwrap();
    assert_eq!(seed.bytes.len(), 32);
    assert_eq!(RISCV64_1[seed.offset..][..seed.len], seed.bytes);
}

#[test]
fn riscv64_with_four_cpus() {
    let machine = read(RISCV64_4);
    let mut ids: std::vec::Vec<_> = machine.cpus.iter().map(|cpu| cpu.id).collect();
    let Some(InterruptControllerInfo::Plic { contexts, .. }) = machine.interrupt_controller else {
        panic!("no PLIC");
    };
    // Two contexts for each hart, the second for supervisor mode.
    for (id, context) in ids.iter().zip(&contexts) {
        assert_eq!(u64::from(context.unwrap()), 2 * id + 1);
    }
    ids.sort();
    assert_eq!(ids, [0, 1, 2, 3]);
    assert_eq!(machine.boot_arguments, "");
    assert_eq!(machine.initrd, None);
}

/// Files of messages, and two APLICs, of which that of machine mode is not for us.
#[test]
fn riscv64_with_advanced_interrupts() {
    let machine = read(RISCV64_AIA);
    let aia = InterruptControllerInfo::Aia {
        wires: at(0xd00_0000, 0x8000),
        source_max: 96,
        files: at(0x2800_0000, 0x2000),
        file_len: 4096,
        identities: 255,
        places: Vec::from_slice(&[Some(0), Some(1)]).unwrap(),
    };
    assert_eq!(machine.interrupt_controller, Some(aia));
    assert_eq!(
        machine.console.and_then(|console| console.interrupt),
        Some(level(10))
    );
    let pci = machine.pci_host.unwrap();
    assert_eq!((pci.slot_mask, pci.interrupts.len()), (3, 16));
    assert_eq!(pci.interrupts[4].interrupt, level(33));
    for device in &machine.devices {
        for kept in ["riscv,aplic", "riscv,imsics"] {
            assert!(!device.is_compatible(kept), "{kept}");
        }
    }
}

#[test]
fn arm64_with_gic_v2() {
    let machine = read(ARM64_V2);
    assert_eq!(machine.memory[..], [at(0x4000_0000, 128 << 20)]);
    assert_eq!(machine.cpus.len(), 2);
    assert_eq!(machine.cpus[1].id, 1);
    assert_eq!(machine.cpus[1].enable_method, EnableMethod::Psci);
    assert_eq!(machine.psci, Some(PsciMethod::Hvc));
    let timer = machine.arm_timer.unwrap();
    assert_eq!((timer.physical.number, timer.virtual_.number), (30, 27));
    let console = UartInfo {
        kind: UartKind::Pl011,
        registers: at(0x900_0000, 0x1000),
        interrupt: Some(level(33)),
    };
    assert_eq!(machine.console, Some(console));
    let gic = InterruptControllerInfo::GicV2 {
        distributor: at(0x800_0000, 0x1_0000),
        cpu_interface: at(0x801_0000, 0x1_0000),
    };
    assert_eq!(machine.interrupt_controller, Some(gic));
    let frame = MessageControllerInfo::GicV2m(at(0x802_0000, 0x1000));
    assert_eq!(machine.message_controller, Some(frame));
    let pci = machine.pci_host.unwrap();
    assert_eq!(pci.configuration.start, 0x40_1000_0000);
    assert_eq!(pci.windows[0].cpu, at(0x1000_0000, 0x2eff_0000));
    assert_eq!(pci.interrupts.len(), 16);
    assert_eq!(pci.interrupts[15].interrupt, level(37));
    let virtio = machine
        .devices
        .iter()
        .find(|device| device.registers[0].start == 0xa00_0000)
        .expect("virtio at 0xa000000");
    assert_eq!(
        virtio.interrupts[..],
        [Interrupt {
            number: 48,
            edge: true
        }]
    );
    assert_eq!(machine.dropped, 0);
}

#[test]
fn arm64_with_gic_v3() {
    let machine = read(ARM64_V3);
    assert_eq!(machine.cpus.len(), 4);
    assert_eq!(machine.psci, Some(PsciMethod::Smc));
    assert_eq!(machine.boot_arguments, "log=debug");
    let gic = InterruptControllerInfo::GicV3 {
        distributor: at(0x800_0000, 0x1_0000),
        redistributors: Vec::from_slice(&[at(0x80a_0000, 0xf6_0000)]).unwrap(),
        stride: None,
    };
    assert_eq!(machine.interrupt_controller, Some(gic));
    let its = MessageControllerInfo::Its(at(0x808_0000, 0x2_0000));
    assert_eq!(machine.message_controller, Some(its));
}

#[test]
fn what_follows_the_tree_is_ignored() {
    let mut blob = RISCV64_1.to_vec();
    blob.extend([0xff; 1000]);
    assert_eq!(blob_len(&blob), Ok(RISCV64_1.len()));
    assert_eq!(read(&blob).cpus.len(), 1);
}

#[test]
fn every_truncation_is_refused() {
    for len in 0..RISCV64_1.len() {
        assert!(
            MachineInfo::from_devicetree(&RISCV64_1[..len]).is_err(),
            "{len} bytes"
        );
    }
}

#[test]
fn headers_that_lie_are_refused() {
    assert_eq!(blob_len(b"\xd0\x0d\xfe\xed"), Err(Error::Malformed));
    assert_eq!(blob_len(&[0; 40]), Err(Error::Malformed));
    let mut blob = RISCV64_1.to_vec();
    blob[4] = 0xff;
    assert_eq!(blob_len(&blob), Err(Error::Malformed));
}

/// A tree that begins `depth` nodes, each in the one before, and ends them.
fn nested(depth: usize) -> std::vec::Vec<u8> {
    let mut structure = std::vec::Vec::new();
    let word = |structure: &mut std::vec::Vec<u8>, value: u32| {
        structure.extend(value.to_be_bytes());
    };
    word(&mut structure, 1);
    word(&mut structure, 0);
    for _ in 0..depth {
        word(&mut structure, 1);
        structure.extend(b"a\0\0\0");
    }
    for _ in 0..depth + 1 {
        word(&mut structure, 2);
    }
    word(&mut structure, 9);
    let len = structure.len() as u32;
    let header = [0xd00d_feed, 56 + len, 56, 56 + len, 40, 17, 16, 0, 0, len];
    let mut blob: std::vec::Vec<u8> = header
        .iter()
        .flat_map(|value| value.to_be_bytes())
        .collect();
    blob.extend([0; 16]);
    blob.extend(structure);
    blob
}

/// `tree` with `depth` more nodes at the root's end, each in the one before.
fn deepened(tree: &[u8], depth: usize) -> std::vec::Vec<u8> {
    let word = |at: usize| u32::from_be_bytes(tree[at..][..4].try_into().unwrap());
    // DTSpec 5.2: where the structure begins and how long it is. It ends with the root's end and its own.
    let root_end = (word(8) + word(36)) as usize - 8;
    let mut deep = tree[..root_end].to_vec();
    for _ in 0..depth {
        deep.extend(1u32.to_be_bytes());
        deep.extend(b"a\0\0\0");
    }
    deep.extend(std::iter::repeat_n(2u32.to_be_bytes(), depth).flatten());
    let added = (deep.len() - root_end) as u32;
    deep.extend(&tree[root_end..]);
    for (at, moved) in [(4, true), (12, word(12) > word(8)), (36, true)] {
        let value = word(at) + if moved { added } else { 0 };
        deep[at..at + 4].copy_from_slice(&value.to_be_bytes());
    }
    deep
}

#[test]
fn a_refused_tree_still_tells_where_to_say_so() {
    for tree in TREES {
        let mut machine = MachineInfo::new();
        let read = machine.read_devicetree(&deepened(tree, 16));
        assert_eq!(read, Err(Error::TooDeep));
        let sound = self::read(tree);
        assert!(sound.console.is_some());
        assert_eq!(machine.console, sound.console);
        assert_eq!(machine.psci, sound.psci);
        assert_eq!(machine.memory, sound.memory);
        assert_eq!(machine.devices, sound.devices);
    }
}

#[test]
fn deep_trees_are_refused() {
    let refused = |depth| MachineInfo::from_devicetree(&nested(depth)).unwrap_err();
    assert_eq!(refused(3), Error::NoMemory);
    assert_eq!(refused(100), Error::TooDeep);
    assert_eq!(refused(100_000), Error::TooDeep);
}

#[test]
fn other_nodes_are_out_of_use() {
    // `status = "okay"` of nothing: put `disabled` where QEMU wrote `okay`.
    let find = |needle: &[u8]| {
        RISCV64_1
            .windows(needle.len())
            .position(|bytes| bytes == needle)
    };
    let at = find(b"okay\0").expect("QEMU writes a status for its CPUs");
    let mut blob = RISCV64_1.to_vec();
    blob[at..at + 4].copy_from_slice(b"fail");
    assert_eq!(
        MachineInfo::from_devicetree(&blob).unwrap_err(),
        Error::NoCpu
    );
}

proptest! {
    #![proptest_config(trials::cases(3_000))]

    #[test]
    fn changed_bytes_never_panic(
        which in 0..TREES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let mut blob = TREES[which].to_vec();
        for (index, value) in changes {
            let at = index.index(blob.len());
            blob[at] = value;
        }
        if let Ok(machine) = MachineInfo::from_devicetree(&blob) {
            for range in machine.memory.iter().chain(&machine.reserved) {
                prop_assert!(range.start.checked_add(range.len).is_some());
            }
        }
    }

    /// Whole words, since most bytes of a tree are words: tokens, lengths, offsets, cells.
    #[test]
    fn changed_words_never_panic(
        which in 0..TREES.len(),
        changes in prop::collection::vec(
            (any::<prop::sample::Index>(), prop_oneof![0u32..20, any::<u32>(), Just(u32::MAX)]),
            1..6,
        ),
    ) {
        let mut blob = TREES[which].to_vec();
        for (index, value) in changes {
            let at = 4 * index.index(blob.len() / 4);
            blob[at..at + 4].copy_from_slice(&value.to_be_bytes());
        }
        let _ = MachineInfo::from_devicetree(&blob);
    }
}
