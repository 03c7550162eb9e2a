//! The order of a delivery, the same for every system.

use std::collections::HashMap;
use std::num::NonZeroU32;

use super::comment::Comment;
use super::error::{DeliveryError, above_limit};
use super::payload::{Payload, digest};
use super::system::{Attachment, Ticket, TicketState};

/// What a delivery did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivered {
    /// The address of the comment.
    pub address: String,
    /// The files that this run uploaded.
    pub uploaded: Vec<String>,
    /// Whether this run posted the comment.
    pub commented: bool,
}

/// What a delivery would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Files to upload.
    pub missing: Vec<String>,
    /// Files that the ticket has.
    pub present: Vec<String>,
    /// The address of the comment, if the ticket has it.
    pub comment: Option<String>,
}

/// The SHA-256 of attachments that were read, by id. Attachments do not change.
type Digests = HashMap<String, String>;

/// Delivers `files` and `comment` to a ticket that may have some of it already.
///
/// # Errors
/// [`DeliveryError`] after `max_attempts`, or one that no further attempt can help. What the ticket has then, a later
/// delivery does not repeat.
pub async fn deliver(
    ticket: &dyn Ticket,
    files: &[Payload],
    comment: &Comment,
    max_attempts: NonZeroU32,
) -> Result<Delivered, DeliveryError> {
    let mut digests = Digests::new();
    let mut done = Delivered { address: String::new(), uploaded: Vec::new(), commented: false };
    let mut attempt = 1;
    loop {
        match attempt_once(ticket, files, comment, &mut digests, &mut done).await {
            Ok(()) => return Ok(done),
            Err(error) => match error.wait(attempt).filter(|_| attempt < max_attempts.get()) {
                Some(wait) => {
                    let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
                    let error = error.to_string();
                    tracing::info!(event = "delivery_attempt_failed", attempt, wait_ms, error);
                    tokio::time::sleep(wait).await;
                    attempt += 1;
                }
                None => return Err(error),
            },
        }
    }
}

/// What [`deliver`] would do; changes nothing.
///
/// # Errors
/// As of [`deliver`].
pub async fn plan(ticket: &dyn Ticket, files: &[Payload], mark: &str) -> Result<Plan, DeliveryError> {
    let state = ticket.state(mark).await?;
    check_sizes(ticket, &files.iter().collect::<Vec<_>>()).await?;
    let mut plan = Plan { missing: Vec::new(), present: Vec::new(), comment: state.comment.clone() };
    let mut digests = Digests::new();
    for file in files {
        let is_present = find(ticket, &state, file, &mut digests).await?;
        if is_present { &mut plan.present } else { &mut plan.missing }.push(file.name.clone());
    }
    Ok(plan)
}

async fn attempt_once(
    ticket: &dyn Ticket,
    files: &[Payload],
    comment: &Comment,
    digests: &mut Digests,
    done: &mut Delivered,
) -> Result<(), DeliveryError> {
    let before = ticket.state(&comment.mark).await.map_err(|error| error.during("reading the ticket"))?;
    let mut missing = Vec::new();
    for file in files {
        if !find(ticket, &before, file, digests).await? {
            missing.push(file);
        }
    }
    check_sizes(ticket, &missing).await?;
    if !missing.is_empty() {
        ticket.upload(&missing).await.map_err(|error| error.during("uploading files"))?;
        verify(ticket, &before, &missing, &comment.mark, digests).await?;
        done.uploaded.extend(missing.iter().map(|file| file.name.clone()));
    }
    let mut address = before.comment;
    if address.is_none() {
        let posted = ticket.comment(comment).await;
        address = posted.map_err(|error| error.during("posting the comment"))?;
        done.commented = true;
    }
    let after = match address {
        Some(address) => Some(address),
        None => {
            ticket.state(&comment.mark).await.map_err(|error| error.during("reading the ticket"))?.comment
        }
    };
    match after {
        Some(address) => {
            done.address = address;
            Ok(())
        }
        None => Err(DeliveryError::new(
            "the system accepted the comment, but the ticket does not have it, or the account may not see comments",
        )),
    }
}

async fn check_sizes(ticket: &dyn Ticket, missing: &[&Payload]) -> Result<(), DeliveryError> {
    if missing.is_empty() {
        return Ok(());
    }
    let limit = ticket.max_size().await.map_err(|error| error.during("reading the limits"))?;
    match missing.iter().find(|file| limit.is_some_and(|limit| file.size() > limit)) {
        Some(file) => Err(above_limit(&file.name, file.size(), limit.unwrap_or_default())),
        None => Ok(()),
    }
}

/// Whether an attachment may be `file`: systems change names, and some give no size.
fn may_be(attachment: &Attachment, file: &Payload) -> bool {
    match attachment.size {
        Some(size) => size == file.size(),
        None => attachment.name.starts_with(&file.name),
    }
}

/// Whether the ticket has `file`, byte for byte.
async fn find(
    ticket: &dyn Ticket,
    state: &TicketState,
    file: &Payload,
    digests: &mut Digests,
) -> Result<bool, DeliveryError> {
    for attachment in state.attachments.iter().filter(|attachment| may_be(attachment, file)) {
        if *read(ticket, attachment, digests).await? == file.sha256 {
            return Ok(true);
        }
    }
    Ok(false)
}

async fn read<'a>(
    ticket: &dyn Ticket,
    attachment: &Attachment,
    digests: &'a mut Digests,
) -> Result<&'a String, DeliveryError> {
    if !digests.contains_key(&attachment.id) {
        let content = ticket.download(attachment).await;
        let content = content.map_err(|error| error.during(&format!("reading {} back", attachment.name)))?;
        digests.insert(attachment.id.clone(), digest(&content));
    }
    digests.get(&attachment.id).ok_or_else(|| DeliveryError::new("an attachment was not read"))
}

/// Reads the files back that were uploaded since `before`.
async fn verify(
    ticket: &dyn Ticket,
    before: &TicketState,
    uploaded: &[&Payload],
    mark: &str,
    digests: &mut Digests,
) -> Result<(), DeliveryError> {
    let after = ticket.state(mark).await.map_err(|error| error.during("reading the ticket"))?;
    for file in uploaded {
        if find(ticket, &after, file, digests).await? {
            continue;
        }
        let is_new = |found: &&Attachment| !before.attachments.iter().any(|old| old.id == found.id);
        let changed =
            after.attachments.iter().filter(is_new).find(|found| found.name.starts_with(&file.name));
        // These requests only explain the failure. An error of theirs must not hide it, or upload the file again.
        let limit = ticket.limit_for(file).await.unwrap_or_default();
        let name = &file.name;
        let what = match changed {
            None => format!(
                "the system accepted {name} and dropped it: the ticket does not have it, or the account may not see it"
            ),
            Some(found) if limit.is_some() => {
                format!(
                    "the system did not store {name} as it was sent: the ticket has {} instead",
                    found.name
                )
            }
            Some(found) => {
                let (size, sha256) = (file.size(), &file.sha256);
                let other = read(ticket, found, digests).await;
                let other = other.map_or_else(|_| String::new(), |other| format!(" with SHA-256 {other}"));
                format!(
                    "the system altered {name} ({size} bytes, SHA-256 {sha256}): the ticket has {}{other}",
                    found.name
                )
            }
        };
        return Err(match limit {
            Some(limit) => above_limit(name, file.size(), limit).during(&what),
            None => DeliveryError::new(format!(
                "{what}; it may be too large or of a forbidden type: split it with --max-bytes, or choose files with --attach"
            )),
        });
    }
    Ok(())
}
