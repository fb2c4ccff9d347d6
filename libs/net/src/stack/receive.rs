//! What comes in: whom a frame concerns.

use core::time::Duration;

use smoltcp::time::Instant;
use smoltcp::wire::IpProtocol;

use super::{Stack, instant};
use crate::Error;
use crate::checksum;
use crate::out::Frame;
use crate::packet::{Packet, Seen, be16, look};
use crate::tcp::Tuple;

impl Stack {
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

    /// Receives a frame of our own.
    pub(super) fn receive_own(&mut self, frame: Frame, now: Instant) {
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
        let handled = self.receive_unreachable(&packet).is_some();
        if handled {
            self.statistics.icmp_errors += 1;
        } else {
            self.statistics.icmp_errors_ignored += 1;
        }
    }

    fn receive_unreachable(&mut self, packet: &Packet<'_>) -> Option<()> {
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
                self.tcp_unreachable(tuple, payload, code)
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
}
