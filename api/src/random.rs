//! Random numbers.

use chacha::Generator;

/// A generator of random numbers fit for cryptography: ChaCha20, seeded by the kernel.
///
/// With `--seed` the machine's seed is given, and then every run draws the same numbers.
///
/// ```
/// use ftl::random::Random;
///
/// // A component gets its generator as `env.random`.
/// let mut random = Random::from_seed([7; 32]);
/// let dice = random.below(6) + 1;
/// assert!((1..=6).contains(&dice));
/// let mut key = [0; 16];
/// random.fill(&mut key);
/// assert!(random.is_seeded(), "otherwise no secret may come from it");
/// ```
pub struct Random {
    generator: Generator,
    seeded: bool,
}

impl Random {
    /// A generator with this seed. All zeros stands for "the machine gave none".
    pub fn from_seed(seed: [u8; 32]) -> Random {
        Random {
            generator: Generator::from_seed(seed),
            seeded: seed != [0; 32],
        }
    }
    /// Whether the machine gave a seed. If not, the numbers can be foreseen, and what needs
    /// secrets must refuse to start.
    pub fn is_seeded(&self) -> bool {
        self.seeded
    }
    /// Another generator, seeded by this one: for a part of the component that keeps its own.
    pub fn split(&mut self) -> Random {
        let mut seed = [0; 32];
        self.fill(&mut seed);
        Random {
            generator: Generator::from_seed(seed),
            seeded: self.seeded,
        }
    }
    /// 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.generator.next_u64()
    }
    /// 32 random bits.
    pub fn next_u32(&mut self) -> u32 {
        self.generator.next_u32()
    }
    /// A number below `bound`, each equally likely; 0 if `bound` is.
    pub fn below(&mut self, bound: u64) -> u64 {
        // Numbers from the incomplete last round of `bound` would favour the small ones.
        let Some(rounds) = u64::MAX.checked_div(bound) else {
            return 0;
        };
        loop {
            let number = self.next_u64();
            if number < rounds * bound {
                return number % bound;
            }
        }
    }
    /// Fills `bytes`.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        self.generator.fill(bytes);
    }
}

impl core::fmt::Debug for Random {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        // The state stays out of logs.
        f.debug_struct("Random")
            .field("seeded", &self.seeded)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_and_bounds_hold() {
        let mut first = Random::from_seed([7; 32]);
        let mut second = Random::from_seed([7; 32]);
        for bound in 1..200 {
            let number = first.below(bound);
            assert!(number < bound);
            assert_eq!(number, second.below(bound));
        }
        assert_eq!(first.below(0), 0);
        assert!(!Random::from_seed([0; 32]).is_seeded());
    }
}
