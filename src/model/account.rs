//! Whose tasks a run asks for.

use serde::{Deserialize, Serialize};

/// The project and the account that a run names, as far as they are known before the first request. Holds no
/// secret: neither keys nor user names.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Account {
    /// The project's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// The project's name, as a login by password gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project_name: Option<String>,
    /// The account's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain_id: Option<String>,
    /// The account's name, as a login by password gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain_name: Option<String>,
}

impl Account {
    /// Whether nothing is known.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }

    /// The first field in which the two differ, with both values.
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
