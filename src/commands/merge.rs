//! `merge`: the journals of shards, regions or accounts as one, offline.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use jiff::Timestamp;

use crate::cli::MergeArgs;
use crate::fs::{AtomicFile, Scratch};
use crate::journal::{Journal, JournalError, Lock, Merge};
use crate::model::NamedFile;
use crate::output::Kind;
use crate::storage::{Storage, is_remote};
use crate::threads;

use crate::app::console;
use crate::app::exit::{Exit, Failure};
use crate::app::handling::Handling;
use crate::app::on_finish;
use crate::app::outputs::{Outputs, ReportJob};
use crate::app::path_conflicts::{UsedPath, check_path_conflicts};
use crate::app::report_options;
use crate::app::reporting;

pub(super) fn run(args: &MergeArgs, storage: &Storage) -> Result<Exit, Failure> {
    let began = Timestamp::now();
    let options = report_options::of_report(&args.report, None, storage)?;
    let journals = args.journals.iter().map(|path| storage.fetch(path));
    let journals: Vec<NamedFile> = journals.collect::<Result<_, _>>().map_err(Failure::storage)?;
    let merge = Merge::of(&journals).map_err(Failure::merge)?;
    let targets = report_options::targets(&args.report, merge.header().started_at)?;
    let kept = targets.iter().find(|target| target.kind() == Kind::Journal);
    let kept = kept.map(|target| target.path().to_owned());
    if let Some(journal) = &kept {
        on_finish::record_journal(journal);
    }
    let handling = Handling::of(&args.report, args.trust.ca_cert.as_deref())?;
    let outputs = Outputs::beside_first(targets, kept.is_some(), &handling)?;
    let read = args.journals.iter().map(|path| UsedPath::read_journal(path));
    let used = read
        .chain(args.report.reading.waivers.as_deref().map(UsedPath::waivers))
        .chain(kept.as_deref().filter(|path| !is_remote(path)).map(UsedPath::lock))
        .chain(outputs.used_paths());
    check_path_conflicts(&used.collect::<Vec<_>>())?;
    options.view.check(&merge.header().list.labels).map_err(Failure::usage)?;
    warn_of_gaps(&merge);
    let job = ReportJob { options, outputs, replaced: None };
    match kept.as_deref() {
        Some(path) if !is_remote(path) => {
            if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
                std::fs::create_dir_all(parent).map_err(|source| io(parent, source))?;
            }
            // A run that writes this journal must not continue in the replaced file.
            let _lock = Lock::hold(path, began).map_err(Failure::journal)?;
            let (journal, file) = written(merge, &path.into())?;
            let place = || file.commit_open(|_| ()).map(drop).map_err(|source| io(path, source));
            reporting::write_after(place, &journal, job, &args.report, storage)
        }
        kept => {
            let folder = Scratch::disposable().map_err(Failure::stopped)?;
            let path = folder.path().join("merged.jsonl");
            // In object storage the journal is uploaded as an output; reports refer to it by that URL.
            let name = kept.unwrap_or(&path).to_owned();
            let journal = temporary(merge, NamedFile { name, local: path })?;
            reporting::write(&journal, job, &args.report, storage)
        }
    }
}

/// Warns about what the inputs lack; about missing shards also if quiet.
fn warn_of_gaps(merge: &Merge) {
    if !console::is_quiet() {
        merge.warnings().iter().for_each(|warning| console::warning(warning));
    }
    for shard in merge.header().missing().shards {
        console::warning(&format!(
            "shard {shard} is missing; fetch it with --shard {shard}, or add its journal, and merge again"
        ));
    }
}

/// Writes the merged journal to a file that is not at its path yet, and opens it.
fn written(merge: Merge, to: &NamedFile) -> Result<(Journal, AtomicFile), Failure> {
    let path = &to.local;
    let failed = |source| io(path, source);
    let mut file = AtomicFile::create(path).map_err(failed)?;
    let index = merge.write_to(&mut file).map_err(|error| Failure::merge_write(error, path))?;
    // To sync it takes as long as to judge its tasks, so both are done at once. If the thread is refused or the sync
    // fails, it is repeated before the file is put at its path.
    let written = file.read_back().map_err(failed)?;
    let _ = threads::spawn(move || written.sync_all());
    let journal = merge.into_journal(to.clone(), file.read_back().map_err(failed)?, index);
    Ok((journal.with_digest(file.digest()), file))
}

/// Writes the merged journal for this run alone: it is not synced, and its digest is computed if an output needs it.
fn temporary(merge: Merge, to: NamedFile) -> Result<Journal, Failure> {
    let path = &to.local;
    let file = File::options().read(true).write(true).create_new(true).open(path);
    let mut writer = BufWriter::with_capacity(1 << 16, file.map_err(|source| io(path, source))?);
    let index = merge.write_to(&mut writer).map_err(|error| Failure::merge_write(error, path))?;
    let file = writer.into_inner().map_err(|error| io(path, error.into_error()))?;
    Ok(merge.into_journal(to, file, index))
}

fn io(path: &Path, source: std::io::Error) -> Failure {
    Failure::journal(JournalError::Io { path: path.to_owned(), source })
}
