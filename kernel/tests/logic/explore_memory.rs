//! Small systems with folios and threads, explored completely: see [`explore`](crate::explore).

use abi::{Call, MessageKind, ProcessParams};
use kernel::memory::Id;
use kernel::object::Thread;

use crate::common::{Sim, info};
use crate::explore::{Act, FOREVER, GIVEN, HELD, Who, World, calls, child, depth, explore, small};

/// A page, in bytes.
const PAGE: usize = abi::PAGE_SIZE;

/// What two processes on two CPUs can do with memory that they share, one of them in an address space of its own: both map it, touch
/// it, unmap it, hand it on, make more of it, close it, and end, by themselves, by a write that is not allowed, or killed.
fn folios() -> World {
    let mut sim = small(2);
    let root = sim.root;
    let (a, b) = sim.channel(root, 1, 0);
    let user = ProcessParams {
        isolation: 1,
        ..child()
    };
    let other = sim.spawn_with(user, b);
    let folio = sim.ok(root, Call::FolioCreate, &[2 * PAGE, 0]);
    let again = sim.ok(root, Call::HandleDuplicate, &[folio, usize::MAX >> 48]);
    assert_ne!(folio, again);
    sim.bring(other.thread);
    let theirs = sim.queue(other.thread);
    sim.attach(other.thread, theirs, GIVEN, 7);
    let carry = info(MessageKind::OneWay, 0, 1);
    let menus = vec![
        (
            Who::Thread(root),
            vec![
                Act::Folio(Call::FolioMap, [HELD, 0, 2 * PAGE, 1, 0, 0]),
                Act::Touch {
                    page: 1,
                    write: true,
                },
                Act::Unmap,
                Act::Folio(Call::Send, [a, carry, 0, HELD, 0, 0]),
                Act::Folio(Call::HandleClose, [HELD, 0, 0, 0, 0, 0]),
                Act::Call(Call::FolioCreate, [PAGE, 0, 0, 0, 0, 0]),
                Act::Call(Call::ProcessKill, [other.handle, 1, 0, 0, 0, 0]),
            ],
        ),
        (
            Who::Process(other.process),
            vec![
                Act::Call(Call::Wait, [theirs, FOREVER, 0, 0, 0, 0]),
                Act::Folio(Call::FolioMap, [HELD, 0, 2 * PAGE, 0, 0, 0]),
                Act::Touch {
                    page: 1,
                    write: false,
                },
                Act::Touch {
                    page: 0,
                    write: true,
                },
                Act::Unmap,
                Act::Folio(Call::Send, [GIVEN, carry, 0, HELD, 0, 0]),
                Act::Folio(Call::HandleClose, [HELD, 0, 0, 0, 0, 0]),
            ],
        ),
    ];
    World { sim, menus }
}

#[test]
fn memory_that_two_share() {
    let states = explore(folios, depth(6, 8));
    assert!(states > 1000, "{states} states");
    println!("{states} states");
}

/// A process whose threads start further ones, up to its limit, and end, while they wait, while others wait with
/// them, and while the process is killed; their stacks and message buffers are folios, too.
fn threads() -> World {
    let mut sim = small(2);
    let root = sim.root;
    let (_, b) = sim.channel(root, 1, 0);
    let many = ProcessParams {
        isolation: 1,
        threads_max: 3,
        ..child()
    };
    let other = sim.spawn_with(many, b);
    let own = sim.queue(root);
    sim.attach(root, own, other.handle, 1);
    sim.bring(other.thread);
    let (theirs, bell) = with_a_bell(&mut sim, other.thread);
    let soon = sim.now() as usize + 1000;
    let menus = vec![
        calls(
            root,
            vec![
                (Call::ProcessKill, [other.handle, 1, 0, 0, 0, 0]),
                (Call::Wait, [own, FOREVER, 0, 0, 0, 0]),
                (Call::Yield, [0; 6]),
            ],
        ),
        (
            Who::Process(other.process),
            vec![
                Act::Call(Call::ThreadCreate, [0x1000, 0, 4 * PAGE, 0, 0, 0]),
                Act::Call(Call::ThreadExit, [0; 6]),
                Act::Call(Call::Wait, [theirs, soon, 0, 0, 0, 0]),
                Act::Call(Call::DoorbellRing, [bell, 0, 0, 0, 0, 0]),
                Act::Thread(Call::HandleClose, [HELD, 0, 0, 0, 0, 0]),
                Act::Call(Call::Yield, [0; 6]),
                Act::Call(Call::ProcessExit, [0; 6]),
            ],
        ),
    ];
    World { sim, menus }
}

fn with_a_bell(sim: &mut Sim, thread: Id<Thread>) -> (usize, usize) {
    let queue = sim.queue(thread);
    let bell = sim.ok(thread, Call::DoorbellCreate, &[]);
    sim.attach(thread, queue, bell, 1);
    (queue, bell)
}

#[test]
fn threads_that_come_and_go() {
    let states = explore(threads, depth(6, 8));
    assert!(states > 1000, "{states} states");
    println!("{states} states");
}
