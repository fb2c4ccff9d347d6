//! The files of the log.
//!
//! What is on the disk is the only record of how far the log was written: its end is looked for in the kernel's
//! log. So it does not matter whether this component, the file server or the machine was ended in between: nothing is
//! written twice, and nothing is left out that the kernel still has.

use alloc::format;
use alloc::string::String;

use ftl::prelude::*;
use interfaces::files::{Dir, File, OpenOptions};
use text_commands::Date;

use crate::kernel_log::{self, Part};
use crate::spec::*;

/// All of the log.
const LOG: &str = "log";
/// The reports of crashes.
const CRASHES: &str = "crashes";
/// What was said before the last panic of the kernel.
const PANIC: &str = "panic";
/// Bytes of the end of a file that are looked for in the kernel's log.
const TAIL_LEN: u64 = 1024;
/// Bytes that are written at once: the kernel keeps no more.
const PART_LEN_MAX: usize = 32 << 10;

/// What is written where.
pub struct Keeper {
    files: Dir,
    settings: Settings,
    /// Where in the kernel's log to go on, and how long the newest file was then; not known at first, and after
    /// something went wrong.
    position: Option<(u64, u64)>,
    /// The time when the system was started, if that is known: nanoseconds since 1970.
    booted_ns: Option<u64>,
    /// Whether it was said that writing does not work.
    told: bool,
}

impl Keeper {
    /// Nothing was read yet. `unix_ns` is the time, if it is known.
    pub fn new(files: Dir, settings: Settings, unix_ns: Option<u64>) -> Keeper {
        let up = Instant::now().as_nanos();
        Keeper {
            files,
            settings,
            position: None,
            booted_ns: unix_ns.map(|now| now.saturating_sub(up)),
            told: false,
        }
    }

    /// Writes down what is new.
    pub fn look(&mut self, system: &mut system::Client) {
        match self.write_news(system) {
            Ok(()) => self.told = false,
            // It is started anew, and that is heard of.
            Err(Error::PeerRestarted | Error::Closed) => self.position = None,
            Err(error) => {
                self.position = None;
                // Said once, since saying it makes the log longer.
                if !core::mem::replace(&mut self.told, true) {
                    warn!("the log cannot be written: {error}");
                }
            }
        }
    }

    fn write_news(&mut self, system: &mut system::Client) -> Result<()> {
        let known = match self.position {
            // Somebody has taken it back, by a snapshot or otherwise: what is missing may still be had.
            Some((_, len)) if self.open(LOG)?.metadata()?.len() != len => None,
            known => known,
        };
        let (part, mut text) = match known {
            Some((position, _)) => {
                let part = read(system, position)?;
                let lost = part.end - position - part.text.len() as u64;
                let gap = match lost {
                    0 => String::new(),
                    lost => format!("=== {lost} bytes were logged too fast to be kept\n"),
                };
                (part, gap)
            }
            None => {
                let part = read(system, 0)?;
                match part.position_behind(&self.tail()?) {
                    // Nothing before it is looked at again.
                    Some(position) => (part.behind(position), String::new()),
                    None => (part, self.header()),
                }
            }
        };
        if !part.text.is_empty() {
            text.push_str(&part.text);
            // First what is told of twice if we are ended before it is told of once.
            if let Some(panic) = kernel_log::panic(&part.text) {
                let new = format!("{PANIC}.new");
                self.files.write(&new, panic)?;
                self.files.rename(&new, PANIC)?;
            }
            let crashes = kernel_log::crashes(&part.text);
            if !crashes.is_empty() {
                self.append(CRASHES, &crashes)?;
            }
            self.append(LOG, &text)?;
            self.files.sync()?;
        }
        self.position = Some((part.end, self.open(LOG)?.metadata()?.len()));
        Ok(())
    }

    /// What a boot begins with, or what comes after a gap that nobody can measure.
    fn header(&self) -> String {
        let up = Instant::now().as_nanos();
        match self.booted_ns {
            Some(booted) => {
                let now = booted.saturating_add(up);
                format!("=== {}\n", Date(now / 1_000_000_000))
            }
            None => "=== at a time that nobody knows\n".into(),
        }
    }

    /// The end of what was written, from a line's beginning on.
    fn tail(&self) -> Result<String> {
        for name in [LOG, &older(LOG, 1)] {
            let file = match self.files.open(name) {
                Err(Error::NotFound) => continue,
                file => file?,
            };
            let start = file.metadata()?.len().saturating_sub(TAIL_LEN);
            let mut bytes = alloc::vec![0; TAIL_LEN as usize];
            let len = file.read_at(&mut bytes, start)?;
            let text = String::from_utf8_lossy(&bytes[..len]);
            let text = match (start, text.split_once('\n')) {
                (0, _) => text.as_ref(),
                (_, Some((_, rest))) => rest,
                (_, None) => "",
            };
            if !text.is_empty() {
                return Ok(text.into());
            }
        }
        Ok(String::new())
    }

    /// Writes behind the end of a file; if that makes it too long, another is begun.
    fn append(&self, name: &str, text: &str) -> Result<()> {
        let bound = self.settings.file_kib as usize * 1024;
        let mut rest = text;
        while !rest.is_empty() {
            let file = self.open(name)?;
            let len = file.metadata()?.len();
            let room = bound.saturating_sub(usize::try_from(len).unwrap_or(usize::MAX));
            let count = whole_lines(rest, room);
            if count > 0 {
                file.write_at(&rest.as_bytes()[..count], len)?;
            }
            rest = &rest[count..];
            if !rest.is_empty() {
                self.rotate(name)?;
            }
        }
        Ok(())
    }

    fn open(&self, name: &str) -> Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create(true).open(&self.files, name)
    }

    /// `log.1` becomes `log.2`, and so on; the oldest goes.
    fn rotate(&self, name: &str) -> Result<()> {
        for number in (0..self.settings.files).rev() {
            match self
                .files
                .rename(&older(name, number), &older(name, number + 1))
            {
                Ok(()) | Err(Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
        match self.settings.files {
            0 => self.files.remove_file(name),
            _ => Ok(()),
        }
    }
}

/// How many bytes of a text are whole lines and find room. No line is longer than the shortest file.
fn whole_lines(text: &str, room: usize) -> usize {
    match text.len() <= room {
        true => text.len(),
        false => {
            let there = &text.as_bytes()[..room];
            let end = there.iter().rposition(|byte| *byte == b'\n');
            end.map_or(0, |at| at + 1)
        }
    }
}

/// The name of a file that was begun so many files before the newest.
fn older(name: &str, number: u32) -> String {
    match number {
        0 => name.into(),
        number => format!("{name}.{number}"),
    }
}

/// What the kernel has from a position on, as whole lines: it writes them as a whole.
fn read(system: &mut system::Client, mut position: u64) -> Result<Part> {
    let mut bytes = alloc::vec::Vec::new();
    let asked = position;
    loop {
        let part = system.log(position)?;
        if part.text.is_empty() {
            break;
        }
        let begins = part.next - part.text.len() as u64;
        if bytes.is_empty() && begins > asked {
            // What came before was written over, perhaps with the beginning of a line.
            let line = part.text.iter().position(|byte| *byte == b'\n');
            bytes.extend_from_slice(&part.text[line.map_or(0, |at| at + 1)..]);
        } else {
            bytes.extend_from_slice(part.text);
        }
        position = part.next;
        if bytes.len() >= PART_LEN_MAX {
            break;
        }
    }
    // Each byte that is none of UTF-8 becomes one that is, so that positions stay.
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let ascii = |byte: &u8| if byte.is_ascii() { *byte } else { b'?' };
            error.as_bytes().iter().map(ascii).map(char::from).collect()
        }
    };
    Ok(Part {
        end: position,
        text,
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn lines_stay_whole() {
        let count = |room| super::whole_lines("one\ntwo\n", room);
        assert_eq!([0, 3, 4, 7, 8, 9].map(count), [0, 0, 4, 4, 8, 8]);
    }
}
