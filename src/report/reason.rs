//! Why a task does not pass, in a few words.

use super::row::SummaryRow;
use super::zone::Zone;
use crate::model::{Language, Note, Verdict};

impl SummaryRow<'_> {
    /// Why the task does not pass: the error, the differences or the time of the verification. Empty for a task
    /// that passes, and for no other. Texts of the service are not translated.
    pub fn reason(&self, language: Language, zone: &Zone) -> String {
        if self.verdict.passes() {
            return String::new();
        }
        if let Some(message) = &self.error_message {
            return match &self.error_code {
                Some(code) => format!("{code}: {message}"),
                None => message.clone(),
            };
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
                    Some(result) => language.fill("check result: {0}", &[&result]),
                    None => language.text(self.verdict.meaning()).to_owned(),
                }
            }
            (Verdict::Stale, _, Some(time)) => language.fill("verified {0}", &[&zone.plain(time)]),
            (Verdict::Stale, _, None) => language.text("no finished time: age unknown").to_owned(),
            (Verdict::Inconclusive, ..) if self.notes.iter().any(is_doubt) => {
                let doubts = self.notes.iter().filter(|note| is_doubt(note)).map(|note| note.text(language));
                doubts.collect::<Vec<_>>().join(language.semicolon())
            }
            _ => language.text(self.verdict.meaning()).to_owned(),
        }
    }
}

/// Whether a note says why evidence is inconclusive.
fn is_doubt(note: &Note) -> bool {
    matches!(note, Note::NoFiles | Note::Saturated(_) | Note::NoTime | Note::Future)
}
