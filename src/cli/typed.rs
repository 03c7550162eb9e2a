//! Commands to suggest: the command line as it was typed, for another purpose.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use clap::parser::ValueSource;
use clap::{ArgAction, ArgMatches, Command, CommandFactory};

use super::command_line::Cli;
use super::typed_words::Typed;
use crate::model::is_hidden;

/// The argument that stands for stdin or stdout.
const STDIN: &str = "-";

impl Typed {
    /// The command that continues this export with the journal at `journal`.
    pub fn resume(&self, journal: &Path) -> String {
        let mut words = self.words("export", &["overwrite", "no_journal", "journal", "resume"]);
        words.push("--resume".into());
        push(&mut words, "--journal", journal.as_os_str());
        line(&words)
    }

    /// The command that writes the reports of this command from the journal at `journal`.
    pub fn render(&self, journal: &Path) -> String {
        let mut words = self.words("render", &["journal"]);
        words.insert(2, argument(journal.as_os_str()));
        line(&words)
    }

    /// The command that delivers the files of `manifest` as this command would.
    pub fn deliver(&self, manifest: &Path) -> String {
        let mut words = self.words("deliver", &["manifest"]);
        words.insert(2, argument(manifest.as_os_str()));
        line(&words)
    }

    /// The command that checks the connection of this command.
    pub fn doctor(&self) -> String {
        line(&self.words("doctor", &[]))
    }

    /// This export with `--reconcile`; none if its list came from stdin.
    pub fn reconcile(&self) -> Option<String> {
        let given = Cli::command().ignore_errors(true).try_get_matches_from(&self.arguments).ok()?;
        let lists = given.subcommand().and_then(|(_, given)| given.try_get_raw("tasks").ok().flatten());
        if lists.is_some_and(|mut lists| lists.any(|list| list == STDIN)) {
            return None;
        }
        let mut words = self.words("export", &["resume", "reconcile"]);
        words.push("--reconcile".into());
        Some(line(&words))
    }

    /// The outputs of this command, as options.
    pub fn outputs(&self) -> Vec<OsString> {
        let words = self.words("render", &[]);
        let mut outputs = Vec::new();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            if word == "-o" {
                outputs.push(word);
                outputs.extend(words.next());
            } else if word == "--json" || word.to_string_lossy().starts_with("-o") {
                outputs.push(word);
            }
        }
        outputs
    }

    /// The command `target` with every argument of this command line that it supports, except those in `without`.
    fn words(&self, target: &str, without: &[&str]) -> Vec<OsString> {
        let mut program = Cli::command();
        program.build();
        let mut words = vec!["cutover-report".into(), target.into()];
        let Ok(given) = program.clone().ignore_errors(true).try_get_matches_from(&self.arguments) else {
            return words;
        };
        if let (Some((_, given)), Some(target)) = (given.subcommand(), program.find_subcommand(target)) {
            take(&mut words, target, given, without);
            let has = |switch: &&String| {
                let name = switch.trim_start_matches("--").trim_end_matches("=false");
                target.get_arguments().any(|arg| arg.get_long() == Some(name))
            };
            words.extend(self.off.iter().filter(has).map(OsString::from));
        }
        words
    }
}

/// Adds the arguments in `given` that `target` has.
fn take(words: &mut Vec<OsString>, target: &Command, given: &ArgMatches, without: &[&str]) {
    let (positional, options): (Vec<_>, Vec<_>) = target.get_arguments().partition(|arg| arg.is_positional());
    for arg in positional.into_iter().chain(options) {
        let id = arg.get_id().as_str();
        let is_known = given.try_contains_id(id).is_ok();
        if !is_known || without.contains(&id) || given.value_source(id) != Some(ValueSource::CommandLine) {
            continue;
        }
        let raw: Vec<&OsStr> = given.get_raw(id).into_iter().flatten().collect();
        match (arg.get_action(), arg.get_short(), arg.get_long()) {
            (ArgAction::SetTrue, _, Some(long)) => words.push(format!("--{long}").into()),
            (ArgAction::Count, _, Some(long)) => {
                let count = given.get_count(id).into();
                words.extend(std::iter::repeat_n(OsString::from(format!("--{long}")), count));
            }
            (_, Some('o'), _) => raw.into_iter().for_each(|value| push(words, "-o", value)),
            (_, _, Some(long)) if arg.get_value_delimiter().is_some() => {
                push(words, &format!("--{long}"), &raw.join(OsStr::new(",")));
            }
            (_, _, Some(long)) => raw.into_iter().for_each(|value| push(words, &format!("--{long}"), value)),
            // A list from stdin is gone; a journal has its tasks.
            (_, _, None) => words.extend(raw.into_iter().filter(|word| *word != STDIN).map(argument)),
        }
    }
}

/// Adds an option with its value.
fn push(words: &mut Vec<OsString>, option: &str, value: &OsStr) {
    if value.to_string_lossy().starts_with('-') && value != "-" {
        let mut word = OsString::from(option);
        word.push(if option.starts_with("--") { "=" } else { "" });
        word.push(value);
        words.push(word);
    } else {
        words.push(option.into());
        words.push(value.to_owned());
    }
}

/// A path as an argument that is no option.
fn argument(path: &OsStr) -> OsString {
    if path.to_string_lossy().starts_with('-') && path != "-" {
        let mut below = OsString::from("./");
        below.push(path);
        return below;
    }
    path.to_owned()
}

/// The words as a line to paste into a shell.
pub(crate) fn line(words: &[OsString]) -> String {
    words.iter().map(shell_quote).collect::<Vec<_>>().join(" ")
}

/// A word as POSIX shells read it, without hidden characters: those are escaped as in `$'\x1b'`.
pub fn shell_quote(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref();
    match word.to_str() {
        Some(text) if text.chars().any(is_hidden) => escaped(word),
        Some(text) if !text.is_empty() && text.chars().all(is_plain) => text.to_owned(),
        Some(text) => format!("'{}'", text.replace('\'', r"'\''")),
        None => escaped(word),
    }
}

fn is_plain(c: char) -> bool {
    c.is_alphanumeric() || "_-./:,@%+=".contains(c)
}

fn escaped(word: &OsStr) -> String {
    let mut quoted = "$'".to_owned();
    for chunk in word.as_encoded_bytes().utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\'' | '\\' => quoted.extend(['\\', c]),
                c if is_hidden(c) => {
                    let bytes = c.encode_utf8(&mut [0; 4]).bytes().collect::<Vec<_>>();
                    quoted.extend(bytes.iter().map(|byte| format!("\\x{byte:02x}")));
                }
                c => quoted.push(c),
            }
        }
        quoted.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    quoted + "'"
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn typed(line: &[&str]) -> Typed {
        Typed::new(line.iter().map(OsString::from).collect(), vec!["--discover=false".to_owned()])
    }

    #[test]
    fn suggested_command_has_the_options_that_it_needs() {
        let typed = typed(&[
            "target/debug/cutover-report",
            "--config",
            "my site.toml",
            "export",
            "wave 1.csv",
            "-",
            "-o",
            "r.xlsx",
            "--output=it's.json",
            "--rate",
            "5/s",
            "--overwrite",
            "--fail-on",
            "stale,inconsistent",
            "--task=-x",
            "--token-file",
            "-",
            "-o",
            "-",
            "--format",
            "csv",
            "-q",
        ]);
        let journal = Path::new("r journal.jsonl");
        let all = [typed.resume(journal), typed.render(journal), typed.doctor()];
        insta::assert_snapshot!(all.join("\n"));
        assert_eq!(typed.reconcile(), None, "the list from stdin is gone");
    }

    #[cfg(unix)]
    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn quoted_word_is_the_same_word_in_a_shell(bytes in prop::collection::vec(1_u8.., 0..20)) {
            use std::os::unix::ffi::OsStrExt;
            let word = OsStr::from_bytes(&bytes);
            let script = format!("printf %s {}", shell_quote(word));
            prop_assert!(!script.chars().any(is_hidden));
            let printed = std::process::Command::new("bash").args(["-c", &script]).output().unwrap();
            prop_assert_eq!(printed.stdout, bytes);
        }
    }
}
