//! The stack itself: what comes in, what goes out, and when.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::time::Duration;

use hashbrown::HashMap;
use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::phy::{DeviceCapabilities, Medium};
use smoltcp::socket::{dns, tcp, udp};
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpAddress, IpCidr, IpProtocol};

use crate::Error;
use crate::budget::Owner;
use crate::checksum;
use crate::config::{Address, Addressing, Config, Lease, Limits};
use crate::dhcp::Dhcp;
use crate::echo::Echoes;
use crate::event::{Signal, Signals};
use crate::flows::Flows;
use crate::handshake::{HalfOpen, TimeWait};
use crate::hash::Keyed;
use crate::names::Names;
use crate::neighbors::Neighbors;
use crate::out::{BATCH_LEN, ETHERNET_LEN, Frame, Out, Port, Segments, capabilities};
use crate::packet::{Packet, Seen, be16, look};
use crate::random::Random;
use crate::statistics::Statistics;
use crate::table::{Id, Table};
use crate::tcp::{Connection, Listener, Tuple};
use crate::timers::Timers;

/// Most bytes of a packet of many TCP segments.
const BATCH_MTU: usize = BATCH_LEN - ETHERNET_LEN;
/// How long a socket rests that says it has something to send and then does not.
const REST: smoltcp::time::Duration = smoltcp::time::Duration::from_millis(10);

/// A TCP/IP stack.
pub struct Stack {
    pub(crate) mac: EthernetAddress,
    pub(crate) mtu: usize,
    pub(crate) address: Option<Address>,
    pub(crate) interface: Interface,
    /// The same with room for many TCP segments at once in each packet.
    batches: Interface,
    /// Whether whoever sends frames for us cuts such packets up.
    pub(crate) cuts_batches: bool,
    /// Handed to smoltcp with packets that belong to nobody, to make it answer them.
    nobody: SocketSet<'static>,
    pub(crate) out: Out,
    /// TCP's checksums are not ours to finish.
    checksums_elsewhere: bool,
    /// What `next_transmit` gave out last.
    lent: Option<Frame>,
    pub(crate) neighbors: Neighbors,
    pub(crate) random: Random,

    pub(crate) owners: Table<Owner>,
    pub(crate) sockets: Table<Socket>,
    pub(crate) listeners: Table<Listener>,
    /// Whom a TCP segment concerns.
    pub(crate) flows: Flows,
    pub(crate) listener_ports: HashMap<u16, Id, Keyed>,
    pub(crate) udp_ports: HashMap<u16, Id, Keyed>,
    pub(crate) half_open: Table<HalfOpen>,
    /// Stands in for the receive buffers that half-open connections do not have.
    pub(crate) window: Vec<u8>,
    pub(crate) half_open_order: VecDeque<Id>,
    pub(crate) half_open_timers: Timers,
    pub(crate) time_wait: Table<TimeWait>,
    pub(crate) time_wait_order: VecDeque<(Instant, Id)>,

    /// Sockets that may have something to send, each at most once.
    dirty: VecDeque<Id>,
    pub(crate) timers: Timers,
    pub(crate) signals: VecDeque<Signal>,
    pub(crate) names: Names,
    pub(crate) echoes: Echoes,
    dhcp: Option<Dhcp>,
    /// The end of the lease that `Event::LeaseChanged` told of last.
    lease_told: Instant,
    pub(crate) statistics: Statistics,
}

/// A socket in a set of its own.
pub(crate) struct Socket {
    pub set: SocketSet<'static>,
    pub handle: SocketHandle,
    /// Who pays, and how much. Nobody pays for the stack's own DNS socket.
    pub owner: Option<Id>,
    pub charge: usize,
    pub dirty: bool,
    /// Ask at once, without looking whether it has anything to send.
    pub eager: bool,
    pub signals: Signals,
    pub kind: Kind,
}

pub(crate) enum Kind {
    Connection(Connection),
    Udp { port: u16, wants_datagram: bool },
    Names,
}

impl Socket {
    pub fn is_udp(&self) -> bool {
        matches!(self.kind, Kind::Udp { .. })
    }
    pub fn tcp(&mut self) -> &mut tcp::Socket<'static> {
        self.set.get_mut(self.handle)
    }
    pub fn udp(&mut self) -> &mut udp::Socket<'static> {
        self.set.get_mut(self.handle)
    }
    pub fn dns(&mut self) -> &mut dns::Socket<'static> {
        self.set.get_mut(self.handle)
    }
}

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
    /// A stack that has not seen a packet yet. `now` is the time since boot, here and everywhere.
    pub fn new(config: Config, now: Duration) -> Stack {
        let mac = EthernetAddress(config.mac);
        let mtu = (config.mtu as usize).clamp(576, 9000);
        let mut random = Random::new(config.seed);
        let Limits {
            sockets_max,
            listeners_max,
            half_open_max,
            time_wait_max,
            replies_max,
        } = config.limits;
        let mut out = Out::new(mtu, replies_max.max(4));
        let now = instant(now);
        let interface = new_interface(random.next_u64(), mtu, &mut out, now);
        let batches = new_interface(random.next_u64(), BATCH_MTU, &mut out, now);
        let keyed = Keyed::new(&mut random);
        let mut stack = Stack {
            mac,
            mtu,
            address: None,
            interface,
            batches,
            cuts_batches: false,
            nobody: SocketSet::new(Vec::new()),
            out,
            checksums_elsewhere: false,
            lent: None,
            neighbors: Neighbors::new(mac, keyed.clone()),
            owners: Table::new(4096),
            // One more for the stack's own DNS socket.
            sockets: Table::new(sockets_max + 1),
            listeners: Table::new(listeners_max),
            flows: Flows::new(keyed.clone()),
            listener_ports: HashMap::with_hasher(keyed.clone()),
            udp_ports: HashMap::with_hasher(keyed),
            half_open: Table::new(half_open_max),
            window: Vec::new(),
            half_open_order: VecDeque::new(),
            half_open_timers: Timers::default(),
            time_wait: Table::new(time_wait_max),
            time_wait_order: VecDeque::new(),
            dirty: VecDeque::new(),
            timers: Timers::default(),
            signals: VecDeque::new(),
            names: Names::default(),
            echoes: Echoes::default(),
            dhcp: None,
            lease_told: Instant::ZERO,
            statistics: Statistics::default(),
            random,
        };
        stack.start_names();
        stack.name_addresses();
        match config.addressing {
            Addressing::Static(address) => stack.set_address(Some(address)),
            Addressing::Dhcp(lease) => {
                let seed = stack.random.next_u64();
                let mut dhcp = Dhcp::new(mac, stack.mtu, seed, &mut stack.out, now);
                if let Some(lease) = lease
                    && instant(lease.until) > now
                {
                    dhcp.inherit(instant(lease.until));
                    stack.set_address(Some(lease.address));
                }
                stack.dhcp = Some(dhcp);
            }
        }
        stack
    }

    /// The address, if there is one now.
    pub fn address(&self) -> Option<&Address> {
        self.address.as_ref()
    }

    /// What a DHCP server has lent, if the address comes from one.
    pub fn lease(&self) -> Option<Lease> {
        let until = self.dhcp.as_ref()?.lease_until?;
        Some(Lease {
            address: self.address.clone()?,
            until: duration(until),
        })
    }

    /// Counters.
    pub fn statistics(&self) -> Statistics {
        let mut statistics = self.statistics;
        statistics.replies_dropped += self.out.dropped;
        statistics.unresolved += self.neighbors.unresolved;
        statistics
    }

    /// How many sockets there are, connections being closed included.
    pub fn socket_count(&self) -> usize {
        self.sockets.len() - 1
    }

    /// Steps that were taken in the heap of deadlines, for tests that count work.
    pub fn timer_steps(&self) -> u64 {
        self.timers.steps
    }

    /// Says whether whoever sends frames for us finishes TCP's checksums: see [`Stack::unfinished`].
    pub fn leave_checksums(&mut self, elsewhere: bool) {
        self.checksums_elsewhere = elsewhere;
    }

    /// Says how long a frame may be that whoever sends it for us cuts into TCP segments: see [`Stack::segments`]. 0 if it
    /// does not, and whatever is too short to be worth it is taken for 0. It has to finish checksums as well.
    pub fn leave_segmentation(&mut self, frame_len: usize) {
        self.cuts_batches = frame_len >= BATCH_LEN && self.checksums_elsewhere;
    }

    /// The frame that was given out last.
    #[inline]
    pub fn lent(&self) -> Option<&[u8]> {
        Some(self.lent.as_ref()?.bytes())
    }

    /// How the frame that was given out last is to be cut into segments, if it is.
    #[inline]
    pub fn segments(&self) -> Option<Segments> {
        self.lent.as_ref()?.segments
    }

    /// Where the bytes begin of which the frame that was given out last still needs a checksum, if it does. The field is
    /// 16 bytes from there on and has the pseudo header's sum in it.
    pub fn unfinished(&self) -> Option<u16> {
        self.lent.as_ref()?.unfinished
    }

    /// Handles a frame whose checksums of TCP and UDP somebody vouches for who can be trusted: they may be unfinished.
    pub fn receive_trusted(&mut self, now: Duration, frame: &mut [u8]) {
        checksum::waive_udp(frame);
        self.receive_frame(now, frame, true);
    }

    /// Handles a frame, which begins with its Ethernet header and ends before the checksum.
    pub fn receive(&mut self, now: Duration, frame: &[u8]) {
        self.receive_frame(now, frame, false);
    }

    fn receive_frame(&mut self, now: Duration, frame: &[u8], trusted: bool) {
        let now = instant(now);
        self.statistics.frames_received += 1;
        self.statistics.bytes_received += frame.len() as u64;
        match look(frame, self.mac) {
            Seen::Malformed => self.statistics.malformed += 1,
            Seen::NotForUs => self.statistics.not_for_us += 1,
            Seen::Fragment => self.statistics.fragments += 1,
            Seen::Arp(packet) => {
                let address = self.address.as_ref();
                let own = address.map(|address| address.ip);
                let local = |ip| address.is_some_and(|address| address.is_local(ip));
                if !self
                    .neighbors
                    .receive(&mut self.out, packet, own, local, now)
                {
                    self.statistics.malformed += 1;
                }
                // The DHCP client renews its lease over an interface of its own, and so asks by itself.
                if let Some(dhcp) = &mut self.dhcp
                    && be16(packet, 6) == Some(2)
                {
                    dhcp.receive(&mut self.out, frame, now);
                }
            }
            Seen::Ip(packet) => self.receive_ip(packet, frame, trusted, now),
        }
    }

    /// Does what is due by now.
    pub fn poll(&mut self, now: Duration) {
        let now = instant(now);
        while let Some((deadline, index)) = self.timers.first()
            && deadline <= now
        {
            self.timers.set(index, None);
            if let Some(id) = self.sockets.id_at(index) {
                self.mark_dirty(id);
            }
        }
        self.poll_handshakes(now);
        let own = self.address.as_ref().map(|address| address.ip);
        self.neighbors.poll(&mut self.out, own, now);
        self.poll_echoes(now);
        self.poll_dhcp(now);
    }

    /// When to call [`Stack::poll`] next, unless something happens before.
    pub fn deadline(&self) -> Option<Duration> {
        // One after the other: it is asked for after each event, and mostly there is just the first.
        let mut nearest = self.timers.first().map(|first| first.0);
        let mut consider = |deadline: Option<Instant>| {
            if let Some(deadline) = deadline
                && nearest.is_none_or(|nearest| deadline < nearest)
            {
                nearest = Some(deadline);
            }
        };
        consider(self.handshake_deadline());
        consider(self.neighbors.deadline());
        consider(self.echoes.deadline());
        consider(self.dhcp.as_ref().and_then(|dhcp| dhcp.deadline));
        nearest.map(duration)
    }

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

    /// Receives a frame of our own.
    fn receive_own(&mut self, frame: Frame, now: Instant) {
        if let Seen::Ip(packet) = look(frame.bytes(), self.mac) {
            match packet.protocol {
                IpProtocol::Tcp => self.receive_tcp(packet, now),
                IpProtocol::Udp => self.receive_udp(packet, true, now),
                IpProtocol::Icmp => self.receive_icmp(packet, now),
                _ => {}
            }
        }
        self.out.recycle(frame);
    }

    /// Whether this is an address of this machine.
    pub(crate) fn is_own(&self, ip: Ipv4Addr) -> bool {
        ip == Ipv4Addr::LOCALHOST || self.address.as_ref().is_some_and(|own| own.ip == ip)
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

    fn receive_ip(&mut self, packet: Packet<'_>, frame: &[u8], trusted: bool, now: Instant) {
        let ports = (be16(packet.payload, 0), be16(packet.payload, 2));
        if packet.protocol == IpProtocol::Udp
            && ports == (Some(67), Some(68))
            && self.dhcp.is_some()
        {
            if let Some(dhcp) = &mut self.dhcp {
                dhcp.receive(&mut self.out, frame, now);
            }
            return self.poll_dhcp(now);
        }
        let Some(address) = &self.address else {
            self.statistics.not_for_us += 1;
            return;
        };
        let unicast = packet.destination == address.ip;
        if !unicast && !address.is_broadcast(packet.destination) || self.is_own(packet.source) {
            self.statistics.not_for_us += 1;
            return;
        }
        if address.is_local(packet.source) {
            self.neighbors.confirm(packet.source, packet.from, now);
        } else if let Some(gateway) = address.gateway {
            self.neighbors.confirm(gateway, packet.from, now);
        }
        match packet.protocol {
            IpProtocol::Tcp if unicast && (trusted || checksum::is_right(packet.bytes)) => {
                self.receive_tcp(packet, now)
            }
            IpProtocol::Tcp if unicast => self.statistics.malformed += 1,
            IpProtocol::Udp => self.receive_udp(packet, unicast, now),
            IpProtocol::Icmp if unicast => self.receive_icmp(packet, now),
            _ if unicast => self.give(&packet, None, now),
            _ => self.statistics.not_for_us += 1,
        }
    }

    fn receive_icmp(&mut self, packet: Packet<'_>, now: Instant) {
        // RFC 792: type 0 is "echo reply".
        if packet.payload.first() == Some(&0) {
            if !self.receive_echo(&packet, now) {
                self.statistics.icmp_errors_ignored += 1;
            }
            return;
        }
        // Type 3 is "destination unreachable"; the packet it is about is embedded from byte 8 on.
        if packet.payload.first() != Some(&3) {
            return self.give(&packet, None, now);
        }
        let handled = self.receive_unreachable(&packet, now).is_some();
        if handled {
            self.statistics.icmp_errors += 1;
        } else {
            self.statistics.icmp_errors_ignored += 1;
        }
    }

    fn receive_unreachable(&mut self, packet: &Packet<'_>, now: Instant) -> Option<()> {
        use smoltcp::wire::{Icmpv4Packet, Ipv4Packet};
        let icmp = Icmpv4Packet::new_checked(packet.payload).ok()?;
        if !icmp.verify_checksum() {
            return None;
        }
        let code = packet.payload[1];
        let embedded = packet.payload.get(8..)?;
        // Only the first bytes of the packet are there, so its length may not be checked.
        let header_len = (*embedded.first()? as usize & 15) * 4;
        if embedded.len() < header_len.max(20) + 8 {
            return None;
        }
        let ip = Ipv4Packet::new_unchecked(embedded);
        if ip.version() != 4 || ip.src_addr() != self.address.as_ref()?.ip {
            return None;
        }
        let payload = &embedded[header_len.max(20)..];
        let (local_port, remote_port) = (be16(payload, 0)?, be16(payload, 2)?);
        match ip.next_header() {
            IpProtocol::Tcp => {
                let tuple = Tuple {
                    local: ip.src_addr(),
                    local_port,
                    remote: ip.dst_addr(),
                    remote_port,
                };
                self.tcp_unreachable(tuple, payload, code, now)
            }
            IpProtocol::Icmp => {
                let to = ip.dst_addr();
                let is_known = self.end_echo(to, payload, |_| Err(Error::Unreachable));
                is_known.then_some(())
            }
            IpProtocol::Udp => {
                let id = *self.udp_ports.get(&local_port)?;
                self.sockets.get_mut(id)?.signals.undelivered = true;
                self.signal(id);
                Some(())
            }
            _ => None,
        }
    }

    fn poll_dhcp(&mut self, now: Instant) {
        let Some(dhcp) = &mut self.dhcp else { return };
        let address = dhcp.poll(&mut self.out, now);
        let lease_until = dhcp.lease_until;
        if let Some(address) = address {
            self.set_address(address);
        }
        if let Some(until) = lease_until
            && core::mem::replace(&mut self.lease_told, until) != until
        {
            self.signals.push_back(Signal::LeaseChanged);
        }
    }

    /// Takes on an address, or none. smoltcp resets the connections that had another one, when
    /// they are asked next.
    fn set_address(&mut self, address: Option<Address>) {
        if self.address == address {
            return;
        }
        let moved = self.address.as_ref().map(|a| a.ip) != address.as_ref().map(|a| a.ip);
        self.neighbors.clear(&mut self.out);
        if moved {
            self.forget_handshakes();
            let all: Vec<Id> = self.sockets.ids().collect();
            all.into_iter().for_each(|id| self.mark_dirty(id));
        }
        self.set_name_servers(address.as_ref().map_or(&[], |address| &address.dns_servers));
        self.address = address;
        self.name_addresses();
        self.signals.push_back(Signal::AddressChanged);
    }

    /// Tells smoltcp our addresses: the one that others know first, since that is what packets come from.
    fn name_addresses(&mut self) {
        let own = self.address.as_ref();
        let own = own.map(|own| IpCidr::new(IpAddress::Ipv4(own.ip), own.prefix_len));
        let local = IpCidr::new(IpAddress::Ipv4(Ipv4Addr::LOCALHOST), 8);
        for interface in [&mut self.interface, &mut self.batches] {
            interface.update_ip_addrs(|addresses| {
                addresses.clear();
                for address in own.into_iter().chain([local]) {
                    // There is room for two.
                    let _ = addresses.push(address);
                }
            });
        }
    }
}

/// smoltcp's time for ours.
pub(crate) fn instant(now: Duration) -> Instant {
    Instant::from_micros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
}

/// Our time for smoltcp's.
fn duration(at: Instant) -> Duration {
    Duration::from_micros(at.total_micros().max(0) as u64)
}

/// An interface of smoltcp's that deals in IP packets; Ethernet and ARP are ours.
pub(crate) fn new_interface(seed: u64, mtu: usize, out: &mut Out, now: Instant) -> Interface {
    let mut config = smoltcp::iface::Config::new(HardwareAddress::Ip);
    config.random_seed = seed;
    let mut port = Port {
        incoming: None,
        out,
        capabilities: port_capabilities(mtu),
    };
    Interface::new(config, &mut port, now)
}

pub(crate) fn port_capabilities(mtu: usize) -> DeviceCapabilities {
    capabilities(Medium::Ip, mtu)
}
