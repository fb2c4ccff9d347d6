//! The DHCP client: smoltcp's, on an Ethernet interface of its own, so that nothing else has to
//! work before there is an address.

use alloc::vec::Vec;

use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::phy::Medium;
use smoltcp::socket::dhcpv4;
use smoltcp::time::Duration;
use smoltcp::time::Instant;
use smoltcp::wire::{
    DhcpMessageType, DhcpPacket, DhcpRepr, EthernetAddress, EthernetFrame, HardwareAddress, IpCidr,
    Ipv4Packet, UdpPacket,
};

use crate::config::Address;
use crate::out::{Out, Port, capabilities};

/// How long a lease is whose server does not say: as smoltcp has it.
const LEASE_DEFAULT: Duration = Duration::from_secs(120);

pub(crate) struct Dhcp {
    mac: EthernetAddress,
    interface: Interface,
    set: SocketSet<'static>,
    handle: SocketHandle,
    mtu: usize,
    /// When it wants to be polled next.
    pub deadline: Option<Instant>,
    /// Until when the address may be used, by the server's last word.
    pub lease_until: Option<Instant>,
    /// The address comes from an earlier life: the server has not confirmed it to this one.
    inherited: bool,
}

impl Dhcp {
    pub fn new(mac: EthernetAddress, mtu: usize, seed: u64, out: &mut Out, now: Instant) -> Dhcp {
        let mut config = smoltcp::iface::Config::new(HardwareAddress::Ethernet(mac));
        config.random_seed = seed;
        let mut port = Port {
            incoming: None,
            out,
            capabilities: capabilities(Medium::Ethernet, mtu),
        };
        let interface = Interface::new(config, &mut port, now);
        let mut set = SocketSet::new(Vec::with_capacity(1));
        let handle = set.add(dhcpv4::Socket::new());
        Dhcp {
            mac,
            interface,
            set,
            handle,
            mtu,
            deadline: Some(now),
            lease_until: None,
            inherited: false,
        }
    }

    /// Goes on with an address from an earlier life until then. The server is asked all the same.
    pub fn inherit(&mut self, until: Instant) {
        self.lease_until = Some(until);
        self.inherited = true;
    }

    /// Hands it a frame: one to its port, or an ARP answer.
    pub fn receive(&mut self, out: &mut Out, frame: &[u8], now: Instant) {
        let mut port = Port {
            incoming: Some(frame),
            out,
            capabilities: capabilities(Medium::Ethernet, self.mtu),
        };
        self.interface
            .poll_ingress_single(now, &mut port, &mut self.set);
        self.deadline = Some(now);
        if let Some(len) = lease_len(frame, self.mac) {
            self.lease_until = Some(now + len);
        }
    }

    /// Does what is due. The new address, or its loss, if that has changed.
    pub fn poll(&mut self, out: &mut Out, now: Instant) -> Option<Option<Address>> {
        if self.deadline.is_none_or(|deadline| deadline > now) {
            return None;
        }
        let mut port = Port {
            incoming: None,
            out,
            capabilities: capabilities(Medium::Ethernet, self.mtu),
        };
        self.interface.poll_egress(now, &mut port, &mut self.set);
        let mut changed = None;
        let address = match self.set.get_mut::<dhcpv4::Socket>(self.handle).poll() {
            None => None,
            // smoltcp begins by saying that there is none.
            Some(dhcpv4::Event::Deconfigured) if self.inherited => None,
            Some(dhcpv4::Event::Deconfigured) => Some(None),
            Some(dhcpv4::Event::Configured(config)) => Some(Some((
                config.address,
                config.router,
                config.dns_servers.iter().copied().collect::<Vec<_>>(),
            ))),
        };
        let expired = self.inherited && self.lease_until.is_some_and(|until| until <= now);
        let address = address.or(expired.then_some(None));
        if let Some(address) = address {
            self.inherited = false;
            if address.is_none() {
                self.lease_until = None;
            }
            self.interface.update_ip_addrs(|addresses| {
                addresses.clear();
                if let Some((cidr, ..)) = &address {
                    let _ = addresses.push(IpCidr::Ipv4(*cidr));
                }
            });
            changed = Some(address.map(|(cidr, gateway, dns_servers)| Address {
                ip: cidr.address(),
                prefix_len: cidr.prefix_len(),
                gateway,
                dns_servers,
            }));
        }
        // Never at once again: if it has more to say, it can wait that long.
        let soon = now + smoltcp::time::Duration::from_millis(10);
        self.deadline = self
            .interface
            .poll_at(now, &self.set)
            .into_iter()
            .chain(self.lease_until.filter(|_| self.inherited))
            .min()
            .map(|at| at.max(soon));
        changed
    }
}

/// If this is the server's consent to our having an address: for how long.
fn lease_len(frame: &[u8], mac: EthernetAddress) -> Option<Duration> {
    let ethernet = EthernetFrame::new_checked(frame).ok()?;
    let ip = Ipv4Packet::new_checked(ethernet.payload()).ok()?;
    let udp = UdpPacket::new_checked(ip.payload()).ok()?;
    let packet = DhcpPacket::new_checked(udp.payload()).ok()?;
    let answer = DhcpRepr::parse(&packet).ok()?;
    if answer.message_type != DhcpMessageType::Ack || answer.client_hardware_address != mac {
        return None;
    }
    Some(
        answer
            .lease_duration
            .map_or(LEASE_DEFAULT, |seconds| Duration::from_secs(seconds.into())),
    )
}
