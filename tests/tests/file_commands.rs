//! The commands for files, and the shell's redirections, on a disk.

use std::os::unix::fs::MetadataExt;
use std::process::Command;

use e2e::commands;
use e2e::folder::Folder;

/// Runs commands on a disk, and compares what they print.
#[track_caller]
fn check(disk: &str, script: &str, output: &str) {
    let done = commands::exec("default", script)
        .argument("--disk")
        .argument(disk)
        .run();
    assert_eq!(
        (done.text().as_str(), done.code),
        (output, 0),
        "{}",
        done.stderr
    );
}

#[test]
fn files_are_made_found_changed_and_last() {
    let folder = Folder::new("file-commands");
    let disk = folder.disk();
    check(
        &disk,
        "\
mkdir -p etc/conf.d 'with blank'; cd etc; pwd
echo one > conf.d/a; echo two >> conf.d/a; seq 3 > conf.d/b
cat conf.d/a conf.d/b | wc -l
echo conf.d/*; ls conf.d/; grep -n two conf.d/a; head -n 1 < conf.d/b
cp conf.d/a /copy; cp -r /etc '/with blank'; mv /copy /moved; ls /
ln -s ../moved link; readlink link; cat link | head -n 1; ln /moved /same
tree /etc; find / -name '[ab]' -type f; du -s /etc
echo x | tee -a /moved log | wc -c; tail -n 1 /same
rm -r 'conf.d' || echo no; rmdir /etc 2> /dev/null || echo full; touch new; ls
cat none; echo $?; echo y > /none/there || echo failed; cd /none || pwd
time true 2> /dev/null; env cat /same | head -n 1
",
        "\
/etc
5
conf.d/a conf.d/b
a
b
2:two
1
boot
etc
log
moved
with blank
../moved
one
/etc
├── conf.d
│   ├── a
│   └── b
└── link

1 directory, 3 files
/etc/conf.d/a
/etc/conf.d/b
/with blank/etc/conf.d/a
/with blank/etc/conf.d/b
      22  /etc
2
x
full
link
log
new
1
failed
/etc
one
",
    );
    // The next boot finds it all.
    check(
        &disk,
        "cd 'with blank/etc'; cat conf.d/a; find / -empty; cat /moved; rm -r /etc /moved; ls /; cat /same",
        "one\ntwo\n/etc/new\none\ntwo\nx\nboot\nlog\nsame\nwith blank\none\ntwo\nx\n",
    );
}

#[test]
fn files_are_asked_for_in_sql_and_snapshots_bring_them_back() {
    let folder = Folder::new("file-sql");
    check(
        &folder.disk(),
        "\
mkdir d; echo hello > d/a; seq 1000 > b
sql -l \"select path, size from files where kind = 'file' and path not like '/log/%' order by size desc limit 5\"
sql -j \"select content from files where path = '/d/a'\"
sql \"select path from files where size > 100 and path not like '/log%'\"
sql 'selekt' 2> /dev/null || echo refused; sql 'delete from node' 2> /dev/null || echo refused
snapshot create one; rm d/a; echo more >> b; mkdir e; snapshot diff one | grep -v ' /log'; snapshot create one 2> /dev/null || echo there
undo; cat d/a; tail -n 1 b; undo; ls; tail -n 1 b; snapshot list | wc -l
snapshot restore one; snapshot remove one; undo; snapshot remove undone; snapshot list; undo 2> /dev/null || echo none; ls
",
        "\
/b\t3893
/d/a\t6
[{\"content\":\"hello\\n\"}]
path
────
/b
refused
refused
~ /b
- /d/a
+ /e
there
hello
1000
b
boot
d
e
log
more
2
none
b
boot
d
e
log
",
    );
}

#[test]
fn a_full_disk_is_told_to_whoever_redirects() {
    // Without a disk: that in memory is full sooner.
    let done = commands::exec(
        "default",
        "seq 100000000 > full; echo $?; x=$(seq 1000); while echo $x >> more; do true; done
         rm full more; sync; echo x > y; cat y",
    )
    .run();
    // The shell itself goes on when it cannot write.
    assert_eq!(done.text(), "141\nx\n", "{}", done.stderr);
    for name in ["full", "more"] {
        let told = format!("shell: /{name}: there is no room left on the disk");
        let count = done.stderr.lines().filter(|line| **line == told).count();
        assert_eq!(count, 1, "{told}\n{}", done.stderr);
    }
}

/// A disk in memory gives its memory back: that of deleted files, too.
#[test]
fn a_disk_in_memory_shrinks_when_files_are_deleted() {
    let script = "
        seq 3000 > /kept; seq 600000 > /large; sync; ps | grep -c 'sqlitefs .* [6-9]\\.[0-9] MiB'; rm /large
        until ps | grep -q 'sqlitefs .* [1-5]\\.[0-9] MiB'; do sync; done; tail -n 1 /kept; echo again > /large; cat /large";
    let done = commands::exec("default", script).run();
    assert_eq!(done.text(), "1\n3000\nagain\n", "{}", done.stderr);
}

/// What `curl` says about a path, with these further arguments.
fn curl(port: u16, path: &str, arguments: &[&str]) -> String {
    let done = Command::new("curl")
        .args([
            "--silent",
            "--show-error",
            "--max-time",
            "60",
            "--path-as-is",
        ])
        .args(arguments)
        .arg(format!("http://127.0.0.1:{port}{path}"))
        .output()
        .expect("curl is there");
    assert!(
        done.status.success(),
        "{path}: {}",
        String::from_utf8_lossy(&done.stderr)
    );
    String::from_utf8(done.stdout).expect("text")
}

/// What deleted files held is given up, so the image takes less room on this computer.
#[test]
fn an_image_shrinks_when_files_are_deleted() {
    const LEN: usize = 8 << 20;
    let folder = Folder::new("file-discard");
    let files = folder.0.join("files");
    std::fs::create_dir_all(&files).expect("a folder");
    let bytes: Vec<u8> = (0..LEN).map(|at| (at / 7 + at) as u8).collect();
    std::fs::write(files.join("large"), bytes).expect("a file");
    let disk = folder.disk();
    let imported = Command::new(e2e::tool())
        .args(["disk", "import", &disk])
        .arg(&files)
        .status()
        .expect("the tool can be started");
    assert!(imported.success());
    let taken = || {
        std::fs::metadata(&disk)
            .expect("the image is there")
            .blocks() as usize
            * 512
    };
    let before = taken();
    // What is not yet gone when the machine is switched off goes when it starts again.
    check(&disk, "rm /large; sync; echo gone", "gone\n");
    // The server answers the last question when it has given up what is free.
    check(&disk, "sync; ls /log > /dev/null; echo gone", "gone\n");
    let after = taken();
    assert!(
        before > LEN && after < before - LEN / 2,
        "{before}, {after}"
    );
    let checked = Command::new(e2e::tool())
        .args(["disk", "check", &disk])
        .status()
        .expect("the tool can be started");
    assert!(checked.success());
}

#[test]
fn a_directory_is_served() {
    let folder = Folder::new("file-web");
    check(
        &folder.disk(),
        "mkdir -p /www/sub /www/list; cd /www; seq 20000 > n.txt; echo '<p>hi</p>' > sub/index.html; \
         echo x > 'list/a&b.css'; echo secret > /secret; ln -s /secret out; sync; ls",
        "list\nn.txt\nout\nsub\n",
    );
    let ftl = e2e::boot("default")
        .argument("--disk")
        .argument(folder.disk())
        .port(80)
        .start();
    ftl.wait_for("MiB free");
    ftl.wait_for("http_server: listens on port 80");
    let port = ftl.port(80);
    let numbers: String = (1..=20_000).map(|i| format!("{i}\n")).collect();
    assert!(curl(port, "/files/n.txt", &[]) == numbers);
    for (range, expected) in [
        ("0-9", &numbers[..10]),
        ("100-60099", &numbers[100..60_100]),
        ("108000-", &numbers[108_000..]),
        ("-7", &numbers[numbers.len() - 7..]),
    ] {
        let found = curl(port, "/files/n.txt", &["--range", range]);
        assert!(found == expected, "{range}: {} bytes", found.len());
    }
    let status = [
        "--output",
        "/dev/null",
        "--write-out",
        "%{http_code} %header{content-range}",
    ];
    let told = |path: &str, more: &[&str]| curl(port, path, &[&status, more].concat());
    assert_eq!(
        told("/files/n.txt", &["--range", "5-6"]),
        "206 bytes 5-6/108894"
    );
    assert_eq!(
        told("/files/n.txt", &["--range", "200000-"]),
        "416 bytes */108894"
    );
    let tag = curl(
        port,
        "/files/n.txt",
        &[
            "--head",
            "--write-out",
            "%header{etag}",
            "--output",
            "/dev/null",
        ],
    );
    assert!(tag.starts_with('"'), "{tag}");
    let known = format!("If-None-Match: {tag}");
    assert_eq!(told("/files/n.txt", &["--header", &known]), "304 ");
    let other = "If-Range: \"other\"";
    assert_eq!(
        told("/files/n.txt", &["--range", "5-6", "--header", other]),
        "200 "
    );
    // Directories: a page of their own, or a list.
    assert_eq!(told("/files/sub", &[]), "301 ");
    assert_eq!(curl(port, "/files/sub", &["--location"]), "<p>hi</p>\n");
    let list = curl(port, "/files/list/", &[]);
    assert!(
        list.contains("<a href=\"./a%26b.css\">a&amp;b.css</a>"),
        "{list}"
    );
    assert_eq!(curl(port, "/files/list/a%26b.css", &[]), "x\n");
    // Nothing leads out of it.
    for path in [
        "/files/../secret",
        "/files/%2e%2e/secret",
        "/files/out",
        "/files/none",
    ] {
        assert_eq!(told(path, &[]), "404 ", "{path}");
    }
    assert_eq!(told("/files/n.txt", &["--request", "DELETE"]), "405 ");
}
