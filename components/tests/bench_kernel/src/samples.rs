//! Taking samples, and the line in which they leave the machine.
//!
//! A sample is the number of instructions between two readings of the CPU's counter, less what two
//! readings right after each other show. With QEMU's `-icount shift=0` it is exact, and the same at each run.

use alloc::vec::Vec;

use ftl::info;
use ftl::time::instructions;

/// Done before the first sample, so that memory is there and slabs have grown.
pub const WARM_UP: usize = 16;

/// The samples of one figure.
#[derive(Default)]
pub struct Samples(Vec<u64>);

/// Takes samples one by one.
pub struct Sampler {
    overhead: u64,
    warm_up: usize,
    samples: Samples,
}

impl Sampler {
    /// None yet.
    pub fn new() -> Sampler {
        let overhead = || {
            let begin = instructions();
            instructions() - begin
        };
        Sampler {
            overhead: (0..16).map(|_| overhead()).min().unwrap_or(0),
            warm_up: WARM_UP,
            samples: Samples::default(),
        }
    }

    /// Does something and takes a sample of it. An error leaves no sample.
    #[inline(always)]
    pub fn take<E>(&mut self, operation: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
        let begin = instructions();
        operation()?;
        let end = instructions();
        match self.warm_up.checked_sub(1) {
            Some(left) => self.warm_up = left,
            None => self
                .samples
                .push((end - begin).saturating_sub(self.overhead)),
        }
        Ok(())
    }

    /// What was taken.
    pub fn samples(self) -> Samples {
        self.samples
    }
}

impl Samples {
    /// Does something again and again. It ends at the first error.
    #[inline(always)]
    pub fn take<E>(
        count: usize,
        mut operation: impl FnMut() -> Result<(), E>,
    ) -> Result<Samples, E> {
        let mut sampler = Sampler::new();
        sampler.samples.0.reserve(count);
        for _ in 0..count + WARM_UP {
            sampler.take(&mut operation)?;
        }
        Ok(sampler.samples())
    }

    /// Adds one.
    pub fn push(&mut self, sample: u64) {
        self.0.push(sample);
    }

    /// Each sample turned into another.
    pub fn map(self, change: impl Fn(u64) -> u64) -> Samples {
        Samples(self.0.into_iter().map(change).collect())
    }

    /// The sample in the middle.
    pub fn median(&self) -> u64 {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        sorted.get(sorted.len() / 2).copied().unwrap_or(0)
    }

    /// Writes the line that `./ftl bench` reads.
    pub fn report(self, name: &str, case: &str) {
        self.report_as(name, case, "instructions");
    }

    /// The same for what is counted in something else.
    pub fn report_as(mut self, name: &str, case: &str, unit: &str) {
        self.0.sort_unstable();
        let (Some(min), Some(max)) = (self.0.first(), self.0.last()) else {
            return;
        };
        info!(
            "FTL-BENCH {{\"name\":\"{name}\",\"case\":\"{case}\",\"unit\":\"{unit}\",\
             \"samples\":{},\"min\":{min},\"median\":{},\"max\":{max}}}",
            self.0.len(),
            self.0[self.0.len() / 2],
        );
    }
}
