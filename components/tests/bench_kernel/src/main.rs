//! Boots in the place of init and measures what the kernel's calls cost: `./ftl bench` runs it.
//!
//! One image plays all parts, told apart by the process's name. `init` ([`director`]) starts a
//! client and its servers under each pair of isolations; the client ([`client`], [`alone`]) measures and
//! writes one line for each figure ([`samples`]); the servers ([`server`]) answer. What only init
//! may do it measures itself ([`starting`]).
//!
//! The boot archive's entry `bench` holds words ([`options`]): which figures are wanted, and how
//! many samples.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use abi::StartInfo;
use ftl::prelude::*;
use ftl::sys;

mod alone;
mod client;
mod clock;
mod director;
mod interrupt;
mod options;
mod protocol;
mod samples;
mod scale;
mod server;
mod starting;

#[ftl::main]
fn main(info: &'static StartInfo) -> Result<()> {
    let channel = info.bootstrap;
    match info.name.as_str() {
        protocol::CLIENT => client::measure(info),
        protocol::SERVER => server::serve(channel),
        protocol::TYPED_SERVER => server::serve_typed(channel),
        protocol::WAITER => server::wait(channel),
        protocol::LOOPER => scale::run(channel),
        _ => {
            let status = match director::direct(info) {
                Ok(()) => 0,
                Err(error) => {
                    error!("measuring failed: {error}");
                    1
                }
            };
            sys::system_shutdown(info.system, status)
        }
    }
}
