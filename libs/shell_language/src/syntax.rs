//! The tree that a text becomes.
//!
//! The types follow the grammar in `docs/reference/shell.md` rule by rule.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

/// A place in the text: from this byte up to that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last.
    pub end: usize,
}

/// A whole text.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Script {
    /// What it does.
    pub list: List,
    /// The bodies of its here-documents, which [`Target::Document`] counts.
    pub documents: Vec<Word>,
}

/// Commands one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct List {
    /// In order.
    pub items: Vec<Item>,
}

/// One command of a list, up to `;`, `&` or the line's end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The first pipeline.
    pub first: Pipeline,
    /// The others, each with what stands before it.
    pub rest: Vec<(Connector, Pipeline)>,
    /// Whether it ends with `&`.
    pub background: bool,
    /// Where it stands.
    pub span: Span,
}

/// What connects two pipelines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Connector {
    /// `&&`: the second only if the first succeeds.
    And,
    /// `||`: the second only if the first fails.
    Or,
}

/// Commands connected by `|`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pipeline {
    /// Whether `!` stands before it.
    pub negated: bool,
    /// In order.
    pub commands: Vec<Command>,
}

/// A command with its redirections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// What it is.
    pub kind: CommandKind,
    /// In order.
    pub redirects: Vec<Redirect>,
    /// Where it stands.
    pub span: Span,
}

/// What a command is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandKind {
    /// `a=1 name words`
    Simple {
        /// `a=1`
        assignments: Vec<(String, Word)>,
        /// The command's name and its arguments.
        words: Vec<Word>,
    },
    /// `{ list; }`
    Group(List),
    /// `( list )`
    Subshell(List),
    /// `if list; then list; elif …; else …; fi`
    If {
        /// Each condition with what it leads to.
        arms: Vec<(List, List)>,
        /// After `else`.
        otherwise: Option<List>,
    },
    /// `while list; do list; done`
    While {
        /// `until` instead of `while`.
        until: bool,
        /// Asked before each round.
        condition: List,
        /// Each round.
        body: List,
    },
    /// `for name in words; do list; done`
    For {
        /// The variable.
        name: String,
        /// After `in`; the script's arguments if that is missing.
        words: Option<Vec<Word>>,
        /// Each round.
        body: List,
    },
    /// `case word in pattern) list;; esac`
    Case {
        /// What is compared.
        subject: Word,
        /// Patterns, and what they lead to.
        arms: Vec<(Vec<Word>, List)>,
    },
    /// `name() command`
    Function {
        /// Its name.
        name: String,
        /// What it does.
        body: Box<Command>,
    },
}

/// A redirection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redirect {
    /// 0 for input, 1 for output, 2 for errors.
    pub descriptor: u8,
    /// Where to.
    pub target: Target,
    /// Where it stands.
    pub span: Span,
}

/// Where a redirection leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// `< file`
    Read(Word),
    /// `> file`
    Write(Word),
    /// `>> file`
    Append(Word),
    /// `&> file`: output and errors.
    WriteBoth(Word),
    /// `2>&1`: where that descriptor leads now.
    Same(u8),
    /// `<<< word`
    Text(Word),
    /// `<< end`: the place in [`Script::documents`].
    Document(usize),
}

/// A word before expansion.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Word {
    /// Side by side.
    pub parts: Vec<Part>,
    /// Where it stands.
    pub span: Span,
}

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Bare text, in which `*`, `?` and `[` are patterns.
    Text(String),
    /// Text that means itself.
    Quoted(String),
    /// `$name`, `${name}`, `$?`.
    Variable {
        /// The name.
        name: String,
        /// Whether it stands in double quotes.
        quoted: bool,
    },
    /// `${#name}`
    Length(String),
    /// `${name:-word}` and the like.
    Operation {
        /// The variable's name.
        name: String,
        /// What is done with it.
        operation: Operation,
        /// The word after the operator.
        word: Word,
        /// Whether it stands in double quotes.
        quoted: bool,
    },
    /// `$(list)`
    Substitution {
        /// What is run.
        list: List,
        /// Whether it stands in double quotes.
        quoted: bool,
    },
    /// `$((…))`
    Arithmetic {
        /// What is calculated, after expansion.
        word: Word,
        /// Whether it stands in double quotes.
        quoted: bool,
    },
}

/// What `${name…word}` does. With a `:`, an empty variable counts as one that is not set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// `-`: the word if the variable is not set.
    Default {
        /// With `:`.
        or_empty: bool,
    },
    /// `=`: the same, and the variable is set to it.
    Assign {
        /// With `:`.
        or_empty: bool,
    },
    /// `+`: the word if the variable is set.
    Alternative {
        /// With `:`.
        or_empty: bool,
    },
    /// `?`: an error with this text if the variable is not set.
    Complain {
        /// With `:`.
        or_empty: bool,
    },
    /// `#`, `##`, `%`, `%%`: without what the pattern matches at its begin or end.
    Trim(Trim),
}

/// Which part of a value is cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trim {
    /// At the end rather than at the begin.
    pub suffix: bool,
    /// The longest match rather than the shortest.
    pub longest: bool,
}

impl Word {
    /// The word's text if nothing in it is quoted or expanded: what keywords and names are.
    pub fn bare(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }
}

/// Whether this can be the name of a variable.
pub fn is_name(text: &str) -> bool {
    let mut chars = text.chars();
    chars
        .next()
        .is_some_and(|c| c == '_' || c.is_ascii_alphabetic())
        && chars.all(is_name_char)
}

/// Whether this can stand in a name, after its first character.
pub fn is_name_char(c: char) -> bool {
    c == '_' || c.is_ascii_alphanumeric()
}
