//! How a verdict looks in a page: a shape, a word and a colour, so that a reader needs only one of them.

use serde::Serialize;

use crate::model::{Language, Verdict};
use crate::report::Status;

/// A verdict for people.
#[derive(Debug, Clone, Serialize)]
pub(super) struct VerdictWords {
    pub(super) label: String,
    pub(super) meaning: String,
    /// The class of its colour.
    pub(super) tone: &'static str,
    /// The colour of its symbol where the style is forbidden.
    pub(super) fill: &'static str,
    /// The symbol before it.
    pub(super) shape: &'static str,
}

/// The classes of the verdicts' colours, in the order of a bar.
pub(super) const TONES: [&str; 4] = ["passes", "accepted", "unsure", "bad"];

/// The class of a verdict's colour, one of [`TONES`].
pub(super) const fn tone(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Consistent => "passes",
        Verdict::Accepted => "accepted",
        Verdict::NotVerified | Verdict::Stale | Verdict::Inconclusive => "unsure",
        Verdict::FetchFailed | Verdict::Unreadable | Verdict::CheckFailed | Verdict::Inconsistent => "bad",
    }
}

/// The colour of a tone, as in the style's `--*-fill`.
pub(super) fn fill(tone: &str) -> &'static str {
    match tone {
        "passes" => "#3f8f62",
        "accepted" => "#43859f",
        "unsure" => "#b97d12",
        _ => "#c8383a",
    }
}

/// The colour of a status, as in the style.
pub(super) const fn status_fill(status: Status, is_sample: bool) -> &'static str {
    match status {
        Status::Incomplete => "#6b4708",
        Status::NotReady => "#a01c20",
        _ if is_sample => "#46536a",
        Status::ReadyWithWaivers => "#1f566d",
        Status::Ready => "#1d623d",
    }
}

/// The label, the meaning and the look of a verdict.
pub(super) fn verdict_words(verdict: Verdict, language: Language) -> VerdictWords {
    let tone = tone(verdict);
    let shape = match tone {
        "bad" => "diamond",
        "unsure" => "triangle",
        _ => "circle",
    };
    VerdictWords {
        label: language.text(verdict.label()).to_owned(),
        meaning: language.text(verdict.meaning()).to_owned(),
        tone,
        fill: fill(tone),
        shape,
    }
}
