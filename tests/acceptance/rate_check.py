"""Measures how the rate is kept and learnt, as a server sees it.

    python3 tests/acceptance/rate_check.py [path of the binary]     a release build

The server notes the time at which each request arrives and, where it has a limit, refuses what is
above it as the API gateway does. Takes some seven minutes, most of it for the limit by the minute,
and a machine that does little else; `--only NAME` runs one measurement. Exits 1 if a bound is missed.
"""

import argparse
import asyncio
import bisect
import json
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path

from harness import Checks, Tool

BINARY = Path(__file__).parents[2] / "target" / "release" / "cutover-report"
BODY = json.dumps({"result_list": [{"finished_time": 1598435801422, "check_result": "success", "consistency_result": [
    {"dir_check": "/root/data", "num_total_files": 5, "num_different_files": 0,
     "num_target_miss_files": 0, "num_target_more_files": 0}]}]})
UNITS = {1: "second", 60: "minute"}


def answer(status, body):
    return f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


class Limit:
    """So many requests a window, counted in one of the ways of gateways."""

    def __init__(self, count, window, way):
        self.count, self.window, self.way = count, window, way
        self.admitted = []
        self.full = 0.0  # when the bucket is full again
        self.refusal = answer("429 Too Many Requests", json.dumps({
            "error_code": "APIG.0308", "request_id": "0123456789abcdef",
            "error_msg": "The throttling threshold has been reached: policy user over ratelimit,"
                         f"limit:{count},time:1 {UNITS[window]}"}))

    def admits(self, now):
        full = max(self.full, now) + self.window / self.count
        if self.way == "bucket":
            admits = full - now <= self.window
        else:
            start = now // self.window * self.window if self.way == "fixed" else now - self.window
            admits = len(self.admitted) - bisect.bisect_right(self.admitted, start) < self.count
        if admits:
            self.full = full
            self.admitted.append(now)
        return admits


class Server:
    """Answers every GET after `latency` seconds; a context manager."""

    def __init__(self, limit=None, latency=0.0):
        self.limit, self.latency = limit, latency
        self.arrivals = []
        self.refused = self.under_way = self.most_under_way = 0

    def __enter__(self):
        self.loop = asyncio.new_event_loop()
        listening = self.loop.create_server(lambda: Connection(self), "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self.loop.run_until_complete(listening).sockets[0].getsockname()[1]}"
        self.thread = threading.Thread(target=self.loop.run_forever)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join()


class Connection(asyncio.Protocol):
    FOUND = answer("200 OK", BODY)

    def __init__(self, server):
        self.server, self.read = server, b""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        now = time.monotonic()
        self.read += data
        while b"\r\n\r\n" in self.read:  # a GET has no body
            _, self.read = self.read.split(b"\r\n\r\n", 1)
            self.asked(now)

    def asked(self, now):
        server = self.server
        server.arrivals.append(now)
        server.under_way += 1
        server.most_under_way = max(server.most_under_way, server.under_way)
        admits = server.limit is None or server.limit.admits(now)
        server.refused += not admits
        said = self.FOUND if admits else server.limit.refusal
        if server.latency:
            server.loop.call_later(server.latency, self.answer, said)
        else:
            self.answer(said)

    def answer(self, said):
        self.server.under_way -= 1
        self.transport.write(said)


def busiest(arrivals, window):
    """The most requests in any window of so many seconds."""
    return max(bisect.bisect_left(arrivals, start + window) - at for at, start in enumerate(arrivals))


def cpu_of_children():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(checks, tool, name, tasks, rate, *more, limit=None, latency=0.0):
    """Runs the tool for so many tasks; gives the server, and the seconds from the first request to the last."""
    with tempfile.TemporaryDirectory() as folder, Server(limit, latency) as server:
        path = Path(folder, "tasks.csv")
        path.write_text("task_id\n" + "".join(f"137224b7-8d7c-4919-b33e-{n:012}\n" for n in range(tasks)))
        cpu = cpu_of_children()
        ran = tool.run("export", "tasks.csv", "--endpoint", server.url, "--auth", "none", "-o", "out.json", "--json",
                       "--max-age", "off", "--rate", rate, *more, cwd=folder, timeout=900)
        cpu = cpu_of_children() - cpu
    took = server.arrivals[-1] - server.arrivals[0]
    checks.equal(f"{name}: every task is fetched", ran.code, 0)
    checks.equal(f"{name}: requests", len(server.arrivals), tasks + server.refused)
    print(f"     {name}: {took:.3f} s, {server.refused} refused, {cpu / tasks * 1e6:.0f} µs CPU a task;"
          f" most in a second {busiest(server.arrivals, 1.0)}, under way {server.most_under_way}", flush=True)
    for line in ran.stderr.splitlines():
        if "slowed" in line:
            print(f"     {line}")
    return server, took


def check_rate(checks, tool, tasks, count, *more):
    name = f"{tasks} tasks at {count}/s"
    server, took = measure(checks, tool, name, tasks, f"{count}/s", *more)
    checks.ok(f"{name}: within 1 %", took <= 1.01 * tasks / count, f"{took:.3f} s")
    most = busiest(server.arrivals, 1.0)
    checks.ok(f"{name}: at most {count + 2} in any second", most <= count + 2, most)


def check_full(checks, tool):
    check_rate(checks, tool, 10_000, 1000, "--concurrency", "64")


def check_usual(checks, tool):
    check_rate(checks, tool, 1000, 100)
    check_rate(checks, tool, 100, 10)


def check_minute(checks, tool):
    server, took = measure(checks, tool, "90 tasks at 60/m", 90, "60/m")
    checks.ok("60/m: within 1 %", took <= 1.01 * 90, f"{took:.3f} s")
    most = busiest(server.arrivals, 60.0)
    checks.ok("60/m: at most 61 in any minute", most <= 61, most)


def check_slow(checks, tool):
    """A server so slow that the concurrency, and not the rate, is what bounds the requests."""
    server, took = measure(checks, tool, "slow server", 400, "500/s", "--concurrency", "8", latency=0.1)
    checks.equal("slow server: as many at once as allowed", server.most_under_way, 8)
    checks.ok("slow server: as fast as it lets", took <= 1.1 * 400 / 8 * 0.1, f"{took:.3f} s")


def check_learning(checks, tool):
    for way in ("fixed", "sliding", "bucket"):
        for latency in (0.0, 0.05):
            for slots in ("16", "64"):
                name = f"{way}, latency {latency} s, {slots} slots: 400 tasks at 500/s against 50/s"
                server, took = measure(checks, tool, name, 400, "500/s", "--concurrency", slots,
                                       limit=Limit(50, 1, way), latency=latency)
                checks.ok(f"{name}: at most 120 refusals", server.refused <= 120, server.refused)
                checks.ok(f"{name}: at most 1.6 × the ideal", took <= 1.6 * 400 / 50, f"{took:.3f} s")


def check_learning_by_the_minute(checks, tool):
    for way in ("fixed", "sliding", "bucket"):
        name = f"{way}: 120 tasks at 10/s against 60/m"
        server, took = measure(checks, tool, name, 120, "10/s", limit=Limit(60, 60, way))
        checks.ok(f"{name}: at most 120 refusals", server.refused <= 120, server.refused)
        checks.ok(f"{name}: at most 1.6 × the ideal", took <= 1.6 * 120, f"{took:.3f} s")


MEASUREMENTS = {
    "full": check_full, "usual": check_usual, "slow": check_slow, "learning": check_learning,
    "minute": check_minute, "learning-minute": check_learning_by_the_minute,
}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("binary", nargs="?", type=Path, default=BINARY)
    arguments.add_argument("--only", action="append", choices=MEASUREMENTS, help="only this one (repeatable)")
    chosen = arguments.parse_args()
    if not chosen.binary.is_file():
        sys.exit(f"{chosen.binary}: no such binary; build it first, with --release")
    checks = Checks()
    with tempfile.TemporaryDirectory() as home:
        for name in chosen.only or MEASUREMENTS:
            with checks.section(name):
                MEASUREMENTS[name](checks, Tool(chosen.binary, home))
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
