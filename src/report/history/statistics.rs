//! Figures of a task's verdicts over several nights.

use super::entry::Finding;

/// Figures of one task over all nights. Nights are given by their places, from 0.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Statistics {
    /// The first night in which the task passed.
    pub(super) first_passed: Option<usize>,
    /// The last night in which it got worse.
    pub(super) last_got_worse: Option<usize>,
    /// How often it changed between passing and not passing.
    pub(super) changes: usize,
    /// Nights without evidence: gaps, unreadable answers, and tasks that were not verified.
    pub(super) without_evidence: usize,
    /// Nights since the task last made progress; 0 if it passes.
    pub(super) without_progress: usize,
}

impl Statistics {
    /// The figures of a task by its findings, one per night; none is a gap.
    ///
    /// Gaps are not compared. A night makes progress if it has evidence that is better than that of the last
    /// night with evidence: a better verdict, or under the same verdict fewer differences. It got worse if its verdict
    /// is worse than in the last night with a verdict, or its evidence is worse than in the last night with evidence.
    pub(super) fn of(findings: &[Option<Finding>]) -> Self {
        let mut found = Self::default();
        let mut last: Option<Finding> = None;
        let mut evidence: Option<Finding> = None;
        for (night, finding) in findings.iter().enumerate() {
            let Some(finding) = *finding else {
                found.without_evidence += 1;
                continue;
            };
            let has_evidence = finding.verdict.has_evidence();
            found.without_evidence += usize::from(!has_evidence);
            let passes = finding.verdict.passes();
            if passes {
                found.first_passed = found.first_passed.or(Some(night));
            }
            if let Some(last) = last {
                found.changes += usize::from(last.verdict.passes() != passes);
                let is_worse = finding.verdict < last.verdict;
                if is_worse || has_evidence && evidence.is_some_and(|before| finding.is_worse_than(before)) {
                    found.last_got_worse = Some(night);
                }
            }
            let is_first = last.is_none();
            let is_progress = has_evidence && evidence.is_none_or(|before| before.is_worse_than(finding));
            found.without_progress =
                if passes || is_first || is_progress { 0 } else { found.without_progress + 1 };
            last = Some(finding);
            if has_evidence {
                evidence = Some(finding);
            }
        }
        found
    }
}

impl Finding {
    /// Whether this is a worse verdict, or the same with more differences.
    fn is_worse_than(self, other: Self) -> bool {
        self.verdict < other.verdict || self.verdict == other.verdict && self.differences > other.differences
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Verdict;

    /// `C` consistent, `A` accepted, `S` stale, `N` not verified, `U` unreadable, `.` a gap, a digit so many
    /// differences.
    fn findings(text: &str) -> Vec<Option<Finding>> {
        let finding = |c: char| {
            let verdict = match c {
                '.' => return None,
                'C' => Verdict::Consistent,
                'A' => Verdict::Accepted,
                'S' => Verdict::Stale,
                'N' => Verdict::NotVerified,
                'U' => Verdict::Unreadable,
                _ => Verdict::Inconsistent,
            };
            let differences = c.to_digit(10).unwrap_or(0).into();
            Some(Finding { verdict, differences, synchronisation: None })
        };
        text.chars().map(finding).collect()
    }

    #[test]
    fn figures_of_courses() {
        for (course, first_passed, last_got_worse, changes, without_evidence, without_progress) in [
            ("", None, None, 0, 0, 0),
            ("...", None, None, 0, 3, 0),
            ("C", Some(0), None, 0, 0, 0),
            ("5555", None, None, 0, 0, 3),
            ("54321", None, None, 0, 0, 0),
            ("5432C", Some(4), None, 1, 0, 0),
            ("53344", None, Some(3), 0, 0, 3),
            // A gap between equal nights changes nothing and is no night without progress.
            ("5.5", None, None, 0, 1, 1),
            ("C.C", Some(0), None, 0, 1, 0),
            ("C.5", Some(0), Some(2), 1, 1, 1),
            ("5..C", Some(3), None, 1, 2, 0),
            // Flaps.
            ("C5C5C", Some(0), Some(3), 4, 0, 0),
            ("C5C5", Some(0), Some(3), 3, 0, 1),
            // An unreadable answer is worse, and the night after it no progress.
            ("5U5", None, Some(1), 0, 1, 2),
            ("CUC", Some(0), Some(1), 2, 1, 0),
            ("U5", None, None, 0, 1, 0),
            ("NNN", None, None, 0, 3, 2),
            ("NN5", None, None, 0, 2, 0),
            ("5U9", None, Some(2), 0, 1, 2),
            ("CSS", Some(0), Some(1), 1, 0, 2),
            ("CAC", Some(0), Some(1), 0, 0, 0),
            ("..5", None, None, 0, 2, 0),
            ("5..", None, None, 0, 2, 0),
        ] {
            let expected =
                Statistics { first_passed, last_got_worse, changes, without_evidence, without_progress };
            assert_eq!(Statistics::of(&findings(course)), expected, "{course}");
        }
    }

    fn any_findings() -> impl Strategy<Value = Vec<Option<Finding>>> {
        let finding = (prop::sample::select(Verdict::ALL.to_vec()), 0_u64..4)
            .prop_map(|(verdict, differences)| Finding { verdict, differences, synchronisation: None });
        prop::collection::vec(prop::option::weighted(0.8, finding), 0..12)
    }

    proptest! {
        #[test]
        fn gaps_change_nothing_but_their_own_count(findings in any_findings(), place in 0_usize..12) {
            let mut more = findings.clone();
            let place = place.min(more.len());
            more.insert(place, None);
            let moved = |night: Option<usize>| night.map(|night| night + usize::from(night >= place));
            let before = Statistics::of(&findings);
            let expected = Statistics {
                first_passed: moved(before.first_passed),
                last_got_worse: moved(before.last_got_worse),
                without_evidence: before.without_evidence + 1,
                ..before
            };
            prop_assert_eq!(Statistics::of(&more), expected);
        }

        #[test]
        fn figures_agree_with_the_verdicts(findings in any_findings()) {
            let found = Statistics::of(&findings);
            let sides: Vec<bool> = findings.iter().flatten().map(|finding| finding.verdict.passes()).collect();
            prop_assert_eq!(found.changes, sides.windows(2).filter(|pair| pair[0] != pair[1]).count());
            let first = findings.iter().position(|finding| finding.is_some_and(|finding| finding.verdict.passes()));
            prop_assert_eq!(found.first_passed, first);
            let evidence = findings.iter().flatten().filter(|finding| finding.verdict.has_evidence()).count();
            prop_assert_eq!(found.without_evidence, findings.len() - evidence);
            prop_assert!(found.without_progress < sides.len().max(1));
            if sides.last() == Some(&true) {
                prop_assert_eq!(found.without_progress, 0);
            }
        }
    }
}
