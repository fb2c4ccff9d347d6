//! The beginning and the end of TCP connections, for which a few words are enough.
//!
//! # The beginning
//! smoltcp has no half-open state without buffers. So a SYN is answered by a socket that lives for a
//! moment: an interface with a seed of its own is made, a socket with borrowed buffers is fed the
//! SYN, its SYN|ACK is sent, and both are thrown away. What is kept is the SYN's content and the
//! seed. When the third packet comes, the same is done again with real buffers: from the same seed
//! comes the same sequence number, and the connection goes on where the other side believes it to be.
//! That the number is the same is checked.
//!
//! # The end
//! A connection in TIME-WAIT has given everything and only answers stragglers, for which two sequence
//! numbers are enough.

use core::net::Ipv4Addr;

use smoltcp::iface::{SocketSet, SocketStorage};
use smoltcp::phy::{Checksum, ChecksumCapabilities};
use smoltcp::socket::tcp;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{
    EthernetAddress, IpAddress, IpCidr, IpListenEndpoint, IpProtocol, IpRepr, TcpControl,
    TcpPacket, TcpRepr, TcpSeqNumber,
};

use crate::batch::{Batch, whole_words};
use crate::flows::Flow;
use crate::out::{ETHERNET_LEN, Out, Port};
use crate::packet::{Packet, be32};
use crate::stack::{Stack, new_interface, port_capabilities};
use crate::table::Id;
use crate::tcp::{Connection, Tuple, buffers, configure};

/// How long a connection that is over is remembered.
const TIME_WAIT: Duration = Duration::from_secs(10);
/// After how long a SYN|ACK is repeated first; then twice as long, and so on.
const ANSWER_INTERVAL: Duration = Duration::from_secs(1);
const ANSWERS_MAX: u8 = 4;

/// A connection of which only the SYN has come.
#[derive(Clone, Copy)]
pub(crate) struct HalfOpen {
    tuple: Tuple,
    listener: Id,
    from: EthernetAddress,
    syn: Syn,
    /// What our first sequence number came from, and the number.
    seed: u64,
    sequence: u32,
    answers: u8,
}

/// What a SYN says.
#[derive(Clone, Copy)]
struct Syn {
    sequence: TcpSeqNumber,
    window_len: u16,
    window_scale: Option<u8>,
    max_seg_size: Option<u16>,
    sack_permitted: bool,
}

/// A connection that is over.
pub(crate) struct TimeWait {
    pub tuple: Tuple,
    pub next: u32,
    pub ack: u32,
}

impl Stack {
    /// A segment for nobody yet: perhaps the first of a connection.
    pub(crate) fn receive_unknown(&mut self, packet: Packet<'_>, tuple: Tuple, now: Instant) {
        let Some(&listener) = self.listener_ports.get(&tuple.local_port) else {
            self.statistics.unknown_port += 1;
            return self.give(&packet, None, now);
        };
        let Some(segment) = parse(&packet) else {
            self.statistics.malformed += 1;
            return;
        };
        if segment.control != TcpControl::Syn || segment.ack_number.is_some() {
            return self.give(&packet, None, now);
        }
        if segment.src_port == 0 || !unicast(packet.source) {
            self.statistics.malformed += 1;
            return;
        }
        self.statistics.syn_received += 1;
        let syn = Syn {
            sequence: segment.seq_number,
            window_len: segment.window_len,
            window_scale: segment.window_scale,
            max_seg_size: segment.max_seg_size,
            sack_permitted: segment.sack_permitted,
        };
        let mut half_open = HalfOpen {
            tuple,
            listener,
            from: packet.from,
            syn,
            seed: self.random.next_u64(),
            sequence: 0,
            answers: 0,
        };
        if !self.answer(&mut half_open, now) {
            return;
        }
        if self.half_open.is_full() {
            self.evict_half_open();
        }
        let Some(id) = self.half_open.insert(half_open) else {
            return;
        };
        self.half_open_order.push_back(id);
        self.half_open_timers
            .set(id.index, Some(now + ANSWER_INTERVAL));
        self.flows.insert(tuple, Flow::HalfOpen(id));
    }

    /// A segment for a half-open connection: the third packet, hopefully.
    pub(crate) fn receive_half_open(&mut self, packet: Packet<'_>, id: Id, now: Instant) {
        let (Some(segment), Some(half_open)) = (parse(&packet), self.half_open.get(id)) else {
            self.statistics.malformed += 1;
            return;
        };
        let tuple = half_open.tuple;
        let expected = half_open.syn.sequence + 1;
        match (segment.control, segment.ack_number) {
            (TcpControl::Rst, _) => {
                if segment.seq_number == expected {
                    self.remove_half_open(id);
                }
            }
            (TcpControl::Syn, None) => {
                if segment.seq_number + 1 == expected {
                    // The answer got lost. It is repeated for each, but kept no longer for it.
                    if let Some(mut half_open) = self.half_open.get(id).copied() {
                        self.answer(&mut half_open, now);
                        self.put_half_open(id, half_open);
                    }
                } else {
                    // The other side has begun anew.
                    self.remove_half_open(id);
                    self.receive_unknown(packet, tuple, now);
                }
            }
            (_, Some(ack)) if ack.0 as u32 == half_open.sequence.wrapping_add(1) => {
                if self.establish(id, now)
                    && let Some(&Flow::Connection(connection)) = self.flows.get(&tuple)
                {
                    self.give(&packet, Some(connection), now);
                }
            }
            // Not an answer to what we sent.
            (_, Some(_)) => self.give(&packet, None, now),
            (_, None) => {}
        }
    }

    /// A segment for a connection that is over.
    pub(crate) fn receive_time_wait(&mut self, packet: Packet<'_>, id: Id, now: Instant) {
        let (Some(segment), Some(over)) = (parse(&packet), self.time_wait.get(id)) else {
            self.statistics.malformed += 1;
            return;
        };
        match segment.control {
            // RFC 1337: a reset does not cut TIME-WAIT short.
            TcpControl::Rst => {}
            // RFC 9293, 3.10.7.4: a new connection may begin behind the old one's numbers.
            TcpControl::Syn if segment.seq_number > TcpSeqNumber(over.ack as i32) => {
                let tuple = over.tuple;
                self.remove_time_wait(id);
                self.receive_unknown(packet, tuple, now);
            }
            _ if segment.segment_len() > 0 => {
                let tuple = over.tuple;
                let repr = TcpRepr {
                    src_port: tuple.local_port,
                    dst_port: tuple.remote_port,
                    control: TcpControl::None,
                    seq_number: TcpSeqNumber(over.next as i32),
                    ack_number: Some(TcpSeqNumber(over.ack as i32)),
                    ..plain_segment()
                };
                let mut bytes = [0; 80];
                let len = emit(&repr, tuple.local, tuple.remote, &mut bytes);
                self.out.write(ETHERNET_LEN + len, |frame| {
                    frame[ETHERNET_LEN..].copy_from_slice(&bytes[..len])
                });
                self.finish_newest(Some(packet.from), now);
            }
            _ => {}
        }
    }

    /// Sends the SYN|ACK of a half-open connection. False if there is none to be sent.
    fn answer(&mut self, half_open: &mut HalfOpen, now: Instant) -> bool {
        let Some(listener) = self.listeners.get(half_open.listener) else {
            return false;
        };
        // The window that is offered is the one that there will be. Nothing is ever written here.
        let len = listener.options.receive_buffer;
        if self.window.len() < len {
            if self
                .window
                .try_reserve_exact(len - self.window.len())
                .is_err()
            {
                return false;
            }
            self.window.resize(len, 0);
        }
        let receive = tcp::SocketBuffer::new(&mut self.window[..len]);
        let socket = tcp::Socket::new(receive, tcp::SocketBuffer::new(&mut [][..]));
        let mut storage = [SocketStorage::EMPTY];
        let mut set = SocketSet::new(&mut storage[..]);
        let handle = set.add(socket);
        let before = self.out.len();
        if !replay(half_open, &mut set, handle, self.mtu, &mut self.out, now)
            || self.out.len() == before
        {
            return false;
        }
        if let Some(frame) = self.out.newest() {
            half_open.sequence = be32(frame.bytes(), ETHERNET_LEN + 24).unwrap_or(0);
        }
        half_open.answers += 1;
        self.finish_newest(Some(half_open.from), now);
        true
    }

    /// Makes a connection out of a half-open one. False if it has to wait, or cannot be.
    fn establish(&mut self, id: Id, now: Instant) -> bool {
        let Some(half_open) = self.half_open.get(id).copied() else {
            return false;
        };
        let listener_id = half_open.listener;
        let Some(listener) = self.listeners.get(listener_id) else {
            self.remove_half_open(id);
            return false;
        };
        let (owner, options) = (listener.owner, listener.options);
        // Refused silently: the other side tries again, and there may be room by then.
        if listener.ready.len() >= options.backlog {
            self.statistics.backlog_refused += 1;
            return false;
        }
        if self.sockets.is_full() || self.charge(owner, options.charge()).is_err() {
            self.statistics.budget_refused += 1;
            return false;
        }
        let Some((receive, send)) = buffers(&options) else {
            self.refund(owner, options.charge());
            self.statistics.budget_refused += 1;
            return false;
        };
        let mut set = SocketSet::new(alloc::vec::Vec::with_capacity(1));
        let handle = set.add(tcp::Socket::new(receive, send));
        let mut desk = Out::new(self.mtu, 1);
        let batch = match self.cuts_batches && !self.is_own(half_open.tuple.remote) {
            true => Batch::new(half_open.syn.max_seg_size.unwrap_or(0), self.mtu),
            false => None,
        };
        let mut told = half_open;
        if let Some(batch) = batch {
            told.syn.max_seg_size = Some(batch.payload_len);
        }
        let repeated = replay(&told, &mut set, handle, self.mtu, &mut desk, now)
            && desk
                .newest()
                .and_then(|frame| be32(frame.bytes(), ETHERNET_LEN + 24))
                == Some(half_open.sequence);
        let tuple = half_open.tuple;
        self.remove_half_open(id);
        let smoltcp::socket::Socket::Tcp(mut socket) = set.remove(handle) else {
            return false;
        };
        if !repeated {
            // It would mean that smoltcp does not do the same thing twice.
            self.refund(owner, options.charge());
            return false;
        }
        configure(&mut socket, &options);
        let mut connection = Connection::new(tuple, Some(listener_id));
        connection.scale_windows(half_open.syn.window_scale);
        connection.batch = batch;
        let Some(connection) = self.add_connection(socket, connection, owner, options.charge())
        else {
            self.refund(owner, options.charge());
            return false;
        };
        self.statistics.accepted += 1;
        if !self.is_own(tuple.remote)
            && let Some(next_hop) = self
                .address
                .as_ref()
                .and_then(|address| address.next_hop(tuple.remote))
        {
            self.neighbors
                .prove(&mut self.out, next_hop, half_open.from, now);
        }
        self.announce(listener_id, connection);
        true
    }

    /// Remembers a connection that is over.
    pub(crate) fn start_time_wait(&mut self, over: TimeWait, now: Instant) {
        if self.time_wait.is_full() {
            self.statistics.time_wait_evicted += 1;
            while let Some((_, oldest)) = self.time_wait_order.pop_front() {
                if self.forget_time_wait(oldest) {
                    break;
                }
            }
        }
        let tuple = over.tuple;
        match self.time_wait.insert(over) {
            Some(id) => {
                self.time_wait_order.push_back((now + TIME_WAIT, id));
                self.flows.insert(tuple, Flow::TimeWait(id));
            }
            None => {
                self.flows.remove(&tuple);
            }
        }
    }

    /// Repeats answers, and forgets what is too old.
    pub(crate) fn poll_handshakes(&mut self, now: Instant) {
        while let Some((at, index)) = self.half_open_timers.first()
            && at <= now
        {
            self.half_open_timers.set(index, None);
            let Some(id) = self.half_open.id_at(index) else {
                continue;
            };
            let Some(mut half_open) = self.half_open.get(id).copied() else {
                continue;
            };
            if half_open.answers >= ANSWERS_MAX || !self.answer(&mut half_open, now) {
                self.put_half_open(id, half_open);
                self.remove_half_open(id);
                self.statistics.half_open_expired += 1;
            } else {
                let wait = ANSWER_INTERVAL * (1 << half_open.answers.saturating_sub(1));
                self.put_half_open(id, half_open);
                self.half_open_timers.set(index, Some(now + wait));
            }
        }
        while let Some(&(at, id)) = self.time_wait_order.front()
            && at <= now
        {
            self.time_wait_order.pop_front();
            self.forget_time_wait(id);
        }
    }

    pub(crate) fn handshake_deadline(&self) -> Option<Instant> {
        let half_open = self.half_open_timers.first().map(|first| first.0);
        let time_wait = self.time_wait_order.front().map(|first| first.0);
        half_open.into_iter().chain(time_wait).min()
    }

    /// Forgets all of them: the address changed.
    pub(crate) fn forget_handshakes(&mut self) {
        let half_open: alloc::vec::Vec<Id> = self.half_open.ids().collect();
        half_open
            .into_iter()
            .for_each(|id| self.remove_half_open(id));
        while let Some((_, id)) = self.time_wait_order.pop_front() {
            self.forget_time_wait(id);
        }
    }

    fn evict_half_open(&mut self) {
        while let Some(id) = self.half_open_order.pop_front() {
            if self.half_open.get(id).is_some() {
                self.statistics.half_open_evicted += 1;
                return self.remove_half_open(id);
            }
        }
    }

    fn remove_half_open(&mut self, id: Id) {
        if let Some(half_open) = self.half_open.remove(id) {
            self.half_open_timers.set(id.index, None);
            self.flows.remove(&half_open.tuple);
        }
        // Those that were finished leave their names behind in the order of age; they go in batches.
        if self.half_open_order.len() > 2 * self.half_open.len() + 64 {
            let half_open = &self.half_open;
            self.half_open_order
                .retain(|&id| half_open.get(id).is_some());
        }
    }

    fn remove_time_wait(&mut self, id: Id) {
        self.forget_time_wait(id);
        // As above.
        if self.time_wait_order.len() > 2 * self.time_wait.len() + 64 {
            let time_wait = &self.time_wait;
            self.time_wait_order
                .retain(|&(_, id)| time_wait.get(id).is_some());
        }
    }

    fn forget_time_wait(&mut self, id: Id) -> bool {
        let Some(over) = self.time_wait.remove(id) else {
            return false;
        };
        self.flows.remove(&over.tuple);
        true
    }

    fn put_half_open(&mut self, id: Id, half_open: HalfOpen) {
        if let Some(place) = self.half_open.get_mut(id) {
            *place = half_open;
        }
    }
}

/// Feeds a listening socket the SYN, and lets it answer, with the sequence number that belongs to
/// the seed. False if it does not listen as it should.
fn replay(
    half_open: &HalfOpen,
    set: &mut SocketSet<'_>,
    handle: smoltcp::iface::SocketHandle,
    mtu: usize,
    out: &mut Out,
    now: Instant,
) -> bool {
    let HalfOpen {
        tuple, syn, seed, ..
    } = half_open;
    let local = IpListenEndpoint {
        addr: Some(IpAddress::Ipv4(tuple.local)),
        port: tuple.local_port,
    };
    if set
        .get_mut::<tcp::Socket<'_>>(handle)
        .listen(local)
        .is_err()
    {
        return false;
    }
    let mut interface = new_interface(*seed, mtu, out, now);
    interface.update_ip_addrs(|addresses| {
        let _ = addresses.push(IpCidr::new(IpAddress::Ipv4(tuple.local), 32));
    });
    let repr = TcpRepr {
        src_port: tuple.remote_port,
        dst_port: tuple.local_port,
        control: TcpControl::Syn,
        seq_number: syn.sequence,
        window_len: syn.window_len,
        window_scale: syn.window_scale,
        max_seg_size: syn.max_seg_size.map(whole_words),
        sack_permitted: syn.sack_permitted,
        ..plain_segment()
    };
    let mut bytes = [0; 80];
    let len = emit(&repr, tuple.remote, tuple.local, &mut bytes);
    let mut port = Port {
        incoming: Some(&bytes[..len]),
        out,
        capabilities: port_capabilities(mtu),
    };
    interface.poll_ingress_single(now, &mut port, set);
    interface.poll_egress(now, &mut port, set);
    true
}

/// A segment's fields, if it is well-formed and the packet's checksum is right. Its own has been looked at before, if it
/// had to be.
pub(crate) fn parse<'a>(packet: &Packet<'a>) -> Option<TcpRepr<'a>> {
    let ip = smoltcp::wire::Ipv4Packet::new_checked(packet.bytes).ok()?;
    if !ip.verify_checksum() {
        return None;
    }
    let segment = TcpPacket::new_checked(packet.payload).ok()?;
    let (source, destination) = (
        IpAddress::Ipv4(packet.source),
        IpAddress::Ipv4(packet.destination),
    );
    let mut checksums = ChecksumCapabilities::default();
    checksums.tcp = Checksum::None;
    TcpRepr::parse(&segment, &source, &destination, &checksums).ok()
}

fn plain_segment() -> TcpRepr<'static> {
    TcpRepr {
        src_port: 0,
        dst_port: 0,
        control: TcpControl::None,
        seq_number: TcpSeqNumber(0),
        ack_number: None,
        window_len: 0,
        window_scale: None,
        max_seg_size: None,
        sack_permitted: false,
        sack_ranges: [None; 3],
        timestamp: None,
        payload: &[],
    }
}

/// Writes a segment as an IP packet; its length.
fn emit(repr: &TcpRepr<'_>, from: Ipv4Addr, to: Ipv4Addr, bytes: &mut [u8; 80]) -> usize {
    let checksums = ChecksumCapabilities::default();
    let (from, to) = (IpAddress::Ipv4(from), IpAddress::Ipv4(to));
    let ip = IpRepr::new(from, to, IpProtocol::Tcp, repr.buffer_len(), 64);
    ip.emit(&mut bytes[..], &checksums);
    let start = ip.header_len();
    let len = start + repr.buffer_len();
    repr.emit(
        &mut TcpPacket::new_unchecked(&mut bytes[start..len]),
        &from,
        &to,
        &checksums,
    );
    len
}

fn unicast(ip: Ipv4Addr) -> bool {
    !(ip.is_broadcast() || ip.is_multicast() || ip.is_unspecified())
}
