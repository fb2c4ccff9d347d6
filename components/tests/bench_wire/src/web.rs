//! The client: connections to the web server, requests that go round among them, and the count.

use alloc::vec::Vec;
use core::net::{Ipv4Addr, SocketAddrV4};

use ftl::prelude::*;
use ftl::time::instructions;
use http::Answer;
use net::{
    Address, Addressing, Budget, Config, ConnectionId, Event, Limits, OwnerId, Stack, TcpOptions,
};

use crate::spec::Settings;

/// Ours, and the server's.
const OWN: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 2);
const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::new(10, 0, 2, 15), 80);
const REQUEST: &[u8] = b"GET /bench HTTP/1.1\r\nHost: 10.0.2.15\r\n\r\n";
/// Connections that are opened at once.
const OPENING_MAX: usize = 16;
/// Requests that make one sample: what is due only now and then, such as an acknowledgement for every
/// other segment, shows in each.
const BATCH: u32 = 50;
/// How long to wait for a server that does not listen yet: it may need the CPU for that.
const RETRY: Duration = Duration::from_micros(50);
/// Bytes of an answer that may wait for the client.
const RECEIVE_LEN: usize = 4096;

/// The time since boot.
pub fn now() -> Duration {
    Instant::now() - Instant::default()
}

/// The client.
pub struct Web {
    stack: Stack,
    owner: OwnerId,
    settings: Settings,
    connections: Vec<ConnectionId>,
    /// How many of them are there.
    open: usize,
    /// When to ask again for a connection that was refused.
    retry_at: Option<Duration>,
    /// The one that asks now, and how many requests have been answered.
    turn: usize,
    answered: u32,
    answer: Answer,
    /// When the first answer was there, in nanoseconds since the kernel's start.
    first_answer: u64,
    /// When the batch began, and our own part since then.
    began: u64,
    own: u64,
    /// What one request cost in each batch: without our own part, and with it.
    samples: [Vec<u64>; 2],
}

impl Web {
    /// A client that has not begun.
    pub fn new(settings: &Settings, random: &mut Random) -> Result<Web> {
        let mut seed = [0; 32];
        random.fill(&mut seed);
        let connections = settings.connections as usize;
        let config = Config {
            mac: [2, 0, 0, 0, 0, 1],
            mtu: 1500,
            addressing: Addressing::Static(Address {
                ip: OWN,
                prefix_len: 24,
                gateway: None,
                dns_servers: Vec::new(),
            }),
            seed,
            limits: Limits {
                sockets_max: connections + 1,
                ..Limits::default()
            },
        };
        let mut stack = Stack::new(config, now());
        stack.leave_checksums(true);
        let owner = stack.add_owner(Budget {
            bytes: usize::MAX / 2,
            sockets: connections + 1,
        })?;
        Ok(Web {
            stack,
            owner,
            settings: settings.clone(),
            connections: Vec::with_capacity(connections),
            open: 0,
            retry_at: None,
            turn: 0,
            answered: 0,
            answer: Answer::default(),
            first_answer: 0,
            began: 0,
            own: 0,
            samples: [Vec::new(), Vec::new()],
        })
    }

    /// When there will be something to do, whatever happens.
    pub fn deadline(&self) -> Option<Duration> {
        self.stack.deadline().into_iter().chain(self.retry_at).min()
    }

    /// The stack.
    pub fn stack(&mut self) -> &mut Stack {
        &mut self.stack
    }

    /// Opens the first connections.
    pub fn begin(&mut self) -> Result<()> {
        while self.connections.len() < self.settings.connections as usize
            && self.connections.len() < self.open + OPENING_MAX
        {
            let options = TcpOptions {
                receive_buffer: RECEIVE_LEN,
                send_buffer: 1024,
                ..TcpOptions::default()
            };
            let connection = self.stack.connect(self.owner, SERVER, options, now())?;
            self.connections.push(connection);
        }
        Ok(())
    }

    /// Does what there is to do. True when everything has been measured.
    pub fn work(&mut self) -> Result<bool> {
        self.stack.poll(now());
        if self.retry_at.take_if(|at| *at <= now()).is_some() {
            self.begin()?;
        }
        let mut done = false;
        while !done && let Some(event) = self.stack.next_event() {
            match event {
                Event::Connected(_) => {
                    self.open += 1;
                    if self.open == self.settings.connections as usize {
                        self.ask()?;
                    } else {
                        self.begin()?;
                    }
                }
                Event::Readable(connection) => done = self.read(connection)?,
                Event::Closed(connection, result) => {
                    // The server may not listen yet.
                    if self.open == 0 && result == Err(Error::ConnectionRefused) {
                        self.stack.close(connection, now());
                        self.connections.retain(|other| *other != connection);
                        self.retry_at = Some(now() + RETRY);
                        continue;
                    }
                    error!("a connection ended: {result:?}");
                    return Err(Error::Closed);
                }
                _ => {}
            }
        }
        Ok(done)
    }

    fn ask(&mut self) -> Result<()> {
        let connection = self.connections[self.turn];
        if self.stack.send(connection, REQUEST, now())? != REQUEST.len() {
            return Err(Error::QueueFull);
        }
        Ok(())
    }

    /// Takes what has come of an answer; when it is whole, the next connection asks. True when that
    /// was the last.
    fn read(&mut self, connection: ConnectionId) -> Result<bool> {
        let mut whole = false;
        while !whole {
            let mut result = Ok(());
            let answer = &mut self.answer;
            let taken = self.stack.receive_with(
                connection,
                |bytes| match answer.take(bytes) {
                    Ok((len, end)) => {
                        whole = end;
                        len
                    }
                    Err(http::BadAnswer) => {
                        result = Err(Error::Malformed);
                        0
                    }
                },
                now(),
            )?;
            result?;
            match taken {
                None => return Ok(false),
                Some(0) => return Err(Error::Closed),
                Some(_) => {}
            }
        }
        self.answered += 1;
        if self.answered == 1 {
            self.first_answer = Instant::now().as_nanos();
            info!("has the first answer");
        }
        if self.answered >= self.settings.warm_up
            && (self.answered - self.settings.warm_up).is_multiple_of(BATCH)
            && self.batch_ends(instructions())
        {
            return Ok(true);
        }
        self.turn = (self.turn + 1) % self.connections.len();
        self.ask()?;
        Ok(false)
    }

    /// Adds to our own part.
    pub fn worked(&mut self, instructions: u64) {
        self.own += instructions;
    }

    /// Takes a sample of the batch that ends now, if one has begun. True if it was the last.
    fn batch_ends(&mut self, now: u64) -> bool {
        if self.answered > self.settings.warm_up {
            let all = (now - self.began) / u64::from(BATCH);
            let own = self.own / u64::from(BATCH);
            self.samples[0].push(all.saturating_sub(own));
            self.samples[1].push(all);
        }
        (self.began, self.own) = (now, 0);
        if self.answered == self.settings.warm_up + self.settings.requests / BATCH * BATCH {
            self.report();
            if !self.settings.repeat {
                return true;
            }
            let all = &self.samples[1];
            info!("FTL-BENCH-REPEATS {}", all[all.len() / 2]);
        }
        false
    }

    /// Writes the lines that `./ftl bench` reads.
    fn report(&mut self) {
        let first = self.first_answer;
        info!(
            "FTL-BENCH {{\"name\":\"boot_to_http_answer\",\"case\":\"{}\",\"unit\":\"instructions\",\
             \"samples\":1,\"min\":{first},\"median\":{first},\"max\":{first}}}",
            self.settings.case
        );
        for (more, samples) in ["", "_over_cable"].into_iter().zip(&mut self.samples) {
            samples.sort_unstable();
            let (Some(min), Some(max)) = (samples.first(), samples.last()) else {
                continue;
            };
            info!(
                "FTL-BENCH {{\"name\":\"{}{more}\",\"case\":\"{}\",\"unit\":\"instructions\",\
                 \"samples\":{},\"min\":{min},\"median\":{},\"max\":{max}}}",
                self.settings.name,
                self.settings.case,
                samples.len(),
                samples[samples.len() / 2],
            );
        }
    }
}
