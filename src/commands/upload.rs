//! `upload`: the Agent's call.

use crate::answer::{ErrorBody, describe_body, is_json};
use crate::cli::UploadArgs;
use crate::sms::Reply;
use crate::sms::request::{RequestError, request_with_retry};
use crate::sms::throttle::Gate;
use crate::tasks::{LoadedUploads, load_uploads};
use crate::threads::runtime;

use crate::app::connect::{EMBEDDED, connect};
use crate::app::console;
use crate::app::exit::{Exit, Failure};
use crate::app::hints::denied;
use crate::app::signals::Signals;

pub(super) fn run(args: UploadArgs, signals: &Signals) -> Result<Exit, Failure> {
    if args.connection.endpoint.as_deref() == Some(EMBEDDED) {
        return Err(Failure::usage(
            "--endpoint embedded: that service and what it stores end with this command; run `cutover-report serve` and use its address",
        ));
    }
    let LoadedUploads { uploads, warnings } = load_uploads(&args.files).map_err(Failure::list)?;
    if !console::is_quiet() {
        warnings.iter().for_each(|warning| console::warning(warning));
    }
    let runtime = runtime().map_err(Failure::stopped)?;
    runtime.block_on(async {
        let connected = connect(&args.connection).await?;
        let gate = Gate::new(args.connection.rate);
        let stop = signals.stop();
        let mut failures = 0_usize;
        for (tried, upload) in uploads.iter().enumerate() {
            let tried = format!("; {tried} of {} uploads were tried", uploads.len());
            if let Some(signal) = stop.received() {
                return Err(signal.failure(&tried));
            }
            let send = async || connected.client.upload(&upload.task_id, upload.body()).await;
            let sent = stop.grace(request_with_retry(&gate, args.connection.max_attempts, send)).await;
            let sent = sent.map_err(|signal| {
                signal.failure(&format!(
                    "{tried}; whether the service stored that of task {} is unknown",
                    upload.task_id
                ))
            })?;
            if let Some(slowed) = gate.take_slowed().filter(|_| !console::is_quiet()) {
                console::warning(&slowed.to_string());
            }
            let refused = sent.as_ref().ok().and_then(refusal);
            match sent {
                Ok(_) if refused.is_some() => {
                    failures += 1;
                    let what = refused.unwrap_or_default();
                    console::error(&format!("task {}: {what}", upload.task_id));
                }
                Ok(_) if console::is_quiet() => {}
                Ok(_) => {
                    let directories = format!("{} directories", upload.directories.len());
                    console::out_fields(&[upload.task_id.as_str(), &directories])?;
                }
                Err(refused @ RequestError::Refused(_)) => {
                    return Err(Failure::credentials(format!("task {}: {refused}", upload.task_id)));
                }
                Err(RequestError::Failed(failure)) => {
                    failures += 1;
                    let what = denied(&failure, "uploading needs sms:server:updateConsistencyCheckResult");
                    console::error(&format!("task {}: {what}", upload.task_id));
                }
            }
        }
        connected.close().await;
        if failures == 0 {
            return Ok(Exit::Done);
        }
        let message = format!("{failures} of {} uploads failed", uploads.len());
        Err(Failure::new(Exit::Incomplete, message))
    })
}

/// Why a successful response does not confirm the upload: it reports an error, or is not the service's.
fn refusal(reply: &Reply) -> Option<String> {
    if let Some(error) = ErrorBody::reported(&reply.body) {
        let text = error.text().unwrap_or_else(|| "no details".to_owned());
        return Some(format!("HTTP {}, but the response is an error: {text}", reply.status));
    }
    let is_known = reply.body.trim_ascii().is_empty() || is_json(&reply.body);
    let shown = || describe_body(&reply.body).unwrap_or_else(|| "binary data".to_owned());
    (!is_known).then(|| format!("HTTP {}, but the response is not the service's: {}", reply.status, shown()))
}
