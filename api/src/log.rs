//! The component's log: `error!`, `warn!`, `info!`, `debug!`, `trace!`.
//!
//! They are the crate `log`'s macros, so libraries that use it log here too. A line goes to the
//! kernel's log under the component's name, which the kernel knows; longer than a page, it is cut.
//!
//! ```
//! # let system = testkit::System::new();
//! use ftl::prelude::*;
//!
//! let port = 80;
//! info!("listens on port {port}");
//! debug!("and this is only shown with `ftl.log=debug`");
//! # assert!(system.log().contains("test: listens on port 80"));
//! ```

use core::fmt::Write;
use core::sync::atomic::Ordering::Relaxed;

use log::{Level, LevelFilter, Log, Metadata, Record};

use crate::buffer::SendText;
use crate::{gate, stage, sys};

struct KernelLog;

impl Log for KernelLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        number(metadata.level()) <= gate::local().log_level.load(Relaxed) as usize
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        stage::flush();
        let mut text = SendText::new();
        // Errors come from the `Display` of what is logged; what was written so far still tells something.
        let _ = text.write_fmt(*record.args());
        let _ = sys::log(number(record.level()), text.len());
    }

    fn flush(&self) {}
}

/// Text of which each line becomes a line of the log. What is left without a line break at its end is one as well.
pub(crate) fn lines(level: Level, text: core::fmt::Arguments<'_>) {
    if number(level) > gate::local().log_level.load(Relaxed) as usize {
        return;
    }
    stage::flush();
    let line = SendText::new();
    let mut lines = Lines { level, line };
    // As above: what was written so far still tells something.
    let _ = lines.write_fmt(text);
    if lines.line.len() > 0 {
        lines.end_line();
    }
}

struct Lines {
    level: Level,
    line: SendText,
}

impl Lines {
    fn end_line(&mut self) {
        let line = core::mem::replace(&mut self.line, SendText::new());
        let _ = sys::log(number(self.level), line.len());
    }
}

impl Write for Lines {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let mut rest = text;
        while let Some((line, next)) = rest.split_once('\n') {
            self.line.write_str(line)?;
            self.end_line();
            rest = next;
        }
        self.line.write_str(rest)
    }
}

/// A warning, and who called the function that has this frame.
pub(crate) fn warn_with_callers(text: core::fmt::Arguments<'_>, frame: usize) {
    if number(Level::Warn) > gate::local().log_level.load(Relaxed) as usize {
        return;
    }
    stage::flush();
    let mut line = SendText::new();
    let _ = line.write_fmt(text);
    let _ = sys::log_callers(number(Level::Warn), line.len(), frame);
}

fn number(level: Level) -> usize {
    match level {
        Level::Error => 1,
        Level::Warn => 2,
        Level::Info => 3,
        Level::Debug => 4,
        Level::Trace => 5,
    }
}

/// Sets up the macros. Later calls have no effect: on the host many components share them.
pub(crate) fn start() {
    if log::set_logger(&KernelLog).is_ok() {
        log::set_max_level(LevelFilter::Trace);
    }
}

/// Sets which lines are written: 1 only errors, 2 warnings too, 3 (the default) information
/// too, 4 debug, 5 everything.
pub fn set_level(level: u8) {
    gate::local().log_level.store(level, Relaxed);
}
