//! A task: one program while it runs.
//!
//! A task is a place in a program, a stack of [`Frame`]s, and what it waits for. It never waits by
//! itself: [`Task::run`] takes steps until it would have to, and is called again.

mod children;
mod commands;
mod steps;

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::task::Poll;

use crate::arithmetic::calculate;
use crate::builtins::{self, Action};
use crate::expand::{Builder, WORD_LEN_MAX, trimmed};
use crate::machine::{End, Launch, Machine, Mode, ProcessId, Unwritten};
use crate::pattern;
use crate::program::{How, Place, Program, Step};
use crate::shell::{JobState, Shared};
use crate::suggest::nearest;
use crate::variables::{Variable, Variables};

/// Functions and sourced scripts may stand in each other this deep.
const CALLS_MAX: usize = 500;
/// Tasks may stand in each other this deep.
const NESTING_MAX: usize = 50;
/// What `$(…)` may print, in bytes.
const CAPTURE_MAX: usize = WORD_LEN_MAX;
/// What `source` may read, in bytes.
const SCRIPT_MAX: usize = 1024 * 1024;

/// Names a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaskId(pub u64);

/// What a task's commands see of it.
#[derive(Clone)]
pub struct Context<S> {
    pub variables: Variables,
    pub functions: Rc<BTreeMap<Rc<str>, Rc<Program>>>,
    pub name: Rc<str>,
    pub arguments: Rc<[Rc<str>]>,
    pub status: u8,
    pub streams: [S; 3],
    pub options: Options,
    /// The number of the last job: `$!`.
    pub last_job: u32,
    depth: usize,
}

/// What `set` sets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// `-e`: the first failure ends the script.
    pub exit_on_failure: bool,
    /// `-u`: a variable that is not set is an error.
    pub unset_is_error: bool,
    /// `-x`: commands are shown before they run.
    pub show_commands: bool,
}

impl<S: Clone> Context<S> {
    pub fn new(streams: [S; 3]) -> Context<S> {
        Context {
            variables: Variables::default(),
            functions: Rc::default(),
            name: "shell".into(),
            arguments: Rc::new([]),
            status: 0,
            streams,
            options: Options::default(),
            last_job: 0,
            depth: 0,
        }
    }

    /// A variable's value, special ones included.
    pub fn value(&self, name: &str) -> Option<Rc<str>> {
        if let Ok(number) = name.parse::<usize>() {
            return match number {
                0 => Some(self.name.clone()),
                number => self.arguments.get(number - 1).cloned(),
            };
        }
        Some(match name {
            "?" => self.status.to_string().into(),
            "#" => self.arguments.len().to_string().into(),
            "!" if self.last_job == 0 => return None,
            "!" => format!("%{}", self.last_job).into(),
            // There are no process numbers to tell.
            "$" => "0".into(),
            "@" | "*" => self.arguments.join(" ").into(),
            name => return self.variables.get(name).cloned(),
        })
    }
}

/// What a task has to come back to.
enum Frame<S> {
    Loop {
        again: Place,
        after: Place,
        values: Option<vec::IntoIter<String>>,
    },
    /// A function's call, or a sourced script.
    Call {
        program: Rc<Program>,
        at: Place,
        name_and_arguments: Option<Rc<[Rc<str>]>>,
        locals: Vec<(String, Option<Variable>)>,
        streams: [S; 3],
    },
    Hold([S; 3]),
    Unchecked,
    Subject(String),
}

/// What a task waits for.
enum Wait<S> {
    Nothing,
    Process {
        process: ProcessId,
        name: String,
        /// Where it is told that it could not run.
        errors: S,
    },
    /// Parts of a pipeline; `None` for those that have ended.
    Children {
        tasks: Vec<Option<TaskId>>,
        status: u8,
    },
    Capture {
        task: Option<TaskId>,
        reader: Option<S>,
        bytes: Vec<u8>,
        status: u8,
        quoted: bool,
    },
    Write {
        writes: Vec<(S, Vec<u8>)>,
        written: usize,
        status: u8,
    },
    Line {
        stream: S,
        bytes: Vec<u8>,
        names: Vec<String>,
        raw: bool,
    },
    Script {
        stream: S,
        bytes: Vec<u8>,
        name: String,
        arguments: Vec<String>,
    },
    Jobs {
        numbers: Vec<u32>,
        /// Whether an interruption ends them: `fg`.
        foreground: bool,
    },
}

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It has not ended.
    Going,
    /// Its program ended.
    Ended,
    /// It ran `exit`, or failed in a way that ends it.
    Exit,
}

/// See the [module](self).
pub struct Task<S> {
    pub context: Context<S>,
    program: Rc<Program>,
    at: Place,
    frames: Vec<Frame<S>>,
    calls: usize,
    words: Vec<Builder>,
    fields: Vec<String>,
    assignments: Vec<(Rc<str>, String)>,
    redirected: Option<[S; 3]>,
    /// One of the redirections could not be made: the command does not run, and has failed.
    refused: bool,
    /// The status of the last `$(…)` in the command, which counts if there is nothing else.
    substituted: Option<u8>,
    wait: Wait<S>,
    /// Tasks that only feed a here-document into a pipe.
    feeders: Vec<TaskId>,
    ending: Option<Outcome>,
}

impl<S: Clone> Task<S> {
    pub fn new(program: Rc<Program>, context: Context<S>) -> Task<S> {
        Task {
            context,
            program,
            at: 0,
            frames: Vec::new(),
            calls: 0,
            words: vec![Builder::default()],
            fields: Vec::new(),
            assignments: Vec::new(),
            redirected: None,
            refused: false,
            substituted: None,
            wait: Wait::Nothing,
            feeders: Vec::new(),
            ending: None,
        }
    }

    /// What is left of it: its variables, with what only its functions had undone.
    pub fn into_context(mut self) -> Context<S> {
        while let Some(frame) = self.frames.pop() {
            self.undo(frame);
        }
        self.context
    }

    /// Ends it, and all that it started but for its jobs.
    pub fn kill<M: Machine<Stream = S>>(
        mut self,
        shared: &mut Shared<S>,
        machine: &mut M,
    ) -> Context<S> {
        match core::mem::replace(&mut self.wait, Wait::Nothing) {
            Wait::Process { process, .. } => {
                machine.kill(process);
                machine.forget(process);
            }
            Wait::Children { tasks, .. } => shared.killed.extend(tasks.into_iter().flatten()),
            Wait::Capture { task, .. } => shared.killed.extend(task),
            Wait::Jobs {
                numbers,
                foreground: true,
            } => {
                let jobs = shared
                    .jobs
                    .iter()
                    .filter(|job| numbers.contains(&job.number));
                shared.killed.extend(jobs.map(|job| job.task));
            }
            _ => {}
        }
        self.end_feeders(shared);
        self.into_context()
    }

    fn end_feeders(&mut self, shared: &mut Shared<S>) {
        for id in self.feeders.drain(..) {
            if shared.ended.remove(&id).is_none() {
                shared.killed.push(id);
            }
        }
    }

    /// Takes steps: at most `slice`, and no more than are `left`.
    pub fn run<M: Machine<Stream = S>>(
        &mut self,
        shared: &mut Shared<S>,
        machine: &mut M,
        left: &mut usize,
        slice: usize,
    ) -> Outcome {
        for _ in 0..slice {
            if *left == 0 {
                return Outcome::Going;
            }
            if !self.ready(shared, machine) {
                return Outcome::Going;
            }
            *left -= 1;
            if let Some(outcome) = self.ending {
                self.end_feeders(shared);
                return outcome;
            }
            let program = self.program.clone();
            match program.steps.get(self.at) {
                Some(step) => {
                    self.at += 1;
                    self.step(step, shared, machine);
                }
                None => self.program_ended(),
            }
        }
        Outcome::Going
    }

    /// The program is over: back to who called it, or the end.
    fn program_ended(&mut self) {
        while let Some(frame) = self.frames.pop() {
            let is_call = matches!(frame, Frame::Call { .. });
            self.undo(frame);
            if is_call {
                return;
            }
        }
        self.ending = Some(Outcome::Ended);
    }

    fn undo(&mut self, frame: Frame<S>) {
        match frame {
            Frame::Call {
                program,
                at,
                name_and_arguments,
                locals,
                streams,
            } => {
                self.program = program;
                self.at = at;
                self.calls -= 1;
                if let Some(arguments) = name_and_arguments {
                    self.context.arguments = arguments;
                }
                // In the order opposite to their definition, so that the oldest value stays.
                for (name, before) in locals.into_iter().rev() {
                    self.context.variables.restore(&name, before);
                }
                self.context.streams = streams;
            }
            Frame::Hold(streams) => self.context.streams = streams,
            Frame::Loop { .. } | Frame::Unchecked | Frame::Subject(_) => {}
        }
    }

    /// Sees to what the task waits for. Says whether it can go on.
    fn ready<M: Machine<Stream = S>>(&mut self, shared: &mut Shared<S>, machine: &mut M) -> bool {
        match &mut self.wait {
            Wait::Nothing => return true,
            Wait::Process {
                process,
                name,
                errors,
            } => match machine.end(*process) {
                Poll::Pending => return false,
                Poll::Ready(end) => {
                    let (name, errors) = (core::mem::take(name), errors.clone());
                    self.wait = Wait::Nothing;
                    self.process_ended(&name, errors, end, machine);
                }
            },
            Wait::Children { tasks, status } => {
                let last = tasks.len().saturating_sub(1);
                for (i, slot) in tasks.iter_mut().enumerate() {
                    if let Some(id) = slot
                        && let Some(ended) = shared.ended.remove(id)
                    {
                        *slot = None;
                        if i == last {
                            *status = ended;
                        }
                    }
                }
                if tasks.iter().any(Option::is_some) {
                    return false;
                }
                self.context.status = *status;
                self.wait = Wait::Nothing;
            }
            Wait::Capture { .. } => return self.capture(shared, machine),
            Wait::Write {
                writes,
                written,
                status,
            } => {
                let Some((stream, bytes)) = writes.first() else {
                    self.context.status = *status;
                    self.wait = Wait::Nothing;
                    return true;
                };
                if *written == bytes.len() {
                    writes.remove(0);
                    *written = 0;
                    return self.ready(shared, machine);
                }
                match machine.write(stream, &bytes[*written..]) {
                    Poll::Pending => return false,
                    Poll::Ready(Ok(len)) => *written += len,
                    Poll::Ready(Err(Unwritten::Refused)) => {
                        self.context.status = (*status).max(1);
                        self.wait = Wait::Nothing;
                    }
                    Poll::Ready(Err(Unwritten::Closed)) => {
                        // As it ends commands: nobody wants to hear more.
                        self.wait = Wait::Nothing;
                        self.end(141);
                    }
                }
                return !matches!(self.wait, Wait::Write { .. }) || self.ready(shared, machine);
            }
            Wait::Line { .. } => return self.read_line(machine),
            Wait::Script { .. } => return self.read_script(machine),
            Wait::Jobs { numbers, .. } => {
                let mut status = self.context.status;
                let mut going = false;
                for number in numbers.iter() {
                    let job = shared.jobs.iter().find(|job| job.number == *number);
                    match job.map(|job| job.state) {
                        Some(JobState::Running) => going = true,
                        Some(JobState::Ended(ended)) => status = ended,
                        None => status = 127,
                    }
                }
                if going {
                    return false;
                }
                let waited = core::mem::take(numbers);
                shared.jobs.retain(|job| !waited.contains(&job.number));
                self.context.status = status;
                self.wait = Wait::Nothing;
            }
        }
        true
    }

    fn process_ended<M: Machine<Stream = S>>(
        &mut self,
        name: &str,
        errors: S,
        end: End,
        machine: &mut M,
    ) {
        let (message, status) = match end {
            End::Exited(status) => {
                self.context.status = status;
                return;
            }
            End::Killed => {
                self.context.status = 137;
                return;
            }
            End::Crashed(how) => (format!("{name} crashed: {how}"), 139),
            End::NotStarted(why) => (format!("{name} could not be started: {why}"), 126),
            End::NotFound => {
                let commands = machine.commands();
                let functions = self.context.functions.keys().map(|name| &**name);
                let known = commands.iter().map(String::as_str);
                let known = known.chain(builtins::BUILTINS.iter().map(|(name, _)| *name));
                let help = match nearest(name, known.chain(functions)) {
                    Some(nearest) => format!("did you mean `{nearest}`?"),
                    None => "`help` lists what there is".to_string(),
                };
                (format!("there is no command `{name}`; {help}"), 127)
            }
        };
        let text = format!("{}: {message}\n", self.context.name);
        self.write(vec![(errors, text.into_bytes())], status);
    }

    /// Writes a message where errors go, and sets the status.
    fn complain(&mut self, message: &str, status: u8) {
        let text = format!("{}: {message}\n", self.context.name);
        self.write(
            vec![(self.context.streams[2].clone(), text.into_bytes())],
            status,
        );
    }

    fn write(&mut self, writes: Vec<(S, Vec<u8>)>, status: u8) {
        self.context.status = status;
        self.wait = Wait::Write {
            writes,
            written: 0,
            status,
        };
    }

    /// Writes a message where errors go, and ends the task after that.
    fn give_up(&mut self, message: &str, status: u8) {
        self.complain(message, status);
        self.end(status);
    }

    /// Ends the task, once what it has to write has been written.
    fn end(&mut self, status: u8) {
        self.context.status = status;
        self.ending = Some(Outcome::Ended);
        self.words = vec![Builder::default()];
    }
}
