//! The client's side, as little of it as finds the end of an answer: read where it lies, line by line up to the empty
//! one, then as many bytes as were announced. Only answers with 200 and a `Content-Length` are good ones.

use alloc::vec::Vec;

/// What came is no good answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadAnswer;

/// Longest line of a head.
const LINE_LEN_MAX: usize = 1024;

/// An answer as far as it has come.
#[derive(Default)]
pub struct Answer {
    /// The beginning of a line whose end has not come.
    line: Vec<u8>,
    /// Lines of the head that have come.
    lines: usize,
    /// How long the body is, as the head says.
    announced: Option<usize>,
    /// Bytes of the body that are still to come, once the head is there.
    left: Option<usize>,
}

impl Answer {
    /// Goes on with what has come: how much of it was used, and whether the answer is whole. Then the next one
    /// may begin.
    pub fn take(&mut self, bytes: &[u8]) -> Result<(usize, bool), BadAnswer> {
        let mut used = 0;
        let left = loop {
            if let Some(left) = self.left {
                break left;
            }
            let rest = &bytes[used..];
            let Some(end) = rest.iter().position(|&byte| byte == b'\n') else {
                if self.line.len() + rest.len() > LINE_LEN_MAX {
                    return Err(BadAnswer);
                }
                self.line.extend_from_slice(rest);
                return Ok((bytes.len(), false));
            };
            used += end + 1;
            if self.line.is_empty() {
                self.line_came(&rest[..end])?;
            } else {
                let mut line = core::mem::take(&mut self.line);
                line.extend_from_slice(&rest[..end]);
                self.line_came(&line)?;
            }
        };
        let len = left.min(bytes.len() - used);
        if len < left {
            self.left = Some(left - len);
            return Ok((used + len, false));
        }
        (self.lines, self.announced, self.left) = (0, None, None);
        Ok((used + len, true))
    }

    /// A line of the head, without its line feed.
    fn line_came(&mut self, line: &[u8]) -> Result<(), BadAnswer> {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if self.lines == 0 && !line.starts_with(b"HTTP/1.1 200") {
            return Err(BadAnswer);
        }
        self.lines += 1;
        if line.is_empty() {
            self.left = Some(self.announced.ok_or(BadAnswer)?);
            return Ok(());
        }
        const LENGTH: &[u8] = b"content-length:";
        if let Some((name, value)) = line.split_at_checked(LENGTH.len())
            && name.eq_ignore_ascii_case(LENGTH)
        {
            let value = core::str::from_utf8(value).map_err(|_| BadAnswer)?;
            self.announced = Some(value.trim().parse().map_err(|_| BadAnswer)?);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] =
        b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nhello";

    #[test]
    fn an_answer_is_whole_however_it_is_cut() {
        let two = [ANSWER, ANSWER].concat();
        for piece in 1..two.len() {
            let mut answer = Answer::default();
            let (mut at, mut ends) = (0, Vec::new());
            for end in (piece..two.len()).step_by(piece).chain([two.len()]) {
                while at < end {
                    let (used, whole) = answer.take(&two[at..end]).unwrap();
                    at += used;
                    if whole {
                        ends.push(at);
                    }
                }
            }
            assert_eq!(ends, [ANSWER.len(), two.len()], "pieces of {piece}");
        }
    }

    #[test]
    fn what_is_no_good_answer_is_refused() {
        for bad in [
            &b"HTTP/1.1 404 Not Found\r\n"[..],
            b"HTTP/1.1 200 OK\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n",
            &[b'x'; LINE_LEN_MAX + 1],
        ] {
            assert_eq!(Answer::default().take(bad), Err(BadAnswer));
        }
    }
}
