//! What concerns one component and the kernel: calls, its own messages, memory, threads, timers.

use alloc::sync::Arc;
use core::sync::atomic::{AtomicBool, Ordering};

use abi::{EventKind, MessageInfo, MessageKind};
use ftl::handle::{AsHandle, Channel, Doorbell, KernelTimer, Queue, Thread};
use ftl::prelude::*;
use ftl::sys::{self, NO_HANDLES};
use ftl::time::instructions;
use ring::SharedMemory;

use crate::client::{Client, repeat};
use crate::clock::Clock;
use crate::protocol::FOREVER;
use crate::samples::{Samples, WARM_UP};

/// Bytes of the folios that are made, mapped and unmapped.
const FOLIO_LEN: usize = 64 << 10;

impl Client {
    /// Everything here that is wanted.
    pub fn alone(&self) -> Result<()> {
        self.figure("syscall", self.isolation, sys::nop)?;
        self.own_messages()?;
        self.queued_messages()?;
        self.folios()?;
        self.page_faults()?;
        self.timers()?;
        self.thread_switches()?;
        self.floating_switches()
    }

    /// Sending to oneself and receiving it: what each half of a message costs if nobody waits.
    fn own_messages(&self) -> Result<()> {
        let (near, far) = Channel::pair(4, 4096)?;
        let queue = Queue::new()?;
        queue.attach(&far, 1)?;
        for (size, send_name, receive_name) in [
            (0, "send_0", "receive_0"),
            (64, "send_64", "receive_64"),
            (1024, "send_1024", "receive_1024"),
            (4096, "send_4096", "receive_4096"),
        ] {
            let info = MessageInfo::new(MessageKind::OneWay, 1, size, 0);
            self.figure_of_two(
                [send_name, receive_name],
                || near.send(info, 0, NO_HANDLES),
                || {
                    let event = sys::wait(queue.handle(), FOREVER)?;
                    if event.info().len() != size {
                        return Err(Error::Malformed);
                    }
                    Ok(())
                },
            )?;
        }
        Ok(())
    }

    /// The same while many more messages wait in the queue.
    fn queued_messages(&self) -> Result<()> {
        for (waiting, names) in [
            (1, ["receive_queued_1", "send_queued_1"]),
            (10, ["receive_queued_10", "send_queued_10"]),
            (100, ["receive_queued_100", "send_queued_100"]),
            (1000, ["receive_queued_1000", "send_queued_1000"]),
        ] {
            let (near, far) = Channel::pair(1024, 64)?;
            let queue = Queue::new()?;
            queue.attach(&far, 1)?;
            let info = MessageInfo::new(MessageKind::OneWay, 1, 64, 0);
            for _ in 0..waiting {
                near.send(info, 0, NO_HANDLES)?;
            }
            self.figure_of_two(
                names,
                || sys::wait(queue.handle(), FOREVER).map(drop),
                || near.send(info, 0, NO_HANDLES),
            )?;
        }
        Ok(())
    }

    fn folios(&self) -> Result<()> {
        let folio = core::cell::Cell::new(None);
        self.figure_of_two(
            ["folio_create", "folio_close"],
            || {
                folio.set(Some(Folio::new(FOLIO_LEN)?));
                Ok(())
            },
            || {
                folio.set(None);
                Ok(())
            },
        )?;
        let folio = Folio::new(FOLIO_LEN)?;
        let mapping = core::cell::Cell::new(None);
        self.figure_of_two(
            ["folio_map", "folio_unmap"],
            || {
                mapping.set(Some(folio.map()?));
                Ok(())
            },
            || {
                mapping.set(None);
                Ok(())
            },
        )
    }

    /// First touches of pages that were promised and not there yet.
    fn page_faults(&self) -> Result<()> {
        let name = "page_fault";
        if !self.wants(name, self.isolation) {
            return Ok(());
        }
        let pages = self.options.samples().min(512);
        let folio = Folio::new((pages + WARM_UP) * abi::PAGE_SIZE)?;
        let bytes = folio.map()?;
        let mut page = 0;
        let samples = Samples::take(pages, || {
            bytes.store_u32(page * abi::PAGE_SIZE, 1, Ordering::Relaxed);
            page += 1;
            Ok::<(), Error>(())
        })?;
        samples.report(name, self.isolation);
        drop(bytes);
        drop(folio);
        // A profile shows what belongs to it, too: making, mapping and unmapping its folio.
        self.repeat(|| {
            let bytes = Folio::new(64 * abi::PAGE_SIZE)?.map()?;
            for page in 0..64 {
                bytes.store_u32(page * abi::PAGE_SIZE, 1, Ordering::Relaxed);
            }
            Ok(())
        })
    }

    /// Setting a timer, and how long after its time the one who waits for it runs.
    fn timers(&self) -> Result<()> {
        let timer = KernelTimer::new()?;
        let queue = Queue::new()?;
        queue.attach(&timer, 1)?;
        let mut deadline = FOREVER / 2;
        self.figure("timer_set", self.isolation, || {
            deadline += 1;
            timer.set_ticks(deadline, 0)
        })?;
        timer.set_ticks(0, 0)?;
        if !self.wants("timer_late", self.isolation) {
            return Ok(());
        }
        let mut late = Samples::default();
        let clock = Clock::new(self.info);
        for _ in 0..self.options.samples() {
            let deadline = clock.ticks(instructions()) + 1000;
            timer.set_ticks(deadline as usize, 0)?;
            if sys::wait(queue.handle(), FOREVER)?.kind != EventKind::Timer {
                return Err(Error::Internal);
            }
            late.push(instructions().saturating_sub(clock.instructions(deadline)));
        }
        late.report("timer_late", self.isolation);
        Ok(())
    }

    /// From one thread of a component to the other.
    fn thread_switches(&self) -> Result<()> {
        if !self.wants("thread_switch", self.isolation) {
            return Ok(());
        }
        // It must be gone afterwards: who is ready to run makes every call dearer.
        let over = Arc::new(AtomicBool::new(false));
        let others = over.clone();
        Thread::spawn(16 << 10, move || {
            while !others.load(Ordering::Relaxed) && sys::yield_now().is_ok() {}
        })?;
        // Two switches bring us back.
        let samples = Samples::take(self.options.samples(), sys::yield_now)?;
        samples
            .map(|both| both / 2)
            .report("thread_switch", self.isolation);
        self.repeat(sys::yield_now)?;
        over.store(true, Ordering::Relaxed);
        sys::yield_now()
    }
    /// The same between threads that compute with floating point between two switches: both of them, or one. The client's own
    /// thread never does, since all that is measured after it would be the dearer for it.
    fn floating_switches(&self) -> Result<()> {
        for (name, partner_too) in [
            ("thread_switch_float", true),
            ("thread_switch_float_one", false),
        ] {
            if !self.wants(name, self.isolation) {
                continue;
            }
            let (done, queue) = (Doorbell::new()?, Queue::new()?);
            queue.attach(&done, 1)?;
            let ringer = done.ringer()?;
            let over = Arc::new(AtomicBool::new(false));
            let partners = over.clone();
            Thread::spawn(16 << 10, move || {
                let mut x = 0.3;
                while !partners.load(Ordering::Relaxed) && sys::yield_now().is_ok() {
                    if partner_too {
                        compute(&mut x);
                    }
                }
            })?;
            let (count, repeats, case) = (
                self.options.samples(),
                self.options.repeats(),
                self.isolation,
            );
            Thread::spawn(32 << 10, move || {
                let mut x = 0.7;
                let mut turn = || {
                    compute(&mut x);
                    sys::yield_now()
                };
                if let Ok(samples) = Samples::take(count, &mut turn) {
                    samples.map(|both| both / 2).report(name, case);
                }
                if repeats {
                    let _ = repeat(turn);
                }
                over.store(true, Ordering::Relaxed);
                let _ = ringer.ring();
            })?;
            sys::wait(queue.handle(), FOREVER)?;
            // The partner sees that it is over, and ends.
            sys::yield_now()?;
        }
        Ok(())
    }
}

/// Changes a floating-point register.
#[inline(always)]
fn compute(x: &mut f64) {
    *x = core::hint::black_box(*x) * (1.0 - *x) * 3.9;
}
