"""What every part of the acceptance check uses: counting checks, running the tool, reading outputs."""

import csv
import io
import os
import re
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import kinds

csv.field_size_limit(1 << 26)

ZONE = "Asia/Shanghai"
DANGEROUS = ("=", "+", "-", "@", "\t", "\r")


class Checks:
    """Prints one line a check and goes on after a failure."""

    def __init__(self):
        self.passed = self.failed = 0

    def ok(self, name, condition, seen=""):
        if condition:
            self.passed += 1
            print(f"ok   {name}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL {name} ({shorten(seen)})", flush=True)
        return bool(condition)

    def equal(self, name, seen, wanted):
        return self.ok(name, seen == wanted, f"saw {seen!r}, wanted {wanted!r}")

    def none(self, name, problems):
        """Passes when nothing was collected; shows the first few otherwise."""
        problems = list(problems)
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        return self.ok(name, not problems, "; ".join(map(str, problems[:3])) + more)

    @contextmanager
    def section(self, name):
        """Turns an exception inside into one failed check."""
        try:
            yield
        except Exception as error:  # any fault of one part must not hide the others
            self.ok(name, False, f"{type(error).__name__}: {error}")


def shorten(text, limit=600):
    text = str(text).replace("\n", "⏎")
    return text if len(text) <= limit else text[:limit] + "…"


@dataclass
class Ran:
    code: int | None  # None: it had to be killed
    stdout: str
    stderr: str
    seconds: float


class Tool:
    def __init__(self, binary, home):
        self.binary = str(Path(binary).resolve())
        self.home = home

    def run(self, *args, cwd, stdin=b"", token=kinds.TOKEN, env=None, timeout=120):
        """Runs the tool with a clean environment: nothing of the caller's settings gets in."""
        full = {"PATH": os.environ.get("PATH", ""), "HOME": str(self.home), "LC_ALL": "C.UTF-8"}
        if token is not None:
            full["SMS_AUTH_TOKEN"] = token
        full.update(env or {})
        began = time.monotonic()
        try:
            done = subprocess.run(
                [self.binary, *map(str, args)], cwd=cwd, env=full, input=stdin,
                capture_output=True, timeout=timeout,
            )
            code, out, err = done.returncode, done.stdout, done.stderr
        except subprocess.TimeoutExpired as late:
            code, out, err = None, late.stdout or b"", late.stderr or b""
        seconds = time.monotonic() - began
        return Ran(code, out.decode(errors="replace"), err.decode(errors="replace"), seconds)


def label_of(verdict):
    return verdict.replace("_", " ").capitalize()


def read_csv(source):
    """Header and rows of a CSV file (a path, or its bytes)."""
    data = source if isinstance(source, bytes) else Path(source).read_bytes()
    text = io.StringIO(data.decode("utf-8-sig"), newline="")
    lines = list(csv.reader(text, strict=True))
    return (lines[0], lines[1:]) if lines else ([], [])


def base_name(header):
    """A column name without the zone: `Finished (Asia/Shanghai)` is `Finished`."""
    return re.sub(r"^(Finished|Last verified) \(.*\)$", r"\1", str(header or ""))


def dicts(header, rows):
    names = [base_name(name) for name in header]
    return [dict(zip(names, row)) for row in rows]


def unescape(text):
    """Undoes the workbook format's `_xHHHH_`, which openpyxl leaves alone."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda hit: chr(int(hit[1], 16)), text)


def same_text(cell, wanted):
    """A text and the cell that shows it. A cell holds 32,767 characters at most."""
    if len(wanted.encode("utf-16-le")) // 2 > 32_767:
        return len(cell) <= 32_767 and cell[:1000] == wanted[:1000]
    return storable(wanted) in (storable(cell), storable(unescape(cell)))


def storable(text):
    """What is left of a text in XML: one kind of line end, and no noncharacters."""
    return re.sub("[\ufffe\uffff]", "\ufffd", re.sub("\r\n?", "\n", text))


def same_field(field, cell, raw=False):
    """A CSV field and the workbook's cell of the same value."""
    if cell is None or cell == "":
        return field == ""
    if isinstance(cell, datetime):
        hit = re.match(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)", field)
        return bool(hit) and f"{hit[1]} {hit[2]}" == cell.strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(cell, bool) or str(cell).lower() in ("yes", "no"):
        truth = {"yes": "true", "no": "false"}
        return truth.get(field.lower(), field.lower()) == truth.get(str(cell).lower(), str(cell).lower())
    if isinstance(cell, (int, float)):
        return field == str(cell)
    if same_text(cell, field):
        return True
    return not raw and field[:1] == "'" and same_text(cell, field[1:])
