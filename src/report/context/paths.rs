//! Compares directories as the operating system of a task does.

/// The operating system of a source server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum System {
    Windows,
    Posix,
    /// Not known: the form of each path says which it is.
    Unknown,
}

impl System {
    /// The system that the service names, as in `WINDOWS`.
    pub(super) fn named(name: Option<&str>) -> Self {
        match name.map(|name| name.trim().to_uppercase()) {
            Some(name) if name.starts_with("WIN") => Self::Windows,
            Some(name) if name.is_empty() => Self::Unknown,
            Some(_) => Self::Posix,
            None => Self::Unknown,
        }
    }
}

/// Whether a text is an absolute path of any system.
pub(super) fn is_absolute(text: &str) -> bool {
    text.starts_with('/') || text.starts_with('\\') || has_drive(text)
}

/// Whether a path begins as in `C:`.
fn has_drive(path: &str) -> bool {
    let mut characters = path.chars();
    characters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && characters.next() == Some(':')
        && characters.next().is_none_or(|next| matches!(next, '/' | '\\'))
}

/// A path in the form for comparison: a character for its root, then each name with a separator after it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key(String);

impl Key {
    pub(super) fn new(path: &str, system: System) -> Self {
        let path = path.trim();
        let is_windows = match system {
            System::Windows => true,
            System::Posix => false,
            System::Unknown => has_drive(path) || path.starts_with('\\'),
        };
        if !is_windows {
            return Self::of('/', path, '/');
        }
        let path = path.to_lowercase().replace('/', "\\");
        // A prefix for long paths names the same directory.
        let path = path.strip_prefix(r"\\?\").unwrap_or(&path);
        // The root of network shares is another one than that of drives.
        Self::of(if path.starts_with(r"\\") { ':' } else { '\\' }, path, '\\')
    }

    fn of(root: char, path: &str, separator: char) -> Self {
        let mut key = String::with_capacity(path.len() + 2);
        key.push(root);
        for name in path.split(separator).filter(|name| !name.is_empty() && *name != ".") {
            key.push_str(name);
            key.push(separator);
        }
        Self(key)
    }

    /// Whether this is `other` or a directory above it.
    pub(super) fn covers(&self, other: &Self) -> bool {
        other.0.starts_with(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::System::{Posix, Unknown, Windows};
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn paths_are_compared_as_their_system_does() {
        for (system, above, path, covers) in [
            (Posix, "/data", "/data/", true),
            (Posix, "/data/", "/data/x/y", true),
            (Posix, "/", "/data", true),
            (Posix, "//data/./x", "/data/x", true),
            (Posix, "/data", "/database", false),
            (Posix, "/data/x", "/data", false),
            (Posix, "/Data", "/data", false),
            (Posix, r"/a\b", "/a/b", false),
            (Windows, r"C:\Data", "c:/data/", true),
            (Windows, r"C:\", r"C:\Data\X", true),
            (Windows, "C:", r"C:\Data", true),
            (Windows, r"\\?\C:\Data", r"C:\data\x", true),
            (Windows, r"\\nas\share", "//NAS/share/x", true),
            (Windows, r"C:\Data", r"D:\Data", false),
            (Windows, r"C:\Dat", r"C:\Data", false),
            (Unknown, r"C:\Data", "c:/data/x", true),
            (Unknown, "/Data", "/data", false),
            (Unknown, "/", r"C:\Data", false),
        ] {
            let key = |path| Key::new(path, system);
            assert_eq!(key(above).covers(&key(path)), covers, "{system:?} {above} {path}");
        }
        for (text, is_path) in
            [("/", true), ("C:", true), (r"d:\x", true), (r"\\nas", true), ("all", false), ("C:x", false)]
        {
            assert_eq!(is_absolute(text), is_path, "{text}");
        }
        assert_eq!(
            ["WINDOWS", "windows", "LINUX", "", "?"].map(|name| System::named(Some(name))),
            [Windows, Windows, Posix, Unknown, Posix]
        );
    }

    proptest! {
        #[test]
        fn parent_covers_and_sibling_does_not(
            names in prop::collection::vec("[A-Za-z0-9]{1,6}", 1..6),
            depth in 0..6_usize,
            windows in any::<bool>(),
        ) {
            let system = if windows { Windows } else { Posix };
            let path = |names: &[String]| {
                if windows { format!(r"C:\{}", names.join(r"\")) } else { format!("/{}", names.join("/")) }
            };
            let above = names.iter().take(depth).cloned().collect::<Vec<_>>();
            prop_assert!(Key::new(&path(&above), system).covers(&Key::new(&path(&names), system)));
            let mut sibling = names.clone();
            sibling.last_mut().unwrap().push('_');
            prop_assert!(!Key::new(&path(&sibling), system).covers(&Key::new(&path(&names), system)));
        }
    }
}
