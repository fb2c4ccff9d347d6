//! The shell: runs commands from the terminal and from scripts.
//!
//! What the language means is in `libs/shell_language`, how a line is edited in `libs/line_editor`. Here is
//! what joins them with the machine:
//!
//! - [`streams`]: the shell's ends of streams;
//! - [`machine`]: launching commands, and passing bytes on between them and the shell's own streams;
//! - [`prompt`]: the line that is typed, with completion and colours.
//!
//! One loop waits for everything: what is typed, what commands print, their ends, Ctrl-C.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::String;

use ftl::prelude::*;
use shell_language::{Progress, Shell};

#[rustfmt::skip]
mod spec;

mod machine;
mod prompt;
mod streams;
#[cfg(test)]
mod tests;

use machine::{FtlMachine, Happened};
use prompt::{Entered, Prompt};
use spec::*;

/// Steps of a script between two looks at what happens outside.
const STEPS: usize = 500;

/// The status of a script that was asked to end: that of the signal TERM elsewhere.
const TERMINATED: u8 = 143;

/// What `--help` prints.
const HELP: &str = "\
shell runs commands from the terminal, or from a script
usage: shell                      at a terminal: asks for lines; otherwise runs its input
       shell -c TEXT [ARGUMENT]…  runs the text
       shell FILE [ARGUMENT]…     runs the file

The status is the last command's. `help` at the prompt lists the commands. These are part of the shell itself:

";

#[ftl::main]
fn main(env: Environ) -> Result<usize> {
    let arguments = env.arguments.clone();
    let mut machine = FtlMachine::new(env)?;
    let streams = machine.standard_streams()?;
    let interactive = arguments.is_empty() && machine.is_interactive();
    let mut shell = Shell::new(streams.clone(), interactive);
    for (name, value) in machine.variables() {
        shell.export(&name, &value);
    }
    if machine.disk().is_some()
        && shell
            .variables()
            .is_some_and(|all| all.get("PWD").is_none())
    {
        shell.export("PWD", "/");
    }
    match arguments.split_first() {
        Some((option, _)) if option == "--help" => {
            let text = format!("{HELP}{}", shell_language::help::builtins());
            machine.print(&streams[1], text.as_bytes());
            machine.drain()?;
            return Ok(0);
        }
        Some((option, rest)) if option == "-c" => {
            let Some((text, rest)) = rest.split_first() else {
                machine.print(&streams[2], b"shell: -c needs a text\n");
                machine.drain()?;
                return Ok(2);
            };
            shell.set_arguments("shell", rest);
            if let Err(error) = shell.start(text) {
                machine.print(&streams[2], error.show(text, "").as_bytes());
                machine.drain()?;
                return Ok(2);
            }
        }
        Some((file, rest)) => {
            shell.set_arguments(file, rest);
            let source = format!("source {}", quoted(file));
            if shell.start(&source).is_err() {
                return Ok(2);
            }
        }
        None if interactive => return interact(shell, machine),
        None => {
            // The input is a script: as a whole, since a command in it might read on.
            let text = machine.read_all(&streams[0])?;
            if machine.is_ending {
                return Ok(TERMINATED.into());
            }
            if let Err(error) = shell.start(&text) {
                machine.print(&streams[2], error.show(&text, "input").as_bytes());
                machine.drain()?;
                return Ok(2);
            }
        }
    }
    let status = run(&mut shell, &mut machine)?;
    shell.kill_all(&mut machine);
    machine.drain()?;
    Ok(status.into())
}

/// Runs what was begun to its end.
fn run(shell: &mut Shell<FtlMachine>, machine: &mut FtlMachine) -> Result<u8> {
    loop {
        match shell.run(machine, STEPS) {
            Progress::Idle => return Ok(shell.status()),
            Progress::Exit(status) => return Ok(status),
            Progress::More => machine.hurry(),
            Progress::Waiting => {}
        }
        if let Happened::Interrupted = machine.wait()? {
            shell.interrupt(machine);
        }
        if machine.is_ending {
            return Ok(TERMINATED);
        }
    }
}

/// Asks for lines at the terminal, and runs them.
fn interact(mut shell: Shell<FtlMachine>, mut machine: FtlMachine) -> Result<usize> {
    let mut prompt = Prompt::new(&mut machine);
    prompt.begin(&shell, &mut machine);
    // `./ftl bench boot_to_prompt` waits for this line.
    debug!("shows its first prompt");
    loop {
        match shell.run(&mut machine, STEPS) {
            Progress::Exit(status) => {
                shell.kill_all(&mut machine);
                machine.drain()?;
                return Ok(status.into());
            }
            Progress::More => machine.hurry(),
            Progress::Waiting | Progress::Idle => {}
        }
        if !shell.is_running() && !prompt.is_shown() {
            prompt.begin(&shell, &mut machine);
        }
        if !shell.is_running() && shell.has_notices() {
            let notices = shell.notices();
            prompt.tell(&notices, &mut machine);
        }
        prompt.pass_on(&mut machine);
        prompt.show_log(&mut machine);
        // Before each wait: nothing else asks for keys, and perhaps nothing else happens.
        if !shell.is_running()
            && let Some(entered) = prompt.typed(&shell, &mut machine)
        {
            match entered {
                Entered::Line(line) => {
                    machine.refresh_commands();
                    if let Err(error) = shell.start(&line) {
                        shell.set_status(2);
                        machine.print_terminal(error.show(&line, "").as_bytes());
                    }
                }
                Entered::End => {
                    shell.kill_all(&mut machine);
                    machine.drain()?;
                    return Ok(shell.status().into());
                }
            }
            continue;
        }
        match machine.wait()? {
            Happened::Nothing | Happened::Typed => {}
            Happened::Interrupted if shell.is_running() => {
                shell.interrupt(&mut machine);
                machine.drop_printed();
                machine.print_terminal(b"^C\r\n");
            }
            Happened::Interrupted => {
                shell.set_status(130);
                prompt.interrupt(&shell, &mut machine);
            }
            Happened::Resized => prompt.resized(&mut machine),
            Happened::TerminalLost => {
                shell.kill_all(&mut machine);
                return Ok(0);
            }
        }
        if machine.is_ending {
            // What was printed before is still shown.
            shell.kill_all(&mut machine);
            machine.drain()?;
            return Ok(0);
        }
    }
}

/// A word so that the language reads it as it is.
fn quoted(word: &str) -> String {
    format!("'{}'", word.replace('\'', "'\\''"))
}
