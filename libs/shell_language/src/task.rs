//! A task: one program while it runs.
//!
//! A task is a place in a program, a stack of [`Frame`]s, and what it waits for. It never waits by
//! itself: [`Task::run`] takes steps until it would have to, and is called again.

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
use crate::machine::{End, Launch, Machine, Mode, ProcessId};
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
                    Poll::Ready(Err(())) => {
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

    fn word(&mut self) -> &mut Builder {
        if self.words.is_empty() {
            self.words.push(Builder::default());
        }
        let last = self.words.len() - 1;
        &mut self.words[last]
    }

    /// The innermost word, which is ended by this.
    fn take_word(&mut self) -> Builder {
        let word = self.words.pop().unwrap_or_default();
        if self.words.is_empty() {
            self.words.push(Builder::default());
        }
        word
    }

    fn step<M: Machine<Stream = S>>(
        &mut self,
        step: &Step,
        shared: &mut Shared<S>,
        machine: &mut M,
    ) {
        if self.word().len() > WORD_LEN_MAX {
            return self.give_up(
                &format!("a word became longer than {WORD_LEN_MAX} bytes"),
                1,
            );
        }
        match step {
            Step::Text(text) => self.word().bare(text),
            Step::Quoted(text) => self.word().quoted(text),
            Step::Value { name, quoted } => self.add_value(name, *quoted),
            Step::Length(name) => {
                let len = match &**name {
                    "@" | "*" => self.context.arguments.len(),
                    name => self
                        .context
                        .value(name)
                        .map_or(0, |value| value.chars().count()),
                };
                self.word().quoted(&len.to_string());
            }
            Step::Substitute { program, quoted } => {
                self.substitute(program, *quoted, shared, machine)
            }
            Step::IfSet {
                name,
                or_empty,
                set,
                place,
            } => {
                let is_set = match &**name {
                    "@" | "*" => !self.context.arguments.is_empty(),
                    name => self
                        .context
                        .value(name)
                        .is_some_and(|value| !(*or_empty && value.is_empty())),
                };
                if is_set == *set {
                    self.at = *place;
                }
            }
            Step::Nest => self.words.push(Builder::default()),
            Step::Calculate { quoted } => {
                let word = self.take_word();
                let context = &self.context;
                let variable = |name: &str| context.value(name).map(|value| value.to_string());
                match calculate(word.text(), &variable) {
                    Ok(value) => self.word().add(&value.to_string(), *quoted),
                    Err(message) => self.give_up(&message, 1),
                }
            }
            Step::Trim { name, trim, quoted } => {
                let word = self.take_word();
                let value = self.context.value(name).unwrap_or_default();
                let rest = trimmed(&value, word.pattern(), *trim);
                self.word().add(rest, *quoted);
            }
            Step::Default { name, quoted } => {
                let word = self.take_word();
                self.context.variables.set(name, word.text());
                self.word().add(word.text(), *quoted);
            }
            Step::Complain(name) => {
                let word = self.take_word();
                let text = match word.text() {
                    "" => "is not set",
                    text => text,
                };
                let message = format!("{name}: {text}");
                self.give_up(&message, 1);
            }
            Step::EndWord => {
                let word = self.take_word();
                word.into_fields(&self.context.variables, machine, &mut self.fields);
            }
            Step::Assign(name) => {
                let word = self.take_word();
                self.assignments
                    .push((name.clone(), word.text().to_string()));
            }
            Step::Redirect { descriptor, how } => self.redirect(*descriptor, *how, shared, machine),
            Step::Same { descriptor, of } => {
                let streams = self.redirections();
                streams[usize::from(*descriptor)] = streams[usize::from(*of)].clone();
            }
            Step::Run => self.run_command(shared, machine),
            Step::Hold => {
                if core::mem::take(&mut self.refused) {
                    // A group without its files does nothing that anybody wants.
                    return self.end(1);
                }
                let streams = self.redirected.take();
                let before = self.context.streams.clone();
                if let Some(streams) = streams {
                    self.context.streams = streams;
                }
                self.frames.push(Frame::Hold(before));
            }
            Step::Release | Step::Checked | Step::EndLoop | Step::EndCase => {
                if let Some(frame) = self.frames.pop() {
                    self.undo(frame);
                }
            }
            Step::Pipeline(programs) => self.pipeline(programs, shared, machine),
            Step::Background { program, text } => self.background(program, text, shared, machine),
            Step::Subshell(program) => {
                let context = self.context.clone();
                self.children(vec![(program.clone(), context)], shared);
            }
            Step::Negate => self.context.status = u8::from(self.context.status == 0),
            Step::Succeed => self.context.status = 0,
            Step::Jump(place) => self.at = *place,
            Step::IfFailed(place) if self.context.status != 0 => self.at = *place,
            Step::IfSucceeded(place) if self.context.status == 0 => self.at = *place,
            Step::IfFailed(_) | Step::IfSucceeded(_) => {}
            Step::Unchecked => self.frames.push(Frame::Unchecked),
            Step::Check => {
                let unchecked = |frame: &Frame<S>| matches!(frame, Frame::Unchecked);
                if self.context.options.exit_on_failure
                    && self.context.status != 0
                    && !self.frames.iter().any(unchecked)
                {
                    self.ending = Some(Outcome::Exit);
                }
            }
            Step::Loop { again, after } => self.frames.push(Frame::Loop {
                again: *again,
                after: *after,
                values: None,
            }),
            Step::Rounds {
                arguments,
                again,
                after,
            } => {
                let values = match arguments {
                    true => self
                        .context
                        .arguments
                        .iter()
                        .map(|text| text.to_string())
                        .collect(),
                    false => core::mem::take(&mut self.fields),
                };
                self.frames.push(Frame::Loop {
                    again: *again,
                    after: *after,
                    values: Some(values.into_iter()),
                });
            }
            Step::NextRound(name) => {
                if let Some(Frame::Loop { after, values, .. }) = self.frames.last_mut() {
                    match values.as_mut().and_then(Iterator::next) {
                        Some(value) => self.context.variables.set(name, value),
                        None => {
                            self.at = *after;
                            self.frames.pop();
                        }
                    }
                }
            }
            Step::Subject => {
                let word = self.take_word();
                self.frames.push(Frame::Subject(word.text().to_string()));
            }
            Step::IfDifferent(place) => {
                let word = self.take_word();
                let same = match self.frames.last() {
                    Some(Frame::Subject(subject)) => pattern::matches(word.pattern(), subject),
                    _ => false,
                };
                if !same {
                    self.at = *place;
                }
            }
            Step::Function { name, program } => {
                Rc::make_mut(&mut self.context.functions).insert(name.clone(), program.clone());
            }
        }
    }

    fn add_value(&mut self, name: &str, quoted: bool) {
        if matches!(name, "@" | "*") && (!quoted || name == "@") {
            let arguments = self.context.arguments.clone();
            for (i, argument) in arguments.iter().enumerate() {
                if i > 0 {
                    self.word().split();
                }
                self.word().add(argument, quoted);
            }
            return;
        }
        match self.context.value(name) {
            Some(value) => self.word().add(&value, quoted),
            None if self.context.options.unset_is_error => {
                self.give_up(&format!("{name} is not set"), 1)
            }
            None => self.word().add("", quoted),
        }
    }

    /// The streams of the command that is being put together.
    fn redirections(&mut self) -> &mut [S; 3] {
        let context = &self.context;
        self.redirected
            .get_or_insert_with(|| context.streams.clone())
    }

    fn redirect<M: Machine<Stream = S>>(
        &mut self,
        descriptor: u8,
        how: How,
        shared: &mut Shared<S>,
        machine: &mut M,
    ) {
        let word = self.take_word();
        let mode = match how {
            How::Read => Mode::Read,
            How::Write | How::WriteBoth => Mode::Write,
            How::Append => Mode::Append,
            How::Text | How::Document => {
                let mut text = word.text().to_string();
                if how == How::Text {
                    text.push('\n');
                }
                return match self.feed(text, shared, machine) {
                    Ok(stream) => self.redirections()[usize::from(descriptor)] = stream,
                    Err(message) => self.give_up(&message, 1),
                };
            }
        };
        match machine.open(&self.context.variables.located(word.text()), mode) {
            Ok(stream) => {
                let streams = self.redirections();
                streams[usize::from(descriptor)] = stream.clone();
                if how == How::WriteBoth {
                    streams[2] = stream;
                }
            }
            Err(message) => {
                self.refused = true;
                self.complain(&format!("{}: {message}", word.text()), 1)
            }
        }
    }

    /// A stream that gives this text.
    fn feed<M: Machine<Stream = S>>(
        &mut self,
        text: String,
        shared: &mut Shared<S>,
        machine: &mut M,
    ) -> Result<S, String> {
        let (reader, writer) = machine.pipe()?;
        let mut feeder = Task::new(Rc::new(Program::default()), self.context.clone());
        feeder.context.streams = [machine.null(), machine.null(), machine.null()];
        feeder.write(vec![(writer, text.into_bytes())], 0);
        self.feeders.retain(|id| shared.ended.remove(id).is_none());
        let id = shared.spawn(feeder)?;
        self.feeders.push(id);
        Ok(reader)
    }

    /// Begins tasks, and waits for them.
    fn children(&mut self, programs: Vec<(Rc<Program>, Context<S>)>, shared: &mut Shared<S>) {
        let mut tasks = Vec::new();
        for (program, context) in programs {
            match self.child(program, context, shared) {
                Ok(id) => tasks.push(Some(id)),
                Err(message) => {
                    shared.killed.extend(tasks.into_iter().flatten());
                    return self.give_up(&message, 1);
                }
            }
        }
        self.wait = Wait::Children { tasks, status: 0 };
    }

    fn child(
        &mut self,
        program: Rc<Program>,
        mut context: Context<S>,
        shared: &mut Shared<S>,
    ) -> Result<TaskId, String> {
        if context.depth == NESTING_MAX {
            return Err(format!("more than {NESTING_MAX} subshells in each other"));
        }
        context.depth += 1;
        shared.spawn(Task::new(program, context))
    }

    fn pipeline<M: Machine<Stream = S>>(
        &mut self,
        programs: &[Rc<Program>],
        shared: &mut Shared<S>,
        machine: &mut M,
    ) {
        let mut input = self.context.streams[0].clone();
        let mut children = Vec::new();
        for (i, program) in programs.iter().enumerate() {
            let mut context = self.context.clone();
            context.streams[0] = input.clone();
            if i + 1 < programs.len() {
                match machine.pipe() {
                    Ok((reader, writer)) => {
                        input = reader;
                        context.streams[1] = writer;
                    }
                    Err(message) => return self.give_up(&message, 1),
                }
            }
            children.push((program.clone(), context));
        }
        drop(input);
        self.children(children, shared);
    }

    fn background<M: Machine<Stream = S>>(
        &mut self,
        program: &Rc<Program>,
        text: &Rc<str>,
        shared: &mut Shared<S>,
        machine: &mut M,
    ) {
        let mut context = self.context.clone();
        context.streams[0] = machine.null();
        match self.child(program.clone(), context, shared) {
            Ok(id) => {
                shared.add_job(id, text.clone());
                self.context.last_job = shared.jobs.last().map_or(0, |job| job.number);
                self.context.status = 0;
            }
            Err(message) => self.give_up(&message, 1),
        }
    }

    fn substitute<M: Machine<Stream = S>>(
        &mut self,
        program: &Rc<Program>,
        quoted: bool,
        shared: &mut Shared<S>,
        machine: &mut M,
    ) {
        let result = machine.pipe().and_then(|(reader, writer)| {
            let mut context = self.context.clone();
            context.streams[1] = writer;
            Ok((reader, self.child(program.clone(), context, shared)?))
        });
        match result {
            Ok((reader, task)) => {
                self.wait = Wait::Capture {
                    task: Some(task),
                    reader: Some(reader),
                    bytes: Vec::new(),
                    status: 0,
                    quoted,
                }
            }
            Err(message) => self.give_up(&message, 1),
        }
    }

    /// Reads what a `$(…)` prints.
    fn capture<M: Machine<Stream = S>>(&mut self, shared: &mut Shared<S>, machine: &mut M) -> bool {
        let Wait::Capture {
            task,
            reader,
            bytes,
            status,
            quoted,
        } = &mut self.wait
        else {
            return true;
        };
        while let Some(stream) = reader {
            match machine.read(stream, CAPTURE_MAX) {
                Poll::Pending => break,
                Poll::Ready(found) if found.is_empty() => *reader = None,
                Poll::Ready(found) => bytes.extend(found),
            }
            if bytes.len() > CAPTURE_MAX {
                shared.killed.extend(*task);
                self.wait = Wait::Nothing;
                self.give_up(&format!("`$(…)` printed more than {CAPTURE_MAX} bytes"), 1);
                return true;
            }
        }
        if let Some(id) = task
            && let Some(ended) = shared.ended.remove(id)
        {
            *status = ended;
            *task = None;
        }
        if task.is_some() || reader.is_some() {
            return false;
        }
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_end_matches('\n').to_string();
        let (status, quoted) = (*status, *quoted);
        self.wait = Wait::Nothing;
        self.substituted = Some(status);
        self.word().add(&text, quoted);
        true
    }

    fn run_command<M: Machine<Stream = S>>(&mut self, shared: &mut Shared<S>, machine: &mut M) {
        let fields = core::mem::take(&mut self.fields);
        let assignments = core::mem::take(&mut self.assignments);
        let redirected = self.redirected.take();
        let substituted = self.substituted.take();
        if core::mem::take(&mut self.refused) {
            self.context.status = 1;
            return;
        }
        let streams = redirected.unwrap_or_else(|| self.context.streams.clone());
        if self.context.depth > 0 && self.frames.is_empty() && self.at == self.program.steps.len() {
            // The last thing that this part of a pipeline does: its streams are the command's alone, and
            // the machine may hand them over as they are.
            self.context.streams[0] = machine.null();
            self.context.streams[1] = machine.null();
        }
        let Some(name) = fields.first() else {
            for (name, value) in assignments {
                self.context.variables.set(&name, value);
            }
            self.context.status = substituted.unwrap_or(0);
            return;
        };
        if self.context.options.show_commands {
            // Not through `complain`, which would be waited for before the command runs.
            let text = format!("+ {}\n", fields.join(" "));
            let _ = machine.write(&self.context.streams[2], text.as_bytes());
        }
        if let Some(program) = self.context.functions.get(name.as_str()).cloned() {
            let arguments = fields[1..]
                .iter()
                .map(|text| text.as_str().into())
                .collect();
            return self.call(program, Some(arguments), assignments, streams);
        }
        // Assignments before a builtin have no effect: none looks at the environment.
        match builtins::run(&fields, &mut self.context, &streams, shared, machine) {
            Some(action) => self.act(action, streams, shared, machine),
            None => {
                let mut environment: Vec<(String, String)> = self
                    .context
                    .variables
                    .iter()
                    .filter(|(_, variable)| variable.exported)
                    .map(|(name, variable)| (name.to_string(), variable.value.to_string()))
                    .collect();
                for (name, value) in assignments {
                    environment.retain(|(there, _)| **there != *name);
                    environment.push((name.to_string(), value));
                }
                let errors = streams[2].clone();
                let process = machine.launch(Launch {
                    arguments: &fields,
                    environment: &environment,
                    streams,
                });
                let name = name.clone();
                self.wait = Wait::Process {
                    process,
                    name,
                    errors,
                };
            }
        }
    }

    /// Goes on in a function or a sourced script.
    fn call(
        &mut self,
        program: Rc<Program>,
        arguments: Option<Rc<[Rc<str>]>>,
        assignments: Vec<(Rc<str>, String)>,
        streams: [S; 3],
    ) {
        if self.calls == CALLS_MAX {
            return self.give_up(&format!("more than {CALLS_MAX} functions in each other"), 1);
        }
        self.calls += 1;
        let mut locals = Vec::new();
        for (name, value) in assignments {
            let before = self.context.variables.variable(&name).cloned();
            locals.push((name.to_string(), before));
            self.context.variables.set(&name, value);
        }
        let before = core::mem::replace(&mut self.context.streams, streams);
        let name_and_arguments =
            arguments.map(|new| core::mem::replace(&mut self.context.arguments, new));
        self.frames.push(Frame::Call {
            program: core::mem::replace(&mut self.program, program),
            at: core::mem::replace(&mut self.at, 0),
            name_and_arguments,
            locals,
            streams: before,
        });
        self.context.status = 0;
    }

    /// Does what a builtin asks for.
    fn act<M: Machine<Stream = S>>(
        &mut self,
        action: Action,
        streams: [S; 3],
        shared: &mut Shared<S>,
        machine: &mut M,
    ) {
        match action {
            Action::Status(status) => self.context.status = status,
            Action::Print(text, status) => {
                self.write(vec![(streams[1].clone(), text)], status);
            }
            Action::Complain(message, status) => {
                let text = format!("{}: {message}\n", self.context.name);
                self.write(vec![(streams[2].clone(), text.into_bytes())], status);
            }
            Action::Exit(status) => {
                self.context.status = status;
                self.ending = Some(Outcome::Exit);
            }
            Action::Return(status) => {
                self.context.status = status;
                if self.calls > 0 {
                    self.program_ended();
                } else {
                    self.end(status);
                }
            }
            Action::Leave { loops, again } => self.leave(loops, again),
            Action::Local(names) => {
                let frames = self.frames.iter_mut().rev();
                let call = frames.filter_map(|frame| match frame {
                    Frame::Call { locals, .. } => Some(locals),
                    _ => None,
                });
                let Some(locals) = { call }.next() else {
                    return self.complain("local: only in a function", 1);
                };
                for (name, value) in names {
                    locals.push((
                        name.clone(),
                        self.context.variables.variable(&name).cloned(),
                    ));
                    self.context.variables.restore(&name, None);
                    if let Some(value) = value {
                        self.context.variables.set(&name, value);
                    }
                }
                self.context.status = 0;
            }
            Action::Wait { jobs, foreground } => {
                self.wait = Wait::Jobs {
                    numbers: jobs,
                    foreground,
                }
            }
            Action::Kill(jobs) => {
                let found = shared.jobs.iter().filter(|job| jobs.contains(&job.number));
                let tasks: Vec<TaskId> = found.map(|job| job.task).collect();
                shared.killed.extend(tasks);
                self.context.status = 0;
            }
            Action::Read { names, raw } => {
                self.wait = Wait::Line {
                    stream: streams[0].clone(),
                    bytes: Vec::new(),
                    names,
                    raw,
                }
            }
            Action::Source { path, arguments } => {
                match machine.open(&self.context.variables.located(&path), Mode::Read) {
                    Ok(stream) => {
                        self.wait = Wait::Script {
                            stream,
                            bytes: Vec::new(),
                            name: path,
                            arguments,
                        }
                    }
                    Err(message) => self.complain(&format!("{path}: {message}"), 1),
                }
            }
        }
    }

    /// `break` and `continue`.
    fn leave(&mut self, loops: usize, again: bool) {
        let mut left = loops.max(1);
        let in_loop = self
            .frames
            .iter()
            .rev()
            .take_while(|frame| !matches!(frame, Frame::Call { .. }))
            .any(|frame| matches!(frame, Frame::Loop { .. }));
        if !in_loop {
            return self.complain("break and continue: only in a loop", 1);
        }
        self.context.status = 0;
        loop {
            match self.frames.last() {
                None | Some(Frame::Call { .. }) => return,
                Some(Frame::Loop {
                    again: begin,
                    after,
                    ..
                }) => {
                    let (begin, after) = (*begin, *after);
                    left -= 1;
                    if left == 0 && again {
                        self.at = begin;
                        return;
                    }
                    self.frames.pop();
                    self.at = after;
                    if left == 0 {
                        return;
                    }
                }
                Some(_) => {
                    if let Some(frame) = self.frames.pop() {
                        self.undo(frame);
                    }
                }
            }
        }
    }

    /// `read`: takes one line, and not a byte more.
    fn read_line<M: Machine<Stream = S>>(&mut self, machine: &mut M) -> bool {
        let Wait::Line {
            stream,
            bytes,
            names,
            raw,
        } = &mut self.wait
        else {
            return true;
        };
        let ended = loop {
            match machine.read(stream, 1).map(|found| found.first().copied()) {
                Poll::Pending => return false,
                Poll::Ready(None) => break true,
                Poll::Ready(Some(b'\n')) if !*raw && bytes.last() == Some(&b'\\') => {
                    bytes.pop();
                }
                Poll::Ready(Some(b'\n')) => break false,
                Poll::Ready(Some(byte)) if bytes.len() < WORD_LEN_MAX => bytes.push(byte),
                Poll::Ready(Some(_)) => {}
            }
        };
        let line = String::from_utf8_lossy(bytes).to_string();
        let empty = line.is_empty();
        let mut rest = line.trim_matches([' ', '\t']);
        let names = core::mem::take(names);
        for (i, name) in names.iter().enumerate() {
            let value = match i + 1 == names.len() {
                true => core::mem::take(&mut rest),
                false => match rest.split_once([' ', '\t']) {
                    Some((first, others)) => {
                        rest = others.trim_start_matches([' ', '\t']);
                        first
                    }
                    None => core::mem::take(&mut rest),
                },
            };
            self.context.variables.set(name, value);
        }
        self.context.status = u8::from(ended && empty);
        self.wait = Wait::Nothing;
        true
    }

    /// `source`: takes the whole file, and goes on in it.
    fn read_script<M: Machine<Stream = S>>(&mut self, machine: &mut M) -> bool {
        let Wait::Script {
            stream,
            bytes,
            name,
            arguments,
        } = &mut self.wait
        else {
            return true;
        };
        loop {
            match machine.read(stream, SCRIPT_MAX) {
                Poll::Pending => return false,
                Poll::Ready(found) if found.is_empty() => break,
                Poll::Ready(found) => bytes.extend(found),
            }
            if bytes.len() > SCRIPT_MAX {
                let message = format!("{name}: a script longer than {SCRIPT_MAX} bytes");
                self.wait = Wait::Nothing;
                self.complain(&message, 1);
                return true;
            }
        }
        let text = String::from_utf8_lossy(bytes).to_string();
        let name = core::mem::take(name);
        let arguments = core::mem::take(arguments);
        self.wait = Wait::Nothing;
        match crate::parser::parse(&text) {
            Ok(script) => {
                let program = crate::compile::compile(&script, &text);
                let arguments: Option<Rc<[Rc<str>]>> = (!arguments.is_empty())
                    .then(|| arguments.iter().map(|text| text.as_str().into()).collect());
                let streams = self.context.streams.clone();
                self.call(Rc::new(program), arguments, Vec::new(), streams);
            }
            Err(error) => {
                let shown = error.show(&text, &name);
                self.write(
                    vec![(self.context.streams[2].clone(), shown.into_bytes())],
                    2,
                );
            }
        }
        true
    }
}
