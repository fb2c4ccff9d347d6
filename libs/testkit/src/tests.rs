//! The kit itself: messages between threads of the host, virtual time, ends of components.

use abi::{EventKind, MessageInfo, MessageKind};
use ftl::sys::{self, NO_HANDLES};

use super::*;

const FOREVER: usize = usize::MAX;

/// Adds one to each byte of each request.
fn adder(info: &'static StartInfo) -> usize {
    let queue = sys::queue_create().unwrap();
    sys::queue_attach(queue, info.bootstrap, 1).unwrap();
    loop {
        let event = sys::wait(queue, FOREVER).unwrap();
        if event.kind != EventKind::Message {
            return 5;
        }
        let mut body = [0; 8];
        let len = event.info().len();
        ftl::buffer::read_received(&mut body[..len]);
        for byte in &mut body[..len] {
            *byte += 1;
        }
        ftl::buffer::write_send(&body[..len]);
        let reply = MessageInfo::new(MessageKind::Reply, 1, len, 0);
        sys::send(info.bootstrap, reply, event.transaction, NO_HANDLES).unwrap();
    }
}

fn ask(component: &Component, body: &[u8]) -> abi::Result<Vec<u8>> {
    ftl::buffer::write_send(body);
    let request = MessageInfo::new(MessageKind::Request, 1, body.len(), 0);
    let event = sys::call_and_wait(component.bootstrap, request, 9, NO_HANDLES, FOREVER)?;
    let mut answer = vec![0; event.info().len()];
    ftl::buffer::read_received(&mut answer);
    Ok(answer)
}

#[test]
fn a_component_answers_and_ends() {
    let system = System::new();
    let component = system.start("adder", adder);
    assert_eq!(ask(&component, &[1, 2, 3]), Ok(vec![2, 3, 4]));
    assert_eq!(ask(&component, &[255 - 1]), Ok(vec![255]));
    let queue = sys::queue_create().unwrap();
    sys::queue_attach(queue, component.process, 3).unwrap();
    sys::handle_close(component.bootstrap).unwrap();
    let event = sys::wait(queue, FOREVER).unwrap();
    assert_eq!(
        (event.kind, event.key, event.data),
        (EventKind::Exited, 3, 5)
    );
}

#[test]
fn a_panic_is_the_components_own() {
    let system = System::new();
    let component = system.start("broken", adder);
    // 255 + 1 overflows: the component panics in the middle of the call.
    assert_eq!(ask(&component, &[255]), Err(Error::Closed));
    assert!(
        system.log().contains("broken: ERROR crashed"),
        "{}",
        system.log()
    );
}

#[test]
fn time_is_virtual() {
    let system = System::new();
    let begin = std::time::Instant::now();
    let queue = sys::queue_create().unwrap();
    let hour = 3_600_000_000_000;
    assert_eq!(sys::wait(queue, hour).err(), Some(Error::TimedOut));
    assert_eq!(
        system.kernel(|kernel| kernel.memory.machine.now()),
        hour as u64
    );
    assert!(begin.elapsed() < std::time::Duration::from_secs(60));
}

#[test]
fn a_killed_component_stops() {
    let system = System::new();
    let component = system.start("adder", adder);
    assert_eq!(ask(&component, &[1]), Ok(vec![2]));
    sys::process_kill(component.process, 137).unwrap();
    assert_eq!(ask(&component, &[1]), Err(Error::Closed));
}

#[test]
#[should_panic(expected = "everybody waits")]
fn a_deadlock_is_told() {
    let _system = System::new();
    let queue = sys::queue_create().unwrap();
    let _ = sys::wait(queue, FOREVER);
}
