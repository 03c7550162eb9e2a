"""Checks of the fetching: what the server saw, and how rate, concurrency and deadline are kept."""

import kinds
from server import SmsServer

MARGIN = 0.8  # clocks and a busy machine


def check_requests(checks, server, tasks):
    """What the hostile server saw of the main run."""
    asked = server.asked()
    for task in tasks:
        fewest, most = task.asked
        wanted = f"{fewest} to {most} times" if fewest != most else f"{fewest} times"
        checks.ok(f"requests for {task.task_id}: {wanted}", fewest <= asked[task.task_id] <= most,
                  f"{asked[task.task_id]}")
    for task in tasks:
        if task.pause:
            times = server.times(task.task_id)
            pause = times[1] - times[0] if len(times) > 1 else 0
            checks.ok(f"Retry-After of {task.task_id} kept", pause >= task.pause, f"{pause:.2f} s")
    checks.equal("no task but those of the list", set(asked) - {task.task_id for task in tasks}, set())
    strange = [entry["path"] for entry in server.log() if entry["where"] == "sms" and entry["task_id"] is None]
    listings = [path for path in strange if path.startswith("/v3/tasks?")]
    checks.ok("the listing of tasks asked for once", len(listings) == 1, f"{listings}")
    strange = [path for path in strange if path not in listings]
    checks.none("no other path asked for", strange)
    checks.equal("redirects never followed", server.trapped(), [])
    for name in ("huge", "huge-chunked"):
        sent = max((each["sent"] for each in server.log() if each["task_id"] == f"kind-{name}"), default=0)
        checks.ok(f"{name}: given up without reading it all", 0 < sent < kinds.HUGE // 2, f"{sent >> 20} MiB sent")


def run_many(tool, folder, name, task_ids, *args):
    (folder / f"{name}.csv").write_text("task_id\n" + "".join(f"{task}\n" for task in task_ids))
    with SmsServer() as server:
        ran = tool.run("export", f"{name}.csv", "--endpoint", server.url, "--auth", "token",
                       "-o", f"{name}.json", *args, cwd=folder)
    return ran, server


def check_fetching(checks, tool, folder):
    for check in (check_rate, check_concurrency, check_shared_pause, check_deadline):
        with checks.section(check.__name__):
            check(checks, tool, folder)


def check_rate(checks, tool, folder):
    tasks = [f"kind-plain.{n}" for n in range(100, 130)]
    ran, server = run_many(tool, folder, "rate", tasks, "--rate", "20/s", "--concurrency", "16")
    times = sorted(entry["time"] for entry in server.log() if entry["task_id"] is not None)
    checks.equal("rate: exit 0", ran.code, 0)
    checks.equal("rate: every task asked", len(times), len(tasks))
    took = times[-1] - times[0] if times else 0
    checks.ok("rate: 30 requests at 20/s", 29 / 20 * MARGIN <= took <= 10, f"{took:.2f} s")
    window = max((sum(1 for other in times if 0 <= other - time < 0.2) for time in times), default=0)
    checks.ok("rate: no burst", window <= 8, f"{window} requests within 0.2 s")


def check_concurrency(checks, tool, folder):
    tasks = [f"kind-slow.{n}" for n in range(8)]
    ran, server = run_many(tool, folder, "concurrency", tasks, "--rate", "200/s", "--concurrency", "4")
    checks.equal("concurrency: exit 0", ran.code, 0)
    checks.equal("concurrency: as many at once as allowed", server.most_in_flight, 4)


def check_shared_pause(checks, tool, folder):
    """A 429 with Retry-After holds back every task, not only its own."""
    limited = "kind-429-retry-after"
    tasks = [limited, *(f"kind-plain.{n}" for n in range(200, 240))]
    ran, server = run_many(tool, folder, "pause", tasks, "--rate", "50/s", "--concurrency", "4")
    checks.equal("429: exit 0", ran.code, 0)
    start = server.times(limited)[0]
    early = [entry["task_id"] for entry in server.log() if 0.25 < entry["time"] - start < 0.95]
    checks.none("429: no task is asked for during its Retry-After", early)


def check_deadline(checks, tool, folder):
    tasks = [f"kind-silent.{n}" for n in range(3)]
    ran, _ = run_many(tool, folder, "deadline", tasks, "--deadline", "2s", "--timeout", "30s")
    checks.equal("deadline: exit 3", ran.code, 3)
    checks.ok("deadline: kept", ran.seconds < 8, f"{ran.seconds:.1f} s")
