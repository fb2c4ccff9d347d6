//! Passing bytes on: readers, writers, and the pumps between them.

use super::*;

impl FtlMachine {
    pub(super) fn reader(&mut self, end: Receiver) -> Rc<Reader> {
        Rc::new(Reader {
            id: self.number() as u32,
            state: RefCell::new(ReaderState::Whole(end)),
            graveyard: self.graveyard.clone(),
        })
    }

    pub(super) fn writer(&mut self, end: Sender) -> Rc<Writer> {
        Rc::new(Writer {
            id: self.number() as u32,
            state: RefCell::new(WriterState::Whole(end)),
            graveyard: self.graveyard.clone(),
        })
    }

    /// From now on the shell reads it itself.
    pub(super) fn open_reader(&mut self, reader: &Rc<Reader>) -> Result<()> {
        let mut state = reader.state.borrow_mut();
        if let ReaderState::Whole(end) = &*state {
            let inlet = Inlet::new(end.clone());
            inlet.add(&mut self.events, Source::Reader(reader.id))?;
            *state = ReaderState::Open {
                inlet,
                bytes: VecDeque::new(),
                ended: false,
            };
            self.readers.insert(reader.id, Rc::downgrade(reader));
        }
        Ok(())
    }

    /// From now on the shell writes to it itself.
    pub(super) fn open_writer(&mut self, writer: &Rc<Writer>) -> Result<()> {
        let mut state = writer.state.borrow_mut();
        if let WriterState::Whole(end) = &*state {
            let outlet = Outlet::new(end.clone());
            self.events.add(outlet.end(), Source::Writer(writer.id))?;
            *state = WriterState::Open {
                outlet,
                closed: false,
            };
            self.writers.insert(writer.id, Rc::downgrade(writer));
        }
        Ok(())
    }

    /// Takes ends that were dropped out of the event loop, which closes them.
    pub(super) fn bury(&mut self) {
        let dead = core::mem::take(&mut *self.graveyard.borrow_mut());
        if dead.is_empty() {
            return;
        }
        for end in dead {
            match end {
                Dead::Inlet(inlet) => inlet.close(&mut self.events),
                // It may have been closed by the other side in this moment.
                Dead::Outlet(outlet) => drop(self.events.remove_channel(outlet.end())),
            }
        }
        self.readers.retain(|_, reader| reader.strong_count() > 0);
        self.writers.retain(|_, writer| writer.strong_count() > 0);
    }

    /// Passes on what can be passed on.
    pub(super) fn pump(&mut self) {
        self.flush_terminal();
        let mut pumps = core::mem::take(&mut self.pumps);
        pumps.retain(|pump| {
            let more = self.pump_one(pump);
            if !more && let Some(process) = pump.process.and_then(|id| self.processes.get_mut(&id))
            {
                process.pumps -= 1;
            }
            more
        });
        pumps.append(&mut self.pumps);
        self.pumps = pumps;
        self.flush_complaints();
        self.bury();
    }

    /// Drops what those that no longer run had still printed for the terminal: whoever has typed Ctrl-C has seen enough of
    /// it. What goes elsewhere, as into a file, is passed on to its end.
    pub fn drop_printed(&mut self) {
        let mut pumps = core::mem::take(&mut self.pumps);
        pumps.retain(|pump| {
            let on_screen = matches!(&pump.to, Stream::Writer(writer) if self.is_screen(writer));
            let is_over = pump
                .process
                .is_some_and(|id| !self.processes.contains_key(&id));
            !(on_screen && is_over)
        });
        self.pumps = pumps;
    }

    /// Passes on what one pump can. Says whether it goes on.
    pub(super) fn pump_one(&mut self, pump: &Pump) -> bool {
        loop {
            match self.room(&pump.to) {
                Err(()) => return false,
                Ok(0) => return true,
                Ok(room) => match self.read(&pump.from, room.min(AHEAD_MAX)) {
                    Poll::Pending => return true,
                    Poll::Ready(bytes) if bytes.is_empty() => return false,
                    Poll::Ready(bytes) => {
                        // There is room for all of them, as was asked.
                        if let Poll::Ready(Err(_)) = self.write(&pump.to, &bytes) {
                            return false;
                        }
                    }
                },
            }
        }
    }

    /// How many bytes a stream takes now.
    pub(super) fn room(&mut self, stream: &Stream) -> Result<usize, ()> {
        match stream {
            Stream::Writer(writer) if self.is_screen(writer) => {
                let held = self.waiting.len() + self.beside.len();
                match is_closed(writer) {
                    true => Err(()),
                    false => Ok(AHEAD_MAX.saturating_sub(held)),
                }
            }
            Stream::Writer(writer) => {
                if self.open_writer(writer).is_err() {
                    return Err(());
                }
                match &*writer.state.borrow() {
                    WriterState::Open { closed: true, .. } | WriterState::Gone => Err(()),
                    WriterState::Open { outlet, .. } => Ok(outlet.room()),
                    WriterState::Whole(_) => Ok(0),
                }
            }
            Stream::File(_) | Stream::DiskFile(_) | Stream::Null => Ok(AHEAD_MAX),
            _ => Err(()),
        }
    }

    pub(super) fn is_screen(&self, writer: &Rc<Writer>) -> bool {
        self.screen
            .as_ref()
            .is_some_and(|screen| Rc::ptr_eq(screen, writer))
    }
}

pub(super) fn is_closed(writer: &Writer) -> bool {
    matches!(
        &*writer.state.borrow(),
        WriterState::Open { closed: true, .. } | WriterState::Gone
    )
}
