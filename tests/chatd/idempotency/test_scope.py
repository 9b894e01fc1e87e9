"""A key belongs to one caller and one route."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.support.functions import HttpResult, ask, post
from tests.support.idempotency import KEY, OPENAI, idempotency_outcome, once
from tests.support.upstream import Upstream

pytestmark = pytest.mark.usefixtures("provider", "keys")
CALLERS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"authorizer": {"principalId": "alice"}}, {}),
    ({"authorizer": {"principalId": "bob"}}, {"authorization": "Bearer one"}),
    ({"identity": {"userArn": "arn:aws:iam::1:user/alice"}}, {}),
    ({"identity": {"userArn": "arn:aws:iam::1:user/bob"}}, {}),
    ({"identity": {"userArn": None, "caller": "AIDA1"}}, {}),
    ({"authorizer": None, "identity": {"userArn": None}}, {"authorization": "Bearer one"}),
    ({}, {"x-api-key": "two \ud83d"}),
    ({}, {"authorization": "Bearer one", "x-api-key": "two"}),
    ({}, {"authorization": "Bearer one", "x-api-key": "three"}),
    ({}, {}),
]


def test_callers_with_the_same_key_get_separate_answers(provider: Upstream, store: str) -> None:
    def call(context: dict[str, Any], headers: dict[str, str]) -> HttpResult:
        return post(ask("m"), requestContext=context, headers={**headers, "Idempotency-Key": KEY})

    first = [idempotency_outcome(call(*caller)) for caller in CALLERS]
    second = [idempotency_outcome(call(*caller)) for caller in CALLERS]

    assert first == [None] * len(CALLERS)
    assert second == ["replayed"] * len(CALLERS)
    assert len(provider.received) == len(CALLERS)


def test_routes_with_the_same_key_get_separate_answers(provider: Upstream, store: str) -> None:
    assert once(ask("m"), "/v1/chat").json.keys() != once(ask("m"), OPENAI).json.keys()
    assert len(provider.received) == 2


def test_a_base_path_of_a_custom_domain_does_not_change_the_route(
    provider: Upstream, store: str
) -> None:
    once(ask("m"))

    assert idempotency_outcome(once(ask("m"), resource="/v1/chat")) == "replayed"


@pytest.mark.parametrize("key", ["", "x" * 256, "schlüssel", "a\tb", "a\x7f"])
@pytest.mark.parametrize("store", [True, False])
def test_an_invalid_key_is_400(
    provider: Upstream, key: str, store: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHATD_IDEMPOTENCY_FILE", str(tmp_path / "records") if store else "")

    refused = once(ask("m"), key=key)

    assert (refused.status, refused.json["error"]["param"]) == (400, "Idempotency-Key")
    assert provider.received == []


@pytest.mark.parametrize("key", ["x", "x" * 255, ' "quoted" ~!'])
def test_a_key_of_printable_characters_is_accepted(
    provider: Upstream, store: str, key: str
) -> None:
    once(ask("m"), key=key)

    assert idempotency_outcome(once(ask("m"), key=key)) == "replayed"
