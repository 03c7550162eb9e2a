//! Object storage: files whose place is `s3://BUCKET/KEY`.
//!
//! No other module knows S3. Objects are copied to this machine before they are read ([`Storage::fetch`]), and
//! uploaded whole ([`Storage::put`]), so uploads are atomic. Every call blocks its thread, so none belongs in async
//! code.

mod client;
mod error;
mod put;
mod settings;
mod url;

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use tempfile::TempDir;

use crate::model::NamedFile;
use client::Client;
pub use client::Tag;
pub use error::{Fault, StorageError};
use put::Over;
pub use put::abort_uploads;
use url::Object;
pub use url::is_remote;

/// Access to object storage. Settings and credentials are read at the first request.
#[derive(Debug, Clone, Default)]
pub struct Storage(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    endpoint: Option<String>,
    client: OnceLock<Result<Client, StorageError>>,
}

/// An object as a listing has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its URL.
    pub place: PathBuf,
    /// Its length in bytes.
    pub size: u64,
}

impl Storage {
    /// The storage at `endpoint`, or where the environment says.
    pub fn new(endpoint: Option<String>) -> Self {
        Self(Arc::new(Inner { endpoint, client: OnceLock::new() }))
    }

    fn client(&self) -> Result<&Client, StorageError> {
        let variable = |name: &str| std::env::var(name).ok();
        let client = self.0.client.get_or_init(|| Client::new(self.0.endpoint.as_deref(), variable));
        client.as_ref().map_err(Clone::clone)
    }

    /// Checks that `place` is no URL, or one that can be asked for as far as is known without asking.
    ///
    /// # Errors
    /// That it names no object, or what is missing in the settings.
    pub fn check(&self, place: &Path) -> Result<(), StorageError> {
        if is_remote(place) {
            Object::at(place)?;
            self.client()?;
        }
        Ok(())
    }

    /// The file at `place`; of an object a copy, which goes with the program's end.
    ///
    /// # Errors
    /// What the storage says, or the file system of the copy.
    pub fn fetch(&self, place: &Path) -> Result<NamedFile, StorageError> {
        if !is_remote(place) {
            return Ok(place.into());
        }
        // One of its own, for the name may be that of another object in another folder.
        let local = self.scratch(place)?.keep().join("object");
        match self.get(place, &local)? {
            Some(_) => Ok(NamedFile { name: place.to_owned(), local }),
            None => Err(StorageError::missing(place)),
        }
    }

    /// Reads the start of an object, which need not exist.
    ///
    /// # Errors
    /// What keeps an object there from being read.
    pub fn reach(&self, place: &Path) -> Result<(), StorageError> {
        let folder = self.scratch(place)?;
        self.get_all(&[(NamedFile { name: place.to_owned(), local: folder.path().join("start") }, Some(1))])
    }

    /// Copies an object to the file at `to`; none where there is no object.
    ///
    /// # Errors
    /// As of [`fetch`](Self::fetch).
    pub fn get(&self, place: &Path, to: &Path) -> Result<Option<Tag>, StorageError> {
        self.client()?.get(&Object::at(place)?, to)
    }

    /// Copies objects, several at once; of those with a number beside them so many bytes at most. Where there
    /// is no object there will be no file.
    ///
    /// # Errors
    /// As of [`fetch`](Self::fetch).
    pub fn get_all(&self, files: &[(NamedFile, Option<u64>)]) -> Result<(), StorageError> {
        let objects =
            files.iter().map(|(file, most)| Ok((Object::at(&file.name)?, file.local.as_path(), *most)));
        self.client()?.get_all(objects.collect::<Result<_, StorageError>>()?)
    }

    /// Puts files at the places beside them, several at once.
    ///
    /// # Errors
    /// The first that fails; then the existing object is unchanged.
    pub fn put(&self, files: &[NamedFile]) -> Result<(), StorageError> {
        let objects = files.iter().map(|file| Ok((Object::at(&file.name)?, file.local.as_path())));
        self.client()?.put_all(objects.collect::<Result<_, StorageError>>()?)
    }

    /// Uploads a file if the existing object is the one that the caller knows.
    ///
    /// # Errors
    /// [`Fault::Taken`] if it is another one; else what the storage says.
    pub fn put_over(&self, file: &NamedFile, known: Option<&Tag>) -> Result<Tag, StorageError> {
        self.client()?.put(&Object::at(&file.name)?, &file.local, Over::Known(known))
    }

    /// Whether the server itself checks the condition of [`put_over`](Self::put_over). If not, an object that
    /// another program uploads between the comparison and the upload is lost.
    pub fn is_guarded(&self) -> bool {
        self.client().is_ok_and(Client::is_guarded)
    }

    /// The objects whose URL begins with `prefix`.
    ///
    /// # Errors
    /// What the storage says.
    pub fn list(&self, prefix: &Path) -> Result<Vec<Listed>, StorageError> {
        self.client()?.list(prefix)
    }

    /// Removes objects. One that is gone already is no error.
    ///
    /// # Errors
    /// What the storage says of the first that stays.
    pub fn remove(&self, places: &[PathBuf]) -> Result<(), StorageError> {
        let objects = places.iter().map(|place| Object::at(place));
        self.client()?.remove(objects.collect::<Result<_, _>>()?)
    }

    /// A new folder for what becomes, or was, the object at `place`; it goes with the program's end at the
    /// latest.
    ///
    /// # Errors
    /// What the file system says.
    pub fn scratch(&self, place: &Path) -> Result<TempDir, StorageError> {
        let folder = tempfile::Builder::new().prefix("").tempdir_in(self.client()?.scratch());
        folder.map_err(|error| StorageError::local(place, &error))
    }
}
