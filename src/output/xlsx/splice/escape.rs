//! Texts as XML has them.

use std::fmt::Write as _;

/// Adds a text as the content of a cell, where `_x0041_` stands for a character: what looks like that in
/// the text itself is escaped, and so are characters that XML does not have.
pub(super) fn content(out: &mut String, text: &str) {
    let is_special = |byte: u8| matches!(byte, 0..0x20 | b'&' | b'<' | b'>' | b'_' | 0xEF);
    if !text.bytes().any(is_special) {
        return out.push_str(text);
    }
    for (place, c) in text.char_indices() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '_' if text.get(place..).is_some_and(is_escape) => out.push_str("_x005F_"),
            '\t' | '\n' => out.push(c),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => {
                // Writing to a text cannot fail.
                let _ = write!(out, "_x{:04X}_", u32::from(c));
            }
            c => out.push(c),
        }
    }
}

/// Whether a text begins with what stands for a character, as `_x0041_` does.
pub(in crate::output::xlsx) fn is_escape(text: &str) -> bool {
    let mut digits = text.bytes().skip(2);
    text.starts_with("_x")
        && digits.by_ref().take(4).filter(u8::is_ascii_hexdigit).count() == 4
        && digits.next() == Some(b'_')
}

/// A text as the value of an attribute.
pub(super) fn value(text: &str) -> String {
    text_of_element(text).replace('"', "&quot;")
}

/// A text as the content of an element that is no cell.
pub(super) fn text_of_element(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '\t' => out.push_str("&#x9;"),
            '\n' => out.push_str("&#xA;"),
            '\0'..' ' | '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
