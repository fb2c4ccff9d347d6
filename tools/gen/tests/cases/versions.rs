//! Components that were built with different versions of an interface (rule 22).

use ftl::abi::{MessageInfo, MessageKind};
use ftl::handle::AsHandle;

use super::*;

#[test]
fn a_component_of_another_version_does_not_start_and_names_both() {
    let system = System::new();
    let other = sample::HASH ^ 1;
    let store = system.component("store", serve).provide(other).run();
    assert_eq!(store.wait(), 1);
    let (client, _server) = sample::channel().unwrap();
    let user = |_: user::Environ| -> ftl::Result<()> { panic!("it must not get so far") };
    let user = system.component("user", user).need(other, client).run();
    assert_eq!(user.wait(), 1);
    let log = system.log();
    for name in ["sample", "things"] {
        let told = format!(
            "`{name}`: this component was built with version {:016x} of the interface, \
             the system's plan has {other:016x}; build again",
            sample::HASH
        );
        assert!(log.contains(&told), "{told}: {log}");
    }
}

/// Sends a body as a message over a channel of its own.
fn call(store: &Running, kind: MessageKind, ordinal: u32, body: &[u8]) -> ftl::Result<Vec<u8>> {
    let (client, server) = sample::channel().unwrap();
    store.connect(0, server).unwrap();
    let len = ftl::buffer::write_send(body);
    let info = MessageInfo::new(kind, ordinal, len, 0);
    let channel = AsHandle::handle(client.end());
    if kind == MessageKind::OneWay {
        ftl::sys::send(channel, info, 0, ftl::sys::NO_HANDLES)?;
        // The channel is as good as before.
        return call_on(channel, self::ordinal("get"), &[1, 0, 0, 0, b'z']);
    }
    call_on(channel, ordinal, body)
}

fn call_on(channel: ftl::abi::Handle, ordinal: u32, body: &[u8]) -> ftl::Result<Vec<u8>> {
    let len = ftl::buffer::write_send(body);
    let info = MessageInfo::new(MessageKind::Request, ordinal, len, 0);
    let event = ftl::sys::call_and_wait(channel, info, 1, ftl::sys::NO_HANDLES, usize::MAX)?;
    let mut body = vec![0; event.info().len()];
    ftl::buffer::read_received(&mut body);
    Ok(body)
}

#[test]
fn messages_of_a_later_version_are_passed_over() {
    let system = System::new();
    let (store, _client) = start(&system);
    let code = |error: Error| u32::from(error.code()).to_le_bytes().to_vec();
    let unknown = call(&store, MessageKind::Request, 0xdead, b"anything");
    assert_eq!(unknown, Ok(code(Error::Unsupported)));
    let after_event = call(&store, MessageKind::OneWay, 0xbeef, b"anything");
    assert_eq!(after_event, Ok(code(Error::NotFound)));
}

#[test]
fn optional_fields_at_the_end_may_be_missing_and_are_not_sent_in_vain() {
    let system = System::new();
    let (store, mut client) = start(&system);
    // `numbers` ends with an option: as it was before that was added, and as it is now.
    let mut body = Vec::new();
    body.extend([1, 2]);
    body.extend((-3i16).to_le_bytes());
    body.extend(4u32.to_le_bytes());
    body.extend(5i64.to_le_bytes());
    body.extend(6f64.to_le_bytes());
    let numbers = ordinal("numbers");
    let answer = call(&store, MessageKind::Request, numbers, &body).unwrap();
    assert_eq!(answer.len(), 8 + body.len(), "no trace of the option");
    body.push(0);
    assert_eq!(
        call(&store, MessageKind::Request, numbers, &body),
        Ok(answer)
    );
    // Between a missing one and a present one the first is there, too.
    let folio = || ftl::handle::Folio::new(4096).unwrap();
    let bell = || Doorbell::new().unwrap();
    let looked = client.look(folio(), bell(), None, Some(7)).unwrap();
    assert_eq!((looked.first, looked.note_len), (7, None));
}
