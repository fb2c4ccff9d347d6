//! Attacks on handles and objects: those of others, and more of one's own than the limits allow.

use alloc::vec::Vec;

use ftl::abi::call::FOREVER;
use ftl::abi::{Call, Error, Handle, MessageInfo, MessageKind, Rights};
use ftl::handle::Thread;
use ftl::sys::{self, NO_HANDLES};

use crate::calls::{call, held, raw};
use crate::random::Random;

/// Calls whose first argument is a handle, with other arguments that would do.
const ON_A_HANDLE: &[(Call, [usize; 5])] = &[
    (Call::HandleClose, [0; 5]),
    (Call::HandleDuplicate, [0x7f, 0, 0, 0, 0]),
    (Call::FolioSize, [0; 5]),
    (Call::FolioMap, [0, 4096, 1, 0, 0]),
    (Call::TimerSet, [0; 5]),
    (Call::DoorbellRing, [0; 5]),
    (Call::InterruptAck, [0; 5]),
    (Call::QueueDetach, [0; 5]),
    (Call::Wait, [0; 5]),
    (Call::Send, [0; 5]),
    (Call::DeviceInfo, [0; 5]),
    (Call::DeviceOpen, [0; 5]),
    (Call::DeviceMap, [0; 5]),
    (Call::DeviceInterrupt, [0; 5]),
    (Call::ProcessCreate, [0; 5]),
    (Call::ProcessStart, [0; 5]),
    (Call::ProcessKill, [9, 0, 0, 0, 0]),
    (Call::ProcessInfo, [0; 5]),
    (Call::ProcessChannels, [0; 5]),
    (Call::SystemStatistics, [0; 5]),
    (Call::SystemShutdown, [0; 5]),
    (Call::LogRead, [0; 5]),
    (Call::CrashRead, [0; 5]),
    (Call::ConsoleLog, [0; 5]),
    (Call::SendWait, [0; 5]),
    (Call::Call, [0; 5]),
    (Call::QueueAttach, [0; 5]),
    (Call::DeviceDma, [0; 5]),
    (Call::ProcessLoad, [0, 0, 4096, 0, 0]),
    (Call::Trace, [0; 5]),
];

/// All other calls.
const WITHOUT_A_HANDLE: &[Call] = &[
    Call::Nop,
    Call::ProcessExit,
    Call::ProcessPanic,
    Call::Log,
    Call::Yield,
    Call::ChannelCreate,
    Call::QueueCreate,
    Call::FolioCreate,
    Call::FolioUnmap,
    Call::TimerCreate,
    Call::DoorbellCreate,
    Call::ThreadCreate,
    Call::ThreadExit,
    Call::Random,
];

// Each call is in one list or the other, and in that once: a new one cannot be forgotten.
const _: () = {
    let mut seen = [false; Call::COUNT];
    let mut at = 0;
    while at < ON_A_HANDLE.len() + WITHOUT_A_HANDLE.len() {
        let number = match at < ON_A_HANDLE.len() {
            true => ON_A_HANDLE[at].0 as usize,
            false => WITHOUT_A_HANDLE[at - ON_A_HANDLE.len()] as usize,
        };
        assert!(!seen[number], "a call is listed twice");
        seen[number] = true;
        at += 1;
    }
    assert!(at == Call::COUNT, "a call is in neither list");
};

/// Tries every call on a handle; answers how many were let through.
fn try_all(handle: u32) -> u64 {
    let mut taken = 0;
    for (number, [b, c, d, e, f]) in ON_A_HANDLE {
        if call(*number, [handle as usize, *b, *c, *d, *e, *f]).is_ok() {
            taken += 1;
        }
    }
    taken
}

/// Handles out of thin air.
pub fn forge(seed: u64, count: u32) -> u64 {
    let mut random = Random::new(seed);
    let real = held();
    let mut taken = 0;
    for _ in 0..count {
        let near = random.below(2) == 0;
        let handle = match near {
            true => Handle::new(random.below(300) as u16, random.below(40) as u16),
            false => Handle::from_raw(random.next() as u32),
        };
        // One with the top bit set names the same: the kernel looks at what is below it.
        let same = |one: &Handle| one.raw() & 0x7fff_ffff == handle.raw() & 0x7fff_ffff;
        if !real.iter().any(same) {
            taken += try_all(handle.raw());
        }
    }
    taken
}

/// Handles that were closed, while their places are used by others.
pub fn stale(count: u32) -> u64 {
    let mut taken = 0;
    let mut gone = Vec::new();
    let mut alive = Vec::new();
    for _ in 0..count {
        let Ok(bell) = sys::doorbell_create() else {
            break;
        };
        let _ = sys::handle_close(bell);
        gone.push(bell);
        if gone.len() > 8 {
            gone.remove(0);
        }
        if let Ok(timer) = sys::timer_create() {
            alive.push(timer);
        }
        if alive.len() > 4 {
            let _ = sys::handle_close(alive.remove(0));
        }
        for handle in &gone {
            // Its place may have come round to the same generation only after 32,767 uses.
            if !alive.contains(handle) {
                taken += try_all(handle.raw());
            }
        }
    }
    taken
}

/// Rights that were given up. Each of these must be refused.
pub fn rights() -> u64 {
    let mut let_through = 0;
    let mut refused = |result: Result<(), Error>| {
        if result != Err(Error::MissingRight) {
            let_through += 1;
        }
    };
    let less = |handle: Handle, rights: Rights| {
        sys::handle_duplicate(handle, rights).unwrap_or(Handle::NONE)
    };
    let (Ok(folio), Ok(bell), Ok(timer), Ok(queue)) = (
        sys::folio_create(4096, 0),
        sys::doorbell_create(),
        sys::timer_create(),
        sys::queue_create(),
    ) else {
        return u64::MAX;
    };
    refused(sys::folio_map(less(folio, Rights::NONE), 0, 4096, false).map(drop));
    refused(sys::folio_map(less(folio, Rights::READ), 0, 4096, true).map(drop));
    refused(sys::folio_map(less(folio, Rights::WRITE), 0, 4096, true).map(drop));
    refused(sys::doorbell_ring(less(bell, Rights::WAIT)));
    refused(sys::timer_set(less(timer, Rights::WAIT), 1, 0));
    refused(sys::queue_attach(less(queue, Rights::WRITE), bell, 1));
    refused(sys::queue_attach(queue, less(bell, Rights::WRITE), 1));
    refused(sys::wait(less(queue, Rights::WRITE), 0).map(drop));
    let single = less(folio, Rights::READ);
    refused(sys::handle_duplicate(single, Rights::ALL).map(drop));
    // Rights that were never there do not come back by asking for all.
    let copy = less(
        less(folio, Rights::READ.union(Rights::DUPLICATE)),
        Rights::ALL,
    );
    refused(sys::folio_map(copy, 0, 4096, true).map(drop));
    if let Ok((one, _other)) = sys::channel_create(2, 16) {
        let mut given = NO_HANDLES;
        given[0] = less(folio, Rights::READ);
        let info = MessageInfo::new(MessageKind::OneWay, 1, 0, 1);
        refused(sys::send(one, info, 0, given));
    }
    let_through
}

/// A message that carries one handle.
fn carry(through: Handle, what: Handle) -> Result<(), Error> {
    let mut given = NO_HANDLES;
    given[0] = what;
    let info = MessageInfo::new(MessageKind::OneWay, 1, 0, 1);
    sys::send(through, info, 0, given)
}

/// Channels within channels: nothing but the kernel can take these apart.
pub fn circles() -> u64 {
    let mut made = 0;
    // Through itself, from either side.
    for _ in 0..8 {
        let Ok((one, other)) = sys::channel_create(2, 16) else {
            break;
        };
        made += u64::from(carry(one, other).is_ok());
        let Ok((one, _other)) = sys::channel_create(2, 16) else {
            break;
        };
        made += u64::from(carry(one, one).is_ok());
    }
    // Rings: the end of each lies in the queue of the next.
    for len in [2, 3, 40] {
        let mut pairs = Vec::new();
        for _ in 0..len {
            match sys::channel_create(2, 16) {
                Ok(pair) => pairs.push(pair),
                Err(_) => break,
            }
        }
        for at in 0..pairs.len() {
            let next = (at + 1) % pairs.len();
            made += u64::from(carry(pairs[next].0, pairs[at].1).is_ok());
        }
        for (one, _) in pairs {
            let _ = sys::handle_close(one);
        }
    }
    made
}

/// Every queue full, and full again of replies that are owed.
pub fn fill() -> u64 {
    let mut sent = 0;
    while let Ok((one, _other)) = sys::channel_create(64, 256) {
        for kind in [MessageKind::Request, MessageKind::OneWay] {
            let info = MessageInfo::new(kind, 1, 256, 0);
            for transaction in 0.. {
                match sys::send(one, info, transaction, NO_HANDLES) {
                    Ok(()) => sent += 1,
                    Err(_) => break,
                }
            }
        }
    }
    sent
}

/// The same page again and again.
pub fn map(count: u32) -> u64 {
    let Ok(folio) = sys::folio_create(4096, 0) else {
        return 0;
    };
    let mut mapped = 0;
    for _ in 0..count {
        match sys::folio_map(folio, 0, 4096, true) {
            Ok(_) => mapped += 1,
            Err(_) => break,
        }
    }
    mapped
}

/// All the memory that it may have, and more than there is.
pub fn hoard() -> u64 {
    let mut made = 0;
    for len in [usize::MAX, usize::MAX - 4095, 1 << 63, 1 << 40, 1 << 32] {
        for flags in [0, 1] {
            made += u64::from(sys::folio_create(len, flags).is_ok());
        }
    }
    for len in [1 << 20, 64 << 10, 4096] {
        for flags in [0, 1] {
            while sys::folio_create(len, flags).is_ok() {
                made += 1;
            }
        }
    }
    made
}

/// Threads that spin, as many as it may have; they go on after the answer.
pub fn threads() -> u64 {
    let mut started = 0;
    while let Ok(thread) = Thread::spawn(16 << 10, || {
        loop {
            core::hint::spin_loop();
        }
    }) {
        core::mem::forget(thread);
        started += 1;
    }
    started
}

/// Processes, on each handle that it has and on none.
pub fn processes() -> u64 {
    let mut made = 0;
    let mut handles = held();
    handles.push(Handle::NONE);
    for handle in handles {
        for number in [Call::ProcessCreate, Call::ProcessLoad, Call::ProcessStart] {
            made += u64::from(call(number, [handle.raw() as usize; 6]).is_ok());
        }
    }
    made
}

/// Nothing will ever come to this queue.
pub fn sleep() -> u64 {
    let queue = sys::queue_create().unwrap_or(Handle::NONE);
    let woken = sys::wait(queue, FOREVER);
    u64::from(woken.is_ok())
}

/// Messages of every kind that no interface has, to everybody who listens.
pub fn babble(seed: u64, count: u32) -> u64 {
    let mut random = Random::new(seed);
    let everybody = held();
    let mut sent = 0;
    for _ in 0..count {
        let handle = random.pick(&everybody);
        let bytes: [u8; 64] = core::array::from_fn(|_| random.next() as u8);
        ftl::buffer::write_send(&bytes);
        let odd = random.below(1 << 20) as u32;
        let ordinal = random.pick(&[0, 1, 2, 3, 9, 10, 11, odd]);
        let info = MessageInfo::new(
            random.pick(&[
                MessageKind::OneWay,
                MessageKind::Request,
                MessageKind::Reply,
            ]),
            ordinal,
            random.below(65),
            0,
        );
        let arguments = [
            handle.raw() as usize,
            info.bits() as usize,
            random.next() as u32 as usize,
            0,
            0,
            0,
        ];
        sent += u64::from(Error::from_register(raw(Call::Send as usize, arguments)[0]).is_ok());
    }
    sent
}
