//! Keeps a shell running on the terminal.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::string::String;

use ftl::handle::OwnedHandle;
use ftl::io::{PipeWriter, Write};
use ftl::launcher::running;
use ftl::prelude::*;
use ftl::process::{Child, Command, ExitStatus};

#[rustfmt::skip]
mod spec;

use spec::*;

/// A shell that lived for so long was no failure.
const ENOUGH: Duration = Duration::from_secs(1);
/// The longest time until the next try.
const DELAY_MAX: Duration = Duration::from_secs(10);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Source {
    Terminal,
    /// The shell with this number: the end of one may be heard of when the next runs already.
    Shell(u32),
    Again,
}

#[ftl::main]
fn main(mut env: Environ) -> Result<()> {
    let mut events = EventLoop::new()?;
    events.add(&env.terminal, Source::Terminal)?;
    let again = events.timer(Source::Again);
    // Dropping it ends the shell.
    let mut shell: Option<Child> = None;
    let mut number = 0u32;
    let mut started = Instant::now();
    let mut delay = Duration::ZERO;
    let mut is_ending = false;
    greet(&mut env.terminal)?;
    again.set(delay);
    loop {
        match events.next()? {
            Event::Timer(Source::Again) if !is_ending => {
                started = Instant::now();
                match start(&mut env) {
                    Ok(child) => {
                        number = number.wrapping_add(1);
                        events.add(child.job(), Source::Shell(number))?;
                        shell = Some(child);
                    }
                    Err(reason) => {
                        warn!("`{}` does not start: {reason}", env.settings.shell);
                        delay = later(delay);
                        again.set(delay);
                    }
                }
            }
            Event::Message(
                Source::Shell(ended),
                Message::Running(running::ToOwner::Ended(running::Ended { status })),
            ) if ended == number => {
                if is_ending {
                    return Ok(());
                }
                shell = None;
                let status = ExitStatus::new(status);
                // Who ends it by Ctrl-D does not wait for the next.
                let failed = matches!(status.code(), 101 | 137..=139);
                delay = match failed && Instant::now().duration_since(started) < ENOUGH {
                    true => later(delay),
                    false => Duration::ZERO,
                };
                let line =
                    format_args!("\n{}: {status}; here is another one\n", env.settings.shell);
                // A terminal that is gone comes back, and then there is another shell anyway.
                if say(&mut env.terminal, line).is_ok() {
                    again.set(delay);
                }
            }
            Event::Closed(Source::Terminal) => {
                again.cancel();
                shell = None;
                if is_ending {
                    return Ok(());
                }
            }
            Event::Restarted(Source::Terminal) => {
                greet(&mut env.terminal)?;
                delay = Duration::ZERO;
                again.set(delay);
            }
            Event::Closed(Source::Shell(ended)) => {
                if ended == number && shell.take().is_some() {
                    if is_ending {
                        return Ok(());
                    }
                    again.set(later(delay));
                }
            }
            Event::Message(Source::Shell(_), _) => {}
            // Ctrl-C and the like are the shell's.
            Event::Message(Source::Terminal, _) | Event::Timer(_) | Event::Writable(_) => {}
            // What was printed before is still to be shown, which the shell sees to.
            Event::Shutdown => match &shell {
                Some(shell) if shell.terminate().is_ok() => is_ending = true,
                _ => return Ok(()),
            },
            other => warn!("unexpected: {other:?}"),
        }
    }
}

fn later(delay: Duration) -> Duration {
    (delay * 2).clamp(Duration::from_millis(100), DELAY_MAX)
}

fn greet(terminal: &mut terminal::Client) -> Result<()> {
    let up = Instant::now().as_nanos() / 1_000_000;
    let version = env!("CARGO_PKG_VERSION");
    let greeting = format_args!(
        "\nFTL {version}, here after {}.{:03} s. `help` lists the commands, `poweroff` ends the machine.\n",
        up / 1000,
        up % 1000
    );
    say(terminal, greeting)
}

fn say(terminal: &mut terminal::Client, text: core::fmt::Arguments<'_>) -> Result<()> {
    let output = ftl::stream::Sender::from(OwnedHandle::from(terminal.output()?));
    let mut output = PipeWriter::new(output);
    output.write_fmt(text)?;
    output.flush()
}

fn start(env: &mut Environ) -> core::result::Result<Child, String> {
    let reason = |error: Error| alloc::format!("{error}");
    let terminal = env.terminal.share().map_err(reason)?;
    let mut command = Command::new(env.settings.shell.as_str());
    command.terminal(&terminal);
    command
        .spawn(&mut env.launcher)
        .map_err(|refused| alloc::format!("{refused}"))
}
