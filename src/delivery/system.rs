//! What a ticket system must be able to do.

use async_trait::async_trait;

use super::comment::Comment;
use super::error::DeliveryError;
use super::payload::Payload;
use crate::model::Secret;

/// How a system knows the user, as headers or as user and password.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// A header with this name and value.
    Header(&'static str, Secret),
    /// User and password of HTTP Basic authentication.
    Basic(String, Secret),
}

/// A file that a ticket has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    /// By which [`Ticket::download`] finds it.
    pub id: String,
    /// Its name in the system.
    pub name: String,
    /// Its size in bytes, if the system's number can be relied on.
    pub size: Option<u64>,
}

/// What a ticket has.
#[derive(Debug, Clone, Default)]
pub struct TicketState {
    /// All its files.
    pub attachments: Vec<Attachment>,
    /// The address of the comment with the mark, if there is one.
    pub comment: Option<String>,
}

/// A ticket in one system.
///
/// Requests that change nothing are retried inside; those that do are not, since the engine looks at the ticket again
/// before it repeats them.
#[async_trait(?Send)]
pub trait Ticket {
    /// What the ticket has, and whether one of its comments has `mark`.
    async fn state(&self, mark: &str) -> Result<TicketState, DeliveryError>;

    /// The largest file that the system accepts, in bytes, if it says so.
    async fn max_size(&self) -> Result<Option<u64>, DeliveryError> {
        Ok(None)
    }

    /// The limit in bytes by which the system dropped or truncated `file`, if it says so afterwards only.
    async fn limit_for(&self, _: &Payload) -> Result<Option<u64>, DeliveryError> {
        Ok(None)
    }

    /// Attaches files.
    async fn upload(&self, files: &[&Payload]) -> Result<(), DeliveryError>;

    /// Reads an attachment back.
    async fn download(&self, attachment: &Attachment) -> Result<Vec<u8>, DeliveryError>;

    /// Posts a comment, and returns its address if the answer has it.
    async fn comment(&self, comment: &Comment) -> Result<Option<String>, DeliveryError>;
}
