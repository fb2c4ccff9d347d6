//! Runs on your own machine: `./ftl test echo_server`. The network is played by the test.

extern crate std;

use std::prelude::rust_2024::Vec;

use interfaces::tcp::fake::FakeTcpip;
use testkit::{Running, System};

use super::*;

const MOMENT: Duration = Duration::from_millis(1);

fn start(system: &System) -> (Running, FakeTcpip) {
    let (client, server) = tcpip::channel().unwrap();
    let settings = Settings {
        port: 7,
        connections: 2,
    };
    let running = system
        .component("echo_server", main)
        .need(tcpip::HASH, client)
        .settings(settings.encode())
        .run();
    let mut network = FakeTcpip::new(server);
    network.run(MOMENT);
    assert!(network.listens(7), "{}", system.log());
    (running, network)
}

#[test]
fn everything_comes_back_and_then_the_end() {
    let system = System::new();
    let (_running, mut network) = start(&system);
    let remotes = [network.connect(7).unwrap(), network.connect(7).unwrap()];
    assert_eq!(network.connect(7), None, "there are two slots");
    // More than fits anywhere at once.
    let data: Vec<u8> = (0..200_000).map(|i| (i * 7 + i / 256) as u8).collect();
    for remote in remotes {
        network.send(remote, &data);
    }
    let mut got = [Vec::new(), Vec::new()];
    while got.iter().any(|got| got.len() < data.len()) {
        network.run(MOMENT);
        for remote in remotes {
            let more = network.take(remote);
            got[remote].extend(more);
        }
    }
    assert!(got.iter().all(|got| *got == data));
    network.end(remotes[0]);
    network.run(MOMENT);
    assert!(network.is_finished(remotes[0]) && !network.is_finished(remotes[1]));
    network.close(remotes[0], None);
    network.run(MOMENT);
    assert!(network.is_gone(remotes[0]));
    // Its slot is free for somebody else.
    let next = network.connect(7).unwrap();
    network.send(next, b"and on");
    network.run(MOMENT);
    assert_eq!(network.take(next), b"and on");
}

#[test]
fn it_serves_again_when_tcpip_was_restarted() {
    let system = System::new();
    let (running, mut network) = start(&system);
    let remote = network.connect(7).unwrap();
    network.send(remote, b"abc");
    network.run(MOMENT);
    assert_eq!(network.take(remote), b"abc");
    network.die();
    let (client, server) = tcpip::channel().unwrap();
    running.restarted(0, client).unwrap();
    let mut network = FakeTcpip::new(server);
    network.run(MOMENT);
    for _ in 0..2 {
        let remote = network.connect(7).unwrap();
        network.send(remote, b"abc");
        network.run(MOMENT);
        assert_eq!(network.take(remote), b"abc");
    }
}
