//! The SMS API over HTTP: requests, rate limiting and retries.

mod attempt;
pub mod auth;
mod client;
pub mod http;
mod outcome;
pub mod pages;
pub mod regions;
pub mod request;
pub mod retry;
pub mod sign;
pub mod throttle;

pub use attempt::{Attempt, log_headers};
pub use auth::Scope;
pub use client::{Client, Connection};
pub use http::{ClientError, HttpSettings};
pub use outcome::{Failure, Outcome, Reply};
