// Generated from interfaces/*.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! Every decoder, for tests that feed them whatever they like.
use ::core::fmt::Write;

/// Decodes a message and shows what it says.
pub type Decoder = fn(::ftl::end::Incoming<'_>) -> ::ftl::Result<::ftl::String>;

/// Interface, kind of channel, which of its roles hears, and the decoder.
pub const ALL: &[(&str, &str, usize, Decoder)] = &[
    ("bench", "bench", 0, |incoming| show(crate::bench::ToClient::decode(incoming)?)),
    ("bench", "bench", 1, |incoming| show(crate::bench::ToServer::decode(incoming)?)),
    ("block", "block", 0, |incoming| show(crate::block::ToClient::decode(incoming)?)),
    ("block", "block", 1, |incoming| show(crate::block::ToServer::decode(incoming)?)),
    (
        "block",
        "disk",
        0,
        |incoming| show(crate::block::disk::ToClient::decode(incoming)?),
    ),
    (
        "block",
        "disk",
        1,
        |incoming| show(crate::block::disk::ToServer::decode(incoming)?),
    ),
    (
        "boot_archive",
        "boot_archive",
        0,
        |incoming| show(crate::boot_archive::ToClient::decode(incoming)?),
    ),
    (
        "boot_archive",
        "boot_archive",
        1,
        |incoming| show(crate::boot_archive::ToServer::decode(incoming)?),
    ),
    ("clock", "clock", 0, |incoming| show(crate::clock::ToClient::decode(incoming)?)),
    ("clock", "clock", 1, |incoming| show(crate::clock::ToServer::decode(incoming)?)),
    (
        "component",
        "component",
        0,
        |incoming| show(crate::component::ToClient::decode(incoming)?),
    ),
    (
        "component",
        "component",
        1,
        |incoming| show(crate::component::ToServer::decode(incoming)?),
    ),
    ("fs", "fs", 0, |incoming| show(crate::fs::ToClient::decode(incoming)?)),
    ("fs", "fs", 1, |incoming| show(crate::fs::ToServer::decode(incoming)?)),
    ("fs", "watch", 0, |incoming| show(crate::fs::watch::ToClient::decode(incoming)?)),
    ("fs", "watch", 1, |incoming| show(crate::fs::watch::ToServer::decode(incoming)?)),
    (
        "fs",
        "transaction",
        0,
        |incoming| show(crate::fs::transaction::ToClient::decode(incoming)?),
    ),
    (
        "fs",
        "transaction",
        1,
        |incoming| show(crate::fs::transaction::ToServer::decode(incoming)?),
    ),
    ("fs", "file", 0, |incoming| show(crate::fs::file::ToClient::decode(incoming)?)),
    ("fs", "file", 1, |incoming| show(crate::fs::file::ToServer::decode(incoming)?)),
    (
        "launcher",
        "launcher",
        0,
        |incoming| show(crate::launcher::ToClient::decode(incoming)?),
    ),
    (
        "launcher",
        "launcher",
        1,
        |incoming| show(crate::launcher::ToServer::decode(incoming)?),
    ),
    (
        "launcher",
        "running",
        0,
        |incoming| show(crate::launcher::running::ToOwner::decode(incoming)?),
    ),
    (
        "launcher",
        "running",
        1,
        |incoming| show(crate::launcher::running::ToLauncher::decode(incoming)?),
    ),
    ("net", "net", 0, |incoming| show(crate::net::ToClient::decode(incoming)?)),
    ("net", "net", 1, |incoming| show(crate::net::ToServer::decode(incoming)?)),
    ("ping", "ping", 0, |incoming| show(crate::ping::ToClient::decode(incoming)?)),
    ("ping", "ping", 1, |incoming| show(crate::ping::ToServer::decode(incoming)?)),
    ("ports", "ports", 0, |incoming| show(crate::ports::ToClient::decode(incoming)?)),
    ("ports", "ports", 1, |incoming| show(crate::ports::ToServer::decode(incoming)?)),
    (
        "snapshots",
        "snapshots",
        0,
        |incoming| show(crate::snapshots::ToClient::decode(incoming)?),
    ),
    (
        "snapshots",
        "snapshots",
        1,
        |incoming| show(crate::snapshots::ToServer::decode(incoming)?),
    ),
    ("sql", "sql", 0, |incoming| show(crate::sql::ToClient::decode(incoming)?)),
    ("sql", "sql", 1, |incoming| show(crate::sql::ToServer::decode(incoming)?)),
    ("stream", "stream", 0, |incoming| show(crate::stream::ToSender::decode(incoming)?)),
    (
        "stream",
        "stream",
        1,
        |incoming| show(crate::stream::ToReceiver::decode(incoming)?),
    ),
    ("system", "system", 0, |incoming| show(crate::system::ToClient::decode(incoming)?)),
    ("system", "system", 1, |incoming| show(crate::system::ToServer::decode(incoming)?)),
    ("tcpip", "tcpip", 0, |incoming| show(crate::tcpip::ToClient::decode(incoming)?)),
    ("tcpip", "tcpip", 1, |incoming| show(crate::tcpip::ToServer::decode(incoming)?)),
    (
        "tcpip",
        "tcp_listener",
        0,
        |incoming| show(crate::tcpip::tcp_listener::ToClient::decode(incoming)?),
    ),
    (
        "tcpip",
        "tcp_listener",
        1,
        |incoming| show(crate::tcpip::tcp_listener::ToServer::decode(incoming)?),
    ),
    (
        "tcpip",
        "tcp_connection",
        0,
        |incoming| show(crate::tcpip::tcp_connection::ToClient::decode(incoming)?),
    ),
    (
        "tcpip",
        "tcp_connection",
        1,
        |incoming| show(crate::tcpip::tcp_connection::ToServer::decode(incoming)?),
    ),
    (
        "tcpip",
        "udp_socket",
        0,
        |incoming| show(crate::tcpip::udp_socket::ToClient::decode(incoming)?),
    ),
    (
        "tcpip",
        "udp_socket",
        1,
        |incoming| show(crate::tcpip::udp_socket::ToServer::decode(incoming)?),
    ),
    (
        "template_server",
        "template_server",
        0,
        |incoming| show(crate::template_server::ToClient::decode(incoming)?),
    ),
    (
        "template_server",
        "template_server",
        1,
        |incoming| show(crate::template_server::ToServer::decode(incoming)?),
    ),
    (
        "terminal",
        "terminal",
        0,
        |incoming| show(crate::terminal::ToClient::decode(incoming)?),
    ),
    (
        "terminal",
        "terminal",
        1,
        |incoming| show(crate::terminal::ToServer::decode(incoming)?),
    ),
    ("trial", "trial", 0, |incoming| show(crate::trial::ToClient::decode(incoming)?)),
    ("trial", "trial", 1, |incoming| show(crate::trial::ToServer::decode(incoming)?)),
];

fn show(message: impl ::core::fmt::Debug) -> ::ftl::Result<::ftl::String> {
    let mut text = ::ftl::String::new();
    write!(text, "{message:?}").map_err(|_| ::ftl::Error::Internal)?;
    Ok(text)
}
