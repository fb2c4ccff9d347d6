// Generated from interfaces/launcher.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! Starting commands. Init provides it, to components whose file says that they need it; the crate
//! `ftl` has it as `ftl::process::Command`.
//!
//! Arguments and environment travel as words: see `ftl::process::words`. What does not fit into the
//! message goes into a folio before.
#![allow(

    clippy::too_many_arguments,
    clippy::identity_op,
    clippy::needless_lifetimes,
    clippy::useless_conversion
)]
/// The version of this interface. Both sides of a channel must have been built from the same.
pub const HASH: u64 = 0x28e5494b4498db0a;

/// What a command does in the directory that whoever starts it may give it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum Directory {
    /// Nothing: it gets none.
    None = 0,
    /// It looks and reads.
    Read = 1,
    /// It changes what is there as well.
    Write = 2,
}

impl ::ftl::wire::Wire<'_> for Directory {
    #[inline(always)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.u32(self as u32)
    }

    #[inline(always)]
    fn decode(reader: &mut ::ftl::wire::Reader<'_>) -> ::ftl::Result<Self> {
        match reader.u32()? {
            0 => Ok(Directory::None),
            1 => Ok(Directory::Read),
            2 => Ok(Directory::Write),
            _ => Err(::ftl::Error::Malformed),
        }
    }
}

/// How a command is kept apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum Isolation {
    /// In the kernel's address space.
    Kernel = 0,
    /// In its own address space.
    User = 1,
}

impl ::ftl::wire::Wire<'_> for Isolation {
    #[inline(always)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.u32(self as u32)
    }

    #[inline(always)]
    fn decode(reader: &mut ::ftl::wire::Reader<'_>) -> ::ftl::Result<Self> {
        match reader.u32()? {
            0 => Ok(Isolation::Kernel),
            1 => Ok(Isolation::User),
            _ => Err(::ftl::Error::Malformed),
        }
    }
}

/// What a command's first thread does at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum Activity {
    /// It runs, or would if a CPU were free.
    Running = 0,
    /// It waits for an event, such as bytes or a time.
    Waiting = 1,
    /// It waits for the reply to a call.
    Calling = 2,
}

impl ::ftl::wire::Wire<'_> for Activity {
    #[inline(always)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.u32(self as u32)
    }

    #[inline(always)]
    fn decode(reader: &mut ::ftl::wire::Reader<'_>) -> ::ftl::Result<Self> {
        match reader.u32()? {
            0 => Ok(Activity::Running),
            1 => Ok(Activity::Waiting),
            2 => Ok(Activity::Calling),
            _ => Err(::ftl::Error::Malformed),
        }
    }
}

/// A command that can be started.
#[derive(Clone, Copy, Debug)]
pub struct Command<'a> {
    /// Name.
    pub name: &'a str,
    /// What it does, in a sentence.
    pub doc: &'a str,
    /// What its file asks for.
    pub directory: Directory,
}

impl<'a> ::ftl::wire::Wire<'a> for Command<'a> {
    #[inline]
    #[allow(unused_variables)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.str(self.name, 32)?;
        writer.str(self.doc, 160)?;
        ::ftl::wire::Wire::encode(self.directory, writer)?;
        Ok(())
    }

    #[inline]
    #[allow(unused_variables)]
    fn decode(reader: &mut ::ftl::wire::Reader<'a>) -> ::ftl::Result<Self> {
        Ok(Command {
            name: reader.str(32)?,
            doc: reader.str(160)?,
            directory: ::ftl::wire::Wire::decode(reader.by_ref())?,
        })
    }
}

/// A command that runs.
#[derive(Clone, Copy, Debug)]
pub struct Job<'a> {
    /// Number.
    pub number: u32,
    /// Name.
    pub name: &'a str,
    /// Pages of 4 KiB that it is charged for.
    pub memory_pages: u32,
    /// Handles.
    pub handles: u32,
    /// When it was started, in nanoseconds since boot.
    pub started_ns: u64,
    /// Time on a CPU, in nanoseconds.
    pub cpu_ns: u64,
    /// Messages sent.
    pub messages_sent: u64,
    /// Isolation.
    pub isolation: Isolation,
    /// Activity.
    pub activity: Activity,
    /// Who owes it the reply that it waits for; empty if it waits for none.
    pub calls: &'a str,
}

impl<'a> ::ftl::wire::Wire<'a> for Job<'a> {
    #[inline]
    #[allow(unused_variables)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.u32(self.number)?;
        writer.str(self.name, 32)?;
        writer.u32(self.memory_pages)?;
        writer.u32(self.handles)?;
        writer.u64(self.started_ns)?;
        writer.u64(self.cpu_ns)?;
        writer.u64(self.messages_sent)?;
        ::ftl::wire::Wire::encode(self.isolation, writer)?;
        ::ftl::wire::Wire::encode(self.activity, writer)?;
        writer.str(self.calls, 32)?;
        Ok(())
    }

    #[inline]
    #[allow(unused_variables)]
    fn decode(reader: &mut ::ftl::wire::Reader<'a>) -> ::ftl::Result<Self> {
        Ok(Job {
            number: reader.u32()?,
            name: reader.str(32)?,
            memory_pages: reader.u32()?,
            handles: reader.u32()?,
            started_ns: reader.u64()?,
            cpu_ns: reader.u64()?,
            messages_sent: reader.u64()?,
            isolation: ::ftl::wire::Wire::decode(reader.by_ref())?,
            activity: ::ftl::wire::Wire::decode(reader.by_ref())?,
            calls: reader.str(32)?,
        })
    }
}

/// Messages that wait in each direction of such a channel.
pub const QUEUE_LEN: usize = 4;

/// Bytes of the largest message on such a channel.
pub const BODY_LEN_MAX: usize = 1984;

const COMMANDS: u32 = 0x128d9d5a;
const JOBS: u32 = 0x68fd6203;
const LONG_WORDS: u32 = 0x1bb81061;
const DIRECTORY: u32 = 0xc3855543;
const MOUNT: u32 = 0xe01a5ee8;
const START: u32 = 0xabf0b2b2;

/// The clients of a component that provides this interface.
pub type Provider = ::ftl::Provider<Server>;

/// Both ends of a new channel: the `client`'s and the `server`'s.
pub fn channel() -> ::ftl::Result<(Client, Server)> {
    let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
    Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
}

/// What the call `commands` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct CommandsRequest {
    /// How many to pass over.
    pub first: u16,
}

/// What the call `commands` answers with.
#[derive(Clone, Copy, Debug)]
pub struct CommandsReply<'a> {
    /// How many there are.
    pub total: u16,
    /// Commands.
    pub commands: ::ftl::wire::List<'a, Command<'a>>,
}

/// Answers the call `commands`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct CommandsReplier(::ftl::reply::Replier);

impl CommandsReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok<'a>(
        self,
        total: u16,
        commands: impl Into<::ftl::wire::List<'a, Command<'a>>>,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u16(total)?;
        writer.list(commands.into(), 8)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `jobs` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct JobsRequest {
    /// How many to pass over.
    pub first: u16,
}

/// What the call `jobs` answers with.
#[derive(Clone, Copy, Debug)]
pub struct JobsReply<'a> {
    /// How many there are.
    pub total: u16,
    /// Jobs.
    pub jobs: ::ftl::wire::List<'a, Job<'a>>,
}

/// Answers the call `jobs`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct JobsReplier(::ftl::reply::Replier);

impl JobsReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok<'a>(
        self,
        total: u16,
        jobs: impl Into<::ftl::wire::List<'a, Job<'a>>>,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u16(total)?;
        writer.list(jobs.into(), 16)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `long_words` is asked with.
#[derive(Debug)]
pub struct LongWordsRequest {
    /// Holds the words at its beginning. Nobody may write it any more.
    pub folio: ::ftl::handle::Folio,
    /// Bytes of the words.
    pub len: u32,
}

/// Answers the call `long_words`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct LongWordsReplier(::ftl::reply::Replier);

impl LongWordsReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, token: u32) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u32(token)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `directory` is asked with.
#[derive(Debug)]
pub struct DirectoryRequest {
    /// The client's end of an `fs`, with no more rights than `commands` says.
    pub directory: ::ftl::handle::Channel,
}

/// Answers the call `directory`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct DirectoryReplier(::ftl::reply::Replier);

impl DirectoryReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, token: u32) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u32(token)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `mount` is asked with.
#[derive(Debug)]
pub struct MountRequest<'a> {
    /// What `directory` answered.
    pub token: u32,
    /// The name, without `/`.
    pub name: &'a str,
    /// The client's end of an `fs`.
    pub directory: ::ftl::handle::Channel,
}

/// Answers the call `mount`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct MountReplier(::ftl::reply::Replier);

impl MountReplier {
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

/// What the call `start` is asked with.
#[derive(Debug)]
pub struct StartRequest<'a> {
    /// Its name.
    pub command: &'a str,
    /// Arguments and environment, unless `token` says where they are.
    pub words: &'a [u8],
    /// What `long_words` answered, or 0.
    pub token: u32,
    /// What `directory` answered, or 0.
    pub directory: u32,
    /// The receiver's end of a stream.
    pub stdin: Option<::ftl::handle::Channel>,
    /// The sender's end of a stream.
    pub stdout: Option<::ftl::handle::Channel>,
    /// The sender's end of a stream.
    pub stderr: Option<::ftl::handle::Channel>,
    /// The client's end of a `terminal`, for commands whose file asks for one.
    pub terminal: Option<::ftl::handle::Channel>,
}

/// What the call `start` answers with.
#[derive(Debug)]
pub struct StartReply<'a> {
    /// The command that runs; absent if it could not be started.
    pub job: Option<crate::launcher::running::Owner>,
    /// What `jobs` calls it.
    pub number: u32,
    /// If it could not be started, a code of `ftl::Error`: `NotFound` if there is no such command.
    pub error: u16,
    /// If it could not be started, why.
    pub reason: &'a str,
}

/// Answers the call `start`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct StartReplier(::ftl::reply::Replier);

impl StartReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(
        self,
        job: Option<crate::launcher::running::Owner>,
        number: u32,
        error: u16,
        reason: &str,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        match job {
            None => writer.bool(false)?,
            Some(some) => {
                writer.bool(true)?;
                writer.handle(some)?;
            }
        }
        writer.u32(number)?;
        writer.u16(error)?;
        writer.str(reason, 240)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// The `client`'s end of a `launcher` channel. Clones are the same end; dropping the last one closes it.
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
    /// The commands of this system in the order of their names, a page of them at a time.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn commands_start(&self, first: u16) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u16(first)?;
        self.0.start(COMMANDS, writer)
    }

    /// The commands that run, whoever started them, a page of them at a time.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn jobs_start(&self, first: u16) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u16(first)?;
        self.0.start(JOBS, writer)
    }

    /// Leaves words for a `start` that follows on the same channel.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn long_words_start(
        &self,
        folio: ::ftl::handle::Folio,
        len: u32,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.handle(folio)?;
        writer.u32(len)?;
        self.0.start(LONG_WORDS, writer)
    }

    /// Leaves a directory for a `start` that follows on the same channel, of a command that asks for one.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn directory_start(
        &self,
        directory: ::ftl::handle::Channel,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.handle(directory)?;
        self.0.start(DIRECTORY, writer)
    }

    /// Adds another directory to one that was left: the command sees it under a name at the top of that one, as `/fat`.
    /// Four at most.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn mount_start(
        &self,
        token: u32,
        name: &str,
        directory: ::ftl::handle::Channel,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u32(token)?;
        writer.str(name, 32)?;
        writer.handle(directory)?;
        self.0.start(MOUNT, writer)
    }

    /// Starts a command. What is absent of the standard streams is empty (input) or vanishes (output).
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn start_start(
        &self,
        command: &str,
        words: &[u8],
        token: u32,
        directory: u32,
        stdin: Option<::ftl::handle::Channel>,
        stdout: Option<::ftl::handle::Channel>,
        stderr: Option<::ftl::handle::Channel>,
        terminal: Option<::ftl::handle::Channel>,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(command, 32)?;
        writer.bytes(words, 1024)?;
        writer.u32(token)?;
        writer.u32(directory)?;
        if stdin.is_some() || stdout.is_some() || stderr.is_some() || terminal.is_some()
        {
            match stdin {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.handle(some)?;
                }
            }
        }
        if stdout.is_some() || stderr.is_some() || terminal.is_some() {
            match stdout {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.handle(some)?;
                }
            }
        }
        if stderr.is_some() || terminal.is_some() {
            match stderr {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.handle(some)?;
                }
            }
        }
        if terminal.is_some() {
            match terminal {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.handle(some)?;
                }
            }
        }
        self.0.start(START, writer)
    }
}

/// The calls of [`Client`] as functions that wait for their answer. Imported by `spec` unless the
/// component's file says `blocking: false`.
pub trait Blocking {
    /// The commands of this system in the order of their names, a page of them at a time.
    fn commands<'s>(
        &'s mut self,
        first: u16,
    ) -> ::core::result::Result<CommandsReply<'s>, ::ftl::Error>;

    /// The commands that run, whoever started them, a page of them at a time.
    fn jobs<'s>(
        &'s mut self,
        first: u16,
    ) -> ::core::result::Result<JobsReply<'s>, ::ftl::Error>;

    /// Leaves words for a `start` that follows on the same channel.
    fn long_words(
        &mut self,
        folio: ::ftl::handle::Folio,
        len: u32,
    ) -> ::core::result::Result<u32, ::ftl::Error>;

    /// Leaves a directory for a `start` that follows on the same channel, of a command that asks for one.
    fn directory(
        &mut self,
        directory: ::ftl::handle::Channel,
    ) -> ::core::result::Result<u32, ::ftl::Error>;

    /// Adds another directory to one that was left: the command sees it under a name at the top of that one, as `/fat`.
    /// Four at most.
    fn mount(
        &mut self,
        token: u32,
        name: &str,
        directory: ::ftl::handle::Channel,
    ) -> ::core::result::Result<(), ::ftl::Error>;

    /// Starts a command. What is absent of the standard streams is empty (input) or vanishes (output).
    fn start<'s>(
        &'s mut self,
        command: &str,
        words: &[u8],
        token: u32,
        directory: u32,
        stdin: Option<::ftl::handle::Channel>,
        stdout: Option<::ftl::handle::Channel>,
        stderr: Option<::ftl::handle::Channel>,
        terminal: Option<::ftl::handle::Channel>,
    ) -> ::core::result::Result<StartReply<'s>, ::ftl::Error>;
}

impl Blocking for Client {
    #[inline]
    fn commands<'s>(
        &'s mut self,
        first: u16,
    ) -> ::core::result::Result<CommandsReply<'s>, ::ftl::Error> {
        let incoming = self
            .0
            .call_again(
                COMMANDS,
                || {
                    let mut writer = ::ftl::wire::Writer::new();
                    writer.u16(first)?;
                    Ok(writer)
                },
            )?;
        let mut reader = incoming.read_with_views();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                Ok(CommandsReply {
                    total: reader.u16()?,
                    commands: reader.list(8)?,
                })
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn jobs<'s>(
        &'s mut self,
        first: u16,
    ) -> ::core::result::Result<JobsReply<'s>, ::ftl::Error> {
        let incoming = self
            .0
            .call_again(
                JOBS,
                || {
                    let mut writer = ::ftl::wire::Writer::new();
                    writer.u16(first)?;
                    Ok(writer)
                },
            )?;
        let mut reader = incoming.read_with_views();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                Ok(JobsReply {
                    total: reader.u16()?,
                    jobs: reader.list(16)?,
                })
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn long_words(
        &mut self,
        folio: ::ftl::handle::Folio,
        len: u32,
    ) -> ::core::result::Result<u32, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.handle(folio)?;
        writer.u32(len)?;
        let incoming = self.0.call(LONG_WORDS, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(8)?;
                Ok(reader.u32()?)
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn directory(
        &mut self,
        directory: ::ftl::handle::Channel,
    ) -> ::core::result::Result<u32, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.handle(directory)?;
        let incoming = self.0.call(DIRECTORY, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(8)?;
                Ok(reader.u32()?)
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn mount(
        &mut self,
        token: u32,
        name: &str,
        directory: ::ftl::handle::Channel,
    ) -> ::core::result::Result<(), ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u32(token)?;
        writer.str(name, 32)?;
        writer.handle(directory)?;
        let incoming = self.0.call(MOUNT, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn start<'s>(
        &'s mut self,
        command: &str,
        words: &[u8],
        token: u32,
        directory: u32,
        stdin: Option<::ftl::handle::Channel>,
        stdout: Option<::ftl::handle::Channel>,
        stderr: Option<::ftl::handle::Channel>,
        terminal: Option<::ftl::handle::Channel>,
    ) -> ::core::result::Result<StartReply<'s>, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(command, 32)?;
        writer.bytes(words, 1024)?;
        writer.u32(token)?;
        writer.u32(directory)?;
        if stdin.is_some() || stdout.is_some() || stderr.is_some() || terminal.is_some()
        {
            match stdin {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.handle(some)?;
                }
            }
        }
        if stdout.is_some() || stderr.is_some() || terminal.is_some() {
            match stdout {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.handle(some)?;
                }
            }
        }
        if stderr.is_some() || terminal.is_some() {
            match stderr {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.handle(some)?;
                }
            }
        }
        if terminal.is_some() {
            match terminal {
                None => writer.bool(false)?,
                Some(some) => {
                    writer.bool(true)?;
                    writer.handle(some)?;
                }
            }
        }
        let incoming = self.0.call(START, writer)?;
        let mut reader = incoming.read_with_views();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                Ok(StartReply {
                    job: if reader.bool()? { Some(reader.handle()?) } else { None },
                    number: reader.u32()?,
                    error: reader.u16()?,
                    reason: reader.str(240)?,
                })
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }
}

/// What arrives at a [`Client`].
#[derive(Debug)]
pub enum ToClient<'a> {
    /// The answer to [`Client::commands_start`].
    Commands(
        ::ftl::Transaction,
        ::core::result::Result<CommandsReply<'a>, ::ftl::Error>,
    ),
    /// The answer to [`Client::jobs_start`].
    Jobs(::ftl::Transaction, ::core::result::Result<JobsReply<'a>, ::ftl::Error>),
    /// The answer to [`Client::long_words_start`].
    LongWords(::ftl::Transaction, ::core::result::Result<u32, ::ftl::Error>),
    /// The answer to [`Client::directory_start`].
    Directory(::ftl::Transaction, ::core::result::Result<u32, ::ftl::Error>),
    /// The answer to [`Client::mount_start`].
    Mount(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// The answer to [`Client::start_start`].
    Start(::ftl::Transaction, ::core::result::Result<StartReply<'a>, ::ftl::Error>),
}

impl<'a> ToClient<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            COMMANDS if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read_with_views();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        Ok(CommandsReply {
                            total: reader.u16()?,
                            commands: reader.list(8)?,
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Commands(transaction, result))
            }
            JOBS if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read_with_views();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        Ok(JobsReply {
                            total: reader.u16()?,
                            jobs: reader.list(16)?,
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Jobs(transaction, result))
            }
            LONG_WORDS if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(8)?;
                        Ok(reader.u32()?)
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::LongWords(transaction, result))
            }
            DIRECTORY if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(8)?;
                        Ok(reader.u32()?)
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Directory(transaction, result))
            }
            MOUNT if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Mount(transaction, result))
            }
            START if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read_with_views();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        Ok(StartReply {
                            job: if reader.bool()? {
                                Some(reader.handle()?)
                            } else {
                                None
                            },
                            number: reader.u32()?,
                            error: reader.u16()?,
                            reason: reader.str(240)?,
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Start(transaction, result))
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
            COMMANDS => Some(ToClient::Commands(transaction, Err(error))),
            JOBS => Some(ToClient::Jobs(transaction, Err(error))),
            LONG_WORDS => Some(ToClient::LongWords(transaction, Err(error))),
            DIRECTORY => Some(ToClient::Directory(transaction, Err(error))),
            MOUNT => Some(ToClient::Mount(transaction, Err(error))),
            START => Some(ToClient::Start(transaction, Err(error))),
            _ => None,
        }
    }
}

/// The `server`'s end of a `launcher` channel. Clones are the same end; dropping the last one closes it.
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
pub enum ToServer<'a> {
    /// The commands of this system in the order of their names, a page of them at a time.
    Commands(CommandsRequest, CommandsReplier),
    /// The commands that run, whoever started them, a page of them at a time.
    Jobs(JobsRequest, JobsReplier),
    /// Leaves words for a `start` that follows on the same channel.
    LongWords(LongWordsRequest, LongWordsReplier),
    /// Leaves a directory for a `start` that follows on the same channel, of a command that asks for one.
    Directory(DirectoryRequest, DirectoryReplier),
    /// Adds another directory to one that was left: the command sees it under a name at the top of that one, as `/fat`.
    /// Four at most.
    Mount(MountRequest<'a>, MountReplier),
    /// Starts a command. What is absent of the standard streams is empty (input) or vanishes (output).
    Start(StartRequest<'a>, StartReplier),
}

impl<'a> ToServer<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            COMMANDS if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(2)?;
                let request = CommandsRequest {
                    first: reader.u16()?,
                };
                reader.finish()?;
                Ok(ToServer::Commands(request, CommandsReplier(asked.into())))
            }
            JOBS if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(2)?;
                let request = JobsRequest {
                    first: reader.u16()?,
                };
                reader.finish()?;
                Ok(ToServer::Jobs(request, JobsReplier(asked.into())))
            }
            LONG_WORDS if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(4)?;
                let request = LongWordsRequest {
                    folio: reader.handle_with(::ftl::abi::Rights::READ)?,
                    len: reader.u32()?,
                };
                reader.finish()?;
                Ok(ToServer::LongWords(request, LongWordsReplier(asked.into())))
            }
            DIRECTORY if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(0)?;
                let request = DirectoryRequest {
                    directory: reader.handle()?,
                };
                reader.finish()?;
                Ok(ToServer::Directory(request, DirectoryReplier(asked.into())))
            }
            MOUNT if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = MountRequest {
                    token: reader.u32()?,
                    name: reader.str(32)?,
                    directory: reader.handle()?,
                };
                reader.finish()?;
                Ok(ToServer::Mount(request, MountReplier(asked.into())))
            }
            START if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = StartRequest {
                    command: reader.str(32)?,
                    words: reader.bytes(1024)?,
                    token: reader.u32()?,
                    directory: reader.u32()?,
                    stdin: if reader.is_at_end() {
                        None
                    } else {
                        if reader.bool()? { Some(reader.handle()?) } else { None }
                    },
                    stdout: if reader.is_at_end() {
                        None
                    } else {
                        if reader.bool()? { Some(reader.handle()?) } else { None }
                    },
                    stderr: if reader.is_at_end() {
                        None
                    } else {
                        if reader.bool()? { Some(reader.handle()?) } else { None }
                    },
                    terminal: if reader.is_at_end() {
                        None
                    } else {
                        if reader.bool()? { Some(reader.handle()?) } else { None }
                    },
                };
                reader.finish()?;
                Ok(ToServer::Start(request, StartReplier(asked.into())))
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

/// A command that runs. Dropping the owner's end ends it.
pub mod running {
    #[allow(unused_imports)]
    use super::*;

    /// Messages that wait in each direction of such a channel.
    pub const QUEUE_LEN: usize = 4;

    /// Bytes of the largest message on such a channel.
    pub const BODY_LEN_MAX: usize = 8;

    const KILL: u32 = 0xcef5734e;
    const TERMINATE: u32 = 0x5a77db91;
    const ENDED: u32 = 0xca33f9a5;

    /// Both ends of a new channel: the `owner`'s and the `launcher`'s.
    pub fn channel() -> ::ftl::Result<(Owner, Launcher)> {
        let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
        Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
    }

    /// Ends it at once.
    #[derive(Clone, Copy, Debug)]
    pub struct Kill {
        /// The status that it ends with; 137 is usual.
        pub status: u32,
    }

    /// It has ended, and nothing of it is left.
    #[derive(Clone, Copy, Debug)]
    pub struct Ended {
        /// Its status: 0 is success.
        pub status: u64,
    }

    /// The `owner`'s end of a `running` channel. Clones are the same end; dropping the last one closes it.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct Owner(::ftl::end::End);

    impl From<::ftl::end::End> for Owner {
        fn from(end: ::ftl::end::End) -> Owner {
            Owner(end)
        }
    }

    impl From<::ftl::handle::OwnedHandle> for Owner {
        fn from(handle: ::ftl::handle::OwnedHandle) -> Owner {
            Owner(::ftl::end::End::new(handle.into()))
        }
    }

    impl From<Owner> for ::ftl::handle::OwnedHandle {
        fn from(end: Owner) -> ::ftl::handle::OwnedHandle {
            end.0.into()
        }
    }

    impl ::ftl::handle::Object for Owner {
        const KIND: ::ftl::abi::ObjectKind = <::ftl::handle::Channel as ::ftl::handle::Object>::KIND;
        const RIGHTS: ::ftl::abi::Rights = <::ftl::handle::Channel as ::ftl::handle::Object>::RIGHTS;
    }

    impl ::ftl::event_loop::TypedEnd for Owner {
        fn end(&self) -> &::ftl::end::End {
            &self.0
        }
    }

    impl<M: ::ftl::event_loop::Hears<Owner>> ::ftl::event_loop::Attach<M> for &Owner {
        fn port(self) -> ::ftl::event_loop::Port {
            ::ftl::event_loop::Port::channel(self.0.clone(), M::TAG)
        }
    }

    impl Owner {
        /// Ends it at once.
        #[inline]
        pub fn kill(&self, status: u32) -> ::ftl::Result<()> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u32(status)?;
            self.0.event(KILL, writer, ::ftl::end::OnFull::Coalesce)
        }
        /// [`Self::kill`], but when this thread waits next, or sends anything else: for those who are about to do so.
        #[inline]
        pub fn kill_soon(&self, status: u32) -> ::ftl::Result<()> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u32(status)?;
            self.0.event_soon(KILL, writer, ::ftl::end::OnFull::Coalesce);
            Ok(())
        }
        /// Asks it to end: its event `Shutdown`. One without an event loop does not hear it.
        #[inline]
        pub fn terminate(&self) -> ::ftl::Result<()> {
            let writer = ::ftl::wire::Writer::new();
            self.0.event(TERMINATE, writer, ::ftl::end::OnFull::Coalesce)
        }
        /// [`Self::terminate`], but when this thread waits next, or sends anything else: for those who are about to do so.
        #[inline]
        pub fn terminate_soon(&self) -> ::ftl::Result<()> {
            let writer = ::ftl::wire::Writer::new();
            self.0.event_soon(TERMINATE, writer, ::ftl::end::OnFull::Coalesce);
            Ok(())
        }
    }

    /// What arrives at a [`Owner`].
    #[derive(Debug)]
    pub enum ToOwner {
        /// It has ended, and nothing of it is left.
        Ended(Ended),
    }

    impl ToOwner {
        /// Decodes a message; an error means that the sender broke the interface's rules.
        #[inline]
        pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
            match incoming.ordinal() {
                ENDED if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                    let mut reader = incoming.read();
                    reader.expect_len(8)?;
                    let event = Ended { status: reader.u64()? };
                    reader.finish()?;
                    Ok(ToOwner::Ended(event))
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

    /// The `launcher`'s end of a `running` channel. Clones are the same end; dropping the last one closes it.
    #[derive(Clone, PartialEq, Eq, Debug)]
    pub struct Launcher(::ftl::end::End);

    impl From<::ftl::end::End> for Launcher {
        fn from(end: ::ftl::end::End) -> Launcher {
            Launcher(end)
        }
    }

    impl From<::ftl::handle::OwnedHandle> for Launcher {
        fn from(handle: ::ftl::handle::OwnedHandle) -> Launcher {
            Launcher(::ftl::end::End::new(handle.into()))
        }
    }

    impl From<Launcher> for ::ftl::handle::OwnedHandle {
        fn from(end: Launcher) -> ::ftl::handle::OwnedHandle {
            end.0.into()
        }
    }

    impl ::ftl::handle::Object for Launcher {
        const KIND: ::ftl::abi::ObjectKind = <::ftl::handle::Channel as ::ftl::handle::Object>::KIND;
        const RIGHTS: ::ftl::abi::Rights = <::ftl::handle::Channel as ::ftl::handle::Object>::RIGHTS;
    }

    impl ::ftl::event_loop::TypedEnd for Launcher {
        fn end(&self) -> &::ftl::end::End {
            &self.0
        }
    }

    impl<M: ::ftl::event_loop::Hears<Launcher>> ::ftl::event_loop::Attach<M>
    for &Launcher {
        fn port(self) -> ::ftl::event_loop::Port {
            ::ftl::event_loop::Port::channel(self.0.clone(), M::TAG)
        }
    }

    impl Launcher {
        /// It has ended, and nothing of it is left.
        #[inline]
        pub fn ended(&self, status: u64) -> ::ftl::Result<()> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(status)?;
            ::ftl::end::ignore_gone(
                self.0.event(ENDED, writer, ::ftl::end::OnFull::Close),
            )
        }
        /// [`Self::ended`], but when this thread waits next, or sends anything else: for those who are about to do so.
        #[inline]
        pub fn ended_soon(&self, status: u64) -> ::ftl::Result<()> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(status)?;
            self.0.event_soon(ENDED, writer, ::ftl::end::OnFull::Close);
            Ok(())
        }
    }

    /// What arrives at a [`Launcher`].
    #[derive(Debug)]
    pub enum ToLauncher {
        /// Ends it at once.
        Kill(Kill),
        /// Asks it to end: its event `Shutdown`. One without an event loop does not hear it.
        Terminate,
    }

    impl ToLauncher {
        /// Decodes a message; an error means that the sender broke the interface's rules.
        #[inline]
        pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
            match incoming.ordinal() {
                KILL if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                    let mut reader = incoming.read();
                    reader.expect_len(4)?;
                    let event = Kill { status: reader.u32()? };
                    reader.finish()?;
                    Ok(ToLauncher::Kill(event))
                }
                TERMINATE if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                    let reader = incoming.read();
                    reader.finish()?;
                    Ok(ToLauncher::Terminate)
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
}
