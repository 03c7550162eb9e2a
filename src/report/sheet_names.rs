//! Names for worksheets: legal in Excel, unique without regard to case, as close to the given ones
//! as that allows.

use std::collections::{HashMap, HashSet};

/// The longest name, in UTF-16 code units, as Excel counts.
const MAX_UNITS: usize = 31;

/// Sheets that a workbook may have beside those of its tasks.
const TAKEN: [&str; 5] = ["summary", "about", "sign-off", "reconciliation", "contents"];

/// For each wanted name and number of sheets, that many names.
pub(super) fn assign<'a>(wanted: impl Iterator<Item = (&'a str, u64)>) -> Vec<Vec<String>> {
    let mut names =
        Names { taken: TAKEN.iter().map(|name| (*name).to_owned()).collect(), next: HashMap::new() };
    wanted.map(|(name, sheets)| (0..sheets).map(|_| names.unique(&legal(name))).collect()).collect()
}

/// The text as it compares without regard to case: two that Excel holds for one give the same.
pub fn fold_case(text: &str) -> String {
    // By character, for a whole text in lower case ends in another sigma than it has within. By way
    // of upper case, for letters that lower case has apart may be one there.
    let lower = text.chars().flat_map(char::to_lowercase);
    lower.flat_map(char::to_uppercase).flat_map(char::to_lowercase).collect()
}

struct Names {
    /// Folded.
    taken: HashSet<String>,
    /// By folded name, the number to try next.
    next: HashMap<String, u32>,
}

impl Names {
    fn unique(&mut self, name: &str) -> String {
        let key = fold_case(name);
        if self.taken.insert(key.clone()) {
            return name.to_owned();
        }
        let next = self.next.entry(key).or_insert(2);
        loop {
            let suffix = format!(" ({next})");
            let candidate = format!("{}{suffix}", cut(name, MAX_UNITS - suffix.len()).trim_end());
            *next += 1;
            if self.taken.insert(fold_case(&candidate)) {
                return candidate;
            }
        }
    }
}

fn legal(name: &str) -> String {
    let name: String = name
        .chars()
        .map(|c| match c {
            '[' | ']' | ':' | '*' | '?' | '/' | '\\' | '\u{fffe}' | '\u{ffff}' => '_',
            c if c.is_control() => '_',
            c => c,
        })
        .collect();
    let edge = |c: char| c == '\'' || c.is_whitespace();
    let name = cut(name.trim_matches(edge), MAX_UNITS).trim_end_matches(edge);
    match name {
        "" => "task".to_owned(),
        // Excel keeps this name to itself.
        name if name.eq_ignore_ascii_case("history") => format!("{name}_"),
        name => name.to_owned(),
    }
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
            for name in &names {
                prop_assert!((1..=MAX_UNITS).contains(&name.encode_utf16().count()));
                prop_assert!(!name.contains(['[', ']', ':', '*', '?', '/', '\\', '\0']));
                prop_assert!(!name.starts_with('\'') && !name.ends_with('\''));
            }
        }
    }
}
