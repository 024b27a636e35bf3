//! Wrapped text and the ranked list.

use super::{Ink, Style};
use crate::contributors::Baseline;
use crate::finding::{Finding, Severity};
use crate::report::because::because;
use crate::report::sentence::sentence;

/// `text` in lines of at most `width` characters; all but the first begin with `indent` blanks.
pub fn wrapped(text: &str, width: usize, indent: usize) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > width {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += length;
    }
    out
}

/// The strangest findings as numbered sentences with severity, one a paragraph. Behind what was taken apart stands
/// why, by the change against `baseline`.
pub fn list(findings: &[Finding<'_>], baseline: Baseline, year: i16, style: Style) -> String {
    const INDENT: usize = 14;
    let indented = |text: &str| {
        let lines = wrapped(text, style.width.saturating_sub(INDENT), 0);
        lines.replace('\n', &format!("\n{}", " ".repeat(INDENT)))
    };
    let item = |(position, finding): (usize, &Finding<'_>)| {
        let severity = Severity::of_score(finding.anomaly.score);
        let text = indented(&sentence(finding.report, finding.anomaly, year));
        let ink = if severity == Severity::Low { Ink::Quiet } else { Ink::Strange };
        let badge = style.paint(ink, &format!("{} {:<6}", severity.mark(), severity.word()));
        let contributors = finding.drilled().and_then(|drilled| drilled.by(baseline));
        let why = contributors.map_or(String::new(), |contributors| {
            let why = because(contributors, finding.report.series.unit.as_deref());
            format!("\n{}{}", " ".repeat(INDENT), indented(&why))
        });
        format!("{:>3}. {badge} {text}{why}", position + 1)
    };
    findings.iter().enumerate().map(item).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn lines_break_between_words() {
        assert_eq!(super::wrapped("one two three four", 9, 2), "one two\n  three\n  four");
        assert_eq!(super::wrapped("incomprehensibilities", 5, 0), "incomprehensibilities");
    }
}
