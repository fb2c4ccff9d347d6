//! The network device against a fake one that is honest, slow, or lies.

use proptest::prelude::*;
use ring::SharedMemory;
use virtio::fake::{FakeDevice, FakeDma};
use virtio::net::{HEADER_LEN, Net, Offload, Options};
use virtio::{Error, Misbehaviour};

const SIZE: u16 = 8;
const EVENT_IDX: u64 = 1 << 29;
const MAC: u64 = 1 << 5;
const MERGE: u64 = 1 << 15;
const CHECKSUMS: u64 = 3;
const CONFIG: [u8; 12] = [0x52, 0x54, 0, 1, 2, 3, 1, 0, 1, 0, 0xdc, 5];

type FakeNet = Net<FakeDevice, FakeDma>;

struct Machine {
    device: FakeDevice,
    queues: FakeDma,
    packets: FakeDma,
}

fn machine(features: u64) -> Machine {
    let queues = FakeDma::new(FakeNet::memory_len(SIZE), 0x8000_0000);
    let packets = FakeDma::new(1 << 16, 0x1_2345_6000);
    let device = FakeDevice::new(1, features, &CONFIG, &[&queues, &packets]);
    Machine {
        device,
        queues,
        packets,
    }
}

impl Machine {
    fn start(&self, options: Options) -> Result<FakeNet, Error> {
        Net::new(
            self.device.clone(),
            self.queues.clone(),
            self.packets.clone(),
            SIZE,
            options,
        )
    }
}

const MERGEABLE: Options = Options {
    mergeable_buffers: true,
    transmit_checksum: false,
    receive_checksum: false,
    transmit_segmentation: false,
    receive_segmentation: false,
};

#[test]
fn set_up_reads_the_configuration_and_only_takes_what_is_offered() {
    let m = machine(MAC | 1 << 3 | 1 << 16);
    let everything = Options {
        transmit_checksum: true,
        transmit_segmentation: true,
        ..MERGEABLE
    };
    let net = m.start(everything).unwrap();
    assert_eq!(net.mac(), Ok(Some([0x52, 0x54, 0, 1, 2, 3])));
    assert_eq!(net.mtu(), Ok(Some(1500)));
    assert_eq!(net.link_up(), Ok(true));
    assert_eq!(net.options(), Options::default());
    assert_eq!(m.device.status(), 15);
    net.reset().unwrap();
    assert_eq!(m.device.status(), 0);
}

#[test]
fn devices_that_will_not_do_are_refused_with_the_reason() {
    let check = |change: &dyn Fn(&FakeDevice), expected: Error| {
        let m = machine(MAC);
        change(&m.device);
        assert_eq!(m.start(Options::default()).err(), Some(expected));
    };
    check(&|d| d.set_version(1), Error::Legacy);
    check(&|d| d.set_version(7), Error::NotVirtio);
    check(&|d| d.refuse_features(), Error::Features);
    check(&|d| d.never_resets(), Error::ResetTimedOut);
    check(&|d| d.set_queue_size_max(0), Error::NoQueue);
    let m = machine(MAC);
    let rng = FakeDevice::new(4, 0, &[], &[]);
    assert_eq!(
        Net::new(rng, m.queues, m.packets, SIZE, MERGEABLE).err(),
        Some(Error::WrongDevice(4))
    );
    let m = machine(MAC);
    let short = FakeDma::new(FakeNet::memory_len(SIZE) - 1, 0);
    assert_eq!(
        Net::new(m.device, short, m.packets, SIZE, MERGEABLE).err(),
        Some(Error::Memory)
    );
    let m = machine(MAC);
    m.device.unstable_config();
    let net = m.start(MERGEABLE).unwrap();
    assert_eq!(
        net.mac(),
        Err(Error::DeviceMisbehaved(Misbehaviour::UnstableConfig))
    );
    m.device.need_reset();
    assert_eq!(net.interrupts(), Err(Error::NeedsReset));
}

#[test]
fn a_small_device_gets_smaller_queues() {
    let m = machine(MAC);
    m.device.set_queue_size_max(6);
    let net = m.start(MERGEABLE).unwrap();
    assert_eq!((net.receive_space(), net.transmit_space()), (4, 2));
}

fn receive(features: u64) {
    let m = machine(MAC | features);
    let mut net = m.start(MERGEABLE).unwrap();
    for i in 0..SIZE as usize {
        net.post_receive(i * 2048, 2048, i as u64).unwrap();
    }
    assert_eq!(net.post_receive(0, 2048, 9), Err(Error::QueueFull));
    net.publish_receive();
    assert_eq!(m.device.notifications(0), 1);
    assert_eq!(net.prepare_wait(false), Ok(true));
    for round in 0..100_000u64 {
        let (head, segments) = m.device.take(0).unwrap();
        let mut packet = [0u8; HEADER_LEN + 8];
        packet[10] = 1;
        packet[HEADER_LEN..].copy_from_slice(&round.to_le_bytes());
        m.device.write(segments[0], &packet);
        m.device.complete(0, head, packet.len() as u32);
        assert!(m.device.interrupt(), "round {round}");
        assert!(net.interrupts().unwrap().queue);
        let got = net.poll_receive().unwrap().unwrap();
        assert_eq!(
            (got.token, got.start, got.len, got.more),
            (round % 8, 12, 8, 0)
        );
        let mut bytes = [0; 8];
        m.packets
            .read(got.token as usize * 2048 + got.start as usize, &mut bytes);
        assert_eq!(u64::from_le_bytes(bytes), round);
        assert_eq!(net.poll_receive(), Ok(None));
        net.post_receive(got.token as usize * 2048, 2048, got.token)
            .unwrap();
        net.publish_receive();
        assert_eq!(net.prepare_wait(false), Ok(true));
    }
}

#[test]
fn packets_come_in_with_event_indices() {
    receive(EVENT_IDX | MERGE);
}

#[test]
fn packets_come_in_without_event_indices() {
    receive(0);
}

#[test]
fn interrupts_and_notifications_are_batched() {
    let m = machine(MAC | EVENT_IDX);
    let mut net = m.start(MERGEABLE).unwrap();
    for i in 0..8 {
        net.post_receive(i * 2048, 2048, i as u64).unwrap();
    }
    net.publish_receive();
    let heads: Vec<_> = (0..4).map(|_| m.device.take(0).unwrap().0).collect();
    assert_eq!(net.prepare_wait(false), Ok(true));
    m.device.complete(0, heads[0], 20);
    assert!(net.interrupts().unwrap().queue);
    for &head in &heads[1..] {
        m.device.complete(0, head, 20);
        assert!(!m.device.interrupt(), "not asked for");
    }
    assert_eq!(
        net.prepare_wait(false),
        Ok(false),
        "there is something to do"
    );
    while let Ok(Some(_)) = net.poll_receive() {}
    assert_eq!(net.prepare_wait(false), Ok(true));
}

#[test]
fn packets_go_out_with_their_header_and_back_pressure() {
    let m = machine(MAC | EVENT_IDX | CHECKSUMS);
    let mut net = m
        .start(Options {
            transmit_checksum: true,
            ..Options::default()
        })
        .unwrap();
    for round in 0..30_000u64 {
        m.packets.write(0, &round.to_le_bytes());
        let offload = Offload {
            checksum: Some((34, 16)),
            segmentation: Some((54, 1460)),
        };
        for token in 0..4 {
            net.transmit(0, 8, offload, token).unwrap();
        }
        assert_eq!(net.transmit(0, 8, offload, 9), Err(Error::QueueFull));
        net.publish_transmit();
        for token in 0..4 {
            let (head, segments) = m.device.take(1).unwrap();
            let header = m.device.read(segments[0]);
            assert_eq!(
                header,
                [1, 0, 0, 0, 0, 0, 34, 0, 16, 0, 0, 0],
                "segmentation was not settled upon"
            );
            assert_eq!(m.device.read(segments[1]), round.to_le_bytes());
            assert!(segments.iter().all(|s| !s.writable));
            m.device.complete(1, head, 0);
            assert_eq!(net.poll_transmit(), Ok(Some(token)));
        }
        assert_eq!(m.device.take(1), None);
        assert_eq!(net.poll_transmit(), Ok(None));
    }
    assert_eq!(
        net.transmit(65530, 8, Offload::default(), 0),
        Err(Error::Memory)
    );
}

#[test]
fn a_packet_in_several_buffers_is_announced() {
    let m = machine(MAC | MERGE);
    let mut net = m.start(MERGEABLE).unwrap();
    for i in 0..4 {
        net.post_receive(i * 64, 64, i as u64).unwrap();
    }
    net.publish_receive();
    let taken: Vec<_> = (0..3).map(|_| m.device.take(0).unwrap()).collect();
    m.device
        .write(taken[0].1[0], &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0]);
    for (head, _) in &taken {
        m.device.complete(0, *head, 64);
    }
    let got: Vec<_> = (0..3)
        .map(|_| net.poll_receive().unwrap().unwrap())
        .collect();
    assert_eq!(
        got.iter()
            .map(|r| (r.token, r.start, r.len, r.more))
            .collect::<Vec<_>>(),
        [(0, 12, 52, 2), (1, 0, 64, 1), (2, 0, 64, 0)]
    );
}

#[test]
fn lies_are_found() {
    let check = |lie: &dyn Fn(&FakeDevice), expected: Misbehaviour| {
        let m = machine(MAC | MERGE);
        let mut net = m.start(MERGEABLE).unwrap();
        for i in 0..3 {
            net.post_receive(i * 2048, 2048, i as u64).unwrap();
        }
        net.publish_receive();
        lie(&m.device);
        assert_eq!(net.poll_receive(), Err(Error::DeviceMisbehaved(expected)));
    };
    check(&|d| d.poke_used(0, 0, 20, 4), Misbehaviour::UsedTooMany);
    check(
        &|d| d.poke_used(0, 0, 20, 0xffff),
        Misbehaviour::UsedTooMany,
    );
    check(&|d| d.poke_used(0, 3, 20, 1), Misbehaviour::UnknownHead(3));
    check(&|d| d.poke_used(0, 8, 20, 1), Misbehaviour::UnknownHead(8));
    check(
        &|d| d.poke_used(0, u32::MAX, 20, 1),
        Misbehaviour::UnknownHead(u32::MAX),
    );
    check(
        &|d| d.poke_used(0, 0, 2049, 1),
        Misbehaviour::LengthTooLarge(2049),
    );
    check(
        &|d| d.poke_used(0, 0, 11, 1),
        Misbehaviour::PacketTooShort(11),
    );
    check(&|d| d.poke_used(0, 0, 20, 1), Misbehaviour::BufferCount(0));
    let merge = |count: u8| {
        move |d: &FakeDevice| {
            let (head, segments) = d.take(0).unwrap();
            d.write(segments[0], &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, count, 0]);
            d.complete(0, head, 12);
        }
    };
    check(&merge(4), Misbehaviour::BufferCount(4));
}

#[test]
fn a_buffer_does_not_come_back_twice() {
    let m = machine(MAC);
    let mut net = m.start(MERGEABLE).unwrap();
    net.post_receive(0, 2048, 0).unwrap();
    net.post_receive(2048, 2048, 1).unwrap();
    net.publish_receive();
    m.device.complete(0, 0, 20);
    net.poll_receive().unwrap().unwrap();
    m.device.complete(0, 0, 20);
    assert_eq!(
        net.poll_receive(),
        Err(Error::DeviceMisbehaved(Misbehaviour::UnknownHead(0)))
    );
}

#[derive(Clone, Debug)]
enum Step {
    Post,
    Transmit,
    Device {
        queue: usize,
        id: u32,
        len: u32,
        ahead: u16,
    },
    Honest(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let number = prop_oneof![4 => 0u32..10, 1 => any::<u32>()];
    let len = prop_oneof![4 => 0u32..3000, 1 => any::<u32>()];
    proptest::collection::vec(
        prop_oneof![
            Just(Step::Post),
            Just(Step::Transmit),
            (0usize..2).prop_map(Step::Honest),
            (0usize..2, number, len, 0u16..3).prop_map(|(queue, id, len, ahead)| Step::Device {
                queue,
                id,
                len,
                ahead
            }),
        ],
        1..120,
    )
}

proptest! {
    #![proptest_config(trials::cases(256))]

    /// Whatever the device does, the driver does not panic, keeps count of its buffers, and
    /// no address outside its memory ever reaches the device (the fake panics at one).
    #[test]
    fn a_hostile_device_cannot_confuse_the_driver(steps in steps(), merge in any::<bool>()) {
        let m = machine(MAC | EVENT_IDX | if merge { MERGE } else { 0 });
        let mut net = m.start(MERGEABLE).unwrap();
        let (mut posted, mut sent) = (0u16, 0u16);
        let mut next = [0u16; 2];
        for step in steps {
            match step {
                Step::Post => match net.post_receive((posted as usize % 8) * 2048, 2048, 7) {
                    Ok(()) => { posted += 1; net.publish_receive(); }
                    Err(error) => prop_assert_eq!(error, Error::QueueFull),
                },
                Step::Transmit => match net.transmit(0, 60, Offload::default(), 5) {
                    Ok(()) => { sent += 1; net.publish_transmit(); }
                    Err(error) => prop_assert_eq!(error, Error::QueueFull),
                },
                Step::Honest(queue) => if let Some((head, segments)) = m.device.take(queue) {
                    if queue == 0 {
                        m.device.write(segments[0], &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
                    }
                    next[queue] = next[queue].wrapping_add(1);
                    m.device.poke_used(queue, head as u32, if queue == 0 { 60 } else { 0 }, next[queue]);
                },
                Step::Device { queue, id, len, ahead } => {
                    next[queue] = next[queue].wrapping_add(ahead);
                    m.device.poke_used(queue, id, len, next[queue]);
                }
            }
            match net.poll_receive() {
                Ok(Some(got)) => {
                    posted -= 1;
                    prop_assert!(got.start as u64 + got.len as u64 <= 2048);
                }
                Ok(None) => {}
                Err(Error::DeviceMisbehaved(Misbehaviour::PacketTooShort(_) | Misbehaviour::BufferCount(_))) => break,
                Err(_) => break,
            }
            match net.poll_transmit() {
                Ok(Some(token)) => { sent -= 1; prop_assert_eq!(token, 5); }
                Ok(None) => {}
                Err(_) => break,
            }
            prop_assert_eq!(net.receive_space(), (SIZE - posted) as usize);
            prop_assert_eq!(net.transmit_space(), (SIZE / 2 - sent) as usize);
        }
    }
}
