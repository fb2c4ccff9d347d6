//! Has a device write into memory that only another device was given.
//!
//! `libs/virtio` alone fills address fields, and asks the memory for its address (rule 16). But memory is a trait, and
//! this component implements it: [`Claimed`] lies about where it is. That is what an author of a driver under
//! `user` can always do, so what keeps the device from it has to be the machine.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use core::sync::atomic::Ordering;

use ftl::handle::AsHandle;
use ftl::memory::DmaBytes;
use ftl::prelude::*;
use ftl::sys;
use ring::SharedMemory;
use virtio::{AddressRequest, DmaMemory, Segment, Transport};

#[rustfmt::skip]
mod spec;

use spec::*;

/// Virtio's number of the device, and its one queue.
const RNG: u32 = 4;
const QUEUE: u32 = 0;
const QUEUE_SIZE: u16 = 8;
/// Bytes that it is to write.
const LEN: usize = 64;
/// How long it may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// Memory that says it is elsewhere.
struct Claimed<'a> {
    bytes: &'a DmaBytes,
    address: u64,
}

impl SharedMemory for Claimed<'_> {
    fn len(&self) -> usize {
        self.bytes.len()
    }
    fn load_u32(&self, offset: usize, order: Ordering) -> u32 {
        self.bytes.load_u32(offset, order)
    }
    fn store_u32(&self, offset: usize, value: u32, order: Ordering) {
        self.bytes.store_u32(offset, value, order)
    }
    fn read(&self, offset: usize, to: &mut [u8]) {
        self.bytes.read(offset, to)
    }
    fn write(&self, offset: usize, from: &[u8]) {
        self.bytes.write(offset, from)
    }
}

impl DmaMemory for Claimed<'_> {
    fn load_u16(&self, offset: usize, order: Ordering) -> u16 {
        self.bytes.load_u16(offset, order)
    }
    fn store_u16(&self, offset: usize, value: u16, order: Ordering) {
        self.bytes.store_u16(offset, value, order)
    }
    fn device_address(&self, _: AddressRequest) -> u64 {
        self.address
    }
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let own = Folio::contiguous(8192)?;
    let own = env.thief.dma(&own)?;
    let victim = Folio::contiguous(4096)?;
    let address = sys::device_dma(env.other.handle(), victim.handle())? as u64;
    let victim = env.other.dma(&victim)?;

    let transport = Transport::new(env.thief.registers(0)?, RNG, 0, 0).map_err(broken)?;
    let mut queue = transport
        .queue(QUEUE, QUEUE_SIZE, own.clone(), 0)
        .map_err(broken)?;
    transport.start();

    // First what it may: so that it is known to work.
    let mut ask = |segment: Option<Segment>| -> Result<bool> {
        let segment = segment.ok_or(Error::InvalidArgument)?;
        queue.add(&[], &[segment], 0).map_err(broken)?;
        if queue.publish() {
            transport.notify(QUEUE);
        }
        let end = Instant::now() + PATIENCE;
        loop {
            if queue.pop().map_err(broken)?.is_some() {
                return Ok(true);
            }
            // A device that cannot reach its buffer asks for a reset.
            if transport.interrupts().is_err() || Instant::now() > end {
                return Ok(false);
            }
        }
    };
    let done = ask(Segment::new(&own, 4096, LEN))?;
    assert!(done && is_written(&own, 4096), "the device does not work");
    info!("the device wrote where it may");

    let claimed = Claimed {
        bytes: &own,
        address,
    };
    let _ = ask(Segment::new(&claimed, 0, LEN))?;
    match is_written(&victim, 0) {
        true => warn!("the device wrote where it must not"),
        false => info!("the device did not write where it must not"),
    }
    Ok(())
}

/// Whether there is something else than zeros.
fn is_written(memory: &DmaBytes, offset: usize) -> bool {
    let mut bytes = [0; LEN];
    memory.read(offset, &mut bytes);
    bytes.iter().any(|byte| *byte != 0)
}

fn broken(error: virtio::Error) -> Error {
    error!("{error}");
    Error::Io
}
