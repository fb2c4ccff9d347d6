//! System calls in great number: every call, with arguments at random and at the edges of what is allowed.
//!
//! So that a storm goes on, it spares what would end it: the handles that this component works with, the
//! calls that end process or thread, and waiting without end. Each of those is an attack of its own.

use alloc::vec::Vec;

use ftl::abi::call::FOREVER;
use ftl::abi::{Call, Error, Handle, MessageInfo, unpack_handles};

use crate::calls::{held, raw};
use crate::random::Random;

/// Objects that a storm keeps at once.
const OBJECTS_MAX: usize = 96;
const MAPPINGS_MAX: usize = 64;

struct Storm {
    random: Random,
    spared: Vec<Handle>,
    handles: Vec<u32>,
    mappings: Vec<usize>,
}

/// Makes so many calls; answers how many it made.
pub fn storm(seed: u64, count: u32) -> u64 {
    let mut storm = Storm {
        random: Random::new(seed),
        spared: held(),
        handles: Vec::with_capacity(2 * OBJECTS_MAX),
        mappings: Vec::with_capacity(2 * MAPPINGS_MAX),
    };
    for _ in 0..count {
        storm.one();
    }
    storm.clear();
    u64::from(count)
}

impl Storm {
    fn one(&mut self) {
        let number = self.number();
        let mut a: [usize; 6] = core::array::from_fn(|_| self.argument());
        // One argument after another is what it should be, so that calls get further than their first check.
        match Call::from_number(number) {
            Some(Call::Wait) => a[1] = self.deadline(),
            Some(Call::SendWait | Call::Call) => {
                a[1] = self.info();
                a[5] = self.deadline();
            }
            Some(Call::Send) if self.random.below(2) == 0 => a[1] = self.info(),
            Some(Call::FolioUnmap) if self.random.below(2) == 0 && !self.mappings.is_empty() => {
                let at = self.random.below(self.mappings.len());
                a[0] = self.mappings.swap_remove(at);
            }
            Some(Call::ChannelCreate) if self.random.below(4) > 0 => {
                a[0] = 1 + self.random.below(8);
                a[1] = self.random.below(512);
            }
            Some(Call::FolioCreate) if self.random.below(4) > 0 => {
                a[0] = 1 + self.random.below(40_000);
                a[1] = self.random.below(2);
            }
            Some(Call::FolioMap) if self.random.below(4) > 0 => {
                a[1] = 0;
                a[2] = 1 + self.random.below(8192);
                a[3] = self.random.below(2);
            }
            Some(Call::HandleDuplicate) if self.random.below(2) == 0 => a[1] = 0x7f,
            Some(Call::HandleClose) if !self.mine(a[0]) => a[0] = self.handle(),
            _ => {}
        }
        if self.spares(number, &a) {
            return;
        }
        let answer = raw(number, a);
        self.learn(number, &a, answer);
        if self.handles.len() > OBJECTS_MAX {
            let at = self.random.below(self.handles.len());
            let handle = self.handles.swap_remove(at) as usize;
            raw(Call::HandleClose as usize, [handle, 0, 0, 0, 0, 0]);
        }
        if self.mappings.len() > MAPPINGS_MAX {
            let address = self.mappings.swap_remove(0);
            raw(Call::FolioUnmap as usize, [address, 0, 0, 0, 0, 0]);
        }
    }

    fn number(&mut self) -> usize {
        loop {
            let number = match self.random.below(64) {
                0 => self.random.next() as usize,
                other => other % (Call::COUNT + 2),
            };
            let ends = matches!(
                Call::from_number(number),
                Some(
                    Call::ProcessExit | Call::ProcessPanic | Call::ThreadExit | Call::ThreadCreate
                )
            );
            // A line of the log costs more than a thousand calls.
            let talks = number == Call::Log as usize && self.random.below(2000) > 0;
            if !ends && !talks {
                return number;
            }
        }
    }

    fn argument(&mut self) -> usize {
        match self.random.below(12) {
            0 => 0,
            1 => usize::MAX,
            2 => self.random.below(70),
            3..=6 => self.handle(),
            7 => self.random.below(64) | (1 + self.random.below(6)) << 16,
            8 => (1usize << self.random.below(64)).wrapping_sub(self.random.below(3)),
            9 => self.random.below(1 << 20) & !0xfff,
            10 => self.handle() | self.handle() << 32,
            _ => self.random.next() as usize,
        }
    }

    fn handle(&mut self) -> usize {
        match self.handles.len() {
            0 => 0,
            len => self.handles[self.random.below(len)] as usize,
        }
    }

    fn mine(&self, handle: usize) -> bool {
        self.handles.iter().any(|mine| *mine as usize == handle)
    }

    /// Now or long ago: a storm does not sleep.
    fn deadline(&mut self) -> usize {
        self.random.below(2)
    }

    fn info(&mut self) -> usize {
        let kind = self.random.pick(&[0u64, 1, 1, 2, 3]);
        let len = self.random.below(600);
        let handles = self.random.below(5);
        let ordinal = self.random.below(4) as u32;
        let info = MessageInfo::new(ftl::abi::MessageKind::OneWay, ordinal, len, handles);
        (info.bits() | kind << 20) as usize
    }

    /// Whether a call would hit what this component needs to go on. Handles may stand in either half of an
    /// argument.
    fn spares(&self, number: usize, arguments: &[usize; 6]) -> bool {
        if number == Call::Wait as usize && arguments[1] == FOREVER {
            return true;
        }
        arguments.iter().any(|argument| {
            let (low, high) = unpack_handles(*argument);
            self.spared.contains(&low) || self.spared.contains(&high)
        })
    }

    /// Keeps what a call gave, so that later ones can use it.
    fn learn(&mut self, number: usize, arguments: &[usize; 6], answer: [usize; 6]) {
        let Ok(value) = Error::from_register(answer[0]) else {
            return;
        };
        match Call::from_number(number) {
            Some(
                Call::HandleDuplicate
                | Call::QueueCreate
                | Call::FolioCreate
                | Call::TimerCreate
                | Call::DoorbellCreate,
            ) => self.handles.push(value as u32),
            Some(Call::ChannelCreate) => {
                let (one, other) = unpack_handles(value);
                self.handles.extend([one.raw(), other.raw()]);
            }
            Some(Call::FolioMap) => self.mappings.push(value),
            Some(Call::HandleClose) => self
                .handles
                .retain(|handle| *handle as usize != arguments[0]),
            Some(Call::Wait | Call::SendWait | Call::Call) if value == 0 => {
                for half in [answer[4], answer[5]] {
                    let (one, other) = unpack_handles(half);
                    let came = [one, other].into_iter().filter(|handle| !handle.is_none());
                    self.handles.extend(came.map(Handle::raw));
                }
            }
            _ => {}
        }
    }

    /// Gives everything back.
    fn clear(&mut self) {
        for address in self.mappings.drain(..) {
            while Error::from_register(raw(Call::FolioUnmap as usize, [address, 0, 0, 0, 0, 0])[0])
                == Err(Error::Again)
            {}
        }
        for handle in self.handles.drain(..) {
            raw(Call::HandleClose as usize, [handle as usize, 0, 0, 0, 0, 0]);
        }
    }
}
