//! `server-export`: the service's own batch export, saved as it comes.

use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use serde_json::json;

use crate::answer::{ErrorBody, FileKind};
use crate::cli::ServerExportArgs;
use crate::fs::AtomicFile;
use crate::model::{SAMPLE, Task, io_advice};
use crate::output::Target;
use crate::report::Zone;
use crate::sms::Reply;
use crate::sms::request::{RequestError, request_with_retry};
use crate::sms::throttle::Gate;
use crate::storage::{Storage, is_remote};
use crate::threads::runtime;

use crate::app::connect::{Connected, connect};
use crate::app::console;
use crate::app::exit::{Exit, Failure};
use crate::app::hints::denied;
use crate::app::task_source::{load_tasks, with_ids};
use crate::tasks::ListOptions;

/// Maximum number of tasks per request.
const BATCH: usize = 200;
/// Prefix of file names. The server's own names are never used: they could contain paths.
const NAME: &str = "server-export-";

pub(super) fn run(args: &ServerExportArgs, storage: &Storage) -> Result<Exit, Failure> {
    if is_remote(Path::new(&args.output)) {
        return Err(Failure::usage("-o: server-export writes only to local folders, not to object storage"));
    }
    let loaded = load_tasks(
        &args.tasks,
        &args.task_ids,
        &ListOptions { sheet: args.sheet.clone(), columns: args.columns.clone(), ..ListOptions::default() },
        &args.connection,
        storage,
    )?;
    let list = with_ids(loaded, "server-export")?;
    let utc = Zone::named("UTC").map_err(Failure::stopped)?;
    let folder = Target::parse(&format!("{}/", args.output.trim_end_matches('/')), Timestamp::now(), &utc)
        .map_err(Failure::usage)?;
    if folder.path().metadata().is_ok_and(|found| !found.is_dir()) {
        return Err(Failure::usage(format!(
            "-o {} is not a folder; choose another path",
            folder.path().display()
        )));
    }
    let runtime = runtime().map_err(Failure::stopped)?;
    let saved = runtime.block_on(async {
        let connected = connect(&args.connection).await?;
        let saved = save_batches(args, &list.tasks, folder.path(), &connected).await;
        connected.close().await;
        saved
    })?;
    warn_of_others(folder.path(), &saved.names);
    let batches = list.tasks.len().div_ceil(BATCH);
    match saved.usable {
        usable if usable == batches => Ok(Exit::Done),
        0 if saved.names.is_empty() => Err(Failure::stopped("the service returned no file")),
        0 => Err(Failure::stopped("the service returned no usable file")),
        usable => Err(Failure::new(
            Exit::Incomplete,
            format!("{} of {batches} batches returned no usable file", batches - usable),
        )),
    }
}

/// The files of one export.
#[derive(Default)]
struct Saved {
    names: Vec<String>,
    /// How many of them are of a known kind, complete, and not an error.
    usable: usize,
}

/// Requests every batch and saves the responses.
async fn save_batches(
    args: &ServerExportArgs,
    tasks: &[Task],
    folder: &Path,
    connected: &Connected,
) -> Result<Saved, Failure> {
    let gate = Gate::new(args.connection.rate);
    let batches = tasks.len().div_ceil(BATCH);
    let mut saved = Saved::default();
    for (number, tasks) in (1..).zip(tasks.chunks(BATCH)) {
        let failed = |what: &str| console::error(&format!("batch {number} of {batches}: {what}"));
        let call = async || connected.client.export(body(tasks), args.language).await;
        let reply = match request_with_retry(&gate, args.connection.max_attempts, call).await {
            Ok(reply) => reply,
            Err(refused @ RequestError::Refused(_)) => return Err(Failure::credentials(refused)),
            Err(RequestError::Failed(failure)) => {
                failed(&denied(&failure, "it needs sms:server:getBatchConsistencyResults"));
                continue;
            }
        };
        let kind = FileKind::of(reply.content_type.as_deref(), &reply.body);
        let Some(suffix) = kind.suffix() else {
            failed("accepted, no file returned");
            continue;
        };
        let name = format!("{NAME}{number:03}.{suffix}");
        let path = folder.join(&name);
        save(&path, &reply)?;
        saved.names.push(name);
        let kept = path.display();
        if let Some(error) = ErrorBody::reported(&reply.body) {
            let text = error.text().unwrap_or_else(|| "no details".to_owned());
            failed(&format!("the response is an error: {text}; it is saved as {kept}"));
            continue;
        }
        if reply.status != 200 || reply.content_range.is_some() {
            let status = reply.status;
            failed(&format!("HTTP {status} is not a complete response; it is saved as {kept}"));
            continue;
        }
        if kind == FileKind::Unknown {
            let kind = reply.content_type.as_deref().unwrap_or("no content type");
            failed(&format!(
                "the response ({kind}) is not a workbook, CSV, archive or JSON; it is saved as {kept}"
            ));
            continue;
        }
        if reply.sample_data && !console::is_quiet() {
            console::note(SAMPLE);
        }
        console::out_data(format!("{}\n", path.display()).as_bytes())?;
        saved.usable += 1;
    }
    Ok(saved)
}

/// The request for one batch.
fn body(tasks: &[Task]) -> String {
    let tasks: Vec<_> = tasks
        .iter()
        .map(|task| {
            let mut info = json!({ "task_id": task.id_text() });
            for (name, value) in [("source_id", &task.source_id), ("source_name", &task.source_name)] {
                if let (Some(info), Some(value)) = (info.as_object_mut(), value) {
                    info.insert(name.to_owned(), value.as_str().into());
                }
            }
            info
        })
        .collect();
    json!({ "task_info": tasks }).to_string()
}

fn save(path: &Path, reply: &Reply) -> Result<(), Failure> {
    let write = || {
        let mut file = AtomicFile::create(path)?;
        file.write_all(&reply.body)?;
        file.commit()
    };
    write().map(drop).map_err(|error| Failure::stopped(format!("{}: {}", path.display(), io_advice(&error))))
}

/// Warns of files of an earlier export, which could be mistaken for files of this one.
fn warn_of_others(folder: &Path, names: &[String]) {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    for name in entries.filter_map(|entry| entry.file_name().into_string().ok()) {
        if name.starts_with(NAME) && !names.contains(&name) {
            console::warning(&format!(
                "{} is from an earlier export; remove it if you do not need it",
                folder.join(name).display()
            ));
        }
    }
}
