//! Reads answers of ticket systems without a connection, for the fuzz targets.

use serde_json::Value;

use super::address::{Address, Kind};
use super::error::DeliveryError;
use super::system::{Attachment, TicketState};
use super::{client, gitlab, jira, redmine, rt, servicenow};

/// What the ticket at `address` has if every answer of its system has this body.
///
/// # Errors
/// As when it is asked over a connection.
pub fn read_state(address: &Address, body: &[u8], mark: &str) -> Result<TicketState, DeliveryError> {
    let document = client::parse(200, body)?;
    let items = || document.get("items").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    Ok(match address.kind() {
        Kind::Redmine => return redmine::state(&document, mark, address),
        Kind::Jira | Kind::JiraDc => TicketState {
            attachments: jira::attachments(&document)?,
            comment: jira::marked(&document, mark).map(str::to_owned),
        },
        Kind::Rt => {
            rt::content(&document)?;
            rt::state(items(), items(), mark, address)
        }
        Kind::Gitlab => {
            let note = gitlab::marked(&document, mark);
            let files = note.map(gitlab::links).unwrap_or_default().into_iter();
            let attachments = files.map(|(name, id)| Attachment { id, name, size: None });
            TicketState { attachments: attachments.collect(), comment: note.map(Value::to_string) }
        }
        Kind::ServiceNow => TicketState { attachments: servicenow::attachments(&document), comment: None },
    })
}

/// What the body of an error answer says.
pub fn read_messages(body: &[u8]) -> Option<String> {
    client::messages(body)
}
