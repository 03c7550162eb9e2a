//! The languages of a report. English texts are written where they are used, and are the keys under
//! which [`words`] has them in the other languages.

mod context_words;
mod history_words;
mod value_words;
mod words;

use std::fmt::{Display, Write as _};

/// A language for people. Keys, CSV, JSON and the journal are for machines and stay English.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Chinese, in simplified characters.
    Chinese,
}

impl Language {
    /// The code in options and JSON.
    pub const fn key(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh",
        }
    }

    /// A text in this language; one without a translation stays English.
    pub fn text(self, english: &str) -> &str {
        match self {
            Self::English => english,
            Self::Chinese => words::chinese(english).unwrap_or(english),
        }
    }

    /// The heading of a column in this language. `Consistent` is a share there, elsewhere a verdict.
    pub fn heading(self, english: &str) -> &str {
        match (self, english) {
            (Self::Chinese, "Consistent") => "一致率",
            _ => self.text(english),
        }
    }

    /// A text in this language, with `{0}`, `{1}` … replaced by the values.
    pub fn fill(self, english: &str, values: &[&dyn Display]) -> String {
        let mut filled = String::new();
        let mut rest = self.text(english);
        while let Some((before, after)) = rest.split_once('{') {
            filled += before;
            let place = after
                .split_once('}')
                .and_then(|(place, after)| Some((values.get(place.parse::<usize>().ok()?)?, after)));
            match place {
                Some((value, after)) => {
                    // Writing to a string cannot fail.
                    let _ = write!(filled, "{value}");
                    rest = after;
                }
                None => {
                    filled.push('{');
                    rest = after;
                }
            }
        }
        filled + rest
    }

    /// The separator between the items of a list.
    pub const fn comma(self) -> &'static str {
        match self {
            Self::English => ", ",
            Self::Chinese => "、",
        }
    }

    /// The separator between two statements in one line.
    pub const fn semicolon(self) -> &'static str {
        match self {
            Self::English => "; ",
            Self::Chinese => "；",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fill_inserts_values_without_expanding_them() {
        let fill = |language: Language| language.fill("{0} of {1} tasks pass", &[&"{1}", &12]);
        assert_eq!(fill(Language::English), "{1} of 12 tasks pass");
        assert_eq!(fill(Language::Chinese), "12个任务中{1}个通过");
        assert_eq!(Language::English.fill("a {b} {7} {", &[&1]), "a {b} {7} {");
    }
}
