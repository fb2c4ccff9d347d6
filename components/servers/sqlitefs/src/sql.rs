//! Questions in SQL: what the interface `sql` is answered with.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ftl::prelude::*;
use interfaces::sql::ToServer;
use rows::Value;

use crate::answers;
use crate::server::{Server, answer};

/// Bytes of what is wrong: the bound in `interfaces/sql.yml`.
const PROBLEM_LEN_MAX: usize = 500;

/// What a question led to.
struct Asked {
    columns: usize,
    rows: u32,
    bytes: Vec<u8>,
}

impl Server {
    /// Answers a client of `sql`.
    pub fn asked(&mut self, client: Connection, request: ToServer<'_>) -> Result<()> {
        match request {
            ToServer::Query(r, reply) => {
                self.answers.left(client);
                match self.ask(r.sql) {
                    Ok(asked) => {
                        let (rows, len) = (asked.rows, asked.bytes.len() as u32);
                        self.answers.keep(client, asked.bytes);
                        reply.ok("", asked.columns as u16, rows, len)
                    }
                    Err(problem) => reply.ok(cut(&problem), 0, 0, 0),
                }
            }
            ToServer::Fetch(r, reply) => {
                answer!(reply, self.answers.part(client, r.at), bytes => bytes)
            }
        }
    }

    fn ask(&mut self, sql: &str) -> core::result::Result<Asked, String> {
        let files = self.files().map_err(|error| format!("{error}"))?;
        let (mut columns, mut rows, mut problem) = (0, 0, String::new());
        let bytes = core::cell::RefCell::new(Vec::new());
        let add = |value: Value<'_>| answers::add(&mut bytes.borrow_mut(), value);
        let asked = files.query(
            sql,
            |statement| {
                columns = statement.column_count();
                for column in 0..columns {
                    // Names are short.
                    let _ = add(Value::Text(statement.column_name(column)));
                }
            },
            |statement| {
                rows += 1;
                (0..statement.column_count()).try_for_each(|column| {
                    add(match statement.column(column) {
                        sqlite::Value::Null => Value::Null,
                        sqlite::Value::Integer(number) => Value::Integer(number),
                        sqlite::Value::Real(number) => Value::Real(number),
                        sqlite::Value::Text(text) => Value::Text(text),
                        sqlite::Value::Blob(bytes) => Value::Blob(bytes),
                    })
                })?;
                Ok(true)
            },
            |words| problem = words.into(),
        );
        match asked {
            Ok(()) => Ok(Asked {
                columns,
                rows,
                bytes: bytes.into_inner(),
            }),
            Err(Error::Cancelled) => Err("the question takes too long".into()),
            Err(Error::OutOfMemory) if problem.is_empty() => {
                Err("the answer is longer than 256 KiB: ask for less, with `limit`".into())
            }
            Err(error) if problem.is_empty() => Err(format!("{error}")),
            Err(_) => Err(problem),
        }
    }
}

fn cut(problem: &str) -> &str {
    &problem[..problem.floor_char_boundary(PROBLEM_LEN_MAX)]
}
