//! Echo requests (RFC 792): whether somebody is there, and how far away.
//!
//! Answering those of others is smoltcp's; asking is ours, since an answer concerns no socket.

use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::time::Duration;

use smoltcp::phy::ChecksumCapabilities;
use smoltcp::time::Instant;
use smoltcp::wire::{Icmpv4Packet, Icmpv4Repr, IpProtocol, Ipv4Packet, Ipv4Repr};

use crate::Error;
use crate::event::{EchoId, Signal};
use crate::out::ETHERNET_LEN;
use crate::packet::{Packet, be16};
use crate::stack::{Stack, instant};

/// Questions at once.
const WAITING_MAX: usize = 32;
/// How long an answer is waited for.
const PATIENCE: smoltcp::time::Duration = smoltcp::time::Duration::from_secs(3);
/// Bytes that are to come back, as others send.
const DATA: [u8; 56] = [b'e'; 56];

/// A question that is out.
struct Echo {
    id: EchoId,
    to: Ipv4Addr,
    identifier: u16,
    sequence: u16,
    sent_at: Instant,
}

/// All of them, in the order in which they were sent.
#[derive(Default)]
pub(crate) struct Echoes {
    waiting: Vec<Echo>,
    next: u64,
}

impl Echoes {
    pub fn deadline(&self) -> Option<Instant> {
        Some(self.waiting.first()?.sent_at + PATIENCE)
    }
}

impl Stack {
    /// Asks an address for an echo; [`crate::Event::Echoed`] answers. Errors: `Unreachable` without an address or a way there,
    /// `InvalidArgument` for one that is of no single machine, `ServerLimit`.
    pub fn ping(&mut self, to: Ipv4Addr, now: Duration) -> Result<EchoId, Error> {
        let now = instant(now);
        if to.is_unspecified() || to.is_multicast() || to.is_broadcast() {
            return Err(Error::InvalidArgument);
        }
        let from = match &self.address {
            _ if self.is_own(to) => to,
            Some(address) if address.is_broadcast(to) => return Err(Error::InvalidArgument),
            Some(address) => {
                address.next_hop(to).ok_or(Error::Unreachable)?;
                address.ip
            }
            None => return Err(Error::Unreachable),
        };
        if self.echoes.waiting.len() >= WAITING_MAX {
            return Err(Error::ServerLimit);
        }
        let id = EchoId(self.echoes.next);
        self.echoes.next += 1;
        let identifier = self.random.next_u32() as u16;
        let sequence = id.0 as u16;
        let icmp = Icmpv4Repr::EchoRequest {
            ident: identifier,
            seq_no: sequence,
            data: &DATA,
        };
        let ip = Ipv4Repr {
            src_addr: from,
            dst_addr: to,
            next_header: IpProtocol::Icmp,
            payload_len: icmp.buffer_len(),
            hop_limit: 64,
        };
        let len = ETHERNET_LEN + ip.buffer_len() + icmp.buffer_len();
        let before = self.out.len();
        self.out.write(len, |frame| {
            let checksums = ChecksumCapabilities::default();
            let mut packet = Ipv4Packet::new_unchecked(&mut frame[ETHERNET_LEN..]);
            ip.emit(&mut packet, &checksums);
            let mut inside = Icmpv4Packet::new_unchecked(packet.payload_mut());
            icmp.emit(&mut inside, &checksums);
        });
        if self.out.len() == before {
            return Err(Error::ServerLimit);
        }
        self.finish_newest(None, now);
        self.echoes.waiting.push(Echo {
            id,
            to,
            identifier,
            sequence,
            sent_at: now,
        });
        Ok(id)
    }

    /// Somebody says that they answer. False if nobody has asked them.
    pub(crate) fn receive_echo(&mut self, packet: &Packet<'_>, now: Instant) -> bool {
        let is_right = Icmpv4Packet::new_checked(packet.payload)
            .is_ok_and(|icmp| icmp.verify_checksum() && packet.payload.get(8..) == Some(&DATA[..]));
        is_right
            && self.end_echo(packet.source, packet.payload, |sent_at| {
                Ok(Duration::from_micros((now - sent_at).total_micros()))
            })
    }

    /// Ends the question to this address with the identifier and the number in this ICMP header.
    pub(crate) fn end_echo(
        &mut self,
        to: Ipv4Addr,
        header: &[u8],
        result: impl FnOnce(Instant) -> Result<Duration, Error>,
    ) -> bool {
        let (identifier, sequence) = (be16(header, 4), be16(header, 6));
        let mut waiting = self.echoes.waiting.iter();
        let Some(at) = waiting.position(|echo| {
            (echo.to, Some(echo.identifier), Some(echo.sequence)) == (to, identifier, sequence)
        }) else {
            return false;
        };
        let echo = self.echoes.waiting.remove(at);
        let result = result(echo.sent_at);
        self.signals.push_back(Signal::Echo(echo.id, result));
        true
    }

    /// Gives up what nobody has answered.
    pub(crate) fn poll_echoes(&mut self, now: Instant) {
        while self
            .echoes
            .deadline()
            .is_some_and(|deadline| deadline <= now)
        {
            let echo = self.echoes.waiting.remove(0);
            self.signals
                .push_back(Signal::Echo(echo.id, Err(Error::TimedOut)));
        }
    }
}
