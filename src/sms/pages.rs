//! Pages of the listing calls: `GET /v3/tasks` and `GET /v3/sources`.
//!
//! Pure. An entry without an id makes the whole page unreadable: it could be a task that is then missed.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::model::TaskContext;

/// The fields of a listed task that are its context.
const CONTEXT: [&str; 7] =
    ["type", "os_type", "state", "syncing", "sub_tasks", "special_config", "source_server"];
/// Without any of these a listing says nothing of a task's verification.
const NEEDED: [&str; 3] = ["syncing", "sub_tasks", "special_config"];

/// A page of a listing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page {
    /// How many entries there are on all pages, if the service says so.
    pub count: Option<u64>,
    /// The entries of this page.
    pub entries: Vec<Entry>,
}

/// An entry of a listing: a task, or a source server with its task.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entry {
    /// The id of what is listed.
    pub id: String,
    /// The source server's id.
    pub source_id: Option<String>,
    /// The source server's name.
    pub source_name: Option<String>,
    /// The source server's address, or several in one text.
    pub ip: Option<String>,
    /// The task; none for a server that has no current one.
    pub task: Option<ListedTask>,
    /// Whether there are results; none where the listing does not say.
    pub has_results: Option<bool>,
}

/// What a listing says of a task.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub struct ListedTask {
    /// The task's id.
    pub id: String,
    /// Its name, which is not its server's.
    #[serde(default, deserialize_with = "text")]
    pub name: Option<String>,
    /// As in `MIGRATE_FILE`.
    #[serde(default, rename = "type", deserialize_with = "text")]
    pub kind: Option<String>,
    /// As in `MIGRATE_SUCCESS`.
    #[serde(default, deserialize_with = "text")]
    pub state: Option<String>,
    /// When it was made, in milliseconds since 1970.
    #[serde(default, rename = "create_date", deserialize_with = "milliseconds")]
    pub created: Option<i64>,
    /// Whether it has results; none where the listing does not say.
    #[serde(default, rename = "is_consistency_result_exist")]
    pub has_results: Option<bool>,
    /// Its context; none where the listing has none.
    #[serde(skip)]
    pub context: Option<TaskContext>,
}

/// A time as a number or a text; anything else is unknown.
fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_i64().or_else(|| value.as_str()?.trim().parse().ok()))
}

/// A text; anything else is unknown.
fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_str().map(str::to_owned))
}

/// Reads a page of tasks that was received at `read_at` on the service's clock.
///
/// # Errors
/// What is wrong with it.
pub fn tasks(body: &[u8], read_at: Timestamp) -> Result<Page, String> {
    #[derive(Deserialize)]
    struct Body<'a> {
        count: Option<u64>,
        #[serde(borrow)]
        tasks: Vec<&'a RawValue>,
    }
    let Body { count, tasks } = serde_json::from_slice(body).map_err(|error| wrong("tasks", &error))?;
    let entries = tasks.into_iter().map(|text| listed(text.get(), read_at));
    let entries: Result<_, serde_json::Error> = entries.collect();
    Ok(Page { count, entries: entries.map_err(|error| wrong("tasks", &error))? })
}

/// Reads the body of `GET /v3/tasks/{task_id}`: an entry like those of a page.
///
/// # Errors
/// What is wrong with it.
pub fn task(body: &[u8], read_at: Timestamp) -> Result<Entry, String> {
    let text = std::str::from_utf8(body).map_err(|_| "the answer is not UTF-8".to_owned())?;
    listed(text, read_at).map_err(|error| wrong("a task", &error))
}

/// A task of a listing, with its server and its context. The text is read once: a page has hundreds of tasks, and each
/// of them dozens of fields.
fn listed(text: &str, read_at: Timestamp) -> Result<Entry, serde_json::Error> {
    #[derive(Default, Deserialize)]
    struct Server {
        id: Option<String>,
        name: Option<String>,
        ip: Option<String>,
    }
    let fields: Fields<'_> = serde_json::from_str(text)?;
    let id: String = match fields.get("id") {
        Some(id) => serde_json::from_str(id.get())?,
        None => return Err(serde::de::Error::missing_field("id")),
    };
    let server: Option<Server> = known(&fields, "source_server")?;
    let server = server.unwrap_or_default();
    let task = ListedTask {
        id: id.clone(),
        name: known_text(&fields, "name")?,
        kind: known_text(&fields, "type")?,
        state: known_text(&fields, "state")?,
        created: match fields.get("create_date") {
            Some(time) => milliseconds(&mut serde_json::Deserializer::from_str(time.get()))?,
            None => None,
        },
        has_results: known(&fields, "is_consistency_result_exist")?,
        context: context(&fields).map(|listed| TaskContext { read_at, listed }),
    };
    Ok(Entry {
        id,
        source_id: server.id,
        source_name: server.name,
        ip: server.ip,
        task: Some(task),
        has_results: None,
    })
}

/// The fields of a listed task, each as it came; of two with one name the later.
type Fields<'a> = BTreeMap<String, &'a RawValue>;

/// A field; none where it is absent or null.
fn known<T: DeserializeOwned>(fields: &Fields<'_>, name: &str) -> Result<Option<T>, serde_json::Error> {
    fields.get(name).map_or(Ok(None), |field| serde_json::from_str(field.get()))
}

fn known_text(fields: &Fields<'_>, name: &str) -> Result<Option<String>, serde_json::Error> {
    fields.get(name).map_or(Ok(None), |field| text(&mut serde_json::Deserializer::from_str(field.get())))
}

/// The fields that are a task's context. Their forms do not matter here: they are kept as they came.
fn context(fields: &Fields<'_>) -> Option<String> {
    NEEDED.iter().any(|name| fields.contains_key(*name)).then_some(())?;
    let named = CONTEXT.iter().filter_map(|name| Some((*name, fields.get(*name)?)));
    serde_json::to_string(&named.collect::<BTreeMap<_, _>>()).ok()
}

/// Reads a page of source servers.
///
/// # Errors
/// What is wrong with it.
pub fn sources(body: &[u8]) -> Result<Page, String> {
    #[derive(Deserialize)]
    struct Body {
        count: Option<u64>,
        source_servers: Vec<Listed>,
    }
    #[derive(Deserialize)]
    struct Listed {
        id: String,
        name: Option<String>,
        ip: Option<String>,
        is_consistency_result_exist: Option<bool>,
        current_task: Option<ListedTask>,
    }
    let Body { count, source_servers } =
        serde_json::from_slice(body).map_err(|error| wrong("source servers", &error))?;
    let entries = source_servers.into_iter().map(|server| Entry {
        source_id: Some(server.id.clone()),
        id: server.id,
        source_name: server.name,
        ip: server.ip,
        task: server.current_task,
        has_results: server.is_consistency_result_exist,
    });
    Ok(Page { count, entries: entries.collect() })
}

fn wrong(what: &str, error: &serde_json::Error) -> String {
    let error: String = error.to_string().chars().take(200).collect();
    match what {
        "a task" => format!("the response is not a task: {error}"),
        _ => format!("the response is not a page of {what}: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    #[test]
    fn pages_are_read_with_what_they_leave_out() {
        let page = tasks(br#"{"count":7,"tasks":[{"id":"t","state":"RUNNING","source_server":{"id":"s","ip":"1"}},{"id":"u"}]}"#, NOW).unwrap();
        assert_eq!(page.count, Some(7));
        assert_eq!(page.entries[0].source_id.as_deref(), Some("s"));
        assert_eq!(page.entries[0].task.as_ref().unwrap().state.as_deref(), Some("RUNNING"));
        assert_eq!(page.entries[1].source_name, None);
        let page = sources(
            br#"{"source_servers":[{"id":"s","current_task":null,"is_consistency_result_exist":true}]}"#,
        );
        let page = page.unwrap();
        assert_eq!((page.entries[0].task.clone(), page.entries[0].has_results), (None, Some(true)));
    }

    #[test]
    fn context_is_kept_as_it_came_whatever_its_form() {
        for (fields, context) in [
            (r#""name":"n""#, None),
            (r#""state":"SYNCING""#, None),
            (r#""syncing" : true, "name":"n""#, Some(r#"{"syncing":true}"#)),
            (r#""state":{"odd":1},"sub_tasks":[ 1 ]"#, Some(r#"{"state":{"odd":1},"sub_tasks":[ 1 ]}"#)),
            (r#""special_config":1e999,"syncing":null"#, Some(r#"{"special_config":1e999,"syncing":null}"#)),
            (r#""syncing":1,"syncing":2"#, Some(r#"{"syncing":2}"#)),
        ] {
            let task = format!(r#"{{"id":"t",{fields}}}"#);
            let page = tasks(format!(r#"{{"tasks":[{task}]}}"#).as_bytes(), NOW).unwrap();
            let listed = page.entries[0].task.as_ref().unwrap();
            let kept = listed.context.as_ref().map(|context| context.listed.as_str());
            assert_eq!(kept, context, "{fields}");
            assert_eq!(super::task(task.as_bytes(), NOW).as_ref(), Ok(&page.entries[0]), "{fields}");
        }
        let deep = format!(r#"{{"id":"t","special_config":{}1{}}}"#, "[".repeat(300), "]".repeat(300));
        assert!(super::task(deep.as_bytes(), NOW).is_ok());
    }

    #[test]
    fn answer_that_is_not_a_page_is_an_error() {
        for body in ["", "{}", "[]", r#"{"count":1}"#, r#"{"tasks":[{"name":"no id"}]}"#, "<html>"] {
            assert!(tasks(body.as_bytes(), NOW).is_err(), "{body}");
            assert!(sources(body.as_bytes()).is_err(), "{body}");
        }
    }
}
