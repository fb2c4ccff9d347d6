//! Questions in SQL, through the view `files` or any of the tables.

use alloc::string::String;

use abi::Result;
use sqlite::{Access, Statement};

use crate::error::refused;
use crate::files::Files;

/// Steps of SQLite's virtual machine that one question may take: some seconds.
const STEPS_MAX: u32 = 50_000_000;

impl Files {
    /// Asks something that changes nothing. `begin` gets the statement before, to read the names of its columns
    /// from; `row` gets the statement at each row, to read its columns
    /// from, and says whether to go on. Errors of SQL come with SQLite's own words, in `explain`.
    pub fn query(
        &mut self,
        sql: &str,
        begin: impl FnOnce(&Statement),
        mut row: impl FnMut(&Statement) -> Result<bool>,
        explain: impl FnOnce(&str),
    ) -> Result<()> {
        // A question for which there is not enough memory takes back the transaction in which it was asked: there is to be
        // nothing in it.
        self.forget_chunk();
        self.be_whole()?;
        self.commit()?;
        self.db.set_access(Access::Read);
        self.db.set_steps_max(STEPS_MAX);
        let result = self.db.prepare(sql).and_then(|mut statement| {
            begin(&statement);
            while statement.step()? {
                match row(&statement) {
                    Ok(true) => {}
                    Ok(false) => break,
                    Err(error) => return Ok(Err(error)),
                }
            }
            Ok(Ok(()))
        });
        self.db.set_steps_max(0);
        self.db.set_access(Access::Full);
        match result {
            Ok(result) => result,
            Err(error) => {
                explain(&error.message);
                Err(refused(error))
            }
        }
    }

    /// Runs statements that change anything, outside of a transaction.
    #[doc(hidden)]
    pub fn execute_for_tests(&mut self, sql: &str) -> Result<()> {
        self.sync()?;
        self.forget_chunk();
        if self.db.in_transaction() {
            self.db.execute("commit").map_err(refused)?;
        }
        self.db.execute(sql).map_err(refused)
    }

    /// What SQLite finds wrong with the database; nothing if it is sound. Reads all of it.
    pub fn check(&mut self) -> Result<Option<String>> {
        self.write_back_all()?;
        let mut found = String::new();
        let mut rows = self.db.prepare("pragma integrity_check").map_err(refused)?;
        while rows.step().map_err(refused)? {
            if !found.is_empty() {
                found.push('\n');
            }
            found += rows.text(0);
        }
        Ok((found != "ok").then_some(found))
    }
}
