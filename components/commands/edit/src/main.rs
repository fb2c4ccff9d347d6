//! A small editor on the whole screen.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::String;

use ftl::handle::OwnedHandle;
use ftl::io::{Inlet, Write};
use ftl::prelude::*;
use interfaces::files::Dir;
use line_editor::{Decoder, Key};

mod buffer;
#[rustfmt::skip]
mod spec;
mod view;

use buffer::{Buffer, Move};
use spec::*;
use view::View;

/// Bytes of the longest file.
const LEN_MAX: u64 = 512 * 1024;

const HELP: &str = "\
edit edits a file of text on the whole screen
usage: edit FILE

  Ctrl-S          saves
  Ctrl-Q, Ctrl-C  leaves; twice, if there is something to be saved
  Ctrl-F, Ctrl-G  finds a text; finds it again
  Ctrl-K, Ctrl-Y  cuts lines; puts them elsewhere
  Ctrl-Z          takes a change back
  Ctrl-A, Ctrl-E  begin and end of the line
  Ctrl-N, Ctrl-P  a page down or up
  Ctrl-T, Ctrl-B  begin (top) and end (bottom) of the file
";

const KEYS: &str =
    "Ctrl-S saves  Ctrl-Q leaves  Ctrl-F finds  Ctrl-K cuts  Ctrl-Y pastes  Ctrl-Z undoes";

#[derive(Clone, Copy, Debug)]
enum Source {
    Keys,
    Terminal,
}

struct Edit {
    files: Dir,
    path: String,
    buffer: Buffer,
    message: String,
    /// The text that is looked for, and whether it is being typed.
    wanted: String,
    finding: bool,
    /// Leaving was refused once.
    warned: bool,
    size: (usize, usize),
}

#[ftl::main]
fn main(mut env: Environ) -> Result<usize> {
    let path = match env.arguments.as_slice() {
        [option] if option == "--help" => {
            print!("{HELP}");
            return Ok(0);
        }
        [path] => path.clone(),
        _ => return refused(2, "which file? `edit --help` says more"),
    };
    let Some(files) = env.directory.take() else {
        return refused(1, "whoever started it gave it no directory");
    };
    let Some(terminal) = &mut env.terminal else {
        return refused(1, "there is no terminal");
    };
    let (text, is_new) = match files.metadata(&path) {
        Ok(found) if found.len() > LEN_MAX => {
            return refused(1, &format!("{path} is longer than {} KiB", LEN_MAX / 1024));
        }
        Ok(_) => match files.read_to_string(&path) {
            Ok(text) => (text, false),
            Err(Error::InvalidData) => return refused(1, &format!("{path} is no text")),
            Err(error) => return refused(1, &format!("{path}: {error}")),
        },
        Err(Error::NotFound) => (String::new(), true),
        Err(error) => return refused(1, &format!("{path}: {error}")),
    };
    let mut edit = Edit {
        files,
        buffer: Buffer::new(&text),
        message: if is_new {
            format!("{path} is new")
        } else {
            KEYS.into()
        },
        path,
        wanted: String::new(),
        finding: false,
        warned: false,
        size: (80, 24),
    };
    let mut events = EventLoop::new()?;
    let stream = terminal.input(terminal::Mode::Keys)?;
    let mut keys = Inlet::new(stream::Receiver::from(OwnedHandle::from(stream)));
    keys.add(&mut events, Source::Keys)?;
    keys.ask();
    events.add(&*terminal, Source::Terminal)?;
    edit.measure(terminal);

    let (mut view, mut decoder) = (View::default(), Decoder::default());
    print!("\x1b[?1049h");
    let mut open = true;
    while open {
        let message = match edit.finding {
            true => format!("find: {}", edit.wanted),
            false => edit.message.clone(),
        };
        print!(
            "{}",
            view.draw(&edit.buffer, &edit.path, &message, edit.size)
        );
        env.stdout.flush()?;
        match events.next()? {
            Event::Message(
                Source::Keys,
                Message::StreamReceiver(stream::ToReceiver::Data(data)),
            ) => {
                for byte in data.bytes {
                    if let Some(key) = decoder.byte(*byte) {
                        open &= edit.key(key);
                    }
                }
                keys.received(data.bytes.len());
                keys.ask();
            }
            Event::Message(
                Source::Terminal,
                Message::Terminal(terminal::ToClient::Interrupt(_)),
            ) => {
                open = edit.key(Key::Control('q'));
            }
            Event::Message(Source::Terminal, Message::Terminal(terminal::ToClient::Resized)) => {
                edit.measure(terminal);
            }
            Event::Closed(_) | Event::Shutdown => open = false,
            _ => {}
        }
    }
    print!("\x1b[?1049l");
    env.stdout.flush()?;
    Ok(0)
}

fn refused(status: usize, what: &str) -> Result<usize> {
    eprintln!("edit: {what}");
    Ok(status)
}

impl Edit {
    fn measure(&mut self, terminal: &mut terminal::Client) {
        if let Ok(found) = terminal.size()
            && found.columns > 0
            && found.rows > 0
        {
            self.size = (found.columns.into(), found.rows.into());
        }
    }

    /// Does what a key asks for. False to leave.
    fn key(&mut self, key: Key) -> bool {
        if self.finding {
            self.find_key(key);
            return true;
        }
        let page = self.size.1.saturating_sub(3).max(1);
        let warned = core::mem::take(&mut self.warned);
        let buffer = &mut self.buffer;
        match key {
            Key::Control('q') if buffer.changed && !warned => {
                self.warned = true;
                self.message = "It is not saved. Ctrl-S saves, Ctrl-Q again throws it away.".into();
                return true;
            }
            Key::Control('q') => return false,
            Key::Control('s') => {
                self.save();
                return true;
            }
            Key::Control('f') => {
                self.finding = true;
                self.wanted.clear();
                return true;
            }
            Key::Control('g') => {
                self.find();
                return true;
            }
            Key::Control('z') if !buffer.undo() => {
                self.message = "There is nothing more to be taken back.".into();
                return true;
            }
            Key::Control('z') => {}
            Key::Control('k') => buffer.cut_line(),
            Key::Control('y') => buffer.paste(),
            Key::Control('a') | Key::Home => buffer.go(Move::LineStart),
            Key::Control('e') | Key::End => buffer.go(Move::LineEnd),
            Key::Control('n') => buffer.go(Move::Down(page)),
            Key::Control('p') => buffer.go(Move::Up(page)),
            Key::Control('t') => buffer.go(Move::Start),
            Key::Control('b') => buffer.go(Move::End),
            Key::Left => buffer.go(Move::Left),
            Key::Right => buffer.go(Move::Right),
            Key::Up => buffer.go(Move::Up(1)),
            Key::Down => buffer.go(Move::Down(1)),
            Key::WordLeft => buffer.go(Move::WordLeft),
            Key::WordRight => buffer.go(Move::WordRight),
            Key::Backspace => buffer.backspace(),
            Key::Delete => buffer.delete(),
            Key::Enter => buffer.enter(),
            Key::Tab => buffer.insert('\t'),
            Key::Char(c) => buffer.insert(c),
            _ => return true,
        }
        self.message = KEYS.into();
        true
    }

    fn find_key(&mut self, key: Key) {
        match key {
            Key::Enter => {
                self.finding = false;
                self.find();
            }
            Key::Char(c) => self.wanted.push(c),
            Key::Backspace => drop(self.wanted.pop()),
            Key::Control('q' | 'g') => {
                self.finding = false;
                self.message = KEYS.into();
            }
            _ => {}
        }
    }

    fn find(&mut self) {
        self.message = match self.buffer.find(&self.wanted) {
            true => "Ctrl-G finds the next one.".into(),
            false => format!("`{}` is nowhere in it.", self.wanted),
        };
    }

    /// Beside the file first, so that a full disk or a loss of power leaves the old one.
    fn save(&mut self) {
        let beside = format!("{}.edit", self.path);
        let text = self.buffer.text();
        let files = &self.files;
        let saved = (|| -> Result<()> {
            let permissions = files.metadata(&self.path).map(|found| found.permissions());
            let mut file = files.create(&beside)?;
            file.write_all(text.as_bytes())?;
            file.sync_all()?;
            if let Ok(permissions) = permissions {
                files.set_permissions(&beside, permissions)?;
            }
            files.rename(&beside, &self.path)?;
            files.sync()
        })();
        self.message = match saved {
            Ok(()) => {
                self.buffer.changed = false;
                format!("Saved: {} lines.", self.buffer.lines().len())
            }
            Err(error) => {
                let _ = files.remove_file(&beside);
                format!("It could not be saved: {error}")
            }
        };
    }
}
