"""Every route fails in its surface's shape, and every route that needs a key has a preflight."""

from __future__ import annotations

import pytest

import chat.app
from chatd.errors import RouteNotFoundError
from chatd.surfaces import SURFACES, error_at
from tests.contract.registries import template_routes

FUNCTIONS = {"chat.app.lambda_handler", "providers.app.lambda_handler"}
OPEN = {"GET /openapi.json", "GET /docs", "GET /health"}
PATHS = tuple(entry.path for entry in SURFACES.values())
AT_SURFACES = sorted(
    route for route in chat.app.router.routes if route.partition(" ")[2].startswith(PATHS)
)
ROUTES = sorted(route for route in template_routes() if not route.startswith("OPTIONS "))


@pytest.mark.parametrize("route", AT_SURFACES)
def test_a_route_at_or_below_a_surface_fails_in_the_surface_s_shape(route: str) -> None:
    failure = RouteNotFoundError("no")
    written = chat.app.router.routes[route].error(failure, "id-1")
    expected = error_at(route.partition(" ")[2], failure, "id-1")

    assert (written.status, written.body) == (expected.status, expected.body)


@pytest.mark.parametrize("route", sorted(set(ROUTES) - OPEN))
def test_a_route_that_needs_a_key_has_a_preflight_in_the_other_function(route: str) -> None:
    preflight = template_routes().get(f"OPTIONS {route.partition(' ')[2]}")

    assert {preflight, template_routes()[route]} == FUNCTIONS
