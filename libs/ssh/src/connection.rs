//! One client from its first byte to its last.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use chacha::Generator;

use crate::channel::{self, CHANNELS_MAX, Channel, Output, Request, WINDOW};
use crate::cipher::Cipher;
use crate::exchange::{self, Said};
use crate::fault::Fault;
use crate::keys::{HostKey, PublicKey};
use crate::login::{self, Refusal};
use crate::packets::{Incoming, Outgoing};
use crate::wire::{Reader, Writer};

const DISCONNECT: u8 = 1;
const IGNORE: u8 = 2;
const UNIMPLEMENTED: u8 = 3;
const DEBUG: u8 = 4;
const GLOBAL_REQUEST: u8 = 80;
const REQUEST_SUCCESS: u8 = 81;
const REQUEST_FAILURE: u8 = 82;

/// No more is read while so many bytes wait to be sent, and no more output is taken.
const WAITING_MAX: usize = 32 * 1024;
/// Bytes of a piece of output.
const PIECE_MAX: usize = 8 * 1024;
/// Requests to log in that a connection has. Clients ask for the methods first, and with each key twice.
const TRIES_MAX: u32 = 12;
/// Columns or rows that make sense.
const SIZE_MAX: u32 = 1000;
/// Why a channel was not opened (RFC 4254, section 5.1).
const UNKNOWN_CHANNEL_TYPE: u32 = 3;
const RESOURCE_SHORTAGE: u32 = 4;

/// What happened. Channels have numbers from 0, which come again.
#[derive(Debug, PartialEq)]
pub enum Event {
    /// A try to log in was refused. Nothing goes on before [`Connection::go_on`].
    Refused {
        /// As whom.
        user: String,
        /// The reason.
        why: Refusal,
    },
    /// Somebody is in.
    LoggedIn {
        /// As whom.
        user: String,
        /// With which key.
        key: PublicKey,
    },
    /// A session is opened on a channel; what it is comes next.
    Opened(usize),
    /// It shall have a terminal.
    Terminal {
        /// The session.
        channel: usize,
        /// What kind the client's is: its variable `TERM`.
        kind: String,
        /// Its size; 0 if unknown.
        columns: u16,
        /// 0 if unknown.
        rows: u16,
    },
    /// Its terminal has another size.
    Resized {
        /// The session.
        channel: usize,
        /// 0 if unknown.
        columns: u16,
        /// 0 if unknown.
        rows: u16,
    },
    /// It is a shell.
    Shell(usize),
    /// It is this command.
    Command {
        /// The session.
        channel: usize,
        /// As it was typed.
        command: String,
    },
    /// Input. [`Connection::took`] lets more come.
    Data {
        /// The session.
        channel: usize,
        /// At least one.
        bytes: Vec<u8>,
    },
    /// There is no more input.
    Ended(usize),
    /// A signal.
    Signal {
        /// The session.
        channel: usize,
        /// Its name, without `SIG`.
        name: String,
    },
    /// The client is done with it, and so is the connection.
    Closed(usize),
}

/// Where the exchange of keys is.
enum Exchange {
    /// None is under way.
    Idle,
    /// Our offer is out.
    Offered,
    /// Both offers are: the client's half is to come.
    Agreed { offer: Vec<u8>, skip_next: bool },
    /// The client's half was answered: it is to take the new keys.
    Answered(Cipher),
}

/// See the [module](self).
pub struct Connection {
    incoming: Incoming,
    outgoing: Outgoing,
    client_line: Option<Vec<u8>>,
    exchange: Exchange,
    our_offer: Vec<u8>,
    is_strict: bool,
    /// What the first exchange came to.
    session: Option<[u8; 32]>,
    /// Messages that wait for the exchange to be over.
    deferred: Vec<Vec<u8>>,
    may_log_in: bool,
    tries: u32,
    is_held: bool,
    is_in: bool,
    channels: [Option<Channel>; CHANNELS_MAX],
}

impl Connection {
    /// A connection on which nothing has come. `seed` is random, and used for nothing else.
    pub fn new(seed: [u8; 32]) -> Connection {
        let random = Generator::from_seed(seed);
        let mut connection = Connection {
            incoming: Incoming::default(),
            outgoing: Outgoing::new(exchange::OUR_LINE, random),
            client_line: None,
            exchange: Exchange::Idle,
            our_offer: Vec::new(),
            is_strict: false,
            session: None,
            deferred: Vec::new(),
            may_log_in: false,
            tries: 0,
            is_held: false,
            is_in: false,
            channels: [const { None }; CHANNELS_MAX],
        };
        connection.make_offer();
        connection
    }

    /// Whether somebody has logged in.
    pub fn is_in(&self) -> bool {
        self.is_in
    }

    /// Whether there are channels.
    pub fn has_channels(&self) -> bool {
        self.channels.iter().any(Option::is_some)
    }

    /// How many bytes it takes now.
    pub fn room(&self) -> usize {
        self.incoming.room()
    }

    /// Takes bytes that came, no more than [`Connection::room`].
    pub fn receive(&mut self, bytes: &[u8]) {
        self.incoming.push(bytes);
    }

    /// What is to be sent.
    pub fn outgoing(&self) -> &[u8] {
        self.outgoing.waiting()
    }

    /// So many bytes of it were sent.
    pub fn sent(&mut self, len: usize) {
        self.outgoing.sent(len);
    }

    /// Answers a try that was refused.
    pub fn go_on(&mut self) {
        if core::mem::take(&mut self.is_held) {
            self.send(&login::failure());
        }
    }

    /// Asks the client whether it is still there. Whatever comes from it is an answer.
    pub fn ask_alive(&mut self) {
        let question = Writer::message(GLOBAL_REQUEST)
            .string(b"keepalive@openssh.com")
            .boolean(true);
        self.send(&question.done());
    }

    /// Goes on until something happens or nothing more can. `may_enter` says whose keys let in. After an error, what is to be sent
    /// tells the client, and nothing else may follow.
    pub fn step(
        &mut self,
        host_key: &HostKey,
        may_enter: &mut dyn FnMut(&PublicKey) -> bool,
    ) -> Result<Option<Event>, Fault> {
        let stepped = self.try_step(host_key, may_enter);
        if let Err(fault) = stepped
            && fault != Fault::Disconnected
        {
            self.send_disconnect(fault.code(), &fault.to_string());
        }
        stepped
    }

    /// Tells the client that the connection ends, and why.
    pub fn disconnect(&mut self, why: &str) {
        // "By application".
        self.send_disconnect(11, why);
    }

    fn send_disconnect(&mut self, code: u32, why: &str) {
        let message = Writer::message(DISCONNECT)
            .u32(code)
            .string(why.as_bytes())
            .string(b"");
        self.outgoing.send(&message.done());
    }

    fn try_step(
        &mut self,
        host_key: &HostKey,
        may_enter: &mut dyn FnMut(&PublicKey) -> bool,
    ) -> Result<Option<Event>, Fault> {
        while !self.is_held && self.outgoing.waiting().len() < WAITING_MAX {
            if self.client_line.is_none() {
                self.client_line = self.incoming.line()?;
                if self.client_line.is_none() {
                    return Ok(None);
                }
            }
            let Some(message) = self.incoming.next()? else {
                break;
            };
            self.outgoing.check_count()?;
            if let Some(event) = self.message(&message, host_key, may_enter)? {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn message(
        &mut self,
        message: &[u8],
        host_key: &HostKey,
        may_enter: &mut dyn FnMut(&PublicKey) -> bool,
    ) -> Result<Option<Event>, Fault> {
        if let Exchange::Agreed { skip_next, .. } = &mut self.exchange
            && core::mem::take(skip_next)
        {
            return Ok(None);
        }
        let number = message[0];
        let is_first = self.session.is_none() || matches!(self.exchange, Exchange::Answered(_));
        match number {
            exchange::INIT | exchange::NEW_KEYS | exchange::ECDH_INIT => {
                self.exchange_message(message, host_key)?;
                return Ok(None);
            }
            DISCONNECT => return Err(Fault::Disconnected),
            // With the first exchange anything else is a trick, if the client has promised that it does no such thing.
            IGNORE | UNIMPLEMENTED | DEBUG if !(is_first && self.is_strict) => return Ok(None),
            _ if !matches!(self.exchange, Exchange::Idle) => {
                return Err(Fault::OutOfPlace(number));
            }
            _ => {}
        }
        match number {
            login::SERVICE_REQUEST => self.service(message).map(|()| None),
            login::REQUEST if self.is_in => Ok(None),
            login::REQUEST if self.may_log_in => self.log_in(message, may_enter),
            GLOBAL_REQUEST..=channel::FAILURE if self.is_in => self.session_message(message),
            _ if !self.is_in => Err(Fault::OutOfPlace(number)),
            _ => {
                let number = self.incoming.last_number();
                self.send(&Writer::message(UNIMPLEMENTED).u32(number).done());
                Ok(None)
            }
        }
    }

    // The exchange of keys.

    fn make_offer(&mut self) {
        self.our_offer = exchange::offer(self.outgoing.random());
        self.outgoing.send(&self.our_offer);
        self.exchange = Exchange::Offered;
    }

    fn exchange_message(&mut self, message: &[u8], host_key: &HostKey) -> Result<(), Fault> {
        let exchange = core::mem::replace(&mut self.exchange, Exchange::Idle);
        match (message[0], exchange) {
            (exchange::INIT, before @ (Exchange::Idle | Exchange::Offered)) => {
                if matches!(before, Exchange::Idle) {
                    self.make_offer();
                }
                let agreed = exchange::agree(message)?;
                if self.session.is_none() {
                    self.is_strict = agreed.is_strict;
                    // The offer has to be the first that comes.
                    if agreed.is_strict && self.incoming.last_number() != 0 {
                        return Err(Fault::OutOfPlace(exchange::INIT));
                    }
                }
                self.exchange = Exchange::Agreed {
                    offer: message.to_vec(),
                    skip_next: agreed.skip_next,
                };
            }
            (exchange::ECDH_INIT, Exchange::Agreed { offer, .. }) => {
                let secret = self.outgoing.random();
                let said = Said {
                    client_line: self.client_line.as_deref().unwrap_or_default(),
                    client_offer: &offer,
                    our_offer: &self.our_offer,
                    client_share: message,
                };
                let (reply, secret) = exchange::answer(&said, host_key, secret)?;
                let session = *self.session.get_or_insert(secret.hash);
                let (from_client, to_client) = secret.ciphers(&session);
                self.outgoing.send(&reply);
                self.outgoing.send(&[exchange::NEW_KEYS]);
                self.outgoing.change_keys(to_client, self.is_strict);
                self.exchange = Exchange::Answered(from_client);
                for message in core::mem::take(&mut self.deferred) {
                    self.outgoing.send(&message);
                }
            }
            (exchange::NEW_KEYS, Exchange::Answered(from_client)) => {
                self.incoming.change_keys(from_client, self.is_strict);
            }
            (number, _) => return Err(Fault::OutOfPlace(number)),
        }
        Ok(())
    }

    /// Whether other messages than those of the exchange may be sent.
    fn may_send(&self) -> bool {
        matches!(self.exchange, Exchange::Idle | Exchange::Answered(_))
    }

    fn send(&mut self, message: &[u8]) {
        match self.may_send() {
            true => self.outgoing.send(message),
            false => self.deferred.push(message.to_vec()),
        }
    }

    // Logging in.

    fn service(&mut self, message: &[u8]) -> Result<(), Fault> {
        let mut reader = Reader::new(message, "request of a service");
        reader.byte()?;
        let service = reader.string()?;
        reader.finish()?;
        if service != b"ssh-userauth" || self.is_in {
            return Err(Fault::NoCommon("service"));
        }
        self.may_log_in = true;
        let accept = Writer::message(login::SERVICE_ACCEPT).string(service);
        self.send(&accept.done());
        Ok(())
    }

    fn log_in(
        &mut self,
        message: &[u8],
        may_enter: &mut dyn FnMut(&PublicKey) -> bool,
    ) -> Result<Option<Event>, Fault> {
        let session = self.session.ok_or(Fault::OutOfPlace(login::REQUEST))?;
        let (user, request) = login::read(message, &session)?;
        let why = match request {
            login::Request::Methods => {
                self.count_try()?;
                self.send(&login::failure());
                return Ok(None);
            }
            login::Request::MayUse { key, wire } => {
                if may_enter(&key) {
                    self.count_try()?;
                    self.send(&login::key_ok(wire));
                    return Ok(None);
                }
                Refusal::UnknownKey(key)
            }
            login::Request::Proof {
                key,
                signature,
                signed,
            } => {
                if !may_enter(&key) {
                    Refusal::UnknownKey(key)
                } else if !key.has_signed(&signed, signature) {
                    Refusal::WrongSignature(key)
                } else {
                    self.is_in = true;
                    self.send(&[login::SUCCESS]);
                    let user = user.into();
                    return Ok(Some(Event::LoggedIn { user, key }));
                }
            }
            login::Request::Other(method) => Refusal::Method(method.chars().take(40).collect()),
        };
        self.count_try()?;
        self.is_held = true;
        let user = user.into();
        Ok(Some(Event::Refused { user, why }))
    }

    fn count_try(&mut self) -> Result<(), Fault> {
        self.tries += 1;
        match self.tries > TRIES_MAX {
            true => Err(Fault::TooManyTries),
            false => Ok(()),
        }
    }

    // Sessions.

    fn session_message(&mut self, message: &[u8]) -> Result<Option<Event>, Fault> {
        let mut reader = Reader::new(message, "message of a session");
        let number = reader.byte()?;
        match number {
            GLOBAL_REQUEST => {
                reader.string()?;
                if reader.boolean()? {
                    self.send(&[REQUEST_FAILURE]);
                }
                return Ok(None);
            }
            REQUEST_SUCCESS | REQUEST_FAILURE => return Ok(None),
            channel::OPEN => return self.open(&mut reader),
            channel::WINDOW_ADJUST..=channel::FAILURE => {}
            _ => return Err(Fault::OutOfPlace(number)),
        }
        let at = reader.u32()? as usize;
        let channel = self
            .channels
            .get_mut(at)
            .and_then(Option::as_mut)
            .ok_or(Fault::Malformed("number of a channel"))?;
        match number {
            channel::WINDOW_ADJUST => {
                channel.window = channel.window.saturating_add(reader.u32()?);
            }
            channel::DATA => {
                let bytes = reader.string()?;
                channel.received(bytes.len())?;
                if channel.has_ended {
                    return Err(Fault::OutOfPlace(number));
                }
                if !bytes.is_empty() {
                    let bytes = bytes.to_vec();
                    return Ok(Some(Event::Data { channel: at, bytes }));
                }
            }
            channel::EXTENDED_DATA => {
                reader.u32()?;
                let bytes = reader.string()?;
                channel.received(bytes.len())?;
                // A client has none to send.
                self.took(at, bytes.len());
            }
            channel::EOF if !channel.has_ended => {
                channel.has_ended = true;
                return Ok(Some(Event::Ended(at)));
            }
            channel::CLOSE => {
                let close_sent = channel.close_sent;
                let answer = channel.message(channel::CLOSE).done();
                self.channels[at] = None;
                if !close_sent {
                    self.send(&answer);
                }
                return Ok(Some(Event::Closed(at)));
            }
            channel::REQUEST => {
                let (request, wants_answer) = channel::read_request(&mut reader)?;
                let event = request_event(channel, at, request);
                if wants_answer {
                    let answer = match event {
                        Some(_) => channel::SUCCESS,
                        None => channel::FAILURE,
                    };
                    let answer = channel.message(answer).done();
                    self.send(&answer);
                }
                return Ok(event);
            }
            _ => {}
        }
        Ok(None)
    }

    fn open(&mut self, reader: &mut Reader<'_>) -> Result<Option<Event>, Fault> {
        let kind = reader.string()?;
        let theirs = reader.u32()?;
        let window = reader.u32()?;
        let piece_max = reader.u32()?;
        let free = self.channels.iter().position(Option::is_none);
        let (Some(at), b"session") = (free, kind) else {
            let (code, why) = match kind {
                b"session" => (RESOURCE_SHORTAGE, "too many sessions on one connection"),
                _ => (UNKNOWN_CHANNEL_TYPE, "only sessions can be opened"),
            };
            let failure = Writer::message(channel::OPEN_FAILURE)
                .u32(theirs)
                .u32(code)
                .string(why.as_bytes())
                .string(b"");
            self.send(&failure.done());
            return Ok(None);
        };
        let channel = Channel {
            theirs,
            window,
            piece_max,
            granted: WINDOW,
            taken: 0,
            has_started: false,
            has_terminal: false,
            has_ended: false,
            close_sent: false,
        };
        let confirmation = channel
            .message(channel::OPEN_CONFIRMATION)
            .u32(at as u32)
            .u32(WINDOW)
            .u32(channel::DATA_MAX);
        self.channels[at] = Some(channel);
        self.send(&confirmation.done());
        Ok(Some(Event::Opened(at)))
    }

    fn channel(&mut self, at: usize) -> Option<&mut Channel> {
        self.channels.get_mut(at)?.as_mut()
    }

    /// So many bytes of a channel's input were taken: the client may send as many more.
    pub fn took(&mut self, channel: usize, len: usize) {
        if let Some(channel) = self.channel(channel)
            && let Some(message) = channel.took(len)
        {
            self.send(&message);
        }
    }

    /// How many bytes of output a channel takes now.
    pub fn output_room(&self, channel: usize) -> usize {
        let Some(Some(channel)) = self.channels.get(channel) else {
            return 0;
        };
        if !self.may_send() || channel.close_sent {
            return 0;
        }
        let waiting = self.outgoing.waiting().len();
        (channel.window as usize).min(WAITING_MAX.saturating_sub(waiting))
    }

    /// Sends output, as much as there is room for: how many bytes.
    pub fn output(&mut self, channel: usize, output: Output, bytes: &[u8]) -> usize {
        let len = self.output_room(channel).min(bytes.len());
        let Some(channel) = self.channels.get_mut(channel).and_then(Option::as_mut) else {
            return 0;
        };
        let piece_max = PIECE_MAX.min(channel.piece_max as usize);
        if piece_max == 0 {
            return 0;
        }
        channel.window -= len as u32;
        for piece in bytes[..len].chunks(piece_max) {
            let message = match output {
                Output::Out => channel.message(channel::DATA),
                // The one kind that there is.
                Output::Errors => channel.message(channel::EXTENDED_DATA).u32(1),
            };
            self.outgoing.send(&message.string(piece).done());
        }
        len
    }

    /// The session on this channel has ended with this status, and all its output was sent.
    pub fn finish(&mut self, channel: usize, status: u32) {
        let Some(channel) = self.channel(channel) else {
            return;
        };
        if core::mem::replace(&mut channel.close_sent, true) {
            return;
        }
        let status = channel.request(b"exit-status").u32(status).done();
        let eof = channel.message(channel::EOF).done();
        let close = channel.message(channel::CLOSE).done();
        for message in [status, eof, close] {
            self.send(&message);
        }
    }
}

/// What a request comes to; None if it is refused.
fn request_event(channel: &mut Channel, at: usize, request: Request) -> Option<Event> {
    let size = |len: u32| if len > SIZE_MAX { 0 } else { len as u16 };
    let is_new = !channel.has_started;
    match request {
        Request::Terminal {
            kind,
            columns,
            rows,
        } if is_new && !channel.has_terminal => {
            channel.has_terminal = true;
            Some(Event::Terminal {
                channel: at,
                kind: kind.chars().take(32).collect(),
                columns: size(columns),
                rows: size(rows),
            })
        }
        Request::Resized { columns, rows } if channel.has_terminal => Some(Event::Resized {
            channel: at,
            columns: size(columns),
            rows: size(rows),
        }),
        Request::Shell if is_new => {
            channel.has_started = true;
            Some(Event::Shell(at))
        }
        Request::Command(command) if is_new => {
            channel.has_started = true;
            let channel = at;
            Some(Event::Command { channel, command })
        }
        Request::Signal(name) if channel.has_started => {
            let name = name.chars().take(16).collect();
            Some(Event::Signal { channel: at, name })
        }
        _ => None,
    }
}
