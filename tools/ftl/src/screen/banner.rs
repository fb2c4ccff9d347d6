//! What firmware says before the system does: kept off the screen, unless nothing follows it.

/// What the boot loader for UEFI says before it jumps, and if it cannot ([boot/uefi](../../../../boot/uefi/src/firmware.rs)).
const LOADER_DONE: &str = "FTL is started: ";
const LOADER_FAILED: &str = "FTL cannot be started: ";

/// What the boot loader has to say, without the control sequences around it that firmware sends.
pub(super) fn loader_failed(line: &str) -> Option<&str> {
    let at = line.find(LOADER_FAILED)?;
    let reason = &line[at..];
    Some(reason.split('\x1b').next().unwrap_or(reason).trim_end())
}

/// Firmware that says more than anybody wants to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Talker {
    /// OpenSBI's banner.
    OpenSbi,
    /// UEFI, and the boot loader. It may say anything, and then FTL's loader says its line.
    Uefi,
}

impl Talker {
    pub(super) fn begins(self, line: &str) -> bool {
        match self {
            Talker::OpenSbi => line.starts_with(Banner::FIRST),
            Talker::Uefi => line.contains("UEFI firmware ("),
        }
    }
}

/// Keeps what firmware says off the screen. If nothing follows it, it is shown after all,
/// because then it is the only clue there is.
pub(super) struct Banner {
    firmware: Option<Talker>,
    state: BannerState,
    pub(super) swallowed: Vec<String>,
    /// Whether the boot loader has failed.
    pub(super) failed: bool,
}

#[derive(PartialEq)]
enum BannerState {
    Expected,
    Inside,
    Over,
}

impl Banner {
    const FIRST: &'static str = "OpenSBI v";
    /// What the last line of the banner begins with (OpenSBI 0.9 to 1.7).
    const LAST: &'static str = "Boot HART MEDELEG";
    /// Longer than any banner.
    const LINES_MAX: usize = 120;

    pub(super) fn new(firmware: Option<Talker>) -> Banner {
        Banner {
            firmware,
            state: match firmware {
                None => BannerState::Over,
                Some(Talker::OpenSbi) => BannerState::Expected,
                Some(Talker::Uefi) => BannerState::Inside,
            },
            failed: false,
            swallowed: Vec::new(),
        }
    }

    pub(super) fn is_over(&self) -> bool {
        self.state == BannerState::Over
    }

    /// Whether this line belongs to the banner.
    pub(super) fn swallows(&mut self, line: &str) -> bool {
        if self.firmware == Some(Talker::Uefi) {
            return self.swallows_before_loader(line);
        }
        match self.state {
            BannerState::Expected if line.trim().is_empty() => return true,
            BannerState::Expected if line.starts_with(Banner::FIRST) => {
                self.state = BannerState::Inside;
            }
            BannerState::Inside if self.swallowed.len() < Banner::LINES_MAX => {}
            _ => {
                self.state = BannerState::Over;
                self.swallowed.clear();
                return false;
            }
        }
        self.swallowed.push(line.to_owned());
        if line.starts_with(Banner::LAST) {
            self.state = BannerState::Expected;
        }
        true
    }

    /// The same for UEFI.
    fn swallows_before_loader(&mut self, line: &str) -> bool {
        if self.is_over() {
            return false;
        }
        if loader_failed(line).is_some() {
            // What firmware says before tells nothing more, and what it says after is its own business.
            self.failed = true;
            self.swallowed.clear();
            return false;
        }
        if self.failed {
            return true;
        }
        if line.contains(LOADER_DONE) {
            self.state = BannerState::Over;
            self.swallowed.clear();
        } else if !line.trim().is_empty() && self.swallowed.len() < Banner::LINES_MAX {
            self.swallowed.push(line.to_owned());
        }
        true
    }
}
