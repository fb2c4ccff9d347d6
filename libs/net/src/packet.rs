//! The first look at a frame: enough to know whom it concerns. smoltcp looks at it properly after.

use core::net::Ipv4Addr;

use smoltcp::wire::{EthernetAddress, EthernetFrame, EthernetProtocol, IpProtocol, Ipv4Packet};

/// What a frame is.
pub(crate) enum Seen<'a> {
    Arp(&'a [u8]),
    Ip(Packet<'a>),
    Fragment,
    Malformed,
    NotForUs,
}

/// An IPv4 packet.
pub(crate) struct Packet<'a> {
    pub from: EthernetAddress,
    /// Exactly the packet, without the padding of short frames.
    pub bytes: &'a [u8],
    pub source: Ipv4Addr,
    pub destination: Ipv4Addr,
    pub protocol: IpProtocol,
    pub payload: &'a [u8],
}

pub(crate) fn look<'a>(frame: &'a [u8], own: EthernetAddress) -> Seen<'a> {
    let Ok(ethernet) = EthernetFrame::new_checked(frame) else {
        return Seen::Malformed;
    };
    let from = ethernet.src_addr();
    if ethernet.dst_addr() != own && !ethernet.dst_addr().is_broadcast() || !from.is_unicast() {
        return Seen::NotForUs;
    }
    match ethernet.ethertype() {
        EthernetProtocol::Arp => Seen::Arp(ethernet.payload()),
        EthernetProtocol::Ipv4 => {
            let payload = ethernet.payload();
            let Ok(ip) = Ipv4Packet::new_checked(payload) else {
                return Seen::Malformed;
            };
            if ip.version() != 4 {
                return Seen::Malformed;
            }
            if ip.more_frags() || ip.frag_offset() != 0 {
                return Seen::Fragment;
            }
            Seen::Ip(Packet {
                from,
                // `new_checked` has compared both lengths with the slice.
                bytes: &payload[..ip.total_len() as usize],
                source: ip.src_addr(),
                destination: ip.dst_addr(),
                protocol: ip.next_header(),
                payload: &payload[ip.header_len() as usize..ip.total_len() as usize],
            })
        }
        _ => Seen::NotForUs,
    }
}

/// Two bytes, big-endian.
pub(crate) fn be16(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// Four bytes, big-endian.
pub(crate) fn be32(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}
