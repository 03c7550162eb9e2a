//! What is wrong with templates of tickets.

/// What is wrong with a template, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}:{line}: {what}")]
pub struct TicketError {
    pub(super) name: String,
    pub(super) line: usize,
    pub(super) what: String,
}
