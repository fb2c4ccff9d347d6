//! `trace`: what the kernel writes down (docs/concepts/trace.md), as text, or raw for `./ftl trace`.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ftl::abi::{Call, MessageKind, TRACE_MAGIC, TraceHeader, TraceKind, TraceMessage, TraceRecord};
use ftl::handle::Folio;
use ftl::io::Write;
use ftl::prelude::*;

use crate::misused;
use crate::spec::*;

pub const TRACE: &str = "\
writes down what the kernel does, and shows it
usage: trace start [-m KIB]    begins, with so much memory for each CPU: 256, at most 1024
       trace stop              ends; what was written down stays
       trace show [-n LINES] [COMPONENT]…
                               prints it: the last 100 lines, or so many; of these components
       trace dump              prints it as it lies in memory, for programs

On the host, `./ftl trace -o out.pftrace` runs a system with it and writes a file that ui.perfetto.dev opens.
";

const HEADER_LEN: usize = size_of::<TraceHeader>();
const RECORD_LEN: usize = size_of::<TraceRecord>();

pub fn trace(env: &mut Environ) -> Result<usize> {
    let arguments = env.arguments.clone();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["start"] => start(env, 256),
        ["start", "-m", kib] => match kib.parse() {
            Ok(kib @ 4..=1024) => start(env, kib),
            _ => misused(env, "`-m` needs a number from 4 to 1024"),
        },
        ["stop"] => {
            env.system.trace_stop()?;
            Ok(0)
        }
        ["show", "-n", lines, names @ ..] => match lines.parse() {
            Ok(lines) => show(env, lines, names),
            Err(_) => misused(env, "`-n` needs a number"),
        },
        ["show", names @ ..] => show(env, 100, names),
        ["dump"] => dump(env),
        _ => misused(env, "what is it to do? `start`, `stop`, `show` or `dump`"),
    }
}

fn start(env: &mut Environ, kib: u32) -> Result<usize> {
    match env.system.trace_start(kib * 1024) {
        Ok(_) => Ok(0),
        Err(error) => {
            eprintln!("trace: {kib} KiB for each CPU cannot be had: {error}");
            Ok(1)
        }
    }
}

/// A CPU's ring, copied and in the order of time.
struct Ring {
    header: TraceHeader,
    records: Vec<TraceRecord>,
}

/// A ring's bytes: header, then the records that there are, the oldest first.
fn read_ring(folio: &Folio, mut take: impl FnMut(&[u8]) -> Result<()>) -> Result<()> {
    let bytes = folio.map_read_only()?;
    let mut head = [0; HEADER_LEN];
    bytes.read(0, &mut head);
    take(&head)?;
    let header = header(&head);
    if header.magic != TRACE_MAGIC || header.capacity == 0 {
        return Err(Error::InvalidData);
    }
    let there = header.written.min(header.capacity);
    let mut record = [0; RECORD_LEN];
    for number in header.written - there..header.written {
        let place = (number % header.capacity) as usize;
        bytes.read(HEADER_LEN + place * RECORD_LEN, &mut record);
        take(&record)?;
    }
    Ok(())
}

fn words<const N: usize>(bytes: &[u8]) -> [u64; N] {
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        let mut eight = [0; 8];
        eight.copy_from_slice(bytes);
        *word = u64::from_le_bytes(eight);
    }
    words
}

fn header(bytes: &[u8]) -> TraceHeader {
    let [
        magic,
        written,
        capacity,
        cpu,
        ticks_per_second,
        started,
        reserved @ ..,
    ] = words::<8>(bytes);
    TraceHeader {
        magic,
        written,
        capacity,
        cpu,
        ticks_per_second,
        started,
        reserved,
    }
}

/// The rings of all CPUs. `None`, and it is said, if nothing was traced.
fn rings(env: &mut Environ) -> Result<Option<Vec<Folio>>> {
    let mut rings = Vec::new();
    loop {
        match env.system.trace_ring(rings.len() as u32) {
            Ok(ring) => rings.push(ring),
            Err(Error::NotFound) if !rings.is_empty() => return Ok(Some(rings)),
            Err(Error::NotFound) => {
                eprintln!("trace: nothing was traced yet; `trace start` begins");
                return Ok(None);
            }
            Err(error) => return Err(error),
        }
    }
}

fn dump(env: &mut Environ) -> Result<usize> {
    let Some(rings) = rings(env)? else {
        return Ok(1);
    };
    for ring in &rings {
        read_ring(ring, |bytes| env.stdout.write_all(bytes))?;
    }
    env.stdout.flush()?;
    Ok(0)
}

fn show(env: &mut Environ, lines: usize, names: &[&str]) -> Result<usize> {
    let Some(folios) = rings(env)? else {
        return Ok(1);
    };
    let mut all = Vec::new();
    for folio in &folios {
        let mut ring = Ring {
            header: TraceHeader::default(),
            records: Vec::new(),
        };
        read_ring(folio, |bytes| {
            match bytes.len() {
                HEADER_LEN => ring.header = header(bytes),
                _ => ring.records.push(TraceRecord::from_words(words(bytes))),
            }
            Ok(())
        })?;
        all.push(ring);
    }
    let mut out = Vec::new();
    let per_second = all[0].header.ticks_per_second.max(1);
    let mut known = Known::default();
    let mut merged: Vec<(u64, TraceRecord)> = all
        .iter()
        .flat_map(|ring| ring.records.iter().map(|record| (ring.header.cpu, *record)))
        .collect();
    drop(all);
    merged.sort_by_key(|(_, record)| record.ticks);
    for (_, record) in &merged {
        known.learn(record);
    }
    for (cpu, record) in merged.iter().rev() {
        if out.len() >= lines {
            break;
        }
        let Some((name, what)) = known.line(record) else {
            continue;
        };
        if !names.is_empty() && !names.contains(&name) {
            continue;
        }
        let micros = (u128::from(record.ticks) * 1_000_000 / u128::from(per_second)) as u64;
        let (seconds, micros) = (micros / 1_000_000, micros % 1_000_000);
        out.push(format!("{seconds:5}.{micros:06} {cpu} {name:16} {what}"));
    }
    for line in out.iter().rev() {
        println!("{line}");
    }
    Ok(0)
}

/// Names for the numbers in records.
#[derive(Default)]
struct Known {
    processes: BTreeMap<u64, [u8; 32]>,
    threads: BTreeMap<u64, u64>,
    /// Threads that used a channel.
    channels: BTreeMap<u64, Vec<u64>>,
}

impl Known {
    fn learn(&mut self, record: &TraceRecord) {
        match record.kind() {
            Some(TraceKind::Name) => {
                let at = record.extra() as usize * 8;
                let name = self.processes.entry(record.subject).or_default();
                if let Some(part) = name.get_mut(at..at + 8) {
                    part.copy_from_slice(&record.value.to_le_bytes());
                }
            }
            Some(TraceKind::Switch) if record.subject != 0 => {
                self.threads.insert(record.subject, record.value);
            }
            Some(TraceKind::Sent | TraceKind::Received) => {
                let users = self.channels.entry(record.value).or_default();
                if !users.contains(&record.subject) {
                    users.push(record.subject);
                }
            }
            _ => {}
        }
    }

    fn process(&self, number: u64) -> &str {
        let name = self.processes.get(&number);
        name.and_then(|name| core::str::from_utf8(name).ok())
            .map_or("?", |name| name.trim_end_matches('\0'))
    }

    fn thread(&self, number: u64) -> &str {
        match self.threads.get(&number) {
            Some(process) => self.process(*process),
            None => "?",
        }
    }

    /// Whom a record concerns, and what it says.
    fn line(&self, record: &TraceRecord) -> Option<(&str, String)> {
        let thread = self.thread(record.subject);
        let message = |preposition: &str| {
            let message = TraceMessage::from_extra(record.extra());
            let kind = match MessageKind::from_bits(message.kind) {
                Some(MessageKind::Request) => "request",
                Some(MessageKind::Reply) => "reply",
                Some(MessageKind::OneWay) | None => "event",
            };
            let users = self.channels.get(&record.value);
            let other = users.and_then(|users| users.iter().find(|user| **user != record.subject));
            let number = match message.transaction {
                0 => String::new(),
                number => format!(" {number}"),
            };
            let other = other.map_or("?", |other| self.thread(*other));
            format!(
                "{kind}{number} of {} bytes {preposition} {other}",
                message.len
            )
        };
        Some(match record.kind()? {
            TraceKind::Switch if record.subject == 0 => ("-", "is idle".into()),
            TraceKind::Switch => (thread, "runs".into()),
            TraceKind::Name => return None,
            TraceKind::Call => match Call::from_number(record.value as usize) {
                Some(call) => (thread, format!("calls {call:?}")),
                None => (thread, format!("calls {}, which is no call", record.value)),
            },
            TraceKind::Return => match Error::from_register(record.value as usize) {
                Ok(_) => return None,
                Err(error) => (thread, format!("is told: {error}")),
            },
            TraceKind::Sent => (thread, format!("sends {}", message("to"))),
            TraceKind::Received => (thread, format!("gets {}", message("from"))),
            TraceKind::Interrupt if record.value == u64::MAX => {
                (thread, "is interrupted by the timer or another CPU".into())
            }
            TraceKind::Interrupt => (
                thread,
                format!("is interrupted by device line {}", record.value),
            ),
            TraceKind::PageFault => (thread, format!("touches the page at {:#x}", record.value)),
            TraceKind::Ended => (
                self.process(record.subject),
                format!("ends with status {}", record.value as i64),
            ),
        })
    }
}
