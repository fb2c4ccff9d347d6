//! Words of a text, as `xargs` takes them.

use alloc::string::String;
use alloc::vec::Vec;

use crate::options::{Failure, Result};

/// Splits at blanks; quotes and backslashes keep together what belongs together.
pub fn split(text: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\'' | '"' => {
                let word = word.get_or_insert_default();
                loop {
                    match chars.next() {
                        Some(next) if next == c => break,
                        Some(next) => word.push(next),
                        None => return Err(Failure::new("nothing closes a quote in the input")),
                    }
                }
            }
            '\\' => word.get_or_insert_default().extend(chars.next()),
            c if c.is_whitespace() => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_at_blanks() {
        assert_eq!(
            split(" a 'b c'\n\"d\"e \\f ''").unwrap(),
            ["a", "b c", "de", "f", ""]
        );
        assert_eq!(split("").unwrap(), [""; 0]);
        assert!(split("'a").is_err());
    }
}
