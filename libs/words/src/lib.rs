//! The same memory as bytes and as words of eight bytes, for code that adds up or copies many bytes, such as
//! checksums.
//!
//! This crate exists for its three lines of `unsafe`, so that nothing larger has to be trusted for them
//! (`tools/reviewed.yml`). The argument is the same for all: bytes and words may hold any value, so either can be
//! looked at as the other, as long as alignment and length are right. What is deliberately absent: any other type.

#![no_std]

/// Bytes as the words in between that are aligned, with the bytes before the first and behind the last.
pub fn of_bytes(bytes: &[u8]) -> (&[u8], &[u64], &[u8]) {
    // SAFETY: each eight bytes are a valid `u64`. `align_to` sees to alignment and length.
    unsafe { bytes.align_to() }
}

/// Words as the bytes that they consist of, in the machine's order.
pub fn bytes(words: &[u64]) -> &[u8] {
    // SAFETY: the same memory, borrowed for as long; bytes are aligned anywhere, and a word's are all initialized.
    unsafe { core::slice::from_raw_parts(words.as_ptr().cast(), size_of_val(words)) }
}

/// The same, to be written.
pub fn bytes_mut(words: &mut [u64]) -> &mut [u8] {
    // SAFETY: as in `bytes`; the borrow is the only one, and whatever is written leaves valid words.
    unsafe { core::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), size_of_val(words)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_bytes_are_there_in_their_order() {
        let mut words = [0u64; 5];
        for (at, byte) in bytes_mut(&mut words).iter_mut().enumerate() {
            *byte = at as u8;
        }
        assert_eq!(words[1], u64::from_ne_bytes([8, 9, 10, 11, 12, 13, 14, 15]));
        let all = bytes(&words);
        assert_eq!(all.len(), 40);
        for from in 0..=all.len() {
            for to in from..=all.len() {
                let (head, middle, tail) = of_bytes(&all[from..to]);
                assert!(head.len() < 8 && tail.len() < 8 || middle.is_empty());
                let parts = head.iter().chain(bytes(middle)).chain(tail);
                assert!(parts.eq(&all[from..to]), "{from}..{to}");
            }
        }
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(of_bytes(&[]), (&[][..], &[][..], &[][..]));
        assert!(bytes(&[]).is_empty() && bytes_mut(&mut []).is_empty());
    }
}
