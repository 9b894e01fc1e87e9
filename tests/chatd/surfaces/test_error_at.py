"""A failure outside every surface has a body for all SDKs; below a surface, that of the surface."""

from __future__ import annotations

import pytest

from chatd.errors import RouteNotFoundError
from chatd.surfaces import SURFACES, ErrorResponse, error_at, neutral_error, openai_error, surface
from tests.support.functions import get, post

ERROR = {
    "message": "no",
    "type": "invalid_request_error",
    "param": None,
    "code": "route_not_found",
    "request_id": "id-1",
}


def parts(written: ErrorResponse) -> tuple[object, ...]:
    return written.status, written.headers, written.body


def test_a_neutral_body_has_openais_error_and_anthropics_fields() -> None:
    written = neutral_error(RouteNotFoundError("no"), "id-1")

    assert (written.status, written.headers) == (404, {})
    assert written.body == {"type": "error", "request_id": "id-1", "error": ERROR}


def test_openais_body_has_only_the_error() -> None:
    assert openai_error(RouteNotFoundError("no"), "id-1").body == {"error": ERROR}


@pytest.mark.parametrize("name", SURFACES)
@pytest.mark.parametrize("below", ["", "/unknown", "/a/b/c"])
def test_at_and_below_a_surface_the_surface_writes(name: str, below: str) -> None:
    written = error_at(SURFACES[name].path + below, RouteNotFoundError("no"), "id-1")

    assert parts(written) == parts(surface(name).error(RouteNotFoundError("no"), "id-1"))


@pytest.mark.parametrize("path", ["/v1/unknown", "/", "", "/v1", "/v1/chatter", "v1/chat/x"])
def test_any_other_path_gets_the_neutral_body(path: str) -> None:
    written = error_at(path, RouteNotFoundError("no"), "id-1")

    assert parts(written) == parts(neutral_error(RouteNotFoundError("no"), "id-1"))


def test_an_unknown_route_of_either_function_is_readable_by_all_sdks() -> None:
    for result in (post({}, "/v1/unknown"), get("/v1/unknown")):
        error = result.json["error"]

        assert (result.status, error["code"]) == (404, "route_not_found")
        assert result.json["type"] == "error"
        assert result.json["request_id"] == error["request_id"] == result.headers["request-id"]
