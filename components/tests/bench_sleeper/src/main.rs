//! Does nothing until its channel closes. `bench_kernel` starts many of it to find out what they cost the
//! others.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use ftl::abi::{StartInfo, call};
use ftl::prelude::*;
use ftl::sys;

#[ftl::main]
fn main(info: &'static StartInfo) -> Result<()> {
    let queue = sys::queue_create()?;
    sys::queue_attach(queue, info.bootstrap, 1)?;
    sys::wait(queue, call::FOREVER).map(drop)
}
