"""Checks of the workbook against the kinds, and of the CSV workbook against the workbook."""

import re
import zipfile
from datetime import datetime, timezone
from zoneinfo import ZoneInfo

import openpyxl

from harness import (
    DANGEROUS, ZONE, base_name, dicts, label_of, read_csv, same_field, same_text, unescape,
)
from kinds import VERDICTS

CSV_COLUMNS = [
    "Task ID", "Source server", "Source ID", "Verdict", f"Last verified ({ZONE})", "Check result",
    "Directories", "Total files", "Different", "Missing at target", "Redundant at target",
    "Verifications", "Response shape", "Attempts", "Error code", "Error message", "Request ID", "Notes",
]
# The labels of the list are before the task's ID, and what is seldom needed comes last and is collapsed.
SUMMARY_COLUMNS = [
    "Source server", "Verdict", "Reason", f"Last verified ({ZONE})", "Different", "Missing at target",
    "Redundant at target", "Total files", "Directories", "Check result", "Notes",
]
CONTEXT_COLUMNS = [f"Last synchronised ({ZONE})", "Mode", "Not verified directories", "Task state"]
ID_COLUMNS = ["Task ID"]
COLLAPSED_COLUMNS = [
    "Source ID", "Verifications", "Response shape", "Attempts", "Error code", "Error message", "Request ID",
    *CONTEXT_COLUMNS,
]
TASK_COLUMNS = [
    "Verification", f"Finished ({ZONE})", "Check result", "Directory", "Total files", "Different",
    "Missing at target", "Redundant at target", "Consistent",
]
COUNTS = ["Total files", "Different", "Missing at target", "Redundant at target"]
KEY_OF_LABEL = {label_of(verdict): verdict for verdict in VERDICTS}
READ = {"check_failed", "inconsistent", "stale", "inconclusive", "consistent"}


class Table:
    """The table in a sheet: found by the text of its first header cell, ends at the first empty row."""

    def __init__(self, sheet, first_header):
        self.sheet = sheet
        self.header, self.cells = [], []
        rows = iter(sheet.iter_rows())
        for row in rows:
            if row and row[0].value == first_header:
                self.header = [cell.value for cell in row if cell.value is not None]
                break
        for row in rows:
            row = row[: len(self.header)]
            if all(cell.value is None for cell in row):
                break
            self.cells.append(row)

    @property
    def rows(self):
        return [[cell.value for cell in row] for row in self.cells]

    def dicts(self):
        return dicts(self.header, self.rows)

    def column(self, name):
        at = [base_name(header) for header in self.header].index(name)
        return [row[at] for row in self.cells]


def text_of(sheet):
    return "\n".join(str(cell.value) for row in sheet.iter_rows() for cell in row if cell.value is not None)


def link_target(cell):
    """The sheet that a cell's internal link leads to, or None."""
    link = cell.hyperlink
    if link is None:
        return None
    location = link.location or (link.target or "").removeprefix("internal:").removeprefix("#")
    name = location.rpartition("!")[0]
    if name.startswith("'") and name.endswith("'"):
        name = name[1:-1].replace("''", "'")
    return name


def in_zone(milliseconds):
    moment = datetime.fromtimestamp(milliseconds / 1000, timezone.utc)
    return moment.astimezone(ZoneInfo(ZONE)).replace(tzinfo=None)


def same_moment(value, milliseconds):
    return isinstance(value, datetime) and abs((value - in_zone(milliseconds)).total_seconds()) < 1


class Workbook:
    """An exported workbook, read once."""

    def __init__(self, path):
        self.path = path
        self.book = openpyxl.load_workbook(path)
        self.summary = Table(self.book["Summary"], "Source server")
        self.task_sheets = [self.book[name] for name in self.book.sheetnames[2:-1]]


def check_structure(checks, workbook, tasks, labels):
    book, names = workbook.book, workbook.book.sheetnames
    checks.equal("workbook: Overview and Summary come first", names[:2], ["Overview", "Summary"])
    checks.equal("workbook: About is the last sheet", names[-1], "About")
    checks.equal("workbook: one sheet a task", len(workbook.task_sheets), len(tasks))
    checks.none("workbook: sheet names are legal", [repr(name) for name in names if not legal(name)])
    checks.equal("workbook: sheet names are unique without regard to case",
                 len({name.casefold() for name in names}), len(names))
    checks.equal("workbook: Summary columns", workbook.summary.header,
                 SUMMARY_COLUMNS + labels + ID_COLUMNS + COLLAPSED_COLUMNS)
    columns = book["Summary"].column_dimensions
    checks.none("workbook: what is seldom needed is collapsed", (
        heading for heading, cell in zip(COLLAPSED_COLUMNS, book["Summary"][1][-len(COLLAPSED_COLUMNS):])
        if not is_hidden(columns, cell.column)
    ))
    checks.equal("workbook: Summary in list order",
                 [unescape(cell.value) for cell in workbook.summary.column("Task ID")],
                 [task.task_id for task in tasks])
    checks.none("workbook: simple source names are sheet names, in list order", (
        f"{sheet.title!r} for {task.source_name!r}"
        for sheet, task in zip(workbook.task_sheets, tasks)
        if re.fullmatch(r"srv-[\w-]{1,27}|web-01", task.source_name) and sheet.title != task.source_name
    ))
    checks.none("workbook: no formula cell", (
        f"{sheet.title}!{cell.coordinate}"
        for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "f"
    ))
    checks.none("workbook: no link leads outside", (
        f"{sheet.title}!{cell.coordinate} {cell.hyperlink.target}"
        for sheet in book for row in sheet.iter_rows() for cell in row
        if cell.hyperlink and cell.hyperlink.target and not cell.hyperlink.target.startswith("#")
    ))
    checks.none("workbook: Source server, or else Task ID, links to the task's sheet", (
        f"{server.value or task.value} leads to {link_target(server if server.value else task)!r}"
        for server, task, sheet in zip(
            workbook.summary.column("Source server"), workbook.summary.column("Task ID"), workbook.task_sheets)
        if link_target(server if server.value else task) != sheet.title
    ))
    checks.none("workbook: each task sheet links back", (
        sheet.title for sheet in workbook.task_sheets
        if not any(link_target(cell) == "Summary" for row in sheet.iter_rows() for cell in row)
    ))
    checks.ok("workbook: Summary has a frozen header", book["Summary"].freeze_panes == "B2")
    checks.ok("workbook: Summary has an autofilter", book["Summary"].auto_filter.ref or book["Summary"].tables)
    with zipfile.ZipFile(workbook.path) as parts:
        charts = [name for name in parts.namelist() if name.startswith("xl/charts/chart")]
    checks.ok("workbook: a native chart", charts)
    checks.none("workbook: every page has a footer with the journal's digest", (
        sheet.title for sheet in book if "Journal" not in (sheet.oddFooter.right.text or "")
    ))
    overview = book["Overview"]
    fits = getattr(overview.sheet_properties.pageSetUpPr, "fitToPage", False)
    checks.ok("workbook: Overview fits one page", fits and overview.page_setup.fitToHeight in (None, 1))
    height = sum(dimension.height or 15 for dimension in overview.row_dimensions.values())
    checks.ok("workbook: Overview has no text below 9 points on paper", height <= 800, f"rows take {height} points")


def is_hidden(columns, number):
    """Whether a column is hidden; openpyxl keeps the first of a range of equal ones only."""
    return any(
        dimension.hidden and dimension.min <= number <= dimension.max for dimension in columns.values()
    )


def legal(name):
    units = len(name.encode("utf-16-le")) // 2
    return (
        0 < units <= 31 and not set(name) & set("[]:*?/\\") and name.strip("'") == name
        and name.casefold() != "history" and name.isprintable()
    )


def check_summary(checks, workbook, tasks, asked):
    for task, row in zip(tasks, workbook.summary.dicts()):
        verdict = KEY_OF_LABEL.get(row["Verdict"])
        checks.ok(f"verdict of {task.task_id}", verdict in task.verdicts,
                  f"saw {row['Verdict']!r} ({row['Error message']}), wanted {sorted(task.verdicts)}")
        checks.none(f"Summary row of {task.task_id}",
                    summary_problems(task, row, verdict, asked[task.task_id]))


def summary_problems(task, row, verdict, asked):
    if row["Attempts"] != asked:
        yield f"Attempts {row['Attempts']}, the server saw {asked}"
    remarks = " ".join(filter(None, (row["Notes"], row["Error message"])))
    if task.note and not re.search(task.note, remarks):
        yield f"Notes {row['Notes']!r}"
    if task.error_code and row["Error code"] != task.error_code:
        yield f"Error code {row['Error code']!r}"
    if task.error_text and task.error_text not in (row["Error message"] or ""):
        yield f"Error message {row['Error message']!r}"
    if verdict == "fetch_failed" and not row["Error message"]:
        yield "no Error message"
    if task.request_id and row["Request ID"] != task.request_id:
        yield f"Request ID {row['Request ID']!r}"
    if task.shape and task.shape not in re.sub(r"[_ ]", "-", str(row["Response shape"]).lower()):
        yield f"Response shape {row['Response shape']!r}"
    if not same_text(row["Source server"] or "", task.source_name):
        yield f"Source server {row['Source server']!r}"
    if verdict in READ and task.newest:
        yield from total_problems(task, row)


def total_problems(task, row):
    rows = task.newest.rows
    wanted = {
        "Directories": len(rows),
        "Total files": sum(each.total for each in rows),
        "Different": sum(each.different for each in rows),
        "Missing at target": sum(each.missing for each in rows),
        "Redundant at target": sum(each.redundant for each in rows),
        "Verifications": len(task.verifications),
    }
    for name, number in wanted.items():
        if row[name] != number:
            yield f"{name} {row[name]!r}, wanted {number}"
    if not same_moment(row["Last verified"], task.newest.finished):
        yield f"Last verified {row['Last verified']!r}, wanted {in_zone(task.newest.finished)}"


def check_task_sheets(checks, workbook, tasks):
    verdicts = [KEY_OF_LABEL.get(cell.value) for cell in workbook.summary.column("Verdict")]
    for task, sheet, verdict in zip(tasks, workbook.task_sheets, verdicts):
        checks.none(f"sheet of {task.task_id}", sheet_problems(task, sheet, verdict))


def sheet_problems(task, sheet, verdict):
    table = Table(sheet, "Verification")
    if verdict not in READ:
        if label_of(verdict or "") not in text_of(sheet):
            yield f"does not say {label_of(verdict or '')!r}"
        if table.rows and not task.verifications:
            yield f"rows out of nothing: {table.rows[0]}"
        return
    if table.header != TASK_COLUMNS:
        yield f"columns {table.header}"
        return
    if not task.verifications:
        return
    rows = table.dicts()
    newest_first = sorted(task.verifications, key=lambda each: -each.finished)
    wanted = [(each, row) for each in newest_first for row in each.rows]
    if len(rows) != len(wanted):
        yield f"{len(rows)} rows, wanted {len(wanted)}"
        return
    if not all(same_moment(row["Finished"], each.finished) for row, (each, _) in zip(rows, wanted)):
        yield f"Finished: {[str(row['Finished']) for row in rows]}, not newest first or wrong"
    if not all(cell.is_date for cell in table.column("Finished")):
        yield "Finished is no date cell"
    for name in COUNTS:
        if not all(type(cell.value) is int for cell in table.column(name)):
            yield f"{name} is no number"
    yield from row_problems(task, rows, wanted)


def row_problems(task, rows, wanted):
    """Directories may stand in another order within a verification."""
    left = list(rows)
    for _, row in wanted:
        counts = (row.total, row.different, row.missing, row.redundant)
        hit = next((seen for seen in left if tuple(seen[name] for name in COUNTS) == counts and (
            not task.exact_text or same_text(str(seen["Directory"]), row.directory))), None)
        if hit is None:
            yield f"no row for {row.directory[:60]!r} {counts}"
        else:
            left.remove(hit)


def check_csv_folder(checks, folder, workbook, labels, raw=False):
    """The CSV workbook holds what the workbook holds."""
    kind = "CSV raw" if raw else "CSV"
    header, rows = read_csv(folder / "summary.csv")
    checks.equal(f"{kind}: summary.csv columns", [base_name(name) for name in header],
                 [base_name(name) for name in CSV_COLUMNS + labels + CONTEXT_COLUMNS])
    # The sheet's columns in the order of the file.
    places = [[base_name(name) for name in workbook.summary.header].index(base_name(name)) for name in header]
    sheet_rows = [[row[place] for place in places] for row in workbook.summary.rows]
    at = header.index("Verdict")
    checks.none(f"{kind}: summary.csv names verdicts by key", (
        row[at] for row, sheet_row in zip(rows, sheet_rows) if row[at] != KEY_OF_LABEL.get(sheet_row[at])
    ))
    checks.none(f"{kind}: summary.csv equals the Summary sheet", differences(
        header, [row[:at] + row[at + 1 :] for row in rows],
        [row[:at] + row[at + 1 :] for row in sheet_rows], raw))
    tables = [Table(sheet, "Verification") for sheet in workbook.task_sheets]
    checks.none(f"{kind}: tasks/*.csv equal the task sheets", (
        problem for table in tables for problem in task_csv_problems(folder, table, raw)))
    checks.equal(f"{kind}: one file a task", len(list((folder / "tasks").iterdir())), len(tables))

    header, rows = read_csv(folder / "results.csv")
    found = [row for row in dicts(header, rows) if row["Verification"]]  # a task without results may have a line
    checks.equal(f"{kind}: results.csv has every row of every task", len(found), sum(len(t.rows) for t in tables))
    if "Task ID" in header:
        at = header.index("Task ID")
        order = list(dict.fromkeys(row[at] for row in rows))
        listed = [cell.value for cell in workbook.summary.column("Task ID") if cell.value in order]
        checks.equal(f"{kind}: results.csv in list order", order, listed)


def task_csv_problems(folder, table, raw):
    path = folder / "tasks" / f"{table.sheet.title}.csv"
    if not path.is_file():
        yield f"no {path.name}"
        return
    header, rows = read_csv(path)
    if table.header:
        if [base_name(name) for name in header] != [base_name(name) for name in table.header]:
            yield f"{path.name}: columns {header}"
        for problem in differences(header, rows, table.rows, raw):
            yield f"{path.name}: {problem}"
    elif len(rows) > 1:
        yield f"{path.name}: {len(rows)} rows for a sheet without a table"


def differences(header, rows, sheet_rows, raw):
    if len(rows) != len(sheet_rows):
        yield f"{len(rows)} rows, the sheet has {len(sheet_rows)}"
        return
    for number, (row, cells) in enumerate(zip(rows, sheet_rows), 1):
        if len(row) != len(cells):
            yield f"row {number}: {len(row)} fields, the sheet has {len(cells)}"
            continue
        for field, cell in zip(row, cells):
            if not same_field(field, cell, raw):
                yield f"row {number}: {field[:60]!r}, the sheet has {str(cell)[:60]!r}"


def check_neutralised(checks, folder):
    checks.none("CSV: no field that a spreadsheet would run", (
        f"{path.name}: {field[:40]!r}"
        for path in sorted(folder.rglob("*.csv"))
        for row in read_csv(path)[1] for field in row if field.startswith(DANGEROUS)
    ))


def check_raw(checks, folder, tasks):
    """With --csv-raw the directory names are the ones the service gave, formulas too."""
    wanted = {row.directory for task in tasks for each in task.verifications for row in each.rows}
    header, rows = read_csv(folder / "results.csv")
    seen = {row["Directory"] for row in dicts(header, rows) if row["Directory"]}
    checks.none("CSV raw: directories unchanged", sorted(repr(name) for name in seen ^ wanted))
