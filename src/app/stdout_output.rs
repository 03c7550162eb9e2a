//! `-o -`: one output on stdout.

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};

use crate::cli::StdoutFormat;
use crate::model::{clean_json, clean_lines};
use crate::output::{Cause, StdoutKind};

use super::console;
use super::exit::Failure;

/// The output path that means stdout.
const STDOUT: &str = "-";

/// The outputs that are files. `json` is whether the summary is written to stdout.
///
/// # Errors
/// When `-` and `--format` are not used together.
pub(crate) fn files(
    outputs: &[String],
    format: Option<StdoutFormat>,
    json: bool,
) -> Result<impl Iterator<Item = &String>, Failure> {
    let wrong = match (outputs.iter().filter(|output| *output == STDOUT).count(), format) {
        (0, Some(_)) => Some("--format applies to stdout only: add -o -, or omit --format"),
        (1.., None) => Some("-o - needs --format json, csv or md"),
        (1.., Some(_)) if json => Some("-o - and --json both write to stdout: omit one of them"),
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

/// Streams an output to stdout. A reader that closed the pipe, as `head` does, is not an error.
///
/// In JSON, control and invisible characters are escaped; other formats are cleaned only for a terminal.
pub(crate) fn write(
    format: StdoutFormat,
    fill: impl FnOnce(&mut dyn Write) -> Result<(), Cause>,
) -> Result<(), Failure> {
    console::require_stdout()?;
    let clean: fn(&str) -> String = match format {
        StdoutFormat::Json => |text| clean_json(text).into_owned(),
        _ if io::stdout().is_terminal() => clean_lines,
        _ => str::to_owned,
    };
    let reader = Reader { stdout: io::stdout().lock(), is_gone: false };
    let mut stdout = BufWriter::with_capacity(1 << 16, Cleaned { to: reader, clean, rest: Vec::new() });
    let written = fill(&mut stdout).and_then(|()| Ok(stdout.flush()?));
    written.map_err(|error| Failure::stopped(format!("stdout: {error}")))
}

/// Cleans text before it is written.
struct Cleaned<W> {
    to: W,
    clean: fn(&str) -> String,
    /// The bytes of an incomplete character.
    rest: Vec<u8>,
}

impl<W: Write> Write for Cleaned<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.rest.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.rest) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.rest.len(),
        };
        let text: Vec<u8> = self.rest.drain(..whole).collect();
        self.to.write_all((self.clean)(&String::from_utf8_lossy(&text)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// Stdout, and whether its reader closed the pipe; later writes are dropped.
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
