//! Blocking calls to the S3 server.

use std::collections::HashSet;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::aws::{AmazonS3, AmazonS3Builder};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
};
use object_store::list::{PaginatedListOptions, PaginatedListStore};
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt, RetryConfig,
};
use reqwest::header::{ETAG, HeaderValue};
use reqwest::{Method, StatusCode};
use tokio::runtime::Runtime;

use super::error::{Fault, Refusal, StorageError, find};
use super::settings::Settings;
use super::url::{Object, split};
use crate::fs::Scratch;
use crate::model::{Redactor, io_advice};
use crate::net::{self, Proxies, ProxyError, trusted};
use crate::threads::runtime;

/// Connect timeout.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Timeout for sending a part, and for the next bytes of a response.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
/// Number of concurrent uploads, downloads and deletions.
pub(super) const CONCURRENCY: usize = 8;

/// An object of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// Its URL.
    pub location: PathBuf,
    /// Its length in bytes.
    pub size: u64,
}

/// Distinguishes one content of an object from every other: its ETag, or its length and time where there is none.
#[derive(Debug, Clone)]
pub struct Tag(String);

/// How the tag of an object without an ETag begins.
const NO_E_TAG: &str = "none:";

impl Tag {
    fn of(found: &ObjectMeta) -> Self {
        found.e_tag.as_deref().and_then(Self::of_e_tag).unwrap_or_else(|| {
            Self(format!("{NO_E_TAG}{}:{}", found.size, found.last_modified.timestamp_millis()))
        })
    }

    /// The tag of an object that nothing is compared with.
    pub(super) fn unknown() -> Self {
        Self(NO_E_TAG.to_owned())
    }

    /// None if the ETag is empty or [`MISSING_E_TAG`].
    pub(super) fn of_e_tag(e_tag: &str) -> Option<Self> {
        (!e_tag.is_empty() && e_tag != MISSING_E_TAG).then(|| Self(e_tag.to_owned()))
    }

    /// The ETag for a condition; none for a weak one, which no condition matches, or if there is none.
    pub(super) fn strong(&self) -> Option<&str> {
        let is_strong = !self.0.starts_with(NO_E_TAG) && !self.0.starts_with("W/");
        is_strong.then_some(self.0.as_str())
    }
}

/// Servers send the same ETag with and without quotes, and marked as weak or not.
impl PartialEq for Tag {
    fn eq(&self, other: &Self) -> bool {
        let bare = |tag: &Self| tag.0.trim_start_matches("W/").trim_matches('"').to_owned();
        bare(self) == bare(other)
    }
}

/// A client of one server.
#[derive(Debug)]
pub(super) struct Client {
    settings: Settings,
    redactor: Redactor,
    proxies: Option<Proxies>,
    http: reqwest::Client,
    runtime: Runtime,
    scratch: Scratch,
    /// Whether the server has shown that it supports no conditional requests.
    is_unconditional: AtomicBool,
}

impl Client {
    pub(super) fn new(
        endpoint: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, StorageError> {
        let settings = Settings::read(endpoint, variable)?;
        let runtime = runtime();
        let other = |error: io::Error| StorageError::setting(Fault::Other, io_advice(&error));
        let wrong = |error: ProxyError| StorageError::setting(Fault::Usage, error.to_string());
        let proxies = (!settings.is_local()).then(Proxies::of_environment).transpose().map_err(wrong)?;
        let http = http(&settings)?;
        let secrets = settings.secrets();
        let redactor = Redactor::new(secrets.iter().chain(proxies.iter().flat_map(Proxies::secrets)));
        let runtime = runtime.map_err(other)?;
        let scratch = Scratch::disposable().map_err(other)?;
        Ok(Self {
            settings,
            redactor,
            proxies,
            http,
            runtime,
            scratch,
            is_unconditional: AtomicBool::new(false),
        })
    }

    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub(super) fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    pub(super) fn is_conditional(&self) -> bool {
        !self.is_unconditional.load(Ordering::Relaxed)
    }

    pub(super) fn mark_unconditional(&self) {
        self.is_unconditional.store(true, Ordering::Relaxed);
    }

    /// The bucket of an object.
    pub(super) fn store(&self, location: &Path, bucket: &str) -> Result<AmazonS3, StorageError> {
        let Settings { key_id, secret, token, region, virtual_hosted, .. } = &self.settings;
        let mut builder = AmazonS3Builder::new()
            .with_bucket_name(bucket)
            .with_access_key_id(key_id)
            .with_secret_access_key(secret.expose())
            .with_region(region)
            .with_virtual_hosted_style_request(*virtual_hosted)
            // Not every server supports bulk delete.
            .with_disable_bulk_delete(true)
            .with_retry(retry())
            .with_http_connector(Connector(self.http.clone()));
        if let Some(token) = token {
            builder = builder.with_token(token.expose());
        }
        if let Some(endpoint) = self.settings.endpoint_of(bucket) {
            builder = builder.with_endpoint(endpoint);
        }
        builder.build().map_err(|error| self.fault(location, &error))
    }

    pub(super) fn fault(&self, location: &Path, error: &object_store::Error) -> StorageError {
        let url = self.settings.url();
        let proxy = self.proxies.as_ref().zip(url.as_ref()).and_then(|(proxies, url)| proxies.for_url(url));
        StorageError::of(location, error, &self.redactor, url.as_ref(), proxy.as_deref())
    }

    pub(super) fn get(&self, object: &Object<'_>, to: &Path) -> Result<Option<Tag>, StorageError> {
        self.wait(self.copy(object, to, None))
    }

    pub(super) fn get_all(&self, objects: Vec<(Object<'_>, &Path, Option<u64>)>) -> Result<(), StorageError> {
        let get = async |(object, to, most): (Object<'_>, &Path, Option<u64>)| {
            self.copy(&object, to, most).await.map(drop)
        };
        self.wait(stream::iter(objects).map(get).buffer_unordered(CONCURRENCY).try_collect())
    }

    async fn copy(
        &self,
        object: &Object<'_>,
        to: &Path,
        most: Option<u64>,
    ) -> Result<Option<Tag>, StorageError> {
        let fault = |error| self.fault(object.location, &error);
        let local = |error| StorageError::local(object.location, &error);
        let store = self.store(object.location, object.bucket)?;
        let range = most.map(|most| GetRange::Bounded(0..most));
        let got = store.get_opts(&object.key, GetOptions { range, ..GetOptions::default() }).await;
        let Some(got) = optional(got).map_err(fault)? else { return Ok(None) };
        let tag = Tag::of(&got.meta);
        let mut file = File::create(to).map_err(local)?;
        let mut chunks = got.into_stream();
        while let Some(chunk) = chunks.try_next().await.map_err(fault)? {
            file.write_all(&chunk).map_err(local)?;
        }
        Ok(Some(tag))
    }

    /// The tag of the object; none if there is no object.
    pub(super) async fn head(&self, object: &Object<'_>) -> Result<Option<Tag>, StorageError> {
        let found = self.store(object.location, object.bucket)?.head(&object.key).await;
        let found = optional(found).map_err(|error| self.fault(object.location, &error))?;
        Ok(found.as_ref().map(Tag::of))
    }

    pub(super) fn remove(&self, objects: Vec<Object<'_>>) -> Result<(), StorageError> {
        let remove = async |object: Object<'_>| {
            let gone = self.store(object.location, object.bucket)?.delete(&object.key).await;
            optional(gone).map(drop).map_err(|error| self.fault(object.location, &error))
        };
        self.wait(stream::iter(objects).map(remove).buffer_unordered(CONCURRENCY).try_collect())
    }

    pub(super) fn list(&self, prefix: &Path) -> Result<Vec<Listed>, StorageError> {
        let Some((bucket, keys)) = split(prefix) else {
            return Err(StorageError::usage(prefix, "names no object; write s3://BUCKET/KEY"));
        };
        let store = self.store(prefix, bucket)?;
        let mut found = Vec::new();
        let mut page_token = None;
        let mut seen = HashSet::new();
        self.wait(async {
            loop {
                let options = PaginatedListOptions { page_token, ..PaginatedListOptions::default() };
                let page = store.list_paginated(Some(keys), options).await;
                let page = page.map_err(|error| self.fault(prefix, &error))?;
                let listed = page.result.objects.into_iter().map(|object| Listed {
                    location: PathBuf::from(format!("s3://{bucket}/{}", object.location)),
                    size: object.size,
                });
                // A server that ignores the prefix lists other objects too.
                found.extend(listed.filter(|object| begins_with(&object.location, prefix)));
                match page.page_token {
                    None => return Ok(found),
                    Some(next) if !seen.insert(next.clone()) => {
                        return Err(StorageError::other(
                            prefix,
                            "the server sent the same page of the listing twice; check the S3 endpoint",
                        ));
                    }
                    next => page_token = next,
                }
            }
        })
    }
}

fn begins_with(location: &Path, prefix: &Path) -> bool {
    location.as_os_str().as_encoded_bytes().starts_with(prefix.as_os_str().as_encoded_bytes())
}

/// `None` for an object that does not exist. A missing bucket stays an error.
fn optional<T>(got: object_store::Result<T>) -> object_store::Result<Option<T>> {
    match got {
        Ok(got) => Ok(Some(got)),
        Err(error) => match find::<Refusal>(&error) {
            Some(refusal) if refusal.status == StatusCode::NOT_FOUND && !refusal.is_about_bucket() => {
                Ok(None)
            }
            _ => Err(error),
        },
    }
}

/// Waits for at most half a minute in all.
fn retry() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig {
            init_backoff: Duration::from_millis(200),
            max_backoff: Duration::from_secs(5),
            base: 2.0,
        },
        max_retries: 5,
        retry_timeout: Duration::from_secs(60),
    }
}

/// The HTTP client, shared by all buckets.
#[derive(Debug, Clone)]
struct Connector(reqwest::Client);

impl HttpConnector for Connector {
    fn connect(&self, _: &ClientOptions) -> object_store::Result<HttpClient> {
        Ok(HttpClient::new(Service(self.0.clone())))
    }
}

/// Inserted where the response to an upload has no ETag: `object_store` treats such a success as an error.
const MISSING_E_TAG: &str = "\"cutover-report-no-etag\"";

/// Turns error responses into typed errors with status and code.
#[derive(Debug)]
struct Service(reqwest::Client);

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        let is_put = request.method() == Method::PUT;
        let mut response = self.0.call(request).await?;
        let status = response.status();
        if is_put && status.is_success() {
            response.headers_mut().entry(ETAG).or_insert(HeaderValue::from_static(MISSING_E_TAG));
        }
        // `object_store` has types of its own for these.
        let is_typed = matches!(status, StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED);
        if status.is_success() || status.is_redirection() || is_typed {
            return Ok(response);
        }
        let (parts, body) = response.into_parts();
        let body = body.bytes().await?;
        let refusal = Refusal::new(status, &body);
        // Some servers answer a conditional put of a missing object with 404; pass it on as a conflict.
        if is_put && status == StatusCode::NOT_FOUND && !refusal.is_about_bucket() {
            return Ok(HttpResponse::from_parts(parts, body.into()));
        }
        let is_transient = status.is_server_error() && status != StatusCode::NOT_IMPLEMENTED
            || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT);
        // `object_store` retries errors of the kind `Request`.
        let kind = if is_transient { HttpErrorKind::Request } else { HttpErrorKind::Unknown };
        Err(HttpError::new(kind, refusal))
    }
}

fn http(settings: &Settings) -> Result<reqwest::Client, StorageError> {
    let mut builder = net::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT);
    if settings.is_local() {
        builder = builder.no_proxy();
    }
    let wrong = |what: String| StorageError::setting(Fault::Usage, what);
    if let Some(path) = &settings.ca_bundle {
        let certificates =
            trusted(path).map_err(|error| wrong(format!("AWS_CA_BUNDLE {}: {error}", path.display())))?;
        builder = builder.tls_certs_merge(certificates);
    }
    builder.build().map_err(|error| wrong(error.without_url().to_string()))
}
