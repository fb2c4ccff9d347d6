//! Commands as a task runs them: functions, what is part of the shell, and those of the machine.

use super::*;

impl<S: Clone> Task<S> {
    pub(super) fn run_command<M: Machine<Stream = S>>(
        &mut self,
        shared: &mut Shared<S>,
        machine: &mut M,
    ) {
        let fields = core::mem::take(&mut self.fields);
        let assignments = core::mem::take(&mut self.assignments);
        let redirected = self.redirected.take();
        let substituted = self.substituted.take();
        if core::mem::take(&mut self.refused) {
            self.context.status = 1;
            return;
        }
        let streams = redirected.unwrap_or_else(|| self.context.streams.clone());
        if self.context.depth > 0 && self.frames.is_empty() && self.at == self.program.steps.len() {
            // The last thing that this part of a pipeline does: its streams are the command's alone, and
            // the machine may hand them over as they are.
            self.context.streams[0] = machine.null();
            self.context.streams[1] = machine.null();
        }
        let Some(name) = fields.first() else {
            for (name, value) in assignments {
                self.context.variables.set(&name, value);
            }
            self.context.status = substituted.unwrap_or(0);
            return;
        };
        if self.context.options.show_commands {
            // Not through `complain`, which would be waited for before the command runs.
            let text = format!("+ {}\n", fields.join(" "));
            let _ = machine.write(&self.context.streams[2], text.as_bytes());
        }
        if let Some(program) = self.context.functions.get(name.as_str()).cloned() {
            let arguments = fields[1..]
                .iter()
                .map(|text| text.as_str().into())
                .collect();
            return self.call(program, Some(arguments), assignments, streams);
        }
        // Assignments before a builtin have no effect: none looks at the environment.
        match builtins::run(&fields, &mut self.context, &streams, shared, machine) {
            Some(action) => self.act(action, streams, shared, machine),
            None => {
                let mut environment: Vec<(String, String)> = self
                    .context
                    .variables
                    .iter()
                    .filter(|(_, variable)| variable.exported)
                    .map(|(name, variable)| (name.to_string(), variable.value.to_string()))
                    .collect();
                for (name, value) in assignments {
                    environment.retain(|(there, _)| **there != *name);
                    environment.push((name.to_string(), value));
                }
                let errors = streams[2].clone();
                let process = machine.launch(Launch {
                    arguments: &fields,
                    environment: &environment,
                    streams,
                });
                let name = name.clone();
                self.wait = Wait::Process {
                    process,
                    name,
                    errors,
                };
            }
        }
    }

    /// Goes on in a function or a sourced script.
    pub(super) fn call(
        &mut self,
        program: Rc<Program>,
        arguments: Option<Rc<[Rc<str>]>>,
        assignments: Vec<(Rc<str>, String)>,
        streams: [S; 3],
    ) {
        if self.calls == CALLS_MAX {
            return self.give_up(&format!("more than {CALLS_MAX} functions in each other"), 1);
        }
        self.calls += 1;
        let mut locals = Vec::new();
        for (name, value) in assignments {
            let before = self.context.variables.variable(&name).cloned();
            locals.push((name.to_string(), before));
            self.context.variables.set(&name, value);
        }
        let before = core::mem::replace(&mut self.context.streams, streams);
        let name_and_arguments =
            arguments.map(|new| core::mem::replace(&mut self.context.arguments, new));
        self.frames.push(Frame::Call {
            program: core::mem::replace(&mut self.program, program),
            at: core::mem::replace(&mut self.at, 0),
            name_and_arguments,
            locals,
            streams: before,
        });
        self.context.status = 0;
    }

    /// Does what a builtin asks for.
    pub(super) fn act<M: Machine<Stream = S>>(
        &mut self,
        action: Action,
        streams: [S; 3],
        shared: &mut Shared<S>,
        machine: &mut M,
    ) {
        match action {
            Action::Status(status) => self.context.status = status,
            Action::Print(text, status) => {
                self.write(vec![(streams[1].clone(), text)], status);
            }
            Action::Complain(message, status) => {
                let text = format!("{}: {message}\n", self.context.name);
                self.write(vec![(streams[2].clone(), text.into_bytes())], status);
            }
            Action::Exit(status) => {
                self.context.status = status;
                self.ending = Some(Outcome::Exit);
            }
            Action::Return(status) => {
                self.context.status = status;
                if self.calls > 0 {
                    self.program_ended();
                } else {
                    self.end(status);
                }
            }
            Action::Leave { loops, again } => self.leave(loops, again),
            Action::Local(names) => {
                let frames = self.frames.iter_mut().rev();
                let call = frames.filter_map(|frame| match frame {
                    Frame::Call { locals, .. } => Some(locals),
                    _ => None,
                });
                let Some(locals) = { call }.next() else {
                    return self.complain("local: only in a function", 1);
                };
                for (name, value) in names {
                    locals.push((
                        name.clone(),
                        self.context.variables.variable(&name).cloned(),
                    ));
                    self.context.variables.restore(&name, None);
                    if let Some(value) = value {
                        self.context.variables.set(&name, value);
                    }
                }
                self.context.status = 0;
            }
            Action::Wait { jobs, foreground } => {
                self.wait = Wait::Jobs {
                    numbers: jobs,
                    foreground,
                }
            }
            Action::Kill(jobs) => {
                let found = shared.jobs.iter().filter(|job| jobs.contains(&job.number));
                let tasks: Vec<TaskId> = found.map(|job| job.task).collect();
                shared.killed.extend(tasks);
                self.context.status = 0;
            }
            Action::Read { names, raw } => {
                self.wait = Wait::Line {
                    stream: streams[0].clone(),
                    bytes: Vec::new(),
                    names,
                    raw,
                }
            }
            Action::Source { path, arguments } => {
                match machine.open(&self.context.variables.located(&path), Mode::Read) {
                    Ok(stream) => {
                        self.wait = Wait::Script {
                            stream,
                            bytes: Vec::new(),
                            name: path,
                            arguments,
                        }
                    }
                    Err(message) => self.complain(&format!("{path}: {message}"), 1),
                }
            }
        }
    }

    /// `break` and `continue`.
    pub(super) fn leave(&mut self, loops: usize, again: bool) {
        let mut left = loops.max(1);
        let in_loop = self
            .frames
            .iter()
            .rev()
            .take_while(|frame| !matches!(frame, Frame::Call { .. }))
            .any(|frame| matches!(frame, Frame::Loop { .. }));
        if !in_loop {
            return self.complain("break and continue: only in a loop", 1);
        }
        self.context.status = 0;
        loop {
            match self.frames.last() {
                None | Some(Frame::Call { .. }) => return,
                Some(Frame::Loop {
                    again: begin,
                    after,
                    ..
                }) => {
                    let (begin, after) = (*begin, *after);
                    left -= 1;
                    if left == 0 && again {
                        self.at = begin;
                        return;
                    }
                    self.frames.pop();
                    self.at = after;
                    if left == 0 {
                        return;
                    }
                }
                Some(_) => {
                    if let Some(frame) = self.frames.pop() {
                        self.undo(frame);
                    }
                }
            }
        }
    }

    /// `read`: takes one line, and not a byte more.
    pub(super) fn read_line<M: Machine<Stream = S>>(&mut self, machine: &mut M) -> bool {
        let Wait::Line {
            stream,
            bytes,
            names,
            raw,
        } = &mut self.wait
        else {
            return true;
        };
        let ended = loop {
            match machine.read(stream, 1).map(|found| found.first().copied()) {
                Poll::Pending => return false,
                Poll::Ready(None) => break true,
                Poll::Ready(Some(b'\n')) if !*raw && bytes.last() == Some(&b'\\') => {
                    bytes.pop();
                }
                Poll::Ready(Some(b'\n')) => break false,
                Poll::Ready(Some(byte)) if bytes.len() < WORD_LEN_MAX => bytes.push(byte),
                Poll::Ready(Some(_)) => {}
            }
        };
        let line = String::from_utf8_lossy(bytes).to_string();
        let empty = line.is_empty();
        let mut rest = line.trim_matches([' ', '\t']);
        let names = core::mem::take(names);
        for (i, name) in names.iter().enumerate() {
            let value = match i + 1 == names.len() {
                true => core::mem::take(&mut rest),
                false => match rest.split_once([' ', '\t']) {
                    Some((first, others)) => {
                        rest = others.trim_start_matches([' ', '\t']);
                        first
                    }
                    None => core::mem::take(&mut rest),
                },
            };
            self.context.variables.set(name, value);
        }
        self.context.status = u8::from(ended && empty);
        self.wait = Wait::Nothing;
        true
    }

    /// `source`: takes the whole file, and goes on in it.
    pub(super) fn read_script<M: Machine<Stream = S>>(&mut self, machine: &mut M) -> bool {
        let Wait::Script {
            stream,
            bytes,
            name,
            arguments,
        } = &mut self.wait
        else {
            return true;
        };
        loop {
            match machine.read(stream, SCRIPT_MAX) {
                Poll::Pending => return false,
                Poll::Ready(found) if found.is_empty() => break,
                Poll::Ready(found) => bytes.extend(found),
            }
            if bytes.len() > SCRIPT_MAX {
                let message = format!("{name}: a script longer than {SCRIPT_MAX} bytes");
                self.wait = Wait::Nothing;
                self.complain(&message, 1);
                return true;
            }
        }
        let text = String::from_utf8_lossy(bytes).to_string();
        let name = core::mem::take(name);
        let arguments = core::mem::take(arguments);
        self.wait = Wait::Nothing;
        match crate::parser::parse(&text) {
            Ok(script) => {
                let program = crate::compile::compile(&script, &text);
                let arguments: Option<Rc<[Rc<str>]>> = (!arguments.is_empty())
                    .then(|| arguments.iter().map(|text| text.as_str().into()).collect());
                let streams = self.context.streams.clone();
                self.call(Rc::new(program), arguments, Vec::new(), streams);
            }
            Err(error) => {
                let shown = error.show(&text, &name);
                self.write(
                    vec![(self.context.streams[2].clone(), shown.into_bytes())],
                    2,
                );
            }
        }
        true
    }
}
