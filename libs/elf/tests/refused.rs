//! Images made by hand, each with one thing wrong.

use elf_image::{Error, Image, Machine, Relocation};

/// EM_RISCV, R_RISCV_RELATIVE.
const RISCV_MACHINE: Machine = Machine {
    number: 243,
    relative_relocation: 3,
};
/// EM_AARCH64, R_AARCH64_RELATIVE.
const ARM_MACHINE: Machine = Machine {
    number: 183,
    relative_relocation: 1027,
};

const R: u32 = 4;
const W: u32 = 2;
const X: u32 = 1;

#[derive(Clone, Copy)]
struct Header {
    kind: u32,
    flags: u32,
    file_offset: u64,
    vaddr: u64,
    file_len: u64,
    memory_len: u64,
}

/// What `bytes` makes an image from. Unchanged it is a correct one: headers in page 0, code in
/// page 1, and in page 2 data with the dynamic section at 0x2000 and relocations at 0x2100.
#[derive(Clone)]
struct Plan {
    kind: u16,
    entry: u64,
    headers: Vec<Header>,
    dynamic: Vec<(u64, u64)>,
    relocations: Vec<(u64, u64, u64)>,
}

fn plan() -> Plan {
    let load = |flags, at: u64, memory_len| Header {
        kind: 1,
        flags,
        file_offset: at,
        vaddr: at,
        file_len: 0x1000,
        memory_len,
    };
    let dynamic = Header {
        kind: 2,
        file_len: 0x100,
        ..load(R | W, 0x2000, 0x100)
    };
    Plan {
        kind: 3,
        entry: 0x1010,
        headers: vec![
            load(R, 0, 0x1000),
            load(R | X, 0x1000, 0x1000),
            load(R | W, 0x2000, 0x3000),
            dynamic,
        ],
        dynamic: vec![(7, 0x2100), (8, 24), (9, 24), (0, 0)],
        relocations: vec![(0x2200, 3, 0x1010)],
    }
}

impl Plan {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; 0x3000];
        let mut put = |at: usize, value: &[u8]| {
            bytes[at..at + value.len()].copy_from_slice(value);
        };
        put(0, b"\x7fELF\x02\x01\x01");
        put(16, &self.kind.to_le_bytes());
        put(18, &243u16.to_le_bytes());
        put(24, &self.entry.to_le_bytes());
        put(32, &64u64.to_le_bytes());
        put(54, &56u16.to_le_bytes());
        put(56, &(self.headers.len() as u16).to_le_bytes());
        for (i, header) in self.headers.iter().enumerate() {
            let at = 64 + 56 * i;
            put(at, &header.kind.to_le_bytes());
            put(at + 4, &header.flags.to_le_bytes());
            put(at + 8, &header.file_offset.to_le_bytes());
            put(at + 16, &header.vaddr.to_le_bytes());
            put(at + 32, &header.file_len.to_le_bytes());
            put(at + 40, &header.memory_len.to_le_bytes());
        }
        for (i, (tag, value)) in self.dynamic.iter().enumerate() {
            put(0x2000 + 16 * i, &tag.to_le_bytes());
            put(0x2008 + 16 * i, &value.to_le_bytes());
        }
        for (i, (offset, info, addend)) in self.relocations.iter().enumerate() {
            put(0x2100 + 24 * i, &offset.to_le_bytes());
            put(0x2108 + 24 * i, &info.to_le_bytes());
            put(0x2110 + 24 * i, &addend.to_le_bytes());
        }
        bytes
    }
}

/// Changes the correct image and expects `parse` to refuse it.
fn check(error: Error, change: impl FnOnce(&mut Plan)) {
    let mut plan = plan();
    change(&mut plan);
    let bytes = plan.bytes();
    match Image::parse(&bytes, RISCV_MACHINE) {
        Err(found) => assert_eq!(found, error),
        Ok(_) => panic!("accepted, expected {error:?}"),
    }
}

/// Changes the correct image's relocation and expects it to be refused.
fn check_relocation(error: Error, relocation: (u64, u64, u64)) {
    let mut plan = plan();
    plan.relocations = vec![relocation];
    let bytes = plan.bytes();
    let image = Image::parse(&bytes, RISCV_MACHINE).unwrap();
    assert_eq!(image.relocation(0), Err(error));
}

#[test]
fn unchanged_is_accepted() {
    let bytes = plan().bytes();
    let image = Image::parse(&bytes, RISCV_MACHINE).unwrap();
    assert_eq!(image.entry(), 0x1010);
    assert_eq!(image.memory_len(), 0x5000);
    assert_eq!(image.segments().count(), 3);
    assert_eq!(image.relocation_count(), 1);
    assert_eq!(
        image.relocation(0),
        Ok(Relocation {
            offset: 0x2200,
            addend: 0x1010
        })
    );
    assert_eq!(image.build_id(), None);
}

#[test]
fn no_dynamic_section_means_no_relocations() {
    let mut plan = plan();
    plan.headers.pop();
    let bytes = plan.bytes();
    assert_eq!(
        Image::parse(&bytes, RISCV_MACHINE)
            .unwrap()
            .relocation_count(),
        0
    );
}

#[test]
fn other_kinds_of_file() {
    assert_eq!(
        Image::parse(b"#!/bin/sh", RISCV_MACHINE).unwrap_err(),
        Error::NotElf
    );
    assert_eq!(
        Image::parse(b"\x7fELF", RISCV_MACHINE).unwrap_err(),
        Error::Truncated
    );
    let mut bytes = plan().bytes();
    bytes[4] = 1;
    let refused = Image::parse(&bytes, RISCV_MACHINE).unwrap_err();
    assert_eq!(refused, Error::Not64BitLittleEndian);
    let refused = Image::parse(&plan().bytes(), ARM_MACHINE).unwrap_err();
    assert_eq!(refused, Error::WrongMachine);
    check(Error::NotPositionIndependent, |plan| plan.kind = 2);
}

#[test]
fn program_headers() {
    check(Error::NothingToLoad, |plan| plan.headers.clear());
    check(Error::BadProgramHeaders, |plan| {
        plan.headers = vec![plan.headers[0]; 65];
    });
    check(Error::NeedsInterpreter, |plan| plan.headers[3].kind = 3);
    check(Error::ThreadLocal, |plan| plan.headers[3].kind = 7);
}

#[test]
fn segments() {
    check(Error::WritableCode, |plan| {
        plan.headers[1].flags = R | W | X
    });
    check(Error::EmptySegment, |plan| {
        plan.headers[2].file_len = 0;
        plan.headers[2].memory_len = 0;
    });
    check(Error::BadProgramHeaders, |plan| {
        plan.headers[2].memory_len = 0xfff
    });
    check(Error::FirstPageEmpty, |plan| {
        plan.headers.remove(0);
    });
    check(Error::SegmentsOverlap, |plan| {
        plan.headers[2].vaddr = 0x1800
    });
    check(Error::SegmentsOverlap, |plan| plan.headers.swap(1, 2));
    // The same page, though not the same bytes.
    check(Error::SegmentsOverlap, |plan| {
        plan.headers[1].memory_len = 0x1001;
        plan.headers[2].vaddr = 0x2008;
    });
    check(Error::Truncated, |plan| {
        plan.headers[2].file_offset = 0x2001
    });
    check(Error::Truncated, |plan| {
        plan.headers[2].file_offset = u64::MAX
    });
    check(Error::TooLarge, |plan| plan.headers[2].memory_len = 1 << 40);
    check(Error::TooLarge, |plan| {
        plan.headers[2].memory_len = u64::MAX
    });
    check(Error::TooLarge, |plan| {
        plan.headers[2].vaddr = u64::MAX - 0x1000
    });
}

#[test]
fn entry() {
    check(Error::EntryNotExecutable, |plan| plan.entry = 0xfff);
    check(Error::EntryNotExecutable, |plan| plan.entry = 0x2000);
    check(Error::EntryNotExecutable, |plan| plan.headers[1].flags = R);
}

#[test]
fn dynamic_section() {
    check(Error::NeedsLibrary, |plan| plan.dynamic.insert(0, (1, 5)));
    check(Error::RelocationKind, |plan| {
        plan.dynamic.insert(0, (2, 24))
    });
    check(Error::RelocationKind, |plan| {
        plan.dynamic.insert(0, (18, 16))
    });
    check(Error::RelocationKind, |plan| {
        plan.dynamic.insert(0, (35, 8))
    });
    check(Error::BadDynamicSection, |plan| plan.dynamic[2].1 = 16);
    check(Error::BadDynamicSection, |plan| plan.dynamic[1].1 = 25);
    check(Error::BadDynamicSection, |plan| plan.dynamic[0] = (6, 0));
    check(Error::BadDynamicSection, |plan| plan.dynamic[0].1 = 0x3800);
    check(Error::BadDynamicSection, |plan| {
        plan.headers[3].file_len = 32
    });
    check(Error::Truncated, |plan| plan.dynamic[1].1 = 24 * 1000);
    check(Error::Truncated, |plan| {
        plan.dynamic[1].1 = 24 * (u64::MAX / 24)
    });
}

#[test]
fn relocations() {
    check_relocation(Error::RelocationKind, (0x2200, 2, 0));
    check_relocation(Error::RelocationKind, (0x2200, 1 << 32 | 3, 0));
    check_relocation(Error::RelocationUnaligned, (0x2204, 3, 0));
    check_relocation(Error::RelocationOutside, (0x5000, 3, 0));
    // In what is only read, and in code.
    check_relocation(Error::RelocationOutside, (0x0800, 3, 0));
    check_relocation(Error::RelocationOutside, (0x1800, 3, 0));
    check_relocation(Error::RelocationOutside, (u64::MAX - 7, 3, 0));
    check_relocation(Error::RelocationTarget, (0x2200, 3, 0x5001));
    check_relocation(Error::RelocationTarget, (0x2200, 3, u64::MAX));
}
