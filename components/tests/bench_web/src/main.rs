//! Asks this machine's own web server for a page again and again, as any client would: the figure is what all
//! components and the kernel did for it together.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::vec::Vec;
use core::net::SocketAddrV4;

use ftl::prelude::*;
use ftl::time::instructions;
use http::Answer;
use interfaces::tcp::{Streams, TcpStream};
use interfaces::tcpip::tcp_connection;

#[rustfmt::skip]
mod spec;

use spec::*;

const REQUEST: &[u8] = b"GET /bench HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
/// Requests that make one sample.
const BATCH: u32 = 50;
/// How long to wait for a server that does not listen yet.
const RETRY: Duration = Duration::from_millis(10);
/// How often to wait for it.
const RETRIES_MAX: u32 = 1000;
/// Bytes taken out of the stream at once.
const PIECE_LEN: usize = 2048;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug)]
enum Source {
    Tcpip,
    Server,
    /// It is time to ask for a connection.
    Again,
}

#[ftl::main]
fn main(env: Environ) -> Result<()> {
    let server: SocketAddrV4 = env.settings.server.parse().map_err(|_| {
        error!("`{}` is no address and port", env.settings.server);
        Error::InvalidArgument
    })?;
    let mut events = EventLoop::new()?;
    events.add(&env.tcpip, Source::Tcpip)?;
    let again = events.timer(Source::Again);
    let mut streams = Streams::new(1)?;
    streams.share(&env.tcpip)?;
    let mut retries = 0;
    let mut stream: Option<TcpStream> = None;
    let mut count = Count::new(&env.settings);
    loop {
        match events.next()? {
            Event::Message(Source::Server, Message::TcpConnection(message)) => {
                if !matches!(message, tcp_connection::ToClient::News) {
                    error!("the server has closed the connection");
                    return Err(Error::Closed);
                }
                if let Some(stream) = &mut stream
                    && count.read(stream)?
                {
                    return Ok(());
                }
            }
            Event::Message(Source::Tcpip, Message::Tcpip(message)) => match message {
                tcpip::ToClient::Share(_, result) => {
                    result?;
                    streams.connect(&env.tcpip, server)?;
                }
                tcpip::ToClient::Connect(transaction, result) => {
                    match streams.connected(transaction, result) {
                        Ok(mut new) => {
                            events.add(new.channel(), Source::Server)?;
                            new.write_soon(REQUEST)?;
                            stream = Some(new);
                        }
                        Err(error) if retries == RETRIES_MAX => {
                            error!("{server}: {error}");
                            return Err(error);
                        }
                        // Perhaps it has not started yet.
                        Err(_) => {
                            retries += 1;
                            again.set(RETRY);
                        }
                    }
                }
                other => warn!("unexpected: {other:?}"),
            },
            Event::Timer(Source::Again) => {
                streams.connect(&env.tcpip, server)?;
            }
            Event::Closed(_) => return Err(Error::Closed),
            Event::Shutdown => return Ok(()),
            other => warn!("unexpected: {other:?}"),
        }
    }
}

/// What has been asked and answered, and what it cost.
struct Count {
    settings: Settings,
    answer: Answer,
    piece: Vec<u8>,
    answered: u32,
    /// When the batch began.
    began: u64,
    /// What a request of each batch cost.
    samples: Vec<u64>,
}

impl Count {
    fn new(settings: &Settings) -> Count {
        Count {
            settings: settings.clone(),
            answer: Answer::default(),
            piece: alloc::vec![0; PIECE_LEN],
            answered: 0,
            began: 0,
            samples: Vec::new(),
        }
    }

    /// Takes what has come of an answer; when it is whole, asks again. True when everything has been measured.
    fn read(&mut self, stream: &mut TcpStream) -> Result<bool> {
        // Until there are none, since only then `tcpip` tells of the next ones.
        loop {
            let len = stream.read(&mut self.piece)?;
            if len == 0 {
                return Ok(false);
            }
            match self.answer.take(&self.piece[..len]) {
                Ok((_, false)) => {}
                Ok((used, true)) if used == len => {
                    if self.is_last() {
                        return Ok(true);
                    }
                    if stream.write_soon(REQUEST)? != REQUEST.len() {
                        return Err(Error::QueueFull);
                    }
                }
                // Nobody has asked for more.
                _ => return Err(Error::Malformed),
            }
        }
    }

    /// Counts an answer. True if it was the last.
    fn is_last(&mut self) -> bool {
        self.answered += 1;
        self.answered >= self.settings.warm_up
            && (self.answered - self.settings.warm_up).is_multiple_of(BATCH)
            && self.batch_ends(instructions())
    }

    /// Takes a sample of the batch that ends now, if one has begun. True if it was the last.
    fn batch_ends(&mut self, now: u64) -> bool {
        if self.answered > self.settings.warm_up {
            self.samples.push((now - self.began) / u64::from(BATCH));
        }
        self.began = now;
        if self.answered < self.settings.warm_up + self.settings.requests / BATCH * BATCH {
            return false;
        }
        self.samples.sort_unstable();
        let (len, median) = (self.samples.len(), self.samples[self.samples.len() / 2]);
        if self.settings.repeat {
            info!("FTL-BENCH-REPEATS {median}");
            return false;
        }
        info!(
            "FTL-BENCH {{\"name\":\"http_request_with_client\",\"case\":\"{}\",\"unit\":\"instructions\",\
             \"samples\":{len},\"min\":{},\"median\":{median},\"max\":{}}}",
            self.settings.case,
            self.samples[0],
            self.samples[len - 1],
        );
        true
    }
}
