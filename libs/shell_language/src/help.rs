//! What `--help` says about what is part of the shell.

use alloc::format;
use alloc::string::String;

use crate::BUILTINS;

/// More about a builtin that is a command as well.
pub const ECHO: &str = "\
prints its arguments
usage: echo [-n] [-e] [TEXT]…

  -n  no end of line after them
  -e  \\n, \\t, \\r, \\e, \\a and \\\\ in them mean what they do in other languages
";
/// See [`ECHO`].
pub const TEST: &str = "\
compares texts and numbers, and tells by its status: 0 if it is so, 1 if not
usage: test EXPRESSION
       [ EXPRESSION ]

  TEXT   -n TEXT   -z TEXT        it is not empty; the same; it is empty
  TEXT = TEXT      TEXT != TEXT   they are equal; they are not
  N -eq N   -ne -lt -le -gt -ge   the same of numbers, and: less, at most, greater, at least
  -t DESCRIPTOR                   it is a terminal: 0 the input, 1 the output, 2 the errors
  ! EXPRESSION    ( EXPRESSION )
  EXPRESSION -a EXPRESSION        both;  -o  one of them
";
/// See [`ECHO`].
pub const TRUE: &str = "\
does nothing, with success: its status is 0
usage: true

`while true; do date; sleep 1; done` goes on until Ctrl-C.
";
/// See [`ECHO`].
pub const FALSE: &str = "\
does nothing, with failure: its status is 1
usage: false
";

/// What `NAME --help` prints; nothing if there is no builtin of this name, or if that is a text like others for it.
pub fn builtin(name: &str) -> Option<String> {
    let text = match name {
        "[" | ":" => return None,
        "echo" => ECHO,
        "test" => TEST,
        "true" => TRUE,
        "false" => FALSE,
        _ => {
            let (_, text) = BUILTINS.iter().find(|(builtin, _)| *builtin == name)?;
            let (what, usage) = text.split_once(": ").unwrap_or((text, name));
            return Some(format!("{name} {what}\nusage: {usage}\n"));
        }
    };
    Some(format!("{name} {text}"))
}

/// The builtins, each in a row with what it does.
pub fn builtins() -> String {
    let rows = BUILTINS
        .iter()
        .map(|(name, text)| format!("  {name:10} {text}\n"));
    rows.collect()
}
