//! Faults in Arm's A64 instructions.
//!
//! Encodings: Arm Architecture Reference Manual for A-profile (DDI 0487), C4.1 "A64 instruction set encoding".

use super::{Kind, Random, flip};

const NOP: u32 = 0xd503_201f;

/// See [`Change`](super::Change).
pub fn change(kind: Kind, word: u32, random: &mut Random) -> Option<u32> {
    let access = word & 0x0a00_0000 == 0x0800_0000;
    let by_register = word & 0x0e00_0000 == 0x0a00_0000;
    let immediate = word & 0x1c00_0000 == 0x1000_0000;
    let branch = branch(word);
    Some(match kind {
        Kind::Flip => flip(word, 0, 31, random),
        // The base register Rn, or the offset.
        Kind::Pointer if access => match (offset(word), random.below(2)) {
            (Some((low, high)), 1) => flip(word, low, high, random),
            _ => flip(word, 5, 9, random),
        },
        Kind::Drop if branch.is_some() => NOP,
        // Conditions that are opposites differ in one bit.
        Kind::Turn => word ^ 1 << branch?,
        // What is compared, by CBZ, TBZ and their opposites.
        Kind::Register if branch == Some(24) => flip(word, 0, 4, random),
        // Rd or Rt, and Rn, which an address relative to the instruction and a wide move have not.
        Kind::Register if access || by_register || immediate => match random.below(2) {
            1 if !(immediate && matches!(word >> 23 & 7, 0 | 1 | 5)) => flip(word, 5, 9, random),
            _ => flip(word, 0, 4, random),
        },
        Kind::Skip if word != NOP => NOP,
        Kind::Constant if immediate => match word >> 23 & 7 {
            // ADR and ADRP: immhi; wide moves: imm16; bitfields and EXTR: imms; the others: imm12, or immr and imms.
            0 | 1 => flip(word, 5, 23, random),
            5 => flip(word, 5, 20, random),
            6 | 7 => flip(word, 10, 15, random),
            _ => flip(word, 10, 21, random),
        },
        _ => return None,
    })
}

/// The bit that turns a conditional branch; `None` for what is none.
fn branch(word: u32) -> Option<u32> {
    let always = word & 0xe == 0xe;
    if word & 0xff00_0010 == 0x5400_0000 && !always {
        Some(0)
    } else if matches!(word & 0x7e00_0000, 0x3400_0000 | 0x3600_0000) {
        Some(24)
    } else {
        None
    }
}

/// First and last bit of a load's or store's offset, if it has one.
fn offset(word: u32) -> Option<(u32, u32)> {
    match (word >> 28 & 3, word >> 24 & 1) {
        // A pair: imm7.
        (2, _) => Some((15, 21)),
        // imm12
        (3, 1) => Some((10, 21)),
        // imm9, and not a register.
        (3, 0) if word & 1 << 21 == 0 => Some((12, 20)),
        // Relative to the instruction: imm19.
        (1, 0) => Some((5, 23)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, word: u32, may: u32) {
        super::super::check(change, kind, word, may);
    }

    const REGISTER: u32 = 0x1f;
    const BASE: u32 = 0x1f << 5;

    #[test]
    fn each_kind_changes_what_it_says() {
        // ldr x0, [x1, #8]; stp x29, x30, [sp, #-16]!; ldrb w2, [x3, x4]; ldxr x0, [x1]
        check(Kind::Pointer, 0xf940_0420, BASE | 0xfff << 10);
        check(Kind::Pointer, 0xa9bf_7bfd, BASE | 0x7f << 15);
        check(Kind::Pointer, 0x3864_6862, BASE);
        check(Kind::Pointer, 0xc85f_7c20, BASE);
        // b.eq; cbnz x0; tbz w1, #3
        check(Kind::Turn, 0x5400_0040, 1);
        check(Kind::Turn, 0xb500_0040, 1 << 24);
        check(Kind::Turn, 0x3618_0041, 1 << 24);
        check(Kind::Drop, 0x5400_0040, u32::MAX);
        check(Kind::Register, 0xb500_0040, REGISTER);
        // add x0, x1, #16; mov w0, #1; adrp x0; add x0, x1, x2
        check(Kind::Constant, 0x9100_4020, 0xfff << 10);
        check(Kind::Constant, 0x5280_0020, 0xffff << 5);
        check(Kind::Constant, 0xb000_0000, 0x7_ffff << 5);
        check(Kind::Register, 0x5280_0020, REGISTER);
        check(Kind::Register, 0x8b02_0020, REGISTER | BASE);
        check(Kind::Flip, 0xd65f_03c0, u32::MAX);
        check(Kind::Skip, 0xd65f_03c0, u32::MAX);
    }

    #[test]
    fn what_a_kind_cannot_change_it_leaves_alone() {
        let mut random = Random::new(1);
        // add x0, x1, x2; ret; b.al
        let (add, ret, always) = (0x8b02_0020, 0xd65f_03c0, 0x5400_004e);
        assert_eq!(change(Kind::Pointer, add, &mut random), None);
        assert_eq!(change(Kind::Constant, add, &mut random), None);
        assert_eq!(change(Kind::Drop, always, &mut random), None);
        assert_eq!(change(Kind::Turn, ret, &mut random), None);
        assert_eq!(change(Kind::Register, ret, &mut random), None);
        assert_eq!(change(Kind::Skip, NOP, &mut random), None);
    }
}
