//! Choices at random that repeat: xorshift (Marsaglia, 2003), because nothing here must be secret and a
//! storm should cost calls, not arithmetic.

/// A generator.
pub struct Random(u64);

impl Random {
    /// One that repeats for the same seed.
    pub fn new(seed: u64) -> Random {
        let mut random = Random((seed ^ 0x9e37_79b9_7f4a_7c15) | 1);
        // Seeds that differ in few bits begin alike.
        for _ in 0..8 {
            random.next();
        }
        random
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `bound`, which is not 0.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 11) as usize % bound
    }

    /// One of these.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}
