//! Links in workbooks: Excel's limits, and file names.

use std::path::Path;

use crate::output::error::Cause;

/// The most links that Excel accepts in one sheet; further cells have no link.
pub(super) const MAX_LINKS: usize = 65_530;
/// The most UTF-16 units that Excel accepts in a link's tip.
pub(super) const MAX_TIP_UNITS: usize = 255;

/// The name of a file, if a link can contain it.
pub(super) fn file_name(path: &Path) -> Result<&str, Cause> {
    let name = path.file_name().and_then(|name| name.to_str());
    name.filter(|name| !name.contains(['#', '?', ':', '\\']) && !name.contains(char::is_control)).ok_or_else(
        || {
            Cause::Name(
            "the task sheets go to further files, and a workbook cannot link to files with #, ?, :, \\ or \
             control characters in their names; give it another name"
                .to_owned(),
        )
        },
    )
}

/// A file name with the characters escaped that links reserve.
pub(super) fn escaped(name: &str) -> String {
    let reserved = |c: char| matches!(c, '%' | '"' | ' ' | '<' | '>' | '[' | ']' | '^' | '`' | '{' | '}');
    name.chars().map(|c| if reserved(c) { format!("%{:02X}", u32::from(c)) } else { c.to_string() }).collect()
}
