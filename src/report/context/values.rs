//! Reads the values of a task's settings. Their form is not documented: every usual form of a list is read.

use serde_json::Value;

/// How often a JSON string may contain another.
const MAX_DEPTH: u8 = 3;

/// The items of a list: a JSON array of strings, a JSON string, or items separated by comma, semicolon, bar or line
/// break, with or without quotes. None if it has another form.
pub(super) fn items(value: &Value) -> Option<Vec<String>> {
    nested(value, MAX_DEPTH)
}

fn nested(value: &Value, depth: u8) -> Option<Vec<String>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(array) => {
            let texts = array.iter().map(|item| item.as_str().map(|text| text.trim().to_owned()));
            let texts: Option<Vec<String>> = texts.collect();
            Some(texts?.into_iter().filter(|text| !text.is_empty()).collect())
        }
        Value::String(text) => {
            let text = text.trim();
            match serde_json::from_str::<Value>(text) {
                Ok(_) if depth == 0 => None,
                Ok(inner) => nested(&inner, depth - 1),
                Err(_) => {
                    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
                    separated(inner.unwrap_or(text))
                }
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

/// Items between separators; in quotes a separator is a part of the item. None if a quote is not closed.
fn separated(text: &str) -> Option<Vec<String>> {
    const SEPARATORS: [char; 5] = [',', ';', '|', '\n', '\r'];
    let mut items = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let quote = rest.chars().next().filter(|first| matches!(first, '"' | '\''));
        let (item, after) = match quote {
            Some(quote) => {
                let (item, after) = rest.strip_prefix(quote)?.split_once(quote)?;
                let after = after.trim_start_matches([' ', '\t']);
                let is_ended = after.is_empty() || after.starts_with(SEPARATORS);
                is_ended.then_some((item, after))?
            }
            None => rest.split_at(rest.find(SEPARATORS).unwrap_or(rest.len())),
        };
        let item = item.trim();
        if !item.is_empty() {
            items.push(item.to_owned());
        }
        rest = after.trim_start_matches(|c: char| c.is_whitespace() || SEPARATORS.contains(&c));
    }
    Some(items)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn lists_are_read_in_every_usual_form() {
        let two = Some(vec!["/a".to_owned(), "/b c".to_owned()]);
        for value in [
            json!(["/a", " /b c "]),
            json!(r#"["/a","/b c"]"#),
            json!(r#""/a,/b c""#),
            json!(r#""[\"/a\",\"/b c\"]""#),
            json!("/a,/b c"),
            json!(" /a ; /b c; "),
            json!("/a|/b c"),
            json!("/a\r\n/b c\n"),
            json!(r#""/a", "/b c""#),
            json!("'/a';'/b c'"),
            json!("['/a', '/b c']"),
        ] {
            assert_eq!(items(&value), two, "{value}");
        }
        for value in [json!(null), json!(""), json!("null"), json!("[]"), json!([]), json!(" , ;")] {
            assert_eq!(items(&value), Some(Vec::new()), "{value}");
        }
        let windows = Some(vec![r"C:\data".to_owned(), r"D:\a,b".to_owned()]);
        for value in
            [json!(["C:\\data", "D:\\a,b"]), json!(r#"["C:\data", "D:\a,b"]"#), json!(r#"C:\data;"D:\a,b""#)]
        {
            assert_eq!(items(&value), windows, "{value}");
        }
        for value in [
            json!(7),
            json!(true),
            json!({"a": 1}),
            json!(["/a", 1]),
            json!("7"),
            json!(r#"{"a":1}"#),
            json!("\"/a"),
        ] {
            assert_eq!(items(&value), None, "{value}");
        }
    }

    proptest! {
        #[test]
        fn written_list_is_read_back(
            names in prop::collection::vec("/[a-z][a-z0-9 ._-]{0,8}[a-z]", 0..6),
            form in 0..7_usize,
        ) {
            let quoted = |quote: char| names.iter().map(|name| format!("{quote}{name}{quote}")).collect::<Vec<_>>();
            let value = match form {
                0 => json!(names),
                1 => json!(serde_json::to_string(&names).unwrap()),
                2 => json!(names.join(",")),
                3 => json!(names.join(" ; ")),
                4 => json!(names.join("\n")),
                5 => json!(quoted('"').join("|")),
                _ => json!(format!("[{}]", quoted('\'').join(", "))),
            };
            prop_assert_eq!(items(&value), Some(names));
        }

        #[test]
        fn no_value_panics(text in any::<String>()) {
            let _ = items(&Value::String(text));
        }
    }
}
