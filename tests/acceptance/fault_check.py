"""Makes each system call of a run fail once: no panic, no torn file, no lost answer, and every error says where.

    python3 tests/acceptance/fault_check.py [PROGRAM] [--calls N] [--only SCENE] [--call CALL]

The scenes of kill_check.py run with failing_calls.c preloaded: first to count the calls, then once for each call, which
fails with the errors that the system may give in turn. Of a kind of call with more than N calls, N are spread over the run
(0: all). A run that fails must say what and where; one that does not must have written everything. A second run without
faults must then complete. Runs with little memory, few descriptors and no threads follow. Exits 1 if a check fails.
"""

import argparse
import errno
import itertools
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from harness import Checks, Tool, shorten
from kill_check import PROGRAM, Killer, contents, scenes
from soak_check import serving
from tickets.fake_redmine import FakeRedmine

TASKS = 8
ERRORS = {
    "open": ("EACCES", "EMFILE", "EIO"), "create": ("ENOSPC", "EACCES", "EMFILE"), "read": ("EIO",),
    "write": ("ENOSPC", "EIO"), "sync": ("EIO", "ENOSPC"), "rename": ("EACCES", "EIO", "ENOSPC"),
    "unlink": ("EACCES", "EIO"), "rmdir": ("EACCES",), "truncate": ("EIO",), "mkdir": ("ENOSPC", "EACCES"),
    "mmap": ("ENOMEM",), "thread": ("EAGAIN",), "random": ("ENOSYS",), "stat": ("EACCES", "EIO"), "lock": ("ENOLCK",),
    "opendir": ("EACCES", "EMFILE"), "readdir": ("EIO",), "copy": ("ENOSPC", "EIO"), "mode": ("EPERM",),
    "socket": ("EMFILE",), "dup": ("EMFILE",),
}
# By setrlimit. The program starts with the first value and not with the others.
LIMITS = {
    "descriptors": (resource.RLIMIT_NOFILE, (64, 32, 24, 16, 12, 8, 4)),
    "memory": (resource.RLIMIT_AS, tuple(size << 20 for size in (512, 128, 96, 80, 72, 64, 56, 48, 40))),
    "threads": (resource.RLIMIT_NPROC, (0, 1)),
    "file size": (resource.RLIMIT_FSIZE, (1 << 20, 1 << 16, 1 << 14, 1 << 12, 1 << 10, 0)),
}
NOBODY = 65534


class Failer(Killer):
    """Interrupts a run by a call that fails, and keeps what is wrong about the run itself."""

    varying = ("r.manifest.json", "r.md")  # they name the outputs that failed, and the manifest that was replaced

    def __init__(self, tool, work, shim):
        super().__init__(tool, work, 0)
        self.shim, self.codes, self.silent = shim, Counter(), Counter()

    def preloaded(self, scene, folder, command, **fail):
        log = self.work / "calls"
        log.unlink(missing_ok=True)
        env = {"LD_PRELOAD": str(self.shim), "FAIL_LOG": str(log)}
        env |= {f"FAIL_{name.upper()}": str(value) for name, value in fail.items()}
        ran = self.tool.run(*command, cwd=folder, env=scene.environment(folder) | env, timeout=120)
        return ran, log.read_text().splitlines() if log.exists() else []

    def count(self, scene, with_start):
        scene.before()
        _, lines = self.preloaded(scene, self.place(scene, with_start), scene.command)
        return {line.split()[1]: int(line.split()[2]) for line in lines if line.startswith("count ")}

    def interrupt(self, scene, folder, command, fault):
        call, at, error = fault
        ran, lines = self.preloaded(scene, folder, command, call=call, at=at, errno=getattr(errno, error))
        self.where = next((line.split(" ", 2)[2] for line in lines if line.startswith("failed ")), None)
        if self.where is None:
            self.codes["not reached"] += 1
            return
        yield from self.judge(scene, folder, ran, self.where)

    def judge(self, scene, folder, ran, where):
        self.codes[ran.code] += 1
        if ran.code is None:
            yield "hangs", f"no end after {ran.seconds:.0f} s: {shorten(ran.stderr, 300)}"
        elif ran.code < 0 or ran.code == 101 or "panicked" in ran.stderr or "internal error" in ran.stderr:
            yield "panics", f"exit {ran.code}: {shorten(ran.stderr, 500)}"
        elif ran.code == 0:
            yield from self.complete(scene, folder)
        elif "error: " not in ran.stderr and "warning: " not in ran.stderr:
            yield "silent", f"exit {ran.code}: {shorten(ran.stderr, 500)}"
        elif where and not self.is_named(folder, where, ran.stderr):
            yield "no path", f"exit {ran.code}, {where}: {shorten(ran.stderr, 500)}"

    @staticmethod
    def is_named(folder, where, said):
        """Whether a message has the path of the call, or that of what is made of the temporary file."""
        path = Path(where.removesuffix(" (deleted)"))
        names = {path.name, path.parent.name} - {"", folder.name}
        return ".cutover-report-" in where or not names or any(name in said for name in names)

    def complete(self, scene, folder):
        """What is missing after exit 0."""
        now, with_start = contents(folder), self.with_start
        for name, data in self.reference[with_start].items():
            if name not in now:
                yield "false success", f"exit 0, and {name} is missing"
            elif scene.deterministic and now[name] != data:
                yield "false success", f"exit 0, and {name} is not the new file"
        for manifest in scene.manifests:
            if now.get(manifest) == self.old[with_start].get(manifest, ""):
                yield "false success", f"exit 0, and {manifest} is the old file"
            if (ran := self.run(scene, folder, ["verify", manifest, *scene.verify])).code != 0:
                yield "false success", f"exit 0, and verify says {ran.stdout}{ran.stderr}"
        yield from (("false success", f"exit 0, and {what}") for _, what in scene.after(folder))

    def faults(self, scene, most, only):
        self.measure(scene)
        for self.with_start in (True, False):
            self.codes.clear()
            counts, runs = self.count(scene, self.with_start), 0
            if not any(counts.values()):
                raise RuntimeError("failing_calls.so counted no calls; the program must be linked dynamically")
            for call, number in counts.items():
                if only not in (None, call) or not self.with_start and call in ("read", "stat", "readdir", "opendir"):
                    continue
                step = max(1, number / most) if most else 1
                chosen = sorted({int(index * step) + 1 for index in range(number) if int(index * step) < number})
                for index, at in enumerate(chosen):
                    errors = ERRORS[call]
                    fault = (call, at, errors[index % len(errors)])
                    runs += 1
                    for kind, what in self.cycle(scene, [fault], self.with_start):
                        yield kind, f"{' '.join(map(str, fault))} {self.where}: {what}"
            shown = ", ".join(f"{code}: {number}" for code, number in sorted(self.codes.items(), key=str))
            print(f"     {scene.name}: {runs} of {sum(counts.values())} calls failed; by exit code: {shown}", flush=True)


class Starved(Failer):
    """Interrupts a run by a limit of the system that it runs under."""

    def interrupt(self, scene, folder, command, limit):
        what, most = limit
        kind = LIMITS[what][0]

        def restrict():
            resource.setrlimit(kind, (most, most))
            if what == "threads" and os.geteuid() == 0:  # root has no such limit
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)

        if what == "threads":
            for path in (self.work, *self.work.rglob("*")):
                path.chmod(0o777 if path.is_dir() else 0o666 if path.name != "key" else 0o600)
        full = {"PATH": os.environ["PATH"], "HOME": str(self.work), **scene.environment(folder)}
        binary = self.work / "program"
        if not binary.exists():
            shutil.copy(self.tool.binary, binary)
        binary.chmod(0o755)
        process = subprocess.run([binary, *command], cwd=folder, env=full, capture_output=True, text=True, timeout=120,
                                 preexec_fn=restrict)
        ran = type("Ran", (), {"code": process.returncode, "stderr": process.stderr, "stdout": process.stdout})
        print(f"     {scene.name}, {what} {most}: exit {ran.code}: {shorten(ran.stderr, 160)}", flush=True)
        # Without memory the runtime aborts: that is a killed run, after which all files must be whole.
        if what != "memory" or ran.code >= 0:
            yield from self.judge(scene, folder, ran, None)

    def limits(self, scene):
        self.measure(scene)
        self.with_start = True
        for what, (_, values) in LIMITS.items():
            for most in values:
                for kind, problem in self.cycle(scene, [(what, most)], True):
                    yield kind, f"{what} {most}: {problem}"


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("program", nargs="?", type=Path, default=PROGRAM)
    arguments.add_argument("--calls", type=int, default=12, help="the most of each kind")
    arguments.add_argument("--only", help="one scene")
    arguments.add_argument("--call", choices=[*ERRORS, "limits"], help="one kind of call, or `limits`")
    given = arguments.parse_args()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder, FakeRedmine() as redmine:
        work = Path(folder)
        tool, shim = Tool(given.program, work), work / "failing_calls.so"
        source = Path(__file__).with_name("failing_calls.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", shim, source, "-ldl", "-lpthread"], check=True)
        with serving(tool.binary, work / "sms.db", TASKS) as service:
            for scene in scenes(tool, work, service.url, redmine):
                if given.only not in (None, scene.name):
                    continue
                with checks.section(scene.name):
                    found = []
                    if given.call != "limits":
                        found.append(Failer(tool, work, shim).faults(scene, given.calls, given.call))
                    if given.call in (None, "limits"):
                        found.append(Starved(tool, work, shim).limits(scene))
                    wrong = []
                    for kind, what in itertools.chain(*found):
                        print(f"     {kind}: {shorten(what, 1200)}", flush=True)
                        wrong.append((kind, what))
                    kinds = ["panics", "hangs", "silent", "no path", "false success", "lost", "twice", "torn", "left", "failed"]
                    for kind in kinds:
                        checks.none(f"{scene.name}: none {kind}", (what for found, what in wrong if found == kind))
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed or not checks.passed else 0)


if __name__ == "__main__":
    main()
