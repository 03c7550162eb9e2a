//! Texts of a report in the places where a page has them. A report's texts may be hostile: each place has its escape.

use std::fmt::Write as _;

use crate::model::is_hidden;

/// A text in HTML: an element of its own, so that its direction ends with it, with hidden characters shown as `U+202E`.
pub(super) fn html(text: &str) -> String {
    let mut html = String::with_capacity(text.len() + 11);
    html.push_str("<bdi>");
    for c in text.chars() {
        match markup(c) {
            Some(escaped) => html.push_str(escaped),
            // Writing to a string cannot fail.
            None if is_hidden(c) => drop(write!(html, "<span class=\"odd\">U+{:04X}</span>", u32::from(c))),
            None => html.push(c),
        }
    }
    html.push_str("</bdi>");
    html
}

/// A text where an element is not possible: in an attribute or the title.
pub(super) fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for c in text.chars() {
        match markup(c) {
            Some(escaped) => plain.push_str(escaped),
            None if is_hidden(c) => drop(write!(plain, "‹U+{:04X}›", u32::from(c))),
            None => plain.push(c),
        }
    }
    plain
}

fn markup(c: char) -> Option<&'static str> {
    Some(match c {
        '&' => "&amp;",
        '<' => "&lt;",
        '>' => "&gt;",
        '"' => "&quot;",
        '\'' => "&#39;",
        _ => return None,
    })
}

/// A text as a string of a style sheet. Nothing but letters, digits and spaces is written as it is.
pub(super) fn css(text: &str) -> String {
    let mut css = String::with_capacity(text.len() + 2);
    css.push('"');
    for c in text.chars() {
        match c {
            c if is_hidden(c) => drop(write!(css, "U+{:04X}", u32::from(c))),
            c if c == ' ' || c.is_alphanumeric() => css.push(c),
            // The space ends the escape.
            c => drop(write!(css, "\\{:x} ", u32::from(c))),
        }
    }
    css.push('"');
    css
}

/// A JSON document as the content of a `script` element: nothing in it ends the element or opens a comment, and hidden
/// characters are escaped, so that the page's source cannot be made to show what it does not say.
pub(super) fn json(document: &str) -> String {
    let mut json = String::with_capacity(document.len());
    for c in document.chars() {
        if matches!(c, '<' | '>' | '&') || is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                let _ = write!(json, "\\u{unit:04x}");
            }
        } else {
            json.push(c);
        }
    }
    json
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_are_escaped_for_their_place() {
        let hostile = "</script><!--\u{202e}&\"'\u{0}";
        assert_eq!(
            html(hostile),
            "<bdi>&lt;/script&gt;&lt;!--<span class=\"odd\">U+202E</span>&amp;&quot;&#39;<span class=\"odd\">U+0000</span></bdi>"
        );
        assert_eq!(plain(hostile), "&lt;/script&gt;&lt;!--‹U+202E›&amp;&quot;&#39;‹U+0000›");
        assert_eq!(css("</style>\"a\\\n"), r#""\3c \2f style\3e \22 a\5c U+000A""#);
        assert_eq!(json("\"</script>\u{feff}&😀\""), "\"\\u003c/script\\u003e\\ufeff\\u0026😀\"");
    }

    /// The characters that the page's script shows as their code, as a class of a regular expression.
    fn hidden_class() -> String {
        let mut ranges: Vec<(u32, u32)> = Vec::new();
        for c in ('\0'..=char::MAX).filter(|c| is_hidden(*c)) {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == u32::from(c) => *last += 1,
                _ => ranges.push((u32::from(c), u32::from(c))),
            }
        }
        let code = |c: u32| if c > 0xFFFF { format!("\\u{{{c:x}}}") } else { format!("\\u{c:04x}") };
        let range = |(first, last): &(u32, u32)| match last - first {
            0 => code(*first),
            1 => code(*first) + &code(*last),
            _ => format!("{}-{}", code(*first), code(*last)),
        };
        format!("/[{}]/u", ranges.iter().map(range).collect::<String>())
    }

    #[test]
    fn script_shows_the_same_characters_as_their_code() {
        let class = hidden_class();
        assert!(super::super::script::SCRIPT.contains(&format!("const HIDDEN = {class};")), "{class}");
    }

    proptest! {
        #[test]
        fn texts_hold_no_markup_of_their_own(text: String) {
            let text = format!("{text}\u{202e}</script>\"'<!--\0");
            let inside = html(&text).replace("<bdi>", "").replace("</bdi>", "");
            let inside = inside.replace("<span class=\"odd\">", "").replace("</span>", "");
            for escaped in [inside, plain(&text)] {
                prop_assert!(!escaped.contains(['<', '>', '"', '\'']) && !escaped.contains(is_hidden));
            }
            let css = css(&text);
            prop_assert!(!css[1..css.len() - 1].contains(['<', '"', '\'', '\n', '{', ';']), "{css}");
        }

        #[test]
        fn escaped_json_reads_as_before_and_holds_no_markup(text: String) {
            let document = serde_json::to_string(&text).unwrap();
            let escaped = json(&document);
            prop_assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
            prop_assert!(!escaped.contains(['<', '>', '&']));
        }
    }
}
