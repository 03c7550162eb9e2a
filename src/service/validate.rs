//! Validates requests. Pure: bytes in, values or an error out.
//!
//! Every error names the field.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Maximum length of a task id in uploads and batches, in characters.
const TASK_ID_CHARS: usize = 36;
/// Maximum length of a task id in reads; the older API page allows more.
const TASK_ID_CHARS_READ: usize = 255;
/// Maximum number of directories in an upload.
const DIRECTORIES: usize = 30;
/// Maximum length of a directory, in characters.
const DIRECTORY_CHARS: usize = 1024;
/// Maximum count in an upload.
const COUNT: u64 = 1_000_000;
/// Maximum number of tasks in a batch.
const BATCH: usize = 200;
/// Maximum length of a source server's id or name, in characters.
const SOURCE_CHARS: usize = 255;

/// Maximum number of configurations in an upload; the API documents none.
const CONFIGURATIONS: usize = 100;
/// Maximum length of a configuration's value, in characters; the API documents none.
const CONFIGURATION_CHARS: usize = 65_535;

/// Why a request is invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Invalid {
    /// The body is not UTF-8.
    #[error("the body is not UTF-8 at byte {0}")]
    NotUtf8(usize),
    /// The body is not JSON.
    #[error("the body is not JSON at byte {at}: {reason}")]
    NotJson {
        /// The offset of the byte, from 0.
        at: usize,
        /// The parser's error.
        reason: String,
    },
    /// A field is missing.
    #[error("{0} is missing")]
    Missing(String),
    /// A field has an invalid value.
    #[error("{field} must be {wanted}, not {found}")]
    Wrong {
        /// The field, with array indexes.
        field: String,
        /// What is allowed.
        wanted: String,
        /// What was sent.
        found: String,
    },
}

/// A directory in uploads and responses; the fields are in the API's order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Directory {
    pub(super) dir_check: String,
    pub(super) num_total_files: u64,
    pub(super) num_different_files: u64,
    pub(super) num_target_miss_files: u64,
    pub(super) num_target_more_files: u64,
}

/// How an item of a batch identifies its task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum TaskKey {
    /// The task's own id.
    TaskId(String),
    /// The id of its source server.
    SourceId(String),
    /// The name of its source server.
    SourceName(String),
    /// No field: allowed by the field limits, but not a task.
    Nothing,
}

/// Checks a task id of an upload.
pub(super) fn task_id_to_write(text: &str) -> Result<(), Invalid> {
    length("task_id", text, 1, TASK_ID_CHARS)
}

/// Checks a task id of a read.
pub(super) fn task_id_to_read(text: &str) -> Result<(), Invalid> {
    length("task_id", text, 1, TASK_ID_CHARS_READ)
}

/// Parses an upload: its directories, or none without `consistency_result`.
pub(super) fn upload(body: &[u8]) -> Result<Option<Vec<Directory>>, Invalid> {
    let body = object(body)?;
    let Some(value) = present(&body, "consistency_result") else { return Ok(None) };
    let items = array("consistency_result", value, 0, DIRECTORIES)?;
    items.iter().enumerate().map(|(index, item)| directory(index, item)).collect::<Result<_, _>>().map(Some)
}

/// Parses a batch.
pub(super) fn batch(body: &[u8]) -> Result<Vec<TaskKey>, Invalid> {
    let body = object(body)?;
    let value = present(&body, "task_info").ok_or_else(|| Invalid::Missing("task_info".to_owned()))?;
    let items = array("task_info", value, 1, BATCH)?;
    items.iter().enumerate().map(|(index, item)| task_key(index, item)).collect()
}

/// Parses special configurations, as the service lists them.
pub(super) fn configurations(body: &[u8]) -> Result<Vec<Value>, Invalid> {
    let body = object(body)?;
    let value =
        present(&body, "configurations").ok_or_else(|| Invalid::Missing("configurations".to_owned()))?;
    let items = array("configurations", value, 1, CONFIGURATIONS)?;
    let configuration = |(index, item): (usize, &Value)| {
        let path = format!("configurations[{index}]");
        let item = item.as_object().ok_or_else(|| wrong(&path, "an object", item))?;
        let text = |name: &str, least: usize, most: usize| {
            let path = format!("{path}.{name}");
            let value = present(item, name).map(|value| string(&path, value, least, most)).transpose()?;
            if value.is_none() && least > 0 {
                Err(Invalid::Missing(path))
            } else {
                Ok(value.unwrap_or_default())
            }
        };
        let (key, value) =
            (text("config_key", 1, SOURCE_CHARS)?, text("config_value", 0, CONFIGURATION_CHARS)?);
        let status = text("config_status", 0, SOURCE_CHARS)?;
        Ok(serde_json::json!({ "config_key": key, "config_value": value, "config_status": status }))
    };
    items.iter().enumerate().map(configuration).collect()
}

fn directory(index: usize, item: &Value) -> Result<Directory, Invalid> {
    let path = format!("consistency_result[{index}]");
    let item = item.as_object().ok_or_else(|| wrong(&path, "an object", item))?;
    let field = |name: &str| -> Result<(String, &Value), Invalid> {
        let path = format!("{path}.{name}");
        match present(item, name) {
            Some(value) => Ok((path, value)),
            None => Err(Invalid::Missing(path)),
        }
    };
    let count = |name: &str| -> Result<u64, Invalid> {
        let (path, value) = field(name)?;
        value
            .as_u64()
            .filter(|count| *count <= COUNT)
            .ok_or_else(|| wrong(&path, "an integer from 0 to 1000000", value))
    };
    let (path, value) = field("dir_check")?;
    Ok(Directory {
        dir_check: string(&path, value, 0, DIRECTORY_CHARS)?,
        num_total_files: count("num_total_files")?,
        num_different_files: count("num_different_files")?,
        num_target_miss_files: count("num_target_miss_files")?,
        num_target_more_files: count("num_target_more_files")?,
    })
}

fn task_key(index: usize, item: &Value) -> Result<TaskKey, Invalid> {
    let path = format!("task_info[{index}]");
    let item = item.as_object().ok_or_else(|| wrong(&path, "an object", item))?;
    let field = |name: &str, least: usize, most: usize| {
        present(item, name).map(|value| string(&format!("{path}.{name}"), value, least, most)).transpose()
    };
    // All fields are validated, also those that are not used.
    let task_id = field("task_id", 1, TASK_ID_CHARS)?;
    let source_id = field("source_id", 0, SOURCE_CHARS)?.filter(|text| !text.is_empty());
    let source_name = field("source_name", 0, SOURCE_CHARS)?.filter(|text| !text.is_empty());
    Ok(task_id
        .map(TaskKey::TaskId)
        .or(source_id.map(TaskKey::SourceId))
        .or(source_name.map(TaskKey::SourceName))
        .unwrap_or(TaskKey::Nothing))
}

fn object(body: &[u8]) -> Result<Map<String, Value>, Invalid> {
    let text = std::str::from_utf8(body).map_err(|error| Invalid::NotUtf8(error.valid_up_to()))?;
    match serde_json::from_str(text) {
        Ok(Value::Object(fields)) => Ok(fields),
        Ok(other) => Err(wrong("the body", "a JSON object", &other)),
        Err(error) => Err(Invalid::NotJson { at: offset(text, &error), reason: error.to_string() }),
    }
}

/// The byte offset of a parser's line and column.
fn offset(text: &str, error: &serde_json::Error) -> usize {
    let lines = error.line().saturating_sub(1);
    let before: usize = text.split_inclusive('\n').take(lines).map(str::len).sum();
    (before + error.column().saturating_sub(1)).min(text.len())
}

/// The value of a field; `null` counts as missing, as in the SDKs' bodies.
fn present<'a>(fields: &'a Map<String, Value>, name: &str) -> Option<&'a Value> {
    fields.get(name).filter(|value| !value.is_null())
}

fn array<'a>(field: &str, value: &'a Value, least: usize, most: usize) -> Result<&'a [Value], Invalid> {
    let wanted = || format!("an array of {least} to {most} items");
    let items = value.as_array().ok_or_else(|| wrong(field, &wanted(), value))?;
    if (least..=most).contains(&items.len()) {
        Ok(items)
    } else {
        Err(Invalid::Wrong {
            field: field.to_owned(),
            wanted: wanted(),
            found: format!("one of {} items", items.len()),
        })
    }
}

fn string(field: &str, value: &Value, least: usize, most: usize) -> Result<String, Invalid> {
    let text = value
        .as_str()
        .ok_or_else(|| wrong(field, &format!("a string of {least} to {most} characters"), value))?;
    length(field, text, least, most)?;
    Ok(text.to_owned())
}

fn length(field: &str, text: &str, least: usize, most: usize) -> Result<(), Invalid> {
    let chars = text.chars().count();
    if (least..=most).contains(&chars) {
        Ok(())
    } else {
        Err(Invalid::Wrong {
            field: field.to_owned(),
            wanted: format!("{least} to {most} characters long"),
            found: chars.to_string(),
        })
    }
}

fn wrong(field: &str, wanted: &str, found: &Value) -> Invalid {
    // Texts are not repeated: error messages have a maximum length.
    let found = match found {
        Value::Null => "null".to_owned(),
        Value::Bool(_) => "a boolean".to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(_) => "a string".to_owned(),
        Value::Array(_) => "an array".to_owned(),
        Value::Object(_) => "an object".to_owned(),
    };
    Invalid::Wrong { field: field.to_owned(), wanted: wanted.to_owned(), found }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> Value {
        serde_json::json!({
            "dir_check": "/root/data", "num_total_files": 1235, "num_different_files": 12,
            "num_target_miss_files": 3, "num_target_more_files": 0,
        })
    }

    fn refused(body: &Value) -> String {
        upload(body.to_string().as_bytes()).unwrap_err().to_string()
    }

    fn with(field: &str, value: Value) -> Value {
        let mut changed = item();
        changed[field] = value;
        serde_json::json!({ "consistency_result": [item(), changed] })
    }

    #[test]
    fn valid_upload_is_parsed() {
        let body = serde_json::json!({ "consistency_result": [item()], "more": 1 });
        let directories = upload(body.to_string().as_bytes()).unwrap().unwrap();
        assert_eq!(serde_json::to_value(&directories).unwrap(), serde_json::json!([item()]));
        assert_eq!(upload(b"{}"), Ok(None));
        assert_eq!(upload(br#"{"consistency_result":null}"#), Ok(None));
        assert_eq!(upload(br#"{"consistency_result":[]}"#), Ok(Some(vec![])));
    }

    #[test]
    fn limits_are_inclusive() {
        for good in [
            with("dir_check", "".into()),
            with("dir_check", "档".repeat(1024).into()),
            with("num_total_files", 1_000_000.into()),
            with("num_different_files", 0.into()),
        ] {
            assert!(upload(good.to_string().as_bytes()).is_ok());
        }
        let thirty = serde_json::json!({ "consistency_result": vec![item(); 30] });
        assert!(upload(thirty.to_string().as_bytes()).is_ok());
    }

    #[test]
    fn every_field_of_an_upload_is_validated() {
        let cases = [
            (serde_json::json!([]), "the body must be a JSON object, not an array"),
            (
                serde_json::json!({ "consistency_result": 5 }),
                "consistency_result must be an array of 0 to 30 items, not 5",
            ),
            (
                serde_json::json!({ "consistency_result": vec![item(); 31] }),
                "consistency_result must be an array of 0 to 30 items, not one of 31 items",
            ),
            (
                serde_json::json!({ "consistency_result": ["/root"] }),
                "consistency_result[0] must be an object, not a string",
            ),
            (with("dir_check", Value::Null), "consistency_result[1].dir_check is missing"),
            (
                with("dir_check", 7.into()),
                "consistency_result[1].dir_check must be a string of 0 to 1024 characters, not 7",
            ),
            (
                with("dir_check", "x".repeat(1025).into()),
                "consistency_result[1].dir_check must be 0 to 1024 characters long, not 1025",
            ),
            (
                with("num_total_files", (-1).into()),
                "consistency_result[1].num_total_files must be an integer from 0 to 1000000, not -1",
            ),
            (
                with("num_different_files", 1_000_001.into()),
                "consistency_result[1].num_different_files must be an integer from 0 to 1000000, not 1000001",
            ),
            (
                with("num_target_miss_files", 1.5.into()),
                "consistency_result[1].num_target_miss_files must be an integer from 0 to 1000000, not 1.5",
            ),
            (
                with("num_target_more_files", "3".into()),
                "consistency_result[1].num_target_more_files must be an integer from 0 to 1000000, not a string",
            ),
        ];
        for (body, message) in cases {
            assert_eq!(refused(&body), message);
        }
    }

    #[test]
    fn invalid_json_body_is_refused_with_byte_offset() {
        let at = |body: &[u8]| match upload(body).unwrap_err() {
            Invalid::NotJson { at, .. } => at,
            Invalid::NotUtf8(at) => at,
            other => panic!("{other}"),
        };
        assert_eq!(at(b""), 0);
        assert_eq!(at(b"{\n  \"a\" 1}"), 8);
        assert_eq!(at(b"{\"a\":\"\xff\"}"), 6);
        assert!(upload("[".repeat(5000).as_bytes()).is_err(), "deep nesting is refused");
    }

    #[test]
    fn batch_item_uses_its_first_key() {
        let body = br#"{"task_info":[
            {"task_id":"t","source_id":"s","source_name":"n"},{"source_id":"s","source_name":"n"},
            {"source_id":"","source_name":"n"},{}]}"#;
        assert_eq!(
            batch(body).unwrap(),
            [
                TaskKey::TaskId("t".to_owned()),
                TaskKey::SourceId("s".to_owned()),
                TaskKey::SourceName("n".to_owned()),
                TaskKey::Nothing
            ]
        );
    }

    #[test]
    fn every_field_of_a_batch_is_validated() {
        let cases = [
            ("{}".to_owned(), "task_info is missing"),
            (
                r#"{"task_info":[]}"#.to_owned(),
                "task_info must be an array of 1 to 200 items, not one of 0 items",
            ),
            (
                format!(r#"{{"task_info":[{}]}}"#, vec!["{}"; 201].join(",")),
                "task_info must be an array of 1 to 200 items, not one of 201 items",
            ),
            (r#"{"task_info":[1]}"#.to_owned(), "task_info[0] must be an object, not 1"),
            (
                r#"{"task_info":[{"task_id":""}]}"#.to_owned(),
                "task_info[0].task_id must be 1 to 36 characters long, not 0",
            ),
            (
                r#"{"task_info":[{"task_id":"t","source_name":[]}]}"#.to_owned(),
                "task_info[0].source_name must be a string of 0 to 255 characters, not an array",
            ),
            (
                format!(r#"{{"task_info":[{{"source_id":"{}"}}]}}"#, "x".repeat(256)),
                "task_info[0].source_id must be 0 to 255 characters long, not 256",
            ),
        ];
        for (body, message) in cases {
            assert_eq!(batch(body.as_bytes()).unwrap_err().to_string(), message);
        }
    }
}
