//! Drawing: what the terminal shows, and the bytes that make it show something else.
//!
//! The prompt and the line are laid out in rows of cells. Against what is shown, only from the
//! first difference on is drawn. Rows end with an explicit line end, never by running over the
//! terminal's right border, since terminals differ in what happens there.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::ops::Range;

use crate::buffer::width;
use crate::helper::Style;

/// What is known about the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terminal {
    /// Its width; 80 if it is not known.
    pub columns: usize,
    /// Its height; 24 if it is not known.
    pub rows: usize,
    /// Whether it obeys escape sequences.
    pub escapes: bool,
}

impl Default for Terminal {
    fn default() -> Terminal {
        Terminal {
            columns: 80,
            rows: 24,
            escapes: false,
        }
    }
}

/// A character on the screen, with its marks.
#[derive(Clone, Debug)]
struct Cell {
    c: char,
    /// A checksum of the marks: two cells are the same if all but their places are.
    marks: u32,
    width: u8,
    style: Style,
    /// In the text that was laid out.
    text: Range<usize>,
}

impl PartialEq for Cell {
    fn eq(&self, other: &Cell) -> bool {
        (self.c, self.marks, self.style) == (other.c, other.marks, other.style)
    }
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Row {
    cells: Vec<Cell>,
    width: usize,
}

/// A place on the screen, from the first row of what is drawn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    row: usize,
    column: usize,
}

/// See the [module](self).
#[derive(Debug, Default)]
pub struct Screen {
    pub terminal: Terminal,
    rows: Vec<Row>,
    cursor: Place,
    style: Style,
    /// Bytes that are to be shown.
    pub output: Vec<u8>,
}

impl Screen {
    /// Shows this text with the cursor before that byte.
    pub fn draw(&mut self, text: &str, cursor: usize, styles: &[(Range<usize>, Style)]) {
        let (rows, cursor) = self.lay_out(text, cursor, styles);
        let (mut row, mut column, mut index) = (0, 0, 0);
        // The first difference.
        while row < rows.len() {
            let new = &rows[row];
            let empty = Row::default();
            let old = self.rows.get(row).unwrap_or(&empty);
            let same = new
                .cells
                .iter()
                .zip(&old.cells)
                .take_while(|(new, old)| new == old)
                .count();
            let whole = same == new.cells.len() && same == old.cells.len();
            if !(whole && row < self.rows.len()) {
                index = same;
                column = new.cells[..same]
                    .iter()
                    .map(|cell| usize::from(cell.width))
                    .sum();
                break;
            }
            row += 1;
        }
        if row < rows.len() || self.rows.len() > rows.len() {
            if row == rows.len() {
                // Only rows below are gone.
                row -= 1;
                index = rows[row].cells.len();
                column = rows[row].width;
            }
            let exists = row < self.rows.len();
            if !exists && row > 0 {
                let last = Place {
                    row: row - 1,
                    column: rows[row - 1].width,
                };
                self.go(last, &rows);
                self.output.extend(b"\r\n");
                self.cursor = Place { row, column: 0 };
            }
            self.go(Place { row, column }, &rows);
            self.write(text, &rows, row, index);
        }
        self.rows = rows;
        self.set_style(Style::Plain);
        let rows = core::mem::take(&mut self.rows);
        self.go(cursor, &rows);
        self.rows = rows;
    }

    /// Writes from this cell on, and clears what was shown after the last.
    fn write(&mut self, text: &str, rows: &[Row], first: usize, index: usize) {
        let columns = self.terminal.columns;
        for (i, row) in rows.iter().enumerate().skip(first) {
            let skip = if i == first { index } else { 0 };
            for cell in &row.cells[skip..] {
                self.set_style(cell.style);
                match cell.c.is_control() {
                    true => {
                        let c =
                            char::from_u32(u32::from(cell.c) ^ 0x40).filter(char::is_ascii_graphic);
                        self.output.extend([b'^', c.map_or(b'?', |c| c as u8)]);
                    }
                    false => self.output.extend(text[cell.text.clone()].as_bytes()),
                }
            }
            self.cursor = Place {
                row: i,
                column: row.width,
            };
            let old_width = self.rows.get(i).map_or(0, |row| row.width);
            if self.terminal.escapes {
                if row.width < columns {
                    self.set_style(Style::Plain);
                    self.output.extend(match i + 1 == rows.len() {
                        true if self.rows.len() > rows.len() => b"\x1b[J".as_slice(),
                        _ if old_width > row.width || i > first => b"\x1b[K",
                        _ => b"",
                    });
                }
            } else if old_width > row.width {
                let more = old_width - row.width;
                self.output.extend(core::iter::repeat_n(b' ', more));
                self.output.extend(core::iter::repeat_n(b'\x08', more));
            }
            if i + 1 < rows.len() {
                self.output.extend(b"\r\n");
                self.cursor = Place {
                    row: i + 1,
                    column: 0,
                };
            }
        }
        // After a full row nothing can be cleared on it: what stood below goes from there.
        let is_full = rows.last().is_some_and(|row| row.width >= columns);
        if self.terminal.escapes && is_full && self.rows.len() > rows.len() {
            self.set_style(Style::Plain);
            self.output.extend(b"\r\n\x1b[J");
            self.cursor = Place {
                row: rows.len(),
                column: 0,
            };
        }
    }

    fn set_style(&mut self, style: Style) {
        if self.terminal.escapes && self.style != style {
            self.output.extend(style.sequence().as_bytes());
            self.style = style;
        }
    }

    /// Moves the terminal's cursor.
    fn go(&mut self, to: Place, rows: &[Row]) {
        let from = self.cursor;
        self.cursor = to;
        if !self.terminal.escapes {
            // There is but one row: back by backspaces, forward by writing what is there already.
            match to.column.checked_sub(from.column) {
                None => {
                    let back = from.column - to.column;
                    self.output.extend(core::iter::repeat_n(b'\x08', back));
                }
                Some(0) => {}
                Some(_) => self.cursor = self.forward(from, to, rows),
            }
            return;
        }
        match to.row.checked_sub(from.row) {
            Some(0) => {}
            Some(down) => self.sequence(down, 'B'),
            None => self.sequence(from.row - to.row, 'A'),
        }
        // After the last column, terminals wait there for more: only a return is certain.
        let pending = from.column >= self.terminal.columns;
        match to.column.checked_sub(from.column) {
            Some(0) if !pending => {}
            _ if to.column == 0 => self.output.push(b'\r'),
            Some(right) if !pending => self.sequence(right, 'C'),
            None if !pending && from.column - to.column <= 4 => {
                let back = from.column - to.column;
                self.output.extend(core::iter::repeat_n(b'\x08', back));
            }
            _ => {
                self.output.push(b'\r');
                self.sequence(to.column, 'C');
            }
        }
    }

    fn forward(&mut self, from: Place, to: Place, rows: &[Row]) -> Place {
        let mut column = 0;
        for cell in rows.first().map_or(&[][..], |row| &row.cells) {
            if column >= to.column {
                break;
            }
            if column >= from.column {
                // Marks are left out here: such a terminal is not likely to show them.
                let mut buffer = [0; 4];
                match cell.c.is_control() {
                    true => self.output.extend(b"^?"),
                    false => self
                        .output
                        .extend(cell.c.encode_utf8(&mut buffer).as_bytes()),
                }
            }
            column += usize::from(cell.width);
        }
        Place { row: 0, column }
    }

    fn sequence(&mut self, count: usize, last: char) {
        let text = match count {
            1 => format!("\x1b[{last}"),
            count => format!("\x1b[{count}{last}"),
        };
        self.output.extend(text.as_bytes());
    }

    /// Leaves what is shown, with the terminal's cursor at the begin of the line below.
    pub fn leave(&mut self) {
        let rows = core::mem::take(&mut self.rows);
        if let Some(last) = rows.last() {
            let place = Place {
                row: rows.len() - 1,
                column: last.width,
            };
            self.go(place, &rows);
        }
        self.set_style(Style::Plain);
        self.output.extend(b"\r\n");
        self.cursor = Place::default();
    }

    /// Takes away what is shown, with the terminal's cursor where it began.
    pub fn erase(&mut self) {
        let rows = core::mem::take(&mut self.rows);
        let width = rows.first().map_or(0, |row| row.width);
        self.go(Place::default(), &rows);
        match self.terminal.escapes {
            true => self.output.extend(b"\r\x1b[J"),
            false => {
                self.output.push(b'\r');
                self.output.extend(core::iter::repeat_n(b' ', width));
                self.output.push(b'\r');
            }
        }
        self.cursor = Place::default();
    }

    /// Empties the whole screen.
    pub fn clear(&mut self) {
        if self.terminal.escapes {
            self.output.extend(b"\x1b[H\x1b[2J");
        } else {
            self.output.extend(b"\r\n");
        }
        self.rows.clear();
        self.cursor = Place::default();
    }

    /// That the terminal's cursor is at the begin of an empty line.
    pub fn forget(&mut self) {
        self.rows.clear();
        self.cursor = Place::default();
    }

    /// A line above the prompt; the prompt has been left or erased before.
    pub fn print_line(&mut self, line: &str) {
        self.output.extend(line.as_bytes());
        self.output.extend(b"\r\n");
    }

    fn lay_out(
        &self,
        text: &str,
        cursor: usize,
        styles: &[(Range<usize>, Style)],
    ) -> (Vec<Row>, Place) {
        let columns = match self.terminal.escapes {
            true => self.terminal.columns.max(2),
            // Without escapes one cannot go up: all in one row.
            false => usize::MAX,
        };
        let mut rows = Vec::from([Row::default()]);
        let mut place = None;
        let mut styles = styles.iter().peekable();
        for (at, c) in text.char_indices() {
            while styles.peek().is_some_and(|(range, _)| range.end <= at) {
                styles.next();
            }
            let style = styles.peek().filter(|(range, _)| range.start <= at);
            let style = style.map_or(Style::Plain, |(_, style)| *style);
            let cell_width = if c == '\n' { 0 } else { width(c) };
            let last = rows.len() - 1;
            if c != '\n' && cell_width > 0 && rows[last].width + cell_width > columns {
                rows.push(Row::default());
            }
            let last = rows.len() - 1;
            let row = &mut rows[last];
            if at >= cursor && place.is_none() && (cell_width > 0 || c == '\n') {
                place = Some(Place {
                    row: last,
                    column: row.width,
                });
            }
            if c == '\n' {
                match self.terminal.escapes {
                    true => rows.push(Row::default()),
                    false => {
                        row.cells.push(Cell {
                            c: ' ',
                            marks: 0,
                            width: 1,
                            style,
                            text: at..at + 1,
                        });
                        row.width += 1;
                    }
                }
                continue;
            }
            match row.cells.last_mut() {
                Some(cell) if cell_width == 0 => {
                    cell.text.end = at + c.len_utf8();
                    cell.marks = cell.marks.wrapping_mul(31).wrapping_add(u32::from(c) + 1);
                }
                // A mark with nothing to stand on is not shown.
                None if cell_width == 0 => {}
                _ => {
                    row.cells.push(Cell {
                        c,
                        marks: 0,
                        width: cell_width as u8,
                        style,
                        text: at..at + c.len_utf8(),
                    });
                    row.width += cell_width;
                }
            }
        }
        let last = rows.len() - 1;
        let end_column = rows[last].width;
        if place.is_none() && end_column >= columns {
            // The cursor stands after a full row: at the begin of the next.
            rows.push(Row::default());
        }
        let last = rows.len() - 1;
        let mut place = place.unwrap_or(Place {
            row: last,
            column: rows[last].width,
        });
        // A line higher than the screen: the part around the cursor.
        let height = self.terminal.rows.max(1);
        if self.terminal.escapes && rows.len() > height {
            let first = (place.row + 1).saturating_sub(height);
            rows.drain(..first);
            rows.truncate(height);
            place.row -= first;
        }
        (rows, place)
    }
}

/// The prompt's text before the line's, as one.
pub fn joined(prompt: &str, line: &str) -> String {
    let mut text = String::with_capacity(prompt.len() + line.len());
    text.push_str(prompt);
    text.push_str(line);
    text
}
