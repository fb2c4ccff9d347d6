//! UDP ports.

use alloc::vec;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;

use smoltcp::iface::SocketSet;
use smoltcp::socket::udp;
use smoltcp::time::Instant;
use smoltcp::wire::{IpAddress, IpEndpoint};

use crate::Error;
use crate::budget::{OwnerId, SOCKET_LEN};
use crate::event::{Signals, UdpId};
use crate::packet::{Packet, be16};
use crate::stack::{Cause, Kind, Socket, Stack, instant};

/// Bytes and datagrams that a port buffers in each direction.
const BUFFER_LEN: usize = 16 * 1024;
const DATAGRAMS: usize = 32;

impl Stack {
    /// Takes a UDP port; 0 is any free one. Errors: `AddrInUse`, `ServerLimit`.
    pub fn udp_bind(&mut self, owner: OwnerId, port: u16) -> Result<UdpId, Error> {
        let port = match port {
            0 => (0..64)
                .map(|_| 49152 + (self.random.next_u32() % 16384) as u16)
                .find(|port| !self.udp_ports.contains_key(port))
                .ok_or(Error::AddrInUse)?,
            port if self.udp_ports.contains_key(&port) || port == 68 => {
                return Err(Error::AddrInUse);
            }
            port => port,
        };
        let charge = 2 * BUFFER_LEN + SOCKET_LEN;
        self.charge(owner.0, charge)?;
        let buffer = || {
            udp::PacketBuffer::new(
                vec![udp::PacketMetadata::EMPTY; DATAGRAMS],
                vec![0; BUFFER_LEN],
            )
        };
        let mut socket = udp::Socket::new(buffer(), buffer());
        // The port is not zero and the socket is new: nothing to refuse.
        let _ = socket.bind(port);
        let mut set = SocketSet::new(vec::Vec::with_capacity(1));
        let handle = set.add(socket);
        let entry = Socket {
            set,
            handle,
            owner: Some(owner.0),
            charge,
            dirty: false,
            eager: false,
            signals: Signals::default(),
            kind: Kind::Udp {
                port,
                wants_datagram: true,
            },
        };
        let Some(id) = self.sockets.insert(entry) else {
            self.refund(owner.0, charge);
            return Err(Error::ServerLimit);
        };
        self.udp_ports.insert(port, id);
        Ok(UdpId(id))
    }

    /// The port's number.
    pub fn udp_port(&self, id: UdpId) -> Option<u16> {
        match self.sockets.get(id.0)?.kind {
            Kind::Udp { port, .. } => Some(port),
            _ => None,
        }
    }

    /// Sends a datagram. `Ok(false)` if the port's buffer is full. Errors: `InvalidArgument` for
    /// an address or length that cannot be, `BadHandle`.
    pub fn udp_send(
        &mut self,
        id: UdpId,
        to: SocketAddrV4,
        data: &[u8],
        now: Duration,
    ) -> Result<bool, Error> {
        let most = self.mtu - 28;
        let socket = self
            .sockets
            .get_mut(id.0)
            .filter(|socket| socket.is_udp())
            .ok_or(Error::BadHandle)?;
        if data.len() > most {
            // It would have to be sent in fragments.
            return Err(Error::MessageTooLong);
        }
        let endpoint = IpEndpoint::new(IpAddress::Ipv4(*to.ip()), to.port());
        match socket.udp().send_slice(data, endpoint) {
            Ok(()) => {}
            Err(udp::SendError::BufferFull) => return Ok(false),
            Err(udp::SendError::Unaddressable) => return Err(Error::InvalidArgument),
        }
        self.settle(id.0, Cause::Owner, instant(now));
        Ok(true)
    }

    /// Takes a datagram: its sender and its length, which may be more than `buffer` holds; then
    /// the rest is lost. `Ok(None)` if there is none.
    pub fn udp_receive(
        &mut self,
        id: UdpId,
        buffer: &mut [u8],
    ) -> Result<Option<(SocketAddrV4, usize)>, Error> {
        let socket = self
            .sockets
            .get_mut(id.0)
            .filter(|socket| socket.is_udp())
            .ok_or(Error::BadHandle)?;
        match socket.udp().recv() {
            Ok((data, meta)) => {
                let len = data.len().min(buffer.len());
                buffer[..len].copy_from_slice(&data[..len]);
                let IpAddress::Ipv4(ip) = meta.endpoint.addr;
                Ok(Some((
                    SocketAddrV4::new(ip, meta.endpoint.port),
                    data.len(),
                )))
            }
            Err(_) => {
                if let Kind::Udp { wants_datagram, .. } = &mut socket.kind {
                    *wants_datagram = true;
                }
                Ok(None)
            }
        }
    }

    /// Gives a port back.
    pub fn udp_close(&mut self, id: UdpId) {
        let Some(port) = self.udp_port(id) else {
            return;
        };
        self.udp_ports.remove(&port);
        self.timers.set(id.0.index, None);
        if let Some(socket) = self.sockets.remove(id.0)
            && let Some(owner) = socket.owner
        {
            self.refund(owner, socket.charge);
        }
    }

    pub(crate) fn receive_udp(&mut self, packet: Packet<'_>, unicast: bool, now: Instant) {
        let (Some(source_port), Some(port)) = (be16(packet.payload, 0), be16(packet.payload, 2))
        else {
            self.statistics.malformed += 1;
            return;
        };
        if let Some(&id) = self.udp_ports.get(&port) {
            let waiting = self
                .sockets
                .get_mut(id)
                .map(|socket| socket.udp().recv_queue());
            self.give(&packet, Some(id), now);
            if let (Some(before), Some(socket)) = (waiting, self.sockets.get_mut(id)) {
                let empty = packet.payload.len() <= 8;
                if socket.udp().recv_queue() == before && !empty {
                    self.statistics.datagrams_dropped += 1;
                }
            }
        } else if source_port == 53 && self.names.is_server(packet.source) {
            self.give(&packet, self.names.socket(), now);
        } else {
            self.statistics.unknown_port += 1;
            // Nobody is told about a datagram to everybody.
            if unicast && packet.source != Ipv4Addr::UNSPECIFIED {
                self.give(&packet, None, now);
            }
        }
    }
}
