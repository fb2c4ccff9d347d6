//! What scripts do, on the fake machine. The expectations are those of `dash` unless a line says otherwise.

mod fake;

use fake::Fake;

#[track_caller]
fn check(script: &str, output: &str) {
    let (found, errors, _) = Fake::run(script);
    assert_eq!((found.as_str(), errors.as_str()), (output, ""), "{script}");
}

#[track_caller]
fn check_status(script: &str, status: u8) {
    let (output, errors, found) = Fake::run(script);
    assert_eq!(found, status, "{script}\n{output}{errors}");
}

#[track_caller]
fn check_error(script: &str, error: &str, status: u8) {
    let (_, errors, found) = Fake::run(script);
    assert_eq!((errors.as_str(), found), (error, status), "{script}");
}

#[test]
fn commands_run_one_after_the_other() {
    check("say a; say b\nsay c # d", "a\nb\nc\n");
    check("", "");
    check("# nothing\n\n  \n", "");
    check("say a \\\n b", "a b\n");
}

#[test]
fn the_status_is_the_last_command_s() {
    check_status("status 3", 3);
    check_status("status 3; true", 0);
    check_status("true | status 4", 4);
    check_status("status 4 | true", 0);
    check_status("! true", 1);
    check_status("! status 7", 0);
    check_status("exit 9; true", 9);
    check("status 5; echo $?; echo $?", "5\n0\n");
    check_status("(exit 6)", 6);
    check_status("x=$(status 8)", 8);
    check_status("x=1", 0);
}

#[test]
fn connectors_look_at_the_status() {
    check("true && echo a || echo b", "a\n");
    check("false && echo a || echo b", "b\n");
    check("false || false || echo c", "c\n");
    check("true || echo a && echo b", "b\n");
    check("false &&\n echo a\n echo b", "b\n");
}

#[test]
fn quotes_keep_text_together() {
    check("echo 'a  b' \"c  d\" e\\ \\ f", "a  b c  d e  f\n");
    check("echo \"a\\\"b\\$c\\d\"", "a\"b$c\\d\n");
    check("echo 'a\nb'", "a\nb\n");
    check("echo a'b'\"c\"", "abc\n");
    check("echo '' x", " x\n");
    check("echo $'a\\tb\\x41'", "a\tbA\n");
    check("echo \"'\" '\"'", "' \"\n");
}

#[test]
fn variables_are_expanded_and_split() {
    check("x='a  b'; echo $x \"$x\"", "a b a  b\n");
    check("x=1 y=2; echo $x$y ${x}y", "12 1y\n");
    check("x=$nothing; echo \"[$x]\" $x end", "[] end\n");
    check("x='a b'; y=$x; echo \"$y\"", "a b\n");
    check("echo $", "$\n");
    check(
        "export x=5; environment x; y=6 environment y; environment y",
        "5\n6\n(none)\n",
    );
    check("x=ab; echo ${#x} ${#nothing}", "2 0\n");
    check("x=äö; echo ${#x}", "2\n");
}

#[test]
fn operators_in_braces_do_what_posix_says() {
    check("echo ${x-a} ${x:-b c} \"${x:-d  e}\"", "a b c d  e\n");
    check("x=; echo [${x-a}] [${x:-a}]", "[] [a]\n");
    check("echo ${x:=5}; echo $x", "5\n5\n");
    check("x=1; echo ${x:+yes} ${y:+no}", "yes\n");
    check(
        "x=a.b.c; echo ${x#*.} ${x##*.} ${x%.*} ${x%%.*}",
        "b.c c a.b a\n",
    );
    check("x='a*b'; echo ${x%\"*b\"}", "a\n");
    check("echo ${x:-${y:-$(echo deep)}}", "deep\n");
    check_error("echo ${x:?is needed}; echo b", "shell: x: is needed\n", 1);
}

#[test]
fn arguments_keep_their_borders() {
    check(
        "set -- a 'b c' d; echo $# $2; for x in \"$@\"; do echo \"[$x]\"; done",
        "3 b c\n[a]\n[b c]\n[d]\n",
    );
    check(
        "set -- 'a b' c; for x in $@; do echo \"[$x]\"; done",
        "[a]\n[b]\n[c]\n",
    );
    check(
        "set -- 'a b' c; for x in \"$*\"; do echo \"[$x]\"; done",
        "[a b c]\n",
    );
    check("set -- a b c; shift; echo $1; shift 2; echo $#", "b\n0\n");
    check("set --; for x in \"$@\"; do echo never; done", "");
    check("set -- x y; for a; do echo $a; done", "x\ny\n");
}

#[test]
fn substitution_takes_what_is_printed() {
    check("echo $(say a; say b)", "a b\n");
    check("echo \"$(say a; say b)\"", "a\nb\n");
    check("x=$(echo 'a  b'); echo \"$x\"", "a  b\n");
    check("echo $(echo $(echo deep))", "deep\n");
    check("echo \"$(echo \"a\"b)\"", "ab\n");
    check("x=1; y=$(x=2; echo $x); echo $x $y", "1 2\n");
    check("echo $(for i in 1 2 3; do echo $i; done | cat)", "1 2 3\n");
}

#[test]
fn calculations() {
    check("x=4; echo $((x * 2 + 1)) $(( (1 + 2) * 3 ))", "9 9\n");
    check(
        "i=0; while [ $i -lt 3 ]; do i=$((i + 1)); echo $i; done",
        "1\n2\n3\n",
    );
    check_error(
        "echo $((1 / 0)); echo b",
        "shell: division by zero in `1 / 0`\n",
        1,
    );
}

#[test]
fn pipes_carry_bytes() {
    check("say hello | cat | cat", "hello\n");
    check("for i in 1 2 3; do echo $i; done | cat", "1\n2\n3\n");
    check("say a b | while read x y; do echo $y $x; done", "b a\n");
    check("{ say a; say b; } | cat", "a\nb\n");
    check("say one | (cat; say two)", "one\ntwo\n");
    check("x=1; true | x=2; echo $x", "1\n");
}

#[test]
fn a_reader_that_goes_away_ends_the_writer() {
    check("count | first", "1\n");
    check("while true; do echo y; done | first", "y\n");
    check("count | cat | first; echo $?", "1\n0\n");
}

#[test]
fn a_pipeline_whose_middle_crashes_ends() {
    let (output, errors, status) = Fake::run("count | sick | cat; echo after $?");
    assert_eq!(output, "after 0\n");
    assert_eq!(errors, "shell: sick crashed: it is sick\n");
    assert_eq!(status, 0);
    check_status("crash", 139);
}

#[test]
fn redirections() {
    check("echo a > f; echo b >> f; cat < f", "a\nb\n");
    check("echo a > f; echo b > f; cat < f", "b\n");
    check("{ echo a; echo b; } > f; cat < f", "a\nb\n");
    check(
        "for i in 1 2; do echo $i; done > f; cat < f; echo c",
        "1\n2\nc\n",
    );
    check("f() { echo x; }; f > g; cat < g", "x\n");
    check(
        "nothing_like_it 2> f; cat < f",
        "shell: there is no command `nothing_like_it`; `help` lists what there is\n",
    );
    check(
        "nothing_like_it &> f; cat < f",
        "shell: there is no command `nothing_like_it`; `help` lists what there is\n",
    );
    check(
        "{ nothing_like_it; } > f 2>&1; cat < f",
        "shell: there is no command `nothing_like_it`; `help` lists what there is\n",
    );
    check("while read x; do echo \"<$x>\"; done <<< 'a b'", "<a b>\n");
    check("cat <<< \"$((1 + 1))\"", "2\n");
    check("> f; cat < f", "");
    check("while true; do break; done > f; echo here", "here\n");
    let message = "shell: nothing: there is no such file\n";
    // The command does not run, and has failed; the script goes on.
    check_error("cat < nothing; echo $?", message, 0);
    check_error("echo a > f < nothing", message, 1);
    check_error("{ echo a; echo b; } < nothing; exit 5", message, 1);
}

#[test]
fn paths_begin_at_the_current_directory() {
    let files = "echo 1 > /a/b/one; echo 2 > /a/two; cd /a; ";
    for (script, output) in [
        ("cat < two; cat < b/one", "2\n1\n"),
        (
            "echo *; echo b/*; cd b; echo *; pwd",
            "b two\nb/one\none\n/a/b\n",
        ),
        ("cd b; cd ..; pwd; cd -; cd; pwd", "/a\n/a/b\n/\n"),
        ("(cd b; pwd); pwd", "/a/b\n/a\n"),
        ("cd b/../..; pwd; echo $OLDPWD", "/\n/a\n"),
    ] {
        check(&format!("{files}{script}"), output);
    }
    check_error(
        "cd /none; pwd",
        "shell: cd: /none: there is no such directory\nshell: pwd: there are no files here\n",
        1,
    );
}

#[test]
fn here_documents() {
    check(
        "x=1\ncat <<END\na $x\n  'b' \"c\"\nEND\necho d",
        "a 1\n  'b' \"c\"\nd\n",
    );
    check("cat <<'END'\na $x\nEND\n", "a $x\n");
    check("cat <<-END\n\ta\n\tEND\n", "a\n");
    check("cat <<A | cat; cat <<B\na\nA\nb\nB\n", "a\nb\n");
    check("f() { cat <<END\n$1\nEND\n}\nf x; f y", "x\ny\n");
}

#[test]
fn conditions_and_loops() {
    check("if true; then echo a; else echo b; fi", "a\n");
    check("if false; then echo a; elif true; then echo b; fi", "b\n");
    check_status("if false; then true; fi", 0);
    check("until [ x$a = xaa ]; do a=a$a; echo $a; done", "a\naa\n");
    check(
        "for i in 1 2 3 4; do if [ $i = 2 ]; then continue; fi; if [ $i = 4 ]; then break; fi; echo $i; done",
        "1\n3\n",
    );
    check(
        "for i in 1 2; do for j in 1 2; do echo $i$j; continue 2; done; done",
        "11\n21\n",
    );
    check(
        "for i in 1 2; do while true; do break 2; done; done; echo $i",
        "1\n",
    );
    check("for i in; do echo never; done", "");
    check_status("for i in 1; do false; done", 1);
    check_status("while false; do true; done", 0);
}

#[test]
fn case_compares_patterns() {
    check(
        "case abc in x) echo x;; a*) echo a;; *) echo other;; esac",
        "a\n",
    );
    check("case q in x|q) echo yes; esac", "yes\n");
    check(
        "case '*' in \"*\") echo star;; esac; case a in \"*\") echo wrong;; esac",
        "star\n",
    );
    check("case x in (x) echo paren;; esac", "paren\n");
    check(
        "case x in\n  a)\n    echo a\n    ;;\n  x)\n    echo x\n    ;;\nesac",
        "x\n",
    );
    check_status("case x in y) false;; esac", 0);
}

#[test]
fn functions() {
    check("f() { echo $1 $#; }; f a b; f", "a 2\n0\n");
    check("f() { return 3; echo never; }; f; echo $?", "3\n");
    check("f() { local x=2; echo $x; }; x=1; f; echo $x", "2\n1\n");
    check("f() { x=2; }; x=1; f; echo $x", "2\n");
    check(
        "f() { if [ $1 -gt 0 ]; then echo $1; f $(($1 - 1)); fi; }; f 3",
        "3\n2\n1\n",
    );
    check("f() { cat; }; say a | f", "a\n");
    check("f() (x=2; echo $x); x=1; f; echo $x", "2\n1\n");
    check("set -- a; f() { echo $1; }; f b; echo $1", "b\na\n");
    check("x=1; f() { echo $x; }; x=2 f; echo $x", "2\n1\n");
    check(
        "for i in 1 2; do f() { return; }; f; echo $i; done",
        "1\n2\n",
    );
}

#[test]
fn a_function_that_calls_itself_for_ever_is_ended() {
    check_error(
        "f() { f; }; f; echo b",
        "shell: more than 500 functions in each other\n",
        1,
    );
    let (_, errors, _) = Fake::run("f() { (f); }; f");
    assert_eq!(errors, "shell: more than 50 subshells in each other\n");
    let (_, errors, _) = Fake::run("x=aaaaaaaaaaaaaaaa; while true; do x=$x$x; done");
    assert_eq!(errors, "shell: a word became longer than 262144 bytes\n");
}

#[test]
fn names_of_files() {
    let mut fake = Fake::default();
    let script = "for f in b.rs a.rs c.txt d/x.rs d/y.rs .hidden; do > $f; done; echo *.rs; echo d/*; echo *; echo '*' \\* x*; \
                  echo */x.rs; y='*.txt'; echo $y \"$y\"; z=*.rs; echo \"$z\"; echo [a-b].*";
    let (output, errors, _) = fake.run_in(script);
    assert_eq!(errors, "");
    assert_eq!(
        output,
        "a.rs b.rs\nd/x.rs d/y.rs\na.rs b.rs c.txt d\n* * x*\nd/x.rs\nc.txt *.txt\n*.rs\na.rs b.rs\n"
    );
}

#[test]
fn jobs_run_beside() {
    check("slow 3 & echo first; wait; echo last", "first\nlast\n");
    check("status 3 & wait %1; echo $?", "3\n");
    check("slow 2 & wait $!; echo $?", "0\n");
    check("for_ever & kill %1; wait; echo done", "done\n");
    check(
        "for_ever | for_ever & jobs; kill %1; wait %1; echo $?",
        "[1] running      for_ever | for_ever\n137\n",
    );
    check_error("fg", "shell: fg: there is no job\n", 1);
    check_error(
        "wait %4",
        "shell: wait: there is no job %4; `jobs` lists them\n",
        127,
    );
    check("cat & wait; echo input is empty", "input is empty\n");
}

#[test]
fn a_thousand_jobs() {
    let mut fake = Fake::default();
    let script = "i=0; while [ $i -lt 1000 ]; do slow 2000 & i=$((i + 1)); done; wait; echo all";
    let (output, errors, status) = fake.run_in(script);
    assert_eq!((output.as_str(), errors.as_str(), status), ("all\n", "", 0));
    assert_eq!((fake.launched, fake.most, fake.alive()), (1000, 1000, 0));
}

#[test]
fn more_jobs_than_may_be_are_refused() {
    let (_, errors, status) = Fake::run("while true; do for_ever & done");
    assert_eq!(
        errors,
        "shell: more than 4096 jobs and parts of pipelines at once\n"
    );
    assert_eq!(status, 1);
}

#[test]
fn what_is_interrupted_leaves_nothing_behind() {
    let mut fake = Fake::default();
    let mut shell = fake.shell();
    shell
        .start("f() { local x=2; for_ever | cat > y; }; x=1; while true; do f; done > file")
        .unwrap();
    for _ in 0..20 {
        shell.run(&mut fake, 1000);
    }
    assert_eq!(fake.alive(), 2);
    shell.interrupt(&mut fake);
    assert!(!shell.is_running());
    assert_eq!((fake.alive(), shell.status()), (0, 130));
    shell.start("echo $? $x").unwrap();
    shell.run(&mut fake, 1000);
    assert_eq!(String::from_utf8_lossy(&fake.output.borrow()), "130 1\n");
}

#[test]
fn an_endless_loop_can_be_interrupted() {
    let mut fake = Fake::default();
    let mut shell = fake.shell();
    shell.start("while true; do :; done").unwrap();
    for _ in 0..100 {
        assert_eq!(shell.run(&mut fake, 100), shell_language::Progress::More);
    }
    shell.interrupt(&mut fake);
    assert_eq!(shell.run(&mut fake, 100), shell_language::Progress::Idle);
}

#[test]
fn options() {
    check_status("set -e; false; echo never", 1);
    check(
        "set -e; if false; then echo a; fi; false || echo b; ! true; echo c",
        "b\nc\n",
    );
    check(
        "set -e; f() { false; echo in; }; f || echo or; echo end",
        "in\nend\n",
    );
    check_error("set -u; echo $x; echo never", "shell: x is not set\n", 1);
    let (output, errors, _) = Fake::run("set -x; echo a; say b");
    assert_eq!(
        (output.as_str(), errors.as_str()),
        ("a\nb\n", "+ echo a\n+ say b\n")
    );
}

#[test]
fn source_runs_a_file_here() {
    let mut fake = Fake::default();
    let script =
        "echo 'x=5; echo $1; return 4; echo never' > s; source s arg; echo $? $x; . s; echo \"$1\"";
    let (output, errors, _) = fake.run_in(script);
    assert_eq!((output.as_str(), errors.as_str()), ("arg\n4 5\n\n\n", ""));
    check_error(
        "source nothing",
        "shell: nothing: there is no such file\n",
        1,
    );
    check_error(
        "echo 'echo a\nif b' > s; source s",
        "s:2: nothing closes this `if`\n  if b\n  ^^ `then` is missing\n",
        2,
    );
}

#[test]
fn read_takes_one_line() {
    check(
        "{ read a; read b; echo $b $a; } <<END\n1 2\n3\nEND\n",
        "3 1 2\n",
    );
    check("say 'a\\' | { read -r x; echo \"$x\"; }", "a\\\n");
    check_status("read x", 1);
    check("read; echo [$REPLY]", "[]\n");
}

#[test]
fn builtins_explain_themselves() {
    check(
        "type echo if say nothing",
        "echo is part of the shell\nif is a keyword\nsay is a command, a component that is started when it is called\nnothing is not known\n",
    );
    check("x='a b'; export x; export", "export x='a b'\n");
    check_error("exit x", "shell: exit: `x` is not a number\n", 2);
    check_error("[ a", "shell: [: `]` is missing at the end\n", 2);
    check_error("break", "shell: break and continue: only in a loop\n", 1);
    check_error("local x", "shell: local: only in a function\n", 1);
}

#[test]
fn what_cannot_run_is_told() {
    check_error(
        "sya hello",
        "shell: there is no command `sya`; did you mean `say`?\n",
        127,
    );
    check_error(
        "ecoh hello",
        "shell: there is no command `ecoh`; did you mean `echo`?\n",
        127,
    );
    check_error(
        "refuse",
        "shell: refuse could not be started: there is no memory\n",
        126,
    );
}

#[test]
fn each_builtin_says_what_it_does() {
    for (name, _) in shell_language::BUILTINS {
        if matches!(*name, "[" | ":" | "kill") {
            continue;
        }
        let (output, errors, status) = Fake::run(&format!("{name} --help"));
        assert_eq!((errors.as_str(), status), ("", 0), "{name}");
        assert!(output.starts_with(&format!("{name} ")), "{output}");
        assert!(output.contains(&format!("usage: {name}")), "{output}");
    }
    // Only where it stands alone.
    check("echo --help me", "--help me\n");
    check_status("test --help = --help", 0);
    check_status("[ --help ]", 0);
    check_status("false --help", 0);
    check_status("false --help me", 1);
}
