//! `nc`.

use core::net::SocketAddrV4;

use ftl::io::Write;
use ftl::prelude::*;

use crate::exchange::{Peer, exchange, find};
use crate::spec::*;

pub const NC: &str = "\
nc connects the input and output to a TCP port
usage: nc HOST PORT
       nc -l PORT      waits for somebody to connect

HOST is an address or a name. It ends when the other side does; the end of the input is passed on.

  echo hello | nc 10.0.2.2 7000
";

pub fn nc(mut env: Environ) -> Result<usize> {
    let port = |text: &str| text.parse::<u16>().ok().filter(|port| *port > 0);
    let words: alloc::vec::Vec<&str> = env.arguments.iter().map(|word| word.as_str()).collect();
    let peer = match words[..] {
        ["-l", number] => port(number).map(Peer::Listen),
        [host, number] => match (port(number), find(&mut env.tcpip, host)) {
            (None, _) => None,
            (Some(port), Ok(ip)) => Some(Peer::Remote(SocketAddrV4::new(ip, port))),
            (Some(_), Err(reason)) => {
                eprintln!("nc: {reason}");
                return Ok(1);
            }
        },
        _ => None,
    };
    let Some(peer) = peer else {
        eprintln!("nc: it takes a host and a port; `nc --help` says more");
        return Ok(2);
    };
    let mut stdout = env.stdout;
    let ended = exchange(&env.tcpip, &peer, b"", Some(env.stdin), &mut |bytes| {
        stdout.write_all(bytes)?;
        stdout.flush()?;
        Ok(true)
    });
    match ended {
        Ok(()) => Ok(0),
        Err(reason) => {
            eprintln!("nc: {reason}");
            Ok(1)
        }
    }
}
