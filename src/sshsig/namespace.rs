//! The namespace of signatures.

/// The namespace of all signatures, so that no signature made for another purpose is accepted.
pub const NAMESPACE: &str = "cutover-report";
