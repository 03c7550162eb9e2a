//! Creates a client from the options: endpoint, embedded service, credentials.

use crate::cli::{Auth, ConnectionArgs};
pub(crate) use crate::journal::EMBEDDED;
use crate::model::Account;
use crate::net::Proxies;
use crate::service::{Service, Settings};
use crate::sms::auth::{self, CredentialChoice, Credentials, Environment, Found, Method};
use crate::sms::{Client, ClientError, Connection, HttpSettings, Scope, regions};

use super::exit::{Exit, Failure};

/// A client, with the embedded service if it uses that.
pub(crate) struct Connected {
    pub(crate) client: Client,
    /// The endpoint, as in journals and reports.
    pub(crate) name: String,
    embedded: Option<Service>,
}

impl Connected {
    /// Stops the embedded service, if there is one.
    pub(crate) async fn close(self) {
        if let Some(service) = self.embedded {
            service.stop().await;
        }
    }
}

/// Finds credentials, or starts the embedded service, and creates the client.
pub(crate) async fn connect(args: &ConnectionArgs) -> Result<Connected, Failure> {
    let endpoint = endpoint(args)?;
    if endpoint == EMBEDDED {
        let listen = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        let service = Service::start(listen, Settings::default()).await.map_err(Failure::stopped)?;
        let address = format!("http://{}", service.address());
        let client = client(args, address, Credentials::None, Scope::default())?;
        return Ok(Connected { client, name: EMBEDDED.to_owned(), embedded: Some(service) });
    }
    let found = credentials(args, &endpoint)?;
    let origin = found.origin;
    let client = client(args, endpoint, found.credentials, found.scope)?;
    if let Err(failure) = client.authenticate().await
        && !failure.is_transient()
    {
        let message = if found.is_fallback {
            format!("no credentials found: {}", auth::missing(None))
        } else {
            format!("the credentials from {origin} cannot be used: {}", failure.summary())
        };
        return Err(no_credentials(&message));
    }
    let name = client.endpoint().to_owned();
    tracing::info!(event = "connected", endpoint = name.as_str(), credentials = origin.as_str());
    Ok(Connected { client, name, embedded: None })
}

/// The endpoint, as in journals and reports, without reading credentials.
pub(crate) fn name(args: &ConnectionArgs) -> Result<String, Failure> {
    let endpoint = endpoint(args)?;
    if endpoint == EMBEDDED {
        return Ok(endpoint);
    }
    let client = client(args, endpoint, Credentials::None, Scope::default())?;
    Ok(client.endpoint().to_owned())
}

/// The endpoint of the API, from --endpoint or --region. Checks the proxy variables, except for the embedded service.
pub(crate) fn endpoint(args: &ConnectionArgs) -> Result<String, Failure> {
    let endpoint = match (&args.endpoint, &args.region) {
        (Some(endpoint), _) => endpoint.clone(),
        (None, Some(region)) => regions::endpoint(region, variable).map_err(Failure::usage)?,
        (None, None) => {
            return Err(Failure::usage(
                "no endpoint: give --region ID, as in ap-southeast-3, or --endpoint URL, or --endpoint embedded for sample data",
            ));
        }
    };
    if endpoint != EMBEDDED {
        Proxies::of_environment().map_err(Failure::usage)?;
    }
    Ok(endpoint)
}

/// The credentials for `endpoint`, and their source.
pub(crate) fn credentials(args: &ConnectionArgs, endpoint: &str) -> Result<Found, Failure> {
    auth::find(&wanted(args, endpoint), Environment { variable: &variable })
        .map_err(|error| no_credentials(&error.to_string()))
}

/// Project and account of a run, as far as known before the first request.
pub(crate) fn account(args: &ConnectionArgs) -> Account {
    auth::account(&wanted(args, ""), Environment { variable: &variable })
}

fn wanted(args: &ConnectionArgs, endpoint: &str) -> CredentialChoice {
    let method = args.auth.map(|auth| match auth {
        Auth::Token => Method::Token,
        Auth::Aksk => Method::Key,
        Auth::Password => Method::Password,
        Auth::Metadata => Method::Metadata,
        Auth::None => Method::None,
    });
    CredentialChoice {
        method,
        token_file: args.token_file.clone(),
        scope: Scope { project_id: args.project_id.clone(), domain_id: args.domain_id.clone() },
        endpoint: endpoint.to_owned(),
    }
}

/// Credentials that are missing or refused. The message may have several lines: one for each way to set them.
fn no_credentials(message: &str) -> Failure {
    Failure::lines(Exit::Credentials, message.lines())
}

/// A client with the limits of the options.
pub(crate) fn client(
    args: &ConnectionArgs,
    endpoint: String,
    credentials: Credentials,
    scope: Scope,
) -> Result<Client, Failure> {
    let http = HttpSettings {
        timeout: args.timeout,
        connect_timeout: args.connect_timeout,
        max_response: args.max_response,
        ca_cert: args.ca_cert.clone(),
        allow_http: args.allow_http,
    };
    Client::new(Connection { endpoint, credentials, scope, http }).map_err(|error| match error {
        ClientError::Header(_) => Failure::credentials(error),
        error => Failure::usage(error),
    })
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}
