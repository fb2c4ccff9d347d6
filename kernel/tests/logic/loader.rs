//! Loading images: good ones, damaged ones, and memory that runs out at each step.

use abi::{Call, Error, ProcessParams, Rights};
use kernel::arch::Permission;
use kernel::memory::{Id, PhysAddr};
use kernel::object::{LoadStage, Object, Origin, Process};
use proptest::prelude::*;

use crate::common::{Sim, invariants, params};

/// What a process takes that has nothing yet: the tables of its address space.
const OWN_PAGES: u32 = kernel::arch::PageTable::OWN_FRAMES as u32 + 1;
const IMAGE: &[u8] = include_bytes!("../../../libs/elf/tests/images/riscv64.elf");

/// Puts bytes where the boot archive would be, and gives the root a handle to them.
fn archive(sim: &mut Sim, bytes: &[u8]) -> (PhysAddr, usize) {
    let order = bytes
        .len()
        .div_ceil(4096)
        .next_power_of_two()
        .trailing_zeros() as usize;
    let base = sim.kernel.memory.allocate(order).expect("memory");
    // SAFETY: the block is large enough and this test's.
    unsafe {
        let to = sim.kernel.memory.machine.memory(base);
        to.write_bytes(0, 4096 << order);
        to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
    }
    sim.checked = false; // The block has no owner that the checks know of.
    let folio = sim
        .kernel
        .new_fixed_folio(base, bytes.len(), None)
        .expect("memory");
    let process = sim.kernel.threads[sim.root].process;
    let rights = Rights::READ.union(Rights::EXECUTE).union(Rights::DUPLICATE);
    let handle = sim
        .kernel
        .add_handle(process, Object::Folio(folio), rights)
        .expect("memory");
    (base, handle.raw() as usize)
}

/// A process that nothing is loaded in.
fn empty(sim: &mut Sim, params: ProcessParams) -> (Id<Process>, usize) {
    let (process, handle) = sim.create(params);
    sim.kernel.processes[process].load.stage = LoadStage::Empty;
    (process, handle)
}

fn load(sim: &mut Sim, process: usize, folio: usize, len: usize) -> Result<usize, Error> {
    for steps in 1..10_000 {
        let root = sim.root;
        match sim.call(root, Call::ProcessLoad, &[process, folio, 0, len]) {
            crate::common::Outcome::Done([0, ..]) => return Ok(steps),
            crate::common::Outcome::Done([value, ..]) => {
                let error = Error::from_register(value).expect_err("0 or an error");
                if error != Error::Again {
                    return Err(error);
                }
            }
            other => panic!("{other:?}"),
        }
    }
    panic!("loading does not end");
}

#[test]
fn an_image_is_loaded_and_gone_with_its_process() {
    for isolation in [0, 1] {
        let mut sim = Sim::new(2);
        let (_, folio) = archive(&mut sim, IMAGE);
        let mut before = None;
        for _ in 0..3 {
            let (process, handle) = empty(
                &mut sim,
                ProcessParams {
                    isolation,
                    ..params("loaded")
                },
            );
            load(&mut sim, handle, folio, IMAGE.len()).expect("a good image");
            let root = sim.root;
            let refused = sim.refused(root, Call::ProcessLoad, &[handle, folio, 0, IMAGE.len()]);
            assert_eq!(refused, Error::AlreadyExists);
            let space = sim.kernel.processes[process].space;
            let table = sim.kernel.spaces[space]
                .table
                .translations(&sim.kernel.memory);
            let code = table
                .iter()
                .filter(|(_, (_, p, _))| *p == Permission::Execute)
                .count();
            assert!(code > 0, "code is mapped");
            let (_, used) = sim.kernel.memory.code.frame_counts();
            assert!(used >= code);
            sim.ok(root, Call::ProcessStart, &[handle, 0]);
            sim.ok(root, Call::ProcessKill, &[handle, 0]);
            sim.ok(root, Call::HandleClose, &[handle]);
            sim.collect();
            assert_eq!(sim.kernel.memory.code.frame_counts(), (0, 0));
            let footprint = sim.footprint();
            assert_eq!(*before.get_or_insert(footprint), footprint);
        }
    }
}

/// The image as the linker lays it out with `-z separate-loadable-segments`: each segment on pages of its own in the
/// file as well, here with its address as its place.
fn on_pages() -> Vec<u8> {
    let word = |at: usize| u64::from_le_bytes(IMAGE[at..at + 8].try_into().expect("8 bytes"));
    let mut image = IMAGE[..0x40].to_vec();
    let headers = usize::from(u16::from_le_bytes([IMAGE[0x38], IMAGE[0x39]]));
    for header in (0..headers).map(|i| 0x40 + i * 56) {
        let [place, address, len] = [8, 16, 32].map(|field| word(header + field) as usize);
        image.resize(image.len().max(address + len), 0);
        image[address..address + len].copy_from_slice(&IMAGE[place..place + len]);
    }
    for header in (0..headers).map(|i| 0x40 + i * 56) {
        image[header + 8..header + 16].copy_from_slice(&word(header + 16).to_le_bytes());
    }
    image
}

/// In a boot archive that lies on whole pages, code and constants are shown where they are: whoever runs the
/// image sees the same frames, and nobody is charged for them.
#[test]
fn what_is_never_written_is_the_archives() {
    for isolation in [0, 1] {
        let mut sim = Sim::new(2);
        let image = on_pages();
        let (base, folio) = archive(&mut sim, &image);
        let params = || ProcessParams {
            isolation,
            ..params("loaded")
        };
        let (copied, handle) = empty(&mut sim, params());
        load(&mut sim, handle, folio, image.len()).expect("a good image");
        sim.kernel.archive = base.0..base.offset(image.len()).0;
        let root = sim.root;
        for _ in 0..2 {
            let (process, handle) = empty(&mut sim, params());
            load(&mut sim, handle, folio, image.len()).expect("a good image");
            let mut lent = 0;
            for id in sim.kernel.mappings_of(process) {
                let mapping = &sim.kernel.mappings[id];
                if Some(mapping.folio) != sim.kernel.processes[process].load.folio {
                    continue;
                }
                for i in 0..mapping.pages {
                    let all = &sim.kernel.folios[mapping.folio];
                    let Some(page) = all.page(&sim.kernel.memory, mapping.first_page + i) else {
                        continue; // Zeros, made by their first touch.
                    };
                    let is_written = mapping.permission == Permission::ReadWrite;
                    assert_eq!(page.origin == Origin::Fixed, !is_written);
                    assert_eq!(sim.kernel.archive.contains(&page.frame.0), !is_written);
                    lent += usize::from(!is_written);
                    let is_code = mapping.permission == Permission::Execute;
                    assert_eq!(sim.kernel.memory.machine.is_shown_code(page.frame), is_code);
                }
            }
            assert_eq!(lent, 2, "a page of constants and one of code");
            let pages = |id: Id<Process>| sim.kernel.processes[id].memory_pages;
            assert_eq!(pages(process) + lent, pages(copied));
            sim.ok(root, Call::ProcessStart, &[handle, 0]);
            sim.ok(root, Call::ProcessKill, &[handle, 0]);
            sim.collect();
        }
        // SAFETY: the archive is still there.
        let bytes = unsafe {
            std::slice::from_raw_parts(sim.kernel.memory.machine.memory(base), image.len())
        };
        assert!(bytes == image);
    }
}

/// Elsewhere they are copied: beside pages, or in memory that is not known to be read-only.
#[test]
fn images_beside_pages_are_copied() {
    let mut sim = Sim::new(1);
    let image = on_pages();
    let mut bytes = vec![0; 512];
    bytes.extend_from_slice(&image);
    let (base, folio) = archive(&mut sim, &bytes);
    sim.kernel.archive = base.0..base.0 + bytes.len() as u64;
    let (process, handle) = empty(&mut sim, params("loaded"));
    let root = sim.root;
    loop {
        match sim.call(root, Call::ProcessLoad, &[handle, folio, 512, image.len()]) {
            crate::common::Outcome::Done([0, ..]) => break,
            crate::common::Outcome::Done([value, ..]) => {
                assert_eq!(Error::from_register(value), Err(Error::Again));
            }
            other => panic!("{other:?}"),
        }
    }
    let loaded = sim.kernel.processes[process]
        .load
        .folio
        .expect("it is there");
    assert_eq!(sim.kernel.folios[loaded].lent, 0);
    assert!(sim.kernel.memory.code.frame_counts().1 > 0);
}

#[test]
fn no_part_of_an_image_can_be_unmapped() {
    let mut sim = Sim::new(2);
    let (_, folio) = archive(&mut sim, IMAGE);
    let (process, handle) = empty(&mut sim, params("loaded"));
    load(&mut sim, handle, folio, IMAGE.len()).expect("a good image");
    let root = sim.root;
    sim.ok(root, Call::ProcessStart, &[handle, 0]);
    let thread = sim.kernel.processes[process]
        .threads
        .expect("it was started");
    let first: Vec<usize> = sim
        .kernel
        .mappings_of(process)
        .map(|id| sim.kernel.mappings[id].address)
        .collect();
    for address in first {
        assert_eq!(
            sim.refused(thread, Call::FolioUnmap, &[address]),
            Error::NotFound
        );
    }
}

#[test]
fn all_steps_name_the_same_image() {
    let mut sim = Sim::new(1);
    let (_, folio) = archive(&mut sim, IMAGE);
    let (_, handle) = empty(&mut sim, params("loaded"));
    let root = sim.root;
    let again = sim.refused(root, Call::ProcessLoad, &[handle, folio, 0, IMAGE.len()]);
    assert_eq!(again, Error::Again);
    let other = sim.refused(
        root,
        Call::ProcessLoad,
        &[handle, folio, 0, IMAGE.len() - 1],
    );
    assert!(matches!(other, Error::InvalidArgument | Error::BadImage));
    load(&mut sim, handle, folio, IMAGE.len()).expect("the first one goes on");
}

/// Loading under every memory limit: it ends with the limit or with success, and what it was
/// charged comes back.
#[test]
fn loading_under_any_limit_leaves_nothing_behind() {
    load_under_any_limit(IMAGE, false);
    load_under_any_limit(&on_pages(), true);
}

fn load_under_any_limit(image: &[u8], lent: bool) {
    let mut sim = Sim::new(1);
    let (base, folio) = archive(&mut sim, image);
    if lent {
        sim.kernel.archive = base.0..base.offset(image.len()).0;
    }
    let root = sim.root;
    let mut loaded = 0;
    for limit in OWN_PAGES..120 {
        let (_, handle) = empty(
            &mut sim,
            ProcessParams {
                memory_pages_max: limit,
                ..params("small")
            },
        );
        let result = load(&mut sim, handle, folio, image.len());
        let started = result.and_then(|_| match sim.call(root, Call::ProcessStart, &[handle, 0]) {
            crate::common::Outcome::Done(results) => Error::from_register(results[0]),
            other => panic!("{other:?}"),
        });
        match started {
            Ok(_) => loaded += 1,
            Err(error) => assert_eq!(error, Error::MemoryLimit, "with {limit} pages"),
        }
        sim.ok(root, Call::HandleClose, &[handle]);
        if started.is_ok() {
            for id in sim.kernel.processes.ids().collect::<Vec<_>>() {
                if sim.kernel.init != Some(id) {
                    sim.kernel.end_process(id, 0, 0);
                }
            }
        }
        sim.collect();
        assert_eq!(sim.kernel.processes.len(), 1);
        assert_eq!(sim.kernel.memory.code.frame_counts(), (0, 0));
    }
    assert!(loaded > 10, "{loaded}");
}

/// The machine runs out of memory in the middle, gets some back, and loading goes on.
#[test]
fn loading_goes_on_after_memory_ran_out() {
    let mut refusals = 0;
    for left in 0..80 {
        let mut sim = Sim::new(1);
        let (_, folio) = archive(&mut sim, IMAGE);
        let (process, handle) = empty(&mut sim, params("loaded"));
        let mut hoard = Vec::new();
        while sim.kernel.memory.available() > left {
            hoard.push(sim.kernel.memory.allocate(0).expect("it is available"));
        }
        let mut give_back = hoard.into_iter();
        loop {
            match load(&mut sim, handle, folio, IMAGE.len()) {
                Ok(_) => break,
                Err(error) => assert_eq!(error, Error::OutOfMemory),
            }
            refusals += 1;
            give_back
                .by_ref()
                .take(64)
                .for_each(|frame| sim.kernel.memory.free(frame));
        }
        // All code is in code frames: nothing was skipped.
        let load = sim.kernel.processes[process].load;
        for id in sim.kernel.mappings_of(process) {
            let mapping = &sim.kernel.mappings[id];
            if mapping.permission == Permission::Execute {
                for i in 0..mapping.pages {
                    let page = sim.kernel.folios[mapping.folio]
                        .page(&sim.kernel.memory, mapping.first_page + i);
                    assert!(
                        page.is_some_and(|page| page.origin == Origin::CodePool),
                        "page {i} of the code at {:#x}",
                        load.base
                    );
                }
            }
        }
    }
    assert!(refusals > 0);
}

/// Loads whatever bytes; returns how it ended. Nothing may stay behind.
fn load_anything(bytes: &[u8]) -> Result<usize, Error> {
    let mut sim = Sim::with_memory(1, 16 << 20);
    let (_, folio) = archive(&mut sim, bytes);
    let root = sim.root;
    let (_, handle) = empty(&mut sim, params("fuzzed"));
    let result = load(&mut sim, handle, folio, bytes.len());
    if result.is_ok() {
        sim.ok(root, Call::ProcessStart, &[handle, 0]);
    }
    sim.ok(root, Call::ProcessKill, &[handle, 0]);
    sim.ok(root, Call::HandleClose, &[handle]);
    sim.collect();
    assert_eq!(sim.kernel.processes.len(), 1);
    assert_eq!(sim.kernel.memory.code.frame_counts(), (0, 0));
    let _ = invariants::check;
    result
}

#[test]
fn truncated_images_are_refused() {
    for len in (0..IMAGE.len()).step_by(IMAGE.len() / 60 + 1).chain(0..70) {
        if let Err(error) = load_anything(&IMAGE[..len]) {
            assert_eq!(error, Error::BadImage);
        }
    }
    load_anything(IMAGE).expect("the whole one is good");
}

proptest! {
    #![proptest_config(trials::cases(200))]

    /// Bytes changed where they hurt: in the headers, the tables, anywhere.
    #[test]
    fn damaged_images_never_harm(changes in prop::collection::vec((any::<u32>(), any::<u8>(), any::<bool>()), 1..8)) {
        let mut bytes = IMAGE.to_vec();
        for (at, value, early) in changes {
            let len = if early { 64 + 56 * 10 } else { bytes.len() };
            let at = at as usize % len.min(bytes.len());
            bytes[at] = value;
        }
        let _ = load_anything(&bytes);
    }
}

/// A component that is loaded, started, works a little and is killed, again and again: 1,000 lives, 10,000
/// with `--long`. Free memory and the number of objects and handles are as they were.
#[test]
fn many_lives_leave_nothing_behind() {
    let lives = match std::env::var_os("FTL_LONG") {
        Some(_) => 10_000,
        None => 1_000,
    };
    let mut sim = Sim::new(2);
    let (_, folio) = archive(&mut sim, IMAGE);
    let root = sim.root;
    let root_process = sim.kernel.threads[root].process;
    let mut before = None;
    for life in 0..lives {
        let isolation = life % 2;
        let (process, handle) = empty(
            &mut sim,
            ProcessParams {
                isolation,
                ..params("mortal")
            },
        );
        load(&mut sim, handle, folio, IMAGE.len()).expect("a good image");
        let (ours, theirs) = sim.channel(root, 4, 64);
        sim.ok(root, Call::ProcessStart, &[handle, theirs]);
        let thread = sim.kernel.processes[process].threads.expect("started");
        let queue = sim.queue(thread);
        sim.attach(thread, queue, 1 << 16, 1);
        sim.send(root, ours, 7);
        if life % 3 > 0 {
            sim.poll(thread, queue).expect("a message");
        }
        let memory = sim.ok(thread, Call::FolioCreate, &[30 << 12, 0]);
        let address = sim.ok(thread, Call::FolioMap, &[memory, 0, 30 << 12, 1]);
        sim.touch(thread, address + 4096, true);
        sim.ok(root, Call::ProcessKill, &[handle, 0]);
        sim.ok(root, Call::HandleClose, &[handle]);
        sim.ok(root, Call::HandleClose, &[ours]);
        sim.collect();
        let now = (
            sim.footprint(),
            sim.kernel.processes[root_process].handles.len(),
            sim.kernel.memory.code.frame_counts(),
        );
        // Slabs grow in the first two lives.
        if life >= 2 {
            assert_eq!(*before.get_or_insert(now), now, "life {life}");
        }
    }
}
