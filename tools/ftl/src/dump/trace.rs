//! The trace in a dump: the kernel's rings ([`crate::trace`]), if it was on.

use std::path::Path;

use abi::{TRACE_MAGIC, TraceHeader, TraceRecord};
use anyhow::{Context, Result, bail};
use object::elf::{FileHeader64, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader};
use object::{LittleEndian, ReadRef};

use super::{Dump, MEMORY};
use crate::trace::Summary;

const PAGE: usize = 4096;

impl Dump {
    /// Makes a file for Perfetto of what was traced last.
    pub fn trace(&self, file: &Path) -> Result<Summary> {
        let memory = std::fs::read(self.folder.join(MEMORY))?;
        let rings = rings(&memory)?;
        if rings.is_empty() {
            bail!("nothing was traced; `trace start` in the shell turns it on");
        }
        crate::trace::convert(&rings, &mut std::io::sink(), file)
    }
}

/// All rings in memory, as `trace dump` prints them: the oldest record first.
fn rings(memory: &[u8]) -> Result<Vec<u8>> {
    let header = FileHeader64::<LittleEndian>::parse(memory).context("the dump is broken")?;
    let endian = header.endian()?;
    let mut places: Vec<(u64, u64)> = header
        .program_headers(endian, memory)?
        .iter()
        .filter(|segment| segment.p_type(endian) == PT_LOAD)
        .map(|segment| segment.file_range(endian))
        .collect();
    places.sort();
    places.dedup();
    // A ring lies in one piece, so some segment has it whole; several may have the same pages.
    let (mut found, mut seen) = (Vec::new(), std::collections::BTreeSet::new());
    for (at, len) in places {
        let bytes = memory.read_bytes_at(at, len).unwrap_or(&[]);
        for (page, place) in (0..bytes.len()).step_by(PAGE).enumerate() {
            let ring = &bytes[place..];
            if ring.get(..8) == Some(&TRACE_MAGIC.to_le_bytes()[..])
                && let Some(text) = rotated(ring)
                && seen.insert(at + (page * PAGE) as u64)
            {
                found.extend(text);
            }
        }
    }
    Ok(found)
}

/// A ring's header and its records, the oldest first.
fn rotated(ring: &[u8]) -> Option<Vec<u8>> {
    let word = |index: usize| {
        let bytes = ring.get(index * 8..index * 8 + 8)?;
        Some(u64::from_le_bytes(bytes.try_into().ok()?))
    };
    let (written, capacity) = (word(1)?, usize::try_from(word(2)?).ok()?);
    let len = size_of::<TraceRecord>();
    let header = size_of::<TraceHeader>();
    let records = ring.get(header..header + capacity.checked_mul(len)?)?;
    let mut text = ring[..header].to_vec();
    match usize::try_from(written).ok()? {
        written if written <= capacity => text.extend(&records[..written * len]),
        written => {
            let (new, old) = records.split_at(written % capacity * len);
            text.extend(old);
            text.extend(new);
        }
    }
    Some(text)
}
