//! The DHCP client: smoltcp's, on an Ethernet interface of its own, so that nothing else has to
//! work before there is an address.

use alloc::vec::Vec;

use smoltcp::iface::{Interface, SocketHandle, SocketSet};
use smoltcp::phy::Medium;
use smoltcp::socket::dhcpv4;
use smoltcp::time::Instant;
use smoltcp::wire::{EthernetAddress, HardwareAddress, IpCidr};

use crate::config::Address;
use crate::out::{Out, Port, capabilities};

pub(crate) struct Dhcp {
    interface: Interface,
    set: SocketSet<'static>,
    handle: SocketHandle,
    mtu: usize,
    /// When it wants to be polled next.
    pub deadline: Option<Instant>,
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
            interface,
            set,
            handle,
            mtu,
            deadline: Some(now),
        }
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
            Some(dhcpv4::Event::Deconfigured) => Some(None),
            Some(dhcpv4::Event::Configured(config)) => Some(Some((
                config.address,
                config.router,
                config.dns_servers.iter().copied().collect::<Vec<_>>(),
            ))),
        };
        if let Some(address) = address {
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
            .map(|at| at.max(soon));
        changed
    }
}
