//! `printf`: prints arguments by a format (POSIX, "printf" and "File Format Notation").

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::{Failure, Io, Result};

pub const PRINTF: &str = "\
prints arguments by a format
usage: printf FORMAT [ARGUMENT]…

  %s %d %u %x %X %o %c %%  a text, a number (decimal, unsigned, to base 16 or 8), a first character, a percent sign
  %b                       a text in which \\n and the like mean what they do in FORMAT
  %-8s %08d %+d %.3s       to the left, with zeros, with its sign, three characters at most
  \\n \\t \\r \\e \\a \\b \\\\ \\041 \\x21 stand for the characters that they do in other languages

FORMAT is used again until there are no more ARGUMENTs; missing ones are empty, or 0. Numbers may
be written 10, 012, 0xa, or 'c for the code of a character.
";

/// Columns that a conversion may be padded to.
const WIDTH_MAX: usize = 4096;

pub fn printf(arguments: &[String], io: &mut dyn Io) -> Result<u8> {
    let (format, mut rest) = match arguments {
        [dashes, format, rest @ ..] if dashes == "--" => (format, rest),
        [format, rest @ ..] => (format, rest),
        [] => return Err(Failure::usage("it needs a format")),
    };
    let mut status = 0;
    loop {
        let before = rest.len();
        let mut out = Vec::new();
        let complaints = once(format, &mut rest, &mut out)?;
        io.write(&out)?;
        for complaint in complaints {
            io.complain(&format!("printf: {complaint}\n"));
            status = 1;
        }
        // A format without conversions takes nothing, and would never end.
        if rest.is_empty() || rest.len() == before {
            return Ok(status);
        }
    }
}

/// Goes through the format once; answers what was wrong with arguments.
fn once(format: &str, rest: &mut &[String], out: &mut Vec<u8>) -> Result<Vec<String>> {
    let mut complaints = Vec::new();
    let mut chars = format.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, out),
            '%' => {
                let conversion = Conversion::read(&mut chars)?;
                if conversion.kind == '%' {
                    out.push(b'%');
                    continue;
                }
                let argument = match rest.split_first() {
                    Some((first, others)) => {
                        *rest = others;
                        Some(first.as_str())
                    }
                    None => None,
                };
                conversion.print(argument, out, &mut complaints);
            }
            c => put(c, out),
        }
    }
    Ok(complaints)
}

fn put(c: char, out: &mut Vec<u8>) {
    out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

type Chars<'a> = core::iter::Peekable<core::str::Chars<'a>>;

/// What is behind a `\`.
fn escape(chars: &mut Chars<'_>, out: &mut Vec<u8>) {
    let Some(c) = chars.next() else {
        return out.push(b'\\');
    };
    let byte = match c {
        'n' => b'\n',
        't' => b'\t',
        'r' => b'\r',
        'e' => 27,
        'a' => 7,
        'b' => 8,
        'f' => 12,
        'v' => 11,
        '\\' | '"' | '\'' => c as u8,
        '0'..='7' => digits(c.to_digit(8).unwrap_or(0), 8, 2, chars),
        'x' if chars.peek().is_some_and(char::is_ascii_hexdigit) => digits(0, 16, 2, chars),
        other => {
            out.push(b'\\');
            return put(other, out);
        }
    };
    out.push(byte);
}

/// Up to `most` more digits of a byte.
fn digits(mut value: u32, base: u32, most: usize, chars: &mut Chars<'_>) -> u8 {
    for _ in 0..most {
        let Some(digit) = chars.peek().and_then(|c| c.to_digit(base)) else {
            break;
        };
        chars.next();
        value = value * base + digit;
    }
    value as u8
}

/// What is behind a `%`.
struct Conversion {
    left: bool,
    zeros: bool,
    sign: bool,
    width: usize,
    precision: Option<usize>,
    kind: char,
}

impl Conversion {
    fn read(chars: &mut Chars<'_>) -> Result<Conversion> {
        let mut conversion = Conversion {
            left: false,
            zeros: false,
            sign: false,
            width: 0,
            precision: None,
            kind: '%',
        };
        while let Some(flag) = chars.next_if(|c| "-0+".contains(*c)) {
            match flag {
                '-' => conversion.left = true,
                '0' => conversion.zeros = true,
                _ => conversion.sign = true,
            }
        }
        conversion.width = number(chars)?.unwrap_or(0);
        if chars.next_if_eq(&'.').is_some() {
            conversion.precision = Some(number(chars)?.unwrap_or(0));
        }
        conversion.kind = match chars.next() {
            Some('i') => 'd',
            Some(kind) if "sbcduxXo%".contains(kind) => kind,
            Some(kind) => return Err(Failure::usage(format!("there is no `%{kind}`"))),
            None => return Err(Failure::usage("the format ends behind `%`")),
        };
        Ok(conversion)
    }

    fn print(&self, argument: Option<&str>, out: &mut Vec<u8>, complaints: &mut Vec<String>) {
        let text = argument.unwrap_or_default();
        match self.kind {
            's' => self.pad(self.cut(text).as_bytes(), out),
            'c' => {
                let len = text.chars().next().map_or(0, char::len_utf8);
                self.pad(&text.as_bytes()[..len], out);
            }
            'b' => {
                let mut bytes = Vec::new();
                let mut chars = text.chars().peekable();
                while let Some(c) = chars.next() {
                    match c {
                        '\\' => escape(&mut chars, &mut bytes),
                        c => put(c, &mut bytes),
                    }
                }
                self.pad(&bytes, out);
            }
            _ => {
                let value = match argument.map(value) {
                    None => 0,
                    Some(Some(value)) => value,
                    Some(None) => {
                        complaints.push(format!("`{text}` is not a number"));
                        0
                    }
                };
                self.number(value, out);
            }
        }
    }

    fn cut<'a>(&self, text: &'a str) -> &'a str {
        let most = self.precision.unwrap_or(usize::MAX);
        let end = text.char_indices().nth(most).map(|(at, _)| at);
        &text[..end.unwrap_or(text.len())]
    }

    fn number(&self, value: i64, out: &mut Vec<u8>) {
        let (sign, digits) = match self.kind {
            'd' if value < 0 => ("-", value.unsigned_abs().to_string()),
            'd' if self.sign => ("+", value.to_string()),
            'd' => ("", value.to_string()),
            'x' => ("", format!("{value:x}")),
            'X' => ("", format!("{value:X}")),
            'o' => ("", format!("{value:o}")),
            _ => ("", (value as u64).to_string()),
        };
        let mut least = self.precision.unwrap_or(0);
        if self.zeros && !self.left && self.precision.is_none() {
            least = self.width.saturating_sub(sign.len());
        }
        let zeros = "0".repeat(least.saturating_sub(digits.len()));
        self.pad(format!("{sign}{zeros}{digits}").as_bytes(), out);
    }

    fn pad(&self, bytes: &[u8], out: &mut Vec<u8>) {
        let len = String::from_utf8_lossy(bytes).chars().count();
        let spaces = self.width.saturating_sub(len);
        if self.left {
            out.extend_from_slice(bytes);
        }
        out.resize(out.len() + spaces, b' ');
        if !self.left {
            out.extend_from_slice(bytes);
        }
    }
}

/// A width or a precision.
fn number(chars: &mut Chars<'_>) -> Result<Option<usize>> {
    let mut number = None;
    while let Some(digit) = chars.peek().and_then(|c| c.to_digit(10)) {
        chars.next();
        let value = number.unwrap_or(0) * 10 + digit as usize;
        if value > WIDTH_MAX {
            return Err(Failure::usage(format!("{WIDTH_MAX} columns are the most")));
        }
        number = Some(value);
    }
    Ok(number)
}

/// The number that an argument stands for.
fn value(text: &str) -> Option<i64> {
    if let Some(quoted) = text.strip_prefix(['\'', '"']) {
        return quoted.chars().next().map(|c| i64::from(u32::from(c)));
    }
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let (base, digits) = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(digits) => (16, digits),
        None if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        None => (10, digits),
    };
    let value = i128::from(u64::from_str_radix(digits, base).ok()?) * sign;
    // As C has it, unsigned numbers of 64 bits are the same bits.
    (value >= i128::from(i64::MIN)).then_some(value as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(words: &[&str], printed: &str, complaints: usize) {
        let words: Vec<String> = words.iter().map(|word| word.to_string()).collect();
        let mut rest = &words[1..];
        let (mut out, mut wrong) = (Vec::new(), 0);
        loop {
            let before = rest.len();
            wrong += once(&words[0], &mut rest, &mut out).unwrap().len();
            if rest.is_empty() || rest.len() == before {
                break;
            }
        }
        assert_eq!(String::from_utf8_lossy(&out), printed);
        assert_eq!(wrong, complaints);
    }

    /// Each as GNU's prints it.
    #[test]
    fn formats_are_followed() {
        check(&["a\\tb\\n"], "a\tb\n", 0);
        check(&["%s-%s;", "1", "2", "3"], "1-2;3-;", 0);
        check(
            &["[%5s][%-5s][%.2s]", "ab", "ab", "abc"],
            "[   ab][ab   ][ab]",
            0,
        );
        check(
            &["%d %05d %+d %5d|", "-7", "42", "1", "-3"],
            "-7 00042 +1    -3|",
            0,
        );
        check(&["%05d %.3d", "-7", "5"], "-0007 005", 0);
        check(&["%x %X %o %u", "255", "255", "8", "7"], "ff FF 10 7", 0);
        check(&["%d %d %d %d", "0x1f", "010", "'A", "+3"], "31 8 65 3", 0);
        check(&["%u", "-1"], "18446744073709551615", 0);
        check(&["%c%c|%%", "xyz", ""], "x|%", 0);
        check(&["%s|%b", "a\\n", "a\\n\\041\\x21"], "a\\n|a\n!!", 0);
        check(&["%d|", "x", "9z"], "0|0|", 2);
        check(&["no conversions\\n", "1", "2"], "no conversions\n", 0);
        check(&["%3s|", "\u{e4}"], "  \u{e4}|", 0);
        check(&["\\q\\"], "\\q\\", 0);
    }

    #[test]
    fn what_is_not_there_is_refused() {
        for format in ["%", "%f", "%5", "%99999s", "%*d"] {
            let mut out = Vec::new();
            assert!(once(format, &mut &[][..], &mut out).is_err(), "{format}");
        }
    }
}
