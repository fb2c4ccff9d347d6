//! Reading little-endian numbers out of bytes that may end too early.

use crate::Error;

/// `len` bytes from `offset` on.
pub(crate) fn slice(bytes: &[u8], offset: u64, len: u64) -> Result<&[u8], Error> {
    let start = usize::try_from(offset).map_err(|_| Error::Truncated)?;
    let len = usize::try_from(len).map_err(|_| Error::Truncated)?;
    let end = start.checked_add(len).ok_or(Error::Truncated)?;
    bytes.get(start..end).ok_or(Error::Truncated)
}

pub(crate) fn read_u16(bytes: &[u8], offset: usize) -> Result<u16, Error> {
    Ok(u16::from_le_bytes(array(bytes, offset)?))
}

pub(crate) fn read_u32(bytes: &[u8], offset: usize) -> Result<u32, Error> {
    Ok(u32::from_le_bytes(array(bytes, offset)?))
}

pub(crate) fn read_u64(bytes: &[u8], offset: usize) -> Result<u64, Error> {
    Ok(u64::from_le_bytes(array(bytes, offset)?))
}

fn array<const N: usize>(bytes: &[u8], offset: usize) -> Result<[u8; N], Error> {
    let rest = bytes.get(offset..).ok_or(Error::Truncated)?;
    rest.first_chunk().copied().ok_or(Error::Truncated)
}
