//! Listeners: whoever asks for a connection gets the next one that comes.

use super::*;

/// Accepts that a listener may have asked for ahead.
const ACCEPTS_MAX: usize = 32;

pub(super) struct Listener {
    pub(super) id: ListenerId,
    pub(super) client: OwnerId,
    pub(super) accepts: VecDeque<(u32, tcp_listener::AcceptReplier)>,
    /// Keeps the channel open, and closes it with the listener.
    pub(super) channel: tcp_listener::Server,
}

impl Server {
    pub(super) fn listen(
        &mut self,
        owner: OwnerId,
        port: u16,
        backlog: u16,
    ) -> Result<tcp_listener::Client> {
        let options = TcpOptions {
            backlog: backlog as usize,
            ..self.tcp
        };
        let stack = self.stack.as_mut().ok_or(Error::Unreachable)?;
        let (theirs, ours) = tcp_listener::channel()?;
        let id = stack.listen(owner, port, options)?;
        let index = id.index();
        self.fresh.push_back(Fresh::Listener(ours.clone(), index));
        let listener = Listener {
            id,
            client: owner,
            accepts: VecDeque::new(),
            channel: ours,
        };
        put(&mut self.listeners, index, listener);
        Ok(theirs)
    }

    /// A request on a listener's channel.
    pub fn listener_message(&mut self, index: usize, message: tcp_listener::ToServer) {
        let Some(Some(listener)) = self.listeners.get_mut(index) else {
            return;
        };
        let tcp_listener::ToServer::Accept(request, reply) = message;
        if listener.accepts.len() >= ACCEPTS_MAX {
            let _ = reply.error(Error::ServerLimit);
            return;
        }
        listener.accepts.push_back((request.slot, reply));
        self.accept(index);
    }

    /// Answers accepts with connections, while there are both.
    pub(super) fn accept(&mut self, index: usize) {
        loop {
            let (Some(stack), Some(Some(listener))) =
                (&mut self.stack, self.listeners.get_mut(index))
            else {
                return;
            };
            if listener.accepts.is_empty() {
                return;
            }
            let owner = listener.client;
            let id = match stack.accept(listener.id, self.now) {
                Ok(Some(id)) => id,
                Ok(None) | Err(_) => return,
            };
            let Some((slot, reply)) = listener.accepts.pop_front() else {
                return;
            };
            let Some(client) = self.clients.iter().position(|client| client.owner == owner) else {
                return;
            };
            let answer = self
                .open(client, id, slot)
                .and_then(|()| self.hand_over(id));
            let remote = self
                .stack
                .as_mut()
                .and_then(|stack| stack.connection(id))
                .map(|info| info.remote);
            match (answer, remote) {
                (Ok(channel), Some(remote)) => {
                    let _ = reply.ok(channel, address(remote));
                    self.join(id);
                    self.pump(id.index(), Which::Both);
                }
                (Err(error), _) => {
                    let _ = reply.error(error);
                    self.drop_stream_or(id);
                }
                (Ok(_), None) => self.drop_stream_or(id),
            }
        }
    }

    /// The client does not listen any more.
    pub fn close_listener(&mut self, index: usize) {
        if let (Some(listener), Some(stack)) = (
            self.listeners.get_mut(index).and_then(Option::take),
            &mut self.stack,
        ) {
            stack.close_listener(listener.id, self.now);
        }
    }
}
