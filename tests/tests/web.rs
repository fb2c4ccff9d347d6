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
        // C code never runs in the kernel's address space, nor does what nobody has read. There is no second disk to serve.
        let (isolation, state) = match component["name"].as_str() {
            Some("sqlitefs") => ("user", "running"),
            Some("fat_files") => ("user", "ended"),
            _ => (isolation, "running"),
        };
        assert_eq!(component["isolation"], isolation, "{component}");
        assert_eq!(component["state"], state, "{component}");
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
    // None of it goes unnoticed: two broke the rules, and one goes in the middle of a request.
    drop(slow);
    let deadline = std::time::Instant::now() + e2e::PATIENCE;
    loop {
        let state = e2e::http::get(port, "/system.json");
        let state: serde_json::Value = serde_json::from_slice(&state.body).expect("valid JSON");
        let web = |name: &str| state["web"][name].as_u64().expect("a number");
        if web("refused") == 2 && web("cut_off") == 1 && web("requests") >= 5 {
            break;
        }
        assert!(std::time::Instant::now() < deadline, "{}", state["web"]);
    }
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
    e2e::record("web, bytes down and up, compared by hash", len);
}

#[test]
fn many_requests_over_many_connections_are_all_answered() {
    let (requests, connections) = match e2e::long() {
        true => (100_000, 64),
        false => (10_000, 64),
    };
    // Ten under way at once on each.
    let each = usize::div_ceil(requests, connections * 10) * 10;
    let ftl = boot(None);
    let port = e2e::http::relay(ftl.port(80));
    // All of them connect at once.
    let start = std::sync::Barrier::new(connections);
    std::thread::scope(|scope| {
        for _ in 0..connections {
            scope.spawn(|| {
                start.wait();
                KeepAlive::open(port).requests(each);
            });
        }
    });
    check_accepted(port, connections as u64 + 1);
    e2e::record(
        "web, requests over 64 connections, each answer compared",
        each * connections,
    );
}

/// What a load generator says; nothing if it is not installed.
fn generated(program: &str, arguments: &[&str], url: &str) -> Option<String> {
    match Command::new(program).args(arguments).arg(url).output() {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let errors = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{program}: {text}{errors}");
            Some(text)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !e2e::long() => {
            eprintln!("{program} is not installed: it was not tried");
            None
        }
        Err(error) => panic!("{program}: {error}"),
    }
}

/// The number behind a word in a load generator's report.
fn figure(report: &str, before: &str) -> usize {
    let rest = report.split_once(before).map_or("", |(_, rest)| rest);
    let digits = rest.trim_start().split(|c: char| !c.is_ascii_digit());
    let found = digits.into_iter().next().and_then(|text| text.parse().ok());
    found.unwrap_or_else(|| panic!("no `{before}` in {report}"))
}

#[test]
fn wrk_sees_no_error() {
    let requests = if e2e::long() { 100_000 } else { 1_000 };
    let ftl = boot(None);
    let url = format!("http://127.0.0.1:{}/bench", e2e::http::relay(ftl.port(80)));
    let seconds = if e2e::long() { "-d60s" } else { "-d2s" };
    let mut answered = 0;
    while answered < requests {
        // Counted are 64 connections in each round; nobody waits longer for an answer than the tests do.
        let arguments = ["-c64", "-t2", seconds, "--timeout", "60s"];
        let Some(report) = generated("wrk", &arguments, &url) else {
            return;
        };
        for bad in ["Socket errors", "Non-2xx"] {
            assert!(!report.contains(bad), "{report}");
        }
        let line = report.lines().find(|line| line.contains(" requests in "));
        answered += figure(line.unwrap_or_default(), "");
    }
    e2e::record(
        "web, requests of wrk over 64 connections without an error",
        answered,
    );
}

#[test]
fn ab_sees_no_error() {
    let ftl = boot(None);
    let url = format!("http://127.0.0.1:{}/bench", e2e::http::relay(ftl.port(80)));
    let (kept, single) = match e2e::long() {
        true => ("100000", "10000"),
        false => ("1000", "200"),
    };
    // Keep-alive of HTTP/1.0, and a connection for each request.
    for (name, keeps, requests, connections) in [
        ("kept connections", &["-k"][..], kept, "64"),
        ("a connection each", &[], single, "16"),
    ] {
        let arguments = [
            keeps,
            &["-q", "-s", "60", "-n", requests, "-c", connections],
        ]
        .concat();
        let Some(report) = generated("ab", &arguments, &url) else {
            return;
        };
        let complete = figure(&report, "Complete requests:");
        assert_eq!(complete.to_string(), requests, "{report}");
        assert_eq!(figure(&report, "Failed requests:"), 0, "{report}");
        assert!(!report.contains("Non-2xx"), "{report}");
        if !keeps.is_empty() {
            assert_eq!(
                figure(&report, "Keep-Alive requests:"),
                complete,
                "{report}"
            );
        }
        e2e::record(
            &format!("web, requests of ab without an error, {name}"),
            complete,
        );
    }
}

/// A thousand connections at once in 128 MiB, and each of them is still served. In the short form there are
/// fewer, so that a busy computer is done before the first ones have been idle for too long.
#[test]
fn a_thousand_connections_stay_open() {
    let count = if e2e::long() { 1000 } else { 250 };
    let ftl = boot(None);
    let port = ftl.port(80);
    let mut connections: Vec<KeepAlive> = (0..count)
        .map(|_| {
            let mut connection = KeepAlive::open(port);
            connection.ten();
            connection
        })
        .collect();
    let state = e2e::http::get(port, "/system.json");
    let state: serde_json::Value = serde_json::from_slice(&state.body).expect("valid JSON");
    let sockets = state["network"]["sockets"].as_u64();
    assert!(sockets.is_some_and(|open| open >= count as u64), "{state}");
    connections.iter_mut().for_each(KeepAlive::ten);
    // And when all of them are gone, others come in.
    drop(connections);
    KeepAlive::open(port).requests(100);
    e2e::record("web, connections open at once in 128 MiB", count);
}

/// How many connections the stack says it has accepted.
fn check_accepted(port: u16, least: u64) {
    let state = e2e::http::get(port, "/system.json");
    let state: serde_json::Value = serde_json::from_slice(&state.body).expect("valid JSON");
    let accepted = state["network"]["accepted"].as_u64();
    assert!(accepted.is_some_and(|count| count >= least), "{state}");
}

/// What a browser makes of a page after some seconds; nothing if there is no browser.
fn browsed(url: &str) -> Option<String> {
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
        .arg(url)
        .output();
    let _ = std::fs::remove_dir_all(profile);
    match output {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !e2e::long() => {
            eprintln!("chromium is not installed: the page was not tried in a browser");
            None
        }
        Err(error) => panic!("chromium: {error}"),
    }
}

/// The page in a real browser: its script has drawn the components from live data, and the page of one of them.
#[test]
fn a_browser_draws_the_page() {
    let ftl = boot(Some("user"));
    let url = format!("http://127.0.0.1:{}/", ftl.port(80));
    let Some(page) = browsed(&url) else {
        return;
    };
    for text in [
        "#/component/virtio_net",
        "#/component/tcpip",
        "#/component/http_server",
        "listens on port 80",
    ] {
        assert!(page.contains(text), "no {text} in {page}");
    }
    let page = browsed(&format!("{url}#/component/tcpip")).expect("there was a browser before");
    for text in [
        "in its own address space<",
        "tcpip (needed there)",
        "address 10.",
    ] {
        assert!(page.contains(text), "no {text} in {page}");
    }
    // What does not concern the component is not in its part of the log.
    assert!(!page.contains("listens on port 80"), "{page}");
}

/// The page's data tell who is connected to whom, and their messages are counted as they are sent; the log is
/// told in parts.
#[test]
fn connections_and_the_log_are_told() {
    let ftl = boot(None);
    let port = ftl.port(80);
    let look = || -> serde_json::Value {
        let answer = e2e::http::get(port, "/system.json");
        serde_json::from_slice(&answer.body).expect("valid JSON")
    };
    let said = |state: &serde_json::Value| {
        let all = state["connections"].as_array().expect("a list");
        let found = all
            .iter()
            .find(|one| one["component"] == "http_server" && one["peer"] == "tcpip")
            .unwrap_or_else(|| panic!("{state}"));
        found["sent"].as_u64().expect("a number")
    };
    let before = look();
    // A picture is shown for a moment, whoever asks.
    let mut now = look();
    while now["uptime_ns"] == before["uptime_ns"] {
        now = look();
    }
    assert!(said(&now) > said(&before), "{before} {now}");
    let server = now["components"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|one| one["name"] == "http_server")
        .expect("it runs");
    assert_eq!(
        (server["activity"].as_str(), server["calls"].as_str()),
        (Some("calling"), Some("init")),
        "it asks at this moment"
    );

    let part = |from: u64| -> serde_json::Value {
        let answer = e2e::http::get(port, &format!("/log.json?from={from}"));
        serde_json::from_slice(&answer.body).expect("valid JSON")
    };
    let first = part(0);
    let text = first["text"].as_str().expect("a text");
    assert!(text.contains("listens on port 80\n"), "{first}");
    let next = first["next"].as_u64().expect("a number");
    assert_eq!(next, text.len() as u64);
    assert_eq!(part(next)["text"], "");
    assert_eq!(e2e::http::get(port, "/log.json?from=x").status, 400);
}
