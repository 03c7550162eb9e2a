//! What a batch export returned. No page says in which format it comes, so it is detected from the bytes.

use serde_json::Value;

/// The kind of a file, detected by its first bytes, else by its content type. Never by a name that the
/// server gives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// An `.xlsx` workbook.
    Workbook,
    /// A zip archive that is no workbook.
    Archive,
    /// Values with separators.
    Csv,
    /// A JSON document that says something.
    Json,
    /// No file: an empty body, or JSON that says no more than `{}` or `"OK"`.
    Nothing,
    /// Anything else, as the page of a proxy.
    Unknown,
}

impl FileKind {
    /// The kind of a body.
    pub fn of(content_type: Option<&str>, body: &[u8]) -> Self {
        let kind = content_type.unwrap_or_default().to_ascii_lowercase();
        if body.starts_with(b"PK\x03\x04") {
            // Every workbook names this part at its end, in the archive's directory.
            let is_workbook = memchr::memmem::rfind(body, b"xl/workbook.xml").is_some();
            return if is_workbook { Self::Workbook } else { Self::Archive };
        }
        if body.trim_ascii().is_empty() {
            return Self::Nothing;
        }
        match serde_json::from_slice::<Value>(body) {
            Ok(document) if says_nothing(&document) => Self::Nothing,
            Ok(Value::Object(_) | Value::Array(_)) => Self::Json,
            Ok(_) if kind.contains("json") => Self::Json,
            _ if kind.contains("csv") || is_table(body) => Self::Csv,
            _ => Self::Unknown,
        }
    }

    /// How the name of such a file ends; none if there is no file.
    pub const fn suffix(self) -> Option<&'static str> {
        match self {
            Self::Workbook => Some("xlsx"),
            Self::Archive => Some("zip"),
            Self::Csv => Some("csv"),
            Self::Json => Some("json"),
            Self::Unknown => Some("bin"),
            Self::Nothing => None,
        }
    }
}

/// Whether a body is lines of text, the first of which has columns.
fn is_table(body: &[u8]) -> bool {
    let is_text = std::str::from_utf8(body).is_ok_and(|text| !text.contains('\0'));
    let first = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    is_text && !body.trim_ascii_start().starts_with(b"<") && first.len() < body.len() && first.contains(&b',')
}

fn says_nothing(document: &Value) -> bool {
    match document {
        Value::Null => true,
        Value::String(text) => matches!(text.trim().to_ascii_lowercase().as_str(), "" | "ok" | "success"),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(_) | Value::Number(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_kind_is_decided_by_bytes_then_content_type() {
        let json = Some("application/json");
        for (kind, content_type, body) in [
            (FileKind::Workbook, json, &b"PK\x03\x04\x14 ... xl/workbook.xml ..."[..]),
            (FileKind::Archive, Some("application/vnd.openxmlformats"), b"PK\x03\x04\x14 a.csv"),
            (FileKind::Csv, Some("text/csv; charset=utf-8"), b"Task ID,Verdict\n"),
            (FileKind::Csv, Some("application/octet-stream"), b"\xef\xbb\xbfTask ID,Verdict\r\na,b\r\n"),
            (FileKind::Csv, json, b"Task ID,Verdict\n"),
            (FileKind::Unknown, None, b"<p>, or\n"),
            (FileKind::Unknown, None, b"Sorry, no file today"),
            (FileKind::Nothing, json, b"\"OK\""),
            (FileKind::Nothing, json, b"true"),
            (FileKind::Json, None, b"{\"path\":\"/x\"}"),
            (FileKind::Json, json, b"\"/obs/x.xlsx\""),
            (FileKind::Nothing, json, b"{}"),
            (FileKind::Nothing, json, b" \n"),
            (FileKind::Nothing, None, b"\"\""),
            (FileKind::Nothing, None, b"null"),
            (FileKind::Unknown, Some("text/html"), b"<html>"),
            (FileKind::Unknown, Some("application/octet-stream"), b"\x00\x01"),
        ] {
            assert_eq!(FileKind::of(content_type, body), kind, "{content_type:?}");
        }
    }
}
