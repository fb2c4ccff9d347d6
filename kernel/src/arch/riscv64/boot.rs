//! From the firmware's jump to the first component.
//!
//! OpenSBI starts one hart at `_start`, in supervisor mode, without translation, its number in
//! `a0` and the device tree's address in `a1`. A table of 1 GiB pages takes it to the upper half;
//! there the final table is built, with nothing both writable and executable. The other harts are
//! started through SBI and go straight to the final table.

use core::arch::global_asm;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU32, AtomicU64, AtomicUsize, Ordering};

use super::entry::{self, Cpu};
use super::layout::{self, IMAGE_OFFSET, STACK_LEN};
use super::machine::{self, Machine, table_at};
use super::paging::Builder;
use super::{KERNEL, imsic, sbi};
use crate::arch::Permission;
use crate::boot::{BootInfo, FreeRanges};
use crate::kernel::{CPUS_MAX, Kernel};
use crate::memory::{FRAME_LEN, Frames, PhysAddr};
use crate::platform::interrupt_controller::InterruptController;
use crate::platform::machine_info::{InterruptControllerInfo, MachineInfo, PhysicalRange};
use crate::platform::uart::Uart;

global_asm!(
    r#"
    .section .text.boot, "ax"
    .global _start
_start:
    // Once only. A further hart was seen to come here, with its number in a0, instead of to where
    // it was to be started (OpenSBI 1.1, one boot in some dozens).
    lla     t0, boot_claimed
    li      t1, 1
    .option push
    .option arch, +a
    amoswap.w.aqrl t1, t1, (t0)
    .option pop
    beqz    t1, 5f
    lla     t0, {stacks}
    slli    t1, a0, 3
    add     t0, t0, t1
    ld      a1, 0(t0)
    lla     t0, {strays}
    .option push
    .option arch, +a
    li      t1, 1
    amoadd.w zero, t1, (t0)
    .option pop
    j       secondary_start
5:
    lla     t0, bss_start
    lla     t1, bss_end
1:  sd      zero, 0(t0)
    addi    t0, t0, 8
    bltu    t0, t1, 1b

    // Pages of 1 GiB: where we are now, all physical memory at the direct map, and the image.
    lla     t0, boot_table
    lla     t1, _start
    srli    t1, t1, 30
    li      t6, 0xcf                    // valid, read, write, execute, accessed, dirty
    slli    t2, t1, 28                  // physical page number << 10
    or      t2, t2, t6
    slli    t3, t1, 3
    add     t3, t3, t0
    sd      t2, 0(t3)
    li      t4, 510*8
    add     t4, t4, t0
    sd      t2, 0(t4)
    li      t1, 0
    li      t5, 128
    li      t4, 256*8
    add     t4, t4, t0
2:  slli    t2, t1, 28
    or      t2, t2, t6
    sd      t2, 0(t4)
    addi    t4, t4, 8
    addi    t1, t1, 1
    bltu    t1, t5, 2b

    srli    t0, t0, 12
    li      t1, 8 << 60                 // Sv39
    or      t0, t0, t1
    sfence.vma
    csrw    satp, t0
    lla     t0, 3f
    li      t1, {IMAGE_OFFSET}
    add     t0, t0, t1
    jr      t0
3:  lla     sp, boot_stack_end
    li      s0, 0
    li      ra, 0
    call    {boot}

    // A further hart: a1 is the end of its stack. The jump to the upper half is the fault that
    // loading the table causes.
    .balign 4
    .global secondary_start
secondary_start:
    lla     t0, {satp}
    ld      t0, 0(t0)
    lla     t1, 4f
    li      t2, {IMAGE_OFFSET}
    add     t1, t1, t2
    csrw    stvec, t1
    sfence.vma
    csrw    satp, t0
    .balign 4
4:  mv      sp, a1
    mv      a0, a1
    li      s0, 0
    li      ra, 0
    call    {secondary}

    .data
    .balign 4
boot_claimed:                           // not in .bss, which the first hart clears
    .word   0

    .bss
    .balign 4096
boot_table:
    .space 4096
    .space 65536
boot_stack_end:
    "#,
    IMAGE_OFFSET = const IMAGE_OFFSET,
    boot = sym boot,
    satp = sym SECONDARY_SATP,
    stacks = sym SECONDARY_STACKS,
    strays = sym STRAYS,
    secondary = sym secondary,
);

unsafe extern "C" {
    static kernel_start: u8;
    static text_end: u8;
    static rodata_end: u8;
    static bss_start: u8;
    static kernel_end: u8;
    fn secondary_start();
}

/// What the other harts load.
static SECONDARY_SATP: AtomicU64 = AtomicU64::new(0);

/// The end of each hart's stack, by its number.
static SECONDARY_STACKS: [AtomicUsize; HARTS_MAX] = [const { AtomicUsize::new(0) }; HARTS_MAX];

/// How many harts came in at the wrong door.
static STRAYS: AtomicU32 = AtomicU32::new(0);

/// Harts have lower numbers than this, or are not used: a mask of harts is one word.
const HARTS_MAX: usize = 64;

struct InfoCell(UnsafeCell<MachineInfo>);
// SAFETY: filled at boot while one CPU runs, and only read there.
unsafe impl Sync for InfoCell {}
static INFO: InfoCell = InfoCell(UnsafeCell::new(MachineInfo::new()));

/// Whether an address lies in the image's data, where the boot and panic stacks are.
pub fn is_image_data(address: usize) -> bool {
    ((&raw const bss_start) as usize..(&raw const kernel_end) as usize).contains(&address)
}

fn physical(image_address: usize) -> PhysAddr {
    PhysAddr((image_address - IMAGE_OFFSET) as u64)
}

/// The first hart, in the upper half, on the boot stack.
extern "C" fn boot(hart: usize, tree: usize) -> ! {
    // Before anything else, so that all of booting is in the log's times.
    let boot_ticks = machine::counter();
    // SAFETY: one hart runs, and nobody refers to the cell yet.
    let info = unsafe { &mut *INFO.0.get() };
    let tree_at = PhysAddr(tree as u64);
    // SAFETY: the firmware passes a device tree; its header tells how long it is, and the boot
    // table maps all physical memory.
    let tree = unsafe {
        let header = core::slice::from_raw_parts(table_at(tree_at).cast::<u8>(), 64);
        let len = crate::platform::devicetree::blob_len(header).unwrap_or(64);
        core::slice::from_raw_parts_mut(table_at(tree_at).cast::<u8>(), len)
    };
    let read = info.read_devicetree(tree);
    if let Some(console) = &info.console {
        let base = layout::direct(PhysAddr(console.registers.start));
        // SAFETY: the registers are mapped in the direct map, now and in the final table.
        let uart = unsafe { Uart::new(console, base) };
        uart.init();
        // SAFETY: one hart runs.
        unsafe { machine::set_console(uart) };
    }
    if let Err(error) = read {
        panic!("{}", error.describe());
    }
    let seed = crate::boot::take_seed(info, tree);
    if let Some(host) = &info.pci_host
        && host.configuration.end() <= layout::DIRECT_MAP_LEN as u64
    {
        let base = layout::direct(PhysAddr(host.configuration.start));
        // SAFETY: the boot table maps it, and one hart runs.
        unsafe { info.scan_pci(base, layout::DIRECT_MAP_LEN as u64) };
    }

    // What is taken already: firmware, kernel, device tree, boot archive.
    let image_end = physical((&raw const kernel_end) as usize);
    let memory = *info
        .memory
        .iter()
        .find(|range| (range.start..range.end()).contains(&image_end.0))
        .expect("the kernel lies in memory");
    let mut free = FreeRanges::new(memory);
    free.take(PhysicalRange {
        start: memory.start,
        len: image_end.0 - memory.start,
    });
    free.take(PhysicalRange {
        start: tree_at.0,
        len: tree.len() as u64,
    });
    for range in info.reserved.iter().chain(&info.initrd) {
        free.take(*range);
    }
    let log_region = free.take_log_region(memory);
    let records_len = Frames::records_len(memory.len as usize);
    let records = free
        .carve(records_len)
        .expect("no room for the records of frames");

    let usable = |cpu: &&crate::platform::machine_info::Cpu| {
        cpu.id as usize == hart || (cpu.id as usize) < HARTS_MAX
    };
    let cpus = info.cpus.iter().filter(usable).count().min(CPUS_MAX);
    let mut harts = [0; CPUS_MAX];
    // The boot hart is CPU 0 whatever its number; the others follow in their order.
    harts[0] = hart;
    let others = info
        .cpus
        .iter()
        .map(|cpu| cpu.id as usize)
        .filter(|&id| id != hart && id < HARTS_MAX);
    for (slot, id) in harts[1..].iter_mut().zip(others) {
        *slot = id;
    }
    let mut machine = Machine {
        ticks_per_second: info
            .timebase_frequency
            .expect("the device tree tells the timebase"),
        boot_ticks,
        has_sstc: info.cpus.iter().all(|cpu| cpu.has_sstc),
        kernel_table: super::PageTable::from_root(PhysAddr(0)),
        identifiers: identifiers(),
        interrupts: None,
        harts,
        online: 1 << hart,
        resting: 0,
        stale: AtomicUsize::new(0),
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
    let satp = machine.kernel_table.satp();
    SECONDARY_SATP.store(satp, Ordering::Relaxed);
    // SAFETY: the table maps the image where it is, so execution goes on; nothing of the boot
    // table outside of that is used after.
    unsafe {
        core::arch::asm!("csrw satp, {0}", "sfence.vma", in(reg) satp);
        machine::init_cpu();
    }

    if let Some(controller) = &mut info.interrupt_controller {
        // What belongs to CPUs is listed by the device tree's CPUs; ours are numbered with the boot hart first.
        if let InterruptControllerInfo::Plic { contexts, .. }
        | InterruptControllerInfo::Aia {
            places: contexts, ..
        } = controller
        {
            let by_tree = contexts.clone();
            for (cpu, &hart) in harts[..cpus].iter().enumerate() {
                let place = info.cpus.iter().position(|c| c.id as usize == hart);
                contexts[cpu] = place.and_then(|place| by_tree[place]);
            }
        }
        let mut map = |range: PhysicalRange| layout::direct(PhysAddr(range.start));
        // SAFETY: the device tree is true, and the direct map covers its registers for good.
        machine.interrupts =
            unsafe { InterruptController::new(controller, &info.cpus, &mut map, Some(imsic::OWN)) };
        if let Some(controller) = &machine.interrupts {
            controller.init();
            controller.init_cpu(0);
            let wires = info.pci_functions.iter().filter_map(|f| f.wire.as_ref());
            let lines = info.devices.iter().flat_map(|device| &device.interrupts);
            for interrupt in lines.chain(wires) {
                controller.set_trigger(*interrupt);
            }
        }
    }

    let kernel = Kernel::new(machine, frames, seed).expect("no memory for the kernel itself");
    // SAFETY: once, and one hart runs.
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
        let start = physical(secondary_start as *const () as usize).0 as usize;
        kernel.memory.machine.online |= 1 << harts[cpu];
        SECONDARY_STACKS[harts[cpu]].store(*block, Ordering::SeqCst);
        if !sbi::hart_start(harts[cpu], start, *block) {
            panic!("the firmware cannot start hart {}", harts[cpu]);
        }
    }
    // SAFETY: acquired above; `kernel` is not used after. The block is CPU 0's.
    unsafe {
        KERNEL.release();
        entry::begin(blocks[0] as *mut Cpu)
    }
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
    let mut builder = Builder::new(table_at, &mut allocate);

    // The image, and its alias in the direct map: what cannot be written here cannot be there.
    let (start, end) = (
        (&raw const kernel_start) as usize,
        (&raw const kernel_end) as usize,
    );
    let (code_end, constants_end) = (
        (&raw const text_end) as usize,
        (&raw const rodata_end) as usize,
    );
    let mut address = start & !((2 << 20) - 1);
    while address < end.next_multiple_of(2 << 20) {
        let permission = match address {
            _ if address < start => Permission::ReadWrite,
            _ if address < code_end => Permission::Execute,
            _ if address < constants_end => Permission::Read,
            _ => Permission::ReadWrite,
        };
        if (start..end).contains(&address) {
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
    let mut map_range = |range: PhysicalRange| {
        let mut at = range.start & !((2 << 20) - 1);
        while at < range.end() {
            builder.large_page(
                layout::direct(PhysAddr(at)),
                PhysAddr(at),
                Permission::ReadWrite,
            );
            at += 2 << 20;
        }
    };
    map_range(memory);
    for range in registers(info) {
        map_range(range);
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
    let controller = match &info.interrupt_controller {
        Some(InterruptControllerInfo::Plic { registers, .. }) => [Some(*registers), None],
        Some(InterruptControllerInfo::Aia { wires, files, .. }) => [Some(*wires), Some(*files)],
        _ => [None; 2],
    };
    let controller = controller.into_iter().flatten();
    let console = info.console.iter().map(|console| console.registers);
    let devices = info
        .devices
        .iter()
        .filter(|device| !device.is_console)
        .flat_map(|device| device.registers.iter().copied());
    controller
        .chain(console)
        .chain(devices)
        .chain(info.pci_registers())
        .filter(|range| range.end() <= layout::DIRECT_MAP_LEN as u64)
}

/// A further hart, in the upper half, on its own stack.
extern "C" fn secondary(cpu: *mut Cpu) -> ! {
    // SAFETY: once on each CPU, and the kernel's table is loaded. The block was written at boot.
    unsafe {
        machine::init_cpu();
        let index = (*cpu).index;
        let kernel = KERNEL.acquire(index);
        if let Some(controller) = &kernel.memory.machine.interrupts {
            controller.init_cpu(index);
        }
        kernel.cpu_online(index);
        if STRAYS.swap(0, Ordering::Relaxed) > 0 {
            let what = format_args!("CPU {index} came in where the first one does");
            kernel.log_line(crate::log::Level::Debug, "kernel", what);
        }
        KERNEL.release();
        entry::begin(cpu)
    }
}

/// How many address spaces the hardware tells apart: as many bits of `satp.ASID` as keep a one that is written to
/// them (Privileged Architecture, section "Supervisor Address Translation and Protection Register"). All harts
/// are taken to be alike.
fn identifiers() -> u32 {
    const ASID: u64 = 0xffff << 44;
    let kept: u64;
    // SAFETY: the root stays the same, and all that is mapped now is the kernel's and the same in every space;
    // afterwards the register is what it was, and what was learnt meanwhile is forgotten.
    unsafe {
        core::arch::asm!(
            "csrrs {old}, satp, {all}",
            "csrrw {kept}, satp, {old}",
            "sfence.vma",
            old = out(reg) _,
            all = in(reg) ASID,
            kept = lateout(reg) kept,
            options(nostack)
        );
    }
    1 << (kept & ASID).count_ones()
}
