//! The format version, counts and writer of all JSON documents.

use std::io::Write;

use serde::{Serialize, Serializer};

use crate::output::error::Cause;

/// The version of the documents' format.
pub(in crate::output) const FORMAT: u32 = 1;

/// Writes a document, indented and with a newline at its end.
pub(in crate::output) fn write_json(document: &impl Serialize, to: &mut dyn Write) -> Result<(), Cause> {
    serde_json::to_writer_pretty(&mut *to, document)?;
    Ok(to.write_all(b"\n")?)
}

/// The number of tasks by verdict or by change.
pub(in crate::output) struct Counts<K>(pub(in crate::output) Vec<(K, usize)>);

impl<K: Serialize> Serialize for Counts<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, count)| (key, count)))
    }
}
