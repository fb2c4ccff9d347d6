//! A machine for tests: commands are functions, streams are bounded queues, files lie in a map.
//!
//! Commands take one step each time the shell asks for their end, so that back-pressure, readers that go away
//! and the order of ends are what they are on the real machine.
#![allow(dead_code)] // each test file uses its part

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::task::Poll;

use shell_language::{End, Launch, Machine, Mode, ProcessId, Progress, Shell, Unwritten};

/// Bytes that a pipe holds.
const PIPE: usize = 8;

#[derive(Default)]
pub struct Pipe {
    bytes: VecDeque<u8>,
}

/// One end; both ends know of each other through their counts.
#[derive(Clone)]
pub enum Stream {
    Null,
    Reader(Rc<RefCell<Pipe>>, Rc<()>, std::rc::Weak<()>),
    Writer(Rc<RefCell<Pipe>>, Rc<()>, std::rc::Weak<()>),
    File(Rc<RefCell<Vec<u8>>>),
    FileReader(Rc<RefCell<VecDeque<u8>>>),
    Terminal(Rc<RefCell<Vec<u8>>>),
}

struct Process {
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    streams: Option<[Stream; 3]>,
    output: VecDeque<u8>,
    state: usize,
    end: Option<End>,
}

#[derive(Default)]
pub struct Fake {
    pub files: BTreeMap<String, Rc<RefCell<Vec<u8>>>>,
    pub output: Rc<RefCell<Vec<u8>>>,
    pub errors: Rc<RefCell<Vec<u8>>>,
    processes: BTreeMap<ProcessId, Process>,
    next: u64,
    pub launched: usize,
    pub most: usize,
}

impl Fake {
    pub fn shell(&self) -> Shell<Fake> {
        let streams = [
            Stream::Null,
            Stream::Terminal(self.output.clone()),
            Stream::Terminal(self.errors.clone()),
        ];
        Shell::new(streams, false)
    }

    pub fn alive(&self) -> usize {
        self.processes.len()
    }

    /// Runs a script to its end; what it printed, what it complained about, and its status.
    pub fn run(script: &str) -> (String, String, u8) {
        Fake::default().run_in(script)
    }

    pub fn run_in(&mut self, script: &str) -> (String, String, u8) {
        let mut shell = self.shell();
        if let Err(error) = shell.start(script) {
            return (String::new(), error.show(script, ""), 2);
        }
        let mut waits = 0;
        let status = loop {
            match shell.run(self, 1000) {
                Progress::Idle => break shell.status(),
                Progress::Exit(status) => break status,
                Progress::More => {}
                Progress::Waiting => waits += 1,
            }
            assert!(waits < 100_000, "it hangs: {script}");
        };
        shell.kill_all(self);
        let text = |bytes: &RefCell<Vec<u8>>| String::from_utf8_lossy(&bytes.borrow()).into_owned();
        (text(&self.output), text(&self.errors), status)
    }

    fn step(&mut self, id: ProcessId) {
        let Some(mut process) = self.processes.remove(&id) else {
            return;
        };
        self.advance(&mut process);
        if process.end.is_some() {
            process.streams = None;
        }
        self.processes.insert(id, process);
    }

    fn advance(&mut self, process: &mut Process) {
        if process.end.is_some() {
            return;
        }
        let Some(streams) = process.streams.clone() else {
            return;
        };
        while !process.output.is_empty() {
            let bytes: Vec<u8> = process.output.iter().copied().collect();
            match self.write(&streams[1], &bytes) {
                Poll::Pending => return,
                Poll::Ready(Ok(len)) => drop(process.output.drain(..len)),
                Poll::Ready(Err(_)) => {
                    process.end = Some(End::Exited(141));
                    return;
                }
            }
        }
        process.state += 1;
        let arguments: Vec<&str> = process.arguments.iter().map(String::as_str).collect();
        match arguments.as_slice() {
            // Prints numbers for ever.
            ["count"] => process
                .output
                .extend(format!("{}\n", process.state).bytes()),
            ["say", words @ ..] => {
                if process.state == 1 {
                    process
                        .output
                        .extend(format!("{}\n", words.join(" ")).bytes());
                } else {
                    process.end = Some(End::Exited(0));
                }
            }
            ["environment", name] => {
                if process.state == 1 {
                    let value = process.environment.iter().find(|(key, _)| key == name);
                    let value = value.map_or("(none)", |(_, value)| value);
                    process.output.extend(format!("{value}\n").bytes());
                } else {
                    process.end = Some(End::Exited(0));
                }
            }
            ["status", status] => process.end = Some(End::Exited(status.parse().unwrap())),
            ["crash"] => process.end = Some(End::Crashed("it was told to".into())),
            ["refuse"] => process.end = Some(End::NotStarted("there is no memory".into())),
            ["for_ever"] => {}
            ["slow", steps] => {
                if process.state > steps.parse().unwrap() {
                    process.end = Some(End::Exited(0));
                }
            }
            ["cat"] => match self.read(&streams[0], 5) {
                Poll::Pending => {}
                Poll::Ready(bytes) if bytes.is_empty() => process.end = Some(End::Exited(0)),
                Poll::Ready(bytes) => process.output.extend(bytes),
            },
            // Takes three bytes, then crashes.
            ["sick"] => match self.read(&streams[0], 3) {
                Poll::Pending => {}
                Poll::Ready(_) => process.end = Some(End::Crashed("it is sick".into())),
            },
            // The first line only.
            ["first"] => match self.read(&streams[0], 1) {
                Poll::Pending => {}
                Poll::Ready(bytes) => {
                    if bytes.is_empty() || bytes == b"\n" {
                        process.end = Some(End::Exited(0));
                    }
                    process.output.extend(bytes);
                }
            },
            _ => process.end = Some(End::NotFound),
        }
        if process.end.is_some() && !process.output.is_empty() {
            let bytes: Vec<u8> = process.output.drain(..).collect();
            let _ = self.write(&streams[1], &bytes);
        }
    }
}

impl Machine for Fake {
    type Stream = Stream;

    fn pipe(&mut self) -> Result<(Stream, Stream), String> {
        let pipe = Rc::new(RefCell::new(Pipe::default()));
        let (reader, writer) = (Rc::new(()), Rc::new(()));
        let (weak_reader, weak_writer) = (Rc::downgrade(&reader), Rc::downgrade(&writer));
        Ok((
            Stream::Reader(pipe.clone(), reader, weak_writer),
            Stream::Writer(pipe, writer, weak_reader),
        ))
    }

    fn null(&mut self) -> Stream {
        Stream::Null
    }

    fn open(&mut self, path: &str, mode: Mode) -> Result<Stream, String> {
        match mode {
            Mode::Read => match self.files.get(path) {
                Some(file) => {
                    let bytes = file.borrow().iter().copied().collect();
                    Ok(Stream::FileReader(Rc::new(RefCell::new(bytes))))
                }
                None => Err("there is no such file".into()),
            },
            Mode::Write | Mode::Append => {
                let file = self.files.entry(path.into()).or_default().clone();
                if mode == Mode::Write {
                    file.borrow_mut().clear();
                }
                Ok(Stream::File(file))
            }
        }
    }

    fn directory(&mut self, path: &str) -> Result<(), String> {
        match path == "/" || !self.list(path).is_empty() {
            true => Ok(()),
            false => Err("there is no such directory".into()),
        }
    }

    fn list(&mut self, directory: &str) -> Vec<(String, bool)> {
        let base = match directory {
            "." => String::new(),
            directory => format!("{}/", directory.trim_end_matches('/')),
        };
        let mut names = BTreeMap::new();
        for path in self.files.keys() {
            if let Some(rest) = path.strip_prefix(&base) {
                let (name, is_directory) = match rest.split_once('/') {
                    Some((name, _)) => (name, true),
                    None => (rest, false),
                };
                if !name.is_empty() {
                    names.insert(name.to_string(), is_directory);
                }
            }
        }
        names.into_iter().collect()
    }

    fn launch(&mut self, launch: Launch<'_, Stream>) -> ProcessId {
        self.next += 1;
        self.launched += 1;
        let id = ProcessId(self.next);
        let process = Process {
            arguments: launch.arguments.to_vec(),
            environment: launch.environment.to_vec(),
            streams: Some(launch.streams),
            output: VecDeque::new(),
            state: 0,
            end: None,
        };
        self.processes.insert(id, process);
        self.most = self.most.max(self.processes.len());
        id
    }

    fn end(&mut self, process: ProcessId) -> Poll<End> {
        self.step(process);
        match self
            .processes
            .get(&process)
            .map(|process| process.end.clone())
        {
            Some(None) => Poll::Pending,
            Some(Some(end)) => {
                self.processes.remove(&process);
                Poll::Ready(end)
            }
            None => panic!("asked for the end of what never ran or was forgotten"),
        }
    }

    fn kill(&mut self, process: ProcessId) {
        let process = self.processes.get_mut(&process).expect("kills what runs");
        process.end = Some(End::Killed);
        process.streams = None;
    }

    fn forget(&mut self, process: ProcessId) {
        self.processes.remove(&process);
    }

    fn write(&mut self, stream: &Stream, bytes: &[u8]) -> Poll<Result<usize, Unwritten>> {
        match stream {
            Stream::Null => Poll::Ready(Ok(bytes.len())),
            Stream::File(file) => {
                file.borrow_mut().extend_from_slice(bytes);
                Poll::Ready(Ok(bytes.len()))
            }
            Stream::Terminal(out) => {
                out.borrow_mut().extend_from_slice(bytes);
                Poll::Ready(Ok(bytes.len()))
            }
            Stream::Writer(pipe, _, reader) => {
                if reader.strong_count() == 0 {
                    return Poll::Ready(Err(Unwritten::Closed));
                }
                let mut pipe = pipe.borrow_mut();
                let room = PIPE - pipe.bytes.len();
                if room == 0 {
                    return Poll::Pending;
                }
                let len = room.min(bytes.len());
                pipe.bytes.extend(&bytes[..len]);
                Poll::Ready(Ok(len))
            }
            Stream::Reader(..) | Stream::FileReader(_) => Poll::Ready(Err(Unwritten::Closed)),
        }
    }

    fn read(&mut self, stream: &Stream, len: usize) -> Poll<Vec<u8>> {
        match stream {
            Stream::Reader(pipe, _, writer) => {
                let mut pipe = pipe.borrow_mut();
                if pipe.bytes.is_empty() && writer.strong_count() > 0 {
                    return Poll::Pending;
                }
                let len = len.min(pipe.bytes.len());
                Poll::Ready(pipe.bytes.drain(..len).collect())
            }
            Stream::FileReader(bytes) => {
                let mut bytes = bytes.borrow_mut();
                let len = len.min(bytes.len());
                Poll::Ready(bytes.drain(..len).collect())
            }
            _ => Poll::Ready(Vec::new()),
        }
    }

    fn commands(&mut self) -> Vec<String> {
        ["say", "cat", "count", "first", "slow"]
            .map(String::from)
            .to_vec()
    }

    fn now_ms(&mut self) -> u64 {
        0
    }

    fn is_terminal(&mut self, stream: &Stream) -> bool {
        matches!(stream, Stream::Terminal(_))
    }
}
