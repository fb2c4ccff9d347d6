//! From an ELF image to the form of a program that firmware loads: PE32+ (Microsoft's "PE Format"; UEFI, section 2.1.1).
//!
//! The boot loader is compiled like a component, so it is an image that runs anywhere once its relative relocations
//! are applied. PE has the same kind of relocation. Each segment becomes a section, one page further
//! up, since the first page is for PE's own headers.

use anyhow::{Context, Result};
use elf_image::{Image, Machine, PAGE_SIZE, Segment};
use object::pe;
use object::write::pe::{NtHeaders, Writer};

/// Arm's numbers: "ELF for the Arm 64-bit Architecture", `EM_AARCH64` and `R_AARCH64_RELATIVE`.
const ARM64: Machine = Machine {
    number: 183,
    relative_relocation: 1027,
};
const FILE_ALIGNMENT: u32 = 512;
/// How far up everything moves.
const SHIFT: u64 = PAGE_SIZE;

/// The program in an image for Arm.
pub fn from_elf(elf: &[u8]) -> Result<Vec<u8>> {
    let image = Image::parse(elf, ARM64)
        .map_err(|error| anyhow::anyhow!("the boot loader's image {}", error.describe()))?;
    let mut relocations = Vec::new();
    for index in 0..image.relocation_count() {
        let relocation = image
            .relocation(index)
            .map_err(|error| anyhow::anyhow!("the boot loader's image {}", error.describe()))?;
        relocations.push(relocation);
    }
    relocations.sort_unstable_by_key(|relocation| relocation.offset);

    let segments: Vec<Segment> = image
        .segments()
        .filter(|segment| segment.memory_len > 0)
        .collect();
    let mut bytes = Vec::new();
    let mut writer = Writer::new(true, PAGE_SIZE as u32, FILE_ALIGNMENT, &mut bytes);
    writer.reserve_dos_header();
    writer.reserve_nt_headers(pe::IMAGE_NUMBEROF_DIRECTORY_ENTRIES);
    writer.reserve_section_headers(segments.len() as u16 + 1);

    let mut sections = Vec::new();
    for segment in &segments {
        let content = content(&image, segment, &relocations);
        writer.reserve_virtual_until((segment.pages().start + SHIFT) as u32);
        let pages = segment.pages();
        let range = writer.reserve_section(
            name(segment),
            characteristics(segment),
            (pages.end - pages.start) as u32,
            content.len() as u32,
        );
        sections.push((range, content));
    }
    for relocation in &relocations {
        let at =
            u32::try_from(relocation.offset + SHIFT).context("the boot loader is too large")?;
        writer.add_reloc(at, pe::IMAGE_REL_BASED_DIR64);
    }
    writer.reserve_reloc_section();

    let failed = |error| anyhow::anyhow!("the boot loader cannot be written: {error}");
    writer.write_empty_dos_header().map_err(failed)?;
    writer.write_nt_headers(NtHeaders {
        machine: pe::IMAGE_FILE_MACHINE_ARM64,
        // No time, so that the same program gives the same file.
        time_date_stamp: 0,
        characteristics: pe::IMAGE_FILE_EXECUTABLE_IMAGE
            | pe::IMAGE_FILE_LINE_NUMS_STRIPPED
            | pe::IMAGE_FILE_LARGE_ADDRESS_AWARE,
        major_linker_version: 0,
        minor_linker_version: 0,
        address_of_entry_point: (image.entry() + SHIFT) as u32,
        image_base: 0,
        major_operating_system_version: 0,
        minor_operating_system_version: 0,
        major_image_version: 0,
        minor_image_version: 0,
        major_subsystem_version: 0,
        minor_subsystem_version: 0,
        subsystem: pe::IMAGE_SUBSYSTEM_EFI_APPLICATION,
        dll_characteristics: pe::IMAGE_DLLCHARACTERISTICS_NX_COMPAT,
        size_of_stack_reserve: 0,
        size_of_stack_commit: 0,
        size_of_heap_reserve: 0,
        size_of_heap_commit: 0,
    });
    writer.write_section_headers();
    for (range, content) in &sections {
        writer.write_section(range.file_offset, content);
    }
    writer.write_reloc_section();
    Ok(bytes)
}

/// A section's bytes, from the start of its first page on, with relocations applied for a program at address 0.
fn content(image: &Image<'_>, segment: &Segment, relocations: &[elf_image::Relocation]) -> Vec<u8> {
    let start = segment.pages().start;
    let mut bytes = vec![0; (segment.vaddr - start) as usize];
    bytes.extend_from_slice(image.content(segment));
    let range = segment.vaddr..segment.vaddr + segment.memory_len;
    for relocation in relocations {
        if range.contains(&relocation.offset) {
            let at = (relocation.offset - start) as usize;
            // It may lie in what the file leaves to be zeros.
            bytes.resize(bytes.len().max(at + 8), 0);
            bytes[at..at + 8].copy_from_slice(&(relocation.addend + SHIFT).to_le_bytes());
        }
    }
    bytes
}

fn name(segment: &Segment) -> [u8; 8] {
    match (segment.executable, segment.writable) {
        (true, _) => *b".text\0\0\0",
        (_, true) => *b".data\0\0\0",
        _ => *b".rdata\0\0",
    }
}

fn characteristics(segment: &Segment) -> pe::SectionFlags {
    match (segment.executable, segment.writable) {
        (true, _) => pe::IMAGE_SCN_CNT_CODE | pe::IMAGE_SCN_MEM_READ | pe::IMAGE_SCN_MEM_EXECUTE,
        (_, true) => {
            pe::IMAGE_SCN_CNT_INITIALIZED_DATA | pe::IMAGE_SCN_MEM_READ | pe::IMAGE_SCN_MEM_WRITE
        }
        _ => pe::IMAGE_SCN_CNT_INITIALIZED_DATA | pe::IMAGE_SCN_MEM_READ,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use object::LittleEndian as LE;
    use object::read::pe::{ImageNtHeaders, ImageOptionalHeader, PeFile64};
    use object::read::{Object, ObjectSection};

    /// A small image for Arm with code and data, and two relocations into the data. The second is beyond
    /// what the file holds.
    fn elf() -> Vec<u8> {
        const RELA: u64 = 0x300;
        const DYNAMIC: u64 = 0x400;
        let mut bytes = vec![0u8; 0x600];
        let put = |bytes: &mut Vec<u8>, at: usize, value: u64, len: usize| {
            bytes[at..at + len].copy_from_slice(&value.to_le_bytes()[..len]);
        };
        bytes[..7].copy_from_slice(b"\x7fELF\x02\x01\x01");
        for (at, value, len) in [
            (16, 3, 2),      // a shared object
            (18, 183, 2),    // Arm
            (20, 1, 4),      // version
            (24, 0x1210, 8), // entry
            (32, 64, 8),     // program headers
            (52, 64, 2),
            (54, 56, 2),
            (56, 4, 2),
        ] {
            put(&mut bytes, at, value, len);
        }
        // Type, flags, offset, address, in the file, in memory.
        let headers: [[u64; 6]; 4] = [
            [1, 4, 0, 0, 0x200, 0x200],
            [1, 5, 0x200, 0x1200, 0x100, 0x100],
            [1, 6, 0x300, 0x2300, 0x200, 0x1000],
            [2, 6, DYNAMIC, 0x2400, 0x50, 0x50],
        ];
        for (index, header) in headers.into_iter().enumerate() {
            let at = 64 + 56 * index;
            let [kind, flags, offset, address, file, memory] = header;
            put(&mut bytes, at, kind, 4);
            put(&mut bytes, at + 4, flags, 4);
            put(&mut bytes, at + 8, offset, 8);
            put(&mut bytes, at + 16, address, 8);
            put(&mut bytes, at + 24, address, 8);
            put(&mut bytes, at + 32, file, 8);
            put(&mut bytes, at + 40, memory, 8);
            put(&mut bytes, at + 48, if kind == 1 { 4096 } else { 8 }, 8);
        }
        for (index, (offset, addend)) in [(0x2600u64, 0x1210u64), (0x2340, 0x100)]
            .into_iter()
            .enumerate()
        {
            let at = RELA as usize + 24 * index;
            put(&mut bytes, at, offset, 8);
            put(&mut bytes, at + 8, 1027, 8);
            put(&mut bytes, at + 16, addend, 8);
        }
        for (index, (tag, value)) in [(7u64, 0x2300u64), (8, 48), (9, 24), (0, 0)]
            .into_iter()
            .enumerate()
        {
            put(&mut bytes, DYNAMIC as usize + 16 * index, tag, 8);
            put(&mut bytes, DYNAMIC as usize + 16 * index + 8, value, 8);
        }
        bytes
    }

    #[test]
    fn segments_become_sections_one_page_up() {
        let bytes = from_elf(&elf()).unwrap();
        let file = PeFile64::parse(bytes.as_slice()).unwrap();
        let header = file.nt_headers().optional_header();
        assert_eq!(header.subsystem(), pe::IMAGE_SUBSYSTEM_EFI_APPLICATION);
        assert_eq!(header.address_of_entry_point(), 0x2210);
        let sections: Vec<_> = file
            .sections()
            .map(|section| (section.name().unwrap().to_owned(), section.address()))
            .collect();
        let expected = [(".rdata", 0x1000), (".text", 0x2000), (".data", 0x3000)];
        for (section, (name, address)) in sections.iter().zip(expected) {
            assert_eq!((section.0.as_str(), section.1), (name, address));
        }
        assert_eq!(sections.len(), 4);
        let data = file.section_by_name(".data").unwrap();
        let data = data.data().unwrap();
        let word = |at: usize| u64::from_le_bytes(data[at..at + 8].try_into().unwrap());
        assert_eq!((word(0x340), word(0x600)), (0x1100, 0x2210));

        let directories = file.data_directories();
        let mut blocks = directories
            .relocation_blocks(bytes.as_slice(), &file.section_table())
            .unwrap()
            .unwrap();
        let mut found = Vec::new();
        while let Some(block) = blocks.next().unwrap() {
            found.extend(block.filter(|entry| entry.typ == pe::IMAGE_REL_BASED_DIR64));
        }
        let places: Vec<_> = found.iter().map(|entry| entry.virtual_address).collect();
        assert_eq!(places, [0x3340, 0x3600]);
        assert_eq!(file.nt_headers().file_header().time_date_stamp.get(LE), 0);
    }

    #[test]
    fn another_machine_is_refused() {
        let mut elf = elf();
        elf[18] = 243;
        let error = from_elf(&elf).unwrap_err().to_string();
        assert!(error.contains("the boot loader's image"), "{error}");
    }
}
