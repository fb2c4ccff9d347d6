//! Connections of this machine with itself: bytes go from one client's stream into the other's, and no segments are made.
//!
//! The stack makes such a connection and ends it as any other: what is sent before both ends are there goes through it,
//! and so does each end's "nothing more". As long as it holds no bytes of one direction, those that come are handed on beside
//! it, so their order stays what it was.

use net::ConnectionId;

use crate::server::Server;
use crate::stream::Which;

impl Server {
    /// A connection is there: if its other end is, too, each is told of the other.
    pub(crate) fn join(&mut self, id: ConnectionId) {
        let other = self.stack.as_ref().and_then(|stack| stack.other_end(id));
        let Some(other) = other else { return };
        let places = [id.index(), other.index()];
        if let Ok([Some(one), Some(two)]) = self.streams.get_disjoint_mut(places)
            && two.id == other
            && two.channel.is_some()
        {
            one.other_end = Some(other);
            two.other_end = Some(id);
        }
    }

    /// Moves the bytes of a connection whose other end is here, too. False if they have to go through the stack.
    pub(crate) fn passed_on(&mut self, index: usize, which: Which) -> bool {
        let Some(Some(stream)) = self.streams.get(index) else {
            return false;
        };
        let Some(other) = stream.other_end else {
            return false;
        };
        // What the client has taken makes room for what the other end sends; if that waits for none, a look is enough.
        let received = match which {
            Which::ToSend => true,
            _ if !self.stalled(other.index()) => self.nothing_between(other, index),
            _ => self.pass(other.index(), index),
        };
        let sent = which == Which::Received || self.pass(index, other.index());
        received && sent
    }

    fn stalled(&self, index: usize) -> bool {
        matches!(self.streams.get(index), Some(Some(stream)) if stream.stalled)
    }

    /// Whether the stack has nothing that the client is to receive.
    fn nothing_between(&self, from: ConnectionId, to: usize) -> bool {
        match (&self.stack, self.streams.get(to)) {
            (Some(stack), Some(Some(to))) => stack.nothing_between(from, to.id),
            _ => false,
        }
    }

    /// The same in one direction.
    fn pass(&mut self, from: usize, to: usize) -> bool {
        let (Some(stack), Ok([Some(one), Some(two)])) =
            (&mut self.stack, self.streams.get_disjoint_mut([from, to]))
        else {
            return false;
        };
        // The place may be another connection's by now.
        let are_joined = one.other_end == Some(two.id) && two.other_end == Some(one.id);
        if !are_joined || !stack.nothing_between(one.id, two.id) {
            return false;
        }
        let passed = one.pass_on(two, &mut self.piece, stack, self.now);
        let broken = two.broken.take();
        match passed {
            Ok(true) => self.again.push(from),
            Ok(false) => {}
            Err(error) => self.end_broken(from, error),
        }
        if let Some(error) = broken {
            self.end_broken(to, error);
        }
        true
    }
}
