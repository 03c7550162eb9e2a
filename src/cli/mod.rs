//! The command line: its structs, and how its values read.

mod config;
mod fail_on;
mod values;

use std::ffi::OsString;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::model::{Language, Markup, Rate, Shape, Shard};
use crate::report::{Change, LabelFilter, Policy, Zone};
use crate::service::{ExportBody, Faults};
pub use config::ConfigError;
pub use fail_on::FailOn;
use values::{
    age, duration, label_filter, language, listen, markup, rate, shape, shard, sheets, size, time, zone,
};

/// Exports the consistency verification results of migration tasks into workbooks to sign a cutover off with.
#[derive(Debug, Parser)]
#[command(name = "cutover-report", disable_help_subcommand = true, args_override_self = true)]
#[command(version = env!("CUTOVER_REPORT_VERSION"))]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// Say nothing unless something is wrong
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// A file of settings: [profile.NAME] tables whose keys are the options' names
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// The profile to take from the file [default: default]
    #[arg(long, value_name = "NAME", global = true)]
    pub profile: Option<String>,
    /// The server of object storage, for task lists, outputs and journals called s3://BUCKET/KEY
    #[arg(long, value_name = "URL", global = true)]
    pub s3_endpoint: Option<String>,
}

impl Cli {
    /// Reads a command line, and the settings of the file that it names.
    ///
    /// A command line that cannot be read ends the program with the reason, as does `--help`.
    ///
    /// # Errors
    /// When the file cannot be used.
    pub fn read(arguments: Vec<OsString>) -> Result<Self, ConfigError> {
        if let Some(message) = fail_on::split_list(&arguments) {
            Self::command().error(clap::error::ErrorKind::InvalidValue, message).exit();
        }
        config::read(arguments)
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Fetch every task's results and write the reports
    Export(Box<ExportArgs>),
    /// Write reports from a journal, without any API call
    Render(RenderArgs),
    /// Show the summary of a journal on the terminal, without any API call
    Show(ShowArgs),
    /// Join the journals of shards, regions or accounts, without any API call
    Merge(MergeArgs),
    /// Check that the files of evidence manifests are those that were written
    Verify(VerifyArgs),
    /// Tell what changed between two journals, without any API call
    Diff(DiffArgs),
    /// List the account's tasks, as a task list
    Tasks(TasksArgs),
    /// Send consistency results, as the Agent does
    Upload(UploadArgs),
    /// Save what the service's own batch export returns
    ServerExport(ServerExportArgs),
    /// Check credentials, endpoint, clock, permissions and disk, and change nothing
    Doctor(DoctorArgs),
    /// Show the templates of workbooks, or check one
    Templates {
        /// What to do
        #[command(subcommand)]
        command: TemplatesCommand,
    },
    /// Run the embedded SMS service
    Serve(ServeArgs),
    /// Print a completion script
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the man page, or write one per command
    Man {
        /// The folder to write them to
        folder: Option<PathBuf>,
    },
}

/// `templates`.
#[derive(Debug, Subcommand)]
pub enum TemplatesCommand {
    /// Name the built-in templates
    List,
    /// Print a built-in template, to make one's own from
    Show {
        /// Its name
        name: String,
    },
    /// Say whether a template can be used, and if not, why
    Check {
        /// The template
        file: PathBuf,
    },
}

/// `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Task lists: .csv, .json, .jsonl, .yaml, .xlsx, .txt, or - for standard input
    #[arg(value_name = "TASKS")]
    pub tasks: Vec<PathBuf>,
    /// A task to fetch; may be given again
    #[arg(long = "task", value_name = "ID")]
    pub task_ids: Vec<String>,
    /// Worksheet of .xlsx task lists [default: the first visible one]
    #[arg(long, value_name = "NAME", conflicts_with = "discover")]
    pub sheet: Option<String>,
    /// Report the account's tasks: all of them, or those that --state and --name select
    #[arg(long, conflicts_with_all = ["tasks", "task_ids"])]
    pub discover: bool,
    /// With --discover, only tasks whose source server has results
    #[arg(long, conflicts_with_all = ["state", "name"])]
    pub with_results: bool,
    /// Compare the task list with the account's tasks, and report what only one of them has
    #[arg(long, conflicts_with = "discover")]
    pub reconcile: bool,
    /// Which tasks of the account, with --discover or --reconcile
    #[command(flatten)]
    pub search: SearchArgs,
    /// Take a share of the tasks, as in 2/4, and of the rate; auto/4 takes the one that Kubernetes
    /// (JOB_COMPLETION_INDEX) or Slurm (SLURM_ARRAY_TASK_ID) tells
    #[arg(long, value_name = "I/N", value_parser = shard)]
    pub shard: Option<ShardArg>,
    /// What to write
    #[command(flatten)]
    pub report: ReportArgs,
    /// How to reach the API
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Requests under way at once
    #[arg(long, value_name = "N", default_value = "16")]
    pub concurrency: NonZeroUsize,
    /// The time for the whole run; tasks not done by then are reported as not fetched
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = time)]
    pub deadline: Duration,
    /// Where to keep the journal [default: beside the first output]
    #[arg(long, value_name = "FILE", conflicts_with = "no_journal")]
    pub journal: Option<PathBuf>,
    /// Keep no journal
    #[arg(long)]
    pub no_journal: bool,
    /// Go on with the journal of an interrupted run: fetch what it has no answer for
    #[arg(long, conflicts_with_all = ["no_journal", "overwrite"])]
    pub resume: bool,
    /// Replace an unfinished journal, dropping what it holds
    #[arg(long)]
    pub overwrite: bool,
}

/// `render`.
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// The journal of a run
    pub journal: PathBuf,
    /// What to write
    #[command(flatten)]
    pub report: ReportArgs,
    /// Which tasks to show
    #[command(flatten)]
    pub filter: FilterArgs,
}

/// `show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// The journal of a run
    pub journal: PathBuf,
    /// Tasks that do not pass to list [default: all]
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
    /// Label to group tasks by [default: wave, if the list has it]
    #[arg(long, value_name = "LABEL")]
    pub group_by: Option<String>,
    /// Which tasks to show
    #[command(flatten)]
    pub filter: FilterArgs,
    /// How to read the journal
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// Exit with 4 when a task has one of these verdicts; not-passing stands for all that do not pass
    #[arg(long, value_name = "VERDICTS", value_delimiter = ',', default_value = "none",
          value_parser = fail_on::verdicts())]
    pub fail_on: Vec<FailOn>,
    /// Print the summary as JSON
    #[arg(long)]
    pub json: bool,
}

/// Which tasks of a journal to show.
#[derive(Debug, Args)]
pub struct FilterArgs {
    /// Show only tasks with these verdicts, or not-passing; the report is then never READY
    #[arg(long, value_name = "VERDICTS", value_delimiter = ',', value_parser = fail_on::shown())]
    pub only: Vec<FailOn>,
    /// Show only tasks whose label matches, as in wave=3 or owner=db-*; the report is then never READY
    /// (repeatable)
    #[arg(long = "where", value_name = "LABEL=GLOB", value_parser = label_filter)]
    pub labels: Vec<LabelFilter>,
}

/// `merge`.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// Journals, which X.jsonl among the outputs joins in one
    #[arg(required = true, value_name = "JOURNAL")]
    pub journals: Vec<PathBuf>,
    /// What to write
    #[command(flatten)]
    pub report: ReportArgs,
}

/// `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Manifests, which are called X.manifest.json
    #[arg(required = true, value_name = "MANIFEST")]
    pub manifests: Vec<PathBuf>,
}

/// `diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// The journal of the earlier run
    pub old: PathBuf,
    /// The journal of the later run
    pub new: PathBuf,
    /// Output, by suffix: X.xlsx, X.csv, X.json, X.md, or - for stdout with --format; {date} and {time}
    /// are filled in (repeatable) [default: a table on stdout]
    #[arg(short, long = "output", value_name = "OUT")]
    pub outputs: Vec<String>,
    /// What -o - writes to stdout: json, csv or md
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Option<StdoutFormat>,
    /// How to read both journals
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// Exit with 4 when a task has one of these changes
    #[arg(long, value_name = "CHANGES", value_delimiter = ',', value_parser = fail_on::changes())]
    pub fail_on: Vec<Change>,
    /// Leave texts in CSV as they are, even those that a spreadsheet would run as a formula
    #[arg(long)]
    pub csv_raw: bool,
    /// Print what changed as JSON instead of the paths written
    #[arg(long)]
    pub json: bool,
}

/// `tasks`.
#[derive(Debug, Args)]
pub struct TasksArgs {
    /// Which tasks
    #[command(flatten)]
    pub search: SearchArgs,
    /// Those alone whose source server has results
    #[arg(long, conflicts_with_all = ["state", "name"])]
    pub with_results: bool,
    /// The form of the list
    #[arg(long, value_name = "FORMAT", default_value = "csv")]
    pub format: ListFormat,
    /// How to reach the API
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// Which of the account's tasks.
#[derive(Debug, Clone, Args)]
pub struct SearchArgs {
    /// Those in this state, as in MIGRATE_SUCCESS
    #[arg(long, value_name = "STATE")]
    pub state: Option<String>,
    /// Those of this name
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

/// The form of a task list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// A line per task.
    Csv,
    /// An array of objects.
    Json,
}

/// `server-export`.
#[derive(Debug, Args)]
pub struct ServerExportArgs {
    /// Task lists: .csv, .json, .jsonl, .yaml, .xlsx, .txt, or - for standard input
    #[arg(value_name = "TASKS")]
    pub tasks: Vec<PathBuf>,
    /// A task; may be given again
    #[arg(long = "task", value_name = "ID")]
    pub task_ids: Vec<String>,
    /// Worksheet of .xlsx task lists [default: the first visible one]
    #[arg(long, value_name = "NAME")]
    pub sheet: Option<String>,
    /// The folder to save the files in; {date} and {time} are filled in, in UTC
    #[arg(short, long = "output", value_name = "DIR", value_parser = NonEmptyStringValueParser::new())]
    pub output: String,
    /// The language that the service is asked for
    #[arg(long, value_name = "LANGUAGE", default_value = "en", value_parser = language)]
    pub language: Language,
    /// How to reach the API
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// The folder that reports are to be written to
    #[arg(short, long = "output", value_name = "DIR", default_value = ".")]
    pub output: PathBuf,
    /// A task to try to read [default: the first that the account lists]
    #[arg(long, value_name = "ID")]
    pub task: Option<String>,
    /// How to reach the API
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// What to write, and how to judge.
#[derive(Debug, Args)]
pub struct ReportArgs {
    /// Output, by suffix: X.xlsx, X.csv, X.zip, X.json, X.jsonl, X.prom, X.md for the text of a ticket
    /// comment, X/ for a CSV folder, or - for stdout with --format; {date} and {time} are filled in
    /// (repeatable)
    #[arg(short, long = "output", value_name = "OUT", required_unless_present = "json")]
    pub outputs: Vec<String>,
    /// What -o - writes to stdout: json, csv or md
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub format: Option<StdoutFormat>,
    /// Label to group tasks by [default: wave, if the list has it]
    #[arg(long, value_name = "LABEL")]
    pub group_by: Option<String>,
    /// How to read the journal
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// What the workbook shows: standard, signoff, compact or a file
    #[arg(long, value_name = "NAME", default_value = "standard")]
    pub template: String,
    /// Exit with 4 when a task has one of these verdicts; not-passing stands for all that do not pass
    #[arg(long, value_name = "VERDICTS", value_delimiter = ',', default_value = "none",
          value_parser = fail_on::verdicts())]
    pub fail_on: Vec<FailOn>,
    /// Leave texts in CSV as they are, even those that a spreadsheet would run as a formula
    #[arg(long)]
    pub csv_raw: bool,
    /// The task sheets that X.xlsx holds at most, up to 10000; if there are more, all of them go to
    /// X.part-001.xlsx and so on, at most as many to each
    #[arg(long, value_name = "N", default_value = "500", value_parser = sheets)]
    pub max_sheets: NonZeroUsize,
    /// The largest file to write, as in 10MB: workbooks, archives and CSV files are divided into
    /// X.part-001.xlsx and so on
    #[arg(long, value_name = "SIZE", value_parser = size)]
    pub max_bytes: Option<u64>,
    /// The markup of X.md: markdown, jira or plain
    #[arg(long, value_name = "FORMAT", default_value = "markdown", value_parser = markup)]
    pub ticket_format: Markup,
    /// Print the summary as JSON instead of the paths written
    #[arg(long)]
    pub json: bool,
}

/// The output that `-o -` writes to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum StdoutFormat {
    /// The summary for machines.
    Json,
    /// Every row of every task.
    Csv,
    /// The text for a ticket comment.
    Md,
}

/// How to read a journal: what to show, and how to judge.
#[derive(Debug, Args)]
pub struct ReadingArgs {
    /// The zone of all times, as an IANA name
    #[arg(long, value_name = "ZONE", default_value = "UTC", value_parser = zone)]
    pub timezone: Zone,
    /// The language of workbooks and texts for people: en or zh
    #[arg(long, value_name = "LANGUAGE", default_value = "en", value_parser = language)]
    pub language: Language,
    /// The age from which a verification is stale, or `off`
    #[arg(long, value_name = "TIME", default_value_t = values::Age(Some(Policy::DEFAULT_MAX_AGE)), value_parser = age)]
    pub max_age: values::Age,
    /// A TOML file of waivers: differences that are accepted, and why
    #[arg(long, value_name = "FILE")]
    pub waivers: Option<PathBuf>,
    /// A verification that finished before this is stale: 2026-11-21T08:00:00Z, 2026-11-21T08:00 (in --timezone),
    /// or 2026-11-21T08:00[Asia/Shanghai]
    #[arg(long, value_name = "TIME")]
    pub not_before: Option<String>,
}

/// How to reach the API.
#[derive(Debug, Args)]
pub struct ConnectionArgs {
    /// The address of the API, or `embedded` for a service of our own with sample data
    #[arg(long, value_name = "URL", conflicts_with = "region")]
    pub endpoint: Option<String>,
    /// The region whose API to use, instead of --endpoint: cn-north-4 for accounts of the Chinese
    /// site, ap-southeast-3 for international ones
    #[arg(long, value_name = "ID")]
    pub region: Option<String>,
    /// The project that signed requests are for
    #[arg(long, value_name = "ID")]
    pub project_id: Option<String>,
    /// The account that signed requests are for
    #[arg(long, value_name = "ID")]
    pub domain_id: Option<String>,
    /// How to authenticate [default: the first for which there are credentials]
    #[arg(long, value_name = "METHOD")]
    pub auth: Option<Auth>,
    /// Read the token from a file, or from standard input with -
    #[arg(long, value_name = "FILE")]
    pub token_file: Option<PathBuf>,
    /// Send credentials over plain http to other machines
    #[arg(long)]
    pub allow_http: bool,
    /// Requests at most, as in 10/s or 600/m; no burst
    #[arg(long, value_name = "RATE", default_value = "10/s", value_parser = rate)]
    pub rate: Rate,
    /// Requests for one task before it is given up
    #[arg(long, value_name = "N", default_value = "12")]
    pub max_attempts: NonZeroU32,
    /// The time for one request
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = time)]
    pub timeout: Duration,
    /// The time for a connection to stand
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    pub connect_timeout: Duration,
    /// The largest answer that is read
    #[arg(long, value_name = "SIZE", default_value = "64MiB", value_parser = size)]
    pub max_response: u64,
    /// Trust these PEM certificates too
    #[arg(long, value_name = "FILE")]
    pub ca_cert: Option<PathBuf>,
}

/// Which share of the tasks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShardArg {
    /// This one.
    Fixed(Shard),
    /// Of so many, the one that the environment tells.
    Auto(NonZeroU32),
}

/// A way to authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Auth {
    /// An IAM token, from `SMS_AUTH_TOKEN` or --token-file
    Token,
    /// An access key, from `HUAWEICLOUD_SDK_AK` and `_SK` or ~/.huaweicloud/credentials
    Aksk,
    /// A user of IAM, from `SMS_IAM_USER`, `_PASSWORD`, `_DOMAIN` and `_PROJECT`
    Password,
    /// The agency of the cloud server that this runs on
    Metadata,
    /// No credentials
    None,
}

/// `upload`.
#[derive(Debug, Args)]
pub struct UploadArgs {
    /// Results as .csv or .json: per task at most 30 directories
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How to reach the API
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// `serve`.
#[derive(Debug, Args)]
pub struct ServeArgs {
    /// Address to listen on; port 0 picks a free port
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0", value_parser = listen)]
    pub listen: SocketAddr,
    /// Allow --auth none on an address that other machines can reach
    #[arg(long)]
    pub allow_anonymous: bool,
    /// Task list to register instead of the sample data, in any format that export reads (repeatable)
    #[arg(long, value_name = "LIST")]
    pub tasks: Vec<PathBuf>,
    /// Worksheet of .xlsx task lists [default: the first visible one]
    #[arg(long, value_name = "NAME", requires = "tasks")]
    pub sheet: Option<String>,
    /// Keep everything in this SQLite database [default: in memory]
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// The form of all answers: result-list, legacy or result-list-strings [default: each task's own]
    #[arg(long, value_name = "SHAPE", value_parser = shape)]
    pub shape: Option<Shape>,
    /// How callers show who they are; the secrets come from the environment
    #[arg(long, value_name = "METHOD", default_value = "none")]
    pub auth: ServeAuth,
    /// How long a token from POST /v3/auth/tokens is good
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = duration)]
    pub token_life: Duration,
    /// Lock the access key for five minutes after five failures in a row, as the gateway does
    #[arg(long)]
    pub lock_out: bool,
    /// Answer 429 beyond this rate, as the gateway does
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub limit: Option<Rate>,
    /// Wait before every answer
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub latency: Duration,
    /// Faults by share, as in 429=5%,500=2%,reset=1%,slow=1%:2s,truncate=1%,garbage=1%,html=1%,type=1%,
    /// drip=1%:30s,huge=1%:128MiB,seed=7
    #[arg(long, value_name = "SPEC", default_value = "")]
    pub faults: Faults,
    /// Make so many tasks with results instead of the sample data
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub generate: usize,
    /// What batch export answers with: workbook or empty
    #[arg(long, value_name = "BODY", default_value = "workbook")]
    pub export_body: ExportBody,
}

/// How callers of the embedded service show who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ServeAuth {
    /// Not at all
    None,
    /// By a token of POST /v3/auth/tokens, for the user in `SMS_IAM_USER`, `SMS_IAM_PASSWORD`, `SMS_IAM_DOMAIN`
    /// and `SMS_IAM_PROJECT` or else for any, or by the token in `SMS_AUTH_TOKEN`
    Token,
    /// By signatures with the access key in `HUAWEICLOUD_SDK_AK` and `HUAWEICLOUD_SDK_SK`, or else with a made-up one
    Aksk,
}
