//! Templates: what a workbook shows, and how. `templates/` has those that are built in.

mod built_in;
mod errors;
pub(super) mod layout;
mod parse;
mod sources;
#[cfg(test)]
mod tests;

pub use layout::{Field, Highlight, Look, Page, Paper, Rule, Signoff, Template, TicketText, Words};
pub use parse::TemplateError;
