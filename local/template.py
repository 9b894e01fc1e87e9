"""template.yaml as a tree in which every value knows where it stands.

A value that only CloudFormation can compute is kept as such, and asking for the text or number in
it is an error that names the place. What the tree means is routes.py's.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml


class TemplateError(Exception):
    """What cannot be read in the template, as one line that names the place."""


@dataclass(frozen=True, slots=True)
class Intrinsic:
    """A value that only CloudFormation knows, such as `!Ref Stage`.

    Attributes:
        tag: Its tag.
        name: What follows the tag, where that is one word or line.

    """

    tag: str
    name: str = ""


class _Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short tags."""


_Loader.add_multi_constructor(
    "!",
    lambda _loader, tag, node: Intrinsic(
        f"!{tag}", node.value if isinstance(node, yaml.ScalarNode) else ""
    ),
)


@dataclass(frozen=True, slots=True)
class Node:
    """A value of the template, and its place in it (`Resources.Chat.Properties`)."""

    place: str
    value: Any

    def get(self, key: str, default: Any = None) -> Node:
        """The value under `key`; `default` where the mapping has none."""
        return Node(f"{self.place}.{key}".lstrip("."), self._mapping().get(key, default))

    def children(self) -> Iterator[tuple[str, Node]]:
        """Every key and value; none of an absent mapping."""
        for key in self._mapping():
            yield str(key), self.get(key)

    def resolve(self, parameters: Node) -> Node:
        """The value itself, or where it is a `!Ref` to a parameter, that parameter's default."""
        if not isinstance(self.value, Intrinsic) or self.value.tag != "!Ref":
            return self
        return Node(self.place, parameters.get(self.value.name).get("Default", self.value).value)

    def text(self) -> str:
        """The literal text that must stand here."""
        if not isinstance(self.value, str):
            raise self.error("must be a literal text")
        return self.value

    def number(self) -> float:
        """The literal number that must stand here."""
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self.error("must be a literal number")
        return self.value

    def error(self, what: str) -> TemplateError:
        """That `what` does not hold of this value."""
        return TemplateError(f"{self.place or 'the template'}: {what}, not {_describe(self.value)}")

    def _mapping(self) -> dict[Any, Any]:
        if self.value is None:
            return {}
        if not isinstance(self.value, dict):
            raise self.error("must be a mapping")
        return self.value


def read(path: Path) -> Node:
    """The tree of the template at `path`.

    Raises:
        TemplateError: When it cannot be read at all.

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
