//! The arguments of each command.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, Subcommand, ValueEnum};

use super::fail_on::{FailOn, changes, verdicts};
use super::options::{
    ConnectionArgs, ContextMode, CsvArgs, DeliveryArgs, DeliveryTargetArgs, FilterArgs, RATE, ReadingArgs,
    ReportArgs, SearchArgs, StdoutFormat, TASKS, TrustArgs,
};
use super::typed_words::Typed;
use super::values::{
    KeepArg, PreviousArg, ShardArg, column, duration, keep, listen, previous, rate, shapes, shard, slots,
    time,
};
use crate::model::{Language, Rate, Shape};
use crate::report::Change;
use crate::service::{ExportBody, Faults};
use crate::tasks::ColumnChoice;

const RESUME: &str = "Resume and shards";

/// `templates`.
#[derive(Debug, Subcommand)]
pub enum TemplatesCommand {
    /// List the built-in templates
    List,
    /// Print a built-in template, as a start for your own
    Show {
        /// Name of the template
        name: String,
    },
    /// Check a template file
    Check {
        /// Template file
        file: PathBuf,
    },
}

/// `config`.
#[derive(Debug, Subcommand)]
pub enum ConfigCommand {
    /// Print a configuration file with every setting as a comment
    Init,
    /// Print the settings in force, each with where it comes from
    Show {
        /// Command whose settings to print
        #[arg(default_value = "export")]
        command: String,
    },
}

/// `export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Task lists: .csv, .json, .jsonl, .yaml, .xlsx, .txt, or - for stdin
    #[arg(value_name = "TASKS")]
    pub tasks: Vec<PathBuf>,
    /// Task to fetch (repeatable)
    #[arg(long = "task", value_name = "ID", help_heading = TASKS)]
    pub task_ids: Vec<String>,
    /// Worksheet of .xlsx task lists [default: the first visible one]
    #[arg(long, value_name = "NAME", conflicts_with = "discover", help_heading = TASKS)]
    #[arg(hide_short_help = true)]
    pub sheet: Option<String>,
    /// Heading of a field, as in source_name=Asset (repeatable)
    ///
    /// Fields: task_id, source_id, source_name, ip. Usual headings such as Server name, Hostname or IP address
    /// are recognized without it.
    #[arg(long = "column", value_name = "FIELD=HEADING", value_parser = column, conflicts_with = "discover", help_heading = TASKS)]
    pub columns: Vec<ColumnChoice>,
    /// Fetch all tasks of the account
    ///
    /// --state, --name and --with-results select some of them.
    #[arg(long, conflicts_with_all = ["tasks", "task_ids"], help_heading = TASKS)]
    pub discover: bool,
    /// With --discover, only tasks whose source server has results
    #[arg(long, conflicts_with_all = ["state", "name"], help_heading = TASKS)]
    #[arg(hide_short_help = true)]
    pub with_results: bool,
    /// Compare the task list with the account's tasks
    ///
    /// Reports have the difference: tasks that are not in the account, and tasks of the account that are not in the list.
    #[arg(long, conflicts_with = "discover", help_heading = TASKS)]
    pub reconcile: bool,
    /// Which tasks of the account, with --discover or --reconcile.
    #[command(flatten)]
    pub search: SearchArgs,
    /// Context of the tasks: auto, off or required
    ///
    /// The task listing says which directories are configured, the mode, and whether a server was synchronised after
    /// its verification. auto reads it where it can; required exits with 5 if it is refused, with 3 if a task has none.
    #[arg(long, value_name = "WHEN", default_value = "auto", hide_possible_values = true, help_heading = TASKS)]
    #[arg(hide_short_help = true)]
    pub context: ContextMode,
    /// What to write.
    #[command(flatten)]
    pub report: ReportArgs,
    /// How to reach the API.
    #[command(flatten)]
    pub connection: ConnectionArgs,
    /// Maximum concurrent requests
    #[arg(long, value_name = "N", default_value = "16", value_parser = slots, help_heading = RATE)]
    #[arg(allow_negative_numbers = true)]
    #[arg(hide_short_help = true)]
    pub concurrency: NonZeroUsize,
    /// Maximum duration of the run
    ///
    /// Tasks that are not fetched by then are fetch_failed.
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = time, help_heading = RATE)]
    pub deadline: Duration,
    /// Continue an interrupted run
    ///
    /// Tasks that have an answer in the journal are not fetched again.
    #[arg(long, conflicts_with_all = ["no_journal", "overwrite"], help_heading = RESUME)]
    pub resume: bool,
    /// Replace an unfinished journal and discard its answers
    #[arg(long, help_heading = RESUME)]
    #[arg(hide_short_help = true)]
    pub overwrite: bool,
    /// Journal file [default: beside the first output]
    #[arg(long, value_name = "FILE", conflicts_with = "no_journal", help_heading = RESUME)]
    pub journal: Option<PathBuf>,
    /// Delete the journal after the reports are written
    #[arg(long, help_heading = RESUME)]
    #[arg(hide_short_help = true)]
    pub no_journal: bool,
    /// Share I of N of the tasks, as in 2/4, or auto/N
    ///
    /// --rate is the rate of all shards together. auto/N reads JOB_COMPLETION_INDEX or SLURM_ARRAY_TASK_ID.
    #[arg(long, value_name = "I/N", value_parser = shard, help_heading = RESUME)]
    pub shard: Option<ShardArg>,
    /// Runs to keep: the newest N, or those of N days (90d) [default: all]
    ///
    /// Older dated runs are removed after the run: only files that a run's manifest names and that are unchanged. A run
    /// is checked as a whole before any of its files is removed. The path of the first output needs {date}, and the
    /// journal is beside it. The run counts as one of N.
    #[arg(long, value_name = "N|Nd", value_parser = keep, allow_negative_numbers = true)]
    #[arg(conflicts_with_all = ["journal", "no_journal"])]
    #[arg(help_heading = "Outputs")]
    pub keep: Option<KeepArg>,
    /// List the files that --keep would remove; fetch and change nothing
    #[arg(long, conflicts_with_all = ["json", "format"], help_heading = "Outputs", hide_short_help = true)]
    pub dry_run: bool,
}

/// `render`.
#[derive(Debug, Args)]
pub struct RenderArgs {
    /// Journal of a run
    pub journal: PathBuf,
    /// What to write.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Which tasks to show.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Which certificates to trust.
    #[command(flatten)]
    pub trust: TrustArgs,
}

/// `show`.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// Journal of a run
    pub journal: PathBuf,
    /// Maximum tasks that do not pass to list [default: all]
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = "Outputs")]
    pub limit: Option<usize>,
    /// Print the summary as JSON
    #[arg(long, help_heading = "Outputs")]
    pub json: bool,
    /// How to read the journal.
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// Label to group tasks by [default: wave, if the list has it]
    #[arg(long, value_name = "LABEL", help_heading = "Report")]
    pub group_by: Option<String>,
    /// Which tasks to show.
    #[command(flatten)]
    pub filter: FilterArgs,
    /// Compare with the last run [default: the newest earlier one]
    #[arg(long, value_name = "JOURNAL", num_args = 0..=1, default_missing_value = "", help_heading = "Report")]
    #[arg(value_parser = previous)]
    pub previous: Option<PreviousArg>,
    /// Verdicts that exit with 4, or not-passing
    #[arg(
        long,
        value_name = "VERDICTS",
        value_delimiter = ',',
        default_value = "none",
        help_heading = "Report"
    )]
    #[arg(hide_possible_values = true, value_parser = verdicts())]
    pub fail_on: Vec<FailOn>,
}

/// `merge`.
#[derive(Debug, Args)]
pub struct MergeArgs {
    /// Journals to join; -o X.jsonl writes the joined journal
    #[arg(required = true, value_name = "JOURNAL")]
    pub journals: Vec<PathBuf>,
    /// What to write.
    #[command(flatten)]
    pub report: ReportArgs,
    /// Which certificates to trust.
    #[command(flatten)]
    pub trust: TrustArgs,
}

/// `deliver`.
#[derive(Debug, Args)]
pub struct DeliverArgs {
    /// Evidence manifest, X.manifest.json
    pub manifest: PathBuf,
    /// Where to deliver.
    #[command(flatten)]
    pub delivery: DeliveryArgs,
    /// Show what would be done, and change nothing
    #[arg(long, help_heading = "Delivery")]
    pub dry_run: bool,
    /// Which certificates to trust.
    #[command(flatten)]
    pub trust: TrustArgs,
}

/// `verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Evidence manifests, X.manifest.json
    #[arg(required = true, value_name = "MANIFEST")]
    pub manifests: Vec<PathBuf>,
    /// File of allowed signers, as for ssh-keygen: check each manifest's signature too
    #[arg(long, value_name = "FILE", help_heading = "Signature")]
    pub allowed_signers: Option<PathBuf>,
    /// File of revoked public keys, one a line, as for ssh-keygen -r (no KRL)
    #[arg(long, value_name = "FILE", requires = "allowed_signers", help_heading = "Signature")]
    pub revoked_keys: Option<PathBuf>,
    /// Principal that must have signed [default: any in the file]
    #[arg(long, value_name = "WHO", requires = "allowed_signers", help_heading = "Signature")]
    pub signer: Option<String>,
}

/// `diff`.
#[derive(Debug, Args)]
pub struct DiffArgs {
    /// Journal of the earlier run; with --previous, of the later run
    pub old: PathBuf,
    /// Journal of the later run
    #[arg(required_unless_present = "previous", conflicts_with = "previous")]
    pub new: Option<PathBuf>,
    /// Compare with the newest finished journal of the same report before it
    ///
    /// It is searched in the journal's folder and the dated folders beside it.
    #[arg(long)]
    pub previous: bool,
    /// Output file: X.xlsx, X.csv, X.json or X.md (repeatable) [default: a table on stdout]
    ///
    /// - is stdout, with --format. {date} and {time} are replaced by the start of the later run.
    #[arg(short, long = "output", value_name = "OUT", help_heading = "Outputs")]
    pub outputs: Vec<String>,
    /// Format of -o -: json, csv or md
    #[arg(long, value_name = "FORMAT", help_heading = "Outputs", hide_possible_values = true)]
    pub format: Option<StdoutFormat>,
    /// Print the changes as JSON instead of the paths written
    #[arg(long, help_heading = "Outputs")]
    pub json: bool,
    /// How to write CSV.
    #[command(flatten)]
    pub csv: CsvArgs,
    /// How to read both journals.
    #[command(flatten)]
    pub reading: ReadingArgs,
    /// Exit with 4 if a task has one of these changes: worse, gone, new, better, fixed, same
    #[arg(long, value_name = "CHANGES", value_delimiter = ',', help_heading = "Report")]
    #[arg(hide_possible_values = true, value_parser = changes())]
    pub fail_on: Vec<Change>,
    /// Where to deliver the outputs.
    #[command(flatten)]
    pub delivery: DeliveryArgs,
    /// For the ticket system and the mail server.
    #[command(flatten)]
    pub trust: TrustArgs,
    /// The command line as it was typed.
    #[arg(skip)]
    pub typed: Typed,
}

/// `history`.
#[derive(Debug, Args)]
pub struct HistoryArgs {
    /// Journals, folders with journals, or s3:// prefixes
    ///
    /// A night is the time from noon to noon in --timezone. The journals of runs that ended in one night are merged.
    #[arg(required = true, value_name = "JOURNAL|DIR")]
    pub journals: Vec<PathBuf>,
    /// Output file: X.xlsx, X.html, X.csv, X.json or X.md (repeatable) [default: a table on stdout]
    ///
    /// - is stdout, with --format. {date} and {time} are replaced by the start of the last night's run.
    #[arg(short, long = "output", value_name = "OUT", help_heading = "Outputs")]
    pub outputs: Vec<String>,
    /// Format of -o -: json, csv or md
    #[arg(long, value_name = "FORMAT", help_heading = "Outputs", hide_possible_values = true)]
    pub format: Option<StdoutFormat>,
    /// Print the history as JSON instead of the paths written
    #[arg(long, help_heading = "Outputs")]
    pub json: bool,
    /// How to write CSV.
    #[command(flatten)]
    pub csv: CsvArgs,
    /// Maximum tasks in the table on stdout [default: all]
    #[arg(long, value_name = "N", allow_negative_numbers = true, help_heading = "Outputs")]
    pub limit: Option<usize>,
    /// How to read the journals.
    #[command(flatten)]
    pub reading: ReadingArgs,
}

/// `tasks`.
#[derive(Debug, Args)]
pub struct TasksArgs {
    /// Which tasks.
    #[command(flatten)]
    pub search: SearchArgs,
    /// Only tasks that have results
    #[arg(long, conflicts_with_all = ["state", "name"], help_heading = TASKS)]
    pub with_results: bool,
    /// Print this plan with its task ids filled in; - for stdin
    ///
    /// Every other column is printed as it is, in its order.
    #[arg(long = "match", value_name = "PLAN", conflicts_with_all = ["state", "name", "with_results"])]
    #[arg(help_heading = TASKS)]
    pub plan: Option<PathBuf>,
    /// Worksheet of an .xlsx plan [default: the first visible one]
    #[arg(long, value_name = "NAME", requires = "plan", help_heading = TASKS)]
    pub sheet: Option<String>,
    /// Heading of a field, as in source_name=Asset (repeatable)
    ///
    /// Fields: task_id, source_id, source_name, ip. Usual headings such as Server name, Hostname or IP address
    /// are recognized without it.
    #[arg(long = "column", value_name = "FIELD=HEADING", value_parser = column, requires = "plan")]
    #[arg(help_heading = TASKS)]
    pub columns: Vec<ColumnChoice>,
    /// File for the plan of --match: X.csv or X.xlsx [default: stdout]
    #[arg(short, long, value_name = "FILE", requires = "plan", help_heading = "Outputs")]
    pub output: Option<PathBuf>,
    /// Format of the list: csv or json
    #[arg(long, value_name = "FORMAT", default_value = "csv", help_heading = "Outputs")]
    #[arg(hide_possible_values = true)]
    pub format: ListFormat,
    /// How to reach the API.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// The format of a task list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// One line per task
    Csv,
    /// Array of objects
    Json,
}

/// `upload`.
#[derive(Debug, Args)]
pub struct UploadArgs {
    /// Results as .csv or .json, at most 30 directories per task
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// How to reach the API.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// `server-export`.
#[derive(Debug, Args)]
pub struct ServerExportArgs {
    /// Task lists: .csv, .json, .jsonl, .yaml, .xlsx, .txt, or - for stdin
    #[arg(value_name = "TASKS")]
    pub tasks: Vec<PathBuf>,
    /// Task to export (repeatable)
    #[arg(long = "task", value_name = "ID", help_heading = TASKS)]
    pub task_ids: Vec<String>,
    /// Worksheet of .xlsx task lists [default: the first visible one]
    #[arg(long, value_name = "NAME", help_heading = TASKS)]
    pub sheet: Option<String>,
    /// Heading of a field, as in source_name=Asset (repeatable)
    ///
    /// Fields: task_id, source_id, source_name, ip. Usual headings such as Server name, Hostname or IP address
    /// are recognized without it.
    #[arg(long = "column", value_name = "FIELD=HEADING", value_parser = column, help_heading = TASKS)]
    pub columns: Vec<ColumnChoice>,
    /// Folder to save the files in; {date} and {time} are replaced by the start, in UTC
    #[arg(short, long = "output", value_name = "DIR", value_parser = NonEmptyStringValueParser::new())]
    #[arg(help_heading = "Outputs")]
    pub output: String,
    /// The language of the service's export, of the global option.
    #[arg(skip)]
    pub language: Language,
    /// How to reach the API.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// `doctor`.
#[derive(Debug, Args)]
pub struct DoctorArgs {
    /// Folder or s3:// URL that reports will be written to
    #[arg(short, long = "output", value_name = "DIR", default_value = ".", help_heading = "Checks")]
    pub output: PathBuf,
    /// Task to read as a test [default: the first one listed]
    #[arg(long, value_name = "ID", help_heading = "Checks")]
    pub task: Option<String>,
    /// Delivery targets to check, without changing anything.
    #[command(flatten)]
    pub delivery: DeliveryTargetArgs,
    /// How to reach the API.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// `serve`.
#[derive(Debug, Args)]
#[command(next_help_heading = "Service")]
pub struct ServeArgs {
    /// Address to listen on, as in 127.0.0.1:8080; port 0 picks a free port
    #[arg(long, value_name = "HOST:PORT", default_value = "127.0.0.1:0", value_parser = listen)]
    pub listen: SocketAddr,
    /// Allow --auth none on an address that other machines can reach
    #[arg(long)]
    pub allow_anonymous: bool,
    /// Task list to register instead of the sample data (repeatable)
    #[arg(long, value_name = "LIST")]
    pub tasks: Vec<PathBuf>,
    /// Worksheet of .xlsx task lists [default: the first visible one]
    #[arg(long, value_name = "NAME", requires = "tasks")]
    pub sheet: Option<String>,
    /// Heading of a field, as in source_name=Asset (repeatable)
    ///
    /// Fields: task_id, source_id, source_name, ip. Usual headings such as Server name, Hostname or IP address
    /// are recognized without it.
    #[arg(long = "column", value_name = "FIELD=HEADING", value_parser = column, requires = "tasks")]
    pub columns: Vec<ColumnChoice>,
    /// SQLite database file [default: in memory]
    #[arg(long, value_name = "FILE")]
    pub data: Option<PathBuf>,
    /// Generate this many tasks with results instead of the sample data
    #[arg(long, value_name = "N", default_value_t = 0, hide_default_value = true)]
    pub generate: usize,
    /// Response shape: result-list, legacy or result-list-strings [default: each task's own]
    #[arg(long, value_name = "SHAPE", hide_possible_values = true, value_parser = shapes())]
    pub shape: Option<Shape>,
    /// Response to the batch export: workbook or empty
    #[arg(long, value_name = "BODY", default_value = "workbook")]
    pub export_body: ExportBody,
    /// Authentication of callers: none, token or aksk; secrets come from the environment
    #[arg(long, value_name = "METHOD", default_value = "none", hide_possible_values = true)]
    pub auth: ServeAuth,
    /// Lifetime of tokens from POST /v3/auth/tokens
    #[arg(long, value_name = "TIME", default_value = "24h", value_parser = duration)]
    pub token_life: Duration,
    /// Lock the access key for five minutes after five failed requests in a row
    #[arg(long)]
    pub lock_out: bool,
    /// Answer 429 above this rate [default: no limit]
    #[arg(long, value_name = "RATE", value_parser = rate)]
    pub limit: Option<Rate>,
    /// Delay before every response
    #[arg(long, value_name = "TIME", default_value = "0s", value_parser = duration)]
    pub latency: Duration,
    /// Percentage of faulty responses by kind, as in 429=5%,slow=1%:2s,seed=7 [default: none]
    ///
    /// Kinds: 429, any 4xx or 5xx, reset, slow:TIME, truncate, garbage, html, type, drip:TIME, huge:SIZE.
    #[arg(long, value_name = "SPEC", default_value = "", hide_default_value = true)]
    pub faults: Faults,
}

/// How callers of the embedded service authenticate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ServeAuth {
    /// Not at all
    None,
    /// Token of POST /v3/auth/tokens, for the user in `SMS_IAM_USER`, `_PASSWORD`, `_DOMAIN` and `_PROJECT` or
    /// any user, or the token in `SMS_AUTH_TOKEN`
    Token,
    /// Signature with the access key in `HUAWEICLOUD_SDK_AK` and `_SK`, or a generated one
    Aksk,
}
