//! Takes bytes over TCP and sends some, and counts what the whole machine does for each KiB.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::vec::Vec;

use ftl::prelude::*;
use interfaces::system::Blocking as _;
use interfaces::tcp::{Streams, TcpStream};
use interfaces::tcpip::{tcp_connection, tcp_listener};

#[rustfmt::skip]
mod spec;

use spec::*;

/// Bytes that are taken or given at once.
const PIECE_LEN: usize = 8192;
/// Bytes of its streams.
const STREAM_LEN: u32 = 64 * 1024;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Tcpip,
    Listener,
    Connection,
}

#[ftl::main]
fn main(mut env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add(&env.tcpip, Source::Tcpip)?;
    let mut streams = Streams::with_lengths(1, STREAM_LEN, STREAM_LEN)?;
    streams.share(&env.tcpip)?;
    let mut listener: Option<tcp_listener::Client> = None;
    let mut transfer: Option<Transfer> = None;
    // What a KiB cost: received, and sent.
    let mut samples = [Vec::new(), Vec::new()];
    let mut piece = alloc::vec![b'x'; PIECE_LEN];
    loop {
        let mut over = false;
        match events.next()? {
            Event::Message(Source::Tcpip, Message::Tcpip(tcpip::ToClient::Share(_, result))) => {
                result?;
                env.tcpip.listen_start(env.settings.port, 1)?;
            }
            Event::Message(Source::Tcpip, Message::Tcpip(tcpip::ToClient::Listen(_, result))) => {
                let listening = listener.insert(result?);
                events.add(&*listening, Source::Listener)?;
                streams.accept(listening)?;
                info!("listens on port {}", env.settings.port);
            }
            Event::Message(
                Source::Listener,
                Message::TcpListener(tcp_listener::ToClient::Accept(transaction, result)),
            ) => {
                let (stream, _) = streams.accepted(transaction, result)?;
                events.add(stream.channel(), Source::Connection)?;
                let sends = samples[0].len() > samples[1].len();
                let new = Transfer {
                    stream,
                    left: if sends { env.settings.len as usize } else { 0 },
                    sends,
                    began: busy(&mut env.system)?,
                };
                transfer.insert(new).go_on(&mut piece)?;
            }
            Event::Message(Source::Connection, Message::TcpConnection(message)) => {
                if let Some(transfer) = &mut transfer {
                    transfer.go_on(&mut piece)?;
                    // All has come, or the other side has all; whoever sent it waits for our end.
                    over = !matches!(message, tcp_connection::ToClient::News);
                }
            }
            Event::Closed(Source::Connection) => over = true,
            Event::Closed(_) => return Err(Error::Closed),
            Event::Writable(_) => {}
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
        if over && let Some(ended) = transfer.take() {
            let cost = busy(&mut env.system)?.saturating_sub(ended.began);
            samples[usize::from(ended.sends)].push(cost * 1024 / u64::from(env.settings.len));
            events.remove_channel(ended.stream.channel())?;
            drop(ended);
            if samples[1].len() == env.settings.rounds as usize {
                let [received, sent] = &mut samples;
                report("tcp_receive_kib", &env.settings.case, received);
                report("tcp_send_kib", &env.settings.case, sent);
                return Ok(());
            }
            if let Some(listener) = &listener {
                streams.accept(listener)?;
            }
        }
    }
}

/// For how long the machine has had something to do, in nanoseconds.
fn busy(system: &mut system::Client) -> Result<u64> {
    let found = system.statistics()?;
    Ok(found.uptime_ns.saturating_sub(found.idle_ns))
}

/// A connection over which bytes go one way.
struct Transfer {
    stream: TcpStream,
    /// Bytes still to be given.
    left: usize,
    sends: bool,
    began: u64,
}

impl Transfer {
    /// Takes what is there, and gives what there is room for. When all is given, the other side is told.
    fn go_on(&mut self, piece: &mut [u8]) -> Result<()> {
        while self.stream.read(piece)? > 0 {}
        while self.sends && self.left > 0 {
            let len = self.left.min(piece.len());
            let given = self.stream.write_soon(&piece[..len])?;
            self.left -= given;
            if self.left == 0 {
                self.stream.shutdown_write()?;
            }
            if given < len {
                break;
            }
        }
        Ok(())
    }
}

/// Writes the line that `./ftl bench` reads.
fn report(name: &str, case: &str, samples: &mut [u64]) {
    samples.sort_unstable();
    let len = samples.len();
    info!(
        "FTL-BENCH {{\"name\":\"{name}\",\"case\":\"{case}\",\"unit\":\"instructions\",\
         \"samples\":{len},\"min\":{},\"median\":{},\"max\":{}}}",
        samples[0],
        samples[len / 2],
        samples[len - 1],
    );
}
