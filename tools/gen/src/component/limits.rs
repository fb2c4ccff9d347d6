//! Reading what a component may use, and what becomes of it when it ends.

use super::{Limits, Restart};
use crate::report::{Report, Reports};
use crate::yaml::{Node, Value};

/// Reads `limits`, of a component or of a system, over what is there.
pub fn read_limits(node: &Node, limits: &mut Limits, reports: &mut Reports) {
    let mut fields = node.fields("`limits`", reports);
    // The upper bounds are the kernel's (kernel/src/process.rs).
    let mut limit = |name: &'static str, least: u64, most: u64, value: &mut u64| {
        let Some(node) = fields.get(name) else { return };
        match node.expect_integer("a number, such as 64, 256K or 4M", reports) {
            Some(number) if (least as i128..=most as i128).contains(&number) => {
                *value = number as u64
            }
            Some(_) => reports.push(Report::new(
                &node.place,
                format!("`{name}` is out of its range"),
                format!("{} to {}", shown(least), shown(most)),
            )),
            None => {}
        }
    };
    limit("memory", 64 << 10, 64 << 30, &mut limits.memory);
    limit("heap", 4 << 10, 64 << 20, &mut limits.heap);
    limit("stack", 16 << 10, 1 << 20, &mut limits.stack);
    limit("handles", 8, 16_384, &mut limits.handles);
    limit("threads", 1, 64, &mut limits.threads);
    limit("messages", 2, 1 << 20, &mut limits.messages);
    limit("cpu", 1, 100, &mut limits.cpu);
    if limits.heap + limits.stack > limits.memory {
        reports.push(Report::new(
            &node.head(),
            format!(
                "heap ({}) and stack ({}) do not fit into `memory` ({})",
                shown(limits.heap),
                shown(limits.stack),
                shown(limits.memory)
            ),
            "raise `memory`",
        ));
    }
    fields.finish(reports);
}

/// A number of bytes as YAML would have it.
pub(super) fn shown(number: u64) -> String {
    match number {
        number if number >= 1 << 30 && number % (1 << 30) == 0 => format!("{}G", number >> 30),
        number if number >= 1 << 20 && number % (1 << 20) == 0 => format!("{}M", number >> 20),
        number if number >= 1 << 10 && number % (1 << 10) == 0 => format!("{}K", number >> 10),
        number => number.to_string(),
    }
}

/// Reads `restart`, of a component or of a system, over what is there.
pub fn read_restart(node: &Node, restart: &mut Restart, reports: &mut Reports) {
    const WORDS: [&str; 3] = ["always", "on_failure", "never"];
    let policy =
        |node: &Node, reports: &mut Reports| match node.expect_word("`restart`", &WORDS, reports) {
            Some("always") => Some(plan::Restart::Always),
            Some("on_failure") => Some(plan::Restart::OnFailure),
            Some("never") => Some(plan::Restart::Never),
            _ => None,
        };
    if let Value::Map(_) = node.value {
        let mut fields = node.fields("`restart`", reports);
        if let Some(found) = fields
            .require("policy")
            .and_then(|node| policy(node, reports))
        {
            restart.policy = found;
        }
        if let Some(node) = fields.get("crashes") {
            match node
                .expect_integer("a number of crashes", reports)
                .map(u16::try_from)
            {
                Some(Ok(number)) => restart.crashes_max = number,
                Some(Err(_)) => reports.push(Report::new(
                    &node.place,
                    "`crashes` is out of its range",
                    "0 to 65535",
                )),
                None => {}
            }
        }
        fields.finish(reports);
    } else if let Some(found) = policy(node, reports) {
        restart.policy = found;
    }
}

/// A span of time: `500ms`, `5s`.
pub(super) fn read_milliseconds(node: &Node, reports: &mut Reports) -> Option<u32> {
    let text = node.expect_text("a time, such as `500ms` or `5s`", reports)?;
    let number = match text.strip_suffix("ms") {
        Some(digits) => digits.parse::<u32>().ok(),
        None => text
            .strip_suffix('s')
            .and_then(|digits| digits.parse::<u32>().ok()?.checked_mul(1000)),
    };
    match number {
        Some(number @ 10..=3_600_000) => Some(number),
        _ => {
            reports.push(Report::new(
                &node.place,
                format!("`{text}` is no time for a heartbeat"),
                "such as `500ms` or `5s`, at most an hour",
            ));
            None
        }
    }
}
