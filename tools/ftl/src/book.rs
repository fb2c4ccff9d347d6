//! The book in `docs/`: what in it is made out of the source, so that it cannot disagree with it.
//!
//! - The pages of [`PAGES`] are made as a whole, out of doc comments or by [`crate::drawing`].
//! - `docs/performance.md` has tables and plots of what was measured: see [`crate::bench::document`].
//! - In any other Markdown file, a comment names a source file, and the code block after it is
//!   that file, or a part of it:
//!
//! ```text
//! <!-- code: components/apps/hello/src/main.rs -->
//! <!-- code: components/apps/hello/src/main.rs, from `fn main` to `}` -->
//! ```
//!
//! The part begins at the first line that begins with the first text, leading blanks aside, and
//! ends with the first line after it that begins with the second one and is not further right.
//!
//! `./ftl gen` writes what is out of date, and `tools/ftl/tests/book.rs` fails while anything is.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use crate::{bench, drawing, sources};

/// Pages that are made as a whole: path, and what makes them.
type Page = (&'static str, fn(&Path) -> Result<String>);

/// See [`Page`].
const PAGES: &[Page] = &[
    ("docs/reference/system-calls.md", system_calls),
    ("docs/reference/errors.md", errors),
    ("docs/decisions/README.md", decisions),
    ("docs/architecture.svg", |_| Ok(drawing::architecture())),
];

/// Paths of the files that are out of date, and what they should be.
pub fn stale(root: &Path) -> Result<Vec<(String, String)>> {
    let mut stale = Vec::new();
    for (path, make) in PAGES {
        let text = make(root)?;
        if std::fs::read_to_string(root.join(path)).ok().as_deref() != Some(&text) {
            stale.push(((*path).to_owned(), text));
        }
    }
    for (path, text) in bench::document::pages(root)? {
        if std::fs::read_to_string(root.join(&path)).ok().as_deref() != Some(&text) {
            stale.push((path, text));
        }
    }
    for file in sources::files(root)? {
        if !file.path.ends_with(".md") || !file.text.contains(MARKER) {
            continue;
        }
        let text = with_code(&file.text, &|path| {
            std::fs::read_to_string(root.join(path))
                .with_context(|| format!("{}: cannot read {path}", file.path))
        })
        .with_context(|| format!("the code in {}", file.path))?;
        if text != file.text {
            stale.push((file.path, text));
        }
    }
    Ok(stale)
}

/// Writes what is out of date, says so, and answers what it was.
pub fn refresh(root: &Path) -> Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for (path, text) in stale(root)? {
        if let Some(folder) = root.join(&path).parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(root.join(&path), text).with_context(|| format!("cannot write {path}"))?;
        say!("generated {path}");
        written.push(path.into());
    }
    Ok(written)
}

const MARKER: &str = "<!-- code: ";

/// A Markdown text with its marked code blocks filled in.
fn with_code(text: &str, read: &dyn Fn(&str) -> Result<String>) -> Result<String> {
    let mut filled = String::new();
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        filled += line;
        filled.push('\n');
        let Some(what) = line.strip_prefix(MARKER) else {
            continue;
        };
        let what = what
            .strip_suffix(" -->")
            .context("a marker without its end")?;
        let (path, part) = what.split_once(", from ").unwrap_or((what, ""));
        let code = read(path)?;
        let code = match part {
            "" => code,
            part => part_of(&code, part).with_context(|| format!("{path} has no part {part}"))?,
        };
        let language = match path.rsplit_once('.').map(|(_, ending)| ending) {
            Some("rs") => "rust",
            Some("yml") => "yaml",
            Some(other) => other,
            None => "",
        };
        if lines.peek().is_some_and(|next| next.starts_with("```")) {
            lines.next();
            if !lines.any(|line| line == "```") {
                bail!("the code block of {path} has no end");
            }
        }
        filled += &format!("```{language}\n{}\n```\n", code.trim_end());
    }
    Ok(filled)
}

/// The lines of `code` that "`first` to `last`" names, moved to the left edge.
fn part_of(code: &str, part: &str) -> Option<String> {
    let (first, last) = part
        .strip_prefix('`')?
        .strip_suffix('`')?
        .split_once("` to `")?;
    let indent = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<&str> = code.lines().collect();
    let start = lines
        .iter()
        .position(|line| line.trim_start().starts_with(first))?;
    let left = indent(lines[start]);
    // What is further right belongs to a line before it: a brace in a brace.
    let ends = |line: &&str| line.trim_start().starts_with(last) && indent(line) <= left;
    let end = start + 1 + lines[start + 1..].iter().position(ends)?;
    let moved = lines[start..=end]
        .iter()
        .map(|line| line.get(left.min(indent(line))..).unwrap_or_default());
    Some(moved.collect::<Vec<_>>().join("\n"))
}

/// Something with a doc comment.
struct Item<'a> {
    name: &'a str,
    number: &'a str,
    doc: String,
}

/// Everything in a Rust file that has a doc comment and looks like `Name = 1,` or
/// `pub const NAME: … = …(1);`.
fn items(text: &str) -> Vec<Item<'_>> {
    let mut items = Vec::new();
    let mut doc = String::new();
    for line in text.lines().map(str::trim) {
        if let Some(comment) = line.strip_prefix("///") {
            doc.push(' ');
            doc += comment.trim();
            continue;
        }
        let found = numbered(line);
        if let Some((name, number)) = found
            && !doc.is_empty()
        {
            let doc = without_rustdoc(doc.trim());
            items.push(Item { name, number, doc });
        }
        doc.clear();
    }
    items
}

fn numbered(line: &str) -> Option<(&str, &str)> {
    if let Some(rest) = line.strip_prefix("pub const ") {
        let (name, rest) = rest.split_once(": ")?;
        let number = rest.split_once('(')?.1.strip_suffix(");")?;
        return number.parse::<u32>().is_ok().then_some((name, number));
    }
    let (name, number) = line.strip_suffix(',')?.split_once(" = ")?;
    (name.starts_with(|c: char| c.is_ascii_uppercase()) && number.parse::<u32>().is_ok())
        .then_some((name, number))
}

/// The text of a file's own doc comment, as Markdown lines.
fn module_doc(text: &str) -> String {
    let lines = text.lines().map_while(|line| line.strip_prefix("//!"));
    let lines: Vec<String> = lines
        .map(|line| without_rustdoc(line.strip_prefix(' ').unwrap_or(line)))
        .collect();
    lines.join("\n")
}

/// Turns rustdoc's links into what Markdown understands: to a call's own heading, or none.
fn without_rustdoc(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[`") {
        let Some((path, after)) = after.split_once("`]") else {
            break;
        };
        plain += before;
        let path = path.trim_start_matches("crate::");
        let name = path.rsplit("::").next().unwrap_or(path);
        plain += &match path {
            "EventKind" => "[`EventKind`](#what-wait-answers)".to_owned(),
            _ if path.starts_with("Call::") => {
                format!("[`{name}`](#{})", name.to_ascii_lowercase())
            }
            _ => format!("`{path}`"),
        };
        rest = after;
    }
    plain + rest
}

fn read(root: &Path, path: &str) -> Result<String> {
    std::fs::read_to_string(root.join(path)).with_context(|| format!("cannot read {path}"))
}

/// What stands at the head of a page that nobody should edit.
fn generated_from(paths: &str) -> String {
    format!("<!-- Generated from {paths} by `./ftl gen`. Changes belong there. -->\n\n")
}

fn system_calls(root: &Path) -> Result<String> {
    let calls = read(root, "abi/src/call.rs")?;
    let events = read(root, "abi/src/event.rs")?;
    let rights = read(root, "abi/src/handle.rs")?;
    let mut page = generated_from("abi/src/call.rs, event.rs and handle.rs");
    // The comment's first line is its heading.
    let doc = module_doc(&calls);
    let text = doc.split_once('\n').map_or("", |(_, text)| text).trim();
    page += &format!(
        "# System calls\n\n{text}\n\n\
         Components rarely see any of this: the crate `ftl` has each call as a method of a type, such as\n\
         `Folio::new` for `FolioCreate`. [errors.md](errors.md) lists the errors, and\n\
         [messages](../concepts/messages.md) tells how messages travel. The source is\n\
         [abi/src/call.rs](../../abi/src/call.rs).\n\n\
         | number | call |\n|---|---|\n"
    );
    let calls = items(&calls);
    for Item { name, number, .. } in &calls {
        page += &format!(
            "| {number} | [`{name}`](#{}) |\n",
            name.to_ascii_lowercase()
        );
    }
    for Item { name, number, doc } in &calls {
        page += &format!("\n## {name}\n\nNumber {number}. {doc}\n");
    }
    let doc = module_doc(&events);
    let table = doc.split_once("\n\n").map_or("", |(_, table)| table);
    page += &format!(
        "\n## What wait answers\n\n[`Wait`](#wait), [`SendWait`](#sendwait) and [`Call`](#call) answer in six registers:\n\n{}\n\n\
         The kinds of event:\n\n| number | kind | |\n|---|---|---|\n",
        table.replace(" an error |", " an [error](errors.md) |")
    );
    for Item { name, number, doc } in items(&events) {
        page += &format!("| {number} | `{name}` | {doc} |\n");
    }
    page += "\n## Rights\n\nA handle carries rights, which can be given up but never gained. As bits:\n\n\
             | bits | right | allows to |\n|---|---|---|\n";
    let rights = rights
        .split_once("pub struct Rights")
        .context("abi/src/handle.rs defines Rights")?
        .1;
    for Item { name, number, doc } in items(rights) {
        page += &format!(
            "| {number} | `{name}` | {} |\n",
            lower_first(doc.trim_end_matches('.'))
        );
    }
    Ok(page)
}

/// A table's cell does not begin as a sentence does.
fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|first| first.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

fn errors(root: &Path) -> Result<String> {
    let mut page = generated_from("abi/src/error.rs");
    page += "# Errors\n\n\
             One list for kernel, servers and components ([abi/src/error.rs](../../abi/src/error.rs)), so an error can be passed\n\
             on unchanged and looked up here. In Rust it is `ftl::Error`; `{}` shows the words below. In a\n\
             result register an error is its negated number. An interface may have errors of its own beside\n\
             these: see [yaml.md](yaml.md).\n\n\
             | number | error | means that |\n|---|---|---|\n";
    for Item { name, number, doc } in items(&read(root, "abi/src/error.rs")?) {
        page += &format!("| {number} | `{name}` | {doc} |\n");
    }
    Ok(page)
}

/// The list of decisions, by their headings.
fn decisions(root: &Path) -> Result<String> {
    let mut page = generated_from("the headings of the files beside it");
    page += "# Decisions\n\n\
             Half a page each: the question, the choice, what speaks against it. A rule of [rules.md](../rules.md) is\n\
             changed only with such a note.\n\n\
             | | |\n|---|---|\n";
    let folder = "docs/decisions/";
    for file in sources::files(root)? {
        let Some(name) = file.path.strip_prefix(folder) else {
            continue;
        };
        let Some((number, _)) = name.split_once('-') else {
            continue;
        };
        let heading = file.text.lines().find_map(|line| line.strip_prefix("# "));
        let heading = heading.with_context(|| format!("{} has no heading", file.path))?;
        page += &format!("| [{number}]({name}) | {heading} |\n");
    }
    Ok(page)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "use a;\n\nfn main() {\n    if b {\n    }\n}\n\nfn c() {}\n";

    fn fill(text: &str) -> Result<String> {
        with_code(text, &|path| match path {
            "a.rs" => Ok(SOURCE.to_owned()),
            _ => bail!("no file"),
        })
    }

    #[test]
    fn a_whole_file_and_a_part_are_filled_in() {
        let whole = fill("# A\n\n<!-- code: a.rs -->\n```rust\nold\n```\nend\n").unwrap();
        assert_eq!(
            whole,
            format!("# A\n\n<!-- code: a.rs -->\n```rust\n{SOURCE}```\nend\n")
        );
        assert_eq!(fill(&whole).unwrap(), whole, "what is right stays");
        let part = fill("<!-- code: a.rs, from `fn main` to `}` -->\n").unwrap();
        assert_eq!(
            part,
            "<!-- code: a.rs, from `fn main` to `}` -->\n```rust\nfn main() {\n    if b {\n    }\n}\n```\n"
        );
    }

    #[test]
    fn what_is_not_there_is_an_error() {
        for wrong in [
            "<!-- code: b.rs -->\n",
            "<!-- code: a.rs\n",
            "<!-- code: a.rs, from `fn d` to `}` -->\n",
            "<!-- code: a.rs -->\n```rust\nno end\n",
        ] {
            assert!(fill(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn doc_comments_are_read() {
        let found = items(
            "/// Not it.\nenum A {\n    /// Sends, as [`Call::Send`]\n    /// does.\n    One = 1,\n}\n/// R.\npub const X: R = R(2);",
        );
        let found: Vec<_> = found
            .iter()
            .map(|i| (i.name, i.number, i.doc.as_str()))
            .collect();
        assert_eq!(
            found,
            [
                ("One", "1", "Sends, as [`Send`](#send) does."),
                ("X", "2", "R.")
            ]
        );
    }
}
