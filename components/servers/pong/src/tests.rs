//! Runs on your own machine: `./ftl test pong`.

extern crate std;

use ftl::event_loop::TypedEnd;
use testkit::{Running, System};

use super::*;

fn pong(system: &System) -> Running {
    system.component("pong", main).provide(ping::HASH).run()
}

fn client(pong: &Running) -> ping::Client {
    let (client, server) = ping::channel().unwrap();
    pong.connect(0, server).unwrap();
    client
}

#[test]
fn it_answers_with_the_next_number() {
    use ping::Blocking;

    let system = System::new();
    let pong = pong(&system);
    let mut first = client(&pong);
    let mut second = client(&pong);
    assert_eq!(first.ping(7), Ok(8));
    assert_eq!(second.ping(0), Ok(1));
    assert_eq!(first.ping(8), Ok(9));
    assert_eq!(first.ping(u64::MAX), Err(Error::InvalidArgument));
    pong.shutdown().unwrap();
    assert_eq!(pong.wait(), 0);
    assert_eq!(first.ping(1), Err(Error::Closed));
}

#[test]
fn a_client_that_breaks_the_rules_is_closed_and_the_others_stay() {
    use ping::Blocking;

    let system = System::new();
    let pong = pong(&system);
    let mut good = client(&pong);
    for (ordinal, len) in [(0x7a03_e7a4, 3), (0x7a03_e7a4, 12)] {
        let mut bad = client(&pong);
        assert_eq!(bad.ping(1), Ok(2));
        let len = ftl::buffer::write_send(&[7; 12][..len]);
        let info = ftl::abi::MessageInfo::new(ftl::abi::MessageKind::Request, ordinal, len, 0);
        let channel = ftl::handle::AsHandle::handle(bad.end());
        let answer = ftl::sys::call_and_wait(channel, info, 1, ftl::sys::NO_HANDLES, usize::MAX);
        // Whatever the answer is, the channel is gone then.
        assert!(answer.is_err() || answer.is_ok_and(|answer| answer.info().len() == 4));
        assert_eq!(bad.ping(1), Err(Error::Closed));
        assert_eq!(good.ping(1), Ok(2));
    }
    assert!(
        system.log().contains("broke its interface's rules"),
        "{}",
        system.log()
    );
}
