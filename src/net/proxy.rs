//! The proxy variables of the environment.
//!
//! The HTTP client ignores an invalid variable and would connect without the proxy, so all are validated first.

use std::ffi::OsString;

use hyper_util::client::proxy::matcher::Matcher;
use reqwest::Url;

use crate::model::Secret;

/// The variables with a proxy.
const PROXIES: [&str; 6] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];
/// The variables with hosts to access without a proxy.
const EXCEPTIONS: [&str; 2] = ["NO_PROXY", "no_proxy"];

/// An invalid proxy variable. The message does not contain its value, which may have a password.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the proxy variable {variable}: {why}; {advice}")]
pub struct ProxyError {
    variable: &'static str,
    why: &'static str,
    advice: &'static str,
}

/// The proxies of the environment.
#[derive(Debug)]
pub struct Proxies {
    matcher: Matcher,
    secrets: Vec<Secret>,
}

impl Proxies {
    /// Reads the proxy variables; an empty one counts as not set.
    ///
    /// # Errors
    /// [`ProxyError`] for the first invalid one.
    pub fn read(variable: impl Fn(&str) -> Option<OsString>) -> Result<Self, ProxyError> {
        let mut secrets = Vec::new();
        for name in PROXIES {
            if let Some(value) = text(name, &variable)? {
                check(&value).map_err(|why| ProxyError { variable: name, why, advice: ADVICE })?;
                secrets.extend(password(&value));
            }
        }
        for name in EXCEPTIONS {
            text(name, &variable)?;
        }
        Ok(Self { matcher: Matcher::from_system(), secrets })
    }

    /// The proxies of this process's environment.
    ///
    /// # Errors
    /// As of [`read`](Self::read).
    pub fn of_environment() -> Result<Self, ProxyError> {
        Self::read(|name| std::env::var_os(name))
    }

    /// The proxy for `url` as `HOST:PORT`, if there is one.
    pub fn for_url(&self, url: &Url) -> Option<String> {
        let proxy = self.matcher.intercept(&url.as_str().parse().ok()?)?;
        Some(proxy.uri().authority()?.as_str().to_owned())
    }

    /// The passwords of the proxies, which a proxy may echo.
    pub fn secrets(&self) -> &[Secret] {
        &self.secrets
    }
}

/// What to do about an invalid value.
const ADVICE: &str = "write http://HOST:PORT or http://USER:PASSWORD@HOST:PORT, or unset it";

/// The value of a variable, if it has one.
fn text(
    name: &'static str,
    variable: impl Fn(&str) -> Option<OsString>,
) -> Result<Option<String>, ProxyError> {
    match variable(name).filter(|value| !value.is_empty()).map(OsString::into_string) {
        None => Ok(None),
        Some(Ok(value)) => Ok(Some(value)),
        Some(Err(_)) => {
            let advice = "write it as plain text, or unset it";
            Err(ProxyError { variable: name, why: "it is not UTF-8 text", advice })
        }
    }
}

/// Checks that the HTTP client accepts a value.
fn check(value: &str) -> Result<(), &'static str> {
    if value.starts_with(char::is_whitespace) {
        return Err("it begins with a space");
    }
    if value.ends_with(char::is_whitespace) {
        return Err("it ends with a space or a line break");
    }
    if value.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("it contains a space or a control character");
    }
    if let Some((scheme, _)) = value.split_once("://") {
        if scheme.to_ascii_lowercase().starts_with("socks") {
            return Err("SOCKS proxies are not supported");
        }
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err("its scheme is neither http nor https");
        }
    }
    let no_address = "it is not a valid proxy address";
    let target = "https://sms.example/".parse().map_err(|_| no_address)?;
    let proxy = Matcher::builder().all(value).build().intercept(&target).ok_or(no_address)?;
    match proxy.uri().authority() {
        Some(authority) if authority.as_str().contains('@') => {
            Err("its user name or password has an @; write it as %40")
        }
        // A port above 65535 is parsed as part of the address and fails later.
        Some(authority) if authority.host().is_empty() || has_wrong_port(authority.as_str()) => {
            Err(no_address)
        }
        Some(_) => Ok(()),
        None => Err(no_address),
    }
}

fn has_wrong_port(authority: &str) -> bool {
    let behind = authority.rsplit_once(']').map_or(authority, |(_, behind)| behind);
    behind.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_err())
}

fn password(value: &str) -> Option<Secret> {
    let (user, _) = value.rsplit_once('@')?;
    let user = user.split_once("://").map_or(user, |(_, user)| user);
    user.split_once(':').map(|(_, password)| Secret::new(password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(set: &str, value: &str) -> Result<(), String> {
        let read = Proxies::read(|name| (name == set).then(|| value.into()));
        read.map(drop).map_err(|error| error.to_string())
    }

    #[test]
    fn invalid_proxy_is_reported_with_variable_but_without_value() {
        for value in [
            " http://user:hush-hush@proxy:8080",
            "http://user:hush-hush@proxy:8080\n",
            "http://[bad",
            "http://user:hush-hush@",
            "http://user:hush hush@proxy",
            "http://user:hush@hush@proxy",
            "http://proxy:port",
            "http://proxy:99999",
            "http://",
            "http:///path",
            "://proxy",
            "ftp://proxy",
            "socks5://user:hush-hush@proxy:1080",
            " ",
            "http://pro xy:8080",
        ] {
            for variable in PROXIES {
                let error = read(variable, value).expect_err(value);
                assert!(error.contains(&format!("{variable}: ")) && !error.contains("hush"), "{error}");
            }
        }
    }

    #[test]
    fn valid_proxy_is_accepted() {
        for value in
            ["", "proxy", "proxy:8080", "http://proxy:8080/", "HTTP://u:p%40q@proxy", "https://[::1]:8080"]
        {
            assert_eq!(read("https_proxy", value), Ok(()), "{value}");
        }
        assert_eq!(read("NO_PROXY", "*, 10.0.0.0/8"), Ok(()));
    }

    #[cfg(unix)]
    #[test]
    fn proxy_that_is_not_utf_8_is_reported_with_variable() {
        use std::os::unix::ffi::OsStringExt;
        for variable in ["ALL_PROXY", "no_proxy"] {
            let value = || OsString::from_vec(vec![0xff]);
            let error = Proxies::read(|name| (name == variable).then(value)).unwrap_err().to_string();
            assert!(error.contains(variable), "{error}");
        }
    }
}
