//! The account of a run.

use serde::{Deserialize, Serialize};

/// Project and account of a run, as far as known before the first request. Contains no keys or user names.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Account {
    /// The project's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// The project's name, from a login by password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_name: Option<String>,
    /// The account's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain_id: Option<String>,
    /// The account's name, from a login by password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain_name: Option<String>,
}

impl Account {
    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// The first field that differs, with both values.
    pub fn difference<'a>(
        &'a self,
        other: &'a Self,
    ) -> Option<(&'static str, Option<&'a str>, Option<&'a str>)> {
        let fields = [
            ("project id", &self.project_id, &other.project_id),
            ("project", &self.project_name, &other.project_name),
            ("domain id", &self.domain_id, &other.domain_id),
            ("domain", &self.domain_name, &other.domain_name),
        ];
        let mut fields =
            fields.into_iter().map(|(name, one, other)| (name, one.as_deref(), other.as_deref()));
        fields.find(|(_, one, other)| one != other)
    }
}
