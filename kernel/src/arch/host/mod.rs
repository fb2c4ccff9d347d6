//! A simulated machine, so that the kernel's logic runs on the developer's own.
//!
//! Memory is one allocation, page tables are maps, the console is a vector, and time moves only
//! when a test says so. Everything is deterministic. What runs on its "CPUs" are tests, or, with
//! `libs/testkit`, components on threads of the host.

mod context;
mod paging;

pub use context::Context;
pub use paging::{PageTable, Translation};

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Mutex;

use crate::kernel::{CPUS_MAX, Shutdown};
use crate::memory::{Frames, PhysAddr};
use crate::platform::interrupt_controller::Message;
use crate::platform::iommu::{self, SmmuV3};
use crate::platform::machine_info::{Interrupt, IommuInfo, PhysicalRange};

/// Components under `kernel` isolation: start and bytes.
pub const KERNEL_COMPONENT_AREA: (usize, usize) = (0xffff_ffe0_0000_0000, 16 << 30);
/// Components under `user` isolation: start and bytes.
pub const USER_AREA: (usize, usize) = (0x10_0000_0000, 64 << 30);
/// Where components under `user` isolation call the kernel: nothing is there on the host.
pub const USER_GATE: usize = 0x3f_ffff_f000;
/// For which machine a component's image must be made: that of riscv64, whose images the tests load.
pub const IMAGE_MACHINE: elf_image::Machine = elf_image::Machine {
    number: 243,
    relative_relocation: 3,
};
/// What the boot log calls this architecture.
pub const NAME: &str = "host";

/// Physical address of the first byte of memory.
const BASE: u64 = 0x8000_0000;
/// The first interrupt that is made of a message.
pub const MESSAGES_START: u32 = 8192;
/// Ticks a second of the virtual clock.
const TICKS_PER_SECOND: u64 = 1_000_000_000;

/// Where components under `kernel` isolation call the kernel: nothing is there on the host.
pub fn kernel_gate() -> usize {
    0
}

/// Where a frame would keep its links: nobody has such frames here.
pub fn frame_links(_frame: usize) -> (usize, usize) {
    (1, 1)
}

/// Memory of small machines that are gone, by address and length, for the next ones: thousands of them are made one after
/// the other, and fresh memory costs the host more than all that they do. As on a real machine nothing is promised of its content.
static LEFT: Mutex<Vec<(usize, usize)>> = Mutex::new(Vec::new());
/// How much is kept.
const LEFT_MAX: usize = 8;
const LEFT_LEN_MAX: usize = 8 << 20;

#[derive(Default)]
struct State {
    now: u64,
    timers: [Option<u64>; CPUS_MAX],
    interrupted: [bool; CPUS_MAX],
    unmasked: Vec<u32>,
    console: Vec<u8>,
    spaces: HashMap<usize, BTreeMap<usize, Translation>>,
    next_space: usize,
    /// Per space of a component, of which GiB there are tables.
    upper_tables: HashMap<usize, BTreeSet<usize>>,
    ended: Option<Shutdown>,
    registers: HashMap<u64, u32>,
    /// Those that keep their value.
    stuck: BTreeSet<u64>,
    messages: Vec<Option<(u16, u32)>>,
    current_cpu: usize,
    /// Translations that were removed and that CPUs may still know, per space.
    stale: HashMap<usize, BTreeMap<usize, PhysAddr>>,
    code_synchronized: usize,
    /// Frames of the boot archive that were made ready to be executed.
    shown_code: BTreeSet<PhysAddr>,
    /// Blocks of 2 MiB that the kernel itself could not write.
    read_only: BTreeSet<PhysAddr>,
    flushes: usize,
    /// If not as many as can be.
    identifiers: Option<u32>,
}

/// Where the first byte of a machine's memory is seen: tests run several machines at once.
#[derive(Clone, Copy)]
pub struct MemoryBase(*mut u8);

impl MemoryBase {
    /// Before there is any memory.
    pub const UNSET: MemoryBase = MemoryBase(core::ptr::null_mut());

    /// That of a machine.
    pub fn of(machine: &Machine) -> MemoryBase {
        MemoryBase(machine.memory)
    }

    /// How far an address is from the first byte.
    pub fn distance(address: PhysAddr) -> usize {
        (address.0 - BASE) as usize
    }

    /// Where memory at this distance is seen.
    #[inline(always)]
    pub fn at(self, distance: usize) -> *mut u8 {
        self.0.wrapping_add(distance)
    }
}

/// The simulated machine.
pub struct Machine {
    /// What the host has given, in which the memory lies.
    given: *mut u8,
    memory: *mut u8,
    len: usize,
    state: Mutex<State>,
    iommu: Option<SmmuV3>,
}

// SAFETY: the memory belongs to the machine; who may touch which part of it is the kernel's
// business, as on any machine, and the kernel is one state machine under one lock.
unsafe impl Send for Machine {}
// SAFETY: as above.
unsafe impl Sync for Machine {}

impl Drop for Machine {
    fn drop(&mut self) {
        let mut left = LEFT.lock().expect("nobody panics with it");
        if self.len <= LEFT_LEN_MAX && left.len() < LEFT_MAX {
            left.push((self.given.expose_provenance(), self.len));
            return;
        }
        // SAFETY: allocated in `new` with the same layout.
        unsafe { dealloc(self.given, Machine::layout(self.len)) };
    }
}

impl Machine {
    /// Where memory starts on the host: at a multiple of this, as on a machine.
    const ALIGNMENT: usize = 4 << 20;

    /// Memory, and room to align it in. An allocator that is asked for so much alignment writes the zeros itself, page by
    /// page; without that they are the host's, and pages that no test touches cost nothing.
    fn layout(len: usize) -> Layout {
        Layout::from_size_align(len + Machine::ALIGNMENT, align_of::<u64>())
            .expect("a sensible amount of memory")
    }

    /// Memory of a machine that is gone, with whatever that one has left in it.
    fn take_left(len: usize) -> Option<*mut u8> {
        let mut left = LEFT.lock().expect("nobody panics with it");
        let place = left.iter().position(|(_, there)| *there == len)?;
        let given = left.swap_remove(place).0;
        Some(std::ptr::with_exposed_provenance_mut(given))
    }

    /// A machine with so many bytes of memory, and all of that free but for the records.
    pub fn new(len: usize) -> (Machine, Frames) {
        let given = Machine::take_left(len).unwrap_or_else(|| {
            // SAFETY: the layout is not empty.
            unsafe { alloc_zeroed(Machine::layout(len)) }
        });
        assert!(!given.is_null(), "the host has no memory left");
        let machine = Machine {
            given,
            memory: given.wrapping_add(given.align_offset(Machine::ALIGNMENT)),
            len,
            state: Mutex::default(),
            iommu: None,
        };
        machine.state().spaces.insert(0, BTreeMap::new());
        machine.state().next_space = 1;
        let records = Frames::records_len(len);
        // SAFETY: the records' memory is not given out below.
        let mut frames = unsafe { Frames::new(&machine, PhysAddr(BASE), len, PhysAddr(BASE)) };
        frames.add(PhysAddr(BASE + records as u64), PhysAddr(BASE + len as u64));
        (machine, frames)
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state
            .lock()
            .expect("no test panics while it holds this")
    }

    /// Where physical memory can be read and written.
    pub fn memory(&self, at: PhysAddr) -> *mut u8 {
        let offset = (at.0 - BASE) as usize;
        assert!(
            offset < self.len,
            "physical address {:#x} is not memory",
            at.0
        );
        self.memory.wrapping_add(offset)
    }

    /// The virtual clock.
    pub fn now(&self) -> u64 {
        self.state().now
    }

    /// Moves the clock.
    pub fn advance_to(&self, now: u64) {
        let mut state = self.state();
        assert!(now >= state.now, "time does not go back");
        state.now = now;
    }

    /// When the next timer of any CPU is due, and which CPU's it is.
    pub fn next_timer(&self) -> Option<(u64, usize)> {
        let state = self.state();
        let due = |(cpu, at): (usize, &Option<u64>)| at.map(|at| (at, cpu));
        state.timers.iter().enumerate().filter_map(due).min()
    }

    /// What the timer of a CPU is set to.
    pub fn timer(&self, cpu: usize) -> Option<u64> {
        self.state().timers[cpu]
    }

    /// A timer has fired.
    pub fn clear_timer(&self, cpu: usize) {
        self.state().timers[cpu] = None;
    }

    /// Says on which CPU the kernel runs now.
    pub fn set_current_cpu(&self, cpu: usize) {
        self.state().current_cpu = cpu;
    }

    /// Whether another CPU interrupted this one and it has not entered the kernel since.
    pub fn is_interrupted(&self, cpu: usize) -> bool {
        self.state().interrupted[cpu]
    }

    /// The same, and it enters now.
    pub fn take_interrupted(&self, cpu: usize) -> bool {
        core::mem::take(&mut self.state().interrupted[cpu])
    }

    /// What was written to the console.
    pub fn console(&self) -> String {
        String::from_utf8_lossy(&self.state().console).into_owned()
    }

    /// How the system ended, if it did.
    pub fn ended(&self) -> Option<Shutdown> {
        self.state().ended
    }

    /// Whether a device's interrupt may fire.
    pub fn is_unmasked(&self, number: u32) -> bool {
        self.state().unmasked.contains(&number)
    }

    /// How often code was made visible, and translations were dropped.
    pub fn maintenance(&self) -> (usize, usize) {
        let state = self.state();
        (state.code_synchronized, state.flushes)
    }

    /// Ticks a second of the clock.
    pub fn ticks_per_second(&self) -> u64 {
        TICKS_PER_SECOND
    }

    /// What the clock showed when the kernel started.
    pub fn boot_ticks(&self) -> u64 {
        0
    }

    /// Sets the current CPU's timer.
    pub fn set_timer(&self, at: u64) {
        let mut state = self.state();
        let cpu = state.current_cpu;
        state.timers[cpu] = (at != u64::MAX).then_some(at);
    }

    /// Makes another CPU enter the kernel.
    pub fn interrupt_cpu(&self, cpu: usize) {
        self.state().interrupted[cpu] = true;
    }

    /// Writes to the console.
    pub fn console_write(&self, bytes: &[u8]) {
        self.state().console.extend_from_slice(bytes);
    }

    /// Sets the console up anew, after somebody else had it.
    pub fn console_init(&self) {}

    /// Lets a device's interrupt fire again.
    pub fn unmask_interrupt(&self, number: u32) {
        let mut state = self.state();
        if !state.unmasked.contains(&number) {
            state.unmasked.push(number);
        }
    }

    /// Keeps a device's interrupt from firing.
    pub fn mask_interrupt(&self, number: u32) {
        self.state().unmasked.retain(|&other| other != number);
    }

    /// Reads a device's register: what was written there, or 0.
    pub fn read_device(&self, at: PhysAddr) -> u32 {
        self.state().registers.get(&at.0).copied().unwrap_or(0)
    }

    /// Writes a device's register.
    pub fn write_device(&self, at: PhysAddr, value: u32) {
        self.state().registers.insert(at.0, value);
    }

    /// Writes a device's register of one byte: the lowest of its word.
    pub fn write_device_byte(&self, at: PhysAddr, value: u8) {
        let mut state = self.state();
        if !state.stuck.contains(&at.0) {
            state.registers.insert(at.0, value.into());
        }
    }

    /// Reads a device's register of one byte.
    pub fn read_device_byte(&self, at: PhysAddr) -> u8 {
        self.read_device(at) as u8
    }

    /// A device's register of one byte keeps its value whatever is written, or does not any more.
    pub fn set_stuck(&self, at: PhysAddr, stuck: bool) {
        let mut state = self.state();
        match stuck {
            true => state.stuck.insert(at.0),
            false => state.stuck.remove(&at.0),
        };
    }

    /// From now on there is a unit that checks what devices reach. It is one that plain memory plays.
    pub fn set_iommu(&mut self) {
        const STEP: usize = 64 << 10;
        // Never given back: the unit keeps it for ever, as on a machine.
        let memory = |len: usize| {
            let words = Box::leak(vec![0u64; (len + STEP) / 8].into_boxed_slice());
            let start = words
                .as_mut_ptr()
                .expose_provenance()
                .next_multiple_of(STEP);
            PhysicalRange {
                start: start as u64,
                len: len as u64,
            }
        };
        let info = IommuInfo {
            registers: memory(2 * STEP),
            interrupt: Interrupt {
                number: 1000,
                edge: true,
            },
            phandle: 1,
        };
        let own = memory(iommu::MEMORY_LEN);
        // SAFETY: both are memory of its own, seen where they are.
        let unit = unsafe { iommu::start(&info, &mut |range| range.start as usize, own, || {}) };
        self.iommu = Some(unit);
    }

    /// From now on there are interrupts for this many messages, numbered from [`MESSAGES_START`].
    pub fn set_messages(&self, count: u32) {
        self.state().messages = vec![None; count as usize];
    }

    /// Who sends a message: function and event.
    pub fn message_sender(&self, number: u32) -> Option<(u16, u32)> {
        self.state().messages[(number - MESSAGES_START) as usize]
    }

    /// Whether interrupts can be made of messages that devices send.
    pub fn has_messages(&self) -> bool {
        !self.state().messages.is_empty()
    }

    /// Takes an interrupt for a message of a PCI function.
    pub fn take_message(&self, sender: u16, event: u32) -> Option<Message> {
        let mut state = self.state();
        let free = state.messages.iter().position(Option::is_none)?;
        state.messages[free] = Some((sender, event));
        Some(Message {
            number: MESSAGES_START + free as u32,
            address: 0xfee0_0000,
            data: event,
        })
    }

    /// Gives such an interrupt back.
    pub fn give_back_message(&self, number: u32) {
        self.state().messages[(number - MESSAGES_START) as usize] = None;
    }

    /// The unit that checks what devices reach, if there is one.
    pub fn iommu(&self) -> Option<&SmmuV3> {
        self.iommu.as_ref()
    }

    /// The kernel's own page table.
    pub fn kernel_table(&self) -> PageTable {
        PageTable { space: 0 }
    }

    /// Leaves the `user` address space that is loaded.
    pub fn load_kernel_space(&self) {}

    /// Makes the direct map's alias of 2 MiB read-only: here it is only noted.
    pub fn protect_code_block(&self, base: PhysAddr) {
        assert!(self.state().read_only.insert(base), "it is writable");
    }

    /// Makes it writable again. No CPU may be able to reach the block as code by then.
    pub fn unprotect_code_block(&self, base: PhysAddr) {
        let mut state = self.state();
        assert!(state.read_only.remove(&base), "it is read-only");
        let block = base..base.offset(2 << 20);
        let mapped = state.spaces.values().flat_map(BTreeMap::values);
        let stale = state.stale.values().flat_map(BTreeMap::values);
        let mut seen = mapped.map(|(frame, ..)| frame).chain(stale);
        assert!(
            !seen.any(|frame| block.contains(frame)),
            "code is still seen"
        );
    }

    /// The blocks that are read-only now.
    pub fn read_only_blocks(&self) -> Vec<PhysAddr> {
        self.state().read_only.iter().copied().collect()
    }

    /// Writes into a code frame.
    pub fn write_code(&self, at: PhysAddr, bytes: &[u8]) {
        // SAFETY: the frame is the caller's, and what is written lies in it.
        unsafe {
            self.memory(at)
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len())
        };
    }

    /// Makes ready to be executed what lies in a frame of the boot archive.
    pub fn show_code(&self, frame: PhysAddr) {
        self.state().shown_code.insert(frame);
    }

    /// Whether it was made ready.
    pub fn is_shown_code(&self, frame: PhysAddr) -> bool {
        self.state().shown_code.contains(&frame)
    }

    /// Makes every CPU see new code.
    pub fn synchronize_code(&self) {
        self.state().code_synchronized += 1;
    }

    /// The frame of the user gate: there is none here.
    pub fn user_gate_frame(&self) -> PhysAddr {
        PhysAddr(0)
    }

    /// How many address spaces can be told apart, the kernel's among them.
    pub fn identifiers(&self) -> u32 {
        self.state().identifiers.unwrap_or(1 << 16)
    }

    /// Makes those fewer.
    pub fn set_identifiers(&self, count: u32) {
        self.state().identifiers = Some(count);
    }

    /// Notes how the system ended.
    pub fn shut_down(&self, how: Shutdown) {
        self.state().ended = Some(how);
    }
}
