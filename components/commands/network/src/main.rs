//! Commands that use the network: `curl`, `dns`, `ip`, `nc` and `ping`.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::String;

use ftl::prelude::*;

mod curl;
mod exchange;
mod nc;
mod ping;
#[rustfmt::skip]
mod spec;

use spec::*;

const DNS: &str = "\
dns finds the addresses of names
usage: dns NAME…
";

const IP: &str = "\
ip shows this machine's address, and what went over the network
usage: ip
";

#[ftl::main]
fn main(env: Environ) -> Result<usize> {
    if env.arguments.iter().any(|argument| argument == "--help") {
        let help = match env.name.as_str() {
            "curl" => curl::CURL,
            "dns" => DNS,
            "nc" => nc::NC,
            "ping" => ping::PING,
            _ => IP,
        };
        print!("{help}");
        return Ok(0);
    }
    match env.name.as_str() {
        "curl" => curl::curl(env),
        "dns" => dns(env),
        "nc" => nc::nc(env),
        "ping" => ping::ping(env),
        _ => ip(env),
    }
}

fn dns(mut env: Environ) -> Result<usize> {
    if env.arguments.is_empty() {
        eprintln!("dns: which name? `dns --help` says more");
        return Ok(2);
    }
    let mut status = 0;
    for name in &env.arguments {
        match env.tcpip.resolve(name) {
            Ok(addresses) => {
                for address in addresses.iter() {
                    println!("{}", shown(address));
                }
            }
            Err(error) => {
                eprintln!("dns: {name}: {error}");
                status = 1;
            }
        }
    }
    Ok(status)
}

fn ip(mut env: Environ) -> Result<usize> {
    if !env.arguments.is_empty() {
        eprintln!("ip: it takes no arguments; `ip --help` says more");
        return Ok(2);
    }
    let found = env.tcpip.status()?;
    match found.ip {
        0 => println!("no address yet"),
        ip => println!("{}/{}", shown(ip), found.prefix_len),
    }
    if found.gateway != 0 {
        println!("gateway {}", shown(found.gateway));
    }
    println!(
        "received {} frames, {} bytes",
        found.frames_received, found.bytes_received
    );
    println!(
        "sent {} frames, {} bytes",
        found.frames_sent, found.bytes_sent
    );
    println!(
        "{} sockets, {} connections accepted, {} frames dropped",
        found.sockets, found.accepted, found.dropped
    );
    Ok(0)
}

/// An address with its dots.
fn shown(ip: u32) -> String {
    let [a, b, c, d] = ip.to_be_bytes();
    format!("{a}.{b}.{c}.{d}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn addresses_have_dots() {
        assert_eq!(super::shown(0x0a00_020f), "10.0.2.15");
    }
}
