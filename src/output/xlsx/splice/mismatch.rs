//! The error for other skeletons than the expected ones.

use rust_xlsxwriter::XlsxError;

/// The error for a skeleton that is not as it is expected.
pub(super) fn template_mismatch(what: &str) -> XlsxError {
    XlsxError::ParameterError(format!("the skeleton of the workbook cannot be filled: {what}"))
}
