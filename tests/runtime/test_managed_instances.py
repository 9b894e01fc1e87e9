"""The runtime on Managed Instances: one process for each invocation that runs at once."""

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
from tests.runtime.test_chat_function import chat, http, read
from tests.support import answers
from tests.support.upstream import Received, Upstream, chunked, reply, silent, upstream

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="awslambdaric is for Linux only")

PROCESSES = 3
MANY = {
    "AWS_LAMBDA_MAX_CONCURRENCY": str(PROCESSES),
    "AWS_LAMBDA_INITIALIZATION_TYPE": "lambda-managed-instances",
}


@pytest.fixture
def provider() -> Iterator[Upstream]:
    """A provider that answers nobody before as many have asked as there are processes."""
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
    """Secrets Manager, as far as one call goes."""
    with upstream(reply({"SecretString": '{"OPENROUTER_API_KEY": "sk-test"}'})) as server:
        yield server


@pytest.fixture
def door(start: Start, provider: Upstream, manager: Upstream) -> Function:
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
        **MANY,
    )


def at_once(function: Function, event: dict[str, Any], times: int = PROCESSES) -> list[Post]:
    for number in range(times):
        function.api.events.put((f"request-{number}", json.dumps(event).encode()))
    return [function.api.posted() for _ in range(times)]


def test_chats_at_once_have_a_process_a_connection_and_a_key_each(
    door: Function, manager: Upstream
) -> None:
    for _ in range(3):
        posts = at_once(door, chat(model="openrouter/m"))

        assert [json.loads(body(post))["content"] for post in posts] == ["Hello!"] * PROCESSES
    assert len(manager.received) == PROCESSES


def test_streams_at_once_are_streamed(door: Function) -> None:
    posts = at_once(door, http("/v1/chat", model="openrouter/m", stream=True))

    for post in posts:
        prelude, rest = read(body(post))
        assert (prelude["statusCode"], rest.count(b'"content"')) == (200, 2)


def test_each_process_holds_its_own_deadlines(start: Start, tmp_path: Path) -> None:
    config = tmp_path / "chatd.toml"
    config.write_text("[providers.ollama]\ntimeouts = { total = 0.5 }\n")
    with upstream(reply({})) as slow:
        slow.script = silent(slow)
        function = start(
            PROCESSES,
            _HANDLER="chat_function.lambda_handler",
            CHATD_CONFIG=str(config),
            OLLAMA_URL=slow.url,
            **MANY,
        )
        posts = at_once(function, chat())

        assert {json.loads(body(post))["errorType"] for post in posts} == {"UpstreamTimeoutError"}


def test_the_handler_is_prepared_once_and_before_the_processes_are_made(start: Start) -> None:
    function = start(PROCESSES, _HANDLER="snapstart_hooks.lambda_handler", **MANY)
    posts = at_once(function, {"do": "tell"})

    assert [json.loads(body(post))["happened"] for post in posts] == [["prepare"]] * PROCESSES
    assert function.said.count("<prepare>") == 1


def test_no_process_draws_what_another_has_drawn(start: Start) -> None:
    function = start(PROCESSES, _HANDLER="snapstart_hooks.lambda_handler", **MANY)
    drawn = [json.loads(body(post))["drawn"] for post in at_once(function, {"do": "tell"}, 6)]

    assert len(set(drawn)) == 6


def test_a_handler_that_cannot_prepare_serves_all_the_same(start: Start) -> None:
    function = start(PROCESSES, _HANDLER="snapstart_hooks.lambda_handler", FAILS="prepare", **MANY)

    assert function.still_serves()


def test_a_handler_that_cannot_be_loaded_is_told_to_lambda_by_its_processes(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "broken.py").write_text("raise ValueError\n")
    function = start(PYTHONPATH=str(tmp_path), _HANDLER="broken.handler", **MANY)
    posts = [function.api.posted() for _ in range(PROCESSES)]

    assert {post.path for post in posts} == {"/2018-06-01/runtime/init/error"}
    function.process.wait(PATIENCE)
