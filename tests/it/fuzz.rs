//! The fuzz targets compile with the program, and accept their seeds. `.ci/fuzz` runs them with other inputs.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use toml::{Table, Value};

#[path = "../../fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "a crate of its own")]
mod targets;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz")
}

#[test]
fn every_target_has_seeds_and_accepts_them() {
    let seeds = folder().join("seeds");
    let folders =
        fs::read_dir(&seeds).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names = targets::TARGETS.map(|(name, _)| name.to_owned());
    assert_eq!(folders.collect::<BTreeSet<_>>(), names.into());
    for (name, run) in targets::TARGETS {
        for seed in fs::read_dir(seeds.join(name)).unwrap() {
            let seed = seed.unwrap().path();
            let bytes = fs::read(&seed).unwrap();
            assert!(std::panic::catch_unwind(|| run(&bytes)).is_ok(), "{}", seed.display());
        }
    }
}

/// Here the targets are compiled with the libraries of the program, by `.ci/fuzz` with their own.
#[test]
fn targets_use_the_same_versions_of_libraries_as_the_program() {
    let versions = |manifest: PathBuf| -> BTreeMap<String, String> {
        let manifest: Table = fs::read_to_string(manifest).unwrap().parse().unwrap();
        let version = |value: &Value| value.get("version").unwrap_or(value).as_str().map(str::to_owned);
        let dependencies = manifest["dependencies"].as_table().unwrap().iter();
        dependencies.filter_map(|(name, value)| Some((name.clone(), version(value)?))).collect()
    };
    let program = versions(folder().join("../Cargo.toml"));
    let targets = versions(folder().join("Cargo.toml"));
    let own: Vec<_> = targets.iter().filter(|(name, version)| program.get(*name) != Some(version)).collect();
    assert_eq!(own.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>(), ["libfuzzer-sys"], "{own:?}");
}
