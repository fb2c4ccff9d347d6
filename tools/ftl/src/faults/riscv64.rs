//! Faults in RISC-V instructions, long ones and compressed ones.
//!
//! Encodings: RISC-V unprivileged specification (version 20240411), chapters 2 and 27.

use super::{Kind, Random, flip};

/// How many bytes an instruction has, by its first.
pub fn length(first: u8) -> usize {
    if first & 3 == 3 { 4 } else { 2 }
}

/// See [`Change`](super::Change).
pub fn change(kind: Kind, word: u32, random: &mut Random) -> Option<u32> {
    if word & 3 == 3 {
        change_long(kind, word, random)
    } else {
        change_short(kind, word, random)
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, word: u32, may: u32) {
        super::super::check(change, kind, word, may);
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
}
