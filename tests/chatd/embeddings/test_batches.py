"""Batches run four at a time, come back in order, and fail together."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import chat.app
from chatd.call import Call
from chatd.deadline import Deadline
from chatd.embeddings.batches import MOST_RETRIES, PARALLEL
from chatd.errors import CallCancelledError, ChatdError
from chatd.resilience.circuit_breaker import FAILURES
from tests.support.embeddings import by_number, embed, listed, numbered, texts, vectors_of
from tests.support.upstream import Received, Script, Upstream, reply

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager import SecretsManagerClient

    from tests.chatd.conftest import Emitted

Emits = Callable[[], "Emitted"]
# A row that takes two texts in one request, and one that takes one.
PAIRS, SINGLES = "pairs/m", "singles/m"
PATIENCE = 20.0
BROKEN = reply({"error": {"message": "broken"}}, 500)


@pytest.fixture
def host(provider: Upstream, config: Path) -> Upstream:
    """Serve the rows on one host."""
    config.write_text(
        "".join(
            f'[providers.{name}]\ndialect = "openai_chat"\nbase_url = "{provider.url}"\n'
            f"embeddings = {{ batch = {batch} }}\n"
            for name, batch in (("pairs", 2), ("singles", 1))
        )
    )
    provider.script = by_number
    return provider


def first_number(received: Received) -> int:
    return int(received.json["input"][0].rpartition(" ")[2])


def until_closed(connection: socket.socket, _received: Received) -> None:
    """Answer nothing until the gateway closes the connection."""
    connection.settimeout(PATIENCE)
    assert connection.recv(1) == b""


def test_the_first_batch_runs_alone_and_the_rest_four_at_a_time(host: Upstream) -> None:
    together, lock = threading.Barrier(PARALLEL, timeout=PATIENCE), threading.Lock()
    running: list[int] = []
    most = 0

    def script(connection: socket.socket, received: Received) -> None:
        nonlocal most
        with lock:
            running.append(first_number(received))
            most = max(most, len(running))
            assert 0 not in running or len(running) == 1
        if first_number(received):
            together.wait()
        with lock:
            running.remove(first_number(received))
        by_number(connection, received)

    host.script = script
    result = embed(SINGLES, texts(1 + 2 * PARALLEL))

    assert vectors_of(result.json) == numbered(1 + 2 * PARALLEL)
    assert most == PARALLEL


def test_batches_that_end_in_another_order_are_joined_in_order(host: Upstream) -> None:
    last_is_answered = threading.Event()

    def script(connection: socket.socket, received: Received) -> None:
        if first_number(received) == 2:
            assert last_is_answered.wait(PATIENCE)
        by_number(connection, received)
        if first_number(received) == 4:
            last_is_answered.set()

    host.script = script

    assert vectors_of(embed(PAIRS, texts(5)).json) == numbered(5)


def test_a_batch_that_fails_ends_the_others_and_fails_the_request(
    host: Upstream, emitted: Emits
) -> None:
    under_way = threading.Barrier(PARALLEL, timeout=PATIENCE)
    closed = threading.Semaphore(0)

    def script(connection: socket.socket, received: Received) -> None:
        number = first_number(received)
        if number == 0:
            return by_number(connection, received)
        under_way.wait()
        if number == PARALLEL:
            return reply({"error": {"message": "no such text"}}, 400)(connection, received)
        until_closed(connection, received)
        closed.release()
        return None

    host.script = script
    result = embed(SINGLES, texts(20))

    assert (result.status, result.json["error"]["upstream_status"]) == (400, 400)
    for _ in range(PARALLEL - 1):
        assert closed.acquire(timeout=PATIENCE)
    assert len(host.received) == 1 + PARALLEL
    (line,) = emitted().log
    assert line["error.type"] == "invalid_request"
    assert line["gen_ai.usage.input_tokens"] == 1


def test_batches_that_were_ended_do_not_count_against_the_provider(host: Upstream) -> None:
    for _ in range(FAILURES):
        under_way = threading.Barrier(2, timeout=PATIENCE)

        def script(
            connection: socket.socket, received: Received, ready: threading.Barrier = under_way
        ) -> None:
            number = first_number(received)
            if number == 0:
                return by_number(connection, received)
            ready.wait()
            if number == 1:
                return reply({"error": "x"}, 400)(connection, received)
            return until_closed(connection, received)

        host.script = script
        assert embed(SINGLES, texts(3)).status == 400
    host.script = by_number

    assert embed(SINGLES, "text 0").status == 200


def once_broken() -> Script:
    """Return a script that fails for each batch once."""
    seen: set[int] = set()

    def script(connection: socket.socket, received: Received) -> None:
        number = first_number(received)
        chosen = by_number if number in seen else BROKEN
        seen.add(number)
        chosen(connection, received)

    return script


def test_a_batch_is_retried_alone(host: Upstream, emitted: Emits) -> None:
    host.script = once_broken()

    result = embed(PAIRS, texts(6))

    assert vectors_of(result.json) == numbered(6)
    assert len(host.received) == 6
    failed = "pairs: upstream_error, " * 3
    assert result.headers["x-chatd-attempts"] == f"{failed}pairs: ok"
    output = emitted()
    assert [metric.get("Errors", 0) for metric in output.metrics] == [1, 1, 1, 0]
    assert output.metrics[-1]["InputTokens"] == 6
    assert output.metrics[-1]["GatewayOverhead"] >= 0


def test_the_retries_of_all_batches_are_limited(host: Upstream) -> None:
    host.script = once_broken()

    result = embed(SINGLES, texts(MOST_RETRIES + 10))

    assert (result.status, result.json["error"]["code"]) == (502, "upstream_error")
    # A batch that was ended may have sent its head alone. The first batch has its own retry.
    sent = [first_number(received) for received in host.received if received.body]
    repeated = len(sent) - len(set(sent))
    assert MOST_RETRIES + 1 - PARALLEL <= repeated <= MOST_RETRIES + 1


@pytest.mark.parametrize("number", [0, 1, 3], ids=["the first", "the second", "the last"])
def test_any_batch_that_fails_for_good_fails_the_request(host: Upstream, number: int) -> None:
    def script(connection: socket.socket, received: Received) -> None:
        chosen = BROKEN if first_number(received) == number else by_number
        chosen(connection, received)

    host.script = script
    result = embed(SINGLES, texts(4))

    assert (result.status, "data" in result.json) == (502, False)


def test_a_new_key_serves_the_rest_of_the_batches(
    provider: Upstream, secrets_manager: SecretsManagerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = "chatd/providers"
    secrets_manager.create_secret(Name=name, SecretString='{"DASHSCOPE_API_KEY": "sk-old"}')
    monkeypatch.setenv("CHATD_SECRET_ID", name)
    chat.app.compose()

    def script(connection: socket.socket, received: Received) -> None:
        if received.headers["authorization"] == "Bearer sk-new":
            return by_number(connection, received)
        secrets_manager.put_secret_value(
            SecretId=name, SecretString='{"DASHSCOPE_API_KEY": "sk-new"}'
        )
        return reply({"error": "x"}, 401)(connection, received)

    provider.script = script
    result = embed("dashscope/m", texts(25))

    assert vectors_of(result.json) == numbered(25)
    assert [received.headers["authorization"] for received in provider.received] == [
        "Bearer sk-old",
        *["Bearer sk-new"] * 3,
    ]


def test_vectors_of_two_lengths_are_a_502(host: Upstream) -> None:
    def script(connection: socket.socket, received: Received) -> None:
        vector = [1.0] if first_number(received) else [1.0, 2.0]
        reply(listed(vector))(connection, received)

    host.script = script
    result = embed(SINGLES, texts(3))

    assert (result.status, result.json["error"]["provider"]) == (502, "singles")
    assert "different lengths" in result.json["error"]["message"]


def test_too_many_numbers_are_refused_after_the_first_batch(host: Upstream) -> None:
    host.script = reply(listed([0.5] * 5_000))

    result = embed(SINGLES, texts(2_048))

    assert (result.status, result.json["error"]["code"]) == (502, "answer_too_large")
    assert len(host.received) == 1


@pytest.fixture
def silent_rest(host: Upstream) -> Iterator[threading.Barrier]:
    """Answer the first batch alone; yield a barrier that the others and the test pass together."""
    under_way = threading.Barrier(PARALLEL + 1, timeout=PATIENCE)

    def script(connection: socket.socket, received: Received) -> None:
        if first_number(received) == 0:
            return by_number(connection, received)
        under_way.wait()
        return until_closed(connection, received)

    host.script = script
    yield under_way
    under_way.abort()


def test_a_caller_who_hangs_up_ends_every_batch(
    silent_rest: threading.Barrier, host: Upstream, emitted: Emits
) -> None:
    call = Call("r", Deadline.after(60))
    raised: list[ChatdError] = []

    def run() -> None:
        body = json.dumps({"model": SINGLES, "input": texts(20)}).encode()
        try:
            chat.app.embedder_of(chat.app.compose()).embed(lambda: body, call)
        except ChatdError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    silent_rest.wait()
    call.cancel()
    thread.join(PATIENCE)

    assert [type(error) for error in raised] == [CallCancelledError]
    assert len(host.received) == 1 + PARALLEL
    (line,) = emitted().log
    assert line["error.type"] == "client_closed"


def test_the_batches_share_one_deadline(host: Upstream, config: Path) -> None:
    config.write_text(config.read_text("utf-8") + "timeouts = { total = 0.5 }\n", "utf-8")

    def script(connection: socket.socket, received: Received) -> None:
        if first_number(received) == 0:
            return by_number(connection, received)
        return until_closed(connection, received)

    host.script = script
    for _ in range(FAILURES):
        result = embed(SINGLES, texts(8))
        assert (result.status, result.json["error"]["code"]) == (504, "upstream_timeout")
    host.script = by_number

    assert embed(SINGLES, "text 0").status == 200  # a slow batch is no failure of the provider


def test_the_request_of_each_batch_has_the_caller_s_other_fields(host: Upstream) -> None:
    more: dict[str, Any] = {"user": "u", "x": {"y": 1}, "encoding_format": "float"}

    assert embed(PAIRS, texts(3), **more).status == 200
    for sent in host.received:
        assert sent.json == {"model": "m", "input": sent.json["input"], **more}
