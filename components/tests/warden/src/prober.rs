//! Asks for a page until it comes.
//!
//! The connection goes to the host's port that leads back into this machine, so that both the
//! way out and the way in are tried: driver, TCP/IP, server. An attempt that takes too long is given up
//! for a new one, since packets that a dying driver had are lost, and TCP would wait for seconds.

use alloc::vec::Vec;

use ftl::abi::Rights;
use ftl::prelude::*;
use interfaces::tcpip::{self, Address, tcp_connection};
use ring::{StreamConsumer, StreamLayout, StreamProducer};

use crate::Source;
use crate::spec::EventLoop;

/// The host, as QEMU's user network shows it.
const HOST: u32 = 0x0a00_0202;
/// How long the first attempt may take; each further one may take twice as long, up to the longest. So a
/// busy machine gets there, too, and a lost packet costs little on a fast one.
const TRY_FIRST: Duration = Duration::from_millis(10);
const TRY_MAX: Duration = Duration::from_secs(4);
/// How soon after a refused attempt the next one comes.
const SOON: Duration = Duration::from_millis(1);
/// Attempts whose connection is not there yet, at most.
const CONNECTING_MAX: usize = 16;
const SLOTS: u32 = 64;
const RECEIVE_LEN: u32 = 4096;
const SEND_LEN: u32 = 1024;
const SLOT_LEN: usize = StreamLayout::bytes(RECEIVE_LEN) + StreamLayout::bytes(SEND_LEN);
const REQUEST: &[u8] = b"GET /bench HTTP/1.1\r\nHost: warden\r\nConnection: close\r\n\r\n";
/// Bytes of the page's body.
const BODY_LEN: usize = 1024;

/// See the [module](self).
pub struct Prober {
    tcpip: tcpip::Client,
    port: u16,
    folio: Folio,
    memory: SharedBytes,
    ready: bool,
    wanted: bool,
    served: bool,
    /// Counts attempts: what belongs to an earlier one is not looked at.
    attempt: u32,
    patience: Duration,
    free: Vec<u32>,
    connecting: Vec<(ftl::Transaction, u32, u32)>,
    open: Option<Open>,
    fresh: bool,
    doomed: Vec<tcp_connection::Client>,
    timer: Timer,
}

struct Open {
    number: u32,
    slot: u32,
    channel: tcp_connection::Client,
    received: StreamConsumer<SharedBytes>,
    to_send: StreamProducer<SharedBytes>,
    answer: Vec<u8>,
}

impl Prober {
    /// One that does not ask yet.
    pub fn new(tcpip: tcpip::Client, port: u16, timer: Timer) -> Result<Prober> {
        let folio = Folio::new(SLOTS as usize * SLOT_LEN)?;
        let memory = folio.map()?;
        Ok(Prober {
            tcpip,
            port,
            folio,
            memory,
            ready: false,
            wanted: false,
            served: false,
            attempt: 0,
            patience: TRY_FIRST,
            free: Vec::new(),
            connecting: Vec::new(),
            open: None,
            fresh: false,
            doomed: Vec::new(),
            timer,
        })
    }

    /// Begins with a `tcpip` that has just started.
    pub fn begin(&mut self) -> Result<()> {
        self.free = (0..SLOTS).collect();
        let rights = Rights::READ.union(Rights::WRITE).union(Rights::TRANSFER);
        let shared = self.folio.duplicate(rights)?;
        match self.tcpip.share_start(shared, SLOTS, RECEIVE_LEN, SEND_LEN) {
            // If it is gone again, it will be back, and then this is done again.
            Ok(_) | Err(Error::PeerRestarted) => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// `tcpip` is gone, and all connections with it.
    pub fn tcpip_gone(&mut self) {
        self.ready = false;
        self.connecting.clear();
        self.close();
    }

    /// Asks for a page, from the beginning.
    pub fn want(&mut self) {
        self.wanted = true;
        self.served = false;
        self.patience = TRY_FIRST;
        self.next_attempt();
    }

    /// From now on asks at this port of the host.
    pub fn aim(&mut self, port: u16) {
        self.port = port;
    }

    /// Whether the page has come since the last look.
    pub fn take_served(&mut self) -> bool {
        core::mem::take(&mut self.served)
    }

    /// Whether no page is wanted now.
    pub fn is_idle(&self) -> bool {
        !self.wanted
    }

    /// An attempt took too long, or it is time for the next one.
    pub fn expired(&mut self) {
        if self.wanted {
            if self.open.is_some() || !self.connecting.is_empty() {
                self.patience = TRY_MAX.min(self.patience * 2);
            }
            self.next_attempt();
        }
    }

    fn next_attempt(&mut self) {
        self.close();
        self.attempt = self.attempt.wrapping_add(1);
        self.timer.set(self.patience);
        if !self.ready || self.connecting.len() >= CONNECTING_MAX {
            return;
        }
        let Some(slot) = self.free.pop() else { return };
        let (received, to_send) = layouts(slot);
        received.clear(&self.memory);
        to_send.clear(&self.memory);
        let host = Address {
            ip: HOST,
            port: self.port,
        };
        match self.tcpip.connect_start(host, slot) {
            Ok(transaction) => self.connecting.push((transaction, slot, self.attempt)),
            Err(_) => self.free.insert(0, slot),
        }
    }

    /// An answer of `tcpip`.
    pub fn tcpip(&mut self, message: tcpip::ToClient<'_>) -> Result<()> {
        match message {
            tcpip::ToClient::Share(_, Ok(())) => {
                self.ready = true;
                if self.wanted {
                    self.next_attempt();
                }
            }
            tcpip::ToClient::Connect(transaction, result) => {
                let at = self
                    .connecting
                    .iter()
                    .position(|connecting| connecting.0 == transaction);
                let Some(at) = at else { return Ok(()) };
                let (_, slot, attempt) = self.connecting.swap_remove(at);
                let is_current = self.wanted && attempt == self.attempt;
                match result {
                    Ok(answer) if is_current => self.open(slot, answer.connection),
                    Ok(answer) => {
                        drop(answer);
                        self.free.insert(0, slot);
                    }
                    Err(_) => {
                        self.free.insert(0, slot);
                        if is_current {
                            self.timer.set(SOON);
                        }
                    }
                }
            }
            tcpip::ToClient::Share(_, Err(Error::PeerRestarted)) => {}
            tcpip::ToClient::Share(_, Err(error)) => return Err(error),
            other => warn!("unexpected: {other:?}"),
        }
        Ok(())
    }

    fn open(&mut self, slot: u32, channel: tcp_connection::Client) {
        let (received, to_send) = layouts(slot);
        let mut open = Open {
            number: self.attempt,
            slot,
            channel,
            received: StreamConsumer::new(self.memory.clone(), received),
            to_send: StreamProducer::new(self.memory.clone(), to_send),
            answer: Vec::with_capacity(2 * BODY_LEN),
        };
        let written = open.to_send.write(REQUEST);
        if written.is_ok_and(|len| len == REQUEST.len()) && open.to_send.publish() {
            let _ = open.channel.more();
        }
        self.open = Some(open);
        self.fresh = true;
        self.connection(self.attempt);
    }

    /// Word about the connection, or its end.
    pub fn connection(&mut self, number: u32) {
        let Some(open) = self.open.as_mut().filter(|open| open.number == number) else {
            return;
        };
        match open.read() {
            Ok(true) => {
                self.wanted = false;
                self.served = true;
                self.timer.cancel();
                let _ = open.channel.finish();
                self.close();
            }
            Ok(false) => {}
            Err(_) => self.timer.set(SOON),
        }
    }

    fn close(&mut self) {
        if let Some(open) = self.open.take() {
            self.free.insert(0, open.slot);
            if !core::mem::take(&mut self.fresh) {
                self.doomed.push(open.channel);
            }
        }
    }

    /// Tells the event loop which channels there are now.
    pub fn introduce(&mut self, events: &mut EventLoop<Source>) -> Result<()> {
        if core::mem::take(&mut self.fresh)
            && let Some(open) = &self.open
            && events
                .add(&open.channel, Source::Connection(open.number))
                .is_err()
        {
            // It is closed already.
            self.timer.set(SOON);
        }
        for channel in self.doomed.drain(..) {
            let _ = events.remove_channel(&channel);
        }
        Ok(())
    }
}

impl Open {
    /// Takes what has come; true when the page is complete.
    fn read(&mut self) -> core::result::Result<bool, ring::Malformed> {
        let mut piece = [0; 512];
        loop {
            let len = self.received.read(&mut piece)?;
            self.answer.extend_from_slice(&piece[..len]);
            if self.is_complete() {
                return Ok(true);
            }
            if len == 0 {
                if self.received.release() {
                    let _ = self.channel.more();
                }
                if self.received.prepare_wait()? {
                    return Ok(false);
                }
            }
        }
    }

    fn is_complete(&self) -> bool {
        let head_end = self
            .answer
            .windows(4)
            .position(|window| window == b"\r\n\r\n");
        self.answer.starts_with(b"HTTP/1.1 200 ")
            && head_end.is_some_and(|at| self.answer.len() == at + 4 + BODY_LEN)
    }
}

/// The two streams of a slot.
fn layouts(slot: u32) -> (StreamLayout, StreamLayout) {
    let start = slot as usize * SLOT_LEN;
    let received = StreamLayout::new(start, RECEIVE_LEN)
        .expect("slots are multiples of 64, and both lengths are powers of two");
    let to_send = StreamLayout::new(received.end(), SEND_LEN).expect("as above");
    (received, to_send)
}
