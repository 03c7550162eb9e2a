//! The evidence manifest: what a run wrote, by size and SHA-256.
//!
//! It holds nothing of the machine: the same journal, options and outputs give the same bytes in any
//! folder, and what lies below the manifest's own folder can be moved along with it.

mod check;
mod comparison;
mod entry;
mod names;
mod previous;
mod signature;

use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::json::Counts;
use super::options::CsvOptions;
use super::parts::Limits;
use super::target::{Kind, Output};
use crate::fs::Written;
use crate::model::{Markup, TOOL, Verdict};
use crate::output::error::{Cause, OutputError};
use crate::report::{Change, Report, Status};
use crate::sshsig::Signer;
use crate::storage::Storage;

pub use check::{Finding, Manifest, ManifestError, ManifestFile, ManifestRun};
pub use comparison::{check_comparison_manifest, write_comparison_manifest};
use entry::{Entry, FORMAT, Role, text_of};
use names::name_from;
use previous::Previous;
pub use previous::dated_manifests;
pub use signature::{read_signature, remove_signature, signature_path};

/// What came of a run's outputs, and what shaped them beside the report's own options.
#[derive(Debug)]
pub struct Evidence<'a> {
    /// The outputs, in the order in which they were written. Of a folder that failed, no file counts as
    /// written.
    pub outputs: &'a [Output],
    /// Whether the journal stays, so that it belongs to the evidence.
    pub journal: bool,
    /// The verdicts that change the exit code.
    pub fail_on: &'a [Verdict],
    /// The changes since the last run that change the exit code.
    pub fail_on_changes: &'a [Change],
    /// Whether texts in CSV were left as they are.
    pub csv: CsvOptions,
    /// How much one file was to hold.
    pub limits: Limits,
    /// The markup of tickets.
    pub ticket_format: Markup,
    /// Where `s3://` leads to.
    pub storage: &'a Storage,
    /// The path of the manifest with `{date}` and `{time}` in it, if it has them.
    pub pattern: Option<&'a Path>,
    /// The key that signs the manifest.
    pub signer: Option<&'a Signer>,
}

/// Where the manifest of a run stands whose journal has this path: beside it, by its stem.
pub fn manifest_path(journal: &Path) -> PathBuf {
    let stem = Path::new(journal.file_stem().unwrap_or_default());
    let stem = match stem.extension() {
        Some(suffix) if suffix == "journal" => stem.file_stem().unwrap_or_default(),
        _ => stem.as_os_str(),
    };
    let mut name = stem.to_owned();
    name.push(".manifest.json");
    journal.with_file_name(name)
}

/// Writes the manifest of `report` to `path` atomically, and then its signature.
///
/// The journal is taken as it was when it was opened: that is what the outputs were made from.
///
/// # Errors
/// [`OutputError`]; then an existing file at its path is unchanged. One of the signature's path leaves a manifest
/// without a signature.
///
/// If only `previous` differs from the manifest that it replaces, the file keeps its bytes. So a run that is reported again
/// has the same evidence, and is not delivered to a ticket twice.
pub fn write_manifest(report: &Report<'_>, path: &Path, evidence: &Evidence<'_>) -> Result<(), OutputError> {
    let mut document = document(report, path, evidence).map_err(OutputError::at(path))?;
    let mut text = text_of(&document).map_err(OutputError::at(path))?;
    if let Some((replaced, previous)) = Previous::of_replaced(path, evidence.storage) {
        document.previous = previous;
        let unchanged = text_of(&document).map_err(OutputError::at(path))?;
        if unchanged == replaced {
            text = unchanged;
        }
    }
    signature::write_signed(path, &text, evidence.signer, evidence.storage)
}

fn document<'a>(report: &'a Report<'a>, path: &Path, evidence: &Evidence<'a>) -> Result<Document<'a>, Cause> {
    let journal = report.journal();
    let options = report.options();
    let zone = &options.timezone;
    let mut files: Vec<Entry> = Vec::new();
    if evidence.journal {
        let (sha256, size) = journal.digest()?;
        files.push(Entry::new(name_from(path, journal.path())?, size, &sha256, Role::Journal));
    }
    let written = evidence.outputs.iter().filter_map(|output| {
        let in_folder = output.target.kind() == Kind::CsvFolder;
        Some(output.written.as_ref().ok()?.iter().map(move |file| (file, in_folder)))
    });
    for (Written { path: file, sha256, size }, in_folder) in written.flatten() {
        let entry = Entry { in_folder, ..Entry::new(name_from(path, file)?, *size, sha256, Role::Output) };
        // The journal may be an output too, as a copy of itself on itself.
        if files.first().is_none_or(|first| first.path != entry.path) {
            files.push(entry);
        }
    }
    let failed = evidence.outputs.iter().filter(|output| output.written.is_err());
    let failed: Vec<String> =
        failed.map(|output| name_from(path, output.target.path())).collect::<io::Result<_>>()?;
    let previous = Previous::find(path, evidence.pattern, evidence.storage)?;
    let compared_with = report.since().map(|since| -> io::Result<ComparedWith> {
        let name = name_from(path, Path::new(&since.journal))?;
        Ok(ComparedWith { name, sha256: hex::encode(since.sha256) })
    });
    Ok(Document {
        format: FORMAT,
        tool: TOOL,
        complete: failed.is_empty(),
        sample_data: report.is_sample(),
        status: report.status(),
        headline: report.headline(options.language),
        filtered: report.filtered().map(|filtered| FilteredEntry { tasks: filtered.tasks, of: filtered.of }),
        run: Run {
            endpoint: &journal.header().endpoint,
            started_at: zone.rfc3339(journal.header().started_at),
            ended_at: zone.rfc3339(journal.ended_at()),
            finished: journal.is_finished(),
        },
        settings: Settings {
            timezone: zone.name(),
            language: options.language.key(),
            max_age_seconds: options.policy.max_age.map(|age| age.as_secs()),
            not_before: options.policy.not_before.map(|time| zone.rfc3339(time)),
            fail_on: evidence.fail_on,
            fail_on_changes: evidence.fail_on_changes,
            previous: compared_with.transpose()?,
            csv_raw: evidence.csv.raw,
            csv_bom: evidence.csv.bom,
            max_sheets: evidence.limits.max_sheets,
            max_bytes: evidence.limits.max_bytes,
            ticket_format: evidence.ticket_format.key(),
            template: &options.template.name,
            group_by: options.view.group_by.as_deref(),
            only: &options.view.only,
            labels: options.view.labels.iter().map(|filter| filter.text()).collect(),
        },
        tasks: report.rows().len(),
        counts: Counts(report.counts()),
        files,
        failed,
        previous,
    })
}

#[derive(Serialize)]
struct Document<'a> {
    format: u64,
    tool: &'static str,
    complete: bool,
    sample_data: bool,
    status: Status,
    headline: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    filtered: Option<FilteredEntry>,
    run: Run<'a>,
    settings: Settings<'a>,
    tasks: usize,
    counts: Counts<Verdict>,
    files: Vec<Entry>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failed: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<Previous>,
}

#[derive(Serialize)]
struct Run<'a> {
    endpoint: &'a str,
    started_at: String,
    ended_at: String,
    finished: bool,
}

#[derive(Serialize)]
struct Settings<'a> {
    timezone: &'a str,
    language: &'static str,
    max_age_seconds: Option<u64>,
    not_before: Option<String>,
    fail_on: &'a [Verdict],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    fail_on_changes: &'a [Change],
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<ComparedWith>,
    csv_raw: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    csv_bom: bool,
    max_sheets: NonZeroUsize,
    max_bytes: Option<u64>,
    ticket_format: &'static str,
    template: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    group_by: Option<&'a str>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    only: &'a [Verdict],
    #[serde(rename = "where", skip_serializing_if = "Vec::is_empty")]
    labels: Vec<String>,
}

/// The journal of the last run, with which the report is compared.
#[derive(Serialize)]
struct ComparedWith {
    /// Its path from the manifest's folder. The run may have replaced it.
    name: String,
    sha256: String,
}

/// How many of the tasks the outputs show.
#[derive(Serialize)]
struct FilteredEntry {
    tasks: usize,
    of: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manifest_stands_beside_the_journal() {
        for (journal, manifest) in [
            ("out/report.journal.jsonl", "out/report.manifest.json"),
            ("other.jsonl", "other.manifest.json"),
            ("/srv/a.b.journal.jsonl", "/srv/a.b.manifest.json"),
            ("./cutover-report.journal.jsonl", "./cutover-report.manifest.json"),
            ("journal", "journal.manifest.json"),
            (".journal.jsonl", ".journal.manifest.json"),
        ] {
            assert_eq!(manifest_path(Path::new(journal)), Path::new(manifest), "{journal}");
        }
    }
}
