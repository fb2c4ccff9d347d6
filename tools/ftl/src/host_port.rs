//! The outer end of the port `ftl.host`: sends commands and standard input in, and brings what
//! they say out, and reports of crashes (rule 27).
//!
//! QEMU connects the port to a socket in a folder of our own. What comes out is written by the thread
//! that reads it, so that whoever is slow with our standard output slows the commands down, and
//! nothing piles up here.

use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use anyhow::{Context, Result};
use host_port::{FRAME_LEN_MAX, Kind, Reader};

/// What is told about the commands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum News {
    /// They have ended with this status.
    Status(u64),
    /// Something is reported for programs, as JSON.
    Report(serde_json::Value),
    /// Nobody reads our standard output any more.
    Unread,
}

/// Collects what commands print, for a program that makes something of it.
#[derive(Clone, Debug, Default)]
pub struct Printed(Arc<Mutex<Vec<u8>>>);

impl Printed {
    /// What was printed so far.
    pub fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn write(&self, bytes: &[u8]) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
    }
}

/// A socket that QEMU is to connect the port to. Dropping it removes the socket.
pub struct HostPort {
    folder: PathBuf,
    socket: PathBuf,
    listener: UnixListener,
}

impl HostPort {
    /// Makes the socket.
    pub fn new() -> Result<HostPort> {
        let folder = std::env::temp_dir().join(format!("ftl-{}", std::process::id()));
        // Whatever is there is of a program with our number that is gone.
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder)
            .with_context(|| format!("cannot make {}", folder.display()))?;
        let socket = folder.join("host");
        let listener = UnixListener::bind(&socket)
            .with_context(|| format!("cannot listen on {}", socket.display()))?;
        Ok(HostPort {
            folder,
            socket,
            listener,
        })
    }

    /// The socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Waits for QEMU, sends the commands and our standard input, and writes what comes back to our
    /// standard output, or to `printed`, and to standard error. The thread ends when QEMU closes the socket.
    pub fn serve(
        &self,
        commands: String,
        printed: Option<Printed>,
        tell: impl Fn(News) + Send + 'static,
    ) -> Result<JoinHandle<()>> {
        let listener = self.listener.try_clone()?;
        Ok(std::thread::spawn(move || {
            let Ok((stream, _)) = listener.accept() else {
                return;
            };
            let Ok(writer) = stream.try_clone() else {
                return;
            };
            // Reading standard input may never end, so nobody waits for this one.
            std::thread::spawn(move || send(writer, &commands));
            receive(stream, printed.as_ref(), &tell);
        }))
    }
}

impl Drop for HostPort {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

/// Sends everything inwards, until there is no more or nobody takes it.
fn send(mut stream: UnixStream, commands: &str) {
    let mut frames = Vec::new();
    host_port::write(Kind::Commands, commands.as_bytes(), &mut frames);
    host_port::write(Kind::Run, &[], &mut frames);
    let mut input = std::io::stdin();
    let mut buffer = [0; FRAME_LEN_MAX];
    while stream.write_all(&frames).is_ok() {
        frames.clear();
        match input.read(&mut buffer) {
            Ok(len @ 1..) => host_port::write(Kind::Input, &buffer[..len], &mut frames),
            _ => {
                host_port::write(Kind::InputEnd, &[], &mut frames);
                let _ = stream.write_all(&frames);
                return;
            }
        }
    }
}

/// Writes out what comes, until the socket is closed.
fn receive(mut stream: UnixStream, printed: Option<&Printed>, tell: &impl Fn(News)) {
    let mut reader = Reader::default();
    let mut buffer = [0; 16384];
    let mut report = Vec::new();
    while let Ok(len @ 1..) = stream.read(&mut buffer) {
        reader.push(&buffer[..len]);
        loop {
            match reader.next_frame() {
                Ok(Some((Kind::Output, bytes))) => {
                    if let Some(printed) = printed {
                        printed.write(bytes);
                        continue;
                    }
                    let mut output = std::io::stdout().lock();
                    if output
                        .write_all(bytes)
                        .and_then(|()| output.flush())
                        .is_err()
                    {
                        tell(News::Unread);
                        return;
                    }
                }
                Ok(Some((Kind::Errors, bytes))) => {
                    let _ = std::io::stderr().write_all(bytes);
                }
                Ok(Some((Kind::Status, bytes))) => {
                    if let Ok(status) = bytes.try_into() {
                        tell(News::Status(u64::from_le_bytes(status)));
                    }
                }
                Ok(Some((Kind::Report, bytes))) => report.extend_from_slice(bytes),
                Ok(Some((Kind::ReportEnd, _))) => {
                    match serde_json::from_slice(&std::mem::take(&mut report)) {
                        Ok(value) => tell(News::Report(value)),
                        Err(error) => say!("ftl: a report is no JSON: {error}"),
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => {
                    say!("ftl: {error}");
                    return;
                }
            }
        }
    }
}
