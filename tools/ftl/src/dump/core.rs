//! A dump's memory: an ELF file that gdb reads as what is left of a program that crashed.
//!
//! QEMU writes physical memory. What a person asks for are addresses as the kernel and the component that crashed saw
//! them, so each range of those becomes a segment that lies over a part of the same bytes. Pages of zeros, which is most
//! of a machine, are holes in the file.

use std::fs::File;
use std::io::{BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};
use object::elf::{FileHeader64, PT_LOAD, PT_NOTE, ProgramType};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{LittleEndian, ReadRef};

use super::tables::{self, Range};
use crate::arch::Arch;

const PAGE: u64 = 4096;
/// Lengths of the headers of ELF files of 64 bits.
const FILE_HEADER_LEN: u64 = 64;
const PROGRAM_HEADER_LEN: u64 = 56;

/// Physical memory in a file that QEMU wrote.
struct Raw<'a> {
    bytes: &'a [u8],
    /// Physical address, place in the file, length.
    memory: Vec<(u64, u64, u64)>,
    note: (u64, u64),
    machine: u16,
}

impl<'a> Raw<'a> {
    fn new(bytes: &'a [u8]) -> Result<Raw<'a>> {
        let header = FileHeader64::<LittleEndian>::parse(bytes)?;
        let endian = header.endian()?;
        let (mut memory, mut note) = (Vec::new(), (0, 0));
        for segment in header.program_headers(endian, bytes)? {
            let (at, len) = segment.file_range(endian);
            match segment.p_type(endian) {
                PT_LOAD if len > 0 => memory.push((segment.p_paddr(endian), at, len)),
                PT_NOTE => note = (at, len),
                _ => {}
            }
        }
        Ok(Raw {
            bytes,
            memory,
            note,
            machine: header.e_machine(endian).0,
        })
    }

    fn word(&self, physical: u64) -> Option<u64> {
        let (base, at, _) = self.memory.iter().find(|(base, _, len)| {
            (*base..base + len).contains(&physical) && physical + 8 <= base + len
        })?;
        let bytes = self.bytes.read_bytes_at(at + (physical - base), 8).ok()?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    }
}

/// Makes `core` of what QEMU wrote to `raw`. `registers`: what is in those that [`tables::roots`] names, on the CPU whose
/// view of memory counts.
pub fn write(arch: Arch, raw: &Path, registers: &[u64], core: &Path) -> Result<()> {
    let mut bytes = Vec::new();
    File::open(raw)?.read_to_end(&mut bytes)?;
    let raw = Raw::new(&bytes).context("QEMU's dump cannot be read")?;
    let ranges = tables::walk(arch, registers, &|at| raw.word(at));
    let file = File::create(core).with_context(|| format!("cannot write {}", core.display()))?;
    let mut file = BufWriter::with_capacity(1 << 20, file);

    // Where each part of physical memory goes in the file.
    let segments = segments(&raw, &ranges);
    let Ok(count) = u16::try_from(segments.len() + 1) else {
        bail!("memory is in too many pieces");
    };
    let notes_at = FILE_HEADER_LEN + u64::from(count) * PROGRAM_HEADER_LEN;
    let mut at = (notes_at + raw.note.1).next_multiple_of(PAGE);
    let mut places = Vec::new();
    for (base, from, len) in &raw.memory {
        places.push((*base, *from, *len, at));
        at += len.next_multiple_of(PAGE);
    }

    let mut header = vec![0x7f, b'E', b'L', b'F', 2, 1, 1];
    header.resize(16, 0);
    header.extend(4u16.to_le_bytes()); // ET_CORE
    header.extend(raw.machine.to_le_bytes());
    header.extend(1u32.to_le_bytes());
    for word in [0, FILE_HEADER_LEN, 0] {
        header.extend(u64::to_le_bytes(word));
    }
    header.extend(0u32.to_le_bytes());
    for half in [
        FILE_HEADER_LEN as u16,
        PROGRAM_HEADER_LEN as u16,
        count,
        0,
        0,
        0,
    ] {
        header.extend(half.to_le_bytes());
    }
    let mut program_header = |kind: ProgramType, place, address, physical, len: u64| {
        header.extend(kind.0.to_le_bytes());
        header.extend(7u32.to_le_bytes());
        // gdb wants words of notes to be aligned like words.
        let align = if kind == PT_NOTE { 4 } else { PAGE };
        for word in [place, address, physical, len, len, align] {
            header.extend(u64::to_le_bytes(word));
        }
    };
    program_header(PT_NOTE, notes_at, 0, 0, raw.note.1);
    for segment in &segments {
        let place = places
            .iter()
            .find(|(base, _, len, _)| (*base..base + len).contains(&segment.physical))
            .map_or(0, |(base, _, _, place)| place + (segment.physical - base));
        program_header(
            PT_LOAD,
            place,
            segment.address,
            segment.physical,
            segment.len,
        );
    }
    file.write_all(&header)?;
    file.write_all(
        raw.bytes
            .read_bytes_at(raw.note.0, raw.note.1)
            .unwrap_or(&[]),
    )?;
    for (_, from, len, place) in places {
        let memory = raw.bytes.read_bytes_at(from, len).unwrap_or(&[]);
        let mut position = None;
        for (page, bytes) in (0u64..).zip(memory.chunks(PAGE as usize)) {
            if bytes.iter().any(|&byte| byte != 0) {
                let at = place + page * PAGE;
                if position != Some(at) {
                    file.seek(SeekFrom::Start(at))?;
                }
                file.write_all(bytes)?;
                position = Some(at + bytes.len() as u64);
            }
        }
    }
    file.flush()?;
    file.get_ref().set_len(at)?;
    Ok(())
}

/// The parts of ranges that lead to memory and not to devices.
fn segments(raw: &Raw<'_>, ranges: &[Range]) -> Vec<Range> {
    let mut segments = Vec::new();
    for range in ranges {
        for (base, _, len) in &raw.memory {
            let from = range.physical.max(*base);
            let to = (range.physical + range.len).min(base + len);
            if from < to {
                segments.push(Range {
                    address: range.address + (from - range.physical),
                    physical: from,
                    len: to - from,
                });
            }
        }
    }
    segments
}
