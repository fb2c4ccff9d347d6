//! What is shown of a text.

use alloc::format;
use alloc::string::String;

use crate::buffer::Buffer;

/// Columns between the stops of a tabulator.
const TAB: usize = 4;

/// The part of a text that is shown.
#[derive(Default)]
pub struct View {
    top: usize,
    left: usize,
}

impl View {
    /// The whole screen, as bytes for the terminal: the text, a line about it, and one with `message`. Columns and
    /// rows are those of the screen.
    pub fn draw(
        &mut self,
        buffer: &Buffer,
        name: &str,
        message: &str,
        (columns, rows): (usize, usize),
    ) -> String {
        let (columns, height) = (columns.max(10), rows.max(4) - 2);
        let (row, column) = buffer.cursor();
        let at = width(&buffer.lines()[row], column);
        self.top = self.top.min(row).max((row + 1).saturating_sub(height));
        self.left = match at {
            at if at < self.left => at.saturating_sub(columns / 2),
            at if at >= self.left + columns => at - columns / 2,
            _ => self.left,
        };
        let mut out = String::from("\x1b[?25l\x1b[H");
        for line in self.top..self.top + height {
            match buffer.lines().get(line) {
                Some(line) => out += &part(line, self.left, columns),
                None => out += "\x1b[2m~\x1b[0m",
            }
            out += "\x1b[K\r\n";
        }
        let mark = if buffer.changed { " *" } else { "" };
        let place = format!("{}:{} ", row + 1, column + 1);
        let title = format!(" {name}{mark}");
        let room = columns.saturating_sub(place.len());
        let title: String = title.chars().take(room).collect();
        out += &format!("\x1b[7m{title:room$}{place}\x1b[0m\r\n");
        let message: String = message.chars().take(columns - 1).collect();
        out += &format!("{message}\x1b[K");
        out += &format!(
            "\x1b[{};{}H\x1b[?25h",
            row - self.top + 1,
            at - self.left + 1
        );
        out
    }
}

/// Columns that the first `count` characters take.
fn width(line: &str, count: usize) -> usize {
    line.chars().take(count).fold(0, step)
}

fn step(at: usize, c: char) -> usize {
    match c {
        '\t' => at / TAB * TAB + TAB,
        _ => at + 1,
    }
}

/// What is in so many columns of a line, from `left` on.
fn part(line: &str, left: usize, columns: usize) -> String {
    let (mut at, mut out) = (0, String::new());
    for c in line.chars() {
        let next = step(at, c);
        for column in at..next {
            if (left..left + columns).contains(&column) {
                out.push(match c {
                    '\t' => ' ',
                    c if c.is_control() => '·',
                    c => c,
                });
            }
        }
        at = next;
        if at >= left + columns {
            break;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::buffer::Move;

    #[test]
    fn tabs_and_control_characters_take_their_columns() {
        assert_eq!(part("a\tb\x1bc", 0, 80), "a   b·c");
        assert_eq!(part("a\tb\x1bc", 2, 3), "  b");
        assert_eq!((width("a\tb", 2), width("a\tb", 9)), (4, 5));
    }

    #[test]
    fn the_cursor_is_always_shown() {
        let text: String = (0..100)
            .map(|i| format!("line {i} {}\n", "x".repeat(i)))
            .collect();
        let mut buffer = Buffer::new(&text);
        let mut view = View::default();
        for to in [
            Move::Down(50),
            Move::LineEnd,
            Move::End,
            Move::Up(30),
            Move::Start,
            Move::Down(9),
        ] {
            buffer.go(to);
            let shown = view.draw(&buffer, "f", "", (40, 12));
            let (row, column) = buffer.cursor();
            assert!((view.top..view.top + 10).contains(&row), "{to:?}");
            assert!((view.left..view.left + 40).contains(&column), "{to:?}");
            assert_eq!(shown.matches("\r\n").count(), 11);
        }
    }
}
