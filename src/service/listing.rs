//! Listings of tasks and source servers, with the fields of the official SDK's models.
//!
//! All tasks of this service have been migrated, unless their context says otherwise. Unknown fields are derived from a task's
//! number: addresses, times before every verification, subtasks. Source of the fields: huaweicloudsdksms 3.1.219,
//! `TasksResponseBody`, `ShowTaskResponse`, `SourceServersResponseBody` and the models they use.

use std::net::Ipv4Addr;

use rusqlite::{Connection, Row, ToSql, named_params};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::context;

/// Maximum and default number of entries on a page.
const MAX_LIMIT: u32 = 200;
/// The largest offset of a page.
const MAX_OFFSET: u32 = 65_535;
const TASK_STATE: &str = "MIGRATE_SUCCESS";
const SERVER_STATE: &str = "finished";
/// The networks of the source and the target servers.
const SOURCE_NETWORK: u32 = 10 << 24;
const TARGET_NETWORK: u32 = 10 << 24 | 1 << 23;
/// Number of addresses of a network.
const ADDRESSES: u32 = 1 << 23;
/// When the first task was created: 2026-01-01T00:00:00Z in milliseconds.
const FIRST_TASK: i64 = 1_767_225_600_000;
const MINUTE: i64 = 60_000;
/// The subtasks of a migration by files, and the minutes that each takes.
const SUBTASKS: [(&str, i64); 5] = [
    ("CREATE_CLOUD_SERVER", 4),
    ("SSL_CONFIG", 1),
    ("ATTACH_AGENT_IMAGE", 3),
    ("FORMAT_DISK_LINUX_FILE", 2),
    ("MIGRATE_LINUX_FILE", 50),
];

/// The query of a listing call; unknown parameters are ignored.
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
    /// Counts from 1.
    number: i64,
    /// The number of the source server's first task.
    server: i64,
    task_id: String,
    source_id: String,
    source_name: String,
    has_results: bool,
    /// The fields that are not derived.
    fields: Map<String, Value>,
}

/// The body of `GET /v3/tasks`.
pub(super) fn tasks(connection: &Connection, filter: &Filter) -> rusqlite::Result<Value> {
    let (count, listed) =
        page(connection, filter, "task_id", filter.source_server_id.as_deref(), TASK_STATE)?;
    Ok(json!({ "count": count, "tasks": listed.iter().map(Listed::task).collect::<Vec<_>>() }))
}

/// The body of `GET /v3/tasks/{task_id}`; none for an unknown task.
pub(super) fn task(connection: &Connection, task_id: &str) -> rusqlite::Result<Option<Value>> {
    let filter = Filter { id: Some(task_id.to_owned()), ..Filter::default() };
    let (_, listed) = page(connection, &filter, "task_id", None, TASK_STATE)?;
    Ok(listed.first().map(Listed::details))
}

/// The body of `GET /v3/sources`: each server once. Its current task is the last one with results, else the last.
pub(super) fn sources(connection: &Connection, filter: &Filter) -> rusqlite::Result<Value> {
    let (count, listed) = page(connection, filter, "coalesce(source_id, task_id)", None, SERVER_STATE)?;
    Ok(json!({ "count": count, "source_servers": listed.iter().map(Listed::source).collect::<Vec<_>>() }))
}

/// The number of matching entries, and those on the page, in the order in which they were added.
fn page(
    connection: &Connection,
    filter: &Filter,
    id: &str,
    source_id: Option<&str>,
    state: &str,
) -> rusqlite::Result<(u32, Vec<Listed>)> {
    const SERVER: &str =
        "coalesce((SELECT min(id) FROM task AS other WHERE other.source_id = task.source_id), id)";
    const HAS_RESULTS: &str = "EXISTS (SELECT 1 FROM verification WHERE verification.task = task.id)";
    const CURRENT: &str = "source_id IS NULL OR id = (
        SELECT other.id FROM task AS other WHERE other.source_id = task.source_id
        ORDER BY EXISTS (SELECT 1 FROM verification WHERE verification.task = other.id) DESC, other.id DESC LIMIT 1)";
    let of_servers = state == SERVER_STATE;
    let which = if of_servers { CURRENT } else { "TRUE" };
    const STATE: &str =
        "coalesce((SELECT state FROM task_context WHERE task_context.task = task.id), :default)";
    let none = of_servers && filter.state.as_deref().is_some_and(|wanted| wanted != state);
    let wanted = filter.state.as_deref().filter(|_| !of_servers);
    // An address outside this service's network matches nothing.
    let server = filter.ip.as_deref().map(|ip| number_of(ip).unwrap_or_default());
    let matching = format!(
        "FROM task WHERE NOT :none AND ({which})
         AND (:state IS NULL OR {STATE} = :state)
         AND (:server IS NULL OR {SERVER} = :server)
         AND (:id IS NULL OR {id} = :id)
         AND (:name IS NULL OR instr(source_name, :name) > 0)
         AND (:source_id IS NULL OR source_id = :source_id)
         AND (:has_results IS NULL OR {HAS_RESULTS} = :has_results)"
    );
    let filters: [(&str, &dyn ToSql); 8] = [
        (":state", &wanted),
        (":default", &state),
        (":none", &none),
        (":server", &server),
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
    let mut listed: Vec<Listed> = connection
        .prepare_cached(&format!(
            "SELECT id, {SERVER}, task_id, coalesce(source_id, task_id), coalesce(source_name, task_id),
             {HAS_RESULTS}
             {matching} ORDER BY id LIMIT :limit OFFSET :offset"
        ))?
        .query_map([&filters[..], paging].concat().as_slice(), Listed::of_row)?
        .collect::<rusqlite::Result<_>>()?;
    for listed in &mut listed {
        listed.fields = context::fields(connection, listed.number)?;
    }
    Ok((count, listed))
}

/// The address of a server with this number.
fn address(network: u32, number: i64) -> Ipv4Addr {
    // There are far fewer tasks than addresses; after that addresses repeat.
    let host = u32::try_from(number.rem_euclid(ADDRESSES.into())).unwrap_or_default();
    Ipv4Addr::from_bits(network | host)
}

/// The number of the source server with this address.
fn number_of(ip: &str) -> Option<i64> {
    let bits = ip.parse::<Ipv4Addr>().ok()?.to_bits();
    (SOURCE_NETWORK..SOURCE_NETWORK + ADDRESSES).contains(&bits).then(|| i64::from(bits - SOURCE_NETWORK))
}

fn object(value: Value) -> Map<String, Value> {
    if let Value::Object(object) = value { object } else { Map::new() }
}

impl Listed {
    fn of_row(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            number: row.get(0)?,
            server: row.get(1)?,
            task_id: row.get(2)?,
            source_id: row.get(3)?,
            source_name: row.get(4)?,
            has_results: row.get(5)?,
            fields: Map::new(),
        })
    }

    /// An item of `GET /v3/tasks`.
    fn task(&self) -> Value {
        let mut task = self.common();
        task.insert("special_config".to_owned(), json!([]));
        task.insert("syncing".to_owned(), json!(false));
        task.insert("sub_tasks".to_owned(), self.subtasks().map(Value::Object).collect());
        self.complete(task)
    }

    /// The body of `GET /v3/tasks/{task_id}`.
    fn details(&self) -> Value {
        let mut task = self.common();
        let subtasks: Vec<Value> = self
            .subtasks()
            .map(|mut subtask| {
                subtask.insert("user_op".to_owned(), json!(""));
                Value::Object(subtask)
            })
            .collect();
        for (name, value) in [
            ("connected", json!(true)),
            ("start_date", json!(self.created())),
            ("finish_date", json!(self.finished())),
            ("region_id", json!("cn-north-4")),
            ("region_name", json!("cn-north-4")),
            ("project_name", json!("cn-north-4")),
            ("remain_seconds", json!(0)),
            ("sub_tasks", json!(subtasks)),
        ] {
            task.insert(name.to_owned(), value);
        }
        self.complete(task)
    }

    /// The task with the fields that are not derived.
    fn complete(&self, mut task: Map<String, Value>) -> Value {
        for (name, value) in &self.fields {
            match (task.get_mut(name).and_then(Value::as_array_mut), value) {
                (Some(known), Value::Array(more)) if name == "sub_tasks" => {
                    known.extend(more.iter().cloned())
                }
                _ => {
                    task.insert(name.clone(), value.clone());
                }
            }
        }
        Value::Object(task)
    }

    /// The fields of a task in the listing and in the details.
    fn common(&self) -> Map<String, Value> {
        object(json!({
            "id": self.task_id,
            "name": self.name(),
            "type": "MIGRATE_FILE",
            "os_type": "LINUX",
            "state": TASK_STATE,
            "priority": 1,
            "create_date": self.created(),
            "estimate_complete_time": self.finished(),
            "total_time": (self.finished() - self.created()) / 1000,
            "speed_limit": 0,
            "migrate_speed": 0.0,
            "compress_rate": 1.0,
            "start_target_server": true,
            "need_migration_test": false,
            "error_json": "",
            "subtask_info": "",
            "enterprise_project_id": "0",
            "migration_ip": address(TARGET_NETWORK, self.number),
            "source_server": {
                "id": self.source_id,
                "ip": address(SOURCE_NETWORK, self.server),
                "name": self.source_name,
                "os_type": "LINUX",
                "os_version": "",
                "oem_system": false,
                "state": SERVER_STATE,
            },
            "target_server": {
                "id": self.target_id(),
                "vm_id": self.target_id(),
                "name": self.source_name,
                "ip": address(TARGET_NETWORK, self.number),
                "os_type": "LINUX",
                "os_version": "",
            },
        }))
    }

    /// An item of `GET /v3/sources`.
    fn source(&self) -> Value {
        json!({
            "id": self.source_id,
            "ip": address(SOURCE_NETWORK, self.server),
            "name": self.source_name,
            "os_type": "LINUX",
            "os_version": "",
            "oem_system": false,
            "state": SERVER_STATE,
            "connected": true,
            "enterprise_project_id": "0",
            "add_date": self.created() - MINUTE,
            "last_visit_time": self.finished(),
            "state_action_time": self.finished(),
            "stage_action_time": self.finished(),
            "migration_cycle": "cutovered",
            "has_tc": false,
            "is_consistency_result_exist": self.has_results,
            "checks": [],
            "current_task": {
                "id": self.task_id,
                "name": self.name(),
                "type": "MIGRATE_FILE",
                "state": TASK_STATE,
                "start_date": self.created(),
                "estimate_complete_time": self.finished(),
                "speed_limit": 0,
                "migrate_speed": 0.0,
                "start_target_server": true,
                "region_id": "cn-north-4",
                "project_name": "cn-north-4",
                "target_server": { "vm_id": self.target_id(), "name": self.source_name },
                "exist_server": false,
                "use_public_ip": false,
                "remain_seconds": 0,
                "subtask_info": "",
            },
        })
    }

    fn subtasks(&self) -> impl Iterator<Item = Map<String, Value>> {
        let mut end = self.created();
        (1..).zip(SUBTASKS).map(move |(id, (name, minutes))| {
            let start = end;
            end += minutes * MINUTE;
            object(json!({
                "id": id,
                "name": name,
                "progress": 100,
                "start_date": start,
                "end_date": end,
                "process_trace": "",
            }))
        })
    }

    fn name(&self) -> String {
        format!("migrate {}", self.source_name)
    }

    fn target_id(&self) -> String {
        format!("00000000-0000-4000-8000-{:012x}", self.number)
    }

    /// In milliseconds since 1970, as all times here.
    fn created(&self) -> i64 {
        FIRST_TASK + self.number
    }

    fn finished(&self) -> i64 {
        self.created() + SUBTASKS.iter().map(|(_, minutes)| minutes).sum::<i64>() * MINUTE
    }
}
