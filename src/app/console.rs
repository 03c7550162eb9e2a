//! What a user sees on the terminal: results on stdout, everything else on stderr.

use std::io::{self, ErrorKind, IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::exit::{Exit, Failure};

/// The time between two progress lines where there is no terminal to draw on.
const LINE_INTERVAL: Duration = Duration::from_secs(10);

/// Writes a result to stdout. A reader that went away, as `head` does, is no error.
pub(crate) fn out_bytes(bytes: &[u8]) -> Result<Exit, Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Failure::stopped(format!("stdout: {error}")))
        }
        _ => Ok(Exit::Done),
    }
}

/// Whether stdout was open when the program started, and an error if not, for a document that goes nowhere else.
pub(crate) fn is_stdout_open() -> bool {
    let is_open = !was_closed();
    if !is_open {
        error("stdout is closed, so the document was not written; redirect stdout to a file or to /dev/null");
    }
    is_open
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

/// Writes a line to stdout.
pub(crate) fn out(line: &str) -> Result<Exit, Failure> {
    out_bytes(format!("{line}\n").as_bytes())
}

/// Writes a line to stderr; there is nobody to tell if that fails.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Writes a summary, whose texts are clean, to stderr.
pub(crate) fn note_summary(text: &str) {
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Says what went wrong.
pub(crate) fn error(message: &str) {
    note(&format!("error: {message}"));
}

/// Says what the user should know although it stops nothing.
pub(crate) fn warning(message: &str) {
    note(&format!("warning: {message}"));
}

/// Shows how far a run is: a bar on a terminal, a line now and then elsewhere.
pub(crate) enum Progress {
    Silent,
    /// The bar, and until when what it says of a task holds.
    Bar(ProgressBar, Instant),
    Lines {
        total: usize,
        done: usize,
        retries: usize,
        last: Instant,
    },
}

impl Progress {
    pub(crate) fn new(total: usize, quiet: bool) -> Self {
        if quiet {
            return Self::Silent;
        }
        if !io::stderr().is_terminal() {
            return Self::Lines { total, done: 0, retries: 0, last: Instant::now() };
        }
        let bar = ProgressBar::new(u64::try_from(total).unwrap_or(u64::MAX));
        let template = "{bar:24} {pos}/{len} tasks, {eta} to go  {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style.progress_chars("━╸ "));
        }
        Self::Bar(bar, Instant::now())
    }

    /// Redraws the bar; a thread of its own for that could be refused.
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
                bar.set_message(format!("{task}: {what}, again in {:.1} s", wait.as_secs_f64()));
                *until = Instant::now() + wait;
            }
            Self::Lines { retries, .. } => {
                *retries += 1;
                self.line();
            }
        }
    }

    /// Says what the user should know, without tearing the bar.
    pub(crate) fn warning(&self, message: &str) {
        match self {
            Self::Silent => {}
            Self::Bar(bar, _) => bar.suspend(|| warning(message)),
            Self::Lines { .. } => warning(message),
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

    /// Takes the bar away, so that what follows stands alone.
    pub(crate) fn clear(&self) {
        if let Self::Bar(bar, _) = self {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bar_says_what_is_waited_for_and_not_what_was() {
        let mut progress = Progress::Bar(ProgressBar::hidden(), Instant::now());
        let mut message_after = |wait: Duration| {
            progress.retrying("web", "HTTP 503", wait);
            progress.finished_one();
            match &progress {
                Progress::Bar(bar, _) => bar.message(),
                _ => String::new(),
            }
        };
        assert_eq!(message_after(Duration::from_secs(600)), "web: HTTP 503, again in 600.0 s");
        assert_eq!(message_after(Duration::ZERO), "");
    }
}
