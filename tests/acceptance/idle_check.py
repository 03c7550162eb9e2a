"""Exports from `serve` while 10,000 clients hold idle connections and others send or read a byte a second.

    python3 tests/acceptance/idle_check.py [PROGRAM] [--connections N]

Needs `ulimit -n` above the number of connections. Exits 1 if the export does not succeed, if a connection without a
request is not closed by the service, or if the service needs more than 64 KiB of memory a connection.
"""

import argparse
import resource
import select
import socket
import sys
import tempfile
import threading
import time
from pathlib import Path

from harness import Checks, Tool
from soak_check import BINARY, serving

TASKS = 1000
SLOW = 50
HEADERS_WITHIN = 30  # seconds: what `serve` allows
REQUEST = b"GET /v3/tasks HTTP/1.1\r\nHost: x\r\nX-Auth-Token: any\r\n\r\n"


def slow_client(address, ended):
    """Sends a request a byte a second, then reads the answer so."""
    with socket.create_connection(address) as client:
        try:
            for byte in REQUEST:
                client.send(bytes([byte]))
                if ended.wait(1):
                    return
            while client.recv(1) and not ended.wait(1):
                pass
        except OSError:
            pass  # the service closed it


def memory(process):
    """Resident bytes."""
    return int(Path(f"/proc/{process.pid}/statm").read_text().split()[1]) * resource.getpagesize()


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("binary", nargs="?", type=Path, default=BINARY)
    arguments.add_argument("--connections", type=int, default=10_000)
    given = arguments.parse_args()
    needed = given.connections + 200
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    checks, ended = Checks(), threading.Event()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        binary = given.binary.resolve()
        with serving(binary, folder / "data.sqlite", TASKS) as service:
            host, port = service.url.removeprefix("http://").split(":")
            address = host, int(port)
            before = memory(service.process)
            idle = [socket.create_connection(address) for _ in range(given.connections)]
            slow = [threading.Thread(target=slow_client, args=(address, ended)) for _ in range(SLOW)]
            for thread in slow:
                thread.start()
            tool = Tool(binary, folder)
            tasks = folder / "tasks.csv"
            tasks.write_text(tool.run("tasks", "--endpoint", service.url, "--auth", "none", "--rate", "1000/s", cwd=folder).stdout)
            began = time.monotonic()
            ran = tool.run("export", tasks, "--endpoint", service.url, "--auth", "none", "--rate", "1000/s",
                           "-o", "r.csv", cwd=folder)
            print(f"export of {TASKS} tasks beside {given.connections} idle and {SLOW} slow connections: "
                  f"{time.monotonic() - began:.2f} s", flush=True)
            checks.ok("the export exits 0", ran.code == 0, ran.stderr)
            each = (memory(service.process) - before) / given.connections
            checks.ok("at most 64 KiB of memory a connection", each <= 64 << 10, f"{each / 1024:.1f} KiB")
            print(f"{each / 1024:.1f} KiB of memory a connection", flush=True)
            left = open_after(idle, HEADERS_WITHIN + 10)
            checks.ok("connections that sent nothing are closed", not left, f"{len(left)} are open")
            ended.set()
            for thread in slow:
                thread.join()
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(checks.failed > 0)


def open_after(connections, seconds):
    """The connections that the service has not closed by then."""
    poll, left = select.poll(), {connection.fileno(): connection for connection in connections}
    for number in left:
        poll.register(number, select.POLLIN)
    until = time.monotonic() + seconds
    while left and time.monotonic() < until:
        for number, _ in poll.poll(1000):
            poll.unregister(number)
            left.pop(number).close()
    return left


if __name__ == "__main__":
    main()
