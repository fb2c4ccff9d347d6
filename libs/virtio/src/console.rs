//! The console device (section 5.3): ports with names, each a stream of bytes in both directions.
//!
//! A queue in each direction for each port, and two for messages about the ports. The driver and
//! the device share no memory with anybody else: bytes are copied in and out of buffers here.
//!
//! A port's received bytes stay in their buffers until they are taken ([`Console::receive`]), and
//! the device has no others: so a port that nobody reads holds its other side back.
//!
//! Absent: ports beyond [`PORTS_MAX`], and emergency writes.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;

use crate::{DmaMemory, Error, Interrupts, Queue, Registers, Segment, Transport};

/// Virtio's number for this kind of device.
pub const DEVICE_ID: u32 = 3;
/// Ports that are driven: those with smaller numbers.
pub const PORTS_MAX: u32 = 4;
/// Most bytes of a port's name; longer ones are cut.
pub const NAME_LEN_MAX: usize = 64;

// Section 5.3.3: feature bits.
const SIZE: u64 = 1 << 0;
const MULTIPORT: u64 = 1 << 1;

// Section 5.3.4: places in the configuration.
const COLUMNS: usize = 0;
const ROWS: usize = 2;
const MAX_PORTS: usize = 4;

/// Buffers of each port in each direction, and bytes of each.
const BUFFERS: u16 = 8;
const BUFFER_LEN: usize = 2048;
/// Messages about ports that are on their way in each direction, and bytes of each.
const CONTROL_BUFFERS: u16 = 16;
const CONTROL_LEN: usize = 128;

// Section 5.3.2: queues.
const CONTROL_RECEIVE: u32 = 2;
const CONTROL_TRANSMIT: u32 = 3;

/// A port's queue for received bytes; the one for bytes to be sent comes next.
const fn receive_queue(port: u32) -> u32 {
    match port {
        0 => 0,
        port => 2 + 2 * port,
    }
}

// Section 5.3.6.2: messages about ports.
const DEVICE_READY: u16 = 0;
const PORT_ADD: u16 = 1;
const PORT_REMOVE: u16 = 2;
const PORT_READY: u16 = 3;
const CONSOLE_PORT: u16 = 4;
const RESIZE: u16 = 5;
const PORT_OPEN: u16 = 6;
const PORT_NAME: u16 = 7;
/// Bytes of a message without what may follow it.
const MESSAGE_LEN: usize = 8;

/// What the device tells about a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// There is such a port.
    Added(u32),
    /// It is gone.
    Removed(u32),
    /// Its name.
    Named(u32, String),
    /// It is meant for a console.
    IsConsole(u32),
    /// Whether somebody outside has it open.
    Open(u32, bool),
    /// The window of the console at its other end has so many columns and rows.
    Resized(u32, u16, u16),
}

/// A console device.
pub struct Console<R, M> {
    transport: Transport<R>,
    memory: M,
    /// None if the device has one port and no messages about it.
    control: Option<Control<M>>,
    ports: Vec<Port<M>>,
    /// What to tell next: ports of a device without messages, for one.
    events: VecDeque<Event>,
}

struct Control<M> {
    receive: Queue<M>,
    transmit: Queue<M>,
    receive_at: usize,
    transmit_at: usize,
    /// Which of the buffers for sending are free.
    free: Vec<u16>,
    /// Messages for which there was no room.
    waiting: VecDeque<(u32, u16, u16)>,
}

struct Port<M> {
    receive: Queue<M>,
    transmit: Queue<M>,
    receive_at: usize,
    transmit_at: usize,
    added: bool,
    /// Received buffers, oldest first: which, how much is taken, and how much there is.
    received: VecDeque<(u16, u32, u32)>,
    /// Which of the buffers for sending are free.
    free: Vec<u16>,
    /// Whether something was handed over that the device was not told of.
    unpublished: bool,
}

impl<R: Registers, M: DmaMemory + Clone> Console<R, M> {
    /// Bytes of memory that the driver needs, all of it for itself.
    pub const MEMORY_LEN: usize = control_space::<M>() + PORTS_MAX as usize * port_space::<M>();

    /// Starts the device. What ports it has comes out of [`Console::poll_event`].
    pub fn new(registers: R, memory: M) -> Result<Console<R, M>, Error> {
        if memory.len() < Self::MEMORY_LEN {
            return Err(Error::Memory);
        }
        let transport = Transport::new(registers, DEVICE_ID, 0, SIZE | MULTIPORT)?;
        let multiport = transport.has(MULTIPORT);
        let count = match multiport {
            true => transport.config(|config| config.read32(MAX_PORTS))?,
            false => 1,
        };
        let mut ports = Vec::new();
        ports
            .try_reserve_exact(PORTS_MAX as usize)
            .map_err(|_| Error::Memory)?;
        for number in 0..count.min(PORTS_MAX) {
            let at = control_space::<M>() + number as usize * port_space::<M>();
            ports.push(Port::new(&transport, &memory, number, at)?);
        }
        let control = match multiport {
            true => Some(Control::new(&transport, &memory)?),
            false => None,
        };
        transport.start();
        let mut console = Console {
            transport,
            memory,
            control,
            ports,
            events: VecDeque::new(),
        };
        match &console.control {
            Some(_) => {
                console.start_control()?;
                console.tell(0, DEVICE_READY, 1)?;
            }
            None => {
                console.add_port(0)?;
                console.events.push_back(Event::IsConsole(0));
                console.events.push_back(Event::Open(0, true));
            }
        }
        Ok(console)
    }

    /// The size of the window, if the device tells one for all of it.
    pub fn size(&self) -> Result<Option<(u16, u16)>, Error> {
        if !self.transport.has(SIZE) {
            return Ok(None);
        }
        let size = self
            .transport
            .config(|config| (config.read16(COLUMNS), config.read16(ROWS)))?;
        Ok(Some(size))
    }

    /// What the device tells next.
    pub fn poll_event(&mut self) -> Result<Option<Event>, Error> {
        loop {
            if let Some(event) = self.events.pop_front() {
                return Ok(Some(event));
            }
            let Some(message) = self.poll_message()? else {
                return Ok(None);
            };
            self.obey(&message)?;
        }
    }

    /// Tells the device whether somebody here has the port open.
    pub fn open(&mut self, port: u32, open: bool) -> Result<(), Error> {
        match self.control.is_some() {
            true => self.tell(port, PORT_OPEN, open.into()),
            false => Ok(()),
        }
    }

    /// How many bytes a port has received that were not taken yet, at least: more may be on their way.
    pub fn available(&mut self, port: u32) -> Result<usize, Error> {
        let port = port_of(&mut self.ports, port)?;
        port.poll_received()?;
        Ok(port
            .received
            .iter()
            .map(|(_, taken, len)| (len - taken) as usize)
            .sum())
    }

    /// Takes bytes that a port has received: how many.
    pub fn receive(&mut self, port: u32, to: &mut [u8]) -> Result<usize, Error> {
        let number = port;
        let port = port_of(&mut self.ports, port)?;
        port.poll_received()?;
        let mut all = 0;
        while let Some((buffer, taken, len)) = port.received.front_mut() {
            let part = (to.len() - all).min((*len - *taken) as usize);
            let at = port.receive_at + usize::from(*buffer) * BUFFER_LEN + *taken as usize;
            self.memory.read(at, &mut to[all..all + part]);
            all += part;
            *taken += part as u32;
            if taken < len {
                break;
            }
            let buffer = *buffer;
            port.received.pop_front();
            port.post(&self.memory, buffer)?;
        }
        if port.receive.publish() {
            self.transport.notify(receive_queue(number));
        }
        Ok(all)
    }

    /// Sends bytes through a port, as many as there is room for: how many.
    pub fn send(&mut self, port: u32, mut bytes: &[u8]) -> Result<usize, Error> {
        let number = port;
        let port = port_of(&mut self.ports, port)?;
        port.poll_sent()?;
        let mut all = 0;
        while !bytes.is_empty() && port.added {
            let Some(buffer) = port.free.pop() else { break };
            let (now, later) = bytes.split_at(bytes.len().min(BUFFER_LEN));
            let at = port.transmit_at + usize::from(buffer) * BUFFER_LEN;
            self.memory.write(at, now);
            let segment = Segment::new(&self.memory, at, now.len()).ok_or(Error::Memory)?;
            port.transmit.add(&[segment], &[], buffer.into())?;
            port.unpublished = true;
            all += now.len();
            bytes = later;
        }
        if core::mem::take(&mut port.unpublished) && port.transmit.publish() {
            self.transport.notify(receive_queue(number) + 1);
        }
        Ok(all)
    }

    /// Whether the device has taken everything that was sent through a port.
    pub fn is_drained(&mut self, port: u32) -> Result<bool, Error> {
        let port = port_of(&mut self.ports, port)?;
        port.poll_sent()?;
        Ok(port.transmit.outstanding() == 0)
    }

    /// To be called before sleeping. `sent` says of which ports the end of a transmission matters, as
    /// a set of bits; `received` whose bytes can be taken. False if there is something to do already.
    pub fn prepare_wait(&mut self, received: u32, sent: u32) -> Result<bool, Error> {
        if !self.events.is_empty() {
            return Ok(false);
        }
        if let Some(control) = &mut self.control {
            let room = control.waiting.is_empty() || control.transmit.prepare_wait()?;
            if !room || !control.receive.prepare_wait()? {
                return Ok(false);
            }
        }
        for (number, port) in self.ports.iter_mut().enumerate() {
            let bit = 1 << number;
            match sent & bit != 0 {
                true if !port.transmit.prepare_wait()? => return Ok(false),
                true => {}
                false => port.transmit.suppress_interrupts(),
            }
            match received & bit != 0 {
                true if !port.received.is_empty() || !port.receive.prepare_wait()? => {
                    return Ok(false);
                }
                true => {}
                false => port.receive.suppress_interrupts(),
            }
        }
        Ok(true)
    }

    /// See [`Transport::interrupts`].
    pub fn interrupts(&self) -> Result<Interrupts, Error> {
        self.transport.interrupts()
    }

    /// Resets the device. Afterwards it touches no memory.
    pub fn reset(mut self) -> Result<(), Error> {
        self.transport.reset()
    }

    /// Gives the device all buffers for messages.
    fn start_control(&mut self) -> Result<(), Error> {
        let Some(control) = &mut self.control else {
            return Ok(());
        };
        for buffer in 0..control.receive.size().min(CONTROL_BUFFERS) {
            control.post(&self.memory, buffer)?;
        }
        if control.receive.publish() {
            self.transport.notify(CONTROL_RECEIVE);
        }
        Ok(())
    }

    /// The next message about ports, as a copy.
    fn poll_message(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let Some(control) = &mut self.control else {
            return Ok(None);
        };
        control.send_waiting(&self.memory, &self.transport)?;
        let Some(done) = control.receive.pop()? else {
            return Ok(None);
        };
        let buffer = done.token as u16;
        let mut message = alloc::vec![0; (done.len as usize).min(CONTROL_LEN)];
        let at = control.receive_at + usize::from(buffer) * CONTROL_LEN;
        self.memory.read(at, &mut message);
        control.post(&self.memory, buffer)?;
        if control.receive.publish() {
            self.transport.notify(CONTROL_RECEIVE);
        }
        Ok(Some(message))
    }

    /// Does what a message says. One that makes no sense, or is about a port that is not driven, is
    /// passed over: a device may tell more than this driver knows.
    fn obey(&mut self, message: &[u8]) -> Result<(), Error> {
        let Some((head, rest)) = message.split_first_chunk::<MESSAGE_LEN>() else {
            return Ok(());
        };
        let port = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
        let event = u16::from_le_bytes([head[4], head[5]]);
        let value = u16::from_le_bytes([head[6], head[7]]);
        let added = match self.ports.get(port as usize) {
            Some(port) => port.added,
            None if event == PORT_ADD => return self.tell(port, PORT_READY, 0),
            None => return Ok(()),
        };
        match event {
            PORT_ADD if !added => self.add_port(port)?,
            PORT_REMOVE if added => {
                self.ports[port as usize].added = false;
                self.events.push_back(Event::Removed(port));
            }
            CONSOLE_PORT if added => self.events.push_back(Event::IsConsole(port)),
            PORT_OPEN if added => self.events.push_back(Event::Open(port, value != 0)),
            PORT_NAME if added => {
                let end = rest.iter().position(|byte| *byte == 0);
                let name = &rest[..end.unwrap_or(rest.len()).min(NAME_LEN_MAX)];
                if let Ok(name) = core::str::from_utf8(name) {
                    self.events.push_back(Event::Named(port, name.into()));
                }
            }
            RESIZE if added => {
                if let Some(&[c0, c1, r0, r1]) = rest.first_chunk() {
                    let columns = u16::from_le_bytes([c0, c1]);
                    let rows = u16::from_le_bytes([r0, r1]);
                    self.events.push_back(Event::Resized(port, columns, rows));
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Takes a port into service.
    fn add_port(&mut self, number: u32) -> Result<(), Error> {
        let port = port_of(&mut self.ports, number)?;
        port.added = true;
        // If it was there before, the device may still have some, and others may not be taken.
        if port.receive.outstanding() == 0 && port.received.is_empty() {
            for buffer in 0..port.receive.size().min(BUFFERS) {
                port.post(&self.memory, buffer)?;
            }
        }
        if port.receive.publish() {
            self.transport.notify(receive_queue(number));
        }
        self.events.push_back(Event::Added(number));
        match self.control.is_some() {
            true => self.tell(number, PORT_READY, 1),
            false => Ok(()),
        }
    }

    /// Sends the device a message, now or as soon as there is room.
    fn tell(&mut self, port: u32, event: u16, value: u16) -> Result<(), Error> {
        let Some(control) = &mut self.control else {
            return Ok(());
        };
        // A device that makes us answer without end, and takes no answers, gets no more of them.
        if control.waiting.len() < 4 * CONTROL_BUFFERS as usize {
            control.waiting.push_back((port, event, value));
        }
        control.send_waiting(&self.memory, &self.transport)
    }
}

impl<M: DmaMemory + Clone> Control<M> {
    fn new<R: Registers>(transport: &Transport<R>, memory: &M) -> Result<Control<M>, Error> {
        let queue_len = Queue::<M>::bytes(CONTROL_BUFFERS);
        let receive = transport.queue(CONTROL_RECEIVE, CONTROL_BUFFERS, memory.clone(), 0)?;
        let transmit =
            transport.queue(CONTROL_TRANSMIT, CONTROL_BUFFERS, memory.clone(), queue_len)?;
        let receive_at = 2 * queue_len;
        Ok(Control {
            free: (0..transmit.size().min(CONTROL_BUFFERS)).collect(),
            receive,
            transmit,
            receive_at,
            transmit_at: receive_at + CONTROL_BUFFERS as usize * CONTROL_LEN,
            waiting: VecDeque::new(),
        })
    }

    fn post(&mut self, memory: &M, buffer: u16) -> Result<(), Error> {
        let at = self.receive_at + usize::from(buffer) * CONTROL_LEN;
        let segment = Segment::new(memory, at, CONTROL_LEN).ok_or(Error::Memory)?;
        self.receive.add(&[], &[segment], buffer.into())
    }

    fn send_waiting<R: Registers>(
        &mut self,
        memory: &M,
        transport: &Transport<R>,
    ) -> Result<(), Error> {
        while let Some(done) = self.transmit.pop()? {
            self.free.push(done.token as u16);
        }
        while let Some((port, event, value)) = self.waiting.front() {
            let Some(buffer) = self.free.pop() else { break };
            let mut message = [0; MESSAGE_LEN];
            message[..4].copy_from_slice(&port.to_le_bytes());
            message[4..6].copy_from_slice(&event.to_le_bytes());
            message[6..].copy_from_slice(&value.to_le_bytes());
            let at = self.transmit_at + usize::from(buffer) * CONTROL_LEN;
            memory.write(at, &message);
            let segment = Segment::new(memory, at, MESSAGE_LEN).ok_or(Error::Memory)?;
            self.transmit.add(&[segment], &[], buffer.into())?;
            self.waiting.pop_front();
        }
        if self.transmit.publish() {
            transport.notify(CONTROL_TRANSMIT);
        }
        Ok(())
    }
}

impl<M: DmaMemory + Clone> Port<M> {
    fn new<R: Registers>(
        transport: &Transport<R>,
        memory: &M,
        number: u32,
        at: usize,
    ) -> Result<Port<M>, Error> {
        let queue_len = Queue::<M>::bytes(BUFFERS);
        let queue = receive_queue(number);
        let receive = transport.queue(queue, BUFFERS, memory.clone(), at)?;
        let transmit = transport.queue(queue + 1, BUFFERS, memory.clone(), at + queue_len)?;
        let receive_at = at + 2 * queue_len;
        Ok(Port {
            free: (0..transmit.size().min(BUFFERS)).collect(),
            receive,
            transmit,
            receive_at,
            transmit_at: receive_at + BUFFERS as usize * BUFFER_LEN,
            added: false,
            received: VecDeque::new(),
            unpublished: false,
        })
    }

    /// Gives the device a buffer to fill.
    fn post(&mut self, memory: &M, buffer: u16) -> Result<(), Error> {
        let at = self.receive_at + usize::from(buffer) * BUFFER_LEN;
        let segment = Segment::new(memory, at, BUFFER_LEN).ok_or(Error::Memory)?;
        self.receive.add(&[], &[segment], buffer.into())
    }

    fn poll_received(&mut self) -> Result<(), Error> {
        while let Some(done) = self.receive.pop()? {
            self.received.push_back((done.token as u16, 0, done.len));
        }
        Ok(())
    }

    fn poll_sent(&mut self) -> Result<(), Error> {
        while let Some(done) = self.transmit.pop()? {
            self.free.push(done.token as u16);
        }
        Ok(())
    }
}

fn port_of<M>(ports: &mut [Port<M>], number: u32) -> Result<&mut Port<M>, Error> {
    ports.get_mut(number as usize).ok_or(Error::NoQueue)
}

/// Bytes of the queues and buffers for messages.
const fn control_space<M: DmaMemory>() -> usize {
    2 * (Queue::<M>::bytes(CONTROL_BUFFERS) + CONTROL_BUFFERS as usize * CONTROL_LEN)
}

/// Bytes of a port's queues and buffers.
const fn port_space<M: DmaMemory>() -> usize {
    2 * (Queue::<M>::bytes(BUFFERS) + BUFFERS as usize * BUFFER_LEN)
}
