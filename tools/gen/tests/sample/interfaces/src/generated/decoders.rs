// Generated from interfaces/*.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! Every decoder, for tests that feed them whatever they like.
use ::core::fmt::Write;

/// Decodes a message and shows what it says.
pub type Decoder = fn(::ftl::end::Incoming<'_>) -> ::ftl::Result<::ftl::String>;

/// Interface, kind of channel, which of its roles hears, and the decoder.
pub const ALL: &[(&str, &str, usize, Decoder)] = &[
    ("sample", "sample", 0, |incoming| show(crate::sample::ToClient::decode(incoming)?)),
    ("sample", "sample", 1, |incoming| show(crate::sample::ToServer::decode(incoming)?)),
    (
        "sample",
        "watch",
        0,
        |incoming| show(crate::sample::watch::ToListener::decode(incoming)?),
    ),
    (
        "sample",
        "watch",
        1,
        |incoming| show(crate::sample::watch::ToTeller::decode(incoming)?),
    ),
];

fn show(message: impl ::core::fmt::Debug) -> ::ftl::Result<::ftl::String> {
    let mut text = ::ftl::String::new();
    write!(text, "{message:?}").map_err(|_| ::ftl::Error::Internal)?;
    Ok(text)
}
