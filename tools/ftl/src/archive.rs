//! The boot archive: a plain tar file in the ustar format (POSIX.1-1988), so that any `tar`
//! can list it. Each entry's data begins at a multiple of 512 bytes.
//!
//! Owner, mode and time are fixed, so that the same content makes the same bytes.

use anyhow::{Result, bail};

/// tar's unit.
const BLOCK_LEN: usize = 512;

/// A boot archive being put together.
#[derive(Default)]
pub struct Archive {
    bytes: Vec<u8>,
}

impl Archive {
    /// Adds a file. Names are at most 100 bytes long.
    pub fn add(&mut self, name: &str, data: &[u8]) -> Result<()> {
        if name.is_empty() || name.len() > 100 {
            bail!("`{name}` cannot be a name in the boot archive: it must have 1 to 100 bytes");
        }
        let mut header = [0u8; BLOCK_LEN];
        let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
        put(0, name.as_bytes());
        put(100, b"0000644\0");
        put(108, b"0000000\0"); // owner
        put(116, b"0000000\0"); // group
        put(124, format!("{:011o}\0", data.len()).as_bytes());
        put(136, b"00000000000\0"); // time of last change
        put(148, b"        "); // the checksum counts as blanks while it is computed
        put(156, b"0"); // an ordinary file
        put(257, b"ustar\x0000");
        let checksum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        header[148..156].copy_from_slice(format!("{checksum:06o}\0 ").as_bytes());

        self.bytes.extend_from_slice(&header);
        self.bytes.extend_from_slice(data);
        self.bytes
            .resize(self.bytes.len().next_multiple_of(BLOCK_LEN), 0);
        Ok(())
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

    #[test]
    fn long_names_are_refused() {
        assert!(Archive::default().add(&"x".repeat(101), b"").is_err());
        assert!(Archive::default().add("", b"").is_err());
    }
}
