//! Keys: the machine's own, and those of people, as they are written in files.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use cryptoxide::ed25519;
use cryptoxide::hashing::sha2::Sha256;

use crate::base64;
use crate::fault::Fault;
use crate::wire::{Reader, Writer};

/// The one kind of key (RFC 8709).
pub const ED25519: &[u8] = b"ssh-ed25519";

/// By what a client knows the machine.
pub struct HostKey {
    pair: [u8; 64],
    public: PublicKey,
}

impl HostKey {
    /// The key that comes of this seed, which is the secret.
    pub fn from_seed(seed: &[u8; 32]) -> HostKey {
        let (pair, public) = ed25519::keypair(seed);
        HostKey {
            pair,
            public: PublicKey(public),
        }
    }

    /// What clients see of it.
    pub fn public(&self) -> &PublicKey {
        &self.public
    }

    /// A signature as it goes over the wire.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let signature = ed25519::signature(message, &self.pair);
        Writer::default().string(ED25519).string(&signature).done()
    }
}

/// The half of an ed25519 key that everybody may know. Shown as its fingerprint.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey(pub [u8; 32]);

impl PublicKey {
    /// From its form on the wire; None if it is a key of another kind.
    pub(crate) fn from_wire(bytes: &[u8]) -> Result<Option<PublicKey>, Fault> {
        let mut reader = Reader::new(bytes, "key");
        if reader.string()? != ED25519 {
            return Ok(None);
        }
        let key = PublicKey(reader.array()?);
        reader.finish()?;
        Ok(Some(key))
    }

    /// Its form on the wire.
    pub(crate) fn to_wire(&self) -> Vec<u8> {
        Writer::default().string(ED25519).string(&self.0).done()
    }

    /// Whether `signature`, in its form on the wire, is this key's for the message.
    pub(crate) fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let mut reader = Reader::new(signature, "signature");
        let read = |reader: &mut Reader| -> Result<Option<[u8; 64]>, Fault> {
            let kind = reader.string()?;
            let signature = reader.array()?;
            reader.clone().finish()?;
            Ok((kind == ED25519).then_some(signature))
        };
        matches!(read(&mut reader), Ok(Some(signature)) if ed25519::verify(message, &self.0, &signature))
    }
}

impl fmt::Display for PublicKey {
    /// As `ssh-keygen -l` shows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = Sha256::new().update(&self.to_wire()).finalize();
        write!(f, "SHA256:{}", base64::encode(&digest))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Who may come in: what a file `authorized_keys` says.
#[derive(Debug, Default, PartialEq)]
pub struct AuthorizedKeys {
    /// Those that let in.
    pub keys: Vec<PublicKey>,
    /// What is wrong with lines that let nobody in, to be logged.
    pub complaints: Vec<String>,
}

impl AuthorizedKeys {
    /// Reads lines `ssh-ed25519 KEY COMMENT`. Empty ones and those that begin with `#` are passed over. A line with
    /// options before the key lets nobody in, since the options would restrict what is not restricted here.
    pub fn read(text: &str) -> AuthorizedKeys {
        let mut read = AuthorizedKeys::default();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let mut words = line.split_ascii_whitespace();
            let kind = words.next().unwrap_or_default();
            if kind.as_bytes() != ED25519 {
                let complaint = format!("line {number} does not begin with `ssh-ed25519`");
                read.complaints.push(complaint);
                continue;
            }
            let key = words.next().and_then(base64::decode);
            match key.map(|key| PublicKey::from_wire(&key)) {
                Some(Ok(Some(key))) => read.keys.push(key),
                _ => read.complaints.push(format!("line {number} has no key")),
            }
        }
        read
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Made with `ssh-keygen -t ed25519`; the fingerprint is what `ssh-keygen -l` says of it.
    const LINE: &str = include_str!("../tests/key.pub");
    const FINGERPRINT: &str = include_str!("../tests/key.fingerprint");

    #[test]
    fn a_key_is_read_as_openssh_wrote_it() {
        let read = AuthorizedKeys::read(LINE);
        assert_eq!(read.complaints, [""; 0]);
        assert_eq!(format!("{}", read.keys[0]), FINGERPRINT.trim());
    }

    #[test]
    fn lines_that_are_not_understood_let_nobody_in() {
        let cut = &LINE[..40];
        let text = format!(
            "# keys\n\n  {LINE}\nssh-rsa AAAA\ncommand=\"ls\" {LINE}\nssh-ed25519\n{cut}\n"
        );
        let read = AuthorizedKeys::read(&text);
        assert_eq!(read.keys.len(), 1);
        assert_eq!(read.complaints.len(), 4, "{:?}", read.complaints);
    }

    #[test]
    fn a_signature_is_for_one_message_and_one_key() {
        let key = HostKey::from_seed(&[7; 32]);
        let signature = key.sign(b"message");
        assert!(key.public().has_signed(b"message", &signature));
        assert!(!key.public().has_signed(b"massage", &signature));
        let other = HostKey::from_seed(&[8; 32]);
        assert!(!other.public().has_signed(b"message", &signature));
        for at in 0..signature.len() {
            let mut damaged = signature.clone();
            damaged[at] ^= 1;
            assert!(!key.public().has_signed(b"message", &damaged), "at {at}");
        }
    }
}
