//! Lists in workbooks.

use super::*;

#[test]
fn a_wave_plan_from_excel_is_read_below_its_title() {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write(1, 1, "Wave plan").unwrap();
    for (row, values) in [["Task ID", "Wave"], ["a-1", ""], ["", ""], ["b-2", "2"]].iter().enumerate() {
        for (column, value) in values.iter().enumerate() {
            sheet.write(3 + row as u32, 1 + column as u16, *value).unwrap();
        }
    }
    sheet.write(4, 2, 7).unwrap();
    let loaded = read(Format::Xlsx, &workbook.save_to_buffer().unwrap()).unwrap();
    let waves: Vec<_> = loaded.list.tasks.iter().map(|task| task.labels["Wave"].as_str()).collect();
    assert_eq!(waves, ["7", "2"]);
}

#[test]
fn cells_are_read_as_a_spreadsheet_shows_them() {
    use rust_xlsxwriter::{ExcelDateTime, Format as Look, Formula};
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    for (column, name) in (0..).zip(["Task\nID", "Wave", "Go live", "At", "Score", ""]) {
        sheet.write(0, column, name).unwrap();
    }
    sheet.write(1, 0, 12345.0).unwrap();
    sheet.write(2, 0, Formula::new("=\"b\"").set_result("b")).unwrap();
    sheet.write(3, 0, "c").unwrap();
    sheet.write(4, 0, Formula::new("=IF(1,\" \",1)").set_result(" ")).unwrap();
    sheet.merge_range(1, 1, 2, 1, "one", &Look::new()).unwrap();
    let moment = ExcelDateTime::from_ymd(2026, 11, 21).unwrap();
    let date = Look::new().set_num_format("yyyy-mm-dd");
    sheet.write_with_format(1, 2, &moment, &date).unwrap();
    sheet.write_with_format(2, 2, moment.and_hms(8, 29, 59.0).unwrap(), &date).unwrap();
    let time = ExcelDateTime::from_hms(18, 0, 0.0).unwrap();
    sheet.write_with_format(1, 3, &time, &Look::new().set_num_format("hh:mm")).unwrap();
    sheet.write(1, 4, 0.5).unwrap();
    sheet.write(1, 5, "unnamed").unwrap();
    sheet.set_row_hidden(3).unwrap();
    let list = read(Format::Xlsx, &workbook.save_to_buffer().unwrap()).unwrap().list;
    let tasks: Vec<_> = list.tasks.iter().map(|task| (task.id_text(), &task.labels)).collect();
    insta::assert_debug_snapshot!(tasks);
}

#[test]
fn first_visible_sheet_or_the_named_one_is_read() {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    for name in ["Old", "Cache", "Wave 3", "Wave 4"] {
        let sheet = workbook.add_worksheet();
        sheet.set_name(name).unwrap();
        sheet.write_column(0, 0, ["task_id", &name.to_lowercase()]).unwrap();
    }
    workbook.worksheet_from_name("Old").unwrap().set_hidden(true);
    workbook.worksheet_from_name("Cache").unwrap().set_very_hidden(true);
    workbook.worksheet_from_name("Wave 3").unwrap().set_active(true);
    let content = workbook.save_to_buffer().unwrap();
    let read = |sheet: Option<&str>| {
        let mut collector = collect::Collector::new(&ListOptions::default());
        collector.add(
            "list",
            Format::Xlsx
                .read(&content, &ListOptions { sheet: sheet.map(str::to_owned), ..ListOptions::default() }),
        );
        let loaded = collector.finish().map_err(|TaskListError(faults)| lines(&faults));
        loaded.map(|loaded| loaded.list.tasks[0].id_text().to_owned())
    };
    assert_eq!(read(None).unwrap(), "wave 3");
    assert_eq!(read(Some("wave 4")).unwrap(), "wave 4");
    assert_eq!(read(Some("Cache")).unwrap(), "cache");
    assert_eq!(
        read(Some("Wave 5")).unwrap_err(),
        "list: has no sheet `Wave 5`; its sheets are: `Old`, `Cache`, `Wave 3`, `Wave 4`"
    );
}

#[test]
fn cells_are_read_in_their_number_formats() {
    use rust_xlsxwriter::{Format as Look, Formula};
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    let cells = [
        (12.0, "00000", "00012"),
        (1.25, "[h]:mm:ss", "30:00:00"),
        (0.5, "0%", "50%"),
        (46347.0, "dd.mm.yyyy", "21.11.2026"),
        (46347.0, "yyyy\"年\"m\"月\"d\"日\"", "2026年11月21日"),
        (46347.0, "m/d/yy", "2026-11-21"),
        (1234.5, "#,##0.00", "1,234.50"),
        (0.3, "General", "0.3"),
    ];
    sheet.write(0, 0, "task_id").unwrap();
    sheet.write_with_format(1, 0, 7, &Look::new().set_num_format("0000")).unwrap();
    for (column, (number, format, shown)) in (1..).zip(cells) {
        sheet.write(0, column, shown).unwrap();
        let format = if format == "m/d/yy" {
            Look::new().set_num_format_index(14)
        } else {
            Look::new().set_num_format(format)
        };
        sheet.write_with_format(1, column, number, &format).unwrap();
    }
    sheet.write(0, 20, "open").unwrap();
    sheet.write(1, 20, Formula::new("=VLOOKUP(A2,B:C,2,0)").set_result("")).unwrap();
    sheet.write(0, 21, "lost").unwrap();
    sheet.write(1, 21, Formula::new("=1/0").set_result("#N/A")).unwrap();
    sheet.write(0, 22, "long").unwrap();
    sheet.write(1, 22, 123_456_789_012_345_678_u64).unwrap();
    let loaded = read(Format::Xlsx, &workbook.save_to_buffer().unwrap()).unwrap();
    let task = &loaded.list.tasks[0];
    assert_eq!(task.id_text(), "0007");
    for (_, _, shown) in cells {
        assert_eq!(task.labels[shown], shown);
    }
    assert_eq!(task.labels["lost"], "#N/A");
    let warnings = loaded.warnings.join("\n");
    assert!(warnings.contains("list:2: `lost` is the error value #N/A; it is kept as text"), "{warnings}");
    assert!(warnings.contains("list:2: `long` contains the number"), "{warnings}");
}

#[test]
fn workbook_with_faults_reports_each_with_its_row() {
    let mut workbook = rust_xlsxwriter::Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.write_row(0, 0, ["task_id", "wave"]).unwrap();
    sheet.write(1, 1, "no id").unwrap();
    sheet.write(2, 0, 123_456_789_012_345_678_u64).unwrap();
    sheet.write(3, 0, "a").unwrap();
    sheet.write(3, 1, rust_xlsxwriter::Formula::new("=1/0").set_result("#DIV/0!")).unwrap();
    sheet.write(1_048_575, 16_383, "astray").unwrap();
    let reported = read(Format::Xlsx, &workbook.save_to_buffer().unwrap()).unwrap_err();
    let mut cover = rust_xlsxwriter::Workbook::new();
    cover.add_worksheet().set_name("Cover").unwrap().write(0, 0, "Wave 3").unwrap();
    let without = read(Format::Xlsx, &cover.save_to_buffer().unwrap()).unwrap_err();
    insta::assert_snapshot!(format!("{reported}\n---\n{without}"));
}
