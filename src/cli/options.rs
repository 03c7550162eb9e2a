//! The options that several commands share.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::fail_on::{FailOn, shown, verdicts};
use super::typed_words::Typed;
use super::values::{
    self, PreviousArg, age, count_of_attempts, label_filter, markups, offers, previous, rate, sheets, size,
    states, time, zone,
};
use crate::model::{Language, Markup, Rate};
use crate::report::{LabelFilter, Policy, Template, Zone};
use crate::sms::regions::REGIONS;

pub(super) const TASKS: &str = "Tasks";
const OUTPUTS: &str = "Outputs";
const REPORT: &str = "Report";
const DELIVERY: &str = "Delivery";
const CONNECTION: &str = "Connection";
const CREDENTIALS: &str = "Credentials";
pub(super) const RATE: &str = "Rate and retries";

/// Which of the account's tasks.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = TASKS)]
pub struct SearchArgs {
    /// Only tasks in this state, as in MIGRATE_SUCCESS
    #[arg(long, value_name = "STATE", hide_possible_values = true, value_parser = states())]
    #[arg(hide_short_help = true)]
    pub state: Option<String>,
    /// Only tasks with this name
    #[arg(long, value_name = "NAME")]
    #[arg(hide_short_help = true)]
    pub name: Option<String>,
}

/// What to write, and how to judge.
#[derive(Debug, Args)]
#[command(next_help_heading = OUTPUTS)]
pub struct ReportArgs {
    /// Output file; the suffix selects the format (repeatable)
    ///
    /// X.xlsx is a workbook, X.html a page for the browser, X/ a folder of CSV files, X.zip the same zipped, X.csv
    /// the results alone, X.json the summary for machines, X.md the text of a ticket comment, X.prom metrics for
    /// the textfile collector of Prometheus, X.jsonl the journal, - stdout in the --format. {date} and {time} are
    /// replaced by the run's start.
    #[arg(short, long = "output", value_name = "OUT", required_unless_present = "json")]
    pub outputs: Vec<String>,
    /// Format of -o -: json, csv or md
    #[arg(long, value_name = "FORMAT", hide_possible_values = true)]
    #[arg(hide_short_help = true)]
    pub format: Option<StdoutFormat>,
    /// Print the summary as JSON instead of the paths written
    #[arg(long)]
    #[arg(hide_short_help = true)]
    pub json: bool,
    /// Maximum task sheets per workbook, 1 to 10000
    #[arg(long, value_name = "N", default_value = "500", value_parser = sheets)]
    #[arg(allow_negative_numbers = true)]
    #[arg(hide_short_help = true)]
    pub max_sheets: NonZeroUsize,
    /// Maximum file size, as in 10MB; larger files are split [default: none]
    ///
    /// A larger X.html cannot be split: it leaves out the directories without differences.
    #[arg(long, value_name = "SIZE", value_parser = size)]
    #[arg(hide_short_help = true)]
    pub max_bytes: Option<u64>,
    /// Markup of X.md: markdown, jira or plain
    #[arg(long, value_name = "FORMAT", default_value = "markdown")]
    #[arg(hide_possible_values = true, value_parser = markups())]
    #[arg(hide_short_help = true)]
    pub ticket_format: Markup,
    /// How to write CSV.
    #[command(flatten)]
    pub csv: CsvArgs,
    /// SSH private key that signs the manifest
    ///
    /// A public key, if ssh-agent has the private one.
    #[arg(long, value_name = "FILE")]
    pub sign_key: Option<PathBuf>,
    /// How to read the journal.
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// Label to group tasks by [default: wave, if the list has it]
    #[arg(long, value_name = "LABEL", help_heading = REPORT)]
    #[arg(hide_short_help = true)]
    pub group_by: Option<String>,
    /// Template: standard, signoff, compact or a file
    #[arg(long, value_name = "NAME", default_value = "standard", help_heading = REPORT)]
    #[arg(hide_possible_values = true, value_parser = offers(Template::all_built_in().map(|(name, _)| name)))]
    pub template: String,
    /// Verdicts that exit with 4, or not-passing
    ///
    /// Verdicts, separated by commas: fetch_failed, unreadable, not_verified, check_failed, inconsistent, stale,
    /// inconclusive, accepted, consistent. not-passing means all but the last two. With --previous also worse and gone:
    /// a task got worse since the last run, or is no longer listed.
    #[arg(long, value_name = "VERDICTS", value_delimiter = ',', default_value = "none", help_heading = REPORT)]
    #[arg(hide_possible_values = true, value_parser = verdicts())]
    pub fail_on: Vec<FailOn>,
    /// Compare with the last run [default: the newest earlier one]
    ///
    /// Without JOURNAL, the newest finished journal of the same report in the journal's folder or the dated folders
    /// beside it.
    #[arg(long, value_name = "JOURNAL", num_args = 0..=1, default_missing_value = "", help_heading = REPORT)]
    #[arg(value_parser = previous)]
    pub previous: Option<PreviousArg>,
    /// Where to deliver the files.
    #[command(flatten)]
    pub delivery: DeliveryArgs,
    /// Command to run with sh at every end of the run
    ///
    /// CUTOVER_REPORT_EXIT, _STATUS, _HEADLINE, _MANIFEST, _JOURNAL and _OUTPUTS (a path a line) are set. If it fails,
    /// the exit code is 7 where it would be 0.
    #[arg(long, value_name = "CMD", help_heading = DELIVERY)]
    pub on_finish: Option<String>,
    /// The command line, to suggest commands from.
    #[arg(skip)]
    pub typed: Typed,
}

/// How to write CSV.
#[derive(Debug, Clone, Copy, Args)]
#[command(next_help_heading = OUTPUTS)]
pub struct CsvArgs {
    /// Write CSV texts as they are, even if they look like formulas
    #[arg(long)]
    #[arg(hide_short_help = true)]
    pub csv_raw: bool,
    /// Begin CSV with a byte-order mark, for Excel: true or false [default: true with --language zh]
    #[arg(long, value_name = "BOOL", num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    #[arg(hide_short_help = true, hide_possible_values = true)]
    pub csv_bom: Option<bool>,
}

/// What to deliver, and where to.
#[derive(Debug, Args)]
#[command(next_help_heading = DELIVERY)]
pub struct DeliveryArgs {
    /// Where to deliver it.
    #[command(flatten)]
    pub targets: DeliveryTargetArgs,
    /// File to attach, by name (repeatable) [default: all]
    ///
    /// By default, all files of the run but CSV folders and the journal.
    #[arg(long, value_name = "NAME")]
    #[arg(hide_short_help = true)]
    pub attach: Vec<String>,
    /// Maximum size of a mail with files attached
    #[arg(long, value_name = "SIZE", default_value = "20MB", value_parser = size)]
    #[arg(hide_short_help = true)]
    pub max_mail: u64,
}

/// Where to deliver the files of a run.
#[derive(Debug, Args)]
#[command(next_help_heading = DELIVERY)]
pub struct DeliveryTargetArgs {
    /// Ticket URL or mailto:ADDRESS to deliver to (repeatable)
    ///
    /// The address of a ticket is the one that the browser shows. Each system has its own variable for the secret:
    /// JIRA_API_TOKEN with JIRA_USER, JIRA_PAT, REDMINE_API_KEY, RT_TOKEN, GITLAB_TOKEN, SERVICENOW_TOKEN or
    /// SERVICENOW_USER and SERVICENOW_PASSWORD, SMTP_PASSWORD.
    #[arg(long, value_name = "URL")]
    pub to: Vec<String>,
    /// jira, jira-dc, redmine, rt, gitlab or servicenow
    ///
    /// By default, it is detected from the address of the ticket.
    #[arg(long, value_name = "SYSTEM", hide_possible_values = true)]
    #[arg(hide_short_help = true)]
    pub ticket_system: Option<TicketSystem>,
    /// File with the ticket system's token [default: its variable]
    #[arg(long, value_name = "FILE")]
    #[arg(hide_short_help = true)]
    pub ticket_token_file: Option<PathBuf>,
    /// Mail server, as in smtps://USER@HOST:465
    ///
    /// smtp://USER@HOST:587 uses STARTTLS.
    #[arg(long, value_name = "URL")]
    pub smtp: Option<String>,
    /// Sender of mails [default: USER of --smtp]
    #[arg(long, value_name = "ADDRESS")]
    #[arg(hide_short_help = true)]
    pub mail_from: Option<String>,
}

/// Which certificates to trust, for commands that do not use the API.
#[derive(Debug, Args)]
#[command(next_help_heading = DELIVERY)]
pub struct TrustArgs {
    /// PEM file of further trusted CA certificates
    #[arg(long, value_name = "FILE")]
    pub ca_cert: Option<PathBuf>,
}

/// A ticket system.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TicketSystem {
    /// Jira Cloud
    Jira,
    /// Jira Data Center
    JiraDc,
    /// Redmine
    Redmine,
    /// Request Tracker 5
    Rt,
    /// GitLab
    Gitlab,
    /// ServiceNow
    Servicenow,
}

/// The output that `-o -` writes to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StdoutFormat {
    /// Summary for machines
    Json,
    /// Every row of every task
    Csv,
    /// Text for a ticket comment
    Md,
}

/// Which tasks of a journal to show.
#[derive(Debug, Args)]
#[command(next_help_heading = REPORT)]
pub struct FilterArgs {
    /// Show only these verdicts, or not-passing; such a report is never READY
    #[arg(long, value_name = "VERDICTS", value_delimiter = ',', hide_possible_values = true)]
    #[arg(value_parser = shown())]
    pub only: Vec<FailOn>,
    /// Show only tasks with this label, as in wave=3 or owner=db-* (repeatable)
    #[arg(long = "where", value_name = "LABEL=GLOB", value_parser = label_filter)]
    pub labels: Vec<LabelFilter>,
}

/// How to read a journal: what to show, and how to judge.
#[derive(Debug, Args)]
#[command(next_help_heading = REPORT)]
pub struct ReadingArgs {
    /// The language of reports, of the global option.
    #[arg(skip)]
    pub language: Language,
    /// Time zone, as in Asia/Shanghai
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    pub timezone: Zone,
    /// Age from which verifications are stale, or off
    #[arg(long, value_name = "TIME", default_value_t = values::Age(Some(Policy::DEFAULT_MAX_AGE)), value_parser = age)]
    pub max_age: values::Age,
    /// Verifications before this time are stale
    ///
    /// As in 2026-11-21T08:00. A time without a zone is in --timezone; 2026-11-21T08:00:00Z and 2026-11-21T08:00[Asia/Shanghai] have one.
    #[arg(long, value_name = "TIME")]
    pub not_before: Option<String>,
    /// TOML file of waivers: accepted differences
    #[arg(long, value_name = "FILE")]
    pub waivers: Option<PathBuf>,
}

/// How to reach the API.
#[derive(Debug, Args)]
#[command(next_help_heading = CONNECTION)]
pub struct ConnectionArgs {
    /// Region, as in cn-north-4 or ap-southeast-3
    ///
    /// cn-north-4 is for accounts of the Chinese site, ap-southeast-3 for international ones.
    #[arg(long, value_name = "ID", hide_possible_values = true)]
    #[arg(value_parser = offers(REGIONS.iter().map(|(id, _)| *id)))]
    pub region: Option<String>,
    /// URL of the API, or embedded for sample data
    #[arg(long, value_name = "URL", conflicts_with = "region")]
    pub endpoint: Option<String>,
    /// Project id for signed requests
    #[arg(long, value_name = "ID")]
    #[arg(hide_short_help = true)]
    pub project_id: Option<String>,
    /// Account (domain) id for signed requests
    #[arg(long, value_name = "ID")]
    #[arg(hide_short_help = true)]
    pub domain_id: Option<String>,
    /// Timeout of one request
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    #[arg(hide_short_help = true)]
    pub timeout: Duration,
    /// Timeout for connecting
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    #[arg(hide_short_help = true)]
    pub connect_timeout: Duration,
    /// Maximum size of a response
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = size)]
    #[arg(hide_short_help = true)]
    pub max_response: u64,
    /// PEM file of further trusted CA certificates
    #[arg(long, value_name = "FILE")]
    #[arg(hide_short_help = true)]
    pub ca_cert: Option<PathBuf>,
    /// Allow plain http to other machines; credentials are sent unencrypted
    #[arg(long)]
    #[arg(hide_short_help = true)]
    pub allow_http: bool,
    /// token, aksk, password, metadata or none [default: what is set up]
    #[arg(long, value_name = "METHOD", help_heading = CREDENTIALS, hide_possible_values = true)]
    pub auth: Option<Auth>,
    /// File with an IAM token, or - for stdin [default: $SMS_AUTH_TOKEN]
    #[arg(long, value_name = "FILE", help_heading = CREDENTIALS)]
    #[arg(hide_short_help = true)]
    pub token_file: Option<PathBuf>,
    /// Rate limit, as in 10/s or 600/m; no bursts
    #[arg(long, value_name = "RATE", default_value = "10/s", value_parser = rate, help_heading = RATE)]
    pub rate: Rate,
    /// Maximum attempts per request
    #[arg(long, value_name = "N", default_value = "12", value_parser = count_of_attempts, help_heading = RATE)]
    #[arg(allow_negative_numbers = true)]
    #[arg(hide_short_help = true)]
    pub max_attempts: NonZeroU32,
}

/// Whether the context of tasks is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ContextMode {
    /// Read where the account allows it
    Auto,
    /// Do not read
    Off,
    /// Read; exit with 5 if refused, 3 if a task's context is not known
    Required,
}

/// A way to authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    /// IAM token from `SMS_AUTH_TOKEN` or --token-file
    Token,
    /// Access key from `HUAWEICLOUD_SDK_AK` and `_SK` or ~/.huaweicloud/credentials
    Aksk,
    /// IAM user from `SMS_IAM_USER`, `_PASSWORD`, `_DOMAIN` and `_PROJECT`
    Password,
    /// Agency of the cloud server that cutover-report runs on
    Metadata,
    /// No credentials
    None,
}
