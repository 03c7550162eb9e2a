//! Object storage: files with an `s3://BUCKET/KEY` URL.
//!
//! The only module that uses S3. Objects are copied to this machine before they are read ([`Storage::fetch`]), and
//! uploaded whole ([`Storage::put`]), so uploads are atomic. Every call blocks, so do not call it from async code.

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
pub use client::{Listed, Tag};
pub use error::{Fault, StorageError};
use put::Precondition;
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

impl Storage {
    /// The storage at `endpoint`, or at the endpoint of the environment.
    pub fn new(endpoint: Option<String>) -> Self {
        Self(Arc::new(Inner { endpoint, client: OnceLock::new() }))
    }

    /// The storage at `endpoint`, with these environment variables instead of the process's.
    pub fn with_variables(endpoint: &str, variable: impl Fn(&str) -> Option<String>) -> Self {
        let client = Client::new(Some(endpoint), variable);
        Self(Arc::new(Inner { endpoint: Some(endpoint.to_owned()), client: OnceLock::from(client) }))
    }

    fn client(&self) -> Result<&Client, StorageError> {
        let variable = |name: &str| std::env::var(name).ok();
        let client = self.0.client.get_or_init(|| Client::new(self.0.endpoint.as_deref(), variable));
        client.as_ref().map_err(Clone::clone)
    }

    /// Checks a URL and the settings, without a request. Does nothing for a local path.
    ///
    /// # Errors
    /// When the URL has no object key, or a setting is missing.
    pub fn check(&self, location: &Path) -> Result<(), StorageError> {
        if is_remote(location) {
            Object::at(location)?;
            self.client()?;
        }
        Ok(())
    }

    /// The file at `location`; for an object a local copy, which is removed when the program ends.
    ///
    /// # Errors
    /// Storage errors, and I/O errors of the local copy.
    pub fn fetch(&self, location: &Path) -> Result<NamedFile, StorageError> {
        if !is_remote(location) {
            return Ok(location.into());
        }
        // A folder for each copy: objects in different folders may have the same name.
        let local = self.scratch(location)?.keep().join("object");
        match self.get(location, &local)? {
            Some(_) => Ok(NamedFile { name: location.to_owned(), local }),
            None => Err(StorageError::missing(location)),
        }
    }

    /// Reads the first byte of an object. A missing object is no error.
    ///
    /// # Errors
    /// When the object cannot be read.
    pub fn probe(&self, location: &Path) -> Result<(), StorageError> {
        let folder = self.scratch(location)?;
        self.get_all(&[(
            NamedFile { name: location.to_owned(), local: folder.path().join("start") },
            Some(1),
        )])
    }

    /// Downloads an object to `to`; returns none if there is no object.
    ///
    /// # Errors
    /// As of [`fetch`](Self::fetch).
    pub fn get(&self, location: &Path, to: &Path) -> Result<Option<Tag>, StorageError> {
        self.client()?.get(&Object::at(location)?, to)
    }

    /// Downloads objects concurrently, each up to its limit in bytes if it has one. For a missing object no file is
    /// created.
    ///
    /// # Errors
    /// As of [`fetch`](Self::fetch).
    pub fn get_all(&self, files: &[(NamedFile, Option<u64>)]) -> Result<(), StorageError> {
        let objects =
            files.iter().map(|(file, most)| Ok((Object::at(&file.name)?, file.local.as_path(), *most)));
        self.client()?.get_all(objects.collect::<Result<_, StorageError>>()?)
    }

    /// Uploads files concurrently.
    ///
    /// # Errors
    /// The first failure; that object is unchanged.
    pub fn put(&self, files: &[NamedFile]) -> Result<(), StorageError> {
        let objects = files.iter().map(|file| Ok((Object::at(&file.name)?, file.local.as_path())));
        self.client()?.put_all(objects.collect::<Result<_, StorageError>>()?)
    }

    /// Uploads a file if the existing object still has the tag `known`.
    ///
    /// # Errors
    /// [`Fault::Conflict`] if it has another tag; else storage errors.
    pub fn put_if_unchanged(&self, file: &NamedFile, known: Option<&Tag>) -> Result<Tag, StorageError> {
        self.client()?.put(&Object::at(&file.name)?, &file.local, Precondition::Known(known))
    }

    /// Whether the server itself checks the condition of [`put_if_unchanged`](Self::put_if_unchanged). If not, an
    /// object that another program uploads between the comparison and the upload is lost.
    pub fn is_conditional(&self) -> bool {
        self.client().is_ok_and(Client::is_conditional)
    }

    /// The objects whose URL begins with `prefix`.
    ///
    /// # Errors
    /// Storage errors.
    pub fn list(&self, prefix: &Path) -> Result<Vec<Listed>, StorageError> {
        self.client()?.list(prefix)
    }

    /// Deletes objects. A missing object is no error.
    ///
    /// # Errors
    /// The first failure.
    pub fn remove(&self, locations: &[PathBuf]) -> Result<(), StorageError> {
        let objects = locations.iter().map(|location| Object::at(location));
        self.client()?.remove(objects.collect::<Result<_, _>>()?)
    }

    /// A new local folder for a copy of the object at `location`; removed when the program ends, if not before.
    ///
    /// # Errors
    /// I/O errors.
    pub fn scratch(&self, location: &Path) -> Result<TempDir, StorageError> {
        let folder = tempfile::Builder::new().prefix("").tempdir_in(self.client()?.scratch());
        folder.map_err(|error| StorageError::local(location, &error))
    }
}
