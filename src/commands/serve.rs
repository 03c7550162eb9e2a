//! `serve`: the embedded service in a process of its own.

use crate::cli::{ServeArgs, ServeAuth};
use crate::model::{Secret, TaskList};
use crate::service::{AccessKey, Auth, Iam, Service, Settings};
use crate::threads::runtime;

use crate::app::console;
use crate::app::exit::{Exit, Failure};
use crate::app::signals::Signals;
use crate::app::task_source::{read_task_lists, with_ids};
use crate::storage::Storage;
use crate::tasks::ListOptions;

pub(super) fn run(args: ServeArgs, storage: &Storage, signals: &Signals) -> Result<Exit, Failure> {
    let stop = signals.stop();
    let is_reachable = !args.listen.ip().to_canonical().is_loopback();
    if is_reachable && args.auth == ServeAuth::None && !args.allow_anonymous {
        return Err(Failure::usage(format!(
            "--listen {}: other machines can reach this address, and --auth none lets them read and upload \
             results; use --auth token, --auth aksk or 127.0.0.1, or add --allow-anonymous",
            args.listen
        )));
    }
    let tasks = match args.tasks.as_slice() {
        [] => TaskList::default(),
        lists => {
            let options = ListOptions {
                sheet: args.sheet.clone(),
                columns: args.columns.clone(),
                ..ListOptions::default()
            };
            with_ids(read_task_lists(lists, &[], &options, storage)?, "serve")?
        }
    };
    let auth = match args.auth {
        ServeAuth::None => Auth::None,
        ServeAuth::Token => Auth::Token(secret("SMS_AUTH_TOKEN")),
        ServeAuth::Aksk => Auth::Aksk(access_key(args.lock_out)?),
    };
    let iam = Iam {
        user: variable("SMS_IAM_USER"),
        password: secret("SMS_IAM_PASSWORD"),
        domain: variable("SMS_IAM_DOMAIN"),
        project: variable("SMS_IAM_PROJECT"),
        token_life: args.token_life,
    };
    if is_reachable && args.auth == ServeAuth::Token && (iam.user.is_none() || iam.password.is_none()) {
        console::warning(
            "anyone who reaches this address can obtain a token: set SMS_IAM_USER and SMS_IAM_PASSWORD to \
             issue tokens to that user alone",
        );
    }
    let settings = Settings {
        auth,
        iam,
        data: args.data,
        shape: args.shape,
        limit: args.limit,
        latency: args.latency,
        faults: args.faults,
        generate: args.generate,
        tasks,
        export_body: args.export_body,
        ..Settings::default()
    };
    let runtime = runtime().map_err(Failure::stopped)?;
    runtime.block_on(async {
        let service = Service::start(args.listen, settings).await.map_err(Failure::stopped)?;
        console::out(&format!("listening on http://{}", service.address()))?;
        stop.wait().await;
        service.stop().await;
        Ok(Exit::Done)
    })
}

/// The access key of the environment, which clients sign with. Without one, a key is generated and printed on stderr.
fn access_key(locks: bool) -> Result<AccessKey, Failure> {
    let security_token = secret("HUAWEICLOUD_SDK_SECURITY_TOKEN");
    for prefix in ["HUAWEICLOUD_SDK", "CLOUD_SDK"] {
        match (variable(&format!("{prefix}_AK")), secret(&format!("{prefix}_SK"))) {
            (Some(id), Some(secret)) => return Ok(AccessKey { id, secret, security_token, locks }),
            (None, None) => {}
            _ => {
                return Err(Failure::credentials(format!(
                    "only one of {prefix}_AK and {prefix}_SK is set: set both, or neither to generate a key"
                )));
            }
        }
    }
    let key = AccessKey { security_token, locks, ..AccessKey::generate() };
    console::note("no access key is set; clients can use this generated one:");
    console::note(&format!(
        "export HUAWEICLOUD_SDK_AK={} HUAWEICLOUD_SDK_SK={}",
        key.id,
        key.secret.expose()
    ));
    Ok(key)
}

fn secret(name: &str) -> Option<Secret> {
    variable(name).map(Secret::new)
}

/// An environment variable; an empty one is not set.
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
