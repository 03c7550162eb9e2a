//! Bodies that are not JSON: what a page, an XML document or a plain text says.

use super::error_fields::ErrorBody;

/// The longest error message that is kept, in characters.
const MAX_MESSAGE: usize = 500;
/// As much of a body is looked at, in bytes.
const MAX_SCANNED: usize = 64 << 10;
/// The most words of a body that are quoted.
const MAX_WORDS: usize = 60;

/// The error that a body other than JSON describes.
pub(super) fn parse(body: &[u8]) -> ErrorBody {
    let text = scanned(body);
    if !text.trim_start().starts_with('<') {
        return ErrorBody { message: words(&text), ..ErrorBody::default() };
    }
    let markup = Markup::read(&text);
    if markup.is_page() {
        return ErrorBody { message: Some(markup.page()), ..ErrorBody::default() };
    }
    let find = |names: &[&str]| {
        let element = markup.texts.iter().find(|(name, _)| names.contains(&name.as_str()));
        element.map(|(_, text)| text.clone())
    };
    let code = find(&["code", "errorcode", "error_code", "faultcode"]);
    let message = find(&["message", "errormessage", "error_msg", "errormsg", "faultstring", "description"]);
    ErrorBody {
        message: message
            .or_else(|| if code.is_none() { Some(markup.words_or("an XML document")) } else { None }),
        code,
        request_id: find(&["requestid", "request_id"]),
    }
}

/// The title or first words of a page or text; none if there is nothing.
pub fn describe_body(body: &[u8]) -> Option<String> {
    let ErrorBody { code, message, .. } = parse(body);
    let parts: Vec<String> = [code, message].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(": "))
}

/// The first words of a body of any form, on one line; none if there are none.
pub(super) fn first_words(body: &[u8]) -> Option<String> {
    words(&scanned(body))
}

fn scanned(body: &[u8]) -> String {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    String::from_utf8_lossy(body.get(..MAX_SCANNED).unwrap_or(body)).into_owned()
}

fn words(text: &str) -> Option<String> {
    let is_space = |c: char| c.is_whitespace() || c.is_control();
    let words = text.split(is_space).filter(|word| !word.is_empty()).take(MAX_WORDS);
    let words = words.collect::<Vec<_>>().join(" ");
    (!words.is_empty()).then(|| shorten(&words))
}

/// A text on one line, cut to 500 characters.
pub(super) fn shorten(text: &str) -> String {
    let clean = |c: char| if c.is_control() { ' ' } else { c };
    let mut kept: String = text.chars().take(MAX_MESSAGE).map(clean).collect();
    if text.chars().nth(MAX_MESSAGE).is_some() {
        kept.push('…');
    }
    kept
}

/// The elements of an HTML or XML document. Tolerant: documents of proxies are rarely valid.
struct Markup {
    /// The local names of the elements that hold text, in lower case, with their first words.
    texts: Vec<(String, String)>,
    /// Whether an element or declaration of HTML was seen.
    is_html: bool,
}

impl Markup {
    fn read(text: &str) -> Self {
        let mut markup = Self { texts: Vec::new(), is_html: false };
        let mut name = String::new();
        let mut rest = text;
        while let Some((_, after)) = rest.split_once('<') {
            if let Some(content) = after.strip_prefix("![CDATA[") {
                let (content, next) = content.split_once("]]>").unwrap_or((content, ""));
                markup.add(&name, content);
                rest = next;
                continue;
            }
            let end = if after.starts_with("!--") { "-->" } else { ">" };
            let (tag, next) = after.split_once(end).unwrap_or((after, ""));
            let tag = tag.to_ascii_lowercase();
            let is_declared = tag.starts_with("!doctype") && tag.contains("html");
            let local = tag.split(|c: char| c.is_whitespace() || c == '/').next().unwrap_or_default();
            name = local.rsplit(':').next().unwrap_or_default().to_owned();
            markup.is_html |= is_declared || matches!(name.as_str(), "html" | "body" | "title" | "p" | "h1");
            let content = next.split('<').next().unwrap_or_default();
            if !matches!(name.as_str(), "script" | "style") {
                markup.add(&name, &unescape(content));
            }
            rest = next;
        }
        markup
    }

    fn add(&mut self, name: &str, content: &str) {
        if let Some(words) = words(content) {
            self.texts.push((name.to_owned(), words));
        }
    }

    fn is_page(&self) -> bool {
        self.is_html
    }

    fn page(&self) -> String {
        let title = self.texts.iter().find(|(name, _)| name == "title").map(|(_, title)| title.clone());
        let said = title.unwrap_or_else(|| self.words_or(""));
        if said.is_empty() { "an HTML page".to_owned() } else { shorten(&format!("an HTML page: {said}")) }
    }

    fn words_or(&self, nothing: &str) -> String {
        let texts: Vec<&str> = self.texts.iter().map(|(_, text)| text.as_str()).collect();
        words(&texts.join(" ")).unwrap_or_else(|| nothing.to_owned())
    }
}

/// The characters that XML and HTML need escapes for.
fn unescape(text: &str) -> String {
    let escapes =
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&#39;", "'"), ("&nbsp;", " ")];
    let text = escapes.iter().fold(text.to_owned(), |text, (escape, plain)| text.replace(escape, plain));
    text.replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_is_described_by_title_or_first_words() {
        for (body, expected) in [
            (&b"<html><Title>Bad\nGateway</TITLE>"[..], Some("an HTML page: Bad Gateway")),
            (b"<p>", Some("an HTML page")),
            (b"<!DOCTYPE html><body><style>p{}</style><h1>Log in</h1>", Some("an HTML page: Log in")),
            (b" upstream\n \x1b[31mdown ", Some("upstream [31mdown")),
            (b"\xef\xbb\xbfno", Some("no")),
            (b"", None),
            (b" \n", None),
        ] {
            assert_eq!(describe_body(body).as_deref(), expected, "{}", String::from_utf8_lossy(body));
        }
    }

    #[test]
    fn xml_error_gives_code_message_and_request_id() {
        let error = parse(
            b"<?xml version=\"1.0\"?>\n<!-- <Code>x</Code> --><Error><Code>AccessDenied</Code>\
              <Message>a &lt;b&gt; &amp;amp; <![CDATA[c]]></Message><RequestId>r-1</RequestId></Error>",
        );
        assert_eq!(error.code.as_deref(), Some("AccessDenied"));
        assert_eq!(error.message.as_deref(), Some("a <b> &amp;"));
        assert_eq!(error.request_id.as_deref(), Some("r-1"));
        assert_eq!(parse(b"<a:x><b>too</b> many</a:x>").message.as_deref(), Some("too many"));
        assert_eq!(parse(b"<x/>").message.as_deref(), Some("an XML document"));
        assert_eq!(parse(b"<").message.as_deref(), Some("an XML document"));
    }

    #[test]
    fn long_text_is_cut() {
        let long = parse("ü".repeat(100_000).as_bytes()).message.unwrap();
        assert_eq!(long.chars().count(), MAX_MESSAGE + 1);
        let many = parse("word ".repeat(1000).as_bytes()).message.unwrap();
        assert_eq!(many.split(' ').count(), MAX_WORDS);
    }
}
