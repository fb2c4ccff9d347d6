//! Drives a virtio network device: passes frames between its queues and the client's rings.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use ftl::prelude::*;

mod port;
#[rustfmt::skip]
mod spec;
#[cfg(test)]
mod tests;

use port::Port;
use spec::*;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Client(Connection),
    Interrupt,
    /// The client has put frames into its ring, or taken some out of ours.
    Bell,
}

#[ftl::main]
fn main(mut env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add_each(env.net, Source::Client)?;
    let interrupt = env.device.interrupt(0)?;
    events.add(&interrupt, Source::Interrupt)?;
    let bell = Doorbell::new()?;
    events.add(&bell, Source::Bell)?;
    let mut port = Port::new(&env.device, &mut env.random)?;
    info!("{port}");
    // The client, and its own channel's name: there is one at a time.
    let mut client: Option<Connection> = None;
    loop {
        match events.next()? {
            Event::Message(
                Source::Client(from),
                Message::Net(net::ToServer::Attach(request, reply)),
            ) => match port.attach(request.bell) {
                Ok(memory) => {
                    client = Some(from);
                    reply.ok(
                        port.mac(),
                        port.mtu(),
                        port.link_up(),
                        port::SLOTS,
                        port::SLOT_LEN,
                        port::TRANSMIT_AT,
                        memory.rings,
                        memory.frames,
                        bell.ringer()?,
                        Some(port.checksums()),
                        Some(port.batches()),
                    )?;
                }
                Err(error) => {
                    warn!("cannot share memory with a client: {error}");
                    reply.error(error)?;
                }
            },
            Event::Interrupt(Source::Interrupt, _) => {
                if let Some(up) = port.interrupted()
                    && let Some(net) =
                        client.and_then(|client| events.client::<net::Server>(client))
                {
                    net.link_changed(up)?;
                }
                // Acknowledged before the queues are looked at, so that nothing is missed.
                interrupt.ack()?;
            }
            Event::Doorbell(Source::Bell, _) => port.rung(),
            Event::Connected(_) => continue,
            Event::Closed(Source::Client(from)) => {
                if client == Some(from) {
                    client = None;
                    port.detach();
                }
            }
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
        match port.pump() {
            Ok(()) => {}
            Err(port::Fault::Client(error)) => {
                warn!("closed the client: {error}");
                port.detach();
                if let Some(client) = client.take() {
                    events.disconnect(client);
                }
            }
            Err(port::Fault::Device(error)) => {
                // Set up anew by the next life of this component; the kernel resets the device.
                error!("{error}");
                return Err(Error::Io);
            }
        }
    }
}
