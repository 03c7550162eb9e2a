//! The Sign-off sheet: what was looked at, what came of it, and who decides. Only the cells that people
//! fill in can be written to.

use std::collections::BTreeSet;

use rust_xlsxwriter::{DataValidation, Workbook, XlsxError};

use super::Sheet;
use super::style::{Style, Styles};
use crate::report::{Field, Report, Signoff};

const NAME: &str = "Sign-off";
/// The columns of the signatures: role, name, date, signature.
const WIDTHS: [u16; 4] = [30, 34, 20, 46];
const LAST_COLUMN: u16 = 3;
/// Room to write by hand, in points.
const SIGNATURE_HEIGHT: u16 = 34;

pub(super) fn add(
    workbook: &mut Workbook,
    report: &Report<'_>,
    signoff: &Signoff,
    styles: &Styles,
) -> Result<(), XlsxError> {
    let worksheet = workbook.add_worksheet();
    worksheet.set_name(NAME)?;
    for (column, width) in (0..).zip(WIDTHS) {
        worksheet.set_column_width(column, width)?;
    }
    let sheet = Sheet::new(worksheet, report, styles);
    let mut page = Page { sheet, row: 0 };
    page.title(report, signoff)?;
    for field in &signoff.fields {
        page.field(report, field)?;
    }
    page.outcome(report)?;
    if !signoff.decisions.is_empty() {
        page.decision(signoff)?;
    }
    if !signoff.signatures.is_empty() {
        page.signatures(signoff)?;
    }
    page.sheet.worksheet.set_print_area(0, 0, page.row, LAST_COLUMN)?.protect();
    page.sheet.page(None)
}

/// The sheet, and the next row to write.
struct Page<'a> {
    sheet: Sheet<'a>,
    row: u32,
}

impl Page<'_> {
    fn title(&mut self, report: &Report<'_>, signoff: &Signoff) -> Result<(), XlsxError> {
        let (language, styles) = (self.sheet.language, self.sheet.styles);
        self.sheet.worksheet.set_row_height(0, 30)?;
        self.sheet.text(0, 0, signoff.title.text(language), &styles.title)?;
        self.sheet.link_back()?;
        if report.is_sample() {
            self.sheet.sample_banner(LAST_COLUMN)?;
        }
        self.row = 3;
        Ok(())
    }

    /// A line with what the report knows, or with a cell to fill in.
    fn field(&mut self, report: &Report<'_>, field: &Field) -> Result<(), XlsxError> {
        let name = field.name.text(self.sheet.language);
        let known = field.label.as_deref().map(|label| label_values(report, label)).unwrap_or_default();
        if known.is_empty() { self.open(name) } else { self.line(name, &known.join(", ")) }
    }

    fn outcome(&mut self, report: &Report<'_>) -> Result<(), XlsxError> {
        let (language, styles) = (self.sheet.language, self.sheet.styles);
        let zone = self.sheet.zone;
        let header = report.journal().header();
        self.row += 1;
        self.line(language.text("Scope"), &language.fill("{0} tasks", &[&report.rows().len()]))?;
        self.line(language.text("Endpoint"), &header.endpoint)?;
        let ended = format!("{} ({})", zone.plain(report.journal().ended_at()), zone.name());
        self.line(language.text("Run ended"), &ended)?;
        self.line(language.text("Criteria"), &report.criteria(language))?;
        self.line(language.text("Evidence"), &report.evidence(language))?;
        if let Some(oldest) = report.oldest_verification(language) {
            self.line(language.text("Oldest verification"), &oldest)?;
        }
        self.line(language.text("Outcome"), &report.outcome(language))?;
        for (verdict, count) in report.counts().into_iter().filter(|(_, count)| *count > 0) {
            self.sheet.label(self.row, 0, verdict.label(), styles.verdict(verdict))?;
            let count = u64::try_from(count).unwrap_or(u64::MAX);
            self.sheet.count(self.row, 1, count, &styles.plain_count)?;
            self.wide(2, language.text(verdict.meaning()), &styles.quiet_prose)?;
            self.row += 1;
        }
        Ok(())
    }

    fn decision(&mut self, signoff: &Signoff) -> Result<(), XlsxError> {
        let language = self.sheet.language;
        let choices: Vec<&str> = signoff.decisions.iter().map(|decision| decision.text(language)).collect();
        self.row += 1;
        let row = self.row;
        self.open(language.text("Decision"))?;
        let choose = language.text("Choose from the list");
        let validation = DataValidation::new().allow_list_strings(&choices)?.set_input_message(choose)?;
        self.sheet.worksheet.add_data_validation(row, 1, row, 1, &validation)?;
        Ok(())
    }

    fn signatures(&mut self, signoff: &Signoff) -> Result<(), XlsxError> {
        let (language, styles) = (self.sheet.language, self.sheet.styles);
        self.row += 1;
        for (column, heading) in (0..).zip(["Role", "Name", "Date", "Signature"]) {
            self.sheet.label(self.row, column, heading, styles.heading(crate::report::Kind::Text))?;
        }
        for role in &signoff.signatures {
            self.row += 1;
            self.sheet.worksheet.set_row_height(self.row, SIGNATURE_HEIGHT)?;
            self.sheet.text(self.row, 0, role.text(language), &styles.label)?;
            for column in 1..=LAST_COLUMN {
                self.sheet.text(self.row, column, "", &styles.blank)?;
            }
        }
        Ok(())
    }

    fn line(&mut self, name: &str, text: &str) -> Result<(), XlsxError> {
        self.row(name, text, &self.sheet.styles.prose)
    }

    /// A line to fill in.
    fn open(&mut self, name: &str) -> Result<(), XlsxError> {
        self.row(name, "", &self.sheet.styles.blank)
    }

    fn row(&mut self, name: &str, text: &str, style: &Style) -> Result<(), XlsxError> {
        self.sheet.text(self.row, 0, name, &self.sheet.styles.label)?;
        self.wide(1, text, style)?;
        self.row += 1;
        Ok(())
    }

    /// A text that has the row from `column` on, in as many lines as it needs: merged cells do not grow.
    fn wide(&mut self, column: u16, text: &str, style: &Style) -> Result<(), XlsxError> {
        let width = WIDTHS.iter().skip(usize::from(column)).sum();
        self.sheet.lines = self.sheet.lines.max(super::lines_of(text, width));
        let text = super::cell_text(text);
        self.sheet.worksheet.merge_range(self.row, column, self.row, LAST_COLUMN, &text, style)?;
        self.sheet.fit_height(self.row)
    }
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
    values.into_iter().filter(|value| !value.trim().is_empty()).cloned().collect()
}
