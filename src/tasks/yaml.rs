//! Task lists as YAML: a sequence, or the batch-export body.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::NonFiniteFloatPolicy;
use serde_saphyr::{Error, Span, Spanned};

use super::rows::{Row, Rows};

pub(super) fn read(text: &str) -> Rows {
    // A node takes at least a byte, so a list's own nodes never reach these limits. What aliases repeat is
    // limited apart from them.
    let limit = |least: usize| text.len().max(least);
    let options = serde_saphyr::options! {
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        budget: serde_saphyr::budget! {
            max_nodes: limit(250_000),
            max_events: limit(500_000).saturating_mul(2),
            max_total_scalar_bytes: limit(64 * 1024 * 1024),
        },
    };
    let root = match serde_saphyr::from_str_with_options(text, options) {
        Ok(root) => root,
        Err(error) => {
            let line = error.location().map(|location| location.line());
            return match error.without_snippet() {
                Error::DuplicateMappingKey { key: Some(name), .. } => {
                    Rows::fault(line, format!("`{name}` appears twice"))
                }
                Error::MultipleDocuments { .. } => {
                    Rows::fault(line, "begins a second YAML document; a list has one")
                }
                error => Rows::fault(line, format!("is not valid YAML: {error}")),
            };
        }
    };
    let items = match root {
        Node::Sequence(items) => items,
        Node::Mapping(fields) => match fields.into_iter().find(|(name, _)| name == "task_info") {
            Some((_, Spanned { value: Node::Sequence(items), .. })) => items,
            Some((_, Spanned { value: Node::Null, .. })) => Vec::new(),
            Some((_, node)) => return Rows::fault(node.referenced.line(), "`task_info` is not a sequence"),
            None => return Rows::fault(1, "has no `task_info`, and is not a sequence of tasks"),
        },
        Node::Null => Vec::new(),
        Node::Text(_) | Node::Plain => return Rows::fault(1, "is not a sequence of tasks"),
    };
    let mut rows = Rows::default();
    for item in items {
        add(&mut rows, text, item);
    }
    rows
}

/// Whether a text of unknown format begins as a sequence does, or names `task_info`.
pub(super) fn is_likely(text: &str) -> bool {
    let mut lines = text.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#'));
    let names_task_info = |line: &str| {
        line.split_once(':').is_some_and(|(name, _)| name.trim_matches(['"', '\'', ' ']) == "task_info")
    };
    lines
        .clone()
        .next()
        .is_some_and(|first| first == "-" || first.starts_with("- ") || first.starts_with("---"))
        || lines.any(names_task_info)
}

fn add(rows: &mut Rows, text: &str, item: Spanned<Node>) {
    let line = item.referenced.line();
    let Node::Mapping(fields) = item.value else {
        return rows.faults.push((Some(line), "is not a task; write `task_id: …`".to_owned()));
    };
    let mut row = Row::new(line);
    let known_faults = rows.faults.len();
    for (name, node) in fields {
        let text = match node.value {
            Node::Null => Some(String::new()),
            Node::Text(text) => Some(text),
            Node::Plain => written(text, node.defined.span()).map(str::to_owned),
            Node::Sequence(_) | Node::Mapping(_) => None,
        };
        match text {
            Some(text) => row.fields.push((name.into(), text)),
            None => rows
                .faults
                .push((Some(node.referenced.line()), format!("`{name}` must be one string or number"))),
        }
    }
    if rows.faults.len() == known_faults {
        rows.rows.push(row);
    }
}

/// A scalar as it is written.
fn written(text: &str, span: Span) -> Option<&str> {
    let start = usize::try_from(span.byte_offset()?).ok()?;
    let length = usize::try_from(span.byte_len()?).ok()?;
    text.get(start..start.checked_add(length)?)
}

/// A node of the document.
enum Node {
    Null,
    Text(String),
    /// A number or a truth value to YAML. Its text is what the author wrote: `0012`, `1e10`, `yes`.
    Plain,
    Sequence(Vec<Spanned<Node>>),
    Mapping(Vec<(String, Spanned<Node>)>),
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Node, E> {
        Ok(Node::Null)
    }

    fn visit_str<E>(self, text: &str) -> Result<Node, E> {
        Ok(Node::Text(text.to_owned()))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Node, E> {
        Ok(Node::Plain)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Node, E> {
        Ok(Node::Plain)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Node, E> {
        Ok(Node::Plain)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Node, E> {
        Ok(Node::Plain)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Node, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = sequence.next_element()? {
            items.push(item);
        }
        Ok(Node::Sequence(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut mapping: A) -> Result<Node, A::Error> {
        let mut fields = Vec::new();
        while let Some(field) = mapping.next_entry()? {
            fields.push(field);
        }
        Ok(Node::Mapping(fields))
    }
}
