//! `why`: why a component runs, or does not.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ftl::prelude::*;

use crate::known::{Known, State, components_with_needs};
use crate::misused;
use crate::processes::time;
use crate::spec::*;

pub const WHY: &str = "\
says why a component runs or does not, down to the cause
usage: why COMPONENT
";

pub fn why(env: &mut Environ) -> Result<usize> {
    let [name] = env.arguments.as_slice() else {
        return misused(env, "which component?");
    };
    if name.starts_with('-') {
        return misused(env, "there is no such option");
    }
    let name = name.clone();
    let all = components_with_needs(env)?;
    if !all.iter().any(|component| component.name == name) {
        eprintln!("why: there is no component `{name}`; `ps -a` lists them");
        return Ok(1);
    }
    for line in explain(&all, &name, Instant::now().as_nanos()) {
        println!("{line}");
    }
    Ok(0)
}

/// The chain from a component down to the cause, and what to do.
fn explain(all: &[Known], name: &str, now_ns: u64) -> Vec<String> {
    let find = |name: &str| all.iter().find(|component| component.name == name);
    let Some(first) = find(name) else {
        return Vec::new();
    };
    let mut lines = Vec::from([format!("{name} {}.", doing(first, now_ns))]);
    // Needs go in no circle, but what init says is not taken on trust: nobody is visited twice.
    let mut seen = Vec::from([name]);
    let mut queue = Vec::from([first]);
    let mut cause: Option<&Known> = (first.state != Some(State::Running)).then_some(first);
    while let Some(component) = queue.pop() {
        for (interface, provider) in &component.needs {
            match find(provider) {
                Some(provider) => {
                    lines.push(
                        format!(
                            "It needs {interface} from {}, which {}.",
                            provider.name,
                            doing(provider, now_ns)
                        )
                        .replacen(
                            "It",
                            if component.name == name {
                                "It"
                            } else {
                                &component.name
                            },
                            1,
                        ),
                    );
                    if seen.contains(&provider.name.as_str()) {
                        continue;
                    }
                    seen.push(&provider.name);
                    if provider.state != Some(State::Running) && cause.is_some() {
                        cause = Some(provider);
                    }
                    queue.push(provider);
                }
                None if provider.is_empty() => lines.push(format!(
                    "{} could use {interface}, which nothing in this system provides.",
                    component.name
                )),
                None => {}
            }
        }
    }
    if let Some(cause) = cause {
        let name = &cause.name;
        lines.push(match cause.state {
            Some(State::Ended | State::Failed) => {
                format!("`log {name}` shows what it said last; `restart {name}` starts it again.")
            }
            _ => format!(
                "It is started as soon as that is possible; `log {name}` shows what it said last."
            ),
        });
    }
    lines
}

fn doing(component: &Known, now_ns: u64) -> String {
    let since = time(now_ns.saturating_sub(component.started_ns));
    let status = match component.status {
        101 => "a panic".into(),
        137 => "it was killed".into(),
        138 => "a stack overflow".into(),
        139 => "a fault".into(),
        status => format!("status {status}"),
    };
    match component.state {
        Some(State::Running) if component.restarts > 0 => format!(
            "runs, restarted {since} ago ({} time{})",
            component.restarts,
            if component.restarts == 1 { "" } else { "s" }
        ),
        Some(State::Running) | None => "runs".into(),
        Some(State::Waiting) => {
            "has not been started, because something that it needs is not there".into()
        }
        Some(State::Restarting) => format!("crashed ({status}) and is started again soon"),
        Some(State::Ended) => format!("ended by itself ({status})"),
        Some(State::Failed) => format!("crashed too often ({status}) and was given up"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str, state: State, needs: &[(&str, &str)]) -> Known {
        Known {
            name: name.into(),
            state: Some(state),
            isolation: "user",
            needs: needs
                .iter()
                .map(|(a, b)| (String::from(*a), String::from(*b)))
                .collect(),
            ..Known::default()
        }
    }

    #[test]
    fn the_chain_goes_down_to_the_cause() {
        let mut driver = known("virtio_net", State::Failed, &[]);
        driver.status = 101;
        let all = [
            driver,
            known("tcpip", State::Waiting, &[("net", "virtio_net")]),
            known(
                "http_server",
                State::Waiting,
                &[("tcpip", "tcpip"), ("system", "init")],
            ),
        ];
        assert_eq!(
            explain(&all, "http_server", 0),
            [
                "http_server has not been started, because something that it needs is not there.",
                "It needs tcpip from tcpip, which has not been started, because something that it needs is not there.",
                "tcpip needs net from virtio_net, which crashed too often (a panic) and was given up.",
                "`log virtio_net` shows what it said last; `restart virtio_net` starts it again.",
            ]
        );
    }

    #[test]
    fn what_runs_says_since_when() {
        let mut driver = known("virtio_net", State::Running, &[]);
        driver.restarts = 1;
        let all = [
            driver,
            known("tcpip", State::Running, &[("net", "virtio_net")]),
        ];
        assert_eq!(
            explain(&all, "tcpip", 4_000_000_000),
            [
                "tcpip runs.",
                "It needs net from virtio_net, which runs, restarted 4 s ago (1 time)."
            ]
        );
    }
}
