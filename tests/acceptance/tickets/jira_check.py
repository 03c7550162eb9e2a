"""Delivers to a small Jira that sends every request to Prism first, which checks it against Atlassian's description.

usage: jira_check.py PROGRAM PRISM DOCUMENTS; the comments are written to DOCUMENTS, for a check of their format.

Prism keeps nothing and makes up its answers, some of which its own description refuses. So only what it says about
requests counts, and the answers come from here.
"""

import hashlib
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.parse
import urllib.request

PROGRAM, PRISM, DOCUMENTS = sys.argv[1:4]
ROOT = pathlib.Path(__file__).resolve().parents[3]
MANIFEST = "r.manifest.json"
FILES, COMMENTS, REQUESTS, VIOLATIONS = [], [], [], []


def violations(method, path, headers, body):
    """What Prism says about a request."""
    kept = {name: headers[name] for name in ("authorization", "content-type", "x-atlassian-token", "accept") if headers.get(name)}
    request = urllib.request.Request(PRISM + path, data=body, method=method, headers=kept)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            status, found = answer.status, answer.headers.get("sl-violations", "[]")
    except urllib.error.HTTPError as error:
        status, found = error.code, error.headers.get("sl-violations", "[]")
    wrong = [item for item in json.loads(found) if item["location"][0] == "request"]
    if not wrong and status in (400, 401, 404, 405, 415, 422):
        wrong = [{"message": f"HTTP {status}"}]
    return wrong


class Jira(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def respond(self, status, content, kind="application/json"):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def handle_request(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length) if length else None
        REQUESTS.append(f"{self.command} {self.path}")
        for item in violations(self.command, self.path, self.headers, body):
            VIOLATIONS.append(f"{self.command} {self.path}: {item}")
        url = urllib.parse.urlsplit(self.path)
        path = url.path.removeprefix("/rest/api/3")
        if (self.command, path) == ("GET", "/issue/OPS-17"):
            files = [{"id": str(number), "filename": name, "size": len(content)} for number, (name, content) in enumerate(FILES)]
            return self.respond(200, {"id": "1", "key": "OPS-17", "fields": {"attachment": files}})
        if (self.command, path) == ("GET", "/attachment/meta"):
            return self.respond(200, {"enabled": True, "uploadLimit": 1_000_000})
        if (self.command, path) == ("POST", "/issue/OPS-17/attachments"):
            head, content = body.split(b"\r\n\r\n", 1)
            content = content[: content.rindex(b"\r\n--")]
            name = re.search(rb'name="file"; filename="([^"]*)"', head)[1].decode()
            FILES.append((name, content))
            return self.respond(200, [{"id": str(len(FILES) - 1), "filename": name, "size": len(content)}])
        if self.command == "GET" and path.startswith("/attachment/content/"):
            return self.respond(200, FILES[int(path.rsplit("/", 1)[1])][1], "application/octet-stream")
        if (self.command, path) == ("GET", "/issue/OPS-17/comment"):
            start = int(urllib.parse.parse_qs(url.query)["startAt"][0])
            comments = [{"id": str(number), "body": text} for number, text in enumerate(COMMENTS)]
            return self.respond(200, {"comments": comments[start : start + 1], "startAt": start, "total": len(comments)})
        if (self.command, path) == ("POST", "/issue/OPS-17/comment"):
            COMMENTS.append(json.loads(body)["body"])
            return self.respond(201, {"id": str(len(COMMENTS) - 1)})
        return self.respond(404, {"errorMessages": ["not found"], "errors": {}})

    do_GET = do_POST = do_PUT = handle_request

    def log_message(self, *_):
        pass


def main():
    # Prism must find what is wrong.
    wrong = violations("POST", "/rest/api/3/issue/OPS-17/comment", {"authorization": "Basic eDp4", "content-type": "application/json"}, b'{"body":"text"}')
    assert wrong, "Prism accepts a comment in plain text"
    assert violations("POST", "/rest/api/3/issue/OPS-17/attachments", {"authorization": "Basic eDp4"}, None), "Prism accepts an upload of nothing"
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Jira)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    ticket = f"http://127.0.0.1:{server.server_address[1]}/browse/OPS-17"
    environment = {"PATH": os.environ["PATH"], "JIRA_USER": "me@x.org", "JIRA_API_TOKEN": "canary-token-0123456789"}
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        # Names that Markdown and the document format could take for markup.
        (folder / "tasks.csv").write_text("task_id,source_name,wave\nt1,*a*_b_|<b>`x`,W 1\nt2,服务器 二,W 2\nt3,,\n", encoding="utf-8")
        for tasks, language in [(ROOT / "samples/tasks.csv", "en"), (folder / "tasks.csv", "en"), (folder / "tasks.csv", "zh")]:
            FILES.clear()
            outputs = ["-o", "r.xlsx", "-o", "报告.csv", "-o", "r.md", "--language", language, "--overwrite"]
            command = [PROGRAM, "export", str(tasks), "--endpoint", "embedded", *outputs, "--to", ticket]
            before = len(COMMENTS)
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
            assert done.returncode in (0, 3), done.stderr
            again = subprocess.run([PROGRAM, "deliver", MANIFEST, "--to", ticket], cwd=folder, env=environment, capture_output=True, text=True)
            assert again.returncode == 0 and "canary" not in again.stderr, again.stderr
            assert len(COMMENTS) == before + 1, f"{len(COMMENTS) - before} comments"
            assert hashlib.sha256((folder / MANIFEST).read_bytes()).hexdigest() in json.dumps(COMMENTS[-1])
            assert sorted(FILES) == sorted((file, (folder / file).read_bytes()) for file in ("r.xlsx", "报告.csv", "r.md"))
        doctor = subprocess.run([PROGRAM, "doctor", "--endpoint", "embedded", "--to", ticket], cwd=folder, env=environment, capture_output=True, text=True)
        assert doctor.returncode == 0, doctor.stdout
    assert not VIOLATIONS, "\n".join(VIOLATIONS)
    pathlib.Path(DOCUMENTS).write_text(json.dumps(COMMENTS))
    print(f"ok: {len(REQUESTS)} requests conform to the description")


main()
