"""A hostile SMS service on the loopback, for the acceptance check.

    python3 server.py        prints the port, then serves until interrupted

GET /v3/tasks/{id}/consistency-result   answers by the kind of task (see kinds.py)
GET /_log                               every request so far, as JSON

Requests need the test token; any other gets 401. Redirects lead to a trap: a second port and a
path of this one, both of which only record that somebody came.
"""

import dataclasses
import gzip
import json
import os
import socket
import struct
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import kinds
from kinds import Answer

PATIENCE = 10.0  # how long a drip or a silence lasts
CHUNK = b" " * 65536
UNAUTHORISED = kinds.sms_error(401, "APIG.0301", "Incorrect IAM authentication information.")
NO_SUCH_API = kinds.sms_error(404, "APIG.0101", "The API does not exist.")


class SmsServer:
    """The service and its trap, each in a thread; a context manager."""

    def __init__(self, port=0):
        self.lock = threading.Lock()
        self.requests = []
        self.answered = Counter()
        self.in_flight = self.most_in_flight = 0
        self._http = self._listen(Handler, port)
        self._trap = self._listen(TrapHandler, 0)
        self.port = self._http.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.trap_url = f"http://127.0.0.1:{self._trap.server_address[1]}"

    def _listen(self, handler, port):
        http = QuietServer(("127.0.0.1", port), handler)
        http.sms = self
        threading.Thread(target=http.serve_forever, args=(0.05,), daemon=True).start()
        return http

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for http in (self._http, self._trap):
            http.shutdown()
            http.server_close()

    def record(self, handler, where, task_id):
        entry = {
            "where": where, "method": handler.command, "path": handler.path, "task_id": task_id,
            "time": time.time(), "headers": list(handler.headers.keys()), "sent": 0,
        }
        with self.lock:
            self.requests.append(entry)
        return entry

    def log(self):
        with self.lock:
            return [dict(entry) for entry in self.requests]

    def asked(self):
        """How often each task was asked for."""
        return Counter(entry["task_id"] for entry in self.log() if entry["task_id"] is not None)

    def times(self, task_id):
        return [entry["time"] for entry in self.log() if entry["task_id"] == task_id]

    def trapped(self):
        return [entry["path"] for entry in self.log() if entry["where"] == "trap"]

    def next_answer(self, task_id):
        kind = kinds.find(task_id)
        if kind is None:
            return NO_SUCH_API
        with self.lock:
            turn = self.answered[task_id]
            self.answered[task_id] += 1
        answer = kind.answers[min(turn, len(kind.answers) - 1)]
        return dataclasses.replace(answer, body=kinds.body_for(answer.body, task_id))


class QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def handle_error(self, request, client_address):
        pass  # a client that hangs up is expected here


class TrapHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.sms.record(self, "trap", None)
        send(self, 200, kinds.GOOD_BODY)

    def log_message(self, *_):
        pass


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        sms = self.server.sms
        path = self.path.partition("?")[0]
        if path == "/_log":
            send(self, 200, json.dumps(sms.log()).encode())
        elif path.startswith("/trap/"):
            TrapHandler.do_GET(self)
        else:
            with sms.lock:
                sms.in_flight += 1
                sms.most_in_flight = max(sms.most_in_flight, sms.in_flight)
            try:
                self.answer(sms, task_of(path))
            except OSError:
                self.close_connection = True
            finally:
                with sms.lock:
                    sms.in_flight -= 1

    def answer(self, sms, task_id):
        entry = sms.record(self, "sms", task_id)
        if self.headers.get("X-Auth-Token") != kinds.TOKEN:
            answer = UNAUTHORISED
        elif task_id is None:
            answer = NO_SUCH_API
        else:
            answer = sms.next_answer(task_id)
        time.sleep(answer.delay)
        WAYS[answer.how](self, answer, entry)

    def do_POST(self):
        self.server.sms.record(self, "sms", None)
        self.close_connection = True
        send(self, NO_SUCH_API.status, NO_SUCH_API.body, {"Connection": "close"})

    do_PUT = do_DELETE = do_HEAD = do_POST

    def log_message(self, *_):
        pass


def task_of(path):
    """The task id in a request path; None unless the path is the one of the operation."""
    match path.split("/"):
        case ["", "v3", "tasks", task_id, "consistency-result"] if task_id:
            return unquote(task_id)
    return None


def head(status, headers):
    lines = [f"HTTP/1.1 {status} Test"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def send(handler, status, body, headers=None, length=None):
    """Head and body in one write. `length` lies about the length of the body."""
    fields = {"Content-Type": "application/json"}
    if status != 204:
        fields["Content-Length"] = len(body) if length is None else length
    fields.update(headers or {})
    handler.wfile.write(head(status, fields) + body)


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


CHUNKED = {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}


# The ways of sending an answer.

def plain(handler, answer, entry):
    headers = {}
    for name, value in answer.headers.items():
        value = value() if callable(value) else value
        headers[name] = value.replace("{trap}", handler.server.sms.trap_url)
    send(handler, answer.status, answer.body, headers)
    entry["sent"] = len(answer.body)


def reset(handler, answer, entry):
    handler.close_connection = True
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    os.close(handler.connection.detach())


def hang_up(handler, answer, entry):
    handler.close_connection = True


def cut(handler, answer, entry):
    handler.close_connection = True
    send(handler, 200, answer.body[: len(answer.body) // 2], length=len(answer.body))


def cut_chunked(handler, answer, entry):
    """All of the body, but not the chunk that ends it."""
    handler.close_connection = True
    handler.wfile.write(head(200, CHUNKED) + chunk(answer.body))


def chunked(handler, answer, entry):
    pieces = (answer.body[at : at + 50] for at in range(0, len(answer.body), 50))
    handler.wfile.write(head(200, CHUNKED) + b"".join(map(chunk, pieces)) + chunk(b""))


def drip(handler, answer, entry):
    """A good body, a byte at a time: never idle, never done in time."""
    handler.close_connection = True
    end = time.monotonic() + PATIENCE
    send(handler, 200, b"", length=len(answer.body))
    for at in range(len(answer.body)):
        if time.monotonic() > end:
            break
        handler.wfile.write(answer.body[at : at + 1])
        time.sleep(0.2)


def silent(handler, answer, entry):
    handler.close_connection = True
    time.sleep(PATIENCE)


def huge(handler, answer, entry):
    handler.close_connection = True
    send(handler, 200, b"", length=kinds.HUGE)
    while entry["sent"] < kinds.HUGE:
        handler.wfile.write(CHUNK)
        entry["sent"] += len(CHUNK)


def huge_chunked(handler, answer, entry):
    handler.close_connection = True
    handler.wfile.write(head(200, CHUNKED))
    while entry["sent"] < kinds.HUGE:
        handler.wfile.write(chunk(CHUNK))
        entry["sent"] += len(CHUNK)
    handler.wfile.write(chunk(b""))


def offers_gzip(handler):
    return "gzip" in handler.headers.get("Accept-Encoding", "")


def gzipped(handler, answer, entry):
    if not offers_gzip(handler):
        return plain(handler, answer, entry)
    send(handler, 200, gzip.compress(answer.body), {"Content-Encoding": "gzip"})


def gzip_bomb(handler, answer, entry):
    if not offers_gzip(handler):
        return huge(handler, Answer(how="huge"), entry)
    send(handler, 200, answer.body, {"Content-Encoding": "gzip"})


WAYS = {
    "plain": plain, "reset": reset, "hang-up": hang_up, "cut": cut, "cut-chunked": cut_chunked,
    "chunked": chunked, "drip": drip, "silent": silent, "huge": huge, "huge-chunked": huge_chunked,
    "gzip": gzipped, "gzip-bomb": gzip_bomb,
}


if __name__ == "__main__":
    with SmsServer() as server:
        print(server.port, flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            pass
