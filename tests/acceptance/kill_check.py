"""Kills the program at every moment of its commands: nothing lost, twice, torn or left over.

    python3 tests/acceptance/kill_check.py [PROGRAM] [--kills N] [--seed S] [--only SCENE]

Each scene runs a command in a folder with the outputs of an earlier run, or in an empty one, and kills it (SIGKILL) at a
moment of its usual duration: once, or up to three times in a row. After each kill every output must be whole. Then the
command runs to its end, and nothing may be lost, recorded twice, or left over. Exits 1 if anything is.
"""

import argparse
import csv
import hashlib
import io
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import Counter
from pathlib import Path

from harness import Checks, Tool
from soak_check import serving
from tickets.fake_redmine import FakeRedmine

PROGRAM = Path(__file__).parents[2] / "target" / "debug" / "cutover-report"
TASKS = 20
REPORTS = ("r.xlsx", "c/", "r.zip", "r.csv", "r.json", "r.md", "r.html", "r.prom", "all.jsonl")
CHANGES = ("d.xlsx", "d.csv", "d.json", "d.md")
NIGHTS = ("h.xlsx", "h.html", "h.csv", "h.json", "h.md")
SIGNED = ("--sign-key", "../key")
SIGNER = "kill-check"


def to(outputs):
    return [word for name in outputs for word in ("-o", name)]


def files(folder):
    return {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file() or not any(path.iterdir())}


def contents(folder):
    return {name: path.read_bytes() for name, path in files(folder).items() if path.is_file()}


def fault_of(name, data):
    """Why a file is not whole; none if it is. What a file's end shows is enough: outputs are written in order."""
    try:
        match name.rpartition(".")[2]:
            case "xlsx" | "zip":
                bad = zipfile.ZipFile(io.BytesIO(data)).testzip()
                return f"{bad} is damaged" if bad else None
            case "json":
                json.loads(data)
            case "jsonl":
                [json.loads(line) for line in data.splitlines()]
            case "csv":
                rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True))
                if not rows or {len(row) for row in rows} != {len(rows[0])}:
                    return "a row is cut off"
            case "html":
                return None if data.rstrip().endswith(b"</html>") else "</html> is missing"
            case "sig":
                return None if data.endswith(b"-----END SSH SIGNATURE-----\n") else "its last line is missing"
        return None if data.endswith((b"\n", b"}")) else "its last line is cut off"
    except (ValueError, zipfile.BadZipFile, csv.Error) as error:
        return str(error)


def answers(journal):
    """The whole lines of a journal that have an answer, by task. Damaged lines have none."""
    found = {}
    for line in journal.split(b"\n")[:-1]:
        try:
            task = json.loads(line).get("task_id")
        except ValueError:
            continue
        if task is not None:
            found.setdefault(task, []).append(line)
    return found


class Scene:
    """A command that runs in a copy of the folder `start`, or in one with nothing but its `inputs`."""

    journal, deterministic = None, True

    def __init__(self, name, start, command, again=None, **settings):
        self.name, self.start, self.command, self.again = name, start, command, again or command
        self.manifests, self.inputs = [], None
        for key, value in settings.items():
            setattr(self, key, value)

    def environment(self, folder):
        return {"TMPDIR": str(folder.parent / "tmp")}

    def before(self):
        """What a cycle needs besides its folder."""

    def after(self, folder):
        return []


class Delivery(Scene):
    """To a new ticket in each cycle."""

    def before(self):
        self.issue = self.redmine.new_issue()
        self.command = self.again = ["deliver", "r.manifest.json", "--to", self.redmine.url(self.issue)]

    def environment(self, folder):
        return super().environment(folder) | {"REDMINE_API_KEY": self.redmine.key}

    def after(self, folder):
        ticket = self.redmine.issues[self.issue]
        named = [name for _, name, _ in ticket.files]
        for name, number in Counter(named).items():
            if number > 1:
                yield "twice", f"{name} is attached {number} times"
        expected = [Path(file["path"]).name for file in json.loads((folder / "r.manifest.json").read_text())["files"]
                    if file["role"] == "output" and "/" not in file["path"]]
        for name in set(expected) ^ set(named):
            yield "lost", f"{name} is attached, or missing: {sorted(named)}"
        for _, name, content in ticket.files:
            if content != (folder / name).read_bytes():
                yield "torn", f"attachment {name}"
        mark = hashlib.sha256((folder / "r.manifest.json").read_bytes()).hexdigest()
        if len(ticket.comments) > 1:
            yield "twice", f"{len(ticket.comments)} comments"
        if not any(mark in comment for comment in ticket.comments):
            yield "lost", "the comment"


class Killer:
    varying = ()  # what differs after a run whose outputs failed

    def __init__(self, tool, work, seed):
        self.tool, self.work, self.random = tool, work, random.Random(seed)
        self.kills = self.ended = 0

    def run(self, scene, folder, command):
        return self.tool.run(*command, cwd=folder, env=scene.environment(folder), timeout=300)

    def place(self, scene, with_start):
        folder = self.work / "run"
        for path in (folder, self.work / "tmp"):
            shutil.rmtree(path, ignore_errors=True)
            path.mkdir()
        if with_start or scene.inputs is None:
            shutil.copytree(scene.start, folder, dirs_exist_ok=True)
        else:
            for name in scene.inputs:
                shutil.copy(scene.start / name, folder / name)
        return folder

    def measure(self, scene):
        """Runs a scene to its end with and without an earlier run: its duration, and the files that there are then."""
        self.reference, self.old, took = {}, {}, []
        for with_start in (True, False):
            scene.before()
            folder = self.place(scene, with_start)
            self.old[with_start] = contents(folder)
            ran = self.run(scene, folder, scene.command)
            if ran.code != 0:
                raise RuntimeError(f"exit {ran.code}: {ran.stderr}")
            took.append(ran.seconds)
            self.reference[with_start] = contents(folder)
        return sum(took) / len(took)

    def interrupt(self, scene, folder, command, delay):
        full = {"PATH": os.environ["PATH"], "HOME": str(self.work), **scene.environment(folder)}
        process = subprocess.Popen([self.tool.binary, *command], cwd=folder, env=full, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(delay)
        except subprocess.TimeoutExpired:
            process.kill()
        self.kills += 1
        self.ended += process.wait() >= 0
        return ()

    @staticmethod
    def lost(before, now, when):
        for task, lines in before.items():
            if now.get(task) != lines:
                yield "lost", f"the answer for task {task} {when}"

    def torn(self, scene, folder, with_start):
        for name, path in files(folder).items():
            if ".cutover-report-" in name or name.endswith(".lock") or path.is_dir():
                continue
            data = path.read_bytes()
            if name == scene.journal:
                data = data[:data.rfind(b"\n") + 1]  # the next run drops the last line if it is cut off
            if data == self.old[with_start].get(name):
                continue
            is_known = scene.deterministic and not name.startswith(self.varying)
            if is_known and data != self.reference[with_start].get(name):
                yield "torn", f"{name} is neither the old nor the new file"
            elif (data or name != scene.journal) and (fault := fault_of(name, data)):
                yield "torn", f"{name}: {fault}"

    def cycle(self, scene, delays, with_start):
        scene.before()
        folder = self.place(scene, with_start)
        kept, command = {}, scene.command
        for delay in delays:
            yield from self.interrupt(scene, folder, command, delay)
            yield from self.torn(scene, folder, with_start)
            if scene.journal and (folder / scene.journal).exists():
                journal = (folder / scene.journal).read_bytes()
                if journal != self.old[with_start].get(scene.journal):
                    yield from self.lost(kept, answers(journal), "after a kill")
                    # Before that, the journal is that of another run, which `--resume` refuses.
                    kept, command = answers(journal), scene.again
        ran = self.run(scene, folder, command)
        if ran.code != 0:
            yield "failed", f"exit {ran.code}: {ran.stderr}"
            return
        self.took = ran.seconds
        if scene.journal:
            final = answers((folder / scene.journal).read_bytes())
            yield from self.lost(kept, final, "at the end")
            for task, lines in final.items():
                if len(lines) > 1:
                    yield "twice", f"task {task} is recorded {len(lines)} times"
            if len(final) != len(answers(self.reference[with_start][scene.journal])):
                yield "lost", f"the journal has {len(final)} tasks"
        yield from self.torn(scene, folder, with_start)
        expected, found = set(self.reference[with_start]), set(files(folder))
        yield from (("left", name) for name in sorted(found - expected))
        yield from (("lost", f"{name} is missing") for name in sorted(expected - found))
        for path in (self.work / "tmp").iterdir():
            yield "left", f"TMPDIR/{path.name}"
        for manifest in scene.manifests:
            verified = self.run(scene, folder, ["verify", manifest, *scene.verify])
            if verified.code != 0:
                yield "torn", f"verify: {verified.stdout}{verified.stderr}"
        yield from scene.after(folder)

    def scene(self, scene, kills):
        """Spreads kills over the duration of a scene; what went wrong, by kind."""
        usual = self.measure(scene)
        self.kills = self.ended = 0
        began, moments = usual, [(number + self.random.random()) / kills * 1.02 for number in range(kills)]
        self.random.shuffle(moments)
        while moments:
            number = min(len(moments), self.random.choice((1, 1, 2, 3)))
            some, moments = moments[:number], moments[number:]
            delays = [moment * usual for moment in some]
            for kind, what in self.cycle(scene, delays, self.random.random() < 0.6):
                yield kind, f"{what} (killed after {', '.join(f'{delay:.3f}' for delay in delays)} s)"
            # The machine may be busier or less busy than at first.
            if scene.command == scene.again:
                usual = 0.8 * usual + 0.2 * self.took
        print(f"     {scene.name}: {self.kills} kills over {began:.2f} s, {self.ended} after the end", flush=True)


def scenes(tool, work, url, redmine):
    """Prepares two runs, of which each has tasks that the other has not."""
    listed = tool.run("tasks", "--endpoint", url, "--auth", "none", "--rate", "1000/s", cwd=work).stdout.splitlines()
    header, rows = listed[0], listed[1:]
    for name, some in (("old", rows[:len(rows) * 3 // 5]), ("new", rows[len(rows) // 4:]), ("rest", rows[:len(rows) // 4])):
        (work / f"{name}.csv").write_text("\n".join([header, *some]) + "\n")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", work / "key"], check=True)
    (work / "signers").write_text(f"{SIGNER} {(work / 'key.pub').read_text()}")
    service = ["--endpoint", url, "--auth", "none", "-q"]

    def done(name, *commands, cwd=None):
        folder = work / name
        folder.mkdir()
        for command in commands:
            ran = tool.run(*command, cwd=folder)
            if ran.code != 0:
                raise RuntimeError(f"{command}: exit {ran.code}: {ran.stderr}")
        return folder

    def export(tasks, journal, *more):
        return ["export", f"../{tasks}.csv", *service, "--rate", "1000/s", "--journal", journal, *more]

    signed = {"manifests": ["r.manifest.json"], "verify": ["--allowed-signers", "../signers", "--signer", SIGNER]}
    plain = {"manifests": ["r.manifest.json"], "verify": []}

    first = done("first", ["export", "../old.csv", *service, "--rate", "1000/s", *to(REPORTS), *SIGNED])
    again = ["export", "../new.csv", *service, "--rate", "50/s", *to(REPORTS), "--previous", *SIGNED]
    yield Scene("export", first, again, [*again, "--resume"], journal="r.journal.jsonl", deterministic=False, inputs=[],
                **signed)

    two = done("two", export("old", "a.jsonl", "-o", "x.json"), export("new", "b.jsonl", "-o", "x.json"),
               export("rest", "e.jsonl", "-o", "x.json"),
               ["render", "a.jsonl", "-q", *to(REPORTS), *SIGNED], ["diff", "a.jsonl", "a.jsonl", *to(CHANGES)],
               ["history", "a.jsonl", *to(NIGHTS)])
    inputs = ["a.jsonl", "b.jsonl", "e.jsonl"]
    yield Scene("render", two, ["render", "b.jsonl", "-q", *to(REPORTS), *SIGNED, "--previous", "a.jsonl"],
                inputs=inputs, **signed)
    parts = ["render", "b.jsonl", "-q", "-o", "r.xlsx", "-o", "r.zip", "-o", "c/", "--max-bytes", "24KB"]
    yield Scene("render in parts", two, parts, inputs=inputs, **plain)
    yield Scene("merge", two, ["merge", "e.jsonl", "b.jsonl", "-q", *to(REPORTS), *SIGNED], inputs=inputs, **signed)
    yield Scene("diff", two, ["diff", "a.jsonl", "b.jsonl", "-q", *to(CHANGES)], inputs=inputs)
    yield Scene("history", two, ["history", *inputs, "-q", *to(NIGHTS)], inputs=inputs)
    yield Delivery("deliver", first, [], redmine=redmine)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("program", nargs="?", type=Path, default=PROGRAM)
    arguments.add_argument("--kills", type=int, default=60, help="in all scenes together")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--only", help="one scene")
    given = arguments.parse_args()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder, FakeRedmine() as redmine:
        work = Path(folder)
        tool = Tool(given.program, work)
        with serving(tool.binary, work / "sms.db", TASKS) as service:
            killer = Killer(tool, work, given.seed)
            chosen = [scene for scene in scenes(tool, work, service.url, redmine) if given.only in (None, scene.name)]
            for number, scene in enumerate(chosen):
                kills = given.kills * (number + 1) // len(chosen) - given.kills * number // len(chosen)
                with checks.section(scene.name):
                    wrong = list(killer.scene(scene, kills))
                    for kind in ("lost", "twice", "torn", "left", "failed"):
                        checks.none(f"{scene.name}: 0 {kind}", (what for found, what in wrong if found == kind))
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed or not checks.passed else 0)


if __name__ == "__main__":
    main()
