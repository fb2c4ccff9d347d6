//! What is run: a flat list of steps, in which loops and conditions are jumps.
//!
//! A word is built piece by piece and then ended; ended words gather until a step uses them.
//! So a word that has to wait in its middle, for `$(…)`, needs no stack but the task's own.

use alloc::rc::Rc;
use alloc::vec::Vec;

use crate::syntax::Trim;

/// Where a step stands in a program.
pub type Place = usize;

/// A compiled list.
#[derive(Debug, Default)]
pub struct Program {
    /// What it does, in order, but for jumps.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug)]
pub enum Step {
    /// Adds bare text to the word: patterns in it mean patterns.
    Text(Rc<str>),
    /// Adds text that means itself.
    Quoted(Rc<str>),
    /// Adds a variable's value.
    Value {
        /// Its name.
        name: Rc<str>,
        /// Whether it stands in double quotes.
        quoted: bool,
    },
    /// Adds the length of a variable's value.
    Length(Rc<str>),
    /// Adds what a program prints.
    Substitute {
        /// The program.
        program: Rc<Program>,
        /// Whether it stands in double quotes.
        quoted: bool,
    },
    /// Jumps if a variable is set (or not).
    IfSet {
        /// Its name.
        name: Rc<str>,
        /// Whether an empty one counts as not set.
        or_empty: bool,
        /// The answer that jumps.
        set: bool,
        /// Where to.
        place: Place,
    },
    /// Begins a word inside the word; one of the following four ends it.
    Nest,
    /// Takes the inner word as a calculation and adds its value.
    Calculate {
        /// Whether it stands in double quotes.
        quoted: bool,
    },
    /// Takes the inner word as a pattern and adds a variable without what it matches.
    Trim {
        /// The variable.
        name: Rc<str>,
        /// Where it is cut.
        trim: Trim,
        /// Whether it stands in double quotes.
        quoted: bool,
    },
    /// Takes the inner word, sets a variable to it and adds it.
    Default {
        /// The variable.
        name: Rc<str>,
        /// Whether it stands in double quotes.
        quoted: bool,
    },
    /// Takes the inner word as the text of an error, and ends the command with it.
    Complain(Rc<str>),
    /// Ends the word: it is split at what was expanded, its patterns become names of files, and
    /// the fields join those of the command.
    EndWord,
    /// Ends the word as an assignment before the command.
    Assign(Rc<str>),
    /// Ends the word as the target of a redirection.
    Redirect {
        /// Which descriptor.
        descriptor: u8,
        /// How.
        how: How,
    },
    /// A redirection to where another descriptor leads.
    Same {
        /// Which descriptor.
        descriptor: u8,
        /// The other.
        of: u8,
    },
    /// Runs the fields as a command, with its assignments and redirections.
    Run,
    /// From here on, the redirections hold for all commands, until the matching `Release`.
    Hold,
    /// Undoes a `Hold`.
    Release,
    /// Runs programs side by side, connected by pipes, and waits for all; the last one's status counts.
    Pipeline(Rc<[Rc<Program>]>),
    /// Runs a program as a job.
    Background {
        /// The program.
        program: Rc<Program>,
        /// What the user wrote.
        text: Rc<str>,
    },
    /// Runs a program with variables of its own, and waits.
    Subshell(Rc<Program>),
    /// Turns success into failure, and any failure into success.
    Negate,
    /// Sets the status to success.
    Succeed,
    /// Goes on there.
    Jump(Place),
    /// Goes on there if the status is a failure.
    IfFailed(Place),
    /// Goes on there if the status is success.
    IfSucceeded(Place),
    /// A failure from here on does not end the script under `set -e`, until the matching `Checked`.
    Unchecked,
    /// Undoes an `Unchecked`.
    Checked,
    /// With `set -e`, ends the script if the status is a failure.
    Check,
    /// Begins a loop: `continue` goes to the one place, `break` to the other.
    Loop {
        /// For `continue`.
        again: Place,
        /// For `break`: just after the `EndLoop`.
        after: Place,
    },
    /// Begins a loop over the fields, or over the arguments.
    Rounds {
        /// Instead of fields, the arguments.
        arguments: bool,
        /// For `continue`: the place of the `NextRound`.
        again: Place,
        /// For `break`.
        after: Place,
    },
    /// Sets the variable to the loop's next value, or ends the loop.
    NextRound(Rc<str>),
    /// Ends a loop.
    EndLoop,
    /// Ends the word as what patterns are compared with.
    Subject,
    /// Ends the word as a pattern; jumps if it does not match the subject.
    IfDifferent(Place),
    /// Drops the subject.
    EndCase,
    /// Defines a function.
    Function {
        /// Its name.
        name: Rc<str>,
        /// What it does.
        program: Rc<Program>,
    },
}

/// What a redirection does with its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// Reads the file.
    Read,
    /// Replaces the file.
    Write,
    /// Adds to the file.
    Append,
    /// Replaces the file, with output and errors.
    WriteBoth,
    /// Reads the word itself, and a line's end.
    Text,
    /// Reads the word itself.
    Document,
}
