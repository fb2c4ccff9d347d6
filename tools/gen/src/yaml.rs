//! YAML as a tree that knows where each part stands in its file.
//!
//! The files of this project are read by hand rather than through `serde`, because the reports
//! should say which name was meant, and a file should be checked to its end rather than to the
//! first slip. Only a plain part of YAML is allowed: no anchors, no tags, no second document.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::Range;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Span};

use crate::report::{Place, Report, Reports, Source, list_names, nearest};

/// A part of a file.
#[derive(Clone, Debug)]
pub struct Node {
    /// What it is.
    pub value: Value,
    /// Where it is.
    pub place: Place,
}

/// What a node may be.
#[derive(Clone, Debug)]
pub enum Value {
    /// Nothing was written.
    Null,
    /// A word, a number, a text.
    Scalar {
        /// As it was written, without quotes.
        text: String,
        /// Whether it had quotes, and so cannot be a number or a bool.
        quoted: bool,
    },
    /// `[a, b]`, or lines that begin with a dash.
    List(Vec<Node>),
    /// `key: value`.
    Map(Vec<(Node, Node)>),
}

/// Reads a file's text.
pub fn parse(source: &Source) -> Result<Node, Reports> {
    let mut loader = Loader {
        offsets: source
            .text
            .char_indices()
            .map(|(offset, _)| offset)
            .chain([source.text.len()])
            .collect(),
        source: source.clone(),
        parser: Parser::new_from_str(&source.text),
        reports: Reports::default(),
    };
    match loader.document() {
        Ok(node) => {
            loader.reports.into_result()?;
            Ok(node)
        }
        Err(slips) => {
            loader.reports.extend(slips);
            Err(loader.reports)
        }
    }
}

/// What usually leads to an error of the parser, whose words are those of YAML's grammar.
fn hint(info: &str) -> Option<&'static str> {
    Some(match info {
        info if info.contains("mapping values are not allowed") => {
            "a text with a colon in it needs quotes: \"…\""
        }
        info if info.contains("did not find expected key") => {
            "what belongs together begins in the same column"
        }
        info if info.contains("did not find expected ',' or") => {
            "a bracket is not closed, or a text with a comma, a colon or a bracket lacks its quotes"
        }
        _ => return None,
    })
}

struct Loader<'a> {
    /// Where each character begins, since the parser counts characters.
    offsets: Vec<usize>,
    source: Source,
    parser: Parser<'a, saphyr_parser::StrInput<'a>>,
    reports: Reports,
}

impl<'a> Loader<'a> {
    fn offset(&self, marker: &Marker) -> usize {
        self.offsets
            .get(marker.index())
            .copied()
            .unwrap_or(self.source.text.len())
    }

    fn place(&self, span: Range<usize>) -> Place {
        Place {
            source: self.source.clone(),
            span,
        }
    }

    fn span(&self, span: &Span) -> Place {
        self.place(self.offset(&span.start)..self.offset(&span.end))
    }

    fn event(&mut self) -> Result<(Event<'a>, Span), Reports> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => {
                let at = self.offset(error.marker());
                // At the end of the file there is nothing to point at but what came last.
                let shown = match self.source.text[at..].trim().is_empty() {
                    true => self
                        .source
                        .text
                        .trim_end()
                        .char_indices()
                        .last()
                        .map_or(0, |(last, _)| last),
                    false => at,
                };
                let len = self.source.text[shown..]
                    .chars()
                    .next()
                    .map_or(0, char::len_utf8);
                let place = self.place(shown..shown + len);
                let report = Report::new(&place, "this is not valid YAML", error.info());
                Err(match hint(error.info()) {
                    Some(hint) => report.help(hint),
                    None => report,
                }
                .into())
            }
            None => Err(Report::general(format!(
                "`{}` ends too early",
                self.source.path.display()
            ))
            .into()),
        }
    }

    fn document(&mut self) -> Result<Node, Reports> {
        loop {
            let (event, span) = self.event()?;
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
                Event::StreamEnd => {
                    return Ok(Node {
                        value: Value::Null,
                        place: self.span(&span),
                    });
                }
                event => {
                    let node = self.node(event, span)?;
                    loop {
                        let (event, span) = self.event()?;
                        match event {
                            Event::StreamEnd => return Ok(node),
                            Event::DocumentStart(_) => {
                                let place = self.span(&span);
                                return Err(Report::new(
                                    &place,
                                    "a file holds one document",
                                    "a second one begins here",
                                )
                                .into());
                            }
                            _ => {}
                        }
                    }
                }
            }
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span) -> Result<Node, Reports> {
        let place = self.span(&span);
        let tagged = matches!(
            &event,
            Event::Scalar(_, _, _, Some(_))
                | Event::SequenceStart(_, Some(_))
                | Event::MappingStart(_, Some(_))
        );
        let anchored = match &event {
            Event::Scalar(_, _, anchor, _)
            | Event::SequenceStart(anchor, _)
            | Event::MappingStart(anchor, _) => *anchor != 0,
            Event::Alias(_) => true,
            _ => false,
        };
        if tagged || anchored {
            let what = if tagged {
                "tags (`!`)"
            } else {
                "anchors and aliases (`&`, `*`)"
            };
            return Err(Report::new(
                &place,
                format!("{what} are not used in FTL's files"),
                "write it out",
            )
            .into());
        }
        match event {
            Event::Scalar(text, style, _, _) => {
                let quoted = style != ScalarStyle::Plain;
                let value = if !quoted && matches!(&*text, "" | "~" | "null") {
                    Value::Null
                } else {
                    Value::Scalar {
                        text: text.into_owned(),
                        quoted,
                    }
                };
                Ok(Node {
                    value,
                    place: self.trim(place),
                })
            }
            Event::SequenceStart(..) => {
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.event()?;
                    if event == Event::SequenceEnd {
                        let place = self.whole(place, &span, items.last());
                        return Ok(Node {
                            value: Value::List(items),
                            place,
                        });
                    }
                    items.push(self.node(event, span)?);
                }
            }
            Event::MappingStart(..) => {
                let mut entries: Vec<(Node, Node)> = Vec::new();
                loop {
                    let (event, span) = self.event()?;
                    if event == Event::MappingEnd {
                        let place =
                            self.whole(place, &span, entries.last().map(|(_, value)| value));
                        return Ok(Node {
                            value: Value::Map(entries),
                            place,
                        });
                    }
                    let key = self.node(event, span)?;
                    let (event, span) = self.event()?;
                    let value = self.node(event, span)?;
                    let Some(name) = key.text() else {
                        return Err(Report::new(
                            &key.place,
                            "a key must be a name",
                            "this is none",
                        )
                        .into());
                    };
                    if entries
                        .iter()
                        .any(|(earlier, _)| earlier.text() == Some(name))
                    {
                        self.reports.push(Report::new(
                            &key.place,
                            format!("`{name}` stands here twice"),
                            "the second one",
                        ));
                    } else {
                        entries.push((key, value));
                    }
                }
            }
            _ => Err(Report::new(&place, "this is not valid YAML", "unexpected").into()),
        }
    }

    /// A block scalar's span runs on to the next token; what is shown ends with its text.
    fn trim(&self, mut place: Place) -> Place {
        let text = self.source.text.get(place.span.clone()).unwrap_or_default();
        place.span.end = place.span.start + text.trim_end().len();
        place
    }

    fn whole(&self, start: Place, end: &Span, last: Option<&Node>) -> Place {
        let end = self.offset(&end.end).max(start.span.end);
        let last = last.map_or(start.span.start, |node| node.place.span.end);
        let text = self
            .source
            .text
            .get(start.span.start..end)
            .unwrap_or_default();
        self.place(start.span.start..last.max(start.span.start + text.trim_end().len()))
    }
}

impl Node {
    /// The text, if this is a scalar.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// What this is, for messages.
    pub fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Scalar { .. } => "a plain value",
            Value::List(_) => "a list",
            Value::Map(_) => "a group of fields",
        }
    }

    /// A place short enough to be underlined: the first line.
    pub fn head(&self) -> Place {
        let mut place = self.place.clone();
        let text = place
            .source
            .text
            .get(place.span.clone())
            .unwrap_or_default();
        place.span.end = place.span.start + text.lines().next().unwrap_or_default().len();
        place
    }

    /// The text; reports if this is something else.
    pub fn expect_text(&self, what: &str, reports: &mut Reports) -> Option<&str> {
        let text = self.text();
        if text.is_none() {
            self.expected(what, reports);
        }
        text
    }

    /// A whole number, with `_` between digits and with `K`, `M` or `G` (of 1024) behind.
    pub fn expect_integer(&self, what: &str, reports: &mut Reports) -> Option<i128> {
        let number = match &self.value {
            Value::Scalar {
                text,
                quoted: false,
            } => integer(text),
            _ => None,
        };
        if number.is_none() {
            self.expected(what, reports);
        }
        number
    }

    /// `true` or `false`.
    pub fn expect_bool(&self, what: &str, reports: &mut Reports) -> Option<bool> {
        match &self.value {
            Value::Scalar {
                text,
                quoted: false,
            } if text == "true" => Some(true),
            Value::Scalar {
                text,
                quoted: false,
            } if text == "false" => Some(false),
            _ => {
                self.expected(&format!("{what}, which is `true` or `false`"), reports);
                None
            }
        }
    }

    /// One of a few words.
    pub fn expect_word<'a>(
        &self,
        what: &str,
        words: &[&'a str],
        reports: &mut Reports,
    ) -> Option<&'a str> {
        let text = self.expect_text(what, reports)?;
        let word = words.iter().find(|word| **word == text);
        if word.is_none() {
            reports.push(unknown(
                &self.place,
                &format!("{what} cannot be `{text}`"),
                text,
                words.iter().copied(),
            ));
        }
        word.copied()
    }

    /// The items of a list; reports if this is something else.
    pub fn expect_list(&self, what: &str, reports: &mut Reports) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            Value::Null => &[],
            _ => {
                let shown = self.shown();
                let label = match self.text() {
                    Some(text) => format!("one is a list, too: `[{text}]`"),
                    None => format!("this is {shown}"),
                };
                let message = format!("expected {what}, which is a list: [a, b]");
                reports.push(Report::new(&self.head(), message, label));
                &[]
            }
        }
    }

    /// The entries of a map, whose keys are names chosen by the author; reports if this is
    /// something else.
    pub fn expect_entries(&self, what: &str, reports: &mut Reports) -> &[(Node, Node)] {
        match &self.value {
            Value::Map(entries) => entries,
            Value::Null => &[],
            _ => {
                let help = match &self.value {
                    Value::List(items) => match items.first().and_then(Node::text) {
                        Some(first) => {
                            format!("each on a line of its own, further right: `{first}:`")
                        }
                        None => "names with a colon behind, each on a line of its own".into(),
                    },
                    // Where a list does as well.
                    Value::Scalar { text, .. } if what == "interfaces by name" => {
                        format!("write `[{text}]`")
                    }
                    _ => "write `{ name: … }`, or each name on a line of its own, further right"
                        .into(),
                };
                let label = format!("this is {}", self.shown());
                let report = Report::new(&self.head(), format!("expected {what}"), label);
                reports.push(report.help(help));
                &[]
            }
        }
    }

    /// The fields of a map whose keys are fixed.
    pub fn fields<'a>(&'a self, what: &'a str, reports: &mut Reports) -> Fields<'a> {
        Fields {
            entries: self.expect_entries(what, reports),
            what,
            node: self,
            is_map: matches!(self.value, Value::Map(_) | Value::Null),
            known: BTreeSet::new(),
            lacking: Vec::new(),
        }
    }

    /// The key of this name, if this is a map that has it.
    pub fn key(&self, name: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => entries
                .iter()
                .map(|(key, _)| key)
                .find(|key| key.text() == Some(name)),
            _ => None,
        }
    }

    fn expected(&self, what: &str, reports: &mut Reports) {
        reports.push(Report::new(
            &self.head(),
            format!("expected {what}"),
            format!("this is {}", self.shown()),
        ));
    }

    fn shown(&self) -> String {
        match &self.value {
            Value::Scalar { text, .. } if text.len() <= 40 && !text.contains('\n') => {
                format!("`{text}`")
            }
            _ => self.kind().into(),
        }
    }
}

/// The fields of a map: each is asked for by name, and in the end those left over are reported.
pub struct Fields<'a> {
    entries: &'a [(Node, Node)],
    what: &'a str,
    /// The map.
    pub node: &'a Node,
    /// Otherwise that has been told, and there is nothing to miss in it.
    is_map: bool,
    known: BTreeSet<Cow<'static, str>>,
    /// Fields that must be there, and are not.
    lacking: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    /// A field that may be absent. A field without a value counts as present.
    pub fn get(&mut self, name: &'static str) -> Option<&'a Node> {
        self.known.insert(name.into());
        self.entries
            .iter()
            .find(|(key, _)| key.text() == Some(name))
            .map(|(_, value)| value)
    }

    /// Whether a field of this name was asked for.
    pub fn knows(&self, name: &str) -> bool {
        self.known.contains(name)
    }

    /// The same as [`Fields::get`] for a field whose name stands in another file.
    pub fn get_named(&mut self, name: &str) -> Option<&'a Node> {
        self.known.insert(String::from(name).into());
        self.entries
            .iter()
            .find(|(key, _)| key.text() == Some(name))
            .map(|(_, value)| value)
    }

    /// A field that must be there. If it is not, [`Fields::finish`] says so, which knows whether it was only misspelt.
    pub fn require(&mut self, name: &'static str) -> Option<&'a Node> {
        let node = self.get(name);
        if node.is_none() && self.is_map {
            self.lacking.push(name);
        }
        node
    }

    /// Reports the fields that are lacking, and those that nobody asked for.
    pub fn finish(mut self, reports: &mut Reports) {
        let unasked = |key: &&'a Node| key.text().is_some_and(|name| !self.known.contains(name));
        for key in self.entries.iter().map(|(key, _)| key).filter(unasked) {
            let known = self.known.iter().map(|known| &**known);
            let meant = key.text().and_then(|name| nearest(name, known));
            // Told once, as the misspelling that it is.
            self.lacking.retain(|name| Some(*name) != meant);
        }
        for name in &self.lacking {
            reports.push(Report::new(
                &self.node.head(),
                format!("{} lacks the field `{name}`", self.what),
                format!("add `{name}: …`"),
            ));
        }
        for (key, _) in self.entries {
            let Some(name) = key.text() else { continue };
            if !self.known.contains(name) {
                if name.contains(' ') {
                    reports.push(Report::new(
                        &key.place,
                        format!("`{name}` is no field's name"),
                        "if it is part of a text, put the whole text into quotes",
                    ));
                    continue;
                }
                let message = format!("{} has no field `{name}`", self.what);
                reports.push(unknown(
                    &key.place,
                    &message,
                    name,
                    self.known.iter().map(|known| &**known),
                ));
            }
        }
    }
}

/// A report about a name that does not exist, with the nearest that does, or with all.
pub fn unknown<'a>(
    place: &Place,
    message: &str,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Report {
    match nearest(name, known.clone()) {
        Some(near) => Report::new(place, message, format!("did you mean `{near}`?")),
        None => {
            let mut known: Vec<&str> = known.collect();
            known.sort_unstable();
            Report::new(place, message, "unknown").help(format!("there is {}", list_names(known)))
        }
    }
}

/// The same for a name that stands in no file.
pub fn unknown_outside<'a>(
    message: &str,
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
) -> Report {
    Report::general(match nearest(name, known.clone()) {
        Some(near) => format!("{message}; did you mean `{near}`?"),
        None => format!("{message}; there is {}", list_names(known)),
    })
}

/// Reads a whole number.
pub fn integer(text: &str) -> Option<i128> {
    let clean = text.replace('_', "");
    let (digits, factor) = match clean.char_indices().last()? {
        (at, 'K') => (&clean[..at], 1 << 10),
        (at, 'M') => (&clean[..at], 1 << 20),
        (at, 'G') => (&clean[..at], 1 << 30),
        _ => (clean.as_str(), 1),
    };
    let number = match digits.strip_prefix("0x") {
        Some(digits) => i128::from_str_radix(digits, 16).ok()?,
        None => digits.parse().ok()?,
    };
    number.checked_mul(factor)
}
