//! Kinds of failed requests.

use serde::{Deserialize, Serialize};

/// The kind of a failure. Retries, hints and exit codes depend on it, never on a message.
///
/// Journals record it by its name in snake case; unknown names are read as [`Other`](Self::Other).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// The service answered with a status other than 2xx.
    Status,
    /// The host does not exist.
    HostUnknown,
    /// The host name could not be resolved at the moment.
    DnsFailed,
    /// The host refused the connection.
    ConnectionRefused,
    /// No connection within the connect timeout.
    ConnectTimeout,
    /// No connection for another reason, such as a network without a route.
    ConnectionFailed,
    /// The server's certificate is not trusted or not valid.
    Certificate,
    /// Server and client do not agree on TLS.
    Tls,
    /// No complete response within the request timeout.
    Timeout,
    /// The connection ended before the response was complete.
    ConnectionLost,
    /// The response is not HTTP, or its body is damaged.
    Protocol,
    /// The response is larger than `--max-response`.
    TooLarge,
    /// The response has an unsupported content coding.
    ContentCoding,
    /// The response is not JSON.
    NotJson,
    /// Credentials cannot be obtained.
    Credentials,
    /// The token expired and is renewed.
    TokenRenewed,
    /// The run's deadline passed.
    Deadline,
    /// Anything else.
    #[serde(other)]
    Other,
}

impl FailureKind {
    /// All kinds, for tables.
    pub const ALL: [Self; 18] = [
        Self::Status,
        Self::HostUnknown,
        Self::DnsFailed,
        Self::ConnectionRefused,
        Self::ConnectTimeout,
        Self::ConnectionFailed,
        Self::Certificate,
        Self::Tls,
        Self::Timeout,
        Self::ConnectionLost,
        Self::Protocol,
        Self::TooLarge,
        Self::ContentCoding,
        Self::NotJson,
        Self::Credentials,
        Self::TokenRenewed,
        Self::Deadline,
        Self::Other,
    ];

    /// Whether no connection was made.
    pub const fn is_unreachable(self) -> bool {
        matches!(
            self,
            Self::HostUnknown
                | Self::DnsFailed
                | Self::ConnectionRefused
                | Self::ConnectTimeout
                | Self::ConnectionFailed
                | Self::Certificate
                | Self::Tls
        )
    }

    /// Whether the cause is permanent: a wrong host name, certificate or protocol.
    pub const fn is_lasting(self) -> bool {
        matches!(self, Self::HostUnknown | Self::Certificate | Self::Tls)
    }

    /// Whether a retry may succeed; for [`Status`](Self::Status) it depends on the status.
    pub const fn may_pass(self) -> bool {
        !matches!(
            self,
            Self::Status | Self::TooLarge | Self::ContentCoding | Self::Credentials | Self::Deadline
        )
    }

    /// What the user can do, if it depends only on the kind.
    pub const fn advice(self) -> Option<&'static str> {
        Some(match self {
            Self::HostUnknown => "check the host name in --endpoint or --region, and the DNS of this machine",
            Self::DnsFailed => "check the DNS of this machine",
            Self::ConnectionRefused | Self::ConnectTimeout | Self::ConnectionFailed => {
                "check the address, the network, and the proxy variables (HTTPS_PROXY, NO_PROXY)"
            }
            Self::Certificate => {
                "if the certificate is right, trust its issuer with --ca-cert FILE; check the host name and the clock"
            }
            Self::Tls => "check that the address is an https server with TLS 1.2 or 1.3",
            Self::TooLarge => "if the response is from the service itself, raise --max-response",
            Self::ContentCoding => "check the proxy or gateway in between: only gzip is supported",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_failure_kind_is_read_as_other() {
        for kind in FailureKind::ALL {
            let name = serde_json::to_string(&kind).unwrap();
            assert_eq!(serde_json::from_str::<FailureKind>(&name).unwrap(), kind);
        }
        assert_eq!(
            serde_json::from_str::<FailureKind>("\"of_a_later_version\"").unwrap(),
            FailureKind::Other
        );
    }
}
