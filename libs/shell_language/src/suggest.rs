//! The name that was probably meant.

use alloc::vec::Vec;

/// The nearest of the names, if one is near enough to be a slip.
pub fn nearest<'a>(word: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let len = word.chars().count();
    // Comparing costs the product of the lengths; nobody means a command by a word this long.
    if len > 40 {
        return None;
    }
    let allowed = match len {
        0..=1 => 0,
        2..=5 => 1,
        _ => 2,
    };
    names
        .filter(|name| name.chars().count().abs_diff(len) <= allowed)
        .map(|name| (distance(word, name), name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters to insert, remove, replace, or swap with the next, between two words.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let width = right.len() + 1;
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..width).collect();
    for i in 1..=left.len() {
        let mut row = Vec::with_capacity(width);
        row.push(i);
        for j in 1..width {
            let same = left[i - 1] == right[j - 1];
            let mut best = (last[j] + 1)
                .min(row[j - 1] + 1)
                .min(last[j - 1] + usize::from(!same));
            if i > 1 && j > 1 && left[i - 1] == right[j - 2] && left[i - 2] == right[j - 1] {
                best = best.min(before[j - 2] + 1);
            }
            row.push(best);
        }
        before = core::mem::replace(&mut last, row);
    }
    last[width - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let names = ["echo", "sort", "reboot", "poweroff", "ps", "log"];
        for (word, expected) in [
            ("ecoh", Some("echo")),
            ("ehco", Some("echo")),
            ("srot", Some("sort")),
            ("rebot", Some("reboot")),
            ("powerof", Some("poweroff")),
            ("lgo", Some("log")),
            ("pss", Some("ps")),
            ("hello", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, names.into_iter()), expected, "{word}");
        }
        assert_eq!(nearest(&"e".repeat(100_000), names.into_iter()), None);
    }
}
