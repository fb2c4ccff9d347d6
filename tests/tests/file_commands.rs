//! The commands for files, and the shell's redirections, on a disk.

use e2e::commands;

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
    let folder = std::env::temp_dir().join(format!(
        "ftl-file-commands-{}-{}",
        e2e::arch(),
        std::process::id()
    ));
    std::fs::create_dir_all(&folder).expect("a folder for the disk");
    let disk = folder.join("disk.img").display().to_string();
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
etc
moved
with blank
../moved
one
/etc
├── conf.d
│   ├── a
│   └── b
└── link

1 directories, 3 files
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
        "one\ntwo\n/etc/new\none\ntwo\nx\nsame\nwith blank\none\ntwo\nx\n",
    );
    let _ = std::fs::remove_dir_all(&folder);
}
