//! `doctor`: checks everything that a run needs, without changing anything.

use std::path::Path;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;

use crate::answer::read_answer;
use crate::cli::{ConnectionArgs, DoctorArgs};
use crate::model::TaskId;
use crate::sms::auth::{self, Credentials};
use crate::sms::{Client, Outcome, Scope, pages};
use crate::storage::{Storage, is_remote};
use crate::threads::runtime;

use crate::app::connect;
use crate::app::console;
use crate::app::delivery::Delivery;
use crate::app::exit::{Exit, Failure};
use crate::app::hints::{LISTING, LISTING_CONTEXT, denied};
use crate::app::terminal_language;

/// The gateway refuses signatures of clocks that differ more than this.
const GREATEST_SKEW: Duration = Duration::from_secs(15 * 60);
/// The difference from which the clock is reported; NTP keeps it far smaller.
const NOTABLE_SKEW: Duration = Duration::from_secs(60);
/// Below this free space, in bytes, a report may not fit.
const LITTLE_SPACE: u64 = 100 << 20;

pub(super) fn run(args: &DoctorArgs, storage: &Storage) -> Result<Exit, Failure> {
    let runtime = runtime().map_err(Failure::stopped)?;
    let mut findings = Findings { exit: Exit::Done };
    runtime.block_on(connection(args, &mut findings))?;
    if is_remote(&args.output) {
        object_storage(&args.output, storage, &mut findings)?;
    } else {
        disk(&args.output, &mut findings)?;
    }
    delivery(args, &mut findings)?;
    Ok(findings.exit)
}

/// Whether the tickets can be read, and the mail server accepts the credentials.
fn delivery(args: &DoctorArgs, findings: &mut Findings) -> Result<(), Failure> {
    let delivery = match Delivery::to_check(&args.delivery, 0, args.connection.ca_cert.as_deref()) {
        Ok(None) => return Ok(()),
        Ok(Some(delivery)) => delivery,
        Err(failure) => return findings.fail(failure.exit, "delivery", failure.message()),
    };
    for (target, found) in delivery.check() {
        match found {
            Ok(what) => findings.ok("delivery", &format!("{target}: {what}"))?,
            Err(what) => findings.fail(Exit::Delivery, "delivery", &format!("{target}: {what}"))?,
        }
    }
    Ok(())
}

/// The exit code so far: that of the first failure.
struct Findings {
    exit: Exit,
}

impl Findings {
    fn ok(&self, check: &str, what: &str) -> Result<(), Failure> {
        line("ok", check, what)
    }

    fn warn(&self, check: &str, what: &str) -> Result<(), Failure> {
        line("warn", check, what)
    }

    fn skip(&self, check: &str, what: &str) -> Result<(), Failure> {
        line("skip", check, what)
    }

    fn fail(&mut self, exit: Exit, check: &str, what: &str) -> Result<(), Failure> {
        if self.exit == Exit::Done {
            self.exit = exit;
        }
        line("FAIL", check, what)
    }
}

fn line(mark: &str, check: &str, what: &str) -> Result<(), Failure> {
    let what = what.lines().map(str::trim).collect::<Vec<_>>().join("; ");
    let what = terminal_language::message(&what);
    console::out(&format!("{mark:4}  {check:11}  {what}")).map(drop)
}

/// Checks everything up to reading one task; stops at the first failure, because each check needs those before it.
async fn connection(args: &DoctorArgs, findings: &mut Findings) -> Result<(), Failure> {
    let options = &args.connection;
    let endpoint = match connect::endpoint(options) {
        Ok(endpoint) => endpoint,
        Err(failure) => return findings.fail(failure.exit, "endpoint", failure.message()),
    };
    if endpoint == connect::EMBEDDED {
        findings.ok("endpoint", "embedded, with sample data")?;
        let connected = connect::connect(options).await?;
        calls(args, &connected.client, false, findings).await?;
        connected.close().await;
        return Ok(());
    }
    let found = match connect::credentials(options, &endpoint) {
        Ok(found) => found,
        Err(failure) => {
            findings.fail(failure.exit, "credentials", failure.message())?;
            return match without_credentials(options, endpoint) {
                Ok(client) => {
                    findings.ok("endpoint", client.endpoint())?;
                    network(&client, findings).await
                }
                Err(failure) => findings.fail(failure.exit, "endpoint", failure.message()),
            };
        }
    };
    let (is_signed, origin, is_fallback) = (found.credentials.sign(), found.origin, found.is_fallback);
    let client = match connect::client(options, endpoint, found.credentials, found.scope) {
        Ok(client) => client,
        Err(failure) => return findings.fail(failure.exit, "endpoint", failure.message()),
    };
    findings.ok("endpoint", client.endpoint())?;
    match client.authenticate().await {
        Ok(()) => findings.ok("credentials", &format!("from {origin}"))?,
        Err(failure) => {
            let what = if is_fallback {
                format!("none: {}", auth::missing(None))
            } else {
                format!("those from {origin} cannot be used: {}", failure.summary())
            };
            // An endpoint that cannot be reached has not refused the credentials.
            let exit = if failure.is_transient() { Exit::Stopped } else { Exit::Credentials };
            findings.fail(exit, "credentials", &what)?;
            let endpoint = client.endpoint().to_owned();
            return match without_credentials(options, endpoint) {
                Ok(client) => network(&client, findings).await,
                Err(failure) => findings.fail(failure.exit, "endpoint", failure.message()),
            };
        }
    }
    calls(args, &client, is_signed, findings).await
}

fn without_credentials(options: &ConnectionArgs, endpoint: String) -> Result<Client, Failure> {
    connect::client(options, endpoint, Credentials::None, Scope::default())
}

/// Checks that the endpoint answers a client without credentials.
async fn network(client: &Client, findings: &mut Findings) -> Result<(), Failure> {
    match client.sources(first_source()).await {
        Outcome::Answered(reply) => answers(client, reply.date, false, findings),
        Outcome::Failed(failure) | Outcome::Refused(failure) if failure.status.is_some() => {
            answers(client, failure.date, false, findings)
        }
        Outcome::Failed(failure) | Outcome::Refused(failure) => {
            findings.fail(Exit::Stopped, "network", &failure.summary())
        }
    }
}

/// Reports that the endpoint answers, and compares the clocks.
fn answers(
    client: &Client,
    date: Option<SystemTime>,
    is_signed: bool,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let is_encrypted = client.endpoint().starts_with("https://");
    let what = if is_encrypted { "answers, its certificate is valid" } else { "answers, unencrypted" };
    findings.ok("network", what)?;
    clock(date, is_signed, findings)
}

/// The query for the first source server.
fn first_source() -> Vec<(String, String)> {
    let query = [("is_consistency_result_exist", "true"), ("limit", "1"), ("offset", "0")];
    query.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec()
}

/// Asks for the first source server, and for the results of one task.
async fn calls(
    args: &DoctorArgs,
    client: &Client,
    is_signed: bool,
    findings: &mut Findings,
) -> Result<(), Failure> {
    let outcome = client.sources(first_source()).await;
    let (answered, date) = match &outcome {
        Outcome::Answered(reply) => (true, reply.date),
        Outcome::Failed(failure) | Outcome::Refused(failure) => (failure.status.is_some(), failure.date),
    };
    if answered {
        answers(client, date, is_signed, findings)?;
    }
    let listed = match outcome {
        Outcome::Answered(reply) => pages::sources(&reply.body),
        Outcome::Failed(failure) if !answered => {
            return findings.fail(Exit::Stopped, "network", &failure.summary());
        }
        Outcome::Failed(failure) => Err(denied(&failure, LISTING)),
        Outcome::Refused(failure) => {
            return findings.fail(Exit::Credentials, "credentials", &failure.summary());
        }
    };
    let first = match listed {
        Ok(page) => {
            let count = page.count.map_or_else(String::new, |count| format!(", {count} of them"));
            let what = format!("source servers with results can be listed{count}");
            match context(client).await {
                Ok(context) => findings.ok("list", &format!("{what}{context}"))?,
                Err(unknown) => {
                    findings.ok("list", &what)?;
                    findings.warn(
                        "context",
                        &format!(
                            "not known, so later synchronisations and configured directories are not checked: {unknown}"
                        ),
                    )?;
                }
            }
            page.entries.into_iter().find_map(|entry| entry.task)
        }
        Err(what) => {
            findings.fail(Exit::Stopped, "list", &what)?;
            None
        }
    };
    match args.task.clone().or_else(|| first.map(|task| task.id)) {
        Some(id) => read(&id, client, findings).await,
        None => findings.skip("read", "no task to test with; give one with --task ID"),
    }
}

/// Whether the task listing carries the context of tasks, to be said after what can be listed; else why not.
async fn context(client: &Client) -> Result<&'static str, String> {
    let query = [("limit", "1"), ("offset", "0")].map(|(name, value)| (name.to_owned(), value.to_owned()));
    let page = match client.tasks(query.to_vec()).await {
        Outcome::Answered(reply) => pages::tasks(&reply.body, Timestamp::UNIX_EPOCH)?,
        Outcome::Failed(failure) => return Err(denied(&failure, LISTING_CONTEXT)),
        Outcome::Refused(failure) => return Err(failure.summary()),
    };
    match page.entries.into_iter().find_map(|entry| entry.task) {
        Some(task) if task.context.is_some() => Ok("; the task listing has the context of tasks"),
        Some(_) => Err("the task listing does not have it".to_owned()),
        None => Ok(""),
    }
}

async fn read(id: &str, client: &Client, findings: &mut Findings) -> Result<(), Failure> {
    let task_id = match TaskId::new(id) {
        Ok(task_id) => task_id,
        Err(error) => return findings.fail(Exit::Usage, "read", &format!("--task {id}: {error}")),
    };
    match client.consistency_result(&task_id).await {
        Outcome::Answered(reply) => {
            match read_answer(reply.status, reply.content_range.as_deref(), &reply.body) {
                Ok(_) => findings.ok("read", &format!("the results of task {id} can be read")),
                Err(error) => findings.fail(Exit::Stopped, "read", &format!("task {id}: {error}")),
            }
        }
        Outcome::Refused(failure) => findings.fail(Exit::Credentials, "read", &failure.summary()),
        Outcome::Failed(failure) => {
            let what = denied(&failure, "reading needs sms:server:getConsistencyCheckResult");
            findings.fail(Exit::Stopped, "read", &format!("task {id}: {what}"))
        }
    }
}

fn clock(date: Option<SystemTime>, is_signed: bool, findings: &mut Findings) -> Result<(), Failure> {
    let Some(date) = date else { return findings.skip("clock", "the answer has no Date header") };
    let now = SystemTime::now();
    let (skew, side) = match now.duration_since(date) {
        Ok(ahead) => (ahead, "ahead of"),
        Err(behind) => (behind.duration(), "behind"),
    };
    let what = format!("{} s {side} the server's", skew.as_secs());
    if is_signed && skew > GREATEST_SKEW {
        let what = format!("{what}; signatures are refused from 15 minutes on: set the clock");
        findings.fail(Exit::Credentials, "clock", &what)
    } else if skew > NOTABLE_SKEW {
        findings.warn("clock", &format!("{what}; ages of verifications are measured on the server's clock"))
    } else {
        findings.ok("clock", &what)
    }
}

/// Whether object storage can be read. Uploads are not tested, because that would change it.
fn object_storage(location: &Path, storage: &Storage, findings: &mut Findings) -> Result<(), Failure> {
    match storage.probe(location) {
        Ok(()) => {
            findings.ok("output", &format!("{} can be read; writing was not tested", location.display()))
        }
        Err(error) => {
            let failure = Failure::storage(error);
            findings.fail(failure.exit, "output", failure.message())
        }
    }
}

/// Whether a report could be written: creates and removes a temporary file. For a missing folder, the nearest existing
/// parent is tested; for an existing report, its folder.
fn disk(folder: &Path, findings: &mut Findings) -> Result<(), Failure> {
    let folder = if folder.is_file() { folder.parent().unwrap_or(folder) } else { folder };
    let existing =
        folder.ancestors().find(|location| location.symlink_metadata().is_ok()).unwrap_or(Path::new("."));
    let location = existing.display();
    if let Err(error) = tempfile::NamedTempFile::new_in(existing) {
        return findings.fail(
            Exit::Stopped,
            "output",
            &format!("{location} cannot be written to: {}", error.kind()),
        );
    }
    let free = free_space(existing);
    let what = free.map_or_else(String::new, |free| format!(", {} MiB free", free >> 20));
    let what = format!("{location} can be written to{what}");
    if free.is_some_and(|free| free < LITTLE_SPACE) {
        findings.warn("output", &what)
    } else {
        findings.ok("output", &what)
    }
}

/// The bytes that are free for a user, if known.
fn free_space(folder: &Path) -> Option<u64> {
    #[cfg(unix)]
    {
        let statistics = rustix::fs::statvfs(folder).ok()?;
        statistics.f_bavail.checked_mul(statistics.f_frsize)
    }
    #[cfg(not(unix))]
    {
        let _ = folder;
        None
    }
}
