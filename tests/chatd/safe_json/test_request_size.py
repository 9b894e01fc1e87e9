"""A request over 5 MB is refused before it is read, with the figures and a remedy."""

from __future__ import annotations

import pytest

from chatd.safe_json.request_size import too_many_bytes
from chatd.surfaces import SURFACES
from tests.support.functions import ask, post
from tests.support.upstream import Upstream


@pytest.mark.parametrize("name", sorted(SURFACES))
def test_a_body_over_5_mb_is_413_with_the_figures(provider: Upstream, name: str) -> None:
    result = post("x" * (5 * 1024 * 1024 + 1), SURFACES[name].path)

    assert result.status == 413
    assert "request_too_large" in str(result.json["error"])
    assert result.json["error"]["message"] == too_many_bytes(5 * 1024 * 1024 + 1)
    assert "5,242,881 bytes or more" in result.json["error"]["message"]
    assert provider.received == []


def test_a_413_names_the_context_window_so_that_claude_code_reports_a_long_prompt() -> None:
    assert "context window" in too_many_bytes(5 * 1024 * 1024 + 1)


def test_a_body_just_under_5_mb_is_served(provider: Upstream) -> None:
    assert post(ask("m", "x" * (5 * 1024 * 1024 - 200))).status == 200
