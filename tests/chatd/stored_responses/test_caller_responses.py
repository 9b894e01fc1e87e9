"""The stored responses of one caller: continued, returned, referenced, deleted, expired."""

from __future__ import annotations

import json
from typing import Any

import pytest

from chatd.errors import InvalidRequestError, RequestTooLargeError
from chatd.stored_responses import NotStoredError, Rows, StoreUnavailableError
from chatd.stored_responses.blobs import Blobs
from chatd.stored_responses.caller_responses import (
    MAX_REFERENCED_ITEMS,
    MAX_RESPONSES,
    CallerResponses,
    Conversation,
)
from tests.support.stored_responses import ManualClock, MemoryRows

DAY = 24 * 60 * 60
START = Conversation()


def of_caller(rows: Rows, clock: ManualClock | None = None, caller: str = "me") -> CallerResponses:
    return CallerResponses(Blobs(lambda: rows), caller, 30, clock=clock or ManualClock())


def user(text: str) -> dict[str, Any]:
    return {"role": "user", "content": text}


def message(name: str, text: str = "Hi") -> dict[str, Any]:
    content = [{"type": "output_text", "text": text, "annotations": []}]
    return {"type": "message", "id": name, "role": "assistant", "content": content}


def response(name: str, *output: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"id": name, "object": "response", "output": list(output), **more}


def items_of(conversation: Conversation | None) -> Any:
    assert conversation is not None
    return json.loads(b"[%b]" % conversation.items)


def test_a_conversation_of_three_responses_has_all_items_in_order(rows: Rows) -> None:
    mine = of_caller(rows)
    conversation = START
    sent: list[Any] = []
    for number in range(3):
        turn = [user(f"question {number}")], message(f"msg_{number}")
        mine.save(response(f"resp_{number}", turn[1]), turn[0], conversation)
        sent += [*turn[0], turn[1]]
        found = mine.conversation(f"resp_{number}")
        assert found is not None
        conversation = found

    assert items_of(conversation) == sent
    assert [name for name, _ in conversation.responses] == ["resp_0", "resp_1", "resp_2"]
    assert items_of(mine.conversation("resp_0")) == sent[:2]


def test_a_response_without_items_is_a_conversation_without_items() -> None:
    mine = of_caller(MemoryRows())
    mine.save(response("resp_0"), [], START)
    first = mine.conversation("resp_0")
    assert first is not None
    mine.save(response("resp_1", message("msg_1")), [], first)

    assert items_of(first) == []
    assert items_of(mine.conversation("resp_1")) == [message("msg_1")]


def test_a_stored_response_is_returned_whole_with_what_the_caller_sent(rows: Rows) -> None:
    mine = of_caller(rows)
    body = response("resp_1", message("msg_1", "Grüße 🦉\0"), message("msg_2"), usage={"a": 1.5})
    mine.save(body, [user("one"), user("two")], START)
    found = mine.get("resp_1")

    assert found is not None
    assert found.body == body
    assert list(found.input_items) == [user("one"), user("two")]


def test_items_are_found_by_their_ids(rows: Rows) -> None:
    mine = of_caller(rows)
    mine.save(response("resp_1", message("msg_1"), {"type": "reasoning", "id": "rs_1"}), [], START)
    found = mine.items(["rs_1", "msg_1", "msg_2", ""])

    assert {name: json.loads(item) for name, item in found.items()} == {
        "msg_1": message("msg_1"),
        "rs_1": {"type": "reasoning", "id": "rs_1"},
    }


def test_another_caller_finds_neither_response_nor_item(rows: Rows) -> None:
    mine, theirs = of_caller(rows), of_caller(rows, caller="other")
    mine.save(response("resp_1", message("msg_1")), [user("secret")], START)

    assert theirs.conversation("resp_1") is None
    assert theirs.get("resp_1") is None
    assert theirs.items(["msg_1"]) == {}
    assert theirs.delete("resp_1") is False
    assert mine.get("resp_1") is not None


def test_the_id_of_an_item_is_no_id_of_a_response() -> None:
    mine = of_caller(MemoryRows())
    mine.save(response("resp_1", message("msg_1")), [], START)

    assert mine.get("msg_1") is None
    assert mine.conversation("msg_1") is None
    assert mine.items(["resp_1"]) == {}


def test_a_deleted_response_leaves_no_row_and_ends_the_conversations_after_it() -> None:
    rows = MemoryRows()
    mine = of_caller(rows)
    mine.save(response("resp_1", message("msg_1")), [user("one")], START)
    first = mine.conversation("resp_1")
    assert first is not None
    mine.save(response("resp_2", message("msg_2")), [user("two")], first)
    before = len(rows.rows)

    assert mine.delete("resp_1") is True
    assert before - len(rows.rows) == 3
    assert mine.delete("resp_1") is False
    assert mine.items(["msg_1", "msg_2"]).keys() == {"msg_2"}
    assert mine.get("resp_2") is not None
    assert mine.conversation("resp_2") is None
    mine.delete("resp_2")
    assert rows.rows == {}


def test_a_response_expires_after_its_days(rows: Rows, clock: ManualClock) -> None:
    mine = of_caller(rows, clock)
    mine.save(response("resp_1", message("msg_1")), [user("one")], START)
    clock.now += 30 * DAY - 1
    assert mine.get("resp_1") is not None
    clock.now += 1

    assert mine.get("resp_1") is None
    assert mine.conversation("resp_1") is None
    assert mine.items(["msg_1"]) == {}


def test_a_conversation_is_read_in_two_steps_and_a_hundred_turns_a_batch() -> None:
    rows = MemoryRows()
    mine = of_caller(rows)
    conversation: Conversation | None = START
    for number in range(120):
        assert conversation is not None
        mine.save(response(f"resp_{number}"), [user(str(number))], conversation)
        conversation = mine.conversation(f"resp_{number}")
    rows.calls.clear()

    assert len(items_of(mine.conversation("resp_119"))) == 120
    assert rows.calls == ["read"] * 3


def test_a_conversation_has_a_thousand_responses_at_most() -> None:
    rows = MemoryRows()
    mine = of_caller(rows)
    for number in range(MAX_RESPONSES):
        mine.save(response(f"resp_{number}"), [], START)
    many = [(f"resp_{number}", 2) for number in range(MAX_RESPONSES - 1)]
    mine.save(response("last"), [], Conversation(many))
    assert mine.conversation("last") is not None
    mine.save(response("late"), [], Conversation([*many, ("resp_999", 2)]))
    rows.calls.clear()

    with pytest.raises(InvalidRequestError, match="more than 1,000 responses") as refused:
        mine.conversation("late")
    assert refused.value.param == "previous_response_id"
    assert rows.calls == ["read"]


def test_a_chain_of_ten_thousand_responses_is_refused_after_one_read() -> None:
    rows = MemoryRows()
    mine = of_caller(rows)
    mine.save(response("late"), [], Conversation([(f"resp_{n}", 2) for n in range(10_000)]))

    with pytest.raises(InvalidRequestError, match="more than 1,000 responses"):
        mine.conversation("late")
    assert rows.calls == ["write", "read"]


def test_a_conversation_over_five_megabytes_is_refused_before_its_turns_are_read() -> None:
    rows = MemoryRows()
    mine = of_caller(rows)
    first: Conversation | None = START
    for name in ("one", "two"):
        assert first is not None
        mine.save(response(name), [user("x" * 2_700_000)], first)
        if name == "one":
            first = mine.conversation(name)
    rows.calls.clear()

    with pytest.raises(RequestTooLargeError, match="larger than 5 MB"):
        mine.conversation("two")
    assert rows.calls == ["read"]


def test_items_over_five_megabytes_are_refused() -> None:
    mine = of_caller(MemoryRows())
    for name in ("one", "two"):
        mine.save(response(f"resp_{name}", message(name, "x" * 2_700_000)), [], START)

    assert mine.items(["one"]).keys() == {"one"}
    with pytest.raises(RequestTooLargeError, match="larger than 5 MB"):
        mine.items(["one", "two"])


def test_the_first_items_of_a_long_output_can_be_referenced() -> None:
    rows = MemoryRows()
    mine = of_caller(rows)
    many = [message(f"msg_{number}") for number in range(MAX_REFERENCED_ITEMS + 1)]
    mine.save(response("resp_1", *many), [], START)

    found = mine.items([item["id"] for item in many])
    assert found.keys() == {item["id"] for item in many[:-1]}
    assert len(items_of(mine.conversation("resp_1"))) == len(many)
    mine.delete("resp_1")
    assert rows.rows == {}


@pytest.mark.parametrize("name", [None, "", 5, ["a"], {"a": 1}])
def test_an_item_without_an_id_is_stored_within_its_response_alone(name: Any) -> None:
    rows = MemoryRows()
    mine = of_caller(rows)
    mine.save(response("resp_1", {"type": "message", "id": name}), [], START)

    assert len(rows.rows) == 2
    assert items_of(mine.conversation("resp_1")) == [{"type": "message", "id": name}]
    assert mine.delete("resp_1") is True


def test_numbers_that_are_not_finite_and_half_characters_are_replaced(rows: Rows) -> None:
    mine = of_caller(rows)
    mine.save(response("resp_1", message("msg_0", "a\ud800b")), [{"x": float("inf")}], START)

    assert items_of(mine.conversation("resp_1")) == [{"x": None}, message("msg_0", "a?b")]
    found = mine.get("resp_1")
    assert found is not None
    assert found.body["output"] == [message("msg_0", "a?b")]


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def test_a_response_as_deep_as_a_request_may_be_is_returned() -> None:
    mine = of_caller(MemoryRows())
    body = response("resp_1", message("msg_0"), metadata=nested(199))
    mine.save(body, [], START)
    found = mine.get("resp_1")

    assert found is not None
    assert found.body == body
    assert mine.conversation("resp_1") is not None


@pytest.mark.parametrize("depth", [300, 5_000])
def test_a_response_that_is_nested_too_deeply_is_not_stored(depth: int) -> None:
    rows = MemoryRows()
    with pytest.raises(NotStoredError, match="nested too deeply"):
        of_caller(rows).save(response("resp_1", {"id": "msg_0", "x": nested(depth)}), [], START)

    assert rows.rows == {}


def test_no_row_holds_a_caller_an_id_or_a_readable_text() -> None:
    rows = MemoryRows()
    of_caller(rows, caller="CANARY-ME").save(
        response("resp_CANARY", message("msg_CANARY", "CANARY " * 9)), [user("CANARY")], START
    )

    assert "CANARY" not in str(list(rows.rows))
    assert all(len(key.id) == 64 for key in rows.rows)


def test_a_store_that_fails_is_reported() -> None:
    rows = MemoryRows()
    rows.fail = True
    mine = of_caller(rows)

    for call in (
        lambda: mine.conversation("resp_1"),
        lambda: mine.items(["msg_1"]),
        lambda: mine.get("resp_1"),
        lambda: mine.delete("resp_1"),
        lambda: mine.save(response("resp_1"), [], START),
    ):
        with pytest.raises(StoreUnavailableError, match="away"):
            call()
