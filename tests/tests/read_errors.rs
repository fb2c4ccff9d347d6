//! A disk that cannot read some of its sectors, as QEMU's `blkdebug` plays it: an error of what lies there, and of nothing else.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

use e2e::commands;
use e2e::folder::{self, Folder};

/// Where in a file a sector with nothing but this byte lies.
fn find(path: &Path, byte: u8) -> u64 {
    let file = File::open(path).expect("the image");
    let len = file.metadata().expect("its length").len();
    let mut part = [0; 512];
    for at in (0..len).step_by(512) {
        file.read_exact_at(&mut part, at).expect("to be read");
        if part == [byte; 512] {
            return at;
        }
    }
    panic!("no such sector in {}", path.display());
}

#[test]
fn a_sector_that_cannot_be_read_is_an_error_of_its_file() {
    let folder = Folder::new("read-errors");
    let files = folder.folder("files");
    for (name, byte) in [("good", b'g'), ("bad", b'b'), ("fine", b'f')] {
        std::fs::write(files.join(name), vec![byte; 200_000]).expect("a file");
    }
    let disk = folder.0.join("disk.img");
    let log = folder.0.join("disk.img-wal");
    folder::disk("import", &disk, &[&files]);
    let sector = find(&disk, b'b') / 512;
    let rules = folder.0.join("rules");
    let rule = "[inject-error]\nevent = \"read_aio\"\nerrno = \"5\"\nonce = \"off\"\n";
    std::fs::write(&rules, format!("{rule}sector = \"{sector}\"\n")).expect("the rules");
    // All of it is in the database already; without its log it is read from there.
    File::create(&log)
        .expect("the log")
        .set_len(16 << 20)
        .expect("its length");
    let data = format!(
        "if=none,id=data,driver=raw,file.driver=blkdebug,file.config={},file.image.driver=file,file.image.filename={}",
        rules.display(),
        disk.display()
    );
    let log = format!("if=none,id=log,format=raw,file={}", log.display());
    let done = commands::exec(
        "default",
        "wc -c < /good; cat /bad > /dev/null && echo read; head -c 10 /good; echo; wc -c < /fine; ls /bad | wc -l
         cat /bad > /dev/null && echo read; echo new > /new; sync; cat /new; ls / > /dev/null; sync && echo safe",
    )
    .qemu(["-drive", &data, "-device", "virtio-blk-device,drive=data,serial=ftl-data"])
    .qemu(["-drive", &log, "-device", "virtio-blk-device,drive=log,serial=ftl-log"])
    .run();
    let text = done.text();
    let expected = "200000\ngggggggggg\n200000\n1\nnew\nsafe\n";
    assert_eq!(text, expected, "{}", done.stderr);
    // It was read, and could not be; and the server has not ended of it.
    let failed = done
        .stderr
        .matches("cat: the device reported an error")
        .count();
    assert_eq!(failed, 2, "{}", done.stderr);
    assert!(
        done.stderr.contains("sqlitefs: ERROR reading at byte"),
        "{}",
        done.stderr
    );
    assert!(!done.stderr.contains("sqlitefs crashed"), "{}", done.stderr);
}
