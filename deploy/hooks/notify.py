#!/usr/bin/env python3
"""Posts the result of a run to a chat or a monitor; for --on-finish.

    cutover-report export … --on-finish 'deploy/hooks/notify.py feishu'

Kinds: feishu, dingtalk, wecom, teams, slack, healthchecks. Needs Python 3.9 and nothing else.
NOTIFY_URL is the webhook's address and NOTIFY_SECRET the key to sign with (feishu, dingtalk), or NOTIFY_URL_FILE and
NOTIFY_SECRET_FILE name files with them. NOTIFY_WHEN=failing posts only when tasks do not pass or the run failed.
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

TIMEOUT = 20  # seconds
ATTEMPTS = 3


def setting(name):
    """A setting from the environment, or from the file that NAME_FILE names."""
    if path := os.environ.get(f"{name}_FILE"):
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    return os.environ.get(name, "")


def message(limit):
    """The headline, the exit code and the files, in at most `limit` bytes."""
    run = {key: os.environ.get(f"CUTOVER_REPORT_{key}", "") for key in ("HEADLINE", "EXIT", "OUTPUTS", "JOURNAL")}
    lines = [run["HEADLINE"] or "no headline", f"exit code {run['EXIT']}", *run["OUTPUTS"].splitlines()]
    if not run["OUTPUTS"] and run["JOURNAL"]:
        lines.append(f"journal {run['JOURNAL']}")
    text = "\n".join(lines).encode()
    if len(text) > limit:
        text = text[: limit - len("…".encode())].decode(errors="ignore").encode() + "…".encode()
    return text.decode()


def signature(key, text):
    return base64.b64encode(hmac.new(key.encode(), text.encode(), hashlib.sha256).digest()).decode()


def feishu(url, secret):
    body = {"msg_type": "text", "content": {"text": message(18_000)}}  # 20 KB for the body
    if secret:
        timestamp = str(int(time.time()))
        body |= {"timestamp": timestamp, "sign": signature(f"{timestamp}\n{secret}", "")}
    return url, body


def dingtalk(url, secret):
    if secret:
        timestamp = str(int(time.time() * 1000))
        sign = signature(secret, f"{timestamp}\n{secret}")
        separator = "&" if "?" in url else "?"
        url += separator + urllib.parse.urlencode({"timestamp": timestamp, "sign": sign})
    return url, {"msgtype": "text", "text": {"content": message(18_000)}}


def wecom(url, _):
    return url, {"msgtype": "text", "text": {"content": message(2048)}}


def teams(url, _):
    text = {"type": "TextBlock", "text": message(20_000), "wrap": True}  # 28 KB for the body
    card = {"type": "AdaptiveCard", "version": "1.4", "body": [text]}
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "content": card}
    return url, {"type": "message", "attachments": [attachment]}


def slack(url, _):
    text = message(30_000).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return url, {"text": text}


def healthchecks(url, _):
    # 0 is a success; any other exit code makes the check fail.
    return f"{url.rstrip('/')}/{os.environ.get('CUTOVER_REPORT_EXIT') or '1'}", message(10_000)


KINDS = {kind.__name__: kind for kind in (feishu, dingtalk, wecom, teams, slack, healthchecks)}


def refusal(answer):
    """What a 200 says that is not a success: Feishu, DingTalk and WeCom answer errors with it."""
    try:
        answer = json.loads(answer)
    except ValueError:
        return None
    if not isinstance(answer, dict):
        return None
    code = answer.get("errcode", answer.get("code", 0))
    return None if code == 0 else f"{code} {answer.get('errmsg', answer.get('msg', ''))}"


def post(url, body):
    """Posts once; returns what went wrong, and whether it may go away."""
    kind = "text/plain" if isinstance(body, str) else "application/json"
    content = body if isinstance(body, str) else json.dumps(body, ensure_ascii=False)
    request = urllib.request.Request(url, content.encode(), {"Content-Type": f"{kind}; charset=utf-8"})
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
            return refusal(response.read(65_536)), False
    except urllib.error.HTTPError as error:
        return f"HTTP {error.code}", error.code == 429 or error.code >= 500
    except OSError as error:
        return str(getattr(error, "reason", error)), True


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in KINDS:
        return f"usage: notify.py {'|'.join(KINDS)}"
    passes = os.environ.get("CUTOVER_REPORT_STATUS") in ("ready", "ready_with_waivers")
    if os.environ.get("NOTIFY_WHEN") == "failing" and passes and os.environ.get("CUTOVER_REPORT_EXIT") == "0":
        return None
    url = setting("NOTIFY_URL")
    if not url.startswith(("https://", "http://127.0.0.1:")):
        return "set NOTIFY_URL, or NOTIFY_URL_FILE, to the https:// address of the webhook"
    for attempt in range(ATTEMPTS):
        time.sleep(attempt * 2)
        # Signed anew each time: a signature is valid for a while only.
        problem, is_transient = post(*KINDS[sys.argv[1]](url, setting("NOTIFY_SECRET")))
        if not problem or not is_transient:
            break
    # The address is a secret: whoever has it can post.
    return problem and f"notify.py {sys.argv[1]}: not posted: {problem}"


if __name__ == "__main__":
    sys.exit(main())
