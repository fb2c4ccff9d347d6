//! Editing a line on a terminal.
//!
//! An [`Editor`] is fed the bytes that are typed and leaves bytes that are to be shown. Neither does it read
//! or write by itself, nor does it know what a line means: that is its [`Helper`]'s to say.
//!
//! Principles, for reviews to cite:
//!
//! 1. **Any bytes are taken.** What is no key and no text is dropped; escape sequences, lines and history have
//!    longest lengths (`tests/fuzz.rs`).
//! 2. **How the input is cut does not matter**: an escape sequence or a character may come in pieces.
//! 3. **The screen is what the editor says it is.** Tests compare it with a terminal emulator's
//!    (`tests/screen.rs`), after each key, for lines of several rows and for wide characters too.
//! 4. **Only what changed is drawn.** Typing at the end of a line writes that character.
//!
//! A terminal that is not known to obey escape sequences is only sent text, backspaces and line ends.
//!
//! Deliberately absent: vi keys, undo, right-to-left text, mouse.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod buffer;
mod complete;
mod editor;
mod helper;
mod history;
mod keys;
mod screen;

pub use editor::{Editor, LINE_LEN_MAX, Outcome};
pub use helper::{Candidate, Completion, Helper, Style};
pub use history::History;
pub use keys::{Decoder, Key};
pub use screen::Terminal;
