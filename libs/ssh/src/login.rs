//! Logging in (RFC 4252): with a key, or not at all.

use alloc::string::String;
use alloc::vec::Vec;

use crate::fault::Fault;
use crate::keys::{ED25519, PublicKey};
use crate::wire::{Reader, Writer};

pub const SERVICE_REQUEST: u8 = 5;
pub const SERVICE_ACCEPT: u8 = 6;
pub const REQUEST: u8 = 50;
pub const FAILURE: u8 = 51;
pub const SUCCESS: u8 = 52;
pub const KEY_OK: u8 = 60;

/// The service for which everybody logs in.
const CONNECTION: &[u8] = b"ssh-connection";
/// Characters of a user's name.
const USER_MAX: usize = 64;

/// Why a try to log in was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// This key lets nobody in.
    UnknownKey(PublicKey),
    /// The key would do, but whoever tries does not have it.
    WrongSignature(PublicKey),
    /// A method that there is not: `password`, or a key of another kind.
    Method(String),
}

/// What a client asks for.
pub enum Request<'a> {
    /// What it may do: the method `none`.
    Methods,
    /// Whether this key would do.
    MayUse { key: PublicKey, wire: &'a [u8] },
    /// To be let in.
    Proof {
        key: PublicKey,
        signature: &'a [u8],
        /// What has to be signed.
        signed: Vec<u8>,
    },
    /// Something else.
    Other(&'a str),
}

/// Reads a `SSH_MSG_USERAUTH_REQUEST`. `session` is what the first key exchange came to.
pub fn read<'a>(message: &'a [u8], session: &[u8; 32]) -> Result<(&'a str, Request<'a>), Fault> {
    let mut reader = Reader::new(message, "request to log in");
    reader.byte()?;
    let user = reader.text()?;
    if user.len() > USER_MAX {
        return Err(Fault::Limit("characters of a user's name"));
    }
    if reader.string()? != CONNECTION {
        return Err(Fault::Malformed("service"));
    }
    let request = match reader.text()? {
        "none" => Request::Methods,
        "publickey" => {
            let is_proof = reader.boolean()?;
            let algorithm = reader.string()?;
            let wire = reader.string()?;
            let key = PublicKey::from_wire(wire)?;
            match (key, is_proof) {
                _ if algorithm != ED25519 => Request::Other("a key that is not ed25519"),
                (None, _) => Request::Other("a key that is not ed25519"),
                (Some(key), false) => {
                    reader.finish()?;
                    Request::MayUse { key, wire }
                }
                (Some(key), true) => {
                    let signature = reader.string()?;
                    reader.finish()?;
                    let until = message.len() - 4 - signature.len();
                    let signed = Writer::default()
                        .string(session)
                        .bytes(&message[..until])
                        .done();
                    Request::Proof {
                        key,
                        signature,
                        signed,
                    }
                }
            }
        }
        other => Request::Other(other),
    };
    Ok((user, request))
}

/// The answer to a request that does not let in.
pub fn failure() -> Vec<u8> {
    Writer::message(FAILURE)
        .string(b"publickey")
        .boolean(false)
        .done()
}

/// The answer to a key that would do.
pub fn key_ok(wire: &[u8]) -> Vec<u8> {
    Writer::message(KEY_OK).string(ED25519).string(wire).done()
}
