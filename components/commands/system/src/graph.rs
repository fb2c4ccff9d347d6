//! `graph`: who is connected to whom, and how much they say.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ftl::prelude::*;

use crate::known::{Connection, Known, components_with_needs, connections};
use crate::misused;
use crate::spec::*;

pub const GRAPH: &str = "\
shows who is connected to whom, and how much they say
usage: graph [-s SECONDS] [COMPONENT]

  -s SECONDS  for how long messages are counted; 1 if nothing is said, and at most 60

Under each component and command stands whom it calls, and the messages a second that went there and back, replies
not counted. With a component: only what it is connected to.
";

pub fn graph(env: &mut Environ) -> Result<usize> {
    let (mut only, mut seconds) = (None, 1);
    let arguments = env.arguments.clone();
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "-s" => match rest.next().and_then(|value| value.parse().ok()) {
                Some(value @ 1..=60) => seconds = value,
                _ => return misused(env, "`-s` needs a number from 1 to 60"),
            },
            option if option.starts_with('-') => return misused(env, "there is no such option"),
            name if only.is_none() => only = Some(String::from(name)),
            _ => return misused(env, "there is more than one component"),
        }
    }
    let all = components_with_needs(env)?;
    if let Some(name) = &only
        && !all.iter().any(|component| component.name == *name)
    {
        eprintln!("graph: there is no component `{name}`; `ps -a` lists them");
        return Ok(1);
    }
    let before = connections(env)?;
    let began = Instant::now();
    ftl::time::sleep(Duration::from_secs(seconds));
    let now = connections(env)?;
    let passed = Instant::now() - began;
    for line in drawn(&all, &rates(&before, &now, passed), only.as_deref()) {
        println!("{line}");
    }
    Ok(0)
}

/// The connections that there are now, with messages a second in place of messages.
fn rates(before: &[Connection], now: &[Connection], passed: Duration) -> Vec<Connection> {
    let millis = u64::try_from(passed.as_millis()).unwrap_or(u64::MAX).max(1);
    // Rounded, so that what happens once in two seconds is not nothing.
    let rate = |count: u64| (count.saturating_mul(1000) + millis / 2) / millis;
    now.iter()
        .map(|now| {
            let old = before
                .iter()
                .find(|old| old.component == now.component && old.peer == now.peer);
            let (sent, received) = old.map_or((0, 0), |old| (old.sent, old.received));
            Connection {
                sent: rate(now.sent.saturating_sub(sent)),
                received: rate(now.received.saturating_sub(received)),
                ..now.clone()
            }
        })
        .collect()
}

fn drawn(all: &[Known], connections: &[Connection], only: Option<&str>) -> Vec<String> {
    let mut lines = Vec::new();
    for component in all {
        let title = format!(
            "{} ({}, {})",
            component.name,
            component.isolation,
            component.state_text()
        );
        below(&mut lines, title, component, connections, only);
    }
    // Commands are known by their connections alone.
    let mut commands: Vec<&str> = connections
        .iter()
        .map(|connection| connection.component.as_str())
        .filter(|name| all.iter().all(|component| component.name != *name))
        .collect();
    commands.dedup();
    for name in commands {
        let command = Known {
            name: name.into(),
            ..Known::default()
        };
        let title = format!("{name} (command)");
        below(&mut lines, title, &command, connections, only);
    }
    lines
}

/// One component, and under it those that it calls: what it needs first, and then who else there is.
fn below(
    lines: &mut Vec<String>,
    title: String,
    of: &Known,
    connections: &[Connection],
    only: Option<&str>,
) {
    let mut peers: Vec<&str> = Vec::new();
    let needed = of.needs.iter().map(|(_, provider)| provider.as_str());
    let open = connections
        .iter()
        .filter(|connection| connection.component == of.name)
        .map(|connection| connection.peer.as_str());
    for peer in needed.chain(open) {
        if !peers.contains(&peer) && only.is_none_or(|only| of.name == only || peer == only) {
            peers.push(peer);
        }
    }
    if peers.is_empty() && only.is_some_and(|only| of.name != only) {
        return;
    }
    lines.push(title);
    for (i, peer) in peers.iter().enumerate() {
        let corner = if i + 1 == peers.len() { "└" } else { "├" };
        let interfaces: Vec<&str> = of
            .needs
            .iter()
            .filter(|(_, provider)| provider == peer)
            .map(|(interface, _)| interface.as_str())
            .collect();
        let over = match interfaces.as_slice() {
            [] => String::new(),
            some => format!("{} ─", some.join(", ")),
        };
        let name = if peer.is_empty() { "nobody" } else { peer };
        let said = connections
            .iter()
            .find(|connection| connection.component == of.name && connection.peer == *peer)
            .map_or(String::new(), |found| {
                let (sent, received) = (found.sent, found.received);
                let channels = match found.channels {
                    1 => String::new(),
                    count => format!(", {count} channels"),
                };
                format!("  {sent}/s there, {received}/s back{channels}")
            });
        lines.push(format!("  {corner}─ {over}▶ {name}{said}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::known::{Activity, State};

    fn connection(component: &str, peer: &str, sent: u64, received: u64) -> Connection {
        Connection {
            component: component.into(),
            peer: peer.into(),
            channels: 1,
            sent,
            received,
        }
    }

    #[test]
    fn the_graph_shows_needs_and_messages() {
        let all = [Known {
            name: "tcpip".into(),
            state: Some(State::Running),
            activity: Activity::Idle,
            isolation: "user",
            needs: [("net", "virtio_net"), ("clock", "")]
                .map(|(a, b)| (a.into(), b.into()))
                .into(),
            ..Known::default()
        }];
        let mut found = [
            connection("tcpip", "virtio_net", 12, 3),
            connection("tcpip", "init", 1, 0),
            connection("curl#3", "tcpip", 7, 1),
        ];
        found[1].channels = 2;
        assert_eq!(
            drawn(&all, &found, None),
            [
                "tcpip (user, idle)",
                "  ├─ net ─▶ virtio_net  12/s there, 3/s back",
                "  ├─ clock ─▶ nobody",
                "  └─ ▶ init  1/s there, 0/s back, 2 channels",
                "curl#3 (command)",
                "  └─ ▶ tcpip  7/s there, 1/s back",
            ]
        );
        assert!(drawn(&all, &found, Some("pong")).is_empty());
        assert_eq!(drawn(&all, &found[..1], Some("virtio_net")).len(), 2);
    }

    #[test]
    fn rates_are_what_was_added_in_that_time() {
        let before = [connection("a", "b", 10, 5)];
        let now = [connection("a", "b", 30, 4), connection("c", "b", 3, 0)];
        let found = rates(&before, &now, Duration::from_millis(2000));
        assert_eq!((found[0].sent, found[0].received), (10, 0));
        assert_eq!(found[1].sent, 2);
    }
}
