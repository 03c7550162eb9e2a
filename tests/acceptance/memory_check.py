#!/usr/bin/env python3
"""Measures the memory that `render` takes, with journals made here, and fails where it is beyond its bound.

    memory_check.py target/release/cutover-report [NAME…]

Not part of check.py: it takes minutes, a release build and some gigabytes of disk.
"""

import json
import os
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path

MIB = 1 << 20


def answer(rows: int, task: int) -> str:
    """An answer of `rows` directories in three verifications, or in one where there are very many."""
    def check(row):
        return {"task_id": f"t{task}", "dir_check": f"/srv/data/{task % 97}/directory-{row:07}",
                "num_total_files": 1000 + row, "num_different_files": int((task + row) % 50 == 0),
                "num_target_miss_files": 0, "num_target_more_files": 0}
    verifications = 3 if rows < 10_000 else 1
    per = rows // verifications
    results = [{"finished_time": 1_795_000_000_000 - n * 86_400_000, "check_result": "success",
                "consistency_result": [check(row) for row in range(n * per, (n + 1) * per)]}
               for n in range(verifications)]
    return json.dumps({"result_list": results}, separators=(",", ":"))


def write_journal(path: Path, tasks: int, rows: int, time_of: str = "2026-11-21T00:00:00Z") -> None:
    listed = [{"task_id": f"0f1e2d3c-4b5a-6978-8796-{n:012}", "source_name": f"server-{n:06}",
               "source_id": f"5e0f1a2b-3c4d-5e6f-7081-{n:012}", "labels": {"owner": f"team {n % 40}"}}
              for n in range(tasks)]
    header = {"journal_format": 1, "tool": "memory_check", "started_at": time_of,
              "endpoint": "https://sms.example", "list": {"labels": ["owner"], "tasks": listed}}
    with path.open("w") as file:
        file.write(json.dumps(header) + "\n")
        for n, task in enumerate(listed):
            record = {"ordinal": n, "task_id": task["task_id"], "fetched_at": time_of, "attempts": 1,
                      "request_id": f"{n:032x}", "status": 200, "body": answer(rows, n)}
            file.write(json.dumps(record) + "\n")
        file.write(json.dumps({"finished_at": time_of, "recorded": tasks}) + "\n")


def measure(program: str, arguments: list, limits) -> tuple:
    """Exit code, peak resident memory in bytes, and seconds."""
    began = time.monotonic()
    child = os.fork()
    if child == 0:
        for what, most in limits:
            resource.setrlimit(what, (most, most))
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.execv(program, [program, "-q", *map(str, arguments)])
    _, status, usage = os.wait4(child, 0)
    return os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024, time.monotonic() - began


# Name, tasks, rows of each, outputs, further options, and the bound in MiB.
CASES = [
    ("folder", 100_000, 30, ["out/"], [], 200),
    ("journal", 100_000, 30, ["copy.jsonl"], [], 200),
    ("archive", 100_000, 30, ["out.zip"], [], 200),
    ("json", 100_000, 30, ["out.json"], [], 200),
    ("workbook", 100_000, 30, ["out.xlsx"], [], 600),
    ("bytes", 100_000, 30, ["out.xlsx"], ["--max-bytes", "20MB"], 600),
    ("rows", 1, 1_080_000, ["out.xlsx"], [], 1024),
    ("wide", 400, 10_000, ["out.xlsx"], [], 1024),
]


def main() -> int:
    program, wanted = os.path.abspath(sys.argv[1]), sys.argv[2:]
    folder = Path(tempfile.mkdtemp(prefix="memory-check-"))
    journals: dict = {}
    too_much = 0
    try:
        for name, tasks, rows, outputs, options, bound in CASES:
            if wanted and name not in wanted:
                continue
            journal = folder / f"{tasks}x{rows}.journal.jsonl"
            if not journal.exists():
                write_journal(journal, tasks, rows)
            to = folder / name
            arguments = ["render", journal, "--max-age", "off", *options]
            for output in outputs:
                arguments += ["-o", f"{to}/{output}"]
            # Few descriptors: none may be kept for each task or sheet.
            code, peak, seconds = measure(program, arguments, [(resource.RLIMIT_NOFILE, 64)])
            written = sum(path.stat().st_size for path in to.rglob("*") if path.is_file()) if to.exists() else 0
            fits = code == 0 and peak <= bound * MIB
            too_much += not fits
            print(f"{'ok  ' if fits else 'FAIL'} {name:9} {tasks} x {rows}: {peak / MIB:.0f} of {bound} MiB, "
                  f"{seconds:.1f} s, {written / MIB:.0f} MiB written, exit {code}", flush=True)
            shutil.rmtree(to, ignore_errors=True)
    finally:
        shutil.rmtree(folder)
    return 1 if too_much else 0


if __name__ == "__main__":
    sys.exit(main())
