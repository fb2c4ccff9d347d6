//! What init does for components that end: restarts with back-off up to a limit, saved state, connections that
//! live on, and the orderly end. Policies and delays in detail: components/servers/init/src/policy.rs.

use std::io::{Read, Write};

use sha2::{Digest, Sha256};

/// `crasher` crashes so many times, while `pinger` calls it; the log up to a line with this text. Time jumps when
/// everybody waits.
fn crash(times: u32, until: &str) -> Vec<String> {
    let ftl = e2e::boot("supervision")
        .smp(1)
        .set("crasher.crashes", times)
        .argument("--seed")
        .argument("7")
        .start();
    ftl.wait_for(until);
    ftl.log()
}

/// Lines of the log with these texts, which must be in this order.
fn check_order(log: &[String], texts: &[&str]) {
    let mut rest = log.iter();
    for text in texts {
        assert!(
            rest.any(|line| line.contains(text)),
            "no `{text}` in its place in\n{}",
            log.join("\n")
        );
    }
}

#[test]
fn a_server_that_crashes_is_started_again_and_its_clients_wait() {
    let log = crash(1, "pinger: 1000 calls with events");
    check_order(
        &log,
        &[
            "crasher: life 1",
            "crasher crashed (panic)",
            // The first start again comes at once.
            "crasher restarted in",
            // It finds the number that the last life left right before its end.
            "crasher: life 2",
            "pinger: 1000 calls that wait",
        ],
    );
}

#[test]
fn a_server_that_crashes_again_and_again_is_given_up() {
    let log = crash(100, "cannot run without crasher");
    check_order(
        &log,
        &[
            "crasher: life 1",
            "crasher: life 2",
            "crasher is started again in 100 ms (2 of 3)",
            "crasher: life 3",
            "crasher is started again in 200 ms (3 of 3)",
            "crasher: life 4",
            "crasher is given up",
            "pinger cannot run without crasher",
        ],
    );
    let lives = log.iter().filter(|line| line.contains("crasher: life"));
    assert_eq!(lives.count(), 4);
}

/// A system in which only this component is killed, every now and then.
fn boot_killing(component: &str, pause_ms: u32) -> (e2e::Ftl, u16) {
    let port = e2e::free_port();
    let ftl = e2e::boot("chaos")
        .smp(1)
        .port_at(port, 80)
        .set("warden.port", port)
        .set("warden.only", component)
        .set("warden.pause", pause_ms)
        .set("warden.count", 100_000)
        .argument("--icount")
        .start();
    ftl.wait_for("kills follow");
    (ftl, port)
}

/// How often a component has been killed so far.
fn kills(ftl: &e2e::Ftl, component: &str) -> usize {
    let text = format!("{component} was killed");
    ftl.log().iter().filter(|line| line.contains(&text)).count()
}

#[test]
fn a_download_outlives_its_network_driver() {
    let (ftl, port) = boot_killing("virtio_net", 200);
    let before = kills(&ftl, "virtio_net");
    let len = 4 << 20;
    let mut sums = Vec::new();
    // At least three deaths fall into one download or the other.
    while kills(&ftl, "virtio_net") < before + 3 {
        let answer = e2e::http::get(port, &format!("/download?bytes={len}"));
        assert_eq!((answer.status, answer.body.len()), (200, len));
        sums.push(Sha256::digest(&answer.body));
    }
    // The content is computed from its place alone, so all downloads are alike.
    assert!(sums.iter().all(|sum| *sum == sums[0]));
}

#[test]
fn a_new_tcpip_breaks_connections_and_listens_again() {
    let (ftl, port) = boot_killing("tcpip", 500);
    let mut connection = e2e::http::connect(port);
    let request = b"GET /bench HTTP/1.1\r\nHost: ftl\r\n\r\n";
    let before = kills(&ftl, "tcpip");
    // As long as it lives, it answers.
    let ended = loop {
        if connection.write_all(request).is_err() {
            break true;
        }
        let mut answer = [0; 2048];
        match connection.read(&mut answer) {
            Ok(0) | Err(_) => break true,
            Ok(_) if kills(&ftl, "tcpip") > before + 20 => break false,
            Ok(_) => {}
        }
    };
    assert!(ended, "a connection outlived 20 deaths of tcpip");
    assert!(kills(&ftl, "tcpip") > before);
    // `warden` goes on only after the page has come again.
    ftl.wait_for_count("http_server: listens on port 80", before + 3);
}
