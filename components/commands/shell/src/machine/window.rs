//! The terminal: what is typed at the prompt, what is shown there, and complaints.

use super::*;

impl FtlMachine {
    /// What is known about the terminal.
    pub fn size(&mut self) -> Option<terminal::SizeReply> {
        self.terminal.as_mut()?.size().ok()
    }

    /// Writes to the terminal, past everything.
    pub fn print_terminal(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        let text = bytes.iter().rev().find(|byte| **byte != b'\r');
        self.at_line_start = text == Some(&b'\n');
        self.waiting.extend(bytes);
        self.flush_terminal();
    }

    pub(super) fn flush_terminal(&mut self) {
        let Some(screen) = self.screen.clone() else {
            return;
        };
        let mut state = screen.state.borrow_mut();
        let WriterState::Open { outlet, .. } = &mut *state else {
            return;
        };
        while !self.waiting.is_empty() {
            let bytes = self.waiting.make_contiguous();
            match outlet.send(bytes) {
                Ok(0) => return,
                Ok(len) => drop(self.waiting.drain(..len)),
                Err(_) => self.waiting.clear(),
            }
        }
    }

    /// Says what went wrong with a command's files, where the shell's errors go.
    pub(super) fn complain(&mut self, message: &str) {
        self.complaints
            .extend(alloc::format!("shell: {message}\n").bytes());
        self.flush_complaints();
    }

    /// Writes what is taken. If nobody is there to take it, it stands in the log.
    pub(super) fn flush_complaints(&mut self) {
        while !self.complaints.is_empty() {
            let errors = self.screen.clone();
            let errors = errors.or_else(|| self.errors.as_ref().and_then(Weak::upgrade));
            let bytes: Vec<u8> = self.complaints.iter().copied().collect();
            let written = errors.map(|errors| self.write(&Stream::Writer(errors), &bytes));
            match written {
                Some(Poll::Pending) => return,
                Some(Poll::Ready(Ok(len))) => drop(self.complaints.drain(..len)),
                Some(Poll::Ready(Err(_))) | None => {
                    warn!("{}", String::from_utf8_lossy(&bytes).trim_end());
                    self.complaints.clear();
                }
            }
        }
    }

    /// Whole lines of the log that came since the last time; asks for more.
    pub fn noticed(&mut self) -> Vec<u8> {
        let Some(notices) = self.notices.clone() else {
            return Vec::new();
        };
        while let Poll::Ready(bytes) = self.read(&Stream::Reader(notices.clone()), AHEAD_MAX) {
            if bytes.is_empty() {
                // Its end.
                self.notices = None;
                break;
            }
            self.notice.extend(bytes);
        }
        let end = self.notice.iter().rposition(|byte| *byte == b'\n');
        self.notice.drain(..end.map_or(0, |at| at + 1)).collect()
    }

    /// What was typed at the prompt since the last time; asks for more.
    pub fn typed(&mut self) -> Vec<u8> {
        let Some(keys) = self.keys.clone() else {
            return Vec::new();
        };
        let mut state = keys.state.borrow_mut();
        match &mut *state {
            ReaderState::Open {
                inlet,
                bytes,
                ended,
            } => {
                if !*ended && bytes.is_empty() {
                    inlet.ask();
                }
                bytes.drain(..).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Puts back what was typed after the line's end.
    pub fn untyped(&mut self, rest: &[u8]) {
        if let Some(keys) = &self.keys
            && let ReaderState::Open { bytes, .. } = &mut *keys.state.borrow_mut()
        {
            for byte in rest.iter().rev() {
                bytes.push_front(*byte);
            }
        }
    }

    /// The line has ended: what is typed belongs to the prompt again.
    pub fn line_ended(&mut self) {
        self.lines = None;
    }

    /// The input for `read`, at the terminal.
    pub(super) fn lines(&mut self) -> Option<Rc<Reader>> {
        if self.lines.is_none() {
            let channel = self.terminal.as_mut()?.input(terminal::Mode::Lines).ok()?;
            let end = Receiver::from(ftl::handle::OwnedHandle::from(channel));
            self.lines = Some(self.reader(end));
        }
        self.lines.clone()
    }
}
