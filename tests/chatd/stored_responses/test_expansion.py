"""References of a request are replaced by the stored items, within limits."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatd.errors import InvalidRequestError, RequestTooLargeError
from chatd.stored_responses import StoreUnavailableError
from chatd.stored_responses.blobs import Blobs
from chatd.stored_responses.caller_responses import CallerResponses, Conversation
from chatd.stored_responses.expansion import MAX_REFERENCES, Expansion, expand
from tests.support.stored_responses import ManualClock, MemoryRows

START = Conversation()
HELLO = {"type": "message", "role": "user", "content": "Hello"}


@pytest.fixture
def rows() -> MemoryRows:
    return MemoryRows()


@pytest.fixture
def mine(rows: MemoryRows) -> CallerResponses:
    return of_caller(rows, "me")


def of_caller(rows: MemoryRows, caller: str) -> CallerResponses:
    return CallerResponses(Blobs(lambda: rows), caller, 30, clock=ManualClock())


def output(name: str, text: str = "Hi") -> dict[str, Any]:
    return {"type": "message", "id": name, "role": "assistant", "content": text}


def save(mine: CallerResponses, name: str, sent: list[Any], *items: Any) -> None:
    mine.save({"id": name, "output": list(items)}, sent, START)


def body_of(expansion: Expansion) -> Any:
    return json.loads(expansion.body)


def sent(**request: Any) -> bytes:
    return json.dumps(request).encode()


@pytest.mark.parametrize(
    "body",
    [
        sent(model="m", input="Hello"),
        sent(model="m", input=[HELLO], store=False),
        sent(model="m", input="previous_response_id and item_reference are words here"),
        sent(model="m", input="Grüße", previous_response_id=None),
        b'{"model": "m", "input": "\\u00fc"}',
    ],
)
def test_a_request_without_a_reference_is_unchanged_and_reads_no_row(
    body: bytes, mine: CallerResponses, rows: MemoryRows
) -> None:
    assert expand(body, mine) == Expansion(body)
    assert rows.calls == []


@pytest.mark.parametrize(
    "body",
    [
        b"item_reference",
        b'["previous_response_id"]',
        b'"item_reference"',
        b'{"previous_response_id": ',
        b'{"input": {"type": "item_reference"}}',
        b'{"input": ["item_reference", 1, null, {"type": ["item_reference"]}]}',
        b"\xff item_reference",
    ],
)
def test_a_body_of_another_shape_is_left_to_the_surface(
    body: bytes, mine: CallerResponses, rows: MemoryRows
) -> None:
    assert expand(body, mine).body == body
    assert rows.calls == []


@pytest.mark.parametrize("given", ["Bye", [{"role": "user", "content": "Bye"}]])
def test_a_previous_response_comes_before_the_input(mine: CallerResponses, given: Any) -> None:
    save(mine, "resp_1", [HELLO], output("msg_1"))
    found = expand(sent(model="m", previous_response_id="resp_1", input=given, top_p=0.5), mine)

    last = {"type": "message", "role": "user", "content": "Bye"} if given == "Bye" else given[0]
    assert body_of(found) == {"model": "m", "top_p": 0.5, "input": [HELLO, output("msg_1"), last]}
    assert found.sent == [last]
    assert found.previous_response_id == "resp_1"
    assert [name for name, _ in found.earlier.responses] == ["resp_1"]


@pytest.mark.parametrize("more", [{}, {"input": []}])
def test_the_input_may_be_empty_after_a_previous_response(
    mine: CallerResponses, more: dict[str, Any]
) -> None:
    save(mine, "resp_1", [HELLO])

    assert body_of(expand(sent(previous_response_id="resp_1", **more), mine)) == {"input": [HELLO]}


def test_instructions_of_the_previous_response_are_not_carried_over(mine: CallerResponses) -> None:
    mine.save({"id": "resp_1", "instructions": "Be brief.", "output": []}, [HELLO], START)
    found = expand(sent(previous_response_id="resp_1", input="Bye"), mine)

    assert "instructions" not in body_of(found)


def test_a_name_hidden_by_an_escape_is_found(mine: CallerResponses) -> None:
    save(mine, "resp_1", [HELLO])
    body = sent(previous_response_id="resp_1", input="Bye").replace(
        b"previous_", b"previous\\u005f"
    )

    assert len(body_of(expand(body, mine))["input"]) == 2


def test_references_are_replaced_in_their_places_and_read_at_once(
    mine: CallerResponses, rows: MemoryRows
) -> None:
    for number in range(3):
        save(mine, f"resp_{number}", [], output(f"msg_{number}", f"answer {number}"))
    rows.calls.clear()
    names = ["msg_2", "msg_0", "msg_1", "msg_2"]
    given = [HELLO, *({"type": "item_reference", "id": name} for name in names), HELLO]
    found = expand(sent(input=given), mine)

    expected = [HELLO, *(output(name, f"answer {name[-1]}") for name in names), HELLO]
    assert body_of(found) == {"input": expected}
    assert found.sent == expected
    assert rows.calls == ["read"]


def test_a_previous_response_and_a_reference_work_together(mine: CallerResponses) -> None:
    save(mine, "resp_1", [HELLO], output("msg_1"))
    reference = {"type": "item_reference", "id": "msg_1"}
    found = expand(sent(previous_response_id="resp_1", input=[reference]), mine)

    assert body_of(found)["input"] == [HELLO, output("msg_1"), output("msg_1")]


@pytest.mark.parametrize("name", ["resp_2", "", "x" * 500, "resp_1\n", "a' or 'b", "über"])
def test_an_unknown_previous_response_is_a_400_as_openai_words_it(
    mine: CallerResponses, name: str
) -> None:
    save(mine, "resp_1", [HELLO])
    with pytest.raises(InvalidRequestError) as refused:
        expand(sent(previous_response_id=name, input="Bye"), mine)

    error = refused.value
    assert error.code == "previous_response_not_found"
    assert error.param == "previous_response_id"
    assert error.message.startswith("Previous response with id ")
    assert "not found" in error.message
    assert len(error.message) < 300
    assert (repr(name) in error.message) == (name == "resp_2")


@pytest.mark.parametrize("name", [1, True, [], {}, ["resp_1"]])
def test_a_previous_response_id_of_another_type_is_refused(
    mine: CallerResponses, name: Any
) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        expand(sent(previous_response_id=name, input="Bye"), mine)

    assert refused.value.param == "previous_response_id"


@pytest.mark.parametrize("name", ["msg_2", "", "resp_1"])
def test_an_unknown_item_is_a_400_that_names_store(mine: CallerResponses, name: str) -> None:
    save(mine, "resp_1", [HELLO], output("msg_1"))
    reference = {"type": "item_reference", "id": name}
    with pytest.raises(InvalidRequestError, match="`store: false`") as refused:
        expand(sent(input=[HELLO, reference]), mine)

    assert (refused.value.code, refused.value.param) == ("item_not_found", "input.1.id")


@pytest.mark.parametrize("reference", [{}, {"id": None}, {"id": 5}, {"id": ["msg_1"]}])
def test_a_reference_without_an_id_is_refused(
    mine: CallerResponses, reference: dict[str, Any]
) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        expand(sent(input=[{"type": "item_reference", **reference}]), mine)

    assert refused.value.param == "input.0.id"


def test_another_caller_s_response_and_item_are_not_found(
    rows: MemoryRows, mine: CallerResponses
) -> None:
    save(of_caller(rows, "other"), "resp_1", [HELLO], output("msg_1"))

    for request in (
        {"previous_response_id": "resp_1", "input": "Bye"},
        {"input": [{"type": "item_reference", "id": "msg_1"}]},
    ):
        with pytest.raises(InvalidRequestError, match="not found"):
            expand(sent(**request), mine)


def test_a_store_that_fails_is_reported(mine: CallerResponses, rows: MemoryRows) -> None:
    rows.fail = True
    with pytest.raises(StoreUnavailableError):
        expand(sent(previous_response_id="resp_1", input="Bye"), mine)


def test_references_to_one_large_item_are_limited_together(mine: CallerResponses) -> None:
    save(mine, "resp_1", [], output("msg_1", "x" * 1_000_000))
    reference = {"type": "item_reference", "id": "msg_1"}

    assert len(expand(sent(input=[reference] * 5), mine).body) > 5_000_000
    for many in (6, 20_000):
        with pytest.raises(RequestTooLargeError, match="larger than 5 MB"):
            expand(sent(input=[reference] * many), mine)


def test_a_conversation_and_its_input_are_limited_together(mine: CallerResponses) -> None:
    save(mine, "resp_1", [{**HELLO, "content": "x" * 3_000_000}])
    request = {"previous_response_id": "resp_1", "input": "x" * 2_000_000}
    assert len(expand(sent(**request), mine).body) > 5_000_000

    with pytest.raises(RequestTooLargeError, match="larger than 5 MB"):
        expand(sent(**{**request, "input": "x" * 2_300_000}), mine)


def test_the_values_of_a_conversation_and_its_input_are_limited_together(
    mine: CallerResponses,
) -> None:
    many = [{**HELLO, "content": [0] * 240_000}]
    save(mine, "resp_1", many)
    request = {"previous_response_id": "resp_1", "input": [{"x": [0] * 5_000}]}
    assert expand(sent(**request), mine).sent == request["input"]

    with pytest.raises(RequestTooLargeError, match="250,000 JSON values"):
        expand(sent(previous_response_id="resp_1", input=[{"x": [0] * 20_000}]), mine)


def test_more_references_than_the_limit_are_refused_before_a_read(
    mine: CallerResponses, rows: MemoryRows
) -> None:
    given = [{"type": "item_reference", "id": f"msg_{n}"} for n in range(MAX_REFERENCES + 1)]
    with pytest.raises(InvalidRequestError, match="more than 2,000 references"):
        expand(sent(input=given), mine)

    assert rows.calls == []


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_a_number_that_is_not_finite_stays_for_the_surface_to_refuse(
    mine: CallerResponses, number: str
) -> None:
    save(mine, "resp_1", [HELLO])
    body = sent(previous_response_id="resp_1", input="Bye", x=5).replace(b"5", number.encode())

    assert number.encode() in expand(body, mine).body


ITEMS = st.lists(
    st.builds(
        lambda role, text: {"role": role, "content": text},
        st.sampled_from(["user", "assistant"]),
        st.text(max_size=20),
    ),
    max_size=3,
)


@given(st.lists(st.tuples(ITEMS, ITEMS), min_size=1, max_size=6), ITEMS)
def test_a_conversation_by_previous_response_id_equals_the_same_one_sent_whole(
    turns: list[tuple[list[Any], list[Any]]], last: list[Any]
) -> None:
    mine = of_caller(MemoryRows(), "me")
    earlier, whole = START, []
    for number, (question, answered) in enumerate(turns):
        mine.save({"id": f"resp_{number}", "output": answered}, question, earlier)
        whole += [*question, *answered]
        found = mine.conversation(f"resp_{number}")
        assert found is not None
        earlier = found

    previous = f"resp_{len(turns) - 1}"
    expansion = expand(sent(model="m", previous_response_id=previous, input=last), mine)
    assert body_of(expansion) == {"model": "m", "input": [*whole, *last]}
