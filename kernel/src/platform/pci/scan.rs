//! Goes through all buses, numbers those behind bridges, and gives each function its addresses.

use heapless::Vec;

use super::{
    BARS, CONFIGURATION_LEN, Configuration, FUNCTIONS_MAX, Function, Messages, VIRTIO_VENDOR,
    Window, command, register,
};
use crate::platform::machine_info::{Interrupt, PCI_WINDOWS_MAX, PciHostInfo, PhysicalRange};

/// How many bridges may lie one behind the other.
const DEPTH_MAX: usize = 8;
/// A bridge passes on whole pieces of this size (PCI-to-PCI Bridge Architecture 1.2, 3.2.5.8).
const BRIDGE_STEP: u64 = 1 << 20;
/// What no function is.
const NOBODY: u32 = 0xffff;

// PCI, appendix H, and PCIe, section 7.7.2: capabilities.
const CAPABILITY_VENDOR: u32 = 0x09;
const CAPABILITY_MESSAGES: u32 = 0x11;
/// There is no room for more in a configuration space.
const CAPABILITIES_MAX: usize = 48;

// Virtio 1.2, section 4.1.4: which structure a capability is about, and where its reset is.
const VIRTIO_COMMON: u32 = 1;
const VIRTIO_STATUS: u64 = 20;

/// Finds all functions. Those that find no room in the list are counted.
///
/// Afterwards each function answers to its addresses, reads and writes no memory, and uses no wire.
/// Registers above `reach` are not given out.
pub fn scan(
    host: &PciHostInfo,
    configuration: &dyn Configuration,
    reach: u64,
) -> (Vec<Function, FUNCTIONS_MAX>, usize) {
    let windows = host.windows.iter().filter(|w| w.cpu.end() <= reach);
    let mut scan = Scan {
        host,
        configuration,
        windows: windows.map(|window| Window::new(*window)).collect(),
        last_bus: host.first_bus,
        path: Vec::new(),
        found: Vec::new(),
        dropped: 0,
    };
    scan.bus(host.first_bus);
    (scan.found, scan.dropped)
}

struct Scan<'a> {
    host: &'a PciHostInfo,
    configuration: &'a dyn Configuration,
    windows: Vec<Window, PCI_WINDOWS_MAX>,
    last_bus: u8,
    /// The device numbers of the bridges on the way here.
    path: Vec<u8, DEPTH_MAX>,
    found: Vec<Function, FUNCTIONS_MAX>,
    dropped: usize,
}

impl Scan<'_> {
    fn read(&self, function: u16, offset: usize) -> u32 {
        self.configuration.read(function, offset)
    }

    fn write(&self, function: u16, offset: usize, value: u32) {
        self.configuration.write(function, offset, value);
    }

    fn bus(&mut self, bus: u8) {
        for device in 0..32 {
            let first = u16::from(bus) << 8 | device << 3;
            if self.read(first, register::ID) & NOBODY == NOBODY {
                continue;
            }
            let has_more = self.read(first, register::HEADER) >> 23 & 1 != 0;
            for function in first..first + if has_more { 8 } else { 1 } {
                if self.read(function, register::ID) & NOBODY == NOBODY {
                    continue;
                }
                match self.read(function, register::HEADER) >> 16 & 0x7f {
                    0 => self.function(function),
                    1 => self.bridge(function),
                    _ => {}
                }
            }
        }
    }

    /// Numbers the bus behind a bridge, goes through it, and opens the bridge for what was given out there.
    fn bridge(&mut self, bridge: u16) {
        let device = (bridge >> 3 & 0x1f) as u8;
        let Some(behind) = self.last_bus.checked_add(1) else {
            return;
        };
        if self.path.push(device).is_err() {
            return;
        }
        self.last_bus = behind;
        let here = u32::from(bridge >> 8);
        // While it is gone through, everything behind is this bridge's.
        self.write(
            bridge,
            register::BUSES,
            0xff << 16 | u32::from(behind) << 8 | here,
        );
        // Behind a bridge only windows below 4 GiB are used.
        let all = self.windows.clone();
        self.windows.retain(Window::is_low);
        let start = self.low_end();
        self.bus(behind);
        let end = self.low_end();
        let low = core::mem::replace(&mut self.windows, all);
        for (window, used) in self
            .windows
            .iter_mut()
            .filter(|window| window.is_low())
            .zip(low)
        {
            *window = used;
        }
        self.path.pop();
        self.write(
            bridge,
            register::BUSES,
            u32::from(self.last_bus) << 16 | u32::from(behind) << 8 | here,
        );
        // A window whose end lies before its start is none.
        let (base, limit) = match start.zip(end).filter(|(start, end)| start < end) {
            Some((start, end)) => ((start >> 16) as u32, (end - 1) as u32 & 0xfff0_0000),
            None => (0xfff0, 0),
        };
        self.write(bridge, register::MEMORY_WINDOW, limit | base & 0xfff0);
        self.write(bridge, register::PREFETCHABLE_WINDOW, 0xfff0);
        // It passes on what the functions behind it do; each of those is ruled by its own command.
        self.command(bridge, command::MEMORY | command::MASTER);
    }

    fn low_end(&mut self) -> Option<u64> {
        self.windows
            .iter_mut()
            .find(|window| window.is_low())?
            .align(BRIDGE_STEP)
    }

    fn command(&self, function: u16, command: u32) {
        // The upper half is the status, where a 0 changes nothing.
        self.write(function, register::COMMAND, command);
    }

    fn function(&mut self, function: u16) {
        if self.found.is_full() {
            self.dropped += 1;
            return;
        }
        let id = self.read(function, register::ID);
        // Nothing answers while addresses are changed.
        self.command(function, command::NO_WIRE);
        let bars = self.assign(function);
        self.command(function, command::NO_WIRE | command::MEMORY);
        let vendor = id as u16;
        let at = u64::from(function - (u16::from(self.host.first_bus) << 8)) * CONFIGURATION_LEN;
        let found = Function {
            address: function,
            configuration: PhysicalRange {
                start: self.host.configuration.start + at,
                len: CONFIGURATION_LEN,
            },
            vendor,
            device: (id >> 16) as u16,
            subsystem: (self.read(function, register::SUBSYSTEM) >> 16) as u16,
            class: self.read(function, register::CLASS) >> 8,
            bars,
            wire: self.wire(function),
            messages: self.messages(function, &bars),
            reset: (vendor == VIRTIO_VENDOR)
                .then(|| self.virtio_reset(function, &bars))
                .flatten(),
        };
        // There is room: see above.
        let _ = self.found.push(found);
    }

    /// Gives addresses to all base address registers (PCI, section 6.2.5.1).
    fn assign(&mut self, function: u16) -> [Option<PhysicalRange>; BARS] {
        let mut bars = [None; BARS];
        let mut number = 0;
        while number < BARS {
            let offset = register::BAR + 4 * number;
            let old = self.read(function, offset);
            self.write(function, offset, u32::MAX);
            let mask = self.read(function, offset);
            // An I/O port, which stays without an address, or nothing.
            if mask & 1 != 0 || mask == 0 {
                self.write(function, offset, old);
                number += 1;
                continue;
            }
            let is_wide = mask >> 1 & 3 == 2 && number + 1 < BARS;
            let mut size_mask = u64::from(mask & !0xf) | 0xffff_ffff << 32;
            if is_wide {
                self.write(function, offset + 4, u32::MAX);
                let upper = u64::from(self.read(function, offset + 4));
                size_mask = u64::from(mask & !0xf) | upper << 32;
            }
            // The lowest bit that can be set tells the size.
            let len = size_mask & size_mask.wrapping_neg();
            let taken = (len != 0).then(|| self.take(len, is_wide)).flatten();
            let bus = taken.map_or(0, |(bus, _)| bus);
            self.write(function, offset, bus as u32);
            if is_wide {
                self.write(function, offset + 4, (bus >> 32) as u32);
            }
            bars[number] = taken.map(|(_, range)| range);
            number += if is_wide { 2 } else { 1 };
        }
        bars
    }

    /// Low addresses first, since everybody understands those.
    fn take(&mut self, len: u64, is_wide: bool) -> Option<(u64, PhysicalRange)> {
        let mut fitting = |low: bool| {
            self.windows
                .iter_mut()
                .filter(|window| window.is_low() == low)
                .find_map(|window| window.take(len))
        };
        fitting(true).or_else(|| is_wide.then(|| fitting(false)).flatten())
    }

    /// Where the function's wire ends: each bridge passes the wires of its devices on, turned by the device's
    /// number (PCI-to-PCI Bridge Architecture 1.2, table 9-1).
    fn wire(&self, function: u16) -> Option<Interrupt> {
        let pin = (self.read(function, register::INTERRUPT) >> 8) as u8;
        let mut pin = pin.checked_sub(1).filter(|pin| *pin < 4)?;
        let mut device = (function >> 3 & 0x1f) as u8;
        for bridge in self.path.iter().rev() {
            pin = (pin + device) % 4;
            device = *bridge;
        }
        let slot = device & self.host.slot_mask;
        let ends = |entry: &&crate::platform::machine_info::PciInterrupt| {
            entry.slot == slot && entry.pin == pin + 1
        };
        Some(self.host.interrupts.iter().find(ends)?.interrupt)
    }

    /// The function's capabilities: what each is, and where.
    fn capabilities(&self, function: u16) -> impl Iterator<Item = (u32, usize)> + '_ {
        const HAS_CAPABILITIES: u32 = 1 << 20;
        let has_some = self.read(function, register::COMMAND) & HAS_CAPABILITIES != 0;
        let mut next = if has_some {
            self.read(function, register::CAPABILITIES) & 0xfc
        } else {
            0
        };
        core::iter::from_fn(move || {
            // Below 0x40 there is the header; 0 is the end.
            let at = (next >= 0x40).then_some(next as usize)?;
            let word = self.read(function, at);
            next = word >> 8 & 0xfc;
            Some((word & 0xff, at))
        })
        // A list that goes round is nobody's business to follow for ever.
        .take(CAPABILITIES_MAX)
    }

    fn messages(&self, function: u16, bars: &[Option<PhysicalRange>; BARS]) -> Option<Messages> {
        let (_, capability) = self
            .capabilities(function)
            .find(|(kind, _)| *kind == CAPABILITY_MESSAGES)?;
        let count = (self.read(function, capability) >> 16 & 0x7ff) as u16 + 1;
        let table = self.read(function, capability + 4);
        let within = part(bars, table & 7, table & !7, 16 * u32::from(count))?;
        Some(Messages {
            capability,
            table: within,
            count,
        })
    }

    /// Where a virtio device's status is, which resets it.
    fn virtio_reset(&self, function: u16, bars: &[Option<PhysicalRange>; BARS]) -> Option<u64> {
        self.capabilities(function)
            .filter(|(kind, _)| *kind == CAPABILITY_VENDOR)
            .find_map(|(_, at)| {
                if self.read(function, at) >> 24 != VIRTIO_COMMON {
                    return None;
                }
                let bar = self.read(function, at + 4) & 0xff;
                let offset = self.read(function, at + 8);
                let common = part(bars, bar, offset, 56)?;
                Some(common.start + VIRTIO_STATUS)
            })
    }
}

/// A part of a range of registers that a device told of; none if it does not lie in there.
fn part(
    bars: &[Option<PhysicalRange>; BARS],
    bar: u32,
    offset: u32,
    len: u32,
) -> Option<PhysicalRange> {
    let range = (*bars.get(bar as usize)?)?;
    let (offset, len) = (u64::from(offset), u64::from(len));
    (offset + len <= range.len).then_some(PhysicalRange {
        start: range.start + offset,
        len,
    })
}
