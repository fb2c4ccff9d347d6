//! Rust source as tokens, for rules that must not be fooled by comments and strings.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A file of the source tree.
pub struct File {
    /// Relative to the top folder, with `/` between the parts.
    pub path: String,
    /// Its content.
    pub text: String,
}

/// All text files of the source tree that are, or could be, committed.
pub fn files(root: &Path) -> Result<Vec<File>> {
    let list = Command::new("git")
        .current_dir(root)
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .output();
    let mut paths = match list {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout)
            .split('\0')
            .filter(|path| !path.is_empty())
            .map(str::to_owned)
            .collect(),
        // Not a git checkout: an archive of the source, for example.
        _ => walk(root)?,
    };
    // git lists what it does not track yet first.
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        // A file may have been removed and not yet committed as such; a picture is not text.
        if let Ok(text) = std::fs::read_to_string(root.join(&path)) {
            files.push(File { path, text });
        }
    }
    Ok(files)
}

fn walk(root: &Path) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::new()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(root.join(&folder)).context("cannot list the source tree")? {
            let entry = entry?;
            let path = folder.join(entry.file_name());
            let name = entry.file_name();
            if entry.file_type()?.is_dir() {
                if name != "target" && name != "build" && name != ".git" {
                    folders.push(path);
                }
            } else {
                found.push(path.display().to_string());
            }
        }
    }
    Ok(found)
}

/// A token, and the line it stands on.
#[derive(Debug, PartialEq, Eq)]
pub struct Token {
    /// An identifier, one character of punctuation, a literal, or a bracket.
    pub text: String,
    /// Counted from 1.
    pub line: usize,
}

/// All tokens of a Rust source text, macros' bodies included. Comments are none, and doc comments
/// become attributes with their text as one literal.
pub fn tokens(text: &str) -> Result<Vec<Token>> {
    // A `#!/…` line is legal in Rust, and unknown to the tokenizer.
    let text = match text.strip_prefix("#!") {
        Some(rest) if !rest.trim_start().starts_with('[') => {
            rest.split_once('\n').map_or("", |split| split.1)
        }
        _ => text,
    };
    let stream: TokenStream = text
        .parse()
        .map_err(|error| anyhow::anyhow!("it is not Rust: {error}"))?;
    let mut tokens = Vec::new();
    flatten(stream, &mut tokens);
    Ok(tokens)
}

fn flatten(stream: TokenStream, tokens: &mut Vec<Token>) {
    for tree in stream {
        let line = tree.span().start().line;
        let mut push = |text: String, line| tokens.push(Token { text, line });
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                push(open.to_owned(), line);
                flatten(group.stream(), tokens);
                tokens.push(Token {
                    text: close.to_owned(),
                    line: group.span_close().start().line,
                });
            }
            // `r#unsafe` is not the keyword, and stays apart from it.
            TokenTree::Ident(ident) => push(ident.to_string(), line),
            TokenTree::Punct(punct) => push(punct.as_char().to_string(), line),
            TokenTree::Literal(literal) => push(literal.to_string(), line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        tokens(source)
            .unwrap()
            .into_iter()
            .map(|token| token.text)
            .collect()
    }

    #[test]
    fn comments_and_strings_are_not_code() {
        let source =
            "// unsafe\n/* unsafe /* unsafe */ */ let a = \"unsafe\"; let b = r#\"unsafe\"#;";
        assert!(!texts(source).contains(&"unsafe".to_owned()));
        assert!(texts("macro_rules! m { () => { unsafe { } } }").contains(&"unsafe".to_owned()));
    }

    #[test]
    fn lines_are_counted() {
        let found = tokens("fn a() {\n\n  later()\n}").unwrap();
        let token = found.iter().find(|token| token.text == "later").unwrap();
        assert_eq!(token.line, 3);
    }

    #[test]
    fn what_is_not_rust_is_an_error() {
        assert!(tokens("fn a( {").is_err());
        assert_eq!(texts("#!/bin/x\nfn"), ["fn"]);
        assert_eq!(texts("#![no_std]").len(), 5);
    }
}
