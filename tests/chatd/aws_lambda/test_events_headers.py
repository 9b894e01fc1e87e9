"""A surface reads an event's headers by lower-case name."""

from __future__ import annotations

import pytest

from chatd.aws_lambda.events import Headers


def test_a_header_is_found_in_any_case_of_the_event() -> None:
    headers = Headers({"headers": {"Anthropic-Version": "2023-06-01", "x-api-key": "k"}})

    assert headers["anthropic-version"] == "2023-06-01"
    assert dict(headers) == {"anthropic-version": "2023-06-01", "x-api-key": "k"}
    assert len(headers) == 2
    assert headers.get("accept") is None


@pytest.mark.parametrize("event", [{}, {"headers": None}, {"headers": {}}])
def test_an_event_without_headers_has_none(event: dict[str, object]) -> None:
    headers = Headers(event)

    assert (len(headers), list(headers), "x" in headers) == (0, [], False)
