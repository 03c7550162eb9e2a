//! Messages in Chinese. Code writes messages in English, and logs keep them; the files of `templates/messages/zh` have a
//! Chinese template for each English one. A message is translated by finding the template that it was made of.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::words;

const FILES: [&str; 6] = [
    include_str!("../../../templates/messages/zh/connection.txt"),
    include_str!("../../../templates/messages/zh/help.txt"),
    include_str!("../../../templates/messages/zh/lists.txt"),
    include_str!("../../../templates/messages/zh/others.txt"),
    include_str!("../../../templates/messages/zh/outputs.txt"),
    include_str!("../../../templates/messages/zh/runs.txt"),
];
/// A longer text is not a message of this program; parts of it are not searched for templates.
const MAX_BYTES: usize = 4000;
/// Maximum depth of messages in messages.
const MAX_DEPTH: usize = 6;
/// Maximum number of ways in which a template is fitted to a text.
const MAX_WAYS: usize = 6;
/// Where the values of two holes without a text between them may meet.
const SEAMS: [&str; 4] = ["; ", ", ", " (", " and "];

/// A part of a template.
#[derive(Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Hole(String),
}

/// An English template and its translation.
struct Entry {
    /// The texts around the holes: one more than there are holes.
    texts: Vec<String>,
    /// For each hole, whether the translation has its value translated too, as in `{what!}`.
    is_message: Vec<bool>,
    chinese: Vec<Part>,
    /// The names of the holes.
    holes: Vec<String>,
    /// The number of letters in `texts`; a template without any only joins other messages.
    letters: usize,
}

impl Entry {
    fn new(english: &str, chinese: &str) -> Self {
        let (mut texts, mut holes) = (vec![String::new()], Vec::new());
        for part in parts(english) {
            match part {
                Part::Text(text) => texts.last_mut().into_iter().for_each(|last| last.push_str(&text)),
                Part::Hole(name) => {
                    holes.push(name);
                    texts.push(String::new());
                }
            }
        }
        let chinese = parts(chinese);
        let is_message =
            holes.iter().map(|name| chinese.iter().any(|part| *part == Part::Hole(format!("{name}!"))));
        Self {
            is_message: is_message.collect(),
            chinese,
            letters: texts.iter().map(|text| letters(text)).sum(),
            texts,
            holes,
        }
    }

    /// The values of the holes, for each way in which the template fits.
    fn fit<'t>(&self, text: &'t str) -> Vec<Vec<&'t str>> {
        let Some((first, rest)) = self.texts.split_first() else { return Vec::new() };
        let mut ways = Vec::new();
        match (text.strip_prefix(first.as_str()), rest.last()) {
            (Some(text), Some(last)) if text.ends_with(last.as_str()) => {
                fit(rest, text, &mut Vec::new(), &mut ways);
            }
            _ => {}
        }
        ways
    }

    /// The translation with these values of the holes.
    fn fill(&self, values: &[String]) -> String {
        let text = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Hole(name) => {
                let name = name.trim_end_matches('!');
                let index = self.holes.iter().position(|hole| hole == name);
                index.and_then(|index| values.get(index)).cloned().unwrap_or_default()
            }
        };
        self.chinese.iter().map(text).collect()
    }
}

fn letters(text: &str) -> usize {
    text.chars().filter(char::is_ascii_alphabetic).count()
}

/// Fits the texts after each hole.
fn fit<'t>(texts: &[String], text: &'t str, values: &mut Vec<&'t str>, ways: &mut Vec<Vec<&'t str>>) {
    let Some((next, rest)) = texts.split_first() else { return };
    if rest.is_empty() {
        if let Some(value) = text.strip_suffix(next.as_str()) {
            ways.push([values.as_slice(), &[value]].concat());
        }
        return;
    }
    let starts: Vec<usize> = if next.is_empty() {
        let seams = SEAMS.iter().flat_map(|seam| text.match_indices(seam));
        std::iter::once(text.len()).chain(seams.map(|(at, _)| at)).chain([0]).collect()
    } else {
        text.match_indices(next.as_str()).map(|(at, _)| at).collect()
    };
    for at in starts {
        if ways.len() >= MAX_WAYS {
            return;
        }
        let (Some(value), Some(after)) = (text.get(..at), text.get(at + next.len()..)) else { continue };
        values.push(value);
        fit(rest, after, values, ways);
        values.pop();
    }
}

/// The parts of a template of `format!`. A hole without a name is named by its number.
fn parts(template: &str) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut unnamed = 0;
    let mut rest = template;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at(at);
        text.push_str(before);
        if let Some(after) = from.strip_prefix("{{").or_else(|| from.strip_prefix("}}")) {
            text.extend(from.chars().next());
            rest = after;
            continue;
        }
        let Some((name, after)) = from.strip_prefix('{').and_then(|from| from.split_once('}')) else {
            text.push_str(from);
            rest = "";
            continue;
        };
        rest = after;
        let (name, mark) = name.strip_suffix('!').map_or((name, ""), |name| (name, "!"));
        let name = name.split(':').next().unwrap_or_default();
        let name = if name.is_empty() { unnamed.to_string() } else { name.to_owned() };
        unnamed += usize::from(name == unnamed.to_string());
        parts.push(Part::Text(std::mem::take(&mut text)));
        parts.push(Part::Hole(name + mark));
    }
    text.push_str(rest);
    parts.push(Part::Text(text));
    parts
}

/// The templates of a file: a line in English, and one in Chinese that begins with `= `.
fn pairs(file: &str) -> impl Iterator<Item = (&str, &str)> + Clone {
    let lines = file.lines().zip(file.lines().skip(1));
    lines.filter_map(|(english, chinese)| Some((english, chinese.strip_prefix("= ")?)))
}

/// All templates, as they are looked for.
struct Catalogue {
    /// The translations of templates without holes.
    whole: HashMap<String, String>,
    /// Templates with holes, by the byte that they begin with, or none if they begin with a hole.
    by_start: HashMap<Option<u8>, Vec<Entry>>,
}

impl Catalogue {
    fn new() -> Self {
        let pairs = FILES.into_iter().flat_map(pairs);
        // What is appended to messages, also if the messages were split before it.
        let parts = pairs.clone().filter_map(|(english, chinese)| {
            Some((english.strip_prefix("; ")?, chinese.strip_prefix('；')?))
        });
        let mut catalogue = Self { whole: HashMap::new(), by_start: HashMap::new() };
        for (english, chinese) in pairs.chain(parts) {
            let entry = Entry::new(english, chinese);
            match entry.texts.as_slice() {
                [text] => {
                    catalogue.whole.entry(text.clone()).or_insert_with(|| entry.fill(&[]));
                }
                texts => {
                    let start = texts.first().and_then(|text| text.bytes().next());
                    catalogue.by_start.entry(start).or_default().push(entry);
                }
            }
        }
        catalogue
    }

    fn get() -> &'static Self {
        static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
        CATALOGUE.get_or_init(Self::new)
    }

    /// The translation of a message that has no values.
    fn whole(&self, message: &str) -> Option<&str> {
        words::chinese(message).or_else(|| self.whole.get(message).map(String::as_str))
    }

    /// The templates with holes that may fit a message.
    fn with_holes(&self, message: &str) -> impl Iterator<Item = &Entry> {
        [message.bytes().next(), None].into_iter().filter_map(|start| self.by_start.get(&start)).flatten()
    }
}

/// The message in Chinese; none if no template fits it.
pub(super) fn chinese(message: &str) -> Option<String> {
    let translated = Translator::default().translate(message, MAX_DEPTH)?;
    Some(translated.text)
}

#[derive(Debug, Clone)]
struct Translated {
    text: String,
    /// The number of letters of the message that templates have.
    letters: usize,
    /// The number of templates.
    templates: usize,
}

impl Translated {
    /// Whether it is better than another: more is translated, or as much by fewer templates, so that more of a value with
    /// punctuation stays as it is.
    fn is_better(&self, other: &Self) -> bool {
        (self.letters, other.templates) > (other.letters, self.templates)
    }
}

/// Translates the parts of one message, each once.
#[derive(Default)]
struct Translator<'t>(HashMap<(&'t str, usize), Option<Translated>>);

impl<'t> Translator<'t> {
    fn translate(&mut self, message: &'t str, depth: usize) -> Option<Translated> {
        let message = message.trim_start();
        if message.is_empty() || message.len() > MAX_BYTES || depth == 0 {
            return None;
        }
        if let Some(known) = self.0.get(&(message, depth)) {
            return known.clone();
        }
        let catalogue = Catalogue::get();
        if let Some(chinese) = catalogue.whole(message) {
            return Some(Translated { text: chinese.to_owned(), letters: letters(message), templates: 1 });
        }
        let mut best: Option<Translated> = None;
        for entry in catalogue.with_holes(message) {
            for values in entry.fit(message) {
                let found = self.with(entry, &values, depth);
                if let Some(found) = found
                    && best.as_ref().is_none_or(|best| found.is_better(best))
                {
                    best = Some(found);
                }
            }
        }
        self.0.insert((message, depth), best.clone());
        best
    }

    fn with(&mut self, entry: &Entry, values: &[&'t str], depth: usize) -> Option<Translated> {
        let mut found = Translated { text: String::new(), letters: entry.letters, templates: 1 };
        let mut texts = Vec::new();
        for (value, is_message) in values.iter().copied().zip(&entry.is_message) {
            let translated = if *is_message { self.translate(value, depth - 1) } else { None };
            texts.push(match translated {
                Some(translated) => {
                    found.letters += translated.letters;
                    found.templates += translated.templates;
                    translated.text
                }
                None => value.to_owned(),
            });
        }
        (found.letters > 0).then(|| Translated { text: entry.fill(&texts), ..found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_name_the_holes_and_keep_braces() {
        let text = |text: &str| Part::Text(text.to_owned());
        let hole = |name: &str| Part::Hole(name.to_owned());
        assert_eq!(
            parts("{} of {{date}} {what:>4} {0!}"),
            [text(""), hole("0"), text(" of {date} "), hole("what"), text(" "), hole("0!"), text("")]
        );
        assert_eq!(parts("a } b {"), [text("a } b {")]);
    }

    #[test]
    fn every_line_of_the_files_is_a_template_a_translation_or_a_comment() {
        for file in FILES {
            let mut before = "";
            for line in file.lines() {
                let is_translation = line.starts_with("= ");
                let was_english = !before.is_empty() && !before.starts_with('#') && !before.starts_with("= ");
                assert_eq!(is_translation, was_english, "{before}\n{line}");
                before = line;
            }
        }
    }

    #[test]
    fn templates_are_unique_and_have_the_holes_of_their_translations() {
        let all: Vec<(&str, &str)> = FILES.into_iter().flat_map(pairs).collect();
        let mut seen: HashMap<Vec<String>, &str> = HashMap::new();
        for (english, chinese) in all {
            let entry = Entry::new(english, chinese);
            let names = |parts: &[Part]| {
                let names = parts.iter().filter_map(|part| match part {
                    Part::Hole(name) => Some(name.trim_end_matches('!').to_owned()),
                    Part::Text(_) => None,
                });
                names.collect::<std::collections::BTreeSet<_>>()
            };
            assert_eq!(names(&parts(english)), names(&entry.chinese), "{english}\n{chinese}");
            assert!(entry.letters > 0 || entry.is_message.contains(&true), "{english}");
            if let Some(other) = seen.insert(entry.texts, english) {
                panic!("the same template twice: {other} | {english}");
            }
        }
    }

    /// Full-width marks in Chinese, and no space between Chinese and Latin letters or digits.
    #[test]
    fn translations_follow_the_style() {
        let is_han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
        for (_, chinese) in FILES.into_iter().flat_map(pairs) {
            let characters: Vec<char> = chinese.chars().collect();
            for window in characters.windows(2) {
                let [one, two] = window else { continue };
                let is_wrong =
                    is_han(*one) && ",;:!?()".contains(*two) || ",;:!?()".contains(*one) && is_han(*two);
                assert!(!is_wrong, "half-width mark: {chinese}");
            }
            for window in characters.windows(3) {
                let [one, ' ', three] = window else { continue };
                let is_wrong = is_han(*one) && (is_han(*three) || three.is_ascii_digit())
                    || one.is_ascii_digit() && is_han(*three);
                assert!(!is_wrong, "space: {chinese}");
            }
            assert!(!chinese.contains('您') && !chinese.contains("帐号"), "{chinese}");
        }
    }

    #[test]
    fn message_in_messages_is_translated_and_values_are_not() {
        let zh = |text: &str| chinese(text).unwrap_or_else(|| text.to_owned());
        assert_eq!(
            zh("cannot read config file no such host.toml: No such file or directory; check --config"),
            "无法读取配置文件no such host.toml：文件或目录不存在。请检查 --config"
        );
        assert_eq!(zh("wave-3.csv:14: task_id is empty"), "wave-3.csv:14：task_id为空。请补全后重试");
        assert_eq!(
            zh("error: x; no response: No such file or directory"),
            "错误：x; no response：文件或目录不存在"
        );
        assert_eq!(zh("a text that nobody wrote"), "a text that nobody wrote");
        assert_eq!(zh("web: a text that nobody wrote"), "web: a text that nobody wrote");
    }

    #[test]
    fn hostile_message_is_translated_in_bounded_time() {
        for text in ["; ", ": ", "a: ", " (", "\u{4e2d}; "] {
            let _ = chinese(&text.repeat(MAX_BYTES / text.len()));
            let _ = chinese(&text.repeat(MAX_BYTES));
        }
    }
}
