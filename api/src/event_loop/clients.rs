//! Who comes and goes by init's word: new clients, and peers that were restarted.

use abi::{Error, Result};

use super::slots::{Ready, Slot};
use super::source::{Connection, Kind};
use super::{EventLoop, Messages};
use crate::bootstrap::{self, FromInit};
use crate::end::End;
use crate::handle::AsHandle;
use crate::sys;

/// The clients of a provider that was added.
pub struct Clients<S> {
    index: u16,
    tag: u16,
    source: ClientSource<S>,
}

/// Under which source they are heard.
pub enum ClientSource<S> {
    Same(S),
    Each(fn(Connection) -> S),
}

impl<S: Copy, M: Messages> EventLoop<S, M> {
    /// Handles what init said.
    pub(super) fn obey(&mut self, told: Option<FromInit>) -> Result<()> {
        match told {
            Some(FromInit::Client {
                index,
                channel,
                grant,
            }) => self.early.push((index, channel, grant)),
            Some(FromInit::Restarted { index, channel }) => {
                let Some(end) = bootstrap::need(index) else {
                    return Ok(());
                };
                let key = end.inner.slot.get();
                let Some(Slot {
                    kind: Kind::Channel { .. },
                    source,
                    ..
                }) = self.slots.get(key)
                else {
                    end.inner.reconnect(channel);
                    return Ok(());
                };
                let source = *source;
                // Init may be faster than the old channel's end, which will then not be heard.
                if end.is_connected() {
                    self.ready.extend(self.slots.close(key));
                }
                end.inner.reconnect(channel);
                sys::queue_attach(self.shared.queue.handle(), end.handle(), key)?;
                self.ready.extend(source.map(Ready::Restarted));
            }
            Some(FromInit::Shutdown) => self.ready.push_back(Ready::Shutdown),
            None => {}
        }
        self.connect_early()
    }

    /// Takes in clients that have come, as far as their providers have been added.
    fn connect_early(&mut self) -> Result<()> {
        let mut i = 0;
        while let Some((index, ..)) = self.early.get(i) {
            let Some(clients) = self.clients.iter().find(|clients| clients.index == *index) else {
                i += 1;
                continue;
            };
            let (tag, source) = (clients.tag, &clients.source);
            let (make, fixed) = match source {
                ClientSource::Same(source) => (None, Some(*source)),
                ClientSource::Each(make) => (Some(*make), None),
            };
            let (_, channel, grant) = self.early.remove(i);
            let end = End::new(channel);
            let key = self.slots.take(
                Kind::Channel {
                    end: end.clone(),
                    tag,
                },
                fixed,
            );
            end.inner.settle(Some(self.shared.clone()), key);
            self.slots[key].grant = (!grant.is_empty()).then_some(grant);
            if let Some(make) = make {
                let connection = Connection {
                    slot: key as u32,
                    serial: self.slots[key].serial,
                };
                let source = make(connection);
                self.slots[key].source = Some(source);
                self.ready.push_back(Ready::Connected(source));
            }
            sys::queue_attach(self.shared.queue.handle(), end.handle(), key)?;
        }
        Ok(())
    }

    /// From now on the clients of this provider are taken in.
    pub(super) fn add_clients(
        &mut self,
        index: u16,
        tag: u16,
        source: ClientSource<S>,
    ) -> Result<()> {
        if self.clients.iter().any(|clients| clients.index == index) {
            return Err(Error::AlreadyExists);
        }
        self.clients.push(Clients { index, tag, source });
        self.connect_early()
    }
}
