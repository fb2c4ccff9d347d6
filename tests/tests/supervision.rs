//! What init does for components that end: restarts with back-off up to a limit, saved state, connections that
//! live on, and the orderly end. Policies and delays in detail: components/servers/init/src/policy.rs.

use std::io::{ErrorKind, Read, Write};

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
    let len = 4 << 20;
    // As `computed_byte` in components/apps/http_server/src/site.rs has it.
    let expected: Vec<u8> = (0..len)
        .map(|at: usize| (at ^ at >> 8 ^ at >> 16) as u8)
        .collect();
    // At least three downloads live through a death.
    let mut survived = 0;
    for _ in 0..DOWNLOADS_MAX {
        let (answer, deaths) = download(&ftl, port, len);
        assert_eq!((answer.status, answer.body.len()), (200, len));
        let differs = answer.body.iter().zip(&expected).position(|(a, b)| a != b);
        assert_eq!(differs, None, "the file differs from there on");
        survived += usize::from(deaths > 0);
        if survived == 3 {
            return;
        }
    }
    panic!("only {survived} of {DOWNLOADS_MAX} downloads saw a death of virtio_net");
}

/// After so many it is not by chance that nobody was killed meanwhile.
const DOWNLOADS_MAX: u32 = 60;

/// A download, and how often `virtio_net` was killed after its first bytes and before its last ones had come.
fn download(ftl: &e2e::Ftl, port: u16, len: usize) -> (e2e::http::Response, usize) {
    let mut connection = e2e::http::connect(port);
    let request =
        format!("GET /download?bytes={len} HTTP/1.1\r\nHost: ftl\r\nConnection: close\r\n\r\n");
    connection
        .write_all(request.as_bytes())
        .expect("the request can be sent");
    let mut answer = vec![0; 16 << 10];
    connection
        .read_exact(&mut answer)
        .expect("the answer's begin can be read");
    let before = kills(ftl, "virtio_net");
    (&connection)
        .take((len - (32 << 10)) as u64)
        .read_to_end(&mut answer)
        .expect("the answer can be read");
    let deaths = kills(ftl, "virtio_net") - before;
    connection
        .read_to_end(&mut answer)
        .expect("the answer's end can be read");
    (e2e::http::parse(&answer).expect("it is an answer"), deaths)
}

#[test]
fn a_new_tcpip_breaks_connections_and_listens_again() {
    let (ftl, port) = boot_killing("tcpip", 500);
    let mut connection = e2e::http::connect(port);
    let request = b"GET /bench HTTP/1.1\r\nHost: ftl\r\n\r\n";
    let before = kills(&ftl, "tcpip");
    // As long as it lives, it answers.
    let ended = loop {
        if let Err(error) = connection.write_all(request) {
            check_broken(&error);
            break true;
        }
        let mut answer = [0; 2048];
        match connection.read(&mut answer) {
            Ok(0) => break true,
            Err(error) => {
                check_broken(&error);
                break true;
            }
            Ok(_) if kills(&ftl, "tcpip") > before + 20 => break false,
            Ok(_) => {}
        }
    };
    assert!(ended, "a connection outlived 20 deaths of tcpip");
    assert!(kills(&ftl, "tcpip") > before);
    // `warden` goes on only after the page has come again.
    ftl.wait_for_count("http_server: listens on port 80", before + 3);
}

/// Whether this is how a connection breaks: a time-out, for one, is not.
fn check_broken(error: &std::io::Error) {
    let kinds = [ErrorKind::ConnectionReset, ErrorKind::BrokenPipe];
    assert!(kinds.contains(&error.kind()), "not broken, but {error}");
}
