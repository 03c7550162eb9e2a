//! Which part of the tasks a report shows, and by which label it groups them.

use crate::model::{Language, Task, Verdict};

use super::waivers::waiver::Pattern;

/// The label that tasks are grouped by unless another is chosen.
const DEFAULT_LABEL: &str = "wave";

/// What a reader may choose to see of a report.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// The label to group by; by default `wave` if the list has it.
    pub group_by: Option<String>,
    /// Shows tasks with these verdicts only; all if empty.
    pub only: Vec<Verdict>,
    /// Shows tasks whose labels match only. Of several filters on one label one has to match.
    pub labels: Vec<LabelFilter>,
}

/// A label of a task list that is used but does not exist.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{option} {label}: the task list has no such label; {}", list_of(.known))]
pub struct UnknownLabel {
    option: &'static str,
    label: String,
    known: Vec<String>,
}

fn list_of(labels: &[String]) -> String {
    if labels.is_empty() { "it has no labels".to_owned() } else { format!("it has {}", labels.join(", ")) }
}

impl View {
    /// Checks that a list with these `labels` has those that are used.
    ///
    /// # Errors
    /// With the labels that there are.
    pub fn check(&self, labels: &[String]) -> Result<(), UnknownLabel> {
        let grouped = self.group_by.iter().map(|label| ("--group-by", label));
        let mut used = grouped.chain(self.labels.iter().map(|filter| ("--where", &filter.label)));
        used.try_for_each(|(option, label)| match find(label, labels) {
            Some(_) => Ok(()),
            None => Err(UnknownLabel { option, label: label.clone(), known: labels.to_vec() }),
        })
    }

    /// Whether all tasks are shown.
    pub fn is_whole(&self) -> bool {
        self.only.is_empty() && self.labels.is_empty()
    }

    /// The label to group by, as the list spells it; none if there is nothing to group by.
    pub(super) fn group_label<'l>(&self, labels: &'l [String]) -> Option<&'l String> {
        find(self.group_by.as_deref().unwrap_or(DEFAULT_LABEL), labels)
    }

    /// Whether the labels of `task`, of a list with these `labels`, match.
    pub(super) fn shows_task(&self, task: &Task, labels: &[String]) -> bool {
        let value =
            |label: &str| find(label, labels).and_then(|label| task.labels.get(label)).map_or("", str::trim);
        self.labels.iter().all(|filter| {
            let label = find(&filter.label, labels);
            let mut of_label = self.labels.iter().filter(|other| find(&other.label, labels) == label);
            of_label.any(|filter| filter.pattern.matches(value(&filter.label)))
        })
    }

    /// Whether a task with this verdict is shown.
    pub(super) fn shows_verdict(&self, verdict: Verdict) -> bool {
        self.only.is_empty() || self.only.contains(&verdict)
    }
}

/// The label of this name: exactly, else without regard to case.
fn find<'l>(name: &str, labels: &'l [String]) -> Option<&'l String> {
    let name = name.trim();
    let folded = name.to_lowercase();
    let any_case = || labels.iter().find(|label| label.trim().to_lowercase() == folded);
    labels.iter().find(|label| *label == name).or_else(any_case)
}

/// A label and a glob that its value has to match, as in `wave=1*`. A task without the label has the empty
/// value.
#[derive(Debug, Clone)]
pub struct LabelFilter {
    label: String,
    pattern: Pattern,
}

impl LabelFilter {
    /// Reads `LABEL=GLOB`.
    ///
    /// # Errors
    /// What is wrong with the text, for people.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (label, glob) = text
            .split_once('=')
            .filter(|(label, _)| !label.trim().is_empty())
            .ok_or_else(|| "write LABEL=GLOB, as in wave=3 or owner=db-*".to_owned())?;
        let pattern = Pattern::new(glob.trim()).map_err(|error| format!("invalid glob: {}", error.kind()))?;
        Ok(Self { label: label.trim().to_owned(), pattern })
    }

    /// As it was written.
    pub fn text(&self) -> String {
        format!("{}={}", self.label, self.pattern.text())
    }
}

/// How much of a report is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filtered {
    /// The tasks that are shown.
    pub tasks: usize,
    /// The tasks that there are.
    pub of: usize,
}

impl Filtered {
    /// As in `filtered: 5 of 12 tasks`.
    pub fn text(self, language: Language) -> String {
        language.fill("filtered: {0} of {1} tasks", &[&self.tasks, &self.of])
    }
}

/// Which to show of sorted verdicts, at most `count`: the first of each verdict, then those that come first.
/// Returns their places, in order.
pub fn pick_worst(verdicts: &[Verdict], count: usize) -> Vec<usize> {
    let is_first = |place: usize| {
        let before = place.checked_sub(1).and_then(|before| verdicts.get(before));
        before != verdicts.get(place)
    };
    let (firsts, others): (Vec<_>, Vec<_>) = (0..verdicts.len()).partition(|place| is_first(*place));
    let mut kept: Vec<usize> = firsts.into_iter().chain(others).take(count).collect();
    kept.sort_unstable();
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::TaskId;

    fn task(labels: &[(&str, &str)]) -> Task {
        let labels = labels.iter().copied().collect();
        Task { labels, ..Task::new(TaskId::new("task-1").unwrap()) }
    }

    fn shows(filters: &[&str], labels: &[(&str, &str)]) -> bool {
        let view = View {
            labels: filters.iter().map(|text| LabelFilter::parse(text).unwrap()).collect(),
            ..View::default()
        };
        let list: Vec<String> = ["Wave", "owner"].map(str::to_owned).into();
        assert_eq!(view.check(&list), Ok(()));
        view.shows_task(&task(labels), &list)
    }

    #[test]
    fn label_filters_on_one_label_are_alternatives_and_on_several_all_apply() {
        let labels = [("Wave", "2"), ("owner", "db/orders")];
        for filters in
            [&["wave=2"][..], &["WAVE=2", "owner=db*"], &["wave=1", "WAVE=[2-3]"], &[], &["wave=*"]]
        {
            assert!(shows(filters, &labels), "{filters:?}");
        }
        for filters in [&["wave=1"][..], &["wave=2", "owner=web*"], &["wave="], &["wave=1", "wave=3"]] {
            assert!(!shows(filters, &labels), "{filters:?}");
        }
        assert!(shows(&["wave="], &[]) && shows(&["wave=*"], &[]) && !shows(&["wave=?*"], &[]));
    }

    #[test]
    fn label_filter_without_label_or_with_bad_glob_is_refused() {
        for text in ["", "wave", "=3", " =3", "wave=[", "wave={a"] {
            assert!(LabelFilter::parse(text).is_err(), "{text}");
        }
        assert_eq!(LabelFilter::parse(" wave = a=b ").unwrap().text(), "wave=a=b");
    }

    #[test]
    fn unknown_label_is_refused_with_the_known_ones() {
        let view = View { group_by: Some("team".to_owned()), ..View::default() };
        let error = |labels: &[String]| view.check(labels).unwrap_err().to_string();
        let labels = ["wave".to_owned(), "owner".to_owned()];
        assert_eq!(error(&labels), "--group-by team: the task list has no such label; it has wave, owner");
        assert_eq!(error(&[]), "--group-by team: the task list has no such label; it has no labels");
        assert_eq!(View::default().check(&[]), Ok(()));
        assert_eq!(View::default().group_label(&["WAVE".to_owned()]).map(String::as_str), Some("WAVE"));
        assert_eq!(View::default().group_label(&["wave 2".to_owned()]), None);
    }

    proptest! {
        #[test]
        fn worst_tasks_keep_one_of_every_verdict(
            verdicts in prop::collection::vec(prop::sample::select(Verdict::ALL.to_vec()), 0..40),
            count in 0_usize..20,
        ) {
            let mut verdicts = verdicts;
            verdicts.sort_unstable();
            let kept = pick_worst(&verdicts, count);
            prop_assert_eq!(kept.len(), count.min(verdicts.len()));
            prop_assert!(kept.is_sorted());
            let mut kinds = verdicts.clone();
            kinds.dedup();
            if count >= kinds.len() {
                for kind in kinds {
                    let first = verdicts.iter().position(|verdict| *verdict == kind).unwrap();
                    prop_assert!(kept.contains(&first));
                }
            }
        }
    }
}
