//! Parses a task's context. Fields in an unknown form are kept as text and noted.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::fields::ReadFields;
use super::paths::{System, is_absolute};
use super::values::items;
use crate::answer::epoch_time;
use crate::model::TaskContext;

/// The most characters of a value that is shown.
const MAX_SHOWN: usize = 200;

/// What a task's context says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::report) struct ContextFacts {
    /// When it was read, on the service's clock.
    pub(super) read_at: Timestamp,
    pub(super) system: System,
    pub(super) state: Option<String>,
    pub(super) syncing: bool,
    pub(super) synchronisations: Vec<Synchronisation>,
    pub(super) mode: Option<String>,
    pub(super) recheck: Option<String>,
    /// The directories to verify.
    pub(super) configured: Vec<String>,
    /// The directories that the service found illegal.
    pub(super) illegal: Vec<String>,
    /// What is excluded, in English with `{0}` for the directories, and the directories.
    pub(super) exclusions: Vec<(&'static str, Vec<String>)>,
    /// The fields in an unknown form: name and text.
    pub(super) unreadable: Vec<(String, String)>,
}

/// A subtask that synchronises the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Synchronisation {
    /// Whether it has begun. Only one without a start and with a progress of 0 has not.
    pub(super) has_begun: bool,
    pub(super) ended: Option<Timestamp>,
}

/// The settings that exclude directories, and what they say in English.
const EXCLUSIONS: [(&str, &str); 3] = [
    ("MIGRATE_EXCLUDE_DIR", "excluded from the migration: {0}"),
    ("SYNC_EXCLUDE_DIR", "excluded from synchronisations: {0}"),
    ("ONLY_SYNC_DIR", "only these are synchronised: {0}"),
];

impl ContextFacts {
    /// Parses a context; none if it has no field that is known.
    pub(in crate::report) fn read(context: &TaskContext) -> Option<Self> {
        let raw: BTreeMap<String, &RawValue> = serde_json::from_str(&context.listed).ok()?;
        let text_of = |name: &str| raw.get(name).map_or("null", |value| value.get());
        let mut unreadable = Vec::new();
        let mut field = |name: &str| match serde_json::from_str::<Value>(text_of(name)) {
            Ok(value) => value,
            Err(_) => {
                unreadable.push((name.to_owned(), shown(text_of(name))));
                Value::Null
            }
        };
        let [state, syncing] = ["state", "syncing"].map(&mut field);
        let (subtasks, other_subtasks) =
            match serde_json::from_str::<Option<Vec<ReadFields>>>(text_of("sub_tasks")) {
                Ok(subtasks) => (subtasks, Value::Null),
                Err(_) => (None, field("sub_tasks")),
            };
        let settings = field("special_config");
        let server = match serde_json::from_str(text_of("source_server")) {
            Ok(server) => server,
            Err(_) => {
                field("source_server");
                ReadFields::default()
            }
        };
        let os_type = field("os_type");
        let mut facts = Self {
            read_at: context.read_at,
            system: System::named(os_type.as_str().or_else(|| server.get("os_type")?.as_str())),
            state: None,
            syncing: false,
            synchronisations: Vec::new(),
            mode: None,
            recheck: None,
            configured: Vec::new(),
            illegal: Vec::new(),
            exclusions: Vec::new(),
            unreadable,
        };
        let is_empty =
            subtasks.is_none() && [&syncing, &other_subtasks, &settings].iter().all(|value| value.is_null());
        if is_empty && facts.unreadable.is_empty() {
            return None;
        }
        facts.state(&state);
        facts.syncing(&syncing);
        facts.subtasks(&subtasks.unwrap_or_default());
        if !other_subtasks.is_null() {
            facts.add_unreadable("sub_tasks", &other_subtasks);
        }
        facts.settings(&settings);
        Some(facts)
    }

    /// Keeps a field in an unknown form.
    fn add_unreadable(&mut self, name: &str, value: &Value) {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        self.unreadable.push((name.to_owned(), shown(&text)));
    }

    fn state(&mut self, value: &Value) {
        match value {
            Value::Null => {}
            Value::String(state) => {
                self.state = Some(shown(&state.trim().to_uppercase())).filter(|state| !state.is_empty());
            }
            other => self.add_unreadable("state", other),
        }
    }

    fn syncing(&mut self, value: &Value) {
        match value {
            Value::Null => {}
            Value::Bool(syncing) => self.syncing = *syncing,
            Value::String(text) if text.eq_ignore_ascii_case("true") => self.syncing = true,
            Value::String(text) if text.is_empty() || text.eq_ignore_ascii_case("false") => {}
            other => self.add_unreadable("syncing", other),
        }
    }

    fn subtasks(&mut self, subtasks: &[ReadFields]) {
        for subtask in subtasks {
            let name = subtask.get("name").and_then(Value::as_str).unwrap_or_default();
            if name.to_uppercase().contains("SYNC") {
                let time = |key: &str| subtask.get(key).and_then(time);
                let is_at_zero =
                    subtask.get("progress").is_some_and(|progress| progress.as_f64() == Some(0.0));
                let has_begun = time("start_date").is_some() || !is_at_zero;
                self.synchronisations.push(Synchronisation { has_begun, ended: time("end_date") });
            }
        }
    }

    fn settings(&mut self, value: &Value) {
        match value {
            Value::Null => {}
            Value::Array(settings) => {
                for setting in settings {
                    let Some(setting) = setting.as_object() else {
                        self.add_unreadable("special_config", setting);
                        continue;
                    };
                    let key = setting.get("config_key").and_then(Value::as_str);
                    if let Some(key) = key {
                        self.setting(key, setting.get("config_value").unwrap_or(&Value::Null));
                    }
                }
            }
            Value::Object(settings) => self.by_key(settings),
            other => self.add_unreadable("special_config", other),
        }
    }

    fn by_key(&mut self, settings: &Map<String, Value>) {
        settings.iter().for_each(|(key, value)| self.setting(key, value));
    }

    fn setting(&mut self, key: &str, value: &Value) {
        let key = key.trim().to_uppercase();
        match key.as_str() {
            "CONSISTENCY_DIR" => {
                match items(value).filter(|paths| paths.iter().all(|path| is_absolute(path))) {
                    Some(paths) => self.configured.extend(paths),
                    None => self.add_unreadable(&key, value),
                }
            }
            "CONSISTENCY_DIR_ILLEGAL" => match items(value) {
                Some(paths) => self.illegal.extend(paths),
                None => self.add_unreadable(&key, value),
            },
            "CONSISTENCY_MODE" => match plain(value) {
                Some(mode) => self.mode = Some(mode).filter(|mode| !mode.is_empty()),
                None => self.add_unreadable(&key, value),
            },
            "CONSISTENCY_RECHECK" => self.recheck = plain(value).filter(|text| !text.is_empty()),
            _ => {
                let Some((_, what)) = EXCLUSIONS.iter().find(|(name, _)| *name == key) else { return };
                match items(value) {
                    Some(paths) if paths.is_empty() => {}
                    Some(paths) => self.exclusions.push((what, paths)),
                    None => self.add_unreadable(&key, value),
                }
            }
        }
    }
}

/// A value as one text; none for lists and objects.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::Null => Some(String::new()),
        Value::String(text) => Some(shown(text.trim().trim_matches('"'))),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        Value::Array(_) | Value::Object(_) => None,
    }
}

/// A text as it is shown: one line, not too long.
fn shown(text: &str) -> String {
    let mut shown: String =
        text.chars().take(MAX_SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(MAX_SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// A time as a number of seconds or milliseconds, or as a text.
fn time(value: &Value) -> Option<Timestamp> {
    let number = match value {
        #[expect(clippy::cast_possible_truncation, reason = "a time beyond 64 bits is none")]
        Value::Number(number) => number.as_i64().or_else(|| number.as_f64().map(|number| number as i64))?,
        Value::String(text) => match text.trim().parse::<i64>() {
            Ok(number) => number,
            Err(_) => return text.trim().parse().ok(),
        },
        _ => return None,
    };
    epoch_time(number)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn read(listed: &str) -> Option<ContextFacts> {
        ContextFacts::read(&TaskContext { read_at: Timestamp::UNIX_EPOCH, listed: listed.to_owned() })
    }

    #[test]
    fn every_field_is_read_in_its_forms() {
        let facts = read(
            &json!({
                "os_type": "WINDOWS", "state": " sync_success ", "syncing": "False",
                "sub_tasks": [
                    {"name": "MIGRATE_LINUX_FILE", "start_date": 1, "end_date": 2},
                    {"name": "Sync_Linux", "start_date": 1_700_000_000, "end_date": "1700000060000"},
                    {"name": "SYNC_2", "start_date": "2023-11-14T22:13:20Z", "end_date": 0},
                    7,
                ],
                "special_config": [
                    {"config_key": "consistency_dir", "config_value": "C:\\a;D:\\b"},
                    {"config_key": "CONSISTENCY_DIR_ILLEGAL", "config_value": "[]"},
                    {"config_key": "CONSISTENCY_MODE", "config_value": "quick"},
                    {"config_key": "SYNC_EXCLUDE_DIR", "config_value": "/tmp"},
                    {"config_key": "ONLY_SYNC_DIR", "config_value": ""},
                    {"config_key": "MEMORY", "config_value": {"odd": 1}},
                ],
            })
            .to_string(),
        )
        .unwrap();
        let second = |second| Timestamp::from_second(second).ok();
        assert_eq!(
            (facts.system, facts.state.as_deref(), facts.syncing),
            (System::Windows, Some("SYNC_SUCCESS"), false)
        );
        assert_eq!(
            facts.synchronisations,
            [
                Synchronisation { has_begun: true, ended: second(1_700_000_060) },
                Synchronisation { has_begun: true, ended: None },
            ]
        );
        assert_eq!(facts.configured, [r"C:\a", r"D:\b"]);
        assert_eq!((facts.illegal.len(), facts.mode.as_deref()), (0, Some("quick")));
        assert_eq!(facts.exclusions, [("excluded from synchronisations: {0}", vec!["/tmp".to_owned()])]);
        assert_eq!(facts.unreadable, []);
    }

    #[test]
    fn fields_in_unknown_form_are_kept_as_text() {
        let odd = read(
            r#"{"state":7,"syncing":{},"sub_tasks":"x","special_config":[1,{"config_key":"CONSISTENCY_DIR","config_value":"all"}]}"#,
        );
        let odd = odd.unwrap();
        let names: Vec<_> = odd.unreadable.iter().map(|(name, text)| format!("{name}={text}")).collect();
        assert_eq!(
            names,
            ["state=7", "syncing={}", "sub_tasks=x", "special_config=1", "CONSISTENCY_DIR=all"]
        );
        assert_eq!(odd.configured, Vec::<String>::new());
        for nothing in ["", "[]", "{}", r#"{"state":"READY"}"#, r#"{"syncing":null,"sub_tasks":null}"#] {
            assert_eq!(read(nothing), None, "{nothing}");
        }
        assert_eq!(read(r#"{"special_config":1e999}"#).unwrap().unreadable.len(), 1);
    }

    proptest! {
        #[test]
        fn no_context_panics(text in any::<String>(), value in "[0-9eE.+-]{1,20}") {
            let _ = read(&text);
            let _ = read(&format!(r#"{{"sub_tasks":[{{"name":"SYNC","end_date":{value}}}],"special_config":{value}}}"#));
            let of_value = json!({"special_config": [{"config_key": "CONSISTENCY_DIR", "config_value": text}]});
            let _ = read(&of_value.to_string());
        }
    }
}
