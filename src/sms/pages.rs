//! Pages of the listing calls: `GET /v3/tasks` and `GET /v3/sources`.
//!
//! Pure. An entry without an id makes the whole page unreadable: it could be a task that is then missed.

use serde::{Deserialize, Deserializer};

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
    pub name: Option<String>,
    /// As in `MIGRATE_FILE`.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// As in `MIGRATE_SUCCESS`.
    pub state: Option<String>,
    /// When it was made, in milliseconds since 1970.
    #[serde(default, rename = "create_date", deserialize_with = "milliseconds")]
    pub created: Option<i64>,
    /// Whether it has results; none where the listing does not say.
    #[serde(default, rename = "is_consistency_result_exist")]
    pub has_results: Option<bool>,
}

/// A time as a number or a text; anything else is unknown.
fn milliseconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(value.as_i64().or_else(|| value.as_str()?.trim().parse().ok()))
}

/// Reads a page of tasks.
///
/// # Errors
/// What is wrong with it.
pub fn tasks(body: &[u8]) -> Result<Page, String> {
    #[derive(Deserialize)]
    struct Body {
        count: Option<u64>,
        tasks: Vec<Listed>,
    }
    #[derive(Deserialize)]
    struct Listed {
        #[serde(flatten)]
        task: ListedTask,
        source_server: Option<Server>,
    }
    #[derive(Default, Deserialize)]
    struct Server {
        id: Option<String>,
        name: Option<String>,
        ip: Option<String>,
    }
    let Body { count, tasks } = serde_json::from_slice(body).map_err(|error| wrong("tasks", &error))?;
    let entries = tasks.into_iter().map(|Listed { task, source_server }| {
        let server = source_server.unwrap_or_default();
        Entry {
            id: task.id.clone(),
            source_id: server.id,
            source_name: server.name,
            ip: server.ip,
            task: Some(task),
            has_results: None,
        }
    });
    Ok(Page { count, entries: entries.collect() })
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
    format!("the answer is no page of {what}: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_read_with_what_they_leave_out() {
        let page = tasks(br#"{"count":7,"tasks":[{"id":"t","state":"RUNNING","source_server":{"id":"s","ip":"1"}},{"id":"u"}]}"#).unwrap();
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
    fn what_is_no_page_is_told_and_not_taken_for_an_empty_one() {
        for body in ["", "{}", "[]", r#"{"count":1}"#, r#"{"tasks":[{"name":"no id"}]}"#, "<html>"] {
            assert!(tasks(body.as_bytes()).is_err(), "{body}");
            assert!(sources(body.as_bytes()).is_err(), "{body}");
        }
    }
}
