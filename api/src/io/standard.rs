//! The standard streams of a command, and `print!`.
//!
//! Output is collected until a piece is full, the command waits or sends something, or its end:
//! whoever waits or sends calls [`crate::stage`], which knows that some is pending. A receiver that went
//! away ends the command with [`ProcessState::EXIT_PIPE`], as everywhere; whoever wants to
//! know instead takes the stream out ([`Stdout::take`]) and writes to that.

use alloc::rc::Rc;
use core::cell::{Cell, RefCell};
use core::fmt;

use abi::{Error, ProcessState, Result};
use log::Level;

use super::{BufRead, PipeReader, PipeWriter, Read, Write};
use crate::event_loop::TypedEnd;
use crate::gate;
use crate::process::Stdio;
use crate::stream::{self, Receiver, Sender};
use crate::time::{Duration, Instant};
use crate::{bootstrap, stage, sys};

/// Standard input. Without one it is at its end at once.
#[derive(Debug)]
pub struct Stdin(Option<PipeReader>);

impl Stdin {
    pub(crate) fn new(end: Option<Receiver>) -> Stdin {
        Stdin(end.map(PipeReader::new))
    }
    /// The stream behind it, if there is one.
    pub fn into_inner(self) -> Option<PipeReader> {
        self.0
    }
}

impl Read for Stdin {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.0.as_mut().map_or(Ok(0), |reader| reader.read(buffer))
    }
}

impl BufRead for Stdin {
    fn fill_buf(&mut self) -> Result<&[u8]> {
        match &mut self.0 {
            Some(reader) => reader.fill_buf(),
            None => Ok(&[]),
        }
    }
    fn consume(&mut self, len: usize) {
        if let Some(reader) = &mut self.0 {
            reader.consume(len);
        }
    }
}

/// One of the two outputs, as [`Stdout`] or [`Stderr`] and as `print!` or `eprint!` share it.
#[derive(Debug)]
pub(crate) struct Output {
    writer: RefCell<Option<PipeWriter>>,
    /// Whether [`stage`] knows that there is something to flush.
    pending: Cell<bool>,
}

/// Places of the two in [`gate::Local::outputs`].
const OUT: usize = 0;
const ERR: usize = 1;

impl Output {
    fn new(end: Option<Sender>, place: usize) -> Rc<Output> {
        let output = Rc::new(Output {
            writer: RefCell::new(end.map(PipeWriter::new)),
            pending: Cell::new(false),
        });
        if let Some(known) = gate::local().outputs.borrow_mut().get_mut(place) {
            *known = Some(output.clone());
        }
        output
    }

    /// Does something with the stream; without one, `otherwise` is the answer.
    fn with<T>(&self, otherwise: T, act: impl FnOnce(&mut PipeWriter) -> Result<T>) -> Result<T> {
        // Whoever writes and has to wait for the reader comes here again to flush, and does so already.
        let Ok(mut writer) = self.writer.try_borrow_mut() else {
            return Ok(otherwise);
        };
        let Some(stream) = &mut *writer else {
            return Ok(otherwise);
        };
        let result = act(stream);
        let collected = stream.collected() > 0;
        drop(writer);
        if matches!(result, Err(Error::Closed)) {
            sys::process_exit(ProcessState::EXIT_PIPE);
        }
        if collected && !self.pending.replace(true) {
            stage::output_pending();
        }
        result
    }

    fn flush(&self) -> Result<()> {
        self.pending.set(false);
        self.with((), PipeWriter::flush)
    }
}

/// Sends what the command has printed. [`stage`] calls this before the command waits or sends.
pub(crate) fn flush_output() {
    for place in [OUT, ERR] {
        let output = known(place);
        if let Some(output) = output
            && output.pending.get()
        {
            // What can go wrong other than a receiver that is gone is memory; then it is lost.
            let _ = output.flush();
        }
    }
}

fn known(place: usize) -> Option<Rc<Output>> {
    if !bootstrap::is_first_thread() {
        return None;
    }
    gate::local().outputs.borrow().get(place)?.clone()
}

/// Standard output. Clones are the same.
#[derive(Clone, Debug)]
pub struct Stdout(Rc<Output>);

impl Stdout {
    pub(crate) fn new(end: Option<Sender>) -> Stdout {
        Stdout(Output::new(end, OUT))
    }
    /// Takes the stream out. What is printed from then on vanishes.
    pub fn take(&self) -> Option<PipeWriter> {
        let _ = self.0.flush();
        self.0.writer.borrow_mut().take()
    }
    /// A stream for another command, which joins this one: its bytes come here until it ends.
    pub fn share(&self) -> Result<Stdio> {
        share(&self.0)
    }
    /// Waits for so long, as [`crate::time::sleep`] does, but ends the command as soon as nobody reads its output
    /// any more, as writing would.
    pub fn sleep_while_read(&self, duration: Duration) -> Result<()> {
        let until = Instant::now() + duration;
        let is_closed = self
            .0
            .with(None, |stream| stream.wait_closed(until).map(Some))?;
        match is_closed {
            Some(true) => sys::process_exit(ProcessState::EXIT_PIPE),
            Some(false) => {}
            None => crate::time::sleep(duration),
        }
        Ok(())
    }
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        self.0.with(bytes.len(), |stream| stream.write(bytes))
    }
    fn flush(&mut self) -> Result<()> {
        self.0.flush()
    }
}

/// Standard error. Nothing is collected: each write is sent, after what was printed before. Clones
/// are the same.
#[derive(Clone, Debug)]
pub struct Stderr(Rc<Output>);

impl Stderr {
    pub(crate) fn new(end: Option<Sender>) -> Stderr {
        Stderr(Output::new(end, ERR))
    }
    /// Takes the stream out. What is printed from then on vanishes.
    pub fn take(&self) -> Option<PipeWriter> {
        let _ = self.0.flush();
        self.0.writer.borrow_mut().take()
    }
    /// A stream for another command, which joins this one: its bytes come here until it ends.
    pub fn share(&self) -> Result<Stdio> {
        share(&self.0)
    }
}

impl Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        flush_output();
        let len = self.0.with(bytes.len(), |stream| stream.write(bytes))?;
        self.0.flush()?;
        Ok(len)
    }
    fn flush(&mut self) -> Result<()> {
        self.0.flush()
    }
    /// All parts of the text go together.
    fn write_fmt(&mut self, text: fmt::Arguments<'_>) -> Result<()> {
        flush_output();
        self.0.with((), |stream| stream.write_fmt(text))?;
        self.0.flush()
    }
}

fn share(output: &Output) -> Result<Stdio> {
    let (sender, receiver) = stream::channel()?;
    super::ends::ask_ahead(&receiver)?;
    output.with((), |stream| stream.join(receiver))?;
    // Without a stream of our own there is nobody to join: the receiver's end is gone, and so
    // the other command would end at its first word.
    let vanishes = output.writer.borrow().is_none();
    Ok(match vanishes {
        true => Stdio::null(),
        false => Stdio::from_end(sender.end().clone().into()),
    })
}

#[doc(hidden)]
pub fn print_stdout(text: fmt::Arguments<'_>) {
    match known(OUT) {
        // As in `std`, formatting that fails is not the printer's fault; a closed stream ends us.
        Some(output) => Stdout(output).write_fmt(text).unwrap_or(()),
        None => crate::log::lines(Level::Info, text),
    }
}

#[doc(hidden)]
pub fn print_stderr(text: fmt::Arguments<'_>) {
    match known(ERR) {
        Some(output) => Stderr(output).write_fmt(text).unwrap_or(()),
        None => crate::log::lines(Level::Warn, text),
    }
}

/// Says why a component ended: a command on its standard error, others in the log.
pub(crate) fn complain(error: &dyn fmt::Display) {
    match known(ERR) {
        Some(output) => {
            let name = gate::local().name.get();
            let _ = Stderr(output).write_fmt(format_args!("{}: {error}\n", name.as_str()));
        }
        None => crate::error!("ended: {error}"),
    }
}

/// Prints to a command's standard output. In a component that is no command, and on its further
/// threads, the text goes to the log: a line of text is a line there, and so is what is left without a line break.
///
/// ```
/// # let system = testkit::System::new();
/// ftl::println!("{} packets,\nof which {} are lost", 12, 3);
/// # let shown: Vec<String> = system.log().lines().map(|line| line[line.find("test").unwrap_or(0)..].into()).collect();
/// # assert_eq!(shown, ["test: 12 packets,", "test: of which 3 are lost"]);
/// ```
#[macro_export]
macro_rules! print {
    ($($text:tt)*) => { $crate::io::print_stdout(::core::format_args!($($text)*)) };
}

/// [`print!`] with a line break.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($($text:tt)*) => { $crate::print!("{}\n", ::core::format_args!($($text)*)) };
}

/// Prints to a command's standard error. In a component that is no command, and on its further
/// threads, the text goes to the log, as with [`print!`](crate::print), in warnings.
///
/// ```
/// # let system = testkit::System::new();
/// ftl::eprint!("no ");
/// ftl::eprintln!("carrier");
/// # let shown: Vec<String> = system.log().lines().map(|line| line[line.find("test").unwrap_or(0)..].into()).collect();
/// # assert_eq!(shown, ["test: WARN no ", "test: WARN carrier"]);
/// ```
#[macro_export]
macro_rules! eprint {
    ($($text:tt)*) => { $crate::io::print_stderr(::core::format_args!($($text)*)) };
}

/// [`eprint!`] with a line break.
#[macro_export]
macro_rules! eprintln {
    () => { $crate::eprint!("\n") };
    ($($text:tt)*) => { $crate::eprint!("{}\n", ::core::format_args!($($text)*)) };
}
