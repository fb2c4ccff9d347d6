//! Reading which devices a component drives.

use super::Device;
use crate::names;
use crate::report::{Report, Reports};
use crate::yaml::Node;

pub(super) const VIRTIO: &[(&str, u32)] = &[
    ("net", 1),
    ("block", 2),
    ("console", 3),
    ("rng", 4),
    ("balloon", 5),
    ("9p", 9),
    ("gpu", 16),
    ("input", 18),
];

pub(super) fn read_devices(node: &Node, reports: &mut Reports) -> Vec<Device> {
    let mut devices = Vec::new();
    for (key, node) in node.expect_entries("devices by name", reports) {
        let Some(name) = names::check(key, "a device's name", reports) else {
            continue;
        };
        let mut fields = node.fields("a device", reports);
        let doc = fields
            .get("doc")
            .and_then(|node| node.text())
            .unwrap_or_default()
            .trim()
            .into();
        let mut text = |field: &'static str, what: &'static str| {
            let node = fields.get(field)?;
            Some((node.expect_text(what, reports)?.to_string(), node))
        };
        let compatible = text("compatible", "a `compatible` string of the device tree");
        let pci = text("pci", PCI_FORM);
        let words: Vec<&str> = VIRTIO.iter().map(|(word, _)| *word).collect();
        let virtio = fields
            .get("virtio")
            .and_then(|node| node.expect_word("`virtio`", &words, reports));
        let kind = VIRTIO.iter().find(|(word, _)| Some(*word) == virtio);
        let (compatible, described) = match (compatible, pci, kind) {
            (Some((_, node)), Some(_), _) => {
                reports.push(Report::new(
                    &node.place,
                    "a device of the device tree is none of the PCI bus",
                    "say either `compatible` or `pci`",
                ));
                continue;
            }
            (None, Some((address, node)), _) => {
                let Some(name) = pci_name(&address) else {
                    reports.push(Report::new(
                        &node.place,
                        format!("`{address}` names no PCI device"),
                        format!("write it as {PCI_FORM}"),
                    ));
                    continue;
                };
                (name, format!("that is PCI `{address}`"))
            }
            (Some((compatible, _)), None, _) => {
                let described = format!("that is `{compatible}`");
                (compatible, described)
            }
            (None, None, Some((word, _))) => (String::new(), format!("that is virtio's `{word}`")),
            (None, None, None) => {
                reports.push(Report::new(
                    &node.head(),
                    "nothing says which device it is",
                    "say `virtio: net`, `pci: \"1b36:0005\"`, or a `compatible` of the device tree",
                ));
                continue;
            }
        };
        let virtio = kind.map_or(0, |(_, number)| *number);
        if compatible == "virtio,mmio" && virtio == 0 {
            reports.push(Report::new(
                &node.head(),
                "all virtio devices are `virtio,mmio`",
                "say which one: `virtio: net`",
            ));
        }
        let all = fields
            .get("all")
            .and_then(|node| node.expect_bool("`all`", reports))
            .unwrap_or(false);
        fields.finish(reports);
        devices.push(Device {
            name: name.into(),
            doc,
            compatible,
            described,
            virtio,
            all,
        });
    }
    devices
}

/// How a component's file names a PCI device.
pub(super) const PCI_FORM: &str =
    "\"VENDOR:DEVICE\", four hexadecimal digits each, as `lspci -n` does";

/// What the kernel calls the PCI device that a component's file names so.
pub(super) fn pci_name(text: &str) -> Option<String> {
    let (vendor, device) = text.split_once(':')?;
    let is_number = |part: &str| {
        part.len() == 4
            && part
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    (is_number(vendor) && is_number(device)).then(|| format!("pci{vendor},{device}"))
}
