"""Read the routes and functions of template.yaml.

The routes are the `Api` events of the template's functions, so that `make run` serves the routes
that a stack serves. An event that is not literal is an error; no event is skipped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from local import template
from local.template import Node, TemplateError

_METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS")
# Lambda's defaults, in seconds and MB: https://docs.aws.amazon.com/lambda/latest/api/API_CreateFunction.html
_TIMEOUT, _MEMORY = 3, 128


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the stack. `timeout` is in seconds, `memory` in MB."""

    name: str
    handler: str
    timeout: float
    memory: int


@dataclass(frozen=True, slots=True)
class Route:
    """A path in API Gateway's notation (`/v1/models/{id+}`), with its methods and function.

    Attributes:
        public: Whether callers need no key (`Auth: {Authorizer: NONE}` in the template).

    """

    path: str
    methods: tuple[str, ...]
    function: Function
    public: bool = False

    def parameters(self, path: str) -> dict[str, str] | None:
        """Match a path; return its parameters, or None if the path does not match.

        Args:
            path: The path of the request. %-escapes are not decoded, as in a REST API's events:
                https://github.com/hotsock/voker/pull/8.

        """
        parts = re.split(r"(\{[^{}]+\})", self.path)
        found = re.fullmatch("".join(map(_pattern, parts)), path)
        if found is None:
            return None
        names = [part.strip("{+}") for part in parts if part.startswith("{")]
        return dict(zip(names, found.groups(), strict=True))

    @property
    def rank(self) -> tuple[int, ...]:
        """Sort key of precedence: a literal part, then `{name}`, then `{name+}`."""
        return tuple(
            2 if part.endswith("+}") else int(part.startswith("{")) for part in self.path.split("/")
        )


def read(path: Path) -> list[Route]:
    """Read the routes of the template at `path`; the most specific route comes first.

    Raises:
        TemplateError: If a route is invalid; the message is one line with the place.

    """
    try:
        tree = template.read(path)
        routes = list(_routes(tree))
        _check(routes)
    except TemplateError as error:
        raise TemplateError(f"{path}: {error}") from None
    return sorted(routes, key=lambda route: route.rank)


def _routes(tree: Node) -> Iterator[Route]:
    for name, resource in tree.get("Resources").children():
        if resource.get("Type").value == "AWS::Serverless::Function":
            yield from _function_routes(name, resource, tree)


def _function_routes(name: str, resource: Node, tree: Node) -> Iterator[Route]:
    properties = resource.get("Properties")
    for _, event in properties.get("Events").children():
        kind = event.get("Type").text()
        if kind == "HttpApi":
            raise event.get("Type").error("must be Api where it is HTTP")
        if kind == "Api":
            if resource.get("Condition").value is not None:
                raise resource.get("Condition").error("must be absent where there is an Api event")
            yield _route(event.get("Properties"), _function(name, properties, tree))


def _function(name: str, properties: Node, tree: Node) -> Function:
    shared, parameters = tree.get("Globals").get("Function"), tree.get("Parameters")

    def property_of(key: str, default: object = None) -> Node:
        return properties.get(key, shared.get(key, default).value).resolve(parameters)

    return Function(
        name=name,
        handler=property_of("Handler").text(),
        timeout=property_of("Timeout", _TIMEOUT).number(),
        memory=int(property_of("MemorySize", _MEMORY).number()),
    )


def _route(event: Node, function: Function) -> Route:
    method = event.get("Method").text().upper()
    if method not in (*_METHODS, "ANY"):
        raise event.get("Method").error("must be an HTTP method or any")
    return Route(
        path=event.get("Path").text(),
        methods=_METHODS if method == "ANY" else (method,),
        function=function,
        public=event.get("Auth").get("Authorizer").value == "NONE",
    )


def _check(routes: list[Route]) -> None:
    if not routes:
        raise TemplateError("Resources: no AWS::Serverless::Function has an Api event")
    seen: dict[tuple[str, str], str] = {}
    for route in routes:
        for method in route.methods:
            other = seen.setdefault((method, route.path), route.function.name)
            if other != route.function.name:
                raise TemplateError(
                    f"Resources.{route.function.name}: {method} {route.path} is {other}'s already"
                )


def _pattern(part: str) -> str:
    if not part.startswith("{"):
        return re.escape(part)
    return "(.+)" if part.endswith("+}") else "([^/]+)"
