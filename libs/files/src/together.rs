//! Several changes as one.

use abi::{Error, Result};

use crate::error::refused;
use crate::files::{Files, PAGE_LEN};

/// What a change counts for besides its data: the pages of trees that it may touch.
pub(crate) const CHANGE_WEIGHT: u64 = 4096;

impl Files {
    /// What so many changes with so much data count for, and what [`Files::together`] takes at most: they must find room in
    /// the log behind what is there.
    pub fn weight(&self, changes: usize, data_len: usize) -> (u64, u64) {
        (
            changes as u64 * CHANGE_WEIGHT + data_len as u64,
            self.together_max,
        )
    }

    /// Makes several changes of this weight so that all of them happen or none, also if power is lost. What
    /// `changes` opens it has to close, unless it fails.
    pub fn together<T>(
        &mut self,
        weight: u64,
        changes: impl FnOnce(&mut Files) -> Result<T>,
    ) -> Result<T> {
        if weight > self.together_max {
            return Err(Error::FileTooLarge);
        }
        if self.written + weight > self.written_max {
            self.commit()?;
        }
        // Within, nothing is removed to make room.
        let _ = self.reserve(weight / PAGE_LEN);
        // What only memory knows would be forgotten if all were taken back.
        self.write_back_all()?;
        self.begin()?;
        self.forget_chunk();
        let opened = self.statements.savepoint_all.execute(&[]).map_err(refused);
        opened.map_err(|error| self.refuse(error))?;
        self.together = true;
        let result = changes(self);
        self.together = false;
        let result = result.and_then(|value| {
            self.write_back_all()?;
            self.forget_chunk();
            let release = &mut self.statements.release_all;
            release.execute(&[]).map_err(refused)?;
            Ok(value)
        });
        match result {
            Ok(value) => {
                self.written += weight;
                self.commit_if_large()?;
                Ok(value)
            }
            Err(error) => {
                self.forget_chunk();
                if self.in_transaction() {
                    // If SQLite had to take back more, and that was noticed, there is nothing to be undone.
                    let _ = self.statements.undo_all.execute(&[]);
                    let _ = self.statements.release_all.execute(&[]);
                    self.reload_open();
                }
                Err(self.refuse(error))
            }
        }
    }
}
