//! The journal as people see it: a verdict and a row per task, and the rows of its verifications.
//!
//! Pure but for reading the journal: the same journal and [`Options`] give the same report, whatever
//! the machine, its clock and its locale.

mod change;
mod context;
mod diff;
mod duration;
mod groups;
mod history;
mod identity;
mod judge;
mod labels;
mod moment;
mod moments;
mod options;
mod reason;
mod row;
mod sentences;
mod sheet_names;
mod since;
mod status;
mod summary;
mod table;
mod template;
mod view;
mod waivers;
mod worst;
mod zone;

pub use change::Change;
pub use context::row_context::RowContext;
pub use context::rules::LaterSync;
pub use diff::{
    CHANGES, ChangeCell, DIRECTORIES, Diff, DirectoryCell, DirectoryChange, DirectoryRow, TaskChange,
};
pub use groups::{Group, Groups};
pub use history::{Course, Finding, History, Names, Night, NightSummary, RunKey, group_into_nights};
pub use identity::Identity;
pub use judge::Policy;
pub use labels::Label;
pub use options::Options;
pub use row::SummaryRow;
pub use sheet_names::{file_name_key, fold_case};
pub use since::Since;
pub use status::{Facts, Status};
pub use summary::Report;
pub use table::{
    Cell, Column, DETAIL, DetailCell, DetailRow, FIRST_COLUMNS, Kind, REASON, RECONCILIATION,
    ReconciliationCell, ReconciliationRow, SUMMARY, SummaryCell, WAIVER, notes_text,
};
pub use template::{
    Field, Highlight, Look, Page, Paper, Rule, Signoff, Template, TemplateError, TicketText, Words,
};
pub use view::{Filtered, LabelFilter, UnknownLabel, View, pick_worst};
pub use waivers::{Expiry, Waived, Waiver, WaiverUse, Waivers, WaiversError};
pub use zone::Zone;
