//! What the kernel's logic asks of the machine.

use core::arch::asm;
use core::cell::UnsafeCell;
use core::fmt;

use super::entry;
use super::layout::{self, STACK_SLOT_LEN, STACKS};
use super::paging::{self, PageTable};
use super::psci;
use crate::kernel::{CPUS_MAX, Kernel, Shutdown};
use crate::memory::{FRAME_LEN, PhysAddr};
use crate::platform::interrupt_controller::{InterruptController, Message};
use crate::platform::iommu::SmmuV3;
use crate::platform::machine_info::PsciMethod;
use crate::platform::uart::Uart;

/// The software interrupt by which CPUs call each other.
const CALL_CPU: u32 = 0;

/// The machine that the kernel runs on.
pub struct Machine {
    pub(super) ticks_per_second: u64,
    pub(super) boot_ticks: u64,
    pub(super) kernel_table: PageTable,
    /// A root table for the lower half with nothing in it.
    pub(super) empty_table: PhysAddr,
    pub(super) interrupts: Option<InterruptController>,
    pub(super) iommu: Option<SmmuV3>,
    /// The interrupt of the virtual timer.
    pub(super) timer_interrupt: u32,
}

/// The counter, for whoever has no machine yet.
#[inline]
pub(super) fn counter() -> u64 {
    let now: u64;
    // SAFETY: a read of a counter. The barrier keeps it from being read early.
    unsafe {
        asm!("isb", "mrs {}, cntvct_el0", out(reg) now, options(nomem, nostack, preserves_flags))
    };
    now
}

impl Machine {
    /// Where physical memory can be read and written.
    #[inline]
    pub fn memory(&self, at: PhysAddr) -> *mut u8 {
        layout::direct(at) as *mut u8
    }

    /// How many address spaces can be told apart, the kernel's among them: 16 bits of identifiers, which boot turns
    /// on where they are, or 8.
    pub fn identifiers(&self) -> u32 {
        let features: u64;
        // SAFETY: a read of a register that says what there is.
        unsafe {
            asm!("mrs {}, id_aa64mmfr0_el1", out(reg) features, options(nomem, nostack, preserves_flags))
        };
        match features >> 4 & 0xf {
            2 => 1 << 16,
            _ => 1 << 8,
        }
    }

    /// The counter: the virtual one, which components read too.
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
        // The difference to the counter is taken as signed (Arm ARM, D11.2.4): this is "never". The
        // timer itself stays on, since each access to it may be dear, on emulators above all.
        let at = at.min(i64::MAX as u64);
        // SAFETY: only raises a timer interrupt.
        unsafe {
            asm!("msr cntv_cval_el0, {}", "isb", in(reg) at, options(nomem, nostack, preserves_flags));
        }
    }

    /// Makes another CPU enter the kernel.
    pub fn interrupt_cpu(&self, cpu: usize) {
        if let Some(interrupts) = &self.interrupts {
            interrupts.send(CALL_CPU, cpu);
        }
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

    /// The unit that checks what devices reach, if there is one.
    pub fn iommu(&self) -> Option<&SmmuV3> {
        self.iommu.as_ref()
    }

    /// The kernel's own page table.
    pub fn kernel_table(&self) -> PageTable {
        self.kernel_table
    }

    /// Leaves the `user` address space that is loaded on this CPU.
    pub fn load_kernel_space(&self) {
        // SAFETY: the kernel touches nothing in the lower half.
        unsafe { load_lower_half(self.empty_table.0) };
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
        // One entry maps it all, so dropping it for one address drops it.
        self.kernel_table
            .flush(self, layout::direct(base), 1, u32::MAX);
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
        clean_for_execution(to as usize, bytes.len());
        paging::set_window(table_at, &self.kernel_table, window, None);
    }

    /// Makes ready to be executed what lies in a frame of the boot archive: brings it to where instructions are fetched
    /// from.
    pub fn show_code(&self, frame: PhysAddr) {
        clean_for_execution(layout::direct(frame), FRAME_LEN);
    }

    /// Makes every CPU see new code (rule 11). `write_code` has brought it to where instructions
    /// are fetched from; this makes all CPUs forget older ones. A CPU comes to new code by an
    /// exception return, which synchronizes it.
    pub fn synchronize_code(&self) {
        // SAFETY: drops what instruction caches hold.
        unsafe {
            asm!(
                "dsb ish",
                "ic ialluis",
                "dsb ish",
                "isb",
                options(nostack, preserves_flags)
            )
        };
    }

    /// The frame of the user gate.
    pub fn user_gate_frame(&self) -> PhysAddr {
        super::boot::physical(entry::user_gate_page())
    }

    /// Switches the machine off and says how it ended (rule 27).
    pub fn shut_down(&self, how: Shutdown) -> ! {
        use fmt::Write;
        let _ = match how {
            Shutdown::Ordered(status) => writeln!(Console, "FTL-EXIT {status}"),
            Shutdown::InitEnded(status) => writeln!(Console, "FTL-EXIT init {status}"),
            Shutdown::Reset { cold: _ } => {
                let _ = writeln!(Console, "FTL-EXIT reset");
                reset()
            }
        };
        power_off()
    }
}

/// Cleans data caches to the point where instructions are fetched from (Arm ARM, B2.4.4,
/// "Synchronization and coherency issues between data and instruction accesses").
fn clean_for_execution(start: usize, len: usize) {
    let cache_type: usize;
    // SAFETY: a read of a register.
    unsafe {
        asm!("mrs {}, ctr_el0", out(reg) cache_type, options(nomem, nostack, preserves_flags))
    };
    // CTR_EL0.DminLine: words in the smallest line, as a power of 2.
    let line = 4usize << (cache_type >> 16 & 0xf);
    let mut at = start & !(line - 1);
    while at < start + len {
        // SAFETY: writes back a line that lies in a mapped page.
        unsafe { asm!("dc cvau, {}", in(reg) at, options(nostack, preserves_flags)) };
        at += line;
    }
    // SAFETY: waits for the above.
    unsafe { asm!("dsb ish", options(nostack, preserves_flags)) };
}

/// Makes a table the one of the lower half, with the kernel's address space identifier.
///
/// # Safety
/// Nothing that runs before the next change uses the lower half.
unsafe fn load_lower_half(root: u64) {
    // SAFETY: the caller vouches for it.
    unsafe { asm!("msr ttbr0_el1, {}", "isb", in(reg) root, options(nostack, preserves_flags)) };
}

/// Where a page table's frame is seen.
pub fn table_at(frame: PhysAddr) -> *mut u64 {
    layout::direct(frame) as *mut u64
}

/// The number of the CPU that this runs on, told by its stack.
pub fn current_cpu() -> usize {
    let sp: usize;
    // SAFETY: a read of a register.
    unsafe { asm!("mov {0}, sp", out(reg) sp, options(nomem, nostack, preserves_flags)) };
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
    let mut timer = false;
    while is_interrupt_pending()
        && let Some(number) = claim(kernel, cpu)
    {
        let machine = &kernel.memory.machine;
        if number == machine.timer_interrupt {
            // Off first: its level would bring the interrupt back at once.
            machine.set_timer(u64::MAX);
            timer = true;
        } else if number != CALL_CPU {
            // Masked until its driver acknowledges it (rule 7).
            machine.mask_interrupt(number);
        }
        if let Some(controller) = &machine.interrupts {
            controller.complete(cpu, number);
        }
        if number == CALL_CPU {
            kernel.let_go_of_space(cpu);
        } else if number != kernel.memory.machine.timer_interrupt {
            kernel.device_interrupt(cpu, number);
        }
    }
    // Last, because it may set the timer to a time that is over, the end of a slice; which is
    // answered when the kernel is left, not here.
    if timer {
        kernel.timer_interrupt(cpu);
    }
}

/// Whether an interrupt waits for this CPU, which is cheaper to ask than the controller.
fn is_interrupt_pending() -> bool {
    const IRQ: u64 = 1 << 7;
    let status: u64;
    // SAFETY: a read of a register.
    unsafe { asm!("mrs {}, isr_el1", out(reg) status, options(nomem, nostack, preserves_flags)) };
    status & IRQ != 0
}

fn claim(kernel: &Kernel, cpu: usize) -> Option<u32> {
    kernel.memory.machine.interrupts.as_ref()?.claim(cpu)
}

/// Prepares the CPU that calls: the vectors, what components may do.
///
/// # Safety
/// Once on each CPU, with the kernel's page table loaded and `empty_table` a table without
/// entries.
pub unsafe fn init_cpu(empty_table: PhysAddr) {
    // SCTLR_EL1: what is writable cannot be executed, whatever the tables say (rule 13); an
    // exception sets PSTATE.PAN where there is PAN.
    const WRITABLE_IS_NOT_EXECUTABLE: u64 = 1 << 19;
    const KEEP_ACCESS_TO_USER_MEMORY: u64 = 1 << 23;
    // CNTKCTL_EL1.EL0VCTEN: components read the virtual counter.
    const COUNTER_FOR_COMPONENTS: u64 = 1 << 1;

    // PMCR_EL0.E and LC, PMCNTENSET_EL0.C, PMUSERENR_EL0.CR: components read the cycle counter, for measuring.
    const COUNT_CYCLES: u64 = 1 | 1 << 6;
    const CYCLE_COUNTER: u64 = 1 << 31;
    const CYCLES_FOR_COMPONENTS: u64 = 1 << 2;

    let (mut control, features, debug_features): (u64, u64, u64);
    // SAFETY: interrupts stay off until a component runs. The table that is loaded has nothing
    // writable and executable. Floating point is off, which the kernel has none of.
    unsafe {
        asm!(
            "msr vbar_el1, {vectors}",
            "msr cpacr_el1, xzr",
            "msr cntkctl_el1, {counters}",
            "msr cntv_cval_el0, {never}",
            "msr cntv_ctl_el0, {on}",
            "msr tpidr_el0, xzr",
            "msr tpidrro_el0, xzr",
            "mrs {control}, sctlr_el1",
            "mrs {features}, id_aa64mmfr1_el1",
            "mrs {debug_features}, id_aa64dfr0_el1",
            vectors = in(reg) entry::vectors_address(),
            counters = in(reg) COUNTER_FOR_COMPONENTS,
            never = in(reg) i64::MAX,
            on = in(reg) 1u64,
            control = out(reg) control,
            features = out(reg) features,
            debug_features = out(reg) debug_features,
            options(nostack, preserves_flags),
        );
        // ID_AA64DFR0_EL1.PMUVer: 0 is no such counter, 15 one of another kind.
        if !matches!(debug_features >> 8 & 0xf, 0 | 15) {
            asm!(
                "msr pmcr_el0, {on}",
                "msr pmcntenset_el0, {cycles}",
                "msr pmuserenr_el0, {allow}",
                on = in(reg) COUNT_CYCLES,
                cycles = in(reg) CYCLE_COUNTER,
                allow = in(reg) CYCLES_FOR_COMPONENTS,
                options(nostack, preserves_flags),
            );
        }
        control |= WRITABLE_IS_NOT_EXECUTABLE;
        let has_pan = features >> 20 & 0xf != 0;
        if has_pan {
            control &= !KEEP_ACCESS_TO_USER_MEMORY;
        }
        asm!(
            "msr ttbr0_el1, {empty}",
            "msr sctlr_el1, {control}",
            "isb",
            "tlbi vmalle1",
            "dsb nsh",
            "isb",
            empty = in(reg) empty_table.0, control = in(reg) control,
            options(nostack, preserves_flags),
        );
        if has_pan {
            // `msr pan, #1`, which assemblers know only for newer CPUs.
            asm!(".inst 0xd500419f", options(nostack, preserves_flags));
        }
    }
}

/// How the firmware is called. Set at boot while one CPU runs, and only read after.
struct Conduit(UnsafeCell<Option<PsciMethod>>);
// SAFETY: see above.
unsafe impl Sync for Conduit {}
static PSCI: Conduit = Conduit(UnsafeCell::new(None));

/// Sets how the firmware is called.
///
/// # Safety
/// Once, at boot, while one CPU runs.
pub unsafe fn set_psci(method: Option<PsciMethod>) {
    // SAFETY: the caller vouches that nobody else is there.
    unsafe { *PSCI.0.get() = method };
}

/// Switches the machine off, or, where nobody can, halts.
pub fn power_off() -> ! {
    // SAFETY: nobody writes it any more.
    if let Some(method) = unsafe { *PSCI.0.get() } {
        psci::system_off(method);
    }
    halt()
}

/// Resets the machine, or, where nobody can, switches it off.
pub fn reset() -> ! {
    // SAFETY: nobody writes it any more.
    if let Some(method) = unsafe { *PSCI.0.get() } {
        psci::system_reset(method);
    }
    power_off()
}

/// Takes the CPU that calls out of the machine for good: switched off, or, where nobody can, without anything to do.
pub fn halt() -> ! {
    // SAFETY: nobody writes it any more.
    if let Some(method) = unsafe { *PSCI.0.get() } {
        psci::cpu_off(method);
    }
    loop {
        // SAFETY: waits, and changes nothing.
        unsafe { asm!("wfi", options(nomem, nostack, preserves_flags)) };
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

fn put(bytes: &[u8]) {
    // SAFETY: nobody writes it any more once there is output.
    if let Some(uart) = unsafe { &*UART.0.get() } {
        for &byte in bytes {
            if byte == b'\n' {
                uart.put(b'\r');
            }
            uart.put(byte);
        }
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
