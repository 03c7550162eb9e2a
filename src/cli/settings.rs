//! `config`: a commented configuration file, and the settings in force.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, Command, CommandFactory};

use super::command_line::Cli;
use super::config::{self, DEFAULT_PROFILE};
use crate::model::did_you_mean;

/// The commands whose options are in the file, in the order of the file.
const COMMANDS: [&str; 13] = [
    "export",
    "render",
    "show",
    "merge",
    "diff",
    "history",
    "deliver",
    "verify",
    "tasks",
    "upload",
    "server-export",
    "doctor",
    "serve",
];
/// The column at which the sources of settings start.
const SOURCE_COLUMN: usize = 44;

/// A configuration file with every setting as a comment, with its default or what it takes.
pub fn commented_file() -> String {
    let mut program = Cli::command();
    program.build();
    let mut text = "# Configuration file of cutover-report. Settings have the names of options; remove the # of those that you set.\n\
                    # It is read from --config FILE, $CUTOVER_REPORT_CONFIG or ~/.config/cutover-report/config.toml.\n\
                    # Options of the command line and environment variables override it. Secrets do not belong here.\n\
                    # --profile NAME selects the table [profile.NAME].\n\n\
                    [profile.default]\n"
        .to_owned();
    let mut seen = HashSet::new();
    for name in COMMANDS {
        let Some(command) = program.find_subcommand(name) else { continue };
        let new: Vec<&Arg> = command
            .get_arguments()
            .filter(|arg| {
                config::is_setting(arg) && seen.insert(arg.get_long().unwrap_or_default().to_owned())
            })
            .collect();
        if !new.is_empty() {
            let _ = write!(text, "\n## {name}\n");
        }
        for arg in new {
            let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
            let (long, value) = (arg.get_long().unwrap_or_default(), example(arg));
            let _ = write!(text, "\n# {help}\n# {long} = {value}\n");
        }
    }
    text
}

/// The default of an option, or what it takes, as TOML.
fn example(arg: &Arg) -> String {
    match arg.get_action() {
        ArgAction::SetTrue => "true".to_owned(),
        ArgAction::Count => "1".to_owned(),
        action => {
            let defaults: Vec<String> =
                arg.get_default_values().iter().map(|value| quoted(&value.to_string_lossy())).collect();
            let name = arg.get_value_names().and_then(|names| names.first());
            let value = defaults.join(", ");
            let value = if value.is_empty() { quoted(name.map_or("", |name| name.as_str())) } else { value };
            let is_list = matches!(action, ArgAction::Append) || arg.get_value_delimiter().is_some();
            if is_list { format!("[{value}]") } else { value }
        }
    }
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

/// The settings of a command that are in force without options on the command line, each with its source, as TOML.
///
/// # Errors
/// Every error of the configuration file, or an unknown command.
pub fn settings_in_force(
    command: &str,
    file: Option<&PathBuf>,
    profile: Option<&str>,
) -> Result<String, Vec<String>> {
    let mut program = Cli::command();
    program.build();
    let unknown = || {
        let near = did_you_mean(command, COMMANDS);
        vec![format!("there is no command `{command}` with settings{near}")]
    };
    let subcommand =
        program.find_subcommand(command).filter(|_| COMMANDS.contains(&command)).ok_or_else(unknown)?;
    let read = config::read(file, profile, &program)?;
    let (path, settings) = read.map_or((None, Vec::new()), |(path, settings)| (Some(path), settings));
    let from = path.as_deref().map_or_else(|| "none".to_owned(), |path: &Path| path.display().to_string());
    let profile = profile.unwrap_or(DEFAULT_PROFILE);
    let mut text = format!("# Settings of {command}; configuration file: {from}; profile: {profile}\n");
    for arg in subcommand.get_arguments().filter(|arg| config::is_setting(arg)) {
        let Some((value, source)) = in_force(arg, subcommand, &settings) else { continue };
        let line = format!("{} = {value}", arg.get_long().unwrap_or_default());
        let _ = writeln!(text, "{line:<width$}  # {source}", width = SOURCE_COLUMN);
    }
    Ok(text)
}

/// The value of an option and its source; none if it has no value.
fn in_force(arg: &Arg, command: &Command, settings: &[config::Setting]) -> Option<(String, String)> {
    if let Some((variable, value)) = config::variable(arg) {
        // A token is a secret.
        let is_secret = variable.contains("TOKEN");
        let value = if is_secret { "set".to_owned() } else { value };
        return Some((quoted(&value), format!("environment variable {variable}")));
    }
    if let Some(setting) = settings.iter().find(|setting| setting.applies_to(arg, command)) {
        return Some((setting.value(arg), setting.place().to_string()));
    }
    let source = "default".to_owned();
    match arg.get_action() {
        ArgAction::SetTrue => Some(("false".to_owned(), source)),
        ArgAction::Count => Some(("0".to_owned(), source)),
        _ if arg.get_default_values().is_empty() => None,
        _ => Some((example(arg), source)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commented_file_is_valid_and_names_every_setting_once() {
        let text = commented_file();
        assert!(toml::from_str::<toml::Table>(&text).unwrap().contains_key("profile"));
        let is_setting =
            |line: &&str| line.starts_with("# ") && line.contains(" = ") && !line.contains(", as in ");
        let keys: Vec<&str> =
            text.lines().filter(is_setting).filter_map(|line| line[2..].split(" = ").next()).collect();
        for key in ["rate", "output", "quiet", "log-file", "listen", "previous", "language"] {
            assert_eq!(keys.iter().filter(|known| **known == key).count(), 1, "{key}");
        }
        assert!(text.contains("\n# rate = \"10/s\"\n") && text.contains("\n# json = true\n"), "{text}");
        for key in ["config", "profile", "help", "version"] {
            assert!(!keys.contains(&key), "{key}");
        }
        for line in text.lines().filter(is_setting) {
            toml::from_str::<toml::Table>(&line[2..]).unwrap_or_else(|error| panic!("{line}: {error}"));
        }
    }
}
