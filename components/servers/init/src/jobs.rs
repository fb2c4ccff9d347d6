//! Commands that run: each a process of its own, which belongs to whoever asked for it.
//!
//! A job has two ends: its process's, which is told to the owner, and the owner's interest, with
//! which the process is killed. Whichever comes first, the other follows.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ftl::abi::{Handle, ProcessState};
use ftl::handle::{Folio, Process};
use ftl::prelude::*;
use interfaces::component;
use interfaces::launcher::{self, running};
use plan::{Component, Need, Provider};

use crate::shares::{self, Starter, Used};
use crate::spec::EventLoop;
use crate::starting::{Failure, Machine};
use crate::supervisor::{Source, Supervisor, give_needs};

/// Commands that run at once, at most.
const JOBS_MAX: usize = 1100;
/// No command is started when less than this part of the memory is free: what runs already may still
/// need some, and so may whoever is to mend things.
const FREE_PART: u64 = 8;
/// Each starter is sure of this part of the memory for what it starts, and of so many places for commands
/// ([`shares`](crate::shares)).
const SURE_PART: u64 = 32;
const SURE_PLACES: u64 = 16;
/// Words, and directories, that are kept for starts to come of one client. Whoever leaves more waits for none of them.
const LEFT_MAX: usize = 4;

/// Directories that a command may have besides its own, at most.
pub const MOUNTS_MAX: usize = 4;

/// A directory for a command.
pub struct Given {
    /// Where its paths begin.
    pub directory: Channel,
    /// Others that it sees there, under these names.
    pub mounts: Vec<(String, Channel)>,
}

/// What somebody wants to be started.
pub struct Start {
    /// Who wants it, by its channel.
    pub client: Handle,
    /// The command's name.
    pub command: String,
    /// Arguments and environment, if they are short.
    pub words: Vec<u8>,
    /// Where they are if they are long; 0 if they are not.
    pub token: u32,
    /// Which directory was left for it; 0 if none.
    pub directory: u32,
    /// Input, output, complaints, and the terminal.
    pub streams: [Option<Channel>; 4],
    /// Who waits for the answer.
    pub reply: launcher::StartReplier,
}

/// Why a command was not started.
pub struct Refusal {
    /// For programs.
    pub error: Error,
    /// For people.
    pub reason: String,
}

/// A command that runs.
pub struct Job {
    /// Which of the plan's commands it is.
    pub command: usize,
    /// What lists call it.
    pub number: u32,
    /// When it was started.
    pub started: Instant,
    /// Its process.
    pub process: Process,
    boot: component::Server,
    owner: running::Launcher,
    starter: Starter,
}

/// All commands that run.
#[derive(Default)]
pub struct Jobs {
    places: Vec<Option<Job>>,
    numbers: u32,
    /// Who starts commands, by its channel.
    starters: Vec<(Handle, Starter)>,
    /// Words for starts to come, and their lengths.
    pub words: Left<(Folio, u32)>,
    /// Directories for starts to come.
    pub directories: Left<Given>,
}

/// What was left for starts to come. It is for whoever left it: numbers that somebody else has learnt or
/// guessed mean nothing, and nobody throws away what others left.
pub struct Left<T> {
    /// Whose it is, by the client's channel; its number; and the thing itself.
    all: Vec<(Handle, u32, T)>,
    number: u32,
}

impl<T> Default for Left<T> {
    fn default() -> Left<T> {
        Left {
            all: Vec::new(),
            number: 0,
        }
    }
}

impl<T> Left<T> {
    /// Keeps something for a client; answers with what its start will call it.
    pub fn keep(&mut self, client: Handle, what: T) -> u32 {
        let of_client = || self.all.iter().filter(|(owner, ..)| *owner == client);
        if of_client().count() >= LEFT_MAX
            && let Some(oldest) = self.all.iter().position(|(owner, ..)| *owner == client)
        {
            self.all.remove(oldest);
        }
        self.number = self.number.wrapping_add(1).max(1);
        self.all.push((client, self.number, what));
        self.number
    }

    fn take(&mut self, client: Handle, token: u32) -> Option<T> {
        let mut all = self.all.iter();
        let place = all.position(|(owner, number, _)| (*owner, *number) == (client, token))?;
        Some(self.all.remove(place).2)
    }

    /// What was left, while it waits.
    pub fn get(&mut self, client: Handle, token: u32) -> Option<&mut T> {
        let mut all = self.all.iter_mut();
        all.find(|(owner, number, _)| (*owner, *number) == (client, token))
            .map(|(.., what)| what)
    }

    fn forget(&mut self, client: Handle) {
        self.all.retain(|(owner, ..)| *owner != client);
    }
}

impl Jobs {
    /// Somebody can start commands with these channels.
    pub fn starts(&mut self, clients: &[Handle], starter: Starter) {
        let clients = clients.iter().map(|&client| (client, starter));
        self.starters.extend(clients);
    }

    fn starter(&self, client: Handle) -> Option<Starter> {
        let mut all = self.starters.iter();
        all.find(|(of, _)| *of == client).map(|(_, who)| *who)
    }

    /// A client is gone, and starts nothing any more.
    pub fn starter_left(&mut self, client: Handle) {
        self.starters.retain(|(of, _)| *of != client);
        self.words.forget(client);
        self.directories.forget(client);
    }

    /// The jobs, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Job> {
        self.places.iter().flatten()
    }

    /// Each job's command and its first channel.
    pub fn running(&self) -> impl Iterator<Item = (usize, &component::Server)> {
        self.iter().map(|job| (job.command, &job.boot))
    }

    fn free_place(&mut self) -> Option<usize> {
        match self.places.iter().position(Option::is_none) {
            Some(place) => Some(place),
            None if self.places.len() < JOBS_MAX => {
                self.places.try_reserve(1).ok()?;
                self.places.push(None);
                Some(self.places.len() - 1)
            }
            None => None,
        }
    }
}

impl Supervisor {
    /// Starts a command. Answers with the owner's end of its channel, and its number.
    pub fn start_job(
        &mut self,
        start: &mut Start,
        events: &mut EventLoop<Source>,
    ) -> Result<(running::Owner, u32), Refusal> {
        let Some(command) = self
            .plan
            .commands
            .iter()
            .position(|command| command.name == start.command)
        else {
            return Err(Refusal {
                error: Error::NotFound,
                reason: format!("there is no command `{}`", start.command),
            });
        };
        self.refuse_job(&self.plan.commands[command])?;
        let Some(starter) = self.jobs.starter(start.client) else {
            return Err(refused(Error::NotFound));
        };
        self.refuse_for_others(starter)?;
        let long = match start.token {
            0 => None,
            token => Some(
                self.jobs
                    .words
                    .take(start.client, token)
                    .ok_or_else(too_late)?,
            ),
        };
        let directory = match start.directory {
            0 => None,
            token => Some(
                self.jobs
                    .directories
                    .take(start.client, token)
                    .ok_or_else(too_late)?,
            ),
        };
        let Some(place) = self.jobs.free_place() else {
            return Err(Refusal {
                error: Error::ServerLimit,
                reason: format!("{JOBS_MAX} commands run already"),
            });
        };
        let (owner, ours) = running::channel().map_err(refused)?;
        self.jobs.numbers = self.jobs.numbers.wrapping_add(1).max(1);
        let number = self.jobs.numbers;

        let planned = &self.plan.commands[command];
        let absent = |need: &Need| self.is_absent(need);
        let job = make(&self.machine, planned, start, long, directory, &absent)?;
        let source = Source::Job(place as u16);
        let added = events
            .add(&job.process, source)
            .and_then(|()| events.add(&ours, source));
        if let Err(error) = added {
            let _ = job.process.kill(ProcessState::EXIT_KILLED);
            let _ = events.remove(&job.process);
            return Err(refused(error));
        }
        let clients = self.connect_needs(job.ends, events);
        self.jobs.places[place] = Some(Job {
            command,
            number,
            started: Instant::now(),
            process: job.process,
            boot: job.boot,
            owner: ours,
            starter,
        });
        self.jobs.starts(&clients, Starter::Job(number));
        Ok((owner, number))
    }

    /// Why a command cannot be started now, if so.
    fn refuse_job(&self, command: &Component) -> Result<(), Refusal> {
        if self.is_going_off() {
            return Err(Refusal {
                error: Error::Unsupported,
                reason: "the machine is shutting down".into(),
            });
        }
        let lacking = command
            .needs
            .iter()
            .find(|need| need.provider == Provider::None && !need.optional);
        if let Some(need) = lacking {
            return Err(Refusal {
                error: Error::Unsupported,
                reason: match need.interface.as_str() {
                    "fs" => format!("this system's file gives {} no directory", command.name),
                    interface => format!(
                        "nothing in this system provides `{interface}`, which {} needs",
                        command.name
                    ),
                },
            });
        }
        if let Some(missing) = self.missing_for(command) {
            return Err(Refusal {
                error: Error::Unsupported,
                reason: format!("{} needs {missing}, which does not run", command.name),
            });
        }
        Ok(())
    }

    /// Why a command cannot be started for this starter now, if so: what is left of the machine is for others, or for
    /// what runs already.
    fn refuse_for_others(&self, starter: Starter) -> Result<(), Refusal> {
        let places = (JOBS_MAX - self.jobs.iter().count()) as u64;
        // Nobody's part is looked at while there is enough for all.
        if places < JOBS_MAX as u64 / 2 {
            let kept = self.kept(starter, SURE_PLACES, |_| 1);
            if places <= kept {
                return Err(Refusal {
                    error: Error::ServerLimit,
                    reason: format!(
                        "{} commands of at most {JOBS_MAX} run already, and {kept} places are for what others start",
                        JOBS_MAX as u64 - places
                    ),
                });
            }
        }
        let Ok(found) = self.machine.system.statistics() else {
            return Ok(());
        };
        let (free, total) = (found.pages_free, found.pages_total);
        if free >= total / 2 {
            return Ok(());
        }
        let kept = self.kept(starter, total / SURE_PART, |job| {
            let info = job.process.info().ok();
            info.map_or(0, |info| info.memory_pages.into())
        });
        if free >= total / FREE_PART + kept {
            return Ok(());
        }
        // Tenths of a MiB.
        let amount = |pages: u64| format!("{}.{}", pages / 256, pages % 256 * 10 / 256);
        let of_others = match kept {
            0 => String::new(),
            kept => format!(
                " and {} MiB of that are for what others start",
                amount(kept)
            ),
        };
        Err(Refusal {
            error: Error::OutOfMemory,
            reason: format!(
                "{} of {} MiB of memory are free{of_others}: too little for another command",
                amount(free),
                amount(total)
            ),
        })
    }

    fn kept(&self, starter: Starter, sure: u64, amount: impl Fn(&Job) -> u64) -> u64 {
        let components = self.plan.components.iter().zip(&self.members);
        let roots: Vec<u16> = (0..)
            .zip(components)
            .filter(|(_, (component, member))| {
                let starts =
                    |need: &Need| need.provider == Provider::Init && need.interface == "launcher";
                member.running.is_some() && component.needs.iter().any(starts)
            })
            .map(|(place, _)| place)
            .collect();
        let jobs = self.jobs.iter().map(|job| Used {
            number: job.number,
            starter: job.starter,
            amount: amount(job),
        });
        shares::kept_for_others(&roots, &jobs.collect::<Vec<_>>(), starter, sure)
    }

    /// A command's process has ended.
    pub fn job_exited(&mut self, place: usize, status: usize, events: &mut EventLoop<Source>) {
        let Some(job) = self.jobs.places.get_mut(place).and_then(Option::take) else {
            return;
        };
        let starters = self.jobs.places.iter_mut().flatten();
        let starters = starters.map(|job| &mut job.starter);
        shares::inherit(starters, job.number, job.starter);
        let _ = events.remove(&job.process);
        // Its owner may have gone before.
        let _ = events.remove_channel(&job.owner);
        let _ = job.owner.ended(status as u64);
        debug!(
            "{} ({}) ended with status {status}",
            self.plan.commands[job.command].name, job.number
        );
    }

    /// A command's owner says something.
    pub fn job_heard(&self, place: usize, message: running::ToLauncher) {
        let Some(Some(job)) = self.jobs.places.get(place) else {
            return;
        };
        let status = match message {
            running::ToLauncher::Kill(kill) => kill.status as usize,
            running::ToLauncher::Terminate if job.boot.shutdown().is_ok() => return,
            // It takes nothing from us any more.
            running::ToLauncher::Terminate => ProcessState::EXIT_KILLED,
        };
        let _ = job.process.kill(status);
    }

    /// A command's owner is gone, so nobody wants it any more.
    pub fn job_abandoned(&self, place: usize) {
        if let Some(Some(job)) = self.jobs.places.get(place) {
            let _ = job.process.kill(ProcessState::EXIT_KILLED);
        }
    }
}

/// A process that was just started.
struct Made<'a> {
    process: Process,
    boot: component::Server,
    /// The providers' ends of what it needs.
    ends: Vec<(&'a Need, Channel)>,
}

/// Makes the process of a command, gives it everything, and lets it run.
fn make<'a>(
    machine: &Machine,
    command: &'a Component,
    start: &mut Start,
    long: Option<(Folio, u32)>,
    directory: Option<Given>,
    absent: &dyn Fn(&Need) -> bool,
) -> Result<Made<'a>, Refusal> {
    let given = |error: Error| Failure::new("what it is given", error);
    // Its first channel is as small as can be: what is sent below, and three events besides.
    let queue_len = command.needs.len() + 7 + MOUNTS_MAX;
    let body_len_max = start.words.len().max(command.settings.len()) + 48;
    let loaded = machine.load_with(command, &command.image, queue_len, body_len_max)?;
    let boot = &loaded.boot;
    let ends = give_needs(command, boot, absent).map_err(given)?;
    let (folio, len) = match long {
        Some((folio, len)) => (Some(folio), len),
        None => (None, 0),
    };
    boot.words(&start.words, folio, len).map_err(given)?;
    let [stdin, stdout, stderr, terminal] = core::mem::take(&mut start.streams);
    let terminal = terminal.filter(|_| command.terminal);
    boot.streams(stdin, stdout, stderr, terminal)
        .map_err(given)?;
    if let Some(directory) = directory.filter(|_| command.directory.is_some()) {
        boot.directory(directory.directory).map_err(given)?;
        for (name, mount) in directory.mounts {
            boot.mount(&name, mount).map_err(given)?;
        }
    }
    boot.start(&command.settings).map_err(given)?;
    let (process, boot) = loaded.start()?;
    Ok(Made {
        process,
        boot,
        ends,
    })
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Refusal {
        Refusal {
            error: match failure.may_pass {
                true => Error::OutOfMemory,
                false => Error::BadImage,
            },
            reason: failure.reason,
        }
    }
}

fn too_late() -> Refusal {
    Refusal {
        error: Error::InvalidArgument,
        reason: "what was left for it was left too long ago".into(),
    }
}

fn refused(error: Error) -> Refusal {
    Refusal {
        error,
        reason: format!("init: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_left_is_for_whoever_left_it() {
        let (one, other) = (Handle::from_raw(1), Handle::from_raw(2));
        let mut left = Left::default();
        let token = left.keep(one, "a directory");
        for guess in 0..100 {
            assert_eq!(left.take(other, guess), None);
        }
        assert_eq!(left.take(one, token), Some("a directory"));
        assert_eq!(left.take(one, token), None, "it is there once");

        // Nobody is thrown out by what others leave, and what nobody will ask for goes.
        let token = left.keep(one, "kept");
        for _ in 0..100 {
            left.keep(other, "too many");
        }
        assert_eq!(left.all.len(), 1 + LEFT_MAX);
        left.forget(other);
        assert_eq!(left.all.len(), 1);
        assert_eq!(left.take(one, token), Some("kept"));
    }
}
