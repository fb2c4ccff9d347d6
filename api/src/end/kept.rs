//! Events that found the receiver's queue full, and are kept until there is room.

use alloc::vec::Vec;

use abi::{Error, MessageInfo, MessageKind, Result};

use super::{Inner, OnFull};
use crate::buffer;
use crate::handle::OwnedHandle;
use crate::sys::{self, Handles};
use crate::wire::Aligned;

/// Events that `drop_oldest` keeps.
const KEPT_MAX: usize = 16;

/// A one-way event that found the queue full.
pub(super) struct Kept {
    ordinal: u32,
    body: Vec<u8>,
    handles: Vec<OwnedHandle>,
}

impl Inner {
    #[cold]
    #[inline(never)]
    pub(crate) fn event_failed(
        &self,
        error: Error,
        info: MessageInfo,
        handles: Handles,
        on_full: OnFull,
    ) -> Result<()> {
        let owned: Vec<OwnedHandle> = handles
            .iter()
            .filter(|handle| !handle.is_none())
            .map(|handle| OwnedHandle::from_raw(*handle))
            .collect();
        if error != Error::QueueFull {
            return Err(self.error(error));
        }
        match on_full {
            OnFull::Coalesce | OnFull::DropOldest => {}
            OnFull::Refuse => return Err(Error::QueueFull),
            OnFull::Close => {
                self.close();
                return Err(Error::Closed);
            }
        }
        let mut body = alloc::vec![0; info.len()];
        buffer::read_send(&mut body);
        let event = Kept {
            ordinal: info.ordinal(),
            body,
            handles: owned,
        };
        let mut kept = self.kept.borrow_mut();
        if on_full == OnFull::Coalesce
            && let Some(earlier) = kept.iter_mut().find(|kept| kept.ordinal == event.ordinal)
        {
            *earlier = event;
            return Ok(());
        }
        if kept.len() >= KEPT_MAX {
            kept.pop_front();
        }
        kept.push_back(event);
        Ok(())
    }

    /// A channel is first in, first out: a call must not overtake events that are kept. Their
    /// refusal has armed `Writable`, so whoever gets [`Error::QueueFull`] here will hear when to
    /// try again.
    #[inline]
    pub(super) fn let_kept_go_first(&self) -> Result<()> {
        if self.kept.borrow().is_empty() {
            return Ok(());
        }
        self.flush_kept_slowly();
        if self.kept.borrow().is_empty() {
            Ok(())
        } else {
            Err(Error::QueueFull)
        }
    }

    /// Sends what was kept, as far as it goes.
    #[inline]
    pub(crate) fn flush_kept(&self) {
        if !self.kept.borrow().is_empty() {
            self.flush_kept_slowly();
        }
    }

    #[cold]
    #[inline(never)]
    fn flush_kept_slowly(&self) {
        // The caller may have a message in the send page already; it must find it there again.
        let mut page = Aligned::new();
        page.fill_send();
        let mut kept = self.kept.borrow_mut();
        while let Some(event) = kept.front() {
            let len = buffer::write_send(&event.body);
            let mut handles = sys::NO_HANDLES;
            for (place, handle) in handles.iter_mut().zip(&event.handles) {
                *place = handle.raw();
            }
            let info =
                MessageInfo::new(MessageKind::OneWay, event.ordinal, len, event.handles.len());
            match sys::send(self.channel.get(), info, 0, handles) {
                Err(Error::QueueFull) => break,
                Ok(()) => {
                    let sent = kept.pop_front();
                    for handle in sent.into_iter().flat_map(|event| event.handles) {
                        handle.into_raw();
                    }
                }
                Err(_) => kept.clear(),
            }
        }
        buffer::write_send(page.as_bytes());
    }
}
