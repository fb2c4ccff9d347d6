//! The shell and its commands, from outside: `./ftl run SYSTEM --exec COMMANDS`.

use e2e::commands;

/// What a run printed, and its status.
struct Run {
    output: String,
    errors: String,
    status: i32,
}

fn exec(script: &str) -> Run {
    let done = commands::exec("default", script).run();
    Run {
        output: done.text(),
        errors: done.stderr.clone(),
        status: done.code,
    }
}

#[track_caller]
fn check(commands: &str, output: &str, status: i32) {
    let run = exec(commands);
    assert_eq!(
        (run.output.as_str(), run.status),
        (output, status),
        "{commands}\n{}",
        run.errors
    );
}

#[test]
fn scripts_run_and_their_status_is_ours() {
    let script = "\
echo hello
seq 3 | sort -r
for i in a b; do echo $i; done | wc -l
x=$(seq 5 | tail -n 1); echo x=$x
{ echo one; echo two; } | grep -n two
echo kept > f; cat < f
sleep 0.01 && echo slept
echo 'a b' | xargs -n 1 echo
A=5 env | grep A=
exit 5
";
    check(
        script,
        "hello\n3\n2\n1\n2\nx=5\n2:two\nkept\nslept\na\nb\nA=5\n",
        5,
    );
}

#[test]
fn a_reader_that_goes_away_ends_the_writer() {
    check(
        "seq 100000000 | head -n 2; while true; do echo y; done | head -n 1; echo end",
        "1\n2\ny\nend\n",
        0,
    );
}

#[test]
fn mistakes_are_told_on_standard_error() {
    let run = exec("ecoh; true");
    assert!(
        run.errors
            .contains("there is no command `ecoh`; did you mean `echo`?"),
        "{}",
        run.errors
    );
    assert_eq!((run.output.as_str(), run.status), ("", 0));
    let run = exec("if true; then echo x");
    assert!(
        run.errors
            .contains("nothing closes this `if`\n  if true; then echo x\n  ^^"),
        "{}",
        run.errors
    );
    assert_eq!(run.status, 2);
}

#[test]
fn the_system_shows_itself() {
    let run = exec(
        "ps; why init; why tcpip; log | head -n 2 | wc -l; uptime; sleep 100 & ps | grep -c sleep; graph",
    );
    for expected in [
        "COMPONENT",
        "virtio_console",
        "idle",
        "\n2\nup ",
        "\n1\n",
        "─ net ─▶ virtio_net  ",
        "/s there, ",
        "(command)\n",
    ] {
        assert!(run.output.contains(expected), "{expected}: {}", run.output);
    }
}

#[test]
fn many_jobs_run_and_end() {
    // Beside the network's buffers there is room for eight in the memory of the default machine.
    let count = if e2e::long() { 1000 } else { 6 };
    let script =
        format!("i=0; while [ $i -lt {count} ]; do sleep 1 & i=$((i + 1)); done; wait; echo all");
    let run = exec(&script);
    // More than fit into the memory are refused with a reason; the rest run, and the shell goes on.
    assert!(
        run.output.ends_with("all\n"),
        "{}\n{}",
        run.output,
        run.errors
    );
    if !e2e::long() {
        assert!(
            !run.errors.contains("could not be started"),
            "{}",
            run.errors
        );
    }
}

#[test]
fn every_command_explains_itself() {
    let names = "cat changes echo env grep head hexdump seq sleep sort tail time uniq wc xargs crash curl dns ip nc dmesg graph help kill log \
                 memory poweroff ps reboot restart top uptime why shell";
    let run = exec(&format!("for c in {names}; do $c --help | head -n 1; done"));
    let lines: Vec<&str> = run.output.lines().collect();
    // Some say `name text`; `echo` is part of the shell here and prints its arguments.
    assert_eq!(
        lines.len(),
        names.split_whitespace().count(),
        "{}\n{}",
        run.output,
        run.errors
    );
}

/// What the kernel writes down names components, calls and messages; and it ends when it is to.
#[test]
fn the_kernel_writes_down_what_it_does() {
    let run = exec(
        "\
trace show && echo unexpected
trace start -m 64; uptime > up; trace stop; trace show -n 400 > all
grep -c 'uptime .* runs' < all > runs; test $(cat < runs) -gt 0 && echo uptime ran
grep -q 'uptime .* sends request 1 of 0 bytes to init' < all && grep -q 'init .* from uptime' < all && echo asked init
grep -q 'uptime .* ends with status 0' < all && echo ended
trace show -n 3 uptime | wc -l
trace dump | wc -c > one; uptime > up; trace dump | wc -c > two
test $(cat < one) = $(cat < two) && echo nothing more was written
trace start -m 9999 || trace now || echo refused
",
    );
    let expected = "uptime ran\nasked init\nended\n3\nnothing more was written\nrefused\n";
    assert_eq!(run.output, expected, "{}", run.errors);
}
