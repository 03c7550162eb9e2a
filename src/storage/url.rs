//! `s3://BUCKET/KEY`.

use std::path::Path;

use object_store::path::Path as Key;

use super::error::StorageError;

const SCHEME: &str = "s3://";

/// Whether a path is an `s3://` URL.
pub fn is_remote(location: &Path) -> bool {
    location.as_os_str().as_encoded_bytes().starts_with(SCHEME.as_bytes())
}

/// A parsed `s3://` URL.
#[derive(Debug, Clone)]
pub(super) struct Object<'a> {
    pub(super) location: &'a Path,
    pub(super) bucket: &'a str,
    pub(super) key: Key,
}

impl<'a> Object<'a> {
    /// Parses a URL. A trailing `/` is a folder's and is dropped.
    pub(super) fn at(location: &'a Path) -> Result<Self, StorageError> {
        let wrong = |what: &str| StorageError::usage(location, &format!("{what}; write s3://BUCKET/KEY"));
        let (bucket, key) = split(location).ok_or_else(|| wrong("has no object key"))?;
        let key =
            Key::parse(key).ok().filter(|parsed| parsed.as_ref() == key.strip_suffix('/').unwrap_or(key));
        let key = key.filter(|key| !key.as_ref().is_empty());
        let key = key
            .ok_or_else(|| wrong("has an invalid key: an empty segment, `.`, `..` or a control character"))?;
        Ok(Self { location, bucket, key })
    }
}

/// Bucket and key, if the URL has both.
pub(super) fn split(location: &Path) -> Option<(&str, &str)> {
    let (bucket, key) = location.to_str()?.strip_prefix(SCHEME)?.split_once('/')?;
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (!bucket.is_empty() && !key.is_empty() && bucket.chars().all(is_name)).then_some((bucket, key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn s3_url_is_parsed_into_bucket_and_key() {
        for (text, bucket, key) in [
            ("s3://b/k", "b", "k"),
            ("s3://my.bucket-1/a/b c/ä#?%.csv", "my.bucket-1", "a/b c/ä#?%.csv"),
            ("s3://b/night/", "b", "night"),
        ] {
            let object = Object::at(Path::new(text)).unwrap();
            assert_eq!((object.bucket, object.key.as_ref()), (bucket, key), "{text}");
        }
        for text in [
            "s3://",
            "s3:///k",
            "s3://b",
            "s3://b/",
            "s3://b//k",
            "s3://b/k//",
            "s3://b/a//c",
            "s3://b/./k",
            "s3://b/../k",
            "s3://b/a\nb",
            "s3://user:word@b/k",
            "s3://b:9000/k",
        ] {
            assert!(Object::at(Path::new(text)).is_err(), "{text}");
        }
        assert!(is_remote(Path::new("s3://b/k")));
        assert!(!is_remote(Path::new("s3:/b/k")) && !is_remote(Path::new("./s3://b/k")));
    }
}
