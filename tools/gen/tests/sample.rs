//! One of everything that can be generated, compiled and run on the kernel's logic.
//!
//! `tests/sample` is a small workspace; what is generated of it lies there too, and is included
//! here as if it were the crate `interfaces`. `UPDATE=1` writes it anew.

use std::path::{Path, PathBuf};

extern crate self as interfaces;

#[path = "sample/interfaces/src/generated/sample.rs"]
#[rustfmt::skip]
pub mod sample;
#[path = "sample/interfaces/src/generated/decoders.rs"]
#[rustfmt::skip]
mod decoders;
#[path = "sample/components/servers/store/src/spec.rs"]
#[rustfmt::skip]
mod store;
#[path = "sample/components/apps/user/src/spec.rs"]
#[rustfmt::skip]
mod user;

#[path = "cases/handles.rs"]
mod handles;
#[path = "cases/loops.rs"]
mod loops;
#[path = "cases/random.rs"]
mod random;
#[path = "cases/restarts.rs"]
mod restarts;
#[path = "cases/versions.rs"]
mod versions;
#[path = "cases/waiting.rs"]
mod waiting;

use ftl::Error;
use ftl::event_loop::TypedEnd;
use ftl::handle::{Doorbell, Folio};
use ftl::prelude::{Connection, Duration, Event};
use ring::SharedMemory;
use sample::Blocking;
use sample::watch::{Listener, Teller};
use store::Message;
use testkit::{Running, System};

fn workspace() -> ftl_gen::Workspace {
    let root: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sample");
    let workspace = ftl_gen::Workspace::load(&root).unwrap_or_else(|reports| panic!("{reports}"));
    if std::env::var_os("UPDATE").is_some() {
        workspace.generate().unwrap();
    }
    workspace
}

#[test]
fn what_is_compiled_here_is_what_is_generated_now() {
    workspace()
        .check_generated()
        .unwrap_or_else(|reports| panic!("{reports}"));
}

#[test]
fn settings_reach_the_component_as_the_plan_has_them() {
    let mut expected = store::Settings::default();
    assert_eq!(expected.name, "the \"store\"");
    assert_eq!(
        (expected.offset, expected.scale, expected.mode),
        (-7, 1.5, store::Mode::Small)
    );
    expected.mode = store::Mode::Fast;
    expected.scale = 0.25;
    let system = System::new();
    let plan = workspace().plan("sample", &Default::default()).unwrap();
    let component = &plan.plan().components[0];
    assert_eq!(component.name, "store");
    assert_eq!(component.settings, expected.encode());
    drop(system);
}

// The server.

#[derive(Clone, Copy, Debug, PartialEq)]
enum Source {
    Client(Connection),
    Listener,
    Bell,
}

struct Thing {
    name: String,
    colour: sample::Colour,
    place: Option<sample::Point>,
    tags: Vec<u32>,
    data: Vec<u8>,
}

impl Thing {
    fn item(&self) -> sample::Item<'_> {
        sample::Item {
            name: &self.name,
            colour: self.colour,
            place: self.place,
            tags: self.tags.as_slice().into(),
        }
    }
}

fn serve(env: store::Environ) -> ftl::Result<()> {
    let mut events = store::EventLoop::new()?;
    events.add_each(env.sample, Source::Client)?;
    let mut things: Vec<Thing> = Vec::new();
    let mut watchers: Vec<Teller> = Vec::new();
    let mut bells: Vec<Doorbell> = Vec::new();
    let mut waiting: Vec<Doorbell> = Vec::new();
    loop {
        match events.next()? {
            Event::Connected(Source::Client(connection)) => {
                let client: sample::Server = events.client(connection).ok_or(Error::Internal)?;
                client.level(0)?;
            }
            Event::Message(Source::Client(connection), Message::Sample(message)) => match message {
                sample::ToServer::Put(request, reply) => {
                    let item = request.item;
                    if things.iter().any(|thing| thing.name == item.name) {
                        reply.error(sample::StoreError::Duplicate)?;
                        continue;
                    }
                    if things.len() == 3 {
                        reply.error(Error::ServerLimit)?;
                        continue;
                    }
                    things.push(Thing {
                        name: item.name.into(),
                        colour: item.colour,
                        place: item.place,
                        tags: item.tags.iter().collect(),
                        data: request.data.to_vec(),
                    });
                    let total = things.len() as u32;
                    reply.ok(total)?;
                    for watcher in &watchers {
                        watcher.stored(total)?;
                    }
                    for bell in &bells {
                        bell.ring()?;
                    }
                    let client: sample::Server =
                        events.client(connection).ok_or(Error::Internal)?;
                    client.level(total as u8)?;
                }
                sample::ToServer::Get(request, reply) => {
                    match things.iter().find(|thing| thing.name == request.name) {
                        Some(thing) => reply.ok(thing.item(), &thing.data)?,
                        None => reply.error(Error::NotFound)?,
                    }
                }
                sample::ToServer::List(request, reply) => {
                    assert_eq!(request.points.len(), 2);
                    let items: Vec<sample::Item<'_>> = things
                        .iter()
                        .filter(|thing| request.colour.is_none_or(|colour| thing.colour == colour))
                        .map(Thing::item)
                        .collect();
                    reply.ok(items.as_slice())?;
                }
                sample::ToServer::Numbers(n, reply) => {
                    reply.ok(n.a, n.b, n.c, n.d, n.e, n.f, n.g)?
                }
                sample::ToServer::Watch(request, reply) => {
                    let (listener, teller) = sample::watch::channel()?;
                    assert!(
                        request
                            .memory
                            .is_some_and(|memory| memory.len() == Ok(4096))
                    );
                    bells.push(request.bell);
                    events.add(&teller, Source::Listener)?;
                    // Many more than its queue of 2 holds, and nobody reads them yet.
                    for number in 0..40 {
                        teller.line(number)?;
                    }
                    reply.ok(listener)?;
                    watchers.push(teller);
                }
                sample::ToServer::Look(request, reply) => {
                    let memory = request.memory.map_read_only()?;
                    let mut first = [0];
                    memory.read(0, &mut first);
                    let note_len = request.note.map(|note| note.len() as u8);
                    // Read before: its text is valid while nothing else is asked of the loop.
                    let sum = first[0] + request.times.unwrap_or(0);
                    let bell = request.bell;
                    events.add(&bell, Source::Bell)?;
                    waiting.push(bell);
                    reply.ok(sum, note_len)?;
                }
                sample::ToServer::Again(reply) => {
                    let (listener, teller) = sample::watch::channel()?;
                    teller.stored(things.len() as u32)?;
                    watchers.push(teller);
                    reply.ok(listener)?;
                }
                sample::ToServer::Forget(reply) => drop(reply),
                sample::ToServer::Stop(reply) => {
                    core::mem::forget(reply);
                    return Ok(());
                }
                sample::ToServer::Hint(hint) => ftl::info!("hint: {}", hint.text),
            },
            Event::Message(
                Source::Listener,
                Message::Watch(sample::watch::ToTeller::Confirm(_, result)),
            ) => {
                ftl::info!("confirmed: {result:?}");
            }
            // What was kept has been sent now.
            Event::Writable(Source::Listener) => {
                if let Some(teller) = watchers.first() {
                    teller.confirm_start(7)?;
                }
            }
            Event::Doorbell(Source::Bell, count) => ftl::info!("rung: {count}"),
            Event::Closed(source) => ftl::info!("closed: {source:?}"),
            Event::Shutdown => return Ok(()),
            other => panic!("unexpected: {other:?}"),
        }
    }
}

fn start(system: &System) -> (Running, sample::Client) {
    let settings = store::Settings::default().encode();
    let store = system
        .component("store", serve)
        .provide(sample::HASH)
        .settings(settings)
        .run();
    let (client, server) = sample::channel().unwrap();
    store.connect(0, server).unwrap();
    (store, client)
}

fn item<'a>(name: &'a str, tags: &'a [u32]) -> sample::Item<'a> {
    let place = Some(sample::Point { x: -3, y: 0.5 });
    sample::Item {
        name,
        colour: sample::Colour::Green,
        place,
        tags: tags.into(),
    }
}

#[test]
fn every_type_survives_the_way_there_and_back() {
    let system = System::new();
    let (_store, mut client) = start(&system);
    let numbers = client
        .numbers(true, 200, -2, 1 << 31, i64::MIN, -0.25, Some(u64::MAX))
        .unwrap();
    assert_eq!(
        (
            numbers.a, numbers.b, numbers.c, numbers.d, numbers.e, numbers.f, numbers.g
        ),
        (true, 200, -2, 1 << 31, i64::MIN, -0.25, Some(u64::MAX))
    );
    assert_eq!(
        client.numbers(false, 0, 0, 0, 0, 0.0, None).unwrap().g,
        None
    );

    assert_eq!(client.put(item("tree", &[1, 2, 3]), b"leaves"), Ok(1));
    assert_eq!(client.put(item("bush", &[]), b""), Ok(2));
    let got = client.get("tree").unwrap();
    assert_eq!(
        (got.item.name, got.item.colour, got.data),
        ("tree", sample::Colour::Green, &b"leaves"[..])
    );
    assert_eq!(
        got.item.place.map(|place| (place.x, place.y)),
        Some((-3, 0.5))
    );
    assert_eq!(got.item.tags.iter().collect::<Vec<_>>(), [1, 2, 3]);

    let points = [sample::Point { x: 1, y: 1.0 }; 2];
    let all = client.list(None, &points).unwrap();
    let names: Vec<&str> = all.iter().map(|item| item.name).collect();
    assert_eq!(names, ["tree", "bush"]);
    assert_eq!(
        client
            .list(Some(sample::Colour::Red), &points)
            .unwrap()
            .len(),
        0
    );
}

#[test]
fn errors_of_the_interface_and_of_the_system_are_told_apart() {
    let system = System::new();
    let (_store, mut client) = start(&system);
    assert_eq!(client.put(item("a", &[]), b""), Ok(1));
    assert_eq!(
        client.put(item("a", &[]), b""),
        Err(sample::StoreError::Duplicate)
    );
    assert_eq!(client.put(item("b", &[]), b""), Ok(2));
    assert_eq!(client.put(item("c", &[]), b""), Ok(3));
    assert_eq!(
        client.put(item("d", &[]), b""),
        Err(sample::StoreError::System(Error::ServerLimit))
    );
    assert_eq!(client.get("z").map(|_| ()), Err(Error::NotFound));
    assert_eq!(client.forget(), Err(Error::NoReply));
    assert_eq!(
        sample::StoreError::Duplicate.to_string(),
        "The name is taken"
    );
    // Bounds are checked before anything is sent.
    let long = "a name of more than sixteen bytes";
    assert_eq!(client.get(long).map(|_| ()), Err(Error::InvalidArgument));
    assert_eq!(
        client.put(item("e", &[1, 2, 3, 4, 5]), b""),
        Err(sample::StoreError::System(Error::InvalidArgument))
    );
    assert_eq!(client.get("a").unwrap().item.name, "a");
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mine {
    Store,
    Watch,
    Bell,
    Timer(u8),
}

#[test]
fn channels_events_and_handles_travel() {
    let system = System::new();
    let (_store, mut client) = start(&system);
    let mut events = user::EventLoop::new().unwrap();
    events.add(&client, Mine::Store).unwrap();
    let bell = Doorbell::new().unwrap();
    events.add(&bell, Mine::Bell).unwrap();
    let memory = Folio::new(4096).unwrap();
    let listener: Listener = client.watch(Some(memory), bell.ringer().unwrap()).unwrap();
    events.add(&listener, Mine::Watch).unwrap();
    client.hint("something new").unwrap();

    let (mut lines, mut confirmed, mut level) = (Vec::new(), false, None);
    while !confirmed || lines.last() != Some(&39) {
        match events.next().unwrap() {
            Event::Message(Mine::Watch, user::Message::Watch(message)) => match message {
                sample::watch::ToListener::Line(line) => lines.push(line.number),
                sample::watch::ToListener::Confirm(request, reply) => {
                    confirmed = true;
                    reply.ok(request.serial).unwrap();
                }
                sample::watch::ToListener::Stored(_) => panic!("nothing was stored"),
            },
            Event::Message(Mine::Store, user::Message::Sample(sample::ToClient::Level(event))) => {
                level = Some(event.percent);
            }
            other => panic!("unexpected: {other:?}"),
        }
    }
    // Two lay in the queue; of those that were kept the oldest were dropped.
    let expected: Vec<u32> = (0..2).chain(24..40).collect();
    assert_eq!(lines, expected);
    assert_eq!(level, Some(0));

    let started = client.put_start(item("new", &[]), b"").unwrap();
    let mut seen = (false, false, false, false);
    while seen != (true, true, true, true) {
        match events.next().unwrap() {
            Event::Message(
                _,
                user::Message::Sample(sample::ToClient::Put(transaction, result)),
            ) => {
                assert_eq!((transaction, result), (started, Ok(1)));
                seen.0 = true;
            }
            Event::Message(_, user::Message::Sample(sample::ToClient::Level(event))) => {
                assert_eq!(event.percent, 1);
                seen.1 = true;
            }
            Event::Message(_, user::Message::Watch(sample::watch::ToListener::Stored(event))) => {
                assert_eq!(event.total, 1);
                seen.2 = true;
            }
            Event::Doorbell(Mine::Bell, 1) => seen.3 = true,
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert!(
        system.log().contains("hint: something new"),
        "{}",
        system.log()
    );
    assert!(
        system.log().contains("confirmed: Ok(7)"),
        "{}",
        system.log()
    );
}

#[test]
fn calls_under_way_end_once_when_the_server_goes() {
    let system = System::new();
    let (store, client) = start(&system);
    let mut events = user::EventLoop::new().unwrap();
    events.add(&client, Mine::Store).unwrap();
    let first = client.stop_start().unwrap();
    let second = client.get_start("x").unwrap();
    assert_eq!(store.wait(), 0);
    let mut ended = Vec::new();
    loop {
        match events.next().unwrap() {
            Event::Message(Mine::Store, user::Message::Sample(message)) => match message {
                sample::ToClient::Stop(transaction, Err(Error::PeerRestarted)) => {
                    ended.push(transaction)
                }
                sample::ToClient::Get(transaction, Err(Error::PeerRestarted)) => {
                    ended.push(transaction)
                }
                sample::ToClient::Level(_) => {}
                other => panic!("unexpected: {other:?}"),
            },
            Event::Closed(Mine::Store) => break,
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert_eq!(ended, [first, second]);
    assert!(!client.end().is_connected());
    assert_eq!(client.get_start("x"), Err(Error::Closed));
}

#[test]
fn timers_fire_in_their_order_and_rhythm() {
    let system = System::new();
    let mut events = user::EventLoop::new().unwrap();
    let slow = events.timer(Mine::Timer(1));
    let fast = events.timer(Mine::Timer(2));
    let never = events.timer(Mine::Timer(3));
    let dropped = events.timer(Mine::Timer(4));
    slow.set(Duration::from_millis(25));
    fast.set_every(Duration::from_millis(10));
    never.set(Duration::from_millis(5));
    never.cancel();
    dropped.set(Duration::from_millis(1));
    drop(dropped);
    let begin = ftl::time::Instant::now();
    let mut fired = Vec::new();
    while fired.len() < 5 {
        match events.next().unwrap() {
            Event::Timer(Mine::Timer(which)) => fired.push((which, begin.elapsed().as_millis())),
            other => panic!("unexpected: {other:?}"),
        }
    }
    assert_eq!(fired, [(2, 10), (2, 20), (1, 25), (2, 30), (2, 40)]);
    assert!(!slow.is_set() && fast.is_set());
    drop(system);
}

#[test]
fn damaged_messages_never_get_through() {
    let system = System::new();
    let (_store, client) = start(&system);
    drop(client);
    // Every byte of a valid request is changed in turn, and it is cut at each length.
    let mut body = {
        let mut writer = ftl::wire::Writer::new();
        ftl::wire::Wire::encode(item("tree", &[1, 2]), &mut writer).unwrap();
        writer.bytes(b"leaves", 64).unwrap();
        writer.into_bytes()
    };
    let len = body.len();
    let (store, _client) = start(&system);
    let put = ordinal("put");
    for at in 0..len {
        for value in [0, 1, 2, 0x7f, 0xff] {
            let old = std::mem::replace(&mut body[at], value);
            send_raw(&store, put, &body);
            body[at] = old;
        }
        send_raw(&store, put, &body[..at]);
    }
    // The server is none the worse for it.
    let (mut good, server) = sample::channel().unwrap();
    store.connect(0, server).unwrap();
    assert_eq!(
        good.numbers(true, 1, 1, 1, 1, 1.0, None)
            .map(|numbers| numbers.a),
        Ok(true)
    );
}

/// Sends a body as the request `put` over a channel of its own; whatever is answered is right.
fn send_raw(store: &Running, ordinal: u32, body: &[u8]) {
    use ftl::abi::{MessageInfo, MessageKind};
    let (client, server) = sample::channel().unwrap();
    store.connect(0, server).unwrap();
    let len = ftl::buffer::write_send(body);
    let info = MessageInfo::new(MessageKind::Request, ordinal, len, 0);
    let channel = ftl::handle::AsHandle::handle(client.end());
    let _ = ftl::sys::call_and_wait(channel, info, 1, ftl::sys::NO_HANDLES, usize::MAX);
}

fn ordinal(name: &str) -> u32 {
    let workspace = workspace();
    let call = workspace.interfaces[0].kinds[0]
        .calls
        .iter()
        .find(|call| call.name == name);
    call.map_or(0, |call| call.ordinal)
}
