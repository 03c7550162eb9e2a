//! Uploads: at once or in parts, and optionally on condition that the object is unchanged.

use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use object_store::aws::AmazonS3;
use object_store::{
    MultipartUpload, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload, UpdateVersion,
};
use tokio::sync::watch;

use super::client::{CONCURRENCY, Client, Tag};
use super::error::{Fault, StorageError};
use super::url::Object;

/// Part size of multipart uploads, in bytes; smaller objects are uploaded at once. S3 allows 10,000 parts.
const PART: u64 = 8 << 20;
/// Time to abort uploads when the program ends.
const ABORT_TIMEOUT: Duration = Duration::from_secs(3);

/// What may be replaced.
#[derive(Debug, Clone, Copy)]
pub(super) enum Precondition<'a> {
    /// Any object.
    Anything,
    /// An object with this tag; with none, no object may exist.
    Known(Option<&'a Tag>),
}

/// Whether the program is ending. Every multipart upload subscribes until it is complete or aborted.
static ENDING: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));

/// Aborts multipart uploads, for a process that is about to end: the server would keep their parts. No upload
/// completes after this call.
pub fn abort_uploads() {
    ENDING.send_replace(true);
    let until = Instant::now() + ABORT_TIMEOUT;
    while ENDING.receiver_count() > 0 && Instant::now() < until {
        thread::sleep(Duration::from_millis(10));
    }
}

impl Client {
    pub(super) fn put(
        &self,
        object: &Object<'_>,
        from: &Path,
        precondition: Precondition<'_>,
    ) -> Result<Tag, StorageError> {
        self.wait(put(self, object, from, precondition))
    }

    pub(super) fn put_all(&self, files: Vec<(Object<'_>, &Path)>) -> Result<(), StorageError> {
        let put = async |(object, from): (Object<'_>, &Path)| {
            put(self, &object, from, Precondition::Anything).await.map(drop)
        };
        self.wait(stream::iter(files).map(put).buffer_unordered(CONCURRENCY).try_collect())
    }
}

async fn put(
    client: &Client,
    object: &Object<'_>,
    from: &Path,
    precondition: Precondition<'_>,
) -> Result<Tag, StorageError> {
    let local = |error| StorageError::local(object.location, &error);
    let file = File::open(from).map_err(local)?;
    let size = file.metadata().map_err(local)?.len();
    // The file may grow during the upload.
    let mut file = file.take(size);
    let store = client.store(object.location, object.bucket)?;
    if size > PART {
        return put_multipart(client, &store, object, file, precondition).await;
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(local)?;
    put_whole(client, &store, object, bytes.into(), precondition).await
}

async fn put_whole(
    client: &Client,
    store: &AmazonS3,
    object: &Object<'_>,
    bytes: PutPayload,
    precondition: Precondition<'_>,
) -> Result<Tag, StorageError> {
    check(client, object, precondition).await?;
    let mode = match precondition {
        Precondition::Known(tag) if client.is_conditional() => match tag {
            None => PutMode::Create,
            Some(tag) => match tag.strong() {
                Some(tag) => PutMode::Update(UpdateVersion { e_tag: Some(tag.to_owned()), version: None }),
                None => {
                    client.mark_unconditional();
                    PutMode::Overwrite
                }
            },
        },
        _ => PutMode::Overwrite,
    };
    let is_conditional = mode != PutMode::Overwrite;
    let put = async |mode| {
        let options = PutOptions { mode, ..PutOptions::default() };
        let put = store.put_opts(&object.key, bytes.clone(), options).await;
        put.map_err(|error| client.fault(object.location, &error))
    };
    let put = match put(mode).await {
        // Servers refuse conditions in many ways. If it is not the condition, the second request fails as well.
        Err(error) if error.fault == Fault::ConditionUnsupported && is_conditional => {
            let put = put(PutMode::Overwrite).await;
            if put.is_ok() {
                client.mark_unconditional();
            }
            put
        }
        Err(error) if error.fault == Fault::Conflict => return Err(StorageError::conflict(object.location)),
        put => put,
    };
    tag_of(client, object, put?.e_tag, precondition).await
}

/// The tag of an object that was just uploaded, as later requests see it.
async fn tag_of(
    client: &Client,
    object: &Object<'_>,
    e_tag: Option<String>,
    precondition: Precondition<'_>,
) -> Result<Tag, StorageError> {
    match (e_tag.as_deref().and_then(Tag::of_e_tag), precondition) {
        (Some(tag), _) => Ok(tag),
        // The tag is not used later.
        (None, Precondition::Anything) => Ok(Tag::unknown()),
        (None, Precondition::Known(_)) => {
            client.mark_unconditional();
            Ok(client.head(object).await?.unwrap_or_else(Tag::unknown))
        }
    }
}

/// Compares tags before the upload. Without conditional requests, and in multipart uploads, this is the only
/// protection.
async fn check(
    client: &Client,
    object: &Object<'_>,
    precondition: Precondition<'_>,
) -> Result<(), StorageError> {
    match precondition {
        Precondition::Known(tag) if client.head(object).await?.as_ref() != tag => {
            Err(StorageError::conflict(object.location))
        }
        _ => Ok(()),
    }
}

async fn put_multipart(
    client: &Client,
    store: &AmazonS3,
    object: &Object<'_>,
    mut file: impl Read,
    precondition: Precondition<'_>,
) -> Result<Tag, StorageError> {
    let fault = |error| client.fault(object.location, &error);
    let mut ending = ENDING.subscribe();
    check(client, object, precondition).await?;
    let mut upload = store.put_multipart(&object.key).await.map_err(fault)?;
    let send = async {
        loop {
            let mut part = Vec::new();
            let read = (&mut file).take(PART).read_to_end(&mut part);
            if read.map_err(|error| StorageError::local(object.location, &error))? == 0 {
                break;
            }
            upload.put_part(part.into()).await.map_err(fault)?;
        }
        check(client, object, precondition).await?;
        let put = upload.complete().await.map_err(fault)?;
        tag_of(client, object, put.e_tag, precondition).await
    };
    let sent = tokio::select! {
        sent = send => sent,
        _ = ending.wait_for(|ending| *ending) => Err(StorageError::other(object.location, "the program is ending")),
    };
    match sent {
        Ok(tag) => Ok(tag),
        Err(error) => match upload.abort().await {
            Ok(()) => Err(error),
            Err(_) => Err(StorageError {
                what: format!(
                    "{}; the multipart upload could not be aborted and is left unfinished on the server",
                    error.what
                ),
                ..error
            }),
        },
    }
}
