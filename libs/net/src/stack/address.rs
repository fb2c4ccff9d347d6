//! The address: what it is, and what changes with it.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpCidr};

use super::{Stack, duration};
use crate::config::{Address, Lease};
use crate::event::Signal;
use crate::table::Id;

impl Stack {
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

    /// Whether this is an address of this machine.
    pub(crate) fn is_own(&self, ip: Ipv4Addr) -> bool {
        ip == Ipv4Addr::LOCALHOST || self.address.as_ref().is_some_and(|own| own.ip == ip)
    }

    pub(super) fn poll_dhcp(&mut self, now: Instant) {
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
    pub(super) fn set_address(&mut self, address: Option<Address>) {
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
    pub(super) fn name_addresses(&mut self) {
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
