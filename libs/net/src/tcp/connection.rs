//! What is known of a connection besides smoltcp's socket: who waits for what, and which numbers went by.

use super::*;

/// How long a connection lives that its owner has let go of: while there is something to send,
/// and when only the other side's end is missing.
const LINGER: SmolDuration = SmolDuration::from_secs(300);
const LINGER_HALF_CLOSED: SmolDuration = SmolDuration::from_secs(30);

/// Both ends of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tuple {
    pub local: Ipv4Addr,
    pub local_port: u16,
    pub remote: Ipv4Addr,
    pub remote_port: u16,
}

impl core::hash::Hash for Tuple {
    /// Two words instead of four fields: it is done for each segment.
    fn hash<H: core::hash::Hasher>(&self, state: &mut H) {
        let ends = |ip: Ipv4Addr, port: u16| (ip.to_bits() as u64) << 16 | port as u64;
        state.write_u64(ends(self.local, self.local_port));
        state.write_u64(ends(self.remote, self.remote_port));
    }
}

/// See the [module](self).
pub(crate) struct Connection {
    pub tuple: Tuple,
    /// In whose queue it waits to be accepted.
    pub(super) listener: Option<Id>,
    pub(super) connecting: bool,
    /// Over in both directions, and remembered as TIME-WAIT elsewhere: smoltcp, which would empty
    /// the receive buffer after a while, does not see it any more.
    pub(super) detached: bool,
    /// When its owner let go of it.
    pub(super) released_at: Option<Instant>,
    pub(super) state: State,
    /// Set once it is over, and how it ended.
    pub(super) over: Option<Result<(), Error>>,
    pub(super) wants_readable: bool,
    pub(super) wants_writable: bool,
    /// First sequence number of the last segment that had any; the one behind all that were sent;
    /// and what was acknowledged last.
    pub(super) sent_first: u32,
    pub(super) sent_any: bool,
    pub(super) sent_next: u32,
    pub(super) sent_ack: u32,
    /// Up to which sequence number the other side has said that it takes anything; not known at first.
    pub(super) window_end: Option<u32>,
    /// By how many bits the windows that it tells are to be shifted.
    pub(super) window_scale: u8,
    /// It may send many segments at once.
    pub(crate) batch: Option<Batch>,
}

impl Connection {
    pub fn new(tuple: Tuple, listener: Option<Id>) -> Connection {
        Connection {
            tuple,
            listener,
            connecting: listener.is_none(),
            detached: false,
            released_at: None,
            state: if listener.is_some() {
                State::SynReceived
            } else {
                State::SynSent
            },
            over: None,
            wants_readable: true,
            wants_writable: false,
            sent_first: 0,
            sent_any: false,
            sent_next: 0,
            sent_ack: 0,
            window_end: None,
            window_scale: 0,
            batch: None,
        }
    }

    /// By how many bits the windows of the other side are to be shifted, as its SYN has said.
    pub fn scale_windows(&mut self, scale: Option<u8>) {
        // RFC 7323, 2.3.
        self.window_scale = scale.unwrap_or(0).min(14);
    }

    /// Looks at a segment that has come, before smoltcp does: takes from it what [`Connection::sending`] has to know.
    #[inline]
    pub fn receiving(&mut self, packet: &Packet<'_>) {
        let segment = packet.payload;
        let (Some(ack), Some(window)) = (be32(segment, 8), be16(segment, 14)) else {
            return;
        };
        self.acknowledged(segment, ack, window);
        let mut window = u32::from(window) << self.window_scale;
        if segment[13] & SYN != 0 {
            let Some(segment) = parse(packet) else { return };
            self.scale_windows(segment.window_scale);
            window = segment.window_len.into();
        }
        let end = ack.wrapping_add(window);
        // A window never shrinks, but segments may come in another order.
        let is_later = self
            .window_end
            .is_none_or(|before| end.wrapping_sub(before) as i32 > 0);
        if is_later {
            self.window_end = Some(end);
        }
    }

    /// Looks at a packet that is about to be sent: takes from it what has to be known later, and
    /// mends the sequence number of a pure acknowledgement.
    ///
    /// An acknowledgement carries the number behind everything ever sent (RFC 9293, 3.10.7.4:
    /// SEQ=SND.NXT). smoltcp puts in the number that it goes on from, which after a retransmission
    /// time-out is an old one. The other side then discards the segment as a repeated one, its
    /// acknowledgement included; and when that happens to both sides at once, neither ever hears the
    /// other again. `tests/tcp.rs` has wires bad enough for that.
    ///
    /// Nor may it lie behind the end of the other side's window, where what asks whether a closed window is still
    /// closed has been sent: that is no place for an acknowledgement either. Of two sides with closed windows neither
    /// would hear the other any more, until both give up. (Linux does the same: `tcp_acceptable_seq`.)
    pub fn sending(&mut self, packet: &mut [u8]) {
        let header = (packet[0] as usize & 15) * 4;
        let Some(total) = be16(packet, 2) else { return };
        let Some(segment) = packet.get_mut(header..) else {
            return;
        };
        let (Some(seq), Some(ack), Some(&offset), Some(&flags)) = (
            be32(segment, 4),
            be32(segment, 8),
            segment.get(12),
            segment.get(13),
        ) else {
            return;
        };
        if flags & RST != 0 {
            return;
        }
        let payload = total as u32 - header as u32 - (offset >> 4) as u32 * 4;
        let len = payload + (flags & FIN) as u32 + (flags & SYN) as u32 / 2;
        let next = seq.wrapping_add(len);
        if len > 0 {
            self.sent_first = seq;
            if !self.sent_any || (next.wrapping_sub(self.sent_next) as i32) > 0 {
                self.sent_any = true;
                self.sent_next = next;
            }
        } else if self.sent_any && (self.sent_next.wrapping_sub(seq) as i32) > 0 {
            let next = match self.window_end {
                Some(end) if (end.wrapping_sub(self.sent_next) as i32) < 0 => end,
                _ => self.sent_next,
            };
            segment[4..8].copy_from_slice(&next.to_be_bytes());
        }
        self.sent_ack = ack;
    }
}

impl Connection {
    pub fn is_detached(&self) -> bool {
        self.detached
    }

    /// [`Stack::settle_connection`] for a connection that is simply open, as nearly all are nearly always. False if
    /// it is not, or not yet known to be.
    #[inline]
    pub fn settle_open(&mut self, tcp: &tcp::Socket<'static>, signals: &mut Signals) -> bool {
        let open = tcp.state() == State::Established
            && self.state == State::Established
            && !self.connecting
            && self.over.is_none()
            && self.released_at.is_none()
            && self.listener.is_none();
        if open {
            self.tell(tcp, signals);
        }
        open
    }

    /// Takes note of how far it is now: that it is there, or that it is over, and how it ended.
    pub(super) fn notice(&mut self, state: State, cause: Cause, signals: &mut Signals) {
        let before = core::mem::replace(&mut self.state, state);
        if self.connecting && !matches!(state, State::SynSent | State::SynReceived | State::Closed)
        {
            self.connecting = false;
            signals.connected = true;
        }
        if self.over.is_none() && matches!(state, State::Closed | State::TimeWait) {
            let result = match (state, before, cause) {
                (State::TimeWait, ..)
                | (_, State::LastAck | State::Closing | State::TimeWait, _) => Ok(()),
                (.., Cause::Owner) => Ok(()),
                (_, State::SynSent, Cause::Packet) => Err(Error::ConnectionRefused),
                (.., Cause::Packet) => Err(Error::ConnectionReset),
                (.., Cause::Asked { .. }) => Err(Error::TimedOut),
            };
            self.over = Some(result);
            signals.closed = Some(result);
        }
    }

    /// Ends one whose owner has let go of it, if data comes that nobody will take, or after a while.
    pub(super) fn give_up(&mut self, tcp: &mut tcp::Socket<'static>, now: Instant) {
        let Some(deadline) = self.linger_deadline() else {
            return;
        };
        let unwanted = tcp.recv_queue() > 0 && self.state != State::Closed;
        if unwanted || (now >= deadline && self.state != State::TimeWait) {
            tcp.abort();
        }
    }

    /// Whether nobody holds it: its owner let go, or it ended before it was accepted.
    pub(super) fn is_ownerless(&self) -> bool {
        self.released_at.is_some() || (self.listener.is_some() && self.over.is_some())
    }

    /// What its owner has waited for and is to hear now.
    #[inline]
    pub(super) fn tell(&mut self, tcp: &tcp::Socket<'static>, signals: &mut Signals) {
        let at_end =
            || !tcp.may_recv() && !matches!(self.state, State::SynSent | State::SynReceived);
        if self.wants_readable && !self.connecting && (tcp.can_recv() || at_end()) {
            self.wants_readable = false;
            signals.readable = true;
        }
        // Not at the first free byte, so that the owner is not woken for crumbs.
        let room = || (tcp.send_capacity() - tcp.send_queue()) * 2 >= tcp.send_capacity();
        if self.wants_writable && !self.connecting && (room() || !tcp.may_send()) {
            self.wants_writable = false;
            signals.writable = true;
        }
    }

    /// When a connection that lingers has lingered long enough.
    pub fn linger_deadline(&self) -> Option<Instant> {
        let linger = if self.state == State::FinWait2 {
            LINGER_HALF_CLOSED
        } else {
            LINGER
        };
        Some(self.released_at? + linger)
    }
}
