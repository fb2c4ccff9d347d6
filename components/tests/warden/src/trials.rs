//! The list of what is tried, and what must come of it.

use crate::trial::{Attack, Bug};

/// What is tried.
#[derive(Clone, Copy, Debug)]
pub enum What {
    /// By `hostile`.
    Attack(Attack),
    /// By `buggy`.
    Bug(Bug),
}

/// What must come of it.
#[derive(Clone, Copy, Debug)]
pub enum Expect {
    /// It answers, with a number in this range.
    Done(u64, u64),
    /// The client is told that its request was dropped.
    NoReply,
    /// It ends with this status.
    Ends(u64),
    /// It goes on for ever, and is killed after a while in which the system serves all the same.
    Hangs,
    /// It hangs, and its heartbeat ends it.
    Found,
    /// Whatever: only the others count.
    Anything,
}

/// One line of the list.
#[derive(Clone, Copy, Debug)]
pub struct Trial {
    /// What is tried.
    pub what: What,
    /// How often, with the numbers from 0 on as seeds.
    pub times: u32,
    /// What the attack is to do how often.
    pub count: u32,
    /// The address, for what is tried at one that is told.
    pub at: u64,
    /// What must come of it.
    pub expect: Expect,
}

const PANIC: u64 = ftl::abi::ProcessState::EXIT_PANIC as u64;
const FAULT: u64 = ftl::abi::ProcessState::EXIT_FAULT as u64;
const OVERFLOW: u64 = ftl::abi::ProcessState::EXIT_STACK_OVERFLOW as u64;
const KILLED: u64 = ftl::abi::ProcessState::EXIT_KILLED as u64;
/// Addresses in `hostile`'s lists, and some more at random.
const ADDRESSES: u32 = 32;

const fn attack(what: Attack, times: u32, count: u32, expect: Expect) -> Trial {
    Trial {
        what: What::Attack(what),
        times,
        count,
        at: 0,
        expect,
    }
}

const fn bug(what: Bug, expect: Expect) -> Trial {
    Trial {
        what: What::Bug(what),
        times: 1,
        count: 0,
        at: 0,
        expect,
    }
}

/// Everything that is tried. The storm comes last; how long it is, the settings say.
pub const TRIALS: &[Trial] = &[
    attack(Attack::Read, ADDRESSES, 0, Expect::Ends(FAULT)),
    attack(Attack::Write, ADDRESSES, 0, Expect::Ends(FAULT)),
    attack(Attack::Jump, ADDRESSES, 0, Expect::Ends(FAULT)),
    attack(Attack::WriteCode, 1, 0, Expect::Ends(FAULT)),
    attack(Attack::RunData, 2, 0, Expect::Ends(FAULT)),
    attack(Attack::RunAnywhere, 16, 0, Expect::Anything),
    attack(Attack::Registers, 1, 10, Expect::Done(0, 0)),
    attack(Attack::Forge, 1, 2_000, Expect::Done(0, 0)),
    attack(Attack::Stale, 1, 300, Expect::Done(0, 0)),
    attack(Attack::Rights, 1, 0, Expect::Done(0, 0)),
    attack(Attack::Circles, 2, 0, Expect::Done(30, 100)),
    attack(Attack::Fill, 1, 0, Expect::Done(128, 1 << 20)),
    attack(Attack::Map, 1, 1_000, Expect::Done(1_000, 1_000)),
    attack(Attack::Unmapped, 8, 50, Expect::Ends(FAULT)),
    attack(Attack::Hoard, 1, 0, Expect::Done(10, 5_000)),
    // One less than its limit in systems/isolation.yml.
    attack(Attack::Threads, 1, 0, Expect::Done(5, 5)),
    attack(Attack::Processes, 1, 0, Expect::Done(0, 0)),
    attack(Attack::Overflow, 1, 0, Expect::Ends(OVERFLOW)),
    attack(Attack::Leap, 1, 0, Expect::Ends(OVERFLOW)),
    attack(Attack::Spin, 1, 0, Expect::Hangs),
    attack(Attack::Sleep, 1, 0, Expect::Hangs),
    attack(Attack::Exit, 1, 0, Expect::Ends(0)),
    attack(Attack::Feign, 1, 0, Expect::Ends(KILLED)),
    attack(Attack::Babble, 4, 2_000, Expect::Anything),
    bug(Bug::Panic, Expect::Ends(PANIC)),
    bug(Bug::Index, Expect::Ends(PANIC)),
    bug(Bug::Divide, Expect::Ends(PANIC)),
    bug(Bug::ReadNull, Expect::Ends(FAULT)),
    bug(Bug::WriteNull, Expect::Ends(FAULT)),
    bug(Bug::Overflow, Expect::Ends(OVERFLOW)),
    bug(Bug::Leap, Expect::Ends(OVERFLOW)),
    bug(Bug::Spin, Expect::Found),
    bug(Bug::Sleep, Expect::Found),
    bug(Bug::Exhaust, Expect::Ends(PANIC)),
    bug(Bug::Forget, Expect::NoReply),
    bug(Bug::Leave, Expect::Ends(0)),
];

/// Attacks on what lies at an address, under `user`.
pub fn attacks_at(at: u64) -> [Trial; 3] {
    let attacks = [Attack::ReadAt, Attack::WriteAt, Attack::JumpAt];
    attacks.map(|what| Trial {
        at,
        ..attack(what, 1, 0, Expect::Ends(FAULT))
    })
}

/// The same address read under `kernel`, which shows that something is mapped there.
pub fn look_at(at: u64) -> Trial {
    Trial {
        at,
        ..bug(Bug::ReadWild, Expect::Done(0, 0))
    }
}

/// Calls that one attempt of the storm makes.
pub const STORM_PIECE: u32 = 10_000;

/// The storm: so many calls in all.
pub const fn storm(calls: u32) -> Trial {
    attack(
        Attack::Storm,
        calls.div_ceil(STORM_PIECE),
        STORM_PIECE,
        Expect::Done(STORM_PIECE as u64, STORM_PIECE as u64),
    )
}
