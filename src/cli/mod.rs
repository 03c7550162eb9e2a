//! The command line: its structs, how its values are parsed, and the settings of a configuration file.

mod args;
mod command_line;
mod config;
mod environment;
mod errors;
mod exit;
mod fail_on;
mod help;
mod localized;
mod options;
mod reading;
mod settings;
mod typed;
mod typed_words;
mod values;

use std::ffi::OsString;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches};

pub use args::{
    ConfigCommand, DeliverArgs, DiffArgs, DoctorArgs, ExportArgs, HistoryArgs, ListFormat, MergeArgs,
    RenderArgs, ServeArgs, ServeAuth, ServerExportArgs, ShowArgs, TasksArgs, TemplatesCommand, UploadArgs,
    VerifyArgs,
};
pub use command_line::{Cli, Command, LogFormat};
pub use environment::{Topic, VARIABLES, Variable};
pub use errors::ReadError;
pub use exit::Exit;
pub use fail_on::FailOn;
pub use help::{Example, Help};
pub use options::{
    Auth, ConnectionArgs, ContextMode, CsvArgs, DeliveryArgs, DeliveryTargetArgs, FilterArgs, ReadingArgs,
    ReportArgs, SearchArgs, StdoutFormat, TicketSystem, TrustArgs,
};
pub use reading::read_config;
pub use settings::{commented_file, settings_in_force};
pub use typed::shell_quote;
pub use typed_words::Typed;
pub use values::{KeepArg, PreviousArg, ShardArg};

use crate::model::Language;

impl Cli {
    /// Parses a command line together with the settings of the configuration file. Help is in `language`.
    ///
    /// # Errors
    /// [`ReadError`]: a configuration file or a command line that cannot be used, or text to print, as for `--help`.
    pub fn read(arguments: Vec<OsString>, language: Language) -> Result<Self, ReadError> {
        if let Some(message) = fail_on::split_list(&arguments) {
            return Err(Self::command().error(ErrorKind::InvalidValue, message).into());
        }
        let config::ResolvedCommandLine { arguments, typed, file } = config::resolve(arguments)?;
        let mut command = localized::command(Self::command(), language);
        let mut cli = command
            .try_get_matches_from_mut(arguments.with_settings())
            .and_then(|given| Self::from_arg_matches(&given).map_err(|error| error.format(&mut command)))
            .map_err(|error| arguments.explain(error))?;
        let of_reports = cli.language.unwrap_or_default();
        match &mut cli.command {
            Command::Export(args) => args.report.reading.language = of_reports,
            Command::Render(args) => args.report.reading.language = of_reports,
            Command::Merge(args) => args.report.reading.language = of_reports,
            Command::Show(args) => args.reading.language = of_reports,
            Command::Diff(args) => args.reading.language = of_reports,
            Command::History(args) => args.reading.language = of_reports,
            Command::ServerExport(args) => args.language = of_reports,
            _ => {}
        }
        match &mut cli.command {
            Command::Export(args) => args.report.typed = typed,
            Command::Render(args) => args.report.typed = typed,
            Command::Merge(args) => args.report.typed = typed,
            Command::Diff(args) => args.typed = typed,
            _ => {}
        }
        cli.config_used = file;
        Ok(cli)
    }

    /// The language of the terminal that a command line asks for with `--language`, else the environment. A configuration
    /// file may ask for another.
    pub fn terminal_language(arguments: &[OsString]) -> Language {
        let mut asked = None;
        let mut arguments = arguments.iter().map_while(|text| text.to_str().filter(|text| *text != "--"));
        while let Some(argument) = arguments.next() {
            let value = match argument.strip_prefix("--language") {
                Some("") => arguments.next(),
                Some(rest) => rest.strip_prefix('='),
                None => None,
            };
            asked = match value.map(|value| value.trim().to_ascii_lowercase()).as_deref() {
                Some("zh") => Some(Language::Chinese),
                Some("en") => Some(Language::English),
                _ => asked,
            };
        }
        asked.unwrap_or_else(|| {
            Language::of_environment(|name| {
                std::env::var_os(name).map(|value| value.to_string_lossy().into())
            })
        })
    }

    /// The command to run at the end of a run whose command line or configuration file has an error.
    pub fn on_finish(arguments: &[OsString]) -> Option<String> {
        config::on_finish(arguments)
    }
}

impl Command {
    /// The command to run at the end, of those that have `--on-finish`.
    pub fn on_finish(&self) -> Option<&str> {
        match self {
            // A list of what would be removed is no run.
            Self::Export(args) if args.dry_run => None,
            Self::Export(args) => args.report.on_finish.as_deref(),
            Self::Render(args) => args.report.on_finish.as_deref(),
            Self::Merge(args) => args.report.on_finish.as_deref(),
            _ => None,
        }
    }
}
