"""Mails the files of a run to a real SMTP server (aiosmtpd) with STARTTLS, authentication and a size limit.

usage: mail_check.py PROGRAM
"""

import email
import email.policy
import os
import pathlib
import ssl
import subprocess
import sys
import tempfile

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

PROGRAM = os.path.abspath(sys.argv[1])
ROOT = pathlib.Path(__file__).resolve().parents[3]
PASSWORD = "canary-password-0123456789"


class Mailbox:
    def __init__(self):
        self.messages = []

    async def handle_DATA(self, server, session, envelope):
        assert session.ssl, "the message came without TLS"
        self.messages.append(envelope)
        return "250 accepted"


def authenticate(server, session, envelope, mechanism, data):
    login = data.login.decode() == "me@x.org" and data.password.decode() == PASSWORD
    return AuthResult(success=login, handled=False if not login else True)


def run(folder, *arguments, password=PASSWORD):
    environment = {"PATH": os.environ["PATH"], "SMTP_PASSWORD": password}
    return subprocess.run([PROGRAM, *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        certificate = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out",
                       "cert.pem", "-days", "1", "-subj", "/CN=localhost", "-addext",
                       "subjectAltName=DNS:localhost", "-addext", "basicConstraints=CA:FALSE"]
        subprocess.run(certificate, cwd=folder, check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
        mailbox = Mailbox()
        controller = Controller(mailbox, hostname="127.0.0.1", port=0, tls_context=context, require_starttls=True,
                                auth_required=True, authenticator=authenticate, data_size_limit=1_000_000)
        # Port 0: the controller connects to the port that it was given, so a free one is chosen here.
        import socket
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            controller.port = free.getsockname()[1]
        controller.start()
        try:
            check(folder, controller.port, mailbox)
        finally:
            controller.stop()


def check(folder, port, mailbox):
    tasks = str(ROOT / "samples/tasks.csv")
    smtp = ["--smtp", f"smtp://me%40x.org@localhost:{port}", "--ca-cert", "cert.pem"]
    exported = run(folder, "export", tasks, "--endpoint", "embedded", "-o", "r.xlsx", "-o", "r.csv")
    assert exported.returncode == 0, exported.stderr
    deliver = ["deliver", "r.manifest.json", "--to", "mailto:a@y.org,b@y.org", *smtp]
    for _ in range(2):
        sent = run(folder, *deliver)
        assert sent.returncode == 0 and sent.stdout.startswith("mid:"), sent.stderr
    first, second = [email.message_from_bytes(m.content, policy=email.policy.default) for m in mailbox.messages]
    assert mailbox.messages[0].rcpt_tos == ["a@y.org", "b@y.org"]
    assert first["Message-ID"] == second["Message-ID"], "the same manifest, the same message"
    assert first["Auto-Submitted"] == "auto-generated" and "NOT READY" in first["Subject"]
    files = {part.get_filename(): part.get_payload(decode=True) for part in first.iter_attachments()}
    assert files == {name: (folder / name).read_bytes() for name in ("r.xlsx", "r.csv")}, list(files)
    assert "NOT READY" in first.get_body(("plain",)).get_content()
    assert "<strong>" in first.get_body(("html",)).get_content() or "NOT READY" in first.get_body(("html",)).get_content()
    print("ok: STARTTLS, authentication, two recipients, files byte for byte, a stable Message-ID")
    wrong = run(folder, *deliver, password="wrong-canary-password")
    assert wrong.returncode == 7 and "SMTP_PASSWORD" in wrong.stderr, wrong.stderr
    assert "canary" not in wrong.stderr, wrong.stderr
    untrusted = run(folder, *deliver[:-2])
    assert untrusted.returncode == 7 and "certificate" in untrusted.stderr, untrusted.stderr
    (folder / "large.csv").write_text("x" * 2_000_000)
    import hashlib
    import json
    entry = {"path": "large.csv", "size": 2_000_000, "sha256": hashlib.sha256(b"x" * 2_000_000).hexdigest(),
             "role": "output"}
    (folder / "large.manifest.json").write_text(json.dumps({"format": 1, "complete": True, "files": [entry]}))
    large = ["deliver", "large.manifest.json", "--to", "mailto:a@y.org", *smtp]
    refused = run(folder, *large)
    assert refused.returncode == 7 and "--max-mail" in refused.stderr, refused.stderr
    named = run(folder, *large, "--max-mail", "500KB")
    assert named.returncode == 0, named.stderr
    message = email.message_from_bytes(mailbox.messages[-1].content, policy=email.policy.default)
    assert not list(message.iter_attachments()) and entry["sha256"] in message.get_body(("plain",)).get_content()
    print("ok: wrong password, unknown certificate, a message above the server's limit, files named instead")


main()
