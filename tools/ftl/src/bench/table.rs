//! Figures as a table for people.

use super::figure::Figure;

/// The table, one line for each figure, columns in line.
pub fn table(figures: &[Figure]) -> String {
    let mut rows = vec![["", "case", "samples", "min", "median", "max", ""].map(str::to_owned)];
    let mut last = "";
    for figure in figures {
        let name = if figure.name == last {
            ""
        } else {
            &figure.name
        };
        last = &figure.name;
        rows.push([
            name.to_owned(),
            figure.case.clone(),
            figure.samples.to_string(),
            number(figure.min),
            number(figure.median),
            number(figure.max),
            figure.unit.clone(),
        ]);
    }
    aligned(&rows, &[false, false, true, true, true, true, false])
}

/// Rows of cells, each column as wide as its widest cell; `right` says which stand to the right.
pub fn aligned<const N: usize>(rows: &[[String; N]], right: &[bool; N]) -> String {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for ((cell, &width), &right) in row.iter().zip(&widths).zip(right) {
            if !line.is_empty() {
                line += "  ";
            }
            line += &if right {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            };
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// A number as people read it: `12,345`, and two places after the point if it is small and has any.
pub fn number(value: f64) -> String {
    if value.fract() != 0.0 && value.abs() < 100.0 {
        return format!("{value:.2}");
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0.0 {
        format!("-{text}")
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(number(7.0), "7");
        assert_eq!(number(1.054), "1.05");
        assert_eq!(number(1234567.4), "1,234,567");
        assert_eq!(number(-1000.0), "-1,000");
    }

    #[test]
    fn columns_stand_in_line() {
        let rows = [["a", "1"], ["bcd", "100"]].map(|row| row.map(str::to_owned));
        assert_eq!(aligned(&rows, &[false, true]), "a      1\nbcd  100\n");
    }
}
