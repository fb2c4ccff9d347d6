//! The contents of files: in their node's row if they are small, in rows of the table `chunk` otherwise.

use alloc::vec::Vec;

use abi::{Error, Result};
use sqlite::{Blob, Connection, Value};

use crate::attributes::{Kind, Node};
use crate::error::refused;
use crate::files::{Files, PAGE_LEN};
use crate::schema::CHUNK_BITS;
use crate::snapshot::chunks_of;
use crate::tidy::PIECE;
use crate::{CHUNK_LEN, FILE_LEN_MAX, INLINE_LEN_MAX};

/// Rows of the table `chunk` have lengths that are multiples of this, so that a file that grows
/// in small steps does not have its last row replaced at each.
const ROW_STEP: usize = 4096;

impl Files {
    /// Reads from an open file; how many bytes there were.
    pub fn read(&mut self, node: Node, offset: u64, to: &mut [u8]) -> Result<usize> {
        let (len, inline) = self.file(node)?;
        let count = usize::try_from(len.saturating_sub(offset))
            .unwrap_or(usize::MAX)
            .min(to.len());
        if count == 0 {
            return Ok(0);
        }
        let to = &mut to[..count];
        if inline {
            to.fill(0);
            let data = &mut self.statements.data;
            if data.run(&[node.0.into()]).map_err(refused)? {
                let bytes = data.blob(0).get(offset as usize..).unwrap_or(&[]);
                let there = bytes.len().min(count);
                to[..there].copy_from_slice(&bytes[..there]);
            }
            data.reset();
            return Ok(count);
        }
        let mut done = 0;
        while done < count {
            let (row, within) = place(node, offset + done as u64);
            let part = (CHUNK_LEN - within).min(count - done);
            self.read_chunk(row, within, &mut to[done..done + part])?;
            done += part;
        }
        Ok(count)
    }

    /// Writes to an open file, which grows if needed. If it fails, nothing was written.
    pub fn write(&mut self, node: Node, offset: u64, from: &[u8]) -> Result<()> {
        let (len, inline) = self.file(node)?;
        let end = offset
            .checked_add(from.len() as u64)
            .filter(|&end| end <= FILE_LEN_MAX)
            .ok_or(Error::FileTooLarge)?;
        if from.is_empty() {
            return Ok(());
        }
        let (old, len) = (len, len.max(end));
        self.clear_tail(node, old, len)?;
        let stays_inline = inline && len <= INLINE_LEN_MAX as u64;
        // Each chunk may be new as a whole, and its row may split pages of the tree.
        let chunks = (from.len() / CHUNK_LEN) as u64 + 2;
        // What was there may have to be kept.
        let copies = if self.has_snapshots() { 2 } else { 1 };
        self.reserve(copies * chunks * (CHUNK_LEN as u64 / PAGE_LEN + 3))?;
        self.atomically(|files| {
            if stays_inline {
                return files.write_inline(node, offset as usize, from);
            }
            if inline {
                files.move_out(node)?;
            }
            let mut done = 0;
            while done < from.len() {
                let (row, within) = place(node, offset + done as u64);
                let part = (CHUNK_LEN - within).min(from.len() - done);
                files.write_chunk(row, within, &from[done..done + part])?;
                done += part;
            }
            Ok(())
        })?;
        self.contents_changed(node, len, stays_inline);
        self.written += from.len() as u64 + CHUNK_LEN as u64;
        self.commit_if_large()
    }

    /// Cuts an open file, or makes it longer with zeroes.
    pub fn set_len(&mut self, node: Node, len: u64) -> Result<()> {
        let (old, inline) = self.file(node)?;
        if len > FILE_LEN_MAX {
            return Err(Error::FileTooLarge);
        }
        let stays_inline = inline && len <= INLINE_LEN_MAX as u64;
        let cuts_a_chunk = !inline && len < old && !len.is_multiple_of(CHUNK_LEN as u64);
        if len > old {
            self.clear_tail(node, old, len)?;
            self.reserve(8)?;
        } else if cuts_a_chunk && self.has_snapshots() {
            // The last chunk that stays is kept for the newest.
            self.reserve(CHUNK_LEN as u64 / PAGE_LEN + 3)?;
        }
        self.atomically(|files| {
            if inline && !stays_inline {
                files.move_out(node)?;
            } else if inline && len < old {
                files.cut_inline(node, len as usize)?;
            } else if len < old {
                files.cut_chunks(node, old, len)?;
            }
            Ok(())
        })?;
        self.contents_changed(node, len, stays_inline);
        Ok(())
    }

    /// An open file's length, and whether its bytes are in its row.
    fn file(&self, node: Node) -> Result<(u64, bool)> {
        let open = self.open.get(&node).ok_or(Error::BadHandle)?;
        match open.attributes.kind {
            Kind::File => Ok((open.attributes.len, open.inline)),
            Kind::Directory => Err(Error::IsADirectory),
            Kind::Symlink => Err(Error::InvalidArgument),
        }
    }

    fn contents_changed(&mut self, node: Node, len: u64, inline: bool) {
        let now = self.now();
        if let Some(open) = self.open.get_mut(&node) {
            open.attributes.len = len;
            open.attributes.times.modified = now;
            open.attributes.times.changed = now;
            open.inline = inline;
            open.dirty = true;
        }
    }

    fn write_inline(&mut self, node: Node, offset: usize, from: &[u8]) -> Result<()> {
        let mut bytes = self.inline_bytes(node)?;
        let end = offset + from.len();
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[offset..end].copy_from_slice(from);
        self.set_inline(node, Some(&bytes))
    }

    fn cut_inline(&mut self, node: Node, len: usize) -> Result<()> {
        let mut bytes = self.inline_bytes(node)?;
        bytes.truncate(len);
        self.set_inline(node, Some(&bytes))
    }

    /// From a node's row to the table `chunk`.
    fn move_out(&mut self, node: Node) -> Result<()> {
        let bytes = self.inline_bytes(node)?;
        if !bytes.is_empty() {
            self.write_chunk(place(node, 0).0, 0, &bytes)?;
        }
        self.set_inline(node, None)
    }

    fn inline_bytes(&mut self, node: Node) -> Result<Vec<u8>> {
        let data = &mut self.statements.data;
        data.run(&[node.0.into()]).map_err(refused)?;
        let bytes = data.blob(0);
        let result = match bytes.len() <= INLINE_LEN_MAX {
            true => Ok(bytes.to_vec()),
            false => Err(Error::InvalidData),
        };
        data.reset();
        result
    }

    fn set_inline(&mut self, node: Node, bytes: Option<&[u8]>) -> Result<()> {
        let value = bytes.map_or(Value::Null, Value::Blob);
        self.statements
            .data_set
            .execute(&[node.0.into(), value])
            .map_err(refused)
    }

    /// Opens a chunk for reading. `None` if it is not there.
    fn chunk(&mut self, row: i64) -> Result<Option<&mut Blob>> {
        let moved = match &mut self.chunk {
            Some((at, blob)) => *at == row || blob.move_to(row).map(|()| *at = row).is_ok(),
            None => false,
        };
        if !moved {
            // It is not there, or the one before was replaced and its blob is of no use any more.
            self.begin_reading()?;
            self.chunk = open_chunk(&self.db, row, false)?.map(|blob| (row, blob));
        }
        Ok(self.chunk.as_mut().map(|(_, blob)| blob))
    }

    fn read_chunk(&mut self, row: i64, within: usize, to: &mut [u8]) -> Result<()> {
        let Some(blob) = self.chunk(row)? else {
            to.fill(0);
            return Ok(());
        };
        let there = blob.len().saturating_sub(within).min(to.len());
        let (read, missing) = to.split_at_mut(there);
        missing.fill(0);
        match there {
            0 => Ok(()),
            _ => read_blob(blob, row, within, read),
        }
    }

    fn write_chunk(&mut self, row: i64, within: usize, from: &[u8]) -> Result<()> {
        let end = within + from.len();
        self.preserve(row, row)?;
        // Not kept: a savepoint does not end while a blob is open for writing.
        if let Some(mut blob) = open_chunk(&self.db, row, true)?
            && end <= blob.len()
        {
            return blob.write(within, from).map_err(refused);
        }
        // It is not there, or too short: it is written as a whole, and longer than needed.
        self.chunk = None;
        let mut bytes = Vec::new();
        bytes
            .try_reserve_exact(CHUNK_LEN)
            .map_err(|_| Error::OutOfMemory)?;
        let get = &mut self.statements.chunk_get;
        if get.run(&[row.into()]).map_err(refused)? {
            bytes.extend_from_slice(get.blob(0));
            get.reset();
        }
        if bytes.len() > CHUNK_LEN {
            return Err(Error::InvalidData);
        }
        let len = end.next_multiple_of(ROW_STEP).max(bytes.len());
        bytes.resize(len.min(CHUNK_LEN), 0);
        bytes[within..end].copy_from_slice(from);
        self.statements
            .chunk_put
            .execute(&[row.into(), Value::Blob(&bytes)])
            .map_err(refused)
    }

    /// Removes what lies behind a file's new end, now or, if it is much, bit by bit.
    fn cut_chunks(&mut self, node: Node, old: u64, len: u64) -> Result<()> {
        self.chunk = None;
        let (row, within) = place(node, len);
        let (first, last) = (first_behind(node, len), first_behind(node, old) - 1);
        if self.has_snapshots() || last - first >= PIECE || self.tidying.nodes.contains(&node) {
            if first <= last {
                self.cut_later(node)?;
            }
        } else {
            self.remove_chunks(first, chunks_of(node).1)?;
        }
        if within == 0 {
            return Ok(());
        }
        // What is cut off must be zero if the file grows again.
        let kept = &mut self.statements.chunk_len;
        let there = kept.run(&[row.into()]).map_err(refused)?;
        let there = if there { kept.integer(0) as usize } else { 0 };
        kept.reset();
        if there > within && there <= CHUNK_LEN {
            let zeroes = alloc::vec![0; there - within];
            self.write_chunk(row, within, &zeroes)?;
        }
        Ok(())
    }
}

/// Reads a part of a chunk that is open.
fn read_blob(blob: &mut Blob, row: i64, within: usize, to: &mut [u8]) -> Result<()> {
    let mut is_again = false;
    loop {
        let Err(error) = blob.read(within, to) else {
            return Ok(());
        };
        // Closing a blob that could not read takes back the whole transaction, also what others have done in it. One that
        // was moved since, and be it to where it is, has nothing to complain of.
        let moved = blob.move_to(row);
        // If it was for memory, the cache has given back what it had.
        if is_again || moved.is_err() || error.kind != sqlite::Kind::OutOfMemory {
            return Err(refused(error));
        }
        is_again = true;
    }
}

/// Opens a chunk. `None` if it is not there.
fn open_chunk(db: &Connection, row: i64, writable: bool) -> Result<Option<Blob>> {
    match db.blob(c"chunk", c"data", row, writable) {
        Ok(blob) => Ok(Some(blob)),
        // "no such rowid"
        Err(error) if error.kind == sqlite::Kind::Misuse => Ok(None),
        Err(error) => Err(refused(error)),
    }
}

/// The row of the first chunk that lies wholly behind the end of a file of this length.
pub(crate) fn first_behind(node: Node, len: u64) -> i64 {
    (node.0 << CHUNK_BITS) + len.div_ceil(CHUNK_LEN as u64) as i64
}

/// The row of the chunk that holds this byte of a file, and where in it.
pub(crate) fn place(node: Node, offset: u64) -> (i64, usize) {
    let number = offset / CHUNK_LEN as u64;
    (
        (node.0 << CHUNK_BITS) + number as i64,
        (offset % CHUNK_LEN as u64) as usize,
    )
}
