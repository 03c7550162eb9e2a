#!/usr/bin/env python3
"""What a task costs as lists grow: whole runs with 1,000 to 1,000,000 tasks of three directories.

    benches/growth.py target/dist/cutover-report
    benches/growth.py target/dist/cutover-report html history --counts 1000 100000 --plot growth.svg

Needs nginx for `export` and some 4 GB of disk. A cost per task that stays within 1.2 times that at 10,000 tasks counts as
level; memory is the peak that the system tells. It measures and never judges.
"""

import argparse
import signal
import sys
import tempfile
from multiprocessing import Pipe, Process
from pathlib import Path

from job import CONNECTIONS, HTTP1, ROOT, UNBOUND, Bench, run

sys.path.insert(0, str(ROOT / "tests/acceptance"))
from memory_check import write_journal  # noqa: E402
from tickets.fake_redmine import FakeRedmine  # noqa: E402

USUAL = 10_000
ROWS = 3
FAILING = (0, 1)  # exit codes: some tasks of these journals have differences


def export(bench, count):
    """from the service to a journal"""
    with bench.nginx(ROWS):
        return bench.export(bench.made_up_tasks(count), f"http://127.0.0.1:{HTTP1}", *UNBOUND,
                            "--concurrency", CONNECTIONS, "-o", "./copy.jsonl")


def rendering(name):
    def render(bench, count):
        return run(bench.binary, "-q", "render", journal(bench, count), "-o", bench.folder / name, codes=FAILING)
    render.__doc__ = f"from a journal to {name}"
    return render


def history(bench, count):
    """of two nights, to history.csv"""
    nights = [journal(bench, count, night) for night in ("2026-11-21", "2026-11-22")]
    return run(bench.binary, "-q", "history", *nights, "-o", bench.folder / "history.csv", codes=FAILING)


def deliver(bench, count):
    """report.csv to a ticket"""
    run(bench.binary, "-q", "render", journal(bench, count), "-o", bench.folder / "report.csv", codes=FAILING)
    here, there = Pipe()
    redmine = Process(target=serve_tickets, args=[there], daemon=True)
    redmine.start()
    try:
        return run(bench.binary, "-q", "deliver", bench.folder / "report.manifest.json", "--to", here.recv(),
                   env={"REDMINE_API_KEY": FakeRedmine.key})
    finally:
        redmine.kill()


def serve_tickets(there):
    with FakeRedmine() as redmine:
        there.send(redmine.url(redmine.new_issue()))
        signal.pause()


def journal(bench, count, night="2026-11-21"):
    path = bench.folder / f"{count}-{night}.jsonl"
    if not path.exists():
        # In a process of its own: the peak memory of a program counts what its parent has when it starts it.
        writer = Process(target=write_journal, args=[path, count, ROWS, f"{night}T00:00:00Z"])
        writer.start()
        writer.join()
        if writer.exitcode:
            sys.exit(f"{path}: not written")
    return path


ALL = {"export": export, "csv": rendering("report.csv"), "xlsx": rendering("report.xlsx"), "html": rendering("report.html"),
       "history": history, "deliver": deliver}


def plot(costs):
    """An SVG with a panel for each name: microseconds a task by number of tasks, with the peak memory of the most."""
    width, height, gap = 250, 150, 50
    panels = []
    for place, (name, of) in enumerate(costs.items()):
        counts = sorted(of)
        each = [of[count].wall / count * 1e6 for count in counts]
        left, top = 45 + place % 3 * (width + gap), 40 + place // 3 * (height + 70)
        x = lambda index: left + 20 + index * (width - 40) / max(len(counts) - 1, 1)
        y = lambda cost: top + height * (1 - cost / (max(each) * 1.25))
        text = lambda x, y, what, more="": f'<text x="{x:.0f}" y="{y:.0f}" {more}>{what}</text>'
        panels += [text(left, top - 12, name, 'font-weight="600"'),
                   text(left + width, top - 12, f"{of[counts[-1]].peak / 2**20:.0f} MiB", 'text-anchor="end"'),
                   f'<path d="M{left} {top}V{top + height}H{left + width}" fill="none" stroke="#94a3b8"/>',
                   f'<polyline points="{" ".join(f"{x(i):.0f},{y(cost):.0f}" for i, cost in enumerate(each))}" '
                   'fill="none" stroke="#1d4ed8" stroke-width="2"/>']
        for index, (count, cost) in enumerate(zip(counts, each)):
            panels += [f'<circle cx="{x(index):.0f}" cy="{y(cost):.0f}" r="3.5" fill="#1d4ed8"/>',
                       text(x(index), y(cost) - 9, f"{cost:.0f}", 'text-anchor="middle"'),
                       text(x(index), top + height + 17, f"{count:,}", 'text-anchor="middle" fill="#475569"')]
    rows = (len(costs) + 2) // 3
    size = f"0 0 {3 * (width + gap) + 15} {rows * (height + 70) + 10}"
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{size}" font-family="sans-serif" font-size="12">'
            f'<rect width="100%" height="100%" fill="#fff"/>\n' + "\n".join(panels) + "</svg>\n")


def main():
    names = "\n".join(f"  {name:8} {function.__doc__}" for name, function in ALL.items())
    parser = argparse.ArgumentParser(description=__doc__ + "\n" + names, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to measure: all")
    parser.add_argument("--counts", type=int, nargs="+", default=[1000, USUAL, 100_000, 1_000_000], metavar="TASKS")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="write an SVG")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(ALL):
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    costs = {name: {} for name in chosen.names or ALL}
    with tempfile.TemporaryDirectory(prefix="cutover-report-growth-") as folder:
        bench = Bench(chosen.binary.resolve(), folder, rounds=1)
        for name, of in costs.items():
            for count in sorted(chosen.counts):
                ran = of[count] = ALL[name](bench, count)
                print(f"{name:8} {count:9,} tasks: {ran}  {ran.wall / count * 1e6:7.1f} µs, "
                      f"cpu {ran.cpu / count * 1e6:7.1f} µs a task", flush=True)
            if USUAL in of and (most := max(of)) > USUAL:
                print(f"{name:8} {most:,} against {USUAL:,}: "
                      f"{of[most].wall / most / (of[USUAL].wall / USUAL):.2f} times the time of a task", flush=True)
    if chosen.plot:
        chosen.plot.write_text(plot(costs))


if __name__ == "__main__":
    main()
