"""An answer is given once and replayed, whatever it is kept in, and nothing else is replayed."""

from __future__ import annotations

import base64
import json
import logging
import os
import random
import socket
import sqlite3
import string
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
import urllib3

import chat.app
from chatd.aws_lambda import streaming
from chatd.aws_lambda.streaming import CallerGoneError, Collected
from chatd.errors import InFlightError, KeyReusedError
from chatd.idempotency import IdempotencyKey, Records, RecordsUnavailableError, StoredRecord
from chatd.idempotency.dynamodb import DynamoDB
from chatd.idempotency.sqlite import Sqlite
from local import template
from tests.support import answers
from tests.support.functions import (
    HttpResult,
    LambdaContext,
    Streamed,
    ask,
    http_event,
    post,
    stream,
)
from tests.support.upstream import (
    Received,
    Upstream,
    chunked,
    raw,
    reply,
    reset,
    silent,
    then_close,
    upstream,
)

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

    from tests.chatd.conftest import Emitted

ROOT = Path(__file__).parents[3]
TABLE = "answers"
OPENAI = "/v1/chat/completions"
DAY = 24 * 60 * 60
KEY = "key-CANARY-1d07"
ONE = IdempotencyKey("a" * 64, "b" * 64)
OTHER_BODY = IdempotencyKey("a" * 64, "c" * 64)
FIRST: StoredRecord = {"headers": {}, "body": "", "live": False}
each_surface = pytest.mark.parametrize("path", ["/v1/chat", OPENAI])
pytestmark = pytest.mark.usefixtures("provider", "keys")


@pytest.fixture
def table(_moto: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[DynamoDBClient]:
    """A client of a DynamoDB with the stack's table; the environment leads boto3 there as well."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL_DYNAMODB": _moto,
    }.items():
        monkeypatch.setenv(name, value)
    resource = template.read(ROOT / "template.yaml").get("Resources").get("IdempotencyRecords")
    properties = {name: node.value for name, node in resource.get("Properties").children()}
    # What CloudFormation alone takes in this form is tests/stack's.
    shape = {
        name: value for name, value in properties.items() if not name.endswith("Specification")
    }
    client = boto3.client("dynamodb")
    client.create_table(TableName=TABLE, **shape)
    yield client
    if TABLE in client.list_tables()["TableNames"]:
        client.delete_table(TableName=TABLE)
    client.close()


@pytest.fixture(params=["sqlite", "dynamodb"])
def kept(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> str:
    """Somewhere to keep answers."""
    if request.param == "sqlite":
        monkeypatch.setenv("CHATD_IDEMPOTENCY_FILE", str(tmp_path / "records"))
    else:
        request.getfixturevalue("table")
        monkeypatch.setenv("CHATD_IDEMPOTENCY_TABLE", TABLE)
    return str(request.param)


@pytest.fixture
def records(kept: str, tmp_path: Path) -> Records:
    """The same, without a gateway before it."""
    if kept == "sqlite":
        return Sqlite(str(tmp_path / "records"))
    return DynamoDB(TABLE, os.environ)


def lose_everything(kept: str, tmp_path: Path) -> None:
    """Make what is kept, and what is to be kept, unreachable."""
    if kept == "sqlite":
        (tmp_path / "records").write_bytes(b"no database" * 100)
    else:
        boto3.client("dynamodb").delete_table(TableName=TABLE)


def once(body: object, path: str = "/v1/chat", key: str = KEY, **more: Any) -> HttpResult:
    return post(body, path, headers={"idempotency-KEY": key}, **more)


def once_streamed(body: Mapping[str, Any], path: str = "/v1/chat", key: str = KEY) -> Streamed:
    return stream(body, path, headers={"Idempotency-Key": key})


def outcome(answer: HttpResult | Streamed) -> str | None:
    return answer.headers.get("x-chatd-idempotency")


# --- the same again ------------------------------------------------------------------------------


@each_surface
def test_the_same_key_and_body_get_the_same_answer_and_the_provider_is_asked_once(
    provider: Upstream, kept: str, path: str
) -> None:
    first, second = once(ask("m"), path), once(ask("m"), path)

    assert (first.status, second.status) == (200, 200)
    assert second.json == first.json
    assert second.headers["content-type"] == "application/json"
    assert (outcome(first), outcome(second)) == (None, "replayed")
    assert len(provider.received) == 1


@each_surface
def test_a_finished_stream_is_replayed_as_a_stream_byte_by_byte(
    provider: Upstream, kept: str, path: str
) -> None:
    first, second = once_streamed(ask("m"), path), once_streamed(ask("m"), path)

    assert second.body == first.body
    assert second.headers["content-type"] == "text/event-stream"
    assert (outcome(first), outcome(second)) == (None, "replayed")
    assert len(provider.received) == 1


def test_a_replay_bears_the_new_requests_id(provider: Upstream, kept: str) -> None:
    once(ask("m"))
    event = http_event("POST", "/v1/chat", json.dumps(ask("m")), headers={"Idempotency-Key": KEY})
    replayed = chat.app.lambda_handler(event, LambdaContext("another-id"))

    assert replayed["multiValueHeaders"]["x-request-id"] == ["another-id"]
    assert json.loads(replayed["body"])["request_id"] == LambdaContext().aws_request_id


def test_what_the_answer_was_told_beside_is_told_again(provider: Upstream, kept: str) -> None:
    provider.script = reply(answers.openai_chat())
    body = ask("kimi/k3", temperature=0.5)

    assert once(body).headers["x-chatd-dropped-params"] == "temperature"
    assert once(body).headers["x-chatd-dropped-params"] == "temperature"


class Listening(Collected):
    """A caller that notes when a comment comes."""

    def __init__(self) -> None:
        super().__init__()
        self.heard = threading.Event()

    def write(self, data: bytes) -> None:
        super().write(data)
        if data.startswith(b":"):
            self.heard.set()


def test_comments_are_not_replayed(
    provider: Upstream, kept: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming.HeartbeatSink.__init__, "__defaults__", (0.02,))
    caller = Listening()

    def script(connection: socket.socket, received: Received) -> None:
        assert caller.heard.wait(10)
        chunked(answers.ollama_lines("Hello"))(connection, received)

    provider.script = script
    live_of().write_to(caller)
    replayed = once_streamed(ask("m"))

    assert outcome(replayed) == "replayed"
    assert replayed.body == bytes(caller.body).replace(b": keep-alive\n\n", b"")


@each_surface
def test_an_answer_in_any_script_is_replayed(provider: Upstream, kept: str, path: str) -> None:
    provider.script = reply(answers.ollama_chat("Grüße ☃ 𝄞 \x00"))

    assert once(ask("m"), path).json == once(ask("m"), path).json
    assert len(provider.received) == 1


def test_a_long_answer_that_repeats_itself_is_kept(provider: Upstream, kept: str) -> None:
    provider.script = chunked(answers.ollama_lines(*["again and again "] * 20_000))
    first, second = once_streamed(ask("m"), OPENAI), once_streamed(ask("m"), OPENAI)

    assert len(first.body) > 2_000_000
    assert (second.body == first.body, outcome(second)) == (True, "replayed")


def test_another_key_is_another_request(provider: Upstream, kept: str) -> None:
    once(ask("m"), key="one")
    once(ask("m"), key="two")

    assert len(provider.received) == 2


def test_without_a_key_every_request_is_answered_anew(provider: Upstream, kept: str) -> None:
    once(ask("m"))
    answer = post(ask("m"))

    assert outcome(answer) is None
    assert len(provider.received) == 2


# --- whose key it is -----------------------------------------------------------------------------

CALLERS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"authorizer": {"principalId": "alice"}}, {}),
    ({"authorizer": {"principalId": "bob"}}, {"authorization": "Bearer one"}),
    ({"identity": {"userArn": "arn:aws:iam::1:user/alice"}}, {}),
    ({"identity": {"userArn": "arn:aws:iam::1:user/bob"}}, {}),
    ({"identity": {"userArn": None, "caller": "AIDA1"}}, {}),
    ({"authorizer": None, "identity": {"userArn": None}}, {"authorization": "Bearer one"}),
    ({}, {"x-api-key": "two \ud83d"}),
    ({}, {}),
]


def test_a_key_is_its_callers_own(provider: Upstream, kept: str) -> None:
    def call(context: dict[str, Any], headers: dict[str, str]) -> HttpResult:
        return post(ask("m"), requestContext=context, headers={**headers, "Idempotency-Key": KEY})

    first = [outcome(call(*caller)) for caller in CALLERS]
    second = [outcome(call(*caller)) for caller in CALLERS]

    assert first == [None] * len(CALLERS)
    assert second == ["replayed"] * len(CALLERS)
    assert len(provider.received) == len(CALLERS)


def test_a_key_is_its_routes_own(provider: Upstream, kept: str) -> None:
    assert once(ask("m"), "/v1/chat").json.keys() != once(ask("m"), OPENAI).json.keys()
    assert len(provider.received) == 2


def test_a_custom_domains_base_path_is_not_another_route(provider: Upstream, kept: str) -> None:
    once(ask("m"))

    assert outcome(once(ask("m"), resource="/v1/chat")) == "replayed"


@pytest.mark.parametrize("key", ["", "x" * 256, "schlüssel", "a\tb", "a\x7f"])
@pytest.mark.parametrize("store", [True, False])
def test_a_key_that_is_none_is_400(
    provider: Upstream, key: str, store: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATD_IDEMPOTENCY_FILE", str(tmp_path / "records") if store else "")

    refused = once(ask("m"), key=key)

    assert (refused.status, refused.json["error"]["param"]) == (400, "Idempotency-Key")
    assert provider.received == []


@pytest.mark.parametrize("key", ["x", "x" * 255, ' "quoted" ~!'])
def test_any_printable_key_will_do(provider: Upstream, kept: str, key: str) -> None:
    once(ask("m"), key=key)

    assert outcome(once(ask("m"), key=key)) == "replayed"


# --- what is refused -----------------------------------------------------------------------------


@each_surface
def test_another_body_with_the_key_is_409_and_no_retry_helps(
    provider: Upstream, kept: str, path: str
) -> None:
    once(ask("m"), path)
    refused = once(ask("m", "Say something else."), path)

    assert (refused.status, refused.json["error"]["code"]) == (409, "idempotency_key_reused")
    assert refused.json["error"]["param"] == "Idempotency-Key"
    assert refused.headers["x-should-retry"] == "false"
    assert len(provider.received) == 1


@each_surface
def test_of_two_at_the_same_moment_one_is_answered_and_one_is_409(
    provider: Upstream, kept: str, path: str
) -> None:
    meanwhile: list[HttpResult] = []

    def script(connection: socket.socket, received: Received) -> None:
        meanwhile.extend((once(ask("m"), path), once(ask("m", "Something else."), path)))
        reply(answers.ollama_chat())(connection, received)

    provider.script = script
    first = once(ask("m"), path)

    twin, other = meanwhile
    assert first.status == 200
    assert (twin.status, twin.json["error"]["code"]) == (409, "idempotency_key_in_flight")
    assert (twin.headers["retry-after"], "x-should-retry" in twin.headers) == ("1", False)
    assert (other.status, other.json["error"]["code"]) == (409, "idempotency_key_reused")
    assert len(provider.received) == 1


def test_a_stream_in_the_making_is_in_flight_and_can_be_had_when_its_end_is_sent(
    provider: Upstream, kept: str
) -> None:
    body = {**ask("m"), "stream": True}
    event = http_event("POST", OPENAI, json.dumps(body), headers={"Idempotency-Key": KEY})
    seen: list[tuple[bytes, int]] = []

    class AttemptRunner(Collected):
        def write(self, data: bytes) -> None:
            super().write(data)
            answer = chat.app.lambda_handler(event, LambdaContext())
            seen.append((data, answer["statusCode"] if isinstance(answer, dict) else 200))

    chat.app.lambda_handler(event, LambdaContext()).write_to(AttemptRunner())

    *pieces, (last, status) = seen
    assert (last, status) == (b"data: [DONE]\n\n", 200)
    assert {status for _, status in pieces} == {409}
    assert len(provider.received) == 1


def test_of_many_that_claim_a_key_at_once_one_gets_it(tmp_path: Path) -> None:
    path = str(tmp_path / "records")
    many = 16
    together = threading.Barrier(many)
    got: list[str] = []

    def claim() -> None:
        together.wait()
        try:
            Sqlite(path).claim(ONE, 60_000)
            got.append("it")
        except InFlightError:
            got.append("in flight")

    threads = [threading.Thread(target=claim) for _ in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(got) == [*["in flight"] * (many - 1), "it"]


# --- what is not kept ----------------------------------------------------------------------------

FAILURES: dict[str, Any] = {
    "500": reply({"error": "boom"}, 500, {"Retry-After": "3000"}),
    "400": reply({"error": "no"}, 400),
    "reset": reset,
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("ask_once", [once, once_streamed])
def test_a_failure_is_not_kept_and_the_key_is_free_again(
    provider: Upstream, kept: str, ask_once: Callable[..., Any], failure: str
) -> None:
    usual, provider.script = provider.script, FAILURES[failure]
    failed = ask_once(ask("m"))
    provider.script = usual
    second, third = ask_once(ask("m")), ask_once(ask("m"))

    assert failed.status in (400, 502)
    assert (second.status, outcome(second)) == (200, None)
    assert outcome(third) == "replayed"


def test_a_request_that_is_none_leaves_its_key_free(provider: Upstream, kept: str) -> None:
    assert once({"model": "m"}).status == 400
    assert once(ask("m")).status == 200


def test_a_body_that_is_not_what_it_says_is_400(provider: Upstream, kept: str) -> None:
    assert once("%", isBase64Encoded=True).status == 400


@each_surface
def test_a_fault_of_our_own_leaves_the_key_free(
    provider: Upstream, kept: str, path: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise KeyError

    with monkeypatch.context() as patch:
        patch.setattr(chat.app.compose().gateway, "read", broken)
        assert once(ask("m"), path).status == 500

    assert once(ask("m"), path).status == 200


def test_a_stream_that_dies_is_not_kept_whatever_it_said(provider: Upstream, kept: str) -> None:
    said = 'data: [DONE]\n\ndata: {"done":true,'
    usual = provider.script
    provider.script = chunked(answers.ollama_lines(said)[:1])
    for path in ("/v1/chat", OPENAI):
        assert once_streamed(ask("m"), path).json[-1]["error"]["code"] == "upstream_stream_error"

    provider.script = usual
    for path in ("/v1/chat", OPENAI):
        assert outcome(once_streamed(ask("m"), path)) is None
        assert outcome(once_streamed(ask("m"), path)) == "replayed"


class Gone(Collected):
    """A caller that hangs up at the piece that holds these words."""

    def __init__(self, words: bytes) -> None:
        super().__init__()
        self.words = words

    def write(self, data: bytes) -> None:
        if self.words in data:
            raise CallerGoneError


def given(*, live: bool, content: str = "Say hello.") -> Any:
    """What the handler gives, poured if it can be."""
    body = json.dumps(ask("m", content, stream=live))
    event = http_event("POST", "/v1/chat", body, headers={"Idempotency-Key": KEY})
    result = chat.app.lambda_handler(event, LambdaContext())
    if not isinstance(result, dict):
        result.write_to(Collected())
    return result


def live_of() -> Any:
    body = json.dumps(ask("m", stream=True))
    event = http_event("POST", "/v1/chat", body, headers={"Idempotency-Key": KEY})
    return chat.app.lambda_handler(event, LambdaContext())


def test_a_caller_that_hangs_up_in_the_middle_may_ask_anew(provider: Upstream, kept: str) -> None:
    live_of().write_to(Gone(b"Hello"))

    assert outcome(once_streamed(ask("m"))) is None
    assert len(provider.received) == 2


def test_a_caller_that_misses_only_the_end_gets_the_answer_again(
    provider: Upstream, kept: str
) -> None:
    live_of().write_to(Gone(b'"done":true'))

    assert outcome(once_streamed(ask("m"))) == "replayed"
    assert len(provider.received) == 1


def test_an_abort_reaches_the_answer_in_the_making(provider: Upstream, kept: str) -> None:
    asked = threading.Event()

    def script(connection: socket.socket, received: Received) -> None:
        asked.set()
        silent(provider)(connection, received)

    usual, provider.script = provider.script, script
    making = live_of()
    thread = threading.Thread(target=making.write_to, args=(Collected(),))
    thread.start()
    assert asked.wait(10)
    making.abort()
    thread.join(10)
    provider.script = usual

    assert not thread.is_alive()
    assert once_streamed(ask("m")).status == 200


def test_a_replay_nobody_waits_for_breaks_nothing(provider: Upstream, kept: str) -> None:
    once_streamed(ask("m"))
    replayed = live_of()
    replayed.abort()
    replayed.write_to(Gone(b"Hello"))

    assert outcome(once_streamed(ask("m"))) == "replayed"


def noise(characters: int) -> str:
    """A text that cannot be deflated to less than three quarters."""
    made = random.Random(1)  # noqa: S311  # it is to be the same each time
    return "".join(made.choices(string.ascii_letters + string.digits, k=characters))


@each_surface
def test_an_answer_too_large_to_keep_is_delivered_and_marked(
    provider: Upstream, kept: str, path: str, emitted: Callable[[], Emitted]
) -> None:
    provider.script = reply(answers.ollama_chat(noise(500_000)))
    first, second = once(ask("m"), path), once(ask("m"), path)

    assert (first.status, outcome(first), outcome(second)) == (200, "not-stored", "not-stored")
    assert len(first.json.get("content") or first.json["choices"][0]["message"]["content"])
    assert len(provider.received) == 2
    assert [line.get("chatd.idempotency") for line in emitted().log].count("not-stored") == 2


@each_surface
def test_a_stream_too_large_to_keep_is_delivered_and_marked_before_its_end(
    provider: Upstream, kept: str, path: str
) -> None:
    text = noise(500_000)
    pieces = [text[start : start + 50_000] for start in range(0, len(text), 50_000)]
    provider.script = chunked(answers.ollama_lines(*pieces))
    first, second = once_streamed(ask("m"), path), once_streamed(ask("m"), path)

    *_, comment, _end, rest = first.body.split(b"\n\n")
    assert (comment, rest) == (b": idempotency not-stored", b"")
    assert all(piece.encode() in first.body for piece in pieces)
    assert b": idempotency not-stored" in second.body
    assert len(provider.received) == 2


def test_where_there_is_no_table_everything_is_answered_and_marked(
    provider: Upstream, emitted: Callable[[], Emitted]
) -> None:
    answered: list[HttpResult | Streamed] = [once(ask("m")), once(ask("m"))]
    answered += [once_streamed(ask("m")), once_streamed(ask("m"))]

    assert [(answer.status, outcome(answer)) for answer in answered] == [(200, "not-stored")] * 4
    assert len(provider.received) == 4
    assert [line.get("chatd.idempotency") for line in emitted().log].count("not-stored") == 4


def test_where_nothing_is_kept_a_live_answer_can_be_aborted(provider: Upstream) -> None:
    making = live_of()
    making.abort()
    making.write_to(Collected())

    assert provider.received == []


# --- when the records cannot be reached ----------------------------------------------------------


@each_surface
def test_records_that_cannot_be_reached_are_503_and_nobody_is_asked(
    provider: Upstream, kept: str, path: str, tmp_path: Path, emitted: Callable[[], Emitted]
) -> None:
    lose_everything(kept, tmp_path)
    refused = once(ask("m"), path)

    assert (refused.status, refused.json["error"]["code"]) == (503, "idempotency_unavailable")
    assert refused.headers["retry-after"] == "1"
    assert provider.received == []
    why, line = emitted().log
    assert why["level"] == "WARNING"
    assert line["error.type"] == "idempotency_unavailable"


def test_a_table_that_nobody_serves_is_503_within_seconds(
    provider: Upstream, table: DynamoDBClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:  # it takes connections and says nothing
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{mute.getsockname()[1]}")
        monkeypatch.setenv("CHATD_IDEMPOTENCY_TABLE", TABLE)
        began = time.monotonic()
        refused = once(ask("m"))

    assert refused.status == 503
    assert time.monotonic() - began < 10
    assert provider.received == []


@pytest.mark.parametrize("ask_once", [once, once_streamed])
def test_an_answer_that_cannot_be_kept_is_delivered_and_marked(
    provider: Upstream,
    kept: str,
    ask_once: Callable[..., Any],
    tmp_path: Path,
    emitted: Callable[[], Emitted],
) -> None:
    usual = provider.script

    def script(connection: socket.socket, received: Received) -> None:
        lose_everything(kept, tmp_path)
        usual(connection, received)

    provider.script = script
    answer = ask_once(ask("m"))

    warnings = [line["message"] for line in emitted().log if line["level"] == "WARNING"]
    assert answer.status == 200
    if isinstance(answer, Streamed):
        assert b": idempotency not-stored\n\n" in answer.body
    else:
        assert outcome(answer) == "not-stored"
    assert len(warnings) == 2  # neither kept nor released
    assert all(message.startswith("idempotency: ") for message in warnings)


def test_a_write_whose_answer_is_lost_is_not_taken_for_another_requests(
    provider: Upstream, table: DynamoDBClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost: list[str] = []
    moto = os.environ["AWS_ENDPOINT_URL_DYNAMODB"]

    def forward(connection: socket.socket, received: Received) -> None:
        answer = urllib3.request("POST", moto, body=received.body, headers=received.headers)
        if not lost and received.headers["x-amz-target"].endswith("PutItem"):
            lost.append("the first")
            then_close(raw(b""))(connection, received)
            return
        reply(answer.data, answer.status)(connection, received)

    monkeypatch.setenv("CHATD_IDEMPOTENCY_TABLE", TABLE)
    with upstream(forward) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", proxy.url)
        first, second = once(ask("m")), once(ask("m"))

    assert lost == ["the first"]
    assert (first.status, outcome(first), outcome(second)) == (200, None, "replayed")


def test_a_claim_of_the_same_millisecond_is_still_another_requests(table: DynamoDBClient) -> None:
    """Its record is the same to the letter, but it was met in the first attempt."""
    records = DynamoDB(TABLE, os.environ)
    records.claim(ONE, 60_000)
    (item,) = table.scan(TableName=TABLE)["Items"]
    end = int(item["in_progress_expiration"]["N"])
    # So many that one of them falls on the millisecond, give or take what a call takes.
    for _ in range(20):
        with pytest.raises(InFlightError):
            records.claim(ONE, max(0, end - int(time.time() * 1000)))


# --- how long, and what is known of it -----------------------------------------------------------


def test_records_are_claimed_kept_and_released(records: Records) -> None:
    assert records.claim(ONE, 60_000) is None
    with pytest.raises(InFlightError):
        records.claim(ONE, 60_000)
    with pytest.raises(KeyReusedError):
        records.claim(OTHER_BODY, 60_000)
    records.keep(ONE, FIRST)
    assert records.claim(ONE, 60_000) == FIRST
    with pytest.raises(KeyReusedError):
        records.claim(OTHER_BODY, 60_000)
    records.release(ONE)
    assert records.claim(OTHER_BODY, 60_000) is None


def test_a_request_that_never_ended_holds_its_key_for_the_time_it_had(records: Records) -> None:
    assert records.claim(ONE, 1) is None
    bound = time.monotonic() + 10
    while True:  # the millisecond may not be over yet
        try:
            found = records.claim(ONE, 60_000)
            break
        except InFlightError:
            assert time.monotonic() < bound

    assert found is None
    with pytest.raises(InFlightError):
        records.claim(ONE, 60_000)


def test_an_answer_is_kept_for_a_day(tmp_path: Path) -> None:
    now = [1_000_000.0]
    records = Sqlite(str(tmp_path / "records"), clock=lambda: now[0])
    records.claim(ONE, 60_000)
    records.keep(ONE, FIRST)
    now[0] += DAY

    assert records.claim(ONE, 60_000) == FIRST
    now[0] += 1
    assert records.claim(ONE, 60_000) is None
    with sqlite3.connect(tmp_path / "records") as file:
        assert file.execute("SELECT count(*) FROM records").fetchone() == (1,)
    file.close()


def test_the_tables_items_expire_after_a_day_and_hold_no_word_of_the_request(
    provider: Upstream, table: DynamoDBClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATD_IDEMPOTENCY_TABLE", TABLE)
    provider.script = reply(answers.ollama_chat("CANARY-ANSWER"))
    once(ask("m", "CANARY-PROMPT"), requestContext={"authorizer": {"principalId": "CANARY-ME"}})

    (item,) = table.scan(TableName=TABLE)["Items"]
    assert abs(int(item["expiration"]["N"]) - time.time() - DAY) < 60
    assert item["status"] == {"S": "COMPLETED"}
    assert len(item["id"]["S"].removeprefix("chat#")) == len(item["validation"]["S"]) == 64
    assert "CANARY" not in str(item)


@pytest.mark.parametrize("live", [False, True])
def test_no_key_prompt_or_answer_is_logged_even_at_debug(
    kept: str,
    live: bool,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    logging.getLogger("botocore").setLevel(logging.NOTSET)
    with caplog.at_level(logging.DEBUG):
        for prompt in ("CANARY-PROMPT", "CANARY-PROMPT", "CANARY-OTHER"):
            given(live=live, content=prompt)
        lose_everything(kept, tmp_path)
        given(live=live)

    said = caplog.text + "".join(capfd.readouterr())
    deflated = base64.b64encode(zlib.compress(b"")[:2]).decode()[:2]  # how every body begins
    assert not any(word in said for word in ("CANARY", "Hello", f'"{deflated}'))


def test_a_replay_is_told_of_in_one_line_and_no_metric(
    provider: Upstream, kept: str, emitted: Callable[[], Emitted]
) -> None:
    once(ask("m"))
    emitted()
    once(ask("m"))

    told = emitted()
    (line,) = told.log
    assert line["chatd.idempotency"] == "replayed"
    assert line["request_id"] == LambdaContext().aws_request_id
    assert told.metrics == []


def test_a_refusal_is_told_of_too(
    provider: Upstream, kept: str, emitted: Callable[[], Emitted]
) -> None:
    once(ask("m"))
    emitted()
    once(ask("m", "Something else."))

    (line,) = emitted().log
    assert (line["chatd.idempotency"], line["error.type"]) == ("refused", "idempotency_key_reused")


def test_a_page_may_send_the_key_and_read_what_became_of_it(
    provider: Upstream, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATD_CORS_ORIGINS", "https://a.example")
    origin = {"Origin": "https://a.example"}
    preflight = chat.app.lambda_handler(
        http_event("OPTIONS", "/v1/chat", headers=origin), LambdaContext()
    )["multiValueHeaders"]
    answer = post(ask("m"), headers={**origin, "Idempotency-Key": KEY})

    assert "idempotency-key" in preflight["Access-Control-Allow-Headers"][0]
    assert "x-chatd-idempotency" in answer.headers["access-control-expose-headers"]


# --- who has no key pays nothing -----------------------------------------------------------------

IMPORTS = """
import json, os, sys
sys.path[:0] = [{functions!r}, {root!r}]
import chat.app
from tests.support.functions import ask, post
headers = {{"Idempotency-Key": "k"}} if os.environ.get("KEY") else {{}}
status = post(ask("m"), headers=headers).status
names = ("chatd.idempotency", "sqlite3", "boto3", "aws_lambda_powertools.utilities.idempotency")
print(json.dumps([status, [name for name in names if name in sys.modules]]), file=sys.stderr)
"""


def imported(**environ: str) -> Any:
    """The status of a chat in a new process, and what of idempotency was imported for it."""
    code = IMPORTS.format(functions=str(ROOT / "functions"), root=str(ROOT))
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"CHATD_CONFIG": "/dev/null", **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stderr)


def test_nothing_of_it_is_imported_without_a_key(provider: Upstream, tmp_path: Path) -> None:
    environ = {"OLLAMA_URL": provider.url, "CHATD_IDEMPOTENCY_TABLE": TABLE}

    assert imported(**environ) == [200, []]


def test_a_file_needs_neither_boto3_nor_powertools_package(
    provider: Upstream, tmp_path: Path
) -> None:
    environ = {"OLLAMA_URL": provider.url, "CHATD_IDEMPOTENCY_FILE": str(tmp_path / "records")}

    assert imported(KEY="1", **environ) == [200, ["chatd.idempotency", "sqlite3"]]


def test_a_table_without_credentials_or_region_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("AWS_DEFAULT_REGION", "AWS_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))

    with pytest.raises(RecordsUnavailableError, match="NoRegionError"):
        DynamoDB(TABLE, {}).claim(ONE, 60_000)
