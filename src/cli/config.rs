//! Settings of a configuration file: the keys of a profile are the names of options.
//!
//! They are inserted into the command line after the command, unless the option is there already or the
//! environment has the same setting. So everything else treats them as if they had been typed.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, CommandFactory};
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::command_line::Cli;
use super::errors::ReadError;
use super::typed_words::Typed;
use crate::model::{Place, did_you_mean, io_reason};

/// The profile that is used when none is named.
pub(super) const DEFAULT_PROFILE: &str = "default";
/// Options that set the same thing: one of them on the command line overrides both in the file.
const ALTERNATIVES: [[&str; 2]; 1] = [["endpoint", "region"]];
/// Commands whose option has other values, or is for another document, than the same option elsewhere; settings do not
/// apply to them.
const OWN_VALUES: [(&str, &str); 6] = [
    ("diff", "attach"),
    ("diff", "fail-on"),
    ("diff", "previous"),
    ("diff", "to"),
    ("tasks", "format"),
    ("tasks", "output"),
];
/// Options that choose the settings, or print something and exit.
const NOT_SETTINGS: [&str; 4] = ["config", "profile", "help", "version"];
/// Global options with a value, which may precede the command.
const WITH_VALUE: [&str; 6] =
    ["--config", "--profile", "--s3-endpoint", "--log-format", "--log-file", "--language"];
/// Commands without settings.
const WITHOUT_SETTINGS: [&str; 4] = ["completions", "man", "help", "config"];
/// Options for which there are environment variables, which override the file.
const VARIABLES: [(&str, &str); 5] = [
    ("token-file", "SMS_AUTH_TOKEN"),
    ("project-id", "HUAWEICLOUD_SDK_PROJECT_ID"),
    ("domain-id", "HUAWEICLOUD_SDK_DOMAIN_ID"),
    ("s3-endpoint", "AWS_ENDPOINT_URL_S3"),
    ("s3-endpoint", "AWS_ENDPOINT_URL"),
];

/// A command line with its settings.
pub(super) struct ResolvedCommandLine {
    pub(super) arguments: Arguments,
    pub(super) typed: Typed,
    /// The configuration file, if there is one.
    pub(super) file: Option<PathBuf>,
}

/// A command line, and the settings to insert.
pub(super) struct Arguments {
    arguments: Vec<OsString>,
    settings: Vec<Setting>,
}

impl Arguments {
    pub(super) fn with_settings(&self) -> Vec<OsString> {
        let mut arguments = self.arguments.clone();
        let more = self.settings.iter().flat_map(|setting| &setting.arguments).map(OsString::from);
        let after = after_command(&arguments);
        arguments.splice(after..after, more);
        arguments
    }

    /// The error of clap, with its place if it is about a setting.
    pub(super) fn explain(&self, error: clap::Error) -> ReadError {
        match self.settings.iter().find(|setting| is_about(&error, setting)) {
            Some(setting) => ReadError::Config(vec![format!("{}: {}", setting.place, first_line(&error))]),
            None => error.into(),
        }
    }
}

/// Finds the settings for a command line.
///
/// # Errors
/// Every error of the configuration file, with its line and column.
pub(super) fn resolve(arguments: Vec<OsString>) -> Result<ResolvedCommandLine, ReadError> {
    let mut command = Cli::command();
    command.build();
    let (arguments, off) = take_off_switches(arguments, &command);
    let typed = Typed::new(arguments.clone(), off.iter().map(|name| format!("--{name}=false")).collect());
    let (file, settings) = settings_for(&arguments, &off, &command).map_err(ReadError::Config)?;
    Ok(ResolvedCommandLine { arguments: Arguments { arguments, settings }, typed, file })
}

/// The value of `--on-finish`, also of a command line or a configuration file with errors.
pub(super) fn on_finish(arguments: &[OsString]) -> Option<String> {
    let resolved = resolve(arguments.to_vec()).map(|resolved| resolved.arguments.with_settings());
    let arguments = resolved.unwrap_or_else(|_| arguments.to_vec());
    let command = arguments.get(after_command(&arguments).checked_sub(1)?)?.to_str()?;
    Cli::command()
        .find_subcommand(command)?
        .get_arguments()
        .find(|arg| arg.get_long() == Some("on-finish"))?;
    let mut found = None;
    let mut arguments = arguments.iter().map_while(|text| text.to_str().filter(|text| *text != "--"));
    while let Some(argument) = arguments.next() {
        match argument.strip_prefix("--on-finish") {
            Some("") => found = arguments.next(),
            Some(rest) => found = rest.strip_prefix('=').or(found),
            None => {}
        }
    }
    found.map(str::to_owned)
}

/// Takes `--NAME=false` and `--NAME=true` of switches out of a command line; returns the switches that are off.
fn take_off_switches(arguments: Vec<OsString>, command: &Command) -> (Vec<OsString>, Vec<String>) {
    let name = arguments.get(after_command(&arguments).saturating_sub(1));
    let subcommand = name.and_then(|name| command.find_subcommand(name.to_str()?));
    let is_switch = |name: &str| {
        let mut options = subcommand.unwrap_or(command).get_arguments();
        options.any(|arg| arg.get_long() == Some(name) && matches!(arg.get_action(), ArgAction::SetTrue))
    };
    let mut off = Vec::new();
    let mut rest: Vec<OsString> = Vec::new();
    let mut arguments = arguments.into_iter();
    for argument in arguments.by_ref() {
        let switch = argument.to_str().and_then(|text| text.strip_prefix("--")?.split_once('='));
        match switch {
            Some((name, "false")) if is_switch(name) => {
                rest.retain(|earlier| earlier.to_str() != Some(&format!("--{name}")));
                off.push(name.to_owned());
            }
            Some((name, "true")) if is_switch(name) => {
                off.retain(|earlier| earlier != name);
                rest.push(format!("--{name}").into());
            }
            _ => {
                let ends = argument == "--";
                rest.push(argument);
                if ends {
                    break;
                }
            }
        }
    }
    rest.extend(arguments);
    (rest, off)
}

/// Whether an error is about the value of this setting.
fn is_about(error: &clap::Error, setting: &Setting) -> bool {
    match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) => {
            option.split(' ').next() == Some(&format!("--{}", setting.name))
        }
        _ => false,
    }
}

fn first_line(error: &clap::Error) -> String {
    let text = error.to_string();
    let mut lines = text.lines().map(str::trim);
    let line = lines.next().unwrap_or_default();
    // The values that an option has are in the second line.
    let more = lines.next().filter(|line| line.starts_with("[possible values"));
    let line = line.strip_prefix("error: ").unwrap_or(line);
    more.map_or_else(|| line.to_owned(), |more| format!("{line} {more}"))
}

type Found = (Option<PathBuf>, Vec<Setting>);

/// The configuration file, and its settings that apply: those that the command line does not have.
fn settings_for(arguments: &[OsString], off: &[String], command: &Command) -> Result<Found, Vec<String>> {
    // Errors in the rest of the command line are reported when it is parsed as a whole.
    let Ok(given) = command.clone().ignore_errors(true).try_get_matches_from(arguments) else {
        return Ok((None, Vec::new()));
    };
    let found = given.subcommand().and_then(|(name, given)| Some((command.find_subcommand(name)?, given)));
    let Some((subcommand, given)) = found else { return Ok((None, Vec::new())) };
    if WITHOUT_SETTINGS.contains(&subcommand.get_name()) {
        return Ok((None, Vec::new()));
    }
    let profile = given.get_one::<String>("profile").map(String::as_str);
    let read = read(given.get_one::<PathBuf>("config"), profile, command)?;
    let Some((path, mut settings)) = read else { return Ok((None, Vec::new())) };
    let applies = |setting: &Setting| {
        subcommand.get_arguments().any(|option| {
            setting.applies_to(option, subcommand)
                && !is_given(option, subcommand, given)
                && variable(option).is_none()
        })
    };
    settings.retain(|setting| !off.contains(&setting.name) && applies(setting));
    Ok((Some(path), settings))
}

/// The configuration file, if there is one, and all settings of the profile.
pub(super) fn read(
    option: Option<&PathBuf>,
    profile: Option<&str>,
    command: &Command,
) -> Result<Option<(PathBuf, Vec<Setting>)>, Vec<String>> {
    let Some((path, is_named)) = file_for(option) else {
        return profile.map_or(Ok(None), |profile| {
            let usual =
                usual_file().map_or_else(String::new, |path| format!(", or create {}", path.display()));
            Err(vec![format!("--profile {profile} needs a configuration file: use --config FILE{usual}")])
        });
    };
    let text = std::fs::read_to_string(&path).map_err(|error| {
        let reason = io_reason(&error);
        let check = if is_named == Named::Option { "--config" } else { VARIABLE };
        vec![format!("cannot read config file {}: {reason}; check {check}", path.display())]
    })?;
    let file = File { path: &path, text: &text };
    let is_optional = profile.is_none() && is_named == Named::Usual;
    let settings = file.settings(profile.unwrap_or(DEFAULT_PROFILE), is_optional, command)?;
    Ok(Some((path, settings)))
}

/// Whether an option can be set in the file.
pub(super) fn is_setting(option: &Arg) -> bool {
    option.get_long().is_some_and(|long| !NOT_SETTINGS.contains(&long))
}

/// The environment variable with the path of the configuration file.
const VARIABLE: &str = "$CUTOVER_REPORT_CONFIG";

/// How the configuration file was found.
#[derive(PartialEq, Eq)]
enum Named {
    Option,
    Variable,
    Usual,
}

/// The configuration file: of `--config`, else of the environment, else at the usual place if it is there.
fn file_for(option: Option<&PathBuf>) -> Option<(PathBuf, Named)> {
    if let Some(path) = option {
        return Some((path.clone(), Named::Option));
    }
    if let Some(path) = env::var_os(VARIABLE.trim_start_matches('$')).filter(|path| !path.is_empty()) {
        return Some((path.into(), Named::Variable));
    }
    let usual = usual_file().filter(|path| path.exists())?;
    Some((usual, Named::Usual))
}

fn usual_file() -> Option<PathBuf> {
    // A relative path is invalid by the XDG Base Directory Specification.
    let folder = env::var_os("XDG_CONFIG_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let home =
        || env::var_os("HOME").filter(|home| !home.is_empty()).map(|home| Path::new(&home).join(".config"));
    Some(folder.or_else(home)?.join("cutover-report").join("config.toml"))
}

/// Whether the command line has the option, an alternative to it, or an option that conflicts with it.
fn is_given(option: &Arg, command: &Command, given: &ArgMatches) -> bool {
    let excludes = |one: &Arg, other: &Arg| command.get_arg_conflicts_with(one).contains(&other);
    let mut typed = command
        .get_arguments()
        .filter(|other| given.value_source(other.get_id().as_str()) == Some(ValueSource::CommandLine));
    typed.any(|other| {
        let same = other.get_id() == option.get_id();
        same || are_alternatives(option, other) || excludes(option, other) || excludes(other, option)
    })
}

fn are_alternatives(one: &Arg, other: &Arg) -> bool {
    let is_way = |option: &Arg, ways: &[&str]| option.get_long().is_some_and(|long| ways.contains(&long));
    ALTERNATIVES.iter().any(|ways| is_way(one, ways) && is_way(other, ways))
}

/// The environment variable that sets an option, and its value.
pub(super) fn variable(option: &Arg) -> Option<(&'static str, String)> {
    let mut variables = VARIABLES.iter().filter(|(long, _)| option.get_long() == Some(long));
    variables.find_map(|(_, variable)| {
        let value = env::var_os(variable).filter(|value| !value.is_empty())?;
        Some((*variable, value.to_string_lossy().into_owned()))
    })
}

/// The index after the command's name. Only global options precede it.
fn after_command(arguments: &[OsString]) -> usize {
    let mut is_value = true; // the program's name
    for (index, argument) in arguments.iter().enumerate() {
        let argument = argument.to_string_lossy();
        if !is_value && !argument.starts_with('-') {
            return index + 1;
        }
        is_value = WITH_VALUE.contains(&argument.as_ref());
    }
    arguments.len()
}

/// A setting, and its arguments.
pub(super) struct Setting {
    name: String,
    arguments: Vec<String>,
    place: Place,
}

impl Setting {
    /// Whether it sets this option of `command`.
    pub(super) fn applies_to(&self, option: &Arg, command: &Command) -> bool {
        option.get_long() == Some(&self.name) && !OWN_VALUES.contains(&(command.get_name(), &self.name))
    }

    /// Its value, as TOML.
    pub(super) fn value(&self, option: &Arg) -> String {
        match option.get_action() {
            ArgAction::SetTrue => (!self.arguments.is_empty()).to_string(),
            ArgAction::Count => self.arguments.len().to_string(),
            _ => {
                let start = format!("--{}=", self.name);
                let values = self.arguments.iter().filter_map(|argument| argument.strip_prefix(&start));
                let values: Vec<String> =
                    values.map(|value| toml::Value::String(value.to_owned()).to_string()).collect();
                if let [value] = values.as_slice() {
                    value.clone()
                } else {
                    format!("[{}]", values.join(", "))
                }
            }
        }
    }

    /// Where it is in the file.
    pub(super) fn place(&self) -> &Place {
        &self.place
    }
}

/// An error in the file: the byte where it is, and what it is.
type Fault = (usize, String);

pub(super) struct File<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
}

impl File<'_> {
    /// The settings of a profile, all of them valid. An optional profile may be missing.
    pub(super) fn settings(
        &self,
        profile: &str,
        is_optional: bool,
        command: &Command,
    ) -> Result<Vec<Setting>, Vec<String>> {
        let document = DeTable::parse(self.text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            self.describe(vec![(at, error.message().to_owned())])
        })?;
        let mut faults = Vec::new();
        let mut profiles = Vec::new();
        for (key, value) in document.get_ref() {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("profile", DeValue::Table(tables)) => profiles.extend(tables.iter()),
                (name, _) => faults.push((key.span().start, outside(name, command))),
            }
        }
        if !faults.is_empty() {
            return Err(self.describe(faults));
        }
        let Some((_, chosen)) = profiles.iter().find(|(name, _)| name.get_ref() == profile) else {
            if is_optional {
                return Ok(Vec::new());
            }
            let known: Vec<&str> = profiles.iter().map(|(name, _)| name.get_ref().as_ref()).collect();
            let near = did_you_mean(profile, known.iter().copied());
            let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
            let path = self.path.display();
            return Err(vec![format!(
                "{path}: no [profile.{profile}]; profiles in this file: {known}{near}"
            )]);
        };
        let DeValue::Table(chosen) = chosen.get_ref() else {
            return Err(self.describe(vec![(chosen.span().start, "a profile must be a table".to_owned())]));
        };
        let mut settings: Vec<Setting> = Vec::new();
        for (key, value) in chosen {
            match self.setting(key, value, command) {
                Ok(setting) => settings.push(setting),
                Err(fault) => faults.push(fault),
            }
        }
        for [one, other] in ALTERNATIVES {
            let key = |name: &str| chosen.keys().find(|key| key.get_ref().as_ref() == name);
            if let (Some(_), Some(other)) = (key(one), key(other)) {
                let what = format!("`{}` and `{one}` set the same option; keep one of them", other.get_ref());
                faults.push((other.span().start, what));
            }
        }
        if faults.is_empty() { Ok(settings) } else { Err(self.describe(faults)) }
    }

    fn setting(
        &self,
        key: &Spanned<DeString<'_>>,
        value: &Spanned<DeValue<'_>>,
        command: &Command,
    ) -> Result<Setting, Fault> {
        let name = key.get_ref().replace('_', "-");
        let is_it = |option: &Arg| option.get_long() == Some(&name) && !NOT_SETTINGS.contains(&name.as_str());
        let mut commands = command.get_subcommands();
        let found =
            commands.find_map(|command| Some((command, command.get_arguments().find(|arg| is_it(arg))?)));
        let Some((command, option)) = found else {
            return Err((key.span().start, unknown(key.get_ref(), command)));
        };
        let is_switch = matches!(option.get_action(), ArgAction::SetTrue);
        let is_count = matches!(option.get_action(), ArgAction::Count);
        let takes_bool = option.get_possible_values().iter().any(|value| value.matches("true", false));
        let arguments = match value.get_ref() {
            DeValue::Boolean(on) if is_switch => on.then(|| format!("--{name}")).into_iter().collect(),
            DeValue::Boolean(on) if takes_bool => vec![format!("--{name}={on}")],
            _ if is_switch => {
                return Err((value.span().start, format!("`{name}` must be true or false")));
            }
            DeValue::Integer(number) if is_count => {
                let count = number.as_str().parse::<usize>().ok().filter(|count| *count <= 3);
                let Some(count) = count else {
                    return Err((value.span().start, format!("`{name}` must be a whole number from 0 to 3")));
                };
                vec![format!("--{name}"); count]
            }
            _ if is_count => {
                return Err((value.span().start, format!("`{name}` must be a whole number from 0 to 3")));
            }
            DeValue::Array(values) => {
                values.iter().map(|value| argument(&name, value)).collect::<Result<Vec<_>, _>>()?
            }
            _ => vec![argument(&name, value)?],
        };
        let setting = Setting { name, arguments, place: self.place(key.span().start) };
        check(&setting, command).map_err(|what| (key.span().start, what))?;
        Ok(setting)
    }

    /// The errors in the order of the file, each with its place.
    fn describe(&self, mut faults: Vec<Fault>) -> Vec<String> {
        faults.sort();
        faults.into_iter().map(|(at, what)| format!("{}: {what}", self.place(at))).collect()
    }

    fn place(&self, at: usize) -> Place {
        Place::of(self.path, self.text, at)
    }
}

/// What is wrong with a key that is in no profile.
fn outside(name: &str, command: &Command) -> String {
    if names(command).any(|known| known == name.replace('_', "-")) {
        return format!("`{name}` is outside of a profile; move it below [profile.NAME]");
    }
    let near = did_you_mean(name, ["profile"]);
    format!("unknown key `{name}`{near}; a configuration file has [profile.NAME] tables")
}

fn unknown(name: &str, command: &Command) -> String {
    let near = did_you_mean(name, names(command));
    let near = if near.is_empty() {
        "; settings have the names of options, and secrets are read from the environment or files".to_owned()
    } else {
        near
    };
    format!("unknown setting `{name}`{near}")
}

/// The names that settings can have.
fn names(command: &Command) -> impl Iterator<Item = &str> {
    let options = command.get_subcommands().flat_map(Command::get_arguments).filter_map(Arg::get_long);
    options.filter(|name| !NOT_SETTINGS.contains(name))
}

/// Whether a command that has the option takes its value.
fn check(setting: &Setting, command: &Command) -> Result<(), String> {
    let arguments = std::iter::once("cutover-report").chain(setting.arguments.iter().map(String::as_str));
    match command.clone().no_binary_name(false).try_get_matches_from(arguments) {
        Err(error) if is_about(&error, setting) => Err(first_line(&error)),
        // Others are about what the command needs besides.
        _ => Ok(()),
    }
}

fn argument(name: &str, value: &Spanned<DeValue<'_>>) -> Result<String, Fault> {
    match value.get_ref() {
        DeValue::String(text) => Ok(format!("--{name}={text}")),
        DeValue::Integer(number) => Ok(format!("--{name}={number}")),
        _ => Err((value.span().start, format!("`{name}` must be a string in quotes or a whole number"))),
    }
}
