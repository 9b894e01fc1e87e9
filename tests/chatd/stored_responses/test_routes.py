"""GET and DELETE of stored responses, for the caller that made them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import chat.app
from chatd.stored_responses.blobs import Blobs
from chatd.stored_responses.caller_responses import CallerResponses, Conversation
from chatd.stored_responses.sqlite import Sqlite
from tests.support.functions import HttpResult, LambdaContext, http_event

PATH = "/v1/responses/{id}"
INPUT = "/v1/responses/{id}/input_items"
BODY = {
    "id": "resp_1",
    "object": "response",
    "store": True,
    "previous_response_id": None,
    "output": [{"type": "message", "id": "msg_1", "role": "assistant", "content": []}],
}
SENT = [
    {"role": "user", "content": "one"},
    {"role": "assistant", "content": "two"},
    {"type": "function_call_output", "id": "fco_1", "call_id": "c", "output": "three"},
    {"type": "message", "id": "", "role": "user", "content": []},
]


def call(method: str, path: str, name: str, caller: str = "me", **query: str) -> HttpResult:
    event = http_event(
        method,
        path.replace("{id}", name),
        resource=path,
        pathParameters={"id": name},
        queryStringParameters=query or None,
    )
    event["requestContext"]["authorizer"] = {"principalId": caller}
    result: Any = chat.app.lambda_handler(event, LambdaContext())
    headers = {key.lower(): values[0] for key, values in result["multiValueHeaders"].items()}
    return HttpResult(result["statusCode"], headers, json.loads(result["body"]))


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Store a response of the caller `me`, and return the store's file."""
    path = tmp_path / "responses"
    monkeypatch.setenv("CHATD_RESPONSES_FILE", str(path))
    rows = Sqlite(str(path))
    CallerResponses(Blobs(lambda: rows), "caller me", 30).save(BODY, SENT, Conversation())
    return path


@pytest.mark.usefixtures("file")
def test_a_stored_response_is_returned() -> None:
    answer = call("GET", PATH, "resp_1")

    assert (answer.status, answer.json) == (200, BODY)
    assert call("GET", PATH, "resp_1", stream="false").json == BODY


@pytest.mark.usefixtures("file")
def test_a_stored_response_is_returned_whole_alone() -> None:
    answer = call("GET", PATH, "resp_1", stream="true")

    assert (answer.status, answer.json["error"]["param"]) == (400, "stream")


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize("method", ["GET", "DELETE"])
@pytest.mark.parametrize(
    ("name", "caller"), [("resp_2", "me"), ("resp_1", "other"), ("msg_1", "me"), ("%00", "me")]
)
def test_an_unknown_response_and_another_caller_s_are_a_404(
    method: str, name: str, caller: str
) -> None:
    answer = call(method, PATH, name, caller)

    assert (answer.status, answer.json["error"]["code"]) == (404, "response_not_found")
    assert "not found" in answer.json["error"]["message"]
    assert call("GET", PATH, "resp_1").status == 200


@pytest.mark.usefixtures("file")
def test_a_deleted_response_is_gone() -> None:
    answer = call("DELETE", PATH, "resp_1")

    deleted = {"id": "resp_1", "object": "response", "deleted": True}
    assert (answer.status, answer.json) == (200, deleted)
    assert call("GET", PATH, "resp_1").status == 404
    assert call("DELETE", PATH, "resp_1").status == 404


@pytest.mark.usefixtures("file")
def test_the_input_of_a_response_is_listed_in_full_form_the_last_item_first() -> None:
    answer = call("GET", INPUT, "resp_1")

    assert answer.json == {
        "object": "list",
        "data": [
            {"type": "message", "id": "item_3_resp_1", "role": "user", "content": []},
            SENT[2],
            {
                "type": "message",
                "id": "item_1_resp_1",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "two"}],
            },
            {
                "type": "message",
                "id": "item_0_resp_1",
                "role": "user",
                "content": [{"type": "input_text", "text": "one"}],
            },
        ],
        "first_id": "item_3_resp_1",
        "last_id": "item_0_resp_1",
        "has_more": False,
    }


@pytest.mark.usefixtures("file")
def test_the_input_is_listed_in_pages() -> None:
    ids: list[str] = []
    more = True
    while more:
        after = {"after": ids[-1]} if ids else {}
        page = call("GET", INPUT, "resp_1", order="asc", limit="3", **after).json
        ids += [item["id"] for item in page["data"]]
        more = page["has_more"]

    assert ids == ["item_0_resp_1", "item_1_resp_1", "fco_1", "item_3_resp_1"]
    empty = call("GET", INPUT, "resp_1", order="asc", after=ids[-1]).json
    assert (empty["data"], empty["first_id"], empty["has_more"]) == ([], None, False)


@pytest.mark.usefixtures("file")
@pytest.mark.parametrize(
    ("param", "value"),
    [
        *(("limit", value) for value in ("0", "101", "-1", "ten", "1.5", "9" * 5_000)),
        ("order", "random"),
        ("after", "none"),
    ],
)
def test_a_wrong_parameter_of_the_list_is_named(param: str, value: str) -> None:
    answer = call("GET", INPUT, "resp_1", **{param: value})

    assert (answer.status, answer.json["error"]["param"]) == (400, param)


@pytest.mark.usefixtures("file")
def test_the_input_of_an_unknown_response_is_a_404() -> None:
    assert call("GET", INPUT, "resp_1", "other").status == 404


@pytest.mark.parametrize(("method", "path"), [("GET", PATH), ("DELETE", PATH), ("GET", INPUT)])
def test_a_store_that_cannot_be_reached_is_a_503(
    method: str, path: str, file: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file.write_bytes(b"no database" * 100)
    answer = call(method, path, "resp_1")

    assert (answer.status, answer.json["error"]["code"]) == (503, "stored_responses_unavailable")
    assert answer.headers["retry-after"] == "1"
    assert "DatabaseError" in capfd.readouterr().out


@pytest.mark.parametrize(("method", "path"), [("GET", PATH), ("DELETE", PATH), ("GET", INPUT)])
def test_without_a_store_a_404_names_the_parameter(method: str, path: str) -> None:
    answer = call(method, path, "resp_1")

    assert (answer.status, answer.json["error"]["code"]) == (404, "response_not_found")
    assert "StoredResponses" in answer.json["error"]["message"]
