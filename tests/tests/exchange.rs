//! Files for exchange with other systems: a disk with FAT, which this computer reads and writes by another implementation, and
//! the boot archive.

use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::path::PathBuf;

use e2e::commands;
use fatfs::{FileSystem, FormatVolumeOptions, FsOptions};

/// A disk's image, removed at the end.
struct Image(PathBuf);

impl Image {
    fn new(name: &str, len: u64) -> Image {
        let name = format!("ftl-{name}-{}-{}.img", e2e::arch(), std::process::id());
        let path = std::env::temp_dir().join(name);
        let file = File::create(&path).expect("an image");
        file.set_len(len).expect("its length");
        Image(path)
    }

    fn file(&self) -> File {
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .open(&self.0)
            .expect("the image")
    }

    /// What is on the disk, for this computer.
    fn open(&self) -> FileSystem<File> {
        FileSystem::new(self.file(), FsOptions::new()).expect("a file system")
    }

    fn path(&self) -> String {
        self.0.display().to_string()
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn a_disk_with_fat_is_exchanged_with_this_computer() {
    let image = Image::new("fat", 48 << 20);
    fatfs::format_volume(image.file(), FormatVolumeOptions::new()).expect("to be formatted");
    let noise: Vec<u8> = (0..300_000_u32)
        .map(|i| (i.wrapping_mul(i) >> 7) as u8)
        .collect();
    {
        let disk = image.open();
        let top = disk.root_dir();
        top.create_dir("photos of a journey").expect("a directory");
        let put = |path: &str, contents: &[u8]| {
            let mut file = top.create_file(path).expect(path);
            file.write_all(contents).expect(path);
        };
        put("HELLO.TXT", b"from this computer\n");
        put("photos of a journey/first.raw", &noise);
        put("photos of a journey/second.raw", b"2");
        put("unwanted", b"away with it");
    }
    let script = "\
cat /fat/hello.txt; ls /fat; ls / | grep -v log; cd '/fat/photos of a journey'; pwd; ls ..; wc -c *.raw
mkdir -p /fat/notes/2026; echo 'from inside' > /fat/notes/2026/first; echo more >> /fat/notes/2026/first
cp first.raw /copy; cp /copy ../notes/back.raw; mv /copy ../moved.raw; ls /copy 2> /dev/null || echo gone
mv second.raw ../notes/renamed; rm /fat/unwanted; mv /fat/notes /taken; ls /taken; mv /taken /fat/given
echo x > '/fat/a:b' || echo refused; ln -s /fat/x /fat/y || echo no links
df | wc -l; find /fat -name '*.raw' | sort; sync
";
    let done = commands::exec("default", script)
        .argument("--fat")
        .argument(image.path())
        .run()
        .ended_with(0);
    let expected = "\
from this computer
HELLO.TXT
photos of a journey
unwanted
boot
fat
/fat/photos of a journey
HELLO.TXT
photos of a journey
unwanted
300000 first.raw
1 second.raw
300001 total
gone
2026
back.raw
renamed
refused
no links
4
/fat/given/back.raw
/fat/moved.raw
/fat/photos of a journey/first.raw
";
    assert_eq!(done.text(), expected, "{}", done.stderr);
    let disk = image.open();
    let top = disk.root_dir();
    let get = |path: &str| {
        let mut contents = Vec::new();
        let mut file = top.open_file(path).expect(path);
        file.read_to_end(&mut contents).expect(path);
        contents
    };
    assert_eq!(get("given/2026/first"), b"from inside\nmore\n");
    assert!(get("given/back.raw") == noise && get("moved.raw") == noise);
    assert_eq!(get("given/renamed"), b"2");
    assert!(top.open_file("unwanted").is_err());
}

/// What lies in memory does not depend on the driver.
#[test]
fn the_server_of_fat_and_the_driver_may_be_killed() {
    let image = Image::new("fat-kill", 16 << 20);
    fatfs::format_volume(image.file(), FormatVolumeOptions::new()).expect("to be formatted");
    let script = "\
echo kept > /kept; seq 5000 > /fat/numbers; sync; kill fat_files > /dev/null
until wc -l < /fat/numbers; do sleep 0.1; done 2> /dev/null; kill virtio_blk > /dev/null
until wc -l < /fat/numbers; do sleep 0.1; done 2> /dev/null; echo after > /fat/after; sync; cat /fat/after /kept
";
    let done = commands::exec("default", script)
        .argument("--fat")
        .argument(image.path())
        .run()
        .ended_with(0);
    assert_eq!(done.text(), "5000\n5000\nafter\nkept\n", "{}", done.stderr);
}

#[test]
fn the_boot_archive_is_read_and_not_written() {
    let done = commands::exec(
        "default",
        "ls /boot; ls /boot/components | grep '^sqlitefs$'; cat /boot/plan | wc -c > /len; \
         test $(cat /len) -gt 1000 && echo long; head -c 4 /boot/components/sqlitefs | hexdump | head -n 1; \
         echo x > /boot/new || echo refused; rm /boot/init || echo refused; echo x > /fat/x || echo no disk",
    )
    .run()
    .ended_with(0);
    let text = done.text();
    for part in [
        "components\ninit\nplan\nsqlitefs\nlong\n",
        "7f 45 4c 46",
        "refused\nrefused\nno disk",
    ] {
        assert!(
            text.contains(part),
            "no {part:?} in\n{text}\n{}",
            done.stderr
        );
    }
}

/// A disk that holds something else, or was damaged, is said to be that, and everything else works.
#[test]
fn a_disk_that_holds_nothing_known_is_told_of() {
    let image = Image::new("no-fat", 1 << 20);
    let noise: Vec<u8> = (0..1_u32 << 20)
        .map(|i| (i.wrapping_mul(i) >> 9) as u8 ^ 0x5a)
        .collect();
    image.file().write_all(&noise).expect("to be written");
    let done = commands::exec(
        "default",
        "ls /fat 2> /dev/null || echo none; echo x > /y; cat /y",
    )
    .argument("--fat")
    .argument(image.path())
    .run()
    .ended_with(0);
    assert_eq!(done.text(), "none\nx\n", "{}", done.stderr);
    let told = "fat_files: ERROR the disk holds neither FAT nor exFAT";
    assert!(done.stderr.contains(told), "{}", done.stderr);
}
