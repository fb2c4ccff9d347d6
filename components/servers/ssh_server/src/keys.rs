//! By what the machine is known, and who may come in.
//!
//! The machine's key is made at the first start and kept in the file `host_key`, as the hexadecimal digits of its seed. Without files it
//! lives as long as this component, and each new one makes the clients of people who have been here warn them.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use ftl::prelude::*;
use ftl::random::Random;
use interfaces::files::{Dir, Permissions};
use interfaces::fs;
use ssh::{AuthorizedKeys, HostKey, PublicKey};

const HOST_KEY: &str = "host_key";
const AUTHORIZED_KEYS: &str = "authorized_keys";
/// Bytes of the file of keys that are believed to be meant.
const FILE_MAX: u64 = 64 * 1024;

/// See the [module](self).
pub struct Keys {
    dir: Option<Dir>,
    /// Those in the setting.
    set: Vec<PublicKey>,
    /// What was wrong with the file when it was read last: logged once.
    complaints: Vec<String>,
}

impl Keys {
    /// Reads the machine's key, or makes it. `set` are keys that let in whatever the file says.
    pub fn new(fs: Option<fs::Client>, set: &str, random: &mut Random) -> Result<(HostKey, Keys)> {
        let dir = fs.map(Dir::new);
        let host_key = host_key(dir.as_ref(), random)?;
        info!("this machine's key is {}", host_key.public());
        let set = AuthorizedKeys::read(set);
        for complaint in &set.complaints {
            warn!("the setting `keys`: {complaint}");
        }
        let mut keys = Keys {
            dir,
            set: set.keys,
            complaints: Vec::new(),
        };
        if keys.set.is_empty() && keys.in_file().is_empty() {
            warn!(
                "nobody can log in: neither the setting `keys` nor `{AUTHORIZED_KEYS}` has a key"
            );
        }
        Ok((host_key, keys))
    }

    /// Whether whoever has this key may come in. The file is read anew each time, so that it can be changed.
    pub fn may_enter(&mut self, key: &PublicKey) -> bool {
        self.set.contains(key) || self.in_file().contains(key)
    }

    fn in_file(&mut self) -> Vec<PublicKey> {
        let Some(dir) = &self.dir else {
            return Vec::new();
        };
        let read = match read_keys(dir) {
            Ok(read) => read,
            Err(Error::NotFound) => AuthorizedKeys::default(),
            Err(error) => AuthorizedKeys {
                keys: Vec::new(),
                complaints: Vec::from([format!("cannot be read: {error}")]),
            },
        };
        if self.complaints != read.complaints {
            for complaint in &read.complaints {
                warn!("{AUTHORIZED_KEYS}: {complaint}");
            }
            self.complaints = read.complaints;
        }
        read.keys
    }
}

fn read_keys(dir: &Dir) -> Result<AuthorizedKeys> {
    if dir.metadata(AUTHORIZED_KEYS)?.len() > FILE_MAX {
        return Err(Error::OutOfMemory);
    }
    let text = dir.read_to_string(AUTHORIZED_KEYS)?;
    Ok(AuthorizedKeys::read(&text))
}

fn host_key(dir: Option<&Dir>, random: &mut Random) -> Result<HostKey> {
    let kept = dir.map(|dir| dir.read_to_string(HOST_KEY));
    match (dir, kept) {
        (Some(_), Some(Ok(text))) => match seed(text.trim()) {
            Some(seed) => Ok(HostKey::from_seed(&seed)),
            None => {
                error!(
                    "`{HOST_KEY}` is damaged: put it right, or remove it to have a new key made"
                );
                Err(Error::InvalidData)
            }
        },
        (Some(dir), Some(Err(Error::NotFound))) => {
            let (seed, key) = new_key(random);
            match keep(dir, &seed) {
                Ok(()) => info!("made this machine's key, and keeps it in `{HOST_KEY}`"),
                Err(error) => warn!("cannot keep this machine's key: {error}"),
            }
            Ok(key)
        }
        (_, Some(Err(error))) => {
            error!("cannot read `{HOST_KEY}`: {error}");
            Err(error)
        }
        _ => {
            warn!("no files: this machine's key will be another one after a restart");
            Ok(new_key(random).1)
        }
    }
}

fn new_key(random: &mut Random) -> ([u8; 32], HostKey) {
    let mut seed = [0; 32];
    random.fill(&mut seed);
    let key = HostKey::from_seed(&seed);
    (seed, key)
}

fn keep(dir: &Dir, seed: &[u8; 32]) -> Result<()> {
    let digits: String = seed.iter().map(|byte| format!("{byte:02x}")).collect();
    dir.write(HOST_KEY, digits + "\n")?;
    dir.set_permissions(HOST_KEY, Permissions::from_mode(0o600))?;
    dir.sync()
}

/// 64 hexadecimal digits.
fn seed(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut seed = [0; 32];
    for (at, byte) in seed.iter_mut().enumerate() {
        *byte = u8::from_str_radix(&text[2 * at..2 * at + 2], 16).ok()?;
    }
    Some(seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_has_64_digits() {
        let text = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1eff";
        let read = seed(text).unwrap();
        assert_eq!((read[1], read[31]), (1, 255));
        assert_eq!(seed(&text[1..]), None);
        assert_eq!(seed(&text.replace("ff", "fg")), None);
        assert_eq!(seed(&"\u{e4}".repeat(32)), None);
    }
}
