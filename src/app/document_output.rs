//! Writes the outputs of a comparison or a history.

use std::fmt::Write as _;

use crate::cli::StdoutFormat;
use crate::fs::Written;
use crate::output::{CsvOptions, Document, DocumentKind, DocumentTarget, StdoutKind, write_document};
use crate::storage::Storage;

use super::exit::Failure;
use super::{console, stdout_output};

/// The outputs of a document, after they were written.
pub(crate) struct DocumentOutput<'a, D> {
    document: &'a D,
    csv: CsvOptions,
    written: Vec<Written>,
    has_failed: bool,
}

impl<'a, D: Document> DocumentOutput<'a, D> {
    /// Writes every target. One that fails is reported and does not stop the others.
    pub(crate) fn write(
        document: &'a D,
        targets: &[DocumentTarget],
        csv: CsvOptions,
        storage: &Storage,
    ) -> Self {
        let mut output = Self { document, csv, written: Vec::new(), has_failed: false };
        for target in targets {
            match write_document(document, target, csv, storage) {
                Ok(written) => output.written.extend(written),
                Err(error) => {
                    console::error(&format!("{error}; an existing file is unchanged"));
                    output.has_failed = true;
                }
            }
        }
        output
    }

    /// Whether a target or stdout could not be written.
    pub(crate) fn has_failed(&self) -> bool {
        self.has_failed
    }

    /// The files written.
    pub(crate) fn written(&self) -> &[Written] {
        &self.written
    }

    /// The document as Markdown.
    ///
    /// # Errors
    /// When it cannot be made.
    pub(crate) fn markdown(&self) -> Result<String, Failure> {
        let mut text = Vec::new();
        let written = self.document.write_as(DocumentKind::Markdown, self.csv, &mut text);
        written.map_err(Failure::stopped)?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Writes to stdout what belongs there: the output of `-o -`, the document of `--json`, else the table, or without
    /// one the paths written unless `-q`.
    pub(crate) fn print(
        &mut self,
        format: Option<StdoutFormat>,
        json: bool,
        table: Option<impl FnOnce() -> Result<(), Failure>>,
    ) {
        let printed = match (format, table) {
            (Some(format), _) => stdout_output::write(format, |to| {
                self.document.write_as(StdoutKind::from(format).into(), self.csv, to)
            }),
            (None, _) if json => self.print_json(),
            (None, Some(table)) => table(),
            (None, None) if console::is_quiet() => Ok(()),
            (None, None) => {
                let mut paths = String::new();
                for file in &self.written {
                    let _ = writeln!(paths, "{}", file.path.display());
                }
                console::out_data(paths.as_bytes()).map(drop)
            }
        };
        if let Err(failure) = printed {
            console::failure(&failure);
            self.has_failed = true;
        }
    }

    fn print_json(&mut self) -> Result<(), Failure> {
        let mut text = Vec::new();
        self.document.write_as(DocumentKind::Json, self.csv, &mut text).map_err(Failure::stopped)?;
        self.has_failed |= !console::is_stdout_open();
        console::out_json(&text).map(drop)
    }
}
