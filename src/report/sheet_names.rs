//! Names for worksheets, and for the CSV files of the same content: legal in Excel and on Windows, unique on
//! file systems that ignore case and Unicode normalization, as close to the given ones as that allows.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use unicode_normalization::UnicodeNormalization as _;

use crate::model::Language;

/// Devices of Windows: a file of that name opens the device, with any suffix and in any case.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];
/// Devices that have a number, and the numbers.
const NUMBERED_DEVICES: [&str; 2] = ["COM", "LPT"];
const DEVICE_NUMBERS: &str = "0123456789¹²³";

/// The longest name, in UTF-16 code units, as Excel counts.
const MAX_UNITS: usize = 31;

/// Sheets that a workbook may have beside those of its tasks.
const TAKEN: [&str; 6] = ["Overview", "Summary", "About", "Sign-off", "Reconciliation", "Contents"];

/// Those names in every language, so that a task's sheet has the same name in each.
fn taken() -> impl Iterator<Item = [String; 2]> {
    TAKEN.into_iter().map(|name| [fold_case(name), fold_case(Language::Chinese.text(name))])
}

/// For each wanted name and number of sheets, that many names.
pub(super) fn assign<'a>(wanted: impl Iterator<Item = (&'a str, u64)>) -> Vec<Vec<String>> {
    let mut names = Names { taken: taken().flatten().collect(), next: HashMap::new() };
    wanted.map(|(name, sheets)| (0..sheets).map(|_| names.unique(&legal(name))).collect()).collect()
}

/// The text as it compares without regard to case: two that Excel holds for one give the same.
pub fn fold_case(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // By character, for a whole text in lower case ends in another sigma than it has within. By way
    // of upper case, for letters that lower case has apart may be one there.
    let lower = text.chars().flat_map(char::to_lowercase);
    lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

/// The text as file systems compare it that ignore case, Unicode normalization and, as HFS+ does, characters
/// without width.
pub fn file_name_key(text: &str) -> String {
    if text.is_ascii() {
        return fold_case(text);
    }
    let ignored = |c: &char| matches!(c, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}');
    let decomposed: String = text.chars().filter(|c| !ignored(c)).nfd().collect();
    fold_case(&decomposed).nfd().collect()
}

struct Names {
    /// As Excel compares them, and as file systems do.
    taken: HashSet<String>,
    /// By folded name, the number to try next.
    next: HashMap<String, u32>,
}

impl Names {
    fn unique(&mut self, name: &str) -> String {
        let Self { taken, next } = self;
        let mut take = |name: &str| {
            let keys = [fold_case(name), file_name_key(name)];
            let is_free = keys.iter().all(|key| !taken.contains(key));
            if is_free {
                taken.extend(keys);
            }
            is_free
        };
        if take(name) {
            return name.to_owned();
        }
        let next = next.entry(fold_case(name)).or_insert(2);
        loop {
            let suffix = format!(" ({next})");
            let candidate = format!("{}{suffix}", cut(name, MAX_UNITS - suffix.len()).trim_end());
            *next += 1;
            if take(&candidate) {
                return candidate;
            }
        }
    }
}

fn legal(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| match c {
            '[' | ']' | ':' | '*' | '?' | '/' | '\\' | '<' | '>' | '"' | '|' => '_',
            c if c.is_control() || is_noncharacter(c) => '_',
            c => c,
        })
        .collect();
    let edge = |c: char| c == '\'' || c.is_whitespace();
    let name = cut(name.trim_matches(edge), MAX_UNITS).trim_end_matches(edge);
    let name = without_device(name);
    // That may have made it longer.
    let name = cut(&name, MAX_UNITS).trim_end_matches(edge);
    match name {
        "" => "task".to_owned(),
        // Excel keeps this name to itself.
        name if name.eq_ignore_ascii_case("history") => format!("{name}_"),
        name => name.to_owned(),
    }
}

/// Whether Unicode has set it aside for ever; some file systems refuse it.
fn is_noncharacter(c: char) -> bool {
    matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xFFFE == 0xFFFE
}

/// The name with `_` after the name of a device, which goes to the first dot.
fn without_device(name: &str) -> Cow<'_, str> {
    let stem = name.split('.').next().unwrap_or_default();
    let device = stem.trim_end().to_uppercase();
    let is_number = |rest: &str| {
        let mut rest = rest.chars();
        rest.next().is_some_and(|c| DEVICE_NUMBERS.contains(c)) && rest.next().is_none()
    };
    let is_device = DEVICES.contains(&device.as_str())
        || NUMBERED_DEVICES.iter().any(|numbered| device.strip_prefix(numbered).is_some_and(is_number));
    if !is_device {
        return Cow::Borrowed(name);
    }
    let rest = name.get(stem.len()..).unwrap_or_default();
    Cow::Owned(format!("{stem}_{rest}"))
}

fn cut(name: &str, units: usize) -> &str {
    let mut used = 0;
    let end = name.char_indices().find_map(|(index, c)| {
        used += c.len_utf16();
        (used > units).then_some(index)
    });
    end.and_then(|end| name.get(..end)).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(wanted: &[&str]) -> Vec<String> {
        assign(wanted.iter().map(|name| (*name, 1))).concat()
    }

    #[test]
    fn names_become_legal_and_unique() {
        assert_eq!(
            names(&["web-01", "WEB-01", "web-01 (2)", "web-01"]),
            ["web-01", "WEB-01 (2)", "web-01 (2) (2)", "web-01 (3)"]
        );
        assert_eq!(
            names(&["summary", "About", "history", "HISTORY"]),
            ["summary (2)", "About (2)", "history_", "HISTORY_ (2)"]
        );
        assert_eq!(
            names(&["ΟΔΟΣ", "οδοσ", "οδος", "ß", "ẞ"]),
            ["ΟΔΟΣ", "οδοσ (2)", "οδος (3)", "ß", "ẞ (2)"]
        );
        assert_eq!(names(&["'a/b'", "  ", "'", "[x]:*?\\"]), ["a_b", "task", "task (2)", "_x_____"]);
        assert_eq!(
            names(&["x".repeat(40).as_str(), "x".repeat(31).as_str()]),
            ["x".repeat(31), format!("{} (2)", "x".repeat(27))]
        );
    }

    #[test]
    fn names_that_windows_refuses_for_files_are_changed() {
        for (name, expected) in [
            ("a<b>|c\"", "a_b__c_"),
            ("nul", "nul_"),
            ("CON.prod.example", "CON_.prod.example"),
            ("aux .x", "aux _.x"),
            ("com1", "com1_"),
            ("Lpt9.a", "Lpt9_.a"),
            ("COM\u{b2}", "COM\u{b2}_"),
            ("conin$", "conin$_"),
            ("a\u{85}\u{1fffe}b", "a__b"),
        ] {
            assert_eq!(names(&[name]), [expected], "{name}");
        }
        for name in ["console", "com10", "com", "v1.", ".hidden", "a.nul", "财务报表-01"] {
            assert_eq!(names(&[name]), [name]);
        }
        assert_eq!(names(&["nul", "NUL_", "a<b", "a_b"]), ["nul_", "NUL_ (2)", "a_b", "a_b (2)"]);
        let long = format!("nul.{}", "x".repeat(40));
        assert_eq!(names(&[&long]), [format!("nul_.{}", "x".repeat(26))]);
        assert_eq!(names(&[&format!("con{}x", " ".repeat(40))]), ["con_"]);
    }

    #[test]
    fn names_that_are_equal_on_macos_are_numbered() {
        assert_eq!(
            names(&["caf\u{e9}", "cafe\u{301}", "CAFE\u{301}"]),
            ["caf\u{e9}", "cafe\u{301} (2)", "CAFE\u{301} (3)"]
        );
        assert_eq!(
            names(&["\u{212b}", "\u{e5}", "a\u{200d}b", "ab"]),
            ["\u{212b}", "\u{e5} (2)", "a\u{200d}b", "ab (2)"]
        );
    }

    #[test]
    fn a_task_with_too_many_rows_has_further_sheets() {
        let names = assign([("a", 3), ("a (2)", 1)].into_iter());
        assert_eq!(names, [vec!["a", "a (2)", "a (3)"], vec!["a (2) (2)"]]);
    }

    proptest! {
        #[test]
        fn any_names_at_all(wanted in prop::collection::vec("\\PC{0,40}|['/\\[\u{0}a-b]{0,3}|😀{14,18}", 1..30)) {
            let wanted: Vec<&str> = wanted.iter().map(String::as_str).collect();
            let names = names(&wanted);
            let unique: HashSet<String> = names.iter().map(|name| fold_case(name)).collect();
            prop_assert_eq!(unique.len(), wanted.len());
            let unique: HashSet<String> = names.iter().map(|name| file_name_key(name)).collect();
            prop_assert_eq!(unique.len(), wanted.len());
            for name in &names {
                prop_assert!((1..=MAX_UNITS).contains(&name.encode_utf16().count()));
                prop_assert!(!name.contains(['[', ']', ':', '*', '?', '/', '\\', '\0', '<', '>', '"', '|']));
                prop_assert_eq!(without_device(name), name.as_str());
                prop_assert!(!name.starts_with('\'') && !name.ends_with('\''));
            }
        }
    }
}
