"""OpenAI's SDK continues, reads and deletes stored responses, from the file and from a table."""

from __future__ import annotations

import json
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.local.conftest import PATIENCE, ROOT, Gateway, Start
from tests.support import answers
from tests.support.dynamodb_tables import template_table
from tests.support.stored_responses import TABLE
from tests.support.upstream import Received, Upstream, chunked, reply, upstream

PYTHON = ROOT / ".venv-clients/bin/python"
STACK = ("--template", str(ROOT / "template.yaml"), "--code", str(ROOT / "functions"))
SCRIPT = """
import json, sys
from openai import BadRequestError, NotFoundError, OpenAI

def client(key):
    return OpenAI(base_url=sys.argv[1] + "/v1", api_key=key, max_retries=0)

def failure(call):
    try:
        call()
    except (BadRequestError, NotFoundError) as error:
        return [error.status_code, error.code]

me, other = client("one"), client("other")
first = me.responses.create(model="llama3.2", input="one", instructions="Be brief.")
events = list(me.responses.create(
    model="llama3.2", input="two", previous_response_id=first.id, stream=True))
second = events[-1].response
third = me.responses.create(model="llama3.2", input=[
    {"role": "user", "content": "one"},
    {"type": "item_reference", "id": first.output[0].id},
    {"role": "user", "content": "three"},
])
once = [
    me.responses.create(model="llama3.2", input="once", extra_headers={"Idempotency-Key": "k"}).id
    for _ in range(2)
]
unstored = me.responses.create(model="llama3.2", input="no", store=False)
result = {
    "types": [events[0].type, events[-1].type],
    "ids": [first.id, events[0].response.id, second.id],
    "previous": second.previous_response_id,
    "store": [first.store, events[0].response.store, second.store, unstored.store],
    "retrieved": me.responses.retrieve(second.id).to_dict() == second.to_dict(),
    "input": [item.content[0].text for item in me.responses.input_items.list(second.id)],
    "texts": [first.output_text, second.output_text, third.output_text],
    "once": [once[0] == once[1], me.responses.retrieve(once[0]).id == once[0]],
    "others": [
        failure(lambda: other.responses.retrieve(second.id)),
        failure(lambda: other.responses.delete(second.id)),
        failure(lambda: other.responses.create(
            model="llama3.2", input="x", previous_response_id=second.id)),
        failure(lambda: other.responses.create(model="llama3.2", input=[
            {"type": "item_reference", "id": first.output[0].id}])),
    ],
    "unstored": [
        failure(lambda: me.responses.retrieve(unstored.id)),
        failure(lambda: me.responses.create(
            model="llama3.2", input="x", previous_response_id=unstored.id)),
    ],
    "deleted": [
        me.responses.delete(first.id),
        failure(lambda: me.responses.retrieve(first.id)),
        failure(lambda: me.responses.create(
            model="llama3.2", input="x", previous_response_id=second.id)),
    ],
}
print(json.dumps(result))
"""


@pytest.fixture
def ollama() -> Iterator[Upstream]:
    """Serve an Ollama that repeats the last message."""

    def script(connection: socket.socket, received: Received) -> None:
        if not received.body:
            reply({"models": []})(connection, received)
            return
        text = f"You sent {received.json['messages'][-1]['content']}."
        if received.json.get("stream"):
            chunked(answers.ollama_lines(text[:5], text[5:]))(connection, received)
        else:
            reply(answers.ollama_chat(text))(connection, received)

    with upstream(script) as server:
        yield server


@pytest.fixture(params=["file", "table"])
def gateway(
    request: pytest.FixtureRequest,
    start: Start,
    ollama: Upstream,
    _moto: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Iterator[Gateway]:
    """Start `make run` with each store."""
    (tmp_path / "temporary").mkdir()
    settings = {
        "OLLAMA_URL": ollama.url,
        "CHATD_CONFIG": "/dev/null",
        "TMPDIR": str(tmp_path / "temporary"),
    }
    if request.param == "file":
        yield start(*STACK, **settings)
        return
    with template_table("ResponsesTable", TABLE, _moto, monkeypatch) as client:
        yield start(
            *STACK,
            **settings,
            CHATD_RESPONSES_TABLE=TABLE,
            AWS_ENDPOINT_URL_DYNAMODB=_moto,
            AWS_ACCESS_KEY_ID="test",
            AWS_SECRET_ACCESS_KEY="test",
            AWS_DEFAULT_REGION="us-east-1",
        )
        assert client.scan(TableName=TABLE)["Count"] > 0


def test_openai_s_sdk_uses_stored_responses(gateway: Gateway, ollama: Upstream) -> None:
    ollama.received.clear()  # the requests of the start
    done = subprocess.run(
        [PYTHON, "-c", SCRIPT, gateway.url],
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: Any = json.loads(done.stdout)

    first, begun, second = result["ids"]
    missing = [404, "response_not_found"]
    unknown = [400, "previous_response_not_found"]
    assert begun == second != first
    assert result == {
        "types": ["response.created", "response.completed"],
        "ids": [first, second, second],
        "previous": first,
        "store": [True, True, True, False],
        "retrieved": True,
        "input": ["two"],
        "texts": ["You sent one.", "You sent two.", "You sent three."],
        "once": [True, True],
        "others": [missing, missing, unknown, [400, "item_not_found"]],
        "unstored": [missing, unknown],
        "deleted": [None, missing, unknown],
    }
    turns = [
        [message["content"] for message in request.json["messages"]]
        for request in ollama.received
        if request.body
    ]
    assert turns == [
        ["Be brief.", "one"],
        ["one", "You sent one.", "two"],
        ["one", "You sent one.", "three"],
        ["once"],
        ["no"],
    ]
