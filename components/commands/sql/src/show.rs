//! Answers as people and programs read them.

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;

use rows::Value;

/// How an answer is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    Table,
    Csv,
    Json,
    Lines,
}

/// Characters of one value in a table: what is longer is cut.
const WIDTH_MAX: usize = 60;

/// An answer: the columns' names first, and then row after row.
pub fn answer(columns: usize, values: &[Value<'_>], form: Form) -> String {
    let (names, rows) = values.split_at(columns.min(values.len()));
    let rows = rows.chunks_exact(columns.max(1));
    match form {
        Form::Table => table(names, rows),
        Form::Csv => {
            let line = |row: &[Value<'_>]| row.iter().map(csv).collect::<Vec<_>>().join(",");
            let lines = [names].into_iter().chain(rows).map(line);
            lines.map(|line| line + "\n").collect()
        }
        Form::Lines => {
            let line = |row: &[Value<'_>]| row.iter().map(plain).collect::<Vec<_>>().join("\t");
            rows.map(|row| line(row) + "\n").collect()
        }
        Form::Json => {
            let object = |row: &[Value<'_>]| {
                let pairs = names.iter().zip(row);
                let pairs =
                    pairs.map(|(name, value)| format!("{}:{}", quoted(&plain(name)), json(value)));
                format!("{{{}}}", pairs.collect::<Vec<_>>().join(","))
            };
            format!("[{}]\n", rows.map(object).collect::<Vec<_>>().join(",\n"))
        }
    }
}

fn table<'a>(names: &'a [Value<'a>], rows: impl Iterator<Item = &'a [Value<'a>]>) -> String {
    let cell = |value: &Value<'_>| -> (String, bool) {
        let mut text: String = plain(value)
            .chars()
            .map(|c| if c.is_control() { ' ' } else { c })
            .collect();
        if text.chars().count() > WIDTH_MAX {
            text = text.chars().take(WIDTH_MAX - 1).chain(['…']).collect();
        }
        (text, matches!(value, Value::Integer(_) | Value::Real(_)))
    };
    let lines: Vec<Vec<(String, bool)>> = [names]
        .into_iter()
        .chain(rows)
        .map(|row| row.iter().map(cell).collect())
        .collect();
    let widths: Vec<usize> = (0..names.len())
        .map(|column| {
            let widths = lines.iter().map(|line| line[column].0.chars().count());
            widths.max().unwrap_or(0)
        })
        .collect();
    let mut out = String::new();
    for (i, line) in lines.iter().enumerate() {
        let mut text = String::new();
        for ((cell, is_number), width) in line.iter().zip(&widths) {
            let blanks = " ".repeat(width - cell.chars().count());
            match is_number {
                true => text += &format!("{blanks}{cell}  "),
                false => text += &format!("{cell}{blanks}  "),
            }
        }
        out += text.trim_end();
        out.push('\n');
        if i == 0 {
            let lines: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
            out += &lines.join("  ");
            out.push('\n');
        }
    }
    out
}

/// A value without quotes. Bytes that are UTF-8 are shown as text.
fn plain(value: &Value<'_>) -> String {
    match value {
        Value::Null => String::new(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => text.to_string(),
        Value::Blob(bytes) => match core::str::from_utf8(bytes) {
            Ok(text) => text.into(),
            Err(_) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        },
    }
}

fn csv(value: &Value<'_>) -> String {
    let text = plain(value);
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

fn json(value: &Value<'_>) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Real(number) if !number.is_finite() => "null".into(),
        Value::Integer(_) | Value::Real(_) => plain(value),
        Value::Text(_) | Value::Blob(_) => quoted(&plain(value)),
    }
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out += "\\\"",
            '\\' => out += "\\\\",
            '\n' => out += "\\n",
            c if (c as u32) < 0x20 => out += &format!("\\u{:04x}", c as u32),
            c => out.push(c),
        }
    }
    out + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(form: Form, expected: &str) {
        let values = [
            Value::Text("path"),
            Value::Text("size"),
            Value::Text("/a \"b\""),
            Value::Integer(12),
            Value::Blob(&[0xff]),
            Value::Null,
        ];
        assert_eq!(answer(2, &values, form), expected);
    }

    #[test]
    fn answers_have_four_forms() {
        check(
            Form::Table,
            "path    size\n──────  ────\n/a \"b\"    12\nff\n",
        );
        check(Form::Csv, "path,size\n\"/a \"\"b\"\"\",12\nff,\n");
        check(
            Form::Json,
            "[{\"path\":\"/a \\\"b\\\"\",\"size\":12},\n{\"path\":\"ff\",\"size\":null}]\n",
        );
        check(Form::Lines, "/a \"b\"\t12\nff\t\n");
    }

    #[test]
    fn an_answer_without_rows_has_its_heading() {
        let found = answer(1, &[Value::Text("x")], Form::Table);
        assert_eq!(found, "x\n─\n");
        assert_eq!(answer(1, &[Value::Text("x")], Form::Json), "[]\n");
    }
}
