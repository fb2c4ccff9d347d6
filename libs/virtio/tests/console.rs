//! The console device against a fake one that is honest, slow, or lies.

use proptest::prelude::*;
use ring::SharedMemory;
use virtio::console::{Console, Event, NAME_LEN_MAX, PORTS_MAX};
use virtio::fake::{FakeDevice, FakeDma};
use virtio::{Error, Misbehaviour};

const MULTIPORT: u64 = 1 << 1;
const CONTROL_RECEIVE: usize = 2;
const CONTROL_TRANSMIT: usize = 3;
/// Columns, rows, number of ports, and an unused register.
const CONFIG: [u8; 12] = [80, 0, 24, 0, 31, 0, 0, 0, 0, 0, 0, 0];

type FakeConsole = Console<FakeDevice, FakeDma>;

struct Machine {
    device: FakeDevice,
    memory: FakeDma,
}

fn machine(features: u64) -> Machine {
    let memory = FakeDma::new(FakeConsole::MEMORY_LEN, 0x8000_0000);
    let device = FakeDevice::new(3, features, &CONFIG, &[&memory]);
    Machine { device, memory }
}

impl Machine {
    fn start(&self) -> FakeConsole {
        Console::new(self.device.clone(), self.memory.clone()).unwrap()
    }

    /// The device sends a message about a port.
    fn tell(&self, port: u32, event: u16, value: u16, more: &[u8]) {
        let mut message = port.to_le_bytes().to_vec();
        message.extend_from_slice(&event.to_le_bytes());
        message.extend_from_slice(&value.to_le_bytes());
        message.extend_from_slice(more);
        self.fill(CONTROL_RECEIVE, &message);
    }

    /// The device writes bytes into the next buffer of a queue.
    fn fill(&self, queue: usize, bytes: &[u8]) {
        let (head, segments) = self.device.take(queue).expect("the driver gave a buffer");
        self.device.write(segments[0], bytes);
        self.device.complete(queue, head, bytes.len() as u32);
    }

    /// The device takes the next buffer that the driver sends.
    fn sent(&self, queue: usize) -> Option<Vec<u8>> {
        let (head, segments) = self.device.take(queue)?;
        let bytes = self.device.read(segments[0]);
        self.device.complete(queue, head, 0);
        Some(bytes)
    }

    /// What the driver told: port, event, value.
    fn told(&self) -> Vec<(u32, u16, u16)> {
        std::iter::from_fn(|| self.sent(CONTROL_TRANSMIT))
            .map(|message| {
                let word = |at: usize| u16::from_le_bytes([message[at], message[at + 1]]);
                let port = u32::from(word(0)) | u32::from(word(2)) << 16;
                (port, word(4), word(6))
            })
            .collect()
    }
}

fn events(console: &mut FakeConsole) -> Vec<Event> {
    std::iter::from_fn(|| console.poll_event().unwrap()).collect()
}

/// A console whose port 1, called `ftl.host`, is there.
fn with_port(machine: &Machine) -> FakeConsole {
    let mut console = machine.start();
    machine.tell(1, 1, 1, &[]);
    machine.tell(1, 7, 1, b"ftl.host");
    let expected = [Event::Added(1), Event::Named(1, "ftl.host".into())];
    assert_eq!(events(&mut console), expected);
    machine.told();
    console
}

#[test]
fn ports_are_told_of_and_answered() {
    let m = machine(MULTIPORT);
    let mut console = m.start();
    assert_eq!(m.told(), [(0, 0, 1)], "the device hears that we are ready");
    m.tell(0, 1, 1, &[]);
    m.tell(0, 4, 1, &[]);
    m.tell(2, 1, 1, &[]);
    m.tell(2, 7, 1, b"ftl.host\0");
    m.tell(2, 6, 1, &[]);
    m.tell(0, 5, 0, &[120, 0, 40, 0]);
    m.tell(2, 2, 1, &[]);
    assert_eq!(
        events(&mut console),
        [
            Event::Added(0),
            Event::IsConsole(0),
            Event::Added(2),
            Event::Named(2, "ftl.host".into()),
            Event::Open(2, true),
            Event::Resized(0, 120, 40),
            Event::Removed(2),
        ]
    );
    assert_eq!(m.told(), [(0, 3, 1), (2, 3, 1)]);
    console.open(0, true).unwrap();
    assert_eq!(m.told(), [(0, 6, 1)]);
    // A port that is gone takes nothing more.
    assert_eq!(console.send(2, b"hello"), Ok(0));
}

#[test]
fn a_device_with_one_port_has_it_at_once() {
    let m = machine(0);
    let mut console = m.start();
    let expected = [Event::Added(0), Event::IsConsole(0), Event::Open(0, true)];
    assert_eq!(events(&mut console), expected);
    m.fill(0, b"typed");
    let mut bytes = [0; 16];
    assert_eq!(console.receive(0, &mut bytes), Ok(5));
    assert_eq!(&bytes[..5], b"typed");
    assert_eq!(console.send(0, b"shown"), Ok(5));
    assert_eq!(m.sent(1).unwrap(), b"shown");
}

#[test]
fn bytes_arrive_in_order_and_are_taken_in_any_pieces() {
    let m = machine(MULTIPORT);
    let mut console = with_port(&m);
    let queue = 4;
    m.fill(queue, b"hello ");
    m.fill(queue, b"");
    m.fill(queue, b"there");
    let mut all = Vec::new();
    let mut piece = [0; 4];
    loop {
        let len = console.receive(1, &mut piece).unwrap();
        if len == 0 {
            break;
        }
        all.extend_from_slice(&piece[..len]);
    }
    assert_eq!(all, b"hello there");
}

#[test]
fn a_port_that_nobody_reads_gets_no_new_buffers() {
    let m = machine(MULTIPORT);
    let mut console = with_port(&m);
    let queue = 4;
    let mut given = 0;
    while let Some((head, _)) = m.device.take(queue) {
        m.device.complete(queue, head, 100);
        given += 1;
    }
    assert_eq!(console.available(1), Ok(given * 100));
    assert!(m.device.take(queue).is_none());
    let mut bytes = [0; 100];
    assert_eq!(console.receive(1, &mut bytes), Ok(100));
    assert!(
        m.device.take(queue).is_some(),
        "one was taken, so one is free"
    );
    assert!(m.device.take(queue).is_none());
}

#[test]
fn a_slow_device_takes_what_there_is_room_for() {
    let m = machine(MULTIPORT);
    let mut console = with_port(&m);
    let bytes: Vec<u8> = (0..100_000).map(|i| i as u8).collect();
    let first = console.send(1, &bytes).unwrap();
    assert!(first > 0 && first < bytes.len());
    assert_eq!(console.send(1, &bytes[first..]), Ok(0));
    assert_eq!(console.is_drained(1), Ok(false));
    let mut sent = first;
    let mut arrived = Vec::new();
    while arrived.len() < bytes.len() {
        while let Some(part) = m.sent(5) {
            arrived.extend_from_slice(&part);
        }
        sent += console.send(1, &bytes[sent..]).unwrap();
    }
    assert!(arrived == bytes);
    assert_eq!(console.is_drained(1), Ok(true));
}

#[test]
fn what_is_not_understood_is_passed_over() {
    let m = machine(MULTIPORT);
    let mut console = m.start();
    m.told();
    m.fill(CONTROL_RECEIVE, b"short");
    m.fill(CONTROL_RECEIVE, b"");
    m.tell(0, 99, 0, &[]);
    m.tell(0, 7, 1, b"a name before the port");
    m.tell(1, 1, 1, &[]);
    m.tell(1, 1, 1, &[]);
    m.tell(1, 7, 1, &[0xff, 0xfe]);
    m.tell(1, 5, 1, &[1]);
    m.tell(1, 7, 1, &[b'x'; 100]);
    let long = "x".repeat(NAME_LEN_MAX);
    let expected = [Event::Added(1), Event::Named(1, long)];
    assert_eq!(events(&mut console), expected);
    // A port that is not driven is refused.
    m.tell(PORTS_MAX, 1, 1, &[]);
    assert_eq!(events(&mut console), []);
    assert_eq!(m.told(), [(1, 3, 1), (PORTS_MAX, 3, 0)]);
    let mut byte = [0];
    assert_eq!(console.receive(PORTS_MAX, &mut byte), Err(Error::NoQueue));
}

#[test]
fn a_device_that_takes_no_answers_cannot_fill_our_memory() {
    let m = machine(MULTIPORT);
    let mut console = m.start();
    for _ in 0..10_000 {
        m.tell(1000, 1, 1, &[]);
        assert_eq!(console.poll_event(), Ok(None));
    }
    assert!(m.told().len() <= 16);
}

#[test]
fn lies_about_buffers_are_found_out() {
    let m = machine(MULTIPORT);
    let mut console = with_port(&m);
    let (head, _) = m.device.take(4).unwrap();
    m.device.complete(4, head, 5000);
    let mut bytes = [0; 16];
    assert_eq!(
        console.receive(1, &mut bytes),
        Err(Error::DeviceMisbehaved(Misbehaviour::LengthTooLarge(5000)))
    );
    let memory = FakeDma::new(FakeConsole::MEMORY_LEN - 1, 0);
    assert_eq!(memory.len(), FakeConsole::MEMORY_LEN - 1);
    let device = machine(MULTIPORT).device;
    assert_eq!(Console::new(device, memory).err(), Some(Error::Memory));
}

#[test]
fn before_sleeping_everything_is_looked_at() {
    let m = machine(MULTIPORT);
    let mut console = with_port(&m);
    assert_eq!(console.prepare_wait(1 << 1, 0), Ok(true));
    m.fill(4, b"x");
    assert!(m.device.interrupt());
    assert_eq!(console.prepare_wait(1 << 1, 0), Ok(false));
    // Nobody wants to hear of it: then it does not keep anybody awake.
    assert_eq!(console.prepare_wait(0, 0), Ok(true));
    console.send(1, b"y").unwrap();
    m.sent(5);
    assert_eq!(console.prepare_wait(0, 1 << 1), Ok(false));
    m.tell(1, 6, 1, &[]);
    assert_eq!(console.prepare_wait(0, 0), Ok(false));
}

proptest! {
    #[test]
    fn no_message_makes_it_panic(messages in proptest::collection::vec(
        proptest::collection::vec(any::<u8>(), 0..128), 1..40,
    )) {
        let m = machine(MULTIPORT);
        let mut console = m.start();
        for message in messages {
            m.fill(CONTROL_RECEIVE, &message);
            let _ = events(&mut console);
            m.told();
        }
    }
}
