//! Column headings: which of them name a field of a task.

/// A field that every task list may have. All other columns are labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Field {
    TaskId,
    SourceId,
    SourceName,
}

impl Field {
    /// The field that a heading names: in any case, with spaces, hyphens or underscores, in English or as
    /// the console shows it in Chinese.
    pub(super) fn of(heading: &str) -> Option<Self> {
        match key(heading).replace('_', "").as_str() {
            "taskid" | "任务id" => Some(Self::TaskId),
            "sourceid" | "源端id" => Some(Self::SourceId),
            "sourcename" | "源端名称" => Some(Self::SourceName),
            _ => None,
        }
    }
}

/// The form of a heading by which two headings are compared: `Task ID` is `task_id`.
pub(super) fn key(heading: &str) -> String {
    // Full-width letters come from Chinese input methods, invisible characters from copying.
    let visible = heading.chars().filter(|c| c.is_whitespace() || !crate::model::is_invisible(*c));
    let narrow: String = visible.map(narrow).collect();
    let words = narrow.split(|c: char| c.is_whitespace() || matches!(c, '-' | '_'));
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("_").to_lowercase()
}

/// The ASCII character of a full-width one.
fn narrow(c: char) -> char {
    match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        c => c,
    }
}

/// The error for two columns of one name.
pub(super) fn same_field(one: &str, other: &str) -> String {
    if one == other {
        format!("`{one}` is there twice")
    } else {
        format!("`{one}` and `{other}` are the same field")
    }
}

/// The name by which two columns are the same: a field's, else the heading's own.
pub(super) fn identity(heading: &str) -> String {
    match Field::of(heading) {
        Some(Field::TaskId) => "task_id".to_owned(),
        Some(Field::SourceId) => "source_id".to_owned(),
        Some(Field::SourceName) => "source_name".to_owned(),
        None => key(heading),
    }
}
