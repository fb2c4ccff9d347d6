//! The prompt: the line that is typed, with completion and colours.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::ops::Range;

use interfaces::files::Dir;
use line_editor::{Candidate, Completion, Editor, Helper, Outcome, Style, Terminal};
use shell_language::{BUILTINS, KEYWORDS, Shell};

use crate::machine::FtlMachine;

/// What is asked with.
const PROMPT: &str = "ftl> ";
/// Commands whose arguments are names of components.
const TAKE_COMPONENTS: &[&str] = &["graph", "kill", "log", "restart", "top", "why"];
/// Commands whose arguments are names of commands.
const TAKE_COMMANDS: &[&str] = &["help", "type", "xargs", "env", "time"];

/// How a line ended.
pub enum Entered {
    Line(String),
    /// With Ctrl-D.
    End,
}

/// See the [module](self).
pub struct Prompt {
    editor: Editor,
    knowledge: Knowledge,
}

impl Prompt {
    pub fn new(machine: &mut FtlMachine) -> Prompt {
        let mut prompt = Prompt {
            editor: Editor::new(),
            knowledge: Knowledge::default(),
        };
        prompt.resize(machine);
        prompt
    }

    /// Whether the prompt is shown.
    pub fn is_shown(&self) -> bool {
        self.knowledge.shown
    }

    /// Asks for a line.
    pub fn begin(&mut self, shell: &Shell<FtlMachine>, machine: &mut FtlMachine) {
        machine.line_ended();
        self.resize(machine);
        self.knowledge.refresh(shell, machine);
        if !machine.at_line_start {
            machine.print_terminal(b"\r\n");
        }
        self.editor.begin(PROMPT, &self.knowledge);
        self.set_shown(true, machine);
        self.flush(machine);
    }

    /// The terminal may have another size.
    pub fn resize(&mut self, machine: &mut FtlMachine) {
        let default = Terminal::default();
        let terminal = machine.size().map_or(default, |size| Terminal {
            columns: match size.columns {
                0 => default.columns,
                columns => columns.into(),
            },
            rows: match size.rows {
                0 => default.rows,
                rows => rows.into(),
            },
            escapes: size.colours,
        });
        self.editor.set_terminal(terminal);
        self.flush(machine);
    }

    /// The window has another size, or is another one, where nothing is drawn yet.
    pub fn resized(&mut self, machine: &mut FtlMachine) {
        if !self.is_shown() {
            self.resize(machine);
            return;
        }
        self.editor.hide();
        self.resize(machine);
        self.editor.show(&self.knowledge);
        self.flush(machine);
    }

    /// Shows lines above the prompt.
    pub fn tell(&mut self, lines: &[String], machine: &mut FtlMachine) {
        for line in lines {
            machine.beside.extend_from_slice(line.as_bytes());
            machine.beside.push(b'\n');
        }
        self.pass_on(machine);
    }

    /// Shows lines of the log: above the prompt, or between what commands print.
    pub fn show_log(&mut self, machine: &mut FtlMachine) {
        let lines = machine.noticed();
        if lines.is_empty() {
            return;
        }
        let faint = self.editor.terminal().escapes;
        let mut text = Vec::with_capacity(lines.len() + 16);
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let line = line.strip_suffix(b"\n").unwrap_or(line);
            if faint {
                text.extend_from_slice(b"\x1b[2m");
            }
            text.extend_from_slice(line);
            if faint {
                text.extend_from_slice(b"\x1b[0m");
            }
            text.push(b'\n');
        }
        if self.is_shown() {
            machine.beside.extend_from_slice(&text);
            self.pass_on(machine);
            return;
        }
        if !machine.at_line_start {
            machine.print_terminal(b"\r\n");
        }
        machine.print_terminal(&text);
    }

    /// Shows above the prompt what jobs have printed.
    pub fn pass_on(&mut self, machine: &mut FtlMachine) {
        if machine.beside.is_empty() || !self.is_shown() {
            return;
        }
        let mut text = core::mem::take(&mut machine.beside);
        if !text.ends_with(b"\n") {
            text.push(b'\n');
        }
        self.editor.hide();
        self.flush(machine);
        machine.print_terminal(&text);
        self.editor.show(&self.knowledge);
        self.flush(machine);
    }

    /// Ctrl-C at the prompt: another line.
    pub fn interrupt(&mut self, shell: &Shell<FtlMachine>, machine: &mut FtlMachine) {
        self.editor.interrupt(&self.knowledge);
        self.flush(machine);
        machine.at_line_start = true;
        self.begin(shell, machine);
    }

    /// Takes what was typed. Answers a line when one was ended.
    pub fn typed(
        &mut self,
        shell: &Shell<FtlMachine>,
        machine: &mut FtlMachine,
    ) -> Option<Entered> {
        if !self.is_shown() {
            self.begin(shell, machine);
        }
        loop {
            let typed = machine.typed();
            if typed.is_empty() {
                return None;
            }
            let (used, outcome) = self.editor.feed(&typed, &mut self.knowledge);
            machine.untyped(&typed[used..]);
            self.flush(machine);
            let entered = match outcome {
                None => continue,
                Some(Outcome::Line(line)) => Entered::Line(line),
                Some(Outcome::End) => Entered::End,
                Some(Outcome::Interrupted) => {
                    machine.at_line_start = true;
                    self.begin(shell, machine);
                    continue;
                }
            };
            self.set_shown(false, machine);
            machine.at_line_start = true;
            return Some(entered);
        }
    }

    fn set_shown(&mut self, shown: bool, machine: &mut FtlMachine) {
        self.knowledge.shown = shown;
        machine.prompt_shown = shown;
    }

    fn flush(&mut self, machine: &mut FtlMachine) {
        let output = self.editor.take_output();
        machine.print_terminal(&output);
    }
}

/// What is known, for completion and colours.
#[derive(Default)]
struct Knowledge {
    shown: bool,
    /// Names, and what they do.
    commands: Vec<(String, String)>,
    components: Vec<String>,
    variables: Vec<String>,
    files: Vec<String>,
    /// The directory that the shell was given, and where it is in it.
    disk: Option<Dir>,
    jobs: Vec<(String, String)>,
}

impl Knowledge {
    fn refresh(&mut self, shell: &Shell<FtlMachine>, machine: &mut FtlMachine) {
        self.commands = machine.known_commands().to_vec();
        let builtins = BUILTINS.iter();
        self.commands
            .extend(builtins.map(|(name, help)| (name.to_string(), help.to_string())));
        let functions = shell.functions().into_iter();
        self.commands
            .extend(functions.map(|name| (name, "a function".into())));
        self.commands.sort();
        self.commands.dedup_by(|left, right| left.0 == right.0);
        self.components = machine.components();
        self.files = machine.files().map(String::from).collect();
        if let Some(variables) = shell.variables() {
            let current = variables.get("PWD").map_or("/", |current| current);
            self.disk = machine.disk().map(|disk| disk.at(current));
            self.variables = variables.iter().map(|(name, _)| name.to_string()).collect();
        }
        let jobs = shell.jobs().iter();
        self.jobs = jobs
            .map(|job| (alloc::format!("%{}", job.number), job.text.to_string()))
            .collect();
    }

    fn is_command(&self, name: &str) -> bool {
        self.commands
            .binary_search_by(|(known, _)| known.as_str().cmp(name))
            .is_ok()
    }
}

impl Helper for Knowledge {
    fn complete(&mut self, text: &str, cursor: usize) -> Completion {
        let before = &text[..cursor];
        let words = words(before);
        let (start, place) = match words.last() {
            Some(word) if word.range.end == cursor => (word.range.start, word.place),
            last => (cursor, next_place(last, before)),
        };
        let word = &before[start..];
        let line = words.iter().rev().find(|word| word.place == Place::Command);
        let command = line.map_or("", |word| &before[word.range.clone()]);
        let none = String::new();
        let mut candidates: Vec<(&str, &str)> = Vec::new();
        if let Some(at) = word.rfind('$') {
            let names = self.variables.iter().map(|name| (name.as_str(), ""));
            return found(start + at + 1, &word[at + 1..], names);
        }
        match place {
            Place::Command => {
                candidates.extend(
                    self.commands
                        .iter()
                        .map(|(name, help)| (name.as_str(), help.as_str())),
                );
                candidates.extend(KEYWORDS.iter().map(|name| (*name, "")));
            }
            Place::Argument if word.starts_with('%') => {
                candidates.extend(
                    self.jobs
                        .iter()
                        .map(|(name, text)| (name.as_str(), text.as_str())),
                );
            }
            Place::Argument => {
                if TAKE_COMPONENTS.contains(&command) {
                    candidates.extend(self.components.iter().map(|name| (name.as_str(), "")));
                } else if TAKE_COMMANDS.contains(&command) {
                    candidates.extend(
                        self.commands
                            .iter()
                            .map(|(name, help)| (name.as_str(), help.as_str())),
                    );
                } else if let Some(disk) = self.disk.as_ref().filter(|_| !word.starts_with('-')) {
                    return files(disk, start, word);
                } else {
                    candidates.extend(self.files.iter().map(|name| (name.as_str(), none.as_str())));
                }
                if word.starts_with('-') {
                    candidates.push(("--help", "says what it does"));
                }
            }
            Place::File if self.disk.is_some() => {
                if let Some(disk) = &self.disk {
                    return files(disk, start, word);
                }
            }
            Place::File => {
                candidates.extend(self.files.iter().map(|name| (name.as_str(), none.as_str())))
            }
        }
        found(start, word, candidates.into_iter())
    }

    fn is_incomplete(&self, text: &str) -> bool {
        shell_language::parse(text).is_err_and(|error| error.incomplete)
    }

    fn highlight(&self, text: &str) -> Vec<(Range<usize>, Style)> {
        let mut styles = Vec::new();
        let mut at = 0;
        for word in words(text) {
            for (i, c) in text[at..word.range.start].char_indices() {
                if "|&;<>()".contains(c) {
                    styles.push((at + i..at + i + 1, Style::Operator));
                }
            }
            at = word.range.end;
            let shown = &text[word.range.clone()];
            let style = match word.place {
                _ if shown.starts_with('#') => Style::Faint,
                Place::Command if KEYWORDS.contains(&shown) || matches!(shown, "{" | "}" | "!") => {
                    Style::Keyword
                }
                Place::Command if self.is_command(shown) => Style::Command,
                Place::Command if shown.contains(['=', '$', '"', '\'']) => Style::Plain,
                Place::Command => Style::Unknown,
                _ if KEYWORDS.contains(&shown) => Style::Plain,
                _ if shown.starts_with(['"', '\'']) => Style::Text,
                _ if shown.starts_with('$') => Style::Variable,
                _ => Style::Plain,
            };
            styles.push((word.range, style));
        }
        for (i, c) in text[at..].char_indices() {
            if "|&;<>()".contains(c) {
                styles.push((at + i..at + i + 1, Style::Operator));
            }
        }
        styles
    }
}

/// The names of files that could stand there: those of the directory that the word names so far.
fn files(disk: &Dir, start: usize, word: &str) -> Completion {
    let (directory, name) = match word.rfind('/') {
        Some(at) => word.split_at(at + 1),
        None => ("", word),
    };
    let base = if directory.is_empty() { "." } else { directory };
    let listed = crate::machine::list(disk, base).into_iter();
    let names: Vec<String> = listed
        .filter(|(found, _)| name.starts_with('.') || !found.starts_with('.'))
        .map(|(found, is_directory)| found + if is_directory { "/" } else { "" })
        .collect();
    let names = names.iter().map(|name| (name.as_str(), ""));
    found(start + directory.len(), name, names)
}

fn found<'a>(
    start: usize,
    word: &str,
    candidates: impl Iterator<Item = (&'a str, &'a str)>,
) -> Completion {
    let mut candidates: Vec<Candidate> = candidates
        .filter(|(name, _)| name.starts_with(word))
        .map(|(name, help)| Candidate {
            text: name.to_string(),
            after: if name.ends_with('/') { "" } else { " " },
            help: help.to_string(),
        })
        .collect();
    candidates.sort_by(|left, right| left.text.cmp(&right.text));
    candidates.dedup_by(|left, right| left.text == right.text);
    Completion { start, candidates }
}

/// What a word is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Command,
    Argument,
    File,
}

#[derive(Debug)]
struct Word {
    range: Range<usize>,
    place: Place,
}

/// The words of a line that may be unfinished. Rougher than the parser, which would refuse it.
fn words(text: &str) -> Vec<Word> {
    let mut words: Vec<Word> = Vec::new();
    let mut chars = text.char_indices().peekable();
    let mut start: Option<usize> = None;
    let mut quote: Option<char> = None;
    let mut place = Place::Command;
    while let Some((at, c)) = chars.next() {
        if let Some(open) = quote {
            if c == open {
                quote = None;
            }
            continue;
        }
        let is_break = c.is_whitespace() || "|&;<>()".contains(c);
        if is_break {
            if let Some(start) = start.take() {
                let word = Word {
                    range: start..at,
                    place,
                };
                place = after(&text[start..at], place);
                words.push(word);
            }
            match c {
                '|' | '&' | ';' | '(' | '\n' => place = Place::Command,
                '<' | '>' => place = Place::File,
                _ => {}
            }
            continue;
        }
        if start.is_none() && c == '#' {
            words.push(Word {
                range: at..text.len(),
                place: Place::Argument,
            });
            return words;
        }
        start.get_or_insert(at);
        match c {
            '\'' | '"' => quote = Some(c),
            '\\' => drop(chars.next()),
            _ => {}
        }
    }
    if let Some(start) = start {
        words.push(Word {
            range: start..text.len(),
            place,
        });
    }
    words
}

/// What the word after this one is.
fn after(word: &str, place: Place) -> Place {
    match (place, word) {
        (
            Place::Command,
            "then" | "do" | "else" | "elif" | "if" | "while" | "until" | "!" | "{",
        ) => Place::Command,
        (Place::Command, word) if word.contains('=') && !word.starts_with('=') => Place::Command,
        (_, "do" | "then") => Place::Command,
        _ => Place::Argument,
    }
}

/// What a word is that begins at the end of the text.
fn next_place(last: Option<&Word>, text: &str) -> Place {
    let gap = last.map_or(text, |word| &text[word.range.end..]);
    if gap.contains(['|', '&', ';', '(', '\n']) {
        return Place::Command;
    }
    if gap.contains(['<', '>']) {
        return Place::File;
    }
    last.map_or(Place::Command, |word| {
        after(&text[word.range.clone()], word.place)
    })
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::vec;

    fn knowledge() -> Knowledge {
        let pair = |name: &str| (name.to_string(), String::new());
        Knowledge {
            commands: vec![pair("echo"), pair("kill"), pair("sleep"), pair("sort")],
            components: vec!["tcpip".into(), "virtio_net".into()],
            variables: vec!["HOME".into()],
            files: vec!["notes".into()],
            jobs: vec![("%1".into(), "sleep 5".into())],
            ..Knowledge::default()
        }
    }

    #[track_caller]
    fn check(text: &str, start: usize, expected: &[&str]) {
        let completion = knowledge().complete(text, text.len());
        let names: Vec<&str> = completion
            .candidates
            .iter()
            .map(|c| c.text.as_str())
            .collect();
        assert_eq!(
            (completion.start, names.as_slice()),
            (start, expected),
            "{text}"
        );
    }

    #[test]
    fn what_could_stand_there_is_found() {
        check("s", 0, &["sleep", "sort"]);
        check("echo a | so", 9, &["sort"]);
        check("kill t", 5, &["tcpip"]);
        check("kill ", 5, &["tcpip", "virtio_net"]);
        check("echo n", 5, &["notes"]);
        check("sort < ", 7, &["notes"]);
        check("kill %", 5, &["%1"]);
        check("echo $H", 6, &["HOME"]);
        check("if ec", 3, &["echo"]);
        check("sort --", 5, &["--help"]);
        check("x", 0, &[]);
    }

    #[test]
    fn parts_have_their_colours() {
        let styles = knowledge().highlight("echo 'a b' | nothing $x # c");
        let shown: Vec<Style> = styles.iter().map(|(_, style)| *style).collect();
        use Style::*;
        assert_eq!(shown, [Command, Text, Operator, Unknown, Variable, Faint]);
        assert!(
            styles
                .windows(2)
                .all(|pair| pair[0].0.end <= pair[1].0.start)
        );
    }

    #[test]
    fn no_text_is_too_odd() {
        for text in [
            "", "'", "\\", "a\\", "((((", "ä'ö", "$", "#", ">>>", "a\n\nb",
        ] {
            let _ = knowledge().highlight(text);
            for (at, _) in text.char_indices() {
                let _ = knowledge().complete(text, at);
            }
        }
    }
}
