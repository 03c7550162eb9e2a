"""Redmine's API, as far as a delivery uses it, on loopback and in memory."""

import json
import random
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass
class Issue:
    files: list = field(default_factory=list)  # numbers, names and contents
    comments: list = field(default_factory=list)


class FakeRedmine:
    key = "made-up-redmine-key"

    def __init__(self):
        self.issues, self.tokens, self.lock = {}, {}, threading.Lock()

    def __enter__(self):
        handler = type("Bound", (Handler,), {"redmine": self})
        self.server = Server(("127.0.0.1", 0), handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def new_issue(self):
        number = len(self.issues) + 1
        self.issues[number] = Issue()
        return number

    def url(self, issue):
        return f"http://127.0.0.1:{self.server.server_address[1]}/issues/{issue}"


class Server(ThreadingHTTPServer):
    def handle_error(self, *_):
        """A client that was killed resets its connection."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body=b""):
        # A change is done before its answer is sent, so that a kill can hit in between.
        time.sleep(random.uniform(0, 0.02))
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except OSError:
            pass  # the client was killed

    def body(self):
        """None if the client was killed while it sent it."""
        length = int(self.headers.get("Content-Length", 0))
        data = self.rfile.read(length)
        return data if len(data) == length else None

    def do_GET(self):
        path = urlsplit(self.path).path.strip("/").split("/")
        with self.redmine.lock:
            match path:
                case ["issues", issue]:
                    issue = self.redmine.issues[int(issue.removesuffix(".json"))]
                    attachments = [{"id": number, "filename": name, "filesize": len(content)}
                                   for number, name, content in issue.files]
                    journals = [{"id": number, "notes": text} for number, text in enumerate(issue.comments)]
                    body = {"issue": {"attachments": attachments, "journals": journals}}
                case ["attachments", "download", number, name]:
                    found = [file for issue in self.redmine.issues.values() for file in issue.files]
                    body = next(content for its_number, its_name, content in found
                                if (str(its_number), its_name) == (number, unquote(name)))
        self.answer(200, body)

    def do_POST(self):
        data = self.body()
        if data is None:
            return
        name = parse_qs(urlsplit(self.path).query)["filename"][0]
        with self.redmine.lock:
            token = str(len(self.redmine.tokens))
            self.redmine.tokens[token] = (int(token), name, data)
        self.answer(201, {"upload": {"token": token}})

    def do_PUT(self):
        data = self.body()
        if data is None:
            return
        change = json.loads(data)["issue"]
        with self.redmine.lock:
            issue = self.redmine.issues[int(urlsplit(self.path).path.rpartition("/")[2].removesuffix(".json"))]
            issue.files += [self.redmine.tokens[upload["token"]] for upload in change.get("uploads", ())]
            issue.comments += [change["notes"]] if "notes" in change else []
        self.answer(204)

    def log_message(self, *_):
        pass
