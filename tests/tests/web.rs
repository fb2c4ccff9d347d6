//! The page and the paths beside it, over the network: from a real client through QEMU's network,
//! driver, TCP/IP and HTTP to the page, and back.

use std::io::{Read, Write};
use std::process::Command;

use e2e::http::KeepAlive;
use sha2::{Digest, Sha256};

/// Boots the default system and waits until it serves.
fn boot(isolation: Option<&str>) -> e2e::Ftl {
    let mut boot = e2e::boot("default").port(80);
    if let Some(isolation) = isolation {
        boot = boot.isolation(isolation);
    }
    let ftl = boot.start();
    ftl.wait_for("http_server: listens on port 80");
    ftl
}

/// One of everything, small.
fn check_serving(isolation: &str) {
    let ftl = boot(Some(isolation));
    let port = ftl.port(80);
    let page = e2e::http::get(port, "/");
    assert_eq!(page.status, 200);
    assert!(page.text().contains("<title>FTL</title>"));
    let state = e2e::http::get(port, "/system.json");
    let state: serde_json::Value = serde_json::from_slice(&state.body).expect("valid JSON");
    let components = state["components"].as_array().expect("a list");
    for component in components {
        assert_eq!(component["isolation"], isolation, "{component}");
        assert_eq!(component["state"], "running", "{component}");
    }
    e2e::http::KeepAlive::open(port).requests(1_000);
}

#[test]
fn all_in_the_kernel_serve_the_page() {
    check_serving("kernel");
}

#[test]
fn all_in_user_mode_serve_the_page() {
    check_serving("user");
}

#[test]
fn http_is_spoken_properly() {
    let ftl = boot(None);
    let port = ftl.port(80);
    let check = |request: &str, status: u16| {
        let answer = e2e::http::exchange(port, request.as_bytes());
        assert_eq!(answer.status, status, "{request}");
        answer
    };
    let close = "Host: ftl\r\nConnection: close\r\n\r\n";
    check(&format!("GET /nothing HTTP/1.1\r\n{close}"), 404);
    check(&format!("DELETE / HTTP/1.1\r\n{close}"), 405);
    check("nonsense\r\n\r\n", 400);
    let long = "x".repeat(64 << 10);
    let answer = e2e::http::exchange(port, format!("GET /{long} HTTP/1.1\r\n").as_bytes());
    assert!((400..500).contains(&answer.status), "{}", answer.status);
    let chunked = "POST /upload HTTP/1.1\r\nHost: ftl\r\nTransfer-Encoding: chunked\r\n\
        Connection: close\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let answer = check(chunked, 200);
    // SHA-256 of "abc": FIPS 180-4, example B.1.
    let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert!(answer.text().contains(known), "{}", answer.text());
    // A request that never ends, and a connection that says nothing, keep nobody from being served.
    let mut slow = e2e::http::connect(port);
    slow.write_all(b"GET / HT").expect("it can be sent");
    let _silent = e2e::http::connect(port);
    check(&format!("GET /bench HTTP/1.1\r\n{close}"), 200);
}

#[test]
fn bytes_go_up_and_down_unchanged() {
    let len = if e2e::long() { 64 << 20 } else { 2 << 20 };
    let ftl = boot(None);
    let port = ftl.port(80);
    let down = e2e::http::get(port, &format!("/download?bytes={len}"));
    assert_eq!((down.status, down.body.len()), (200, len));
    let mut stream = e2e::http::connect(port);
    let head = format!(
        "POST /upload HTTP/1.1\r\nHost: ftl\r\nConnection: close\r\nContent-Length: {len}\r\n\r\n"
    );
    stream
        .write_all(head.as_bytes())
        .expect("the head can be sent");
    stream.write_all(&down.body).expect("the body can be sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).expect("an answer comes");
    let answer = e2e::http::parse(&answer).expect("an answer");
    let sum: String = Sha256::digest(&down.body)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let expected = format!("{{\"length\":{len},\"sha256\":\"{sum}\"}}\n");
    assert_eq!(answer.text(), expected);
}

#[test]
fn many_requests_over_many_connections_are_all_answered() {
    let (requests, connections) = if e2e::long() {
        (100_000, 64)
    } else {
        (10_000, 64)
    };
    let ftl = boot(None);
    let port = ftl.port(80);
    // One connection after the other is opened, since QEMU's user network drops what comes in
    // a burst; after that, all are busy at once.
    let workers: Vec<_> = (0..connections)
        .map(|_| {
            let mut connection = KeepAlive::open(port);
            connection.ten();
            std::thread::spawn(move || {
                for _ in 1..requests / connections / 10 {
                    connection.ten();
                }
            })
        })
        .collect();
    for worker in workers {
        worker.join().expect("every request is answered");
    }
}

/// The page in a real browser: its script has drawn the components from live data.
#[test]
fn a_browser_draws_the_page() {
    let ftl = boot(None);
    let url = format!("http://127.0.0.1:{}/", ftl.port(80));
    let profile = std::env::temp_dir().join(format!("ftl-browser-{}", std::process::id()));
    let output = Command::new("chromium")
        .args([
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-quic",
            "--no-first-run",
        ])
        .args([
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
        ])
        .args(["--virtual-time-budget=5000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(&url)
        .output();
    let _ = std::fs::remove_dir_all(profile);
    let output = match output {
        Ok(output) => output,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !e2e::long() => {
            eprintln!("chromium is not installed: the page was not tried in a browser");
            return;
        }
        Err(error) => panic!("chromium: {error}"),
    };
    let page = String::from_utf8_lossy(&output.stdout);
    for name in ["virtio_net", "tcpip", "http_server"] {
        assert!(page.contains(name), "no {name} in {page}");
    }
}
