//! `top`.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use ftl::handle::OwnedHandle;
use ftl::io::{Inlet, Write};
use ftl::prelude::*;

use crate::known::{Known, State, components, jobs};
use crate::misused;
use crate::processes::{memory, table, time};
use crate::spec::*;

pub const TOP: &str = "\
shows who uses the CPUs and the memory, again and again
usage: top [-n ROUNDS] [-d SECONDS]

  -n ROUNDS   ends after so many
  -d SECONDS  how long a round is; 1 if not given

`q` ends it. CPU is the share of one CPU in the last round.
";

#[derive(Clone, Copy, Debug)]
enum Source {
    Keys,
    Terminal,
    Round,
}

pub fn top(env: &mut Environ) -> Result<usize> {
    let (mut rounds, mut seconds) = (u64::MAX, 1);
    for pair in env.arguments.chunks(2) {
        match pair {
            [option, value] => match (option.as_str(), value.parse::<u64>()) {
                ("-n", Ok(number)) => rounds = number.max(1),
                ("-d", Ok(number)) => seconds = number.max(1),
                _ => {
                    let what = format!("`{option} {value}` is not understood");
                    return misused(env, &what);
                }
            },
            _ => return misused(env, "a value is missing"),
        }
    }
    let mut events = EventLoop::new()?;
    let timer = events.timer(Source::Round);
    timer.set_every(Duration::from_secs(seconds));
    let mut size = (80, 24);
    let mut keys = None;
    if let Some(terminal) = &mut env.terminal {
        let stream = terminal.input(terminal::Mode::Keys)?;
        let mut inlet = Inlet::new(stream::Receiver::from(OwnedHandle::from(stream)));
        inlet.add(&mut events, Source::Keys)?;
        inlet.ask();
        keys = Some(inlet);
        if let Ok(found) = terminal.size() {
            size = (found.columns, found.rows);
        }
        events.add(&*terminal, Source::Terminal)?;
    }
    let screen = keys.is_some();
    if screen {
        // A screen of its own, without a cursor.
        print!("\x1b[?1049h\x1b[?25l");
    }
    let mut before = BTreeMap::new();
    let mut before_ns = 0;
    let mut quit = false;
    while !quit && rounds > 0 {
        let now = Instant::now().as_nanos();
        let lines = round(env, &mut before, now.saturating_sub(before_ns).max(1))?;
        before_ns = now;
        show(&lines, size, screen);
        env.stdout.flush()?;
        rounds -= 1;
        if rounds == 0 {
            break;
        }
        loop {
            match events.next()? {
                Event::Timer(Source::Round) => break,
                Event::Message(
                    Source::Keys,
                    Message::StreamReceiver(stream::ToReceiver::Data(data)),
                ) => {
                    quit = data
                        .bytes
                        .iter()
                        .any(|byte| matches!(byte, b'q' | b'Q' | 3 | 4));
                    let len = data.bytes.len();
                    if let Some(keys) = &mut keys {
                        keys.received(len);
                        keys.ask();
                    }
                }
                Event::Message(
                    Source::Terminal,
                    Message::Terminal(terminal::ToClient::Interrupt(_)),
                ) => quit = true,
                Event::Message(
                    Source::Terminal,
                    Message::Terminal(terminal::ToClient::Resized),
                ) => {
                    if let Some(Ok(found)) = env.terminal.as_mut().map(|terminal| terminal.size()) {
                        size = (found.columns, found.rows);
                    }
                    break;
                }
                Event::Closed(_) | Event::Shutdown => quit = true,
                _ => {}
            }
            if quit {
                break;
            }
        }
    }
    if screen {
        print!("\x1b[?25h\x1b[?1049l");
    }
    Ok(0)
}

/// One round's lines. Components that end while we look are simply not there the next time.
fn round(
    env: &mut Environ,
    before: &mut BTreeMap<(String, Option<u32>), u64>,
    passed_ns: u64,
) -> Result<Vec<String>> {
    let found = env.system.statistics()?;
    let mut all = components(env)?;
    all.extend(jobs(env)?);
    all.retain(|one| !matches!(one.state, Some(State::Ended)));
    let used = |one: &Known| {
        let key = (one.name.clone(), one.number);
        // After a restart its time begins anew.
        one.cpu_ns
            .checked_sub(before.get(&key).copied().unwrap_or(0))
            .unwrap_or(one.cpu_ns)
    };
    all.sort_by_key(|one| core::cmp::Reverse(used(one)));
    let mut lines = Vec::from([
        format!(
            "up {} · {} CPUs · {} of {} free · {} messages, {} interrupts since boot",
            time(found.uptime_ns),
            found.cpus,
            memory(found.pages_free),
            memory(found.pages_total),
            found.messages,
            found.interrupts,
        ),
        String::new(),
    ]);
    lines.extend(table(&all, &|one| used(one) * 1000 / passed_ns));
    *before = all
        .iter()
        .map(|one| ((one.name.to_string(), one.number), one.cpu_ns))
        .collect();
    Ok(lines)
}

fn show(lines: &[String], (columns, rows): (u16, u16), screen: bool) {
    let (columns, rows) = (
        if columns == 0 { 80 } else { columns },
        if rows == 0 { 24 } else { rows },
    );
    if !screen {
        for line in lines {
            println!("{line}");
        }
        return;
    }
    print!("\x1b[H");
    for (i, line) in lines
        .iter()
        .take(usize::from(rows).saturating_sub(1))
        .enumerate()
    {
        let cut: String = line.chars().take(columns.into()).collect();
        match i {
            2 => print!(
                "\x1b[7m{cut:width$}\x1b[0m\x1b[K\r\n",
                width = usize::from(columns)
            ),
            _ => print!("{cut}\x1b[K\r\n"),
        }
    }
    print!("\x1b[J");
}
