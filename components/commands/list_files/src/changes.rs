//! `changes`.

use alloc::string::String;

use ftl::prelude::*;
use interfaces::files::Dir;
use text_commands::{Failure, Options};

use crate::spec::*;
use crate::{Outcome, failed};

pub const CHANGES: &str = "\
tells of changes of files as they happen
usage: changes [-n COUNT] [PATH]

  -n COUNT  ends after so many

Of a directory it tells of its names and of the files in it: `+` is new, `-` is gone, `~` has changed; `?` says that more
has changed than could be told. Ctrl-C ends it.
";

pub fn changes(files: &Dir, arguments: &[String]) -> Outcome {
    let options = Options::parse(arguments, "", "n", true)?;
    let mut left = options.number('n')?.unwrap_or(u64::MAX);
    let path = match options.arguments.as_slice() {
        [] => ".",
        [path] => path,
        _ => return Err(Failure::usage("one path at a time")),
    };
    let watch = files.watch(path).map_err(failed(path))?;
    let told = |error: Error| Failure::new(alloc::format!("{error}"));
    let mut events: EventLoop<()> = EventLoop::new().map_err(told)?;
    events.add(&watch, ()).map_err(told)?;
    // What is printed is for programs; this is for people, and says that nothing is missed from here on.
    eprintln!("watching {path}");
    while left > 0 {
        match events.next().map_err(told)? {
            Event::Message((), Message::Watch(fs::watch::ToClient::Changed(changed))) => {
                let mark = match changed.change {
                    fs::Change::Created => '+',
                    fs::Change::Removed => '-',
                    fs::Change::Modified => '~',
                    fs::Change::Other => '?',
                };
                println!("{mark} {}", changed.name);
                left -= 1;
            }
            Event::Closed(()) => {
                return Err(Failure::new(
                    "nothing more is told: the file server was started anew, or a snapshot without this was restored",
                ));
            }
            Event::Shutdown => return Ok(0),
            _ => {}
        }
    }
    Ok(0)
}
