// Generated from interfaces/*.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! One module for each interface.

#[rustfmt::skip]
pub mod bench;
#[rustfmt::skip]
pub mod block;
#[rustfmt::skip]
pub mod boot_archive;
#[rustfmt::skip]
pub mod clock;
pub use ftl::component;
#[rustfmt::skip]
pub mod fs;
pub use ftl::launcher;
#[rustfmt::skip]
pub mod net;
#[rustfmt::skip]
pub mod ping;
#[rustfmt::skip]
pub mod ports;
#[rustfmt::skip]
pub mod snapshots;
#[rustfmt::skip]
pub mod sql;
pub use ftl::stream;
#[rustfmt::skip]
pub mod system;
#[rustfmt::skip]
pub mod tcpip;
#[rustfmt::skip]
pub mod template_server;
#[rustfmt::skip]
pub mod terminal;
#[rustfmt::skip]
pub mod trial;
#[doc(hidden)]
#[rustfmt::skip]
pub mod decoders;
