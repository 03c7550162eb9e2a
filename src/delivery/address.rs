//! Where to deliver: the ticket's address as a browser shows it.

use std::fmt;

use reqwest::Url;

use crate::net::is_loopback;

/// A ticket system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Jira Cloud, REST v3.
    Jira,
    /// Jira Data Center, REST v2.
    JiraDc,
    /// Redmine.
    Redmine,
    /// Request Tracker 5, REST2.
    Rt,
    /// GitLab.
    Gitlab,
    /// ServiceNow.
    ServiceNow,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Jira, Self::JiraDc, Self::Redmine, Self::Rt, Self::Gitlab, Self::ServiceNow];

    /// Its name in options.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Jira => "jira",
            Self::JiraDc => "jira-dc",
            Self::Redmine => "redmine",
            Self::Rt => "rt",
            Self::Gitlab => "gitlab",
            Self::ServiceNow => "servicenow",
        }
    }

    const fn example(self) -> &'static str {
        match self {
            Self::Jira | Self::JiraDc => "https://HOST/browse/KEY-1",
            Self::Redmine => "https://HOST/issues/17",
            Self::Rt => "https://HOST/Ticket/Display.html?id=17",
            Self::Gitlab => "https://HOST/GROUP/PROJECT/-/issues/17",
            Self::ServiceNow => "https://HOST/TABLE.do?sys_id=ID or servicenow://HOST/CHG0030001",
        }
    }
}

/// A ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    kind: Kind,
    base: Url,
    /// What comes before the ticket's own id: a project, or a table.
    scope: String,
    id: String,
}

/// A text that is no address of a ticket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum AddressError {
    #[error(
        "--to {0}: it is not the address of a ticket; write it as the browser shows it, as in https://HOST/browse/KEY-1"
    )]
    Malformed(String),
    #[error("--to {0}: the address does not show which ticket system it is; name it with --ticket-system")]
    Unknown(String),
    #[error("--to {text}: it is not the address of a ticket in {}; write {}", .kind.key(), .kind.example())]
    OtherForm { text: String, kind: Kind },
    #[error("--to {0}: credentials and files would be sent unencrypted; use https")]
    PlainHttp(String),
    #[error(
        "--to: the address has a user name or password; remove them, and set credentials in the environment"
    )]
    Credentials,
}

impl Address {
    /// Parses an address. `kind` is the system if it is known; `is_data_center` decides between the two of Jira where
    /// the host does not.
    ///
    /// # Errors
    /// [`AddressError`] when it is no ticket's, or would send credentials unencrypted to another machine.
    pub fn parse(text: &str, kind: Option<Kind>, is_data_center: bool) -> Result<Self, AddressError> {
        let shown = || text.split(['?', '#']).next().unwrap_or_default().to_owned();
        if let Some(rest) = text.strip_prefix("servicenow://") {
            return Self::of_number(text, rest);
        }
        let mut url = Url::parse(text).map_err(|_| AddressError::Malformed(shown()))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(AddressError::Malformed(shown()));
        }
        if url.scheme() == "http" && !is_loopback(&url) {
            return Err(AddressError::PlainHttp(shown()));
        }
        url.set_fragment(None);
        let found = match kind {
            Some(kind) => split(&url, kind).map(|found| (kind, found)),
            None => Kind::ALL.into_iter().find_map(|kind| Some((kind, split(&url, kind)?))),
        };
        let Some((found_kind, (path, scope, id))) = found else {
            return Err(match kind {
                Some(kind) => AddressError::OtherForm { text: shown(), kind },
                None => AddressError::Unknown(shown()),
            });
        };
        let is_cloud = url.host_str().is_some_and(|host| host.ends_with(".atlassian.net"));
        let kind = match found_kind {
            Kind::Jira if kind.is_none() && !is_cloud && is_data_center => Kind::JiraDc,
            found => found,
        };
        url.set_query(None);
        url.set_path(path.trim_end_matches('/'));
        Ok(Self { kind, base: url, scope, id })
    }

    fn of_number(text: &str, rest: &str) -> Result<Self, AddressError> {
        let kind = Kind::ServiceNow;
        let other = || AddressError::OtherForm { text: text.to_owned(), kind };
        let (host, number) = rest.split_once('/').ok_or_else(other)?;
        if host.contains('@') {
            return Err(AddressError::Credentials);
        }
        let https = Url::parse(&format!("https://{host}")).map_err(|_| other())?;
        let base = match is_loopback(&https) {
            true => Url::parse(&format!("http://{host}")).map_err(|_| other())?,
            false => https,
        };
        let is_number = number.bytes().all(|byte| byte.is_ascii_alphanumeric()) && !number.is_empty();
        if !is_number {
            return Err(other());
        }
        let letters = number.trim_end_matches(|c: char| c.is_ascii_digit());
        let table = match letters {
            "CHG" => "change_request",
            "INC" => "incident",
            "PRB" => "problem",
            "REQ" => "sc_request",
            "RITM" => "sc_req_item",
            "SCTASK" => "sc_task",
            "CTASK" => "change_task",
            _ => "task",
        };
        Ok(Self { kind, base, scope: table.to_owned(), id: number.to_owned() })
    }

    /// The ticket's system.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The system's own address, without a slash at its end.
    pub(super) fn base(&self) -> &Url {
        &self.base
    }

    /// The project or the table.
    pub(super) fn scope(&self) -> &str {
        &self.scope
    }

    /// The ticket's id.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// An address below the system's own one; `path` begins with a slash, and may have a query.
    pub(super) fn below(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
        url.set_path(&format!("{}{path}", self.base.path().trim_end_matches('/')));
        url.set_query(query);
        url
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = match self.kind {
            Kind::Jira | Kind::JiraDc => self.below(&format!("/browse/{}", self.id)),
            Kind::Redmine => self.below(&format!("/issues/{}", self.id)),
            Kind::Rt => self.below(&format!("/Ticket/Display.html?id={}", self.id)),
            Kind::Gitlab => self.below(&format!("/{}/-/issues/{}", self.scope, self.id)),
            Kind::ServiceNow => self.below(&format!("/{}.do?sys_id={}", self.scope, self.id)),
        };
        f.write_str(url.as_str())
    }
}

/// The path of the system, what is before the ticket's id, and the id, if the address is of this kind.
fn split(url: &Url, kind: Kind) -> Option<(String, String, String)> {
    let path = url.path().trim_end_matches('/');
    let query =
        |name: &str| url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
    let is_number = |id: &str| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    let is_word = |id: &str| {
        !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
    };
    let found = |base: &str, scope: &str, id: &str| Some((base.to_owned(), scope.to_owned(), id.to_owned()));
    match kind {
        Kind::Jira | Kind::JiraDc => {
            let (base, id) = path.rsplit_once("/browse/")?;
            if is_word(id) && id.contains('-') { found(base, "", id) } else { None }
        }
        Kind::Gitlab => {
            let (project, id) =
                path.rsplit_once("/-/issues/").or_else(|| path.rsplit_once("/-/work_items/"))?;
            let project = project.trim_start_matches('/');
            if is_number(id) && project.contains('/') { found("", project, id) } else { None }
        }
        Kind::Redmine => {
            let (base, id) = path.rsplit_once("/issues/")?;
            let base = base.trim_end_matches('/');
            if is_number(id) && !base.ends_with("/-") { found(base, "", id) } else { None }
        }
        Kind::Rt => {
            let (base, _) = path.rsplit_once("/Ticket/")?;
            let id = query("id").filter(|id| is_number(id))?;
            found(base, "", &id)
        }
        Kind::ServiceNow => {
            let (base, table) = path.strip_suffix(".do")?.rsplit_once('/')?;
            let id = query("sys_id").filter(|id| is_word(id))?;
            if is_word(table) { found(base, table, &id) } else { None }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Address, AddressError> {
        Address::parse(text, None, true)
    }

    #[test]
    fn kind_is_detected_from_the_browser_address() {
        for (text, kind, scope, id) in [
            ("https://x.atlassian.net/browse/OPS-12", Kind::Jira, "", "OPS-12"),
            ("https://jira.x.org/jira/browse/OPS-12?focusedId=3", Kind::JiraDc, "", "OPS-12"),
            ("https://x.org/issues/17#note-3", Kind::Redmine, "", "17"),
            ("https://x.org/redmine/issues/17/", Kind::Redmine, "", "17"),
            ("https://x.org/rt/Ticket/Display.html?id=17", Kind::Rt, "", "17"),
            ("https://x.org/a/b/c/-/issues/17", Kind::Gitlab, "a/b/c", "17"),
            (
                "https://x.service-now.com/change_request.do?sys_id=0a1b",
                Kind::ServiceNow,
                "change_request",
                "0a1b",
            ),
            ("servicenow://x.service-now.com/CHG0030001", Kind::ServiceNow, "change_request", "CHG0030001"),
        ] {
            let address = parse(text).unwrap();
            assert_eq!((address.kind, address.scope(), address.id()), (kind, scope, id), "{text}");
        }
        let rt = parse("https://x.org/rt/Ticket/Display.html?id=17").unwrap();
        assert_eq!(rt.to_string(), "https://x.org/rt/Ticket/Display.html?id=17");
        assert_eq!(rt.below("/REST/2.0/a?b=c").as_str(), "https://x.org/rt/REST/2.0/a?b=c");
    }

    #[test]
    fn address_that_cannot_be_used_is_refused() {
        for text in [
            "",
            "x",
            "ftp://x.org/issues/1",
            "https://x.org/",
            "https://x.org/issues/new",
            "https://x.org/a/-/issues/x",
            "https://x.org/a/b/-//issues/17",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(matches!(parse("http://x.org/issues/1"), Err(AddressError::PlainHttp(_))));
        assert!(parse("http://127.0.0.1:3000/issues/1").is_ok());
        let secret = parse("https://me:hush-hush@x.org/issues/1").unwrap_err();
        assert_eq!(secret, AddressError::Credentials);
        let other = Address::parse("https://x.org/issues/1", Some(Kind::Rt), false).unwrap_err();
        assert!(other.to_string().contains("Display.html"), "{other}");
        assert!(parse("servicenow://x.org/a/../b").is_err());
    }
}
