//! Random numbers from ChaCha20 (RFC 8439), the generator of kernel and components (rule 25).
//!
//! The block function is thirty lines without a single unsafe one, so it stands here: the
//! well-known crates reach for vector instructions, and would have put four crates full of unsafe
//! code into every component, to be trusted or read (docs/decisions/0203-own-chacha.md).
//!
//! A [`Generator`] is the key stream under its seed, from block 0 on, with a counter of 64 bits and
//! a nonce of zeros. Absent on purpose: encryption, and any way to go back or to jump.
#![cfg_attr(not(test), no_std)]
#![forbid(unsafe_code)]

/// An endless row of random numbers, the same for the same seed.
#[derive(Clone)]
pub struct Generator {
    key: [u32; 8],
    /// The block that comes after the one below.
    counter: u64,
    block: [u32; 16],
    /// How many words of the block have been given out.
    used: usize,
}

impl Generator {
    /// A generator with this seed.
    pub fn from_seed(seed: [u8; 32]) -> Generator {
        let mut key = [0; 8];
        for (word, bytes) in key.iter_mut().zip(seed.chunks_exact(4)) {
            *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        }
        Generator {
            key,
            counter: 0,
            block: [0; 16],
            used: 16,
        }
    }

    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == self.block.len() {
            let [low, high] = [self.counter as u32, (self.counter >> 32) as u32];
            self.block = block(&self.key, [low, high, 0, 0]);
            self.counter = self.counter.wrapping_add(1);
            self.used = 0;
        }
        self.used += 1;
        self.block[self.used - 1]
    }

    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        let low = self.next_u32();
        u64::from(self.next_u32()) << 32 | u64::from(low)
    }

    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(4) {
            let word = self.next_u32().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

/// "expand 32-byte k" (RFC 8439, section 2.3).
const CONSTANTS: [u32; 4] = [0x6170_7865, 0x3320_646e, 0x7962_2d32, 0x6b20_6574];

/// One block of the key stream (section 2.3): `tail` is the counter and the nonce.
fn block(key: &[u32; 8], tail: [u32; 4]) -> [u32; 16] {
    let mut start = [0; 16];
    start[..4].copy_from_slice(&CONSTANTS);
    start[4..12].copy_from_slice(key);
    start[12..].copy_from_slice(&tail);
    let mut state = start;
    for _ in 0..10 {
        for column in 0..4 {
            quarter_round(&mut state, [column, column + 4, column + 8, column + 12]);
        }
        for i in 0..4 {
            let diagonal = [i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4];
            quarter_round(&mut state, diagonal);
        }
    }
    for (word, start) in state.iter_mut().zip(start) {
        *word = word.wrapping_add(start);
    }
    state
}

/// Section 2.1.
fn quarter_round(state: &mut [u32; 16], [a, b, c, d]: [usize; 4]) {
    for (to, from, mixed, bits) in [(a, b, d, 16), (c, d, b, 12), (a, b, d, 8), (c, d, b, 7)] {
        state[to] = state[to].wrapping_add(state[from]);
        state[mixed] = (state[mixed] ^ state[to]).rotate_left(bits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: Vec<u8> = hex
            .chars()
            .filter_map(|c| c.to_digit(16))
            .map(|digit| digit as u8)
            .collect();
        digits.chunks(2).map(|two| two[0] << 4 | two[1]).collect()
    }

    #[test]
    fn the_block_of_section_2_3_2() {
        let mut seed = [0; 32];
        for (i, byte) in seed.iter_mut().enumerate() {
            *byte = i as u8;
        }
        let generator = Generator::from_seed(seed);
        let words = block(&generator.key, [1, 0x0900_0000, 0x4a00_0000, 0]);
        let got: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        let expected = "10f1e7e4d13b5915500fdd1fa32071c4 c7d1f4c733c068030422aa9ac3d46c4e
                        d2826446079faa0914c2d705d98b02a2 b5129cd1de164eb9cbd083e8a2503c4e";
        assert_eq!(got, bytes(expected));
    }

    #[test]
    fn the_first_two_blocks_of_appendix_a_1() {
        let expected = "76b8e0ada0f13d90405d6ae55386bd28 bdd219b8a08ded1aa836efcc8b770dc7
                        da41597c5157488d7724e03fb8d84a37 6a43b8f41518a11cc387b669b2ee6586
                        9f07e7be5551387a98ba977c732d080d cb0f29a048e3656912c6533e32ee7aed
                        29b721769ce64e43d57133b074d839d5 31ed1f28510afb45ace10a1f4b794d6f";
        let mut got = [0; 128];
        Generator::from_seed([0; 32]).fill(&mut got);
        assert_eq!(got.to_vec(), bytes(expected));
    }

    #[test]
    fn numbers_and_bytes_come_from_one_row() {
        let mut row = [0; 64 + 24];
        Generator::from_seed([7; 32]).fill(&mut row);
        let mut generator = Generator::from_seed([7; 32]);
        let mut taken = Vec::new();
        for i in 0..9 {
            match i % 3 {
                0 => taken.extend(generator.next_u64().to_le_bytes()),
                1 => taken.extend(generator.next_u32().to_le_bytes()),
                _ => {
                    // Bytes take whole words, of which the rest is lost.
                    let mut few = [0; 3];
                    generator.fill(&mut few);
                    taken.extend(few);
                    taken.push(row[taken.len()]);
                }
            }
        }
        assert_eq!(taken, row[..taken.len()]);
    }
}
