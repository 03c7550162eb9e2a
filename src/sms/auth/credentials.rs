//! What a client authenticates with.

use crate::model::Secret;

/// How a client authenticates.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// No authentication.
    None,
    /// A token that was fetched elsewhere.
    Token(Secret),
    /// Signatures with an access key.
    Key(AccessKey),
    /// A token from IAM, renewed as needed.
    Password(Login),
    /// Signatures with the temporary key of the cloud server that this runs on.
    Metadata {
        /// The metadata service, as in `http://169.254.169.254`.
        endpoint: String,
    },
}

impl Credentials {
    /// Whether requests contain secrets.
    pub fn are_secret(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// Whether requests are signed, which requires a correct clock.
    pub fn sign(&self) -> bool {
        matches!(self, Self::Key(_) | Self::Metadata { .. })
    }
}

/// An access key, AK and SK.
#[derive(Debug, Clone)]
pub struct AccessKey {
    /// AK: the key's id.
    pub id: Secret,
    /// SK: never sent.
    pub secret: Secret,
    /// The security token of a temporary key.
    pub security_token: Option<Secret>,
}

/// Project and account of signed requests; by default those of the key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope {
    /// The value of `X-Project-Id`.
    pub project_id: Option<String>,
    /// The value of `X-Domain-Id`.
    pub domain_id: Option<String>,
}

/// An IAM user.
#[derive(Debug, Clone)]
pub struct Login {
    /// The IAM endpoint, as in `https://iam.myhuaweicloud.com`.
    pub endpoint: String,
    /// The user's name.
    pub user: String,
    /// The user's password.
    pub password: Secret,
    /// The name of the account that the user belongs to.
    pub domain: String,
    /// The project name to scope the token to; none for the account.
    pub project: Option<String>,
}
