//! What the machine consists of, as far as anyone in the kernel asks.
//!
//! [`MachineInfo`] is filled once at boot ([`super::devicetree`]) and only read after that. All
//! lists are bounded, since there is no allocator (rule 6).

use heapless::{String, Vec};

/// The most CPUs that are taken notice of.
pub const CPUS_MAX: usize = 64;
/// The most ranges of usable memory.
pub const MEMORY_RANGES_MAX: usize = 16;
/// The most ranges of memory that are not to be touched.
pub const RESERVED_RANGES_MAX: usize = 32;
/// The most devices that drivers can be given.
pub const DEVICES_MAX: usize = 64;
/// The most ranges of registers of one device.
pub const DEVICE_RANGES_MAX: usize = 4;
/// The most interrupts of one device.
pub const DEVICE_INTERRUPTS_MAX: usize = 4;
/// The most bytes of a device's `compatible` list (as in `abi::DeviceInfo`).
pub const COMPATIBLE_LEN_MAX: usize = 128;
/// The most bytes of boot arguments.
pub const BOOT_ARGUMENTS_LEN_MAX: usize = 512;
/// The most bytes of the random seed that are used.
pub const RANDOM_SEED_LEN_MAX: usize = 64;
/// The most windows of addresses that a PCI host bridge passes on.
pub const PCI_WINDOWS_MAX: usize = 4;
/// The most entries of a PCI host bridge's map of interrupts.
pub const PCI_INTERRUPTS_MAX: usize = 64;
/// The most register ranges for a GICv3's redistributors.
pub const REDISTRIBUTOR_RANGES_MAX: usize = 4;

/// A range of physical addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhysicalRange {
    /// Its first address.
    pub start: u64,
    /// Its bytes; `start + len` does not overflow.
    pub len: u64,
}

impl PhysicalRange {
    /// The address after its last.
    pub const fn end(self) -> u64 {
        self.start + self.len
    }
}

/// The machine.
#[derive(Clone, Debug)]
pub struct MachineInfo {
    /// The firmware's name of the machine, for the boot log.
    pub model: String<64>,
    /// Usable memory, including what is in `reserved`.
    pub memory: Vec<PhysicalRange, MEMORY_RANGES_MAX>,
    /// Memory that firmware or devices keep for themselves. The kernel, the device tree and the
    /// boot archive are not listed.
    pub reserved: Vec<PhysicalRange, RESERVED_RANGES_MAX>,
    /// The CPUs. A CPU's number anywhere in the kernel is its index here.
    pub cpus: Vec<Cpu, CPUS_MAX>,
    /// Ticks a second of RISC-V's `time` counter. Arm's tells its frequency itself.
    pub timebase_frequency: Option<u64>,
    /// What was given with `-append`.
    pub boot_arguments: String<BOOT_ARGUMENTS_LEN_MAX>,
    /// Where the boot archive lies.
    pub initrd: Option<PhysicalRange>,
    /// Random bytes from the firmware.
    pub random_seed: Option<RandomSeed>,
    /// The serial line to report on.
    pub console: Option<UartInfo>,
    /// The interrupt controller of devices.
    pub interrupt_controller: Option<InterruptControllerInfo>,
    /// How Arm firmware is called.
    pub psci: Option<PsciMethod>,
    /// Arm's timer interrupts.
    pub arm_timer: Option<ArmTimer>,
    /// The host bridge of PCI Express.
    pub pci_host: Option<PciHostInfo>,
    /// What was found behind it ([`super::pci::scan`]).
    pub pci_functions: Vec<super::pci::Function, { super::pci::FUNCTIONS_MAX }>,
    /// What checks which memory the functions behind the PCI host bridge reach.
    pub iommu: Option<IommuInfo>,
    /// Who makes interrupts of messages.
    pub message_controller: Option<MessageControllerInfo>,
    /// All else that has registers, in the order of the device tree.
    pub devices: Vec<Device, DEVICES_MAX>,
    /// How many devices and CPUs found no room in the lists.
    pub dropped: usize,
}

/// One CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Its hardware number: hart id or MPIDR.
    pub id: u64,
    /// How it is started.
    pub enable_method: EnableMethod,
    /// RISC-V: it has the `Sstc` extension, a timer that needs no firmware.
    pub has_sstc: bool,
}

/// How a CPU is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnableMethod {
    /// Nothing is said: RISC-V, by way of SBI's hart state management.
    Firmware,
    /// Arm's PSCI.
    Psci,
    /// Some way that we do not know.
    Unknown,
}

/// How PSCI is called (Arm DEN0022, "Conduits").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PsciMethod {
    /// `hvc #0`.
    Hvc,
    /// `smc #0`.
    Smc,
}

/// Random bytes from the firmware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RandomSeed {
    /// The bytes.
    pub bytes: Vec<u8, RANDOM_SEED_LEN_MAX>,
    /// Where they lie in the device tree, so that they can be erased there (rule 25).
    pub offset: usize,
    /// How many lie there; `bytes` may be fewer.
    pub len: usize,
}

/// A serial line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UartInfo {
    /// What it is.
    pub kind: UartKind,
    /// Where its registers are.
    pub registers: PhysicalRange,
    /// Its interrupt, if it has one.
    pub interrupt: Option<Interrupt>,
}

/// The serial lines that we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UartKind {
    /// The one of the PC and of most RISC-V machines.
    Ns16550 {
        /// Registers are `1 << register_shift` bytes apart.
        register_shift: u8,
        /// Bytes of one access: 1 or 4.
        register_width: u8,
    },
    /// Arm's PrimeCell PL011.
    Pl011,
}

/// An interrupt of a device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interrupt {
    /// Its number at the interrupt controller: PLIC source, or GIC INTID.
    pub number: u32,
    /// It is signalled by an edge, not by a level.
    pub edge: bool,
}

/// Interrupts of Arm's generic timer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArmTimer {
    /// The physical timer of EL1.
    pub physical: Interrupt,
    /// The virtual timer.
    pub virtual_: Interrupt,
}

/// The interrupt controller that devices are wired to.
#[derive(Clone, Debug, PartialEq, Eq)]
// There is one, in one place, and no allocator to box it with.
#[allow(clippy::large_enum_variant)]
pub enum InterruptControllerInfo {
    /// RISC-V's platform-level interrupt controller.
    Plic {
        /// Its registers.
        registers: PhysicalRange,
        /// Its highest source number.
        source_max: u32,
        /// For each CPU, by index, its context for supervisor mode, if it has one.
        contexts: Vec<Option<u32>, CPUS_MAX>,
    },
    /// RISC-V's advanced interrupts: an APLIC, which makes messages of wires, and for each CPU a file of messages
    /// (IMSIC).
    Aia {
        /// Registers of the APLIC.
        wires: PhysicalRange,
        /// Its highest source number.
        source_max: u32,
        /// The files' pages, in the order of their places.
        files: PhysicalRange,
        /// Bytes from one file to the next.
        file_len: u64,
        /// The highest identity of a file.
        identities: u32,
        /// For each CPU, by index, the place of its file for supervisor mode, if it has one.
        places: Vec<Option<u32>, CPUS_MAX>,
    },
    /// Arm's generic interrupt controller, version 2.
    GicV2 {
        /// Registers of the distributor.
        distributor: PhysicalRange,
        /// Registers of the CPU interface; each CPU sees its own there.
        cpu_interface: PhysicalRange,
    },
    /// Arm's generic interrupt controller, version 3 or 4.
    GicV3 {
        /// Registers of the distributor.
        distributor: PhysicalRange,
        /// Registers of all CPUs' redistributors, one after the other.
        redistributors: Vec<PhysicalRange, REDISTRIBUTOR_RANGES_MAX>,
        /// Bytes from one redistributor to the next, if not as its type register says.
        stride: Option<u64>,
    },
}

/// Who makes interrupts of the messages that devices send (MSI): writes to an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageControllerInfo {
    /// The frame beside a GICv2 that makes shared interrupts of them.
    GicV2m(PhysicalRange),
    /// The interrupt translation service of a GICv3.
    Its(PhysicalRange),
}

/// An SMMUv3 (binding `arm,smmu-v3`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IommuInfo {
    /// Its registers.
    pub registers: PhysicalRange,
    /// The interrupt that tells of what was refused.
    pub interrupt: Interrupt,
    /// Its phandle, by which the host bridge names it.
    pub phandle: u32,
}

/// A host bridge of PCI Express (binding `pci-host-ecam-generic`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PciHostInfo {
    /// Where the configuration space lies: 4 KiB for each function, from the first bus on.
    pub configuration: PhysicalRange,
    /// The number of the bus at the bridge.
    pub first_bus: u8,
    /// Addresses that reach registers of devices.
    pub windows: Vec<PciWindow, PCI_WINDOWS_MAX>,
    /// The phandle of the IOMMU that knows each function by its address.
    pub iommu: Option<u32>,
    /// Which bits of a device's number count in `interrupts`.
    pub slot_mask: u8,
    /// Where the wires INTA to INTD of each slot end.
    pub interrupts: Vec<PciInterrupt, PCI_INTERRUPTS_MAX>,
}

/// Addresses that a PCI host bridge passes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PciWindow {
    /// As the CPU has them.
    pub cpu: PhysicalRange,
    /// The first of them as the devices have it.
    pub bus: u64,
}

/// Where a wire of a slot ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PciInterrupt {
    /// The device's number, as far as [`PciHostInfo::slot_mask`] goes.
    pub slot: u8,
    /// 1 is INTA, 4 is INTD.
    pub pin: u8,
    /// At the interrupt controller.
    pub interrupt: Interrupt,
}

/// A device for a driver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its `compatible` strings, most specific first, each ended by a zero byte.
    pub compatible: Vec<u8, COMPATIBLE_LEN_MAX>,
    /// Its registers; at least one range.
    pub registers: Vec<PhysicalRange, DEVICE_RANGES_MAX>,
    /// Its interrupts.
    pub interrupts: Vec<Interrupt, DEVICE_INTERRUPTS_MAX>,
    /// It is the serial line that the kernel reports on.
    pub is_console: bool,
}

impl Device {
    /// Its `compatible` strings, most specific first.
    pub fn compatible(&self) -> impl Iterator<Item = &[u8]> {
        self.compatible
            .split(|&byte| byte == 0)
            .filter(|name| !name.is_empty())
    }

    /// Is this one of its `compatible` strings?
    pub fn is_compatible(&self, name: &str) -> bool {
        self.compatible().any(|found| found == name.as_bytes())
    }
}

impl MachineInfo {
    /// Nothing known yet.
    pub const fn new() -> MachineInfo {
        MachineInfo {
            model: String::new(),
            memory: Vec::new(),
            reserved: Vec::new(),
            cpus: Vec::new(),
            timebase_frequency: None,
            boot_arguments: String::new(),
            initrd: None,
            random_seed: None,
            console: None,
            interrupt_controller: None,
            psci: None,
            arm_timer: None,
            pci_host: None,
            pci_functions: Vec::new(),
            iommu: None,
            message_controller: None,
            devices: Vec::new(),
            dropped: 0,
        }
    }
}

impl MachineInfo {
    /// Finds what is behind the PCI host bridge, whose configuration space is mapped at `base`, and gives it
    /// addresses below `reach`.
    ///
    /// # Safety
    /// As for [`super::pci::Ecam::new`].
    pub unsafe fn scan_pci(&mut self, base: usize, reach: u64) {
        if let Some(host) = &self.pci_host {
            // SAFETY: the caller's promise.
            let configuration = unsafe { super::pci::Ecam::new(host, base) };
            let (functions, dropped) = super::pci::scan(host, &configuration, reach);
            self.pci_functions = functions;
            self.dropped += dropped;
        }
    }

    /// Registers of PCI functions.
    pub fn pci_registers(&self) -> impl Iterator<Item = PhysicalRange> + '_ {
        self.pci_functions.iter().flat_map(|function| {
            let bars = function.bars.iter().copied().flatten();
            bars.chain([function.configuration])
        })
    }
}

impl Default for MachineInfo {
    fn default() -> MachineInfo {
        MachineInfo::new()
    }
}
