//! The DNS client: smoltcp's, in a set of its own.

use alloc::vec::Vec;
use core::net::Ipv4Addr;
use core::time::Duration;

use smoltcp::iface::SocketSet;
use smoltcp::socket::dns::{self, GetQueryResultError, QueryHandle, StartQueryError};
use smoltcp::wire::{DnsQueryType, IpAddress};

use crate::Error;
use crate::event::{QueryId, Signal, Signals};
use crate::stack::{Cause, Kind, Socket, Stack, instant, new_interface};
use crate::table::Id;

/// Most names that are asked for at once.
const QUERIES_MAX: usize = 32;

/// The questions that are out.
#[derive(Default)]
pub(crate) struct Names {
    socket: Option<Id>,
    next: u64,
    pending: Vec<(QueryId, QueryHandle)>,
    servers: Vec<Ipv4Addr>,
}

impl Names {
    /// Whether this is one of the servers that we ask.
    pub fn is_server(&self, ip: Ipv4Addr) -> bool {
        self.servers.contains(&ip)
    }
    pub fn socket(&self) -> Option<Id> {
        self.socket
    }
}

impl Stack {
    /// Asks for the addresses of a name; [`crate::Event::Resolved`] answers. Errors:
    /// `InvalidArgument` for what cannot be a name, `Unreachable` without a name server, `ServerLimit`.
    pub fn resolve(&mut self, name: &str, now: Duration) -> Result<QueryId, Error> {
        let now = instant(now);
        let id = QueryId(self.names.next);
        self.names.next += 1;
        let known = match name {
            "localhost" => Ok(Ipv4Addr::LOCALHOST),
            name => name.parse(),
        };
        if let Ok(address) = known {
            self.signals
                .push_back(Signal::Query(id, Ok(alloc::vec![address])));
            return Ok(id);
        }
        if self.names.servers.is_empty() {
            return Err(Error::Unreachable);
        }
        if self.names.pending.len() >= QUERIES_MAX {
            return Err(Error::ServerLimit);
        }
        let socket_id = self.names.socket.ok_or(Error::Unsupported)?;
        // The question's number and port come from our own generator, by way of a throw-away
        // interface: smoltcp's own generator can be predicted from what it has put out.
        let mut oracle = new_interface(self.random.next_u64(), self.mtu, &mut self.out, now);
        let socket = self.sockets.get_mut(socket_id).ok_or(Error::Internal)?;
        let handle = socket
            .dns()
            .start_query(oracle.context(), name, DnsQueryType::A)
            .map_err(|error| match error {
                StartQueryError::NoFreeSlot => Error::ServerLimit,
                StartQueryError::InvalidName | StartQueryError::NameTooLong => {
                    Error::InvalidArgument
                }
            })?;
        self.names.pending.push((id, handle));
        self.settle(socket_id, Cause::Owner, now);
        Ok(id)
    }

    /// Drops a question; it will not be answered.
    pub fn cancel_resolve(&mut self, id: QueryId) {
        if let Some(at) = self.names.pending.iter().position(|query| query.0 == id) {
            let (_, handle) = self.names.pending.swap_remove(at);
            if let Some(socket) = self.names.socket.and_then(|id| self.sockets.get_mut(id)) {
                socket.dns().cancel_query(handle);
            }
        }
    }

    pub(crate) fn start_names(&mut self) {
        let mut set = SocketSet::new(Vec::with_capacity(1));
        let handle = set.add(dns::Socket::new(&[], Vec::new()));
        self.names.socket = self.sockets.insert(Socket {
            set,
            handle,
            owner: None,
            charge: 0,
            dirty: false,
            eager: false,
            signals: Signals::default(),
            kind: Kind::Names,
        });
    }

    pub(crate) fn set_name_servers(&mut self, servers: &[Ipv4Addr]) {
        self.names.servers = servers.iter().copied().take(4).collect();
        let servers: Vec<IpAddress> = self
            .names
            .servers
            .iter()
            .map(|&ip| IpAddress::Ipv4(ip))
            .collect();
        if let Some(socket) = self.names.socket.and_then(|id| self.sockets.get_mut(id)) {
            socket.dns().update_servers(&servers);
        }
    }

    /// Collects answers. There are at most [`QUERIES_MAX`] questions.
    pub(crate) fn settle_names(&mut self, id: Id) {
        let Some(socket) = self.sockets.get_mut(id) else {
            return;
        };
        let dns = socket.dns();
        let signals = &mut self.signals;
        self.names.pending.retain(|&(query, handle)| {
            let result = match dns.get_query_result(handle) {
                Err(GetQueryResultError::Pending) => return true,
                // smoltcp does not tell "no such name" from "no answer".
                Err(GetQueryResultError::Failed) => Err(Error::NotFound),
                Ok(addresses) => {
                    let found: Vec<Ipv4Addr> =
                        addresses.iter().map(|&IpAddress::Ipv4(ip)| ip).collect();
                    if found.is_empty() {
                        Err(Error::NotFound)
                    } else {
                        Ok(found)
                    }
                }
            };
            signals.push_back(Signal::Query(query, result));
            false
        });
    }
}
