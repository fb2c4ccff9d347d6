//! Calculations: what stands in `$((…))`, over whole numbers of 64 bits.
//!
//! The operators are C's, with its precedence: `?:`, `||`, `&&`, `|`, `^`, `&`, `==` `!=`, `<` `<=` `>` `>=`,
//! `<<` `>>`, `+` `-`, `*` `/` `%`, `!` `~` `-` `+`. A name means its variable's value, or 0. What does not
//! fit wraps around, as in other shells; division by zero is an error. Assignment is absent.

use alloc::format;
use alloc::string::{String, ToString};

/// How deep parentheses may stand in each other.
const DEPTH_MAX: usize = 50;

/// Binary operators by precedence, the weakest first; longer ones before their own beginnings.
const LEVELS: &[&[&str]] = &[
    &["||"],
    &["&&"],
    &["|"],
    &["^"],
    &["&"],
    &["==", "!="],
    &["<=", ">=", "<", ">"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

/// Calculates. `variable` tells a variable's value.
pub fn calculate(text: &str, variable: &dyn Fn(&str) -> Option<String>) -> Result<i64, String> {
    let mut calculation = Calculation {
        text,
        rest: text,
        depth: 0,
        variable,
    };
    if text.trim().is_empty() {
        return Ok(0);
    }
    let value = calculation.choice()?;
    match calculation.rest.trim_start() {
        "" => Ok(value),
        rest => Err(format!(
            "`{rest}` is not expected in the calculation `{text}`"
        )),
    }
}

struct Calculation<'a> {
    text: &'a str,
    rest: &'a str,
    depth: usize,
    variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Calculation<'_> {
    fn take(&mut self, wanted: &str) -> bool {
        match self.rest.trim_start().strip_prefix(wanted) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn deeper<T>(
        &mut self,
        inside: impl FnOnce(&mut Self) -> Result<T, String>,
    ) -> Result<T, String> {
        if self.depth == DEPTH_MAX {
            return Err(format!(
                "the calculation `{}` is too deep",
                shortened(self.text)
            ));
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    fn choice(&mut self) -> Result<i64, String> {
        let condition = self.binary(0)?;
        if !self.take("?") {
            return Ok(condition);
        }
        let yes = self.deeper(Self::choice)?;
        if !self.take(":") {
            return Err(format!("`:` is missing in the calculation `{}`", self.text));
        }
        let no = self.deeper(Self::choice)?;
        Ok(if condition != 0 { yes } else { no })
    }

    fn binary(&mut self, level: usize) -> Result<i64, String> {
        let Some(operators) = LEVELS.get(level) else {
            return self.unary();
        };
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = self.take_operator(operators) {
            let right = self.binary(level + 1)?;
            left = apply(operator, left, right)
                .ok_or_else(|| format!("division by zero in `{}`", self.text))?;
        }
        Ok(left)
    }

    fn take_operator(&mut self, operators: &[&'static str]) -> Option<&'static str> {
        let rest = self.rest.trim_start();
        let operator = operators.iter().find(|operator| {
            rest.strip_prefix(**operator).is_some_and(|after| {
                // `|` is not the begin of `||`, nor `<` of `<<`.
                operator.len() == 2
                    || !matches!(
                        (**operator, after.chars().next()),
                        ("|", Some('|')) | ("&", Some('&')) | ("<", Some('<')) | (">", Some('>'))
                    )
            })
        })?;
        self.rest = &rest[operator.len()..];
        Some(operator)
    }

    fn unary(&mut self) -> Result<i64, String> {
        let rest = self.rest.trim_start();
        let operator = rest.chars().next();
        if let Some(operator @ ('!' | '~' | '-' | '+')) = operator {
            self.rest = &rest[1..];
            let value = self.deeper(Self::unary)?;
            return Ok(match operator {
                '!' => i64::from(value == 0),
                '~' => !value,
                '-' => value.wrapping_neg(),
                _ => value,
            });
        }
        self.operand()
    }

    fn operand(&mut self) -> Result<i64, String> {
        if self.take("(") {
            let value = self.deeper(Self::choice)?;
            return match self.take(")") {
                true => Ok(value),
                false => Err(format!("`)` is missing in the calculation `{}`", self.text)),
            };
        }
        let rest = self.rest.trim_start();
        let len = rest
            .find(|c: char| !crate::syntax::is_name_char(c))
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(len);
        self.rest = after;
        if word.is_empty() {
            return Err(match rest.chars().next() {
                Some(c) => format!("a number is expected instead of `{c}` in `{}`", self.text),
                None => format!("a number is missing at the end of `{}`", self.text),
            });
        }
        if word.starts_with(|c: char| c.is_ascii_digit()) {
            return number(word).ok_or_else(|| format!("`{word}` is not a number that fits"));
        }
        let value = (self.variable)(word).unwrap_or_default();
        match value.trim() {
            "" => Ok(0),
            value => signed(value)
                .ok_or_else(|| format!("`{word}` is `{}`, which is no number", shortened(value))),
        }
    }
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_string(),
    }
}

fn signed(text: &str) -> Option<i64> {
    match text.strip_prefix('-') {
        Some(rest) => number(rest).map(i64::wrapping_neg),
        None => number(text),
    }
}

fn number(text: &str) -> Option<i64> {
    match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(digits) => u64::from_str_radix(digits, 16).ok().map(|n| n as i64),
        None => text.parse().ok(),
    }
}

fn apply(operator: &str, left: i64, right: i64) -> Option<i64> {
    Some(match operator {
        "||" => i64::from(left != 0 || right != 0),
        "&&" => i64::from(left != 0 && right != 0),
        "|" => left | right,
        "^" => left ^ right,
        "&" => left & right,
        "==" => i64::from(left == right),
        "!=" => i64::from(left != right),
        "<=" => i64::from(left <= right),
        ">=" => i64::from(left >= right),
        "<" => i64::from(left < right),
        ">" => i64::from(left > right),
        "<<" => left.wrapping_shl(right as u32),
        ">>" => left.wrapping_shr(right as u32),
        "+" => left.wrapping_add(right),
        "-" => left.wrapping_sub(right),
        "*" => left.wrapping_mul(right),
        "/" if right == 0 => return None,
        "/" => left.wrapping_div(right),
        _ if right == 0 => return None,
        _ => left.wrapping_rem(right),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<i64, &str>) {
        let variable = |name: &str| match name {
            "x" => Some("7".into()),
            "word" => Some("hello".into()),
            _ => None,
        };
        let found = calculate(text, &variable);
        assert_eq!(
            found.as_ref().map_err(String::as_str),
            expected.as_ref().map_err(|e| *e),
            "{text}"
        );
    }

    #[test]
    fn precedence_is_c_s() {
        check("1 + 2 * 3", Ok(7));
        check("(1 + 2) * 3", Ok(9));
        check("10 - 4 - 3", Ok(3));
        check("1 << 3 + 1", Ok(16));
        check("1 | 2 ^ 3 & 6", Ok(1));
        check("5 > 3 && 2 >= 3 || 1", Ok(1));
        check("!0 + ~0 - -1", Ok(1));
        check("x % 4 == 3 ? 10 : 20", Ok(10));
        check("0xff & x", Ok(7));
        check("nothing + 1", Ok(1));
        check("", Ok(0));
    }

    #[test]
    fn what_is_wrong_is_told() {
        check("1 / 0", Err("division by zero in `1 / 0`"));
        check("1 +", Err("a number is missing at the end of `1 +`"));
        check("(1", Err("`)` is missing in the calculation `(1`"));
        check("1 1", Err("`1` is not expected in the calculation `1 1`"));
        check("word", Err("`word` is `hello`, which is no number"));
        check(
            "9223372036854775808",
            Err("`9223372036854775808` is not a number that fits"),
        );
    }

    #[test]
    fn what_does_not_fit_wraps_around() {
        check("9223372036854775807 + 1", Ok(i64::MIN));
        check("(0 - 9223372036854775807 - 1) / -1", Ok(i64::MIN));
    }

    #[test]
    fn depth_is_bounded() {
        assert!(calculate(&"(".repeat(10_000), &|_| None).is_err());
        assert!(calculate(&"-".repeat(10_000), &|_| None).is_err());
    }
}
