//! The SMS API: asking, waiting, trying again, and reading answers.

pub mod ask;
pub mod auth;
mod client;
mod error_body;
mod file_kind;
mod http;
mod outcome;
pub mod pages;
pub mod regions;
pub mod retry;
pub mod sign;
pub mod throttle;
pub mod wire;

pub use auth::Scope;
pub use client::{Client, Connection};
pub use error_body::{ErrorBody, describe_body};
pub use file_kind::FileKind;
pub use http::{ClientError, HttpSettings};
pub use outcome::{Failure, Outcome, Reply, Unreachable};
