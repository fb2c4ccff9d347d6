//! Archives that the `tar` crate wrote, and the same with bytes changed or missing.

use archive::{Archive, BLOCK_LEN, Error};
use proptest::prelude::*;

const FILES: [(&str, &[u8]); 4] = [
    ("init", b"first"),
    ("components/ping", &[7; 512]),
    ("empty", b""),
    ("plan", &[1; 1000]),
];

fn header(name: &str, len: usize, kind: tar::EntryType) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_path(name).unwrap();
    header.set_size(len as u64);
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_cksum();
    header
}

fn packed() -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    builder
        .append(
            &header("components/", 0, tar::EntryType::Directory),
            &[][..],
        )
        .unwrap();
    for (name, data) in FILES {
        builder
            .append(&header(name, data.len(), tar::EntryType::Regular), data)
            .unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn finds_what_was_packed() {
    let bytes = packed();
    let archive = Archive::new(&bytes).unwrap();
    let names: Vec<_> = archive.entries().map(|entry| entry.name).collect();
    assert_eq!(names, FILES.map(|(name, _)| name));
    for (name, data) in FILES {
        assert_eq!(archive.find(name), Some(data));
        let entry = archive.find_entry(name).unwrap();
        assert_eq!(&bytes[entry.offset..][..data.len()], data);
        assert_eq!(entry.offset % BLOCK_LEN, 0);
    }
    assert_eq!(archive.find("Init"), None);
    assert_eq!(archive.find(""), None);
    assert_eq!(archive.find("components"), None);
}

#[test]
fn gnu_headers_are_read_too() {
    let mut builder = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(5);
    header.set_mode(0o644);
    builder
        .append_data(&mut header, "./init", &b"first"[..])
        .unwrap();
    let bytes = builder.into_inner().unwrap();
    assert_eq!(
        Archive::new(&bytes).unwrap().find("init"),
        Some(&b"first"[..])
    );
}

#[test]
fn an_empty_archive_is_one() {
    assert!(Archive::new(&[0; BLOCK_LEN]).unwrap().is_empty());
    assert_eq!(
        Archive::new(&[]).unwrap_err(),
        Error::Truncated { offset: 0 }
    );
}

#[test]
fn what_follows_the_end_mark_is_ignored() {
    let mut bytes = packed();
    bytes.extend([0xff; 5000]);
    assert_eq!(Archive::new(&bytes).unwrap().entries().count(), FILES.len());
}

#[test]
fn every_truncation_is_refused() {
    let bytes = packed();
    let used = Archive::new(&bytes).unwrap().len();
    for len in 0..bytes.len() {
        let result = Archive::new(&bytes[..len]);
        // One block of the end mark is enough.
        assert_eq!(result.is_ok(), len >= used + BLOCK_LEN, "{len} bytes");
    }
}

#[test]
fn every_changed_byte_of_a_header_is_noticed() {
    let bytes = packed();
    // The second header, after that of the directory, which has no content.
    for at in BLOCK_LEN..2 * BLOCK_LEN {
        let mut bytes = bytes.clone();
        bytes[at] ^= 1;
        assert!(Archive::new(&bytes).is_err(), "byte {at}");
    }
}

#[test]
fn other_kinds_are_refused() {
    let mut builder = tar::Builder::new(Vec::new());
    builder
        .append(&header("link", 0, tar::EntryType::Symlink), &[][..])
        .unwrap();
    let bytes = builder.into_inner().unwrap();
    assert_eq!(
        Archive::new(&bytes).unwrap_err(),
        Error::UnsupportedKind { offset: 0 }
    );
}

#[test]
fn a_name_in_two_parts_is_refused() {
    let long = format!("{}/{}", "a".repeat(80), "b".repeat(80));
    let mut builder = tar::Builder::new(Vec::new());
    builder
        .append(&header(&long, 0, tar::EntryType::Regular), &[][..])
        .unwrap();
    let bytes = builder.into_inner().unwrap();
    assert_eq!(
        Archive::new(&bytes).unwrap_err(),
        Error::BadName { offset: 0 }
    );
}

proptest! {
    #![proptest_config(trials::cases(256))]

    #[test]
    fn any_files_come_back(files in prop::collection::vec(
        ("[a-z]{1,20}(/[a-z]{1,20}){0,3}", prop::collection::vec(any::<u8>(), 0..2000)), 0..20,
    )) {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, data) in &files {
            builder.append(&header(name, data.len(), tar::EntryType::Regular), &data[..]).unwrap();
        }
        let bytes = builder.into_inner().unwrap();
        let archive = Archive::new(&bytes).unwrap();
        let found: Vec<_> =
            archive.entries().map(|entry| (entry.name.to_string(), entry.data.to_vec())).collect();
        prop_assert_eq!(found, files);
    }

    /// A changed header gets its checksum mended, or it would not come past that check.
    #[test]
    fn changed_bytes_never_panic(
        changes in prop::collection::vec((0usize..BLOCK_LEN * 5, any::<u8>()), 1..5),
    ) {
        let mut bytes = packed();
        for (at, value) in changes {
            bytes[at] = value;
        }
        for block in bytes.chunks_exact_mut(BLOCK_LEN) {
            let sum: u64 = block.iter().enumerate()
                .map(|(i, &byte)| u64::from(if (148..156).contains(&i) { b' ' } else { byte }))
                .sum();
            if &block[257..262] == b"ustar" {
                block[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
            }
        }
        if let Ok(archive) = Archive::new(&bytes) {
            for entry in archive.entries() {
                prop_assert_eq!(&bytes[entry.offset..][..entry.data.len()], entry.data);
            }
        }
    }

    #[test]
    fn garbage_never_panics(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = Archive::new(&bytes);
    }
}
