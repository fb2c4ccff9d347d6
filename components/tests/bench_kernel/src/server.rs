//! The parts that answer: with raw messages, and through typed stubs as components do.

use abi::{EventKind, Handle, MessageInfo, MessageKind};
use ftl::end::Incoming;
use ftl::event_loop::{Hears, Messages};
use ftl::handle::OwnedHandle;
use ftl::prelude::*;
use ftl::sys::{self, NO_HANDLES};
use ftl::time::instructions;
use interfaces::bench;

use crate::protocol::{ECHO_HANDLES, FOREVER, receive_begin, reply};

const DIRECTOR: usize = 1;
const CLIENT: usize = 2;
const DOORBELL: usize = 3;

/// Sends back what comes, until the channel closes. The body is not looked at: what is in the send
/// page goes back, as long as what came.
pub fn serve(director: Handle) -> Result<()> {
    let queue = sys::queue_create()?;
    let (_, begin) = receive_begin(queue, director, DIRECTOR)?;
    let client = begin.handles[0];
    sys::queue_attach(queue, client, CLIENT)?;
    let mut event = sys::wait(queue, FOREVER)?;
    while event.kind == EventKind::Message {
        let info = event.info();
        let (handles, count) = if info.ordinal() == ECHO_HANDLES {
            (event.handles, info.handle_count())
        } else {
            (NO_HANDLES, 0)
        };
        event = sys::send_wait(
            client,
            queue,
            reply(info.ordinal(), info.len(), count),
            event.transaction,
            handles,
            FOREVER,
        )?;
    }
    Ok(())
}

/// Waits for a doorbell, and tells the client each time when it woke.
pub fn wait(director: Handle) -> Result<()> {
    let queue = sys::queue_create()?;
    let (_, begin) = receive_begin(queue, director, DIRECTOR)?;
    let [doorbell, client, ..] = begin.handles;
    sys::queue_attach(queue, client, CLIENT)?;
    sys::queue_attach(queue, doorbell, DOORBELL)?;
    while sys::wait(queue, FOREVER)?.kind == EventKind::Doorbell {
        let len = ftl::buffer::write_send(&instructions().to_le_bytes());
        let info = MessageInfo::new(MessageKind::OneWay, 0, len, 0);
        if sys::send(client, info, 0, NO_HANDLES).is_err() {
            break;
        }
    }
    Ok(())
}

/// What the typed server hears.
#[derive(Debug)]
enum Heard {}

impl Messages for Heard {
    type Message<'a> = bench::ToServer;

    #[inline]
    fn decode<'a>(_tag: u16, incoming: Incoming<'a>) -> Result<bench::ToServer> {
        bench::ToServer::decode(incoming)
    }

    fn ended<'a>(
        _tag: u16,
        ordinal: u32,
        transaction: ftl::Transaction,
        error: Error,
    ) -> Option<Self::Message<'a>> {
        bench::ToServer::ended(ordinal, transaction, error)
    }
}

impl Hears<bench::Server> for Heard {
    const TAG: u16 = 0;
}

/// The same through an event loop and generated code: what a component's author writes.
pub fn serve_typed(director: Handle) -> Result<()> {
    let queue = sys::queue_create()?;
    let (_, begin) = receive_begin(queue, director, DIRECTOR)?;
    // The event loop wants it for itself.
    sys::queue_detach(director)?;
    sys::handle_close(queue)?;
    let client = bench::Server::from(OwnedHandle::from_raw(begin.handles[0]));
    let mut events = ftl::EventLoop::<(), Heard>::new()?;
    events.add(&client, ())?;
    loop {
        match events.next()? {
            Event::Message((), bench::ToServer::Echo(request, reply)) => {
                reply.ok(request.numbers)?
            }
            Event::Closed(()) => return Ok(()),
            _ => return Err(Error::Internal),
        }
    }
}
