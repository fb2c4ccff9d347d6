//! The exchange of keys: what each side offers (RFC 4253, section 7), and `curve25519-sha256` (RFC 8731).

use alloc::vec::Vec;

use cryptoxide::hashing::sha2::Sha256;
use cryptoxide::x25519;

use crate::cipher::Cipher;
use crate::fault::Fault;
use crate::keys::{ED25519, HostKey};
use crate::wire::{Reader, Writer};

pub const INIT: u8 = 20;
pub const NEW_KEYS: u8 = 21;
pub const ECDH_INIT: u8 = 30;
pub const ECDH_REPLY: u8 = 31;

/// The line that we begin with.
pub const OUR_LINE: &[u8] = b"SSH-2.0-FTL";

const METHODS: [&[u8]; 2] = [b"curve25519-sha256", b"curve25519-sha256@libssh.org"];
/// What each side says to agree on counting packets from zero with each new key, so that nobody can cut packets out of
/// the beginning unseen (OpenSSH's PROTOCOL, section 1.9).
const STRICT_SERVER: &[u8] = b"kex-strict-s-v00@openssh.com";
const STRICT_CLIENT: &[u8] = b"kex-strict-c-v00@openssh.com";
const CIPHER: &[u8] = b"chacha20-poly1305@openssh.com";
/// Has to be named, and is not used: the cipher makes its own tags.
const TAGS: &[u8] = b"hmac-sha2-256";
const NO_COMPRESSION: &[u8] = b"none";

/// Our offer: the message `SSH_MSG_KEXINIT`.
pub fn offer(cookie: [u8; 16]) -> Vec<u8> {
    let methods = [METHODS[0], METHODS[1], STRICT_SERVER].join(&b',');
    let mut offer = Writer::message(INIT)
        .bytes(&cookie)
        .string(&methods)
        .string(ED25519);
    for both in [CIPHER, TAGS, NO_COMPRESSION, b""] {
        offer = offer.string(both).string(both);
    }
    offer.boolean(false).u32(0).done()
}

/// What follows from the client's offer.
#[derive(Debug, PartialEq)]
pub struct Agreed {
    /// The next packet is a guess that was wrong.
    pub skip_next: bool,
    /// Packets are counted from zero with new keys.
    pub is_strict: bool,
}

/// Compares the client's offer with ours.
pub fn agree(offer: &[u8]) -> Result<Agreed, Fault> {
    let mut reader = Reader::new(offer, "offer of methods");
    reader.byte()?;
    reader.bytes(16)?;
    let methods = reader.string()?;
    let host_keys = reader.string()?;
    let has = |list: &[u8], name: &[u8]| list.split(|byte| *byte == b',').any(|one| one == name);
    if !METHODS.iter().any(|method| has(methods, method)) {
        return Err(Fault::NoCommon("key exchange (here: curve25519-sha256)"));
    }
    if !has(host_keys, ED25519) {
        return Err(Fault::NoCommon("host key (here: ssh-ed25519)"));
    }
    for _ in 0..2 {
        if !has(reader.string()?, CIPHER) {
            return Err(Fault::NoCommon(
                "cipher (here: chacha20-poly1305@openssh.com)",
            ));
        }
    }
    reader.string()?;
    reader.string()?;
    for _ in 0..2 {
        if !has(reader.string()?, NO_COMPRESSION) {
            return Err(Fault::NoCommon("compression (here: none)"));
        }
    }
    reader.string()?;
    reader.string()?;
    let guesses = reader.boolean()?;
    reader.u32()?;
    reader.finish()?;
    let first = |list: &[u8], name: &[u8]| list.split(|byte| *byte == b',').next() == Some(name);
    // Right is only a guess of what both sides name first (section 7).
    let is_right = first(methods, METHODS[0]) && first(host_keys, ED25519);
    Ok(Agreed {
        skip_next: guesses && !is_right,
        is_strict: has(methods, STRICT_CLIENT),
    })
}

/// Everything that both sides have said so far.
pub struct Said<'a> {
    pub client_line: &'a [u8],
    pub client_offer: &'a [u8],
    pub our_offer: &'a [u8],
    /// The message `SSH_MSG_KEX_ECDH_INIT`.
    pub client_share: &'a [u8],
}

/// What only the two sides know, and what everything was.
pub struct Secret {
    /// As a number on the wire.
    shared: Vec<u8>,
    pub hash: [u8; 32],
}

/// Our answer to the client's half, and the secret. `secret` is random.
pub fn answer(
    said: &Said<'_>,
    host_key: &HostKey,
    secret: [u8; 32],
) -> Result<(Vec<u8>, Secret), Fault> {
    let mut reader = Reader::new(said.client_share, "half of the key exchange");
    reader.byte()?;
    let theirs: [u8; 32] = reader.array()?;
    reader.finish()?;
    let secret = x25519::SecretKey::from(secret);
    let ours = x25519::base(&secret);
    let ours = ours.as_ref();
    let shared = x25519::dh(&secret, &x25519::PublicKey::from(theirs));
    let shared = shared.as_ref();
    // A point that makes the same secret with everybody (RFC 8731, section 3).
    if shared.iter().fold(0, |all, byte| all | byte) == 0 {
        return Err(Fault::Malformed("half of the key exchange"));
    }
    let host_key_wire = host_key.public().to_wire();
    let shared = Writer::default().positive(shared).done();
    let everything = Writer::default()
        .string(said.client_line)
        .string(OUR_LINE)
        .string(said.client_offer)
        .string(said.our_offer)
        .string(&host_key_wire)
        .string(&theirs)
        .string(ours)
        .bytes(&shared)
        .done();
    let hash = sha256(&[&everything]);
    let reply = Writer::message(ECDH_REPLY)
        .string(&host_key_wire)
        .string(ours)
        .string(&host_key.sign(&hash))
        .done();
    Ok((reply, Secret { shared, hash }))
}

impl Secret {
    /// The keys for what the client sends, and for what it gets (RFC 4253, section 7.2).
    pub fn ciphers(&self, session: &[u8; 32]) -> (Cipher, Cipher) {
        let cipher = |letter: u8| {
            let first = sha256(&[&self.shared, &self.hash, &[letter], session]);
            let second = sha256(&[&self.shared, &self.hash, &first]);
            let mut bytes = [0; 64];
            bytes[..32].copy_from_slice(&first);
            bytes[32..].copy_from_slice(&second);
            Cipher::new(&bytes)
        };
        (cipher(b'C'), cipher(b'D'))
    }
}

fn sha256(pieces: &[&[u8]]) -> [u8; 32] {
    let mut digest = Sha256::new();
    for piece in pieces {
        digest.update_mut(piece);
    }
    digest.finalize()
}
