//! Faulty copies of a component's image: single machine instructions are changed the way software fails, for
//! the test of what a driver gone wrong can do (`tests/tests/faults.rs`).
//!
//! The kinds are those that have been used for this since Nooks and MINIX 3 (Swift et al. 2003, Herder et al.
//! 2007): flipped bits, wrong pointers, dropped and turned branches, wrong registers, left out instructions,
//! wrong constants. What an instruction is, and what each kind can change in it, its architecture's module knows.

mod arm64;
mod riscv64;

use std::fmt;
use std::str::FromStr;

use anyhow::{Context, Result, bail};
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags};

/// What to make: `--faults COMPONENT:SEED:COPIES:EACH`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Faults {
    /// The component of whose image there are to be faulty copies.
    pub component: String,
    /// Repeats what is chosen at random.
    pub seed: u64,
    /// How many copies; they are called `COMPONENT.0`, `COMPONENT.1` and so on.
    pub copies: u32,
    /// Faults in each.
    pub each: u32,
}

impl FromStr for Faults {
    type Err = String;

    fn from_str(text: &str) -> Result<Faults, String> {
        let parts: Vec<&str> = text.split(':').collect();
        let parse = || {
            let [component, seed, copies, each] = parts[..] else {
                return None;
            };
            Some(Faults {
                component: component.to_owned(),
                seed: seed.parse().ok()?,
                copies: copies.parse().ok()?,
                each: each.parse().ok()?,
            })
        };
        parse().ok_or_else(|| "write it as COMPONENT:SEED:COPIES:EACH".into())
    }
}

/// What is done to an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One bit is flipped.
    Flip,
    /// A load or store goes by another base or offset.
    Pointer,
    /// A conditional branch is left out.
    Drop,
    /// A conditional branch goes the other way.
    Turn,
    /// Another register is read or written.
    Register,
    /// The instruction is left out.
    Skip,
    /// A constant is another one.
    Constant,
}

/// All of them.
pub const KINDS: [Kind; 7] = [
    Kind::Flip,
    Kind::Pointer,
    Kind::Drop,
    Kind::Turn,
    Kind::Register,
    Kind::Skip,
    Kind::Constant,
];

/// One changed instruction.
#[derive(Clone, Debug)]
pub struct Fault {
    /// What was done.
    pub kind: Kind,
    /// In which function.
    pub function: String,
    /// At which address of the image.
    pub address: u64,
    /// The instruction before and after.
    pub before: u32,
    /// See `before`.
    pub after: u32,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:8} {:#8x} {:08x} -> {:08x} {}",
            format!("{:?}", self.kind).to_lowercase(),
            self.address,
            self.before,
            self.after,
            self.function
        )
    }
}

/// An instruction after a fault of this kind; `None` if it has nothing that this kind could change.
type Change = fn(kind: Kind, word: u32, random: &mut Random) -> Option<u32>;

/// An image whose instructions can be changed.
pub struct Target {
    elf: Vec<u8>,
    /// Place in the file, address, and length of each instruction.
    instructions: Vec<(usize, u64, usize)>,
    change: Change,
    symbols: Vec<(u64, String)>,
}

impl Target {
    /// Finds the instructions of an unstripped image.
    pub fn new(elf: &[u8]) -> Result<Target> {
        let file = object::File::parse(elf).context("not an ELF file")?;
        let (length, change): (fn(u8) -> usize, Change) = match file.architecture() {
            object::Architecture::Riscv64 => (riscv64::length, riscv64::change),
            object::Architecture::Aarch64 => (|_| 4, arm64::change),
            other => {
                bail!("faults are made in images for riscv64 and arm64, not in one for {other:?}")
            }
        };
        let mut symbols: Vec<(u64, String)> = file
            .symbols()
            .filter(|symbol| symbol.kind() == object::SymbolKind::Text && symbol.is_definition())
            .filter_map(|symbol| Some((symbol.address(), symbol.name().ok()?.to_owned())))
            .collect();
        symbols.sort();
        let mut instructions = Vec::new();
        for section in file.sections() {
            let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
                continue;
            };
            let Some((offset, len)) = section.file_range() else {
                continue;
            };
            if !sh_flags.contains(object::elf::SHF_EXECINSTR) {
                continue;
            }
            let (mut at, end) = (offset as usize, (offset + len) as usize);
            while at + 2 <= end {
                let len = length(elf[at]);
                if at + len > end {
                    break;
                }
                let address = section.address() + (at as u64 - offset);
                instructions.push((at, address, len));
                at += len;
            }
        }
        if instructions.is_empty() {
            bail!("the image has no code");
        }
        Ok(Target {
            elf: elf.to_owned(),
            instructions,
            change,
            symbols,
        })
    }

    /// A copy with so many faults, and what they are.
    pub fn copy(&self, random: &mut Random, faults: u32) -> (Vec<u8>, Vec<Fault>) {
        let mut elf = self.elf.clone();
        let mut made = Vec::new();
        while made.len() < faults as usize {
            let kind = KINDS[random.below(KINDS.len())];
            let (at, address, len) = self.instructions[random.below(self.instructions.len())];
            let before = word(&elf[at..at + len]);
            let Some(after) = (self.change)(kind, before, random).filter(|after| *after != before)
            else {
                continue;
            };
            elf[at..at + len].copy_from_slice(&after.to_le_bytes()[..len]);
            let index = self.symbols.partition_point(|(start, _)| *start <= address);
            let function = index
                .checked_sub(1)
                .map_or("?", |index| self.symbols[index].1.as_str());
            made.push(Fault {
                kind,
                function: addr2line::demangle_auto(function.into(), None).into_owned(),
                address,
                before,
                after,
            });
        }
        (elf, made)
    }
}

fn word(bytes: &[u8]) -> u32 {
    bytes
        .iter()
        .rev()
        .fold(0, |word, byte| word << 8 | u32::from(*byte))
}

/// One of the bits from `low` to `high`, flipped.
fn flip(word: u32, low: u32, high: u32, random: &mut Random) -> u32 {
    word ^ 1 << (low + random.below((high - low + 1) as usize) as u32)
}

/// Choices at random that repeat: SplitMix64 (Steele et al. 2014).
pub struct Random(u64);

impl Random {
    /// One that repeats for the same seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ mixed >> 31
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 16) as usize % bound
    }
}

/// Whether each of many changes of an instruction is one, and keeps the bits outside `may`.
#[cfg(test)]
fn check(change: Change, kind: Kind, word: u32, may: u32) {
    let mut random = Random::new(1);
    for _ in 0..100 {
        let after = change(kind, word, &mut random).expect("it can be changed");
        assert_ne!(after, word, "{kind:?} of {word:#x}");
        assert_eq!(after & !may, word & !may, "{kind:?} of {word:#x}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_argument_is_read() {
        let faults: Faults = "virtio_net:7:40:10".parse().unwrap();
        assert_eq!((faults.seed, faults.copies, faults.each), (7, 40, 10));
        assert!("virtio_net:7:40".parse::<Faults>().is_err());
    }
}
