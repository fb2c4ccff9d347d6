//! Random numbers that a peer cannot guess from those it has seen: ChaCha20 (RFC 8439) from a
//! seed that comes in, so that a run with the same seed repeats.

/// A generator.
pub(crate) struct Random {
    key: [u32; 8],
    counter: u32,
    block: [u32; 16],
    used: usize,
}

impl Random {
    pub fn new(seed: [u8; 32]) -> Random {
        let key = core::array::from_fn(|i| {
            u32::from_le_bytes([
                seed[4 * i],
                seed[4 * i + 1],
                seed[4 * i + 2],
                seed[4 * i + 3],
            ])
        });
        Random {
            key,
            counter: 0,
            block: [0; 16],
            used: 16,
        }
    }

    pub fn next_u32(&mut self) -> u32 {
        if self.used == 16 {
            self.block = block(self.key, self.counter, [0; 3]);
            // 256 GiB of numbers would have to be drawn before this repeats.
            self.counter = self.counter.wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    pub fn next_u64(&mut self) -> u64 {
        self.next_u32() as u64 | (self.next_u32() as u64) << 32
    }
}

/// RFC 8439, section 2.3.
fn block(key: [u32; 8], counter: u32, nonce: [u32; 3]) -> [u32; 16] {
    let mut start = [0; 16];
    start[..4].copy_from_slice(&[0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574]);
    start[4..12].copy_from_slice(&key);
    start[12] = counter;
    start[13..].copy_from_slice(&nonce);
    let mut s = start;
    for _ in 0..10 {
        for (a, b, c, d) in [(0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15)] {
            quarter_round(&mut s, a, b, c, d);
        }
        for (a, b, c, d) in [(0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14)] {
            quarter_round(&mut s, a, b, c, d);
        }
    }
    core::array::from_fn(|i| s[i].wrapping_add(start[i]))
}

fn quarter_round(s: &mut [u32; 16], a: usize, b: usize, c: usize, d: usize) {
    for (shift_d, shift_b) in [(16, 12), (8, 7)] {
        s[a] = s[a].wrapping_add(s[b]);
        s[d] = (s[d] ^ s[a]).rotate_left(shift_d);
        s[c] = s[c].wrapping_add(s[d]);
        s[b] = (s[b] ^ s[c]).rotate_left(shift_b);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_block_function_gives_the_standards_example() {
        // RFC 8439, section 2.3.2.
        let key = core::array::from_fn(|i| {
            u32::from_le_bytes(core::array::from_fn(|j| (4 * i + j) as u8))
        });
        let got = block(key, 1, [0x0900_0000, 0x4a00_0000, 0]);
        assert_eq!(
            got[..4],
            [0xe4e7_f110, 0x1559_3bd1, 0x1fdd_0f50, 0xc471_20a3]
        );
        assert_eq!(
            got[12..],
            [0xd19c_12b5, 0xb94e_16de, 0xe883_d0cb, 0x4e3c_50a2]
        );
    }
}
