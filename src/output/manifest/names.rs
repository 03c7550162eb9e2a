//! Paths as a manifest has them.

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::storage::is_remote;

/// How the manifest at `manifest` names `file`: from the manifest's folder, so that both can be moved
/// together; an absolute path that does not lie below that folder as it is, and so an object of another
/// bucket, or one that a manifest outside of object storage names.
///
/// # Errors
/// When the file system cannot tell where a folder is, or the path is no Unicode.
pub(super) fn name_from(manifest: &Path, file: &Path) -> io::Result<String> {
    let folder = folder_of(manifest);
    if is_remote(manifest) || is_remote(file) {
        return remote_name(folder, file);
    }
    let below = std::path::absolute(file)?.strip_prefix(std::path::absolute(folder)?).map(Path::to_owned);
    let is_plain = |path: &Path| path.components().all(|step| step != Component::ParentDir);
    let name: PathBuf = match below {
        Ok(below) if below.as_os_str().is_empty() => PathBuf::from("."),
        Ok(below) if is_plain(&below) => below.components().collect(),
        _ if file.is_absolute() && is_plain(file) => file.components().collect(),
        _ if file.is_absolute() => real(file)?,
        // The steps up must lead to the same place whatever links the folder was named by.
        _ => steps(&folder.canonicalize()?, &real(file)?),
    };
    let text = unicode(&name)?;
    Ok(if name.is_absolute() { text.to_owned() } else { text.replace(std::path::MAIN_SEPARATOR, "/") })
}

/// Where one of both is in object storage. There are no links, and the two steps that every place in a
/// bucket begins with are the bucket.
fn remote_name(folder: &Path, file: &Path) -> io::Result<String> {
    if !is_remote(file) {
        return unicode(&std::path::absolute(file)?).map(str::to_owned);
    }
    let bucket = |path: &Path| path.components().take(2).collect::<PathBuf>();
    let is_near = is_remote(folder) && bucket(folder) == bucket(file);
    unicode(&if is_near { steps(folder, file) } else { file.to_owned() }).map(str::to_owned)
}

fn unicode(path: &Path) -> io::Result<&str> {
    let not_unicode = || {
        io::Error::other(format!(
            "the path {} is not valid Unicode, so the manifest cannot list it; rename it",
            path.display()
        ))
    };
    path.to_str().ok_or_else(not_unicode)
}

/// The folder that a manifest's paths start from.
pub(super) fn folder_of(manifest: &Path) -> &Path {
    match manifest.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// The path without links as far as it is there; an output that could not be written may not be.
fn real(path: &Path) -> io::Result<PathBuf> {
    let path = std::path::absolute(path)?;
    let found = path.ancestors().find_map(|ancestor| Some((ancestor, ancestor.canonicalize().ok()?)));
    let Some((ancestor, found)) = found else { return Ok(path) };
    Ok(found.components().chain(path.strip_prefix(ancestor).into_iter().flat_map(Path::components)).collect())
}

/// The way from a folder to a path, both without links.
fn steps(folder: &Path, to: &Path) -> PathBuf {
    let shared = folder.components().zip(to.components()).take_while(|(one, two)| one == two).count();
    let up = folder.components().skip(shared).map(|_| Component::ParentDir);
    up.chain(to.components().skip(shared)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_are_named_from_the_folder_within_a_bucket() {
        let name = |manifest: &str, file: &str| name_from(Path::new(manifest), Path::new(file)).unwrap();
        assert_eq!(name("s3://b/w/m.json", "s3://b/w/deep/a.csv"), "deep/a.csv");
        assert_eq!(name("s3://b/w/m.json", "s3://b/a.csv"), "../a.csv");
        assert_eq!(name("s3://b/m.json", "s3://b/w/"), "w");
        assert_eq!(name("s3://b/m.json", "s3://c/a.csv"), "s3://c/a.csv");
        assert_eq!(name("m.json", "s3://b/a.csv"), "s3://b/a.csv");
        assert_eq!(name("s3://b/m.json", "/srv/a.csv"), "/srv/a.csv");
        let here = std::env::current_dir().unwrap().join("a.csv");
        assert_eq!(name("s3://b/m.json", "a.csv"), here.to_str().unwrap());
    }

    #[test]
    fn what_lies_below_is_named_from_the_folder_and_all_else_is_found_from_there() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        std::fs::create_dir_all(at("real/deep")).unwrap();
        std::fs::create_dir_all(at("other")).unwrap();
        std::os::unix::fs::symlink("real/deep", at("link")).unwrap();
        for name in ["real/deep/a.csv", "other/b.csv"] {
            std::fs::write(at(name), "").unwrap();
        }
        let name = |manifest: &str, file: &str| name_from(&at(manifest), &at(file)).unwrap();
        assert_eq!(name("m.json", "real/deep/a.csv"), "real/deep/a.csv");
        assert_eq!(name("m.json", "./real/./deep/a.csv"), "real/deep/a.csv");
        assert_eq!(name("link/m.json", "link/a.csv"), "a.csv");
        assert_eq!(name("m.json", "csv/"), "csv");
        assert_eq!(name("m.json", "./"), ".");
        // Not below, and given as an absolute path.
        assert_eq!(name("link/m.json", "other/b.csv"), at("other/b.csv").to_str().unwrap());
        let plain = at("other/b.csv").canonicalize().unwrap();
        assert_eq!(name("link/m.json", "real/../other/b.csv"), plain.to_str().unwrap());
        // The way back out of a linked folder is that of the folder it links to.
        let [from, to] = ["link", "other/b.csv"].map(|name| at(name).canonicalize().unwrap());
        assert_eq!(steps(&from, &to), Path::new("../../other/b.csv"));
        assert_eq!(steps(&to, &from), Path::new("../../real/deep"));
    }
}
