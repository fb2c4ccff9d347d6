//! A network of one cable between the host and a machine: a tap device in a network namespace of its own.
//!
//! QEMU's own network limits how fast packets come and go, and offers a driver nothing; a tap device takes checksums and
//! whole batches of TCP segments. The namespace keeps it apart from the host's network, and both go with the thread.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::process::Command;

use anyhow::{Context, Result, bail};
use nix::sched::{CloneFlags, unshare};

/// The device's name.
pub const NAME: &str = "ftl0";
/// The machine's address, and the host's.
pub const GUEST: Ipv4Addr = Ipv4Addr::new(10, 0, 2, 15);
const HOST: &str = "10.0.2.2/24";
/// How the system is told its address.
pub const ADDRESS: &str = "tcpip.address=10.0.2.15/24";

/// A port of the machine.
pub fn guest(port: u16) -> SocketAddrV4 {
    SocketAddrV4::new(GUEST, port)
}

/// Does something with the cable plugged in: programs that are started there, and connections that are made there, see
/// that network and no other.
pub fn with_cable<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            plug_in()?;
            work()
        });
        match thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn plug_in() -> Result<()> {
    unshare(CloneFlags::CLONE_NEWNET).context(
        "a network of its own needs root's rights; `unshare --user --map-root-user ./ftl bench …` gives as much of them as is needed",
    )?;
    for words in [
        &["tuntap", "add", "dev", NAME, "mode", "tap"][..],
        &["address", "add", HOST, "dev", NAME],
        &["link", "set", NAME, "up"],
        &["link", "set", "lo", "up"],
    ] {
        let output = Command::new("ip").args(words).output();
        let output = output.context("cannot run `ip` (package iproute2)")?;
        if !output.status.success() {
            let why = String::from_utf8_lossy(&output.stderr).trim().to_owned();
            bail!("`ip {}`: {why}", words.join(" "));
        }
    }
    Ok(())
}
