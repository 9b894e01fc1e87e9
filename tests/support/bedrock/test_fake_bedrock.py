"""The fake Bedrock serves AWS's own client, and refuses the requests that AWS refuses."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import botocore.session
import pytest
import urllib3
from botocore.config import Config
from botocore.exceptions import ClientError, EventStreamError

from tests.clients.stub_model import Answer
from tests.support.bedrock.errors import BedrockError
from tests.support.bedrock.fake import FakeBedrock, Midway, fake_bedrock
from tests.support.bedrock.models import APPLICATION_PROFILE
from tests.support.bedrock.short_term_key import minted
from tests.support.bedrock.signatures import Key

HELLO = [{"role": "user", "content": [{"text": "Hello"}]}]
NOVA = "amazon.nova-lite-v1:0"


@pytest.fixture(scope="module")
def server() -> Iterator[FakeBedrock]:
    with fake_bedrock() as running:
        yield running


@pytest.fixture
def bedrock(server: FakeBedrock) -> FakeBedrock:
    server.log.clear()
    server.refused.clear()
    server.upcoming.clear()
    return server


Clients = Callable[..., Any]


@pytest.fixture(scope="module")
def session() -> botocore.session.Session:
    return botocore.session.get_session()


@pytest.fixture
def client(bedrock: FakeBedrock, session: botocore.session.Session) -> Iterator[Clients]:
    """Return a maker of AWS's clients, for a service and a key."""
    made: list[Any] = []

    def make(service: str = "bedrock-runtime", key: Key | None = None) -> Any:
        key = key or Key()
        names = ("aws_access_key_id", "aws_secret_access_key", "aws_session_token")
        secrets = dict(zip(names, (key.id, key.secret, key.token), strict=True))
        config = Config(retries={"total_max_attempts": 1})
        options: dict[str, Any] = {"endpoint_url": bedrock.url, "config": config, **secrets}
        made.append(session.create_client(service, "us-east-1", **options))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.mark.parametrize("model", ["us.amazon.nova-pro-v1:0", NOVA, APPLICATION_PROFILE])
def test_a_converse_signed_by_botocore_is_answered(
    bedrock: FakeBedrock, client: Clients, model: str
) -> None:
    answer = client().converse(modelId=model, messages=HELLO)

    assert answer["output"]["message"]["content"] == [{"text": "bedrock echoes: Hello"}]
    assert (bedrock.last.way, bedrock.refused) == ("sigv4", [])


def test_botocore_reads_the_stream(bedrock: FakeBedrock, client: Clients) -> None:
    bedrock.upcoming.append(Answer("One two", (("look", {"city": "Zürich"}),), "Hm."))

    events = list(client().converse_stream(modelId=NOVA, messages=HELLO)["stream"])

    deltas = [
        event["contentBlockDelta"]["delta"] for event in events if "contentBlockDelta" in event
    ]
    assert "".join(delta.get("text", "") for delta in deltas) == "One two"
    called = "".join(delta["toolUse"]["input"] for delta in deltas if "toolUse" in delta)
    assert json.loads(called) == {"city": "Zürich"}
    assert [name for event in events[-2:] for name in event] == ["messageStop", "metadata"]


def test_an_exception_ends_a_stream(bedrock: FakeBedrock, client: Clients) -> None:
    bedrock.upcoming.append(Midway(BedrockError("ThrottlingException", "Too many tokens")))

    stream = client().converse_stream(modelId=NOVA, messages=HELLO)["stream"]
    with closing(stream), pytest.raises(EventStreamError, match="throttlingException"):
        list(stream)


@pytest.mark.parametrize(
    "key",
    [
        Key(secret="another"),
        Key(id="AKIAUNKNOWN"),
        Key(token="of no session"),
    ],
    ids=["secret", "key", "token"],
)
def test_a_wrong_credential_is_refused(bedrock: FakeBedrock, client: Clients, key: Key) -> None:
    with pytest.raises(ClientError, match=r"InvalidSignature|UnrecognizedClient"):
        client(key=key).converse(modelId=NOVA, messages=HELLO)

    assert bedrock.log == []


def test_a_changed_body_is_refused(bedrock: FakeBedrock, client: Clients) -> None:
    runtime = client()

    def changed(request: Any, **_: Any) -> None:
        request.body = request.body.replace(b"Hello", b"Hallo")

    runtime.meta.events.register("before-send.bedrock-runtime.Converse", changed)

    with pytest.raises(ClientError, match="InvalidSignature"):
        runtime.converse(modelId=NOVA, messages=HELLO)


def test_a_short_term_key_of_aws_s_own_shape_is_accepted(bedrock: FakeBedrock) -> None:

    answer = _get(bedrock, "/foundation-models", minted(Key(), "us-east-1"))

    assert (answer.status, bedrock.last.way) == (200, "short-term key")


@pytest.mark.parametrize("given", ["", "Bearer no-key", "Bearer bedrock-api-key-bm90aGluZw=="])
def test_a_missing_or_unknown_key_is_refused(bedrock: FakeBedrock, given: str) -> None:
    headers = {"Authorization": given} if given else {}

    answer = urllib3.request("GET", f"{bedrock.url}/foundation-models", headers=headers)

    assert answer.status == 403


def test_the_lists_are_those_of_the_control_plane(bedrock: FakeBedrock, client: Clients) -> None:
    control = client("bedrock")

    models = control.list_foundation_models()["modelSummaries"]
    pages = control.get_paginator("list_inference_profiles").paginate(
        PaginationConfig={"PageSize": 7}
    )
    profiles = [found for page in pages for found in page["inferenceProfileSummaries"]]

    assert NOVA in {model["modelId"] for model in models}
    assert {profile["type"] for profile in profiles} == {"SYSTEM_DEFINED", "APPLICATION"}
    assert len(bedrock.log) > 2


def test_an_assumed_role_s_credentials_are_accepted(bedrock: FakeBedrock, client: Clients) -> None:
    assumed = client("sts").assume_role(
        RoleArn="arn:aws:iam::444455556666:role/bedrock", RoleSessionName="chatd"
    )["Credentials"]
    key = Key(assumed["AccessKeyId"], assumed["SecretAccessKey"], assumed["SessionToken"])

    client(key=key).converse(modelId=NOVA, messages=HELLO)

    assert bedrock.last.key.account == "444455556666"


def test_a_guardrail_replaces_a_text(bedrock: FakeBedrock, client: Clients) -> None:
    bedrock.guard = lambda text: "Blocked." if "bomb" in text else None
    content = [{"text": {"text": "a bomb"}}]

    answer = client().apply_guardrail(
        guardrailIdentifier="gr1", guardrailVersion="1", source="INPUT", content=content
    )

    assert (answer["action"], answer["outputs"]) == ("GUARDRAIL_INTERVENED", [{"text": "Blocked."}])


REFUSED: dict[str, tuple[str, dict[str, Any]]] = {
    "on-demand": ("/model/anthropic.claude-opus-4-8/converse", {"messages": HELLO}),
    "turns": (f"/model/{NOVA}/converse", {"messages": HELLO * 2}),
    "route": ("/openai/v1/chat/completions", {"model": NOVA, "messages": []}),
    "limit": (
        "/openai/v1/chat/completions",
        {"model": "us.openai.gpt-6-sol", "messages": [], "max_tokens": 5},
    ),
    "tool": (
        "/openai/v1/responses",
        {"model": "us.openai.gpt-6-sol", "input": "x", "tools": [{"type": "web_search"}]},
    ),
    "version": (
        "/anthropic/v1/messages",
        {"model": "us.anthropic.claude-opus-4-8", "messages": [], "max_tokens": 5},
    ),
}


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_bedrock_refuses_is_a_validation_exception(bedrock: FakeBedrock, name: str) -> None:
    path, body = REFUSED[name]
    (key,) = bedrock.access.api_keys

    answer = urllib3.request(
        "POST", bedrock.url + path, headers={"Authorization": f"Bearer {key}"}, json=body
    )

    assert answer.status == 400
    assert answer.headers["x-amzn-errortype"].startswith("ValidationException:")
    assert len(bedrock.refused) == 1


def _get(bedrock: FakeBedrock, path: str, key: str) -> urllib3.BaseHTTPResponse:
    return urllib3.request("GET", bedrock.url + path, headers={"Authorization": f"Bearer {key}"})
