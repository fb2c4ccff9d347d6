//! Folios, mappings and address spaces: promises, and that large ones come and go in steps.

use abi::{Call, Error, ProcessParams};

use crate::common::{Outcome, Sim, params};
use crate::processes::kill;

#[test]
fn a_folio_is_mapped_a_thousand_times_and_unmapped_in_steps() {
    let mut sim = Sim::with_memory(2, 64 << 20);
    sim.checked = false;
    let child = sim.spawn(params("mapper"));
    let thread = child.thread;
    // Upper tables stay.
    let charged = |sim: &Sim| {
        let process = &sim.kernel.processes[child.process];
        process.memory_pages - process.space_pages
    };
    let before = charged(&sim);
    let small = sim.ok(thread, Call::FolioCreate, &[4096, 0]);
    let all: Vec<usize> = (0..1000)
        .map(|_| sim.ok(thread, Call::FolioMap, &[small, 0, 4096, 1]))
        .collect();
    sim.touch(thread, all[500], true);
    crate::common::invariants::check(&sim.kernel);
    for address in all {
        sim.ok(thread, Call::FolioUnmap, &[address]);
        assert_eq!(
            sim.refused(thread, Call::FolioUnmap, &[address]),
            Error::NotFound
        );
    }
    let large = sim.ok(thread, Call::FolioCreate, &[2000 << 12, 0]);
    let address = sim.ok(thread, Call::FolioMap, &[large, 0, 2000 << 12, 0]);
    let mut steps = 1;
    while let Outcome::Done([value, ..]) = sim.call(thread, Call::FolioUnmap, &[address])
        && value == Error::Again.to_register()
    {
        steps += 1;
    }
    assert_eq!(steps, 4);
    for handle in [small, large] {
        sim.ok(thread, Call::HandleClose, &[handle]);
    }
    sim.collect();
    crate::common::invariants::check(&sim.kernel);
    // The table of handles, one frame, is all that is left.
    assert!(charged(&sim) <= before + 1);
}

/// Promised memory is there when it is touched, whoever asked for more in between.
#[test]
fn promises_are_kept() {
    let mut sim = Sim::with_memory(1, 8 << 20);
    let root = sim.root;
    let left = sim.kernel.memory.available() - 40;
    let folio = sim.ok(root, Call::FolioCreate, &[left << 12, 0]);
    let address = sim.ok(root, Call::FolioMap, &[folio, 0, left << 12, 1]);
    let mut refused = 0;
    for _ in 0..3000 {
        let made = sim.call(root, Call::TimerCreate, &[]);
        let Outcome::Done([value, ..]) = made else {
            panic!("{made:?}")
        };
        refused += usize::from(value == Error::OutOfMemory.to_register());
        sim.checked = false;
    }
    assert!(refused > 0);
    for page in 0..left {
        sim.touch(root, address + page * 4096, true);
    }
    crate::common::invariants::check(&sim.kernel);
    assert!(sim.cpu_of(root).is_some(), "it lives");
}

/// A contiguous folio is zeroed in steps, one a call, however many threads want one.
#[test]
fn contiguous_folios_are_zeroed_in_steps() {
    let mut sim = Sim::new(2);
    let child = sim.spawn(params("dma"));
    let thread = child.thread;
    let free = sim.footprint()[0];
    let calls = |sim: &mut Sim, pages: usize| {
        let mut calls = 1;
        loop {
            match sim.call(thread, Call::FolioCreate, &[pages << 12, 1]) {
                Outcome::Done([value, ..]) => match Error::from_register(value) {
                    Ok(handle) => return (calls, handle),
                    Err(error) => assert_eq!(error, Error::Again),
                },
                other => panic!("{other:?}"),
            }
            calls += 1;
        }
    };
    assert_eq!(calls(&mut sim, 1).0, 1);
    let (steps, handle) = calls(&mut sim, 256);
    assert_eq!(steps, 16);
    assert_eq!(sim.ok(thread, Call::FolioSize, &[handle]), 256 << 12);
    // One is begun and never fetched: it makes way for the next.
    assert_eq!(
        sim.refused(thread, Call::FolioCreate, &[200 << 12, 1]),
        Error::Again
    );
    let (steps, _) = calls(&mut sim, 64);
    assert!(steps <= 20, "{steps}");
    // And one that is begun goes with its process.
    assert_eq!(
        sim.refused(thread, Call::FolioCreate, &[100 << 12, 1]),
        Error::Again
    );
    kill(&mut sim, child);
    sim.collect();
    assert!(sim.footprint()[0] > free);
}

/// The tree of mappings against a model.
#[test]
fn mappings_are_found_among_many() {
    use kernel::arch::{Machine, Permission};
    use kernel::memory::Slab;
    use kernel::object::{Mapping, Purpose, mapping};
    use std::collections::BTreeMap;

    let mut sim = Sim::new(1);
    let root = sim.root;
    let folio = sim.ok(root, Call::FolioCreate, &[4096, 0]);
    let kernel::object::Object::Folio(folio) = sim.object(root, folio) else {
        panic!("a folio was made")
    };
    let (machine, mut frames) = Machine::new(8 << 20);
    let mut all = Slab::new();
    let (mut tree, mut model) = (None, BTreeMap::new());
    let mut random = 12345u64;
    for round in 0..20_000usize {
        random = random.wrapping_mul(6364136223846793005).wrapping_add(1);
        let address = ((random >> 40) as usize % 3000) * 0x4000;
        if let Some(id) = model.remove(&address) {
            mapping::remove(&mut all, &mut tree, id);
            all.remove(id);
        } else {
            all.reserve(&machine, &mut frames).expect("memory");
            let id = all.insert(Mapping {
                address,
                pages: 1 + round % 4,
                folio,
                first_page: 0,
                permission: Permission::Read,
                revoked: false,
                purpose: Purpose::Component,
                region: None,
                node: Default::default(),
            });
            mapping::insert(&mut all, &mut tree, id);
            model.insert(address, id);
        }
        let height = f64::from(mapping::height(&all, tree));
        assert!(height <= 1.45 * ((model.len() + 2) as f64).log2());
        for probe in [
            address,
            address + 0x3fff,
            address.wrapping_sub(1),
            address ^ 0x3_0000,
        ] {
            let expected = model.range(..=probe).next_back();
            let expected = expected.filter(|&(start, &id)| probe < start + (all[id].pages << 12));
            assert_eq!(
                mapping::find(&all, tree, probe),
                expected.map(|(_, &id)| id)
            );
            let above = model.range(probe.saturating_add(1)..).next();
            assert_eq!(mapping::above(&all, tree, probe), above.map(|(_, &id)| id));
        }
        let highest = model.last_key_value().map(|(_, &id)| id);
        assert_eq!(mapping::highest(&all, tree), highest);
    }
    assert!(model.len() > 1000);
}

/// The TLB of some machine tells fewer address spaces apart than there could be: no two ever have one identifier.
#[test]
fn there_are_no_more_address_spaces_than_identifiers() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let taken = sim.kernel.spaces.ids().count() as u32;
    sim.kernel.memory.machine.set_identifiers(taken + 3);
    let user = ProcessParams {
        isolation: 1,
        ..params("user")
    };
    let living: Vec<_> = (0..3).map(|_| sim.spawn(user)).collect();
    let before = sim.footprint();
    sim.set_params(root, user);
    let system = sim.system;
    assert_eq!(
        sim.refused(root, Call::ProcessCreate, &[system]),
        Error::OutOfMemory
    );
    assert_eq!(sim.footprint(), before);
    // Those under `kernel` need none.
    sim.spawn(ProcessParams {
        isolation: 0,
        ..params("kernel")
    });
    // What one leaves behind, the next one takes.
    for child in living {
        sim.ok(root, Call::ProcessKill, &[child.handle, 5]);
        sim.collect();
        sim.spawn(user);
    }
}
