//! Starting commands, with streams of their own where they need some.

use super::*;

impl FtlMachine {
    pub(super) fn job_ended(&mut self, id: ProcessId, end: End) {
        if let Some(process) = self.processes.get_mut(&id)
            && process.end.is_none()
        {
            process.end = Some(end);
        }
    }

    /// What a command gets as its input.
    pub(super) fn input_for(&mut self, stream: Stream) -> Result<Stdio> {
        match stream {
            Stream::Keyboard => match &mut self.terminal {
                Some(terminal) => {
                    let channel = terminal.input(terminal::Mode::Lines)?;
                    Ok(Stdio::from(Receiver::from(ftl::handle::OwnedHandle::from(
                        channel,
                    ))))
                }
                None => Ok(Stdio::null()),
            },
            Stream::Reader(reader) => {
                if Rc::strong_count(&reader) == 1 {
                    match reader.state.replace(ReaderState::Gone) {
                        ReaderState::Whole(end) => return Ok(Stdio::from(end)),
                        state => drop(reader.state.replace(state)),
                    }
                }
                self.open_reader(&reader)?;
                self.feed(Stream::Reader(reader))
            }
            Stream::FileReader(_) | Stream::DiskFile(_) => self.feed(stream),
            _ => Ok(Stdio::null()),
        }
    }

    /// A stream for a command, into which this one is passed on as far as the command reads it: the rest is for
    /// whoever reads next.
    pub(super) fn feed(&mut self, from: Stream) -> Result<Stdio> {
        let (reader, writer) = ftl::io::pipe_on_demand()?;
        let writer = self.writer(writer.into_end()?);
        self.open_writer(&writer)?;
        self.pumps.push(Pump {
            from,
            to: Stream::Writer(writer),
            process: None,
        });
        Ok(Stdio::from(reader.into_end()?))
    }

    /// What a command gets as one of its outputs.
    pub(super) fn output_for(
        &mut self,
        stream: Stream,
        process: ProcessId,
    ) -> Result<(Stdio, bool)> {
        if let Stream::Writer(writer) = &stream
            && Rc::strong_count(writer) == 1
        {
            match writer.state.replace(WriterState::Gone) {
                WriterState::Whole(end) => return Ok((Stdio::from(end), false)),
                state => drop(writer.state.replace(state)),
            }
        }
        if matches!(stream, Stream::Null) {
            return Ok((Stdio::null(), false));
        }
        let (reader, writer) = ftl::io::pipe()?;
        let reader = self.reader(reader.into_end()?);
        self.open_reader(&reader)?;
        self.pumps.push(Pump {
            from: Stream::Reader(reader),
            to: stream,
            process: Some(process),
        });
        Ok((Stdio::from(writer.into_end()?), true))
    }

    /// A command gets the shell's directory, with the rights that its own file asks for.
    fn lend_directory(&self, name: &str, command: &mut Command) {
        let write = match self.given_directories.get(name) {
            None | Some(launcher::Directory::None) => return,
            Some(launcher::Directory::Read) => false,
            Some(launcher::Directory::Write) => true,
        };
        if let Some(disk) = &self.disk {
            // It says itself that it has none.
            let _ = disk.lend(command, write);
        }
    }

    pub(super) fn spawn(
        &mut self,
        id: ProcessId,
        launch: Launch<'_, Stream>,
    ) -> Result<Process, End> {
        let failed = |error: Error| End::NotStarted(error.to_string());
        let Some((name, arguments)) = launch.arguments.split_first() else {
            return Err(End::NotFound);
        };
        if !self.commands.iter().any(|(known, _)| known == name) {
            return Err(End::NotFound);
        }
        if !shell_language::has_room() {
            let message = "the shell has no memory left for another command; its limit is `memory`";
            return Err(End::NotStarted(message.to_string()));
        }
        let mut command = Command::new(name.as_str());
        command.args(arguments.iter().cloned());
        for (name, value) in launch.environment {
            command.variable(name, value);
        }
        let [stdin, stdout, stderr] = launch.streams;
        let mut pumps = 0;
        command.stdin(self.input_for(stdin).map_err(failed)?);
        let (stdout, pumped) = self.output_for(stdout, id).map_err(failed)?;
        pumps += usize::from(pumped);
        command.stdout(stdout);
        let (stderr, pumped) = self.output_for(stderr, id).map_err(failed)?;
        pumps += usize::from(pumped);
        command.stderr(stderr);
        if self.screen.is_some()
            && let Some(terminal) = &mut self.terminal
            && let Ok(shared) = terminal.share()
        {
            command.terminal(&shared);
        }
        self.lend_directory(name, &mut command);
        match command.spawn(&mut self.launcher) {
            Ok(child) => {
                self.events
                    .add(child.job(), Source::Job(id.0))
                    .map_err(failed)?;
                Ok(Process {
                    child: Some(child),
                    end: None,
                    pumps,
                })
            }
            Err(error) if error.error == Error::NotFound => Err(End::NotFound),
            Err(error) => Err(End::NotStarted(error.to_string())),
        }
    }
}

pub(super) fn end_of(status: ExitStatus) -> End {
    match usize::try_from(status.code()) {
        Ok(ProcessState::EXIT_KILLED) => End::Killed,
        Ok(
            ProcessState::EXIT_PANIC | ProcessState::EXIT_FAULT | ProcessState::EXIT_STACK_OVERFLOW,
        ) => End::Crashed(status.to_string()),
        Ok(code) => End::Exited(u8::try_from(code).unwrap_or(255)),
        Err(_) => End::Exited(255),
    }
}
