//! The shell at a terminal. The terminal, init and the command that is started are played by the test.

use std::vec::Vec;

use ftl::Transaction;
use ftl::end::Incoming;
use ftl::event_loop::Hears;
use ftl::handle::{Channel, OwnedHandle};
use ftl::io::Outlet;
use testkit::{Running, System};

use super::*;

/// Whom an event can come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Terminal,
    /// What the shell reads, and what it shows.
    Keys,
    Screen,
    Notices,
    Init,
    /// The command: its job, and its standard output.
    Job,
    Stdout,
}

/// What all of them hear.
#[derive(Debug)]
enum Heard {}

#[derive(Debug)]
enum HeardMessage<'a> {
    Terminal(terminal::ToServer),
    Launcher(launcher::ToServer<'a>),
    Running(launcher::running::ToLauncher),
    Sender(stream::ToSender),
    Receiver(stream::ToReceiver<'a>),
}

impl ftl::event_loop::Messages for Heard {
    type Message<'a> = HeardMessage<'a>;
    fn decode<'a>(tag: u16, incoming: Incoming<'a>) -> Result<HeardMessage<'a>> {
        match tag {
            0 => terminal::ToServer::decode(incoming).map(HeardMessage::Terminal),
            1 => launcher::ToServer::decode(incoming).map(HeardMessage::Launcher),
            2 => launcher::running::ToLauncher::decode(incoming).map(HeardMessage::Running),
            3 => stream::ToSender::decode(incoming).map(HeardMessage::Sender),
            _ => stream::ToReceiver::decode(incoming).map(HeardMessage::Receiver),
        }
    }
    fn ended<'a>(_: u16, _: u32, _: Transaction, _: Error) -> Option<HeardMessage<'a>> {
        None
    }
}

impl Hears<terminal::Server> for Heard {
    const TAG: u16 = 0;
}

impl Hears<launcher::Server> for Heard {
    const TAG: u16 = 1;
}

impl Hears<launcher::running::Launcher> for Heard {
    const TAG: u16 = 2;
}

impl Hears<stream::Sender> for Heard {
    const TAG: u16 = 3;
}

impl Hears<stream::Receiver> for Heard {
    const TAG: u16 = 4;
}

/// Somebody at a terminal, and a system whose only command is `seq`.
struct Desk {
    running: Running,
    events: ftl::EventLoop<Side, Heard>,
    terminal: terminal::Server,
    /// What is typed and was not asked for yet.
    typed: Vec<u8>,
    keys: Option<Outlet>,
    /// What was shown so far, in so many pieces. Seven are asked for at once, as by a terminal that has shown much; none
    /// while `looks_away`.
    shown: Vec<u8>,
    screen: Option<stream::Receiver>,
    pieces: u32,
    wanted: u32,
    looks_away: bool,
    notices: Option<stream::Sender>,
    job: Option<launcher::running::Launcher>,
    stdout: Option<Outlet>,
    /// The Ctrl-C that was heard last.
    heard: u32,
}

impl Desk {
    fn sit_down(system: &System) -> Desk {
        let (init, launcher) = launcher::channel().unwrap();
        let (window, terminal) = terminal::channel().unwrap();
        let running = system
            .component("shell", main)
            .need(launcher::HASH, init)
            .terminal(window)
            .run();
        let mut events = ftl::EventLoop::new().unwrap();
        events.add(&launcher, Side::Init).unwrap();
        events.add(&terminal, Side::Terminal).unwrap();
        Desk {
            running,
            events,
            terminal,
            typed: Vec::new(),
            keys: None,
            shown: Vec::new(),
            screen: None,
            pieces: 0,
            wanted: 0,
            looks_away: false,
            notices: None,
            job: None,
            stdout: None,
            heard: 0,
        }
    }

    /// Handles events until it is true.
    fn until(&mut self, mut happened: impl FnMut(&mut Desk) -> bool) {
        while !happened(self) {
            self.pass_on();
            self.handle_one();
        }
    }

    fn pass_on(&mut self) {
        if let Some(keys) = &mut self.keys {
            let len = keys.send(&self.typed).unwrap();
            self.typed.drain(..len);
        }
        if let (Some(screen), false) = (&self.screen, self.looks_away)
            && self.pieces == self.wanted
        {
            self.wanted += 7;
            screen.want(self.wanted).unwrap();
        }
    }

    fn handle_one(&mut self) {
        match self.events.next().unwrap() {
            Event::Message(Side::Terminal, HeardMessage::Terminal(message)) => match message {
                terminal::ToServer::Size(reply) => reply.ok(80, 24, false).unwrap(),
                terminal::ToServer::Input(_, reply) => {
                    let (ours, theirs) = stream::channel().unwrap();
                    if self.keys.is_none() {
                        self.events.add(&ours, Side::Keys).unwrap();
                        self.keys = Some(Outlet::new(ours));
                    }
                    // The next is the command's, for which nothing is typed: it has ended at once.
                    reply.ok(Channel::from(OwnedHandle::from(theirs))).unwrap();
                }
                terminal::ToServer::Output(reply) => {
                    let (theirs, ours) = stream::channel().unwrap();
                    self.events.add(&ours, Side::Screen).unwrap();
                    self.screen = Some(ours);
                    reply.ok(Channel::from(OwnedHandle::from(theirs))).unwrap();
                }
                terminal::ToServer::Notices(reply) => {
                    let (ours, theirs) = stream::channel().unwrap();
                    self.events.add(&ours, Side::Notices).unwrap();
                    self.notices = Some(ours);
                    reply.ok(Channel::from(OwnedHandle::from(theirs))).unwrap();
                }
                terminal::ToServer::Share(reply) => reply.error(Error::OutOfMemory).unwrap(),
                terminal::ToServer::Heard(heard) => self.heard = heard.number,
            },
            Event::Message(Side::Init, HeardMessage::Launcher(message)) => match message {
                launcher::ToServer::Commands(_, reply) => {
                    let seq = launcher::Command {
                        name: "seq",
                        doc: "Counts.",
                        directory: launcher::Directory::None,
                    };
                    reply.ok(1, [seq].as_slice()).unwrap();
                }
                launcher::ToServer::Start(start, reply) => {
                    assert_eq!(start.command, "seq");
                    let stdout = start.stdout.expect("a command has an output");
                    let stdout = stream::Sender::from(OwnedHandle::from(stdout));
                    self.events.add(&stdout, Side::Stdout).unwrap();
                    self.stdout = Some(Outlet::new(stdout));
                    let (owner, job) = launcher::running::channel().unwrap();
                    self.events.add(&job, Side::Job).unwrap();
                    self.job = Some(job);
                    reply.ok(Some(owner), 1, 0, "").unwrap();
                }
                other => panic!("{other:?}"),
            },
            Event::Message(Side::Keys, HeardMessage::Sender(stream::ToSender::Want(want))) => {
                self.keys.as_mut().unwrap().heard(want);
            }
            Event::Message(Side::Stdout, HeardMessage::Sender(stream::ToSender::Want(want))) => {
                self.stdout.as_mut().unwrap().heard(want);
            }
            Event::Message(
                Side::Screen,
                HeardMessage::Receiver(stream::ToReceiver::Data(data)),
            ) => {
                self.pieces += 1;
                self.shown.extend_from_slice(data.bytes);
            }
            Event::Message(
                Side::Job,
                HeardMessage::Running(launcher::running::ToLauncher::Kill(_)),
            ) => {
                self.job = None;
                if let Some(stdout) = self.stdout.take() {
                    stdout.close(&mut self.events);
                }
            }
            Event::Closed(Side::Job) => self.job = None,
            Event::Closed(Side::Stdout) => self.stdout = None,
            Event::Closed(Side::Screen) => self.screen = None,
            Event::Closed(Side::Keys) => self.keys = None,
            // The shell has ended.
            Event::Closed(Side::Notices | Side::Terminal | Side::Init) => {}
            Event::Message(Side::Notices, _) => {}
            other => panic!("{other:?}"),
        }
    }

    /// Types a line and waits for what it prints, with the next prompt.
    fn run(&mut self, line: &str, output: &str) {
        let end = format!("{output}\nftl> ");
        self.typed.extend(line.bytes().chain([b'\r']));
        self.until(|desk| desk.shown().ends_with(&end));
    }

    fn shown(&self) -> String {
        String::from_utf8(self.shown.clone()).unwrap()
    }

    fn prompts(&self) -> usize {
        self.shown().matches("ftl> ").count()
    }
}

/// Runs `seq`, which prints 7 KiB while nobody looks: so the shell has more than it has passed on.
fn print_unseen(desk: &mut Desk) {
    desk.until(|desk| desk.prompts() == 1);
    desk.typed.extend(b"seq\r");
    desk.until(|desk| desk.stdout.is_some());
    desk.looks_away = true;
    for _ in 0..7 {
        desk.until(|desk| desk.stdout.as_ref().is_some_and(|out| out.room() > 0));
        let stdout = desk.stdout.as_mut().unwrap();
        assert_eq!(stdout.send(&[b'x'; 1024]), Ok(1024));
    }
}

/// As if the machine went off: what runs is ended, and what it had printed is seen.
#[test]
fn a_shell_that_is_asked_to_end_shows_what_was_printed() {
    let system = System::new();
    let mut desk = Desk::sit_down(&system);
    print_unseen(&mut desk);
    desk.running.shutdown().unwrap();
    desk.until(|desk| desk.job.is_none());
    assert!(desk.screen.is_some(), "it waits until it is looked at");
    desk.looks_away = false;
    desk.until(|desk| desk.screen.is_none());
    let seen = desk.shown();
    assert_eq!(seen.matches('x').count(), 7 * 1024, "{seen:?}");
    assert_eq!((desk.prompts(), desk.running.wait()), (1, 0));
}

#[test]
fn what_an_interrupted_command_had_still_printed_is_dropped() {
    let system = System::new();
    let mut desk = Desk::sit_down(&system);
    print_unseen(&mut desk);
    desk.terminal.interrupt(1).unwrap();
    desk.until(|desk| desk.heard == 1);
    desk.looks_away = false;
    desk.typed.extend(b"echo an; echo end\r");
    desk.until(|desk| desk.shown().ends_with("an\nend\nftl> "));
    let shown = desk.shown();
    let (before, after) = shown.split_once("^C").unwrap();
    assert!(before.contains("xxxx"), "{shown:?}");
    assert!(!after.contains('x'), "{shown:?}");
}

/// Nothing need happen between the end of a line and the next key: the terminal may have asked for more than was shown.
#[test]
fn keys_are_asked_for_after_each_line() {
    let system = System::new();
    let mut desk = Desk::sit_down(&system);
    desk.until(|desk| desk.prompts() == 1);
    for number in 0..20 {
        let number = format!("{number}");
        desk.run(&format!("echo {number}"), &number);
    }
}
