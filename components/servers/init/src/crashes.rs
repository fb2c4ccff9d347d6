//! Telling of crashes, to whoever asks: what the kernel remembers of them.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use ftl::abi::CrashReport;
use ftl::handle::System;
use ftl::prelude::*;
use interfaces::system::{CrashFrame, CrashRegister, CrashReplier};

use crate::service::nanos;

/// How many may wait for the next crash; whoever has waited longest is told `Busy` then. Nobody but the tool's
/// end in the machine waits as a rule; and those who wait and are gone are found out at the next crash.
const WAITING_MAX: usize = 8;

/// Who waits for the next crash.
#[derive(Default)]
pub struct Crashes {
    /// After which crash, and whom to tell.
    waiting: VecDeque<(u64, CrashReplier)>,
}

impl Crashes {
    /// Answers with the first crash after one that is known already, at once or when there is one.
    pub fn ask(
        &mut self,
        system: &System,
        after: u64,
        wait: bool,
        reply: CrashReplier,
    ) -> Result<()> {
        match system.crash_report(after) {
            Ok(report) => answer(reply, &report),
            Err(Error::NotFound) if wait => {
                self.waiting.push_back((after, reply));
                if self.waiting.len() > WAITING_MAX
                    && let Some((_, longest)) = self.waiting.pop_front()
                {
                    return longest.error(Error::Busy);
                }
                Ok(())
            }
            Err(error) => reply.error(error),
        }
    }

    /// Something has ended: perhaps by a crash.
    pub fn look(&mut self, system: &System) {
        for (after, reply) in core::mem::take(&mut self.waiting) {
            match system.crash_report(after) {
                // Whoever is gone needs no answer.
                Ok(report) => drop(answer(reply, &report)),
                Err(_) => self.waiting.push_back((after, reply)),
            }
        }
    }
}

fn answer(reply: CrashReplier, report: &CrashReport) -> Result<()> {
    let message = &report.message[..(report.message_len as usize).min(report.message.len())];
    let frames: Vec<CrashFrame> = report
        .frames
        .iter()
        .take(report.frame_count as usize)
        .map(|frame| CrashFrame {
            place: frame.place,
            in_image: frame.in_image != 0,
        })
        .collect();
    let registers: Vec<CrashRegister<'_>> = report
        .registers
        .iter()
        .take(report.register_count as usize)
        .map(|register| CrashRegister {
            name: text(register.name.split(|byte| *byte == 0).next()),
            value: register.value,
        })
        .collect();
    reply.ok(
        report.number,
        report.name.as_str(),
        nanos(report.ticks),
        report.status,
        text(Some(message)),
        frames.as_slice(),
        registers.as_slice(),
    )
}

fn text(bytes: Option<&[u8]>) -> &str {
    core::str::from_utf8(bytes.unwrap_or_default()).unwrap_or("")
}
