//! `chacha20-poly1305@openssh.com`, as OpenSSH's PROTOCOL.chacha20poly1305 has it.
//!
//! Two keys: one hides the length of a packet, the other its content, and makes the key of the packet's tag. The nonce is
//! the packet's number, so a number must never come twice under the same keys; `packets.rs` sees to that.

use alloc::vec::Vec;

use cryptoxide::chacha20::ChaChaOriginal;
use cryptoxide::poly1305::Poly1305;

/// Bytes of the tag behind each packet.
pub const TAG_LEN: usize = 16;
/// Bytes of a packet's length.
pub const HEAD_LEN: usize = 4;

/// The keys of one direction.
pub struct Cipher {
    content: [u8; 32],
    head: [u8; 32],
}

impl Cipher {
    /// With the 64 bytes that the key exchange makes.
    pub fn new(bytes: &[u8; 64]) -> Cipher {
        let (mut content, mut head) = ([0; 32], [0; 32]);
        content.copy_from_slice(&bytes[..32]);
        head.copy_from_slice(&bytes[32..]);
        Cipher { content, head }
    }

    /// The length that a packet's first bytes tell. Not to be believed before [`Cipher::open`] has.
    pub fn length(&self, number: u32, mut head: [u8; HEAD_LEN]) -> u32 {
        stream(&self.head, number).process_mut(&mut head);
        u32::from_be_bytes(head)
    }

    /// Makes a packet, its length included, readable. False, with nothing changed, if its tag is wrong.
    pub fn open(&self, number: u32, packet: &mut [u8]) -> bool {
        let Some(end) = packet.len().checked_sub(TAG_LEN) else {
            return false;
        };
        let (sealed, tag) = packet.split_at_mut(end);
        let mut content = stream(&self.content, number);
        if !is_equal(&make_tag(&mut content, sealed), tag) {
            return false;
        }
        let (head, body) = sealed.split_at_mut(HEAD_LEN.min(end));
        stream(&self.head, number).process_mut(head);
        content.process_mut(body);
        true
    }

    /// Hides a packet, its length included, and puts its tag behind.
    pub fn seal(&self, number: u32, packet: &mut Vec<u8>) {
        let (head, body) = packet.split_at_mut(HEAD_LEN);
        stream(&self.head, number).process_mut(head);
        let mut content = stream(&self.content, number);
        // The first block is the tag's.
        let key = tag_key(&mut content);
        content.process_mut(body);
        let tag = tag_of(&key, packet);
        packet.extend_from_slice(&tag);
    }
}

fn stream(key: &[u8; 32], number: u32) -> ChaChaOriginal<20> {
    ChaChaOriginal::new(key, &u64::from(number).to_be_bytes())
}

/// Takes the first block, of which half is the tag's key.
fn tag_key(content: &mut ChaChaOriginal<20>) -> [u8; 32] {
    let mut block = [0; 64];
    content.process_mut(&mut block);
    let mut key = [0; 32];
    key.copy_from_slice(&block[..32]);
    key
}

fn make_tag(content: &mut ChaChaOriginal<20>, sealed: &[u8]) -> [u8; TAG_LEN] {
    tag_of(&tag_key(content), sealed)
}

fn tag_of(key: &[u8; 32], sealed: &[u8]) -> [u8; TAG_LEN] {
    let mut tag = Poly1305::new(key);
    tag.update_mut(sealed);
    tag.finalize().0
}

/// In a time that does not tell where they differ.
fn is_equal(one: &[u8; TAG_LEN], other: &[u8]) -> bool {
    let differences = one.iter().zip(other).fold(0, |all, (a, b)| all | (a ^ b));
    other.len() == TAG_LEN && core::hint::black_box(differences) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_packet_comes_out_as_it_went_in_and_no_other_does() {
        let cipher = Cipher::new(&core::array::from_fn(|at| at as u8));
        let plain = b"\0\0\0\x08\x04content...".to_vec();
        let mut sealed = plain.clone();
        cipher.seal(5, &mut sealed);
        let head = [sealed[0], sealed[1], sealed[2], sealed[3]];
        assert_eq!(cipher.length(5, head), 8);
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 0x40;
            assert!(!cipher.open(5, &mut damaged), "at {at}");
        }
        assert!(!cipher.open(6, &mut sealed.clone()));
        assert!(!cipher.open(5, &mut []));
        assert!(cipher.open(5, &mut sealed));
        assert_eq!(sealed[..plain.len()], plain);
    }
}
