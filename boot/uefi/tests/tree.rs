//! Trees as QEMU has them, with what a loader adds.

use dtoolkit::fdt::Fdt;
use dtoolkit::model::{DeviceTree, DeviceTreeProperty};
use dtoolkit::{Node, Property};
use uefi_loader::memory::{KEPT_MAX, Range};
use uefi_loader::tree::{Additions, blob_len, reserve, write};

/// QEMU's own tree of an Arm machine.
const FIRMWARE: &[u8] =
    include_bytes!("../../../kernel/src/platform/devicetree/trees/arm64-v3.dtb");

fn additions() -> Additions<'static> {
    Additions {
        memory: &[
            Range {
                start: 0x4000_0000,
                end: 0x4700_0000,
            },
            Range {
                start: 0x4710_0000,
                end: 0x1_0000_0000,
            },
        ],
        archive: Range {
            start: 0x4600_0000,
            end: 0x4612_3456,
        },
        command_line: "ftl.seed=7",
        seed: Some(&[9; 32]),
    }
}

fn value(tree: &DeviceTree, path: &str, name: &str) -> Option<Vec<u8>> {
    let node = tree.find_node(path)?;
    Some(node.property(name)?.value().to_vec())
}

#[test]
fn the_kernel_is_told_what_a_loader_knows() {
    let blob = write(FIRMWARE, &additions()).unwrap();
    assert_eq!(blob_len(&blob), Some(blob.len()));
    let tree = DeviceTree::from_fdt(&Fdt::new(&blob).unwrap());
    let chosen = |name| value(&tree, "/chosen", name);
    assert_eq!(chosen("bootargs").unwrap(), b"ftl.seed=7\0");
    assert_eq!(chosen("rng-seed").unwrap(), [9; 32]);
    assert_eq!(
        chosen("linux,initrd-end").unwrap(),
        0x4612_3456u64.to_be_bytes()
    );
    assert!(chosen("stdout-path").is_some());
    let memory: Vec<_> = tree
        .root
        .children()
        .filter(|node| node.name().starts_with("memory"))
        .collect();
    assert_eq!(memory.len(), 1);
    let reg = memory[0].property("reg").unwrap().value().to_vec();
    assert_eq!(reg.len(), 32);
    assert_eq!(reg[16..24], 0x4710_0000u64.to_be_bytes());
    assert_eq!(reg[24..], 0xb8f0_0000u64.to_be_bytes());
}

#[test]
fn reservations_are_filled_in_later() {
    let mut blob = write(FIRMWARE, &additions()).unwrap();
    let before = DeviceTree::from_fdt(&Fdt::new(&blob).unwrap());
    assert!(before.memory_reservations.is_empty());
    let full: heapless::Vec<Range, KEPT_MAX> = (1..=KEPT_MAX as u64)
        .map(|n| Range {
            start: n << 20,
            end: (n << 20) + 4096,
        })
        .collect();
    reserve(&mut blob, &full);
    let after = DeviceTree::from_fdt(&Fdt::new(&blob).unwrap());
    assert_eq!(after.root, before.root);
    let told: Vec<_> = after
        .memory_reservations
        .iter()
        .map(|entry| (entry.address(), entry.size()))
        .collect();
    let meant: Vec<_> = full.iter().map(|range| (range.start, 4096)).collect();
    assert_eq!(told, meant);
}

#[test]
fn the_clock_that_firmware_keeps_is_given_back() {
    let mut firmware = DeviceTree::from_fdt(&Fdt::new(FIRMWARE).unwrap());
    let name = {
        let clock = firmware
            .root
            .children()
            .find(|node| node.name().starts_with("pl031"));
        String::from(clock.unwrap().name())
    };
    let clock = firmware.root.child_mut(&name).unwrap();
    clock.add_property(DeviceTreeProperty::new("status", "disabled").unwrap());
    let blob = write(&firmware.to_dtb(), &additions()).unwrap();
    let tree = DeviceTree::from_fdt(&Fdt::new(&blob).unwrap());
    let path = format!("/{name}");
    assert!(value(&tree, &path, "compatible").is_some());
    assert_eq!(value(&tree, &path, "status"), None);
}

#[test]
fn rubbish_is_refused() {
    assert_eq!(blob_len(b"\xd0\x0d\xfe\xed"), None);
    assert_eq!(blob_len(&[0; 64]), None);
    assert!(write(&[0; 64], &additions()).is_none());
    let mut none = additions();
    none.memory = &[];
    assert_eq!(write(FIRMWARE, &none), None);
}
