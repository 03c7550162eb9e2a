//! Why a task does not pass, in a few words.

use super::{SummaryRow, Zone};
use crate::model::{Language, Note, Verdict};

impl SummaryRow<'_> {
    /// What went wrong, how much differs, or when it was verified; empty when the verdict says it all.
    /// Errors are told as they came, in any language.
    pub fn reason(&self, language: Language, zone: &Zone) -> String {
        if let Some(message) = &self.error_message {
            return match &self.error_code {
                Some(code) => format!("{code}: {message}"),
                None => message.clone(),
            };
        }
        match (self.verdict, self.totals, self.last_verified) {
            (Verdict::Inconsistent, Some(totals), _) => language.fill(
                "{0} different, {1} missing, {2} redundant",
                &[&totals.different, &totals.missing, &totals.redundant],
            ),
            (Verdict::CheckFailed, ..) => self.check_result.clone().unwrap_or_default(),
            (Verdict::Stale, _, Some(time)) => language.fill("verified {0}", &[&zone.plain(time)]),
            (Verdict::Inconclusive, ..) => {
                let is_doubt = |note: &&Note| {
                    matches!(note, Note::NoFiles | Note::Saturated(_) | Note::NoTime | Note::Future)
                };
                let doubts = self.notes.iter().filter(is_doubt).map(|note| note.text(language));
                doubts.collect::<Vec<_>>().join(language.semicolon())
            }
            _ => String::new(),
        }
    }
}
