"""Test that API Gateway itself answers 404 to Claude Code's side requests, without a Lambda call.

Claude Code sends `HEAD /` at its start and its telemetry to `/api/event_logging/` of the same host.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

Stack = dict[str, Any]

SIDE_REQUESTS = ["/", "/api/event_logging/batch", "/api/event_logging/v2/batch", "/api/hello"]


def pattern(path: str) -> str:
    """Write a path of the API as a regular expression: `{name}` is a part, `{name+}` the rest."""
    parts = re.split(r"(\{[^{}]+\})", path)
    return "".join(
        re.escape(part) if not part.startswith("{") else ".+" if "+" in part else "[^/]+"
        for part in parts
    )


@pytest.mark.parametrize("path", SIDE_REQUESTS)
def test_no_route_of_the_stack_has_the_path(stack: Stack, path: str) -> None:
    paths = stack["Resources"]["Api"]["Properties"]["Body"]["paths"]

    assert [route for route in paths if re.fullmatch(pattern(route), path)] == []


def test_a_path_of_a_route_is_found(stack: Stack) -> None:
    paths = stack["Resources"]["Api"]["Properties"]["Body"]["paths"]

    assert [route for route in paths if re.fullmatch(pattern(route), "/v1/models/a/b")] == [
        "/v1/models/{id+}"
    ]


def test_a_path_without_a_route_is_api_gateways_404(stack: Stack) -> None:
    body = stack["Resources"]["Api"]["Properties"]["Body"]

    answer = body["x-amazon-apigateway-gateway-responses"]["MISSING_AUTHENTICATION_TOKEN"]
    assert answer["statusCode"] == "404"
