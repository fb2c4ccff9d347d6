//! Two processes and the channel between them.

use abi::{MessageKind, ProcessParams};

use super::{Child, Sim, info};

pub fn one_way(handles: usize) -> usize {
    info(MessageKind::OneWay, 0, handles)
}

pub fn request(handles: usize) -> usize {
    info(MessageKind::Request, 0, handles)
}

pub fn reply(handles: usize) -> usize {
    info(MessageKind::Reply, 0, handles)
}

/// A client and a server on CPUs of their own, and what each holds of the channel between them.
pub struct Pair {
    pub sim: Sim,
    pub client: Child,
    pub server: Child,
    /// The client's end and queue, and the server's.
    pub ends: [(usize, usize); 2],
}

/// The root makes the channel, so it ends with the root; the ends are the two's first handles.
pub fn between(slots: usize, client: ProcessParams, server: ProcessParams) -> Pair {
    let mut sim = Sim::new(3);
    let root = sim.root;
    let (a, b) = sim.channel(root, slots, 64);
    let client = sim.spawn_with(client, a);
    let server = sim.spawn_with(server, b);
    let ends = [client, server].map(|child| {
        let end = abi::Handle::new(0, 1).raw() as usize;
        let queue = sim.queue(child.thread);
        sim.attach(child.thread, queue, end, 1);
        (end, queue)
    });
    Pair {
        sim,
        client,
        server,
        ends,
    }
}
