//! The comment of a delivery.

use super::blocks::{self, Block, Span};
use super::payload::Payload;

/// A comment to post.
#[derive(Debug, Clone)]
pub struct Comment {
    /// The text about the report, in Markdown.
    pub text: String,
    /// A line for subjects.
    pub headline: String,
    /// Name, size in bytes and SHA-256 of each file.
    pub files: Vec<(String, u64, String)>,
    /// The file name of the manifest.
    pub manifest: String,
    /// The SHA-256 of the manifest: a ticket with a comment that has it needs no other.
    pub mark: String,
}

impl Comment {
    /// The comment about `files`.
    pub fn new(text: String, headline: String, files: &[Payload], manifest: String, mark: String) -> Self {
        let files = files.iter().map(|file| (file.name.clone(), file.size(), file.sha256.clone()));
        Self { text, headline, files: files.collect(), manifest, mark }
    }

    /// The whole comment.
    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut blocks = blocks::parse(&self.text);
        let plain = |text: String| vec![Span::plain(text)];
        if !self.files.is_empty() {
            blocks.push(Block::Paragraph(vec![Span::strong("Attached files".to_owned())]));
            let items = self.files.iter().map(|(name, size, sha256)| {
                vec![Span::plain(format!("{name}: {size} bytes, SHA-256 ")), Span::code(sha256.clone())]
            });
            blocks.push(Block::List(items.collect()));
        }
        blocks.push(Block::Paragraph(plain(self.mark_line())));
        blocks
    }

    fn mark_line(&self) -> String {
        format!("cutover-report manifest {}, SHA-256 {}", self.manifest, self.mark)
    }

    /// As plain text.
    pub(super) fn plain(&self) -> String {
        blocks::plain(&self.blocks())
    }

    /// As Markdown; `link` gives the target of a file's link, if the system has one.
    pub(super) fn markdown(&self, link: impl Fn(&str) -> Option<String>) -> String {
        let mut text = self.text.trim_end().to_owned();
        if !self.files.is_empty() {
            text += "\n\n**Attached files**\n\n";
        }
        for (name, size, sha256) in &self.files {
            let shown = link(name).unwrap_or_else(|| escape(name));
            text += &format!("- {shown}: {size} bytes, SHA-256 `{sha256}`\n");
        }
        format!("{text}\n{}\n", escape(&self.mark_line()))
    }
}

/// Text that Markdown shows as it is.
pub fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for c in text.chars() {
        if matches!(c, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '!' | '@') {
            escaped.push('\\');
        }
        escaped.push(if c.is_control() { ' ' } else { c });
    }
    escaped
}
