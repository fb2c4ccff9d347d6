//! The device and the client's rings, and what goes between them.

extern crate alloc;

use alloc::collections::VecDeque;
use core::fmt;

use ftl::prelude::*;
use ring::{Consumer, Descriptor, Layout, Malformed, Producer, PushError};
use virtio::net::{HEADER_LEN, Net, Offload, Options};
use virtio::{DmaMemory, Registers};

/// Descriptors in each queue and ring. A buffer for a received frame is always in one of three
/// places: with the device, in the client's ring, or about to be given to the device.
pub const SLOTS: u32 = 128;
/// Bytes of each buffer and place: a frame of 1514 bytes and the device's header fit.
pub const SLOT_LEN: u32 = 2048;
/// Where in the frames the places for frames to be sent begin.
pub const TRANSMIT_AT: u32 = SLOTS * SLOT_LEN;

pub const FRAMES_LEN: u32 = 2 * TRANSMIT_AT;
/// Sending takes two descriptors for each frame.
const QUEUE_SIZE: u16 = 2 * SLOTS as u16;
/// Bytes of an Ethernet header.
const ETHERNET_LEN: u16 = 14;
const MTU: u16 = 1500;

/// What a client is given.
pub struct Memory {
    pub rings: Folio,
    pub frames: Folio,
}

/// Who did something wrong.
pub enum Fault {
    Client(Malformed),
    Device(virtio::Error),
}

impl From<virtio::Error> for Fault {
    fn from(error: virtio::Error) -> Fault {
        Fault::Device(error)
    }
}

impl From<Malformed> for Fault {
    fn from(error: Malformed) -> Fault {
        Fault::Client(error)
    }
}

/// The device, and the client if there is one. Generic over how a device is reached, so that tests
/// can play one.
pub struct Port<R, M> {
    device: Net<R, M>,
    frames: Folio,
    mac: [u8; 6],
    link_up: bool,
    /// Buffers that the device shall have next.
    free: VecDeque<u32>,
    client: Option<Client>,
    /// Frames that are being sent for a client that is gone.
    orphans: u32,
    /// More of the frame is to come that came last, and whether the client has its beginning.
    in_frame: bool,
    is_delivered: bool,
    /// The client was asked to ring when it has frames to be sent, the device to interrupt when it has received some;
    /// and they have not.
    is_client_resting: bool,
    is_device_resting: bool,
    /// Places for frames to be sent are short: the device interrupts when some were sent, too.
    short: bool,
    /// Buffers are short: the client rings when it has taken received frames, too.
    starving: bool,
}

struct Client {
    /// Received frames, towards the client.
    received: Producer<SharedBytes>,
    /// The buffers of the frames in that ring, oldest first, and how many were given back.
    in_ring: VecDeque<u32>,
    taken: u32,
    /// Frames to be sent, from the client.
    to_send: Consumer<SharedBytes>,
    /// Which of the frames that the device has are sent, oldest first. The client gets its places
    /// back in order.
    sending: VecDeque<bool>,
    /// The running number of the oldest of them.
    first: u32,
    bell: Doorbell,
}

impl Port<ftl::memory::Registers, ftl::memory::DmaBytes> {
    /// Starts the device.
    pub fn new(device: &Device, random: &mut Random) -> Result<Self> {
        let frames = Folio::contiguous(FRAMES_LEN as usize)?;
        let queues = Folio::contiguous(queues_len())?;
        let (queues, packets) = (device.dma(&queues)?, device.dma(&frames)?);
        Port::with(device.registers(0)?, queues, packets, frames, random)
    }
}

/// Bytes of memory for the device's queues.
pub const fn queues_len() -> usize {
    Net::<ftl::memory::Registers, ftl::memory::DmaBytes>::memory_len(QUEUE_SIZE)
}

impl<R: Registers, M: DmaMemory + Clone> Port<R, M> {
    /// Starts the device behind these registers. `packets` is `frames` as the device reaches it.
    pub fn with(
        registers: R,
        queues: M,
        packets: M,
        frames: Folio,
        random: &mut Random,
    ) -> Result<Self> {
        // Many TCP segments may be one frame: what comes lies in several buffers, what is sent in one piece.
        let wishes = Options {
            transmit_checksum: true,
            transmit_segmentation: true,
            receive_checksum: true,
            mergeable_buffers: true,
            receive_segmentation: true,
        };
        let net = Net::new(registers, queues, packets, QUEUE_SIZE, wishes);
        let net = net.map_err(not_usable)?;
        let mac = match net.mac().map_err(not_usable)? {
            Some(mac) => mac,
            None => {
                let mut mac = [0; 6];
                random.fill(&mut mac);
                // Given out by nobody, for one device.
                mac[0] = mac[0] & 0xfc | 2;
                mac
            }
        };
        let link_up = net.link_up().map_err(not_usable)?;
        let mut port = Port {
            device: net,
            frames,
            mac,
            link_up,
            free: (0..SLOTS).collect(),
            client: None,
            orphans: 0,
            in_frame: false,
            is_delivered: false,
            is_client_resting: false,
            is_device_resting: false,
            short: false,
            starving: false,
        };
        // Without a client the device has no buffers, and drops what comes.
        port.device.prepare_wait(false).map_err(not_usable)?;
        Ok(port)
    }

    /// The device's address, as `interfaces/net.yml` has it.
    pub fn mac(&self) -> u64 {
        self.mac
            .iter()
            .rev()
            .fold(0, |all, &byte| all << 8 | byte as u64)
    }
    /// Most bytes of a packet.
    pub fn mtu(&self) -> u16 {
        // Larger ones would not fit the buffers.
        self.device
            .mtu()
            .ok()
            .flatten()
            .unwrap_or(MTU)
            .min(SLOT_LEN as u16 - HEADER_LEN as u16 - ETHERNET_LEN)
    }
    /// Whether the device finishes the checksums of what it sends.
    pub fn checksums(&self) -> bool {
        self.device.options().transmit_checksum
    }
    /// Whether the device cuts frames of many TCP segments up.
    pub fn batches(&self) -> bool {
        self.device.options().transmit_segmentation
    }
    /// Whether many TCP segments may come in one frame.
    #[cfg(test)]
    pub fn takes_batches(&self) -> bool {
        self.device.options().receive_segmentation
    }
    /// Whether the cable is plugged in.
    pub fn link_up(&self) -> bool {
        self.link_up
    }

    /// Takes in a client, instead of the one before.
    pub fn attach(&mut self, bell: Doorbell) -> Result<Memory> {
        let Some(first) = Layout::new(0, SLOTS, FRAMES_LEN) else {
            return Err(Error::Internal);
        };
        let Some(second) = Layout::new(first.end(), SLOTS, FRAMES_LEN) else {
            return Err(Error::Internal);
        };
        let rings = Folio::new(second.end())?;
        let memory = rings.map()?;
        let frames = self.frames.duplicate(shared())?;
        self.detach();
        self.client = Some(Client {
            received: Producer::new(memory.clone(), first),
            in_ring: VecDeque::with_capacity(SLOTS as usize),
            taken: 0,
            to_send: Consumer::new(memory, second),
            sending: VecDeque::with_capacity(SLOTS as usize),
            first: 0,
            bell,
        });
        Ok(Memory { rings, frames })
    }

    /// Lets go of the client. Frames that the device is sending are sent; what the client had not
    /// taken is dropped.
    pub fn detach(&mut self) {
        // A frame of which it has only the beginning is nobody's.
        self.is_delivered = false;
        self.is_client_resting = false;
        self.is_device_resting = false;
        if let Some(client) = self.client.take() {
            self.free.extend(client.in_ring);
            self.orphans += client.sending.iter().filter(|&&sent| !sent).count() as u32;
        }
    }

    /// Acknowledges the interrupt at the device. The link's new state, if it changed.
    pub fn interrupted(&mut self) -> Option<bool> {
        self.is_device_resting = false;
        // Frames may have been sent.
        self.is_client_resting &= !self.short;
        // A device that wants to be reset is found out when it is used next.
        let interrupts = self.device.interrupts().ok()?;
        if !interrupts.config {
            return None;
        }
        let up = self.device.link_up().ok()?;
        (core::mem::replace(&mut self.link_up, up) != up).then_some(up)
    }

    /// The client has rung: it has frames to be sent, or has taken received ones.
    pub fn rung(&mut self) {
        self.is_client_resting = false;
        // It was asked to ring when it has taken enough of them.
        self.is_device_resting &= !self.starving;
    }

    /// Moves frames until there is nothing left to do, and asks everybody to wake us then. Who was asked and has not woken us
    /// has nothing for us, and is not looked at.
    pub fn pump(&mut self) -> core::result::Result<(), Fault> {
        loop {
            if !self.is_client_resting {
                self.send()?;
            }
            if !self.is_device_resting {
                self.receive()?;
            }
            if self.rest()? {
                return Ok(());
            }
        }
    }

    /// From the client's ring to the device.
    fn send(&mut self) -> core::result::Result<(), Fault> {
        while let Some(token) = self.device.poll_transmit()? {
            if self.orphans > 0 {
                self.orphans -= 1;
            } else if let Some(client) = &mut self.client {
                let at = (token as u32).wrapping_sub(client.first) as usize;
                if let Some(sent) = client.sending.get_mut(at) {
                    *sent = true;
                }
            }
        }
        let Some(client) = &mut self.client else {
            return Ok(());
        };
        let mut done = 0;
        while client.sending.front() == Some(&true) {
            client.sending.pop_front();
            done += 1;
        }
        client.first = client.first.wrapping_add(done);
        let mut wake = client.to_send.release_some(done);
        while self.device.transmit_space() > 0 {
            let Some(frame) = client.to_send.pop()? else {
                break;
            };
            let number = client.first.wrapping_add(client.sending.len() as u32);
            client.sending.push_back(false);
            let (offset, len) = (frame.offset as usize, frame.len as usize);
            match self
                .device
                .transmit(offset, len, offload(frame.cookie), number as u64)
            {
                Ok(()) => {}
                // A frame of no bytes: there is nothing to send.
                Err(virtio::Error::Memory) => {
                    if let Some(sent) = client.sending.back_mut() {
                        *sent = true;
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        self.device.publish_transmit();
        wake |= client.received.publish();
        if wake {
            client.bell.ring_soon();
        }
        Ok(())
    }

    /// From the device to the client's ring.
    fn receive(&mut self) -> core::result::Result<(), Fault> {
        if let Some(client) = &mut self.client {
            let taken = client.received.consumed()?;
            for _ in 0..taken.wrapping_sub(client.taken) {
                self.free.extend(client.in_ring.pop_front());
            }
            client.taken = taken;
        }
        while let Some(frame) = self.device.poll_receive()? {
            let slot = frame.token as u32;
            if !self.in_frame {
                self.is_delivered = self.client.is_some();
            }
            self.in_frame = frame.more > 0;
            let Some(client) = self.client.as_mut().filter(|_| self.is_delivered) else {
                self.free.push_back(slot);
                continue;
            };
            let descriptor = Descriptor {
                offset: slot * SLOT_LEN + frame.start,
                len: frame.len,
                cookie: u64::from(frame.checksum_valid) | u64::from(self.in_frame) << 1,
            };
            match client.received.push(descriptor) {
                Ok(()) => client.in_ring.push_back(slot),
                // As many buffers as places: it is never full.
                Err(PushError::Full) => self.free.push_back(slot),
                Err(PushError::Malformed(error)) => return Err(error.into()),
            }
        }
        if let Some(client) = &mut self.client {
            if client.received.publish() {
                client.bell.ring_soon();
            }
            while self.device.receive_space() > 0
                && let Some(slot) = self.free.pop_front()
            {
                let offset = (slot * SLOT_LEN) as usize;
                self.device
                    .post_receive(offset, SLOT_LEN as usize, slot as u64)?;
            }
            self.device.publish_receive();
        }
        Ok(())
    }

    /// Asks to be woken. False if there is something to do already.
    fn rest(&mut self) -> core::result::Result<bool, Fault> {
        let Some(client) = &mut self.client else {
            return Ok(self.device.prepare_wait(self.orphans > 0)?);
        };
        // Places come back to the client when frames are sent. That matters only when it may be
        // short of them; otherwise the next occasion is soon enough.
        self.short =
            client.sending.len() * 2 >= SLOTS as usize || self.device.transmit_space() == 0;
        // Buffers for the device, if most of them lie in the client's ring, or did when it was looked at last.
        let wanted = SLOTS / 2;
        self.starving = client.in_ring.len() as u32 > SLOTS - wanted;
        if self.starving && !client.received.prepare_wait(wanted)? {
            self.is_device_resting = false;
            return Ok(false);
        }
        if !self.is_client_resting && client.sending.len() < SLOTS as usize {
            self.is_client_resting = client.to_send.prepare_wait()?;
            // There are frames; but if the device has no room for them, its interrupt will tell.
            if !self.is_client_resting && self.device.transmit_space() > 0 {
                return Ok(false);
            }
        }
        if !self.is_device_resting || self.short {
            self.is_device_resting = self.device.prepare_wait(self.short)?;
            // It may be the one or the other.
            self.is_client_resting &= self.is_device_resting || !self.short;
        }
        Ok(self.is_device_resting)
    }
}

impl<R: Registers, M: DmaMemory + Clone> fmt::Display for Port<R, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let m = &self.mac;
        let link = if self.link_up { "up" } else { "down" };
        write!(
            f,
            "{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}, MTU {}, link {link}",
            m[0],
            m[1],
            m[2],
            m[3],
            m[4],
            m[5],
            self.mtu()
        )
    }
}

/// What a frame's cookie asks the device to do: see `interfaces/net.yml`.
fn offload(cookie: u64) -> Offload {
    Offload {
        checksum: (cookie & 1 != 0).then_some(((cookie >> 16) as u16, (cookie >> 32) as u16)),
        segmentation: (cookie >> 48 != 0).then_some((cookie as u16 >> 2, (cookie >> 48) as u16)),
    }
}

fn shared() -> ftl::abi::Rights {
    use ftl::abi::Rights;
    Rights::READ.union(Rights::WRITE).union(Rights::TRANSFER)
}

fn not_usable(error: virtio::Error) -> Error {
    error!("{error}");
    match error {
        virtio::Error::Legacy | virtio::Error::Features => Error::Unsupported,
        _ => Error::Io,
    }
}
