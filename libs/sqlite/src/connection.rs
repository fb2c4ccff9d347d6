//! An open database.

use alloc::boxed::Box;
use alloc::ffi::CString;
use alloc::rc::Rc;
use core::ffi::{CStr, c_char, c_int, c_void};

use libsqlite3_sys as ffi;

use crate::blob::Blob;
use crate::error::{Error, Kind, Result};
use crate::statement::Statement;
use crate::storage::Storage;
use crate::vfs::Vfs;

/// The name that databases have on every storage; the log's is the same with `-wal` behind it.
pub const DATABASE: &str = "database";

/// What statements may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Anything.
    Full,
    /// Nothing that changes the database or the connection: only `select`.
    Read,
}

/// An open database. See the [crate](crate). Clones are the same connection, which is closed when
/// the last of them is dropped, and every statement and blob that came out of it.
#[derive(Clone)]
pub struct Connection(Rc<Inner>);

struct Inner {
    raw: *mut ffi::sqlite3,
    /// Dropped after the connection is closed: fields are dropped after `drop` has run.
    _vfs: Vfs,
}

impl Connection {
    /// Opens the database on `storage`, or makes an empty one there.
    pub fn open(storage: Box<dyn Storage>) -> Result<Connection> {
        crate::page_cache::install();
        let vfs = Vfs::new(storage)?;
        let name = CString::new(DATABASE).map_err(|_| Error::own(Kind::Other, "a bad name"))?;
        let mut raw = core::ptr::null_mut();
        let flags = ffi::SQLITE_OPEN_READWRITE
            | ffi::SQLITE_OPEN_CREATE
            | ffi::SQLITE_OPEN_NOMUTEX
            | ffi::SQLITE_OPEN_PRIVATECACHE
            | ffi::SQLITE_OPEN_EXRESCODE;
        // SAFETY: both names end with a zero byte, and `raw` is a place for the answer.
        let code =
            unsafe { ffi::sqlite3_open_v2(name.as_ptr(), &mut raw, flags, vfs.name().as_ptr()) };
        let connection = Connection(Rc::new(Inner { raw, _vfs: vfs }));
        connection.check(code)?;
        // A statement's plan is to depend on its text alone. Otherwise SQLite looks at the values that
        // are bound to it, and plans anew whenever they change: ten times the work of running it.
        // SAFETY: the connection is open, and this option takes a number and a pointer, or null.
        let code = unsafe {
            ffi::sqlite3_db_config(
                connection.raw(),
                ffi::SQLITE_DBCONFIG_ENABLE_QPSG,
                1 as c_int,
                core::ptr::null_mut::<c_int>(),
            )
        };
        connection.check(code)?;
        // Nobody else has the storage, and temporary tables have no place there.
        connection.execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA temp_store=MEMORY;")?;
        Ok(connection)
    }

    /// Runs statements that return nothing, apart from each other by `;`.
    pub fn execute(&self, sql: &str) -> Result<()> {
        let mut rest = sql;
        while !rest.trim().is_empty() {
            let (statement, tail) = Statement::new(self, rest)?;
            if let Some(mut statement) = statement {
                while statement.step()? {}
            }
            rest = tail;
        }
        Ok(())
    }

    /// Prepares one statement.
    pub fn prepare(&self, sql: &str) -> Result<Statement> {
        match Statement::new(self, sql)? {
            (Some(statement), rest) if rest.trim().trim_matches(';').trim().is_empty() => {
                Ok(statement)
            }
            (Some(_), _) => Err(Error::own(Kind::Misuse, "more than one statement")),
            (None, _) => Err(Error::own(Kind::Misuse, "no statement")),
        }
    }

    /// Opens the value in a row of a table for reading, or for reading and writing, in parts.
    pub fn blob(&self, table: &CStr, column: &CStr, row: i64, writable: bool) -> Result<Blob> {
        Blob::new(self, table, column, row, writable)
    }

    /// The row id of the last row that was inserted.
    pub fn last_insert_rowid(&self) -> i64 {
        // SAFETY: the connection is open.
        unsafe { ffi::sqlite3_last_insert_rowid(self.raw()) }
    }

    /// How many rows the last statement changed.
    pub fn changes(&self) -> usize {
        // SAFETY: the connection is open.
        unsafe { ffi::sqlite3_changes(self.raw()) as usize }
    }

    /// Whether a transaction is open.
    pub fn in_transaction(&self) -> bool {
        // SAFETY: the connection is open.
        unsafe { ffi::sqlite3_get_autocommit(self.raw()) == 0 }
    }

    /// Limits what statements prepared from now on may do.
    pub fn set_access(&self, access: Access) {
        let authorizer: Option<unsafe extern "C" fn(_, _, _, _, _, _) -> _> = match access {
            Access::Full => None,
            Access::Read => Some(only_read),
        };
        // SAFETY: the function fits SQLite's type and needs no context.
        unsafe { ffi::sqlite3_set_authorizer(self.raw(), authorizer, core::ptr::null_mut()) };
    }

    /// Lets statements end with [`Kind::Interrupted`] after about this many steps of SQLite's
    /// virtual machine; 0 lets them run for ever.
    pub fn set_steps_max(&self, steps: u32) {
        let steps = c_int::try_from(steps).unwrap_or(c_int::MAX);
        let handler: Option<unsafe extern "C" fn(_) -> _> = match steps {
            0 => None,
            _ => Some(enough),
        };
        // SAFETY: as in `set_access`.
        unsafe {
            ffi::sqlite3_progress_handler(self.raw(), steps, handler, core::ptr::null_mut());
        }
    }

    pub(crate) fn raw(&self) -> *mut ffi::sqlite3 {
        self.0.raw
    }

    /// SQLite's number as a result, with its words.
    pub(crate) fn check(&self, code: c_int) -> Result<()> {
        match code {
            ffi::SQLITE_OK => Ok(()),
            // SAFETY: the connection is open, or null if there was no memory for it.
            code => Err(unsafe { Error::new(code, self.raw()) }),
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        // SAFETY: statements and blobs keep the connection, so none is left, and it is closed
        // once. Null is allowed.
        unsafe { ffi::sqlite3_close(self.raw) };
    }
}

/// Ends a statement that has taken its share of steps.
unsafe extern "C" fn enough(_: *mut c_void) -> c_int {
    1
}

/// Allows what reads and nothing else.
unsafe extern "C" fn only_read(
    _: *mut c_void,
    action: c_int,
    _: *const c_char,
    _: *const c_char,
    _: *const c_char,
    _: *const c_char,
) -> c_int {
    match action {
        ffi::SQLITE_SELECT | ffi::SQLITE_READ | ffi::SQLITE_FUNCTION | ffi::SQLITE_RECURSIVE => {
            ffi::SQLITE_OK
        }
        _ => ffi::SQLITE_DENY,
    }
}
