"""Runs the program against moto's S3, a server that is not ours.

    python3 tests/acceptance/s3_check.py [PROGRAM]

Needs moto[server]. Every kind of output, task list and journal goes through a bucket; boto3, which comes with
moto, looks at what is there.
"""

import hashlib
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import boto3
from moto.server import ThreadedMotoServer

from harness import Checks

PROGRAM = str(Path(sys.argv[1] if len(sys.argv) > 1 else "target/debug/cutover-report").resolve())
SAMPLES = Path("samples/tasks.csv").resolve()
SECRET = "made-up-secret-key/+="
KEYS = {"AWS_ACCESS_KEY_ID": "made-up-access-key", "AWS_SECRET_ACCESS_KEY": SECRET}
EMBEDDED = ["--endpoint", "embedded", "--rate", "1000/s"]
# A kind of output each; the journal and the manifest stand beside the first.
OUTPUTS = ["r.xlsx", "night/", "r.zip", "r.csv", "r.json", "r.jsonl", "r.prom", "r.md"]


class Service(BaseHTTPRequestHandler):
    """Answers the first requests at once, and the others when it is let go."""

    protocol_version = "HTTP/1.1"
    healthy, asked, go = 8, [], threading.Event()

    def do_GET(self):
        if self.path.startswith("/v3/tasks?"):
            return self.answer({"count": 0, "tasks": []})  # no task has a context
        self.asked.append(self.path.split("/")[3])
        if len(self.asked) > self.healthy:
            self.go.wait(60)
        check = {"dir_check": "/data", "num_total_files": 5, "num_different_files": 0}
        check |= {"num_target_miss_files": 0, "num_target_more_files": 0}
        result = {"finished_time": 1_700_000_000_000, "check_result": "success", "consistency_result": [check]}
        self.answer({"result_list": [result]})

    def answer(self, document):
        body = json.dumps(document).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        try:
            self.wfile.write(body)
        except OSError:
            pass  # whoever asked was killed

    def log_message(self, *_):
        pass


def main():
    checks = Checks()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    url = f"http://{host}:{port}"
    s3 = boto3.client(
        "s3", endpoint_url=url, region_name="us-east-1",
        aws_access_key_id=KEYS["AWS_ACCESS_KEY_ID"], aws_secret_access_key=SECRET,
    )
    s3.create_bucket(Bucket="reports")
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        (folder / "tmp").mkdir()
        bucket = Bucket(s3, url, folder)
        for section in (outputs, earlier_files, large, resume, indexed_job, overtaken, stopped, refused):
            with checks.section(section.__name__):
                section(checks, bucket)
        left = [path.name for path in (folder / "tmp").iterdir()]
        # The journal of the run that was overtaken; later runs removed what killed ones left.
        checks.equal("only what must be kept stays in the folder of temporary files", len(left), 1)
    moto.stop()
    print(f"{checks.passed} checks passed, {checks.failed} failed")
    return 1 if checks.failed else 0


class Bucket:
    def __init__(self, s3, url, folder):
        self.s3, self.url, self.folder = s3, url, folder

    def environment(self, more=None):
        return KEYS | {"AWS_DEFAULT_REGION": "us-east-1", "TMPDIR": str(self.folder / "tmp")} | (more or {})

    def start(self, *arguments, more=None):
        return subprocess.Popen(
            [PROGRAM, *arguments, "--s3-endpoint", self.url], cwd=self.folder, env=self.environment(more),
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )

    def run(self, *arguments, more=None):
        process = self.start(*arguments, more=more)
        stdout, stderr = process.communicate(timeout=120)
        return process.returncode, stdout, stderr

    def keys(self, prefix=""):
        pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket="reports", Prefix=prefix)
        return [found["Key"] for page in pages for found in page.get("Contents", [])]

    def get(self, key):
        return self.s3.get_object(Bucket="reports", Key=key)["Body"].read()

    def put(self, key, content):
        self.s3.put_object(Bucket="reports", Key=key, Body=content)

    def unfinished(self):
        return self.s3.list_multipart_uploads(Bucket="reports").get("Uploads", [])

    def answered(self, key):
        lines = map(json.loads, self.get(key).splitlines())
        return {line["task_id"] for line in lines if "body" in line}


def outputs(checks, bucket):
    bucket.put("plans/tasks.csv", SAMPLES.read_bytes())
    options = [part for name in OUTPUTS for part in ("-o", f"s3://reports/ä 1/{name}")]
    code, stdout, stderr = bucket.run("export", "s3://reports/plans/tasks.csv", *EMBEDDED, *options)
    checks.equal("every kind of output is written", (code, SECRET in stdout + stderr), (0, False))
    named = {f"s3://reports/ä 1/{name}" for name in OUTPUTS}
    checks.equal("stdout names the objects", set(stdout.splitlines()), named)
    manifest = json.loads(bucket.get("ä 1/r.manifest.json"))
    wrong = [
        file["path"] for file in manifest["files"]
        if hashlib.sha256(bucket.get(f"ä 1/{file['path']}")).hexdigest() != file["sha256"]
    ]
    checks.none("boto3 finds what the manifest says", wrong)
    checks.equal("and nothing else", len(bucket.keys("ä 1/")), len(manifest["files"]) + 1)
    code, stdout, stderr = bucket.run("verify", "s3://reports/ä 1/r.manifest.json")
    checks.equal("verify finds the same", (code, stdout.count("ok s3://")), (0, len(manifest["files"])))
    code, _, stderr = bucket.run("render", "s3://reports/ä 1/r.journal.jsonl", "-o", "here.xlsx", "-o", "here.zip")
    same = [(bucket.folder / f"here.{kind}").read_bytes() == bucket.get(f"ä 1/r.{kind}") for kind in ("xlsx", "zip")]
    checks.equal("render makes the same bytes from the journal there", (code, same), (0, [True, True]))
    journal = "s3://reports/ä 1/r.journal.jsonl"
    code, _, stderr = bucket.run("diff", journal, journal, "-o", "s3://reports/changes.xlsx", "--fail-on", "worse,gone")
    checks.equal("diff reads and writes there", (code, bucket.get("changes.xlsx")[:2]), (0, b"PK"))


def earlier_files(checks, bucket):
    few = "".join(SAMPLES.read_text().splitlines(keepends=True)[:4])
    (bucket.folder / "few.csv").write_text(few)
    bucket.put("ä 1/night/tasks/notes.csv", "somebody's,notes\n")
    code, _, stderr = bucket.run(
        "export", "few.csv", *EMBEDDED, "--journal", "few.jsonl", "-o", "s3://reports/ä 1/night/"
    )
    checks.equal("a folder is written again", code, 0)
    left = bucket.keys("ä 1/night/tasks/")
    checks.ok("what the earlier run left is gone, and somebody's notes are not",
              len(left) == 4 and "ä 1/night/tasks/notes.csv" in left, left)


def large(checks, bucket):
    lines = (bucket.folder / "few.jsonl").read_bytes().splitlines(keepends=True)
    answer = json.loads(lines[1])
    answer["body"] += " " * (20 << 20)
    lines[1] = json.dumps(answer).encode() + b"\n"
    (bucket.folder / "large.jsonl").write_bytes(b"".join(lines))
    code, _, stderr = bucket.run("render", "large.jsonl", "-o", "s3://reports/large.jsonl")
    checks.ok("a large object is what was sent", code == 0 and bucket.get("large.jsonl") == b"".join(lines), stderr)
    parts = bucket.s3.head_object(Bucket="reports", Key="large.jsonl")["ETag"].strip('"').partition("-")[2]
    checks.equal("and went in parts", (parts, bucket.unfinished()), ("3", []))
    code, _, stderr = bucket.run("render", "s3://reports/large.jsonl", "-o", "back.jsonl")
    checks.equal("it comes back whole", (code, (bucket.folder / "back.jsonl").read_bytes() == b"".join(lines)), (0, True))


def service():
    """A new service of this machine, and its options."""
    kind = type("Fresh", (Service,), {"asked": [], "go": threading.Event()})
    server = ThreadingHTTPServer(("127.0.0.1", 0), kind)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    options = ["--endpoint", f"http://127.0.0.1:{server.server_address[1]}", "--auth", "none", "--rate", "1000/s"]
    return kind, options


def wait(is_so):
    end = time.monotonic() + 60
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError("it never came to that")
        time.sleep(0.05)


def resume(checks, bucket):
    kind, options = service()
    bucket.put("many.csv", "task_id\n" + "".join(f"task-{number}\n" for number in range(40)))
    arguments = ["export", "s3://reports/many.csv", *options, "--journal", "s3://reports/run/j.jsonl", "-o", "s3://reports/run/r.json"]
    process = bucket.start(*arguments)
    wait(lambda: "run/j.jsonl" in bucket.keys())
    process.kill()
    process.communicate()
    held = bucket.answered("run/j.jsonl")
    checks.ok("a killed run leaves its answers in the bucket", len(held) == kind.healthy, held)
    code, _, stderr = bucket.run(*arguments)
    checks.ok("which no other run replaces", code == 1 and "--resume" in stderr, stderr)
    kind.go.set()
    kind.asked.clear()
    code, _, stderr = bucket.run(*arguments, "--resume")
    checks.equal("the next one goes on with them", (code, len(bucket.answered("run/j.jsonl"))), (0, 40))
    checks.none("and asks for none of them again", held & set(kind.asked))


def indexed_job(checks, bucket):
    kind, options = service()

    def pod(index):
        return bucket.start(
            "export", "s3://reports/many.csv", *options, "--shard", "auto/4", "--resume",
            "--journal", f"s3://reports/shards/{index}.jsonl", "-o", f"s3://reports/shards/{index}.json",
            more={"JOB_COMPLETION_INDEX": str(index)},
        )

    killed = pod(1)
    wait(lambda: "shards/1.jsonl" in bucket.keys())
    killed.kill()
    killed.communicate()
    kind.go.set()
    pods = [pod(index) for index in range(4)]
    codes = [(process.communicate()[1], process.returncode)[1] for process in pods]
    checks.equal("four shards end, one of them after it was killed", codes, [0] * 4)
    journals = [f"s3://reports/shards/{index}.jsonl" for index in range(4)]
    code, _, stderr = bucket.run("merge", *journals, "-o", "s3://reports/all.jsonl", "-o", "s3://reports/all/results.csv")
    bucket.run("export", "s3://reports/many.csv", *options, "--no-journal", "-o", "s3://reports/one/results.csv")
    same = bucket.get("all/results.csv") == bucket.get("one/results.csv")
    checks.ok("their merged report is that of one run", code == 0 and same, stderr)
    code, stdout, stderr = bucket.run("verify", "s3://reports/all.manifest.json")
    checks.equal("and verified", code, 0)


def overtaken(checks, bucket):
    kind, options = service()
    process = bucket.start("export", "s3://reports/many.csv", *options, "--journal", "s3://reports/o.jsonl", "-o", "o.json")
    wait(lambda: "o.jsonl" in bucket.keys())
    other = bucket.get("o.jsonl").replace(b'"started_at":"20', b'"started_at":"19', 1)
    bucket.put("o.jsonl", other)
    kind.go.set()
    _, stderr = process.communicate(timeout=60)
    checks.ok("a run that is overtaken ends with 6", process.returncode == 6 and "are kept in" in stderr, stderr)
    checks.ok("and leaves the other's journal", bucket.get("o.jsonl") == other)


def stopped(checks, bucket):
    kind, options = service()
    process = bucket.start("export", "s3://reports/many.csv", *options, "-o", "s3://reports/s.json")
    wait(lambda: len(kind.asked) > kind.healthy)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate(timeout=60)
    kind.go.set()
    checks.equal("a run that is stopped puts what it has", process.returncode, 143)
    checks.equal("all of it", len(bucket.answered("s.journal.jsonl")), kind.healthy)


def refused(checks, bucket):
    code, _, stderr = bucket.run("export", str(SAMPLES), *EMBEDDED, "-o", "s3://nobucket/r.xlsx")
    checks.ok("a bucket that is not there is told", code == 1 and "NoSuchBucket" in stderr, stderr)
    without = {"AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
    code, _, stderr = bucket.run("export", str(SAMPLES), *EMBEDDED, "-o", "s3://reports/x.xlsx", more=without)
    checks.ok("and so are missing credentials", code == 5 and "AWS_ACCESS_KEY_ID" in stderr, stderr)
    code, _, stderr = bucket.run("render", "s3://reports/not-there.jsonl", "-o", "s3://reports/x.xlsx")
    checks.ok("and a missing journal", code == 1 and "s3://reports/not-there.jsonl" in stderr, stderr)


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parent.parent.parent)
    sys.exit(main())
