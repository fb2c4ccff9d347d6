// Generated from interfaces/trial.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! How a test tells a component what to try. Only components of components/tests provide it: `hostile`
//! makes attacks, `buggy` makes mistakes.
#![allow(

    clippy::too_many_arguments,
    clippy::identity_op,
    clippy::needless_lifetimes,
    clippy::useless_conversion
)]
/// The version of this interface. Both sides of a channel must have been built from the same.
pub const HASH: u64 = 0x1557cd19625ec7cf;

/// What a hostile component tries.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum Attack {
    /// Reads where it may not, at address number `seed`.
    Read = 0,
    /// Writes where it may not, at address number `seed`.
    Write = 1,
    /// Jumps to where it may not, to address number `seed`.
    Jump = 2,
    /// Reads at address `seed`.
    ReadAt = 3,
    /// Writes at address `seed`.
    WriteAt = 4,
    /// Jumps to address `seed`.
    JumpAt = 5,
    /// Writes over its own code.
    WriteCode = 6,
    /// Runs data of its own.
    RunData = 7,
    /// Goes on somewhere in its own code.
    RunAnywhere = 8,
    /// Waits `count` times and looks at what others left in the CPU's registers. The answer is how many were not as they should be.
    Registers = 9,
    /// Makes `count` system calls with arguments at random and at the edges. The answer is how many.
    Storm = 10,
    /// Uses `count` handles that it made up. The answer is how many were taken.
    Forge = 11,
    /// Uses `count` handles that it has closed. The answer is how many were taken.
    Stale = 12,
    /// Uses handles without the right. The answer is how many calls were let through.
    Rights = 13,
    /// Sends channels through themselves and through each other in rings.
    Circles = 14,
    /// Fills the queues of as many channels as it may have. The answer is how many messages fitted.
    Fill = 15,
    /// Maps one page `count` times. The answer is how often it could.
    Map = 16,
    /// Unmaps memory while its threads on other CPUs read it. One that still can afterwards ends it with status 66.
    Unmapped = 17,
    /// Makes folios until it may not, absurd ones among them. The answer is how many.
    Hoard = 18,
    /// Starts as many threads as it may, each of which spins. The answer is how many.
    Threads = 19,
    /// Tries to make processes without the right. The answer is how many there were.
    Processes = 20,
    /// Overflows its stack by recursion.
    Overflow = 21,
    /// Overflows its stack by one frame of 200 KiB.
    Leap = 22,
    /// Loops for ever.
    Spin = 23,
    /// Waits for ever.
    Sleep = 24,
    /// Ends in the middle of the call.
    Exit = 25,
    /// Ends with the status of one that was killed, which its policy would not count.
    Feign = 26,
    /// Sends nonsense to everybody that it has a channel to.
    Babble = 27,
}

impl ::ftl::wire::Wire<'_> for Attack {
    #[inline(always)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.u32(self as u32)
    }

    #[inline(always)]
    fn decode(reader: &mut ::ftl::wire::Reader<'_>) -> ::ftl::Result<Self> {
        match reader.u32()? {
            0 => Ok(Attack::Read),
            1 => Ok(Attack::Write),
            2 => Ok(Attack::Jump),
            3 => Ok(Attack::ReadAt),
            4 => Ok(Attack::WriteAt),
            5 => Ok(Attack::JumpAt),
            6 => Ok(Attack::WriteCode),
            7 => Ok(Attack::RunData),
            8 => Ok(Attack::RunAnywhere),
            9 => Ok(Attack::Registers),
            10 => Ok(Attack::Storm),
            11 => Ok(Attack::Forge),
            12 => Ok(Attack::Stale),
            13 => Ok(Attack::Rights),
            14 => Ok(Attack::Circles),
            15 => Ok(Attack::Fill),
            16 => Ok(Attack::Map),
            17 => Ok(Attack::Unmapped),
            18 => Ok(Attack::Hoard),
            19 => Ok(Attack::Threads),
            20 => Ok(Attack::Processes),
            21 => Ok(Attack::Overflow),
            22 => Ok(Attack::Leap),
            23 => Ok(Attack::Spin),
            24 => Ok(Attack::Sleep),
            25 => Ok(Attack::Exit),
            26 => Ok(Attack::Feign),
            27 => Ok(Attack::Babble),
            _ => Err(::ftl::Error::Malformed),
        }
    }
}

/// What a buggy component does wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum Bug {
    /// Panics.
    Panic = 0,
    /// Reads beyond the end of a slice.
    Index = 1,
    /// Divides by zero.
    Divide = 2,
    /// Reads through a null pointer.
    ReadNull = 3,
    /// Writes through a null pointer.
    WriteNull = 4,
    /// Reads at `address` through a pointer that it made up.
    ReadWild = 5,
    /// Recurses without end.
    Overflow = 6,
    /// Takes a stack frame of 200 KiB.
    Leap = 7,
    /// Loops for ever.
    Spin = 8,
    /// Waits for ever.
    Sleep = 9,
    /// Asks for more heap than there is.
    Exhaust = 10,
    /// Drops a request without an answer.
    Forget = 11,
    /// Ends by itself in the middle of a call.
    Leave = 12,
}

impl ::ftl::wire::Wire<'_> for Bug {
    #[inline(always)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.u32(self as u32)
    }

    #[inline(always)]
    fn decode(reader: &mut ::ftl::wire::Reader<'_>) -> ::ftl::Result<Self> {
        match reader.u32()? {
            0 => Ok(Bug::Panic),
            1 => Ok(Bug::Index),
            2 => Ok(Bug::Divide),
            3 => Ok(Bug::ReadNull),
            4 => Ok(Bug::WriteNull),
            5 => Ok(Bug::ReadWild),
            6 => Ok(Bug::Overflow),
            7 => Ok(Bug::Leap),
            8 => Ok(Bug::Spin),
            9 => Ok(Bug::Sleep),
            10 => Ok(Bug::Exhaust),
            11 => Ok(Bug::Forget),
            12 => Ok(Bug::Leave),
            _ => Err(::ftl::Error::Malformed),
        }
    }
}

/// Messages that wait in each direction of such a channel.
pub const QUEUE_LEN: usize = 16;

/// Bytes of the largest message on such a channel.
pub const BODY_LEN_MAX: usize = 20;

const ATTACK: u32 = 0xabcbd3c7;
const MAKE: u32 = 0xd1c0d16d;

/// The clients of a component that provides this interface.
pub type Provider = ::ftl::Provider<Server>;

/// Both ends of a new channel: the `client`'s and the `server`'s.
pub fn channel() -> ::ftl::Result<(Client, Server)> {
    let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
    Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
}

/// What the call `attack` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct AttackRequest {
    /// Attack.
    pub attack: Attack,
    /// For choices at random.
    pub seed: u64,
    /// How often, where that makes sense.
    pub count: u32,
}

/// Answers the call `attack`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct AttackReplier(::ftl::reply::Replier);

impl AttackReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, done: u64) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u64(done)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `make` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct MakeRequest {
    /// Bug.
    pub bug: Bug,
    /// Where `read_wild` reads.
    pub address: u64,
}

/// Answers the call `make`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct MakeReplier(::ftl::reply::Replier);

impl MakeReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self) -> ::ftl::Result<()> {
        let writer = self.0.begin()?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// The `client`'s end of a `trial` channel. Clones are the same end; dropping the last one closes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Client(::ftl::end::End);

impl From<::ftl::end::End> for Client {
    fn from(end: ::ftl::end::End) -> Client {
        Client(end)
    }
}

impl From<::ftl::handle::OwnedHandle> for Client {
    fn from(handle: ::ftl::handle::OwnedHandle) -> Client {
        Client(::ftl::end::End::new(handle.into()))
    }
}

impl From<Client> for ::ftl::handle::OwnedHandle {
    fn from(end: Client) -> ::ftl::handle::OwnedHandle {
        end.0.into()
    }
}

impl ::ftl::handle::Object for Client {
    const KIND: ::ftl::abi::ObjectKind = <::ftl::handle::Channel as ::ftl::handle::Object>::KIND;
    const RIGHTS: ::ftl::abi::Rights = <::ftl::handle::Channel as ::ftl::handle::Object>::RIGHTS;
}

impl ::ftl::event_loop::TypedEnd for Client {
    fn end(&self) -> &::ftl::end::End {
        &self.0
    }
}

impl<M: ::ftl::event_loop::Hears<Client>> ::ftl::event_loop::Attach<M> for &Client {
    fn port(self) -> ::ftl::event_loop::Port {
        ::ftl::event_loop::Port::channel(self.0.clone(), M::TAG)
    }
}

impl Client {
    /// Makes an attack. Some end the component, and then there is no answer.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn attack_start(
        &self,
        attack: Attack,
        seed: u64,
        count: u32,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        ::ftl::wire::Wire::encode(attack, &mut writer)?;
        writer.u64(seed)?;
        writer.u32(count)?;
        self.0.start(ATTACK, writer)
    }

    /// Makes a mistake. Most end the component, and then there is no answer.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn make_start(
        &self,
        bug: Bug,
        address: u64,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        ::ftl::wire::Wire::encode(bug, &mut writer)?;
        writer.u64(address)?;
        self.0.start(MAKE, writer)
    }
}

/// The calls of [`Client`] as functions that wait for their answer. Imported by `spec` unless the
/// component's file says `blocking: false`.
pub trait Blocking {
    /// Makes an attack. Some end the component, and then there is no answer.
    fn attack(
        &mut self,
        attack: Attack,
        seed: u64,
        count: u32,
    ) -> ::core::result::Result<u64, ::ftl::Error>;

    /// Makes a mistake. Most end the component, and then there is no answer.
    fn make(
        &mut self,
        bug: Bug,
        address: u64,
    ) -> ::core::result::Result<(), ::ftl::Error>;
}

impl Blocking for Client {
    #[inline]
    fn attack(
        &mut self,
        attack: Attack,
        seed: u64,
        count: u32,
    ) -> ::core::result::Result<u64, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        ::ftl::wire::Wire::encode(attack, &mut writer)?;
        writer.u64(seed)?;
        writer.u32(count)?;
        let incoming = self.0.call(ATTACK, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(16)?;
                Ok(reader.u64()?)
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn make(
        &mut self,
        bug: Bug,
        address: u64,
    ) -> ::core::result::Result<(), ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        ::ftl::wire::Wire::encode(bug, &mut writer)?;
        writer.u64(address)?;
        let incoming = self.0.call(MAKE, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }
}

/// What arrives at a [`Client`].
#[derive(Debug)]
pub enum ToClient {
    /// The answer to [`Client::attack_start`].
    Attack(::ftl::Transaction, ::core::result::Result<u64, ::ftl::Error>),
    /// The answer to [`Client::make_start`].
    Make(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
}

impl ToClient {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            ATTACK if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(16)?;
                        Ok(reader.u64()?)
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Attack(transaction, result))
            }
            MAKE if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Make(transaction, result))
            }
            _ => Err(incoming.refuse()),
        }
    }

    /// What tells that a call ended because the other side is gone.
    pub fn ended(
        ordinal: u32,
        transaction: ::ftl::Transaction,
        error: ::ftl::Error,
    ) -> Option<Self> {
        match ordinal {
            ATTACK => Some(ToClient::Attack(transaction, Err(error))),
            MAKE => Some(ToClient::Make(transaction, Err(error))),
            _ => None,
        }
    }
}

/// The `server`'s end of a `trial` channel. Clones are the same end; dropping the last one closes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Server(::ftl::end::End);

impl From<::ftl::end::End> for Server {
    fn from(end: ::ftl::end::End) -> Server {
        Server(end)
    }
}

impl From<::ftl::handle::OwnedHandle> for Server {
    fn from(handle: ::ftl::handle::OwnedHandle) -> Server {
        Server(::ftl::end::End::new(handle.into()))
    }
}

impl From<Server> for ::ftl::handle::OwnedHandle {
    fn from(end: Server) -> ::ftl::handle::OwnedHandle {
        end.0.into()
    }
}

impl ::ftl::handle::Object for Server {
    const KIND: ::ftl::abi::ObjectKind = <::ftl::handle::Channel as ::ftl::handle::Object>::KIND;
    const RIGHTS: ::ftl::abi::Rights = <::ftl::handle::Channel as ::ftl::handle::Object>::RIGHTS;
}

impl ::ftl::event_loop::TypedEnd for Server {
    fn end(&self) -> &::ftl::end::End {
        &self.0
    }
}

impl<M: ::ftl::event_loop::Hears<Server>> ::ftl::event_loop::Attach<M> for &Server {
    fn port(self) -> ::ftl::event_loop::Port {
        ::ftl::event_loop::Port::channel(self.0.clone(), M::TAG)
    }
}

/// What arrives at a [`Server`].
#[derive(Debug)]
pub enum ToServer {
    /// Makes an attack. Some end the component, and then there is no answer.
    Attack(AttackRequest, AttackReplier),
    /// Makes a mistake. Most end the component, and then there is no answer.
    Make(MakeRequest, MakeReplier),
}

impl ToServer {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            ATTACK if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(20)?;
                let request = AttackRequest {
                    attack: ::ftl::wire::Wire::decode(reader.by_ref())?,
                    seed: reader.u64()?,
                    count: reader.u32()?,
                };
                reader.finish()?;
                Ok(ToServer::Attack(request, AttackReplier(asked.into())))
            }
            MAKE if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(16)?;
                let request = MakeRequest {
                    bug: ::ftl::wire::Wire::decode(reader.by_ref())?,
                    address: reader.u64()?,
                };
                reader.finish()?;
                Ok(ToServer::Make(request, MakeReplier(asked.into())))
            }
            _ => Err(incoming.refuse()),
        }
    }

    /// What tells that a call ended because the other side is gone.
    pub fn ended(
        ordinal: u32,
        transaction: ::ftl::Transaction,
        error: ::ftl::Error,
    ) -> Option<Self> {
        let _ = (ordinal, transaction, error);
        None
    }
}
