//! Numbers and dates as a spreadsheet shows them.

use calamine::ExcelDateTime;
use ssfmt::{DateSystem, FormatOptions, NumberFormat};

/// The longest number format that Excel takes, in characters.
const MAX_FORMAT_CHARS: usize = 255;
/// From here on the formatter is not exact.
const MAX_NUMBER: f64 = 1e15;

/// A number in its cell's number format; none where the format does not say how to show it: `General`,
/// formats that depend on the language of the system, and those that hide the value. `id` is the format's number.
pub(super) fn number_text(number: f64, format: &str, id: Option<u32>, is_1904: bool) -> Option<String> {
    if !number.is_finite() || number.abs() >= MAX_NUMBER || depends_on_system(format, id) || !is_known(format)
    {
        return None;
    }
    let date_system = if is_1904 { DateSystem::Date1904 } else { DateSystem::Date1900 };
    let options = FormatOptions { date_system, ..FormatOptions::default() };
    let shown = NumberFormat::parse(format).ok()?.format(number, &options);
    let shown = shown.trim();
    (!shown.is_empty() && !shown.contains("###")).then(|| shown.to_owned())
}

/// Built-in dates in the order of the system's language, and the system's long date and time.
fn depends_on_system(format: &str, id: Option<u32>) -> bool {
    let format = format.to_ascii_uppercase();
    matches!(id, Some(14 | 22 | 27..=36 | 50..=58))
        || format.contains("[$-F800]")
        || format.contains("[$-F400]")
}

/// Whether all that a format says is understood: digits, dates and times, literals, colours, conditions.
fn is_known(format: &str) -> bool {
    if matches!(format, "" | "@") || format.chars().count() > MAX_FORMAT_CHARS {
        return false;
    }
    let upper = format.to_ascii_uppercase();
    if ["GENERAL", "DBNUM", "NATNUM", "上午", "下午"].iter().any(|other| upper.contains(other)) {
        return false;
    }
    let letters =
        without_literals(&upper).replace("AM/PM", "").replace("A/P", "").replace("E+", "").replace("E-", "");
    letters.chars().all(|c| !c.is_ascii_alphabetic() || "YMDHS".contains(c))
}

/// A format without quoted and escaped text, and without brackets.
fn without_literals(format: &str) -> String {
    let mut kept = String::new();
    let mut chars = format.chars();
    while let Some(c) = chars.next() {
        let closing = match c {
            '"' => '"',
            '[' => ']',
            '\\' | '_' | '*' => {
                chars.next();
                continue;
            }
            c => {
                kept.push(c);
                continue;
            }
        };
        chars.by_ref().find(|c| *c == closing);
    }
    kept
}

/// A number without the noise behind its 15th digit, which spreadsheets do not show.
pub(super) fn rounded(number: f64) -> String {
    format!("{number:.14e}").parse::<f64>().unwrap_or(number).to_string()
}

/// A date, a time of day, or both, in ISO form.
pub(super) fn moment_text(moment: &ExcelDateTime) -> String {
    let (year, month, day, hour, minute, second, _) = moment.to_ymd_hms_milli();
    let date = format!("{year:04}-{month:02}-{day:02}");
    let time = format!("{hour:02}:{minute:02}:{second:02}");
    match (moment.as_f64() < 1.0, time.as_str()) {
        (true, _) => time,
        (false, "00:00:00") => date,
        (false, _) => format!("{date} {time}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_are_shown_in_their_formats() {
        for (number, format, shown) in [
            (12.0, "00000", "00012"),
            (13_800_138_000.0, "000-0000-0000", "138-0013-8000"),
            (7.0, "\"Wave \"0", "Wave 7"),
            (0.5, "0%", "50%"),
            (0.1234, "0.00%", "12.34%"),
            (1_234_567.891, "#,##0.00", "1,234,567.89"),
            (-5.0, "#,##0;[Red](#,##0)", "(5)"),
            (1234.5, "[$¥-804]#,##0.00", "¥1,234.50"),
            (1234.5, "_($* #,##0.00_);_($* (#,##0.00);_($* \"-\"??_);_(@_)", "$1,234.50"),
            (5.25, "# ?/?", "5 1/4"),
            (12345.0, "0.00E+00", "1.23E+04"),
            (1.25, "[h]:mm:ss", "30:00:00"),
            (1.25, "[mm]:ss", "1800:00"),
            (0.75, "h:mm AM/PM", "6:00 PM"),
            (46347.0, "yyyy-mm-dd", "2026-11-21"),
            (46347.354, "dd.mm.yyyy hh:mm", "21.11.2026 08:29"),
            (46347.0, "[$-409]d-mmm-yy;@", "21-Nov-26"),
            (46347.0, "[$-804]yyyy\"年\"m\"月\"d\"日\";@", "2026年11月21日"),
        ] {
            assert_eq!(number_text(number, format, None, false).as_deref(), Some(shown), "{number} {format}");
        }
        assert_eq!(number_text(44885.0, "yyyy-mm-dd", None, true).as_deref(), Some("2026-11-21"));
    }

    #[test]
    fn formats_that_do_not_say_how_to_show_a_number_are_left_aside() {
        for (number, format, id) in [
            (12.5, "General", Some(0)),
            (46347.0, "mm-dd-yy", Some(14)),
            (46347.5, "[$-F800]dddd, mmmm dd, yyyy", Some(164)),
            (46347.0, "aaaa", Some(165)),
            (1.0, "[DBNum1]0", None),
            (1.0, "]General", None),
            (-0.25, "[h]:mm", None),
            (1e15, "0", None),
            (f64::NAN, "0", None),
            (1.0, "@", None),
        ] {
            assert_eq!(number_text(number, format, id, false), None, "{number} {format}");
        }
    }

    #[test]
    fn numbers_are_rounded_to_fifteen_digits() {
        for (number, shown) in [(0.1 + 0.2, "0.3"), (12345.0, "12345"), (-1.5, "-1.5"), (0.0, "0")] {
            assert_eq!(rounded(number), shown);
        }
    }

    proptest! {
        #[test]
        fn no_format_panics(format in "[0#?.,%EeyYmMdhs\\[\\]$;\"\\\\_*@/ A-Pé年]{0,12}", number in any::<f64>()) {
            let _ = number_text(number, &format, None, false);
        }
    }
}
