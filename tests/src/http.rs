//! A small HTTP/1.1 client. It does one request per connection, and is strict about the answer.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};

/// A server's answer.
#[derive(Debug)]
pub struct Response {
    /// For example 200.
    pub status: u16,
    /// The head's lines after the first.
    pub headers: Vec<(String, String)>,
    /// The content, with chunks put together.
    pub body: Vec<u8>,
}

impl Response {
    /// A header's value; names are compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The content as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A connection to a port of this host, with time limits.
pub fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the port is open");
    stream
        .set_read_timeout(Some(crate::PATIENCE))
        .expect("a limit can be set");
    stream
        .set_write_timeout(Some(crate::PATIENCE))
        .expect("a limit can be set");
    stream
}

/// `GET path`.
pub fn get(port: u16, path: &str) -> Response {
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
    exchange(port, request.as_bytes())
}

/// Sends these bytes and reads the answer until the server closes the connection.
pub fn exchange(port: u16, request: &[u8]) -> Response {
    let mut stream = connect(port);
    stream.write_all(request).expect("the request can be sent");
    let mut answer = Vec::new();
    stream
        .read_to_end(&mut answer)
        .expect("the answer can be read");
    parse(&answer).unwrap_or_else(|why| {
        panic!(
            "not an HTTP answer ({why}): {}",
            String::from_utf8_lossy(&answer)
        )
    })
}

/// Opens a port that leads on to `port`, and lets clients in one after the other, each when the one before
/// it was answered for the first time: which port it is.
///
/// QEMU's user network listens with a queue of one. Of many clients that connect in the same moment, some
/// come to believe that they are connected while nobody on the other side knows of them; they wait for ever,
/// and FTL never hears of them (docs/concepts/network.md). Clients of this port all get through.
pub fn relay(port: u16) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port is free");
    let relay = listener.local_addr().expect("it has one").port();
    std::thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            // A client that leaves early ends its own connection only.
            let _ = let_in(client, port);
        }
    });
    relay
}

fn let_in(mut client: TcpStream, port: u16) -> std::io::Result<()> {
    let mut block = [0; 64 << 10];
    let len = client.read(&mut block)?;
    if len == 0 {
        // It only looked whether somebody listens, as wrk does.
        return Ok(());
    }
    let mut server = connect(port);
    server.write_all(&block[..len])?;
    let len = server.read(&mut block)?;
    client.write_all(&block[..len])?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        to_server.shutdown(Shutdown::Write)
    });
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut server, &mut client);
        client.shutdown(Shutdown::Write)
    });
    Ok(())
}

/// Reads a whole answer.
pub fn parse(answer: &[u8]) -> Result<Response, &'static str> {
    let end = answer
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .ok_or("its head has no end")?;
    let head = std::str::from_utf8(&answer[..end]).map_err(|_| "its head is not UTF-8")?;
    let content = &answer[end + 4..];
    let mut lines = head.split("\r\n");
    let status = lines
        .next()
        .and_then(|line| line.strip_prefix("HTTP/1.1 "))
        .and_then(|line| line.get(..3)?.parse().ok())
        .ok_or("its first line is wrong")?;
    let headers = lines
        .map(|line| {
            let (name, value) = line.split_once(':').ok_or("a header has no colon")?;
            Ok((name.to_owned(), value.trim().to_owned()))
        })
        .collect::<Result<Vec<_>, &'static str>>()?;
    let mut response = Response {
        status,
        headers,
        body: Vec::new(),
    };
    if response.header("Transfer-Encoding") == Some("chunked") {
        response.body = unchunk(content)?;
    } else {
        let told = response.header("Content-Length").map(str::parse::<usize>);
        if let Some(told) = told {
            let told = told.map_err(|_| "its length is not a number")?;
            if told != content.len() {
                return Err("its length is not what its head tells");
            }
        }
        response.body = content.to_vec();
    }
    Ok(response)
}

fn unchunk(mut content: &[u8]) -> Result<Vec<u8>, &'static str> {
    let mut body = Vec::new();
    loop {
        let end = content
            .windows(2)
            .position(|window| window == b"\r\n")
            .ok_or("a chunk has no length")?;
        let len = std::str::from_utf8(&content[..end])
            .ok()
            .and_then(|text| usize::from_str_radix(text.split(';').next()?.trim(), 16).ok())
            .ok_or("a chunk's length is wrong")?;
        content = &content[end + 2..];
        if len == 0 {
            return if content == b"\r\n" {
                Ok(body)
            } else {
                Err("there is something after the last chunk")
            };
        }
        if content.len() < len + 2 || &content[len..len + 2] != b"\r\n" {
            return Err("a chunk is shorter than told");
        }
        body.extend_from_slice(&content[..len]);
        content = &content[len + 2..];
    }
}

/// A connection on which one request follows another.
pub struct KeepAlive {
    stream: TcpStream,
    /// All answers are alike, so the first one tells how long they are.
    answer_len: Option<usize>,
    /// What was read and not looked at.
    rest: Vec<u8>,
}

impl KeepAlive {
    /// Opens one.
    pub fn open(port: u16) -> KeepAlive {
        KeepAlive {
            stream: connect(port),
            answer_len: None,
            rest: Vec::new(),
        }
    }

    /// So many requests for the page of benchmarks, ten under way at once; all are answered.
    pub fn requests(&mut self, count: usize) {
        for _ in 0..count / 10 {
            self.ten();
        }
    }

    /// Ten requests, all under way at once.
    pub fn ten(&mut self) {
        let request = b"GET /bench HTTP/1.1\r\nHost: ftl\r\n\r\n";
        self.stream
            .write_all(&request.repeat(10))
            .expect("requests can be sent");
        for _ in 0..10 {
            let (stream, rest) = (&mut self.stream, &mut self.rest);
            let expected = *self
                .answer_len
                .get_or_insert_with(|| first_answer_len(stream, rest));
            if rest.len() < expected {
                let had = rest.len();
                rest.resize(expected, 0);
                stream
                    .read_exact(&mut rest[had..])
                    .expect("the answer comes");
            }
            let after = rest.split_off(expected);
            let one = parse(rest).expect("an answer");
            assert_eq!((one.status, one.body.len()), (200, 1024));
            self.rest = after;
        }
    }
}

fn first_answer_len(stream: &mut TcpStream, answer: &mut Vec<u8>) -> usize {
    loop {
        let mut block = [0; 1500];
        let len = stream.read(&mut block).expect("an answer comes");
        assert!(len > 0, "the connection ended");
        answer.extend_from_slice(&block[..len]);
        let head_end = answer.windows(4).position(|window| window == b"\r\n\r\n");
        if let Some(end) = head_end {
            return end + 4 + 1024;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read() {
        let plain = parse(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi").unwrap();
        assert_eq!((plain.status, plain.text().as_str()), (200, "hi"));
        let chunked = b"HTTP/1.1 404 Not Found\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n1;x\r\n!\r\n0\r\n\r\n";
        assert_eq!(parse(chunked).unwrap().body, b"hi!");
    }

    #[test]
    fn wrong_answers_are_told() {
        for wrong in [
            &b"HTTP/1.1 200 OK\r\n"[..],
            b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nhi",
            b"nonsense\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhi\r\n0\r\n\r\n",
        ] {
            assert!(parse(wrong).is_err());
        }
    }
}
