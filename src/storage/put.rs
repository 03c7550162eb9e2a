//! Putting an object: whole, in parts if it is large, and if need be over nothing but what one knows.

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

use super::client::{AT_ONCE, Client, Tag};
use super::url::Object;
use super::{Fault, StorageError};

/// From more bytes on an object goes in parts of so many. S3 takes 10,000 of them.
const PART: u64 = 8 << 20;
/// The time for aborting uploads when the program ends.
const PATIENCE: Duration = Duration::from_secs(3);

/// What may be replaced.
#[derive(Debug, Clone, Copy)]
pub(super) enum Over<'a> {
    /// Whatever stands there.
    Anything,
    /// What has this tag; none for nothing at all.
    Known(Option<&'a Tag>),
}

/// Whether the program is ending; a multipart upload listens until it is complete or aborted.
static ENDING: LazyLock<watch::Sender<bool>> = LazyLock::new(|| watch::Sender::new(false));

/// Aborts multipart uploads, for a process that is about to end: the server would keep their parts. No upload
/// completes after this call.
pub fn abort_uploads() {
    ENDING.send_replace(true);
    let until = Instant::now() + PATIENCE;
    while ENDING.receiver_count() > 0 && Instant::now() < until {
        thread::sleep(Duration::from_millis(10));
    }
}

impl Client {
    pub(super) fn put(&self, object: &Object<'_>, from: &Path, over: Over<'_>) -> Result<Tag, StorageError> {
        self.wait(put(self, object, from, over))
    }

    pub(super) fn put_all(&self, files: Vec<(Object<'_>, &Path)>) -> Result<(), StorageError> {
        let put = async |(object, from): (Object<'_>, &Path)| {
            put(self, &object, from, Over::Anything).await.map(drop)
        };
        self.wait(stream::iter(files).map(put).buffer_unordered(AT_ONCE).try_collect())
    }
}

async fn put(client: &Client, object: &Object<'_>, from: &Path, over: Over<'_>) -> Result<Tag, StorageError> {
    let local = |error| StorageError::local(object.place, &error);
    let file = File::open(from).map_err(local)?;
    let size = file.metadata().map_err(local)?.len();
    // A run may be appending to it.
    let mut file = file.take(size);
    let store = client.store(object.place, object.bucket)?;
    if size > PART {
        return in_parts(client, &store, object, file, over).await;
    }
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes).map_err(local)?;
    at_once(client, &store, object, bytes.into(), over).await
}

async fn at_once(
    client: &Client,
    store: &AmazonS3,
    object: &Object<'_>,
    bytes: PutPayload,
    over: Over<'_>,
) -> Result<Tag, StorageError> {
    check(client, object, over).await?;
    let mode = match over {
        Over::Known(tag) if client.is_guarded() => match tag {
            None => PutMode::Create,
            Some(tag) => match tag.strong() {
                Some(tag) => PutMode::Update(UpdateVersion { e_tag: Some(tag.to_owned()), version: None }),
                None => {
                    client.give_up_guard();
                    PutMode::Overwrite
                }
            },
        },
        _ => PutMode::Overwrite,
    };
    let is_guarded = mode != PutMode::Overwrite;
    let put = async |mode| {
        let options = PutOptions { mode, ..PutOptions::default() };
        let put = store.put_opts(&object.key, bytes.clone(), options).await;
        put.map_err(|error| client.fault(object.place, &error))
    };
    let put = match put(mode).await {
        // Servers refuse conditions in many ways. If it is not the condition, the second request fails as well.
        Err(error) if error.fault == Fault::Unconditional && is_guarded => {
            let put = put(PutMode::Overwrite).await;
            if put.is_ok() {
                client.give_up_guard();
            }
            put
        }
        Err(error) if error.fault == Fault::Taken => return Err(StorageError::taken(object.place)),
        put => put,
    };
    tag_of(client, object, put?.e_tag, over).await
}

/// The tag of an object that was just uploaded, as later requests see it.
async fn tag_of(
    client: &Client,
    object: &Object<'_>,
    e_tag: Option<String>,
    over: Over<'_>,
) -> Result<Tag, StorageError> {
    match (e_tag.as_deref().and_then(Tag::of_e_tag), over) {
        (Some(tag), _) => Ok(tag),
        // Nothing is compared with it later.
        (None, Over::Anything) => Ok(Tag::unknown()),
        (None, Over::Known(_)) => {
            client.give_up_guard();
            Ok(client.look(object).await?.unwrap_or_else(Tag::unknown))
        }
    }
}

/// Compares before the upload: all that is possible where the server supports no conditions, or for an upload in
/// parts.
async fn check(client: &Client, object: &Object<'_>, over: Over<'_>) -> Result<(), StorageError> {
    match over {
        Over::Known(tag) if client.look(object).await?.as_ref() != tag => {
            Err(StorageError::taken(object.place))
        }
        _ => Ok(()),
    }
}

async fn in_parts(
    client: &Client,
    store: &AmazonS3,
    object: &Object<'_>,
    mut file: impl Read,
    over: Over<'_>,
) -> Result<Tag, StorageError> {
    let fault = |error| client.fault(object.place, &error);
    let mut ending = ENDING.subscribe();
    check(client, object, over).await?;
    let mut upload = store.put_multipart(&object.key).await.map_err(fault)?;
    let send = async {
        loop {
            let mut part = Vec::new();
            let read = (&mut file).take(PART).read_to_end(&mut part);
            if read.map_err(|error| StorageError::local(object.place, &error))? == 0 {
                break;
            }
            upload.put_part(part.into()).await.map_err(fault)?;
        }
        check(client, object, over).await?;
        let put = upload.complete().await.map_err(fault)?;
        tag_of(client, object, put.e_tag, over).await
    };
    let sent = tokio::select! {
        sent = send => sent,
        _ = ending.wait_for(|ending| *ending) => Err(StorageError::other(object.place, "the program is ending")),
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
