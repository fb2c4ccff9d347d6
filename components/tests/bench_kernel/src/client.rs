//! The part that measures: how figures are taken, and what happens between it and a server.
//! What it needs nobody else for is in [`crate::alone`].

use abi::{Handle, StartInfo};
use ftl::handle::{AsHandle, OwnedHandle, Queue};
use ftl::prelude::*;
use ftl::sys::{self, NO_HANDLES};
use ftl::time::instructions;
use interfaces::bench::{self, Blocking};

use crate::options::Options;
use crate::protocol::{ECHO, ECHO_HANDLES, FOREVER, WITH_DEVICE, receive_begin, request};
use crate::samples::{Sampler, Samples, WARM_UP};

const DIRECTOR: usize = 1;

/// Sizes of messages that are measured, and what their calls are called.
const SIZES: [(usize, &str); 4] = [
    (0, "rpc_0"),
    (64, "rpc_64"),
    (1024, "rpc_1024"),
    (4096, "rpc_4096"),
];

/// Who measures, and against whom.
pub struct Client {
    /// What it was started with.
    pub info: &'static StartInfo,
    /// What is wanted.
    pub options: Options,
    /// Its own isolation.
    pub isolation: &'static str,
    /// Its own and the server's: `kernel-user`.
    pair: &'static str,
    server: Handle,
    /// To ring, and where the one who waits for it says when it woke.
    doorbell: Handle,
    waiter: Handle,
}

/// Measures what is wanted, and ends.
pub fn measure(info: &'static StartInfo) -> Result<()> {
    let queue = sys::queue_create()?;
    let (text, begin) = receive_begin(queue, info.bootstrap, DIRECTOR)?;
    let (pair, words) = text.split_once(' ').ok_or(Error::Malformed)?;
    let pair = ["kernel-kernel", "kernel-user", "user-kernel", "user-user"]
        .into_iter()
        .find(|one| *one == pair)
        .ok_or(Error::Malformed)?;
    let [server, typed, doorbell, waiter] = begin.handles;
    let client = Client {
        info,
        options: Options::new(words),
        isolation: pair.split_once('-').map_or(pair, |(first, _)| first),
        pair,
        server,
        doorbell,
        waiter,
    };
    // What concerns one component is measured once for each isolation.
    if matches!(pair, "kernel-kernel" | "user-user") {
        client.alone()?;
    }
    if words.contains(WITH_DEVICE) {
        let event = sys::wait(queue, FOREVER)?;
        let device = Device::from(OwnedHandle::from_raw(event.handles[0]));
        crate::interrupt::measure(&client, &device)?;
    }
    client.raw_calls()?;
    client.handles()?;
    client.typed_calls(typed)?;
    client.wake_ups()
}

impl Client {
    /// Whether a figure is wanted.
    pub fn wants(&self, name: &str, case: &str) -> bool {
        self.options.wants(name) && self.options.wants_case(case)
    }

    /// Measures one thing if it is wanted.
    #[inline(always)]
    pub fn figure(
        &self,
        name: &str,
        case: &str,
        mut operation: impl FnMut() -> Result<()>,
    ) -> Result<()> {
        if !self.wants(name, case) {
            return Ok(());
        }
        Samples::take(self.options.samples(), &mut operation)?.report(name, case);
        self.repeat(operation)
    }

    /// Measures two things that are done in turns, such as making and unmaking.
    #[inline(always)]
    pub fn figure_of_two(
        &self,
        names: [&str; 2],
        mut first: impl FnMut() -> Result<()>,
        mut second: impl FnMut() -> Result<()>,
    ) -> Result<()> {
        let case = self.isolation;
        if !names.iter().any(|name| self.wants(name, case)) {
            return Ok(());
        }
        let (mut firsts, mut seconds) = (Sampler::new(), Sampler::new());
        for _ in 0..self.options.samples() + WARM_UP {
            firsts.take(&mut first)?;
            seconds.take(&mut second)?;
        }
        for (name, sampler) in names.into_iter().zip([firsts, seconds]) {
            if self.wants(name, case) {
                sampler.samples().report(name, case);
            }
        }
        self.repeat(|| {
            first()?;
            second()
        })
    }

    /// If a profile is made: does it without end.
    #[inline(always)]
    pub fn repeat(&self, operation: impl FnMut() -> Result<()>) -> Result<()> {
        if self.options.repeats() {
            return repeat(operation);
        }
        Ok(())
    }

    /// Calls with their replies, as plain system calls. Nobody writes or reads the bodies.
    fn raw_calls(&self) -> Result<()> {
        for (size, name) in SIZES {
            let mut transaction = 0;
            self.figure(name, self.pair, || {
                transaction += 1;
                let answer = sys::call_and_wait(
                    self.server,
                    request(ECHO, size, 0),
                    transaction,
                    NO_HANDLES,
                    FOREVER,
                )?;
                if answer.info().len() != size {
                    return Err(Error::Malformed);
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// What each handle adds to a message: four of them go there and come back.
    fn handles(&self) -> Result<()> {
        let name = "handle_moved";
        if !self.wants(name, self.pair) {
            return Ok(());
        }
        let (first, second) = sys::channel_create(1, 0)?;
        let (third, fourth) = sys::channel_create(1, 0)?;
        let mut handles = [first, second, third, fourth];
        let call = |ordinal, count, handles| {
            sys::call_and_wait(self.server, request(ordinal, 0, count), 1, handles, FOREVER)
        };
        let without = Samples::take(self.options.samples(), || {
            call(ECHO, 0, NO_HANDLES).map(drop)
        })?;
        let mut with = || {
            handles = call(ECHO_HANDLES, 4, handles)?.handles;
            Ok(())
        };
        let samples = Samples::take(self.options.samples(), &mut with)?;
        let without = without.median();
        samples
            .map(|sample| sample.saturating_sub(without) / 8)
            .report(name, self.pair);
        self.repeat(with)
    }

    /// Calls through generated code, with 64 bytes in eight fields each way.
    fn typed_calls(&self, typed: Handle) -> Result<()> {
        let mut typed = bench::Client::from(OwnedHandle::from_raw(typed));
        let mut value = 0;
        self.figure("rpc_typed_64", self.pair, || {
            value += 1;
            let numbers = bench::Eight {
                a: value,
                b: 2,
                c: 3,
                d: 4,
                e: 5,
                f: 6,
                g: 7,
                h: value,
            };
            let answer = typed.echo(numbers)?;
            if answer.a != value || answer.h != value {
                return Err(Error::Malformed);
            }
            Ok(())
        })
    }

    /// From ringing a doorbell until the one who waits for it runs, which has the higher priority
    /// and so runs at once.
    fn wake_ups(&self) -> Result<()> {
        let name = "event_wake_up";
        if !self.wants(name, self.pair) {
            return Ok(());
        }
        let queue = Queue::new()?;
        sys::queue_attach(queue.handle(), self.waiter, 1)?;
        let mut samples = Samples::default();
        let mut wake = || {
            let begin = instructions();
            sys::doorbell_ring(self.doorbell)?;
            sys::wait(queue.handle(), FOREVER)?;
            let mut woken = [0; 8];
            ftl::buffer::read_received(&mut woken);
            samples.push(u64::from_le_bytes(woken).saturating_sub(begin));
            Ok(())
        };
        for _ in 0..self.options.samples() {
            wake()?;
        }
        self.repeat(wake)?;
        samples.report(name, self.pair);
        Ok(())
    }
}

/// Does something without end, and says before what one time costs.
pub fn repeat(mut operation: impl FnMut() -> Result<()>) -> Result<()> {
    const MEASURED: u64 = 32;
    let begin = instructions();
    for _ in 0..MEASURED {
        operation()?;
    }
    info!("FTL-BENCH-REPEATS {}", (instructions() - begin) / MEASURED);
    loop {
        operation()?;
    }
}
