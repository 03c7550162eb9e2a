//! Request Tracker 5 by REST2.
//!
//! RT attaches files to comments only, and may drop or truncate those above its limit although it answers with success.
//! So the files get a comment of their own that says nothing about their content, and the comment about the report comes
//! after they were read back.

use async_trait::async_trait;
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::address::Address;
use super::client::{Call, Form, WebClient};
use super::comment::Comment;
use super::document::{list, text};
use super::error::DeliveryError;
use super::payload::Payload;
use super::system::{Attachment, Ticket, TicketState};

/// Items in one answer, at most.
const PAGE: u32 = 100;
/// RT leaves out what the account may not see, so a page may be empty although others follow. After this many empty
/// pages in a row there is no further one.
const MAX_EMPTY_PAGES: u32 = 5;

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

    fn ticket(&self, path: &str) -> Url {
        self.api(&format!("/ticket/{}{path}", self.address.id()))
    }

    /// The items of all pages of a collection of the ticket.
    async fn items(&self, collection: &str, fields: &str) -> Result<Vec<Value>, DeliveryError> {
        let mut items = Vec::new();
        let mut empty_pages = 0;
        for page in 1_u32.. {
            let path = format!("/{collection}?fields={fields}&per_page={PAGE}&page={page}");
            let document = self.client.get_json(self.ticket(&path)).await?;
            let found = document.get("items").and_then(Value::as_array);
            let found = found.ok_or_else(|| DeliveryError::new("the answer has no list of items"))?;
            // Something before RT may ignore the number of the page.
            if !found.is_empty() && items.ends_with(found) {
                break;
            }
            items.extend_from_slice(found);
            empty_pages = if found.is_empty() { empty_pages + 1 } else { 0 };
            // RT gives the number of pages only to accounts that may see everything.
            let pages = document.get("pages").and_then(Value::as_u64);
            if pages.map_or(empty_pages == MAX_EMPTY_PAGES, |pages| u64::from(page) >= pages) {
                break;
            }
        }
        Ok(items)
    }

    /// RT answers with an empty history for a ticket that does not exist, or that the account may not see.
    async fn check_rights(&self) -> Result<(), DeliveryError> {
        let ticket = self.client.get_json(self.ticket("")).await?;
        let mut links = list(&ticket, "_hyperlinks").peekable();
        // Who may modify a ticket may comment on it, without a link for that.
        let allows_comments = |link: &Value| matches!(text(link, "ref"), "comment" | "lifecycle");
        if links.peek().is_some() && !links.any(allows_comments) {
            return Err(DeliveryError::new(
                "the account may not comment on the ticket; give it the right CommentOnTicket",
            ));
        }
        Ok(())
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
        self.check_rights().await?;
        let history = self.items("history", "Type,Data").await?;
        let attachments = self.items("attachments", "Filename,ContentLength").await?;
        Ok(state(&history, &attachments, mark, &self.address))
    }

    async fn limit_for(&self, file: &Payload) -> Result<Option<u64>, DeliveryError> {
        let history = self.items("history", "Type,Data,OldValue,NewValue").await?;
        let size = file.size().to_string();
        let is_about = |item: &&Value| {
            matches!(text(item, "Type"), "AttachmentDrop" | "AttachmentTruncate")
                && text(item, "Data") == file.name
                && text(item, "OldValue") == size
        };
        Ok(history.iter().rfind(is_about).and_then(|item| text(item, "NewValue").parse().ok()))
    }

    async fn upload(&self, files: &[&Payload]) -> Result<(), DeliveryError> {
        // A form, since RT fails at names in JSON that are not ASCII.
        let document = json!({
            "Subject": "Files of a cutover-report manifest",
            "Content": "Files of a cutover-report manifest. A comment with their SHA-256 follows when all are complete.",
            "ContentType": "text/plain",
        });
        let mut form = Form::new(files.iter().map(|file| file.content.as_slice()));
        form.field("JSON", &document.to_string());
        for file in files {
            // RT changes the encoding of texts.
            form.file("Attachments", &file.name, "application/octet-stream", &file.content);
        }
        let (content_type, body) = form.finish();
        self.client.change(Call::post(self.ticket("/comment"), content_type, body)).await.map(drop)
    }

    async fn download(&self, attachment: &Attachment) -> Result<Vec<u8>, DeliveryError> {
        content(&self.client.get_json(self.api(&format!("/attachment/{}", attachment.id))).await?)
    }

    async fn comment(&self, comment: &Comment) -> Result<Option<String>, DeliveryError> {
        let document = json!({
            "Subject": format!("cutover-report manifest, SHA-256 {}", comment.mark),
            "Content": comment.plain(),
            "ContentType": "text/plain",
        });
        self.client.change(Call::json(Method::POST, self.ticket("/comment"), &document)).await.map(|_| None)
    }
}
