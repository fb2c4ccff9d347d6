//! Devices on the PCI bus: they are found out by their registers, and driven like others.

use ring::SharedMemory;
use virtio::fake::{FakeDevice, FakeDma, FakeFunction};
use virtio::net::{HEADER_LEN, Net, Offload, Options};
use virtio::{Error, Interrupts};

const SIZE: u16 = 8;
const MAC: u64 = 1 << 5;
const STATUS: u64 = 1 << 16;
const ACCESS_PLATFORM: u64 = 1 << 33;
const CONFIG: [u8; 12] = [0x52, 0x54, 0, 1, 2, 3, 1, 0, 1, 0, 0xdc, 5];

type FakeNet = Net<FakeFunction, FakeDma>;

fn machine() -> (FakeDevice, FakeFunction, FakeDma, FakeDma) {
    let queues = FakeDma::new(FakeNet::memory_len(SIZE), 0x8000_0000);
    let packets = FakeDma::new(1 << 16, 0x1_2345_6000);
    let features = MAC | STATUS | ACCESS_PLATFORM;
    let device = FakeDevice::new(1, features, &CONFIG, &[&queues, &packets]);
    let function = FakeFunction::new(device.clone());
    (device, function, queues, packets)
}

fn start(function: &FakeFunction, queues: &FakeDma, packets: &FakeDma) -> Result<FakeNet, Error> {
    let (queues, packets) = (queues.clone(), packets.clone());
    Net::new(function.clone(), queues, packets, SIZE, Options::default())
}

#[test]
fn packets_go_both_ways_and_the_wire_tells_why_it_is_up() {
    let (device, function, queues, packets) = machine();
    let mut net = start(&function, &queues, &packets).unwrap();
    assert_eq!(device.status(), 15);
    // Addresses are such as the device's place has them.
    assert_ne!(device.features() & ACCESS_PLATFORM, 0);
    assert_eq!(net.mac(), Ok(Some([0x52, 0x54, 0, 1, 2, 3])));
    assert_eq!(function.message_of(0), None);

    net.post_receive(0, 2048, 7).unwrap();
    net.publish_receive();
    assert_eq!(device.notifications(0), 1);
    let (head, segments) = device.take(0).unwrap();
    device.write(segments[0], &[9; HEADER_LEN + 60]);
    device.complete(0, head, (HEADER_LEN + 60) as u32);
    let queue_only = Interrupts {
        queue: true,
        config: false,
    };
    assert!(device.interrupt());
    assert_eq!(net.interrupts(), Ok(queue_only));
    assert!(!device.interrupt());

    packets.write(4096, &[5; 60]);
    net.transmit(4096, 60, Offload::default(), 8).unwrap();
    net.publish_transmit();
    assert_eq!(device.notifications(1), 1);
    let (_, segments) = device.take(1).unwrap();
    assert_eq!(device.read(segments[1]), [5; 60]);

    device.change_config(6, 0);
    assert!(net.interrupts().unwrap().config);
    assert_eq!(net.link_up(), Ok(false));
}

#[test]
fn with_messages_a_changed_configuration_shows_by_its_generation() {
    let (device, function, queues, packets) = machine();
    function.enable_messages();
    let net = start(&function, &queues, &packets).unwrap();
    assert_eq!(
        function.message_of(0).zip(function.message_of(1)),
        Some((0, 0))
    );
    assert!(!net.interrupts().unwrap().config);
    device.change_config(6, 0);
    assert!(net.interrupts().unwrap().config);
    assert!(!net.interrupts().unwrap().config);
    device.change_config(6, 1);
    device.need_reset();
    assert_eq!(net.interrupts(), Err(Error::NeedsReset));
}

#[test]
fn functions_that_will_not_do_are_refused_with_the_reason() {
    let check = |change: &dyn Fn(&FakeFunction), expected: Error| {
        let (_, function, queues, packets) = machine();
        change(&function);
        let refused = start(&function, &queues, &packets).err();
        assert_eq!(refused, Some(expected));
    };
    check(&|f| f.poke(0, 0), Error::NotVirtio);
    check(&|f| f.poke(2, 0x42), Error::WrongDevice(2));
    // Without capabilities, with a list that goes round, and with a structure where there are no registers.
    check(&|f| f.poke(6, 0), Error::Legacy);
    check(&|f| f.poke(0x41, 0x40), Error::Legacy);
    check(&|f| f.poke(0x44, 2), Error::Legacy);
    check(&|f| f.poke(0x44, 200), Error::Legacy);
    let refuse = |f: &FakeFunction| {
        f.enable_messages();
        f.refuse_messages();
    };
    check(&refuse, Error::NoInterrupt);
    // One that can also be used in the old way has its number in the subsystem.
    let (_, function, queues, packets) = machine();
    function.poke(2, 0x00);
    function.poke(0x2e, 1);
    assert!(start(&function, &queues, &packets).is_ok());
}
