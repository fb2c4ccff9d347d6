//! A walk of all page tables as the hardware sees them: that what isolation rests on is so, and not only meant.
//!
//! It is made only if the boot arguments say `ftl.check=tables`, for tests: whenever a process was started and
//! whenever one was taken apart, and takes as long as it takes, while all else waits. A finding ends the kernel.
//!
//! 1. No page is writable and executable, and no frame is executable at one address and writable at another, in
//!    whichever address spaces (rule 13).
//! 2. User mode can reach nothing in the kernel's half. That half is the same in all address spaces.
//!    No two have the same identifier in the TLB.
//! 3. What is mapped where components are is what their mappings say: this frame of that folio, with no more
//!    permission than given. So no component sees a frame of the kernel's, or of a component that shares none
//!    with it. User mode sees nothing else but the gate.
//!
//! Deliberately absent: what the hardware may still know of what tables said before. That CPUs are told to forget
//! is checked on the simulated machine (`kernel/tests/logic/common/invariants.rs`).

use abi::{Isolation, PAGE_SIZE};

use crate::arch::{KERNEL_COMPONENT_AREA, Leaf, Permission, USER_GATE};
use crate::kernel::Kernel;
use crate::log::Level;
use crate::memory::{FRAME_LEN, Id, PhysAddr};
use crate::object::Space;

/// What the walks have seen so far.
#[derive(Clone, Copy, Default)]
pub struct Walks {
    /// How many there were.
    count: u64,
    /// Pages in the last one, those that can be executed, and those of components.
    pages: u64,
    executable: u64,
    components: u64,
    /// The most address spaces in one.
    spaces_max: u64,
}

/// A bit for each frame between two: whether it can be executed somewhere.
struct Executable {
    first: u64,
    frames: usize,
    bits: PhysAddr,
    order: usize,
}

impl Kernel {
    /// Walks all tables, if the boot arguments asked for it.
    pub fn check_tables(&mut self) {
        let Some(mut walks) = self.walks else { return };
        walks.count += 1;
        (walks.pages, walks.executable, walks.components) = (0, 0, 0);
        walks.spaces_max = walks.spaces_max.max(self.spaces.ids().count() as u64);

        let identifiers = self.memory.machine.identifiers();
        for id in self.spaces.ids() {
            // The identifier is the number, which is unique as long as it is not cut off.
            let number = self.spaces.number(id).expect("it lives");
            assert!(
                number < identifiers,
                "address space {number} has no identifier"
            );
        }
        let (mut low, mut high) = (u64::MAX, 0);
        self.each_leaf(&mut |_, leaf| {
            assert!(
                !(leaf.writable && leaf.executable),
                "{:#x} is writable and executable",
                leaf.address
            );
            walks.pages += leaf.pages as u64;
            if leaf.executable {
                walks.executable += leaf.pages as u64;
                low = low.min(leaf.frame.0);
                high = high.max(leaf.frame.0 + (leaf.pages * FRAME_LEN) as u64);
            }
        });
        let executable = self.executable_frames(low, high);
        self.each_leaf(&mut |_, leaf| {
            if leaf.writable {
                let found = executable.any(self, &leaf);
                assert!(
                    found.is_none(),
                    "frame {:x?}, which {:#x} shows writable, is executable elsewhere",
                    found,
                    leaf.address
                );
            }
        });
        self.each_leaf(&mut |space, leaf| {
            let is_kernel = space == self.kernel_space;
            assert_eq!(leaf.user, !is_kernel, "who may reach {:#x}", leaf.address);
            let (start, len) = KERNEL_COMPONENT_AREA;
            if !is_kernel || (start..start + len).contains(&leaf.address) {
                walks.components += leaf.pages as u64;
                self.check_mapped(space, &leaf);
            }
        });
        self.memory.free(executable.bits);
        self.walks = Some(walks);
    }

    /// All pages of all address spaces; of those under `user` without the kernel's half.
    fn each_leaf(&self, seen: &mut dyn FnMut(Id<Space>, Leaf)) {
        for id in self.spaces.ids() {
            self.spaces[id]
                .table
                .each_leaf(&self.memory, &mut |leaf| seen(id, leaf));
        }
    }

    fn executable_frames(&mut self, low: u64, high: u64) -> Executable {
        let frames = (high.saturating_sub(low) / FRAME_LEN as u64) as usize;
        let order = frames.div_ceil(8 * FRAME_LEN).next_power_of_two().ilog2() as usize;
        let bits = self
            .memory
            .allocate(order)
            .expect("a walk of the page tables needs a little memory");
        self.memory.zero(bits, FRAME_LEN << order);
        let executable = Executable {
            first: low,
            frames,
            bits,
            order,
        };
        self.each_leaf(&mut |_, leaf| {
            if leaf.executable {
                executable.add(self, &leaf);
            }
        });
        executable
    }

    /// What a component sees must be what it, or another one in its address space, has mapped there.
    fn check_mapped(&self, space: Id<Space>, leaf: &Leaf) {
        let address = leaf.address;
        if space != self.kernel_space && address == USER_GATE {
            assert_eq!(leaf.frame, self.memory.machine.user_gate_frame());
            return assert!(leaf.executable, "the gate is there to be called");
        }
        assert_eq!(leaf.pages, 1, "components have small pages: {address:#x}");
        let mapping = self
            .processes
            .ids()
            .filter(|&id| self.processes[id].space == space)
            .find_map(|id| {
                let is_user = self.processes[id].isolation == Isolation::User;
                let mapping = self.mapping_at(id, address)?;
                (is_user == leaf.user).then_some(&self.mappings[mapping])
            })
            .unwrap_or_else(|| panic!("{address:#x} can be seen and is not mapped"));
        let index = mapping.first_page + (address - mapping.address) / PAGE_SIZE;
        let page = self.folios[mapping.folio].page(&self.memory, index);
        assert!(
            page.is_some_and(|page| page.frame == leaf.frame) && !mapping.revoked,
            "{address:#x} shows another frame than its folio's"
        );
        let given = mapping.permission;
        assert!(!leaf.writable || given.allows(Permission::ReadWrite));
        assert!(!leaf.executable || given == Permission::Execute);
    }

    /// Says what the walks have seen, at the end.
    pub fn report_walks(&mut self) {
        let Some(walks) = self.walks else { return };
        let Walks {
            count,
            pages,
            executable,
            components,
            spaces_max,
        } = walks;
        self.log_line(
            Level::Info,
            "kernel",
            format_args!(
                "page tables walked {count} times, up to {spaces_max} address spaces; last {pages} pages, \
                 {executable} executable, {components} of components"
            ),
        );
    }
}

impl Executable {
    /// The byte and the bit of frame number `at` of the leaf, if it is between the two.
    fn place(&self, leaf: &Leaf, at: usize) -> Option<(PhysAddr, u64)> {
        let frame = leaf.frame.0 + (at * FRAME_LEN) as u64;
        let number = (frame.checked_sub(self.first)? / FRAME_LEN as u64) as usize;
        let word = self.bits.offset(number / 64 * 8);
        (number < self.frames && number / 64 * 8 < FRAME_LEN << self.order)
            .then_some((word, 1 << (number % 64)))
    }

    fn add(&self, kernel: &Kernel, leaf: &Leaf) {
        for at in 0..leaf.pages {
            if let Some((word, bit)) = self.place(leaf, at) {
                let word = kernel.memory.machine.memory(word).cast::<u64>();
                // SAFETY: `place` gives words of the block that was allocated for the bits.
                unsafe { word.write(word.read() | bit) };
            }
        }
    }

    fn any(&self, kernel: &Kernel, leaf: &Leaf) -> Option<usize> {
        (0..leaf.pages).find(|&at| {
            self.place(leaf, at)
                .is_some_and(|(word, bit)| kernel.memory.read_u64(word) & bit != 0)
        })
    }
}
