//! Markdown as blocks of text, and the markups that ticket systems read instead.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use serde_json::{Value, json};

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Block {
    Paragraph(Vec<Span>),
    List(Vec<Vec<Span>>),
    /// The first row has the headings.
    Table(Vec<Vec<Vec<Span>>>),
}

/// Text in one style.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Span {
    text: String,
    style: Style,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Style {
    Plain,
    Strong,
    Code,
}

impl Span {
    pub(super) fn plain(text: String) -> Self {
        Self { text, style: Style::Plain }
    }

    pub(super) fn strong(text: String) -> Self {
        Self { text, style: Style::Strong }
    }

    pub(super) fn code(text: String) -> Self {
        Self { text, style: Style::Code }
    }
}

/// Parses Markdown. HTML in it is shown as text, and links as their text.
pub(super) fn parse(text: &str) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut spans: Vec<Span> = Vec::new();
    let mut items: Vec<Vec<Span>> = Vec::new();
    let mut rows: Vec<Vec<Vec<Span>>> = Vec::new();
    let mut depth = 0_u32;
    let mut strong = 0_u32;
    let paragraph = |spans: &mut Vec<Span>, blocks: &mut Vec<Block>| {
        if !spans.is_empty() {
            blocks.push(Block::Paragraph(std::mem::take(spans)));
        }
    };
    for event in Parser::new_ext(text, Options::ENABLE_TABLES) {
        let style = if strong > 0 { Style::Strong } else { Style::Plain };
        match event {
            Event::Text(text) | Event::Html(text) | Event::InlineHtml(text) => {
                spans.push(Span { text: text.into_string(), style });
            }
            Event::Code(text) => spans.push(Span::code(text.into_string())),
            Event::SoftBreak | Event::HardBreak => spans.push(Span { text: " ".to_owned(), style }),
            Event::Start(Tag::Strong | Tag::Heading { .. }) => strong += 1,
            Event::End(TagEnd::Strong) => strong = strong.saturating_sub(1),
            Event::End(TagEnd::Heading(_)) => {
                strong = strong.saturating_sub(1);
                paragraph(&mut spans, &mut blocks);
            }
            Event::End(TagEnd::Paragraph) if depth == 0 => paragraph(&mut spans, &mut blocks),
            Event::Start(Tag::List(_)) => depth += 1,
            Event::End(TagEnd::Item) if !spans.is_empty() => items.push(std::mem::take(&mut spans)),
            Event::End(TagEnd::List(_)) => {
                depth = depth.saturating_sub(1);
                if depth == 0 && !items.is_empty() {
                    blocks.push(Block::List(std::mem::take(&mut items)));
                }
            }
            Event::Start(Tag::TableHead | Tag::TableRow) => rows.push(Vec::new()),
            Event::End(TagEnd::TableCell) => {
                if let Some(row) = rows.last_mut() {
                    row.push(std::mem::take(&mut spans));
                }
            }
            Event::End(TagEnd::Table) => blocks.push(Block::Table(std::mem::take(&mut rows))),
            Event::End(TagEnd::CodeBlock | TagEnd::HtmlBlock) => paragraph(&mut spans, &mut blocks),
            _ => {}
        }
    }
    paragraph(&mut spans, &mut blocks);
    blocks
}

fn text_of(spans: &[Span]) -> String {
    let text: String = spans.iter().map(|span| span.text.as_str()).collect();
    text.replace(['\r', '\n'], " ").trim().to_owned()
}

/// As plain text.
pub(super) fn plain(blocks: &[Block]) -> String {
    let parts = blocks.iter().map(|block| match block {
        Block::Paragraph(spans) => text_of(spans),
        Block::List(items) => {
            items.iter().map(|item| format!("- {}", text_of(item))).collect::<Vec<_>>().join("\n")
        }
        Block::Table(rows) => {
            let row = |row: &Vec<Vec<Span>>| {
                row.iter()
                    .map(|cell| text_of(cell))
                    .filter(|cell| !cell.is_empty())
                    .collect::<Vec<_>>()
                    .join(" | ")
            };
            rows.iter().map(row).collect::<Vec<_>>().join("\n")
        }
    });
    parts.collect::<Vec<_>>().join("\n\n") + "\n"
}

/// As HTML.
pub(super) fn html(blocks: &[Block]) -> String {
    let span = |span: &Span| {
        let text = escape_html(&span.text);
        match span.style {
            Style::Plain => text,
            Style::Strong => format!("<strong>{text}</strong>"),
            Style::Code => format!("<code>{text}</code>"),
        }
    };
    let spans = |spans: &[Span]| spans.iter().map(span).collect::<String>();
    let parts = blocks.iter().map(|block| match block {
        Block::Paragraph(text) => format!("<p>{}</p>\n", spans(text)),
        Block::List(items) => {
            let items: String = items.iter().map(|item| format!("<li>{}</li>\n", spans(item))).collect();
            format!("<ul>\n{items}</ul>\n")
        }
        Block::Table(rows) => {
            let row = |(index, row): (usize, &Vec<Vec<Span>>)| {
                let tag = if index == 0 { "th" } else { "td" };
                let cells: String =
                    row.iter().map(|cell| format!("<{tag}>{}</{tag}>", spans(cell))).collect();
                format!("<tr>{cells}</tr>\n")
            };
            format!(
                "<table border=\"1\">\n{}</table>\n",
                rows.iter().enumerate().map(row).collect::<String>()
            )
        }
    });
    format!("<!DOCTYPE html>\n<html><body>\n{}</body></html>\n", parts.collect::<String>())
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

/// As a document of the Atlassian Document Format.
pub(super) fn adf(blocks: &[Block]) -> Value {
    let content: Vec<Value> = blocks.iter().filter_map(adf_block).collect();
    json!({ "version": 1, "type": "doc", "content": content })
}

fn adf_block(block: &Block) -> Option<Value> {
    match block {
        Block::Paragraph(spans) => Some(adf_paragraph(spans)),
        Block::List(items) => {
            let items: Vec<Value> = items
                .iter()
                .map(|item| json!({ "type": "listItem", "content": [adf_paragraph(item)] }))
                .collect();
            (!items.is_empty()).then(|| json!({ "type": "bulletList", "content": items }))
        }
        Block::Table(rows) => {
            let row = |(index, row): (usize, &Vec<Vec<Span>>)| {
                let kind = if index == 0 { "tableHeader" } else { "tableCell" };
                let cell =
                    |cell: &Vec<Span>| json!({ "type": kind, "attrs": {}, "content": [adf_paragraph(cell)] });
                json!({ "type": "tableRow", "content": row.iter().map(cell).collect::<Vec<_>>() })
            };
            let rows: Vec<Value> = rows.iter().enumerate().map(row).collect();
            (!rows.is_empty()).then(|| json!({ "type": "table", "content": rows }))
        }
    }
}

fn adf_paragraph(spans: &[Span]) -> Value {
    let text = |span: &Span| {
        let mark = match span.style {
            Style::Plain => return json!({ "type": "text", "text": span.text }),
            Style::Strong => "strong",
            Style::Code => "code",
        };
        json!({ "type": "text", "text": span.text, "marks": [{ "type": mark }] })
    };
    // A text node must not be empty.
    let content: Vec<Value> = spans.iter().filter(|span| !span.text.is_empty()).map(text).collect();
    json!({ "type": "paragraph", "content": content })
}

/// As Jira's wiki markup.
pub(super) fn wiki(blocks: &[Block]) -> String {
    let span = |span: &Span| {
        let text = escape_wiki(&span.text);
        match span.style {
            Style::Plain => text,
            Style::Strong => format!("*{}*", text.trim()),
            Style::Code => format!("{{{{{text}}}}}"),
        }
    };
    let spans = |spans: &[Span]| spans.iter().map(span).collect::<String>();
    let parts = blocks.iter().map(|block| match block {
        Block::Paragraph(text) => spans(text) + "\n",
        Block::List(items) => items.iter().map(|item| format!("* {}\n", spans(item))).collect(),
        Block::Table(rows) => {
            let row = |(index, row): (usize, &Vec<Vec<Span>>)| {
                let edge = if index == 0 { "||" } else { "|" };
                let cell = |cell: &Vec<Span>| {
                    let text = spans(cell);
                    if text.is_empty() { " ".to_owned() } else { text }
                };
                format!("{edge}{}{edge}\n", row.iter().map(cell).collect::<Vec<_>>().join(edge))
            };
            rows.iter().enumerate().map(row).collect::<String>()
        }
    });
    parts.collect::<Vec<_>>().join("\n")
}

fn escape_wiki(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if matches!(c, '*' | '_' | '{' | '}' | '[' | ']' | '|' | '!' | '~' | '^' | '+' | '?') {
            escaped.push('\\');
        }
        escaped.push(if c.is_control() { ' ' } else { c });
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "**NOT READY: 1 of 2**\n\n- one\n- two `x`\n\n| A | B |\n|---|---:|\n| \\<b\\>x | 2 |\n| y | |\n\n<script>x</script>\n";

    #[test]
    fn markdown_becomes_every_markup() {
        let blocks = parse(TEXT);
        assert_eq!(
            plain(&blocks),
            "NOT READY: 1 of 2\n\n- one\n- two x\n\nA | B\n<b>x | 2\ny\n\n<script>x</script>\n"
        );
        let wiki = wiki(&blocks);
        assert!(
            wiki.starts_with("*NOT READY: 1 of 2*\n\n* one\n* two {{x}}\n\n||A||B||\n|<b>x|2|\n|y| |\n"),
            "{wiki}"
        );
        let html = html(&blocks);
        assert!(html.contains("<td>&lt;b&gt;x</td>") && !html.contains("<script>"), "{html}");
        let document = adf(&blocks);
        assert_eq!(document["content"][0]["content"][0]["marks"][0]["type"], "strong");
        assert!(document.to_string().contains("\"text\":\"<b"), "{document}");
        let text = document.to_string();
        assert!(!text.contains("\"text\":\"\""), "{text}");
    }
}
