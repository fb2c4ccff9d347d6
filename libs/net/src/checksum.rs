//! The Internet checksum (RFC 1071) of TCP segments, in words of eight bytes where memory is aligned.
//!
//! smoltcp adds up two bytes at a time, which on a large segment is more work than all the rest. So TCP's
//! checksums are ours, on the way in and on the way out; the few other packets' stay smoltcp's.

use crate::packet::be16;

/// Sums up bytes as big-endian words of two, an odd one at the end filled up with zero. The sum is folded.
fn sum(bytes: &[u8]) -> u16 {
    let (head, words, tail) = words::of_bytes(bytes);
    let lead = head.len();
    // Words are added in the machine's own order, carries coming around at the end: swapping the
    // sum's bytes is the same as swapping each word's (RFC 1071, section 2 B).
    let (mut all, mut carries) = (0u64, 0u64);
    let mut add = |word: u64| {
        let carry;
        (all, carry) = all.overflowing_add(word);
        carries = carries.wrapping_add(carry as u64);
    };
    let (fours, rest) = words.as_chunks::<4>();
    for &[a, b, c, d] in fours {
        add(a);
        add(b);
        add(c);
        add(d);
    }
    rest.iter().copied().for_each(add);
    let middle = fold(fold_once(all) + carries).to_be();
    // Behind an odd number of bytes high and low halves have changed places.
    let middle = if lead.is_multiple_of(2) {
        middle
    } else {
        middle.swap_bytes()
    };
    let mut total = middle as u64;
    for (at, &byte) in head.iter().enumerate() {
        total += shifted(byte, at);
    }
    for (at, &byte) in tail.iter().enumerate() {
        total += shifted(byte, lead + at);
    }
    fold(total)
}

const LOW: u64 = 0xffff_ffff;

fn shifted(byte: u8, at: usize) -> u64 {
    if at.is_multiple_of(2) {
        (byte as u64) << 8
    } else {
        byte as u64
    }
}

fn fold_once(sum: u64) -> u64 {
    (sum & LOW) + (sum >> 32)
}

/// To two bytes, with the carries.
fn fold(mut sum: u64) -> u16 {
    sum = fold_once(sum);
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// The sum over a TCP segment in an IPv4 packet and the pseudo header (RFC 9293, section 3.1); 0xffff if its
/// checksum is right. `None` if the packet is cut short.
fn segment_sum(packet: &[u8]) -> Option<u16> {
    let header_len = (*packet.first()? & 15) as usize * 4;
    let len = (be16(packet, 2)? as usize).checked_sub(header_len)?;
    let segment = packet.get(header_len..)?.get(..len)?;
    Some(fold(pseudo_sum(packet)? + sum(segment) as u64))
}

/// The sum of the pseudo header of the TCP segment in a packet.
fn pseudo_sum(packet: &[u8]) -> Option<u64> {
    let header_len = (*packet.first()? & 15) as usize * 4;
    let len = (be16(packet, 2)? as usize).checked_sub(header_len)?;
    const TCP: u64 = 6;
    let addresses = u64::from_be_bytes(packet.get(12..20)?.try_into().ok()?);
    let words = [48, 32, 16, 0].map(|at| addresses >> at & 0xffff);
    Some(words[0] + words[1] + words[2] + words[3] + TCP + len as u64)
}

/// Leaves the checksum of the TCP segment in a packet that was just made to somebody else: writes the pseudo
/// header's sum in its place, and answers where the segment begins.
pub(crate) fn begin(packet: &mut [u8]) -> Option<u16> {
    let sum = fold(pseudo_sum(packet)?);
    let at = (packet[0] & 15) as usize * 4;
    let field = packet.get_mut(at + 16..at + 18)?;
    field.copy_from_slice(&sum.to_be_bytes());
    Some(at as u16)
}

/// Says of the UDP datagram in a frame, if there is one, that it has no checksum (RFC 768).
pub(crate) fn waive_udp(frame: &mut [u8]) {
    const UDP: u8 = 17;
    if be16(frame, 12) != Some(0x0800) || frame.get(23) != Some(&UDP) {
        return;
    }
    let at = 14 + (frame[14] & 15) as usize * 4 + 6;
    if let Some(field) = frame.get_mut(at..at + 2) {
        field.fill(0);
    }
}

/// Whether a TCP segment's checksum is right.
pub(crate) fn is_right(packet: &[u8]) -> bool {
    segment_sum(packet) == Some(0xffff)
}

/// Writes the checksum of the TCP segment in a packet that was just made.
pub(crate) fn fill(packet: &mut [u8]) {
    let at = (packet.first().map_or(0, |byte| byte & 15) as usize) * 4 + 16;
    if let Some(field) = packet.get_mut(at..at + 2) {
        field.fill(0);
        let sum = !segment_sum(packet).unwrap_or(0);
        packet[at..at + 2].copy_from_slice(&sum.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn plain(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in bytes.chunks(2) {
            sum += (pair[0] as u32) << 8 | *pair.get(1).unwrap_or(&0) as u32;
            sum = (sum & 0xffff) + (sum >> 16);
        }
        sum as u16
    }

    proptest! {
        #[test]
        fn it_is_the_sum_of_the_words_however_the_bytes_lie(bytes in proptest::collection::vec(any::<u8>(), 0..300), skip in 0usize..16) {
            let bytes = &bytes[skip.min(bytes.len())..];
            // Zero has two forms.
            prop_assert_eq!(sum(bytes) % 0xffff, plain(bytes) % 0xffff);
            prop_assert_eq!(sum(bytes) == 0, plain(bytes) == 0);
        }
        #[test]
        fn what_was_filled_in_is_right_and_one_bit_off_is_not(mut payload in proptest::collection::vec(any::<u8>(), 20..100), flip in 0usize..100) {
            let mut packet = std::vec![0x45, 0, 0, 20 + payload.len() as u8, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];
            packet.append(&mut payload);
            fill(&mut packet);
            prop_assert!(is_right(&packet));
            let at = 12 + flip % (packet.len() - 12);
            packet[at] ^= 1;
            prop_assert!(!is_right(&packet));
        }
    }

    #[test]
    fn what_was_begun_is_right_once_it_is_finished() {
        let mut packet = std::vec![
            0x45, 0, 0, 51, 0, 0, 0, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2
        ];
        packet.extend(7..38);
        assert_eq!(begin(&mut packet), Some(20));
        assert!(!is_right(&packet));
        // As a device does it.
        let finished = !sum(&packet[20..]);
        packet[36..38].copy_from_slice(&finished.to_be_bytes());
        assert!(is_right(&packet));
    }

    #[test]
    fn a_datagram_can_do_without() {
        let mut frame = std::vec![9u8; 60];
        frame[12..15].copy_from_slice(&[8, 0, 0x45]);
        let before = frame.clone();
        waive_udp(&mut frame);
        assert_eq!(frame, before, "no UDP");
        frame[23] = 17;
        waive_udp(&mut frame);
        assert_eq!(frame[40..42], [0, 0]);
        assert_eq!((frame[39], frame[42]), (9, 9));
        for len in 0..42 {
            waive_udp(&mut frame.clone()[..len]);
        }
    }

    #[test]
    fn the_largest_segment_does_not_overflow() {
        let bytes = std::vec![0xffu8; 65536];
        assert_eq!(sum(&bytes), 0xffff);
    }
}
