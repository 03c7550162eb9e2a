//! The body of a batch export, as the settings have it.

use std::str::FromStr;

/// The body of a batch export: the API pages and the SDKs disagree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExportBody {
    /// A workbook as a download, as the SDKs expect.
    #[default]
    Workbook,
    /// An empty object, as the page's example shows.
    Empty,
}

/// An invalid [`ExportBody`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid export body `{0}`; use workbook or empty")]
pub struct ExportBodyError(String);

impl FromStr for ExportBody {
    type Err = ExportBodyError;

    fn from_str(text: &str) -> Result<Self, ExportBodyError> {
        match text {
            "workbook" => Ok(Self::Workbook),
            "empty" => Ok(Self::Empty),
            _ => Err(ExportBodyError(text.to_owned())),
        }
    }
}
