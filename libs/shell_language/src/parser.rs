//! From tokens to a tree, by recursive descent.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::error::SyntaxError;
use crate::lexer::{Arrow, Operator, Token};
use crate::syntax::{
    Command, CommandKind, Connector, Item, List, Part, Pipeline, Redirect, Script, Span, Target,
    Word, is_name,
};

/// How deep things may stand in each other: the parser calls itself that often.
const DEPTH_MAX: usize = 50;

/// What the parser's functions answer with.
pub type Result<T> = core::result::Result<T, SyntaxError>;

/// Makes a tree of a text.
pub fn parse(text: &str) -> Result<Script> {
    let mut parser = Parser::new(text);
    let list = parser.list()?;
    let (token, span) = parser.peek()?;
    match token {
        Token::End => {}
        Token::Operator(Operator::Close) => {
            return Err(parser.error_span(span, "nothing opened this `)`"));
        }
        Token::Operator(Operator::EndArm) => {
            return Err(parser.error_span(span, "`;;` belongs to `case`"));
        }
        Token::Word(word) => {
            let word = word.bare().unwrap_or_default().to_string();
            let opens = match word.as_str() {
                "fi" | "then" | "else" | "elif" => "if",
                "}" => "{",
                "esac" => "case",
                _ => "while` or `for",
            };
            return Err(parser.error_span(span, &format!("`{word}` without `{opens}`")));
        }
        _ => return Err(parser.error_span(span, "this is not expected here")),
    }
    if let Some(pending) = parser.pending.first() {
        let help = format!("its text and a line with only `{}`", pending.delimiter);
        let mut error = parser.unclosed(pending.span.start, 2, "this here-document");
        error.help = Some(help);
        return Err(error);
    }
    Ok(Script {
        list,
        documents: parser.documents,
    })
}

/// A here-document whose body has not come yet.
pub struct Pending {
    /// Its place among the documents.
    pub index: usize,
    /// What ends it.
    pub delimiter: String,
    /// Whether nothing in it is expanded.
    pub literal: bool,
    /// Whether tabs before its lines are dropped.
    pub indented: bool,
    /// Where it was begun.
    pub span: Span,
}

/// What ends a construct.
#[derive(Clone, Copy, Debug)]
pub enum Closer {
    /// A keyword.
    Keyword(&'static str),
    /// An operator.
    Operator(Operator),
}

/// See the [module](self).
pub struct Parser<'a> {
    /// The whole text.
    pub text: &'a str,
    /// How far it has been read.
    pub at: usize,
    /// How deep we are.
    pub depth: usize,
    /// Here-documents that are still to come.
    pub pending: Vec<Pending>,
    /// Those that have come.
    pub documents: Vec<Word>,
    peeked: Option<(Token, Span)>,
}

impl<'a> Parser<'a> {
    /// At the text's begin.
    pub fn new(text: &'a str) -> Parser<'a> {
        Parser {
            text,
            at: 0,
            depth: 0,
            pending: Vec::new(),
            documents: Vec::new(),
            peeked: None,
        }
    }

    /// What is still to be read.
    pub fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The next character.
    pub fn char(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// From there to here.
    pub fn span(&self, start: usize) -> Span {
        Span {
            start,
            end: self.at,
        }
    }

    /// An error at these bytes.
    pub fn error_at(&self, at: usize, len: usize, message: &str) -> SyntaxError {
        SyntaxError {
            message: message.into(),
            help: None,
            at,
            len,
            incomplete: false,
        }
    }

    /// An error at the next character.
    pub fn error_here(&self, message: &str) -> SyntaxError {
        self.error_at(self.at, self.char().map_or(0, char::len_utf8), message)
    }

    /// That the text ended before something was closed.
    pub fn unclosed(&self, at: usize, len: usize, what: &str) -> SyntaxError {
        SyntaxError {
            incomplete: true,
            ..self.error_at(at, len, &format!("nothing closes {what}"))
        }
    }

    fn error_span(&self, span: Span, message: &str) -> SyntaxError {
        self.error_at(span.start, span.end - span.start, message)
    }

    fn peek(&mut self) -> Result<(&Token, Span)> {
        if self.peeked.is_none() {
            self.peeked = Some(self.read_token()?);
        }
        match &self.peeked {
            Some((token, span)) => Ok((token, *span)),
            None => Ok((&Token::End, self.span(self.at))),
        }
    }

    fn next(&mut self) -> Result<(Token, Span)> {
        match self.peeked.take() {
            Some(peeked) => Ok(peeked),
            None => self.read_token(),
        }
    }

    /// One level deeper, unless that is too deep.
    pub fn nested<T>(
        &mut self,
        start: usize,
        inside: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        if self.depth == DEPTH_MAX {
            return Err(self.error_at(start, 1, "this stands too deep in other things"));
        }
        self.depth += 1;
        let result = inside(self);
        self.depth -= 1;
        result
    }

    fn peek_keyword(&mut self, wanted: &str) -> Result<bool> {
        Ok(matches!(self.peek()?.0, Token::Word(word) if word.bare() == Some(wanted)))
    }

    fn skip_newlines(&mut self) -> Result<()> {
        while *self.peek()?.0 == Token::Newline {
            self.next()?;
        }
        Ok(())
    }

    /// Reads what must close a construct that began at `start` with `len` bytes.
    pub fn close(&mut self, closer: Closer, start: usize, len: usize, what: &str) -> Result<()> {
        let (found, name) = match closer {
            Closer::Keyword(keyword) => (self.peek_keyword(keyword)?, keyword),
            Closer::Operator(operator) => {
                let found = *self.peek()?.0 == Token::Operator(operator);
                (found, if operator == Operator::Open { "(" } else { ")" })
            }
        };
        if found {
            self.next()?;
            return Ok(());
        }
        let (token, span) = self.peek()?;
        if *token == Token::End {
            let mut error = self.unclosed(start, len, what);
            error.help = Some(format!("`{name}` is missing"));
            return Err(error);
        }
        Err(self.error_span(span, &format!("`{name}` is expected here, for {what}")))
    }

    /// Reads commands up to something that only what stands around them can understand.
    pub fn list(&mut self) -> Result<List> {
        let mut list = List::default();
        loop {
            self.skip_newlines()?;
            match self.peek()?.0 {
                Token::End | Token::Operator(Operator::Close | Operator::EndArm) => break,
                Token::Word(word) if word.bare().is_some_and(is_closing) => break,
                _ => {}
            }
            let mut item = self.item()?;
            match self.peek()?.0 {
                Token::Operator(Operator::Semicolon) | Token::Newline => {
                    self.next()?;
                }
                Token::Operator(Operator::Background) => {
                    self.next()?;
                    item.background = true;
                }
                Token::End | Token::Operator(Operator::Close | Operator::EndArm) => {
                    list.items.push(item);
                    break;
                }
                _ => {
                    let span = self.peek()?.1;
                    let mut error = self.error_span(span, "this is not expected after a command");
                    error.help = Some("`;` or a new line separates commands".into());
                    return Err(error);
                }
            }
            list.items.push(item);
        }
        Ok(list)
    }

    /// A list that must not be empty.
    fn body(&mut self) -> Result<List> {
        let list = self.list()?;
        if list.items.is_empty() {
            let (token, span) = self.peek()?;
            let incomplete = *token == Token::End;
            let mut error = self.error_span(span, "a command is expected here");
            error.incomplete = incomplete;
            return Err(error);
        }
        Ok(list)
    }

    fn item(&mut self) -> Result<Item> {
        let start = self.peek()?.1.start;
        let first = self.pipeline()?;
        let mut rest = Vec::new();
        loop {
            let connector = match self.peek()?.0 {
                Token::Operator(Operator::And) => Connector::And,
                Token::Operator(Operator::Or) => Connector::Or,
                _ => break,
            };
            self.next()?;
            self.skip_newlines()?;
            rest.push((connector, self.pipeline()?));
        }
        let end = rest
            .last()
            .map_or(&first, |(_, pipeline)| pipeline)
            .commands
            .last()
            .map_or(start, |command| command.span.end);
        Ok(Item {
            first,
            rest,
            background: false,
            span: Span { start, end },
        })
    }

    fn pipeline(&mut self) -> Result<Pipeline> {
        let mut negated = false;
        while self.peek_keyword("!")? {
            self.next()?;
            negated = !negated;
        }
        let mut commands = Vec::from([self.command()?]);
        while *self.peek()?.0 == Token::Operator(Operator::Pipe) {
            self.next()?;
            self.skip_newlines()?;
            commands.push(self.command()?);
        }
        Ok(Pipeline { negated, commands })
    }

    fn command(&mut self) -> Result<Command> {
        let (token, span) = self.peek()?;
        let start = span.start;
        let keyword = match token {
            Token::Word(word) => word
                .bare()
                .map(|bare| (keyword(bare), is_closing(bare), bare.len())),
            Token::Operator(Operator::Open) => Some((Some(Keyword::Subshell), false, 1)),
            Token::Redirect(..) => None,
            Token::End => {
                let mut error = self.error_span(span, "a command is expected here");
                error.incomplete = true;
                return Err(error);
            }
            _ => return Err(self.error_span(span, "a command is expected here")),
        };
        let kind = match keyword {
            Some((Some(keyword), _, len)) => {
                self.next()?;
                self.nested(start, |parser| parser.compound(keyword, start, len))?
            }
            Some((None, true, _)) => {
                return Err(self.error_span(span, "a command is expected here"));
            }
            _ => return self.simple(start),
        };
        let mut command = Command {
            kind,
            redirects: Vec::new(),
            span: Span::default(),
        };
        while let Token::Redirect(..) = self.peek()?.0 {
            self.redirect(&mut command.redirects)?;
        }
        command.span = Span {
            start,
            end: self.end_of_last(start),
        };
        Ok(command)
    }

    /// Where the last token ended: what has been peeked at, and blanks before it, do not count.
    fn end_of_last(&self, start: usize) -> usize {
        let end = self.peeked.as_ref().map_or(self.at, |(_, span)| span.start);
        start + self.text[start..end].trim_end().len()
    }

    fn compound(&mut self, keyword: Keyword, start: usize, len: usize) -> Result<CommandKind> {
        match keyword {
            Keyword::Group => {
                let list = self.body()?;
                self.close(Closer::Keyword("}"), start, len, "this `{`")?;
                Ok(CommandKind::Group(list))
            }
            Keyword::Subshell => {
                let list = self.body()?;
                self.close(Closer::Operator(Operator::Close), start, len, "this `(`")?;
                Ok(CommandKind::Subshell(list))
            }
            Keyword::If => self.conditions(start, len),
            Keyword::While | Keyword::Until => {
                let what = match keyword {
                    Keyword::While => "this `while`",
                    _ => "this `until`",
                };
                let condition = self.body()?;
                self.close(Closer::Keyword("do"), start, len, what)?;
                let body = self.body()?;
                self.close(Closer::Keyword("done"), start, len, what)?;
                Ok(CommandKind::While {
                    until: keyword == Keyword::Until,
                    condition,
                    body,
                })
            }
            Keyword::For => self.rounds(start, len),
            Keyword::Case => self.cases(start, len),
        }
    }

    fn conditions(&mut self, start: usize, len: usize) -> Result<CommandKind> {
        let mut arms = Vec::new();
        let mut otherwise = None;
        loop {
            let condition = self.body()?;
            self.close(Closer::Keyword("then"), start, len, "this `if`")?;
            arms.push((condition, self.body()?));
            if self.peek_keyword("elif")? {
                self.next()?;
                continue;
            }
            if self.peek_keyword("else")? {
                self.next()?;
                otherwise = Some(self.body()?);
            }
            self.close(Closer::Keyword("fi"), start, len, "this `if`")?;
            return Ok(CommandKind::If { arms, otherwise });
        }
    }

    fn rounds(&mut self, start: usize, len: usize) -> Result<CommandKind> {
        let (token, span) = self.next()?;
        let name = match &token {
            Token::Word(word) if word.bare().is_some_and(is_name) => {
                word.bare().unwrap_or_default()
            }
            _ => {
                let mut error = self.error_span(span, "`for` needs the name of a variable");
                error.incomplete = token == Token::End;
                return Err(error);
            }
        };
        let name = name.to_string();
        self.skip_newlines()?;
        let mut words = None;
        if self.peek_keyword("in")? {
            self.next()?;
            let mut found = Vec::new();
            while let Token::Word(_) = self.peek()?.0 {
                if let (Token::Word(word), _) = self.next()? {
                    found.push(word);
                }
            }
            words = Some(found);
        }
        if let Token::Operator(Operator::Semicolon) = self.peek()?.0 {
            self.next()?;
        }
        self.skip_newlines()?;
        self.close(Closer::Keyword("do"), start, len, "this `for`")?;
        let body = self.body()?;
        self.close(Closer::Keyword("done"), start, len, "this `for`")?;
        Ok(CommandKind::For { name, words, body })
    }

    fn cases(&mut self, start: usize, len: usize) -> Result<CommandKind> {
        let subject = self.word("`case` needs a word")?;
        self.skip_newlines()?;
        self.close(Closer::Keyword("in"), start, len, "this `case`")?;
        let mut arms = Vec::new();
        loop {
            self.skip_newlines()?;
            if self.peek_keyword("esac")? || *self.peek()?.0 == Token::End {
                break;
            }
            if *self.peek()?.0 == Token::Operator(Operator::Open) {
                self.next()?;
            }
            let mut patterns = Vec::from([self.word("a pattern is expected here")?]);
            while *self.peek()?.0 == Token::Operator(Operator::Pipe) {
                self.next()?;
                patterns.push(self.word("a pattern is expected here")?);
            }
            self.close(Closer::Operator(Operator::Close), start, len, "this `case`")?;
            arms.push((patterns, self.list()?));
            self.skip_newlines()?;
            match self.peek()?.0 {
                Token::Operator(Operator::EndArm) => {
                    self.next()?;
                }
                _ => break,
            }
        }
        self.close(Closer::Keyword("esac"), start, len, "this `case`")?;
        Ok(CommandKind::Case { subject, arms })
    }

    fn word(&mut self, message: &str) -> Result<Word> {
        match self.next()? {
            (Token::Word(word), _) => Ok(word),
            (token, span) => {
                let mut error = self.error_span(span, message);
                error.incomplete = token == Token::End;
                Err(error)
            }
        }
    }

    fn simple(&mut self, start: usize) -> Result<Command> {
        let mut assignments = Vec::new();
        let mut words: Vec<Word> = Vec::new();
        let mut redirects = Vec::new();
        loop {
            match self.peek()?.0 {
                Token::Word(_) => {
                    let (Token::Word(word), _) = self.next()? else {
                        break;
                    };
                    match assignment(&word) {
                        Some(assignment) if words.is_empty() => assignments.push(assignment),
                        _ => words.push(word),
                    }
                }
                Token::Redirect(..) => self.redirect(&mut redirects)?,
                Token::Operator(Operator::Open) => {
                    let span = self.peek()?.1;
                    return match words.as_slice() {
                        [name] if assignments.is_empty() && redirects.is_empty() => {
                            let name = name.clone();
                            self.function(&name, start, span)
                        }
                        _ => Err(self.quote_me(span)),
                    };
                }
                _ => break,
            }
        }
        Ok(Command {
            kind: CommandKind::Simple { assignments, words },
            redirects,
            span: Span {
                start,
                end: self.end_of_last(start),
            },
        })
    }

    fn quote_me(&self, span: Span) -> SyntaxError {
        let mut error = self.error_span(span, "this is not expected here");
        error.help = Some("a parenthesis that is meant as text needs quotes".into());
        error
    }

    fn function(&mut self, name: &Word, start: usize, open: Span) -> Result<Command> {
        self.next()?;
        match self.peek()?.0 {
            Token::Operator(Operator::Close) => self.next()?,
            Token::End => return Err(self.unclosed(open.start, 1, "this `(`")),
            _ => return Err(self.quote_me(open)),
        };
        let Some(name) = name.bare().filter(|name| is_function_name(name)) else {
            return Err(self.error_span(name.span, "this cannot be the name of a function"));
        };
        self.skip_newlines()?;
        let body = self.nested(start, Parser::command)?;
        if let CommandKind::Simple { .. } = body.kind {
            let mut error = self.error_span(body.span, "a function's body is expected here");
            error.help = Some(format!("{name}() {{ …; }}"));
            return Err(error);
        }
        Ok(Command {
            kind: CommandKind::Function {
                name: name.to_string(),
                body: Box::new(body),
            },
            redirects: Vec::new(),
            span: Span {
                start,
                end: self.end_of_last(start),
            },
        })
    }

    fn redirect(&mut self, redirects: &mut Vec<Redirect>) -> Result<()> {
        let (Token::Redirect(number, arrow), start) = self.next()? else {
            return Ok(());
        };
        let word = self.word(match arrow {
            Arrow::Text => "a text is expected here",
            Arrow::Document | Arrow::DocumentIndented => "what ends the text is expected here",
            Arrow::Same => "`1` or `2` is expected here",
            _ => "the name of a file is expected here",
        })?;
        let span = Span {
            start: start.start,
            end: word.span.end,
        };
        let target = match arrow {
            Arrow::Read => Target::Read(word),
            Arrow::Write => Target::Write(word),
            Arrow::Append => Target::Append(word),
            Arrow::WriteBoth => Target::WriteBoth(word),
            Arrow::Text => Target::Text(word),
            Arrow::Same => match word.bare() {
                Some("0") => Target::Same(0),
                Some("1") => Target::Same(1),
                Some("2") => Target::Same(2),
                _ => return Err(self.error_span(word.span, "`0`, `1` or `2` is expected here")),
            },
            Arrow::Document | Arrow::DocumentIndented => {
                let index = self.documents.len();
                let mut delimiter = String::new();
                let mut literal = false;
                for part in &word.parts {
                    match part {
                        Part::Text(text) => delimiter.push_str(text),
                        Part::Quoted(text) => {
                            literal = true;
                            delimiter.push_str(text);
                        }
                        _ => return Err(self.error_span(word.span, "nothing is expanded here")),
                    }
                }
                self.documents.push(Word::default());
                self.pending.push(Pending {
                    index,
                    delimiter,
                    literal,
                    indented: arrow == Arrow::DocumentIndented,
                    span: start,
                });
                Target::Document(index)
            }
        };
        let reads = matches!(
            target,
            Target::Read(_) | Target::Text(_) | Target::Document(_)
        ) || (matches!(target, Target::Same(_))
            && self.text[start.start..]
                .trim_start_matches(|c: char| c.is_ascii_digit())
                .starts_with('<'));
        let descriptor = number.unwrap_or(if reads { 0 } else { 1 });
        redirects.push(Redirect {
            descriptor,
            target,
            span,
        });
        Ok(())
    }
}

/// Keywords that begin something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Keyword {
    Group,
    Subshell,
    If,
    While,
    Until,
    For,
    Case,
}

fn keyword(word: &str) -> Option<Keyword> {
    Some(match word {
        "{" => Keyword::Group,
        "if" => Keyword::If,
        "while" => Keyword::While,
        "until" => Keyword::Until,
        "for" => Keyword::For,
        "case" => Keyword::Case,
        _ => return None,
    })
}

/// Whether a word only continues or ends what others begin.
fn is_closing(word: &str) -> bool {
    matches!(
        word,
        "then" | "elif" | "else" | "fi" | "do" | "done" | "esac" | "}"
    )
}

fn is_function_name(name: &str) -> bool {
    !name.is_empty()
        && name
            .chars()
            .all(|c| crate::syntax::is_name_char(c) || c == '-')
}

/// `name=word`, taken apart.
fn assignment(word: &Word) -> Option<(String, Word)> {
    let Some(Part::Text(first)) = word.parts.first() else {
        return None;
    };
    let (name, value) = first.split_once('=')?;
    if !is_name(name) {
        return None;
    }
    let mut parts = word.parts.clone();
    match value.is_empty() {
        true => drop(parts.remove(0)),
        false => parts[0] = Part::Text(value.to_string()),
    }
    Some((
        name.to_string(),
        Word {
            parts,
            span: word.span,
        },
    ))
}
