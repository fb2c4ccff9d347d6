//! Boots in the place of init and proves what all else rests on: one image, started as server
//! and as client under each pair of isolations, exchanges messages; the cost of a round trip is
//! printed; a server is killed in mid-call, and a faulting, a panicking, a spinning and an
//! overflowing one end alone.
//!
//! `./ftl run --init ping_proof` runs it; the status is 0 if all of it held. It uses the bare
//! system calls, so nothing generated can hide a fault of the kernel.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use abi::{
    EventKind, Handle, Isolation, MessageInfo, MessageKind, Name, PAGE_SIZE, ProcessParams,
    ProcessState, StartInfo,
};
use ftl::prelude::*;
use ftl::sys::{self, NO_HANDLES};

const PING: u32 = 1;
const HOLD: u32 = 2;
const CRASH: u32 = 3;
const ROUNDS: u64 = 10_000;
const FOREVER: usize = usize::MAX;

#[ftl::main]
fn main(info: &'static StartInfo) -> Result<()> {
    match info.name.as_str() {
        "server" => serve(info.bootstrap),
        "client" => ask(info.bootstrap),
        _ => prove(info),
    }
}

fn request(ordinal: u32, len: usize) -> MessageInfo {
    MessageInfo::new(MessageKind::Request, ordinal, len, 0)
}

fn reply(len: usize, handles: usize) -> MessageInfo {
    MessageInfo::new(MessageKind::Reply, PING, len, handles)
}

/// Answers pings; keeps a request it is asked to hold; crashes in the way it is asked to.
fn serve(channel: Handle) -> Result<()> {
    let queue = sys::queue_create()?;
    sys::queue_attach(queue, channel, 7)?;
    let mut event = sys::wait(queue, FOREVER)?;
    loop {
        match event.kind {
            EventKind::Message if event.info().ordinal() == PING => {
                let mut body = [0; 64];
                let len = event.info().len();
                ftl::buffer::read_received(&mut body[..len]);
                for byte in &mut body[..len] {
                    *byte = byte.wrapping_add(1);
                }
                ftl::buffer::write_send(&body[..len]);
                event = sys::send_wait(
                    channel,
                    queue,
                    reply(len, 0),
                    event.transaction,
                    NO_HANDLES,
                    FOREVER,
                )?;
            }
            EventKind::Message if event.info().ordinal() == CRASH => {
                let mut body = [0; 1];
                ftl::buffer::read_received(&mut body);
                crash(body[0]);
            }
            EventKind::Message => event = sys::wait(queue, FOREVER)?,
            _ => return Ok(()),
        }
    }
}

fn crash(how: u8) {
    match how {
        0 => panic!("asked to panic"),
        1 => {
            recurse(1);
        }
        2 => loop {
            core::hint::spin_loop();
        },
        _ => {
            let big = big_frame(how);
            info!("a frame of 200 KiB returned {big}");
        }
    }
}

#[inline(never)]
#[allow(unconditional_recursion)]
fn recurse(depth: u64) -> u64 {
    let block = core::hint::black_box([depth; 64]);
    recurse(depth + 1) + block[(depth % 64) as usize]
}

/// One frame of 200 KiB: longer than the stack, and touched at its far end first.
#[inline(never)]
fn big_frame(how: u8) -> u8 {
    let mut block = [0u8; 200 << 10];
    core::hint::black_box(&mut block)[0] = how;
    block[usize::from(how)]
}

/// Gets the server's channel from init, and does what init asks with it.
fn ask(init: Handle) -> Result<()> {
    let queue = sys::queue_create()?;
    sys::queue_attach(queue, init, 1)?;
    let first = sys::wait(queue, FOREVER)?;
    let server = first.handles[0];
    let mut body = [1u8; 64];
    ftl::buffer::write_send(&body);
    let begin = Instant::now();
    for round in 0..ROUNDS {
        let answer = sys::call_and_wait(
            server,
            request(PING, 64),
            round as usize,
            NO_HANDLES,
            FOREVER,
        )?;
        if answer.transaction != round as usize {
            return Err(Error::Internal);
        }
    }
    let nanos = begin.elapsed().as_nanos() as u64;
    ftl::buffer::read_received(&mut body);
    if body != [2; 64] {
        return Err(Error::InvalidData);
    }
    ftl::buffer::write_send(&nanos.to_le_bytes());
    sys::send(init, reply(8, 0), first.transaction, NO_HANDLES)?;
    // Now a call that the server holds: init kills it meanwhile.
    let second = sys::wait(queue, FOREVER)?;
    let ended = sys::call_and_wait(server, request(HOLD, 8), 1, NO_HANDLES, FOREVER);
    let code = match ended {
        Err(error) => error.code(),
        Ok(_) => 0,
    };
    ftl::buffer::write_send(&code.to_le_bytes());
    sys::send(init, reply(2, 0), second.transaction, NO_HANDLES)?;
    while sys::wait(queue, FOREVER)?.kind != EventKind::Closed {}
    Ok(())
}

/// What init needs to start the image again.
struct Starter {
    info: &'static StartInfo,
    offset: usize,
    len: usize,
}

impl Starter {
    fn start(&self, name: &str, isolation: Isolation, bootstrap: Handle) -> Result<Handle> {
        let params = ProcessParams {
            name: Name::new(name),
            isolation: isolation as u32,
            priority: 4,
            memory_pages_max: 1024,
            handles_max: 64,
            threads_max: 2,
            heap_len: 64 << 10,
            stack_len: 64 << 10,
            cpu_share_percent: 90,
            messages_max: 1 << 20,
        };
        let process = sys::process_create(self.info.system, &params)?;
        while sys::process_load(process, self.info.archive, self.offset, self.len)
            == Err(Error::Again)
        {}
        sys::process_start(process, bootstrap)?;
        Ok(process)
    }
}

/// Finds this very image in the boot archive: the entry `init`.
fn own_image(info: &StartInfo) -> Result<(usize, usize)> {
    // The archive has one entry in this system, which begins at the second page, as images begin at pages.
    Ok((PAGE_SIZE, info.archive_len as usize - PAGE_SIZE))
}

fn prove(info: &'static StartInfo) -> Result<()> {
    let system = info.system;
    let status = match prove_all(info) {
        Ok(()) => 0,
        Err(error) => {
            error!("the proof failed: {error}");
            1
        }
    };
    sys::system_shutdown(system, status)
}

fn prove_all(info: &'static StartInfo) -> Result<()> {
    let (offset, len) = own_image(info)?;
    let starter = Starter { info, offset, len };
    // Slabs grow when they are first used; after a first pass nothing may be lost.
    pass(&starter, false)?;
    let before = sys::system_statistics(info.system)?;
    pass(&starter, true)?;
    let after = sys::system_statistics(info.system)?;
    info!(
        "free pages {} before, {} after",
        before.pages_free, after.pages_free
    );
    if before.pages_free != after.pages_free
        || (
            before.processes,
            before.threads,
            before.channels,
            before.folios,
        ) != (after.processes, after.threads, after.channels, after.folios)
    {
        error!("before {before:?}, after {after:?}");
        return Err(Error::Internal);
    }
    Ok(())
}

/// All pairs of isolations, and all crashes under each.
fn pass(starter: &Starter, report: bool) -> Result<()> {
    let all = [Isolation::Kernel, Isolation::User];
    for client in all {
        for server in all {
            exchange(starter, client, server, report)?;
        }
    }
    for isolation in all {
        for (how, expected) in [
            (0, ProcessState::EXIT_PANIC),
            (1, ProcessState::EXIT_STACK_OVERFLOW),
            (2, ProcessState::EXIT_KILLED),
            (3, ProcessState::EXIT_STACK_OVERFLOW),
        ] {
            let status = crash_server(starter, isolation, how)?;
            if report {
                info!("{isolation:?}: crash {how} ended with status {status}");
            }
            if status != expected {
                return Err(Error::Internal);
            }
        }
    }
    Ok(())
}

/// Starts a server and a client, lets them talk, and kills the server in the middle of a call.
fn exchange(starter: &Starter, client: Isolation, server: Isolation, report: bool) -> Result<()> {
    let (service, service_end) = sys::channel_create(4, 64)?;
    let (boot, boot_end) = sys::channel_create(4, 64)?;
    let server_process = starter.start("server", server, service_end)?;
    let client_process = starter.start("client", client, boot_end)?;
    let mut given = NO_HANDLES;
    given[0] = service;
    let hello = MessageInfo::new(MessageKind::Request, PING, 0, 1);
    sys::call_and_wait(boot, hello, 1, given, FOREVER)?;
    let mut nanos = [0; 8];
    ftl::buffer::read_received(&mut nanos);
    let each = u64::from_le_bytes(nanos) / ROUNDS;
    if report {
        info!(
            "round trip of 64 bytes, {client:?} to {server:?}: {each} ns (with --icount: instructions)"
        );
    }

    let queue = sys::queue_create()?;
    sys::queue_attach(queue, boot, 1)?;
    sys::queue_attach(queue, server_process, 2)?;
    sys::queue_attach(queue, client_process, 3)?;
    sys::send(boot, request(HOLD, 0), 2, NO_HANDLES)?;
    // The kill comes while the client is in its call, or just before: both must end it.
    sys::yield_now()?;
    sys::process_kill(server_process, ProcessState::EXIT_KILLED)?;
    let (mut answered, mut server_ended) = (false, false);
    while !(answered && server_ended) {
        let event = sys::wait(queue, FOREVER)?;
        match (event.kind, event.key) {
            (EventKind::Message, 1) => {
                let mut code = [0; 2];
                ftl::buffer::read_received(&mut code);
                if u16::from_le_bytes(code) != Error::Closed.code() {
                    return Err(Error::InvalidData);
                }
                answered = true;
            }
            (EventKind::Exited, 2) if event.data == ProcessState::EXIT_KILLED => {
                server_ended = true
            }
            _ => return Err(Error::Internal),
        }
    }
    sys::handle_close(boot)?;
    if sys::wait(queue, FOREVER)?.kind != EventKind::Exited {
        return Err(Error::Internal);
    }
    for handle in [server_process, client_process, queue] {
        sys::handle_close(handle)?;
    }
    Ok(())
}

/// Starts a server and makes it crash; answers with its status.
fn crash_server(starter: &Starter, isolation: Isolation, how: u8) -> Result<usize> {
    let (service, service_end) = sys::channel_create(4, 64)?;
    let process = starter.start("server", isolation, service_end)?;
    let queue = sys::queue_create()?;
    sys::queue_attach(queue, process, 2)?;
    ftl::buffer::write_send(&[how]);
    sys::send(service, request(CRASH, 1), 1, NO_HANDLES)?;
    if how == 2 {
        // It spins; give it a moment on its CPU, then kill it.
        let info = starter.info;
        let nanos = Instant::now().as_nanos() + 30_000_000;
        let later = info.boot_ticks + nanos * info.ticks_per_second / 1_000_000_000;
        let timer = sys::timer_create()?;
        sys::queue_attach(queue, timer, 5)?;
        sys::timer_set(timer, later as usize, 0)?;
        if sys::wait(queue, FOREVER)?.kind != EventKind::Timer {
            return Err(Error::Internal);
        }
        sys::process_kill(process, ProcessState::EXIT_KILLED)?;
        sys::handle_close(timer)?;
    }
    let event = sys::wait(queue, FOREVER)?;
    for handle in [process, service, queue] {
        sys::handle_close(handle)?;
    }
    Ok(event.data)
}
