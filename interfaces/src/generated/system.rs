// Generated from interfaces/system.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! What init knows about the system, and what it can be asked to do: for shells and status pages.
//! Init provides it, to components whose file says that they need it.
#![allow(

    clippy::too_many_arguments,
    clippy::identity_op,
    clippy::needless_lifetimes,
    clippy::useless_conversion
)]
/// The version of this interface. Both sides of a channel must have been built from the same.
pub const HASH: u64 = 0x1b2b2e1085eb5c70;

/// How a component is kept apart.
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

/// What a component is doing, as init sees it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum State {
    /// It runs.
    Running = 0,
    /// It has not been started, because something that it needs is not there.
    Waiting = 1,
    /// It crashed, and is started again soon.
    Restarting = 2,
    /// It ended, and is not started again.
    Ended = 3,
    /// It crashed too often, or could not be started.
    Failed = 4,
}

impl ::ftl::wire::Wire<'_> for State {
    #[inline(always)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.u32(self as u32)
    }

    #[inline(always)]
    fn decode(reader: &mut ::ftl::wire::Reader<'_>) -> ::ftl::Result<Self> {
        match reader.u32()? {
            0 => Ok(State::Running),
            1 => Ok(State::Waiting),
            2 => Ok(State::Restarting),
            3 => Ok(State::Ended),
            4 => Ok(State::Failed),
            _ => Err(::ftl::Error::Malformed),
        }
    }
}

/// What a component's first thread does at the moment.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum Activity {
    /// Nothing: the component does not run.
    Nothing = 0,
    /// It runs, or would if a CPU were free.
    Running = 1,
    /// It waits for an event.
    Waiting = 2,
    /// It waits for the reply to a call.
    Calling = 3,
}

impl ::ftl::wire::Wire<'_> for Activity {
    #[inline(always)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.u32(self as u32)
    }

    #[inline(always)]
    fn decode(reader: &mut ::ftl::wire::Reader<'_>) -> ::ftl::Result<Self> {
        match reader.u32()? {
            0 => Ok(Activity::Nothing),
            1 => Ok(Activity::Running),
            2 => Ok(Activity::Waiting),
            3 => Ok(Activity::Calling),
            _ => Err(::ftl::Error::Malformed),
        }
    }
}

/// A place in code.
#[derive(Clone, Copy, Debug)]
pub struct CrashFrame {
    /// How far behind the beginning of the component's image, or an address elsewhere.
    pub place: u64,
    /// In image.
    pub in_image: bool,
}

impl ::ftl::wire::Wire<'_> for CrashFrame {
    #[inline(always)]
    #[allow(unused_variables)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.u64(self.place)?;
        writer.bool(self.in_image)?;
        Ok(())
    }

    #[inline(always)]
    #[allow(unused_variables)]
    fn decode(reader: &mut ::ftl::wire::Reader<'_>) -> ::ftl::Result<Self> {
        Ok(CrashFrame {
            place: reader.u64()?,
            in_image: reader.bool()?,
        })
    }
}

/// A register of a CPU.
#[derive(Clone, Copy, Debug)]
pub struct CrashRegister<'a> {
    /// Name.
    pub name: &'a str,
    /// Value.
    pub value: u64,
}

impl<'a> ::ftl::wire::Wire<'a> for CrashRegister<'a> {
    #[inline]
    #[allow(unused_variables)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.str(self.name, 8)?;
        writer.u64(self.value)?;
        Ok(())
    }

    #[inline]
    #[allow(unused_variables)]
    fn decode(reader: &mut ::ftl::wire::Reader<'a>) -> ::ftl::Result<Self> {
        Ok(CrashRegister {
            name: reader.str(8)?,
            value: reader.u64()?,
        })
    }
}

/// One component.
#[derive(Clone, Copy, Debug)]
pub struct Component<'a> {
    /// Name.
    pub name: &'a str,
    /// State.
    pub state: State,
    /// Isolation.
    pub isolation: Isolation,
    /// How often it was started again.
    pub restarts: u32,
    /// What it ended with, if it ended.
    pub status: u64,
    /// When it was last started, in nanoseconds since boot.
    pub started_ns: u64,
    /// Pages of 4 KiB that it is charged for.
    pub memory_pages: u32,
    /// Pages that it may be charged for.
    pub memory_pages_max: u32,
    /// Handles.
    pub handles: u32,
    /// Threads.
    pub threads: u32,
    /// Time on a CPU since its last start, in nanoseconds.
    pub cpu_ns: u64,
    /// Messages sent.
    pub messages_sent: u64,
    /// Activity.
    pub activity: Activity,
    /// Who owes it the reply that it waits for; empty if it waits for none.
    pub calls: &'a str,
}

impl<'a> ::ftl::wire::Wire<'a> for Component<'a> {
    #[inline]
    #[allow(unused_variables)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.str(self.name, 32)?;
        ::ftl::wire::Wire::encode(self.state, writer)?;
        ::ftl::wire::Wire::encode(self.isolation, writer)?;
        writer.u32(self.restarts)?;
        writer.u64(self.status)?;
        writer.u64(self.started_ns)?;
        writer.u32(self.memory_pages)?;
        writer.u32(self.memory_pages_max)?;
        writer.u32(self.handles)?;
        writer.u32(self.threads)?;
        writer.u64(self.cpu_ns)?;
        writer.u64(self.messages_sent)?;
        ::ftl::wire::Wire::encode(self.activity, writer)?;
        writer.str(self.calls, 32)?;
        Ok(())
    }

    #[inline]
    #[allow(unused_variables)]
    fn decode(reader: &mut ::ftl::wire::Reader<'a>) -> ::ftl::Result<Self> {
        Ok(Component {
            name: reader.str(32)?,
            state: ::ftl::wire::Wire::decode(reader.by_ref())?,
            isolation: ::ftl::wire::Wire::decode(reader.by_ref())?,
            restarts: reader.u32()?,
            status: reader.u64()?,
            started_ns: reader.u64()?,
            memory_pages: reader.u32()?,
            memory_pages_max: reader.u32()?,
            handles: reader.u32()?,
            threads: reader.u32()?,
            cpu_ns: reader.u64()?,
            messages_sent: reader.u64()?,
            activity: ::ftl::wire::Wire::decode(reader.by_ref())?,
            calls: reader.str(32)?,
        })
    }
}

/// All channels between two components, or a component and init. The peer was started earlier; usually it is the
/// one that is needed.
#[derive(Clone, Copy, Debug)]
pub struct Connection<'a> {
    /// A component's name, or a command's with `#` and its number.
    pub component: &'a str,
    /// Another one, or `init`.
    pub peer: &'a str,
    /// How many there are now.
    pub channels: u32,
    /// Messages that were sent and not received yet.
    pub queued: u32,
    /// Requests and one-way messages that the component has sent, as far as they were seen.
    pub sent: u64,
    /// Those that the peer has sent, as far as they were seen.
    pub received: u64,
}

impl<'a> ::ftl::wire::Wire<'a> for Connection<'a> {
    #[inline]
    #[allow(unused_variables)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.str(self.component, 32)?;
        writer.str(self.peer, 32)?;
        writer.u32(self.channels)?;
        writer.u32(self.queued)?;
        writer.u64(self.sent)?;
        writer.u64(self.received)?;
        Ok(())
    }

    #[inline]
    #[allow(unused_variables)]
    fn decode(reader: &mut ::ftl::wire::Reader<'a>) -> ::ftl::Result<Self> {
        Ok(Connection {
            component: reader.str(32)?,
            peer: reader.str(32)?,
            channels: reader.u32()?,
            queued: reader.u32()?,
            sent: reader.u64()?,
            received: reader.u64()?,
        })
    }
}

/// Something that a component needs.
#[derive(Clone, Copy, Debug)]
pub struct Need<'a> {
    /// Its name in the component.
    pub name: &'a str,
    /// Interface.
    pub interface: &'a str,
    /// The component that provides it; empty if none does.
    pub provider: &'a str,
}

impl<'a> ::ftl::wire::Wire<'a> for Need<'a> {
    #[inline]
    #[allow(unused_variables)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.str(self.name, 32)?;
        writer.str(self.interface, 32)?;
        writer.str(self.provider, 32)?;
        Ok(())
    }

    #[inline]
    #[allow(unused_variables)]
    fn decode(reader: &mut ::ftl::wire::Reader<'a>) -> ::ftl::Result<Self> {
        Ok(Need {
            name: reader.str(32)?,
            interface: reader.str(32)?,
            provider: reader.str(32)?,
        })
    }
}

/// Messages that wait in each direction of such a channel.
pub const QUEUE_LEN: usize = 4;

/// Bytes of the largest message on such a channel.
pub const BODY_LEN_MAX: usize = 2768;

const COMPONENTS: u32 = 0x6c306fbf;
const NEEDS: u32 = 0xcb71e6a4;
const CONNECTIONS: u32 = 0x21e36519;
const STATISTICS: u32 = 0x2f2e1e4c;
const MEMORY: u32 = 0x8f19c477;
const KILL: u32 = 0xcef5734e;
const RESTART: u32 = 0x96d5ca45;
const SET_IMAGE: u32 = 0x678051b7;
const LOG: u32 = 0x0fff2728;
const CRASH: u32 = 0x52fea206;
const TRACE_START: u32 = 0x7cd6fc46;
const TRACE_STOP: u32 = 0xeec59559;
const TRACE_RING: u32 = 0xbdc75b8d;
const SHUTDOWN: u32 = 0x04107ce4;
const REBOOT: u32 = 0xb79a6ba2;

/// The clients of a component that provides this interface.
pub type Provider = ::ftl::Provider<Server>;

/// Both ends of a new channel: the `client`'s and the `server`'s.
pub fn channel() -> ::ftl::Result<(Client, Server)> {
    let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
    Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
}

/// What the call `components` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct ComponentsRequest {
    /// How many to pass over.
    pub first: u16,
}

/// What the call `components` answers with.
#[derive(Clone, Copy, Debug)]
pub struct ComponentsReply<'a> {
    /// How many there are.
    pub total: u16,
    /// Components.
    pub components: ::ftl::wire::List<'a, Component<'a>>,
}

/// Answers the call `components`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct ComponentsReplier(::ftl::reply::Replier);

impl ComponentsReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok<'a>(
        self,
        total: u16,
        components: impl Into<::ftl::wire::List<'a, Component<'a>>>,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u16(total)?;
        writer.list(components.into(), 16)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `needs` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct NeedsRequest<'a> {
    /// The component's name.
    pub name: &'a str,
}

/// Answers the call `needs`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct NeedsReplier(::ftl::reply::Replier);

impl NeedsReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok<'a>(
        self,
        needs: impl Into<::ftl::wire::List<'a, Need<'a>>>,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.list(needs.into(), 24)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `connections` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionsRequest {
    /// How many to pass over.
    pub first: u16,
}

/// What the call `connections` answers with.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionsReply<'a> {
    /// How many there are.
    pub total: u16,
    /// Connections.
    pub connections: ::ftl::wire::List<'a, Connection<'a>>,
}

/// Answers the call `connections`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct ConnectionsReplier(::ftl::reply::Replier);

impl ConnectionsReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok<'a>(
        self,
        total: u16,
        connections: impl Into<::ftl::wire::List<'a, Connection<'a>>>,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u16(total)?;
        writer.list(connections.into(), 20)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `statistics` answers with.
#[derive(Clone, Copy, Debug)]
pub struct StatisticsReply {
    /// Nanoseconds since boot.
    pub uptime_ns: u64,
    /// Pages of memory that the kernel manages.
    pub pages_total: u64,
    /// Pages that are free.
    pub pages_free: u64,
    /// CPUs that run.
    pub cpus: u64,
    /// Processes that exist.
    pub processes: u64,
    /// Threads that exist.
    pub threads: u64,
    /// Channels that exist.
    pub channels: u64,
    /// Folios that exist.
    pub folios: u64,
    /// System calls since boot.
    pub calls: u64,
    /// Messages sent since boot.
    pub messages: u64,
    /// Interrupts since boot.
    pub interrupts: u64,
    /// Switches between threads since boot.
    pub switches: u64,
    /// Page faults answered since boot.
    pub page_faults: u64,
    /// Time with nothing to do since boot, over all CPUs, in nanoseconds.
    pub idle_ns: u64,
    /// Handles that components hold, and that are in messages under way.
    pub handles: u64,
    /// Event queues that exist.
    pub queues: u64,
    /// Sources of events that exist: ends of channels, timers and others.
    pub sources: u64,
    /// Mappings of memory that exist.
    pub mappings: u64,
    /// Timers that exist.
    pub timers: u64,
    /// Doorbells that exist.
    pub doorbells: u64,
}

/// Answers the call `statistics`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct StatisticsReplier(::ftl::reply::Replier);

impl StatisticsReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(
        self,
        uptime_ns: u64,
        pages_total: u64,
        pages_free: u64,
        cpus: u64,
        processes: u64,
        threads: u64,
        channels: u64,
        folios: u64,
        calls: u64,
        messages: u64,
        interrupts: u64,
        switches: u64,
        page_faults: u64,
        idle_ns: u64,
        handles: u64,
        queues: u64,
        sources: u64,
        mappings: u64,
        timers: u64,
        doorbells: u64,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u64(uptime_ns)?;
        writer.u64(pages_total)?;
        writer.u64(pages_free)?;
        writer.u64(cpus)?;
        writer.u64(processes)?;
        writer.u64(threads)?;
        writer.u64(channels)?;
        writer.u64(folios)?;
        writer.u64(calls)?;
        writer.u64(messages)?;
        writer.u64(interrupts)?;
        writer.u64(switches)?;
        writer.u64(page_faults)?;
        writer.u64(idle_ns)?;
        writer.u64(handles)?;
        writer.u64(queues)?;
        writer.u64(sources)?;
        writer.u64(mappings)?;
        writer.u64(timers)?;
        writer.u64(doorbells)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `memory` answers with.
#[derive(Clone, Copy, Debug)]
pub struct MemoryReply {
    /// All memory of the machine.
    pub machine: u64,
    /// The boot archive.
    pub archive: u64,
    /// What was taken before the kernel began to give memory out: firmware, the kernel, its records of pages.
    pub before: u64,
    /// What components and commands are charged for, without init.
    pub components: u64,
    /// What init is charged for.
    pub init: u64,
    /// Of both, what nobody has touched yet: it is kept free for them.
    pub promised: u64,
    /// The kernel's objects.
    pub objects: u64,
    /// What else the kernel has: page tables, the log, and what the dead leave until it is taken apart.
    pub kernel: u64,
    /// What can be had.
    pub free: u64,
    /// The largest free block.
    pub largest: u64,
}

/// Answers the call `memory`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct MemoryReplier(::ftl::reply::Replier);

impl MemoryReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(
        self,
        machine: u64,
        archive: u64,
        before: u64,
        components: u64,
        init: u64,
        promised: u64,
        objects: u64,
        kernel: u64,
        free: u64,
        largest: u64,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u64(machine)?;
        writer.u64(archive)?;
        writer.u64(before)?;
        writer.u64(components)?;
        writer.u64(init)?;
        writer.u64(promised)?;
        writer.u64(objects)?;
        writer.u64(kernel)?;
        writer.u64(free)?;
        writer.u64(largest)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `kill` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct KillRequest<'a> {
    /// The component's name.
    pub name: &'a str,
}

/// Answers the call `kill`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct KillReplier(::ftl::reply::Replier);

impl KillReplier {
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

/// What the call `restart` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct RestartRequest<'a> {
    /// The component's name.
    pub name: &'a str,
}

/// Answers the call `restart`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct RestartReplier(::ftl::reply::Replier);

impl RestartReplier {
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

/// What the call `set_image` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct SetImageRequest<'a> {
    /// The component's name.
    pub name: &'a str,
    /// The image, `components/IMAGE` in the archive.
    pub image: &'a str,
}

/// Answers the call `set_image`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct SetImageReplier(::ftl::reply::Replier);

impl SetImageReplier {
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

/// What the call `log` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct LogRequest {
    /// Where to begin: 0, or what the last answer said.
    pub position: u64,
}

/// What the call `log` answers with.
#[derive(Clone, Copy, Debug)]
pub struct LogReply<'a> {
    /// Where to go on.
    pub next: u64,
    /// A part of the log; empty at its end.
    pub text: &'a [u8],
}

/// Answers the call `log`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct LogReplier(::ftl::reply::Replier);

impl LogReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, next: u64, text: &[u8]) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u64(next)?;
        writer.bytes(text, 2048)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `crash` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct CrashRequest {
    /// The number of the last crash that is known, 0 if none is.
    pub after: u64,
    /// Whether the answer is to come when there is such a crash; otherwise it is `NotFound` if there is none.
    pub wait: bool,
}

/// What the call `crash` answers with.
#[derive(Clone, Copy, Debug)]
pub struct CrashReply<'a> {
    /// Which crash it is, counted from 1 since boot.
    pub number: u64,
    /// The component's name.
    pub name: &'a str,
    /// When, in nanoseconds since boot.
    pub time_ns: u64,
    /// What it ended with.
    pub status: u64,
    /// What it did, or the panic's message, and behind it file and line.
    pub message: &'a str,
    /// Where it was and how it came there, innermost first.
    pub frames: ::ftl::wire::List<'a, CrashFrame>,
    /// What was in the registers, if it did not panic.
    pub registers: ::ftl::wire::List<'a, CrashRegister<'a>>,
}

/// Answers the call `crash`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct CrashReplier(::ftl::reply::Replier);

impl CrashReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok<'a>(
        self,
        number: u64,
        name: &str,
        time_ns: u64,
        status: u64,
        message: &str,
        frames: impl Into<::ftl::wire::List<'a, CrashFrame>>,
        registers: impl Into<::ftl::wire::List<'a, CrashRegister<'a>>>,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u64(number)?;
        writer.str(name, 32)?;
        writer.u64(time_ns)?;
        writer.u64(status)?;
        writer.str(message, 512)?;
        writer.list(frames.into(), 32)?;
        writer.list(registers.into(), 32)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `trace_start` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct TraceStartRequest {
    /// Bytes for each CPU, at most 1 MiB; the oldest is written over.
    pub len: u32,
}

/// Answers the call `trace_start`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct TraceStartReplier(::ftl::reply::Replier);

impl TraceStartReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, cpus: u32) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u32(cpus)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// Answers the call `trace_stop`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct TraceStopReplier(::ftl::reply::Replier);

impl TraceStopReplier {
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

/// What the call `trace_ring` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct TraceRingRequest {
    /// Cpu.
    pub cpu: u32,
}

/// Answers the call `trace_ring`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct TraceRingReplier(::ftl::reply::Replier);

impl TraceRingReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, ring: ::ftl::handle::Folio) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.handle(ring)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `shutdown` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct ShutdownRequest {
    /// What `./ftl run` exits with.
    pub status: u64,
}

/// Answers the call `shutdown`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct ShutdownReplier(::ftl::reply::Replier);

impl ShutdownReplier {
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

/// What the call `reboot` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct RebootRequest {
    /// Whether what is in memory may be lost, the log with it.
    pub cold: bool,
}

/// Answers the call `reboot`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct RebootReplier(::ftl::reply::Replier);

impl RebootReplier {
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

/// The `client`'s end of a `system` channel. Clones are the same end; dropping the last one closes it.
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
    /// The components in the order of their start, a page of them at a time.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn components_start(&self, first: u16) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u16(first)?;
        self.0.start(COMPONENTS, writer)
    }

    /// What a component needs, and who provides it.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn needs_start(&self, name: &str) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 32)?;
        self.0.start(NEEDS, writer)
    }

    /// Who is connected to whom, a page of them at a time. The channels are looked at when the first page is
    /// asked for; the messages of one that came and went in between are not seen.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn connections_start(&self, first: u16) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u16(first)?;
        self.0.start(CONNECTIONS, writer)
    }

    /// Counters of the kernel.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn statistics_start(&self) -> ::ftl::Result<::ftl::Transaction> {
        let writer = ::ftl::wire::Writer::new();
        self.0.start(STATISTICS, writer)
    }

    /// What the machine's memory is used for, in pages of 4 KiB.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn memory_start(&self) -> ::ftl::Result<::ftl::Transaction> {
        let writer = ::ftl::wire::Writer::new();
        self.0.start(MEMORY, writer)
    }

    /// Ends a component at once. It is started again if its file says so.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn kill_start(&self, name: &str) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 32)?;
        self.0.start(KILL, writer)
    }

    /// Ends a component if it runs, and starts it, even if it had been given up.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn restart_start(&self, name: &str) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 32)?;
        self.0.start(RESTART, writer)
    }

    /// From its next start on, the component is loaded from another image of the boot archive.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn set_image_start(
        &self,
        name: &str,
        image: &str,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 32)?;
        writer.str(image, 64)?;
        self.0.start(SET_IMAGE, writer)
    }

    /// Reads the kernel's log.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn log_start(&self, position: u64) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u64(position)?;
        self.0.start(LOG, writer)
    }

    /// What is remembered of a crash: of the first after one that is known already. The kernel remembers the last eight.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn crash_start(
        &self,
        after: u64,
        wait: bool,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u64(after)?;
        writer.bool(wait)?;
        self.0.start(CRASH, writer)
    }

    /// From now on the kernel writes down what happens. What was traced before is gone.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn trace_start_start(&self, len: u32) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u32(len)?;
        self.0.start(TRACE_START, writer)
    }

    /// The kernel writes nothing down any more. What it has written stays.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn trace_stop_start(&self) -> ::ftl::Result<::ftl::Transaction> {
        let writer = ::ftl::wire::Writer::new();
        self.0.start(TRACE_STOP, writer)
    }

    /// What was written down on a CPU.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn trace_ring_start(&self, cpu: u32) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u32(cpu)?;
        self.0.start(TRACE_RING, writer)
    }

    /// Shuts the machine down.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn shutdown_start(&self, status: u64) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u64(status)?;
        self.0.start(SHUTDOWN, writer)
    }

    /// Ends all components and resets the machine, which then starts anew and says the last that it had logged.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn reboot_start(&self, cold: bool) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.bool(cold)?;
        self.0.start(REBOOT, writer)
    }
}

/// The calls of [`Client`] as functions that wait for their answer. Imported by `spec` unless the
/// component's file says `blocking: false`.
pub trait Blocking {
    /// The components in the order of their start, a page of them at a time.
    fn components<'s>(
        &'s mut self,
        first: u16,
    ) -> ::core::result::Result<ComponentsReply<'s>, ::ftl::Error>;

    /// What a component needs, and who provides it.
    fn needs<'s>(
        &'s mut self,
        name: &str,
    ) -> ::core::result::Result<::ftl::wire::List<'s, Need<'s>>, ::ftl::Error>;

    /// Who is connected to whom, a page of them at a time. The channels are looked at when the first page is
    /// asked for; the messages of one that came and went in between are not seen.
    fn connections<'s>(
        &'s mut self,
        first: u16,
    ) -> ::core::result::Result<ConnectionsReply<'s>, ::ftl::Error>;

    /// Counters of the kernel.
    fn statistics(&mut self) -> ::core::result::Result<StatisticsReply, ::ftl::Error>;

    /// What the machine's memory is used for, in pages of 4 KiB.
    fn memory(&mut self) -> ::core::result::Result<MemoryReply, ::ftl::Error>;

    /// Ends a component at once. It is started again if its file says so.
    fn kill(&mut self, name: &str) -> ::core::result::Result<(), ::ftl::Error>;

    /// Ends a component if it runs, and starts it, even if it had been given up.
    fn restart(&mut self, name: &str) -> ::core::result::Result<(), ::ftl::Error>;

    /// From its next start on, the component is loaded from another image of the boot archive.
    fn set_image(
        &mut self,
        name: &str,
        image: &str,
    ) -> ::core::result::Result<(), ::ftl::Error>;

    /// Reads the kernel's log.
    fn log<'s>(
        &'s mut self,
        position: u64,
    ) -> ::core::result::Result<LogReply<'s>, ::ftl::Error>;

    /// What is remembered of a crash: of the first after one that is known already. The kernel remembers the last eight.
    fn crash<'s>(
        &'s mut self,
        after: u64,
        wait: bool,
    ) -> ::core::result::Result<CrashReply<'s>, ::ftl::Error>;

    /// From now on the kernel writes down what happens. What was traced before is gone.
    fn trace_start(&mut self, len: u32) -> ::core::result::Result<u32, ::ftl::Error>;

    /// The kernel writes nothing down any more. What it has written stays.
    fn trace_stop(&mut self) -> ::core::result::Result<(), ::ftl::Error>;

    /// What was written down on a CPU.
    fn trace_ring(
        &mut self,
        cpu: u32,
    ) -> ::core::result::Result<::ftl::handle::Folio, ::ftl::Error>;

    /// Shuts the machine down.
    fn shutdown(&mut self, status: u64) -> ::core::result::Result<(), ::ftl::Error>;

    /// Ends all components and resets the machine, which then starts anew and says the last that it had logged.
    fn reboot(&mut self, cold: bool) -> ::core::result::Result<(), ::ftl::Error>;
}

impl Blocking for Client {
    #[inline]
    fn components<'s>(
        &'s mut self,
        first: u16,
    ) -> ::core::result::Result<ComponentsReply<'s>, ::ftl::Error> {
        let incoming = self
            .0
            .call_again(
                COMPONENTS,
                || {
                    let mut writer = ::ftl::wire::Writer::new();
                    writer.u16(first)?;
                    Ok(writer)
                },
            )?;
        let mut reader = incoming.read_with_views();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                Ok(ComponentsReply {
                    total: reader.u16()?,
                    components: reader.list(16)?,
                })
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn needs<'s>(
        &'s mut self,
        name: &str,
    ) -> ::core::result::Result<::ftl::wire::List<'s, Need<'s>>, ::ftl::Error> {
        let incoming = self
            .0
            .call_again(
                NEEDS,
                || {
                    let mut writer = ::ftl::wire::Writer::new();
                    writer.str(name, 32)?;
                    Ok(writer)
                },
            )?;
        let mut reader = incoming.read_with_views();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(reader.list(24)?),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn connections<'s>(
        &'s mut self,
        first: u16,
    ) -> ::core::result::Result<ConnectionsReply<'s>, ::ftl::Error> {
        let incoming = self
            .0
            .call_again(
                CONNECTIONS,
                || {
                    let mut writer = ::ftl::wire::Writer::new();
                    writer.u16(first)?;
                    Ok(writer)
                },
            )?;
        let mut reader = incoming.read_with_views();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                Ok(ConnectionsReply {
                    total: reader.u16()?,
                    connections: reader.list(20)?,
                })
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn statistics(&mut self) -> ::core::result::Result<StatisticsReply, ::ftl::Error> {
        let incoming = self
            .0
            .call_again(
                STATISTICS,
                || {
                    let writer = ::ftl::wire::Writer::new();
                    Ok(writer)
                },
            )?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(168)?;
                Ok(StatisticsReply {
                    uptime_ns: reader.u64()?,
                    pages_total: reader.u64()?,
                    pages_free: reader.u64()?,
                    cpus: reader.u64()?,
                    processes: reader.u64()?,
                    threads: reader.u64()?,
                    channels: reader.u64()?,
                    folios: reader.u64()?,
                    calls: reader.u64()?,
                    messages: reader.u64()?,
                    interrupts: reader.u64()?,
                    switches: reader.u64()?,
                    page_faults: reader.u64()?,
                    idle_ns: reader.u64()?,
                    handles: reader.u64()?,
                    queues: reader.u64()?,
                    sources: reader.u64()?,
                    mappings: reader.u64()?,
                    timers: reader.u64()?,
                    doorbells: reader.u64()?,
                })
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn memory(&mut self) -> ::core::result::Result<MemoryReply, ::ftl::Error> {
        let incoming = self
            .0
            .call_again(
                MEMORY,
                || {
                    let writer = ::ftl::wire::Writer::new();
                    Ok(writer)
                },
            )?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(88)?;
                Ok(MemoryReply {
                    machine: reader.u64()?,
                    archive: reader.u64()?,
                    before: reader.u64()?,
                    components: reader.u64()?,
                    init: reader.u64()?,
                    promised: reader.u64()?,
                    objects: reader.u64()?,
                    kernel: reader.u64()?,
                    free: reader.u64()?,
                    largest: reader.u64()?,
                })
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn kill(&mut self, name: &str) -> ::core::result::Result<(), ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 32)?;
        let incoming = self.0.call(KILL, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn restart(&mut self, name: &str) -> ::core::result::Result<(), ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 32)?;
        let incoming = self.0.call(RESTART, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn set_image(
        &mut self,
        name: &str,
        image: &str,
    ) -> ::core::result::Result<(), ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(name, 32)?;
        writer.str(image, 64)?;
        let incoming = self.0.call(SET_IMAGE, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn log<'s>(
        &'s mut self,
        position: u64,
    ) -> ::core::result::Result<LogReply<'s>, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u64(position)?;
        let incoming = self.0.call(LOG, writer)?;
        let mut reader = incoming.read_with_views();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                Ok(LogReply {
                    next: reader.u64()?,
                    text: reader.bytes(2048)?,
                })
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn crash<'s>(
        &'s mut self,
        after: u64,
        wait: bool,
    ) -> ::core::result::Result<CrashReply<'s>, ::ftl::Error> {
        let incoming = self
            .0
            .call_again(
                CRASH,
                || {
                    let mut writer = ::ftl::wire::Writer::new();
                    writer.u64(after)?;
                    writer.bool(wait)?;
                    Ok(writer)
                },
            )?;
        let mut reader = incoming.read_with_views();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                Ok(CrashReply {
                    number: reader.u64()?,
                    name: reader.str(32)?,
                    time_ns: reader.u64()?,
                    status: reader.u64()?,
                    message: reader.str(512)?,
                    frames: reader.list(32)?,
                    registers: reader.list(32)?,
                })
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn trace_start(&mut self, len: u32) -> ::core::result::Result<u32, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u32(len)?;
        let incoming = self.0.call(TRACE_START, writer)?;
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
    fn trace_stop(&mut self) -> ::core::result::Result<(), ::ftl::Error> {
        let writer = ::ftl::wire::Writer::new();
        let incoming = self.0.call(TRACE_STOP, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn trace_ring(
        &mut self,
        cpu: u32,
    ) -> ::core::result::Result<::ftl::handle::Folio, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u32(cpu)?;
        let incoming = self.0.call(TRACE_RING, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(4)?;
                Ok(reader.handle_with(::ftl::abi::Rights::READ)?)
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn shutdown(&mut self, status: u64) -> ::core::result::Result<(), ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u64(status)?;
        let incoming = self.0.call(SHUTDOWN, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn reboot(&mut self, cold: bool) -> ::core::result::Result<(), ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.bool(cold)?;
        let incoming = self.0.call(REBOOT, writer)?;
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
pub enum ToClient<'a> {
    /// The answer to [`Client::components_start`].
    Components(
        ::ftl::Transaction,
        ::core::result::Result<ComponentsReply<'a>, ::ftl::Error>,
    ),
    /// The answer to [`Client::needs_start`].
    Needs(
        ::ftl::Transaction,
        ::core::result::Result<::ftl::wire::List<'a, Need<'a>>, ::ftl::Error>,
    ),
    /// The answer to [`Client::connections_start`].
    Connections(
        ::ftl::Transaction,
        ::core::result::Result<ConnectionsReply<'a>, ::ftl::Error>,
    ),
    /// The answer to [`Client::statistics_start`].
    Statistics(
        ::ftl::Transaction,
        ::core::result::Result<StatisticsReply, ::ftl::Error>,
    ),
    /// The answer to [`Client::memory_start`].
    Memory(::ftl::Transaction, ::core::result::Result<MemoryReply, ::ftl::Error>),
    /// The answer to [`Client::kill_start`].
    Kill(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// The answer to [`Client::restart_start`].
    Restart(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// The answer to [`Client::set_image_start`].
    SetImage(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// The answer to [`Client::log_start`].
    Log(::ftl::Transaction, ::core::result::Result<LogReply<'a>, ::ftl::Error>),
    /// The answer to [`Client::crash_start`].
    Crash(::ftl::Transaction, ::core::result::Result<CrashReply<'a>, ::ftl::Error>),
    /// The answer to [`Client::trace_start_start`].
    TraceStart(::ftl::Transaction, ::core::result::Result<u32, ::ftl::Error>),
    /// The answer to [`Client::trace_stop_start`].
    TraceStop(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// The answer to [`Client::trace_ring_start`].
    TraceRing(
        ::ftl::Transaction,
        ::core::result::Result<::ftl::handle::Folio, ::ftl::Error>,
    ),
    /// The answer to [`Client::shutdown_start`].
    Shutdown(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// The answer to [`Client::reboot_start`].
    Reboot(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
}

impl<'a> ToClient<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            COMPONENTS if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read_with_views();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        Ok(ComponentsReply {
                            total: reader.u16()?,
                            components: reader.list(16)?,
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Components(transaction, result))
            }
            NEEDS if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read_with_views();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(reader.list(24)?),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Needs(transaction, result))
            }
            CONNECTIONS if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read_with_views();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        Ok(ConnectionsReply {
                            total: reader.u16()?,
                            connections: reader.list(20)?,
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Connections(transaction, result))
            }
            STATISTICS if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(168)?;
                        Ok(StatisticsReply {
                            uptime_ns: reader.u64()?,
                            pages_total: reader.u64()?,
                            pages_free: reader.u64()?,
                            cpus: reader.u64()?,
                            processes: reader.u64()?,
                            threads: reader.u64()?,
                            channels: reader.u64()?,
                            folios: reader.u64()?,
                            calls: reader.u64()?,
                            messages: reader.u64()?,
                            interrupts: reader.u64()?,
                            switches: reader.u64()?,
                            page_faults: reader.u64()?,
                            idle_ns: reader.u64()?,
                            handles: reader.u64()?,
                            queues: reader.u64()?,
                            sources: reader.u64()?,
                            mappings: reader.u64()?,
                            timers: reader.u64()?,
                            doorbells: reader.u64()?,
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Statistics(transaction, result))
            }
            MEMORY if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(88)?;
                        Ok(MemoryReply {
                            machine: reader.u64()?,
                            archive: reader.u64()?,
                            before: reader.u64()?,
                            components: reader.u64()?,
                            init: reader.u64()?,
                            promised: reader.u64()?,
                            objects: reader.u64()?,
                            kernel: reader.u64()?,
                            free: reader.u64()?,
                            largest: reader.u64()?,
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Memory(transaction, result))
            }
            KILL if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Kill(transaction, result))
            }
            RESTART if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Restart(transaction, result))
            }
            SET_IMAGE if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::SetImage(transaction, result))
            }
            LOG if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read_with_views();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        Ok(LogReply {
                            next: reader.u64()?,
                            text: reader.bytes(2048)?,
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Log(transaction, result))
            }
            CRASH if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read_with_views();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        Ok(CrashReply {
                            number: reader.u64()?,
                            name: reader.str(32)?,
                            time_ns: reader.u64()?,
                            status: reader.u64()?,
                            message: reader.str(512)?,
                            frames: reader.list(32)?,
                            registers: reader.list(32)?,
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Crash(transaction, result))
            }
            TRACE_START if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
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
                Ok(ToClient::TraceStart(transaction, result))
            }
            TRACE_STOP if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::TraceStop(transaction, result))
            }
            TRACE_RING if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(4)?;
                        Ok(reader.handle_with(::ftl::abi::Rights::READ)?)
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::TraceRing(transaction, result))
            }
            SHUTDOWN if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Shutdown(transaction, result))
            }
            REBOOT if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Reboot(transaction, result))
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
            COMPONENTS => Some(ToClient::Components(transaction, Err(error))),
            NEEDS => Some(ToClient::Needs(transaction, Err(error))),
            CONNECTIONS => Some(ToClient::Connections(transaction, Err(error))),
            STATISTICS => Some(ToClient::Statistics(transaction, Err(error))),
            MEMORY => Some(ToClient::Memory(transaction, Err(error))),
            KILL => Some(ToClient::Kill(transaction, Err(error))),
            RESTART => Some(ToClient::Restart(transaction, Err(error))),
            SET_IMAGE => Some(ToClient::SetImage(transaction, Err(error))),
            LOG => Some(ToClient::Log(transaction, Err(error))),
            CRASH => Some(ToClient::Crash(transaction, Err(error))),
            TRACE_START => Some(ToClient::TraceStart(transaction, Err(error))),
            TRACE_STOP => Some(ToClient::TraceStop(transaction, Err(error))),
            TRACE_RING => Some(ToClient::TraceRing(transaction, Err(error))),
            SHUTDOWN => Some(ToClient::Shutdown(transaction, Err(error))),
            REBOOT => Some(ToClient::Reboot(transaction, Err(error))),
            _ => None,
        }
    }
}

/// The `server`'s end of a `system` channel. Clones are the same end; dropping the last one closes it.
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
    /// The components in the order of their start, a page of them at a time.
    Components(ComponentsRequest, ComponentsReplier),
    /// What a component needs, and who provides it.
    Needs(NeedsRequest<'a>, NeedsReplier),
    /// Who is connected to whom, a page of them at a time. The channels are looked at when the first page is
    /// asked for; the messages of one that came and went in between are not seen.
    Connections(ConnectionsRequest, ConnectionsReplier),
    /// Counters of the kernel.
    Statistics(StatisticsReplier),
    /// What the machine's memory is used for, in pages of 4 KiB.
    Memory(MemoryReplier),
    /// Ends a component at once. It is started again if its file says so.
    Kill(KillRequest<'a>, KillReplier),
    /// Ends a component if it runs, and starts it, even if it had been given up.
    Restart(RestartRequest<'a>, RestartReplier),
    /// From its next start on, the component is loaded from another image of the boot archive.
    SetImage(SetImageRequest<'a>, SetImageReplier),
    /// Reads the kernel's log.
    Log(LogRequest, LogReplier),
    /// What is remembered of a crash: of the first after one that is known already. The kernel remembers the last eight.
    Crash(CrashRequest, CrashReplier),
    /// From now on the kernel writes down what happens. What was traced before is gone.
    TraceStart(TraceStartRequest, TraceStartReplier),
    /// The kernel writes nothing down any more. What it has written stays.
    TraceStop(TraceStopReplier),
    /// What was written down on a CPU.
    TraceRing(TraceRingRequest, TraceRingReplier),
    /// Shuts the machine down.
    Shutdown(ShutdownRequest, ShutdownReplier),
    /// Ends all components and resets the machine, which then starts anew and says the last that it had logged.
    Reboot(RebootRequest, RebootReplier),
}

impl<'a> ToServer<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            COMPONENTS if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(2)?;
                let request = ComponentsRequest {
                    first: reader.u16()?,
                };
                reader.finish()?;
                Ok(ToServer::Components(request, ComponentsReplier(asked.into())))
            }
            NEEDS if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = NeedsRequest {
                    name: reader.str(32)?,
                };
                reader.finish()?;
                Ok(ToServer::Needs(request, NeedsReplier(asked.into())))
            }
            CONNECTIONS if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(2)?;
                let request = ConnectionsRequest {
                    first: reader.u16()?,
                };
                reader.finish()?;
                Ok(ToServer::Connections(request, ConnectionsReplier(asked.into())))
            }
            STATISTICS if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let reader = incoming.read();
                reader.finish()?;
                Ok(ToServer::Statistics(StatisticsReplier(asked.into())))
            }
            MEMORY if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let reader = incoming.read();
                reader.finish()?;
                Ok(ToServer::Memory(MemoryReplier(asked.into())))
            }
            KILL if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = KillRequest {
                    name: reader.str(32)?,
                };
                reader.finish()?;
                Ok(ToServer::Kill(request, KillReplier(asked.into())))
            }
            RESTART if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = RestartRequest {
                    name: reader.str(32)?,
                };
                reader.finish()?;
                Ok(ToServer::Restart(request, RestartReplier(asked.into())))
            }
            SET_IMAGE if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = SetImageRequest {
                    name: reader.str(32)?,
                    image: reader.str(64)?,
                };
                reader.finish()?;
                Ok(ToServer::SetImage(request, SetImageReplier(asked.into())))
            }
            LOG if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(8)?;
                let request = LogRequest {
                    position: reader.u64()?,
                };
                reader.finish()?;
                Ok(ToServer::Log(request, LogReplier(asked.into())))
            }
            CRASH if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(9)?;
                let request = CrashRequest {
                    after: reader.u64()?,
                    wait: reader.bool()?,
                };
                reader.finish()?;
                Ok(ToServer::Crash(request, CrashReplier(asked.into())))
            }
            TRACE_START if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(4)?;
                let request = TraceStartRequest {
                    len: reader.u32()?,
                };
                reader.finish()?;
                Ok(ToServer::TraceStart(request, TraceStartReplier(asked.into())))
            }
            TRACE_STOP if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let reader = incoming.read();
                reader.finish()?;
                Ok(ToServer::TraceStop(TraceStopReplier(asked.into())))
            }
            TRACE_RING if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(4)?;
                let request = TraceRingRequest {
                    cpu: reader.u32()?,
                };
                reader.finish()?;
                Ok(ToServer::TraceRing(request, TraceRingReplier(asked.into())))
            }
            SHUTDOWN if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(8)?;
                let request = ShutdownRequest {
                    status: reader.u64()?,
                };
                reader.finish()?;
                Ok(ToServer::Shutdown(request, ShutdownReplier(asked.into())))
            }
            REBOOT if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(1)?;
                let request = RebootRequest {
                    cold: reader.bool()?,
                };
                reader.finish()?;
                Ok(ToServer::Reboot(request, RebootReplier(asked.into())))
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
