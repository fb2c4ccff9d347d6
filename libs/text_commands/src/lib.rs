//! The everyday commands that read and print text: `cat`, `grep`, `sort` and their kin.
//!
//! Each command is a function from arguments and an [`Io`] to a status; the component
//! `components/commands/text` gives them real streams. [`COMMANDS`] is the list, with the help of each.
//!
//! Principles, for reviews to cite:
//!
//! 1. **Bytes, not characters**, unless a command's help says otherwise: what is not UTF-8 passes unchanged.
//! 2. **Memory is bounded.** What has to hold its input (`sort`, `tail`) says how much it holds, and that it
//!    was too much.
//! 3. **Names and options are those that people know**; what an option would cost more than it is worth is
//!    left out and refused by name, never ignored.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod date;
mod filters;
mod grep;
mod hexdump;
mod lines;
mod options;
mod printf;
mod regex;
mod sequence;
mod sort;
pub mod words;
mod zone;

pub use date::Date;
pub use options::{Failure, Options, Result, number};
pub use regex::Regex;
pub use sequence::duration_ms;
use shell_language::help;
pub use shell_language::pattern;
pub use zone::Zone;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

/// What a command needs of the machine.
pub trait Io {
    /// Reads what is there of the input, or of the file that was opened last; 0 at the end.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize>;
    /// Makes a file what [`Self::read`] reads; `-` is the standard input.
    fn open(&mut self, path: &str) -> Result<()>;
    /// Prints.
    fn write(&mut self, bytes: &[u8]) -> Result<()>;
    /// Says what is wrong.
    fn complain(&mut self, text: &str);
    /// Waits.
    fn sleep_ms(&mut self, milliseconds: u64);
    /// Whether a descriptor is a terminal.
    fn is_terminal(&mut self, descriptor: usize) -> bool;
}

/// One command.
pub struct Command {
    /// Its name.
    pub name: &'static str,
    /// What `--help` prints. The first line is what it is for.
    pub help: &'static str,
    run: fn(&[String], &mut dyn Io) -> Result<u8>,
    /// Whether `--help` is a text like others for it unless it stands alone.
    plain: bool,
}

const fn command(
    name: &'static str,
    help: &'static str,
    run: fn(&[String], &mut dyn Io) -> Result<u8>,
) -> Command {
    Command {
        name,
        help,
        run,
        plain: false,
    }
}

/// All commands, by name.
pub const COMMANDS: &[Command] = &[
    command("cat", filters::CAT, filters::cat),
    command("clear", CLEAR, |arguments, io| {
        if let [first, ..] = arguments {
            return Err(Failure::usage(format!(
                "what is `{first}`? It takes nothing"
            )));
        }
        // To the left at the top; the window empty; what has left it, too.
        io.write(b"\x1b[H\x1b[2J\x1b[3J")?;
        Ok(0)
    }),
    command("echo", help::ECHO, |arguments, io| {
        io.write(&shell_language::echo(arguments))?;
        Ok(0)
    }),
    Command {
        plain: true,
        ..command("false", help::FALSE, |_, _| Ok(1))
    },
    command("grep", grep::GREP, grep::grep),
    command("head", filters::HEAD, filters::head),
    command("hexdump", hexdump::HEXDUMP, hexdump::hexdump),
    command("printf", printf::PRINTF, printf::printf),
    command("seq", sequence::SEQ, sequence::seq),
    command("sleep", sequence::SLEEP, sequence::sleep),
    command("sort", sort::SORT, sort::sort),
    command("tail", filters::TAIL, filters::tail),
    Command {
        plain: true,
        ..command("test", help::TEST, test)
    },
    Command {
        plain: true,
        ..command("true", help::TRUE, |_, _| Ok(0))
    },
    command("uniq", sort::UNIQ, sort::uniq),
    command("wc", filters::WC, filters::wc),
];

const CLEAR: &str = "\
empties the terminal's window
usage: clear

At the prompt, Ctrl-L does the same and leaves the line that is being typed.
";

fn test(arguments: &[String], io: &mut dyn Io) -> Result<u8> {
    let holds = shell_language::test_expression(arguments, &mut |place| io.is_terminal(place));
    match holds {
        Ok(true) => Ok(0),
        Ok(false) => Ok(1),
        Err(message) => Err(Failure::usage(message)),
    }
}

/// Runs a command, and answers its status.
pub fn run(name: &str, arguments: &[String], io: &mut dyn Io) -> u8 {
    let Some(command) = COMMANDS.iter().find(|command| command.name == name) else {
        io.complain(&format!("there is no command `{name}` in this image\n"));
        return 127;
    };
    let mut options = arguments.iter().take_while(|argument| *argument != "--");
    let wants_help = match command.plain {
        true => arguments == ["--help"],
        false => options.any(|argument| argument == "--help"),
    };
    let result = match wants_help {
        true => io
            .write(format!("{name} {}", command.help).as_bytes())
            .map(|()| 0),
        false => (command.run)(arguments, io),
    };
    match result {
        Ok(status) => status,
        Err(failure) => {
            io.complain(&failure.show(name));
            failure.status
        }
    }
}

/// Reads all of the input in pieces, and hands each to a function until that wants no more.
fn pieces(io: &mut dyn Io, mut each: impl FnMut(&mut dyn Io, &[u8]) -> Result<bool>) -> Result<()> {
    let mut buffer = [0; 1024];
    loop {
        let len = io.read(&mut buffer)?;
        if len == 0 || !each(io, &buffer[..len])? {
            return Ok(());
        }
    }
}

/// The files named by the arguments, or the standard input.
fn files(arguments: &[String]) -> Vec<&str> {
    match arguments {
        [] => Vec::from(["-"]),
        names => names.iter().map(String::as_str).collect(),
    }
}
