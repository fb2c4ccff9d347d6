//! Images that rustc and lld made, and the same with bytes changed or missing.

use elf_image::{Error, Image, Machine, PAGE_SIZE, Relocation};
use proptest::prelude::*;

const RISCV64: &[u8] = include_bytes!("images/riscv64.elf");
const ARM64: &[u8] = include_bytes!("images/arm64.elf");

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

/// What a loader does, with every check that the crate promises to be unnecessary.
fn load(image: &Image<'_>, base: u64) -> Result<Vec<u8>, Error> {
    let mut memory = vec![0; usize::try_from(image.memory_len()).unwrap()];
    let mut end = 0;
    for segment in image.segments() {
        assert!(!(segment.writable && segment.executable));
        let pages = segment.pages();
        assert!(pages.start >= end && pages.end <= image.memory_len());
        end = pages.end;
        let start = usize::try_from(segment.vaddr).unwrap();
        let content = image.content(&segment);
        assert_eq!(content.len(), segment.file_range.len());
        assert!(content.len() as u64 <= segment.memory_len);
        memory[start..start + content.len()].copy_from_slice(content);
    }
    for index in 0..image.relocation_count() {
        let Relocation { offset, addend } = image.relocation(index)?;
        assert!(addend <= image.memory_len());
        let at = usize::try_from(offset).unwrap();
        memory[at..at + 8].copy_from_slice(&base.wrapping_add(addend).to_le_bytes());
    }
    assert!(image.relocation(image.relocation_count()).is_err());
    Ok(memory)
}

fn check_real(bytes: &[u8], machine: Machine, other: Machine) {
    assert_eq!(Image::parse(bytes, other).unwrap_err(), Error::WrongMachine);
    let image = Image::parse(bytes, machine).unwrap();
    assert_eq!(image.memory_len() % PAGE_SIZE, 0);
    assert_eq!(image.build_id().unwrap().len(), 20);
    assert_eq!(image.relocation_count(), 3);

    let flags: Vec<_> = image
        .segments()
        .map(|s| (s.readable, s.writable, s.executable))
        .collect();
    let read_only = (true, false, false);
    let code = (true, false, true);
    let data = (true, true, false);
    assert_eq!(flags, [read_only, code, data, data]);
    assert!(
        image
            .segments()
            .nth(1)
            .unwrap()
            .pages()
            .contains(&image.entry())
    );
    // `COUNT` is 7, and `ZEROED` takes no room in the file.
    let last = image.segments().last().unwrap();
    assert_eq!(image.content(&last), 7u64.to_le_bytes());
    assert_eq!(last.memory_len, 8 + 4096);

    // The pointers in `NAMES` point to its strings.
    let base = 0x1234_5000;
    let memory = load(&image, base).unwrap();
    let word = |at: u64| {
        let at = usize::try_from(at).unwrap();
        u64::from_le_bytes(memory[at..at + 8].try_into().unwrap())
    };
    let names: Vec<_> = (0..3)
        .map(|i| {
            let at = image.relocation(i).unwrap().offset;
            let start = usize::try_from(word(at) - base).unwrap();
            let len = usize::try_from(word(at + 8)).unwrap();
            std::str::from_utf8(&memory[start..start + len]).unwrap()
        })
        .collect();
    assert_eq!(names, ["one", "two", "three"]);
}

#[test]
fn riscv64() {
    check_real(RISCV64, RISCV_MACHINE, ARM_MACHINE);
}

#[test]
fn arm64() {
    check_real(ARM64, ARM_MACHINE, RISCV_MACHINE);
}

#[test]
fn a_limit_below_the_size_refuses() {
    let len = Image::parse(RISCV64, RISCV_MACHINE).unwrap().memory_len();
    assert!(Image::parse_limited(RISCV64, RISCV_MACHINE, len).is_ok());
    let refused = Image::parse_limited(RISCV64, RISCV_MACHINE, len - 1);
    assert_eq!(refused.unwrap_err(), Error::TooLarge);
}

#[test]
fn every_truncation_is_refused() {
    // What follows the last segment (section headers) is not looked at.
    let image = Image::parse(RISCV64, RISCV_MACHINE).unwrap();
    let needed = image.segments().map(|s| s.file_range.end).max().unwrap();
    for len in 0..RISCV64.len() {
        let result = Image::parse(&RISCV64[..len], RISCV_MACHINE);
        assert_eq!(result.is_ok(), len >= needed, "{len} bytes");
    }
}

proptest! {
    #![proptest_config(trials::cases(2_000))]

    #[test]
    fn changed_bytes_never_panic(
        changes in prop::collection::vec((0usize..1200, any::<u8>()), 1..6),
        arm in any::<bool>(),
    ) {
        let (bytes, machine) =
            if arm { (ARM64, ARM_MACHINE) } else { (RISCV64, RISCV_MACHINE) };
        let mut bytes = bytes.to_vec();
        for (at, value) in changes {
            bytes[at] = value;
        }
        if let Ok(image) = Image::parse_limited(&bytes, machine, 1 << 20) {
            let _ = load(&image, 0);
            let _ = image.build_id();
        }
    }

    #[test]
    fn garbage_never_panics(mut bytes in prop::collection::vec(any::<u8>(), 0..600)) {
        let _ = Image::parse(&bytes, RISCV_MACHINE);
        // Again with a beginning that gets past the first checks.
        let len = bytes.len().min(24);
        bytes[..len].copy_from_slice(&RISCV64[..len]);
        if let Ok(image) = Image::parse_limited(&bytes, RISCV_MACHINE, 1 << 20) {
            let _ = load(&image, 0);
        }
    }
}
