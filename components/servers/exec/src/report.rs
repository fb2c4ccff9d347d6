//! Crashes in JSON, for programs that watch the machine: nobody has to read them out of the log (rule 27).

use alloc::string::String;
use core::fmt::Write;

use crate::spec::system::CrashReply;

/// Writes a crash as one JSON object.
pub fn write(out: &mut String, crash: &CrashReply<'_>) {
    let _ = write!(
        out,
        "{{\"kind\":\"crash\",\"number\":{},\"component\":",
        crash.number
    );
    text(out, crash.name);
    let _ = write!(
        out,
        ",\"time_ns\":{},\"status\":{},\"message\":",
        crash.time_ns, crash.status
    );
    text(out, crash.message);
    out.push_str(",\"frames\":[");
    for (i, frame) in crash.frames.iter().enumerate() {
        let (comma, place) = (if i > 0 { "," } else { "" }, frame.place);
        let _ = match frame.in_image {
            true => write!(out, "{comma}{{\"offset\":{place}}}"),
            false => write!(out, "{comma}{{\"address\":\"{place:#x}\"}}"),
        };
    }
    out.push_str("],\"registers\":{");
    for (i, register) in crash.registers.iter().enumerate() {
        out.push_str(if i > 0 { "," } else { "" });
        text(out, register.name);
        // Not a number: there are programs whose numbers have 53 bits.
        let _ = write!(out, ":\"{:#018x}\"", register.value);
    }
    out.push_str("}}");
}

/// Writes a text in quotes. RFC 8259, section 7.
fn text(out: &mut String, text: &str) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c < ' ' => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::spec::system::{CrashFrame, CrashRegister};

    #[test]
    fn a_crash_is_one_object() {
        let frame = |place, in_image| CrashFrame { place, in_image };
        let frames = [frame(16, true), frame(0xffff_0000, false)];
        let registers = [CrashRegister {
            name: "pc",
            value: 255,
        }];
        let crash = CrashReply {
            number: 1,
            name: "one",
            time_ns: 2,
            status: 139,
            message: "it \"reads\"",
            frames: frames.as_slice().into(),
            registers: registers.as_slice().into(),
        };
        let mut out = String::new();
        write(&mut out, &crash);
        let expected = r#"{"kind":"crash","number":1,"component":"one","time_ns":2,"status":139,"message":"it \"reads\"","frames":[{"offset":16},{"address":"0xffff0000"}],"registers":{"pc":"0x00000000000000ff"}}"#;
        assert_eq!(out, expected);
    }

    #[test]
    fn texts_are_quoted() {
        let mut out = String::new();
        text(&mut out, "a \"b\" \\ \n\u{1} ü");
        assert_eq!(out, "\"a \\\"b\\\" \\\\ \\n\\u0001 ü\"");
    }
}
