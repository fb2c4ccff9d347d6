//! Rust out of interfaces and components.
//!
//! It is put together as text, parsed by `syn` and laid out by `prettyplease`, so the
//! templates need no care for blanks. What is generated is meant to be read: it has the
//! documentation of the YAML file, and no macros.

mod interface;
mod spec;

pub use interface::{decoders, interface};
pub use spec::spec;

use crate::report::{Report, Reports};

/// Lays the text of a module out and puts the mark in front.
fn finish(text: &str, from: &str) -> Result<String, Reports> {
    match syn::parse_file(text) {
        Ok(file) => Ok(format!(
            "// Generated from {from} by `./ftl gen`. Changes belong there; here they would be lost.\n\n{}",
            space_out(&prettyplease::unparse(&file))
        )),
        Err(error) => Err(Report::general(format!(
            "a bug in the generator: what it made of {from} is not Rust: {error}"
        ))
        .into()),
    }
}

/// Documentation as attributes, which `prettyplease` turns into comments.
fn doc(text: &str) -> String {
    text.trim()
        .lines()
        .map(|line| format!("#[doc = {:?}]\n", format!(" {}", line.trim_end())))
        .collect()
}

/// Puts a blank line between items, which `prettyplease` does not.
fn space_out(text: &str) -> String {
    let mut out = String::new();
    let mut last = "";
    for line in text.lines() {
        let indent = line.len() - line.trim_start().len();
        // An item ends with a line of its own indentation; inside bodies nothing begins an item.
        let ends = (last.ends_with('}') || last.ends_with(';'))
            && !last.trim_start().starts_with("//")
            && last.len() - last.trim_start().len() == indent;
        let begins = ["///", "#[", "pub ", "impl", "const ", "fn "]
            .iter()
            .any(|word| line.trim_start().starts_with(word));
        let both_short = last.trim_start().starts_with("pub use")
            && line.trim_start().starts_with("pub use")
            || last.trim_start().starts_with("const ") && line.trim_start().starts_with("const ");
        let after_inner = last.starts_with("#![") && !line.starts_with("#![");
        if ends && begins && indent <= 4 && !both_short || after_inner {
            out.push('\n');
        }
        out.push_str(line);
        out.push('\n');
        last = line;
    }
    out
}
