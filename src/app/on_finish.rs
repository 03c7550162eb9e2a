//! `--on-finish`: a command of the user's at every end of a run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use crate::model::io_reason;

use super::console;
use super::exit::Exit;

/// The bytes of all paths, and the characters of a headline. Linux refuses a variable of 128 KiB or more, and then the
/// command would not run.
const MAX_OUTPUTS: usize = 100_000;
const MAX_HEADLINE: usize = 1000;

/// The command and the data for it. One process is one run.
#[derive(Debug, Default)]
struct Hook {
    command: String,
    status: Option<&'static str>,
    headline: Option<String>,
    manifest: Option<PathBuf>,
    journal: Option<PathBuf>,
    outputs: Vec<PathBuf>,
}

static HOOK: Mutex<Option<Hook>> = Mutex::new(None);
/// Held while the command runs, so that no other thread ends the process before the command does.
static RUNNING: Mutex<()> = Mutex::new(());

fn hook() -> MutexGuard<'static, Option<Hook>> {
    HOOK.lock().unwrap_or_else(PoisonError::into_inner)
}

fn with(change: impl FnOnce(&mut Hook)) {
    if let Some(hook) = hook().as_mut() {
        change(hook);
    }
}

/// From now on, `command` is run at the end.
pub(crate) fn arm(command: &str) {
    *hook() = Some(Hook { command: command.to_owned(), ..Hook::default() });
}

/// Records where the answers are.
pub(crate) fn record_journal(journal: &Path) {
    with(|hook| hook.journal = Some(journal.to_owned()));
}

/// Records what a report says, and what was written.
pub(crate) fn record_report(
    status: &'static str,
    headline: String,
    outputs: Vec<PathBuf>,
    manifest: Option<&Path>,
) {
    with(|hook| {
        hook.status = Some(status);
        hook.headline = Some(headline);
        hook.outputs = outputs;
        hook.manifest = manifest.map(Path::to_owned);
    });
}

/// Records why there is no report.
pub(crate) fn record_failure(message: &str) {
    with(|hook| {
        let line = message.lines().next().unwrap_or_default();
        let line: String = line.strip_prefix("error: ").unwrap_or(line).chars().take(MAX_HEADLINE).collect();
        hook.headline.get_or_insert(line);
    });
}

/// Whether the command is running.
pub(crate) fn is_running() -> bool {
    matches!(RUNNING.try_lock(), Err(TryLockError::WouldBlock))
}

/// Runs the command, if there is one and it did not run yet; returns how the run ends then.
///
/// Its stdout goes to stderr: stdout has the paths written, and nothing else.
pub(crate) fn run(exit: Exit) -> Exit {
    let _running = RUNNING.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(hook) = hook().take() else { return exit };
    let (outputs, omitted) = within(&hook.outputs, MAX_OUTPUTS);
    let path = |path: &Option<PathBuf>| path.clone().unwrap_or_default();
    let ended = Command::new("sh")
        .arg("-c")
        .arg(&hook.command)
        .env("CUTOVER_REPORT_EXIT", exit.code().to_string())
        .env("CUTOVER_REPORT_STATUS", hook.status.unwrap_or("incomplete"))
        .env("CUTOVER_REPORT_HEADLINE", hook.headline.as_deref().unwrap_or("the run did not end"))
        .env("CUTOVER_REPORT_MANIFEST", path(&hook.manifest))
        .env("CUTOVER_REPORT_JOURNAL", path(&hook.journal))
        .env("CUTOVER_REPORT_OUTPUTS", outputs)
        .stdin(Stdio::null())
        .stdout(stderr())
        .status();
    if omitted > 0 {
        console::warning(&format!(
            "CUTOVER_REPORT_OUTPUTS lacks the last {omitted} paths, because the list is too long; read them from the manifest"
        ));
    }
    let problem = match ended {
        Ok(status) if status.success() => return exit,
        Ok(status) => format!("{status}"),
        Err(error) => format!("it cannot be started: {}", io_reason(&error)),
    };
    console::error(&format!("the --on-finish command failed: {problem}; the reports are not affected"));
    if exit == Exit::Done { Exit::Delivery } else { exit }
}

/// The paths that fit into so many bytes, a line each, and the number of those that do not.
fn within(paths: &[PathBuf], most: usize) -> (String, usize) {
    let mut lines = String::new();
    for (index, path) in paths.iter().enumerate() {
        let path = path.display().to_string();
        if lines.len() + path.len() >= most {
            return (lines, paths.len() - index);
        }
        if index > 0 {
            lines.push('\n');
        }
        lines += &path;
    }
    (lines, 0)
}

fn stderr() -> Stdio {
    #[cfg(unix)]
    {
        use std::os::fd::AsFd as _;
        let stderr = std::io::stderr();
        if let Ok(stderr) = stderr.as_fd().try_clone_to_owned() {
            return stderr.into();
        }
    }
    Stdio::null()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_beyond_the_limit_are_counted() {
        let paths = ["a.csv", "b.csv", "c.csv"].map(PathBuf::from);
        assert_eq!(within(&paths, 100), ("a.csv\nb.csv\nc.csv".to_owned(), 0));
        assert_eq!(within(&paths, 12), ("a.csv\nb.csv".to_owned(), 1));
        assert_eq!(within(&paths, 3), (String::new(), 3));
        assert_eq!(within(&[], 3), (String::new(), 0));
    }
}
