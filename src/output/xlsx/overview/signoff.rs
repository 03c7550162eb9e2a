//! What people fill in below the facts: fields, a decision, conditions, signatures. Only these cells can be written
//! to.

use std::collections::BTreeSet;

use rust_xlsxwriter::{DataValidation, XlsxError};

use super::grid::{INDENT, LAST, ROOM, room};
use super::page::Page;
use crate::output::xlsx::style::FONT_SIZE;
use crate::output::xlsx::text_size::Font;
use crate::report::{Field, Report, Signoff, Words};

/// The columns of two fields beside each other: name and value of each.
const FIELDS: [[(u16, u16); 2]; 2] = [[(0, 2), (3, 8)], [(9, 11), (12, LAST)]];
/// The columns of the decisions, three in a row.
const NAME: (u16, u16) = (0, 2);
const DECISIONS: [(u16, u16); 3] = [(3, 6), (7, 12), (13, LAST)];
/// The columns of the signatures.
const SIGNATURES: [(u16, u16); 4] = [(0, 4), (5, 8), (9, 11), (12, LAST)];

const TICKS: [&str; 2] = ["☐", "☒"];
/// The size of a decision's text, in points, and the most lines of it and of a role.
const DECISION_SIZE: f64 = 12.0;
const MAX_LINES: u32 = 2;

/// Heights in points.
const GAP: f64 = 6.0;
const SMALL_GAP: f64 = 4.0;
const FIELD: f64 = 18.0;
/// By the number of lines.
const DECISION: [f64; 2] = [20.0, 36.0];
const CONDITIONS: [f64; 3] = [18.0; 3];
const HEADINGS: f64 = 16.0;
/// By the number of lines of the longest role.
const LEAST_SIGNATURE: [f64; 2] = [24.0, 30.0];
const MOST_SIGNATURE: f64 = 36.0;

impl Page<'_> {
    /// The least height of what follows the facts.
    pub(super) fn signoff_height(&self, signoff: &Signoff) -> f64 {
        let fields = rows(signoff.fields.len(), FIELDS.len()) * FIELD;
        let decisions = rows(signoff.decisions.len(), DECISIONS.len()) * self.decision_height(signoff);
        let signatures = rows(signoff.signatures.len(), 1) * self.least_signature(signoff);
        let conditions: f64 = CONDITIONS.iter().sum();
        SMALL_GAP + fields + GAP + decisions + SMALL_GAP + conditions + GAP + HEADINGS + signatures
    }

    fn decision_height(&self, signoff: &Signoff) -> f64 {
        let font = Font::bold(DECISION_SIZE).of(self.language());
        let lines = |(decision, columns): (&Words, (u16, u16))| {
            font.lines(&ticked(TICKS[0], decision.text(self.language())), room(columns) - INDENT)
        };
        let lines = signoff.decisions.iter().zip(DECISIONS.into_iter().cycle()).map(lines);
        of_lines(DECISION, lines)
    }

    fn least_signature(&self, signoff: &Signoff) -> f64 {
        let font = Font::bold(FONT_SIZE).of(self.language());
        let lines =
            signoff.signatures.iter().map(|role| font.lines(role.text(self.language()), room(SIGNATURES[0])));
        of_lines(LEAST_SIGNATURE, lines)
    }

    pub(super) fn signoff(&mut self, signoff: &Signoff) -> Result<(), XlsxError> {
        self.gap(SMALL_GAP)?;
        for pair in signoff.fields.chunks(FIELDS.len()) {
            let row = self.row(FIELD)?;
            for (field, columns) in pair.iter().zip(FIELDS) {
                self.field(row, field, columns)?;
            }
        }
        self.gap(GAP)?;
        self.decisions(signoff)?;
        self.gap(SMALL_GAP)?;
        for (place, height) in CONDITIONS.into_iter().enumerate() {
            let row = self.row(height)?;
            if place == 0 {
                self.label(row, NAME, "Conditions", &self.looks.label())?;
            }
            self.text(row, (NAME.1 + 1, LAST), "", &self.looks.open_line())?;
        }
        self.gap(GAP)?;
        self.signatures(signoff)
    }

    /// A field with what the report knows, or with a line to fill in.
    fn field(&mut self, row: u32, field: &Field, [name, value]: [(u16, u16); 2]) -> Result<(), XlsxError> {
        let text = Font::bold(FONT_SIZE).of(self.language()).cut_end(
            field.name.text(self.language()),
            room(name),
            1,
        );
        self.text(row, name, &text, &self.looks.label())?;
        let known =
            field.label.as_deref().map(|label| label_values(self.report(), label)).unwrap_or_default();
        if known.is_empty() {
            return self.text(row, value, "", &self.looks.open_line());
        }
        let known = Font::plain(FONT_SIZE).of(self.language()).cut_end(
            &known.join(self.language().comma()),
            room(value),
            1,
        );
        self.text(row, value, &known, &self.looks.text())
    }

    /// A box for each decision, to tick on paper or by choosing from a list.
    fn decisions(&mut self, signoff: &Signoff) -> Result<(), XlsxError> {
        let height = self.decision_height(signoff);
        for (place, decisions) in signoff.decisions.chunks(DECISIONS.len()).enumerate() {
            let row = self.row(height)?;
            if place == 0 {
                self.label(row, NAME, "Decision", &self.looks.section())?;
            }
            for (decision, columns) in decisions.iter().zip(DECISIONS) {
                self.tick(row, decision, columns)?;
            }
        }
        Ok(())
    }

    fn tick(&mut self, row: u32, decision: &Words, columns: (u16, u16)) -> Result<(), XlsxError> {
        let font = Font::bold(DECISION_SIZE).of(self.language());
        let choices = TICKS.map(|tick| {
            let text = ticked(tick, decision.text(self.language()));
            font.cut_end(&text, room(columns) - INDENT, MAX_LINES)
        });
        self.text(row, columns, &choices[0], &self.looks.tick())?;
        let message = self.language().text("Choose from the list");
        let validation = DataValidation::new().allow_list_strings(&choices)?.set_input_message(message)?;
        self.sheet.worksheet.add_data_validation(row, columns.0, row, columns.1, &validation).map(drop)
    }

    fn signatures(&mut self, signoff: &Signoff) -> Result<(), XlsxError> {
        if signoff.signatures.is_empty() {
            return Ok(());
        }
        let row = self.row(HEADINGS)?;
        for (columns, heading) in SIGNATURES.into_iter().zip(["Role", "Name", "Date", "Signature"]) {
            self.label(row, columns, heading, &self.looks.column())?;
        }
        let count = rows(signoff.signatures.len(), 1);
        let least = self.least_signature(signoff);
        let height = ((ROOM - self.used) / count).clamp(least, MOST_SIGNATURE).floor();
        let font = Font::bold(FONT_SIZE).of(self.language());
        for role in &signoff.signatures {
            let row = self.row(height)?;
            let [of_role, others @ ..] = SIGNATURES;
            let format = self.looks.signature().set_locked().set_bold().set_text_wrap();
            let role = font.cut_end(role.text(self.language()), room(of_role), MAX_LINES);
            self.text(row, of_role, &role, &format)?;
            for columns in others {
                self.text(row, columns, "", &self.looks.signature())?;
            }
        }
        Ok(())
    }
}

fn ticked(tick: &str, decision: &str) -> String {
    format!("{tick} {decision}")
}

/// The height for the longest of some texts.
fn of_lines([one, two]: [f64; 2], lines: impl Iterator<Item = u32>) -> f64 {
    if lines.max().unwrap_or(1) > 1 { two } else { one }
}

/// The rows of so many things, if there are so many in a row.
fn rows(count: usize, in_a_row: usize) -> f64 {
    f64::from(u32::try_from(count.div_ceil(in_a_row)).unwrap_or(u32::MAX))
}

/// What the tasks have in a label, each once.
fn label_values(report: &Report<'_>, label: &str) -> Vec<String> {
    let wanted = label.to_lowercase();
    let labels = report
        .labels()
        .iter()
        .filter(|known| known.name.to_lowercase() == wanted || known.heading.to_lowercase() == wanted);
    let values: BTreeSet<_> = labels
        .flat_map(|label| report.rows().iter().filter_map(|row| row.task.labels.get(&label.name)))
        .collect();
    values.into_iter().filter(|value| !value.trim().is_empty()).map(str::to_owned).collect()
}
