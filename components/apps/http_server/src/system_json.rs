//! The system's picture and its log as JSON: what the page is drawn from.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;

use ftl::prelude::*;
use interfaces::system::{self, Activity, Blocking as _, Isolation, State};
use interfaces::tcpip::{self, Blocking as _};

use crate::site::Counts;

/// Writes it.
pub fn write(
    out: &mut String,
    system: &mut system::Client,
    tcpip: &mut tcpip::Client,
    counts: &Counts,
) -> Result<()> {
    let s = system.statistics()?;
    let _ = write!(
        out,
        "{{\"uptime_ns\":{},\"cpus\":{},\"idle_ns\":{},\"memory_total\":{},\"memory_free\":{},\
         \"processes\":{},\"threads\":{},\"channels\":{},\"folios\":{},\"calls\":{},\"messages\":{},\
         \"interrupts\":{},\"switches\":{},\"page_faults\":{},\"components\":[",
        s.uptime_ns,
        s.cpus,
        s.idle_ns,
        s.pages_total * 4096,
        s.pages_free * 4096,
        s.processes,
        s.threads,
        s.channels,
        s.folios,
        s.calls,
        s.messages,
        s.interrupts,
        s.switches,
        s.page_faults,
    );
    let mut names: Vec<String> = Vec::new();
    loop {
        let page = system.components(names.len() as u16)?;
        let before = names.len();
        for c in page.components.iter() {
            if !names.is_empty() {
                out.push(',');
            }
            names.push(String::from(c.name));
            let state = match c.state {
                State::Running => "running",
                State::Waiting => "waiting",
                State::Restarting => "restarting",
                State::Ended => "ended",
                State::Failed => "failed",
            };
            let isolation = match c.isolation {
                Isolation::Kernel => "kernel",
                Isolation::User => "user",
            };
            let activity = match c.activity {
                Activity::Nothing => "nothing",
                Activity::Running => "running",
                Activity::Waiting => "waiting",
                Activity::Calling => "calling",
            };
            out.push_str("{\"name\":");
            text(out, c.name);
            let _ = write!(
                out,
                ",\"state\":\"{state}\",\"isolation\":\"{isolation}\",\"restarts\":{},\"status\":{},\
                 \"started_ns\":{},\"memory\":{},\"memory_max\":{},\"handles\":{},\"threads\":{},\
                 \"cpu_ns\":{},\"messages\":{},\"activity\":\"{activity}\",\"calls\":",
                c.restarts,
                c.status,
                c.started_ns,
                c.memory_pages as u64 * 4096,
                c.memory_pages_max as u64 * 4096,
                c.handles,
                c.threads,
                c.cpu_ns,
                c.messages_sent,
            );
            text(out, c.calls);
            out.push('}');
        }
        if names.len() >= page.total as usize || names.len() == before {
            break;
        }
    }
    out.push_str("],\"needs\":[");
    let mut first = true;
    for name in &names {
        for need in system.needs(name)?.iter() {
            if !core::mem::take(&mut first) {
                out.push(',');
            }
            out.push_str("{\"from\":");
            text(out, name);
            out.push_str(",\"to\":");
            text(out, need.provider);
            out.push_str(",\"interface\":");
            text(out, need.interface);
            out.push('}');
        }
    }
    out.push_str("],\"connections\":[");
    let mut seen = 0;
    loop {
        let page = system.connections(seen)?;
        let before = seen;
        for c in page.connections.iter() {
            if seen > 0 {
                out.push(',');
            }
            seen += 1;
            out.push_str("{\"component\":");
            text(out, c.component);
            out.push_str(",\"peer\":");
            text(out, c.peer);
            let _ = write!(
                out,
                ",\"channels\":{},\"queued\":{},\"sent\":{},\"received\":{}}}",
                c.channels, c.queued, c.sent, c.received,
            );
        }
        if seen >= page.total || seen == before {
            break;
        }
    }
    let n = tcpip.status()?;
    let ip = core::net::Ipv4Addr::from_bits(n.ip);
    let _ = writeln!(
        out,
        "],\"network\":{{\"address\":\"{ip}/{}\",\"sockets\":{},\"frames_received\":{},\"frames_sent\":{},\
         \"bytes_received\":{},\"bytes_sent\":{},\"accepted\":{},\"dropped\":{}}},\
         \"web\":{{\"requests\":{},\"refused\":{},\"late\":{},\"cut_off\":{}}}}}",
        n.prefix_len,
        n.sockets,
        n.frames_received,
        n.frames_sent,
        n.bytes_received,
        n.bytes_sent,
        n.accepted,
        n.dropped,
        counts.requests,
        counts.refused,
        counts.late,
        counts.cut_off,
    );
    Ok(())
}

/// Parts of the log in one answer.
const LOG_PARTS: usize = 4;

/// Writes what was logged from a position on, and the position after it. An answer without text is the end.
pub fn write_log(out: &mut String, system: &mut system::Client, from: u64) -> Result<()> {
    let (mut next, mut found) = (from, Vec::new());
    for _ in 0..LOG_PARTS {
        let part = system.log(next)?;
        if part.text.is_empty() {
            break;
        }
        next = part.next;
        found.extend_from_slice(part.text);
    }
    // An answer does not end in the middle of a line, so not in the middle of a character either.
    if let Some(end) = found.iter().rposition(|byte| *byte == b'\n') {
        next -= (found.len() - 1 - end) as u64;
        found.truncate(end + 1);
    }
    let _ = write!(out, "{{\"next\":{next},\"text\":");
    text(out, &String::from_utf8_lossy(&found));
    out.push_str("}\n");
    Ok(())
}

/// Writes a text as JSON has it.
fn text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
