//! A report: a judged row per task of a journal, and a way to each task's verifications.

use std::borrow::Cow;
use std::collections::HashSet;
use std::mem;
use std::sync::{Arc, OnceLock};

use jiff::{SignedDuration, Timestamp};

use super::context::facts::ContextFacts;
use super::context::judge as context;
use super::judge::{self, Policy};
use super::labels::Label;
use super::moments::Moments;
use super::options::Options;
use super::row::SummaryRow;
use super::sheet_names;
use super::since::Since;
use super::table::{self, Column, DETAIL, DetailCell, DetailRow, ReconciliationRow, WAIVER};
use super::waivers::list::{TaskWaivers, WaiverUse};
use super::waivers::waiver::Waived;
use crate::answer::{ErrorBody, Unreadable, read_answer};
use crate::journal::{Answered, EMBEDDED, Journal, JournalError, Missing, Outcome, Record};
use crate::model::{Answer, Language, Note, Task, Verdict, Verification};
use crate::threads::parallel_in_order;

/// A report: the rows of its summary, and a way to each task's verifications.
#[derive(Debug)]
pub struct Report<'a> {
    journal: &'a Journal,
    options: Options,
    rows: Vec<SummaryRow<'a>>,
    /// By ordinal: how many sheets the task's rows take.
    sheets_needed: Vec<u64>,
    /// By ordinal: the names of these sheets. Few outputs need them, and they need much memory.
    sheet_names: OnceLock<Vec<Vec<String>>>,
    sample_data: bool,
    waivers: Option<Vec<WaiverUse>>,
    labels: Vec<Label>,
    since: Option<Since>,
}

/// A thread judges this many tasks at a time.
const PART: usize = 200;

/// The judged tasks of a part of the list.
struct Part<'a> {
    rows: Vec<SummaryRow<'a>>,
    /// By row: whether the view shows it.
    shown: Vec<bool>,
    /// By row.
    sheets_needed: Vec<u64>,
    sample_data: bool,
    uses: Option<Vec<WaiverUse>>,
}

impl<'a> Part<'a> {
    /// Judges `tasks`, which begin at the ordinal `first`.
    fn judge(
        journal: &Journal,
        options: &Options,
        first: usize,
        tasks: &'a [Task],
    ) -> Result<Self, JournalError> {
        let mut sample_data = false;
        let labels = &journal.header().list.labels;
        let mut rows = Vec::with_capacity(tasks.len());
        let mut shown = Vec::with_capacity(tasks.len());
        let mut sheets_needed = Vec::with_capacity(tasks.len());
        let as_of = journal.as_of();
        let mut uses = options.waivers.as_ref().map(|waivers| waivers.uses(as_of));
        // Used for every record: the answers are large.
        let mut buffer = Vec::new();
        for (ordinal, task) in (first..).zip(tasks) {
            let record = journal.record_with(ordinal, mem::take(&mut buffer))?;
            if let Some(Record { outcome: Outcome::Answered(answered), .. }) = &record {
                sample_data |= answered.sample_data;
            }
            let waivers = task_waivers(options, task, as_of);
            let moments = moments(journal, record.as_ref());
            let (row, verifications) =
                summarise((ordinal, task), record.as_ref(), &options.policy, &waivers, moments);
            let is_shown = options.view.shows_verdict(row.verdict) && options.view.shows_task(task, labels);
            let mut data_rows: u64 = 0;
            for detail in table::detail_rows(&verifications, moments) {
                data_rows += 1;
                uses.iter_mut().filter(|_| is_shown).for_each(|uses| detail.count_for(&waivers, uses));
            }
            // What the context leaves in doubt has no row of its own.
            let in_context =
                row.waived.iter().filter(|waived| waived.synchronised || is_unchecked(&row, waived));
            for its_use in uses.iter_mut().flatten().filter(|_| is_shown) {
                let covered =
                    in_context.clone().filter(|waived| Arc::ptr_eq(&waived.waiver, &its_use.waiver));
                its_use.rows += u64::try_from(covered.count()).unwrap_or(u64::MAX);
            }
            if let Some(Record { outcome: Outcome::Answered(answered), .. }) = record {
                buffer = answered.body;
            }
            shown.push(is_shown);
            sheets_needed.push(data_rows.div_ceil(options.rows_per_sheet.max(1)).max(1));
            rows.push(row);
        }
        Ok(Self { rows, shown, sheets_needed, sample_data, uses })
    }
}

impl<'a> Report<'a> {
    /// Reads the journal once and judges every task of its list.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn new(journal: &'a Journal, options: Options) -> Result<Self, JournalError> {
        let tasks = &journal.header().list.tasks;
        let parts: Vec<_> = (0..tasks.len()).step_by(PART).zip(tasks.chunks(PART)).collect();
        // Without a single answer nothing else says where the failures come from.
        let mut sample_data = journal.header().is_of(EMBEDDED);
        let mut uses = options.waivers.as_ref().map(|waivers| waivers.uses(journal.as_of()));
        let mut rows = Vec::with_capacity(tasks.len());
        let mut shown = Vec::with_capacity(tasks.len());
        let mut sheets_needed = Vec::with_capacity(tasks.len());
        let judge = |(first, tasks): &(usize, &'a [Task])| Part::judge(journal, &options, *first, tasks);
        parallel_in_order(&parts, judge, |part| {
            let part = part?;
            sample_data |= part.sample_data;
            // Copies are compact in memory. The original texts are scattered between answers that are freed.
            for row in &part.rows {
                let mut row = row.clone();
                // Tasks of one page of the listing often have the same context.
                let before: Option<&SummaryRow<'_>> = rows.last();
                if let Some(before) = before.filter(|before| before.context == row.context) {
                    row.context.clone_from(&before.context);
                } else {
                    row.context = row.context.as_deref().cloned().map(Arc::new);
                }
                rows.push(row);
            }
            shown.extend(part.shown);
            sheets_needed.extend(part.sheets_needed);
            for (all, its_use) in uses.iter_mut().flatten().zip(part.uses.iter().flatten()) {
                all.rows += its_use.rows;
            }
            Ok(())
        })?;
        if let Some(reconciliation) = &journal.header().reconciliation {
            let not_found: HashSet<_> = reconciliation.not_found.iter().collect();
            for row in rows
                .iter_mut()
                .filter(|row| row.task.task_id.as_ref().is_some_and(|id| not_found.contains(id)))
            {
                row.notes.push(Note::NotFound);
            }
        }
        let mut shown = shown.into_iter();
        rows.retain(|_| shown.next().unwrap_or(true));
        let labels = Label::all(&journal.header().list.labels);
        Ok(Self {
            journal,
            options,
            rows,
            sheets_needed,
            sheet_names: OnceLock::new(),
            sample_data,
            waivers: uses,
            labels,
            since: None,
        })
    }

    /// The names of the sheets that hold the rows of a task: one, or more when a worksheet is full.
    pub fn sheets(&self, row: &SummaryRow<'_>) -> &[String] {
        let names = self.sheet_names.get_or_init(|| {
            // Of all tasks, so that a task's sheet has the same name in the report of a part.
            let tasks = self.journal.header().list.tasks.iter().map(Task::display_name);
            sheet_names::assign(tasks.zip(self.sheets_needed.iter().copied()))
        });
        names.get(row.ordinal).map_or(&[], Vec::as_slice)
    }

    /// The name of the task's first sheet.
    pub fn sheet(&self, row: &SummaryRow<'_>) -> &str {
        self.sheets(row).first().map_or("", String::as_str)
    }

    /// Sets what changed since the last run.
    pub fn set_since(&mut self, since: Since) {
        self.since = Some(since);
    }

    /// What changed since the last run; none if nothing was compared.
    pub fn since(&self) -> Option<&Since> {
        self.since.as_ref()
    }

    /// What changed since the last run, in one sentence.
    pub fn since_text(&self, language: Language) -> Option<String> {
        Some(self.since()?.text(&self.options().timezone, language))
    }

    /// A row per task, in the order of the list.
    pub fn rows(&self) -> &[SummaryRow<'a>] {
        &self.rows
    }

    /// The journal that the report is made from.
    pub fn journal(&self) -> &Journal {
        self.journal
    }

    /// The shards that are not in a merged journal, and so in no row.
    pub fn missing(&self) -> Missing {
        self.journal.header().missing()
    }

    /// Why the account may have tasks that are in no row.
    pub fn unlisted(&self) -> &[String] {
        &self.journal.header().unlisted
    }

    /// Whether every task that the report is to be of has a row.
    pub fn is_whole(&self) -> bool {
        self.missing().shards.is_empty() && self.unlisted().is_empty()
    }

    /// What the reader chose.
    pub fn options(&self) -> &Options {
        &self.options
    }

    /// The label columns.
    pub fn labels(&self) -> &[Label] {
        &self.labels
    }

    /// Whether an answer came from the embedded service, which is no evidence.
    pub fn is_sample(&self) -> bool {
        self.sample_data
    }

    /// How many tasks have each verdict, in the order of [`Verdict::ALL`], zeros included.
    pub fn counts(&self) -> Vec<(Verdict, usize)> {
        Verdict::ALL
            .into_iter()
            .map(|verdict| (verdict, self.rows.iter().filter(|row| row.verdict == verdict).count()))
            .collect()
    }

    /// How many tasks have evidence, for or against them.
    pub fn judged(&self) -> usize {
        self.rows.iter().filter(|row| row.verdict.has_evidence()).count()
    }

    /// How many tasks a cutover may rest on.
    pub fn passing(&self) -> usize {
        self.rows.iter().filter(|row| row.verdict.passes()).count()
    }

    /// The task whose verdict rests on the oldest verification, and when that was.
    pub fn oldest(&self) -> Option<(&SummaryRow<'_>, Timestamp)> {
        self.rows
            .iter()
            .filter_map(|row| Some((row, row.last_verified?)))
            .min_by_key(|(_, verified)| *verified)
    }

    /// The age of a task's newest verification at the end of the run, on the service's clock; negative if its time
    /// is ahead.
    pub fn age(&self, row: &SummaryRow<'_>) -> Option<SignedDuration> {
        row.last_verified.map(|verified| row.moments.as_of.duration_since(verified))
    }

    /// The waivers and what came of each, in the order of their file; none in a report without.
    pub fn waivers(&self) -> Option<&[WaiverUse]> {
        self.waivers.as_deref()
    }

    /// The tasks that the list and the account do not both have; none if nobody asked.
    pub fn reconciliation(&self) -> Option<Vec<ReconciliationRow>> {
        let reconciliation = self.journal.header().reconciliation.as_ref()?;
        let declared = &self.journal.header().list.tasks;
        let not_found: HashSet<_> = reconciliation.not_found.iter().collect();
        let not_found =
            declared.iter().filter(|task| task.task_id.as_ref().is_some_and(|id| not_found.contains(id)));
        let row = |declared: bool| move |task: &Task| ReconciliationRow { task: task.clone(), declared };
        Some(not_found.map(row(true)).chain(reconciliation.undeclared.iter().map(row(false))).collect())
    }

    /// The verifications of the task in this row, from 0, newest first; none when there is no readable answer.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn verifications(&self, row: usize) -> Result<Vec<Verification>, JournalError> {
        self.verifications_with(row, &mut Vec::new())
    }

    /// As [`verifications`](Self::verifications), in the memory of `buffer`.
    ///
    /// # Errors
    /// As [`verifications`](Self::verifications).
    pub fn verifications_with(
        &self,
        row: usize,
        buffer: &mut Vec<u8>,
    ) -> Result<Vec<Verification>, JournalError> {
        let Some(SummaryRow { ordinal, .. }) = self.rows.get(row) else { return Ok(Vec::new()) };
        let record = self.journal.record_with(*ordinal, mem::take(buffer))?;
        let Some(Record { outcome: Outcome::Answered(answered), .. }) = record else { return Ok(Vec::new()) };
        let answer = read(&answered);
        *buffer = answered.body;
        Ok(answer.map(|answer| answer.verifications).unwrap_or_default())
    }

    /// About how much memory the answer of the task in this row takes, in bytes.
    pub fn answer_size(&self, row: usize) -> usize {
        self.rows.get(row).map_or(0, |row| self.journal.line_length(row.ordinal))
    }

    /// The rows of the table of the task in this `row`, from 0, of which these are the verifications.
    pub fn detail_rows<'r>(
        &'r self,
        row: usize,
        verifications: &'r [Verification],
    ) -> impl Iterator<Item = DetailRow<'r>> {
        let task = self.rows.get(row).map(|row| row.task);
        let waivers = task.map(|task| task_waivers(&self.options, task, self.journal.as_of()));
        let waivers = waivers.unwrap_or_default();
        let moments = self.rows.get(row).map_or_else(|| moments(self.journal, None), |row| row.moments);
        table::detail_rows(verifications, moments)
            .map(move |row| DetailRow { waiver: row.waiver_of(&waivers).map(Arc::as_ref), ..row })
    }

    /// The columns of those rows.
    pub fn detail_columns(&self) -> impl Iterator<Item = &'static Column<DetailCell>> {
        DETAIL.iter().chain(self.waivers.is_some().then_some(WAIVER))
    }
}

fn task_waivers<'w>(options: &'w Options, task: &Task, as_of: Timestamp) -> TaskWaivers<'w> {
    options.waivers.as_ref().map(|waivers| waivers.of_task(task, as_of)).unwrap_or_default()
}

/// What the finished times of a task's answer are compared with, on the service's clock: when it answered, and the
/// end of the run. That cannot have been before the answer, whatever the others show of the clock.
fn moments(journal: &Journal, record: Option<&Record>) -> Moments {
    let as_of = journal.as_of();
    let answered = record.map_or(as_of, |record| journal.service_time(record));
    Moments { answered, as_of: as_of.max(answered) }
}

fn read(answered: &Answered) -> Result<Answer, Unreadable> {
    read_answer(answered.status, answered.content_range.as_deref(), &answered.body)
}

/// Whether a waiver accepts a directory that is not in the verification.
fn is_unchecked(row: &SummaryRow<'_>, waived: &Waived) -> bool {
    let context = row.context.as_ref().filter(|_| waived.inconclusive);
    context.is_some_and(|context| context.not_verified.contains(&waived.check.directory))
}

/// What a plan's server and the account's tasks leave to be known.
fn plan_notes(task: &Task) -> Vec<Note> {
    let Some(planned) = &task.planned else { return Vec::new() };
    let several = (planned.tasks > 1).then_some(Note::SeveralTasks(planned.tasks));
    let near = (!planned.near.is_empty()).then(|| Note::NearNames(planned.near.clone()));
    let also = (!planned.also.is_empty()).then(|| Note::AlsoListedAs(planned.also.clone()));
    let doubts = planned.doubts.iter().cloned().map(Note::PlanDoubt);
    several.into_iter().chain(near).chain(also).chain(doubts).collect()
}

/// A check result for a row. The usual one is not copied: a small copy between the large answers of each task would
/// keep their memory from being used again.
fn check_result(result: &str) -> Cow<'static, str> {
    match result {
        "success" => Cow::Borrowed("success"),
        other => Cow::Owned(other.to_owned()),
    }
}

fn summarise<'t>(
    (ordinal, task): (usize, &'t Task),
    record: Option<&Record>,
    policy: &Policy,
    waivers: &TaskWaivers<'_>,
    moments: Moments,
) -> (SummaryRow<'t>, Vec<Verification>) {
    let mut row = SummaryRow {
        task,
        ordinal,
        verdict: Verdict::FetchFailed,
        decisive: None,
        last_verified: None,
        check_result: None,
        totals: None,
        verifications: None,
        shape: None,
        attempts: 0,
        error_code: None,
        error_message: None,
        request_id: None,
        notes: Vec::new(),
        waived: Vec::new(),
        context: None,
        fetched_at: None,
        moments,
    };
    row.notes.extend(plan_notes(task));
    let Some(record) = record else {
        row.error_message = Some("not fetched: the journal has no record of this task".into());
        return (row, Vec::new());
    };
    row.attempts = record.attempts;
    row.request_id = record.request_id.as_deref().map(Into::into);
    row.fetched_at = Some(record.fetched_at);
    let facts = record.context.as_ref().and_then(ContextFacts::read);
    let (mut row, verifications) = with_answer(row, record, policy, waivers, moments);
    if let Some(facts) = facts {
        let decisive = row.decisive.and_then(|place| verifications.get(place));
        let judged = context::judge(row.verdict, decisive, &facts, waivers);
        row.verdict = judged.verdict;
        row.notes.extend(judged.notes);
        row.waived.extend(judged.waived);
        row.context = Some(Arc::new(judged.context));
    }
    (row, verifications)
}

/// Judges the answer of a task.
fn with_answer<'t>(
    mut row: SummaryRow<'t>,
    record: &Record,
    policy: &Policy,
    waivers: &TaskWaivers<'_>,
    moments: Moments,
) -> (SummaryRow<'t>, Vec<Verification>) {
    let answered = match &record.outcome {
        Outcome::NoTask => {
            row.verdict = Verdict::NotVerified;
            return (row, Vec::new());
        }
        Outcome::Failed(failed) => {
            let status = || failed.status.map(|status| format!("HTTP {status}").into());
            row.error_code = failed.code.as_deref().map(Into::into).or_else(status);
            row.error_message = Some(failed.message.as_str().into());
            return (row, Vec::new());
        }
        Outcome::Answered(answered) => answered,
    };
    match read(answered) {
        Err(unreadable) => {
            row.verdict = Verdict::Unreadable;
            if let Some(error) = unreadable.error() {
                row.error_code = error.code.as_deref().map(Into::into);
                row.error_message = Some(unreadable.to_string().into());
                return (row, Vec::new());
            }
            let error = ErrorBody::parse(&answered.body);
            // A page or an error document describes the problem; other JSON is not worth quoting.
            let is_page = answered.body.trim_ascii_start().starts_with(b"<");
            let said = error.message.filter(|_| error.code.is_some() || is_page);
            row.error_code = error.code.map(Into::into);
            let message = match said {
                Some(said) => format!("{unreadable}; it says: {said}"),
                None => unreadable.to_string(),
            };
            row.error_message = Some(message.into());
            (row, Vec::new())
        }
        Ok(answer) => {
            let judgement = judge::judge(row.task, &answer, policy, waivers, moments);
            row.verdict = judgement.verdict;
            row.notes.extend(judgement.notes);
            row.waived = judgement.waived;
            if row.verdict == Verdict::Unreadable {
                row.error_message = Some("the answer is of another task".into());
            }
            row.shape = Some(answer.shape);
            row.verifications = u64::try_from(answer.verifications.len()).ok();
            row.decisive = judgement.decisive;
            let decisive = judgement.decisive.and_then(|place| answer.verifications.get(place));
            if let Some(decisive) = decisive {
                row.last_verified = decisive.finished;
                row.check_result = decisive.check_result.as_deref().map(check_result);
                row.totals = Some(decisive.totals());
            }
            (row, answer.verifications)
        }
    }
}
