//! What the commands print. Compared by hand with GNU's where they are to be the same.

use std::collections::BTreeMap;

use text_commands::{COMMANDS, Failure, Io, Result, run};

#[derive(Default)]
struct Fake {
    input: Vec<u8>,
    files: BTreeMap<String, Vec<u8>>,
    reading: Option<Vec<u8>>,
    output: Vec<u8>,
    errors: String,
    slept: u64,
}

impl Io for Fake {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        let source = self.reading.as_mut().unwrap_or(&mut self.input);
        // In odd pieces, so that nothing relies on their borders.
        let len = source.len().min(buffer.len()).min(3);
        buffer[..len].copy_from_slice(&source[..len]);
        source.drain(..len);
        Ok(len)
    }
    fn open(&mut self, path: &str) -> Result<()> {
        self.reading = match path {
            "-" => None,
            path => Some(
                self.files
                    .get(path)
                    .cloned()
                    .ok_or(Failure::new(format!("{path}: there is no such file")))?,
            ),
        };
        Ok(())
    }
    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.output.extend_from_slice(bytes);
        Ok(())
    }
    fn complain(&mut self, text: &str) {
        self.errors.push_str(text);
    }
    fn sleep_ms(&mut self, milliseconds: u64) {
        self.slept += milliseconds;
    }
    fn is_terminal(&mut self, descriptor: usize) -> bool {
        descriptor == 0
    }
}

fn call(line: &str, input: &[u8]) -> (String, String, u8, u64) {
    let mut words = line.split(' ').map(String::from);
    let name = words.next().unwrap();
    let arguments: Vec<String> = words.map(|word| word.replace('_', " ")).collect();
    let mut io = Fake {
        input: input.to_vec(),
        ..Fake::default()
    };
    io.files.insert("one".into(), b"1\n".to_vec());
    io.files.insert("two".into(), b"2\n22\n".to_vec());
    let status = run(&name, &arguments, &mut io);
    (
        String::from_utf8_lossy(&io.output).into_owned(),
        io.errors,
        status,
        io.slept,
    )
}

#[track_caller]
fn check(line: &str, input: &str, output: &str) {
    let (found, errors, status, _) = call(line, input.as_bytes());
    assert_eq!(
        (found.as_str(), errors.as_str(), status),
        (output, "", 0),
        "{line}"
    );
}

#[track_caller]
fn check_error(line: &str, error: &str, status: u8) {
    let (_, errors, found, _) = call(line, b"");
    assert_eq!((errors.as_str(), found), (error, status), "{line}");
}

#[test]
fn clear_and_printf() {
    check("clear", "", "\x1b[H\x1b[2J\x1b[3J");
    check("printf %s:%03d\\n a 1 b 2", "", "a:001\nb:002\n");
    check("printf -- -%s x", "", "-x");
    check_error(
        "printf",
        "printf: it needs a format; `printf --help` says more\n",
        2,
    );
    check_error("printf %d x", "printf: `x` is not a number\n", 1);
    check_error(
        "clear all",
        "clear: what is `all`? It takes nothing; `clear --help` says more\n",
        2,
    );
}

#[test]
fn cat() {
    check("cat", "a\nb", "a\nb");
    check("cat one - two", "in\n", "1\nin\n2\n22\n");
    check("cat -n", "a\nb", "     1  a\n     2  b");
    check_error("cat three", "cat: three: there is no such file\n", 1);
    check_error(
        "cat -x",
        "cat: there is no option `-x`; `cat --help` says more\n",
        2,
    );
}

#[test]
fn head_and_tail() {
    check("head -n 2", "a\nb\nc\n", "a\nb\n");
    check("head -1", "a\nb\n", "a\n");
    check("head -n 0", "a\n", "");
    check("head -c 3", "abcdef", "abc");
    check("head -n 5", "a\nb", "a\nb");
    check("tail -n 2", "a\nb\nc\n", "b\nc\n");
    check("tail -n 2", "a\nb\nc", "b\nc");
    check("tail -1", "a\n\n", "\n");
    check("tail -n 0", "a\n", "");
    check("tail -c 2", "abcdef", "ef");
    check("tail -n +2", "a\nb\nc\n", "b\nc\n");
    check("tail", &"x\n".repeat(20), &"x\n".repeat(10));
    check("tail -n 3", "a", "a");
    check_error(
        "head -n x",
        "head: `x` is not a number that fits; `head --help` says more\n",
        2,
    );
    check_error(
        "head -n",
        "head: `-n` needs a value; `head --help` says more\n",
        2,
    );
}

#[test]
fn wc() {
    check("wc", "one two\nthree\n", "2 3 14\n");
    check("wc -l", "a\nb", "1\n");
    check("wc -m", "äö\n", "3\n");
    check("wc one two", "", "1 1 2 one\n2 2 5 two\n3 3 7 total\n");
}

#[test]
fn grep() {
    check("grep b", "abc\nxyz\nb\n", "abc\nb\n");
    check("grep -v b", "abc\nxyz\nb", "xyz\n");
    check("grep -c b", "abc\nxyz\nb", "2\n");
    check("grep -n -i B", "a\nb\n", "2:b\n");
    check("grep -in B", "a\nb\n", "2:b\n");
    check("grep -o [0-9]+", "a12b3\n", "12\n3\n");
    check("grep -F a.c", "abc\na.c\n", "a.c\n");
    check("grep 2 one two", "", "two:2\ntwo:22\n");
    check("grep -e -x", "a-x\n", "a-x\n");
    assert_eq!(call("grep q", b"a\n").2, 1);
    assert_eq!(
        call("grep -q a", b"a\n"),
        (String::new(), String::new(), 0, 0)
    );
    check_error(
        "grep",
        "grep: the pattern is missing; `grep --help` says more\n",
        2,
    );
    check_error(
        "grep (",
        "grep: nothing closes the `(` in `(`; `grep --help` says more\n",
        2,
    );
}

#[test]
fn sort_and_uniq() {
    check("sort", "b\na\nc", "a\nb\nc\n");
    check("sort -r", "b\na\nc\n", "c\nb\na\n");
    check(
        "sort -n",
        "10\n9\n-1\n-10\nx\n1.5\n1.25\n",
        "-10\n-1\nx\n1.25\n1.5\n9\n10\n",
    );
    check("sort -u", "b\na\nb\n", "a\nb\n");
    check("sort -f", "b\nA\nC\n", "A\nb\nC\n");
    check("sort -k 2", "x b\ny a\n", "y a\nx b\n");
    check("sort -n -k 2 -t :", "x:10\ny:9\n", "y:9\nx:10\n");
    check("sort -rn -k2", "a 1\nb 2\n", "b 2\na 1\n");
    check("uniq", "a\na\nb\na\n", "a\nb\na\n");
    check("uniq -c", "a\na\nb", "      2 a\n      1 b\n");
    check("uniq -d", "a\na\nb\n", "a\n");
    check("uniq -u", "a\na\nb\n", "b\n");
}

#[test]
fn seq_and_sleep() {
    check("seq 3", "", "1\n2\n3\n");
    check("seq 3 5", "", "3\n4\n5\n");
    check("seq 5 -2 1", "", "5\n3\n1\n");
    check("seq -2 0", "", "-2\n-1\n0\n");
    check("seq 2 1", "", "");
    check("seq -w 8 10", "", "08\n09\n10\n");
    check("seq -s , 3", "", "1,2,3\n");
    check("seq -s 5 2", "", "152\n");
    check(
        "seq 9223372036854775806 9223372036854775807",
        "",
        "9223372036854775806\n9223372036854775807\n",
    );
    check_error(
        "seq",
        "seq: the last number is missing; `seq --help` says more\n",
        2,
    );
    check_error(
        "seq x",
        "seq: `x` is not a number; `seq --help` says more\n",
        2,
    );
    check_error(
        "seq 1 0 2",
        "seq: the step is 0; `seq --help` says more\n",
        2,
    );
    for (time, slept) in [
        ("1", 1000),
        ("0.25", 250),
        (".5", 500),
        ("20ms", 20),
        ("2m", 120_000),
        ("1.5h", 5_400_000),
    ] {
        assert_eq!(call(&format!("sleep {time}"), b"").3, slept, "{time}");
    }
    for time in ["x", "", ".", "1x", "1.2.3", "1e5"] {
        assert_eq!(call(&format!("sleep {time}"), b"").2, 2, "{time}");
    }
}

#[test]
fn hexdump() {
    check(
        "hexdump",
        "Hello, world! ä\n",
        "00000000  48 65 6c 6c 6f 2c 20 77  6f 72 6c 64 21 20 c3 a4  |Hello, world! ..|\n\
         00000010  0a                                                |.|\n00000011\n",
    );
    check(
        "hexdump",
        &"a".repeat(64),
        &format!(
            "{}*\n00000040\n",
            "00000000  61 61 61 61 61 61 61 61  61 61 61 61 61 61 61 61  |aaaaaaaaaaaaaaaa|\n"
        ),
    );
    check(
        "hexdump -s 1 -n 2",
        "abcd",
        "00000001  62 63                                             |bc|\n00000003\n",
    );
    check("hexdump", "", "");
}

#[test]
fn the_smallest() {
    check("true", "", "");
    assert_eq!(call("false", b"").2, 1);
    check("echo a b", "", "a b\n");
    check("echo -n a", "", "a");
    check("test a = a", "", "");
    assert_eq!(call("test a = b", b"").2, 1);
    check_error(
        "test a b",
        "test: `b` is not expected; `test --help` says more\n",
        2,
    );
    check_error(
        "nothing",
        "there is no command `nothing` in this image\n",
        127,
    );
}

#[test]
fn all_have_a_help_worth_reading() {
    for command in COMMANDS {
        if matches!(command.name, "true" | "false" | "test") {
            continue;
        }
        let (output, errors, status, _) = call(&format!("{} --help", command.name), b"");
        assert_eq!((errors.as_str(), status), ("", 0), "{}", command.name);
        assert!(
            output.starts_with(command.name) && output.contains("usage: "),
            "{output}"
        );
        assert!(
            output.lines().all(|line| line.chars().count() <= 120),
            "{output}"
        );
    }
    let names: Vec<&str> = COMMANDS.iter().map(|command| command.name).collect();
    assert!(names.is_sorted());
}

proptest::proptest! {
    #![proptest_config(trials::cases(256))]

    #[test]
    fn any_arguments_and_any_input_do_no_harm(
        command in 0..COMMANDS.len(),
        arguments in proptest::collection::vec("(-?[a-zA-Z0-9.+*?(\\[{|^$-]{0,4}|.{0,3})", 0..4),
        input in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300),
    ) {
        // It may well be asked for more numbers than there is time for.
        if COMMANDS[command].name != "seq" {
            let mut io = Fake { input, ..Fake::default() };
            run(COMMANDS[command].name, &arguments, &mut io);
        }
    }
}
