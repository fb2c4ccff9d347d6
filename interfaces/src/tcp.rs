//! TCP connections as `std` calls them, over the memory that `tcpip.yml` has a client share.
//!
//! [`Streams`] is the client's half of that bargain: it shares the memory, knows which slots are free, and
//! makes a [`TcpStream`] of each connection that comes. Everything else stays the component's own: asking for
//! connections, and hearing of them in its event loop. Nothing here waits:
//!
//! ```ignore
//! let mut streams = Streams::new(64)?;
//! streams.share(&env.tcpip)?;                  // ToClient::Share answers, then:
//! env.tcpip.listen_start(7, 16)?;              // ToClient::Listen answers, then:
//! streams.accept(&listener)?;                  // ToClient::Accept answers, and then:
//! let (stream, remote) = streams.accepted(transaction, result)?;
//! events.add(stream.channel(), Source::Stream)?;
//! ```
//!
//! Deliberately absent: waiting calls, which `std` has. A component hears of everybody in one loop.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::net::{Ipv4Addr, SocketAddrV4};

use ftl::handle::Folio;
use ftl::memory::SharedBytes;
use ftl::{Error, Result, Transaction};
use ring::{StreamConsumer, StreamLayout, StreamProducer};

use crate::tcpip::{self, Address, ConnectReply, tcp_connection, tcp_listener};

#[cfg(not(target_os = "none"))]
pub mod fake;

/// Bytes that wait in each direction of a connection, unless said otherwise.
const RECEIVE_LEN: u32 = 8 * 1024;
const SEND_LEN: u32 = 16 * 1024;

impl From<SocketAddrV4> for Address {
    fn from(address: SocketAddrV4) -> Address {
        Address {
            ip: address.ip().to_bits(),
            port: address.port(),
        }
    }
}

impl From<Address> for SocketAddrV4 {
    fn from(address: Address) -> SocketAddrV4 {
        SocketAddrV4::new(Ipv4Addr::from_bits(address.ip), address.port)
    }
}

/// The memory of a client's connections.
pub struct Streams {
    slots: Rc<Slots>,
    folio: Folio,
    /// Connections that were asked for, and where each will be.
    asked: Vec<(Transaction, Slot)>,
}

/// What the connections share.
struct Slots {
    memory: SharedBytes,
    count: u32,
    receive_len: u32,
    send_len: u32,
    free: RefCell<Vec<u32>>,
}

/// A slot that is taken. Dropped, it may be asked for again at once: see `tcpip.yml`.
struct Slot {
    slots: Rc<Slots>,
    number: u32,
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.free.borrow_mut().push(self.number);
    }
}

impl Slots {
    fn take(self: &Rc<Slots>) -> Option<Slot> {
        let number = self.free.borrow_mut().pop()?;
        let slots = self.clone();
        Some(Slot { slots, number })
    }

    /// The two streams of a slot.
    fn layouts(&self, number: u32) -> (StreamLayout, StreamLayout) {
        let len = StreamLayout::bytes(self.receive_len) + StreamLayout::bytes(self.send_len);
        let stream = |at, len| StreamLayout::new(at, len).expect("checked in `with_lengths`");
        let received = stream(number as usize * len, self.receive_len);
        (received, stream(received.end(), self.send_len))
    }
}

impl Streams {
    /// Memory for so many connections at once.
    pub fn new(count: u32) -> Result<Streams> {
        Streams::with_lengths(count, RECEIVE_LEN, SEND_LEN)
    }

    /// The same with so many bytes for what was received, and for what is to be sent: powers of two
    /// from 64 to 2³⁰.
    pub fn with_lengths(count: u32, receive_len: u32, send_len: u32) -> Result<Streams> {
        let fits = |len| StreamLayout::new(0, len).is_some();
        let len = StreamLayout::bytes(receive_len) + StreamLayout::bytes(send_len);
        let total = (count as usize).checked_mul(len).filter(|&total| total > 0);
        let total = total.filter(|_| fits(receive_len) && fits(send_len));
        let folio = Folio::new(total.ok_or(Error::InvalidArgument)?)?;
        let slots = Rc::new(Slots {
            memory: folio.map()?,
            count,
            receive_len,
            send_len,
            free: RefCell::new((0..count).rev().collect()),
        });
        Ok(Streams {
            slots,
            folio,
            asked: Vec::new(),
        })
    }

    /// Shares the memory with `tcpip`: once with each life of it, before anything else. Streams of an
    /// earlier life are dead, and to be dropped first.
    pub fn share(&mut self, tcpip: &tcpip::Client) -> Result<Transaction> {
        use ftl::abi::Rights;
        self.asked.clear();
        let rights = Rights::READ.union(Rights::WRITE).union(Rights::TRANSFER);
        let Slots {
            count,
            receive_len,
            send_len,
            ..
        } = *self.slots;
        tcpip.share_start(self.folio.duplicate(rights)?, count, receive_len, send_len)
    }

    /// How many connections have been asked for and not answered.
    pub fn asked(&self) -> usize {
        self.asked.len()
    }

    /// Asks for the next connection that comes in. False if there is no slot free for it.
    pub fn accept(&mut self, listener: &tcp_listener::Client) -> Result<bool> {
        let Some(slot) = self.slots.take() else {
            return Ok(false);
        };
        let transaction = listener.accept_start(slot.number)?;
        self.asked.push((transaction, slot));
        Ok(true)
    }

    /// Asks for a connection to somebody else. Errors: `ServerLimit` if there is no slot free for it.
    pub fn connect(&mut self, tcpip: &tcpip::Client, remote: SocketAddrV4) -> Result<Transaction> {
        let slot = self.slots.take().ok_or(Error::ServerLimit)?;
        let transaction = tcpip.connect_start(remote.into(), slot.number)?;
        self.asked.push((transaction, slot));
        Ok(transaction)
    }

    /// What came of [`Streams::accept`]: the connection, and whose it is.
    pub fn accepted(
        &mut self,
        transaction: Transaction,
        result: Result<tcp_listener::AcceptReply>,
    ) -> Result<(TcpStream, SocketAddrV4)> {
        let slot = self.answered(transaction)?;
        let answer = result?;
        let stream = TcpStream::new(answer.connection, slot);
        Ok((stream, answer.remote.into()))
    }

    /// What came of [`Streams::connect`].
    pub fn connected(
        &mut self,
        transaction: Transaction,
        result: Result<ConnectReply>,
    ) -> Result<TcpStream> {
        let slot = self.answered(transaction)?;
        Ok(TcpStream::new(result?.connection, slot))
    }

    fn answered(&mut self, transaction: Transaction) -> Result<Slot> {
        let mut asked = self.asked.iter();
        let at = asked.position(|asked| asked.0 == transaction);
        Ok(self.asked.swap_remove(at.ok_or(Error::NotFound)?).1)
    }
}

/// A connection. Dropped, it is let go of, and what was not sent by then is lost.
pub struct TcpStream {
    channel: tcp_connection::Client,
    received: StreamConsumer<SharedBytes>,
    to_send: StreamProducer<SharedBytes>,
    /// Behind `channel`, so that tcpip hears of the end before it sees the slot again.
    _slot: Slot,
}

impl TcpStream {
    fn new(channel: tcp_connection::Client, slot: Slot) -> TcpStream {
        let slots = &slot.slots;
        let (received, to_send) = slots.layouts(slot.number);
        TcpStream {
            channel,
            received: StreamConsumer::new(slots.memory.clone(), received),
            to_send: StreamProducer::new(slots.memory.clone(), to_send),
            _slot: slot,
        }
    }

    /// For the event loop, in which `tcpip` tells what is new.
    pub fn channel(&self) -> &tcp_connection::Client {
        &self.channel
    }

    /// Takes received bytes: how many. If there are none, `news` tells when there are, and `ended` that there
    /// will be no more. Errors: `Malformed` if `tcpip` broke the stream's rules.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        loop {
            let len = self.received.read(buffer).map_err(broken)?;
            if len > 0 || buffer.is_empty() {
                if self.received.release() {
                    self.wake();
                }
                return Ok(len);
            }
            if self.received.prepare_wait().map_err(broken)? {
                return Ok(0);
            }
        }
    }

    /// Gives bytes to be sent, as many as there is room for: how many. If that were not all,
    /// `news` tells when there is room again. Errors as with [`TcpStream::read`].
    pub fn write(&mut self, data: &[u8]) -> Result<usize> {
        self.put(data, tcp_connection::Client::more)
    }

    /// The same for a loop that is about to wait for its next event: `tcpip` is told by that wait, which saves a system
    /// call.
    pub fn write_soon(&mut self, data: &[u8]) -> Result<usize> {
        self.put(data, tcp_connection::Client::more_soon)
    }

    fn put(
        &mut self,
        data: &[u8],
        wake: impl Fn(&tcp_connection::Client) -> Result<()>,
    ) -> Result<usize> {
        let mut written = 0;
        loop {
            written += self.to_send.write(&data[written..]).map_err(broken)?;
            if self.to_send.publish() {
                // To one that is gone nothing can be said. The event loop tells of it.
                let _ = wake(&self.channel);
            }
            // Not at the first free byte: a quarter of the stream is worth being woken for.
            let wanted = (self._slot.slots.send_len / 4) as usize;
            if written == data.len() || self.to_send.prepare_wait(wanted).map_err(broken)? {
                return Ok(written);
            }
        }
    }

    /// Says that nothing more will be written. What was still arrives.
    pub fn shutdown_write(&mut self) -> Result<()> {
        self.channel.finish()
    }

    fn wake(&self) {
        // To one that is gone nothing can be said. The event loop tells of it.
        let _ = self.channel.more();
    }
}

fn broken(_: ring::Malformed) -> Error {
    Error::Malformed
}
