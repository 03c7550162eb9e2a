"""Exports many tasks from a service that fails, and goes away in mid-run: nothing lost, nothing twice.

    python3 tests/acceptance/soak_check.py [path of the binary]     a release build

Runs `serve --generate` and `export` in processes of their own: once without faults, once with a fifth
of mixed faults for each seed, and once with an outage, for which the service is killed and started
again at the same port. All runs share the data, so that their reports can be compared. 20 seeds and
an outage of 60 s take some ten minutes on a quiet machine; `--seeds`, `--tasks`, `--rate` and
`--outage` make it less or more. Exits 1 if a bound is missed.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from harness import Checks, Tool

BINARY = Path(__file__).parents[2] / "target" / "release" / "cutover-report"
MIXED = ("429=3%,500=3%,502=1%,503=1%,504=1%,408=1%,reset=2%,truncate=2%,garbage=1%,html=1%,"
         "slow=1%:100ms,drip=1%:100ms,type=1%,huge=1%:1MiB")
SAME = ("task_id", "verdict", "last_verified", "check_result", "directories", "total_files", "different",
        "missing_at_target", "redundant_at_target", "verifications", "response_shape", "notes")


class Service:
    """The embedded service over one data file, in a process that can be killed."""

    def __init__(self, binary, data, tasks, faults="", listen="127.0.0.1:0"):
        arguments = [binary, "serve", "--data", data, "--generate", tasks, "--listen", listen]
        self.process = subprocess.Popen([*map(str, arguments), *(["--faults", faults] if faults else [])],
                                        stdout=subprocess.PIPE, text=True)
        said = self.process.stdout.readline()
        if not said.startswith("listening on "):
            raise RuntimeError(f"serve says {said!r}")
        self.url = said.split()[-1]

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@contextmanager
def serving(*args, **settings):
    service = Service(*args, **settings)
    try:
        yield service
    finally:
        service.kill()


class Soak:
    def __init__(self, checks, binary, folder, tasks, rate):
        self.checks, self.folder, self.count, self.rate = checks, folder, tasks, rate
        self.binary = Path(binary).resolve()
        self.tool = Tool(self.binary, folder)
        self.data = folder / "sms.db"
        self.tasks = []
        self.expected = {}

    def export(self, url, name, timeout):
        return self.tool.run("export", "tasks.csv", "--endpoint", url, "--auth", "none", "--rate", f"{self.rate}/s",
                             "--concurrency", 64, "-o", f"{name}.json", "--journal", f"{name}.jsonl",
                             cwd=self.folder, timeout=timeout)

    def healthy(self):
        with serving(self.binary, self.data, self.count) as service:
            listed = self.tool.run("tasks", "--endpoint", service.url, "--auth", "none", "--rate", "1000/s",
                                   cwd=self.folder)
            (self.folder / "tasks.csv").write_text(listed.stdout)
            ran = self.export(service.url, "healthy", 1800)
        self.checks.equal("healthy: exit 0", ran.code, 0)
        self.expected = {task["task_id"]: task for task in self.report("healthy")}
        self.checks.equal("healthy: tasks", len(self.expected), self.count)
        print(f"     healthy: {ran.seconds:.1f} s")

    def report(self, name):
        return json.loads((self.folder / f"{name}.json").read_text())["tasks"]

    def compare(self, name, ran, most):
        """Whether a run's report says the same as that without faults."""
        self.checks.equal(f"{name}: exit 0", ran.code, 0)
        tasks = self.report(name)
        self.checks.equal(f"{name}: every task once", sorted(task["task_id"] for task in tasks), sorted(self.expected))
        self.checks.none(f"{name}: as without faults", (
            f"{field} of {task['task_id']}: {task[field]!r}" for task in tasks for field in SAME
            if task[field] != self.expected[task["task_id"]][field]))
        lines = [json.loads(line) for line in (self.folder / f"{name}.jsonl").open()]
        recorded = [line["task_id"] for line in lines if isinstance(line.get("task_id"), str)]
        self.checks.ok(f"{name}: recorded once", len(recorded) == len(set(recorded)) == self.count, len(recorded))
        requests = sum(task["attempts"] for task in tasks)
        self.checks.ok(f"{name}: at most {most} requests a task", requests <= most * self.count, requests / self.count)
        longest = max(task["attempts"] for task in tasks)
        ideal = requests / self.rate
        print(f"     {name}: {requests / self.count:.3f} requests a task, {longest} for one; {ran.seconds:.1f} s, "
              f"{ran.seconds / ideal:.3f} of what so many requests take at {self.rate}/s", flush=True)
        return ran.seconds / ideal

    def seed(self, seed):
        with serving(self.binary, self.data, self.count, f"{MIXED},seed={seed}") as service:
            ran = self.export(service.url, f"seed-{seed}", 1800)
        took = self.compare(f"seed-{seed}", ran, 1.30)
        self.checks.ok(f"seed-{seed}: at most 1.15 of the ideal time", took <= 1.15, took)
        for path in self.folder.glob(f"seed-{seed}.*"):
            path.unlink()

    def outage(self, seconds):
        """The service is killed at a third of the run, and started again when the outage is over."""
        service = Service(self.binary, self.data, self.count, f"{MIXED},seed=1")
        listen = service.url.removeprefix("http://")

        def go_away():
            nonlocal service
            time.sleep(self.count / self.rate / 3)
            service.kill()
            time.sleep(seconds)
            service = Service(self.binary, self.data, self.count, f"{MIXED},seed=2", listen)

        away = threading.Thread(target=go_away)
        away.start()
        ran = self.export(service.url, "outage", 1800)
        away.join()
        service.kill()
        self.checks.ok("outage: the run outlasted it", ran.seconds > seconds, ran.seconds)
        self.compare("outage", ran, 1.35)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("binary", nargs="?", type=Path, default=BINARY)
    arguments.add_argument("--tasks", type=int, default=10_000)
    arguments.add_argument("--seeds", type=int, default=20)
    arguments.add_argument("--rate", type=int, default=500, help="requests a second")
    arguments.add_argument("--outage", type=int, default=60, help="seconds")
    given = arguments.parse_args()
    checks = Checks()
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(checks, given.binary, Path(folder), given.tasks, given.rate)
        soak.healthy()
        if given.outage:
            with checks.section("outage"):
                soak.outage(given.outage)
        for seed in range(1, given.seeds + 1):
            with checks.section(f"seed-{seed}"):
                soak.seed(seed)
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
