//! The trace: what is written down, and that it changes nothing.

use abi::{
    Call, Error, MessageKind, TRACE_MAGIC, TraceHeader, TraceKind, TraceMessage, TraceRecord,
};
use kernel::object::{Backing, Object};

use crate::common::{Sim, info};

const HEADER_LEN: usize = size_of::<TraceHeader>();
const RECORD_LEN: usize = size_of::<TraceRecord>();
const FOREVER: usize = abi::call::FOREVER;

/// A folio of one page, for a ring of 126 records.
fn ring(sim: &mut Sim) -> usize {
    let root = sim.root;
    sim.ok(
        root,
        Call::FolioCreate,
        &[4096, abi::call::FOLIO_CONTIGUOUS],
    )
}

fn bytes(sim: &Sim, folio: usize) -> *const u8 {
    let Object::Folio(id) = sim.object(sim.root, folio) else {
        panic!("no folio")
    };
    let Backing::Block(base) = sim.kernel.folios[id].backing else {
        panic!("not contiguous")
    };
    sim.kernel.memory.machine.memory(base)
}

fn header(sim: &Sim, folio: usize) -> TraceHeader {
    // SAFETY: a page of the simulated machine's memory, with a header at its beginning.
    unsafe { bytes(sim, folio).cast::<TraceHeader>().read() }
}

/// All records that are there, the oldest first.
fn records(sim: &Sim, folio: usize) -> Vec<TraceRecord> {
    let TraceHeader {
        written, capacity, ..
    } = header(sim, folio);
    let base = bytes(sim, folio);
    (written.saturating_sub(capacity)..written)
        .map(|number| {
            let at = HEADER_LEN + (number % capacity) as usize * RECORD_LEN;
            // SAFETY: within the page, by the ring's capacity.
            unsafe { base.add(at).cast::<TraceRecord>().read() }
        })
        .collect()
}

fn kinds(records: &[TraceRecord]) -> Vec<TraceKind> {
    let known = |record: &TraceRecord| record.kind().expect("a kind that is known");
    records.iter().map(known).collect()
}

#[test]
fn a_round_trip_is_written_down() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let (near, far) = sim.channel(root, 4, 64);
    let queue = sim.queue(root);
    sim.attach(root, queue, far, 9);
    let (server, _) = sim.thread(root);
    sim.ok(root, Call::Yield, &[]);
    sim.blocks(server, Call::Wait, &[queue, FOREVER]);
    let folio = ring(&mut sim);
    let system = sim.system;
    sim.ok(root, Call::Trace, &[system, 0, folio]);
    assert!(sim.kernel.attention, "the direct way is closed");

    let request = info(MessageKind::Request, 24, 0);
    sim.blocks(root, Call::Call, &[near, request, 77, 0, 0, FOREVER]);
    let reply = info(MessageKind::Reply, 8, 0);
    let both = far | queue << 32;
    sim.blocks(server, Call::SendWait, &[both, reply, 77, 0, 0, FOREVER]);
    sim.ok(root, Call::Trace, &[system, 0, 0]);
    assert!(!sim.kernel.attention);

    let all = records(&sim, folio);
    let from = |kind| move |record: &&TraceRecord| record.kind() == Some(kind);
    let sent: Vec<_> = all.iter().filter(from(TraceKind::Sent)).collect();
    let received: Vec<_> = all.iter().filter(from(TraceKind::Received)).collect();
    let messages: Vec<_> = sent
        .iter()
        .map(|record| TraceMessage::from_extra(record.extra()))
        .collect();
    let expected = |len, kind: MessageKind| TraceMessage {
        transaction: 77,
        len,
        kind: kind as u8,
    };
    assert_eq!(
        messages,
        [
            expected(24, MessageKind::Request),
            expected(8, MessageKind::Reply)
        ]
    );
    for (sent, received) in sent.iter().zip(&received) {
        assert_eq!(sent.value, received.value, "one channel");
        assert_eq!(sent.extra(), received.extra());
        assert_ne!(sent.subject, received.subject);
    }
    let switches = all.iter().filter(from(TraceKind::Switch)).count();
    assert_eq!(switches, 3, "{:?}", kinds(&all));
    let named = all.iter().find(from(TraceKind::Name)).expect("a name");
    let process = sim.kernel.threads[root].process;
    assert_eq!(named.subject, process.number());
    let name = sim.kernel.processes[process].name;
    assert!(
        name.as_str()
            .as_bytes()
            .starts_with(&named.value.to_le_bytes()[..name.as_str().len().min(8)])
    );
    let head = header(&sim, folio);
    assert_eq!((head.magic, head.capacity), (TRACE_MAGIC, 126));
}

#[test]
fn the_oldest_is_written_over_and_names_come_again() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let folio = ring(&mut sim);
    let system = sim.system;
    sim.ok(root, Call::Trace, &[system, 0, folio]);
    let (second, _) = sim.thread(root);
    for _ in 0..500 {
        sim.ok(root, Call::Yield, &[]);
        sim.ok(second, Call::Yield, &[]);
    }
    assert!(header(&sim, folio).written > 1000);
    let all = records(&sim, folio);
    assert_eq!(all.len(), 126);
    assert!(all.is_sorted_by_key(|record| record.ticks));
    assert!(kinds(&all).contains(&TraceKind::Name));
}

#[test]
fn only_init_may_and_only_into_contiguous_memory() {
    let mut sim = Sim::new(2);
    let root = sim.root;
    let system = sim.system;
    let folio = ring(&mut sim);
    let scattered = sim.ok(root, Call::FolioCreate, &[4096, 0]);
    let queue = sim.queue(root);
    for (arguments, error) in [
        ([folio, 0, folio], Error::WrongKind),
        ([system, 8, folio], Error::InvalidArgument),
        ([system, 0, queue], Error::WrongKind),
        ([system, 0, scattered], Error::Unsupported),
    ] {
        assert_eq!(sim.refused(root, Call::Trace, &arguments), error);
    }
    assert!(!sim.kernel.tracing);
}

/// The folio stays while it is written into, and goes when that ends.
#[test]
fn a_ring_outlives_its_handles() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let system = sim.system;
    let folio = ring(&mut sim);
    sim.ok(root, Call::Trace, &[system, 0, folio]);
    let before = sim.kernel.folios.ids().count();
    sim.ok(root, Call::HandleClose, &[folio]);
    sim.ok(root, Call::Yield, &[]);
    assert_eq!(sim.kernel.folios.ids().count(), before);
    sim.ok(root, Call::Trace, &[system, 0, 0]);
    sim.ok(root, Call::Nop, &[]);
    assert_eq!(sim.kernel.folios.ids().count(), before - 1);
}

/// Whichever way they go, and also of threads that have ended.
#[test]
fn messages_are_counted_for_each_process_and_for_all() {
    let mut sim = Sim::new(1);
    let root = sim.root;
    let process = sim.kernel.threads[root].process;
    let (near, far) = sim.channel(root, 4, 64);
    let queue = sim.queue(root);
    sim.attach(root, queue, far, 9);
    let (server, _) = sim.thread(root);
    sim.ok(root, Call::Yield, &[]);
    sim.blocks(server, Call::Wait, &[queue, FOREVER]);
    let before = sim.kernel.current_statistics();
    let counted = sim.kernel.process_messages_sent(process);

    // A call and its reply, the direct way; then an event, which goes the general one.
    let request = info(MessageKind::Request, 24, 0);
    sim.blocks(root, Call::Call, &[near, request, 77, 0, 0, FOREVER]);
    let reply = info(MessageKind::Reply, 8, 0);
    let both = far | queue << 32;
    sim.blocks(server, Call::SendWait, &[both, reply, 77, 0, 0, FOREVER]);
    let event = info(MessageKind::OneWay, 8, 0);
    sim.ok(root, Call::Send, &[near, event, 0, 0, 0]);
    assert_eq!(sim.kernel.process_messages_sent(process), counted + 3);
    let after = sim.kernel.current_statistics();
    assert_eq!(after.messages, before.messages + 3);
    assert!(after.switches > before.switches);

    let ends = sim.kernel.current_statistics().messages;
    sim.ok(root, Call::Yield, &[]);
    sim.call(server, Call::ThreadExit, &[]);
    assert_eq!(sim.kernel.process_messages_sent(process), counted + 3);
    assert_eq!(sim.kernel.current_statistics().messages, ends);
}
