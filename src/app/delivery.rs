//! `--to`: from the options to tickets and mails.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::cli::{DeliveryArgs, DeliveryTargetArgs, TicketSystem, Typed};
use crate::delivery::{
    self, Address, Comment, Credentials, Delivered, Kind, MailSettings, Mailer, Payload, Plan, Ticket,
    WebSettings, payloads,
};
use crate::model::{Markup, Secret};
use crate::output::{Finding, Manifest, ManifestError};
use crate::sms::auth;
use crate::storage::Storage;
use crate::threads::runtime;

use super::console;
use super::exit::{Exit, Failure};

/// The time for one request; an upload may be large.
const TIMEOUT: Duration = Duration::from_secs(300);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// The time for one step of the dialogue with a mail server.
const MAIL_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_ATTEMPTS: NonZeroU32 = match NonZeroU32::new(8) {
    Some(attempts) => attempts,
    None => NonZeroU32::MIN,
};

/// Where to deliver, and what.
pub(crate) struct Delivery {
    targets: Vec<Target>,
    attach: Vec<String>,
}

enum Target {
    Ticket(TicketTarget),
    Mail { address: String, mailer: Box<Mailer> },
}

impl Target {
    fn name(&self) -> String {
        match self {
            Self::Ticket(ticket) => ticket.address.to_string(),
            Self::Mail { address, .. } => address.clone(),
        }
    }
}

struct TicketTarget {
    address: Address,
    credentials: Credentials,
    /// As in `$RT_TOKEN`.
    secret_name: String,
    ca_cert: Option<PathBuf>,
}

impl TicketTarget {
    fn open(&self, largest_file: u64) -> Result<Box<dyn Ticket>, String> {
        let settings = WebSettings {
            timeout: TIMEOUT,
            connect_timeout: CONNECT_TIMEOUT,
            max_attempts: MAX_ATTEMPTS,
            ca_cert: self.ca_cert.clone(),
            largest_file,
            secret_name: self.secret_name.clone(),
        };
        delivery::open(&self.address, self.credentials.clone(), &settings).map_err(|error| error.to_string())
    }

    /// Checks the ticket without changing anything; gives what was found.
    fn check(&self) -> Result<String, String> {
        let runtime = runtime().map_err(|error| error.to_string())?;
        let ticket = self.open(0)?;
        let text = |error: delivery::DeliveryError| error.to_string();
        // A mark that no comment has.
        let state = runtime.block_on(ticket.state("no such mark")).map_err(text)?;
        let limit = runtime.block_on(ticket.max_size()).map_err(text)?;
        let limit = limit.map_or_else(|| "unknown".to_owned(), |limit| format!("{limit} bytes"));
        Ok(format!("can be read, {} attachments, size limit {limit}", state.attachments.len()))
    }
}

/// A manifest whose files are as they were written, ready to be delivered.
struct Parcel {
    files: Vec<Payload>,
    comment: Comment,
}

impl Delivery {
    /// Checks the options; none without `--to`. Nothing is connected to.
    ///
    /// # Errors
    /// Wrong usage, or secrets that are missing.
    pub(crate) fn of(args: &DeliveryArgs, ca_cert: Option<&Path>) -> Result<Option<Self>, Failure> {
        let delivery = Self::to_check(&args.targets, args.max_mail, ca_cert)?;
        Ok(delivery.map(|delivery| Self { attach: args.attach.clone(), ..delivery }))
    }

    /// As [`of`](Self::of), for [`check`](Self::check).
    ///
    /// # Errors
    /// Wrong usage, or secrets that are missing.
    pub(crate) fn to_check(
        args: &DeliveryTargetArgs,
        max_mail: u64,
        ca_cert: Option<&Path>,
    ) -> Result<Option<Self>, Failure> {
        if args.to.is_empty() {
            return Ok(None);
        }
        let targets =
            args.to.iter().map(|url| target(url, args, max_mail, ca_cert)).collect::<Result<_, _>>()?;
        Ok(Some(Self { targets, attach: Vec::new() }))
    }

    /// Delivers the files of the manifest at `path` to each target, also if another target fails. `text` is the
    /// comment's text in Markdown, if the manifest's files have none. `print` gets the address of each comment.
    ///
    /// # Errors
    /// That the files are not as they were written, or that a delivery failed.
    pub(crate) fn run(
        &self,
        path: &Path,
        text: Option<String>,
        storage: &Storage,
        mut print: impl FnMut(&str) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let parcel = self.parcel(path, text, storage)?;
        let mut failed = 0;
        for target in &self.targets {
            let name = target.name();
            match deliver(target, &parcel) {
                Ok(done) => {
                    let (uploaded, commented) = (done.uploaded.len(), done.commented);
                    tracing::info!(event = "delivered", to = name.as_str(), uploaded, commented);
                    print(&done.address)?;
                }
                Err(what) => {
                    console::error(&format!("cannot deliver to {name}: {what}"));
                    failed += 1;
                }
            }
        }
        if failed > 0 {
            let all = self.targets.len();
            return Err(Failure::new(Exit::Delivery, format!("{failed} of {all} deliveries failed")));
        }
        Ok(())
    }

    /// As [`run`](Self::run), at the end of a command that wrote the files. Prints the addresses to stdout, unless
    /// it has a document. Returns false if a delivery failed, which is reported.
    pub(crate) fn deliver(
        &self,
        manifest: &Path,
        text: String,
        has_document: bool,
        typed: &Typed,
        storage: &Storage,
    ) -> bool {
        let print = |address: &str| {
            if has_document || console::is_quiet() {
                console::note(address);
                return Ok(());
            }
            console::out(address).map(drop)
        };
        let Err(failure) = self.run(manifest, Some(text), storage, print) else { return true };
        let again = typed.deliver(manifest);
        console::failure(&failure.and(format!("to retry: `{again}`; what was delivered is not sent again")));
        false
    }

    /// Prints what [`run`](Self::run) would do.
    ///
    /// # Errors
    /// As of [`run`](Self::run).
    pub(crate) fn dry_run(&self, path: &Path, storage: &Storage) -> Result<(), Failure> {
        let parcel = self.parcel(path, None, storage)?;
        let mut failed = false;
        for target in &self.targets {
            match plan(target, &parcel) {
                Ok(lines) => lines.iter().try_for_each(|line| console::out(line).map(drop))?,
                Err(what) => {
                    console::error(&format!("cannot deliver to {}: {what}", target.name()));
                    failed = true;
                }
            }
        }
        if failed { Err(Failure::new(Exit::Delivery, "nothing was changed")) } else { Ok(()) }
    }

    /// Checks each target without changing anything; gives its name, and what was found.
    pub(crate) fn check(&self) -> Vec<(String, Result<String, String>)> {
        let check = |target: &Target| match target {
            Target::Mail { mailer, .. } => mailer
                .check()
                .map(|()| "the mail server accepts the credentials".to_owned())
                .map_err(|e| e.to_string()),
            Target::Ticket(ticket) => ticket.check(),
        };
        self.targets.iter().map(|target| (target.name(), check(target))).collect()
    }

    fn parcel(&self, path: &Path, text: Option<String>, storage: &Storage) -> Result<Parcel, Failure> {
        let manifest = Manifest::read(path, storage).map_err(manifest_failure)?;
        for (file, finding) in manifest.findings() {
            let file = file.display();
            let what = match finding {
                Finding::Same => continue,
                Finding::Missing => format!("{file} is missing"),
                Finding::Changed(how) => format!("{file} changed: {how}"),
                Finding::Unreadable(why) => format!("{file} cannot be read: {why}"),
            };
            let path = path.display();
            return Err(Failure::stopped(format!(
                "{path}: {what}; nothing was delivered; write the reports again"
            )));
        }
        if !manifest.is_complete() {
            let path = path.display();
            return Err(Failure::stopped(format!(
                "{path}: the run could not write all its outputs, so nothing is delivered; write the reports again"
            )));
        }
        let files = payloads(&manifest, path, &self.attach, storage).map_err(|error| match error {
            delivery::PayloadError::Unknown(..) => Failure::usage(error),
            error => Failure::stopped(error),
        })?;
        let text = own_text(&manifest, storage).or(text).unwrap_or_else(|| {
            format!("**{}**", manifest.headline().unwrap_or("Consistency verification results"))
        });
        let headline = manifest.headline().unwrap_or("consistency verification results").to_owned();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let comment = Comment::new(text, headline, &files, name, hex::encode(manifest.sha256()));
        Ok(Parcel { files, comment })
    }
}

fn deliver(target: &Target, parcel: &Parcel) -> Result<Delivered, String> {
    let Parcel { files, comment } = parcel;
    match target {
        Target::Mail { mailer, .. } => {
            let address = mailer.send(comment, files).map_err(|error| error.to_string())?;
            let uploaded = files.iter().map(|file| file.name.clone()).collect();
            Ok(Delivered { address, uploaded, commented: true })
        }
        Target::Ticket(ticket) => {
            let runtime = runtime().map_err(|error| error.to_string())?;
            let ticket = ticket.open(largest(files))?;
            let delivered = runtime.block_on(delivery::deliver(&*ticket, files, comment, MAX_ATTEMPTS));
            delivered.map_err(|error| error.to_string())
        }
    }
}

/// What [`deliver`] would do, a line each.
fn plan(target: &Target, parcel: &Parcel) -> Result<Vec<String>, String> {
    let Parcel { files, comment } = parcel;
    let name = target.name();
    let Target::Ticket(ticket) = target else {
        return Ok(vec![format!("would mail {} files to {name}", files.len())]);
    };
    let ticket = ticket.open(largest(files))?;
    let runtime = runtime().map_err(|error| error.to_string())?;
    let plan = runtime.block_on(delivery::plan(&*ticket, files, &comment.mark));
    let Plan { missing, present, comment } = plan.map_err(|error| error.to_string())?;
    let upload = missing.iter().map(|file| format!("would upload {file} to {name}"));
    let skip = present.iter().map(|file| format!("has {file}: {name}"));
    let comment = match comment {
        Some(address) => format!("has the comment: {address}"),
        None => format!("would post the comment to {name}"),
    };
    Ok(upload.chain(skip).chain([comment]).collect())
}

fn largest(files: &[Payload]) -> u64 {
    files.iter().map(Payload::size).max().unwrap_or_default()
}

/// The error of a manifest that cannot be used.
pub(crate) fn manifest_failure(error: ManifestError) -> Failure {
    match error {
        ManifestError::Io { .. } => Failure::stopped(error),
        ManifestError::Storage(error) => Failure::storage(error),
        ManifestError::NoManifest { .. } | ManifestError::Format { .. } => Failure::usage(error),
    }
}

/// The text of the first `.md` among the files of a manifest, as Markdown.
fn own_text(manifest: &Manifest, storage: &Storage) -> Option<String> {
    let file = manifest.files().find(|file| file.name.to_ascii_lowercase().ends_with(".md"))?;
    let text = std::fs::read_to_string(storage.fetch(&file.path).ok()?.local).ok()?;
    if manifest.ticket_format().is_none_or(|format| format == Markup::Markdown.key()) {
        return Some(text);
    }
    // Every line as it is.
    let lines = text.lines().map(|line| delivery::escape(line.trim()));
    Some(lines.collect::<Vec<_>>().join("\n\n"))
}

fn target(
    url: &str,
    args: &DeliveryTargetArgs,
    max_mail: u64,
    ca_cert: Option<&Path>,
) -> Result<Target, Failure> {
    if url.starts_with("mailto:") {
        return mail(url, args, max_mail, ca_cert);
    }
    let kind = args.ticket_system.map(kind);
    let is_data_center = variable("JIRA_PAT").is_some() || variable("JIRA_API_TOKEN").is_none();
    let address = Address::parse(url, kind, is_data_center).map_err(Failure::usage)?;
    let (credentials, secret_name) = credentials(address.kind(), args.ticket_token_file.as_deref())?;
    let ca_cert = ca_cert.map(Path::to_owned);
    Ok(Target::Ticket(TicketTarget { address, credentials, secret_name, ca_cert }))
}

fn mail(
    url: &str,
    args: &DeliveryTargetArgs,
    max_mail: u64,
    ca_cert: Option<&Path>,
) -> Result<Target, Failure> {
    let server = args.smtp.clone().ok_or_else(|| {
        Failure::usage(format!("--to {url} needs a mail server; add --smtp smtps://USER@HOST:465"))
    })?;
    let has_user = server.split_once("://").is_some_and(|(_, rest)| rest.contains('@'));
    let password = variable("SMTP_PASSWORD").map(Secret::new);
    if has_user && password.is_none() {
        return Err(Failure::credentials(
            "SMTP_PASSWORD is not set: set it to the password of the user in --smtp",
        ));
    }
    let settings = MailSettings {
        server,
        from: args.mail_from.clone(),
        password,
        max_mail,
        timeout: MAIL_TIMEOUT,
        max_attempts: MAX_ATTEMPTS,
        ca_cert: ca_cert.map(Path::to_owned),
    };
    let mailer = Mailer::new(url, settings).map_err(Failure::usage)?;
    Ok(Target::Mail { address: url.to_owned(), mailer: Box::new(mailer) })
}

const fn kind(system: TicketSystem) -> Kind {
    match system {
        TicketSystem::Jira => Kind::Jira,
        TicketSystem::JiraDc => Kind::JiraDc,
        TicketSystem::Redmine => Kind::Redmine,
        TicketSystem::Rt => Kind::Rt,
        TicketSystem::Gitlab => Kind::Gitlab,
        TicketSystem::Servicenow => Kind::ServiceNow,
    }
}

/// The credentials for a system, and where the secret was found.
fn credentials(kind: Kind, file: Option<&Path>) -> Result<(Credentials, String), Failure> {
    let (name, what) = match kind {
        Kind::Jira => ("JIRA_API_TOKEN", "an API token of the user in JIRA_USER"),
        Kind::JiraDc => ("JIRA_PAT", "a personal access token"),
        Kind::Redmine => ("REDMINE_API_KEY", "the API key of your account page"),
        Kind::Rt => ("RT_TOKEN", "an authentication token"),
        Kind::Gitlab => ("GITLAB_TOKEN", "an access token with the scope api"),
        Kind::ServiceNow => ("SERVICENOW_TOKEN", "a token, or SERVICENOW_USER and SERVICENOW_PASSWORD"),
    };
    let (secret, origin) = match file {
        Some(path) => {
            let secret = auth::secret_of_file(path).map_err(Failure::credentials)?;
            (Some(secret), format!("{} (--ticket-token-file)", path.display()))
        }
        None => (variable(name).map(Secret::new), format!("${name}")),
    };
    let bearer = |secret: &Secret| {
        Credentials::Header("authorization", Secret::new(format!("Bearer {}", secret.expose())))
    };
    let credentials = match (kind, secret) {
        (Kind::ServiceNow, None) => {
            let user = variable("SERVICENOW_USER").ok_or_else(|| missing(name, what))?;
            let password = variable("SERVICENOW_PASSWORD").ok_or_else(|| missing(name, what))?;
            return Ok((Credentials::Basic(user, Secret::new(password)), "$SERVICENOW_PASSWORD".to_owned()));
        }
        (_, None) => return Err(missing(name, what)),
        (Kind::Jira, Some(secret)) => {
            let user = variable("JIRA_USER")
                .ok_or_else(|| missing("JIRA_USER", "the e-mail address of the account"))?;
            Credentials::Basic(user, secret)
        }
        (Kind::JiraDc | Kind::ServiceNow, Some(secret)) => bearer(&secret),
        (Kind::Redmine, Some(secret)) => Credentials::Header("x-redmine-api-key", secret),
        (Kind::Rt, Some(secret)) => {
            Credentials::Header("authorization", Secret::new(format!("token {}", secret.expose())))
        }
        (Kind::Gitlab, Some(secret)) => Credentials::Header("private-token", secret),
    };
    Ok((credentials, origin))
}

fn missing(name: &str, what: &str) -> Failure {
    Failure::credentials(format!(
        "{name} is not set: it must be {what}; set it, or use --ticket-token-file for tokens"
    ))
}

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
}
