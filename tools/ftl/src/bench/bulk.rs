//! TCP in bulk: what each KiB costs the machine that comes from the host, or goes there, over one connection through the
//! cable, and how many MiB a second that makes by the clock, beside what the host's own loopback device does in the same
//! minute. The guest's part is `components/tests/bench_tcp`.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddrV4, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use anyhow::{Context, Result, bail};

use super::figure::Figure;
use super::outside::PATIENCE;
use super::whole::{at_cable, cabled, isolations};
use super::{Wanted, guest, tap};
use crate::build::Built;
use crate::qemu::Machine;
use crate::systems::Isolation;

/// What `bench_tcp` says when it can be connected to.
pub const READY: &str = "bench_tcp: listens";
/// As `bench_tcp` has them by default.
pub const PORT: u16 = 7000;
const LEN: usize = 1 << 20;
const ROUNDS: usize = 5;
/// Bytes of each connection when the clock counts: enough that how it begins does not.
const LEN_BY_THE_CLOCK: usize = 32 << 20;
/// Bytes that the host moves at once.
const PIECE_LEN: usize = 64 * 1024;
/// Bytes after which a connection has found its pace.
const WARM_LEN: usize = 4 << 20;

const COSTS: &[&str] = &["tcp_receive_kib", "tcp_send_kib"];
/// Both ways: MiB a second, and as a part of what the loopback device does.
const TIMES: [&str; 2] = ["tcp_time_receive", "tcp_time_send"];
const PARTS: [&str; 2] = ["tcp_time_receive_to_loopback", "tcp_time_send_to_loopback"];

/// What a KiB costs that is received, or sent, over one connection from outside, driver and all.
pub fn at_the_cable(root: &Path, wanted: &Wanted) -> Result<Vec<Figure>> {
    tap::with_cable(|| costs(root, wanted))
}

/// The same, at the cable.
pub fn costs(root: &Path, wanted: &Wanted) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for isolation in wanted_isolations(wanted, COSTS) {
        let machine = cabled(wanted, &system(root, wanted, isolation, LEN)?);
        let mut failed = None;
        guest::watch(&machine, guest::PATIENCE, |line| {
            if let Some((_, json)) = line.split_once(guest::PREFIX) {
                figures.push(serde_json::from_str::<Figure>(json)?);
            } else if line.contains(READY) {
                failed = (0..ROUNDS)
                    .try_for_each(|_| there_and_back(tap::guest(PORT), LEN).map(drop))
                    .err();
            }
            Ok(failed.is_none() && !line.starts_with("FTL-EXIT"))
        })?;
        if let Some(error) = failed {
            return Err(error);
        }
    }
    Ok(figures)
}

/// How many MiB a second one connection moves by the clock, each way, and as a part of what one over the host's loopback
/// device moves: both by turns, so that what else the host does meets both.
pub fn by_the_clock(root: &Path, wanted: &Wanted) -> Result<Vec<Figure>> {
    tap::with_cable(|| {
        let mut figures = Vec::new();
        for isolation in wanted_isolations(wanted, &[TIMES, PARTS].concat()) {
            let machine = Machine {
                icount: false,
                ..cabled(wanted, &system(root, wanted, isolation, LEN_BY_THE_CLOCK)?)
            };
            let mut measured = None;
            guest::watch(&machine, guest::PATIENCE, |line| {
                if line.contains(READY) {
                    measured = Some(rounds_by_the_clock()?);
                }
                Ok(measured.is_none())
            })?;
            let [guest, loopback] = measured.context("the system did not come up")?;
            let case = isolation.name();
            for way in 0..2 {
                let speeds: Vec<f64> = guest.iter().map(|round| round[way]).collect();
                let rounds = guest.iter().zip(&loopback);
                let parts = rounds.map(|(own, other)| own[way] / other[way]).collect();
                figures.push(Figure::of(TIMES[way], case, "MiB a second", speeds));
                figures.push(Figure::of(PARTS[way], case, "times", parts));
            }
        }
        Ok(figures)
    })
}

/// MiB a second, received and sent by whoever is at the other end, for each round.
type Speeds = Vec<[f64; 2]>;

/// Speeds of the guest and of the host's loopback device.
fn rounds_by_the_clock() -> Result<[Speeds; 2]> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let std::net::SocketAddr::V4(loopback) = listener.local_addr()? else {
        bail!("the host has an address that it does not have");
    };
    let other = std::thread::spawn(move || serve(&listener, LEN_BY_THE_CLOCK, ROUNDS));
    let mut speeds = [Speeds::new(), Speeds::new()];
    for _ in 0..ROUNDS {
        for (speeds, address) in speeds.iter_mut().zip([tap::guest(PORT), loopback]) {
            let seconds = there_and_back(address, LEN_BY_THE_CLOCK)?;
            speeds.push(seconds.map(|seconds| (LEN_BY_THE_CLOCK >> 20) as f64 / seconds));
        }
    }
    match other.join() {
        Ok(served) => served?,
        Err(panic) => std::panic::resume_unwind(panic),
    }
    Ok(speeds)
}

/// Does over the loopback device what the guest does over the cable.
fn serve(listener: &TcpListener, len: usize, rounds: usize) -> Result<()> {
    for _ in 0..rounds {
        let (mut stream, _) = listener.accept()?;
        take(&mut stream)?;
        drop(stream);
        let (mut stream, _) = listener.accept()?;
        give(&mut stream, len)?;
    }
    Ok(())
}

/// Sends bytes over one connection and takes as many over the next; how many seconds each took.
fn there_and_back(address: SocketAddrV4, len: usize) -> Result<[f64; 2]> {
    let connect = || -> Result<TcpStream> {
        let stream = TcpStream::connect_timeout(&address.into(), PATIENCE)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(stream)
    };
    let began = Instant::now();
    let mut stream = connect()?;
    give(&mut stream, len)?;
    stream.shutdown(Shutdown::Write)?;
    // Who has taken everything ends the connection.
    take(&mut stream)?;
    let gone = began.elapsed();
    let began = Instant::now();
    let mut stream = connect()?;
    let got = take(&mut stream)?;
    if got != len {
        bail!("{got} of {len} bytes came");
    }
    Ok([gone, began.elapsed()].map(|time| time.as_secs_f64()))
}

fn give(stream: &mut TcpStream, len: usize) -> Result<()> {
    let piece = vec![b'x'; PIECE_LEN];
    let mut left = len;
    while left > 0 {
        let part = left.min(piece.len());
        stream.write_all(&piece[..part])?;
        left -= part;
    }
    Ok(())
}

/// Takes bytes until the end; how many came.
fn take(stream: &mut TcpStream) -> Result<usize> {
    let mut piece = vec![0; PIECE_LEN];
    let mut len = 0;
    loop {
        match stream.read(&mut piece)? {
            0 => return Ok(len),
            more => len += more,
        }
    }
}

/// Sends bytes over one connection, or takes them, until the guest has gone. Tells when it is warm.
pub fn without_end(address: SocketAddrV4, guest_sends: bool, warm: &AtomicBool) -> Result<()> {
    let mut piece = vec![b'x'; PIECE_LEN];
    let mut stream = TcpStream::connect_timeout(&address.into(), PATIENCE)?;
    if guest_sends {
        // First it receives: nothing.
        stream.shutdown(Shutdown::Write)?;
        take(&mut stream)?;
        stream = TcpStream::connect_timeout(&address.into(), PATIENCE)?;
    }
    let mut moved = 0;
    loop {
        let len = match guest_sends {
            true => stream.read(&mut piece)?,
            false => stream.write(&piece)?,
        };
        if len == 0 {
            return Ok(());
        }
        moved += len;
        warm.fetch_or(moved > WARM_LEN, Ordering::Release);
    }
}

/// What moves so many bytes over each connection.
pub fn system(root: &Path, wanted: &Wanted, isolation: Isolation, len: usize) -> Result<Built> {
    let settings = [
        format!("bench_tcp.case={}", isolation.name()),
        format!("bench_tcp.len={len}"),
    ];
    let settings = settings.each_ref().map(String::as_str);
    at_cable(root, wanted, "bench_tcp", isolation, &settings)
}

/// The isolations in which one of these is wanted.
fn wanted_isolations(wanted: &Wanted, names: &[&str]) -> Vec<Isolation> {
    let wants = |isolation: &Isolation| {
        let case = isolation.name();
        names.iter().any(|name| wanted.wants_case(name, case))
    };
    isolations(wanted).filter(wants).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_there_and_back() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let std::net::SocketAddr::V4(address) = listener.local_addr().unwrap() else {
            panic!("an address of version 6");
        };
        let other = std::thread::spawn(move || serve(&listener, 100_000, 2));
        for _ in 0..2 {
            let seconds = there_and_back(address, 100_000).unwrap();
            assert!(seconds.iter().all(|seconds| *seconds > 0.0));
        }
        other.join().unwrap().unwrap();
    }
}
