//! Terminal output: results on stdout, everything else on stderr.
//!
//! Every text is cleaned here, so no control character of a server, a file or an argument reaches a terminal.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use tracing::Level;

use crate::model::{Language, clean, clean_json, clean_lines, io_reason};

use super::exit::{Exit, Failure};
use super::{log, terminal_language};

/// Whether only what is wrong is said. One process has one console.
static QUIET: AtomicBool = AtomicBool::new(false);

/// Sets what `-q` says.
pub(crate) fn set_quiet(quiet: bool) {
    QUIET.store(quiet, Ordering::Relaxed);
}

/// Whether only what is wrong is said (`-q`).
pub(crate) fn is_quiet() -> bool {
    QUIET.load(Ordering::Relaxed)
}

/// Interval of progress lines if stderr is not a terminal.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

fn write(bytes: &[u8]) -> Result<Exit, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        // A reader that closed the pipe, as `head` does, is not an error.
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::stopped(format!("cannot write to stdout: {}", io_reason(&error))))
        }
        _ => Ok(Exit::Done),
    }
}

const STDOUT_CLOSED: &str =
    "stdout is closed, so the document was not written; redirect stdout to a file or to /dev/null";

/// Whether stdout was open when the program started; reports an error if not. For documents that are written only to
/// stdout by a command that goes on.
pub(crate) fn is_stdout_open() -> bool {
    let is_open = !was_closed();
    if !is_open {
        error(STDOUT_CLOSED);
    }
    is_open
}

/// Fails if stdout was closed when the program started. For commands that write nothing but a document to stdout.
pub(crate) fn require_stdout() -> Result<(), Failure> {
    if was_closed() { Err(Failure::stopped(STDOUT_CLOSED)) } else { Ok(()) }
}

/// Rust opens /dev/null for reading and writing in place of a closed stdout; a redirection opens it for writing.
#[cfg(unix)]
fn was_closed() -> bool {
    use std::os::unix::fs::MetadataExt;
    let stdout = io::stdout();
    let is_null = || {
        let null = std::fs::metadata("/dev/null").ok()?;
        Some(rustix::fs::fstat(&stdout).ok()?.st_rdev == null.rdev())
    };
    let is_both = rustix::fs::fcntl_getfl(&stdout)
        .is_ok_and(|flags| flags & rustix::fs::OFlags::RWMODE == rustix::fs::OFlags::RDWR);
    is_both && is_null() == Some(true)
}

#[cfg(not(unix))]
fn was_closed() -> bool {
    false
}

/// Writes one line for people to stdout.
pub(crate) fn out(line: &str) -> Result<Exit, Failure> {
    write(format!("{}\n", terminal_language::message(&clean(line))).as_bytes())
}

/// Writes lines for people to stdout; each ends with a line break.
pub(crate) fn out_lines(text: &str) -> Result<Exit, Failure> {
    require_stdout()?;
    write(clean_lines(text).as_bytes())
}

/// Writes a summary, whose texts are clean and may be coloured, to stdout.
pub(crate) fn out_summary(text: &str) -> Result<Exit, Failure> {
    require_stdout()?;
    write(text.as_bytes())
}

/// Writes a line of fields, separated by tabs, to stdout.
pub(crate) fn out_fields(fields: &[&str]) -> Result<Exit, Failure> {
    let fields: Vec<_> = fields.iter().map(|field| clean(field)).collect();
    write(format!("{}\n", fields.join("\t")).as_bytes())
}

/// Writes lines for other programs to stdout: exactly as they are, unless stdout is a terminal.
pub(crate) fn out_data(bytes: &[u8]) -> Result<Exit, Failure> {
    if bytes.is_empty() {
        return Ok(Exit::Done);
    }
    if io::stdout().is_terminal() {
        return out_lines(&String::from_utf8_lossy(bytes));
    }
    write(bytes)
}

/// Writes a document for other programs to stdout, as [`out_data`] does; a closed stdout is an error.
pub(crate) fn out_document(bytes: &[u8]) -> Result<Exit, Failure> {
    require_stdout()?;
    out_data(bytes)
}

/// Writes a JSON document to stdout. Control and invisible characters are `\u` escapes: the values are the same.
pub(crate) fn out_json(document: &[u8]) -> Result<Exit, Failure> {
    write(clean_json(&String::from_utf8_lossy(document)).as_bytes())
}

/// Writes a message, which code has in English, in the language of the terminal.
fn say(level: Level, message: &str) {
    log::message(level, |language| language.message(message));
}

/// Writes a sentence of a report, which it has in each language, to stderr and to the log file.
pub(crate) fn note_sentence(sentence: impl Fn(Language) -> String) {
    log::message(Level::INFO, |language| clean(&sentence(language)).into_owned().into());
}

/// Warns in sentences of a report, which it has in each language.
pub(crate) fn warn_sentences(sentences: impl Fn(Language) -> Vec<String>) {
    for (english, shown) in sentences(Language::English).iter().zip(sentences(terminal_language::get())) {
        log::message(Level::WARN, |language| {
            clean(if language == Language::English { english } else { &shown })
        });
    }
}

/// Writes a line to stderr, and to the log file.
pub(crate) fn note(line: &str) {
    say(Level::INFO, &clean(line));
}

/// Writes a summary, whose texts are clean, to stderr in the language of the terminal, and to the log in English.
pub(crate) fn note_summary(text: impl Fn(Language) -> String) {
    log::summary(text);
}

/// Reports an error.
pub(crate) fn error(message: &str) {
    say(Level::ERROR, &clean(message));
}

/// Reports why a command failed, in one or more lines.
pub(crate) fn failure(failure: &Failure) {
    say(Level::ERROR, failure.message());
}

/// Prints clap's output: help and version to stdout, errors to stderr.
pub(crate) fn command_line(error: &clap::Error) -> Exit {
    let text = error.to_string();
    let is_clean = clean_lines(&text) == text;
    let printed = match terminal_language::get() {
        Language::Chinese if error.use_stderr() => {
            write!(io::stderr().lock(), "{}", clean_lines(&terminal_language::message(&text)))
        }
        _ if is_clean => error.print(),
        _ => write!(io::stderr().lock(), "{}", clean_lines(&text)),
    };
    match (printed, error.use_stderr()) {
        (_, true) => Exit::Usage,
        (Err(error), false) if error.kind() != ErrorKind::BrokenPipe => Exit::Stopped,
        _ => Exit::Done,
    }
}

/// Warns of something that does not stop the command.
pub(crate) fn warning(message: &str) {
    say(Level::WARN, &clean(message));
}

/// Shows the progress of a run: a bar on a terminal, a line every ten seconds elsewhere.
pub(crate) enum Progress {
    Silent,
    /// The bar, and the time until which its message is shown.
    Bar(ProgressBar, Instant),
    Lines {
        total: usize,
        done: usize,
        retries: usize,
        last: Instant,
    },
}

impl Progress {
    pub(crate) fn new(total: usize) -> Self {
        if is_quiet() {
            return Self::Silent;
        }
        if log::is_json() || !io::stderr().is_terminal() {
            return Self::Lines { total, done: 0, retries: 0, last: Instant::now() };
        }
        let bar = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX));
        let template = match terminal_language::get() {
            Language::English => "{bar:24} {pos}/{len} tasks, {eta} left  {wide_msg}",
            Language::Chinese => "{bar:24} 已完成{pos}/{len}，预计还需{eta}  {wide_msg}",
        };
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸ "));
        }
        log::set_bar(Some(bar.clone()));
        Self::Bar(bar, Instant::now())
    }

    /// Redraws the bar. Called by the run, because the system may refuse a thread for it.
    pub(crate) fn tick(&self) {
        if let Self::Bar(bar, _) = self {
            bar.tick();
        }
    }

    pub(crate) fn finished_one(&mut self) {
        match self {
            Self::Silent => {}
            Self::Bar(bar, until) => {
                bar.inc(1);
                if *until <= Instant::now() {
                    bar.set_message("");
                }
            }
            Self::Lines { done, .. } => {
                *done += 1;
                self.line();
            }
        }
    }

    pub(crate) fn retrying(&mut self, task: &str, what: &str, wait: Duration) {
        match self {
            Self::Silent => {}
            Self::Bar(bar, until) => {
                let message = format!("{task}: {what}; retrying in {:.1} s", wait.as_secs_f64());
                bar.set_message(terminal_language::message(&clean(&message)).into_owned());
                *until = Instant::now() + wait;
            }
            Self::Lines { retries, .. } => {
                *retries += 1;
                self.line();
            }
        }
    }

    /// Warns, unless the run is quiet.
    pub(crate) fn warning(&self, message: &str) {
        if !matches!(self, Self::Silent) {
            warning(message);
        }
    }

    fn line(&mut self) {
        if let Self::Lines { total, done, retries, last } = self
            && last.elapsed() >= LINE_INTERVAL
        {
            note(&format!("{done} of {total} tasks done, {retries} retries"));
            *last = Instant::now();
        }
    }

    /// Removes the bar.
    pub(crate) fn clear(&self) {
        if let Self::Bar(bar, _) = self {
            log::set_bar(None);
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bar_message_is_cleared_when_the_wait_is_over() {
        let mut progress = Progress::Bar(ProgressBar::hidden(), Instant::now());
        let mut message_after = |wait: Duration| {
            progress.retrying("web", "HTTP 503", wait);
            progress.finished_one();
            match &progress {
                Progress::Bar(bar, _) => bar.message(),
                _ => String::new(),
            }
        };
        assert_eq!(message_after(Duration::from_secs(600)), "web: HTTP 503; retrying in 600.0 s");
        assert_eq!(message_after(Duration::ZERO), "");
    }
}
