//! The duty to answer a request.

use core::mem::ManuallyDrop;
use core::sync::atomic::Ordering;

use abi::{Error, Handle, MessageInfo, MessageKind, Result};

use crate::stage::Stage;
use crate::sys::{self, Handles};
use crate::wire::{self, Reader, Writer};

/// Answers one request. Generated types (`ping::PingReplier` and the like) are this with a typed
/// `ok`. It may be kept and used later; dropped, it answers [`Error::NoReply`].
#[must_use = "the caller waits for an answer; dropping this answers `NoReply`"]
pub struct Replier {
    channel: Handle,
    transaction: usize,
    ordinal: u32,
    stage: Option<&'static Stage>,
}

/// Which request it is that an answer will be owed to: what becomes a [`Replier`] once the request has
/// been decoded. If it cannot be, the event loop answers.
#[derive(Clone, Copy)]
pub struct Asked {
    pub(crate) channel: Handle,
    pub(crate) transaction: usize,
    pub(crate) ordinal: u32,
    pub(crate) stage: Option<&'static Stage>,
}

impl From<Asked> for Replier {
    #[inline(always)]
    fn from(asked: Asked) -> Replier {
        let Asked {
            channel,
            transaction,
            ordinal,
            stage,
        } = asked;
        Replier {
            channel,
            transaction,
            ordinal,
            stage,
        }
    }
}

impl Replier {
    /// Begins a successful answer.
    #[inline(always)]
    pub fn begin(&self) -> Result<Writer> {
        let mut writer = Writer::new();
        writer.u32(0)?;
        Ok(writer)
    }

    /// Sends the answer: with the event loop's next wait if possible, otherwise now.
    ///
    /// An answer to a caller that is gone is no error: there is nothing that the server could do.
    #[inline(always)]
    pub fn send(self, writer: Writer) -> Result<()> {
        let this = ManuallyDrop::new(self);
        let (len, handles, count) = writer.finish();
        let info = MessageInfo::new(MessageKind::Reply, this.ordinal, len, count);
        match this.stage {
            Some(stage) => {
                stage.put(this.channel, info, this.transaction, handles);
                Ok(())
            }
            None => send_now(this.channel, info, this.transaction, handles),
        }
    }

    /// Answers with an error: one of [`Error`], or one of the interface's own (from
    /// [`INTERFACE_ERROR`] on).
    pub fn fail(self, code: u32) -> Result<()> {
        let mut writer = Writer::new();
        writer.u32(code)?;
        self.send(writer)
    }
}

/// Codes from here on are errors that the interface itself defines.
pub const INTERFACE_ERROR: u32 = 0x1_0000;

/// Reads whether the answer is a success; if not, its code.
#[inline(always)]
pub fn read_status(reader: &mut Reader<'_>) -> Result<core::result::Result<(), u32>> {
    match reader.u32()? {
        0 => Ok(Ok(())),
        code => Ok(Err(code)),
    }
}

/// The error that a code stands for.
pub fn error_from_code(code: u32) -> Error {
    u16::try_from(code)
        .ok()
        .and_then(Error::from_code)
        .unwrap_or(Error::Internal)
}

#[cold]
fn send_now(
    channel: Handle,
    info: MessageInfo,
    transaction: usize,
    handles: Handles,
) -> Result<()> {
    if sys::send(channel, info, transaction, handles).is_err() {
        wire::close_all(handles);
    }
    Ok(())
}

impl Drop for Replier {
    #[inline]
    fn drop(&mut self) {
        dropped(Asked {
            channel: self.channel,
            transaction: self.transaction,
            ordinal: self.ordinal,
            stage: self.stage,
        });
    }
}

/// A server has dropped a request: its caller is told, and the log, with the place.
#[cold]
#[inline(never)]
fn dropped(asked: Asked) {
    crate::stage::flush();
    let mut writer = Writer::new();
    let _ = writer.u32(Error::NoReply.code().into());
    let (len, handles, count) = writer.finish();
    let info = MessageInfo::new(MessageKind::Reply, asked.ordinal, len, count);
    let told = sys::send(asked.channel, info, asked.transaction, handles);
    // Whose caller is gone, or who was asked to end, has nobody left to answer.
    if told.is_ok() && !crate::gate::local().ending.load(Ordering::Relaxed) {
        crate::log::warn_with_callers(
            format_args!("dropped a request without an answer"),
            crate::gate::frame_pointer(),
        );
    }
}

/// Answers that there will be no answer.
#[cold]
#[inline(never)]
pub(crate) fn no_reply(asked: Asked) {
    // Fails only if the caller is gone.
    let _ = Replier::from(asked).fail(Error::NoReply.code().into());
}

impl core::fmt::Debug for Replier {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Replier({:?}, {})", self.channel, self.transaction)
    }
}
