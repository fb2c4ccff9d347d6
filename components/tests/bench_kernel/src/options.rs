//! What is wanted, as words with blanks between them:
//!
//! | word | means |
//! |---|---|
//! | `samples=N` | how often each thing is done |
//! | `case=CASE` | only this case, for example `kernel-user` |
//! | `repeat=NAME` | only the figure with just this name, and then its operation again and again without end |
//! | `sleepers=N` | so many components that do nothing are there, too |
//! | `cpus=N` | how throughput grows from 1 to N CPUs, and nothing else |
//! | anything else | a part of the names of figures that are wanted; without such words all are |

use alloc::string::String;

/// How often a thing is done unless told otherwise.
const SAMPLES: usize = 1000;
/// More do not fit into the heap.
const SAMPLES_MAX: usize = 10_000;

/// What is wanted.
#[derive(Clone, Debug, Default)]
pub struct Options {
    words: String,
}

impl Options {
    /// Reads the words.
    pub fn new(words: &str) -> Options {
        Options {
            words: words.into(),
        }
    }

    /// As they were given.
    pub fn words(&self) -> &str {
        &self.words
    }

    /// Whether a figure with this name is wanted.
    pub fn wants(&self, name: &str) -> bool {
        if let Some(only) = self.value("repeat") {
            return name == only;
        }
        let mut names = self
            .words
            .split_whitespace()
            .filter(|word| !word.contains('='))
            .peekable();
        names.peek().is_none() || names.any(|word| name.contains(word))
    }

    /// Whether figures of this case are wanted.
    pub fn wants_case(&self, case: &str) -> bool {
        self.value("case").is_none_or(|wanted| wanted == case)
    }

    /// Whether the wanted operation is to be done without end.
    pub fn repeats(&self) -> bool {
        self.value("repeat").is_some()
    }

    /// How often to do each thing.
    pub fn samples(&self) -> usize {
        self.number("samples")
            .unwrap_or(SAMPLES)
            .clamp(1, SAMPLES_MAX)
    }

    /// How many components sleep beside those that are measured.
    pub fn sleepers(&self) -> usize {
        self.number("sleepers").unwrap_or(0)
    }

    /// Measure how throughput grows, up to so many CPUs, and nothing else.
    pub fn cpus(&self) -> Option<usize> {
        self.number("cpus")
    }

    fn number(&self, name: &str) -> Option<usize> {
        self.value(name)?.parse().ok()
    }

    /// What was given as `name=VALUE`.
    fn value(&self, name: &str) -> Option<&str> {
        self.words
            .split_whitespace()
            .find_map(|word| word.strip_prefix(name)?.strip_prefix('='))
    }
}
