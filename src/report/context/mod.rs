//! A task's context: whether its verification covers what was configured, and the last synchronisation.

pub(super) mod facts;
mod fields;
pub(super) mod judge;
mod paths;
pub(super) mod row_context;
pub(super) mod rules;
mod values;
