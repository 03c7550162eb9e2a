//! Why a task does not pass, in a few words.

use std::time::Duration;

use super::context::rules::LaterSync;
use super::duration::{age_text, duration_text};
use super::judge::Policy;
use super::row::SummaryRow;
use super::zone::Zone;
use crate::model::{Language, Note, Verdict};

impl SummaryRow<'_> {
    /// Why the task does not pass, in a few words that stand beside its numbers and times. Empty for a task that
    /// passes, and for no other.
    pub fn brief_reason(&self, language: Language, zone: &Zone, policy: &Policy) -> String {
        if self.verdict.passes() {
            return String::new();
        }
        let max_age = policy.max_age.filter(|most| self.age().is_some_and(|age| age > *most));
        match (self.verdict, self.totals, &self.error_message, max_age) {
            (Verdict::Inconsistent, Some(totals), None, _) if totals.differences() > 0 => {
                let counts = [
                    (totals.different, "different"),
                    (totals.missing, "missing"),
                    (totals.redundant, "redundant"),
                ];
                let kinds = counts.into_iter().filter(|(count, _)| *count > 0);
                let kinds: Vec<&str> = kinds.map(|(_, kind)| language.text(kind)).collect();
                language.fill("{0} files", &[&kinds.join(language.comma())])
            }
            (Verdict::NotVerified, _, None, _) => language.text("no verification results").to_owned(),
            (Verdict::CheckFailed, _, None, _) => language.text("check did not succeed").to_owned(),
            (Verdict::Stale, _, None, Some(most)) => {
                language.fill("older than {0}", &[&duration_text(most, language)])
            }
            (Verdict::Inconclusive, _, None, _) if self.notes.iter().any(is_doubt) => {
                let doubts = self.notes.iter().filter_map(|note| brief_doubt(note, language));
                doubts.collect::<Vec<_>>().join(language.comma())
            }
            _ => self.reason(language, zone),
        }
    }

    /// The age of the verification at the end of the run; none if it is unknown or negative.
    fn age(&self) -> Option<Duration> {
        Duration::try_from(self.moments.as_of.duration_since(self.last_verified?)).ok()
    }

    /// Why the task does not pass: the error, the differences or the time of the verification. Empty for a task
    /// that passes, and for no other. Texts of the service are not translated.
    pub fn reason(&self, language: Language, zone: &Zone) -> String {
        if self.verdict.passes() {
            return String::new();
        }
        if let Some(message) = &self.error_message {
            return match &self.error_code {
                Some(code) => format!("{code}: {message}"),
                None => message.to_string(),
            };
        }
        match self.context.as_ref().and_then(|context| context.stale_by) {
            Some(LaterSync::Ended(time)) => {
                let text = "verified before the synchronisation that ended {0}";
                return language.fill(text, &[&zone.plain(time)]);
            }
            Some(LaterSync::UnderWay) => return language.text("is being synchronised").to_owned(),
            None => {}
        }
        match (self.verdict, self.totals, self.last_verified) {
            (Verdict::NotVerified, ..) if self.task.task_id.is_none() => {
                language.text("no migration task of this server was found").to_owned()
            }
            (Verdict::Inconsistent, Some(totals), _) => language.fill(
                "{0} different, {1} missing, {2} redundant",
                &[&totals.different, &totals.missing, &totals.redundant],
            ),
            (Verdict::CheckFailed, ..) => {
                match self.check_result.as_deref().filter(|result| !result.is_empty()) {
                    Some(result) => language.fill("check result: {0}", &[&language.text(result)]),
                    None => language.text(self.verdict.meaning()).to_owned(),
                }
            }
            (Verdict::Stale, _, Some(time)) => {
                let age = age_text(self.age().unwrap_or_default(), language);
                language.fill("{1} old: verified {0}", &[&zone.plain(time), &age])
            }
            (Verdict::Stale, _, None) => language.text("no finished time: age unknown").to_owned(),
            (Verdict::Inconclusive, ..) if self.notes.iter().any(is_doubt) => {
                let doubts = self.notes.iter().filter(|note| is_doubt(note)).map(|note| note.brief(language));
                doubts.collect::<Vec<_>>().join(language.semicolon())
            }
            _ => language.text(self.verdict.meaning()).to_owned(),
        }
    }
}

/// Why evidence is inconclusive, in a few words.
fn brief_doubt(note: &Note, language: Language) -> Option<String> {
    let text = match note {
        Note::NoFiles => Some("no file was checked"),
        Note::Saturated(_) => Some("count at its limit"),
        Note::NoTime => Some("no finished time"),
        Note::Future => Some("finished time in the future"),
        Note::NotInVerification { .. } | Note::IllegalDirectories(_) => return Some(note.brief(language)),
        _ => None,
    };
    text.map(|text| language.text(text).to_owned())
}

/// Whether a note says why evidence is inconclusive.
fn is_doubt(note: &Note) -> bool {
    brief_doubt(note, Language::English).is_some()
}
