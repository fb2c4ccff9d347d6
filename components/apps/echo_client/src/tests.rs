//! Runs on your own machine: `./ftl test echo_client`. The network is played by the test.

extern crate std;

use interfaces::tcp::fake::FakeTcpip;
use testkit::{Running, System};

use super::*;

const MOMENT: Duration = Duration::from_millis(1);

fn start(system: &System) -> (Running, FakeTcpip) {
    let (client, server) = tcpip::channel().unwrap();
    let running = system
        .component("echo_client", main)
        .need(tcpip::HASH, client)
        .settings(Settings::default().encode())
        .run();
    let mut network = FakeTcpip::new(server);
    network.run(MOMENT);
    (running, network)
}

#[test]
fn it_says_what_comes_back_however_it_is_cut() {
    let system = System::new();
    let (running, mut network) = start(&system);
    assert_eq!(network.wanted(), Some("10.0.2.2:7007".parse().unwrap()));
    let remote = network.answer(Ok(())).unwrap();
    network.run(MOMENT);
    let line = network.take(remote);
    assert_eq!(line, b"Hello from FTL!");
    for byte in line {
        network.send(remote, &[byte]);
        network.run(MOMENT);
    }
    assert_eq!(running.wait(), 0);
    assert!(
        system.log().contains("answers: Hello from FTL!"),
        "{}",
        system.log()
    );
}

#[test]
fn it_tries_again_until_it_has_tried_enough() {
    let system = System::new();
    let (running, mut network) = start(&system);
    for attempt in 0..Settings::default().attempts {
        if attempt == 3 {
            // Somebody is there, and hangs up.
            let remote = network.answer(Ok(())).unwrap();
            network.run(MOMENT);
            network.close(remote, None);
        } else {
            network.answer(Err(Error::ConnectionRefused));
        }
        network.run(Duration::from_secs(2));
    }
    assert_ne!(running.wait(), 0);
    assert!(system.log().contains("does not answer"), "{}", system.log());
}
