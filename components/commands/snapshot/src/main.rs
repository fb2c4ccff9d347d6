//! Snapshots of all files: `snapshot` and `undo`.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::string::String;
use alloc::vec::Vec;

use ftl::event_loop::TypedEnd as _;
use ftl::prelude::*;
use rows::{Value, Values};
use text_commands::Date;

#[rustfmt::skip]
mod spec;

use spec::*;

const SNAPSHOT: &str = "\
snapshot takes pictures of all files, and goes back to them
usage: snapshot create NAME
       snapshot list
       snapshot diff NAME      what is new (+), gone (-) and changed (~) since then
       snapshot restore NAME   makes all files what they were
       snapshot remove NAME

A picture costs nothing until something changes. Going back keeps the files of now as the snapshot `undone`; `undo` goes
back to the newest, so it undoes a restoration, too.
";

const UNDO: &str = "\
undo makes all files what they were at the newest snapshot
usage: undo

A second `undo` takes that back: see `snapshot --help`.
";

/// A picture of a million files takes a minute.
const PATIENCE: Duration = Duration::from_secs(3600);

#[ftl::main]
fn main(mut env: Environ) -> Result<usize> {
    let words: Vec<&str> = env.arguments.iter().map(String::as_str).collect();
    let all = &mut env.snapshots;
    all.end().set_timeout(PATIENCE);
    let (what, done) = match (env.name.as_str(), words.as_slice()) {
        ("undo", ["--help"]) => {
            print!("{UNDO}");
            return Ok(0);
        }
        ("undo", []) => match list(all)?.last() {
            Some(newest) => (newest.name.clone(), all.restore(&newest.name)),
            None => {
                eprintln!("undo: there is no snapshot");
                return Ok(1);
            }
        },
        ("snapshot", ["--help"]) => {
            print!("{SNAPSHOT}");
            return Ok(0);
        }
        ("snapshot", ["create", name]) => ((*name).into(), all.create(name)),
        ("snapshot", ["restore", name]) => ((*name).into(), all.restore(name)),
        ("snapshot", ["remove", name]) => ((*name).into(), all.remove(name)),
        ("snapshot", ["list"]) => {
            for one in list(all)? {
                let date = Date(one.created_ns / 1_000_000_000);
                println!("{date}  {:8} KiB  {}", one.kept.div_ceil(1024), one.name);
            }
            return Ok(0);
        }
        ("snapshot", ["diff", name]) => ((*name).into(), diff(all, name)),
        (name, _) => {
            eprintln!("{name}: this is not understood; `{name} --help` says more");
            return Ok(2);
        }
    };
    match done {
        Ok(()) => Ok(0),
        Err(error) => {
            let text = match error {
                Error::NotFound => "there is no such snapshot".into(),
                Error::AlreadyExists => "there is one already".into(),
                error => alloc::format!("{error}"),
            };
            eprintln!("{}: {what}: {text}", env.name);
            Ok(1)
        }
    }
}

struct Snapshot {
    name: String,
    created_ns: u64,
    kept: u64,
}

fn list(all: &mut snapshots::Client) -> Result<Vec<Snapshot>> {
    let len = all.list()?;
    let answer = fetch(all, len)?;
    let values: Vec<Value<'_>> = Values::new(&answer).collect();
    let snapshots = values.chunks_exact(3).filter_map(|row| match row {
        [
            Value::Text(name),
            Value::Integer(created),
            Value::Integer(kept),
        ] => Some(Snapshot {
            name: (*name).into(),
            created_ns: (*created).max(0) as u64,
            kept: (*kept).max(0) as u64,
        }),
        _ => None,
    });
    Ok(snapshots.collect())
}

fn diff(all: &mut snapshots::Client, name: &str) -> Result<()> {
    let len = all.diff(name)?;
    let answer = fetch(all, len)?;
    let values: Vec<Value<'_>> = Values::new(&answer).collect();
    for row in values.chunks_exact(2) {
        if let [Value::Integer(kind), Value::Text(path)] = row {
            let mark = match kind {
                0 => '+',
                1 => '-',
                _ => '~',
            };
            println!("{mark} {path}");
        }
    }
    Ok(())
}

fn fetch(all: &mut snapshots::Client, len: u32) -> Result<Vec<u8>> {
    let len = len as usize;
    let mut answer = Vec::new();
    answer
        .try_reserve_exact(len)
        .map_err(|_| Error::OutOfMemory)?;
    while answer.len() < len {
        let part = all.fetch(answer.len() as u32)?;
        if part.is_empty() {
            return Err(Error::UnexpectedEof);
        }
        answer.extend_from_slice(part);
    }
    Ok(answer)
}
