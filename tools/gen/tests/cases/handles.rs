//! Handles in messages are what the interface says, or the message is refused (rule 22).

use ftl::abi::{Handle, MessageInfo, MessageKind, Rights};
use ftl::handle::{AsHandle, Channel, Doorbell, Folio, OwnedHandle};
use ftl::prelude::Duration;

use super::*;

fn folio(rights: Rights) -> OwnedHandle {
    let folio = Folio::new(4096).unwrap();
    folio
        .duplicate(rights.union(Rights::TRANSFER))
        .unwrap()
        .into()
}

fn bell(rights: Rights) -> OwnedHandle {
    let bell = OwnedHandle::from(Doorbell::new().unwrap());
    bell.duplicate(rights.union(Rights::TRANSFER)).unwrap()
}

fn channel() -> OwnedHandle {
    Channel::pair(1, 8).unwrap().0.into()
}

/// Calls `look` with these handles on a channel of its own; answers what comes back.
fn look(store: &Running, handles: Vec<OwnedHandle>) -> ftl::Result<()> {
    let (client, server) = sample::channel().unwrap();
    store.connect(0, server).unwrap();
    let mut raw = [Handle::NONE; 4];
    let count = handles.len();
    for (place, handle) in raw.iter_mut().zip(handles) {
        *place = handle.into_raw();
    }
    let info = MessageInfo::new(MessageKind::Request, ordinal("look"), 0, count);
    let channel = AsHandle::handle(client.end());
    let answer = ftl::sys::call_and_wait(channel, info, 1, raw, usize::MAX)?;
    assert_eq!(answer.info().handle_count(), 0);
    let mut code = [0; 4];
    ftl::buffer::read_received(&mut code);
    match u32::from_le_bytes(code) {
        0 => Ok(()),
        code => Err(ftl::reply::error_from_code(code)),
    }
}

#[test]
fn a_message_with_the_wrong_handles_is_refused_and_nothing_of_it_stays() {
    let system = System::new();
    let (store, mut good) = start(&system);
    // What the interface asks for, and more rights than it asks for.
    look(&store, vec![folio(Rights::READ), bell(Rights::WAIT)]).unwrap();
    look(&store, vec![folio(Rights::ALL), bell(Rights::ALL)]).unwrap();
    let objects = |system: &System| {
        testkit::pass(Duration::from_millis(1));
        system.kernel(|kernel| (kernel.folios.len(), kernel.doorbells.len()))
    };
    let before = objects(&system);
    let wrong: Vec<(&str, Vec<OwnedHandle>)> = vec![
        ("kind", vec![bell(Rights::ALL), folio(Rights::ALL)]),
        ("kind", vec![channel(), bell(Rights::ALL)]),
        ("kind", vec![folio(Rights::ALL), channel()]),
        ("right", vec![folio(Rights::WRITE), bell(Rights::ALL)]),
        ("right", vec![folio(Rights::ALL), bell(Rights::WRITE)]),
        ("right", vec![folio(Rights::NONE), bell(Rights::NONE)]),
        ("number", vec![]),
        ("number", vec![folio(Rights::ALL)]),
        (
            "number",
            vec![folio(Rights::ALL), bell(Rights::ALL), bell(Rights::ALL)],
        ),
    ];
    let count = wrong.len();
    for (what, handles) in wrong {
        assert_eq!(look(&store, handles), Err(Error::NoReply), "wrong {what}");
    }
    assert_eq!(objects(&system), before, "folios and doorbells");
    let told = system.log().matches("broke its interface's rules").count();
    assert_eq!(told, count, "{}", system.log());
    assert_eq!(good.get("z").map(|_| ()), Err(Error::NotFound));
}

#[test]
fn memory_to_read_and_a_bell_to_wait_for_travel() {
    let system = System::new();
    let (_store, mut client) = start(&system);
    let memory = Folio::new(4096).unwrap();
    memory.map().unwrap().write(0, &[42]);
    let bell = Doorbell::new().unwrap();
    let waiter = |bell: &Doorbell| {
        let rights = Rights::WAIT.union(Rights::TRANSFER);
        Doorbell::from(OwnedHandle::from_raw(
            ftl::sys::handle_duplicate(bell.handle(), rights).unwrap(),
        ))
    };
    let read_only = memory
        .duplicate(Rights::READ.union(Rights::TRANSFER))
        .unwrap();
    let looked = client
        .look(read_only, waiter(&bell), Some("short"), Some(3))
        .unwrap();
    assert_eq!((looked.first, looked.note_len), (45, Some(5)));
    bell.ring().unwrap();
    testkit::pass(Duration::from_millis(1));
    assert!(system.log().contains("rung: 1"), "{}", system.log());
}
