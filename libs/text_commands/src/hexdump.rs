//! `hexdump`.

use alloc::format;
use alloc::string::String;

use crate::options::{Options, Result};
use crate::{Io, files, pieces};

pub const HEXDUMP: &str = "\
shows bytes as numbers and as text
usage: hexdump [-n BYTES] [-s BYTES] [FILE]…

  -n BYTES  only so many
  -s BYTES  passes over so many before

Rows that are the same as the one before are shown as `*`.
";

pub fn hexdump(arguments: &[String], io: &mut dyn Io) -> Result<u8> {
    let options = Options::parse(arguments, "C", "ns", false)?;
    let mut left = options.number('n')?.unwrap_or(u64::MAX);
    let mut skip = options.number('s')?.unwrap_or(0);
    let mut at = skip;
    let mut row = [0u8; 16];
    let mut len = 0;
    let mut before: Option<[u8; 16]> = None;
    let mut starred = false;
    for file in files(&options.arguments) {
        io.open(file)?;
        if left == 0 {
            break;
        }
        pieces(io, |io, piece| {
            for byte in piece {
                if skip > 0 {
                    skip -= 1;
                    continue;
                }
                if left == 0 {
                    break;
                }
                left -= 1;
                row[len] = *byte;
                len += 1;
                if len == row.len() {
                    if before == Some(row) {
                        if !starred {
                            io.write(b"*\n")?;
                        }
                        starred = true;
                    } else {
                        starred = false;
                        show(io, at, &row)?;
                    }
                    before = Some(row);
                    at += 16;
                    len = 0;
                }
            }
            Ok(left > 0)
        })?;
    }
    if len > 0 {
        show(io, at, &row[..len])?;
    }
    at += len as u64;
    if at > 0 {
        io.write(format!("{at:08x}\n").as_bytes())?;
    }
    Ok(0)
}

fn show(io: &mut dyn Io, at: u64, row: &[u8]) -> Result<()> {
    let mut text = format!("{at:08x} ");
    for i in 0..16 {
        if i % 8 == 0 {
            text.push(' ');
        }
        match row.get(i) {
            Some(byte) => text.push_str(&format!("{byte:02x} ")),
            None => text.push_str("   "),
        }
    }
    text.push_str(" |");
    for byte in row {
        let shown = byte.is_ascii_graphic() || *byte == b' ';
        text.push(if shown { char::from(*byte) } else { '.' });
    }
    text.push_str("|\n");
    io.write(text.as_bytes())
}
