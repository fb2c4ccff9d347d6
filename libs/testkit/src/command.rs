//! Running a command to its end, with everything that it reads and writes.
//!
//! ```ignore
//! let done = testkit::System::new().command("cat", main).stdin("hello").run();
//! assert_eq!((done.status, done.stdout.as_str()), (0, "hello"));
//! ```
//!
//! The other ends of its streams are components of their own, so that a command may read and write
//! as much as it likes, in any order.

use std::sync::{Arc, Mutex};

use ftl::abi::StartInfo;
use ftl::end::End;
use ftl::event_loop::TypedEnd;
use ftl::handle::{Channel, OwnedHandle};
use ftl::io::{BufRead, PipeReader, PipeWriter, Write};
use ftl::process::{Variables, words};
use ftl::runtime::{Environment, Termination};
use ftl::stream::{self, Receiver, Sender};

use crate::component::Given;
use crate::{Running, System};

/// A command that is about to be run.
pub struct TestCommand<'a> {
    system: &'a System,
    given: Given,
    arguments: Vec<String>,
    variables: Variables,
    stdin: Vec<u8>,
    stdout_len_max: usize,
}

/// What became of it.
#[derive(Debug)]
pub struct Done {
    /// Its status.
    pub status: usize,
    /// What it wrote to standard output, as text.
    pub stdout: String,
    /// What it wrote to standard error, as text.
    pub stderr: String,
}

impl System {
    /// Prepares a command with its own `main`. Without more it has no arguments and no input.
    pub fn command<E: Environment + 'static, T: Termination + 'static>(
        &self,
        name: &str,
        main: fn(E) -> T,
    ) -> TestCommand<'_> {
        TestCommand {
            system: self,
            given: self.component(name, main),
            arguments: Vec::new(),
            variables: Variables::default(),
            stdin: Vec::new(),
            stdout_len_max: usize::MAX,
        }
    }

    /// Starts something that has one stream, for the far ends of a command's.
    fn far_end(
        &self,
        name: &str,
        end: impl TypedEnd,
        main: impl FnOnce(Channel) + Send + 'static,
    ) -> Running {
        let component = self.start(name, move |info: &'static StartInfo| {
            ftl::runtime::run_with(info, |mut start| match start.terminal::<FarEnd>() {
                Some(FarEnd(end)) => {
                    main(Channel::from(OwnedHandle::from(end)));
                    0
                }
                None => 1,
            })
        });
        let running = Running::of(component);
        running.give_far_end(end);
        running
    }
}

/// The one stream of such a component, whichever end it is.
struct FarEnd(End);

impl From<End> for FarEnd {
    fn from(end: End) -> FarEnd {
        FarEnd(end)
    }
}

impl TypedEnd for FarEnd {
    fn end(&self) -> &End {
        &self.0
    }
}

impl TestCommand<'_> {
    /// Its arguments.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<str>>) -> Self {
        self.arguments
            .extend(arguments.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }
    /// A variable of its environment.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.set(name, value);
        self
    }
    /// Its standard input.
    pub fn stdin(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.stdin = bytes.as_ref().to_owned();
        self
    }
    /// The reader of its standard output goes away after so many bytes, or a few more.
    pub fn stdout_closes_after(mut self, len: usize) -> Self {
        self.stdout_len_max = len;
        self
    }
    /// The next of its needs: the interface's `HASH`, and the client's end of a channel.
    pub fn need(mut self, hash: u64, client: impl TypedEnd) -> Self {
        self.given = self.given.need(hash, client);
        self
    }
    /// Its settings: what `Settings::encode` makes.
    pub fn settings(mut self, settings: Vec<u8>) -> Self {
        self.given = self.given.settings(settings);
        self
    }

    /// Runs it to its end.
    pub fn run(self) -> Done {
        let words = words::encode(&self.arguments, &self.variables).expect("words that fit");
        let (feeder, stdin) = stream::channel().expect("memory is there");
        let (stdout, out) = stream::channel().expect("memory is there");
        let (stderr, err) = stream::channel().expect("memory is there");
        let bytes = self.stdin;
        let feeder = self.system.far_end("feeder", feeder, move |end| {
            let mut writer = PipeWriter::new(Sender::from(OwnedHandle::from(end)));
            // A command that does not read all of it is all right.
            let _ = writer.write_all(&bytes);
        });
        let collect = |name, end, len_max| {
            let text = Arc::new(Mutex::new(Vec::new()));
            let to = text.clone();
            let collector = self.system.far_end(name, end, move |end| {
                let mut reader = PipeReader::new(Receiver::from(OwnedHandle::from(end)));
                while let Ok(piece @ [_, ..]) = reader.fill_buf() {
                    let len = piece.len();
                    let mut to = to.lock().expect("no panic under it");
                    to.extend_from_slice(piece);
                    if to.len() > len_max {
                        break;
                    }
                    drop(to);
                    reader.consume(len);
                }
            });
            (collector, text)
        };
        let (out, out_text) = collect("stdout", out, self.stdout_len_max);
        let (err, err_text) = collect("stderr", err, usize::MAX);
        let running = self
            .given
            .words(&words)
            .streams(stdin, stdout, stderr)
            .run();
        let status = running.wait();
        for other in [feeder, out, err] {
            other.wait();
        }
        let text = |bytes: Arc<Mutex<Vec<u8>>>| {
            let bytes = bytes.lock().expect("no panic under it");
            String::from_utf8_lossy(&bytes).into_owned()
        };
        Done {
            status,
            stdout: text(out_text),
            stderr: text(err_text),
        }
    }
}
