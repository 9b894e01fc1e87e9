"""Test the runtime's SnapStart hooks before a snapshot and after a restore."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.conftest import ROOT, SNAP_START, Function, Start, body, environment
from tests.runtime.fake_runtime_api import PATIENCE, RuntimeApi
from tests.runtime.test_chat_function import answer_ollama, chat, http, split_prelude
from tests.support.upstream import Received, Upstream, reply, upstream

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="awslambdaric is for Linux only")

KEY = "sk-test-0123456789abcdef"


def start_with_hooks(start: Start, **variables: str) -> Function:
    return start(_HANDLER="snapstart_hooks.lambda_handler", **variables)


def hooks_of(function: Function) -> dict[str, Any]:
    return dict(json.loads(body(function.invoke({"do": "hooks"}))))


def test_hooks_run_before_the_snapshot_and_after_the_restore(start: Start) -> None:
    function = start_with_hooks(start, **SNAP_START)
    assert function.api.next_snapshot() == "/2018-06-01/runtime/restore/next"
    before = function.log
    function.api.restored.set()

    assert hooks_of(function)["hooks"] == ["prepare", "forget"]
    assert ("<prepare>" in before, "<forget>" in before) == (True, False)


def test_a_restored_environment_has_its_own_random_numbers(start: Start) -> None:
    function = start_with_hooks(start, **SNAP_START)
    function.api.restored.set()

    assert hooks_of(function)["random"] != random.Random(7).random()  # noqa: S311  # a seeded generator


@pytest.mark.parametrize("kind", ["on-demand", "provisioned-concurrency", ""])
def test_without_snapstart_no_hook_runs_and_none_is_registered(start: Start, kind: str) -> None:
    function = start_with_hooks(start, AWS_LAMBDA_INITIALIZATION_TYPE=kind)

    assert hooks_of(function)["hooks"] == []
    assert function.api.snapshots.empty()
    assert "snapshot_restore_py" not in json.loads(body(function.direct("modules")))


@pytest.mark.parametrize(
    ("fails", "path", "code"),
    [
        ("prepare", "/2018-06-01/runtime/init/error", 64),
        ("forget", "/2018-06-01/runtime/restore/error", 65),
    ],
)
def test_a_failing_hook_is_reported_to_lambda_without_source(
    start: Start, fails: str, path: str, code: int
) -> None:
    function = start_with_hooks(start, FAILING_HOOK=fails, **SNAP_START)
    function.api.restored.set()
    post = function.api.next_post()
    error = json.loads(body(post))

    assert (post.path, error["errorType"]) == (path, "ValueError")
    assert all("\n" not in frame for frame in error["stackTrace"])
    assert function.process.wait(PATIENCE) == code


def answer_aws(connection: socket.socket, received: Received) -> None:
    """Answer one call of Secrets Manager and of DynamoDB."""
    if received.headers["x-amz-target"].startswith("DynamoDB"):
        reply({"Items": [], "Count": 0, "Responses": {}})(connection, received)
    else:
        secret = json.dumps({"OPENROUTER_API_KEY": KEY})
        reply({"SecretString": secret})(connection, received)


@pytest.fixture
def aws() -> Iterator[Upstream]:
    with upstream(answer_aws) as server:
        yield server


@pytest.fixture
def provider() -> Iterator[Upstream]:
    with upstream(answer_ollama) as server:
        yield server


@pytest.fixture
def function(start: Start, provider: Upstream, aws: Upstream) -> Function:
    """Start the chat function with SnapStart."""
    return start(
        _HANDLER="chat_function.lambda_handler",
        CHATD_CONFIG="/dev/null",
        OLLAMA_URL=provider.url,
        OPENROUTER_BASE_URL=f"{provider.url}/v1",
        CHATD_SECRET_ID="chatd/providers",
        CHATD_CIRCUITS_TABLE="circuits",
        CHATD_IDEMPOTENCY_TABLE="answers",
        CHATD_RESPONSES_TABLE="responses",
        AWS_ENDPOINT_URL=aws.url.replace("127.0.0.1", "localhost"),
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_DEFAULT_REGION="us-east-1",
        **SNAP_START,
    )


def modules(function: Function) -> set[str]:
    return set(json.loads(body(function.direct("modules"))))


def answer_openai(connection: socket.socket, received: Received) -> None:
    choice = {"index": 0, "message": {"content": "Hello!"}, "finish_reason": "stop"}
    reply({"model": "m", "choices": [choice]})(connection, received)


def test_no_request_is_sent_before_the_snapshot(
    function: Function, provider: Upstream, aws: Upstream
) -> None:
    function.api.next_snapshot()

    assert (provider.received, aws.received) == ([], [])
    function.api.restored.set()


def test_the_first_requests_of_a_restored_environment_import_nothing(
    function: Function, provider: Upstream, aws: Upstream
) -> None:
    function.api.restored.set()
    loaded = modules(function)
    for path in ("/v1/chat", "/v1/chat/completions"):
        for stream in (True, False):
            assert (
                split_prelude(body(function.invoke(http(path, stream=stream))))[0]["statusCode"]
                == 200
            )
    keyed = {**http("/v1/chat"), "headers": {"Idempotency-Key": "a-key"}}
    assert split_prelude(body(function.invoke(keyed)))[0]["statusCode"] == 200
    stored = http("/v1/responses", input="Hello", previous_response_id="resp_1")
    assert split_prelude(body(function.invoke(stored)))[0]["statusCode"] == 400
    stored = http("/v1/responses", input="Hello")
    assert split_prelude(body(function.invoke(stored)))[0]["statusCode"] == 200
    provider.script = answer_openai
    schema = {"type": "object", "required": ["a"]}
    answer = json.loads(body(function.invoke(chat(model="openrouter/m", format=schema))))

    assert answer["content"] == "Hello!"
    assert provider.last.headers["authorization"] == f"Bearer {KEY}"
    # The breaker's state is read again after 5 s, which a slow machine may need.
    assert list(dict.fromkeys(received.headers["x-amz-target"] for received in aws.received)) == [
        *("DynamoDB_20120810.Query", "DynamoDB_20120810.PutItem", "DynamoDB_20120810.UpdateItem"),
        *("DynamoDB_20120810.BatchGetItem", "DynamoDB_20120810.BatchWriteItem"),
        "secretsmanager.GetSecretValue",
    ]
    assert sorted(modules(function) - loaded) == []


def test_the_warm_up_writes_no_metrics_or_log_lines(function: Function) -> None:
    function.api.restored.set()
    modules(function)

    assert "Requests" not in function.log
    assert "rehearsal" not in function.log


def test_awslambdaric_runs_the_authorizer_s_hooks(tmp_path: Path) -> None:
    secret = json.dumps({"pepper": "p" * 64, "callers": {}})
    event = {"headers": {"x-api-key": "chatd-unknown"}, "methodArn": "a/b/c"}
    api = RuntimeApi()
    with upstream(reply({"SecretString": secret})) as manager, api.running():
        variables = environment(
            AWS_LAMBDA_RUNTIME_API=api.address,
            PYTHONPATH=str(ROOT / "functions"),
            CHATD_CALLERS_SECRET_ID="chatd/callers",
            AWS_ENDPOINT_URL_SECRETS_MANAGER=manager.url,
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
            AWS_DEFAULT_REGION="us-east-1",
            **SNAP_START,
        )
        with (tmp_path / "output").open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "awslambdaric", "authorizer.app.lambda_handler"],
                env=variables,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            api.next_snapshot()
            requests_before = len(manager.received)
            api.restored.set()
            refusal = json.loads(body(api.invoke("request-1", json.dumps(event).encode())))
        finally:
            process.kill()
            process.wait(PATIENCE)

    assert (requests_before, len(manager.received)) == (0, 1)
    assert refusal["errorMessage"] == "Unauthorized"
