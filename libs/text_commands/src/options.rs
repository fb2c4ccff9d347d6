//! Options of a command line, and what goes wrong.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

/// What a command's function answers with.
pub type Result<T> = core::result::Result<T, Failure>;

/// Why a command failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// What is wrong; nothing if that has been said.
    pub message: String,
    /// The status to end with.
    pub status: u8,
    /// Whether the help would have helped.
    pub usage: bool,
}

impl Failure {
    /// Something went wrong.
    pub fn new(message: impl Into<String>) -> Failure {
        Failure {
            message: message.into(),
            status: 1,
            usage: false,
        }
    }

    /// The command was called wrongly.
    pub fn usage(message: impl Into<String>) -> Failure {
        Failure {
            message: message.into(),
            status: 2,
            usage: true,
        }
    }

    /// As people read it.
    pub fn show(&self, name: &str) -> String {
        match (self.message.as_str(), self.usage) {
            ("", _) => String::new(),
            (message, true) => format!("{name}: {message}; `{name} --help` says more\n"),
            (message, false) => format!("{name}: {message}\n"),
        }
    }
}

/// A command line, taken apart.
#[derive(Debug, Default)]
pub struct Options {
    flags: Vec<char>,
    values: Vec<(char, String)>,
    /// What is no option.
    pub arguments: Vec<String>,
}

impl Options {
    /// Takes a command line apart: `flags` are letters that stand alone, `valued` those with a value, which may
    /// be in the same word or in the next. `--` ends the options. A number such as `-5` counts as the value of
    /// the first of `valued`, if `numbers` says so.
    pub fn parse(
        arguments: &[String],
        flags: &str,
        valued: &str,
        numbers: bool,
    ) -> Result<Options> {
        let mut options = Options::default();
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            if argument == "--" {
                options.arguments.extend(rest.cloned());
                break;
            }
            let Some(letters) = argument.strip_prefix('-').filter(|rest| !rest.is_empty()) else {
                options.arguments.push(argument.clone());
                continue;
            };
            if numbers
                && letters.bytes().all(|byte| byte.is_ascii_digit())
                && let Some(first) = valued.chars().next()
            {
                options.values.push((first, letters.to_string()));
                continue;
            }
            for (at, letter) in letters.char_indices() {
                if flags.contains(letter) {
                    options.flags.push(letter);
                } else if valued.contains(letter) {
                    let value = match &letters[at + letter.len_utf8()..] {
                        "" => rest
                            .next()
                            .cloned()
                            .ok_or_else(|| Failure::usage(format!("`-{letter}` needs a value")))?,
                        value => value.to_string(),
                    };
                    options.values.push((letter, value));
                    break;
                } else {
                    return Err(Failure::usage(format!("there is no option `{argument}`")));
                }
            }
        }
        Ok(options)
    }

    /// Whether a flag was given.
    pub fn has(&self, flag: char) -> bool {
        self.flags.contains(&flag)
    }

    /// The last value given for an option.
    pub fn value(&self, letter: char) -> Option<&str> {
        let mut values = self.values.iter().rev();
        values
            .find(|(there, _)| *there == letter)
            .map(|(_, value)| value.as_str())
    }

    /// The last value given for an option, as a number.
    pub fn number(&self, letter: char) -> Result<Option<u64>> {
        self.value(letter).map(number).transpose()
    }
}

/// A number, with `k` or `M` after it if wanted.
pub fn number(text: &str) -> Result<u64> {
    let (digits, factor) = match text.strip_suffix(['k', 'K']) {
        Some(digits) => (digits, 1024),
        None => match text.strip_suffix('M') {
            Some(digits) => (digits, 1024 * 1024),
            None => (text, 1),
        },
    };
    digits
        .parse::<u64>()
        .ok()
        .and_then(|number| number.checked_mul(factor))
        .ok_or_else(|| Failure::usage(format!("`{text}` is not a number that fits")))
}
