"""Requests of every kind, signed by the official SDK's signer, and the same with one bit changed."""

import random
import socket
import struct
import sys
from collections import Counter
from datetime import datetime, timedelta, timezone
from http.client import HTTPConnection
from urllib.parse import quote, quote_from_bytes, unquote_to_bytes

from huaweicloudsdkcore.sdk_request import SdkRequest
from huaweicloudsdkcore.signer.signer import Signer

SEED, REQUESTS = 7, 300
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"]
JSON = ["application/json", "application/json;charset=utf-8", "application/json; charset=UTF-8", "application/bson"]
OTHER = ["text/plain", "application/octet-stream", "application/x-www-form-urlencoded", "APPLICATION/JSON"]
ALPHABET = "abcXYZ019 -_.~/%+&=?#:;,@!$'()*[]{}|\\\"<>^`é中文🚚\t\u00a0"
# What may stand in a path or a query as it is.
PLAIN_IN_PATH, PLAIN_IN_QUERY = "!$&'()*+,;=:@", "!$'()*,;:@/?+"


class Key:
    def __init__(self, ak, sk):
        self.ak, self.sk = ak, sk


class Signed:
    """A request that is ready to be sent."""

    def __init__(self, key, method, path, query, headers, body, shuffle=None, plain=""):
        request = SdkRequest(method, "http", None, path, None, list(query), dict(headers), body)
        Signer(key).sign(request)
        self.method, self.path, self.body = method, path, body
        self.headers = {name: value.encode("latin-1") for name, value in request.header_params.items()}
        pairs = [(name.encode(), value.encode()) for name, value in query]
        if shuffle:
            shuffle.shuffle(pairs)
        self.pairs, self.plain = pairs, plain

    def target(self):
        # A pair is written as the client likes: the order and the escapes are not signed.
        query = "&".join("=".join(quote_from_bytes(part, safe=self.plain) for part in pair) for pair in self.pairs)
        return f"{self.path}?{query}" if query else self.path

    def send(self, connection):
        connection.putrequest(self.method, self.target(), skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(self.body)))
        connection.endheaders(self.body)
        answer = connection.getresponse()
        answer.read()
        return answer.status

    def signed_headers(self):
        listed = self.headers["Authorization"].decode().split("SignedHeaders=")[1].split(",")[0].split(";")
        return [name for name in self.headers if name.lower() in listed]


def text(rng, longest, alphabet=ALPHABET):
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(0, longest)))


def any_request(rng, key, host):
    method = rng.choice(METHODS)
    plain = rng.choice(["", PLAIN_IN_PATH])
    path = rng.choice([
        f"/v3/tasks/{quote(text(rng, 40), safe=plain)}/consistency-result",
        "/" + "/".join(quote(text(rng, 12), safe=plain) for _ in range(rng.randint(0, 5))),
        "/v3/tasks", "/v3/tasks/", "/v3/tasks/consistency-results/export", "/v3//tasks",
    ])
    query = [(text(rng, 6), text(rng, 12)) for _ in range(rng.choice([0, 0, 1, 2, 6]))]
    query += rng.choice([[], [("limit", "2"), ("limit", "10"), ("offset", "")]])
    headers = {"Host": host}
    for name, value in {
        "Content-Type": rng.choice(JSON + OTHER), "User-Agent": "huaweicloud-usdk-python/3.0; check",
        "X-Project-Id": "0123456789abcdef", "X-Domain-Id": "fedcba9876543210", "X-Security-Token": "gQpj/+=.~ token",
        "x-language": "  " + text(rng, 10, "zh-CN 中é") + " ", "X_Not_Signed": "left out",
    }.items():
        if rng.random() < 0.5:
            headers[name] = value
    body = rng.choice(["", "{}", '{"consistency_result":[]}', text(rng, 200)]).encode()
    if headers.get("Content-Type") not in OTHER and not body and rng.random() < 0.5:
        body = rng.randbytes(20)
    return Signed(key, method, path, query, headers, body, rng, rng.choice(["", PLAIN_IN_QUERY]))


def flipped(rng, data, allowed=lambda byte: True):
    """The bytes with one bit changed; none if there is no bit to change."""
    spots = [(at, bit) for at in range(len(data)) for bit in range(8) if allowed(data[at] ^ 1 << bit)]
    if not spots:
        return None
    at, bit = rng.choice(spots)
    return data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1:]


def spoil(rng, request):
    """Changes one bit of what is signed, for each of its parts, sends it by `yield`, and puts it back."""
    visible = lambda byte: byte > 0x20 and byte != 0x7F  # what a header's value may hold anywhere

    authorization = request.headers["Authorization"]
    start = authorization.index(b"Signature=") + len("Signature=")
    # In hexadecimal digits the case says nothing.
    changed = flipped(rng, authorization[start:], lambda byte: visible(byte) and chr(byte) not in "ABCDEF")
    request.headers["Authorization"] = authorization[:start] + changed
    yield "signature"
    request.headers["Authorization"] = authorization

    path = request.path
    changed = flipped(rng, unquote_to_bytes(path)[1:])
    # A slash at the end is signed whether it is there or not.
    if changed is not None and changed.rstrip(b"/") != unquote_to_bytes(path)[1:].rstrip(b"/"):
        request.path = "/" + quote_from_bytes(changed, safe="/")
        yield "path"
        request.path = path

    pairs = request.pairs
    for part in (0, 1):
        at = rng.randrange(len(pairs)) if pairs else 0
        changed = pairs and flipped(rng, pairs[at][part])
        if changed:
            pair = (changed, pairs[at][1]) if part == 0 else (pairs[at][0], changed)
            request.pairs = pairs[:at] + [pair] + pairs[at + 1:]
            yield "query"
            request.pairs = pairs

    name = rng.choice(request.signed_headers())
    value = request.headers[name]
    changed = flipped(rng, value, visible)
    if changed:
        request.headers[name] = changed
        yield f"header {name}"
        request.headers[name] = value

    body = request.body
    if body and request.headers.get("Content-Type", b"").decode() not in OTHER:
        request.body = flipped(rng, body)
        yield "body"
        request.body = body

    method = request.method
    request.method = rng.choice([other for other in METHODS if other != method])
    yield "method"
    request.method = method


def check(checks, url, ak, sk):
    host = url.removeprefix("http://")
    key, rng = Key(ak, sk), random.Random(SEED)
    connection = HTTPConnection(host)
    refused, accepted, sent = [], [], Counter()
    for number in range(REQUESTS):
        request = any_request(rng, key, host)
        described = f"{number}: {request.method} {request.target()} {request.headers}"
        if request.send(connection) == 401:
            refused.append(described)
        sent["as it is"] += 1
        for part in spoil(rng, request):
            if (status := request.send(connection)) != 401:
                accepted.append(f"{part}: {status} {described}")
            sent[part.split()[0]] += 1
    print("requests:", ", ".join(f"{part} {count}" for part, count in sent.items()))
    checks.none("what the official signer signed is accepted", refused)
    checks.none("with one bit changed it is not", accepted)
    check_dates(checks, key, host, connection)
    check_segments(checks, host)


def check_dates(checks, key, host, connection):
    for minutes, wanted in [(-16, 401), (-14, 200), (0, 200), (14, 200), (16, 401)]:
        date = datetime.now(timezone.utc) + timedelta(minutes=minutes)
        headers = {"Host": host, "X-Sdk-Date": date.strftime("%Y%m%dT%H%M%SZ")}
        status = Signed(key, "GET", "/v3/tasks", [], headers, b"").send(connection)
        checks.equal(f"a date {minutes} minutes from now", status, wanted)


def check_segments(checks, host):
    """An answer comes in one segment: a second one could wait for an acknowledgement."""
    if sys.platform != "linux":
        return
    address, port = host.split(":")
    with socket.create_connection((address, int(port))) as stream:
        # The field tcpi_data_segs_in.
        segments = lambda: struct.unpack_from("I", stream.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256), 152)[0]
        for path, wanted in [("/v3/tasks", b"401"), ("/v3/auth/tokens", b"405")]:
            before = segments()
            stream.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
            answer = b""
            while not answer.endswith(b"}"):
                answer += stream.recv(65536)
            checks.equal(f"GET {path}: one segment", (answer[9:12], segments() - before), (wanted, 1))
