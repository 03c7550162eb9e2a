//! What a template says of a workbook.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::model::{Language, Markup, Verdict};
use crate::report::table::{Column, DetailCell, SummaryCell};
use crate::report::zone::Zone;

/// What a workbook shows.
#[derive(Debug, Clone)]
pub struct Template {
    /// Its name, or the file that it comes from.
    pub name: String,
    /// What it is for.
    pub description: Words,
    /// The title of the report.
    pub title: Words,
    /// The Summary's columns.
    pub summary: Vec<&'static Column<SummaryCell>>,
    /// The keys of those that stand behind a fold.
    pub folded: Vec<&'static str>,
    /// Whether the labels of the task list are columns too.
    pub labels: bool,
    /// The position among the columns before which they are; none behind all.
    pub labels_position: Option<usize>,
    /// Whether the Overview has a chart.
    pub charts: bool,
    /// Whether each task has a sheet.
    pub task_sheets: bool,
    /// The columns of the tasks' sheets.
    pub tasks: Vec<&'static Column<DetailCell>>,
    /// Whether there is an About sheet.
    pub about: bool,
    /// The cells that stand out.
    pub highlights: Vec<Highlight>,
    /// The paper that sheets are printed on.
    pub page: Page,
    /// The Sign-off sheet, if there is one.
    pub signoff: Option<Signoff>,
    /// The texts of tickets, as minijinja templates; built-in ones stand in for those that are missing.
    pub tickets: Vec<TicketText>,
    pub(super) widths: BTreeMap<&'static str, u16>,
    pub(super) headings: BTreeMap<&'static str, Words>,
}

impl Template {
    /// The name of the template that others build on.
    pub const STANDARD: &str = "standard";

    /// The heading of a column: the template's own word for it, or the usual one.
    pub fn heading<F>(&self, column: &Column<F>, zone: &Zone, language: Language) -> String {
        let own = self.headings.get(column.key).and_then(|words| words.own(language));
        column.heading_in(own.unwrap_or(language.heading(column.heading)), zone)
    }

    /// The width of a column in characters.
    pub fn width<F>(&self, column: &Column<F>) -> u16 {
        self.own_width(column.key).unwrap_or(column.width)
    }

    /// The width that the template gives a column, in characters.
    pub fn own_width(&self, key: &str) -> Option<u16> {
        self.widths.get(key).copied()
    }
}

/// A text in the languages in which a template gives it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Words {
    pub(super) english: Option<String>,
    pub(super) chinese: Option<String>,
}

impl Words {
    /// The text in this language, or else in the other one.
    pub fn text(&self, language: Language) -> &str {
        let either = || self.english.as_deref().or(self.chinese.as_deref());
        self.own(language).or_else(either).unwrap_or_default()
    }

    pub(super) fn own(&self, language: Language) -> Option<&str> {
        match language {
            Language::English => self.english.as_deref(),
            Language::Chinese => self.chinese.as_deref(),
        }
    }
}

/// Cells that stand out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Highlight {
    /// The key of the column.
    pub column: &'static str,
    /// Which of its cells.
    pub rule: Rule,
    /// How they look.
    pub look: Look,
}

/// Which cells of a column stand out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rule {
    /// Those with one of these verdicts.
    Verdicts(Vec<Verdict>),
    /// Those with a larger count.
    Above(u32),
}

/// How a cell is emphasised.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Look {
    /// Green, upright.
    Good,
    /// Amber.
    Unsure,
    /// Red, bold.
    Bad,
}

/// The paper that sheets are printed on; they are made to fit its width.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Its size.
    pub paper: Paper,
    /// Whether its long side lies.
    pub landscape: bool,
}

/// A size of paper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Paper {
    /// 297 × 420 mm.
    A3,
    /// 210 × 297 mm.
    A4,
    /// 8½ × 11 in.
    #[serde(rename = "letter")]
    Letter,
}

/// The text of a ticket, as in the template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TicketText {
    /// Its markup.
    pub markup: Markup,
    /// The minijinja template.
    pub source: String,
    /// The lines of the file above its first line.
    pub lines_above: usize,
}

/// The sheet that people sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signoff {
    /// Its title.
    pub title: Words,
    /// The lines below the title.
    pub fields: Vec<Field>,
    /// The decisions to choose from.
    pub decisions: Vec<Words>,
    /// Who signs.
    pub signatures: Vec<Words>,
}

/// A line of the Sign-off sheet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Field {
    /// What it is.
    pub name: Words,
    /// The label of the task list whose values it shows; without one it is to be filled in.
    pub label: Option<String>,
}
