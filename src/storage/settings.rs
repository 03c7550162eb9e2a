//! Settings of object storage, from the environment variables of the AWS SDKs.

use std::path::PathBuf;

use reqwest::Url;

use super::error::{Fault, StorageError};
use crate::model::Secret;
use crate::net::is_loopback;

/// Domain of OBS, which requires virtual-hosted style.
const OBS: &str = ".myhuaweicloud.com";
/// Default region for signatures.
const DEFAULT_REGION: &str = "us-east-1";

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) key_id: String,
    pub(super) secret: Secret,
    pub(super) token: Option<Secret>,
    pub(super) region: String,
    /// None for AWS.
    pub(super) endpoint: Option<Url>,
    /// Whether the bucket is in the host name, not in the path.
    pub(super) virtual_hosted: bool,
    pub(super) ca_bundle: Option<PathBuf>,
}

impl Settings {
    /// Reads the variables; `endpoint` is the command-line option.
    pub(super) fn read(
        endpoint: Option<&str>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, StorageError> {
        let variable = |name: &str| variable(name).filter(|value| !value.trim().is_empty());
        let secret = |name: &str| {
            variable(name).ok_or_else(|| {
                let what = "object storage needs AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
                StorageError::setting(Fault::Credentials, format!("{name} is not set; {what}"))
            })
        };
        let key_id = secret("AWS_ACCESS_KEY_ID")?;
        let secret = Secret::new(secret("AWS_SECRET_ACCESS_KEY")?);
        let given = endpoint.map(|endpoint| ("--s3-endpoint", endpoint.to_owned()));
        let set = || {
            let names = ["AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"];
            names.into_iter().find_map(|name| Some((name, variable(name)?)))
        };
        let endpoint = given.or_else(set).map(|(name, text)| address(name, &text)).transpose()?;
        let host = endpoint.as_ref().and_then(Url::host_str).unwrap_or_default();
        let of_obs = host.strip_suffix(OBS);
        let region = variable("AWS_REGION")
            .or_else(|| variable("AWS_DEFAULT_REGION"))
            .or_else(|| Some(of_obs?.strip_prefix("obs.")?.to_owned()));
        let virtual_hosted = match variable("AWS_VIRTUAL_HOSTED_STYLE_REQUEST").as_deref() {
            None => of_obs.is_some(),
            Some("true" | "True" | "TRUE" | "1") => true,
            Some("false" | "False" | "FALSE" | "0") => false,
            Some(_) => {
                let what = "AWS_VIRTUAL_HOSTED_STYLE_REQUEST must be true or false";
                return Err(StorageError::setting(Fault::Usage, what));
            }
        };
        Ok(Self {
            key_id,
            secret,
            token: variable("AWS_SESSION_TOKEN").map(Secret::new),
            region: region.unwrap_or_else(|| DEFAULT_REGION.to_owned()),
            virtual_hosted,
            endpoint,
            ca_bundle: variable("AWS_CA_BUNDLE").map(PathBuf::from),
        })
    }

    /// The endpoint of a bucket for `object_store`; none for AWS.
    pub(super) fn endpoint_of(&self, bucket: &str) -> Option<String> {
        let mut url = self.endpoint.clone()?;
        if self.virtual_hosted {
            let host = format!("{bucket}.{}", url.host_str()?);
            url.set_host(Some(&host)).ok()?;
        }
        Some(url.as_str().trim_end_matches('/').to_owned())
    }

    /// The values to redact.
    pub(super) fn secrets(&self) -> Vec<Secret> {
        std::iter::once(&self.secret).chain(&self.token).cloned().collect()
    }

    /// The server's URL; none if the region is not valid in a URL.
    pub(super) fn url(&self) -> Option<Url> {
        let of_aws = || Url::parse(&format!("https://s3.{}.amazonaws.com", self.region)).ok();
        self.endpoint.clone().or_else(of_aws)
    }

    /// Whether the endpoint is on this machine; then no proxy is used.
    pub(super) fn is_local(&self) -> bool {
        self.endpoint.as_ref().is_some_and(is_loopback)
    }
}

/// Parses a URL. Errors do not quote it, since it may contain a password.
fn address(name: &str, text: &str) -> Result<Url, StorageError> {
    let usable = |url: &Url| {
        matches!(url.scheme(), "http" | "https")
            && url.host_str().is_some()
            && url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none()
    };
    Url::parse(text).ok().filter(usable).ok_or_else(|| {
        let what = "is not a valid server URL; write it like https://obs.ap-southeast-3.myhuaweicloud.com, without \
                    credentials: set them in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY";
        StorageError::setting(Fault::Usage, format!("{name} {what}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(endpoint: Option<&str>, variables: &[(&str, &str)]) -> Result<Settings, StorageError> {
        let keys = [("AWS_ACCESS_KEY_ID", "AKID"), ("AWS_SECRET_ACCESS_KEY", "hush-hush-hush")];
        let all: Vec<_> = keys.iter().chain(variables).collect();
        Settings::read(endpoint, |name| {
            let set = all.iter().rev().find(|(set, _)| *set == name);
            set.map(|(_, value)| (*value).to_owned())
        })
    }

    fn endpoint(endpoint: Option<&str>, variables: &[(&str, &str)]) -> (Option<String>, String) {
        let settings = read(endpoint, variables).unwrap();
        (settings.endpoint_of("b"), settings.region)
    }

    #[test]
    fn endpoint_option_overrides_variables_and_obs_is_virtual_hosted() {
        let local = "http://127.0.0.1:9000";
        let seen = |url: &str, region: &str| (Some(url.to_owned()), region.to_owned());
        assert_eq!(endpoint(None, &[]), (None, "us-east-1".to_owned()));
        let both = [("AWS_ENDPOINT_URL", "http://a"), ("AWS_ENDPOINT_URL_S3", "http://b:1/")];
        assert_eq!(endpoint(None, &both[..1]), seen("http://a", "us-east-1"));
        assert_eq!(endpoint(None, &both), seen("http://b:1", "us-east-1"));
        assert_eq!(endpoint(Some(local), &both), seen(local, "us-east-1"));
        assert_eq!(endpoint(Some(local), &[("AWS_DEFAULT_REGION", "eu-1")]), seen(local, "eu-1"));
        let regions = [("AWS_DEFAULT_REGION", "eu-1"), ("AWS_REGION", "eu-2")];
        assert_eq!(endpoint(Some(local), &regions), seen(local, "eu-2"));
        let obs = "https://obs.ap-southeast-3.myhuaweicloud.com";
        let hosted = "https://b.obs.ap-southeast-3.myhuaweicloud.com";
        assert_eq!(endpoint(Some(obs), &[]), seen(hosted, "ap-southeast-3"));
        let style = |value| [("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", value)];
        assert_eq!(endpoint(Some(obs), &style("false")), seen(obs, "ap-southeast-3"));
        assert_eq!(endpoint(Some("https://s3.example"), &style("true")).0.unwrap(), "https://b.s3.example");
    }

    #[test]
    fn invalid_setting_is_reported_without_its_value() {
        let reported = |endpoint, variables: &[_]| read(endpoint, variables).unwrap_err();
        let missing = reported(None, &[("AWS_SECRET_ACCESS_KEY", "")]);
        assert_eq!(missing.fault, Fault::Credentials);
        assert!(missing.to_string().starts_with("AWS_SECRET_ACCESS_KEY is not set"), "{missing}");
        for wrong in ["127.0.0.1:9000", "ftp://a", "http://user:hushhush@a", "http://a?hushhush", "http://"] {
            let error = reported(Some(wrong), &[]);
            assert_eq!(error.fault, Fault::Usage, "{wrong}");
            assert!(!error.to_string().contains("hushhush"), "{error}");
        }
        assert_eq!(reported(None, &[("AWS_VIRTUAL_HOSTED_STYLE_REQUEST", "path")]).fault, Fault::Usage);
        assert!(!format!("{:?}", read(None, &[("AWS_SESSION_TOKEN", "hush-token")])).contains("hush"));
    }
}
