//! The device's ports, and the clients that have them open.

use alloc::string::String;
use alloc::vec::Vec;

use ftl::io::{Inlet, Outlet, PIECE_LEN};
use ftl::memory::{DmaBytes, Registers};
use ftl::prelude::*;
use virtio::console;

use crate::Source;
use crate::spec::{EventLoop, ports, stream};

type Console = console::Console<Registers, DmaBytes>;

/// How long a port that was asked for may take to be told of by the device.
pub const PATIENCE: Duration = Duration::from_secs(2);
/// Bytes that are moved at once.
const MOVE_LEN: usize = 4 * PIECE_LEN;

/// The device, its ports, and whoever has them open.
pub struct Bridge {
    device: Console,
    ports: Vec<Port>,
    /// Who waits for a port of this name to be there.
    waiting: Vec<(String, ports::OpenReplier)>,
}

/// A port that the device has told of.
struct Port {
    number: u32,
    name: String,
    /// Whether somebody outside has it open. What is sent to nobody is lost.
    is_open: bool,
    link: Option<Link>,
}

/// A client that has a port open.
struct Link {
    /// Received bytes go here; none once nobody wants them.
    input: Option<Outlet>,
    /// Bytes to be sent come from here; none once there will be no more.
    output: Option<Inlet>,
    /// Bytes that wait to be sent, and how many of them have been.
    to_send: Vec<u8>,
    sent: usize,
}

impl Bridge {
    /// Starts the device.
    pub fn new(device: &Device) -> Result<Bridge> {
        let memory = Folio::contiguous(Console::MEMORY_LEN)?;
        let console = Console::new(device.registers(0)?, device.dma(&memory)?);
        Ok(Bridge {
            device: console.map_err(not_usable)?,
            ports: Vec::new(),
            waiting: Vec::new(),
        })
    }

    /// Somebody wants to open a port. True if it is not there yet.
    pub fn want(&mut self, name: &str, reply: ports::OpenReplier) -> bool {
        let is_there = self.ports.iter().any(|port| port.name == name);
        self.waiting.push((name.into(), reply));
        !is_there
    }

    /// Those who still wait do so for ports that are not there.
    pub fn give_up(&mut self) -> Result<()> {
        let is_there =
            |(name, _): &mut (String, _)| !self.ports.iter().any(|port| port.name == *name);
        for (name, reply) in self.waiting.extract_if(.., is_there) {
            warn!("the device has no port `{name}`");
            reply.error(ports::PortError::Unknown)?;
        }
        Ok(())
    }

    /// The device has interrupted.
    pub fn interrupted(&mut self) -> Result<()> {
        // What it was about is found out by looking at everything.
        self.device.interrupts().map(drop).map_err(broken)
    }

    fn link(&mut self, port: u8) -> Option<&mut Link> {
        let port = u32::from(port);
        let found = self.ports.iter_mut().find(|other| other.number == port);
        found?.link.as_mut()
    }

    /// A client asks for received bytes.
    pub fn wanted(&mut self, port: u8, want: stream::Want) {
        if let Some(Link {
            input: Some(input), ..
        }) = self.link(port)
        {
            input.heard(want);
        }
    }

    /// A client sends bytes.
    pub fn output(&mut self, port: u8, bytes: &[u8]) {
        if let Some(link) = self.link(port) {
            link.to_send.extend_from_slice(bytes);
            if let Some(output) = &mut link.output {
                output.received(bytes.len());
            }
        }
    }

    /// A client lets somebody else send for a while.
    pub fn joined(
        &mut self,
        port: u8,
        stream: stream::Receiver,
        events: &mut EventLoop<Source>,
    ) -> Result<()> {
        match self.link(port) {
            Some(Link {
                output: Some(output),
                ..
            }) => output.joined(stream, events, Source::Output(port)),
            _ => Ok(()),
        }
    }

    /// A client's stream of bytes to be sent has ended.
    pub fn output_closed(&mut self, port: u8, events: &mut EventLoop<Source>) -> Result<()> {
        if let Some(link) = self.link(port)
            && let Some(output) = &mut link.output
            && !output.closed(events, Source::Output(port))?
        {
            link.output = None;
        }
        Ok(())
    }

    /// A client wants no more received bytes.
    pub fn input_closed(&mut self, port: u8) {
        if let Some(link) = self.link(port) {
            link.input = None;
        }
    }

    /// Goes on with everything that can go on, and asks the device for what wakes us.
    pub fn pump(&mut self, events: &mut EventLoop<Source>) -> Result<()> {
        loop {
            while let Some(event) = self.device.poll_event().map_err(broken)? {
                self.heard(event, events)?;
            }
            self.open_waiting(events)?;
            let (mut received, mut sent) = (0, 0);
            for index in 0..self.ports.len() {
                let number = self.ports[index].number;
                let (receives, sends) = self.pump_port(index, events)?;
                received |= u32::from(receives) << number;
                sent |= u32::from(sends) << number;
            }
            if self.device.prepare_wait(received, sent).map_err(broken)? {
                return Ok(());
            }
        }
    }

    /// The device tells something about its ports.
    fn heard(&mut self, event: console::Event, events: &mut EventLoop<Source>) -> Result<()> {
        match event {
            console::Event::Named(number, name) => {
                info!("port {number} is `{name}`");
                self.ports.retain(|port| port.number != number);
                self.ports.push(Port {
                    number,
                    name,
                    is_open: false,
                    link: None,
                });
            }
            console::Event::Open(number, open) => {
                let found = self.ports.iter_mut().find(|port| port.number == number);
                let Some(port) = found else {
                    return Ok(());
                };
                port.is_open = open;
                if let (false, Some(link)) = (open, port.link.take()) {
                    // Nobody is there any more. Whoever opens it here anew waits for the next.
                    if let Some(input) = link.input {
                        input.close(events);
                    }
                    if let Some(output) = link.output {
                        output.close(events);
                    }
                    self.device.open(number, false).map_err(broken)?;
                }
            }
            console::Event::Removed(number) => self.ports.retain(|port| port.number != number),
            console::Event::Added(_)
            | console::Event::IsConsole(_)
            | console::Event::Resized(..) => {}
        }
        Ok(())
    }

    /// Opens the ports that are there, with somebody at their other side, for those who have waited.
    fn open_waiting(&mut self, events: &mut EventLoop<Source>) -> Result<()> {
        let mut index = 0;
        while let Some((name, _)) = self.waiting.get(index) {
            let is_it = |port: &&mut Port| port.is_open && port.name == *name;
            let Some(port) = self.ports.iter_mut().find(is_it) else {
                index += 1;
                continue;
            };
            let (_, reply) = self.waiting.remove(index);
            if port.link.is_some() {
                reply.error(ports::PortError::Taken)?;
                continue;
            }
            let number = port.number as u8;
            let (input, input_theirs) = stream::channel()?;
            let (output_theirs, output) = stream::channel()?;
            let input = Outlet::new(input);
            let mut output = Inlet::new(output);
            events.add(input.end(), Source::Input(number))?;
            output.add(events, Source::Output(number))?;
            output.ask();
            port.link = Some(Link {
                input: Some(input),
                output: Some(output),
                to_send: Vec::new(),
                sent: 0,
            });
            self.device.open(port.number, true).map_err(broken)?;
            let channels = [
                ftl::handle::OwnedHandle::from(input_theirs),
                ftl::handle::OwnedHandle::from(output_theirs),
            ];
            let [input, output] = channels.map(Channel::from);
            reply.ok(input, output)?;
        }
        Ok(())
    }

    /// Moves bytes between a port and its client. Answers whether there is room for received bytes, and
    /// whether some wait to be sent.
    fn pump_port(&mut self, index: usize, events: &mut EventLoop<Source>) -> Result<(bool, bool)> {
        let Port { number, link, .. } = &mut self.ports[index];
        let Some(Link {
            input,
            output,
            to_send,
            sent,
        }) = link
        else {
            return Ok((false, false));
        };

        let mut bytes = [0; MOVE_LEN];
        while let Some(outlet) = input {
            let room = outlet.room().min(MOVE_LEN);
            if room == 0 {
                break;
            }
            let len = self
                .device
                .receive(*number, &mut bytes[..room])
                .map_err(broken)?;
            if len == 0 {
                break;
            }
            if outlet.send(&bytes[..len]).is_err() {
                *input = None;
            }
        }

        *sent += self
            .device
            .send(*number, &to_send[*sent..])
            .map_err(broken)?;
        if *sent == to_send.len() {
            to_send.clear();
            *sent = 0;
            match output {
                Some(output) => output.ask(),
                // All that the client had to say is with the device; when that has passed it on, the
                // port is closed, which the end of the input tells.
                None => {
                    if self.device.is_drained(*number).map_err(broken)? {
                        if let Some(input) = input.take() {
                            input.close(events);
                        }
                        *link = None;
                        self.device.open(*number, false).map_err(broken)?;
                        return Ok((false, false));
                    }
                    return Ok((false, true));
                }
            }
        }
        let receives = input.as_ref().is_some_and(|outlet| outlet.room() > 0);
        Ok((receives, !to_send.is_empty()))
    }
}

/// A device that does not start.
fn not_usable(error: virtio::Error) -> Error {
    error!("{error}");
    Error::Unsupported
}

/// Set up anew by the next life of this component; the kernel resets the device.
fn broken(error: virtio::Error) -> Error {
    error!("{error}");
    Error::Io
}
