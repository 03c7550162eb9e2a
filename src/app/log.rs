//! The log, and all other output on stderr.
//!
//! Modules report events with `tracing`. They are written as text or JSON Lines, to stderr by `-v` and to the log
//! file. Without either no subscriber is installed, and an event costs one comparison.

use std::borrow::Cow;
use std::fmt::{self, Write as _};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use indicatif::ProgressBar;
use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use crate::cli::LogFormat;
use crate::model::{Clean, Language, clean, clean_json, clean_lines, io_reason};

use super::terminal_language;

/// Level of the log file, independent of the terminal: as `-vv`.
const FILE_LEVEL: LevelFilter = LevelFilter::DEBUG;
/// Events of other crates are dropped: they may contain secrets.
const OWN: &str = "cutover_report";
/// Fields whose texts are JSON objects.
const OBJECTS: [&str; 2] = ["retries", "tasks"];

/// How the log is written.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings<'a> {
    /// How often `-v` was given.
    pub(crate) verbosity: u8,
    pub(crate) format: LogFormat,
    pub(crate) file: Option<&'a Path>,
}

/// Why a log file cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LogError {
    #[error("cannot write log file {path}: {reason}; check --log-file", path = .1.display(), reason = io_reason(.0))]
    Io(#[source] io::Error, std::path::PathBuf),
    #[error("{path} exists and is not a log file; choose another --log-file", path = .0.display())]
    NotALog(std::path::PathBuf),
}

struct Log {
    terminal: LevelFilter,
    format: LogFormat,
    file: Option<Mutex<File>>,
}

static LOG: OnceLock<Log> = OnceLock::new();
static BAR: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Opens the log file and starts logging.
///
/// # Errors
/// [`LogError`]: the file cannot be opened, or is not a log.
pub(crate) fn start(settings: Settings<'_>) -> Result<(), LogError> {
    let terminal = match settings.verbosity {
        0 => LevelFilter::OFF,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let file = settings.file.map(open).transpose()?.map(Mutex::new);
    let is_used = terminal != LevelFilter::OFF || file.is_some();
    let log = LOG.get_or_init(|| Log { terminal, format: settings.format, file });
    if is_used {
        let _ = tracing::subscriber::set_global_default(Events(log));
    }
    Ok(())
}

/// Opens a file to append to. An existing file must be a log, so that no list or journal is damaged.
fn open(path: &Path) -> Result<File, LogError> {
    let io = |error| LogError::Io(error, path.to_owned());
    match path.metadata() {
        Ok(existing) if !existing.is_file() => return Err(LogError::NotALog(path.to_owned())),
        Ok(existing) if existing.len() > 0 => {
            let mut start = [0; 9];
            File::open(path).and_then(|mut file| file.read_exact(&mut start)).map_err(io)?;
            let is_text = start.get(..4).is_some_and(|year| year.iter().all(u8::is_ascii_digit))
                && start.get(4) == Some(&b'-');
            if !is_text && start != *b"{\"time\":\"" {
                return Err(LogError::NotALog(path.to_owned()));
            }
        }
        _ => {}
    }
    OpenOptions::new().create(true).append(true).open(path).map_err(io)
}

/// Sets the progress bar that lines on stderr are written above.
pub(crate) fn set_bar(bar: Option<ProgressBar>) {
    *lock(&BAR) = bar;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes lines to stderr above the progress bar. An error is ignored: there is nowhere to report it.
fn write_stderr(lines: &str) {
    let write = || {
        let _ = io::stderr().lock().write_all(lines.as_bytes());
    };
    match &*lock(&BAR) {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Writes a message for people to stderr, as a JSON line if the log is JSON, and to the log file. `text` gives it in a
/// language.
pub(crate) fn message<'a>(level: Level, text: impl Fn(Language) -> Cow<'a, str>) {
    let prefix = match (level, terminal_language::get()) {
        (Level::ERROR, Language::English) => "error: ",
        (Level::ERROR, Language::Chinese) => "错误：",
        (Level::WARN, Language::English) => "warning: ",
        (Level::WARN, Language::Chinese) => "警告：",
        _ => "",
    };
    let log = LOG.get();
    let line = || {
        let text = text(Language::English).into_owned();
        Line::new(level, [("event", "message".into()), ("message", text.into())])
    };
    if log.is_some_and(|log| log.format == LogFormat::Json) {
        write_stderr(&line().json());
    } else {
        write_stderr(&format!("{prefix}{}\n", clean_lines(&text(terminal_language::get()))));
    }
    if let Some(log) = log {
        log.write_file(&line());
    }
}

/// Writes a summary, whose texts are clean and may be coloured, as [`message`] writes a message.
pub(crate) fn summary(text: impl Fn(Language) -> String) {
    let log = LOG.get();
    let line = || {
        let plain = anstream::adapter::strip_str(&text(Language::English)).to_string();
        Line::new(Level::INFO, [("event", "summary".into()), ("message", plain.into())])
    };
    if log.is_some_and(|log| log.format == LogFormat::Json) {
        write_stderr(&line().json());
    } else {
        write_stderr(&text(terminal_language::get()));
    }
    if let Some(log) = log {
        log.write_file(&line());
    }
}

/// Whether stderr has JSON; then there is no progress bar.
pub(crate) fn is_json() -> bool {
    LOG.get().is_some_and(|log| log.format == LogFormat::Json)
}

impl Log {
    fn write_file(&self, line: &Line) {
        if let Some(file) = &self.file {
            // A log that cannot be written, as on a full disk, must not stop the run.
            let _ = lock(file).write_all(line.text(self.format).as_bytes());
        }
    }
}

/// One line of the log: its fields in order.
struct Line {
    level: Level,
    fields: Map<String, Value>,
}

impl Line {
    fn new<const N: usize>(level: Level, fields: [(&str, Value); N]) -> Self {
        let fields = fields.map(|(name, value)| (name.to_owned(), value));
        Self { level, fields: fields.into_iter().collect() }
    }

    fn text(&self, format: LogFormat) -> String {
        let json = || self.json();
        if format == LogFormat::Json { json() } else { self.plain() }
    }

    fn json(&self) -> String {
        let mut line =
            format!("{{\"time\":\"{}\",\"level\":\"{}\"", now(), self.level.as_str().to_ascii_lowercase());
        let event = self.fields.get_key_value("event");
        let others = self.fields.iter().filter(|(name, _)| *name != "event");
        for (name, value) in event.into_iter().chain(others) {
            let _ = write!(line, ",{}:{value}", Value::from(name.as_str()));
        }
        clean_json(&line).into_owned() + "}\n"
    }

    /// As in `2026-11-26T08:00:00.000Z INFO attempt_failed task_id=a status=503`.
    fn plain(&self) -> String {
        let text = |value: &Value| match value {
            Value::String(text) => clean(text).into_owned(),
            value => value.to_string(),
        };
        let mut line = format!("{} {:5}", now(), self.level.as_str());
        for name in ["event", "message"] {
            if let Some(value) = self.fields.get(name) {
                let _ = write!(line, " {}", text(value));
            }
        }
        for (name, value) in
            self.fields.iter().filter(|(name, _)| !matches!(name.as_str(), "event" | "message"))
        {
            let value = text(value);
            let is_plain = !value.is_empty() && !value.contains([' ', '"', '=']) || value.starts_with('{');
            let value = if is_plain { value } else { Value::from(value).to_string() };
            let _ = write!(line, " {}={value}", Clean(name));
        }
        line + "\n"
    }
}

fn now() -> String {
    format!("{:.3}", Timestamp::now())
}

/// Collects the fields of an event.
struct Fields(Map<String, Value>);

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        self.0.insert(field.name().to_owned(), value);
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, text: &str) {
        let object = OBJECTS.contains(&field.name()).then(|| serde_json::from_str(text).ok()).flatten();
        self.put(field, object.unwrap_or_else(|| text.into()));
    }

    fn record_u64(&mut self, field: &Field, number: u64) {
        self.put(field, number.into());
    }

    fn record_i64(&mut self, field: &Field, number: i64) {
        self.put(field, number.into());
    }

    fn record_f64(&mut self, field: &Field, number: f64) {
        self.put(field, number.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}

/// Writes events of this crate. There are no spans.
struct Events(&'static Log);

impl Subscriber for Events {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with(OWN)
            && self.max_level_hint().is_some_and(|most| *metadata.level() <= most)
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        let file = if self.0.file.is_some() { FILE_LEVEL } else { LevelFilter::OFF };
        Some(self.0.terminal.max(file))
    }

    fn event(&self, event: &Event<'_>) {
        let level = *event.metadata().level();
        let mut fields = Fields(Map::new());
        event.record(&mut fields);
        let line = Line { level, fields: fields.0 };
        if level <= self.0.terminal {
            write_stderr(&line.text(self.0.format));
        }
        if level <= FILE_LEVEL {
            self.0.write_file(&line);
        }
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_with_hostile_text_is_one_clean_line_in_both_formats() {
        let hostile = "a\u{1b}[2J\nb\u{202e}\"=";
        let line =
            Line::new(Level::INFO, [("event", "attempt".into()), ("error", hostile.into()), ("n", 3.into())]);
        let json = line.json();
        let value: Value = serde_json::from_str(&json).unwrap();
        assert_eq!(
            (&value["error"], &value["level"], &value["n"]),
            (&hostile.into(), &"info".into(), &3.into())
        );
        for text in [json, line.plain()] {
            let text = text.strip_suffix('\n').unwrap();
            assert!(!text.chars().any(crate::model::is_hidden), "{text:?}");
        }
    }

    #[test]
    fn file_that_is_no_log_is_not_appended_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("l");
        for text in ["task_id\na\n", "{\"format\":1}\n", "short"] {
            std::fs::write(&path, text).unwrap();
            assert!(open(&path).is_err(), "{text}");
            assert_eq!(std::fs::read_to_string(&path).unwrap(), text);
        }
        assert!(open(folder.path()).is_err());
        for text in ["", "2026-11-26T00:00:00.000Z INFO  config\n", "{\"time\":\"2026\"}\n"] {
            std::fs::write(&path, text).unwrap();
            assert!(open(&path).is_ok(), "{text}");
        }
    }
}
