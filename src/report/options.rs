//! What a reader may choose about a report.

use super::judge::Policy;
use super::template::layout::Template;
use super::view::View;
use super::waivers::list::Waivers;
use super::zone::Zone;
use crate::model::Language;

/// What a reader may choose about a report.
#[derive(Debug, Clone)]
pub struct Options {
    /// The zone in which times are shown.
    pub timezone: Zone,
    /// The language of what is for people.
    pub language: Language,
    /// What a workbook shows.
    pub template: Template,
    /// What makes a verification too old.
    pub policy: Policy,
    /// The differences that are accepted; none in a report without waivers.
    pub waivers: Option<Waivers>,
    /// The data rows that one worksheet takes, at least 1.
    pub rows_per_sheet: u64,
    /// Which tasks are shown, and how they are grouped.
    pub view: View,
    /// Whether a task whose context is not known makes the report incomplete.
    pub needs_context: bool,
}
