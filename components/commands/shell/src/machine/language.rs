//! What the language asks of the machine.

use super::*;

impl Machine for FtlMachine {
    type Stream = Stream;

    fn pipe(&mut self) -> Result<(Stream, Stream), String> {
        let make = || -> Result<(Receiver, Sender)> {
            let (reader, writer) = ftl::io::pipe()?;
            Ok((reader.into_end()?, writer.into_end()?))
        };
        let (receiver, sender) = make().map_err(|error| error.to_string())?;
        Ok((
            Stream::Reader(self.reader(receiver)),
            Stream::Writer(self.writer(sender)),
        ))
    }

    fn null(&mut self) -> Stream {
        Stream::Null
    }

    fn open(&mut self, path: &str, mode: Mode) -> Result<Stream, String> {
        if path == "/dev/null" {
            return Ok(Stream::Null);
        }
        if let Some(disk) = &self.disk {
            let mut options = OpenOptions::new();
            match mode {
                Mode::Read => options.read(true),
                Mode::Write => options.write(true).create(true).truncate(true),
                Mode::Append => options.append(true).create(true),
            };
            let file = options.open(disk, path).map_err(|error| match error {
                Error::NotFound => "there is no such file".into(),
                error => error.to_string(),
            })?;
            return Ok(Stream::DiskFile(Rc::new(DiskFile {
                path: path.into(),
                file: RefCell::new(file),
            })));
        }
        match (mode, self.files.get(path)) {
            (Mode::Read, Some(file)) => {
                let bytes = file.borrow().iter().copied().collect();
                Ok(Stream::FileReader(Rc::new(RefCell::new(bytes))))
            }
            (Mode::Read, None) => Err("there is no such file".into()),
            (Mode::Append, Some(file)) => Ok(Stream::File(file.clone())),
            (_, Some(file)) => {
                file.borrow_mut().clear();
                Ok(Stream::File(file.clone()))
            }
            (_, None) => {
                let file = Rc::new(RefCell::new(Vec::new()));
                self.files.insert(path.to_string(), file.clone());
                Ok(Stream::File(file))
            }
        }
    }

    fn directory(&mut self, path: &str) -> Result<(), String> {
        let Some(disk) = &self.disk else {
            return Err("there are no directories here".into());
        };
        match disk.metadata(path) {
            Ok(found) if found.is_dir() => Ok(()),
            Ok(_) => Err("it is no directory".into()),
            Err(Error::NotFound) => Err("there is no such directory".into()),
            Err(error) => Err(error.to_string()),
        }
    }

    fn list(&mut self, directory: &str) -> Vec<(String, bool)> {
        if let Some(disk) = &self.disk {
            return list(disk, directory);
        }
        let base = match directory {
            "." => String::new(),
            directory => alloc::format!("{}/", directory.trim_end_matches('/')),
        };
        let mut names: BTreeMap<String, bool> = BTreeMap::new();
        for path in self.files.keys() {
            if let Some(rest) = path.strip_prefix(&base)
                && !rest.is_empty()
            {
                match rest.split_once('/') {
                    Some((name, _)) => names.insert(name.to_string(), true),
                    None => names.insert(rest.to_string(), false),
                };
            }
        }
        names.into_iter().collect()
    }

    fn launch(&mut self, launch: Launch<'_, Stream>) -> ProcessId {
        let id = ProcessId(self.number());
        let process = self.spawn(id, launch).unwrap_or_else(|end| Process {
            child: None,
            end: Some(end),
            pumps: 0,
        });
        self.processes.insert(id, process);
        id
    }

    fn end(&mut self, id: ProcessId) -> Poll<End> {
        match self.processes.get(&id) {
            Some(process) if process.end.is_none() || process.pumps > 0 => Poll::Pending,
            Some(_) => match self.processes.remove(&id).and_then(|process| process.end) {
                Some(end) => Poll::Ready(end),
                None => Poll::Pending,
            },
            None => Poll::Ready(End::Killed),
        }
    }

    fn kill(&mut self, id: ProcessId) {
        if let Some(process) = self.processes.get(&id)
            && let Some(child) = &process.child
        {
            // One that ends in this moment needs no killing.
            let _ = child.kill();
        }
    }

    fn forget(&mut self, id: ProcessId) {
        if let Some(process) = self.processes.remove(&id)
            && let Some(child) = &process.child
        {
            let _ = self.events.remove_channel(child.job());
        }
    }

    fn write(&mut self, stream: &Stream, bytes: &[u8]) -> Poll<Result<usize, Unwritten>> {
        match stream {
            Stream::Null => Poll::Ready(Ok(bytes.len())),
            Stream::File(file) => {
                let all: usize = self.files.values().map(|file| file.borrow().len()).sum();
                if all + bytes.len() > FILES_MAX {
                    self.complain("there is no room left for files in the shell's memory");
                    return Poll::Ready(Err(Unwritten::Refused));
                }
                file.borrow_mut().extend_from_slice(bytes);
                Poll::Ready(Ok(bytes.len()))
            }
            Stream::DiskFile(file) => {
                let written = file.file.borrow_mut().write(bytes);
                match written {
                    Ok(len) => Poll::Ready(Ok(len)),
                    Err(error) => {
                        self.complain(&alloc::format!("{}: {error}", file.path));
                        Poll::Ready(Err(Unwritten::Refused))
                    }
                }
            }
            Stream::Writer(writer) if self.is_screen(writer) => match self.room(stream) {
                Err(()) => Poll::Ready(Err(Unwritten::Closed)),
                Ok(0) => Poll::Pending,
                Ok(room) => {
                    let len = room.min(bytes.len());
                    match self.prompt_shown {
                        true => self.beside.extend_from_slice(&bytes[..len]),
                        false => self.print_terminal(&bytes[..len]),
                    }
                    Poll::Ready(Ok(len))
                }
            },
            Stream::Writer(writer) => {
                if self.open_writer(writer).is_err() {
                    return Poll::Ready(Err(Unwritten::Closed));
                }
                match &mut *writer.state.borrow_mut() {
                    WriterState::Open {
                        outlet,
                        closed: false,
                    } => match outlet.send(bytes) {
                        Ok(0) => Poll::Pending,
                        Ok(len) => Poll::Ready(Ok(len)),
                        Err(_) => Poll::Ready(Err(Unwritten::Closed)),
                    },
                    _ => Poll::Ready(Err(Unwritten::Closed)),
                }
            }
            _ => Poll::Ready(Err(Unwritten::Closed)),
        }
    }

    fn read(&mut self, stream: &Stream, len: usize) -> Poll<Vec<u8>> {
        match stream {
            Stream::Reader(reader) => {
                if self.open_reader(reader).is_err() {
                    return Poll::Ready(Vec::new());
                }
                match &mut *reader.state.borrow_mut() {
                    ReaderState::Open {
                        inlet,
                        bytes,
                        ended,
                    } => {
                        if bytes.is_empty() {
                            if *ended {
                                return Poll::Ready(Vec::new());
                            }
                            inlet.ask();
                            return Poll::Pending;
                        }
                        let len = len.min(bytes.len());
                        Poll::Ready(bytes.drain(..len).collect())
                    }
                    _ => Poll::Ready(Vec::new()),
                }
            }
            Stream::FileReader(bytes) => {
                let mut bytes = bytes.borrow_mut();
                let len = len.min(bytes.len());
                Poll::Ready(bytes.drain(..len).collect())
            }
            Stream::DiskFile(file) => {
                let mut bytes = alloc::vec![0; len.min(AHEAD_MAX)];
                let read = file.file.borrow_mut().read(&mut bytes);
                bytes.truncate(read.unwrap_or(0));
                if let Err(error) = read {
                    self.complain(&alloc::format!("{}: {error}", file.path));
                }
                Poll::Ready(bytes)
            }
            Stream::Keyboard => match self.lines() {
                Some(lines) => self.read(&Stream::Reader(lines), len),
                None => Poll::Ready(Vec::new()),
            },
            _ => Poll::Ready(Vec::new()),
        }
    }

    fn commands(&mut self) -> Vec<String> {
        self.commands.iter().map(|(name, _)| name.clone()).collect()
    }

    fn now_ms(&mut self) -> u64 {
        Instant::now().as_nanos() / 1_000_000
    }

    fn is_terminal(&mut self, stream: &Stream) -> bool {
        match stream {
            Stream::Keyboard => true,
            Stream::Writer(writer) => self.is_screen(writer),
            _ => false,
        }
    }
}
