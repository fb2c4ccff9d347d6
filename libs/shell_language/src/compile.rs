//! From a tree to a program.
//!
//! Jumps forward are made with a place that is filled in once it is known.

use alloc::rc::Rc;
use alloc::vec::Vec;

use crate::program::{How, Place, Program, Step};
use crate::syntax::{
    Command, CommandKind, Connector, Item, List, Operation, Part, Pipeline, Redirect, Script,
    Target, Word,
};

/// Makes a program of a script. `text` is what the script was parsed from.
pub fn compile(script: &Script, text: &str) -> Program {
    let shared = Shared {
        documents: &script.documents,
        text,
    };
    program(&shared, |compiler| compiler.list(&script.list))
}

/// What all programs of one text have in common.
struct Shared<'a> {
    documents: &'a [Word],
    text: &'a str,
}

struct Compiler<'a> {
    shared: &'a Shared<'a>,
    steps: Vec<Step>,
}

fn program(shared: &Shared<'_>, build: impl FnOnce(&mut Compiler<'_>)) -> Program {
    let mut compiler = Compiler {
        shared,
        steps: Vec::new(),
    };
    build(&mut compiler);
    Program {
        steps: compiler.steps,
    }
}

impl Compiler<'_> {
    fn push(&mut self, step: Step) -> Place {
        self.steps.push(step);
        self.steps.len() - 1
    }

    fn here(&self) -> Place {
        self.steps.len()
    }

    /// Fills in where a jump goes: to here.
    fn land(&mut self, jump: Place) {
        let here = self.here();
        match &mut self.steps[jump] {
            Step::Jump(place)
            | Step::IfFailed(place)
            | Step::IfSucceeded(place)
            | Step::IfDifferent(place)
            | Step::IfSet { place, .. }
            | Step::Loop { after: place, .. }
            | Step::Rounds { after: place, .. } => *place = here,
            _ => {}
        }
    }

    fn inner(&self, build: impl FnOnce(&mut Compiler<'_>)) -> Rc<Program> {
        Rc::new(program(self.shared, build))
    }

    fn list(&mut self, list: &List) {
        for item in &list.items {
            if item.background {
                let program = self.inner(|compiler| compiler.item(item));
                let text = self.shared.text.get(item.span.start..item.span.end);
                let text = text.unwrap_or_default().into();
                self.push(Step::Background { program, text });
            } else {
                self.item(item);
            }
        }
    }

    fn item(&mut self, item: &Item) {
        if item.rest.is_empty() {
            self.pipeline(&item.first);
            if !item.first.negated {
                self.push(Step::Check);
            }
            return;
        }
        // All but the last may fail: that is what the connectors are for.
        self.push(Step::Unchecked);
        self.pipeline(&item.first);
        let last = item.rest.len() - 1;
        for (i, (connector, pipeline)) in item.rest.iter().enumerate() {
            let jump = match connector {
                Connector::And => self.push(Step::IfFailed(0)),
                Connector::Or => self.push(Step::IfSucceeded(0)),
            };
            if i == last && !pipeline.negated {
                self.push(Step::Checked);
                self.pipeline(pipeline);
                self.push(Step::Check);
                let end = self.push(Step::Jump(0));
                self.land(jump);
                self.push(Step::Checked);
                self.land(end);
                return;
            }
            self.pipeline(pipeline);
            self.land(jump);
        }
        self.push(Step::Checked);
    }

    fn pipeline(&mut self, pipeline: &Pipeline) {
        match pipeline.commands.as_slice() {
            [command] if pipeline.negated => {
                self.push(Step::Unchecked);
                self.command(command);
                self.push(Step::Checked);
            }
            [command] => self.command(command),
            commands => {
                let programs = commands
                    .iter()
                    .map(|command| self.inner(|compiler| compiler.command(command)))
                    .collect();
                self.push(Step::Pipeline(programs));
            }
        }
        if pipeline.negated {
            self.push(Step::Negate);
        }
    }

    fn command(&mut self, command: &Command) {
        if let CommandKind::Simple { assignments, words } = &command.kind {
            for word in words {
                self.word(word);
                self.push(Step::EndWord);
            }
            for (name, word) in assignments {
                self.word(word);
                self.push(Step::Assign(name.as_str().into()));
            }
            self.redirects(&command.redirects);
            self.push(Step::Run);
            return;
        }
        if !command.redirects.is_empty() {
            self.redirects(&command.redirects);
            self.push(Step::Hold);
        }
        self.compound(&command.kind);
        if !command.redirects.is_empty() {
            self.push(Step::Release);
        }
    }

    fn compound(&mut self, kind: &CommandKind) {
        match kind {
            CommandKind::Simple { .. } => {}
            CommandKind::Group(list) => self.list(list),
            CommandKind::Subshell(list) => {
                let program = self.inner(|compiler| compiler.list(list));
                self.push(Step::Subshell(program));
            }
            CommandKind::If { arms, otherwise } => {
                let mut ends = Vec::new();
                for (condition, body) in arms {
                    self.condition(condition);
                    let next = self.push(Step::IfFailed(0));
                    self.list(body);
                    ends.push(self.push(Step::Jump(0)));
                    self.land(next);
                }
                match otherwise {
                    Some(list) => self.list(list),
                    None => drop(self.push(Step::Succeed)),
                }
                for end in ends {
                    self.land(end);
                }
            }
            CommandKind::While {
                until,
                condition,
                body,
            } => {
                let begin = self.push(Step::Loop { again: 0, after: 0 });
                let again = self.here();
                if let Step::Loop { again: place, .. } = &mut self.steps[begin] {
                    *place = again;
                }
                self.condition(condition);
                let out = match until {
                    false => self.push(Step::IfFailed(0)),
                    true => self.push(Step::IfSucceeded(0)),
                };
                self.list(body);
                self.push(Step::Jump(again));
                self.land(out);
                self.push(Step::Succeed);
                self.push(Step::EndLoop);
                self.land(begin);
            }
            CommandKind::For { name, words, body } => {
                for word in words.iter().flatten() {
                    self.word(word);
                    self.push(Step::EndWord);
                }
                self.push(Step::Succeed);
                let begin = self.here();
                self.push(Step::Rounds {
                    arguments: words.is_none(),
                    again: begin + 1,
                    after: 0,
                });
                self.push(Step::NextRound(name.as_str().into()));
                self.list(body);
                self.push(Step::Jump(begin + 1));
                self.land(begin);
            }
            CommandKind::Case { subject, arms } => {
                self.word(subject);
                self.push(Step::Subject);
                self.push(Step::Succeed);
                let mut ends = Vec::new();
                for (patterns, body) in arms {
                    let mut bodies = Vec::new();
                    let mut next = None;
                    for pattern in patterns {
                        if let Some(next) = next.take() {
                            self.land(next);
                        }
                        self.word(pattern);
                        next = Some(self.push(Step::IfDifferent(0)));
                        bodies.push(self.push(Step::Jump(0)));
                    }
                    for jump in bodies {
                        self.land(jump);
                    }
                    self.push(Step::EndCase);
                    self.list(body);
                    ends.push(self.push(Step::Jump(0)));
                    if let Some(next) = next {
                        self.land(next);
                    }
                }
                self.push(Step::EndCase);
                for end in ends {
                    self.land(end);
                }
            }
            CommandKind::Function { name, body } => {
                let program = self.inner(|compiler| compiler.command(body));
                let name = name.as_str().into();
                self.push(Step::Function { name, program });
                self.push(Step::Succeed);
            }
        }
    }

    fn condition(&mut self, list: &List) {
        self.push(Step::Unchecked);
        self.list(list);
        self.push(Step::Checked);
    }

    fn redirects(&mut self, redirects: &[Redirect]) {
        for redirect in redirects {
            let descriptor = redirect.descriptor;
            let (word, how) = match &redirect.target {
                Target::Read(word) => (word, How::Read),
                Target::Write(word) => (word, How::Write),
                Target::Append(word) => (word, How::Append),
                Target::WriteBoth(word) => (word, How::WriteBoth),
                Target::Text(word) => (word, How::Text),
                Target::Document(index) => (&self.shared.documents[*index], How::Document),
                Target::Same(of) => {
                    let of = *of;
                    self.push(Step::Same { descriptor, of });
                    continue;
                }
            };
            self.word(word);
            self.push(Step::Redirect { descriptor, how });
        }
    }

    fn word(&mut self, word: &Word) {
        for part in &word.parts {
            self.part(part);
        }
    }

    fn part(&mut self, part: &Part) {
        match part {
            Part::Text(text) => drop(self.push(Step::Text(text.as_str().into()))),
            Part::Quoted(text) => drop(self.push(Step::Quoted(text.as_str().into()))),
            Part::Variable { name, quoted } => {
                let (name, quoted) = (name.as_str().into(), *quoted);
                self.push(Step::Value { name, quoted });
            }
            Part::Length(name) => drop(self.push(Step::Length(name.as_str().into()))),
            Part::Substitution { list, quoted } => {
                let program = self.inner(|compiler| compiler.list(list));
                let quoted = *quoted;
                self.push(Step::Substitute { program, quoted });
            }
            Part::Arithmetic { word, quoted } => {
                self.push(Step::Nest);
                self.word(word);
                self.push(Step::Calculate { quoted: *quoted });
            }
            Part::Operation {
                name,
                operation,
                word,
                quoted,
            } => self.operation(name.as_str().into(), *operation, word, *quoted),
        }
    }

    fn operation(&mut self, name: Rc<str>, operation: Operation, word: &Word, quoted: bool) {
        let (or_empty, set) = match operation {
            Operation::Default { or_empty }
            | Operation::Assign { or_empty }
            | Operation::Complain { or_empty } => (or_empty, true),
            Operation::Alternative { or_empty } => (or_empty, false),
            Operation::Trim(trim) => {
                self.push(Step::Nest);
                self.word(word);
                self.push(Step::Trim { name, trim, quoted });
                return;
            }
        };
        let jump = self.push(Step::IfSet {
            name: name.clone(),
            or_empty,
            set,
            place: 0,
        });
        match operation {
            Operation::Default { .. } => self.word(word),
            Operation::Alternative { .. } => {
                self.word(word);
                self.land(jump);
                return;
            }
            Operation::Assign { .. } => {
                self.push(Step::Nest);
                self.word(word);
                let name = name.clone();
                self.push(Step::Default { name, quoted });
            }
            _ => {
                self.push(Step::Nest);
                self.word(word);
                self.push(Step::Complain(name.clone()));
            }
        }
        let end = self.push(Step::Jump(0));
        self.land(jump);
        self.push(Step::Value { name, quoted });
        self.land(end);
    }
}
