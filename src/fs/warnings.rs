//! Warnings about files that are in place all the same.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

static WARNINGS: Mutex<Warnings> = Mutex::new(Warnings { pending: Vec::new(), seen: BTreeSet::new() });

struct Warnings {
    pending: Vec<String>,
    seen: BTreeSet<String>,
}

/// Records a warning for the user, once for each text.
pub fn warn(text: String) {
    let mut warnings = WARNINGS.lock().unwrap_or_else(PoisonError::into_inner);
    if warnings.seen.insert(text.clone()) {
        warnings.pending.push(text);
    }
}

/// The warnings since the last call, in their order.
pub fn take_warnings() -> Vec<String> {
    std::mem::take(&mut WARNINGS.lock().unwrap_or_else(PoisonError::into_inner).pending)
}
