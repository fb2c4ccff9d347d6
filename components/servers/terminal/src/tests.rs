//! Run by `./ftl test terminal` on the developer's own machine. The driver and whoever sits at the line are played by
//! the test.

extern crate std;

use ftl::Transaction;
use ftl::end::Incoming;
use ftl::event_loop::Hears;
use ftl::handle::{Channel, OwnedHandle};
use ftl::io::{BufRead, PipeReader, PipeWriter, Write};
use testkit::System;

use super::*;

/// What the driver and the client hear.
#[derive(Debug)]
enum Heard {}

#[derive(Debug)]
enum Message<'a> {
    Ports(ports::ToServer<'a>),
    Terminal(terminal::ToClient),
}

impl ftl::event_loop::Messages for Heard {
    type Message<'a> = Message<'a>;
    fn decode<'a>(tag: u16, incoming: Incoming<'a>) -> Result<Message<'a>> {
        match tag {
            0 => ports::ToServer::decode(incoming).map(Message::Ports),
            _ => terminal::ToClient::decode(incoming).map(Message::Terminal),
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

#[test]
fn a_window_is_asked_even_if_its_port_opens_late() {
    let system = System::new();
    let (driver, ports) = ports::channel().unwrap();
    let (client, server) = terminal::channel().unwrap();
    let running = system
        .component("terminal", main)
        .need(ports::HASH, driver)
        .provide(terminal::HASH)
        .settings(
            Settings {
                log: "".into(),
                ..Settings::default()
            }
            .encode(),
        )
        .run();
    running.connect(0, server).unwrap();
    let mut events = ftl::EventLoop::<(), Heard>::new().unwrap();
    events.add(&ports, ()).unwrap();
    events.add(&client, ()).unwrap();

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
    let (from_outside, input) = stream::channel().unwrap();
    let (output, to_outside) = stream::channel().unwrap();
    let [input, output] = [OwnedHandle::from(input), OwnedHandle::from(output)].map(Channel::from);
    opening.unwrap().ok(input, output).unwrap();

    // The question comes out all the same, and the answer is passed on as news.
    let mut shown = PipeReader::new(to_outside);
    assert_eq!(shown.fill_buf().unwrap(), b"\x1b[18t");
    let mut typed = PipeWriter::new(from_outside);
    typed.write_all(b"\x1b[8;24;80t").unwrap();
    typed.flush().unwrap();
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
