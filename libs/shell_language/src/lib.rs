//! The language of FTL's shell: its grammar, and what running it means.
//!
//! A text goes through three stages, each a folder-listing's worth of files:
//!
//! 1. [`parse`] makes a tree ([`syntax`]) of it, or an [`SyntaxError`] that points at the place;
//! 2. [`compile`](compile::compile) makes a flat [`Program`](program::Program) of the tree, in which
//!    loops and conditions are jumps;
//! 3. a [`Shell`] runs programs as tasks, one for each job and each part of a pipeline, a bounded
//!    number of steps at a time.
//!
//! Principles, for reviews to cite:
//!
//! 1. **Nothing here blocks, and nothing recurses while it runs.** A task that has to wait says so and is
//!    asked again; a function that calls itself for ever reaches a limit, not the end of the stack.
//! 2. **The machine is behind one trait**, [`Machine`]: launching commands, streams, files. Tests run the
//!    language on a fake (`tests/fake/mod.rs`).
//! 3. **Any text is answered**: with a tree or with an error that says where and what is expected
//!    (`tests/fuzz.rs`).
//! 4. **What scripts know from POSIX means the same here** where it is there at all. The reference is
//!    `docs/reference/shell.md`; what is left out is listed there, too.
//!
//! Deliberately absent: line editing (`libs/line_editor`), processes, terminals, backquotes, `eval`,
//! arrays, traps and stopped jobs.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

pub mod arithmetic;
pub mod compile;
pub mod machine;
pub mod pattern;
pub mod program;
pub mod suggest;
pub mod syntax;
pub mod variables;

mod builtins;
mod error;
mod expand;
pub mod help;
mod lexer;
mod parser;
mod shell;
mod task;
mod test_expression;

pub use builtins::{BUILTINS, KEYWORDS, echo};
pub use error::SyntaxError;
pub use machine::{End, Launch, Machine, Mode, ProcessId, Unwritten};
pub use parser::parse;
pub use shell::{Job, JobState, Progress, Shell, has_room};
pub use test_expression::test_expression;
