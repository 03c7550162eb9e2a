"""Delivers to a running Request Tracker, killed at many points, and looks at the tickets through REST2.

usage: rt_check.py PROGRAM URL TOKENS drop|truncate|default, where the last is what RT does with large files.
"""

import base64
import hashlib
import http.server
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

PROGRAM, URL, TOKENS, MODE = sys.argv[1:5]
ROOT = pathlib.Path(__file__).resolve().parents[3]
TOKEN = dict(line.split("=", 1) for line in pathlib.Path(TOKENS).read_text().splitlines())
MANIFEST = "r.manifest.json"


def get(path):
    request = urllib.request.Request(f"{URL}/REST/2.0{path}", headers={"Authorization": f"token {TOKEN['writer']}"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def items(path):
    found = []
    for page in range(1, 1000):
        part = get(f"{path}&per_page=100&page={page}")["items"]
        if not part:
            return found
        found += part


def address(ticket, base=URL):
    return f"{base}/Ticket/Display.html?id={ticket}"


def run(folder, *arguments, token="writer"):
    environment = {"PATH": os.environ["PATH"], "RT_TOKEN": TOKEN.get(token, token)}
    return subprocess.run([PROGRAM, *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def deliver(folder, ticket, *more, manifest=MANIFEST, **options):
    return run(folder, "deliver", manifest, "--to", address(ticket), *more, **options)


def marked(folder, ticket, manifest=MANIFEST):
    """The text of each comment with the manifest's hash."""
    digest = hashlib.sha256((folder / manifest).read_bytes()).hexdigest()
    comments = [item["id"] for item in items(f"/ticket/{ticket}/history?fields=Type,Data") if digest in item["Data"]]
    texts = [file["id"] for file in items(f"/ticket/{ticket}/attachments?fields=TransactionId") if file["TransactionId"] in comments]
    assert len(texts) == len(comments), "the comment has no files of its own"
    return [base64.b64decode(get(f"/attachment/{text}")["Content"]).decode() for text in texts]


def attached(ticket):
    """Name and content of each file."""
    files = []
    for item in items(f"/ticket/{ticket}/attachments?fields=Filename"):
        if item["Filename"]:
            files.append((item["Filename"], base64.b64decode(get(f"/attachment/{item['id']}")["Content"])))
    return sorted(files)


def check(folder, ticket, files, manifest=MANIFEST):
    expected = sorted((name, (folder / name).read_bytes()) for name in files)
    found = attached(ticket)
    assert found == expected, f"ticket {ticket}: {[(name, len(content)) for name, content in found]}"
    comments = marked(folder, ticket, manifest)
    assert len(comments) == 1, f"ticket {ticket}: {len(comments)} comments"
    for name, content in expected:
        assert name in comments[0] and hashlib.sha256(content).hexdigest() in comments[0], comments[0]


def write_manifest(folder, name, files):
    rows = [{"path": file, "size": (folder / file).stat().st_size, "role": "output",
             "sha256": hashlib.sha256((folder / file).read_bytes()).hexdigest()} for file in files]
    (folder / name).write_text(json.dumps({"format": 1, "complete": True, "files": rows}))


def check_large_files(folder, ticket):
    """RT answers with success, and stores something else."""
    (folder / "large.bin").write_bytes(os.urandom(40_000))
    (folder / "small.csv").write_text("a,b\n1,2\n")
    write_manifest(folder, "large.manifest.json", ["large.bin", "small.csv"])
    for attempt in (1, 2):
        large = deliver(folder, ticket, manifest="large.manifest.json")
        assert large.returncode == 7 and large.stdout == "", large.stderr
        # A quarter is left for Base64 where the database stores texts.
        assert "large.bin has 40000 bytes, and the system accepts at most 15000 bytes" in large.stderr, large.stderr
        assert "--max-bytes" in large.stderr, large.stderr
        assert marked(folder, ticket, "large.manifest.json") == [], "a comment lists a file that RT did not store"
        names = [name for name, _ in attached(ticket)]
        assert names.count("small.csv") == 1, f"attempt {attempt}: {names}"
    part = deliver(folder, ticket, "--attach", "small.csv", manifest="large.manifest.json")
    assert part.returncode == 0, part.stderr
    comments = marked(folder, ticket, "large.manifest.json")
    assert len(comments) == 1 and "large.bin" not in comments[0], comments
    print(f"ok: {MODE}: large file is found out, with the limit, and no comment lists it")


def check_kills(folder, ticket, files, duration):
    """Killed after more and more of the time that a delivery takes, then completed."""
    environment = {"PATH": os.environ["PATH"], "RT_TOKEN": TOKEN["writer"]}
    command = [PROGRAM, "deliver", MANIFEST, "--to", address(ticket)]
    kills = 0
    for step in range(1, 25):
        child = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(step * duration / 16)
        if child.poll() is not None:
            break
        child.send_signal(signal.SIGKILL)
        child.wait()
        kills += 1
    assert kills >= 3, f"only {kills} kills, so the check says little"
    last = deliver(folder, ticket)
    assert last.returncode == 0, last.stderr
    check(folder, ticket, files)
    print(f"ok: {kills} kills, one comment, one copy of each file")


def check_refusals(folder, ticket):
    for token, number, expected in [
        ("1-1-wrongcanary", ticket, "the credentials are refused; check $RT_TOKEN"),
        ("reader", ticket, "may not comment on the ticket"),
        ("guest", ticket, "check its permissions"),
        ("writer", 4711, "there is no such ticket"),
    ]:
        refused = deliver(folder, number, "-v", token=token)
        assert refused.returncode == 7 and expected in refused.stderr, refused.stderr
        assert refused.stderr.count("attempt_failed") <= 1, f"retried: {refused.stderr}"
        assert "canary" not in refused.stderr and refused.stdout == "", refused.stderr
        doctor = run(folder, "doctor", "--endpoint", "embedded", "--to", address(number), token=token)
        assert doctor.returncode == 7, doctor.stdout
    assert attached(ticket) == []
    doctor = run(folder, "doctor", "--endpoint", "embedded", "--to", address(ticket))
    assert doctor.returncode == 0 and "can be read, 0 attachments" in doctor.stdout, doctor.stdout
    print("ok: wrong token, missing rights, unknown ticket; doctor")


def check_login_page(folder, ticket):
    """A proxy that sends the page which RT shows to a browser without a session, and one that redirects to it."""
    page = urllib.request.urlopen(f"{URL}/").read()
    assert b"<html" in page

    class Proxy(http.server.BaseHTTPRequestHandler):
        status = 200

        def do_GET(self):
            self.send_response(self.status)
            self.send_header("content-type", "text/html")
            if self.status == 302:
                self.send_header("location", f"{URL}/NoAuth/Login.html?token=canary")
            self.send_header("content-length", str(len(page)))
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_):
            pass

    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy)
    threading.Thread(target=proxy.serve_forever, daemon=True).start()
    base = f"http://127.0.0.1:{proxy.server_address[1]}"
    for status, expected in [(200, "login page"), (302, "redirects are never followed")]:
        Proxy.status = status
        refused = run(folder, "deliver", MANIFEST, "--to", address(ticket, base))
        assert refused.returncode == 7 and expected in refused.stderr and "canary" not in refused.stderr, refused.stderr
    proxy.shutdown()
    print("ok: login page with 200, redirect to it")


def check_long_history(folder, ticket, files):
    """The mark is found behind more than a page of the history."""
    for number in range(110):
        body = json.dumps({"Content": f"comment {number}", "ContentType": "text/plain"}).encode()
        headers = {"Authorization": f"token {TOKEN['writer']}", "Content-Type": "application/json"}
        urllib.request.urlopen(urllib.request.Request(f"{URL}/REST/2.0/ticket/{ticket}/comment", body, headers)).read()
    for _ in range(2):
        done = deliver(folder, ticket)
        assert done.returncode == 0, done.stderr
        check(folder, ticket, files)
    print("ok: ticket with more than 100 comments")


def main():
    # A name that is not ASCII, and binary content.
    files = ["r.xlsx", "报告.csv", "r.md"]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        outputs = [word for file in files for word in ("-o", file)]
        tasks = str(ROOT / "samples/tasks.csv")
        if MODE != "default":
            check_large_files(folder, {"drop": 1, "truncate": 2}[MODE])
            return
        export = ["export", tasks, "--endpoint", "embedded", *outputs, "--to", address(3)]
        start = time.monotonic()
        exported = run(folder, *export)
        duration = time.monotonic() - start
        assert exported.returncode == 0, exported.stderr
        assert f"{address(3)}#txn-" in exported.stdout, exported.stdout
        check(folder, 3, files)
        again = deliver(folder, 3)
        assert again.returncode == 0 and again.stdout in exported.stdout, again.stderr
        check(folder, 3, files)
        print("ok: delivered twice, one comment, one copy of each file")
        check_kills(folder, 4, files, duration)
        check_refusals(folder, 5)
        check_login_page(folder, 5)
        check_long_history(folder, 6, files)


main()
