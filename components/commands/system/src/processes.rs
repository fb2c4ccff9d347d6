//! `ps` and `uptime`.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use ftl::prelude::*;

use crate::known::{Known, State, components, jobs, look_for_causes};
use crate::misused;
use crate::spec::*;

pub const PS: &str = "\
lists components and commands that run
usage: ps [-a]

  -a  components that ended long ago, too

ID is the number of a command. CPU is the share of one CPU since the start. STATE says what a component does: it is
running, idle until an event comes, waits for the reply to a call, was not started because somebody is missing, or
ended with a status; `why COMPONENT` says more.
";

pub fn ps(env: &mut Environ) -> Result<usize> {
    let all = match env.arguments.as_slice() {
        [] => false,
        [option] if option == "-a" => true,
        [other, ..] => {
            let what = format!("`{other}` is not expected");
            return misused(env, &what);
        }
    };
    let mut known = components(env)?;
    look_for_causes(env, &mut known)?;
    known.extend(jobs(env)?);
    known.retain(|one| all || one.state != Some(State::Ended));
    let now = Instant::now().as_nanos();
    for line in table(&known, &|one| {
        one.cpu_ns * 1000 / (now.saturating_sub(one.started_ns)).max(1)
    }) {
        println!("{line}");
    }
    Ok(0)
}

/// The table, as lines. `share` tells a component's share of a CPU, in tenths of a per cent.
pub fn table(all: &[Known], share: &dyn Fn(&Known) -> u64) -> Vec<String> {
    let mut rows = Vec::from([[
        "ID",
        "COMPONENT",
        "ISOLATION",
        "STATE",
        "CPU",
        "MEMORY",
        "HANDLES",
        "RESTARTS",
    ]
    .map(String::from)]);
    for one in all {
        let share = share(one);
        rows.push([
            one.number.map_or("-".into(), |number| number.to_string()),
            one.name.clone(),
            one.isolation.into(),
            one.state_text(),
            format!("{}.{}%", share / 10, share % 10),
            memory(u64::from(one.memory_pages)),
            one.handles.to_string(),
            match one.state {
                Some(_) => one.restarts.to_string(),
                None => "-".into(),
            },
        ]);
    }
    let mut widths = [0; 8];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    // Numbers stand to the right.
    let right = [true, false, false, false, true, true, true, true];
    rows.iter()
        .map(|row| {
            let mut line = String::new();
            for ((cell, width), right) in row.iter().zip(widths).zip(right) {
                let pad = width - cell.chars().count();
                match right {
                    true => line.push_str(&format!("{:pad$}{cell}  ", "")),
                    false => line.push_str(&format!("{cell}{:pad$}  ", "")),
                }
            }
            line.trim_end().to_string()
        })
        .collect()
}

/// Pages of 4 KiB, for people.
pub fn memory(pages: u64) -> String {
    match pages * 4 {
        kib if kib < 1024 => format!("{kib} KiB"),
        kib => format!("{}.{} MiB", kib / 1024, kib % 1024 * 10 / 1024),
    }
}

pub const UPTIME: &str = "\
says for how long the machine has been up, and how busy it is
usage: uptime
";

pub fn uptime(env: &mut Environ) -> Result<usize> {
    let found = env.system.statistics()?;
    let busy = match found.uptime_ns.saturating_mul(found.cpus) {
        0 => 0,
        all => 1000 - (u128::from(found.idle_ns) * 1000 / u128::from(all)).min(1000) as u64,
    };
    println!(
        "up {}, {} CPUs busy {}.{}%, {} of {} free, {} processes",
        time(found.uptime_ns),
        found.cpus,
        busy / 10,
        busy % 10,
        memory(found.pages_free),
        memory(found.pages_total),
        found.processes,
    );
    Ok(0)
}

/// A time, for people.
pub fn time(ns: u64) -> String {
    let seconds = ns / 1_000_000_000;
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86400 => format!("{} h {} min", seconds / 3600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::Activity;

    #[test]
    fn the_table_stands_straight() {
        let all = [
            Known {
                name: "virtio_net".into(),
                state: Some(State::Running),
                isolation: "kernel",
                memory_pages: 153,
                handles: 20,
                restarts: 1,
                cpu_ns: 3,
                ..Known::default()
            },
            Known {
                number: Some(12),
                name: "sleep".into(),
                isolation: "user",
                activity: Activity::Calling,
                calls: "terminal".into(),
                memory_pages: 600,
                handles: 4,
                ..Known::default()
            },
        ];
        assert_eq!(
            table(&all, &|one| one.cpu_ns),
            [
                "ID  COMPONENT   ISOLATION  STATE            CPU   MEMORY  HANDLES  RESTARTS",
                " -  virtio_net  kernel     running         0.3%  612 KiB       20         1",
                "12  sleep       user       calls terminal  0.0%  2.3 MiB        4         -",
            ]
        );
    }

    #[test]
    fn times_are_for_people() {
        let shown = [5, 65, 3700, 90000].map(|seconds| time(seconds * 1_000_000_000));
        assert_eq!(shown, ["5 s", "1 min 5 s", "1 h 1 min", "1 d 1 h"]);
    }
}
