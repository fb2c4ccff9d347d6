//! Runs on your own machine: `./ftl test virtio_net`. The device is `libs/virtio`'s fake one and the
//! client is the test; rings, folios and doorbells are the real ones.

extern crate std;

use std::prelude::rust_2024::Vec;
use std::rc::Rc;
use std::vec;

use core::sync::atomic::Ordering;
use ring::{Consumer, Descriptor, Layout, Producer, SharedMemory};
use testkit::System;
use virtio::fake::{FakeDevice, FakeDma};
use virtio::{AddressRequest, DmaMemory};

use super::*;
use port::{FRAMES_LEN, Fault, SLOT_LEN, SLOTS, TRANSMIT_AT, queues_len};

const RECEIVE: usize = 0;
const TRANSMIT: usize = 1;
/// Where the device finds the frames.
const FRAMES_AT: u64 = 0x9000_0000;
const HEADER_LEN: usize = 12;

/// Memory that the device reaches: its queues, or the folio with the frames.
#[derive(Clone)]
enum Dma {
    Queues(FakeDma),
    Frames(SharedBytes),
}

impl SharedMemory for Dma {
    fn len(&self) -> usize {
        match self {
            Dma::Queues(memory) => memory.len(),
            Dma::Frames(memory) => memory.len(),
        }
    }
    fn load_u32(&self, offset: usize, order: Ordering) -> u32 {
        match self {
            Dma::Queues(memory) => memory.load_u32(offset, order),
            Dma::Frames(memory) => memory.load_u32(offset, order),
        }
    }
    fn store_u32(&self, offset: usize, value: u32, order: Ordering) {
        match self {
            Dma::Queues(memory) => memory.store_u32(offset, value, order),
            Dma::Frames(memory) => memory.store_u32(offset, value, order),
        }
    }
    fn read(&self, offset: usize, to: &mut [u8]) {
        match self {
            Dma::Queues(memory) => memory.read(offset, to),
            Dma::Frames(memory) => memory.read(offset, to),
        }
    }
    fn write(&self, offset: usize, from: &[u8]) {
        match self {
            Dma::Queues(memory) => memory.write(offset, from),
            Dma::Frames(memory) => memory.write(offset, from),
        }
    }
}

impl DmaMemory for Dma {
    fn load_u16(&self, offset: usize, order: Ordering) -> u16 {
        match self {
            Dma::Queues(memory) => memory.load_u16(offset, order),
            Dma::Frames(_) => panic!("frames hold no words"),
        }
    }
    fn store_u16(&self, offset: usize, value: u16, order: Ordering) {
        match self {
            Dma::Queues(memory) => memory.store_u16(offset, value, order),
            Dma::Frames(_) => panic!("frames hold no words"),
        }
    }
    fn device_address(&self, request: AddressRequest) -> u64 {
        match self {
            Dma::Queues(memory) => memory.device_address(request),
            Dma::Frames(_) => FRAMES_AT,
        }
    }
}

/// The client's ends of the rings.
struct Client {
    received: Consumer<SharedBytes>,
    to_send: Producer<SharedBytes>,
    frames: SharedBytes,
    rings: SharedBytes,
}

impl Client {
    fn attach(port: &mut Port<FakeDevice, Dma>) -> Client {
        let bell = Doorbell::new().unwrap();
        let memory = port.attach(bell.ringer().unwrap()).unwrap();
        let rings = memory.rings.map().unwrap();
        let first = Layout::new(0, SLOTS, FRAMES_LEN).unwrap();
        let second = Layout::new(first.end(), SLOTS, FRAMES_LEN).unwrap();
        Client {
            received: Consumer::new(rings.clone(), first),
            to_send: Producer::new(rings.clone(), second),
            frames: memory.frames.map().unwrap(),
            rings,
        }
    }

    fn send(&mut self, frame: &[u8]) {
        self.push(frame, 0);
    }

    fn push(&mut self, frame: &[u8], cookie: u64) {
        let offset = TRANSMIT_AT + self.to_send.pushed() % SLOTS * SLOT_LEN;
        self.frames.write(offset as usize, frame);
        let descriptor = Descriptor {
            offset,
            len: frame.len() as u32,
            cookie,
        };
        self.to_send.push(descriptor).expect("there is room");
        let _ = self.to_send.publish();
    }

    fn receive(&mut self) -> Option<Vec<u8>> {
        let frame = self.received.pop().unwrap()?;
        let mut bytes = vec![0; frame.len as usize];
        self.frames.read(frame.offset as usize, &mut bytes);
        let _ = self.received.release();
        Some(bytes)
    }
}

fn start() -> (System, FakeDevice, Port<FakeDevice, Dma>) {
    start_with(0)
}

/// With a device that offers more.
fn start_with(more: u64) -> (System, FakeDevice, Port<FakeDevice, Dma>) {
    let system = System::new();
    // MAC address, link up.
    let config = [2, 0, 0, 0, 0, 9, 1, 0, 0, 0, 0, 0];
    const MAC: u64 = 1 << 5;
    const STATUS: u64 = 1 << 16;
    const EVENT_IDX: u64 = 1 << 29;
    let device = FakeDevice::new(1, MAC | STATUS | EVENT_IDX | more, &config, &[]);
    let queues = Dma::Queues(FakeDma::new(queues_len(), 0x8000_0000));
    let frames = Folio::contiguous(FRAMES_LEN as usize).unwrap();
    let packets = Dma::Frames(frames.map().unwrap());
    device.reach(Rc::new(queues.clone()));
    device.reach(Rc::new(packets.clone()));
    let mut random = Random::from_seed([3; 32]);
    let port = Port::with(device.clone(), queues, packets, frames, &mut random).unwrap();
    (system, device, port)
}

/// The device receives a frame. False if it has no buffer for it.
fn receive(device: &FakeDevice, frame: &[u8]) -> bool {
    let Some((head, segments)) = device.take(RECEIVE) else {
        return false;
    };
    let bytes = [&[0; HEADER_LEN], frame].concat();
    device.write(segments[0], &bytes);
    device.complete(RECEIVE, head, bytes.len() as u32);
    true
}

/// The device sends the next frame.
fn send(device: &FakeDevice) -> Option<Vec<u8>> {
    let (head, segments) = device.take(TRANSMIT)?;
    assert_eq!(segments[0].len as usize, HEADER_LEN);
    let frame = device.read(segments[1]);
    device.complete(TRANSMIT, head, 0);
    Some(frame)
}

fn pump(port: &mut Port<FakeDevice, Dma>) {
    assert!(woken(port).is_ok());
}

/// Has it look at both sides.
fn woken(port: &mut Port<FakeDevice, Dma>) -> core::result::Result<(), Fault> {
    port.rung();
    let _ = port.interrupted();
    port.pump()
}

#[test]
fn frames_go_both_ways_for_as_long_as_one_likes() {
    let (_system, device, mut port) = start();
    assert_eq!(port.mac(), u64::from_le_bytes([2, 0, 0, 0, 0, 9, 0, 0]));
    let mut client = Client::attach(&mut port);
    pump(&mut port);
    for round in 0..3 * SLOTS {
        let frame = vec![round as u8; 60 + round as usize % 1400];
        assert!(receive(&device, &frame));
        client.send(&frame);
        pump(&mut port);
        assert_eq!(client.receive().as_ref(), Some(&frame));
        assert_eq!(send(&device), Some(frame));
        pump(&mut port);
    }
}

#[test]
fn a_client_that_takes_nothing_stops_the_device_and_not_the_driver() {
    let (_system, device, mut port) = start();
    let mut client = Client::attach(&mut port);
    pump(&mut port);
    let mut count = 0;
    while receive(&device, &[count as u8; 60]) {
        count += 1;
        pump(&mut port);
    }
    assert_eq!(count, SLOTS);
    for i in 0..SLOTS {
        assert_eq!(client.receive(), Some(vec![i as u8; 60]));
    }
    pump(&mut port);
    assert!(receive(&device, &[7; 60]));
}

#[test]
fn a_device_that_sends_nothing_stops_the_client_and_no_frame_is_lost() {
    let (_system, device, mut port) = start();
    let mut client = Client::attach(&mut port);
    let mut sent = 0;
    while client.to_send.pushed() - client.to_send.consumed().unwrap() < SLOTS {
        client.send(&[sent as u8; 60]);
        sent += 1;
        pump(&mut port);
    }
    for i in 0..sent {
        assert_eq!(send(&device), Some(vec![i as u8; 60]));
        pump(&mut port);
    }
    assert_eq!(send(&device), None);
    assert_eq!(client.to_send.consumed(), Ok(sent));
}

#[test]
fn a_client_that_breaks_the_rules_is_told_apart_and_the_next_is_served() {
    let (_system, device, mut port) = start();
    let client = Client::attach(&mut port);
    pump(&mut port);
    // The ring of frames to be sent: more of them than it holds.
    let second = Layout::new(0, SLOTS, FRAMES_LEN).unwrap().end();
    client
        .rings
        .store_u32(second, 0x1000_0000, Ordering::SeqCst);
    assert!(matches!(woken(&mut port), Err(Fault::Client(_))));
    port.detach();
    let mut client = Client::attach(&mut port);
    pump(&mut port);
    // A frame that does not lie where frames are: refused before the device hears of it.
    let at = second + 128;
    client
        .rings
        .store_u32(at, FRAMES_LEN - 10, Ordering::SeqCst);
    client.rings.store_u32(at + 4, 100, Ordering::SeqCst);
    client.rings.store_u32(second, 1, Ordering::SeqCst);
    assert!(matches!(woken(&mut port), Err(Fault::Client(_))));
    assert_eq!(send(&device), None);
    port.detach();
    client = Client::attach(&mut port);
    client.send(&[5; 60]);
    pump(&mut port);
    assert_eq!(send(&device), Some(vec![5; 60]));
    assert!(receive(&device, &[6; 60]));
    pump(&mut port);
    assert_eq!(client.receive(), Some(vec![6; 60]));
}

/// Frames that are being sent for a client that is gone are not taken for the next one's. Their bytes may be
/// the next one's already, if the device is slow: whoever gets such a frame finds a wrong checksum.
#[test]
fn a_client_may_leave_at_any_time() {
    let (_system, device, mut port) = start();
    let mut gone = Client::attach(&mut port);
    pump(&mut port);
    gone.send(&[1; 60]);
    gone.send(&[2; 60]);
    assert!(receive(&device, &[3; 60]));
    pump(&mut port);
    port.detach();
    pump(&mut port);
    // Nobody is there: what comes is dropped.
    assert!(receive(&device, &[4; 60]));
    pump(&mut port);
    let mut client = Client::attach(&mut port);
    client.send(&[5; 60]);
    pump(&mut port);
    assert_eq!(client.receive(), None);
    assert!(send(&device).is_some() && send(&device).is_some());
    assert_eq!(send(&device), Some(vec![5; 60]));
    pump(&mut port);
    client.send(&[6; 60]);
    pump(&mut port);
    assert_eq!(send(&device), Some(vec![6; 60]));
    pump(&mut port);
    assert_eq!(client.to_send.consumed(), Ok(2));
    // Buffers of frames that the first one never took are with the device again.
    for i in 0..2 * SLOTS {
        assert!(receive(&device, &[i as u8; 60]));
        pump(&mut port);
        assert_eq!(client.receive(), Some(vec![i as u8; 60]));
    }
}

#[test]
fn a_device_that_lies_is_found_out() {
    type Lie = fn(&FakeDevice);
    let lies: [Lie; 4] = [
        // Buffers that it was never given, one used twice, more than it was given, more than fits.
        |device| device.poke_used(RECEIVE, 5000, 60, 1),
        |device| device.poke_used(TRANSMIT, 3, 0, 1),
        |device| device.poke_used(RECEIVE, 0, 60, 999),
        |device| device.poke_used(RECEIVE, 0, SLOT_LEN + 1, 1),
    ];
    for lie in lies {
        let (_system, device, mut port) = start();
        let _client = Client::attach(&mut port);
        pump(&mut port);
        lie(&device);
        assert!(matches!(woken(&mut port), Err(Fault::Device(_))));
    }
}

#[test]
fn checksums_are_the_devices_affair_if_it_can() {
    const CSUM: u64 = 1;
    const GUEST_CSUM: u64 = 2;
    for (more, can) in [(0, false), (CSUM | GUEST_CSUM, true)] {
        let (_system, device, mut port) = start_with(more);
        let mut client = Client::attach(&mut port);
        pump(&mut port);
        assert_eq!(port.checksums(), can);

        // To be finished: from byte 34 on, 16 bytes from there. A device that cannot is not asked.
        client.push(&[5; 60], 1 | 34 << 16 | 16 << 32);
        pump(&mut port);
        let (head, segments) = device.take(TRANSMIT).unwrap();
        let header = device.read(segments[0]);
        let asked = [1, 0, 0, 0, 0, 0, 34, 0, 16, 0, 0, 0];
        assert_eq!(header, if can { asked } else { [0; HEADER_LEN] });
        device.complete(TRANSMIT, head, 0);

        // Vouched for, and not.
        for flags in [2, 1, 0] {
            let (head, segments) = device.take(RECEIVE).unwrap();
            let mut bytes = vec![0; HEADER_LEN + 60];
            bytes[0] = flags;
            device.write(segments[0], &bytes);
            device.complete(RECEIVE, head, bytes.len() as u32);
            pump(&mut port);
            let frame = client.received.pop().unwrap().unwrap();
            assert_eq!(frame.cookie, u64::from(can && flags != 0));
        }
    }
}

/// Many segments go in one frame, if the device can cut it up: in the place of the first, and those behind it.
#[test]
fn a_frame_may_go_out_to_be_cut_up() {
    const CSUM: u64 = 1;
    const HOST_TSO4: u64 = 1 << 11;
    for (more, can) in [(0, false), (CSUM, false), (CSUM | HOST_TSO4, true)] {
        let (_system, device, mut port) = start_with(more);
        let mut client = Client::attach(&mut port);
        pump(&mut port);
        assert_eq!(port.batches(), can);
        if !can {
            continue;
        }
        let cookie = 1 | 54 << 2 | 34 << 16 | 16 << 32 | 1456 << 48;
        for round in 0..100 {
            if SLOTS - client.to_send.pushed() % SLOTS < 3 {
                // It would go around the end.
                while !client.to_send.pushed().is_multiple_of(SLOTS) {
                    client.push(&[], 0);
                }
                pump(&mut port);
            }
            client.push(&[5; 6000], cookie);
            client.push(&[], 0);
            client.push(&[], 0);
            let _ = client.to_send.publish();
            pump(&mut port);
            let (head, segments) = device.take(TRANSMIT).unwrap();
            assert!(device.take(TRANSMIT).is_none(), "one frame, round {round}");
            let header = device.read(segments[0]);
            assert_eq!(header, [1, 1, 54, 0, 176, 5, 34, 0, 16, 0, 0, 0]);
            assert_eq!(device.read(segments[1]), [5; 6000]);
            let before = client.to_send.consumed().unwrap();
            device.complete(TRANSMIT, head, 0);
            pump(&mut port);
            // Its places come back together, when it is sent.
            let after = client.to_send.consumed().unwrap();
            assert_eq!(after.wrapping_sub(before), 3, "round {round}");
        }
    }
}

/// Many segments in one frame come over several buffers, and the client gets all of them or none.
#[test]
fn a_frame_may_come_in_pieces() {
    const GUEST_CSUM: u64 = 1 << 1;
    const GUEST_TSO4: u64 = 1 << 7;
    const MERGE: u64 = 1 << 15;
    let (_system, device, mut port) = start_with(GUEST_CSUM | GUEST_TSO4 | MERGE);
    let mut client = Client::attach(&mut port);
    pump(&mut port);
    // The next piece of three, or of one.
    let piece = |number: usize, of: u8| {
        let (head, segments) = device.take(RECEIVE).unwrap();
        let mut bytes = vec![number as u8; 2048];
        if number == 0 {
            bytes[..HEADER_LEN].copy_from_slice(&[2, 0, 0, 0, 0, 0, 0, 0, 0, 0, of, 0]);
        }
        device.write(segments[0], &bytes);
        device.complete(RECEIVE, head, bytes.len() as u32);
    };
    let heard = |port: &mut Port<FakeDevice, Dma>, client: &mut Client| {
        pump(port);
        let mut found = Vec::new();
        while let Some(frame) = client.received.pop().unwrap() {
            found.push((frame.len, frame.cookie));
        }
        let _ = client.received.release();
        found
    };
    (0..3).for_each(|number| piece(number, 3));
    let all = [(2036, 3), (2048, 2), (2048, 0)];
    assert_eq!(heard(&mut port, &mut client), all);
    // The client goes in the middle of one: the next client hears nothing of it.
    piece(0, 3);
    assert_eq!(heard(&mut port, &mut client), [(2036, 3)]);
    let mut client = Client::attach(&mut port);
    (1..3).for_each(|number| piece(number, 3));
    assert_eq!(heard(&mut port, &mut client), []);
    piece(0, 1);
    assert_eq!(heard(&mut port, &mut client), [(2036, 1)]);
    // A device that cannot spread them over buffers is not asked for them.
    for (offered, taken) in [(GUEST_TSO4, false), (GUEST_TSO4 | MERGE, true)] {
        let (_system, _, port) = start_with(GUEST_CSUM | offered);
        assert_eq!(port.takes_batches(), taken);
    }
}

/// Nobody is looked at who was asked to wake the driver and has not; and what it asks for is enough for every frame to arrive,
/// in whatever order things happen.
#[test]
fn frames_arrive_though_the_driver_looks_only_where_it_was_woken() {
    for seed in 1..20u32 {
        let (_system, device, mut port) = start();
        let mut client = Client::attach(&mut port);
        pump(&mut port);
        let mut random = seed;
        let mut next = |below: u32| {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (random >> 8) % below
        };
        let (mut pushed, mut sent, mut came, mut heard) = (0u32, 0u32, 0u32, 0u32);
        for round in 0..4000 {
            let (mut rang, mut left) = (false, 1 + next(200));
            // At the end nothing begins any more.
            let what = if round < 3900 { next(4) } else { 2 + round % 2 };
            while left > 0 {
                left -= 1;
                match what {
                    0 if client.to_send.space().unwrap() > 0 => {
                        let offset = TRANSMIT_AT + client.to_send.pushed() % SLOTS * SLOT_LEN;
                        let frame = [&pushed.to_le_bytes()[..], &[7; 56]].concat();
                        client.frames.write(offset as usize, &frame);
                        let (len, cookie) = (60, 0);
                        let frame = Descriptor {
                            offset,
                            len,
                            cookie,
                        };
                        client.to_send.push(frame).unwrap();
                        rang |= client.to_send.publish();
                        pushed += 1;
                    }
                    1 if receive(&device, &[&came.to_le_bytes()[..], &[9; 56]].concat()) => {
                        came += 1;
                    }
                    2 => {
                        if let Some(frame) = send(&device) {
                            assert_eq!(frame[..4], sent.to_le_bytes());
                            sent += 1;
                        }
                    }
                    3 => {
                        if let Some(frame) = client.received.pop().unwrap() {
                            let mut bytes = [0; 4];
                            client.frames.read(frame.offset as usize, &mut bytes);
                            assert_eq!(bytes, heard.to_le_bytes());
                            heard += 1;
                            rang |= client.received.release();
                        }
                    }
                    _ => left = 0,
                }
            }
            if rang {
                port.rung();
                assert!(port.pump().is_ok());
            }
            if device.interrupt() {
                let _ = port.interrupted();
                assert!(port.pump().is_ok());
            }
        }
        assert!(pushed > 1000 && came > 1000, "{pushed} {came}");
        assert_eq!((sent, heard), (pushed, came), "seed {seed}");
    }
}
