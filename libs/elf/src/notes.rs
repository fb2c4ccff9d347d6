//! Notes: small tagged records that a linker leaves in an image.

use crate::bytes::{read_u32, slice};

/// A linker writes a handful of notes; longer lists are not searched.
const NOTES_MAX: usize = 16;
/// The note of owner `GNU` that `--build-id` makes.
const NT_GNU_BUILD_ID: u32 = 3;

/// The build id among `notes`. Layout: gABI, "Note Section"; name and content are each filled up
/// to a multiple of 4 bytes.
pub(crate) fn build_id(notes: &[u8]) -> Option<&[u8]> {
    let mut rest = notes;
    for _ in 0..NOTES_MAX {
        let name_len = read_u32(rest, 0).ok()?;
        let content_len = read_u32(rest, 4).ok()?;
        let kind = read_u32(rest, 8).ok()?;
        let content_offset = 12 + u64::from(name_len).next_multiple_of(4);
        let name = slice(rest, 12, name_len.into()).ok()?;
        let content = slice(rest, content_offset, content_len.into()).ok()?;
        if kind == NT_GNU_BUILD_ID && name == b"GNU\0" {
            return Some(content);
        }
        let next = content_offset + u64::from(content_len).next_multiple_of(4);
        rest = rest.get(usize::try_from(next).ok()?..)?;
    }
    None
}
