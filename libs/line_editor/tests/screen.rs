//! What is seen on a terminal, compared with a terminal emulator's screen.

mod common;

use common::Session;
use line_editor::Outcome;

#[track_caller]
fn check(session: &Session, rows: &[&str], cursor: (u16, u16)) {
    assert_eq!(session.rows(), rows);
    assert_eq!(session.cursor(), cursor);
}

#[test]
fn what_is_typed_is_seen() {
    let mut session = Session::new(40, 10);
    session.type_text("echo hello");
    check(&session, &["ftl> echo hello"], (0, 15));
    session.type_text("\x1b[D\x1b[D");
    check(&session, &["ftl> echo hello"], (0, 13));
    session.type_text("XY");
    check(&session, &["ftl> echo helXYlo"], (0, 15));
    session.type_text("\x7f\x7f");
    check(&session, &["ftl> echo hello"], (0, 13));
    session.type_text("\x01"); // Ctrl-A
    check(&session, &["ftl> echo hello"], (0, 5));
    session.type_text("\x05\r"); // Ctrl-E
    check(&session, &["ftl> echo hello", "ftl>"], (1, 5));
    assert_eq!(session.outcomes, [Outcome::Line("echo hello".into())]);
}

#[test]
fn typing_at_the_end_draws_only_that_character() {
    let mut session = Session::new(40, 10);
    session.type_text("echo h");
    session.drawn = 0;
    session.type_text("e");
    assert!(session.drawn <= 1, "{} bytes", session.drawn);
}

#[test]
fn cutting_and_putting_back() {
    let mut session = Session::new(40, 10);
    session.type_text("one two three\x17"); // Ctrl-W
    check(&session, &["ftl> one two"], (0, 13));
    session.type_text("\x17\x19"); // gathers: two cuts come back as one
    check(&session, &["ftl> one two three"], (0, 18));
    session.type_text("\x01\x1bf\x0b"); // Ctrl-A, Alt-F, Ctrl-K
    check(&session, &["ftl> one"], (0, 8));
    session.type_text("\x05\x15\x19\x19"); // Ctrl-E, Ctrl-U, twice Ctrl-Y
    check(&session, &["ftl> oneone"], (0, 11));
    session.type_text("\x1b\x7f"); // Alt-Backspace
    check(&session, &["ftl>"], (0, 5));
    session.type_text("ab\x14"); // Ctrl-T
    check(&session, &["ftl> ba"], (0, 7));
}

#[test]
fn long_lines_take_several_rows() {
    let mut session = Session::new(20, 10);
    session.type_text("0123456789abcdefghijklmnopqrstuvw");
    check(
        &session,
        &["ftl> 0123456789abcde", "fghijklmnopqrstuvw"],
        (1, 18),
    );
    session.type_text("xy");
    check(
        &session,
        &["ftl> 0123456789abcde", "fghijklmnopqrstuvwxy"],
        (2, 0),
    );
    session.type_text("z\x01");
    check(
        &session,
        &["ftl> 0123456789abcde", "fghijklmnopqrstuvwxy", "z"],
        (0, 5),
    );
    session.type_text("+");
    check(
        &session,
        &["ftl> +0123456789abcd", "efghijklmnopqrstuvwx", "yz"],
        (0, 6),
    );
    session.type_text("\x05\x7f\x7f\x7f");
    check(
        &session,
        &["ftl> +0123456789abcd", "efghijklmnopqrstuvw"],
        (1, 19),
    );
    session.type_text("\x15");
    check(&session, &["ftl>"], (0, 5));
}

#[test]
fn a_line_that_shrinks_to_a_full_row_leaves_nothing_below() {
    let mut session = Session::new(16, 10);
    session.type_text("0123456789abcdef\x01");
    check(&session, &["ftl> 0123456789a", "bcdef"], (0, 5));
    session.type_text("\x1b[3~\x1b[3~\x1b[3~\x1b[3~\x1b[3~");
    check(&session, &["ftl> 56789abcdef"], (0, 5));
}

#[test]
fn a_line_higher_than_the_screen_shows_the_part_around_the_cursor() {
    let mut session = Session::new(10, 3);
    session.type_text(&"abcdefghij".repeat(5));
    assert_eq!(session.cursor(), (2, 5));
    assert_eq!(session.rows()[2], "fghij");
    session.type_text("\x01");
    assert_eq!(session.rows()[0], "ftl> abcde");
    assert_eq!(session.cursor(), (0, 5));
    session.type_text("\x15\x05\x15");
    check(&session, &["ftl>"], (0, 5));
}

#[test]
fn wide_characters_and_marks() {
    let mut session = Session::new(20, 10);
    session.type_text("日本語");
    check(&session, &["ftl> 日本語"], (0, 11));
    session.type_text("\x1b[D");
    assert_eq!(session.cursor(), (0, 9));
    session.type_text("x");
    check(&session, &["ftl> 日本x語"], (0, 10));
    // A wide character does not fit into the last column.
    session.type_text("\x15\x0b0123456789abcd日x");
    check(&session, &["ftl> 0123456789abcd", "日x"], (1, 3));
    // An accent goes with its letter.
    session.type_text("\x15e\u{301}x");
    check(&session, &["ftl> e\u{301}x"], (0, 7));
    session.type_text("\x1b[D\x1b[D");
    assert_eq!(session.cursor(), (0, 5));
    session.type_text("\x1b[C\x7f");
    check(&session, &["ftl> x"], (0, 5));
}

#[test]
fn characters_may_come_in_pieces() {
    let mut session = Session::new(20, 10);
    for byte in "ä日\x1b[Dx".as_bytes() {
        session.type_bytes(&[*byte]);
    }
    check(&session, &["ftl> äx日"], (0, 7));
}

#[test]
fn history_comes_back() {
    let mut session = Session::new(40, 10);
    session.type_text("echo one\recho two\rtyped");
    session.type_text("\x1b[A");
    assert_eq!(session.editor.text(), "echo two");
    session.type_text("\x1b[A");
    assert_eq!(session.editor.text(), "echo one");
    session.type_text("\x1b[A"); // a beep
    assert_eq!(session.editor.text(), "echo one");
    session.type_text("\x1b[B\x1b[B");
    assert_eq!(session.editor.text(), "typed");
    check(
        &session,
        &["ftl> echo one", "ftl> echo two", "ftl> typed"],
        (2, 10),
    );
}

#[test]
fn searching_the_history() {
    let mut session = Session::new(40, 10);
    session.type_text("grep fox\recho box\rlog\r\x12ox");
    assert_eq!(session.rows()[3], "search `ox`: echo box");
    assert_eq!(session.cursor(), (3, 19));
    session.type_text("\x12");
    assert_eq!(session.rows()[3], "search `ox`: grep fox");
    session.type_text("\x07"); // Ctrl-G gives up
    assert_eq!(session.rows()[3], "ftl>");
    session.type_text("\x12fox\r");
    assert_eq!(
        session.outcomes.last(),
        Some(&Outcome::Line("grep fox".into()))
    );
    assert_eq!(session.rows()[3], "ftl> grep fox");
}

#[test]
fn completion() {
    let mut session = Session::new(40, 12);
    session.type_text("gr\t");
    check(&session, &["ftl> grep "].map(str::trim_end), (0, 10));
    session.type_text("\x15ex\t");
    assert_eq!(session.editor.text(), "ex");
    session.type_text("\t"); // the second shows them
    check(&session, &["ftl> ex", "exit    export", "ftl> ex"], (2, 7));
    session.type_text("p\t");
    assert_eq!(session.editor.text(), "export ");
    session.type_text("he\tl\t");
    assert_eq!(session.editor.text(), "export help ");
    session.type_text("\x15zz\t");
    assert_eq!(session.editor.text(), "zz");
}

#[test]
fn control_c_and_control_d() {
    let mut session = Session::new(40, 10);
    session.type_text("echo\x1b[D\x1b[D\x03");
    check(&session, &["ftl> echo^C", "ftl>"], (1, 5));
    session.type_text("ab\x01\x04\x04\x04");
    assert_eq!(session.outcomes, [Outcome::Interrupted, Outcome::End]);
}

#[test]
fn control_l_empties_the_screen() {
    let mut session = Session::new(40, 10);
    session.type_text("one\rtwo\rab\x0c");
    check(&session, &["ftl> ab"], (0, 7));
}

#[test]
fn pasted_lines_wait_for_enter() {
    let mut session = Session::new(40, 10);
    session.type_text("\x1b[200~echo a\recho b\x1b[201~");
    check(&session, &["ftl> echo a", "echo b"], (1, 6));
    assert!(session.outcomes.is_empty());
    session.type_text("\x1b[A");
    assert_eq!(session.cursor(), (0, 11));
    session.type_text("\r");
    assert_eq!(session.outcomes, [Outcome::Line("echo a\necho b".into())]);
    check(&session, &["ftl> echo a", "echo b", "ftl>"], (2, 5));
}

#[test]
fn an_incomplete_line_gets_another_row() {
    let mut session = Session::new(40, 10);
    session.type_text("one\\\rtwo\r");
    assert_eq!(session.outcomes, [Outcome::Line("one\\\ntwo".into())]);
    check(&session, &["ftl> one\\", "two", "ftl>"], (2, 5));
}

#[test]
fn the_line_can_be_taken_away_and_shown_again() {
    let mut session = Session::new(20, 10);
    session.type_text("0123456789abcdefghijklmno");
    session.editor.hide();
    let output = session.editor.take_output();
    session.screen.process(&output);
    session.screen.process(b"[1] done: sleep 1\r\n");
    session.editor.show(&common::Words);
    let output = session.editor.take_output();
    session.screen.process(&output);
    check(
        &session,
        &["[1] done: sleep 1", "ftl> 0123456789abcde", "fghijklmno"],
        (2, 10),
    );
}

#[test]
fn without_escapes_only_text_and_backspaces_are_sent() {
    let mut editor = line_editor::Editor::new();
    editor.begin("> ", &common::Words);
    let mut helper = common::Words;
    editor.feed(b"echo abc\x01x\x05\x7f\x15log", &mut helper);
    editor.feed(b"\r", &mut helper);
    let output = editor.take_output();
    assert!(
        !output.contains(&0x1b),
        "{}",
        String::from_utf8_lossy(&output)
    );
    let mut screen = vt100::Parser::new(5, 80, 0);
    screen.process(&output);
    assert_eq!(screen.screen().contents().trim_end(), "> log");
}

/// A terminal that answers Ctrl-C itself throws away what has not been read, which may be the end of a key.
#[test]
fn ctrl_c_ends_a_key_that_has_begun() {
    for begun in [
        "\x1b",
        "\x1b[",
        "\x1b[20",
        "\x1b[200~pasted",
        "x\x1b[200~",
        "\x12fo",
    ] {
        let mut editor = line_editor::Editor::new();
        let mut helper = common::Words;
        editor.begin("> ", &helper);
        editor.feed(begun.as_bytes(), &mut helper);
        editor.interrupt(&helper);
        editor.begin("> ", &helper);
        let (_, outcome) = editor.feed(b"echo there\r", &mut helper);
        assert_eq!(
            outcome,
            Some(Outcome::Line("echo there".into())),
            "{begun:?}"
        );
    }
}
