//! The SMS API: asking, waiting, trying again, and reading answers.

mod client;
mod error_body;
pub mod retry;
pub mod sign;
pub mod throttle;
pub mod wire;

pub use client::{Client, ClientError, Connection, Failure, Outcome, Reply};
pub use error_body::{ErrorBody, describe_body};
