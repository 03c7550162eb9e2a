//! The text of a template. Every key and column is known, or an error with its place.

use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;

use super::layout::{Field, Highlight, Look, Page, Paper, Rule, Signoff, Template, TicketText, Words};
use super::sources::BUILT_IN;
use crate::model::{Language, Markup, Verdict, did_you_mean};
use crate::report::table::{Column, DETAIL, DetailCell, REASON, SUMMARY, SummaryCell};

/// A template that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}:{line}:{column}: {what}")]
pub struct TemplateError {
    /// The template.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub what: String,
}

/// Reads a template; what it leaves out is as in `standard`.
pub(super) fn template(name: &str, source: &str) -> Result<Template, TemplateError> {
    let mut template = Template {
        name: name.to_owned(),
        description: Words::default(),
        title: Words::default(),
        summary: Vec::new(),
        folded: Vec::new(),
        labels: true,
        labels_place: None,
        charts: true,
        task_sheets: true,
        tasks: Vec::new(),
        about: true,
        highlights: Vec::new(),
        page: Page { paper: Paper::A4, landscape: true },
        signoff: None,
        tickets: Vec::new(),
        widths: BTreeMap::new(),
        headings: BTreeMap::new(),
    };
    let standard = BUILT_IN.first().copied();
    for (name, source) in standard.into_iter().chain([(name, source)]) {
        let wrong = |wrong: Wrong| at(name, source, wrong);
        let file: File = toml::from_str(source)
            .map_err(|error| wrong((error.span().unwrap_or_default(), error.message().to_owned())))?;
        file.lay_over(&mut template, source).map_err(wrong)?;
    }
    Ok(template)
}

/// The error with its place, as people give it.
pub(super) fn at(name: &str, source: &str, (span, what): Wrong) -> TemplateError {
    let before = source.get(..span.start).unwrap_or(source);
    let line = line_of(source, span.start);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    TemplateError { name: name.to_owned(), line, column, what }
}

/// Serde takes a plain `&'static` for something borrowed from the text.
type Forever<T> = &'static T;

/// What is wrong, and where.
pub(super) type Wrong = (Range<usize>, String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    description: Option<WordsText>,
    title: Option<WordsText>,
    #[serde(default)]
    summary: SummaryText,
    #[serde(default)]
    tasks: TasksText,
    #[serde(default)]
    about: AboutText,
    highlight: Option<Vec<HighlightText>>,
    #[serde(default)]
    page: PageText,
    signoff: Option<SignoffText>,
    #[serde(default)]
    ticket: TicketTexts,
    #[serde(default)]
    widths: BTreeMap<Key, Spanned<u16>>,
    #[serde(default)]
    headings: HeadingsText,
}

impl File {
    fn lay_over(self, template: &mut Template, source: &str) -> Result<(), Wrong> {
        put(&mut template.description, self.description.map(Words::from));
        put(&mut template.title, self.title.map(Words::from));
        if let Some(mut columns) = self.summary.columns {
            template.labels_place = take_labels(&mut columns);
            template.summary = some(columns)?;
        }
        let folded = self.summary.folded.map(distinct).transpose()?;
        put(
            &mut template.folded,
            folded
                .map(|columns: Vec<&Column<SummaryCell>>| columns.iter().map(|column| column.key).collect()),
        );
        put(&mut template.labels, self.summary.labels);
        put(&mut template.charts, self.summary.charts);
        put(&mut template.task_sheets, self.tasks.sheets);
        put(&mut template.tasks, self.tasks.columns.map(some).transpose()?);
        put(&mut template.about, self.about.sheet);
        let highlights = self.highlight.map(|all| all.into_iter().map(HighlightText::checked).collect());
        put(&mut template.highlights, highlights.transpose()?);
        put(&mut template.page.paper, self.page.paper);
        put(&mut template.page.landscape, self.page.orientation.map(|side| side == Side::Landscape));
        if let Some(signoff) = self.signoff {
            check_decisions(&signoff.decision)?;
            template.signoff = Some(signoff.into());
        }
        let TicketTexts { markdown, jira, plain } = self.ticket;
        for (markup, text) in [(Markup::Markdown, markdown), (Markup::Jira, jira), (Markup::Plain, plain)] {
            template.tickets.extend(text.map(|text| {
                let start = text.span().start;
                let opening = source.get(start..).unwrap_or_default();
                // A line break right after the quotes is not part of the text.
                let is_below = ["\"\"\"\n", "\"\"\"\r\n", "'''\n", "'''\r\n"]
                    .iter()
                    .any(|quotes| opening.starts_with(quotes));
                let lines_above = line_of(source, start) - 1 + usize::from(is_below);
                TicketText { markup, source: text.into_inner(), lines_above }
            }));
        }
        for (key, width) in self.widths {
            if !(1..=255).contains(width.get_ref()) {
                return Err((width.span(), "a width is from 1 to 255 characters".to_owned()));
            }
            template.widths.insert(key.0, width.into_inner());
        }
        for (key, text) in self.headings.en {
            template.headings.entry(key.0).or_default().english = Some(text);
        }
        for (key, text) in self.headings.zh {
            template.headings.entry(key.0).or_default().chinese = Some(text);
        }
        Ok(())
    }
}

/// The line of a place in a text, from 1.
fn line_of(source: &str, at: usize) -> usize {
    source.get(..at).unwrap_or(source).matches('\n').count() + 1
}

fn put<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields, expecting = "a table as { en = \"…\", zh = \"…\" }")]
struct WordsText {
    en: Option<String>,
    zh: Option<String>,
}

impl From<WordsText> for Words {
    fn from(text: WordsText) -> Self {
        Self { english: text.en, chinese: text.zh }
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct SummaryText {
    columns: Option<Keys>,
    folded: Option<Keys>,
    labels: Option<bool>,
    charts: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct TasksText {
    sheets: Option<bool>,
    columns: Option<Keys>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct AboutText {
    sheet: Option<bool>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct PageText {
    paper: Option<Paper>,
    orientation: Option<Side>,
}

#[derive(Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
enum Side {
    Landscape,
    Portrait,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct HeadingsText {
    #[serde(default)]
    en: BTreeMap<Key, String>,
    #[serde(default)]
    zh: BTreeMap<Key, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct HighlightText {
    column: Spanned<Key>,
    #[serde(default)]
    is: Vec<Spanned<String>>,
    above: Option<u32>,
    look: Look,
}

impl HighlightText {
    fn checked(self) -> Result<Highlight, Wrong> {
        let (span, key) = (self.column.span(), self.column.into_inner().0);
        let verdicts = self.is.into_iter().map(verdict).collect::<Result<Vec<_>, _>>()?;
        let rule = match (key, self.above) {
            ("verdict", None) if !verdicts.is_empty() => Rule::Verdicts(verdicts),
            ("verdict", _) => {
                return Err((span, "a highlight of `verdict` needs `is`, a list of verdicts".to_owned()));
            }
            (_, Some(above)) if verdicts.is_empty() && is_count(key) => Rule::Above(above),
            _ => {
                let what = format!(
                    "`{key}` cannot be highlighted; only `verdict` (with `is`) and counts (with `above`) can"
                );
                return Err((span, what));
            }
        };
        Ok(Highlight { column: key, rule, look: self.look })
    }
}

fn is_count(key: &str) -> bool {
    use crate::report::table::Kind::Number;
    SUMMARY.iter().any(|column| column.key == key && column.kind == Number)
        || DETAIL.iter().any(|column| column.key == key && column.kind == Number)
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct TicketTexts {
    markdown: Option<Spanned<String>>,
    jira: Option<Spanned<String>>,
    plain: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignoffText {
    title: WordsText,
    #[serde(default)]
    field: Vec<FieldText>,
    #[serde(default)]
    decision: Vec<DecisionText>,
    #[serde(default)]
    signature: Vec<SignatureText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FieldText {
    name: WordsText,
    label: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DecisionText {
    name: Spanned<WordsText>,
}

/// The most UTF-16 units of a decision: Excel takes 255 for its two boxes, open and ticked, with the comma between.
const MAX_DECISION_UNITS: usize = 125;

/// Checks that Excel can offer the decisions, in every language.
fn check_decisions(decisions: &[DecisionText]) -> Result<(), Wrong> {
    for language in [Language::English, Language::Chinese] {
        for DecisionText { name } in decisions {
            let words = Words::from(name.get_ref().clone());
            let text = words.text(language);
            // A quotation mark is written twice.
            let units = text.encode_utf16().count() + text.matches('"').count();
            let what = if text.trim().is_empty() {
                "a decision needs a name".to_owned()
            } else if text.contains(',') {
                format!("`{text}` has a comma, which separates choices in Excel; remove it")
            } else if units > MAX_DECISION_UNITS {
                format!("Excel allows {MAX_DECISION_UNITS} characters for a decision; shorten it")
            } else {
                continue;
            };
            return Err((name.span(), what));
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SignatureText {
    role: WordsText,
}

impl From<SignoffText> for Signoff {
    fn from(text: SignoffText) -> Self {
        Self {
            title: text.title.into(),
            fields: text
                .field
                .into_iter()
                .map(|field| Field { name: field.name.into(), label: field.label })
                .collect(),
            decisions: text.decision.into_iter().map(|decision| decision.name.into_inner().into()).collect(),
            signatures: text.signature.into_iter().map(|signature| signature.role.into()).collect(),
        }
    }
}

/// The column entry that means the labels of the task list.
const LABELS: &str = "labels";

/// The columns of a table by their keys.
type Keys = Spanned<Vec<Spanned<String>>>;

/// The values of the columns of a table.
trait Columns: Sized + 'static {
    fn all() -> impl Iterator<Item = &'static Column<Self>> + Clone;
}

impl Columns for SummaryCell {
    fn all() -> impl Iterator<Item = &'static Column<Self>> + Clone {
        SUMMARY.iter().chain([REASON])
    }
}

impl Columns for DetailCell {
    fn all() -> impl Iterator<Item = &'static Column<Self>> + Clone {
        DETAIL.iter()
    }
}

/// Removes the entry that means all labels, and returns its place.
fn take_labels(columns: &mut Keys) -> Option<usize> {
    let place = columns.get_ref().iter().position(|key| key.get_ref() == LABELS)?;
    columns.get_mut().remove(place);
    Some(place)
}

/// Columns of which there is at least one, and none twice.
fn some<F: Columns>(keys: Keys) -> Result<Vec<&'static Column<F>>, Wrong> {
    if keys.get_ref().is_empty() {
        return Err((keys.span(), "at least one column is needed".to_owned()));
    }
    distinct(keys)
}

/// Columns of which none is there twice.
fn distinct<F: Columns>(keys: Keys) -> Result<Vec<&'static Column<F>>, Wrong> {
    let mut columns: Vec<&'static Column<F>> = Vec::new();
    for key in keys.into_inner() {
        let (span, key) = (key.span(), key.into_inner());
        let Some(column) = F::all().find(|column| column.key == key) else {
            return Err((span, unknown(&key, F::all().map(|column| column.key))));
        };
        if columns.iter().any(|other| other.key == column.key) {
            return Err((span, format!("column `{key}` appears twice")));
        }
        columns.push(column);
    }
    Ok(columns)
}

fn unknown(key: &str, known: impl Iterator<Item = &'static str>) -> String {
    let known: Vec<_> = known.collect();
    match did_you_mean(key, known.iter().copied()) {
        near if near.is_empty() => format!("unknown column `{key}`; columns are {}", known.join(", ")),
        near => format!("unknown column `{key}`{near}"),
    }
}

fn verdict(key: Spanned<String>) -> Result<Verdict, Wrong> {
    Verdict::from_key(key.get_ref()).ok_or_else(|| {
        let known = Verdict::ALL.map(Verdict::key).join(", ");
        let near = did_you_mean(key.get_ref(), Verdict::ALL.map(Verdict::key));
        (key.span(), format!("unknown verdict `{}`; verdicts are {known}{near}", key.get_ref()))
    })
}

/// The key of a column of any table.
#[derive(Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(try_from = "String")]
struct Key(Forever<str>);

impl TryFrom<String> for Key {
    type Error = String;

    fn try_from(key: String) -> Result<Self, String> {
        let keys = SummaryCell::all().map(|column| column.key);
        let keys = keys.chain(DETAIL.iter().map(|column| column.key));
        keys.clone().find(|known| *known == key).map(Self).ok_or_else(|| unknown(&key, keys))
    }
}
