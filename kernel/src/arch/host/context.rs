//! What is kept of a thread.

/// A thread's registers while it is not on a CPU: on the host only what a call answers.
#[derive(Clone, Copy, Default, Debug)]
pub struct Context {
    /// Where it starts, its stack, its two arguments, and whether it is in user mode.
    pub started: Option<(usize, usize, [usize; 2], bool)>,
    /// What the call that the thread waits in answers.
    pub results: [usize; 6],
}

impl Context {
    /// A context that nothing can run with yet.
    pub const fn new() -> Context {
        Context {
            started: None,
            results: [0; 6],
        }
    }

    /// Starts at `entry`.
    pub fn start(&mut self, entry: usize, stack: usize, arguments: [usize; 2], user: bool) {
        self.started = Some((entry, stack, arguments, user));
    }

    /// What the call that the thread waits in answers.
    pub fn set_results(&mut self, results: [usize; 6]) {
        self.results = results;
    }

    /// Where it was interrupted.
    pub fn program_counter(&self) -> usize {
        0
    }

    /// Its frame pointer.
    pub fn frame_pointer(&self) -> usize {
        1
    }

    /// All registers with their names.
    pub fn registers(&self) -> [(&'static str, usize); 0] {
        []
    }
}
