//! TCP connections and listeners, as their owners see them.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use smoltcp::iface::SocketSet;
use smoltcp::socket::tcp::{self, CongestionControl, RecvError, State};
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpEndpoint, IpListenEndpoint};

use crate::Error;
use crate::batch::Batch;
use crate::budget::{OwnerId, SOCKET_LEN};
use crate::event::{ConnectionId, ListenerId, Signals};
use crate::flows::Flow;
use crate::handshake::parse;
use crate::packet::{Packet, be16, be32};
use crate::stack::{Cause, Kind, Socket, Stack, instant, new_interface};
use crate::table::Id;

mod connection;
mod packets;

pub(crate) use connection::{Connection, Tuple};

type SmolDuration = smoltcp::time::Duration;

/// Control bits of a segment.
const FIN: u8 = 1;
const SYN: u8 = 2;
const RST: u8 = 4;

/// What a connection is like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpOptions {
    /// Bytes received that wait for the owner; also the most that the other side may send ahead.
    pub receive_buffer: usize,
    /// Bytes to be sent that wait for the other side.
    pub send_buffer: usize,
    /// Connections that wait for `accept`; for listeners only.
    pub backlog: usize,
    /// Silence after which the other side is asked whether it is there.
    pub keep_alive: Duration,
    /// Silence after which it is given up. Longer than `keep_alive`.
    pub timeout: Duration,
}

impl Default for TcpOptions {
    fn default() -> TcpOptions {
        TcpOptions {
            receive_buffer: 8 * 1024,
            send_buffer: 16 * 1024,
            backlog: 128,
            keep_alive: Duration::from_secs(45),
            timeout: Duration::from_secs(120),
        }
    }
}

impl TcpOptions {
    fn check(&self) -> Result<(), Error> {
        let buffer = 1024..=1 << 20;
        if !buffer.contains(&self.receive_buffer)
            || !buffer.contains(&self.send_buffer)
            || self.backlog == 0
        {
            return Err(Error::InvalidArgument);
        }
        Ok(())
    }

    /// What a connection is charged for.
    pub(crate) fn charge(&self) -> usize {
        self.receive_buffer + self.send_buffer + SOCKET_LEN
    }
}

pub(crate) struct Listener {
    pub owner: Id,
    pub port: u16,
    pub options: TcpOptions,
    /// Connections that nobody has accepted yet.
    pub ready: VecDeque<Id>,
    /// Whether to tell of the next one.
    pub wants_incoming: bool,
}

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionState {
    /// Asked for and not there yet.
    Connecting,
    /// There; perhaps closed in one direction.
    Open,
    /// Over.
    Closed,
}

/// What can be asked about a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionInfo {
    /// Our end.
    pub local: SocketAddrV4,
    /// The other end.
    pub remote: SocketAddrV4,
    /// How far it is.
    pub state: ConnectionState,
    /// Bytes that can be received now.
    pub receive_queue: usize,
    /// Bytes that were given to `send` and are not acknowledged.
    pub send_queue: usize,
}

impl Stack {
    /// Listens on a port. Errors: `AddrInUse`, `InvalidArgument`, `ServerLimit`.
    pub fn listen(
        &mut self,
        owner: OwnerId,
        port: u16,
        options: TcpOptions,
    ) -> Result<ListenerId, Error> {
        options.check()?;
        if port == 0 {
            return Err(Error::InvalidArgument);
        }
        if self.owners.get(owner.0).is_none() {
            return Err(Error::BadHandle);
        }
        if self.listener_ports.contains_key(&port) {
            return Err(Error::AddrInUse);
        }
        let listener = Listener {
            owner: owner.0,
            port,
            options,
            ready: VecDeque::new(),
            wants_incoming: true,
        };
        let id = self.listeners.insert(listener).ok_or(Error::ServerLimit)?;
        self.listener_ports.insert(port, id);
        Ok(ListenerId(id))
    }

    /// Stops listening. Connections that nobody has accepted are aborted.
    pub fn close_listener(&mut self, id: ListenerId, now: Duration) {
        let Some(listener) = self.listeners.remove(id.0) else {
            return;
        };
        self.listener_ports.remove(&listener.port);
        for connection in listener.ready {
            self.abort(ConnectionId(connection), now);
        }
    }

    /// Takes a connection that has come in, or none.
    pub fn accept(&mut self, id: ListenerId, now: Duration) -> Result<Option<ConnectionId>, Error> {
        loop {
            let listener = self.listeners.get_mut(id.0).ok_or(Error::BadHandle)?;
            let Some(connection_id) = listener.ready.pop_front() else {
                listener.wants_incoming = true;
                return Ok(None);
            };
            // One that was reset meanwhile is gone from the table.
            if let Some(Socket {
                kind: Kind::Connection(connection),
                ..
            }) = self.sockets.get_mut(connection_id)
            {
                connection.listener = None;
                self.settle(connection_id, Cause::Owner, instant(now));
                return Ok(Some(ConnectionId(connection_id)));
            }
        }
    }

    /// Begins a connection; [`crate::Event::Connected`] or [`crate::Event::Closed`] follows.
    /// This machine's own address and 127.0.0.1 are as good as others.
    /// Errors: `Unreachable` without an address, `InvalidArgument`, `AddrInUse` (no port free), `ServerLimit`.
    pub fn connect(
        &mut self,
        owner: OwnerId,
        remote: SocketAddrV4,
        options: TcpOptions,
        now: Duration,
    ) -> Result<ConnectionId, Error> {
        options.check()?;
        let now = instant(now);
        let is_own = self.is_own(*remote.ip());
        if remote.port() == 0 || remote.ip().is_unspecified() || remote.ip().is_multicast() {
            return Err(Error::InvalidArgument);
        }
        let local = match &self.address {
            _ if is_own => *remote.ip(),
            Some(address) if address.is_broadcast(*remote.ip()) => {
                return Err(Error::InvalidArgument);
            }
            Some(address) => {
                address.next_hop(*remote.ip()).ok_or(Error::Unreachable)?;
                address.ip
            }
            None => return Err(Error::Unreachable),
        };
        let tuple = (0..64)
            .map(|_| Tuple {
                local,
                local_port: 49152 + (self.random.next_u32() % 16384) as u16,
                remote: *remote.ip(),
                remote_port: remote.port(),
            })
            .find(|tuple| {
                let is_taken = self.flows.contains_key(tuple)
                    || self.listener_ports.contains_key(&tuple.local_port);
                // Not to itself.
                let is_same = is_own && tuple.local_port == tuple.remote_port;
                !is_taken && !is_same
            })
            .ok_or(Error::AddrInUse)?;

        let charge = options.charge();
        self.charge(owner.0, charge)?;
        let mut socket = match buffers(&options) {
            Some((receive, send)) => tcp::Socket::new(receive, send),
            None => {
                self.refund(owner.0, charge);
                return Err(Error::OutOfMemory);
            }
        };
        configure(&mut socket, &options);
        // The first sequence number comes from our own generator, by way of a throw-away
        // interface: smoltcp's own can be predicted from what it has put out.
        let mut oracle = new_interface(self.random.next_u64(), self.mtu, &mut self.out, now);
        let local = IpListenEndpoint {
            addr: Some(IpAddress::Ipv4(local)),
            port: tuple.local_port,
        };
        let remote = IpEndpoint::new(IpAddress::Ipv4(tuple.remote), tuple.remote_port);
        if socket.connect(oracle.context(), remote, local).is_err() {
            self.refund(owner.0, charge);
            return Err(Error::InvalidArgument);
        }
        match self.add_connection(socket, Connection::new(tuple, None), owner.0, charge) {
            Some(id) => {
                self.settle(id, Cause::Owner, now);
                Ok(ConnectionId(id))
            }
            None => {
                self.refund(owner.0, charge);
                Err(Error::ServerLimit)
            }
        }
    }

    /// Puts a connection's socket into a set of its own.
    pub(crate) fn add_connection(
        &mut self,
        socket: tcp::Socket<'static>,
        connection: Connection,
        owner: Id,
        charge: usize,
    ) -> Option<Id> {
        let tuple = connection.tuple;
        let mut set = SocketSet::new(Vec::with_capacity(1));
        let handle = set.add(socket);
        let id = self.sockets.insert(Socket {
            set,
            handle,
            owner: Some(owner),
            charge,
            dirty: false,
            eager: false,
            signals: Signals::default(),
            kind: Kind::Connection(connection),
        })?;
        self.flows.insert(tuple, Flow::Connection(id));
        Some(id)
    }

    /// What can be said about a connection.
    pub fn connection(&mut self, id: ConnectionId) -> Option<ConnectionInfo> {
        let socket = self.sockets.get_mut(id.0)?;
        let Kind::Connection(connection) = &socket.kind else {
            return None;
        };
        let (tuple, connecting, over) = (
            connection.tuple,
            connection.connecting,
            connection.over.is_some(),
        );
        let tcp = socket.tcp();
        Some(ConnectionInfo {
            local: SocketAddrV4::new(tuple.local, tuple.local_port),
            remote: SocketAddrV4::new(tuple.remote, tuple.remote_port),
            state: match (over, connecting) {
                (true, _) => ConnectionState::Closed,
                (false, true) => ConnectionState::Connecting,
                (false, false) => ConnectionState::Open,
            },
            receive_queue: tcp.recv_queue(),
            send_queue: tcp.send_queue(),
        })
    }

    /// Gives bytes to be sent; returns how many were taken. Errors: `NotConnected` after the
    /// sending side was closed, and whatever ended the connection.
    pub fn send(&mut self, id: ConnectionId, data: &[u8], now: Duration) -> Result<usize, Error> {
        let mut at = 0;
        while at < data.len() {
            let taken = self.send_with(
                id,
                |space| {
                    let len = space.len().min(data.len() - at);
                    space[..len].copy_from_slice(&data[at..at + len]);
                    len
                },
                now,
            )?;
            if taken == 0 {
                break;
            }
            at += taken;
        }
        if at < data.len() {
            self.wait_writable(id);
        }
        Ok(at)
    }

    /// Lets `fill` write bytes to be sent into the connection's buffer, as many as there is room
    /// for in one piece; returns what it returns, the number of bytes. It is called with an empty
    /// slice if there is no room. See [`Stack::wait_writable`].
    pub fn send_with(
        &mut self,
        id: ConnectionId,
        fill: impl FnOnce(&mut [u8]) -> usize,
        now: Duration,
    ) -> Result<usize, Error> {
        let (connection, tcp) = self.held(id)?;
        if let Some(result) = connection.over {
            return Err(result.err().unwrap_or(Error::NotConnected));
        }
        if connection.connecting {
            return Ok(0);
        }
        let taken = tcp
            .send(|space| {
                let len = fill(space).min(space.len());
                (len, len)
            })
            .map_err(|_| Error::NotConnected)?;
        if taken > 0 {
            self.settle(id.0, Cause::Owner, instant(now));
            self.mark_eager(id.0);
        }
        Ok(taken)
    }

    /// Arms [`crate::Event::Writable`].
    pub fn wait_writable(&mut self, id: ConnectionId) {
        if let Ok((connection, _)) = self.held(id) {
            connection.wants_writable = true;
        }
    }

    /// Takes received bytes. `Ok(None)`: none now. `Ok(Some(0))`: there will be no more. Errors:
    /// whatever ended the connection.
    pub fn receive_from(
        &mut self,
        id: ConnectionId,
        buffer: &mut [u8],
        now: Duration,
    ) -> Result<Option<usize>, Error> {
        let mut at = 0;
        // Twice, because the buffer is a ring; and once more, to find out how it goes on.
        while at < buffer.len() {
            let got = self.receive_with(
                id,
                |bytes| {
                    let len = bytes.len().min(buffer.len() - at);
                    buffer[at..at + len].copy_from_slice(&bytes[..len]);
                    len
                },
                now,
            );
            match got {
                Ok(Some(len)) if len > 0 => at += len,
                _ if at > 0 => break,
                other => return other,
            }
        }
        Ok(Some(at))
    }

    /// Lets `take` see received bytes, as many as lie in one piece; it returns how many it took.
    /// Answers as [`Stack::receive_from`] does.
    pub fn receive_with(
        &mut self,
        id: ConnectionId,
        take: impl FnOnce(&[u8]) -> usize,
        now: Duration,
    ) -> Result<Option<usize>, Error> {
        let taken = self.receive_some(id, take, now)?;
        Ok(taken.map(|(taken, _)| taken))
    }

    /// The same, telling also whether there is more. If not, [`crate::Event::Readable`] tells when there is, or when there
    /// will be no more.
    #[inline]
    pub fn receive_some(
        &mut self,
        id: ConnectionId,
        take: impl FnOnce(&[u8]) -> usize,
        now: Duration,
    ) -> Result<Option<(usize, bool)>, Error> {
        let (connection, tcp) = self.held(id)?;
        let (connecting, over) = (connection.connecting, connection.over);
        if connecting && over.is_none() {
            connection.wants_readable = true;
            return Ok(None);
        }
        if tcp.recv_queue() == 0 {
            return match tcp.recv(|_| (0, ())) {
                Ok(()) => {
                    self.wait_readable(id);
                    Ok(None)
                }
                Err(RecvError::Finished) => Ok(Some((0, true))),
                Err(RecvError::InvalidState) => match over {
                    Some(Err(error)) => Err(error),
                    _ => Ok(Some((0, true))),
                },
            };
        }
        let taken = tcp
            .recv(|bytes| {
                let len = take(bytes).min(bytes.len());
                (len, len)
            })
            .map_err(|_| Error::Internal)?;
        let has_more = tcp.recv_queue() > 0;
        if !has_more {
            connection.wants_readable = true;
        }
        // A window that opens may have to be announced.
        self.settle(id.0, Cause::Owner, instant(now));
        Ok(Some((taken, has_more)))
    }

    fn wait_readable(&mut self, id: ConnectionId) {
        if let Ok((connection, _)) = self.held(id) {
            connection.wants_readable = true;
        }
    }

    /// Says that nothing more will be sent. What was sent before still arrives.
    pub fn shutdown_write(&mut self, id: ConnectionId, now: Duration) -> Result<(), Error> {
        let (_, tcp) = self.held(id)?;
        tcp.close();
        self.settle(id.0, Cause::Owner, instant(now));
        Ok(())
    }

    /// Lets go of a connection. What was sent still arrives; if there are received bytes that
    /// nobody took, or some come later, the other side is told by a reset.
    pub fn close(&mut self, id: ConnectionId, now: Duration) {
        self.release(id, false, instant(now));
    }

    /// Lets go of a connection and resets it.
    pub fn abort(&mut self, id: ConnectionId, now: Duration) {
        self.release(id, true, instant(now));
    }

    fn release(&mut self, id: ConnectionId, abort: bool, now: Instant) {
        let Ok((connection, tcp)) = self.held(id) else {
            return;
        };
        connection.released_at = Some(now);
        connection.listener = None;
        // While it lingers it still has its buffers, so its owner still pays.
        if abort || tcp.recv_queue() > 0 {
            tcp.abort();
        } else {
            tcp.close();
        }
        self.settle(id.0, Cause::Owner, now);
    }

    /// The two halves of a connection that its owner still holds: ours and smoltcp's.
    fn held(
        &mut self,
        id: ConnectionId,
    ) -> Result<(&mut Connection, &mut tcp::Socket<'static>), Error> {
        match self.sockets.get_mut(id.0) {
            Some(Socket {
                set,
                handle,
                kind: Kind::Connection(connection),
                ..
            }) if connection.released_at.is_none() => Ok((connection, set.get_mut(*handle))),
            _ => Err(Error::BadHandle),
        }
    }
}

/// The two buffers of a connection, if there is memory.
pub(crate) fn buffers(
    options: &TcpOptions,
) -> Option<(tcp::SocketBuffer<'static>, tcp::SocketBuffer<'static>)> {
    let buffer = |len: usize| {
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(len).ok()?;
        bytes.resize(len, 0);
        Some(tcp::SocketBuffer::new(bytes))
    };
    Some((
        buffer(options.receive_buffer)?,
        buffer(options.send_buffer)?,
    ))
}

/// How every connection's socket is set.
pub(crate) fn configure(socket: &mut tcp::Socket<'_>, options: &TcpOptions) {
    // What an owner sends comes in batches already; holding the last piece back only adds delay.
    socket.set_nagle_enabled(false);
    socket.set_congestion_control(CongestionControl::Reno);
    socket.set_keep_alive(Some(SmolDuration::from_micros(
        options.keep_alive.as_micros() as u64,
    )));
    socket.set_timeout(Some(SmolDuration::from_micros(
        options.timeout.as_micros() as u64
    )));
}
