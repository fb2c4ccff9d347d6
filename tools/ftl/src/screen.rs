//! What comes from the UART, as a person should see it: line by line, without what the firmware
//! says, with source lines added to backtraces. The last line tells how the system ended.

mod banner;

use std::borrow::Cow;
use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use crate::qemu::Port;
use crate::run::End;
use crate::symbols::Symbols;
pub use banner::Talker;
use banner::{Banner, loader_failed};

/// Shows what comes from the UART, line by line, and remembers the last line.
pub struct Screen {
    symbols: Symbols,
    banner: Banner,
    /// The line that is not finished yet, and how much of it has been shown.
    line: Vec<u8>,
    shown: usize,
    /// Whether unfinished lines are shown, so that a prompt can be seen.
    immediate: bool,
    /// Whether somebody works at the machine's terminal: then bytes are shown as they come, and not line by line.
    interactive: bool,
    /// How often the machine has asked how large the window is.
    asked: usize,
    /// When something came last.
    changed: Instant,
    repeats: Repeats,
    firmware: Option<Talker>,
    /// Whether the machine starts again when it is reset.
    reboots: bool,
    end: Option<End>,
    ports: Vec<Port>,
}

impl Screen {
    /// The longest line; a longer one is broken, so that rubbish cannot fill our memory.
    const LINE_LEN_MAX: usize = 16384;

    /// An empty screen. What this firmware says is not shown.
    pub fn new(symbols: Symbols, firmware: Option<Talker>) -> Screen {
        Screen {
            symbols,
            banner: Banner::new(firmware),
            line: Vec::new(),
            shown: 0,
            immediate: std::io::stderr().is_terminal(),
            interactive: false,
            asked: 0,
            changed: Instant::now(),
            repeats: Repeats::default(),
            firmware,
            reboots: false,
            end: None,
            ports: Vec::new(),
        }
    }

    /// Ports that lead into the guest: lines that tell of one get its address on the host.
    pub fn with_ports(mut self, ports: &[Port]) -> Screen {
        self.ports = ports.to_vec();
        self
    }

    /// Somebody works at the machine's terminal.
    pub fn interactive(mut self) -> Screen {
        self.interactive = true;
        self
    }

    /// Goes on when the machine is reset, because it starts again.
    pub fn reboots(mut self, reboots: bool) -> Screen {
        self.reboots = reboots;
        self
    }

    /// Whether firmware is at work that takes keys for itself (Escape leads into its menus), and that nobody sees.
    pub fn hides_firmware(&self) -> bool {
        self.firmware == Some(Talker::Uefi) && !self.banner.is_over()
    }

    /// Takes what came from the UART.
    pub fn show(&mut self, bytes: &[u8]) {
        write_out(&self.take(bytes));
        self.changed = Instant::now();
    }

    /// Takes what came from the UART; answers what is to be shown.
    fn take(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut output = Vec::with_capacity(bytes.len() + 128);
        for &byte in bytes {
            match byte {
                b'\r' if !self.interactive => {}
                b'\n' => self.line_ends(&mut output),
                _ => {
                    self.line.push(byte);
                    if self.interactive && self.line.ends_with(ASK_SIZE) {
                        self.line.truncate(self.line.len() - ASK_SIZE.len());
                        self.shown = self.shown.min(self.line.len());
                        self.asked += 1;
                    }
                    if self.line.len() >= Screen::LINE_LEN_MAX {
                        if self.interactive {
                            // A line that is edited may go on like that for ever.
                            output
                                .extend_from_slice(self.line.get(self.shown..).unwrap_or_default());
                            self.line.clear();
                            self.shown = 0;
                        } else {
                            self.line_ends(&mut output);
                        }
                    }
                }
            }
        }
        if !self.line.trim_ascii().is_empty() && !self.banner.failed {
            // Something follows, if only a prompt.
            self.end = None;
        }
        if self.interactive && self.banner.is_over() && !may_be_end(&self.line) {
            let until = self.may_be_shown();
            let rest = &self.line[self.shown.min(until)..until];
            output.extend_from_slice(rest);
            self.shown = self.shown.max(until);
        }
        output
    }

    /// How much of the unfinished line may be shown: not the begin of a question that is for us, nor of the line's end,
    /// before which something may have to be added.
    fn may_be_shown(&self) -> usize {
        let line = self.line.strip_suffix(b"\r").unwrap_or(&self.line);
        match self.interactive {
            true => line.len() - question_begun(line),
            false => self.line.len(),
        }
    }

    /// What is to be typed in answer to what the machine has asked the terminal: how large its window is.
    pub fn answers(&mut self, is_terminal: bool) -> Vec<u8> {
        let asked = std::mem::take(&mut self.asked);
        match crate::terminal::window() {
            Some((columns, rows)) if is_terminal => {
                format!("\x1b[8;{rows};{columns}t").repeat(asked).into()
            }
            _ => Vec::new(),
        }
    }

    /// When the unfinished line should be shown as far as it goes: shortly after it stopped
    /// growing, because then it is a prompt, and not a line that is being printed.
    pub fn wants_flush(&self) -> Option<Instant> {
        let waits = self.immediate
            && self.banner.is_over()
            && self.may_be_shown() > self.shown
            && !self.line.starts_with(b"FTL-EXIT");
        waits.then(|| self.changed + Duration::from_millis(20))
    }

    /// Shows the unfinished line as far as it goes.
    pub fn flush_partial(&mut self) {
        write_out(&self.take_partial());
    }

    fn take_partial(&mut self) -> Vec<u8> {
        let mut output = Vec::new();
        self.repeats.end(&mut output);
        let until = self.may_be_shown();
        output.extend_from_slice(&self.line[self.shown.min(until)..until]);
        self.shown = self.shown.max(until);
        output
    }

    fn line_ends(&mut self, output: &mut Vec<u8>) {
        let bytes = std::mem::take(&mut self.line);
        let shown = std::mem::take(&mut self.shown);
        let line = String::from_utf8_lossy(&bytes);
        if self.reboots && self.firmware.is_some_and(|firmware| firmware.begins(&line)) {
            // It was reset without a word.
            self.banner = Banner::new(self.firmware);
        }
        if self.banner.swallows(&line) {
            return;
        }
        if let Some(reason) = loader_failed(&line).filter(|_| self.banner.failed) {
            self.repeats.end(output);
            output.extend_from_slice(reason.as_bytes());
            output.push(b'\n');
            self.end = Some(End::NotStarted);
            return;
        }
        let end = End::from_line(line.trim());
        if self.reboots && matches!(end, Some(End::Reset | End::Panic)) {
            // It starts again, firmware and all.
            self.banner = Banner::new(self.firmware);
        }
        if end == Some(End::Reset) && self.reboots {
            self.end = None;
            return;
        }
        if end.is_some() {
            self.end = end;
            return;
        }
        if !line.trim().is_empty() {
            self.end = None;
        }
        let plain = without_colours(&line);
        let annotation = self.symbols.annotate(&plain);
        if shown == 0 && !self.interactive && self.repeats.is_one_more(&line, annotation.is_some())
        {
            return;
        }
        self.repeats.end(output);
        // The carriage return is the terminal's to add.
        let bytes = bytes.strip_suffix(b"\r").unwrap_or(&bytes);
        output.extend_from_slice(bytes.get(shown..).unwrap_or_default());
        output.extend_from_slice(annotation.unwrap_or_default().as_bytes());
        output.extend_from_slice(address(&plain, &self.ports).unwrap_or_default().as_bytes());
        output.push(b'\n');
    }

    /// How the system says it ended, if that was its last line so far.
    pub fn end(&self) -> Option<End> {
        self.end
    }

    /// Shows what is left, and gives the end.
    pub fn finish(mut self) -> Option<End> {
        let mut output = Vec::new();
        if !self.line.is_empty() {
            self.line_ends(&mut output);
        }
        self.repeats.end(&mut output);
        for line in self.banner.swallowed {
            output.extend_from_slice(line.as_bytes());
            output.push(b'\n');
        }
        write_out(&output);
        self.end
    }
}

/// xterm's "Report the size of the text area in characters". Answered here, since not all terminals do.
const ASK_SIZE: &[u8] = b"\x1b[18t";

/// How many bytes at the end of a line may be the begin of that question.
fn question_begun(line: &[u8]) -> usize {
    let lens = (1..ASK_SIZE.len()).rev();
    lens.into_iter()
        .find(|len| line.ends_with(&ASK_SIZE[..*len]))
        .unwrap_or(0)
}

/// Whether a line that is not finished may tell how the system ended.
fn may_be_end(line: &[u8]) -> bool {
    const BEGIN: &[u8] = b"FTL-EXIT";
    let line = line.strip_prefix(b"\r").unwrap_or(line);
    !line.is_empty() && (line.starts_with(BEGIN) || BEGIN.starts_with(line))
}

/// A line without the sequences by which a terminal sets colours: the shell's terminal shows the log dimmed.
fn without_colours(line: &str) -> Cow<'_, str> {
    let mut parts = line.split("\x1b[");
    let first = parts.next().unwrap_or_default();
    if first.len() == line.len() {
        return Cow::Borrowed(line);
    }
    let is_parameter = |c: char| c.is_ascii_digit() || c == ';';
    Cow::Owned(parts.fold(first.to_owned(), |plain, part| {
        let rest = part.trim_start_matches(is_parameter);
        plain + rest.strip_prefix('m').unwrap_or(rest)
    }))
}

/// Where on the host to find what listens in the guest, if that is what a line tells.
fn address(line: &str, ports: &[Port]) -> Option<String> {
    let (_, guest) = line.trim_end().rsplit_once("listens on port ")?;
    let guest: u16 = guest.parse().ok()?;
    let port = ports.iter().find(|port| port.guest == guest)?;
    let scheme = if guest == 80 { "http://" } else { "" };
    Some(format!(": {scheme}127.0.0.1:{}", port.host))
}

fn write_out(bytes: &[u8]) {
    let _ = std::io::stderr().write_all(bytes);
}

/// Sums up frames of a backtrace that say the same, as endless recursion makes them.
#[derive(Default)]
struct Repeats {
    last: String,
    count: usize,
}

impl Repeats {
    /// Whether this line is a frame that is the same as the one before, but for the time.
    fn is_one_more(&mut self, line: &str, is_frame: bool) -> bool {
        let frame = match line.rsplit_once("at ") {
            Some((_, frame)) if is_frame => frame.trim(),
            _ => "",
        };
        if !frame.is_empty() && frame == self.last {
            self.count += 1;
            return true;
        }
        self.last = frame.to_owned();
        false
    }

    /// Says how many lines were left out, if any.
    fn end(&mut self, output: &mut Vec<u8>) {
        if self.count > 0 {
            output
                .extend_from_slice(format!("  … the same {} times more\n", self.count).as_bytes());
            self.count = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::path::Path;

    fn screen() -> Screen {
        let mut screen = Screen::new(
            Symbols::new(Path::new("/"), BTreeMap::new()),
            Some(Talker::OpenSbi),
        );
        screen.immediate = false;
        screen
    }

    #[test]
    fn what_listens_in_the_guest_is_told_with_its_address_on_the_host() {
        let ports = ["8080:80", "2222:22"].map(|text| text.parse().unwrap());
        let told = |line| address(line, &ports).unwrap_or_default();
        assert_eq!(
            told("[  0.3] http_server: listens on port 80"),
            ": http://127.0.0.1:8080"
        );
        assert_eq!(told("[  0.3] sshd: listens on port 22"), ": 127.0.0.1:2222");
        assert_eq!(told("[  0.3] echo: listens on port 7"), "");
        assert_eq!(told("listens on port x"), "");
    }

    /// The shell's terminal dims the log, and its lines come in pieces.
    #[test]
    fn what_is_added_to_a_line_follows_it_wherever_it_is_cut() {
        let line = "\x1b[2m[  0.3] http_server: listens on port 80\x1b[0m";
        let text = format!("{line}\r\n");
        for cut in 0..text.len() {
            let mut screen = screen()
                .with_ports(&["8080:80".parse().unwrap()])
                .interactive();
            screen.banner = Banner::new(None);
            let mut shown = screen.take(&text.as_bytes()[..cut]);
            shown.extend(screen.take_partial());
            shown.extend(screen.take(&text.as_bytes()[cut..]));
            let wanted = format!("{line}: http://127.0.0.1:8080\n");
            assert_eq!(String::from_utf8_lossy(&shown), wanted, "cut at {cut}");
        }
        assert_eq!(without_colours("\x1b[0;1;36mftl> \x1b[0mx\x1b[2"), "ftl> x");
    }

    /// What the screen would write, and the end, for a UART that says `text` in pieces.
    fn check(text: &str, shown: &str, end: Option<End>) {
        for piece_len in [1, 7, text.len().max(1)] {
            let mut screen = screen();
            let mut output = Vec::new();
            for piece in text.as_bytes().chunks(piece_len) {
                for &byte in piece {
                    match byte {
                        b'\n' => screen.line_ends(&mut output),
                        b'\r' => {}
                        _ => screen.line.push(byte),
                    }
                }
            }
            if !screen.line.is_empty() {
                screen.line_ends(&mut output);
            }
            assert_eq!(String::from_utf8(output).unwrap(), shown);
            assert_eq!(screen.end(), end);
        }
    }

    #[test]
    fn a_question_for_us_is_not_shown_wherever_it_is_cut() {
        let text = b"ftl> \x1b[18thello\x1b[18t";
        for cut in 0..text.len() {
            let mut screen = screen().interactive();
            screen.banner = Banner::new(None);
            screen.immediate = true;
            let mut shown = screen.take(&text[..cut]);
            if screen.wants_flush().is_some() {
                shown.extend(screen.take_partial());
            }
            shown.extend(screen.take(&text[cut..]));
            shown.extend(screen.take_partial());
            let shown = String::from_utf8_lossy(&shown);
            assert_eq!((&*shown, screen.asked), ("ftl> hello", 2), "cut at {cut}");
        }
    }

    #[test]
    fn the_last_line_tells_the_end() {
        check("up\r\nFTL-EXIT 3\r\n", "up\n", Some(End::Shutdown(3)));
        check("FTL-EXIT panic\n\n", "\n", Some(End::Panic));
        check("FTL-EXIT init 101", "", Some(End::Init(101)));
        // Not the last line; not at the start of a line; not a number.
        check("FTL-EXIT 0\nmore\n", "more\n", None);
        check("ping: FTL-EXIT 0\n", "ping: FTL-EXIT 0\n", None);
        check("FTL-EXIT maybe\n", "FTL-EXIT maybe\n", None);
        check("FTL-EXIT\n", "FTL-EXIT\n", None);
    }

    #[test]
    fn a_prompt_after_it_tells_that_it_is_no_end() {
        let mut screen = screen().interactive();
        screen.banner = Banner::new(None);
        screen.take(b"ftl> echo FTL-EXIT 0\r\nFTL-EXIT 0\r\n");
        assert_eq!(screen.end(), Some(End::Shutdown(0)));
        screen.take(b"ftl> ");
        assert_eq!(screen.end(), None);
    }

    #[test]
    fn endless_recursion_is_summed_up() {
        let mut repeats = Repeats::default();
        let mut output = Vec::new();
        let lines = [
            "[0.1] a: at a+0x10",
            "[0.2] a: at a+0x10",
            "[0.3] a: at a+0x10",
            "at a+0x20",
        ];
        let said: Vec<bool> = lines
            .iter()
            .map(|line| repeats.is_one_more(line, true))
            .collect();
        assert_eq!(said, [false, true, true, false]);
        repeats.end(&mut output);
        repeats.end(&mut output);
        assert_eq!(
            String::from_utf8(output).unwrap(),
            "  … the same 2 times more\n"
        );
        assert!(!repeats.is_one_more("up", false) && !repeats.is_one_more("up", false));
    }

    #[test]
    fn of_uefi_only_the_loaders_failure_is_shown() {
        let show = |text: &str| {
            let mut screen = screen();
            screen.firmware = Some(Talker::Uefi);
            screen.banner = Banner::new(Some(Talker::Uefi));
            let mut output = Vec::new();
            for line in text.lines() {
                screen.line = line.as_bytes().to_vec();
                screen.line_ends(&mut output);
            }
            (String::from_utf8(output).unwrap(), screen.banner.swallowed)
        };
        let begin = "UEFI firmware (version 1)\n\x1b[2J\x1b[01;01HBdsDxe: starting\n";
        let (shown, _) = show(&format!(
            "{begin}\x1b[0mFTL is started: kernel 290 KiB\nFTL 0.1\n"
        ));
        assert_eq!(shown, "FTL 0.1\n");
        let failed = "\x1b[0mFTL cannot be started: no archive\x1b[1m\nBdsDxe: failed\n";
        let (shown, swallowed) = show(&format!("{begin}{failed}"));
        assert_eq!(shown, "FTL cannot be started: no archive\n");
        assert_eq!(swallowed, [""; 0]);
        // Firmware goes on to talk, line or no line.
        let mut screen = screen();
        screen.banner = Banner::new(Some(Talker::Uefi));
        screen.take(format!("{begin}{failed}>>Start PXE over IPv4.").as_bytes());
        assert_eq!(screen.end(), Some(End::NotStarted));
        // Programs may say what they like.
        let (shown, _) = show(&format!(
            "{begin}FTL is started: kernel 290 KiB\nFTL cannot be started: twice\n"
        ));
        assert_eq!(shown, "FTL cannot be started: twice\n");
        let (shown, swallowed) = show(begin);
        assert_eq!((shown.as_str(), swallowed.len()), ("", 2));
    }

    /// Nothing of it, not even the begin of its first line, which comes in pieces.
    #[test]
    fn after_a_reset_the_banner_is_swallowed_again() {
        let uefi =
            "UEFI firmware (version 1)\r\n\x1b[2JBdsDxe: starting\r\nFTL is started: kernel\r\n";
        let opensbi = "\r\nOpenSBI v1.1\r\n   ____\r\nBoot HART MEDELEG : 0x0\r\n\r\n";
        for (firmware, banner) in [(Talker::Uefi, uefi), (Talker::OpenSbi, opensbi)] {
            for last in ["FTL-EXIT reset\r\n", "FTL-EXIT panic\r\n", ""] {
                let life = format!("{banner}[0.1] kernel: FTL\r\nftl> reboot\r\noff\r\n");
                let mut screen = screen().reboots(true).interactive();
                screen.firmware = Some(firmware);
                screen.banner = Banner::new(Some(firmware));
                let shown: Vec<u8> = format!("{life}{last}{life}")
                    .bytes()
                    .flat_map(|byte| screen.take(&[byte]))
                    .collect();
                let shown = String::from_utf8(shown).unwrap().replace('\r', "");
                let once = "[0.1] kernel: FTL\nftl> reboot\noff\n";
                if last.is_empty() {
                    // What has been shown is shown; the rest is kept off.
                    assert!(!shown.contains("starting") && !shown.contains("____"));
                } else {
                    assert_eq!(shown, format!("{once}{once}"), "{firmware:?} {last}");
                }
            }
        }
    }

    /// Keys are not for firmware that nobody sees, in each life of the machine.
    #[test]
    fn uefi_is_hidden_until_the_loader_is_done() {
        let mut screen = screen().reboots(true).interactive();
        screen.firmware = Some(Talker::Uefi);
        screen.banner = Banner::new(screen.firmware);
        for _ in 0..2 {
            assert!(screen.hides_firmware());
            screen.take(b"UEFI firmware (version 1)\r\nFTL is started: kernel\r\n");
            assert!(!screen.hides_firmware());
            screen.take(b"ftl> reboot\r\nFTL-EXIT reset\r\n");
        }
    }

    #[test]
    fn the_banner_is_swallowed() {
        let banner = "\nOpenSBI v1.1\n   ____\n\nPlatform Name : virt\nBoot HART MEDELEG : 0x0\n";
        check(&format!("{banner}\nFTL 0.1\n"), "FTL 0.1\n", None);
        let mut screen = screen();
        screen.show(banner.as_bytes());
        assert!(
            screen
                .banner
                .swallowed
                .iter()
                .any(|line| line.contains("OpenSBI"))
        );
    }
}
