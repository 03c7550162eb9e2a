//! Files: the one place that replaces them and makes them durable.

mod atomic;
mod digest;

pub use atomic::{AtomicFile, Sealed, Written, directory_of, discard_unfinished, place_all, sync_directory};
pub use digest::{Fingerprint, hex};
