"""Resolve each `$ref` of a JSON Schema within its document, without fetching."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin

from chatd.json_schema.budget import Budget
from chatd.json_schema.values import SchemaError

_LEGACY = ("draft-04", "draft-06", "draft-07")
_INDEX = re.compile("[0-9]{1,8}")


def is_legacy(draft: str) -> bool:
    """Whether a `$ref` hides its sibling keywords, as before draft 2019-09."""
    return any(name in draft for name in _LEGACY)


class References:
    """The identifiers, anchors and base URIs of one document.

    Args:
        document: The schema.
        draft: The URI of its draft.
        budget: Pays for the search.

    """

    def __init__(self, document: Mapping[str, Any], draft: str, budget: Budget) -> None:
        self._identifier = "id" if "draft-04" in draft else "$id"
        self._legacy = is_legacy(draft)
        self._budget = budget
        self._resources: dict[str, Any] = {"": document}
        self._anchors: dict[tuple[str, str], Any] = {}
        self._bases: dict[int, str] = {}
        self._scan(document)

    def _scan(self, document: Any) -> None:
        """Find identifiers and anchors, and the base URI of every object."""
        waiting = [(document, "")]
        while waiting:
            value, base = waiting.pop()
            self._budget.spend()
            if isinstance(value, list):
                waiting.extend((item, base) for item in value)
            if not isinstance(value, dict):
                continue
            identifier = value.get(self._identifier)
            if isinstance(identifier, str) and not (self._legacy and "$ref" in value):
                base = self._identified(value, base, identifier)
            for name in ("$anchor", "$dynamicAnchor"):
                anchor = value.get(name)
                if isinstance(anchor, str):
                    self._anchors[base, anchor] = value
            self._bases[id(value)] = base
            waiting.extend((item, base) for item in value.values())

    def _identified(self, value: Any, base: str, identifier: str) -> str:
        """Register an identifier; return the base URI for its schema."""
        self._budget.spend(len(base) + len(identifier))
        uri, anchor = _joined(base, identifier)
        if anchor:
            self._anchors[uri, anchor] = value
        if uri != base:
            self._resources[uri] = value
        return uri

    def target(self, schema: Mapping[str, Any]) -> Any:
        """The schema that the `$ref` of this one refers to.

        Raises:
            SchemaError: If the reference leads out of the document, or to no place in it.

        """
        reference = schema["$ref"]
        base = self._bases.get(id(schema), "")
        if not isinstance(reference, str):
            raise SchemaError("a '$ref' in it is not a string")
        self._budget.spend(len(base) + len(reference))
        uri, fragment = _joined(base, reference)
        if uri not in self._resources:
            raise SchemaError("a '$ref' in it leads out of the schema; no document is fetched")
        if not fragment:
            return self._resources[uri]
        if not fragment.startswith("/"):
            if (uri, fragment) not in self._anchors:
                raise SchemaError("a '$ref' in it names an anchor that does not exist")
            return self._anchors[uri, fragment]
        target = self._resources[uri]
        for token in fragment[1:].split("/"):
            name = token.replace("~1", "/").replace("~0", "~")
            target = _member(target, name)
        return target


def _member(container: Any, name: str) -> Any:
    if isinstance(container, dict) and name in container:
        return container[name]
    if isinstance(container, list) and _INDEX.fullmatch(name) and int(name) < len(container):
        return container[int(name)]
    raise SchemaError("a '$ref' in it names a place that does not exist")


def _joined(base: str, reference: str) -> tuple[str, str]:
    """The absolute URI without its fragment, and the fragment."""
    if reference.startswith("#"):  # urljoin cannot join a fragment to a `urn:`
        return base, unquote(reference[1:])
    try:
        uri, fragment = urldefrag(urljoin(base, reference))
    except ValueError:
        raise SchemaError("a '$ref' or '$id' in it is not a URI") from None
    return uri, unquote(fragment)
