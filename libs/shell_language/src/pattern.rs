//! Patterns: `*`, `?` and `[…]`, in which a backslash takes the next character's meaning away.

use alloc::string::String;
use alloc::vec::Vec;

/// Whether the whole text matches the pattern.
///
/// Goes back only to the last `*`, so it takes at most the product of both lengths.
pub fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let text: Vec<char> = text.chars().collect();
    let (mut p, mut t) = (0, 0);
    // The last `*`, and how much it has swallowed so far.
    let mut star: Option<(usize, usize)> = None;
    loop {
        if pattern.get(p) == Some(&'*') {
            star = Some((p, t));
            p += 1;
            continue;
        }
        if t == text.len() && p == pattern.len() {
            return true;
        }
        let step = match text.get(t) {
            Some(c) => one(&pattern, p, *c),
            None => None,
        };
        match (step, star) {
            (Some(next), _) => {
                p = next;
                t += 1;
            }
            (None, Some((place, swallowed))) if swallowed < text.len() => {
                star = Some((place, swallowed + 1));
                p = place + 1;
                t = swallowed + 1;
            }
            _ => return false,
        }
    }
}

/// If the pattern's item at `p` matches the character: where the next item begins.
fn one(pattern: &[char], p: usize, c: char) -> Option<usize> {
    match *pattern.get(p)? {
        '?' => Some(p + 1),
        '\\' if p + 1 < pattern.len() => (pattern[p + 1] == c).then_some(p + 2),
        '[' => match set(pattern, p, c) {
            Some((true, next)) => Some(next),
            Some((false, _)) => None,
            // Without its `]`, a bracket is only a character.
            None => (c == '[').then_some(p + 1),
        },
        same => (same == c).then_some(p + 1),
    }
}

/// Whether the set at `p` holds the character, and where the next item begins.
fn set(pattern: &[char], p: usize, c: char) -> Option<(bool, usize)> {
    let mut at = p + 1;
    let negated = matches!(pattern.get(at)?, '!' | '^');
    at += usize::from(negated);
    let mut found = false;
    let first = at;
    loop {
        let mut low = *pattern.get(at)?;
        if low == ']' && at > first {
            return Some((found != negated, at + 1));
        }
        if low == '\\' {
            at += 1;
            low = *pattern.get(at)?;
        }
        at += 1;
        let mut high = low;
        if pattern.get(at) == Some(&'-') && pattern.get(at + 1).is_some_and(|c| *c != ']') {
            at += 1;
            high = *pattern.get(at)?;
            if high == '\\' {
                at += 1;
                high = *pattern.get(at)?;
            }
            at += 1;
        }
        found |= (low..=high).contains(&c);
    }
}

/// Whether a text has anything in it that makes it a pattern.
pub fn is_pattern(text: &str) -> bool {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => drop(chars.next()),
            '*' | '?' | '[' => return true,
            _ => {}
        }
    }
    false
}

/// The text as a pattern that matches only itself.
pub fn escape(text: &str, into: &mut String) {
    for c in text.chars() {
        if matches!(c, '*' | '?' | '[' | ']' | '\\' | '-' | '!' | '^') {
            into.push('\\');
        }
        into.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, yes: &[&str], no: &[&str]) {
        for text in yes {
            assert!(matches(pattern, text), "{pattern} should match {text}");
        }
        for text in no {
            assert!(!matches(pattern, text), "{pattern} should not match {text}");
        }
    }

    #[test]
    fn patterns_match_what_they_say() {
        check("", &[""], &["a"]);
        check("*", &["", "abc"], &[]);
        check("a*c", &["ac", "abc", "abcbc"], &["a", "ab", "xac"]);
        check("a?c", &["abc", "aüc"], &["ac", "abbc"]);
        check("[a-c]x", &["ax", "cx"], &["dx", "x"]);
        check("[!a-c]", &["d", "]"], &["a", "b"]);
        check("[]]", &["]"], &["["]);
        check("[]-]", &["]", "-"], &["a"]);
        check("[", &["["], &["", "a"]);
        check("[a", &["[a"], &["a"]);
        check("\\*", &["*"], &["a", "\\*"]);
        check("*.rs", &["a.rs", ".rs"], &["a.rsx"]);
        check("**a**b", &["ab", "xaxb"], &["ba"]);
        check("[\\]]", &["]"], &["\\"]);
    }

    #[test]
    fn what_is_escaped_matches_only_itself() {
        for text in ["a*b", "[x]", "\\", "a-b", "!?", "^"] {
            let mut pattern = String::new();
            escape(text, &mut pattern);
            check(&pattern, &[text], &["axb", "x"]);
            assert!(!is_pattern(&pattern));
        }
        assert!(is_pattern("a*") && is_pattern("[a]") && !is_pattern("a\\*"));
    }

    #[test]
    fn many_stars_take_no_exponential_time() {
        let pattern = "*a".repeat(50);
        let text = "a".repeat(49) + &"b".repeat(500);
        assert!(!matches(&pattern, &text));
    }
}
