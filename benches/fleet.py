#!/usr/bin/env python3
"""Many accounts on one machine: what exports at their accounts' rates take, and what it takes to merge them.

    benches/fleet.py target/release/cutover-report [--accounts 1000] [--tasks 1000] [--at-once 50]

One `serve` stands for all accounts, each at a loopback address of its own (Linux). First `--at-once` accounts are
exported side by side at 10 requests a second each, as at night; then all of them without a bound, to have
their journals; then these are merged. Prints what each took, and what follows for one machine.
"""

import argparse
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
    parser.add_argument("program", type=os.path.abspath)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--tasks", type=int, default=1000)
    parser.add_argument("--at-once", type=int, default=50)
    wanted = parser.parse_args()
    program, accounts, tasks = wanted.program, wanted.accounts, wanted.tasks
    with tempfile.TemporaryDirectory(prefix="fleet-") as folder:
        folder = Path(folder)
        service = subprocess.Popen([program, "serve", "--listen", "0.0.0.0:0", "--generate", str(tasks)],
                                   stdout=subprocess.PIPE, text=True)
        try:
            run(program, folder, accounts, tasks, min(wanted.at_once, accounts),
                service.stdout.readline().rsplit(":", 1)[1].strip())
        finally:
            service.terminate()


def run(program, folder, accounts, tasks, at_once, port):
    def endpoint(account):
        return f"http://127.1.{account // 250}.{account % 250 + 1}:{port}"

    plan = folder / "tasks.csv"
    with plan.open("w") as file:
        subprocess.run([program, "tasks", "--endpoint", endpoint(0), "--auth", "none", "--rate", "1000/s"],
                       stdout=file, check=True)

    def export(account, rate, *outputs):
        out = [word for output in outputs for word in ("-o", folder / f"{account}.{output}")]
        return measured(program, ["export", plan, "--endpoint", endpoint(account), "--auth", "none", "--rate", rate,
                                  "--journal", folder / f"{account}.jsonl", *out])

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
    with ThreadPoolExecutor(cores) as pool:
        list(pool.map(lambda account: export(account, "1000000/s", "prom"), range(at_once, accounts)))
    if accounts > at_once:
        wall = time.monotonic() - began
        print(f"the other {accounts - at_once} without a bound: {wall:.1f} s, "
              f"{(accounts - at_once) * tasks / wall:.0f} tasks/s with the service on the same processors")

    journals = [folder / f"{account}.jsonl" for account in range(accounts)]
    for outputs in (["all.jsonl"], ["all.csv", "all.prom"]):
        out = [word for output in outputs for word in ("-o", folder / output)]
        wall, processor, memory = measured(program, ["merge", *journals, *out])
        print(f"merge of {accounts} journals, {accounts * tasks} tasks, {size(journals):.0f} MiB, to "
              f"{' and '.join(outputs)}: {wall:.1f} s, {processor:.1f} s of a processor, {memory:.0f} MiB")


if __name__ == "__main__":
    main()
