//! Packets (RFC 4253, section 6): out of the bytes that come, and into those that go.

use alloc::vec::Vec;

use chacha::Generator;

use crate::cipher::{Cipher, HEAD_LEN, TAG_LEN};
use crate::fault::Fault;

/// Bytes that a packet may have at most behind its length; each side has to take so many (section 6.1).
pub const PACKET_MAX: usize = 35_000;
/// Bytes of the line that each side begins with (section 4.2).
const LINE_MAX: usize = 255;
/// Packets without new keys, after which a connection ends: half of what would make a number come again.
const PACKETS_MAX: u32 = 1 << 31;
/// Packets are multiples of it.
const BLOCK: usize = 8;

/// What comes.
#[derive(Default)]
pub struct Incoming {
    bytes: Vec<u8>,
    number: u32,
    /// Packets since the keys are new.
    count: u32,
    cipher: Option<Cipher>,
}

impl Incoming {
    /// How many bytes it takes now.
    pub fn room(&self) -> usize {
        (HEAD_LEN + PACKET_MAX + TAG_LEN).saturating_sub(self.bytes.len())
    }

    /// Takes bytes, no more than [`Incoming::room`].
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The line that the client begins with, without its end.
    pub fn line(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let seen = self.bytes.len().min(LINE_MAX);
        // Said early, so that what is no SSH at all is not waited for.
        let begins = seen.min(4);
        if self.bytes[..begins] != b"SSH-"[..begins] {
            return Err(Fault::NotSsh);
        }
        let Some(end) = self.bytes[..seen].iter().position(|byte| *byte == b'\n') else {
            return match seen == LINE_MAX {
                true => Err(Fault::NotSsh),
                false => Ok(None),
            };
        };
        let mut line: Vec<u8> = self.bytes.drain(..=end).collect();
        line.pop();
        line.pop_if(|last| *last == b'\r');
        let is_ours = line.starts_with(b"SSH-2.0-") || line.starts_with(b"SSH-1.99-");
        if !is_ours || line.contains(&0) {
            return Err(Fault::NotSsh);
        }
        Ok(Some(line))
    }

    /// The content of the next packet that is there as a whole.
    pub fn next(&mut self) -> Result<Option<Vec<u8>>, Fault> {
        let Some(head) = self.bytes.first_chunk::<HEAD_LEN>() else {
            return Ok(None);
        };
        let (len, tag_len) = match &self.cipher {
            Some(cipher) => (cipher.length(self.number, *head), TAG_LEN),
            None => (u32::from_be_bytes(*head), 0),
        };
        let len = len as usize;
        // Without a cipher the length counts towards the blocks.
        let blocks = len + if tag_len == 0 { HEAD_LEN } else { 0 };
        if !(BLOCK..=PACKET_MAX).contains(&len) || !blocks.is_multiple_of(BLOCK) {
            return Err(match tag_len {
                0 => Fault::Malformed("packet"),
                _ => Fault::Damaged,
            });
        }
        let whole = HEAD_LEN + len + tag_len;
        if self.bytes.len() < whole {
            return Ok(None);
        }
        let packet = &mut self.bytes[..whole];
        if let Some(cipher) = &self.cipher
            && !cipher.open(self.number, packet)
        {
            return Err(Fault::Damaged);
        }
        let padding = usize::from(packet[HEAD_LEN]);
        let end = (HEAD_LEN + len)
            .checked_sub(padding)
            .filter(|end| padding >= 4 && *end > HEAD_LEN + 1)
            .ok_or(Fault::Malformed("padding"))?;
        let content = packet[HEAD_LEN + 1..end].to_vec();
        self.bytes.drain(..whole);
        self.count += 1;
        if self.count >= PACKETS_MAX {
            return Err(Fault::Limit("packets without new keys"));
        }
        self.number = self.number.wrapping_add(1);
        Ok(Some(content))
    }

    /// The number of the packet that [`Incoming::next`] gave last.
    pub fn last_number(&self) -> u32 {
        self.number.wrapping_sub(1)
    }

    /// From here on there are new keys.
    pub fn change_keys(&mut self, cipher: Cipher, from_zero: bool) {
        self.cipher = Some(cipher);
        self.count = 0;
        if from_zero {
            self.number = 0;
        }
    }
}

/// What goes.
pub struct Outgoing {
    bytes: Vec<u8>,
    number: u32,
    count: u32,
    cipher: Option<Cipher>,
    /// For padding, and for whoever else needs random bytes here.
    random: Generator,
}

impl Outgoing {
    /// Begins with a line.
    pub fn new(line: &[u8], random: Generator) -> Outgoing {
        Outgoing {
            bytes: [line, b"\r\n"].concat(),
            number: 0,
            count: 0,
            cipher: None,
            random,
        }
    }

    /// Makes a packet of this content.
    pub fn send(&mut self, content: &[u8]) {
        let tag_len = if self.cipher.is_some() { TAG_LEN } else { 0 };
        let before = 1 + content.len() + if tag_len == 0 { HEAD_LEN } else { 0 };
        let mut padding = BLOCK - before % BLOCK;
        if padding < 4 {
            padding += BLOCK;
        }
        let len = 1 + content.len() + padding;
        let mut packet = Vec::with_capacity(HEAD_LEN + len + tag_len);
        packet.extend_from_slice(&(len as u32).to_be_bytes());
        packet.push(padding as u8);
        packet.extend_from_slice(content);
        let end = packet.len();
        packet.resize(end + padding, 0);
        self.random.fill(&mut packet[end..]);
        if let Some(cipher) = &self.cipher {
            cipher.seal(self.number, &mut packet);
        }
        self.bytes.extend_from_slice(&packet);
        self.number = self.number.wrapping_add(1);
        self.count = self.count.saturating_add(1);
    }

    /// Whether new keys are overdue.
    pub fn check_count(&self) -> Result<(), Fault> {
        match self.count < PACKETS_MAX {
            true => Ok(()),
            false => Err(Fault::Limit("packets without new keys")),
        }
    }

    /// What waits to be sent.
    pub fn waiting(&self) -> &[u8] {
        &self.bytes
    }

    /// So many bytes of it were sent.
    pub fn sent(&mut self, len: usize) {
        self.bytes.drain(..len);
    }

    /// From here on there are new keys.
    pub fn change_keys(&mut self, cipher: Cipher, from_zero: bool) {
        self.cipher = Some(cipher);
        self.count = 0;
        if from_zero {
            self.number = 0;
        }
    }

    /// Random bytes.
    pub fn random<const LEN: usize>(&mut self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        self.random.fill(&mut bytes);
        bytes
    }
}
