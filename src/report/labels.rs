//! Headings of the label columns.

use std::collections::HashSet;
use std::sync::LazyLock;

use super::table::{DETAIL, Kind, RECONCILIATION, SUMMARY, WAIVER};
use crate::model::{LISTED_LABELS, Language};

/// Headings of columns that only some reports have.
const OTHER_HEADINGS: [&str; 1] = ["Reason"];
/// The label of discovered tasks that is like a column's heading.
const DISCOVERED_STATE: &str = "task_state";

/// A label of the task list, as a column of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// Its name in the task list, by which tasks have their values.
    pub name: String,
    /// Its heading: the name, numbered where a column of a report has that heading.
    pub heading: String,
    /// Whether it is what the account's listing says of a task, and not what people added to the list.
    pub is_listed: bool,
}

impl Label {
    /// The labels with these names. No heading is that of another column, whatever its case, spaces and
    /// separators.
    pub(super) fn all(names: &[String]) -> Vec<Self> {
        let is_reserved = |name: &str| {
            // The heading of a column of times ends with their zone.
            let bare = name.split_once(" (").map_or(name, |(bare, _)| bare);
            RESERVED.contains(&folded(name)) || is_time(bare)
        };
        let mut taken: HashSet<String> =
            names.iter().filter(|name| !is_reserved(name)).map(|name| folded(name)).collect();
        let mut seen = HashSet::new();
        // Lists of discovered tasks have this label, which scripts know.
        let is_reserved = |name: &String| name != DISCOVERED_STATE && is_reserved(name);
        let label = |name: &String| {
            let is_listed = LISTED_LABELS.contains(&name.as_str());
            if !is_reserved(name) && seen.insert(folded(name)) {
                return Self { name: name.clone(), heading: name.clone(), is_listed };
            }
            let mut numbered = (2_u64..).map(|number| format!("{name} ({number})"));
            let free = numbered.find(|heading| taken.insert(folded(heading)));
            Self { name: name.clone(), heading: free.unwrap_or_else(|| name.clone()), is_listed }
        };
        names.iter().map(label).collect()
    }
}

/// The headings and keys of all columns, in every language.
static RESERVED: LazyLock<HashSet<String>> = LazyLock::new(|| {
    let summary = SUMMARY.iter().map(|column| (column.heading, column.key));
    let detail = DETAIL.iter().chain([WAIVER]).map(|column| (column.heading, column.key));
    let reconciliation = RECONCILIATION.iter().map(|column| (column.heading, column.key));
    let others = OTHER_HEADINGS.into_iter().map(|heading| (heading, heading));
    let columns = summary.chain(detail).chain(reconciliation).chain(others);
    columns.flat_map(|(heading, key)| [heading, key, Language::Chinese.text(heading)]).map(folded).collect()
});

fn is_time(heading: &str) -> bool {
    let times = SUMMARY.iter().map(|column| (column.heading, column.kind));
    let times = times.chain(DETAIL.iter().map(|column| (column.heading, column.kind)));
    let heading = folded(heading);
    times
        .filter(|(_, kind)| *kind == Kind::Time)
        .any(|(time, _)| folded(time) == heading || folded(Language::Chinese.text(time)) == heading)
}

/// A heading without case, spaces and separators. One of other characters alone stays as it is.
fn folded(heading: &str) -> String {
    let plain: String =
        heading.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    if plain.is_empty() { heading.to_owned() } else { plain }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headings(names: &[&str]) -> Vec<String> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        Label::all(&names).into_iter().map(|label| label.heading).collect()
    }

    #[test]
    fn label_with_the_heading_of_a_column_is_numbered() {
        for name in [
            "Verdict",
            "verdict",
            "NOTES",
            "Reason",
            "total_files",
            "Total  Files",
            "missing-at-target",
            "Last verified",
            "Last verified (Asia/Shanghai)",
            "Source server",
            "source_server",
            "Finished (UTC)",
            "Directory",
            "Waiver",
            "Finding",
            "结论",
            "Check Result",
        ] {
            assert_eq!(headings(&[name]), [format!("{name} (2)")]);
        }
        for name in ["wave", "owner", "Verdict now", "Notes by J.", "-", "备"] {
            assert_eq!(headings(&[name]), [name]);
        }
    }

    #[test]
    fn numbered_heading_is_unique() {
        assert_eq!(
            headings(&["Verdict", "Verdict (2)", "verdict_3"]),
            ["Verdict (4)", "Verdict (2)", "verdict_3"]
        );
        assert_eq!(headings(&["wave", "Wave", "-", "--"]), ["wave", "Wave (2)", "-", "--"]);
    }
}
