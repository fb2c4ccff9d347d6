//! What happens around a blocking call whose answer takes long (rule 19).

use ftl::prelude::{Duration, Instant};

use super::*;

/// A server that a test plays: it answers when the test likes.
pub struct Played {
    pub events: store::EventLoop<Mine>,
    pub server: sample::Server,
}

impl Played {
    pub fn new() -> (Played, sample::Client) {
        let (client, server) = sample::channel().unwrap();
        let mut events = store::EventLoop::new().unwrap();
        events.add(&server, Mine::Store).unwrap();
        (Played { events, server }, client)
    }

    pub fn request(&mut self) -> (String, sample::GetReplier) {
        match self.events.next().unwrap() {
            Event::Message(_, Message::Sample(sample::ToServer::Get(request, reply))) => {
                (request.name.into(), reply)
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
}

/// Calls once without waiting and once with, and then tells what its loop hears.
fn main(env: user::Environ) -> ftl::Result<()> {
    let mut things = env.things;
    let mut events = user::EventLoop::new()?;
    events.add(&things, Mine::Store)?;
    things.get_start("early")?;
    let begin = Instant::now();
    let answer = things.get("slow").map(|got| got.data.to_vec());
    ftl::info!("waited {} s: {answer:?}", begin.elapsed().as_secs());
    loop {
        match events.next()? {
            Event::Message(_, user::Message::Sample(sample::ToClient::Level(level))) => {
                ftl::info!("level {}", level.percent);
            }
            Event::Message(_, user::Message::Sample(sample::ToClient::Get(_, result))) => {
                ftl::info!("early: {:?}", result.map(|got| got.data.len()));
            }
            Event::Shutdown => return Ok(()),
            other => ftl::info!("{other:?}"),
        }
    }
}

pub fn answer(reply: sample::GetReplier, data: &[u8]) {
    reply.ok(item("x", &[]), data).unwrap();
}

/// The lines of the log that `user` wrote.
pub fn said(system: &System) -> Vec<String> {
    let log = system.log();
    let lines = log.lines().filter_map(|line| line.split_once("user: "));
    lines.map(|(_, text)| text.to_string()).collect()
}

#[test]
fn heartbeats_are_answered_and_nothing_is_lost_or_out_of_order() {
    let system = System::new();
    let (mut played, client) = Played::new();
    let user = system
        .component("user", main)
        .need(sample::HASH, client)
        .run();
    let (early, early_reply) = played.request();
    let (slow, slow_reply) = played.request();
    assert_eq!((early.as_str(), slow.as_str()), ("early", "slow"));

    // It has a loop, which has the channel to init, and it is in the middle of a call.
    for serial in 1..4 {
        assert!(
            user.is_alive(serial, Duration::from_secs(2)),
            "beat {serial}"
        );
        testkit::pass(Duration::from_secs(1));
    }
    // All of this comes before the answer.
    played.server.level(1).unwrap();
    answer(early_reply, b"four");
    played.server.level(2).unwrap();
    testkit::pass(Duration::from_secs(1));
    assert!(said(&system).is_empty(), "{:?}", said(&system));
    answer(slow_reply, b"late");
    played.server.level(3).unwrap();
    testkit::pass(Duration::from_secs(1));
    assert!(user.is_alive(9, Duration::from_secs(1)));
    user.shutdown().unwrap();
    assert_eq!(user.wait(), 0);
    let heard = said(&system);
    assert!(
        heard[0].ends_with("s: Ok([108, 97, 116, 101])"),
        "{heard:?}"
    );
    assert_eq!(
        heard[1..],
        ["level 1", "early: Ok(4)", "level 2", "level 3"]
    );
}

/// At work for two seconds, as far as others can see: it does not look at its loop.
fn busy(env: user::Environ) -> ftl::Result<()> {
    let _things = env.things;
    let mut events = user::EventLoop::<Mine>::new()?;
    for _ in 0..20 {
        ftl::time::sleep(Duration::from_millis(100));
        ftl::process::answer_heartbeat()?;
    }
    ftl::info!("done");
    match events.next()? {
        Event::Shutdown => ftl::info!("ends"),
        other => ftl::info!("{other:?}"),
    }
    Ok(())
}

#[test]
fn whoever_is_at_work_can_answer_and_loses_nothing() {
    let system = System::new();
    let (_played, client) = Played::new();
    let user = system
        .component("user", busy)
        .need(sample::HASH, client)
        .run();
    for serial in 1..4 {
        let answered = user.is_alive(serial, Duration::from_millis(300));
        assert!(answered, "beat {serial}");
    }
    assert!(said(&system).is_empty(), "it is at work");
    user.shutdown().unwrap();
    assert_eq!(user.wait(), 0);
    assert_eq!(said(&system), ["done", "ends"]);
}
