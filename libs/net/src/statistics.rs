//! Counters: each thing that is dropped or refused is counted somewhere.

/// What a stack has done since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // The names say it; where they do not, there is a comment.
pub struct Statistics {
    pub frames_received: u64,
    pub frames_sent: u64,
    pub bytes_received: u64,
    pub bytes_sent: u64,
    /// Frames that did not parse, or whose checksum was wrong, where this was seen before smoltcp saw it.
    pub malformed: u64,
    /// Frames for another address, or of a protocol that nobody here speaks.
    pub not_for_us: u64,
    /// Fragments of IP packets: they are not put together.
    pub fragments: u64,
    /// Packets to TCP or UDP ports that nobody has.
    pub unknown_port: u64,
    /// Answers that did not fit into the queue of frames to be sent.
    pub replies_dropped: u64,
    /// Frames to addresses of which nobody answered ARP requests, or that have no route.
    pub unresolved: u64,
    pub syn_received: u64,
    /// Half-open connections dropped for newer ones.
    pub half_open_evicted: u64,
    /// Half-open connections that the other side never finished.
    pub half_open_expired: u64,
    pub accepted: u64,
    /// Connections refused because the listener's queue was full.
    pub backlog_refused: u64,
    /// Connections refused because their owner's budget, the table or memory was used up.
    pub budget_refused: u64,
    /// Closed connections forgotten early, for newer ones.
    pub time_wait_evicted: u64,
    /// ICMP errors that led to a socket of ours, and those that did not.
    pub icmp_errors: u64,
    pub icmp_errors_ignored: u64,
    /// UDP datagrams dropped because their socket's queue was full.
    pub datagrams_dropped: u64,
    /// How often one socket set was handed to smoltcp: the work that must not grow with the
    /// number of sockets.
    pub polls: u64,
}
