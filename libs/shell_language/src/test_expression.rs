//! What `test` and `[` decide.

use alloc::format;
use alloc::string::String;

/// How deep `!` and parentheses may stand in each other.
const DEPTH_MAX: usize = 50;

/// Whether the expression holds. `is_terminal` tells whether a descriptor is one.
///
/// ```text
/// TEXT                -n TEXT   -z TEXT        TEXT = TEXT   TEXT != TEXT
/// N -eq N   -ne   -lt   -le   -gt   -ge        -t DESCRIPTOR
/// ! EXPRESSION   ( EXPRESSION )   EXPRESSION -a EXPRESSION   EXPRESSION -o EXPRESSION
/// ```
pub fn test_expression(
    arguments: &[String],
    is_terminal: &mut dyn FnMut(usize) -> bool,
) -> Result<bool, String> {
    if arguments.is_empty() {
        return Ok(false);
    }
    let mut test = Test {
        rest: arguments,
        depth: 0,
        is_terminal,
    };
    let value = test.any()?;
    match test.rest.first() {
        None => Ok(value),
        Some(word) => Err(format!("`{word}` is not expected")),
    }
}

struct Test<'a> {
    rest: &'a [String],
    depth: usize,
    is_terminal: &'a mut dyn FnMut(usize) -> bool,
}

impl<'a> Test<'a> {
    fn peek(&self, ahead: usize) -> Option<&'a str> {
        self.rest.get(ahead).map(String::as_str)
    }

    fn take(&mut self) -> Result<&'a str, String> {
        match self.rest.split_first() {
            Some((first, rest)) => {
                self.rest = rest;
                Ok(first)
            }
            None => Err("something is missing at the end".into()),
        }
    }

    fn any(&mut self) -> Result<bool, String> {
        let mut value = self.all()?;
        while self.peek(0) == Some("-o") {
            self.take()?;
            value |= self.all()?;
        }
        Ok(value)
    }

    fn all(&mut self) -> Result<bool, String> {
        let mut value = self.one()?;
        while self.peek(0) == Some("-a") {
            self.take()?;
            value &= self.one()?;
        }
        Ok(value)
    }

    fn one(&mut self) -> Result<bool, String> {
        if self.depth == DEPTH_MAX {
            return Err("too deep".into());
        }
        // An operator between two words goes first, so that any text can be compared.
        if let Some(operator) = self.peek(1)
            && is_binary(operator)
            && self.peek(2).is_some()
        {
            let left = self.take()?;
            let operator = self.take()?;
            let right = self.take()?;
            return compare(left, operator, right);
        }
        let word = self.take()?;
        match (word, self.peek(0)) {
            ("!", Some(_)) => {
                self.depth += 1;
                let value = !self.one()?;
                self.depth -= 1;
                Ok(value)
            }
            ("(", Some(_)) => {
                self.depth += 1;
                let value = self.any()?;
                self.depth -= 1;
                match self.take()? {
                    ")" => Ok(value),
                    other => Err(format!("`)` is expected instead of `{other}`")),
                }
            }
            ("-n", Some(text)) => {
                self.take()?;
                Ok(!text.is_empty())
            }
            ("-z", Some(text)) => {
                self.take()?;
                Ok(text.is_empty())
            }
            ("-t", Some(text)) => {
                self.take()?;
                Ok(text.parse().is_ok_and(|place| (self.is_terminal)(place)))
            }
            (text, _) => Ok(!text.is_empty()),
        }
    }
}

fn is_binary(operator: &str) -> bool {
    matches!(
        operator,
        "=" | "==" | "!=" | "-eq" | "-ne" | "-lt" | "-le" | "-gt" | "-ge"
    )
}

fn compare(left: &str, operator: &str, right: &str) -> Result<bool, String> {
    match operator {
        "=" | "==" => return Ok(left == right),
        "!=" => return Ok(left != right),
        _ => {}
    }
    let number = |text: &str| {
        text.trim()
            .parse::<i64>()
            .map_err(|_| format!("`{text}` is not a number"))
    };
    let (left, right) = (number(left)?, number(right)?);
    Ok(match operator {
        "-eq" => left == right,
        "-ne" => left != right,
        "-lt" => left < right,
        "-le" => left <= right,
        "-gt" => left > right,
        _ => left >= right,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    fn check(text: &str, expected: Result<bool, &str>) {
        let arguments: Vec<String> = text
            .split_ascii_whitespace()
            .map(|word| if word == "''" { "" } else { word }.to_string())
            .collect();
        let found = test_expression(&arguments, &mut |place| place == 0);
        assert_eq!(found, expected.map_err(String::from), "{text}");
    }

    #[test]
    fn expressions_hold_or_not() {
        check("", Ok(false));
        check("a", Ok(true));
        check("''", Ok(false));
        check("-n", Ok(true));
        check("-n ''", Ok(false));
        check("-z ''", Ok(true));
        check("a = a", Ok(true));
        check("! = !", Ok(true));
        check("-n != -z", Ok(true));
        check("! a = b", Ok(true));
        check("2 -lt 10", Ok(true));
        check("2 -ge 10", Ok(false));
        check("( a = b ) -o ( 1 -eq 1 )", Ok(true));
        check("a = a -a b = c", Ok(false));
        check("-t 0", Ok(true));
        check("-t 1", Ok(false));
    }

    #[test]
    fn what_is_wrong_is_told() {
        check("a b", Err("`b` is not expected"));
        check("a -eq 1", Err("`a` is not a number"));
        check("( a", Err("something is missing at the end"));
        check(&"! ".repeat(1000), Err("too deep"));
    }
}
