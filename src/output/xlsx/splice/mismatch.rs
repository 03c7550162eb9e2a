//! The error for an unexpected skeleton.

use rust_xlsxwriter::XlsxError;

/// The error for a skeleton that lacks an expected part.
pub(super) fn template_mismatch(what: &str) -> XlsxError {
    XlsxError::ParameterError(format!("the skeleton of the workbook cannot be filled: {what}"))
}
