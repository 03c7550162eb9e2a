//! Classifies errors of the HTTP client by the types in their chain, and describes them.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::time::{Duration, SystemTime};

use reqwest::Url;
use rustls::pki_types::UnixTime;
use rustls::{CertificateError, Error as TlsError};

use super::resolve::ResolveError;
use crate::model::{FailureKind, io_reason};

/// Why a request has no response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// The kind of failure.
    pub kind: FailureKind,
    /// A short description with the host.
    pub what: String,
    /// What the user can do.
    pub advice: Option<&'static str>,
}

const SELF_SIGNED_CA: &str = "give the server a certificate that this CA issued and pass the CA's certificate to \
                              --ca-cert, or create the self-signed certificate with basicConstraints=CA:FALSE";
const RENEW: &str = "renew the server's certificate, or check the clock of this machine";
const OTHER_NAME: &str = "use one of these names in --endpoint, or issue a certificate for this name";

impl Cause {
    /// The cause of an error of a request to `url`, through `proxy` (`HOST:PORT`) if there is one.
    pub fn of(error: &reqwest::Error, url: &Url, proxy: Option<&str>) -> Self {
        let target = authority(url);
        let server = proxy.map_or_else(|| target.clone(), |proxy| format!("the proxy {proxy}"));
        let new = |kind: FailureKind, what: String| Self { kind, what, advice: kind.advice() };
        if let Some(error) = find::<ResolveError>(error) {
            let kind = match error {
                ResolveError::Unknown(_) => FailureKind::HostUnknown,
                ResolveError::Unavailable(_) => FailureKind::DnsFailed,
            };
            return new(kind, error.to_string());
        }
        if error.is_timeout() {
            return if error.is_connect() {
                new(FailureKind::ConnectTimeout, format!("connecting to {server} timed out"))
            } else {
                new(FailureKind::Timeout, "the request timed out".to_owned())
            };
        }
        if let Some(error) = find::<TlsError>(error) {
            return Self::of_tls(error, &target);
        }
        let io = find::<io::Error>(error).map(io::Error::kind);
        if error.is_connect() {
            let cannot = |why: &str| format!("cannot connect to {server}: {why}");
            return match io {
                Some(ErrorKind::ConnectionRefused) => {
                    new(FailureKind::ConnectionRefused, cannot("connection refused"))
                }
                Some(ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {
                    new(FailureKind::ConnectionFailed, cannot("the connection was closed"))
                }
                Some(kind) => new(FailureKind::ConnectionFailed, cannot(&kind.to_string())),
                None => {
                    let why = line(&bottom(error));
                    let what = proxy.map_or_else(
                        || cannot(&why),
                        |proxy| format!("the proxy {proxy} does not connect to {target}: {why}"),
                    );
                    new(FailureKind::ConnectionFailed, what)
                }
            };
        }
        if let Some(error) = find::<hyper::Error>(error)
            && (error.is_parse() || error.is_parse_status() || error.is_parse_too_large())
        {
            return new(FailureKind::Protocol, "the response is not valid HTTP".to_owned());
        }
        let ended = || {
            let what = "the connection ended before the response was complete";
            new(FailureKind::ConnectionLost, what.to_owned())
        };
        match io {
            Some(ErrorKind::ConnectionReset) => {
                new(FailureKind::ConnectionLost, "the connection was reset".to_owned())
            }
            Some(ErrorKind::UnexpectedEof) => ended(),
            Some(_) => new(FailureKind::ConnectionLost, "the connection was lost".to_owned()),
            None if find::<hyper::Error>(error).is_some() => ended(),
            None => new(FailureKind::Other, line(&bottom(error))),
        }
    }

    fn of_tls(error: &TlsError, host: &str) -> Self {
        if let TlsError::InvalidCertificate(error) = error {
            let (why, advice) = certificate(error);
            let what = format!("the certificate of {host} {why}");
            return Self { kind: FailureKind::Certificate, what, advice: Some(advice) };
        }
        let why = match error {
            TlsError::InvalidMessage(_) | TlsError::InappropriateMessage { .. } => {
                "the server does not support TLS".to_owned()
            }
            TlsError::PeerIncompatible(_) => {
                "the server supports neither TLS 1.2 nor 1.3 as needed".to_owned()
            }
            TlsError::AlertReceived(alert) => {
                let alert = alert.as_str().map_or_else(String::new, |name| format!(" ({})", words(name)));
                format!("the server ended the TLS handshake{alert}")
            }
            _ => "the TLS handshake failed".to_owned(),
        };
        let kind = FailureKind::Tls;
        Self { kind, what: format!("cannot connect to {host}: {why}"), advice: kind.advice() }
    }
}

/// What is wrong with a certificate, and what to do.
fn certificate(error: &CertificateError) -> (String, &'static str) {
    let trust = FailureKind::Certificate.advice().unwrap_or_default();
    match error {
        CertificateError::UnknownIssuer => ("is not trusted: its issuer is unknown".to_owned(), trust),
        CertificateError::Expired => ("has expired".to_owned(), RENEW),
        CertificateError::ExpiredContext { not_after, .. } => {
            (format!("expired on {}", date(*not_after)), RENEW)
        }
        CertificateError::NotValidYet => ("is not valid yet".to_owned(), RENEW),
        CertificateError::NotValidYetContext { not_before, .. } => {
            (format!("is not valid before {}", date(*not_before)), RENEW)
        }
        CertificateError::Revoked => ("is revoked".to_owned(), RENEW),
        CertificateError::NotValidForName => ("is for another host name".to_owned(), OTHER_NAME),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<String> =
                presented.iter().filter_map(|name| presented_name(name)).take(5).collect();
            let why = if names.is_empty() {
                "has no host name".to_owned()
            } else {
                format!("is for another host name: {}", names.join(", "))
            };
            (why, OTHER_NAME)
        }
        CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => (
            "is not a server certificate".to_owned(),
            "issue a certificate with the extended key usage serverAuth",
        ),
        CertificateError::Other(other) => match other.0.downcast_ref::<webpki::Error>() {
            Some(webpki::Error::CaUsedAsEndEntity) => {
                let why = "is a CA certificate, which a server cannot use as its own";
                (why.to_owned(), SELF_SIGNED_CA)
            }
            Some(webpki::Error::EndEntityUsedAsCa) => {
                let why = "is issued by a certificate that is not a CA";
                (why.to_owned(), "pass the certificate of the CA that issued it to --ca-cert")
            }
            Some(webpki::Error::UnsupportedCertVersion) => {
                let why = "is of X.509 version 1";
                (why.to_owned(), "issue one of version 3, which has the host name in subjectAltName")
            }
            _ => ("is not valid".to_owned(), trust),
        },
        CertificateError::BadEncoding => ("is damaged".to_owned(), RENEW),
        CertificateError::BadSignature => {
            let why = "is not trusted: the trusted issuer with that name has another key";
            (why.to_owned(), trust)
        }
        _ => ("is not valid".to_owned(), trust),
    }
}

/// Extracts the name from the verifier's format, as in `DnsName("a.example")`.
fn presented_name(listed: &str) -> Option<String> {
    let (_, inside) = listed.split_once('(')?;
    let name = inside.trim_end_matches(')').trim_matches('"');
    (!name.is_empty()).then(|| line(name))
}

fn date(time: UnixTime) -> String {
    let time = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(time.as_secs()));
    let time = time.and_then(|time| jiff::Timestamp::try_from(time).ok());
    time.map_or_else(|| "an unknown date".to_owned(), |time| time.strftime("%Y-%m-%d").to_string())
}

/// `HandshakeFailure` as `handshake failure`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(c.to_ascii_lowercase());
    }
    words
}

/// The host and the port.
fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// The innermost error of type `E` in a chain. An `io::Error` hides the error that it wraps from the chain.
fn find<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut found = None;
    let mut next = Some(error);
    while let Some(error) = next {
        found = error.downcast_ref::<E>().or(found);
        let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match wrapped {
            Some(wrapped) => Some(wrapped),
            None => error.source(),
        };
    }
    found
}

/// Whether the cause of an error is the certificate of a server.
pub fn is_certificate(error: &(dyn Error + 'static)) -> bool {
    matches!(find(error), Some(TlsError::InvalidCertificate(_)))
}

/// The text of the innermost error.
fn bottom(error: &(dyn Error + 'static)) -> String {
    let mut bottom = error;
    while let Some(source) = bottom.source() {
        bottom = source;
    }
    // Only the outermost error can contain the URL.
    if std::ptr::addr_eq(bottom, error) { "no response".to_owned() } else { io_reason(bottom) }
}

/// One line of at most 200 characters.
fn line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::{AlertDescription, OtherError};
    use std::sync::Arc;

    fn says(error: CertificateError) -> String {
        let cause = Cause::of_tls(&TlsError::InvalidCertificate(error), "sms.example");
        assert_eq!(cause.kind, FailureKind::Certificate);
        format!("{}; {}", cause.what, cause.advice.unwrap())
    }

    #[test]
    fn certificate_errors_say_why_and_what_to_do() {
        let other = |error| CertificateError::Other(OtherError(Arc::new(error)));
        let time = UnixTime::since_unix_epoch(Duration::from_secs(1_700_000_000));
        let name = rustls::pki_types::ServerName::try_from("sms.example").unwrap();
        let all = [
            CertificateError::UnknownIssuer,
            CertificateError::ExpiredContext { time, not_after: time },
            CertificateError::NotValidYetContext { time, not_before: time },
            CertificateError::NotValidForNameContext {
                expected: name.clone(),
                presented: vec!["DnsName(\"a.example\")".to_owned(), "IpAddress(10.0.0.1)".to_owned()],
            },
            CertificateError::NotValidForNameContext { expected: name, presented: Vec::new() },
            CertificateError::Revoked,
            CertificateError::BadEncoding,
            CertificateError::BadSignature,
            CertificateError::InvalidPurpose,
            CertificateError::UnhandledCriticalExtension,
            other(webpki::Error::CaUsedAsEndEntity),
            other(webpki::Error::EndEntityUsedAsCa),
            other(webpki::Error::UnsupportedCertVersion),
            other(webpki::Error::PathLenConstraintViolated),
        ];
        insta::assert_snapshot!(all.map(says).join("\n"));
    }

    #[test]
    fn tls_alert_is_described_in_words() {
        let cause = Cause::of_tls(&TlsError::AlertReceived(AlertDescription::HandshakeFailure), "h");
        assert_eq!(cause.what, "cannot connect to h: the server ended the TLS handshake (handshake failure)");
        assert_eq!(cause.kind, FailureKind::Tls);
    }

    #[test]
    fn find_descends_into_io_errors() {
        let inner = TlsError::InvalidCertificate(CertificateError::Expired);
        let wrapped = io::Error::other(io::Error::new(ErrorKind::InvalidData, inner));
        assert!(find::<TlsError>(&wrapped).is_some());
        assert_eq!(find::<io::Error>(&wrapped).unwrap().kind(), ErrorKind::InvalidData);
    }
}
