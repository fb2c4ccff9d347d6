//! Storage as SQLite sees it: a "VFS", a table of C functions (SQLite's documentation: "The
//! SQLite OS Interface or VFS").
//!
//! Each connection has a VFS of its own, registered under a name that no other has, so that tests
//! can open many at once. The functions here are called by SQLite only, on the thread that uses
//! the connection, with the objects that were handed to it.

use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::format;
use core::cell::RefCell;
use core::ffi::{CStr, c_char, c_int, c_void};
use core::sync::atomic::{AtomicUsize, Ordering};

use libsqlite3_sys as ffi;

use crate::error::{Error, Kind, Result};
use crate::storage::{File, Storage, StorageError};

/// Bytes of the longest name of a file.
const NAME_LEN_MAX: c_int = 128;

/// Sectors of this many bytes are the smallest thing that the storage writes at once; bytes
/// outside a range that is written stay what they are even if the power goes
/// (`SQLITE_IOCAP_POWERSAFE_OVERWRITE`), since a sector is written back with the same bytes.
const SECTOR_LEN: c_int = 512;

/// Blocks of memory of at least so many bytes are initialised when SQLite gets them: pages of the usual size.
pub(crate) const INITIALISED_LEN: usize = 4096;

/// A registered VFS. Dropping it, after the connection is closed, takes it back.
pub struct Vfs {
    raw: *mut ffi::sqlite3_vfs,
}

/// Owned by a VFS, and reached through its `pAppData`.
struct State {
    name: CString,
    storage: RefCell<Box<dyn Storage>>,
}

impl Vfs {
    /// Registers a VFS for this storage.
    pub fn new(storage: Box<dyn Storage>) -> Result<Vfs> {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = CString::new(format!("storage{number}"))
            .map_err(|_| Error::own(Kind::Other, "a name with a zero in it"))?;
        let state = Box::new(State {
            name,
            storage: RefCell::new(storage),
        });
        let vfs = ffi::sqlite3_vfs {
            iVersion: 2,
            szOsFile: size_of::<Open>() as c_int,
            mxPathname: NAME_LEN_MAX,
            pNext: core::ptr::null_mut(),
            zName: state.name.as_ptr(),
            pAppData: Box::into_raw(state).cast(),
            xOpen: Some(open),
            xDelete: Some(delete),
            xAccess: Some(access),
            xFullPathname: Some(full_pathname),
            xDlOpen: None,
            xDlError: None,
            xDlSym: None,
            xDlClose: None,
            xRandomness: Some(randomness),
            xSleep: Some(sleep),
            xCurrentTime: Some(current_time),
            xGetLastError: Some(last_error),
            xCurrentTimeInt64: Some(current_time_ms),
            xSetSystemCall: None,
            xGetSystemCall: None,
            xNextSystemCall: None,
        };
        let vfs = Vfs {
            raw: Box::into_raw(Box::new(vfs)),
        };
        // SAFETY: the VFS stays where it is until `drop` has taken it back.
        let code = unsafe { ffi::sqlite3_vfs_register(vfs.raw, 0) };
        match code {
            ffi::SQLITE_OK => Ok(vfs),
            // SAFETY: there is no connection.
            code => Err(unsafe { Error::new(code, core::ptr::null_mut()) }),
        }
    }

    /// The name to open a connection with.
    pub fn name(&self) -> &CStr {
        // SAFETY: `raw` and what it points to were made by `new` and live until `drop`.
        unsafe { &(*(*self.raw).pAppData.cast::<State>()).name }
    }
}

impl Drop for Vfs {
    fn drop(&mut self) {
        // SAFETY: no connection uses it any more (`Connection` drops its own first), so nobody
        // else has these two allocations, which `new` made.
        unsafe {
            ffi::sqlite3_vfs_unregister(self.raw);
            let vfs = Box::from_raw(self.raw);
            drop(Box::from_raw(vfs.pAppData.cast::<State>()));
        }
    }
}

/// An open file, in memory that SQLite provides: `szOsFile` bytes.
#[repr(C)]
struct Open {
    base: ffi::sqlite3_file,
    file: *mut Box<dyn File>,
}

static METHODS: ffi::sqlite3_io_methods = ffi::sqlite3_io_methods {
    iVersion: 1,
    xClose: Some(close),
    xRead: Some(read),
    xWrite: Some(write),
    xTruncate: Some(truncate),
    xSync: Some(sync),
    xFileSize: Some(file_size),
    xLock: Some(lock),
    xUnlock: Some(lock),
    xCheckReservedLock: Some(check_reserved_lock),
    xFileControl: Some(file_control),
    xSectorSize: Some(sector_size),
    xDeviceCharacteristics: Some(device_characteristics),
    xShmMap: None,
    xShmLock: None,
    xShmBarrier: None,
    xShmUnmap: None,
    xFetch: None,
    xUnfetch: None,
};

/// The storage behind a VFS, for the length of one call.
///
/// # Safety
/// `vfs` is one that [`Vfs::new`] made and that has not been dropped.
unsafe fn with_storage<T>(
    vfs: *mut ffi::sqlite3_vfs,
    run: impl FnOnce(&mut dyn Storage) -> T,
) -> T {
    // SAFETY: by the contract above `pAppData` points to a `State`.
    let state = unsafe { &*(*vfs).pAppData.cast::<State>() };
    // SQLite calls one function at a time, and no storage calls SQLite.
    run(&mut **state.storage.borrow_mut())
}

/// # Safety
/// `name` is null or ends with a zero byte.
unsafe fn text<'a>(name: *const c_char) -> Option<&'a str> {
    if name.is_null() {
        return None;
    }
    // SAFETY: by the contract above.
    unsafe { CStr::from_ptr(name) }.to_str().ok()
}

fn code(error: StorageError, otherwise: c_int) -> c_int {
    match error {
        StorageError::Io => otherwise,
        StorageError::Full => ffi::SQLITE_FULL,
        StorageError::CannotOpen => ffi::SQLITE_CANTOPEN,
        StorageError::OutOfMemory => ffi::SQLITE_NOMEM,
    }
}

unsafe extern "C" fn open(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    file: *mut ffi::sqlite3_file,
    flags: c_int,
    out_flags: *mut c_int,
) -> c_int {
    let open = file.cast::<Open>();
    // SAFETY: SQLite gives `szOsFile` bytes, enough for an `Open`. Methods that are null say that
    // there is nothing to close should this fail.
    unsafe {
        (*open).base.pMethods = core::ptr::null();
        (*open).file = core::ptr::null_mut();
    }
    // A file without a name is a temporary one; those are kept in memory (`temp_store`).
    // SAFETY: SQLite's names end with a zero byte.
    let Some(name) = (unsafe { text(name) }) else {
        return ffi::SQLITE_CANTOPEN;
    };
    let create = flags & ffi::SQLITE_OPEN_CREATE != 0;
    // SAFETY: SQLite passes the VFS that it was given.
    match unsafe { with_storage(vfs, |storage| storage.open(name, create)) } {
        Ok(opened) => {
            // SAFETY: as above. `out_flags` may be null.
            unsafe {
                (*open).file = Box::into_raw(Box::new(opened));
                (*open).base.pMethods = &METHODS;
                if !out_flags.is_null() {
                    *out_flags = flags;
                }
            }
            ffi::SQLITE_OK
        }
        Err(error) => code(error, ffi::SQLITE_CANTOPEN),
    }
}

/// The file behind SQLite's handle.
///
/// # Safety
/// `file` was opened by [`open`] and has not been closed; nobody else has a reference to it.
unsafe fn file_of<'a>(file: *mut ffi::sqlite3_file) -> &'a mut dyn File {
    // SAFETY: by the contract above `file` is an `Open` whose pointer is that of `open`.
    unsafe { &mut **(*file.cast::<Open>()).file }
}

unsafe extern "C" fn close(file: *mut ffi::sqlite3_file) -> c_int {
    // SAFETY: SQLite closes each file once; the pointer is the one that `open` made.
    unsafe {
        let open = file.cast::<Open>();
        drop(Box::from_raw((*open).file));
        (*open).file = core::ptr::null_mut();
        (*open).base.pMethods = core::ptr::null();
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn read(
    file: *mut ffi::sqlite3_file,
    buffer: *mut c_void,
    len: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite passes an open file, and a buffer of `len` bytes that is its own. A small one need
    // not be initialised, so it is zeroed first. One for a whole page is memory that was allocated, and our
    // allocator for a bare machine initialises blocks of such a length once (`libc.rs`), so that not each page that is read is written
    // twice; elsewhere it comes from C.
    let (file, buffer) = unsafe {
        if (len as usize) < INITIALISED_LEN {
            core::ptr::write_bytes(buffer.cast::<u8>(), 0, len as usize);
        }
        let buffer = core::slice::from_raw_parts_mut(buffer.cast::<u8>(), len as usize);
        (file_of(file), buffer)
    };
    match file.read(offset as u64, buffer) {
        Ok(count) if count == buffer.len() => ffi::SQLITE_OK,
        Ok(count) => {
            buffer[count.min(len as usize)..].fill(0);
            ffi::SQLITE_IOERR_SHORT_READ
        }
        Err(error) => code(error, ffi::SQLITE_IOERR_READ),
    }
}

unsafe extern "C" fn write(
    file: *mut ffi::sqlite3_file,
    buffer: *const c_void,
    len: c_int,
    offset: ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite passes an open file, and `len` bytes that nobody changes meanwhile.
    let (file, bytes) = unsafe {
        let bytes = core::slice::from_raw_parts(buffer.cast::<u8>(), len as usize);
        (file_of(file), bytes)
    };
    result(file.write(offset as u64, bytes), ffi::SQLITE_IOERR_WRITE)
}

fn result(result: core::result::Result<(), StorageError>, otherwise: c_int) -> c_int {
    match result {
        Ok(()) => ffi::SQLITE_OK,
        Err(error) => code(error, otherwise),
    }
}

unsafe extern "C" fn truncate(file: *mut ffi::sqlite3_file, len: ffi::sqlite3_int64) -> c_int {
    // SAFETY: SQLite passes an open file.
    let file = unsafe { file_of(file) };
    result(file.set_len(len as u64), ffi::SQLITE_IOERR_TRUNCATE)
}

unsafe extern "C" fn sync(file: *mut ffi::sqlite3_file, _flags: c_int) -> c_int {
    // SAFETY: SQLite passes an open file.
    let file = unsafe { file_of(file) };
    result(file.sync(), ffi::SQLITE_IOERR_FSYNC)
}

unsafe extern "C" fn file_size(
    file: *mut ffi::sqlite3_file,
    size: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite passes an open file.
    match unsafe { file_of(file) }.len() {
        Ok(len) => {
            // SAFETY: and a place for the answer.
            unsafe { *size = len as ffi::sqlite3_int64 };
            ffi::SQLITE_OK
        }
        Err(error) => code(error, ffi::SQLITE_IOERR_FSTAT),
    }
}

// Nobody else has the storage, so locks are always there to be had.
unsafe extern "C" fn lock(_: *mut ffi::sqlite3_file, _: c_int) -> c_int {
    ffi::SQLITE_OK
}

unsafe extern "C" fn check_reserved_lock(_: *mut ffi::sqlite3_file, held: *mut c_int) -> c_int {
    // SAFETY: SQLite passes a place for the answer.
    unsafe { *held = 0 };
    ffi::SQLITE_OK
}

unsafe extern "C" fn file_control(_: *mut ffi::sqlite3_file, _: c_int, _: *mut c_void) -> c_int {
    ffi::SQLITE_NOTFOUND
}

unsafe extern "C" fn sector_size(_: *mut ffi::sqlite3_file) -> c_int {
    SECTOR_LEN
}

unsafe extern "C" fn device_characteristics(_: *mut ffi::sqlite3_file) -> c_int {
    ffi::SQLITE_IOCAP_POWERSAFE_OVERWRITE | ffi::SQLITE_IOCAP_UNDELETABLE_WHEN_OPEN
}

unsafe extern "C" fn delete(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _sync_directory: c_int,
) -> c_int {
    // SAFETY: SQLite's names end with a zero byte, and it passes the VFS that it was given.
    let deleted = unsafe {
        let Some(name) = text(name) else {
            return ffi::SQLITE_IOERR_DELETE;
        };
        with_storage(vfs, |storage| storage.delete(name))
    };
    result(deleted, ffi::SQLITE_IOERR_DELETE)
}

unsafe extern "C" fn access(
    vfs: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    _flags: c_int,
    answer: *mut c_int,
) -> c_int {
    // SAFETY: as in `delete`; `answer` is a place for the answer.
    unsafe {
        let exists = match text(name) {
            Some(name) => with_storage(vfs, |storage| storage.exists(name)),
            None => Ok(false),
        };
        match exists {
            Ok(exists) => {
                *answer = exists.into();
                ffi::SQLITE_OK
            }
            Err(error) => code(error, ffi::SQLITE_IOERR_ACCESS),
        }
    }
}

unsafe extern "C" fn full_pathname(
    _: *mut ffi::sqlite3_vfs,
    name: *const c_char,
    room: c_int,
    answer: *mut c_char,
) -> c_int {
    // SAFETY: SQLite's names end with a zero byte, and `answer` has room for `room` bytes.
    unsafe {
        let name = CStr::from_ptr(name).to_bytes_with_nul();
        if name.len() > room as usize {
            return ffi::SQLITE_CANTOPEN;
        }
        core::ptr::copy_nonoverlapping(name.as_ptr().cast(), answer, name.len());
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn randomness(
    vfs: *mut ffi::sqlite3_vfs,
    len: c_int,
    buffer: *mut c_char,
) -> c_int {
    // SAFETY: SQLite passes the VFS that it was given and `len` bytes of its own, which are
    // initialised here before a slice of them is made.
    unsafe {
        core::ptr::write_bytes(buffer, 0, len as usize);
        let bytes = core::slice::from_raw_parts_mut(buffer.cast::<u8>(), len as usize);
        with_storage(vfs, |storage| storage.random(bytes));
    }
    len
}

unsafe extern "C" fn sleep(_: *mut ffi::sqlite3_vfs, _: c_int) -> c_int {
    0
}

/// Milliseconds from noon of November 24, 4714 BC, where SQLite's days begin, to 1970.
const UNIX_EPOCH_MS: i64 = 210_866_760_000_000;

unsafe extern "C" fn current_time_ms(
    vfs: *mut ffi::sqlite3_vfs,
    now: *mut ffi::sqlite3_int64,
) -> c_int {
    // SAFETY: SQLite passes the VFS that it was given and a place for the answer.
    unsafe {
        let unix_ms = with_storage(vfs, |storage| storage.unix_ms());
        *now = UNIX_EPOCH_MS.saturating_add(unix_ms as i64);
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn current_time(vfs: *mut ffi::sqlite3_vfs, now: *mut f64) -> c_int {
    let mut ms = 0;
    // SAFETY: as above.
    unsafe {
        current_time_ms(vfs, &mut ms);
        *now = ms as f64 / 86_400_000.0;
    }
    ffi::SQLITE_OK
}

unsafe extern "C" fn last_error(_: *mut ffi::sqlite3_vfs, _: c_int, _: *mut c_char) -> c_int {
    0
}
