//! The part of booting that is the same on all machines: which memory is free, and init.

use abi::{Handle, Isolation, Name, ProcessParams, Rights};

use crate::arch::Permission;
use crate::kernel::Kernel;
use crate::log::{self, Level};
use crate::memory::{FRAME_LEN, PhysAddr};
use crate::object::{Device, Object};
use crate::platform::machine_info::{MachineInfo, PhysicalRange};
use crate::process::{InitExtras, OptionalHandle};

/// What the architecture found out.
pub struct BootInfo<'a> {
    /// The machine.
    pub machine: &'a MachineInfo,
    /// Where the boot archive lies. The kernel's map of all memory shows it read-only.
    pub archive: Option<(PhysAddr, usize)>,
    /// CPUs that take part.
    pub cpus: usize,
    /// Whether there is a random seed.
    pub seeded: bool,
    /// Where the log is kept over a reset.
    pub log_region: Option<PhysAddr>,
}

/// Free parts of a range of memory while booting.
pub struct FreeRanges {
    ranges: heapless::Vec<PhysicalRange, 64>,
}

impl FreeRanges {
    /// All of it free.
    pub fn new(all: PhysicalRange) -> FreeRanges {
        let mut ranges = heapless::Vec::new();
        let _ = ranges.push(all);
        FreeRanges { ranges }
    }

    /// Takes a range out, rounded outwards to whole frames.
    pub fn take(&mut self, taken: PhysicalRange) {
        let frame = abi::PAGE_SIZE as u64;
        let (start, end) = (
            taken.start & !(frame - 1),
            taken.end().next_multiple_of(frame),
        );
        let mut rest = heapless::Vec::new();
        for range in &self.ranges {
            for (from, to) in [
                (range.start, range.end().min(start)),
                (range.start.max(end), range.end()),
            ] {
                if from < to {
                    // More pieces than room: the last ones are not used, which is safe.
                    let _ = rest.push(PhysicalRange {
                        start: from,
                        len: to - from,
                    });
                }
            }
        }
        self.ranges = rest;
    }

    /// Takes `len` bytes anywhere.
    pub fn carve(&mut self, len: usize) -> Option<PhysAddr> {
        let found = *self.ranges.iter().find(|range| range.len >= len as u64)?;
        self.take(PhysicalRange {
            start: found.start,
            len: len as u64,
        });
        Some(PhysAddr(found.start))
    }

    /// Takes the region in which the log is kept: the last bytes of `memory`, so that it is the same in
    /// each life of the machine. None if somebody has it.
    pub fn take_log_region(&mut self, memory: PhysicalRange) -> Option<PhysAddr> {
        let len = log::kept::REGION_LEN as u64;
        let frame = abi::PAGE_SIZE as u64;
        let start = (memory.end() & !(frame - 1)).checked_sub(len)?;
        let region = PhysicalRange { start, len };
        let is_free = |range: &PhysicalRange| range.start <= start && region.end() <= range.end();
        self.ranges.iter().any(is_free).then(|| {
            self.take(region);
            PhysAddr(start)
        })
    }

    /// What is free.
    pub fn iter(&self) -> impl Iterator<Item = &PhysicalRange> {
        self.ranges.iter()
    }
}

/// How the kernel's map of all memory shows the boot archive, whose pages components see as code: read-only (rule 13).
/// Blocks of 2 MiB that have only a part of it are mapped page by page. `map` gets a page or a block (then true), and
/// leaves alone what is mapped already.
pub fn map_archive(archive: PhysicalRange, mut map: impl FnMut(PhysAddr, bool, Permission)) {
    let (frame, block) = (FRAME_LEN as u64, 2 << 20);
    let start = archive.start & !(frame - 1);
    let end = archive.end().next_multiple_of(frame);
    for at in (start & !(block - 1)..end).step_by(block as usize) {
        if start <= at && at + block <= end {
            map(PhysAddr(at), true, Permission::Read);
            continue;
        }
        for page in (at..at + block).step_by(FRAME_LEN) {
            let permission = match (start..end).contains(&page) {
                true => Permission::Read,
                false => Permission::ReadWrite,
            };
            map(PhysAddr(page), false, permission);
        }
    }
}

/// A value from the boot arguments: `key=value`.
pub fn argument<'a>(info: &'a MachineInfo, key: &str) -> Option<&'a str> {
    info.boot_arguments
        .split_ascii_whitespace()
        .find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
}

/// The random seed: `ftl.seed` from the boot arguments if it is there, so that a run repeats;
/// otherwise the firmware's, which is erased from the device tree (rule 25).
pub fn take_seed(info: &MachineInfo, tree: &mut [u8]) -> Option<[u8; 32]> {
    let mut seed = [0; 32];
    let found = info.random_seed.as_ref().map(|random| {
        for (to, from) in seed.iter_mut().zip(&random.bytes) {
            *to = *from;
        }
        if let Some(bytes) = tree.get_mut(random.offset..random.offset + random.len) {
            bytes.fill(0);
        }
    });
    if let Some(number) = argument(info, "ftl.seed").and_then(|text| text.parse::<u64>().ok()) {
        seed = [0; 32];
        seed[..8].copy_from_slice(&number.to_le_bytes());
        // Also when the number is 0, the seed is not all zeros.
        seed[8] = 1;
        return Some(seed);
    }
    found.map(|()| seed)
}

/// Says what there is, and starts init. What fails here ends the system with a reason.
pub fn start(kernel: &mut Kernel, info: &BootInfo<'_>) {
    let mib = (kernel.memory.frames.total() * abi::PAGE_SIZE) >> 20;
    let cpus = info.cpus;
    let plural = if cpus == 1 { "" } else { "s" };
    let reset_on_panic = argument(info.machine, "ftl.panic") == Some("reset");
    let before = info
        .log_region
        .and_then(|region| kernel.keep_log(region, reset_on_panic));
    if argument(info.machine, "ftl.log") == Some("debug") {
        kernel.log.level = Level::Debug;
    }
    if argument(info.machine, "ftl.check") == Some("tables") {
        kernel.walks = Some(Default::default());
    }
    kernel.panics_at_crash = argument(info.machine, "ftl.crash") == Some("panic");
    let version = env!("CARGO_PKG_VERSION");
    let arch = crate::arch::NAME;
    kernel.log_line(
        Level::Info,
        "kernel",
        format_args!("FTL {version} · {arch} · {cpus} CPU{plural} · {mib} MiB free"),
    );
    if let Some(before) = before {
        kernel.repeat_log(&before);
    }
    if !info.seeded {
        kernel.log_line(
            Level::Warn,
            "kernel",
            format_args!(
                "the machine gave no random seed: addresses can be guessed, keys cannot be made"
            ),
        );
    }
    for device in &info.machine.devices {
        add_device(kernel, device);
    }
    for function in &info.machine.pci_functions {
        kernel.add_pci_function(function);
    }
    if let Err(error) = start_init(kernel, info) {
        panic!("init cannot be started: {error}");
    }
}

fn add_device(kernel: &mut Kernel, found: &crate::platform::machine_info::Device) {
    let mut info = abi::DeviceInfo {
        compatible: [0; abi::DEVICE_COMPATIBLE_LEN],
        compatible_len: found.compatible.len() as u32,
        mmio_count: found.registers.len() as u32,
        interrupt_count: found.interrupts.len() as u32,
        virtio_id: 0,
        unit_address: found.registers.first().map_or(0, |range| range.start),
    };
    info.compatible[..found.compatible.len()].copy_from_slice(&found.compatible);
    let mut device = Device::new(info);
    device.is_console = found.is_console;
    for (slot, range) in device.ranges.iter_mut().zip(&found.registers) {
        *slot = (PhysAddr(range.start), range.len as usize);
    }
    for (slot, line) in device.interrupts.iter_mut().zip(&found.interrupts) {
        *slot = line.number;
    }
    kernel.insert_device(device);
}

fn start_init(kernel: &mut Kernel, info: &BootInfo<'_>) -> Result<(), &'static str> {
    let (base, len) = info
        .archive
        .ok_or("there is no boot archive (QEMU's -initrd)")?;
    // SAFETY: the archive's memory is reserved and nobody writes it, now or later.
    let bytes = unsafe { core::slice::from_raw_parts(kernel.memory.machine.memory(base), len) };
    kernel.archive = base.0..base.offset(len).0;
    let archive = archive::Archive::new(bytes).map_err(|_| "the boot archive is damaged")?;
    let image = archive
        .find("init")
        .ok_or("the boot archive has no `init`")?;
    let offset = image.as_ptr() as usize - bytes.as_ptr() as usize;
    let isolation = match argument(info.machine, "ftl.init") {
        Some("user") => Isolation::User,
        _ => Isolation::Kernel,
    };
    let params = ProcessParams {
        name: Name::new("init"),
        isolation: isolation as u32,
        priority: 0,
        memory_pages_max: u32::MAX,
        handles_max: crate::object::HandleTable::LIMIT as u32,
        threads_max: 64,
        heap_len: 256 << 10,
        stack_len: 64 << 10,
        cpu_share_percent: 100,
        messages_max: u32::MAX,
    };
    let refused = |_| "there is not enough memory for it";
    let init = kernel.process_create(&params).map_err(refused)?;
    kernel.init = Some(init);
    loop {
        match kernel.load_step(init, base.offset(offset), image.len()) {
            Ok(true) => break,
            Ok(false) => {}
            Err(abi::Error::BadImage) => return Err("its image is not valid for this machine"),
            Err(_) => return Err("there is not enough memory for its image"),
        }
    }
    let first = kernel.prepare_start(init).map_err(refused)?;
    let system = kernel
        .add_handle(init, Object::System, Rights::ALL)
        .map_err(refused)?;
    let folio = kernel.new_fixed_folio(base, len, None).map_err(refused)?;
    let rights = Rights::READ
        .union(Rights::EXECUTE)
        .union(Rights::DUPLICATE)
        .union(Rights::TRANSFER);
    let folio = kernel
        .add_handle(init, Object::Folio(folio), rights)
        .map_err(refused)?;
    let extras = InitExtras {
        system: OptionalHandle(system),
        archive: OptionalHandle(folio),
        archive_len: len as u32,
    };
    kernel.process_start(init, first, Handle::NONE, extras, 0);
    Ok(())
}
