//! Task lists as YAML: a sequence, or the batch-export body.

use std::collections::BTreeMap;

use serde_saphyr::Spanned;

use super::json::Fields;
use super::{Row, Rows};

/// Scalars are read as texts, so `0012` and `1e10` stay what the author wrote.
type Items = Vec<Spanned<Fields<Option<String>>>>;

pub(super) fn read(text: &str) -> Rows {
    let is_body = text.lines().any(|line| line.trim_end() == "task_info:" || line.starts_with("task_info: "));
    let items = if is_body {
        serde_saphyr::from_str::<BTreeMap<String, Items>>(text)
            .map(|mut body| body.remove("task_info").unwrap_or_default())
    } else {
        serde_saphyr::from_str::<Items>(text)
    };
    match items {
        Err(error) => {
            let line = error.location().map(|location| location.line());
            let what = error.without_snippet().to_string();
            Rows::fault(line, format!("is not a sequence of tasks: {what}"))
        }
        Ok(items) => Rows {
            rows: items
                .into_iter()
                .map(|item| Row {
                    line: item.referenced.line(),
                    fields: item
                        .value
                        .0
                        .into_iter()
                        .map(|(name, value)| (name, value.unwrap_or_default()))
                        .collect(),
                })
                .collect(),
            faults: Vec::new(),
        },
    }
}
