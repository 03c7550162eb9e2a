//! Runs the target that `FUZZ_TARGET` names, with libFuzzer.
#![no_main]

use std::sync::OnceLock;

use cutover_report_fuzz::{TARGETS, Target};
use libfuzzer_sys::fuzz_target;

static TARGET: OnceLock<Target> = OnceLock::new();

fuzz_target!(init: choose(), |data: &[u8]| {
    if let Some((_, run)) = TARGET.get() {
        run(data);
    }
});

fn choose() {
    let chosen = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.into_iter().find(|(name, _)| *name == chosen);
    let names = TARGETS.map(|(name, _)| name).join(" ");
    TARGET.get_or_init(|| found.unwrap_or_else(|| panic!("set FUZZ_TARGET to one of: {names}")));
}
