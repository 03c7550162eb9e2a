//! Checks the files of a command: no file is used twice, and only regular files are replaced.

use std::path::{Component, Path, PathBuf};

use crate::fs::{check_regular, lock_path};
use crate::output::{Kind, Target, is_part_of, signature_path};
use crate::storage::is_remote;

use super::exit::Failure;

/// A file or folder that a command reads or writes.
#[derive(Debug)]
pub(crate) struct UsedPath {
    /// Its name in messages.
    what: String,
    path: PathBuf,
    role: Role,
    is_folder: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    /// Only read, so two may be the same file.
    Read,
    Journal,
    /// A copy of the journal; it may be the journal itself.
    Copy,
    Written,
    /// An output that may be split into `X.part-001.xlsx` and so on.
    Splittable,
}

impl UsedPath {
    fn file(what: String, path: &Path, role: Role) -> Self {
        Self { what, path: path.to_owned(), role, is_folder: false }
    }

    pub(crate) fn task_list(path: &Path) -> Self {
        Self::file(format!("the task list {}", path.display()), path, Role::Read)
    }

    /// A journal that is only read.
    pub(crate) fn read_journal(path: &Path) -> Self {
        Self { role: Role::Read, ..Self::journal(path) }
    }

    pub(crate) fn waivers(path: &Path) -> Self {
        Self::file(format!("the waivers {}", path.display()), path, Role::Read)
    }

    /// A file that `-o` names.
    pub(crate) fn output(path: &Path) -> Self {
        Self::file(format!("-o {}", path.display()), path, Role::Written)
    }

    pub(crate) fn journal(path: &Path) -> Self {
        Self::file(format!("the journal {}", path.display()), path, Role::Journal)
    }

    pub(crate) fn lock(journal: &Path) -> Self {
        let path = lock_path(journal);
        Self::file(format!("the journal's lock file {}", path.display()), &path, Role::Written)
    }

    fn manifest(path: &Path) -> Self {
        Self::file(format!("the manifest {}", path.display()), path, Role::Written)
    }

    /// A manifest, and the signature that may be beside it.
    pub(crate) fn evidence(manifest: &Path) -> [Self; 2] {
        let signature = signature_path(manifest);
        let what = format!("the manifest's signature {}", signature.display());
        [Self::manifest(manifest), Self::file(what, &signature, Role::Written)]
    }

    pub(crate) fn outputs(target: &Target) -> impl Iterator<Item = Self> {
        let what = format!("-o {}", target.path().display());
        let role = match target.kind() {
            Kind::Journal => Role::Copy,
            Kind::Workbook | Kind::CsvFolder | Kind::CsvArchive | Kind::Csv => Role::Splittable,
            Kind::Json | Kind::Metrics | Kind::Page | Kind::Ticket => Role::Written,
        };
        let is_folder = |path: &Path| target.kind() == Kind::CsvFolder && path.extension().is_none();
        target.files().into_iter().map(move |path| {
            let is_folder = is_folder(&path);
            Self { what: what.clone(), path, role, is_folder }
        })
    }

    /// Checks that a file, or a folder with files, can be written there.
    fn check(&self) -> Result<(), Failure> {
        if is_remote(&self.path) {
            return Ok(());
        }
        if self.is_folder {
            let is_other = |path: &&Path| path.metadata().is_ok_and(|found| !found.is_dir());
            let other = self.path.ancestors().take(2).find(is_other);
            return other.map_or(Ok(()), |other| {
                let message =
                    format!("{}: {} is not a folder; choose another path", self.what, other.display());
                Err(Failure::usage(message))
            });
        }
        match check_regular(&self.path) {
            // A directory in the way of one output is reported when that is written, and the others are written.
            Err(error) if self.role == Role::Journal || !self.path.is_dir() => {
                Err(Failure::usage(format!("{} {error}", self.what)))
            }
            _ => Ok(()),
        }
    }

    fn may_be(&self, other: &Self) -> bool {
        matches!(
            (self.role, other.role),
            (Role::Read, Role::Read) | (Role::Journal, Role::Copy) | (Role::Copy, Role::Journal)
        )
    }

    /// Its absolute path, and that of its link target.
    fn names(&self) -> [PathBuf; 2] {
        let path = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        let own = match (path.parent(), path.file_name()) {
            (Some(parent), Some(name)) => real(parent).join(name),
            _ => real(&path),
        };
        [own, real(&path)]
    }
}

/// Checks that no input is overwritten, no file is written twice, and only regular files and folders are written to.
///
/// # Errors
/// Wrong usage, with both uses of the path, or the kind of the existing file.
pub(crate) fn check_path_conflicts(paths: &[UsedPath]) -> Result<(), Failure> {
    paths.iter().filter(|used| used.role != Role::Read).try_for_each(UsedPath::check)?;
    let names: Vec<_> = paths.iter().map(UsedPath::names).collect();
    for (index, (used, own)) in paths.iter().zip(&names).enumerate() {
        for (other, others) in paths.iter().zip(&names).take(index) {
            let is_part =
                |part: &Path, whole: &Path, role| role == Role::Splittable && is_part_of(part, whole);
            let meet = own.iter().any(|one| {
                others.iter().any(|two| {
                    one.starts_with(two)
                        || two.starts_with(one)
                        || is_part(one, two, other.role)
                        || is_part(two, one, used.role)
                })
            });
            if meet && !used.may_be(other) {
                return Err(Failure::usage(format!(
                    "{} would overwrite {}; choose another path for one of them",
                    used.what, other.what
                )));
            }
        }
    }
    Ok(())
}

/// The path without links and `..`, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let found = path.ancestors().find_map(|ancestor| Some((ancestor, ancestor.canonicalize().ok()?)));
    let Some((ancestor, found)) = found else { return path.to_owned() };
    let rest = path.strip_prefix(ancestor).unwrap_or(Path::new(""));
    rest.components().fold(found, |mut real, step| {
        if step == Component::ParentDir {
            real.pop();
        } else {
            real.push(step);
        }
        real
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::output::manifest_path;
    use crate::report::Zone;

    /// The error of `check_path_conflicts`, without `folder`.
    fn conflict(folder: &Path, list: &str, journal: &str, outputs: &[&str]) -> Option<String> {
        let at = |name: &str| folder.join(name);
        let mut paths = vec![
            UsedPath::task_list(&at(list)),
            UsedPath::journal(&at(journal)),
            UsedPath::lock(&at(journal)),
        ];
        for output in outputs {
            // `join` would drop the trailing slash of a folder.
            let text = format!("{}/{output}", folder.display());
            let zone = Zone::named("UTC").unwrap();
            paths.extend(UsedPath::outputs(
                &Target::parse(&text, jiff::Timestamp::UNIX_EPOCH, &zone).unwrap(),
            ));
        }
        paths.extend(UsedPath::evidence(&manifest_path(&at(journal))));
        let failure = check_path_conflicts(&paths).err()?;
        Some(failure.message().replace(&format!("{}/", folder.display()), ""))
    }

    #[test]
    fn path_used_twice_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("there")).unwrap();
        std::fs::write(folder.path().join("there/wave.csv"), "").unwrap();
        std::os::unix::fs::symlink("there", folder.path().join("link")).unwrap();
        std::os::unix::fs::symlink("there/wave.csv", folder.path().join("linked.csv")).unwrap();
        let conflict = |list, journal, outputs: &[&str]| conflict(folder.path(), list, journal, outputs);
        let clashes: Vec<String> = [
            conflict("l.csv", "j.json", &["a.csv", "j.json"]),
            conflict("l.csv", "l.csv", &["a.csv"]),
            conflict("l.csv", "j.jsonl", &["l.csv"]),
            conflict("l.csv", "j.jsonl", &["new/../l.csv"]),
            conflict("there/wave.csv", "j.jsonl", &["link/wave.csv"]),
            conflict("linked.csv", "j.jsonl", &["there/wave.csv"]),
            conflict("link/new/l.csv", "j.jsonl", &["there/new/l.csv"]),
            conflict("out/summary.csv", "j.jsonl", &["out/"]),
            conflict("out/tasks/web.csv", "j.jsonl", &["out/"]),
            conflict("l.csv", "out/results.csv", &["out/"]),
            conflict("l.csv", "out", &["out/"]),
            conflict("l.csv", "j.jsonl", &["a.csv", "./a.csv"]),
            conflict("l.csv", "j.jsonl", &["a.jsonl", "a.jsonl"]),
            conflict("l.csv", "j.jsonl", &["out/", "out/results.csv"]),
            conflict("j.jsonl.lock", "j.jsonl", &["a.csv"]),
            conflict("l.csv", "j.journal.jsonl", &["a.csv", "j.manifest.json"]),
            conflict("j.manifest.json", "j.jsonl", &["a.csv"]),
            conflict("l.csv", "j.jsonl", &["a.xlsx", "a.part-001.xlsx"]),
            conflict("l.csv", "j.jsonl", &["a.part-012.zip", "a.zip"]),
            conflict("a.part-001.csv", "j.jsonl", &["a.csv"]),
            conflict("l.csv", "j.jsonl", &["out/", "out/results.part-001.csv"]),
        ]
        .into_iter()
        .map(|conflict| conflict.unwrap_or_else(|| "nothing".to_owned()))
        .collect();
        insta::assert_snapshot!(clashes.join("\n"));
    }

    #[test]
    fn harmless_path_overlaps_are_allowed() {
        let folder = tempfile::tempdir().unwrap();
        let conflict = |list, journal, outputs: &[&str]| conflict(folder.path(), list, journal, outputs);
        assert_eq!(
            conflict("l.csv", "j.jsonl", &["a.csv", "a.json", "out/", "out/more.csv", "l.jsonl"]),
            None
        );
        assert_eq!(conflict("a.csv", "j.jsonl", &["a.part-001.csv", "a.part-001.json", "a.json"]), None);
        assert_eq!(conflict("l.csv", "j.jsonl", &["j.jsonl"]), None, "a copy of the journal on itself");
        let list = || UsedPath::task_list(Path::new("l.csv"));
        assert!(check_path_conflicts(&[list(), list()]).is_ok(), "a list may be given twice");
    }
}
