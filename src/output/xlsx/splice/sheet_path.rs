//! The paths of sheets in the ZIP file.

/// The path in the ZIP file of the sheet with this number, from 1.
pub(super) fn sheet_path(number: usize) -> String {
    format!("xl/worksheets/sheet{number}.xml")
}

/// The path of the sheet's relationships.
pub(super) fn relations_path(number: usize) -> String {
    format!("xl/worksheets/_rels/sheet{number}.xml.rels")
}
