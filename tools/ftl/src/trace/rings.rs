//! What `trace dump` prints: for each CPU an `abi::TraceHeader`, then its records, the oldest first.

use abi::{TRACE_MAGIC, TraceHeader, TraceRecord};
use anyhow::{Result, bail};

const HEADER_LEN: usize = size_of::<TraceHeader>();
const RECORD_LEN: usize = size_of::<TraceRecord>();

/// What was written down on one CPU.
#[derive(Debug)]
pub struct Ring {
    /// The CPU.
    pub cpu: u32,
    /// How fast the ticks go.
    pub ticks_per_second: u64,
    /// What is there, the oldest first.
    pub records: Vec<TraceRecord>,
    /// How many records were written over.
    pub lost: u64,
}

impl Ring {
    /// When a record was written, in nanoseconds since the machine's counter began.
    pub fn nanoseconds(&self, record: &TraceRecord) -> u64 {
        let ticks = u128::from(record.ticks) * 1_000_000_000;
        u64::try_from(ticks / u128::from(self.ticks_per_second.max(1))).unwrap_or(u64::MAX)
    }
}

/// What was printed before the dump, and the dump.
pub fn split(printed: &[u8]) -> (&[u8], &[u8]) {
    let magic = TRACE_MAGIC.to_le_bytes();
    let begin = printed
        .windows(magic.len())
        .position(|bytes| bytes == magic)
        .unwrap_or(printed.len());
    printed.split_at(begin)
}

/// Reads a dump.
pub fn read(mut dump: &[u8]) -> Result<Vec<Ring>> {
    let mut rings = Vec::new();
    while !dump.is_empty() {
        let Some((head, rest)) = dump.split_at_checked(HEADER_LEN) else {
            bail!("the trace ends within a header");
        };
        let [magic, written, capacity, cpu, ticks_per_second, ..] = words::<8>(head);
        if magic != TRACE_MAGIC {
            bail!("the trace is not one that this version knows");
        }
        let there = written.min(capacity);
        let len = usize::try_from(there)?.saturating_mul(RECORD_LEN);
        let Some((records, rest)) = rest.split_at_checked(len) else {
            bail!("the trace of CPU {cpu} is cut off");
        };
        rings.push(Ring {
            cpu: u32::try_from(cpu)?,
            ticks_per_second,
            records: records
                .chunks_exact(RECORD_LEN)
                .map(|bytes| TraceRecord::from_words(words(bytes)))
                .collect(),
            lost: written - there,
        });
        dump = rest;
    }
    Ok(rings)
}

fn words<const N: usize>(bytes: &[u8]) -> [u64; N] {
    let mut words = [0; N];
    for (word, bytes) in words.iter_mut().zip(bytes.chunks_exact(8)) {
        *word = u64::from_le_bytes(bytes.try_into().expect("eight bytes"));
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A dump of one CPU.
    fn dump(written: u64, capacity: u64, records: &[[u64; 4]]) -> Vec<u8> {
        let head = [TRACE_MAGIC, written, capacity, 3, 1000, 0, 0, 0];
        let all = head.iter().chain(records.iter().flatten());
        all.flat_map(|word| word.to_le_bytes()).collect()
    }

    #[test]
    fn text_before_the_dump_is_kept_apart() {
        let mut printed = b"hello\n".to_vec();
        printed.extend(dump(1, 8, &[[5, 1, 2, 3]]));
        let (text, rest) = split(&printed);
        assert_eq!(text, b"hello\n");
        let rings = read(rest).expect("a good dump");
        assert_eq!((rings.len(), rings[0].cpu), (1, 3));
        assert_eq!(rings[0].nanoseconds(&rings[0].records[0]), 5_000_000);
    }

    #[test]
    fn what_was_written_over_is_counted() {
        let rings = read(&dump(9, 2, &[[1, 1, 1, 1], [2, 1, 1, 1]])).expect("a good dump");
        assert_eq!((rings[0].records.len(), rings[0].lost), (2, 7));
    }

    #[test]
    fn what_is_cut_off_is_said() {
        let whole = dump(2, 2, &[[1, 1, 1, 1], [2, 1, 1, 1]]);
        for len in 1..whole.len() {
            assert!(read(&whole[..len]).is_err(), "{len} bytes");
        }
        assert!(read(&[0; 64]).is_err());
    }
}
