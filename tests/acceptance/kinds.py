"""The kinds of answer the hostile server gives, each with what a report must make of it.

One table, read by both sides: `server.py` plays the answers, `check.py` compares the reports
with the expectations. A task id is `kind-<name>`; `kind-<name>.<n>` is another task of that kind.
"""

import gzip
import json
import time
from dataclasses import dataclass, field
from email.utils import formatdate

TOKEN = "acceptance-Token+3f9c/17=="

NOW = int(time.time()) * 1000
SECOND, HOUR, DAY = 1000, 3_600_000, 86_400_000
RECENT = NOW - HOUR

VERDICTS = (
    "fetch_failed", "unreadable", "not_verified", "check_failed",
    "inconsistent", "stale", "inconclusive", "accepted", "consistent",
)


@dataclass(frozen=True)
class Row:
    """One directory of a verification."""

    directory: str
    total: int
    different: int = 0
    missing: int = 0
    redundant: int = 0

    def to_json(self):
        return {
            "dir_check": self.directory,
            "num_total_files": self.total,
            "num_different_files": self.different,
            "num_target_miss_files": self.missing,
            "num_target_more_files": self.redundant,
        }


@dataclass(frozen=True)
class Verification:
    rows: tuple
    finished: int = RECENT
    check_result: str = "success"

    def to_json(self):
        return {
            "finished_time": self.finished,
            "check_result": self.check_result,
            "consistency_result": [row.to_json() for row in self.rows],
        }


@dataclass(frozen=True)
class Answer:
    """One HTTP answer. `how` names the way the server sends it (see server.py)."""

    body: bytes = b""
    status: int = 200
    headers: dict = field(default_factory=dict)  # a value may be a function, called on sending
    how: str = "plain"
    delay: float = 0.0


@dataclass(frozen=True)
class Kind:
    name: str
    answers: tuple  # in turn; the last one repeats
    verdicts: frozenset  # any of these is right; usually one
    asked: tuple = (1, 1)  # fewest and most requests
    verifications: tuple = ()  # what a readable answer holds
    source_name: str = None
    shape: str = None
    note: str = None  # a regular expression that Notes or Error message must match
    error_code: str = None
    error_text: str = None
    request_id: str = None
    raw_body: bytes = None  # must be kept in the journal
    pause: float = None  # fewest seconds between the first request and the second
    exact_text: bool = True  # the workbook must hold the directory names unchanged
    id_suffix: str = ""

    @property
    def task_id(self):
        return f"kind-{self.name}{self.id_suffix}"

    @property
    def newest(self):
        return max(self.verifications, key=lambda v: v.finished, default=None)


CLEAN_ROWS = (Row("/", 1200), Row("/opt/data", 345))
DIRTY_ROWS = (Row("/", 1200, different=3), Row("/srv", 40, missing=2, redundant=1))
ECHO = "the task id that was asked for"  # stands for it in a body
CLEAN = Verification(CLEAN_ROWS)
DIRTY = Verification(DIRTY_ROWS)


def encode(value):
    return json.dumps(value, ensure_ascii=False).encode()


def body_for(body, task_id):
    """The body as it answers for this task."""
    return body.replace(encode(ECHO), encode(task_id))


def legacy_body(verification, finished_time):
    rows = [row.to_json() for row in verification.rows]
    return encode({"consistency_result": rows, "finished_time": finished_time})


def result_list_body(*verifications, as_strings=False, **extra):
    items = [v.to_json() for v in verifications]
    if as_strings:
        items = [json.dumps(item) for item in items]
    return encode({"result_list": items, "task_id": ECHO, **extra})


GOOD_BODY = result_list_body(CLEAN)
GOOD = Answer(GOOD_BODY)


def sms_error(status, code, message, **headers):
    return Answer(encode({"error_code": code, "error_msg": message}), status, headers)


def kind(name, answers, verdicts, *verifications, **rest):
    """A Kind, with one Answer, one body or one verdict allowed in place of a sequence."""
    if isinstance(answers, bytes):
        answers = Answer(answers)
    if isinstance(answers, Answer):
        answers = (answers,)
    if isinstance(verdicts, str):
        verdicts = {verdicts}
    if isinstance(asked := rest.get("asked"), int):
        rest["asked"] = (asked, asked)
    return Kind(name, tuple(answers), frozenset(verdicts), verifications=verifications, **rest)


def listed(name, verdicts, *verifications, **rest):
    """A kind that is answered at once with a result_list of objects."""
    body = result_list_body(*verifications)
    return kind(name, body, verdicts, *verifications, shape="result-list", **rest)


def unreadable(name, body, **rest):
    return kind(name, body, "unreadable", raw_body=body, asked=1 if is_json(body) else MANY_FAILURES, **rest)


def is_json(body):
    try:
        json.loads(body)
    except (ValueError, RecursionError):
        return False
    return True


def recovers(name, *failures, **rest):
    """A kind that fails a few times and then answers well."""
    asked = len(failures) + 1
    return kind(name, (*failures, GOOD), "consistent", CLEAN, asked=asked, **rest)


def refused(name, answer, asked=1, **rest):
    return kind(name, answer, "fetch_failed", asked=asked, **rest)


MANY_FAILURES = 4  # what check.py passes as --max-attempts
HUGE = 64 << 20  # far beyond the --max-response that check.py passes
NOT_PASSED = set(VERDICTS) - {"consistent", "accepted"}

FORBIDDEN = encode({
    "error_code": "SMS.9004",
    "error_msg": "The current account does not have the permission to execute policy.",
    "encoded_authorization_message": "XXXXXXXXXXXX",
    "error_param": ["sms:server:getConsistencyCheckResult"],
    "details": [{"error_code": "SMS.9004", "error_msg": "no permission"}],
})
OVER_LIMIT = encode({
    "error_code": "APIG.0308",
    "error_msg": "The throttling threshold has been reached: policy user over ratelimit,limit:30,time:1 second",
    "request_id": "0123456789abcdef",
})
INTERNAL = sms_error(500, "SMS.0001", "Internal service error.")
HTML = b"<!doctype html><html><body><h1>Proxy sign-in</h1></body></html>"
MISSING_COMMA = (
    b'{"consistency_result": [{"dir_check": "/root/data", "num_total_files": 5,'
    b' "num_different_files": 0, "num_target_miss_files": 0, "num_target_more_files": 0}]\n'
    b' "finished_time": "1598435801422"}'
)

FORMULA_ROWS = tuple(
    Row(name, 10)
    for name in (
        '=HYPERLINK("http://example.invalid/","x")', "+1+1", "-2+3", "@SUM(A1)",
        "\t=1+1", "=cmd|' /C calc'!A0", "{=1+1}", "http://example.invalid/a", "mailto:a@example.invalid",
        "007", "1e5", "TRUE", "2026-01-01", 'quote " and , comma', " leading space",
    )
)
LONG_ROWS = (Row("/" + "数据目录é" * 600, 10), Row("/" + "文" * 40_000, 10), Row("/" + "😀" * 500, 10))
CONTROL_ROWS = tuple(
    Row(name, 10)
    for name in ("/new\nline", "/return\r=1+1", "\r=1+1", "/bell\u0007", "/nul\u0000", "/literal_x0041_", "/\uffff")
)

UNSORTED = tuple(
    Verification(DIRTY_ROWS if day == 0 else CLEAN_ROWS, RECENT - day * DAY) for day in (3, 0, 7, 1)
)
OLDER_DIRTY = (
    Verification(DIRTY_ROWS, RECENT - 2 * DAY), Verification(CLEAN_ROWS, RECENT),
    Verification(DIRTY_ROWS, RECENT - HOUR),
)
THREE_DAYS_OLD = NOW - 3 * DAY


def negative_count():
    return result_list_body(Verification((Row("/", 10, different=-1),)))


KINDS = [
    # Slow ones first, so that the order of completion differs from the order of the list.
    kind("slow", Answer(GOOD_BODY, delay=0.8), "consistent", CLEAN, source_name="web-01"),
    refused("drip", Answer(GOOD_BODY, how="drip"), (1, MANY_FAILURES)),
    refused("silent", Answer(how="silent"), (1, MANY_FAILURES)),

    # Shapes.
    kind("legacy-string-ms", legacy_body(CLEAN, str(RECENT)), "consistent", CLEAN,
         shape="legacy", source_name="WEB-01"),
    kind("legacy-number-seconds", legacy_body(CLEAN, RECENT // 1000), "consistent", CLEAN, shape="legacy"),
    kind("legacy-string-seconds", legacy_body(CLEAN, str(RECENT // 1000)), "consistent", CLEAN, shape="legacy"),
    kind("legacy-dirty", legacy_body(DIRTY, RECENT), "inconsistent", DIRTY, shape="legacy"),
    kind("legacy-empty", legacy_body(Verification(()), str(RECENT)), "not_verified"),
    kind("legacy-without-time", encode({"consistency_result": [r.to_json() for r in CLEAN_ROWS]}), NOT_PASSED),
    listed("list-objects", "consistent", CLEAN, source_name="web-01 (2)"),
    kind("list-strings", result_list_body(CLEAN, as_strings=True), "consistent", CLEAN,
         shape="result-list-strings"),
    listed("list-newest-dirty", "inconsistent", *UNSORTED),
    listed("list-newest-clean", "consistent", *OLDER_DIRTY),
    kind("list-string-times", result_list_body(CLEAN).replace(str(RECENT).encode(), b'"%d"' % RECENT),
         "consistent", CLEAN),
    kind("list-null", encode({"result_list": None, "task_id": ECHO}), "not_verified"),
    kind("list-empty", encode({"result_list": [], "task_id": ECHO}), "not_verified"),
    listed("list-newest-empty", NOT_PASSED, Verification((), RECENT), Verification(CLEAN_ROWS, RECENT - HOUR)),
    kind("other-task", GOOD_BODY.replace(encode(ECHO), b'"another-task"'), {"consistent", "unreadable"}, CLEAN,
         note="(?i)task"),
    kind("extra-fields", result_list_body(CLEAN, future={"a": [1, None]}, region_name="x"), "consistent", CLEAN),

    # Verdicts and notes.
    listed("check-failed", "check_failed", Verification(CLEAN_ROWS, check_result="failed")),
    listed("check-failed-dirty", "check_failed", Verification(DIRTY_ROWS, THREE_DAYS_OLD, "failed")),
    listed("stale", "stale", Verification(CLEAN_ROWS, THREE_DAYS_OLD)),
    listed("stale-dirty", "inconsistent", Verification(DIRTY_ROWS, THREE_DAYS_OLD)),
    listed("redundant-only", "inconsistent", Verification((Row("/", 10, redundant=1),))),
    listed("future", "inconclusive", Verification(CLEAN_ROWS, NOW + 2 * DAY), note="(?i)future"),
    listed("saturated", "inconclusive", Verification((Row("/", 1_000_000),)), note="(?i)saturated"),
    listed("more-than-total", "inconsistent", Verification((Row("/", 5, different=4, missing=3),)), note="(?i)total"),
    listed("total-zero", "inconclusive", Verification((Row("/empty", 0),)), note="(?i)total"),
    listed("31-directories", "consistent", Verification(tuple(Row(f"/data/{n:02}", n + 1) for n in range(31)))),
    listed("formulas", "consistent", Verification(FORMULA_ROWS), source_name="=1+1"),
    listed("long-names", "consistent", Verification(LONG_ROWS), source_name="生产环境数据库服务器é" * 6),
    listed("control-characters", "consistent", Verification(CONTROL_ROWS), exact_text=False),
    kind("large", result_list_body(CLEAN, padding="x" * 900_000), "consistent", CLEAN),

    # Task ids and source names.
    kind("odd", GOOD, "consistent", CLEAN, id_suffix=". a/b\\c?d=e&f#g%41;é任务", source_name=""),
    kind("plain", GOOD, "consistent", CLEAN, source_name="History"),
    kind("plain", GOOD, "consistent", CLEAN, id_suffix=".2", source_name="'quoted'"),
    kind("plain", GOOD, "consistent", CLEAN, id_suffix=".3", source_name="a[b]c:d*e?f/g\\h"),
    kind("plain", GOOD, "consistent", CLEAN, id_suffix=".4", source_name="Summary"),
    kind("plain", GOOD, "consistent", CLEAN, id_suffix=".5", source_name="about"),
    kind("plain", GOOD, "consistent", CLEAN, id_suffix=".6", source_name="../../escaped"),
    kind("plain", GOOD, "consistent", CLEAN, id_suffix=".7", source_name="😀" * 20),
    kind("plain", GOOD, "consistent", CLEAN, id_suffix=".8", source_name="生产环境数据库服务器é" * 6 + "x"),

    # Bodies that are no known shape.
    unreadable("missing-comma", MISSING_COMMA),
    unreadable("empty-object", b"{}"),
    unreadable("html", HTML),
    unreadable("empty-body", b""),
    unreadable("top-array", encode([CLEAN.to_json()])),
    unreadable("top-string", b'"consistent"'),
    unreadable("top-number", b"42"),
    unreadable("negative-count", negative_count()),
    unreadable("half-count", GOOD_BODY.replace(b'files": 1200', b'files": 12.5')),
    unreadable("string-not-json", encode({"result_list": ["all good"]})),
    unreadable("deep-nesting", b'{"future":' + b"[" * 100_000),
    unreadable("not-utf8", GOOD_BODY.replace(b"/opt/data", b"/opt/\xff\xfe\xc3(")),
    kind("rows-without-counts", encode({"result_list": [{"finished_time": RECENT, "check_result": "success",
         "consistency_result": [{"dir_check": "/"}]}]}), NOT_PASSED),
    kind("endless-count", GOOD_BODY.replace(b'num_different_files": 0', b'num_different_files": %d' % 2**70),
         {"unreadable", "inconsistent"}),
    kind("absurd-time", legacy_body(CLEAN, 9 * 10**18), {"unreadable", "stale", "consistent"}),
    kind("no-content", Answer(status=204), {"unreadable", "fetch_failed"}, asked=(1, MANY_FAILURES)),

    # Refusals, not to be repeated.
    refused("forbidden", Answer(FORBIDDEN, 403, {"X-Request-Id": "request-of-forbidden"}),
            error_code="SMS.9004", error_text="does not have the permission", request_id="request-of-forbidden"),
    refused("not-found", sms_error(404, "SMS.1901", "No such task."), error_code="SMS.1901",
            error_text="No such task"),
    refused("bad-request", Answer(encode({"errorCode": "SMS.0203", "errorMsg": "Bad parameter."}), 400),
            error_code="SMS.0203", error_text="Bad parameter"),
    refused("nested-error", Answer(encode({"error": {"code": "Nested.0001", "message": "Nested text."}}), 403),
            error_code="Nested.0001", error_text="Nested text"),
    refused("redirect", Answer(status=302, headers={"Location": "{trap}/away"})),
    refused("redirect-same-host", Answer(status=307, headers={"Location": "/trap/near"})),

    # Failures that pass.
    recovers("500-twice", INTERNAL, INTERNAL),
    recovers("503-retry-after", Answer(b"busy", 503, {"Retry-After": "1"}), pause=0.95),
    recovers("503-retry-date", Answer(b"busy", 503, {"Retry-After": lambda: formatdate(time.time() + 2, usegmt=True)}),
             pause=0.9),
    recovers("429", Answer(OVER_LIMIT, 429)),
    recovers("429-retry-after", Answer(OVER_LIMIT, 429, {"Retry-After": "1"}), pause=0.95),
    recovers("408", Answer(b"", 408)),
    recovers("504", Answer(HTML, 504)),
    recovers("page", Answer(HTML), Answer(b"")),
    recovers("reset", Answer(how="reset")),
    recovers("hang-up", Answer(how="hang-up")),
    recovers("cut", Answer(GOOD_BODY, how="cut")),
    recovers("cut-chunked", Answer(GOOD_BODY, how="cut-chunked")),
    kind("chunked", Answer(GOOD_BODY, how="chunked"), "consistent", CLEAN, note="^$"),
    kind("gzip", Answer(GOOD_BODY, how="gzip"), "consistent", CLEAN),

    # Failures that last.
    refused("always-500", INTERNAL, MANY_FAILURES, error_code="SMS.0001", error_text="Internal service error"),
    refused("always-502", Answer(b"upstream gone", 502, {"Content-Type": "text/plain"}), MANY_FAILURES),
    refused("huge", Answer(how="huge"), (1, MANY_FAILURES)),
    refused("huge-chunked", Answer(how="huge-chunked"), (1, MANY_FAILURES)),
    refused("gzip-bomb", Answer(gzip.compress(GOOD_BODY + b" " * (8 << 20)), how="gzip-bomb"), (1, MANY_FAILURES)),
]

BY_TASK = {kind.task_id: kind for kind in KINDS}
BY_NAME = {kind.name: kind for kind in reversed(KINDS)}


def find(task_id):
    """The kind a task id asks for, or None."""
    if task_id in BY_TASK:
        return BY_TASK[task_id]
    return BY_NAME.get(task_id.removeprefix("kind-").split(".")[0])


if __name__ == "__main__":
    for each in KINDS:
        print(f"{each.task_id}\t{'|'.join(sorted(each.verdicts))}\tasked {each.asked[0]}-{each.asked[1]}")
