"""Compile a JSON Schema; refuse an invalid schema, and one that is too costly to check.

Drafts 4 to 2020-12, in one document: a `$ref` to anything outside it is refused, never fetched.
https://json-schema.org/draft/2020-12/json-schema-core
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chatd.json_schema.budget import Budget, WorkLimitError
from chatd.json_schema.keywords import KEYWORDS, LAST
from chatd.json_schema.node import Node, Run
from chatd.json_schema.pattern import Pattern
from chatd.json_schema.pattern_syntax import PatternError, UnsupportedPatternError
from chatd.json_schema.references import References, is_legacy
from chatd.json_schema.values import SchemaError

# Steps to check one value, its members apart: 40 doublings by `$ref` would be 10¹².
_MAX_STEPS_A_VALUE = 20_000
# Schemas around each other, or referring to each other, for one value.
_MAX_NESTING = 60
_DRAFTS = frozenset(
    {
        "http://json-schema.org/schema",
        "http://json-schema.org/draft-04/schema",
        "http://json-schema.org/draft-06/schema",
        "http://json-schema.org/draft-07/schema",
        "https://json-schema.org/draft/2019-09/schema",
        "https://json-schema.org/draft/2020-12/schema",
    }
)
_DYNAMIC = ("$dynamicRef", "$recursiveRef")


class Schema:
    """A compiled schema of one document.

    Args:
        document: The schema, as JSON.
        budget: Pays for the compilation.

    Raises:
        SchemaError: If it is not a schema that stands by itself.
        WorkLimitError: If it is too large, nested too deeply, or too costly to check.

    """

    def __init__(self, document: Mapping[str, Any], budget: Budget) -> None:
        self._budget = budget
        draft = document.get("$schema", "https://json-schema.org/draft/2020-12/schema")
        if not isinstance(draft, str) or _without_scheme(draft) not in _KNOWN_DRAFTS:
            raise SchemaError(
                "its '$schema' names no known draft; leave it out, or name draft 4, 6, 7, 2019-09"
                " or 2020-12"
            )
        self._legacy = is_legacy(draft)
        self.draft4 = "draft-04" in draft
        self._nodes: dict[int, Node] = {}
        self._waiting: list[tuple[Any, Node]] = []
        self._nesting = 0
        self._references = References(document, draft, budget)
        self._root = self.node(document)
        while self._waiting:
            self._compile(*self._waiting.pop())
        self._check_cost()

    def allows(self, value: Any, budget: Budget) -> bool:
        """Return whether the value is valid.

        A pattern that cannot be matched in linear time is not checked: it neither makes a value
        invalid nor valid.

        Raises:
            WorkLimitError: If the check exceeds its budget.

        """
        run = Run(budget)
        if self._root.is_valid(value, run):
            return True
        return run.used_unknown and self._root.is_valid(value, Run(budget, unknown_result=False))

    def node(self, schema: Any) -> Node:
        """Return the node of a schema within the document; a new node is compiled later.

        Raises:
            SchemaError: If it is neither an object nor a boolean.

        """
        if not isinstance(schema, dict | bool):
            raise SchemaError("a schema in it is neither an object nor true or false")
        node = self._nodes.get(id(schema))
        if node is None:
            node = self._nodes[id(schema)] = Node()
            self._waiting.append((schema, node))
        return node

    def pattern(self, source: Any) -> Pattern | None:
        """Compile a pattern; return None if no match in linear time is possible.

        Raises:
            SchemaError: If it is not a regular expression.

        """
        if not isinstance(source, str):
            raise SchemaError("a 'pattern' in it is not a string")
        try:
            return Pattern(source, self._budget)
        except PatternError:
            raise SchemaError("a 'pattern' in it is not a regular expression") from None
        except UnsupportedPatternError:
            return None

    @property
    def budget(self) -> Budget:
        """The budget of the compilation."""
        return self._budget

    def _compile(self, schema: Any, node: Node) -> None:
        if isinstance(schema, bool):
            if not schema:
                node.checks.append(lambda _value, _run, _evaluated: False)
            return
        self._budget.spend(1 + len(schema))
        if any(name in schema for name in _DYNAMIC):
            raise SchemaError("'$dynamicRef' and '$recursiveRef' are not supported; use '$ref'")
        if "$ref" in schema:
            target = self.node(self._references.target(schema))
            node.in_place.append(target)
            node.checks.append(target.is_valid_isolated)
            if self._legacy:
                return
        for keywords, checks in ((KEYWORDS, node.checks), (LAST, node.last)):
            for keyword in [name for name in keywords if name in schema]:
                check = keywords[keyword](self, schema, node)
                if check is not None:
                    checks.append(check)

    def _check_cost(self) -> None:
        """Refuse a schema that applies itself to one value without end, or too often."""
        costs: dict[int, tuple[int, int]] = {}
        for root in self._nodes.values():
            path: list[tuple[Node, int]] = [(root, 0)]
            open_nodes = {id(root)}
            while path:
                node, position = path[-1]
                if id(node) in costs or position == len(node.in_place):
                    path.pop()
                    open_nodes.discard(id(node))
                    if id(node) not in costs:
                        costs[id(node)] = _cost(node, costs)
                    continue
                self._budget.spend()
                path[-1] = (node, position + 1)
                child = node.in_place[position]
                if id(child) in open_nodes:
                    raise SchemaError("it refers to itself without end")
                if id(child) not in costs:
                    path.append((child, 0))
                    open_nodes.add(id(child))


def _cost(node: Node, costs: Mapping[int, tuple[int, int]]) -> tuple[int, int]:
    """Return the steps and the nesting that a node takes for one value."""
    parts = [costs[id(child)] for child in node.in_place]
    steps = 1 + len(node.checks) + sum(steps for steps, _ in parts)
    nesting = 1 + max((nesting for _, nesting in parts), default=0)
    if steps > _MAX_STEPS_A_VALUE or nesting > _MAX_NESTING:
        raise WorkLimitError
    return steps, nesting


def _without_scheme(uri: str) -> str:
    return uri.removesuffix("#").partition("://")[2]


_KNOWN_DRAFTS = frozenset(_without_scheme(draft) for draft in _DRAFTS)
