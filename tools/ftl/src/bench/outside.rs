//! A web client on the host. What the guest did for it is told by the guest itself: time since boot less
//! time without anything to do. Under `-icount shift=0` a nanosecond of that is an instruction.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How long the server may take to come up, and to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
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
    address: SocketAddrV4,
    patience: Duration,
}

impl Server {
    /// Connects to the guest, or to a port of this machine that leads there.
    fn connect(address: SocketAddrV4, patience: Duration) -> Result<Server> {
        let stream = TcpStream::connect_timeout(&address.into(), patience)?;
        stream.set_read_timeout(Some(patience))?;
        stream.set_nodelay(true)?;
        Ok(Server {
            stream: BufReader::new(stream),
            address,
            patience,
        })
    }

    /// Tries again until the server answers: QEMU accepts connections long before it listens.
    pub fn wait(address: SocketAddrV4, patience: Duration) -> Result<Server> {
        let begin = Instant::now();
        loop {
            let asked = Server::connect(address, patience).and_then(|mut server| {
                server.ask("/bench")?;
                server.answer()?;
                Ok(server)
            });
            match asked {
                Ok(server) => return Ok(server),
                Err(error) if begin.elapsed() > patience => {
                    return Err(error.context("the web server does not answer"));
                }
                Err(_) => std::thread::sleep(Duration::from_millis(50)),
            }
        }
    }

    /// Asks for a page over a connection of its own.
    pub fn get(&self, path: &str) -> Result<Vec<u8>> {
        let mut server = Server::connect(self.address, self.patience)?;
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

/// Clients of which all ask before the first is answered.
struct Clients(Vec<Server>);

impl Clients {
    fn connect(address: SocketAddrV4, count: usize) -> Result<Clients> {
        let mut clients = Clients(Vec::new());
        for _ in 0..count {
            let mut client = Server::connect(address, PATIENCE)?;
            // One after the other: the queue of those that are not accepted yet is short.
            client.ask("/bench")?;
            client.answer()?;
            clients.0.push(client);
        }
        clients.round(WARM_UP)?;
        Ok(clients)
    }

    /// Asks so many times or a few more; how many it were.
    fn round(&mut self, requests: usize) -> Result<usize> {
        let mut done = 0;
        while done < requests {
            for client in &mut self.0 {
                client.ask("/bench")?;
            }
            for client in &mut self.0 {
                client.answer()?;
            }
            done += self.0.len();
        }
        Ok(done)
    }
}

/// What each request costs the guest, batch by batch, with so many connections open of which all ask
/// before the first is answered.
pub fn request_costs(address: SocketAddrV4, connections: usize) -> Result<Vec<f64>> {
    let mut watcher = Server::wait(address, PATIENCE)?;
    let mut clients = Clients::connect(address, connections)?;
    let mut samples = Vec::new();
    for _ in 0..BATCHES {
        // What asking for the counters costs is known from asking twice.
        let before = watcher.busy_ns()?;
        let begin = watcher.busy_ns()?;
        let requests = clients.round(REQUESTS / BATCHES)?;
        let end = watcher.busy_ns()?;
        samples.push((end - begin - (begin - before)) / requests as f64);
    }
    Ok(samples)
}

/// Requests that are answered in a second of the host's time, batch by batch.
pub fn requests_a_second(address: SocketAddrV4, connections: usize) -> Result<Vec<f64>> {
    Server::wait(address, PATIENCE)?;
    let mut clients = Clients::connect(address, connections)?;
    let mut samples = Vec::new();
    for _ in 0..BATCHES {
        let begin = Instant::now();
        let requests = clients.round(REQUESTS)?;
        samples.push(requests as f64 / begin.elapsed().as_secs_f64());
    }
    Ok(samples)
}

/// Asks over so many connections until the guest has gone. Tells when it is warm.
pub fn ask_without_end(address: SocketAddrV4, connections: usize, warm: &AtomicBool) -> Result<()> {
    Server::wait(address, PATIENCE)?;
    let mut clients = Clients::connect(address, connections)?;
    warm.store(true, Ordering::Release);
    loop {
        clients.round(REQUESTS)?;
    }
}
