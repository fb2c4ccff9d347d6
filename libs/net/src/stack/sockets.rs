//! What sockets have to send, and when they are asked.
//!
//! A socket that something happened to is *dirty*, and is asked for packets when there is room for one. All others cost
//! nothing (rule 26): smoltcp sees one socket at a time, each in a set of its own.

use core::net::Ipv4Addr;
use core::time::Duration;

use smoltcp::socket::udp;
use smoltcp::time::Instant;
use smoltcp::wire::EthernetAddress;

use super::{Kind, Socket, Stack, instant, port_capabilities};
use crate::checksum;
use crate::event::Signal;
use crate::out::{ETHERNET_LEN, Port};
use crate::packet::Packet;
use crate::table::Id;

/// How long a socket rests that says it has something to send and then does not.
const REST: smoltcp::time::Duration = smoltcp::time::Duration::from_millis(10);

/// Why a socket was looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A packet came for it.
    Packet,
    /// It was asked for a packet; whether it had one.
    Asked { sent: bool },
    /// Its owner did something.
    Owner,
}

impl Stack {
    /// The next frame to be sent, if there is one. To be called only when the driver has room for it:
    /// packets are made when they are taken. Those for this machine itself are received here and now.
    #[inline]
    pub fn next_transmit(&mut self, now: Duration) -> Option<&[u8]> {
        let now = instant(now);
        if let Some(frame) = self.lent.take() {
            self.out.recycle(frame);
        }
        let frame = loop {
            while self.out.len() == 0 {
                let id = self.dirty.pop_front()?;
                self.ask(id, now);
            }
            let frame = self.out.pop()?;
            if !frame.bytes().starts_with(&self.mac.0) {
                break frame;
            }
            self.receive_own(frame, now);
        };
        self.statistics.frames_sent += 1;
        self.statistics.bytes_sent += frame.bytes().len() as u64;
        Some(self.lent.insert(frame).bytes())
    }

    /// Marks a socket as one that may have something to send.
    pub(crate) fn mark_dirty(&mut self, id: Id) {
        if let Some(socket) = self.sockets.get_mut(id)
            && !socket.dirty
        {
            socket.dirty = true;
            self.dirty.push_back(id);
        }
    }

    /// Marks a socket as one that most likely has something to send.
    pub(crate) fn mark_eager(&mut self, id: Id) {
        if let Some(socket) = self.sockets.get_mut(id) {
            socket.eager = true;
            if !core::mem::replace(&mut socket.dirty, true) {
                self.dirty.push_back(id);
            }
        }
    }

    /// Asks a dirty socket for a packet, unless it can be seen that it has none.
    fn ask(&mut self, id: Id, now: Instant) {
        let Some(socket) = self.sockets.get_mut(id) else {
            return;
        };
        socket.dirty = false;
        if !core::mem::take(&mut socket.eager) && !self.look_ahead(id, None, now) {
            return;
        }
        let Some(socket) = self.sockets.get_mut(id) else {
            return;
        };
        if matches!(&socket.kind, Kind::Connection(connection) if connection.is_detached()) {
            return self.timers.set(id.index, None);
        }
        self.statistics.polls += 1;
        let before = self.out.len();
        let mut port = Port {
            incoming: None,
            out: &mut self.out,
            capabilities: port_capabilities(self.mtu),
        };
        let interface = match &socket.kind {
            Kind::Connection(connection) if connection.may_send_batch() && self.cuts_batches => {
                &mut self.batches
            }
            _ => &mut self.interface,
        };
        interface.poll_egress(now, &mut port, &mut socket.set);
        let sent = self.out.len() > before;
        if sent {
            if let (Kind::Connection(connection), Some(frame)) =
                (&mut socket.kind, self.out.newest())
            {
                connection.sending(&mut frame.bytes_mut()[ETHERNET_LEN..]);
                if frame.bytes().len() > self.mtu + ETHERNET_LEN {
                    frame.segments = connection.segments(frame.bytes());
                }
            }
            self.finish_newest(None, now);
        }
        self.settle(id, Cause::Asked { sent }, now);
    }

    /// Hands smoltcp a packet together with the one set that it concerns.
    pub(crate) fn give(&mut self, packet: &Packet<'_>, id: Option<Id>, now: Instant) {
        self.statistics.polls += 1;
        let before = self.out.len();
        let mut port = Port {
            incoming: Some(packet.bytes),
            out: &mut self.out,
            capabilities: port_capabilities(self.mtu),
        };
        let set = match id.and_then(|id| self.sockets.get_mut(id)) {
            Some(socket) => {
                if let Kind::Connection(connection) = &mut socket.kind {
                    connection.receiving(packet);
                }
                &mut socket.set
            }
            None => &mut self.nobody,
        };
        self.interface.poll_ingress_single(now, &mut port, set);
        if self.out.len() > before {
            if let Some(Socket {
                kind: Kind::Connection(connection),
                ..
            }) = id.and_then(|id| self.sockets.get_mut(id))
                && let Some(frame) = self.out.newest()
            {
                connection.sending(&mut frame.bytes_mut()[ETHERNET_LEN..]);
            }
            // An answer goes back to where the question came from; no need to ask who has the address.
            self.finish_newest(Some(packet.from), now);
        }
        if let Some(id) = id {
            self.settle(id, Cause::Packet, now);
        }
    }

    /// Writes the Ethernet header of the newest frame in the queue, or takes it out again.
    pub(crate) fn finish_newest(&mut self, reply_to: Option<EthernetAddress>, now: Instant) {
        if let Some(frame) = self.out.newest() {
            let packet = &mut frame.bytes_mut()[ETHERNET_LEN..];
            const TCP: u8 = 6;
            if packet.get(9) == Some(&TCP) {
                if self.checksums_elsewhere {
                    frame.unfinished = checksum::begin(packet).map(|at| at + ETHERNET_LEN as u16);
                } else {
                    checksum::fill(packet);
                }
            }
        }
        if let Some(to) = reply_to {
            return self.neighbors.address_reply(&mut self.out, to);
        }
        let Some(frame) = self.out.newest() else {
            return;
        };
        let b = &frame.bytes()[ETHERNET_LEN..];
        let to = Ipv4Addr::new(b[16], b[17], b[18], b[19]);
        if self.is_own(to) {
            return self.neighbors.address_reply(&mut self.out, self.mac);
        }
        match &self.address {
            Some(address) if address.is_broadcast(to) => {
                self.neighbors
                    .address_reply(&mut self.out, EthernetAddress::BROADCAST);
            }
            Some(address) if !to.is_multicast() => match address.next_hop(to) {
                Some(next_hop) => {
                    self.neighbors
                        .address_newest(&mut self.out, next_hop, address.ip, now)
                }
                None => self.drop_newest(),
            },
            _ => self.drop_newest(),
        }
    }

    fn drop_newest(&mut self) {
        self.statistics.unresolved += 1;
        if let Some(frame) = self.out.pop_newest() {
            self.out.recycle(frame);
        }
    }

    /// After anything happened to a socket: what it has to say, and when it wants to be asked.
    pub(crate) fn settle(&mut self, id: Id, cause: Cause, now: Instant) {
        let Some(mut socket) = self.sockets.get_mut(id) else {
            return;
        };
        let is_open = match &mut socket.kind {
            Kind::Connection(connection) => {
                let tcp = socket.set.get_mut(socket.handle);
                connection.settle_open(tcp, &mut socket.signals)
            }
            _ => false,
        };
        if !is_open {
            if self.settle_otherwise(id, cause, now) {
                return;
            }
            match self.sockets.get_mut(id) {
                Some(still) => socket = still,
                None => return,
            }
        }
        if socket.signals.any() && !socket.signals.queued {
            socket.signals.queued = true;
            self.signals.push_back(Signal::Socket(id));
        }
        match cause {
            Cause::Asked { sent } => {
                self.look_ahead(id, Some(sent), now);
            }
            // When it wants to be asked is found out when it is asked next, once for all that has happened to it.
            Cause::Packet | Cause::Owner => {
                if !core::mem::replace(&mut socket.dirty, true) {
                    self.dirty.push_back(id);
                }
            }
        }
    }

    /// The same for what is not simply open: what it has to say. True if it is gone.
    #[inline(never)]
    fn settle_otherwise(&mut self, id: Id, cause: Cause, now: Instant) -> bool {
        let Some(socket) = self.sockets.get_mut(id) else {
            return true;
        };
        match &mut socket.kind {
            Kind::Connection(_) => self.settle_connection(id, cause, now),
            Kind::Udp { wants_datagram, .. } => {
                let udp: &mut udp::Socket<'static> = socket.set.get_mut(socket.handle);
                if *wants_datagram && udp.can_recv() {
                    socket.signals.readable = true;
                    *wants_datagram = false;
                }
                false
            }
            Kind::Names => {
                self.settle_names(id);
                false
            }
        }
    }

    /// Finds out when a socket wants to be asked. True if that is now. `asked` says of one that was just asked
    /// whether it had a packet.
    fn look_ahead(&mut self, id: Id, asked: Option<bool>, now: Instant) -> bool {
        let Some(socket) = self.sockets.get_mut(id) else {
            return false;
        };
        let mut linger = None;
        if let Kind::Connection(connection) = &socket.kind {
            if connection.is_detached() {
                self.timers.set(id.index, None);
                return false;
            }
            linger = connection.linger_deadline();
        }
        let wanted = self.interface.poll_at(now, &socket.set);
        match wanted.into_iter().chain(linger).min() {
            Some(at) if at <= now => {
                match asked {
                    Some(false) => self.timers.set(id.index, Some(now + REST)),
                    Some(true) => self.mark_eager(id),
                    None => {}
                }
                true
            }
            at => {
                self.timers.set(id.index, at);
                false
            }
        }
    }
}
