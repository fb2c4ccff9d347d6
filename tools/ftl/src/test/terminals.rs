//! Terminals for tests that sit at one: a minimal root, as a container or a `chroot` has it, may lack them.

use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, openpt};

/// Sees to it that pseudo-terminals can be opened. Where `/dev/pts` is not mounted, and root may mount it, this thread
/// and what it starts from now on get one of their own; nobody else sees it.
pub fn provide() {
    let Err(error) = openpt(OpenptFlags::NOCTTY) else {
        return;
    };
    // So it says if there is no file system for them.
    let is_missing = matches!(error, Errno::NODEV | Errno::NOENT | Errno::NXIO);
    match is_missing.then(mount_own) {
        Some(Ok(())) => say!("note: /dev/pts is not mounted; tests get one of their own"),
        _ => say!(
            "note: there are no pseudo-terminals ({error}), so tests at a terminal will fail; \
             `mount -t devpts devpts /dev/pts`, as root, makes some"
        ),
    }
}

fn mount_own() -> nix::Result<()> {
    unshare(CloneFlags::CLONE_NEWNS)?;
    // What is mounted from now on is seen here only.
    let private = |at: &str| {
        let flags = MsFlags::MS_REC | MsFlags::MS_PRIVATE;
        mount(None::<&str>, at, None::<&str>, flags, None::<&str>)
    };
    private("/").or_else(|_| private("/dev"))?;
    let options = Some("newinstance,mode=600,ptmxmode=666");
    mount(
        Some("devpts"),
        "/dev/pts",
        Some("devpts"),
        MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC,
        options,
    )
}
