//! Tables of text: columns as wide as they must be, the last one takes what is left.

use super::{Ink, Style};
use crate::report::name::{printable, shortened};

/// Widest column but for the last, in characters.
const CELL_CHARS_MAX: usize = 36;

/// Rows under their headings. A column whose heading begins with `#` holds numbers: it is set to the right.
pub fn table(headings: &[&str], rows: &[Vec<String>], style: Style) -> String {
    let rows: Vec<Vec<String>> = rows
        .iter()
        .map(|row| row.iter().map(|cell| shortened(&printable(cell), CELL_CHARS_MAX * 2)).collect())
        .collect();
    let width_of = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
        let heading = headings[column].trim_start_matches('#').chars().count();
        cells.chain([heading]).max().unwrap_or(0).min(CELL_CHARS_MAX)
    };
    let widths: Vec<usize> = (0..headings.len()).map(width_of).collect();
    let head: Vec<String> =
        headings.iter().map(|heading| heading.trim_start_matches('#').to_owned()).collect();
    let mut lines = vec![style.paint(Ink::Quiet, &line(headings, &head, &widths, style.width))];
    lines.extend(rows.iter().map(|row| line(headings, row, &widths, style.width)));
    lines.join("\n")
}

fn line(headings: &[&str], row: &[String], widths: &[usize], width: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for (column, cell) in row.iter().enumerate() {
        let last = column + 1 == row.len();
        let room = if last { width.saturating_sub(used).max(8) } else { widths[column] };
        let cell = shortened(cell, room);
        let padding = " ".repeat(widths[column].saturating_sub(cell.chars().count()));
        let right = headings[column].starts_with('#');
        let text = if right { format!("{padding}{cell}") } else { format!("{cell}{padding}") };
        out.push_str(&text);
        out.push_str("  ");
        used += widths[column] + 2;
    }
    out.trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        let rows = [["orders", "1,200", "3 gaps and a very long story"], ["latency\u{7}", "8", "ok"]];
        let rows: Vec<Vec<String>> = rows.iter().map(|row| row.map(str::to_owned).to_vec()).collect();
        let text = table(&["series", "#samples", "quality"], &rows, Style { width: 40, colour: false });
        expect![[r#"
            series    samples  quality
            orders      1,200  3 gaps and a very lo…
            latency·        8  ok"#]]
        .assert_eq(&text);
    }
}
