//! What reports are made with: the options, waivers and outputs of a command line.

use std::path::Path;

use jiff::Timestamp;

use crate::cli::{CsvArgs, FailOn, FilterArgs, ReadingArgs, ReportArgs};
use crate::model::{Language, io_reason};
use crate::output::{CsvOptions, ROWS_PER_SHEET, Target};
use crate::report::{Options, Policy, View, Waivers, Zone};
use crate::storage::Storage;

use super::exit::{Exit, Failure};
use super::{console, stdout_output, template_choice};

/// How CSV is written for readers of this language.
pub(crate) fn csv(args: CsvArgs, language: Language) -> CsvOptions {
    CsvOptions { raw: args.csv_raw, bom: args.csv_bom.unwrap_or(language == Language::Chinese) }
}

/// The outputs of a run that started at `started`.
pub(crate) fn targets(args: &ReportArgs, started: Timestamp) -> Result<Vec<Target>, Failure> {
    let files = stdout_output::files(&args.outputs, args.format, args.json)?;
    let targets = files.map(|text| Target::parse(text, started, &args.reading.timezone));
    targets.collect::<Result<_, _>>().map_err(Failure::usage)
}

/// The options of a report of `export`, `render` or `merge`. `filter` is which tasks `render` shows.
pub(crate) fn of_report(
    args: &ReportArgs,
    filter: Option<&FilterArgs>,
    storage: &Storage,
) -> Result<Options, Failure> {
    check_fail_on(&args.fail_on, args.previous.is_some())?;
    let options = options(&args.reading, &args.template, storage)?;
    Ok(Options { view: view(args.group_by.as_deref(), filter), ..options })
}

/// Checks that `--fail-on` names changes only together with `--previous`.
pub(crate) fn check_fail_on(fail_on: &[FailOn], has_previous: bool) -> Result<(), Failure> {
    match FailOn::changes(fail_on).first() {
        Some(change) if !has_previous => Err(Failure::usage(format!(
            "--fail-on {} needs a run to compare with: add --previous",
            change.key()
        ))),
        _ => Ok(()),
    }
}

/// The options of reports.
pub(crate) fn options(args: &ReadingArgs, template: &str, storage: &Storage) -> Result<Options, Failure> {
    let not_before = args.not_before.as_deref().map(|text| {
        args.timezone.moment(text).map_err(|what| Failure::usage(format!("--not-before {text}: {what}")))
    });
    Ok(Options {
        timezone: args.timezone.clone(),
        language: args.language,
        template: template_choice::named(template)?,
        policy: Policy { max_age: args.max_age.0, not_before: not_before.transpose()? },
        waivers: args.waivers.as_deref().map(|path| waivers(path, storage, &args.timezone)).transpose()?,
        rows_per_sheet: ROWS_PER_SHEET,
        view: View::default(),
        needs_context: false,
    })
}

/// Which tasks are shown, and how they are grouped.
pub(crate) fn view(group_by: Option<&str>, filter: Option<&FilterArgs>) -> View {
    let labels = filter.into_iter().flat_map(|filter| &filter.labels);
    View {
        group_by: group_by.map(str::to_owned),
        only: filter.map(|filter| FailOn::verdicts(&filter.only)).unwrap_or_default(),
        labels: labels.cloned().collect(),
    }
}

/// Reads a waiver file, and warns about waivers that cannot cover anything.
fn waivers(path: &Path, storage: &Storage, zone: &Zone) -> Result<Waivers, Failure> {
    let file = storage.fetch(path).map_err(Failure::storage)?;
    let text = std::fs::read_to_string(&file.local).map_err(|error| {
        Failure::usage(format!(
            "cannot read waiver file {}: {}; check --waivers",
            path.display(),
            io_reason(&error)
        ))
    })?;
    let waivers = Waivers::parse(path, &text, zone).map_err(|error| {
        let head = "invalid waivers:".to_owned();
        Failure::lines(Exit::Usage, std::iter::once(head).chain(error.0))
    })?;
    waivers.warnings().for_each(|warning| console::warning(&warning));
    Ok(waivers)
}
