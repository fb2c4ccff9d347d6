//! What is typed at a terminal and what is shown there, as bytes and without a machine: one half of each server of
//! terminals. The other half, who gets what, is `interfaces::desk`.
//!
//! - [`Keyboard`]: what was typed and not read yet, Ctrl-C, and answers about the window's size; [`Lines`] mends lines out of it;
//! - [`Screen`]: what is to be shown, with line ends as terminals want them.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

extern crate alloc;

mod keyboard;
mod screen;

pub use keyboard::{AHEAD_MAX, Heard, Keyboard, Lines};
pub use screen::Screen;
