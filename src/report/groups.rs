//! The tasks of a report by the value of a label.

use std::collections::HashMap;

use super::row::SummaryRow;
use super::summary::Report;
use crate::model::{Language, Verdict};

/// The tasks by the value of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Groups {
    /// The heading of the label: its name in the task list, unless a column of the report has that name.
    pub by: String,
    /// In natural order: wave 2 before wave 10, and the tasks without a value last.
    pub rows: Vec<Group>,
}

/// The tasks with one value of a label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// The value; none for the tasks that have none.
    pub name: Option<String>,
    /// How many tasks there are.
    pub tasks: usize,
    /// How many of them pass.
    pub passing: usize,
    /// How many tasks have each verdict, in the order of [`Verdict::ALL`], zeros included.
    pub counts: Vec<(Verdict, usize)>,
}

impl Group {
    fn new(name: Option<String>) -> Self {
        let counts = Verdict::ALL.into_iter().map(|verdict| (verdict, 0)).collect();
        Self { name, tasks: 0, passing: 0, counts }
    }

    fn add(&mut self, verdict: Verdict) {
        self.tasks += 1;
        self.passing += usize::from(verdict.passes());
        self.counts.iter_mut().filter(|(other, _)| *other == verdict).for_each(|(_, count)| *count += 1);
    }

    /// The name, or a word for the tasks without one.
    pub fn label(&self, language: Language) -> &str {
        self.name.as_deref().unwrap_or_else(|| language.text("(none)"))
    }

    /// How many tasks do not pass.
    pub fn failing(&self) -> usize {
        self.tasks - self.passing
    }

    /// What the tasks that do not pass are, as in `2 inconsistent, 1 stale`; empty if all pass.
    pub fn failing_text(&self, language: Language) -> String {
        failing_text(&self.counts, language)
    }
}

/// The verdicts that do not pass with their numbers of tasks, as in `2 inconsistent, 1 stale`.
pub(super) fn failing_text(counts: &[(Verdict, usize)], language: Language) -> String {
    let failing = counts.iter().filter(|(verdict, count)| !verdict.passes() && *count > 0);
    let texts = failing.map(|(verdict, count)| {
        language.fill("{0} {1}", &[&count, &language.text(verdict.label()).to_lowercase()])
    });
    texts.collect::<Vec<_>>().join(language.comma())
}

impl Groups {
    /// Groups tasks, each given by its value and verdict. White space around a value does not count.
    pub fn new<'t>(by: &str, tasks: impl IntoIterator<Item = (Option<&'t str>, Verdict)>) -> Self {
        let mut groups: HashMap<Option<&str>, Group> = HashMap::new();
        for (value, verdict) in tasks {
            let value = value.map(str::trim).filter(|value| !value.is_empty());
            groups.entry(value).or_insert_with(|| Group::new(value.map(str::to_owned))).add(verdict);
        }
        let mut rows: Vec<Group> = groups.into_values().collect();
        rows.sort_by_cached_key(|group| (group.name.is_none(), group.name.as_deref().map(natural_key)));
        Self { by: by.to_owned(), rows }
    }

    /// At most `count` groups in their order; where not all fit, those with most tasks that do not pass.
    pub fn most_failing(&self, count: usize) -> Vec<&Group> {
        let mut places: Vec<(usize, &Group)> = self.rows.iter().enumerate().collect();
        places.sort_by_key(|(_, group)| std::cmp::Reverse(group.failing()));
        places.truncate(count);
        places.sort_by_key(|(place, _)| *place);
        places.into_iter().map(|(_, group)| group).collect()
    }
}

impl Report<'_> {
    /// The tasks by the label that was chosen, or else by `wave`; none if the list has no such label.
    pub fn groups<'r>(&'r self) -> Option<Groups> {
        let name = self.options().view.group_label(&self.journal().header().list.labels)?;
        let label = self.labels().iter().find(|label| label.name == *name)?;
        let value = |row: &'r SummaryRow<'_>| row.task.labels.get(&label.name);
        Some(Groups::new(&label.heading, self.rows().iter().map(|row| (value(row), row.verdict))))
    }
}

/// A text in the order of the numbers in it, without regard to case: `wave 2` before `wave 10`. The text itself comes
/// last, since `01` and `1` are equal as numbers.
type NaturalKey = (Vec<Piece>, String);

/// A number comes before any other text.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Piece {
    /// Its number of digits and the digits, without leading zeros.
    Number(usize, String),
    Text(String),
}

fn natural_key(text: &str) -> NaturalKey {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let is_number = first.is_ascii_digit();
        let end = rest.find(|c: char| c.is_ascii_digit() != is_number).unwrap_or(rest.len());
        let (piece, after) = rest.split_at(end);
        pieces.push(if is_number {
            let digits = piece.trim_start_matches('0');
            Piece::Number(digits.len(), digits.to_owned())
        } else {
            Piece::Text(piece.to_lowercase())
        });
        rest = after;
    }
    (pieces, text.to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn groups_are_in_natural_order_with_those_without_a_value_last() {
        let values = ["wave 10", "", "Wave 2", "wave 1", "2", "10", "网络", "wave 02", "  wave 1 ", "wave"];
        let tasks = values.map(|value| (Some(value), Verdict::Consistent));
        let groups = Groups::new("wave", tasks.into_iter().chain([(None, Verdict::Stale)]));
        let names: Vec<_> = groups.rows.iter().map(|group| group.label(Language::English)).collect();
        let expected = ["2", "10", "wave", "wave 1", "Wave 2", "wave 02", "wave 10", "网络", "(none)"];
        assert_eq!(names[..4], expected[..4]);
        assert_eq!(names[6..], expected[6..]);
        let none = groups.rows.last().unwrap();
        assert_eq!((none.name.as_ref(), none.tasks, none.passing), (None, 2, 1));
        assert_eq!(none.failing_text(Language::English), "1 stale");
    }

    #[test]
    fn most_failing_groups_keep_their_order() {
        let tasks =
            [("a", Verdict::Stale), ("b", Verdict::Consistent), ("c", Verdict::Stale), ("c", Verdict::Stale)];
        let groups = Groups::new("wave", tasks.map(|(value, verdict)| (Some(value), verdict)));
        let names = |count| -> Vec<_> {
            groups.most_failing(count).into_iter().map(|group| group.label(Language::English)).collect()
        };
        assert_eq!((names(1), names(2), names(9)), (vec!["c"], vec!["a", "c"], vec!["a", "b", "c"]));
    }

    proptest! {
        #[test]
        fn natural_order_follows_the_numbers(text in "[abA ]{0,3}", one in 0_u64.., other in 0_u64.., zeros in 0_usize..3) {
            let key = |number: u64| natural_key(&format!("{text}{}{number}", "0".repeat(zeros)));
            prop_assert_eq!(key(one).cmp(&key(other)), one.cmp(&other));
            let (number, letter) = (natural_key(&format!("{text}{one}")), natural_key(&format!("{text}b")));
            prop_assert!(number < letter);
        }

        #[test]
        fn groups_hold_every_task_once(
            tasks in prop::collection::vec(
                (prop::option::of("[ab ]{0,2}"), prop::sample::select(Verdict::ALL.to_vec())), 0..30),
        ) {
            let groups = Groups::new("wave", tasks.iter().map(|(value, verdict)| (value.as_deref(), *verdict)));
            prop_assert_eq!(groups.rows.iter().map(|group| group.tasks).sum::<usize>(), tasks.len());
            for group in &groups.rows {
                prop_assert_eq!(group.counts.iter().map(|(_, count)| count).sum::<usize>(), group.tasks);
                let passing = group.counts.iter().filter(|(verdict, _)| verdict.passes());
                prop_assert_eq!(passing.map(|(_, count)| count).sum::<usize>(), group.passing);
            }
        }
    }
}
