//! Run by `./ftl test terminal` on the developer's own machine. The driver and whoever sits at the line are played by
//! the test.

extern crate std;

use std::vec::Vec;

use ftl::Transaction;
use ftl::end::Incoming;
use ftl::event_loop::Hears;
use ftl::handle::{Channel, OwnedHandle};
use ftl::io::{BufRead, Inlet, PipeReader, PipeWriter, Read, Write};
use testkit::{Running, System};

use super::*;

/// What the driver and the client hear.
#[derive(Debug)]
enum Heard {}

#[derive(Debug)]
enum Message<'a> {
    Ports(ports::ToServer<'a>),
    Terminal(terminal::ToClient),
    Keys(stream::ToReceiver<'a>),
}

impl ftl::event_loop::Messages for Heard {
    type Message<'a> = Message<'a>;
    fn decode<'a>(tag: u16, incoming: Incoming<'a>) -> Result<Message<'a>> {
        match tag {
            0 => ports::ToServer::decode(incoming).map(Message::Ports),
            1 => terminal::ToClient::decode(incoming).map(Message::Terminal),
            _ => stream::ToReceiver::decode(incoming).map(Message::Keys),
        }
    }
    fn ended<'a>(_: u16, _: u32, _: Transaction, _: Error) -> Option<Message<'a>> {
        None
    }
}

impl Hears<ports::Server> for Heard {
    const TAG: u16 = 0;
}

impl Hears<terminal::Client> for Heard {
    const TAG: u16 = 1;
}

impl Hears<stream::Receiver> for Heard {
    const TAG: u16 = 2;
}

type Events = ftl::EventLoop<(), Heard>;

/// The component, its driver's and its client's side, and both sides' events.
fn start(system: &System) -> (Running, ports::Server, terminal::Client, Events) {
    let (driver, ports) = ports::channel().unwrap();
    let (client, server) = terminal::channel().unwrap();
    let settings = Settings {
        log: "".into(),
        ..Settings::default()
    };
    let running = system
        .component("terminal", main)
        .need(ports::HASH, driver)
        .provide(terminal::HASH)
        .settings(settings.encode())
        .run();
    running.connect(0, server).unwrap();
    let mut events = Events::new().unwrap();
    events.add(&ports, ()).unwrap();
    events.add(&client, ()).unwrap();
    (running, ports, client, events)
}

/// Opens the port: what is typed goes in, what is shown comes out.
fn open(reply: ports::OpenReplier) -> (PipeWriter, PipeReader) {
    let (from_outside, input) = stream::channel().unwrap();
    let (output, to_outside) = stream::channel().unwrap();
    let [input, output] = [OwnedHandle::from(input), OwnedHandle::from(output)].map(Channel::from);
    reply.ok(input, output).unwrap();
    (PipeWriter::new(from_outside), PipeReader::new(to_outside))
}

fn type_keys(keyboard: &mut PipeWriter, keys: &[u8]) {
    keyboard.write_all(keys).unwrap();
    keyboard.flush().unwrap();
}

#[test]
fn a_window_is_asked_even_if_its_port_opens_late() {
    let system = System::new();
    let (_running, _ports, client, mut events) = start(&system);
    // The client asks; the driver takes its time, longer than anybody waits for a window.
    let asked = client.size_start().unwrap();
    let mut opening = None;
    loop {
        match events.next().unwrap() {
            Event::Message((), Message::Ports(ports::ToServer::Open(open, reply))) => {
                assert_eq!(open.name, "console");
                opening = Some(reply);
            }
            Event::Message((), Message::Terminal(terminal::ToClient::Size(to, size))) => {
                assert_eq!(to, asked);
                assert!(!size.unwrap().colours);
                break;
            }
            other => panic!("{other:?}"),
        }
    }
    // The question comes out all the same, and the answer is passed on as news.
    let (mut keyboard, mut shown) = open(opening.unwrap());
    assert_eq!(shown.fill_buf().unwrap(), b"\x1b[18t");
    type_keys(&mut keyboard, b"\x1b[8;24;80t");
    match events.next().unwrap() {
        Event::Message((), Message::Terminal(terminal::ToClient::Resized)) => {}
        other => panic!("{other:?}"),
    }
    client.size_start().unwrap();
    match events.next().unwrap() {
        Event::Message((), Message::Terminal(terminal::ToClient::Size(_, Ok(size)))) => {
            assert_eq!((size.columns, size.rows, size.colours), (80, 24, true));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_typed_after_ctrl_c_waits_until_that_is_heard() {
    let system = System::new();
    let (_running, _ports, client, mut events) = start(&system);
    let mut keyboard = match events.next().unwrap() {
        Event::Message((), Message::Ports(ports::ToServer::Open(_, reply))) => open(reply).0,
        other => panic!("{other:?}"),
    };
    client.heard(0).unwrap();
    client.input_start(terminal::Mode::Keys).unwrap();
    let mut keys = match events.next().unwrap() {
        Event::Message((), Message::Terminal(terminal::ToClient::Input(_, Ok(keys)))) => {
            Inlet::new(stream::Receiver::from(OwnedHandle::from(keys)))
        }
        other => panic!("{other:?}"),
    };
    keys.add(&mut events, ()).unwrap();
    keys.ask();
    type_keys(&mut keyboard, b"before\x03\x03now\x03after");
    let mut newest = 0;
    // The line does not say how large its window is: that takes a while, in which nothing is handed out.
    client.size_start().unwrap();
    loop {
        match events.next().unwrap() {
            Event::Message((), Message::Terminal(terminal::ToClient::Interrupt(it))) => {
                newest = it.number;
            }
            Event::Message((), Message::Terminal(terminal::ToClient::Size(..))) => break,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(newest, 1, "several at once are one");
    client.heard(newest).unwrap();
    match events.next().unwrap() {
        Event::Message((), Message::Keys(stream::ToReceiver::Data(data))) => {
            assert_eq!(data.bytes, b"after");
        }
        other => panic!("{other:?}"),
    }

    // Another that begins has not heard of any, and need not.
    keys.received(b"after".len());
    keys.ask();
    client.heard(0).unwrap();
    type_keys(&mut keyboard, b"more");
    match events.next().unwrap() {
        Event::Message((), Message::Keys(stream::ToReceiver::Data(data))) => {
            assert_eq!(data.bytes, b"more");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_was_printed_before_the_end_is_still_shown() {
    let system = System::new();
    let (running, _ports, client, mut events) = start(&system);
    let mut shown = match events.next().unwrap() {
        Event::Message((), Message::Ports(ports::ToServer::Open(_, reply))) => open(reply).1,
        other => panic!("{other:?}"),
    };
    client.output_start().unwrap();
    let mut printed = match events.next().unwrap() {
        Event::Message((), Message::Terminal(terminal::ToClient::Output(_, Ok(output)))) => {
            PipeWriter::new(stream::Sender::from(OwnedHandle::from(output)))
        }
        other => panic!("{other:?}"),
    };
    // The driver takes nothing yet, and the client ends.
    printed.write_all(&[b'x'; 5000]).unwrap();
    printed.flush().unwrap();
    drop(printed);
    drop((client, events));
    running.shutdown().unwrap();
    let mut seen = Vec::new();
    shown.read_to_end(&mut seen).unwrap();
    assert_eq!(seen.len(), 5000);
    assert_eq!(running.wait(), 0);
}
