//! Which changes of an interface components understand that were built before them.
//!
//! What every version of an interface since its last break has in common is its *base*: a file
//! `interfaces/base/NAME.txt`, which is committed and written by `./ftl gen` when there is none. It
//! is the interface without its words, one line for each thing ([`Interface::canonical`]).
//! An interface that is compatible with its base has the base's hash as its version, so that two
//! components with the same version understand each other; one that is not gets a version of its
//! own, and `./ftl check` refuses it until somebody decides.
//!
//! Compatible are: a new message, a new kind of channel, a new type; a new optional field at the
//! end of a message; a new error of the interface's own, at the end. A component passes over messages that it does not
//! know, takes an optional field that is not there for `None`, and does not send it while it is.

use std::collections::BTreeMap;

use crate::interface::Interface;

/// How an interface stands to its base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is no base yet.
    New,
    /// Components built with any version since the base understand each other.
    Compatible,
    /// They do not, for these reasons.
    Broken(Vec<String>),
}

/// Compares an interface with its base.
pub fn compare(interface: &Interface, base: Option<&str>) -> Standing {
    let Some(base) = base else {
        return Standing::New;
    };
    let breaks = breaks(base, &interface.canonical());
    match breaks.is_empty() {
        true => Standing::Compatible,
        false => Standing::Broken(breaks),
    }
}

/// What of `old` is not in `new` as it was.
fn breaks(old: &str, new: &str) -> Vec<String> {
    let (old, new) = (things(old), things(new));
    let mut breaks = Vec::new();
    for (name, was) in &old {
        let Some(is) = new.get(name) else {
            breaks.push(format!("{name} is gone, or has another name"));
            continue;
        };
        if was.head != is.head {
            breaks.push(format!(
                "{name} was `{}` and is `{}`",
                was.head.trim(),
                is.head.trim()
            ));
        }
        for ((part, was), (_, is)) in was.parts.iter().zip(&is.parts) {
            let owner = match part.is_empty() {
                true => name.clone(),
                false => format!("the {part} of {name}"),
            };
            compare_parts(name, &owner, was, is, &mut breaks);
        }
    }
    breaks
}

/// Compares the fields of a message or struct, or the values of an enum.
fn compare_parts(name: &str, owner: &str, was: &[String], is: &[String], breaks: &mut Vec<String>) {
    for (i, old) in was.iter().enumerate() {
        match is.get(i) {
            Some(new) if new == old => {}
            Some(new) if is.contains(old) || was.contains(new) => {
                return breaks.push(format!("{owner} has `{new}` where `{old}` was"));
            }
            Some(new) => breaks.push(format!("{owner} has `{new}` instead of `{old}`")),
            None => breaks.push(format!("{owner} has lost `{old}`")),
        }
    }
    let in_message = name.starts_with("call") || name.starts_with("event");
    for new in is.iter().skip(was.len()) {
        if in_message && !new.contains(":option(") {
            breaks.push(format!(
                "{owner} has a new field `{new}` that is not optional"
            ));
        } else if !in_message && !name.starts_with("errors") {
            breaks.push(format!("{owner} has a new part `{new}`"));
        }
    }
}

/// One line of a canonical text.
struct Thing {
    /// What must be the same.
    head: String,
    /// Lists of things that follow each other: what they are, and themselves.
    parts: Vec<(&'static str, Vec<String>)>,
}

/// The lines of a canonical text, by what they are about.
fn things(text: &str) -> BTreeMap<String, Thing> {
    let mut things = BTreeMap::new();
    let mut channel = String::new();
    for line in text.lines() {
        let mut words = line.split(' ').filter(|word| !word.is_empty());
        let (Some(what), Some(name)) = (words.next(), words.next()) else {
            continue;
        };
        let words: Vec<String> = words.map(str::to_string).collect();
        let (key, thing) = match what {
            "channel" => {
                channel = name.to_string();
                let thing = Thing {
                    head: words.join(" "),
                    parts: Vec::new(),
                };
                (format!("channel `{name}`"), thing)
            }
            "call" | "event" => {
                // Ordinal and sender, fields, and for a call an arrow with what comes back.
                let split = words.iter().position(|word| word == "->");
                let (request, reply) = words.split_at(split.unwrap_or(words.len()));
                let (fields, errors): (Vec<String>, Vec<String>) = reply
                    .iter()
                    .skip(1)
                    .cloned()
                    .partition(|word| word.contains(':'));
                let (head, request) = request.split_at(request.len().min(2));
                let thing = Thing {
                    head: head
                        .iter()
                        .chain(&errors)
                        .cloned()
                        .collect::<Vec<_>>()
                        .join(" "),
                    parts: match what {
                        "call" => vec![("request", request.to_vec()), ("reply", fields)],
                        _ => vec![("", request.to_vec())],
                    },
                };
                (format!("{what} `{name}` of channel `{channel}`"), thing)
            }
            _ => {
                let thing = Thing {
                    head: String::new(),
                    parts: vec![("", words)],
                };
                (format!("{what} `{name}`"), thing)
            }
        };
        things.insert(key, thing);
    }
    things
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "interface store\n\
        enum colour red=0 green=1\n\
        errors store_error full=0\n\
        struct point x:i16 y:f64\n\
        channel store client server\n\
        call get 7 0 name:string(16) -> item:point store_error\n\
        event level 9 1 percent:u8\n";

    fn check(from: &str, to: &str, expected: &[&str]) {
        assert!(BASE.contains(from), "{from}");
        assert_eq!(breaks(BASE, &BASE.replacen(from, to, 1)), expected);
    }

    #[test]
    fn what_old_components_can_pass_over_is_compatible() {
        check("red", "red", &[]);
        let more = "event level 9 1 percent:u8 trend:option(i8)\n\
            event gone 11 0\nchannel watch client server\ncall look 3 0 ->\nenum size big=0\n";
        check("event level 9 1 percent:u8\n", more, &[]);
        check("full=0", "full=0 duplicate=1", &[]);
        check("-> item:point", "-> item:point more:option(u8)", &[]);
    }

    #[test]
    fn what_they_would_take_for_something_else_is_told() {
        check(
            "percent:u8",
            "percent:u8 trend:i8",
            &["event `level` of channel `store` has a new field `trend:i8` that is not optional"],
        );
        check(
            "name:string(16)",
            "name:string(32)",
            &[
                "the request of call `get` of channel `store` has `name:string(32)` instead of `name:string(16)`",
            ],
        );
        check(
            "x:i16 y:f64",
            "y:f64 x:i16",
            &["struct `point` has `y:f64` where `x:i16` was"],
        );
        check(
            "y:f64",
            "y:f64 z:option(u8)",
            &["struct `point` has a new part `z:option(u8)`"],
        );
        check(
            "green=1",
            "green=1 blue=2",
            &["enum `colour` has a new part `blue=2`"],
        );
        check(
            "item:point",
            "",
            &["the reply of call `get` of channel `store` has lost `item:point`"],
        );
        check(
            "event level 9 1 percent:u8\n",
            "",
            &["event `level` of channel `store` is gone, or has another name"],
        );
        check(
            "level 9 1",
            "level 10 1",
            &["event `level` of channel `store` was `9 1` and is `10 1`"],
        );
        check(
            " store_error\n",
            "\n",
            &["call `get` of channel `store` was `7 0 store_error` and is `7 0`"],
        );
    }
}
