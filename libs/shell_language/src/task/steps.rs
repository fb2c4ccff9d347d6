//! What each step of a program does: building words, redirecting, jumping.

use super::*;

impl<S: Clone> Task<S> {
    pub(super) fn step<M: Machine<Stream = S>>(
        &mut self,
        step: &Step,
        shared: &mut Shared<S>,
        machine: &mut M,
    ) {
        if self.word().len() > WORD_LEN_MAX {
            return self.give_up(
                &format!("a word became longer than {WORD_LEN_MAX} bytes"),
                1,
            );
        }
        match step {
            Step::Text(text) => self.word().bare(text),
            Step::Quoted(text) => self.word().quoted(text),
            Step::Value { name, quoted } => self.add_value(name, *quoted),
            Step::Length(name) => {
                let len = match &**name {
                    "@" | "*" => self.context.arguments.len(),
                    name => self
                        .context
                        .value(name)
                        .map_or(0, |value| value.chars().count()),
                };
                self.word().quoted(&len.to_string());
            }
            Step::Substitute { program, quoted } => {
                self.substitute(program, *quoted, shared, machine)
            }
            Step::IfSet {
                name,
                or_empty,
                set,
                place,
            } => {
                let is_set = match &**name {
                    "@" | "*" => !self.context.arguments.is_empty(),
                    name => self
                        .context
                        .value(name)
                        .is_some_and(|value| !(*or_empty && value.is_empty())),
                };
                if is_set == *set {
                    self.at = *place;
                }
            }
            Step::Nest => self.words.push(Builder::default()),
            Step::Calculate { quoted } => {
                let word = self.take_word();
                let context = &self.context;
                let variable = |name: &str| context.value(name).map(|value| value.to_string());
                match calculate(word.text(), &variable) {
                    Ok(value) => self.word().add(&value.to_string(), *quoted),
                    Err(message) => self.give_up(&message, 1),
                }
            }
            Step::Trim { name, trim, quoted } => {
                let word = self.take_word();
                let value = self.context.value(name).unwrap_or_default();
                let rest = trimmed(&value, word.pattern(), *trim);
                self.word().add(rest, *quoted);
            }
            Step::Default { name, quoted } => {
                let word = self.take_word();
                self.context.variables.set(name, word.text());
                self.word().add(word.text(), *quoted);
            }
            Step::Complain(name) => {
                let word = self.take_word();
                let text = match word.text() {
                    "" => "is not set",
                    text => text,
                };
                let message = format!("{name}: {text}");
                self.give_up(&message, 1);
            }
            Step::EndWord => {
                let word = self.take_word();
                word.into_fields(&self.context.variables, machine, &mut self.fields);
            }
            Step::Assign(name) => {
                let word = self.take_word();
                self.assignments
                    .push((name.clone(), word.text().to_string()));
            }
            Step::Redirect { descriptor, how } => self.redirect(*descriptor, *how, shared, machine),
            Step::Same { descriptor, of } => {
                let streams = self.redirections();
                streams[usize::from(*descriptor)] = streams[usize::from(*of)].clone();
            }
            Step::Run => self.run_command(shared, machine),
            Step::Hold => {
                if core::mem::take(&mut self.refused) {
                    // A group without its files does nothing that anybody wants.
                    return self.end(1);
                }
                let streams = self.redirected.take();
                let before = self.context.streams.clone();
                if let Some(streams) = streams {
                    self.context.streams = streams;
                }
                self.frames.push(Frame::Hold(before));
            }
            Step::Release | Step::Checked | Step::EndLoop | Step::EndCase => {
                if let Some(frame) = self.frames.pop() {
                    self.undo(frame);
                }
            }
            Step::Pipeline(programs) => self.pipeline(programs, shared, machine),
            Step::Background { program, text } => self.background(program, text, shared, machine),
            Step::Subshell(program) => {
                let context = self.context.clone();
                self.children(vec![(program.clone(), context)], shared);
            }
            Step::Negate => self.context.status = u8::from(self.context.status == 0),
            Step::Succeed => self.context.status = 0,
            Step::Jump(place) => self.at = *place,
            Step::IfFailed(place) if self.context.status != 0 => self.at = *place,
            Step::IfSucceeded(place) if self.context.status == 0 => self.at = *place,
            Step::IfFailed(_) | Step::IfSucceeded(_) => {}
            Step::Unchecked => self.frames.push(Frame::Unchecked),
            Step::Check => {
                let unchecked = |frame: &Frame<S>| matches!(frame, Frame::Unchecked);
                if self.context.options.exit_on_failure
                    && self.context.status != 0
                    && !self.frames.iter().any(unchecked)
                {
                    self.ending = Some(Outcome::Exit);
                }
            }
            Step::Loop { again, after } => self.frames.push(Frame::Loop {
                again: *again,
                after: *after,
                values: None,
            }),
            Step::Rounds {
                arguments,
                again,
                after,
            } => {
                let values = match arguments {
                    true => self
                        .context
                        .arguments
                        .iter()
                        .map(|text| text.to_string())
                        .collect(),
                    false => core::mem::take(&mut self.fields),
                };
                self.frames.push(Frame::Loop {
                    again: *again,
                    after: *after,
                    values: Some(values.into_iter()),
                });
            }
            Step::NextRound(name) => {
                if let Some(Frame::Loop { after, values, .. }) = self.frames.last_mut() {
                    match values.as_mut().and_then(Iterator::next) {
                        Some(value) => self.context.variables.set(name, value),
                        None => {
                            self.at = *after;
                            self.frames.pop();
                        }
                    }
                }
            }
            Step::Subject => {
                let word = self.take_word();
                self.frames.push(Frame::Subject(word.text().to_string()));
            }
            Step::IfDifferent(place) => {
                let word = self.take_word();
                let same = match self.frames.last() {
                    Some(Frame::Subject(subject)) => pattern::matches(word.pattern(), subject),
                    _ => false,
                };
                if !same {
                    self.at = *place;
                }
            }
            Step::Function { name, program } => {
                Rc::make_mut(&mut self.context.functions).insert(name.clone(), program.clone());
            }
        }
    }

    pub(super) fn add_value(&mut self, name: &str, quoted: bool) {
        if matches!(name, "@" | "*") && (!quoted || name == "@") {
            let arguments = self.context.arguments.clone();
            for (i, argument) in arguments.iter().enumerate() {
                if i > 0 {
                    self.word().split();
                }
                self.word().add(argument, quoted);
            }
            return;
        }
        match self.context.value(name) {
            Some(value) => self.word().add(&value, quoted),
            None if self.context.options.unset_is_error => {
                self.give_up(&format!("{name} is not set"), 1)
            }
            None => self.word().add("", quoted),
        }
    }

    /// The streams of the command that is being put together.
    pub(super) fn redirections(&mut self) -> &mut [S; 3] {
        let context = &self.context;
        self.redirected
            .get_or_insert_with(|| context.streams.clone())
    }

    pub(super) fn redirect<M: Machine<Stream = S>>(
        &mut self,
        descriptor: u8,
        how: How,
        shared: &mut Shared<S>,
        machine: &mut M,
    ) {
        let word = self.take_word();
        let mode = match how {
            How::Read => Mode::Read,
            How::Write | How::WriteBoth => Mode::Write,
            How::Append => Mode::Append,
            How::Text | How::Document => {
                let mut text = word.text().to_string();
                if how == How::Text {
                    text.push('\n');
                }
                return match self.feed(text, shared, machine) {
                    Ok(stream) => self.redirections()[usize::from(descriptor)] = stream,
                    Err(message) => self.give_up(&message, 1),
                };
            }
        };
        match machine.open(&self.context.variables.located(word.text()), mode) {
            Ok(stream) => {
                let streams = self.redirections();
                streams[usize::from(descriptor)] = stream.clone();
                if how == How::WriteBoth {
                    streams[2] = stream;
                }
            }
            Err(message) => {
                self.refused = true;
                self.complain(&format!("{}: {message}", word.text()), 1)
            }
        }
    }

    /// A stream that gives this text.
    pub(super) fn feed<M: Machine<Stream = S>>(
        &mut self,
        text: String,
        shared: &mut Shared<S>,
        machine: &mut M,
    ) -> Result<S, String> {
        let (reader, writer) = machine.pipe()?;
        let mut feeder = Task::new(Rc::new(Program::default()), self.context.clone());
        feeder.context.streams = [machine.null(), machine.null(), machine.null()];
        feeder.write(vec![(writer, text.into_bytes())], 0);
        self.feeders.retain(|id| shared.ended.remove(id).is_none());
        let id = shared.spawn(feeder)?;
        self.feeders.push(id);
        Ok(reader)
    }

    pub(super) fn word(&mut self) -> &mut Builder {
        if self.words.is_empty() {
            self.words.push(Builder::default());
        }
        let last = self.words.len() - 1;
        &mut self.words[last]
    }

    /// The innermost word, which is ended by this.
    pub(super) fn take_word(&mut self) -> Builder {
        let word = self.words.pop().unwrap_or_default();
        if self.words.is_empty() {
            self.words.push(Builder::default());
        }
        word
    }
}
