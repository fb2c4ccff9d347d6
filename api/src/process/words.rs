//! What a command is told at its start, as bytes: arguments and environment.
//!
//! Both are lists of texts: their number, then each with its length in front; all numbers are 32
//! bits, little-endian. An environment's texts are `NAME=value`.

use alloc::string::String;
use alloc::vec::Vec;

use abi::{Error, Result};

/// Most bytes of all words together.
pub const WORDS_LEN_MAX: usize = 1 << 20;
/// Most bytes of words that fit into a message; longer ones travel in a folio.
pub const WORDS_LEN_SHORT: usize = 1024;

/// The words as bytes. [`Error::MessageTooLong`] if they are longer than [`WORDS_LEN_MAX`].
pub fn encode(arguments: &[String], variables: &Variables) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    put_number(&mut bytes, arguments.len())?;
    for argument in arguments {
        put(&mut bytes, &[argument])?;
    }
    put_number(&mut bytes, variables.all.len())?;
    for (name, value) in &variables.all {
        put(&mut bytes, &[name, "=", value])?;
    }
    Ok(bytes)
}

fn put(bytes: &mut Vec<u8>, parts: &[&str]) -> Result<()> {
    put_number(bytes, parts.iter().map(|part| part.len()).sum())?;
    for part in parts {
        if bytes.len() + part.len() > WORDS_LEN_MAX {
            return Err(Error::MessageTooLong);
        }
        bytes.extend_from_slice(part.as_bytes());
    }
    Ok(())
}

fn put_number(bytes: &mut Vec<u8>, number: usize) -> Result<()> {
    let number = u32::try_from(number).map_err(|_| Error::MessageTooLong)?;
    bytes.extend_from_slice(&number.to_le_bytes());
    Ok(())
}

/// Arguments and environment out of these bytes, which may come from anybody.
pub fn decode(bytes: &[u8]) -> Result<(Vec<String>, Variables)> {
    let mut rest = bytes;
    let mut arguments = Vec::new();
    for _ in 0..take_number(&mut rest)? {
        arguments.push(String::from(take(&mut rest)?));
    }
    let mut variables = Variables::default();
    for _ in 0..take_number(&mut rest)? {
        let (name, value) = take(&mut rest)?.split_once('=').ok_or(Error::InvalidData)?;
        variables.set(name, value);
    }
    match rest.is_empty() {
        true => Ok((arguments, variables)),
        false => Err(Error::InvalidData),
    }
}

fn take<'a>(rest: &mut &'a [u8]) -> Result<&'a str> {
    let len = take_number(rest)?;
    let (text, behind) = rest.split_at_checked(len).ok_or(Error::InvalidData)?;
    *rest = behind;
    core::str::from_utf8(text).map_err(|_| Error::InvalidData)
}

fn take_number(rest: &mut &[u8]) -> Result<usize> {
    let (number, behind) = rest.split_first_chunk().ok_or(Error::InvalidData)?;
    *rest = behind;
    Ok(u32::from_le_bytes(*number) as usize)
}

/// An environment: values by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    all: Vec<(String, String)>,
}

impl Variables {
    /// The value of a variable.
    pub fn get(&self, name: &str) -> Option<&str> {
        let (_, value) = self.all.iter().find(|(other, _)| other == name)?;
        Some(value)
    }

    /// Sets a variable. A name with a `=` in it cannot be told apart later, so it is left out.
    pub fn set(&mut self, name: &str, value: &str) {
        if name.is_empty() || name.contains('=') {
            return;
        }
        match self.all.iter_mut().find(|(other, _)| other == name) {
            Some((_, old)) => *old = value.into(),
            None => self.all.push((name.into(), value.into())),
        }
    }

    /// Removes a variable; answers whether there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        let before = self.all.len();
        self.all.retain(|(other, _)| other != name);
        self.all.len() < before
    }

    /// All of them, in the order in which they were first set.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn sample() -> (Vec<String>, Variables) {
        let mut variables = Variables::default();
        variables.set("HOME", "/");
        variables.set("EQUALS", "a=b=c");
        variables.set("EMPTY", "");
        (vec!["-n".into(), String::new(), "héllo".into()], variables)
    }

    #[test]
    fn words_come_back_as_they_were() {
        let (arguments, variables) = sample();
        let bytes = encode(&arguments, &variables).unwrap();
        assert_eq!(decode(&bytes), Ok((arguments, variables)));
    }

    #[test]
    fn every_damage_is_refused_or_harmless() {
        let (arguments, variables) = sample();
        let good = encode(&arguments, &variables).unwrap();
        for len in 0..good.len() {
            assert_eq!(decode(&good[..len]), Err(Error::InvalidData), "{len}");
        }
        for place in 0..good.len() {
            for value in [0, 1, 0x7f, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[place] = value;
                // Whatever it says: no panic, and no memory beyond what the bytes hold.
                let _ = decode(&bad);
            }
        }
        let mut longer = good;
        longer.push(0);
        assert_eq!(decode(&longer), Err(Error::InvalidData));
    }

    #[test]
    fn too_many_words_are_refused() {
        let long = vec![String::from_utf8(vec![b'x'; WORDS_LEN_MAX]).unwrap()];
        assert_eq!(
            encode(&long, &Variables::default()),
            Err(Error::MessageTooLong)
        );
    }

    #[test]
    fn variables_are_set_replaced_and_removed() {
        let (_, mut variables) = sample();
        variables.set("HOME", "/there");
        variables.set("A=B", "no name");
        assert!(variables.remove("EMPTY") && !variables.remove("EMPTY"));
        let all: Vec<_> = variables.iter().collect();
        assert_eq!(all, [("HOME", "/there"), ("EQUALS", "a=b=c")]);
        assert_eq!(variables.get("EQUALS"), Some("a=b=c"));
    }
}
