//! The boot archive: a plain tar file in the ustar format (POSIX.1-1988), so that any `tar`
//! can list it. Each entry's data begins at a multiple of 512 bytes, and that of images at a page's start, so that the
//! kernel can show an image's pages where they lie. What is left before them is filled with a comment: an extended
//! header of pax (POSIX.1-2001, "pax Extended Header"), which every tar skips.
//!
//! Owner, mode and time are fixed, so that the same content makes the same bytes.

use anyhow::{Result, bail};

/// tar's unit.
const BLOCK_LEN: usize = 512;
/// What images begin at a multiple of.
const PAGE_LEN: usize = 4096;

/// A boot archive being put together.
#[derive(Default)]
pub struct Archive {
    bytes: Vec<u8>,
}

impl Archive {
    /// Adds an image, at a page's start.
    pub fn add_image(&mut self, name: &str, data: &[u8]) -> Result<()> {
        let data_at = self.bytes.len() + BLOCK_LEN;
        let mut room = data_at.next_multiple_of(PAGE_LEN) - data_at;
        if room > 0 {
            if room == BLOCK_LEN {
                room += PAGE_LEN; // A comment has a header, and a block of its own.
            }
            self.fill(room);
        }
        self.add(name, data)
    }

    /// Fills some blocks, at least two, with a comment.
    fn fill(&mut self, room: usize) {
        let len = room - BLOCK_LEN;
        let (start, end) = (format!("{len} comment="), "\n");
        let blanks = len - start.len() - end.len();
        let comment = format!("{start}{}{end}", " ".repeat(blanks));
        self.put("pax", b"x", comment.as_bytes());
    }

    /// Adds a file. Names are at most 100 bytes long.
    pub fn add(&mut self, name: &str, data: &[u8]) -> Result<()> {
        if name.is_empty() || name.len() > 100 {
            bail!("`{name}` cannot be a name in the boot archive: it must have 1 to 100 bytes");
        }
        self.put(name, b"0", data);
        Ok(())
    }

    fn put(&mut self, name: &str, kind: &[u8; 1], data: &[u8]) {
        let mut header = [0u8; BLOCK_LEN];
        let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
        put(0, name.as_bytes());
        put(100, b"0000644\0");
        put(108, b"0000000\0"); // owner
        put(116, b"0000000\0"); // group
        put(124, format!("{:011o}\0", data.len()).as_bytes());
        put(136, b"00000000000\0"); // time of last change
        put(148, b"        "); // the checksum counts as blanks while it is computed
        put(156, kind);
        put(257, b"ustar\x0000");
        let checksum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{checksum:06o}\0 ").as_bytes());

        self.bytes.extend_from_slice(&header);
        self.bytes.extend_from_slice(data);
        self.bytes
            .resize(self.bytes.len().next_multiple_of(BLOCK_LEN), 0);
    }

    /// The finished archive: the entries, then two empty blocks.
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len() + 2 * BLOCK_LEN, 0);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn tar_reads_it() {
        let mut archive = Archive::default();
        archive.add("init", b"first").unwrap();
        archive.add("components/ping", &[7; 513]).unwrap();
        archive.add("plan", b"").unwrap();
        let bytes = archive.finish();
        assert_eq!(bytes.len(), 512 * (2 + 3 + 1 + 2));

        let path = std::env::temp_dir().join(format!("ftl-archive-{}.tar", std::process::id()));
        std::fs::write(&path, &bytes).unwrap();
        let list = Command::new("tar").arg("tf").arg(&path).output().unwrap();
        let data = Command::new("tar")
            .args(["xOf"])
            .arg(&path)
            .arg("components/ping")
            .output()
            .unwrap();
        std::fs::remove_file(&path).unwrap();
        assert!(list.status.success(), "{list:?}");
        assert_eq!(
            String::from_utf8(list.stdout).unwrap(),
            "init\ncomponents/ping\nplan\n"
        );
        assert_eq!(data.stdout, [7; 513]);
    }

    /// Images of all lengths begin at pages, whatever lies before them, and tar lists nothing else.
    #[test]
    fn images_begin_at_pages() {
        for blocks in 0..9 {
            let mut archive = Archive::default();
            archive.add("before", &vec![1; blocks * 512]).unwrap();
            archive.add_image("image", &[2; 5000]).unwrap();
            archive.add_image("another", &[3; 10]).unwrap();
            let bytes = archive.finish();
            let path = std::env::temp_dir().join(format!("ftl-pages-{}.tar", std::process::id()));
            std::fs::write(&path, &bytes).unwrap();
            let list = Command::new("tar").arg("tf").arg(&path).output().unwrap();
            std::fs::remove_file(&path).unwrap();
            assert!(list.status.success() && list.stderr.is_empty(), "{list:?}");
            let listed = String::from_utf8(list.stdout).unwrap();
            assert_eq!(listed, "before\nimage\nanother\n");
            let read = ::archive::Archive::new(&bytes).expect("it is in order");
            let entries: Vec<_> = read.entries().collect();
            let names: Vec<_> = entries.iter().map(|entry| entry.name).collect();
            assert_eq!(names, ["before", "image", "another"]);
            for entry in &entries[1..] {
                assert!(entry.offset.is_multiple_of(PAGE_LEN), "{blocks}: {entry:?}");
            }
            assert_eq!(entries[1].data, [2; 5000]);
        }
    }

    #[test]
    fn long_names_are_refused() {
        assert!(Archive::default().add(&"x".repeat(101), b"").is_err());
        assert!(Archive::default().add("", b"").is_err());
    }
}
