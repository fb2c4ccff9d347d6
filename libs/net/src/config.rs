//! How a stack is set up.

use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::time::Duration;

/// What a stack is told at its start.
#[derive(Clone, Debug)]
pub struct Config {
    /// The network device's address.
    pub mac: [u8; 6],
    /// Most bytes of an IP packet; 1500 on Ethernet.
    pub mtu: u16,
    /// Where the IP address comes from.
    pub addressing: Addressing,
    /// Fresh random bytes. The same seed and the same input give the same output.
    pub seed: [u8; 32],
    /// How many of what.
    pub limits: Limits,
}

/// Where the IP address comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Addressing {
    /// Asked for with DHCP. What an earlier life was lent is used at once if it is still good; the
    /// server is asked all the same.
    Dhcp(Option<Lease>),
    /// Set by hand.
    Static(Address),
}

/// An address and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// Ours.
    pub ip: Ipv4Addr,
    /// Leading bits that all of the local network share.
    pub prefix_len: u8,
    /// Who forwards what goes elsewhere.
    pub gateway: Option<Ipv4Addr>,
    /// Who answers names; at most four are used.
    pub dns_servers: Vec<Ipv4Addr>,
}

impl Address {
    /// Whether this address is in the local network.
    pub fn is_local(&self, ip: Ipv4Addr) -> bool {
        let mask = u32::MAX
            .checked_shl(32 - self.prefix_len.min(32) as u32)
            .unwrap_or(0);
        (ip.to_bits() ^ self.ip.to_bits()) & mask == 0
    }

    /// Whether a packet to this address goes to everybody.
    pub(crate) fn is_broadcast(&self, ip: Ipv4Addr) -> bool {
        let host = u32::MAX.checked_shr(self.prefix_len as u32).unwrap_or(0);
        ip.is_broadcast()
            || (self.prefix_len < 31 && self.is_local(ip) && ip.to_bits() & host == host)
    }

    /// To whom a packet goes first on its way.
    pub(crate) fn next_hop(&self, ip: Ipv4Addr) -> Option<Ipv4Addr> {
        if self.is_local(ip) {
            Some(ip)
        } else {
            self.gateway
        }
    }
}

/// An address that a DHCP server lent, for a later life of the same machine's stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// The address.
    pub address: Address,
    /// Until when it may be used, since boot.
    pub until: Duration,
}

/// Limits of the whole stack; each owner has its own [`crate::Budget`], too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Sockets with buffers: connections, UDP ports.
    pub sockets_max: usize,
    /// Listening ports.
    pub listeners_max: usize,
    /// Connections of which only the SYN has come. The oldest makes way.
    pub half_open_max: usize,
    /// Connections that are over and are remembered for stragglers. The oldest makes way.
    pub time_wait_max: usize,
    /// Answers that wait for the driver.
    pub replies_max: usize,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            sockets_max: 4096,
            listeners_max: 256,
            half_open_max: 1024,
            time_wait_max: 4096,
            replies_max: 64,
        }
    }
}
