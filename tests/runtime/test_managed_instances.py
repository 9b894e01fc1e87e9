"""Test the runtime on Managed Instances, with one process per concurrent invocation."""

from __future__ import annotations

import json
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.runtime.conftest import Function, Start, body
from tests.runtime.fake_runtime_api import PATIENCE, Post
from tests.runtime.test_chat_function import chat, http, split_prelude
from tests.support import answers
from tests.support.upstream import Received, Upstream, chunked, reply, silent, upstream

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="awslambdaric is for Linux only")

PROCESSES = 3
MANAGED_INSTANCES = {
    "AWS_LAMBDA_MAX_CONCURRENCY": str(PROCESSES),
    "AWS_LAMBDA_INITIALIZATION_TYPE": "lambda-managed-instances",
}


@pytest.fixture
def provider() -> Iterator[Upstream]:
    """Serve a provider that answers only once every process has sent a request."""
    together = threading.Barrier(PROCESSES, timeout=PATIENCE)
    ports: set[int] = set()

    def script(connection: socket.socket, received: Received) -> None:
        together.wait()
        ports.add(connection.getpeername()[1])
        if received.json.get("stream"):
            chunked(answers.openai_chunks("Hello", "!"))(connection, received)
        else:
            reply(answers.openai_chat())(connection, received)

    with upstream(script) as server:
        yield server
    assert len(ports) == PROCESSES


@pytest.fixture
def manager() -> Iterator[Upstream]:
    """Serve one Secrets Manager call."""
    with upstream(reply({"SecretString": '{"OPENROUTER_API_KEY": "sk-test"}'})) as server:
        yield server


@pytest.fixture
def function(start: Start, provider: Upstream, manager: Upstream) -> Function:
    return start(
        PROCESSES,
        _HANDLER="chat_function.lambda_handler",
        CHATD_CONFIG="/dev/null",
        OPENROUTER_BASE_URL=f"{provider.url}/v1",
        CHATD_SECRET_ID="chatd/providers",
        AWS_ENDPOINT_URL_SECRETS_MANAGER=manager.url,
        AWS_ACCESS_KEY_ID="test",
        AWS_SECRET_ACCESS_KEY="test",
        AWS_DEFAULT_REGION="us-east-1",
        **MANAGED_INSTANCES,
    )


def invoke_concurrently(
    function: Function, event: dict[str, Any], times: int = PROCESSES
) -> list[Post]:
    for number in range(times):
        function.api.events.put((f"request-{number}", json.dumps(event).encode()))
    return [function.api.next_post() for _ in range(times)]


def test_concurrent_chats_have_separate_processes_connections_and_keys(
    function: Function, manager: Upstream
) -> None:
    for _ in range(3):
        posts = invoke_concurrently(function, chat(model="openrouter/m"))

        assert [json.loads(body(post))["content"] for post in posts] == ["Hello!"] * PROCESSES
    assert len(manager.received) == PROCESSES


def test_concurrent_streams_are_streamed(function: Function) -> None:
    posts = invoke_concurrently(function, http("/v1/chat", model="openrouter/m", stream=True))

    for post in posts:
        prelude, rest = split_prelude(body(post))
        assert (prelude["statusCode"], rest.count(b'"content"')) == (200, 2)


def test_each_process_enforces_its_own_deadlines(start: Start, tmp_path: Path) -> None:
    config = tmp_path / "chatd.toml"
    config.write_text("[providers.ollama]\ntimeouts = { total = 0.5 }\n")
    with upstream(reply({})) as slow:
        slow.script = silent(slow)
        function = start(
            PROCESSES,
            _HANDLER="chat_function.lambda_handler",
            CHATD_CONFIG=str(config),
            OLLAMA_URL=slow.url,
            **MANAGED_INSTANCES,
        )
        posts = invoke_concurrently(function, chat())

        assert {json.loads(body(post))["errorType"] for post in posts} == {"UpstreamTimeoutError"}


def test_the_prepare_hook_runs_once_before_the_fork(start: Start) -> None:
    function = start(PROCESSES, _HANDLER="snapstart_hooks.lambda_handler", **MANAGED_INSTANCES)
    posts = invoke_concurrently(function, {"do": "hooks"})

    assert [json.loads(body(post))["hooks"] for post in posts] == [["prepare"]] * PROCESSES
    assert function.log.count("<prepare>") == 1


def test_processes_have_different_random_numbers(start: Start) -> None:
    function = start(PROCESSES, _HANDLER="snapstart_hooks.lambda_handler", **MANAGED_INSTANCES)
    numbers = [
        json.loads(body(post))["random"]
        for post in invoke_concurrently(function, {"do": "hooks"}, 6)
    ]

    assert len(set(numbers)) == 6


def test_a_failing_prepare_hook_does_not_stop_the_function(start: Start) -> None:
    function = start(
        PROCESSES,
        _HANDLER="snapstart_hooks.lambda_handler",
        FAILING_HOOK="prepare",
        **MANAGED_INSTANCES,
    )

    assert function.still_serves()


def test_each_process_reports_a_handler_that_cannot_be_loaded(start: Start, tmp_path: Path) -> None:
    (tmp_path / "broken.py").write_text("raise ValueError\n")
    function = start(PYTHONPATH=str(tmp_path), _HANDLER="broken.handler", **MANAGED_INSTANCES)
    posts = [function.api.next_post() for _ in range(PROCESSES)]

    assert {post.path for post in posts} == {"/2018-06-01/runtime/init/error"}
    function.process.wait(PATIENCE)
