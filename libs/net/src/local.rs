//! Connections whose two ends are both in this stack.
//!
//! Their segments need not be made: whoever owns both ends' buffers can hand bytes from one to the other, as long as
//! none lie in between. The stack goes on to make, keep and end them as it does all others.

use smoltcp::socket::tcp;

use crate::event::ConnectionId;
use crate::flows::Flow;
use crate::stack::{Kind, Socket, Stack};
use crate::tcp::Tuple;

impl Stack {
    /// The other end of a connection of this machine with itself, once both ends are there.
    pub fn other_end(&self, id: ConnectionId) -> Option<ConnectionId> {
        let Kind::Connection(connection) = &self.sockets.get(id.0)?.kind else {
            return None;
        };
        let Tuple {
            local,
            local_port,
            remote,
            remote_port,
        } = connection.tuple;
        let other = Tuple {
            local: remote,
            local_port: remote_port,
            remote: local,
            remote_port: local_port,
        };
        match self.flows.get(&other) {
            Some(&Flow::Connection(other)) if other != id.0 => Some(ConnectionId(other)),
            _ => None,
        }
    }

    /// Whether what is sent from one end would be the next that is received at the other: nothing lies in between, and
    /// the one may still send and the other receive.
    pub fn nothing_between(&self, from: ConnectionId, to: ConnectionId) -> bool {
        let socket = |id: ConnectionId| {
            let Socket { set, handle, .. } = self.sockets.get(id.0)?;
            Some(set.get::<tcp::Socket<'static>>(*handle))
        };
        let (Some(from), Some(to)) = (socket(from), socket(to)) else {
            return false;
        };
        from.may_send() && from.send_queue() == 0 && to.recv_queue() == 0 && to.may_recv()
    }
}
