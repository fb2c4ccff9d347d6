//! UDP ports, and requests that the network answers later: names and echoes.

use super::*;

impl Server {
    pub(super) fn bind(&mut self, owner: OwnerId, port: u16) -> Result<(udp_socket::Client, u16)> {
        let stack = self.stack.as_mut().ok_or(Error::Unreachable)?;
        let (theirs, ours) = udp_socket::channel()?;
        let id = stack.udp_bind(owner, port)?;
        self.fresh.push_back(Fresh::Udp(ours.clone(), id.index()));
        let port = stack.udp_port(id).unwrap_or(port);
        put(
            &mut self.udp,
            id.index(),
            Udp {
                id,
                client: owner,
                channel: ours,
            },
        );
        Ok((theirs, port))
    }

    /// A request on a UDP port's channel.
    pub fn udp_message(&mut self, index: usize, message: udp_socket::ToServer<'_>) {
        let (Some(stack), Some(Some(udp))) = (&mut self.stack, self.udp.get(index)) else {
            return;
        };
        let udp_socket::ToServer::Send(request, reply) = message;
        let to = SocketAddrV4::new(Ipv4Addr::from_bits(request.to.ip), request.to.port);
        let _ = match stack.udp_send(udp.id, to, request.data, self.now) {
            Ok(true) => reply.ok(),
            Ok(false) => reply.error(Error::QueueFull),
            Err(error) => reply.error(error),
        };
    }

    pub(super) fn datagrams(&mut self, id: UdpId) {
        let (Some(stack), Some(Some(udp))) = (&mut self.stack, self.udp.get(id.index())) else {
            return;
        };
        let mut buffer = [0; 1472];
        while let Ok(Some((remote, len))) = stack.udp_receive(id, &mut buffer) {
            let _ = udp
                .channel
                .datagram(address(remote), &buffer[..len.min(1472)]);
        }
    }

    /// The client gives a UDP port back.
    pub fn close_udp(&mut self, index: usize) {
        if let (Some(udp), Some(stack)) = (
            self.udp.get_mut(index).and_then(Option::take),
            &mut self.stack,
        ) {
            stack.udp_close(udp.id);
        }
    }

    pub(super) fn echoed(&mut self, id: EchoId, result: Result<Duration>) {
        let Some(at) = self.pings.iter().position(|ping| ping.0 == id) else {
            return;
        };
        let (_, reply) = self.pings.swap_remove(at);
        // Who has asked may be gone.
        let _ = match result {
            Ok(took) => reply.ok(took.as_nanos() as u64),
            Err(error) => reply.error(error),
        };
    }

    pub(super) fn resolved(&mut self, id: QueryId, result: Result<Vec<Ipv4Addr>>) {
        let Some(at) = self.queries.iter().position(|query| query.0 == id) else {
            return;
        };
        let (_, reply) = self.queries.swap_remove(at);
        let _ = match result {
            Ok(addresses) => {
                let bits: Vec<u32> = addresses.iter().take(8).map(|ip| ip.to_bits()).collect();
                reply.ok(&bits[..])
            }
            Err(error) => reply.error(error),
        };
    }
}
