//! QEMU's stub for debuggers, as far as a dump needs it: breakpoints in the kernel, and registers.
//!
//! Messages are `$TEXT#CHECKSUM`, each answered with `+` ("Debugging with GDB", appendix E, "Remote Serial Protocol").

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;

use anyhow::{Context, Result, bail};

/// The stub of one machine.
pub struct Stub {
    stream: UnixStream,
    received: Vec<u8>,
}

/// Why the machine stands still.
#[derive(Debug, PartialEq, Eq)]
pub enum Stop {
    /// A breakpoint, or a step, of the CPU that the stub calls so.
    Trap(String),
    /// Somebody asked for it.
    Asked,
}

impl Stub {
    /// Speaks with the stub behind a socket. The machine stands still from then on.
    pub fn new(stream: UnixStream) -> Result<Stub> {
        let mut stub = Stub {
            stream,
            received: Vec::new(),
        };
        // CPUs are told apart only with what "multiprocess" stands for.
        stub.ask("qSupported:multiprocess+")?;
        // QEMU gives single registers only to who has read what there are.
        stub.file("target.xml")?;
        Ok(stub)
    }

    /// Has the machine stop before the instruction at `address`, or not any more.
    pub fn breakpoint(&mut self, address: u64, set: bool) -> Result<()> {
        let kind = if set { 'Z' } else { 'z' };
        match self.ask(&format!("{kind}1,{address:x},4"))?.as_str() {
            "OK" => Ok(()),
            answer => bail!("QEMU takes no breakpoint ({answer})"),
        }
    }

    /// Lets the machine go on, and waits until it stands still again.
    pub fn go_on(&mut self) -> Result<Stop> {
        self.send("vCont;c")?;
        self.stop()
    }

    /// Executes one instruction of a CPU.
    pub fn step(&mut self, cpu: &str) -> Result<Stop> {
        self.send(&format!("vCont;s:{cpu}"))?;
        self.stop()
    }

    /// Lets the machine go on for good.
    pub fn let_go(&mut self) -> Result<()> {
        self.send("vCont;c")
    }

    fn stop(&mut self) -> Result<Stop> {
        let text = self.receive()?;
        // `T05thread:p01.02;`: the signal, in hexadecimal, and what is known besides.
        let signal = text
            .strip_prefix('T')
            .and_then(|rest| rest.get(..2))
            .context("the machine has ended")?;
        let cpu = text
            .split_once("thread:")
            .and_then(|(_, rest)| rest.split(';').next())
            .unwrap_or_default();
        Ok(match signal {
            "05" => Stop::Trap(cpu.to_owned()),
            _ => Stop::Asked,
        })
    }

    /// All CPUs, as the stub calls them.
    pub fn cpus(&mut self) -> Result<Vec<String>> {
        let mut cpus = Vec::new();
        let mut answer = self.ask("qfThreadInfo")?;
        while let Some(some) = answer.strip_prefix('m') {
            cpus.extend(some.split(',').map(str::to_owned));
            answer = self.ask("qsThreadInfo")?;
        }
        Ok(cpus)
    }

    /// Asks about the registers of this CPU from now on.
    pub fn select(&mut self, cpu: &str) -> Result<()> {
        self.ask(&format!("Hg{cpu}")).map(drop)
    }

    /// A register of 64 bits by its number.
    pub fn register(&mut self, number: u32) -> Result<u64> {
        let bytes = hexadecimal(&self.ask(&format!("p{number:x}"))?)?;
        let bytes = bytes.get(..8).context("the register has not 64 bits")?;
        Ok(u64::from_le_bytes(bytes.try_into()?))
    }

    /// Memory, as the selected CPU sees it.
    pub fn memory(&mut self, address: u64, len: usize) -> Result<Vec<u8>> {
        hexadecimal(&self.ask(&format!("m{address:x},{len:x}"))?)
    }

    /// The number of a register that only this kind of CPU has.
    pub fn register_named(&mut self, name: &str) -> Result<u32> {
        // The list may have its parts in other files, which it names.
        let mut files = vec!["target.xml".to_owned()];
        while let Some(file) = files.pop() {
            let text = self.file(&file)?;
            // Numbers go on from one to the next if they are not said.
            let mut number = 0;
            for tag in text.split('<') {
                if tag.starts_with("xi:include") {
                    files.extend(attribute(tag, "href").map(str::to_owned));
                } else if tag.starts_with("reg ") {
                    number = match attribute(tag, "regnum") {
                        Some(number) => number.parse()?,
                        None => number + 1,
                    };
                    if attribute(tag, "name") == Some(name) {
                        return Ok(number);
                    }
                }
            }
        }
        bail!("QEMU does not know the register {name}")
    }

    fn file(&mut self, name: &str) -> Result<String> {
        let mut text = String::new();
        loop {
            let at = text.len();
            let answer = self.ask(&format!("qXfer:features:read:{name}:{at:x},ffb"))?;
            text += answer.get(1..).unwrap_or_default();
            if !answer.starts_with('m') {
                return Ok(text);
            }
        }
    }

    fn ask(&mut self, text: &str) -> Result<String> {
        self.send(text)?;
        self.receive()
    }

    fn send(&mut self, text: &str) -> Result<()> {
        let sum = text.bytes().fold(0u8, u8::wrapping_add);
        Ok(write!(self.stream, "${text}#{sum:02x}")?)
    }

    /// The next message, without confirmations between.
    fn receive(&mut self) -> Result<String> {
        loop {
            if let Some((text, len)) = message(&self.received) {
                self.received.drain(..len);
                self.stream.write_all(b"+")?;
                return Ok(text);
            }
            let mut buffer = [0; 4096];
            match self.stream.read(&mut buffer)? {
                0 => bail!("QEMU has ended"),
                len => self.received.extend_from_slice(&buffer[..len]),
            }
        }
    }
}

/// The first whole message, and how many bytes it and what is before it have.
fn message(bytes: &[u8]) -> Option<(String, usize)> {
    let begin = bytes.iter().position(|&byte| byte == b'$')?;
    let len = bytes[begin..].iter().position(|&byte| byte == b'#')?;
    let end = begin + len + 3;
    if bytes.len() < end {
        return None;
    }
    let mut text = Vec::with_capacity(len);
    let mut rest = bytes[begin + 1..begin + len].iter();
    while let Some(&byte) = rest.next() {
        // What has a meaning in messages comes after `}`, with one bit turned.
        text.push(match byte {
            b'}' => rest.next()? ^ 0x20,
            byte => byte,
        });
    }
    Some((String::from_utf8_lossy(&text).into_owned(), end))
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split('"').next()
}

fn hexadecimal(text: &str) -> Result<Vec<u8>> {
    let digits = |at| text.get(at..at + 2).context("half a byte");
    (0..text.len())
        .step_by(2)
        .map(|at| Ok(u8::from_str_radix(digits(at)?, 16)?))
        .collect::<Result<_>>()
        .with_context(|| format!("QEMU answers {text}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_told_apart() {
        assert_eq!(message(b"+$OK#9a"), Some(("OK".into(), 7)));
        assert_eq!(message(b"$a}\x03b#00$c#00"), Some(("a#b".into(), 8)));
        for part in [&b""[..], b"+", b"$OK", b"$OK#9", b"OK#9a"] {
            assert_eq!(message(part), None);
        }
    }

    #[test]
    fn a_stub_is_asked_and_answers() {
        let (ours, mut theirs) = UnixStream::pair().unwrap();
        let stub = std::thread::spawn(move || {
            let mut questions = String::new();
            let mut received = Vec::new();
            for answer in [
                "PacketSize=1000",
                "l<target></target>",
                "m<target><xi:include href=\"csr.xml\"/><reg name=\"a\" regnum=\"7\"/>",
                "l</target>",
                "l<feature><reg name=\"x\" regnum=\"100\"/><reg name=\"satp\" bitsize=\"64\"/></feature>",
                "0102030405060708",
                "T05thread:p01.02;",
                "T02thread:p01.01;",
                "W00",
            ] {
                // What confirms the last answer may come with the next question or before it.
                while message(&received).is_none() {
                    let mut buffer = [0; 4096];
                    let len = theirs.read(&mut buffer).unwrap();
                    received.extend_from_slice(&buffer[..len]);
                }
                questions += &String::from_utf8_lossy(&received);
                received.clear();
                let sum = answer.bytes().fold(0u8, u8::wrapping_add);
                write!(theirs, "+${answer}#{sum:02x}").unwrap();
            }
            questions
        });
        let mut client = Stub::new(ours).unwrap();
        assert_eq!(client.register_named("satp").unwrap(), 101);
        assert_eq!(client.register(101).unwrap(), 0x0807_0605_0403_0201);
        assert_eq!(client.go_on().unwrap(), Stop::Trap("p01.02".into()));
        assert_eq!(client.step("p01.02").unwrap(), Stop::Asked);
        assert!(client.go_on().is_err());
        let questions = stub.join().unwrap();
        assert!(questions.contains("$p65#"), "{questions}");
    }
}
