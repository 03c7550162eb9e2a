//! From the options to a client: the endpoint, in our own process if asked, and the credentials.

use std::io::Read;
use std::path::Path;

use crate::cli::{Auth, ConnectionArgs};
use crate::model::Secret;
use crate::service::{Service, Settings};
use crate::sms::{Client, ClientError, Connection};

use super::exit::Failure;

/// The endpoint's name for the service in our own process.
const EMBEDDED: &str = "embedded";
/// The variable that holds a token.
const TOKEN_VARIABLE: &str = "SMS_AUTH_TOKEN";

/// The longest token that the API takes, in characters.
const MAX_TOKEN: usize = 16_384;

/// A client, and the embedded service that it talks to, if any.
pub(super) struct Connected {
    pub(super) client: Client,
    /// The endpoint as journals and reports name it.
    pub(super) name: String,
    embedded: Option<Service>,
}

impl Connected {
    /// Ends the embedded service, if there is one.
    pub(super) async fn close(self) {
        if let Some(service) = self.embedded {
            service.stop().await;
        }
    }
}

/// Finds the credentials, starts the embedded service if it is asked for, and makes the client.
pub(super) async fn connect(args: &ConnectionArgs) -> Result<Connected, Failure> {
    let Some(endpoint) = args.endpoint.as_deref() else {
        return Err(Failure::usage(
            "no endpoint: give --endpoint URL, as in https://sms.ap-southeast-3.myhuaweicloud.com, or --endpoint embedded for sample data",
        ));
    };
    let mut embedded = None;
    let mut token = None;
    let mut address = endpoint.to_owned();
    if endpoint == EMBEDDED {
        let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let service = Service::start(listen, Settings::default()).await.map_err(Failure::stopped)?;
        address = format!("http://{}", service.address());
        embedded = Some(service);
    } else {
        token = find_token(args)?;
    }
    let client = Client::new(Connection {
        endpoint: address,
        token,
        allow_http: args.allow_http,
        timeout: args.timeout,
        connect_timeout: args.connect_timeout,
        max_response: args.max_response,
        ca_cert: args.ca_cert.clone(),
    })
    .map_err(|error| match error {
        ClientError::Token => Failure::credentials(error),
        error => Failure::usage(error),
    })?;
    let name = if embedded.is_some() { EMBEDDED.to_owned() } else { client.endpoint().to_owned() };
    Ok(Connected { client, name, embedded })
}

fn find_token(args: &ConnectionArgs) -> Result<Option<Secret>, Failure> {
    if args.auth == Some(Auth::None) {
        return Ok(None);
    }
    let (token, source) = match &args.token_file {
        Some(path) => (read_token(path)?, path.display().to_string()),
        None => (std::env::var(TOKEN_VARIABLE).unwrap_or_default(), TOKEN_VARIABLE.to_owned()),
    };
    let token = token.trim();
    if token.is_empty() {
        return Err(Failure::credentials(format!(
            "no credentials: {source} holds no token; set {TOKEN_VARIABLE}, give --token-file FILE, or --auth none"
        )));
    }
    if token.chars().count() > MAX_TOKEN {
        return Err(Failure::credentials(format!(
            "the token in {source} is longer than {MAX_TOKEN} characters, which no token is"
        )));
    }
    Ok(Some(Secret::new(token.to_owned())))
}

fn read_token(path: &Path) -> Result<String, Failure> {
    let fault =
        |error: std::io::Error| Failure::credentials(format!("--token-file {}: {error}", path.display()));
    let mut token = String::new();
    if path == Path::new("-") {
        std::io::stdin().read_to_string(&mut token).map_err(fault)?;
        return Ok(token);
    }
    let mut file = std::fs::File::open(path).map_err(fault)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = file.metadata().map_err(fault)?.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(Failure::credentials(format!(
                "--token-file {}: others can read it (mode {:o}); run chmod 600 on it",
                path.display(),
                mode & 0o777
            )));
        }
    }
    file.read_to_string(&mut token).map_err(fault)?;
    Ok(token)
}
