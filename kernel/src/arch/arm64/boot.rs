//! From the boot loader's jump to the first component.
//!
//! The image begins with the header of Linux' boot protocol (Documentation/arch/arm64/booting.rst),
//! so QEMU, U-Boot and others start it like Linux: one CPU, at EL1 or EL2, without translation,
//! the device tree's address in `x0`. Small tables of large pages take it to the upper half; there
//! the final table is built, with nothing both writable and executable. The other CPUs are
//! started through PSCI and go straight to the final table.

use core::arch::{asm, global_asm};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU64, Ordering};

use super::entry::{self, Cpu};
use super::layout::{self, IMAGE, STACK_LEN};
use super::machine::{self, Machine, table_at};
use super::paging::Builder;
use super::{KERNEL, gic, psci};
use crate::arch::Permission;
use crate::boot::{BootInfo, FreeRanges};
use crate::kernel::{CPUS_MAX, Kernel};
use crate::memory::{FRAME_LEN, Frames, PhysAddr};
use crate::platform::interrupt_controller::{
    CpuInterface, InterruptController, MESSAGE_MEMORY_LEN,
};
use crate::platform::iommu;
use crate::platform::machine_info::{
    InterruptControllerInfo, MachineInfo, MessageControllerInfo, PhysicalRange,
};
use crate::platform::uart::Uart;

/// A large page of memory in the boot tables: valid, inner shareable, accessed, not for EL0.
const BLOCK: u64 = 1 << 54 | 1 << 10 | 3 << 8 | 1;
/// The same of registers (`MAIR_EL1` attribute 1), not for execution.
const DEVICE_BLOCK: u64 = BLOCK | 1 << 53 | 1 << 2;
/// `MAIR_EL1`: attribute 0 is memory, written back; 1 is device memory, nGnRE.
const MEMORY_TYPES: u64 = 0x04ff;
/// `TCR_EL1` but for what depends on the CPU: 48 bits and 4 KiB pages in both halves, walks inner
/// shareable through the caches.
const TRANSLATION: u64 =
    16 | 1 << 8 | 1 << 10 | 3 << 12 | 16 << 16 | 1 << 24 | 1 << 26 | 3 << 28 | 2 << 30;
/// `SCTLR_EL1` without translation: the bits that read as 1 in ARMv8.0, little-endian.
const CONTROL_OFF: u64 = 1 << 29 | 1 << 28 | 1 << 23 | 1 << 22 | 1 << 20 | 1 << 11;
/// `SCTLR_EL1` with translation and caches on, and with stacks that have to be aligned. Components
/// in user mode may read the cache type and zero cache lines, as compilers take for granted.
const CONTROL_ON: u64 = CONTROL_OFF | 1 << 15 | 1 << 14 | 1 << 12 | 1 << 4 | 1 << 3 | 1 << 2 | 1;

global_asm!(
    r#"
    .section .text.boot, "ax"
    .global _start
_start:
    b       primary_start
    .long   0
    .quad   0                           // offset from a multiple of 2 MiB
    .quad   kernel_len
    .quad   0xa                         // little-endian, 4 KiB pages, anywhere in memory
    .quad   0, 0, 0
    .ascii  "ARM\x64"
    .long   0

primary_start:
    mov     x20, x0
    bl      prepare_cpu
    adrp    x0, bss_start
    add     x0, x0, :lo12:bss_start
    adrp    x1, bss_end
1:  stp     xzr, xzr, [x0], #16
    cmp     x0, x1
    b.lo    1b

    adrp    x21, _start                 // where the image is
    ldr     x8, ={BLOCK}
    // Where we are now: the GiB around the image, at its own address.
    adrp    x2, boot_low_3
    adrp    x3, boot_low_2
    orr     x4, x3, #3
    lsr     x5, x21, #39
    str     x4, [x2, x5, lsl #3]
    lsr     x5, x21, #30
    and     x6, x5, #511
    lsl     x7, x5, #30
    orr     x7, x7, x8
    str     x7, [x3, x6, lsl #3]
    // The direct map: the same GiB, and the one with the device tree.
    adrp    x2, boot_high_3
    adrp    x3, boot_direct_2
    orr     x4, x3, #3
    str     x4, [x2]
    str     x7, [x3, x5, lsl #3]
    lsr     x5, x20, #30
    lsl     x7, x5, #30
    orr     x7, x7, x8
    str     x7, [x3, x5, lsl #3]
    // The image, at the end of the upper half.
    adrp    x3, boot_image_2
    orr     x4, x3, #3
    str     x4, [x2, #511*8]
    adrp    x4, boot_image_1
    orr     x5, x4, #3
    str     x5, [x3, #510*8]
    mov     x5, x21
    adrp    x6, kernel_end
2:  orr     x7, x5, x8
    str     x7, [x4], #8
    add     x5, x5, #0x200000
    cmp     x5, x6
    b.lo    2b

    adrp    x0, boot_low_3
    adrp    x1, boot_high_3
    bl      enable_translation
    ldr     x2, =3f
    br      x2
3:  ldr     x2, =boot_stack_end
    mov     sp, x2
    mov     x29, xzr
    mov     x30, xzr
    mov     x0, x20
    mov     x1, x21
    bl      {boot}

    // A further CPU: x0 is the end of its stack.
    .global secondary_start
secondary_start:
    mov     x20, x0
    bl      prepare_cpu
    adrp    x0, boot_low_3
    adrp    x1, {table}
    ldr     x1, [x1, :lo12:{table}]
    bl      enable_translation
    ldr     x2, =4f
    br      x2
4:  mov     sp, x20
    mov     x29, xzr
    mov     x30, xzr
    mov     x0, x20
    bl      {secondary}

    // Comes back at EL1, on its own stack pointer, without interrupts and translation.
prepare_cpu:
    msr     daifset, #0xf
    msr     spsel, #1
    ldr     x1, ={CONTROL_OFF}
    mrs     x2, CurrentEL
    cmp     x2, #2 << 2
    b.ne    6f
    // Down from EL2, which then gets in nobody's way.
    msr     sctlr_el1, x1
    ldr     x2, =(1 << 31 | 3 << 40)    // HCR_EL2: EL1 is 64-bit; keys of pointers are not trapped
    msr     hcr_el2, x2
    mrs     x2, midr_el1
    msr     vpidr_el2, x2
    mrs     x2, mpidr_el1
    msr     vmpidr_el2, x2
    mov     x2, #3                      // CNTHCTL_EL2: EL1 uses counter and timer
    msr     cnthctl_el2, x2
    msr     cntvoff_el2, xzr
    mov     x2, #0x33ff                 // CPTR_EL2: floating point is not trapped
    msr     cptr_el2, x2
    msr     hstr_el2, xzr
    msr     vttbr_el2, xzr
    mrs     x2, id_aa64pfr0_el1
    ubfx    x2, x2, #24, #4
    cbz     x2, 5f                      // no system registers of a GIC
    mrs     x2, icc_sre_el2
    mov     x3, #9                      // EL1 may use them
    orr     x2, x2, x3
    msr     icc_sre_el2, x2
    isb
    msr     ich_hcr_el2, xzr
5:  mov     x2, #0x3c5                  // SPSR_EL2: EL1h, no interrupts
    msr     spsr_el2, x2
    msr     elr_el2, x30
    eret
6:  msr     sctlr_el1, x1
    isb
    ret

    // x0, x1: the tables of the lower and the upper half.
enable_translation:
    msr     ttbr0_el1, x0
    msr     ttbr1_el1, x1
    ldr     x2, ={MEMORY_TYPES}
    msr     mair_el1, x2
    ldr     x2, ={TRANSLATION}
    mrs     x3, id_aa64mmfr0_el1
    and     x4, x3, #0xf                // bits of physical addresses; at most 48
    mov     x5, #5
    cmp     x4, x5
    csel    x4, x4, x5, lo
    orr     x2, x2, x4, lsl #32
    ubfx    x3, x3, #4, #4              // address space identifiers of 16 bits
    cmp     x3, #2
    b.ne    7f
    orr     x2, x2, #1 << 36
7:  msr     tcr_el1, x2
    tlbi    vmalle1
    ic      iallu
    dsb     nsh
    isb
    ldr     x2, ={CONTROL_ON}
    msr     sctlr_el1, x2
    isb
    ret
    .ltorg

    .bss
    .balign 4096
boot_low_3:
    .space 4096
boot_low_2:
    .space 4096
boot_high_3:
    .space 4096
boot_direct_2:
    .space 4096
boot_image_2:
    .space 4096
boot_image_1:
    .space 4096
    .space 65536
boot_stack_end:
    "#,
    BLOCK = const BLOCK,
    MEMORY_TYPES = const MEMORY_TYPES,
    TRANSLATION = const TRANSLATION,
    CONTROL_OFF = const CONTROL_OFF,
    CONTROL_ON = const CONTROL_ON,
    boot = sym boot,
    table = sym SECONDARY_TABLE,
    secondary = sym secondary,
);

unsafe extern "C" {
    static text_end: u8;
    static rodata_end: u8;
    static bss_start: u8;
    static kernel_end: u8;
    static mut boot_direct_2: [u64; 512];
    fn secondary_start();
}

/// Where the image is, in physical memory.
static IMAGE_AT: AtomicU64 = AtomicU64::new(0);
/// What the other CPUs load for the upper half.
static SECONDARY_TABLE: AtomicU64 = AtomicU64::new(0);

struct InfoCell(UnsafeCell<MachineInfo>);
// SAFETY: filled at boot while one CPU runs, and only read there.
unsafe impl Sync for InfoCell {}
static INFO: InfoCell = InfoCell(UnsafeCell::new(MachineInfo::new()));

/// Whether an address lies in the image's data, where the boot and panic stacks are.
pub fn is_image_data(address: usize) -> bool {
    ((&raw const bss_start) as usize..(&raw const kernel_end) as usize).contains(&address)
}

/// Where something in the image is in physical memory.
pub fn physical(image_address: usize) -> PhysAddr {
    PhysAddr(IMAGE_AT.load(Ordering::Relaxed)).offset(image_address - IMAGE)
}

/// Shows a range of physical addresses in the boot tables' direct map, in pages of 1 GiB.
fn map_early(range: PhysicalRange, block: u64) {
    let last = (range.end() - 1).min(layout::DIRECT_MAP_LEN as u64 - 1) >> 30;
    for gib in range.start >> 30..=last {
        // SAFETY: the boot table is ours while one CPU runs, and the last index is below 512.
        unsafe {
            let slot = (&raw mut boot_direct_2).cast::<u64>().add(gib as usize);
            if slot.read_volatile() == 0 {
                slot.write_volatile(gib << 30 | block);
            }
            asm!("dsb ishst", "isb", options(nostack, preserves_flags));
        }
    }
}

/// The number of the CPU that this runs on, as the device tree has it.
fn own_id() -> u64 {
    let id: u64;
    // SAFETY: a read of a register.
    unsafe { asm!("mrs {}, mpidr_el1", out(reg) id, options(nomem, nostack, preserves_flags)) };
    // Aff3 to Aff0; the other bits are no part of the number.
    id & 0xff_00ff_ffff
}

/// The first CPU, in the upper half, on the boot stack.
extern "C" fn boot(tree: usize, image: u64) -> ! {
    // Before anything else, so that all of booting is in the log's times.
    let boot_ticks = machine::counter();
    IMAGE_AT.store(image, Ordering::Relaxed);
    // SAFETY: one CPU runs, and nobody refers to the cell yet.
    let info = unsafe { &mut *INFO.0.get() };
    let tree_at = PhysAddr(tree as u64);
    // SAFETY: the boot loader passes a device tree, which lies within 2 MiB; its header tells how
    // long it is, and the boot table maps the GiB that it is in.
    let tree = unsafe {
        let header = core::slice::from_raw_parts(table_at(tree_at).cast::<u8>(), 64);
        let len = crate::platform::devicetree::blob_len(header).unwrap_or(64);
        core::slice::from_raw_parts_mut(table_at(tree_at).cast::<u8>(), len)
    };
    let read = info.read_devicetree(tree);
    for &range in &info.memory {
        map_early(range, BLOCK);
    }
    if let Some(console) = &info.console {
        map_early(console.registers, DEVICE_BLOCK);
        let base = layout::direct(PhysAddr(console.registers.start));
        // SAFETY: the registers are mapped in the direct map, now and in the final table.
        let uart = unsafe { Uart::new(console, base) };
        uart.init();
        // SAFETY: one CPU runs.
        unsafe { machine::set_console(uart) };
    }
    // SAFETY: one CPU runs.
    unsafe { machine::set_psci(info.psci) };
    if let Err(error) = read {
        panic!("{}", error.describe());
    }
    let seed = crate::boot::take_seed(info, tree);
    if let Some(host) = &info.pci_host
        && host.configuration.end() <= layout::DIRECT_MAP_LEN as u64
    {
        let configuration = host.configuration;
        map_early(configuration, DEVICE_BLOCK);
        let base = layout::direct(PhysAddr(configuration.start));
        // SAFETY: it was mapped just now, as registers are, and one CPU runs.
        unsafe { info.scan_pci(base, layout::DIRECT_MAP_LEN as u64) };
    }

    // What is taken already: kernel, device tree, boot archive.
    let image_end = physical((&raw const kernel_end) as usize);
    let memory = *info
        .memory
        .iter()
        .find(|range| (range.start..range.end()).contains(&image_end.0))
        .expect("the kernel lies in memory");
    let mut free = FreeRanges::new(memory);
    free.take(PhysicalRange {
        start: image,
        len: image_end.0 - image,
    });
    free.take(PhysicalRange {
        start: tree_at.0,
        len: tree.len() as u64,
    });
    for range in info.reserved.iter().chain(&info.initrd) {
        free.take(*range);
    }
    let log_region = free.take_log_region(memory);
    let message_memory = carve_message_memory(info, &mut free);
    // Only one that stands between the PCI bus and memory is of use.
    let known = info.pci_host.as_ref().and_then(|host| host.iommu);
    let iommu = info.iommu.filter(|unit| known == Some(unit.phandle));
    let iommu_memory = iommu.and_then(|_| carve_for_tables(&mut free, iommu::MEMORY_LEN));
    let records_len = Frames::records_len(memory.len as usize);
    let records = free
        .carve(records_len)
        .expect("no room for the records of frames");

    // The boot CPU is CPU 0 whatever its number; the others follow in their order.
    if let Some(place) = info.cpus.iter().position(|cpu| cpu.id == own_id()) {
        info.cpus[..=place].rotate_right(1);
    }
    let cpus = info.cpus.len().min(CPUS_MAX);

    let timer_interrupt = info
        .arm_timer
        .expect("the device tree tells the timer's interrupts")
        .virtual_
        .number;
    let mut machine = Machine {
        ticks_per_second: counter_frequency(),
        boot_ticks,
        kernel_table: super::PageTable::from_root(PhysAddr(0)),
        empty_table: PhysAddr(0),
        interrupts: None,
        iommu: None,
        timer_interrupt,
    };
    // SAFETY: the range was free and is big enough.
    let mut frames = unsafe {
        Frames::new(
            &machine,
            PhysAddr(memory.start),
            memory.len as usize,
            records,
        )
    };
    for range in free.iter() {
        frames.add(PhysAddr(range.start), PhysAddr(range.end()));
    }

    let blocks = map_kernel(info, memory, &mut frames, &mut machine, cpus);
    let table = machine.kernel_table.ttbr();
    SECONDARY_TABLE.store(table, Ordering::Relaxed);
    // SAFETY: the table maps the image where it is, so execution goes on; nothing of the boot
    // table outside of that is used after. The other CPUs read their table's address without
    // caches, so it has to be in memory.
    unsafe {
        asm!(
            "dc cvac, {place}", "dsb sy", "msr ttbr1_el1, {table}", "isb", "tlbi vmalle1", "dsb nsh", "isb",
            place = in(reg) SECONDARY_TABLE.as_ptr(), table = in(reg) table,
            options(nostack, preserves_flags),
        );
        machine::init_cpu(machine.empty_table);
    }

    if let Some(controller) = &info.interrupt_controller {
        let mut map = |range: PhysicalRange| layout::direct(PhysAddr(range.start));
        // SAFETY: the device tree is true, and the direct map covers its registers for good.
        machine.interrupts = unsafe {
            let own = Some(CpuInterface::Gic(&gic::CpuInterface));
            InterruptController::new(controller, &info.cpus, &mut map, own)
        };
        if let Some(interrupts) = &mut machine.interrupts {
            interrupts.init();
            interrupts.init_cpu(0);
            interrupts.unmask(timer_interrupt, 0);
            let wires = info.pci_functions.iter().filter_map(|f| f.wire.as_ref());
            let lines = info.devices.iter().flat_map(|device| &device.interrupts);
            let unit = info.iommu.iter().map(|unit| &unit.interrupt);
            for interrupt in lines.chain(wires).chain(unit) {
                interrupts.set_trigger(*interrupt);
            }
            if let Some(messages) = &info.message_controller {
                // SAFETY: as above. The memory was carved out of what was free, and zeroed.
                unsafe {
                    interrupts.attach_messages(controller, messages, &mut map, message_memory);
                }
            }
        }
    }

    if let (Some(unit), Some(memory)) = (iommu, iommu_memory) {
        let mut map = |range: PhysicalRange| layout::direct(PhysAddr(range.start));
        // SAFETY: as for the interrupt controller; the memory was carved out and zeroed.
        let unit = unsafe { iommu::start(&unit, &mut map, memory, publish) };
        if let Some(interrupts) = &machine.interrupts {
            interrupts.unmask(unit.interrupt(), 0);
        }
        machine.iommu = Some(unit);
    }

    let kernel = Kernel::new(machine, frames, seed).expect("no memory for the kernel itself");
    // SAFETY: once, and one CPU runs.
    unsafe { KERNEL.set(kernel) };
    // SAFETY: set just now; released before the stack is left.
    let kernel = unsafe { KERNEL.acquire(0) };
    kernel.cpu_online(0);
    let boot_info = BootInfo {
        machine: info,
        archive: info
            .initrd
            .map(|range| (PhysAddr(range.start), range.len as usize)),
        cpus,
        seeded: seed.is_some(),
        log_region,
    };
    crate::boot::start(kernel, &boot_info);
    for (cpu, block) in blocks.iter().enumerate().take(cpus).skip(1) {
        let start = physical(secondary_start as *const () as usize).0;
        let id = info.cpus[cpu].id;
        let started = info
            .psci
            .is_some_and(|psci| psci::cpu_on(psci, id, start, *block as u64));
        assert!(started, "the firmware cannot start CPU {id:#x}");
    }
    // SAFETY: acquired above; `kernel` is not used after. The block is CPU 0's.
    unsafe {
        KERNEL.release();
        entry::begin(blocks[0] as *mut Cpu)
    }
}

/// Memory for the tables of what makes interrupts of messages, zeroed, if there is use for it.
fn carve_message_memory(info: &MachineInfo, free: &mut FreeRanges) -> Option<PhysicalRange> {
    let its = matches!(info.message_controller, Some(MessageControllerInfo::Its(_)));
    if !its || !info.pci_functions.iter().any(|f| f.messages.is_some()) {
        return None;
    }
    carve_for_tables(free, MESSAGE_MEMORY_LEN)
}

/// Zeroed memory for tables that devices read, on a multiple of 64 KiB.
fn carve_for_tables(free: &mut FreeRanges, len: usize) -> Option<PhysicalRange> {
    const STEP: u64 = 64 << 10;
    let carved = free.carve(len + STEP as usize)?;
    let range = PhysicalRange {
        start: carved.0.next_multiple_of(STEP),
        len: len as u64,
    };
    let memory = table_at(PhysAddr(range.start)).cast::<u8>();
    // SAFETY: it was free, and is ours now.
    unsafe { memory.write_bytes(0, len) };
    Some(range)
}

/// Makes stores visible to everybody, devices included.
fn publish() {
    // SAFETY: a barrier changes nothing.
    unsafe { asm!("dsb sy", options(nostack, preserves_flags)) };
}

fn counter_frequency() -> u64 {
    let frequency: u64;
    // SAFETY: a read of a register.
    unsafe {
        asm!("mrs {}, cntfrq_el0", out(reg) frequency, options(nomem, nostack, preserves_flags));
    }
    frequency
}

/// Builds the final table. Returns where each CPU's block is.
fn map_kernel(
    info: &MachineInfo,
    memory: PhysicalRange,
    frames: &mut Frames,
    machine: &mut Machine,
    cpus: usize,
) -> [usize; CPUS_MAX] {
    let mut allocate = || {
        let frame = frames
            .allocate(0)
            .expect("no memory for the kernel's page tables");
        // SAFETY: the frame was just given to us.
        unsafe { table_at(frame).cast::<u8>().write_bytes(0, FRAME_LEN) };
        frame
    };
    let mut blocks = [0; CPUS_MAX];
    let mut stacks = [PhysAddr(0); CPUS_MAX * STACK_LEN / FRAME_LEN];
    for frame in &mut stacks[..cpus * STACK_LEN / FRAME_LEN] {
        *frame = allocate();
    }
    machine.empty_table = allocate();
    let mut builder = Builder::new(table_at, &mut allocate);

    // The image, and its alias in the direct map: what cannot be written here cannot be there.
    let (start, end) = (IMAGE, (&raw const kernel_end) as usize);
    let (code_end, constants_end) = (
        (&raw const text_end) as usize,
        (&raw const rodata_end) as usize,
    );
    let mut address = start;
    while address < end.next_multiple_of(2 << 20) {
        let permission = match address {
            _ if address < code_end => Permission::Execute,
            _ if address < constants_end => Permission::Read,
            _ => Permission::ReadWrite,
        };
        if address < end {
            builder.page(address, physical(address), permission);
        }
        let alias = match permission {
            Permission::Execute => Permission::Read,
            other => other,
        };
        builder.page(layout::direct(physical(address)), physical(address), alias);
        address += FRAME_LEN;
    }
    if let Some(archive) = info.initrd {
        crate::boot::map_archive(archive, |at, is_block, permission| match is_block {
            true => builder.large_page(layout::direct(at), at, permission),
            false => builder.page_if_missing(layout::direct(at), at, permission),
        });
    }
    let mut map_range = |range: PhysicalRange, permission| {
        let mut at = range.start & !((2 << 20) - 1);
        while at < range.end() {
            builder.large_page(layout::direct(PhysAddr(at)), PhysAddr(at), permission);
            at += 2 << 20;
        }
    };
    map_range(memory, Permission::ReadWrite);
    for range in registers(info) {
        map_range(range, Permission::Device);
    }
    for (cpu, block) in blocks.iter_mut().enumerate().take(cpus) {
        let end = layout::stack_end(cpu);
        let pages = STACK_LEN / FRAME_LEN;
        for page in 0..pages {
            let frame = stacks[cpu * pages + page];
            builder.page(
                end - STACK_LEN + page * FRAME_LEN,
                frame,
                Permission::ReadWrite,
            );
        }
        // The window's leaf table, with nothing in it yet.
        builder.page(layout::window(cpu), PhysAddr(0), Permission::Read);
        let last = stacks[cpu * pages + pages - 1];
        let block_len = size_of::<Cpu>();
        let at = table_at(last.offset(FRAME_LEN - block_len)).cast::<Cpu>();
        // SAFETY: the end of a stack that nobody uses yet.
        unsafe { at.write(Cpu::new(cpu)) };
        *block = end - block_len;
    }
    machine.kernel_table = builder.finish();
    for cpu in 0..cpus {
        super::paging::set_window(table_at, &machine.kernel_table, layout::window(cpu), None);
    }
    blocks
}

/// All registers that the kernel itself touches.
fn registers(info: &MachineInfo) -> impl Iterator<Item = PhysicalRange> + '_ {
    let (first, more): (Option<[PhysicalRange; 2]>, &[PhysicalRange]) =
        match &info.interrupt_controller {
            Some(InterruptControllerInfo::GicV2 {
                distributor,
                cpu_interface,
            }) => (Some([*distributor, *cpu_interface]), &[]),
            Some(InterruptControllerInfo::GicV3 {
                distributor,
                redistributors,
                ..
            }) => (Some([*distributor; 2]), redistributors),
            _ => (None, &[]),
        };
    let console = info.console.iter().map(|console| console.registers);
    let devices = info
        .devices
        .iter()
        .filter(|device| !device.is_console)
        .flat_map(|device| device.registers.iter().copied());
    let controller = first.into_iter().flatten().chain(more.iter().copied());
    let messages = info.message_controller.iter().map(|messages| {
        let (MessageControllerInfo::GicV2m(range) | MessageControllerInfo::Its(range)) = messages;
        *range
    });
    controller
        .chain(console)
        .chain(devices)
        .chain(messages)
        .chain(info.iommu.iter().map(|unit| unit.registers))
        .chain(info.pci_registers())
        .filter(|range| range.end() <= layout::DIRECT_MAP_LEN as u64)
}

/// A further CPU, in the upper half, on its own stack.
extern "C" fn secondary(cpu: *mut Cpu) -> ! {
    // SAFETY: once on each CPU, and the kernel's table is loaded. The block was written at boot.
    unsafe {
        let index = (*cpu).index;
        let kernel = KERNEL.acquire(index);
        let machine = &kernel.memory.machine;
        machine::init_cpu(machine.empty_table);
        if let Some(controller) = &machine.interrupts {
            controller.init_cpu(index);
            controller.unmask(machine.timer_interrupt, index);
        }
        kernel.cpu_online(index);
        KERNEL.release();
        entry::begin(cpu)
    }
}
