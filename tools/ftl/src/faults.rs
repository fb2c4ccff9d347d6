//! Faulty copies of a component's image: single machine instructions are changed the way software fails, for
//! the test of what a driver gone wrong can do (`tests/tests/faults.rs`).
//!
//! The kinds are those that have been used for this since Nooks and MINIX 3 (Swift et al. 2003, Herder et al.
//! 2007): flipped bits, wrong pointers, dropped and turned branches, wrong registers, left out instructions,
//! wrong constants. Encodings are those of the RISC-V unprivileged specification (version 20240411), chapters
//! 2 and 27; Arm images are not handled.

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

/// An image whose instructions can be changed.
pub struct Target {
    elf: Vec<u8>,
    /// Place in the file, address, and length of each instruction.
    instructions: Vec<(usize, u64, usize)>,
    symbols: Vec<(u64, String)>,
}

impl Target {
    /// Finds the instructions of an unstripped riscv64 image.
    pub fn new(elf: &[u8]) -> Result<Target> {
        let file = object::File::parse(elf).context("not an ELF file")?;
        if file.architecture() != object::Architecture::Riscv64 {
            bail!("faults are made in riscv64 images only");
        }
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
                let len = if elf[at] & 3 == 3 { 4 } else { 2 };
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
            let Some(after) = change(kind, before, random).filter(|after| *after != before) else {
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

/// An instruction after a fault of this kind; `None` if it has nothing that this kind could change.
fn change(kind: Kind, word: u32, random: &mut Random) -> Option<u32> {
    if word & 3 == 3 {
        change_long(kind, word, random)
    } else {
        change_short(kind, word, random)
    }
}

/// One of the bits from `low` to `high`, flipped.
fn flip(word: u32, low: u32, high: u32, random: &mut Random) -> u32 {
    word ^ 1 << (low + random.below((high - low + 1) as usize) as u32)
}

fn change_long(kind: Kind, word: u32, random: &mut Random) -> Option<u32> {
    const NOP: u32 = 0x13;
    let opcode = word & 0x7f;
    let (load, store, branch) = (opcode == 0x03, opcode == 0x23, opcode == 0x63);
    let immediate = matches!(opcode, 0x13 | 0x1b);
    let upper = matches!(opcode, 0x17 | 0x37);
    Some(match kind {
        Kind::Flip => flip(word, 0, 31, random),
        // The base register, or the offset's upper bits, which lie at the same place in both.
        Kind::Pointer if load || store => match random.below(2) {
            0 => flip(word, 15, 19, random),
            _ => flip(word, 25, 31, random),
        },
        Kind::Drop if branch => NOP,
        // beq and bne, blt and bge, bltu and bgeu differ in the lowest bit of funct3.
        Kind::Turn if branch => word ^ 1 << 12,
        // rd, or rs1 where there is none.
        Kind::Register if store || branch => flip(word, 15, 19, random),
        Kind::Register if immediate || load || matches!(opcode, 0x33 | 0x3b) => {
            match random.below(2) {
                0 => flip(word, 7, 11, random),
                _ => flip(word, 15, 19, random),
            }
        }
        Kind::Skip if word != NOP => NOP,
        Kind::Constant if immediate => flip(word, 20, 31, random),
        Kind::Constant if upper => flip(word, 12, 31, random),
        _ => return None,
    })
}

fn change_short(kind: Kind, word: u32, random: &mut Random) -> Option<u32> {
    const NOP: u32 = 1;
    let (quadrant, function) = (word & 3, word >> 13 & 7);
    // Loads and stores, by register and by stack pointer: all but c.addi4spn and what computes.
    let by_register = quadrant == 0 && function != 0 && function != 4;
    let by_stack = quadrant == 2 && !matches!(function, 0 | 4);
    let branch = quadrant == 1 && function >= 6;
    // c.addi, c.addiw, c.li, c.lui and c.addi16sp
    let constant = quadrant == 1 && function <= 3;
    Some(match kind {
        Kind::Flip => flip(word, 0, 15, random),
        Kind::Pointer if by_register => match random.below(2) {
            0 => flip(word, 7, 9, random),
            _ => flip(word, 10, 12, random),
        },
        Kind::Pointer if by_stack => flip(word, 10, 12, random),
        Kind::Drop if branch => NOP,
        // c.beqz and c.bnez
        Kind::Turn if branch => word ^ 1 << 13,
        Kind::Register if branch || by_register => flip(word, 7, 9, random),
        Kind::Register if constant || quadrant == 2 => flip(word, 7, 11, random),
        Kind::Skip if word != NOP => NOP,
        Kind::Constant if constant => flip(word, 2, 6, random),
        _ => return None,
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Whether each of many changes keeps the bits outside `may`.
    fn check(kind: Kind, word: u32, may: u32) {
        let mut random = Random::new(1);
        for _ in 0..100 {
            let after = change(kind, word, &mut random).expect("it can be changed");
            assert_ne!(after, word, "{kind:?} of {word:#x}");
            assert_eq!(after & !may, word & !may, "{kind:?} of {word:#x}");
        }
    }

    #[test]
    fn each_kind_changes_what_it_says() {
        let (ld, sd, beq) = (0x0085_b503, 0x00a5_b423, 0x00b5_0463);
        check(Kind::Pointer, ld, 0x1f << 15 | 0x7f << 25);
        check(Kind::Pointer, sd, 0x1f << 15 | 0x7f << 25);
        check(Kind::Turn, beq, 1 << 12);
        check(Kind::Drop, beq, u32::MAX);
        let addi = 0x0015_0513;
        check(Kind::Constant, addi, 0xfff << 20);
        check(Kind::Register, addi, 0x1f << 7 | 0x1f << 15);
        // c.ld a0, 8(a1); c.sdsp; c.beqz a0; c.li a0, 1
        check(Kind::Pointer, 0x6588, 7 << 7 | 7 << 10);
        check(Kind::Pointer, 0xe42a, 7 << 10);
        check(Kind::Turn, 0xc111, 1 << 13);
        check(Kind::Constant, 0x4505, 0x1f << 2);
        check(Kind::Flip, 0x4505, 0xffff);
    }

    #[test]
    fn what_a_kind_cannot_change_it_leaves_alone() {
        let mut random = Random::new(1);
        let (add, ret) = (0x00b5_0533, 0x8082);
        assert_eq!(change(Kind::Pointer, add, &mut random), None);
        assert_eq!(change(Kind::Drop, add, &mut random), None);
        assert_eq!(change(Kind::Turn, ret, &mut random), None);
        assert_eq!(change(Kind::Skip, 0x13, &mut random), None);
    }

    #[test]
    fn the_argument_is_read() {
        let faults: Faults = "virtio_net:7:40:10".parse().unwrap();
        assert_eq!((faults.seed, faults.copies, faults.each), (7, 40, 10));
        assert!("virtio_net:7:40".parse::<Faults>().is_err());
    }
}
