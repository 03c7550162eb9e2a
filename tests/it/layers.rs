//! The direction of the data: no module uses one to its right.

use std::path::Path;

/// From left to right. Modules of one layer know nothing of each other; each may use the modules named beside it.
const LAYERS: [(&[&str], &[&str]); 11] = [
    (&["model"], &[]),
    (&["fs"], &["model"]),
    (&["answer"], &["model"]),
    (&["sms", "journal", "storage"], &["model", "fs", "answer"]),
    (&["service"], &["model", "answer", "sms"]),
    (&["tasks", "report"], &["model", "fs", "answer", "sms", "journal"]),
    (&["fetch"], &["model", "answer", "sms", "journal"]),
    (&["output"], &["model", "fs", "journal", "storage", "report"]),
    (&["cli"], &["model", "report", "service"]),
    (
        &["app"],
        &[
            "model", "fs", "answer", "sms", "journal", "storage", "service", "tasks", "report", "fetch",
            "output", "cli",
        ],
    ),
    (
        &["commands"],
        &[
            "model", "fs", "answer", "sms", "journal", "storage", "service", "tasks", "report", "fetch",
            "output", "cli", "app",
        ],
    ),
];

fn sources(folder: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|suffix| suffix == "rs") && !path.ends_with("tests.rs") {
            found.push((path.display().to_string(), std::fs::read_to_string(&path).unwrap()));
        }
    }
    found
}

#[test]
fn every_module_uses_those_to_its_left_alone() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    for (modules, allowed) in LAYERS {
        for module in modules {
            for (path, text) in sources(&src.join(module)) {
                let code = text.split("#[cfg(test)]").next().unwrap();
                for (line, used) in
                    code.lines().filter_map(|line| Some((line, line.split_once("crate::")?.1)))
                {
                    let used = used.split(|c: char| !c.is_alphanumeric()).next().unwrap();
                    assert!(used == *module || allowed.contains(&used), "{path}: {}", line.trim());
                    seen += 1;
                }
            }
        }
    }
    assert!(seen > 50, "only {seen} uses were found, so the test looks in the wrong place");
    let modules: usize = LAYERS.iter().map(|(modules, _)| modules.len()).sum();
    let folders =
        std::fs::read_dir(src).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
    assert_eq!(modules, folders, "every module has its layer");
}
