//! The work that a packet makes, counted and not timed: it must not grow with the number of sockets.

mod common;
use common::*;

/// Polls of socket sets and steps in the heap of deadlines, per round trip on one connection,
/// while `others` more connections are open.
fn work(others: usize) -> (f64, f64) {
    let limits = Limits {
        sockets_max: 20_000,
        ..Limits::default()
    };
    let mut world = World::with_limits(Wire::default(), 5, limits);
    let options = TcpOptions {
        receive_buffer: 1024,
        send_buffer: 1024,
        ..TcpOptions::default()
    };
    let (listener, server, client) = world.connected(80, options);
    for _ in 0..others {
        world.connect(listener, 80, options);
    }
    world.rest(Duration::from_millis(100));
    let before = [0, 1].map(|i| {
        (
            world.stacks[i].statistics().polls,
            world.stacks[i].timer_steps(),
        )
    });
    const ROUNDS: usize = 200;
    let mut buffer = [0; 100];
    for _ in 0..ROUNDS {
        for (from, to, a, b) in [(1, 0, client, server), (0, 1, server, client)] {
            world.stacks[from].send(a, b"request", world.now).unwrap();
            world.until(Duration::from_secs(1), "an answer", |world| {
                matches!(
                    world.stacks[to].receive_from(b, &mut buffer, world.now),
                    Ok(Some(_))
                )
            });
        }
    }
    let after = [0, 1].map(|i| {
        (
            world.stacks[i].statistics().polls,
            world.stacks[i].timer_steps(),
        )
    });
    let per_round = |f: fn(&(u64, u64)) -> u64| {
        (0..2).map(|i| f(&after[i]) - f(&before[i])).sum::<u64>() as f64 / ROUNDS as f64
    };
    (per_round(|w| w.0), per_round(|w| w.1))
}

#[test]
fn a_packet_costs_the_same_with_ten_and_with_ten_thousand_sockets() {
    let (few_polls, few_steps) = work(10);
    let (many_polls, many_steps) = work(10_000);
    println!(
        "polls per round trip: {few_polls} and {many_polls}; timer steps: {few_steps} and {many_steps}"
    );
    // Keep-alives of the others are in there, too, hence not quite equal.
    assert!(
        many_polls <= few_polls * 1.2 + 1.0,
        "{few_polls} {many_polls}"
    );
    // A heap is logarithmic: log2(10,000) is 13, of log2(10) 3.
    assert!(
        many_steps <= few_steps + 4.0 * 13.0,
        "{few_steps} {many_steps}"
    );
}
