//! What became of a task or a directory since an earlier run.

use serde::Serialize;

/// What became of a task or a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Something about it got worse.
    Worse,
    /// Only the earlier report has it.
    Gone,
    /// Only the later report has it.
    New,
    /// Something got better and nothing worse, but that did not make it pass.
    Better,
    /// It did not pass, and does now.
    Fixed,
    /// None of these.
    Same,
}

impl Change {
    /// All changes, the most urgent first.
    pub const ALL: [Self; 6] = [Self::Worse, Self::Gone, Self::New, Self::Better, Self::Fixed, Self::Same];

    /// The key in JSON, CSV and options.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Worse => "worse",
            Self::Gone => "gone",
            Self::New => "new",
            Self::Better => "better",
            Self::Fixed => "fixed",
            Self::Same => "same",
        }
    }

    /// The label that people read, in English; `Language::text` has it in others.
    pub const fn label(self) -> &'static str {
        match self {
            Self::Worse => "Worse",
            Self::Gone => "Gone",
            Self::New => "New",
            Self::Better => "Better",
            Self::Fixed => "Fixed",
            Self::Same => "Same",
        }
    }

    /// What it says of a task, in one English sentence for a reader who sees it for the first time.
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Worse => {
                "a worse verdict, a directory that is no longer checked, or under the same verdict more differences in one"
            }
            Self::Gone => "the task is only in the earlier journal",
            Self::New => "the task is only in the later journal",
            Self::Better => {
                "nothing got worse; a better verdict, fewer differences, or more directories checked"
            }
            Self::Fixed => "the task did not pass and passes now, with every directory still checked",
            Self::Same => "verdict and differences are what they were",
        }
    }

    /// The change with this key.
    pub fn from_key(key: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|change| change.key() == key)
    }
}
