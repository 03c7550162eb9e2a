//! Reading what the service, a gateway or a proxy answers: pure, without a connection.

mod body;
mod epoch;
mod error_body;
mod error_fields;
mod file_kind;
mod object;
mod signs;
mod text_body;

pub use body::{Unreadable, is_json, normalise, read_answer};
pub use epoch::epoch_time;
pub use error_body::retry_after;
pub use error_fields::ErrorBody;
pub use file_kind::FileKind;
pub use text_body::describe_body;
