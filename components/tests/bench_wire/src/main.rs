//! A network cable with a web client at its other end: measures what a request costs the whole
//! system, and how much of that is this client's own work.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use ftl::prelude::*;
use ftl::time::instructions;

mod cable;
mod web;
#[rustfmt::skip]
mod spec;

use cable::Cable;
use spec::*;
use web::Web;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Client,
    /// The other side has put frames into its ring, or taken some out of ours.
    Bell,
    Timer,
}

#[ftl::main]
fn main(mut env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add(env.net, Source::Client)?;
    let bell = Doorbell::new()?;
    events.add(&bell, Source::Bell)?;
    let timer = events.timer(Source::Timer);
    let mut cable: Option<Cable> = None;
    let mut web = Web::new(&env.settings, &mut env.random)?;
    loop {
        let event = events.next()?;
        let begin = instructions();
        match event {
            Event::Message(Source::Client, Message::Net(net::ToServer::Attach(request, reply))) => {
                let (there, memory) = Cable::new(request.bell)?;
                cable = Some(there);
                let [rings, frames] = memory;
                reply.ok(
                    0x0200_0000_0002,
                    1500,
                    true,
                    cable::SLOTS,
                    cable::SLOT_LEN,
                    cable::TRANSMIT_AT,
                    rings,
                    frames,
                    bell.ringer()?,
                    Some(true),
                    None,
                )?;
                web.begin()?;
            }
            Event::Doorbell(Source::Bell, _) | Event::Timer(Source::Timer) => {}
            Event::Shutdown => return Ok(()),
            other => {
                warn!("unexpected: {other:?}");
                return Err(Error::Internal);
            }
        }
        let Some(cable) = &mut cable else { continue };
        loop {
            cable.receive(web.stack()).map_err(|_| Error::Malformed)?;
            if web.work()? {
                return Ok(());
            }
            cable.transmit(web.stack()).map_err(|_| Error::Malformed)?;
            if cable.rest().map_err(|_| Error::Malformed)? {
                break;
            }
        }
        match web.deadline() {
            Some(deadline) => timer.set_at(Instant::default() + deadline),
            None => timer.cancel(),
        }
        web.worked(instructions() - begin);
    }
}
