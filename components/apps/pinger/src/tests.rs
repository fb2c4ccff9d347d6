//! Runs on your own machine: `./ftl test pinger`.

extern crate std;

use testkit::{Running, System};

use super::*;

/// A server that the test plays: answers so many requests, then waits for the test.
fn answer(events: &mut ftl::EventLoop<u32, Served>, count: usize) {
    for _ in 0..count {
        match events.next().unwrap() {
            Event::Message(_, ping::ToServer::Ping(request, reply)) => {
                reply.ok(request.value + 1).unwrap()
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
}

/// What the test hears, in pong's place.
enum Served {}

impl ftl::event_loop::Messages for Served {
    type Message<'a> = ping::ToServer;
    fn decode<'a>(_: u16, incoming: ftl::end::Incoming<'a>) -> Result<Self::Message<'a>> {
        ping::ToServer::decode(incoming)
    }
    fn ended<'a>(_: u16, _: u32, _: ftl::Transaction, _: Error) -> Option<Self::Message<'a>> {
        None
    }
}

impl ftl::event_loop::Hears<ping::Server> for Served {
    const TAG: u16 = 0;
}

fn start(system: &System, rounds: u32) -> (Running, ping::Server) {
    let (client, server) = ping::channel().unwrap();
    let settings = Settings { rounds }.encode();
    let pinger = system
        .component("pinger", main)
        .need(ping::HASH, client)
        .settings(settings)
        .run();
    (pinger, server)
}

#[test]
fn it_asks_in_both_forms_and_ends_well() {
    let system = System::new();
    let (pinger, server) = start(&system, 5);
    let mut events = ftl::EventLoop::new().unwrap();
    events.add(&server, 1).unwrap();
    // One more is under way when it has heard enough.
    answer(&mut events, 10);
    assert!(matches!(
        events.next().unwrap(),
        Event::Message(1, _) | Event::Closed(1)
    ));
    assert_eq!(pinger.wait(), 0);
    assert!(
        system.log().contains("5 calls with events"),
        "{}",
        system.log()
    );
}

#[test]
fn it_goes_on_when_the_server_was_restarted() {
    let system = System::new();
    let (pinger, server) = start(&system, 5);
    let mut events = ftl::EventLoop::new().unwrap();
    events.add(&server, 1).unwrap();
    answer(&mut events, 7);
    // The server dies with a request under way ...
    let request = events.next().unwrap();
    assert!(matches!(request, Event::Message(1, _)));
    core::mem::forget(request);
    events.remove_channel(&server).unwrap();
    drop(server);
    // ... and init brings it back.
    let (client, server) = ping::channel().unwrap();
    pinger.restarted(0, client).unwrap();
    events.add(&server, 2).unwrap();
    answer(&mut events, 3);
    let _ = events.next();
    assert_eq!(pinger.wait(), 0);
    let log = system.log();
    assert!(
        log.contains("pong is gone") && log.contains("pong is back"),
        "{log}"
    );
}

#[test]
fn another_version_of_the_interface_is_refused() {
    let system = System::new();
    let (client, _server) = ping::channel().unwrap();
    let settings = Settings::default().encode();
    let pinger = system
        .component("pinger", main)
        .need(ping::HASH ^ 1, client)
        .settings(settings)
        .run();
    assert_eq!(pinger.wait(), 1);
    assert!(
        system.log().contains("another") || system.log().contains("version"),
        "{}",
        system.log()
    );
}
