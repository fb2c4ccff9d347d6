//! A message that came.

use alloc::boxed::Box;

use abi::{Error, Handle, HandleTypes, MessageInfo, MessageKind};

use super::Transaction;
use crate::buffer;
use crate::reply::{Asked, Replier};
use crate::stage::Stage;
use crate::sys::Handles;
use crate::wire::{self, Aligned, Attached, Reader};

/// A message that came and has not been decoded yet.
///
/// Generated decoders take it apart. A message of integers is read in place; one with views is
/// copied once, so that the views stay valid while the message buffer is used for something else.
pub struct Incoming<'a> {
    pub(crate) page: &'a mut Option<Box<Aligned>>,
    pub(crate) channel: Handle,
    pub(crate) info: MessageInfo,
    pub(crate) transaction: usize,
    pub(crate) handles: Handles,
    pub(crate) types: HandleTypes,
    /// Where a reply may be staged; none in the answer to a blocking call.
    pub(crate) stage: Option<&'static Stage>,
}

impl<'a> Incoming<'a> {
    /// A message that never was, for tests of decoders: `body` goes to the receive page.
    #[doc(hidden)]
    pub fn made_up(
        page: &'a mut Option<Box<Aligned>>,
        info: MessageInfo,
        transaction: usize,
        body: &[u8],
        handles: Handles,
        types: HandleTypes,
    ) -> Incoming<'a> {
        buffer::write_received(body);
        Incoming {
            page,
            channel: Handle::NONE,
            info,
            transaction,
            handles,
            types,
            stage: None,
        }
    }

    /// Which message it is.
    #[inline(always)]
    pub fn ordinal(&self) -> u32 {
        self.info.ordinal()
    }

    /// Whether it is one-way, a request or a reply. The kernel lets no other kind through.
    #[inline(always)]
    pub fn kind(&self) -> MessageKind {
        self.info.kind().unwrap_or(MessageKind::OneWay)
    }

    /// The transaction of a reply.
    #[inline(always)]
    pub fn transaction(&self) -> Transaction {
        Transaction(self.transaction)
    }

    /// Which request it is, if it is one.
    #[inline(always)]
    pub fn asked(&self) -> Asked {
        Asked {
            channel: self.channel,
            transaction: self.transaction,
            ordinal: self.info.ordinal(),
            stage: self.stage,
        }
    }

    /// Begins to read it, without views.
    #[inline(always)]
    pub fn read(self) -> Reader<'a> {
        // SAFETY: the receive page is aligned and as long as the kernel's longest message. It
        // may change later, but this reader is told that it may not give out views.
        unsafe {
            Reader::new(
                buffer::receive_page(),
                self.info.len(),
                Attached::new(self.handles, self.types, self.info.handle_count()),
                false,
            )
        }
    }

    /// Begins to read it with a reader that gives out views.
    #[inline]
    pub fn read_with_views(self) -> Reader<'a> {
        let Incoming {
            page,
            info,
            handles,
            types,
            ..
        } = self;
        let page: &'a Aligned = {
            let page = page.get_or_insert_with(Aligned::boxed);
            page.fill_received(info.len());
            page
        };
        // SAFETY: `Aligned` is aligned to 8, and borrowed for `'a`.
        unsafe {
            Reader::new(
                page.as_bytes().as_ptr(),
                page.as_bytes().len(),
                Attached::new(handles, types, info.handle_count()),
                true,
            )
        }
    }

    /// Throws the message away: it is none that the interface has, at least not in the version
    /// that this component was built with. If it is a request, its sender is told so.
    #[cold]
    pub fn refuse(self) -> Error {
        wire::close_all(self.handles);
        if self.kind() == MessageKind::Request {
            // Fails only if the sender is gone.
            let _ = Replier::from(self.asked()).fail(Error::Unsupported.code().into());
        }
        Error::Unsupported
    }
}
