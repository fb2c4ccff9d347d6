//! One connection, from its acceptance to its end.

use alloc::string::String;
use alloc::vec::Vec;
use core::net::SocketAddrV4;

use ftl::prelude::*;
use interfaces::tcp::TcpStream;
use ssh::{Connection, Event, Fault, HostKey, PublicKey, Refusal};

use crate::crowd::Stranger;
use crate::keys::Keys;
use crate::patience::Patience;
use crate::session::Session;
use crate::spec::{EventLoop, launcher};
use crate::{Place, Source};

/// How long logging in may take, whatever comes meanwhile. What refusals take is part of it.
const LOGIN_TIME: Duration = Duration::from_secs(30);
/// How long nothing may come before the client is asked whether it is there, and how often it may not answer.
const SILENCE: Duration = Duration::from_secs(30);
const SILENCES_MAX: u32 = 3;
/// How long the client has to take the last words.
const FAREWELL: Duration = Duration::from_secs(2);
/// Bytes that are taken in at once.
const PIECE: usize = 2048;
/// Pieces that are taken in before others have their turn.
const ROUNDS_MAX: u32 = 64;

/// What visitors have in common.
pub struct House {
    pub host_key: HostKey,
    pub keys: Keys,
    pub patience: Patience,
    pub launcher: launcher::Client,
    pub shell: String,
    /// For the numbers of sessions.
    pub next_session: u32,
}

/// How a connection stands.
#[derive(Debug, PartialEq)]
enum State {
    /// It waits to begin, or to hear that it was refused.
    Waits(Instant),
    Open,
    /// Nothing more is read: the last words are on their way.
    Farewell(Instant),
    Over,
}

/// See the [module](self).
pub struct Visitor {
    id: u32,
    pub stream: TcpStream,
    remote: SocketAddrV4,
    connection: Connection,
    sessions: Vec<Session>,
    state: State,
    /// Something has come.
    has_spoken: bool,
    /// The client's side of the network sends nothing more than what is there.
    has_ended: bool,
    /// Until when somebody must have logged in; after that, when to ask whether they are there.
    deadline: Instant,
    silences: u32,
    has_finished: bool,
    /// There is more to be done, after the others' turn.
    is_hurried: bool,
}

impl Visitor {
    /// Somebody who has just come. `seed` is random.
    pub fn new(
        id: u32,
        stream: TcpStream,
        remote: SocketAddrV4,
        seed: [u8; 32],
        wait: Duration,
    ) -> Visitor {
        let now = Instant::now();
        Visitor {
            id,
            stream,
            remote,
            connection: Connection::new(seed),
            sessions: Vec::new(),
            state: match wait {
                Duration::ZERO => State::Open,
                wait => State::Waits(now + wait),
            },
            has_spoken: false,
            has_ended: false,
            deadline: now + LOGIN_TIME + wait,
            silences: 0,
            has_finished: false,
            is_hurried: false,
        }
    }

    /// Whether somebody has logged in.
    pub fn is_in(&self) -> bool {
        self.connection.is_in()
    }

    /// Who this is, unless somebody has logged in.
    pub fn stranger(&self) -> Option<Stranger> {
        (!self.is_in()).then(|| Stranger {
            id: self.id,
            address: *self.remote.ip(),
            is_silent: self.state == State::Open && !self.has_spoken,
        })
    }

    /// Whether there is nothing more to be done.
    pub fn is_over(&self) -> bool {
        self.state == State::Over
    }

    /// The client sends nothing more than what is there.
    pub fn ended(&mut self) {
        self.has_ended = true;
    }

    /// The connection is no more.
    pub fn gone(&mut self) {
        self.state = State::Over;
    }

    /// When something is due.
    pub fn due(&self) -> Instant {
        match self.state {
            _ if self.is_hurried => Instant::default(),
            State::Waits(until) => until.min(self.deadline),
            State::Farewell(until) => until,
            _ => self.deadline,
        }
    }

    /// One of the sessions.
    pub fn session(&mut self, place: Place) -> Option<&mut Session> {
        let mut sessions = self.sessions.iter_mut();
        sessions.find(|session| session.place == place)
    }

    /// All sessions.
    pub fn sessions(&self) -> &[Session] {
        &self.sessions
    }

    /// Sees to what is due.
    fn expire(&mut self, now: Instant) {
        match self.state {
            State::Waits(until) if now >= until => {
                self.state = State::Open;
                self.connection.go_on();
            }
            State::Farewell(until) if now >= until => self.state = State::Over,
            _ => {}
        }
        if now < self.deadline || matches!(self.state, State::Farewell(_) | State::Over) {
            return;
        }
        if !self.is_in() {
            debug!("{} has not logged in in time", self.remote);
            return self.leave("too slow", now);
        }
        self.silences += 1;
        if self.silences > SILENCES_MAX {
            info!("{} does not answer any more", self.remote);
            return self.leave("no answer", now);
        }
        self.connection.ask_alive();
        self.deadline = now + SILENCE;
    }

    fn leave(&mut self, why: &str, now: Instant) {
        self.connection.disconnect(why);
        self.state = State::Farewell(now + FAREWELL);
    }

    /// Goes on with everything that can go on.
    pub fn pump(&mut self, house: &mut House, events: &mut EventLoop<Source>) -> Result<()> {
        let now = Instant::now();
        self.expire(now);
        self.is_hurried = false;
        for round in 0.. {
            if self.state != State::Open {
                break;
            }
            if round == ROUNDS_MAX {
                self.is_hurried = true;
                break;
            }
            let has_read = self.read(now);
            self.step(house, events, now)?;
            for session in &mut self.sessions {
                session.pump(&mut self.connection, events);
            }
            if !self.write() && !has_read {
                break;
            }
        }
        self.write();
        if matches!(self.state, State::Farewell(_))
            && self.connection.outgoing().is_empty()
            && !core::mem::replace(&mut self.has_finished, true)
        {
            // If that fails, the connection is gone, which is heard of.
            let _ = self.stream.shutdown_write();
        }
        if matches!(self.state, State::Farewell(_) | State::Over) {
            self.close_sessions(events);
        }
        Ok(())
    }

    /// Takes in a piece of what came. Answers whether there was any.
    fn read(&mut self, now: Instant) -> bool {
        let mut piece = [0; PIECE];
        let room = self.connection.room().min(PIECE);
        if room == 0 {
            return false;
        }
        match self.stream.read(&mut piece[..room]) {
            Ok(0) => {
                if self.has_ended {
                    self.state = State::Over;
                }
                false
            }
            Ok(len) => {
                self.connection.receive(&piece[..len]);
                self.has_spoken = true;
                if self.is_in() {
                    self.silences = 0;
                    self.deadline = now + SILENCE;
                }
                true
            }
            Err(error) => {
                debug!("let go of {}: {error}", self.remote);
                self.state = State::Over;
                false
            }
        }
    }

    /// Sends what is to be sent. Answers whether anything was.
    fn write(&mut self) -> bool {
        if self.state == State::Over || self.connection.outgoing().is_empty() {
            return false;
        }
        match self.stream.write(self.connection.outgoing()) {
            Ok(sent) => {
                self.connection.sent(sent);
                sent > 0
            }
            Err(_) => {
                self.state = State::Over;
                false
            }
        }
    }

    /// Lets the protocol go on.
    fn step(
        &mut self,
        house: &mut House,
        events: &mut EventLoop<Source>,
        now: Instant,
    ) -> Result<()> {
        while self.state == State::Open {
            let keys = &mut house.keys;
            let mut may_enter = |key: &PublicKey| keys.may_enter(key);
            match self.connection.step(&house.host_key, &mut may_enter) {
                Ok(None) => return Ok(()),
                Ok(Some(event)) => self.happened(event, house, events, now)?,
                Err(fault) => self.failed(fault, house, now),
            }
        }
        Ok(())
    }

    fn failed(&mut self, fault: Fault, house: &mut House, now: Instant) {
        if fault == Fault::Disconnected {
            self.state = State::Over;
            return;
        }
        let wait = match self.is_in() {
            true => Duration::ZERO,
            // Whoever comes again at once with the like of it waits.
            false => house.patience.refused(*self.remote.ip(), now),
        };
        debug!("ends {} after {wait:?}: {fault}", self.remote);
        if let Some(unsaid) = house.patience.may_log(now) {
            tell_unsaid(unsaid);
            warn!("ended the connection of {}: {fault}", self.remote);
        }
        self.state = State::Farewell(now + FAREWELL);
    }

    fn happened(
        &mut self,
        event: Event,
        house: &mut House,
        events: &mut EventLoop<Source>,
        now: Instant,
    ) -> Result<()> {
        match event {
            Event::Refused { user, why } => {
                let wait = house.patience.refused(*self.remote.ip(), now);
                if let Some(unsaid) = house.patience.may_log(now) {
                    tell_unsaid(unsaid);
                    // The names are theirs: shown so that they cannot look like something else.
                    match why {
                        Refusal::UnknownKey(key) => {
                            warn!(
                                "refused {user:?} from {}: the key {key} is not known",
                                self.remote
                            );
                        }
                        Refusal::WrongSignature(key) => {
                            warn!(
                                "refused {user:?} from {}: the signature is not of the key {key}",
                                self.remote
                            );
                        }
                        Refusal::Method(method) => {
                            warn!(
                                "refused {user:?} from {}: no log-in by {method:?}",
                                self.remote
                            );
                        }
                    }
                }
                self.state = State::Waits(now + wait);
            }
            Event::LoggedIn { user, key } => {
                info!("{user:?} from {} is in with the key {key}", self.remote);
                house.patience.welcome(*self.remote.ip());
                self.deadline = now + SILENCE;
            }
            Event::Opened(channel) => {
                let (visitor, session) = (self.id, house.next_session);
                house.next_session = session.wrapping_add(1);
                let place = Place { visitor, session };
                self.sessions.push(Session::new(place, channel));
            }
            Event::Terminal {
                channel,
                kind,
                columns,
                rows,
            } => self.on(channel, |session| {
                session.give_terminal(kind, columns, rows)
            }),
            Event::Resized {
                channel,
                columns,
                rows,
            } => self.on(channel, |session| session.resize(columns, rows)),
            Event::Shell(channel) => self.start(channel, None, house, events)?,
            Event::Command { channel, command } => {
                self.start(channel, Some(&command), house, events)?;
            }
            Event::Data { channel, bytes } => self.on(channel, |session| session.input(&bytes)),
            Event::Ended(channel) => self.on(channel, Session::end_input),
            Event::Signal { channel, name } => self.on(channel, |session| session.signal(&name)),
            Event::Closed(channel) => {
                let mut sessions = self.sessions.iter();
                if let Some(at) = sessions.position(|session| session.channel == channel) {
                    self.sessions.swap_remove(at).close(events);
                }
            }
        }
        Ok(())
    }

    fn on(&mut self, channel: usize, then: impl FnOnce(&mut Session)) {
        let mut sessions = self.sessions.iter_mut();
        if let Some(session) = sessions.find(|session| session.channel == channel) {
            then(session);
        }
    }

    fn start(
        &mut self,
        channel: usize,
        command: Option<&str>,
        house: &mut House,
        events: &mut EventLoop<Source>,
    ) -> Result<()> {
        let mut sessions = self.sessions.iter_mut();
        match sessions.find(|session| session.channel == channel) {
            Some(session) => session.start(&house.shell, command, &mut house.launcher, events),
            None => Ok(()),
        }
    }

    /// Ends all sessions, and what runs there.
    pub fn close_sessions(&mut self, events: &mut EventLoop<Source>) {
        for session in self.sessions.drain(..) {
            session.close(events);
        }
    }
}

impl Drop for Visitor {
    fn drop(&mut self) {
        if self.is_in() {
            info!("{} has left", self.remote);
        }
    }
}

fn tell_unsaid(unsaid: u32) {
    if unsaid > 0 {
        warn!("{unsaid} more were refused meanwhile");
    }
}
