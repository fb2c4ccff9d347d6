//! What a command answers to a program that asked with `--json`: one line on standard output.
//!
//! `ok` is always there. What went wrong stands in `errors`, each with a `message`, and with `file`, `line`,
//! `column`, `label` and `help` as far as they are known. Whatever else a command has to tell lies beside
//! them; `run` has a form of its own ([`crate::run`]).

use serde_json::{Value, json};

use crate::systems::YamlErrors;

/// Tells a program, if one asked, whether all was well, and the facts that an object holds.
pub fn tell(asked: bool, ok: bool, mut facts: Value) -> std::io::Result<()> {
    if !asked {
        return Ok(());
    }
    facts["ok"] = ok.into();
    answer!("{facts}")
}

/// What a program is told of an error.
pub fn failure(error: &anyhow::Error) -> Value {
    let errors: Vec<Value> = match error.downcast_ref::<YamlErrors>() {
        None => vec![json!({ "message": format!("{error:#}") })],
        Some(YamlErrors(reports)) => reports
            .iter()
            .map(|report| {
                let (line, column) = report.line_and_column().unzip();
                json!({
                    "message": report.message,
                    "file": report.path(),
                    "line": line,
                    "column": column,
                    "label": report.label,
                    "help": report.help,
                })
            })
            .collect(),
    };
    json!({ "ok": false, "errors": errors })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_told_where_a_yaml_file_is_wrong() {
        let root = std::env::temp_dir().join(format!("ftl-answer-{}", std::process::id()));
        std::fs::create_dir_all(root.join("interfaces")).unwrap();
        let text = "doc: A clock.\ncalls:\n  now: { doc: The time., reply: { time: u46 } }\n";
        std::fs::write(root.join("interfaces/clock.yml"), text).unwrap();
        let loaded = crate::systems::load(&root);
        std::fs::remove_dir_all(&root).unwrap();
        let told = failure(&loaded.unwrap_err());
        assert_eq!(told["ok"], false);
        let first = &told["errors"][0];
        assert_eq!(first["file"], "interfaces/clock.yml");
        assert_eq!((&first["line"], &first["column"]), (&3.into(), &41.into()));
        assert_eq!(first["message"], "there is no type `u46`");

        let other = failure(&anyhow::anyhow!("no disk").context("cannot write"));
        assert_eq!(other["errors"][0]["message"], "cannot write: no disk");
    }
}
