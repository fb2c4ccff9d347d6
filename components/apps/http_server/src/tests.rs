//! Runs on your own machine: `./ftl test http_server`. The network is played by the test
//! (`interfaces::tcp::fake`), and time passes as fast as nothing happens.

extern crate std;

use std::format;
use std::prelude::rust_2024::{String, Vec};

use interfaces::tcp::fake::FakeTcpip;
use testkit::{Running, System};

use super::*;

const SLOTS: u32 = 3;
const MOMENT: Duration = Duration::from_millis(1);

struct World {
    running: Running,
    network: FakeTcpip,
    _system_server: system::Server,
    system: System,
}

fn start() -> World {
    let system = System::new();
    let (tcpip, server) = tcpip::channel().unwrap();
    let (status, system_server) = system::channel().unwrap();
    let settings = Settings {
        port: 80,
        connections: SLOTS,
    };
    let running = system
        .component("http_server", main)
        .need(tcpip::HASH, tcpip)
        .need(system::HASH, status)
        .settings(settings.encode())
        .run();
    let mut network = FakeTcpip::new(server);
    network.run(MOMENT);
    assert!(network.listens(80), "{}", system.log());
    World {
        running,
        network,
        _system_server: system_server,
        system,
    }
}

impl World {
    fn send(&mut self, remote: usize, text: &str) {
        self.network.send(remote, text.as_bytes());
        self.network.run(MOMENT);
    }
    fn take(&mut self, remote: usize) -> String {
        self.network.run(MOMENT);
        String::from_utf8(self.network.take(remote)).unwrap()
    }
    fn check_served(&mut self, remote: usize) {
        self.send(remote, "GET /bench HTTP/1.1\r\nHost: ftl\r\n\r\n");
        let answer = self.take(remote);
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.ends_with(&"f".repeat(1024)));
    }
}

#[test]
fn requests_are_answered_one_after_the_other_on_one_connection() {
    let mut world = start();
    let remote = world.network.connect(80).unwrap();
    for _ in 0..3 {
        world.check_served(remote);
    }
    let request = "HEAD / HTTP/1.1\r\nHost: ftl\r\n\r\n";
    world.send(remote, &request.repeat(5));
    assert_eq!(world.take(remote).matches("HTTP/1.1 200 OK").count(), 5);
    // More than fits into the stream at once, and taken in pieces.
    world.send(
        remote,
        "GET /download?bytes=100000 HTTP/1.1\r\nHost: ftl\r\n\r\n",
    );
    let mut len = 0;
    for _ in 0..200 {
        world.network.run(MOMENT);
        len += world.network.take(remote).len();
    }
    assert!((100_000..100_200).contains(&len), "{len}");
    world.check_served(remote);
}

#[test]
fn an_upload_is_summed_however_it_is_cut() {
    let mut world = start();
    let remote = world.network.connect(80).unwrap();
    let head = "POST /upload HTTP/1.1\r\nHost: ftl\r\nContent-Length: 3\r\n\r\n";
    for byte in format!("{head}abc").bytes() {
        world.network.send(remote, &[byte]);
        world.network.run(MOMENT);
    }
    // SHA-256 of "abc": FIPS 180-4, example B.1.
    assert!(
        world
            .take(remote)
            .contains("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
    );
}

/// The server may not touch a slot between letting go of a connection and getting the next: the fake looks
/// at the old connection's streams once more when it hears of its end.
#[test]
fn slots_go_back_and_forth_by_agreement() {
    let mut world = start();
    for _ in 0..20 {
        let remotes: Vec<usize> = core::iter::from_fn(|| world.network.connect(80)).collect();
        assert_eq!(remotes.len(), SLOTS as usize, "{}", world.system.log());
        for &remote in &remotes {
            world.check_served(remote);
            world.network.close(remote, None);
        }
        world.network.run(MOMENT);
        assert!(remotes.iter().all(|&remote| world.network.is_gone(remote)));
    }
    let log = world.system.log();
    assert!(!log.contains("WARN"), "{log}");
}

#[test]
fn requests_that_trickle_or_never_come_are_ended() {
    let mut world = start();
    let silent = world.network.connect(80).unwrap();
    let trickling = world.network.connect(80).unwrap();
    let busy = world.network.connect(80).unwrap();
    assert_eq!(world.network.connect(80), None);
    for byte in "GET / HTTP/1.1\r\nHost: ftl\r\nX: "
        .bytes()
        .chain([b'x'; 1000])
    {
        world.network.send(trickling, &[byte]);
        world.network.run(Duration::from_secs(1));
        world.check_served(busy);
        if world.network.is_gone(trickling) {
            break;
        }
    }
    let answer = world.take(trickling);
    assert!(
        world.network.is_finished(trickling),
        "it goes on for ever: {answer}"
    );
    world.network.run(Duration::from_secs(120));
    assert!(world.network.is_gone(silent) && world.network.is_gone(trickling));
    // Their slots serve others again.
    let next = world.network.connect(80).unwrap();
    world.check_served(next);
}

#[test]
fn it_listens_again_when_tcpip_was_restarted() {
    let mut world = start();
    let remote = world.network.connect(80).unwrap();
    world.check_served(remote);
    world.send(remote, "GET /");
    let (tcpip, server) = tcpip::channel().unwrap();
    world.network.die();
    world.running.restarted(0, tcpip).unwrap();
    world.network = FakeTcpip::new(server);
    world.network.run(MOMENT);
    let remotes: Vec<usize> = core::iter::from_fn(|| world.network.connect(80)).collect();
    assert_eq!(remotes.len(), SLOTS as usize);
    for remote in remotes {
        world.check_served(remote);
    }
}

#[test]
fn downloads_are_filled_with_what_their_bytes_are_computed_as() {
    for (at, len) in [
        (0, 1000),
        (250, 10),
        (65_530, 700),
        (1 << 24, 300),
        (255, 1),
    ] {
        let mut bytes = alloc::vec![0; len];
        site::fill_computed(&mut bytes, at);
        let expected: Vec<u8> = (at..at + len as u64).map(site::computed_byte).collect();
        assert_eq!(bytes, expected);
    }
}
