//! Texts that Excel accepts in cells.

use std::borrow::Cow;

/// The most UTF-16 units that Excel accepts in one cell.
pub(super) const MAX_CELL_UNITS: usize = 32_767;

/// A text that a cell can contain: cut at Excel's limit, and without characters that XML forbids.
pub(super) fn cell_text(text: &str) -> Cow<'_, str> {
    const CUT: &str = " … [cut]";
    let forbidden = ['\u{fffe}', '\u{ffff}'];
    let is_plain = text.is_ascii() || !text.contains(forbidden);
    let text = if is_plain { Cow::Borrowed(text) } else { Cow::Owned(text.replace(forbidden, "\u{fffd}")) };
    if text.len() <= MAX_CELL_UNITS || text.encode_utf16().count() <= MAX_CELL_UNITS {
        return text;
    }
    // `CUT` has at most as many UTF-16 units as bytes.
    Cow::Owned(first_units(&text, MAX_CELL_UNITS - CUT.len()).to_owned() + CUT)
}

/// The start of a text, at most `most` UTF-16 units, which Excel's limits are in.
pub(super) fn first_units(text: &str, most: usize) -> &str {
    let mut units = 0;
    let beyond = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > most
    });
    beyond.and_then(|(end, _)| text.get(..end)).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_beyond_the_limit_is_cut_and_says_so() {
        let long = "😀".repeat(20_000);
        let long = cell_text(&long);
        assert!(long.encode_utf16().count() <= MAX_CELL_UNITS && long.ends_with("[cut]"));
        assert_eq!(cell_text("a\u{ffff}"), "a\u{fffd}");
    }
}
