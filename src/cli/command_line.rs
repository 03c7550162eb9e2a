//! The global options and the commands.

use std::path::PathBuf;

use clap::{ArgAction, Parser, Subcommand, ValueEnum};

use super::args::{
    ConfigCommand, DeliverArgs, DiffArgs, DoctorArgs, ExportArgs, HistoryArgs, MergeArgs, RenderArgs,
    ServeArgs, ServerExportArgs, ShowArgs, TasksArgs, TemplatesCommand, UploadArgs, VerifyArgs,
};
use super::help;
use super::values::languages;
use crate::model::Language;

const LOGGING: &str = "Logging";
const GLOBAL: &str = "Global options";

/// Exports the consistency verification results of migration tasks as reports to sign before a cutover
#[derive(Debug, Parser)]
#[command(name = "cutover-report", args_override_self = true)]
#[command(version = env!("CUTOVER_REPORT_VERSION"))]
#[command(after_help = help::SETTINGS)]
#[command(after_long_help = help::after(""))]
pub struct Cli {
    /// The command.
    #[command(subcommand)]
    pub command: Command,
    /// Print only what is wrong
    #[arg(short, long, global = true, help_heading = LOGGING)]
    pub quiet: bool,
    /// Print failed attempts; -vv requests, -vvv headers
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = LOGGING)]
    pub verbose: u8,
    /// Log format on stderr and in the file: text or json
    #[arg(long, value_name = "FORMAT", default_value = "text", global = true, help_heading = LOGGING)]
    #[arg(hide_possible_values = true)]
    #[arg(hide_short_help = true)]
    pub log_format: LogFormat,
    /// File to append the log of -vv to
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
    #[arg(hide_short_help = true)]
    pub s3_endpoint: Option<String>,
    /// Language: en or zh [default: en; on the terminal that of $LANG]
    ///
    /// The terminal is in Chinese too if LC_ALL, LC_MESSAGES or LANG begins with zh; reports only with this option. CSV,
    /// JSON, the journal and logs are always in English.
    #[arg(long, value_name = "LANGUAGE", global = true, help_heading = GLOBAL)]
    #[arg(hide_possible_values = true, value_parser = languages())]
    pub language: Option<Language>,
    /// The configuration file that was read, if any.
    #[arg(skip)]
    pub config_used: Option<PathBuf>,
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
    #[command(after_long_help = help::after("export"))]
    Export(Box<ExportArgs>),
    /// Write reports from a journal, offline
    #[command(after_long_help = help::after("render"))]
    Render(RenderArgs),
    /// Show the summary of a journal on the terminal, offline
    #[command(after_long_help = help::after("show"))]
    Show(ShowArgs),
    /// Join the journals of shards, regions or accounts, offline
    #[command(after_long_help = help::after("merge"))]
    Merge(MergeArgs),
    /// Show what changed between two journals, offline
    #[command(after_long_help = help::after("diff"))]
    Diff(DiffArgs),
    /// Show the course of all tasks over many nights, offline
    #[command(after_long_help = help::after("history"))]
    History(HistoryArgs),
    /// Attach the files of a run to tickets, or mail them, exactly once
    #[command(after_long_help = help::after("deliver"))]
    Deliver(DeliverArgs),
    /// Check files against their evidence manifests
    #[command(after_long_help = help::after("verify"))]
    Verify(VerifyArgs),
    /// List the account's tasks as a task list
    #[command(after_long_help = help::after("tasks"))]
    Tasks(TasksArgs),
    /// Upload consistency results, as the Agent does
    #[command(after_long_help = help::after("upload"))]
    Upload(UploadArgs),
    /// Save what the service's own batch export returns
    #[command(after_long_help = help::after("server-export"))]
    ServerExport(ServerExportArgs),
    /// Run the embedded SMS service
    #[command(after_long_help = help::after("serve"))]
    Serve(ServeArgs),
    /// Check credentials, endpoint, clock, permissions and disk without changing anything
    #[command(after_long_help = help::after("doctor"))]
    Doctor(DoctorArgs),
    /// Print a commented configuration file, or the settings in force
    #[command(after_long_help = help::after("config"))]
    Config {
        /// The action.
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// List, show or check workbook templates
    #[command(after_long_help = help::after("templates"))]
    Templates {
        /// The action.
        #[command(subcommand)]
        command: TemplatesCommand,
    },
    /// Print a shell completion script
    #[command(after_long_help = help::after("completions"))]
    Completions {
        /// Shell
        shell: clap_complete::Shell,
    },
    /// Print the man page, or write one for each command
    #[command(after_long_help = help::after("man"))]
    Man {
        /// Folder to write the man pages to [default: print to stdout]
        folder: Option<PathBuf>,
    },
}
