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
        let Some(Socket {
            set,
            handle,
            signals,
            kind: Kind::Connection(connection),
            ..
        }) = self.sockets.get_mut(id)
        else {
            return true;
        };
        let tcp: &mut tcp::Socket<'static> = set.get_mut(*handle);
        connection.notice(tcp.state(), cause, signals);
        connection.give_up(tcp, now);
        let ownerless = connection.is_ownerless();
        if ownerless || connection.listener.is_some() {
            // Nobody wants to hear of it any more, or not before it is accepted.
            *signals = Signals {
                queued: signals.queued,
                ..Signals::default()
            };
        } else {
            connection.tell(tcp, signals);
        }
        let state = tcp.state();
        let ended = state == State::Closed && tcp.remote_endpoint().is_none();
        let refused = connection.connecting && connection.over.is_some();
        let tuple = connection.tuple;
        let mut remembered = None;
        if state == State::TimeWait && !connection.detached {
            // When only its last timer is left to wait for, nothing is left to say.
            let next = self.interface.poll_at(now, set);
            if next.is_none_or(|at| at > now + SmolDuration::from_secs(2)) {
                connection.detached = true;
                remembered = Some(TimeWait {
                    tuple,
                    next: connection.sent_next,
                    ack: connection.sent_ack,
                });
            }
        }
        let gone = ownerless && (ended || refused || connection.detached);
        if gone {
            self.remove_connection(id);
        } else if ended {
            // Its owner still has to let go of it.
            self.free_ports(&tuple, id);
        }
        if let Some(over) = remembered {
            self.start_time_wait(over, now);
        }
        gone
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
        if let Kind::Connection(connection) = socket.kind {
            self.free_ports(&connection.tuple, id);
        }
    }

    /// Lets others use a connection's pair of ports, unless they do already.
    fn free_ports(&mut self, tuple: &Tuple, id: Id) {
        if matches!(self.flows.get(tuple), Some(&Flow::Connection(flow)) if flow == id) {
            self.flows.remove(tuple);
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
