//! Boots in the place of init and proves promises of the kernel. A driver that spins leaves the rest of its
//! share of the CPU to an app (rule 14), and an app that spins takes nothing from who is as important or more,
//! under both isolations; on several CPUs, that many that spin leave each other and the important what is theirs.
//! What was logged survives a warm reset of the machine (rule 28): its second life finds the
//! marks of its first one in the log.
//!
//! `./ftl run --init safety_proof --smp 1 --icount --reboot` runs it, or with `--smp 4`; the status is 0 if all of it held.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

use abi::{EventKind, Handle, Isolation, Name, PAGE_SIZE, ProcessParams, ProcessState, StartInfo};
use ftl::handle::{OwnedHandle, System, Thread};
use ftl::prelude::*;
use ftl::sys;

/// What the first life logs last.
const MARK: &str = "the first life ends";
/// How the kernel shows that in the second one.
const REPEATED: &[u8] = b"before: [";
const FOREVER: usize = usize::MAX;
/// Priorities of drivers and of apps.
const DRIVER: u32 = 2;
const APP: u32 = 5;
/// How long they compete for the CPU; on several, where time is the host's, and timers may come late by more than the
/// 10 ms that shares are of.
const COMPETITION: Duration = Duration::from_millis(60);
const COMPETITION_FOR_SEVERAL: Duration = Duration::from_millis(1_000);
/// The names of one that spins, and of one that does with four threads.
const ONE: &str = "spinner";
const FOUR: &str = "four spinners";

#[ftl::main]
fn main(info: &'static StartInfo) -> Result<()> {
    if info.name.as_str() == FOUR {
        for _ in 1..4 {
            core::mem::forget(Thread::spawn(16 << 10, spin_for_ever)?);
        }
    }
    if info.name.as_str() != "init" {
        spin_for_ever();
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

fn spin_for_ever() {
    loop {
        core::hint::spin_loop();
    }
}

fn prove(info: &'static StartInfo, system: &System) -> Result<()> {
    if second_life(system)? {
        info!("this is the second life, and the log of the first is there");
        return Ok(());
    }
    let cpus = cpus(system)?;
    let several = cpus > 1;
    // They come one after the other.
    while system.statistics()?.cpus < cpus {
        ftl::time::sleep(Duration::from_millis(1));
    }
    for isolation in [Isolation::Kernel, Isolation::User] {
        match several {
            true => compete_for_several(info, isolation)?,
            false => compete(info, isolation)?,
        }
    }
    info!("{MARK}");
    system.reset(false)
}

/// How many CPUs the kernel said there are: `4 CPUs`, with a number of one digit, in its first line.
fn cpus(system: &System) -> Result<u64> {
    let mut text = [0; 2048];
    let (_, len) = system.log_read(0, &mut text)?;
    let at = text[..len].windows(4).position(|part| part == b" CPU");
    let digit = at.and_then(|at| text.get(at.checked_sub(1)?));
    let digit = digit.filter(|digit| digit.is_ascii_digit());
    digit
        .map(|digit| u64::from(digit - b'0'))
        .ok_or(Error::NotFound)
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

/// Components of these names and priorities spin, each with 90 % of a CPU: how many ticks of CPU time each of them had.
fn spin<const N: usize>(
    info: &'static StartInfo,
    isolation: Isolation,
    time: Duration,
    spinners: [(&str, u32); N],
) -> Result<[u64; N]> {
    let queue = sys::queue_create()?;
    let mut processes = [Handle::NONE; N];
    for (key, (process, (name, priority))) in processes.iter_mut().zip(spinners).enumerate() {
        let params = ProcessParams {
            name: Name::new(name),
            isolation: isolation as u32,
            priority,
            memory_pages_max: 1024,
            handles_max: 64,
            threads_max: 4,
            heap_len: 64 << 10,
            stack_len: 64 << 10,
            cpu_share_percent: 90,
            messages_max: 16,
        };
        *process = sys::process_create(info.system, &params)?;
        // The archive's one entry is this image, which begins at the second page, as images begin at pages.
        let (offset, len) = (PAGE_SIZE, info.archive_len as usize - PAGE_SIZE);
        while sys::process_load(*process, info.archive, offset, len) == Err(Error::Again) {}
        sys::queue_attach(queue, *process, key)?;
    }
    for process in processes {
        sys::process_start(process, Handle::NONE)?;
    }
    let timer = sys::timer_create()?;
    sys::queue_attach(queue, timer, N)?;
    let until = Instant::now().as_nanos() + time.as_nanos() as u64;
    let ticks = info.boot_ticks + until * info.ticks_per_second / 1_000_000_000;
    sys::timer_set(timer, ticks as usize, 0)?;
    if sys::wait(queue, FOREVER)?.kind != EventKind::Timer {
        return Err(Error::Internal);
    }
    let mut used = [0; N];
    for (used, process) in used.iter_mut().zip(processes) {
        *used = sys::process_info(process)?.cpu_ticks;
    }
    for process in processes {
        sys::process_kill(process, ProcessState::EXIT_KILLED)?;
    }
    for _ in processes {
        if sys::wait(queue, FOREVER)?.kind != EventKind::Exited {
            return Err(Error::Internal);
        }
    }
    for handle in processes.into_iter().chain([timer, queue]) {
        sys::handle_close(handle)?;
    }
    Ok(used)
}

/// Two spin on one CPU. What the first one has lies in a range, on one CPU and where time counts instructions, as it does
/// for the test.
fn compete(info: &'static StartInfo, isolation: Isolation) -> Result<()> {
    for (who, priorities, expected) in [
        // The less important one has what the driver's share leaves.
        ("the driver", [DRIVER, APP], 80..=92),
        // One that spins cannot take more than its half from its like.
        ("an app beside another", [APP, APP], 42..=58),
        // Nor anything from who is more important, even if it began first.
        ("an app beside a driver", [APP, DRIVER], 8..=20),
    ] {
        let spinners = priorities.map(|priority| (ONE, priority));
        let [first, second] = spin(info, isolation, COMPETITION, spinners)?;
        let percent = first * 100 / (first + second).max(1);
        info!("{isolation:?}: {who} had {percent} % of the CPU");
        if !expected.contains(&percent) {
            return Err(Error::Internal);
        }
    }
    Ok(())
}

/// More spin than there are CPUs, four of them. The last one must have had so much of one CPU at least.
fn compete_for_several(info: &'static StartInfo, isolation: Isolation) -> Result<()> {
    let time = COMPETITION_FOR_SEVERAL;
    let window = time.as_millis() as u64 * info.ticks_per_second / 1_000;
    let check = |who: &str, ticks: &[u64], least: u64| {
        let percent = ticks.last().copied().unwrap_or(0) * 100 / window;
        let others = ticks.iter().rev().skip(1).sum::<u64>() * 100 / window;
        info!("{isolation:?}: {who} had {percent} % of a CPU, the others {others} %");
        match percent >= least {
            true => Ok(()),
            false => Err(Error::Internal),
        }
    };
    let driver = (ONE, DRIVER);
    let spinners = [driver, driver, driver, driver, (ONE, APP)];
    // Each driver leaves a tenth of its CPU.
    let used = spin(info, isolation, time, spinners)?;
    check("an app beside four drivers", &used, 8)?;
    // However many threads somebody has, it has one share, and its like not less.
    let used = spin(info, isolation, time, [(FOUR, APP), (ONE, APP)])?;
    check("an app beside another one of four threads", &used, 42)?;
    let used = spin(info, isolation, time, [(FOUR, DRIVER), (ONE, APP)])?;
    check("an app beside a driver of four threads", &used, 8)?;
    let used = spin(info, isolation, time, [(FOUR, APP), (ONE, DRIVER)])?;
    check("a driver beside an app of four threads", &used, 85)
}
