//! Ends at once with what the CPU's counter of instructions shows as its status. `bench_kernel` starts it
//! to find out what starting a component costs; it is a program of its own so that its size stays as it is.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use ftl::abi::StartInfo;

#[ftl::main]
fn main(_: &'static StartInfo) -> usize {
    ftl::time::instructions() as usize
}
