//! Reports of crashes, as they come out of the port `ftl.host`: JSON objects, to which only the source lines are to
//! be added ([`components/servers/exec`](../../../components/servers/exec/src/report.rs) writes them).

use serde_json::{Value, json};

use crate::symbols::Symbols;

/// Adds `source` to each frame whose place in the source is known: what [`Symbols::annotate`] says of it, a line for each
/// function that was inlined there.
pub fn add_sources(report: &mut Value, symbols: &mut Symbols) {
    let component = report["component"].as_str().unwrap_or_default().to_owned();
    // Whatever was looked at before, a backtrace begins here.
    symbols.annotate("");
    let frames = report.get_mut("frames").and_then(Value::as_array_mut);
    for frame in frames.into_iter().flatten() {
        let Some(offset) = frame["offset"].as_u64() else {
            continue;
        };
        if let Some(text) = symbols.annotate(&format!("  at {component}+{offset:#x}")) {
            let lines = text.lines().map(|line| {
                let line = line.trim();
                line.strip_prefix("called from ").unwrap_or(line)
            });
            frame["source"] = json!(lines.collect::<Vec<_>>());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    #[test]
    fn what_is_not_known_is_left_alone() {
        let mut symbols = Symbols::new(Path::new("/"), BTreeMap::new());
        let before = json!({
            "kind": "crash", "component": "nobody",
            "frames": [{ "offset": 16 }, { "address": "0x10" }],
        });
        let mut report = before.clone();
        add_sources(&mut report, &mut symbols);
        assert_eq!(report, before);
        let mut other = json!({ "kind": "something else" });
        add_sources(&mut other, &mut symbols);
        assert_eq!(other, json!({ "kind": "something else" }));
    }
}
