//! What is served under which path.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt::Write;

use ftl::prelude::*;
use http::{Request, Status};
use interfaces::files::Dir;
use interfaces::{system, tcpip};

use crate::directory::{self, Found, PREFIX, Part};
use crate::page::PAGE;
use crate::server::now;
use crate::sha256::Sha256;
use crate::system_json;

const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";
/// How long a picture of the system is shown to others who ask.
const FRESH: Duration = Duration::from_millis(250);
/// The body of `/bench`, in whole words: so that it is copied in words.
static BENCH: Words<1024> = Words([b'f'; 1024]);

#[repr(align(8))]
struct Words<const LEN: usize>([u8; LEN]);
/// Most bytes of a download.
const DOWNLOAD_MAX: u64 = 1 << 32;

/// What has come of requests since the start: none that is odd goes unnoticed.
#[derive(Debug, Default)]
pub struct Counts {
    /// Whose heads came whole.
    pub requests: u64,
    /// Against the rules, or beyond a limit.
    pub refused: u64,
    /// That took too long to come, and connections on which too long nothing came.
    pub late: u64,
    /// Whose end did not come, because the client closed before.
    pub cut_off: u64,
}

/// The site, and what it asks others for.
pub struct Site {
    pub counts: Counts,
    system: system::Client,
    tcpip: tcpip::Client,
    files: Option<Dir>,
    picture: String,
    taken: Option<Duration>,
    text: String,
}

/// What a request is answered with.
pub enum Answer<'a> {
    Bytes {
        status: Status,
        content_type: &'static str,
        body: &'a [u8],
        headers: &'a [(&'a str, &'a str)],
    },
    /// A header that says it all.
    Told {
        status: Status,
        header: (&'static str, &'a str),
    },
    /// So many computed bytes.
    Computed(u64),
    /// A file, or a part of it.
    File(Box<Part>),
}

/// What is under a path.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Page,
    System,
    Log,
    Bench,
    Download,
    Upload,
    Files,
}

fn is_get(method: &str) -> bool {
    matches!(method, "GET" | "HEAD")
}

fn is_put(method: &str) -> bool {
    matches!(method, "POST" | "PUT")
}

/// An upload that is coming in.
pub struct Upload(Sha256);

impl Upload {
    pub fn new() -> Upload {
        Upload(Sha256::new())
    }
    pub fn update(&mut self, data: &[u8]) {
        self.0.update(data);
    }
}

/// Byte number `at` of a download.
pub fn computed_byte(at: u64) -> u8 {
    (at ^ at >> 8 ^ at >> 16) as u8
}

/// The bytes of a download from number `at` on.
pub fn fill_computed(bytes: &mut [u8], at: u64) {
    let mut at = at;
    // All but the lowest eight bits of the number are the same for a while.
    let mut rest = bytes;
    while !rest.is_empty() {
        let run = (256 - at as usize % 256).min(rest.len());
        let (now, later) = rest.split_at_mut(run);
        let (low, high) = (at as u8, (at >> 8 ^ at >> 16) as u8);
        for (i, byte) in now.iter_mut().enumerate() {
            *byte = low.wrapping_add(i as u8) ^ high;
        }
        (rest, at) = (later, at + run as u64);
    }
}

impl Site {
    pub fn new(system: system::Client, tcpip: tcpip::Client, files: Option<Dir>) -> Site {
        Site {
            counts: Counts::default(),
            system,
            tcpip,
            files,
            picture: String::new(),
            taken: None,
            text: String::new(),
        }
    }

    /// Whether the request's body is wanted.
    pub fn is_upload(&self, request: Request<'_>) -> bool {
        matches!(request.method(), "POST" | "PUT") && request.path_bytes() == b"/upload"
    }

    /// The answer to a complete request.
    pub fn answer(&mut self, request: Request<'_>, upload: Option<Upload>) -> Answer<'_> {
        if let Some(Upload(sum)) = upload {
            self.text.clear();
            let _ = write!(self.text, "{{\"length\":{},\"sha256\":\"", sum.len());
            for byte in sum.finish() {
                let _ = write!(self.text, "{byte:02x}");
            }
            self.text.push_str("\"}\n");
            return bytes(Status::OK, JSON, self.text.as_bytes());
        }
        let path = request.path_bytes();
        let (place, is_allowed): (Place, fn(&str) -> bool) = match path {
            b"/" => (Place::Page, is_get),
            b"/system.json" => (Place::System, is_get),
            b"/log.json" => (Place::Log, is_get),
            b"/bench" => (Place::Bench, is_get),
            b"/download" => (Place::Download, is_get),
            b"/upload" => (Place::Upload, is_put),
            path if path.starts_with(PREFIX.as_bytes()) && self.files.is_some() => {
                (Place::Files, is_get)
            }
            _ => {
                return bytes(
                    Status::NOT_FOUND,
                    TEXT,
                    b"There is nothing under this path.\n",
                );
            }
        };
        if !is_allowed(request.method()) {
            const GET: &[(&str, &str)] = &[("allow", "GET, HEAD")];
            const POST: &[(&str, &str)] = &[("allow", "POST, PUT")];
            return Answer::Bytes {
                status: Status::METHOD_NOT_ALLOWED,
                content_type: TEXT,
                body: b"This path knows other methods.\n",
                headers: if place == Place::Upload { POST } else { GET },
            };
        }
        match place {
            Place::Page => Answer::Bytes {
                status: Status::OK,
                content_type: "text/html; charset=utf-8",
                body: PAGE.as_bytes(),
                headers: &[
                    ("cache-control", "no-cache"),
                    ("content-security-policy", CONTENT_POLICY),
                ],
            },
            Place::Bench => bytes(Status::OK, TEXT, &BENCH.0),
            Place::Download => match request
                .parameter("bytes")
                .and_then(|text| text.parse().ok())
            {
                Some(len) if len <= DOWNLOAD_MAX => Answer::Computed(len),
                _ => bytes(
                    Status::BAD_REQUEST,
                    TEXT,
                    b"Say how many: /download?bytes=1000\n",
                ),
            },
            Place::Files => self.file(request),
            Place::Log => self.log(request),
            // An upload was answered above.
            Place::System | Place::Upload => {
                let now = now();
                if self.taken.is_none_or(|taken| now >= taken + FRESH) {
                    self.taken = Some(now);
                    self.picture.clear();
                    if let Err(error) = system_json::write(
                        &mut self.picture,
                        &mut self.system,
                        &mut self.tcpip,
                        &self.counts,
                    ) {
                        warn!("cannot tell what the system is like: {error}");
                        self.taken = None;
                        return bytes(
                            Status::SERVICE_UNAVAILABLE,
                            TEXT,
                            b"The system does not answer.\n",
                        );
                    }
                }
                fresh_json(&self.picture)
            }
        }
    }
}

impl Site {
    /// A part of the log, from the position that the request names.
    fn log(&mut self, request: Request<'_>) -> Answer<'_> {
        let from = match request.parameter("from") {
            None => Some(0),
            Some(text) => text.parse().ok(),
        };
        let Some(from) = from else {
            let text = b"Say where to begin: /log.json?from=0\n";
            return bytes(Status::BAD_REQUEST, TEXT, text);
        };
        self.text.clear();
        if let Err(error) = system_json::write_log(&mut self.text, &mut self.system, from) {
            warn!("cannot read the log: {error}");
            return bytes(
                Status::SERVICE_UNAVAILABLE,
                TEXT,
                b"The system does not answer.\n",
            );
        }
        fresh_json(&self.text)
    }

    /// The answer to a request for a file.
    fn file(&mut self, request: Request<'_>) -> Answer<'_> {
        let found = match &self.files {
            Some(files) => directory::find(files, request),
            None => Found::Nothing,
        };
        let (status, header, text) = match found {
            Found::Part(part) => return Answer::File(part.into()),
            Found::List(page) => {
                self.text = page;
                return Answer::Bytes {
                    status: Status::OK,
                    content_type: "text/html; charset=utf-8",
                    body: self.text.as_bytes(),
                    headers: &[
                        ("cache-control", "no-cache"),
                        ("content-security-policy", "default-src 'none'"),
                    ],
                };
            }
            Found::Moved(place) => (Status::MOVED_PERMANENTLY, "location", place),
            Found::NotModified(tag) => (Status::NOT_MODIFIED, "etag", tag),
            Found::NoSuchRange(range) => (Status::RANGE_NOT_SATISFIABLE, "content-range", range),
            Found::Nothing => return bytes(Status::NOT_FOUND, TEXT, b"There is no such file.\n"),
            Found::Unavailable => {
                let text = b"The file server does not answer.\n";
                return bytes(Status::SERVICE_UNAVAILABLE, TEXT, text);
            }
        };
        self.text = text;
        Answer::Told {
            status,
            header: (header, &self.text),
        }
    }
}

/// JSON that is another one the next time.
fn fresh_json(text: &str) -> Answer<'_> {
    Answer::Bytes {
        status: Status::OK,
        content_type: JSON,
        body: text.as_bytes(),
        headers: &[("cache-control", "no-store")],
    }
}

const CONTENT_POLICY: &str = "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

fn bytes<'a>(status: Status, content_type: &'static str, body: &'a [u8]) -> Answer<'a> {
    Answer::Bytes {
        status,
        content_type,
        body,
        headers: &[],
    }
}
