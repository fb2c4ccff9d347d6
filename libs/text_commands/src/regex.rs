//! Regular expressions, for `grep`.
//!
//! A pattern becomes a program for a machine that is in many states at once (Thompson, 1968): each byte of the text is
//! looked at once, so that no pattern takes more time than its length times the text's. Characters
//! are bytes, but `.` and sets take a whole character of UTF-8. Of several matches the leftmost counts, of
//! those the longest. Groups are not remembered: there are no back references.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;

/// How deep groups may stand in each other.
const DEPTH_MAX: usize = 40;
/// A compiled pattern has at most so many steps: `{1000}` of `{1000}` is refused.
const STEPS_MAX: usize = 4000;

#[derive(Clone, Debug)]
enum Node {
    Empty,
    Char(char),
    Any,
    Set {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
    Start,
    End,
    Concat(Vec<Node>),
    Either(Vec<Node>),
    Repeat {
        node: Box<Node>,
        least: u32,
        most: Option<u32>,
    },
}

#[derive(Clone, Debug)]
enum Step {
    Char(char),
    Any,
    Set {
        ranges: Vec<(char, char)>,
        negated: bool,
    },
    Start,
    End,
    /// Goes on in both places.
    Fork(usize, usize),
    Jump(usize),
    Match,
}

/// A pattern.
#[derive(Clone, Debug)]
pub struct Regex {
    steps: Vec<Step>,
    ignore_case: bool,
}

impl Regex {
    /// Compiles a pattern, or says what is wrong with it.
    pub fn new(pattern: &str, ignore_case: bool) -> Result<Regex, String> {
        let mut parser = Parser {
            pattern,
            chars: pattern.chars().collect(),
            at: 0,
            depth: 0,
        };
        let node = parser.either()?;
        if parser.at < parser.chars.len() {
            return Err(format!("nothing opened the `)` in `{pattern}`"));
        }
        Regex::compile(&node, ignore_case)
            .ok_or_else(|| format!("the pattern `{pattern}` is too large"))
    }

    /// A pattern that means itself.
    pub fn plain(text: &str, ignore_case: bool) -> Regex {
        let mut steps: Vec<Step> = text.chars().map(Step::Char).collect();
        steps.push(Step::Match);
        Regex { steps, ignore_case }
    }

    fn compile(node: &Node, ignore_case: bool) -> Option<Regex> {
        let mut steps = Vec::new();
        emit(node, &mut steps)?;
        steps.push(Step::Match);
        Some(Regex { steps, ignore_case })
    }

    /// The leftmost, longest match that begins at `from` or later.
    pub fn find(&self, text: &[u8], from: usize) -> Option<Range<usize>> {
        // Each state remembers where its match began; the one that began first goes first.
        let mut states = States::new(self.steps.len());
        let mut next = States::new(self.steps.len());
        let mut found: Option<Range<usize>> = None;
        let mut at = from;
        loop {
            if found.is_none() {
                self.add(&mut states, 0, at, at, text.len());
            }
            let (c, len) = character(&text[at.min(text.len())..]);
            next.clear();
            for i in 0..states.list.len() {
                let (place, start) = states.list[i];
                if found.as_ref().is_some_and(|found| start > found.start) {
                    continue;
                }
                let goes_on = match &self.steps[place] {
                    Step::Match => {
                        let better = found
                            .as_ref()
                            .is_none_or(|found| start < found.start || at > found.end);
                        if better {
                            found = Some(start..at);
                        }
                        false
                    }
                    Step::Char(wanted) => len > 0 && self.same(*wanted, c),
                    Step::Any => len > 0,
                    Step::Set { ranges, negated } => len > 0 && self.in_set(ranges, c) != *negated,
                    _ => false,
                };
                if goes_on {
                    self.add(&mut next, place + 1, start, at + len, text.len());
                }
            }
            if len == 0 || (next.list.is_empty() && found.is_some()) {
                return found;
            }
            core::mem::swap(&mut states, &mut next);
            at += len;
        }
    }

    fn add(&self, states: &mut States, place: usize, start: usize, at: usize, len: usize) {
        let mut stack = vec![place];
        while let Some(place) = stack.pop() {
            if !states.insert(place) {
                continue;
            }
            match &self.steps[place] {
                Step::Fork(first, second) => {
                    stack.push(*second);
                    stack.push(*first);
                }
                Step::Jump(to) => stack.push(*to),
                Step::Start if at == 0 => stack.push(place + 1),
                Step::End if at == len => stack.push(place + 1),
                Step::Start | Step::End => {}
                _ => states.list.push((place, start)),
            }
        }
    }

    fn same(&self, wanted: char, c: char) -> bool {
        wanted == c || self.ignore_case && wanted.to_lowercase().eq(c.to_lowercase())
    }

    fn in_set(&self, ranges: &[(char, char)], c: char) -> bool {
        let within = |c: char| ranges.iter().any(|(low, high)| (*low..=*high).contains(&c));
        within(c)
            || self.ignore_case && (c.to_lowercase().any(within) || c.to_uppercase().any(within))
    }
}

/// The first character of a text and its length in bytes; what is not UTF-8 counts byte by byte.
fn character(text: &[u8]) -> (char, usize) {
    let Some(first) = text.first() else {
        return ('\0', 0);
    };
    let len = match first {
        0x00..0x80 => return (char::from(*first), 1),
        0xc2..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0..0xf5 => 4,
        _ => 1,
    };
    let bytes = text
        .get(..len)
        .and_then(|bytes| core::str::from_utf8(bytes).ok());
    match bytes.and_then(|text| text.chars().next()) {
        Some(c) => (c, len),
        None => (char::REPLACEMENT_CHARACTER, 1),
    }
}

/// States that the machine is in, each once: the one that began first.
struct States {
    list: Vec<(usize, usize)>,
    seen: Vec<bool>,
}

impl States {
    fn new(len: usize) -> States {
        States {
            list: Vec::new(),
            seen: vec![false; len],
        }
    }
    fn clear(&mut self) {
        self.list.clear();
        self.seen.fill(false);
    }
    fn insert(&mut self, place: usize) -> bool {
        !core::mem::replace(&mut self.seen[place], true)
    }
}

fn emit(node: &Node, steps: &mut Vec<Step>) -> Option<()> {
    if steps.len() > STEPS_MAX {
        return None;
    }
    match node {
        Node::Empty => {}
        Node::Char(c) => steps.push(Step::Char(*c)),
        Node::Any => steps.push(Step::Any),
        Node::Set { ranges, negated } => steps.push(Step::Set {
            ranges: ranges.clone(),
            negated: *negated,
        }),
        Node::Start => steps.push(Step::Start),
        Node::End => steps.push(Step::End),
        Node::Concat(nodes) => {
            for node in nodes {
                emit(node, steps)?;
            }
        }
        Node::Either(nodes) => {
            let mut jumps = Vec::new();
            for (i, node) in nodes.iter().enumerate() {
                if i + 1 == nodes.len() {
                    emit(node, steps)?;
                    continue;
                }
                let fork = steps.len();
                steps.push(Step::Match);
                emit(node, steps)?;
                jumps.push(steps.len());
                steps.push(Step::Match);
                steps[fork] = Step::Fork(fork + 1, steps.len());
            }
            let end = steps.len();
            for jump in jumps {
                steps[jump] = Step::Jump(end);
            }
        }
        Node::Repeat { node, least, most } => {
            for _ in 0..*least {
                emit(node, steps)?;
            }
            match most {
                None => {
                    let fork = steps.len();
                    steps.push(Step::Match);
                    emit(node, steps)?;
                    steps.push(Step::Jump(fork));
                    steps[fork] = Step::Fork(fork + 1, steps.len());
                }
                Some(most) => {
                    let mut forks = Vec::new();
                    for _ in *least..*most {
                        forks.push(steps.len());
                        steps.push(Step::Match);
                        emit(node, steps)?;
                    }
                    let end = steps.len();
                    for fork in forks {
                        steps[fork] = Step::Fork(fork + 1, end);
                    }
                }
            }
        }
    }
    Some(())
}

struct Parser<'a> {
    pattern: &'a str,
    chars: Vec<char>,
    at: usize,
    depth: usize,
}

impl Parser<'_> {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn next(&mut self) -> Option<char> {
        let c = self.peek();
        self.at += usize::from(c.is_some());
        c
    }

    fn either(&mut self) -> Result<Node, String> {
        let mut nodes = vec![self.concat()?];
        while self.peek() == Some('|') {
            self.at += 1;
            nodes.push(self.concat()?);
        }
        Ok(match nodes.len() {
            1 => nodes.remove(0),
            _ => Node::Either(nodes),
        })
    }

    fn concat(&mut self) -> Result<Node, String> {
        let mut nodes = Vec::new();
        while let Some(c) = self.peek() {
            if matches!(c, '|' | ')') {
                break;
            }
            let node = self.atom()?;
            nodes.push(self.repeated(node)?);
        }
        Ok(match nodes.len() {
            0 => Node::Empty,
            _ => Node::Concat(nodes),
        })
    }

    fn repeated(&mut self, mut node: Node) -> Result<Node, String> {
        loop {
            let (least, most) = match self.peek() {
                Some('{') => match self.counts()? {
                    Some(counts) => counts,
                    None => return Ok(node),
                },
                Some(c @ ('*' | '+' | '?')) => {
                    self.at += 1;
                    (u32::from(c == '+'), (c == '?').then_some(1))
                }
                _ => return Ok(node),
            };
            node = Node::Repeat {
                node: Box::new(node),
                least,
                most,
            };
        }
    }

    /// `{2}`, `{2,}` or `{2,3}`, read whole; `None` if the brace means itself.
    fn counts(&mut self) -> Result<Option<(u32, Option<u32>)>, String> {
        let rest: String = self.chars[self.at + 1..].iter().collect();
        let Some((inside, _)) = rest.split_once('}') else {
            return Ok(None);
        };
        let (least, most) = match inside.split_once(',') {
            Some((least, "")) => (least, None),
            Some((least, most)) => (least, Some(most)),
            None => (inside, Some(inside)),
        };
        let is_number =
            |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_number(least) || !most.is_none_or(is_number) {
            return Ok(None);
        }
        let number = |text: &str| {
            text.parse::<u32>()
                .ok()
                .filter(|number| *number <= 1000)
                .ok_or_else(|| format!("`{text}` repetitions are too many; 1000 are allowed"))
        };
        let (least, most) = (number(least)?, most.map(number).transpose()?);
        if most.is_some_and(|most| most < least) {
            return Err(format!("`{{{inside}}}` asks for fewer than it asks for"));
        }
        self.at += inside.chars().count() + 2;
        Ok(Some((least, most)))
    }

    fn atom(&mut self) -> Result<Node, String> {
        let Some(c) = self.next() else {
            return Ok(Node::Empty);
        };
        Ok(match c {
            '.' => Node::Any,
            '^' => Node::Start,
            '$' => Node::End,
            '(' => {
                if self.depth == DEPTH_MAX {
                    return Err(format!("more than {DEPTH_MAX} groups in each other"));
                }
                self.depth += 1;
                let node = self.either()?;
                self.depth -= 1;
                match self.next() {
                    Some(')') => node,
                    _ => return Err(format!("nothing closes the `(` in `{}`", self.pattern)),
                }
            }
            '[' => self.set()?,
            '*' | '+' | '?' => {
                return Err(format!(
                    "nothing stands before the `{c}` in `{}`",
                    self.pattern
                ));
            }
            '\\' => match self.next() {
                Some(class @ ('d' | 'w' | 's' | 'D' | 'W' | 'S')) => Node::Set {
                    ranges: class_ranges(class.to_ascii_lowercase()),
                    negated: class.is_ascii_uppercase(),
                },
                Some('t') => Node::Char('\t'),
                Some(c) => Node::Char(c),
                None => {
                    return Err(format!(
                        "something is missing after the `\\` in `{}`",
                        self.pattern
                    ));
                }
            },
            c => Node::Char(c),
        })
    }

    fn set(&mut self) -> Result<Node, String> {
        let unclosed = format!("nothing closes the `[` in `{}`", self.pattern);
        let negated = self.peek() == Some('^');
        self.at += usize::from(negated);
        let first = self.at;
        let mut ranges = Vec::new();
        loop {
            let c = self.next().ok_or(unclosed.clone())?;
            let low = match c {
                ']' if self.at - 1 > first => return Ok(Node::Set { ranges, negated }),
                '\\' => match self.next().ok_or(unclosed.clone())? {
                    class @ ('d' | 'w' | 's') => {
                        ranges.extend(class_ranges(class));
                        continue;
                    }
                    't' => '\t',
                    c => c,
                },
                c => c,
            };
            let is_range =
                self.peek() == Some('-') && self.chars.get(self.at + 1).is_some_and(|c| *c != ']');
            if !is_range {
                ranges.push((low, low));
                continue;
            }
            self.at += 1;
            let high = match self.next().ok_or(unclosed.clone())? {
                '\\' => self.next().ok_or(unclosed.clone())?,
                c => c,
            };
            if high < low {
                return Err(format!("`{low}-{high}` is the wrong way round"));
            }
            ranges.push((low, high));
        }
    }
}

fn class_ranges(class: char) -> Vec<(char, char)> {
    match class {
        'd' => vec![('0', '9')],
        's' => vec![(' ', ' '), ('\t', '\r')],
        _ => vec![('a', 'z'), ('A', 'Z'), ('0', '9'), ('_', '_')],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, text: &str, expected: Option<&str>) {
        let regex = Regex::new(pattern, false).unwrap();
        let found = regex.find(text.as_bytes(), 0).map(|range| &text[range]);
        assert_eq!(found, expected, "{pattern} in {text}");
    }

    #[test]
    fn patterns_find_the_leftmost_longest() {
        check("abc", "xxabcxx", Some("abc"));
        check("a.c", "abc aüc", Some("abc"));
        check("a.c", "aüc", Some("aüc"));
        check("ab*", "xabbbc", Some("abbb"));
        check("ab+", "a", None);
        check("ab?c", "ac", Some("ac"));
        check("a|ab", "ab", Some("ab"));
        check("(a|b)+c", "xababc", Some("ababc"));
        check("^a", "ba", None);
        check("a$", "ab a", Some("a"));
        check("^$", "", Some(""));
        check("[a-c]+", "xxabcd", Some("abc"));
        check("[^a-c]+", "abxyc", Some("xy"));
        check("[]a]+", "x]a", Some("]a"));
        check("[ä-ü]", "aö", Some("ö"));
        check("\\d{2,3}", "1 12 1234", Some("12"));
        check("\\d{3}", "12 1234", Some("123"));
        check("a{2,}", "aaaa", Some("aaaa"));
        check("a{,2}", "a{,2}", Some("a{,2}"));
        check("\\w+\\.\\w+", "see a.b", Some("a.b"));
        check("x*", "aaa", Some(""));
        check("(a*)*b", "aab", Some("aab"));
        check("", "abc", Some(""));
    }

    #[test]
    fn letters_may_be_small_or_capital() {
        let regex = Regex::new("h[a-e]llo", true).unwrap();
        assert_eq!(regex.find(b"say HELLO", 0), Some(4..9));
        assert_eq!(Regex::plain("a.c", true).find(b"abc A.C", 0), Some(4..7));
    }

    #[test]
    fn what_is_not_utf_8_counts_byte_by_byte() {
        let regex = Regex::new("a..b", false).unwrap();
        assert_eq!(regex.find(b"a\xff\xfeb", 0), Some(0..4));
    }

    #[test]
    fn wrong_patterns_are_told() {
        for (pattern, expected) in [
            ("(a", "nothing closes the `(` in `(a`"),
            ("a)", "nothing opened the `)` in `a)`"),
            ("[a", "nothing closes the `[` in `[a`"),
            ("*a", "nothing stands before the `*` in `*a`"),
            ("a\\", "something is missing after the `\\` in `a\\`"),
            ("[z-a]", "`z-a` is the wrong way round"),
            ("a{3,2}", "`{3,2}` asks for fewer than it asks for"),
            (
                "a{1001}",
                "`1001` repetitions are too many; 1000 are allowed",
            ),
            (
                "(a{1000}){1000}",
                "the pattern `(a{1000}){1000}` is too large",
            ),
        ] {
            assert_eq!(Regex::new(pattern, false).unwrap_err(), expected);
        }
        assert!(Regex::new(&"(".repeat(10_000), false).is_err());
    }

    #[test]
    fn no_pattern_takes_exponential_time() {
        let regex = Regex::new(&("a?".repeat(30) + &"a".repeat(30)), false).unwrap();
        assert_eq!(regex.find("a".repeat(30).as_bytes(), 0), Some(0..30));
        let regex = Regex::new("(x+x+)+y", false).unwrap();
        assert_eq!(regex.find("x".repeat(2000).as_bytes(), 0), None);
    }
}
