//! The lines of a table and their cells.

/// Plans begin with titles and notes; the headings are looked for in this many rows.
pub(super) const HEADING_ROWS: usize = 50;

/// A cell of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Cell {
    /// The text as a spreadsheet shows it.
    pub(super) text: String,
    /// Why the text cannot be used as an id, if it cannot.
    pub(super) problem: Option<String>,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, problem: None }
    }
}

/// A row of a table: its line from 1, and its cells by column from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    pub(super) line: u64,
    pub(super) cells: Vec<(usize, Cell)>,
}

/// The cells that are not blank.
pub(super) fn filled(line: &Line) -> impl Iterator<Item = &(usize, Cell)> {
    line.cells.iter().filter(|(_, cell)| !cell.text.trim().is_empty())
}
