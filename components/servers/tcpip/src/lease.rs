//! What this component leaves for its next life: the address that a DHCP server has lent it. So a
//! restarted tcpip is there again at once, and clients need not wait for the server.
//!
//! The bytes come back from init, which keeps them for whoever runs under our name: what does not
//! fit in every way is as good as none.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use ftl::prelude::*;
use net::{Address, Lease};

/// Changes with the format.
const VERSION: u8 = 1;
const GATEWAY_NONE: Ipv4Addr = Ipv4Addr::UNSPECIFIED;
const DNS_SERVERS_MAX: usize = 4;

/// Leaves a lease to the next life. Without one, there is nothing to be left.
pub fn save(lease: Option<&Lease>, mac: [u8; 6]) {
    let bytes = lease.map_or_else(Vec::new, |lease| encode(lease, mac));
    if let Err(error) = ftl::bootstrap::save_state(&bytes) {
        debug!("cannot leave the lease with init: {error}");
    }
}

pub fn encode(lease: &Lease, mac: [u8; 6]) -> Vec<u8> {
    let Address {
        ip,
        prefix_len,
        gateway,
        dns_servers,
    } = &lease.address;
    let mut bytes = Vec::with_capacity(64);
    bytes.push(VERSION);
    bytes.extend(mac);
    bytes.extend((lease.until.as_nanos() as u64).to_le_bytes());
    bytes.push(*prefix_len);
    bytes.extend(ip.octets());
    bytes.extend(gateway.unwrap_or(GATEWAY_NONE).octets());
    for server in dns_servers.iter().take(DNS_SERVERS_MAX) {
        bytes.extend(server.octets());
    }
    bytes
}

/// The lease in what an earlier life left behind, if that had the same network device.
pub fn decode(bytes: &[u8], mac: [u8; 6]) -> Option<Lease> {
    let (&[version], rest) = bytes.split_first_chunk::<1>()?;
    let (owner, rest) = rest.split_first_chunk::<6>()?;
    let (until, rest) = rest.split_first_chunk::<8>()?;
    let (&[prefix_len], rest) = rest.split_first_chunk::<1>()?;
    let (addresses, cut) = rest.as_chunks::<4>();
    let mut addresses = addresses.iter().map(|&octets| Ipv4Addr::from(octets));
    let (ip, gateway) = (addresses.next()?, addresses.next()?);
    if version != VERSION || *owner != mac || prefix_len > 32 || !cut.is_empty() {
        return None;
    }
    Some(Lease {
        address: Address {
            ip,
            prefix_len,
            gateway: (gateway != GATEWAY_NONE).then_some(gateway),
            dns_servers: addresses.take(DNS_SERVERS_MAX).collect(),
        },
        until: Duration::from_nanos(u64::from_le_bytes(*until)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_comes_back_whole_or_not_at_all() {
        let mac = [2, 0, 0, 0, 0, 1];
        let mut lease = Lease {
            address: Address {
                ip: Ipv4Addr::new(10, 0, 2, 15),
                prefix_len: 24,
                gateway: None,
                dns_servers: Vec::new(),
            },
            until: Duration::from_secs(86_400),
        };
        assert_eq!(decode(&encode(&lease, mac), mac), Some(lease.clone()));
        lease.address.gateway = Some(Ipv4Addr::new(10, 0, 2, 2));
        lease.address.dns_servers.push(Ipv4Addr::new(10, 0, 2, 3));
        let bytes = encode(&lease, mac);
        assert_eq!(decode(&bytes, mac), Some(lease));
        // Another device, another version, or cut anywhere but between name servers.
        assert_eq!(decode(&bytes, [2, 0, 0, 0, 0, 9]), None);
        assert_eq!(decode(&[&[9], &bytes[1..]].concat(), mac), None);
        for len in 0..bytes.len() {
            assert!(decode(&bytes[..len], mac).is_none() || len == bytes.len() - 4);
        }
    }
}
