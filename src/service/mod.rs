//! The embedded SMS service.
