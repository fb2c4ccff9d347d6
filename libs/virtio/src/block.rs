//! The block device (section 5.2): sectors of 512 bytes, read and written in any order.
//!
//! One queue of requests. A request is a header that the device reads, data that it reads or
//! writes, and a status byte that it writes. Data lies in memory that the driver shares with its
//! client; headers and status bytes lie, with the queue, in memory that the driver keeps to
//! itself, so that no client can change a request once it was checked. Requests may finish in any
//! order; each is known by the token that it was started with.
//!
//! Deliberately absent: several queues, write-zeroes, secure erase, zones. Nothing has needed them.

use alloc::vec::Vec;

use crate::{DmaMemory, Error, Interrupts, Misbehaviour, Queue, Registers, Segment, Transport};

/// Virtio's number for this kind of device.
pub const DEVICE_ID: u32 = 2;
/// Bytes of a sector, whatever the device's block size (section 5.2.4).
pub const SECTOR_LEN: usize = 512;
/// Bytes of a device's name (section 5.2.6).
pub const NAME_LEN: usize = 20;

// Section 5.2.3: feature bits.
const READ_ONLY: u64 = 1 << 5;
const FLUSH: u64 = 1 << 9;
const DISCARD: u64 = 1 << 13;

const REQUESTS: u32 = 0;

// Section 5.2.6: kinds of request.
const IN: u32 = 0;
const OUT: u32 = 1;
const FLUSH_CACHE: u32 = 4;
const GET_ID: u32 = 8;
const DISCARD_SECTORS: u32 = 11;

// Section 5.2.6: what the status byte says. It begins as something that no device writes.
const STATUS_OK: u8 = 0;
const STATUS_IO_ERROR: u8 = 1;
const STATUS_UNSUPPORTED: u8 = 2;
const STATUS_NONE: u8 = 0xff;

/// Bytes of a request's place in the driver's own memory: a header of 16, 16 for a discard's range
/// or a part of a name, the status byte, and room to keep the places apart in the cache.
const PLACE_LEN: usize = 64;
/// Where in a place the second part begins: a discard's range, or the device's name.
const EXTRA: usize = 16;
/// Where in a place the status byte lies.
const STATUS: usize = 48;

/// What is asked of the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Sectors are read into the data memory.
    Read {
        /// The first sector.
        sector: u64,
        /// Where in the data memory they go.
        offset: usize,
        /// How many bytes; a multiple of [`SECTOR_LEN`].
        len: usize,
    },
    /// Sectors are written from the data memory.
    Write {
        /// The first sector.
        sector: u64,
        /// Where in the data memory they lie.
        offset: usize,
        /// How many bytes; a multiple of [`SECTOR_LEN`].
        len: usize,
    },
    /// What was written before is to survive a loss of power.
    Flush,
    /// Sectors hold nothing that matters any more.
    Discard {
        /// The first sector.
        sector: u64,
        /// How many.
        count: u32,
    },
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was carried out.
    Done,
    /// The device could not: a bad sector, a lost medium.
    IoError,
    /// The device does not know this kind of request.
    Unsupported,
}

/// A block device.
pub struct Block<R, M> {
    transport: Transport<R>,
    queue: Queue<M>,
    own: M,
    data: M,
    places: usize,
    /// Which places are free: a stack of numbers in our own memory.
    free: Vec<u16>,
    /// The tokens of the requests under way, by place.
    tokens: Vec<u64>,
    sectors: u64,
    discard_max: u32,
}

impl<R: Registers, M: DmaMemory + Clone> Block<R, M> {
    /// Bytes of memory needed for a queue of `size` descriptors.
    pub const fn memory_len(size: u16) -> usize {
        Queue::<M>::bytes(size) + PLACE_LEN * size as usize
    }

    /// Starts the device with a queue of `size` descriptors, or fewer if it takes fewer. `own` is
    /// memory that only this driver has ([`Block::memory_len`]); `data` holds the sectors.
    pub fn new(registers: R, own: M, data: M, size: u16) -> Result<Block<R, M>, Error> {
        let wanted = READ_ONLY | FLUSH | DISCARD;
        let transport = Transport::new(registers, DEVICE_ID, 0, wanted)?;
        let queue = transport.queue(REQUESTS, size, own.clone(), 0)?;
        // A request takes three descriptors, a flush two.
        let count = (queue.size() / 3).max(1);
        let places = Queue::<M>::bytes(queue.size());
        if queue.size() < 3 {
            return Err(Error::NoQueue);
        }
        if places + PLACE_LEN * count as usize > own.len() {
            return Err(Error::Memory);
        }
        let (mut free, mut tokens) = (Vec::new(), Vec::new());
        free.try_reserve_exact(count as usize)
            .map_err(|_| Error::Memory)?;
        tokens
            .try_reserve_exact(count as usize)
            .map_err(|_| Error::Memory)?;
        free.extend((0..count).rev());
        tokens.resize(count as usize, 0);
        // Section 5.2.4: `capacity` and, with discard, the largest number of sectors at once.
        let sectors =
            transport.config(|config| config.read32(0) as u64 | (config.read32(4) as u64) << 32)?;
        let discard_max = match transport.has(DISCARD) {
            true => transport.config(|config| config.read32(36))?,
            false => 0,
        };
        transport.start();
        Ok(Block {
            transport,
            queue,
            own,
            data,
            places,
            free,
            tokens,
            sectors,
            discard_max,
        })
    }

    /// How many sectors it has.
    pub fn sectors(&self) -> u64 {
        self.sectors
    }

    /// Reads the number of sectors again: after [`Interrupts::config`].
    pub fn refresh(&mut self) -> Result<(), Error> {
        self.sectors = self
            .transport
            .config(|config| config.read32(0) as u64 | (config.read32(4) as u64) << 32)?;
        Ok(())
    }

    /// Whether it refuses to be written.
    pub fn is_read_only(&self) -> bool {
        self.transport.has(READ_ONLY)
    }

    /// Whether it has a cache that must be flushed. Without one, what was written is safe.
    pub fn has_cache(&self) -> bool {
        self.transport.has(FLUSH)
    }

    /// Most sectors that one discard may name; 0 if it knows none.
    pub fn discard_max(&self) -> u32 {
        self.discard_max
    }

    /// How many more requests can be started.
    pub fn space(&self) -> usize {
        self.free.len().min(self.queue.free() as usize / 3)
    }

    /// Starts a request; the device learns of it at the next [`Block::publish`]. `Memory` if its
    /// data does not lie in the data memory, `QueueFull` if there is no space.
    ///
    /// # Panics
    /// If it is not one that the device can carry out: beyond its last sector, of a length that is
    /// no multiple of [`SECTOR_LEN`] or 0, a write to a read-only device, a flush or a discard
    /// that the device does not know. The driver has checked what its client asked for.
    pub fn start(&mut self, request: Request, token: u64) -> Result<(), Error> {
        let (kind, sector) = match request {
            Request::Read { sector, len, .. } => {
                self.check(sector, len);
                (IN, sector)
            }
            Request::Write { sector, len, .. } => {
                self.check(sector, len);
                assert!(!self.is_read_only(), "the device is read-only");
                (OUT, sector)
            }
            Request::Flush => {
                assert!(self.has_cache(), "the device has no cache");
                (FLUSH_CACHE, 0)
            }
            Request::Discard { sector, count } => {
                self.check(sector, count as usize * SECTOR_LEN);
                assert!(count <= self.discard_max, "too many sectors at once");
                (DISCARD_SECTORS, 0)
            }
        };
        if self.space() == 0 {
            return Err(Error::QueueFull);
        }
        let data = match request {
            Request::Read { offset, len, .. } | Request::Write { offset, len, .. } => {
                Some(Segment::new(&self.data, offset, len).ok_or(Error::Memory)?)
            }
            Request::Flush | Request::Discard { .. } => None,
        };
        let place = self.free.pop().ok_or(Error::QueueFull)?;
        let at = self.place(place);
        self.write_header(at, kind, sector);
        let header = self.own(at, 16)?;
        let status = self.own(at + STATUS, 1)?;
        let added = match (request, data) {
            (Request::Read { .. }, Some(data)) => {
                self.queue.add(&[header], &[data, status], place as u64)
            }
            (Request::Write { .. }, Some(data)) => {
                self.queue.add(&[header, data], &[status], place as u64)
            }
            (Request::Discard { sector, count }, _) => {
                // Section 5.2.6: `struct virtio_blk_discard_write_zeroes`, without flags.
                let mut range = [0; 16];
                range[..8].copy_from_slice(&sector.to_le_bytes());
                range[8..12].copy_from_slice(&count.to_le_bytes());
                self.own.write(at + EXTRA, &range);
                let range = self.own(at + EXTRA, 16)?;
                self.queue.add(&[header, range], &[status], place as u64)
            }
            _ => self.queue.add(&[header], &[status], place as u64),
        };
        match added {
            Ok(()) => self.tokens[place as usize] = token,
            Err(_) => self.free.push(place),
        }
        added
    }

    /// Shows the device the requests that were started.
    pub fn publish(&mut self) {
        if self.queue.publish() {
            self.transport.notify(REQUESTS);
        }
    }

    /// A request that has ended: its token, and how.
    pub fn poll(&mut self) -> Result<Option<(u64, Outcome)>, Error> {
        let Some(done) = self.queue.pop()? else {
            return Ok(None);
        };
        let place = done.token as u16;
        let mut status = [0];
        self.own.read(self.place(place) + STATUS, &mut status);
        self.free.push(place);
        let outcome = match status[0] {
            STATUS_OK => Outcome::Done,
            STATUS_IO_ERROR => Outcome::IoError,
            STATUS_UNSUPPORTED => Outcome::Unsupported,
            other => return Err(Misbehaviour::Status(other).into()),
        };
        Ok(Some((self.tokens[place as usize], outcome)))
    }

    /// Asks the device for its name (QEMU: `serial=`), before any other request. The answer comes
    /// with [`Block::poll`] like any other; then [`Block::name`] has it.
    pub fn start_name(&mut self, token: u64) -> Result<(), Error> {
        let place = self.free.pop().ok_or(Error::QueueFull)?;
        let at = self.place(place);
        self.write_header(at, GET_ID, 0);
        let header = self.own(at, 16)?;
        let name = self.own(at + EXTRA, NAME_LEN)?;
        let status = self.own(at + STATUS, 1)?;
        self.queue.add(&[header], &[name, status], place as u64)?;
        self.tokens[place as usize] = token;
        Ok(())
    }

    /// The name that the last [`Block::start_name`] got, if it is the last request that ended:
    /// bytes up to the first zero.
    pub fn name(&self) -> ([u8; NAME_LEN], usize) {
        let mut name = [0; NAME_LEN];
        if let Some(&place) = self.free.last() {
            self.own.read(self.place(place) + EXTRA, &mut name);
        }
        let len = name.iter().position(|&byte| byte == 0);
        (name, len.unwrap_or(NAME_LEN))
    }

    /// See [`Queue::prepare_wait`].
    pub fn prepare_wait(&mut self) -> Result<bool, Error> {
        self.queue.prepare_wait()
    }

    /// How many requests are under way.
    pub fn outstanding(&self) -> u16 {
        self.queue.outstanding()
    }

    /// See [`Transport::interrupts`].
    pub fn interrupts(&self) -> Result<Interrupts, Error> {
        self.transport.interrupts()
    }

    /// Whether this device can carry out a request on these sectors.
    pub fn holds(&self, sector: u64, len: usize) -> bool {
        len > 0
            && len.is_multiple_of(SECTOR_LEN)
            && sector
                .checked_add((len / SECTOR_LEN) as u64)
                .is_some_and(|end| end <= self.sectors)
    }

    fn check(&self, sector: u64, len: usize) {
        assert!(
            self.holds(sector, len),
            "sector {sector} and {len} bytes do not lie on the device"
        );
    }

    fn place(&self, place: u16) -> usize {
        self.places + PLACE_LEN * place as usize
    }

    fn own(&self, offset: usize, len: usize) -> Result<Segment, Error> {
        Segment::new(&self.own, offset, len).ok_or(Error::Memory)
    }

    /// Section 5.2.6: `struct virtio_blk_req` without its data.
    fn write_header(&self, at: usize, kind: u32, sector: u64) {
        let mut header = [0; 16];
        header[..4].copy_from_slice(&kind.to_le_bytes());
        header[8..].copy_from_slice(&sector.to_le_bytes());
        self.own.write(at, &header);
        self.own.write(at + STATUS, &[STATUS_NONE]);
    }
}
