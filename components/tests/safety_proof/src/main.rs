//! Boots in the place of init and proves two promises of the kernel: a driver that spins leaves the rest of its
//! share of the CPU to an app (rule 14), under both isolations, and what was logged survives a warm reset
//! of the machine (rule 28). Its second life finds the marks of its first one in the log.
//!
//! `./ftl run --init safety_proof --smp 1 --icount --reboot` runs it; the status is 0 if all of it held.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use abi::{EventKind, Handle, Isolation, Name, ProcessParams, ProcessState, StartInfo};
use ftl::handle::{OwnedHandle, System};
use ftl::prelude::*;
use ftl::sys;

/// What the first life logs last.
const MARK: &str = "the first life ends";
/// How the kernel shows that in the second one.
const REPEATED: &[u8] = b"before: [";
const FOREVER: usize = usize::MAX;
/// How long the two compete for the CPU.
const COMPETITION_NS: u64 = 400_000_000;

#[ftl::main]
fn main(info: &'static StartInfo) -> Result<()> {
    if info.name.as_str() != "init" {
        loop {
            core::hint::spin_loop();
        }
    }
    let system = System::from(OwnedHandle::from_raw(info.system));
    match prove(info, &system) {
        Ok(()) => system.shutdown(0),
        Err(error) => {
            error!("the proof failed: {error}");
            system.shutdown(1)
        }
    }
}

fn prove(info: &'static StartInfo, system: &System) -> Result<()> {
    if second_life(system)? {
        info!("this is the second life, and the log of the first is there");
        return Ok(());
    }
    for isolation in [Isolation::Kernel, Isolation::User] {
        compete(info, isolation)?;
    }
    info!("{MARK}");
    system.reset(false)
}

/// Whether the log repeats the mark of an earlier life.
fn second_life(system: &System) -> Result<bool> {
    let (mut position, mut text) = (0, [0; 2048]);
    let (mut repeats, mut marks) = (false, false);
    loop {
        let (next, len) = system.log_read(position, &mut text)?;
        if len == 0 {
            return Ok(repeats && marks);
        }
        let found = |what: &[u8]| text[..len].windows(what.len()).any(|part| part == what);
        repeats |= found(REPEATED);
        marks |= found(MARK.as_bytes());
        position = next;
    }
}

/// A driver and an app spin on one CPU. The driver is more important and has 90 %.
fn compete(info: &'static StartInfo, isolation: Isolation) -> Result<()> {
    let queue = sys::queue_create()?;
    let start = |name: &str, priority: u32, key: usize| {
        let params = ProcessParams {
            name: Name::new(name),
            isolation: isolation as u32,
            priority,
            memory_pages_max: 1024,
            handles_max: 64,
            threads_max: 1,
            heap_len: 64 << 10,
            stack_len: 64 << 10,
            cpu_share_percent: 90,
            messages_max: 16,
        };
        let process = sys::process_create(info.system, &params)?;
        // The archive's one entry is this image, behind a header of 512 bytes.
        let (offset, len) = (512, info.archive_len as usize - 512);
        while sys::process_load(process, info.archive, offset, len) == Err(Error::Again) {}
        sys::queue_attach(queue, process, key)?;
        sys::process_start(process, Handle::NONE)?;
        Ok(process)
    };
    let (driver, app) = (start("driver", 2, 1)?, start("app", 5, 2)?);
    let timer = sys::timer_create()?;
    sys::queue_attach(queue, timer, 3)?;
    let until = Instant::now().as_nanos() + COMPETITION_NS;
    let ticks = info.boot_ticks + until * info.ticks_per_second / 1_000_000_000;
    sys::timer_set(timer, ticks as usize, 0)?;
    if sys::wait(queue, FOREVER)?.kind != EventKind::Timer {
        return Err(Error::Internal);
    }
    let ticks = |process| sys::process_info(process).map(|info| info.cpu_ticks);
    let (drivers, apps) = (ticks(driver)?, ticks(app)?);
    for process in [driver, app] {
        sys::process_kill(process, ProcessState::EXIT_KILLED)?;
    }
    for _ in 0..2 {
        if sys::wait(queue, FOREVER)?.kind != EventKind::Exited {
            return Err(Error::Internal);
        }
    }
    for handle in [driver, app, timer, queue] {
        sys::handle_close(handle)?;
    }
    let percent = drivers * 100 / (drivers + apps).max(1);
    info!("{isolation:?}: the driver had {percent} % of the CPU");
    // On one CPU, and where time counts instructions, as it does for the test.
    match percent {
        80..=92 => Ok(()),
        _ => Err(Error::Internal),
    }
}
