//! `curl`.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::net::SocketAddrV4;

use ftl::io::Write;
use ftl::prelude::*;

use crate::exchange::{Peer, exchange, find};
use crate::spec::*;

pub const CURL: &str = "\
curl fetches what a URL names, over HTTP
usage: curl [-i] [-I] [-f] [-d DATA] URL

  -i       prints the head of the answer, too
  -I       asks for the head only
  -f       fails without printing anything if the answer's status is 400 or more
  -d DATA  sends DATA with POST

HTTP/1.0 without encryption; the connection ends with the answer. Redirections are not followed.

  curl http://10.0.2.2:8000/ | head
";

/// Longest head of an answer.
const HEAD_LEN_MAX: usize = 16 * 1024;

struct Wanted {
    url: String,
    head_too: bool,
    head_only: bool,
    fail: bool,
    data: Option<String>,
}

pub fn curl(mut env: Environ) -> Result<usize> {
    let wanted = match wanted(&env.arguments) {
        Ok(wanted) => wanted,
        Err(what) => {
            eprintln!("curl: {what}; `curl --help` says more");
            return Ok(2);
        }
    };
    let (host, port, path) = match parts(&wanted.url) {
        Ok(parts) => parts,
        Err(what) => {
            eprintln!("curl: {}: {what}", wanted.url);
            return Ok(2);
        }
    };
    let ip = match find(&mut env.tcpip, host) {
        Ok(ip) => ip,
        Err(reason) => {
            eprintln!("curl: {reason}");
            return Ok(1);
        }
    };
    let method = match (&wanted.data, wanted.head_only) {
        (_, true) => "HEAD",
        (Some(_), false) => "POST",
        (None, false) => "GET",
    };
    let mut request = format!("{method} {path} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: ftl\r\n");
    if let Some(data) = &wanted.data {
        request += &format!(
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            data.len()
        );
    }
    request += "\r\n";
    request += wanted.data.as_deref().unwrap_or("");

    let mut stdout = env.stdout;
    let mut answer = Answer::default();
    let peer = Peer::Remote(SocketAddrV4::new(ip, port));
    // The input stays open as long as the answer is not there: some servers take its end for ours.
    let ended = exchange(&env.tcpip, &peer, request.as_bytes(), None, &mut |bytes| {
        let body = answer.take(bytes)?;
        if wanted.fail && answer.status.is_some_and(|status| status >= 400) {
            return Ok(false);
        }
        if let Some(head) = answer.new_head()
            && (wanted.head_too || wanted.head_only)
        {
            stdout.write_all(head)?;
        }
        stdout.write_all(&body)?;
        Ok(answer.left != Some(0))
    });
    stdout.flush()?;
    if let Err(reason) = ended {
        eprintln!("curl: {}: {reason}", wanted.url);
        return Ok(1);
    }
    match answer.status {
        None => {
            eprintln!("curl: {}: the answer is not one of HTTP", wanted.url);
            Ok(1)
        }
        Some(status) if wanted.fail && status >= 400 => {
            eprintln!("curl: {}: the server answers {status}", wanted.url);
            Ok(22)
        }
        Some(_) if answer.left.is_some_and(|left| left > 0) && !wanted.head_only => {
            eprintln!("curl: {}: the answer ends early", wanted.url);
            Ok(18)
        }
        Some(_) => Ok(0),
    }
}

fn wanted(arguments: &[String]) -> Result<Wanted, String> {
    let mut wanted = Wanted {
        url: String::new(),
        head_too: false,
        head_only: false,
        fail: false,
        data: None,
    };
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "-i" => wanted.head_too = true,
            "-I" => wanted.head_only = true,
            "-f" => wanted.fail = true,
            "-s" => {}
            "-d" => wanted.data = Some(words.next().ok_or("-d needs data")?.clone()),
            option if option.starts_with('-') => return Err(format!("there is no `{option}`")),
            url if wanted.url.is_empty() => wanted.url = url.to_string(),
            _ => return Err("one URL at a time".into()),
        }
    }
    match wanted.url.is_empty() {
        true => Err("which URL?".into()),
        false => Ok(wanted),
    }
}

/// Host, port and path of a URL.
fn parts(url: &str) -> Result<(&str, u16, &str), &'static str> {
    let rest = match url.split_once("://") {
        Some(("http", rest)) => rest,
        Some(_) => return Err("only http:// is known"),
        None => url,
    };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, "/"),
    };
    let (host, port) = match authority.split_once(':') {
        Some((host, port)) => (host, port.parse().map_err(|_| "its port is no number")?),
        None => (authority, 80),
    };
    match host.is_empty() {
        true => Err("it has no host"),
        false => Ok((host, port, path)),
    }
}

/// An answer as far as it came.
#[derive(Default)]
struct Answer {
    head: Vec<u8>,
    is_whole: bool,
    is_told: bool,
    status: Option<u16>,
    /// How much of the body is missing, if the head says how long it is.
    left: Option<u64>,
}

impl Answer {
    /// Takes bytes, and answers those of the body.
    fn take(&mut self, bytes: &[u8]) -> Result<Vec<u8>> {
        let mut body = Vec::from(bytes);
        if !self.is_whole {
            self.head.extend_from_slice(bytes);
            let Some(end) = find_end(&self.head) else {
                return match self.head.len() > HEAD_LEN_MAX {
                    true => Err(Error::Malformed),
                    false => Ok(Vec::new()),
                };
            };
            body = self.head.split_off(end);
            self.is_whole = true;
            self.read_head();
        }
        if let Some(left) = &mut self.left {
            body.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= body.len() as u64;
        }
        Ok(body)
    }

    /// The head, once, when it is whole.
    fn new_head(&mut self) -> Option<&[u8]> {
        let is_new = self.is_whole && !core::mem::replace(&mut self.is_told, self.is_whole);
        is_new.then_some(&self.head)
    }

    fn read_head(&mut self) {
        let text = String::from_utf8_lossy(&self.head);
        let mut lines = text.lines();
        let mut first = lines.next().unwrap_or_default().split(' ');
        if first.next().is_some_and(|word| word.starts_with("HTTP/1.")) {
            self.status = first.next().and_then(|status| status.parse().ok());
        }
        self.left = lines.find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let is_len = name.eq_ignore_ascii_case("content-length");
            is_len.then(|| value.trim().parse().ok()).flatten()
        });
    }
}

fn find_end(head: &[u8]) -> Option<usize> {
    let end = head.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some(end + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_have_parts() {
        assert_eq!(parts("http://a/b?c"), Ok(("a", 80, "/b?c")));
        assert_eq!(parts("10.0.2.2:8000"), Ok(("10.0.2.2", 8000, "/")));
        assert!(parts("https://a/").is_err() && parts("http:///x").is_err());
        assert!(parts("http://a:b/").is_err());
    }

    #[test]
    fn answers_are_taken_in_any_pieces() {
        let whole = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello and more";
        for cut in 0..whole.len() {
            let mut answer = Answer::default();
            let mut body = answer.take(&whole[..cut]).expect("short");
            body.extend(answer.take(&whole[cut..]).expect("short"));
            assert_eq!((&body[..], answer.left), (&b"hello"[..], Some(0)));
            assert_eq!(answer.status, Some(200));
            assert!(answer.new_head().is_some() && answer.new_head().is_none());
        }
        let mut answer = Answer::default();
        assert!(answer.take(&[b'x'; HEAD_LEN_MAX + 1]).is_err());
    }
}
