//! The script of the page.

pub(super) const SCRIPT: &str = include_str!("../../../templates/html/report.js");
