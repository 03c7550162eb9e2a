//! Warnings about a list; those of one kind become one line, however many rows they concern.

use std::collections::HashMap;

/// This many cells of one column are named in warnings of their own.
const NAMED_CELLS: usize = 3;

#[derive(Default)]
pub(super) struct Notices {
    repeated: Option<Repeated>,
    /// How many cells of each column of each file have a problem.
    cells: HashMap<(String, String), usize>,
    /// The columns in the order in which they first had one.
    columns: Vec<(String, String)>,
    warnings: Vec<String>,
}

/// Rows whose task is listed before.
struct Repeated {
    count: usize,
    /// The first of them.
    place: String,
    what: String,
    /// The row that it repeats.
    original: String,
    differs: Option<(String, String, String)>,
}

impl Notices {
    /// Records the row at `place`; `what` it names is listed at `original`, where a label may have another value.
    pub(super) fn repeated(
        &mut self,
        place: &str,
        what: &str,
        original: &str,
        differs: Option<(String, String, String)>,
    ) {
        match &mut self.repeated {
            Some(repeated) => {
                repeated.count += 1;
                repeated.differs = repeated.differs.take().or(differs);
            }
            None => {
                self.repeated = Some(Repeated {
                    count: 1,
                    place: place.to_owned(),
                    what: what.to_owned(),
                    original: original.to_owned(),
                    differs,
                });
            }
        }
    }

    /// Records a problem of a cell in the column `key` of `file`.
    pub(super) fn cell(&mut self, file: &str, key: &str, warning: String) {
        let column = (file.to_owned(), key.to_owned());
        let count = self.cells.entry(column.clone()).or_insert_with(|| {
            self.columns.push(column);
            0
        });
        *count += 1;
        if *count <= NAMED_CELLS {
            self.warnings.push(warning);
        }
    }

    pub(super) fn into_warnings(self) -> Vec<String> {
        let mut warnings = self.warnings;
        for column in self.columns {
            let more = self.cells.get(&column).map_or(0, |count| count.saturating_sub(NAMED_CELLS));
            if more > 0 {
                let (file, key) = column;
                warnings.push(format!(
                    "{file}: {more} more cells of `{key}` have error values; they are kept as text"
                ));
            }
        }
        warnings.extend(self.repeated.map(|Repeated { count, place, what, original, differs }| {
            let first = format!("{place}: {what} is listed already at {original}");
            let differs = differs.map_or_else(String::new, |(label, value, before)| {
                format!(
                    "; a repeated row has `{value}` in `{label}` instead of `{before}`: the first row counts"
                )
            });
            match count {
                1 => format!("{first}; it is fetched once{differs}"),
                _ => format!(
                    "{first}; {count} rows in all repeat a task, and each task is fetched once{differs}"
                ),
            }
        }));
        warnings
    }
}
