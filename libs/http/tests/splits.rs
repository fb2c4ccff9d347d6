//! However the input is cut, the outcome is the same; and no input does any harm.

use std::time::Duration;

use http::*;
use proptest::prelude::*;

const NOW: Duration = Duration::from_secs(1);

/// Feeds the pieces and tells the events, with neighbouring pieces of body joined.
fn run(pieces: &[&[u8]]) -> Vec<String> {
    let limits = Limits {
        head_max: 400,
        target_max: 100,
        body_max: 300,
        ..Limits::default()
    };
    let mut connection = Connection::new(limits, NOW);
    let mut events: Vec<String> = Vec::new();
    let mut out = Vec::new();
    let mut pending: Vec<u8> = Vec::new();
    for piece in pieces {
        pending.extend_from_slice(piece);
        let mut at = 0;
        loop {
            let (used, event) = connection.receive(&pending[at..], NOW);
            at += used;
            match event {
                None => break,
                Some(Event::Request) => {
                    let request = connection.request();
                    let headers: Vec<_> = request
                        .headers()
                        .map(|(n, v)| format!("{n}={v:?}"))
                        .collect();
                    events.push(format!(
                        "{} {} {headers:?}",
                        request.method(),
                        request.target()
                    ));
                }
                Some(Event::Body(data)) => {
                    assert!(!data.is_empty());
                    let text = format!("{data:?}");
                    match events.last_mut() {
                        Some(last) if last.starts_with('[') => {
                            last.pop();
                            last.push_str(", ");
                            last.push_str(&text[1..]);
                        }
                        _ => events.push(text),
                    }
                }
                Some(Event::End) => {
                    events.push("end".into());
                    connection.respond(&Response::new(Status::OK, "", 0), NOW, &mut out);
                    if !connection.finish(NOW, &mut out) {
                        events.push("close".into());
                        return events;
                    }
                }
                Some(Event::Error(status)) => {
                    // How much of a body was told before a fault in it may depend on the cut.
                    events.retain(|event| !event.starts_with('['));
                    events.push(status.0.to_string());
                    return events;
                }
            }
        }
        pending.drain(..at);
    }
    events
}

fn request() -> impl Strategy<Value = Vec<u8>> {
    let fields = prop_oneof![
        Just("".to_string()),
        Just("Connection: close\r\n".into()),
        Just("X: ".to_string() + &"y".repeat(350) + "\r\n"),
        "[A-Za-z-]{1,10}: [ -~]{0,20}\r\n",
    ];
    let body = prop_oneof![
        3 => Just(("".to_string(), Vec::new())),
        3 => proptest::collection::vec(any::<u8>(), 0..320).prop_map(|body| (format!("Content-Length: {}\r\n", body.len()), body)),
        3 => proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..80), 0..5).prop_map(|chunks| {
            let mut body = Vec::new();
            for chunk in chunks {
                body.extend_from_slice(format!("{:x};e\r\n", chunk.len()).as_bytes());
                body.extend_from_slice(&chunk);
                body.extend_from_slice(b"\r\n");
            }
            body.extend_from_slice(b"0\r\nT: v\r\n\r\n");
            ("Transfer-Encoding: chunked\r\n".to_string(), body)
        }),
    ];
    (
        "(GET|POST|HEAD|[A-Z]{1,8})",
        "/[a-z?&=%]{0,120}",
        fields,
        body,
    )
        .prop_map(|(method, target, fields, (length, body))| {
            let mut bytes =
                format!("{method} {target} HTTP/1.1\r\nHost: h\r\n{fields}{length}\r\n")
                    .into_bytes();
            bytes.extend_from_slice(&body);
            bytes
        })
}

fn stream() -> impl Strategy<Value = Vec<u8>> {
    let requests =
        proptest::collection::vec(request(), 1..4).prop_map(|requests| requests.concat());
    // Now and then a byte is changed.
    (
        requests,
        proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
    )
        .prop_map(|(mut bytes, changes)| {
            if changes.len() > 1 {
                for (at, value) in changes {
                    let at = at.index(bytes.len());
                    bytes[at] = value;
                }
            }
            bytes
        })
}

proptest! {
    #![proptest_config(trials::cases(800))]

    #[test]
    fn cuts_do_not_matter(bytes in stream(), cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..12)) {
        let whole = run(&[&bytes]);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        prop_assert_eq!(&run(&single), &whole);
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len())).collect();
        cuts.push(0);
        cuts.push(bytes.len());
        cuts.sort();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
        prop_assert_eq!(&run(&pieces), &whole);
    }

    #[test]
    fn noise_does_no_harm(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        run(&[&bytes]);
        run(&[b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", &bytes]);
    }
}
