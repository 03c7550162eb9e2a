"""Delivers to a running Redmine, killed between the steps, and looks at the ticket through Redmine's API."""

import hashlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

PROGRAM, URL, KEY = sys.argv[1:4]
ROOT = pathlib.Path(__file__).resolve().parents[3]
ENVIRONMENT = {"PATH": os.environ["PATH"], "REDMINE_API_KEY": KEY}


def get(path):
    request = urllib.request.Request(URL + path, headers={"X-Redmine-API-Key": KEY})
    with urllib.request.urlopen(request) as answer:
        return answer.read()


def run(folder, *arguments, environment=ENVIRONMENT):
    return subprocess.run([PROGRAM, *arguments], cwd=folder, env=environment, capture_output=True, text=True)


def check(folder, issue, files):
    ticket = json.loads(get(f"/issues/{issue}.json?include=attachments,journals"))["issue"]
    names = sorted(file["filename"] for file in ticket["attachments"])
    assert names == sorted(files), f"issue {issue}: {names}"
    for file in ticket["attachments"]:
        content = get(f"/attachments/download/{file['id']}/{file['filename']}")
        assert content == (folder / file["filename"]).read_bytes(), file["filename"]
    notes = [journal["notes"] for journal in ticket["journals"] if journal["notes"]]
    assert len(notes) == 1, f"issue {issue}: {len(notes)} comments"
    digest = hashlib.sha256((folder / "r.manifest.json").read_bytes()).hexdigest()
    assert digest in notes[0], notes[0]


def main():
    files = ["r.xlsx", "r.csv", "r.md"]
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        outputs = [word for file in files for word in ("-o", file)]
        tasks = str(ROOT / "samples/tasks.csv")
        exported = run(folder, "export", tasks, "--endpoint", "embedded", *outputs, "--to", f"{URL}/issues/1")
        assert exported.returncode == 0, exported.stderr
        check(folder, 1, files)
        assert f"{URL}/issues/1#change-" in exported.stdout, exported.stdout
        again = run(folder, "deliver", "r.manifest.json", "--to", f"{URL}/issues/1")
        assert again.returncode == 0, again.stderr
        check(folder, 1, files)
        deliver = [PROGRAM, "deliver", "r.manifest.json", "--to", f"{URL}/issues/2"]
        kills = 0
        for delay in range(20, 3000, 60):
            child = subprocess.Popen(deliver, cwd=folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay / 1000)
            if child.poll() is None:
                child.send_signal(signal.SIGKILL)
                kills += 1
            elif child.wait() == 0:
                break
        last = subprocess.run(deliver, cwd=folder, env=ENVIRONMENT, capture_output=True, text=True)
        assert last.returncode == 0, last.stderr
        check(folder, 2, files)
        print(f"ok: {kills} kills, one comment, one copy of each file")
        wrong = run(folder, "deliver", "r.manifest.json", "--to", f"{URL}/issues/3", environment={**ENVIRONMENT, "REDMINE_API_KEY": "wrong-canary-key"})
        assert wrong.returncode == 7 and "refused" in wrong.stderr and "canary" not in wrong.stderr, wrong.stderr
        unknown = run(folder, "deliver", "r.manifest.json", "--to", f"{URL}/issues/4711")
        assert unknown.returncode == 7 and "no such ticket" in unknown.stderr, unknown.stderr
        (folder / "r.manifest.json").unlink()
        noise = os.urandom(3 << 20).hex()
        big = folder / "large.csv"
        big.write_text(noise)
        manifest = {"format": 1, "complete": True, "files": [{"path": "large.csv", "size": big.stat().st_size, "sha256": hashlib.sha256(big.read_bytes()).hexdigest(), "role": "output"}]}
        (folder / "large.manifest.json").write_text(json.dumps(manifest))
        large = run(folder, "deliver", "large.manifest.json", "--to", f"{URL}/issues/3")
        assert large.returncode == 7 and "--max-bytes" in large.stderr, large.stderr
        print("ok: wrong key, unknown ticket, file above Redmine's limit")
        doctor = run(folder, "doctor", "--endpoint", "embedded", "--to", f"{URL}/issues/3")
        assert doctor.returncode == 0, doctor.stdout
        print("ok: doctor")


main()
