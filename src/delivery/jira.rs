//! Jira: Cloud by REST v3, whose comments are documents, and Data Center by REST v2 with wiki markup.

use async_trait::async_trait;
use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::address::Address;
use super::blocks;
use super::client::{Call, WebClient, form_file};
use super::comment::Comment;
use super::document::{list, text};
use super::error::DeliveryError;
use super::payload::Payload;
use super::system::{Attachment, Ticket, TicketState};
use crate::sms::sign::encode;

/// Comments in one answer.
const PAGE: u64 = 100;

pub(super) struct Jira {
    client: WebClient,
    address: Address,
    is_cloud: bool,
}

impl Jira {
    pub(super) fn cloud(client: WebClient, address: &Address) -> Self {
        Self { client, address: address.clone(), is_cloud: true }
    }

    pub(super) fn data_center(client: WebClient, address: &Address) -> Self {
        Self { client, address: address.clone(), is_cloud: false }
    }

    fn api(&self, path: &str) -> Url {
        self.address.below(&format!("/rest/api/{}{path}", if self.is_cloud { 3 } else { 2 }))
    }

    fn issue(&self, path: &str) -> Url {
        self.api(&format!("/issue/{}{path}", self.address.id()))
    }

    fn comment_address(&self, id: &str) -> String {
        format!("{}?focusedCommentId={id}", self.address)
    }

    async fn marked(&self, mark: &str) -> Result<Option<String>, DeliveryError> {
        let mut start = 0;
        loop {
            let page = self
                .client
                .get_json(self.issue(&format!("/comment?startAt={start}&maxResults={PAGE}")))
                .await?;
            if let Some(id) = marked(&page, mark) {
                return Ok(Some(self.comment_address(id)));
            }
            let comments = u64::try_from(list(&page, "comments").count()).unwrap_or(u64::MAX);
            start += comments;
            let total = page.get("total").and_then(Value::as_u64).unwrap_or_default();
            if comments == 0 || start >= total {
                return Ok(None);
            }
        }
    }
}

/// The id of the comment with the mark on a page of comments.
pub(super) fn marked<'a>(page: &'a Value, mark: &str) -> Option<&'a str> {
    let is_marked =
        |comment: &&Value| comment.get("body").is_some_and(|body| body.to_string().contains(mark));
    list(page, "comments").find(is_marked).map(|comment| text(comment, "id"))
}

/// The attachments of an issue.
pub(super) fn attachments(issue: &Value) -> Result<Vec<Attachment>, DeliveryError> {
    let fields = issue.get("fields").ok_or_else(|| DeliveryError::new("the answer has no fields"))?;
    let attachments = list(fields, "attachment").filter_map(|file| {
        let id = file.get("id")?;
        Some(Attachment {
            id: id.as_str().map_or_else(|| id.to_string(), str::to_owned),
            name: text(file, "filename").to_owned(),
            size: file.get("size").and_then(Value::as_u64),
        })
    });
    Ok(attachments.collect())
}

#[async_trait(?Send)]
impl Ticket for Jira {
    async fn state(&self, mark: &str) -> Result<TicketState, DeliveryError> {
        let issue = self.client.get_json(self.issue("?fields=attachment")).await?;
        Ok(TicketState { attachments: attachments(&issue)?, comment: self.marked(mark).await? })
    }

    async fn max_size(&self) -> Result<Option<u64>, DeliveryError> {
        let meta = self.client.get_json(self.api("/attachment/meta")).await?;
        if meta.get("enabled").and_then(Value::as_bool) == Some(false) {
            return Err(DeliveryError::new("attachments are disabled in this Jira"));
        }
        Ok(meta.get("uploadLimit").and_then(Value::as_u64))
    }

    async fn upload(&self, files: &[&Payload]) -> Result<(), DeliveryError> {
        for file in files {
            let (content_type, body) = form_file("file", &file.name, file.content_type(), &file.content);
            let call = Call {
                headers: vec![("x-atlassian-token", "no-check")],
                ..Call::post(self.issue("/attachments"), content_type, body)
            };
            self.client.change_json(call).await.map_err(|error| error.during(&file.name))?;
        }
        Ok(())
    }

    async fn download(&self, attachment: &Attachment) -> Result<Vec<u8>, DeliveryError> {
        let (id, name) = (&attachment.id, encode(&attachment.name));
        let url = if self.is_cloud {
            self.api(&format!("/attachment/content/{id}?redirect=false"))
        } else {
            self.address.below(&format!("/secure/attachment/{id}/{name}"))
        };
        self.client.get_bytes(url).await
    }

    async fn comment(&self, comment: &Comment) -> Result<Option<String>, DeliveryError> {
        let blocks = comment.blocks();
        let body = if self.is_cloud { blocks::adf(&blocks) } else { Value::from(blocks::wiki(&blocks)) };
        let call = Call::json(Method::POST, self.issue("/comment"), &json!({ "body": body }));
        let answer = self.client.change_json(call).await?;
        Ok(Some(text(&answer, "id")).filter(|id| !id.is_empty()).map(|id| self.comment_address(id)))
    }
}
