//! What the kernel's logic asks of the machine.

use core::arch::asm;
use core::cell::UnsafeCell;
use core::fmt;
use core::sync::atomic::{AtomicUsize, Ordering};

use super::entry;
use super::layout::{self, STACK_SLOT_LEN, STACKS};
use super::paging::{self, PageTable};
use super::sbi;
use crate::kernel::{CPUS_MAX, Kernel, Shutdown};
use crate::memory::{FRAME_LEN, PhysAddr};
use crate::platform::interrupt_controller::{InterruptController, Message};
use crate::platform::iommu::SmmuV3;
use crate::platform::uart::Uart;

/// `sip` and `sie`: software, timer and external interrupts for supervisor mode.
const SOFTWARE: usize = 1 << 1;
const TIMER: usize = 1 << 5;
const EXTERNAL: usize = 1 << 9;

/// The machine that the kernel runs on.
pub struct Machine {
    pub(super) ticks_per_second: u64,
    pub(super) boot_ticks: u64,
    /// Whether `stimecmp` is there; otherwise the firmware sets the timer.
    pub(super) has_sstc: bool,
    pub(super) kernel_table: PageTable,
    /// How many address spaces its TLBs tell apart.
    pub(super) identifiers: u32,
    pub(super) interrupts: Option<InterruptController>,
    pub(super) harts: [usize; CPUS_MAX],
    /// Harts that take part, as a mask of hart numbers.
    pub(super) online: usize,
    /// Harts that sleep in the kernel, where they use no translation that ever changes.
    pub(super) resting: usize,
    /// Harts that must drop translations and fetched code when they wake, or before they load another
    /// address space.
    pub(super) stale: AtomicUsize,
}

/// The counter, for whoever has no machine yet.
#[inline]
pub(super) fn counter() -> u64 {
    let now: u64;
    // SAFETY: a read of a counter.
    unsafe { asm!("rdtime {0}", out(reg) now, options(nomem, nostack)) };
    now
}

impl Machine {
    /// Where physical memory can be read and written.
    #[inline]
    pub fn memory(&self, at: PhysAddr) -> *mut u8 {
        layout::direct(at) as *mut u8
    }

    /// How many address spaces can be told apart, the kernel's among them.
    pub fn identifiers(&self) -> u32 {
        self.identifiers
    }

    /// The counter.
    #[inline]
    pub fn now(&self) -> u64 {
        counter()
    }

    /// Ticks a second of the counter.
    pub fn ticks_per_second(&self) -> u64 {
        self.ticks_per_second
    }

    /// What the counter showed when the kernel started.
    pub fn boot_ticks(&self) -> u64 {
        self.boot_ticks
    }

    /// Sets this CPU's timer.
    pub fn set_timer(&self, at: u64) {
        if self.has_sstc {
            // SAFETY: stimecmp (0x14d) exists with Sstc, and only raises a timer interrupt.
            unsafe { asm!("csrw 0x14d, {0}", in(reg) at, options(nomem, nostack)) };
        } else {
            sbi::set_timer(at);
        }
    }

    /// Makes another CPU enter the kernel.
    pub fn interrupt_cpu(&self, cpu: usize) {
        sbi::send_ipi(1 << self.harts[cpu]);
    }

    /// Writes to the console.
    pub fn console_write(&self, bytes: &[u8]) {
        put(bytes);
    }

    /// Sets the console up anew, after somebody else had it.
    pub fn console_init(&self) {
        // SAFETY: as in `put`.
        if let Some(uart) = unsafe { &*UART.0.get() } {
            uart.take_back();
        }
    }

    /// Lets a device's interrupt fire again.
    pub fn unmask_interrupt(&self, number: u32) {
        if let Some(interrupts) = &self.interrupts {
            interrupts.unmask(number, 0);
        }
    }

    /// Keeps a device's interrupt from firing.
    pub fn mask_interrupt(&self, number: u32) {
        if let Some(interrupts) = &self.interrupts {
            interrupts.mask(number);
        }
    }

    /// Reads a device's register.
    pub fn read_device(&self, at: PhysAddr) -> u32 {
        // SAFETY: callers pass registers of devices from the device tree, which are mapped.
        unsafe { self.memory(at).cast::<u32>().read_volatile() }
    }

    /// Writes a device's register.
    pub fn write_device(&self, at: PhysAddr, value: u32) {
        // SAFETY: as in `read_device`; callers write what resets a device.
        unsafe { self.memory(at).cast::<u32>().write_volatile(value) };
    }

    /// Writes a device's register of one byte.
    pub fn write_device_byte(&self, at: PhysAddr, value: u8) {
        // SAFETY: as in `write_device`.
        unsafe { self.memory(at).write_volatile(value) };
    }

    /// Reads a device's register of one byte.
    pub fn read_device_byte(&self, at: PhysAddr) -> u8 {
        // SAFETY: as in `read_device`.
        unsafe { self.memory(at).read_volatile() }
    }

    /// Whether interrupts can be made of messages that devices send.
    pub fn has_messages(&self) -> bool {
        self.interrupts
            .as_ref()
            .is_some_and(InterruptController::has_messages)
    }

    /// Takes an interrupt, masked, for a message of a PCI function.
    pub fn take_message(&self, sender: u16, event: u32) -> Option<Message> {
        self.interrupts.as_ref()?.take_message(sender, event)
    }

    /// Gives such an interrupt back, masked.
    pub fn give_back_message(&self, number: u32) {
        if let Some(interrupts) = &self.interrupts {
            interrupts.give_back_message(number);
        }
    }

    /// The unit that checks what devices reach: there is none.
    pub fn iommu(&self) -> Option<&SmmuV3> {
        None
    }

    /// The kernel's own page table.
    pub fn kernel_table(&self) -> PageTable {
        self.kernel_table
    }

    /// Leaves the `user` address space that is loaded on this CPU.
    pub fn load_kernel_space(&self) {
        let satp = self.kernel_table.satp();
        // SAFETY: the kernel's table maps all that the kernel uses.
        unsafe { asm!("csrw satp, {0}", in(reg) satp, options(nostack)) };
    }

    /// Makes the direct map's alias of 2 MiB read-only, for code frames.
    pub fn protect_code_block(&self, base: PhysAddr) {
        self.set_direct_block(base, false);
    }

    /// Makes it writable again, once it holds no code any more. A CPU that still took it for read-only
    /// would fault on memory that is in use, so the others hear of this, too.
    pub fn unprotect_code_block(&self, base: PhysAddr) {
        self.set_direct_block(base, true);
    }

    fn set_direct_block(&self, base: PhysAddr, writable: bool) {
        paging::set_direct_block(table_at, &self.kernel_table, base, writable);
        let address = layout::direct(base);
        self.flush_cpus(u32::MAX, |mask| sbi::remote_sfence(mask, address, 2 << 20));
    }

    /// Writes into a code frame, through a window of this CPU's own.
    pub fn write_code(&self, at: PhysAddr, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let window = layout::window(current_cpu());
        assert!(at.0 as usize % FRAME_LEN + bytes.len() <= FRAME_LEN);
        paging::set_window(table_at, &self.kernel_table, window, Some(at.frame()));
        let to = (window + at.0 as usize % FRAME_LEN) as *mut u8;
        // SAFETY: the window maps the frame, and the assertion keeps us inside it.
        unsafe { to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        paging::set_window(table_at, &self.kernel_table, window, None);
    }

    /// Makes ready to be executed what lies in a frame of the boot archive: nothing, since `synchronize_code` follows.
    pub fn show_code(&self, _frame: PhysAddr) {}

    /// Makes every CPU see new code (rule 11).
    pub fn synchronize_code(&self) {
        // SAFETY: orders this CPU's instruction fetches after its writes.
        unsafe { asm!("fence rw, rw", "fence.i", options(nostack)) };
        let others = self.harts_to_tell(u32::MAX);
        if others != 0 {
            sbi::remote_fence_i(others);
        }
    }

    /// The frame of the user gate.
    pub fn user_gate_frame(&self) -> PhysAddr {
        PhysAddr((entry::user_gate_page() - layout::IMAGE_OFFSET) as u64)
    }

    /// Switches the machine off and says how it ended (rule 27).
    pub fn shut_down(&self, how: Shutdown) -> ! {
        use fmt::Write;
        let _ = match how {
            Shutdown::Ordered(status) => writeln!(Console, "FTL-EXIT {status}"),
            Shutdown::InitEnded(status) => writeln!(Console, "FTL-EXIT init {status}"),
            Shutdown::Reset { cold } => {
                let _ = writeln!(Console, "FTL-EXIT reset");
                sbi::reset(cold)
            }
        };
        sbi::power_off()
    }

    /// The other harts that must drop something they know at once, of the CPUs in `seen_by`. The rest does it
    /// before it could matter: those that sleep when they wake, and those that have another address space loaded
    /// when they load the next one. Each that is told costs a wait until it has heard, and a virtual CPU
    /// hears when its host lets it run.
    fn harts_to_tell(&self, seen_by: u32) -> usize {
        let others = self.online & !(1 << self.harts[current_cpu()]);
        let seeing = (0..CPUS_MAX)
            .filter(|cpu| seen_by >> cpu & 1 == 1)
            .fold(0, |mask, cpu| mask | 1 << self.harts[cpu]);
        let at_once = others & seeing & !self.resting;
        self.stale.fetch_or(others & !at_once, Ordering::Relaxed);
        at_once
    }

    /// This CPU goes to sleep once the kernel's lock, which it holds, is free.
    pub fn rest(&mut self, cpu: usize) {
        self.resting |= 1 << self.harts[cpu];
    }

    /// This CPU has slept, and holds the kernel's lock again: it catches up.
    pub fn wake(&mut self, cpu: usize) {
        self.resting &= !(1 << self.harts[cpu]);
        self.catch_up(cpu);
    }

    /// Drops what this CPU was to drop and was not told to at once.
    #[inline(always)]
    pub fn catch_up(&self, cpu: usize) {
        // Nearly always nobody has anything to drop, and each change of the address space asks.
        let stale = self.stale.load(Ordering::Relaxed);
        if stale != 0 && stale >> self.harts[cpu % CPUS_MAX] & 1 == 1 {
            self.drop_stale(cpu);
        }
    }

    #[cold]
    #[inline(never)]
    fn drop_stale(&self, cpu: usize) {
        self.stale
            .fetch_and(!(1 << self.harts[cpu]), Ordering::Relaxed);
        // SAFETY: only drops translations and fetched instructions.
        unsafe { asm!("sfence.vma", "fence.i", options(nostack)) };
    }

    /// Drops translations here and, with `remote`, on the harts in the mask it gets: those of `seen_by`.
    pub(super) fn flush_cpus(&self, seen_by: u32, remote: impl FnOnce(usize)) {
        // SAFETY: only drops translations.
        unsafe { asm!("sfence.vma", options(nostack)) };
        let others = self.harts_to_tell(seen_by);
        if others != 0 {
            remote(others);
        }
    }
}

/// Where a page table's frame is seen.
pub fn table_at(frame: PhysAddr) -> *mut u64 {
    layout::direct(frame) as *mut u64
}

/// The number of the CPU that this runs on, told by its stack.
pub fn current_cpu() -> usize {
    let sp: usize;
    // SAFETY: a read of a register.
    unsafe { asm!("mv {0}, sp", out(reg) sp, options(nomem, nostack)) };
    if is_cpu_stack(sp) {
        (sp - STACKS) / STACK_SLOT_LEN
    } else {
        0
    }
}

fn is_cpu_stack(address: usize) -> bool {
    (STACKS..STACKS + CPUS_MAX * STACK_SLOT_LEN).contains(&address)
}

/// Whether a frame pointer is one of a kernel stack.
pub fn is_kernel_stack(frame: usize) -> bool {
    frame.is_multiple_of(8) && (is_cpu_stack(frame) || super::boot::is_image_data(frame))
}

/// Handles all interrupts that are pending on this CPU.
pub fn handle_pending(kernel: &mut Kernel, cpu: usize) {
    let pending: usize;
    // SAFETY: a read of a register.
    unsafe { asm!("csrr {0}, sip", out(reg) pending, options(nomem, nostack)) };
    if pending & SOFTWARE != 0 {
        // SAFETY: clears the request of another CPU, which is answered below.
        unsafe { asm!("csrc sip, {0}", in(reg) SOFTWARE, options(nomem, nostack)) };
        kernel.let_go_of_space(cpu);
    }
    if pending & TIMER != 0 {
        kernel.memory.machine.set_timer(u64::MAX);
        kernel.timer_interrupt(cpu);
    }
    if pending & EXTERNAL != 0 {
        while let Some(number) = kernel
            .memory
            .machine
            .interrupts
            .as_ref()
            .and_then(|c| c.claim(cpu))
        {
            if let Some(controller) = &kernel.memory.machine.interrupts {
                // Masked until its driver acknowledges it (rule 7).
                controller.mask(number);
                controller.complete(cpu, number);
            }
            kernel.device_interrupt(cpu, number);
        }
    }
}

/// Prepares the CPU that calls: the trap vector, which interrupts, what components may read.
///
/// # Safety
/// Once on each CPU, with the kernel's page table loaded.
pub unsafe fn init_cpu() {
    // SAFETY: interrupts stay off (sstatus.SIE) until a component runs.
    unsafe {
        asm!(
            "csrw stvec, {vector}",
            "csrw sie, {interrupts}",
            "csrw scounteren, {counters}", // cycle, time, instret
            "csrw sscratch, zero",
            vector = in(reg) entry::trap_address(),
            interrupts = in(reg) SOFTWARE | TIMER | EXTERNAL,
            counters = in(reg) 7,
        );
    }
}

struct ConsoleUart(UnsafeCell<Option<Uart>>);
// SAFETY: set once at boot while one CPU runs; after that only read.
unsafe impl Sync for ConsoleUart {}
static UART: ConsoleUart = ConsoleUart(UnsafeCell::new(None));

/// Sets the console.
///
/// # Safety
/// Once, at boot, while one CPU runs.
pub unsafe fn set_console(uart: Uart) {
    // SAFETY: the caller vouches that nobody else is there.
    unsafe { *UART.0.get() = Some(uart) };
}

/// Writes to the serial line that the device tree tells of; before that is known, and on a machine where it tells of none
/// that we can use, to what the firmware takes for its console.
fn put(bytes: &[u8]) {
    // SAFETY: nobody writes it any more once there is output.
    let uart = unsafe { &*UART.0.get() };
    let put = |byte| match uart {
        Some(uart) => uart.put(byte),
        None => sbi::console_put(byte),
    };
    for &byte in bytes {
        if byte == b'\n' {
            put(b'\r');
        }
        put(byte);
    }
}

/// The console, for what cannot take the kernel's lock.
pub struct Console;

impl fmt::Write for Console {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        put(text.as_bytes());
        Ok(())
    }
}
