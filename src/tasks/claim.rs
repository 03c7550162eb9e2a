//! How rows of a plan name their servers.

use std::net::IpAddr;

/// How a row of a plan names its server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The file, or `stdin`.
    pub origin: String,
    /// The line or worksheet row, from 1.
    pub line: Option<u64>,
    /// The source server's id.
    pub source_id: Option<String>,
    /// Its names, the one to show first.
    pub names: Vec<String>,
    /// Its addresses.
    pub addresses: Vec<IpAddr>,
}
