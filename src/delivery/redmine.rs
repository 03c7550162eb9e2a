//! Redmine's REST API.

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Value, json};

use super::address::Address;
use super::client::{Call, WebClient};
use super::comment::Comment;
use super::document::{list, text};
use super::error::DeliveryError;
use super::payload::Payload;
use super::system::{Attachment, Ticket, TicketState};
use crate::sms::sign::encode;

pub(super) struct Redmine {
    client: WebClient,
    address: Address,
}

impl Redmine {
    pub(super) fn new(client: WebClient, address: &Address) -> Self {
        Self { client, address: address.clone() }
    }

    fn issue(&self, query: &str) -> reqwest::Url {
        self.address.below(&format!("/issues/{}.json{query}", self.address.id()))
    }

    async fn update(&self, issue: Value) -> Result<(), DeliveryError> {
        let call = Call::json(Method::PUT, self.issue(""), &json!({ "issue": issue }));
        self.client.change(call).await.map(drop)
    }
}

/// What the issue of an answer has.
pub(super) fn state(document: &Value, mark: &str, address: &Address) -> Result<TicketState, DeliveryError> {
    let issue = document.get("issue").ok_or_else(|| DeliveryError::new("the answer has no issue"))?;
    let attachments = list(issue, "attachments").filter_map(|file| {
        Some(Attachment {
            id: file.get("id")?.to_string(),
            name: text(file, "filename").to_owned(),
            size: file.get("filesize").and_then(Value::as_u64),
        })
    });
    let marked = list(issue, "journals").find(|journal| text(journal, "notes").contains(mark));
    let comment = marked.and_then(|journal| journal.get("id"));
    Ok(TicketState {
        attachments: attachments.collect(),
        comment: comment.map(|id| format!("{address}#change-{id}")),
    })
}

#[async_trait(?Send)]
impl Ticket for Redmine {
    async fn state(&self, mark: &str) -> Result<TicketState, DeliveryError> {
        let document = self.client.get_json(self.issue("?include=attachments,journals")).await?;
        state(&document, mark, &self.address)
    }

    async fn upload(&self, files: &[&Payload]) -> Result<(), DeliveryError> {
        let mut uploads = Vec::new();
        for file in files {
            let url = self.address.below(&format!("/uploads.json?filename={}", encode(&file.name)));
            let call = Call::post(url, "application/octet-stream".to_owned(), file.content.clone());
            let answer = self.client.change_json(call).await.map_err(|error| error.during(&file.name))?;
            let token = answer.pointer("/upload/token").and_then(Value::as_str);
            let token = token.ok_or_else(|| DeliveryError::new("the answer to an upload has no token"))?;
            uploads.push(json!({
                "token": token,
                "filename": file.name,
                "content_type": file.content_type(),
                "description": format!("SHA-256 {}", file.sha256),
            }));
        }
        self.update(json!({ "uploads": uploads })).await
    }

    async fn download(&self, attachment: &Attachment) -> Result<Vec<u8>, DeliveryError> {
        let (id, name) = (&attachment.id, encode(&attachment.name));
        self.client.get_bytes(self.address.below(&format!("/attachments/download/{id}/{name}"))).await
    }

    async fn comment(&self, comment: &Comment) -> Result<Option<String>, DeliveryError> {
        self.update(json!({ "notes": comment.markdown(|_| None) })).await.map(|()| None)
    }
}
