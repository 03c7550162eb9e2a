//! Settings from a file: a profile's keys are the options' names.
//!
//! They are put into the command line behind the command, unless the option is there already or a
//! variable says the same, so that everything else treats them as if the user had typed them.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory, Parser};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::Cli;
use crate::model::Place;

/// The profile that is used when none is named.
const DEFAULT_PROFILE: &str = "default";
/// Options that say the same in two ways: one of them on the command line puts both aside.
const ALTERNATIVES: [[&str; 2]; 1] = [["endpoint", "region"]];
/// Commands with an option whose values are other ones than elsewhere: a profile cannot mean both.
const OWN_VALUES: [(&str, &str); 2] = [("diff", "fail-on"), ("tasks", "format")];
/// Options that choose the settings, or end the program.
const NOT_SETTINGS: [&str; 4] = ["config", "profile", "help", "version"];
/// Options for which there are variables, which go before the file.
const VARIABLES: [(&str, &str); 5] = [
    ("token-file", "SMS_AUTH_TOKEN"),
    ("project-id", "HUAWEICLOUD_SDK_PROJECT_ID"),
    ("domain-id", "HUAWEICLOUD_SDK_DOMAIN_ID"),
    ("s3-endpoint", "AWS_ENDPOINT_URL_S3"),
    ("s3-endpoint", "AWS_ENDPOINT_URL"),
];

/// A configuration file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[expect(missing_docs, reason = "the message of each says what it is")]
pub enum ConfigError {
    #[error("--profile {0} needs --config FILE")]
    NoFile(String),
    #[error("{path}: {source}", path = .path.display())]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{place}: {what}")]
    Wrong { place: Place, what: String },
    #[error("{path}: has no [profile.{name}]; there are {}", list(known), path = .path.display())]
    NoProfile { path: PathBuf, name: String, known: Vec<String> },
}

fn list(known: &[String]) -> String {
    if known.is_empty() { "none".to_owned() } else { known.join(", ") }
}

/// Reads `arguments` with the settings of the file that they name, if they name one.
///
/// # Errors
/// [`ConfigError`], with the line and column at fault.
pub(super) fn read(mut arguments: Vec<OsString>) -> Result<Cli, ConfigError> {
    let settings = settings_for(&arguments)?;
    let more = settings.iter().flat_map(|setting| &setting.arguments).map(OsString::from);
    let behind = place_of_command(&arguments);
    arguments.splice(behind..behind, more);
    Cli::try_parse_from(arguments).or_else(|error| {
        match settings.into_iter().find(|setting| is_about(&error, setting)) {
            Some(Setting { place, .. }) => Err(ConfigError::Wrong { place, what: first_paragraph(&error) }),
            None => error.exit(),
        }
    })
}

/// Whether a value that the command line could not take is this setting's.
fn is_about(error: &clap::Error, setting: &Setting) -> bool {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) => {
            option.split(' ').next() == Some(&format!("--{}", setting.name))
        }
        _ => false,
    }
}

fn first_paragraph(error: &clap::Error) -> String {
    let text = error.to_string();
    // The lines below the first, up to an empty one, say which values there are.
    let lines = text.lines().map(str::trim).take_while(|line| !line.is_empty());
    let text = lines.collect::<Vec<_>>().join(" ");
    text.strip_prefix("error: ").unwrap_or(&text).to_owned()
}

/// The settings that apply to a command line: those that it does not have already.
fn settings_for(arguments: &[OsString]) -> Result<Vec<Setting>, ConfigError> {
    let mut command = Cli::command();
    command.build();
    // What is wrong with the rest of the command line is said when it is read in earnest.
    let Ok(given) = command.clone().ignore_errors(true).try_get_matches_from(arguments) else {
        return Ok(Vec::new());
    };
    let (path, profile) = (given.get_one::<PathBuf>("config"), given.get_one::<String>("profile"));
    let Some(path) = path else {
        return profile.map_or(Ok(Vec::new()), |profile| Err(ConfigError::NoFile(profile.clone())));
    };
    let found = given.subcommand().and_then(|(name, given)| Some((command.find_subcommand(name)?, given)));
    let Some((subcommand, given)) = found else { return Ok(Vec::new()) };
    let text =
        std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.clone(), source })?;
    let file = File { path, text: &text };
    let mut settings = file.settings(profile.map_or(DEFAULT_PROFILE, String::as_str), &command)?;
    settings.retain(|setting| {
        if OWN_VALUES.contains(&(subcommand.get_name(), &setting.name)) {
            return false;
        }
        let mut options = subcommand.get_arguments();
        options.any(|option| {
            option.get_long() == Some(&setting.name)
                && !is_said(option, subcommand, given)
                && !is_in_environment(option)
        })
    });
    Ok(settings)
}

/// Whether the command line has the option, one that says the same in another way, or one that
/// cannot go with it.
fn is_said(option: &Arg, command: &Command, given: &ArgMatches) -> bool {
    let excludes = |one: &Arg, other: &Arg| command.get_arg_conflicts_with(one).contains(&other);
    let mut said = command
        .get_arguments()
        .filter(|other| given.value_source(other.get_id().as_str()) == Some(ValueSource::CommandLine));
    said.any(|other| {
        let same = other.get_id() == option.get_id();
        same || are_alternatives(option, other) || excludes(option, other) || excludes(other, option)
    })
}

fn are_alternatives(one: &Arg, other: &Arg) -> bool {
    let is_way = |option: &Arg, ways: &[&str]| option.get_long().is_some_and(|long| ways.contains(&long));
    ALTERNATIVES.iter().any(|ways| is_way(one, ways) && is_way(other, ways))
}

fn is_in_environment(option: &Arg) -> bool {
    let mut variables = VARIABLES.iter().filter(|(long, _)| option.get_long() == Some(long));
    variables.any(|(_, variable)| std::env::var_os(variable).is_some_and(|value| !value.is_empty()))
}

/// The place behind the command's name. Before it stand only options for all commands.
fn place_of_command(arguments: &[OsString]) -> usize {
    let mut is_value = true; // the program's name
    for (place, argument) in arguments.iter().enumerate() {
        let argument = argument.to_string_lossy();
        if !is_value && !argument.starts_with('-') {
            return place + 1;
        }
        is_value = matches!(argument.as_ref(), "--config" | "--profile" | "--s3-endpoint");
    }
    arguments.len()
}

/// A setting, and the arguments that say it.
struct Setting {
    name: String,
    arguments: Vec<String>,
    place: Place,
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    /// The settings of a profile. Every key must be an option of some command.
    fn settings(&self, profile: &str, command: &Command) -> Result<Vec<Setting>, ConfigError> {
        let document = DeTable::parse(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            self.wrong(at, error.message().to_owned())
        })?;
        let mut profiles = Vec::new();
        for (key, value) in document.get_ref() {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("profile", DeValue::Table(tables)) => profiles.extend(tables.iter()),
                (key_text, _) => {
                    let what =
                        format!("`{key_text}` stands outside of a profile; write it below [profile.NAME]");
                    return Err(self.wrong(key.span().start, what));
                }
            }
        }
        let chosen = profiles.iter().find(|(name, _)| name.get_ref() == profile);
        let Some((_, chosen)) = chosen else {
            let known = profiles.iter().map(|(name, _)| name.get_ref().to_string()).collect();
            return Err(ConfigError::NoProfile {
                path: self.path.to_owned(),
                name: profile.to_owned(),
                known,
            });
        };
        let DeValue::Table(chosen) = chosen.get_ref() else {
            return Err(self.wrong(chosen.span().start, "a profile is a table".to_owned()));
        };
        let settings: Vec<Setting> =
            chosen.iter().map(|(key, value)| self.setting(key, value, command)).collect::<Result<_, _>>()?;
        for [one, other] in ALTERNATIVES {
            let find = |name: &str| settings.iter().find(|setting| setting.name == name);
            if let (Some(_), Some(other)) = (find(one), find(other)) {
                let what = format!("`{}` and `{one}` say the same in two ways; keep one of them", other.name);
                return Err(ConfigError::Wrong { place: other.place.clone(), what });
            }
        }
        Ok(settings)
    }

    fn setting(
        &self,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
        command: &Command,
    ) -> Result<Setting, ConfigError> {
        let name = key.get_ref().replace('_', "-");
        let mut options = command.get_subcommands().flat_map(Command::get_arguments);
        let is_it =
            |option: &&Arg| option.get_long() == Some(&name) && !NOT_SETTINGS.contains(&name.as_str());
        let Some(option) = options.find(is_it) else {
            let what = format!(
                "there is no setting `{}`; settings are options without their dashes, and secrets are none",
                key.get_ref()
            );
            return Err(self.wrong(key.span().start, what));
        };
        let is_switch = matches!(option.get_action(), ArgAction::SetTrue);
        let arguments = match value.get_ref() {
            DeValue::Boolean(on) if is_switch => on.then(|| format!("--{name}")).into_iter().collect(),
            _ if is_switch => {
                return Err(self.wrong(value.span().start, format!("`{name}` is true or false")));
            }
            DeValue::Array(values) => {
                values.iter().map(|value| self.argument(&name, value)).collect::<Result<Vec<_>, _>>()?
            }
            _ => vec![self.argument(&name, value)?],
        };
        Ok(Setting { name, arguments, place: self.place(key.span().start) })
    }

    fn argument(&self, name: &str, value: &Spanned<DeValue<'_>>) -> Result<String, ConfigError> {
        match value.get_ref() {
            DeValue::String(text) => Ok(format!("--{name}={text}")),
            DeValue::Integer(number) => Ok(format!("--{name}={number}")),
            _ => Err(self.wrong(value.span().start, format!("`{name}` is a text or a whole number"))),
        }
    }

    fn wrong(&self, at: usize, what: String) -> ConfigError {
        ConfigError::Wrong { place: self.place(at), what }
    }

    fn place(&self, at: usize) -> Place {
        Place::of(self.path, self.text, at)
    }
}
