//! Copying bytes in aligned words, whatever the two sides' alignments are.
//!
//! Neither of our architectures may be asked for a word that is not aligned (RISC-V leaves it to the machine, and
//! there it may trap). So where the two sides differ, each word is put together from two: five instructions for
//! eight bytes. Bytes of a stream nearly always differ so: a header of any length stands before them.
//!
//! [`copy`] serves memory that components share with others; on the machine it is `memcpy` as well, the components' and the
//! kernel's, in place of the compiler's, which takes more than twice as many instructions for aligned bytes and nearly twice
//! as many for others. `memcpy` is the only unsafe code here.
#![no_std]

#[cfg(test)]
extern crate std;

/// Bytes below which a copy is done byte by byte.
const SHORT: usize = 16;

/// Copies `len` bytes. The four functions are called with addresses of bytes in the two ranges, and of
/// words that lie in them wholly and are aligned.
#[inline(always)]
pub fn copy(
    mut from: usize,
    mut to: usize,
    len: usize,
    load: impl Fn(usize) -> u8,
    load_word: impl Fn(usize) -> u64,
    store: impl Fn(usize, u8),
    store_word: impl Fn(usize, u64),
) {
    // The ranges do not reach around the end of memory, so nothing here overflows; said to the
    // compiler, which would check each step otherwise.
    let add = usize::wrapping_add;
    let end = add(to, len);
    let left = |to: usize| end.wrapping_sub(to);
    if len >= SHORT {
        while !to.is_multiple_of(8) {
            store(to, load(from));
            (from, to) = (add(from, 1), add(to, 1));
        }
        let ahead = from.wrapping_neg() % 8;
        if ahead == 0 {
            while left(to) >= 64 {
                let words = [0, 8, 16, 24, 32, 40, 48, 56].map(|i| load_word(add(from, i)));
                for (i, word) in words.into_iter().enumerate() {
                    store_word(add(to, 8 * i), word);
                }
                (from, to) = (add(from, 64), add(to, 64));
            }
            while left(to) >= 8 {
                store_word(to, load_word(from));
                (from, to) = (add(from, 8), add(to, 8));
            }
        } else {
            // `held` has the `ahead` bytes from `from` on, lowest first (all our machines are
            // little-endian); behind them `from` is aligned.
            let mut held = 0;
            for i in (0..ahead).rev() {
                held = held << 8 | load(add(from, i)) as u64;
            }
            let (up, down) = (8 * ahead as u32, 64 - 8 * ahead as u32);
            let (above, below) = (
                |word: u64| word.wrapping_shl(up),
                |word: u64| word.wrapping_shr(down),
            );
            let mut next = add(from, ahead);
            // What is read lies up to 7 bytes ahead of what is written, and must lie within, too.
            while left(to) >= 40 {
                // More at once would not fit into the registers that a function may use without saving them.
                let words = [0, 8, 16, 24].map(|i| load_word(add(next, i)));
                for (i, word) in words.into_iter().enumerate() {
                    store_word(add(to, 8 * i), held | above(word));
                    held = below(word);
                }
                (next, to) = (add(next, 32), add(to, 32));
            }
            while left(to) >= 16 {
                let word = load_word(next);
                store_word(to, held | above(word));
                held = below(word);
                (next, to) = (add(next, 8), add(to, 8));
            }
            from = next.wrapping_sub(ahead);
        }
    }
    while to < end {
        store(to, load(from));
        (from, to) = (add(from, 1), add(to, 1));
    }
}

/// What the compiler calls for copies of memory that is the program's own.
///
/// # Safety
/// As for `core::ptr::copy_nonoverlapping` of bytes.
#[cfg_attr(target_os = "none", unsafe(no_mangle))]
pub unsafe extern "C" fn memcpy(to: *mut u8, from: *const u8, len: usize) -> *mut u8 {
    // SAFETY: only bytes of the two ranges are touched, for which the caller vouches. What is read is volatile, which
    // costs nothing and keeps the compiler from making a call of `memcpy` of this.
    unsafe {
        copy(
            from as usize,
            to as usize,
            len,
            |at| (at as *const u8).read_volatile(),
            |at| (at as *const u64).read_volatile(),
            |at, byte| (at as *mut u8).write(byte),
            |at, word| (at as *mut u64).write(word),
        );
    }
    to
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::cell::RefCell;
    use std::vec;
    use std::vec::Vec;

    /// Lengths around all that `copy` makes a difference of. Miri, which takes ten thousand times as long, sees each way
    /// through it once.
    fn lens() -> impl Iterator<Item = usize> {
        let step = if cfg!(miri) { 29 } else { 1 };
        (0..40).chain(60..150).step_by(step)
    }

    /// The same of memory, where Miri sees whether what is touched lies in the ranges.
    #[test]
    fn copies_of_memory_are_exact_at_every_alignment() {
        let source: Vec<u64> = (0..20).map(|i| i * 0x0123_4567_89ab_cdef).collect();
        let source: Vec<u8> = source.iter().flat_map(|word| word.to_le_bytes()).collect();
        for (from, to) in (0..8).flat_map(|from| (0..8).map(move |to| (from, to))) {
            for len in lens() {
                // Of just the length, so that one byte beyond it is another's. An allocation is aligned for words.
                let wanted = &source[from..from + len];
                let aligned = |start: usize| {
                    let len = start + len;
                    let layout = core::alloc::Layout::from_size_align(len.max(1), 8).unwrap();
                    // SAFETY: the layout is not empty. Freed below.
                    (unsafe { std::alloc::alloc_zeroed(layout) }, layout)
                };
                let ((readable, first), (writable, second)) = (aligned(from), aligned(to));
                // SAFETY: both allocations have `len` bytes from these places on, and are apart from each other and
                // from the source.
                let copied = unsafe {
                    readable.add(from).copy_from(wanted.as_ptr(), len);
                    let end = memcpy(writable.add(to), readable.add(from), len);
                    assert_eq!(end, writable.add(to));
                    let all = core::slice::from_raw_parts(writable, to + len).to_vec();
                    std::alloc::dealloc(readable, first);
                    std::alloc::dealloc(writable, second);
                    all
                };
                assert_eq!(&copied[to..], wanted, "{from} {to} {len}");
                assert!(copied[..to].iter().all(|&byte| byte == 0));
            }
        }
    }

    /// Every alignment of both sides.
    /// Addresses are places in two vectors, so one beyond the range is found out.
    #[test]
    fn copies_are_exact_at_every_alignment() {
        let source: Vec<u8> = (0..200).map(|i| (i * 37 + 11) as u8).collect();
        for (from, to) in (0..8).flat_map(|from| (0..8).map(move |to| (from, to))) {
            for len in lens() {
                let target = RefCell::new(vec![0xee; 200]);
                let readable = |at: usize, n: usize| assert!(at >= from && at + n <= from + len);
                let writable = |at: usize, n: usize| assert!(at >= to && at + n <= to + len);
                copy(
                    from,
                    to,
                    len,
                    |at| {
                        readable(at, 1);
                        source[at]
                    },
                    |at| {
                        readable(at, 8);
                        assert!(at.is_multiple_of(8));
                        u64::from_le_bytes(source[at..at + 8].try_into().unwrap())
                    },
                    |at, byte| {
                        writable(at, 1);
                        target.borrow_mut()[at] = byte;
                    },
                    |at, word| {
                        writable(at, 8);
                        assert!(at.is_multiple_of(8));
                        target.borrow_mut()[at..at + 8].copy_from_slice(&word.to_le_bytes());
                    },
                );
                let target = target.into_inner();
                assert_eq!(
                    target[to..to + len],
                    source[from..from + len],
                    "{from} {to} {len}"
                );
                let rest = target[..to].iter().chain(&target[to + len..]);
                assert!(rest.copied().all(|byte| byte == 0xee), "{from} {to} {len}");
            }
        }
    }
}
