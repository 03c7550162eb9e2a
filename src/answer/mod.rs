//! Reading what the service, a gateway or a proxy answers: pure, without a connection.

mod body;
mod error_body;
mod file_kind;

pub use body::{Unreadable, is_json, normalise};
pub use error_body::{ErrorBody, describe_body, retry_after};
pub use file_kind::FileKind;
