//! QEMU's monitor, which writes a machine's memory and its CPUs' registers into a file.
//!
//! Lines of JSON in both directions ("QEMU Machine Protocol Specification").

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

/// The monitor of one machine.
pub struct Monitor {
    stream: BufReader<UnixStream>,
}

impl Monitor {
    /// Speaks with the monitor behind a socket.
    pub fn new(stream: UnixStream) -> Result<Monitor> {
        let mut monitor = Monitor {
            stream: BufReader::new(stream),
        };
        monitor.line().context("QEMU's monitor does not greet")?;
        monitor.ask("qmp_capabilities", json!({}))?;
        Ok(monitor)
    }

    /// Writes all memory, as an ELF file whose segments are ranges of physical memory, with each CPU's registers in a
    /// note. The machine stands still meanwhile.
    pub fn dump(&mut self, file: &Path) -> Result<()> {
        let protocol = format!("file:{}", file.display());
        self.ask(
            "dump-guest-memory",
            json!({ "paging": false, "protocol": protocol }),
        )
        .map(drop)
    }

    /// Lets the machine go on.
    pub fn go_on(&mut self) -> Result<()> {
        self.ask("cont", json!({})).map(drop)
    }

    fn ask(&mut self, what: &str, arguments: Value) -> Result<Value> {
        let request = json!({ "execute": what, "arguments": arguments });
        writeln!(self.stream.get_mut(), "{request}")?;
        loop {
            let mut answer = self.line()?;
            if let Some(error) = answer["error"]["desc"].as_str() {
                bail!("QEMU refuses {what}: {error}");
            }
            if answer.get("return").is_some() {
                return Ok(answer["return"].take());
            }
            // Something that happened.
        }
    }

    fn line(&mut self) -> Result<Value> {
        let mut line = String::new();
        if self.stream.read_line(&mut line)? == 0 {
            bail!("QEMU has ended");
        }
        Ok(serde_json::from_str(&line)?)
    }
}
