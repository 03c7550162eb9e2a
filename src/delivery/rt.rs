//! Request Tracker 5 by REST2. Files come with a comment only, and those that are too large are dropped in silence.

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::address::Address;
use super::client::{Call, WebClient};
use super::comment::Comment;
use super::document::{list, text};
use super::error::DeliveryError;
use super::payload::Payload;
use super::system::{Attachment, Ticket, TicketState};

pub(super) struct Rt {
    client: WebClient,
    address: Address,
}

impl Rt {
    pub(super) fn new(client: WebClient, address: &Address) -> Self {
        Self { client, address: address.clone() }
    }

    fn api(&self, path: &str) -> Url {
        self.address.below(&format!("/REST/2.0{path}"))
    }

    /// The items of all pages of a collection of the ticket.
    async fn items(&self, collection: &str, fields: &str) -> Result<Vec<Value>, DeliveryError> {
        let mut items = Vec::new();
        let id = self.address.id();
        for page in 1_u32.. {
            let path = format!("/ticket/{id}/{collection}?fields={fields}&per_page=100&page={page}");
            let document = self.client.get_json(self.api(&path)).await?;
            let found: Vec<Value> = list(&document, "items").cloned().collect();
            let pages = document.get("pages").and_then(Value::as_u64).unwrap_or(1);
            let is_last = found.is_empty() || u64::from(page) >= pages;
            items.extend(found);
            if is_last {
                break;
            }
        }
        Ok(items)
    }
}

/// An id, which is a text or a number.
fn id_of(item: &Value) -> Option<String> {
    let id = item.get("id")?;
    Some(id.as_str().map_or_else(|| id.to_string(), str::to_owned))
}

/// What a ticket with this history and these attachments has.
pub(super) fn state(history: &[Value], attachments: &[Value], mark: &str, address: &Address) -> TicketState {
    let marked = history.iter().find(|item| text(item, "Data").contains(mark)).and_then(id_of);
    // The length is that of the file before RT dropped it.
    let attachments =
        attachments.iter().filter(|item| !text(item, "Filename").is_empty()).filter_map(|item| {
            Some(Attachment { id: id_of(item)?, name: text(item, "Filename").to_owned(), size: None })
        });
    TicketState {
        attachments: attachments.collect(),
        comment: marked.map(|id| format!("{address}#txn-{id}")),
    }
}

/// The content of an attachment.
pub(super) fn content(document: &Value) -> Result<Vec<u8>, DeliveryError> {
    let content: String = text(document, "Content").split_whitespace().collect();
    BASE64_STANDARD
        .decode(content)
        .map_err(|_| DeliveryError::new("the content of an attachment is not Base64"))
}

#[async_trait(?Send)]
impl Ticket for Rt {
    async fn state(&self, mark: &str) -> Result<TicketState, DeliveryError> {
        let history = self.items("history", "Type,Data").await?;
        let attachments = self.items("attachments", "Filename,ContentLength").await?;
        Ok(state(&history, &attachments, mark, &self.address))
    }

    fn attaches_with_comment(&self) -> bool {
        true
    }

    async fn upload(&self, _: &[&Payload]) -> Result<(), DeliveryError> {
        Ok(())
    }

    async fn download(&self, attachment: &Attachment) -> Result<Vec<u8>, DeliveryError> {
        content(&self.client.get_json(self.api(&format!("/attachment/{}", attachment.id))).await?)
    }

    async fn comment(&self, comment: &Comment, files: &[&Payload]) -> Result<Option<String>, DeliveryError> {
        let attachments: Vec<Value> = files
            .iter()
            .map(|file| {
                json!({
                    "FileName": file.name,
                    // RT changes the encoding of texts.
                    "FileType": "application/octet-stream",
                    "FileContent": BASE64_STANDARD.encode(&file.content),
                })
            })
            .collect();
        let document = json!({
            "Subject": format!("cutover-report manifest, SHA-256 {}", comment.mark),
            "Content": comment.plain(),
            "ContentType": "text/plain",
            "Attachments": attachments,
        });
        let url = self.api(&format!("/ticket/{}/comment", self.address.id()));
        self.client.change(Call::json(Method::POST, url, &document)).await.map(|_| None)
    }
}
