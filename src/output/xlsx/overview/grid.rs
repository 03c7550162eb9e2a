//! The columns of the page, and the room that they leave for texts.

use crate::model::Language;

/// The widths of the columns in pixels; together they are as wide as the paper.
pub(super) const COLUMNS: [u32; 18] =
    [38, 38, 38, 38, 38, 38, 38, 38, 21, 55, 38, 38, 38, 38, 55, 21, 38, 38];
pub(super) const LAST: u16 = 17;
/// What a page holds, in points: of rows below this height no text is printed in less than 9 points.
pub(super) const ROOM: f64 = 795.0;
pub(super) const SIGNOFF_ROOM: f64 = 830.0;
/// What a cell takes beside its text, in points.
const PADDING: f64 = 5.0;
pub(super) const INDENT: f64 = 7.0;

/// The room for text in these columns, in points.
pub(super) fn room((first, last): (u16, u16)) -> f64 {
    let columns = COLUMNS.iter().skip(first.into()).take(usize::from(last.saturating_sub(first)) + 1);
    f64::from(columns.sum::<u32>()) * 0.75 - PADDING
}

/// The height of a row with so many lines of the usual size, in points.
pub(super) fn lines_height(lines: u32, language: Language) -> f64 {
    match (lines, language) {
        (0 | 1, Language::English) => 15.0,
        (lines, Language::English) => 2.0 + 13.0 * f64::from(lines),
        (lines, Language::Chinese) => 2.0 + 14.5 * f64::from(lines),
    }
}
