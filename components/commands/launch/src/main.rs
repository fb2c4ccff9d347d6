//! Commands that start other commands: `env`, `time` and `xargs`.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use ftl::io::{Read, Stderr, Stdin, Stdout};
use ftl::prelude::*;
use ftl::process::{Command, Stdio, Variables};
use interfaces::files::Dir;
use text_commands::words;

#[rustfmt::skip]
mod spec;

use spec::*;

const ENV: &str = "\
env runs a command with other variables, or lists the variables
usage: env [-i] [-u NAME]… [NAME=VALUE]… [COMMAND [ARGUMENT]…]

  -i       without the variables that there are
  -u NAME  without this one
";

const TIME: &str = "\
time runs a command and says how long it took
usage: time COMMAND [ARGUMENT]…

For more than one command: time shell -c 'COMMANDS'
";

const XARGS: &str = "\
xargs runs a command with words of its input as arguments
usage: xargs [-n WORDS] [COMMAND [ARGUMENT]…]

  -n WORDS  at most so many for each run; otherwise all that fit

Without a command: echo. Quotes keep words together. The status is 123 if a run failed.
";

/// Bytes of words that one run gets at most.
const RUN_LEN_MAX: usize = 32 * 1024;
/// Bytes of input that `xargs` holds.
const INPUT_MAX: usize = 128 * 1024;

/// What a command is started with.
struct Starter {
    name: String,
    launcher: launcher::Client,
    variables: Variables,
    stdout: Stdout,
    stderr: Stderr,
    directory: Option<Dir>,
}

#[ftl::main]
fn main(env: Environ) -> Result<usize> {
    let arguments = env.arguments;
    let stdin = env.stdin;
    let env = Starter {
        name: env.name,
        launcher: env.launcher,
        variables: env.variables,
        stdout: env.stdout,
        stderr: env.stderr,
        directory: env.directory,
    };
    if arguments.first().is_some_and(|first| first == "--help") {
        print!(
            "{}",
            match env.name.as_str() {
                "env" => ENV,
                "time" => TIME,
                _ => XARGS,
            }
        );
        return Ok(0);
    }
    match env.name.as_str() {
        "env" => with_variables(env, stdin, &arguments),
        "time" => timed(env, stdin, &arguments),
        _ => with_words(env, stdin, &arguments),
    }
}

fn misused(name: &str, what: &str) -> Result<usize> {
    eprintln!("{name}: {what}; `{name} --help` says more");
    Ok(2)
}

/// Runs a command to its end; answers its status.
fn run(env: &mut Starter, words: &[String], stdin: Stdio) -> Result<usize> {
    let Some((name, arguments)) = words.split_first() else {
        return Ok(0);
    };
    let mut command = Command::new(name.as_str());
    command
        .args(arguments.iter().cloned())
        .variables(env.variables.clone())
        .stdin(stdin)
        .stdout(env.stdout.share()?)
        .stderr(env.stderr.share()?);
    if let Some(directory) = &env.directory {
        directory.lend_as_asked(name, &mut command, &mut env.launcher)?;
    }
    let child = command.spawn(&mut env.launcher);
    match child {
        Ok(mut child) => Ok(child.wait()?.code() as usize),
        Err(refused) => {
            eprintln!("{}: {refused}", env.name);
            Ok(if refused.error == Error::NotFound {
                127
            } else {
                126
            })
        }
    }
}

/// The command's own input, handed on.
fn handed_on(stdin: Stdin) -> Result<Stdio> {
    match stdin.into_inner() {
        Some(reader) => Stdio::try_from(reader),
        None => Ok(Stdio::null()),
    }
}

fn with_variables(mut env: Starter, stdin: Stdin, arguments: &[String]) -> Result<usize> {
    let mut rest = arguments;
    while let Some((first, others)) = rest.split_first() {
        match first.as_str() {
            "-i" => env.variables = Default::default(),
            "-u" => {
                let Some((name, after)) = others.split_first() else {
                    return misused("env", "`-u` needs a name");
                };
                let _ = env.variables.remove(name);
                rest = after;
                continue;
            }
            option if option.starts_with('-') => return misused("env", "there is no such option"),
            text => match text.split_once('=') {
                Some((name, value)) => env.variables.set(name, value),
                None => break,
            },
        }
        rest = others;
    }
    if rest.is_empty() {
        for (name, value) in env.variables.iter() {
            println!("{name}={value}");
        }
        return Ok(0);
    }
    let stdin = handed_on(stdin)?;
    run(&mut env, rest, stdin)
}

fn timed(mut env: Starter, stdin: Stdin, arguments: &[String]) -> Result<usize> {
    if arguments.is_empty() {
        return misused("time", "which command?");
    }
    let stdin = handed_on(stdin)?;
    let begin = Instant::now();
    let status = run(&mut env, arguments, stdin)?;
    let taken = begin.elapsed();
    eprintln!("{}.{:03} s", taken.as_secs(), taken.subsec_millis());
    Ok(status)
}

fn with_words(mut env: Starter, mut stdin: Stdin, arguments: &[String]) -> Result<usize> {
    let (most, command) = match arguments {
        [option, number, rest @ ..] if option == "-n" => match number.parse::<usize>() {
            Ok(number) if number > 0 => (number, rest),
            _ => return misused("xargs", "`-n` needs a number"),
        },
        [option, ..] if option.starts_with('-') => {
            return misused("xargs", "there is no such option");
        }
        rest => (usize::MAX, rest),
    };
    let command: Vec<String> = match command {
        [] => Vec::from(["echo".to_string()]),
        command => command.to_vec(),
    };
    let mut text = Vec::new();
    let mut buffer = [0; 1024];
    loop {
        let len = stdin.read(&mut buffer)?;
        if len == 0 {
            break;
        }
        text.extend_from_slice(&buffer[..len]);
        if text.len() > INPUT_MAX {
            eprintln!("xargs: the input is longer than {INPUT_MAX} bytes");
            return Ok(1);
        }
    }
    let words = match words::split(&String::from_utf8_lossy(&text)) {
        Ok(words) => words,
        Err(failure) => {
            eprintln!("xargs: {}", failure.message);
            return Ok(1);
        }
    };
    let mut failed = false;
    for group in groups(&words, most) {
        let mut line = command.clone();
        line.extend_from_slice(group);
        failed |= run(&mut env, &line, Stdio::null())? != 0;
    }
    Ok(if failed { 123 } else { 0 })
}

/// The words in groups of so many at most, none of which is too long; one empty group if there are no words.
fn groups(words: &[String], most: usize) -> Vec<&[String]> {
    let mut groups = Vec::new();
    let mut rest = words;
    loop {
        let mut len = 0;
        let fits = |word: &&String| {
            len += word.len() + 1;
            len <= RUN_LEN_MAX
        };
        let count = rest.iter().take(most).take_while(fits).count();
        // A word that is too long goes alone, and the start says so.
        let (group, others) = rest.split_at(count.max(1).min(rest.len()));
        groups.push(group);
        rest = others;
        if rest.is_empty() {
            return groups;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_go_in_groups() {
        let words: Vec<String> = ["a", "b", "c"].map(String::from).to_vec();
        let lens = |most| {
            groups(&words, most)
                .iter()
                .map(|group| group.len())
                .collect::<Vec<_>>()
        };
        assert_eq!(
            (lens(2), lens(3), lens(usize::MAX)),
            (Vec::from([2, 1]), Vec::from([3]), Vec::from([3]))
        );
        assert_eq!(groups(&[], 2), [&[] as &[String]]);
        let long = [
            String::from_utf8(alloc::vec![b'x'; RUN_LEN_MAX + 1]).unwrap(),
            "b".into(),
        ];
        assert_eq!(groups(&long, 5).len(), 2);
    }
}
