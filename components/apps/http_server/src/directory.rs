//! Files: what lies under `/files/` if the system's file gives the server a directory.
//!
//! A file is served whole or in part (RFC 9110, section 14: one range), and with an entity tag, so that who has it
//! already is not sent it again (section 13). A directory is served as its `index.html`, or else as a list.

use alloc::format;
use alloc::string::String;
use core::fmt::Write;

use ftl::prelude::*;
use http::{Request, Status, percent_decode};
use interfaces::files::{Dir, File, Metadata};

/// Where the directory begins.
pub const PREFIX: &str = "/files/";

/// A file, or a part of it, to be sent.
pub struct Part {
    pub file: File,
    pub status: Status,
    pub content_type: &'static str,
    /// The first byte, and the one behind the last.
    pub from: u64,
    pub to: u64,
    pub tag: String,
    /// What `content-range` says.
    pub range: Option<String>,
}

/// What a path is answered with.
pub enum Found {
    Part(Part),
    /// A list, as a page.
    List(String),
    /// It is elsewhere.
    Moved(String),
    /// Whoever asks has it already; with its tag.
    NotModified(String),
    /// The file is shorter; with what `content-range` says.
    NoSuchRange(String),
    Nothing,
    /// The file server does not answer.
    Unavailable,
}

/// Looks for what a request asks for.
pub fn find(files: &Dir, request: Request<'_>) -> Found {
    let path = request.path().strip_prefix(PREFIX).map(percent_decode);
    let Some(Some(path)) = path else {
        return Found::Nothing;
    };
    let path = format!("/{path}");
    match look(files, &path, request) {
        Ok(found) => found,
        Err(
            Error::NotFound
            | Error::NotADirectory
            | Error::InvalidFilename
            | Error::TooManyLinks
            | Error::MessageTooLong,
        ) => Found::Nothing,
        Err(error) => {
            warn!("{path}: {error}");
            Found::Unavailable
        }
    }
}

fn look(files: &Dir, path: &str, request: Request<'_>) -> Result<Found> {
    let metadata = files.metadata(path)?;
    if !metadata.is_dir() {
        return serve(files.open(path)?, path, request);
    }
    if !path.ends_with('/') {
        return Ok(Found::Moved(format!("{}/", request.path())));
    }
    let index = format!("{path}index.html");
    match files.open(&index) {
        Ok(file) => serve(file, &index, request),
        Err(Error::NotFound | Error::IsADirectory) => list(files, path).map(Found::List),
        Err(error) => Err(error),
    }
}

fn serve(file: File, path: &str, request: Request<'_>) -> Result<Found> {
    let metadata = file.metadata()?;
    let tag = tag(&metadata);
    let len = metadata.len();
    let knows = |header: &str| {
        request.header(header).is_some_and(|tags| {
            tags.split(',')
                .map(|one| one.trim().trim_start_matches("W/"))
                .any(|one| one == tag || one == "*")
        })
    };
    if knows("if-none-match") {
        return Ok(Found::NotModified(tag));
    }
    // A part of another version is of no use to anybody.
    let may_be_part = request.header("if-range").is_none_or(|one| one == tag);
    let wanted = request.header("range").filter(|_| may_be_part);
    let part = match wanted.map(|text| range(text, len)) {
        None | Some(Range::Whole) => None,
        Some(Range::Part(from, to)) => Some((from, to)),
        Some(Range::Outside) => return Ok(Found::NoSuchRange(format!("bytes */{len}"))),
    };
    let (from, to) = part.unwrap_or((0, len));
    Ok(Found::Part(Part {
        file,
        status: match part {
            Some(_) => Status::PARTIAL_CONTENT,
            None => Status::OK,
        },
        content_type: content_type(path),
        from,
        to,
        tag,
        range: part.map(|(from, to)| format!("bytes {from}-{}/{len}", to - 1)),
    }))
}

/// What changes whenever the contents do.
fn tag(metadata: &Metadata) -> String {
    format!(
        "\"{:x}-{:x}-{:x}\"",
        metadata.id(),
        metadata.changed().as_nanos(),
        metadata.len()
    )
}

#[derive(Debug, PartialEq)]
enum Range {
    /// None was asked for in a way that is understood.
    Whole,
    /// The first byte, and the one behind the last.
    Part(u64, u64),
    /// None of its bytes is there.
    Outside,
}

fn range(text: &str, len: u64) -> Range {
    let part = text.trim().strip_prefix("bytes=").map(str::trim);
    let Some((first, last)) = part.and_then(|part| part.split_once('-')) else {
        return Range::Whole;
    };
    let (first, last) = (first.trim(), last.trim());
    let number = |text: &str| text.parse::<u64>().ok();
    match (first, last) {
        // The last so many.
        ("", last) => match number(last) {
            Some(0) => Range::Outside,
            Some(_) if len == 0 => Range::Outside,
            Some(count) => Range::Part(len.saturating_sub(count), len),
            None => Range::Whole,
        },
        (first, last) => match (number(first), number(last)) {
            (Some(first), _) if first >= len && (last.is_empty() || number(last).is_some()) => {
                Range::Outside
            }
            (Some(first), None) if last.is_empty() => Range::Part(first, len),
            (Some(first), Some(last)) if first <= last => {
                Range::Part(first, last.saturating_add(1).min(len))
            }
            _ => Range::Whole,
        },
    }
}

fn content_type(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path);
    match name.rsplit_once('.').map_or("", |(_, ending)| ending) {
        "html" | "htm" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "txt" | "md" | "log" | "yml" | "" => "text/plain; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "wasm" => "application/wasm",
        "pdf" => "application/pdf",
        _ => "application/octet-stream",
    }
}

/// A directory as a page.
fn list(files: &Dir, path: &str) -> Result<String> {
    let title = escaped(path);
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><title>{title}</title>\n\
         <h1>{title}</h1>\n<ul>\n"
    );
    if path.len() > 1 {
        page += "<li><a href=\"../\">..</a>\n";
    }
    for entry in files.read_dir(path)? {
        let entry = entry?;
        let slash = if entry.file_type().is_dir() { "/" } else { "" };
        let (link, name) = (encoded(entry.file_name()), escaped(entry.file_name()));
        let _ = writeln!(page, "<li><a href=\"./{link}{slash}\">{name}{slash}</a>");
    }
    Ok(page + "</ul></html>\n")
}

/// A text in HTML.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            c => out.push(c),
        }
    }
    out
}

/// A name in a link (RFC 3986, section 2.1).
fn encoded(name: &str) -> String {
    let mut out = String::new();
    for byte in name.bytes() {
        match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            true => out.push(byte.into()),
            false => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read() {
        use Range::*;
        for (text, expected) in [
            ("bytes=0-0", Part(0, 1)),
            ("bytes=2-", Part(2, 10)),
            ("bytes=2-99", Part(2, 10)),
            ("bytes=-3", Part(7, 10)),
            ("bytes=-99", Part(0, 10)),
            ("bytes=10-", Outside),
            ("bytes=10-12", Outside),
            ("bytes=-0", Outside),
            ("bytes=5-2", Whole),
            ("bytes=0-1,3-4", Whole),
            ("lines=0-1", Whole),
            ("bytes=a-b", Whole),
            ("bytes=", Whole),
        ] {
            assert_eq!(range(text, 10), expected, "{text}");
        }
        assert_eq!(range("bytes=-5", 0), Outside);
    }

    #[test]
    fn names_cannot_become_markup() {
        assert_eq!(
            escaped("<a href=\"x\">&"),
            "&lt;a href=&quot;x&quot;&gt;&amp;"
        );
        assert_eq!(encoded("a b/ü?"), "a%20b%2F%C3%BC%3F");
        assert_eq!(content_type("/a.tar/b"), "text/plain; charset=utf-8");
        assert_eq!(content_type("/a.PNG.png"), "image/png");
    }
}
