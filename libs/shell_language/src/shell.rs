//! All that runs: the line that was typed, its jobs, and the parts of their pipelines.

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::compile::compile;
use crate::error::SyntaxError;
use crate::machine::Machine;
use crate::parser::parse;
use crate::task::{Context, Outcome, Task, TaskId};
use crate::variables::Variables;

/// Steps that one task may take before another's turn.
const SLICE: usize = 64;
/// Tasks that may exist at once: jobs, and parts of pipelines.
pub const TASKS_MAX: usize = 4096;
/// Bytes that must be left of the memory when a task begins: what it needs for itself, and everybody else for going on.
/// So a script that begins tasks without end is told, and the shell does not end for it.
pub const ROOM: usize = 128 * 1024;
/// Jobs that ended and that nobody has asked for are remembered up to this number.
const ENDED_JOBS_MAX: usize = 100;

/// What a job is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JobState {
    /// It runs.
    Running,
    /// It ended, with this status.
    Ended(u8),
}

/// A command with `&` after it.
#[derive(Clone, Debug)]
pub struct Job {
    /// What `%1` means.
    pub number: u32,
    /// What was typed.
    pub text: Rc<str>,
    /// What it is doing.
    pub state: JobState,
    /// The task that it is.
    pub(crate) task: TaskId,
}

/// How far [`Shell::run`] has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It used up its steps: call it again soon.
    More,
    /// Everything waits for the machine; the line that was begun has not ended.
    Waiting,
    /// No line runs. Jobs may.
    Idle,
    /// `exit` was run, with this status.
    Exit(u8),
}

/// What tasks share.
pub struct Shared<S> {
    pub(crate) spawned: Vec<(TaskId, Task<S>)>,
    pub(crate) ended: BTreeMap<TaskId, u8>,
    pub(crate) killed: Vec<TaskId>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) notices: Vec<String>,
    pub(crate) tasks: usize,
    pub(crate) interactive: bool,
    next: u64,
}

impl<S> Shared<S> {
    /// Begins a task, or says that there are too many.
    pub(crate) fn spawn(&mut self, task: Task<S>) -> Result<TaskId, String> {
        if self.tasks >= TASKS_MAX {
            return Err(format!(
                "more than {TASKS_MAX} jobs and parts of pipelines at once"
            ));
        }
        if !has_room() {
            return Err(format!(
                "no memory is left for another job or part of a pipeline; {} run",
                self.tasks
            ));
        }
        self.tasks += 1;
        let id = TaskId(self.next);
        self.next += 1;
        self.spawned.push((id, task));
        Ok(id)
    }

    /// Notes a new job.
    pub(crate) fn add_job(&mut self, task: TaskId, text: Rc<str>) {
        let number = self.jobs.iter().map(|job| job.number).max().unwrap_or(0) + 1;
        if self.interactive {
            self.notices.push(format!("[{number}] {text} &"));
        }
        self.jobs.push(Job {
            number,
            text,
            state: JobState::Running,
            task,
        });
    }
}

/// Whether there is memory for something more ([`ROOM`]).
pub fn has_room() -> bool {
    Vec::<u8>::new().try_reserve_exact(ROOM).is_ok()
}

/// See the [module](self).
pub struct Shell<M: Machine> {
    /// The variables and the like, while no line runs.
    context: Option<Context<M::Stream>>,
    /// The line that runs.
    line: Option<Task<M::Stream>>,
    tasks: BTreeMap<TaskId, Task<M::Stream>>,
    shared: Shared<M::Stream>,
    exit: Option<u8>,
}

impl<M: Machine> Shell<M> {
    /// A shell with these standard streams. An interactive one tells about its jobs.
    pub fn new(streams: [M::Stream; 3], interactive: bool) -> Shell<M> {
        Shell {
            context: Some(Context::new(streams)),
            line: None,
            tasks: BTreeMap::new(),
            shared: Shared {
                spawned: Vec::new(),
                ended: BTreeMap::new(),
                killed: Vec::new(),
                jobs: Vec::new(),
                notices: Vec::new(),
                tasks: 0,
                interactive,
                next: 1,
            },
            exit: None,
        }
    }

    /// Sets the script's name and arguments: `$0`, `$1` and so on.
    pub fn set_arguments(&mut self, name: &str, arguments: &[String]) {
        if let Some(context) = self.context_mut() {
            context.name = name.into();
            context.arguments = arguments.iter().map(|text| text.as_str().into()).collect();
        }
    }

    /// Sets a variable that commands see.
    pub fn export(&mut self, name: &str, value: &str) {
        if let Some(context) = self.context_mut() {
            context.variables.set(name, value);
            context.variables.export(name);
        }
    }

    /// The variables, unless a line runs.
    pub fn variables(&self) -> Option<&Variables> {
        self.context.as_ref().map(|context| &context.variables)
    }

    /// Names of functions that have been defined, unless a line runs.
    pub fn functions(&self) -> Vec<String> {
        let context = self.context.as_ref();
        context.map_or(Vec::new(), |context| {
            context
                .functions
                .keys()
                .map(|name| name.to_string())
                .collect()
        })
    }

    /// The status of the last command.
    pub fn status(&self) -> u8 {
        match (&self.context, &self.line) {
            (Some(context), _) => context.status,
            (None, Some(line)) => line.context.status,
            (None, None) => 0,
        }
    }

    /// Sets the status of the last command, for what failed before it could run.
    pub fn set_status(&mut self, status: u8) {
        if let Some(context) = self.context_mut() {
            context.status = status;
        }
    }

    fn context_mut(&mut self) -> Option<&mut Context<M::Stream>> {
        match (&mut self.context, &mut self.line) {
            (Some(context), _) => Some(context),
            (None, line) => line.as_mut().map(|line| &mut line.context),
        }
    }

    /// Begins a line, or a whole script. Only when the last one has ended.
    pub fn start(&mut self, text: &str) -> Result<(), SyntaxError> {
        let script = parse(text)?;
        let program = compile(&script, text);
        if let Some(context) = self.context.take() {
            self.line = Some(Task::new(Rc::new(program), context));
        }
        Ok(())
    }

    /// Whether a line runs.
    pub fn is_running(&self) -> bool {
        self.line.is_some()
    }

    /// The jobs, those that have ended included until they have been told about.
    pub fn jobs(&self) -> &[Job] {
        &self.shared.jobs
    }

    /// What has happened to jobs since the last time: lines to be shown before the next prompt.
    pub fn notices(&mut self) -> Vec<String> {
        let interactive = self.shared.interactive;
        for job in &self.shared.jobs {
            if let (JobState::Ended(status), true) = (job.state, interactive) {
                let how = match status {
                    0 => "done".to_string(),
                    137 => "killed".to_string(),
                    status => format!("failed with status {status}"),
                };
                self.shared
                    .notices
                    .push(format!("[{}] {how}: {}", job.number, job.text));
            }
        }
        if interactive {
            self.shared
                .jobs
                .retain(|job| job.state == JobState::Running);
        }
        core::mem::take(&mut self.shared.notices)
    }

    /// Whether [`Self::notices`] would have something to say.
    pub fn has_notices(&self) -> bool {
        let ended = |job: &Job| job.state != JobState::Running;
        !self.shared.notices.is_empty()
            || (self.shared.interactive && self.shared.jobs.iter().any(ended))
    }

    /// Ctrl-C: ends the line that runs, with status 130. Jobs go on.
    pub fn interrupt(&mut self, machine: &mut M) {
        self.end_line(130, machine);
    }

    /// Ends everything.
    pub fn kill_all(&mut self, machine: &mut M) {
        self.end_line(137, machine);
        for (_, task) in core::mem::take(&mut self.tasks) {
            task.kill(&mut self.shared, machine);
        }
        self.shared.spawned.clear();
        self.shared.killed.clear();
    }

    fn end_line(&mut self, status: u8, machine: &mut M) {
        if let Some(line) = self.line.take() {
            let mut context = line.kill(&mut self.shared, machine);
            context.status = status;
            self.context = Some(context);
        }
        self.reap(machine);
    }

    /// Runs what can run, up to so many steps.
    pub fn run(&mut self, machine: &mut M, steps: usize) -> Progress {
        let mut left = steps;
        loop {
            let before = left;
            if let Some(mut line) = self.line.take() {
                match line.run(&mut self.shared, machine, &mut left, SLICE) {
                    Outcome::Going => self.line = Some(line),
                    Outcome::Ended => self.context = Some(line.into_context()),
                    Outcome::Exit => {
                        let context = line.into_context();
                        self.exit = Some(context.status);
                        self.context = Some(context);
                    }
                }
            }
            let ids: Vec<TaskId> = self.tasks.keys().copied().collect();
            for id in ids {
                let Some(task) = self.tasks.get_mut(&id) else {
                    continue;
                };
                match task.run(&mut self.shared, machine, &mut left, SLICE) {
                    Outcome::Going => {}
                    Outcome::Ended | Outcome::Exit => {
                        if let Some(task) = self.tasks.remove(&id) {
                            let status = task.into_context().status;
                            self.ended(id, status);
                        }
                    }
                }
            }
            self.reap(machine);
            if let Some(status) = self.exit {
                return Progress::Exit(status);
            }
            if left == 0 {
                return Progress::More;
            }
            // Nobody took a step, and nobody new has come: all wait.
            if left == before {
                return match self.line.is_some() {
                    true => Progress::Waiting,
                    false => Progress::Idle,
                };
            }
        }
    }

    fn ended(&mut self, id: TaskId, status: u8) {
        self.shared.tasks -= 1;
        match self.shared.jobs.iter_mut().find(|job| job.task == id) {
            Some(job) => {
                job.state = JobState::Ended(status);
                self.forget_old_jobs();
            }
            None => drop(self.shared.ended.insert(id, status)),
        }
    }

    /// A script that never waits for its jobs shall not gather them for ever.
    fn forget_old_jobs(&mut self) {
        let is_ended = |job: &Job| job.state != JobState::Running;
        let ended = self.shared.jobs.iter().filter(|job| is_ended(job)).count();
        if ended > ENDED_JOBS_MAX
            && let Some(first) = self.shared.jobs.iter().position(is_ended)
        {
            self.shared.jobs.remove(first);
        }
    }

    /// Takes in new tasks, and ends those that are to end.
    fn reap(&mut self, machine: &mut M) {
        for (id, task) in core::mem::take(&mut self.shared.spawned) {
            self.tasks.insert(id, task);
        }
        while let Some(id) = self.shared.killed.pop() {
            if let Some(task) = self.tasks.remove(&id) {
                task.kill(&mut self.shared, machine);
                self.ended(id, 137);
                // Nobody is left to ask.
                self.shared.ended.remove(&id);
            }
        }
    }
}
