//! GitLab's REST API v4. An upload belongs to a project; a note links to it.

use std::cell::RefCell;

use async_trait::async_trait;
use reqwest::{Method, Url};
use serde_json::{Value, json};

use super::address::Address;
use super::client::{Call, WebClient, form_file};
use super::comment::{Comment, escape};
use super::document::text;
use super::error::DeliveryError;
use super::payload::Payload;
use super::system::{Attachment, Ticket, TicketState};

/// Notes in one answer.
const PAGE: usize = 100;

pub(super) struct Gitlab {
    client: WebClient,
    address: Address,
    /// The name of each file that this run uploaded, and the path of its upload.
    uploaded: RefCell<Vec<(String, String)>>,
}

impl Gitlab {
    pub(super) fn new(client: WebClient, address: &Address) -> Self {
        Self { client, address: address.clone(), uploaded: RefCell::default() }
    }

    fn project(&self, path: &str) -> Url {
        // Its path is encoded already where the browser does that.
        self.address.below(&format!("/api/v4/projects/{}{path}", self.address.scope().replace('/', "%2F")))
    }

    fn notes(&self, query: &str) -> Url {
        self.project(&format!("/issues/{}/notes{query}", self.address.id()))
    }

    fn note_address(&self, id: &Value) -> String {
        format!("{}#note_{id}", self.address)
    }

    async fn marked(&self, mark: &str) -> Result<Option<Value>, DeliveryError> {
        let mut previous = Value::Null;
        for page in 1_u32.. {
            let notes = self.client.get_json(self.notes(&format!("?per_page={PAGE}&page={page}"))).await?;
            if let Some(note) = marked(&notes, mark) {
                return Ok(Some(note.clone()));
            }
            let listed = notes.as_array();
            let listed = listed.ok_or_else(|| DeliveryError::new("the answer is not a list of notes"))?;
            // Something before GitLab may ignore the number of the page.
            if listed.len() < PAGE || notes == previous {
                break;
            }
            previous = notes;
        }
        Ok(None)
    }
}

/// The note with the mark on a page of notes.
pub(super) fn marked<'a>(notes: &'a Value, mark: &str) -> Option<&'a Value> {
    notes.as_array()?.iter().find(|note| text(note, "body").contains(mark))
}

/// The uploads that a note links to, as `(name, /uploads/SECRET/NAME)`.
pub(super) fn links(note: &Value) -> Vec<(String, String)> {
    let link = |rest: &str| {
        let path = rest.split(')').next()?;
        let name = path.rsplit('/').next()?;
        Some((name.to_owned(), format!("/uploads/{path}")))
    };
    text(note, "body").split("](/uploads/").skip(1).filter_map(link).collect()
}

#[async_trait(?Send)]
impl Ticket for Gitlab {
    async fn state(&self, mark: &str) -> Result<TicketState, DeliveryError> {
        let note = self.marked(mark).await?;
        let mut files = note.as_ref().map(links).unwrap_or_default();
        files.extend(self.uploaded.borrow().iter().cloned());
        let attachments = files.into_iter().map(|(name, id)| Attachment { id, name, size: None });
        let id = note.as_ref().and_then(|note| note.get("id"));
        Ok(TicketState { attachments: attachments.collect(), comment: id.map(|id| self.note_address(id)) })
    }

    async fn upload(&self, files: &[&Payload]) -> Result<(), DeliveryError> {
        for file in files {
            let (content_type, body) = form_file("file", &file.name, file.content_type(), &file.content);
            let call = Call::post(self.project("/uploads"), content_type, body);
            let answer = self.client.change_json(call).await.map_err(|error| error.during(&file.name))?;
            let url = text(&answer, "url");
            if !url.starts_with("/uploads/") || url.contains(['(', ')', ' ']) {
                return Err(DeliveryError::new("the answer to an upload has no address of the file"));
            }
            self.uploaded.borrow_mut().push((file.name.clone(), url.to_owned()));
        }
        Ok(())
    }

    async fn download(&self, attachment: &Attachment) -> Result<Vec<u8>, DeliveryError> {
        self.client.get_bytes(self.project(&attachment.id)).await
    }

    async fn comment(&self, comment: &Comment) -> Result<Option<String>, DeliveryError> {
        let uploaded = self.uploaded.borrow().clone();
        let link = |name: &str| {
            let (name, url) = uploaded.iter().rev().find(|(uploaded, _)| uploaded == name)?;
            Some(format!("[{}]({url})", escape(name)))
        };
        let call = Call::json(Method::POST, self.notes(""), &json!({ "body": comment.markdown(link) }));
        let answer = self.client.change_json(call).await?;
        Ok(answer.get("id").map(|id| self.note_address(id)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_a_note_are_its_uploads() {
        let note =
            "- [r.csv](/uploads/00ff/r.csv): 1 byte\n- [x](https://x.org/uploads/a/b) [y](/uploads/1/y.xlsx)";
        let note = json!({ "body": note });
        let found: Vec<String> = links(&note).into_iter().map(|(_, path)| path).collect();
        assert_eq!(found, ["/uploads/00ff/r.csv", "/uploads/1/y.xlsx"]);
    }
}
