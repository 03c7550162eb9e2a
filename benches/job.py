#!/usr/bin/env python3
"""Measures whole runs of the program, each beside what it is to be compared with.

    cargo build --release --bins --example plain
    python3 benches/job.py                  all measurements; some ten minutes
    python3 benches/job.py wrk latency      these alone
    python3 benches/job.py --help           what there is

    apt install wrk nginx-light openssl               needed by: wrk, plain, h2
    pip install huaweicloudsdksms XlsxWriter          needed by: sdk

Seconds are of whole processes, from their start to their end, and memory is the peak that the system tells. Only
`wrk`, `h2` and `latency` look at fetching alone: from the journal, from the first answer to the last. What is compared
runs in turn, and the ratio is the median of the pairs, so a machine that is busy spoils the seconds and not
the ratios. It measures and never judges: the aims stand beside the figures.
"""

import argparse
import ast
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.request import urlopen

ROOT = Path(__file__).parents[1]
KEY, SECRET, PROJECT = "SAMPLEKEY0123456789A", "a-made-up-secret-of-forty-characters-123", "0123456789abcdef0123456789abcdef"
UNBOUND = ("--rate", "1000000/s")
CONNECTIONS = 64
HTTP1, HTTPS, STATUS = 18080, 18443, 18081


@dataclass
class Ran:
    """What a process took: seconds, seconds on the processors, and bytes at the peak."""
    wall: float
    cpu: float
    peak: int

    def __str__(self):
        return f"{self.wall:8.2f} s  cpu {self.cpu:7.2f} s  peak {self.peak / 2**20:6.0f} MiB"


def run(*command, env=None, codes=(0,)):
    began = time.monotonic()
    quiet = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    process = subprocess.Popen([str(part) for part in command], env={**os.environ, **(env or {})}, **quiet)
    said = process.stderr.read()
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode not in codes:
        sys.exit(f"{command[0]} ended with {process.returncode}: {said.decode(errors='replace')[-2000:]}")
    return Ran(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024)


class Bench:
    """The program, a folder to work in, and how often to repeat."""

    def __init__(self, binary, folder, rounds):
        self.binary, self.folder, self.rounds = binary, Path(folder), rounds
        self.out, self.runs = None, 0

    def export(self, tasks, url, *more, auth="none"):
        """Runs an export into a folder of its own."""
        # Nothing is removed until the end: some file systems are slow to make files soon after that.
        self.runs += 1
        out = self.out = self.folder / f"out-{self.runs}"
        out.mkdir()
        env = {"HUAWEICLOUD_SDK_AK": KEY, "HUAWEICLOUD_SDK_SK": SECRET, "HUAWEICLOUD_SDK_PROJECT_ID": PROJECT}
        # Absolute paths, and -o first: the journal then stands in `out` as well.
        more = [f"{out}/{part[2:]}" if str(part).startswith("./") else part for part in more]
        return run(self.binary, "-q", "export", tasks, "--endpoint", url, "--auth", auth, "--deadline", "6h", *more, env=env)

    @contextmanager
    def service(self, *options):
        """The address of the embedded service in a process of its own."""
        env = {**os.environ, "HUAWEICLOUD_SDK_AK": KEY, "HUAWEICLOUD_SDK_SK": SECRET}
        command = [self.binary, "serve", *map(str, options)]
        with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
            try:
                yield process.stdout.readline().removeprefix("listening on ").strip()
            finally:
                process.kill()

    def tasks_of(self, url):
        """The service's tasks, as a list."""
        path = self.folder / "tasks.csv"
        with path.open("w") as file:
            command = [self.binary, "tasks", "--endpoint", url, "--auth", "none", *UNBOUND]
            subprocess.run(command, stdout=file, check=True)
        return path

    def made_up_tasks(self, count):
        path = self.folder / "tasks.csv"
        path.write_text("task_id\n" + "".join(f"137224b7-8d7c-4919-b33e-{n:012}\n" for n in range(count)))
        return path

    def fetching(self):
        """Answers in the journal of the last export, and the seconds from its start to the first and the last."""
        (path,) = self.out.glob("*.journal.jsonl")
        stamp = lambda line, name: datetime.fromisoformat(re.search(rf'"{name}":"([^"]+)"', line)[1]).timestamp()
        with path.open() as file:
            start = stamp(next(file), "started_at")
            times = [stamp(line, "fetched_at") - start for line in file if '"fetched_at"' in line[:200]]
        return len(times), times[0], times[-1]

    @contextmanager
    def nginx(self, directories=30):
        """nginx with one process, which gives the same answer of so many directories to everything."""
        folder = self.folder / "nginx"
        folder.mkdir(exist_ok=True)
        row = {"dir_check": "/srv/data/directory-{:04}", "num_total_files": 15_000, "num_different_files": 0,
               "num_target_miss_files": 0, "num_target_more_files": 0}
        rows = [{**row, "dir_check": row["dir_check"].format(n)} for n in range(directories)]
        results = [{"finished_time": int(time.time() * 1000), "check_result": "success", "consistency_result": rows}]
        (folder / "answer.json").write_text(json.dumps({"result_list": results}, separators=(",", ":")))
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", folder / "key.pem", "-out",
                        folder / "cert.pem", "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-addext", "basicConstraints=critical,CA:FALSE"], check=True, capture_output=True)
        scratch = "".join(f"{name}_temp_path {folder}/temp;\n" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        (folder / "nginx.conf").write_text(f"""
            daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;
            events {{ worker_connections 4096; }}
            http {{
                {scratch}
                access_log off; keepalive_requests 1000000000; open_file_cache max=10;
                server {{
                    listen 127.0.0.1:{HTTP1}; listen 127.0.0.1:{HTTPS} ssl http2;
                    ssl_certificate {folder}/cert.pem; ssl_certificate_key {folder}/key.pem;
                    default_type application/json;
                    location / {{ root {folder}; try_files /answer.json =404; }}
                }}
                server {{ listen 127.0.0.1:{STATUS}; location / {{ stub_status; }} }}
            }}""")
        with subprocess.Popen(["nginx", "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL) as process:
            try:
                time.sleep(0.5)
                yield folder / "cert.pem"
            finally:
                process.kill()


def connections():
    """Connections that nginx has accepted, the one that asks not counted."""
    with urlopen(f"http://127.0.0.1:{STATUS}/") as status:
        return int(status.read().split(b"requests")[1].split()[0])


def ratio(pairs):
    """The median of the pairs' ratios, with the least and the greatest."""
    ratios = sorted(a / b for a, b in pairs)
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def bound(bench):
    """1,000 tasks at 100/s into a workbook and a folder; aim: N/R × 1.01 + 0.5 s"""
    count, rate = 1000, 100
    with bench.service("--generate", count) as url:
        tasks = bench.tasks_of(url)
        for _ in range(bench.rounds):
            ran = bench.export(tasks, url, "--rate", f"{rate}/s", "-o", "./report.xlsx", "-o", "./report/")
            _, _, last = bench.fetching()
            print(f"{count} tasks at {rate}/s: {ran}, fetched after {last:.2f} s; aim {count / rate * 1.01 + 0.5:.2f} s", flush=True)


def sdk(bench):
    """the job, unbound, beside the official SDK with XlsxWriter; aim: 10 × and 20 × as fast, half the memory"""
    for count, aim in ((1000, 10), (10_000, 20)):
        with bench.service("--generate", count, "--auth", "aksk") as url, bench.service("--generate", count) as open_url:
            tasks = bench.tasks_of(open_url)
            times, peaks = [], []
            for _ in range(bench.rounds if count <= 1000 else min(bench.rounds, 3)):
                ours = bench.export(tasks, url, *UNBOUND, "-o", "./report.xlsx", auth="aksk")
                theirs = run(sys.executable, __file__, "--as-sdk", url, tasks, bench.folder / "sdk")
                print(f"{count} tasks, this program: {ours}\n{count} tasks, SDK script:   {theirs}", flush=True)
                times.append((theirs.wall, ours.wall))
                peaks.append((ours.peak, theirs.peak))
            print(f"{count} tasks: {ratio(times)} × as fast, aim {aim}; {ratio(peaks)} of the memory, aim 0.5")


def as_sdk(url, tasks, folder):
    """What one would write with the SDK: ask for each task in turn, then a Summary and a sheet per task, 500 to a file."""
    import xlsxwriter
    from huaweicloudsdkcore.auth.credentials import BasicCredentials
    from huaweicloudsdksms import v3 as sms

    client = (sms.SmsClient.new_builder().with_credentials(BasicCredentials(KEY, SECRET, PROJECT)).with_endpoint(url).build())
    ids = [line.split(",")[0] for line in Path(tasks).read_text().splitlines()[1:]]
    answers = []
    for task_id in ids:
        answer = client.show_consistency_result(sms.ShowConsistencyResultRequest(task_id))
        answers.append((task_id, [ast.literal_eval(text) for text in answer.result_list]))
    columns = ["dir_check", "num_total_files", "num_different_files", "num_target_miss_files", "num_target_more_files"]
    Path(folder).mkdir(exist_ok=True)
    for part in range(0, len(answers), 500):
        workbook = xlsxwriter.Workbook(f"{folder}/report-{part}.xlsx")
        summary = workbook.add_worksheet("Summary")
        summary.write_row(0, 0, ["task_id", "check_result", *columns[1:]])
        for row, (task_id, verifications) in enumerate(answers[part:part + 500], 1):
            newest = verifications[0]
            totals = [sum(check[name] for check in newest["consistency_result"]) for name in columns[1:]]
            summary.write_row(row, 0, [task_id, newest["check_result"], *totals])
            sheet = workbook.add_worksheet(task_id[-12:])
            sheet.write_row(0, 0, ["finished_time", "check_result", *columns])
            line = 1
            for verification in verifications:
                for check in verification["consistency_result"]:
                    values = [verification["finished_time"], verification["check_result"], *map(check.get, columns)]
                    sheet.write_row(line, 0, values)
                    line += 1
        workbook.close()


def beside_wrk(bench, url, count, *more):
    tasks = bench.made_up_tasks(count)
    pairs, opened = [], set()
    for _ in range(bench.rounds):
        asked = ["wrk", "-t1", f"-c{CONNECTIONS}", "-d3s", f"http://127.0.0.1:{HTTP1}/v3/tasks/x/consistency-result"]
        wrk = float(re.search(r"Requests/sec:\s*([\d.]+)", subprocess.run(asked, capture_output=True, text=True, check=True).stdout)[1])
        before = connections()
        ran = bench.export(tasks, url, *UNBOUND, "--concurrency", CONNECTIONS, "-o", "./copy.jsonl", "--max-age", "off", *more)
        opened.add(connections() - before - 1)
        answers, first, last = bench.fetching()
        ours = (answers - 1) / (last - first)
        pairs.append((ours, wrk))
        print(f"wrk {wrk:8.0f}/s  this program {ours:8.0f}/s  {ran}", flush=True)
    return f"{ratio(pairs)} of wrk's requests; connections {'/'.join(map(str, sorted(opened)))}"


def wrk(bench):
    """requests a second over HTTP/1.1 beside wrk's, both to nginx with 64 connections; aim: 0.60"""
    with bench.nginx():
        print(beside_wrk(bench, f"http://127.0.0.1:{HTTP1}", 60_000))


def plain(bench):
    """the processors' time of a run beside a bare reqwest loop that only parses, both to nginx; aim: 1.6"""
    count, loop = 20_000, bench.binary.parent / "examples/plain"
    if not loop.is_file():
        sys.exit(f"{loop}: no such program; cargo build --release --example plain first")
    tasks, pairs = bench.made_up_tasks(count), []
    with bench.nginx():
        url = f"http://127.0.0.1:{HTTP1}"
        for _ in range(bench.rounds):
            theirs = run(loop, url, count, CONNECTIONS)
            ours = bench.export(tasks, url, *UNBOUND, "--concurrency", CONNECTIONS, "-o", "./report.prom", "--max-age", "off")
            print(f"bare loop:    {theirs}\nthis program: {ours}", flush=True)
            pairs.append((ours.cpu, theirs.cpu))
    print(f"{ratio(pairs)} × the processors' time, aim 1.6")


def h2(bench):
    """the same over HTTP/2 with TLS, beside wrk over plain HTTP/1.1; aim: one connection"""
    with bench.nginx() as certificate:
        print(beside_wrk(bench, f"https://127.0.0.1:{HTTPS}", 60_000, "--ca-cert", certificate))


def latency(bench):
    """10,000 tasks at 200 ms and 256 at once; aim: 1.05 × N·L/c"""
    count, slots, wait = 10_000, 256, 0.2
    ideal = count * wait / slots
    with bench.service("--generate", count, "--latency", f"{wait * 1000:.0f}ms") as url:
        with bench.service("--generate", count) as quick:
            tasks = bench.tasks_of(quick)
        for _ in range(bench.rounds):
            ran = bench.export(tasks, url, *UNBOUND, "--concurrency", slots, "-o", "./copy.jsonl")
            _, first, last = bench.fetching()
            print(f"from the first answer {last - first:.2f} s, {(last - first) / ideal:.3f} of the ideal, aim 1.05; "
                  f"with the first, which is asked alone, {last / ideal:.3f}; whole run {ran}", flush=True)


def start(bench):
    """how long --version takes, and the size of the program; aim: 10 ms"""
    times = sorted(run(bench.binary, "--version").wall * 1000 for _ in range(50))
    print(f"--version: median {statistics.median(times):.1f} ms ({times[0]:.1f} to {times[-1]:.1f}), aim 10; "
          f"{bench.binary.stat().st_size / 1e6:.1f} MB")


ALL = {function.__name__: function for function in (start, bound, wrk, plain, h2, latency, sdk)}


def main():
    if sys.argv[1:2] == ["--as-sdk"]:
        return as_sdk(*sys.argv[2:])
    names = "\n".join(f"  {name:8} {function.__doc__}" for name, function in ALL.items())
    parser = argparse.ArgumentParser(description=__doc__ + "\n" + names, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help="what to measure: all")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/release/cutover-report")
    parser.add_argument("--rounds", type=int, default=5, help="how often (5)")
    chosen = parser.parse_args()
    if unknown := set(chosen.names) - set(ALL):
        parser.error(f"there is no {', '.join(unknown)}")
    if not chosen.binary.is_file():
        sys.exit(f"{chosen.binary}: no such program; cargo build --release first, or --binary")
    for name in chosen.names or ALL:
        print(f"== {name}: {ALL[name].__doc__}", flush=True)
        with tempfile.TemporaryDirectory(prefix="cutover-report-bench-") as folder:
            ALL[name](Bench(chosen.binary.resolve(), folder, chosen.rounds))


if __name__ == "__main__":
    main()
