//! Tasks that a task starts: parts of a pipeline, subshells, jobs, and `$(…)`.

use super::*;

impl<S: Clone> Task<S> {
    /// Begins tasks, and waits for them.
    pub(super) fn children(
        &mut self,
        programs: Vec<(Rc<Program>, Context<S>)>,
        shared: &mut Shared<S>,
    ) {
        let mut tasks = Vec::new();
        for (program, context) in programs {
            match self.child(program, context, shared) {
                Ok(id) => tasks.push(Some(id)),
                Err(message) => {
                    shared.killed.extend(tasks.into_iter().flatten());
                    return self.give_up(&message, 1);
                }
            }
        }
        self.wait = Wait::Children { tasks, status: 0 };
    }

    pub(super) fn child(
        &mut self,
        program: Rc<Program>,
        mut context: Context<S>,
        shared: &mut Shared<S>,
    ) -> Result<TaskId, String> {
        if context.depth == NESTING_MAX {
            return Err(format!("more than {NESTING_MAX} subshells in each other"));
        }
        context.depth += 1;
        shared.spawn(Task::new(program, context))
    }

    pub(super) fn pipeline<M: Machine<Stream = S>>(
        &mut self,
        programs: &[Rc<Program>],
        shared: &mut Shared<S>,
        machine: &mut M,
    ) {
        let mut input = self.context.streams[0].clone();
        let mut children = Vec::new();
        for (i, program) in programs.iter().enumerate() {
            let mut context = self.context.clone();
            context.streams[0] = input.clone();
            if i + 1 < programs.len() {
                match machine.pipe() {
                    Ok((reader, writer)) => {
                        input = reader;
                        context.streams[1] = writer;
                    }
                    Err(message) => return self.give_up(&message, 1),
                }
            }
            children.push((program.clone(), context));
        }
        drop(input);
        self.children(children, shared);
    }

    pub(super) fn background<M: Machine<Stream = S>>(
        &mut self,
        program: &Rc<Program>,
        text: &Rc<str>,
        shared: &mut Shared<S>,
        machine: &mut M,
    ) {
        let mut context = self.context.clone();
        context.streams[0] = machine.null();
        match self.child(program.clone(), context, shared) {
            Ok(id) => {
                shared.add_job(id, text.clone());
                self.context.last_job = shared.jobs.last().map_or(0, |job| job.number);
                self.context.status = 0;
            }
            Err(message) => self.give_up(&message, 1),
        }
    }

    pub(super) fn substitute<M: Machine<Stream = S>>(
        &mut self,
        program: &Rc<Program>,
        quoted: bool,
        shared: &mut Shared<S>,
        machine: &mut M,
    ) {
        let result = machine.pipe().and_then(|(reader, writer)| {
            let mut context = self.context.clone();
            context.streams[1] = writer;
            Ok((reader, self.child(program.clone(), context, shared)?))
        });
        match result {
            Ok((reader, task)) => {
                self.wait = Wait::Capture {
                    task: Some(task),
                    reader: Some(reader),
                    bytes: Vec::new(),
                    status: 0,
                    quoted,
                }
            }
            Err(message) => self.give_up(&message, 1),
        }
    }

    /// Reads what a `$(…)` prints.
    pub(super) fn capture<M: Machine<Stream = S>>(
        &mut self,
        shared: &mut Shared<S>,
        machine: &mut M,
    ) -> bool {
        let Wait::Capture {
            task,
            reader,
            bytes,
            status,
            quoted,
        } = &mut self.wait
        else {
            return true;
        };
        while let Some(stream) = reader {
            match machine.read(stream, CAPTURE_MAX) {
                Poll::Pending => break,
                Poll::Ready(found) if found.is_empty() => *reader = None,
                Poll::Ready(found) => bytes.extend(found),
            }
            if bytes.len() > CAPTURE_MAX {
                shared.killed.extend(*task);
                self.wait = Wait::Nothing;
                self.give_up(&format!("`$(…)` printed more than {CAPTURE_MAX} bytes"), 1);
                return true;
            }
        }
        if let Some(id) = task
            && let Some(ended) = shared.ended.remove(id)
        {
            *status = ended;
            *task = None;
        }
        if task.is_some() || reader.is_some() {
            return false;
        }
        let text = String::from_utf8_lossy(bytes);
        let text = text.trim_end_matches('\n').to_string();
        let (status, quoted) = (*status, *quoted);
        self.wait = Wait::Nothing;
        self.substituted = Some(status);
        self.word().add(&text, quoted);
        true
    }
}
