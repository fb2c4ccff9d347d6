//! Drives a virtio console: passes bytes between its ports and the streams of clients.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use ftl::prelude::*;

mod bridge;
#[rustfmt::skip]
mod spec;

use bridge::Bridge;
use spec::*;

/// Whom an event can come from. Numbers are ports.
#[derive(Clone, Copy, Debug)]
enum Source {
    Client,
    Interrupt,
    /// A client's stream of bytes to be sent.
    Output(u8),
    /// A client's stream of received bytes.
    Input(u8),
    /// Ports that somebody waits for have not been told of for too long.
    Patience,
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add(env.ports, Source::Client)?;
    let interrupt = env.device.interrupt(0)?;
    events.add(&interrupt, Source::Interrupt)?;
    let patience = events.timer(Source::Patience);
    let mut bridge = Bridge::new(&env.device)?;
    bridge.pump(&mut events)?;
    loop {
        let joined = match events.next()? {
            Event::Message(
                Source::Client,
                Message::Ports(ports::ToServer::Open(request, reply)),
            ) => {
                if bridge.want(request.name, reply) {
                    patience.set(bridge::PATIENCE);
                }
                None
            }
            Event::Message(Source::Output(port), Message::StreamReceiver(message)) => match message
            {
                stream::ToReceiver::Data(data) => {
                    bridge.output(port, data.bytes);
                    None
                }
                stream::ToReceiver::Join(join) => Some((port, join.stream)),
            },
            Event::Message(Source::Input(port), Message::StreamSender(message)) => {
                let stream::ToSender::Want(want) = message;
                bridge.wanted(port, want);
                None
            }
            Event::Interrupt(Source::Interrupt, _) => {
                bridge.interrupted()?;
                // Acknowledged before the queues are looked at, so that nothing is missed.
                interrupt.ack()?;
                None
            }
            Event::Timer(Source::Patience) => {
                bridge.give_up()?;
                None
            }
            Event::Closed(Source::Output(port)) => {
                bridge.output_closed(port, &mut events)?;
                None
            }
            Event::Closed(Source::Input(port)) => {
                bridge.input_closed(port);
                None
            }
            Event::Closed(Source::Client) | Event::Writable(_) => None,
            Event::Shutdown => return Ok(()),
            other => {
                warn!("unexpected: {other:?}");
                None
            }
        };
        if let Some((port, stream)) = joined {
            bridge.joined(port, stream, &mut events)?;
        }
        bridge.pump(&mut events)?;
    }
}
