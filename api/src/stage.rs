//! A reply that has been written but not sent yet.
//!
//! A server answers a request and then waits for the next one. As two system calls that would
//! cost half as much again as one, so [`crate::Reply`] leaves its answer in the send page, and
//! the event loop's next wait sends it along. Whoever else wants the send page before that calls
//! [`flush`] first, which sends the answer on its own.

/// Sends the calling thread's staged reply, if there is one.
#[inline(always)]
pub(crate) fn flush() {}
