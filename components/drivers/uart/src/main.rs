//! Drives the machine's serial line: passes bytes between it and the client of the port `console`, and the kernel's
//! log to the client of the port `log`, or to the line.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::string::String;

use ftl::prelude::*;

mod line;
mod ns16550;
mod pl011;
mod serial;
#[rustfmt::skip]
mod spec;

use line::Line;
use serial::Serial;
use spec::*;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Client,
    /// The line's, and there are lines of the log.
    Interrupt,
    /// Who has the port `console` open: what they send, and what they ask for.
    Output,
    Input,
    /// Who has the port `log` open: what they ask for.
    Log,
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add(env.ports, Source::Client)?;
    // The one that the kernel reports on, if there are several.
    let narrow = env.ns16550.into_iter().map(|device| (device, true));
    let wide = env.pl011.into_iter().map(|device| (device, false));
    let found = narrow.chain(wide).find_map(|(device, is_narrow)| {
        let log = device.console_log().ok()?;
        Some((device, is_narrow, log))
    });
    let Some((device, is_narrow, log)) = found else {
        error!("the machine has no serial line that the kernel reports on");
        return Err(Error::NotFound);
    };
    let registers = device.registers(0)?;
    let line = match is_narrow {
        true => Line::Ns16550(ns16550::Ns16550::new(registers)),
        false => Line::Pl011(pl011::Pl011::new(registers)),
    };
    let interrupt = device.interrupt(0)?;
    events.add(&interrupt, Source::Interrupt)?;
    let mut serial = Serial::new(device, line);
    serial.logged(&log);
    loop {
        serial.pump(&mut events);
        match events.next()? {
            Event::Message(Source::Client, Message::Ports(ports::ToServer::Open(open, reply))) => {
                let name = String::from(open.name);
                serial.open(&name, reply, &mut events)?;
            }
            Event::Interrupt(Source::Interrupt, _) => {
                serial.interrupted();
                interrupt.ack()?;
            }
            Event::Message(Source::Output, Message::StreamReceiver(message)) => match message {
                stream::ToReceiver::Data(data) => serial.output(data.bytes),
                stream::ToReceiver::Join(join) => {
                    let stream = join.stream;
                    serial.joined(stream, &mut events)?;
                }
            },
            Event::Message(from, Message::StreamSender(stream::ToSender::Want(want))) => {
                serial.wanted(from, want);
            }
            Event::Closed(Source::Output) => serial.output_closed(&mut events)?,
            Event::Closed(from) => serial.input_closed(from),
            Event::Writable(_) => {}
            Event::Shutdown => {
                serial.finish();
                return Ok(());
            }
            other => warn!("unexpected: {other:?}"),
        }
    }
}
