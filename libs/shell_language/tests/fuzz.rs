//! Any text is answered, and whatever can be parsed can be run without harm.

mod fake;

use fake::Fake;
use proptest::prelude::*;
use shell_language::{Progress, parse};

/// Pieces that the grammar is made of, so that random texts get deep into it.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => prop::sample::select(vec![
            "if", "then", "fi", "else", "while", "do", "done", "for x in", "case x in", "esac", "{", "}", "(", ")", ";;", "f()", "!",
        ]).prop_map(String::from),
        4 => prop::sample::select(vec![
            "say a", "cat", "count", "first", "echo", "true", "false", "status 3", "crash", "sick", "x=1", "x=$x$x", "read y", "f", "break",
            "continue", "return", "shift", "set -e", "set -- a b", "local z", "wait", "jobs", "kill %1", "source s", "unset f", "fg",
        ]).prop_map(String::from),
        3 => prop::sample::select(vec!["|", "&&", "||", ";", "&", "\n", " ", "> s", "< s", ">> s", "2>&1", "<<< q", "<<E", "\nE\n", "#"])
            .prop_map(String::from),
        3 => prop::sample::select(vec![
            "$x", "\"$@\"", "$(", "${x:-", "${x%", "$((", "))", "\"", "'", "\\", "*", "[a", "$?", "$'", "`", "${#x}", "$",
        ]).prop_map(String::from),
        1 => any::<String>(),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.join(" "))
}

proptest! {
    #![proptest_config(trials::cases(2000))]

    #[test]
    fn any_text_is_answered(text in text()) {
        match parse(&text) {
            Ok(_) => {}
            Err(error) => {
                prop_assert!(error.at <= text.len());
                prop_assert!(text.is_char_boundary(error.at));
                let shown = error.show(&text, "");
                prop_assert!(shown.contains('^'), "{shown}");
                prop_assert!(shown.ends_with('\n'));
            }
        }
    }

    #[test]
    fn random_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn what_can_be_parsed_can_be_run_and_interrupted(text in text(), steps in 1..300usize) {
        let mut fake = Fake::default();
        let mut shell = fake.shell();
        if shell.start(&text).is_ok() {
            for _ in 0..steps {
                if matches!(shell.run(&mut fake, 50), Progress::Idle | Progress::Exit(_)) {
                    break;
                }
            }
            shell.interrupt(&mut fake);
            prop_assert!(!shell.is_running());
            // It still works, and nobody is left behind.
            shell.kill_all(&mut fake);
            prop_assert_eq!(fake.alive(), 0);
        }
    }

    /// What is cut off anywhere is either complete, wrong, or said to be incomplete; and with the
    /// rest it means the same as before.
    #[test]
    fn a_line_that_is_begun_can_be_finished(text in text(), cut in 0..200usize) {
        if parse(&text).is_err() {
            return Ok(());
        }
        let mut cut = cut.min(text.len());
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        // A cut at a line's end: what the user sees as `> `.
        if let Err(error) = parse(&text[..cut])
            && text[cut..].starts_with('\n')
        {
            prop_assert!(error.incomplete, "{:?}: {error}", &text[..cut]);
        }
    }
}
