//! Who is connected to whom, and how much they say to each other.
//!
//! The kernel tells of each process which ends of channels it holds ([`Process::for_each_channel`]); two ends with
//! one number are a connection. An end whose other end no component and no command has is init's own: there
//! is nobody else. An end that is on its way in a message looks the same, for that moment.

use alloc::collections::BTreeMap;
use alloc::collections::btree_map::Entry;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ftl::abi::{ChannelEnd, Doing, ProcessInfo};
use ftl::handle::Process;
use interfaces::system::Activity;

use crate::supervisor::Supervisor;

/// All channels between two.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Connection {
    /// Who was started later.
    pub from: String,
    /// Who was started earlier.
    pub to: String,
    /// How many channels there are.
    pub channels: u32,
    /// Messages that wait in them.
    pub queued: u32,
    /// What `from` sent, and `to`, as far as it was seen.
    pub sent: u64,
    /// See `sent`.
    pub received: u64,
}

/// What was seen of all channels.
#[derive(Default)]
pub struct Connections {
    all: Vec<Connection>,
    /// What was counted on each channel at the last look, from the end of who was started later.
    counted: BTreeMap<u64, [u32; 2]>,
}

impl Connections {
    /// The connections, as they were at the last look.
    pub fn all(&self) -> &[Connection] {
        &self.all
    }

    /// Takes in what ends there are: each with the place of its holder among `names`, the last started first.
    fn look(&mut self, names: &[String], ends: &[(usize, ChannelEnd)]) {
        let mut open: BTreeMap<u64, (usize, ChannelEnd)> = BTreeMap::new();
        let mut now: BTreeMap<(usize, usize), Connection> = BTreeMap::new();
        let mut counted = BTreeMap::new();
        let init = names.len();
        let mut join = |from: usize, to: usize, end: &ChannelEnd, queued_there: u16| {
            let counts = [end.sent, end.came];
            let before = self.counted.get(&end.channel).copied().unwrap_or_default();
            let connection = now.entry((from, to)).or_default();
            connection.channels += 1;
            connection.queued += u32::from(end.queued) + u32::from(queued_there);
            connection.sent += u64::from(counts[0].wrapping_sub(before[0]));
            connection.received += u64::from(counts[1].wrapping_sub(before[1]));
            counted.insert(end.channel, counts);
        };
        for &(holder, end) in ends {
            match open.entry(end.channel) {
                Entry::Vacant(place) => {
                    place.insert((holder, end));
                }
                Entry::Occupied(place) => {
                    let (first, first_end) = place.remove();
                    // One with a channel to itself is nobody's neighbour.
                    if first != holder {
                        join(first, holder, &first_end, end.queued);
                    }
                }
            }
        }
        for (holder, end) in open.into_values() {
            join(holder, init, &end, 0);
        }
        let before = core::mem::take(&mut self.all);
        let named = |place: usize| names.get(place).map_or("init", String::as_str);
        self.all = now
            .into_iter()
            .map(|((from, to), mut connection)| {
                (connection.from, connection.to) = (named(from).into(), named(to).into());
                let known = before
                    .iter()
                    .find(|old| old.from == connection.from && old.to == connection.to);
                if let Some(old) = known {
                    connection.sent += old.sent;
                    connection.received += old.received;
                }
                connection
            })
            .collect();
        self.counted = counted;
    }
}

impl Supervisor {
    /// All processes, the last started first, with the names that they have here.
    fn parties(&self) -> impl Iterator<Item = (String, &Process)> {
        let commands = self.jobs.iter().map(|job| {
            let name = &self.plan.commands[job.command].name;
            (format!("{name}#{}", job.number), &job.process)
        });
        let components = self.members.iter().zip(&self.plan.components).rev();
        commands.chain(components.filter_map(|(member, component)| {
            let running = member.running.as_ref()?;
            Some((component.name.clone(), &running.process))
        }))
    }

    /// Looks at all channels.
    pub fn look_at_connections(&mut self) {
        let (mut names, mut ends) = (Vec::new(), Vec::new());
        for (name, process) in self.parties() {
            let holder = names.len();
            names.push(name);
            // One that has just ended has no channels any more.
            let _ = process.for_each_channel(|end| ends.push((holder, *end)));
        }
        self.connections.look(&names, &ends);
    }

    /// What a process does, and who owes it the reply that it waits for, if it does. `name` is what
    /// [`Supervisor::parties`] calls it.
    pub fn activity(&self, name: &str, info: Option<&ProcessInfo>) -> (Activity, String) {
        let Some(info) = info else {
            return (Activity::Nothing, String::new());
        };
        let activity = match Doing::from_u32(info.doing) {
            Doing::Nothing => Activity::Nothing,
            Doing::Running => Activity::Running,
            Doing::Waiting => Activity::Waiting,
            Doing::Calling => Activity::Calling,
        };
        if activity != Activity::Calling {
            return (activity, String::new());
        }
        let called = self.parties().find(|(other, process)| {
            let mut has_it = false;
            let _ = process.for_each_channel(|end| has_it |= end.channel == info.calls_over);
            has_it && other != name
        });
        (activity, called.map_or("init".into(), |(name, _)| name))
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn end(channel: u64, side: u16, sent: u32, came: u32, queued: u16) -> ChannelEnd {
        ChannelEnd {
            channel,
            side,
            queued,
            sent,
            came,
            reserved: 0,
        }
    }

    #[test]
    fn ends_are_joined_and_counted() {
        let names = ["web", "net"].map(String::from);
        let mut connections = Connections::default();
        let ends = [
            (0, end(7, 0, 5, 2, 1)),
            (0, end(8, 1, 1, 0, 0)),
            (1, end(8, 0, 0, 1, 3)),
            (1, end(7, 1, 2, 5, 0)),
            (1, end(9, 1, 4, 6, 0)),
            (1, end(10, 0, 1, 0, 0)),
            (1, end(10, 1, 0, 1, 0)),
        ];
        connections.look(&names, &ends);
        let [first, second] = connections.all() else {
            panic!("{:?}", connections.all())
        };
        assert_eq!((first.from.as_str(), first.to.as_str()), ("web", "net"));
        assert_eq!((first.channels, first.queued), (2, 4));
        assert_eq!((first.sent, first.received), (6, 2));
        assert_eq!((second.from.as_str(), second.to.as_str()), ("net", "init"));
        assert_eq!((second.sent, second.received), (4, 6));
    }

    #[test]
    fn totals_only_grow_although_channels_come_and_go() {
        let names = ["web", "net"].map(String::from);
        let mut connections = Connections::default();
        let looks = [
            (vec![(7, 10, u32::MAX - 1)], (10, u64::from(u32::MAX) - 1)),
            // The count goes over its end.
            (vec![(7, 12, 3)], (12, u64::from(u32::MAX) + 4)),
            (vec![(8, 1, 1)], (13, u64::from(u32::MAX) + 5)),
            (vec![(8, 1, 1), (9, 4, 0)], (17, u64::from(u32::MAX) + 5)),
        ];
        for (channels, expected) in looks {
            let ends: Vec<(usize, ChannelEnd)> = channels
                .iter()
                .flat_map(|&(channel, sent, came)| {
                    [
                        (0, end(channel, 0, sent, came, 0)),
                        (1, end(channel, 1, came, sent, 0)),
                    ]
                })
                .collect();
            connections.look(&names, &ends);
            let [only] = connections.all() else {
                panic!("{:?}", connections.all())
            };
            assert_eq!((only.sent, only.received), expected);
        }
    }
}
