//! Reads the device tree that the firmware hands over.
//!
//! [`MachineInfo::from_devicetree`] walks the tree a few times and keeps what the kernel needs.
//! The crate `dtoolkit` checks the blob as a whole and knows its encoding; what the properties
//! mean is written here. A tree that makes no sense somewhere loses that part (a device without
//! registers is none); a tree without which the kernel cannot run is an [`Error`].
//!
//! Sources: "Devicetree Specification v0.4" (DTSpec) and the bindings in Linux'
//! `Documentation/devicetree/bindings`, named where they matter.

mod pci;
mod place;

use dtoolkit::fdt::{Fdt, FdtNode};
use heapless::{String, Vec};

use super::machine_info::{
    ArmTimer, COMPATIBLE_LEN_MAX, CPUS_MAX, Cpu, DEVICE_INTERRUPTS_MAX, DEVICE_RANGES_MAX, Device,
    EnableMethod, Interrupt, InterruptControllerInfo, IommuInfo, MachineInfo,
    MessageControllerInfo, PhysicalRange, PsciMethod, RANDOM_SEED_LEN_MAX,
    REDISTRIBUTOR_RANGES_MAX, RandomSeed, UartInfo, UartKind,
};
use place::{Place, cells, number, property, strings, text};

const PLIC: &[&str] = &["riscv,plic0", "sifive,plic-1.0.0", "thead,c900-plic"];
const APLIC: &[&str] = &["riscv,aplic"];
const IMSIC: &[&str] = &["riscv,imsics"];
const GIC_V2: &[&str] = &["arm,gic-400", "arm,cortex-a15-gic", "arm,cortex-a9-gic"];
const GIC_V3: &[&str] = &["arm,gic-v3"];

/// Bytes of the header that [`blob_len`] wants to see.
pub const HEADER_LEN: usize = 40;
/// The largest tree that is accepted. QEMU's are below 10 KiB, padded to 1 MiB.
pub const BLOB_LEN_MAX: usize = 4 << 20;

/// Why a device tree is of no use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// It is not a device tree, or a damaged one.
    Malformed,
    /// Its nodes lie deeper in each other than any real tree's.
    TooDeep,
    /// It names more reserved memory than the kernel can keep in mind.
    TooManyReserved,
    /// It names no memory.
    NoMemory,
    /// It names no CPU.
    NoCpu,
}

impl Error {
    /// What is wrong, for people.
    pub const fn describe(self) -> &'static str {
        match self {
            Error::Malformed => "the device tree is damaged",
            Error::TooDeep => "the device tree is nested too deep",
            Error::TooManyReserved => "the device tree reserves too many ranges of memory",
            Error::NoMemory => "the device tree names no memory",
            Error::NoCpu => "the device tree names no CPU",
        }
    }
}

/// How long the tree is that begins with `header` ([`HEADER_LEN`] bytes of it are enough).
pub fn blob_len(header: &[u8]) -> Result<usize, Error> {
    // DTSpec 5.2: magic, totalsize.
    let magic = number(header.get(..4).ok_or(Error::Malformed)?);
    let len = number(header.get(4..8).ok_or(Error::Malformed)?);
    let len = usize::try_from(len).map_err(|_| Error::Malformed)?;
    if magic != 0xd00d_feed || !(HEADER_LEN..=BLOB_LEN_MAX).contains(&len) {
        return Err(Error::Malformed);
    }
    Ok(len)
}

impl MachineInfo {
    /// What the tree says. `blob` may be longer than the tree.
    ///
    /// The result is some 20 KiB large. Where the stack is short, use
    /// [`MachineInfo::read_devicetree`].
    pub fn from_devicetree(blob: &[u8]) -> Result<MachineInfo, Error> {
        let mut machine = MachineInfo::new();
        machine.read_devicetree(blob)?;
        Ok(machine)
    }

    /// Fills in what the tree says. `self` should be [`MachineInfo::new`]. After an error no machine can be
    /// run with it; but it holds what could be read all the same, so that there is a console to tell of the error
    /// and a way to switch the machine off.
    pub fn read_devicetree(&mut self, blob: &[u8]) -> Result<(), Error> {
        let blob = blob.get(..blob_len(blob)?).ok_or(Error::Malformed)?;
        let tree = Fdt::new(blob).map_err(|_| Error::Malformed)?;
        let root = Place::root(tree);

        // The first error, after which reading goes on.
        let mut outcome = Ok(());
        for reservation in tree.memory_reservations() {
            outcome = outcome.and(self.reserve(reservation.address(), reservation.size()));
        }
        if let Some(model) = root.text("model") {
            self.model = prefix(model);
        }
        let chosen = tree.find_node("/chosen");
        if let Some(chosen) = &chosen {
            self.read_chosen(tree, chosen);
        }
        let stdout = chosen.and_then(|chosen| stdout_path(tree, &chosen));

        // CPUs first: the interrupt controller's wires lead to them, and those of devices to it.
        let mut reader = Reader {
            machine: self,
            cpu_phandles: Vec::new(),
            files: None,
            has_message_files: false,
            controller: None,
            controller_address_cells: 0,
            stdout,
        };
        outcome = outcome.and(root.visit(&mut |place| reader.read_cpu_or_memory(place)));
        if reader.has_message_files {
            outcome = outcome.and(root.visit(&mut |place| reader.read_message_files(place)));
        }
        outcome = outcome
            .and(root.visit(&mut |place| reader.read_interrupt_controller(place)))
            .and(root.visit(&mut |place| reader.read_device(place)));

        outcome?;
        if self.memory.is_empty() {
            return Err(Error::NoMemory);
        }
        if self.cpus.is_empty() {
            return Err(Error::NoCpu);
        }
        Ok(())
    }

    /// DTSpec 3.6, and the kernel's `chosen.txt` for `linux,initrd-*` and `rng-seed`.
    fn read_chosen<'a>(&mut self, tree: Fdt<'a>, chosen: &FdtNode<'a>) {
        if let Some(arguments) = property(tree, chosen, "bootargs").and_then(text) {
            self.boot_arguments = prefix(arguments);
        }
        let address = |name| property(tree, chosen, name).map(number);
        if let Some((start, end)) = address("linux,initrd-start").zip(address("linux,initrd-end")) {
            self.initrd = end.checked_sub(start).and_then(|len| range(start, len));
        }
        if let Some(seed) = property(tree, chosen, "rng-seed").filter(|seed| !seed.is_empty()) {
            let used = seed.len().min(RANDOM_SEED_LEN_MAX);
            self.random_seed = Some(RandomSeed {
                bytes: Vec::from_slice(&seed[..used]).unwrap_or_default(),
                // The property's value is a part of the tree.
                offset: seed.as_ptr().addr() - tree.data().as_ptr().addr(),
                len: seed.len(),
            });
        }
    }

    fn reserve(&mut self, start: u64, len: u64) -> Result<(), Error> {
        match range(start, len) {
            // To lose one would mean to hand out memory that is in use.
            Some(range) => self
                .reserved
                .push(range)
                .map_err(|_| Error::TooManyReserved),
            None => Ok(()),
        }
    }
}

/// What the walks over the tree hand on to each other.
struct Reader<'a, 'm> {
    machine: &'m mut MachineInfo,
    /// For each CPU, by index, the phandle of its own interrupt controller (RISC-V).
    cpu_phandles: Vec<Option<u32>, CPUS_MAX>,
    /// The files that take messages for supervisor mode (RISC-V), and their phandle.
    files: Option<(Option<u32>, MessageFiles)>,
    /// Whether any machine's files were seen: most have none, and need no walk for them.
    has_message_files: bool,
    /// Phandle of the devices' interrupt controller.
    controller: Option<u32>,
    /// How many cells an address has that is given to it, in maps of interrupts.
    controller_address_cells: usize,
    /// Path of the serial line to report on.
    stdout: Option<&'a str>,
}

/// Files of messages (binding `riscv,imsics`).
struct MessageFiles {
    registers: PhysicalRange,
    file_len: u64,
    identities: u32,
    places: Vec<Option<u32>, CPUS_MAX>,
}

impl<'a> Reader<'a, '_> {
    fn read_cpu_or_memory(&mut self, place: &Place<'a, '_>) -> Result<(), Error> {
        self.has_message_files |= place.is_compatible(IMSIC);
        match place.text("device_type") {
            Some("cpu") => self.read_cpu(place),
            // DTSpec 3.4. One range too many is memory that stays unused.
            Some("memory") => {
                for range in place.registers() {
                    self.machine.dropped += usize::from(self.machine.memory.push(range).is_err());
                }
            }
            _ if place.base_name() == "cpus" => {
                self.machine.timebase_frequency = place.number("timebase-frequency");
            }
            // DTSpec 3.5.
            _ if place.parent_base_name() == "reserved-memory" => {
                for range in place.registers() {
                    self.machine.reserve(range.start, range.len)?;
                }
            }
            // A CPU's own interrupt controller is a node inside the CPU's.
            _ if place.is_compatible(&["riscv,cpu-intc"]) && place.parent_base_name() == "cpu" => {
                if let Some(last) = self.cpu_phandles.last_mut() {
                    *last = place.phandle();
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// DTSpec 3.8, and the bindings `arm/cpus.yaml` and `riscv/cpus.yaml`.
    fn read_cpu(&mut self, place: &Place<'a, '_>) {
        let Some(id) = place.first_address() else {
            return;
        };
        let enable_method = match place.text("enable-method") {
            None => EnableMethod::Firmware,
            Some("psci") => EnableMethod::Psci,
            Some(_) => EnableMethod::Unknown,
        };
        let extensions = place.property("riscv,isa-extensions").unwrap_or_default();
        let isa = place.text("riscv,isa").unwrap_or_default();
        let has_sstc = strings(extensions).any(|name| name == b"sstc")
            || isa.split('_').any(|name| name == "sstc");
        if self
            .machine
            .cpus
            .push(Cpu {
                id,
                enable_method,
                has_sstc,
            })
            .is_ok()
        {
            // As long as `cpus`, so there is room.
            let _ = self.cpu_phandles.push(None);
        } else {
            self.machine.dropped += 1;
        }
        if let Some(frequency) = place.number("timebase-frequency") {
            self.machine.timebase_frequency.get_or_insert(frequency);
        }
    }

    /// Those whose wires lead to CPUs as "supervisor external". Only the first range counts: more of them are for
    /// machines of several sockets.
    fn read_message_files(&mut self, place: &Place<'a, '_>) -> Result<(), Error> {
        if !place.is_compatible(IMSIC) || self.files.is_some() {
            return Ok(());
        }
        let places = self.supervisor_wires(place);
        if let Some(registers) = place.registers().next()
            && places.iter().any(Option::is_some)
        {
            // Each file for supervisor mode is followed by those for guests.
            let guests = place.number("riscv,guest-index-bits").unwrap_or(0).min(7);
            let files = MessageFiles {
                registers,
                file_len: 4096 << guests,
                identities: place.number("riscv,num-ids").unwrap_or(0).min(2047) as u32,
                places,
            };
            self.files = Some((place.phandle(), files));
        }
        Ok(())
    }

    /// The controller that makes messages of wires, if they go to those files and not to machine mode.
    fn aplic(&mut self, place: &Place<'a, '_>) -> Option<InterruptControllerInfo> {
        let wires = place.registers().next()?;
        let parent = place.number("msi-parent").map(|phandle| phandle as u32);
        let (_, files) = self.files.take_if(|(phandle, _)| *phandle == parent)?;
        Some(InterruptControllerInfo::Aia {
            wires,
            source_max: place.number("riscv,num-sources").unwrap_or(0).min(1023) as u32,
            files: files.registers,
            file_len: files.file_len,
            identities: files.identities,
            places: files.places,
        })
    }

    fn read_interrupt_controller(&mut self, place: &Place<'a, '_>) -> Result<(), Error> {
        if self.machine.interrupt_controller.is_some()
            || place.property("interrupt-controller").is_none()
        {
            return Ok(());
        }
        let mut registers = place.registers();
        let info = if place.is_compatible(PLIC) {
            registers
                .next()
                .map(|registers| InterruptControllerInfo::Plic {
                    registers,
                    source_max: place.number("riscv,ndev").unwrap_or(0).min(1023) as u32,
                    contexts: self.supervisor_wires(place),
                })
        } else if place.is_compatible(APLIC) {
            self.aplic(place)
        } else if place.is_compatible(GIC_V2) {
            registers
                .next()
                .zip(registers.next())
                .map(
                    |(distributor, cpu_interface)| InterruptControllerInfo::GicV2 {
                        distributor,
                        cpu_interface,
                    },
                )
        } else if place.is_compatible(GIC_V3) {
            let count = place.number("#redistributor-regions").unwrap_or(1);
            let count = usize::try_from(count)
                .unwrap_or(1)
                .min(REDISTRIBUTOR_RANGES_MAX);
            registers
                .next()
                .map(|distributor| InterruptControllerInfo::GicV3 {
                    distributor,
                    redistributors: registers.take(count).collect(),
                    stride: place.number("redistributor-stride"),
                })
        } else {
            None
        };
        if info.is_some() {
            self.controller = place.phandle();
            self.controller_address_cells =
                place.number("#address-cells").unwrap_or(0).min(4) as usize;
            self.machine.interrupt_controller = info;
        }
        Ok(())
    }

    /// The position of a wire in `interrupts-extended` is the number of its context, or the place of its file; the wire
    /// that a CPU takes as "supervisor external" is the one for us (bindings `sifive,plic-1.0.0`, `riscv,imsics`).
    fn supervisor_wires(&self, place: &Place<'a, '_>) -> Vec<Option<u32>, CPUS_MAX> {
        // Privileged Architecture, "Machine Cause (mcause)": supervisor external interrupt.
        const SUPERVISOR_EXTERNAL: u32 = 9;
        let wires = place.property("interrupts-extended").unwrap_or_default();
        let context = |phandle: &Option<u32>| {
            let wanted = [(*phandle)?, SUPERVISOR_EXTERNAL];
            let (wires, _) = wires.as_chunks::<8>();
            let at = wires.iter().position(|wire| cells(wire).eq(wanted))?;
            u32::try_from(at).ok()
        };
        self.cpu_phandles.iter().map(context).collect()
    }

    fn read_device(&mut self, place: &Place<'a, '_>) -> Result<(), Error> {
        if place.is_compatible(&["arm,psci-1.0", "arm,psci-0.2", "arm,psci"]) {
            self.machine.psci = match place.text("method") {
                Some("hvc") => Some(PsciMethod::Hvc),
                Some("smc") => Some(PsciMethod::Smc),
                _ => None,
            };
        } else if place.is_compatible(&["arm,armv8-timer"]) {
            // Binding `arm,arch_timer`: secure, physical, virtual, and those of EL2.
            let list: Vec<Interrupt, 4> = self.interrupts(place).take(4).collect();
            if let [_, physical, virtual_, ..] = list[..] {
                self.machine.arm_timer = Some(ArmTimer { physical, virtual_ });
            }
        }
        let is_something_else = place
            .property("device_type")
            .is_some_and(|kind| kind == b"cpu\0" || kind == b"memory\0")
            || place.property("interrupt-controller").is_some()
                && place.phandle() == self.controller
            || place.is_compatible(APLIC)
            || place.is_compatible(IMSIC)
            || place.parent_base_name() == "reserved-memory";
        let registers: Vec<PhysicalRange, DEVICE_RANGES_MAX> =
            place.registers().take(DEVICE_RANGES_MAX).collect();
        let Some(&first) = registers.first().filter(|_| !is_something_else) else {
            return Ok(());
        };
        // What the kernel keeps for itself, since whoever has it decides what other devices reach.
        if place.is_compatible(&["pci-host-ecam-generic"]) {
            let host = self.pci_host(place, first);
            self.machine.pci_host.get_or_insert(host);
            return Ok(());
        }
        if place.is_compatible(&["arm,smmu-v3"]) {
            // The first interrupt is that of the queue of events.
            if let (Some(interrupt), Some(phandle)) =
                (self.interrupts(place).next(), place.phandle())
            {
                self.machine.iommu.get_or_insert(IommuInfo {
                    registers: first,
                    interrupt,
                    phandle,
                });
            }
            return Ok(());
        }
        let messages = if place.is_compatible(&["arm,gic-v2m-frame"]) {
            Some(MessageControllerInfo::GicV2m(first))
        } else if place.is_compatible(&["arm,gic-v3-its"]) {
            Some(MessageControllerInfo::Its(first))
        } else {
            None
        };
        if let Some(messages) = messages {
            self.machine.message_controller.get_or_insert(messages);
            return Ok(());
        }
        let interrupts: Vec<Interrupt, DEVICE_INTERRUPTS_MAX> =
            self.interrupts(place).take(DEVICE_INTERRUPTS_MAX).collect();

        // The console is what `stdout-path` names, or else the first there is. A driver may have it, too,
        // if its registers are where drivers look for them.
        let mut is_console = false;
        if let Some(kind) = uart_kind(place)
            && match self.stdout {
                Some(path) => place.has_path(path),
                None => self.machine.console.is_none(),
            }
        {
            let interrupt = interrupts.first().copied();
            self.machine.console = Some(UartInfo {
                kind,
                registers: first,
                interrupt,
            });
            let plain = UartKind::Ns16550 {
                register_shift: 0,
                register_width: 1,
            };
            if kind != plain && kind != UartKind::Pl011 {
                return Ok(());
            }
            is_console = true;
        }

        let mut compatible = Vec::new();
        for name in strings(place.property("compatible").unwrap_or_default()) {
            // Whole names only; the list goes from specific to general, and the rest is lost.
            if compatible.len() + name.len() + 1 > COMPATIBLE_LEN_MAX {
                break;
            }
            let _ = compatible.extend_from_slice(name);
            let _ = compatible.push(0);
        }
        if !compatible.is_empty() {
            let device = Device {
                compatible,
                registers,
                interrupts,
                is_console,
            };
            self.machine.dropped += usize::from(self.machine.devices.push(device).is_err());
        }
        Ok(())
    }

    /// A device's interrupts, as far as they go to the devices' interrupt controller.
    fn interrupts(&self, place: &Place<'a, '_>) -> impl Iterator<Item = Interrupt> + use<'a> {
        let form = self.interrupt_form();
        let controller = self.controller;
        // Each entry of `interrupts-extended` begins with the controller it is for.
        let (value, prefix) = match place.property("interrupts-extended") {
            Some(value) => (value, 1),
            None if place.interrupt_parent() == controller => {
                (place.property("interrupts").unwrap_or_default(), 0)
            }
            None => (Default::default(), 0),
        };
        value
            .chunks_exact(4 * (prefix + form.cells()))
            .map(move |entry| entry.split_at(4 * prefix))
            // An entry for another controller may be of another length: nothing after it is clear.
            .take_while(move |(phandle, _)| {
                controller.is_some() && (phandle.is_empty() || cells(phandle).next() == controller)
            })
            .filter_map(move |(_, entry)| form.decode(entry))
    }

    /// How the devices' interrupt controller has interrupts told.
    fn interrupt_form(&self) -> InterruptForm {
        match self.machine.interrupt_controller {
            None | Some(InterruptControllerInfo::Plic { .. }) => InterruptForm::Plic,
            Some(InterruptControllerInfo::Aia { .. }) => InterruptForm::Aplic,
            Some(InterruptControllerInfo::GicV2 { .. } | InterruptControllerInfo::GicV3 { .. }) => {
                InterruptForm::Gic
            }
        }
    }
}

/// How an interrupt is told.
#[derive(Clone, Copy)]
enum InterruptForm {
    Plic,
    Aplic,
    Gic,
}

impl InterruptForm {
    /// How many cells it takes.
    fn cells(self) -> usize {
        match self {
            InterruptForm::Plic => 1,
            InterruptForm::Aplic => 2,
            InterruptForm::Gic => 3,
        }
    }

    fn decode(self, entry: &[u8]) -> Option<Interrupt> {
        match self {
            InterruptForm::Plic => plic_interrupt(entry),
            InterruptForm::Aplic => aplic_interrupt(entry),
            InterruptForm::Gic => gic_interrupt(entry),
        }
    }
}

/// Binding `sifive,plic-1.0.0`: the source's number.
fn plic_interrupt(entry: &[u8]) -> Option<Interrupt> {
    let number = cells(entry).next()?;
    (1..1024).contains(&number).then_some(Interrupt {
        number,
        edge: false,
    })
}

/// Binding `riscv,aplic`: the source's number, and its trigger.
fn aplic_interrupt(entry: &[u8]) -> Option<Interrupt> {
    let edge = matches!(cells(entry).nth(1)? & 0xf, 1 | 2);
    plic_interrupt(entry).map(|interrupt| Interrupt { edge, ..interrupt })
}

/// Binding `arm,gic-v3`: shared or private, number among those, trigger in the low 4 bits.
fn gic_interrupt(entry: &[u8]) -> Option<Interrupt> {
    let mut cells = cells(entry);
    let (kind, number, flags) = (cells.next()?, cells.next()?, cells.next()?);
    // Interrupt types: `include/dt-bindings/interrupt-controller/irq.h`; 1 and 2 are edges.
    let edge = matches!(flags & 0xf, 1 | 2);
    let number = match kind {
        0 if number < 1020 - 32 => number + 32,
        1 if number < 16 => number + 16,
        _ => return None,
    };
    Some(Interrupt { number, edge })
}

fn uart_kind(place: &Place<'_, '_>) -> Option<UartKind> {
    if place.is_compatible(&["arm,pl011"]) {
        return Some(UartKind::Pl011);
    }
    if !place.is_compatible(&["ns16550a", "ns16550", "snps,dw-apb-uart"]) {
        return None;
    }
    // Binding `serial/8250.yaml`.
    let register_shift = place
        .number("reg-shift")
        .filter(|&shift| shift <= 3)
        .unwrap_or(0) as u8;
    let register_width = place
        .number("reg-io-width")
        .filter(|&width| width == 4)
        .unwrap_or(1) as u8;
    Some(UartKind::Ns16550 {
        register_shift,
        register_width,
    })
}

/// The path in `stdout-path`, which may be an alias and may be followed by settings.
fn stdout_path<'a>(tree: Fdt<'a>, chosen: &FdtNode<'a>) -> Option<&'a str> {
    let value = text(property(tree, chosen, "stdout-path")?)?;
    let path = value.split(':').next().unwrap_or(value);
    if path.starts_with('/') {
        return Some(path);
    }
    text(property(tree, &tree.find_node("/aliases")?, path)?)
}

/// A range that is one: not empty, and within 64 bits.
fn range(start: u64, len: u64) -> Option<PhysicalRange> {
    (len > 0 && start.checked_add(len).is_some()).then_some(PhysicalRange { start, len })
}

/// As much of `text` as there is room for.
fn prefix<const N: usize>(text: &str) -> String<N> {
    let mut copy = String::new();
    for character in text.chars() {
        if copy.push(character).is_err() {
            break;
        }
    }
    copy
}

#[cfg(test)]
mod tests;
