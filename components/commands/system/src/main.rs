//! Commands that look into the running system, and act on it.
//!
//! Each is a function from the arguments to a status; [`COMMANDS`] is the list, with the help of each.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use ftl::prelude::*;
use ftl::process::Command;

#[rustfmt::skip]
mod spec;

mod act;
mod graph;
mod known;
mod log;
mod memory;
mod processes;
mod top;
mod trace;
mod why;

use spec::*;

/// A command's function.
type Run = fn(&mut Environ) -> Result<usize>;

/// All commands: name, what `--help` prints, and function.
const COMMANDS: &[(&str, &str, Run)] = &[
    ("dmesg", log::DMESG, log::dmesg),
    ("graph", graph::GRAPH, graph::graph),
    ("help", HELP, help),
    ("kill", act::KILL, act::kill),
    ("log", log::LOG, log::log),
    ("memory", memory::MEMORY, memory::memory),
    ("poweroff", act::POWEROFF, act::poweroff),
    ("ps", processes::PS, processes::ps),
    ("reboot", act::REBOOT, act::reboot),
    ("restart", act::RESTART, act::restart),
    ("top", top::TOP, top::top),
    ("trace", trace::TRACE, trace::trace),
    ("uptime", processes::UPTIME, processes::uptime),
    ("why", why::WHY, why::why),
];

#[ftl::main]
fn main(mut env: Environ) -> Result<usize> {
    let Some((name, text, run)) = COMMANDS.iter().find(|(name, ..)| *name == env.name) else {
        eprintln!("there is no command `{}` in this image", env.name);
        return Ok(127);
    };
    if env.arguments.iter().any(|argument| argument == "--help") {
        print!("{name} {text}");
        return Ok(0);
    }
    run(&mut env)
}

const HELP: &str = "\
lists the commands, or explains one
usage: help [COMMAND]

`COMMAND --help` says the same. What is part of the shell itself is in `help shell`.
";

fn help(env: &mut Environ) -> Result<usize> {
    if let Some(name) = env.arguments.first() {
        let child = Command::new(name.as_str())
            .arg("--help")
            .stdout(env.stdout.share()?)
            .stderr(env.stderr.share()?)
            .spawn(&mut env.launcher);
        return match child {
            Ok(mut child) => Ok(child.wait()?.code() as usize),
            Err(refused) => match shell_language::help::builtin(name) {
                Some(text) => {
                    print!("{text}");
                    Ok(0)
                }
                None => {
                    eprintln!("help: {refused}");
                    Ok(1)
                }
            },
        };
    }
    println!("Commands (`help COMMAND` explains one):");
    let mut first = 0;
    loop {
        let reply = env.launcher.commands(first)?;
        let mut any = false;
        for command in reply.commands.iter() {
            println!("  {:10} {}", command.name, command.doc);
            first += 1;
            any = true;
        }
        if !any || first >= reply.total {
            break;
        }
    }
    println!(
        "Part of the shell: if while for case, | > < && || ; &, $x $(…), jobs fg wait, source, functions."
    );
    println!(
        "Keys: Tab completes, arrows and Ctrl-R find lines of before, Ctrl-C stops a command."
    );
    Ok(0)
}

/// Says how the command is used, after a slip.
fn misused(env: &Environ, what: &str) -> Result<usize> {
    eprintln!("{}: {what}; `{} --help` says more", env.name, env.name);
    Ok(2)
}
