//! What requests lead to which events, statuses and responses.

use std::time::Duration;

use http::*;

const NOW: Duration = Duration::from_secs(1);

fn limits() -> Limits {
    Limits {
        head_max: 1000,
        target_max: 300,
        body_max: 1000,
        ..Limits::default()
    }
}

/// Feeds everything, answers each request with "hi", and tells what came out, as text.
fn run(input: &str) -> (Vec<String>, String) {
    let mut connection = Connection::new(limits(), NOW);
    let (mut events, mut out) = (Vec::new(), Vec::new());
    let mut rest = input.as_bytes();
    loop {
        let (used, event) = connection.receive(rest, NOW);
        rest = &rest[used..];
        match event {
            None => break,
            Some(Event::Request) => {
                let request = connection.request();
                events.push(format!("{} {}", request.method(), request.target()));
                connection.accept_body(&mut out);
            }
            Some(Event::Body(data)) => events.push(format!("+{}", String::from_utf8_lossy(data))),
            Some(Event::End) => {
                events.push("end".into());
                connection.respond(&Response::new(Status::OK, "text/plain", 2), NOW, &mut out);
                connection.write(b"hi", &mut out);
                if !connection.finish(NOW, &mut out) {
                    events.push("close".into());
                    break;
                }
            }
            Some(Event::Error(status)) => {
                events.push(status.0.to_string());
                break;
            }
        }
    }
    (events, String::from_utf8(out).unwrap())
}

fn check(input: &str, expected: &[&str]) {
    assert_eq!(run(input).0, expected, "{input:?}");
}

const HOST: &str = "Host: x\r\n";

fn with(line: &str, fields: &str, body: &str) -> String {
    format!("{line}\r\n{HOST}{fields}\r\n{body}")
}

#[test]
fn requests_and_bodies() {
    check(&with("GET / HTTP/1.1", "", ""), &["GET /", "end"]);
    check(
        &with("GET /a?b=c HTTP/1.1", "Connection: close\r\n", ""),
        &["GET /a?b=c", "end", "close"],
    );
    check("GET / HTTP/1.0\r\n\r\n", &["GET /", "end", "close"]);
    check(
        "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n",
        &["GET /", "end"],
    );
    check(
        &with("POST / HTTP/1.1", "Content-Length: 3\r\n", "abc"),
        &["POST /", "+abc", "end"],
    );
    let chunked = "Transfer-Encoding: Chunked\r\n";
    check(
        &with("POST / HTTP/1.1", chunked, "3\r\nabc\r\n0\r\n\r\n"),
        &["POST /", "+abc", "end"],
    );
    check(
        &with(
            "POST / HTTP/1.1",
            chunked,
            "A;x=y\r\n0123456789\r\n1 \r\nz\r\n00\r\nT: v\r\n\r\n",
        ),
        &["POST /", "+0123456789", "+z", "end"],
    );
    check(
        "\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        &["GET /", "end"],
    );
    check("GET / HTTP/1.1\nHost: x\n\n", &["GET /", "end"]);
    check("GET / HT", &[]);
}

#[test]
fn requests_may_be_sent_one_after_the_other() {
    let pipeline = [
        with("GET /1 HTTP/1.1", "", ""),
        with(
            "POST /2 HTTP/1.1",
            "Content-Length: 20\r\n",
            "0123456789abcdefghij\r\n",
        ),
        with("GET /3 HTTP/1.1", "Connection: close\r\n", ""),
        with("GET /4 HTTP/1.1", "", ""),
    ]
    .concat();
    check(
        &pipeline,
        &[
            "GET /1",
            "end",
            "POST /2",
            "+0123456789abcdefghij",
            "end",
            "GET /3",
            "end",
            "close",
        ],
    );
}

#[test]
fn what_is_wrong_is_refused_with_the_right_status() {
    let long = "x".repeat(2000);
    for (input, status) in [
        ("nonsense\r\n\r\n".into(), "400"),
        ("GET / HTTP/2.0\r\n\r\n".into(), "505"),
        ("GET / HTTQ/1.1\r\n\r\n".into(), "400"),
        ("GET / HTTP/1.1\r\n\r\n".into(), "400"),
        (with("GET / HTTP/1.1", HOST, ""), "400"),
        (with("GET relative HTTP/1.1", "", ""), "400"),
        (format!("GET /{long}"), "414"),
        (
            with(&format!("GET /{} HTTP/1.1", &long[..300]), "", ""),
            "414",
        ),
        (with("GET / HTTP/1.1", &format!("A: {long}\r\n"), ""), "431"),
        (with("GET / HTTP/1.1", &"A: b\r\n".repeat(70), ""), "431"),
        (with("GET / HTTP/1.1", "A : b\r\n", ""), "400"),
        (with("GET / HTTP/1.1", "A: b\r\n folded\r\n", ""), "400"),
        (
            with("POST / HTTP/1.1", "Content-Length: 1001\r\n", ""),
            "413",
        ),
        (
            with(
                "POST / HTTP/1.1",
                "Content-Length: 99999999999999999999\r\n",
                "",
            ),
            "400",
        ),
        (with("POST / HTTP/1.1", "Content-Length: +3\r\n", ""), "400"),
        (
            with("POST / HTTP/1.1", "Content-Length: 3, 3\r\n", ""),
            "400",
        ),
        (with("POST / HTTP/1.1", "Content-Length:\r\n", ""), "400"),
        (
            with(
                "POST / HTTP/1.1",
                "Content-Length: 3\r\nContent-Length: 3\r\n",
                "",
            ),
            "400",
        ),
        (
            with(
                "POST / HTTP/1.1",
                "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n",
                "",
            ),
            "400",
        ),
        (
            with(
                "POST / HTTP/1.1",
                "Transfer-Encoding: gzip, chunked\r\n",
                "",
            ),
            "501",
        ),
        (
            with(
                "POST / HTTP/1.1",
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                "",
            ),
            "400",
        ),
        (
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n".into(),
            "400",
        ),
        (
            with("GET / HTTP/1.1", "Expect: the-unexpected\r\n", ""),
            "417",
        ),
        ("\r\n".repeat(20), "400"),
    ] {
        assert_eq!(
            run(&input).0.last().map(String::as_str),
            Some(status),
            "{input:?}"
        );
    }
    let chunked = |body: &str| {
        run(&with(
            "POST / HTTP/1.1",
            "Transfer-Encoding: chunked\r\n",
            body,
        ))
        .0
        .pop()
        .unwrap()
    };
    for (body, status) in [
        ("x\r\n", "400"),
        ("\r\n", "400"),
        ("-1\r\n", "400"),
        ("3\nabc\r\n", "400"),
        ("3\r\nabcd\r\n", "400"),
        ("3\r\nabc\n", "400"),
        ("10000000000000000\r\n", "413"),
        (&format!("3;{long}\r\n"), "400"),
        (&format!("0\r\n{}", "T: v\r\n".repeat(1000)), "431"),
        ("0\r\nT: \x01\r\n\r\n", "400"),
    ] {
        assert_eq!(chunked(body), status, "{body:?}");
    }
    assert_eq!(
        chunked(&format!("3e9\r\n{}", "y".repeat(1001))),
        "413",
        "chunks add up"
    );
}

#[test]
fn heads_that_are_alike_are_made_once_and_fill_words() {
    let mut heads = Heads::default();
    let mut head = |request: &str, response: &Response<'_>| {
        let mut connection = Connection::new(limits(), NOW);
        let _ = connection.receive(request.as_bytes(), NOW);
        let head = connection.respond_alike(response, NOW, &mut heads).to_vec();
        String::from_utf8(head).unwrap()
    };
    let get = with("GET / HTTP/1.1", "", "");
    let last = with("GET / HTTP/1.1", "Connection: close\r\n", "");
    for len in 0..200 {
        let response = Response::new(Status::OK, "text/html", len);
        let first = head(&get, &response);
        assert_eq!((first.len() as u64 + len) % 8, 0, "{first}");
        let (before, length) = first.rsplit_once(':').unwrap();
        assert!(before.ends_with("content-length"), "{first}");
        assert_eq!(length.trim().parse(), Ok(len));
        assert!(first.ends_with("\r\n\r\n"));
        assert_eq!(head(&get, &response), first);
        // Whatever a head depends on makes another one of it.
        assert!(head(&last, &response).contains("connection: close"));
        let fields = [("a", "b")];
        let more = Response {
            headers: &fields,
            ..response
        };
        assert!(head(&get, &more).contains("\r\na: b\r\n"));
        assert!(!head(&get, &response).contains("a: b"));
        let other = Response::new(Status::NOT_FOUND, "text/html", len);
        assert!(head(&get, &other).starts_with("HTTP/1.1 404 "));
        let other = Response::new(Status::NOT_FOUND, "text/plain", len);
        assert!(head(&get, &other).contains("text/plain"));
        assert_eq!(head(&get, &response), first);
    }
}

#[test]
fn responses_are_framed_as_the_client_understands() {
    let respond = |request: &str, response: Response<'_>, body: &[&[u8]]| {
        let mut connection = Connection::new(limits(), NOW);
        let mut out = Vec::new();
        let (used, event) = connection.receive(request.as_bytes(), NOW);
        assert_eq!((used, event), (request.len(), Some(Event::Request)));
        assert_eq!(connection.receive(b"", NOW).1, Some(Event::End));
        connection.respond(&response, NOW, &mut out);
        body.iter()
            .for_each(|part| connection.write(part, &mut out));
        let goes_on = connection.finish(NOW, &mut out);
        (String::from_utf8(out).unwrap(), goes_on)
    };
    let get = with("GET / HTTP/1.1", "", "");
    let head = with("HEAD / HTTP/1.1", "", "");
    let fixed = Response::new(Status::OK, "text/html", 5);
    let unknown = Response {
        length: Length::Unknown,
        ..fixed
    };
    assert_eq!(
        respond(&get, fixed, &[b"he", b"llo"]),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 5\r\n\r\nhello".into(),
            true
        )
    );
    assert_eq!(
        respond(&head, fixed, &[b"hello"]),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 5\r\n\r\n".into(),
            true
        )
    );
    assert_eq!(
        respond(&get, unknown, &[b"hello", b"", b"0123456789abcdef"]),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n".into(),
            true
        )
    );
    assert_eq!(
        respond(
            "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
            unknown,
            &[b"hello"]
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\nhello".into(),
            false
        )
    );
    let (answer, goes_on) = respond(
        "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        fixed,
        &[b"hello"],
    );
    assert!(
        goes_on && answer.contains("\r\nconnection: keep-alive\r\n"),
        "{answer}"
    );
    assert!(
        !respond(&get, fixed, &[b"hell"]).1,
        "a body cut short closes"
    );
    assert!(
        respond(&get, fixed, &[b"hello, world"])
            .0
            .ends_with("\r\n\r\nhello"),
        "a body too long is cut"
    );
    let sneaky = Response {
        headers: &[("Location", "/\r\nSet-Cookie: a=b\r\n\r\nbody")],
        ..fixed
    };
    assert!(
        !respond(&get, sneaky, &[b"hello"])
            .0
            .contains("\r\nSet-Cookie")
    );
    let none = Response {
        status: Status::NO_CONTENT,
        content_type: "",
        length: Length::Fixed(0),
        headers: &[],
    };
    assert_eq!(
        respond(&get, none, &[]),
        ("HTTP/1.1 204 No Content\r\n\r\n".into(), true)
    );
}

#[test]
fn a_body_is_asked_for_if_the_client_waits_for_that() {
    let request = with(
        "POST / HTTP/1.1",
        "Content-Length: 3\r\nExpect: 100-continue\r\n",
        "abc",
    );
    let (events, out) = run(&request);
    assert_eq!(events, ["POST /", "+abc", "end"]);
    assert!(out.starts_with("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK"));
    // Refused without asking: the connection cannot go on.
    let mut connection = Connection::new(limits(), NOW);
    let mut out = Vec::new();
    let (_, event) = connection.receive(&request.as_bytes()[..request.len() - 3], NOW);
    assert_eq!(event, Some(Event::Request));
    connection.respond(&Response::new(Status::FORBIDDEN, "", 0), NOW, &mut out);
    assert!(!connection.finish(NOW, &mut out));
    assert!(
        String::from_utf8(out)
            .unwrap()
            .contains("connection: close")
    );
}

#[test]
fn the_request_can_be_looked_at() {
    let mut connection = Connection::new(limits(), NOW);
    let input = with("GET /a%20b?x=1&y=%41&z HTTP/1.1", "Accept: */*\r\n", "");
    connection.receive(input.as_bytes(), NOW);
    let request = connection.request();
    assert_eq!(request.path(), "/a%20b");
    assert_eq!(percent_decode(request.path()).as_deref(), Some("/a b"));
    assert_eq!(
        request.parameter("y").and_then(percent_decode).as_deref(),
        Some("A")
    );
    assert_eq!(
        (request.parameter("z"), request.parameter("w")),
        (Some(""), None)
    );
    assert_eq!(
        (request.header("ACCEPT"), request.header("Nothing")),
        (Some("*/*"), None)
    );
    assert_eq!(request.headers().count(), 2);
    assert_eq!(percent_decode("%4"), None);
    assert_eq!(percent_decode("%zz"), None);
    assert_eq!(percent_decode("%ff"), None);
}

#[test]
fn slow_clients_run_into_deadlines() {
    let limits = Limits::default();
    let at = |seconds| Duration::from_secs(seconds);
    // Idle: closed without a word.
    let mut connection = Connection::new(limits, at(0));
    assert_eq!(connection.expire(at(59)), None);
    assert_eq!(connection.expire(at(60)), Some(None));
    // A head that trickles: a byte now and then does not help.
    let mut connection = Connection::new(limits, at(0));
    let mut now = at(50);
    for byte in b"GET / HTTP/1.1\r\nHost" {
        connection.receive(&[*byte], now);
        now += Duration::from_millis(600);
    }
    assert_eq!(connection.expire(now), Some(Some(Status::REQUEST_TIMEOUT)));
    // A body that stops, and one that trickles for ever.
    let request = with("POST / HTTP/1.1", "Content-Length: 1000000\r\n", "");
    let mut connection = Connection::new(limits, at(0));
    connection.receive(request.as_bytes(), at(0));
    connection.receive(&[0; 5000], at(3));
    assert_eq!(connection.expire(at(12)), None);
    assert_eq!(
        connection.expire(at(13)),
        Some(Some(Status::REQUEST_TIMEOUT))
    );
    let mut connection = Connection::new(limits, at(0));
    connection.receive(request.as_bytes(), at(0));
    let mut second = 0;
    while connection.expire(at(second)).is_none() {
        second += 1;
        connection.receive(&[0; 10], at(second));
        assert!(second < 30, "ten bytes a second are too few");
    }
    // A response that is not taken: closed without a word, as the next thing would be heard no better.
    let mut connection = Connection::new(limits, at(0));
    connection.receive(with("GET / HTTP/1.1", "", "").as_bytes(), at(0));
    connection.receive(b"", at(0));
    assert_eq!(connection.deadline(), None, "now it is the server's turn");
    let mut out = Vec::new();
    connection.respond(&Response::new(Status::OK, "", 1000), at(1), &mut out);
    connection.wrote(at(20));
    assert_eq!(connection.expire(at(49)), None);
    assert_eq!(connection.expire(at(50)), Some(None));
}

#[test]
fn an_idle_connection_is_small() {
    assert!(size_of::<Connection>() < 400, "{}", size_of::<Connection>());
}
