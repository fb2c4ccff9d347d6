//! Reads what the device tree says of PCI Express (IEEE 1275, "PCI Bus Binding" 2.1, and the binding
//! `pci/host-generic-pci.yaml`).

use heapless::Vec;

use super::place::{Place, cells, number};
use super::{Reader, range};
use crate::platform::machine_info::{PciHostInfo, PciInterrupt, PciWindow, PhysicalRange};

/// Bytes of an address as PCI has it: three cells.
const ADDRESS_LEN: usize = 12;
/// The first of those cells, "phys.hi": which space, and in it which device.
const SPACE_SHIFT: u32 = 24;
const SPACE_MASK: u32 = 3;
const MEMORY_32: u32 = 2;
const MEMORY_64: u32 = 3;
const SLOT_SHIFT: u32 = 11;
const SLOT_MASK: u32 = 0x1f;

impl<'a> Reader<'a, '_> {
    /// What a host bridge whose registers are `configuration` passes on.
    pub(super) fn pci_host(
        &self,
        place: &Place<'a, '_>,
        configuration: PhysicalRange,
    ) -> PciHostInfo {
        let first_bus = place.property("bus-range").unwrap_or_default();
        let mask = place.property("interrupt-map-mask").unwrap_or_default();
        PciHostInfo {
            configuration,
            first_bus: cells(first_bus).next().unwrap_or(0) as u8,
            windows: windows(place),
            iommu: self.identity_iommu(place),
            slot_mask: slot(cells(mask).next().unwrap_or(0)),
            interrupts: self.pci_interrupts(place),
        }
    }

    /// The IOMMU, if it knows each function by its address on the bus (binding `pci/pci-iommu.txt`).
    fn identity_iommu(&self, place: &Place<'a, '_>) -> Option<u32> {
        let mut map = cells(place.property("iommu-map")?);
        let (first, phandle, stream) = (map.next()?, map.next()?, map.next()?);
        (first == stream).then_some(phandle)
    }

    /// An entry of `interrupt-map`: the device's address and its wire, then a controller, an address there,
    /// and the interrupt as that one has it. What follows an entry for another controller is lost, since
    /// its length is not known.
    fn pci_interrupts(
        &self,
        place: &Place<'a, '_>,
    ) -> Vec<PciInterrupt, { crate::platform::machine_info::PCI_INTERRUPTS_MAX }> {
        const PIN: usize = ADDRESS_LEN;
        const CONTROLLER: usize = PIN + 4;
        let interrupt_at = CONTROLLER + 4 + 4 * self.controller_address_cells;
        let form = self.interrupt_form();
        let len = interrupt_at + 4 * form.cells();
        let map = place.property("interrupt-map").unwrap_or_default();
        map.chunks_exact(len)
            .take_while(|entry| cells(&entry[CONTROLLER..]).next() == self.controller)
            .filter_map(|entry| {
                Some(PciInterrupt {
                    slot: slot(cells(entry).next()?),
                    pin: cells(&entry[PIN..]).next()? as u8,
                    interrupt: form.decode(&entry[interrupt_at..])?,
                })
            })
            .take(crate::platform::machine_info::PCI_INTERRUPTS_MAX)
            .collect()
    }
}

/// The windows of memory; what reaches I/O ports is of no use to us.
fn windows(
    place: &Place<'_, '_>,
) -> Vec<PciWindow, { crate::platform::machine_info::PCI_WINDOWS_MAX }> {
    let parent_cells = place.parent_address_cells();
    let ranges = place.property("ranges").unwrap_or_default();
    ranges
        .chunks_exact(ADDRESS_LEN + 4 * parent_cells + 8)
        .filter_map(|entry| {
            let space = cells(entry).next()? >> SPACE_SHIFT & SPACE_MASK;
            if !matches!(space, MEMORY_32 | MEMORY_64) {
                return None;
            }
            let (bus, rest) = entry[4..].split_at(8);
            let (cpu, len) = rest.split_at(4 * parent_cells);
            Some(PciWindow {
                cpu: place.translate_from_parent(range(number(cpu), number(len))?)?,
                bus: number(bus),
            })
        })
        .take(crate::platform::machine_info::PCI_WINDOWS_MAX)
        .collect()
}

fn slot(address: u32) -> u8 {
    (address >> SLOT_SHIFT & SLOT_MASK) as u8
}
