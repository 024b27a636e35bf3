//! Tables that become lists of pairs where the page is narrow.

use super::escape;

/// Rows of cells that are HTML already. A heading that begins with `#` is of numbers.
pub(super) fn table(headings: &[&str], rows: &[Vec<String>]) -> String {
    marked(headings, rows, |_| false)
}

/// The same, with the rows set off that `strange` names.
pub(super) fn marked(headings: &[&str], rows: &[Vec<String>], strange: impl Fn(usize) -> bool) -> String {
    let head: String =
        headings.iter().map(|heading| format!("<th{}>{}</th>", class(heading), plain(heading))).collect();
    let row = |(position, cells): (usize, &Vec<String>)| {
        let cells: String = headings
            .iter()
            .zip(cells)
            .map(|(heading, cell)| {
                format!("<td{} data-head=\"{}\">{cell}</td>", class(heading), escape::text(plain(heading)))
            })
            .collect();
        format!("<tr{}>{cells}</tr>", if strange(position) { " class=\"strange\"" } else { "" })
    };
    let body: String = rows.iter().enumerate().map(row).collect();
    format!(
        "<div class=\"scroll\"><table class=\"stack\"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>\n"
    )
}

fn plain<'a>(heading: &'a &str) -> &'a str {
    heading.trim_start_matches('#')
}

fn class(heading: &str) -> &'static str {
    if heading.starts_with('#') { " class=\"number\"" } else { "" }
}
