//! Finding tasks: what the account has, by task and by source server.
//!
//! All tasks of this service have been migrated, so their state and that of their servers is fixed.

use rusqlite::{Connection, Row, ToSql, named_params};
use serde::Deserialize;
use serde_json::{Value, json};

/// The most entries on a page, and how many a page has when nothing is asked for.
const MAX_LIMIT: u32 = 200;
/// The largest offset of a page.
const MAX_OFFSET: u32 = 65_535;
const TASK_STATE: &str = "MIGRATE_SUCCESS";
const SERVER_STATE: &str = "finished";

/// The query of a listing call; parameters that it does not know are passed over.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Filter {
    #[serde(default)]
    limit: u32,
    #[serde(default)]
    offset: u32,
    id: Option<String>,
    name: Option<String>,
    state: Option<String>,
    ip: Option<String>,
    source_server_id: Option<String>,
    is_consistency_result_exist: Option<bool>,
}

/// A parameter out of its range.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct OutOfRange(String);

impl Filter {
    /// Checks the ranges.
    pub(super) fn checked(self) -> Result<Self, OutOfRange> {
        if self.limit > MAX_LIMIT {
            return Err(OutOfRange(format!("limit must be 0 to {MAX_LIMIT}")));
        }
        if self.offset > MAX_OFFSET {
            return Err(OutOfRange(format!("offset must be 0 to {MAX_OFFSET}")));
        }
        Ok(self)
    }

    fn limit(&self) -> u32 {
        if self.limit == 0 { MAX_LIMIT } else { self.limit }
    }
}

/// A task and its source server.
struct Listed {
    task_id: String,
    source_id: String,
    source_name: String,
    has_results: bool,
}

/// The body of `GET /v3/tasks`.
pub(super) fn tasks(connection: &Connection, filter: &Filter) -> rusqlite::Result<Value> {
    let (count, listed) =
        page(connection, filter, "task_id", filter.source_server_id.as_deref(), TASK_STATE)?;
    Ok(json!({ "count": count, "tasks": listed.iter().map(Listed::task).collect::<Vec<_>>() }))
}

/// The body of `GET /v3/tasks/{task_id}`; none when the task is not known.
pub(super) fn task(connection: &Connection, task_id: &str) -> rusqlite::Result<Option<Value>> {
    let filter = Filter { id: Some(task_id.to_owned()), ..Filter::default() };
    let (_, listed) = page(connection, &filter, "task_id", None, TASK_STATE)?;
    Ok(listed.first().map(Listed::task))
}

/// The body of `GET /v3/sources`.
pub(super) fn sources(connection: &Connection, filter: &Filter) -> rusqlite::Result<Value> {
    let (count, listed) = page(connection, filter, "coalesce(source_id, task_id)", None, SERVER_STATE)?;
    Ok(json!({ "count": count, "source_servers": listed.iter().map(Listed::source).collect::<Vec<_>>() }))
}

/// How many entries match, and those on the page, in the order in which they were added.
fn page(
    connection: &Connection,
    filter: &Filter,
    id: &str,
    source_id: Option<&str>,
    state: &str,
) -> rusqlite::Result<(u32, Vec<Listed>)> {
    const HAS_RESULTS: &str = "EXISTS (SELECT 1 FROM verification WHERE verification.task = task.id)";
    // A server of this service has no address, so a filter by one matches nothing.
    let none = filter.ip.is_some() || filter.state.as_deref().is_some_and(|wanted| wanted != state);
    let matching = format!(
        "FROM task WHERE NOT :none
         AND (:id IS NULL OR {id} = :id)
         AND (:name IS NULL OR instr(source_name, :name) > 0)
         AND (:source_id IS NULL OR source_id = :source_id)
         AND (:has_results IS NULL OR {HAS_RESULTS} = :has_results)"
    );
    let filters: [(&str, &dyn ToSql); 5] = [
        (":none", &none),
        (":id", &filter.id),
        (":name", &filter.name),
        (":source_id", &source_id),
        (":has_results", &filter.is_consistency_result_exist),
    ];
    let count = connection
        .prepare_cached(&format!("SELECT count(*) {matching}"))?
        .query_row(filters.as_slice(), |row| row.get(0))?;
    let (limit, offset) = (filter.limit(), filter.offset);
    let paging: &[(&str, &dyn ToSql)] = named_params! { ":limit": limit, ":offset": offset };
    let listed = connection
        .prepare_cached(&format!(
            "SELECT task_id, coalesce(source_id, task_id), coalesce(source_name, task_id), {HAS_RESULTS}
             {matching} ORDER BY id LIMIT :limit OFFSET :offset"
        ))?
        .query_map([&filters[..], paging].concat().as_slice(), Listed::of_row)?
        .collect::<rusqlite::Result<_>>()?;
    Ok((count, listed))
}

impl Listed {
    fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            task_id: row.get(0)?,
            source_id: row.get(1)?,
            source_name: row.get(2)?,
            has_results: row.get(3)?,
        })
    }

    fn task(&self) -> Value {
        json!({
            "id": self.task_id,
            "name": format!("migrate {}", self.source_name),
            "type": "MIGRATE_FILE",
            "state": TASK_STATE,
            "priority": 1,
            "source_server": { "id": self.source_id, "name": self.source_name, "os_type": "LINUX" },
        })
    }

    fn source(&self) -> Value {
        json!({
            "id": self.source_id,
            "name": self.source_name,
            "os_type": "LINUX",
            "state": SERVER_STATE,
            "connected": true,
            "is_consistency_result_exist": self.has_results,
            "current_task": {
                "id": self.task_id,
                "name": format!("migrate {}", self.source_name),
                "type": "MIGRATE_FILE",
                "state": TASK_STATE,
            },
        })
    }
}
