//! Sources of credentials: the environment, files, the cloud server.

use std::io::Read;
use std::path::{Path, PathBuf};

use configparser::ini::Ini;
use reqwest::Url;

use super::credentials::{AccessKey, Credentials, Login, Scope};
use crate::model::{Account, Secret, io_advice};
use crate::sms::http::is_loopback;
use crate::sms::regions::iam_of;

/// The environment variable with a token.
const TOKEN: &str = "SMS_AUTH_TOKEN";
/// Maximum length of a token, in characters.
const MAX_TOKEN: usize = 16_384;
/// The environment variables of AK and SK, those of the official SDK first.
const KEYS: [(&str, &str); 2] =
    [("HUAWEICLOUD_SDK_AK", "HUAWEICLOUD_SDK_SK"), ("CLOUD_SDK_AK", "CLOUD_SDK_SK")];
/// The metadata service of cloud servers.
const METADATA: &str = "http://169.254.169.254";

/// A way to authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// A token.
    Token,
    /// An access key.
    Key,
    /// User name and password for tokens from IAM.
    Password,
    /// The temporary key of the cloud server that this runs on.
    Metadata,
    /// No credentials.
    None,
}

/// The environment variables.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    /// The value of a variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
}

impl Environment<'_> {
    /// A variable's value; none if it is empty.
    pub fn get(&self, name: &str) -> Option<String> {
        (self.variable)(name).map(|value| trim(&value).to_owned()).filter(|value| !value.is_empty())
    }

    /// The credentials file of the official SDKs.
    fn profile_file(&self) -> Option<PathBuf> {
        self.get("HUAWEICLOUD_SDK_CREDENTIALS_FILE").map(PathBuf::from).or_else(|| {
            let home = self.get("HOME").or_else(|| self.get("USERPROFILE"))?;
            Some(Path::new(&home).join(".huaweicloud").join("credentials"))
        })
    }
}

/// The user's choice of credentials.
#[derive(Debug, Clone, Default)]
pub struct CredentialChoice {
    /// The method; none for the first with credentials.
    pub method: Option<Method>,
    /// The file with a token, or `-` for standard input.
    pub token_file: Option<PathBuf>,
    /// Project and account; they override those found with a key.
    pub scope: Scope,
    /// The endpoint of the service, from which the default IAM endpoint is derived.
    pub endpoint: String,
}

/// Credentials, and where they were found.
#[derive(Debug)]
pub struct Found {
    /// The credentials.
    pub credentials: Credentials,
    /// Their source, as in `HUAWEICLOUD_SDK_AK`.
    pub origin: String,
    /// Project and account.
    pub scope: Scope,
    /// Whether nothing was found, so the metadata service is tried.
    pub is_fallback: bool,
}

/// Why there are no credentials.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum FindError {
    #[error("no credentials found: {0}")]
    Missing(String),
    #[error("{set} is set, but {unset} is not; set both")]
    Half { set: String, unset: String },
    #[error("cannot read {path}: {reason}", path = .path.display(), reason = io_advice(.source))]
    File { path: PathBuf, source: std::io::Error },
    #[error("{path} is readable by other users (mode {mode:o}); run chmod 600 on it", path = .path.display())]
    Exposed { path: PathBuf, mode: u32 },
    #[error("{path}: {what}", path = .path.display())]
    Profile { path: PathBuf, what: String },
    #[error("the token in {0} is longer than {MAX_TOKEN} characters; check that only the token was copied")]
    LongToken(String),
    #[error("{0} is not UTF-8 text; save it as UTF-8")]
    NotText(String),
    #[error("the {what} in {origin} contains {found}; copy it again, completely and on one line")]
    Characters { what: &'static str, origin: String, found: &'static str },
}

/// Finds credentials by the chosen method, or the first of: a token, an access key in the environment or the SDKs'
/// file, a password, the key of the cloud server.
///
/// # Errors
/// [`FindError`], which contains no secret.
pub fn find(wanted: &CredentialChoice, environment: Environment<'_>) -> Result<Found, FindError> {
    let mut scope = wanted.scope.clone();
    let found = match wanted.method {
        Some(Method::None) => Some((Credentials::None, "--auth none".to_owned())),
        Some(Method::Metadata) => Some(metadata(environment)),
        Some(Method::Token) => token(wanted, environment)?,
        Some(Method::Key) => key(&mut scope, environment)?,
        Some(Method::Password) => password(wanted, environment)?,
        None => match token(wanted, environment)? {
            Some(found) => Some(found),
            None => match key(&mut scope, environment)? {
                Some(found) => Some(found),
                None => Some(password(wanted, environment)?.unwrap_or_else(|| metadata(environment))),
            },
        },
    };
    let (credentials, origin) = found.ok_or_else(|| FindError::Missing(missing(wanted.method)))?;
    if matches!(credentials, Credentials::Key(_) | Credentials::Metadata { .. }) {
        scope.project_id = scope.project_id.or_else(|| environment.get("HUAWEICLOUD_SDK_PROJECT_ID"));
        scope.domain_id = scope.domain_id.or_else(|| environment.get("HUAWEICLOUD_SDK_DOMAIN_ID"));
    }
    let is_fallback = wanted.method.is_none() && matches!(credentials, Credentials::Metadata { .. });
    Ok(Found { credentials, origin, scope, is_fallback })
}

/// Project and account of a run, as far as options, environment and the SDKs' file contain them. Reads no token, and
/// nothing from standard input. A file that cannot be read is reported by [`find`].
pub fn account(wanted: &CredentialChoice, environment: Environment<'_>) -> Account {
    let has_token = || wanted.token_file.is_some() || environment.get(TOKEN).is_some();
    let by_key = match wanted.method {
        Some(method) => method == Method::Key,
        None => !has_token(),
    };
    let mut scope = wanted.scope.clone();
    let has_key = by_key && matches!(key(&mut scope, environment), Ok(Some(_)));
    let by_password = match wanted.method {
        Some(method) => method == Method::Password,
        None => !has_token() && !has_key && environment.get("SMS_IAM_USER").is_some(),
    };
    let of_login = |name| environment.get(name).filter(|_| by_password);
    Account {
        project_id: scope.project_id.or_else(|| environment.get("HUAWEICLOUD_SDK_PROJECT_ID")),
        project_name: of_login("SMS_IAM_PROJECT"),
        domain_id: scope.domain_id.or_else(|| environment.get("HUAWEICLOUD_SDK_DOMAIN_ID")),
        domain_name: of_login("SMS_IAM_DOMAIN"),
    }
}

/// What to do about missing credentials.
pub fn missing(method: Option<Method>) -> String {
    let token = "set SMS_AUTH_TOKEN or give --token-file FILE";
    let key = "set HUAWEICLOUD_SDK_AK and HUAWEICLOUD_SDK_SK, or keep them in ~/.huaweicloud/credentials";
    let password = "set SMS_IAM_USER, SMS_IAM_PASSWORD and SMS_IAM_DOMAIN";
    match method {
        Some(Method::Token) => token.to_owned(),
        Some(Method::Key) => key.to_owned(),
        Some(Method::Password) => password.to_owned(),
        _ => format!(
            "one of these is needed\n  a token: {token}\n  an access key: {key}\n  a password: {password}\n  \
             an agency of the cloud server that this runs on\n  or --auth none"
        ),
    }
}

type Source = (Credentials, String);

fn token(wanted: &CredentialChoice, environment: Environment<'_>) -> Result<Option<Source>, FindError> {
    let (token, origin) = match &wanted.token_file {
        Some(path) if path == Path::new("-") => {
            let mut text = String::new();
            let origin = "standard input";
            std::io::stdin()
                .read_to_string(&mut text)
                .map_err(|error| unreadable(Path::new(origin), error))?;
            (text, origin.to_owned())
        }
        Some(path) => (read_secret(path)?, path.display().to_string()),
        None => match environment.get(TOKEN) {
            Some(token) => (token, TOKEN.to_owned()),
            None => return Ok(None),
        },
    };
    let token = trim(&token);
    if token.is_empty() {
        return Err(FindError::Missing(format!("{origin} contains no token")));
    }
    if token.chars().count() > MAX_TOKEN {
        return Err(FindError::LongToken(origin));
    }
    check_characters("token", &origin, token)?;
    Ok(Some((Credentials::Token(Secret::new(token.to_owned())), origin)))
}

fn key(scope: &mut Scope, environment: Environment<'_>) -> Result<Option<Source>, FindError> {
    for (id, secret) in KEYS {
        match (environment.get(id), environment.get(secret)) {
            (None, None) => {}
            (Some(_), None) => return Err(FindError::Half { set: id.to_owned(), unset: secret.to_owned() }),
            (None, Some(_)) => return Err(FindError::Half { set: secret.to_owned(), unset: id.to_owned() }),
            (Some(access), Some(secret)) => {
                check_characters("access key", id, &access)?;
                let name = "HUAWEICLOUD_SDK_SECURITY_TOKEN";
                let security_token = environment.get(name);
                check_characters("security token", name, security_token.as_deref().unwrap_or_default())?;
                let security_token = security_token.map(Secret::new);
                let key = AccessKey { id: Secret::new(access), secret: Secret::new(secret), security_token };
                return Ok(Some((Credentials::Key(key), id.to_owned())));
            }
        }
    }
    let path = environment.profile_file().filter(|path| path.exists());
    path.map_or(Ok(None), |path| profile_key(&path, scope))
}

fn profile_key(path: &Path, scope: &mut Scope) -> Result<Option<Source>, FindError> {
    let profile = read_profile(path)?;
    for section in ["basic", "global"] {
        let get = |name: &str| profile.get(section, name).filter(|value| !value.is_empty());
        if let (Some(access), Some(secret)) = (get("ak"), get("sk")) {
            let either = |name: &str| get(name).or_else(|| profile.get("global", name));
            scope.project_id = scope.project_id.take().or_else(|| get("project_id"));
            scope.domain_id = scope.domain_id.take().or_else(|| either("domain_id"));
            let origin = format!("{}, [{section}]", path.display());
            check_characters("access key", &origin, &access)?;
            let security_token = get("security_token");
            check_characters("security token", &origin, security_token.as_deref().unwrap_or_default())?;
            let key = AccessKey {
                id: Secret::new(access),
                secret: Secret::new(secret),
                security_token: security_token.map(Secret::new),
            };
            return Ok(Some((Credentials::Key(key), origin)));
        }
    }
    let has = |name: &str| ["basic", "global"].iter().any(|section| profile.get(section, name).is_some());
    if has("iam_endpoint") && !has("ak") && !has("sk") {
        // The file is only for logins by password.
        return Ok(None);
    }
    let what = "has no `ak` and `sk` in [basic] or [global]".to_owned();
    Err(FindError::Profile { path: path.to_owned(), what })
}

fn read_profile(path: &Path) -> Result<Ini, FindError> {
    let mut profile = Ini::new();
    // A key may contain any character, so there are no inline comments.
    profile.set_inline_comment_symbols(Some(&[]));
    let read = profile.read(read_secret(path)?.trim_start_matches('\u{feff}').to_owned());
    // The parser's message may quote the line with a secret.
    let what = "is not in the format of the SDKs' credentials file: [basic], then ak = …, sk = …".to_owned();
    read.map_err(|_| FindError::Profile { path: path.to_owned(), what })?;
    Ok(profile)
}

fn password(wanted: &CredentialChoice, environment: Environment<'_>) -> Result<Option<Source>, FindError> {
    // Not trimmed: a password may begin or end with a space.
    let password = (environment.variable)("SMS_IAM_PASSWORD").filter(|password| !password.is_empty());
    let (user, password) = match (environment.get("SMS_IAM_USER"), password) {
        (None, None) => return Ok(None),
        (Some(user), Some(password)) => (user, password),
        (Some(_), None) => {
            return Err(FindError::Half { set: "SMS_IAM_USER".into(), unset: "SMS_IAM_PASSWORD".into() });
        }
        (None, Some(_)) => {
            return Err(FindError::Half { set: "SMS_IAM_PASSWORD".into(), unset: "SMS_IAM_USER".into() });
        }
    };
    let domain = environment.get("SMS_IAM_DOMAIN").ok_or_else(|| FindError::Half {
        set: "SMS_IAM_USER".to_owned(),
        unset: "SMS_IAM_DOMAIN (the account's name)".to_owned(),
    })?;
    let of_profile = || {
        let path = environment.profile_file().filter(|path| path.exists())?;
        let profile = read_profile(&path).ok()?;
        profile.get("basic", "iam_endpoint").or_else(|| profile.get("global", "iam_endpoint"))
    };
    let endpoint = environment
        .get("HUAWEICLOUD_SDK_IAM_ENDPOINT")
        .or_else(of_profile)
        .unwrap_or_else(|| default_iam_endpoint(&wanted.endpoint));
    let login = Login {
        endpoint,
        user,
        password: Secret::new(password),
        domain,
        project: environment.get("SMS_IAM_PROJECT"),
    };
    Ok(Some((Credentials::Password(login), "SMS_IAM_USER".to_owned())))
}

fn metadata(environment: Environment<'_>) -> Source {
    let endpoint = environment.get("SMS_METADATA_ENDPOINT").unwrap_or_else(|| METADATA.to_owned());
    let origin = format!("the metadata service at {endpoint}");
    (Credentials::Metadata { endpoint }, origin)
}

/// Reads the secret in a file, without surrounding spaces and line breaks.
///
/// # Errors
/// [`FindError`] if the file cannot be read, or other users can read it.
pub fn secret_of_file(path: &Path) -> Result<Secret, FindError> {
    let text = read_secret(path)?;
    Ok(Secret::new(trim(&text).to_owned()))
}

/// Reads a file with a secret; refuses one that other users can read.
fn read_secret(path: &Path) -> Result<String, FindError> {
    let fault = |source| FindError::File { path: path.to_owned(), source };
    let mut file = std::fs::File::open(path).map_err(fault)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata().map_err(fault)?.permissions().mode() & 0o777;
        if mode & 0o077 != 0 {
            return Err(FindError::Exposed { path: path.to_owned(), mode });
        }
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(|error| unreadable(path, error))?;
    Ok(text)
}

fn unreadable(path: &Path, source: std::io::Error) -> FindError {
    match source.kind() {
        std::io::ErrorKind::InvalidData => FindError::NotText(path.display().to_string()),
        _ => FindError::File { path: path.to_owned(), source },
    }
}

/// Trims white space and byte order marks.
fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}')
}

/// Checks a value that is sent in a header: credentials are visible ASCII.
fn check_characters(what: &'static str, origin: &str, text: &str) -> Result<(), FindError> {
    let Some(wrong) = text.chars().find(|c| !c.is_ascii_graphic()) else { return Ok(()) };
    let found = match wrong {
        '\r' | '\n' => "a line break",
        c if c.is_whitespace() => "a space",
        c if c.is_control() => "a control character",
        _ => "a character that is not ASCII",
    };
    Err(FindError::Characters { what, origin: origin.to_owned(), found })
}

/// The default IAM endpoint: of the service's region, or the service itself if it is on this machine.
fn default_iam_endpoint(endpoint: &str) -> String {
    match Url::parse(endpoint) {
        Ok(url) if is_loopback(&url) => endpoint.to_owned(),
        url => iam_of(url.ok().and_then(|url| url.host_str().map(str::to_owned)).as_deref()),
    }
}
