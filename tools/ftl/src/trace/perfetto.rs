//! A trace in Perfetto's format: a `Trace` message of protocol buffers.
//!
//! Components become processes with a track for each thread. Who runs on which CPU is told as Linux tells
//! it (`sched_switch`), since Perfetto draws CPUs and states of threads from that. System calls are
//! slices, messages are instants joined by flows, interrupts are instants on a track for each CPU.
//!
//! Field numbers: Perfetto's `protos/perfetto/trace/perfetto_trace.proto`. Only the fields that are
//! written are declared.

use std::collections::{BTreeMap, HashMap, VecDeque};

use abi::{Call, Error, MessageKind, TraceKind, TraceMessage, TraceRecord};
use prost::Message;

use super::rings::Ring;

#[derive(Clone, PartialEq, Message)]
struct Trace {
    #[prost(message, repeated, tag = "1")]
    packet: Vec<TracePacket>,
}

#[derive(Clone, PartialEq, Message)]
struct TracePacket {
    #[prost(message, optional, tag = "1")]
    ftrace_events: Option<FtraceEventBundle>,
    #[prost(uint64, optional, tag = "8")]
    timestamp: Option<u64>,
    #[prost(uint32, optional, tag = "10")]
    trusted_packet_sequence_id: Option<u32>,
    #[prost(message, optional, tag = "11")]
    track_event: Option<TrackEvent>,
    #[prost(uint32, optional, tag = "13")]
    sequence_flags: Option<u32>,
    #[prost(message, optional, tag = "60")]
    track_descriptor: Option<TrackDescriptor>,
}

#[derive(Clone, PartialEq, Message)]
struct TrackDescriptor {
    #[prost(uint64, optional, tag = "1")]
    uuid: Option<u64>,
    #[prost(string, optional, tag = "2")]
    name: Option<String>,
    #[prost(message, optional, tag = "3")]
    process: Option<ProcessDescriptor>,
    #[prost(message, optional, tag = "4")]
    thread: Option<ThreadDescriptor>,
}

#[derive(Clone, PartialEq, Message)]
struct ProcessDescriptor {
    #[prost(int32, optional, tag = "1")]
    pid: Option<i32>,
    #[prost(string, optional, tag = "6")]
    process_name: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct ThreadDescriptor {
    #[prost(int32, optional, tag = "1")]
    pid: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    tid: Option<i32>,
    #[prost(string, optional, tag = "5")]
    thread_name: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct TrackEvent {
    #[prost(message, repeated, tag = "4")]
    debug_annotations: Vec<DebugAnnotation>,
    #[prost(int32, optional, tag = "9")]
    r#type: Option<i32>,
    #[prost(uint64, optional, tag = "11")]
    track_uuid: Option<u64>,
    #[prost(string, optional, tag = "23")]
    name: Option<String>,
    #[prost(fixed64, repeated, packed = "false", tag = "47")]
    flow_ids: Vec<u64>,
    #[prost(fixed64, repeated, packed = "false", tag = "48")]
    terminating_flow_ids: Vec<u64>,
}

#[derive(Clone, PartialEq, Message)]
struct DebugAnnotation {
    #[prost(uint64, optional, tag = "3")]
    uint_value: Option<u64>,
    #[prost(string, optional, tag = "6")]
    string_value: Option<String>,
    #[prost(string, optional, tag = "10")]
    name: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
struct FtraceEventBundle {
    #[prost(uint32, optional, tag = "1")]
    cpu: Option<u32>,
    #[prost(message, repeated, tag = "2")]
    event: Vec<FtraceEvent>,
}

#[derive(Clone, PartialEq, Message)]
struct FtraceEvent {
    #[prost(uint64, optional, tag = "1")]
    timestamp: Option<u64>,
    #[prost(uint32, optional, tag = "2")]
    pid: Option<u32>,
    #[prost(message, optional, tag = "4")]
    sched_switch: Option<SchedSwitch>,
}

#[derive(Clone, PartialEq, Message)]
struct SchedSwitch {
    #[prost(string, optional, tag = "1")]
    prev_comm: Option<String>,
    #[prost(int32, optional, tag = "2")]
    prev_pid: Option<i32>,
    #[prost(int32, optional, tag = "3")]
    prev_prio: Option<i32>,
    #[prost(int64, optional, tag = "4")]
    prev_state: Option<i64>,
    #[prost(string, optional, tag = "5")]
    next_comm: Option<String>,
    #[prost(int32, optional, tag = "6")]
    next_pid: Option<i32>,
    #[prost(int32, optional, tag = "7")]
    next_prio: Option<i32>,
}

/// `TrackEvent.Type`.
const SLICE_BEGIN: i32 = 1;
const SLICE_END: i32 = 2;
const INSTANT: i32 = 3;
/// All packets are of one writer.
const SEQUENCE: u32 = 1;
/// `SEQ_INCREMENTAL_STATE_CLEARED`: nothing came before.
const SEQUENCE_BEGINS: u32 = 1;
/// Linux's states of a thread that is not on a CPU: it could go on, or it sleeps.
const STATE_RUNNABLE: i64 = 0;
const STATE_SLEEPING: i64 = 1;
/// Linux's number for a thread of usual priority. Perfetto draws those below 100 as real-time threads.
const PRIORITY: i32 = 120;
/// The first number for a thread or a process. Perfetto knows 0, 1 and 2 from Linux: what has the last one it takes
/// for the parent of the kernel's threads.
const FIRST_NUMBER: i32 = 11;
/// Tracks of CPUs; those of threads and processes count up from twice [`FIRST_NUMBER`].
const CPU_TRACKS: u64 = 1 << 32;

/// Makes a file of what all CPUs have written down.
pub fn encode(rings: &[Ring]) -> Vec<u8> {
    let mut all: Vec<(u64, u32, &TraceRecord)> = rings
        .iter()
        .flat_map(|ring| {
            let of = |record| (ring.nanoseconds(record), ring.cpu, record);
            ring.records.iter().map(of)
        })
        .collect();
    // Stable, so each CPU's records stay in order.
    all.sort_by_key(|(at, ..)| *at);
    let mut writer = Writer::default();
    writer.learn(&all);
    writer.describe(rings.iter().map(|ring| ring.cpu));
    for (at, cpu, record) in all {
        writer.record(at, cpu, record);
    }
    writer.finish()
}

/// A thread, with the numbers that Perfetto knows it by.
#[derive(Clone, Default)]
struct Thread {
    tid: i32,
    process: u64,
    /// The call that it is in.
    in_call: bool,
}

#[derive(Default)]
struct Process {
    pid: i32,
    name: Vec<u8>,
}

impl Process {
    fn name(&self) -> String {
        let name = String::from_utf8_lossy(&self.name);
        match name.trim_end_matches('\0') {
            "" => format!("component {}", self.pid),
            name => name.to_owned(),
        }
    }
}

#[derive(Default)]
struct Writer {
    packets: Vec<TracePacket>,
    threads: HashMap<u64, Thread>,
    processes: BTreeMap<u64, Process>,
    /// Who runs on each CPU.
    running: BTreeMap<u32, u64>,
    switches: BTreeMap<u32, Vec<FtraceEvent>>,
    /// Messages under way, by channel and header: who sent them, and the number of the flow.
    under_way: HashMap<(u64, u64), VecDeque<(u64, u64)>>,
    flows: u64,
}

impl Writer {
    /// Finds out who there is, and gives them numbers.
    fn learn(&mut self, all: &[(u64, u32, &TraceRecord)]) {
        let mut next = FIRST_NUMBER;
        for (_, _, record) in all {
            match record.kind() {
                Some(TraceKind::Name) => {
                    let at = record.extra() as usize * 8;
                    let name = &mut self.processes.entry(record.subject).or_default().name;
                    if at < 256 {
                        name.resize(name.len().max(at + 8), 0);
                        name[at..at + 8].copy_from_slice(&record.value.to_le_bytes());
                    }
                }
                Some(TraceKind::Switch) if record.subject != 0 => {
                    self.threads.entry(record.subject).or_insert_with(|| {
                        let tid = next;
                        next += 1;
                        let process = self.processes.entry(record.value).or_default();
                        if process.pid == 0 {
                            process.pid = tid;
                        }
                        Thread {
                            tid,
                            process: record.value,
                            in_call: false,
                        }
                    });
                }
                _ => {}
            }
        }
    }

    /// The packets that name processes, threads and CPUs' tracks.
    fn describe(&mut self, cpus: impl Iterator<Item = u32>) {
        let mut tracks: Vec<_> = cpus
            .map(|cpu| TrackDescriptor {
                uuid: Some(cpu_track(cpu)),
                name: Some(format!("interrupts of CPU {cpu}")),
                ..TrackDescriptor::default()
            })
            .collect();
        for process in self.processes.values().filter(|process| process.pid != 0) {
            tracks.push(TrackDescriptor {
                uuid: Some(process_track(process.pid)),
                process: Some(ProcessDescriptor {
                    pid: Some(process.pid),
                    process_name: Some(process.name()),
                }),
                ..TrackDescriptor::default()
            });
        }
        for thread in self.threads.values() {
            let process = &self.processes[&thread.process];
            tracks.push(TrackDescriptor {
                uuid: Some(thread_track(thread.tid)),
                thread: Some(ThreadDescriptor {
                    pid: Some(process.pid),
                    tid: Some(thread.tid),
                    thread_name: Some(process.name()),
                }),
                ..TrackDescriptor::default()
            });
        }
        tracks.sort_by_key(|track| track.uuid);
        for track in tracks {
            self.packets.push(TracePacket {
                trusted_packet_sequence_id: Some(SEQUENCE),
                sequence_flags: self.packets.is_empty().then_some(SEQUENCE_BEGINS),
                track_descriptor: Some(track),
                ..TracePacket::default()
            });
        }
    }

    fn event(&mut self, at: u64, track: u64, kind: i32, name: Option<String>) -> &mut TrackEvent {
        self.packets.push(TracePacket {
            timestamp: Some(at),
            trusted_packet_sequence_id: Some(SEQUENCE),
            track_event: Some(TrackEvent {
                r#type: Some(kind),
                track_uuid: Some(track),
                name,
                ..TrackEvent::default()
            }),
            ..TracePacket::default()
        });
        let packet = self.packets.last_mut().expect("just pushed");
        packet.track_event.as_mut().expect("just made")
    }

    fn record(&mut self, at: u64, cpu: u32, record: &TraceRecord) {
        let Some(kind) = record.kind() else { return };
        let tid = self.threads.get(&record.subject).map(|thread| thread.tid);
        match (kind, tid) {
            (TraceKind::Switch, _) => self.switch(at, cpu, record),
            (TraceKind::Call, Some(tid)) => {
                self.end_call(at, record.subject);
                self.begin_call(at, record.subject, tid, record.value);
            }
            (TraceKind::Return, Some(_)) => {
                if let Err(error) = Error::from_register(record.value as usize) {
                    self.note_error(error);
                }
                self.end_call(at, record.subject);
            }
            (TraceKind::Sent, Some(tid)) => self.sent(at, tid, record),
            (TraceKind::Received, Some(tid)) => self.received(at, tid, record),
            (TraceKind::Interrupt, _) => {
                let name = match record.value {
                    u64::MAX => "timer or another CPU".to_owned(),
                    line => format!("device line {line}"),
                };
                self.event(at, cpu_track(cpu), INSTANT, Some(name));
            }
            (TraceKind::PageFault, Some(tid)) => {
                let event = self.event(
                    at,
                    thread_track(tid),
                    INSTANT,
                    Some("page fault".to_owned()),
                );
                event.debug_annotations.push(DebugAnnotation {
                    name: Some("address".to_owned()),
                    string_value: Some(format!("{:#x}", record.value)),
                    ..DebugAnnotation::default()
                });
            }
            (TraceKind::Ended, _) => {
                if let Some(process) = self.processes.get(&record.subject) {
                    let name = format!("ends with status {}", record.value as i64);
                    let track = process_track(process.pid);
                    self.event(at, track, INSTANT, Some(name));
                }
            }
            // Named already, or of a thread that was never seen on a CPU.
            (TraceKind::Name, _) | (_, None) => {}
        }
    }

    fn begin_call(&mut self, at: u64, thread: u64, tid: i32, number: u64) {
        let name = match Call::from_number(number as usize) {
            Some(call) => format!("{call:?}"),
            None => format!("call {number}"),
        };
        self.event(at, thread_track(tid), SLICE_BEGIN, Some(name));
        if let Some(thread) = self.threads.get_mut(&thread) {
            thread.in_call = true;
        }
    }

    /// Ends a thread's call, if it is in one.
    fn end_call(&mut self, at: u64, thread: u64) {
        if let Some(thread) = self.threads.get_mut(&thread)
            && std::mem::take(&mut thread.in_call)
        {
            let track = thread_track(thread.tid);
            self.event(at, track, SLICE_END, None);
        }
    }

    /// Says at the call that is about to end what it was refused with.
    fn note_error(&mut self, error: Error) {
        let event = self.packets.last_mut();
        if let Some(event) = event.and_then(|packet| packet.track_event.as_mut())
            && event.r#type == Some(SLICE_BEGIN)
        {
            event.debug_annotations.push(DebugAnnotation {
                name: Some("error".to_owned()),
                string_value: Some(error.to_string()),
                ..DebugAnnotation::default()
            });
        }
    }

    fn switch(&mut self, at: u64, cpu: u32, record: &TraceRecord) {
        let next = self.threads.get(&record.subject).cloned();
        self.end_call(at, record.subject);
        let previous = self.running.insert(cpu, record.subject);
        let previous = previous.and_then(|thread| self.threads.get(&thread));
        let name = |thread: Option<&Thread>| match thread {
            Some(thread) => self.processes[&thread.process].name(),
            None => "idle".to_owned(),
        };
        let tid = |thread: Option<&Thread>| thread.map_or(0, |thread| thread.tid);
        // One that leaves in the middle of a call waits for something; else it was preempted.
        let state = match previous {
            Some(thread) if thread.in_call => STATE_SLEEPING,
            _ => STATE_RUNNABLE,
        };
        let event = FtraceEvent {
            timestamp: Some(at),
            pid: Some(tid(previous) as u32),
            sched_switch: Some(SchedSwitch {
                prev_comm: Some(name(previous)),
                prev_pid: Some(tid(previous)),
                prev_prio: Some(PRIORITY),
                prev_state: Some(state),
                next_comm: Some(name(next.as_ref())),
                next_pid: Some(tid(next.as_ref())),
                next_prio: Some(PRIORITY),
            }),
        };
        self.switches.entry(cpu).or_default().push(event);
    }

    fn sent(&mut self, at: u64, tid: i32, record: &TraceRecord) {
        self.flows += 1;
        let flow = self.flows;
        self.under_way
            .entry((record.value, record.extra()))
            .or_default()
            .push_back((record.subject, flow));
        let event = message(self, at, tid, "sends", record);
        event.flow_ids.push(flow);
    }

    fn received(&mut self, at: u64, tid: i32, record: &TraceRecord) {
        let queue = self
            .under_way
            .entry((record.value, record.extra()))
            .or_default();
        // Both ends may send alike; nobody gets what he has sent.
        let place = queue
            .iter()
            .position(|(sender, _)| *sender != record.subject);
        let flow = place.and_then(|place| queue.remove(place));
        let event = message(self, at, tid, "gets", record);
        event
            .terminating_flow_ids
            .extend(flow.map(|(_, flow)| flow));
    }

    fn finish(mut self) -> Vec<u8> {
        for (cpu, event) in std::mem::take(&mut self.switches) {
            self.packets.push(TracePacket {
                trusted_packet_sequence_id: Some(SEQUENCE),
                ftrace_events: Some(FtraceEventBundle {
                    cpu: Some(cpu),
                    event,
                }),
                ..TracePacket::default()
            });
        }
        Trace {
            packet: self.packets,
        }
        .encode_to_vec()
    }
}

fn thread_track(tid: i32) -> u64 {
    tid as u64 * 2
}

fn cpu_track(cpu: u32) -> u64 {
    CPU_TRACKS + u64::from(cpu)
}

fn process_track(pid: i32) -> u64 {
    pid as u64 * 2 + 1
}

/// An instant that tells of a message.
fn message<'a>(
    writer: &'a mut Writer,
    at: u64,
    tid: i32,
    verb: &str,
    record: &TraceRecord,
) -> &'a mut TrackEvent {
    let message = TraceMessage::from_extra(record.extra());
    let kind = match MessageKind::from_bits(message.kind) {
        Some(MessageKind::Request) => "a request",
        Some(MessageKind::Reply) => "a reply",
        Some(MessageKind::OneWay) | None => "an event",
    };
    let name = format!("{verb} {kind}");
    let event = writer.event(at, thread_track(tid), INSTANT, Some(name));
    for (name, value) in [
        ("channel", record.value),
        ("transaction", message.transaction.into()),
        ("bytes", message.len.into()),
    ] {
        event.debug_annotations.push(DebugAnnotation {
            name: Some(name.to_owned()),
            uint_value: Some(value),
            ..DebugAnnotation::default()
        });
    }
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(ticks: u64, kind: TraceKind, extra: u64, subject: u64, value: u64) -> TraceRecord {
        TraceRecord {
            ticks,
            what: extra << 8 | kind as u64,
            subject,
            value,
        }
    }

    /// Thread 11 of process 1 (`ping`) calls thread 22 of process 2 (`pong`) on one CPU.
    fn call() -> Vec<TracePacket> {
        let request = TraceMessage {
            transaction: 5,
            len: 64,
            kind: MessageKind::Request as u8,
        }
        .to_extra();
        let name = |text: &[u8; 8]| u64::from_le_bytes(*text);
        let records = vec![
            record(0, TraceKind::Name, 0, 1, name(b"ping\0\0\0\0")),
            record(0, TraceKind::Switch, 0, 11, 1),
            record(1, TraceKind::Call, 0, 11, Call::Call as u64),
            record(1, TraceKind::Sent, request, 11, 99),
            record(1, TraceKind::Received, request, 22, 99),
            record(2, TraceKind::Name, 0, 2, name(b"pong\0\0\0\0")),
            record(2, TraceKind::Switch, 0, 22, 2),
            record(3, TraceKind::Call, 0, 22, Call::SendWait as u64),
            record(4, TraceKind::Switch, 0, 11, 1),
            record(5, TraceKind::Interrupt, 0, 11, u64::MAX),
        ];
        let ring = Ring {
            cpu: 0,
            ticks_per_second: 1_000_000_000,
            records,
            lost: 0,
        };
        Trace::decode(encode(&[ring]).as_slice())
            .expect("what was just encoded")
            .packet
    }

    fn events(packets: &[TracePacket]) -> Vec<&TrackEvent> {
        packets
            .iter()
            .filter_map(|packet| packet.track_event.as_ref())
            .collect()
    }

    #[test]
    fn a_message_is_a_flow_from_its_sender_to_its_receiver() {
        let packets = call();
        let events = events(&packets);
        let sent = events.iter().find(|event| !event.flow_ids.is_empty());
        let got = events
            .iter()
            .find(|event| !event.terminating_flow_ids.is_empty());
        let (sent, got) = (sent.expect("sent"), got.expect("got"));
        assert_eq!(sent.flow_ids, got.terminating_flow_ids);
        assert_ne!(sent.track_uuid, got.track_uuid);
    }

    #[test]
    fn a_call_lasts_until_its_thread_goes_on() {
        let packets = call();
        let of_ping: Vec<_> = packets
            .iter()
            .filter_map(|packet| Some((packet.timestamp?, packet.track_event.as_ref()?)))
            .filter(|(_, event)| event.track_uuid == Some(thread_track(FIRST_NUMBER)))
            .filter(|(_, event)| event.r#type != Some(INSTANT))
            .map(|(at, event)| (at, event.r#type, event.name.as_deref()))
            .collect();
        assert_eq!(
            of_ping,
            [
                (1, Some(SLICE_BEGIN), Some("Call")),
                (4, Some(SLICE_END), None)
            ]
        );
    }

    #[test]
    fn no_component_has_a_number_that_means_something_to_perfetto() {
        for track in call()
            .iter()
            .filter_map(|packet| packet.track_descriptor.as_ref())
        {
            let numbers = [
                track.process.as_ref().and_then(|process| process.pid),
                track.thread.as_ref().and_then(|thread| thread.pid),
                track.thread.as_ref().and_then(|thread| thread.tid),
            ];
            for number in numbers.into_iter().flatten() {
                assert!(number > 2, "{track:?}");
            }
        }
    }

    #[test]
    fn switches_have_the_names_of_components() {
        let packets = call();
        let bundle = packets
            .iter()
            .find_map(|packet| packet.ftrace_events.as_ref())
            .expect("switches");
        let names: Vec<_> = bundle
            .event
            .iter()
            .filter_map(|event| event.sched_switch.as_ref()?.next_comm.as_deref())
            .collect();
        assert_eq!(names, ["ping", "pong", "ping"]);
        let states: Vec<_> = bundle
            .event
            .iter()
            .filter_map(|event| event.sched_switch.as_ref()?.prev_state)
            .collect();
        assert_eq!(states[1], STATE_SLEEPING, "ping waits for its reply");
    }
}
