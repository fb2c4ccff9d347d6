//! What a stack tells its user, and the names of things in it.

use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::time::Duration;

use crate::Error;
use crate::stack::Stack;
use crate::table::Id;

/// Names a TCP connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ConnectionId(pub(crate) Id);
/// Names a listening TCP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ListenerId(pub(crate) Id);
/// Names a UDP port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct UdpId(pub(crate) Id);
/// Names a question for the address of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct QueryId(pub(crate) u64);
/// Names a question for an echo.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EchoId(pub(crate) u64);

macro_rules! index {
    ($($name:ident),+) => {$(
        impl $name {
            /// A small number that no other living thing of this kind has: an index for tables.
            pub fn index(self) -> usize {
                self.0.index as usize
            }
        }
    )+};
}
index!(ConnectionId, ListenerId, UdpId);

/// Something the user of a stack may want to act upon. Each is told once; what arms it again is
/// said with each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A connection can be accepted. Armed again when `accept` has answered "none".
    Incoming(ListenerId),
    /// A connection asked for with `connect` is there.
    Connected(ConnectionId),
    /// There are bytes, or the end of them, to receive. Armed again when `receive` has taken all there was.
    Readable(ConnectionId),
    /// There is room to send. Armed by a `send` that took less than it was given.
    Writable(ConnectionId),
    /// The connection is over, and why: `Ok` if both sides closed it. What was received before
    /// can still be taken; `close` lets go of it.
    Closed(ConnectionId, Result<(), Error>),
    /// A datagram has come. Armed again when `udp_receive` has answered "none".
    Datagram(UdpId),
    /// A datagram that was sent could not be delivered.
    Undelivered(UdpId),
    /// A name's addresses, or why there are none: `NotFound`, `TimedOut`.
    Resolved(QueryId, Result<Vec<Ipv4Addr>, Error>),
    /// What came of a [`Stack::ping`]: how long the echo took, or `TimedOut` or `Unreachable`.
    Echoed(EchoId, Result<Duration, Error>),
    /// The stack has got an address, another one, or lost it: see [`Stack::address`].
    AddressChanged,
    /// The DHCP server has lent the address for longer: see [`Stack::lease`].
    LeaseChanged,
}

/// Where to look for an event.
pub(crate) enum Signal {
    Socket(Id),
    Listener(Id),
    Query(QueryId, Result<Vec<Ipv4Addr>, Error>),
    Echo(EchoId, Result<Duration, Error>),
    AddressChanged,
    LeaseChanged,
}

/// What a socket has to say. It is in the queue of signals at most once.
#[derive(Default)]
pub(crate) struct Signals {
    pub queued: bool,
    pub connected: bool,
    pub readable: bool,
    pub writable: bool,
    pub undelivered: bool,
    pub closed: Option<Result<(), Error>>,
}

impl Signals {
    pub fn any(&self) -> bool {
        self.connected
            || self.readable
            || self.writable
            || self.undelivered
            || self.closed.is_some()
    }
}

impl Stack {
    /// Whether there may be an event.
    pub fn has_events(&self) -> bool {
        !self.signals.is_empty()
    }

    /// The next event, if there is one.
    #[inline]
    pub fn next_event(&mut self) -> Option<Event> {
        loop {
            match self.signals.pop_front()? {
                Signal::AddressChanged => return Some(Event::AddressChanged),
                Signal::LeaseChanged => return Some(Event::LeaseChanged),
                Signal::Query(id, result) => return Some(Event::Resolved(id, result)),
                Signal::Echo(id, result) => return Some(Event::Echoed(id, result)),
                Signal::Listener(id) => {
                    if self
                        .listeners
                        .get(id)
                        .is_some_and(|listener| !listener.ready.is_empty())
                    {
                        return Some(Event::Incoming(ListenerId(id)));
                    }
                }
                Signal::Socket(id) => {
                    let Some(socket) = self.sockets.get_mut(id) else {
                        continue;
                    };
                    let udp = socket.is_udp();
                    let signals = &mut socket.signals;
                    let event = if core::mem::take(&mut signals.connected) {
                        Some(Event::Connected(ConnectionId(id)))
                    } else if core::mem::take(&mut signals.readable) {
                        Some(if udp {
                            Event::Datagram(UdpId(id))
                        } else {
                            Event::Readable(ConnectionId(id))
                        })
                    } else if core::mem::take(&mut signals.writable) {
                        Some(Event::Writable(ConnectionId(id)))
                    } else if core::mem::take(&mut signals.undelivered) {
                        Some(Event::Undelivered(UdpId(id)))
                    } else {
                        signals
                            .closed
                            .take()
                            .map(|result| Event::Closed(ConnectionId(id), result))
                    };
                    signals.queued = signals.any();
                    if signals.queued {
                        // At the tail, so that nobody starves.
                        self.signals.push_back(Signal::Socket(id));
                    }
                    if event.is_some() {
                        return event;
                    }
                }
            }
        }
    }

    /// Puts a socket that has something to say into the queue.
    pub(crate) fn signal(&mut self, id: Id) {
        if let Some(socket) = self.sockets.get_mut(id)
            && socket.signals.any()
            && !socket.signals.queued
        {
            socket.signals.queued = true;
            self.signals.push_back(Signal::Socket(id));
        }
    }
}
