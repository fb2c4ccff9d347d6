//! Who pays for buffers.

use crate::Error;
use crate::stack::Stack;
use crate::table::Id;

/// Names somebody who owns sockets: for a server, one of its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct OwnerId(pub(crate) Id);

/// What an owner may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Bytes of buffers.
    pub bytes: usize,
    /// Sockets.
    pub sockets: usize,
}

/// Bytes charged for a socket besides its buffers, about what its state takes.
pub(crate) const SOCKET_LEN: usize = 1024;

pub(crate) struct Owner {
    pub budget: Budget,
    pub used: Budget,
}

impl Stack {
    /// Adds an owner. Errors: `ServerLimit`.
    pub fn add_owner(&mut self, budget: Budget) -> Result<OwnerId, Error> {
        let owner = Owner {
            budget,
            used: Budget {
                bytes: 0,
                sockets: 0,
            },
        };
        self.owners
            .insert(owner)
            .map(OwnerId)
            .ok_or(Error::ServerLimit)
    }

    /// What an owner uses now.
    pub fn usage(&self, owner: OwnerId) -> Option<Budget> {
        self.owners.get(owner.0).map(|owner| owner.used)
    }

    /// Removes an owner: listeners and UDP ports are closed, connections aborted. This walks all
    /// sockets once; it is not something that happens per packet.
    pub fn remove_owner(&mut self, owner: OwnerId, now: core::time::Duration) {
        let listeners: alloc::vec::Vec<_> = self.listeners.ids().collect();
        for id in listeners {
            if self
                .listeners
                .get(id)
                .is_some_and(|listener| listener.owner == owner.0)
            {
                self.close_listener(crate::ListenerId(id), now);
            }
        }
        let sockets: alloc::vec::Vec<_> = self.sockets.ids().collect();
        for id in sockets {
            if self
                .sockets
                .get(id)
                .is_some_and(|socket| socket.owner == Some(owner.0))
            {
                self.abort(crate::ConnectionId(id), now);
                self.udp_close(crate::UdpId(id));
            }
        }
        self.owners.remove(owner.0);
    }

    pub(crate) fn charge(&mut self, owner: Id, bytes: usize) -> Result<(), Error> {
        let owner = self.owners.get_mut(owner).ok_or(Error::BadHandle)?;
        if owner.used.sockets >= owner.budget.sockets
            || bytes > owner.budget.bytes - owner.used.bytes
        {
            return Err(Error::ServerLimit);
        }
        owner.used.sockets += 1;
        owner.used.bytes += bytes;
        Ok(())
    }

    pub(crate) fn refund(&mut self, owner: Id, bytes: usize) {
        if let Some(owner) = self.owners.get_mut(owner) {
            owner.used.sockets -= 1;
            owner.used.bytes -= bytes;
        }
    }
}
