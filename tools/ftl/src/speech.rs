//! Saying something when perhaps nobody is there any more: the terminal was closed, the pipe is broken, the disk is full.
//! `eprintln!` and its kin panic then, and what the tool had still to do stays undone, such as ending QEMU or keeping a dump.
//! So nobody here uses them, which clippy sees to (`print_stdout`, `print_stderr` in `lib.rs` and `main.rs`).
//!
//! - [`say!`](crate::say) is for people, on standard error; what cannot be said is not.
//! - [`answer!`](crate::answer!) is for whoever asked, on standard output, and tells whether that worked.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};

/// A line on standard error, as `eprintln!` takes it. If nobody can hear it, that is that.
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => { $crate::speech::say(format_args!("{}\n", format_args!($($text)*))) };
}

/// A line on standard output, as `println!` takes it. Its value is an [`io::Result`]: it is well if the reader has
/// heard enough and closed its end, and an error if the line is lost otherwise.
#[macro_export]
macro_rules! answer {
    ($($text:tt)*) => { $crate::speech::answer(format_args!("{}\n", format_args!($($text)*))) };
}

/// Text for people, as it is.
pub fn say(text: Arguments<'_>) {
    // In one piece: standard error has no buffer, and others write there, too.
    let _ = io::stderr().write_all(text.to_string().as_bytes());
}

/// Text for whoever asked, as it is.
pub fn answer(text: Arguments<'_>) -> io::Result<()> {
    let mut output = io::stdout().lock();
    match output.write_fmt(text).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}
