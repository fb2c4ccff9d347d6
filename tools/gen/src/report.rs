//! What is wrong in a YAML file, and where: one [`Report`] for each slip, shown with the line,
//! a caret, the reason, and what to do.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, MietteError,
    MietteSpanContents, SourceCode, SourceSpan, SpanContents,
};

/// A file that was read, as reports show it.
#[derive(Clone, Debug)]
pub struct Source {
    /// Its path, from the workspace's root.
    pub path: Arc<Path>,
    /// All of its text.
    pub text: Arc<str>,
}

/// A place in a file: bytes.
#[derive(Clone, Debug)]
pub struct Place {
    /// The file.
    pub source: Source,
    /// The bytes.
    pub span: Range<usize>,
}

/// One thing that is wrong.
#[derive(Clone, Debug)]
pub struct Report {
    /// What is wrong, as a sentence.
    pub message: String,
    /// Where; none if a whole file is missing.
    pub place: Option<Place>,
    /// Stands under the caret.
    pub label: String,
    /// What to do about it, if that is not plain.
    pub help: Option<String>,
    lines: Option<WholeLines>,
}

impl Report {
    /// A report about a place.
    pub fn new(place: &Place, message: impl Into<String>, label: impl Into<String>) -> Report {
        Report {
            message: message.into(),
            place: Some(place.clone()),
            label: label.into(),
            help: None,
            lines: Some(WholeLines(place.source.clone())),
        }
    }
    /// A report that concerns no place in a file.
    pub fn general(message: impl Into<String>) -> Report {
        Report {
            message: message.into(),
            place: None,
            label: String::new(),
            help: None,
            lines: None,
        }
    }
    /// Adds what to do.
    pub fn help(mut self, help: impl Into<String>) -> Report {
        self.help = Some(help.into());
        self
    }
    /// The file, if there is one.
    pub fn path(&self) -> Option<PathBuf> {
        Some(self.place.as_ref()?.source.path.to_path_buf())
    }
    /// Line and column, counted from 1.
    pub fn line_and_column(&self) -> Option<(usize, usize)> {
        let place = self.place.as_ref()?;
        let before = place.source.text.get(..place.span.start)?;
        let line = before.matches('\n').count() + 1;
        let column = before
            .rsplit('\n')
            .next()
            .unwrap_or_default()
            .chars()
            .count()
            + 1;
        Some((line, column))
    }
    /// The whole report as people read it, without or with colours.
    pub fn render(&self, colours: bool) -> String {
        let theme = if colours {
            GraphicalTheme::unicode()
        } else {
            GraphicalTheme::unicode_nocolor()
        };
        let mut text = String::new();
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(100)
            .with_context_lines(0);
        // Writing to a string does not fail.
        let _ = handler.render_report(&mut text, self);
        // The handler leaves blanks at the ends of lines.
        text.lines()
            .map(|line| format!("{}\n", line.trim_end()))
            .collect()
    }
}

/// A file that shows a span together with the rest of its lines.
#[derive(Clone, Debug)]
struct WholeLines(Source);

impl SourceCode for WholeLines {
    fn read_span<'a>(
        &'a self,
        span: &SourceSpan,
        _lines_before: usize,
        _lines_after: usize,
    ) -> Result<Box<dyn SpanContents<'a> + 'a>, MietteError> {
        let text = &*self.0.text;
        let end = span.offset() + span.len();
        let (Some(before), Some(after)) = (text.get(..span.offset()), text.get(end..)) else {
            return Err(MietteError::OutOfBounds);
        };
        let first = before.rfind('\n').map_or(0, |at| at + 1);
        let last = after.find('\n').map_or(text.len(), |at| end + at);
        let column = before[first..].chars().count();
        Ok(Box::new(MietteSpanContents::new_named(
            self.0.path.to_string_lossy().into_owned(),
            &text.as_bytes()[first..last],
            (first, last - first).into(),
            before.matches('\n').count(),
            column,
            text[first..last].matches('\n').count() + 1,
        )))
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Report {}

impl Diagnostic for Report {
    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        self.help
            .as_ref()
            .map(|help| Box::new(help) as Box<dyn fmt::Display>)
    }
    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.lines.as_ref().map(|lines| lines as &dyn SourceCode)
    }
    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let place = self.place.as_ref()?;
        let label = (!self.label.is_empty()).then(|| self.label.clone());
        Some(Box::new(std::iter::once(LabeledSpan::new(
            label,
            place.span.start,
            place.span.len(),
        ))))
    }
}

/// All that is wrong; nothing is, if it is empty.
#[derive(Clone, Debug, Default)]
pub struct Reports(Vec<Report>);

impl Reports {
    /// Adds one.
    pub fn push(&mut self, report: Report) {
        self.0.push(report);
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
    /// Each of them.
    pub fn iter(&self) -> std::slice::Iter<'_, Report> {
        self.0.iter()
    }
    /// Takes over those of another collection.
    pub fn extend(&mut self, other: Reports) {
        self.0.extend(other.0);
    }
    /// `Ok` if nothing is wrong.
    pub fn into_result(self) -> Result<(), Reports> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
    /// All of them as people read them, in the order of files and lines.
    pub fn render(&self, colours: bool) -> String {
        let mut sorted: Vec<&Report> = self.0.iter().collect();
        sorted.sort_by_key(|report| {
            let start = report.place.as_ref().map(|place| place.span.start);
            (report.path(), start)
        });
        sorted
            .iter()
            .map(|report| report.render(colours))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

impl From<Report> for Reports {
    fn from(report: Report) -> Reports {
        Reports(vec![report])
    }
}

impl fmt::Display for Reports {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false))
    }
}

impl std::error::Error for Reports {}

/// The name among `known` that looks most like `name`, if one is close enough to have been meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = 1 + name.chars().count() / 4;
    known
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= limit || candidate.starts_with(name) && name.chars().count() >= 3
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// How many letters have to be changed, added, dropped or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    // The first row and column: from or to nothing. The others are filled in below.
    let mut rows: Vec<Vec<usize>> = (0..=a.len()).map(|i| (i..=i + b.len()).collect()).collect();
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut least = change.min(rows[i - 1][j] + 1).min(rows[i][j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                least = least.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = least;
        }
    }
    rows[a.len()][b.len()]
}

/// "`a`, `b` and `c`", for lists of names in messages.
pub fn list_names<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    list(names, "and")
}

/// "`a`, `b` or `c`".
pub fn list_choices<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    list(names, "or")
}

fn list<'a>(names: impl IntoIterator<Item = &'a str>, last_word: &str) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.split_last() {
        None => "nothing".into(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} {last_word} {last}", rest.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_only_if_it_is_near() {
        let known = ["tcpip", "net", "ping", "component"];
        assert_eq!(nearest("tcpi", known), Some("tcpip"));
        assert_eq!(nearest("pign", known), Some("ping"));
        assert_eq!(nearest("comp", known), Some("component"));
        assert_eq!(nearest("block", known), None);
        assert_eq!(nearest("x", []), None);
    }

    #[test]
    fn names_are_listed_as_people_write_them() {
        assert_eq!(list_names(["a"]), "`a`");
        assert_eq!(list_names(["a", "b", "c"]), "`a`, `b` and `c`");
        assert_eq!(list_choices(["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
