//! Evidence manifests, and the check of the files that they name.

use std::path::PathBuf;
use std::sync::LazyLock;

use super::shared::scratch;
use cutover_report::output::{Finding, Manifest};
use cutover_report::storage::Storage;

static PATH: LazyLock<PathBuf> = LazyLock::new(|| {
    std::fs::write(scratch("report.csv"), "abc").expect("the scratch file can be written");
    scratch("report.manifest.json")
});

pub fn run(data: &[u8]) {
    std::fs::write(&*PATH, data).expect("the scratch file can be written");
    let manifest = match Manifest::read(&PATH, &Storage::default()) {
        Err(error) => return assert!(error.to_string().contains("report.manifest.json"), "{error}"),
        Ok(manifest) => manifest,
    };
    assert_eq!(manifest.text(), data);
    let files: Vec<_> = manifest.files().collect();
    assert!(!files.is_empty() || !manifest.is_complete());
    // Objects would be fetched.
    if files.iter().any(|file| file.name.starts_with("s3:")) {
        return;
    }
    for ((path, finding), file) in manifest.findings().zip(&files) {
        assert_eq!(path, file.path);
        assert!(finding != Finding::Same || file.name.ends_with("report.csv"), "{path:?}");
    }
}
