//! What the kernel's log says: its lines, where in it the file ends, and which lines are of crashes and panics.
//!
//! The kernel begins each line with `[seconds] name: `, with `ERROR ` behind it if it is one. What the name says
//! is sure, since the kernel writes it; so reports are told from what components say.

use alloc::string::String;

/// How a report of a crash begins, behind the name.
const CRASHED: &str = "ERROR crashed: ";
/// How the kernel's own report of its panic begins, repeated by the next boot.
const PANIC: &str = "kernel panic: ";
/// Under whose name it repeats what was logged before a reset.
const BEFORE: &str = "before";

/// A part of the kernel's log, from a line's beginning on.
pub struct Part {
    /// The position behind it.
    pub end: u64,
    pub text: String,
}

impl Part {
    /// What of it comes behind a position, which lies in it.
    pub fn behind(mut self, position: u64) -> Part {
        let len = usize::try_from(self.end - position).unwrap_or(0);
        self.text.drain(..self.text.len().saturating_sub(len));
        self
    }

    /// Where in the kernel's log the end of a file is, which `tail` is: what was written last and begins with a
    /// whole line. Nothing, if that is not to be found.
    pub fn position_behind(&self, tail: &str) -> Option<u64> {
        // Lines of our own are in no kernel's log.
        let own = tail
            .match_indices("=== ")
            .filter(|(at, _)| *at == 0 || tail.as_bytes()[at - 1] == b'\n')
            .last();
        let tail = match own {
            Some((at, _)) => tail[at..].split_once('\n').map_or("", |(_, rest)| rest),
            None => tail,
        };
        let at = match tail {
            "" => None,
            tail => self.text.rfind(tail),
        }?;
        let rest = self.text.len() - at - tail.len();
        Some(self.end - rest as u64)
    }
}

/// A line's name and what comes behind it.
fn named(line: &str) -> Option<(&str, &str)> {
    line.strip_prefix('[')?.split_once("] ")?.1.split_once(": ")
}

/// The reports of crashes in a text of whole lines: what each component said last, where it was and how it came
/// there, and its registers.
pub fn crashes(text: &str) -> String {
    let mut found = String::new();
    let (mut crashed, mut is_report) = (None, false);
    for line in text.lines() {
        match named(line) {
            // More of what the line before says.
            None => {}
            Some((name, rest)) if rest.starts_with(CRASHED) => {
                (crashed, is_report) = (Some(name), true);
            }
            // Another CPU's lines may come in between.
            Some((name, rest)) => {
                is_report = crashed == Some(name) && rest.starts_with("ERROR   ");
            }
        }
        if is_report {
            found.push_str(line);
            found.push('\n');
        }
    }
    found
}

/// What the machine said last before a panic of the kernel reset it, if this text tells of one.
pub fn panic(text: &str) -> Option<String> {
    let mut told = String::new();
    for line in text.lines() {
        if let Some((BEFORE, line)) = named(line) {
            told.push_str(line);
            told.push('\n');
        }
    }
    told.lines()
        .any(|line| line.starts_with(PANIC))
        .then_some(told)
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::*;

    const LOG: &str = "\
[   0.000001] kernel: FTL
[   0.000002] one: INFO or not: crashed: no
[   0.000003] one: ERROR crashed: all is lost
main.rs:7
[   0.000004] two: something else
[   0.000005] one: ERROR   at one+0x1234
[   0.000006] two: ERROR   at two+0x1234
";

    #[test]
    fn the_place_is_found_again() {
        let part = Part {
            end: 1000 + LOG.len() as u64,
            text: LOG.into(),
        };
        let position = |tail: &str| part.position_behind(tail);
        assert_eq!(position(LOG), Some(part.end));
        let (begin, _) = LOG.split_at(LOG.find("[   0.000004]").unwrap());
        let at = 1000 + begin.len() as u64;
        let here = Some(at);
        assert_eq!(position(begin), here);
        let behind = Part {
            end: part.end,
            text: part.text.clone(),
        };
        assert_eq!(behind.behind(at).text, LOG[begin.len()..]);
        assert_eq!(position(&begin[26..]), here);
        let marked = alloc::format!("old\n=== x\nnew\n=== y\n{}", &begin[26..]);
        assert_eq!(position(&marked), here);
        for other in ["", "=== x\n", "old\n", "[   0.000009] kernel: FTL\n"] {
            assert_eq!(position(other), None, "{other:?}");
        }
    }

    #[test]
    fn crashes_are_told_from_talk() {
        let found = crashes(LOG);
        let lines: Vec<&str> = LOG.lines().collect();
        assert_eq!(
            found.lines().collect::<Vec<_>>(),
            [lines[2], lines[3], lines[5]]
        );
    }

    #[test]
    fn panics_are_those_before() {
        let text = "\
[   0.000010] kernel: the machine was reset; the last it had said before:
[   0.000011] before: [   7.123456] one: hello
[   0.000012] before: kernel panic: no more
[   0.000013] before:   at kernel+0x10
[   0.000014] two: kernel panic: a lie
";
        let told = "[   7.123456] one: hello\nkernel panic: no more\n  at kernel+0x10\n";
        assert_eq!(panic(text).as_deref(), Some(told));
        assert_eq!(panic(&text.replace("before: kernel panic", "x: y")), None);
        assert_eq!(panic(LOG), None);
    }
}
