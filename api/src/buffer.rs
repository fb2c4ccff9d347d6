//! The thread's message buffer: a page to receive into and a page to send from.
//!
//! The kernel reads the send page and writes the receive page during system calls, so a
//! reference into either must not live across one. That is why nothing here hands out a
//! reference that outlives a call into this module: bytes are copied in and out, or shown to
//! a closure that gets no chance to call the kernel on this page.

use abi::MESSAGE_LEN_MAX;

use crate::gate;

/// The send page.
#[inline(always)]
pub(crate) fn send_page() -> *mut u8 {
    // SAFETY: the buffer is two pages long, so its second half is inside it.
    unsafe { gate::message_buffer().add(MESSAGE_LEN_MAX) }
}

/// The receive page.
#[inline(always)]
pub(crate) fn receive_page() -> *const u8 {
    gate::message_buffer()
}

/// Copies `bytes`, cut to a page, into the send page; answers how many.
pub fn write_send(bytes: &[u8]) -> usize {
    crate::stage::flush();
    write_send_staged(bytes)
}

/// Copies the start of the send page into `bytes`; answers how many were copied.
pub(crate) fn read_send(bytes: &mut [u8]) -> usize {
    let len = bytes.len().min(MESSAGE_LEN_MAX);
    // SAFETY: `len` bytes are inside the page, and `bytes` is not part of it (module rule).
    unsafe { core::ptr::copy_nonoverlapping(send_page().cast_const(), bytes.as_mut_ptr(), len) };
    len
}

fn write_send_staged(bytes: &[u8]) -> usize {
    let len = bytes.len().min(MESSAGE_LEN_MAX);
    // SAFETY: `len` bytes fit into the page, and no reference into it exists (module rule).
    unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), send_page(), len) };
    len
}

/// Copies the start of the receive page into `bytes`; answers how many were copied.
pub fn read_received(bytes: &mut [u8]) -> usize {
    let len = bytes.len().min(MESSAGE_LEN_MAX);
    // SAFETY: `len` bytes are inside the page, and `bytes` is not part of it (module rule).
    unsafe { core::ptr::copy_nonoverlapping(receive_page(), bytes.as_mut_ptr(), len) };
    len
}

/// Copies `bytes`, cut to a page, into the receive page: a message that was put aside is put back.
pub(crate) fn write_received(bytes: &[u8]) {
    let len = bytes.len().min(MESSAGE_LEN_MAX);
    // SAFETY: `len` bytes fit into the page, and no reference into it exists (module rule).
    unsafe { core::ptr::copy_nonoverlapping(bytes.as_ptr(), gate::message_buffer(), len) };
}

/// Writes a structure of the ABI to the start of the send page.
pub(crate) fn write_struct<T: Plain>(value: &T) {
    const { assert!(size_of::<T>() <= MESSAGE_LEN_MAX && align_of::<T>() <= 8) };
    // SAFETY: fits by the assertion; the page is aligned to 8 at least.
    unsafe { send_page().cast::<T>().write(*value) };
}

/// Reads a structure of the ABI from the start of the receive page.
pub(crate) fn read_struct<T: Plain>() -> T {
    const { assert!(size_of::<T>() <= MESSAGE_LEN_MAX && align_of::<T>() <= 8) };
    // SAFETY: inside the page by the assertion, and any bytes are a `T` (contract of `Plain`).
    unsafe { receive_page().cast::<T>().read() }
}

/// A structure of which any bytes are a valid value.
///
/// # Safety
/// Implemented only for `repr(C)` structures of integers.
pub(crate) unsafe trait Plain: Copy {}

// SAFETY: `repr(C)` structures of integers and arrays of integers, see the crate `abi`.
unsafe impl Plain for abi::DeviceInfo {}
// SAFETY: as above.
unsafe impl Plain for abi::DeviceRange {}
// SAFETY: as above.
unsafe impl Plain for abi::ProcessInfo {}
// SAFETY: as above.
unsafe impl Plain for abi::ChannelEnds {}
// SAFETY: as above.
unsafe impl Plain for abi::CrashReport {}
// SAFETY: as above.
unsafe impl Plain for abi::ProcessParams {}
// SAFETY: as above.
unsafe impl Plain for abi::KernelStatistics {}

/// A writer of text into the send page, which cuts off what does not fit.
pub(crate) struct SendText {
    len: usize,
}

impl SendText {
    pub fn new() -> SendText {
        SendText { len: 0 }
    }
    pub fn len(&self) -> usize {
        self.len
    }
}

impl core::fmt::Write for SendText {
    fn write_str(&mut self, text: &str) -> core::fmt::Result {
        let len = text.len().min(MESSAGE_LEN_MAX - self.len);
        // SAFETY: `self.len + len` bytes fit into the page by the line above.
        unsafe { core::ptr::copy_nonoverlapping(text.as_ptr(), send_page().add(self.len), len) };
        self.len += len;
        Ok(())
    }
}
