//! Errors point at the place and say what is expected.

use shell_language::parse;

#[track_caller]
fn check(text: &str, expected: &str) {
    let error = parse(text).expect_err(text);
    assert_eq!(error.show(text, ""), expected, "{text}");
}

#[track_caller]
fn check_incomplete(text: &str, expected: bool) {
    match parse(text) {
        Ok(_) => assert!(!expected, "{text} is complete"),
        Err(error) => assert_eq!(error.incomplete, expected, "{text}: {error}"),
    }
}

#[test]
fn errors_point_at_the_place() {
    check(
        "echo 'abc",
        "nothing closes this quote\n  echo 'abc\n       ^\n",
    );
    check(
        "echo \"a $(b",
        "nothing closes this `$(`\n  echo \"a $(b\n          ^^ `)` is missing\n",
    );
    check(
        "echo ${x",
        "nothing closes this `{`\n  echo ${x\n        ^\n",
    );
    check(
        "if true; then echo a",
        "nothing closes this `if`\n  if true; then echo a\n  ^^ `fi` is missing\n",
    );
    check(
        "while x; done",
        "`do` is expected here, for this `while`\n  while x; done\n           ^^^^\n",
    );
    check(
        "echo a; fi",
        "`fi` without `if`\n  echo a; fi\n          ^^\n",
    );
    check("a )", "nothing opened this `)`\n  a )\n    ^\n");
    check("a ;; b", "`;;` belongs to `case`\n  a ;; b\n    ^^\n");
    check("| a", "a command is expected here\n  | a\n  ^\n");
    check(
        "a | | b",
        "a command is expected here\n  a | | b\n      ^\n",
    );
    check(
        "a && ; b",
        "a command is expected here\n  a && ; b\n       ^\n",
    );
    check(
        "echo (a)",
        "this is not expected here\n  echo (a)\n       ^ a parenthesis that is meant as text needs quotes\n",
    );
    check(
        "echo `date`",
        "backquotes are not part of the language\n  echo `date`\n       ^ write $(…)\n",
    );
    check(
        "echo 5> x",
        "only 0, 1 and 2 can be redirected\n  echo 5> x\n       ^ 0 is the input, 1 the output, 2 is for errors\n",
    );
    check(
        "echo >",
        "the name of a file is expected here\n  echo >\n        ^\n",
    );
    check(
        "echo ${x!y}",
        "this is not expected in `${…}`\n  echo ${x!y}\n          ^ a name, then } or one of :- := :+ :? # ## % %%\n",
    );
    check(
        "echo ${1:=a}",
        "`1` cannot be set\n  echo ${1:=a}\n          ^\n",
    );
    check(
        "for 1 in a; do b; done",
        "`for` needs the name of a variable\n  for 1 in a; do b; done\n      ^\n",
    );
    check("{ }", "a command is expected here\n  { }\n    ^\n");
    check(
        "{ a; } b",
        "this is not expected after a command\n  { a; } b\n         ^ `;` or a new line separates commands\n",
    );
    check(
        "f() echo",
        "a function's body is expected here\n  f() echo\n      ^^^^ f() { …; }\n",
    );
    check(
        "a\nb 'ü' )",
        "nothing opened this `)`\n  b 'ü' )\n        ^\n",
    );
    check(
        "cat << END",
        "nothing closes this here-document\n  cat << END\n      ^^ its text and a line with only `END`\n",
    );
}

#[test]
fn a_script_s_errors_name_the_line() {
    let text = "echo a\necho )\n";
    let error = parse(text).unwrap_err();
    assert!(
        error
            .show(text, "x.sh")
            .starts_with("x.sh:2: nothing opened this `)`\n")
    );
}

#[test]
fn what_more_text_can_mend_is_incomplete() {
    for text in [
        "echo 'a",
        "echo \"a",
        "if a",
        "if a; then",
        "while a; do b",
        "for x in a b",
        "case x in",
        "case x in a)",
        "f() {",
        "a |",
        "a &&",
        "a ||",
        "$(a",
        "${a",
        "$((1",
        "{ a",
        "( a",
        "cat <<E\nx\n",
        "for",
        "!",
    ] {
        check_incomplete(text, true);
    }
    for text in [
        "a",
        "a )",
        "a ;; b",
        "if a; fi",
        "echo ${x!",
        "a | | b",
        "fi",
        "",
    ] {
        check_incomplete(text, false);
    }
}

#[test]
fn depth_is_bounded() {
    for open in [
        "$(",
        "( ",
        "{ ",
        "if ",
        "while ",
        "${x:-",
        "$((",
        "\"$(",
        "case x in x) ",
        "f() { ",
    ] {
        let text = open.repeat(10_000);
        assert!(parse(&text).is_err(), "{open}");
    }
    let deep = format!("{}a{}", "( ".repeat(49), " )".repeat(49));
    assert!(parse(&deep).is_ok());
}
