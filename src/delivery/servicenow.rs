//! ServiceNow's Table and Attachment APIs.

use async_trait::async_trait;
use reqwest::{Method, Url};
use serde_json::{Value, json};
use tokio::sync::OnceCell;

use super::address::Address;
use super::client::{Call, WebClient};
use super::comment::Comment;
use super::document::{list, text};
use super::error::DeliveryError;
use super::payload::Payload;
use super::system::{Attachment, Ticket, TicketState};
use crate::sms::sign::encode;

/// The most attachments of a ticket that are looked at.
const MOST_ATTACHMENTS: u32 = 10_000;

pub(super) struct ServiceNow {
    client: WebClient,
    address: Address,
    /// The record's own id, which the address may have a number for.
    sys_id: OnceCell<String>,
}

impl ServiceNow {
    pub(super) fn new(client: WebClient, address: &Address) -> Self {
        Self { client, address: address.clone(), sys_id: OnceCell::new() }
    }

    fn api(&self, path: &str) -> Url {
        self.address.below(&format!("/api/now{path}"))
    }

    async fn sys_id(&self) -> Result<&str, DeliveryError> {
        let (table, id) = (self.address.scope(), self.address.id());
        // A number has letters in upper case; a record's id is 32 hexadecimal digits.
        if !id.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Ok(id);
        }
        let find = async || {
            let path =
                format!("/table/{table}?sysparm_query=number={id}&sysparm_fields=sys_id&sysparm_limit=2");
            let document = self.client.get_json(self.api(&path)).await?;
            let found: Vec<&str> = list(&document, "result").map(|record| text(record, "sys_id")).collect();
            match found.as_slice() {
                [id] if !id.is_empty() => Ok((*id).to_owned()),
                [] => Err(DeliveryError::new(format!(
                    "there is no {id} in {table}, or the account may not see it"
                ))),
                _ => Err(DeliveryError::new(format!(
                    "{table} has no single record {id}; use the address with its sys_id"
                ))),
            }
        };
        self.sys_id.get_or_try_init(find).await.map(String::as_str)
    }

    async fn record(&self) -> Result<String, DeliveryError> {
        Ok(format!("/table/{}/{}", self.address.scope(), self.sys_id().await?))
    }
}

/// The attachments of an answer.
pub(super) fn attachments(document: &Value) -> Vec<Attachment> {
    let attachments = list(document, "result").map(|file| Attachment {
        id: text(file, "sys_id").to_owned(),
        name: text(file, "file_name").to_owned(),
        // A number in a text.
        size: file
            .get("size_bytes")
            .and_then(|size| size.as_u64().or_else(|| size.as_str().and_then(|size| size.parse().ok()))),
    });
    attachments.collect()
}

#[async_trait(?Send)]
impl Ticket for ServiceNow {
    async fn state(&self, mark: &str) -> Result<TicketState, DeliveryError> {
        let id = self.sys_id().await?;
        let path =
            format!("{}?sysparm_display_value=true&sysparm_fields=sys_id,work_notes", self.record().await?);
        let document = self.client.get_json(self.api(&path)).await?;
        let notes = document.get("result").map(|record| text(record, "work_notes"));
        let notes = notes.ok_or_else(|| DeliveryError::new("the answer has no record"))?;
        let query = format!("table_name={}^table_sys_id={id}", self.address.scope());
        let path = format!("/attachment?sysparm_query={}&sysparm_limit={MOST_ATTACHMENTS}", encode(&query));
        let document = self.client.get_json(self.api(&path)).await?;
        let address = self.address.below(&format!("/{}.do?sys_id={id}", self.address.scope()));
        Ok(TicketState {
            attachments: attachments(&document),
            comment: notes.contains(mark).then(|| address.to_string()),
        })
    }

    async fn upload(&self, files: &[&Payload]) -> Result<(), DeliveryError> {
        let (table, id) = (self.address.scope(), self.sys_id().await?);
        for file in files {
            let name = encode(&file.name);
            let path = format!("/attachment/file?table_name={table}&table_sys_id={id}&file_name={name}");
            let call = Call::post(self.api(&path), file.content_type().to_owned(), file.content.clone());
            self.client.change_json(call).await.map_err(|error| error.during(&file.name))?;
        }
        Ok(())
    }

    async fn download(&self, attachment: &Attachment) -> Result<Vec<u8>, DeliveryError> {
        self.client.get_bytes(self.api(&format!("/attachment/{}/file", encode(&attachment.id)))).await
    }

    async fn comment(&self, comment: &Comment) -> Result<Option<String>, DeliveryError> {
        // Work notes show what is between [code] tags as HTML.
        let notes = comment.plain().replace("[code]", "[ code]").replace("[/code]", "[/ code]");
        let notes = Value::from(notes);
        let call =
            Call::json(Method::PATCH, self.api(&self.record().await?), &json!({ "work_notes": notes }));
        self.client.change_json(call).await.map(|_| None)
    }
}
