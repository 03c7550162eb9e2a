#!/usr/bin/env python3
"""Many accounts on one machine: what exports at their accounts' rates take, and what it takes to merge them.

    benches/fleet.py target/release/cutover-report [--accounts 1000] [--tasks 1000] [--at-once 50]
    benches/fleet.py PROGRAM… --journals FOLDER [--rounds 3]

One `serve` stands for all accounts, each at a loopback address of its own (Linux). First `--at-once` accounts are
exported side by side at 10 requests a second each, as at night; then all of them without a bound, to have
their journals; then these are merged. Prints what each took, and what follows for one machine.

With --journals only the merge is measured, by several programs in turn. The folder keeps the journals: those that it
lacks are made by the first program. Says also whether all programs wrote the same journal.
"""

import argparse
import filecmp
import os
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

MIB = 1 << 20
RATE = 10


def measured(program, arguments):
    """Wall and processor seconds, and peak memory in MiB."""
    began = time.monotonic()
    null = os.open(os.devnull, os.O_WRONLY)
    child = os.posix_spawn(program, [program, "-q", *map(str, arguments)], os.environ,
                           file_actions=[(os.POSIX_SPAWN_DUP2, null, 1)])
    os.close(null)
    _, status, usage = os.wait4(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code != 0:
        sys.exit(f"{' '.join(map(str, arguments[:6]))} …: exit code {code}")
    return time.monotonic() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024 / MIB


def size(paths):
    return sum(path.stat().st_size for path in paths) / MIB


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs", metavar="program", nargs="+", type=os.path.abspath)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=50)
    parser.add_argument("--journals", type=Path, metavar="FOLDER", help="only merge; keep the journals here")
    parser.add_argument("--rounds", type=int, default=3, help="merges by each program, with --journals")
    wanted = parser.parse_args()
    programs, accounts, tasks = wanted.programs, wanted.accounts, wanted.tasks
    if wanted.journals is None and len(programs) > 1:
        parser.error("several programs need --journals")
    with tempfile.TemporaryDirectory(prefix="fleet-", dir=wanted.journals and wanted.journals.parent) as folder:
        folder = Path(folder)
        if wanted.journals is not None:
            journals = kept_journals(programs[0], wanted.journals, accounts, tasks)
            compare(programs, journals, accounts * tasks, folder, wanted.rounds)
            return
        with Service(programs[0], folder, tasks) as service:
            run(service, accounts, min(wanted.at_once, accounts))
        merge(programs[0], [folder / f"{account}.jsonl" for account in range(accounts)], accounts * tasks, folder)


class Service:
    """The service of all accounts, with a list of its tasks."""

    def __init__(self, program, folder, tasks):
        self.program, self.folder, self.tasks = program, folder, tasks

    def __enter__(self):
        self.process = subprocess.Popen(
            [self.program, "serve", "--listen", "0.0.0.0:0", "--allow-anonymous", "--generate", str(self.tasks)],
            stdout=subprocess.PIPE, text=True)
        try:
            self.port = self.process.stdout.readline().rsplit(":", 1)[1].strip()
            self.plan = self.folder / "tasks.csv"
            with self.plan.open("w") as file:
                subprocess.run([self.program, "tasks", "--endpoint", self.endpoint(0), "--auth", "none",
                                "--rate", "1000/s"], stdout=file, check=True)
        except BaseException:
            self.process.terminate()
            raise
        return self

    def __exit__(self, *_):
        self.process.terminate()

    def endpoint(self, account):
        return f"http://127.1.{account // 250}.{account % 250 + 1}:{self.port}"

    def export(self, account, rate, *outputs):
        out = [word for output in outputs for word in ("-o", self.folder / f"{account}.{output}")]
        return measured(self.program, ["export", self.plan, "--endpoint", self.endpoint(account), "--auth", "none",
                                       "--rate", rate, "--journal", self.folder / f"{account}.jsonl", *out])

    def export_unbounded(self, accounts):
        with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
            list(pool.map(lambda account: self.export(account, "1000000/s", "prom"), accounts))


def kept_journals(program, folder, accounts, tasks):
    """The journals of this many accounts; those that the folder lacks are made."""
    folder.mkdir(exist_ok=True)
    journals = [folder / f"{account}.jsonl" for account in range(accounts)]
    missing = [account for account, journal in enumerate(journals) if not journal.exists()]
    if missing:
        with Service(program, folder, tasks) as service:
            service.export_unbounded(missing)
    return journals


def merge(program, journals, tasks, folder):
    for outputs in (["all.jsonl"], ["all.csv", "all.prom"]):
        out = [word for output in outputs for word in ("-o", folder / output)]
        wall, processor, memory = measured(program, ["merge", *journals, *out])
        print(f"merge of {len(journals)} journals, {tasks} tasks, {size(journals):.0f} MiB, to "
              f"{' and '.join(outputs)}: {wall:.1f} s, {processor:.1f} s of a processor, {memory:.0f} MiB, "
              f"{memory * MIB / tasks:.0f} B a task", flush=True)


def compare(programs, journals, tasks, folder, rounds):
    for number in range(rounds):
        print(f"round {number + 1}, load {os.getloadavg()[0]:.1f}")
        for place, program in enumerate(programs):
            print(f"{program}:")
            merge(program, journals, tasks, folder)
            (folder / "all.jsonl").rename(folder / f"{place}.jsonl")
        if not all(filecmp.cmp(folder / "0.jsonl", folder / f"{place}.jsonl", shallow=False)
                   for place in range(len(programs))):
            sys.exit("the programs wrote different journals")
    print("all programs wrote the same journal")


def run(service, accounts, at_once):
    export, folder, tasks = service.export, service.folder, service.tasks
    began = time.monotonic()
    with ThreadPoolExecutor(at_once) as pool:
        bound = list(pool.map(lambda account: export(account, f"{RATE}/s", "xlsx", "json"), range(at_once)))
    wall = time.monotonic() - began
    ideal = tasks / RATE
    processor = sum(took[1] for took in bound) / at_once
    memory = max(took[2] for took in bound)
    kinds = {kind: size(folder.glob(f"*.{kind}")) / at_once for kind in ("jsonl", "xlsx", "json")}
    print(f"{at_once} accounts at once, {tasks} tasks each at {RATE}/s: {wall:.1f} s, {wall / ideal:.3f} of the ideal")
    print(f"  an account: {processor:.2f} s of a processor, at most {memory:.0f} MiB; "
          + ", ".join(f"{kind} {of:.2f} MiB" for kind, of in kinds.items()))
    cores = len(os.sched_getaffinity(0))
    print(f"  so {cores} processors go for {cores * ideal / processor:.0f} accounts at once, by their work alone")

    began = time.monotonic()
    service.export_unbounded(range(at_once, accounts))
    if accounts > at_once:
        wall = time.monotonic() - began
        print(f"the other {accounts - at_once} without a bound: {wall:.1f} s, "
              f"{(accounts - at_once) * tasks / wall:.0f} tasks/s with the service on the same processors")


if __name__ == "__main__":
    main()
