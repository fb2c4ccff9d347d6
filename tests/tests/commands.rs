//! Commands that are started on request, in and out of a machine: `--exec`.

use e2e::commands::exec;

/// Bytes without any pattern that a wrong order could hide in.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    (0..len)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            (state >> 32) as u8
        })
        .collect()
}

#[test]
fn standard_output_is_what_the_commands_print_and_nothing_else() {
    for isolation in ["kernel", "user"] {
        let done = exec("default", "echo hello; echo there")
            .isolation(isolation)
            .run()
            .ended_with(0);
        assert_eq!(done.text(), "hello\nthere\n", "{}", done.stderr);
        assert!(done.stderr.contains("components up"), "{}", done.stderr);
    }
}

#[test]
fn the_status_is_the_last_commands() {
    exec("default", "false; true").run().ended_with(0);
    exec("default", "true; false").run().ended_with(1);
    let done = exec("default", "echo before; frobnicate").run();
    let done = done.ended_with(127);
    assert_eq!(done.text(), "before\n");
    assert!(done.stderr.contains("frobnicate"), "{}", done.stderr);
}

/// The status is then the machine's, and nothing more is begun.
#[test]
fn what_was_printed_comes_out_although_the_machine_goes_off() {
    let done = exec("default", "seq 2000; poweroff 3; echo after").run();
    let done = done.ended_with(3);
    let printed: String = (1..=2000).map(|i| format!("{i}\n")).collect();
    assert_eq!(done.text(), printed, "{}", done.stderr);
}

#[test]
fn megabytes_pass_through_a_command_unchanged() {
    let bytes = noise(if e2e::long() { 32 << 20 } else { 1 << 20 });
    let done = exec("default", "cat")
        .stdin(bytes.clone())
        .run()
        .ended_with(0);
    assert!(
        done.stdout == bytes,
        "{} of {}",
        done.stdout.len(),
        bytes.len()
    );
}

#[test]
fn a_reader_that_goes_away_ends_the_run() {
    let done = exec("default", "cat")
        .stdin(noise(4 << 20))
        .stdout_closes_after(1000)
        .run();
    // As a pipe has it: nobody reads any more.
    done.ended_with(141);
}

#[test]
fn input_that_nobody_reads_does_no_harm() {
    let done = exec("default", "echo done").stdin(noise(1 << 20)).run();
    assert_eq!(done.ended_with(0).text(), "done\n");
}

/// A group's input is there for whoever of it reads.
#[test]
fn who_reads_nothing_takes_nothing_away() {
    let commands = "seq 3 > f; (sleep 0; cat) < f; seq 4 6 | (sleep 0; cat)";
    let done = exec("default", commands).run();
    assert_eq!(done.ended_with(0).text(), "1\n2\n3\n4\n5\n6\n");
}

/// Programs are told of crashes by JSON, with the places in the source, and need not read the log.
#[test]
fn crashes_are_reported_to_programs() {
    let commands = "echo before; crash; echo $?; kill tcpip; crash; true";
    let done = exec("default", commands)
        .argument("--json")
        .run()
        .ended_with(0);
    let answer: serde_json::Value = serde_json::from_str(&done.text()).expect("one line of JSON");
    assert_eq!(answer["end"], "shutdown", "{answer}");
    assert_eq!(answer["status"], 0);
    assert_eq!(answer["output"], "before\n139\ntcpip killed\n");
    // Who is killed has not crashed.
    let crashes = answer["crashes"].as_array().expect("a list");
    assert_eq!(crashes.len(), 2, "{answer}");
    for (i, crash) in crashes.iter().enumerate() {
        assert_eq!(crash["kind"], "crash");
        assert_eq!(crash["number"], i + 1);
        assert_eq!(crash["status"], 101);
        let message = crash["message"].as_str().expect("a text");
        assert!(message.contains("components/commands/"), "{crash}");
        assert!(done.stderr.contains(message.lines().next().unwrap_or("?")));
        let frames = crash["frames"].as_array().expect("a list");
        assert!(!frames.is_empty(), "{crash}");
    }
}

/// More arguments than a message has room for, and a text that is as long.
#[test]
fn long_arguments_arrive() {
    let long = "x".repeat(3000);
    let done = exec(
        "console",
        &format!(
            "echo {long} | wc -c; all=$(seq 2000); printf '%s\\n' $all | wc -l; printf %s \"$all\" | wc -c"
        ),
    );
    let done = done.run().ended_with(0);
    let text = done.text();
    let numbers: Vec<&str> = text.split_whitespace().collect();
    assert_eq!(numbers, ["3001", "2000", "8892"], "{}", done.stderr);
}

/// Each command of the system explains itself, to `--help` and to `help`.
#[test]
fn each_command_has_a_help_worth_reading() {
    let script = "for c in $(help | grep -o '^  [a-z_]+'); do echo \"=== $c\"; $c --help || echo failed; done";
    let done = exec("default", script).run().ended_with(0);
    let text = done.text();
    let texts: Vec<&str> = text.split("=== ").skip(1).collect();
    assert!(texts.len() > 60, "{text}");
    for text in texts {
        let mut lines = text.lines();
        let name = lines.next().expect("there is a first");
        let what = lines.next().unwrap_or_default();
        assert!(what.starts_with(&format!("{name} ")), "{text}");
        let usage = lines.next().unwrap_or_default();
        assert!(usage.starts_with(&format!("usage: {name}")), "{text}");
        assert!(!lines.any(|line| line == "failed"), "{text}");
    }
}

/// The log by component, level and time.
#[test]
fn the_log_is_filtered() {
    let script = "\
        log kernel | grep -vc ' kernel: '
        log -l error | grep -vc ERROR
        log -n 1 kernel | wc -l
        log -s 100000 | wc -l
        log nobody; echo $?
        kill http_server; log http_server | grep -c 'http_server was killed'";
    let done = exec("default", script).run().ended_with(0);
    assert_eq!(
        done.text(),
        "0\n0\n1\n0\n1\nhttp_server killed\n1\n",
        "{}",
        done.stderr
    );
    assert!(
        done.stderr
            .contains("log: there is no component or command `nobody`"),
        "{}",
        done.stderr
    );
}

/// An option that there is not is no component's name.
#[test]
fn commands_for_components_tell_options_from_names() {
    let script = "for command in why kill restart; do $command -h; echo $?; done";
    let done = exec("default", script).run().ended_with(0);
    assert_eq!(done.text(), "2\n2\n2\n", "{}", done.stderr);
    for command in ["why", "kill", "restart"] {
        let says = format!("{command}: there is no such option; `{command} --help` says more");
        assert!(done.stderr.contains(&says), "{}", done.stderr);
    }
}

/// What is logged later is printed when it comes, and a reader that has seen enough ends the log at once, not at the
/// next line that it would have printed.
#[test]
fn the_log_is_followed() {
    let script = "\
        log -f crash | head -n 1 | grep -c 'ERROR crashed' &
        crash panic
        wait
        log -f -n 1 kernel | head -n 1 | wc -l
        echo done";
    let done = exec("default", script).run().ended_with(0);
    assert_eq!(done.text(), "1\n1\ndone\n", "{}", done.stderr);
}
