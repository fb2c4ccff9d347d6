//! `./ftl disk` from outside: folders go in and come out the same.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("ftl-disk-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn disk(arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ftl-disk"));
    for argument in arguments {
        command.arg(argument);
    }
    command.output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

fn tree(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut waiting = vec![folder.to_owned()];
    while let Some(at) = waiting.pop() {
        for entry in fs::read_dir(&at).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            if path.is_symlink() {
                let target = fs::read_link(&path).unwrap();
                found.push((name, target.display().to_string().into_bytes()));
            } else if path.is_dir() {
                found.push((name, vec![]));
                waiting.push(path);
            } else {
                found.push((name, fs::read(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn what_goes_in_comes_out_the_same() {
    let folder = Folder::new("copy");
    let (from, to) = (folder.0.join("from"), folder.0.join("to"));
    let image = folder.0.join("disk.img");
    fs::create_dir_all(from.join("inner/deep")).unwrap();
    fs::write(from.join("a file"), b"hello").unwrap();
    let large: Vec<u8> = (0..1_000_000).map(|i| (i * 7) as u8).collect();
    fs::write(from.join("inner/large"), &large).unwrap();
    fs::write(from.join("inner/deep/empty"), b"").unwrap();
    std::os::unix::fs::symlink("../a file", from.join("inner/link")).unwrap();

    assert!(disk(&[&"create", &image]).status.success());
    for _ in 0..2 {
        // Again, over what is there.
        let imported = disk(&[&"import", &image, &from, &"/letters"]);
        assert!(imported.status.success(), "{}", said(&imported));
    }
    let listed = said(&disk(&[&"ls", &image, &"/letters/inner"]));
    assert!(
        listed.contains("1000000  large") && listed.contains("link -> ../a file"),
        "{listed}"
    );
    let exported = disk(&[&"export", &image, &to, &"/letters"]);
    assert!(exported.status.success(), "{}", said(&exported));
    assert_eq!(tree(&from), tree(&to));
    assert!(said(&disk(&[&"check", &image])).contains("is sound"));
}

#[test]
fn errors_say_what_is_wrong() {
    let folder = Folder::new("errors");
    let missing = folder.0.join("missing.img");
    let output = disk(&[&"ls", &missing]);
    assert!(
        !output.status.success() && said(&output).contains("disk create"),
        "{}",
        said(&output)
    );
    let letter = folder.0.join("letter");
    fs::write(&letter, "This is a letter, and no image.").unwrap();
    let output = disk(&[&"check", &letter]);
    assert!(
        !output.status.success() && said(&output).contains("something else"),
        "{}",
        said(&output)
    );
    let image = folder.0.join("disk.img");
    assert!(disk(&[&"create", &image]).status.success());
    let output = disk(&[&"ls", &image, &"/nowhere"]);
    assert!(said(&output).contains("`/nowhere`"), "{}", said(&output));
}
