//! The network device (section 5.1).
//!
//! Two queues: buffers that wait for packets, and packets that wait to be sent. Packets lie in
//! memory that the driver shares with the network stack; the queues and the headers of packets
//! to be sent lie in memory that it keeps to itself. A received packet begins with
//! [`HEADER_LEN`] bytes of header in the same buffer.

use crate::{DmaMemory, Error, Interrupts, Misbehaviour, Queue, Registers, Segment, Transport};

/// Virtio's number for this kind of device.
pub const DEVICE_ID: u32 = 1;
/// Bytes of the header in front of each received packet (section 5.1.6, with version 1).
pub const HEADER_LEN: usize = 12;

// Section 5.1.3: feature bits.
const CSUM: u64 = 1 << 0;
const GUEST_CSUM: u64 = 1 << 1;
const MTU: u64 = 1 << 3;
const MAC: u64 = 1 << 5;
const GUEST_TSO4: u64 = 1 << 7;
const HOST_TSO4: u64 = 1 << 11;
const MRG_RXBUF: u64 = 1 << 15;
const STATUS: u64 = 1 << 16;

/// No descriptors.
const NOT_KEPT: u16 = u16::MAX;

const RECEIVE: u32 = 0;
const TRANSMIT: u32 = 1;

// Section 5.1.6: header flags and kinds of segmentation.
const NEEDS_CSUM: u8 = 1;
const DATA_VALID: u8 = 2;
const GSO_TCPV4: u8 = 1;

/// What the driver would like the device to do. The device may not offer it: see [`Net::options`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The device may spread a packet over several buffers, so that buffers can be small. If it cannot,
    /// `receive_segmentation` is not asked for.
    pub mergeable_buffers: bool,
    /// Packets may be handed over without their TCP or UDP checksum.
    pub transmit_checksum: bool,
    /// Packets may come in whose checksum the device vouches for instead of filling it in.
    pub receive_checksum: bool,
    /// TCP segments of up to 64 KiB may be handed over. Needs `transmit_checksum`.
    pub transmit_segmentation: bool,
    /// TCP segments of up to 64 KiB may come in. Needs `receive_checksum`, and large or mergeable buffers.
    pub receive_segmentation: bool,
}

/// What the device shall do to a packet on its way out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Offload {
    /// Where the checksum begins, and where its field is from there on.
    pub checksum: Option<(u16, u16)>,
    /// For TCP over IPv4: bytes of all headers, and most bytes of payload in each packet.
    pub segmentation: Option<(u16, u16)>,
}

/// A buffer that came back with (part of) a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// The token that the buffer was posted with.
    pub token: u64,
    /// Where in the buffer the packet's bytes begin, and how many there are.
    pub start: u32,
    /// Number of bytes.
    pub len: u32,
    /// How many more buffers belong to the same packet; they come next.
    pub more: u16,
    /// The checksums are known to be right, or the packet never left the machine.
    pub checksum_valid: bool,
}

/// A network device.
pub struct Net<R, M> {
    transport: Transport<R>,
    receive: Queue<M>,
    transmit: Queue<M>,
    queues: M,
    packets: M,
    options: Options,
    /// Offset of the headers in `queues`, 16 bytes for each buffer that can be on its way.
    headers: usize,
    /// Which of them are free, and how many: a stack of 16-bit numbers in our own memory.
    free_headers: alloc::vec::Vec<u16>,
    /// What lies in each of them, and the descriptors that lead to it, once it was used.
    sent_headers: alloc::vec::Vec<([u8; HEADER_LEN], u16)>,
    /// The descriptors of each buffer that was posted, by its token.
    posted: alloc::vec::Vec<u16>,
    /// Buffers still to come of a packet that was merged.
    more: u16,
}

impl<R: Registers, M: DmaMemory + Clone> Net<R, M> {
    /// Bytes of memory needed for queues of this size.
    pub const fn memory_len(size: u16) -> usize {
        2 * Queue::<M>::bytes(size) + 16 * size as usize
    }

    /// Starts the device with queues of `size` descriptors, or fewer if it takes fewer. `queues`
    /// is memory that only this driver has ([`Net::memory_len`]); `packets` holds the packets.
    pub fn new(
        registers: R,
        queues: M,
        packets: M,
        size: u16,
        wanted: Options,
    ) -> Result<Net<R, M>, Error> {
        let mut bits = MAC | STATUS | MTU;
        for (want, bit) in [
            (wanted.mergeable_buffers, MRG_RXBUF),
            (wanted.transmit_checksum, CSUM),
            (wanted.receive_checksum, GUEST_CSUM),
            // Section 5.1.3.1: segmentation stands on checksums.
            (
                wanted.transmit_segmentation && wanted.transmit_checksum,
                HOST_TSO4,
            ),
            (
                wanted.receive_segmentation && wanted.receive_checksum,
                GUEST_TSO4,
            ),
        ] {
            if want {
                bits |= bit;
            }
        }
        // Whole batches of segments fit into no single buffer here.
        let transport = Transport::choosing(registers, DEVICE_ID, 0, |offered| {
            match wanted.mergeable_buffers && offered & MRG_RXBUF == 0 {
                true => bits & !GUEST_TSO4,
                false => bits,
            }
        })?;
        let receive = transport.queue(RECEIVE, size, queues.clone(), 0)?;
        let transmit = transport.queue(TRANSMIT, size, queues.clone(), Queue::<M>::bytes(size))?;
        let headers = 2 * Queue::<M>::bytes(size);
        let end = headers + 16 * transmit.size() as usize;
        if end > queues.len() {
            return Err(Error::Memory);
        }
        let mut free_headers = alloc::vec::Vec::new();
        free_headers
            .try_reserve_exact(transmit.size() as usize)
            .map_err(|_| Error::Memory)?;
        free_headers.extend(0..transmit.size());
        let mut sent_headers = alloc::vec::Vec::new();
        sent_headers
            .try_reserve_exact(transmit.size() as usize)
            .map_err(|_| Error::Memory)?;
        sent_headers.resize(transmit.size() as usize, ([0; HEADER_LEN], NOT_KEPT));
        let mut posted = alloc::vec::Vec::new();
        posted
            .try_reserve_exact(receive.size() as usize)
            .map_err(|_| Error::Memory)?;
        posted.resize(receive.size() as usize, NOT_KEPT);
        let options = Options {
            mergeable_buffers: transport.has(MRG_RXBUF),
            transmit_checksum: transport.has(CSUM),
            receive_checksum: transport.has(GUEST_CSUM),
            transmit_segmentation: transport.has(HOST_TSO4),
            receive_segmentation: transport.has(GUEST_TSO4),
        };
        transport.start();
        Ok(Net {
            transport,
            receive,
            transmit,
            queues,
            packets,
            options,
            headers,
            free_headers,
            sent_headers,
            posted,
            more: 0,
        })
    }

    /// Which of the wishes were granted.
    pub fn options(&self) -> Options {
        self.options
    }

    /// The device's address, if it has one; otherwise the driver makes one up.
    pub fn mac(&self) -> Result<Option<[u8; 6]>, Error> {
        if !self.transport.has(MAC) {
            return Ok(None);
        }
        self.transport
            .config(|config| Some(core::array::from_fn(|i| config.read8(i))))
    }

    /// The largest packet without its Ethernet header, if the device says.
    pub fn mtu(&self) -> Result<Option<u16>, Error> {
        if !self.transport.has(MTU) {
            return Ok(None);
        }
        self.transport.config(|config| Some(config.read16(10)))
    }

    /// Whether there is a link. A device that does not tell has one.
    pub fn link_up(&self) -> Result<bool, Error> {
        if !self.transport.has(STATUS) {
            return Ok(true);
        }
        self.transport.config(|config| config.read16(6) & 1 != 0)
    }

    /// How many more buffers can be posted for receiving.
    pub fn receive_space(&self) -> usize {
        (self.receive.size() - self.receive.outstanding()) as usize
    }

    /// How many more packets can be handed over for sending.
    pub fn transmit_space(&self) -> usize {
        // Each takes two descriptors: its header and its bytes.
        (self.transmit.size() / 2 - self.transmit.outstanding()) as usize
    }

    /// Posts a buffer of the packet memory for receiving. Without mergeable buffers it should hold
    /// [`HEADER_LEN`] plus the largest frame. See [`Net::publish_receive`].
    pub fn post_receive(&mut self, offset: usize, len: usize, token: u64) -> Result<(), Error> {
        if len <= HEADER_LEN {
            return Err(Error::Memory);
        }
        let segment = Segment::new(&self.packets, offset, len).ok_or(Error::Memory)?;
        // The token is packed with the buffer's place, which is needed again to read the header.
        let place = u32::try_from(offset).map_err(|_| Error::Memory)? as u64;
        let token = u32::try_from(token).map_err(|_| Error::Memory)? as u64;
        let index = token as usize;
        let token = place << 32 | token;
        if let Some(&head) = self.posted.get(index)
            && self.receive.is_kept(head, token, segment.len)
            && self.receive.add_kept(head, None, token)
        {
            return Ok(());
        }
        if self.receive.free() == 0 {
            // They are kept for other buffers.
            for head in &mut self.posted {
                self.receive.give_up(core::mem::replace(head, NOT_KEPT));
            }
        }
        let head = self.receive.add_to_keep(&[], &[segment], token)?;
        if let Some(posted) = self.posted.get_mut(index) {
            // Another buffer of that name is not posted again.
            self.receive.give_up(core::mem::replace(posted, head));
        }
        Ok(())
    }

    /// Shows the device the buffers that were posted.
    pub fn publish_receive(&mut self) {
        if self.receive.publish() {
            self.transport.notify(RECEIVE);
        }
    }

    /// The next buffer that came back.
    pub fn poll_receive(&mut self) -> Result<Option<Received>, Error> {
        let Some(done) = self.receive.pop_kept()? else {
            return Ok(None);
        };
        if self.posted.get(done.token as u32 as usize) != Some(&done.head) {
            self.receive.give_up(done.head);
        }
        let token = done.token & 0xffff_ffff;
        if self.more > 0 {
            self.more -= 1;
            return Ok(Some(Received {
                token,
                start: 0,
                len: done.len,
                more: self.more,
                checksum_valid: false,
            }));
        }
        if (done.len as usize) < HEADER_LEN {
            return Err(Misbehaviour::PacketTooShort(done.len).into());
        }
        // Copied once: whoever else has the packet memory may write there at any time.
        let mut header = [0; HEADER_LEN];
        self.packets.read((done.token >> 32) as usize, &mut header);
        let buffers = if self.options.mergeable_buffers {
            u16::from_le_bytes([header[10], header[11]])
        } else {
            1
        };
        if buffers == 0 || buffers - 1 > self.receive.outstanding() {
            return Err(Misbehaviour::BufferCount(buffers as u32).into());
        }
        self.more = buffers - 1;
        Ok(Some(Received {
            token,
            start: HEADER_LEN as u32,
            len: done.len - HEADER_LEN as u32,
            more: self.more,
            checksum_valid: self.options.receive_checksum
                && header[0] & (NEEDS_CSUM | DATA_VALID) != 0,
        }))
    }

    /// Hands over a packet for sending: `len` bytes of the packet memory, beginning with the
    /// Ethernet header. See [`Net::publish_transmit`].
    pub fn transmit(
        &mut self,
        offset: usize,
        len: usize,
        offload: Offload,
        token: u64,
    ) -> Result<(), Error> {
        let segment = Segment::new(&self.packets, offset, len).ok_or(Error::Memory)?;
        let token = u32::try_from(token).map_err(|_| Error::Memory)? as u64;
        if self.transmit_space() == 0 {
            return Err(Error::QueueFull);
        }
        let Some(slot) = self.free_headers.pop() else {
            return Err(Error::QueueFull);
        };
        let at = self.headers + 16 * slot as usize;
        let header = self.header(offload);
        let (before, head) = &mut self.sent_headers[slot as usize];
        let token = (slot as u64) << 32 | token;
        // Most are like the one that lies there.
        if *head == NOT_KEPT || *before != header {
            *before = header;
            self.queues.write(at, &header);
        }
        if *head != NOT_KEPT && self.transmit.add_kept(*head, Some(&segment), token) {
            return Ok(());
        }
        let added = match Segment::new(&self.queues, at, HEADER_LEN) {
            Some(header) => self.transmit.add_to_keep(&[header, segment], &[], token),
            None => Err(Error::Memory),
        };
        match added {
            Ok(added) => {
                *head = added;
                Ok(())
            }
            Err(error) => {
                self.free_headers.push(slot);
                Err(error)
            }
        }
    }

    /// Shows the device the packets that were handed over.
    pub fn publish_transmit(&mut self) {
        if self.transmit.publish() {
            self.transport.notify(TRANSMIT);
        }
    }

    /// The token of a packet that the device is done with.
    pub fn poll_transmit(&mut self) -> Result<Option<u64>, Error> {
        let Some(done) = self.transmit.pop_kept()? else {
            return Ok(None);
        };
        // Never more than there were: each was popped before it was pushed.
        self.free_headers.push((done.token >> 32) as u16);
        Ok(Some(done.token & 0xffff_ffff))
    }

    /// To be called before sleeping. `transmit` says whether the end of a transmission matters,
    /// too; if there is plenty of space, it need not wake anybody. False if there is something to
    /// do already.
    pub fn prepare_wait(&mut self, transmit: bool) -> Result<bool, Error> {
        if !transmit {
            self.transmit.suppress_interrupts();
        } else if !self.transmit.prepare_wait()? {
            return Ok(false);
        }
        self.receive.prepare_wait()
    }

    /// See [`Transport::interrupts`].
    pub fn interrupts(&self) -> Result<Interrupts, Error> {
        self.transport.interrupts()
    }

    /// Resets the device. Afterwards it touches no memory.
    pub fn reset(mut self) -> Result<(), Error> {
        self.transport.reset()
    }

    /// The header of a packet to be sent (section 5.1.6.2). What was not settled upon is left out.
    fn header(&self, offload: Offload) -> [u8; HEADER_LEN] {
        let mut header = [0; HEADER_LEN];
        if let (Some((start, field)), true) = (offload.checksum, self.options.transmit_checksum) {
            header[0] = NEEDS_CSUM;
            header[6..8].copy_from_slice(&start.to_le_bytes());
            header[8..10].copy_from_slice(&field.to_le_bytes());
        }
        if let (Some((headers, size)), true) =
            (offload.segmentation, self.options.transmit_segmentation)
        {
            header[1] = GSO_TCPV4;
            header[2..4].copy_from_slice(&headers.to_le_bytes());
            header[4..6].copy_from_slice(&size.to_le_bytes());
        }
        header
    }
}
