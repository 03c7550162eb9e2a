//! Links of the streamed sheet.

/// A link from a cell of the streamed sheet to a sheet of this file, or of another one in the same folder.
pub(in crate::output::xlsx) struct Link<'a> {
    /// The row and the column of the cell, from 0.
    pub(in crate::output::xlsx) cell: (u32, u16),
    /// The other file, escaped; none for this file.
    pub(in crate::output::xlsx) file: Option<String>,
    pub(in crate::output::xlsx) sheet: &'a str,
    /// The text of the cell.
    pub(in crate::output::xlsx) text: String,
    pub(in crate::output::xlsx) tip: String,
}
