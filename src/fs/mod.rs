//! Files: the one place that replaces, syncs and locks them, and holds temporary ones.

mod atomic;
mod digest;
mod lock;
mod path;
mod scratch;
mod warnings;

pub use atomic::{AtomicFile, Sealed, Written, place_all, sync_directory};
pub use digest::Fingerprint;
pub use lock::{FileLock, LockError, lock_path};
pub use path::{NotRegular, check_regular, directory_of, is_at, metadata_at, resolve};
pub use scratch::{Scratch, discard_unfinished, remove_abandoned};
pub use warnings::{take_warnings, warn};
