//! The tasks that do not pass, worst first, and how much of a report is shown.

use super::row::SummaryRow;
use super::summary::Report;
use super::view::{Filtered, pick_worst};

impl<'a> Report<'a> {
    /// How much of the report is shown; none if it is not filtered. All rows, counts and groups of a filtered
    /// report are those of the tasks that are shown.
    pub fn filtered(&self) -> Option<Filtered> {
        let of = self.journal().header().list.tasks.len();
        (!self.options().view.is_whole()).then(|| Filtered { tasks: self.rows().len(), of })
    }

    /// The tasks that do not pass, worst first: by verdict, then by differences, else in the order of the list.
    pub fn worst_first(&self) -> Vec<&SummaryRow<'a>> {
        let mut failing: Vec<_> = self.rows().iter().filter(|row| !row.verdict.passes()).collect();
        failing.sort_by_key(|row| (row.verdict, std::cmp::Reverse(row.differences())));
        failing
    }

    /// The first `count` of [`worst_first`](Self::worst_first), but every verdict that occurs keeps its worst
    /// task, as far as there is room.
    pub fn worst(&self, count: usize) -> Vec<&SummaryRow<'a>> {
        let rows = self.worst_first();
        pick_worst(&rows.iter().map(|row| row.verdict).collect::<Vec<_>>(), count)
            .into_iter()
            .filter_map(|place| rows.get(place).copied())
            .collect()
    }
}
