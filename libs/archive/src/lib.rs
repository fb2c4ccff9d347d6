//! Reads the boot archive: component images and the wiring plan, packed as a tar file.
//!
//! tar was chosen because any tool can list and unpack it, and because each file lies in it
//! uncompressed in one piece: the kernel loads a component straight out of the archive, given
//! [`Entry::offset`] and the length.
//!
//! The format is `ustar` (POSIX.1-1988, "ustar Interchange Format"), regular files only, with
//! names of up to 100 bytes. The host tool writes just that, and between files extended headers of pax
//! (POSIX.1-2001) with a comment, so that images begin at pages. Those are skipped, as directories are, and
//! everything else is refused.
//!
//! 1. No input makes this crate panic or read outside the given bytes.
//! 2. [`Archive::new`] checks every header, so that what comes after cannot fail.
//!
//! The crate `tar-no-std` was considered: it stops silently at what it does not understand, which
//! would leave a truncated archive unnoticed, and it reads through `unsafe`.
#![no_std]
#![forbid(unsafe_code)]

/// Headers and contents start at multiples of this.
pub const BLOCK_LEN: usize = 512;

/// Why an archive was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// It ends in the middle of a header or of a file, or without its end mark.
    Truncated {
        /// Where the header lies that could not be followed to its end.
        offset: usize,
    },
    /// A header is not one of `ustar`, or its checksum is wrong.
    BadHeader {
        /// Where the header lies.
        offset: usize,
    },
    /// A name is empty, too long or not UTF-8.
    BadName {
        /// Where the header lies.
        offset: usize,
    },
    /// Something other than a regular file, a directory or a comment.
    UnsupportedKind {
        /// Where the header lies.
        offset: usize,
    },
}

impl core::fmt::Display for Error {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Error::Truncated { offset } => {
                write!(
                    f,
                    "the boot archive ends in the middle of the entry at {offset}"
                )
            }
            Error::BadHeader { offset } => {
                write!(f, "the boot archive is damaged at {offset}")
            }
            Error::BadName { offset } => {
                write!(f, "the boot archive has a bad file name at {offset}")
            }
            Error::UnsupportedKind { offset } => {
                write!(
                    f,
                    "the boot archive has something that is not a file at {offset}"
                )
            }
        }
    }
}

impl core::error::Error for Error {}

/// A file in the archive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry<'a> {
    /// Its name, `/` between parts.
    pub name: &'a str,
    /// Where its content begins, counted from the start of the archive; a multiple of [`BLOCK_LEN`].
    pub offset: usize,
    /// Its content.
    pub data: &'a [u8],
}

/// An archive, found to be in order.
#[derive(Clone, Copy, Debug)]
pub struct Archive<'a> {
    /// The headers and contents, without the end mark and what follows it.
    bytes: &'a [u8],
}

impl<'a> Archive<'a> {
    /// Checks an archive. Bytes after its end mark are ignored.
    pub fn new(bytes: &'a [u8]) -> Result<Archive<'a>, Error> {
        let mut at = 0;
        while let Some(header) = Header::read(bytes, at, Head::read)? {
            at = header.next;
        }
        Ok(Archive {
            bytes: &bytes[..at],
        })
    }

    /// The content of the first file with this name.
    pub fn find(&self, name: &str) -> Option<&'a [u8]> {
        self.find_entry(name).map(|entry| entry.data)
    }

    /// The first file with this name.
    pub fn find_entry(&self, name: &str) -> Option<Entry<'a>> {
        self.entries().find(|entry| entry.name == name)
    }

    /// All files, in the order in which they were packed.
    pub fn entries(&self) -> impl Iterator<Item = Entry<'a>> + use<'a> {
        let bytes = self.bytes;
        let mut at = 0;
        core::iter::from_fn(move || {
            while at < bytes.len() {
                // `new` has read the same headers without an error, and added each of them up, which takes long.
                let header = Header::read(bytes, at, Head::read_again).ok()??;
                at = header.next;
                if header.is_file {
                    return Some(header.entry);
                }
            }
            None
        })
    }

    /// How many bytes are used, without the end mark.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Does it hold nothing at all?
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}

/// What a header says, for whoever has the archive in pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'a> {
    /// The file's name; empty for a directory or a comment, whose name is of no interest (`./` would be left without one).
    pub name: &'a str,
    /// Bytes of content, which lie behind the header and are filled up to a multiple of [`BLOCK_LEN`].
    pub len: usize,
    /// Whether it is a file.
    pub is_file: bool,
}

impl<'a> Head<'a> {
    /// Reads the header that lies at `at`; nothing if it is the end mark.
    pub fn read(header: &'a [u8; BLOCK_LEN], at: usize) -> Result<Option<Head<'a>>, Error> {
        if header.iter().all(|&byte| byte == 0) {
            return Ok(None);
        }
        if &header[257..262] != b"ustar" || octal(&header[148..156]) != Some(checksum(header)) {
            return Err(Error::BadHeader { offset: at });
        }
        Head::read_again(header, at)
    }

    /// The same for a header that was read before: its sum is not compared again.
    fn read_again(header: &'a [u8; BLOCK_LEN], at: usize) -> Result<Option<Head<'a>>, Error> {
        // Offsets: POSIX.1-1988, "ustar Interchange Format"; the same in GNU's own variant, whose
        // magic differs in what follows the first five letters.
        let bad = Error::BadHeader { offset: at };
        let is_file = match header[156] {
            b'0' | 0 => true,
            b'5' | b'x' => false,
            _ => return Err(Error::UnsupportedKind { offset: at }),
        };
        let len = octal(&header[124..136]).ok_or(bad)?;
        let name = if is_file {
            name(header).ok_or(Error::BadName { offset: at })?
        } else {
            ""
        };
        Ok(Some(Head {
            name,
            len: usize::try_from(len).map_err(|_| bad)?,
            is_file,
        }))
    }

    /// Where the next header lies if this one lies at `at`, in an archive of so many bytes.
    pub fn next(&self, at: usize, archive_len: usize) -> Result<usize, Error> {
        let end = (at + BLOCK_LEN).checked_add(self.len);
        let next = end.and_then(|end| end.checked_next_multiple_of(BLOCK_LEN));
        next.filter(|next| *next <= archive_len)
            .ok_or(Error::Truncated { offset: at })
    }
}

/// Reads the block at a place as a header; nothing if it is the end mark.
type ReadHead<'a> = fn(&'a [u8; BLOCK_LEN], usize) -> Result<Option<Head<'a>>, Error>;

struct Header<'a> {
    entry: Entry<'a>,
    is_file: bool,
    next: usize,
}

impl<'a> Header<'a> {
    /// The header at `at`, or nothing if the end mark lies there.
    fn read(bytes: &'a [u8], at: usize, head: ReadHead<'a>) -> Result<Option<Header<'a>>, Error> {
        let truncated = Error::Truncated { offset: at };
        let header: &[u8; BLOCK_LEN] = bytes
            .get(at..)
            .and_then(<[u8]>::first_chunk)
            .ok_or(truncated)?;
        let Some(head) = head(header, at)? else {
            return Ok(None);
        };
        let next = head.next(at, bytes.len())?;
        let offset = at + BLOCK_LEN;
        let entry = Entry {
            name: head.name,
            offset,
            data: &bytes[offset..offset + head.len],
        };
        Ok(Some(Header {
            entry,
            is_file: head.is_file,
            next,
        }))
    }
}

/// The name, if it is short enough to need no prefix.
fn name(header: &[u8; BLOCK_LEN]) -> Option<&str> {
    let posix = &header[257..263] == b"ustar\0";
    if posix && header[345] != 0 {
        return None;
    }
    let field = &header[..100];
    let len = field
        .iter()
        .position(|&byte| byte == 0)
        .unwrap_or(field.len());
    let name = core::str::from_utf8(&field[..len]).ok()?;
    let name = name.strip_prefix("./").unwrap_or(name);
    (!name.is_empty()).then_some(name)
}

/// The sum of all bytes of a header, with spaces in place of the checksum itself.
fn checksum(header: &[u8; BLOCK_LEN]) -> u64 {
    sum(header) - sum(&header[148..156]) + 8 * u64::from(b' ')
}

/// The sum of at most a header's bytes, taken eight at a time: all headers are added up at each boot.
fn sum(bytes: &[u8]) -> u64 {
    const EVERY_OTHER: u64 = 0x00ff_00ff_00ff_00ff;
    let (before, words, behind) = words::of_bytes(bytes);
    // Four sums of 16 bits beside each other: 64 words add at most 64 * 2 * 255 to each.
    let sums = words.iter().fold(0, |sums, word| {
        sums + (word & EVERY_OTHER) + (word >> 8 & EVERY_OTHER)
    });
    let rest = before.iter().chain(behind).map(|&byte| u64::from(byte));
    rest.sum::<u64>() + (0..4).map(|at| sums >> (16 * at) & 0xffff).sum::<u64>()
}

/// A number in octal digits, ended by a space, a zero byte or the end of the field.
fn octal(field: &[u8]) -> Option<u64> {
    let field = field.trim_ascii_start();
    let len = field
        .iter()
        .position(|&byte| byte == 0 || byte == b' ')
        .unwrap_or(field.len());
    let (digits, rest) = field.split_at(len);
    if digits.is_empty() || rest.iter().any(|&byte| byte != 0 && byte != b' ') {
        return None;
    }
    // At most 12 digits: 36 bits.
    digits.iter().try_fold(0u64, |value, &digit| {
        matches!(digit, b'0'..=b'7').then(|| value << 3 | u64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    #[test]
    fn sums_are_right_wherever_the_bytes_lie() {
        let most = [0xff; 1024];
        for at in 0..16 {
            assert_eq!(super::sum(&most[at..at + super::BLOCK_LEN]), 512 * 255);
        }
        let bytes: [u8; 512] = core::array::from_fn(|i| (i * 7) as u8);
        for (at, end) in [(0, 512), (3, 9), (148, 156), (5, 5)] {
            let expected = bytes[at..end].iter().map(|&byte| u64::from(byte)).sum();
            assert_eq!(super::sum(&bytes[at..end]), expected);
        }
    }
}
