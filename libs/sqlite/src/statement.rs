//! A prepared statement.

use core::ffi::{c_char, c_int};

use libsqlite3_sys as ffi;

use crate::connection::Connection;
use crate::error::{Error, Kind, Result};

/// A prepared statement, which keeps its connection open. It is run with [`Statement::step`], and again after
/// [`Statement::reset`].
pub struct Statement {
    raw: *mut ffi::sqlite3_stmt,
    connection: Connection,
    /// Whether the last step came to a row, so that columns can be read.
    on_row: bool,
}

/// A value, to be bound to a parameter or found in a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// A whole number.
    Integer(i64),
    /// A number.
    Real(f64),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Blob(&'a [u8]),
}

impl From<i64> for Value<'_> {
    fn from(value: i64) -> Self {
        Value::Integer(value)
    }
}
impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Value::Text(value)
    }
}
impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Value::Blob(value)
    }
}
impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Value::Null, Into::into)
    }
}

impl Statement {
    /// Prepares the first statement in `sql`; also what comes after it. None if there are only
    /// blanks and comments.
    pub(crate) fn new<'s>(
        connection: &Connection,
        sql: &'s str,
    ) -> Result<(Option<Statement>, &'s str)> {
        let len = c_int::try_from(sql.len())
            .map_err(|_| Error::own(Kind::Misuse, "the statement is too long"))?;
        let mut raw = core::ptr::null_mut();
        let mut tail = core::ptr::null();
        // SAFETY: `sql` is `len` bytes of text, and both others are places for the answers.
        let code = unsafe {
            ffi::sqlite3_prepare_v3(
                connection.raw(),
                sql.as_ptr().cast::<c_char>(),
                len,
                0,
                &mut raw,
                &mut tail,
            )
        };
        connection.check(code)?;
        let used = (tail as usize).wrapping_sub(sql.as_ptr() as usize);
        let rest = sql.get(used..).unwrap_or("");
        let statement = (!raw.is_null()).then_some(Statement {
            raw,
            connection: connection.clone(),
            on_row: false,
        });
        Ok((statement, rest))
    }

    /// Runs it with these values for its parameters, up to the first row.
    pub fn run(&mut self, values: &[Value<'_>]) -> Result<bool> {
        self.reset();
        for (i, value) in values.iter().enumerate() {
            self.bind(i + 1, *value)?;
        }
        self.step()
    }

    /// Runs it with these values, and to its end.
    pub fn execute(&mut self, values: &[Value<'_>]) -> Result<()> {
        let mut more = self.run(values)?;
        while more {
            more = self.step()?;
        }
        self.reset();
        Ok(())
    }

    /// Sets a parameter; the first has number 1. The value is copied.
    pub fn bind(&mut self, number: usize, value: Value<'_>) -> Result<()> {
        self.on_row = false;
        let too_long = || Error::own(Kind::Full, "the value is too long");
        let number = c_int::try_from(number).map_err(|_| too_long())?;
        // SAFETY: the statement lives. `SQLITE_TRANSIENT` has SQLite copy text and bytes before
        // it returns, so they need not live longer.
        let code = unsafe {
            let copy = ffi::SQLITE_TRANSIENT();
            match value {
                Value::Null => ffi::sqlite3_bind_null(self.raw, number),
                Value::Integer(value) => ffi::sqlite3_bind_int64(self.raw, number, value),
                Value::Real(value) => ffi::sqlite3_bind_double(self.raw, number, value),
                Value::Text(text) => {
                    let len = c_int::try_from(text.len()).map_err(|_| too_long())?;
                    ffi::sqlite3_bind_text(self.raw, number, text.as_ptr().cast(), len, copy)
                }
                Value::Blob(bytes) => {
                    let len = c_int::try_from(bytes.len()).map_err(|_| too_long())?;
                    ffi::sqlite3_bind_blob(self.raw, number, bytes.as_ptr().cast(), len, copy)
                }
            }
        };
        self.connection.check(code)
    }

    /// Goes on to the next row. False if there is none.
    pub fn step(&mut self) -> Result<bool> {
        // SAFETY: the statement lives.
        let code = unsafe { ffi::sqlite3_step(self.raw) };
        self.on_row = code == ffi::SQLITE_ROW;
        match code {
            ffi::SQLITE_ROW => Ok(true),
            ffi::SQLITE_DONE => {
                // Locks are let go of, and the next run begins anew.
                self.reset();
                Ok(false)
            }
            code => {
                // SAFETY: the connection is open.
                let error = unsafe { Error::new(code, self.connection.raw()) };
                self.reset();
                Err(error)
            }
        }
    }

    /// Begins anew. The parameters keep their values.
    pub fn reset(&mut self) {
        self.on_row = false;
        // SAFETY: the statement lives. What it returns is the last step's error once more.
        unsafe { ffi::sqlite3_reset(self.raw) };
    }

    /// Whether it leaves the database as it is.
    pub fn is_read_only(&self) -> bool {
        // SAFETY: the statement lives.
        unsafe { ffi::sqlite3_stmt_readonly(self.raw) != 0 }
    }

    /// How often it had to be prepared again by itself, because the schema or an authorizer changed.
    pub fn reprepared(&self) -> u32 {
        // SAFETY: the statement lives.
        unsafe { ffi::sqlite3_stmt_status(self.raw, ffi::SQLITE_STMTSTATUS_REPREPARE, 0) as u32 }
    }

    /// How many columns its rows have.
    pub fn column_count(&self) -> usize {
        // SAFETY: the statement lives.
        unsafe { ffi::sqlite3_column_count(self.raw) as usize }
    }

    /// The name of a column, counted from 0.
    pub fn column_name(&self, column: usize) -> &str {
        let Ok(column) = c_int::try_from(column) else {
            return "";
        };
        // SAFETY: the statement lives; the name does until it is prepared anew, which needs
        // `&mut self`. Null comes for a column that is not there.
        unsafe {
            let name = ffi::sqlite3_column_name(self.raw, column);
            match name.is_null() {
                true => "",
                false => core::ffi::CStr::from_ptr(name).to_str().unwrap_or("?"),
            }
        }
    }

    /// What is in a column of the row, counted from 0. `Null` if there is no row or no such column.
    /// Text that is not UTF-8 comes as bytes.
    pub fn column(&self, column: usize) -> Value<'_> {
        if !self.on_row || column >= self.column_count() {
            return Value::Null;
        }
        let column = column as c_int;
        // SAFETY: the statement is on a row that has this column. Pointers are valid until the
        // next step, reset or conversion: the first two need `&mut self`, and a column is asked
        // for in the type that it has, so nothing is converted.
        unsafe {
            match ffi::sqlite3_column_type(self.raw, column) {
                ffi::SQLITE_INTEGER => Value::Integer(ffi::sqlite3_column_int64(self.raw, column)),
                ffi::SQLITE_FLOAT => Value::Real(ffi::sqlite3_column_double(self.raw, column)),
                ffi::SQLITE_TEXT => {
                    let text = ffi::sqlite3_column_text(self.raw, column);
                    let bytes = self.bytes(text.cast(), column);
                    core::str::from_utf8(bytes).map_or(Value::Blob(bytes), Value::Text)
                }
                ffi::SQLITE_BLOB => {
                    let blob = ffi::sqlite3_column_blob(self.raw, column);
                    Value::Blob(self.bytes(blob.cast(), column))
                }
                _ => Value::Null,
            }
        }
    }

    /// A whole number in a column; 0 if something else is there.
    pub fn integer(&self, column: usize) -> i64 {
        match self.column(column) {
            Value::Integer(value) => value,
            _ => 0,
        }
    }

    /// Text in a column; empty if something else is there.
    pub fn text(&self, column: usize) -> &str {
        match self.column(column) {
            Value::Text(text) => text,
            _ => "",
        }
    }

    /// Bytes in a column; none if a number or nothing is there.
    pub fn blob(&self, column: usize) -> &[u8] {
        match self.column(column) {
            Value::Blob(bytes) => bytes,
            Value::Text(text) => text.as_bytes(),
            _ => &[],
        }
    }

    /// # Safety
    /// `start` is what SQLite answered for this column last, on the row that the statement is on.
    unsafe fn bytes(&self, start: *const u8, column: c_int) -> &[u8] {
        // SAFETY: by the contract above; a value of no bytes, or one that there was no memory for, is
        // null.
        unsafe {
            let len = ffi::sqlite3_column_bytes(self.raw, column) as usize;
            match start.is_null() {
                true => &[],
                false => core::slice::from_raw_parts(start, len),
            }
        }
    }
}

impl Drop for Statement {
    fn drop(&mut self) {
        // SAFETY: the connection is still open, and the statement ends once.
        unsafe { ffi::sqlite3_finalize(self.raw) };
    }
}
