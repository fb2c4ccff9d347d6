//! What the interface `snapshots` is answered with.

use alloc::vec::Vec;

use files::Difference;
use ftl::prelude::*;
use interfaces::snapshots::ToServer;
use rows::Value;

use crate::answers;
use crate::server::{Server, answer};

impl Server {
    /// Answers a client of `snapshots`.
    pub fn snapshots(&mut self, client: Connection, request: ToServer<'_>) -> Result<()> {
        match request {
            ToServer::Create(r, reply) => {
                let done = self.files().and_then(|files| files.snapshot(r.name));
                answer!(reply, done)
            }
            ToServer::Restore(r, reply) => answer!(reply, self.restore(r.name)),
            ToServer::Remove(r, reply) => {
                let done = self.files().and_then(|files| files.remove_snapshot(r.name));
                answer!(reply, done)
            }
            ToServer::List(reply) => {
                let listed = self.listed();
                let len = listed.map(|bytes| self.answers.keep(client, bytes));
                answer!(reply, len, len => len)
            }
            ToServer::Diff(r, reply) => {
                let found = self.differences(r.name);
                let len = found.map(|bytes| self.answers.keep(client, bytes));
                answer!(reply, len, len => len)
            }
            ToServer::Fetch(r, reply) => {
                answer!(reply, self.answers.part(client, r.at), bytes => bytes)
            }
        }
    }

    /// Files that are not there any more are closed: their numbers may become others'.
    fn restore(&mut self, name: &str) -> Result<()> {
        let gone = self.files()?.restore(name)?;
        self.opened.forget(&gone);
        self.clients.forget(&gone);
        self.watches.restored(&gone);
        self.files()?.sync()
    }

    fn listed(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for one in self.files()?.snapshots()? {
            answers::add(&mut bytes, Value::Text(&one.name))?;
            answers::add(&mut bytes, Value::Integer(one.created as i64))?;
            answers::add(&mut bytes, Value::Integer(one.kept as i64))?;
        }
        Ok(bytes)
    }

    fn differences(&mut self, name: &str) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.files()?.differences(name, |difference, path| {
            let kind = match difference {
                Difference::New => 0,
                Difference::Gone => 1,
                Difference::Changed => 2,
            };
            answers::add(&mut bytes, Value::Integer(kind))?;
            answers::add(&mut bytes, Value::Text(path))
        })?;
        Ok(bytes)
    }
}
