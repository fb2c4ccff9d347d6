//! From characters to tokens.
//!
//! A [`Parser`] is its own lexer, since the two need each other: inside `$(` and `)` stands a whole
//! list again, and where a here-document begins is known only when its line has been read.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::error::SyntaxError;
use crate::parser::{Closer, Parser, Result};
use crate::syntax::{Operation, Part, Span, Trim, Word, is_name, is_name_char};

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A word, which may be a keyword where one is looked for.
    Word(Word),
    /// One of [`Operator`].
    Operator(Operator),
    /// A redirection's operator, and the number before it.
    Redirect(Option<u8>, Arrow),
    /// The end of a line.
    Newline,
    /// The end of the text.
    End,
}

/// What separates commands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `&&`
    And,
    /// `||`
    Or,
    /// `|`
    Pipe,
    /// `&`
    Background,
    /// `;`
    Semicolon,
    /// `;;`
    EndArm,
    /// `(`
    Open,
    /// `)`
    Close,
}

/// What a redirection begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrow {
    /// `<`
    Read,
    /// `>`
    Write,
    /// `>>`
    Append,
    /// `&>`
    WriteBoth,
    /// `>&` and `<&`
    Same,
    /// `<<<`
    Text,
    /// `<<`
    Document,
    /// `<<-`
    DocumentIndented,
}

/// All operators, the longer ones first.
const OPERATORS: &[(&str, Token)] = &[
    ("<<<", Token::Redirect(None, Arrow::Text)),
    ("<<-", Token::Redirect(None, Arrow::DocumentIndented)),
    ("<<", Token::Redirect(None, Arrow::Document)),
    ("<&", Token::Redirect(None, Arrow::Same)),
    ("<", Token::Redirect(None, Arrow::Read)),
    (">>", Token::Redirect(None, Arrow::Append)),
    (">&", Token::Redirect(None, Arrow::Same)),
    (">", Token::Redirect(None, Arrow::Write)),
    ("&>", Token::Redirect(None, Arrow::WriteBoth)),
    ("&&", Token::Operator(Operator::And)),
    ("&", Token::Operator(Operator::Background)),
    ("||", Token::Operator(Operator::Or)),
    ("|", Token::Operator(Operator::Pipe)),
    (";;", Token::Operator(Operator::EndArm)),
    (";", Token::Operator(Operator::Semicolon)),
    ("(", Token::Operator(Operator::Open)),
    (")", Token::Operator(Operator::Close)),
];

/// Where a run of parts ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    /// At a blank or an operator.
    Word,
    /// At `"`.
    Quote,
    /// At `}`.
    Brace { quoted: bool },
    /// At `))`.
    Arithmetic,
    /// At the text's end: a here-document's body.
    Document,
}

impl Stop {
    fn quoted(self) -> bool {
        match self {
            Stop::Word => false,
            Stop::Brace { quoted } => quoted,
            Stop::Quote | Stop::Arithmetic | Stop::Document => true,
        }
    }
}

impl Parser<'_> {
    /// Reads one token. Also says where it stands.
    pub fn read_token(&mut self) -> Result<(Token, Span)> {
        self.skip_blanks();
        let start = self.at;
        let Some(first) = self.char() else {
            return Ok((Token::End, self.span(start)));
        };
        if first == '\n' {
            self.at += 1;
            self.read_documents()?;
            return Ok((
                Token::Newline,
                Span {
                    start,
                    end: start + 1,
                },
            ));
        }
        let digits = self.rest().len()
            - self
                .rest()
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .len();
        let after = self.rest().as_bytes().get(digits).copied();
        if digits > 0 && matches!(after, Some(b'<' | b'>')) {
            let number = self.rest()[..digits].parse::<u8>().ok().filter(|n| *n <= 2);
            let Some(number) = number else {
                return Err(SyntaxError {
                    message: "only 0, 1 and 2 can be redirected".into(),
                    help: Some("0 is the input, 1 the output, 2 is for errors".into()),
                    at: start,
                    len: digits,
                    incomplete: false,
                });
            };
            self.at += digits;
            let Some(Token::Redirect(_, arrow)) = self.read_operator() else {
                return Err(self.error_here("a redirection is wrong"));
            };
            return Ok((Token::Redirect(Some(number), arrow), self.span(start)));
        }
        if let Some(token) = self.read_operator() {
            return Ok((token, self.span(start)));
        }
        let parts = self.parts(Stop::Word)?;
        let span = self.span(start);
        Ok((Token::Word(Word { parts, span }), span))
    }

    fn read_operator(&mut self) -> Option<Token> {
        let (text, token) = OPERATORS
            .iter()
            .find(|(text, _)| self.rest().starts_with(text))?;
        self.at += text.len();
        Some(token.clone())
    }

    fn skip_blanks(&mut self) {
        loop {
            let rest = self.rest();
            if rest.starts_with([' ', '\t', '\r']) {
                self.at += 1;
            } else if rest.starts_with("\\\n") {
                self.at += 2;
            } else if rest.starts_with('#') {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else {
                return;
            }
        }
    }

    /// Reads parts up to where `stop` says. The stop itself is read too, but for a word's.
    fn parts(&mut self, stop: Stop) -> Result<Vec<Part>> {
        let start = self.at;
        let mut parts = Vec::new();
        let mut open = 0;
        loop {
            let Some(c) = self.char() else {
                return match stop {
                    Stop::Word | Stop::Document => Ok(parts),
                    // The quote or brace that was opened stands just before.
                    Stop::Quote => Err(self.unclosed(start.saturating_sub(1), 1, "this quote")),
                    Stop::Brace { .. } => {
                        Err(self.unclosed(start.saturating_sub(1), 1, "this `{`"))
                    }
                    Stop::Arithmetic => {
                        Err(self.unclosed(start.saturating_sub(3), 3, "this `$((`"))
                    }
                };
            };
            match (stop, c) {
                (
                    Stop::Word,
                    ' ' | '\t' | '\r' | '\n' | '|' | '&' | ';' | '(' | ')' | '<' | '>',
                ) => {
                    return Ok(parts);
                }
                (Stop::Quote, '"') | (Stop::Brace { .. }, '}') => {
                    self.at += 1;
                    return Ok(parts);
                }
                (Stop::Arithmetic, ')') if open == 0 => {
                    if self.rest().starts_with("))") {
                        self.at += 2;
                        return Ok(parts);
                    }
                    return Err(self.error_here("a `)` without `(` in this calculation"));
                }
                (Stop::Arithmetic, '(' | ')') => {
                    open = if c == '(' { open + 1 } else { open - 1 };
                    self.at += 1;
                    push_text(&mut parts, c, true);
                }
                (_, '`') if stop != Stop::Document => {
                    let mut error = self.error_here("backquotes are not part of the language");
                    error.help = Some("write $(…)".into());
                    return Err(error);
                }
                (_, '$') => self.dollar(&mut parts, stop.quoted())?,
                (_, '\\') => self.backslash(&mut parts, stop),
                (Stop::Word | Stop::Brace { quoted: false }, '\'') => {
                    let text = self.single_quoted()?;
                    push_quoted(&mut parts, &text);
                }
                (Stop::Word | Stop::Brace { .. }, '"') => {
                    self.at += 1;
                    let inside = self.parts(Stop::Quote)?;
                    if inside.is_empty() {
                        push_quoted(&mut parts, "");
                    }
                    for part in inside {
                        match part {
                            Part::Quoted(text) => push_quoted(&mut parts, &text),
                            part => parts.push(part),
                        }
                    }
                }
                _ => {
                    self.at += c.len_utf8();
                    push_text(&mut parts, c, stop.quoted());
                }
            }
        }
    }

    fn backslash(&mut self, parts: &mut Vec<Part>, stop: Stop) {
        self.at += 1;
        let Some(next) = self.char() else {
            push_quoted(parts, "\\");
            return;
        };
        self.at += next.len_utf8();
        let mut buffer = [0; 4];
        match (stop.quoted(), next) {
            (_, '\n') => {}
            (true, '"') if stop == Stop::Document => push_quoted(parts, "\\\""),
            (false, _) | (true, '$' | '"' | '\\' | '`' | '}') => {
                push_quoted(parts, next.encode_utf8(&mut buffer))
            }
            (true, _) => {
                push_quoted(parts, "\\");
                push_quoted(parts, next.encode_utf8(&mut buffer));
            }
        }
    }

    fn single_quoted(&mut self) -> Result<String> {
        let start = self.at;
        self.at += 1;
        let Some(len) = self.rest().find('\'') else {
            return Err(self.unclosed(start, 1, "this quote"));
        };
        let text = self.rest()[..len].to_string();
        self.at += len + 1;
        Ok(text)
    }

    /// `$'…'`, in which backslashes stand for what they do in other languages.
    fn escaped_quoted(&mut self, start: usize) -> Result<String> {
        self.at += 1;
        let mut text = String::new();
        loop {
            let Some(c) = self.char() else {
                return Err(self.unclosed(start, 2, "this quote"));
            };
            self.at += c.len_utf8();
            match c {
                '\'' => return Ok(text),
                '\\' => {
                    let Some(escape) = self.char() else { continue };
                    self.at += escape.len_utf8();
                    match escape {
                        'n' => text.push('\n'),
                        't' => text.push('\t'),
                        'r' => text.push('\r'),
                        'e' => text.push('\x1b'),
                        'a' => text.push('\x07'),
                        'x' => {
                            let digits: String = self
                                .rest()
                                .chars()
                                .take(2)
                                .take_while(char::is_ascii_hexdigit)
                                .collect();
                            self.at += digits.len();
                            let code = u8::from_str_radix(&digits, 16).unwrap_or(b'x');
                            text.push(char::from(code));
                        }
                        other => text.push(other),
                    }
                }
                c => text.push(c),
            }
        }
    }

    /// What begins with `$`.
    fn dollar(&mut self, parts: &mut Vec<Part>, quoted: bool) -> Result<()> {
        let start = self.at;
        self.at += 1;
        match self.char() {
            Some('(') if self.rest().starts_with("((") => {
                self.at += 2;
                let inside = self.nested(start, |parser| parser.parts(Stop::Arithmetic))?;
                let word = Word {
                    parts: inside,
                    span: self.span(start),
                };
                parts.push(Part::Arithmetic { word, quoted });
            }
            Some('(') => {
                self.at += 1;
                let list = self.nested(start, |parser| parser.substituted(start))?;
                parts.push(Part::Substitution { list, quoted });
            }
            Some('{') => {
                self.at += 1;
                let part = self.nested(start, |parser| parser.braced(start, quoted))?;
                parts.push(part);
            }
            Some('\'') if !quoted => {
                let text = self.escaped_quoted(start)?;
                push_quoted(parts, &text);
            }
            Some(c) if c == '_' || c.is_ascii_alphabetic() => {
                let name = self.take_name();
                parts.push(Part::Variable { name, quoted });
            }
            Some(c) if c.is_ascii_digit() || is_special(c) => {
                self.at += 1;
                let name = c.to_string();
                parts.push(Part::Variable { name, quoted });
            }
            _ => push_text(parts, '$', quoted),
        }
        Ok(())
    }

    /// The list in `$(…)`, with its `)`.
    fn substituted(&mut self, start: usize) -> Result<crate::syntax::List> {
        // A token that was looked at belongs to the text outside; there is none while a word is read.
        let list = self.list()?;
        self.close(Closer::Operator(Operator::Close), start, 2, "this `$(`")?;
        Ok(list)
    }

    /// The inside of `${…}`, with its `}`.
    fn braced(&mut self, start: usize, quoted: bool) -> Result<Part> {
        if self.rest().starts_with('#') && !self.rest().starts_with("#}") {
            self.at += 1;
            let name = self.take_parameter();
            if name.is_empty() || self.char() != Some('}') {
                return Err(self.bad_braces(start));
            }
            self.at += 1;
            return Ok(Part::Length(name));
        }
        let name = self.take_parameter();
        if name.is_empty() {
            return Err(self.bad_braces(start));
        }
        if self.char() == Some('}') {
            self.at += 1;
            return Ok(Part::Variable { name, quoted });
        }
        let operation_start = self.at;
        let Some(operation) = self.read_operation() else {
            return Err(self.bad_braces(start));
        };
        if matches!(operation, Operation::Assign { .. }) && !is_name(&name) {
            return Err(self.error_at(operation_start, 1, &format!("`{name}` cannot be set")));
        }
        let word_start = self.at;
        let parts = self.parts(Stop::Brace { quoted })?;
        let word = Word {
            parts,
            span: self.span(word_start),
        };
        Ok(Part::Operation {
            name,
            operation,
            word,
            quoted,
        })
    }

    fn read_operation(&mut self) -> Option<Operation> {
        let or_empty = self.rest().starts_with(':');
        let mut at = self.at + usize::from(or_empty);
        let trim = |suffix, longest| Operation::Trim(Trim { suffix, longest });
        let rest = &self.text[at..];
        let (operation, len) = match (or_empty, rest.chars().next()?) {
            (_, '-') => (Operation::Default { or_empty }, 1),
            (_, '=') => (Operation::Assign { or_empty }, 1),
            (_, '+') => (Operation::Alternative { or_empty }, 1),
            (_, '?') => (Operation::Complain { or_empty }, 1),
            (false, '#') if rest.starts_with("##") => (trim(false, true), 2),
            (false, '#') => (trim(false, false), 1),
            (false, '%') if rest.starts_with("%%") => (trim(true, true), 2),
            (false, '%') => (trim(true, false), 1),
            _ => return None,
        };
        at += len;
        self.at = at;
        Some(operation)
    }

    fn bad_braces(&self, start: usize) -> SyntaxError {
        if self.rest().is_empty() {
            return self.unclosed(start + 1, 1, "this `{`");
        }
        let mut error = self.error_at(
            self.at,
            self.char().map_or(0, char::len_utf8),
            "this is not expected in `${…}`",
        );
        error.help = Some("a name, then } or one of :- := :+ :? # ## % %%".into());
        error
    }

    fn take_name(&mut self) -> String {
        let rest = self.rest();
        let len = rest.find(|c| !is_name_char(c)).unwrap_or(rest.len());
        let name = rest[..len].to_string();
        self.at += len;
        name
    }

    /// A name, a number, or a special character.
    fn take_parameter(&mut self) -> String {
        match self.char() {
            Some(c) if is_special(c) => {
                self.at += 1;
                c.to_string()
            }
            Some(c) if c.is_ascii_digit() => {
                let rest = self.rest();
                let len = rest
                    .find(|c: char| !c.is_ascii_digit())
                    .unwrap_or(rest.len());
                let name = rest[..len].to_string();
                self.at += len;
                name
            }
            _ => self.take_name(),
        }
    }

    /// Reads the bodies of here-documents that the line just read began.
    fn read_documents(&mut self) -> Result<()> {
        for pending in core::mem::take(&mut self.pending) {
            let mut body = String::new();
            loop {
                let rest = self.rest();
                if rest.is_empty() {
                    let help = format!("a line with only `{}` ends it", pending.delimiter);
                    let mut error = self.unclosed(pending.span.start, 2, "this here-document");
                    error.help = Some(help);
                    return Err(error);
                }
                let len = rest.find('\n').map_or(rest.len(), |found| found + 1);
                let mut line = &rest[..len];
                self.at += len;
                if pending.indented {
                    line = line.trim_start_matches('\t');
                }
                if line.strip_suffix('\n').unwrap_or(line) == pending.delimiter {
                    break;
                }
                body.push_str(line);
            }
            let parts = match pending.literal {
                true => Vec::from([Part::Quoted(body)]),
                false => {
                    // Errors inside are reported at the document: the body has been cut out.
                    let mut inner = Parser::new(&body);
                    inner.depth = self.depth;
                    let at_document = |error| SyntaxError {
                        at: pending.span.start,
                        len: 2,
                        incomplete: false,
                        ..error
                    };
                    let parts = inner.parts(Stop::Document).map_err(at_document)?;
                    if !inner.documents.is_empty() {
                        let message = "a here-document cannot stand in another";
                        return Err(at_document(self.error_here(message)));
                    }
                    parts
                }
            };
            self.documents[pending.index] = Word {
                parts,
                span: pending.span,
            };
        }
        Ok(())
    }
}

fn is_special(c: char) -> bool {
    matches!(c, '?' | '#' | '@' | '*' | '!' | '$')
}

fn push_text(parts: &mut Vec<Part>, c: char, quoted: bool) {
    match (parts.last_mut(), quoted) {
        (Some(Part::Text(text)), false) | (Some(Part::Quoted(text)), true) => text.push(c),
        (_, false) => parts.push(Part::Text(c.to_string())),
        (_, true) => parts.push(Part::Quoted(c.to_string())),
    }
}

fn push_quoted(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        Some(Part::Quoted(before)) => before.push_str(text),
        _ => parts.push(Part::Quoted(text.to_string())),
    }
}
