//! The commands that are part of the shell, since they change it or are used in every line.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::help;
use crate::machine::Machine;
use crate::shell::{Job, JobState, Shared};
use crate::syntax::is_name;
use crate::task::Context;
use crate::test_expression::test_expression;

/// Keywords of the grammar, for completion.
pub const KEYWORDS: &[&str] = &[
    "case", "do", "done", "elif", "else", "esac", "fi", "for", "if", "in", "then", "until", "while",
];

/// All builtins, and what they do.
pub const BUILTINS: &[(&str, &str)] = &[
    (".", "the same as source"),
    (":", "does nothing, with success"),
    ("[", "the same as test, with a ] at its end"),
    ("break", "leaves a loop: break [LOOPS]"),
    ("cd", "goes to a directory: cd [DIRECTORY | -]"),
    (
        "continue",
        "goes on with a loop's next round: continue [LOOPS]",
    ),
    ("echo", "prints its arguments: echo [-n] [-e] [TEXT]…"),
    ("exit", "ends the shell: exit [STATUS]"),
    (
        "export",
        "lets commands see variables: export [NAME[=VALUE]]…",
    ),
    ("false", "does nothing, with failure"),
    ("fg", "waits for a job, and lets Ctrl-C end it: fg [%JOB]"),
    ("jobs", "lists the jobs"),
    ("kill", "ends a job or a component: kill %JOB, kill NAME"),
    ("local", "variables of a function: local NAME[=VALUE]…"),
    ("pwd", "prints the current directory"),
    ("read", "reads a line into variables: read [-r] [NAME]…"),
    ("return", "ends a function: return [STATUS]"),
    (
        "set",
        "sets arguments and options, lists variables: set [-e] [-u] [-x] [-- ARGUMENT…]",
    ),
    ("shift", "drops the first arguments: shift [COUNT]"),
    (
        "source",
        "runs a script in this shell: source FILE [ARGUMENT]…",
    ),
    (
        "test",
        "compares texts and numbers: test A = B, test 1 -lt 2, test -n TEXT",
    ),
    ("true", "does nothing, with success"),
    ("type", "says what a name means: type NAME…"),
    ("unset", "removes variables and functions: unset NAME…"),
    ("wait", "waits for jobs: wait [%JOB]…"),
];

/// What a builtin asks its task for.
pub enum Action {
    /// Nothing but this status.
    Status(u8),
    /// To print, with this status.
    Print(Vec<u8>, u8),
    /// To say what is wrong, with this status.
    Complain(String, u8),
    Exit(u8),
    Return(u8),
    Leave {
        loops: usize,
        again: bool,
    },
    Local(Vec<(String, Option<String>)>),
    Wait {
        jobs: Vec<u32>,
        foreground: bool,
    },
    Kill(Vec<u32>),
    Read {
        names: Vec<String>,
        raw: bool,
    },
    Source {
        path: String,
        arguments: Vec<String>,
    },
}

/// Whether a name is a builtin's.
pub fn is_builtin(name: &str) -> bool {
    BUILTINS.iter().any(|(builtin, _)| *builtin == name)
}

/// Runs a builtin, or says that there is none of this name.
pub fn run<M: Machine>(
    fields: &[String],
    context: &mut Context<M::Stream>,
    streams: &[M::Stream; 3],
    shared: &mut Shared<M::Stream>,
    machine: &mut M,
) -> Option<Action> {
    let (name, arguments) = fields.split_first()?;
    // That of `kill` tells of components, too, and is the command's.
    if arguments == ["--help"]
        && name != "kill"
        && let Some(help) = help::builtin(name)
    {
        return Some(Action::Print(help.into_bytes(), 0));
    }
    Some(match name.as_str() {
        ":" | "true" => Action::Status(0),
        "false" => Action::Status(1),
        "echo" => Action::Print(echo(arguments), 0),
        "test" => test(arguments, &mut |place| {
            streams
                .get(place)
                .is_some_and(|stream| machine.is_terminal(stream))
        }),
        "[" => match arguments.split_last() {
            Some((last, arguments)) if last == "]" => test(arguments, &mut |place| {
                streams
                    .get(place)
                    .is_some_and(|stream| machine.is_terminal(stream))
            }),
            _ => Action::Complain("[: `]` is missing at the end".into(), 2),
        },
        "exit" => match status_of(arguments, context.status) {
            Ok(status) => Action::Exit(status),
            Err(message) => Action::Complain(format!("exit: {message}"), 2),
        },
        "return" => match status_of(arguments, context.status) {
            Ok(status) => Action::Return(status),
            Err(message) => Action::Complain(format!("return: {message}"), 2),
        },
        "break" | "continue" => match number_of(arguments, 1) {
            Ok(loops) => Action::Leave {
                loops,
                again: name == "continue",
            },
            Err(message) => Action::Complain(format!("{name}: {message}"), 2),
        },
        "cd" => change_directory(arguments, context, machine),
        "pwd" => match context.variables.get("PWD") {
            Some(current) => Action::Print(format!("{current}\n").into_bytes(), 0),
            None => Action::Complain("pwd: there are no files here".into(), 1),
        },
        "shift" => match number_of(arguments, 1) {
            Ok(count) if count <= context.arguments.len() => {
                context.arguments = context.arguments[count..].into();
                Action::Status(0)
            }
            Ok(_) => Action::Complain("shift: there are fewer arguments".into(), 1),
            Err(message) => Action::Complain(format!("shift: {message}"), 2),
        },
        "export" if arguments.is_empty() => {
            let mut text = String::new();
            for (name, variable) in context.variables.iter() {
                if variable.exported {
                    text.push_str(&format!("export {name}={}\n", quoted(&variable.value)));
                }
            }
            Action::Print(text.into_bytes(), 0)
        }
        "export" => match names_and_values(arguments) {
            Ok(pairs) => {
                for (name, value) in pairs {
                    if let Some(value) = value {
                        context.variables.set(&name, value);
                    }
                    context.variables.export(&name);
                }
                Action::Status(0)
            }
            Err(message) => Action::Complain(format!("export: {message}"), 2),
        },
        "local" => match names_and_values(arguments) {
            Ok(pairs) => Action::Local(pairs),
            Err(message) => Action::Complain(format!("local: {message}"), 2),
        },
        "unset" => {
            for name in arguments {
                context.variables.unset(name);
                if context.functions.contains_key(name.as_str()) {
                    alloc::rc::Rc::make_mut(&mut context.functions).remove(name.as_str());
                }
            }
            Action::Status(0)
        }
        "set" => set(arguments, context),
        "read" => {
            let raw = arguments.first().is_some_and(|first| first == "-r");
            let names = &arguments[usize::from(raw)..];
            if let Some(bad) = names.iter().find(|name| !is_name(name)) {
                return Some(Action::Complain(
                    format!("read: `{bad}` cannot be the name of a variable"),
                    2,
                ));
            }
            let names = match names {
                [] => Vec::from(["REPLY".to_string()]),
                names => names.to_vec(),
            };
            Action::Read { names, raw }
        }
        "source" | "." => match arguments.split_first() {
            Some((path, arguments)) => Action::Source {
                path: path.clone(),
                arguments: arguments.to_vec(),
            },
            None => Action::Complain(format!("{name}: the name of a file is missing"), 2),
        },
        "jobs" => {
            let mut text = String::new();
            for job in &shared.jobs {
                let state = match job.state {
                    JobState::Running => "running".to_string(),
                    JobState::Ended(status) => format!("ended ({status})"),
                };
                text.push_str(&format!("[{}] {state:12} {}\n", job.number, job.text));
            }
            Action::Print(text.into_bytes(), 0)
        }
        "wait" | "fg" => {
            let foreground = name == "fg";
            if arguments.is_empty() && foreground && shared.jobs.is_empty() {
                return Some(Action::Complain("fg: there is no job".into(), 1));
            }
            let jobs = match arguments {
                [] if foreground => shared
                    .jobs
                    .last()
                    .map(|job| job.number)
                    .into_iter()
                    .collect(),
                [] => shared.jobs.iter().map(|job| job.number).collect(),
                arguments => match jobs_of(arguments, &shared.jobs) {
                    Ok(jobs) => jobs,
                    Err(message) => {
                        return Some(Action::Complain(format!("{name}: {message}"), 127));
                    }
                },
            };
            // Without arguments, all were waited for, whatever they ended with.
            context.status = 0;
            Action::Wait { jobs, foreground }
        }
        // Without a job among its arguments, `kill` is a command like others.
        "kill" if arguments.iter().any(|argument| argument.starts_with('%')) => {
            match jobs_of(arguments, &shared.jobs) {
                Ok(jobs) => Action::Kill(jobs),
                Err(message) => Action::Complain(format!("kill: {message}"), 1),
            }
        }
        "type" => kinds(arguments, context, machine),
        _ => return None,
    })
}

/// `cd`: `..` goes up in the path as it is written, whatever links it leads over.
fn change_directory<M: Machine>(
    arguments: &[String],
    context: &mut Context<M::Stream>,
    machine: &mut M,
) -> Action {
    let variables = &mut context.variables;
    let target = match arguments {
        [] => variables
            .get("HOME")
            .map_or("/".into(), |home| home.to_string()),
        [back] if back == "-" => match variables.get("OLDPWD") {
            Some(before) => before.to_string(),
            None => return Action::Complain("cd: there is no directory of before".into(), 1),
        },
        [target] => target.clone(),
        _ => return Action::Complain("cd: too many arguments".into(), 2),
    };
    if target.is_empty() {
        return Action::Complain("cd: which directory?".into(), 2);
    }
    let mut parts: Vec<&str> = Vec::new();
    let located = variables.located(&target);
    for part in located.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    let path = format!("/{}", parts.join("/"));
    if let Err(message) = machine.directory(&path) {
        return Action::Complain(format!("cd: {target}: {message}"), 1);
    }
    if let Some(before) = variables.get("PWD").cloned() {
        variables.set("OLDPWD", before);
    }
    variables.set("PWD", path.as_str());
    variables.export("PWD");
    match arguments {
        [back] if back == "-" => Action::Print(format!("{path}\n").into_bytes(), 0),
        _ => Action::Status(0),
    }
}

/// What `echo` prints.
pub fn echo(arguments: &[String]) -> Vec<u8> {
    let (mut newline, mut escapes) = (true, false);
    let mut rest = arguments;
    while let Some((first, others)) = rest.split_first() {
        match first.as_str() {
            "-n" => newline = false,
            "-e" => escapes = true,
            "-ne" | "-en" => (newline, escapes) = (false, true),
            _ => break,
        }
        rest = others;
    }
    let mut text = rest.join(" ");
    if escapes {
        text = unescaped(&text);
    }
    if newline {
        text.push('\n');
    }
    text.into_bytes()
}

fn unescaped(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('e') => out.push('\x1b'),
            Some('a') => out.push('\x07'),
            Some('\\') | None => out.push('\\'),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
        }
    }
    out
}

fn test(arguments: &[String], is_terminal: &mut dyn FnMut(usize) -> bool) -> Action {
    match test_expression(arguments, is_terminal) {
        Ok(true) => Action::Status(0),
        Ok(false) => Action::Status(1),
        Err(message) => Action::Complain(format!("test: {message}"), 2),
    }
}

fn status_of(arguments: &[String], current: u8) -> Result<u8, String> {
    match arguments {
        [] => Ok(current),
        [status] => status
            .parse::<i64>()
            .map(|status| status as u8)
            .map_err(|_| format!("`{status}` is not a number")),
        _ => Err("too many arguments".into()),
    }
}

fn number_of(arguments: &[String], default: usize) -> Result<usize, String> {
    match arguments {
        [] => Ok(default),
        [number] => number
            .parse()
            .map_err(|_| format!("`{number}` is not a number")),
        _ => Err("too many arguments".into()),
    }
}

fn names_and_values(arguments: &[String]) -> Result<Vec<(String, Option<String>)>, String> {
    arguments
        .iter()
        .map(|argument| {
            let (name, value) = match argument.split_once('=') {
                Some((name, value)) => (name, Some(value.to_string())),
                None => (argument.as_str(), None),
            };
            match is_name(name) {
                true => Ok((name.to_string(), value)),
                false => Err(format!("`{name}` cannot be the name of a variable")),
            }
        })
        .collect()
}

fn jobs_of(arguments: &[String], jobs: &[Job]) -> Result<Vec<u32>, String> {
    arguments
        .iter()
        .map(|argument| {
            let number = argument.strip_prefix('%').unwrap_or(argument);
            let number = match number {
                "%" | "+" | "" => jobs.last().map(|job| job.number),
                number => number.parse().ok(),
            };
            number
                .filter(|number| jobs.iter().any(|job| job.number == *number))
                .ok_or_else(|| format!("there is no job {argument}; `jobs` lists them"))
        })
        .collect()
}

fn set<S: Clone>(arguments: &[String], context: &mut Context<S>) -> Action {
    if arguments.is_empty() {
        let mut text = String::new();
        for (name, variable) in context.variables.iter() {
            text.push_str(&format!("{name}={}\n", quoted(&variable.value)));
        }
        return Action::Print(text.into_bytes(), 0);
    }
    for (i, argument) in arguments.iter().enumerate() {
        let on = argument.starts_with('-');
        if argument == "--" || !(on || argument.starts_with('+')) {
            let rest = &arguments[i + usize::from(argument == "--")..];
            context.arguments = rest.iter().map(|text| text.as_str().into()).collect();
            break;
        }
        for option in argument[1..].chars() {
            match option {
                'e' => context.options.exit_on_failure = on,
                'u' => context.options.unset_is_error = on,
                'x' => context.options.show_commands = on,
                other => {
                    return Action::Complain(
                        format!("set: there is no option `{other}`; there are e, u and x"),
                        2,
                    );
                }
            }
        }
    }
    Action::Status(0)
}

fn kinds<M: Machine>(
    arguments: &[String],
    context: &Context<M::Stream>,
    machine: &mut M,
) -> Action {
    let commands = machine.commands();
    let mut text = String::new();
    let mut status = 0;
    for name in arguments {
        let kind = if KEYWORDS.contains(&name.as_str()) {
            "is a keyword"
        } else if context.functions.contains_key(name.as_str()) {
            "is a function"
        } else if is_builtin(name) {
            "is part of the shell"
        } else if commands.contains(name) {
            "is a command, a component that is started when it is called"
        } else {
            status = 1;
            "is not known"
        };
        text.push_str(&format!("{name} {kind}\n"));
    }
    Action::Print(text.into_bytes(), status)
}

/// A value so that the shell reads it as the same again.
fn quoted(value: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./:,+@%".contains(c);
    match !value.is_empty() && value.chars().all(plain) {
        true => value.to_string(),
        false => format!("'{}'", value.replace('\'', "'\\''")),
    }
}
