//! A keyed hash for the tables that strangers fill: without the key nobody can aim at one bucket.

use core::hash::{BuildHasher, Hasher};

use crate::random::Random;

/// The key.
#[derive(Clone)]
pub(crate) struct Keyed(u64, u64);

impl Keyed {
    pub fn new(random: &mut Random) -> Keyed {
        Keyed(random.next_u64(), random.next_u64())
    }
}

impl BuildHasher for Keyed {
    type Hasher = Folded;
    fn build_hasher(&self) -> Folded {
        Folded {
            state: self.0,
            key: self.1,
        }
    }
}

/// Multiplies each word, mixed with the key, into twice its width and folds that.
pub(crate) struct Folded {
    state: u64,
    key: u64,
}

impl Folded {
    fn mix(&mut self, word: u64) {
        let product = (self.state ^ word) as u128 * (self.key ^ 0x9e37_79b9_7f4a_7c15) as u128;
        self.state = (product as u64 ^ (product >> 64) as u64).rotate_left(23) ^ self.key;
    }
}

impl Hasher for Folded {
    fn write(&mut self, bytes: &[u8]) {
        // An address.
        if let Ok(four) = bytes.try_into() {
            return self.mix(u32::from_le_bytes(four) as u64);
        }
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
    }
    // The length of a slice, which all our keys have in common.
    fn write_usize(&mut self, _: usize) {}
    fn write_u16(&mut self, value: u16) {
        self.mix(value as u64);
    }
    fn write_u32(&mut self, value: u32) {
        self.mix(value as u64);
    }
    fn write_u64(&mut self, value: u64) {
        self.mix(value);
    }
    fn finish(&self) -> u64 {
        let product = self.state as u128 * 0xd6e8_feb8_6659_fd93_u128;
        product as u64 ^ (product >> 64) as u64
    }
}
