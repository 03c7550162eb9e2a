//! Cleans texts for terminals and logs.

use std::borrow::Cow;
use std::fmt::{self, Write};

use super::invisible::is_invisible;

/// Whether a character is a control character, a bidirectional override or isolate, a line or paragraph separator,
/// or invisible. Spaces of other widths are none of these.
pub fn is_hidden(c: char) -> bool {
    let is_space = c.is_whitespace() && !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}');
    if c.is_ascii() { c.is_ascii_control() } else { is_invisible(c) && !is_space }
}

/// A text in one line, with every [hidden](is_hidden) character escaped, as in `\n` and `\u{1b}`.
///
/// Cleaning twice gives the same result.
pub fn clean(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut cleaned = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if is_hidden(c) {
            cleaned.extend(c.escape_default());
        } else {
            cleaned.push(c);
        }
    }
    Cow::Owned(cleaned)
}

/// A text of several lines: each line cleaned, the line breaks unchanged.
pub fn clean_lines(text: &str) -> String {
    let mut cleaned = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let (line, end) = line.strip_suffix('\n').map_or((line, ""), |line| (line, "\n"));
        cleaned.push_str(&clean(line));
        cleaned.push_str(end);
    }
    cleaned
}

/// Escapes every hidden character in the strings of a JSON document as `\u`. The values are unchanged.
pub fn clean_json(document: &str) -> Cow<'_, str> {
    // JSON has these control characters only outside strings.
    let is_layout = |c: char| matches!(c, '\n' | '\r' | '\t');
    if !document.chars().any(|c| is_hidden(c) && !is_layout(c)) {
        return Cow::Borrowed(document);
    }
    let mut cleaned = String::with_capacity(document.len() + 8);
    for c in document.chars() {
        if is_hidden(c) && !is_layout(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(cleaned, "\\u{unit:04x}");
            }
        } else {
            cleaned.push(c);
        }
    }
    Cow::Owned(cleaned)
}

/// Shows a value in one line without hidden characters.
#[derive(Debug, Clone, Copy)]
pub struct Clean<T>(pub T);

impl<T: fmt::Display> fmt::Display for Clean<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Cleaner(f), "{}", self.0)
    }
}

struct Cleaner<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl fmt::Write for Cleaner<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.write_str(&clean(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn clean_text_with_hidden_characters_escapes_them() {
        for (text, cleaned) in [
            ("web-01 数据库 é 😀 a\\b", "web-01 数据库 é 😀 a\\b"),
            ("a\x1b[2Jb", "a\\u{1b}[2Jb"),
            ("\x1b]0;title\x07", "\\u{1b}]0;title\\u{7}"),
            ("\u{9b}31m", "\\u{9b}31m"),
            ("a\tb\r\nc\x7f", "a\\tb\\r\\nc\\u{7f}"),
            ("gpj\u{202e}exe\u{2066}", "gpj\\u{202e}exe\\u{2066}"),
            ("a\u{200b}b\u{feff}\u{ad}\u{2028}", "a\\u{200b}b\\u{feff}\\u{ad}\\u{2028}"),
            ("\u{e0041}\u{fe0f}\u{3164}", "\\u{e0041}\\u{fe0f}\\u{3164}"),
        ] {
            assert_eq!(clean(text), cleaned);
            assert_eq!(Clean(text).to_string(), cleaned);
        }
        assert_eq!(clean_lines("a\x1b\nb\tc\n"), "a\\u{1b}\nb\\tc\n");
    }

    proptest! {
        #[test]
        fn cleaned_text_has_no_hidden_characters_and_is_stable(text in any::<String>()) {
            let cleaned = clean(&text).into_owned();
            prop_assert!(!cleaned.chars().any(is_hidden));
            prop_assert_eq!(clean(&cleaned), cleaned.as_str());
        }

        #[test]
        fn cleaned_json_has_the_same_value(text in any::<String>()) {
            let value = serde_json::json!({ &text: [&text, "\u{202e}\u{9b}\u{e0041}"] });
            let document = serde_json::to_string_pretty(&value).unwrap();
            let cleaned = clean_json(&document);
            prop_assert!(!cleaned.chars().any(|c| is_hidden(c) && c != '\n'));
            prop_assert_eq!(serde_json::from_str::<serde_json::Value>(&cleaned).unwrap(), value);
        }
    }
}
