//! Frames on their way out, and smoltcp's view of them.
//!
//! smoltcp writes packets into plain memory of ours, once; the caller copies them into memory
//! shared with the driver, once. The queue is short: a socket is asked for its next packet only
//! when the queue is empty ([`crate::Stack::next_transmit`]), so a slow driver slows the
//! sockets down, and what fills the queue are answers only.

use alloc::boxed::Box;
use alloc::collections::VecDeque;
use alloc::vec;
use alloc::vec::Vec;
use smoltcp::phy::{
    Checksum, ChecksumCapabilities, Device, DeviceCapabilities, Medium, RxToken, TxToken,
};
use smoltcp::time::Instant;

/// Bytes of an Ethernet header.
pub(crate) const ETHERNET_LEN: usize = 14;

/// Where in its words a frame begins: so that behind 54 bytes of headers the payload is aligned.
const START: usize = 2;

/// Most bytes of a frame of many TCP segments: so that it fits eight places of 2 KiB in a driver's memory.
pub(crate) const BATCH_LEN: usize = 8 * 2048 - START;
/// Such frames that are kept to be used again.
const SPARE_BATCHES_MAX: usize = 4;

fn words_for(frame_len: usize) -> usize {
    (START + frame_len).div_ceil(8)
}

/// A frame with its Ethernet header. It lies in whole words, so that it is quickly added up and copied.
pub(crate) struct Frame {
    words: Box<[u64]>,
    len: usize,
    /// Where the bytes begin whose checksum is still to be finished.
    pub unfinished: Option<u16>,
    /// It is to be cut into segments.
    pub segments: Option<Segments>,
}

/// How a frame of many TCP segments is to be cut up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    /// Bytes of headers, from Ethernet's to TCP's, that each segment begins with.
    pub headers: u16,
    /// Most bytes behind them.
    pub len: u16,
}

impl Frame {
    pub fn bytes(&self) -> &[u8] {
        &words::bytes(&self.words)[START..START + self.len]
    }
    pub fn bytes_mut(&mut self) -> &mut [u8] {
        &mut words::bytes_mut(&mut self.words)[START..START + self.len]
    }
}

/// The queue.
pub(crate) struct Out {
    frames: VecDeque<Frame>,
    spare: Vec<Frame>,
    /// Frames of [`BATCH_LEN`] bytes.
    spare_batches: Vec<Frame>,
    /// Takes what does not fit, so that smoltcp always has somewhere to write.
    scratch: Box<[u8]>,
    frame_len: usize,
    max: usize,
    pub dropped: u64,
}

impl Out {
    pub fn new(mtu: usize, max: usize) -> Out {
        let frame_len = mtu + ETHERNET_LEN;
        Out {
            frames: VecDeque::with_capacity(max),
            spare: Vec::with_capacity(max),
            spare_batches: Vec::new(),
            scratch: vec![0; frame_len].into(),
            frame_len,
            max,
            dropped: 0,
        }
    }

    pub fn len(&self) -> usize {
        self.frames.len()
    }

    pub fn pop(&mut self) -> Option<Frame> {
        self.frames.pop_front()
    }

    pub fn pop_newest(&mut self) -> Option<Frame> {
        self.frames.pop_back()
    }

    pub fn newest(&mut self) -> Option<&mut Frame> {
        self.frames.back_mut()
    }

    /// Puts a frame in that was taken out before. Dropped if there is no place for it.
    pub fn push(&mut self, frame: Frame) {
        if self.frames.len() < self.max {
            self.frames.push_back(frame);
        } else {
            self.dropped += 1;
            self.recycle(frame);
        }
    }

    pub fn recycle(&mut self, frame: Frame) {
        let is_batch = frame.words.len() > words_for(self.frame_len);
        let (spare, max) = match is_batch {
            true => (&mut self.spare_batches, SPARE_BATCHES_MAX),
            false => (&mut self.spare, self.max),
        };
        if spare.len() < max {
            spare.push(frame);
        }
    }

    /// Lets `write` fill a new frame of `len` bytes.
    pub fn write<R>(&mut self, len: usize, write: impl FnOnce(&mut [u8]) -> R) -> R {
        assert!(
            len <= self.frame_len.max(BATCH_LEN),
            "smoltcp keeps to the MTU it was told"
        );
        if self.frames.len() >= self.max {
            self.dropped += 1;
            if len > self.scratch.len() {
                return write(&mut vec![0; len]);
            }
            return write(&mut self.scratch[..len]);
        }
        let (spare, frame_len) = match len > self.frame_len {
            true => (&mut self.spare_batches, BATCH_LEN),
            false => (&mut self.spare, self.frame_len),
        };
        let mut frame = spare.pop().unwrap_or_else(|| Frame {
            words: vec![0; words_for(frame_len)].into(),
            len: 0,
            unfinished: None,
            segments: None,
        });
        (frame.len, frame.unfinished, frame.segments) = (len, None, None);
        let result = write(frame.bytes_mut());
        self.frames.push_back(frame);
        result
    }
}

/// What smoltcp takes for its network device: one packet in, any number out.
pub(crate) struct Port<'a> {
    pub incoming: Option<&'a [u8]>,
    pub out: &'a mut Out,
    pub capabilities: DeviceCapabilities,
}

/// What smoltcp is told about the device.
pub(crate) fn capabilities(medium: Medium, mtu: usize) -> DeviceCapabilities {
    let mut capabilities = DeviceCapabilities::default();
    capabilities.medium = medium;
    // smoltcp's MTU counts the Ethernet header, if there is one.
    capabilities.max_transmission_unit = if medium == Medium::Ethernet {
        mtu + ETHERNET_LEN
    } else {
        mtu
    };
    capabilities.checksum = ChecksumCapabilities::default();
    if medium == Medium::Ip {
        // TCP's are ours: see `checksum`.
        capabilities.checksum.tcp = Checksum::None;
    }
    capabilities
}

impl Port<'_> {
    /// Where in a frame smoltcp begins: behind the Ethernet header if that is ours to write.
    fn start(&self) -> usize {
        if self.capabilities.medium == Medium::Ip {
            ETHERNET_LEN
        } else {
            0
        }
    }
}

impl Device for Port<'_> {
    type RxToken<'b>
        = Incoming<'b>
    where
        Self: 'b;
    type TxToken<'b>
        = Outgoing<'b>
    where
        Self: 'b;

    fn receive(&mut self, _: Instant) -> Option<(Incoming<'_>, Outgoing<'_>)> {
        let start = self.start();
        let packet = self.incoming.take()?;
        Some((
            Incoming(packet),
            Outgoing {
                out: self.out,
                start,
            },
        ))
    }
    fn transmit(&mut self, _: Instant) -> Option<Outgoing<'_>> {
        let start = self.start();
        Some(Outgoing {
            out: self.out,
            start,
        })
    }
    fn capabilities(&self) -> DeviceCapabilities {
        self.capabilities.clone()
    }
}

pub(crate) struct Incoming<'a>(&'a [u8]);

impl RxToken for Incoming<'_> {
    fn consume<R, F: FnOnce(&[u8]) -> R>(self, f: F) -> R {
        f(self.0)
    }
}

pub(crate) struct Outgoing<'a> {
    out: &'a mut Out,
    start: usize,
}

impl TxToken for Outgoing<'_> {
    fn consume<R, F: FnOnce(&mut [u8]) -> R>(self, len: usize, f: F) -> R {
        let start = self.start;
        self.out.write(start + len, |frame| f(&mut frame[start..]))
    }
}
