//! Reads the machine code of finished images, for what source text cannot promise.
//!
//! - No stack frame is larger than 64 KiB (rule 4). RISC-V code has no stack probes; a larger
//!   frame could step over the unmapped addresses below a stack.
//! - A component's image holds no instruction that means more in the kernel's mode than in user
//!   mode (rule 17): the gate, which is the kernel's, is the only way in.
//!
//! The code is read from front to back. Only the few instructions that matter are decoded; sources
//! are the RISC-V unprivileged and privileged specifications (version 20240411) and the Arm
//! Architecture Reference Manual (DDI 0487), chapters C4 and C5.

use anyhow::{Context, Result};
use object::{Object, ObjectSection, ObjectSymbol, SectionFlags};

use crate::arch::Arch;

/// The largest frame that ordinary code may have.
pub const FRAME_LEN_MAX: u64 = 64 * 1024;

/// Whose image it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// The kernel may use every instruction.
    Kernel,
    /// A component may not.
    Component,
}

/// What is wrong with an unstripped image, one line each. Frames may have `frame_len_max` bytes.
pub fn inspect(elf: &[u8], arch: Arch, owner: Owner, frame_len_max: u64) -> Result<Vec<String>> {
    let file = object::File::parse(elf).context("not an ELF file")?;
    let mut symbols: Vec<(u64, &str)> = file
        .symbols()
        .filter(|symbol| symbol.is_definition())
        .filter_map(|symbol| Some((symbol.address(), symbol.name().ok()?)))
        .filter(|(_, name)| !name.is_empty() && !name.starts_with('$') && !name.starts_with(".L"))
        .collect();
    symbols.sort_unstable();
    let place = |address: u64| {
        let index = symbols.partition_point(|(start, _)| *start <= address);
        match index.checked_sub(1).map(|index| symbols[index].1) {
            Some(name) => addr2line::demangle_auto(name.into(), None).into_owned(),
            None => format!("{address:#x}"),
        }
    };

    let mut breaches = Vec::new();
    for section in file.sections() {
        let SectionFlags::Elf { sh_flags, .. } = section.flags() else {
            continue;
        };
        if !sh_flags.contains(object::elf::SHF_EXECINSTR) {
            continue;
        }
        let code = section.data().context("an executable section is damaged")?;
        let found = match arch {
            Arch::Riscv64 => riscv64(code),
            Arch::Arm64 => arm64(code),
        };
        for (offset, finding) in found {
            let function = place(section.address() + offset as u64);
            match finding {
                Finding::Frame(len) if len > frame_len_max => breaches.push(format!(
                    "{function} has a stack frame of {len} bytes, and {frame_len_max} are allowed; put large values \
                     into a static, on the heap, or take them by reference"
                )),
                Finding::Privileged(what) if owner == Owner::Component => {
                    breaches.push(format!("{function} holds {what}, which only the kernel may use"));
                }
                _ => {}
            }
        }
    }
    breaches.dedup();
    Ok(breaches)
}

#[derive(Debug, PartialEq, Eq)]
enum Finding {
    /// A function takes this many bytes of stack at once.
    Frame(u64),
    /// An instruction of the kernel's.
    Privileged(&'static str),
}

fn riscv64(code: &[u8]) -> Vec<(usize, Finding)> {
    const SP: u32 = 2;
    let mut found = Vec::new();
    // What the last instructions put into registers as constants; `None` after a long way.
    let mut constants: [Option<i64>; 32] = [None; 32];
    let mut at = 0;
    while at + 2 <= code.len() {
        let half = u32::from(u16::from_le_bytes([code[at], code[at + 1]]));
        if half & 3 != 3 {
            let rd = half >> 7 & 31;
            let imm6 = sign_extend(half >> 12 & 1, half >> 2 & 31);
            match (half >> 13, half & 3) {
                // c.lui, and c.addi16sp with rd = sp, which moves it by 512 at most.
                (0b011, 0b01) => constants[rd as usize] = (rd != SP).then_some(imm6 << 12),
                // c.li
                (0b010, 0b01) => constants[rd as usize] = Some(imm6),
                // c.addi, c.addiw
                (0b000 | 0b001, 0b01) => {
                    constants[rd as usize] =
                        constants[rd as usize].map(|value| value.wrapping_add(imm6));
                }
                // c.slli
                (0b000, 0b10) => {
                    let shift = (half >> 7 & 0x20) | (half >> 2 & 31);
                    constants[rd as usize] = constants[rd as usize].map(|value| value << shift);
                }
                // c.mv and c.add
                (0b100, 0b10) => {
                    let rs2 = half >> 2 & 31;
                    if rs2 != 0 && half >> 12 & 1 == 1 && rd == SP {
                        if let Some(value) = constants[rs2 as usize].filter(|&value| value < 0) {
                            found.push((at, Finding::Frame(value.unsigned_abs())));
                        }
                    } else if rs2 != 0 {
                        constants[rd as usize] = None;
                    }
                }
                _ => {}
            }
            at += 2;
            continue;
        }
        if at + 4 > code.len() {
            break;
        }
        let word = u32::from_le_bytes([code[at], code[at + 1], code[at + 2], code[at + 3]]);
        let (rd, rs1, rs2) = (word >> 7 & 31, word >> 15 & 31, word >> 20 & 31);
        let imm12 = i64::from(word as i32 >> 20);
        match word & 0x7f {
            // lui
            0x37 => constants[rd as usize] = Some(i64::from((word & 0xffff_f000) as i32)),
            // addi and addiw
            0x13 | 0x1b if word >> 12 & 7 == 0 => {
                let base = if rs1 == 0 {
                    Some(0)
                } else {
                    constants[rs1 as usize]
                };
                if rd == SP && rs1 == SP && imm12 < 0 {
                    found.push((at, Finding::Frame(imm12.unsigned_abs())));
                }
                constants[rd as usize] = base.map(|value| value.wrapping_add(imm12));
            }
            // add and sub
            0x33 if rd == SP && rs1 == SP && word & 0xbe00_7000 == 0 => {
                let value = constants[rs2 as usize];
                let moved = if word >> 30 & 1 == 1 {
                    value.map(i64::wrapping_neg)
                } else {
                    value
                };
                if let Some(moved) = moved.filter(|&moved| moved < 0) {
                    found.push((at, Finding::Frame(moved.unsigned_abs())));
                }
            }
            0x73 => {
                if let Some(what) = riscv64_privileged(word) {
                    found.push((at, Finding::Privileged(what)));
                }
                constants[rd as usize] = None;
            }
            // Stores and branches have no destination.
            0x23 | 0x27 | 0x63 => {}
            _ => constants[rd as usize] = None,
        }
        at += 4;
    }
    found
}

fn sign_extend(sign: u32, low5: u32) -> i64 {
    i64::from(low5) - if sign == 1 { 32 } else { 0 }
}

/// What a SYSTEM instruction of RISC-V is, unless user mode may use it as well.
fn riscv64_privileged(word: u32) -> Option<&'static str> {
    let funct3 = word >> 12 & 7;
    let csr = word >> 20;
    let source = word >> 15 & 31;
    match funct3 {
        0 => match csr {
            1 => None, // ebreak
            0 => Some("ecall"),
            0x102 => Some("sret"),
            0x105 => Some("wfi"),
            0x302 => Some("mret"),
            _ => Some("a fence or trap instruction"),
        },
        // fflags, frm, fcsr
        1..=3 | 5..=7 if (1..=3).contains(&csr) => None,
        // csrr of cycle, time, instret
        2 if source == 0 && (0xc00..=0xc02).contains(&csr) => None,
        _ => Some("an access to a control register"),
    }
}

fn arm64(code: &[u8]) -> Vec<(usize, Finding)> {
    let mut found = Vec::new();
    let mut constants: [Option<u64>; 32] = [None; 32];
    let words: Vec<u32> = code
        .chunks_exact(4)
        .map(|word| u32::from_le_bytes([word[0], word[1], word[2], word[3]]))
        .collect();
    for (index, &word) in words.iter().enumerate() {
        let at = index * 4;
        let (rd, rn) = ((word & 31) as usize, word >> 5 & 31);
        if word & 0xff80_0000 == 0xd100_0000 && rd == 31 && rn == 31 {
            // sub sp, sp, #imm{, lsl #12}
            let imm = u64::from(word >> 10 & 0xfff);
            let len = if word >> 22 & 1 == 1 { imm << 12 } else { imm };
            found.push((at, Finding::Frame(len)));
        } else if word & 0xffc0_0000 == 0xd140_0000 && rn == 31 {
            // sub Xd, sp, #imm, lsl #12: where a loop that probes the stack page by page ends, if
            // `cmp sp, Xd` follows.
            let end_of_probes = 0xeb20_63ff | (rd as u32) << 16;
            if words[index..]
                .iter()
                .take(6)
                .any(|&next| next == end_of_probes)
            {
                found.push((at, Finding::Frame(u64::from(word >> 10 & 0xfff) << 12)));
            }
        } else if word & 0xffe0_001f == 0xcb20_001f && rn == 31 {
            // sub sp, sp, Xm
            if let Some(len) = constants[(word >> 16 & 31) as usize] {
                found.push((at, Finding::Frame(len)));
            }
        } else if word & 0x7f80_0000 == 0x5280_0000 {
            // movz
            let shift = (word >> 21 & 3) * 16;
            constants[rd] = Some(u64::from(word >> 5 & 0xffff) << shift);
        } else if word & 0x7f80_0000 == 0x7280_0000 {
            // movk
            let shift = (word >> 21 & 3) * 16;
            constants[rd] = constants[rd]
                .map(|value| value & !(0xffff << shift) | u64::from(word >> 5 & 0xffff) << shift);
        } else if let Some(what) = arm64_privileged(word) {
            found.push((at, Finding::Privileged(what)));
        }
    }
    found
}

/// What a system instruction of Arm is, unless EL0 may use it as well.
fn arm64_privileged(word: u32) -> Option<&'static str> {
    if word >> 24 == 0xd4 {
        // Exception generation: brk alone belongs to everyone.
        return (word & 0xffe0_001f != 0xd420_0000).then_some("a call to a higher exception level");
    }
    if matches!(word, 0xd69f_03e0 | 0xd69f_0bff | 0xd69f_0fff | 0xd6bf_03e0) {
        return Some("a return from an exception");
    }
    if word >> 22 != 0b11_0101_0100 {
        return None;
    }
    let (op0, op1, crn, crm, op2) = (
        word >> 19 & 3,
        word >> 16 & 7,
        word >> 12 & 15,
        word >> 8 & 15,
        word >> 5 & 7,
    );
    match op0 {
        // Hints: everything but wfi. Barriers. The rest writes PSTATE.
        0 if op1 == 3 && crn == 2 => (crm == 0 && op2 == 3).then_some("wfi"),
        0 if op1 == 3 && crn == 3 => None,
        0 => Some("a write to the processor state"),
        // Cache maintenance that EL0 may do has op1 = 3.
        1 => (op1 != 3).then_some("cache, address or TLB maintenance"),
        // DAIF is the exception among the registers with op1 = 3.
        3 if op1 == 3 && !(crn == 4 && crm == 2 && op2 == 1) => None,
        _ => Some("an access to a system register"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    fn frames(found: Vec<(usize, Finding)>) -> Vec<u64> {
        found
            .into_iter()
            .filter_map(|(_, finding)| match finding {
                Finding::Frame(len) => Some(len),
                Finding::Privileged(_) => None,
            })
            .collect()
    }

    #[test]
    fn riscv64_frames_are_measured() {
        // addi sp, sp, -2032
        assert_eq!(frames(riscv64(&bytes(&[0x8101_0113]))), [2032]);
        // lui t0, 49; addi t0, t0, -704; sub sp, sp, t0: 200,000 bytes
        let large = bytes(&[0x0003_12b7, 0xd402_8293, 0x4051_0133]);
        assert_eq!(frames(riscv64(&large)), [200_000]);
        // c.lui t0, 16; sub sp, sp, t0
        let mut short = vec![0xc1, 0x62];
        short.extend(bytes(&[0x4051_0133]));
        assert_eq!(frames(riscv64(&short)), [65_536]);
        // add sp, sp, t0, with a positive constant, gives the frame back.
        assert_eq!(frames(riscv64(&bytes(&[0x0003_12b7, 0x0051_0133]))), [0; 0]);
    }

    #[test]
    fn constants_at_the_edge_are_followed() {
        // c.li t0, -1; c.slli t0, 63: the smallest number; addi t0, t0, -1: the largest.
        let mut code = vec![0xfd, 0x52, 0xfe, 0x12];
        code.extend(bytes(&[0xfff2_8293]));
        assert_eq!(riscv64(&code), []);
    }

    #[test]
    fn riscv64_privileged_instructions_are_known() {
        for (word, allowed) in [
            (0x0010_0073, true),  // ebreak
            (0xc010_2573, true),  // rdtime a0
            (0x0030_2573, true),  // frcsr a0
            (0x0000_0073, false), // ecall
            (0x1050_0073, false), // wfi
            (0x1020_0073, false), // sret
            (0x1200_0073, false), // sfence.vma
            (0x1000_2573, false), // csrr a0, sstatus
            (0xc010_1573, false), // csrrw a0, time, zero
            (0x1800_1073, false), // csrw satp, zero
        ] {
            assert_eq!(riscv64_privileged(word).is_none(), allowed, "{word:#x}");
        }
    }

    #[test]
    fn arm64_frames_are_measured() {
        // sub sp, sp, #0x30, lsl #12; sub sp, sp, #0xd40
        assert_eq!(
            frames(arm64(&bytes(&[0xd140_c3ff, 0xd135_03ff]))),
            [0x30000, 0xd40]
        );
        // sub x9, sp, #24, lsl #12; sub sp, sp, #1, lsl #12; cmp sp, x9
        assert_eq!(
            frames(arm64(&bytes(&[0xd140_63e9, 0xd140_07ff, 0xeb29_63ff]))),
            [24 << 12, 4096]
        );
        // mov w9, #0x0d40; movk w9, #3, lsl #16; sub sp, sp, x9
        assert_eq!(
            frames(arm64(&bytes(&[0x5281_a809, 0x72a0_0069, 0xcb29_63ff]))),
            [200_000]
        );
    }

    #[test]
    fn arm64_privileged_instructions_are_known() {
        for (word, allowed) in [
            (0xd503_201f, true),  // nop
            (0xd503_203f, true),  // yield
            (0xd503_3bbf, true),  // dmb ish
            (0xd53b_e040, true),  // mrs x0, cntvct_el0
            (0xd53b_d040, true),  // mrs x0, tpidr_el0
            (0xd420_0000, true),  // brk
            (0x9100_0000, true),  // add
            (0xd400_0001, false), // svc #0
            (0xd503_207f, false), // wfi
            (0xd503_42df, false), // msr daifset, #2
            (0xd51b_4220, false), // msr daif, x0
            (0xd538_2000, false), // mrs x0, ttbr0_el1
            (0xd518_2000, false), // msr ttbr0_el1, x0
            (0xd508_871f, false), // tlbi vmalle1
            (0xd69f_03e0, false), // eret
        ] {
            assert_eq!(arm64_privileged(word).is_none(), allowed, "{word:#x}");
        }
    }
}
