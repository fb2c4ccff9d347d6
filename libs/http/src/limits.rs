//! What a client may do.

use core::time::Duration;

/// Limits of one connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a request's head: request line and header fields. More is 431.
    pub head_max: usize,
    /// Bytes of the request's target. More is 414.
    pub target_max: usize,
    /// Bytes of a request's body. More is 413.
    pub body_max: u64,
    /// Requests on one connection.
    pub requests_max: u32,
    /// Time from a request's first byte to the end of its head. Longer is 408.
    pub head_time: Duration,
    /// Time without a single byte of a body. Longer is 408.
    pub body_pause: Duration,
    /// Bytes a second that a body must have brought on average, from `body_pause` on. Slower is 408.
    pub body_rate_min: u32,
    /// Time between requests. After it the connection is closed without a word.
    pub idle_time: Duration,
    /// Time in which the client takes nothing of a response.
    pub write_pause: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            head_max: 8 * 1024,
            target_max: 4 * 1024,
            body_max: 1 << 30,
            requests_max: u32::MAX,
            head_time: Duration::from_secs(10),
            body_pause: Duration::from_secs(10),
            body_rate_min: 100,
            idle_time: Duration::from_secs(60),
            write_pause: Duration::from_secs(30),
        }
    }
}

/// Most header fields of a request. More is 431.
pub(crate) const HEADERS_MAX: usize = 64;
/// Most bytes of a chunk's size line, extensions included.
pub(crate) const CHUNK_LINE_MAX: usize = 128;
/// Most bytes of trailers.
pub(crate) const TRAILERS_MAX: usize = 2048;
