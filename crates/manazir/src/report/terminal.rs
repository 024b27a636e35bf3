//! The report on a terminal: chart, ranked list, tables.

mod chart;
mod table;
mod text;

pub use chart::chart;
pub use table::table;
pub use text::{list, wrapped};

/// How wide and how colourful the terminal is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns.
    pub width: usize,
    /// Whether escape sequences are welcome.
    pub colour: bool,
}

/// Colours of the 256-colour palette nearest to those of the HTML report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// The series.
    Value,
    /// What the model expected.
    Expected,
    /// An episode.
    Strange,
    /// Axes, units, explanations.
    Quiet,
    /// Headings.
    Strong,
}

impl Style {
    /// Of this process: colours on a terminal unless `NO_COLOR` is set, and the width of it; 100 columns
    /// without one.
    pub fn of_stdout() -> Self {
        use std::io::IsTerminal;
        let terminal = std::io::stdout().is_terminal();
        let plain = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty())
            || std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        let width =
            terminal_size::terminal_size().filter(|_| terminal).map_or(100, |(width, _)| width.0 as usize);
        // Wider lines are hard to read, narrower ones hold no chart.
        Self { width: width.clamp(40, 140), colour: terminal && !plain }
    }

    /// `text` in a colour, where colours are welcome.
    pub fn paint(self, ink: Ink, text: &str) -> String {
        if !self.colour || text.is_empty() {
            return text.to_owned();
        }
        let code = match ink {
            Ink::Value => "38;5;74",
            Ink::Expected => "38;5;36",
            Ink::Strange => "1;38;5;208",
            Ink::Quiet => "38;5;245",
            Ink::Strong => "1",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}
