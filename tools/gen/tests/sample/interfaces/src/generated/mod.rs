// Generated from interfaces/*.yml by `./ftl gen`. Changes belong there; here they would be lost.

//! One module for each interface.

#[rustfmt::skip]
pub mod sample;
#[doc(hidden)]
#[rustfmt::skip]
pub mod decoders;
