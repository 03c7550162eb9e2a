//! Widths of columns that are to fit a page.

use super::super::lines::CHARACTER;

/// What a column takes beside its text, in points.
const PADDING: f64 = 3.75;
/// What columns may be too wide by, in points: sums of widths are not exact.
const TOLERANCE: f64 = 1e-6;
/// The last order in which columns are reduced: that of ids.
pub(super) const ID_ORDER: u8 = 4;

/// What a column needs.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Wish {
    /// In characters.
    pub(super) width: f64,
    /// How it may be made narrower.
    pub(super) shrink: Option<Shrink>,
    /// Whether it may be folded.
    pub(super) folds: bool,
    pub(super) folded: bool,
}

/// A column whose texts go on in the next line.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shrink {
    /// Columns of a lower order come first.
    pub(super) order: u8,
    /// The least width in characters.
    pub(super) least: f64,
}

impl Wish {
    fn points(&self) -> f64 {
        if self.folded { 0.0 } else { self.width * CHARACTER + PADDING }
    }
}

/// Makes columns fit into so many points: those that may shrink do, as little as possible; then those that may be
/// folded are, from the last.
pub(super) fn fit(columns: &mut [Wish], room: f64) {
    let mut over = columns.iter().map(Wish::points).sum::<f64>() - room;
    for order in 0..=ID_ORDER {
        for column in columns.iter_mut().filter(|column| !column.folded) {
            let Some(shrink) = column.shrink.filter(|shrink| over > TOLERANCE && shrink.order == order)
            else {
                continue;
            };
            let before = column.points();
            // An id is either in one line or in two.
            let wanted = if order == ID_ORDER { shrink.least } else { column.width - over / CHARACTER };
            column.width = wanted.max(shrink.least).min(column.width);
            over -= before - column.points();
        }
    }
    for column in columns.iter_mut().rev().filter(|column| column.folds) {
        if over <= TOLERANCE {
            break;
        }
        over -= column.points();
        column.folded = true;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(width: f64, shrink: Option<(u8, f64)>) -> Wish {
        let shrink = shrink.map(|(order, least)| Shrink { order, least });
        Wish { width, shrink, folds: false, folded: false }
    }

    #[test]
    fn columns_shrink_in_their_order_and_no_more_than_needed() {
        let columns = [column(20.0, None), column(30.0, Some((1, 10.0))), column(30.0, Some((0, 20.0)))];
        let all: f64 = columns.iter().map(Wish::points).sum();
        for (room, widths) in [
            (all, [20.0, 30.0, 30.0]),
            (all - 5.0 * CHARACTER, [20.0, 30.0, 25.0]),
            (all - 15.0 * CHARACTER, [20.0, 25.0, 20.0]),
            (0.0, [20.0, 10.0, 20.0]),
        ] {
            let mut fitted = columns;
            fit(&mut fitted, room);
            for (column, width) in fitted.iter().zip(widths) {
                assert!((column.width - width).abs() < 1e-6, "{room}: {fitted:?}");
            }
        }
    }

    #[test]
    fn last_label_is_folded_first() {
        let label = Wish { folds: true, ..column(20.0, None) };
        let mut columns = [column(20.0, None), label, label];
        fit(&mut columns, 2.0 * (20.0 * CHARACTER + PADDING));
        assert_eq!(columns.map(|column| column.folded), [false, false, true]);
    }
}
