//! The context of tasks: state, subtasks and special configurations, for the listings and the calls that set them.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value, json};

use crate::model::Task;

/// Created in data files of earlier versions too.
pub(super) const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS task_context (
        task INTEGER PRIMARY KEY REFERENCES task (id),
        state TEXT,
        fields TEXT NOT NULL
    ) STRICT;
";

/// Fields of a task that a task list may have, by label in lower case.
const LABELS: [(&str, &str); 6] = [
    ("os_type", "os_type"),
    ("state", "state"),
    ("task_state", "state"),
    ("syncing", "syncing"),
    ("sub_tasks", "sub_tasks"),
    ("special_config", "special_config"),
];
/// Special configurations that a task list may have as columns.
const KEYS: [&str; 7] = [
    "CONSISTENCY_DIR",
    "CONSISTENCY_DIR_ILLEGAL",
    "CONSISTENCY_MODE",
    "CONSISTENCY_RECHECK",
    "MIGRATE_EXCLUDE_DIR",
    "SYNC_EXCLUDE_DIR",
    "ONLY_SYNC_DIR",
];

/// The fields of a task's context, which replace those of the listing. Subtasks are added to those of the migration.
pub(super) fn fields(connection: &Connection, task: i64) -> rusqlite::Result<Map<String, Value>> {
    let text: Option<String> = connection
        .prepare_cached("SELECT fields FROM task_context WHERE task = ?1")?
        .query_row(params![task], |row| row.get(0))
        .optional()?;
    Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
}

/// Replaces the fields of a task's context.
fn set(connection: &Connection, task: i64, fields: &Map<String, Value>) -> rusqlite::Result<()> {
    let state = fields.get("state").and_then(Value::as_str);
    connection
        .prepare_cached(
            "INSERT INTO task_context (task, state, fields) VALUES (?1, ?2, ?3)
             ON CONFLICT (task) DO UPDATE SET state = excluded.state, fields = excluded.fields",
        )?
        .execute(params![task, state, Value::Object(fields.clone()).to_string()])?;
    Ok(())
}

fn number(connection: &Connection, task_id: &str) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT id FROM task WHERE task_id = ?1")?
        .query_row(params![task_id], |row| row.get(0))
        .optional()
}

/// Takes the fields that a task list has as labels.
pub(super) fn register(connection: &Connection, task_id: &str, task: &Task) -> rusqlite::Result<()> {
    let Some(number) = number(connection, task_id)? else { return Ok(()) };
    let mut new = Map::new();
    let mut settings = Vec::new();
    for (label, text) in task.labels.iter() {
        let name = label.trim().to_lowercase().replace(' ', "_");
        if let Some((_, field)) = LABELS.iter().find(|(label, _)| *label == name) {
            let value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
            new.insert((*field).to_owned(), value);
        }
        if let Some(key) = KEYS.iter().find(|key| key.eq_ignore_ascii_case(&name)) {
            settings.push(setting(key, text));
        }
    }
    if !new.is_empty() || !settings.is_empty() {
        let mut fields = fields(connection, number)?;
        fields.extend(new);
        configure(&mut fields, &settings);
        set(connection, number, &fields)?;
    }
    Ok(())
}

/// Sets fields of a task.
pub(super) fn add(connection: &Connection, task_id: &str, new: Value) -> rusqlite::Result<()> {
    let (Some(number), Value::Object(new)) = (number(connection, task_id)?, new) else { return Ok(()) };
    let mut fields = fields(connection, number)?;
    fields.extend(new);
    set(connection, number, &fields)
}

/// A special configuration.
pub(super) fn setting(key: &str, value: &str) -> Value {
    json!({ "config_key": key, "config_value": value, "config_status": "" })
}

/// Replaces the configurations with the same keys, and adds the others.
fn configure(fields: &mut Map<String, Value>, settings: &[Value]) {
    if settings.is_empty() {
        return;
    }
    let entry = fields.entry("special_config").or_insert_with(|| json!([]));
    if !entry.is_array() {
        *entry = json!([]);
    }
    let Some(known) = entry.as_array_mut() else { return };
    for setting in settings {
        known.retain(|other| other.get("config_key") != setting.get("config_key"));
        known.push(setting.clone());
    }
}

/// Records special configurations; false for an unknown task.
pub(super) fn upload(connection: &Connection, task_id: &str, settings: &[Value]) -> rusqlite::Result<bool> {
    let Some(number) = number(connection, task_id)? else { return Ok(false) };
    let mut fields = fields(connection, number)?;
    configure(&mut fields, settings);
    set(connection, number, &fields)?;
    Ok(true)
}

/// The body of `GET /v3/tasks/{task_id}/configuration-setting`; none for an unknown task.
pub(super) fn settings(
    connection: &Connection,
    task_id: &str,
    key: Option<&str>,
) -> rusqlite::Result<Option<Value>> {
    let Some(number) = number(connection, task_id)? else { return Ok(None) };
    let fields = fields(connection, number)?;
    let is_wanted = |setting: &&Value| {
        key.is_none_or(|key| setting.get("config_key").and_then(Value::as_str) == Some(key))
    };
    let all = fields.get("special_config").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let wanted: Vec<&Value> = all.iter().filter(is_wanted).collect();
    let system = fields.get("os_type").and_then(Value::as_str).unwrap_or("LINUX");
    let migrate_type = format!("{system}_MIGRATE_FILE");
    Ok(Some(json!({ "task_id": task_id, "migrate_type": migrate_type, "configurations": wanted })))
}
