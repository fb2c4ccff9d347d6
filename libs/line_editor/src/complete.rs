//! What Tab shows: candidates in columns.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use unicode_width::UnicodeWidthStr;

use crate::helper::Candidate;

/// Candidates that are listed at most.
const LISTED_MAX: usize = 100;

/// What all candidates begin with.
pub fn common_prefix(candidates: &[Candidate]) -> &str {
    let Some((first, others)) = candidates.split_first() else {
        return "";
    };
    let mut prefix = first.text.as_str();
    for other in others {
        let same = prefix
            .char_indices()
            .zip(other.text.chars())
            .find(|((_, left), right)| left != right)
            .map_or(prefix.len().min(other.text.len()), |((at, _), _)| at);
        prefix = &prefix[..same];
    }
    prefix
}

/// The list, in lines that fit into so many columns.
pub fn list(candidates: &[Candidate], columns: usize) -> Vec<String> {
    let shown = &candidates[..candidates.len().min(LISTED_MAX)];
    let widest = shown.iter().map(|candidate| candidate.text.width()).max();
    let widest = widest.unwrap_or(0);
    let mut lines = Vec::new();
    if shown.len() <= 12 && shown.iter().any(|candidate| !candidate.help.is_empty()) {
        for candidate in shown {
            let pad = widest - candidate.text.width();
            let line = format!("{}{:pad$}  {}", candidate.text, "", candidate.help);
            lines.push(cut(line.trim_end(), columns));
        }
    } else {
        let across = (columns / (widest + 2)).max(1);
        let down = shown.len().div_ceil(across);
        for row in 0..down {
            let mut line = String::new();
            for candidate in shown.iter().skip(row).step_by(down.max(1)) {
                let pad = widest + 2 - candidate.text.width();
                line.push_str(&format!("{}{:pad$}", candidate.text, ""));
            }
            lines.push(cut(line.trim_end(), columns));
        }
    }
    if candidates.len() > shown.len() {
        lines.push(format!("… and {} more", candidates.len() - shown.len()));
    }
    lines
}

/// As much of a line as fits, with nothing in it that moves the cursor.
fn cut(line: &str, columns: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for c in line.chars().filter(|c| !c.is_control()) {
        let width = crate::buffer::width(c);
        if used + width > columns.max(1) {
            break;
        }
        used += width;
        out.push(c);
    }
    out
}
