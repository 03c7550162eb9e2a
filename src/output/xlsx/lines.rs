//! The number of lines of texts, and the heights of rows.

use super::style::FONT_SIZE;
use super::text_size::Font;
use crate::model::Language;

/// The most lines in a row: Excel's rows are at most 409 points high.
pub(super) const MOST_LINES: u32 = 27;
/// The width of one character of a column's width, in points.
pub(super) const CHARACTER: f64 = 5.25;

/// The number of lines of a text in a column of this width, in characters; at most as many as a row can show.
pub(super) fn lines_of(text: &str, width: f64, language: Language) -> u32 {
    Font::plain(FONT_SIZE).of(language).lines(text, width * CHARACTER).clamp(1, MOST_LINES)
}

/// The height of a row with this many lines, in points.
pub(super) fn height_of(lines: u32, language: Language) -> u32 {
    match language {
        Language::English => 3 + 13 * lines,
        // Chinese characters are higher.
        Language::Chinese => 3 + (29 * lines).div_ceil(2),
    }
}
