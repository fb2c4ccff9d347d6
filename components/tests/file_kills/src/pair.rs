//! Two files that are only changed together: whoever ends in between, they say the same.

use ftl::prelude::*;
use interfaces::files::Dir;

use crate::again;
use crate::spec::fs::{self, Blocking as _, transaction, transaction::Blocking as _};

/// The two files. Many changes lie between theirs.
const PAIR: [&str; 2] = ["/pair-first", "/pair-second"];
/// Changes in between.
const BETWEEN: u64 = 20;

/// A transaction in which both get another value; only the commit is missing.
pub fn begin(files: &fs::Client, value: u64) -> Result<transaction::Client> {
    let mut transaction = files.clone().transaction()?;
    for path in PAIR {
        transaction.create(path, false, true)?;
        transaction.write(path, 0, &value.to_le_bytes())?;
        for i in 0..BETWEEN {
            transaction.create("/pair-between", false, true)?;
            transaction.write("/pair-between", i * 1000, &value.to_le_bytes())?;
        }
    }
    Ok(transaction)
}

/// Gives both another value.
pub fn write(files: &Dir, value: u64) -> Result<()> {
    let mut transaction = files.transaction()?;
    for path in PAIR {
        transaction.write(path, value.to_le_bytes())?;
    }
    transaction.commit()
}

/// Both say the same, or neither is there.
pub fn check(files: &Dir) -> Result<()> {
    let read = |path: &str| match again(|| files.read(path)) {
        Err(Error::NotFound) => Ok(None),
        found => found.map(Some),
    };
    let [first, second] = PAIR.map(read);
    if first? != second? {
        error!("of a transaction only a part has happened");
        return Err(Error::InvalidData);
    }
    Ok(())
}
