//! Starting a component as init would: with channels, settings and what it left behind.
//!
//! ```text
//! let system = testkit::System::new();
//! let pong = system.component("pong", crate::main).provide(ping::HASH).run();
//! let (mut client, server) = ping::channel()?;
//! pong.connect(0, server)?;
//! assert_eq!(client.ping(7), Ok(8));
//! ```

use abi::{EventKind, Handle, ProcessState};
use ftl::component::Server;
use ftl::end::End;
use ftl::event_loop::TypedEnd;
use ftl::handle::{AsHandle, Channel, Doorbell, OwnedHandle, Process, Queue};
use ftl::runtime::{Environment, Termination};
use ftl::stream::{Receiver, Sender};
use ftl::time::{Duration, Instant};

use crate::System;

/// A component that is started but has not been given everything yet: its `main` does not
/// run before [`Given::run`].
pub struct Given {
    running: Running,
    needs: u16,
    provides: u16,
    settings: Vec<u8>,
}

/// A component that runs.
pub struct Running {
    process: Process,
    init: Server,
}

impl System {
    /// Starts a component with its own `main`. Give it what its file asks for, in that order.
    pub fn component<E: Environment + 'static, T: Termination + 'static>(
        &self,
        name: &str,
        main: fn(E) -> T,
    ) -> Given {
        let component = self.start(name, move |info| ftl::runtime::run(info, main));
        Given {
            running: Running::of(component),
            needs: 0,
            provides: 0,
            settings: Vec::new(),
        }
    }
}

impl Given {
    /// The next of its needs: the interface's `HASH`, and the client's end of a channel.
    pub fn need(mut self, hash: u64, client: impl TypedEnd) -> Given {
        self.running
            .init
            .need(self.needs, hash, channel(&client))
            .expect("room in the queue");
        self.needs += 1;
        self
    }
    /// The next of what it provides: the interface's `HASH`.
    pub fn provide(mut self, hash: u64) -> Given {
        self.running
            .init
            .provide(self.provides, hash)
            .expect("room in the queue");
        self.provides += 1;
        self
    }
    /// Its settings: what `Settings::encode` makes.
    pub fn settings(mut self, settings: Vec<u8>) -> Given {
        self.settings = settings;
        self
    }
    /// What an earlier life of it left with init.
    pub fn state(self, state: &[u8]) -> Given {
        self.running.init.state(state).expect("room in the queue");
        self
    }
    /// For a command: its arguments and environment, as `ftl::process::words::encode` makes them.
    pub fn words(self, words: &[u8]) -> Given {
        self.running
            .init
            .words(words, None, 0)
            .expect("room in the queue, and short words");
        self
    }
    /// For a command: its standard streams.
    pub fn streams(self, stdin: Receiver, stdout: Sender, stderr: Sender) -> Given {
        let streams = [channel(&stdin), channel(&stdout), channel(&stderr)];
        let [stdin, stdout, stderr] = streams.map(Some);
        self.running
            .init
            .streams(stdin, stdout, stderr, None)
            .expect("room in the queue");
        self
    }
    /// For a command: the terminal that it sits at, and no standard streams.
    pub fn terminal(self, terminal: impl TypedEnd) -> Given {
        self.running
            .init
            .streams(None, None, None, Some(channel(&terminal)))
            .expect("room in the queue");
        self
    }
    /// Everything is there: its `main` begins when the test waits for something.
    pub fn run(self) -> Running {
        self.running
            .init
            .start(&self.settings)
            .expect("room in the queue");
        self.running
    }
}

impl Running {
    /// A component that was started without anything.
    pub(crate) fn of(component: crate::Component) -> Running {
        let channel = Channel::from(OwnedHandle::from_raw(component.bootstrap));
        Running {
            process: OwnedHandle::from_raw(component.process).into(),
            init: Server::from(End::new(channel)),
        }
    }
    /// Gives it one stream, and lets it begin.
    pub(crate) fn give_far_end(&self, end: impl TypedEnd) {
        self.init
            .streams(None, None, None, Some(channel(&end)))
            .and_then(|()| self.init.start(&[]))
            .expect("room in the queue");
    }
    /// Gives it a new client of what it provides as number `index`.
    pub fn connect(&self, index: u16, server: impl TypedEnd) -> ftl::Result<()> {
        self.connect_with(index, server, &[])
    }
    /// The same, with what the system file says about the client.
    pub fn connect_with(&self, index: u16, server: impl TypedEnd, grant: &[u8]) -> ftl::Result<()> {
        self.init.new_client(index, channel(&server), grant)
    }
    /// Gives it a fresh channel to what it needs as number `index`, as after a restart.
    pub fn restarted(&self, index: u16, client: impl TypedEnd) -> ftl::Result<()> {
        self.init.restarted(index, channel(&client))
    }
    /// Asks it whether it still handles events, as init does from time to time, and answers whether
    /// it said so within this time.
    pub fn is_alive(&self, serial: u32, within: Duration) -> bool {
        let queue = Queue::new().expect("memory is there");
        let deadline = Instant::now() + within;
        let mut alive = false;
        if queue.attach(self.init.end(), 0).is_ok() && self.init.heartbeat(serial).is_ok() {
            while !alive && let Ok(event) = queue.wait(Some(deadline)) {
                alive = event.kind == EventKind::Message
                    && ftl::bootstrap::heard_alive(event) == Some(serial);
                if event.kind == EventKind::Closed {
                    break;
                }
            }
            let _ = Queue::detach(self.init.end());
        }
        alive
    }
    /// Asks it to end.
    pub fn shutdown(&self) -> ftl::Result<()> {
        self.init.shutdown()
    }
    /// Ends it at once.
    pub fn kill(&self) -> ftl::Result<()> {
        self.process.kill(ProcessState::EXIT_KILLED)
    }
    /// Waits until it has ended; answers with its status.
    pub fn wait(&self) -> usize {
        let queue = Queue::new().expect("memory is there");
        queue.attach(&self.process, 0).expect("attached only here");
        loop {
            let event = queue.wait(None).expect("the queue is the test's own");
            if event.kind == EventKind::Exited {
                return event.data;
            }
        }
    }
    /// Its process.
    pub fn process(&self) -> Handle {
        self.process.handle()
    }
}

/// Lets the components run for some time, of which they have as much as they want.
pub fn pass(time: Duration) {
    let queue = Queue::new().expect("memory is there");
    // Something to wait on that never happens.
    let doorbell = Doorbell::new().expect("memory is there");
    queue.attach(&doorbell, 0).expect("attached only here");
    let _ = queue.wait(Some(Instant::now() + time));
}

/// The channel of an end. Its test gives it away, so it is taken out of the end.
fn channel(end: &impl TypedEnd) -> Channel {
    Channel::from(OwnedHandle::from(end.end().clone()))
}
