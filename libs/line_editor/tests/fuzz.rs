//! Any bytes are taken, and the screen is what the editor says it is.

mod common;

use common::{Session, Words};
use line_editor::{Editor, Helper};
use proptest::prelude::*;

fn keys() -> impl Strategy<Value = Vec<u8>> {
    let key = prop_oneof![
        6 => "[a-z \\\\]".prop_map(String::into_bytes),
        2 => prop::sample::select(vec!["ä", "日", "e\u{301}", "😀", "\u{200d}", "\u{301}"]).prop_map(|text| text.as_bytes().to_vec()),
        6 => prop::sample::select(vec![
            "\x01", "\x02", "\x05", "\x06", "\x0b", "\x15", "\x17", "\x19", "\x14", "\x7f", "\x04", "\t", "\x12", "\x07", "\r",
            "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D", "\x1b[1;5C", "\x1b[1;5D", "\x1bb", "\x1bd", "\x1b[3~", "\x1b[200~", "\x1b[201~", "\x0c",
        ]).prop_map(|text| text.as_bytes().to_vec()),
        1 => prop::collection::vec(any::<u8>(), 1..4),
    ];
    prop::collection::vec(key, 0..60).prop_map(|keys| keys.concat())
}

proptest! {
    #![proptest_config(trials::cases(600))]

    /// After any keys, what stands on the screen is what a fresh screen shows of the same line.
    #[test]
    fn the_screen_is_what_the_editor_says(keys in keys(), columns in 8..30u16) {
        // What a joiner joins, emulator and editor see differently, and the cursor with it, even
        // if it is deleted again later.
        prop_assume!(!keys.windows(3).any(|bytes| bytes == "\u{200d}".as_bytes()));
        let mut session = Session::new(columns, 50);
        session.type_bytes(&keys);
        // Out of a search or a paste, without changing the line.
        session.type_bytes(b"\x1b[201~\x05");
        let text = session.editor.text().to_string();
        // A character that the emulator drops or joins in its own way says nothing about us.
        prop_assume!(!text.contains(['\u{200d}', '\u{fffd}']) && !text.chars().any(char::is_control));
        prop_assume!(!text.starts_with('\u{301}'));
        let rows = session.rows();
        let mut fresh = Session::new(columns, 50);
        fresh.type_bytes(b"\x1b[200~");
        fresh.type_bytes(text.as_bytes());
        let expected = fresh.rows();
        let shown = &rows[rows.len() - expected.len().min(rows.len())..];
        prop_assert_eq!(shown, &expected[..], "{:?}", text);
    }

    #[test]
    fn how_the_input_is_cut_does_not_matter(keys in keys(), cut in 0..200usize) {
        let mut whole = Session::new(20, 10);
        whole.type_bytes(&keys);
        let mut pieces = Session::new(20, 10);
        let cut = cut.min(keys.len());
        pieces.type_bytes(&keys[..cut]);
        pieces.type_bytes(&keys[cut..]);
        prop_assert_eq!(whole.editor.text(), pieces.editor.text());
        prop_assert_eq!(whole.editor.cursor(), pieces.editor.cursor());
        prop_assert_eq!(&whole.outcomes, &pieces.outcomes);
    }

    #[test]
    fn random_bytes_do_no_harm(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let mut session = Session::new(20, 5);
        session.type_bytes(&bytes);
        prop_assert!(session.editor.text().len() <= line_editor::LINE_LEN_MAX);
        prop_assert!(session.editor.text().is_char_boundary(session.editor.cursor()));
    }
}

#[test]
fn a_megabyte_without_an_end_of_line_stays_bounded() {
    let mut editor = Editor::new();
    editor.begin("> ", &Words);
    let mut helper = Words;
    for _ in 0..1024 {
        editor.feed(&[b'x'; 1024], &mut helper);
        editor.take_output();
    }
    assert_eq!(editor.text().len(), line_editor::LINE_LEN_MAX);
    assert!(helper.complete("", 0).candidates.len() > 1);
}
