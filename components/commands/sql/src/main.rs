//! Asks questions about files in SQL, and prints the answers.
#![no_std]
#![cfg_attr(not(test), no_main)]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::string::String;
use alloc::vec::Vec;

use ftl::prelude::*;
use rows::{Value, Values};

mod show;
#[rustfmt::skip]
mod spec;

use show::Form;
use spec::*;

const HELP: &str = "\
sql asks questions about files
usage: sql [-c | -j | -l] QUESTION

  -c  the answer as CSV
  -j  the answer as JSON
  -l  values alone, with tabs between them

The view `files` has the columns path, kind, size, links, modified, created and content:

  sql 'select path, size from files order by size desc limit 5'
  sql \"select path from files where content like '%TODO%'\"
";

#[ftl::main]
fn main(mut env: Environ) -> Result<usize> {
    let mut form = Form::Table;
    let mut words: &[String] = &env.arguments;
    while let Some((first, rest)) = words.split_first() {
        form = match first.as_str() {
            "--help" => {
                print!("{HELP}");
                return Ok(0);
            }
            "-c" => Form::Csv,
            "-j" => Form::Json,
            "-l" => Form::Lines,
            _ => break,
        };
        words = rest;
    }
    if words.is_empty() {
        eprintln!("sql: which question? `sql --help` says more");
        return Ok(2);
    }
    // As if they were one word: for `sql select 1`.
    let question = words.join(" ");
    let asked = env.sql.query(&question)?;
    if !asked.problem.is_empty() {
        eprintln!("sql: {}", asked.problem);
        return Ok(1);
    }
    let (columns, len) = (usize::from(asked.columns), asked.len as usize);
    let mut answer: Vec<u8> = Vec::new();
    answer
        .try_reserve_exact(len)
        .map_err(|_| Error::OutOfMemory)?;
    while answer.len() < len {
        let part = env.sql.fetch(answer.len() as u32)?;
        if part.is_empty() {
            // Another question of the same client cannot have come in between.
            return Err(Error::UnexpectedEof);
        }
        answer.extend_from_slice(part);
    }
    let values: Vec<Value<'_>> = Values::new(&answer).collect();
    print!("{}", show::answer(columns, &values, form));
    Ok(0)
}
