//! Who has which Ethernet address (ARP, RFC 826).
//!
//! Ours and not smoltcp's, which knows eight neighbours, asks for one a second, whoever wants it,
//! and forgets a packet that has to wait. Here each neighbour has its own timer, the packets that
//! wait for it are kept, a few of them, and leave as soon as the answer comes.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use hashbrown::HashMap;
use smoltcp::time::{Duration, Instant};
use smoltcp::wire::{
    ArpOperation, ArpPacket, ArpRepr, EthernetAddress, EthernetFrame, EthernetProtocol,
};

use crate::hash::Keyed;
use crate::out::{ETHERNET_LEN, Frame, Out};

/// Most neighbours that are remembered. The one heard from longest ago makes way.
const NEIGHBORS_MAX: usize = 256;
/// Frames that wait for one neighbour.
const WAITING_MAX: usize = 16;
/// Neighbours that frames may wait for at once.
const RESOLVING_MAX: usize = 32;
/// How long an answer is taken for true, and how long it is used while asking again.
const FRESH: Duration = Duration::from_secs(60);
/// How long one packet from a neighbour stands for those that follow it.
const RECENT: Duration = Duration::from_secs(1);
const ASK_INTERVAL: Duration = Duration::from_secs(1);
const ASKS_MAX: u8 = 4;

struct Neighbor {
    /// Where it is; unknown while the first answer is out.
    address: Option<EthernetAddress>,
    confirmed_at: Instant,
    /// Requests sent without an answer, and when to send the next or give up.
    asks: u8,
    ask_at: Option<Instant>,
    waiting: Vec<Frame>,
}

/// The table of neighbours.
pub(crate) struct Neighbors {
    own: EthernetAddress,
    table: HashMap<Ipv4Addr, Neighbor, Keyed>,
    /// How many are being asked for; only then is the table walked for due timers.
    asking: Vec<Ipv4Addr>,
    /// Who was confirmed last, where he is, and until when that need not be looked up again.
    recent: Option<(Ipv4Addr, EthernetAddress, Instant)>,
    pub unresolved: u64,
}

impl Neighbors {
    pub fn new(own: EthernetAddress, hash: Keyed) -> Neighbors {
        Neighbors {
            own,
            table: HashMap::with_hasher(hash),
            asking: Vec::new(),
            recent: None,
            unresolved: 0,
        }
    }

    /// Addresses the newest frame in `out` to `next_hop`, or keeps it until that is known.
    pub fn address_newest(
        &mut self,
        out: &mut Out,
        next_hop: Ipv4Addr,
        own_ip: Ipv4Addr,
        now: Instant,
    ) {
        if let Some(recent) = self.recent(next_hop, now) {
            if let Some(frame) = out.newest() {
                write_header(frame.bytes_mut(), self.own, recent);
            }
            return;
        }
        let known = self
            .table
            .get(&next_hop)
            .and_then(|n| n.address.map(|a| (a, n.confirmed_at, n.ask_at)));
        if let Some((address, confirmed_at, ask_at)) = known {
            if let Some(frame) = out.newest() {
                write_header(frame.bytes_mut(), self.own, address);
            }
            if now >= confirmed_at + FRESH && ask_at.is_none() {
                self.start_asking(out, next_hop, own_ip, now);
            }
            return;
        }
        let Some(frame) = out.pop_newest() else {
            return;
        };
        if !self.table.contains_key(&next_hop) {
            if self.asking.len() >= RESOLVING_MAX {
                // The one asked for longest ago makes way, so that questions nobody answers
                // shut nobody out.
                let oldest = self.asking.remove(0);
                self.give_up(out, oldest);
            }
            self.make_room();
            self.table.insert(
                next_hop,
                Neighbor {
                    address: None,
                    confirmed_at: now,
                    asks: 0,
                    ask_at: None,
                    waiting: Vec::new(),
                },
            );
            self.start_asking(out, next_hop, own_ip, now);
        }
        match self.table.get_mut(&next_hop) {
            Some(neighbor) if neighbor.waiting.len() < WAITING_MAX => neighbor.waiting.push(frame),
            _ => {
                self.unresolved += 1;
                out.recycle(frame);
            }
        }
    }

    /// Addresses the newest frame to whoever sent the frame that it answers.
    pub fn address_reply(&self, out: &mut Out, to: EthernetAddress) {
        if let Some(frame) = out.newest() {
            write_header(frame.bytes_mut(), self.own, to);
        }
    }

    /// A packet came from this neighbour, so it is still where it was.
    pub fn confirm(&mut self, ip: Ipv4Addr, address: EthernetAddress, now: Instant) {
        if self.recent(ip, now) == Some(address) {
            return;
        }
        if let Some(neighbor) = self.table.get_mut(&ip)
            && neighbor.address == Some(address)
        {
            neighbor.confirmed_at = now;
            self.recent = Some((ip, address, now + RECENT));
        }
    }

    /// Where a neighbour is who was confirmed just now.
    fn recent(&self, ip: Ipv4Addr, now: Instant) -> Option<EthernetAddress> {
        match self.recent {
            Some((neighbor, address, until)) if neighbor == ip && now < until => Some(address),
            _ => None,
        }
    }

    /// Somebody behind this neighbour has answered what was sent to this address, with a number that
    /// only the receiver could know: a better proof than an ARP answer. So a server need not ask
    /// for those who come to it.
    pub fn prove(&mut self, out: &mut Out, ip: Ipv4Addr, address: EthernetAddress, now: Instant) {
        if !self.table.contains_key(&ip) {
            self.make_room();
        }
        let neighbor = self.table.entry(ip).or_insert(Neighbor {
            address: None,
            confirmed_at: now,
            asks: 0,
            ask_at: None,
            waiting: Vec::new(),
        });
        if neighbor.address.is_some_and(|known| known != address) {
            // It is for ARP to say that somebody has moved.
            return;
        }
        self.found(out, ip, address, now);
    }

    /// Handles an ARP packet. `network` says whether an address is one of the local network's.
    /// False if it was malformed.
    pub fn receive(
        &mut self,
        out: &mut Out,
        packet: &[u8],
        own_ip: Option<Ipv4Addr>,
        network: impl Fn(Ipv4Addr) -> bool,
        now: Instant,
    ) -> bool {
        let Ok(packet) = ArpPacket::new_checked(packet) else {
            return false;
        };
        let Ok(ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr,
            source_protocol_addr,
            target_protocol_addr,
            ..
        }) = ArpRepr::parse(&packet)
        else {
            return false;
        };
        let Some(own_ip) = own_ip else { return true };
        if target_protocol_addr != own_ip
            || source_protocol_addr == own_ip
            || !source_hardware_addr.is_unicast()
            || !network(source_protocol_addr)
        {
            return true;
        }
        // Who asks for us is about to talk to us (RFC 826, "merge"). But only an answer to a
        // question of ours, or a request to us, gets this far; others cannot fill the table.
        if !self.table.contains_key(&source_protocol_addr) {
            self.make_room();
        }
        let neighbor = self.table.entry(source_protocol_addr).or_insert(Neighbor {
            address: None,
            confirmed_at: now,
            asks: 0,
            ask_at: None,
            waiting: Vec::new(),
        });
        neighbor.confirmed_at = now;
        self.found(out, source_protocol_addr, source_hardware_addr, now);
        if operation == ArpOperation::Request {
            self.send(
                out,
                ArpOperation::Reply,
                own_ip,
                source_hardware_addr,
                source_protocol_addr,
            );
        }
        true
    }

    /// Remembers where a neighbour is, and sends what waited for it.
    fn found(&mut self, out: &mut Out, ip: Ipv4Addr, address: EthernetAddress, now: Instant) {
        let Some(neighbor) = self.table.get_mut(&ip) else {
            return;
        };
        self.recent = None;
        neighbor.address = Some(address);
        neighbor.confirmed_at = now;
        neighbor.asks = 0;
        if neighbor.ask_at.take().is_some() {
            self.asking.retain(|&other| other != ip);
        }
        for mut frame in core::mem::take(&mut neighbor.waiting) {
            write_header(frame.bytes_mut(), self.own, address);
            out.push(frame);
        }
    }

    /// Asks again, or gives up.
    pub fn poll(&mut self, out: &mut Out, own_ip: Option<Ipv4Addr>, now: Instant) {
        let mut i = 0;
        while i < self.asking.len() {
            let ip = self.asking[i];
            let due = self
                .table
                .get(&ip)
                .and_then(|n| n.ask_at)
                .is_some_and(|at| at <= now);
            if !due {
                i += 1;
                continue;
            }
            self.asking.remove(i);
            let give_up =
                self.table.get(&ip).is_none_or(|n| n.asks >= ASKS_MAX) || own_ip.is_none();
            if give_up {
                self.give_up(out, ip);
            } else if let Some(own_ip) = own_ip {
                self.start_asking(out, ip, own_ip, now);
            }
        }
    }

    pub fn deadline(&self) -> Option<Instant> {
        self.asking
            .iter()
            .filter_map(|ip| self.table.get(ip)?.ask_at)
            .min()
    }

    /// Forgets everybody: the address changed.
    pub fn clear(&mut self, out: &mut Out) {
        for (_, neighbor) in self.table.drain() {
            neighbor
                .waiting
                .into_iter()
                .for_each(|frame| out.recycle(frame));
        }
        self.asking.clear();
        self.recent = None;
    }

    fn give_up(&mut self, out: &mut Out, ip: Ipv4Addr) {
        self.recent = None;
        if let Some(neighbor) = self.table.remove(&ip) {
            self.unresolved += neighbor.waiting.len() as u64;
            neighbor
                .waiting
                .into_iter()
                .for_each(|frame| out.recycle(frame));
        }
    }

    fn start_asking(&mut self, out: &mut Out, ip: Ipv4Addr, own_ip: Ipv4Addr, now: Instant) {
        let Some(neighbor) = self.table.get_mut(&ip) else {
            return;
        };
        neighbor.asks += 1;
        neighbor.ask_at = Some(now + ASK_INTERVAL);
        self.asking.push(ip);
        self.send(
            out,
            ArpOperation::Request,
            own_ip,
            EthernetAddress::BROADCAST,
            ip,
        );
    }

    fn send(
        &self,
        out: &mut Out,
        operation: ArpOperation,
        own_ip: Ipv4Addr,
        to: EthernetAddress,
        ip: Ipv4Addr,
    ) {
        let arp = ArpRepr::EthernetIpv4 {
            operation,
            source_hardware_addr: self.own,
            source_protocol_addr: own_ip,
            target_hardware_addr: to,
            target_protocol_addr: ip,
        };
        let own = self.own;
        out.write(ETHERNET_LEN + arp.buffer_len(), |bytes| {
            let mut frame = EthernetFrame::new_unchecked(bytes);
            frame.set_src_addr(own);
            frame.set_dst_addr(to);
            frame.set_ethertype(EthernetProtocol::Arp);
            arp.emit(&mut ArpPacket::new_unchecked(frame.payload_mut()));
        });
    }

    /// Forgets the neighbour heard from longest ago, if the table is full. Walks the table, which
    /// is short and does not grow with the number of sockets.
    fn make_room(&mut self) {
        if self.table.len() < NEIGHBORS_MAX {
            return;
        }
        let oldest = self
            .table
            .iter()
            .filter(|(_, neighbor)| neighbor.ask_at.is_none())
            .min_by_key(|(_, neighbor)| neighbor.confirmed_at)
            .map(|(&ip, _)| ip);
        if let Some(ip) = oldest {
            self.table.remove(&ip);
        }
    }
}

/// Writes the Ethernet header of an IPv4 packet.
pub(crate) fn write_header(frame: &mut [u8], from: EthernetAddress, to: EthernetAddress) {
    let mut frame = EthernetFrame::new_unchecked(frame);
    frame.set_src_addr(from);
    frame.set_dst_addr(to);
    frame.set_ethertype(EthernetProtocol::Ipv4);
}
