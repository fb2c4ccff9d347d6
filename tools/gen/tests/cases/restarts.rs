//! What calls and channels come to when their server restarts (rule 20).

use ftl::prelude::Duration;

use super::waiting::{Played, answer, said};
use super::*;

const POINTS: [sample::Point; 2] = [sample::Point { x: 1, y: 1.0 }; 2];

/// A component without an event loop: two calls, of which the first may be done twice.
fn main(env: user::Environ) -> ftl::Result<()> {
    let mut things = env.things;
    let listed = things.list(None, &POINTS).map(|items| items.len());
    ftl::info!("list: {listed:?}");
    let got = things.get("x").map(|got| got.data.len());
    ftl::info!("get: {got:?}");
    let again = things.get("x").map(|got| got.data.len());
    ftl::info!("again: {again:?}");
    Ok(())
}

/// Waits for the call that may be done twice; answers with its duty.
fn list(played: &mut Played) -> sample::ListReplier {
    match played.events.next().unwrap() {
        Event::Message(_, Message::Sample(sample::ToServer::List(request, reply))) => {
            assert_eq!(request.points.len(), 2);
            reply
        }
        other => panic!("unexpected: {other:?}"),
    }
}

/// The server dies in mid-call, and is back after. `late`: after the call has waited for long.
/// `told_first`: init's word of the new server comes before the old channel's end.
fn dies(system: &System, late: bool, told_first: bool) -> Vec<String> {
    let (mut first, client) = Played::new();
    let user = system
        .component("user", main)
        .need(sample::HASH, client)
        .run();
    let owed = list(&mut first);
    if late {
        testkit::pass(Duration::from_secs(3));
    }
    let (mut second, client) = Played::new();
    // What owes an answer dies with the server; so it must not answer.
    core::mem::forget(owed);
    if told_first {
        user.restarted(0, client).unwrap();
        testkit::pass(Duration::from_millis(1));
        drop(first);
    } else {
        drop(first);
        testkit::pass(Duration::from_millis(1));
        user.restarted(0, client).unwrap();
    }
    list(&mut second).ok(&[][..]).unwrap();
    let (_, reply) = second.request();
    core::mem::forget(reply);
    drop(second);
    let (mut third, client) = Played::new();
    testkit::pass(Duration::from_millis(1));
    user.restarted(0, client).unwrap();
    testkit::pass(Duration::from_millis(1));
    let (_, reply) = third.request();
    answer(reply, b"four");
    testkit::pass(Duration::from_millis(1));
    assert_eq!(user.wait(), 0);
    said(system)
}

#[test]
fn a_call_that_may_be_done_twice_is_asked_again_and_another_ends_once() {
    for (late, told_first) in [(false, false), (true, false), (true, true)] {
        let system = System::new();
        let heard = dies(&system, late, told_first);
        let expected = ["list: Ok(0)", "get: Err(PeerRestarted)", "again: Ok(4)"];
        assert_eq!(heard, expected, "{late} {told_first}");
    }
}

/// Hears of the old server's end, and what comes after.
fn listen(env: user::Environ) -> ftl::Result<()> {
    let things = env.things;
    let mut events = user::EventLoop::new()?;
    events.add(&things, Mine::Store)?;
    let started = [things.get_start("a")?, things.get_start("b")?];
    let name = |transaction| match started.iter().position(|one| *one == transaction) {
        Some(which) => ["first", "second"][which],
        None => "later",
    };
    loop {
        match events.next()? {
            Event::Message(
                _,
                user::Message::Sample(sample::ToClient::Get(transaction, result)),
            ) => {
                ftl::info!(
                    "{}: {:?}",
                    name(transaction),
                    result.map(|got| got.data.len())
                );
            }
            Event::Closed(Mine::Store) => ftl::info!("closed"),
            Event::Restarted(Mine::Store) => {
                ftl::info!("restarted");
                things.get_start("c")?;
            }
            Event::Shutdown => return Ok(()),
            other => ftl::info!("{other:?}"),
        }
    }
}

#[test]
fn calls_under_way_end_once_and_before_anything_of_the_new_channel() {
    for told_first in [false, true] {
        let system = System::new();
        let (mut first, client) = Played::new();
        let user = system
            .component("user", listen)
            .need(sample::HASH, client)
            .run();
        let (_, answered) = first.request();
        let (_, owed) = first.request();
        answer(answered, b"in time");
        first.server.level(1).unwrap();
        testkit::pass(Duration::from_millis(1));
        core::mem::forget(owed);
        let (mut second, client) = Played::new();
        if told_first {
            user.restarted(0, client).unwrap();
            testkit::pass(Duration::from_millis(1));
            drop(first);
        } else {
            drop(first);
            testkit::pass(Duration::from_millis(1));
            user.restarted(0, client).unwrap();
        }
        let (_, reply) = second.request();
        answer(reply, b"new");
        testkit::pass(Duration::from_millis(1));
        user.shutdown().unwrap();
        assert_eq!(user.wait(), 0);
        let expected = [
            "first: Ok(7)",
            "Message(Store, Sample(Level(Level { percent: 1 })))",
            "second: Err(PeerRestarted)",
            "closed",
            "restarted",
            "later: Ok(3)",
        ];
        assert_eq!(said(&system), expected, "told first: {told_first}");
    }
}

#[test]
fn what_is_resumable_goes_on_under_its_old_name() {
    let system = System::new();
    let (store, mut client) = start(&system);
    let mut events = user::EventLoop::new().unwrap();
    let listener = client.again().unwrap();
    events.add(&listener, Mine::Watch).unwrap();
    let kept = listener.clone();
    let next = |events: &mut user::EventLoop<Mine>| format!("{:?}", events.next().unwrap());
    assert_eq!(
        next(&mut events),
        "Message(Watch, Watch(Stored(Stored { total: 0 })))"
    );
    assert_eq!(client.stop(), Err(Error::Closed));
    assert_eq!(store.wait(), 0);
    assert_eq!(next(&mut events), "Closed(Watch)");

    let (_store, fresh) = start(&system);
    client.resume(fresh);
    assert_eq!(client.put(item("tree", &[]), b""), Ok(1));
    listener.resume(client.again().unwrap());
    events.add(&listener, Mine::Watch).unwrap();
    assert_eq!(
        next(&mut events),
        "Message(Watch, Watch(Stored(Stored { total: 1 })))"
    );
    assert!(kept.end().is_connected(), "all clones go on");
}
