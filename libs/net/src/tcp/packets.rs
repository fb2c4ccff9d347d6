//! What packets and time do to connections.

use smoltcp::socket::tcp::{self, State};
use smoltcp::time::Instant;

use super::{SmolDuration, Tuple};
use crate::Error;
use crate::event::{Signal, Signals};
use crate::flows::Flow;
use crate::handshake::TimeWait;
use crate::packet::{Packet, be16, be32};
use crate::stack::{Cause, Kind, Socket, Stack};
use crate::table::Id;

/// How long a connection lives that its owner has let go of: while there is something to send,
/// and when only the other side's end is missing.
pub(super) const LINGER: SmolDuration = SmolDuration::from_secs(300);
pub(super) const LINGER_HALF_CLOSED: SmolDuration = SmolDuration::from_secs(30);

impl Stack {
    pub(crate) fn receive_tcp(&mut self, packet: Packet<'_>, now: Instant) {
        let (Some(remote_port), Some(local_port)) =
            (be16(packet.payload, 0), be16(packet.payload, 2))
        else {
            self.statistics.malformed += 1;
            return;
        };
        let tuple = Tuple {
            local: packet.destination,
            local_port,
            remote: packet.source,
            remote_port,
        };
        match self.flows.find(&tuple) {
            Some(Flow::Connection(id)) => self.give(&packet, Some(id), now),
            Some(Flow::HalfOpen(id)) => self.receive_half_open(packet, id, now),
            Some(Flow::TimeWait(id)) => self.receive_time_wait(packet, id, now),
            None => self.receive_unknown(packet, tuple, now),
        }
    }

    /// An ICMP error about a segment that we are said to have sent.
    pub(crate) fn tcp_unreachable(&mut self, tuple: Tuple, segment: &[u8], code: u8) -> Option<()> {
        let Some(&Flow::Connection(id)) = self.flows.get(&tuple) else {
            return None;
        };
        let socket = self.sockets.get_mut(id)?;
        let Kind::Connection(connection) = &mut socket.kind else {
            return None;
        };
        // RFC 5927: only a connection that is being made ends by it, and only if the error quotes
        // the segment that we sent; an established one goes on and may recover.
        if !connection.connecting || be32(segment, 4)? != connection.sent_first {
            return None;
        }
        let error = match code {
            2 | 3 => Error::ConnectionRefused,
            _ => Error::Unreachable,
        };
        connection.over = Some(Err(error));
        socket.signals.closed = Some(Err(error));
        self.flows.remove(&tuple);
        self.signal(id);
        Some(())
    }

    /// What a connection has to say after something happened to it. True if it is gone from the table.
    pub(crate) fn settle_connection(&mut self, id: Id, cause: Cause, now: Instant) -> bool {
        let Some(socket) = self.sockets.get_mut(id) else {
            return true;
        };
        let Socket {
            set,
            handle,
            signals,
            kind: Kind::Connection(connection),
            ..
        } = socket
        else {
            return true;
        };
        let tcp: &mut tcp::Socket<'static> = set.get_mut(*handle);
        let state = tcp.state();
        let before = core::mem::replace(&mut connection.state, state);

        if connection.connecting
            && !matches!(state, State::SynSent | State::SynReceived | State::Closed)
        {
            connection.connecting = false;
            signals.connected = true;
        }
        if connection.over.is_none() && matches!(state, State::Closed | State::TimeWait) {
            let result = match (state, before, cause) {
                (State::TimeWait, ..)
                | (_, State::LastAck | State::Closing | State::TimeWait, _) => Ok(()),
                (.., Cause::Owner) => Ok(()),
                (_, State::SynSent, Cause::Packet) => Err(Error::ConnectionRefused),
                (.., Cause::Packet) => Err(Error::ConnectionReset),
                (.., Cause::Asked { .. }) => Err(Error::TimedOut),
            };
            connection.over = Some(result);
            signals.closed = Some(result);
        }
        // Data that nobody will take.
        if connection.released_at.is_some() && tcp.recv_queue() > 0 && state != State::Closed {
            tcp.abort();
        }
        if let Some(released_at) = connection.released_at {
            let linger = if state == State::FinWait2 {
                LINGER_HALF_CLOSED
            } else {
                LINGER
            };
            if now >= released_at + linger && state != State::TimeWait {
                tcp.abort();
            }
        }
        let state = tcp.state();
        let quiet = tcp.remote_endpoint().is_none();
        // Nobody holds it: its owner let go, or it ended before it was accepted.
        let ownerless = connection.released_at.is_some()
            || (connection.listener.is_some() && connection.over.is_some());
        let refused = connection.connecting && connection.over.is_some();
        if ownerless && ((state == State::Closed && quiet) || refused || connection.detached) {
            self.remove_connection(id);
            return true;
        }
        if state == State::Closed
            && quiet
            && matches!(self.flows.get(&connection.tuple), Some(&Flow::Connection(flow)) if flow == id)
        {
            // Its owner still has to let go of it, but its ports are free.
            let tuple = connection.tuple;
            self.flows.remove(&tuple);
        }
        if ownerless {
            // Nobody wants to hear of it any more.
            *signals = Signals {
                queued: signals.queued,
                ..Signals::default()
            };
        }
        if state == State::TimeWait && !connection.detached {
            // When only its last timer is left to wait for, nothing is left to say.
            let all_said = self
                .interface
                .poll_at(now, set)
                .is_none_or(|at| at > now + SmolDuration::from_secs(2));
            if all_said {
                connection.detached = true;
                let over = TimeWait {
                    tuple: connection.tuple,
                    next: connection.sent_next,
                    ack: connection.sent_ack,
                };
                if ownerless {
                    self.remove_connection(id);
                }
                self.start_time_wait(over, now);
                if ownerless {
                    return true;
                }
            }
        }
        let Some(socket) = self.sockets.get_mut(id) else {
            return true;
        };
        let Socket {
            set,
            handle,
            signals,
            kind: Kind::Connection(connection),
            ..
        } = socket
        else {
            return true;
        };
        let tcp: &mut tcp::Socket<'static> = set.get_mut(*handle);
        if ownerless {
            return false;
        }
        if connection.listener.is_some() {
            // Its owner hears of it when it is accepted.
            *signals = Signals {
                queued: signals.queued,
                ..Signals::default()
            };
            return false;
        }
        connection.tell(tcp, signals);
        false
    }

    /// Takes a connection out of the table, and gives its buffers back.
    pub(crate) fn remove_connection(&mut self, id: Id) {
        let Some(socket) = self.sockets.remove(id) else {
            return;
        };
        self.timers.set(id.index, None);
        if let Some(owner) = socket.owner {
            self.refund(owner, socket.charge);
        }
        let Kind::Connection(connection) = socket.kind else {
            return;
        };
        if matches!(self.flows.get(&connection.tuple), Some(&Flow::Connection(flow)) if flow == id)
        {
            self.flows.remove(&connection.tuple);
        }
    }

    /// A handshake is complete: the connection waits to be accepted.
    pub(crate) fn announce(&mut self, listener_id: Id, id: Id) {
        let Some(listener) = self.listeners.get_mut(listener_id) else {
            return;
        };
        listener.ready.push_back(id);
        if core::mem::replace(&mut listener.wants_incoming, false) {
            self.signals.push_back(Signal::Listener(listener_id));
        }
    }
}
