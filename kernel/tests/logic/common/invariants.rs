//! What must hold of the kernel's state between any two entries.

use std::collections::{HashMap, HashSet};

use abi::{MessageInfo, ProcessState};
use kernel::arch::{PageTable, Permission};
use kernel::kernel::Kernel;
use kernel::memory::{FRAME_LEN, Id, Regions};
use kernel::object::{
    Backing, Folio, LoadStage, Object, Origin, Process, Side, Source, ThreadState, mapping,
};
use kernel::share::SPENT;

/// Panics with what is wrong.
pub fn check(kernel: &Kernel) {
    let handles = all_handles(kernel);
    references(kernel, &handles);
    sources_and_queues(kernel);
    channels(kernel, &handles);
    threads(kernel);
    deadlines(kernel);
    accounts(kernel);
    frames(kernel);
    translations(kernel);
    shoot_downs(kernel);
    the_dead(kernel);
}

/// Whatever handles in tables and in queued messages refer to, and how many of them.
struct Handles {
    all: Vec<Object>,
    /// Whom those in messages count against.
    in_flight: HashMap<Id<Process>, usize>,
    counts: HashMap<Object, u32>,
}

impl Handles {
    fn count(&self, object: Object) -> u32 {
        self.counts.get(&object).copied().unwrap_or(0)
    }
}

fn all_handles(kernel: &Kernel) -> Handles {
    let (mut all, mut in_flight) = (Vec::new(), HashMap::new());
    for id in kernel.processes.ids() {
        let table = &kernel.processes[id].handles;
        let held = (0..table.capacity())
            .filter_map(|index| table.at(index))
            .filter(|entry| !matches!(entry.object, Object::Free(_)))
            .map(|entry| entry.object);
        let before = all.len();
        all.extend(held);
        assert_eq!(
            all.len() - before,
            table.len(),
            "the table counts its handles"
        );
    }
    for id in kernel.channels.ids() {
        let channel = &kernel.channels[id];
        if channel.memory.is_none() {
            continue;
        }
        for side in [Side::A, Side::B] {
            let end = &channel.ends[side as usize];
            for i in 0..end.count {
                let slot = channel.slot(side, (end.head + i) % channel.slots);
                let header = kernel.slot_header(slot);
                let count = MessageInfo::from_bits(header.info).handle_count();
                if let Some(sender) = header.sender {
                    *in_flight.entry(sender).or_default() += count;
                }
                assert_eq!(header.sender.is_some(), count > 0);
                all.extend(header.handles[..count].iter().map(|entry| entry.object));
            }
        }
    }
    let mut counts = HashMap::new();
    for &object in &all {
        *counts.entry(object).or_default() += 1;
    }
    Handles {
        all,
        in_flight,
        counts,
    }
}

/// Counts of references are what there is.
fn references(kernel: &Kernel, handles: &Handles) {
    let count = |object: Object| handles.count(object);
    let mut folio_references: HashMap<_, u32> = HashMap::new();
    let mut refer = |id: Id<Folio>| *folio_references.entry(id).or_default() += 1;
    kernel.trace.folios().for_each(&mut refer);
    for id in kernel.mappings.ids() {
        refer(kernel.mappings[id].folio);
    }
    for id in kernel.processes.ids() {
        let process = &kernel.processes[id];
        process.load.folio.into_iter().for_each(&mut refer);
        let mut next = process.threads;
        while let Some(thread) = next {
            refer(kernel.threads[thread].buffer_folio);
            next = kernel.threads[thread].sibling;
        }
        let in_flight = handles.in_flight.get(&id).copied().unwrap_or(0);
        assert_eq!(process.handles.in_flight, in_flight, "handles under way");
        assert!(process.handles.len() + in_flight <= process.handles.limit());
        let extra = u32::from(kernel.init == Some(id));
        let expected = count(Object::Process(id)) + extra;
        assert_eq!(
            process.references, expected,
            "references to {:?}",
            process.name
        );
    }
    for id in kernel.devices.ids() {
        let device = &kernel.devices[id];
        device.dma.iter().flatten().copied().for_each(&mut refer);
        assert_eq!(device.holder.is_some(), count(Object::Device(id)) == 1);
        for (which, line) in device.lines.iter().enumerate() {
            if let Some(line) = line {
                assert_eq!(kernel.interrupts[*line].device, (id, which as u8));
            }
            if let Some((process, mapping)) = device.mapped[which] {
                let address = kernel.mappings[mapping].address;
                assert_eq!(kernel.mapping_at(process, address), Some(mapping));
            }
        }
        let used =
            device.mapped.iter().any(Option::is_some) || device.lines.iter().any(Option::is_some);
        assert!(
            device.holder.is_some() || !used,
            "nobody has a device that is used"
        );
    }
    for id in kernel.folios.ids() {
        let held = folio_references.get(&id).copied().unwrap_or(0);
        let expected = count(Object::Folio(id)) + held;
        assert_eq!(
            kernel.folios[id].references, expected,
            "references to folio {id:?}"
        );
    }
    for id in kernel.queues.ids() {
        let queue = &kernel.queues[id];
        assert_eq!(queue.references, count(Object::Queue(id)));
        assert!(
            queue.references > 0 || queue.attached > 0 || queue.waiter.is_some(),
            "queue {id:?} is of use to nobody"
        );
    }
    for id in kernel.timers.ids() {
        let timer = &kernel.timers[id];
        assert!(timer.references > 0);
        assert_eq!(timer.references, count(Object::Timer(id)));
    }
    for id in kernel.doorbells.ids() {
        assert!(kernel.doorbells[id].references > 0);
        assert_eq!(kernel.doorbells[id].references, count(Object::Doorbell(id)));
    }
    for id in kernel.interrupts.ids() {
        assert!(kernel.interrupts[id].references > 0);
        assert_eq!(
            kernel.interrupts[id].references,
            count(Object::Interrupt(id))
        );
    }
    for id in kernel.threads.ids() {
        let thread = &kernel.threads[id];
        assert_eq!(thread.references, count(Object::Thread(id)));
    }
    // Handles other than to interrupts and threads, whose objects may end before them, name
    // something that is there.
    for &object in &handles.all {
        let there = match object {
            Object::Queue(id) => kernel.queues.get(id).is_some(),
            Object::Folio(id) => kernel.folios.get(id).is_some(),
            Object::Process(id) => kernel.processes.get(id).is_some(),
            Object::Timer(id) => kernel.timers.get(id).is_some(),
            Object::Doorbell(id) => kernel.doorbells.get(id).is_some(),
            Object::Interrupt(_) => true,
            Object::Device(id) => kernel.devices.get(id).is_some(),
            Object::Channel(_, id) => kernel.channels.get(id).is_some(),
            Object::Thread(id) => kernel.threads.get(id).is_some(),
            Object::System | Object::Free(_) => true,
        };
        assert!(there, "a handle names {object:?}, which is gone");
    }
}

/// Whether a source has to be listed, and whether it may be listed.
fn has_something_to_say(kernel: &Kernel, object: Object) -> (bool, bool) {
    let surely = |yes: bool| (yes, yes);
    match object {
        Object::Channel(side, id) => {
            let channel = &kernel.channels[id];
            let end = &channel.ends[side as usize];
            let over = channel.ended || !channel.ends[side.other() as usize].open;
            // The end is told once and stays true.
            let must = !channel.ended && (end.count > 0 || (end.writable && !over));
            (must, must || over || end.writable)
        }
        Object::Timer(id) => surely(kernel.timers[id].count > 0),
        Object::Doorbell(id) => surely(kernel.doorbells[id].count > 0),
        Object::Interrupt(id) => surely(kernel.interrupts[id].count > 0),
        Object::Process(id) => {
            let process = &kernel.processes[id];
            surely(process.state == ProcessState::Ended && !process.end_reported)
        }
        other => panic!("{other:?} is attached"),
    }
}

/// Rule 7: a source is listed exactly while it has something to say.
fn sources_and_queues(kernel: &Kernel) {
    let mut listed: HashSet<_> = HashSet::new();
    let mut attached: HashMap<_, u32> = HashMap::new();
    for id in kernel.queues.ids() {
        let queue = &kernel.queues[id];
        let (mut next, mut previous) = (queue.head, None::<Id<Source>>);
        while let Some(source) = next {
            let node = &kernel.sources[source];
            assert!(node.queue == id && node.listed && node.previous == previous);
            assert!(listed.insert(source), "a source is listed twice");
            (previous, next) = (Some(source), node.next);
        }
        assert_eq!(queue.tail, previous);
        if let Some(waiter) = queue.waiter {
            assert_eq!(queue.head, None, "a thread waits for what is there");
            assert_eq!(kernel.threads[waiter].state, ThreadState::Waiting(id));
        }
    }
    for id in kernel.sources.ids() {
        let source = &kernel.sources[id];
        *attached.entry(source.queue).or_default() += 1;
        let back = match source.object {
            Object::Channel(side, id) => kernel.channels[id].ends[side as usize].source,
            Object::Timer(id) => kernel.timers[id].source,
            Object::Doorbell(id) => kernel.doorbells[id].source,
            Object::Interrupt(id) => kernel.interrupts[id].source,
            Object::Process(id) => kernel.processes[id].source,
            other => panic!("{other:?} is attached"),
        };
        assert_eq!(back, Some(id), "{:?} knows its source", source.object);
        assert_eq!(source.listed, listed.contains(&id));
        let (must, may) = has_something_to_say(kernel, source.object);
        assert!(source.listed || !must, "{:?} is not listed", source.object);
        assert!(may || !source.listed, "{:?} is listed", source.object);
    }
    for id in kernel.queues.ids() {
        let expected = attached.get(&id).copied().unwrap_or(0);
        assert_eq!(kernel.queues[id].attached, expected);
    }
}

fn channels(kernel: &Kernel, handles: &Handles) {
    for id in kernel.channels.ids() {
        let channel = &kernel.channels[id];
        let waits = channel.ends.iter().any(|end| end.writable_armed);
        let open = channel.ends.iter().all(|end| end.open);
        assert_eq!(channel.calm, open && !waits && !channel.ended);
        for side in [Side::A, Side::B] {
            let (end, there) = (
                &channel.ends[side as usize],
                &channel.ends[side.other() as usize],
            );
            let holders = handles.count(Object::Channel(side, id));
            assert_eq!(
                u32::from(end.open),
                holders,
                "{side:?} of {id:?} has one holder"
            );
            assert!(end.count + end.reserved <= channel.slots || channel.ended);
            if !channel.ended {
                assert_eq!(end.reserved, there.owed, "requests and replies of {id:?}");
                // "Writable" is owed only while there is no room.
                let room = channel.has_room(side) && channel.has_room(side.other());
                assert!(
                    !(end.writable_armed && room),
                    "{side:?} of {id:?} was forgotten"
                );
            }
            if let Some((caller, _)) = end.caller {
                assert_eq!(kernel.threads[caller].state, ThreadState::Calling(id, side));
            }
            assert!(end.source.is_none() || end.open);
        }
        assert!(channel.ended || channel.ends.iter().any(|end| end.open));
    }
}

fn threads(kernel: &Kernel) {
    assert!(kernel.attention || !kernel.has_garbage() && kernel.condemned_threads == 0);
    let mut listed: HashSet<_> = HashSet::new();
    for id in kernel.processes.ids() {
        let process = &kernel.processes[id];
        let (mut next, mut count) = (process.threads, 0);
        while let Some(thread) = next {
            assert!(kernel.threads[thread].process == id);
            listed.insert(thread);
            next = kernel.threads[thread].sibling;
            count += 1;
        }
        assert_eq!(count, process.thread_count);
    }
    let mut dead_on_cpu = 0;
    for cpu in 0..kernel.cpu_count {
        if let Some(current) = kernel.cpus[cpu].current {
            let thread = &kernel.threads[current];
            assert_eq!(thread.cpu as usize, cpu);
            match thread.state {
                ThreadState::Running => {}
                ThreadState::Dead => dead_on_cpu += 1,
                other => panic!("a thread on a CPU is {other:?}"),
            }
            // A CPU that was told to enter the kernel has not chosen yet; nor has one whose timer is due, as it is when
            // the thread that was chosen turns out to have spent its component's share.
            let machine = &kernel.memory.machine;
            let is_due = machine.timer(cpu).is_some_and(|at| at <= machine.now());
            let chooses = machine.is_interrupted(cpu) || is_due;
            if !chooses && thread.state == ThreadState::Running {
                let best = kernel.cpus[cpu].best_ready();
                assert!(
                    best >= u32::from(thread.priority),
                    "CPU {cpu} runs priority {} while {best} is ready",
                    thread.priority
                );
                let share = kernel.processes[thread.process].cpu_share_percent;
                let alone = kernel.cpus[cpu].none_ready()
                    || (share == 100 && best > u32::from(thread.priority) && best < SPENT.into());
                assert!(
                    alone || kernel.memory.machine.timer(cpu).is_some(),
                    "nothing ends the slice on CPU {cpu}"
                );
            }
        } else if kernel.idle_cpus >> cpu & 1 == 1 {
            assert!(kernel.cpus[cpu].none_ready(), "CPU {cpu} sleeps");
        }
        if kernel.idle_cpus >> cpu & 1 == 1 {
            assert_eq!(
                kernel.cpus[cpu].current, None,
                "CPU {cpu} is said to be idle"
            );
        }
    }
    assert_eq!(kernel.condemned_threads, dead_on_cpu);
    let somebody_sleeps = kernel.idle_cpus != 0;
    let mut heads = HashMap::new();
    for id in kernel.threads.ids() {
        let thread = &kernel.threads[id];
        let current = kernel.cpus[thread.cpu as usize].current == Some(id);
        assert!(thread.priority == thread.own_priority || thread.priority == SPENT);
        if !listed.contains(&id) {
            assert_eq!(thread.state, ThreadState::Dead);
            assert!(
                thread.references > 0,
                "a dead thread that nobody knows stays"
            );
            continue;
        }
        match thread.state {
            ThreadState::New => {}
            ThreadState::Running => assert!(current),
            ThreadState::Dead => assert!(current, "a dead thread is still in its process"),
            ThreadState::Waiting(queue) => {
                assert_eq!(kernel.queues[queue].waiter, Some(id));
            }
            ThreadState::Calling(channel, side) => {
                let caller = kernel.channels[channel].ends[side as usize].caller;
                assert_eq!(caller.map(|(caller, _)| caller), Some(id));
            }
            ThreadState::Ready => {
                let cpu = thread.cpu as usize;
                assert!(kernel.cpus[cpu].best_ready() <= u32::from(thread.priority));
                let others = somebody_sleeps && kernel.cpus[cpu].current.is_some();
                assert!(
                    !others,
                    "{id:?} is ready on CPU {cpu} while another CPU sleeps"
                );
                if let Some(next) = thread.next {
                    assert_eq!(kernel.threads[next].previous, Some(id));
                }
                match thread.previous {
                    Some(previous) => assert_eq!(kernel.threads[previous].next, Some(id)),
                    None => assert!(heads.insert((cpu, thread.priority), id).is_none()),
                }
            }
        }
        let waits = matches!(
            thread.state,
            ThreadState::Waiting(_) | ThreadState::Calling(..)
        );
        assert!(
            waits || thread.deadline == u64::MAX,
            "{:?} with a deadline",
            thread.state
        );
        assert_eq!(thread.heap_place == 0, thread.heap_at == u64::MAX);
        assert!(
            thread.heap_at <= thread.deadline,
            "a wait that nothing ends"
        );
    }
}

/// Some CPU is armed for the first deadline or earlier.
fn deadlines(kernel: &Kernel) {
    let listed: usize = kernel
        .processes
        .ids()
        .map(|id| kernel.processes[id].thread_count as usize)
        .sum();
    assert_eq!(
        kernel.deadlines.reservations(),
        listed + kernel.timers.len()
    );
    if let Some((at, _)) = kernel.deadlines.first(&kernel.memory)
        && at != u64::MAX
    {
        let next = kernel.memory.machine.next_timer();
        assert!(
            next.is_some_and(|(timer, _)| timer <= at),
            "a deadline at {at}, but timers: {next:?}"
        );
    }
}

/// Each process is charged for what it has.
fn accounts(kernel: &Kernel) {
    for id in kernel.processes.ids() {
        // Time on CPUs is never given back.
        let counted = kernel.process_cpu_ticks(id);
        assert!(counted >= kernel.processes[id].share_mark, "time is lost");
    }
    let mut promised = 0;
    let mut charged: HashMap<_, usize> = HashMap::new();
    let mut messages: HashMap<_, usize> = HashMap::new();
    for id in kernel.folios.ids() {
        let folio = &kernel.folios[id];
        let pages = folio.pages as usize;
        if folio.references == 0 {
            continue; // Its frames are still there, and nobody's charge.
        }
        let cost = match folio.backing {
            Backing::Fixed(_) => 0,
            Backing::Block(_) => pages,
            Backing::Table(_) => {
                let tables = Folio::tables_for(pages);
                promised += folio.untouched as usize + tables - folio.table_frames as usize;
                pages + tables
            }
        };
        if let Some(process) = folio
            .charged_to
            .filter(|&id| kernel.processes.get(id).is_some())
        {
            *charged.entry(process).or_default() += cost;
        }
    }
    let reserved = kernel.memory.frames.free_count() - kernel.memory.available();
    assert_eq!(reserved, promised, "promised frames");
    for id in kernel.channels.ids() {
        let channel = &kernel.channels[id];
        if !channel.ended {
            *charged.entry(channel.owner).or_default() += 1 << channel.order;
            *messages.entry(channel.owner).or_default() += 2 * channel.slots as usize;
        }
    }
    for id in kernel.devices.ids() {
        if let Some((owner, frames)) = kernel.devices[id].reach.map(|reach| reach.charged()) {
            *charged.entry(owner).or_default() += frames;
        }
    }
    for id in kernel.processes.ids() {
        let process = &kernel.processes[id];
        let mut expected = charged.get(&id).copied().unwrap_or(0);
        expected += process.handles.frame_count();
        let tables = |len: usize| PageTable::leaf_tables(len.div_ceil(abi::PAGE_SIZE));
        let mut addresses = 0;
        for mapping in kernel.mappings_of(id) {
            let region = kernel.mappings[mapping].region;
            expected += region.map_or(0, |(_, len)| tables(len));
            addresses += region.map_or(0, |(_, len)| Regions::footprint(len));
        }
        let load = &process.load;
        let unfinished = match load.stage {
            LoadStage::Gather | LoadStage::Relocate => true,
            LoadStage::Map => load.progress == 0,
            LoadStage::Empty | LoadStage::Done => false,
        };
        if unfinished && load.base != 0 {
            expected += tables(load.len);
            addresses += Regions::footprint(load.len);
        }
        assert_eq!(
            process.addresses, addresses,
            "addresses of {:?}",
            process.name
        );
        expected += process.zeroing.map_or(0, |zeroing| zeroing.pages);
        if process.state != ProcessState::Ended {
            let user = process.isolation == abi::Isolation::User;
            let upper = kernel.spaces[process.space]
                .table
                .upper_tables(&kernel.memory);
            let own = usize::from(user) * (PageTable::OWN_FRAMES + 1) + upper;
            assert_eq!(process.space_pages, own, "tables of {:?}", process.name);
            expected += own;
        }
        assert!(process.memory_pages <= process.memory_pages_max);
        let messages = messages.get(&id).copied().unwrap_or(0);
        assert_eq!(process.messages, messages, "messages of {:?}", process.name);
        assert!(messages <= process.messages_max);
        assert_eq!(
            process.memory_pages, expected,
            "pages charged to {:?}",
            process.name
        );
        let owned = std::iter::successors(process.channels, |&id| kernel.channels[id].next_owned);
        for channel in owned {
            assert!(kernel.channels[channel].owner == id && !kernel.channels[channel].ended);
        }
    }
}

/// No frame has two owners, and none is free and in use.
fn frames(kernel: &Kernel) {
    const BASE: u64 = 0x8000_0000;
    let memory = &kernel.memory;
    // Per frame: 0 unknown, 1 free, 2 owned.
    let mut known = vec![0u8; memory.frames.total() + 4096];
    let mut count = 0;
    for (block, order) in memory.frames.free_blocks() {
        let first = ((block.0 - BASE) / FRAME_LEN as u64) as usize;
        for mark in &mut known[first..first + (1 << order)] {
            assert_eq!(*mark, 0, "free blocks overlap");
            *mark = 1;
        }
        count += 1 << order;
    }
    assert_eq!(count, memory.frames.free_count());
    let mut owned = 0;
    let (mut partly_freed, mut inner_tables, mut code_frames) = (false, 0, 0);
    let mut own = |frame: u64, what: &str| {
        let mark = &mut known[((frame - BASE) / FRAME_LEN as u64) as usize];
        assert_ne!(*mark, 1, "a frame of a {what} is free");
        assert_ne!(*mark, 2, "a frame of a {what} has two owners");
        *mark = 2;
        owned += 1;
    };
    for id in kernel.devices.ids() {
        if let Some(reach) = &kernel.devices[id].reach {
            reach.each_frame(memory, &mut |frame| own(frame.0, "device's table"));
        }
    }
    for id in kernel.folios.ids() {
        let folio = &kernel.folios[id];
        match folio.backing {
            Backing::Fixed(_) => {}
            Backing::Block(base) => {
                for i in 0..u64::from(folio.pages) {
                    own(base.0 + i * FRAME_LEN as u64, "block");
                }
            }
            Backing::Table(root) => {
                own(root.0, "table");
                if folio.pages > 512 && folio.freed_pages > 0 {
                    partly_freed = true; // Its tables are going.
                    continue;
                }
                inner_tables += folio.table_frames as usize - 1;
                let mut touched = 0;
                for i in 0..folio.pages as usize {
                    if let Some(page) = folio.page(memory, i) {
                        touched += 1;
                        if i >= folio.freed_pages && page.origin != Origin::Fixed {
                            own(page.frame.0, "folio");
                            code_frames += usize::from(page.origin == Origin::CodePool);
                        }
                    }
                }
                assert_eq!(touched + folio.untouched, folio.pages, "pages of {id:?}");
            }
        }
    }
    for id in kernel.channels.ids() {
        let channel = &kernel.channels[id];
        if let Some(block) = channel.memory {
            for i in 0..1 << channel.order {
                own(block.0 + i * FRAME_LEN as u64, "channel");
            }
        }
    }
    for id in kernel.spaces.ids() {
        own(kernel.spaces[id].regions.bitmap().0, "space");
    }
    for zeroing in kernel
        .processes
        .ids()
        .filter_map(|id| kernel.processes[id].zeroing)
    {
        for i in 0..zeroing.pages as u64 {
            own(
                zeroing.block.0 + i * FRAME_LEN as u64,
                "block in the making",
            );
        }
    }
    if partly_freed {
        return;
    }
    // Nothing is lost: whatever is not free has an owner.
    // Rule 13: what the kernel cannot write is what may hold code, and nothing else.
    let mut blocks: Vec<_> = memory.code.blocks().collect();
    blocks.sort();
    assert_eq!(blocks, memory.machine.read_only_blocks(), "blocks of code");
    let (code_blocks, code) = memory.code.frame_counts();
    assert!(code > 0 || code_blocks == 0, "a block without code is kept");
    let tables = kernel
        .processes
        .ids()
        .map(|id| kernel.processes[id].handles.frame_count());
    const LOG: usize = 4;
    let expected = owned - code_frames
        + code_blocks
        + inner_tables
        + kernel.object_frames()
        + tables.sum::<usize>()
        + LOG;
    assert_eq!(code_frames, code, "code frames in use");
    assert_eq!(memory.frames.total() - count, expected, "frames in use");
}

/// Rule 11: when the kernel is left, no CPU knows a translation that is gone, except into what a dead process
/// still holds, which is just being cut off.
fn shoot_downs(kernel: &Kernel) {
    for (address, frame) in PageTable::stale_frames(&kernel.memory.machine) {
        let held = kernel.processes.ids().any(|id| {
            let cut_to = kernel.processes[id].unlinked_below;
            let is_under_way = cut_to != 0 && cut_to != usize::MAX;
            is_under_way && kernel.mapping_at(id, address).is_some()
        });
        assert!(held, "not flushed: {address:#x}, which showed {frame:x?}");
    }
}

/// What the page tables say is what mappings allow; rule 13.
fn translations(kernel: &Kernel) {
    let mut visible: HashMap<_, Vec<&kernel::object::Mapping>> = HashMap::new();
    for id in kernel.processes.ids() {
        let process = &kernel.processes[id];
        let mut tallest = 0;
        for mapping in kernel.mappings_of(id) {
            visible
                .entry(process.space)
                .or_default()
                .push(&kernel.mappings[mapping]);
            tallest += 1;
        }
        // 1.44 times the logarithm is the worst of such trees.
        let height = mapping::height(&kernel.mappings, process.mappings);
        assert!(f64::from(height) <= 1.45 * f64::from(tallest + 2).log2());
    }
    for id in kernel.spaces.ids() {
        let mut mappings = visible.remove(&id).unwrap_or_default();
        mappings.sort_by_key(|mapping| mapping.address);
        for pair in mappings.windows(2) {
            assert!(pair[0].address + pair[0].pages * FRAME_LEN <= pair[1].address);
        }
        for (address, (frame, permission, _)) in
            kernel.spaces[id].table.translations(&kernel.memory)
        {
            let after = mappings.partition_point(|mapping| mapping.address <= address);
            let mapping = after
                .checked_sub(1)
                .map(|i| mappings[i])
                .filter(|mapping| address < mapping.address + mapping.pages * FRAME_LEN)
                .filter(|mapping| !mapping.revoked)
                .unwrap_or_else(|| panic!("{address:#x} is translated but not mapped"));
            assert_eq!(permission, mapping.permission);
            let index = mapping.first_page + (address - mapping.address) / FRAME_LEN;
            let folio = &kernel.folios[mapping.folio];
            let page = folio
                .page(&kernel.memory, index)
                .unwrap_or_else(|| panic!("{address:#x} shows a page that is not there"));
            assert_eq!(page.frame, frame, "at {address:#x}");
            let executable = permission == Permission::Execute;
            let writable = permission.allows(Permission::ReadWrite);
            assert!(!(executable && writable));
            // Both are read-only in the kernel's map of all memory.
            let is_read_only = page.origin == Origin::CodePool
                || kernel.archive.contains(&page.frame.0) && page.origin == Origin::Fixed;
            assert!(
                !(is_read_only && writable),
                "code at {address:#x} can be written"
            );
            assert!(
                is_read_only || !executable,
                "{address:#x} is executable but neither a code frame nor the archive's"
            );
        }
    }
    assert!(visible.is_empty(), "mappings in a space that is gone");
}

/// What is dead is on the lists of the dead.
fn the_dead(kernel: &Kernel) {
    let processes: HashSet<_> =
        std::iter::successors(kernel.dead_processes, |&id| kernel.processes[id].next_dead)
            .collect();
    for id in kernel.processes.ids() {
        let process = &kernel.processes[id];
        let ripe = process.state == ProcessState::Ending && process.thread_count == 0;
        assert_eq!(ripe, processes.contains(&id), "{:?}", process.name);
        if process.state == ProcessState::Ended {
            assert!(process.threads.is_none() && process.mappings.is_none());
            assert!(process.channels.is_none() && process.handles.is_empty());
        }
    }
    let channels: HashSet<_> =
        std::iter::successors(kernel.dead_channels, |&id| kernel.channels[id].next_dead).collect();
    for id in kernel.channels.ids() {
        let channel = &kernel.channels[id];
        let ripe = channel.ended && channel.memory.is_some();
        assert_eq!(ripe, channels.contains(&id), "channel {id:?}");
        let husk = channel.ended && channel.memory.is_none();
        assert!(
            !husk || channel.ends.iter().any(|end| end.open),
            "a husk without holder"
        );
    }
    let folios: HashSet<_> =
        std::iter::successors(kernel.dead_folios, |&id| kernel.folios[id].next_dead).collect();
    for id in kernel.folios.ids() {
        let ripe = kernel.folios[id].references == 0;
        assert_eq!(ripe, folios.contains(&id), "folio {id:?}");
    }
}
