"""Acceptance check: runs cutover-report against a hostile server and checks all it writes.

    python3 tests/acceptance/check.py [path of the binary]

Needs Python 3.11 and openpyxl. Prints a line for each check and exits 1 if any failed.
`--keep` leaves the outputs in place and says where.
"""

import argparse
import base64
import csv
import dataclasses
import hashlib
import json
import shutil
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import fetch_checks
import kinds
import list_checks
import workbook_checks
from harness import ZONE, Checks, Tool
from server import SmsServer

BINARY = Path(__file__).parents[2] / "target" / "debug" / "cutover-report"
LABELS = ["Wave", "Owner"]
OUTPUTS = ["report.xlsx", "csv/", "report.zip", "flat.csv", "summary.json", "report.prom", "copy.jsonl"]
RENDERED = OUTPUTS[:-1]  # what a journal is rendered to
LIMITS = ["--max-attempts", kinds.MANY_FAILURES, "--timeout", "2s", "--max-response", "1MiB", "--rate", "200/s"]


def named_tasks():
    """Every kind once, with the source name that the list gives it."""
    return [
        task if task.source_name is not None
        else dataclasses.replace(task, source_name=f"srv-{task.name}")
        for task in kinds.KINDS
    ]


def write_task_list(path, tasks):
    with path.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["task_id", "source_id", "source_name", *LABELS])
        for number, task in enumerate(tasks):
            owner = "=1+2" if number % 2 else "@owner"
            rows.writerow([task.task_id, f"-source-{number}", task.source_name, f"{number:03}", owner])


def outs(folder, names=OUTPUTS):
    return [word for name in names for word in ("-o", f"{folder}/{name}")]


def files_below(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*")) if path.is_file()
    }


def check_main_run(checks, tool, folder):
    tasks = named_tasks()
    write_task_list(folder / "tasks.csv", tasks)
    out = folder / "out"
    out.mkdir()
    with SmsServer() as server:
        ran = tool.run("export", "tasks.csv", "--endpoint", server.url, *outs("out"), *LIMITS,
                       "--timezone", ZONE, cwd=folder)
    print(f"the main run took {ran.seconds:.1f} s", flush=True)
    if not checks.equal("main run: exit 3", ran.code, 3):
        print(ran.stderr[-2000:])
    with checks.section("requests of the main run"):
        fetch_checks.check_requests(checks, server, tasks)
    with checks.section("files of the main run"):
        check_files(checks, ran, folder, out)
    with checks.section("machine-readable summary"):
        check_json(checks, json.loads((out / "summary.json").read_text("utf-8")), tasks)
    with checks.section("journal"):
        check_journal(checks, out / "report.journal.jsonl", tasks)
    with checks.section("workbook"):
        workbook = workbook_checks.Workbook(out / "report.xlsx")
        workbook_checks.check_structure(checks, workbook, tasks, LABELS)
        workbook_checks.check_summary(checks, workbook, tasks, server.asked())
        workbook_checks.check_task_sheets(checks, workbook, tasks)
        checks.none("workbook: labels are kept as text", (
            f"{cell.value!r}" for number, cell in enumerate(workbook.summary.column("Wave"))
            if cell.value != f"{number:03}"))
    with checks.section("CSV workbook"):
        workbook_checks.check_neutralised(checks, out)
        workbook_checks.check_csv_folder(checks, out / "csv", workbook, LABELS)
    with checks.section("rendering"):
        check_rendering(checks, tool, folder, workbook, tasks)


def check_files(checks, ran, folder, out):
    printed = [line.rstrip("/") for line in ran.stdout.splitlines()]
    wanted = [f"out/{name}".rstrip("/") for name in OUTPUTS]
    checks.equal("stdout: the outputs, one a line", [line for line in printed if line in wanted], wanted)
    checks.none("stdout: nothing but paths", (line for line in printed if not (folder / line).exists()))
    checks.none("no temporary file is left", (name for name in files_below(folder) if "tmp" in name.lower()))
    checks.equal("nothing is written elsewhere", {path.name for path in folder.iterdir()}, {"tasks.csv", "out", "home"})

    with zipfile.ZipFile(out / "report.zip") as archive:
        zipped = {name: archive.read(name) for name in archive.namelist() if not name.endswith("/")}
    checks.equal("zip: the same files as the folder", sorted(zipped), sorted(files_below(out / "csv")))
    checks.ok("zip: the same bytes as the folder", zipped == files_below(out / "csv"))
    checks.ok("flat.csv is results.csv", (out / "flat.csv").read_bytes() == (out / "csv/results.csv").read_bytes())
    checks.ok("copy.jsonl is the journal",
              (out / "copy.jsonl").read_bytes() == (out / "report.journal.jsonl").read_bytes())
    checks.none("the token is nowhere", token_places(ran, out))
    manifest = out / "report.manifest.json"
    if checks.ok("there is a manifest", manifest.exists()):
        text = manifest.read_text("utf-8")
        checks.none("manifest: SHA-256 of every file", (
            name for name, data in files_below(out).items()
            if name != manifest.name and hashlib.sha256(data).hexdigest() not in text))


def token_places(ran, out):
    token = kinds.TOKEN.encode()
    texts = {"stdout": ran.stdout.encode(), "stderr": ran.stderr.encode(), **files_below(out)}
    for archive in ("report.xlsx", "report.zip"):
        with zipfile.ZipFile(out / archive) as parts:
            texts.update({f"{archive}/{name}": parts.read(name) for name in parts.namelist()})
    return [name for name, data in texts.items() if token in data or base64.b64encode(token) in data]


def check_json(checks, summary, tasks):
    checks.equal("summary.json: format 1", summary["format"], 1)
    checks.equal("summary.json: tasks in list order",
                 [each.get("task_id", each.get("id")) for each in summary["tasks"]],
                 [task.task_id for task in tasks])
    checks.none("summary.json: verdicts", (
        f"{task.task_id} {each['verdict']}"
        for task, each in zip(tasks, summary["tasks"]) if each["verdict"] not in task.verdicts))


def check_journal(checks, path, tasks):
    lines = path.read_text("utf-8").split("\n")
    checks.equal("journal: ends in a newline", lines.pop(), "")
    entries = [json.loads(line) for line in lines]
    checks.equal("journal: a header, a line a task and a footer", len(entries), len(tasks) + 2)
    strings = set().union(*map(strings_in, entries))
    checks.none("journal: bodies that could not be read are kept", (
        task.task_id for task in tasks if task.raw_body is not None and not strings & written_forms(task)))


def written_forms(task):
    """How a journal may hold a raw body: as text or as base64."""
    body = kinds.body_for(task.raw_body, task.task_id)
    return {body.decode(errors="replace"), base64.b64encode(body).decode()}


def strings_in(value):
    if isinstance(value, str):
        return {value}
    if isinstance(value, dict):
        value = list(value.values())
    return set().union(*map(strings_in, value)) if isinstance(value, list) else set()


def check_rendering(checks, tool, folder, workbook, tasks):
    first = files_below(folder / "out")
    surroundings = {
        "again": {}, "in New York": {"TZ": "America/New_York"},
        "in German": {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8"},
    }
    for number, (name, env) in enumerate(surroundings.items(), 2):
        out = f"out{number}"
        ran = tool.run("render", "out/report.journal.jsonl", *outs(out, RENDERED), "--timezone", ZONE,
                       cwd=folder, env=env, token=None)
        checks.ok(f"render {name}: exit 0 or 3", ran.code in (0, 3), f"{ran.code}: {ran.stderr}")
        rendered = {path: data for path, data in files_below(folder / out).items() if "manifest" not in path}
        checks.none(f"render {name}: the same bytes", (
            path for path in sorted(rendered.keys() | first.keys())
            if rendered.get(path) != first.get(path)
            and path not in ("copy.jsonl", "report.journal.jsonl", "report.manifest.json")))

    ran = tool.run("render", "out/report.journal.jsonl", "-o", "raw/", "--csv-raw", "--timezone", ZONE, cwd=folder)
    checks.ok("render --csv-raw: exit 0 or 3", ran.code in (0, 3), f"{ran.code}: {ran.stderr}")
    workbook_checks.check_csv_folder(checks, folder / "raw", workbook, LABELS, raw=True)
    workbook_checks.check_raw(checks, folder / "raw", tasks)


def check_flags(checks, tool, folder):
    (folder / "mixed.csv").write_text("task_id\nkind-plain\nkind-legacy-dirty\nkind-not-found\n")
    (folder / "fine.csv").write_text("task_id\nkind-plain\nkind-legacy-dirty\n")
    with SmsServer() as server:
        def export(*args):
            return tool.run("export", *args, "--endpoint", server.url, *LIMITS, cwd=folder)

        ran = export("fine.csv", "-o", "fine.xlsx")
        checks.equal("differences alone: exit 0", ran.code, 0)
        ran = export("fine.csv", "-o", "fine.xlsx")
        checks.equal("a finished run may be repeated: exit 0", ran.code, 0)
        ran = export("mixed.csv", "-o", "mixed.json", "--fail-on", "inconsistent")
        checks.equal("--fail-on wins over 3: exit 4", ran.code, 4)
        ran = export("fine.csv", "-o", "unmet.json", "--fail-on", "stale,fetch_failed")
        checks.equal("--fail-on without such a verdict: exit 0", ran.code, 0)
        ran = export("fine.csv", "-o", "shown.json", "--json")
        checks.equal("--json: the summary on stdout",
                     json.loads(ran.stdout), json.loads((folder / "shown.json").read_text("utf-8")))
        ran = export("fine.csv", "-o", "quiet.json", "-q")
        checks.equal("-q: silent on success", ran.stderr, "")
        ran = export("fine.csv", "-o", "bare/flat.csv", "--no-journal")
        checks.equal("--no-journal: exit 0", ran.code, 0)
        checks.equal("--no-journal: no journal", [p.name for p in (folder / "bare").glob("*.jsonl")], [])
        ran = export("fine.csv", "-o", "named.json", "--journal", "kept/here.jsonl")
        checks.ok("--journal: kept there", (folder / "kept/here.jsonl").is_file(), f"{ran.code}: {ran.stderr}")
        check_time_stands_still(checks, tool, folder, export)


def check_time_stands_still(checks, tool, folder, export):
    """A report rendered later says what was true when the results were fetched."""
    age = (time.time() * 1000 - kinds.RECENT) / 1000
    limit = ["--max-age", f"{int(age) + 5}s"]
    ran = export("--task", "kind-plain", "-o", "fresh.json", *limit)
    checks.equal("fresh enough: exit 0", ran.code, 0)
    time.sleep(6)
    tool.run("render", "fresh.journal.jsonl", "-o", "later.json", *limit, cwd=folder)
    verdicts = [json.loads((folder / name).read_text())["tasks"][0]["verdict"] for name in ("fresh.json", "later.json")]
    checks.equal("fresh enough, and still so when rendered later", verdicts, ["consistent", "consistent"])


PARTS = {
    "main": check_main_run, "flags": check_flags, "fetching": fetch_checks.check_fetching,
    "lists": list_checks.check_lists, "bad-lists": list_checks.check_bad_lists,
    "empty-lists": list_checks.check_empty_lists, "usage": list_checks.check_usage,
}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("binary", nargs="?", type=Path, default=BINARY)
    arguments.add_argument("--part", action="append", choices=PARTS, help="only this part (repeatable)")
    arguments.add_argument("--keep", action="store_true", help="leave the outputs in place")
    chosen = arguments.parse_args()
    if not chosen.binary.is_file():
        sys.exit(f"{chosen.binary}: no such binary; build it first")

    checks = Checks()
    work = Path(tempfile.mkdtemp(prefix="cutover-acceptance-"))
    try:
        for name in chosen.part or PARTS:
            folder = work / name
            (folder / "home").mkdir(parents=True)
            with checks.section(f"part {name}"):
                PARTS[name](checks, Tool(chosen.binary, folder / "home"), folder)
    finally:
        if chosen.keep:
            print(f"outputs kept in {work}")
        else:
            shutil.rmtree(work)
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
