//! ELF images: taking off what the machine does not need, and telling images apart.

use anyhow::{Context, Result, bail};
use object::LittleEndian;
use object::elf::{self, FileHeader64, ProgramHeader64};
use object::read::elf::{FileHeader, ProgramHeader};

type Header = FileHeader64<LittleEndian>;
type Segment = ProgramHeader64<LittleEndian>;

/// The program headers of an image.
fn segments(image: &[u8]) -> Result<(&Header, &[Segment])> {
    let header = Header::parse(image).context("not a 64-bit ELF file")?;
    let endian = header.endian().context("not a little-endian ELF file")?;
    let segments = header
        .program_headers(endian, image)
        .context("its program headers are damaged")?;
    Ok((header, segments))
}

/// The image without symbols, debugging data and section table: only what its program headers
/// name. The linker puts those parts first, so the rest is simply cut off.
pub fn strip(image: &[u8]) -> Result<Vec<u8>> {
    let (header, segments) = segments(image)?;
    let endian = LittleEndian;
    let table = header.e_phoff(endian) as usize;
    let entry_len = usize::from(header.e_phentsize(endian));
    let end = segments
        .iter()
        .filter(|segment| !is_only_for_tools(segment))
        .map(|segment| (segment.p_offset(endian) + segment.p_filesz(endian)) as usize)
        .fold(table + segments.len() * entry_len, usize::max);
    if end > image.len() {
        bail!("the file is shorter than its program headers say");
    }
    let mut stripped = image[..end].to_vec();
    for (index, _) in segments
        .iter()
        .enumerate()
        .filter(|(_, segment)| is_only_for_tools(segment))
    {
        stripped[table + index * entry_len..][..entry_len].fill(0); // PT_NULL
    }
    // ELF64 header: e_shoff at 0x28; e_shnum and e_shstrndx at 0x3c and 0x3e.
    stripped[0x28..0x30].fill(0);
    stripped[0x3c..0x40].fill(0);
    Ok(stripped)
}

/// Segments that one kind of processor defines, such as RISC-V's attributes, describe the image
/// to tools; nothing loads them.
fn is_only_for_tools(segment: &Segment) -> bool {
    (elf::PT_LOPROC..=elf::PT_HIPROC).contains(&segment.p_type(LittleEndian).0)
}

/// The image's bytes as they lie in memory, from its lowest physical address on. Arm's boot
/// protocol wants this form ("Image"), since QEMU loads no boot archive beside an ELF file there.
pub fn flatten(image: &[u8]) -> Result<Vec<u8>> {
    let (_, segments) = segments(image)?;
    let endian = LittleEndian;
    let loaded = || {
        segments.iter().filter(|segment| {
            segment.p_type(endian) == elf::PT_LOAD && segment.p_filesz(endian) > 0
        })
    };
    let base = loaded()
        .map(|segment| segment.p_paddr(endian))
        .min()
        .context("the image has nothing to load")?;
    let mut flat = Vec::new();
    for segment in loaded() {
        let at = (segment.p_paddr(endian) - base) as usize;
        let data = segment
            .data(endian, image)
            .ok()
            .context("the file is shorter than its program headers say")?;
        if at + data.len() > 64 << 20 {
            bail!("the image's segments lie more than 64 MiB apart");
        }
        if flat.len() < at + data.len() {
            flat.resize(at + data.len(), 0);
        }
        flat[at..at + data.len()].copy_from_slice(data);
    }
    Ok(flat)
}

/// Whether a flat image starts with the header of Arm's boot protocol (Linux,
/// Documentation/arch/arm64/booting.rst: the magic number at byte 56).
pub fn has_arm64_boot_header(flat: &[u8]) -> bool {
    flat.get(56..60) == Some(b"ARM\x64")
}

/// The lowest virtual address that the image occupies.
pub fn base(image: &[u8]) -> Result<u64> {
    let (_, segments) = segments(image)?;
    segments
        .iter()
        .filter(|segment| segment.p_type(LittleEndian) == elf::PT_LOAD)
        .map(|segment| segment.p_vaddr(LittleEndian))
        .min()
        .context("the image has nothing to load")
}

/// The lowest physical address that a kernel's image is loaded at.
pub fn load_address(image: &[u8]) -> Result<u64> {
    let (_, segments) = segments(image)?;
    segments
        .iter()
        .filter(|segment| segment.p_type(LittleEndian) == elf::PT_LOAD)
        .map(|segment| segment.p_paddr(LittleEndian))
        .min()
        .context("the image has nothing to load")
}

/// How many addresses the image covers, from its [`base`] on.
pub fn len(image: &[u8]) -> Result<u64> {
    let (_, segments) = segments(image)?;
    let end = segments
        .iter()
        .filter(|segment| segment.p_type(LittleEndian) == elf::PT_LOAD)
        .map(|segment| segment.p_vaddr(LittleEndian) + segment.p_memsz(LittleEndian))
        .max()
        .unwrap_or(0);
    Ok(end.saturating_sub(base(image)?))
}

/// The linker's build id, in hexadecimal; `None` if the image has none.
pub fn build_id(image: &[u8]) -> Option<String> {
    let (_, segments) = segments(image).ok()?;
    for segment in segments {
        let Ok(Some(mut notes)) = segment.notes(LittleEndian, image) else {
            continue;
        };
        while let Ok(Some(note)) = notes.next() {
            if note.name() == elf::ELF_NOTE_GNU && note.n_type(LittleEndian) == elf::NT_GNU_BUILD_ID
            {
                return Some(
                    note.desc()
                        .iter()
                        .map(|byte| format!("{byte:02x}"))
                        .collect(),
                );
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// This very test program is an ELF file on Linux.
    fn own_image() -> Vec<u8> {
        std::fs::read(std::env::current_exe().unwrap()).unwrap()
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn stripping_keeps_the_segments() {
        let image = own_image();
        let stripped = strip(&image).unwrap();
        assert!(stripped.len() < image.len());
        assert_eq!(build_id(&stripped), build_id(&image));
        let (header, after) = segments(&stripped).unwrap();
        assert_eq!(header.e_shnum(LittleEndian), 0);
        let (_, before) = segments(&image).unwrap();
        for (before, after) in before.iter().zip(after) {
            let end = before.data(LittleEndian, image.as_slice()).unwrap();
            assert!(
                end == after.data(LittleEndian, stripped.as_slice()).unwrap()
                    || before.p_offset(LittleEndian) == 0
            );
        }
    }

    #[test]
    fn rubbish_is_refused() {
        assert!(strip(b"not an image").is_err());
        assert!(flatten(&[0; 200]).is_err());
        assert_eq!(build_id(b"\x7fELF"), None);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn truncated_images_are_refused() {
        let stripped = strip(&own_image()).unwrap();
        assert!(strip(&stripped[..stripped.len() - 1]).is_err());
        assert!(strip(&stripped[..70]).is_err());
    }
}
