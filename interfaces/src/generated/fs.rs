// Generated from interfaces/fs.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! Files. A client has a directory, the topmost it knows, and names nothing outside of it: paths begin
//! there, with or without a `/`; `..` leads no further up; symbolic links lead where the same rules let
//! them. The parts of a path are at most 255 bytes each, in UTF-8.
//!
//! Which directory that is, and whether the client may change what is there, says the system's file
//! (`fs: { dir: /var/www, rights: read }`), or whoever handed on a channel that `open_dir` answered. What may not
//! be done is answered with `PermissionDenied`.
//!
//! What was changed survives a loss of power once `sync` was answered, on the file or on the client's channel;
//! before that, all of it or some of it, in order. When the file server is started anew, open files stay open; what
//! was not synchronised is lost, and the next `sync` says so with `Io`.
//!
//! Small amounts of data travel in messages. For large ones a client shares memory once, and `read_shared` and
//! `write_shared` name a part of it.
#![allow(

    clippy::too_many_arguments,
    clippy::identity_op,
    clippy::needless_lifetimes,
    clippy::useless_conversion
)]
/// The version of this interface. Both sides of a channel must have been built from the same.
pub const HASH: u64 = 0x3877752aefc53257;

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum Kind {
    /// Bytes.
    File = 0,
    /// Names of others.
    Directory = 1,
    /// A path to something else.
    Symlink = 2,
}

impl ::ftl::wire::Wire<'_> for Kind {
    #[inline(always)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.u32(self as u32)
    }

    #[inline(always)]
    fn decode(reader: &mut ::ftl::wire::Reader<'_>) -> ::ftl::Result<Self> {
        match reader.u32()? {
            0 => Ok(Kind::File),
            1 => Ok(Kind::Directory),
            2 => Ok(Kind::Symlink),
            _ => Err(::ftl::Error::Malformed),
        }
    }
}

/// What has happened to a name, or to what it stands for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u32)]
pub enum Change {
    /// It is new.
    Created = 0,
    /// It is gone.
    Removed = 1,
    /// The contents or the attributes have changed.
    Modified = 2,
    /// Anything may have changed, so look anew: more has changed than could wait to be told, a snapshot was restored, or what was not synchronised was lost.
    Other = 3,
}

impl ::ftl::wire::Wire<'_> for Change {
    #[inline(always)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.u32(self as u32)
    }

    #[inline(always)]
    fn decode(reader: &mut ::ftl::wire::Reader<'_>) -> ::ftl::Result<Self> {
        match reader.u32()? {
            0 => Ok(Change::Created),
            1 => Ok(Change::Removed),
            2 => Ok(Change::Modified),
            3 => Ok(Change::Other),
            _ => Err(::ftl::Error::Malformed),
        }
    }
}

/// What is known about a file, directory or link.
#[derive(Clone, Copy, Debug)]
pub struct Metadata {
    /// Kind.
    pub kind: Kind,
    /// Bytes of a file or of a link's target.
    pub len: u64,
    /// How many names it has.
    pub links: u32,
    /// Permission bits; kept, and without meaning to FTL.
    pub mode: u32,
    /// When it was made, in nanoseconds since 1970, UTC.
    pub created_ns: u64,
    /// When its contents changed last.
    pub modified_ns: u64,
    /// When its contents or what is told here changed last.
    pub changed_ns: u64,
    /// Tells it from all others, whatever its name, as long as it exists.
    pub id: u64,
}

impl ::ftl::wire::Wire<'_> for Metadata {
    #[inline(always)]
    #[allow(unused_variables)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        ::ftl::wire::Wire::encode(self.kind, writer)?;
        writer.u64(self.len)?;
        writer.u32(self.links)?;
        writer.u32(self.mode)?;
        writer.u64(self.created_ns)?;
        writer.u64(self.modified_ns)?;
        writer.u64(self.changed_ns)?;
        writer.u64(self.id)?;
        Ok(())
    }

    #[inline(always)]
    #[allow(unused_variables)]
    fn decode(reader: &mut ::ftl::wire::Reader<'_>) -> ::ftl::Result<Self> {
        Ok(Metadata {
            kind: ::ftl::wire::Wire::decode(reader.by_ref())?,
            len: reader.u64()?,
            links: reader.u32()?,
            mode: reader.u32()?,
            created_ns: reader.u64()?,
            modified_ns: reader.u64()?,
            changed_ns: reader.u64()?,
            id: reader.u64()?,
        })
    }
}

/// A name in a directory.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Name.
    pub name: &'a str,
    /// Kind.
    pub kind: Kind,
    /// As in `metadata`.
    pub id: u64,
}

impl<'a> ::ftl::wire::Wire<'a> for Entry<'a> {
    #[inline]
    #[allow(unused_variables)]
    fn encode(self, writer: &mut ::ftl::wire::Writer) -> ::ftl::Result<()> {
        writer.str(self.name, 255)?;
        ::ftl::wire::Wire::encode(self.kind, writer)?;
        writer.u64(self.id)?;
        Ok(())
    }

    #[inline]
    #[allow(unused_variables)]
    fn decode(reader: &mut ::ftl::wire::Reader<'a>) -> ::ftl::Result<Self> {
        Ok(Entry {
            name: reader.str(255)?,
            kind: ::ftl::wire::Wire::decode(reader.by_ref())?,
            id: reader.u64()?,
        })
    }
}

/// Messages that wait in each direction of such a channel.
pub const QUEUE_LEN: usize = 4;

/// Bytes of the largest message on such a channel.
pub const BODY_LEN_MAX: usize = 4008;

const OPEN: u32 = 0x9b79e75d;
const REOPEN: u32 = 0x72044a3d;
const OPEN_DIR: u32 = 0xec364a33;
const METADATA: u32 = 0xdc688fa8;
const READ_DIR: u32 = 0x322727a5;
const READ_DIR_SHARED: u32 = 0xc2845fea;
const CREATE_DIR: u32 = 0xec5715c0;
const REMOVE_FILE: u32 = 0x0ee9e0b1;
const REMOVE_DIR: u32 = 0xc07cb1d9;
const RENAME: u32 = 0x71d8e20c;
const HARD_LINK: u32 = 0x5c6e1305;
const SYMLINK: u32 = 0x6f61ec27;
const READ_LINK: u32 = 0xf041b950;
const SET_PERMISSIONS: u32 = 0x0b269612;
const WATCH: u32 = 0x51666484;
const TRANSACTION: u32 = 0xb6e9d9c7;
const SYNC: u32 = 0xec3ad523;
const SPACE: u32 = 0xf12b116f;
const SHARE: u32 = 0x54fb0611;

/// The clients of a component that provides this interface.
pub type Provider = ::ftl::Provider<Server>;

/// Both ends of a new channel: the `client`'s and the `server`'s.
pub fn channel() -> ::ftl::Result<(Client, Server)> {
    let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
    Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
}

/// What the call `open` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct OpenRequest<'a> {
    /// Path.
    pub path: &'a str,
    /// It will be read.
    pub read: bool,
    /// It will be written.
    pub write: bool,
    /// If there is none, an empty one is made.
    pub create: bool,
    /// An empty one is made; there must be none.
    pub create_new: bool,
    /// What is in it is thrown away.
    pub truncate: bool,
}

/// What the call `open` answers with.
#[derive(Debug)]
pub struct OpenReply {
    /// File.
    pub file: crate::fs::file::Client,
    /// Metadata.
    pub metadata: Metadata,
}

/// Answers the call `open`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct OpenReplier(::ftl::reply::Replier);

impl OpenReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(
        self,
        file: crate::fs::file::Client,
        metadata: Metadata,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.handle(file)?;
        ::ftl::wire::Wire::encode(metadata, &mut writer)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `reopen` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct ReopenRequest {
    /// Id.
    pub id: u64,
    /// Tells it from a later file with the same `id`.
    pub created_ns: u64,
    /// It will be read.
    pub read: bool,
    /// It will be written.
    pub write: bool,
}

/// What the call `reopen` answers with.
#[derive(Debug)]
pub struct ReopenReply {
    /// File.
    pub file: crate::fs::file::Client,
    /// Metadata.
    pub metadata: Metadata,
}

/// Answers the call `reopen`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct ReopenReplier(::ftl::reply::Replier);

impl ReopenReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(
        self,
        file: crate::fs::file::Client,
        metadata: Metadata,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.handle(file)?;
        ::ftl::wire::Wire::encode(metadata, &mut writer)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `open_dir` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct OpenDirRequest<'a> {
    /// Path.
    pub path: &'a str,
    /// What is there may be changed through it, which this channel must allow as well.
    pub write: bool,
}

/// Answers the call `open_dir`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct OpenDirReplier(::ftl::reply::Replier);

impl OpenDirReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, dir: Client) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.handle(dir)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `metadata` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct MetadataRequest<'a> {
    /// Path.
    pub path: &'a str,
    /// If it is a symbolic link, what that leads to.
    pub follow: bool,
}

/// Answers the call `metadata`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct MetadataReplier(::ftl::reply::Replier);

impl MetadataReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, metadata: Metadata) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        ::ftl::wire::Wire::encode(metadata, &mut writer)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `read_dir` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct ReadDirRequest<'a> {
    /// Path.
    pub path: &'a str,
    /// The last name that was told; empty at first.
    pub after: &'a str,
}

/// Answers the call `read_dir`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct ReadDirReplier(::ftl::reply::Replier);

impl ReadDirReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok<'a>(
        self,
        entries: impl Into<::ftl::wire::List<'a, Entry<'a>>>,
    ) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.list(entries.into(), 14)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `read_dir_shared` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct ReadDirSharedRequest<'a> {
    /// Path.
    pub path: &'a str,
    /// The last name that was told; empty at first.
    pub after: &'a str,
    /// Where in the memory.
    pub at: u32,
    /// Bytes that there is room for; at least 300, at most 256 KiB.
    pub len: u32,
}

/// Answers the call `read_dir_shared`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct ReadDirSharedReplier(::ftl::reply::Replier);

impl ReadDirSharedReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, len: u32) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u32(len)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `create_dir` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct CreateDirRequest<'a> {
    /// Path.
    pub path: &'a str,
}

/// Answers the call `create_dir`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct CreateDirReplier(::ftl::reply::Replier);

impl CreateDirReplier {
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

/// What the call `remove_file` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct RemoveFileRequest<'a> {
    /// Path.
    pub path: &'a str,
}

/// Answers the call `remove_file`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct RemoveFileReplier(::ftl::reply::Replier);

impl RemoveFileReplier {
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

/// What the call `remove_dir` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct RemoveDirRequest<'a> {
    /// Path.
    pub path: &'a str,
}

/// Answers the call `remove_dir`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct RemoveDirReplier(::ftl::reply::Replier);

impl RemoveDirReplier {
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

/// What the call `rename` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct RenameRequest<'a> {
    /// Old.
    pub old: &'a str,
    /// New.
    pub new: &'a str,
}

/// Answers the call `rename`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct RenameReplier(::ftl::reply::Replier);

impl RenameReplier {
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

/// What the call `hard_link` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct HardLinkRequest<'a> {
    /// Original.
    pub original: &'a str,
    /// Link.
    pub link: &'a str,
}

/// Answers the call `hard_link`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct HardLinkReplier(::ftl::reply::Replier);

impl HardLinkReplier {
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

/// What the call `symlink` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct SymlinkRequest<'a> {
    /// Where it leads; nobody checks.
    pub target: &'a str,
    /// Link.
    pub link: &'a str,
}

/// Answers the call `symlink`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct SymlinkReplier(::ftl::reply::Replier);

impl SymlinkReplier {
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

/// What the call `read_link` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct ReadLinkRequest<'a> {
    /// Path.
    pub path: &'a str,
}

/// Answers the call `read_link`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct ReadLinkReplier(::ftl::reply::Replier);

impl ReadLinkReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, target: &str) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.str(target, 4000)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `set_permissions` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct SetPermissionsRequest<'a> {
    /// Path.
    pub path: &'a str,
    /// Mode.
    pub mode: u32,
}

/// Answers the call `set_permissions`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct SetPermissionsReplier(::ftl::reply::Replier);

impl SetPermissionsReplier {
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

/// What the call `watch` is asked with.
#[derive(Clone, Copy, Debug)]
pub struct WatchRequest<'a> {
    /// Path.
    pub path: &'a str,
}

/// Answers the call `watch`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct WatchReplier(::ftl::reply::Replier);

impl WatchReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, watch: crate::fs::watch::Client) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.handle(watch)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// Answers the call `transaction`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct TransactionReplier(::ftl::reply::Replier);

impl TransactionReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, transaction: crate::fs::transaction::Client) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.handle(transaction)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// Answers the call `sync`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct SyncReplier(::ftl::reply::Replier);

impl SyncReplier {
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

/// What the call `space` answers with.
#[derive(Clone, Copy, Debug)]
pub struct SpaceReply {
    /// Bytes of the disk that can hold data.
    pub total: u64,
    /// How many of them are free.
    pub free: u64,
}

/// Answers the call `space`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct SpaceReplier(::ftl::reply::Replier);

impl SpaceReplier {
    /// Answers that it worked.
    #[inline]
    pub fn ok(self, total: u64, free: u64) -> ::ftl::Result<()> {
        let mut writer = self.0.begin()?;
        writer.u64(total)?;
        writer.u64(free)?;
        self.0.send(writer)
    }

    /// Answers that it did not.
    pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
        self.0.fail(u32::from(error.code()))
    }
}

/// What the call `share` is asked with.
#[derive(Debug)]
pub struct ShareRequest {
    /// Memory.
    pub memory: ::ftl::handle::Folio,
}

/// Answers the call `share`. It may be kept and used later; dropped, it answers `NoReply`.
#[derive(Debug)]
#[must_use = "the caller waits for an answer"]
pub struct ShareReplier(::ftl::reply::Replier);

impl ShareReplier {
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

/// The `client`'s end of a `fs` channel. Clones are the same end; dropping the last one closes it.
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
    /// Opens a file.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn open_start(
        &self,
        path: &str,
        read: bool,
        write: bool,
        create: bool,
        create_new: bool,
        truncate: bool,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(path, 2000)?;
        writer.bool(read)?;
        writer.bool(write)?;
        writer.bool(create)?;
        writer.bool(create_new)?;
        writer.bool(truncate)?;
        self.0.start(OPEN, writer)
    }

    /// Opens a file again by what `metadata` said of it, whatever its name is now: after the file server was started
    /// anew. One of its names must lie in the client's directory.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn reopen_start(
        &self,
        id: u64,
        created_ns: u64,
        read: bool,
        write: bool,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u64(id)?;
        writer.u64(created_ns)?;
        writer.bool(read)?;
        writer.bool(write)?;
        self.0.start(REOPEN, writer)
    }

    /// A channel whose topmost directory is this one, to be kept or handed on. It stays with the directory when that is
    /// renamed or moved.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn open_dir_start(
        &self,
        path: &str,
        write: bool,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(path, 2000)?;
        writer.bool(write)?;
        self.0.start(OPEN_DIR, writer)
    }

    /// What is known about something.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn metadata_start(
        &self,
        path: &str,
        follow: bool,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(path, 2000)?;
        writer.bool(follow)?;
        self.0.start(METADATA, writer)
    }

    /// A part of a directory, in the order of the names' bytes. Names that come or go meanwhile are told or not; no other is left out or told twice.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn read_dir_start(
        &self,
        path: &str,
        after: &str,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(path, 2000)?;
        writer.str(after, 255)?;
        self.0.start(READ_DIR, writer)
    }

    /// The same into the client's shared memory, for directories with many names. An entry is its `id` (8 bytes, the lowest
    /// first), its kind (1 byte: 0 file, 1 directory, 2 symlink), the length of its name (1 byte), and its name.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn read_dir_shared_start(
        &self,
        path: &str,
        after: &str,
        at: u32,
        len: u32,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(path, 2000)?;
        writer.str(after, 255)?;
        writer.u32(at)?;
        writer.u32(len)?;
        self.0.start(READ_DIR_SHARED, writer)
    }

    /// Makes a directory.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn create_dir_start(&self, path: &str) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(path, 2000)?;
        self.0.start(CREATE_DIR, writer)
    }

    /// Takes away a name that is not a directory's. What has no other name is gone when nobody has it open any more.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn remove_file_start(&self, path: &str) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(path, 2000)?;
        self.0.start(REMOVE_FILE, writer)
    }

    /// Removes an empty directory.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn remove_dir_start(&self, path: &str) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(path, 2000)?;
        self.0.start(REMOVE_DIR, writer)
    }

    /// Gives something another name, in one step. What has that name already is replaced, if both are directories (and the other is empty), or neither is.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn rename_start(
        &self,
        old: &str,
        new: &str,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(old, 1900)?;
        writer.str(new, 1900)?;
        self.0.start(RENAME, writer)
    }

    /// Gives a file one more name.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn hard_link_start(
        &self,
        original: &str,
        link: &str,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(original, 1900)?;
        writer.str(link, 1900)?;
        self.0.start(HARD_LINK, writer)
    }

    /// Makes a symbolic link.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn symlink_start(
        &self,
        target: &str,
        link: &str,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(target, 1900)?;
        writer.str(link, 1900)?;
        self.0.start(SYMLINK, writer)
    }

    /// Where a symbolic link leads.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn read_link_start(&self, path: &str) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(path, 2000)?;
        self.0.start(READ_LINK, writer)
    }

    /// Sets the permission bits.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn set_permissions_start(
        &self,
        path: &str,
        mode: u32,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(path, 2000)?;
        writer.u32(mode)?;
        self.0.start(SET_PERMISSIONS, writer)
    }

    /// Tells of changes from now on: in a directory, of its names and of the files in it, but not in directories below;
    /// of a file, of itself. It stays with that whatever its name is. The channel closes when the file server is started
    /// anew, and when what is watched is taken away by a restored snapshot.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn watch_start(&self, path: &str) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(path, 2000)?;
        self.0.start(WATCH, writer)
    }

    /// A list of changes that are to happen together. Nothing happens before its `commit`, and nobody waits for it. There are
    /// bounds to how much a list may hold, and one that nobody goes on with for ten seconds may have to make room for another: its channel closes.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn transaction_start(&self) -> ::ftl::Result<::ftl::Transaction> {
        let writer = ::ftl::wire::Writer::new();
        self.0.start(TRANSACTION, writer)
    }

    /// Answered when all that was changed before, by anyone, survives a loss of power.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn sync_start(&self) -> ::ftl::Result<::ftl::Transaction> {
        let writer = ::ftl::wire::Writer::new();
        self.0.start(SYNC, writer)
    }

    /// How much room there is.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn space_start(&self) -> ::ftl::Result<::ftl::Transaction> {
        let writer = ::ftl::wire::Writer::new();
        self.0.start(SPACE, writer)
    }

    /// Shares memory for `read_shared` and `write_shared`, instead of what was shared before.
    ///
    /// The answer comes as an event with the transaction that is returned here.
    #[inline]
    pub fn share_start(
        &self,
        memory: ::ftl::handle::Folio,
    ) -> ::ftl::Result<::ftl::Transaction> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.handle(memory)?;
        self.0.start(SHARE, writer)
    }
}

/// The calls of [`Client`] as functions that wait for their answer. Imported by `spec` unless the
/// component's file says `blocking: false`.
pub trait Blocking {
    /// Opens a file.
    fn open(
        &mut self,
        path: &str,
        read: bool,
        write: bool,
        create: bool,
        create_new: bool,
        truncate: bool,
    ) -> ::core::result::Result<OpenReply, ::ftl::Error>;

    /// Opens a file again by what `metadata` said of it, whatever its name is now: after the file server was started
    /// anew. One of its names must lie in the client's directory.
    fn reopen(
        &mut self,
        id: u64,
        created_ns: u64,
        read: bool,
        write: bool,
    ) -> ::core::result::Result<ReopenReply, ::ftl::Error>;

    /// A channel whose topmost directory is this one, to be kept or handed on. It stays with the directory when that is
    /// renamed or moved.
    fn open_dir(
        &mut self,
        path: &str,
        write: bool,
    ) -> ::core::result::Result<Client, ::ftl::Error>;

    /// What is known about something.
    fn metadata(
        &mut self,
        path: &str,
        follow: bool,
    ) -> ::core::result::Result<Metadata, ::ftl::Error>;

    /// A part of a directory, in the order of the names' bytes. Names that come or go meanwhile are told or not; no other is left out or told twice.
    fn read_dir<'s>(
        &'s mut self,
        path: &str,
        after: &str,
    ) -> ::core::result::Result<::ftl::wire::List<'s, Entry<'s>>, ::ftl::Error>;

    /// The same into the client's shared memory, for directories with many names. An entry is its `id` (8 bytes, the lowest
    /// first), its kind (1 byte: 0 file, 1 directory, 2 symlink), the length of its name (1 byte), and its name.
    fn read_dir_shared(
        &mut self,
        path: &str,
        after: &str,
        at: u32,
        len: u32,
    ) -> ::core::result::Result<u32, ::ftl::Error>;

    /// Makes a directory.
    fn create_dir(&mut self, path: &str) -> ::core::result::Result<(), ::ftl::Error>;

    /// Takes away a name that is not a directory's. What has no other name is gone when nobody has it open any more.
    fn remove_file(&mut self, path: &str) -> ::core::result::Result<(), ::ftl::Error>;

    /// Removes an empty directory.
    fn remove_dir(&mut self, path: &str) -> ::core::result::Result<(), ::ftl::Error>;

    /// Gives something another name, in one step. What has that name already is replaced, if both are directories (and the other is empty), or neither is.
    fn rename(
        &mut self,
        old: &str,
        new: &str,
    ) -> ::core::result::Result<(), ::ftl::Error>;

    /// Gives a file one more name.
    fn hard_link(
        &mut self,
        original: &str,
        link: &str,
    ) -> ::core::result::Result<(), ::ftl::Error>;

    /// Makes a symbolic link.
    fn symlink(
        &mut self,
        target: &str,
        link: &str,
    ) -> ::core::result::Result<(), ::ftl::Error>;

    /// Where a symbolic link leads.
    fn read_link<'s>(
        &'s mut self,
        path: &str,
    ) -> ::core::result::Result<&'s str, ::ftl::Error>;

    /// Sets the permission bits.
    fn set_permissions(
        &mut self,
        path: &str,
        mode: u32,
    ) -> ::core::result::Result<(), ::ftl::Error>;

    /// Tells of changes from now on: in a directory, of its names and of the files in it, but not in directories below;
    /// of a file, of itself. It stays with that whatever its name is. The channel closes when the file server is started
    /// anew, and when what is watched is taken away by a restored snapshot.
    fn watch(
        &mut self,
        path: &str,
    ) -> ::core::result::Result<crate::fs::watch::Client, ::ftl::Error>;

    /// A list of changes that are to happen together. Nothing happens before its `commit`, and nobody waits for it. There are
    /// bounds to how much a list may hold, and one that nobody goes on with for ten seconds may have to make room for another: its channel closes.
    fn transaction(
        &mut self,
    ) -> ::core::result::Result<crate::fs::transaction::Client, ::ftl::Error>;

    /// Answered when all that was changed before, by anyone, survives a loss of power.
    fn sync(&mut self) -> ::core::result::Result<(), ::ftl::Error>;

    /// How much room there is.
    fn space(&mut self) -> ::core::result::Result<SpaceReply, ::ftl::Error>;

    /// Shares memory for `read_shared` and `write_shared`, instead of what was shared before.
    fn share(
        &mut self,
        memory: ::ftl::handle::Folio,
    ) -> ::core::result::Result<(), ::ftl::Error>;
}

impl Blocking for Client {
    #[inline]
    fn open(
        &mut self,
        path: &str,
        read: bool,
        write: bool,
        create: bool,
        create_new: bool,
        truncate: bool,
    ) -> ::core::result::Result<OpenReply, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(path, 2000)?;
        writer.bool(read)?;
        writer.bool(write)?;
        writer.bool(create)?;
        writer.bool(create_new)?;
        writer.bool(truncate)?;
        let incoming = self.0.call(OPEN, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(56)?;
                Ok(OpenReply {
                    file: reader.handle()?,
                    metadata: ::ftl::wire::Wire::decode(reader.by_ref())?,
                })
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn reopen(
        &mut self,
        id: u64,
        created_ns: u64,
        read: bool,
        write: bool,
    ) -> ::core::result::Result<ReopenReply, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.u64(id)?;
        writer.u64(created_ns)?;
        writer.bool(read)?;
        writer.bool(write)?;
        let incoming = self.0.call(REOPEN, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(56)?;
                Ok(ReopenReply {
                    file: reader.handle()?,
                    metadata: ::ftl::wire::Wire::decode(reader.by_ref())?,
                })
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn open_dir(
        &mut self,
        path: &str,
        write: bool,
    ) -> ::core::result::Result<Client, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(path, 2000)?;
        writer.bool(write)?;
        let incoming = self.0.call(OPEN_DIR, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(4)?;
                Ok(reader.handle()?)
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn metadata(
        &mut self,
        path: &str,
        follow: bool,
    ) -> ::core::result::Result<Metadata, ::ftl::Error> {
        let incoming = self
            .0
            .call_again(
                METADATA,
                || {
                    let mut writer = ::ftl::wire::Writer::new();
                    writer.str(path, 2000)?;
                    writer.bool(follow)?;
                    Ok(writer)
                },
            )?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(56)?;
                Ok(::ftl::wire::Wire::decode(reader.by_ref())?)
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn read_dir<'s>(
        &'s mut self,
        path: &str,
        after: &str,
    ) -> ::core::result::Result<::ftl::wire::List<'s, Entry<'s>>, ::ftl::Error> {
        let incoming = self
            .0
            .call_again(
                READ_DIR,
                || {
                    let mut writer = ::ftl::wire::Writer::new();
                    writer.str(path, 2000)?;
                    writer.str(after, 255)?;
                    Ok(writer)
                },
            )?;
        let mut reader = incoming.read_with_views();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(reader.list(14)?),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn read_dir_shared(
        &mut self,
        path: &str,
        after: &str,
        at: u32,
        len: u32,
    ) -> ::core::result::Result<u32, ::ftl::Error> {
        let incoming = self
            .0
            .call_again(
                READ_DIR_SHARED,
                || {
                    let mut writer = ::ftl::wire::Writer::new();
                    writer.str(path, 2000)?;
                    writer.str(after, 255)?;
                    writer.u32(at)?;
                    writer.u32(len)?;
                    Ok(writer)
                },
            )?;
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
    fn create_dir(&mut self, path: &str) -> ::core::result::Result<(), ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(path, 2000)?;
        let incoming = self.0.call(CREATE_DIR, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn remove_file(&mut self, path: &str) -> ::core::result::Result<(), ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(path, 2000)?;
        let incoming = self.0.call(REMOVE_FILE, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn remove_dir(&mut self, path: &str) -> ::core::result::Result<(), ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(path, 2000)?;
        let incoming = self.0.call(REMOVE_DIR, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn rename(
        &mut self,
        old: &str,
        new: &str,
    ) -> ::core::result::Result<(), ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(old, 1900)?;
        writer.str(new, 1900)?;
        let incoming = self.0.call(RENAME, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn hard_link(
        &mut self,
        original: &str,
        link: &str,
    ) -> ::core::result::Result<(), ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(original, 1900)?;
        writer.str(link, 1900)?;
        let incoming = self.0.call(HARD_LINK, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn symlink(
        &mut self,
        target: &str,
        link: &str,
    ) -> ::core::result::Result<(), ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(target, 1900)?;
        writer.str(link, 1900)?;
        let incoming = self.0.call(SYMLINK, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn read_link<'s>(
        &'s mut self,
        path: &str,
    ) -> ::core::result::Result<&'s str, ::ftl::Error> {
        let incoming = self
            .0
            .call_again(
                READ_LINK,
                || {
                    let mut writer = ::ftl::wire::Writer::new();
                    writer.str(path, 2000)?;
                    Ok(writer)
                },
            )?;
        let mut reader = incoming.read_with_views();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(reader.str(4000)?),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn set_permissions(
        &mut self,
        path: &str,
        mode: u32,
    ) -> ::core::result::Result<(), ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(path, 2000)?;
        writer.u32(mode)?;
        let incoming = self.0.call(SET_PERMISSIONS, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn watch(
        &mut self,
        path: &str,
    ) -> ::core::result::Result<crate::fs::watch::Client, ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.str(path, 2000)?;
        let incoming = self.0.call(WATCH, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(4)?;
                Ok(reader.handle()?)
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn transaction(
        &mut self,
    ) -> ::core::result::Result<crate::fs::transaction::Client, ::ftl::Error> {
        let writer = ::ftl::wire::Writer::new();
        let incoming = self.0.call(TRANSACTION, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(4)?;
                Ok(reader.handle()?)
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn sync(&mut self) -> ::core::result::Result<(), ::ftl::Error> {
        let writer = ::ftl::wire::Writer::new();
        let incoming = self.0.call(SYNC, writer)?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => Ok(()),
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn space(&mut self) -> ::core::result::Result<SpaceReply, ::ftl::Error> {
        let incoming = self
            .0
            .call_again(
                SPACE,
                || {
                    let writer = ::ftl::wire::Writer::new();
                    Ok(writer)
                },
            )?;
        let mut reader = incoming.read();
        let result = match ::ftl::reply::read_status(&mut reader)? {
            Ok(()) => {
                reader.expect_len(24)?;
                Ok(SpaceReply {
                    total: reader.u64()?,
                    free: reader.u64()?,
                })
            }
            Err(code) => Err(::ftl::reply::error_from_code(code)),
        };
        reader.finish()?;
        result
    }

    #[inline]
    fn share(
        &mut self,
        memory: ::ftl::handle::Folio,
    ) -> ::core::result::Result<(), ::ftl::Error> {
        let mut writer = ::ftl::wire::Writer::new();
        writer.handle(memory)?;
        let incoming = self.0.call(SHARE, writer)?;
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
    /// The answer to [`Client::open_start`].
    Open(::ftl::Transaction, ::core::result::Result<OpenReply, ::ftl::Error>),
    /// The answer to [`Client::reopen_start`].
    Reopen(::ftl::Transaction, ::core::result::Result<ReopenReply, ::ftl::Error>),
    /// The answer to [`Client::open_dir_start`].
    OpenDir(::ftl::Transaction, ::core::result::Result<Client, ::ftl::Error>),
    /// The answer to [`Client::metadata_start`].
    Metadata(::ftl::Transaction, ::core::result::Result<Metadata, ::ftl::Error>),
    /// The answer to [`Client::read_dir_start`].
    ReadDir(
        ::ftl::Transaction,
        ::core::result::Result<::ftl::wire::List<'a, Entry<'a>>, ::ftl::Error>,
    ),
    /// The answer to [`Client::read_dir_shared_start`].
    ReadDirShared(::ftl::Transaction, ::core::result::Result<u32, ::ftl::Error>),
    /// The answer to [`Client::create_dir_start`].
    CreateDir(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// The answer to [`Client::remove_file_start`].
    RemoveFile(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// The answer to [`Client::remove_dir_start`].
    RemoveDir(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// The answer to [`Client::rename_start`].
    Rename(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// The answer to [`Client::hard_link_start`].
    HardLink(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// The answer to [`Client::symlink_start`].
    Symlink(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// The answer to [`Client::read_link_start`].
    ReadLink(::ftl::Transaction, ::core::result::Result<&'a str, ::ftl::Error>),
    /// The answer to [`Client::set_permissions_start`].
    SetPermissions(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// The answer to [`Client::watch_start`].
    Watch(
        ::ftl::Transaction,
        ::core::result::Result<crate::fs::watch::Client, ::ftl::Error>,
    ),
    /// The answer to [`Client::transaction_start`].
    Transaction(
        ::ftl::Transaction,
        ::core::result::Result<crate::fs::transaction::Client, ::ftl::Error>,
    ),
    /// The answer to [`Client::sync_start`].
    Sync(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    /// The answer to [`Client::space_start`].
    Space(::ftl::Transaction, ::core::result::Result<SpaceReply, ::ftl::Error>),
    /// The answer to [`Client::share_start`].
    Share(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
}

impl<'a> ToClient<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            OPEN if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(56)?;
                        Ok(OpenReply {
                            file: reader.handle()?,
                            metadata: ::ftl::wire::Wire::decode(reader.by_ref())?,
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Open(transaction, result))
            }
            REOPEN if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(56)?;
                        Ok(ReopenReply {
                            file: reader.handle()?,
                            metadata: ::ftl::wire::Wire::decode(reader.by_ref())?,
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Reopen(transaction, result))
            }
            OPEN_DIR if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(4)?;
                        Ok(reader.handle()?)
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::OpenDir(transaction, result))
            }
            METADATA if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(56)?;
                        Ok(::ftl::wire::Wire::decode(reader.by_ref())?)
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Metadata(transaction, result))
            }
            READ_DIR if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read_with_views();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(reader.list(14)?),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::ReadDir(transaction, result))
            }
            READ_DIR_SHARED if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
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
                Ok(ToClient::ReadDirShared(transaction, result))
            }
            CREATE_DIR if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::CreateDir(transaction, result))
            }
            REMOVE_FILE if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::RemoveFile(transaction, result))
            }
            REMOVE_DIR if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::RemoveDir(transaction, result))
            }
            RENAME if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Rename(transaction, result))
            }
            HARD_LINK if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::HardLink(transaction, result))
            }
            SYMLINK if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Symlink(transaction, result))
            }
            READ_LINK if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read_with_views();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(reader.str(4000)?),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::ReadLink(transaction, result))
            }
            SET_PERMISSIONS if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::SetPermissions(transaction, result))
            }
            WATCH if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(4)?;
                        Ok(reader.handle()?)
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Watch(transaction, result))
            }
            TRANSACTION if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(4)?;
                        Ok(reader.handle()?)
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Transaction(transaction, result))
            }
            SYNC if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Sync(transaction, result))
            }
            SPACE if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => {
                        reader.expect_len(24)?;
                        Ok(SpaceReply {
                            total: reader.u64()?,
                            free: reader.u64()?,
                        })
                    }
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Space(transaction, result))
            }
            SHARE if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                let transaction = incoming.transaction();
                let mut reader = incoming.read();
                let result = match ::ftl::reply::read_status(&mut reader)? {
                    Ok(()) => Ok(()),
                    Err(code) => Err(::ftl::reply::error_from_code(code)),
                };
                reader.finish()?;
                Ok(ToClient::Share(transaction, result))
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
            OPEN => Some(ToClient::Open(transaction, Err(error))),
            REOPEN => Some(ToClient::Reopen(transaction, Err(error))),
            OPEN_DIR => Some(ToClient::OpenDir(transaction, Err(error))),
            METADATA => Some(ToClient::Metadata(transaction, Err(error))),
            READ_DIR => Some(ToClient::ReadDir(transaction, Err(error))),
            READ_DIR_SHARED => Some(ToClient::ReadDirShared(transaction, Err(error))),
            CREATE_DIR => Some(ToClient::CreateDir(transaction, Err(error))),
            REMOVE_FILE => Some(ToClient::RemoveFile(transaction, Err(error))),
            REMOVE_DIR => Some(ToClient::RemoveDir(transaction, Err(error))),
            RENAME => Some(ToClient::Rename(transaction, Err(error))),
            HARD_LINK => Some(ToClient::HardLink(transaction, Err(error))),
            SYMLINK => Some(ToClient::Symlink(transaction, Err(error))),
            READ_LINK => Some(ToClient::ReadLink(transaction, Err(error))),
            SET_PERMISSIONS => Some(ToClient::SetPermissions(transaction, Err(error))),
            WATCH => Some(ToClient::Watch(transaction, Err(error))),
            TRANSACTION => Some(ToClient::Transaction(transaction, Err(error))),
            SYNC => Some(ToClient::Sync(transaction, Err(error))),
            SPACE => Some(ToClient::Space(transaction, Err(error))),
            SHARE => Some(ToClient::Share(transaction, Err(error))),
            _ => None,
        }
    }
}

/// The `server`'s end of a `fs` channel. Clones are the same end; dropping the last one closes it.
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
    /// Opens a file.
    Open(OpenRequest<'a>, OpenReplier),
    /// Opens a file again by what `metadata` said of it, whatever its name is now: after the file server was started
    /// anew. One of its names must lie in the client's directory.
    Reopen(ReopenRequest, ReopenReplier),
    /// A channel whose topmost directory is this one, to be kept or handed on. It stays with the directory when that is
    /// renamed or moved.
    OpenDir(OpenDirRequest<'a>, OpenDirReplier),
    /// What is known about something.
    Metadata(MetadataRequest<'a>, MetadataReplier),
    /// A part of a directory, in the order of the names' bytes. Names that come or go meanwhile are told or not; no other is left out or told twice.
    ReadDir(ReadDirRequest<'a>, ReadDirReplier),
    /// The same into the client's shared memory, for directories with many names. An entry is its `id` (8 bytes, the lowest
    /// first), its kind (1 byte: 0 file, 1 directory, 2 symlink), the length of its name (1 byte), and its name.
    ReadDirShared(ReadDirSharedRequest<'a>, ReadDirSharedReplier),
    /// Makes a directory.
    CreateDir(CreateDirRequest<'a>, CreateDirReplier),
    /// Takes away a name that is not a directory's. What has no other name is gone when nobody has it open any more.
    RemoveFile(RemoveFileRequest<'a>, RemoveFileReplier),
    /// Removes an empty directory.
    RemoveDir(RemoveDirRequest<'a>, RemoveDirReplier),
    /// Gives something another name, in one step. What has that name already is replaced, if both are directories (and the other is empty), or neither is.
    Rename(RenameRequest<'a>, RenameReplier),
    /// Gives a file one more name.
    HardLink(HardLinkRequest<'a>, HardLinkReplier),
    /// Makes a symbolic link.
    Symlink(SymlinkRequest<'a>, SymlinkReplier),
    /// Where a symbolic link leads.
    ReadLink(ReadLinkRequest<'a>, ReadLinkReplier),
    /// Sets the permission bits.
    SetPermissions(SetPermissionsRequest<'a>, SetPermissionsReplier),
    /// Tells of changes from now on: in a directory, of its names and of the files in it, but not in directories below;
    /// of a file, of itself. It stays with that whatever its name is. The channel closes when the file server is started
    /// anew, and when what is watched is taken away by a restored snapshot.
    Watch(WatchRequest<'a>, WatchReplier),
    /// A list of changes that are to happen together. Nothing happens before its `commit`, and nobody waits for it. There are
    /// bounds to how much a list may hold, and one that nobody goes on with for ten seconds may have to make room for another: its channel closes.
    Transaction(TransactionReplier),
    /// Answered when all that was changed before, by anyone, survives a loss of power.
    Sync(SyncReplier),
    /// How much room there is.
    Space(SpaceReplier),
    /// Shares memory for `read_shared` and `write_shared`, instead of what was shared before.
    Share(ShareRequest, ShareReplier),
}

impl<'a> ToServer<'a> {
    /// Decodes a message; an error means that the sender broke the interface's rules.
    #[inline]
    pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
        match incoming.ordinal() {
            OPEN if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = OpenRequest {
                    path: reader.str(2000)?,
                    read: reader.bool()?,
                    write: reader.bool()?,
                    create: reader.bool()?,
                    create_new: reader.bool()?,
                    truncate: reader.bool()?,
                };
                reader.finish()?;
                Ok(ToServer::Open(request, OpenReplier(asked.into())))
            }
            REOPEN if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(18)?;
                let request = ReopenRequest {
                    id: reader.u64()?,
                    created_ns: reader.u64()?,
                    read: reader.bool()?,
                    write: reader.bool()?,
                };
                reader.finish()?;
                Ok(ToServer::Reopen(request, ReopenReplier(asked.into())))
            }
            OPEN_DIR if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = OpenDirRequest {
                    path: reader.str(2000)?,
                    write: reader.bool()?,
                };
                reader.finish()?;
                Ok(ToServer::OpenDir(request, OpenDirReplier(asked.into())))
            }
            METADATA if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = MetadataRequest {
                    path: reader.str(2000)?,
                    follow: reader.bool()?,
                };
                reader.finish()?;
                Ok(ToServer::Metadata(request, MetadataReplier(asked.into())))
            }
            READ_DIR if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = ReadDirRequest {
                    path: reader.str(2000)?,
                    after: reader.str(255)?,
                };
                reader.finish()?;
                Ok(ToServer::ReadDir(request, ReadDirReplier(asked.into())))
            }
            READ_DIR_SHARED if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = ReadDirSharedRequest {
                    path: reader.str(2000)?,
                    after: reader.str(255)?,
                    at: reader.u32()?,
                    len: reader.u32()?,
                };
                reader.finish()?;
                Ok(ToServer::ReadDirShared(request, ReadDirSharedReplier(asked.into())))
            }
            CREATE_DIR if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = CreateDirRequest {
                    path: reader.str(2000)?,
                };
                reader.finish()?;
                Ok(ToServer::CreateDir(request, CreateDirReplier(asked.into())))
            }
            REMOVE_FILE if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = RemoveFileRequest {
                    path: reader.str(2000)?,
                };
                reader.finish()?;
                Ok(ToServer::RemoveFile(request, RemoveFileReplier(asked.into())))
            }
            REMOVE_DIR if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = RemoveDirRequest {
                    path: reader.str(2000)?,
                };
                reader.finish()?;
                Ok(ToServer::RemoveDir(request, RemoveDirReplier(asked.into())))
            }
            RENAME if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = RenameRequest {
                    old: reader.str(1900)?,
                    new: reader.str(1900)?,
                };
                reader.finish()?;
                Ok(ToServer::Rename(request, RenameReplier(asked.into())))
            }
            HARD_LINK if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = HardLinkRequest {
                    original: reader.str(1900)?,
                    link: reader.str(1900)?,
                };
                reader.finish()?;
                Ok(ToServer::HardLink(request, HardLinkReplier(asked.into())))
            }
            SYMLINK if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = SymlinkRequest {
                    target: reader.str(1900)?,
                    link: reader.str(1900)?,
                };
                reader.finish()?;
                Ok(ToServer::Symlink(request, SymlinkReplier(asked.into())))
            }
            READ_LINK if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = ReadLinkRequest {
                    path: reader.str(2000)?,
                };
                reader.finish()?;
                Ok(ToServer::ReadLink(request, ReadLinkReplier(asked.into())))
            }
            SET_PERMISSIONS if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = SetPermissionsRequest {
                    path: reader.str(2000)?,
                    mode: reader.u32()?,
                };
                reader.finish()?;
                Ok(
                    ToServer::SetPermissions(
                        request,
                        SetPermissionsReplier(asked.into()),
                    ),
                )
            }
            WATCH if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read_with_views();
                let request = WatchRequest {
                    path: reader.str(2000)?,
                };
                reader.finish()?;
                Ok(ToServer::Watch(request, WatchReplier(asked.into())))
            }
            TRANSACTION if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let reader = incoming.read();
                reader.finish()?;
                Ok(ToServer::Transaction(TransactionReplier(asked.into())))
            }
            SYNC if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let reader = incoming.read();
                reader.finish()?;
                Ok(ToServer::Sync(SyncReplier(asked.into())))
            }
            SPACE if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let reader = incoming.read();
                reader.finish()?;
                Ok(ToServer::Space(SpaceReplier(asked.into())))
            }
            SHARE if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                let asked = incoming.asked();
                let mut reader = incoming.read();
                reader.expect_len(0)?;
                let request = ShareRequest {
                    memory: reader.handle()?,
                };
                reader.finish()?;
                Ok(ToServer::Share(request, ShareReplier(asked.into())))
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

/// Tells of changes. Dropping the channel ends that.
pub mod watch {
    #[allow(unused_imports)]
    use super::*;

    /// Messages that wait in each direction of such a channel.
    pub const QUEUE_LEN: usize = 32;

    /// Bytes of the largest message on such a channel.
    pub const BODY_LEN_MAX: usize = 263;

    const CHANGED: u32 = 0x292cf7e1;

    /// Both ends of a new channel: the `client`'s and the `server`'s.
    pub fn channel() -> ::ftl::Result<(Client, Server)> {
        let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
        Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
    }

    /// Something has changed. When no more can wait, the next that is told is `other`.
    #[derive(Clone, Copy, Debug)]
    pub struct Changed<'a> {
        /// Change.
        pub change: Change,
        /// The name in the directory; empty if it is about what is watched itself.
        pub name: &'a str,
    }

    /// The `client`'s end of a `watch` channel. Clones are the same end; dropping the last one closes it.
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

    /// What arrives at a [`Client`].
    #[derive(Debug)]
    pub enum ToClient<'a> {
        /// Something has changed. When no more can wait, the next that is told is `other`.
        Changed(Changed<'a>),
    }

    impl<'a> ToClient<'a> {
        /// Decodes a message; an error means that the sender broke the interface's rules.
        #[inline]
        pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
            match incoming.ordinal() {
                CHANGED if incoming.kind() == ::ftl::abi::MessageKind::OneWay => {
                    let mut reader = incoming.read_with_views();
                    let event = Changed {
                        change: ::ftl::wire::Wire::decode(reader.by_ref())?,
                        name: reader.str(255)?,
                    };
                    reader.finish()?;
                    Ok(ToClient::Changed(event))
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

    /// The `server`'s end of a `watch` channel. Clones are the same end; dropping the last one closes it.
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

    impl Server {
        /// Something has changed. When no more can wait, the next that is told is `other`.
        #[inline]
        pub fn changed(&self, change: Change, name: &str) -> ::ftl::Result<()> {
            let mut writer = ::ftl::wire::Writer::new();
            ::ftl::wire::Wire::encode(change, &mut writer)?;
            writer.str(name, 255)?;
            ::ftl::end::ignore_gone(
                self.0.event(CHANGED, writer, ::ftl::end::OnFull::Refuse),
            )
        }
        /// [`Self::changed`], but when this thread waits next, or sends anything else: for those who are about to do so.
        #[inline]
        pub fn changed_soon(&self, change: Change, name: &str) -> ::ftl::Result<()> {
            let mut writer = ::ftl::wire::Writer::new();
            ::ftl::wire::Wire::encode(change, &mut writer)?;
            writer.str(name, 255)?;
            self.0.event_soon(CHANGED, writer, ::ftl::end::OnFull::Refuse);
            Ok(())
        }
    }

    /// What arrives at a [`Server`].
    #[derive(Debug)]
    pub enum ToServer {}

    impl ToServer {
        /// Decodes a message; an error means that the sender broke the interface's rules.
        #[inline]
        pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
            Err(incoming.refuse())
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

/// Changes that happen together. Each call but `commit` only adds to the list; whether it can be done is found out then. Dropping
/// the channel forgets them.
pub mod transaction {
    #[allow(unused_imports)]
    use super::*;

    /// Messages that wait in each direction of such a channel.
    pub const QUEUE_LEN: usize = 4;

    /// Bytes of the largest message on such a channel.
    pub const BODY_LEN_MAX: usize = 4020;

    const CREATE: u32 = 0x29e92c17;
    const WRITE: u32 = 0x6956bc4c;
    const APPEND: u32 = 0xc960f723;
    const SET_LEN: u32 = 0xdb6e2c25;
    const CREATE_DIR: u32 = 0xec5715c0;
    const REMOVE_FILE: u32 = 0x0ee9e0b1;
    const REMOVE_DIR: u32 = 0xc07cb1d9;
    const RENAME: u32 = 0x71d8e20c;
    const HARD_LINK: u32 = 0x5c6e1305;
    const SYMLINK: u32 = 0x6f61ec27;
    const SET_PERMISSIONS: u32 = 0x0b269612;
    const REQUIRE_UNCHANGED: u32 = 0xcf14dc5d;
    const COMMIT: u32 = 0xde3aaea0;

    /// Both ends of a new channel: the `client`'s and the `server`'s.
    pub fn channel() -> ::ftl::Result<(Client, Server)> {
        let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
        Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
    }

    /// What the call `create` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct CreateRequest<'a> {
        /// Path.
        pub path: &'a str,
        /// There must be none.
        pub create_new: bool,
        /// What is in it is thrown away.
        pub truncate: bool,
    }

    /// Answers the call `create`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct CreateReplier(::ftl::reply::Replier);

    impl CreateReplier {
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

    /// What the call `write` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct WriteRequest<'a> {
        /// Path.
        pub path: &'a str,
        /// Offset.
        pub offset: u64,
        /// Data.
        pub data: &'a [u8],
    }

    /// Answers the call `write`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct WriteReplier(::ftl::reply::Replier);

    impl WriteReplier {
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

    /// What the call `append` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct AppendRequest<'a> {
        /// Path.
        pub path: &'a str,
        /// Data.
        pub data: &'a [u8],
    }

    /// Answers the call `append`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct AppendReplier(::ftl::reply::Replier);

    impl AppendReplier {
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

    /// What the call `set_len` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct SetLenRequest<'a> {
        /// Path.
        pub path: &'a str,
        /// Len.
        pub len: u64,
    }

    /// Answers the call `set_len`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct SetLenReplier(::ftl::reply::Replier);

    impl SetLenReplier {
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

    /// What the call `create_dir` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct CreateDirRequest<'a> {
        /// Path.
        pub path: &'a str,
    }

    /// Answers the call `create_dir`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct CreateDirReplier(::ftl::reply::Replier);

    impl CreateDirReplier {
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

    /// What the call `remove_file` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct RemoveFileRequest<'a> {
        /// Path.
        pub path: &'a str,
    }

    /// Answers the call `remove_file`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct RemoveFileReplier(::ftl::reply::Replier);

    impl RemoveFileReplier {
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

    /// What the call `remove_dir` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct RemoveDirRequest<'a> {
        /// Path.
        pub path: &'a str,
    }

    /// Answers the call `remove_dir`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct RemoveDirReplier(::ftl::reply::Replier);

    impl RemoveDirReplier {
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

    /// What the call `rename` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct RenameRequest<'a> {
        /// Old.
        pub old: &'a str,
        /// New.
        pub new: &'a str,
    }

    /// Answers the call `rename`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct RenameReplier(::ftl::reply::Replier);

    impl RenameReplier {
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

    /// What the call `hard_link` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct HardLinkRequest<'a> {
        /// Original.
        pub original: &'a str,
        /// Link.
        pub link: &'a str,
    }

    /// Answers the call `hard_link`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct HardLinkReplier(::ftl::reply::Replier);

    impl HardLinkReplier {
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

    /// What the call `symlink` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct SymlinkRequest<'a> {
        /// Where it leads; nobody checks.
        pub target: &'a str,
        /// Link.
        pub link: &'a str,
    }

    /// Answers the call `symlink`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct SymlinkReplier(::ftl::reply::Replier);

    impl SymlinkReplier {
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

    /// What the call `set_permissions` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct SetPermissionsRequest<'a> {
        /// Path.
        pub path: &'a str,
        /// Mode.
        pub mode: u32,
    }

    /// Answers the call `set_permissions`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct SetPermissionsReplier(::ftl::reply::Replier);

    impl SetPermissionsReplier {
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

    /// What the call `require_unchanged` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct RequireUnchangedRequest<'a> {
        /// Path.
        pub path: &'a str,
        /// Id.
        pub id: u64,
        /// Changed ns.
        pub changed_ns: u64,
    }

    /// Answers the call `require_unchanged`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct RequireUnchangedReplier(::ftl::reply::Replier);

    impl RequireUnchangedReplier {
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

    /// Answers the call `commit`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct CommitReplier(::ftl::reply::Replier);

    impl CommitReplier {
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

    /// The `client`'s end of a `transaction` channel. Clones are the same end; dropping the last one closes it.
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
        /// Makes an empty file if there is none.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn create_start(
            &self,
            path: &str,
            create_new: bool,
            truncate: bool,
        ) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(path, 2000)?;
            writer.bool(create_new)?;
            writer.bool(truncate)?;
            self.0.start(CREATE, writer)
        }
        /// Writes to a file. It grows if needed.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn write_start(
            &self,
            path: &str,
            offset: u64,
            data: &[u8],
        ) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(path, 2000)?;
            writer.u64(offset)?;
            writer.bytes(data, 2000)?;
            self.0.start(WRITE, writer)
        }
        /// Writes behind the end of a file.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn append_start(
            &self,
            path: &str,
            data: &[u8],
        ) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(path, 2000)?;
            writer.bytes(data, 2000)?;
            self.0.start(APPEND, writer)
        }
        /// Cuts a file, or makes it longer with zeroes.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn set_len_start(
            &self,
            path: &str,
            len: u64,
        ) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(path, 2000)?;
            writer.u64(len)?;
            self.0.start(SET_LEN, writer)
        }
        /// Makes a directory.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn create_dir_start(&self, path: &str) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(path, 2000)?;
            self.0.start(CREATE_DIR, writer)
        }
        /// Takes away a name that is not a directory's.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn remove_file_start(
            &self,
            path: &str,
        ) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(path, 2000)?;
            self.0.start(REMOVE_FILE, writer)
        }
        /// Removes an empty directory.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn remove_dir_start(&self, path: &str) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(path, 2000)?;
            self.0.start(REMOVE_DIR, writer)
        }
        /// Gives something another name.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn rename_start(
            &self,
            old: &str,
            new: &str,
        ) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(old, 1900)?;
            writer.str(new, 1900)?;
            self.0.start(RENAME, writer)
        }
        /// Gives a file one more name.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn hard_link_start(
            &self,
            original: &str,
            link: &str,
        ) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(original, 1900)?;
            writer.str(link, 1900)?;
            self.0.start(HARD_LINK, writer)
        }
        /// Makes a symbolic link.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn symlink_start(
            &self,
            target: &str,
            link: &str,
        ) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(target, 1900)?;
            writer.str(link, 1900)?;
            self.0.start(SYMLINK, writer)
        }
        /// Sets the permission bits.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn set_permissions_start(
            &self,
            path: &str,
            mode: u32,
        ) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(path, 2000)?;
            writer.u32(mode)?;
            self.0.start(SET_PERMISSIONS, writer)
        }
        /// What is there must be what `metadata` told of, and unchanged since. If it is not, `commit` fails with `Busy`.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn require_unchanged_start(
            &self,
            path: &str,
            id: u64,
            changed_ns: u64,
        ) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(path, 2000)?;
            writer.u64(id)?;
            writer.u64(changed_ns)?;
            self.0.start(REQUIRE_UNCHANGED, writer)
        }
        /// Makes the changes, in their order. If one cannot be made, none is, and its error is the answer.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn commit_start(&self) -> ::ftl::Result<::ftl::Transaction> {
            let writer = ::ftl::wire::Writer::new();
            self.0.start(COMMIT, writer)
        }
    }

    /// The calls of [`Client`] as functions that wait for their answer. Imported by `spec` unless the
    /// component's file says `blocking: false`.
    pub trait Blocking {
        /// Makes an empty file if there is none.
        fn create(
            &mut self,
            path: &str,
            create_new: bool,
            truncate: bool,
        ) -> ::core::result::Result<(), ::ftl::Error>;
        /// Writes to a file. It grows if needed.
        fn write(
            &mut self,
            path: &str,
            offset: u64,
            data: &[u8],
        ) -> ::core::result::Result<(), ::ftl::Error>;
        /// Writes behind the end of a file.
        fn append(
            &mut self,
            path: &str,
            data: &[u8],
        ) -> ::core::result::Result<(), ::ftl::Error>;
        /// Cuts a file, or makes it longer with zeroes.
        fn set_len(
            &mut self,
            path: &str,
            len: u64,
        ) -> ::core::result::Result<(), ::ftl::Error>;
        /// Makes a directory.
        fn create_dir(&mut self, path: &str) -> ::core::result::Result<(), ::ftl::Error>;
        /// Takes away a name that is not a directory's.
        fn remove_file(
            &mut self,
            path: &str,
        ) -> ::core::result::Result<(), ::ftl::Error>;
        /// Removes an empty directory.
        fn remove_dir(&mut self, path: &str) -> ::core::result::Result<(), ::ftl::Error>;
        /// Gives something another name.
        fn rename(
            &mut self,
            old: &str,
            new: &str,
        ) -> ::core::result::Result<(), ::ftl::Error>;
        /// Gives a file one more name.
        fn hard_link(
            &mut self,
            original: &str,
            link: &str,
        ) -> ::core::result::Result<(), ::ftl::Error>;
        /// Makes a symbolic link.
        fn symlink(
            &mut self,
            target: &str,
            link: &str,
        ) -> ::core::result::Result<(), ::ftl::Error>;
        /// Sets the permission bits.
        fn set_permissions(
            &mut self,
            path: &str,
            mode: u32,
        ) -> ::core::result::Result<(), ::ftl::Error>;
        /// What is there must be what `metadata` told of, and unchanged since. If it is not, `commit` fails with `Busy`.
        fn require_unchanged(
            &mut self,
            path: &str,
            id: u64,
            changed_ns: u64,
        ) -> ::core::result::Result<(), ::ftl::Error>;
        /// Makes the changes, in their order. If one cannot be made, none is, and its error is the answer.
        fn commit(&mut self) -> ::core::result::Result<(), ::ftl::Error>;
    }

    impl Blocking for Client {
        #[inline]
        fn create(
            &mut self,
            path: &str,
            create_new: bool,
            truncate: bool,
        ) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(path, 2000)?;
            writer.bool(create_new)?;
            writer.bool(truncate)?;
            let incoming = self.0.call(CREATE, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn write(
            &mut self,
            path: &str,
            offset: u64,
            data: &[u8],
        ) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(path, 2000)?;
            writer.u64(offset)?;
            writer.bytes(data, 2000)?;
            let incoming = self.0.call(WRITE, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn append(
            &mut self,
            path: &str,
            data: &[u8],
        ) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(path, 2000)?;
            writer.bytes(data, 2000)?;
            let incoming = self.0.call(APPEND, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn set_len(
            &mut self,
            path: &str,
            len: u64,
        ) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(path, 2000)?;
            writer.u64(len)?;
            let incoming = self.0.call(SET_LEN, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn create_dir(
            &mut self,
            path: &str,
        ) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(path, 2000)?;
            let incoming = self.0.call(CREATE_DIR, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn remove_file(
            &mut self,
            path: &str,
        ) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(path, 2000)?;
            let incoming = self.0.call(REMOVE_FILE, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn remove_dir(
            &mut self,
            path: &str,
        ) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(path, 2000)?;
            let incoming = self.0.call(REMOVE_DIR, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn rename(
            &mut self,
            old: &str,
            new: &str,
        ) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(old, 1900)?;
            writer.str(new, 1900)?;
            let incoming = self.0.call(RENAME, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn hard_link(
            &mut self,
            original: &str,
            link: &str,
        ) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(original, 1900)?;
            writer.str(link, 1900)?;
            let incoming = self.0.call(HARD_LINK, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn symlink(
            &mut self,
            target: &str,
            link: &str,
        ) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(target, 1900)?;
            writer.str(link, 1900)?;
            let incoming = self.0.call(SYMLINK, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn set_permissions(
            &mut self,
            path: &str,
            mode: u32,
        ) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(path, 2000)?;
            writer.u32(mode)?;
            let incoming = self.0.call(SET_PERMISSIONS, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn require_unchanged(
            &mut self,
            path: &str,
            id: u64,
            changed_ns: u64,
        ) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.str(path, 2000)?;
            writer.u64(id)?;
            writer.u64(changed_ns)?;
            let incoming = self.0.call(REQUIRE_UNCHANGED, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn commit(&mut self) -> ::core::result::Result<(), ::ftl::Error> {
            let writer = ::ftl::wire::Writer::new();
            let incoming = self.0.call(COMMIT, writer)?;
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
        /// The answer to [`Client::create_start`].
        Create(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The answer to [`Client::write_start`].
        Write(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The answer to [`Client::append_start`].
        Append(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The answer to [`Client::set_len_start`].
        SetLen(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The answer to [`Client::create_dir_start`].
        CreateDir(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The answer to [`Client::remove_file_start`].
        RemoveFile(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The answer to [`Client::remove_dir_start`].
        RemoveDir(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The answer to [`Client::rename_start`].
        Rename(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The answer to [`Client::hard_link_start`].
        HardLink(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The answer to [`Client::symlink_start`].
        Symlink(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The answer to [`Client::set_permissions_start`].
        SetPermissions(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The answer to [`Client::require_unchanged_start`].
        RequireUnchanged(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The answer to [`Client::commit_start`].
        Commit(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    }

    impl ToClient {
        /// Decodes a message; an error means that the sender broke the interface's rules.
        #[inline]
        pub fn decode(incoming: ::ftl::end::Incoming<'_>) -> ::ftl::Result<Self> {
            match incoming.ordinal() {
                CREATE if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::Create(transaction, result))
                }
                WRITE if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::Write(transaction, result))
                }
                APPEND if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::Append(transaction, result))
                }
                SET_LEN if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::SetLen(transaction, result))
                }
                CREATE_DIR if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::CreateDir(transaction, result))
                }
                REMOVE_FILE if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::RemoveFile(transaction, result))
                }
                REMOVE_DIR if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::RemoveDir(transaction, result))
                }
                RENAME if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::Rename(transaction, result))
                }
                HARD_LINK if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::HardLink(transaction, result))
                }
                SYMLINK if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::Symlink(transaction, result))
                }
                SET_PERMISSIONS if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::SetPermissions(transaction, result))
                }
                REQUIRE_UNCHANGED if incoming.kind()
                    == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::RequireUnchanged(transaction, result))
                }
                COMMIT if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::Commit(transaction, result))
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
                CREATE => Some(ToClient::Create(transaction, Err(error))),
                WRITE => Some(ToClient::Write(transaction, Err(error))),
                APPEND => Some(ToClient::Append(transaction, Err(error))),
                SET_LEN => Some(ToClient::SetLen(transaction, Err(error))),
                CREATE_DIR => Some(ToClient::CreateDir(transaction, Err(error))),
                REMOVE_FILE => Some(ToClient::RemoveFile(transaction, Err(error))),
                REMOVE_DIR => Some(ToClient::RemoveDir(transaction, Err(error))),
                RENAME => Some(ToClient::Rename(transaction, Err(error))),
                HARD_LINK => Some(ToClient::HardLink(transaction, Err(error))),
                SYMLINK => Some(ToClient::Symlink(transaction, Err(error))),
                SET_PERMISSIONS => {
                    Some(ToClient::SetPermissions(transaction, Err(error)))
                }
                REQUIRE_UNCHANGED => {
                    Some(ToClient::RequireUnchanged(transaction, Err(error)))
                }
                COMMIT => Some(ToClient::Commit(transaction, Err(error))),
                _ => None,
            }
        }
    }

    /// The `server`'s end of a `transaction` channel. Clones are the same end; dropping the last one closes it.
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
        /// Makes an empty file if there is none.
        Create(CreateRequest<'a>, CreateReplier),
        /// Writes to a file. It grows if needed.
        Write(WriteRequest<'a>, WriteReplier),
        /// Writes behind the end of a file.
        Append(AppendRequest<'a>, AppendReplier),
        /// Cuts a file, or makes it longer with zeroes.
        SetLen(SetLenRequest<'a>, SetLenReplier),
        /// Makes a directory.
        CreateDir(CreateDirRequest<'a>, CreateDirReplier),
        /// Takes away a name that is not a directory's.
        RemoveFile(RemoveFileRequest<'a>, RemoveFileReplier),
        /// Removes an empty directory.
        RemoveDir(RemoveDirRequest<'a>, RemoveDirReplier),
        /// Gives something another name.
        Rename(RenameRequest<'a>, RenameReplier),
        /// Gives a file one more name.
        HardLink(HardLinkRequest<'a>, HardLinkReplier),
        /// Makes a symbolic link.
        Symlink(SymlinkRequest<'a>, SymlinkReplier),
        /// Sets the permission bits.
        SetPermissions(SetPermissionsRequest<'a>, SetPermissionsReplier),
        /// What is there must be what `metadata` told of, and unchanged since. If it is not, `commit` fails with `Busy`.
        RequireUnchanged(RequireUnchangedRequest<'a>, RequireUnchangedReplier),
        /// Makes the changes, in their order. If one cannot be made, none is, and its error is the answer.
        Commit(CommitReplier),
    }

    impl<'a> ToServer<'a> {
        /// Decodes a message; an error means that the sender broke the interface's rules.
        #[inline]
        pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
            match incoming.ordinal() {
                CREATE if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read_with_views();
                    let request = CreateRequest {
                        path: reader.str(2000)?,
                        create_new: reader.bool()?,
                        truncate: reader.bool()?,
                    };
                    reader.finish()?;
                    Ok(ToServer::Create(request, CreateReplier(asked.into())))
                }
                WRITE if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read_with_views();
                    let request = WriteRequest {
                        path: reader.str(2000)?,
                        offset: reader.u64()?,
                        data: reader.bytes(2000)?,
                    };
                    reader.finish()?;
                    Ok(ToServer::Write(request, WriteReplier(asked.into())))
                }
                APPEND if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read_with_views();
                    let request = AppendRequest {
                        path: reader.str(2000)?,
                        data: reader.bytes(2000)?,
                    };
                    reader.finish()?;
                    Ok(ToServer::Append(request, AppendReplier(asked.into())))
                }
                SET_LEN if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read_with_views();
                    let request = SetLenRequest {
                        path: reader.str(2000)?,
                        len: reader.u64()?,
                    };
                    reader.finish()?;
                    Ok(ToServer::SetLen(request, SetLenReplier(asked.into())))
                }
                CREATE_DIR if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read_with_views();
                    let request = CreateDirRequest {
                        path: reader.str(2000)?,
                    };
                    reader.finish()?;
                    Ok(ToServer::CreateDir(request, CreateDirReplier(asked.into())))
                }
                REMOVE_FILE if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read_with_views();
                    let request = RemoveFileRequest {
                        path: reader.str(2000)?,
                    };
                    reader.finish()?;
                    Ok(ToServer::RemoveFile(request, RemoveFileReplier(asked.into())))
                }
                REMOVE_DIR if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read_with_views();
                    let request = RemoveDirRequest {
                        path: reader.str(2000)?,
                    };
                    reader.finish()?;
                    Ok(ToServer::RemoveDir(request, RemoveDirReplier(asked.into())))
                }
                RENAME if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read_with_views();
                    let request = RenameRequest {
                        old: reader.str(1900)?,
                        new: reader.str(1900)?,
                    };
                    reader.finish()?;
                    Ok(ToServer::Rename(request, RenameReplier(asked.into())))
                }
                HARD_LINK if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read_with_views();
                    let request = HardLinkRequest {
                        original: reader.str(1900)?,
                        link: reader.str(1900)?,
                    };
                    reader.finish()?;
                    Ok(ToServer::HardLink(request, HardLinkReplier(asked.into())))
                }
                SYMLINK if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read_with_views();
                    let request = SymlinkRequest {
                        target: reader.str(1900)?,
                        link: reader.str(1900)?,
                    };
                    reader.finish()?;
                    Ok(ToServer::Symlink(request, SymlinkReplier(asked.into())))
                }
                SET_PERMISSIONS if incoming.kind()
                    == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read_with_views();
                    let request = SetPermissionsRequest {
                        path: reader.str(2000)?,
                        mode: reader.u32()?,
                    };
                    reader.finish()?;
                    Ok(
                        ToServer::SetPermissions(
                            request,
                            SetPermissionsReplier(asked.into()),
                        ),
                    )
                }
                REQUIRE_UNCHANGED if incoming.kind()
                    == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read_with_views();
                    let request = RequireUnchangedRequest {
                        path: reader.str(2000)?,
                        id: reader.u64()?,
                        changed_ns: reader.u64()?,
                    };
                    reader.finish()?;
                    Ok(
                        ToServer::RequireUnchanged(
                            request,
                            RequireUnchangedReplier(asked.into()),
                        ),
                    )
                }
                COMMIT if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let reader = incoming.read();
                    reader.finish()?;
                    Ok(ToServer::Commit(CommitReplier(asked.into())))
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

/// An open file. Dropping the channel closes it.
pub mod file {
    #[allow(unused_imports)]
    use super::*;

    /// Messages that wait in each direction of such a channel.
    pub const QUEUE_LEN: usize = 4;

    /// Bytes of the largest message on such a channel.
    pub const BODY_LEN_MAX: usize = 4012;

    const READ: u32 = 0xf33b851a;
    const WRITE: u32 = 0x6956bc4c;
    const APPEND: u32 = 0xc960f723;
    const READ_SHARED: u32 = 0xe37984ce;
    const WRITE_SHARED: u32 = 0x88825b28;
    const SET_LEN: u32 = 0xdb6e2c25;
    const METADATA: u32 = 0xdc688fa8;
    const SET_MODIFIED: u32 = 0x793ba058;
    const SYNC: u32 = 0xec3ad523;

    /// Both ends of a new channel: the `client`'s and the `server`'s.
    pub fn channel() -> ::ftl::Result<(Client, Server)> {
        let (first, second) = ::ftl::handle::Channel::pair(QUEUE_LEN, BODY_LEN_MAX)?;
        Ok((::ftl::end::End::new(first).into(), ::ftl::end::End::new(second).into()))
    }

    /// What the call `read` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct ReadRequest {
        /// Offset.
        pub offset: u64,
        /// At most 4000.
        pub len: u32,
    }

    /// Answers the call `read`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct ReadReplier(::ftl::reply::Replier);

    impl ReadReplier {
        /// Answers that it worked.
        #[inline]
        pub fn ok(self, data: &[u8]) -> ::ftl::Result<()> {
            let mut writer = self.0.begin()?;
            writer.bytes(data, 4000)?;
            self.0.send(writer)
        }
        /// Answers that it did not.
        pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
            self.0.fail(u32::from(error.code()))
        }
    }

    /// What the call `write` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct WriteRequest<'a> {
        /// Offset.
        pub offset: u64,
        /// Data.
        pub data: &'a [u8],
    }

    /// Answers the call `write`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct WriteReplier(::ftl::reply::Replier);

    impl WriteReplier {
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

    /// What the call `append` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct AppendRequest<'a> {
        /// Data.
        pub data: &'a [u8],
    }

    /// Answers the call `append`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct AppendReplier(::ftl::reply::Replier);

    impl AppendReplier {
        /// Answers that it worked.
        #[inline]
        pub fn ok(self, offset: u64) -> ::ftl::Result<()> {
            let mut writer = self.0.begin()?;
            writer.u64(offset)?;
            self.0.send(writer)
        }
        /// Answers that it did not.
        pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
            self.0.fail(u32::from(error.code()))
        }
    }

    /// What the call `read_shared` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct ReadSharedRequest {
        /// Offset.
        pub offset: u64,
        /// Where in the memory.
        pub at: u32,
        /// At most 256 KiB.
        pub len: u32,
    }

    /// Answers the call `read_shared`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct ReadSharedReplier(::ftl::reply::Replier);

    impl ReadSharedReplier {
        /// Answers that it worked.
        #[inline]
        pub fn ok(self, len: u32) -> ::ftl::Result<()> {
            let mut writer = self.0.begin()?;
            writer.u32(len)?;
            self.0.send(writer)
        }
        /// Answers that it did not.
        pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
            self.0.fail(u32::from(error.code()))
        }
    }

    /// What the call `write_shared` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct WriteSharedRequest {
        /// Offset.
        pub offset: u64,
        /// Where in the memory.
        pub at: u32,
        /// Len.
        pub len: u32,
    }

    /// Answers the call `write_shared`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct WriteSharedReplier(::ftl::reply::Replier);

    impl WriteSharedReplier {
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

    /// What the call `set_len` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct SetLenRequest {
        /// Len.
        pub len: u64,
    }

    /// Answers the call `set_len`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct SetLenReplier(::ftl::reply::Replier);

    impl SetLenReplier {
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

    /// Answers the call `metadata`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct MetadataReplier(::ftl::reply::Replier);

    impl MetadataReplier {
        /// Answers that it worked.
        #[inline]
        pub fn ok(self, metadata: Metadata) -> ::ftl::Result<()> {
            let mut writer = self.0.begin()?;
            ::ftl::wire::Wire::encode(metadata, &mut writer)?;
            self.0.send(writer)
        }
        /// Answers that it did not.
        pub fn error(self, error: ::ftl::Error) -> ::ftl::Result<()> {
            self.0.fail(u32::from(error.code()))
        }
    }

    /// What the call `set_modified` is asked with.
    #[derive(Clone, Copy, Debug)]
    pub struct SetModifiedRequest {
        /// Unix ns.
        pub unix_ns: u64,
    }

    /// Answers the call `set_modified`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct SetModifiedReplier(::ftl::reply::Replier);

    impl SetModifiedReplier {
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

    /// Answers the call `sync`. It may be kept and used later; dropped, it answers `NoReply`.
    #[derive(Debug)]
    #[must_use = "the caller waits for an answer"]
    pub struct SyncReplier(::ftl::reply::Replier);

    impl SyncReplier {
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

    /// The `client`'s end of a `file` channel. Clones are the same end; dropping the last one closes it.
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
        /// Reads; fewer bytes than asked for only at the end.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn read_start(
            &self,
            offset: u64,
            len: u32,
        ) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(offset)?;
            writer.u32(len)?;
            self.0.start(READ, writer)
        }
        /// Writes all of it, or none. The file grows if needed.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn write_start(
            &self,
            offset: u64,
            data: &[u8],
        ) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(offset)?;
            writer.bytes(data, 4000)?;
            self.0.start(WRITE, writer)
        }
        /// Writes behind the end, wherever that is then.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn append_start(&self, data: &[u8]) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.bytes(data, 4000)?;
            self.0.start(APPEND, writer)
        }
        /// Reads into the client's shared memory; fewer bytes than asked for only at the end.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn read_shared_start(
            &self,
            offset: u64,
            at: u32,
            len: u32,
        ) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(offset)?;
            writer.u32(at)?;
            writer.u32(len)?;
            self.0.start(READ_SHARED, writer)
        }
        /// Writes from the client's shared memory.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn write_shared_start(
            &self,
            offset: u64,
            at: u32,
            len: u32,
        ) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(offset)?;
            writer.u32(at)?;
            writer.u32(len)?;
            self.0.start(WRITE_SHARED, writer)
        }
        /// Cuts it, or makes it longer with zeroes.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn set_len_start(&self, len: u64) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(len)?;
            self.0.start(SET_LEN, writer)
        }
        /// What is known about it.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn metadata_start(&self) -> ::ftl::Result<::ftl::Transaction> {
            let writer = ::ftl::wire::Writer::new();
            self.0.start(METADATA, writer)
        }
        /// Sets the time of the last change.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn set_modified_start(
            &self,
            unix_ns: u64,
        ) -> ::ftl::Result<::ftl::Transaction> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(unix_ns)?;
            self.0.start(SET_MODIFIED, writer)
        }
        /// Answered when what was written to it, and all that was changed before, survives a loss of power.
        ///
        /// The answer comes as an event with the transaction that is returned here.
        #[inline]
        pub fn sync_start(&self) -> ::ftl::Result<::ftl::Transaction> {
            let writer = ::ftl::wire::Writer::new();
            self.0.start(SYNC, writer)
        }
    }

    /// The calls of [`Client`] as functions that wait for their answer. Imported by `spec` unless the
    /// component's file says `blocking: false`.
    pub trait Blocking {
        /// Reads; fewer bytes than asked for only at the end.
        fn read<'s>(
            &'s mut self,
            offset: u64,
            len: u32,
        ) -> ::core::result::Result<&'s [u8], ::ftl::Error>;
        /// Writes all of it, or none. The file grows if needed.
        fn write(
            &mut self,
            offset: u64,
            data: &[u8],
        ) -> ::core::result::Result<(), ::ftl::Error>;
        /// Writes behind the end, wherever that is then.
        fn append(&mut self, data: &[u8]) -> ::core::result::Result<u64, ::ftl::Error>;
        /// Reads into the client's shared memory; fewer bytes than asked for only at the end.
        fn read_shared(
            &mut self,
            offset: u64,
            at: u32,
            len: u32,
        ) -> ::core::result::Result<u32, ::ftl::Error>;
        /// Writes from the client's shared memory.
        fn write_shared(
            &mut self,
            offset: u64,
            at: u32,
            len: u32,
        ) -> ::core::result::Result<(), ::ftl::Error>;
        /// Cuts it, or makes it longer with zeroes.
        fn set_len(&mut self, len: u64) -> ::core::result::Result<(), ::ftl::Error>;
        /// What is known about it.
        fn metadata(&mut self) -> ::core::result::Result<Metadata, ::ftl::Error>;
        /// Sets the time of the last change.
        fn set_modified(
            &mut self,
            unix_ns: u64,
        ) -> ::core::result::Result<(), ::ftl::Error>;
        /// Answered when what was written to it, and all that was changed before, survives a loss of power.
        fn sync(&mut self) -> ::core::result::Result<(), ::ftl::Error>;
    }

    impl Blocking for Client {
        #[inline]
        fn read<'s>(
            &'s mut self,
            offset: u64,
            len: u32,
        ) -> ::core::result::Result<&'s [u8], ::ftl::Error> {
            let incoming = self
                .0
                .call_again(
                    READ,
                    || {
                        let mut writer = ::ftl::wire::Writer::new();
                        writer.u64(offset)?;
                        writer.u32(len)?;
                        Ok(writer)
                    },
                )?;
            let mut reader = incoming.read_with_views();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(reader.bytes(4000)?),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn write(
            &mut self,
            offset: u64,
            data: &[u8],
        ) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(offset)?;
            writer.bytes(data, 4000)?;
            let incoming = self.0.call(WRITE, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn append(&mut self, data: &[u8]) -> ::core::result::Result<u64, ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.bytes(data, 4000)?;
            let incoming = self.0.call(APPEND, writer)?;
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
        fn read_shared(
            &mut self,
            offset: u64,
            at: u32,
            len: u32,
        ) -> ::core::result::Result<u32, ::ftl::Error> {
            let incoming = self
                .0
                .call_again(
                    READ_SHARED,
                    || {
                        let mut writer = ::ftl::wire::Writer::new();
                        writer.u64(offset)?;
                        writer.u32(at)?;
                        writer.u32(len)?;
                        Ok(writer)
                    },
                )?;
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
        fn write_shared(
            &mut self,
            offset: u64,
            at: u32,
            len: u32,
        ) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(offset)?;
            writer.u32(at)?;
            writer.u32(len)?;
            let incoming = self.0.call(WRITE_SHARED, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn set_len(&mut self, len: u64) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(len)?;
            let incoming = self.0.call(SET_LEN, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn metadata(&mut self) -> ::core::result::Result<Metadata, ::ftl::Error> {
            let incoming = self
                .0
                .call_again(
                    METADATA,
                    || {
                        let writer = ::ftl::wire::Writer::new();
                        Ok(writer)
                    },
                )?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => {
                    reader.expect_len(56)?;
                    Ok(::ftl::wire::Wire::decode(reader.by_ref())?)
                }
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn set_modified(
            &mut self,
            unix_ns: u64,
        ) -> ::core::result::Result<(), ::ftl::Error> {
            let mut writer = ::ftl::wire::Writer::new();
            writer.u64(unix_ns)?;
            let incoming = self.0.call(SET_MODIFIED, writer)?;
            let mut reader = incoming.read();
            let result = match ::ftl::reply::read_status(&mut reader)? {
                Ok(()) => Ok(()),
                Err(code) => Err(::ftl::reply::error_from_code(code)),
            };
            reader.finish()?;
            result
        }
        #[inline]
        fn sync(&mut self) -> ::core::result::Result<(), ::ftl::Error> {
            let writer = ::ftl::wire::Writer::new();
            let incoming = self.0.call(SYNC, writer)?;
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
        /// The answer to [`Client::read_start`].
        Read(::ftl::Transaction, ::core::result::Result<&'a [u8], ::ftl::Error>),
        /// The answer to [`Client::write_start`].
        Write(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The answer to [`Client::append_start`].
        Append(::ftl::Transaction, ::core::result::Result<u64, ::ftl::Error>),
        /// The answer to [`Client::read_shared_start`].
        ReadShared(::ftl::Transaction, ::core::result::Result<u32, ::ftl::Error>),
        /// The answer to [`Client::write_shared_start`].
        WriteShared(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The answer to [`Client::set_len_start`].
        SetLen(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The answer to [`Client::metadata_start`].
        Metadata(::ftl::Transaction, ::core::result::Result<Metadata, ::ftl::Error>),
        /// The answer to [`Client::set_modified_start`].
        SetModified(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
        /// The answer to [`Client::sync_start`].
        Sync(::ftl::Transaction, ::core::result::Result<(), ::ftl::Error>),
    }

    impl<'a> ToClient<'a> {
        /// Decodes a message; an error means that the sender broke the interface's rules.
        #[inline]
        pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
            match incoming.ordinal() {
                READ if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read_with_views();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(reader.bytes(4000)?),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::Read(transaction, result))
                }
                WRITE if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::Write(transaction, result))
                }
                APPEND if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
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
                    Ok(ToClient::Append(transaction, result))
                }
                READ_SHARED if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
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
                    Ok(ToClient::ReadShared(transaction, result))
                }
                WRITE_SHARED if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::WriteShared(transaction, result))
                }
                SET_LEN if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::SetLen(transaction, result))
                }
                METADATA if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => {
                            reader.expect_len(56)?;
                            Ok(::ftl::wire::Wire::decode(reader.by_ref())?)
                        }
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::Metadata(transaction, result))
                }
                SET_MODIFIED if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::SetModified(transaction, result))
                }
                SYNC if incoming.kind() == ::ftl::abi::MessageKind::Reply => {
                    let transaction = incoming.transaction();
                    let mut reader = incoming.read();
                    let result = match ::ftl::reply::read_status(&mut reader)? {
                        Ok(()) => Ok(()),
                        Err(code) => Err(::ftl::reply::error_from_code(code)),
                    };
                    reader.finish()?;
                    Ok(ToClient::Sync(transaction, result))
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
                READ => Some(ToClient::Read(transaction, Err(error))),
                WRITE => Some(ToClient::Write(transaction, Err(error))),
                APPEND => Some(ToClient::Append(transaction, Err(error))),
                READ_SHARED => Some(ToClient::ReadShared(transaction, Err(error))),
                WRITE_SHARED => Some(ToClient::WriteShared(transaction, Err(error))),
                SET_LEN => Some(ToClient::SetLen(transaction, Err(error))),
                METADATA => Some(ToClient::Metadata(transaction, Err(error))),
                SET_MODIFIED => Some(ToClient::SetModified(transaction, Err(error))),
                SYNC => Some(ToClient::Sync(transaction, Err(error))),
                _ => None,
            }
        }
    }

    /// The `server`'s end of a `file` channel. Clones are the same end; dropping the last one closes it.
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
        /// Reads; fewer bytes than asked for only at the end.
        Read(ReadRequest, ReadReplier),
        /// Writes all of it, or none. The file grows if needed.
        Write(WriteRequest<'a>, WriteReplier),
        /// Writes behind the end, wherever that is then.
        Append(AppendRequest<'a>, AppendReplier),
        /// Reads into the client's shared memory; fewer bytes than asked for only at the end.
        ReadShared(ReadSharedRequest, ReadSharedReplier),
        /// Writes from the client's shared memory.
        WriteShared(WriteSharedRequest, WriteSharedReplier),
        /// Cuts it, or makes it longer with zeroes.
        SetLen(SetLenRequest, SetLenReplier),
        /// What is known about it.
        Metadata(MetadataReplier),
        /// Sets the time of the last change.
        SetModified(SetModifiedRequest, SetModifiedReplier),
        /// Answered when what was written to it, and all that was changed before, survives a loss of power.
        Sync(SyncReplier),
    }

    impl<'a> ToServer<'a> {
        /// Decodes a message; an error means that the sender broke the interface's rules.
        #[inline]
        pub fn decode(incoming: ::ftl::end::Incoming<'a>) -> ::ftl::Result<Self> {
            match incoming.ordinal() {
                READ if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read();
                    reader.expect_len(12)?;
                    let request = ReadRequest {
                        offset: reader.u64()?,
                        len: reader.u32()?,
                    };
                    reader.finish()?;
                    Ok(ToServer::Read(request, ReadReplier(asked.into())))
                }
                WRITE if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read_with_views();
                    let request = WriteRequest {
                        offset: reader.u64()?,
                        data: reader.bytes(4000)?,
                    };
                    reader.finish()?;
                    Ok(ToServer::Write(request, WriteReplier(asked.into())))
                }
                APPEND if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read_with_views();
                    let request = AppendRequest {
                        data: reader.bytes(4000)?,
                    };
                    reader.finish()?;
                    Ok(ToServer::Append(request, AppendReplier(asked.into())))
                }
                READ_SHARED if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read();
                    reader.expect_len(16)?;
                    let request = ReadSharedRequest {
                        offset: reader.u64()?,
                        at: reader.u32()?,
                        len: reader.u32()?,
                    };
                    reader.finish()?;
                    Ok(ToServer::ReadShared(request, ReadSharedReplier(asked.into())))
                }
                WRITE_SHARED if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read();
                    reader.expect_len(16)?;
                    let request = WriteSharedRequest {
                        offset: reader.u64()?,
                        at: reader.u32()?,
                        len: reader.u32()?,
                    };
                    reader.finish()?;
                    Ok(ToServer::WriteShared(request, WriteSharedReplier(asked.into())))
                }
                SET_LEN if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read();
                    reader.expect_len(8)?;
                    let request = SetLenRequest {
                        len: reader.u64()?,
                    };
                    reader.finish()?;
                    Ok(ToServer::SetLen(request, SetLenReplier(asked.into())))
                }
                METADATA if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let reader = incoming.read();
                    reader.finish()?;
                    Ok(ToServer::Metadata(MetadataReplier(asked.into())))
                }
                SET_MODIFIED if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let mut reader = incoming.read();
                    reader.expect_len(8)?;
                    let request = SetModifiedRequest {
                        unix_ns: reader.u64()?,
                    };
                    reader.finish()?;
                    Ok(ToServer::SetModified(request, SetModifiedReplier(asked.into())))
                }
                SYNC if incoming.kind() == ::ftl::abi::MessageKind::Request => {
                    let asked = incoming.asked();
                    let reader = incoming.read();
                    reader.finish()?;
                    Ok(ToServer::Sync(SyncReplier(asked.into())))
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
