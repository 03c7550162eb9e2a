"""Checks of task lists, good and bad, and of wrong usage."""

import json
import re
import socket

import openpyxl

from harness import dicts, read_csv
from server import SmsServer

WAVE = "Wave"
TASKS = [  # task id, source id, source name, label
    ("kind-plain.1", "s-1", "alpha", "one"),
    ("kind-plain.2", "s-2", "beta", "two\nlines"),
    ("kind-plain.3", "s-3", "gamma, delta", "3"),
]
NAMES = ("task_id", "source_id", "source_name", WAVE)


def records():
    return [dict(zip(NAMES, task)) for task in TASKS]


def quoted(fields, separator=","):
    return separator.join('"' + field.replace('"', '""') + '"' for field in fields)


def csv_text(separator=",", newline="\n", header=NAMES):
    return newline.join([separator.join(header), *(quoted(task, separator) for task in TASKS), ""])


def yaml_text():
    lines = []
    for record in records():
        fields = [f"{name}: {json.dumps(value)}" for name, value in record.items()]
        lines.append("- " + "\n  ".join(fields))
    return "\n".join(lines) + "\n"


def write_xlsx(path, rows):
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.create_sheet("Not this one").append(["task_id"])
    book.save(path)


def write_lists(folder):
    """The same three tasks in every form of list."""
    other_case = ("Task_ID", "SOURCE_ID", "Source_Name", WAVE)
    texts = {
        "plain.csv": csv_text(),
        "bom-crlf.csv": "\ufeff" + csv_text(newline="\r\n"),
        "semicolon.csv": "\ufeff" + csv_text(";", "\r\n", other_case),
        "PLAN.CSV": csv_text(newline="\r"),
        "tabs.Tsv": csv_text("\t"),
        "array.json": json.dumps(records()),
        "task-info.json": json.dumps({"task_info": records()}),
        "lines.jsonl": "".join(json.dumps(record) + "\n" for record in records()),
        "list.yaml": yaml_text(),
        "body.YML": "wave: {number: 3}\n\"task_info\":\n" + yaml_text(),
    }
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode())
    rows = [[int(field) if field.isdecimal() else field for field in task] for task in TASKS]
    write_xlsx(folder / "plan.xlsx", [NAMES, *rows])
    return [*texts, "plan.xlsx"]


def export(tool, server, folder, *args, **rest):
    return tool.run("export", *args, "--endpoint", server.url, "--rate", "200/s", "--auth", "token",
                    "--max-attempts", 2, cwd=folder, **rest)


def summary(folder, out):
    return dicts(*read_csv(folder / out / "summary.csv"))


def check_lists(checks, tool, folder):
    for name in write_lists(folder):
        with checks.section(f"list {name}"):
            check_list(checks, tool, folder, f"list {name}", name)
    with checks.section("list on stdin"):
        check_list(checks, tool, folder, "list on stdin", "-", stdin=csv_text().encode())
    with checks.section("several lists"):
        check_several(checks, tool, folder)
    with checks.section("duplicates"):
        check_duplicates(checks, tool, folder)


def check_list(checks, tool, folder, name, source, **rest):
    out = "out-stdin/" if source == "-" else f"out-{source}/"
    with SmsServer() as server:
        ran = export(tool, server, folder, source, "-o", out, **rest)
    if not checks.equal(f"{name}: exit 0", ran.code, 0):
        print("     ", ran.stderr[-600:])
        return
    seen = [(row["Task ID"], row["Source ID"], row["Source server"], row[WAVE].replace("\r\n", "\n"))
            for row in summary(folder, out)]
    checks.equal(f"{name}: tasks, sources and label", seen, TASKS)


def check_several(checks, tool, folder):
    (folder / "first.csv").write_text("task_id\nkind-plain.9\n")
    (folder / "second.jsonl").write_text('{"task_id": "kind-plain.8"}\n')
    with SmsServer() as server:
        ran = export(tool, server, folder, "first.csv", "second.jsonl", "-o", "several/")
        checks.equal("several files: exit 0", ran.code, 0)
        seen = [row["Task ID"] for row in summary(folder, "several")]
        checks.equal("several files: in their order", seen, ["kind-plain.9", "kind-plain.8"])
        ran = export(tool, server, folder, "--task", "kind-plain.5", "--task", "kind-plain.4", "-o", "flags/")
        checks.equal("--task: exit 0", ran.code, 0)
        seen = [row["Task ID"] for row in summary(folder, "flags")]
        checks.equal("--task: in their order", seen, ["kind-plain.5", "kind-plain.4"])


def check_duplicates(checks, tool, folder):
    (folder / "twice.csv").write_text("task_id\nkind-plain.1\nkind-plain.2\nkind-plain.1\n")
    with SmsServer() as server:
        ran = export(tool, server, folder, "twice.csv", "-o", "twice/")
        checks.equal("duplicates: exit 0", ran.code, 0)
        checks.equal("duplicates: asked once", server.asked()["kind-plain.1"], 1)
    checks.ok("duplicates: a warning names the task", "kind-plain.1" in ran.stderr, ran.stderr)
    seen = [row["Task ID"] for row in summary(folder, "twice")]
    checks.equal("duplicates: reported once", seen, ["kind-plain.1", "kind-plain.2"])


BAD_LISTS = {  # file: text, and the places that must be named
    "bad.csv": ('task_id,wave\n,a\nkind-plain.2,"two\nlines"\n,b\n', ["bad.csv:2:", "bad.csv:5:"]),
    "unclosed.csv": ('task_id,wave\n,a\nkind-plain.1,"web\nkind-plain.2,b\n', ["unclosed.csv:2:", "unclosed.csv:3:"]),
    "goes-on.csv": ('task_id,wave\nkind-plain.1,"web\nkind-plain.2,"b\n', ["goes-on.csv:3:"]),
    "no-column.csv": ("id,name\nkind-plain.1,a\n", ["no-column.csv:1:"]),
    "bad.jsonl": ('{"task_id":"kind-plain.1"}\n{"task_id":\n\n{"name":"x"}\n', ["bad.jsonl:2:", "bad.jsonl:4:"]),
    "broken.json": ('[\n{"task_id":"kind-plain.1"},\n{"task_id" "x"}\n]\n', ["broken.json:3:"]),
    "bad.json": ('[\n{"task_id":"kind-plain.1"},\n{"wave":"x"},\n{"wave":"y"}\n]\n', [r"bad.json:\d+:"]),
    "bad.yaml": ("- task_id: kind-plain.1\n- wave: x\n", [r"bad.yaml:\d+:"]),
    "shape.yaml": ("- task_id: [a]\n- wave: x\n- b\n", [f"shape.yaml:{line}:" for line in (1, 2, 3)]),
    "bad.xlsx": (None, ["bad.xlsx:3:", "bad.xlsx:4:", "bad.xlsx:5:"]),
}


EMPTY_LISTS = {  # a list of no tasks is a mistake, never a report in which all of them pass
    "empty.csv": "", "header.csv": "task_id,wave\n,\n", "empty.json": "[]", "body.json": '{"task_info": []}',
    "empty.jsonl": "\n", "empty.yaml": "", "comment.yaml": "# none\n", "body.yaml": "task_info:\n", "empty.xlsx": None,
}


def check_empty_lists(checks, tool, folder):
    for name, text in EMPTY_LISTS.items():
        if text is None:
            write_xlsx(folder / name, [NAMES, (" ",)])
        else:
            (folder / name).write_text(text)
        check_refusal(checks, tool, folder, f"empty list {name}", [f"^{name}:"], name, "-o", "empty.report.json")
        check_refusal(checks, tool, folder, f"empty list {name} on stdin", ["^stdin:"], "-", "-o", "empty.report.json",
                      stdin=(folder / name).read_bytes())
    checks.ok("empty lists: no report", not (folder / "empty.report.json").exists())


def check_bad_lists(checks, tool, folder):
    for name, (text, places) in BAD_LISTS.items():
        if text is None:
            write_xlsx(folder / name, [("task_id", "wave"), ("kind-plain.1", "a"), (None, "b"), (" ", "c"), ("=A2",)])
        else:
            (folder / name).write_text(text)
        check_refusal(checks, tool, folder, f"bad list {name}", places, name, "-o", "bad.report.json")
    places = [place for name in ("bad.csv", "bad.jsonl") for place in BAD_LISTS[name][1]]
    check_refusal(checks, tool, folder, "two bad lists", places, "bad.csv", "bad.jsonl", "-o", "bad.report.json")
    checks.ok("bad lists: no report", not (folder / "bad.report.json").exists())


def check_refusal(checks, tool, folder, name, places, *args, codes=(2,), **rest):
    """A run that must end with one of `codes` before any request, naming every one of `places`."""
    with checks.section(name), SmsServer() as server:
        ran = export(tool, server, folder, *args, **rest)
        checks.ok(f"{name}: exit {' or '.join(map(str, codes))}", ran.code in codes, f"{ran.code}: {ran.stderr}")
        checks.equal(f"{name}: no request", len(server.log()), 0)
        if places:
            checks.none(f"{name}: names every fault", (
                f"no {place} in: {ran.stderr}" for place in places if not re.search(place, ran.stderr, re.MULTILINE)))


def check_usage(checks, tool, folder):
    (folder / "good.csv").write_text("task_id\n" + "".join(f"kind-plain.{n}\n" for n in range(1, 9)))
    refusal = [checks, tool, folder]
    check_refusal(*refusal, "unknown suffix of OUT", ["docx"], "good.csv", "-o", "report.docx")
    check_refusal(*refusal, "no OUT", [], "good.csv")
    check_refusal(*refusal, "no tasks", [], "-o", "none.json")
    check_refusal(*refusal, "unknown flag", ["--colour"], "good.csv", "-o", "x.json", "--colour")
    check_refusal(*refusal, "list that is not there", ["absent.csv"], "absent.csv", "-o", "x.json", codes=(1, 2))
    check_refusal(*refusal, "unknown timezone", [], "good.csv", "-o", "x.json", "--timezone", "Mars/Olympus")
    check_refusal(*refusal, "missing token", [], "good.csv", "-o", "x.json", codes=(5,), token=None)
    with checks.section("wrong token"):
        check_wrong_token(checks, tool, folder)
    with checks.section("unreachable endpoint"):
        check_unreachable(checks, tool, folder)
    with checks.section("plain http"):
        ran = tool.run("export", "good.csv", "--endpoint", "http://192.0.2.1:8000", "--auth", "token",
                       "-o", "x.json", cwd=folder, timeout=20)
        checks.ok("plain http with credentials is refused", ran.code in (1, 2, 5) and ran.seconds < 5,
                  f"{ran.code} after {ran.seconds:.1f} s: {ran.stderr}")


def check_wrong_token(checks, tool, folder):
    with SmsServer() as server:
        ran = export(tool, server, folder, "good.csv", "-o", "wrong.json", token="not-the-right-one")
        checks.ok("wrong token: exit 5", ran.code == 5, f"{ran.code}: {ran.stderr}")
        checks.none("wrong token: never asked again",
                    (f"{task} {times} times" for task, times in server.asked().items() if times > 1))
    checks.ok("wrong token: not shown", "not-the-right-one" not in ran.stdout + ran.stderr)


def check_unreachable(checks, tool, folder):
    with socket.socket() as closed:  # bound, never listening: connections are refused
        closed.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{closed.getsockname()[1]}"
        ran = tool.run("export", "--task", "kind-plain", "--endpoint", url, "--auth", "token",
                       "--max-attempts", 2, "-o", "unreachable.json", cwd=folder)
    checks.equal("unreachable endpoint: exit 3", ran.code, 3)
    report = json.loads((folder / "unreachable.json").read_text())
    checks.equal("unreachable endpoint: verdict", report["tasks"][0]["verdict"], "fetch_failed")
