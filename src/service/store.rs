//! Tasks and verifications in SQLite, in memory or in a file.
//!
//! A verification's directories are stored as the JSON text of responses, which are assembled without parsing it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Row, Transaction, TransactionBehavior, params,
};
use serde_json::Value;

use super::context;
use super::listing::{self, Filter};
use super::validate::{Directory, TaskKey};
use super::worker::{Closed, Worker};
use crate::model::{Shape, Task};

/// The version of the schema; a file with another one is refused, never changed.
const VERSION: i64 = 1;
/// Identifies a data file of this service: `SMSe` in ASCII.
const APPLICATION_ID: i64 = 0x534D_5365;
/// Maximum number of verifications in a response.
const VERIFICATIONS: u32 = 65_535;

const SCHEMA: &str = "
    CREATE TABLE task (
        id INTEGER PRIMARY KEY,
        task_id TEXT NOT NULL UNIQUE,
        source_id TEXT,
        source_name TEXT,
        shape TEXT
    ) STRICT;
    CREATE INDEX task_by_source_id ON task (source_id);
    CREATE INDEX task_by_source_name ON task (source_name);
    CREATE TABLE verification (
        id INTEGER PRIMARY KEY,
        task INTEGER NOT NULL REFERENCES task (id),
        finished_time INTEGER NOT NULL,
        check_result TEXT NOT NULL,
        directories TEXT NOT NULL
    ) STRICT;
    CREATE INDEX verification_by_task ON verification (task, finished_time);
";

/// Why the data cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The file cannot be opened or written.
    #[error("cannot use the service's data file {}: {source}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// SQLite's error.
        source: rusqlite::Error,
    },
    /// The file is not a database.
    #[error("{} is not a SQLite database; use a new file, or one that this service created", path.display())]
    NotADatabase {
        /// The file.
        path: PathBuf,
    },
    /// The file is the database of another program.
    #[error("{} is the database of another program; use a new file, or one that this service created", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
    },
    /// The file has another schema version.
    #[error("{} has schema version {found}, but this program reads version {VERSION}; use a new file", path.display())]
    OtherVersion {
        /// The file.
        path: PathBuf,
        /// The file's version.
        found: i64,
    },
    /// The thread for the database cannot be started.
    #[error("the service's data: {0}")]
    Thread(#[source] std::io::Error),
    /// A query failed.
    #[error("cannot read or write the service's data: {0}")]
    Query(#[from] rusqlite::Error),
    /// The service is stopping.
    #[error("the service's data is closed")]
    Closed,
}

impl From<Closed> for StoreError {
    fn from(Closed: Closed) -> Self {
        Self::Closed
    }
}

/// A task to add.
pub(super) struct NewTask<'a> {
    pub(super) task_id: &'a str,
    pub(super) source_id: Option<&'a str>,
    pub(super) source_name: Option<&'a str>,
    /// The shape of this task's responses, unless the service has one for all.
    pub(super) shape: Option<Shape>,
}

/// The fields of a verification that the service sets.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stamp<'a> {
    /// Milliseconds since 1970.
    pub(super) finished_time: i64,
    pub(super) check_result: &'a str,
}

/// A stored verification.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct StoredVerification {
    pub(super) finished_time: i64,
    pub(super) check_result: String,
    /// A JSON array of directories.
    pub(super) directories: String,
}

/// A task's response shape and its verifications, newest first.
pub(super) struct Results {
    pub(super) shape: Shape,
    pub(super) verifications: Vec<StoredVerification>,
}

/// A task of a batch with its newest verification.
pub(super) struct Exported {
    pub(super) task_id: String,
    pub(super) source_name: Option<String>,
    pub(super) newest: Option<StoredVerification>,
}

/// The data of a running service.
pub(super) struct Store {
    /// Commits of a file wait for the disk; readers of a file do not wait for them.
    writer: Worker,
    reader: Worker,
}

impl Store {
    /// Opens `data`, or memory. `fill` adds tasks to a database that has none; `tasks` are registered in any.
    pub(super) fn open(
        data: Option<&Path>,
        fill: impl FnOnce(&Connection) -> rusqlite::Result<()>,
        tasks: &[Task],
    ) -> Result<Self, StoreError> {
        let Some(path) = data else {
            let mut connection = Connection::open_in_memory()?;
            prepare(&mut connection, fill, tasks)?;
            let worker = Worker::start(connection).map_err(StoreError::Thread)?;
            return Ok(Self { writer: worker.clone(), reader: worker });
        };
        let named = |source: rusqlite::Error| match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => StoreError::NotADatabase { path: path.to_owned() },
            _ => StoreError::Open { path: path.to_owned(), source },
        };
        let mut connection = Connection::open(path).map_err(named)?;
        connection.busy_timeout(Duration::from_secs(5)).map_err(named)?;
        check(&connection, path, named)?;
        // With FULL a commit is on disk when it returns, so acknowledged uploads survive a power failure.
        connection.pragma_update(None, "journal_mode", "WAL").map_err(named)?;
        connection.pragma_update(None, "synchronous", "FULL").map_err(named)?;
        prepare(&mut connection, fill, tasks).map_err(named)?;
        let reader = Connection::open_with_flags(
            path,
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
        )
        .map_err(named)?;
        reader.busy_timeout(Duration::from_secs(5)).map_err(named)?;
        Ok(Self {
            writer: Worker::start(connection).map_err(StoreError::Thread)?,
            reader: Worker::start(reader).map_err(StoreError::Thread)?,
        })
    }

    /// Closes the file. The writer closes last and checkpoints its log.
    pub(super) async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }

    /// Records an upload durably; false for an unknown task. An upload without results records nothing.
    pub(super) async fn upload(
        &self,
        task_id: String,
        directories: Option<Vec<Directory>>,
        finished_time: i64,
    ) -> Result<bool, StoreError> {
        let job = move |connection: &mut Connection| {
            let Some(directories) = directories else { return is_known(connection, &task_id) };
            let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
            let stamp = Stamp { finished_time, check_result: "success" };
            let known = record_upload(&transaction, &task_id, &directories, stamp)?;
            transaction.commit()?;
            Ok(known)
        };
        Ok(self.writer.run(job).await??)
    }

    /// The verifications of a task, in `shape` or else the task's own; none for an unknown task.
    pub(super) async fn results(
        &self,
        task_id: String,
        shape: Option<Shape>,
    ) -> Result<Option<Results>, StoreError> {
        let job = move |connection: &mut Connection| -> rusqlite::Result<Option<Results>> {
            let found = connection
                .prepare_cached("SELECT id, shape FROM task WHERE task_id = ?1")?
                .query_row(params![task_id], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?))
                })
                .optional()?;
            let Some((task, own)) = found else { return Ok(None) };
            let shape = shape.or_else(|| own.as_deref().and_then(shape_of)).unwrap_or(Shape::ResultList);
            let most = if shape == Shape::Legacy { 1 } else { VERIFICATIONS };
            Ok(Some(Results { shape, verifications: newest(connection, task, most)? }))
        };
        Ok(self.reader.run(job).await??)
    }

    /// A page of tasks.
    pub(super) async fn tasks(&self, filter: Filter) -> Result<Value, StoreError> {
        Ok(self.reader.run(move |connection| listing::tasks(connection, &filter)).await??)
    }

    /// A page of source servers.
    pub(super) async fn sources(&self, filter: Filter) -> Result<Value, StoreError> {
        Ok(self.reader.run(move |connection| listing::sources(connection, &filter)).await??)
    }

    /// One task; none if it is unknown.
    pub(super) async fn task(&self, task_id: String) -> Result<Option<Value>, StoreError> {
        Ok(self.reader.run(move |connection| listing::task(connection, &task_id)).await??)
    }

    /// A task's special configurations, or that of `key`; none if the task is unknown.
    pub(super) async fn settings(
        &self,
        task_id: String,
        key: Option<String>,
    ) -> Result<Option<Value>, StoreError> {
        let job = move |connection: &mut Connection| context::settings(connection, &task_id, key.as_deref());
        Ok(self.reader.run(job).await??)
    }

    /// Records special configurations durably; false for an unknown task.
    pub(super) async fn configure(&self, task_id: String, settings: Vec<Value>) -> Result<bool, StoreError> {
        let job = move |connection: &mut Connection| {
            let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
            let known = context::upload(&transaction, &task_id, &settings)?;
            transaction.commit()?;
            Ok::<_, rusqlite::Error>(known)
        };
        Ok(self.writer.run(job).await??)
    }

    /// The tasks of a batch, or the index of the first item without a known task.
    pub(super) async fn batch(&self, keys: Vec<TaskKey>) -> Result<Result<Vec<Exported>, usize>, StoreError> {
        let job = move |connection: &mut Connection| -> rusqlite::Result<Result<Vec<Exported>, usize>> {
            let mut tasks = Vec::with_capacity(keys.len());
            for (index, key) in keys.iter().enumerate() {
                match exported(connection, key)? {
                    Some(task) => tasks.push(task),
                    None => return Ok(Err(index)),
                }
            }
            Ok(Ok(tasks))
        };
        Ok(self.reader.run(job).await??)
    }
}

/// Refuses a file of another program before changing it.
fn check(
    connection: &Connection,
    path: &Path,
    named: impl Fn(rusqlite::Error) -> StoreError,
) -> Result<(), StoreError> {
    let number = |name: &str| connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0));
    let version = number("user_version").map_err(&named)?;
    if is_empty(connection).map_err(&named)? && version == 0 {
        Ok(())
    } else if number("application_id").map_err(&named)? != APPLICATION_ID {
        Err(StoreError::Foreign { path: path.to_owned() })
    } else if version != VERSION {
        Err(StoreError::OtherVersion { path: path.to_owned(), found: version })
    } else {
        Ok(())
    }
}

/// Creates the tables and adds the tasks in one transaction, so a killed service leaves no partial data.
fn prepare(
    connection: &mut Connection,
    fill: impl FnOnce(&Connection) -> rusqlite::Result<()>,
    tasks: &[Task],
) -> rusqlite::Result<()> {
    connection.set_prepared_statement_cache_capacity(32);
    let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
    if is_empty(&transaction)? {
        transaction.execute_batch(SCHEMA)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", VERSION)?;
    }
    transaction.execute_batch(context::SCHEMA)?;
    let has_tasks: bool =
        transaction.query_row("SELECT EXISTS (SELECT 1 FROM task)", [], |row| row.get(0))?;
    if !has_tasks {
        fill(&transaction)?;
    }
    tasks.iter().try_for_each(|task| register(&transaction, task))?;
    transaction.commit()
}

fn is_empty(connection: &Connection) -> rusqlite::Result<bool> {
    connection.query_row("SELECT NOT EXISTS (SELECT 1 FROM sqlite_schema)", [], |row| row.get(0))
}

/// Adds a task of a list. An existing task keeps its verifications, and fields that the list leaves empty.
fn register(connection: &Connection, task: &Task) -> rusqlite::Result<()> {
    let Some(task_id) = &task.task_id else { return Ok(()) };
    connection
        .prepare_cached(
            "INSERT INTO task (task_id, source_id, source_name) VALUES (?1, ?2, ?3)
             ON CONFLICT (task_id) DO UPDATE SET source_id = coalesce(excluded.source_id, source_id),
                                                 source_name = coalesce(excluded.source_name, source_name)",
        )?
        .execute(params![task_id.as_str(), task.source_id, task.source_name])?;
    context::register(connection, task_id.as_str(), task)
}

/// Adds a task.
pub(super) fn add_task(connection: &Connection, task: &NewTask<'_>) -> rusqlite::Result<()> {
    connection
        .prepare_cached("INSERT INTO task (task_id, source_id, source_name, shape) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![task.task_id, task.source_id, task.source_name, task.shape.map(Shape::key)])?;
    Ok(())
}

/// Adds a verification to a task; false for an unknown task.
pub(super) fn record_upload(
    connection: &Connection,
    task_id: &str,
    directories: &[Directory],
    stamp: Stamp<'_>,
) -> rusqlite::Result<bool> {
    let directories = serde_json::to_string(directories)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    let added = connection
        .prepare_cached(
            "INSERT INTO verification (task, finished_time, check_result, directories)
             SELECT id, ?2, ?3, ?4 FROM task WHERE task_id = ?1",
        )?
        .execute(params![task_id, stamp.finished_time, stamp.check_result, directories])?;
    Ok(added == 1)
}

fn is_known(connection: &Connection, task_id: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM task WHERE task_id = ?1)")?
        .query_row(params![task_id], |row| row.get(0))
}

fn newest(connection: &Connection, task: i64, most: u32) -> rusqlite::Result<Vec<StoredVerification>> {
    connection
        .prepare_cached(
            "SELECT finished_time, check_result, directories FROM verification
             WHERE task = ?1 ORDER BY finished_time DESC, id DESC LIMIT ?2",
        )?
        .query_map(params![task, most], |row| {
            Ok(StoredVerification {
                finished_time: row.get(0)?,
                check_result: row.get(1)?,
                directories: row.get(2)?,
            })
        })?
        .collect()
}

fn exported(connection: &Connection, key: &TaskKey) -> rusqlite::Result<Option<Exported>> {
    let (by, value) = match key {
        TaskKey::TaskId(id) => ("task_id = ?1", id),
        TaskKey::SourceId(id) => ("source_id = ?1", id),
        TaskKey::SourceName(name) => ("source_name = ?1", name),
        TaskKey::Nothing => return Ok(None),
    };
    let columns = |row: &Row<'_>| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, String>(1)?, row.get::<_, Option<String>>(2)?))
    };
    // A source server may have several tasks: use the one added last.
    let found = connection
        .prepare_cached(&format!(
            "SELECT id, task_id, source_name FROM task WHERE {by} ORDER BY id DESC LIMIT 1"
        ))?
        .query_row(params![value], columns)
        .optional()?;
    let Some((task, task_id, source_name)) = found else { return Ok(None) };
    let newest = newest(connection, task, 1)?.pop();
    Ok(Some(Exported { task_id, source_name, newest }))
}

fn shape_of(key: &str) -> Option<Shape> {
    [Shape::Legacy, Shape::ResultList, Shape::ResultListStrings].into_iter().find(|shape| shape.key() == key)
}
