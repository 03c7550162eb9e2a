//! The documentation: its commands, tables and links are those of the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::read_to_string;
use std::path::{Path, PathBuf};

use cutover_report::model::{Language, Verdict};
use cutover_report::report::{Change, Status};

use crate::support::run;

/// The pages, by path from the root of the repository.
pub(crate) fn pages() -> BTreeMap<PathBuf, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = ["README.md", "README.zh-CN.md", "CONTRIBUTING.md", "SECURITY.md", "deploy/README.md"];
    let mut paths: Vec<PathBuf> = names.iter().map(PathBuf::from).collect();
    for folder in ["docs", "docs/zh"] {
        let Ok(entries) = root.join(folder).read_dir() else { continue };
        let names = entries.map(|entry| Path::new(folder).join(entry.unwrap().file_name()));
        paths.extend(names.filter(|path| path.extension().is_some_and(|suffix| suffix == "md")));
    }
    let pages = paths.into_iter().filter(|path| root.join(path).exists());
    pages.map(|path| (path.clone(), read_to_string(root.join(path)).unwrap())).collect()
}

pub(crate) fn page(path: &str) -> String {
    pages().remove(Path::new(path)).unwrap()
}

/// The lines of the code blocks of a page that call the program, from the program's name on.
fn commands(page: &str) -> Vec<String> {
    let mut in_block = false;
    let mut found = Vec::new();
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if in_block
            && !line.starts_with("ssh-keygen")
            && let Some(at) = line.find("cutover-report ")
        {
            found.push(line[at..].split(" #").next().unwrap_or_default().to_owned());
        }
    }
    found
}

#[test]
fn options_of_documented_commands_exist() {
    let folder = tempfile::tempdir().unwrap();
    let mut help: BTreeMap<String, String> = BTreeMap::new();
    let mut checked = 0;
    for (path, text) in pages() {
        for command in commands(&text) {
            let words: Vec<&str> = command.split_whitespace().skip(1).collect();
            let name = words.iter().find(|word| !word.starts_with('-')).copied().unwrap_or_default();
            let help = help
                .entry(name.to_owned())
                .or_insert_with(|| run(folder.path(), &["help", name]).stdout)
                .as_str();
            assert!(!help.is_empty(), "{}: no command {name}: {command}", path.display());
            for option in words.iter().filter(|word| word.starts_with("--")) {
                let option = option.split('=').next().unwrap_or_default();
                let ends = |rest: &str| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '-');
                let is_known = help.match_indices(option).any(|(at, _)| ends(&help[at + option.len()..]));
                assert!(is_known, "{}: {name} has no option {option}: {command}", path.display());
                checked += 1;
            }
        }
    }
    assert!(checked > 60, "only {checked} options were found");
}

/// The first cells of the rows of the first table below a heading, without backquotes.
fn keys(page: &str, heading: &str) -> Vec<String> {
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let rows =
        section.lines().skip_while(|line| !line.starts_with('|')).take_while(|line| line.starts_with('|'));
    let cells = rows.skip(2).map(|row| row.trim_matches('|').split('|').next().unwrap_or_default());
    cells.map(|cell| cell.trim().replace('`', "")).collect()
}

/// The tables below a heading, each with the cells of its rows.
pub(crate) fn tables(page: &str, heading: &str) -> Vec<Vec<Vec<String>>> {
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap_or_default();
    let mut found: Vec<Vec<Vec<String>>> = Vec::new();
    let mut was_row = false;
    for line in section.lines() {
        let is_row = line.starts_with('|');
        if is_row && !was_row {
            found.push(Vec::new());
        } else if is_row && !line.starts_with("|---") {
            found.last_mut().unwrap().push(cells(line));
        }
        was_row = is_row;
    }
    found
}

/// The cells of a row; a bar in backquotes separates none.
fn cells(row: &str) -> Vec<String> {
    let mut is_code = false;
    let mut found = vec![String::new()];
    for c in row.trim().trim_start_matches('|').trim_end_matches('|').chars() {
        is_code ^= c == '`';
        match found.last_mut() {
            Some(cell) if c != '|' || is_code => cell.push(c),
            _ => found.push(String::new()),
        }
    }
    found.into_iter().map(|cell| cell.trim().to_owned()).collect()
}

/// What a cell has in backquotes.
pub(crate) fn code(cell: &str) -> Vec<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

#[test]
fn tables_of_verdicts_statuses_and_changes_are_complete() {
    let reference = page("docs/reference.md");
    assert_eq!(keys(&reference, "Verdicts"), Verdict::ALL.map(|verdict| verdict.key().to_owned()));
    let statuses = tables(&reference, "Status").remove(0).into_iter().map(|row| code(&row[1]));
    assert_eq!(statuses.collect::<Vec<_>>(), Status::ALL.map(|status| vec![status.key().to_owned()]));
    let changes: BTreeSet<String> =
        keys(&reference, "Changes").join(", ").split(", ").map(str::to_owned).collect();
    assert_eq!(changes, Change::ALL.iter().map(|change| change.key().to_owned()).collect());
}

#[test]
fn table_of_metrics_names_every_metric() {
    let folder = tempfile::tempdir().unwrap();
    let samples = concat!(env!("CARGO_MANIFEST_DIR"), "/samples/tasks.csv");
    let exported = run(folder.path(), &["-q", "export", samples, "--endpoint", "embedded", "-o", "x.prom"]);
    assert_eq!(exported.code, 0, "{}", exported.stderr);
    let text = read_to_string(folder.path().join("x.prom")).unwrap();
    let written: BTreeSet<&str> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE cutover_report_")?.split(' ').next())
        .collect();
    let formats = page("docs/formats.md");
    let documented = keys(&formats, "Metrics").join(", ").replace("{verdict=\"…\"}", "");
    let documented = documented.replace("{version=\"…\"}", "");
    assert_eq!(documented.split(", ").collect::<BTreeSet<_>>(), written);
}

/// What a translation shares with its original, with line numbers: the levels of headings, the code without comments,
/// and the options, keys and values in backquotes of each row of a table.
fn structure(page: &str) -> Vec<(usize, String)> {
    let mut in_block = false;
    let mut found = Vec::new();
    for (line, number) in page.lines().zip(1..) {
        let is_fence = line.trim_start().starts_with("```");
        if is_fence || in_block {
            found.push((number, line.split(" #").next().unwrap_or_default().trim_end().to_owned()));
        } else if line.starts_with('#') {
            found.push((number, line.chars().take_while(|c| *c == '#').collect()));
        } else if line.starts_with('|') {
            let names: BTreeSet<&str> = line.split('`').skip(1).step_by(2).collect();
            found.push((number, format!("row with {names:?}")));
        }
        in_block ^= is_fence;
    }
    found
}

#[test]
fn chinese_pages_have_the_headings_code_and_tables_of_the_english_ones() {
    let pages = pages();
    let mut checked = 0;
    for (path, chinese) in pages.iter().filter(|(path, _)| path.starts_with("docs/zh")) {
        let original = Path::new("docs").join(path.file_name().unwrap());
        let (chinese, english) = (structure(chinese), structure(&pages[&original]));
        for ((line, found), (original_line, expected)) in chinese.iter().zip(&english) {
            let (path, original) = (path.display(), original.display());
            assert_eq!(found, expected, "{path}:{line} differs from {original}:{original_line}");
        }
        assert_eq!(chinese.len(), english.len(), "{} or its original has more", path.display());
        checked += 1;
    }
    assert!(checked >= 2, "only {checked} pages were found");
}

#[test]
fn chinese_reference_has_the_words_of_chinese_reports() {
    let reference = page("docs/zh/reference.md");
    let words = |english| Language::Chinese.text(english);
    let verdicts =
        Verdict::ALL.map(|verdict| format!("| `{}`（{}） |", verdict.key(), words(verdict.label())));
    let statuses = Status::ALL.map(|status| format!("| {} | `{}` |", words(status.label()), status.key()));
    let changes = Change::ALL.map(|change| format!("`{}`（{}）", change.key(), words(change.label())));
    for expected in verdicts.into_iter().chain(statuses).chain(changes) {
        assert!(reference.contains(&expected), "{expected}");
    }
}

/// The anchor of a heading, as GitHub makes it.
fn anchor(heading: &str) -> String {
    let kept = heading
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
        .collect::<String>();
    kept.replace(' ', "-")
}

#[test]
fn links_lead_to_files_and_headings_that_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let pages = pages();
    let mut checked = 0;
    for (path, text) in &pages {
        for (at, _) in text.match_indices("](") {
            let target = text[at + 2..].split([')', ' ']).next().unwrap_or_default();
            if target.contains("://") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let folder = path.parent().unwrap();
            let file = if file.is_empty() { path.clone() } else { folder.join(file) };
            let full = root.join(&file).canonicalize();
            let full = full.unwrap_or_else(|_| panic!("{}: no file {target}", path.display()));
            if !heading.is_empty() {
                let linked = read_to_string(full).unwrap();
                let mut headings = linked.lines().filter(|line| line.starts_with('#'));
                let has = headings.any(|line| anchor(line.trim_start_matches('#')) == heading);
                assert!(has, "{}: no heading {target}", path.display());
            }
            checked += 1;
        }
    }
    assert!(checked > 30, "only {checked} links were found");
}

#[test]
fn readme_fits_180_lines() {
    for (path, text) in pages()
        .iter()
        .filter(|(path, _)| path.starts_with("README.md") || path.starts_with("README.zh-CN.md"))
    {
        assert!(text.lines().count() <= 180, "{}", path.display());
    }
}
