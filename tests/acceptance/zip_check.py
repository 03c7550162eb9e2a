"""ZIP check: every reader accepts our workbooks and archives.

    python3 tests/acceptance/zip_check.py FILE...

Needs unzip, bsdtar and a JDK. Prints a line for each check and exits 1 if any failed.
"""

import subprocess
import sys
import unicodedata
import zipfile
from pathlib import Path, PurePosixPath

from harness import Checks

HERE = Path(__file__).parent
DEVICES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"} | {
    device + number for device in ("COM", "LPT") for number in "0123456789¹²³"}
ILLEGAL = set('<>:"\\|?*')
DATA_DESCRIPTOR = 1 << 3
NEEDS_ZIP64 = 45


def refusal(name):
    """Why Windows does not take a path, or None."""
    for step in PurePosixPath(name).parts:
        if ILLEGAL & set(step) or any(ord(c) < 32 for c in step):
            return f"{step!r} has an illegal character"
        if step[-1] in ". ":
            return f"{step!r} ends in a dot or a space"
        if step.split(".")[0].rstrip().upper() in DEVICES:
            return f"{step!r} is a device"
    return None


def folded(name):
    """The name as a file system of macOS compares it."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())


def check(checks, path):
    for reader in (["unzip", "-tqq", path], ["java", HERE / "ReadZip.java", path]):
        run = subprocess.run(list(map(str, reader)), capture_output=True, text=True)
        checks.ok(f"{path.name}: {reader[0]}", run.returncode == 0, run.stdout + run.stderr)
    with zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
        checks.equal(f"{path.name}: zipfile", archive.testzip(), None)
    # bsdtar cannot seek in a pipe.
    cat = subprocess.Popen(["cat", path], stdout=subprocess.PIPE)
    run = subprocess.run(["bsdtar", "-tf", "-"], stdin=cat.stdout, capture_output=True,
                         env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"})
    cat.stdout.close()
    cat.wait()
    checks.ok(f"{path.name}: bsdtar from a pipe", run.returncode == 0 and not run.stderr, run.stderr)
    names = [entry.filename for entry in entries]
    checks.equal(f"{path.name}: bsdtar lists what the directory has", run.stdout.decode().splitlines(), names)
    checks.none(f"{path.name}: no data descriptors",
                (entry.filename for entry in entries if entry.flag_bits & DATA_DESCRIPTOR))
    checks.none(f"{path.name}: no ZIP64",
                (entry.filename for entry in entries if entry.extract_version >= NEEDS_ZIP64 or entry.extra))
    checks.none(f"{path.name}: names that Windows refuses", filter(None, map(refusal, names)))
    checks.equal(f"{path.name}: names that differ on macOS", len(set(map(folded, names))), len(names))


def main():
    paths = [Path(argument) for argument in sys.argv[1:]]
    if not paths:
        sys.exit(__doc__)
    checks = Checks()
    for path in paths:
        with checks.section(path.name):
            check(checks, path)
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
