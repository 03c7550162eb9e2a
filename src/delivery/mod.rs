//! Attaches the files of a run to a ticket, or mails them, exactly once.
//!
//! A delivery keeps no state of its own: it asks what the ticket has, uploads what is missing, reads it back, and posts
//! one comment last, with the manifest's SHA-256 as its mark. So one that was interrupted is completed by the next.

mod address;
mod blocks;
mod client;
mod comment;
mod document;
mod engine;
mod error;
mod gitlab;
mod jira;
mod mail;
mod payload;
mod reading;
mod redmine;
mod rt;
mod servicenow;
mod system;

pub use address::{Address, AddressError, Kind};
pub use client::WebSettings;
pub use comment::{Comment, escape};
pub use engine::{Delivered, Plan, deliver, plan};
pub use error::DeliveryError;
pub use mail::{MailError, MailSettings, Mailer};
pub use payload::{Payload, PayloadError, payloads};
#[doc(hidden)]
pub use reading::{read_messages, read_state};
pub use system::{Attachment, Credentials, Ticket, TicketState};

/// The system of the ticket at `address`.
///
/// # Errors
/// When its address or the credentials cannot be used.
pub fn open(
    address: &Address,
    credentials: Credentials,
    settings: &WebSettings,
) -> Result<Box<dyn Ticket>, DeliveryError> {
    let client = client::WebClient::new(address, credentials, settings)?;
    Ok(match address.kind() {
        Kind::Redmine => Box::new(redmine::Redmine::new(client, address)),
        Kind::Jira => Box::new(jira::Jira::cloud(client, address)),
        Kind::JiraDc => Box::new(jira::Jira::data_center(client, address)),
        Kind::Rt => Box::new(rt::Rt::new(client, address)),
        Kind::Gitlab => Box::new(gitlab::Gitlab::new(client, address)),
        Kind::ServiceNow => Box::new(servicenow::ServiceNow::new(client, address)),
    })
}
