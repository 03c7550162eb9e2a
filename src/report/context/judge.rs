//! From a verdict on the results to a verdict with the task's context.

use std::sync::Arc;

use super::facts::ContextFacts;
use super::row_context::RowContext;
use super::rules::{
    LaterSync, last_synchronised, later_synchronisation, not_verified, settings, unfit_state,
};
use crate::model::{DirectoryCheck, Note, Verdict, Verification};
use crate::report::waivers::list::{Doubt, TaskWaivers};
use crate::report::waivers::waiver::{Waived, Waiver};

/// What a context changes.
#[derive(Debug)]
pub(in crate::report) struct InContext {
    pub(in crate::report) verdict: Verdict,
    pub(in crate::report) notes: Vec<Note>,
    /// What waivers accept.
    pub(in crate::report) waived: Vec<Waived>,
    pub(in crate::report) context: RowContext,
}

/// Judges a task of which the results alone give `verdict`, based on the verification `decisive`. A context makes only
/// a task that would pass stale or inconclusive; of others it is noted.
pub(in crate::report) fn judge(
    verdict: Verdict,
    decisive: Option<&Verification>,
    facts: &ContextFacts,
    waivers: &TaskWaivers<'_>,
) -> InContext {
    let mut judged = InContext {
        verdict,
        notes: Vec::new(),
        waived: Vec::new(),
        context: RowContext {
            read_at: facts.read_at,
            last_synchronised: last_synchronised(facts),
            stale_by: None,
            mode: facts.mode.clone(),
            recheck: facts.recheck.clone(),
            configured: facts.configured.len(),
            not_verified: Vec::new(),
            state: facts.state.clone(),
        },
    };
    if let Some(verification) = decisive {
        judged.synchronised(verification, facts, waivers);
        judged.directories(verification, facts, waivers);
    }
    judged.notes.extend(settings(facts));
    judged.notes.extend(unfit_state(facts.state.as_deref()));
    judged
}

impl InContext {
    /// Whether the server was synchronised after the verification.
    fn synchronised(&mut self, verification: &Verification, facts: &ContextFacts, waivers: &TaskWaivers<'_>) {
        let Some(later) = later_synchronisation(facts, verification.finished) else { return };
        let directories = verification.directories.iter();
        let accepted = self.accepted(directories, Doubt::Synchronised, waivers);
        if self.verdict.passes() {
            self.verdict = if accepted { Verdict::Accepted } else { Verdict::Stale };
            self.context.stale_by = (!accepted).then_some(later);
        }
        // The reason of a stale task says it.
        if self.context.stale_by.is_none() {
            self.notes.push(match later {
                LaterSync::Ended(_) => Note::SynchronisedSince,
                LaterSync::UnderWay => Note::Synchronising,
            });
        }
    }

    /// Whether every configured directory is in the verification, and legal.
    fn directories(&mut self, verification: &Verification, facts: &ContextFacts, waivers: &TaskWaivers<'_>) {
        let (of, missing) = not_verified(&facts.configured, verification, facts.system);
        let mut doubtful = missing.clone();
        doubtful.extend(facts.illegal.iter().filter(|path| !missing.contains(path)).cloned());
        if doubtful.is_empty() {
            return;
        }
        let checks: Vec<DirectoryCheck> = doubtful.iter().map(|path| unchecked(path)).collect();
        let accepted = self.accepted(checks.iter(), Doubt::Inconclusive, waivers);
        if self.verdict.passes() {
            self.verdict = if accepted { Verdict::Accepted } else { Verdict::Inconclusive };
        }
        if !missing.is_empty() {
            self.notes.push(Note::NotInVerification { of, directories: missing });
        }
        if !facts.illegal.is_empty() {
            self.notes.push(Note::IllegalDirectories(facts.illegal.clone()));
        }
        self.context.not_verified = doubtful;
    }

    /// Whether waivers accept the doubt for all directories; notes with what reasons, or which waivers expired.
    fn accepted<'c>(
        &mut self,
        directories: impl Iterator<Item = &'c DirectoryCheck> + Clone,
        doubt: Doubt,
        waivers: &TaskWaivers<'_>,
    ) -> bool {
        let is_accepted = |check: &DirectoryCheck| waivers.accepting_doubt(doubt, check).is_some();
        let mut waived: Vec<(&DirectoryCheck, Arc<Waiver>)> = Vec::new();
        for check in directories.clone() {
            waived.extend(waivers.accepting_doubt(doubt, check).map(|waiver| (check, Arc::clone(waiver))));
            let expired = waivers.expired_doubt(doubt, check).and_then(|waiver| waiver.expires.as_ref());
            let note = expired.map(|expires| Note::WaiverExpired(expires.to_string()));
            if let Some(note) = note.filter(|note| !self.notes.contains(note)) {
                self.notes.push(note);
            }
        }
        let is_whole = directories.clone().next().is_some() && directories.clone().all(is_accepted);
        if !waived.is_empty() {
            let mut reasons: Vec<String> = Vec::new();
            for (_, waiver) in &waived {
                if !reasons.contains(&waiver.reason) {
                    reasons.push(waiver.reason.clone());
                }
            }
            self.notes.push(match doubt {
                Doubt::Synchronised => Note::SynchronisationAccepted(reasons),
                Doubt::Inconclusive => Note::InconclusiveAccepted(reasons),
            });
        }
        self.waived.extend(waived.into_iter().map(|(check, waiver)| Waived {
            check: check.clone(),
            waiver,
            inconclusive: doubt == Doubt::Inconclusive,
            synchronised: doubt == Doubt::Synchronised,
        }));
        is_whole
    }
}

/// A directory that was not checked.
fn unchecked(directory: &str) -> DirectoryCheck {
    DirectoryCheck { directory: directory.to_owned(), total: 0, different: 0, missing: 0, redundant: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::TaskContext;
    use jiff::Timestamp;
    use proptest::prelude::*;
    use serde_json::json;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn judged(verdict: Verdict, listed: &serde_json::Value) -> InContext {
        let facts =
            ContextFacts::read(&TaskContext { read_at: at(100), listed: listed.to_string() }).unwrap();
        let directories = vec![DirectoryCheck { total: 3, ..unchecked("/data") }];
        let verification = Verification { finished: Some(at(0)), check_result: None, directories };
        judge(verdict, Some(&verification), &facts, &TaskWaivers::default())
    }

    #[test]
    fn only_a_task_that_would_pass_becomes_stale_or_inconclusive() {
        let sync = json!([{"name": "SYNC", "start_date": 1, "end_date": at(9).as_millisecond()}]);
        let missing = json!([{"config_key": "CONSISTENCY_DIR", "config_value": "/data/x,/etc"}]);
        let illegal = json!([{"config_key": "CONSISTENCY_DIR_ILLEGAL", "config_value": "/data/x"}]);
        let settings = json!([{"config_key": "CONSISTENCY_MODE", "config_value": "x"}]);
        for (listed, verdict) in [
            (json!({"sub_tasks": sync}), Verdict::Stale),
            (json!({"special_config": missing}), Verdict::Inconclusive),
            (json!({"special_config": illegal}), Verdict::Inconclusive),
            (json!({"special_config": missing, "sub_tasks": sync}), Verdict::Stale),
            (json!({"special_config": settings, "state": "MIGRATE_FAIL"}), Verdict::Consistent),
        ] {
            assert_eq!(judged(Verdict::Consistent, &listed).verdict, verdict, "{listed}");
            for other in Verdict::ALL.into_iter().filter(|other| !other.passes()) {
                assert_eq!(judged(other, &listed).verdict, other, "{listed}");
            }
        }
    }

    proptest! {
        #[test]
        fn context_never_makes_a_task_pass(
            verdict in prop::sample::select(Verdict::ALL.to_vec()),
            value in any::<String>(),
            end in -100_i64..100,
            syncing in any::<bool>(),
        ) {
            let listed = json!({
                "syncing": syncing,
                "sub_tasks": [{"name": value, "start_date": 1, "end_date": at(end).as_millisecond()}],
                "special_config": [{"config_key": "CONSISTENCY_DIR", "config_value": value}],
            });
            let judged = judged(verdict, &listed);
            prop_assert!(judged.verdict <= verdict);
            prop_assert!(verdict.passes() || judged.verdict == verdict);
        }
    }
}
