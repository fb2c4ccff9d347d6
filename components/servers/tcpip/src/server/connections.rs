//! TCP connections: asked for, handed over, moved on, and let go of.

use super::*;

impl Server {
    pub(super) fn connect(
        &mut self,
        client: usize,
        remote: Address,
        slot: u32,
    ) -> Result<ConnectionId> {
        let owner = self.clients[client].owner;
        let remote = SocketAddrV4::new(Ipv4Addr::from_bits(remote.ip), remote.port);
        let stack = self.stack.as_mut().ok_or(Error::Unreachable)?;
        let id = stack.connect(owner, remote, self.tcp, self.now)?;
        self.open(client, id, slot)
            .inspect_err(|_| self.drop_stream_or(id))?;
        Ok(id)
    }

    /// A connection that was asked for is there.
    pub(super) fn connected(&mut self, id: ConnectionId) {
        let index = id.index();
        let Some(reply) = self
            .streams
            .get_mut(index)
            .and_then(Option::as_mut)
            .and_then(|s| s.connecting.take())
        else {
            return;
        };
        let local = self
            .stack
            .as_mut()
            .and_then(|stack| stack.connection(id))
            .map(|info| info.local);
        match (self.hand_over(id), local) {
            (Ok(channel), Some(local)) => {
                let _ = reply.ok(channel, address(local));
                self.join(id);
                self.pump(index, Which::Both);
            }
            (result, _) => {
                let _ = reply.error(result.err().unwrap_or(Error::ConnectionReset));
                self.drop_stream(index);
            }
        }
    }

    /// Gives a connection its streams. The slot is ours until the client is answered.
    pub(super) fn open(&mut self, client: usize, id: ConnectionId, slot: u32) -> Result<()> {
        let holder = self.clients[client].memory.holder(slot);
        // By naming the slot the client has said that it is done with the connection that was there,
        // even if we have not come to hear that its channel is closed. Had we two streams in one
        // place, each would take the other's indices for the client's.
        if let Some(before) = holder
            && let Some(Some(stream)) = self.streams.get(before)
            && (stream.client, stream.slot) == (client, slot)
        {
            self.doomed.extend(stream.channel.clone());
            self.close_stream(before);
        }
        let memory = &mut self.clients[client].memory;
        let (bytes, received, to_send) = memory.slot(slot)?;
        received.clear(bytes);
        to_send.clear(bytes);
        let stream = Stream::new(id, client, slot, bytes, received, to_send);
        memory.hold(slot, id.index());
        put(&mut self.streams, id.index(), stream);
        Ok(())
    }

    /// Makes a connection's channel: the client's end of it.
    pub(super) fn hand_over(&mut self, id: ConnectionId) -> Result<tcp_connection::Client> {
        let index = id.index();
        let stream = self
            .streams
            .get_mut(index)
            .and_then(Option::as_mut)
            .ok_or(Error::Internal)?;
        let (theirs, ours) = tcp_connection::channel()?;
        self.fresh.push_back(Fresh::Stream(ours.clone(), index));
        stream.channel = Some(ours);
        Ok(theirs)
    }

    /// The stack has something to tell about what a connection has received.
    pub(super) fn readable(&mut self, index: usize) {
        if let Some(Some(stream)) = self.streams.get_mut(index) {
            stream.readable();
        }
    }

    pub(super) fn pump(&mut self, index: usize, which: Which) {
        if self.passed_on(index, which) {
            return;
        }
        let (Some(stack), Some(Some(stream))) = (&mut self.stack, self.streams.get_mut(index))
        else {
            return;
        };
        if let Err(error) = stream.pump(stack, self.now, which) {
            self.end_broken(index, error);
        }
    }

    /// Ends a connection of a client that wrote into its streams' indices what cannot be.
    pub(crate) fn end_broken(&mut self, index: usize, error: ring::Malformed) {
        warn!("reset a connection of a client that breaks the rules: {error}");
        self.drop_stream(index);
    }

    /// Word from a connection's client.
    pub fn stream_message(&mut self, index: usize, message: tcp_connection::ToServer) {
        if let tcp_connection::ToServer::Finish = message
            && let Some(Some(stream)) = self.streams.get_mut(index)
        {
            stream.finish();
        }
        self.pump(index, Which::Both);
    }

    /// The client lets go of a connection.
    pub fn close_stream(&mut self, index: usize) {
        self.pump(index, Which::Both);
        if let (Some(stream), Some(stack)) = (
            self.streams.get_mut(index).and_then(Option::take),
            &mut self.stack,
        ) {
            stack.close(stream.id, self.now);
        }
    }

    pub(crate) fn drop_stream(&mut self, index: usize) {
        if let (Some(stream), Some(stack)) = (
            self.streams.get_mut(index).and_then(Option::take),
            &mut self.stack,
        ) {
            stack.abort(stream.id, self.now);
            self.doomed.extend(stream.channel);
        }
    }

    pub(super) fn drop_stream_or(&mut self, id: ConnectionId) {
        let index = id.index();
        if self.streams.get(index).is_some_and(Option::is_some) {
            self.drop_stream(index);
        } else if let Some(stack) = &mut self.stack {
            stack.abort(id, self.now);
        }
    }
}
