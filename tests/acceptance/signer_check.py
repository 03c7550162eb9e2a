"""Recomputes the program's signatures with the official SDK's signer.

    python3 tests/acceptance/signer_check.py [PROGRAM]

Needs huaweicloudsdkcore. A server keeps every request as it came; the SDK's signer then signs the same
request with the same key and date, and must come to the same `Authorization` header.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

ACCESS_KEY, SECRET_KEY = "made-up-access-key", "made-up-secret-key/+="
IDS = ["plain", "with space", "ü中文🦀", "a/b", "a%2Fb", "100%", "q?x=1&y=2", "semi;colon", "'quoted'", "~-_.", "+", "x" * 255]

seen = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        seen.append((self.command, self.path, dict(self.headers.items()), body))
        if "/consistency-results/export" in self.path:
            text = '{"exported": true}'
        elif self.path.startswith("/v3/tasks?"):
            text = '{"count": 0, "tasks": []}'
        elif self.path.startswith("/v3/sources?"):
            text = '{"count": 0, "source_servers": []}'
        else:
            text = '{"result_list": []}'
        text = text.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST = answer

    def log_message(self, *_):
        pass


def recomputed(method, path, headers, body):
    """The Authorization header that the official signer makes of a request."""
    path, _, query = path.partition("?")
    pairs = [pair.partition("=") for pair in query.split("&") if pair]
    lower = {name.lower(): value for name, value in headers.items()}
    signed = lower["authorization"].split("SignedHeaders=")[1].split(",")[0].split(";")
    request = SdkRequest(
        method=method,
        schema="http",
        host=lower["host"],
        resource_path=path,
        query_params=[(unquote(name), unquote(value)) for name, _, value in pairs],
        header_params={name: lower[name] for name in signed},
        body=body,
    )
    assert "x-sdk-date" in signed and "host" in signed, signed
    return Signer(BasicCredentials(ACCESS_KEY, SECRET_KEY)).sign(request).header_params["Authorization"], lower


def main():
    program = os.path.abspath(sys.argv[1] if len(sys.argv) > 1 else "target/debug/cutover-report")
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    keys = {"HUAWEICLOUD_SDK_AK": ACCESS_KEY, "HUAWEICLOUD_SDK_SK": SECRET_KEY}
    temporary = {**keys, "HUAWEICLOUD_SDK_SECURITY_TOKEN": "made-up+security/token=="}
    with tempfile.TemporaryDirectory() as folder:
        with open(os.path.join(folder, "tasks.json"), "w") as file:
            json.dump([{"task_id": id, "source_name": f"server {id}"[:60]} for id in IDS], file)
        with open(os.path.join(folder, "results.json"), "w") as file:
            check = {"dir_check": "/data/ü 1", "num_total_files": 1, "num_different_files": 0,
                     "num_target_miss_files": 0, "num_target_more_files": 0}
            json.dump([{"task_id": id, "consistency_result": [check]} for id in IDS], file)
        calls = [
            ["export", "tasks.json", "-o", "r.csv", "--rate", "1000/s"],
            ["upload", "results.json", "--rate", "1000/s"],
            ["server-export", "tasks.json", "-o", "out", "--language", "zh"],
            ["tasks", "--name", "a b+c/d?e=f&g~h_i-j.k*é中%20'()!", "--state", "RUNNING"],
            ["tasks", "--with-results"],
            ["export", "tasks.json", "-o", "r.csv", "--project-id", "p-1", "--domain-id", "d 1", "--rate", "1000/s"],
        ]
        for environment in (keys, temporary):
            for call in calls:
                arguments = [program, "-q", *call, "--endpoint", endpoint]
                ended = subprocess.run(arguments, cwd=folder, env=environment, capture_output=True, text=True)
                assert ended.returncode == 0, (call, ended.returncode, ended.stderr)
    # The exports list the tasks once each, for their context.
    expected = 2 * (3 * len(IDS) + 5)
    assert len(seen) == expected, f"{len(seen)} requests came instead of {expected}"
    wrong = 0
    for method, path, headers, body in seen:
        authorization, lower = recomputed(method, path, headers, body)
        if authorization != lower["authorization"]:
            wrong += 1
            print(f"FAIL {method} {path}\n  signed     {lower['authorization']}\n  recomputed {authorization}")
    for name in ("x-security-token", "x-project-id", "x-domain-id", "x-language"):
        assert any(name in dict((k.lower(), v) for k, v in headers.items()) for _, _, headers, _ in seen), name
    print(f"{len(seen) - wrong} signatures are the official signer's, {wrong} are not")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
