//! The kernel's random numbers (rule 25): ChaCha20, seeded by the machine.
//!
//! With a seed from the machine the numbers are unpredictable; with one from `--seed` they
//! repeat; without any there are none for components, and addresses are not random.

use chacha::Generator;

/// A random generator that may lack a seed.
pub struct Random {
    generator: Generator,
    seeded: bool,
}

impl Random {
    /// A generator from what the machine gave.
    pub fn new(seed: Option<[u8; 32]>) -> Random {
        Random {
            generator: Generator::from_seed(seed.unwrap_or([0; 32])),
            seeded: seed.is_some(),
        }
    }

    /// Whether there was a seed.
    pub fn is_seeded(&self) -> bool {
        self.seeded
    }

    /// A number; 0 without a seed.
    #[allow(clippy::should_implement_trait)]
    pub fn next(&mut self) -> u64 {
        if self.seeded {
            self.generator.next_u64()
        } else {
            0
        }
    }

    /// 32 bytes; zeros without a seed.
    pub fn seed(&mut self) -> [u8; 32] {
        let mut seed = [0; 32];
        if self.seeded {
            self.generator.fill(&mut seed);
        }
        seed
    }
}
