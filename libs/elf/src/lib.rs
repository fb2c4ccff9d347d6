//! Reads the ELF images that components are linked into, so that the kernel can load them.
//!
//! An [`Image`] is a view of bytes that nobody has checked before: it may be truncated, damaged or
//! made to harm. It accepts exactly what our linker flags produce (`.cargo/config.toml`): 64-bit,
//! little-endian, position-independent (`ET_DYN`), linked to no library, with nothing but relative
//! relocations. Whatever else there is in ELF is refused with an [`Error`] that says why.
//!
//! 1. No input makes this crate panic, loop for long or read outside the given bytes.
//! 2. What [`Image::parse`] has accepted needs no second look by the loader: segments lie in
//!    ascending order, share no page, are never writable and executable at once, and stay below
//!    [`Image::memory_len`]; each relocation lies in a segment that is writable and points into the
//!    image. So the others are in memory what they are in the file, wherever the image is loaded.
//! 3. `parse` takes time for the headers only. Relocations can be many, so they are read by index:
//!    the loader applies them in pieces as small as it likes.
//!
//! The crate `elf` was considered. Of the checks above it makes only the one against reading
//! outside the file; what would remain of ours is as long as this file.
//!
//! Source: "System V ABI, gABI 4.1" (chapters 4 and 5).
#![no_std]
#![forbid(unsafe_code)]

mod bytes;
mod error;
mod notes;

use core::ops::Range;

use bytes::{read_u16, read_u32, read_u64, slice};
pub use error::Error;

/// Segments are loaded by the page, since memory is protected by the page.
pub const PAGE_SIZE: u64 = 4096;
/// The most memory that [`Image::parse`] lets an image span.
pub const MEMORY_LEN_MAX: u64 = 256 << 20;

// Tables are walked at each call, so their lengths are bounded. Our images have about 10 program
// headers and about 20 dynamic entries.
const PROGRAM_HEADERS_MAX: usize = 64;
const DYNAMIC_ENTRIES_MAX: usize = 256;

const HEADER_LEN: usize = 64;
const PROGRAM_HEADER_LEN: usize = 56;
const DYNAMIC_ENTRY_LEN: usize = 16;
const RELOCATION_LEN: usize = 24;

// gABI, "Program Header", p_type and p_flags.
const PT_LOAD: u32 = 1;
const PT_DYNAMIC: u32 = 2;
const PT_INTERP: u32 = 3;
const PT_NOTE: u32 = 4;
const PT_TLS: u32 = 7;
const PF_X: u32 = 1;
const PF_W: u32 = 2;
const PF_R: u32 = 4;

// gABI, "Dynamic Section", d_tag. DT_RELR: gABI draft of 2022.
const DT_NULL: u64 = 0;
const DT_NEEDED: u64 = 1;
const DT_PLTRELSZ: u64 = 2;
const DT_RELA: u64 = 7;
const DT_RELASZ: u64 = 8;
const DT_RELAENT: u64 = 9;
const DT_RELSZ: u64 = 18;
const DT_RELRSZ: u64 = 35;

/// The processor that an image must be for. Which ones there are is not this crate's business: the kernel's
/// `arch/` says what its own is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Machine {
    /// The header's `e_machine`.
    pub number: u16,
    /// The number of the relocation that adds the image's place, from the processor's supplement to the ABI.
    pub relative_relocation: u32,
}

/// A part of the image that is to be in memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Where it begins, relative to where the image is loaded. Not always at the start of a page.
    pub vaddr: u64,
    /// Its bytes in memory. Those beyond `file_range` are zero.
    pub memory_len: u64,
    /// Where its first bytes lie in the file.
    pub file_range: Range<usize>,
    /// May it be read?
    pub readable: bool,
    /// May it be written?
    pub writable: bool,
    /// May it be executed?
    pub executable: bool,
}

impl Segment {
    /// The pages that it occupies, relative to where the image is loaded. No other segment
    /// occupies any of them.
    pub fn pages(&self) -> Range<u64> {
        // `parse` has checked that the end, rounded up, does not overflow.
        let end = self.vaddr + self.memory_len;
        self.vaddr & !(PAGE_SIZE - 1)..end.next_multiple_of(PAGE_SIZE)
    }
}

/// "Store `load address + addend` as a 64-bit word at `load address + offset`."
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relocation {
    /// Where to store, relative to where the image is loaded. A multiple of 8.
    pub offset: u64,
    /// What to add to the load address. At most [`Image::memory_len`].
    pub addend: u64,
}

/// A component's image, found to be in order.
#[derive(Clone, Debug)]
pub struct Image<'a> {
    bytes: &'a [u8],
    machine: Machine,
    program_headers: &'a [u8],
    relocations: &'a [u8],
    entry: u64,
    memory_len: u64,
}

impl<'a> Image<'a> {
    /// Checks an image for `machine` that spans at most [`MEMORY_LEN_MAX`] bytes of memory.
    pub fn parse(bytes: &'a [u8], machine: Machine) -> Result<Image<'a>, Error> {
        Image::parse_limited(bytes, machine, MEMORY_LEN_MAX)
    }

    /// Checks an image for `machine` that spans at most `memory_len_max` bytes of memory.
    pub fn parse_limited(
        bytes: &'a [u8],
        machine: Machine,
        memory_len_max: u64,
    ) -> Result<Image<'a>, Error> {
        let program_headers = parse_header(bytes, machine)?;
        let mut image = Image {
            bytes,
            machine,
            program_headers,
            relocations: &[],
            // gABI, "ELF Header": e_entry.
            entry: read_u64(bytes, 24)?,
            memory_len: 0,
        };

        let mut dynamic = None;
        let mut entry_is_code = false;
        for header in image.headers() {
            match header.kind {
                PT_LOAD => {
                    let segment = image.check_segment(&header, memory_len_max)?;
                    image.memory_len = segment.pages().end;
                    let end = segment.vaddr + segment.memory_len;
                    entry_is_code |=
                        segment.executable && (segment.vaddr..end).contains(&image.entry);
                }
                PT_DYNAMIC => dynamic = Some(header),
                PT_INTERP => return Err(Error::NeedsInterpreter),
                PT_TLS => return Err(Error::ThreadLocal),
                _ => {}
            }
        }
        if image.memory_len == 0 {
            return Err(Error::NothingToLoad);
        }
        if !entry_is_code {
            return Err(Error::EntryNotExecutable);
        }
        if let Some(header) = dynamic {
            image.relocations = image.find_relocations(&header)?;
        }
        Ok(image)
    }

    /// Where it starts, relative to where it is loaded; always inside an executable segment.
    pub fn entry(&self) -> u64 {
        self.entry
    }

    /// Bytes of memory from the load address to the end of the last segment's last page.
    pub fn memory_len(&self) -> u64 {
        self.memory_len
    }

    /// What to put into memory, in ascending order of addresses.
    pub fn segments(&self) -> impl Iterator<Item = Segment> + use<'a> {
        // `parse` has seen each of them succeed.
        let bytes = self.bytes;
        headers(self.program_headers)
            .filter(|header| header.kind == PT_LOAD && header.memory_len != 0)
            .filter_map(move |header| header.segment(bytes).ok())
    }

    /// The bytes of `segment` that come from the file.
    pub fn content(&self, segment: &Segment) -> &'a [u8] {
        self.bytes.get(segment.file_range.clone()).unwrap_or(&[])
    }

    /// Where in the file a whole page lies that is in memory as it is there: the page at this multiple of [`PAGE_SIZE`],
    /// which is one of the segment's. Nothing if the file has less of it, or if it has zeros that the file has not.
    pub fn page_in_file(&self, segment: &Segment, address: u64) -> Option<usize> {
        // What lies beside the segment on its first and last page is some other part of the file.
        let place = (segment.file_range.start as u64 + address).checked_sub(segment.vaddr)?;
        let in_file = segment.vaddr + segment.file_range.len() as u64;
        let in_memory = segment.vaddr + segment.memory_len;
        let is_whole = in_file == in_memory || address + PAGE_SIZE <= in_file;
        let end = place.checked_add(PAGE_SIZE)?;
        (is_whole && end <= self.bytes.len() as u64).then_some(place as usize)
    }

    /// How many relocations there are to apply.
    pub fn relocation_count(&self) -> usize {
        self.relocations.len() / RELOCATION_LEN
    }

    /// A relocation, below [`Image::relocation_count`].
    pub fn relocation(&self, index: usize) -> Result<Relocation, Error> {
        self.relocation_near(index, &mut (0..0))
    }

    /// The relocations with these indexes, in order, as [`Image::relocation`] gives each.
    pub fn relocations(
        &self,
        indexes: Range<usize>,
    ) -> impl Iterator<Item = Result<Relocation, Error>> {
        let mut room = 0..0;
        indexes.map(move |index| self.relocation_near(index, &mut room))
    }

    /// A relocation; `room` is where the words of the segment begin that the one before was in, and this one mostly is, too.
    fn relocation_near(&self, index: usize, room: &mut Range<u64>) -> Result<Relocation, Error> {
        let at = index.checked_mul(RELOCATION_LEN).ok_or(Error::Truncated)?;
        let entry: &[u8; RELOCATION_LEN] = self
            .relocations
            .get(at..)
            .and_then(<[u8]>::first_chunk)
            .ok_or(Error::Truncated)?;
        // gABI, "Relocation": r_offset, r_info (type in the low half, symbol in the high), r_addend.
        let ([offset, info, addend], _) = entry.as_chunks::<8>() else {
            return Err(Error::Truncated);
        };
        let [offset, info, addend] = [offset, info, addend].map(|word| u64::from_le_bytes(*word));
        if info != u64::from(self.machine.relative_relocation) {
            return Err(Error::RelocationKind);
        }
        if !offset.is_multiple_of(8) {
            return Err(Error::RelocationUnaligned);
        }
        if !room.contains(&offset) {
            let words = |segment: Segment| {
                segment.vaddr..(segment.vaddr + segment.memory_len).saturating_sub(7)
            };
            let writable = self.segments().filter(|segment| segment.writable);
            *room = writable
                .map(words)
                .find(|words| words.contains(&offset))
                .ok_or(Error::RelocationOutside)?;
        }
        // One past the end is allowed: a linker's `end` symbol lies there.
        if addend > self.memory_len {
            return Err(Error::RelocationTarget);
        }
        Ok(Relocation { offset, addend })
    }

    /// The linker's hash of the content (`--build-id`), if the image holds one.
    pub fn build_id(&self) -> Option<&'a [u8]> {
        self.headers()
            .filter(|header| header.kind == PT_NOTE)
            .filter_map(|header| slice(self.bytes, header.file_offset, header.file_len).ok())
            .find_map(notes::build_id)
    }

    fn headers(&self) -> impl Iterator<Item = ProgramHeader> + use<'a> {
        headers(self.program_headers)
    }

    /// Checks the next PT_LOAD, `memory_len` being the end of those before it.
    fn check_segment(&self, header: &ProgramHeader, limit: u64) -> Result<Segment, Error> {
        let segment = header.segment(self.bytes)?;
        let end = header
            .vaddr
            .checked_add(header.memory_len)
            .and_then(|end| end.checked_next_multiple_of(PAGE_SIZE))
            .ok_or(Error::TooLarge)?;
        if end > limit {
            return Err(Error::TooLarge);
        }
        if header.memory_len == 0 {
            return Err(Error::EmptySegment);
        }
        if segment.writable && segment.executable {
            return Err(Error::WritableCode);
        }
        if self.memory_len == 0 && segment.vaddr >= PAGE_SIZE {
            return Err(Error::FirstPageEmpty);
        }
        // Pages are what gets protected, so two segments must not meet on one either. gABI,
        // "Program Header", asks for ascending order.
        if segment.pages().start < self.memory_len {
            return Err(Error::SegmentsOverlap);
        }
        Ok(segment)
    }

    /// Finds the table of relocations through the dynamic section (gABI, "Dynamic Section").
    fn find_relocations(&self, header: &ProgramHeader) -> Result<&'a [u8], Error> {
        let dynamic = slice(self.bytes, header.file_offset, header.file_len)?;
        let (mut address, mut len, mut entry_len) = (None, 0, RELOCATION_LEN as u64);
        let mut terminated = false;
        for at in (0..dynamic.len())
            .step_by(DYNAMIC_ENTRY_LEN)
            .take(DYNAMIC_ENTRIES_MAX)
        {
            let tag = read_u64(dynamic, at)?;
            let value = read_u64(dynamic, at + 8)?;
            match tag {
                DT_NULL => {
                    terminated = true;
                    break;
                }
                DT_RELA => address = Some(value),
                DT_RELASZ => len = value,
                DT_RELAENT => entry_len = value,
                DT_NEEDED => return Err(Error::NeedsLibrary),
                DT_PLTRELSZ | DT_RELSZ | DT_RELRSZ if value != 0 => {
                    return Err(Error::RelocationKind);
                }
                _ => {}
            }
        }
        if !terminated {
            return Err(Error::BadDynamicSection);
        }
        if len == 0 {
            return Ok(&[]);
        }
        if entry_len != RELOCATION_LEN as u64 || !len.is_multiple_of(entry_len) {
            return Err(Error::BadDynamicSection);
        }
        let address = address.ok_or(Error::BadDynamicSection)?;
        // The table is named by its address; it must lie in the file part of one segment.
        for segment in self.segments() {
            let Some(skip) = address.checked_sub(segment.vaddr) else {
                continue;
            };
            let content = self.content(&segment);
            if skip < content.len() as u64 {
                return slice(content, skip, len);
            }
        }
        Err(Error::BadDynamicSection)
    }
}

/// Checks the file header (gABI, "ELF Header") and returns the table of program headers.
fn parse_header(bytes: &[u8], machine: Machine) -> Result<&[u8], Error> {
    const MAGIC: &[u8] = b"\x7fELF";
    const CLASS_64: u8 = 2;
    const LITTLE_ENDIAN: u8 = 1;
    const VERSION: u8 = 1;
    const ET_DYN: u16 = 3;

    if bytes.get(..MAGIC.len()) != Some(MAGIC) {
        return Err(Error::NotElf);
    }
    if bytes.len() < HEADER_LEN {
        return Err(Error::Truncated);
    }
    if bytes[4..7] != [CLASS_64, LITTLE_ENDIAN, VERSION] {
        return Err(Error::Not64BitLittleEndian);
    }
    if read_u16(bytes, 18)? != machine.number {
        return Err(Error::WrongMachine);
    }
    if read_u16(bytes, 16)? != ET_DYN {
        return Err(Error::NotPositionIndependent);
    }
    let table_offset = read_u64(bytes, 32)?;
    let entry_len = read_u16(bytes, 54)?;
    let count = usize::from(read_u16(bytes, 56)?);
    if usize::from(entry_len) != PROGRAM_HEADER_LEN || count > PROGRAM_HEADERS_MAX {
        return Err(Error::BadProgramHeaders);
    }
    slice(bytes, table_offset, (count * PROGRAM_HEADER_LEN) as u64)
}

/// An entry of the table of program headers (gABI, "Program Header"), unchecked.
struct ProgramHeader {
    kind: u32,
    flags: u32,
    file_offset: u64,
    vaddr: u64,
    file_len: u64,
    memory_len: u64,
}

impl ProgramHeader {
    fn segment(&self, bytes: &[u8]) -> Result<Segment, Error> {
        slice(bytes, self.file_offset, self.file_len)?;
        if self.file_len > self.memory_len {
            return Err(Error::BadProgramHeaders);
        }
        // Both fit: the slice exists.
        let start = self.file_offset as usize;
        Ok(Segment {
            vaddr: self.vaddr,
            memory_len: self.memory_len,
            file_range: start..start + self.file_len as usize,
            readable: self.flags & PF_R != 0,
            writable: self.flags & PF_W != 0,
            executable: self.flags & PF_X != 0,
        })
    }
}

fn headers(table: &[u8]) -> impl Iterator<Item = ProgramHeader> + use<'_> {
    table.chunks_exact(PROGRAM_HEADER_LEN).filter_map(|entry| {
        Some(ProgramHeader {
            kind: read_u32(entry, 0).ok()?,
            flags: read_u32(entry, 4).ok()?,
            file_offset: read_u64(entry, 8).ok()?,
            vaddr: read_u64(entry, 16).ok()?,
            file_len: read_u64(entry, 32).ok()?,
            memory_len: read_u64(entry, 40).ok()?,
        })
    })
}
