//! A component may have one event loop after another: what the first listened to, the second can listen to.

use ftl::prelude::{Doorbell, Duration};

use super::waiting::{Played, answer, said};
use super::*;

/// Listens with one loop, drops it in the middle of everything, and goes on with another.
fn main(env: user::Environ) -> ftl::Result<()> {
    let mut things = env.things;
    let bell = Doorbell::new()?;
    let mut first = user::EventLoop::new()?;
    first.add(&things, Mine::Store)?;
    first.add(&bell, Mine::Store)?;
    // A timer knows its loop's queue, which so is there longer than the loop.
    let timer = first.timer(Mine::Store);
    timer.set(Duration::from_secs(1000));
    things.get_start("early")?;
    bell.ring()?;
    drop(first);
    // Between two loops, calls work as they do without any.
    ftl::info!(
        "between: {:?}",
        things.get("between").map(|got| got.data.len())
    );
    let mut second = user::EventLoop::new()?;
    second.add(&things, Mine::Store)?;
    second.add(&bell, Mine::Store)?;
    drop(timer);
    loop {
        match second.next()? {
            Event::Message(_, user::Message::Sample(sample::ToClient::Level(level))) => {
                ftl::info!("level {}", level.percent);
            }
            Event::Message(_, user::Message::Sample(sample::ToClient::Get(_, result))) => {
                ftl::info!("early: {:?}", result.map(|got| got.data.len()));
            }
            Event::Doorbell(_, count) => ftl::info!("rung {count}"),
            Event::Shutdown => return Ok(()),
            other => ftl::info!("{other:?}"),
        }
    }
}

#[test]
fn a_second_loop_hears_what_the_first_one_did() {
    let system = System::new();
    let (mut played, client) = Played::new();
    let user = system
        .component("user", main)
        .need(sample::HASH, client)
        .run();
    let (early, early_reply) = played.request();
    let (between, between_reply) = played.request();
    assert_eq!((early.as_str(), between.as_str()), ("early", "between"));
    answer(early_reply, b"four");
    answer(between_reply, b"123");
    testkit::pass(Duration::from_secs(1));
    played.server.level(7).unwrap();
    testkit::pass(Duration::from_secs(1));
    // Init is heard by the second loop, too.
    assert!(user.is_alive(1, Duration::from_secs(1)));
    user.shutdown().unwrap();
    assert_eq!(user.wait(), 0);
    let mut heard = said(&system);
    heard.sort();
    assert_eq!(
        heard,
        ["between: Ok(3)", "early: Ok(4)", "level 7", "rung 1"]
    );
}
