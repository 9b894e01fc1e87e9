"""Parse template.yaml into a tree of values with their places.

A value that only CloudFormation can compute is kept as an `Intrinsic`; reading it as a text or a
number is an error that names the place.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class TemplateError(Exception):
    """The template is invalid; the message is one line with the place."""


@dataclass(frozen=True, slots=True)
class Intrinsic:
    """A value that CloudFormation computes, such as `!Ref Stage`.

    Attributes:
        tag: The tag, such as `!Ref`.
        name: The scalar after the tag; empty after a list or mapping.

    """

    tag: str
    name: str = ""


class _Loader(yaml.SafeLoader):
    """Load YAML with CloudFormation's short tags."""


_Loader.add_multi_constructor(
    "!",
    lambda _loader, tag, node: Intrinsic(
        f"!{tag}", node.value if isinstance(node, yaml.ScalarNode) else ""
    ),
)


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the template with its place, such as `Resources.Chat.Properties`."""

    place: str
    value: Any

    def get(self, key: str, default: Any = None) -> Node:
        """Return the value of `key`, or `default` if the mapping has no such key."""
        return Node(f"{self.place}.{key}".lstrip("."), self._mapping().get(key, default))

    def children(self) -> Iterator[tuple[str, Node]]:
        """Yield each key and value; an absent mapping counts as empty."""
        for key in self._mapping():
            yield str(key), self.get(key)

    def resolve(self, parameters: Node) -> Node:
        """Replace a `!Ref` to a parameter by the parameter's default."""
        if not isinstance(self.value, Intrinsic) or self.value.tag != "!Ref":
            return self
        return Node(self.place, parameters.get(self.value.name).get("Default", self.value).value)

    def text(self) -> str:
        """Return the value, which must be a literal text."""
        if not isinstance(self.value, str):
            raise self.error("must be a literal text")
        return self.value

    def number(self) -> float:
        """Return the value, which must be a literal number."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.error("must be a literal number")
        return self.value

    def error(self, requirement: str) -> TemplateError:
        """Return the error that this value violates a requirement."""
        return TemplateError(
            f"{self.place or 'the template'}: {requirement}, not {_describe(self.value)}"
        )

    def _mapping(self) -> dict[Any, Any]:
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self.error("must be a mapping")
        return self.value


def read(path: Path) -> Node:
    """Read the template at `path`.

    Raises:
        TemplateError: If the file cannot be read or is not YAML.

    """
    try:
        return Node("", yaml.load(path.read_text("utf-8"), Loader=_Loader))  # noqa: S506  # it is a SafeLoader
    except OSError as error:
        raise TemplateError(f"cannot be read: {error.strerror}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise TemplateError(f"is not YAML: {' '.join(str(error).split())}") from None


def _describe(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, Intrinsic):
        return value.tag
    if isinstance(value, dict) and len(value) == 1 and str(*value).startswith(("Ref", "Fn::")):
        return str(*value)
    return f"{str(value)[:60]!r}"
