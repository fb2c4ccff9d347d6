//! The listener, and the table of visitors.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use ftl::Transaction;
use ftl::prelude::*;
use ftl::random::Random;
use interfaces::tcp::Streams;
use interfaces::tcpip::{self, tcp_connection, tcp_listener};

use crate::crowd::who_goes;
use crate::session::Session;
use crate::spec::EventLoop;
use crate::visitor::{House, Visitor};
use crate::{Place, Source};

/// Connections asked for ahead.
const ACCEPTS: usize = 2;

/// See the [module](self).
pub struct Server {
    tcpip: tcpip::Client,
    streams: Streams,
    listener: Option<tcp_listener::Client>,
    /// The event loop does not know it yet.
    listener_is_new: bool,
    port: u16,
    visitors_max: usize,
    visitors: BTreeMap<u32, Visitor>,
    house: House,
    random: Random,
    next: u32,
}

impl Server {
    /// A server that does not listen yet.
    pub fn new(
        tcpip: tcpip::Client,
        house: House,
        random: Random,
        port: u16,
        connections: u32,
    ) -> Result<Server> {
        Ok(Server {
            tcpip,
            // One more connection than may be open can always be accepted: then another one goes.
            streams: Streams::new(connections + ACCEPTS as u32)?,
            listener: None,
            listener_is_new: false,
            port,
            visitors_max: connections as usize,
            visitors: BTreeMap::new(),
            house,
            random,
            next: 0,
        })
    }

    /// Shares memory with a `tcpip` that has just started.
    pub fn share(&mut self) -> Result<()> {
        match self.streams.share(&self.tcpip) {
            // Gone again already; it will be back.
            Ok(_) | Err(Error::PeerRestarted) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// An answer of `tcpip`.
    pub fn tcpip(&mut self, message: tcpip::ToClient<'_>) -> Result<()> {
        match message {
            tcpip::ToClient::Share(_, Ok(())) => {
                let _ = self.tcpip.listen_start(self.port, self.visitors_max as u16);
            }
            tcpip::ToClient::Listen(_, Ok(listener)) => {
                info!("listens on port {}", self.port);
                self.listener = Some(listener);
                self.listener_is_new = true;
            }
            tcpip::ToClient::Share(_, Err(Error::PeerRestarted))
            | tcpip::ToClient::Listen(_, Err(Error::PeerRestarted)) => {}
            tcpip::ToClient::Share(_, Err(error)) | tcpip::ToClient::Listen(_, Err(error)) => {
                error!("cannot listen on port {}: {error}", self.port);
                return Err(error);
            }
            other => warn!("unexpected: {other:?}"),
        }
        Ok(())
    }

    /// Somebody has connected.
    pub fn accepted(
        &mut self,
        transaction: Transaction,
        result: Result<tcp_listener::AcceptReply>,
        events: &mut EventLoop<Source>,
    ) -> Result<()> {
        let (stream, remote) = match self.streams.accepted(transaction, result) {
            Ok(accepted) => accepted,
            Err(error) => {
                debug!("a connection did not come about: {error}");
                return Ok(());
            }
        };
        debug!("{remote} has connected");
        if self.visitors.len() >= self.visitors_max {
            let visitors = self.visitors.values();
            let strangers: Vec<_> = visitors.filter_map(Visitor::stranger).collect();
            let Some(goes) = who_goes(&strangers) else {
                warn!(
                    "turned {remote} away: {} are in, and no more may be",
                    self.visitors_max
                );
                return Ok(());
            };
            self.drop_visitor(goes, events);
        }
        let now = Instant::now();
        let wait = self.house.patience.begin(*remote.ip(), now);
        let mut seed = [0; 32];
        self.random.fill(&mut seed);
        let id = self.next;
        self.next = id.wrapping_add(1);
        events.add(stream.channel(), Source::Visitor(id))?;
        let visitor = Visitor::new(id, stream, remote, seed, wait);
        self.visitors.insert(id, visitor);
        Ok(())
    }

    fn drop_visitor(&mut self, id: u32, events: &mut EventLoop<Source>) {
        if let Some(mut visitor) = self.visitors.remove(&id) {
            visitor.close_sessions(events);
            // It may be gone from the loop already.
            let _ = events.remove_channel(visitor.stream.channel());
        }
    }

    /// Word about a visitor's connection.
    pub fn connection(&mut self, id: u32, message: tcp_connection::ToClient) {
        let Some(visitor) = self.visitors.get_mut(&id) else {
            return;
        };
        match message {
            tcp_connection::ToClient::News => {}
            tcp_connection::ToClient::Ended => visitor.ended(),
            tcp_connection::ToClient::Closed(_) => visitor.gone(),
        }
    }

    /// A visitor's connection is no more.
    pub fn gone(&mut self, id: u32) {
        if let Some(visitor) = self.visitors.get_mut(&id) {
            visitor.gone();
        }
    }

    /// A session, unless it has ended.
    pub fn session(&mut self, place: Place) -> Option<&mut Session> {
        self.visitors.get_mut(&place.visitor)?.session(place)
    }

    /// Asks what runs in sessions to end.
    pub fn terminate(&self) {
        for session in self.visitors.values().flat_map(Visitor::sessions) {
            session.terminate();
        }
    }

    /// Whether there are sessions.
    pub fn has_sessions(&self) -> bool {
        let mut visitors = self.visitors.values();
        visitors.any(|visitor| !visitor.sessions().is_empty())
    }

    /// `tcpip` is gone, and all connections with it.
    pub fn end(&mut self, events: &mut EventLoop<Source>) {
        let ids: Vec<u32> = self.visitors.keys().copied().collect();
        for id in ids {
            self.drop_visitor(id, events);
        }
        if let Some(listener) = self.listener.take() {
            let _ = events.remove_channel(&listener);
        }
    }

    /// Lets everybody go on, and asks for more connections. `due` tells when something is due.
    pub fn settle(&mut self, events: &mut EventLoop<Source>, due: &Timer) -> Result<()> {
        let mut over = Vec::new();
        for (id, visitor) in &mut self.visitors {
            visitor.pump(&mut self.house, events)?;
            if visitor.is_over() {
                over.push(*id);
            }
        }
        for id in over {
            self.drop_visitor(id, events);
        }
        match self.visitors.values().map(Visitor::due).min() {
            Some(next) => due.set_at(next),
            None => due.cancel(),
        }
        let Some(listener) = &self.listener else {
            return Ok(());
        };
        if core::mem::take(&mut self.listener_is_new) {
            events.add(listener, Source::Listener)?;
        }
        while self.streams.asked() < ACCEPTS {
            match self.streams.accept(listener) {
                Ok(true) => {}
                // All slots are in use; or tcpip is gone, and `Closed` comes.
                Ok(false) | Err(_) => break,
            }
        }
        Ok(())
    }
}
