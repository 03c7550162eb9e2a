//! The languages of reports and of the terminal. English texts are written where they are used, and are the keys under
//! which [`words`] has those of reports in the other languages, and [`messages`] those of messages.

mod context_words;
mod history_words;
mod messages;
mod value_words;
mod words;

use std::borrow::Cow;
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

    /// A message for the terminal in this language, of one or more lines. Values in it stay as they are; a line that has
    /// no translation stays English.
    pub fn message(self, english: &str) -> Cow<'_, str> {
        if self == Self::English {
            return Cow::Borrowed(english);
        }
        let line = |line: &str| match messages::chinese(line) {
            Some(chinese) => {
                let indent = line.len() - line.trim_start().len();
                format!("{}{chinese}", " ".repeat(indent))
            }
            None => line.to_owned(),
        };
        Cow::Owned(english.split('\n').map(line).collect::<Vec<_>>().join("\n"))
    }

    /// The language that the environment asks for: Chinese if the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set
    /// begins with `zh`, unless it names another encoding than UTF-8.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(variable);
        let locale = set.map(|locale| locale.to_ascii_lowercase()).find(|locale| !locale.is_empty());
        let locale = locale.unwrap_or_default();
        let encoding = locale.split('@').next().and_then(|locale| locale.split_once('.'));
        let is_utf8 = encoding.is_none_or(|(_, encoding)| ["utf-8", "utf8"].contains(&encoding));
        if locale.starts_with("zh") && is_utf8 { Self::Chinese } else { Self::English }
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
    fn environment_asks_for_chinese_by_its_first_variable() {
        let asked = |set: &[(&str, &str)]| {
            let value = |name: &str| set.iter().find(|(known, _)| *known == name);
            Language::of_environment(|name| value(name).map(|(_, value)| (*value).to_owned()))
        };
        for locale in ["zh", "zh_CN", "zh_CN.UTF-8", "zh_CN.utf8@pinyin", "zh-Hans"] {
            assert_eq!(asked(&[("LANG", locale)]), Language::Chinese, "{locale}");
            assert_eq!(asked(&[("LC_ALL", ""), ("LC_MESSAGES", locale), ("LANG", "C")]), Language::Chinese);
            assert_eq!(asked(&[("LC_ALL", "C"), ("LANG", locale)]), Language::English);
        }
        for locale in ["", "C", "en_US.UTF-8", "zh_CN.GB18030", "zh_CN.gbk"] {
            assert_eq!(asked(&[("LANG", locale)]), Language::English, "{locale}");
        }
        assert_eq!(asked(&[]), Language::English);
    }

    #[test]
    fn fill_inserts_values_without_expanding_them() {
        let fill = |language: Language| language.fill("{0} of {1} tasks pass", &[&"{1}", &12]);
        assert_eq!(fill(Language::English), "{1} of 12 tasks pass");
        assert_eq!(fill(Language::Chinese), "12个任务中{1}个通过");
        assert_eq!(Language::English.fill("a {b} {7} {", &[&1]), "a {b} {7} {");
    }
}
