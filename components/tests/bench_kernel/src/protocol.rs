//! How the parts of this image talk: raw messages, because that is what is measured.

use alloc::string::String;

use abi::{EventKind, Handle, Isolation, MessageInfo, MessageKind};
use ftl::prelude::*;
use ftl::sys::{self, Handles, RawEvent};

/// The process that measures.
pub const CLIENT: &str = "client";
/// The process that answers raw messages.
pub const SERVER: &str = "server";
/// The process that answers through typed stubs.
pub const TYPED_SERVER: &str = "typed_server";

/// The process that waits for a doorbell.
pub const WAITER: &str = "waiter";
/// A process that calls a server for as long as it is told to.
pub const LOOPER: &str = "looper";
/// A process of another, small image that waits for its channel to close.
pub const SLEEPER: &str = "sleeper";

/// A message to be sent back as it came, without its handles.
pub const ECHO: u32 = 1;
/// The same with its handles.
pub const ECHO_HANDLES: u32 = 2;
/// In what the director says: a device follows.
pub const WITH_DEVICE: &str = "device=follows";
/// What the director tells a process first: text in the body, channels as handles.
const BEGIN: u32 = 3;

/// No deadline.
pub const FOREVER: usize = usize::MAX;

/// The header of a request.
pub fn request(ordinal: u32, len: usize, handles: usize) -> MessageInfo {
    MessageInfo::new(MessageKind::Request, ordinal, len, handles)
}

/// The header of its reply.
pub fn reply(ordinal: u32, len: usize, handles: usize) -> MessageInfo {
    MessageInfo::new(MessageKind::Reply, ordinal, len, handles)
}

/// Tells a process what to do.
pub fn send_begin(channel: Handle, text: &str, handles: Handles) -> Result<()> {
    let len = ftl::buffer::write_send(text.as_bytes());
    let count = handles
        .iter()
        .take_while(|handle| !handle.is_none())
        .count();
    let info = MessageInfo::new(MessageKind::OneWay, BEGIN, len, count);
    sys::send(channel, info, 0, handles)
}

/// What the director says, by way of a queue that `channel` stays attached to under `key`.
pub fn receive_begin(queue: Handle, channel: Handle, key: usize) -> Result<(String, RawEvent)> {
    sys::queue_attach(queue, channel, key)?;
    let event = sys::wait(queue, FOREVER)?;
    if event.kind != EventKind::Message || event.info().ordinal() != BEGIN {
        return Err(Error::Malformed);
    }
    let mut text = [0; 256];
    let len = event.info().len().min(text.len());
    ftl::buffer::read_received(&mut text[..len]);
    let text = core::str::from_utf8(&text[..len]).map_err(|_| Error::Malformed)?;
    Ok((text.into(), event))
}

/// As it stands in the figures.
pub fn isolation_name(isolation: Isolation) -> &'static str {
    match isolation {
        Isolation::Kernel => "kernel",
        Isolation::User => "user",
    }
}
