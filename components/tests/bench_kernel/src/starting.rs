//! What a component's start costs: from before it is made until its first own instruction, and until all
//! of it is gone again.

use abi::{EventKind, Isolation};
use ftl::prelude::*;
use ftl::sys;
use ftl::time::instructions;

use crate::director::Starter;
use crate::options::Options;
use crate::protocol::{FOREVER, isolation_name};
use crate::samples::Samples;

/// Starting is dear; this many are enough.
const SAMPLES: usize = 100;

/// Starts components that end at once.
pub fn measure(starter: &Starter, options: &Options, isolation: Isolation) -> Result<()> {
    let case = isolation_name(isolation);
    let wanted = options.wants("component_start") || options.wants("component_start_and_end");
    if !wanted || !options.wants_case(case) {
        return Ok(());
    }
    let queue = sys::queue_create()?;
    let one = || {
        let begin = instructions();
        let process = starter.start_stamp(isolation)?;
        sys::queue_attach(queue, process, 1)?;
        let event = sys::wait(queue, FOREVER)?;
        sys::handle_close(process)?;
        let end = instructions();
        if event.kind != EventKind::Exited {
            return Err(Error::Internal);
        }
        Ok(((event.data as u64).saturating_sub(begin), end - begin))
    };
    let (mut starts, mut both) = (Samples::default(), Samples::default());
    // The first makes slabs grow.
    one()?;
    for _ in 0..options.samples().min(SAMPLES) {
        let (to_first, to_end) = one()?;
        starts.push(to_first);
        both.push(to_end);
    }
    if options.wants("component_start") {
        starts.report("component_start", case);
    }
    if options.wants("component_start_and_end") {
        both.report("component_start_and_end", case);
    }
    if options.repeats() {
        return crate::client::repeat(|| one().map(drop));
    }
    sys::handle_close(queue)
}
