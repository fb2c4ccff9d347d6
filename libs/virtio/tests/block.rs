//! The block device against a fake one: a disk in a vector, and devices that lie.

use std::collections::VecDeque;

use proptest::prelude::*;
use ring::SharedMemory;
use virtio::block::{Block, Outcome, Request, SECTOR_LEN};
use virtio::fake::{FakeDevice, FakeDma, FakeSegment};
use virtio::{Error, Misbehaviour};

type FakeBlock = Block<FakeDevice, FakeDma>;

const EVENT_IDX: u64 = 1 << 29;
const READ_ONLY: u64 = 1 << 5;
const FLUSH: u64 = 1 << 9;
const DISCARD: u64 = 1 << 13;
const SECTORS: usize = 64;

/// The device's side: a disk that does what requests say.
struct Disk {
    device: FakeDevice,
    bytes: Vec<u8>,
    flushes: usize,
}

impl Disk {
    /// Carries out the next request; false if there is none.
    fn serve(&mut self) -> bool {
        let Some((head, segments)) = self.device.take(0) else {
            return false;
        };
        let (status, written) = self.answer(&segments);
        let last = *segments.last().unwrap();
        self.device.write(last, &[status]);
        self.device.complete(0, head, written + 1);
        true
    }

    fn answer(&mut self, segments: &[FakeSegment]) -> (u8, u32) {
        let header = self.device.read(segments[0]);
        let kind = u32::from_le_bytes(header[..4].try_into().unwrap());
        let sector = u64::from_le_bytes(header[8..16].try_into().unwrap()) as usize;
        let at = sector * SECTOR_LEN;
        match kind {
            0 => {
                let len = segments[1].len as usize;
                self.device.write(segments[1], &self.bytes[at..at + len]);
                (0, len as u32)
            }
            1 => {
                let data = self.device.read(segments[1]);
                self.bytes[at..at + data.len()].copy_from_slice(&data);
                (0, 0)
            }
            4 => {
                self.flushes += 1;
                (0, 0)
            }
            8 => {
                let mut name = [0; 20];
                name[..8].copy_from_slice(b"ftl-data");
                self.device.write(segments[1], &name);
                (0, 20)
            }
            11 => {
                let range = self.device.read(segments[1]);
                let first = u64::from_le_bytes(range[..8].try_into().unwrap()) as usize;
                let count = u32::from_le_bytes(range[8..12].try_into().unwrap()) as usize;
                self.bytes[first * SECTOR_LEN..(first + count) * SECTOR_LEN].fill(0);
                (0, 0)
            }
            _ => (2, 0),
        }
    }
}

fn config() -> Vec<u8> {
    let mut config = vec![0; 64];
    config[..8].copy_from_slice(&(SECTORS as u64).to_le_bytes());
    config[36..40].copy_from_slice(&16u32.to_le_bytes());
    config
}

fn start(features: u64) -> (FakeBlock, Disk, FakeDma) {
    let own = FakeDma::new(FakeBlock::memory_len(32), 0x8000_0000);
    let data = FakeDma::new(16 * SECTOR_LEN, 0x9000_0000);
    let device = FakeDevice::new(2, features, &config(), &[&own, &data]);
    let block = Block::new(device.clone(), own, data.clone(), 32).unwrap();
    let disk = Disk {
        device,
        bytes: vec![0; SECTORS * SECTOR_LEN],
        flushes: 0,
    };
    (block, disk, data)
}

#[test]
fn what_was_written_is_read_again() {
    let (mut block, mut disk, data) = start(EVENT_IDX | FLUSH);
    assert_eq!(block.sectors(), SECTORS as u64);
    assert!(!block.is_read_only() && block.has_cache());
    data.write(0, &[7; 1024]);
    let write = Request::Write {
        sector: 3,
        offset: 0,
        len: 1024,
    };
    block.start(write, 1).unwrap();
    block.publish();
    assert_eq!(disk.device.notifications(0), 1);
    assert_eq!(block.poll(), Ok(None));
    assert_eq!(block.prepare_wait(), Ok(true));
    assert!(disk.serve());
    assert!(block.interrupts().unwrap().queue);
    assert_eq!(block.poll(), Ok(Some((1, Outcome::Done))));
    let read = Request::Read {
        sector: 4,
        offset: 4096,
        len: 512,
    };
    block.start(read, 2).unwrap();
    block.start(Request::Flush, 3).unwrap();
    block.publish();
    while disk.serve() {}
    assert_eq!(block.poll(), Ok(Some((2, Outcome::Done))));
    assert_eq!(block.poll(), Ok(Some((3, Outcome::Done))));
    let mut found = [0; 512];
    data.read(4096, &mut found);
    assert_eq!(found, [7; 512]);
    assert_eq!(disk.flushes, 1);
}

#[test]
fn a_device_says_its_name() {
    let (mut block, mut disk, _) = start(EVENT_IDX);
    block.start_name(9).unwrap();
    block.publish();
    assert!(disk.serve());
    assert_eq!(block.poll(), Ok(Some((9, Outcome::Done))));
    let (name, len) = block.name();
    assert_eq!(&name[..len], b"ftl-data");
}

#[test]
fn discarded_sectors_are_named() {
    let (mut block, mut disk, _) = start(EVENT_IDX | DISCARD);
    assert_eq!(block.discard_max(), 16);
    disk.bytes.fill(9);
    block
        .start(
            Request::Discard {
                sector: 2,
                count: 3,
            },
            0,
        )
        .unwrap();
    block.publish();
    assert!(disk.serve());
    assert_eq!(block.poll(), Ok(Some((0, Outcome::Done))));
    assert_eq!(disk.bytes[2 * 512 - 1], 9);
    assert_eq!(disk.bytes[2 * 512..5 * 512], [0; 3 * 512]);
    assert_eq!(disk.bytes[5 * 512], 9);
}

#[test]
fn data_must_lie_in_the_data_memory() {
    let (mut block, ..) = start(EVENT_IDX);
    let read = Request::Read {
        sector: 0,
        offset: 16 * SECTOR_LEN - 511,
        len: 512,
    };
    assert_eq!(block.start(read, 0), Err(Error::Memory));
    assert_eq!(block.space(), 10, "a refused request keeps no place");
    assert!(!block.holds(SECTORS as u64, 512));
    assert!(!block.holds(u64::MAX, 512));
    assert!(!block.holds(0, 100) && !block.holds(0, 0));
    assert!(block.holds(SECTORS as u64 - 1, 512));
}

#[test]
#[should_panic(expected = "read-only")]
fn a_read_only_device_is_not_written() {
    let (mut block, ..) = start(EVENT_IDX | READ_ONLY);
    let _ = block.start(
        Request::Write {
            sector: 0,
            offset: 0,
            len: 512,
        },
        0,
    );
}

#[test]
fn errors_come_through_and_lies_are_found() {
    let (mut block, disk, _) = start(EVENT_IDX);
    let read = |sector| Request::Read {
        sector,
        offset: 0,
        len: 512,
    };
    for (status, expected) in [
        (1, Ok(Some((5, Outcome::IoError)))),
        (2, Ok(Some((5, Outcome::Unsupported)))),
        (77, Err(Error::DeviceMisbehaved(Misbehaviour::Status(77)))),
    ] {
        block.start(read(0), 5).unwrap();
        block.publish();
        let (head, segments) = disk.device.take(0).unwrap();
        disk.device.write(segments[2], &[status]);
        disk.device.complete(0, head, 1);
        assert_eq!(block.poll(), expected);
    }
    // It says that it is done and has not written the status.
    block.start(read(0), 6).unwrap();
    block.publish();
    let (head, _) = disk.device.take(0).unwrap();
    disk.device.complete(0, head, 0);
    assert_eq!(
        block.poll(),
        Err(Error::DeviceMisbehaved(Misbehaviour::Status(0xff)))
    );
}

#[test]
fn a_full_queue_says_so_and_recovers() {
    let (mut block, mut disk, _) = start(EVENT_IDX);
    let read = Request::Read {
        sector: 1,
        offset: 0,
        len: 512,
    };
    let mut started = 0;
    while block.start(read, started).is_ok() {
        started += 1;
    }
    assert_eq!(started, 10, "32 descriptors, three for each");
    assert_eq!(block.start(read, 99), Err(Error::QueueFull));
    block.publish();
    while disk.serve() {}
    for token in 0..started {
        assert_eq!(block.poll(), Ok(Some((token, Outcome::Done))));
    }
    block.start(read, 100).unwrap();
}

proptest! {
    /// Any mixture of requests, answered in any order, leaves the disk as a plain vector would be.
    #[test]
    fn requests_finish_in_any_order(
        steps in prop::collection::vec((0..3u8, 0..SECTORS as u64, 0..15usize, any::<u8>()), 1..60),
        swaps in prop::collection::vec(any::<prop::sample::Index>(), 60),
    ) {
        let (mut block, disk, data) = start(EVENT_IDX | FLUSH);
        let mut bytes = vec![0u8; SECTORS * SECTOR_LEN];
        let mut disk = disk;
        for (step, (kind, sector, place, byte)) in steps.into_iter().enumerate() {
            let offset = place * SECTOR_LEN;
            let (at, end) = (sector as usize * SECTOR_LEN, (sector as usize + 1) * SECTOR_LEN);
            let request = match kind {
                0 => Request::Read { sector, offset, len: SECTOR_LEN },
                1 => Request::Write { sector, offset, len: SECTOR_LEN },
                _ => Request::Flush,
            };
            if kind == 1 {
                data.write(offset, &[byte; SECTOR_LEN]);
                bytes[at..end].fill(byte);
            }
            // Others that do no harm are under way, and come back in another order.
            let idle = Request::Read { sector: 0, offset: 15 * SECTOR_LEN, len: SECTOR_LEN };
            block.start(idle, 1000).unwrap();
            block.start(request, step as u64).unwrap();
            block.publish();
            let mut taken = VecDeque::new();
            while let Some(one) = disk.device.take(0) {
                taken.push_back(one);
            }
            if swaps[step % swaps.len()].index(2) == 1 {
                taken.swap(0, 1);
            }
            for (head, segments) in taken {
                let (status, written) = disk.answer(&segments);
                disk.device.write(*segments.last().unwrap(), &[status]);
                disk.device.complete(0, head, written + 1);
            }
            let mut tokens = vec![];
            while let Some((token, outcome)) = block.poll().unwrap() {
                prop_assert_eq!(outcome, Outcome::Done);
                tokens.push(token);
            }
            tokens.sort();
            prop_assert_eq!(tokens, vec![step as u64, 1000]);
            if kind == 0 {
                let mut found = [0; SECTOR_LEN];
                data.read(offset, &mut found);
                prop_assert_eq!(&found[..], &bytes[at..end]);
            }
        }
        prop_assert_eq!(disk.bytes, bytes);
    }

    /// A device that writes anything into its ring is told apart from an honest one, or obeyed.
    #[test]
    fn no_used_ring_upsets_the_driver(
        pokes in prop::collection::vec((0..40u32, any::<u32>(), any::<u16>()), 1..20),
    ) {
        let (mut block, disk, _) = start(EVENT_IDX);
        for sector in 0..4 {
            block.start(Request::Read { sector, offset: 0, len: 512 }, sector).unwrap();
        }
        block.publish();
        while disk.device.take(0).is_some() {}
        for (id, len, idx) in pokes {
            disk.device.poke_used(0, id, len, idx);
            for _ in 0..5 {
                if block.poll().is_err() {
                    break;
                }
            }
        }
        prop_assert!(block.outstanding() <= 4);
    }
}
