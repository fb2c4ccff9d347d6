//! A web client on the host. What the guest did for it is told by the guest itself: time since boot less
//! time without anything to do. Under `-icount shift=0` a nanosecond of that is an instruction.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long the server may take to come up, and to answer.
const PATIENCE: Duration = Duration::from_secs(60);
/// Requests that do not count, and those that do.
const WARM_UP: usize = 100;
const REQUESTS: usize = 1000;
/// Batches that requests are measured in.
const BATCHES: usize = 5;
/// The server shows the same picture of the system for up to a second.
const PICTURE_AGE_MAX: Duration = Duration::from_millis(1_100);

/// A connection to the guest's web server.
pub struct Server {
    stream: BufReader<TcpStream>,
    port: u16,
    patience: Duration,
}

impl Server {
    /// Connects to a port of this machine that leads into the guest.
    fn connect(port: u16, patience: Duration) -> Result<Server> {
        let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_nodelay(true)?;
        Ok(Server {
            stream: BufReader::new(stream),
            port,
            patience,
        })
    }

    /// Tries again until the server answers: QEMU accepts connections long before it listens.
    pub fn wait(port: u16, patience: Duration) -> Result<Server> {
        let begin = Instant::now();
        loop {
            let mut server = Server::connect(port, patience)?;
            match server.ask("/bench").and_then(|()| server.answer()) {
                Ok(_) => return Ok(server),
                Err(error) if begin.elapsed() > patience => {
                    return Err(error.context("the web server does not answer"));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Asks for a page over a connection of its own.
    pub fn get(&self, path: &str) -> Result<Vec<u8>> {
        let mut server = Server::connect(self.port, self.patience)?;
        server.ask(path)?;
        server.answer()
    }

    fn ask(&mut self, path: &str) -> Result<()> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: ftl\r\n\r\n");
        Ok(self.stream.get_mut().write_all(request.as_bytes())?)
    }

    /// Reads an answer; gives its body.
    fn answer(&mut self) -> Result<Vec<u8>> {
        let mut len = None;
        let mut first = String::new();
        loop {
            let mut line = String::new();
            if self.stream.read_line(&mut line)? == 0 {
                bail!("the connection was closed");
            }
            if first.is_empty() {
                first = line;
                continue;
            }
            match line.trim_end().split_once(':') {
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    len = Some(value.trim().parse()?);
                }
                Some(_) => {}
                None => break,
            }
        }
        if !first.starts_with("HTTP/1.1 200") {
            bail!("the web server answers: {}", first.trim_end());
        }
        let mut body = vec![0; len.context("an answer without its length")?];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }

    /// Nanoseconds for which the guest's CPU had something to do, since its start.
    fn busy_ns(&mut self) -> Result<f64> {
        std::thread::sleep(PICTURE_AGE_MAX);
        self.ask("/system.json")?;
        let picture: serde_json::Value = serde_json::from_slice(&self.answer()?)?;
        let number = |name: &str| picture[name].as_f64().context("no such counter");
        Ok(number("uptime_ns")? - number("idle_ns")?)
    }
}

/// What each request costs the guest, batch by batch, with so many connections open of which all ask
/// before the first is answered.
pub fn request_costs(port: u16, connections: usize) -> Result<Vec<f64>> {
    let mut watcher = Server::wait(port, PATIENCE)?;
    let mut clients = Vec::new();
    for _ in 0..connections {
        let mut client = Server::connect(port, PATIENCE)?;
        // One after the other: the queue of those that are not accepted yet is short.
        client.ask("/bench")?;
        client.answer()?;
        clients.push(client);
    }
    let mut round = |requests: usize| -> Result<usize> {
        let mut done = 0;
        while done < requests {
            for client in &mut clients {
                client.ask("/bench")?;
            }
            for client in &mut clients {
                client.answer()?;
            }
            done += clients.len();
        }
        Ok(done)
    };
    round(WARM_UP)?;
    let mut samples = Vec::new();
    for _ in 0..BATCHES {
        // What asking for the counters costs is known from asking twice.
        let before = watcher.busy_ns()?;
        let begin = watcher.busy_ns()?;
        let requests = round(REQUESTS / BATCHES)?;
        let end = watcher.busy_ns()?;
        samples.push((end - begin - (begin - before)) / requests as f64);
    }
    Ok(samples)
}
