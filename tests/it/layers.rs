//! The layers of modules: no module imports a higher layer, and there are no import cycles between files.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The layers, lowest first. Modules of one layer do not import each other; each may import the modules listed beside
/// it.
const LAYERS: [(&[&str], &[&str]); 15] = [
    (&["model"], &[]),
    (&["threads"], &["model"]),
    (&["fs"], &["model"]),
    (&["sshsig"], &["model"]),
    (&["answer", "net"], &["model", "threads"]),
    (&["sms", "storage"], &["model", "threads", "fs", "answer", "net"]),
    (&["journal"], &["model", "threads", "fs", "answer"]),
    (&["service"], &["model", "threads", "answer", "sms"]),
    (&["tasks", "report"], &["model", "threads", "fs", "answer", "sms", "journal"]),
    (&["fetch"], &["model", "answer", "sms", "journal"]),
    (&["output"], &["model", "threads", "fs", "sshsig", "journal", "storage", "report"]),
    (&["delivery"], &["model", "threads", "fs", "answer", "net", "sms", "storage", "report", "output"]),
    (&["cli"], &["model", "sms", "service", "tasks", "report"]),
    (
        &["app"],
        &[
            "model", "threads", "fs", "sshsig", "answer", "net", "sms", "journal", "storage", "service",
            "tasks", "report", "fetch", "output", "delivery", "cli",
        ],
    ),
    (
        &["commands"],
        &[
            "model", "threads", "fs", "sshsig", "answer", "sms", "journal", "storage", "service", "tasks",
            "report", "fetch", "output", "cli", "app",
        ],
    ),
];

/// A module's path from the crate root, as in `["output", "xlsx"]`.
type Module = Vec<String>;

/// Every module file with its text, by module path; `main.rs` and files of tests only are left out.
fn modules(root: &Path) -> BTreeMap<Module, String> {
    fn add(folder: &Path, prefix: &Module, found: &mut BTreeMap<Module, String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            if path.is_dir() && name == "tests" {
                continue;
            } else if path.is_dir() {
                let prefix = [prefix.as_slice(), &[name]].concat();
                add(&path, &prefix, found);
            } else if path.extension().is_some_and(|suffix| suffix == "rs") {
                let module = match name.as_str() {
                    "mod" | "lib" => prefix.clone(),
                    "main" | "tests" => continue,
                    _ => [prefix.as_slice(), &[name]].concat(),
                };
                found.insert(module, std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    add(root, &Vec::new(), &mut found);
    found
}

/// The code without comments and string literals.
fn code(text: &str) -> String {
    let mut code = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['/', '"', '\'']) {
        code.push_str(&rest[..at]);
        rest = &rest[at..];
        rest = if rest.starts_with("//") {
            rest.find('\n').map_or("", |end| &rest[end..])
        } else if let Some(literal) = rest.strip_prefix("'\"'") {
            literal
        } else if let Some(literal) = rest.strip_prefix("'\\\"'") {
            literal
        } else if let Some(literal) = rest.strip_prefix('"') {
            let hashes = code.len() - code.trim_end_matches('#').len();
            if code.trim_end_matches('#').ends_with('r') {
                let end = format!("\"{}", "#".repeat(hashes));
                literal.split_once(end.as_str()).map_or("", |(_, after)| after)
            } else {
                let mut escaped = false;
                let end = literal.char_indices().find(|(_, c)| {
                    let ends = *c == '"' && !escaped;
                    escaped = *c == '\\' && !escaped;
                    ends
                });
                end.map_or("", |(end, _)| &literal[end + 1..])
            }
        } else {
            code.push_str(&rest[..1]);
            &rest[1..]
        };
    }
    code + rest
}

/// The paths of a use tree at the start of `text`, as in `crate::model::{Task, shard::Shard}`, and what follows it.
fn paths(mut text: &str) -> (Vec<Vec<String>>, &str) {
    let mut path: Vec<String> = Vec::new();
    loop {
        text = text.trim_start();
        if let Some(mut inner) = text.strip_prefix('{') {
            let mut all = Vec::new();
            loop {
                inner = inner.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
                if let Some(after) = inner.strip_prefix('}') {
                    return (all, after);
                }
                let (branches, after) = paths(inner);
                all.extend(branches.into_iter().map(|branch| [path.as_slice(), &branch].concat()));
                inner = after.trim_start_matches(|c: char| !matches!(c, ',' | '}'));
                assert!(!inner.is_empty(), "a use tree without an end");
            }
        }
        let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
        path.push(text[..end].to_owned());
        text = &text[end..];
        match text.trim_start().strip_prefix("::") {
            Some(after) if end > 0 => text = after,
            _ => return (vec![path], text),
        }
    }
}

/// The modules that the code of `module` names by a path from `crate`, `super` or `self`, or declares.
fn uses(module: &Module, text: &str, known: &BTreeSet<Module>) -> BTreeSet<Module> {
    let code = code(text);
    let mut used = BTreeSet::new();
    let mut resolve = |path: &[String], depth: usize| {
        let mut path = path.iter().map(String::as_str).peekable();
        let mut at = module.clone();
        match path.next() {
            Some("crate") => at.clear(),
            // In a module within the file, the first `super` is the file itself.
            Some("super") if depth == 0 => drop(at.pop()),
            _ => {}
        }
        while path.next_if_eq(&"super").is_some() {
            at.pop();
        }
        while let Some(next) = path.peek() {
            let below = [at.as_slice(), &[(*next).to_owned()]].concat();
            if !known.contains(&below) {
                break;
            }
            at = below;
            path.next();
        }
        if at != *module {
            used.insert(at);
        }
    };
    let inner = code.find("mod tests {").unwrap_or(code.len());
    for (start, root) in ["crate::", "super::", "self::"].iter().flat_map(|root| code.match_indices(root)) {
        let before = code[..start].chars().next_back();
        // A visibility, as in `pub(in crate::report)`, is not an import.
        if code[..start].ends_with("(in ")
            || before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | ':' | '$'))
        {
            continue;
        }
        let depth = usize::from(start > inner && root != "crate::");
        paths(&code[start..]).0.iter().for_each(|path| resolve(path, depth));
    }
    for (start, _) in code.match_indices("mod ") {
        let name = code[start + "mod ".len()..].split(';').next().unwrap_or_default();
        if known.contains(&[module.as_slice(), &[name.to_owned()]].concat()) {
            resolve(&["self".to_owned(), name.to_owned()], 0);
        }
    }
    used
}

/// The violations in `modules`, one per line.
fn violations(modules: &BTreeMap<Module, String>) -> Vec<String> {
    let known: BTreeSet<Module> = modules.keys().cloned().collect();
    let graph: BTreeMap<&Module, BTreeSet<Module>> =
        modules.iter().map(|(module, text)| (module, uses(module, text, &known))).collect();
    let mut found = Vec::new();
    for (module, used) in graph.iter().filter(|(module, _)| !module.is_empty()) {
        let layer = LAYERS.iter().find(|(names, _)| names.contains(&module[0].as_str()));
        let Some((_, allowed)) = layer else {
            found.push(format!("{} has no layer", module.join("::")));
            continue;
        };
        for other in used.iter().filter(|other| !other.is_empty() && other[0] != module[0]) {
            if !allowed.contains(&other[0].as_str()) {
                found.push(format!("{} uses {}", module.join("::"), other.join("::")));
            }
        }
        for other in used {
            if module.len() > 1 && reaches(&graph, other, module, &mut BTreeSet::new()) {
                found.push(format!("{} uses {}, which uses it", module.join("::"), other.join("::")));
            }
        }
    }
    found
}

/// Whether `from` uses `to`, directly or through other modules of the same top module.
fn reaches(
    graph: &BTreeMap<&Module, BTreeSet<Module>>,
    from: &Module,
    to: &Module,
    seen: &mut BTreeSet<Module>,
) -> bool {
    from.first() == to.first()
        && seen.insert(from.clone())
        && graph
            .get(from)
            .is_some_and(|used| used.contains(to) || used.iter().any(|next| reaches(graph, next, to, seen)))
}

#[test]
fn modules_import_only_lower_layers_and_have_no_cycles() {
    let modules = modules(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(modules.len() > 100, "only {} modules were found", modules.len());
    assert_eq!(violations(&modules), Vec::<String>::new());
}

#[test]
fn planted_violations_are_found() {
    let planted = |files: &[(&str, &str)]| {
        let module =
            |path: &str| path.split("::").filter(|name| !name.is_empty()).map(str::to_owned).collect();
        let modules = files.iter().map(|(path, text)| (module(path), (*text).to_owned())).collect();
        violations(&modules).join("; ")
    };
    for (text, expected) in [
        ("use crate::model::Task;", ""),
        ("// use crate::commands::run;", ""),
        ("const TEXT: &str = \"crate::commands::run\";", ""),
        ("use crate::commands::run;", "answer uses commands"),
        ("fn f() { crate::commands::run() }", "answer uses commands"),
        ("#[cfg(test)]\nmod a {}\nuse crate::{model::Task, commands::{run}};", "answer uses commands"),
        ("const RAW: &str = r#\"a \"quote\" and crate::commands::x\"#;", ""),
        ("const RAW: &str = r\"\\\"; use crate::commands::run;", "answer uses commands"),
        ("const QUOTE: char = '\"'; use crate::commands::run;", "answer uses commands"),
        ("use super::commands::run;", "answer uses commands"),
        ("pub(in crate::commands) fn f() {}", ""),
    ] {
        assert_eq!(planted(&[("model", ""), ("commands", ""), ("answer", text)]), expected, "{text}");
    }
    let child_of_dispatcher = planted(&[("fs", "mod atomic;"), ("fs::atomic", "use super::Written;")]);
    assert_eq!(child_of_dispatcher, "fs::atomic uses fs, which uses it");
    let circle = planted(&[
        ("fs", ""),
        ("fs::atomic", "use super::lock::Lock;"),
        ("fs::lock", "use super::digest::hex;"),
        ("fs::digest", "use crate::fs::atomic::Written;"),
    ]);
    assert!(circle.contains("fs::atomic uses fs::lock, which uses it"), "{circle}");
    let tests = planted(&[
        ("fs", "mod atomic;"),
        ("fs::atomic", "mod tests {\n use super::*;\n use super::super::x; }"),
    ]);
    assert_eq!(tests, "fs::atomic uses fs, which uses it");
    assert_eq!(planted(&[("elsewhere", "")]), "elsewhere has no layer");
}
