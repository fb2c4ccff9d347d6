//! Who may start how much, so that nobody uses up what everybody starts from.
//!
//! Commands are started by components, by commands that these have started, and so on: a tree, with the
//! components that may start something at its roots. There is one machine for all of them, with so much memory and
//! so many places for commands. Everybody in the tree is **sure** of a part of it for what it starts: as long as
//! that part is not in use, nobody else gets it, neither other components nor what was started from here. So whoever starts without
//! end is refused at some point, and so is all that it has started, while a shell from which that began can still start
//! what helps against it, and somebody who logs in notices nothing.
//!
//! What is kept so grows with the number of commands that start each other, as the next may be the one that needs it. A
//! chain of them comes to its end the sooner.

use alloc::collections::BTreeMap;
use alloc::vec;

/// Who starts a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Starter {
    /// A component, by its place in the plan.
    Component(u16),
    /// A command that runs, by its number.
    Job(u32),
}

/// A command that runs.
#[derive(Clone, Copy, Debug)]
pub struct Used {
    /// Its number.
    pub number: u32,
    /// Who started it.
    pub starter: Starter,
    /// What it uses.
    pub amount: u64,
}

/// Where a command is in the tree, as seen from who wants to start another.
#[derive(Clone, Copy)]
enum Place {
    /// It is, or was started from, the starter itself (0), who started that (1), and so on up.
    Line(usize),
    /// It was started from another component.
    Other(u16),
}

/// How much is not for `starter`, but for others in the tree that use less than `sure`. `roots` are the components
/// that may start commands.
pub fn kept_for_others(roots: &[u16], running: &[Used], starter: Starter, sure: u64) -> u64 {
    let by_number: BTreeMap<u32, &Used> = running.iter().map(|job| (job.number, job)).collect();
    // From the starter up to its component.
    let mut line = vec![starter];
    let mut root = None;
    while line.len() <= running.len() + 1 {
        match line.last() {
            Some(Starter::Job(number)) => match by_number.get(number) {
                Some(job) => line.push(job.starter),
                None => break,
            },
            Some(Starter::Component(place)) => {
                root = Some(*place);
                break;
            }
            None => break,
        }
    }
    let mut in_line = vec![0; line.len()];
    let mut others: BTreeMap<u16, u64> = BTreeMap::new();
    let mut places: BTreeMap<u32, Place> = BTreeMap::new();
    let on_line: BTreeMap<u32, usize> = line
        .iter()
        .enumerate()
        .filter_map(|(at, starter)| match starter {
            Starter::Job(number) => Some((*number, at)),
            Starter::Component(_) => None,
        })
        .collect();
    // In the order in which they were started, so whoever started one was there before.
    for job in by_number.values() {
        if let Some(&at) = on_line.get(&job.number) {
            places.insert(job.number, Place::Line(at));
            continue;
        }
        let place = match job.starter {
            Starter::Component(place) if Some(place) == root => Some(Place::Line(line.len() - 1)),
            Starter::Component(place) => Some(Place::Other(place)),
            Starter::Job(number) => places.get(&number).copied(),
        };
        let Some(place) = place else { continue };
        places.insert(job.number, place);
        match place {
            Place::Line(at) => in_line[at] += job.amount,
            Place::Other(root) => *others.entry(root).or_default() += job.amount,
        }
    }
    let above = in_line.iter().skip(1);
    let others = roots
        .iter()
        .filter(|&&other| Some(other) != root)
        .map(|other| others.get(other).unwrap_or(&0));
    let rest = |used: &u64| sure.saturating_sub(*used);
    above.map(rest).chain(others.map(rest)).sum()
}

/// The commands of one that has ended belong to who started that one.
pub fn inherit<'a>(starters: impl Iterator<Item = &'a mut Starter>, ended: u32, heir: Starter) {
    for starter in starters.filter(|starter| **starter == Starter::Job(ended)) {
        *starter = heir;
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const CONSOLE: Starter = Starter::Component(3);
    const REMOTE: Starter = Starter::Component(5);
    const ROOTS: &[u16] = &[3, 5];
    const SURE: u64 = 16;

    fn job(number: u32, starter: Starter, amount: u64) -> Used {
        Used {
            number,
            starter,
            amount,
        }
    }

    /// Starts until it is refused, as init does it. Returns how many more ran then.
    fn start_without_end(
        running: &mut Vec<Used>,
        total: u64,
        mut starter: impl FnMut(&[Used], u32) -> Starter,
    ) -> usize {
        let before = running.len();
        loop {
            let number = running.len() as u32 + 1;
            let starter = starter(running, number);
            let free = total - running.len() as u64;
            if free <= kept_for_others(ROOTS, running, starter, SURE) {
                return running.len() - before;
            }
            running.push(job(number, starter, 1));
        }
    }

    #[test]
    fn nobody_has_to_leave_room_for_those_who_have_theirs() {
        let nobody = [];
        assert_eq!(kept_for_others(ROOTS, &nobody, CONSOLE, SURE), SURE);
        let running = [job(1, REMOTE, 10), job(2, Starter::Job(1), 4)];
        assert_eq!(kept_for_others(ROOTS, &running, CONSOLE, SURE), 2);
        let running = [job(1, REMOTE, 10), job(2, Starter::Job(1), 40)];
        assert_eq!(kept_for_others(ROOTS, &running, CONSOLE, SURE), 0);
    }

    #[test]
    fn one_component_leaves_the_other_its_part() {
        let mut running = Vec::new();
        let first = start_without_end(&mut running, 1000, |_, _| CONSOLE);
        assert_eq!(first, 1000 - 16);
        let second = start_without_end(&mut running, 1000, |_, _| REMOTE);
        assert_eq!(second, 16);
    }

    #[test]
    fn a_shell_can_start_something_against_what_it_has_started() {
        // The console's shell starts another one, and that one starts without end.
        let shell = Starter::Job(1);
        let mut running = vec![job(1, CONSOLE, 1), job(2, shell, 1)];
        let bomb = start_without_end(&mut running, 1000, |_, _| Starter::Job(2));
        // All but what the shell, the console, and the other component are sure of.
        assert_eq!(bomb, 1000 - 2 - 3 * 16);
        assert_eq!(start_without_end(&mut running, 1000, |_, _| shell), 16);
        assert_eq!(start_without_end(&mut running, 1000, |_, _| CONSOLE), 16);
        assert_eq!(start_without_end(&mut running, 1000, |_, _| REMOTE), 16);
        assert_eq!(running.len(), 1000);
    }

    #[test]
    fn a_bomb_whose_parts_start_each_other_stops_sooner() {
        // Each starts the next one.
        let mut running = vec![job(1, CONSOLE, 1)];
        let chain = start_without_end(&mut running, 1000, |running, _| {
            Starter::Job(running.len() as u32)
        });
        assert!((40..80).contains(&chain), "{chain}");
        // Everybody starts, in turn.
        let mut running = vec![job(1, CONSOLE, 1), job(2, Starter::Job(1), 1)];
        let mut turn = 0;
        start_without_end(&mut running, 1000, |running, _| {
            turn += 1;
            Starter::Job(2 + turn % (running.len() as u32 - 1))
        });
        assert!(start_without_end(&mut running, 1000, |_, _| Starter::Job(1)) >= 16);
        assert!(start_without_end(&mut running, 1000, |_, _| REMOTE) >= 16);
    }

    #[test]
    fn who_ends_leaves_its_commands_to_its_starter() {
        let mut starters = [CONSOLE, Starter::Job(1), Starter::Job(2), Starter::Job(2)];
        inherit(starters.iter_mut(), 2, Starter::Job(1));
        let one = Starter::Job(1);
        assert_eq!(starters, [CONSOLE, one, one, one]);
    }
}
