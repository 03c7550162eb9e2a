//! `-o -`: one output on stdout.

use std::io::{self, BufWriter, ErrorKind, Write};

use crate::cli::StdoutFormat;
use crate::output::{Cause, StdoutKind};

use super::exit::Failure;

/// The output that stands for stdout.
const STDOUT: &str = "-";

/// The outputs that are files. `json` is whether stdout has the summary already.
///
/// # Errors
/// When `-` and `--format` do not go together.
pub(crate) fn files(
    outputs: &[String],
    format: Option<StdoutFormat>,
    json: bool,
) -> Result<impl Iterator<Item = &String>, Failure> {
    let wrong = match (outputs.iter().filter(|output| *output == STDOUT).count(), format) {
        (0, Some(_)) => Some("--format is for stdout: add -o -, or leave --format out"),
        (1.., None) => Some("-o - needs --format json, csv or md"),
        (1.., Some(_)) if json => Some("-o - and --json both write to stdout: leave one of them out"),
        (2.., Some(_)) => Some("-o - is given twice: stdout takes one output"),
        _ => None,
    };
    match wrong {
        Some(wrong) => Err(Failure::usage(wrong)),
        None => Ok(outputs.iter().filter(|output| *output != STDOUT)),
    }
}

impl From<StdoutFormat> for StdoutKind {
    fn from(format: StdoutFormat) -> Self {
        match format {
            StdoutFormat::Json => Self::Json,
            StdoutFormat::Csv => Self::Csv,
            StdoutFormat::Md => Self::Ticket,
        }
    }
}

/// Writes an output to stdout as it is made. A reader that went away, as `head` does, is no error.
pub(crate) fn write(fill: impl FnOnce(&mut dyn Write) -> Result<(), Cause>) -> Result<(), Failure> {
    let mut stdout =
        BufWriter::with_capacity(1 << 16, Reader { stdout: io::stdout().lock(), is_gone: false });
    let written = fill(&mut stdout).and_then(|()| Ok(stdout.flush()?));
    written.map_err(|error| Failure::stopped(format!("stdout: {error}")))
}

/// Stdout, and whether its reader went away; what is written then is dropped.
struct Reader<'a> {
    stdout: io::StdoutLock<'a>,
    is_gone: bool,
}

impl Reader<'_> {
    fn unless_gone<T>(&mut self, result: io::Result<T>, otherwise: T) -> io::Result<T> {
        match result {
            Err(error) if error.kind() == ErrorKind::BrokenPipe => {
                self.is_gone = true;
                Ok(otherwise)
            }
            result => result,
        }
    }
}

impl Write for Reader<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.is_gone {
            return Ok(bytes.len());
        }
        let written = self.stdout.write(bytes);
        self.unless_gone(written, bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let flushed = if self.is_gone { Ok(()) } else { self.stdout.flush() };
        self.unless_gone(flushed, ())
    }
}
