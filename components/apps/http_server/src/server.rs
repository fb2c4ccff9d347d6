//! The listener, and the table of clients.

use alloc::vec::Vec;

use ftl::Transaction;
use ftl::prelude::*;
use interfaces::files::Dir;
use interfaces::tcpip::{self, tcp_connection, tcp_listener};
use interfaces::{fs, system};
use ring::StreamLayout;

use crate::Source;
use crate::client::{Client, Outcome, Scratch};
use crate::site::Site;
use crate::spec::{EventLoop, Settings};

/// Bytes of each client's stream of received bytes, and of that of bytes to be sent.
const RECEIVE_LEN: u32 = 8 * 1024;
const SEND_LEN: u32 = 16 * 1024;
const SLOT_LEN: usize = StreamLayout::bytes(RECEIVE_LEN) + StreamLayout::bytes(SEND_LEN);
/// Connections asked for ahead.
const ACCEPTS: usize = 16;
/// Slots whose memory is made and shared at once.
const CHUNK: u32 = 32;
/// Free slots that are left when more memory is made.
const FREE_MIN: usize = 8;

/// The time since boot.
pub fn now() -> Duration {
    Instant::now() - Instant::default()
}

/// The server.
pub struct Server {
    tcpip: tcpip::Client,
    site: Site,
    scratch: Scratch,
    port: u16,
    /// As many connections as there may be at once.
    slots_max: u32,
    /// The slots' memory, made as it is needed: what `tcpip` has not taken in yet is at the end.
    chunks: Vec<Chunk>,
    /// Chunks that `tcpip` has taken in, and whether it was asked to take in more.
    shared: usize,
    is_sharing: bool,
    listener: Option<tcp_listener::Client>,
    clients: Vec<Option<Client>>,
    free: Vec<u32>,
    /// Connections asked for, and where each will be.
    accepting: Vec<(Transaction, u32)>,
    /// Clients that the event loop does not know yet, and channels that it is to forget.
    fresh: Vec<usize>,
    doomed: Vec<tcp_connection::Client>,
    listener_is_new: bool,
}

/// The memory of some slots.
struct Chunk {
    folio: Folio,
    memory: SharedBytes,
    slots: u32,
}

impl Chunk {
    fn new(slots: u32) -> Result<Chunk> {
        let folio = Folio::new(slots as usize * SLOT_LEN)?;
        Ok(Chunk {
            memory: folio.map()?,
            folio,
            slots,
        })
    }
}

impl Server {
    /// A server that does not listen yet.
    pub fn new(
        tcpip: tcpip::Client,
        system: system::Client,
        fs: Option<fs::Client>,
        settings: Settings,
    ) -> Result<Server> {
        Ok(Server {
            site: Site::new(system, tcpip.clone(), fs.map(Dir::new)),
            scratch: Scratch::new(),
            tcpip,
            port: settings.port,
            slots_max: settings.connections,
            chunks: Vec::new(),
            shared: 0,
            is_sharing: false,
            listener: None,
            clients: Vec::new(),
            free: Vec::new(),
            accepting: Vec::new(),
            fresh: Vec::new(),
            doomed: Vec::new(),
            listener_is_new: false,
        })
    }

    /// Begins with a `tcpip` that has just started.
    pub fn begin(&mut self) -> Result<()> {
        self.shared = 0;
        self.share()
    }

    /// Shares the next chunk with `tcpip`, and makes it if there is none.
    fn share(&mut self) -> Result<()> {
        use ftl::abi::Rights;
        if self.shared == self.chunks.len() {
            let slots = CHUNK.min(self.slots_max - self.clients.len() as u32);
            self.chunks.push(Chunk::new(slots)?);
            self.clients
                .resize_with(self.clients.len() + slots as usize, || None);
        }
        let chunk = &self.chunks[self.shared];
        let rights = Rights::READ.union(Rights::WRITE).union(Rights::TRANSFER);
        let folio = chunk.folio.duplicate(rights)?;
        // If it is gone again, it will be back, and then this is done again.
        match self
            .tcpip
            .share_start(folio, chunk.slots, RECEIVE_LEN, SEND_LEN)
        {
            Ok(_) => {
                self.is_sharing = true;
                Ok(())
            }
            Err(Error::PeerRestarted) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// `tcpip` has taken in the next chunk: its slots can be used.
    fn was_shared(&mut self) {
        self.is_sharing = false;
        let first = self.shared as u32 * CHUNK;
        let slots = self.chunks[self.shared].slots;
        self.shared += 1;
        self.free.extend((first..first + slots).rev());
        match self.listener {
            None => {
                let backlog = 256.min(self.slots_max) as u16;
                let _ = self.tcpip.listen_start(self.port, backlog);
            }
            Some(_) => self.ask(),
        }
    }

    /// Whether there are clients, who may be slow.
    pub fn has_clients(&self) -> bool {
        let shared: u32 = self.chunks[..self.shared]
            .iter()
            .map(|chunk| chunk.slots)
            .sum();
        self.free.len() + self.accepting.len() < shared as usize
    }

    /// `tcpip` is gone, and all connections with it.
    pub fn end(&mut self, events: &mut EventLoop<Source>) {
        self.introduce(events);
        for client in self.clients.iter_mut().filter_map(Option::take) {
            self.doomed.push(client.channel);
        }
        if let Some(listener) = self.listener.take() {
            let _ = events.remove_channel(&listener);
        }
        self.accepting.clear();
        self.free.clear();
        self.shared = 0;
        self.is_sharing = false;
        self.introduce(events);
    }

    /// An answer of `tcpip`.
    pub fn tcpip(&mut self, message: tcpip::ToClient<'_>) -> Result<()> {
        match message {
            tcpip::ToClient::Share(_, Ok(())) => self.was_shared(),
            tcpip::ToClient::Listen(_, Ok(listener)) => {
                info!("listens on port {}", self.port);
                self.listener = Some(listener);
                self.listener_is_new = true;
                self.ask();
            }
            tcpip::ToClient::Share(_, Err(Error::PeerRestarted))
            | tcpip::ToClient::Listen(_, Err(Error::PeerRestarted)) => {}
            // It is not asked again, until it restarts.
            tcpip::ToClient::Share(_, Err(error)) if self.listener.is_some() => {
                warn!("no memory for more connections: {error}");
            }
            tcpip::ToClient::Share(_, Err(error)) | tcpip::ToClient::Listen(_, Err(error)) => {
                error!("cannot listen on port {}: {error}", self.port);
                return Err(error);
            }
            other => warn!("unexpected: {other:?}"),
        }
        Ok(())
    }

    /// Asks for connections, as many as there are free slots for.
    fn ask(&mut self) {
        let Some(listener) = &self.listener else {
            return;
        };
        while self.accepting.len() < ACCEPTS
            && let Some(slot) = self.free.pop()
        {
            // From here on the slot is tcpip's, until it answers.
            match listener.accept_start(slot) {
                Ok(transaction) => self.accepting.push((transaction, slot)),
                Err(_) => {
                    self.free.push(slot);
                    return;
                }
            }
        }
        let all = self.shared == self.chunks.len() && self.clients.len() as u32 >= self.slots_max;
        if self.free.len() < FREE_MIN
            && !all
            && !self.is_sharing
            && let Err(error) = self.share()
        {
            warn!("no memory for more connections: {error}");
            self.slots_max = self.clients.len() as u32;
        }
    }

    /// A connection, or why there is none.
    pub fn accepted(&mut self, message: tcp_listener::ToClient) {
        let tcp_listener::ToClient::Accept(transaction, result) = message;
        let Some(at) = self
            .accepting
            .iter()
            .position(|accept| accept.0 == transaction)
        else {
            return;
        };
        let (_, slot) = self.accepting.swap_remove(at);
        match result {
            Ok(answer) => {
                let (received, to_send) = layouts(slot % CHUNK);
                let memory = &self.chunks[(slot / CHUNK) as usize].memory;
                let client = Client::new(answer.connection, memory, received, to_send);
                self.clients[slot as usize] = Some(client);
                self.fresh.push(slot as usize);
                self.ask();
                self.pump(slot as usize);
            }
            Err(error) => {
                self.free.push(slot);
                if error != Error::PeerRestarted {
                    warn!("a connection did not come about: {error}");
                    self.ask();
                }
            }
        }
    }

    /// Word about a client's connection.
    pub fn client(&mut self, slot: usize, message: tcp_connection::ToClient) {
        let Some(Some(client)) = self.clients.get_mut(slot) else {
            return;
        };
        match message {
            tcp_connection::ToClient::News => {}
            tcp_connection::ToClient::Ended => client.ended(),
            tcp_connection::ToClient::Closed(_) => return self.drop_client(slot),
        }
        self.pump(slot);
    }

    /// A client's channel is closed.
    pub fn closed(&mut self, slot: usize) {
        if self.clients.get_mut(slot).and_then(Option::take).is_some() {
            self.free.push(slot as u32);
            self.ask();
        }
    }

    /// Once a second: ends what takes too long.
    pub fn tick(&mut self) {
        let now = now();
        for slot in 0..self.clients.len() {
            if let Some(client) = &mut self.clients[slot]
                && client.expire(now, &mut self.site.counts)
            {
                self.pump(slot);
            }
        }
    }

    fn pump(&mut self, slot: usize) {
        let Some(Some(client)) = self.clients.get_mut(slot) else {
            return;
        };
        match client.pump(&mut self.site, &mut self.scratch) {
            Outcome::Open => {}
            Outcome::Drop => self.drop_client(slot),
        }
    }

    fn drop_client(&mut self, slot: usize) {
        if let Some(client) = self.clients[slot].take() {
            self.doomed.push(client.channel);
            self.free.push(slot as u32);
        }
    }

    /// Tells the event loop which channels there are now. Slots whose channels were dropped are
    /// asked for again only after that.
    pub fn introduce(&mut self, events: &mut EventLoop<Source>) {
        if core::mem::take(&mut self.listener_is_new)
            && let Some(listener) = &self.listener
            && let Err(error) = events.add(listener, Source::Listener)
        {
            error!("cannot listen to the listener: {error}");
        }
        for slot in self.fresh.drain(..) {
            if let Some(client) = &self.clients[slot]
                && let Err(error) = events.add(&client.channel, Source::Client(slot))
            {
                error!("cannot listen to a client: {error}");
            }
        }
        if self.doomed.is_empty() {
            return;
        }
        for channel in self.doomed.drain(..) {
            let _ = events.remove_channel(&channel);
        }
        self.ask();
    }
}

/// The two streams of the slot with this number in its chunk.
fn layouts(slot: u32) -> (StreamLayout, StreamLayout) {
    let start = slot as usize * SLOT_LEN;
    let received = StreamLayout::new(start, RECEIVE_LEN)
        .expect("slots are multiples of 64, and both lengths are powers of two");
    let to_send = StreamLayout::new(received.end(), SEND_LEN).expect("as above");
    (received, to_send)
}
