//! Coming in over the network with OpenSSH's client: `./ftl run remote`.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use e2e::Ftl;
use e2e::console::{self, PROMPT};
use sha2::{Digest, Sha256};

const CTRL_C: &str = "\x03";
const CTRL_D: &str = "\x04";
const PORT: u16 = 22;

/// A machine that can be come into, and the folder with the keys that are tried there.
struct Remote {
    ftl: Ftl,
    folder: PathBuf,
}

/// Starts a machine that the key `mine` opens. None if this computer has no `ssh`.
fn start(name: &str) -> Option<Remote> {
    match Command::new("ssh").arg("-V").output() {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && !e2e::long() => {
            eprintln!("ssh is not installed: coming in over the network was not tried");
            return None;
        }
        Err(error) => panic!("ssh: {error}"),
    }
    let folder = std::env::temp_dir().join(format!("ftl-ssh-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder can be made");
    for key in ["mine", "other"] {
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", key, "-f"])
            .arg(folder.join(key))
            .status();
        assert!(made.expect("ssh-keygen comes with ssh").success());
    }
    let mine = std::fs::read_to_string(folder.join("mine.pub")).expect("it was made");
    let ftl = e2e::boot("remote")
        .port(PORT)
        .set("ssh_server.keys", mine.trim())
        .start();
    ftl.wait_for("ssh_server: listens on port 22");
    Some(Remote { ftl, folder })
}

impl Drop for Remote {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Remote {
    /// `ssh` with this key and these options; what follows is the command. The machine's key is learned the first time, and must
    /// stay the same.
    fn ssh_with(&self, key: &str, options: &[&str]) -> Command {
        let mut command = Command::new("ssh");
        let known = self.folder.join("known_hosts");
        command
            .args([
                "-F",
                "none",
                "-o",
                "BatchMode=yes",
                "-o",
                "IdentitiesOnly=yes",
            ])
            .args([
                "-o",
                "LogLevel=ERROR",
                "-o",
                "StrictHostKeyChecking=accept-new",
            ])
            .arg("-o")
            .arg(format!("UserKnownHostsFile={}", known.display()))
            .arg("-i")
            .arg(self.folder.join(key))
            .args(options)
            .args(["-p", &self.ftl.port(PORT).to_string(), "127.0.0.1"])
            // An agent would have other keys.
            .env_remove("SSH_AUTH_SOCK")
            .stdin(Stdio::null());
        command
    }

    fn ssh(&self, command: &str) -> Output {
        let mut ssh = self.ssh_with("mine", &[]);
        ssh.arg(command).output().expect("ssh is there")
    }

    /// Runs a command that succeeds; answers what it prints.
    fn run(&self, command: &str) -> String {
        let output = self.ssh(command);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{command}: {text}{errors}");
        text
    }

    /// Runs something that lasts, with its streams open here.
    fn begin(&self, command: &str) -> Child {
        let mut ssh = self.ssh_with("mine", &[]);
        ssh.arg(command)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("ssh is there")
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.ftl.port(PORT)));
        let stream = stream.expect("QEMU listens");
        stream
            .set_read_timeout(Some(e2e::PATIENCE))
            .expect("it can be set");
        stream
    }
}

fn read_line(child: &mut Child) -> String {
    let stdout = child.stdout.as_mut().expect("it is piped");
    let mut line = Vec::new();
    let mut byte = [0];
    while stdout.read(&mut byte).expect("it can be read") == 1 && byte[0] != b'\n' {
        line.push(byte[0]);
    }
    String::from_utf8_lossy(&line).into_owned()
}

/// One machine for all of it: booting costs more than the rest.
#[test]
fn a_key_opens_and_commands_run_as_at_the_console() {
    let Some(remote) = start("commands") else {
        return;
    };
    assert!(remote.run("ps").contains("ssh_server"));
    // The status and both outputs are the command's.
    let output = remote.ssh("echo out; nosuchcommand; exit 7");
    assert_eq!(output.status.code(), Some(7));
    assert_eq!(output.stdout, b"out\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("nosuchcommand"));
    // Bytes go through as they are, both ways, and the end of the input with them.
    let bytes: Vec<u8> = (0..200_000u32)
        .flat_map(|i| i.wrapping_mul(i).to_le_bytes())
        .collect();
    let bytes = &bytes[..200_000];
    let mut cat = remote.begin("cat");
    let mut stdin = cat.stdin.take().expect("it is piped");
    let copy = bytes.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&copy));
    let output = cat.wait_with_output().expect("it ends");
    writer.join().expect("it ends").expect("all was taken");
    assert_eq!(Sha256::digest(&output.stdout), Sha256::digest(bytes));
    // Two at once, and one that is begun in the meantime.
    let mut first = remote.begin("read line; echo first $line");
    let mut second = remote.begin("echo here; cat");
    assert_eq!(read_line(&mut second), "here");
    assert_eq!(remote.run("echo third"), "third\n");
    for (child, expected) in [(&mut first, "first one"), (&mut second, "two")] {
        let word = expected.rsplit(' ').next().expect("there is one");
        let stdin = child.stdin.as_mut().expect("it is piped");
        writeln!(stdin, "{word}").expect("it is taken");
        assert_eq!(read_line(child), expected);
    }
    // Who goes away takes along what runs.
    second.kill().expect("it runs");
    let _ = (first.wait(), second.wait());
    let mut sleeper = remote.begin("echo asleep; sleep 5000");
    assert_eq!(read_line(&mut sleeper), "asleep");
    assert!(remote.run("ps").contains("sleep"));
    sleeper.kill().expect("it runs");
    let _ = sleeper.wait();
    // The machine hears of it when the network says so; each look is a whole connection.
    let is_gone = (0..100).any(|_| !remote.run("ps").contains("sleep"));
    assert!(is_gone, "`sleep` goes on without whoever started it");

    // A key that the file lists, from the moment that it does.
    let other = |command: &str| {
        let mut ssh = remote.ssh_with("other", &[]);
        ssh.arg(command).output().expect("ssh is there")
    };
    let output = other("echo in");
    assert_eq!(output.status.code(), Some(255));
    let errors = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(errors.contains("Permission denied (publickey)"), "{errors}");
    remote.ftl.wait_for("ssh_server: WARN refused");
    let key = std::fs::read_to_string(remote.folder.join("other.pub")).expect("it was made");
    remote.run(&format!("echo '{}' > /etc/ssh/authorized_keys", key.trim()));
    assert_eq!(other("echo in").stdout, b"in\n");
    // No password is even asked for.
    let password = ["-o", "PubkeyAuthentication=no", "-o", "BatchMode=no"];
    let mut ssh = remote.ssh_with("mine", &password);
    let output = ssh.arg("true").output().expect("ssh is there");
    assert_eq!(output.status.code(), Some(255));

    // Without the network below there is no session, and with it again there is one.
    // The client asks whether the machine is there, since nobody is left to tell it.
    let mut ssh = remote.ssh_with("mine", &["-o", "ServerAliveInterval=1"]);
    let output = ssh.arg("kill tcpip; sleep 5000").output();
    assert_eq!(output.expect("ssh is there").status.code(), Some(255));
    remote
        .ftl
        .wait_for_count("ssh_server: listens on port 22", 2);
    assert_eq!(remote.run("echo again"), "again\n");
    let components = remote.run("ps");
    assert!(!components.contains("sleep"), "{components}");

    // Who switches the machine off still hears what was printed before, and that the commands were ended.
    let output = remote.ssh("echo last; poweroff 9; echo after");
    assert_eq!(output.stdout, b"last\n");
    assert_eq!(output.status.code(), Some(143));
    remote.ftl.wait_for("init: off, after");
}

#[test]
fn a_person_sits_there_as_at_the_console() {
    let Some(remote) = start("person") else {
        return;
    };
    let mut ssh = remote.ssh_with("mine", &["-tt"]);
    ssh.env("TERM", "xterm");
    let mut here = console::run(ssh);
    here.wait_for_line(PROMPT);
    here.keys("echo wrld\x1b[D\x1b[D\x1b[Do");
    here.wait_for_line("ftl> echo world");
    here.keys("\r");
    here.wait_for_row("world");
    here.keys("upt\t");
    here.wait_for_line("ftl> uptime");
    here.keys(CTRL_C);
    here.wait_for_line(PROMPT);
    here.enter("seq 100000000");
    here.wait_for("1000");
    here.keys(CTRL_C);
    here.wait_for_line(PROMPT);
    assert_eq!(here.run("echo $? $TERM"), ["130 xterm"]);
    // A line that is longer than the window goes on in the next row: its width is known.
    let long = "x".repeat(100);
    here.clear();
    here.keys(format!("echo {long}"));
    here.wait_for_line(&"x".repeat(100 + 10 - 80));
    here.keys(CTRL_C);
    here.wait_for_line(PROMPT);
    // Another one at the same time has a shell of its own.
    let mut ssh = remote.ssh_with("mine", &["-tt"]);
    ssh.env("TERM", "xterm");
    let mut there = console::run(ssh);
    there.wait_for_line(PROMPT);
    assert_eq!(there.run("x=there; echo $x"), ["there"]);
    assert_eq!(here.run("echo ${x}here"), ["here"]);
    // Ctrl-D is the end, with the last status.
    there.enter("false");
    there.wait_for_line(PROMPT);
    there.keys(CTRL_D);
    assert_eq!(there.wait_exit(), 1);
    here.enter("exit 4");
    assert_eq!(here.wait_exit(), 4);
}

/// Whatever comes from whoever has no key: who has one gets in afterwards.
#[test]
fn garbage_and_silence_shut_nobody_out() {
    let Some(remote) = start("garbage") else {
        return;
    };
    let mut state = 2026u64;
    let mut random = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (state >> 33) as u8
    };
    let rounds = if e2e::long() { 500 } else { 30 };
    for round in 0..rounds {
        let mut stream = remote.connect();
        if round % 3 > 0 {
            let _ = stream.write_all(b"SSH-2.0-garbage\r\n");
        }
        let garbage: Vec<u8> = (0..200 * (round % 10)).map(|_| random()).collect();
        // A small length first, so that it is taken for a packet.
        if round % 3 == 2 {
            let _ = stream.write_all(&[0, 0, 0, 12 + 8 * (round % 4) as u8, 4, 20]);
        }
        // It may be ended while we write.
        let _ = stream.write_all(&garbage);
    }
    // More than there is room for, of whom some say a little and nobody more.
    let mut silent: Vec<TcpStream> = (0..24).map(|_| remote.connect()).collect();
    for stream in &mut silent[..12] {
        let _ = stream.write_all(b"SSH-2.0-");
    }
    // All of them are there before somebody proper comes. Connections for which there was no room are completed a second
    // later, and whoever came meanwhile would be older than they. Besides, QEMU's user network (7.2) sends other bytes
    // under the same numbers after that: it forgets what was sent into a full queue.
    for stream in &mut silent {
        // Greeted, or ended for others already.
        let _ = stream.read(&mut [0]);
    }
    assert_eq!(remote.run("echo in"), "in\n");
    // The first of them had to go for the others.
    let mut rest = Vec::new();
    let ended = silent[0].read_to_end(&mut rest);
    assert!(ended.is_ok() || rest.is_empty(), "{ended:?}");
    drop(silent);
    assert_eq!(remote.run("echo still in"), "still in\n");
    let components = remote.run("ps");
    let mut rows = components.lines();
    let row = rows.find(|row| row.contains("ssh_server"));
    let row = row.expect("it runs");
    println!("{row}");
    assert!(!remote.ftl.log().iter().any(|line| line.contains("crashed")));
}
