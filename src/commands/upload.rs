//! `upload`: the Agent's call.

use crate::cli::UploadArgs;
use crate::sms::retry::{LONGEST_WAIT, delay};
use crate::sms::throttle::Gate;
use crate::sms::{Client, Failure as SmsFailure, Outcome};
use crate::tasks::{Upload, load_uploads};

use super::connect::connect;
use super::console;
use super::exit::{Exit, Failure};

pub(super) fn run(args: UploadArgs, quiet: bool) -> Result<Exit, Failure> {
    let uploads = load_uploads(&args.files).map_err(Failure::usage)?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(Failure::stopped)?;
    runtime.block_on(async {
        let connected = connect(&args.connection).await?;
        let gate = Gate::new(args.connection.rate);
        let mut failed = 0_usize;
        for upload in &uploads {
            match send(&connected.client, &gate, upload, args.connection.max_attempts.get()).await {
                Ok(()) if quiet => {}
                Ok(()) => {
                    console::out(&format!("{}\t{} directories", upload.task_id, upload.directories.len()))?;
                }
                Err(Ended::Refused(failure)) => {
                    return Err(Failure::credentials(format!(
                        "task {}: {}",
                        upload.task_id,
                        failure.summary()
                    )));
                }
                Err(Ended::Failed(failure)) => {
                    failed += 1;
                    console::error(&format!("task {}: {}", upload.task_id, failure.summary()));
                }
            }
        }
        connected.close().await;
        if failed == 0 {
            return Ok(Exit::Done);
        }
        Err(Failure {
            exit: Exit::Incomplete,
            message: format!("{failed} of {} uploads did not go through", uploads.len()),
        })
    })
}

/// Why an upload did not go through.
enum Ended {
    Failed(SmsFailure),
    Refused(SmsFailure),
}

async fn send(client: &Client, gate: &Gate, upload: &Upload, max_attempts: u32) -> Result<(), Ended> {
    let mut attempt = 1;
    loop {
        gate.pass().await;
        let failure = match client.upload(&upload.task_id, upload.body()).await {
            Outcome::Answered(_) => return Ok(()),
            Outcome::Failed(failure) => failure,
            Outcome::Refused(failure) => return Err(Ended::Refused(failure)),
        };
        let wait = delay(attempt, fastrand::f64(), failure.retry_after);
        if !failure.transient || attempt >= max_attempts || wait > LONGEST_WAIT {
            return Err(Ended::Failed(failure));
        }
        attempt += 1;
        tokio::time::sleep(wait).await;
    }
}
