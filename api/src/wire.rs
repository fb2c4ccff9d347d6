//! How messages are laid out: what generated code encodes with and decodes with.
//!
//! Fields follow each other in the order of the YAML file, integers little-endian and aligned
//! to their size from the body's start. What has a length is preceded by it (`u32`), an option
//! by a byte 0 or 1. Handles travel beside the body, in order. There is nothing else: no field
//! numbers, no padding rules to remember, no allocation.
//!
//! Principles:
//! 1. The decoder believes nothing. Each read is checked against the body's length, each bool,
//!    enum, option tag, UTF-8 sequence and bound against what the interface allows, and at the
//!    end nothing may be left over.
//! 2. Encoding writes straight into the send page, so a message is never built twice.
//! 3. For messages of integers alone every offset is a constant once this is inlined; that is
//!    why the small functions say `inline(always)`.

use core::marker::PhantomData;
use core::mem::ManuallyDrop;

use abi::{Error, Handle, HandleTypes, MESSAGE_LEN_MAX, ObjectKind, Result, Rights};

use crate::handle::{Object, OwnedHandle};
use crate::sys::{Handles, NO_HANDLES};
use crate::{buffer, stage};

const _: () = assert!(cfg!(target_endian = "little"));

/// Writes a message's body into the send page.
///
/// There is one send page for each thread, so there should be one writer at a time; a second
/// one overwrites the first one's text, which the receiver's decoder then refuses.
pub struct Writer {
    page: *mut u8,
    position: usize,
    handles: Handles,
    handle_count: usize,
}

macro_rules! write_integers {
    ($($name:ident)+) => {$(
        /// Appends an integer.
        #[inline(always)]
        pub fn $name(&mut self, value: $name) -> Result<()> {
            let at = self.reserve(size_of::<$name>(), size_of::<$name>())?;
            // SAFETY: `reserve` answered with an aligned place inside the page.
            unsafe { self.page.add(at).cast::<$name>().write(value) };
            Ok(())
        }
    )+};
}

impl Writer {
    /// Starts at the beginning of the send page.
    #[inline(always)]
    #[allow(clippy::new_without_default)] // it has a side effect, which a default should not
    pub fn new() -> Writer {
        stage::flush();
        Writer {
            page: buffer::send_page(),
            position: 0,
            handles: NO_HANDLES,
            handle_count: 0,
        }
    }

    /// Where the next `len` bytes go, aligned.
    #[inline(always)]
    fn reserve(&mut self, len: usize, align: usize) -> Result<usize> {
        let at = self.position.wrapping_add(align - 1) & !(align - 1);
        if len > MESSAGE_LEN_MAX || at > MESSAGE_LEN_MAX - len {
            return Err(Error::MessageTooLong);
        }
        // The kernel sends the gap along; it must not carry what an earlier message left there.
        let mut gap = self.position;
        while gap < at {
            // SAFETY: below `at`, which is inside the page.
            unsafe { self.page.add(gap).write(0) };
            gap += 1;
        }
        self.position = at + len;
        Ok(at)
    }

    write_integers!(u8 u16 u32 u64 i8 i16 i32 i64 f64);

    /// Appends a bool.
    #[inline(always)]
    pub fn bool(&mut self, value: bool) -> Result<()> {
        self.u8(value as u8)
    }

    /// Appends bytes, at most `max`.
    #[inline]
    pub fn bytes(&mut self, value: &[u8], max: usize) -> Result<()> {
        self.count(value.len(), max)?;
        let at = self.reserve(value.len(), 1)?;
        // SAFETY: `reserve` answered with room for them; the page is no part of `value`, since
        // no reference to it exists.
        unsafe { core::ptr::copy_nonoverlapping(value.as_ptr(), self.page.add(at), value.len()) };
        Ok(())
    }

    /// Appends text, at most `max` bytes.
    #[inline]
    pub fn str(&mut self, value: &str, max: usize) -> Result<()> {
        self.bytes(value.as_bytes(), max)
    }

    /// Appends the length of what follows.
    #[inline]
    pub fn count(&mut self, count: usize, max: usize) -> Result<()> {
        if count > max {
            return Err(Error::InvalidArgument);
        }
        self.u32(count as u32)
    }

    /// Appends a list, at most `max` items.
    pub fn list<'a, T: Wire<'a>>(&mut self, list: List<'a, T>, max: usize) -> Result<()> {
        self.count(list.len(), max)?;
        for item in list {
            item.encode(self)?;
        }
        Ok(())
    }

    /// Adds a handle, which is moved to the receiver when the message is sent, and closed if
    /// it cannot be sent.
    pub fn handle(&mut self, handle: impl Into<OwnedHandle>) -> Result<()> {
        let handle = handle.into();
        let place = self
            .handles
            .get_mut(self.handle_count)
            .ok_or(Error::MessageTooLong)?;
        *place = handle.into_raw();
        self.handle_count += 1;
        Ok(())
    }

    /// The body as bytes of its own, for tests.
    pub fn into_bytes(self) -> alloc::vec::Vec<u8> {
        let mut bytes = alloc::vec![0; self.position];
        buffer::read_send(&mut bytes);
        bytes
    }

    /// Length of the body, the handles and their number. From here on whoever sends owns the handles.
    #[inline(always)]
    pub(crate) fn finish(self) -> (usize, Handles, usize) {
        let this = ManuallyDrop::new(self);
        (this.position, this.handles, this.handle_count)
    }
}

impl Drop for Writer {
    #[inline(always)]
    fn drop(&mut self) {
        if self.handle_count > 0 {
            close_all(self.handles);
        }
    }
}

/// Closes handles that nobody wants.
#[inline(always)]
pub(crate) fn close_all(handles: Handles) {
    // In registers: an array would be passed by its address, and whoever has such an address keeps
    // everything around the array in memory, on the way that is not cold too.
    let [first, second, third, fourth] = handles;
    close_packed(
        abi::pack_handles(first, second),
        abi::pack_handles(third, fourth),
    );
}

#[cold]
#[inline(never)]
fn close_packed(first: usize, second: usize) {
    let ((first, second), (third, fourth)) =
        (abi::unpack_handles(first), abi::unpack_handles(second));
    for handle in [first, second, third, fourth] {
        if !handle.is_none() {
            drop(OwnedHandle::from_raw(handle));
        }
    }
}

/// Reads a message's body.
pub struct Reader<'a> {
    base: *const u8,
    position: usize,
    len: usize,
    handles: Attached,
    /// Whether the bytes stay as they are for `'a`, so that views of them may be given out.
    views: bool,
    body: PhantomData<&'a [u8]>,
}

macro_rules! read_integers {
    ($($name:ident)+) => {$(
        /// Reads an integer.
        #[inline(always)]
        pub fn $name(&mut self) -> Result<$name> {
            let at = self.advance(size_of::<$name>(), size_of::<$name>())?;
            // SAFETY: `advance` answered with an aligned place inside the body, whose base is
            // aligned to 8 (contract of `new`).
            Ok(unsafe { self.base.add(at).cast::<$name>().read() })
        }
    )+};
}

impl<'a> Reader<'a> {
    /// A reader of `len` bytes at `base`, which owns the handles.
    ///
    /// # Safety
    /// `base` must be aligned to 8, and its first `len` bytes readable for as long as the reader
    /// is used. If `views` is set they must also be initialized and unchanging for `'a`.
    #[inline(always)]
    pub(crate) unsafe fn new(
        base: *const u8,
        len: usize,
        handles: Attached,
        views: bool,
    ) -> Reader<'a> {
        // The kernel lets no longer message through; this is for the compiler to know.
        let len = len.min(MESSAGE_LEN_MAX);
        Reader {
            base,
            position: 0,
            len,
            handles,
            views,
            body: PhantomData,
        }
    }

    /// A reader of bytes that lie anywhere, without handles. For settings, not for messages.
    pub fn of_bytes(bytes: &'a Aligned) -> Reader<'a> {
        // SAFETY: `Aligned` is aligned to 8 and borrowed for `'a`; its length is inside it.
        unsafe { Reader::new(bytes.bytes.as_ptr(), bytes.len, Attached::NONE, true) }
    }

    #[inline(always)]
    fn advance(&mut self, len: usize, align: usize) -> Result<usize> {
        let at = self.position.wrapping_add(align - 1) & !(align - 1);
        let end = at.wrapping_add(len);
        if end > self.len || end < at {
            return Err(Error::Malformed);
        }
        self.position = end;
        Ok(at)
    }

    /// Checks that the body is just so long. Generated code asks this first of messages that have
    /// always the same length: no read after that needs a check of its own.
    #[inline(always)]
    pub fn expect_len(&self, len: usize) -> Result<()> {
        if self.len == len {
            Ok(())
        } else {
            Err(Error::Malformed)
        }
    }

    read_integers!(u8 u16 u32 u64 i8 i16 i32 i64 f64);

    /// Reads a bool: 0 or 1, nothing else.
    #[inline(always)]
    pub fn bool(&mut self) -> Result<bool> {
        match self.u8()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Error::Malformed),
        }
    }

    /// Reads bytes, at most `max`: a view of the message.
    #[inline]
    pub fn bytes(&mut self, max: usize) -> Result<&'a [u8]> {
        let len = self.count(max)?;
        let at = self.advance(len, 1)?;
        if !self.views {
            return Err(Error::Internal);
        }
        // SAFETY: inside the body, which does not change for `'a` (contract of `new`).
        Ok(unsafe { core::slice::from_raw_parts(self.base.add(at), len) })
    }

    /// Reads text, at most `max` bytes: a view of the message.
    #[inline]
    pub fn str(&mut self, max: usize) -> Result<&'a str> {
        core::str::from_utf8(self.bytes(max)?).map_err(|_| Error::Malformed)
    }

    /// Reads the length of what follows.
    #[inline]
    pub fn count(&mut self, max: usize) -> Result<usize> {
        let count = self.u32()? as usize;
        if count > max {
            Err(Error::Malformed)
        } else {
            Ok(count)
        }
    }

    /// Reads a list, at most `max` items. Each is decoded once now, so that walking the list
    /// cannot fail later.
    pub fn list<T: Wire<'a>>(&mut self, max: usize) -> Result<List<'a, T>> {
        let count = self.count(max)?;
        if !self.views {
            return Err(Error::Internal);
        }
        let start = self.place();
        for _ in 0..count {
            T::decode(self)?;
        }
        Ok(List {
            items: Items::Encoded(start),
            count,
        })
    }

    /// Takes the next handle, which must be one of a `T` with the rights that a `T` has.
    #[inline]
    pub fn handle<T: Object>(&mut self) -> Result<T> {
        self.handle_with(T::RIGHTS)
    }

    /// Takes the next handle, which must be one of a `T` with at least these rights.
    pub fn handle_with<T: Object>(&mut self, rights: Rights) -> Result<T> {
        self.handles.take(T::KIND, rights).map(T::from)
    }

    /// This reader, also where it is a reference already.
    #[inline(always)]
    pub fn by_ref(&mut self) -> &mut Reader<'a> {
        self
    }

    /// Whether everything has been read, as it must be in the end.
    #[inline(always)]
    pub fn finish(self) -> Result<()> {
        if self.position == self.len && self.handles.taken == self.handles.count {
            Ok(())
        } else {
            Err(Error::Malformed)
        }
    }

    /// Whether all bytes have been read: then optional fields that an older peer does not know are absent.
    #[inline(always)]
    pub fn is_at_end(&self) -> bool {
        self.position == self.len
    }

    fn place(&self) -> Place<'a> {
        Place {
            base: self.base,
            position: self.position,
            len: self.len,
            body: PhantomData,
        }
    }
}

/// Where a reader stood. Unlike the reader it owns no handles, so it can be copied.
#[derive(Clone, Copy)]
struct Place<'a> {
    base: *const u8,
    position: usize,
    len: usize,
    body: PhantomData<&'a [u8]>,
}

impl<'a> Place<'a> {
    fn reader(self) -> Reader<'a> {
        // SAFETY: these are the base and length that a reader for `'a` was made with.
        let mut reader = unsafe { Reader::new(self.base, self.len, Attached::NONE, true) };
        reader.position = self.position;
        reader
    }
}

impl Drop for Reader<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.handles.taken < self.handles.count {
            close_all(self.handles.handles);
        }
    }
}

/// The handles of a received message, as far as they have not been taken.
#[derive(Clone, Copy)]
pub(crate) struct Attached {
    handles: Handles,
    types: HandleTypes,
    taken: usize,
    count: usize,
}

impl Attached {
    pub const NONE: Attached = Attached::new(NO_HANDLES, HandleTypes::NONE, 0);

    #[inline(always)]
    pub const fn new(handles: Handles, types: HandleTypes, count: usize) -> Attached {
        Attached {
            handles,
            types,
            taken: 0,
            count,
        }
    }

    /// Takes the next one. If it is not what it should be it stays, to be closed with the rest.
    fn take(&mut self, kind: ObjectKind, rights: Rights) -> Result<OwnedHandle> {
        let next = self.handles.get_mut(self.taken);
        let next = next.filter(|handle| !handle.is_none() && self.taken < self.count);
        let (Some(handle), Some(given)) = (next, self.types.get(self.taken)) else {
            return Err(Error::Malformed);
        };
        if given.kind != kind {
            return Err(Error::WrongKind);
        }
        if !given.rights.contains(rights) {
            return Err(Error::MissingRight);
        }
        self.taken += 1;
        Ok(OwnedHandle::from_raw(core::mem::replace(
            handle,
            Handle::NONE,
        )))
    }
}

/// A value that lists may hold: integers, generated enums and structs.
pub trait Wire<'a>: Copy {
    /// Appends it.
    fn encode(self, writer: &mut Writer) -> Result<()>;
    /// Reads it.
    fn decode(reader: &mut Reader<'a>) -> Result<Self>;
}

macro_rules! wire_integers {
    ($($name:ident)+) => {$(
        impl Wire<'_> for $name {
            #[inline(always)]
            fn encode(self, writer: &mut Writer) -> Result<()> {
                writer.$name(self)
            }
            #[inline(always)]
            fn decode(reader: &mut Reader<'_>) -> Result<$name> {
                reader.$name()
            }
        }
    )+};
}

wire_integers!(bool u8 u16 u32 u64 i8 i16 i32 i64 f64);

/// A list in a message: either a slice that is to be sent, or one that was received.
pub struct List<'a, T> {
    items: Items<'a, T>,
    count: usize,
}

enum Items<'a, T> {
    Slice(&'a [T]),
    /// Decoded successfully once before.
    Encoded(Place<'a>),
}

impl<T> List<'_, T> {
    /// How many items.
    pub fn len(&self) -> usize {
        self.count
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }
}

impl<'a, T: Wire<'a>> List<'a, T> {
    /// Walks the items.
    pub fn iter(&self) -> List<'a, T> {
        *self
    }
}

impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<'_, T> {}

impl<T> Clone for Items<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Items<'_, T> {}

impl<'a, T> From<&'a [T]> for List<'a, T> {
    fn from(items: &'a [T]) -> Self {
        List {
            count: items.len(),
            items: Items::Slice(items),
        }
    }
}

impl<'a, T, const N: usize> From<&'a [T; N]> for List<'a, T> {
    fn from(items: &'a [T; N]) -> Self {
        items.as_slice().into()
    }
}

impl<'a, T: Wire<'a>> Iterator for List<'a, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.count = self.count.checked_sub(1)?;
        match &mut self.items {
            Items::Slice(items) => {
                let (first, rest) = items.split_first()?;
                *items = rest;
                Some(*first)
            }
            Items::Encoded(place) => {
                let mut reader = place.reader();
                let item = T::decode(&mut reader).ok()?;
                *place = reader.place();
                Some(item)
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.count, Some(self.count))
    }
}

impl<'a, T: Wire<'a>> ExactSizeIterator for List<'a, T> {}

impl<'a, T: Wire<'a> + core::fmt::Debug> core::fmt::Debug for List<'a, T> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_list().entries(*self).finish()
    }
}

/// A page of memory, aligned like the message buffer: what a message with views is copied to,
/// so that the views stay valid while the message buffer is used for something else.
#[repr(C, align(8))]
pub struct Aligned {
    bytes: [u8; MESSAGE_LEN_MAX],
    len: usize,
}

impl Aligned {
    /// An empty page.
    #[allow(clippy::new_without_default)]
    pub const fn new() -> Aligned {
        Aligned {
            bytes: [0; MESSAGE_LEN_MAX],
            len: 0,
        }
    }
    /// What is in it.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
    /// Replaces what is in it; what does not fit is cut.
    pub fn fill(&mut self, bytes: &[u8]) {
        self.len = bytes.len().min(MESSAGE_LEN_MAX);
        self.bytes[..self.len].copy_from_slice(&bytes[..self.len]);
    }
    /// An empty page on the heap.
    pub(crate) fn boxed() -> alloc::boxed::Box<Aligned> {
        alloc::boxed::Box::new(Aligned::new())
    }
    /// Replaces what is in it by the send page.
    pub(crate) fn fill_send(&mut self) {
        self.len = buffer::read_send(&mut self.bytes);
    }
    /// Replaces what is in it by the first `len` bytes of the receive page, in words.
    #[inline]
    pub(crate) fn fill_received(&mut self, len: usize) {
        self.len = len.min(MESSAGE_LEN_MAX);
        let from = buffer::receive_page().cast::<u64>();
        let to = self.bytes.as_mut_ptr().cast::<u64>();
        let words = self.len.div_ceil(8);
        let mut i = 0;
        while i < words {
            // SAFETY: both are pages of `MESSAGE_LEN_MAX` bytes aligned to 8, and `i` is below
            // a page's number of words. Volatile keeps this a loop over words: `memcpy` costs
            // more than that for the short bodies that messages have.
            unsafe { to.add(i).write(from.add(i).read_volatile()) };
            i += 1;
        }
    }
}
