"""SDK check: the official SDK as a client of the embedded service.

    python3 tests/acceptance/sdk_check.py [path of the binary]

Needs Python 3.11, openpyxl and huaweicloudsdksms. Prints a line for each check and exits 1 if any
failed.
"""

import argparse
import ast
import io
import json
import os
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path

import openpyxl
from huaweicloudsdkcore.auth.credentials import BasicCredentials
from huaweicloudsdkcore.exceptions.exceptions import ServiceResponseException
from huaweicloudsdkcore.http.http_handler import HttpHandler
from huaweicloudsdksms import v3 as sms

import signed_requests
from harness import Checks

BINARY = Path(__file__).parents[2] / "target" / "debug" / "cutover-report"
AK, SK, PROJECT = "SAMPLEKEY0123456789A", "a-made-up-secret-of-forty-characters-123", "0123456789abcdef0123456789abcdef"
SMS_ERROR = {"error_code", "error_msg"}
GATEWAY_ERROR = {"error_code", "error_msg", "request_id"}
ODD_IDS = ["two words", " ", "任务-é-🚚", "a/b", "100%25", "a+b&c=d?e#f", "x" * 255, "中" * 255, "~'()*!;:@$,[]"]


@contextmanager
def serving(binary, *args, **variables):
    """The address of a service in a process of its own, which is ended as kill -9 does."""
    env = {"PATH": os.environ.get("PATH", ""), "HUAWEICLOUD_SDK_AK": AK, "HUAWEICLOUD_SDK_SK": SK, **variables}
    command = [binary, "serve", *map(str, args)]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().removeprefix("listening on ").strip()
        finally:
            process.kill()


class Caller:
    """The SDK's client, with the last answer's body as it came."""

    def __init__(self, url, ak=AK, sk=SK, security_token=None):
        credentials = BasicCredentials(ak, sk, PROJECT)
        if security_token:
            credentials = credentials.with_security_token(security_token)
        self.last = None
        handler = HttpHandler().add_response_handler(self.saw)
        self.client = (sms.SmsClient.new_builder().with_credentials(credentials).with_endpoint(url)
                       .with_http_handler(handler).build())

    def saw(self, **answer):
        self.last = answer["response"]

    def task_ids(self):
        return [task.id for task in self.client.list_tasks(sms.ListTasksRequest()).tasks]

    def upload(self, task_id, directories):
        body = sms.SetConsistencyResultRequestBody(consistency_result=directories)
        return self.client.update_consistency_result(sms.UpdateConsistencyResultRequest(task_id, body))

    def obtain(self, task_id):
        """The verifications, which the SDK gives as texts of Python's own form."""
        answer = self.client.show_consistency_result(sms.ShowConsistencyResultRequest(task_id))
        return [ast.literal_eval(text) for text in answer.result_list]

    def export(self, tasks):
        """The rows of the workbook."""
        body = sms.BatchGetConsistencyResultReq(task_info=tasks)
        answer = self.client.export_consistency_results(sms.ExportConsistencyResultsRequest("en-us", body))
        content = []
        answer.consume_download_stream(lambda stream: content.append(stream.content))
        return list(openpyxl.load_workbook(io.BytesIO(content[0])).active.iter_rows(values_only=True))


def directory(name, total=1):
    return sms.ConsistencyResult(
        dir_check=name, num_total_files=total, num_different_files=2, num_target_miss_files=3, num_target_more_files=4)


def item(**fields):
    return sms.BatchConsistencyReq(**fields)


def check_calls(checks, url):
    caller = Caller(url)
    tasks = caller.client.list_tasks(sms.ListTasksRequest()).tasks
    task_id = tasks[0].id
    before = caller.obtain(task_id)
    sent = [directory(f"/données/{number} 数据 \"x\"", number) for number in range(30)]
    caller.upload(task_id, sent)
    checks.equal("upload: 200 and an empty object", (caller.last.status_code, caller.last.text), (200, "{}"))
    after = caller.obtain(task_id)
    checks.equal("obtain: one more", after[1:], before)
    checks.equal("obtain: what was uploaded", after[0]["consistency_result"], [each.to_dict() for each in sent])
    checks.equal("obtain: checked well", after[0]["check_result"], "success")

    chinese = next(task.source_server for task in tasks if not task.source_server.name.isascii())
    rows = caller.export([item(task_id=task_id), item(source_id=chinese.id), item(source_name=chinese.name)])
    checks.equal("export: a workbook as a download", caller.last.headers["Content-Type"],
                 "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
    checks.equal("export: every directory of the newest verification", [row[4] for row in rows[1:31]],
                 [each.dir_check for each in sent])
    checks.ok("export: by source id and by name", {row[1] for row in rows[31:]} == {chinese.name}, rows[31:])
    checks.ok("export: 200 tasks", len(caller.export([item(task_id=task_id)] * 200)) == 6001)
    checks.ok("a Date for a client to compare its clock with", caller.last.headers["Date"].endswith("GMT"))


# The types that the SDK's models declare, as Python has them.
PYTHON_TYPES = {"str": str, "int": int, "float": (int, float), "bool": bool}
EXPECTED = {
    "list_tasks": ["id", "name", "type", "os_type", "state", "create_date", "priority", "source_server.ip",
                   "source_server.os_type", "source_server.os_version", "source_server.state", "target_server.id",
                   "target_server.ip", "target_server.name", "sub_tasks", "special_config", "syncing", "error_json",
                   "need_migration_test", "subtask_info"],
    "show_task": ["id", "name", "create_date", "start_date", "finish_date", "source_server.ip", "target_server.ip",
                  "sub_tasks", "region_name", "project_name", "connected", "remain_seconds"],
    "list_servers": ["id", "ip", "name", "os_type", "state", "connected", "add_date", "is_consistency_result_exist",
                     "current_task.id", "current_task.state", "current_task.start_date", "current_task.target_server"],
}


def wrong_types(model, path=""):
    """Where a model of the SDK holds a value of another type than it declares."""
    for name, declared in model.openapi_types.items():
        value, where = getattr(model, name), f"{path}{name}"
        if value is None:
            continue
        if declared.startswith("list["):
            if not isinstance(value, list):
                yield f"{where} is no list: {value!r}"
                continue
            values, declared = value, declared[len("list["):-1]
        else:
            values = [value]
        for each in values:
            if hasattr(each, "openapi_types"):
                yield from wrong_types(each, f"{where}.")
            elif not isinstance(each, PYTHON_TYPES.get(declared, ())) or (
                    isinstance(each, bool) and declared != "bool"):
                yield f"{where} is no {declared}: {each!r}"


def value_of(model, path):
    for name in path.split("."):
        model = getattr(model, name)
    return model


def check_listings(checks, url):
    client = Caller(url).client
    tasks = client.list_tasks(sms.ListTasksRequest())
    servers = client.list_servers(sms.ListServersRequest())
    shown = client.show_task(sms.ShowTaskRequest(tasks.tasks[0].id))
    for call, models in [("list_tasks", tasks.tasks), ("show_task", [shown]), ("list_servers", servers.source_servers)]:
        checks.none(f"{call}: the types of the SDK's models", (
            problem for model in models for problem in wrong_types(model)))
        checks.none(f"{call}: the fields of the SDK's models", (
            f"{field} of {model.id}" for model in models for field in EXPECTED[call]
            if value_of(model, field) is None))
    checks.equal("list_tasks: count", (tasks.count, len(tasks.tasks)), (12, 12))
    subtask = tasks.tasks[0].sub_tasks[0]
    checks.ok("list_tasks: a subtask that has ended", subtask.progress == 100 and subtask.start_date < subtask.end_date)
    first = servers.source_servers[0]
    found = client.list_servers(sms.ListServersRequest(ip=first.ip)).source_servers
    checks.equal("list_servers: by address", [server.id for server in found], [first.id])
    checks.equal("show_task: as it is listed", (shown.create_date, shown.source_server.ip),
                 (tasks.tasks[0].create_date, tasks.tasks[0].source_server.ip))


def check_own_tasks(checks, binary, folder):
    """The tasks of a list are registered: listed, uploaded to, obtained and exported."""
    listed = folder / "wave.csv"
    own = "11111111-aaaa-4000-8000-00000000000"
    listed.write_text(f"task_id,source_id,source_name\n{own}1,src-1,crm-01\n{own}2,,\n")
    with serving(binary, "--auth", "aksk", "--tasks", listed, "--data", folder / "own.db") as url:
        caller = Caller(url)
        checks.equal("own tasks: listed", caller.task_ids(), [f"{own}1", f"{own}2"])
        servers = caller.client.list_servers(sms.ListServersRequest()).source_servers
        checks.equal("own tasks: their servers", [(server.id, server.name) for server in servers],
                     [("src-1", "crm-01"), (f"{own}2", f"{own}2")])
        caller.upload(f"{own}1", [directory("/srv/crm", 7)])
        checks.equal("own tasks: obtained", caller.obtain(f"{own}1")[0]["consistency_result"][0]["num_total_files"], 7)
        checks.equal("own tasks: exported", caller.export([item(source_name="crm-01")])[1][4], "/srv/crm")


def check_context(checks, binary, folder):
    """Special configurations are set and read by the SDK, listed, and judged by an export."""
    listed = folder / "wave.csv"
    task_id = "11111111-aaaa-4000-8000-000000000001"
    listed.write_text(f"task_id,source_name,task_state,syncing\n{task_id},crm-01,SYNC_SUCCESS,false\n")
    with serving(binary, "--auth", "aksk", "--tasks", listed, "--data", folder / "context.db") as url:
        caller = Caller(url)
        client = caller.client

        def configure(key, value):
            body = sms.ConfigurationRequestBody([sms.ConfigBody(config_key=key, config_value=value)])
            client.upload_special_configuration_setting(sms.UploadSpecialConfigurationSettingRequest(task_id, body))

        configure("CONSISTENCY_DIR", "/srv/old")
        configure("CONSISTENCY_DIR", "/srv/crm,/etc/crm")
        configure("CONSISTENCY_MODE", "quick")
        shown = client.show_config_setting(sms.ShowConfigSettingRequest(task_id, "CONSISTENCY_DIR"))
        checks.equal("context: a setting is read", (shown.task_id, [each.config_value for each in shown.configurations]),
                     (task_id, ["/srv/crm,/etc/crm"]))
        checks.none("context: the types of the SDK's models", wrong_types(shown))
        task = client.list_tasks(sms.ListTasksRequest()).tasks[0]
        settings = {each.config_key: each.config_value for each in task.special_config}
        checks.equal("context: listed", (task.state, task.syncing, settings),
                     ("SYNC_SUCCESS", False, {"CONSISTENCY_DIR": "/srv/crm,/etc/crm", "CONSISTENCY_MODE": "quick"}))
        caller.upload(task_id, [sms.ConsistencyResult("/srv/crm", 7, 0, 0, 0)])
        env = {"PATH": os.environ.get("PATH", ""), "HUAWEICLOUD_SDK_AK": AK, "HUAWEICLOUD_SDK_SK": SK}
        command = [binary, "export", listed, "--endpoint", url, "--context", "required", "-q", "--json", "--no-journal"]
        report = json.loads(subprocess.run(command, env=env, cwd=folder, capture_output=True, check=True).stdout)
        judged = report["tasks"][0]
        checks.equal("context: judged", (judged["verdict"], judged["not_verified_directories"], judged["mode"]),
                     ("inconclusive", ["/etc/crm"], "quick"))
        try:
            client.show_config_setting(sms.ShowConfigSettingRequest("x" * 36, "CONSISTENCY_DIR"))
            checks.ok("context: of an unknown task", False)
        except ServiceResponseException as error:
            checks.equal("context: of an unknown task", error.status_code, 404)


def check_refusals(checks, url):
    caller = Caller(url)
    known = caller.task_ids()[0]
    before = caller.obtain(known)

    def refused(name, status, code, keys, by, call):
        try:
            call(by)
        except ServiceResponseException as error:
            body = json.loads(by.last.text)
            seen = (error.status_code, error.error_code, body.keys(), 0 < len(error.error_msg) <= 1024,
                    body.get("request_id", error.request_id))
            checks.equal(f"{name}: {status} {code}", seen, (status, code, keys, True, by.last.headers["X-Request-Id"]))
        else:
            checks.ok(f"{name}: {status} {code}", False, "it was accepted")

    for name, by in [("a wrong secret", Caller(url, sk=SK + "x")), ("a wrong key", Caller(url, ak="NOBODY"))]:
        refused(name, 401, "APIG.0301", GATEWAY_ERROR, by, lambda by: by.obtain(known))
        refused(f"{name}, upload", 401, "APIG.0301", GATEWAY_ERROR, by, lambda by: by.upload(known, [directory("/a")]))
    bad = {
        "obtain: an over-long id": lambda by: by.obtain("x" * 256),
        "upload: an over-long id": lambda by: by.upload("x" * 37, [directory("/a")]),
        "upload: 31 directories": lambda by: by.upload(known, [directory("/a")] * 31),
        "upload: a count over a million": lambda by: by.upload(known, [directory("/a", 1_000_001)]),
        "upload: a directory of 1025 characters": lambda by: by.upload(known, [directory("字" * 1025)]),
        "upload: a directory without its counts": lambda by: by.upload(known, [sms.ConsistencyResult(dir_check="/a")]),
        "export: 201 tasks": lambda by: by.export([item(task_id=known)] * 201),
        "export: no tasks": lambda by: by.export([]),
        "export: an over-long id": lambda by: by.export([item(task_id="x" * 37)]),
    }
    for name, call in bad.items():
        refused(name, 400, "SMS.9001", SMS_ERROR, caller, call)
    unknown = {
        "obtain: an unknown task": lambda by: by.obtain("137224b7-8d7c-4919-b33e-ed159778xxxx"),
        "upload: an unknown task": lambda by: by.upload("137224b7-8d7c-4919-b33e-ed159778xxxx", [directory("/a")]),
        "export: an unknown task": lambda by: by.export([item(task_id=known), item(source_name="nobody")]),
        **{f"obtain: the id {odd[:20]!r}": lambda by, odd=odd: by.obtain(odd) for odd in ODD_IDS},
        **{f"upload: the id {odd[:20]!r}": lambda by, odd=odd: by.upload(odd[:36], [directory("/a")]) for odd in ODD_IDS},
    }
    for name, call in unknown.items():
        refused(name, 404, "SMS.9002", SMS_ERROR, caller, call)
    checks.equal("nothing that was refused is stored", caller.obtain(known), before)


def check_survival(checks, binary, folder):
    """50 uploads that were acknowledged are there after kill -9."""
    data = folder / "sms.db"
    options = ["--auth", "aksk", "--shape", "result-list", "--data", data]
    with serving(binary, *options) as url:
        caller = Caller(url)
        task_ids = caller.task_ids()
        before = {task_id: len(caller.obtain(task_id)) for task_id in task_ids}
        sent = {task_id: [] for task_id in task_ids}
        for number in range(50):
            task_id = task_ids[number % len(task_ids)]
            caller.upload(task_id, [directory(f"/upload/{number}", number)])
            sent[task_id].insert(0, f"/upload/{number}")
    with serving(binary, *options) as url:
        caller = Caller(url)
        kept = {task_id: caller.obtain(task_id) for task_id in task_ids}
    seen = {task_id: [each["consistency_result"][0]["dir_check"] for each in kept[task_id][:len(sent[task_id])]]
            for task_id in task_ids}
    checks.equal("50 uploads are read back after kill -9", seen, sent)
    checks.none("and nothing else has changed", (
        task_id for task_id in task_ids if len(kept[task_id]) != before[task_id] + len(sent[task_id])))


def check_security_token(checks, binary):
    with serving(binary, "--auth", "aksk", HUAWEICLOUD_SDK_SECURITY_TOKEN="a token/+=") as url:
        checks.equal("a security token: accepted", len(Caller(url, security_token="a token/+=").task_ids()), 12)
        for token in [None, "another"]:
            try:
                Caller(url, security_token=token).task_ids()
                checks.ok(f"the security token {token}: refused", False, "it was accepted")
            except ServiceResponseException as error:
                checks.equal(f"the security token {token}: refused", error.status_code, 401)


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("binary", nargs="?", type=Path, default=BINARY)
    binary = arguments.parse_args().binary.resolve()
    if not binary.is_file():
        sys.exit(f"{binary}: no such binary; build it first")
    checks = Checks()
    with serving(binary, "--auth", "aksk", "--shape", "result-list") as url:
        for check in (check_calls, check_listings, check_refusals):
            with checks.section(check.__name__):
                check(checks, url)
        with checks.section("signed requests"):
            signed_requests.check(checks, url, AK, SK)
    with checks.section("survival"), tempfile.TemporaryDirectory() as folder:
        check_survival(checks, binary, Path(folder))
    with checks.section("own tasks"), tempfile.TemporaryDirectory() as folder:
        check_own_tasks(checks, binary, Path(folder))
    with checks.section("context"), tempfile.TemporaryDirectory() as folder:
        check_context(checks, binary, Path(folder))
    with checks.section("security token"):
        check_security_token(checks, binary)
    print(f"{checks.passed} passed, {checks.failed} failed")
    sys.exit(1 if checks.failed else 0)


if __name__ == "__main__":
    main()
