"""Hooks check: deploy/hooks/notify.py as the program runs it, against a server that checks form, size and signature.

    python3 tests/acceptance/hooks_check.py [PROGRAM]

The rules of each system are those of its documentation, written down here a second time. Nothing was posted to a
real system.
"""

import base64
import hashlib
import hmac
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from harness import Checks

ROOT = Path(__file__).parents[2]
HOOK = ROOT / "deploy/hooks/notify.py"
SECRET = "SEC-canary-0123456789"
CONTENT = {
    "feishu": lambda body: body["content"]["text"],
    "dingtalk": lambda body: body["text"]["content"],
    "wecom": lambda body: body["text"]["content"],
    "teams": lambda body: body["attachments"][0]["content"]["body"][0]["text"],
    "slack": lambda body: body["text"],
    "healthchecks": lambda body: body,
}
LIMIT = {"feishu": 20_000, "dingtalk": 20_000, "wecom": 20_000, "teams": 28_000, "slack": 40_000, "healthchecks": 10_000}


def hmac_base64(key, text):
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), hashlib.sha256)).decode()


class Handler(BaseHTTPRequestHandler):
    seen, busy = [], 0

    def do_POST(self):
        raw = self.rfile.read(int(self.headers["Content-Length"]))
        address = urlsplit(self.path)
        kind = address.path.split("/")[1]
        Handler.seen.append((kind, address, raw))
        if Handler.busy > 0:
            Handler.busy -= 1
            return self.answer(503, "busy")
        body = raw.decode() if kind == "healthchecks" else json.loads(raw)
        if len(raw) > LIMIT[kind] or (kind == "wecom" and len(body["text"]["content"].encode()) > 2048):
            return self.answer(200, json.dumps({"errcode": 40058, "code": 9499, "errmsg": "too long"}))
        signed = {"feishu": self.feishu, "dingtalk": self.dingtalk}.get(kind, lambda *_: True)
        right = signed(body, parse_qs(address.query))
        self.answer(200, "ok" if kind in ("slack", "healthchecks") else json.dumps({"errcode": 0 if right else 310000, "code": 0 if right else 19021, "errmsg": "sign"}))

    @staticmethod
    def feishu(body, _):
        timestamp = body["timestamp"]
        return abs(int(timestamp) - time.time()) < 3600 and body["sign"] == hmac_base64(f"{timestamp}\n{SECRET}", "")

    @staticmethod
    def dingtalk(_, query):
        timestamp = query["timestamp"][0]
        fresh = abs(int(timestamp) / 1000 - time.time()) < 3600
        return fresh and query["sign"][0] == hmac_base64(SECRET, f"{timestamp}\n{SECRET}")

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_):
        pass


def hook(folder, kind, port, **more):
    environment = {"PATH": os.environ["PATH"], "NOTIFY_URL": f"http://127.0.0.1:{port}/{kind}/hook?access_token=t", **more}
    if kind == "healthchecks":
        environment["NOTIFY_URL"] = f"http://127.0.0.1:{port}/{kind}"
    (folder / "secret").write_text(f"{SECRET}\n")
    environment.setdefault("NOTIFY_SECRET_FILE", str(folder / "secret"))
    return environment


def main():
    program = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/debug/cutover-report").resolve()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    port, checks = server.server_port, Checks()
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)

        def export(kind, *options, **more):
            Handler.seen.clear()
            words = [program, "export", ROOT / "samples/tasks.csv", "--endpoint", "embedded", "--rate", "1000/s", "-q"]
            words += ["-o", "r.csv", "--on-finish", f"{HOOK} {kind}", *options]
            return subprocess.run(words, cwd=folder, env=hook(folder, kind, port, **more), capture_output=True, text=True)

        for kind, content in CONTENT.items():
            with checks.section(kind):
                done = export(kind)
                checks.equal(f"{kind}: the run ends with 0", (done.returncode, done.stderr.count("not posted")), (0, 0))
                checks.equal(f"{kind}: one message", len(Handler.seen), 1)
                _, address, raw = Handler.seen[0]
                text = content(raw.decode() if kind == "healthchecks" else json.loads(raw))
                checks.ok(f"{kind}: headline and file", "NOT READY: 6 of 12 tasks do not pass" in text and "r.csv" in text, text)
                if kind == "healthchecks":
                    checks.equal(f"{kind}: the exit code", address.path, "/healthchecks/0")
                    export(kind, "--fail-on", "not-passing")
                    checks.equal(f"{kind}: and a failing one", Handler.seen[0][1].path, "/healthchecks/4")
                long = {"CUTOVER_REPORT_HEADLINE": "未通过" * 12_000, "CUTOVER_REPORT_EXIT": "0"}
                done = subprocess.run([HOOK, kind], env=hook(folder, kind, port, **long), capture_output=True, text=True)
                checks.equal(f"{kind}: a long text is cut", (done.returncode, done.stderr), (0, ""))
        for kind in ("feishu", "dingtalk"):
            done = export(kind, NOTIFY_SECRET_FILE="", NOTIFY_SECRET="wrong")
            checks.ok(f"{kind}: a refused signature is exit 7", done.returncode == 7 and "not posted" in done.stderr, done.stderr)
            checks.ok(f"{kind}: without address and secret", "access_token" not in done.stderr and "wrong" not in done.stderr, done.stderr)
        Handler.busy = 1
        done = export("slack")
        checks.equal("a server that is busy is asked again", (done.returncode, len(Handler.seen)), (0, 2))
        done = export("slack", NOTIFY_WHEN="failing")
        checks.equal("only failing: tasks do not pass", len(Handler.seen), 1)
        Handler.seen.clear()
        ready = hook(folder, "slack", port, NOTIFY_WHEN="failing", CUTOVER_REPORT_STATUS="ready", CUTOVER_REPORT_EXIT="0")
        subprocess.run([HOOK, "slack"], env=ready, check=True)
        checks.equal("only failing: all pass", len(Handler.seen), 0)
        done = export("slack", NOTIFY_URL="http://chat.example/x")
        checks.ok("plain http is refused", done.returncode == 7 and "https://" in done.stderr, done.stderr)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
