//! The command line: its structs, how its values are parsed, and the settings of a configuration file.

mod args;
mod config;
mod errors;
mod fail_on;
mod options;
mod typed;
mod values;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, Parser, Subcommand, ValueEnum};

pub use args::{
    DeliverArgs, DiffArgs, DoctorArgs, ExportArgs, ListFormat, MergeArgs, RenderArgs, ServeArgs, ServeAuth,
    ServerExportArgs, ShowArgs, TasksArgs, TemplatesCommand, UploadArgs, VerifyArgs,
};
pub use errors::ReadError;
pub use fail_on::FailOn;
pub use options::{
    Auth, ConnectionArgs, ContextMode, DeliveryArgs, FilterArgs, ReadingArgs, ReportArgs, SearchArgs,
    ShardArg, StdoutFormat, TicketSystem, TrustArgs,
};
pub use typed::{Typed, shell_quote};

const LOGGING: &str = "Logging";
const GLOBAL: &str = "Global options";

/// Exports the consistency verification results of migration tasks as reports to sign before a cutover
#[derive(Debug, Parser)]
#[command(name = "cutover-report", args_override_self = true)]
#[command(version = env!("CUTOVER_REPORT_VERSION"))]
#[command(after_help = "Settings come from options, then the environment, then the configuration file. \
                        --NAME=false turns a switch of the file off.")]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
    /// Print only what is wrong
    #[arg(short, long, global = true, help_heading = LOGGING)]
    pub quiet: bool,
    /// Print failed attempts and decisions; -vv each request, -vvv headers too (repeatable)
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = LOGGING)]
    pub verbose: u8,
    /// Log format on stderr and in the file: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", global = true, help_heading = LOGGING)]
    #[arg(hide_possible_values = true)]
    pub log_format: LogFormat,
    /// File to append the log to, always at the level of -vv
    #[arg(long, value_name = "FILE", global = true, help_heading = LOGGING)]
    pub log_file: Option<PathBuf>,
    /// Configuration file [default: ~/.config/cutover-report/config.toml]
    ///
    /// $CUTOVER_REPORT_CONFIG names another file; $XDG_CONFIG_HOME replaces ~/.config.
    #[arg(long, value_name = "FILE", global = true, help_heading = GLOBAL)]
    pub config: Option<PathBuf>,
    /// Profile of the configuration file [default: default]
    #[arg(long, value_name = "NAME", global = true, help_heading = GLOBAL)]
    pub profile: Option<String>,
    /// Object storage endpoint for s3://BUCKET/KEY [default: AWS]
    #[arg(long, value_name = "URL", global = true, help_heading = GLOBAL)]
    pub s3_endpoint: Option<String>,
    /// The configuration file that was read, if any.
    #[arg(skip)]
    pub config_used: Option<PathBuf>,
}

impl Cli {
    /// Parses a command line together with the settings of the configuration file.
    ///
    /// # Errors
    /// [`ReadError`]: a configuration file or a command line that cannot be used, or text to print, as for `--help`.
    pub fn read(arguments: Vec<OsString>) -> Result<Self, ReadError> {
        if let Some(message) = fail_on::split_list(&arguments) {
            return Err(Self::command().error(ErrorKind::InvalidValue, message).into());
        }
        let config::ResolvedCommandLine { arguments, typed, file } = config::resolve(arguments)?;
        let mut cli =
            Self::try_parse_from(arguments.with_settings()).map_err(|error| arguments.explain(error))?;
        match &mut cli.command {
            Command::Export(args) => args.report.typed = typed,
            Command::Render(args) => args.report.typed = typed,
            Command::Merge(args) => args.report.typed = typed,
            _ => {}
        }
        cli.config_used = file;
        Ok(cli)
    }
}

impl Command {
    /// The command to run at the end, of those that have `--on-finish`.
    pub fn on_finish(&self) -> Option<&str> {
        match self {
            Self::Export(args) => args.report.on_finish.as_deref(),
            Self::Render(args) => args.report.on_finish.as_deref(),
            Self::Merge(args) => args.report.on_finish.as_deref(),
            _ => None,
        }
    }
}

/// The format of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// Lines of text
    Text,
    /// JSON Lines
    Json,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Fetch the results of all tasks and write the reports
    Export(Box<ExportArgs>),
    /// Write reports from a journal, offline
    Render(RenderArgs),
    /// Show the summary of a journal on the terminal, offline
    Show(ShowArgs),
    /// Join the journals of shards, regions or accounts, offline
    Merge(MergeArgs),
    /// Show what changed between two journals, offline
    Diff(DiffArgs),
    /// Attach the files of a run to tickets, or mail them, exactly once
    Deliver(DeliverArgs),
    /// Check files against their evidence manifests
    Verify(VerifyArgs),
    /// List the account's tasks as a task list
    Tasks(TasksArgs),
    /// Upload consistency results, as the Agent does
    Upload(UploadArgs),
    /// Save what the service's own batch export returns
    ServerExport(ServerExportArgs),
    /// Run the embedded SMS service
    Serve(ServeArgs),
    /// Check credentials, endpoint, clock, permissions and disk without changing anything
    Doctor(DoctorArgs),
    /// List, show or check workbook templates
    Templates {
        /// The action.
        #[command(subcommand)]
        command: TemplatesCommand,
    },
    /// Print a shell completion script
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
    /// Print the man page, or write one for each command
    Man {
        /// Folder to write the man pages to [default: print to stdout]
        folder: Option<PathBuf>,
    },
}
